/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A64 loads and stores: each form against what an assembler and a disassembler say of it.
 */
#include <stdio.h>

#include "arch/arm64/insn.h"
#include "tests/unit/run_fixture.h"

#include "insn_cases.h"

/* Where the first byte lies, in the words of insn_cases.h. */
static void say_address(const struct a64_insn *insn, char *text, size_t size)
{
	static const char *const extends[] = {
		[A64_UXTW] = "uxtw", [A64_LSL] = "lsl", [A64_SXTW] = "sxtw", [A64_SXTX] = "sxtx"
	};
	long long offset = insn->offset;

	switch (insn->addressing) {
	case A64_LITERAL: snprintf(text, size, " pc%+lld", offset); break;
	case A64_OFFSET: snprintf(text, size, " [%u%+lld]", insn->base, offset); break;
	case A64_REGISTER:
		snprintf(text, size, " [%u %s %u<<%u]", insn->base, extends[insn->extend],
			 insn->index, insn->shift);
		break;
	case A64_PRE: snprintf(text, size, " [%u%+lld]!", insn->base, offset); break;
	case A64_POST: snprintf(text, size, " [%u]%+lld", insn->base, offset); break;
	case A64_POST_REG: snprintf(text, size, " [%u]+r%u", insn->base, insn->index); break;
	}
}

static void say(const struct a64_insn *insn, char *text, size_t size)
{
	size_t len = (size_t)snprintf(text, size, "%s%s%s%s %ux%u/%u",
				      insn->is_load ? "load" : "store", insn->is_vector ? " v" : "",
				      insn->is_signed ? " s" : "", insn->is_exclusive ? " x" : "",
				      insn->count, insn->size, insn->reg_size);

	for (unsigned i = 0; i < insn->count; i++)
		len += (size_t)snprintf(text + len, size - len, "%c%u", i ? ',' : ' ',
					insn->regs[i]);
	say_address(insn, text + len, size - len);
}

START_TEST(every_form_is_decoded_as_it_was_assembled)
{
	for (size_t i = 0; i < COUNT(insn_cases); i++) {
		struct a64_insn insn;
		char text[128];

		ck_assert_msg(a64_decode(insn_cases[i].code, &insn), "%s: not decoded",
			      insn_cases[i].text);
		say(&insn, text, sizeof(text));
		ck_assert_msg(!strcmp(text, insn_cases[i].meaning), "%s: %s, not %s",
			      insn_cases[i].text, text, insn_cases[i].meaning);
	}
}
END_TEST

START_TEST(other_instructions_are_not_decoded)
{
	struct a64_insn insn;

	for (size_t i = 0; i < COUNT(other_cases); i++)
		ck_assert_msg(!a64_decode(other_cases[i].code, &insn), "%s: decoded",
			      other_cases[i].text);
}
END_TEST

/* Numbers from anywhere: what is decoded stays within what its users have room for. */
START_TEST(whatever_is_decoded_is_within_bounds)
{
	uint32_t code = 1, decoded = 0;

	for (unsigned i = 0; i < 300000; i++) {
		struct a64_insn insn;

		/* A full period of 2^32: Knuth, TAOCP 3.2.1.2, theorem A. */
		code = code * 1664525 + 1013904223;
		if (!a64_decode(code, &insn))
			continue;
		decoded++;
		ck_assert(insn.count >= 1 && insn.count <= A64_MAX_REGS);
		ck_assert(insn.size && insn.size <= 16 && !(insn.size & (insn.size - 1)));
		ck_assert(insn.size <= 8 || insn.is_vector);
		ck_assert_uint_le(insn.size, insn.reg_size);
		ck_assert_uint_le(a64_bytes(&insn), 64);
		ck_assert(!insn.is_signed || (insn.is_load && insn.size < insn.reg_size));
		ck_assert(insn.base < 32 && insn.index < 32 && insn.shift <= 4);
		for (unsigned n = 0; n < insn.count; n++)
			ck_assert_uint_lt(insn.regs[n], 32);
	}
	ck_assert_uint_gt(decoded, 15000);
}
END_TEST

/* Addresses and new bases, of base 0x1000 and index -8 (as a word: 0xfffffff8). */
static const struct {
	const char *text;
	struct a64_insn insn;
	uint64_t address;
	uint64_t new_base; /* 0: as it was */
} addresses[] = {
	{ "literal", { .addressing = A64_LITERAL, .offset = -16 }, 0xff0, 0 },
	{ "offset", { .addressing = A64_OFFSET, .offset = 24 }, 0x1018, 0 },
	{ "pre", { .addressing = A64_PRE, .offset = -8 }, 0xff8, 0xff8 },
	{ "post", { .addressing = A64_POST, .offset = 32 }, 0x1000, 0x1020 },
	{ "post register", { .addressing = A64_POST_REG }, 0x1000, 0xff8 },
	{ "lsl", { .addressing = A64_REGISTER, .extend = A64_LSL, .shift = 3 }, 0xfc0, 0 },
	{ "sxtx", { .addressing = A64_REGISTER, .extend = A64_SXTX }, 0xff8, 0 },
	{ "sxtw", { .addressing = A64_REGISTER, .extend = A64_SXTW, .shift = 1 }, 0xff0, 0 },
	{ "uxtw", { .addressing = A64_REGISTER, .extend = A64_UXTW }, 0x100000ff8, 0 },
};

START_TEST(address_and_writeback_are_computed)
{
	const struct a64_insn *insn = &addresses[_i].insn;
	uint64_t new_base = 0;

	ck_assert_uint_eq(a64_address(insn, 0x1000, (uint64_t)-8), addresses[_i].address);
	ck_assert_int_eq(a64_writeback(insn, 0x1000, (uint64_t)-8, &new_base),
			 addresses[_i].new_base != 0);
	ck_assert_uint_eq(new_base, addresses[_i].new_base);
}
END_TEST

static const struct {
	uint8_t size, reg_size;
	bool is_signed;
	uint64_t value;
} extensions[] = {
	{ 1, 4, false, 0x88 },
	{ 2, 4, false, 0x8788 },
	{ 4, 4, false, 0x85868788 },
	{ 8, 8, false, 0x8182838485868788 },
	{ 1, 4, true, 0xffffff88 },
	{ 1, 8, true, 0xffffffffffffff88 },
	{ 2, 4, true, 0xffff8788 },
	{ 2, 8, true, 0xffffffffffff8788 },
	{ 4, 8, true, 0xffffffff85868788 },
};

START_TEST(what_was_read_is_extended)
{
	struct a64_insn insn = { .is_load = true,
				 .size = extensions[_i].size,
				 .reg_size = extensions[_i].reg_size,
				 .is_signed = extensions[_i].is_signed };

	ck_assert_uint_eq(a64_extend(&insn, 0x8182838485868788), extensions[_i].value);
	ck_assert_uint_eq(a64_extend(&insn, 0x0101010101010101),
			  0x0101010101010101 & (UINT64_MAX >> (64 - 8 * insn.size)));
}
END_TEST

static void add_tests(TCase *cases)
{
	tcase_add_test(cases, every_form_is_decoded_as_it_was_assembled);
	tcase_add_test(cases, other_instructions_are_not_decoded);
	tcase_add_test(cases, whatever_is_decoded_is_within_bounds);
	tcase_add_loop_test(cases, address_and_writeback_are_computed, 0, COUNT(addresses));
	tcase_add_loop_test(cases, what_was_read_is_extended, 0, COUNT(extensions));
}

RUN_SUITE("insn", add_tests)
