/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Breakpoints and single-step stop the guest where they should, and registers are exact once an
 * access is settled.
 */
#include "code.h"

#include <errno.h>
#include <inttypes.h>

#define BREAKPOINTS 4

/* False: this KVM cannot, which has been said. */
static bool set_debug(AxVCpu *vcpu, bool single_step, const uint64_t *addresses, size_t count)
{
	AxError err = AX_ERROR_INIT;
	int ret = ax_vcpu_set_debug(vcpu, single_step, addresses, count, &err);

	if (ret == -ENOTSUP) {
		kvm_skip("debugging guests: %s", err.message);
		return false;
	}
	ck_ok(ret, err);
	return true;
}

static void run(AxVCpu *vcpu, AxVCpuExitReason *exit)
{
	AxError err = AX_ERROR_INIT;

	do
		ck_ok(ax_vcpu_run(vcpu, exit, &err), err);
	while (exit->kind == AX_EXIT_NOTHING);
}

static void check_stopped_at(AxVCpu *vcpu, const AxVCpuExitReason *exit, uint64_t offset)
{
	AxError err = AX_ERROR_INIT;
	uint64_t pc;

	ck_exit_kind(exit, AX_EXIT_DEBUG);
	ck_assert_uint_eq(exit->debug.pc, CODE_START + offset);
	ck_ok(ax_vcpu_get_reg(vcpu, code_pc, &pc, &err), err);
	ck_assert_uint_eq(pc, CODE_START + offset);
}

static void check_end(const AxVCpuExitReason *exit)
{
	ck_exit_kind(exit, AX_EXIT_MMIO_WRITE);
	ck_assert_uint_eq(exit->mmio_write.addr, CODE_MMIO + CODE_END);
}

START_TEST(breakpoint_stops_before_its_instruction)
{
	AxError err = AX_ERROR_INIT;
	AxVCpuExitReason exit;
	struct code_vm vm;

	for (unsigned i = 0; code_steps_offsets[i] >= 0; i++) {
		uint64_t address = CODE_START + (uint64_t)code_steps_offsets[i];

		code_open(&vm, NULL, CODE(steps));
		ck_ok(ax_vcpu_bind(vm.vcpu, AX_ANY_CPU, &err), err);
		if (!set_debug(vm.vcpu, false, &address, 1)) {
			code_close(&vm);
			return;
		}
		run(vm.vcpu, &exit);
		check_stopped_at(vm.vcpu, &exit, (uint64_t)code_steps_offsets[i]);
		/* Without it the guest goes on with that instruction. */
		ck_assert(set_debug(vm.vcpu, false, NULL, 0));
		run(vm.vcpu, &exit);
		check_end(&exit);
		code_close(&vm);
	}
}
END_TEST

START_TEST(four_breakpoints_stop_in_the_order_of_execution)
{
	uint64_t addresses[BREAKPOINTS + 1];
	AxError err = AX_ERROR_INIT;
	AxVCpuExitReason exit;
	struct code_vm vm;

	code_open(&vm, NULL, CODE(steps));
	ck_ok(ax_vcpu_bind(vm.vcpu, AX_ANY_CPU, &err), err);
	for (unsigned i = 0; i <= BREAKPOINTS; i++)
		addresses[i] = CODE_START + (uint64_t)code_steps_offsets[2 * i + 1];
	ck_assert_int_eq(ax_vcpu_set_debug(vm.vcpu, false, addresses, BREAKPOINTS + 1, &err),
			 -EINVAL);
	for (unsigned i = 0; i < BREAKPOINTS; i++) {
		/* The one that was reached is taken away. */
		if (!set_debug(vm.vcpu, false, addresses + i, BREAKPOINTS - i))
			break;
		run(vm.vcpu, &exit);
		check_stopped_at(vm.vcpu, &exit, (uint64_t)code_steps_offsets[2 * i + 1]);
	}
	code_close(&vm);
}
END_TEST

START_TEST(single_step_stops_after_each_instruction)
{
	AxError err = AX_ERROR_INIT;
	AxVCpuExitReason exit;
	struct code_vm vm;
	uint64_t value;

	code_open(&vm, NULL, CODE(steps));
	ck_ok(ax_vcpu_bind(vm.vcpu, AX_ANY_CPU, &err), err);
	if (set_debug(vm.vcpu, true, NULL, 0)) {
		for (unsigned i = 1; code_steps_offsets[i] >= 0; i++) {
			run(vm.vcpu, &exit);
			check_stopped_at(vm.vcpu, &exit, (uint64_t)code_steps_offsets[i]);
		}
		ck_assert_uint_eq(code_word(&vm, 0, 0), 6);
		ck_assert(set_debug(vm.vcpu, false, NULL, 0));
		run(vm.vcpu, &exit);
		check_end(&exit);
		ck_assert_int_eq(ax_vcpu_settle(vm.vcpu, &exit, &err), 0);
		ck_ok(ax_vcpu_get_gpr(vm.vcpu, 0, &value, &err), err);
		ck_assert_uint_eq(value, 12);
	}
	code_close(&vm);
}
END_TEST

/* Where nobody handles it, a debug exit is the caller's of the loop, and of the VM's run. */
START_TEST(debug_exit_ends_a_run_of_the_vm)
{
	uint64_t address = CODE_START + (uint64_t)code_steps_offsets[3];
	AxVmResult result = AX_VM_RESULT_INIT;
	AxError err = AX_ERROR_INIT;
	struct code_vm vm;

	code_open(&vm, NULL, CODE(steps));
	if (set_debug(vm.vcpu, false, &address, 1)) {
		ck_ok(ax_vm_run(vm.vm, &result, &err), err);
		ck_assert_uint_eq(result.end, AX_VM_END_EXIT);
		check_stopped_at(vm.vcpu, &result.exit, (uint64_t)code_steps_offsets[3]);
	}
	code_close(&vm);
}
END_TEST

START_TEST(registers_are_exact_once_the_access_is_settled)
{
	AxError err = AX_ERROR_INIT;
	AxVCpuExitReason exit;
	struct code_vm vm;
	uint64_t pc;

	code_open(&vm, NULL, CODE(accesses));
	ck_ok(ax_vcpu_bind(vm.vcpu, AX_ANY_CPU, &err), err);
	for (unsigned i = 0; code_accesses_ends[i] >= 0; i++) {
		run(vm.vcpu, &exit);
		ck_assert_int_eq(ax_vcpu_get_reg(vm.vcpu, code_pc, &pc, &err), -EPERM);
		ck_assert_int_eq(ax_vcpu_settle(vm.vcpu, &exit, &err), 0);
		ck_ok(ax_vcpu_get_reg(vm.vcpu, code_pc, &pc, &err), err);
		ck_assert_msg(pc == CODE_START + (uint64_t)code_accesses_ends[i],
			      "access %u: the PC is 0x%" PRIx64 " instead of 0x%" PRIx64, i, pc,
			      CODE_START + (uint64_t)code_accesses_ends[i]);
		/* Twice is once. */
		ck_assert_int_eq(ax_vcpu_settle(vm.vcpu, &exit, &err), 0);
		ck_ok(ax_vcpu_get_reg(vm.vcpu, code_pc, &pc, &err), err);
		ck_assert_uint_eq(pc, CODE_START + (uint64_t)code_accesses_ends[i]);
	}
	run(vm.vcpu, &exit);
	check_end(&exit);
	code_close(&vm);
}
END_TEST

/* What is written to a register after settling is what the guest goes on with. */
START_TEST(register_that_is_set_after_settling_counts)
{
	AxError err = AX_ERROR_INIT;
	AxVCpuExitReason exit;
	struct code_vm vm;

	code_open(&vm, NULL, CODE(write_mmio));
	code_set_word(&vm, 0, 1, CODE_MMIO);
	ck_ok(ax_vcpu_bind(vm.vcpu, AX_ANY_CPU, &err), err);
	run(vm.vcpu, &exit);
	ck_assert_uint_eq(exit.mmio_write.data, 1);
	ck_assert_int_eq(ax_vcpu_settle(vm.vcpu, &exit, &err), 0);
	ck_ok(ax_vcpu_set_entry(vm.vcpu, CODE_START, &err), err);
	code_set_word(&vm, 0, 1, CODE_MMIO + 0x40);
	run(vm.vcpu, &exit);
	ck_assert_uint_eq(exit.mmio_write.addr, CODE_MMIO + 0x40);
	ck_assert_uint_eq(exit.mmio_write.data, 2);
	code_close(&vm);
}
END_TEST

/* Every register of the table can be read; what is written is read back. */
START_TEST(registers_read_back_what_was_written)
{
	AxError err = AX_ERROR_INIT;
	struct code_vm vm;
	AxRegInfo info;
	uint64_t value, again;
	unsigned count;

	code_open(&vm, NULL, CODE(spin));
	for (count = 0; ax_reg_info(count, &info); count++) {
		ck_ok(ax_vcpu_get_reg(vm.vcpu, info.name, &value, &err), err);
		if (!info.settable)
			continue;
		ck_ok(ax_vcpu_set_reg(vm.vcpu, info.name, value, &err), err);
		ck_ok(ax_vcpu_get_reg(vm.vcpu, info.name, &again, &err), err);
		ck_assert_msg(again == value, "%s: 0x%" PRIx64 " became 0x%" PRIx64, info.name,
			      value, again);
	}
	ck_assert_uint_gt(count, 16);
	for (unsigned i = 1; i < 5; i++) {
		ck_ok(ax_vcpu_set_gpr(vm.vcpu, i, 0x1122334455667788 * (i + 1), &err), err);
		ck_ok(ax_vcpu_get_gpr(vm.vcpu, i, &value, &err), err);
		ck_assert_uint_eq(value, 0x1122334455667788 * (i + 1));
	}
	ck_assert_int_eq(ax_vcpu_get_reg(vm.vcpu, "no such register", &value, &err), -ENOENT);
	code_close(&vm);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("debug");
	TCase *tcase = kvm_case(suite, "debug");

	tcase_add_test(tcase, breakpoint_stops_before_its_instruction);
	tcase_add_test(tcase, four_breakpoints_stop_in_the_order_of_execution);
	tcase_add_test(tcase, single_step_stops_after_each_instruction);
	tcase_add_test(tcase, debug_exit_ends_a_run_of_the_vm);
	tcase_add_test(tcase, registers_are_exact_once_the_access_is_settled);
	tcase_add_test(tcase, register_that_is_set_after_settling_counts);
	tcase_add_test(tcase, registers_read_back_what_was_written);
	return kvm_main(suite);
}
