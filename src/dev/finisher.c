/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Finisher: SiFive's test finisher, by which riscv64 guests power off, reset, or end with a code.
 * Source: QEMU's board `virt` and its device tree (sifive,test0, syscon-poweroff, syscon-reboot).
 */
#include <errno.h>
#include <stdatomic.h>
#include <stdlib.h>

#include "dev/dev.h"

#define LENGTH	      0x1000
#define STATE_VERSION 1

/* Values of the low 16 bits; a failure's code stands above them. */
#define COMMAND_MASK  0xffff
#define COMMAND_FAIL  0x3333
#define COMMAND_PASS  0x5555
#define COMMAND_RESET 0x7777
#define CODE_SHIFT    16

struct AxFinisher {
	struct ax_dev_link link;
	_Atomic uint32_t
		used; /* the first command; 0 before it: one word, so that vCPUs need no lock */
};

static AxFinisherEnd end_of(uint32_t command)
{
	switch (command & COMMAND_MASK) {
	case COMMAND_FAIL: return AX_FINISHER_FAILED;
	case COMMAND_PASS: return AX_FINISHER_PASSED;
	case COMMAND_RESET: return AX_FINISHER_RESET;
	default: return AX_FINISHER_RUNS;
	}
}

static AxHandled finisher_read(AxVCpu *vcpu, void *opaque, uint64_t offset, AxAccessWidth width,
			       uint64_t *value)
{
	*value = 0;
	return AX_HANDLED;
}

/* The register is at the start; what it does not know does nothing. */
static AxHandled finisher_write(AxVCpu *vcpu, void *opaque, uint64_t offset, AxAccessWidth width,
				uint64_t value)
{
	AxFinisher *dev = opaque;
	uint32_t command = (uint32_t)(value & ax_dev_mask(width));
	uint32_t unused = 0;

	if (offset || end_of(command) == AX_FINISHER_RUNS)
		return AX_HANDLED;
	atomic_compare_exchange_strong(&dev->used, &unused, command);
	return AX_STOP;
}

static const AxRangeOps finisher_ops = {
	.size = sizeof(AxRangeOps),
	.read = finisher_read,
	.write = finisher_write,
};

AxFinisherEnd ax_finisher_result(AxFinisher *dev, uint32_t *code)
{
	uint32_t used = atomic_load(&dev->used);

	if (code)
		*code = used >> CODE_SHIFT;
	return end_of(used);
}

static void finisher_reset(void *opaque)
{
	AxFinisher *dev = opaque;

	atomic_store(&dev->used, 0);
}

static int finisher_save(void *opaque, AxState *state)
{
	AxFinisher *dev = opaque;

	ax_state_put_u8(state, STATE_VERSION);
	ax_state_put_u32(state, atomic_load(&dev->used));
	return ax_state_error(state);
}

static int finisher_restore(void *opaque, AxState *state)
{
	AxFinisher *dev = opaque;
	uint8_t version = ax_state_get_u8(state);
	uint32_t used = ax_state_get_u32(state);

	finisher_reset(dev);
	if (ax_state_error(state) || version != STATE_VERSION ||
	    (used && end_of(used) == AX_FINISHER_RUNS))
		return -EINVAL;
	atomic_store(&dev->used, used);
	return 0;
}

static const AxDeviceOps finisher_device_ops = {
	.size = sizeof(AxDeviceOps),
	.reset = finisher_reset,
	.save = finisher_save,
	.restore = finisher_restore,
};

int ax_finisher_new(const AxFinisherConfig *config, AxFinisher **out, AxError *err)
{
	AxFinisherConfig known = AX_FINISHER_CONFIG_INIT;
	AxFinisher *dev;
	int ret;

	ret = ax_dev_config(&known, sizeof(known), config, sizeof(known), "AxFinisherConfig", err);
	if (ret)
		return ret;
	dev = calloc(1, sizeof(*dev));
	if (!dev)
		return ax_dev_error_nomem(err, "a finisher");
	ret = ax_dev_name(&dev->link, known.name, "finisher", err);
	if (ret) {
		free(dev);
		return ret;
	}
	*out = dev;
	return 0;
}

int ax_finisher_attach(AxFinisher *dev, AxVm *vm, AxGuestPhysAddr base, AxError *err)
{
	const struct ax_dev_window window = { AX_SPACE_MMIO, base, LENGTH, &finisher_ops };

	return ax_dev_attach(&dev->link, vm, &window, 1, NULL, &finisher_device_ops, dev, err);
}

int ax_finisher_detach(AxFinisher *dev, AxError *err)
{
	return ax_dev_detach(&dev->link, err);
}

void ax_finisher_free(AxFinisher *dev)
{
	free(dev);
}
