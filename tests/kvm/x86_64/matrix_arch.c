/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The exit matrix on x86-64: stock KVM on a processor with SVM or VMX, and software KVM.
 */
#include "tests/kvm/matrix.h"

const char *matrix_variant(void)
{
	switch (ax_kvm_kind()) {
	case AX_KVM_SVM: return "-svm";
	case AX_KVM_VMX: return "-vmx";
	default: return "-software";
	}
}

/* INIT to a CPU that runs (code_arch.c). */
static void init_running_cpu(void)
{
	struct code_vm vm;

	code_producers[0].open(&vm);
	matrix_run_code(&vm);
}

const struct matrix_scenario matrix_arch[] = {
	{ AX_EXIT_NOTHING, "hlt-wake", MATRIX_NATIVE, NULL },
	{ AX_EXIT_HYPERCALL, "hypercall-vmcall", MATRIX_NATIVE, NULL },
	{ AX_EXIT_HYPERCALL, "hypercall-map-gpa", MATRIX_NATIVE, NULL },
	{ AX_EXIT_HYPERCALL, "hypercall-block", MATRIX_OPT_IN, NULL },
	{ AX_EXIT_MMIO_READ, "mmio-widths", MATRIX_NATIVE, NULL },
	{ AX_EXIT_MMIO_WRITE, "mmio-widths", MATRIX_NATIVE, NULL },
	{ AX_EXIT_SYS_REG_READ, "msr", MATRIX_NATIVE, NULL },
	{ AX_EXIT_SYS_REG_WRITE, "msr", MATRIX_NATIVE, NULL },
	{ AX_EXIT_IO_READ, "port-widths", MATRIX_NATIVE, NULL },
	{ AX_EXIT_IO_WRITE, "port-widths", MATRIX_NATIVE, NULL },
	{ AX_EXIT_EXTERNAL_INTERRUPT, "kick-spin", MATRIX_NATIVE, NULL },
	{ AX_EXIT_HALT, "hlt-wake", MATRIX_NATIVE, NULL },
	{ AX_EXIT_CPU_UP, "smp-sipi", MATRIX_NATIVE, NULL },
	{ AX_EXIT_CPU_DOWN, "INIT to a CPU that runs", MATRIX_NATIVE, init_running_cpu },
	{ AX_EXIT_SYSTEM_DOWN, "triple-fault", MATRIX_NATIVE, NULL },
	{ AX_EXIT_FAIL_ENTRY, "fail-entry", MATRIX_NATIVE, NULL },
	{ AX_EXIT_SEND_IPI, "ipi-pingpong", MATRIX_NATIVE, NULL },
	{ AX_EXIT_INTERNAL_ERROR, "internal-error", MATRIX_NATIVE, NULL },
	{ AX_EXIT_DEBUG, "hwbreak", MATRIX_NATIVE, NULL },
	{ AX_EXIT_IRQ_EOI, "ioapic", MATRIX_NATIVE, NULL },
	{ 0, NULL, MATRIX_NATIVE, NULL },
};

const char *matrix_reason(uint32_t kind)
{
	switch (kind) {
	case AX_EXIT_NESTED_PAGE_FAULT: return "accesses to inaccessible memory become MMIO";
	case AX_EXIT_FAIL_ENTRY:
		return "nothing refuses a state: the guest's kernel is interpreted";
	default: return NULL;
	}
}
