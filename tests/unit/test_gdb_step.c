/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Where a riscv64 hart goes next, and how x86-64 translates addresses: pure code, on every host.
 * Encodings by GNU as 2.40.
 */
#include "arch/x86_64/walk.h"
#include "debug/step_riscv64.h"
#include "tests/unit/run_fixture.h"

#define BASE 0x80200000u

static uint8_t code[128];
static size_t code_size;
static struct riscv_hart hart;
static uint64_t places[STEP_PLACES_MAX];

static unsigned fetch(void *opaque, uint64_t address, uint8_t bytes[4])
{
	unsigned count = 0;

	(void)opaque;
	for (; count < 4 && address + count - BASE < code_size; count++)
		bytes[count] = code[address + count - BASE];
	return count;
}

static void begin(uint32_t insn, unsigned length)
{
	memset(&hart, 0, sizeof(hart));
	hart.fetch = fetch;
	hart.pc = BASE;
	hart.stvec = 0x80300001;
	hart.sepc = 0x1234;
	memcpy(code, &insn, length);
	code_size = length;
}

START_TEST(the_next_instruction_is_found)
{
	static const struct {
		uint32_t insn;
		unsigned length;
		unsigned reg; /* holds value */
		uint64_t value;
		uint64_t next;
	} cases[] = {
		{ 0x00150513, 4, 0, 0, BASE + 4 },	      /* addi a0, a0, 1 */
		{ 0x0505, 2, 0, 0, BASE + 2 },		      /* c.addi a0, 1 */
		{ 0x0100006f, 4, 0, 0, BASE + 16 },	      /* j .+16 */
		{ 0xff1ff0ef, 4, 0, 0, BASE - 16 },	      /* jal ra, .-16 */
		{ 0x00008067, 4, 1, 0x80300101, 0x80300100 }, /* ret: bit 0 falls */
		{ 0xffc50067, 4, 10, 0x1000, 0xffc },	      /* jr -4(a0) */
		{ 0x00b50863, 4, 10, 1, BASE + 4 },	      /* beq a0, a1, .+16 */
		{ 0x00b51863, 4, 10, 1, BASE + 16 },	      /* bne */
		{ 0x00b54863, 4, 10, -1ull, BASE + 16 },      /* blt */
		{ 0x00b55863, 4, 10, -1ull, BASE + 4 },	      /* bge */
		{ 0x00b56863, 4, 10, -1ull, BASE + 4 },	      /* bltu */
		{ 0x00b57863, 4, 10, -1ull, BASE + 16 },      /* bgeu */
		{ 0xa801, 2, 0, 0, BASE + 16 },		      /* c.j .+16 */
		{ 0xc901, 2, 10, 0, BASE + 16 },	      /* c.beqz a0, .+16 */
		{ 0xc901, 2, 10, 5, BASE + 2 },
		{ 0xe901, 2, 10, 5, BASE + 16 }, /* c.bnez a0, .+16 */
		{ 0xe901, 2, 10, 0, BASE + 2 },
		{ 0x8082, 2, 1, 0x90000000, 0x90000000 },  /* c.jr ra */
		{ 0x9502, 2, 10, 0x90000000, 0x90000000 }, /* c.jalr a0 */
		{ 0x852e, 2, 10, 7, BASE + 2 },		   /* c.mv a0, a1 */
		{ 0x9002, 2, 0, 0, 0x80300000 },	   /* c.ebreak: the guest's own */
		{ 0x00100073, 4, 0, 0, 0x80300000 },	   /* ebreak */
		{ 0x00000073, 4, 0, 0, BASE + 4 },	   /* ecall, of a kernel */
		{ 0x10200073, 4, 0, 0, 0x1234 },	   /* sret */
		{ 0x10500073, 4, 0, 0, BASE + 4 },	   /* wfi */
	};

	for (unsigned i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		begin(cases[i].insn, cases[i].length);
		if (cases[i].reg)
			hart.x[cases[i].reg] = cases[i].value;
		ck_assert_uint_eq(riscv_next(&hart, places), 1);
		ck_assert_msg(places[0] == cases[i].next, "0x%x: 0x%llx", cases[i].insn,
			      (unsigned long long)places[0]);
	}
}
END_TEST

START_TEST(a_users_call_goes_to_its_kernel)
{
	begin(0x00000073, 4);
	hart.is_user = true;
	ck_assert_uint_eq(riscv_next(&hart, places), 1);
	ck_assert_uint_eq(places[0], 0x80300000);
}
END_TEST

START_TEST(what_cannot_be_read_has_no_next)
{
	begin(0x00150513, 4);
	code_size = 2;
	ck_assert_uint_eq(riscv_next(&hart, places), 0);
	code_size = 0;
	ck_assert_uint_eq(riscv_next(&hart, places), 0);
}
END_TEST

/* lr.w a0, (a1); bne a0, a2, out; sc.w a3, a4, (a1); bnez a3, ...; out: */
START_TEST(a_reservation_is_stepped_over)
{
	static const uint32_t loop[] = { 0x1005a52f, 0x00c51863, 0x18e5a6af, 0xfe069ae3 };

	begin(loop[0], 4);
	memcpy(code, loop, sizeof(loop));
	code_size = sizeof(loop);
	ck_assert_uint_eq(riscv_next(&hart, places), 2);
	ck_assert_uint_eq(places[0], BASE + 12);
	ck_assert_uint_eq(places[1], BASE + 4 + 16);
	/* Without an SC it is a load. */
	code_size = 8;
	ck_assert_uint_eq(riscv_next(&hart, places), 1);
	ck_assert_uint_eq(places[0], BASE + 4);
}
END_TEST

/* Guest memory of tables: 16 pages. */
static uint8_t memory[16 * 4096];
static unsigned reads;

static bool read_entry(void *opaque, uint64_t gpa, uint64_t *entry, unsigned size)
{
	(void)opaque;
	reads++;
	*entry = 0;
	if (gpa > sizeof(memory) - size)
		return false;
	memcpy(entry, memory + gpa, size);
	return true;
}

static void put(uint64_t gpa, uint64_t entry, unsigned size)
{
	memcpy(memory + gpa, &entry, size);
}

static bool walk(uint64_t cr0, uint64_t cr4, uint64_t efer, uint64_t addr, uint64_t *gpa)
{
	struct x86_paging paging = { .cr0 = cr0, .cr3 = 0x1000, .cr4 = cr4, .efer = efer };

	reads = 0;
	*gpa = 0;
	return x86_walk(&paging, addr, read_entry, NULL, gpa);
}

#define PG   X86_WALK_CR0_PG
#define PAE  X86_WALK_CR4_PAE
#define PSE  X86_WALK_CR4_PSE
#define LA57 X86_WALK_CR4_LA57
#define LMA  X86_WALK_EFER_LMA

START_TEST(without_paging_addresses_are_physical)
{
	uint64_t gpa;

	ck_assert(walk(0, 0, 0, 0x12345678, &gpa));
	ck_assert_uint_eq(gpa, 0x12345678);
	ck_assert_uint_eq(reads, 0);
}
END_TEST

START_TEST(long_mode_has_four_or_five_levels)
{
	uint64_t gpa, high = UINT64_C(0xffff800000000000);

	memset(memory, 0, sizeof(memory));
	put(0x1000 + 256 * 8, 0x2003, 8); /* the upper half begins */
	put(0x2000, 0x3003, 8);		  /* 1 GiB: a table */
	put(0x2008, 0x40000083, 8);	  /* a page of 1 GiB, at 1 GiB */
	put(0x3000, 0x4003, 8);		  /* 2 MiB: a table */
	put(0x3008, 0x80000000200083, 8); /* a page of 2 MiB; NX and PKEY aside */
	put(0x4000 + 5 * 8, UINT64_C(0x8000000000abc003), 8); /* 4 KiB, NX */
	ck_assert(walk(PG, PAE, LMA, high + 0x5123, &gpa));
	ck_assert_uint_eq(gpa, 0xabc123);
	ck_assert_uint_eq(reads, 4);
	put(0x3008, 0x200083, 8);
	ck_assert(walk(PG, PAE, LMA, high + 0x212345, &gpa));
	ck_assert_uint_eq(gpa, 0x212345);
	ck_assert(walk(PG, PAE, LMA, high + 0x40000123, &gpa));
	ck_assert_uint_eq(gpa, 0x40000123);
	ck_assert(!walk(PG, PAE, LMA, high + 0x6000, &gpa));
	ck_assert(!walk(PG, PAE, LMA, UINT64_C(1) << 47, &gpa));
	ck_assert_uint_eq(reads, 0);
	/* One level more: entry 256 of the root is 2^56. */
	put(0x5000, 0x1003, 8);
	memcpy(memory + 0x6000, memory + 0x1000, 4096);
	memset(memory + 0x1000, 0, 4096);
	put(0x1000 + 511 * 8, 0x6003, 8);
	ck_assert(walk(PG, PAE | LA57, LMA, high + 0x5123, &gpa));
	ck_assert_uint_eq(gpa, 0xabc123);
	ck_assert_uint_eq(reads, 5);
	/* A table that names itself ends all the same, and one outside of RAM. */
	put(0x1000, 0x1003, 8);
	ck_assert(walk(PG, PAE, LMA, 0, &gpa));
	put(0x1000, UINT64_C(0xffffffffff003), 8);
	ck_assert(!walk(PG, PAE, LMA, 0, &gpa));
}
END_TEST

START_TEST(protected_mode_has_two_or_three_levels)
{
	uint64_t gpa;

	memset(memory, 0, sizeof(memory));
	put(0x1000 + 3 * 4, 0x2003, 4);
	put(0x2000 + 7 * 4, 0xabc003, 4);
	put(0x1000 + 4 * 4, 0x00c02083, 4); /* 4 MiB, address bit 32 in bit 13 */
	ck_assert(walk(PG, PSE, 0, 3 * 0x400000 + 0x7123, &gpa));
	ck_assert_uint_eq(gpa, 0xabc123);
	ck_assert(walk(PG, PSE, 0, 4 * 0x400000 + 0x123456, &gpa));
	ck_assert_uint_eq(gpa, UINT64_C(0x100c00000) + 0x123456);
	/* Without PSE it is a table, which is not RAM. */
	ck_assert(!walk(PG, 0, 0, 4 * 0x400000 + 0x123456, &gpa));
	/* What is above 32 bits is no address. */
	ck_assert(walk(PG, PSE, 0, UINT64_C(0x700000000) + 3 * 0x400000 + 0x7123, &gpa));
	memset(memory, 0, sizeof(memory));
	put(0x1000 + 2 * 8, 0x2001, 8);
	put(0x2000, 0x3003, 8);
	put(0x2008, 0x400083, 8);
	put(0x3000, UINT64_C(0x9abc003), 8);
	ck_assert(walk(PG, PAE, 0, 0x80000042, &gpa));
	ck_assert_uint_eq(gpa, 0x9abc042);
	ck_assert(walk(PG, PAE, 0, 0x80212345, &gpa));
	ck_assert_uint_eq(gpa, 0x412345);
	ck_assert_uint_eq(reads, 2);
}
END_TEST

static void add_tests(TCase *cases)
{
	tcase_add_test(cases, the_next_instruction_is_found);
	tcase_add_test(cases, a_users_call_goes_to_its_kernel);
	tcase_add_test(cases, what_cannot_be_read_has_no_next);
	tcase_add_test(cases, a_reservation_is_stepped_over);
	tcase_add_test(cases, without_paging_addresses_are_physical);
	tcase_add_test(cases, long_mode_has_four_or_five_levels);
	tcase_add_test(cases, protected_mode_has_two_or_three_levels);
}

RUN_SUITE("steps and page walks", add_tests)
