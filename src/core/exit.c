/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One table from KVM's exit number to a small pure function; see exit.h.
 * Source of all numbers and layouts: Documentation/virt/kvm/api.rst, section 5, "The kvm_run
 * structure".
 */
#include <config.h>

#include <errno.h>
#include <string.h>

#include "core/exit.h"

typedef void decode_fn(const struct kvm_run *run, AxVCpuExitReason *exit);

struct row {
	decode_fn *decode;
	unsigned flags;
};

bool ax_access_width_from_size(size_t size, AxAccessWidth *width)
{
	if (size > 8 || !exit_is_width((unsigned)size))
		return false;
	*width = exit_width((unsigned)size);
	return true;
}

size_t ax_access_width_size(AxAccessWidth width)
{
	return (size_t)1 << (width & 3);
}

unsigned ax_access_width_bits(AxAccessWidth width)
{
	return 8u << (width & 3);
}

uint64_t ax_access_width_mask(AxAccessWidth width)
{
	return exit_mask(1u << (width & 3));
}

/* Whatever has no name here: nothing is lost, the raw number stays. */
static void decode_unsupported(const struct kvm_run *run, AxVCpuExitReason *exit)
{
	exit->kind = AX_EXIT_UNSUPPORTED;
	exit->unsupported = (AxExitUnsupported){ .raw = run->exit_reason, .flags = run->flags };
}

static void decode_unknown(const struct kvm_run *run, AxVCpuExitReason *exit)
{
	decode_unsupported(run, exit);
	exit->unsupported.detail = run->hw.hardware_exit_reason;
}

static void decode_nothing(const struct kvm_run *run, AxVCpuExitReason *exit)
{
	(void)run;
	exit->kind = AX_EXIT_NOTHING;
}

static void decode_halt(const struct kvm_run *run, AxVCpuExitReason *exit)
{
	(void)run;
	exit->kind = AX_EXIT_HALT;
}

static void decode_port(const struct kvm_run *run, AxVCpuExitReason *exit)
{
	AxAccessWidth width = exit_width(run->io.size);
	uint8_t *bytes = (uint8_t *)run + run->io.data_offset;

	if (run->io.direction == KVM_EXIT_IO_IN) {
		exit->kind = AX_EXIT_IO_READ;
		exit->io_read = (AxExitIoRead){
			.port = run->io.port, .width = width, .count = run->io.count, .bytes = bytes
		};
	} else {
		exit->kind = AX_EXIT_IO_WRITE;
		exit->io_write = (AxExitIoWrite){
			.port = run->io.port, .width = width, .count = run->io.count, .bytes = bytes
		};
		memcpy(&exit->io_write.data, bytes, run->io.size);
	}
}

static void decode_mmio(const struct kvm_run *run, AxVCpuExitReason *exit)
{
	unsigned len = run->mmio.len;
	AxAccessWidth width = exit_is_width(len) ? exit_width(len) : AX_WIDTH_BYTE;

	if (!run->mmio.is_write) {
		exit->kind = AX_EXIT_MMIO_READ;
		exit->mmio_read = (AxExitMmioRead){ .addr = run->mmio.phys_addr,
						    .width = width,
						    .len = len,
						    .reg = AX_REG_UNKNOWN };
	} else {
		exit->kind = AX_EXIT_MMIO_WRITE;
		exit->mmio_write = (AxExitMmioWrite){ .addr = run->mmio.phys_addr,
						      .width = width,
						      .len = len };
		memcpy(&exit->mmio_write.data, run->mmio.data, len);
	}
}

static void decode_hypercall(const struct kvm_run *run, AxVCpuExitReason *exit)
{
	exit->kind = AX_EXIT_HYPERCALL;
	exit->hypercall = (AxExitHypercall){ .nr = run->hypercall.nr, .route = AX_ROUTE_KVM };
	for (unsigned i = 0; i < 6; i++)
		exit->hypercall.args[i] = run->hypercall.args[i];
}

static void decode_xen(const struct kvm_run *run, AxVCpuExitReason *exit)
{
	if (run->xen.type != KVM_EXIT_XEN_HCALL) {
		decode_unsupported(run, exit);
		exit->unsupported.detail = run->xen.type;
		return;
	}
	exit->kind = AX_EXIT_HYPERCALL;
	exit->hypercall = (AxExitHypercall){ .nr = run->xen.u.hcall.input,
					     .route = AX_ROUTE_XEN,
					     .cpl = run->xen.u.hcall.cpl };
	for (unsigned i = 0; i < 6; i++)
		exit->hypercall.args[i] = run->xen.u.hcall.params[i];
}

static void decode_sbi(const struct kvm_run *run, AxVCpuExitReason *exit)
{
	exit->kind = AX_EXIT_HYPERCALL;
	exit->hypercall = (AxExitHypercall){ .nr = run->riscv_sbi.extension_id,
					     .function = run->riscv_sbi.function_id,
					     .route = AX_ROUTE_SBI };
	for (unsigned i = 0; i < 6; i++)
		exit->hypercall.args[i] = run->riscv_sbi.args[i];
}

static void decode_csr(const struct kvm_run *run, AxVCpuExitReason *exit)
{
	if (run->riscv_csr.write_mask) {
		exit->kind = AX_EXIT_SYS_REG_WRITE;
		exit->sys_reg_write = (AxExitSysRegWrite){ .addr = run->riscv_csr.csr_num,
							   .value = run->riscv_csr.new_value,
							   .mask = run->riscv_csr.write_mask };
	} else {
		exit->kind = AX_EXIT_SYS_REG_READ;
		exit->sys_reg_read =
			(AxExitSysRegRead){ .addr = run->riscv_csr.csr_num, .reg = AX_REG_UNKNOWN };
	}
}

static void decode_rdmsr(const struct kvm_run *run, AxVCpuExitReason *exit)
{
	exit->kind = AX_EXIT_SYS_REG_READ;
	exit->sys_reg_read = (AxExitSysRegRead){ .addr = run->msr.index,
						 .reg = AX_REG_UNKNOWN,
						 .reason = run->msr.reason };
}

static void decode_wrmsr(const struct kvm_run *run, AxVCpuExitReason *exit)
{
	exit->kind = AX_EXIT_SYS_REG_WRITE;
	exit->sys_reg_write = (AxExitSysRegWrite){ .addr = run->msr.index,
						   .value = run->msr.data,
						   .mask = ~UINT64_C(0),
						   .reason = run->msr.reason };
}

static void decode_debug(const struct kvm_run *run, AxVCpuExitReason *exit)
{
	(void)run; /* run->debug.arch is the architecture's: EXIT_FINISH */
	exit->kind = AX_EXIT_DEBUG;
	exit->debug = (AxExitDebug){ 0 };
}

static void decode_shutdown(const struct kvm_run *run, AxVCpuExitReason *exit)
{
	(void)run;
	exit->kind = AX_EXIT_SYSTEM_DOWN;
	exit->system_down = (AxExitSystemDown){ .cause = AX_DOWN_TRIPLE_FAULT };
}

static uint32_t down_cause(uint32_t type)
{
	switch (type) {
	case KVM_SYSTEM_EVENT_SHUTDOWN: return AX_DOWN_POWER_OFF;
	case KVM_SYSTEM_EVENT_RESET: return AX_DOWN_RESET;
	case KVM_SYSTEM_EVENT_CRASH: return AX_DOWN_CRASH;
	case KVM_SYSTEM_EVENT_WAKEUP: return AX_DOWN_WAKEUP;
	case KVM_SYSTEM_EVENT_SUSPEND: return AX_DOWN_SUSPEND;
	case KVM_SYSTEM_EVENT_SEV_TERM:
	case KVM_SYSTEM_EVENT_TDX_FATAL: return AX_DOWN_CONFIDENTIAL;
	default: return AX_DOWN_OTHER;
	}
}

static void decode_system_event(const struct kvm_run *run, AxVCpuExitReason *exit)
{
	uint32_t ndata = run->system_event.ndata;

	if (ndata > 8)
		ndata = 8;
	exit->kind = AX_EXIT_SYSTEM_DOWN;
	exit->system_down = (AxExitSystemDown){ .cause = down_cause(run->system_event.type),
						.type = run->system_event.type,
						.ndata = ndata };
	for (uint32_t i = 0; i < ndata; i++)
		exit->system_down.data[i] = run->system_event.data[i];
}

static void decode_fail_entry(const struct kvm_run *run, AxVCpuExitReason *exit)
{
	exit->kind = AX_EXIT_FAIL_ENTRY;
	exit->fail_entry = (AxExitFailEntry){
		.hardware_entry_failure_reason = run->fail_entry.hardware_entry_failure_reason,
		.cpu = run->fail_entry.cpu,
	};
}

static void decode_internal_error(const struct kvm_run *run, AxVCpuExitReason *exit)
{
	AxExitInternalError *error = &exit->internal_error;
	uint32_t ndata = run->internal.ndata > 16 ? 16 : run->internal.ndata;

	exit->kind = AX_EXIT_INTERNAL_ERROR;
	*error = (AxExitInternalError){ .suberror = run->internal.suberror,
					.ndata = ndata > 8 ? 8 : ndata };
	for (uint32_t i = 0; i < error->ndata; i++)
		error->data[i] = run->internal.data[i];

	/*
	 * Emulation failures overlay flags and the instruction's bytes: data[0], data[1], data[2].
	 */
	if (error->suberror == KVM_INTERNAL_ERROR_EMULATION && ndata >= 3 &&
	    (run->emulation_failure.flags & KVM_INTERNAL_ERROR_EMULATION_FLAG_INSTRUCTION_BYTES)) {
		uint8_t size = run->emulation_failure.insn_size;

		error->insn_size = size > AX_INSN_MAX ? AX_INSN_MAX : size;
		memcpy(error->insn_bytes, run->emulation_failure.insn_bytes, error->insn_size);
	}
}

static void decode_irq_eoi(const struct kvm_run *run, AxVCpuExitReason *exit)
{
	exit->kind = AX_EXIT_IRQ_EOI;
	exit->irq_eoi.vector = run->eoi.vector;
}

static void decode_memory_fault(const struct kvm_run *run, AxVCpuExitReason *exit)
{
	const struct sys_memory_fault *fault = sys_memory_fault(run);

	exit->kind = AX_EXIT_NESTED_PAGE_FAULT;
	exit->nested_page_fault = (AxExitNestedPageFault){
		.addr = fault->gpa,
		.addr_known = true,
		.size = fault->size,
		.flags = fault->flags,
		.access_flags = fault->flags & (AX_MAP_READ | AX_MAP_WRITE | AX_MAP_EXECUTE)
	};
}

/* Rows without a function are decode_unsupported. */
static const struct row rows[] = {
	[KVM_EXIT_UNKNOWN] = { decode_unknown, 0 },
	[KVM_EXIT_EXCEPTION] = { decode_unsupported, 0 },
	[KVM_EXIT_IO] = { decode_port, EXIT_FINISH },
	[KVM_EXIT_HYPERCALL] = { decode_hypercall, EXIT_FINISH },
	[KVM_EXIT_DEBUG] = { decode_debug, EXIT_FINISH },
	[KVM_EXIT_HLT] = { decode_halt, 0 },
	[KVM_EXIT_MMIO] = { decode_mmio, EXIT_FINISH },
	[KVM_EXIT_IRQ_WINDOW_OPEN] = { decode_nothing, EXIT_FINISH },
	[KVM_EXIT_SHUTDOWN] = { decode_shutdown, 0 },
	[KVM_EXIT_FAIL_ENTRY] = { decode_fail_entry, 0 },
	[KVM_EXIT_INTR] = { decode_nothing, 0 },
	[KVM_EXIT_SET_TPR] = { decode_nothing, EXIT_FINISH },
	[KVM_EXIT_TPR_ACCESS] = { decode_unsupported, 0 },
	[KVM_EXIT_S390_SIEIC] = { decode_unsupported, 0 },
	[KVM_EXIT_S390_RESET] = { decode_unsupported, 0 },
	[KVM_EXIT_DCR] = { decode_unsupported, 0 },
	[KVM_EXIT_NMI] = { decode_unsupported, 0 },
	[KVM_EXIT_INTERNAL_ERROR] = { decode_internal_error, 0 },
	[KVM_EXIT_OSI] = { decode_unsupported, 0 },
	[KVM_EXIT_PAPR_HCALL] = { decode_unsupported, 0 },
	[KVM_EXIT_S390_UCONTROL] = { decode_unsupported, 0 },
	[KVM_EXIT_WATCHDOG] = { decode_unsupported, 0 },
	[KVM_EXIT_S390_TSCH] = { decode_unsupported, 0 },
	[KVM_EXIT_EPR] = { decode_unsupported, 0 },
	[KVM_EXIT_SYSTEM_EVENT] = { decode_system_event, EXIT_FINISH },
	[KVM_EXIT_S390_STSI] = { decode_unsupported, 0 },
	[KVM_EXIT_IOAPIC_EOI] = { decode_irq_eoi, 0 },
	[KVM_EXIT_HYPERV] = { decode_unsupported, 0 },
	[KVM_EXIT_ARM_NISV] = { decode_unsupported, EXIT_FINISH },
	[KVM_EXIT_X86_RDMSR] = { decode_rdmsr, 0 },
	[KVM_EXIT_X86_WRMSR] = { decode_wrmsr, 0 },
	[KVM_EXIT_DIRTY_RING_FULL] = { decode_unsupported, 0 },
	[KVM_EXIT_AP_RESET_HOLD] = { decode_unsupported, 0 },
	[KVM_EXIT_X86_BUS_LOCK] = { decode_unsupported, 0 },
	[KVM_EXIT_XEN] = { decode_xen, EXIT_FINISH },
	[KVM_EXIT_RISCV_SBI] = { decode_sbi, EXIT_FINISH },
	[KVM_EXIT_RISCV_CSR] = { decode_csr, EXIT_FINISH },
	[KVM_EXIT_NOTIFY] = { decode_unsupported, 0 },
	[KVM_EXIT_LOONGARCH_IOCSR] = { decode_unsupported, 0 },
	[KVM_EXIT_MEMORY_FAULT] = { decode_memory_fault, 0 },
	[KVM_EXIT_TDX] = { decode_unsupported, 0 },
};

const unsigned exit_last_row = sizeof(rows) / sizeof(rows[0]) - 1;

/* KVM_RUN returned an errno: which of them the guest causes, and which are the host's failure. */
static int decode_errno(int rc, const struct kvm_run *run, AxVCpuExitReason *exit)
{
	switch (rc) {
	case -EAGAIN: /* a vCPU that waits for its start, woken: enter again (KVM-FACTS, CpuUp) */
		exit->kind = AX_EXIT_NOTHING;
		return 0;
	case -EFAULT:
	case -EHWPOISON:
		if (run->exit_reason == KVM_EXIT_MEMORY_FAULT) {
			decode_memory_fault(run, exit);
		} else {
			exit->kind = AX_EXIT_NESTED_PAGE_FAULT;
			exit->nested_page_fault = (AxExitNestedPageFault){ .addr_known = false };
		}
		return 0;
	case -ENOSYS:
	case -EOPNOTSUPP:
	case -EIO:
		/*
		 * An access that this kernel's KVM cannot carry out: arm64 without syndrome
		 * (ENOSYS), riscv64 atomic or floating-point (EOPNOTSUPP) and misaligned (EIO)
		 * accesses to MMIO.
		 */
		exit->kind = AX_EXIT_INTERNAL_ERROR;
		exit->internal_error = (AxExitInternalError){ .suberror = AX_SUBERROR_ERRNO,
							      .ndata = 1,
							      .data = { (uint64_t)-rc } };
		return 0;
	default: return rc;
	}
}

/* The kernel gives sizes and offsets that hold; a fuzzer, a fake or a broken KVM may not. */
static bool lengths_are_sane(const struct kvm_run *run, size_t run_size)
{
	if (run->exit_reason == KVM_EXIT_IO)
		return exit_is_width(run->io.size) && run->io.size <= 4 && run->io.count > 0 &&
		       run->io.data_offset <= run_size &&
		       (uint64_t)run->io.size * run->io.count <= run_size - run->io.data_offset;
	if (run->exit_reason == KVM_EXIT_MMIO)
		return run->mmio.len >= 1 && run->mmio.len <= sizeof(run->mmio.data);
	return true;
}

int exit_decode(int rc, const struct kvm_run *run, size_t run_size, AxVCpuExitReason *exit,
		unsigned *flags)
{
	uint32_t reason = run->exit_reason;

	*flags = 0;
	if (rc)
		return decode_errno(rc, run, exit);
	if (reason > exit_last_row || !lengths_are_sane(run, run_size)) {
		decode_unsupported(run, exit);
		return 0;
	}
	rows[reason].decode(run, exit);
	*flags = rows[reason].flags;
	return 0;
}
