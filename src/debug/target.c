/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Target descriptions in XML, and registers as bytes; see target.h.
 */
#include <stdio.h>
#include <string.h>

#include "debug/target.h"

const struct gdb_target *gdb_target_find(const char *name)
{
	static const struct gdb_target *const targets[] = { &gdb_target_x86_64, &gdb_target_arm64,
							    &gdb_target_riscv64 };

	for (unsigned i = 0; i < sizeof(targets) / sizeof(targets[0]); i++) {
		if (!strcmp(targets[i]->name, name))
			return targets[i];
	}
	return NULL;
}

/* A piece of a text that is longer than the piece. */
struct window {
	struct rsp_out *out;
	size_t skip; /* bytes still before the piece */
	size_t left; /* bytes of the piece still to come */
	bool more;
};

static void put(struct window *window, const char *text)
{
	size_t length = strlen(text);

	if (window->skip >= length) {
		window->skip -= length;
		return;
	}
	text += window->skip;
	length -= window->skip;
	window->skip = 0;
	if (length > window->left) {
		length = window->left;
		window->more = true;
	}
	rsp_bytes(window->out, text, length);
	window->left -= length;
}

static void put_reg(struct window *window, const struct gdb_reg *reg, unsigned number)
{
	char line[256];

	snprintf(line, sizeof(line),
		 "<reg name=\"%s\" bitsize=\"%u\" type=\"%s\" regnum=\"%u\"%s%s%s/>\n", reg->name,
		 reg->bits, reg->type ? reg->type : "int", number, reg->group ? " group=\"" : "",
		 reg->group ? reg->group : "", reg->group ? "\"" : "");
	put(window, line);
}

void target_xml(const struct gdb_target *target, size_t offset, size_t length, struct rsp_out *out,
		bool *more)
{
	struct window window = { .out = out, .skip = offset, .left = length };
	bool types_are_due = true;
	char line[160];

	put(&window, "<?xml version=\"1.0\"?>\n<!DOCTYPE target SYSTEM \"gdb-target.dtd\">\n"
		     "<target version=\"1.0\">\n");
	snprintf(line, sizeof(line), "<architecture>%s</architecture>\n", target->gdb_name);
	put(&window, line);
	for (unsigned i = 0; i < target->count; i++) {
		const struct gdb_reg *reg = &target->regs[i];

		if (reg->feature) {
			snprintf(line, sizeof(line), "%s<feature name=\"%s\">\n",
				 i ? "</feature>\n" : "", reg->feature);
			put(&window, line);
		}
		if (types_are_due && reg->source == REG_VECTOR) {
			put(&window, target->types);
			types_are_due = false;
		}
		put_reg(&window, reg, i);
	}
	put(&window, "</feature>\n</target>\n");
	*more = window.more;
}

/* The full tag word, of which gdb takes two bits for each register: in use (0), or empty (3). */
static uint32_t full_tag(uint32_t abridged)
{
	uint32_t tag = 0;

	for (unsigned i = 0; i < 8; i++)
		tag |= (abridged >> i & 1 ? 0u : 3u) << (2 * i);
	return tag;
}

static uint32_t abridged_tag(uint32_t full)
{
	uint32_t tag = 0;

	for (unsigned i = 0; i < 8; i++)
		tag |= ((full >> (2 * i) & 3) != 3 ? 1u : 0u) << i;
	return tag;
}

/* In gdb's order: fctrl, fstat, ftag, fiseg, fioff, foseg, fooff, fop. */
static uint32_t get_x87_control(const AxFpRegs *fp, unsigned index)
{
	switch (index) {
	case 0: return fp->control;
	case 1: return fp->x87_status;
	case 2: return full_tag(fp->x87_tag);
	case 3: return (uint32_t)(fp->x87_ip >> 32);
	case 4: return (uint32_t)fp->x87_ip;
	case 5: return (uint32_t)(fp->x87_dp >> 32);
	case 6: return (uint32_t)fp->x87_dp;
	default: return fp->x87_opcode;
	}
}

static void set_x87_control(AxFpRegs *fp, unsigned index, uint32_t value)
{
	switch (index) {
	case 0: fp->control = value & 0xffff; break;
	case 1: fp->x87_status = value & 0xffff; break;
	case 2: fp->x87_tag = abridged_tag(value); break;
	case 3: fp->x87_ip = (uint32_t)fp->x87_ip | (uint64_t)value << 32; break;
	case 4: fp->x87_ip = (fp->x87_ip & ~(uint64_t)UINT32_MAX) | value; break;
	case 5: fp->x87_dp = (uint32_t)fp->x87_dp | (uint64_t)value << 32; break;
	case 6: fp->x87_dp = (fp->x87_dp & ~(uint64_t)UINT32_MAX) | value; break;
	default: fp->x87_opcode = value & 0x7ff; break;
	}
}

/* riscv64: fflags is fcsr's bits 4 to 0, frm 7 to 5 (unprivileged specification, 11.2). */
static uint32_t field_shift(const struct gdb_reg *reg)
{
	return reg->index ? 5 : 0;
}

static uint32_t field_mask(const struct gdb_reg *reg)
{
	return reg->index ? 7 : 0x1f;
}

static void put_little(uint8_t *bytes, uint64_t value)
{
	for (unsigned i = 0; i < 8; i++)
		bytes[i] = (uint8_t)(value >> (8 * i));
}

static uint64_t get_little(const uint8_t *bytes, size_t length)
{
	uint64_t value = 0;

	for (size_t i = 0; i < length && i < 8; i++)
		value |= (uint64_t)bytes[i] << (8 * i);
	return value;
}

void reg_pack(const struct gdb_reg *reg, unsigned number, const struct reg_file *file,
	      uint8_t bytes[16])
{
	const AxFpRegs *fp = &file->fp;

	memset(bytes, 0, 16);
	switch ((enum reg_source)reg->source) {
	case REG_NAMED: put_little(bytes, file->named[number]); break;
	case REG_VECTOR: memcpy(bytes, fp->vector[reg->index], 16); break;
	case REG_X87: memcpy(bytes, fp->x87[reg->index], 16); break;
	case REG_X87_CONTROL: put_little(bytes, get_x87_control(fp, reg->index)); break;
	case REG_CONTROL: put_little(bytes, fp->control); break;
	case REG_STATUS: put_little(bytes, fp->status); break;
	case REG_FCSR_FIELD:
		put_little(bytes, fp->control >> field_shift(reg) & field_mask(reg));
		break;
	}
}

void reg_unpack(const struct gdb_reg *reg, unsigned number, const uint8_t bytes[16],
		struct reg_file *file)
{
	uint64_t value = get_little(bytes, reg_bytes(reg));
	AxFpRegs *fp = &file->fp;
	uint32_t mask;

	switch ((enum reg_source)reg->source) {
	case REG_NAMED: file->named[number] = value; break;
	case REG_VECTOR: memcpy(fp->vector[reg->index], bytes, reg_bytes(reg)); break;
	case REG_X87: memcpy(fp->x87[reg->index], bytes, reg_bytes(reg)); break;
	case REG_X87_CONTROL: set_x87_control(fp, reg->index, (uint32_t)value); break;
	case REG_CONTROL: fp->control = (uint32_t)value; break;
	case REG_STATUS: fp->status = (uint32_t)value; break;
	case REG_FCSR_FIELD:
		mask = field_mask(reg) << field_shift(reg);
		fp->control = (fp->control & ~mask) | ((uint32_t)value << field_shift(reg) & mask);
		break;
	}
}
