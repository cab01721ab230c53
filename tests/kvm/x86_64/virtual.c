/* SPDX-License-Identifier: Apache-2.0 */
/*
 * ax_vcpu_read_virtual(): memory as the guest's page tables and modes show it.
 */
#include <errno.h>
#include <string.h>

#include "code_arch.h"
#include "code_x86.h"

#define PAGE	 0x1000
#define PRESENT	 0x1
#define WRITABLE 0x2

/* A tree of its own: four pages of tables, in RAM that nobody else uses. */
#define PML4  0x30000
#define PDPT  0x31000
#define PD    0x32000
#define TABLE 0x33000

/* Three pages in a row, of which the frames are not, and a hole; below, and in the upper half. */
#define LOW	      0x0000004040200000
#define HIGH	      0xffff804040200000
#define FRAME_0	      0x50000
#define FRAME_1	      0x40000
#define NO_RAM	      0x40000000
#define IN_PML4(addr) ((addr) >> 39 & 511)
#define IN_PDPT(addr) ((addr) >> 30 & 511)
#define IN_PD(addr)   ((addr) >> 21 & 511)

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

static void open_mapped(struct code_vm *vm)
{
	AxError err = AX_ERROR_INIT;

	code_open(vm, NULL, CODE(write_mmio));
	put(vm->vm, PML4, IN_PML4(LOW), PDPT | PRESENT | WRITABLE);
	put(vm->vm, PML4, IN_PML4(HIGH), PDPT | PRESENT | WRITABLE);
	put(vm->vm, PDPT, IN_PDPT(LOW), PD | PRESENT | WRITABLE);
	put(vm->vm, PD, IN_PD(LOW), TABLE | PRESENT | WRITABLE);
	put(vm->vm, TABLE, 0, FRAME_0 | PRESENT | WRITABLE);
	put(vm->vm, TABLE, 1, FRAME_1 | PRESENT);
	/* 2 is not present; 3 is, where no RAM is. */
	put(vm->vm, TABLE, 3, NO_RAM | PRESENT);
	fill(vm->vm, FRAME_0, 1);
	fill(vm->vm, FRAME_1, 99);
	ck_ok(ax_vcpu_set_reg(vm->vcpu, "cr3", PML4, &err), err);
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

/* _i: in the lower half, in the upper half. */
START_TEST(pages_are_found_one_by_one)
{
	uint64_t base = _i ? HIGH : LOW;
	uint8_t bytes[4 * PAGE];
	struct code_vm vm;

	open_mapped(&vm);
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
	ck_assert_int_eq(read_at(&vm, base + 0x40000000, bytes, 1), -EFAULT);
	ck_assert_int_eq(read_at(&vm, 0x0000800000000000, bytes, 1), -EFAULT);
	ck_assert_int_eq(read_at(&vm, UINT64_MAX, bytes, 2), -EFAULT);
	ck_assert_int_eq(read_at(&vm, base, bytes, 0), 0);
	code_close(&vm);
}
END_TEST

START_TEST(without_paging_addresses_are_physical)
{
	static const uint32_t modes[] = { AX_MODE_REAL, AX_MODE_PROTECTED };
	AxVCpuSetup setup = AX_VCPU_SETUP_INIT;
	AxError err = AX_ERROR_INIT;
	uint8_t bytes[16];
	struct code_vm vm;

	open_mapped(&vm);
	setup.mode = modes[_i];
	setup.entry = CODE_START;
	ck_ok(ax_vcpu_setup(vm.vcpu, &setup, &err), err);
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
	uint8_t bytes[4], expected[4];
	struct code_vm vm;
	uint64_t pc;

	code_open(&vm, NULL, CODE(write_mmio));
	code_set_word(&vm, 0, 1, CODE_MMIO);
	ck_ok(ax_vcpu_bind(vm.vcpu, AX_ANY_CPU, &err), err);
	ck_ok(ax_vcpu_run(vm.vcpu, &exit, &err), err);
	ck_exit_kind(&exit, AX_EXIT_MMIO_WRITE);
	ck_assert_int_eq(ax_vcpu_settle(vm.vcpu, &exit, &err), 0);
	ck_ok(ax_vcpu_get_reg(vm.vcpu, "rip", &pc, &err), err);
	ck_assert_int_eq(read_at(&vm, pc, bytes, sizeof(bytes)), sizeof(bytes));
	memcpy(expected, code_write_mmio + (pc - CODE_START), sizeof(expected));
	ck_assert_mem_eq(bytes, expected, sizeof(bytes));
	code_close(&vm);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("virtual");
	TCase *tcase = kvm_case(suite, "virtual memory");

	tcase_add_loop_test(tcase, pages_are_found_one_by_one, 0, 2);
	tcase_add_loop_test(tcase, without_paging_addresses_are_physical, 0, 2);
	tcase_add_test(tcase, the_instruction_that_made_an_exit_can_be_read);
	return kvm_main(suite);
}
