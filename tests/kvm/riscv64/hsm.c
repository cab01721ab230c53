/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Hart State Management: under our own extension ID, where CpuUp, CpuDown and Halt arrive, and KVM's.
 */
#include <errno.h>
#include <string.h>

#include "code_riscv.h"

#define EXT_HSM	 0x48534d
#define EXT_OURS 0x08415848

/* Functions, states and errors: SBI 2.0, 9. */
enum { HART_START, HART_STOP, HART_GET_STATUS, HART_SUSPEND };
enum { STARTED, STOPPED, START_PENDING };

#define SBI_FAILED	      ((uint64_t)-1)
#define SBI_NOT_SUPPORTED     ((uint64_t)-2)
#define SBI_INVALID_PARAM     ((uint64_t)-3)
#define SBI_DENIED	      ((uint64_t)-4)
#define SBI_INVALID_ADDRESS   ((uint64_t)-5)
#define SBI_ALREADY_AVAILABLE ((uint64_t)-6)

#define RETENTIVE     0
#define NON_RETENTIVE 0x80000000u

/* What "sbi_again" takes for a second beginning. */
#define AGAIN 0x5aa5

#define OTHER 3 /* ID of the other hart, which is off */

static void open_harts(struct code_vm *vm, uint32_t power)
{
	AxVCpuSetup setup = AX_VCPU_SETUP_INIT;
	AxVmOptions options = AX_VM_OPTIONS_INIT;
	AxError err = AX_ERROR_INIT;
	AxVCpu *other;

	options.power = power;
	code_open_vm(vm, &options, CODE(sbi_again));
	code_add_vcpu(vm, 0);
	ck_ok(ax_vcpu_create(vm->vm, OTHER, &other, &err), err);
	setup.flags = AX_SETUP_POWERED_OFF;
	setup.entry = CODE_START;
	ck_ok(ax_vcpu_setup(other, &setup, &err), err);
}

static void prepare(struct code_vm *vm, uint64_t extension, uint64_t function, uint64_t arg0,
		    uint64_t arg1, uint64_t arg2)
{
	const uint64_t words[] = { extension, function, arg0, arg1, arg2, 0, 0, 0 };

	for (unsigned i = 0; i < 8; i++)
		code_set_word(vm, 0, 1 + i, words[i]);
	code_restart(vm->vcpu);
}

static void check_result(const struct code_vm *vm, uint64_t error, uint64_t value)
{
	ck_assert_int_eq((int64_t)code_word(vm, 0, 9), (int64_t)error);
	ck_assert_uint_eq(code_word(vm, 0, 10), value);
}

static bool is_end(const AxVCpuExitReason *exit)
{
	return exit->kind == AX_EXIT_MMIO_WRITE && exit->mmio_write.addr == CODE_MMIO + CODE_END;
}

/* By hand, to the first exit that is not Nothing. */
static void run(AxVCpu *vcpu, AxVCpuExitReason *exit)
{
	AxError err = AX_ERROR_INIT;

	do
		ck_ok(ax_vcpu_run(vcpu, exit, &err), err);
	while (exit->kind == AX_EXIT_NOTHING);
}

/* A call that is answered without an exit of its own. */
static void call(struct code_vm *vm, uint64_t function, uint64_t arg0, uint64_t arg1)
{
	AxError err = AX_ERROR_INIT;
	AxVCpuExitReason exit;

	prepare(vm, EXT_OURS, function, arg0, arg1, 0);
	ck_ok(ax_vcpu_bind(vm->vcpu, AX_ANY_CPU, &err), err);
	run(vm->vcpu, &exit);
	ck_assert(is_end(&exit));
	ck_ok(ax_vcpu_unbind(vm->vcpu, &err), err);
}

START_TEST(calls_are_answered_as_the_specification_says)
{
	struct code_vm vm;

	open_harts(&vm, AX_POWER_USER);
	call(&vm, HART_GET_STATUS, 0, 0);
	check_result(&vm, 0, STARTED);
	call(&vm, HART_GET_STATUS, OTHER, 0);
	check_result(&vm, 0, STOPPED);
	call(&vm, HART_GET_STATUS, 1, 0);
	check_result(&vm, SBI_INVALID_PARAM, 0);
	call(&vm, HART_GET_STATUS, UINT64_C(1) << 32, 0);
	check_result(&vm, SBI_INVALID_PARAM, 0);
	call(&vm, HART_START, 0, CODE_START);
	check_result(&vm, SBI_ALREADY_AVAILABLE, 0);
	call(&vm, HART_START, 1, CODE_START);
	check_result(&vm, SBI_INVALID_PARAM, 0);
	call(&vm, HART_START, OTHER, CODE_RAM + CODE_RAM_SIZE);
	check_result(&vm, SBI_INVALID_ADDRESS, 0);
	call(&vm, HART_START, OTHER, CODE_START + 1);
	check_result(&vm, SBI_INVALID_ADDRESS, 0);
	call(&vm, HART_SUSPEND, 0x1000, CODE_START);
	check_result(&vm, SBI_INVALID_PARAM, 0);
	call(&vm, HART_SUSPEND, NON_RETENTIVE, 0xdead0000);
	check_result(&vm, SBI_INVALID_ADDRESS, 0);
	call(&vm, 99, 0, 0);
	check_result(&vm, SBI_NOT_SUPPORTED, 0);
	code_close(&vm);
}
END_TEST

/* The harts' own HSM is off: nothing passes by us. */
START_TEST(kvms_own_hsm_is_off_beside_ours)
{
	AxError err = AX_ERROR_INIT;
	AxVCpuExitReason exit;
	struct code_vm vm;

	open_harts(&vm, AX_POWER_USER);
	prepare(&vm, EXT_HSM, HART_GET_STATUS, 0, 0, 0);
	ck_ok(ax_vcpu_bind(vm.vcpu, AX_ANY_CPU, &err), err);
	run(vm.vcpu, &exit);
	ck_assert(is_end(&exit));
	check_result(&vm, SBI_NOT_SUPPORTED, 0);
	code_close(&vm);
}
END_TEST

START_TEST(start_is_an_exit_with_target_entry_and_argument)
{
	AxError err = AX_ERROR_INIT;
	AxVCpuExitReason exit;
	struct code_vm vm;
	AxVCpu *other;

	open_harts(&vm, AX_POWER_USER);
	other = ax_vm_vcpu(vm.vm, OTHER);
	prepare(&vm, EXT_OURS, HART_START, OTHER, CODE_START, AGAIN);
	ck_ok(ax_vcpu_bind(vm.vcpu, AX_ANY_CPU, &err), err);
	run(vm.vcpu, &exit);
	ck_exit_kind(&exit, AX_EXIT_CPU_UP);
	ck_assert_uint_eq(exit.cpu_up.target_cpu, OTHER);
	ck_assert_uint_eq(exit.cpu_up.entry_point, CODE_START);
	ck_assert_uint_eq(exit.cpu_up.arg, AGAIN);
	ck_ok(ax_vcpu_start(other, exit.cpu_up.entry_point, exit.cpu_up.arg, &err), err);
	run(vm.vcpu, &exit);
	ck_assert(is_end(&exit));
	check_result(&vm, 0, 0);
	ck_ok(ax_vcpu_unbind(vm.vcpu, &err), err);
	/* Posted, and not taken yet. */
	call(&vm, HART_GET_STATUS, OTHER, 0);
	check_result(&vm, 0, START_PENDING);
	call(&vm, HART_START, OTHER, CODE_START);
	check_result(&vm, SBI_ALREADY_AVAILABLE, 0);

	ck_ok(ax_vcpu_bind(other, AX_ANY_CPU, &err), err);
	run(other, &exit);
	ck_assert(is_end(&exit));
	ck_assert_uint_eq(code_word(&vm, OTHER, 13), OTHER);
	ck_assert_uint_eq(code_word(&vm, OTHER, 14), 0);
	ck_assert_uint_eq(code_word(&vm, OTHER, 15) & 2, 0);
	call(&vm, HART_GET_STATUS, OTHER, 0);
	check_result(&vm, 0, STARTED);
	code_close(&vm);
}
END_TEST

/* Who refuses the start says why, and the hart can be started again. _i: settled in between. */
START_TEST(refused_start_gives_the_claim_back)
{
	AxError err = AX_ERROR_INIT;
	AxVCpuExitReason exit;
	struct code_vm vm;

	open_harts(&vm, AX_POWER_USER);
	prepare(&vm, EXT_OURS, HART_START, OTHER, CODE_START, AGAIN);
	ck_ok(ax_vcpu_bind(vm.vcpu, AX_ANY_CPU, &err), err);
	run(vm.vcpu, &exit);
	ck_exit_kind(&exit, AX_EXIT_CPU_UP);
	ck_assert_int_eq(ax_vcpu_set_return_error(vm.vcpu, (int64_t)SBI_DENIED), 0);
	if (_i)
		ck_assert_int_eq(ax_vcpu_settle(vm.vcpu, &exit, &err), 0);
	run(vm.vcpu, &exit);
	ck_assert(is_end(&exit));
	check_result(&vm, SBI_DENIED, 0);
	ck_ok(ax_vcpu_unbind(vm.vcpu, &err), err);
	call(&vm, HART_GET_STATUS, OTHER, 0);
	check_result(&vm, 0, STOPPED);

	code_close(&vm);
}
END_TEST

START_TEST(stop_is_an_exit_and_the_hart_begins_anew)
{
	AxError err = AX_ERROR_INIT;
	AxVCpuExitReason exit;
	struct code_vm vm;
	uint64_t value;

	open_harts(&vm, AX_POWER_USER);
	prepare(&vm, EXT_OURS, HART_STOP, 0, 0, 0);
	ck_ok(ax_vcpu_bind(vm.vcpu, AX_ANY_CPU, &err), err);
	run(vm.vcpu, &exit);
	ck_exit_kind(&exit, AX_EXIT_CPU_DOWN);
	ck_assert_uint_eq(exit.cpu_down.state, 0);
	/* Settled already: KVM's answer is in the registers, and can't come later. */
	ck_ok(ax_vcpu_get_reg(vm.vcpu, "a0", &value, &err), err);
	ck_assert_uint_eq(value, SBI_FAILED);
	ck_ok(ax_vcpu_power_off(vm.vcpu, &err), err);
	ck_assert_int_eq(ax_vcpu_run(vm.vcpu, &exit, &err), -EPERM);
	ck_ok(ax_vcpu_start(vm.vcpu, CODE_START, AGAIN, &err), err);
	run(vm.vcpu, &exit);
	ck_assert(is_end(&exit));
	ck_assert_uint_eq(code_word(&vm, 0, 0), 1);
	ck_assert_uint_eq(code_word(&vm, 0, 13), 0);
	code_close(&vm);
}
END_TEST

START_TEST(suspend_is_a_halt_that_goes_on_where_it_should)
{
	AxError err = AX_ERROR_INIT;
	AxVCpuExitReason exit;
	struct code_vm vm;

	open_harts(&vm, AX_POWER_USER);
	prepare(&vm, EXT_OURS, HART_SUSPEND, _i ? NON_RETENTIVE : RETENTIVE, CODE_START, AGAIN);
	ck_ok(ax_vcpu_bind(vm.vcpu, AX_ANY_CPU, &err), err);
	run(vm.vcpu, &exit);
	ck_exit_kind(&exit, AX_EXIT_HALT);
	run(vm.vcpu, &exit);
	ck_assert(is_end(&exit));
	/* Behind the call, or anew at its entry. */
	ck_assert_uint_eq(code_word(&vm, 0, 0), _i);
	if (!_i)
		check_result(&vm, 0, 0);
	code_close(&vm);
}
END_TEST

/* Both write CODE_END, the first one again and again: it ends when each has been there. */
static AxHandled on_end(AxVCpu *vcpu, void *opaque, uint64_t offset, AxAccessWidth width,
			uint64_t value)
{
	unsigned *ends = opaque, bit = ax_vcpu_id(vcpu) == OTHER ? 2 : 1;

	return __atomic_or_fetch(ends, bit, __ATOMIC_SEQ_CST) == 3 ? AX_STOP : AX_HANDLED;
}

/* A whole VM, where nobody handles power: it does what hardware does; _i: with KVM's HSM. */
START_TEST(second_hart_runs_in_a_whole_vm)
{
	static const AxRangeOps ops = { .size = sizeof(ops), .write = on_end };
	AxVmResult result = AX_VM_RESULT_INIT;
	AxRange range = AX_RANGE_INIT;
	AxError err = AX_ERROR_INIT;
	uint64_t counts[AX_EXIT_KINDS];
	unsigned ends = 0;
	struct code_vm vm;

	open_harts(&vm, _i ? AX_POWER_KERNEL : AX_POWER_AUTO);
	range.base = CODE_MMIO + CODE_END;
	range.length = 4;
	range.ops = &ops;
	range.opaque = &ends;
	ck_ok(ax_range_add_mmio(vm.vm, &range, NULL, &err), err);
	prepare(&vm, _i ? EXT_HSM : EXT_OURS, HART_START, OTHER, CODE_START, AGAIN);
	ck_ok(ax_vm_run(vm.vm, &result, &err), err);
	ck_assert_uint_eq(result.end, AX_VM_END_HANDLER);
	check_result(&vm, 0, 0);
	ck_assert_uint_eq(code_word(&vm, OTHER, 13), OTHER);
	ax_vcpu_exit_counts(vm.vcpu, counts);
	ck_assert_uint_eq(counts[AX_EXIT_CPU_UP], _i ? 0 : 1);
	code_close(&vm);
}
END_TEST

/* The last hart that stops leaves nobody who could go on. */
START_TEST(vm_ends_when_all_harts_have_stopped)
{
	AxVmResult result = AX_VM_RESULT_INIT;
	AxError err = AX_ERROR_INIT;
	struct code_vm vm;

	open_harts(&vm, AX_POWER_USER);
	prepare(&vm, EXT_OURS, HART_STOP, 0, 0, 0);
	ck_ok(ax_vm_run(vm.vm, &result, &err), err);
	ck_assert_uint_eq(result.end, AX_VM_END_HALTED);
	ck_exit_kind(&result.exit, AX_EXIT_CPU_DOWN);
	code_close(&vm);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("hsm");
	TCase *tcase = kvm_case(suite, "HSM");

	tcase_add_test(tcase, calls_are_answered_as_the_specification_says);
	tcase_add_test(tcase, kvms_own_hsm_is_off_beside_ours);
	tcase_add_test(tcase, start_is_an_exit_with_target_entry_and_argument);
	tcase_add_loop_test(tcase, refused_start_gives_the_claim_back, 0, 2);
	tcase_add_test(tcase, stop_is_an_exit_and_the_hart_begins_anew);
	tcase_add_loop_test(tcase, suspend_is_a_halt_that_goes_on_where_it_should, 0, 2);
	tcase_add_loop_test(tcase, second_hart_runs_in_a_whole_vm, 0, 2);
	tcase_add_test(tcase, vm_ends_when_all_harts_have_stopped);
	return kvm_main(suite);
}
