/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Decoding A64 loads and stores. Pure; compiled and tested on every host.
 * Source of all encodings: Arm Architecture Reference Manual for A-profile (DDI 0487), C4.1 "Loads
 * and Stores" and the instructions' own pages in C6.2 and C7.2.
 */
#ifndef AXVMM_ARCH_ARM64_INSN_H
#define AXVMM_ARCH_ARM64_INSN_H

#include <stdbool.h>
#include <stdint.h>

#define A64_INSN_SIZE 4

/* Register 31 is the stack pointer as a base, and zero as data. */
#define A64_SP	 31
#define A64_ZERO 31

/* LD1 and ST1 of several registers move four at most. */
#define A64_MAX_REGS 4

/* Where the first byte lies. */
enum a64_addressing {
	A64_LITERAL,  /* PC + offset */
	A64_OFFSET,   /* base + offset */
	A64_REGISTER, /* base + index register, extended and shifted */
	A64_PRE,      /* base + offset, which then is the base's new value */
	A64_POST,     /* base, to which offset is then added */
	A64_POST_REG, /* base, to which the index register is then added */
};

/* How the index register of A64_REGISTER counts: the instruction's option field. */
enum a64_extend { A64_UXTW = 2, A64_LSL = 3, A64_SXTW = 6, A64_SXTX = 7 };

/* One load or store: @count registers to or from consecutive memory, @size bytes each. */
struct a64_insn {
	bool is_load;
	bool is_vector;	   /* SIMD&FP registers, of which `size` bytes are moved */
	bool is_signed;	   /* loads: the sign is extended to reg_size */
	bool is_exclusive; /* with a monitor: LDXR, STXR, ... */
	uint8_t count;
	uint8_t size;	  /* of one register's access in bytes: 1, 2, 4, 8, 16 */
	uint8_t reg_size; /* of what a load writes: 4 or 8, which clears what is above; 16 vector */
	uint8_t regs[A64_MAX_REGS];
	uint8_t base; /* 31: the stack pointer */
	enum a64_addressing addressing;
	int64_t offset;
	uint8_t index;	/* register */
	uint8_t extend; /* an a64_extend */
	uint8_t shift;	/* of the index, in bits */
};

/*
 * Decode one instruction.
 *
 * @return true with @out filled: LDR and STR of every width in every addressing mode, unscaled and
 * unprivileged forms, literals, pairs (LDP, STP, LDPSW, LDNP, STNP), ordered forms (LDAR, LDLAR,
 * LDAPR, LDAPUR, STLR, STLUR ...), exclusive forms, LDR, STR, LDP, STP of SIMD&FP registers, LD1 and
 * ST1 of whole registers. false: no load or store, or another one (atomic read-modify-write,
 * interleaving or single-lane structures, prefetches, tags, pointer authentication, SVE, ...).
 * Encodings that are not allocated are false, too.
 *
 * Thread: any.
 */
bool a64_decode(uint32_t insn, struct a64_insn *out);

/*
 * The address of the first byte.
 *
 * @base   value of register insn->base, or PC for A64_LITERAL
 * @index  value of register insn->index (register 31 is zero); any where there is none
 */
uint64_t a64_address(const struct a64_insn *insn, uint64_t base, uint64_t index);

/* Whether the base register changes, and to what: @base and @index as above. */
bool a64_writeback(const struct a64_insn *insn, uint64_t base, uint64_t index, uint64_t *new_base);

/* Bytes of the whole access: 1 to 64. */
static inline unsigned a64_bytes(const struct a64_insn *insn)
{
	return (unsigned)insn->count * insn->size;
}

/*
 * What a load of @raw (insn->size bytes, at most 8; bits above are ignored) leaves in a general
 * purpose register.
 */
uint64_t a64_extend(const struct a64_insn *insn, uint64_t raw);

#endif
