/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Exits in words: names, one line for a person. Explanations are explain.c's.
 */
#include <config.h>

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>

#include <axvmm/exit.h>
#include <axvmm/pager.h>

static const char *const kind_names[AX_EXIT_KINDS] = {
	[AX_EXIT_NOTHING] = "Nothing",
	[AX_EXIT_HYPERCALL] = "Hypercall",
	[AX_EXIT_MMIO_READ] = "MmioRead",
	[AX_EXIT_MMIO_WRITE] = "MmioWrite",
	[AX_EXIT_SYS_REG_READ] = "SysRegRead",
	[AX_EXIT_SYS_REG_WRITE] = "SysRegWrite",
	[AX_EXIT_IO_READ] = "IoRead",
	[AX_EXIT_IO_WRITE] = "IoWrite",
	[AX_EXIT_EXTERNAL_INTERRUPT] = "ExternalInterrupt",
	[AX_EXIT_NESTED_PAGE_FAULT] = "NestedPageFault",
	[AX_EXIT_HALT] = "Halt",
	[AX_EXIT_CPU_UP] = "CpuUp",
	[AX_EXIT_CPU_DOWN] = "CpuDown",
	[AX_EXIT_SYSTEM_DOWN] = "SystemDown",
	[AX_EXIT_FAIL_ENTRY] = "FailEntry",
	[AX_EXIT_SEND_IPI] = "SendIPI",
	[AX_EXIT_INTERNAL_ERROR] = "InternalError",
	[AX_EXIT_DEBUG] = "Debug",
	[AX_EXIT_IRQ_EOI] = "IrqEoi",
	[AX_EXIT_UNSUPPORTED] = "Unsupported",
};

const char *ax_exit_name(uint32_t kind)
{
	return kind < AX_EXIT_KINDS ? kind_names[kind] : "Invalid";
}

const char *ax_down_cause_name(uint32_t cause)
{
	static const char *const names[] = {
		[AX_DOWN_POWER_OFF] = "power-off",
		[AX_DOWN_RESET] = "reset",
		[AX_DOWN_CRASH] = "crash",
		[AX_DOWN_TRIPLE_FAULT] = "triple-fault",
		[AX_DOWN_SUSPEND] = "suspend",
		[AX_DOWN_WAKEUP] = "wake-up",
		[AX_DOWN_CONFIDENTIAL] = "confidential",
		[AX_DOWN_OTHER] = "other",
	};

	return cause < sizeof(names) / sizeof(names[0]) ? names[cause] : "invalid";
}

static const char *route_name(uint32_t route)
{
	static const char *const names[] = {
		[AX_ROUTE_KVM] = "kvm",	    [AX_ROUTE_XEN] = "xen", [AX_ROUTE_BLOCK] = "block",
		[AX_ROUTE_SMCCC] = "smccc", [AX_ROUTE_SBI] = "sbi",
	};

	return route < sizeof(names) / sizeof(names[0]) ? names[route] : "invalid";
}

static const char *ipi_mode_name(uint8_t mode)
{
	switch (mode) {
	case AX_IPI_FIXED: return "fixed";
	case AX_IPI_LOWEST: return "lowest";
	case AX_IPI_SMI: return "SMI";
	case AX_IPI_NMI: return "NMI";
	case AX_IPI_INIT: return "INIT";
	default: return "invalid";
	}
}

/* A line that grows in the caller's buffer and counts what it would have needed. */
struct line {
	char *buffer;
	size_t size;
	size_t used;
};

static void add(struct line *line, const char *format, ...) AX_PRINTF(2, 3);

static void add(struct line *line, const char *format, ...)
{
	size_t room = line->used < line->size ? line->size - line->used : 0;
	va_list args;
	int len;

	va_start(args, format);
	len = vsnprintf(room ? line->buffer + line->used : NULL, room, format, args);
	va_end(args);
	if (len > 0)
		line->used += (size_t)len;
}

static void add_hypercall(struct line *line, const AxExitHypercall *call)
{
	add(line, " nr=0x%" PRIx64, call->nr);
	if (call->route == AX_ROUTE_SBI)
		add(line, " function=0x%" PRIx64, call->function);
	add(line, " args=");
	for (unsigned i = 0; i < 6; i++)
		add(line, "%s0x%" PRIx64, i ? "," : "", call->args[i]);
	add(line, " route=%s", route_name(call->route));
	if (call->cpl)
		add(line, " cpl=%" PRIu32, call->cpl);
}

static void add_mmio(struct line *line, uint64_t addr, uint32_t len)
{
	add(line, " addr=0x%" PRIx64 " bytes=%" PRIu32, addr, len);
}

static void add_port(struct line *line, AxPort port, uint32_t width, uint32_t count)
{
	add(line, " port=0x%x bytes=%zu", port, ax_access_width_size((AxAccessWidth)width));
	if (count != 1)
		add(line, " count=%" PRIu32, count);
}

static void add_page_fault(struct line *line, const AxExitNestedPageFault *fault)
{
	if (fault->addr_known)
		add(line, " addr=0x%" PRIx64 " size=0x%" PRIx64, fault->addr, fault->size);
	else
		add(line, " addr=unknown");
	add(line, " access=%s%s%s", fault->access_flags & AX_MAP_READ ? "r" : "",
	    fault->access_flags & AX_MAP_WRITE ? "w" : "",
	    fault->access_flags & AX_MAP_EXECUTE ? "x" : "");
	if (!fault->access_flags)
		add(line, "unknown");
	if (fault->flags)
		add(line, " flags=0x%" PRIx64, fault->flags);
}

static void add_data(struct line *line, const uint64_t *data, uint32_t count)
{
	for (uint32_t i = 0; i < count && i < 8; i++)
		add(line, "%s0x%" PRIx64, i ? "," : " data=", data[i]);
}

static void add_internal_error(struct line *line, const AxExitInternalError *error)
{
	if (error->suberror == AX_SUBERROR_ERRNO)
		add(line, " errno=%" PRIu64, error->data[0]);
	else
		add(line, " suberror=%" PRIu32, error->suberror);
	if (error->insn_size) {
		add(line, " insn=");
		for (unsigned i = 0; i < error->insn_size && i < AX_INSN_MAX; i++)
			add(line, "%s%02x", i ? " " : "", error->insn_bytes[i]);
	} else if (error->suberror != AX_SUBERROR_ERRNO) {
		add_data(line, error->data, error->ndata);
	}
}

static void add_send_ipi(struct line *line, const AxExitSendIpi *ipi)
{
	if (ipi->send_to_all)
		add(line, " target=%s", ipi->send_to_self ? "all" : "others");
	else if (ipi->send_to_self)
		add(line, " target=self");
	else
		add(line, " target=0x%" PRIx64 "%s", ipi->target_cpu,
		    ipi->logical ? " (logical)" : "");
	add(line, " mode=%s vector=0x%" PRIx64, ipi_mode_name(ipi->mode), ipi->vector);
}

static void add_details(struct line *line, const AxVCpuExitReason *exit)
{
	switch (exit->kind) {
	case AX_EXIT_HYPERCALL: add_hypercall(line, &exit->hypercall); break;
	case AX_EXIT_MMIO_READ:
		add_mmio(line, exit->mmio_read.addr, exit->mmio_read.len);
		if (exit->mmio_read.reg != AX_REG_UNKNOWN)
			add(line, " reg=%" PRIu32 " reg-bytes=%zu%s", exit->mmio_read.reg,
			    ax_access_width_size((AxAccessWidth)exit->mmio_read.reg_width),
			    exit->mmio_read.signed_ext ? " signed" : "");
		break;
	case AX_EXIT_MMIO_WRITE:
		add_mmio(line, exit->mmio_write.addr, exit->mmio_write.len);
		add(line, " data=0x%" PRIx64, exit->mmio_write.data);
		break;
	case AX_EXIT_SYS_REG_READ: add(line, " addr=0x%" PRIx64, exit->sys_reg_read.addr); break;
	case AX_EXIT_SYS_REG_WRITE:
		add(line, " addr=0x%" PRIx64 " value=0x%" PRIx64, exit->sys_reg_write.addr,
		    exit->sys_reg_write.value);
		if (exit->sys_reg_write.mask != UINT64_MAX)
			add(line, " mask=0x%" PRIx64, exit->sys_reg_write.mask);
		break;
	case AX_EXIT_IO_READ:
		add_port(line, exit->io_read.port, exit->io_read.width, exit->io_read.count);
		break;
	case AX_EXIT_IO_WRITE:
		add_port(line, exit->io_write.port, exit->io_write.width, exit->io_write.count);
		add(line, " data=0x%" PRIx64, exit->io_write.data);
		break;
	case AX_EXIT_EXTERNAL_INTERRUPT:
		add(line, " vector=%" PRIu64, exit->external_interrupt.vector);
		break;
	case AX_EXIT_NESTED_PAGE_FAULT: add_page_fault(line, &exit->nested_page_fault); break;
	case AX_EXIT_CPU_UP:
		add(line, " target=0x%" PRIx64 " entry=0x%" PRIx64 " arg=0x%" PRIx64,
		    exit->cpu_up.target_cpu, exit->cpu_up.entry_point, exit->cpu_up.arg);
		break;
	case AX_EXIT_CPU_DOWN: add(line, " state=0x%" PRIx64, exit->cpu_down.state); break;
	case AX_EXIT_SYSTEM_DOWN:
		add(line, " cause=%s", ax_down_cause_name(exit->system_down.cause));
		if (exit->system_down.type)
			add(line, " type=%" PRIu32, exit->system_down.type);
		add_data(line, exit->system_down.data, exit->system_down.ndata);
		break;
	case AX_EXIT_FAIL_ENTRY:
		add(line, " hardware_entry_failure_reason=0x%" PRIx64,
		    exit->fail_entry.hardware_entry_failure_reason);
		if (exit->fail_entry.cpu != UINT32_MAX)
			add(line, " host-cpu=%" PRIu32, exit->fail_entry.cpu);
		break;
	case AX_EXIT_SEND_IPI: add_send_ipi(line, &exit->send_ipi); break;
	case AX_EXIT_INTERNAL_ERROR: add_internal_error(line, &exit->internal_error); break;
	case AX_EXIT_DEBUG:
		add(line, " pc=0x%" PRIx64, exit->debug.pc);
		if (exit->debug.exception)
			add(line, " exception=%" PRIu32, exit->debug.exception);
		add(line, " address=0x%" PRIx64 " detail=0x%" PRIx64, exit->debug.address,
		    exit->debug.detail);
		break;
	case AX_EXIT_IRQ_EOI: add(line, " vector=0x%x", exit->irq_eoi.vector); break;
	case AX_EXIT_UNSUPPORTED:
		add(line, " kvm-exit=%" PRIu32 " flags=0x%" PRIx32 " detail=0x%" PRIx64,
		    exit->unsupported.raw, exit->unsupported.flags, exit->unsupported.detail);
		break;
	default: break;
	}
}

size_t ax_exit_format(const AxVCpuExitReason *exit, char *buffer, size_t size)
{
	struct line line = { .buffer = buffer, .size = size };

	if (size)
		buffer[0] = '\0';
	add(&line, "%s vcpu=", ax_exit_name(exit->kind));
	if (exit->vcpu == AX_PAGER_NO_VCPU)
		add(&line, "none");
	else
		add(&line, "%" PRIu32, exit->vcpu);
	add_details(&line, exit);
	return line.used;
}
