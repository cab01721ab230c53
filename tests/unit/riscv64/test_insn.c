/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Which instructions access memory, and how: every load and store that compilers emit for RV64GC,
 * encoded by GNU as 2.40.
 */
#include "arch/riscv64/insn.h"
#include "tests/unit/run_fixture.h"

#define B	  AX_WIDTH_BYTE
#define W	  AX_WIDTH_WORD
#define D	  AX_WIDTH_DWORD
#define Q	  AX_WIDTH_QWORD
#define NO_ACCESS RISCV_NO_ACCESS
#define LOAD	  RISCV_LOAD
#define STORE	  RISCV_STORE
#define FP_LOAD	  RISCV_FP_LOAD
#define FP_STORE  RISCV_FP_STORE
#define ATOMIC	  RISCV_ATOMIC
#define VECTOR	  RISCV_VECTOR

struct insn_case {
	const char *text;
	uint32_t bits;
	unsigned length;
	enum riscv_access access;
	unsigned reg;
	AxAccessWidth width;
	bool signed_ext;
};

/* clang-format off */
static const struct insn_case insns[] = {
	{ "lb x5, 0(x10)", 0x00050283, 4, LOAD, 5, B, true },
	{ "lb x0, 2047(x2)", 0x7ff10003, 4, LOAD, 0, B, true },
	{ "lb x31, -2048(x31)", 0x800f8f83, 4, LOAD, 31, B, true },
	{ "lb x10, -1(x10)", 0xfff50503, 4, LOAD, 10, B, true },
	{ "lb x1, 1(x0)", 0x00100083, 4, LOAD, 1, B, true },
	{ "lh x5, 0(x10)", 0x00051283, 4, LOAD, 5, W, true },
	{ "lh x0, 2047(x2)", 0x7ff11003, 4, LOAD, 0, W, true },
	{ "lh x31, -2048(x31)", 0x800f9f83, 4, LOAD, 31, W, true },
	{ "lh x10, -1(x10)", 0xfff51503, 4, LOAD, 10, W, true },
	{ "lh x1, 1(x0)", 0x00101083, 4, LOAD, 1, W, true },
	{ "lw x5, 0(x10)", 0x00052283, 4, LOAD, 5, D, true },
	{ "lw x0, 2047(x2)", 0x7ff12003, 4, LOAD, 0, D, true },
	{ "lw x31, -2048(x31)", 0x800faf83, 4, LOAD, 31, D, true },
	{ "lw x10, -1(x10)", 0xfff52503, 4, LOAD, 10, D, true },
	{ "lw x1, 1(x0)", 0x00102083, 4, LOAD, 1, D, true },
	{ "ld x5, 0(x10)", 0x00053283, 4, LOAD, 5, Q, false },
	{ "ld x0, 2047(x2)", 0x7ff13003, 4, LOAD, 0, Q, false },
	{ "ld x31, -2048(x31)", 0x800fbf83, 4, LOAD, 31, Q, false },
	{ "ld x10, -1(x10)", 0xfff53503, 4, LOAD, 10, Q, false },
	{ "ld x1, 1(x0)", 0x00103083, 4, LOAD, 1, Q, false },
	{ "lbu x5, 0(x10)", 0x00054283, 4, LOAD, 5, B, false },
	{ "lbu x0, 2047(x2)", 0x7ff14003, 4, LOAD, 0, B, false },
	{ "lbu x31, -2048(x31)", 0x800fcf83, 4, LOAD, 31, B, false },
	{ "lbu x10, -1(x10)", 0xfff54503, 4, LOAD, 10, B, false },
	{ "lbu x1, 1(x0)", 0x00104083, 4, LOAD, 1, B, false },
	{ "lhu x5, 0(x10)", 0x00055283, 4, LOAD, 5, W, false },
	{ "lhu x0, 2047(x2)", 0x7ff15003, 4, LOAD, 0, W, false },
	{ "lhu x31, -2048(x31)", 0x800fdf83, 4, LOAD, 31, W, false },
	{ "lhu x10, -1(x10)", 0xfff55503, 4, LOAD, 10, W, false },
	{ "lhu x1, 1(x0)", 0x00105083, 4, LOAD, 1, W, false },
	{ "lwu x5, 0(x10)", 0x00056283, 4, LOAD, 5, D, false },
	{ "lwu x0, 2047(x2)", 0x7ff16003, 4, LOAD, 0, D, false },
	{ "lwu x31, -2048(x31)", 0x800fef83, 4, LOAD, 31, D, false },
	{ "lwu x10, -1(x10)", 0xfff56503, 4, LOAD, 10, D, false },
	{ "lwu x1, 1(x0)", 0x00106083, 4, LOAD, 1, D, false },
	{ "sb x5, 0(x10)", 0x00550023, 4, STORE, 5, B, false },
	{ "sb x0, 2047(x2)", 0x7e010fa3, 4, STORE, 0, B, false },
	{ "sb x31, -2048(x31)", 0x81ff8023, 4, STORE, 31, B, false },
	{ "sb x17, -1(x8)", 0xff140fa3, 4, STORE, 17, B, false },
	{ "sh x5, 0(x10)", 0x00551023, 4, STORE, 5, W, false },
	{ "sh x0, 2047(x2)", 0x7e011fa3, 4, STORE, 0, W, false },
	{ "sh x31, -2048(x31)", 0x81ff9023, 4, STORE, 31, W, false },
	{ "sh x17, -1(x8)", 0xff141fa3, 4, STORE, 17, W, false },
	{ "sw x5, 0(x10)", 0x00552023, 4, STORE, 5, D, false },
	{ "sw x0, 2047(x2)", 0x7e012fa3, 4, STORE, 0, D, false },
	{ "sw x31, -2048(x31)", 0x81ffa023, 4, STORE, 31, D, false },
	{ "sw x17, -1(x8)", 0xff142fa3, 4, STORE, 17, D, false },
	{ "sd x5, 0(x10)", 0x00553023, 4, STORE, 5, Q, false },
	{ "sd x0, 2047(x2)", 0x7e013fa3, 4, STORE, 0, Q, false },
	{ "sd x31, -2048(x31)", 0x81ffb023, 4, STORE, 31, Q, false },
	{ "sd x17, -1(x8)", 0xff143fa3, 4, STORE, 17, Q, false },
	{ "flh f9, -4(x12)", 0xffc61487, 4, FP_LOAD, 9, W, false },
	{ "flh f31, 4(x12)", 0x00461f87, 4, FP_LOAD, 31, W, false },
	{ "flw f9, -4(x12)", 0xffc62487, 4, FP_LOAD, 9, D, false },
	{ "flw f31, 4(x12)", 0x00462f87, 4, FP_LOAD, 31, D, false },
	{ "fld f9, -4(x12)", 0xffc63487, 4, FP_LOAD, 9, Q, false },
	{ "fld f31, 4(x12)", 0x00463f87, 4, FP_LOAD, 31, Q, false },
	{ "fsh f9, -4(x12)", 0xfe961e27, 4, FP_STORE, 9, W, false },
	{ "fsh f30, 4(x12)", 0x01e61227, 4, FP_STORE, 30, W, false },
	{ "fsw f9, -4(x12)", 0xfe962e27, 4, FP_STORE, 9, D, false },
	{ "fsw f30, 4(x12)", 0x01e62227, 4, FP_STORE, 30, D, false },
	{ "fsd f9, -4(x12)", 0xfe963e27, 4, FP_STORE, 9, Q, false },
	{ "fsd f30, 4(x12)", 0x01e63227, 4, FP_STORE, 30, Q, false },
	{ "lr.w x7, (x10)", 0x100523af, 4, ATOMIC, 7, D, false },
	{ "lr.w.aqrl x7, (x10)", 0x160523af, 4, ATOMIC, 7, D, false },
	{ "sc.w x7, x8, (x10)", 0x188523af, 4, ATOMIC, 7, D, false },
	{ "amoswap.w x6, x9, (x10)", 0x0895232f, 4, ATOMIC, 6, D, false },
	{ "amoadd.w x6, x9, (x10)", 0x0095232f, 4, ATOMIC, 6, D, false },
	{ "amoxor.w x6, x9, (x10)", 0x2095232f, 4, ATOMIC, 6, D, false },
	{ "amoand.w x6, x9, (x10)", 0x6095232f, 4, ATOMIC, 6, D, false },
	{ "amoor.w x6, x9, (x10)", 0x4095232f, 4, ATOMIC, 6, D, false },
	{ "amomin.w x6, x9, (x10)", 0x8095232f, 4, ATOMIC, 6, D, false },
	{ "amomax.w x6, x9, (x10)", 0xa095232f, 4, ATOMIC, 6, D, false },
	{ "amominu.w x6, x9, (x10)", 0xc095232f, 4, ATOMIC, 6, D, false },
	{ "amomaxu.w x6, x9, (x10)", 0xe095232f, 4, ATOMIC, 6, D, false },
	{ "lr.d x7, (x10)", 0x100533af, 4, ATOMIC, 7, Q, false },
	{ "lr.d.aqrl x7, (x10)", 0x160533af, 4, ATOMIC, 7, Q, false },
	{ "sc.d x7, x8, (x10)", 0x188533af, 4, ATOMIC, 7, Q, false },
	{ "amoswap.d x6, x9, (x10)", 0x0895332f, 4, ATOMIC, 6, Q, false },
	{ "amoadd.d x6, x9, (x10)", 0x0095332f, 4, ATOMIC, 6, Q, false },
	{ "amoxor.d x6, x9, (x10)", 0x2095332f, 4, ATOMIC, 6, Q, false },
	{ "amoand.d x6, x9, (x10)", 0x6095332f, 4, ATOMIC, 6, Q, false },
	{ "amoor.d x6, x9, (x10)", 0x4095332f, 4, ATOMIC, 6, Q, false },
	{ "amomin.d x6, x9, (x10)", 0x8095332f, 4, ATOMIC, 6, Q, false },
	{ "amomax.d x6, x9, (x10)", 0xa095332f, 4, ATOMIC, 6, Q, false },
	{ "amominu.d x6, x9, (x10)", 0xc095332f, 4, ATOMIC, 6, Q, false },
	{ "amomaxu.d x6, x9, (x10)", 0xe095332f, 4, ATOMIC, 6, Q, false },
	{ "vle8.v v1, (x10)", 0x02050087, 4, VECTOR, 0, B, false },
	{ "vse64.v v1, (x10)", 0x020570a7, 4, VECTOR, 0, B, false },
	{ "vlse16.v v2, (x10), x11", 0x0ab55107, 4, VECTOR, 0, B, false },
	{ "vle32.v v3, (x10), v0.t", 0x00056187, 4, VECTOR, 0, B, false },
	{ "vsuxei8.v v1, (x10), v2", 0x062500a7, 4, VECTOR, 0, B, false },
	{ "c.lw x8, 8(x15)", 0x4780, 2, LOAD, 8, D, true },
	{ "c.ld x8, 8(x15)", 0x6780, 2, LOAD, 8, Q, false },
	{ "c.sw x8, 8(x15)", 0xc780, 2, STORE, 8, D, false },
	{ "c.sd x8, 8(x15)", 0xe780, 2, STORE, 8, Q, false },
	{ "c.lw x9, 8(x14)", 0x4704, 2, LOAD, 9, D, true },
	{ "c.ld x9, 8(x14)", 0x6704, 2, LOAD, 9, Q, false },
	{ "c.sw x9, 8(x14)", 0xc704, 2, STORE, 9, D, false },
	{ "c.sd x9, 8(x14)", 0xe704, 2, STORE, 9, Q, false },
	{ "c.lw x10, 8(x13)", 0x4688, 2, LOAD, 10, D, true },
	{ "c.ld x10, 8(x13)", 0x6688, 2, LOAD, 10, Q, false },
	{ "c.sw x10, 8(x13)", 0xc688, 2, STORE, 10, D, false },
	{ "c.sd x10, 8(x13)", 0xe688, 2, STORE, 10, Q, false },
	{ "c.lw x11, 8(x12)", 0x460c, 2, LOAD, 11, D, true },
	{ "c.ld x11, 8(x12)", 0x660c, 2, LOAD, 11, Q, false },
	{ "c.sw x11, 8(x12)", 0xc60c, 2, STORE, 11, D, false },
	{ "c.sd x11, 8(x12)", 0xe60c, 2, STORE, 11, Q, false },
	{ "c.lw x12, 8(x11)", 0x4590, 2, LOAD, 12, D, true },
	{ "c.ld x12, 8(x11)", 0x6590, 2, LOAD, 12, Q, false },
	{ "c.sw x12, 8(x11)", 0xc590, 2, STORE, 12, D, false },
	{ "c.sd x12, 8(x11)", 0xe590, 2, STORE, 12, Q, false },
	{ "c.lw x13, 8(x10)", 0x4514, 2, LOAD, 13, D, true },
	{ "c.ld x13, 8(x10)", 0x6514, 2, LOAD, 13, Q, false },
	{ "c.sw x13, 8(x10)", 0xc514, 2, STORE, 13, D, false },
	{ "c.sd x13, 8(x10)", 0xe514, 2, STORE, 13, Q, false },
	{ "c.lw x14, 8(x9)", 0x4498, 2, LOAD, 14, D, true },
	{ "c.ld x14, 8(x9)", 0x6498, 2, LOAD, 14, Q, false },
	{ "c.sw x14, 8(x9)", 0xc498, 2, STORE, 14, D, false },
	{ "c.sd x14, 8(x9)", 0xe498, 2, STORE, 14, Q, false },
	{ "c.lw x15, 8(x8)", 0x441c, 2, LOAD, 15, D, true },
	{ "c.ld x15, 8(x8)", 0x641c, 2, LOAD, 15, Q, false },
	{ "c.sw x15, 8(x8)", 0xc41c, 2, STORE, 15, D, false },
	{ "c.sd x15, 8(x8)", 0xe41c, 2, STORE, 15, Q, false },
	{ "c.lw x9, 124(x15)", 0x5fe4, 2, LOAD, 9, D, true },
	{ "c.ld x9, 248(x15)", 0x7fe4, 2, LOAD, 9, Q, false },
	{ "c.sw x9, 124(x15)", 0xdfe4, 2, STORE, 9, D, false },
	{ "c.sd x9, 248(x15)", 0xffe4, 2, STORE, 9, Q, false },
	{ "c.lwsp x1, 252(sp)", 0x50fe, 2, LOAD, 1, D, true },
	{ "c.ldsp x1, 504(sp)", 0x70fe, 2, LOAD, 1, Q, false },
	{ "c.lwsp x2, 252(sp)", 0x517e, 2, LOAD, 2, D, true },
	{ "c.ldsp x2, 504(sp)", 0x717e, 2, LOAD, 2, Q, false },
	{ "c.lwsp x5, 252(sp)", 0x52fe, 2, LOAD, 5, D, true },
	{ "c.ldsp x5, 504(sp)", 0x72fe, 2, LOAD, 5, Q, false },
	{ "c.lwsp x31, 252(sp)", 0x5ffe, 2, LOAD, 31, D, true },
	{ "c.ldsp x31, 504(sp)", 0x7ffe, 2, LOAD, 31, Q, false },
	{ "c.swsp x0, 252(sp)", 0xdf82, 2, STORE, 0, D, false },
	{ "c.sdsp x0, 504(sp)", 0xff82, 2, STORE, 0, Q, false },
	{ "c.swsp x2, 252(sp)", 0xdf8a, 2, STORE, 2, D, false },
	{ "c.sdsp x2, 504(sp)", 0xff8a, 2, STORE, 2, Q, false },
	{ "c.swsp x31, 252(sp)", 0xdffe, 2, STORE, 31, D, false },
	{ "c.sdsp x31, 504(sp)", 0xfffe, 2, STORE, 31, Q, false },
	{ "c.fld f12, 248(x8)", 0x3c70, 2, FP_LOAD, 12, Q, false },
	{ "c.fsd f15, 8(x9)", 0xa49c, 2, FP_STORE, 15, Q, false },
	{ "c.fldsp f31, 504(sp)", 0x3ffe, 2, FP_LOAD, 31, Q, false },
	{ "c.fsdsp f0, 0(sp)", 0xa002, 2, FP_STORE, 0, Q, false },
	{ "addi x5, x10, 4", 0x00450293, 4, NO_ACCESS, 0, B, false },
	{ "lui x5, 1", 0x000012b7, 4, NO_ACCESS, 0, B, false },
	{ "auipc x5, 1", 0x00001297, 4, NO_ACCESS, 0, B, false },
	{ "jal x1, .", 0x000000ef, 4, NO_ACCESS, 0, B, false },
	{ "jalr x1, 0(x5)", 0x000280e7, 4, NO_ACCESS, 0, B, false },
	{ "beq x1, x2, .", 0x00208063, 4, NO_ACCESS, 0, B, false },
	{ "add x5, x6, x7", 0x007302b3, 4, NO_ACCESS, 0, B, false },
	{ "addiw x5, x6, 1", 0x0013029b, 4, NO_ACCESS, 0, B, false },
	{ "ecall", 0x00000073, 4, NO_ACCESS, 0, B, false },
	{ "ebreak", 0x00100073, 4, NO_ACCESS, 0, B, false },
	{ "fence", 0x0ff0000f, 4, NO_ACCESS, 0, B, false },
	{ "fence.i", 0x0000100f, 4, NO_ACCESS, 0, B, false },
	{ "csrrw x5, 0x15, x0", 0x015012f3, 4, NO_ACCESS, 0, B, false },
	{ "sfence.vma", 0x12000073, 4, NO_ACCESS, 0, B, false },
	{ "wfi", 0x10500073, 4, NO_ACCESS, 0, B, false },
	{ "sret", 0x10200073, 4, NO_ACCESS, 0, B, false },
	{ "mul x1, x2, x3", 0x023100b3, 4, NO_ACCESS, 0, B, false },
	{ "fadd.d f1, f2, f3", 0x023170d3, 4, NO_ACCESS, 0, B, false },
	{ "fmadd.s f1, f2, f3, f4", 0x203170c3, 4, NO_ACCESS, 0, B, false },
	{ "vadd.vv v1, v2, v3", 0x022180d7, 4, NO_ACCESS, 0, B, false },
	{ "c.addi x5, 1", 0x0285, 2, NO_ACCESS, 0, B, false },
	{ "c.li x5, 1", 0x4285, 2, NO_ACCESS, 0, B, false },
	{ "c.lui x5, 1", 0x6285, 2, NO_ACCESS, 0, B, false },
	{ "c.j .", 0xa001, 2, NO_ACCESS, 0, B, false },
	{ "c.jr x1", 0x8082, 2, NO_ACCESS, 0, B, false },
	{ "c.jalr x1", 0x9082, 2, NO_ACCESS, 0, B, false },
	{ "c.mv x5, x6", 0x829a, 2, NO_ACCESS, 0, B, false },
	{ "c.add x5, x6", 0x929a, 2, NO_ACCESS, 0, B, false },
	{ "c.nop", 0x0001, 2, NO_ACCESS, 0, B, false },
	{ "c.ebreak", 0x9002, 2, NO_ACCESS, 0, B, false },
	{ "c.addi4spn x9, sp, 8", 0x0024, 2, NO_ACCESS, 0, B, false },
	{ "c.addi16sp sp, 16", 0x6141, 2, NO_ACCESS, 0, B, false },
	{ "c.beqz x8, .", 0xc001, 2, NO_ACCESS, 0, B, false },
	{ "c.slli x5, 3", 0x028e, 2, NO_ACCESS, 0, B, false },
	{ "c.and x8, x9", 0x8c65, 2, NO_ACCESS, 0, B, false },
	/* Zcb, which that assembler does not know: "Code Size Reduction" 1.0.4, 3.6 on. */
	{ "c.lbu x9, 0(x10)", 0x8104, 2, LOAD, 9, B, false },
	{ "c.lbu x15, 3(x8)", 0x807c, 2, LOAD, 15, B, false },
	{ "c.lhu x9, 0(x10)", 0x8504, 2, LOAD, 9, W, false },
	{ "c.lh x9, 0(x10)", 0x8544, 2, LOAD, 9, W, true },
	{ "c.lh x9, 2(x10)", 0x8564, 2, LOAD, 9, W, true },
	{ "c.sb x9, 0(x10)", 0x8904, 2, STORE, 9, B, false },
	{ "c.sh x9, 0(x10)", 0x8d04, 2, STORE, 9, W, false },
	/* Reserved: in Zcb's space, loads of x0 by the stack pointer, RV128's and other widths. */
	{ "reserved beside c.sh", 0x8d44, 2, NO_ACCESS, 0, B, false },
	{ "reserved behind c.sh", 0x9004, 2, NO_ACCESS, 0, B, false },
	{ "c.lwsp x0", 0x4002, 2, NO_ACCESS, 0, B, false },
	{ "c.ldsp x0", 0x6002, 2, NO_ACCESS, 0, B, false },
	{ "all zero", 0x0000, 2, NO_ACCESS, 0, B, false },
	{ "load of width 7", 0x00057283, 4, NO_ACCESS, 0, B, false },
	{ "store of width 4", 0x00554023, 4, NO_ACCESS, 0, B, false },
	{ "flq f9, 0(x10)", 0x00054487, 4, NO_ACCESS, 0, B, false },
	{ "amo of width 4", 0x0055432f, 4, NO_ACCESS, 0, B, false },
};
/* clang-format on */

START_TEST(access_is_what_the_assembler_wrote)
{
	const struct insn_case *which = &insns[_i];
	uint8_t bytes[4];
	struct riscv_insn insn;

	memcpy(bytes, &which->bits, sizeof(bytes));
	/* As many bytes as it has, and with others behind it. */
	for (size_t count = which->length; count <= sizeof(bytes); count += 2) {
		riscv_decode(bytes, count, &insn);
		ck_assert_msg(insn.access == which->access && insn.length == which->length &&
				      insn.reg == which->reg && insn.width == which->width &&
				      insn.signed_ext == which->signed_ext,
			      "%s: access %d, length %u, register %u, width %u, signed %d",
			      which->text, insn.access, insn.length, insn.reg, insn.width,
			      insn.signed_ext);
	}
}
END_TEST

START_TEST(cut_off_instruction_is_none)
{
	const uint32_t bits = 0x00050283; /* lb x5, 0(x10) */
	uint8_t bytes[4];
	struct riscv_insn insn;

	memcpy(bytes, &bits, sizeof(bytes));
	for (size_t count = 0; count < sizeof(bytes); count++) {
		riscv_decode(bytes, count, &insn);
		ck_assert_int_eq(insn.access, RISCV_NO_ACCESS);
		ck_assert_uint_eq(insn.length, 0);
	}
}
END_TEST

/* Instructions of 48 bits and more. */
START_TEST(longer_instructions_are_none)
{
	static const uint8_t first[] = { 0x1f, 0x3f, 0x5f, 0x7f, 0xff };
	struct riscv_insn insn;

	for (unsigned i = 0; i < sizeof(first); i++) {
		const uint8_t bytes[] = { first[i], 0, 0, 0, 0, 0, 0, 0 };

		riscv_decode(bytes, sizeof(bytes), &insn);
		ck_assert_int_eq(insn.access, RISCV_NO_ACCESS);
		ck_assert_uint_eq(insn.length, 0);
	}
}
END_TEST

/* Whatever the bits are, what is said of them makes sense. */
START_TEST(every_halfword_is_decoded_to_something_sane)
{
	for (uint32_t half = 0; half <= UINT16_MAX; half++) {
		uint8_t bytes[4] = { (uint8_t)half, (uint8_t)(half >> 8), 0xa5, 0x5a };
		struct riscv_insn insn;

		riscv_decode(bytes, sizeof(bytes), &insn);
		ck_assert_uint_lt(insn.reg, 32);
		ck_assert_uint_le(insn.width, AX_WIDTH_QWORD);
		ck_assert(insn.length == 0 || insn.length == 2 || insn.length == 4);
		ck_assert(!insn.signed_ext || insn.access == RISCV_LOAD);
		ck_assert(insn.access == RISCV_NO_ACCESS || insn.length);
	}
}
END_TEST

static void add_tests(TCase *tcase)
{
	tcase_add_loop_test(tcase, access_is_what_the_assembler_wrote, 0, COUNT(insns));
	tcase_add_test(tcase, cut_off_instruction_is_none);
	tcase_add_test(tcase, longer_instructions_are_none);
	tcase_add_test(tcase, every_halfword_is_decoded_to_something_sane);
}

RUN_SUITE("riscv64 instructions", add_tests)
