/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The exit matrix on arm64.
 */
#include "tests/kvm/matrix.h"

const char *matrix_variant(void)
{
	return "";
}

const struct matrix_scenario matrix_arch[] = {
	{ AX_EXIT_HYPERCALL, "hypercall-trap", MATRIX_NATIVE, NULL },
	{ AX_EXIT_HYPERCALL, "hypercall-block", MATRIX_OPT_IN, NULL },
	{ AX_EXIT_MMIO_READ, "mmio-widths", MATRIX_NATIVE, NULL },
	{ AX_EXIT_MMIO_READ, "nisv", MATRIX_NATIVE, NULL },
	{ AX_EXIT_MMIO_WRITE, "mmio-widths", MATRIX_NATIVE, NULL },
	{ AX_EXIT_MMIO_WRITE, "nisv", MATRIX_NATIVE, NULL },
	{ AX_EXIT_EXTERNAL_INTERRUPT, "kick-spin", MATRIX_NATIVE, NULL },
	{ AX_EXIT_HALT, "psci", MATRIX_NATIVE, NULL },
	{ AX_EXIT_CPU_UP, "smp", MATRIX_NATIVE, NULL },
	{ AX_EXIT_CPU_DOWN, "smp", MATRIX_NATIVE, NULL },
	{ AX_EXIT_SYSTEM_DOWN, "power-off", MATRIX_NATIVE, NULL },
	{ AX_EXIT_SYSTEM_DOWN, "power-off-kernel", MATRIX_NATIVE, NULL },
	{ AX_EXIT_DEBUG, "hwbreak", MATRIX_NATIVE, NULL },
	{ 0, NULL, MATRIX_NATIVE, NULL },
};

const char *matrix_reason(uint32_t kind)
{
	switch (kind) {
	case AX_EXIT_SYS_REG_READ:
	case AX_EXIT_SYS_REG_WRITE:
		return "KVM emulates a system register or the guest gets an exception";
	case AX_EXIT_IO_READ:
	case AX_EXIT_IO_WRITE: return "the architecture has no port I/O";
	case AX_EXIT_SEND_IPI: return "interrupts between CPUs stay in KVM's GIC";
	case AX_EXIT_IRQ_EOI: return "KVM's GIC keeps the end of an interrupt to itself";
	default: return NULL;
	}
}
