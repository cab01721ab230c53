/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A64 loads and stores, group by group as the manual has them; see insn.h.
 */
#include <config.h>

#include <stddef.h>

#include "arch/arm64/insn.h"

/* Bits @high to @low. */
static uint32_t field(uint32_t insn, unsigned high, unsigned low)
{
	return insn >> low & ((2u << (high - low)) - 1);
}

static bool bit(uint32_t insn, unsigned number)
{
	return insn >> number & 1;
}

/* Bits @high to @low as a signed number. */
static int64_t signed_field(uint32_t insn, unsigned high, unsigned low)
{
	unsigned above = 63 - (high - low);

	return (int64_t)((uint64_t)field(insn, high, low) << above) >> above;
}

/* Most forms: one register in bits 4 to 0, the base in 9 to 5. */
static void one_register(uint32_t insn, struct a64_insn *out)
{
	out->count = 1;
	out->regs[0] = (uint8_t)field(insn, 4, 0);
	out->base = (uint8_t)field(insn, 9, 5);
}

static void two_registers(uint32_t insn, struct a64_insn *out)
{
	one_register(insn, out);
	out->count = 2;
	out->regs[1] = (uint8_t)field(insn, 14, 10);
}

/* Loads of general purpose registers without a sign fill W registers unless they need X. */
static void plain_size(struct a64_insn *out, unsigned log2_size)
{
	out->size = (uint8_t)(1u << log2_size);
	out->reg_size = log2_size == 3 ? 8 : 4;
}

/* size:opc of general purpose registers; false: a prefetch, or not allocated. */
static bool size_and_opc(uint32_t insn, struct a64_insn *out)
{
	unsigned log2_size = field(insn, 31, 30), opc = field(insn, 23, 22);

	plain_size(out, log2_size);
	out->is_load = opc != 0;
	if (opc < 2)
		return true;
	out->is_signed = true;
	out->reg_size = opc == 2 ? 8 : 4;
	return out->size < out->reg_size;
}

/* size:opc of SIMD&FP registers. */
static bool vector_size_and_opc(uint32_t insn, struct a64_insn *out)
{
	bool is_q = bit(insn, 23);

	if (is_q && field(insn, 31, 30))
		return false;
	out->is_vector = true;
	out->is_load = bit(insn, 22);
	out->size = (uint8_t)(is_q ? 16 : 1u << field(insn, 31, 30));
	out->reg_size = 16;
	return true;
}

static bool decode_exclusive(uint32_t insn, struct a64_insn *out)
{
	unsigned log2_size = field(insn, 31, 30);
	bool is_ordered_only = bit(insn, 23), is_pair = bit(insn, 21);

	plain_size(out, log2_size);
	out->is_load = bit(insn, 22);
	out->addressing = A64_OFFSET;
	if (is_pair && (is_ordered_only || log2_size < 2))
		return false; /* compare and swap */
	out->is_exclusive = !is_ordered_only;
	if (is_pair)
		two_registers(insn, out);
	else
		one_register(insn, out);
	return true;
}

/* LDAPUR, STLUR and their like: C4.1, "LDAPR/STLR (unscaled immediate)". */
static bool decode_ordered_unscaled(uint32_t insn, struct a64_insn *out)
{
	one_register(insn, out);
	out->addressing = A64_OFFSET;
	out->offset = signed_field(insn, 20, 12);
	return size_and_opc(insn, out);
}

static bool decode_ldapr(uint32_t insn, struct a64_insn *out)
{
	one_register(insn, out);
	plain_size(out, field(insn, 31, 30));
	out->is_load = true;
	out->addressing = A64_OFFSET;
	return true;
}

static bool decode_literal(uint32_t insn, struct a64_insn *out)
{
	unsigned opc = field(insn, 31, 30);

	if (opc == 3)
		return false; /* prefetch */
	one_register(insn, out);
	out->is_load = true;
	out->addressing = A64_LITERAL;
	out->offset = signed_field(insn, 23, 5) * 4;
	if (bit(insn, 26)) {
		out->is_vector = true;
		out->size = (uint8_t)(4u << opc);
		out->reg_size = 16;
		return true;
	}
	out->size = opc == 1 ? 8 : 4;
	out->reg_size = opc == 0 ? 4 : 8;
	out->is_signed = opc == 2;
	return true;
}

static bool decode_pair(uint32_t insn, struct a64_insn *out)
{
	static const enum a64_addressing modes[] = { A64_OFFSET, A64_POST, A64_OFFSET, A64_PRE };
	unsigned opc = field(insn, 31, 30), mode = field(insn, 24, 23);

	if (opc == 3)
		return false;
	two_registers(insn, out);
	out->is_load = bit(insn, 22);
	out->addressing = modes[mode];
	if (bit(insn, 26)) {
		out->is_vector = true;
		out->size = (uint8_t)(4u << opc);
		out->reg_size = 16;
	} else if (opc == 1) {
		/* LDPSW; without L it stores tags, and it has no non-temporal form. */
		if (!out->is_load || mode == 0)
			return false;
		out->is_signed = true;
		out->size = 4;
		out->reg_size = 8;
	} else {
		out->size = opc == 2 ? 8 : 4;
		out->reg_size = out->size;
	}
	out->offset = signed_field(insn, 21, 15) * out->size;
	return true;
}

/* Bit 24 clear and bit 21 set: the index is a register, or this is an atomic. */
static bool register_offset(uint32_t insn, struct a64_insn *out)
{
	if (field(insn, 11, 10) != 2)
		return false;
	out->addressing = A64_REGISTER;
	out->index = (uint8_t)field(insn, 20, 16);
	out->extend = (uint8_t)field(insn, 15, 13);
	out->shift = bit(insn, 12) ? (uint8_t)__builtin_ctz(out->size) : 0;
	return out->extend & 2;
}

static bool decode_single(uint32_t insn, struct a64_insn *out)
{
	one_register(insn, out);
	if (!(bit(insn, 26) ? vector_size_and_opc(insn, out) : size_and_opc(insn, out)))
		return false;
	if (bit(insn, 24)) {
		out->addressing = A64_OFFSET;
		out->offset = (int64_t)field(insn, 21, 10) * out->size;
		return true;
	}
	if (bit(insn, 21))
		return register_offset(insn, out);
	out->offset = signed_field(insn, 20, 12);
	switch (field(insn, 11, 10)) {
	case 0: out->addressing = A64_OFFSET; return true;
	case 1: out->addressing = A64_POST; return true;
	case 2: /* unprivileged: there is none of SIMD&FP registers */
		out->addressing = A64_OFFSET;
		return !out->is_vector;
	default: out->addressing = A64_PRE; return true;
	}
}

/* LD1 and ST1 of one to four whole registers: their elements lie as they do in memory. */
static bool decode_structures(uint32_t insn, struct a64_insn *out)
{
	static const uint8_t counts[16] = { [2] = 4, [6] = 3, [7] = 1, [10] = 2 };

	one_register(insn, out);
	out->count = counts[field(insn, 15, 12)];
	for (unsigned i = 1; i < out->count; i++)
		out->regs[i] = (uint8_t)((out->regs[0] + i) % 32);
	out->is_vector = true;
	out->is_load = bit(insn, 22);
	out->size = bit(insn, 30) ? 16 : 8;
	out->reg_size = 16;
	out->index = (uint8_t)field(insn, 20, 16);
	if (!bit(insn, 23)) {
		out->addressing = A64_OFFSET;
		return out->count && !out->index;
	}
	out->addressing = A64_POST_REG;
	if (out->index == 31) {
		out->addressing = A64_POST;
		out->offset = a64_bytes(out);
	}
	return out->count != 0;
}

/* Groups by the bits that are fixed in them. The first that matches is it. */
static const struct {
	uint32_t mask, value;
	bool (*decode)(uint32_t insn, struct a64_insn *out);
} groups[] = {
	{ 0x3f000000, 0x08000000, decode_exclusive },
	{ 0x3f200c00, 0x19000000, decode_ordered_unscaled },
	{ 0x3ffffc00, 0x38bfc000, decode_ldapr },
	{ 0x3b000000, 0x18000000, decode_literal },
	{ 0x3a000000, 0x28000000, decode_pair },
	{ 0x3a000000, 0x38000000, decode_single },
	{ 0xbf200000, 0x0c000000, decode_structures },
};

bool a64_decode(uint32_t insn, struct a64_insn *out)
{
	*out = (struct a64_insn){ 0 };
	for (size_t i = 0; i < sizeof(groups) / sizeof(groups[0]); i++) {
		if ((insn & groups[i].mask) == groups[i].value)
			return groups[i].decode(insn, out);
	}
	return false;
}

static uint64_t extended_index(const struct a64_insn *insn, uint64_t index)
{
	if (insn->extend == A64_UXTW)
		index = (uint32_t)index;
	else if (insn->extend == A64_SXTW)
		index = (uint64_t)(int64_t)(int32_t)index;
	return index << insn->shift;
}

uint64_t a64_address(const struct a64_insn *insn, uint64_t base, uint64_t index)
{
	switch (insn->addressing) {
	case A64_REGISTER: return base + extended_index(insn, index);
	case A64_POST:
	case A64_POST_REG: return base;
	default: return base + (uint64_t)insn->offset;
	}
}

bool a64_writeback(const struct a64_insn *insn, uint64_t base, uint64_t index, uint64_t *new_base)
{
	switch (insn->addressing) {
	case A64_PRE:
	case A64_POST: *new_base = base + (uint64_t)insn->offset; return true;
	case A64_POST_REG: *new_base = base + index; return true;
	default: return false;
	}
}

uint64_t a64_extend(const struct a64_insn *insn, uint64_t raw)
{
	unsigned above = 64 - 8u * insn->size;

	raw <<= above;
	if (insn->is_signed)
		raw = (uint64_t)((int64_t)raw >> above);
	else
		raw >>= above;
	return insn->reg_size == 4 ? (uint32_t)raw : raw;
}
