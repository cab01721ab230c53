/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Test device: the object, its place in a VM, and what the host asks of it. The registers are in
 * testdev_regs.c; guests/abi.h says what they do.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include <axvmm/memory.h>
#include <axvmm/vcpu.h>

#include "dev/testdev.h"

/* As the first version of the library had it. */
#define RESULT_SIZE_MIN sizeof(AxTestResult)

void testdev_end(AxTestDev *dev, AxVCpu *vcpu, AxTestDevEnd end, uint64_t value)
{
	AxTestResult *result = &dev->locked.result;

	ax_lock(dev->lock);
	if (result->end == AX_TESTDEV_RUNS) {
		result->end = end;
		result->vcpu = ax_vcpu_id(vcpu);
		if (end == AX_TESTDEV_DONE) {
			result->code = (uint32_t)value;
		} else {
			result->line = value;
			result->compared = dev->words.compared;
			result->actual = dev->words.actual;
			result->expected = dev->words.expected;
		}
	}
	ax_unlock(dev->lock);
}

int ax_testdev_result(AxTestDev *dev, AxTestResult *result)
{
	AxTestResult now;
	size_t size = result->size;

	if (size < RESULT_SIZE_MIN)
		return -EINVAL;
	ax_lock(dev->lock);
	now = dev->locked.result;
	ax_unlock(dev->lock);
	now.sync_count = dev->words.sync_count;
	now.size = size;
	/* A caller of a newer library finds zero in what this one does not know. */
	memset(result, 0, size);
	memcpy(result, &now, sizeof(now));
	return 0;
}

size_t ax_testdev_syncs(AxTestDev *dev, uint64_t *values, size_t max)
{
	uint64_t end = dev->words.sync_count;
	size_t count = end < AX_TESTDEV_SYNCS ? end : AX_TESTDEV_SYNCS;

	if (count > max)
		count = max;
	for (size_t i = 0; i < count; i++)
		values[i] = dev->words.syncs[(end - count + i) % AX_TESTDEV_SYNCS];
	return count;
}

bool testdev_is_kick_word(AxVm *vm, uint64_t addr)
{
	AxRamInfo ram;

	if (addr % sizeof(uint64_t))
		return false;
	for (unsigned i = 0; ax_ram_info(vm, i, &ram); i++) {
		/* Both are page aligned, so an aligned word that begins inside ends inside. */
		if (addr >= ram.base && addr - ram.base < ram.size)
			return !(ram.flags & AX_RAM_READONLY);
	}
	return false;
}

void ax_testdev_kick_seen(AxTestDev *dev, AxVCpu *vcpu, uint64_t vector)
{
	uint64_t addr = dev->words.kick_word;
	AxVm *vm = ax_vcpu_vm(vcpu);
	AxMemView view;

	/* RAM may have changed since the guest named the word. */
	if (!addr || !testdev_is_kick_word(vm, addr) ||
	    ax_mem_get(vm, addr, sizeof(uint64_t), AX_MEM_WRITE, &view))
		return;
	/* One store: the guest spins on the word. All architectures here are little endian. */
	__atomic_store_n((uint64_t *)view.host, AX_TEST_KICK_SEEN | vector, __ATOMIC_RELEASE);
	ax_mem_put(vm, &view, sizeof(uint64_t));
}

int ax_testdev_new(const AxTestDevConfig *config, AxTestDev **out, AxError *err)
{
	const uint32_t flags = AX_TESTDEV_COUNT_READONLY | AX_TESTDEV_NO_RAISE;
	AxTestDevConfig known = AX_TESTDEV_CONFIG_INIT;
	AxTestDev *dev;
	int ret;

	ret = ax_dev_config(&known, sizeof(known), config, sizeof(known), "AxTestDevConfig", err);
	if (ret)
		return ret;
	if (known.flags & ~flags)
		return ax_error_argument(err, -EINVAL, "unknown test device flags 0x%x",
					 known.flags);
	dev = calloc(1, sizeof(*dev));
	if (!dev)
		return ax_dev_error_nomem(err, "a test device");
	dev->host = known.host;
	dev->flags = known.flags;
	ret = ax_dev_name(&dev->link, known.name, "testdev", err);
	if (ret)
		goto fail;
	ret = -ENOMEM;
	dev->lock = ax_lock_new();
	if (!dev->lock)
		goto no_memory;
	if (dev->host) {
		ax_host_owner(dev->host, dev->link.name);
		dev->timer = ax_timer_new(dev->host, testdev_timer, dev);
		if (!dev->timer)
			goto no_memory;
	}
	testdev_device_ops.reset(dev);
	*out = dev;
	return 0;

no_memory:
	ax_dev_error_nomem(err, "a test device");
fail:
	ax_lock_free(dev->lock);
	free(dev);
	return ret;
}

int ax_testdev_attach(AxTestDev *dev, AxVm *vm, AxGuestPhysAddr mmio_base, uint32_t port_base,
		      AxError *err)
{
	struct ax_dev_window windows[AX_DEV_WINDOWS];
	unsigned count = 0;
	int ret;

	if (mmio_base % sizeof(uint64_t))
		return ax_error_argument(err, -EINVAL, "the test device is 8-byte aligned");
	if (mmio_base > UINT64_MAX - AX_TEST_READONLY_DISTANCE - AX_TEST_READONLY_SIZE)
		return ax_error_argument(err, -EINVAL,
					 "the test device lies too near the end of memory");
	if (mmio_base) {
		windows[count++] = (struct ax_dev_window){ AX_SPACE_MMIO, mmio_base,
							   TESTDEV_LOW_LENGTH, &testdev_low_ops };
		windows[count++] =
			(struct ax_dev_window){ AX_SPACE_MMIO, mmio_base + TESTDEV_HIGH_OFFSET,
						TESTDEV_HIGH_LENGTH, &testdev_high_ops };
	}
	if (mmio_base && dev->flags & AX_TESTDEV_COUNT_READONLY)
		windows[count++] =
			(struct ax_dev_window){ AX_SPACE_MMIO,
						mmio_base + AX_TEST_READONLY_DISTANCE,
						AX_TEST_READONLY_SIZE, &testdev_readonly_ops };
	if (port_base)
		windows[count++] = (struct ax_dev_window){ AX_SPACE_PORT, port_base,
							   TESTDEV_PORT_LENGTH, &testdev_port_ops };
	ret = ax_dev_attach(&dev->link, vm, windows, count, NULL, &testdev_device_ops, dev, err);
	if (ret)
		return ret;
	ax_lock(dev->lock);
	dev->vm = vm;
	ax_unlock(dev->lock);
	return 0;
}

int ax_testdev_detach(AxTestDev *dev, AxError *err)
{
	int ret;

	ret = ax_dev_detach(&dev->link, err);
	if (ret)
		return ret;
	/* No vCPU asks for anything any more; the timer's callback uses the VM under the lock. */
	ax_lock(dev->lock);
	dev->vm = NULL;
	dev->locked.pending_count = 0;
	ax_unlock(dev->lock);
	return 0;
}

void ax_testdev_free(AxTestDev *dev)
{
	if (!dev)
		return;
	ax_timer_free(dev->timer);
	ax_lock_free(dev->lock);
	free(dev);
}
