/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Returning RAM to the host: what is zero afterwards, what is not, what is refused.
 */
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "tests/unit/core_fixture.h"
#include "tests/unit/fake_libc.h"

static uint64_t page;

static AxVm *vm_with_ram(AxGuestPhysAddr base, unsigned pages, unsigned flags)
{
	AxVm *vm = new_vm(AX_IRQCHIP_NONE);

	page = (uint64_t)sysconf(_SC_PAGESIZE);
	ck_assert_int_eq(ax_ram_add(vm, base, pages * page, flags, NULL), 0);
	return vm;
}

static void fill(AxVm *vm, AxGuestPhysAddr gpa, uint64_t len)
{
	AxMemView view;

	ck_assert_int_eq(ax_mem_get(vm, gpa, len, AX_MEM_WRITE, &view), 0);
	memset(view.host, 0x5a, len);
	ax_mem_put(vm, &view, len);
}

static uint8_t byte_at(AxVm *vm, AxGuestPhysAddr gpa)
{
	uint8_t byte = 0xff;

	ck_assert_int_eq(ax_mem_read(vm, gpa, &byte, 1), 0);
	return byte;
}

/* How many of the pages have memory. */
static unsigned resident(AxVm *vm, AxGuestPhysAddr gpa, unsigned pages)
{
	unsigned char there[64];
	unsigned count = 0;
	AxMemView view;

	ck_assert_int_eq(ax_mem_get(vm, gpa, pages * page, AX_MEM_READ, &view), 0);
	ck_assert_int_eq(mincore(view.host, pages * page, there), 0);
	ax_mem_put(vm, &view, 0);
	for (unsigned i = 0; i < pages; i++)
		count += there[i] & 1;
	return count;
}

START_TEST(pages_that_were_returned_are_zero_and_cost_nothing)
{
	AxVm *vm = vm_with_ram(0x100000, 8, 0);
	uint64_t discarded;

	fill(vm, 0x100000, 8 * page);
	ck_assert_uint_eq(resident(vm, 0x100000, 8), 8);
	ck_assert_int_eq(ax_ram_discard(vm, 0x100000 + 2 * page, 3 * page, &discarded, NULL), 0);
	ck_assert_uint_eq(discarded, 3 * page);
	ck_assert_uint_eq(resident(vm, 0x100000, 8), 5);
	ck_assert_uint_eq(byte_at(vm, 0x100000 + 2 * page - 1), 0x5a);
	ck_assert_uint_eq(byte_at(vm, 0x100000 + 2 * page), 0);
	ck_assert_uint_eq(byte_at(vm, 0x100000 + 5 * page - 1), 0);
	ck_assert_uint_eq(byte_at(vm, 0x100000 + 5 * page), 0x5a);
	/* Once more, without anybody who wants to know. */
	ck_assert_int_eq(ax_ram_discard(vm, 0x100000 + 2 * page, 3 * page, NULL, NULL), 0);
	fill(vm, 0x100000 + 2 * page, page);
	ck_assert_uint_eq(byte_at(vm, 0x100000 + 2 * page), 0x5a);
	ax_vm_destroy(vm);
}
END_TEST

START_TEST(pages_of_a_memfd_leave_the_file_as_well)
{
	AxVm *vm = vm_with_ram(0, 8, AX_RAM_MEMFD);
	struct stat before, after;
	uint64_t discarded;
	AxRamInfo info;

	fill(vm, 0, 8 * page);
	ck_assert(ax_ram_info(vm, 0, &info));
	ck_assert_int_eq(fstat(info.fd, &before), 0);
	ck_assert_int_eq(ax_ram_discard(vm, page, 4 * page, &discarded, NULL), 0);
	ck_assert_uint_eq(discarded, 4 * page);
	ck_assert_int_eq(fstat(info.fd, &after), 0);
	ck_assert_int_eq(after.st_size, before.st_size);
	ck_assert_uint_eq((uint64_t)(before.st_blocks - after.st_blocks) * 512, 4 * page);
	ck_assert_uint_eq(byte_at(vm, page - 1), 0x5a);
	ck_assert_uint_eq(byte_at(vm, page), 0);
	ck_assert_uint_eq(byte_at(vm, 5 * page), 0x5a);
	ax_vm_destroy(vm);
}
END_TEST

START_TEST(pages_that_lie_in_the_range_by_a_part_stay)
{
	AxVm *vm = vm_with_ram(0x200000, 4, 0);
	uint64_t discarded = 1;

	fill(vm, 0x200000, 4 * page);
	ck_assert_int_eq(ax_ram_discard(vm, 0x200001, page, &discarded, NULL), 0);
	ck_assert_uint_eq(discarded, 0);
	ck_assert_int_eq(ax_ram_discard(vm, 0x200001, page - 1, &discarded, NULL), 0);
	ck_assert_uint_eq(discarded, 0);
	ck_assert_int_eq(ax_ram_discard(vm, 0x200000, page - 1, &discarded, NULL), 0);
	ck_assert_uint_eq(discarded, 0);
	ck_assert_uint_eq(resident(vm, 0x200000, 4), 4);
	ck_assert_int_eq(ax_ram_discard(vm, 0x200001, 3 * page, &discarded, NULL), 0);
	ck_assert_uint_eq(discarded, 2 * page);
	ck_assert_uint_eq(byte_at(vm, 0x200000), 0x5a);
	ck_assert_uint_eq(byte_at(vm, 0x200000 + page), 0);
	ck_assert_uint_eq(byte_at(vm, 0x200000 + 3 * page - 1), 0);
	ck_assert_uint_eq(byte_at(vm, 0x200000 + 3 * page), 0x5a);
	ax_vm_destroy(vm);
}
END_TEST

START_TEST(a_range_may_cross_into_the_next_piece)
{
	AxVm *vm = vm_with_ram(0x10000, 2, 0);
	uint64_t next = 0x10000 + 2 * page, discarded;

	ck_assert_int_eq(ax_ram_add(vm, next, 2 * page, AX_RAM_MEMFD, NULL), 0);
	fill(vm, 0x10000, 2 * page);
	fill(vm, next, 2 * page);
	ck_assert_int_eq(ax_ram_discard(vm, 0x10000 + page, 2 * page, &discarded, NULL), 0);
	ck_assert_uint_eq(discarded, 2 * page);
	ck_assert_uint_eq(byte_at(vm, 0x10000), 0x5a);
	ck_assert_uint_eq(byte_at(vm, 0x10000 + page), 0);
	ck_assert_uint_eq(byte_at(vm, next), 0);
	ck_assert_uint_eq(byte_at(vm, next + page), 0x5a);
	ax_vm_destroy(vm);
}
END_TEST

START_TEST(what_is_not_writable_ram_is_refused_and_all_stays)
{
	AxVm *vm = vm_with_ram(0x10000, 2, 0);
	uint64_t after = 0x10000 + 2 * page, discarded = 1;
	AxError err;

	ck_assert_int_eq(ax_ram_add(vm, after, page, AX_RAM_READONLY, NULL), 0);
	fill(vm, 0x10000, 2 * page);
	fill(vm, after, page);
	ck_assert_fails(ax_ram_discard(vm, 0x10000, 3 * page, &discarded, &err), -EFAULT,
			AX_ERROR_ARGUMENT, "may write");
	ck_assert_uint_eq(discarded, 0);
	ck_assert_fails(ax_ram_discard(vm, after, page, &discarded, &err), -EFAULT,
			AX_ERROR_ARGUMENT, "at 0x");
	ck_assert_fails(ax_ram_discard(vm, 0x10000 - page, 2 * page, NULL, &err), -EFAULT,
			AX_ERROR_ARGUMENT, "");
	ck_assert_fails(ax_ram_discard(vm, after, 2 * page, NULL, &err), -EFAULT, AX_ERROR_ARGUMENT,
			"");
	ck_assert_fails(ax_ram_discard(vm, 0x10000, UINT64_MAX, NULL, &err), -EINVAL,
			AX_ERROR_ARGUMENT, "wrap");
	ck_assert_fails(ax_ram_discard(vm, -page, page, NULL, &err), -EFAULT, AX_ERROR_ARGUMENT,
			"");
	ck_assert_fails(ax_ram_discard(vm, UINT64_MAX, 2, NULL, &err), -EINVAL, AX_ERROR_ARGUMENT,
			"wrap");
	ck_assert_uint_eq(byte_at(vm, 0x10000), 0x5a);
	ck_assert_uint_eq(byte_at(vm, after), 0x5a);
	ck_assert_int_eq(ax_ram_discard(vm, 0xdead0000, 0, &discarded, NULL), 0);
	ax_vm_destroy(vm);
	vm = new_vm(AX_IRQCHIP_NONE);
	ck_assert_fails(ax_ram_discard(vm, 0, page, NULL, &err), -EFAULT, AX_ERROR_ARGUMENT, "");
	ax_vm_destroy(vm);
}
END_TEST

START_TEST(a_host_that_refuses_is_an_error)
{
	AxVm *vm = vm_with_ram(0, 4, 0);
	uint64_t discarded = 1;
	AxError err;

	fill(vm, 0, 4 * page);
	fake_libc_fail(LIBC_MADVISE, 1, EINVAL); /* what it says of locked memory */
	ck_assert_fails(ax_ram_discard(vm, 0, page, &discarded, &err), -EIO, AX_ERROR_RESOURCE,
			"returning RAM");
	ck_assert(fake_libc_failed(LIBC_MADVISE));
	ck_assert_uint_eq(discarded, 0);
	ck_assert_uint_eq(byte_at(vm, 0), 0x5a);
	ax_vm_destroy(vm);
}
END_TEST

START_TEST(ram_that_is_looked_at_may_be_returned)
{
	AxVm *vm = vm_with_ram(0, 4, 0);
	AxMemView view;

	fill(vm, 0, 4 * page);
	ck_assert_int_eq(ax_mem_get(vm, 0, page, AX_MEM_READ, &view), 0);
	ck_assert_int_eq(ax_ram_discard(vm, 0, page, NULL, NULL), 0);
	ck_assert_uint_eq(*(uint8_t *)view.host, 0);
	ax_mem_put(vm, &view, 0);
	ck_assert_int_eq(ax_ram_remove(vm, 0, NULL), 0);
	ax_vm_destroy(vm);
}
END_TEST

RUN_CORE_TESTS("memory-discard", pages_that_were_returned_are_zero_and_cost_nothing,
	       pages_of_a_memfd_leave_the_file_as_well, pages_that_lie_in_the_range_by_a_part_stay,
	       a_range_may_cross_into_the_next_piece,
	       what_is_not_writable_ram_is_refused_and_all_stays, a_host_that_refuses_is_an_error,
	       ram_that_is_looked_at_may_be_returned)
