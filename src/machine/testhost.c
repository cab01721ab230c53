/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The host's side of guests/abi.h beyond the test device.
 */
#include <axvmm/memory.h>

#include "machine/testhost.h"

/* Section 4. */
static AxHandled answer_call(AxVCpu *vcpu, void *opaque, const AxVCpuExitReason *exit,
			     uint64_t *result)
{
	const AxExitHypercall *call = &exit->hypercall;
	unsigned counted;

	switch (call->nr) {
	case AX_TEST_HYPERCALL_SUM: counted = 6; break;
	case AX_TEST_HYPERCALL_MAP_GPA_RANGE: counted = 3; break;
	default: *result = AX_TEST_HYPERCALL_UNKNOWN; return AX_HANDLED;
	}
	*result = 0;
	for (unsigned i = 0; i < counted; i++)
		*result += (i + 1) * call->args[i];
	return AX_HANDLED;
}

int testhost_add_hypercalls(struct testhost *host, AxVm *vm, AxGuestPhysAddr mmio_base,
			    uint32_t port_base, unsigned flags, AxError *err)
{
	static const AxHypercallOps ops = { sizeof(ops), answer_call };
	AxHypercallConfig config = AX_HYPERCALL_CONFIG_INIT;

	config.flags = flags;
	config.block_mmio = mmio_base + AX_TEST_HYPERCALL;
	config.block_port = port_base ? port_base + AX_TEST_PORT_HYPERCALL : 0;
	return ax_hypercall_set(vm, &config, &ops, host, err);
}

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

int testhost_add_kicks(struct testhost *host, AxVm *vm, AxTestDev *device, AxError *err)
{
	static const AxEventOps ops = { .size = sizeof(ops), .interrupt = tell_kick };

	host->device = device;
	return ax_event_set(vm, &ops, host, err);
}
