/* SPDX-License-Identifier: Apache-2.0 */
/*
 * RAM that shows a file: what the file has is read, what is written stays the VM's; what cannot be is
 * refused, and leaves RAM as it was.
 */
#include <sys/mman.h>
#include <unistd.h>

#include <axvmm/memory.h>

#include "tests/unit/core_fixture.h"

static AxVm *vm;
static uint64_t page;
static int file;

static void begin(void)
{
	AxError err = AX_ERROR_INIT;
	char byte;

	core_setup();
	page = (uint64_t)sysconf(_SC_PAGESIZE);
	file = memfd_create("image", MFD_CLOEXEC);
	ck_assert_int_ge(file, 0);
	for (unsigned i = 0; i < 4; i++) {
		byte = (char)('a' + i);
		ck_assert_int_eq(pwrite(file, &byte, 1, (off_t)(i * page + 7)), 1);
	}
	ck_assert_int_eq(ftruncate(file, (off_t)(4 * page)), 0);
	vm = new_vm(AX_IRQCHIP_NONE);
	ck_assert_int_eq(ax_ram_add(vm, 0x100000, 16 * page, 0, &err), 0);
}

static void end(void)
{
	ax_vm_destroy(vm);
	close(file);
	core_teardown();
}

static char byte_at(uint64_t gpa)
{
	char byte = 0;

	ck_assert_int_eq(ax_mem_read(vm, gpa, &byte, 1), 0);
	return byte;
}

START_TEST(pages_show_the_file_until_they_are_written)
{
	AxError err = AX_ERROR_INIT;
	char byte = 0;

	ck_assert_int_eq(ax_mem_write(vm, 0x100000 + 2 * page + 8, "x", 1), 0);
	ck_assert_msg(!ax_ram_map_file(vm, 0x100000 + 2 * page, 2 * page, file, page, &err), "%s",
		      err.message);
	ck_assert_int_eq(byte_at(0x100000 + 2 * page + 7), 'b');
	ck_assert_int_eq(byte_at(0x100000 + 3 * page + 7), 'c');
	/* What was there is lost; what is beside it is not. */
	ck_assert_int_eq(byte_at(0x100000 + 2 * page + 8), 0);
	ck_assert_int_eq(byte_at(0x100000 + 4 * page + 7), 0);
	ck_assert_int_eq(ax_mem_write(vm, 0x100000 + 2 * page + 7, "y", 1), 0);
	ck_assert_int_eq(byte_at(0x100000 + 2 * page + 7), 'y');
	ck_assert_int_eq(pread(file, &byte, 1, (off_t)(page + 7)), 1);
	ck_assert_int_eq(byte, 'b');
	ck_assert_ptr_eq(fake_guest_pointer(0, 0x100000 + 2 * page + 7, 1),
			 (char *)fake_guest_pointer(0, 0x100000, 1) + 2 * page + 7);
}
END_TEST

/* The file must not come back: a guest whose balloon gave a page away counts on zeroes. */
START_TEST(pages_that_were_returned_are_zero_and_not_the_files)
{
	AxError err = AX_ERROR_INIT;
	uint64_t discarded;

	ck_assert_int_eq(ax_ram_map_file(vm, 0x100000 + 2 * page, 4 * page, file, 0, &err), 0);
	ck_assert_int_eq(ax_mem_write(vm, 0x100000 + 3 * page + 7, "y", 1), 0);
	ck_assert_int_eq(ax_mem_write(vm, 0x100000 + 6 * page + 7, "z", 1), 0);
	ck_assert_int_eq(ax_ram_discard(vm, 0x100000 + 3 * page, 2 * page, &discarded, &err), 0);
	ck_assert_uint_eq(discarded, 2 * page);
	ck_assert_int_eq(byte_at(0x100000 + 2 * page + 7), 'a');
	ck_assert_int_eq(byte_at(0x100000 + 3 * page + 7), 0);
	ck_assert_int_eq(byte_at(0x100000 + 4 * page + 7), 0);
	ck_assert_int_eq(byte_at(0x100000 + 5 * page + 7), 'd');
	/* They are RAM as any other, and may be returned again, with the rest. */
	ck_assert_int_eq(ax_mem_write(vm, 0x100000 + 4 * page + 7, "x", 1), 0);
	ck_assert_int_eq(byte_at(0x100000 + 4 * page + 7), 'x');
	ck_assert_int_eq(ax_ram_discard(vm, 0x100000, 16 * page, &discarded, &err), 0);
	ck_assert_uint_eq(discarded, 16 * page);
	for (unsigned i = 0; i < 16; i++)
		ck_assert_int_eq(byte_at(0x100000 + i * page + 7), 0);
	/* The guest's mapping is still that of the VM. */
	ck_assert_int_eq(ax_mem_write(vm, 0x100000 + 5 * page + 7, "w", 1), 0);
	ck_assert_int_eq(*(char *)fake_guest_pointer(0, 0x100000 + 5 * page + 7, 1), 'w');
}
END_TEST

START_TEST(what_is_no_whole_page_of_one_piece_of_ram_is_refused)
{
	AxError err;

	ck_assert_fails(ax_ram_map_file(vm, 0x100000, 0, file, 0, &err), -EINVAL, AX_ERROR_ARGUMENT,
			"whole pages");
	ck_assert_fails(ax_ram_map_file(vm, 0x100001, page, file, 0, &err), -EINVAL,
			AX_ERROR_ARGUMENT, "whole pages");
	ck_assert_fails(ax_ram_map_file(vm, 0x100000, page - 1, file, 0, &err), -EINVAL,
			AX_ERROR_ARGUMENT, "whole pages");
	ck_assert_fails(ax_ram_map_file(vm, 0x100000, page, file, 512, &err), -EINVAL,
			AX_ERROR_ARGUMENT, "whole pages");
	ck_assert_fails(ax_ram_map_file(vm, UINT64_MAX - page + 1, 2 * page, file, 0, &err),
			-EINVAL, AX_ERROR_ARGUMENT, "wrap");
	ck_assert_fails(ax_ram_map_file(vm, 0x100000, page, file, UINT64_MAX - page + 1, &err),
			-EINVAL, AX_ERROR_ARGUMENT, "wrap");
	ck_assert_fails(ax_ram_map_file(vm, 0, page, file, 0, &err), -EFAULT, AX_ERROR_ARGUMENT,
			"piece of RAM");
	ck_assert_fails(ax_ram_map_file(vm, 0x100000 + 15 * page, 2 * page, file, 0, &err), -EFAULT,
			AX_ERROR_ARGUMENT, "piece of RAM");
	ck_assert_fails(ax_ram_map_file(vm, 0x100000, page, -1, 0, &err), -EIO, AX_ERROR_KVM_CALL,
			"mapping a file");
	ck_assert_int_eq(byte_at(0x100000), 0);
}
END_TEST

START_TEST(ram_of_other_kinds_cannot_show_a_file)
{
	AxError err = AX_ERROR_INIT;

	ck_assert_int_eq(ax_ram_add(vm, 0x1000000, 4 * page, AX_RAM_MEMFD, &err), 0);
	ck_assert_int_eq(ax_ram_add(vm, 0x2000000, 4 * page, AX_RAM_READONLY, &err), 0);
	ck_assert_fails(ax_ram_map_file(vm, 0x1000000, page, file, 0, &err), -ENOTSUP,
			AX_ERROR_UNSUPPORTED, "shared");
	ck_assert_fails(ax_ram_map_file(vm, 0x2000000, page, file, 0, &err), -EFAULT,
			AX_ERROR_ARGUMENT, "may write");
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("memory from files");
	TCase *cases = tcase_create("memory from files");
	SRunner *runner = srunner_create(suite);
	int failed;

	tcase_add_checked_fixture(cases, begin, end);
	tcase_add_test(cases, pages_show_the_file_until_they_are_written);
	tcase_add_test(cases, pages_that_were_returned_are_zero_and_not_the_files);
	tcase_add_test(cases, what_is_no_whole_page_of_one_piece_of_ram_is_refused);
	tcase_add_test(cases, ram_of_other_kinds_cannot_show_a_file);
	suite_add_tcase(suite, cases);
	srunner_run_all(runner, CK_ENV);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed ? 1 : 0;
}
