/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The exit matrix on riscv64, with and without AIA.
 */
#include "tests/kvm/matrix.h"

#include "arch/riscv64/riscv.h"
#include "sys/sys.h"

/* More than the guest interrupt files that a hart of the lab's machine has: one. */
#define HARTS 2

/* The lab's second machine has AIA. */
const char *matrix_variant(void)
{
	AxVmOptions options = AX_VM_OPTIONS_INIT;
	AxError err = AX_ERROR_INIT;
	AxVm *vm;

	options.irqchip = AX_IRQCHIP_KERNEL;
	if (ax_vm_create(&options, &vm, &err))
		return "";
	ax_vm_destroy(vm);
	return "-aia";
}

/*
 * Harts whose interrupt files have to be the processor's own, all on one of the host's, which has not
 * so many: KVM refuses to enter the last one.
 */
static void want_too_many_interrupt_files(void)
{
	uint32_t mode = SYS_RISCV_AIA_MODE_HWACCEL;
	struct kvm_device_attr request = { .group = SYS_RISCV_AIA_CONFIG,
					   .attr = SYS_RISCV_AIA_CONFIG_MODE,
					   .addr = (uintptr_t)&mode };
	AxVmOptions options = AX_VM_OPTIONS_INIT;
	AxError err = AX_ERROR_INIT;
	AxVCpuExitReason exit;
	struct code_vm vm;

	if (!*matrix_variant()) {
		matrix_cannot("this processor has no AIA");
		return;
	}
	options.irqchip = AX_IRQCHIP_KERNEL;
	code_open_vm(&vm, &options, CODE(write_mmio));
	ck_assert_int_ge(sys_ioctl_struct(vm.vm->arch->aia, KVM_SET_DEVICE_ATTR, &request), 0);
	for (uint32_t id = 0; id < HARTS; id++) {
		code_add_vcpu(&vm, id);
		code_set_word(&vm, id, 1, CODE_MMIO);
	}
	for (uint32_t id = 0; id < HARTS; id++) {
		AxVCpu *vcpu = ax_vm_vcpu(vm.vm, id);

		ck_ok(ax_vcpu_bind(vcpu, 0, &err), err);
		ck_ok(ax_vcpu_run(vcpu, &exit, &err), err);
		matrix_see(exit.kind, matrix_raw(vcpu));
	}
	code_close(&vm);
}

const struct matrix_scenario matrix_arch[] = {
	{ AX_EXIT_HYPERCALL, "hypercall-trap", MATRIX_NATIVE, NULL },
	{ AX_EXIT_HYPERCALL, "dbcn", MATRIX_NATIVE, NULL },
	{ AX_EXIT_HYPERCALL, "hypercall-block", MATRIX_OPT_IN, NULL },
	{ AX_EXIT_MMIO_READ, "mmio-widths", MATRIX_NATIVE, NULL },
	{ AX_EXIT_MMIO_WRITE, "mmio-widths", MATRIX_NATIVE, NULL },
	{ AX_EXIT_SYS_REG_READ, "aia-csr", MATRIX_NATIVE, NULL },
	{ AX_EXIT_SYS_REG_WRITE, "csr-seed", MATRIX_NATIVE, NULL },
	{ AX_EXIT_SYS_REG_WRITE, "aia-csr", MATRIX_NATIVE, NULL },
	{ AX_EXIT_EXTERNAL_INTERRUPT, "kick-spin", MATRIX_NATIVE, NULL },
	{ AX_EXIT_HALT, "hsm", MATRIX_OPT_IN, NULL },
	{ AX_EXIT_CPU_UP, "smp", MATRIX_OPT_IN, NULL },
	{ AX_EXIT_CPU_DOWN, "smp", MATRIX_OPT_IN, NULL },
	{ AX_EXIT_SYSTEM_DOWN, "power-off", MATRIX_NATIVE, NULL },
	{ AX_EXIT_FAIL_ENTRY, "more AIA harts than the host's hart has files for", MATRIX_NATIVE,
	  want_too_many_interrupt_files },
	{ AX_EXIT_INTERNAL_ERROR, "mmio-misaligned", MATRIX_NATIVE, NULL },
	{ AX_EXIT_INTERNAL_ERROR, "mmio-atomic", MATRIX_NATIVE, NULL },
	{ AX_EXIT_DEBUG, "ebreak-host", MATRIX_NATIVE, NULL },
	{ 0, NULL, MATRIX_NATIVE, NULL },
};

const char *matrix_reason(uint32_t kind)
{
	switch (kind) {
	case AX_EXIT_SYS_REG_READ:
		return "seed takes writes only; KVM leaves no other CSR to its user";
	case AX_EXIT_FAIL_ENTRY: return "it takes AIA";
	case AX_EXIT_IO_READ:
	case AX_EXIT_IO_WRITE: return "the architecture has no port I/O";
	case AX_EXIT_SEND_IPI: return "interrupts between harts stay in KVM's SBI and AIA";
	case AX_EXIT_IRQ_EOI: return "KVM has no such exit";
	default: return NULL;
	}
}
