/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The exit matrix on riscv64, with and without AIA.
 */
#include "tests/kvm/matrix.h"

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

const struct matrix_scenario matrix_arch[] = {
	{ AX_EXIT_HYPERCALL, "hypercall-trap", MATRIX_NATIVE, NULL },
	{ AX_EXIT_HYPERCALL, "hypercall-block", MATRIX_OPT_IN, NULL },
	{ AX_EXIT_MMIO_READ, "mmio-widths", MATRIX_NATIVE, NULL },
	{ AX_EXIT_MMIO_WRITE, "mmio-widths", MATRIX_NATIVE, NULL },
	{ AX_EXIT_EXTERNAL_INTERRUPT, "kick-spin", MATRIX_NATIVE, NULL },
	{ AX_EXIT_INTERNAL_ERROR, "mmio-misaligned", MATRIX_NATIVE, NULL },
	{ AX_EXIT_INTERNAL_ERROR, "mmio-atomic", MATRIX_NATIVE, NULL },
	{ 0, NULL, MATRIX_NATIVE, NULL },
};

const char *matrix_reason(uint32_t kind)
{
	switch (kind) {
	case AX_EXIT_IO_READ:
	case AX_EXIT_IO_WRITE: return "the architecture has no port I/O";
	case AX_EXIT_SEND_IPI: return "interrupts between harts stay in KVM's SBI and AIA";
	case AX_EXIT_IRQ_EOI: return "KVM has no such exit";
	default: return NULL;
	}
}
