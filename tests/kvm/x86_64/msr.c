/* SPDX-License-Identifier: Apache-2.0 */
/*
 * RDMSR and WRMSR: what is claimed is an exit and the handler's affair, what is not is a general
 * protection fault in the guest or KVM's own.
 */
#include <errno.h>
#include <inttypes.h>
#include <string.h>

#include "code_x86.h"

/* Nobody's; KVM's own (SDM 4: IA32_PAT, and a register of the MTRRs). */
#define MSR_NOBODYS 0x41580000
#define MSR_PAT	    0x277
#define MSR_MTRRCAP 0xfe

/* Reasons of an exit: api.rst, KVM_EXIT_X86_RDMSR. */
#define REASON_UNKNOWN 2
#define REASON_FILTER  4

#define FILTER_MSRS   0x3000 /* most of one range: 1536 bytes of bits */
#define FILTER_RANGES 16

/* The last access that a handler saw, and what it says. */
struct seen {
	unsigned reads, writes;
	AxSysRegAddr addr;
	uint64_t value;
	uint64_t answer;
	AxHandled verdict;
};

static AxHandled on_read(AxVCpu *vcpu, void *opaque, AxSysRegAddr addr, uint64_t *value)
{
	struct seen *seen = opaque;

	seen->reads++;
	seen->addr = addr;
	*value = seen->answer;
	return seen->verdict;
}

static AxHandled on_write(AxVCpu *vcpu, void *opaque, AxSysRegAddr addr, uint64_t value)
{
	struct seen *seen = opaque;

	seen->writes++;
	seen->addr = addr;
	seen->value = value;
	return seen->verdict;
}

static const AxSysRegOps ops = { sizeof(ops), on_read, on_write };

static AxHandled on_end(AxVCpu *vcpu, void *opaque, uint64_t offset, AxAccessWidth width,
			uint64_t value)
{
	return AX_STOP;
}

static const AxRangeOps end_ops = { .size = sizeof(end_ops), .write = on_end };

/* A VM whose code ends with AX_STOP. Claims are to be made before code_add_vcpu(). */
static void open_msr(struct code_vm *vm)
{
	AxRange range = AX_RANGE_INIT;
	AxError err = AX_ERROR_INIT;

	code_open_vm(vm, NULL, CODE(msr));
	range.base = CODE_MMIO + CODE_END;
	range.length = 4;
	range.ops = &end_ops;
	ck_ok(ax_range_add_mmio(vm->vm, &range, NULL, &err), err);
}

/* False: this KVM has no filter, which has been said. */
static bool claim(struct code_vm *vm, AxSysRegAddr first, uint32_t count, struct seen *seen)
{
	AxError err = AX_ERROR_INIT;
	int ret = ax_sys_reg_add(vm->vm, "tested", first, count, &ops, seen, &err);

	if (ret == -ENOTSUP) {
		kvm_skip("exits of system registers: %s", err.message);
		return false;
	}
	ck_ok(ret, err);
	return true;
}

static void prepare(struct code_vm *vm, uint32_t msr, bool write, uint64_t value)
{
	code_set_word(vm, 0, 1, msr);
	code_set_word(vm, 0, 2, value);
	code_set_word(vm, 0, 3, write);
	code_set_word(vm, 0, 4, 0);
	code_set_word(vm, 0, 5, 0);
	code_restart(vm->vcpu);
}

/* One access in a run of the whole VM. Returns the faults that it gave the guest: 0 or 1. */
static uint64_t access_msr(struct code_vm *vm, uint32_t msr, bool write, uint64_t value)
{
	AxVmResult result = AX_VM_RESULT_INIT;
	AxError err = AX_ERROR_INIT;

	prepare(vm, msr, write, value);
	ck_ok(ax_vm_run(vm->vm, &result, &err), err);
	ck_assert_uint_eq(result.end, AX_VM_END_HANDLER);
	return code_word(vm, 0, 5);
}

static uint64_t guest_got(const struct code_vm *vm)
{
	return code_word(vm, 0, 4);
}

START_TEST(exits_say_register_value_and_reason)
{
	AxError err = AX_ERROR_INIT;
	AxVCpuExitReason exit;
	struct seen seen = { 0 };
	struct code_vm vm;

	open_msr(&vm);
	if (claim(&vm, MSR_NOBODYS, 1, &seen)) {
		code_add_vcpu(&vm, 0);
		prepare(&vm, MSR_NOBODYS, false, 0);
		ck_ok(ax_vcpu_bind(vm.vcpu, AX_ANY_CPU, &err), err);
		ck_ok(ax_vcpu_run(vm.vcpu, &exit, &err), err);
		ck_exit_kind(&exit, AX_EXIT_SYS_REG_READ);
		ck_assert_uint_eq(exit.sys_reg_read.addr, MSR_NOBODYS);
		ck_assert_uint_eq(exit.sys_reg_read.reg, AX_REG_UNKNOWN);
		ck_assert_uint_eq(exit.sys_reg_read.reason, REASON_FILTER);
		ck_assert_int_eq(ax_vcpu_reply_read(vm.vcpu, 0x8182838485868788), 0);
		ck_ok(ax_vcpu_run(vm.vcpu, &exit, &err), err);
		ck_exit_kind(&exit, AX_EXIT_MMIO_WRITE);
		ck_assert_uint_eq(guest_got(&vm), 0x8182838485868788);
		ck_ok(ax_vcpu_unbind(vm.vcpu, &err), err);

		/* What nobody claimed and KVM does not know is told, too. */
		prepare(&vm, MSR_NOBODYS + 5, true, 0x1122334455667788);
		ck_ok(ax_vcpu_bind(vm.vcpu, AX_ANY_CPU, &err), err);
		ck_ok(ax_vcpu_run(vm.vcpu, &exit, &err), err);
		ck_exit_kind(&exit, AX_EXIT_SYS_REG_WRITE);
		ck_assert_uint_eq(exit.sys_reg_write.addr, MSR_NOBODYS + 5);
		ck_assert_uint_eq(exit.sys_reg_write.value, 0x1122334455667788);
		ck_assert_uint_eq(exit.sys_reg_write.mask, UINT64_MAX);
		ck_assert_uint_eq(exit.sys_reg_write.reason, REASON_UNKNOWN);
		ck_assert_int_eq(ax_vcpu_reply_fault(vm.vcpu), 0);
		ck_ok(ax_vcpu_run(vm.vcpu, &exit, &err), err);
		ck_exit_kind(&exit, AX_EXIT_MMIO_WRITE);
		ck_assert_uint_eq(code_word(&vm, 0, 5), 1);
		ck_ok(ax_vcpu_unbind(vm.vcpu, &err), err);
	}
	code_close(&vm);
}
END_TEST

/* _i: a register that is nobody's, and two that KVM knows itself. */
START_TEST(claimed_registers_are_the_handlers)
{
	static const uint32_t registers[] = { MSR_NOBODYS, MSR_PAT, MSR_MTRRCAP };
	uint32_t msr = registers[_i];
	struct seen seen = { .answer = 0xfedcba9876543210 };
	struct code_vm vm;

	open_msr(&vm);
	if (claim(&vm, msr, 1, &seen)) {
		code_add_vcpu(&vm, 0);
		ck_assert_uint_eq(access_msr(&vm, msr, false, 0), 0);
		ck_assert_uint_eq(guest_got(&vm), seen.answer);
		ck_assert_uint_eq(seen.reads, 1);
		ck_assert_uint_eq(seen.addr, msr);
		ck_assert_uint_eq(access_msr(&vm, msr, true, 0x0102030405060708), 0);
		ck_assert_uint_eq(seen.writes, 1);
		ck_assert_uint_eq(seen.value, 0x0102030405060708);

		/* Refused by the handler: the fault, and no value. */
		seen.verdict = AX_UNHANDLED;
		ck_assert_uint_eq(access_msr(&vm, msr, false, 0), 1);
		ck_assert_uint_eq(access_msr(&vm, msr, true, 0), 1);
		ck_assert_uint_eq(seen.reads + seen.writes, 4);
	}
	code_close(&vm);
}
END_TEST

START_TEST(unclaimed_register_is_a_fault_in_the_guest)
{
	struct seen seen = { 0 };
	struct code_vm vm;

	open_msr(&vm);
	/* _i: whether another register is claimed, so that KVM asks. */
	if (!_i || claim(&vm, MSR_NOBODYS, 4, &seen)) {
		code_add_vcpu(&vm, 0);
		ck_assert_uint_eq(access_msr(&vm, MSR_NOBODYS + 4, false, 0), 1);
		ck_assert_uint_eq(access_msr(&vm, MSR_NOBODYS + 4, true, 1), 1);
		ck_assert_uint_eq(access_msr(&vm, MSR_NOBODYS - 1, false, 0), 1);
		ck_assert_uint_eq(seen.reads + seen.writes, 0);
		/* And what KVM knows stays KVM's. */
		ck_assert_uint_eq(access_msr(&vm, MSR_PAT, false, 0), 0);
		ck_assert_uint_ne(guest_got(&vm), 0);
	}
	code_close(&vm);
}
END_TEST

START_TEST(a_handlers_stop_ends_the_run_with_the_exit)
{
	struct seen seen = { .verdict = AX_STOP, .answer = 77 };
	AxVmResult result = AX_VM_RESULT_INIT;
	AxError err = AX_ERROR_INIT;
	struct code_vm vm;

	open_msr(&vm);
	if (claim(&vm, MSR_NOBODYS, 1, &seen)) {
		code_add_vcpu(&vm, 0);
		prepare(&vm, MSR_NOBODYS, false, 0);
		ck_ok(ax_vm_run(vm.vm, &result, &err), err);
		ck_assert_uint_eq(result.end, AX_VM_END_HANDLER);
		ck_exit_kind(&result.exit, AX_EXIT_SYS_REG_READ);
		/* Its answer stands all the same: the run goes on behind the instruction. */
		ck_ok(ax_vm_run(vm.vm, &result, &err), err);
		ck_exit_kind(&result.exit, AX_EXIT_MMIO_WRITE);
		ck_assert_uint_eq(guest_got(&vm), 77);
	}
	code_close(&vm);
}
END_TEST

START_TEST(claims_have_their_limits)
{
	AxError err = AX_ERROR_INIT;
	struct seen seen = { 0 };
	struct code_vm vm;

	open_msr(&vm);
	/* The most that fits one range of KVM's filter: first and last register of it work. */
	if (!claim(&vm, MSR_NOBODYS, FILTER_MSRS, &seen)) {
		code_close(&vm);
		return;
	}
	ck_assert_int_eq(
		ax_sys_reg_add(vm.vm, "x", MSR_NOBODYS + FILTER_MSRS - 1, 1, &ops, &seen, &err),
		-EEXIST);
	ck_assert_ptr_nonnull(strstr(err.message, "tested"));
	ck_assert_int_eq(ax_sys_reg_add(vm.vm, "x", 0x50000000, FILTER_MSRS + 1, &ops, &seen, &err),
			 -EINVAL);
	ck_assert_int_eq(ax_sys_reg_add(vm.vm, "x", UINT32_MAX, 2, &ops, &seen, &err), -EINVAL);
	ck_assert_int_eq(ax_sys_reg_add(vm.vm, "x", 0x50000000, 0, &ops, &seen, &err), -EINVAL);
	for (unsigned i = 1; i < FILTER_RANGES; i++)
		ck_ok(ax_sys_reg_add(vm.vm, "more", 0x60000000 + 2 * i, 1, &ops, &seen, &err), err);
	ck_assert_int_eq(ax_sys_reg_add(vm.vm, "x", 0x70000000, 1, &ops, &seen, &err), -ENOSPC);

	code_add_vcpu(&vm, 0);
	ck_assert_uint_eq(access_msr(&vm, MSR_NOBODYS + FILTER_MSRS - 1, false, 0), 0);
	ck_assert_uint_eq(access_msr(&vm, MSR_NOBODYS, true, 0), 0);
	ck_assert_uint_eq(access_msr(&vm, 0x60000000 + 2 * (FILTER_RANGES - 1), true, 0), 0);
	ck_assert_uint_eq(seen.reads + seen.writes, 3);
	ck_assert_uint_eq(access_msr(&vm, MSR_NOBODYS + FILTER_MSRS, false, 0), 1);
	ck_assert_uint_eq(access_msr(&vm, 0x60000003, false, 0), 1);
	ck_assert_uint_eq(seen.reads + seen.writes, 3);
	code_close(&vm);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("msr");
	TCase *tcase = kvm_case(suite, "system registers");

	tcase_add_test(tcase, exits_say_register_value_and_reason);
	tcase_add_loop_test(tcase, claimed_registers_are_the_handlers, 0, 3);
	tcase_add_loop_test(tcase, unclaimed_register_is_a_fault_in_the_guest, 0, 2);
	tcase_add_test(tcase, a_handlers_stop_ends_the_run_with_the_exit);
	tcase_add_test(tcase, claims_have_their_limits);
	return kvm_main(suite);
}
