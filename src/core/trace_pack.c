/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Packing records of a trace, and taking them out of untrusted bytes.
 */
#include <config.h>

#include <string.h>

#include <axvmm/handler.h>

#include "core/trace_pack.h"

static const char *const architectures[] = { NULL, "x86-64", "arm64", "riscv64" };

#define ARCHITECTURES (sizeof(architectures) / sizeof(architectures[0]))

uint32_t trace_arch_number(const char *name)
{
	for (uint32_t i = 1; i < ARCHITECTURES; i++) {
		if (!strcmp(architectures[i], name))
			return i;
	}
	return 0;
}

const char *trace_arch_name(uint32_t number)
{
	return number < ARCHITECTURES ? architectures[number] : NULL;
}

/* How many of a field's elements hold: all, or as many as the field before says. */
static unsigned elements(const struct trace_field *field, uint64_t before)
{
	if (!field->repeat)
		return 1;
	if (field[-1].check != TRACE_EIGHT && field[-1].check != TRACE_INSN)
		return field->repeat;
	return before < field->repeat ? (unsigned)before : field->repeat;
}

static uint8_t *pack_time(struct trace_pack *pack, uint8_t *at, uint64_t counter)
{
	uint64_t passed = counter > pack->last ? counter - pack->last : 0;

	pack->last += passed;
	return trace_store_leb(at, passed);
}

static uint8_t *pack_fields(struct trace_pack *pack, uint8_t *at, const AxVCpuExitReason *exit)
{
	const struct trace_field *fields;
	uint64_t value = 0;
	size_t count = 0;

	fields = trace_fields(exit->kind, &count);
	for (size_t i = 0; i < count; i++) {
		unsigned held = elements(&fields[i], value);

		for (unsigned j = 0; j < held; j++) {
			value = trace_get(exit, fields[i].offset + j * fields[i].size,
					  fields[i].size);
			if (fields[i].check == TRACE_ADDRESS) {
				at = trace_store_leb(at, trace_zigzag(value - pack->addr));
				pack->addr = value;
			} else {
				at = trace_store_leb(at, value);
			}
		}
	}
	return at;
}

uint8_t *trace_pack_exit(struct trace_pack *pack, uint8_t *at, const AxVCpuExitReason *exit,
			 int handled, const uint64_t times[3], uint64_t answer,
			 const uint8_t *bytes, size_t count)
{
	*at++ = (uint8_t)(exit->kind | (unsigned)handled << 5);
	for (unsigned i = 0; i < 3; i++)
		at = pack_time(pack, at, times[i]);
	at = pack_fields(pack, at, exit);
	if (trace_has_answer(exit->kind))
		at = trace_store_leb(at, answer);
	if (count)
		memcpy(at, bytes, count);
	return at + count;
}

uint8_t *trace_pack_gap(struct trace_pack *pack, uint8_t *at, uint64_t first, uint64_t last,
			uint64_t lost)
{
	*at++ = TRACE_TAG_GAP;
	at = pack_time(pack, at, first);
	at = pack_time(pack, at, last);
	return trace_store_leb(at, lost);
}

/* What is left to read. After a failure it is empty, and numbers are 0. */
struct input {
	const uint8_t *at;
	size_t left;
	bool failed;
};

static void fail(struct input *input)
{
	input->failed = true;
	input->left = 0;
}

static uint64_t take_leb(struct input *input)
{
	uint64_t value = 0;

	for (unsigned shift = 0; shift < 64 && input->left; shift += 7) {
		uint8_t byte = *input->at++;

		input->left--;
		if (shift == 63 && byte > 1)
			break;
		value |= (uint64_t)(byte & 0x7f) << shift;
		if (!(byte & 0x80))
			return value;
	}
	fail(input);
	return 0;
}

static bool is_allowed(const struct trace_field *field, uint64_t value)
{
	if (field->size < 8 && value >> (8 * field->size))
		return false;
	switch (field->check) {
	case TRACE_BOOL: return value <= 1;
	case TRACE_WIDTH: return value <= AX_WIDTH_QWORD;
	case TRACE_LENGTH: return value >= 1 && value <= 8;
	case TRACE_COUNT: return value >= 1 && value <= TRACE_BYTES_MAX;
	case TRACE_EIGHT: return value <= 8;
	case TRACE_INSN: return value <= AX_INSN_MAX;
	default: return true;
	}
}

static void take_fields(struct trace_pack *pack, struct input *input, AxVCpuExitReason *exit)
{
	const struct trace_field *fields;
	uint64_t value = 0;
	size_t count = 0;

	fields = trace_fields(exit->kind, &count);
	for (size_t i = 0; i < count; i++) {
		unsigned held = elements(&fields[i], value);

		for (unsigned j = 0; j < held; j++) {
			value = take_leb(input);
			if (fields[i].check == TRACE_ADDRESS) {
				value = pack->addr + trace_unzigzag(value);
				pack->addr = value;
			}
			if (!is_allowed(&fields[i], value)) {
				fail(input);
				value = 0;
			}
			trace_set(exit, fields[i].offset + j * fields[i].size, fields[i].size,
				  value);
		}
	}
}

static bool is_string(uint32_t width, uint32_t count)
{
	return width <= AX_WIDTH_DWORD && (uint64_t)count << width <= TRACE_BYTES_MAX;
}

static bool is_mmio(uint32_t width, uint32_t len)
{
	return width == AX_WIDTH_BYTE || len == 1u << width;
}

/* What no single field says. */
static bool is_consistent(const AxVCpuExitReason *exit)
{
	switch (exit->kind) {
	case AX_EXIT_IO_READ: return is_string(exit->io_read.width, exit->io_read.count);
	case AX_EXIT_IO_WRITE: return is_string(exit->io_write.width, exit->io_write.count);
	case AX_EXIT_MMIO_READ: return is_mmio(exit->mmio_read.width, exit->mmio_read.len);
	case AX_EXIT_MMIO_WRITE: return is_mmio(exit->mmio_write.width, exit->mmio_write.len);
	default: return true;
	}
}

static void take_exit(struct trace_pack *pack, struct input *input, struct trace_record *record)
{
	AxVCpuExitReason *exit = &record->exit;

	for (unsigned i = 0; i < 3; i++) {
		pack->last += take_leb(input);
		record->times[i] = pack->last;
	}
	take_fields(pack, input, exit);
	/* Not kept: nobody has decoded the instruction. */
	if (exit->kind == AX_EXIT_MMIO_READ)
		exit->mmio_read.reg = AX_REG_UNKNOWN;
	if (!is_consistent(exit))
		fail(input);
	if (trace_has_answer(exit->kind))
		record->answer = take_leb(input);
	record->byte_count = input->failed ? 0 : trace_string_size(exit);
	if (record->byte_count > input->left) {
		fail(input);
		return;
	}
	record->bytes = input->at;
	input->left -= record->byte_count;
}

size_t trace_unpack(struct trace_pack *pack, const uint8_t *at, size_t len,
		    struct trace_record *record)
{
	struct input input = { .at = at, .left = len };
	uint8_t tag;

	*record = (struct trace_record){ 0 };
	if (!len)
		return 0;
	tag = *input.at++;
	input.left--;
	record->handled = tag >> 5;
	if ((tag & 31) == TRACE_TAG_GAP) {
		record->is_gap = true;
		for (unsigned i = 0; i < 2; i++) {
			pack->last += take_leb(&input);
			record->times[i] = pack->last;
		}
		record->answer = take_leb(&input);
	} else if ((tag & 31) < AX_EXIT_KINDS && record->handled <= AX_STOP) {
		record->exit.kind = tag & 31;
		take_exit(pack, &input, record);
	} else {
		fail(&input);
	}
	return input.failed ? 0 : len - input.left;
}
