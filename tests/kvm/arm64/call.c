/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Vendor's calls by HVC and SMC, and KVM's own PSCI: AX_HYPERCALL_TRAP, AX_POWER_KERNEL.
 */
#include <errno.h>
#include <inttypes.h>
#include <string.h>

#include "code_arm64.h"

#define UNKNOWN UINT64_MAX /* NOT_SUPPORTED: DEN0028, 7.1 */

/* Words of the mailbox. */
enum { FUNCTION = 1, ARGUMENTS = 2, BY_SMC = 8, RESULT = 9 };

/* KVM's own functions: PSCI (DEN0022, 5). */
#define PSCI_VERSION_CALL 0x84000000u
#define CPU_ON		  0xc4000003u
#define AFFINITY_INFO	  0xc4000004u
#define SYSTEM_OFF	  0x84000008u
#define SYSTEM_RESET2	  0xc4000012u
#define SYSTEM_SUSPEND	  0xc400000eu

struct calls {
	unsigned count;
	AxExitHypercall last;
	uint64_t answer;
	AxHandled verdict;
};

static AxHandled on_call(AxVCpu *vcpu, void *opaque, const AxVCpuExitReason *exit, uint64_t *result)
{
	struct calls *calls = opaque;

	ck_assert_uint_eq(*result, UNKNOWN);
	calls->count++;
	calls->last = exit->hypercall;
	*result = calls->answer;
	return calls->verdict;
}

static const AxHypercallOps call_ops = { sizeof(call_ops), on_call };

static AxHandled on_end(AxVCpu *vcpu, void *opaque, uint64_t offset, AxAccessWidth width,
			uint64_t value)
{
	return AX_STOP;
}

static const AxRangeOps end_ops = { .size = sizeof(end_ops), .write = on_end };

static void add_end(AxVm *vm)
{
	AxRange end = AX_RANGE_INIT;
	AxError err = AX_ERROR_INIT;

	end.base = CODE_MMIO + CODE_END;
	end.length = 4;
	end.ops = &end_ops;
	ck_ok(ax_range_add_mmio(vm, &end, NULL, &err), err);
}

/* False: this KVM has no filter, which has been said. */
static bool open_calls(struct code_vm *vm, struct calls *calls)
{
	AxHypercallConfig config = AX_HYPERCALL_CONFIG_INIT;
	AxError err = AX_ERROR_INIT;
	int ret;

	code_open_vm(vm, NULL, CODE(call));
	config.flags = AX_HYPERCALL_TRAP;
	ret = ax_hypercall_set(vm->vm, &config, &call_ops, calls, &err);
	if (ret == -ENOTSUP) {
		kvm_skip("HVC and SMC as exits: %s", err.message);
		code_close(vm);
		return false;
	}
	ck_ok(ret, err);
	add_end(vm->vm);
	code_add_vcpu(vm, 0);
	return true;
}

static uint64_t argument(unsigned index)
{
	return UINT64_C(0x1122334400000000) * (index + 1) + index;
}

static void set_call(struct code_vm *vm, uint64_t function, bool by_smc)
{
	code_set_word(vm, 0, FUNCTION, function);
	code_set_word(vm, 0, BY_SMC, by_smc);
	for (unsigned i = 0; i < 6; i++)
		code_set_word(vm, 0, ARGUMENTS + i, argument(i));
	code_set_word(vm, 0, RESULT, 0x7e57);
	code_restart(vm->vcpu);
}

/* Make the call; what the guest has got. */
static uint64_t call(struct code_vm *vm, uint64_t function, bool by_smc)
{
	AxVmResult result = AX_VM_RESULT_INIT;
	AxError err = AX_ERROR_INIT;

	set_call(vm, function, by_smc);
	ck_ok(ax_vm_run(vm->vm, &result, &err), err);
	ck_assert_uint_eq(result.end, AX_VM_END_HANDLER);
	return code_word(vm, 0, RESULT);
}

static const uint32_t functions[] = { 0x86000000, 0x8600ffff, 0xc6000000, 0xc600ffff, 0xc6001234 };

START_TEST(vendor_call_brings_arguments_and_takes_the_result)
{
	struct calls calls = { .answer = UINT64_C(0x8877665544332211) };
	const uint64_t mask = functions[_i] & 0x40000000 ? UINT64_MAX : UINT32_MAX;
	struct code_vm vm;

	if (!open_calls(&vm, &calls))
		return;
	for (unsigned by_smc = 0; by_smc < 2; by_smc++) {
		calls.count = 0;
		ck_assert_uint_eq(call(&vm, functions[_i], by_smc), calls.answer);
		ck_assert_uint_eq(calls.count, 1);
		ck_assert_uint_eq(calls.last.nr, functions[_i]);
		ck_assert_uint_eq(calls.last.route, AX_ROUTE_SMCCC);
		for (unsigned i = 0; i < 6; i++)
			ck_assert_uint_eq(calls.last.args[i], argument(i) & mask);
	}
	code_close(&vm);
}
END_TEST

START_TEST(vendor_call_that_nobody_takes_is_not_supported)
{
	struct calls calls = { .verdict = AX_UNHANDLED };
	struct code_vm vm;

	if (!open_calls(&vm, &calls))
		return;
	/* Bits above the function ID are none of it. */
	ck_assert_uint_eq(call(&vm, UINT64_C(0x5a5a5a5ac6000001), false), UNKNOWN);
	ck_assert_uint_eq(calls.last.nr, 0xc6000001);
	/* Others are KVM's, which knows none of these. */
	calls.count = 0;
	ck_assert_uint_eq(call(&vm, 0x86010000, false), UNKNOWN);
	ck_assert_uint_eq(call(&vm, 0xc5000001, false), UNKNOWN);
	ck_assert_uint_eq(call(&vm, 0x1234, true), UNKNOWN);
	ck_assert_uint_eq(calls.count, 0);
	code_close(&vm);
}
END_TEST

START_TEST(call_can_be_answered_by_hand)
{
	struct calls calls = { 0 };
	AxError err = AX_ERROR_INIT;
	AxVCpuExitReason exit;
	struct code_vm vm;
	uint64_t value;

	if (!open_calls(&vm, &calls))
		return;
	set_call(&vm, 0xc6000001, false);
	ck_ok(ax_vcpu_bind(vm.vcpu, AX_ANY_CPU, &err), err);
	ck_ok(ax_vcpu_run(vm.vcpu, &exit, &err), err);
	ck_exit_kind(&exit, AX_EXIT_HYPERCALL);
	ck_assert_int_eq(ax_vcpu_get_gpr(vm.vcpu, 0, &value, &err), -EPERM);
	ck_ok(ax_vcpu_set_return_value(vm.vcpu, 42, &err), err);
	ck_assert_int_eq(ax_vcpu_settle(vm.vcpu, &exit, &err), 0);
	ck_ok(ax_vcpu_get_gpr(vm.vcpu, 0, &value, &err), err);
	ck_assert_uint_eq(value, 42);
	ck_ok(ax_vcpu_run(vm.vcpu, &exit, &err), err);
	ck_exit_kind(&exit, AX_EXIT_MMIO_WRITE);
	ck_assert_uint_eq(code_word(&vm, 0, RESULT), 42);
	code_close(&vm);
}
END_TEST

/* What KVM's own PSCI answers, and says of the system. */
static void open_kernel(struct code_vm *vm)
{
	AxVmOptions options = AX_VM_OPTIONS_INIT;

	options.power = AX_POWER_KERNEL;
	code_open(vm, &options, CODE(call));
	add_end(vm->vm);
}

START_TEST(kernel_answers_psci_without_exits)
{
	struct code_vm vm;

	open_kernel(&vm);
	ck_assert_uint_ge(call(&vm, PSCI_VERSION_CALL, false), 0x10000);
	ck_assert_uint_ge(call(&vm, PSCI_VERSION_CALL, true), 0x10000);
	code_set_word(&vm, 0, ARGUMENTS, 5);
	ck_assert_int_lt((int64_t)call(&vm, AFFINITY_INFO, false), 0);
	code_close(&vm);
}
END_TEST

static const struct down {
	uint32_t function;
	uint32_t cause;
	uint32_t ndata;
	uint64_t first;
} downs[] = {
	{ SYSTEM_OFF, AX_DOWN_POWER_OFF, 0, 0 },
	{ 0x84000009, AX_DOWN_RESET, 0, 0 },
	{ SYSTEM_RESET2, AX_DOWN_RESET, 1, 1 },
	{ SYSTEM_SUSPEND, AX_DOWN_SUSPEND, 2, CODE_START },
};

START_TEST(kernel_says_that_the_system_goes_down)
{
	const struct down *down = &downs[_i];
	AxVmResult result = AX_VM_RESULT_INIT;
	AxError err = AX_ERROR_INIT;
	struct code_vm vm;

	open_kernel(&vm);
	set_call(&vm, down->function, false);
	code_set_word(&vm, 0, ARGUMENTS, down->function == SYSTEM_SUSPEND ? CODE_START : 0);
	code_set_word(&vm, 0, ARGUMENTS + 1, 0x1234);
	ck_ok(ax_vm_run(vm.vm, &result, &err), err);
	ck_assert_uint_eq(result.end, AX_VM_END_EXIT);
	ck_exit_kind(&result.exit, AX_EXIT_SYSTEM_DOWN);
	ck_assert_uint_eq(result.exit.system_down.cause, down->cause);
	ck_assert_uint_ge(result.exit.system_down.ndata, down->ndata);
	ck_assert_uint_eq(result.exit.system_down.data[0], down->first);
	code_close(&vm);
}
END_TEST

START_TEST(kernel_starts_a_cpu_without_an_exit)
{
	const struct code target = CODE(call_target);
	AxVCpuSetup off = AX_VCPU_SETUP_INIT;
	AxVmResult result = AX_VM_RESULT_INIT;
	AxError err = AX_ERROR_INIT;
	AxVCpu *second;
	struct code_vm vm;

	open_kernel(&vm);
	ck_ok(ax_vcpu_create(vm.vm, 1, &second, &err), err);
	off.flags = AX_SETUP_POWERED_OFF;
	ck_ok(ax_vcpu_setup(second, &off, &err), err);
	ck_assert_int_eq(ax_mem_write(vm.vm, CODE_CALL_PAGE, target.bytes,
				      (uint64_t)(target.end - target.bytes)),
			 0);
	/* The first starts the second, whose own call is SYSTEM_OFF. */
	set_call(&vm, CPU_ON, false);
	code_set_word(&vm, 0, ARGUMENTS, 1);
	code_set_word(&vm, 0, ARGUMENTS + 1, CODE_CALL_PAGE);
	code_set_word(&vm, 0, ARGUMENTS + 2, CODE_MAILBOX + 256);
	code_set_word(&vm, 1, FUNCTION, PSCI_VERSION_CALL);
	ck_ok(ax_vm_run(vm.vm, &result, &err), err);
	ck_assert_uint_eq(result.end, AX_VM_END_HANDLER);
	code_close(&vm);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("call");
	TCase *tcase = kvm_case(suite, "call");

	tcase_add_loop_test(tcase, vendor_call_brings_arguments_and_takes_the_result, 0,
			    (int)(sizeof(functions) / sizeof(functions[0])));
	tcase_add_test(tcase, vendor_call_that_nobody_takes_is_not_supported);
	tcase_add_test(tcase, call_can_be_answered_by_hand);
	tcase_add_test(tcase, kernel_answers_psci_without_exits);
	tcase_add_loop_test(tcase, kernel_says_that_the_system_goes_down, 0,
			    (int)(sizeof(downs) / sizeof(downs[0])));
	tcase_add_test(tcase, kernel_starts_a_cpu_without_an_exit);
	return kvm_main(suite);
}
