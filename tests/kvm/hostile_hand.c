/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The guest "hostile" run by hand: every call that a vCPU's owner has, at any exit. See hostile.h.
 */
#include "hostile.h"

#include <errno.h>

/* An owner's registers are exact behind a pending access, or refused. */
static void look_at_registers(AxVCpu *vcpu, uint64_t random)
{
	AxError err = AX_ERROR_INIT;
	uint8_t bytes[16];
	AxRegInfo info;
	uint64_t value;

	for (unsigned i = 0; ax_reg_info(i, &info); i++)
		if (info.bytes <= 8)
			hostile_returns(ax_vcpu_get_reg(vcpu, info.name, &value, &err), 0, -EPERM,
					-ENOENT, -ENOTSUP);
	hostile_returns(
		ax_vcpu_read_virtual(vcpu, random >> (random & 63), bytes, sizeof(bytes), &err), 0,
		-EFAULT, -ENOTSUP, -EPERM);
}

/* Finish what is pending; what comes up on the way is answered by nobody. */
static void settle(struct trial *trial, AxVCpu *vcpu, uint64_t random)
{
	AxVCpuExitReason exit = AX_EXIT_INIT;
	AxError err = AX_ERROR_INIT;
	unsigned tries = 0;
	int ret;

	do {
		ret = ax_vcpu_settle(vcpu, &exit, &err);
		ck_assert_msg(ret == 0 || ret == 1, "settle: %d: %s", ret, err.message);
		if (ret)
			hostile_check_exit(trial, &exit);
		/* A string instruction makes one exit after the other. */
	} while (ret && ++tries < 10000);
	ck_assert_int_eq(ret, 0);
	look_at_registers(vcpu, random);
}

static void answer_read(AxVCpu *vcpu, AxVCpuExitReason *exit, uint64_t random)
{
	static const uint8_t bytes[4096];
	AxError err = AX_ERROR_INIT;
	size_t len = random >> 8 & 0xfff;

	if (exit->kind == AX_EXIT_IO_READ && (random & 1))
		len = exit->io_read.count * ax_access_width_size(exit->io_read.width);
	if (exit->kind == AX_EXIT_MMIO_READ && !ax_vcpu_decode_mmio(vcpu, exit, &err)) {
		ck_assert_uint_lt(exit->mmio_read.reg, 32);
		ck_assert_uint_le(exit->mmio_read.reg_width, AX_WIDTH_QWORD);
	}
	switch (random >> 20 & 3) {
	case 0: hostile_returns(ax_vcpu_reply_read(vcpu, random), 0, -EPERM); break;
	case 1:
		hostile_returns(ax_vcpu_reply_bytes(vcpu, bytes, len % (sizeof(bytes) + 1)), 0,
				-EPERM, -EINVAL);
		break;
	case 2: hostile_returns(ax_vcpu_reply_fault(vcpu), 0, -EPERM); break;
	default: break;
	}
}

static void answer_call(AxVCpu *vcpu, const AxVCpuExitReason *exit, uint64_t random)
{
	AxError err = AX_ERROR_INIT;

	if (exit->kind != AX_EXIT_HYPERCALL)
		return;
	hostile_returns(ax_vcpu_set_return_value(vcpu, random, &err), 0, -EFAULT);
	if (random & 1)
		hostile_returns(ax_vcpu_set_return_error(vcpu, (int64_t)random), 0, -EPERM);
}

/* The guest has ended, as far as hardware is concerned. */
static bool is_end(const AxVCpuExitReason *exit)
{
	return exit->kind == AX_EXIT_SYSTEM_DOWN || exit->kind == AX_EXIT_FAIL_ENTRY ||
	       exit->kind == AX_EXIT_INTERNAL_ERROR;
}

/* One entry and what is done about its exit. Returns false at the end. */
static bool step(struct trial *trial, AxVCpu *vcpu)
{
	uint64_t random = hostile_random(&trial->random);
	AxVCpuExitReason exit = AX_EXIT_INIT;
	AxError err = AX_ERROR_INIT;

	ck_ok(ax_vcpu_run(vcpu, &exit, &err), err);
	hostile_check_exit(trial, &exit);
	if (is_end(&exit) && random % 4)
		return false;
	switch (random >> 8 & 15) {
	case 0: break; /* no answer */
	case 1:
	case 2:
	case 3:
	case 4:
	case 5:
	case 6: answer_read(vcpu, &exit, random >> 16); break;
	case 7:
	case 8: answer_call(vcpu, &exit, random >> 16); break;
	case 9: settle(trial, vcpu, random); break;
	case 10: look_at_registers(vcpu, random); break;
	case 11: hostile_returns(ax_vcpu_wait(vcpu, random >> 48, &err), 0, -ETIMEDOUT); break;
	default: return ax_vcpu_dispatch(vcpu, &exit) != AX_STOP;
	}
	return true;
}

void hostile_by_hand(struct trial *trial, uint64_t until_ns)
{
	AxVCpu *vcpu = ax_vm_vcpu_at(trial->vm, 0);
	AxError err = AX_ERROR_INIT;

	ck_ok(ax_vcpu_bind(vcpu, AX_ANY_CPU, &err), err);
	while (kvm_now() < until_ns && step(trial, vcpu))
		;
	settle(trial, vcpu, hostile_random(&trial->random));
	ck_ok(ax_vcpu_unbind(vcpu, &err), err);
}
