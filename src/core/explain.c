/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Why a guest dies of an exit, in one sentence for its author.
 *
 * FAIL_ENTRY: KVM gives Intel's VM-instruction error number (SDM volume 3C, 31.4) when VMLAUNCH
 * itself failed, the basic exit reason with bit 31 set when the guest's state was refused (SDM
 * 3C, 27.8 and appendix C), AMD's #VMEXIT code -1 (VMEXIT_INVALID, APM volume 2, appendix C) cut to
 * 32 bits or not, and arm64's own reason 1 (a CPU whose features the vCPU cannot have:
 * KVM_EXIT_FAIL_ENTRY_CPU_UNSUPPORTED).
 */
#include <config.h>

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>

#include <axvmm/exit.h>

/* KVM_EXIT_FAIL_ENTRY_CPU_UNSUPPORTED of arm64's asm/kvm.h. */
#define ARM64_CPU_UNSUPPORTED 1

/* The number of riscv64's CSR hstatus, which KVM gives when its field VGEIN can't be filled. */
#define RISCV64_HSTATUS 0x600

/* Bit 31 of Intel's exit reason: the entry failed. */
#define VMX_ENTRY_FAILED 0x80000000u

static const char *const vmx_instruction_errors[] = {
	[1] = "VMCALL in VMX root operation",
	[2] = "VMCLEAR with an invalid physical address",
	[3] = "VMCLEAR with the VMXON pointer",
	[4] = "VMLAUNCH with a VMCS that is not clear",
	[5] = "VMRESUME with a VMCS that is not launched",
	[6] = "VMRESUME after VMXOFF",
	[7] = "VM entry with invalid control fields",
	[8] = "VM entry with invalid host-state fields",
	[9] = "VMPTRLD with an invalid physical address",
	[10] = "VMPTRLD with the VMXON pointer",
	[11] = "VMPTRLD with a wrong VMCS revision",
	[12] = "VMREAD or VMWRITE of a field that does not exist",
	[13] = "VMWRITE to a read-only field",
	[15] = "VMXON in VMX root operation",
	[16] = "VM entry with an invalid executive-VMCS pointer",
	[17] = "VM entry with an executive VMCS that is not launched",
	[18] = "VM entry with an executive-VMCS pointer that is not the VMXON pointer",
	[19] = "VMCALL with a VMCS that is not clear",
	[20] = "VMCALL with invalid VM-exit control fields",
	[22] = "VMCALL with a wrong MSEG revision",
	[23] = "VMXOFF under dual-monitor treatment",
	[24] = "VMCALL with invalid SMM-monitor features",
	[25] = "VM entry with invalid execution controls in the executive VMCS",
	[26] = "VM entry with events blocked by MOV SS",
	[28] = "invalid operand to INVEPT or INVVPID",
};

static const char *vmx_entry_failure(uint32_t basic)
{
	switch (basic) {
	case 33:
		return "invalid guest state: look at segment attributes, CR0, CR4 and EFER, and at "
		       "RFLAGS bit 1";
	case 34: return "an MSR could not be loaded";
	case 41: return "machine check during the entry";
	default: return "a reason that is not documented";
	}
}

static size_t explain_fail_entry(const AxExitFailEntry *fail, char *buffer, size_t size)
{
	uint64_t reason = fail->hardware_entry_failure_reason;
	const char *word = NULL;

	if (reason == UINT64_MAX || reason == UINT32_MAX)
		return (size_t)snprintf(buffer, size,
					"SVM refused the guest's state (VMEXIT_INVALID): look at "
					"CR0, CR3, CR4, EFER "
					"and the code segment, where L and D must not both be set");
	if (reason == RISCV64_HSTATUS)
		return (size_t)snprintf(
			buffer, size,
			"no guest interrupt file is free for this vCPU on the host's "
			"hart: too many "
			"vCPUs with an in-kernel AIA share it");
	if (reason <= UINT32_MAX && (reason & VMX_ENTRY_FAILED))
		return (size_t)snprintf(buffer, size, "VMX refused to enter the guest: %s",
					vmx_entry_failure((uint32_t)reason & 0xffff));
	if (reason < sizeof(vmx_instruction_errors) / sizeof(vmx_instruction_errors[0]))
		word = vmx_instruction_errors[reason];
	if (word)
		return (size_t)snprintf(buffer, size, "VMX instruction error %" PRIu64 ", %s%s",
					reason, word,
					reason == ARM64_CPU_UNSUPPORTED
						? " (on arm64: this host CPU lacks what the vCPU "
						  "was set up with)"
						: "");
	return (size_t)snprintf(buffer, size,
				"the hardware refused to enter the guest with reason 0x%" PRIx64,
				reason);
}

static const char *internal_error_text(uint32_t suberror)
{
	switch (suberror) {
	case 1:
		return "KVM had to emulate an instruction that it can't: often an instruction "
		       "fetch from an address "
		       "without memory, or a vector or locked instruction on MMIO";
	case 2:
		return "the guest caused an exception while another was being delivered, in a way "
		       "that KVM can't "
		       "resolve: check the IDT, the stacks and the page tables that they need";
	case 3:
		return "an interrupt or exception could not be delivered because its delivery "
		       "itself faulted: check "
		       "the IDT and the stack";
	case 4:
		return "the hardware reported an exit that KVM does not know: a fault of KVM or of "
		       "the hardware";
	default: return "KVM reports an internal error of a kind that is not documented";
	}
}

/* KVM_RUN's errno tells them apart: exit.c. */
static const char *errno_text(uint64_t os_errno)
{
	switch (os_errno) {
	case EIO:
		return "the guest accessed an address without memory, misaligned: KVM can't carry "
		       "that out";
	case EOPNOTSUPP:
		return "KVM can't carry out what the guest did at an address without memory: an "
		       "atomic or "
		       "floating-point access, or executing what is there";
	default:
		return "KVM can't carry out the guest's access: misaligned, atomic, or by an "
		       "instruction that gives "
		       "no description of itself, to an address without memory";
	}
}

static const char *system_down_text(uint32_t cause)
{
	switch (cause) {
	case AX_DOWN_TRIPLE_FAULT:
		return "triple fault: an exception occurred, and neither its handler nor the "
		       "double-fault handler could "
		       "be called; usually the IDT is missing or damaged, or the page tables don't "
		       "map it";
	case AX_DOWN_CRASH: return "the guest's kernel reported its own crash";
	case AX_DOWN_CONFIDENTIAL:
		return "a confidential guest ended itself; data holds what it gave as the reason";
	default: return "";
	}
}

static const char *text(const AxVCpuExitReason *exit)
{
	switch (exit->kind) {
	case AX_EXIT_NESTED_PAGE_FAULT:
		return "the guest touched RAM that the host does not let it touch: its mapping in "
		       "this process is gone or protected, or its pager cannot have the page";
	case AX_EXIT_SYSTEM_DOWN: return system_down_text(exit->system_down.cause);
	case AX_EXIT_INTERNAL_ERROR:
		return exit->internal_error.suberror == AX_SUBERROR_ERRNO
			       ? errno_text(exit->internal_error.data[0])
			       : internal_error_text(exit->internal_error.suberror);
	case AX_EXIT_MMIO_READ:
	case AX_EXIT_MMIO_WRITE:
		return "the guest accessed an address where there is neither RAM nor a device";
	case AX_EXIT_IO_READ:
	case AX_EXIT_IO_WRITE: return "the guest accessed a port where there is no device";
	case AX_EXIT_UNSUPPORTED:
		return "KVM returned for a reason that this library does not know; it may be newer "
		       "than the library";
	case AX_EXIT_DEBUG: return "a breakpoint or a single step that was asked for was reached";
	default: return "";
	}
}

size_t ax_exit_explain(const AxVCpuExitReason *exit, char *buffer, size_t size)
{
	if (exit->kind == AX_EXIT_FAIL_ENTRY)
		return explain_fail_entry(&exit->fail_entry, buffer, size);
	return (size_t)snprintf(buffer, size, "%s", text(exit));
}
