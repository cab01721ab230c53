/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The bytes of records: making them, and taking them apart. Everything that is read is checked here;
 * who gets a struct record_item may believe it. docs/RECORDING describes them.
 *
 * A record is its type (one byte), the length of its payload (a number), and the payload. A number has
 * seven bits in each byte, the lowest first; the top bit says that another byte follows.
 */
#include <config.h>

#include <stddef.h>
#include <string.h>

#include "core/record.h"

/* A member of an exit that is recorded, and the largest value that makes sense. */
struct field {
	uint16_t offset;
	uint8_t size; /* bytes; booleans have one */
	uint64_t most;
};

#define FIELD(member, top)                                                                       \
	{                                                                                        \
		offsetof(AxVCpuExitReason, member), sizeof(((AxVCpuExitReason *)0)->member), top \
	}
#define FIELDS(list) .fields = (list), .count = sizeof(list) / sizeof((list)[0])

static const struct field hypercall[] = {
	FIELD(hypercall.nr, UINT64_MAX),      FIELD(hypercall.args[0], UINT64_MAX),
	FIELD(hypercall.args[1], UINT64_MAX), FIELD(hypercall.args[2], UINT64_MAX),
	FIELD(hypercall.args[3], UINT64_MAX), FIELD(hypercall.args[4], UINT64_MAX),
	FIELD(hypercall.args[5], UINT64_MAX), FIELD(hypercall.function, UINT64_MAX),
	FIELD(hypercall.route, AX_ROUTE_SBI), FIELD(hypercall.cpl, 3),
	FIELD(hypercall.block, UINT64_MAX),
};
static const struct field mmio_read[] = {
	FIELD(mmio_read.addr, UINT64_MAX),
	FIELD(mmio_read.width, AX_WIDTH_QWORD),
	FIELD(mmio_read.len, 8),
};
static const struct field mmio_write[] = {
	FIELD(mmio_write.addr, UINT64_MAX),
	FIELD(mmio_write.width, AX_WIDTH_QWORD),
	FIELD(mmio_write.len, 8),
	FIELD(mmio_write.data, UINT64_MAX),
};
static const struct field sys_reg_read[] = {
	FIELD(sys_reg_read.addr, UINT64_MAX),
	FIELD(sys_reg_read.reason, UINT32_MAX),
};
static const struct field sys_reg_write[] = {
	FIELD(sys_reg_write.addr, UINT64_MAX),
	FIELD(sys_reg_write.value, UINT64_MAX),
	FIELD(sys_reg_write.mask, UINT64_MAX),
	FIELD(sys_reg_write.reason, UINT32_MAX),
};
static const struct field io_read[] = {
	FIELD(io_read.port, UINT16_MAX),
	FIELD(io_read.width, AX_WIDTH_DWORD),
	FIELD(io_read.count, RECORD_STRING_MAX),
};
static const struct field io_write[] = {
	FIELD(io_write.port, UINT16_MAX),
	FIELD(io_write.width, AX_WIDTH_DWORD),
	FIELD(io_write.count, RECORD_STRING_MAX),
	FIELD(io_write.data, UINT32_MAX),
};
static const struct field external_interrupt[] = {
	FIELD(external_interrupt.vector, UINT64_MAX),
};
static const struct field nested_page_fault[] = {
	FIELD(nested_page_fault.addr, UINT64_MAX),
	FIELD(nested_page_fault.access_flags, UINT32_MAX),
	FIELD(nested_page_fault.addr_known, 1),
	FIELD(nested_page_fault.size, UINT64_MAX),
	FIELD(nested_page_fault.flags, UINT64_MAX),
};
static const struct field cpu_up[] = {
	FIELD(cpu_up.target_cpu, UINT64_MAX),
	FIELD(cpu_up.entry_point, UINT64_MAX),
	FIELD(cpu_up.arg, UINT64_MAX),
};
static const struct field cpu_down[] = { FIELD(cpu_down.state, UINT64_MAX) };
static const struct field system_down[] = {
	FIELD(system_down.cause, AX_DOWN_OTHER),
	FIELD(system_down.type, UINT32_MAX),
	FIELD(system_down.ndata, 8),
	FIELD(system_down.data[0], UINT64_MAX),
	FIELD(system_down.data[1], UINT64_MAX),
	FIELD(system_down.data[2], UINT64_MAX),
	FIELD(system_down.data[3], UINT64_MAX),
	FIELD(system_down.data[4], UINT64_MAX),
	FIELD(system_down.data[5], UINT64_MAX),
	FIELD(system_down.data[6], UINT64_MAX),
	FIELD(system_down.data[7], UINT64_MAX),
};
static const struct field fail_entry[] = {
	FIELD(fail_entry.hardware_entry_failure_reason, UINT64_MAX),
	FIELD(fail_entry.cpu, UINT32_MAX),
};
static const struct field send_ipi[] = {
	FIELD(send_ipi.target_cpu, UINT64_MAX),
	FIELD(send_ipi.target_cpu_aux, UINT64_MAX),
	FIELD(send_ipi.send_to_all, 1),
	FIELD(send_ipi.send_to_self, 1),
	FIELD(send_ipi.logical, 1),
	FIELD(send_ipi.mode, AX_IPI_INIT),
	FIELD(send_ipi.vector, UINT64_MAX),
};
static const struct field internal_error[] = {
	FIELD(internal_error.suberror, UINT32_MAX), FIELD(internal_error.ndata, 8),
	FIELD(internal_error.data[0], UINT64_MAX),  FIELD(internal_error.data[1], UINT64_MAX),
	FIELD(internal_error.data[2], UINT64_MAX),  FIELD(internal_error.data[3], UINT64_MAX),
	FIELD(internal_error.data[4], UINT64_MAX),  FIELD(internal_error.data[5], UINT64_MAX),
	FIELD(internal_error.data[6], UINT64_MAX),  FIELD(internal_error.data[7], UINT64_MAX),
};
static const struct field debug[] = {
	FIELD(debug.pc, UINT64_MAX),
	FIELD(debug.address, UINT64_MAX),
	FIELD(debug.detail, UINT64_MAX),
	FIELD(debug.exception, UINT32_MAX),
};
static const struct field irq_eoi[] = { FIELD(irq_eoi.vector, UINT8_MAX) };
static const struct field unsupported[] = {
	FIELD(unsupported.raw, UINT32_MAX),
	FIELD(unsupported.flags, UINT32_MAX),
	FIELD(unsupported.detail, UINT64_MAX),
};

static const struct layout {
	const struct field *fields;
	unsigned count;
} layouts[AX_EXIT_KINDS] = {
	[AX_EXIT_HYPERCALL] = { FIELDS(hypercall) },
	[AX_EXIT_MMIO_READ] = { FIELDS(mmio_read) },
	[AX_EXIT_MMIO_WRITE] = { FIELDS(mmio_write) },
	[AX_EXIT_SYS_REG_READ] = { FIELDS(sys_reg_read) },
	[AX_EXIT_SYS_REG_WRITE] = { FIELDS(sys_reg_write) },
	[AX_EXIT_IO_READ] = { FIELDS(io_read) },
	[AX_EXIT_IO_WRITE] = { FIELDS(io_write) },
	[AX_EXIT_EXTERNAL_INTERRUPT] = { FIELDS(external_interrupt) },
	[AX_EXIT_NESTED_PAGE_FAULT] = { FIELDS(nested_page_fault) },
	[AX_EXIT_CPU_UP] = { FIELDS(cpu_up) },
	[AX_EXIT_CPU_DOWN] = { FIELDS(cpu_down) },
	[AX_EXIT_SYSTEM_DOWN] = { FIELDS(system_down) },
	[AX_EXIT_FAIL_ENTRY] = { FIELDS(fail_entry) },
	[AX_EXIT_SEND_IPI] = { FIELDS(send_ipi) },
	[AX_EXIT_INTERNAL_ERROR] = { FIELDS(internal_error) },
	[AX_EXIT_DEBUG] = { FIELDS(debug) },
	[AX_EXIT_IRQ_EOI] = { FIELDS(irq_eoi) },
	[AX_EXIT_UNSUPPORTED] = { FIELDS(unsupported) },
};

size_t record_put_number(uint8_t *to, uint64_t value)
{
	size_t len = 0;

	while (value > 0x7f) {
		to[len++] = (uint8_t)(value | 0x80);
		value >>= 7;
	}
	to[len++] = (uint8_t)value;
	return len;
}

size_t record_put_name(uint8_t *to, const char *name)
{
	size_t len = strnlen(name, RECORD_KEY_MAX), used = record_put_number(to, len);

	memcpy(to + used, name, len);
	return used + len;
}

/* Small numbers stay small: the sign goes to the lowest bit. */
size_t record_put_signed(uint8_t *to, int64_t value)
{
	uint64_t sign = value < 0 ? UINT64_MAX : 0;

	return record_put_number(to, ((uint64_t)value << 1) ^ sign);
}

static uint64_t load(const AxVCpuExitReason *exit, const struct field *field)
{
	const uint8_t *from = (const uint8_t *)exit + field->offset;
	uint64_t value = 0;

	switch (field->size) {
	case 1: return *from;
	case 2: return *(const uint16_t *)(const void *)from;
	case 4: return *(const uint32_t *)(const void *)from;
	default: memcpy(&value, from, sizeof(value)); return value;
	}
}

static void store(AxVCpuExitReason *exit, const struct field *field, uint64_t value)
{
	uint8_t *to = (uint8_t *)exit + field->offset;

	switch (field->size) {
	case 1: *to = (uint8_t)value; break;
	case 2: *(uint16_t *)(void *)to = (uint16_t)value; break;
	case 4: *(uint32_t *)(void *)to = (uint32_t)value; break;
	default: memcpy(to, &value, sizeof(value)); break;
	}
}

size_t record_put_exit(uint8_t *to, const AxVCpuExitReason *exit, uint32_t raw)
{
	const struct layout *layout = &layouts[exit->kind];
	size_t len = 0;

	len += record_put_number(to + len, exit->kind);
	len += record_put_number(to + len, exit->vcpu);
	len += record_put_number(to + len, raw);
	for (unsigned i = 0; i < layout->count; i++)
		len += record_put_number(to + len, load(exit, &layout->fields[i]));
	return len;
}

uint64_t record_sum(const void *bytes, size_t len)
{
	const uint8_t *from = bytes;
	uint64_t sum = 0xcbf29ce484222325u;

	for (size_t i = 0; i < len; i++)
		sum = (sum ^ from[i]) * 0x100000001b3u;
	return sum;
}

/* What is left of a payload. */
struct cursor {
	const uint8_t *at;
	size_t left;
	bool bad; /* something was not there, or too large */
};

static uint64_t take_number(struct cursor *cursor, uint64_t most)
{
	uint64_t value = 0;

	for (unsigned i = 0; i < NUMBER_BYTES && cursor->left; i++) {
		uint8_t byte = *cursor->at++;

		cursor->left--;
		if (i == NUMBER_BYTES - 1 && byte > 1)
			break;
		value |= (uint64_t)(byte & 0x7f) << (7 * i);
		if (byte & 0x80)
			continue;
		if (value <= most)
			return value;
		break;
	}
	cursor->bad = true;
	return 0;
}

static int64_t take_signed(struct cursor *cursor)
{
	uint64_t value = take_number(cursor, UINT64_MAX);

	return (int64_t)((value >> 1) ^ (value & 1 ? UINT64_MAX : 0));
}

static void take_name(struct cursor *cursor, char *name, size_t size)
{
	size_t len = (size_t)take_number(cursor, size - 1);

	if (cursor->bad || len > cursor->left || memchr(cursor->at, 0, len)) {
		cursor->bad = true;
		return;
	}
	memcpy(name, cursor->at, len);
	name[len] = 0;
	cursor->at += len;
	cursor->left -= len;
}

static void take_rest(struct cursor *cursor, struct record_item *item)
{
	item->bytes = cursor->at;
	item->len = cursor->left;
	cursor->at += cursor->left;
	cursor->left = 0;
}

/* What the fields' own limits do not say. */
static bool exit_makes_sense(struct record_item *item)
{
	AxVCpuExitReason *exit = &item->exit;

	switch (exit->kind) {
	case AX_EXIT_MMIO_READ: return exit->mmio_read.len > 0;
	case AX_EXIT_MMIO_WRITE: return exit->mmio_write.len > 0;
	case AX_EXIT_IO_READ:
		return exit->io_read.count > 0 && !item->len &&
		       exit->io_read.count << exit->io_read.width <= RECORD_STRING_MAX;
	case AX_EXIT_IO_WRITE:
		exit->io_write.bytes = item->bytes;
		return exit->io_write.count > 0 &&
		       exit->io_write.count << exit->io_write.width <= RECORD_STRING_MAX &&
		       item->len == (size_t)exit->io_write.count << exit->io_write.width;
	default: return !item->len;
	}
}

static bool take_exit(struct cursor *cursor, struct record_item *item)
{
	AxVCpuExitReason *exit = &item->exit;
	const struct layout *layout;

	exit->kind = (uint32_t)take_number(cursor, AX_EXIT_KINDS - 1);
	exit->vcpu = (uint32_t)take_number(cursor, UINT32_MAX);
	item->raw = (uint32_t)take_number(cursor, UINT32_MAX);
	layout = &layouts[exit->kind];
	for (unsigned i = 0; i < layout->count; i++)
		store(exit, &layout->fields[i], take_number(cursor, layout->fields[i].most));
	if (exit->kind == AX_EXIT_MMIO_READ)
		exit->mmio_read.reg = AX_REG_UNKNOWN;
	take_rest(cursor, item);
	return !cursor->bad && exit_makes_sense(item);
}

/* Output: length, then the bytes, or their sum when they are too many. */
static bool take_output(struct cursor *cursor, struct record_item *item)
{
	size_t len = (size_t)take_number(cursor, UINT32_MAX);

	if (len > RECORD_OUTPUT_MAX) {
		item->sum = take_number(cursor, UINT64_MAX);
		item->len = len;
		return !cursor->left;
	}
	take_rest(cursor, item);
	return item->len == len;
}

static const char *parse_payload(struct cursor *cursor, struct record_item *item)
{
	switch (item->type) {
	case RECORD_FACT:
		take_name(cursor, item->name, sizeof(item->name));
		take_rest(cursor, item);
		if (!*item->name || item->len > RECORD_FACT_MAX ||
		    memchr(item->bytes, 0, item->len))
			cursor->bad = true;
		return "a fact that is none";
	case RECORD_EXIT:
		if (!take_exit(cursor, item))
			cursor->bad = true;
		return "an exit that makes no sense";
	case RECORD_DONE:
		item->handled = (uint32_t)take_number(cursor, AX_STOP);
		item->answer = take_number(cursor, UINT64_MAX);
		item->error = take_signed(cursor);
		take_rest(cursor, item);
		if (item->len > RECORD_STRING_MAX)
			cursor->bad = true;
		return "an answer that makes no sense";
	case RECORD_TIMER:
	case RECORD_DEFER:
		take_name(cursor, item->name, RECORD_NAME_SIZE);
		item->id = take_number(cursor, UINT64_MAX);
		break;
	case RECORD_WATCH:
		take_name(cursor, item->name, RECORD_NAME_SIZE);
		item->id = take_number(cursor, UINT64_MAX);
		item->where = take_number(cursor, UINT32_MAX);
		break;
	case RECORD_OUTSIDE:
		take_name(cursor, item->name, RECORD_NAME_SIZE);
		item->id = take_number(cursor, UINT32_MAX);
		take_rest(cursor, item);
		break;
	case RECORD_LEAVE: break;
	case RECORD_INPUT:
		item->id = take_number(cursor, UINT32_MAX);
		item->where = take_number(cursor, UINT64_MAX);
		take_rest(cursor, item);
		break;
	case RECORD_OUTPUT:
		item->id = take_number(cursor, UINT32_MAX);
		item->where = take_number(cursor, UINT64_MAX);
		if (!take_output(cursor, item))
			cursor->bad = true;
		break;
	case RECORD_END: item->id = take_number(cursor, UINT64_MAX); break;
	default: cursor->bad = true; return "a record of an unknown type";
	}
	return "a record that makes no sense";
}

const char *record_parse(const uint8_t *bytes, size_t len, size_t at, struct record_item *item)
{
	struct cursor cursor = { bytes + at, len - at, false }, payload;
	const char *complaint;
	size_t size;

	memset(item, 0, sizeof(*item));
	item->at = at;
	if (!cursor.left)
		return "its end";
	item->type = (enum record_type) * cursor.at++;
	cursor.left--;
	size = (size_t)take_number(&cursor, RECORD_INPUT_MAX + RECORD_PAYLOAD_MAX);
	if (cursor.bad)
		return cursor.left ? "a record of an impossible length" : "its end";
	if (size > cursor.left)
		return "its end, inside of a record";
	payload = (struct cursor){ cursor.at, size, false };
	item->next = at + (size_t)(cursor.at - (bytes + at)) + size;
	complaint = parse_payload(&payload, item);
	return payload.bad || payload.left ? complaint : NULL;
}
