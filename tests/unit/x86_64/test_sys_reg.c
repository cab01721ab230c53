/* SPDX-License-Identifier: Apache-2.0 */
/*
 * System registers: claiming them, and what the guest gets from claimed and other ones.
 */
#include <stdio.h>
#include <string.h>

#include "tests/unit/run_fixture.h"

static AxVm *vm;
static AxVCpu *vcpu;

static void make_vm(void)
{
	vm = new_strict_vm(AX_IRQCHIP_NONE);
	add_stop_port(vm);
}

static int loop(AxVCpuExitReason *exit)
{
	return ax_vcpu_loop(vcpu, exit, NULL);
}

struct registers {
	unsigned reads, writes;
	uint64_t addr, value;
	AxHandled verdict;
};

static AxHandled read_register(AxVCpu *caller, void *opaque, AxSysRegAddr addr, uint64_t *value)
{
	struct registers *registers = opaque;

	(void)caller;
	ck_assert_uint_eq(*value, 0);
	registers->reads++;
	registers->addr = addr;
	*value = registers->value;
	return registers->verdict;
}

static AxHandled write_register(AxVCpu *caller, void *opaque, AxSysRegAddr addr, uint64_t value)
{
	struct registers *registers = opaque;

	(void)caller;
	registers->writes++;
	registers->addr = addr;
	registers->value = value;
	return registers->verdict;
}

static const AxSysRegOps register_ops = { .size = sizeof(AxSysRegOps),
					  .read = read_register,
					  .write = write_register };

static void push_msr(bool write, uint32_t index, uint64_t value)
{
	struct kvm_run run = { .exit_reason = write ? KVM_EXIT_X86_WRMSR : KVM_EXIT_X86_RDMSR };

	run.msr.index = index;
	run.msr.data = value;
	run.msr.reason = KVM_MSR_EXIT_REASON_FILTER;
	run.msr.error = 0xff;
	fake_push_run(0, &run);
}

static struct kvm_run loop_over_msr(void)
{
	static struct fake_completion done;
	AxVCpuExitReason exit;

	push_stop(0);
	ck_assert_int_eq(loop(&exit), AX_LOOP_STOPPED);
	ck_assert_uint_eq(exit.kind, AX_EXIT_IO_WRITE);
	fake_completed(0, &done);
	return done.run;
}

START_TEST(claimed_registers_are_read_and_written_by_their_handler)
{
	struct registers registers = { .value = 0x1122334455667788 };
	struct kvm_run run;

	make_vm();
	ck_assert_int_eq(ax_sys_reg_add(vm, "mine", 0x4b564d00, 4, &register_ops, &registers, NULL),
			 0);
	vcpu = ready_vcpu(vm, 0);
	push_msr(false, 0x4b564d03, 0);
	run = loop_over_msr();
	ck_assert_uint_eq(run.msr.data, 0x1122334455667788);
	ck_assert_uint_eq(run.msr.error, 0);
	ck_assert_uint_eq(registers.addr, 0x4b564d03);
	push_msr(true, 0x4b564d00, 0x99);
	ck_assert_uint_eq(loop_over_msr().msr.error, 0);
	ck_assert_uint_eq(registers.value, 0x99);
	ck_assert_uint_eq(registers.addr, 0x4b564d00);
	ax_vm_destroy(vm);
}
END_TEST

/* riscv64's exit, which the core answers by itself; no x86 register is concerned. */
START_TEST(a_csr_write_reads_before_and_keeps_the_other_bits)
{
	static const AxSysRegOps write_only = { .size = sizeof(AxSysRegOps),
						.write = write_register };
	struct registers registers = { .value = 0xff00 };
	struct kvm_run run = { .exit_reason = KVM_EXIT_RISCV_CSR };

	make_vm();
	ck_assert_int_eq(ax_sys_reg_add(vm, "both", 0x15, 1, &register_ops, &registers, NULL), 0);
	ck_assert_int_eq(ax_sys_reg_add(vm, "one", 0x16, 1, &write_only, &registers, NULL), 0);
	vcpu = ready_vcpu(vm, 0);
	run.riscv_csr.csr_num = 0x15;
	run.riscv_csr.new_value = 0x1234;
	run.riscv_csr.write_mask = 0x0ff0;
	run.riscv_csr.ret_value = 0xdead;
	fake_push_run(0, &run);
	ck_assert_uint_eq(loop_over_msr().riscv_csr.ret_value, 0xff00);
	ck_assert_uint_eq(registers.reads, 1);
	ck_assert_uint_eq(registers.writes, 1);
	ck_assert_uint_eq(registers.value, 0xf230);
	/* Without a read(): as if the register were zero. */
	run.riscv_csr.csr_num = 0x16;
	fake_push_run(0, &run);
	ck_assert_uint_eq(loop_over_msr().riscv_csr.ret_value, 0);
	ck_assert_uint_eq(registers.reads, 1);
	ck_assert_uint_eq(registers.value, 0x0230);
	ax_vm_destroy(vm);
}
END_TEST

START_TEST(a_register_that_nobody_claims_or_knows_gives_the_guest_its_fault)
{
	static const AxSysRegOps none = { .size = sizeof(AxSysRegOps) };
	struct registers registers = { .verdict = AX_UNHANDLED };
	static const uint32_t places[] = { 0x10f, 0x110, 0x120, 0x121 };

	make_vm();
	ck_assert_int_eq(ax_sys_reg_add(vm, "a", 0x110, 1, &register_ops, &registers, NULL), 0);
	ck_assert_int_eq(ax_sys_reg_add(vm, "b", 0x120, 1, &none, NULL, NULL), 0);
	vcpu = ready_vcpu(vm, 0);
	for (unsigned i = 0; i < COUNT(places); i++) {
		push_msr(false, places[i], 0);
		ck_assert_uint_eq(loop_over_msr().msr.error, 1);
		push_msr(true, places[i], 1);
		ck_assert_uint_eq(loop_over_msr().msr.error, 1);
	}
	ck_assert_uint_eq(registers.reads + registers.writes, 2);
	ax_vm_destroy(vm);
}
END_TEST

START_TEST(a_registers_handler_may_answer_and_stop)
{
	struct registers registers = { .verdict = AX_STOP, .value = 5 };
	struct fake_completion done;
	AxVCpuExitReason exit;

	make_vm();
	ck_assert_int_eq(ax_sys_reg_add(vm, "a", 0x110, 1, &register_ops, &registers, NULL), 0);
	vcpu = ready_vcpu(vm, 0);
	push_msr(false, 0x110, 0);
	ck_assert_int_eq(loop(&exit), AX_LOOP_STOPPED);
	ck_assert_uint_eq(exit.kind, AX_EXIT_SYS_REG_READ);
	ck_assert_int_eq(ax_vcpu_settle(vcpu, &exit, NULL), 0);
	fake_completed(0, &done);
	ck_assert_uint_eq(done.run.msr.data, 5);
	ck_assert_uint_eq(done.run.msr.error, 0);
	push_msr(true, 0x110, 6);
	ck_assert_int_eq(loop(&exit), AX_LOOP_STOPPED);
	ck_assert_uint_eq(exit.kind, AX_EXIT_SYS_REG_WRITE);
	ax_vm_destroy(vm);
}
END_TEST

/* Lines of the VM's log, of which the last is kept. */
static struct {
	unsigned count;
	char last[160];
} told;

static void note_line(void *opaque, AxLogLevel level, const char *message)
{
	ck_assert_ptr_eq(opaque, &told);
	ck_assert_int_eq(level, AX_LOG_INFO);
	told.count++;
	snprintf(told.last, sizeof(told.last), "%s", message);
}

static void make_telling_vm(void)
{
	AxVmOptions options = AX_VM_OPTIONS_INIT;

	memset(&told, 0, sizeof(told));
	options.irqchip = AX_IRQCHIP_NONE;
	options.log = note_line;
	options.log_opaque = &told;
	ck_assert_int_eq(ax_vm_create(&options, &vm, NULL), 0);
	add_stop_port(vm);
}

static struct kvm_run access_unknown(bool write, uint32_t index)
{
	struct kvm_run run = { .exit_reason = write ? KVM_EXIT_X86_WRMSR : KVM_EXIT_X86_RDMSR };

	run.msr.index = index;
	run.msr.data = 0x55;
	run.msr.reason = KVM_MSR_EXIT_REASON_UNKNOWN;
	run.msr.error = 0xff;
	fake_push_run(0, &run);
	return loop_over_msr();
}

START_TEST(registers_that_kvm_does_not_know_are_skipped_and_told_of_once)
{
	struct registers registers = { .verdict = AX_UNHANDLED };
	struct kvm_run run;

	make_telling_vm();
	ck_assert_int_eq(ax_sys_reg_skip_unknown(vm, NULL), 0);
	ck_assert_uint_eq(FAKE_ARG(struct kvm_enable_cap, KVM_ENABLE_CAP, 0)->cap,
			  KVM_CAP_X86_USER_SPACE_MSR);
	ck_assert_uint_eq(FAKE_ARG(struct kvm_enable_cap, KVM_ENABLE_CAP, 0)->args[0],
			  KVM_MSR_EXIT_REASON_UNKNOWN);
	ck_assert_int_eq(ax_sys_reg_add(vm, "a", 0x110, 1, &register_ops, &registers, NULL), 0);
	vcpu = ready_vcpu(vm, 0);
	for (unsigned i = 0; i < 3; i++) {
		run = access_unknown(false, 0x12340);
		ck_assert_uint_eq(run.msr.error, 0);
		ck_assert_uint_eq(run.msr.data, 0);
		ck_assert_uint_eq(access_unknown(true, 0x12340).msr.error, 0);
	}
	ck_assert_uint_eq(told.count, 1);
	ck_assert_str_eq(told.last, "register 0x12340 is unknown to KVM: it reads as 0");
	ck_assert_uint_eq(access_unknown(true, 0x12341).msr.error, 0);
	ck_assert_uint_eq(told.count, 2);
	/* Who claims one faults it; a value that a known one cannot have is a fault, too. */
	ck_assert_uint_eq(access_unknown(false, 0x110).msr.error, 1);
	push_msr(true, 0x10, 1);
	ck_assert_uint_eq(loop_over_msr().msr.error, 1);
	ck_assert_uint_eq(told.count, 2);
	/* However many a guest tries. */
	for (uint32_t index = 0x20000; index < 0x20100; index++)
		ck_assert_uint_eq(access_unknown(false, index).msr.error, 0);
	ck_assert_uint_eq(told.count, SKIPPED_MAX);
	ax_vm_destroy(vm);
}
END_TEST

START_TEST(a_kvm_that_does_not_report_them_skips_no_register)
{
	AxError err;

	make_vm();
	fake_set_cap(KVM_CAP_X86_USER_SPACE_MSR, 0);
	ck_assert_fails(ax_sys_reg_skip_unknown(vm, &err), -ENOTSUP, AX_ERROR_UNSUPPORTED,
			"KVM_CAP_X86_USER_SPACE_MSR");
	fake_set_cap(KVM_CAP_X86_USER_SPACE_MSR, 7);
	fake_fail(KVM_ENABLE_CAP, 1, EIO);
	ck_assert_int_eq(ax_sys_reg_skip_unknown(vm, NULL), -EIO);
	vcpu = ready_vcpu(vm, 0);
	ck_assert_uint_eq(access_unknown(false, 0x12340).msr.error, 1);
	ax_vm_destroy(vm);
}
END_TEST

START_TEST(registers_that_make_no_sense_or_overlap_are_refused)
{
	static const AxSysRegOps unsized = { .read = read_register };
	AxError err;

	make_vm();
	ck_assert_fails(ax_sys_reg_add(vm, "a", 1, 1, NULL, NULL, &err), -EINVAL, AX_ERROR_ARGUMENT,
			"without ops");
	ck_assert_fails(ax_sys_reg_add(vm, "a", 1, 1, &unsized, NULL, &err), -EINVAL,
			AX_ERROR_ARGUMENT, "size is not set");
	ck_assert_fails(ax_sys_reg_add(vm, "a", 1, 0, &register_ops, NULL, &err), -EINVAL,
			AX_ERROR_ARGUMENT, "are none, or wrap");
	ck_assert_fails(ax_sys_reg_add(vm, "a", UINT64_MAX, 2, &register_ops, NULL, &err), -EINVAL,
			AX_ERROR_ARGUMENT, "wrap");
	ck_assert_int_eq(ax_sys_reg_add(vm, "first", 0x100, 0x10, &register_ops, NULL, &err), 0);
	ck_assert_fails(ax_sys_reg_add(vm, "second", 0x10f, 1, &register_ops, NULL, &err), -EEXIST,
			AX_ERROR_ARGUMENT, "\"second\" at 0x10f overlap \"first\" at 0x100");
	ck_assert_fails(ax_sys_reg_add(vm, NULL, 0xff, 2, &register_ops, NULL, &err), -EEXIST,
			AX_ERROR_ARGUMENT, "\"\" at 0xff");
	ck_assert_fails(ax_sys_reg_add(vm, "c", 0, UINT32_MAX, &register_ops, NULL, &err), -EEXIST,
			AX_ERROR_ARGUMENT, "first");
	/* Neighbours are none. */
	ck_assert_int_eq(ax_sys_reg_add(vm, NULL, 0x110, 1, &register_ops, NULL, &err), 0);
	ck_assert_int_eq(ax_sys_reg_add(vm, "d", 0xff, 1, &register_ops, NULL, &err), 0);
	ax_vm_destroy(vm);
}
END_TEST

START_TEST(registers_that_kvm_cannot_filter_are_refused)
{
	AxError err;

	make_vm();
	ck_assert_fails(ax_sys_reg_add(vm, "r", 0x100000000, 1, &register_ops, NULL, &err), -EINVAL,
			AX_ERROR_ARGUMENT, "numbers have 32 bits");
	ck_assert_fails(ax_sys_reg_add(vm, "r", UINT32_MAX, 2, &register_ops, NULL, &err), -EINVAL,
			AX_ERROR_ARGUMENT, "numbers have 32 bits");
	ck_assert_fails(ax_sys_reg_add(vm, "r", 0, 12289, &register_ops, NULL, &err), -EINVAL,
			AX_ERROR_ARGUMENT, "at most 12288");
	/* None of them was kept. */
	ck_assert_int_eq(ax_sys_reg_add(vm, "r", 0, 12288, &register_ops, NULL, &err), 0);
	ck_assert_int_eq(ax_sys_reg_add(vm, "r", UINT32_MAX, 1, &register_ops, NULL, &err), 0);
	ax_vm_destroy(vm);
}
END_TEST

START_TEST(a_seventeenth_range_of_registers_is_one_too_many)
{
	AxError err;

	make_vm();
	for (unsigned i = 0; i < 16; i++)
		ck_assert_int_eq(
			ax_sys_reg_add(vm, "r", 0x100 + 2 * i, 1, &register_ops, NULL, &err), 0);
	ck_assert_fails(ax_sys_reg_add(vm, "r", 0x200, 1, &register_ops, NULL, &err), -ENOSPC,
			AX_ERROR_ARGUMENT, "at most 16 ranges");
	ax_vm_destroy(vm);
}
END_TEST

static void add_tests(TCase *cases)
{
	tcase_add_test(cases, claimed_registers_are_read_and_written_by_their_handler);
	tcase_add_test(cases, a_csr_write_reads_before_and_keeps_the_other_bits);
	tcase_add_test(cases, a_register_that_nobody_claims_or_knows_gives_the_guest_its_fault);
	tcase_add_test(cases, a_registers_handler_may_answer_and_stop);
	tcase_add_test(cases, registers_that_kvm_does_not_know_are_skipped_and_told_of_once);
	tcase_add_test(cases, a_kvm_that_does_not_report_them_skips_no_register);
	tcase_add_test(cases, registers_that_make_no_sense_or_overlap_are_refused);
	tcase_add_test(cases, registers_that_kvm_cannot_filter_are_refused);
	tcase_add_test(cases, a_seventeenth_range_of_registers_is_one_too_many);
}

RUN_SUITE("system registers", add_tests)
