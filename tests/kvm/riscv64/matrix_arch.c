/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The exit matrix on riscv64, with and without AIA.
 */
#include "tests/kvm/matrix.h"

#include "arch/riscv64/riscv.h"
#include "code_riscv.h"
#include "sys/sys.h"

/* CSRs that KVM leaves to its user: unprivileged specification, Zkr; AIA specification, 2.5. */
#define CSR_SEED   0x015
#define CSR_STOPEI 0x15c

/* csrrw a2, CSR, x0 and csrrs a2, CSR, x0: a write, and a read alone. */
#define WRITE_CSR(csr) ((uint32_t)(csr) << 20 | 1u << 12 | 12u << 7 | 0x73)
#define READ_CSR(csr)  (WRITE_CSR(csr) + (1u << 12))

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

static void access_csr(uint32_t insn)
{
	struct code_vm vm;

	code_open(&vm, NULL, CODE(execute));
	ck_assert_int_eq(ax_mem_write(vm.vm, CODE_START + code_execute_place, &insn, sizeof(insn)),
			 0);
	matrix_run_code(&vm);
}

static void write_seed(void)
{
	access_csr(WRITE_CSR(CSR_SEED));
}

static void read_stopei(void)
{
	access_csr(READ_CSR(CSR_STOPEI));
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
	{ AX_EXIT_HYPERCALL, "hypercall-block", MATRIX_OPT_IN, NULL },
	{ AX_EXIT_MMIO_READ, "mmio-widths", MATRIX_NATIVE, NULL },
	{ AX_EXIT_MMIO_WRITE, "mmio-widths", MATRIX_NATIVE, NULL },
	{ AX_EXIT_SYS_REG_READ, "a read of stopei", MATRIX_NATIVE, read_stopei },
	{ AX_EXIT_SYS_REG_WRITE, "a write of seed", MATRIX_NATIVE, write_seed },
	{ AX_EXIT_EXTERNAL_INTERRUPT, "kick-spin", MATRIX_NATIVE, NULL },
	{ AX_EXIT_FAIL_ENTRY, "more AIA harts than the host's hart has files for", MATRIX_NATIVE,
	  want_too_many_interrupt_files },
	{ AX_EXIT_INTERNAL_ERROR, "mmio-misaligned", MATRIX_NATIVE, NULL },
	{ AX_EXIT_INTERNAL_ERROR, "mmio-atomic", MATRIX_NATIVE, NULL },
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
