/* SPDX-License-Identifier: Apache-2.0 */
/*
 * ax_vcpu_read_virtual(): memory as the guest's page tables show it, whatever they hold.
 */
#include <errno.h>
#include <string.h>

#include "code_riscv.h"

#define PAGE 0x1000

/* Page table entries: privileged specification, 4.3.1. */
#define V	     0x01
#define R	     0x02
#define W	     0x04
#define X	     0x08
#define PTE(address) ((uint64_t)(address) >> 12 << 10)
#define NAPOT	     (UINT64_C(1) << 63)

/* satp's modes, and tables in RAM that nobody else uses: root first. */
#define SATP(mode)    ((uint64_t)(mode) << 60 | ROOT >> 12)
#define SV39	      8
#define ROOT	      UINT64_C(0x30000)
#define FRAME_0	      0x50000
#define FRAME_1	      0x40000
#define NO_RAM	      0x40000000
#define INDEX(va, at) ((va) >> (12 + 9 * (at)) & 511)

/* Sv39 has three levels, Sv48 four, Sv57 five; each in both halves of its address space. */
static const struct space {
	unsigned mode;
	unsigned levels;
	uint64_t base;
} spaces[] = {
	{ SV39, 3, 0x0000000040200000 },     { SV39, 3, 0xffffffc040200000 },
	{ SV39 + 1, 4, 0x0000004040200000 }, { SV39 + 1, 4, 0xffff804040200000 },
	{ SV39 + 2, 5, 0x0001004040200000 }, { SV39 + 2, 5, 0xff01004040200000 },
};

static void put(AxVm *vm, AxGuestPhysAddr table, uint64_t index, uint64_t entry)
{
	ck_assert_int_eq(ax_mem_write(vm, table + 8 * index, &entry, sizeof(entry)), 0);
}

static void fill(AxVm *vm, AxGuestPhysAddr frame, uint8_t seed)
{
	uint8_t bytes[PAGE];

	for (unsigned i = 0; i < PAGE; i++)
		bytes[i] = (uint8_t)(seed + i);
	ck_assert_int_eq(ax_mem_write(vm, frame, bytes, sizeof(bytes)), 0);
}

/* The last table's address; level 0. */
static AxGuestPhysAddr open_mapped(struct code_vm *vm, const struct space *space)
{
	AxGuestPhysAddr table = ROOT;
	AxError err = AX_ERROR_INIT;

	code_open(vm, NULL, CODE(write_mmio));
	for (unsigned level = space->levels - 1; level; level--) {
		put(vm->vm, table, INDEX(space->base, level), PTE(table + PAGE) | V);
		table += PAGE;
	}
	put(vm->vm, table, 0, PTE(FRAME_0) | V | R | W);
	put(vm->vm, table, 1, PTE(FRAME_1) | V | X);
	/* 2 is not valid; 3 is, where no RAM is. */
	put(vm->vm, table, 3, PTE(NO_RAM) | V | R);
	fill(vm->vm, FRAME_0, 1);
	fill(vm->vm, FRAME_1, 99);
	ck_ok(ax_vcpu_set_reg(vm->vcpu, "satp", SATP(space->mode), &err), err);
	return table;
}

static int read_at(struct code_vm *vm, uint64_t addr, void *buffer, size_t len)
{
	return ax_vcpu_read_virtual(vm->vcpu, addr, buffer, len, NULL);
}

static void check_bytes(const uint8_t *bytes, size_t count, unsigned first)
{
	for (size_t i = 0; i < count; i++)
		ck_assert_uint_eq(bytes[i], (uint8_t)(first + i));
}

START_TEST(pages_are_found_one_by_one)
{
	uint64_t base = spaces[_i].base;
	uint8_t bytes[4 * PAGE];
	struct code_vm vm;

	open_mapped(&vm, &spaces[_i]);
	ck_assert_int_eq(read_at(&vm, base + 16, bytes, 8), 8);
	check_bytes(bytes, 8, 17);
	/* Across the border: two frames that are no neighbours. */
	ck_assert_int_eq(read_at(&vm, base + PAGE - 4, bytes, 8), 8);
	check_bytes(bytes, 4, 1 + PAGE - 4);
	check_bytes(bytes + 4, 4, 99);
	/* Up to the page that is missing. */
	ck_assert_int_eq(read_at(&vm, base, bytes, sizeof(bytes)), 2 * PAGE);
	ck_assert_int_eq(read_at(&vm, base + 2 * PAGE - 1, bytes, 100), 1);
	ck_assert_int_eq(read_at(&vm, base + 2 * PAGE, bytes, 1), -EFAULT);
	/* Mapped, but no RAM; an entry that is missing higher up; an address that none can have. */
	ck_assert_int_eq(read_at(&vm, base + 3 * PAGE, bytes, 1), -EFAULT);
	ck_assert_int_eq(read_at(&vm, base + 0x80000000, bytes, 1), -EFAULT);
	ck_assert_int_eq(read_at(&vm, base ^ UINT64_C(1) << 63, bytes, 1), -EFAULT);
	ck_assert_int_eq(read_at(&vm, UINT64_MAX, bytes, 2), -EFAULT);
	ck_assert_int_eq(read_at(&vm, base, bytes, 0), 0);
	code_close(&vm);
}
END_TEST

START_TEST(large_pages_are_found_and_must_be_aligned)
{
	const struct space *space = &spaces[_i];
	AxGuestPhysAddr last, above;
	uint8_t bytes[8];
	struct code_vm vm;

	last = open_mapped(&vm, space);
	above = last - PAGE;
	/* 2 MiB from 0: FRAME_1 at its offset. */
	put(vm.vm, above, INDEX(space->base, 1), PTE(0) | V | R);
	ck_assert_int_eq(read_at(&vm, space->base + FRAME_1 + 5, bytes, 8), 8);
	check_bytes(bytes, 8, 104);
	put(vm.vm, above, INDEX(space->base, 1), PTE(PAGE) | V | R);
	ck_assert_int_eq(read_at(&vm, space->base + FRAME_1 + 5, bytes, 8), -EFAULT);
	code_close(&vm);
}
END_TEST

/* Svnapot: 64 KiB, which each of the sixteen entries names. */
START_TEST(contiguous_pages_are_found)
{
	const struct space *space = &spaces[0];
	AxGuestPhysAddr table;
	uint8_t bytes[8];
	struct code_vm vm;

	table = open_mapped(&vm, space);
	for (unsigned i = 0; i < 16; i++)
		put(vm.vm, table, i, NAPOT | PTE(FRAME_1 | 0x8000) | V | R);
	for (unsigned i = 1; i < 16; i++)
		fill(vm.vm, FRAME_1 + i * PAGE, (uint8_t)(99 + i));
	for (unsigned i = 0; i < 16; i++) {
		ck_assert_int_eq(read_at(&vm, space->base + i * PAGE + 7, bytes, 8), 8);
		check_bytes(bytes, 8, 106 + i);
	}
	/* Other codes are reserved. */
	put(vm.vm, table, 3, NAPOT | PTE(FRAME_1 | 0x4000) | V | R);
	ck_assert_int_eq(read_at(&vm, space->base + 3 * PAGE, bytes, 8), -EFAULT);
	code_close(&vm);
}
END_TEST

/* Tables that point to themselves, to nowhere, or say what is reserved. */
START_TEST(hostile_tables_end_the_walk)
{
	static const uint64_t entries[] = {
		PTE(ROOT) | V,		     /* itself, at every level */
		PTE(NO_RAM) | V,	     /* a table where no RAM is */
		PTE(~UINT64_C(0)) | V,	     /* past every address */
		PTE(FRAME_0) | V | W,	     /* write only: reserved */
		PTE(FRAME_0) | R,	     /* not valid */
		~UINT64_C(0),		     /* everything */
		NAPOT | PTE(0x8000) | V | R, /* Svnapot above the last level */
	};
	const struct space *space = &spaces[_i];
	uint8_t bytes[8];
	struct code_vm vm;

	open_mapped(&vm, space);
	for (unsigned i = 0; i < sizeof(entries) / sizeof(entries[0]); i++) {
		for (unsigned index = 0; index < 512; index++)
			put(vm.vm, ROOT, index, entries[i]);
		ck_assert_int_eq(read_at(&vm, space->base, bytes, 8), -EFAULT);
	}
	code_close(&vm);
}
END_TEST

START_TEST(without_translation_addresses_are_physical)
{
	AxError err = AX_ERROR_INIT;
	uint8_t bytes[16];
	struct code_vm vm;

	open_mapped(&vm, &spaces[0]);
	ck_ok(ax_vcpu_set_reg(vm.vcpu, "satp", 0, &err), err);
	ck_assert_int_eq(read_at(&vm, FRAME_1 + 5, bytes, 16), 16);
	check_bytes(bytes, 16, 104);
	ck_assert_int_eq(read_at(&vm, CODE_RAM + CODE_RAM_SIZE - 3, bytes, 16), 3);
	ck_assert_int_eq(read_at(&vm, NO_RAM, bytes, 1), -EFAULT);
	code_close(&vm);
}
END_TEST

/* In a running guest: between two entries, from the thread that owns it. */
START_TEST(the_instruction_that_made_an_exit_can_be_read)
{
	AxError err = AX_ERROR_INIT;
	AxVCpuExitReason exit;
	uint8_t bytes[4];
	struct code_vm vm;
	uint64_t pc;

	code_open(&vm, NULL, CODE(write_mmio));
	code_set_word(&vm, 0, 1, CODE_MMIO);
	ck_ok(ax_vcpu_bind(vm.vcpu, AX_ANY_CPU, &err), err);
	ck_ok(ax_vcpu_run(vm.vcpu, &exit, &err), err);
	ck_exit_kind(&exit, AX_EXIT_MMIO_WRITE);
	ck_assert_int_eq(ax_vcpu_settle(vm.vcpu, &exit, &err), 0);
	ck_ok(ax_vcpu_get_reg(vm.vcpu, "pc", &pc, &err), err);
	ck_assert_int_eq(read_at(&vm, pc - 4, bytes, sizeof(bytes)), sizeof(bytes));
	ck_assert_mem_eq(bytes, code_write_mmio + (pc - 4 - CODE_START), sizeof(bytes));
	code_close(&vm);
}
END_TEST

int main(void)
{
	const int count = (int)(sizeof(spaces) / sizeof(spaces[0]));
	Suite *suite = suite_create("virtual");
	TCase *tcase = kvm_case(suite, "virtual memory");

	tcase_add_loop_test(tcase, pages_are_found_one_by_one, 0, count);
	tcase_add_loop_test(tcase, large_pages_are_found_and_must_be_aligned, 0, count);
	tcase_add_test(tcase, contiguous_pages_are_found);
	tcase_add_loop_test(tcase, hostile_tables_end_the_walk, 0, count);
	tcase_add_test(tcase, without_translation_addresses_are_physical);
	tcase_add_test(tcase, the_instruction_that_made_an_exit_can_be_read);
	return kvm_main(suite);
}
