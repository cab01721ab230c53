/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The format of a trace: which fields an exit of each kind has, and the checksum.
 */
#include <config.h>

#include <string.h>

#include "core/trace_format.h"

#define FIELD(member, what, times)                                                        \
	{                                                                                 \
		offsetof(AxVCpuExitReason, member),                                       \
			sizeof(((const AxVCpuExitReason *)NULL)->member), (what), (times) \
	}

static const struct trace_field hypercall[] = {
	FIELD(hypercall.nr, TRACE_ANY, 0),	 FIELD(hypercall.args[0], TRACE_ANY, 6),
	FIELD(hypercall.function, TRACE_ANY, 0), FIELD(hypercall.route, TRACE_ANY, 0),
	FIELD(hypercall.cpl, TRACE_ANY, 0),	 FIELD(hypercall.block, TRACE_ANY, 0),
};
static const struct trace_field mmio_read[] = {
	FIELD(mmio_read.addr, TRACE_ADDRESS, 0),
	FIELD(mmio_read.width, TRACE_WIDTH, 0),
	FIELD(mmio_read.len, TRACE_LENGTH, 0),
};
static const struct trace_field mmio_write[] = {
	FIELD(mmio_write.addr, TRACE_ADDRESS, 0),
	FIELD(mmio_write.width, TRACE_WIDTH, 0),
	FIELD(mmio_write.len, TRACE_LENGTH, 0),
	FIELD(mmio_write.data, TRACE_ANY, 0),
};
static const struct trace_field sys_reg_read[] = {
	FIELD(sys_reg_read.addr, TRACE_ADDRESS, 0),
	FIELD(sys_reg_read.reg, TRACE_ANY, 0),
	FIELD(sys_reg_read.reason, TRACE_ANY, 0),
};
static const struct trace_field sys_reg_write[] = {
	FIELD(sys_reg_write.addr, TRACE_ADDRESS, 0),
	FIELD(sys_reg_write.value, TRACE_ANY, 0),
	FIELD(sys_reg_write.mask, TRACE_ANY, 0),
	FIELD(sys_reg_write.reason, TRACE_ANY, 0),
};
static const struct trace_field io_read[] = {
	FIELD(io_read.port, TRACE_ADDRESS, 0),
	FIELD(io_read.width, TRACE_WIDTH, 0),
	FIELD(io_read.count, TRACE_COUNT, 0),
};
static const struct trace_field io_write[] = {
	FIELD(io_write.port, TRACE_ADDRESS, 0),
	FIELD(io_write.width, TRACE_WIDTH, 0),
	FIELD(io_write.count, TRACE_COUNT, 0),
	FIELD(io_write.data, TRACE_ANY, 0),
};
static const struct trace_field external_interrupt[] = {
	FIELD(external_interrupt.vector, TRACE_ANY, 0),
};
static const struct trace_field nested_page_fault[] = {
	FIELD(nested_page_fault.addr, TRACE_ADDRESS, 0),
	FIELD(nested_page_fault.access_flags, TRACE_ANY, 0),
	FIELD(nested_page_fault.addr_known, TRACE_BOOL, 0),
	FIELD(nested_page_fault.size, TRACE_ANY, 0),
	FIELD(nested_page_fault.flags, TRACE_ANY, 0),
};
static const struct trace_field cpu_up[] = {
	FIELD(cpu_up.target_cpu, TRACE_ANY, 0),
	FIELD(cpu_up.entry_point, TRACE_ANY, 0),
	FIELD(cpu_up.arg, TRACE_ANY, 0),
};
static const struct trace_field cpu_down[] = { FIELD(cpu_down.state, TRACE_ANY, 0) };
static const struct trace_field system_down[] = {
	FIELD(system_down.cause, TRACE_ANY, 0),
	FIELD(system_down.type, TRACE_ANY, 0),
	FIELD(system_down.ndata, TRACE_EIGHT, 0),
	FIELD(system_down.data[0], TRACE_ANY, 8),
};
static const struct trace_field fail_entry[] = {
	FIELD(fail_entry.hardware_entry_failure_reason, TRACE_ANY, 0),
	FIELD(fail_entry.cpu, TRACE_ANY, 0),
};
static const struct trace_field send_ipi[] = {
	FIELD(send_ipi.target_cpu, TRACE_ANY, 0),   FIELD(send_ipi.target_cpu_aux, TRACE_ANY, 0),
	FIELD(send_ipi.send_to_all, TRACE_BOOL, 0), FIELD(send_ipi.send_to_self, TRACE_BOOL, 0),
	FIELD(send_ipi.logical, TRACE_BOOL, 0),	    FIELD(send_ipi.mode, TRACE_ANY, 0),
	FIELD(send_ipi.vector, TRACE_ANY, 0),
};
static const struct trace_field internal_error[] = {
	FIELD(internal_error.suberror, TRACE_ANY, 0),
	FIELD(internal_error.ndata, TRACE_EIGHT, 0),
	FIELD(internal_error.data[0], TRACE_ANY, 8),
	FIELD(internal_error.insn_size, TRACE_INSN, 0),
	FIELD(internal_error.insn_bytes[0], TRACE_ANY, AX_INSN_MAX),
};
static const struct trace_field debug[] = {
	FIELD(debug.pc, TRACE_ANY, 0),
	FIELD(debug.address, TRACE_ANY, 0),
	FIELD(debug.detail, TRACE_ANY, 0),
	FIELD(debug.exception, TRACE_ANY, 0),
};
static const struct trace_field irq_eoi[] = { FIELD(irq_eoi.vector, TRACE_ANY, 0) };
static const struct trace_field unsupported[] = {
	FIELD(unsupported.raw, TRACE_ANY, 0),
	FIELD(unsupported.flags, TRACE_ANY, 0),
	FIELD(unsupported.detail, TRACE_ANY, 0),
};

enum { ANSWER = 1, BYTES = 2 };

struct row {
	const struct trace_field *fields;
	uint8_t count;
	uint8_t has;
};

#define ROW(fields, has)                                          \
	{                                                         \
		fields, sizeof(fields) / sizeof((fields)[0]), has \
	}

static const struct trace_field none[1];
static const struct row rows[AX_EXIT_KINDS] = {
	[AX_EXIT_NOTHING] = { none, 0, 0 },
	[AX_EXIT_HYPERCALL] = ROW(hypercall, ANSWER),
	[AX_EXIT_MMIO_READ] = ROW(mmio_read, ANSWER),
	[AX_EXIT_MMIO_WRITE] = ROW(mmio_write, 0),
	[AX_EXIT_SYS_REG_READ] = ROW(sys_reg_read, ANSWER),
	[AX_EXIT_SYS_REG_WRITE] = ROW(sys_reg_write, 0),
	[AX_EXIT_IO_READ] = ROW(io_read, ANSWER | BYTES),
	[AX_EXIT_IO_WRITE] = ROW(io_write, BYTES),
	[AX_EXIT_EXTERNAL_INTERRUPT] = ROW(external_interrupt, 0),
	[AX_EXIT_NESTED_PAGE_FAULT] = ROW(nested_page_fault, 0),
	[AX_EXIT_HALT] = { none, 0, 0 },
	[AX_EXIT_CPU_UP] = ROW(cpu_up, 0),
	[AX_EXIT_CPU_DOWN] = ROW(cpu_down, 0),
	[AX_EXIT_SYSTEM_DOWN] = ROW(system_down, 0),
	[AX_EXIT_FAIL_ENTRY] = ROW(fail_entry, 0),
	[AX_EXIT_SEND_IPI] = ROW(send_ipi, 0),
	[AX_EXIT_INTERNAL_ERROR] = ROW(internal_error, 0),
	[AX_EXIT_DEBUG] = ROW(debug, 0),
	[AX_EXIT_IRQ_EOI] = ROW(irq_eoi, 0),
	[AX_EXIT_UNSUPPORTED] = ROW(unsupported, 0),
};

const struct trace_field *trace_fields(uint32_t kind, size_t *count)
{
	if (kind >= AX_EXIT_KINDS)
		return NULL;
	*count = rows[kind].count;
	return rows[kind].fields;
}

bool trace_has_answer(uint32_t kind)
{
	return kind < AX_EXIT_KINDS && rows[kind].has & ANSWER;
}

bool trace_has_bytes(uint32_t kind)
{
	return kind < AX_EXIT_KINDS && rows[kind].has & BYTES;
}

static size_t string_size(uint32_t width, uint32_t count)
{
	uint64_t size = (uint64_t)count << (width & 3);

	return count <= 1 ? 0 : size > TRACE_BYTES_MAX ? TRACE_BYTES_MAX : (size_t)size;
}

size_t trace_string_size(const AxVCpuExitReason *exit)
{
	switch (exit->kind) {
	case AX_EXIT_IO_READ: return string_size(exit->io_read.width, exit->io_read.count);
	case AX_EXIT_IO_WRITE: return string_size(exit->io_write.width, exit->io_write.count);
	default: return 0;
	}
}

uint64_t trace_get(const AxVCpuExitReason *exit, size_t offset, size_t size)
{
	const uint8_t *at = (const uint8_t *)exit + offset;
	uint32_t dword;
	uint64_t qword;
	uint16_t word;

	switch (size) {
	case 1: return *at;
	case 2: memcpy(&word, at, sizeof(word)); return word;
	case 4: memcpy(&dword, at, sizeof(dword)); return dword;
	default: memcpy(&qword, at, sizeof(qword)); return qword;
	}
}

void trace_set(AxVCpuExitReason *exit, size_t offset, size_t size, uint64_t value)
{
	uint8_t *at = (uint8_t *)exit + offset;
	uint32_t dword = (uint32_t)value;
	uint16_t word = (uint16_t)value;

	switch (size) {
	case 1: *at = (uint8_t)value; break;
	case 2: memcpy(at, &word, sizeof(word)); break;
	case 4: memcpy(at, &dword, sizeof(dword)); break;
	default: memcpy(at, &value, sizeof(value)); break;
	}
}

uint32_t trace_crc(uint32_t crc, const void *bytes, size_t len)
{
	/* The remainders of four bits, by the reversed polynomial 0xedb88320. */
	static const uint32_t table[16] = {
		0x00000000, 0x1db71064, 0x3b6e20c8, 0x26d930ac, 0x76dc4190, 0x6b6b51f4,
		0x4db26158, 0x5005713c, 0xedb88320, 0xf00f9344, 0xd6d6a3e8, 0xcb61b38c,
		0x9b64c2b0, 0x86d3d2d4, 0xa00ae278, 0xbdbdf21c,
	};
	const uint8_t *at = bytes;

	crc = ~crc;
	while (len--) {
		crc ^= *at++;
		crc = crc >> 4 ^ table[crc & 15];
		crc = crc >> 4 ^ table[crc & 15];
	}
	return ~crc;
}
