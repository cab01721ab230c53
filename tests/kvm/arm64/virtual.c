/* SPDX-License-Identifier: Apache-2.0 */
/*
 * ax_vcpu_read_virtual(): memory as the guest's translation tables show it to the guest itself.
 */
#include <errno.h>
#include <string.h>

#include "code_arch.h"
#include "code_arm64.h"

#define PAGE 0x1000

/* Descriptors: DDI 0487, D8.3; normal memory with the access flag. */
#define TABLE	   0x3
#define BLOCK	   0x701
#define LEAF	   0x703
#define LARGE_PAGE 0x200000

/* A piece of the address space with tables of its own, beside those of code_arch_fill_ram(). */
#define PLACE	 UINT64_C(0x140000000)
#define LEVEL_2	 0x30000
#define LEVEL_3	 0x31000
#define FRAME_0	 0x50000
#define FRAME_1	 0x40000
#define NO_RAM	 0x40000000
#define GIB_BITS 30

static void put(AxVm *vm, AxGuestPhysAddr table, uint64_t index, uint64_t descriptor)
{
	ck_assert_int_eq(ax_mem_write(vm, table + 8 * index, &descriptor, sizeof(descriptor)), 0);
}

static void fill(AxVm *vm, AxGuestPhysAddr frame, uint8_t seed)
{
	uint8_t bytes[PAGE];

	for (unsigned i = 0; i < PAGE; i++)
		bytes[i] = (uint8_t)(seed + i * 7);
	ck_assert_int_eq(ax_mem_write(vm, frame, bytes, sizeof(bytes)), 0);
}

static AxHandled on_end(AxVCpu *vcpu, void *opaque, uint64_t offset, AxAccessWidth width,
			uint64_t value)
{
	return AX_STOP;
}

static const AxRangeOps end_ops = { .size = sizeof(end_ops), .write = on_end };

/* Two pages of which the frames are not in a row, a hole, a page without RAM; then 2 MiB of all. */
static void open_mapped(struct code_vm *vm)
{
	AxRange end = AX_RANGE_INIT;
	AxError err = AX_ERROR_INIT;

	code_open(vm, NULL, CODE(copy));
	put(vm->vm, CODE_PAGE_TABLES, PLACE >> GIB_BITS, LEVEL_2 | TABLE);
	put(vm->vm, LEVEL_2, 0, LEVEL_3 | TABLE);
	put(vm->vm, LEVEL_2, 1, BLOCK);
	put(vm->vm, LEVEL_3, 0, FRAME_0 | LEAF);
	put(vm->vm, LEVEL_3, 1, FRAME_1 | LEAF);
	put(vm->vm, LEVEL_3, 3, NO_RAM | LEAF);
	fill(vm->vm, FRAME_0, 1);
	fill(vm->vm, FRAME_1, 99);
	end.base = CODE_MMIO + CODE_END;
	end.length = 4;
	end.ops = &end_ops;
	ck_ok(ax_range_add_mmio(vm->vm, &end, NULL, &err), err);
}

/* What the guest itself finds at @addr. */
static void read_by_guest(struct code_vm *vm, uint64_t addr, uint8_t *bytes, uint64_t words)
{
	AxVmResult result = AX_VM_RESULT_INIT;
	AxError err = AX_ERROR_INIT;

	code_set_word(vm, 0, 1, addr);
	code_set_word(vm, 0, 2, CODE_SCRATCH);
	code_set_word(vm, 0, 3, words);
	code_restart(vm->vcpu);
	ck_ok(ax_vm_run(vm->vm, &result, &err), err);
	ck_assert_uint_eq(result.end, AX_VM_END_HANDLER);
	ck_assert_int_eq(ax_mem_read(vm->vm, CODE_SCRATCH, bytes, 8 * words), 0);
}

START_TEST(what_is_read_is_what_the_guest_sees)
{
	static const uint64_t offsets[] = { 0,
					    0x123,
					    PAGE - 60,
					    PAGE,
					    2 * PAGE - 64,
					    LARGE_PAGE + FRAME_1,
					    LARGE_PAGE + FRAME_0 - 8 };
	uint8_t seen[64], bytes[64];
	AxError err = AX_ERROR_INIT;
	struct code_vm vm;

	open_mapped(&vm);
	for (unsigned i = 0; i < sizeof(offsets) / sizeof(offsets[0]); i++) {
		read_by_guest(&vm, PLACE + offsets[i], seen, 8);
		ck_assert_int_eq(ax_vcpu_read_virtual(vm.vcpu, PLACE + offsets[i], bytes,
						      sizeof(bytes), &err),
				 (int)sizeof(bytes));
		ck_assert_mem_eq(bytes, seen, sizeof(bytes));
	}
	code_close(&vm);
}
END_TEST

START_TEST(reading_ends_where_nothing_is_mapped)
{
	uint8_t seen[8], bytes[64];
	AxError err = AX_ERROR_INIT;
	struct code_vm vm;

	open_mapped(&vm);
	read_by_guest(&vm, PLACE, seen, 1);
	ck_assert_int_eq(ax_vcpu_read_virtual(vm.vcpu, PLACE + 2 * PAGE - 10, bytes, 64, &err), 10);
	ck_assert_int_eq(ax_vcpu_read_virtual(vm.vcpu, PLACE + 2 * PAGE, bytes, 64, &err), -EFAULT);
	ck_assert_int_eq(ax_vcpu_read_virtual(vm.vcpu, PLACE + 3 * PAGE, bytes, 64, &err), -EFAULT);
	/* The upper half is switched off; addresses between the halves are none. */
	ck_assert_int_eq(ax_vcpu_read_virtual(vm.vcpu, ~UINT64_C(0xfff), bytes, 64, &err), -EFAULT);
	ck_assert_int_eq(ax_vcpu_read_virtual(vm.vcpu, UINT64_C(1) << 40, bytes, 64, &err),
			 -EFAULT);
	ck_assert_int_eq(ax_vcpu_read_virtual(vm.vcpu, PLACE, bytes, 0, &err), 0);
	code_close(&vm);
}
END_TEST

START_TEST(before_the_mmu_is_on_addresses_are_physical)
{
	const struct code code = CODE(copy);
	uint8_t bytes[64];
	AxError err = AX_ERROR_INIT;
	struct code_vm vm;

	open_mapped(&vm);
	ck_assert_int_eq(ax_vcpu_read_virtual(vm.vcpu, CODE_START, bytes, sizeof(bytes), &err),
			 (int)sizeof(bytes));
	ck_assert_mem_eq(bytes, code.bytes, sizeof(bytes));
	ck_assert_int_eq(ax_vcpu_read_virtual(vm.vcpu, PLACE, bytes, sizeof(bytes), &err), -EFAULT);
	code_close(&vm);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("virtual");
	TCase *tcase = kvm_case(suite, "virtual");

	tcase_add_test(tcase, what_is_read_is_what_the_guest_sees);
	tcase_add_test(tcase, reading_ends_where_nothing_is_mapped);
	tcase_add_test(tcase, before_the_mmu_is_on_addresses_are_physical);
	return kvm_main(suite);
}
