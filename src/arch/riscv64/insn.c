/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Loads and stores; see insn.h.
 */
#include <config.h>

#include "arch/riscv64/insn.h"

/* Major opcodes, with the two low bits that say "32 bits": table 24.1. */
#define OP_LOAD	    0x03
#define OP_LOAD_FP  0x07
#define OP_STORE    0x23
#define OP_STORE_FP 0x27
#define OP_AMO	    0x2f

/* Bits @low to @low + @count - 1. */
static unsigned bits(uint32_t insn, unsigned low, unsigned count)
{
	return insn >> low & ((1u << count) - 1);
}

static void set(struct riscv_insn *insn, enum riscv_access access, unsigned reg,
		AxAccessWidth width, bool signed_ext)
{
	insn->access = access;
	insn->reg = reg;
	insn->width = width;
	insn->signed_ext = signed_ext;
}

/* funct3 is the width: 1 half, 2 single, 3 double, 4 quad; the others are vectors' (V, 7.3). */
static void decode_fp(struct riscv_insn *insn, enum riscv_access access, unsigned funct3,
		      unsigned reg)
{
	if (funct3 >= 1 && funct3 <= 3)
		set(insn, access, reg, (AxAccessWidth)funct3, false);
	else if (funct3 != 4)
		set(insn, RISCV_VECTOR, 0, AX_WIDTH_BYTE, false);
}

static void decode_32(uint32_t word, struct riscv_insn *insn)
{
	unsigned funct3 = bits(word, 12, 3);
	unsigned rd = bits(word, 7, 5), rs2 = bits(word, 20, 5);

	switch (bits(word, 0, 7)) {
	case OP_LOAD:
		/* Bit 2 is "unsigned"; LDU would be of RV128. */
		if (funct3 != 7)
			set(insn, RISCV_LOAD, rd, (AxAccessWidth)(funct3 & 3), funct3 < 3);
		break;
	case OP_STORE:
		if (funct3 <= 3)
			set(insn, RISCV_STORE, rs2, (AxAccessWidth)funct3, false);
		break;
	case OP_LOAD_FP: decode_fp(insn, RISCV_FP_LOAD, funct3, rd); break;
	case OP_STORE_FP: decode_fp(insn, RISCV_FP_STORE, funct3, rs2); break;
	case OP_AMO:
		if (funct3 <= 3)
			set(insn, RISCV_ATOMIC, rd, (AxAccessWidth)funct3, false);
		break;
	default: break;
	}
}

/* Zcb, in what C leaves of quadrant 0: bits 10 to 12, and bit 6 of halfwords. */
static void decode_zcb(uint32_t half, unsigned reg, struct riscv_insn *insn)
{
	bool bit6 = bits(half, 6, 1);

	switch (bits(half, 10, 3)) {
	case 0: set(insn, RISCV_LOAD, reg, AX_WIDTH_BYTE, false); break; /* c.lbu */
	case 1: set(insn, RISCV_LOAD, reg, AX_WIDTH_WORD, bit6); break;	 /* c.lhu, c.lh */
	case 2: set(insn, RISCV_STORE, reg, AX_WIDTH_BYTE, false); break;
	case 3:
		if (!bit6)
			set(insn, RISCV_STORE, reg, AX_WIDTH_WORD, false);
		break;
	default: break;
	}
}

/* Quadrant 0: registers x8 to x15 in three bits. */
static void decode_quadrant_0(uint32_t half, struct riscv_insn *insn)
{
	unsigned reg = 8 + bits(half, 2, 3);

	switch (bits(half, 13, 3)) {
	case 1: set(insn, RISCV_FP_LOAD, reg, AX_WIDTH_QWORD, false); break;
	case 2: set(insn, RISCV_LOAD, reg, AX_WIDTH_DWORD, true); break;
	case 3: set(insn, RISCV_LOAD, reg, AX_WIDTH_QWORD, false); break;
	case 4: decode_zcb(half, reg, insn); break;
	case 5: set(insn, RISCV_FP_STORE, reg, AX_WIDTH_QWORD, false); break;
	case 6: set(insn, RISCV_STORE, reg, AX_WIDTH_DWORD, false); break;
	case 7: set(insn, RISCV_STORE, reg, AX_WIDTH_QWORD, false); break;
	default: break;
	}
}

/* Quadrant 2: relative to the stack pointer. A load of x0 is reserved. */
static void decode_quadrant_2(uint32_t half, struct riscv_insn *insn)
{
	unsigned rd = bits(half, 7, 5), rs2 = bits(half, 2, 5);

	switch (bits(half, 13, 3)) {
	case 1: set(insn, RISCV_FP_LOAD, rd, AX_WIDTH_QWORD, false); break;
	case 2:
		if (rd)
			set(insn, RISCV_LOAD, rd, AX_WIDTH_DWORD, true);
		break;
	case 3:
		if (rd)
			set(insn, RISCV_LOAD, rd, AX_WIDTH_QWORD, false);
		break;
	case 5: set(insn, RISCV_FP_STORE, rs2, AX_WIDTH_QWORD, false); break;
	case 6: set(insn, RISCV_STORE, rs2, AX_WIDTH_DWORD, false); break;
	case 7: set(insn, RISCV_STORE, rs2, AX_WIDTH_QWORD, false); break;
	default: break;
	}
}

void riscv_decode(const uint8_t *bytes, size_t count, struct riscv_insn *insn)
{
	uint32_t word;

	*insn = (struct riscv_insn){ .access = RISCV_NO_ACCESS };
	if (count < 2)
		return;
	word = bytes[0] | (uint32_t)bytes[1] << 8;
	if (bits(word, 0, 2) != 3) {
		insn->length = 2;
		if (bits(word, 0, 2) == 0)
			decode_quadrant_0(word, insn);
		else if (bits(word, 0, 2) == 2)
			decode_quadrant_2(word, insn);
		return;
	}
	/* Bits 2 to 4 all set: 48 bits or more. */
	if (bits(word, 2, 3) == 7 || count < 4)
		return;
	insn->length = 4;
	decode_32(word | (uint32_t)bytes[2] << 16 | (uint32_t)bytes[3] << 24, insn);
}
