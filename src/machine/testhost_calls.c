/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The host's answers to hypercalls, by whichever route they come: guests/abi.h sections 4, 9 and 10,
 * and SBI's debug console.
 */
#include <axvmm/memory.h>
#include <axvmm/vcpu.h>

#include "machine/testhost.h"

/* SBI 2.0, chapter 12. */
#define SBI_EXT_DBCN	    0x4442434e
#define SBI_DBCN_WRITE	    0
#define SBI_DBCN_READ	    1
#define SBI_DBCN_WRITE_BYTE 2
/* Chapter 3, table 1. */
#define SBI_ERR_INVALID_PARAM (-3)

/* Bytes that one call prints: it may print fewer than it was given. */
#define DBCN_BYTES 4096

static uint64_t weigh(const uint64_t *args, unsigned count)
{
	uint64_t sum = 0;

	for (unsigned i = 0; i < count; i++)
		sum += (i + 1) * args[i];
	return sum;
}

/* Section 4. */
static AxHandled answer_number(const AxExitHypercall *call, uint64_t *result)
{
	switch (call->nr) {
	case AX_TEST_HYPERCALL_SUM: *result = weigh(call->args, 6); break;
	case AX_TEST_HYPERCALL_MAP_GPA_RANGE: *result = weigh(call->args, 3); break;
	default: *result = AX_TEST_HYPERCALL_UNKNOWN; break;
	}
	return AX_HANDLED;
}

/* Section 9. */
static AxHandled answer_smccc(const AxExitHypercall *call, uint64_t *result)
{
	if (call->nr != AX_TEST_SMCCC_SUM)
		return AX_UNHANDLED;
	*result = weigh(call->args, 6);
	return AX_HANDLED;
}

/* Whether all of it is RAM, in one piece or in several. */
static bool is_ram(AxVm *vm, uint64_t gpa, uint64_t len)
{
	AxRamInfo ram;

	if (len > UINT64_MAX - gpa)
		return false;
	for (unsigned i = 0; len && ax_ram_info(vm, i, &ram); i++) {
		uint64_t left;

		if (gpa < ram.base || gpa - ram.base >= ram.size)
			continue;
		left = ram.size - (gpa - ram.base);
		if (left > len)
			left = len;
		gpa += left;
		len -= left;
	}
	return !len;
}

static void print(const struct testhost *host, const uint8_t *bytes, size_t len)
{
	if (host->console.write)
		host->console.write(host->console.opaque, bytes, len);
}

static AxHandled console_write(const struct testhost *host, AxVCpu *vcpu, const uint64_t *args,
			       uint64_t *result)
{
	uint8_t bytes[DBCN_BYTES];
	uint64_t len = args[0] < DBCN_BYTES ? args[0] : DBCN_BYTES;

	if (args[2] || !is_ram(ax_vcpu_vm(vcpu), args[1], args[0]) ||
	    ax_mem_read(ax_vcpu_vm(vcpu), args[1], bytes, len)) {
		ax_vcpu_set_return_error(vcpu, SBI_ERR_INVALID_PARAM);
		return AX_HANDLED;
	}
	print(host, bytes, len);
	*result = len;
	return AX_HANDLED;
}

/* What is typed goes to the UART: there is never anything to read here. */
static AxHandled console_read(AxVCpu *vcpu, const uint64_t *args)
{
	if (args[2] || !is_ram(ax_vcpu_vm(vcpu), args[1], args[0]))
		ax_vcpu_set_return_error(vcpu, SBI_ERR_INVALID_PARAM);
	return AX_HANDLED;
}

static AxHandled answer_console(const struct testhost *host, AxVCpu *vcpu,
				const AxExitHypercall *call, uint64_t *result)
{
	uint8_t byte = (uint8_t)call->args[0];

	switch (call->function) {
	case SBI_DBCN_WRITE: return console_write(host, vcpu, call->args, result);
	case SBI_DBCN_READ: return console_read(vcpu, call->args);
	case SBI_DBCN_WRITE_BYTE: print(host, &byte, 1); return AX_HANDLED;
	default: return AX_UNHANDLED;
	}
}

/* Section 10. */
static AxHandled answer_sbi(const struct testhost *host, AxVCpu *vcpu, const AxExitHypercall *call,
			    uint64_t *result)
{
	if (call->nr == SBI_EXT_DBCN)
		return answer_console(host, vcpu, call, result);
	if (call->nr != AX_TEST_SBI_EXT || call->function != AX_TEST_HYPERCALL_SUM)
		return AX_UNHANDLED;
	*result = weigh(call->args, 6);
	return AX_HANDLED;
}

static AxHandled answer_call(AxVCpu *vcpu, void *opaque, const AxVCpuExitReason *exit,
			     uint64_t *result)
{
	const AxExitHypercall *call = &exit->hypercall;

	switch (call->route) {
	case AX_ROUTE_SMCCC: return answer_smccc(call, result);
	case AX_ROUTE_SBI: return answer_sbi(opaque, vcpu, call, result);
	default: return answer_number(call, result);
	}
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
