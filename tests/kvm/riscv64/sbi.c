/* SPDX-License-Identifier: Apache-2.0 */
/*
 * SBI calls that KVM hands over: the experimental range, the debug console, the question which of them
 * there are; and system reset, which becomes SystemDown.
 */
#include <errno.h>
#include <string.h>

#include "code_riscv.h"

/* Extension IDs: SBI 2.0, 4 to 12; and two of the experimental range, of which one is our own HSM. */
#define EXT_BASE  0x10
#define EXT_SRST  0x53525354
#define EXT_DBCN  0x4442434e
#define EXT_OURS  0x08415848
#define EXT_EXPER 0x08000001

#define BASE_PROBE 3

#define SBI_NOT_SUPPORTED ((uint64_t)-2)
#define SBI_DENIED	  ((uint64_t)-4)

struct calls {
	unsigned count;
	AxExitHypercall last;
	int64_t error;
	uint64_t answer;
	AxHandled verdict;
};

static AxHandled on_call(AxVCpu *vcpu, void *opaque, const AxVCpuExitReason *exit, uint64_t *result)
{
	struct calls *calls = opaque;

	calls->count++;
	calls->last = exit->hypercall;
	*result = calls->answer;
	if (calls->error)
		ck_assert_int_eq(ax_vcpu_set_return_error(vcpu, calls->error), 0);
	return calls->verdict;
}

static const AxHypercallOps call_ops = { sizeof(call_ops), on_call };

/* @calls NULL: nobody answers. */
static void open_sbi(struct code_vm *vm, unsigned flags, struct calls *calls, uint32_t power)
{
	AxHypercallConfig config = AX_HYPERCALL_CONFIG_INIT;
	AxVmOptions options = AX_VM_OPTIONS_INIT;
	AxError err = AX_ERROR_INIT;

	options.power = power;
	code_open_vm(vm, &options, CODE(sbi));
	config.flags = flags;
	ck_ok(ax_hypercall_set(vm->vm, &config, calls ? &call_ops : NULL, calls, &err), err);
	code_stop_at_end(vm);
	code_add_vcpu(vm, 0);
}

/* Arguments are 0x101, 0x102, ... but the first. */
static void prepare(struct code_vm *vm, uint64_t extension, uint64_t function, uint64_t arg0)
{
	code_set_word(vm, 0, 1, extension);
	code_set_word(vm, 0, 2, function);
	code_set_word(vm, 0, 3, arg0);
	for (unsigned i = 1; i < 6; i++)
		code_set_word(vm, 0, 3 + i, 0x101 + i);
	code_set_word(vm, 0, 9, 0x6e6f6e65);
	code_set_word(vm, 0, 10, 0x6e6f6e65);
	code_restart(vm->vcpu);
}

static void call(struct code_vm *vm, uint64_t extension, uint64_t function, uint64_t arg0)
{
	prepare(vm, extension, function, arg0);
	code_run_to_end(vm);
}

static void check_result(const struct code_vm *vm, uint64_t error, uint64_t value)
{
	ck_assert_uint_eq(code_word(vm, 0, 9), error);
	ck_assert_uint_eq(code_word(vm, 0, 10), value);
}

START_TEST(experimental_call_brings_everything_and_takes_both_results)
{
	struct calls calls = { .answer = 0x1122334455667788 };
	struct code_vm vm;

	open_sbi(&vm, AX_HYPERCALL_TRAP, &calls, 0);
	call(&vm, EXT_EXPER, 77, 0x8182838485868788);
	ck_assert_uint_eq(calls.count, 1);
	ck_assert_uint_eq(calls.last.nr, EXT_EXPER);
	ck_assert_uint_eq(calls.last.function, 77);
	ck_assert_uint_eq(calls.last.route, AX_ROUTE_SBI);
	ck_assert_uint_eq(calls.last.args[0], 0x8182838485868788);
	for (unsigned i = 1; i < 6; i++)
		ck_assert_uint_eq(calls.last.args[i], 0x101 + i);
	check_result(&vm, 0, calls.answer);
	calls.error = (int64_t)SBI_DENIED;
	call(&vm, EXT_EXPER, 78, 0);
	check_result(&vm, SBI_DENIED, calls.answer);
	/* The error was that call's. */
	calls.error = 0;
	call(&vm, EXT_EXPER, 79, 0);
	check_result(&vm, 0, calls.answer);
	code_close(&vm);
}
END_TEST

/* _i: the handler does not want it, there is none, nothing was set at all. */
START_TEST(call_that_nobody_takes_is_not_supported)
{
	struct calls calls = { .answer = 5, .error = 6, .verdict = AX_UNHANDLED };
	AxError err = AX_ERROR_INIT;
	AxVCpuExitReason exit;
	struct code_vm vm;

	open_sbi(&vm, _i == 2 ? 0 : AX_HYPERCALL_TRAP, _i ? NULL : &calls, 0);
	if (_i == 0) {
		call(&vm, EXT_EXPER, 1, 2);
		ck_assert_uint_eq(calls.count, 1);
		check_result(&vm, SBI_NOT_SUPPORTED, 0);
	} else {
		/* The caller's of the loop, who may leave it as it is. */
		prepare(&vm, EXT_EXPER, 1, 2);
		ck_ok(ax_vcpu_bind(vm.vcpu, AX_ANY_CPU, &err), err);
		ck_assert_int_eq(ax_vcpu_loop(vm.vcpu, &exit, &err), AX_LOOP_UNHANDLED);
		ck_exit_kind(&exit, AX_EXIT_HYPERCALL);
		ck_assert_int_eq(ax_vcpu_loop(vm.vcpu, &exit, &err), AX_LOOP_STOPPED);
		check_result(&vm, SBI_NOT_SUPPORTED, 0);
	}
	code_close(&vm);
}
END_TEST

START_TEST(call_is_answered_by_hand)
{
	AxError err = AX_ERROR_INIT;
	AxVCpuExitReason exit;
	struct code_vm vm;
	uint64_t pc, after;

	open_sbi(&vm, AX_HYPERCALL_TRAP, NULL, 0);
	prepare(&vm, EXT_EXPER, 1, 2);
	ck_ok(ax_vcpu_bind(vm.vcpu, AX_ANY_CPU, &err), err);
	ck_ok(ax_vcpu_run(vm.vcpu, &exit, &err), err);
	ck_exit_kind(&exit, AX_EXIT_HYPERCALL);
	ck_assert_int_eq(ax_vcpu_get_reg(vm.vcpu, "pc", &pc, &err), -EPERM);
	ck_ok(ax_vcpu_set_return_value(vm.vcpu, 99, &err), err);
	ck_assert_int_eq(ax_vcpu_set_return_error(vm.vcpu, -5), 0);
	ck_assert_int_eq(ax_vcpu_settle(vm.vcpu, &exit, &err), 0);
	ck_ok(ax_vcpu_get_reg(vm.vcpu, "pc", &pc, &err), err);
	ck_ok(ax_vcpu_get_reg(vm.vcpu, "a1", &after, &err), err);
	ck_assert_uint_eq(after, 99);
	ck_ok(ax_vcpu_get_reg(vm.vcpu, "a0", &after, &err), err);
	ck_assert_uint_eq(after, (uint64_t)-5);
	ck_ok(ax_vcpu_run(vm.vcpu, &exit, &err), err);
	ck_exit_kind(&exit, AX_EXIT_MMIO_WRITE);
	check_result(&vm, (uint64_t)-5, 99);
	code_close(&vm);
}
END_TEST

static const struct probe {
	uint64_t extension;
	unsigned flags;
	uint32_t power;
	uint64_t there;
} probes[] = {
	{ EXT_EXPER, AX_HYPERCALL_TRAP, AX_POWER_USER, 1 },
	{ EXT_EXPER, 0, AX_POWER_USER, 0 },
	{ EXT_OURS, 0, AX_POWER_USER, 1 },
	{ EXT_OURS, 0, AX_POWER_KERNEL, 0 },
	{ EXT_OURS, AX_HYPERCALL_TRAP, AX_POWER_KERNEL, 1 },
	{ 0x09000001, AX_HYPERCALL_TRAP, AX_POWER_USER, 0 }, /* a vendor's */
	/* KVM's own answers. */
	{ EXT_SRST, 0, AX_POWER_USER, 1 },
	{ 0x48534d, 0, AX_POWER_USER, 0 },
	{ 0x48534d, 0, AX_POWER_KERNEL, 1 },
	{ EXT_DBCN, 0, AX_POWER_USER, 0 },
	{ EXT_DBCN, AX_HYPERCALL_CONSOLE, AX_POWER_USER, 1 },
};

START_TEST(guest_is_told_which_extensions_there_are)
{
	const struct probe *probe = &probes[_i];
	struct calls calls = { 0 };
	struct code_vm vm;

	open_sbi(&vm, probe->flags, &calls, probe->power);
	call(&vm, EXT_BASE, BASE_PROBE, probe->extension);
	ck_assert_uint_eq(calls.count, 0);
	check_result(&vm, 0, probe->there);
	code_close(&vm);
}
END_TEST

START_TEST(debug_console_arrives_when_it_is_asked_for)
{
	struct calls calls = { .answer = 3 };
	struct code_vm vm;

	open_sbi(&vm, AX_HYPERCALL_CONSOLE, &calls, 0);
	call(&vm, EXT_DBCN, 2, 'x');
	ck_assert_uint_eq(calls.count, 1);
	ck_assert_uint_eq(calls.last.nr, EXT_DBCN);
	ck_assert_uint_eq(calls.last.function, 2);
	ck_assert_uint_eq(calls.last.args[0], 'x');
	check_result(&vm, 0, 3);
	code_close(&vm);

	open_sbi(&vm, 0, &calls, 0);
	call(&vm, EXT_DBCN, 2, 'x');
	ck_assert_uint_eq(calls.count, 1);
	check_result(&vm, SBI_NOT_SUPPORTED, 0);
	code_close(&vm);
}
END_TEST

static const struct reset {
	uint64_t type;
	uint32_t cause;
} resets[] = {
	{ 0, AX_DOWN_POWER_OFF },
	{ 1, AX_DOWN_RESET },
	{ 2, AX_DOWN_RESET },
};

/* With the reason in data[0]: arguments 0 and 1 are type and reason. */
START_TEST(system_reset_takes_the_system_down)
{
	AxVmResult result = AX_VM_RESULT_INIT;
	AxError err = AX_ERROR_INIT;
	struct code_vm vm;

	open_sbi(&vm, 0, NULL, 0);
	prepare(&vm, EXT_SRST, 0, resets[_i].type);
	code_set_word(&vm, 0, 4, 1);
	ck_ok(ax_vm_run(vm.vm, &result, &err), err);
	ck_assert_uint_eq(result.end, AX_VM_END_EXIT);
	ck_exit_kind(&result.exit, AX_EXIT_SYSTEM_DOWN);
	ck_assert_uint_eq(result.exit.system_down.cause, resets[_i].cause);
	ck_assert_uint_eq(result.exit.system_down.ndata, 1);
	ck_assert_uint_eq(result.exit.system_down.data[0], 1);
	code_close(&vm);
}
END_TEST

START_TEST(routes_that_are_others_are_refused)
{
	AxHypercallConfig config = AX_HYPERCALL_CONFIG_INIT;
	AxError err = AX_ERROR_INIT;
	struct code_vm vm;

	code_open_vm(&vm, NULL, CODE(sbi));
	config.flags = AX_HYPERCALL_MAP_GPA;
	ck_assert_int_eq(ax_hypercall_set(vm.vm, &config, &call_ops, NULL, &err), -ENOTSUP);
	code_close(&vm);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("sbi");
	TCase *tcase = kvm_case(suite, "SBI");

	tcase_add_test(tcase, experimental_call_brings_everything_and_takes_both_results);
	tcase_add_loop_test(tcase, call_that_nobody_takes_is_not_supported, 0, 3);
	tcase_add_test(tcase, call_is_answered_by_hand);
	tcase_add_loop_test(tcase, guest_is_told_which_extensions_there_are, 0,
			    (int)(sizeof(probes) / sizeof(probes[0])));
	tcase_add_test(tcase, debug_console_arrives_when_it_is_asked_for);
	tcase_add_loop_test(tcase, system_reset_takes_the_system_down, 0,
			    (int)(sizeof(resets) / sizeof(resets[0])));
	tcase_add_test(tcase, routes_that_are_others_are_refused);
	return kvm_main(suite);
}
