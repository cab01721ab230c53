/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What KVM on riscv64 can do, and what that means for the exits.
 */
#include <config.h>

#include <unistd.h>

#include "arch/riscv64/probe_reg.h"

const char arch_name[] = "riscv64";

/* A module, or part of the kernel: it has this folder when there is the H extension. */
AxKvmKind arch_kvm_kind(void)
{
	return access("/sys/module/kvm", F_OK) ? AX_KVM_UNKNOWN : AX_KVM_RISCV64;
}

static bool aia_is_there(AxVm *vm, int value)
{
	struct kvm_create_device request = { .type = SYS_RISCV_DEV_TYPE_AIA,
					     .flags = KVM_CREATE_DEVICE_TEST };

	(void)value;
	return sys_ioctl_struct(vm->fd, KVM_CREATE_DEVICE, &request) >= 0;
}

const struct probe_row arch_probe_rows[] = {
	{ KVM_CAP_ONE_REG, "ONE_REG", "registers one by one", "nothing runs: this is no usable KVM",
	  NULL },
	{ KVM_CAP_DEVICE_CTRL, "DEVICE_CTRL", "KVM's AIA: APLIC and IMSICs in the kernel",
	  "--irqchip kernel is refused: this needs a processor with Ssaia", aia_is_there },
	{ KVM_CAP_SIGNAL_MSI, "SIGNAL_MSI", "message interrupts to in-kernel IMSICs", NULL, NULL },
	{ KVM_CAP_VM_GPA_BITS, "VM_GPA_BITS", "how many bits a guest physical address has", NULL,
	  NULL },
};

const unsigned arch_probe_row_count = sizeof(arch_probe_rows) / sizeof(arch_probe_rows[0]);

bool arch_probe_exit(const AxProbe *probe, uint32_t kind, const char **how)
{
	bool has_ssaia = riscv_probe_is_on(probe, "isa ssaia");
	bool has_zkr = riscv_probe_is_on(probe, "isa zkr");

	switch (kind) {
	case AX_EXIT_NOTHING: *how = "a signal came, or an SBI probe was answered"; return true;
	case AX_EXIT_HYPERCALL:
		*how = "an SBI call of the experimental range, DBCN (AX_HYPERCALL_CONSOLE), "
		       "a block in memory";
		return true;
	case AX_EXIT_MMIO_READ:
	case AX_EXIT_MMIO_WRITE: *how = "an address without RAM"; return true;
	case AX_EXIT_SYS_REG_READ:
		*how = has_ssaia ? "reading stopei or sireg without an in-kernel AIA"
				 : "seed is read by a write; others need a processor with Ssaia";
		return has_ssaia;
	case AX_EXIT_SYS_REG_WRITE:
		*how = has_zkr	   ? "CSRRW of seed"
		       : has_ssaia ? "writing stopei or sireg without an in-kernel AIA"
				   : "needs a processor with Zkr or Ssaia";
		return has_zkr || has_ssaia;
	case AX_EXIT_IO_READ:
	case AX_EXIT_IO_WRITE: *how = "riscv64 has no ports"; return false;
	case AX_EXIT_EXTERNAL_INTERRUPT: *how = "ax_vcpu_kick()"; return true;
	case AX_EXIT_NESTED_PAGE_FAULT:
		*how = "access to memory that the host cannot give, without its address";
		return true;
	case AX_EXIT_HALT:
		*how = "hart_suspend of our own HSM extension; WFI waits in KVM";
		return true;
	case AX_EXIT_CPU_UP: *how = "hart_start of our own HSM extension"; return true;
	case AX_EXIT_CPU_DOWN: *how = "hart_stop of our own HSM extension"; return true;
	case AX_EXIT_SYSTEM_DOWN: *how = "SBI SRST: shutdown, reboot"; return true;
	case AX_EXIT_FAIL_ENTRY:
		*how = "needs KVM's AIA in its hardware mode, which this library does not ask for";
		return false;
	case AX_EXIT_SEND_IPI: *how = "IPIs are KVM's: SBI IPI, IMSICs"; return false;
	case AX_EXIT_INTERNAL_ERROR:
		*how = "a misaligned, atomic or floating-point access to MMIO, "
		       "a fetch from nowhere";
		return true;
	case AX_EXIT_DEBUG:
		*how = "EBREAK, by ax_vcpu_set_debug()";
		return probe_has(probe, KVM_CAP_SET_GUEST_DEBUG);
	case AX_EXIT_IRQ_EOI: *how = "riscv64 KVM has no such exit"; return false;
	case AX_EXIT_UNSUPPORTED: *how = "something new that KVM says"; return true;
	default: *how = "unknown"; return false;
	}
}

const char *arch_probe_advice(const AxProbe *probe, unsigned index)
{
	(void)probe;
	(void)index;
	return NULL;
}
