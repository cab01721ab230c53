/* SPDX-License-Identifier: Apache-2.0 */
/*
 * From how a guest ended to what is said about it, and to the exit status.
 */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "cli/cli.h"
#include "cli/number.h"
#include "cli/session.h"

#define REPORT_LINE_SIZE 512

/* So many vCPUs are shown of a guest that was stopped. */
#define REPORT_VCPUS 4

/* Where a dead guest was, below a message. @exit: what it died of; NULL when the message says all.
 */
static void report(AxMachine *machine, uint32_t vcpu, const AxVCpuExitReason *exit)
{
	char line[REPORT_LINE_SIZE];

	for (unsigned i = 0; ax_machine_report(machine, vcpu, exit, i, line, sizeof(line)); i++)
		fprintf(stderr, "  %s\n", line);
}

/* Where a guest was that did not end by itself. */
static void report_stopped(AxMachine *machine)
{
	char line[REPORT_LINE_SIZE];
	uint32_t vcpu;

	for (vcpu = 0; ax_machine_report(machine, vcpu, NULL, 0, line, sizeof(line)); vcpu++) {
		if (vcpu == REPORT_VCPUS) {
			cli_message("the other vCPUs are not shown");
			break;
		}
		cli_message("vCPU %" PRIu32 " was", vcpu);
		report(machine, vcpu, NULL);
	}
}

static int tell_code(const AxMachineResult *result)
{
	if (result->code == STATUS_NO_KVM || result->code > GUEST_CODE_MAX) {
		cli_message("the guest ended with code %" PRId64 " (0x%" PRIx64
			    "); as exit status that would mean something else",
			    result->code, (uint64_t)result->code);
		return STATUS_GUEST_CODE;
	}
	return (int)result->code;
}

static int tell_stop(AxMachine *machine, const AxMachineResult *result,
		     const struct run_options *options)
{
	char text[NUMBER_TEXT_SIZE];
	int number = (int)result->code - STOP_SIGNAL;

	switch (result->code) {
	case STOP_QUIT:
		cli_message("ended by Ctrl-A x");
		report_stopped(machine);
		return STATUS_QUIT;
	case STOP_GDB: cli_message("ended by gdb"); return STATUS_QUIT;
	case STOP_CONTROL: cli_message("ended by \"axvmm stop\""); return STATUS_STOPPED;
	case STOP_OUTPUT:
	case STOP_TRACE:
	case STOP_LOOP:
		/* What failed is said where it is known. */
		return STATUS_HOST;
	case STOP_TIMEOUT:
		cli_message("ended after %s, as --timeout says",
			    format_duration(options->timeout_ns, text));
		report_stopped(machine);
		return STATUS_TIMEOUT;
	default: break;
	}
	cli_message("ended by signal %d (%s)", number, strsignal(number));
	return STATUS_SIGNAL + number;
}

static int tell_reset(const AxMachineResult *result)
{
	static const char *const routes[] = {
		[AX_RESET_NONE] = "",
		[AX_RESET_I8042] = " by the keyboard controller",
		[AX_RESET_CONTROL] = " by port 0xcf9",
		[AX_RESET_PORT92] = " by port 0x92",
		[AX_RESET_ACPI] = " by ACPI's reset register",
	};

	cli_message("the guest asked for a reset%s",
		    result->reset < sizeof(routes) / sizeof(routes[0]) ? routes[result->reset]
								       : "");
	return STATUS_RESET;
}

static int tell_assertion(AxMachine *machine, const AxMachineResult *result,
			  const struct run_options *options)
{
	if (result->compared)
		cli_message("vCPU %" PRIu32 ": the guest's assertion in line %" PRIu64
			    " failed: expected 0x%" PRIx64 ", actual 0x%" PRIx64,
			    result->vcpu, result->line, result->expected, result->actual);
	else
		cli_message("vCPU %" PRIu32 ": the guest's assertion in line %" PRIu64 " failed",
			    result->vcpu, result->line);
	if (options->guest && !strcmp(options->guest->end, "fail-entry"))
		cli_message("this KVM did not refuse the state in which the guest began: it ran");
	report(machine, result->vcpu, NULL);
	return STATUS_ASSERTION;
}

static int tell_death(AxMachine *machine, const AxMachineResult *result, const char *what,
		      int status)
{
	cli_message("vCPU %" PRIu32 ": %s", result->vcpu, what);
	report(machine, result->vcpu, &result->exit);
	return status;
}

/* Where the kernel was when it asked for the reset says nothing of why it panicked: it has said so. */
int outcome_tell_panic(void)
{
	cli_message("the guest's kernel panicked, and asked for a reset");
	return STATUS_CRASH;
}

int outcome_tell(AxMachine *machine, const AxMachineResult *result,
		 const struct run_options *options)
{
	switch (result->end) {
	case AX_MACHINE_CODE: return tell_code(result);
	case AX_MACHINE_STOPPED: return tell_stop(machine, result, options);
	case AX_MACHINE_RESET: return tell_reset(result);
	case AX_MACHINE_POWER_OFF: return STATUS_OK;
	case AX_MACHINE_HALTED:
		cli_message("the guest halted with interrupts off: nothing can wake it");
		return STATUS_OK;
	case AX_MACHINE_SUSPEND: cli_message("the guest suspended itself"); return STATUS_SUSPEND;
	case AX_MACHINE_ASSERTION: return tell_assertion(machine, result, options);
	case AX_MACHINE_TRIPLE_FAULT:
		return tell_death(machine, result, "triple fault", STATUS_TRIPLE_FAULT);
	case AX_MACHINE_INTERNAL_ERROR:
		return tell_death(machine, result, "KVM cannot go on with the guest",
				  STATUS_INTERNAL_ERROR);
	case AX_MACHINE_FAIL_ENTRY:
		return tell_death(machine, result, "the processor refused to enter the guest",
				  STATUS_FAIL_ENTRY);
	case AX_MACHINE_CRASH:
		return tell_death(machine, result, "the guest says that it crashed", STATUS_CRASH);
	default:
		return tell_death(machine, result, "an exit that nobody handles", STATUS_UNHANDLED);
	}
}
