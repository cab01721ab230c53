/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One exit and its answer as a JSON object: the members that docs/axvmm.1 describes.
 */
#include <axvmm/handler.h>

#include "cli/trace-exit.h"

static void member_number(struct json *json, const char *key, uint64_t value)
{
	json_key(json, key);
	json_number(json, value);
}

static void member_hex(struct json *json, const char *key, uint64_t value)
{
	json_key(json, key);
	json_hex(json, value);
}

static void member_bool(struct json *json, const char *key, bool value)
{
	json_key(json, key);
	json_bool(json, value);
}

static void member_hex_array(struct json *json, const char *key, const uint64_t *values,
			     unsigned count)
{
	json_key(json, key);
	json_open(json, '[');
	for (unsigned i = 0; i < count; i++)
		json_hex(json, values[i]);
	json_close(json, ']');
}

static void member_bytes(struct json *json, const char *key, const void *bytes, size_t len)
{
	json_key(json, key);
	json_bytes(json, bytes, len);
}

static uint64_t width_bytes(uint32_t width)
{
	return ax_access_width_size((AxAccessWidth)width);
}

static void write_port(struct json *json, uint32_t port, uint32_t width, uint32_t count)
{
	member_hex(json, "port", port);
	member_number(json, "width", width_bytes(width));
	if (count != 1)
		member_number(json, "count", count);
}

static void write_hypercall(struct json *json, const AxExitHypercall *call)
{
	static const char *const routes[] = { "kvm", "xen", "block", "smccc", "sbi" };

	member_hex(json, "nr", call->nr);
	member_hex(json, "function", call->function);
	member_hex_array(json, "args", call->args, 6);
	json_key(json, "route");
	json_string(json, call->route < 5 ? routes[call->route] : NULL);
}

static void write_page_fault(struct json *json, const AxExitNestedPageFault *fault)
{
	if (fault->addr_known)
		member_hex(json, "addr", fault->addr);
	member_bool(json, "write", fault->access_flags & AX_MAP_WRITE);
	member_bool(json, "execute", fault->access_flags & AX_MAP_EXECUTE);
	member_number(json, "size", fault->size);
	member_hex(json, "flags", fault->flags);
}

static void write_system_down(struct json *json, const AxExitSystemDown *down)
{
	json_key(json, "cause");
	json_string(json, ax_down_cause_name(down->cause));
	member_number(json, "type", down->type);
	member_hex_array(json, "data", down->data, down->ndata <= 8 ? down->ndata : 8);
}

static void write_ipi(struct json *json, const AxExitSendIpi *ipi)
{
	member_hex(json, "target", ipi->target_cpu);
	member_bool(json, "all", ipi->send_to_all);
	member_bool(json, "self", ipi->send_to_self);
	member_bool(json, "logical", ipi->logical);
	member_number(json, "mode", ipi->mode);
	member_number(json, "vector", ipi->vector);
}

static void write_internal_error(struct json *json, const AxExitInternalError *error)
{
	member_number(json, "suberror", error->suberror);
	member_hex_array(json, "data", error->data, error->ndata <= 8 ? error->ndata : 8);
	if (error->insn_size)
		member_bytes(json, "insn", error->insn_bytes,
			     error->insn_size <= AX_INSN_MAX ? error->insn_size : AX_INSN_MAX);
}

static void write_debug(struct json *json, const AxExitDebug *debug)
{
	member_hex(json, "pc", debug->pc);
	member_hex(json, "address", debug->address);
	member_hex(json, "detail", debug->detail);
	member_number(json, "exception", debug->exception);
}

/* The members that this kind has. */
static void write_members(struct json *json, const AxVCpuExitReason *exit)
{
	switch (exit->kind) {
	case AX_EXIT_HYPERCALL: write_hypercall(json, &exit->hypercall); break;
	case AX_EXIT_MMIO_READ:
		member_hex(json, "addr", exit->mmio_read.addr);
		member_number(json, "len", exit->mmio_read.len);
		break;
	case AX_EXIT_MMIO_WRITE:
		member_hex(json, "addr", exit->mmio_write.addr);
		member_number(json, "len", exit->mmio_write.len);
		member_hex(json, "data", exit->mmio_write.data);
		break;
	case AX_EXIT_SYS_REG_READ: member_hex(json, "reg", exit->sys_reg_read.addr); break;
	case AX_EXIT_SYS_REG_WRITE:
		member_hex(json, "reg", exit->sys_reg_write.addr);
		member_hex(json, "data", exit->sys_reg_write.value);
		break;
	case AX_EXIT_IO_READ:
		write_port(json, exit->io_read.port, exit->io_read.width, exit->io_read.count);
		break;
	case AX_EXIT_IO_WRITE:
		write_port(json, exit->io_write.port, exit->io_write.width, exit->io_write.count);
		if (exit->io_write.count == 1)
			member_hex(json, "data", exit->io_write.data);
		else
			member_bytes(json, "bytes", exit->io_write.bytes,
				     exit->io_write.count * width_bytes(exit->io_write.width));
		break;
	case AX_EXIT_EXTERNAL_INTERRUPT:
		member_number(json, "vector", exit->external_interrupt.vector);
		break;
	case AX_EXIT_NESTED_PAGE_FAULT: write_page_fault(json, &exit->nested_page_fault); break;
	case AX_EXIT_CPU_UP:
		member_hex(json, "target", exit->cpu_up.target_cpu);
		member_hex(json, "entry", exit->cpu_up.entry_point);
		member_hex(json, "arg", exit->cpu_up.arg);
		break;
	case AX_EXIT_CPU_DOWN: member_hex(json, "state", exit->cpu_down.state); break;
	case AX_EXIT_SYSTEM_DOWN: write_system_down(json, &exit->system_down); break;
	case AX_EXIT_FAIL_ENTRY:
		member_hex(json, "reason", exit->fail_entry.hardware_entry_failure_reason);
		break;
	case AX_EXIT_SEND_IPI: write_ipi(json, &exit->send_ipi); break;
	case AX_EXIT_INTERNAL_ERROR: write_internal_error(json, &exit->internal_error); break;
	case AX_EXIT_DEBUG: write_debug(json, &exit->debug); break;
	case AX_EXIT_IRQ_EOI: member_number(json, "vector", exit->irq_eoi.vector); break;
	case AX_EXIT_UNSUPPORTED:
		member_number(json, "raw", exit->unsupported.raw);
		member_hex(json, "flags", exit->unsupported.flags);
		member_hex(json, "detail", exit->unsupported.detail);
		break;
	default: break;
	}
}

/* What the guest got; nothing for kinds that get nothing. */
static void write_answer(struct json *json, const AxExitRecord *record)
{
	const AxVCpuExitReason *exit = record->exit;

	switch (exit->kind) {
	case AX_EXIT_IO_READ:
		if (exit->io_read.count != 1) {
			member_bytes(json, "answer", exit->io_read.bytes,
				     exit->io_read.count * width_bytes(exit->io_read.width));
			return;
		}
		break;
	case AX_EXIT_MMIO_READ:
	case AX_EXIT_SYS_REG_READ:
	case AX_EXIT_HYPERCALL: break;
	default: return;
	}
	member_hex(json, "answer", record->answer);
}

void trace_write_exit(struct json *json, const AxExitRecord *record, const char *whose)
{
	const AxVCpuExitReason *exit = record->exit;
	const char *verdict = record->handled == AX_HANDLED ? "handled"
			      : record->handled == AX_STOP  ? "stop"
							    : "unhandled";

	json_open(json, '{');
	member_number(json, "time_ns", record->time_ns);
	member_number(json, "vcpu", exit->vcpu);
	json_key(json, "exit");
	json_string(json, ax_exit_name(exit->kind));
	write_members(json, exit);
	if (whose) {
		json_key(json, "device");
		json_string(json, whose);
	}
	json_key(json, "verdict");
	json_string(json, verdict);
	write_answer(json, record);
	member_number(json, "kvm_ns", record->kvm_ns);
	member_number(json, "handler_ns", record->handler_ns);
	json_close(json, '}');
}
