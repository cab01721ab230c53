/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The host's side of guests/abi.h beyond the test device; hypercalls are in testhost_calls.c.
 */
#include <axvmm/memory.h>

#include "machine/testhost.h"

/* Section 6. Registers are named by their distance from the first one. */
static AxHandled read_sys_reg(AxVCpu *vcpu, void *opaque, AxSysRegAddr addr, uint64_t *value)
{
	struct testhost *host = opaque;
	AxSysRegAddr index = addr - host->sys_regs;

	if (index < AX_TEST_MSR_STORAGE_COUNT) {
		*value = atomic_load(&host->storage[index]);
		return AX_HANDLED;
	}
	if (index == AX_TEST_MSR_IDENTITY - AX_TEST_MSR_BASE) {
		*value = AX_TEST_IDENTITY_VALUE;
		return AX_HANDLED;
	}
	return AX_UNHANDLED;
}

static AxHandled write_sys_reg(AxVCpu *vcpu, void *opaque, AxSysRegAddr addr, uint64_t value)
{
	struct testhost *host = opaque;
	AxSysRegAddr index = addr - host->sys_regs;

	if (index >= AX_TEST_MSR_STORAGE_COUNT)
		return AX_UNHANDLED;
	atomic_store(&host->storage[index], value);
	return AX_HANDLED;
}

int testhost_add_sys_regs(struct testhost *host, AxVm *vm, AxSysRegAddr first, AxError *err)
{
	static const AxSysRegOps ops = { sizeof(ops), read_sys_reg, write_sys_reg };

	host->sys_regs = first;
	return ax_sys_reg_add(vm, "test host", first, AX_TEST_MSR_COUNT, &ops, host, err);
}

/* Section 11. */
static AxHandled read_csr(AxVCpu *vcpu, void *opaque, AxSysRegAddr addr, uint64_t *value)
{
	struct testhost *host = opaque;

	switch (addr) {
	case AX_TEST_CSR_SEED: *value = AX_TEST_SEED_VALUE; return AX_HANDLED;
	case AX_TEST_CSR_STOPEI: *value = AX_TEST_STOPEI_VALUE; return AX_HANDLED;
	default: *value = atomic_load(&host->storage[0]); return AX_HANDLED;
	}
}

static AxHandled write_csr(AxVCpu *vcpu, void *opaque, AxSysRegAddr addr, uint64_t value)
{
	struct testhost *host = opaque;

	if (addr == AX_TEST_CSR_SIREG)
		atomic_store(&host->storage[0], value);
	return AX_HANDLED;
}

int testhost_add_csrs(struct testhost *host, AxVm *vm, AxError *err)
{
	static const AxSysRegOps ops = { sizeof(ops), read_csr, write_csr };
	int ret;

	ret = ax_sys_reg_add(vm, "seed", AX_TEST_CSR_SEED, 1, &ops, host, err);
	if (!ret)
		ret = ax_sys_reg_add(vm, "sireg", AX_TEST_CSR_SIREG, 1, &ops, host, err);
	if (!ret)
		ret = ax_sys_reg_add(vm, "stopei", AX_TEST_CSR_STOPEI, 1, &ops, host, err);
	return ret;
}

int testhost_add_readonly(AxVm *vm, AxGuestPhysAddr test_base, AxError *err)
{
	AxGuestPhysAddr base = test_base + AX_TEST_READONLY_DISTANCE;
	AxMemView view;
	uint8_t *bytes;
	int ret;

	ret = ax_ram_add(vm, base, AX_TEST_READONLY_SIZE, AX_RAM_READONLY, err);
	if (ret)
		return ret;
	ret = ax_mem_get(vm, base, AX_TEST_READONLY_SIZE, AX_MEM_WRITE, &view);
	if (ret)
		return ret;
	bytes = view.host;
	for (uint32_t i = 0; i < AX_TEST_READONLY_SIZE; i++)
		bytes[i] = AX_TEST_PATTERN_BYTE(i);
	ax_mem_put(vm, &view, AX_TEST_READONLY_SIZE);
	return 0;
}

/* AX_TEST_KICK_WORD. */
static AxHandled tell_kick(AxVCpu *vcpu, void *opaque, uint64_t vector)
{
	struct testhost *host = opaque;

	ax_testdev_kick_seen(host->device, vcpu, vector);
	return AX_HANDLED;
}

static AxHandled tell_eoi(AxVCpu *vcpu, void *opaque, uint8_t vector)
{
	struct testhost *host = opaque;

	if (!host->eoi)
		return AX_UNHANDLED;
	host->eoi(host->eoi_opaque, vector);
	return AX_HANDLED;
}

int testhost_add_kicks(struct testhost *host, AxVm *vm, AxTestDev *device, AxError *err)
{
	static const AxEventOps ops = { .size = sizeof(ops),
					.interrupt = tell_kick,
					.irq_eoi = tell_eoi };

	host->device = device;
	return ax_event_set(vm, &ops, host, err);
}
