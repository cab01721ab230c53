/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Which register a load fills: the moves that compilers emit, in all three code sizes.
 */
#include "arch/x86_64/decode.h"
#include "tests/unit/run_fixture.h"

#define B AX_WIDTH_BYTE
#define W AX_WIDTH_WORD
#define D AX_WIDTH_DWORD
#define Q AX_WIDTH_QWORD

struct load_case {
	enum x86_code code;
	uint8_t count;
	uint8_t bytes[10];
	uint32_t reg;
	AxAccessWidth reg_width;
	AxAccessWidth mem_width;
	bool signed_ext;
};

/* What GNU as makes of the instruction beside it. */
static const struct load_case loads[] = {
	{ X86_CODE_64, 2, { 0x8a, 0x07 }, 0, B, B, false },		/* mov (%rdi),%al */
	{ X86_CODE_64, 3, { 0x40, 0x8a, 0x27 }, 4, B, B, false },	/* mov (%rdi),%spl */
	{ X86_CODE_64, 3, { 0x44, 0x8a, 0x3f }, 15, B, B, false },	/* mov (%rdi),%r15b */
	{ X86_CODE_64, 3, { 0x66, 0x8b, 0x0f }, 1, W, W, false },	/* mov (%rdi),%cx */
	{ X86_CODE_64, 2, { 0x8b, 0x17 }, 2, D, D, false },		/* mov (%rdi),%edx */
	{ X86_CODE_64, 3, { 0x48, 0x8b, 0x1f }, 3, Q, Q, false },	/* mov (%rdi),%rbx */
	{ X86_CODE_64, 3, { 0x4c, 0x8b, 0x07 }, 8, Q, Q, false },	/* mov (%rdi),%r8 */
	{ X86_CODE_64, 4, { 0x66, 0x48, 0x8b, 0x07 }, 0, Q, Q, false }, /* REX.W beats 66 */
	{ X86_CODE_64, 4, { 0x48, 0x66, 0x8b, 0x07 }, 0, W, W, false }, /* REX not last: void */
	{ X86_CODE_64, 4, { 0x44, 0x48, 0x8b, 0x07 }, 0, Q, Q, false }, /* the last REX counts */
	{ X86_CODE_64, 3, { 0x41, 0x8b, 0x00 }, 0, D, D, false },	/* mov (%r8),%eax */
	{ X86_CODE_64, 3, { 0x67, 0x8b, 0x07 }, 0, D, D, false },	/* mov (%edi),%eax */
	{ X86_CODE_64, 3, { 0x65, 0x8b, 0x00 }, 0, D, D, false },	/* mov %gs:(%rax),%eax */
	{ X86_CODE_64, 7, { 0x8b, 0x04, 0x25, 0, 0, 0, 0xfe }, 0, D, D, false }, /* absolute */
	{ X86_CODE_64, 3, { 0x0f, 0xb6, 0x07 }, 0, D, B, false },	/* movzbl (%rdi),%eax */
	{ X86_CODE_64, 4, { 0x66, 0x0f, 0xb6, 0x07 }, 0, W, B, false }, /* movzbw */
	{ X86_CODE_64, 4, { 0x48, 0x0f, 0xb6, 0x3f }, 7, Q, B, false }, /* movzbq */
	{ X86_CODE_64, 4, { 0x44, 0x0f, 0xb7, 0x0f }, 9, D, W, false }, /* movzwl ,%r9d */
	{ X86_CODE_64, 4, { 0x48, 0x0f, 0xb7, 0x07 }, 0, Q, W, false }, /* movzwq */
	{ X86_CODE_64, 3, { 0x0f, 0xbe, 0x07 }, 0, D, B, true },	/* movsbl */
	{ X86_CODE_64, 4, { 0x48, 0x0f, 0xbe, 0x2f }, 5, Q, B, true },	/* movsbq ,%rbp */
	{ X86_CODE_64, 4, { 0x66, 0x0f, 0xbe, 0x07 }, 0, W, B, true },	/* movsbw */
	{ X86_CODE_64, 4, { 0x4c, 0x0f, 0xbf, 0x37 }, 14, Q, W, true }, /* movswq ,%r14 */
	{ X86_CODE_64, 3, { 0x48, 0x63, 0x07 }, 0, Q, D, true },	/* movslq (%rdi),%rax */
	{ X86_CODE_64, 2, { 0x63, 0x0f }, 1, D, D, false },		/* movsxd without W */
	{ X86_CODE_64, 9, { 0xa0, 1, 2, 3, 4, 5, 6, 7, 8 }, 0, B, B, false }, /* movabs ,%al */
	{ X86_CODE_64, 9, { 0xa1, 1, 2, 3, 4, 5, 6, 7, 8 }, 0, D, D, false }, /* movabs ,%eax */
	{ X86_CODE_64, 10, { 0x48, 0xa1, 1, 2, 3, 4, 5, 6, 7, 8 }, 0, Q, Q, false },
	{ X86_CODE_32, 2, { 0x8a, 0x1b }, 3, B, B, false },	     /* mov (%ebx),%bl */
	{ X86_CODE_32, 2, { 0x8b, 0x03 }, 0, D, D, false },	     /* mov (%ebx),%eax */
	{ X86_CODE_32, 3, { 0x66, 0x8b, 0x3b }, 7, W, W, false },    /* mov (%ebx),%di */
	{ X86_CODE_32, 5, { 0xa1, 0, 0, 0, 0xfe }, 0, D, D, false }, /* mov 0xfe000000,%eax */
	{ X86_CODE_32, 3, { 0x0f, 0xb6, 0x03 }, 0, D, B, false },
	{ X86_CODE_32, 3, { 0x0f, 0xbf, 0x2b }, 5, D, W, true },
	{ X86_CODE_16, 2, { 0x8b, 0x07 }, 0, W, W, false },	  /* mov (%bx),%ax */
	{ X86_CODE_16, 3, { 0x66, 0x8b, 0x07 }, 0, D, D, false }, /* mov (%bx),%eax */
	{ X86_CODE_16, 3, { 0x0f, 0xb6, 0x0f }, 1, W, B, false }, /* movzbw (%bx),%cx */
	{ X86_CODE_16, 4, { 0x66, 0x67, 0xa1, 0 }, 0, D, D, false },
	{ X86_CODE_16, 3, { 0x26, 0x8a, 0x05 }, 0, B, B, false }, /* mov %es:(%di),%al */
};

START_TEST(a_load_names_its_register_and_both_widths)
{
	const struct load_case *c = &loads[_i];
	struct x86_load load;

	ck_assert(x86_decode_load(c->bytes, c->count, c->code, &load));
	ck_assert_uint_eq(load.reg, c->reg);
	ck_assert_uint_eq(load.reg_width, c->reg_width);
	ck_assert_uint_eq(load.mem_width, c->mem_width);
	ck_assert_int_eq(load.signed_ext, c->signed_ext);
}
END_TEST

static const struct {
	enum x86_code code;
	uint8_t count;
	uint8_t bytes[4];
} others[] = {
	{ X86_CODE_64, 0, { 0 } },
	{ X86_CODE_64, 2, { 0x89, 0x07 } },	  /* a store */
	{ X86_CODE_64, 2, { 0x8b, 0xc7 } },	  /* register to register */
	{ X86_CODE_64, 3, { 0x0f, 0xb6, 0xc7 } }, /* the same */
	{ X86_CODE_64, 2, { 0x8a, 0x27 } },	  /* mov (%rdi),%ah: no index */
	{ X86_CODE_32, 2, { 0x8a, 0x3b } },	  /* mov (%ebx),%bh */
	{ X86_CODE_64, 2, { 0x03, 0x07 } },	  /* add (%rdi),%eax */
	{ X86_CODE_64, 2, { 0xff, 0x37 } },	  /* push (%rdi) */
	{ X86_CODE_64, 1, { 0xa4 } },		  /* movsb */
	{ X86_CODE_64, 2, { 0xf3, 0xa5 } },	  /* rep movsl */
	{ X86_CODE_64, 3, { 0xf0, 0x0f, 0xb1 } }, /* lock cmpxchg */
	{ X86_CODE_64, 3, { 0x0f, 0x10, 0x07 } }, /* movups */
	{ X86_CODE_64, 3, { 0xc5, 0xf8, 0x10 } }, /* VEX */
	{ X86_CODE_32, 2, { 0x63, 0x07 } },	  /* arpl */
	{ X86_CODE_32, 3, { 0x48, 0x8b, 0x07 } }, /* dec %eax: no REX there */
	{ X86_CODE_64, 3, { 0x66, 0x63, 0x07 } }, /* movsxd into 16 bits */
	{ X86_CODE_64, 1, { 0x8b } },		  /* cut off */
	{ X86_CODE_64, 1, { 0x0f } },
	{ X86_CODE_64, 2, { 0x0f, 0xb6 } },
	{ X86_CODE_64, 1, { 0x48 } },
	{ X86_CODE_64, 2, { 0x48, 0x63 } },
	{ X86_CODE_64, 4, { 0x66, 0x66, 0x66, 0x66 } },
};

START_TEST(anything_else_is_no_load)
{
	struct x86_load load;

	ck_assert(!x86_decode_load(others[_i].bytes, others[_i].count, others[_i].code, &load));
}
END_TEST

START_TEST(no_bytes_beyond_the_given_are_read_and_registers_are_below_16)
{
	unsigned seed = 1;

	for (unsigned i = 0; i < 300000; i++) {
		size_t count = (size_t)rand_r(&seed) % 16;
		uint8_t *bytes = malloc(count ? count : 1); /* the sanitizers see its end */
		struct x86_load load;

		ck_assert_ptr_nonnull(bytes);
		for (size_t at = 0; at < count; at++)
			bytes[at] = (uint8_t)(rand_r(&seed) >> 4);
		/* Often begin with something that is close to a load. */
		if (count && i % 2)
			bytes[0] = "\x8a\x8b\x0f\x63\xa0\xa1\x48\x66"[i / 2 % 8];
		if (x86_decode_load(bytes, count, (enum x86_code)(i % 3), &load)) {
			ck_assert_uint_lt(load.reg, 16);
			ck_assert_uint_le(load.mem_width, load.reg_width);
			if (i % 3 != X86_CODE_64)
				ck_assert(load.reg < 8 && load.reg_width != AX_WIDTH_QWORD);
		}
		free(bytes);
	}
}
END_TEST

/* ax_vcpu_decode_mmio(): the instruction is fetched through the vCPU's own state. */

static AxVm *vm;
static AxVCpu *vcpu;

static void make_vcpu(const AxVCpuSetup *setup)
{
	AxError err = AX_ERROR_INIT;

	vm = new_vm(AX_IRQCHIP_NONE);
	ck_assert_int_eq(ax_ram_add(vm, 0, 0x10000, 0, &err), 0);
	vcpu = new_vcpu(vm, 0);
	ck_assert_int_eq(ax_vcpu_setup(vcpu, setup, &err), 0);
	ck_assert_int_eq(ax_vcpu_bind(vcpu, AX_ANY_CPU, &err), 0);
}

static AxVCpuExitReason read_exit(uint64_t addr, unsigned len)
{
	AxVCpuExitReason exit;

	fake_push_mmio_read(0, addr, len);
	ck_assert_int_eq(ax_vcpu_run(vcpu, &exit, NULL), 0);
	ck_assert_uint_eq(exit.kind, AX_EXIT_MMIO_READ);
	ck_assert_uint_eq(exit.mmio_read.reg, AX_REG_UNKNOWN);
	return exit;
}

START_TEST(an_mmio_reads_register_comes_from_the_instruction_at_the_pc)
{
	static const struct {
		uint32_t mode;
		uint8_t bytes[4];
		uint32_t reg;
		AxAccessWidth width;
		bool is_signed;
	} cases[] = {
		{ AX_MODE_REAL, { 0x8a, 0x0f }, 1, B, false },
		{ AX_MODE_PROTECTED, { 0x8b, 0x1b }, 3, D, false },
		{ AX_MODE_LONG, { 0x4c, 0x0f, 0xbe, 0x2f }, 13, Q, true },
	};
	AxVCpuSetup setup = AX_VCPU_SETUP_INIT;
	AxVCpuExitReason exit;

	setup.mode = cases[_i].mode;
	setup.entry = 0x1230;
	make_vcpu(&setup);
	ck_assert_int_eq(ax_mem_write(vm, 0x1230, cases[_i].bytes, 4), 0);
	exit = read_exit(0xfe000000, 1);
	ck_assert_int_eq(ax_vcpu_decode_mmio(vcpu, &exit, NULL), 0);
	ck_assert_uint_eq(exit.mmio_read.reg, cases[_i].reg);
	ck_assert_uint_eq(exit.mmio_read.reg_width, cases[_i].width);
	ck_assert_int_eq(exit.mmio_read.signed_ext, cases[_i].is_signed);
	ax_vm_destroy(vm);
}
END_TEST

START_TEST(an_instruction_that_is_no_load_or_too_narrow_is_not_supported)
{
	AxVCpuSetup setup = AX_VCPU_SETUP_INIT;
	AxVCpuExitReason exit;
	AxError err;

	setup.mode = AX_MODE_LONG;
	setup.entry = 0x2000;
	make_vcpu(&setup);
	ck_assert_int_eq(ax_mem_write(vm, 0x2000, "\xf3\xa4\x90", 3), 0);
	exit = read_exit(0xfe000000, 1);
	ck_assert_fails(ax_vcpu_decode_mmio(vcpu, &exit, &err), -ENOTSUP, AX_ERROR_UNSUPPORTED,
			"f3 a4 90");
	ck_assert_uint_eq(exit.mmio_read.reg, AX_REG_UNKNOWN);
	/* A byte load cannot have made a four-byte access. */
	ck_assert_int_eq(ax_mem_write(vm, 0x2000, "\x8a\x07", 2), 0);
	exit = read_exit(0xfe000000, 4);
	ck_assert_fails(ax_vcpu_decode_mmio(vcpu, &exit, &err), -ENOTSUP, AX_ERROR_UNSUPPORTED,
			"no plain load");
	/* A piece of a page-crossing one may be smaller. */
	ck_assert_int_eq(ax_mem_write(vm, 0x2000, "\x48\x8b\x07", 3), 0);
	exit = read_exit(0xfe000ffd, 3);
	ck_assert_int_eq(ax_vcpu_decode_mmio(vcpu, &exit, &err), 0);
	ck_assert_uint_eq(exit.mmio_read.reg_width, Q);
	ax_vm_destroy(vm);
}
END_TEST

START_TEST(an_instruction_at_the_end_of_ram_is_decoded_from_what_there_is)
{
	AxVCpuSetup setup = AX_VCPU_SETUP_INIT;
	AxVCpuExitReason exit;
	AxError err;

	setup.mode = AX_MODE_LONG;
	setup.entry = 0xfffe;
	make_vcpu(&setup);
	ck_assert_int_eq(ax_mem_write(vm, 0xfffe, "\x8b\x07", 2), 0);
	exit = read_exit(0xfe000000, 4);
	ck_assert_int_eq(ax_vcpu_decode_mmio(vcpu, &exit, &err), 0);
	ck_assert_int_eq(ax_mem_write(vm, 0xfffe, "\x48\x8b", 2), 0);
	ck_assert_fails(ax_vcpu_decode_mmio(vcpu, &exit, &err), -ENOTSUP, AX_ERROR_UNSUPPORTED,
			"48 8b 00");
	ax_vm_destroy(vm);
}
END_TEST

START_TEST(an_instruction_outside_ram_cannot_be_read)
{
	AxVCpuSetup setup = AX_VCPU_SETUP_INIT;
	AxVCpuExitReason exit;
	AxError err;

	setup.mode = AX_MODE_PROTECTED;
	setup.entry = 0x900000;
	make_vcpu(&setup);
	exit = read_exit(0xfe000000, 4);
	ck_assert_fails(ax_vcpu_decode_mmio(vcpu, &exit, &err), -EFAULT, AX_ERROR_ARGUMENT,
			"0x900000");
	ax_vm_destroy(vm);
}
END_TEST

START_TEST(only_the_last_exit_can_be_decoded_and_only_while_it_is_pending)
{
	AxVCpuSetup setup = AX_VCPU_SETUP_INIT;
	AxVCpuExitReason exit, other;
	AxError err;

	make_vcpu(&setup);
	exit = read_exit(0xfe000000, 1);
	other = exit;
	other.kind = AX_EXIT_MMIO_WRITE;
	ck_assert_fails(ax_vcpu_decode_mmio(vcpu, &other, &err), -EPERM, AX_ERROR_STATE,
			"no MMIO read");
	ck_assert_int_eq(ax_vcpu_settle(vcpu, &other, NULL), 0);
	ck_assert_fails(ax_vcpu_decode_mmio(vcpu, &exit, &err), -EPERM, AX_ERROR_STATE,
			"no MMIO read");
	ck_assert_int_eq(ax_vcpu_unbind(vcpu, NULL), 0);
	ck_assert_fails(ax_vcpu_decode_mmio(vcpu, &exit, &err), -EPERM, AX_ERROR_STATE,
			"no MMIO read");
	ax_vm_destroy(vm);
}
END_TEST

static void add_tests(TCase *cases)
{
	tcase_add_loop_test(cases, a_load_names_its_register_and_both_widths, 0, COUNT(loads));
	tcase_add_loop_test(cases, anything_else_is_no_load, 0, COUNT(others));
	tcase_add_test(cases, no_bytes_beyond_the_given_are_read_and_registers_are_below_16);
	tcase_add_loop_test(cases, an_mmio_reads_register_comes_from_the_instruction_at_the_pc, 0,
			    3);
	tcase_add_test(cases, an_instruction_that_is_no_load_or_too_narrow_is_not_supported);
	tcase_add_test(cases, an_instruction_at_the_end_of_ram_is_decoded_from_what_there_is);
	tcase_add_test(cases, an_instruction_outside_ram_cannot_be_read);
	tcase_add_test(cases, only_the_last_exit_can_be_decoded_and_only_while_it_is_pending);
}

RUN_SUITE("x86 decode", add_tests)
