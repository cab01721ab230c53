/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The next instruction of a hart; see step_riscv64.h.
 */
#include "debug/step_riscv64.h"

/* Opcodes, bits 6 to 0: unprivileged specification, table 24.1. */
#define OP_AMO	  0x2f
#define OP_BRANCH 0x63
#define OP_JALR	  0x67
#define OP_JAL	  0x6f

#define INSN_ECALL  0x00000073u
#define INSN_EBREAK 0x00100073u
#define INSN_SRET   0x10200073u

/* funct5 of LR and SC, bits 31 to 27. */
#define AMO_LR 2
#define AMO_SC 3

/* LR/SC loops of programs that keep to the rules are no longer: 8.3. */
#define LOOP_INSNS_MAX 16

/* Bits @high to @low of @insn. */
static uint32_t bits(uint32_t insn, unsigned high, unsigned low)
{
	return insn >> low & (UINT32_MAX >> (31 - (high - low)));
}

/* The lowest @width bits as a signed number. */
static int64_t sign(uint32_t value, unsigned width)
{
	return (int64_t)((uint64_t)value << (64 - width)) >> (64 - width);
}

static int64_t jal_offset(uint32_t insn)
{
	return sign(bits(insn, 31, 31) << 20 | bits(insn, 19, 12) << 12 | bits(insn, 20, 20) << 11 |
			    bits(insn, 30, 21) << 1,
		    21);
}

static int64_t branch_offset(uint32_t insn)
{
	return sign(bits(insn, 31, 31) << 12 | bits(insn, 7, 7) << 11 | bits(insn, 30, 25) << 5 |
			    bits(insn, 11, 8) << 1,
		    13);
}

static int64_t c_jump_offset(uint32_t insn)
{
	return sign(bits(insn, 12, 12) << 11 | bits(insn, 8, 8) << 10 | bits(insn, 10, 9) << 8 |
			    bits(insn, 6, 6) << 7 | bits(insn, 7, 7) << 6 | bits(insn, 2, 2) << 5 |
			    bits(insn, 11, 11) << 4 | bits(insn, 5, 3) << 1,
		    12);
}

static int64_t c_branch_offset(uint32_t insn)
{
	return sign(bits(insn, 12, 12) << 8 | bits(insn, 6, 5) << 6 | bits(insn, 2, 2) << 5 |
			    bits(insn, 11, 10) << 3 | bits(insn, 4, 3) << 1,
		    9);
}

/* An instruction and its length; 0: it cannot be read. */
static unsigned fetch(const struct riscv_hart *hart, uint64_t pc, uint32_t *insn)
{
	uint8_t bytes[4] = { 0 };
	unsigned count = hart->fetch(hart->opaque, pc, bytes);
	unsigned length = (bytes[0] & 3) == 3 ? 4 : 2;

	if (count < length)
		return 0;
	*insn = bytes[0] | (uint32_t)bytes[1] << 8;
	if (length == 4)
		*insn |= (uint32_t)bytes[2] << 16 | (uint32_t)bytes[3] << 24;
	return length;
}

static bool is_taken(const struct riscv_hart *hart, uint32_t insn)
{
	uint64_t a = hart->x[bits(insn, 19, 15)], b = hart->x[bits(insn, 24, 20)];

	switch (bits(insn, 14, 12)) {
	case 0: return a == b;
	case 1: return a != b;
	case 4: return (int64_t)a < (int64_t)b;
	case 5: return (int64_t)a >= (int64_t)b;
	case 6: return a < b;
	default: return a >= b;
	}
}

/* Behind the SC that follows, and where branches between lead out. 0: none follows. */
static unsigned behind_loop(const struct riscv_hart *hart, uint64_t places[STEP_PLACES_MAX])
{
	uint64_t targets[STEP_PLACES_MAX], pc = hart->pc;
	unsigned target_count = 0, count = 0;
	bool found = false;

	for (unsigned i = 0; i < LOOP_INSNS_MAX && !found; i++) {
		uint32_t insn = 0;
		unsigned length = fetch(hart, pc, &insn);

		if (!length)
			return 0;
		if (target_count == STEP_PLACES_MAX - 1)
			return 0;
		if (length == 4 && bits(insn, 6, 0) == OP_BRANCH)
			targets[target_count++] = pc + (uint64_t)branch_offset(insn);
		else if (length == 2 && (insn & 3) == 1 && bits(insn, 15, 14) == 3)
			targets[target_count++] = pc + (uint64_t)c_branch_offset(insn);
		found = length == 4 && bits(insn, 6, 0) == OP_AMO && bits(insn, 31, 27) == AMO_SC;
		pc += length;
	}
	if (!found)
		return 0;
	places[count++] = pc;
	for (unsigned i = 0; i < target_count; i++) {
		if (targets[i] < hart->pc || targets[i] > pc)
			places[count++] = targets[i];
	}
	return count;
}

static unsigned next_of_long(const struct riscv_hart *hart, uint32_t insn,
			     uint64_t places[STEP_PLACES_MAX])
{
	uint64_t behind = hart->pc + 4;
	unsigned count;

	places[0] = behind;
	switch (bits(insn, 6, 0)) {
	case OP_JAL: places[0] = hart->pc + (uint64_t)jal_offset(insn); return 1;
	case OP_JALR:
		places[0] = (hart->x[bits(insn, 19, 15)] + (uint64_t)sign(insn >> 20, 12)) &
			    ~UINT64_C(1);
		return 1;
	case OP_BRANCH:
		if (is_taken(hart, insn))
			places[0] = hart->pc + (uint64_t)branch_offset(insn);
		return 1;
	case OP_AMO:
		count = bits(insn, 31, 27) == AMO_LR ? behind_loop(hart, places) : 0;
		if (!count)
			places[0] = behind;
		return count ? count : 1;
	default: break;
	}
	if (insn == INSN_SRET)
		places[0] = hart->sepc;
	/* A user's call goes to its kernel; a kernel's comes back. */
	else if (insn == INSN_EBREAK || (insn == INSN_ECALL && hart->is_user))
		places[0] = hart->stvec & ~UINT64_C(3);
	return 1;
}

static uint64_t next_of_short(const struct riscv_hart *hart, uint32_t insn)
{
	uint64_t behind = hart->pc + 2, value = hart->x[8 + bits(insn, 9, 7)];

	switch (bits(insn, 15, 13) << 2 | (insn & 3)) {
	case 5 << 2 | 1: return hart->pc + (uint64_t)c_jump_offset(insn); /* C.J */
	case 6 << 2 | 1: return value ? behind : hart->pc + (uint64_t)c_branch_offset(insn);
	case 7 << 2 | 1: return value ? hart->pc + (uint64_t)c_branch_offset(insn) : behind;
	case 4 << 2 | 2: /* C.JR, C.JALR, C.EBREAK; others have a second register */
		if (bits(insn, 6, 2))
			return behind;
		if (bits(insn, 11, 7))
			return hart->x[bits(insn, 11, 7)] & ~UINT64_C(1);
		return bits(insn, 12, 12) ? hart->stvec & ~UINT64_C(3) : behind;
	default: return behind;
	}
}

unsigned riscv_next(const struct riscv_hart *hart, uint64_t places[STEP_PLACES_MAX])
{
	uint32_t insn = 0;
	unsigned length = fetch(hart, hart->pc, &insn);

	if (!length)
		return 0;
	if (length == 4)
		return next_of_long(hart, insn, places);
	places[0] = next_of_short(hart, insn);
	return 1;
}
