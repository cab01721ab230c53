/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Debug exit, as QEMU's isa-debug-exit: a write of v ends the VM with code (v << 1) | 1, so that a
 * guest cannot end with 0 by accident.
 */
#include <errno.h>
#include <stdatomic.h>
#include <stdlib.h>

#include <axvmm/vm.h>

#include "dev/dev.h"

#define PORTS	      4
#define STATE_VERSION 1

/* The code of the first write with this bit set, 0 before it: one word, so that vCPUs need no lock. */
#define USED (UINT64_C(1) << 32)

struct AxDebugExit {
	struct ax_dev_link link;
	_Atomic uint64_t used;
};

static AxHandled debug_exit_read(AxVCpu *vcpu, void *opaque, uint64_t offset, AxAccessWidth width,
				 uint64_t *value)
{
	*value = 0;
	return AX_HANDLED;
}

static AxHandled debug_exit_write(AxVCpu *vcpu, void *opaque, uint64_t offset, AxAccessWidth width,
				  uint64_t value)
{
	AxDebugExit *dev = opaque;
	uint32_t code = (uint32_t)((value & ax_dev_mask(width)) << 1) | 1;
	uint64_t unused = 0;

	atomic_compare_exchange_strong(&dev->used, &unused, USED | code);
	ax_vm_stop(ax_vcpu_vm(vcpu), (int)code);
	return AX_STOP;
}

static const AxRangeOps debug_exit_ops = {
	.size = sizeof(AxRangeOps),
	.read = debug_exit_read,
	.write = debug_exit_write,
};

bool ax_debug_exit_result(AxDebugExit *dev, int *code)
{
	uint64_t used = atomic_load(&dev->used);

	if (used && code)
		*code = (int)(uint32_t)used;
	return used;
}

static void debug_exit_reset(void *opaque)
{
	AxDebugExit *dev = opaque;

	atomic_store(&dev->used, 0);
}

static int debug_exit_save(void *opaque, AxState *state)
{
	AxDebugExit *dev = opaque;

	ax_state_put_u8(state, STATE_VERSION);
	ax_state_put_u64(state, atomic_load(&dev->used));
	return ax_state_error(state);
}

static int debug_exit_restore(void *opaque, AxState *state)
{
	AxDebugExit *dev = opaque;
	uint8_t version = ax_state_get_u8(state);
	uint64_t used = ax_state_get_u64(state);
	bool possible = !used || (used >> 32 == 1 && (used & 1));

	debug_exit_reset(dev);
	if (ax_state_error(state) || version != STATE_VERSION || !possible)
		return -EINVAL;
	atomic_store(&dev->used, used);
	return 0;
}

static const AxDeviceOps debug_exit_device_ops = {
	.size = sizeof(AxDeviceOps),
	.reset = debug_exit_reset,
	.save = debug_exit_save,
	.restore = debug_exit_restore,
};

int ax_debug_exit_new(const AxDebugExitConfig *config, AxDebugExit **out, AxError *err)
{
	AxDebugExitConfig known = AX_DEBUG_EXIT_CONFIG_INIT;
	AxDebugExit *dev;
	int ret;

	ret = ax_dev_config(&known, sizeof(known), config, sizeof(known), "AxDebugExitConfig", err);
	if (ret)
		return ret;
	dev = calloc(1, sizeof(*dev));
	if (!dev)
		return ax_dev_error_nomem(err, "a debug exit");
	ret = ax_dev_name(&dev->link, known.name, "debug-exit", err);
	if (ret) {
		free(dev);
		return ret;
	}
	*out = dev;
	return 0;
}

int ax_debug_exit_attach(AxDebugExit *dev, AxVm *vm, AxPort port, AxError *err)
{
	const struct ax_dev_window window = { AX_SPACE_PORT, port, PORTS, &debug_exit_ops };

	return ax_dev_attach(&dev->link, vm, &window, 1, NULL, &debug_exit_device_ops, dev, err);
}

int ax_debug_exit_detach(AxDebugExit *dev, AxError *err)
{
	return ax_dev_detach(&dev->link, err);
}

void ax_debug_exit_free(AxDebugExit *dev)
{
	free(dev);
}
