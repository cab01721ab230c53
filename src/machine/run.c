/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Running a machine, and saying how it ended.
 */
#include <errno.h>

#include "machine/machine.h"

static const char *const end_names[] = {
	[AX_MACHINE_CODE] = "code",
	[AX_MACHINE_POWER_OFF] = "power-off",
	[AX_MACHINE_RESET] = "reset",
	[AX_MACHINE_TRIPLE_FAULT] = "triple-fault",
	[AX_MACHINE_CRASH] = "crash",
	[AX_MACHINE_SUSPEND] = "suspend",
	[AX_MACHINE_HALTED] = "halted",
	[AX_MACHINE_ASSERTION] = "assertion",
	[AX_MACHINE_INTERNAL_ERROR] = "internal-error",
	[AX_MACHINE_FAIL_ENTRY] = "fail-entry",
	[AX_MACHINE_UNHANDLED] = "unhandled",
	[AX_MACHINE_STOPPED] = "stopped",
};

const char *ax_machine_end_name(uint32_t end)
{
	return end < sizeof(end_names) / sizeof(end_names[0]) ? end_names[end] : "unknown";
}

/* What the guest said to the test device: true when it said something. */
static bool test_verdict(const AxMachine *machine, AxMachineResult *result)
{
	AxTestResult said = AX_TEST_RESULT_INIT;

	if (ax_testdev_result(machine->test, &said) || said.end == AX_TESTDEV_RUNS)
		return false;
	result->vcpu = said.vcpu;
	if (said.end == AX_TESTDEV_DONE) {
		result->end = AX_MACHINE_CODE;
		result->code = said.code;
		return true;
	}
	result->end = AX_MACHINE_ASSERTION;
	result->line = said.line;
	result->compared = said.compared;
	result->actual = said.actual;
	result->expected = said.expected;
	return true;
}

static AxMachineEnd end_of_system(const AxExitSystemDown *down)
{
	switch (down->cause) {
	case AX_DOWN_POWER_OFF: return AX_MACHINE_POWER_OFF;
	case AX_DOWN_RESET: return AX_MACHINE_RESET;
	case AX_DOWN_CRASH:
	case AX_DOWN_CONFIDENTIAL: return AX_MACHINE_CRASH;
	case AX_DOWN_TRIPLE_FAULT: return AX_MACHINE_TRIPLE_FAULT;
	case AX_DOWN_SUSPEND: return AX_MACHINE_SUSPEND;
	default: return AX_MACHINE_UNHANDLED;
	}
}

static AxMachineEnd end_of_exit(const AxVCpuExitReason *exit)
{
	switch (exit->kind) {
	case AX_EXIT_SYSTEM_DOWN: return end_of_system(&exit->system_down);
	case AX_EXIT_INTERNAL_ERROR: return AX_MACHINE_INTERNAL_ERROR;
	case AX_EXIT_FAIL_ENTRY: return AX_MACHINE_FAIL_ENTRY;
	default: return AX_MACHINE_UNHANDLED;
	}
}

/* A verdict of the guest's own comes before what the library saw of it. */
static void judge(const AxMachine *machine, const AxVmResult *vm, AxMachineResult *result)
{
	*result = (AxMachineResult){ .size = result->size, .vcpu = vm->vcpu };
	if (vm->end == AX_VM_END_HANDLER || vm->end == AX_VM_END_EXIT)
		result->exit = vm->exit;
	if (test_verdict(machine, result) || board_verdict(machine, result))
		return;
	switch (vm->end) {
	case AX_VM_END_CODE:
		result->end = AX_MACHINE_STOPPED;
		result->code = vm->code;
		break;
	case AX_VM_END_HALTED: result->end = AX_MACHINE_HALTED; break;
	default: result->end = end_of_exit(&vm->exit); break;
	}
}

int ax_machine_run(AxMachine *machine, AxMachineResult *result, AxError *err)
{
	AxVmResult vm_result = AX_VM_RESULT_INIT;
	int ret;

	if (result->size < sizeof(*result))
		return ax_error_argument(
			err, -EINVAL, "the machine's result has no size that this library knows");
	ret = ax_vm_run(machine->vm, &vm_result, err);
	ax_console_flush(machine->console);
	if (ret)
		return ret;
	judge(machine, &vm_result, result);
	return 0;
}
