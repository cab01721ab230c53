/* SPDX-License-Identifier: Apache-2.0 */
/*
 * gdb's remote protocol as bytes, and every architecture as gdb knows it: on every host.
 */
#include <stdio.h>

#include <axvmm/probe.h>

#include "debug/rsp.h"
#include "debug/target.h"
#include "tests/unit/run_fixture.h"

static struct rsp_in in;
static struct rsp_out out;

static const struct gdb_target *const targets[] = { &gdb_target_x86_64, &gdb_target_arm64,
						    &gdb_target_riscv64 };
#define TARGETS 3

static enum rsp_event take(const char *bytes, size_t length)
{
	enum rsp_event event = RSP_NOTHING;

	for (size_t i = 0; i < length; i++) {
		ck_assert_int_eq(event, RSP_NOTHING);
		event = rsp_take(&in, (uint8_t)bytes[i]);
	}
	return event;
}

#define TAKE(text) take(text, sizeof(text) - 1)

START_TEST(a_packet_is_text_between_dollar_and_sum)
{
	memset(&in, 0, sizeof(in));
	ck_assert_int_eq(TAKE("$m10,4#2e"), RSP_PACKET);
	ck_assert_str_eq(in.text, "m10,4");
	ck_assert_uint_eq(in.length, 5);
	ck_assert_int_eq(TAKE("$#00"), RSP_PACKET);
	ck_assert_str_eq(in.text, "");
	ck_assert_int_eq(TAKE("$m10,4#2d"), RSP_DAMAGED);
	ck_assert_int_eq(TAKE("$m10,4#zz"), RSP_DAMAGED);
	/* One that begins within another is all that counts. */
	ck_assert_int_eq(TAKE("$garbage$?#3f"), RSP_PACKET);
	ck_assert_str_eq(in.text, "?");
	ck_assert_int_eq(TAKE("+"), RSP_ACK);
	ck_assert_int_eq(TAKE("-"), RSP_NAK);
	ck_assert_int_eq(TAKE("\3"), RSP_INTERRUPT);
	ck_assert_int_eq(TAKE("x"), RSP_NOTHING);
}
END_TEST

START_TEST(what_is_escaped_is_what_it_was)
{
	static const char raw[] = "a#b$c}d*e\0f";
	char frame[RSP_FRAME_MAX];
	size_t length;

	memset(&in, 0, sizeof(in));
	rsp_begin(&out);
	rsp_bytes(&out, raw, sizeof(raw));
	length = rsp_frame(&out, frame);
	for (size_t i = 1; i < length - 3; i++)
		ck_assert(frame[i] != '#' && frame[i] != '$' && frame[i] != '*');
	ck_assert_int_eq(take(frame, length), RSP_PACKET);
	ck_assert_uint_eq(in.length, sizeof(raw));
	ck_assert_mem_eq(in.text, raw, sizeof(raw));
	/* An escape of nothing. */
	ck_assert_int_eq(TAKE("$}#7d"), RSP_DAMAGED);
}
END_TEST

START_TEST(a_packet_that_is_too_long_is_damaged)
{
	memset(&in, 0, sizeof(in));
	for (unsigned more = 0; more < 2; more++) {
		uint8_t sum = 0;
		char end[4];

		rsp_take(&in, '$');
		for (size_t i = 0; i < RSP_PACKET_MAX + more; i++, sum += 'a')
			ck_assert_int_eq(rsp_take(&in, 'a'), RSP_NOTHING);
		snprintf(end, sizeof(end), "#%02x", sum);
		ck_assert_int_eq(take(end, 3), more ? RSP_DAMAGED : RSP_PACKET);
	}
	ck_assert_int_eq(TAKE("$?#3f"), RSP_PACKET);
	/* Nor is one sent. */
	rsp_begin(&out);
	for (size_t i = 0; i <= RSP_PACKET_MAX; i++)
		rsp_bytes(&out, "a", 1);
	ck_assert(out.is_full);
	ck_assert_uint_eq(out.length, RSP_PACKET_MAX);
}
END_TEST

START_TEST(numbers_and_bytes_are_hexadecimal)
{
	static const char text[] = "ffffffffffffffff,12ABcd;1ffffffffffffffff";
	struct rsp_cursor cursor = { text, text + sizeof(text) - 1 };
	uint8_t bytes[4] = { 0 };
	uint64_t number = 5;

	ck_assert(rsp_take_number(&cursor, &number));
	ck_assert_uint_eq(number, UINT64_MAX);
	ck_assert(!rsp_take_number(&cursor, &number));
	ck_assert(!rsp_take_char(&cursor, ';'));
	ck_assert(rsp_take_char(&cursor, ','));
	ck_assert(!rsp_take_hex(&cursor, bytes, 4));
	ck_assert(rsp_take_hex(&cursor, bytes, 3));
	ck_assert_mem_eq(bytes, "\x12\xab\xcd", 3);
	ck_assert(rsp_take_text(&cursor, ";"));
	/* It wraps: refused, and the cursor stays. */
	ck_assert(!rsp_take_number(&cursor, &number));
	ck_assert(!rsp_take_text(&cursor, "1fffffffffffffffffff"));
	ck_assert(rsp_take_text(&cursor, "1fffffffffffffff"));
	rsp_begin(&out);
	rsp_number(&out, 0);
	rsp_number(&out, UINT64_MAX);
	rsp_hex(&out, "\x01\xfe", 2);
	rsp_unknown(&out, 2);
	ck_assert_uint_eq(out.length, 1 + 16 + 4 + 4);
	ck_assert(!memcmp(out.text, "0ffffffffffffffff01fexxxx", out.length));
}
END_TEST

/* A description in pieces of any size is the description. */
START_TEST(a_target_description_comes_in_pieces)
{
	const struct gdb_target *target = targets[_i];
	static char whole[40000], pieces[40000];
	size_t length = 0, total;
	bool more;

	for (total = 0;; total += out.length) {
		rsp_begin(&out);
		target_xml(target, total, 4000, &out, &more);
		memcpy(whole + total, out.text, out.length);
		if (!more)
			break;
	}
	total += out.length;
	whole[total] = 0;
	for (unsigned size = 1; length < total; size = size % 97 + 1) {
		rsp_begin(&out);
		target_xml(target, length, size, &out, &more);
		memcpy(pieces + length, out.text, out.length);
		length += out.length;
		ck_assert(more == (length < total));
	}
	ck_assert_mem_eq(whole, pieces, total);
	rsp_begin(&out);
	target_xml(target, total + 5, 100, &out, &more);
	ck_assert_uint_eq(out.length, 0);
	ck_assert(!more);
	ck_assert(strstr(whole, target->gdb_name) != NULL);
	ck_assert(!strcmp(whole + total - 10, "</target>\n"));
}
END_TEST

START_TEST(registers_have_names_and_sizes)
{
	const struct gdb_target *target = targets[_i];

	ck_assert_ptr_eq(gdb_target_find(target->name), target);
	ck_assert_uint_le(target->count, TARGET_REGS_MAX);
	ck_assert_uint_lt(target->pc, target->count);
	ck_assert(target->regs[0].feature != NULL);
	for (unsigned i = 0; i < target->count; i++) {
		ck_assert_uint_ge(target->regs[i].bits, 8);
		ck_assert_uint_le(target->regs[i].bits, 128);
		for (unsigned k = 0; k < i; k++)
			ck_assert_str_ne(target->regs[i].name, target->regs[k].name);
	}
	ck_assert_ptr_eq(gdb_target_find("m68k"), NULL);
}
END_TEST

/* What is unpacked and packed again is the same; other registers are not touched. */
START_TEST(registers_survive_the_way_to_gdb_and_back)
{
	const struct gdb_target *target = targets[_i];

	for (unsigned i = 0; i < target->count; i++) {
		const struct gdb_reg *reg = &target->regs[i];
		uint8_t bytes[16] = { 0 }, back[16];
		struct reg_file file;

		memset(&file, 0, sizeof(file));
		for (size_t k = 0; k < reg_bytes(reg); k++)
			bytes[k] = (uint8_t)(0x11 * (k + 1));
		if (reg->source == REG_FCSR_FIELD) {
			memset(bytes, 0, sizeof(bytes));
			bytes[0] = 5;
		}
		/* Control words have 16 bits, the opcode 11; a tag says in use or empty. */
		if (reg->source == REG_X87_CONTROL && (reg->index < 3 || reg->index == 7))
			memset(bytes + 2, 0, 14);
		if (reg->source == REG_X87_CONTROL && reg->index == 2)
			memcpy(bytes, (const uint8_t[]){ 0xf0, 0x3c }, 2);
		if (reg->source == REG_X87_CONTROL && reg->index == 7)
			bytes[1] &= 7;
		reg_unpack(reg, i, bytes, &file);
		reg_pack(reg, i, &file, back);
		ck_assert_msg(!memcmp(bytes, back, reg_bytes(reg)), "%s of %s", reg->name,
			      target->name);
	}
}
END_TEST

/* The stub asks for registers by name: each is one of this build's. */
START_TEST(named_registers_are_there)
{
	const struct gdb_target *target = gdb_target_find(ax_arch_name());
	AxRegInfo info;

	ck_assert_ptr_ne(target, NULL);
	for (unsigned i = 0; i < target->count; i++) {
		bool found = target->regs[i].source != REG_NAMED;

		for (unsigned k = 0; !found && ax_reg_info(k, &info); k++)
			found = !strcmp(info.name, reg_name(&target->regs[i]));
		ck_assert_msg(found, "there is no register %s", reg_name(&target->regs[i]));
	}
}
END_TEST

START_TEST(debug_exits_have_a_cause)
{
	static const struct {
		const struct gdb_target *target;
		AxExitDebug debug;
		enum stop_cause cause;
		int index;
	} cases[] = {
		{ &gdb_target_x86_64, { .exception = 3 }, CAUSE_INSTRUCTION, -1 },
		{ &gdb_target_x86_64, { .exception = 1, .address = 0xffff4ff0 }, CAUSE_STEP, -1 },
		{ &gdb_target_x86_64,
		  { .exception = 1, .address = 0xffff0ff4, .detail = 0x420 },
		  CAUSE_EXECUTE,
		  2 },
		{ &gdb_target_x86_64,
		  { .exception = 1, .address = 0xffff0ff2, .detail = 0x00d00408 },
		  CAUSE_WATCH,
		  1 },
		/* The point is not on: it is something else's. */
		{ &gdb_target_x86_64,
		  { .exception = 1, .address = 0xffff0ff1, .detail = 0x400 },
		  CAUSE_OTHER,
		  -1 },
		{ &gdb_target_arm64, { .detail = 0xc2000000 }, CAUSE_EXECUTE, -1 },
		{ &gdb_target_arm64, { .detail = 0xca000022 }, CAUSE_STEP, -1 },
		{ &gdb_target_arm64, { .detail = 0xd2000022, .address = 64 }, CAUSE_WATCH, -1 },
		{ &gdb_target_arm64, { .detail = 0xf2000000 }, CAUSE_INSTRUCTION, -1 },
		{ &gdb_target_arm64, { .detail = 0 }, CAUSE_OTHER, -1 },
		{ &gdb_target_riscv64, { .pc = 4 }, CAUSE_INSTRUCTION, -1 },
	};

	for (unsigned i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct stop_reason reason;

		cases[i].target->reason(&cases[i].debug, &reason);
		ck_assert_msg(reason.cause == cases[i].cause, "case %u: %d", i, reason.cause);
		ck_assert_int_eq(reason.index, cases[i].index);
	}
}
END_TEST

START_TEST(breakpoints_are_instructions)
{
	uint8_t bytes[4];

	ck_assert_uint_eq(gdb_target_x86_64.breakpoint(1, bytes), 1);
	ck_assert_uint_eq(bytes[0], 0xcc);
	ck_assert_uint_eq(gdb_target_x86_64.breakpoint(2, bytes), 0);
	ck_assert_uint_eq(gdb_target_arm64.breakpoint(4, bytes), 4);
	ck_assert_mem_eq(bytes, "\x00\x00\x20\xd4", 4);
	ck_assert_uint_eq(gdb_target_arm64.breakpoint(2, bytes), 0);
	ck_assert_uint_eq(gdb_target_riscv64.breakpoint(2, bytes), 2);
	ck_assert_mem_eq(bytes, "\x02\x90", 2);
	ck_assert_uint_eq(gdb_target_riscv64.breakpoint(4, bytes), 4);
	ck_assert_mem_eq(bytes, "\x73\x00\x10\x00", 4);
	ck_assert_uint_eq(gdb_target_riscv64.breakpoint(8, bytes), 0);
}
END_TEST

static void add_tests(TCase *cases)
{
	tcase_add_test(cases, a_packet_is_text_between_dollar_and_sum);
	tcase_add_test(cases, what_is_escaped_is_what_it_was);
	tcase_add_test(cases, a_packet_that_is_too_long_is_damaged);
	tcase_add_test(cases, numbers_and_bytes_are_hexadecimal);
	tcase_add_loop_test(cases, a_target_description_comes_in_pieces, 0, TARGETS);
	tcase_add_loop_test(cases, registers_have_names_and_sizes, 0, TARGETS);
	tcase_add_loop_test(cases, registers_survive_the_way_to_gdb_and_back, 0, TARGETS);
	tcase_add_test(cases, named_registers_are_there);
	tcase_add_test(cases, debug_exits_have_a_cause);
	tcase_add_test(cases, breakpoints_are_instructions);
}

RUN_SUITE("gdb's protocol", add_tests)
