/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Adding and removing RAM: what is refused, what KVM is told, what comes back. Looking at it is
 * test_memory_view.c's.
 */
#include <fcntl.h>
#include <pthread.h>
#include <stdio.h>
#include <sys/mman.h>
#include <unistd.h>

#include "tests/unit/core_fixture.h"
#include "tests/unit/fake_libc.h"

#define PAGE 4096
#define MIB  (UINT64_C(1) << 20)

#define REGION(index) \
	FAKE_ARG(struct kvm_userspace_memory_region, KVM_SET_USER_MEMORY_REGION, (index))

START_TEST(ram_is_listed_in_order_of_address)
{
	AxVm *vm = new_vm(AX_IRQCHIP_NONE);
	AxRamInfo info;

	ck_assert(!ax_ram_info(vm, 0, &info));
	ck_assert_int_eq(ax_ram_add(vm, 0x100000, 2 * PAGE, 0, NULL), 0);
	ck_assert_int_eq(ax_ram_add(vm, 0, PAGE, AX_RAM_READONLY, NULL), 0);
	ck_assert_int_eq(ax_ram_add(vm, 0x8000, PAGE, AX_RAM_MEMFD, NULL), 0);
	ck_assert(ax_ram_info(vm, 0, &info));
	ck_assert(info.base == 0 && info.size == PAGE && info.flags == AX_RAM_READONLY);
	ck_assert_int_eq(info.fd, -1);
	ck_assert(ax_ram_info(vm, 1, &info));
	ck_assert(info.base == 0x8000 && info.size == PAGE && info.flags == AX_RAM_MEMFD);
	ck_assert_int_ge(info.fd, 0);
	ck_assert(ax_ram_info(vm, 2, &info));
	ck_assert(info.base == 0x100000 && info.size == 2 * PAGE && info.flags == 0);
	ck_assert(!ax_ram_info(vm, 3, &info));
	ax_vm_destroy(vm);
}
END_TEST

START_TEST(kvm_is_told_of_each_piece_once)
{
	AxVm *vm = new_vm(AX_IRQCHIP_NONE);

	ck_assert_int_eq(ax_ram_add(vm, 0x1000, 3 * PAGE, 0, NULL), 0);
	ck_assert_int_eq(ax_ram_add(vm, 0x10000, PAGE, AX_RAM_READONLY, NULL), 0);
	ck_assert_uint_eq(fake_calls(KVM_SET_USER_MEMORY_REGION), 2);
	ck_assert_uint_eq(REGION(0)->slot, 0);
	ck_assert_uint_eq(REGION(0)->flags, 0);
	ck_assert_uint_eq(REGION(0)->guest_phys_addr, 0x1000);
	ck_assert_uint_eq(REGION(0)->memory_size, 3 * PAGE);
	ck_assert_uint_ne(REGION(0)->userspace_addr, 0);
	ck_assert_uint_eq(REGION(1)->slot, 1);
	ck_assert_uint_eq(REGION(1)->flags, KVM_MEM_READONLY);
	ax_vm_destroy(vm);
}
END_TEST

START_TEST(pieces_that_make_no_sense_are_refused)
{
	AxVm *vm = new_vm(AX_IRQCHIP_NONE);
	AxError err;

	ck_assert_fails(ax_ram_add(vm, 0, 0, 0, &err), -EINVAL, AX_ERROR_ARGUMENT, "empty");
	ck_assert_fails(ax_ram_add(vm, 1, PAGE, 0, &err), -EINVAL, AX_ERROR_ARGUMENT, "page size");
	ck_assert_fails(ax_ram_add(vm, 0, PAGE + 1, 0, &err), -EINVAL, AX_ERROR_ARGUMENT, "4096");
	ck_assert_fails(ax_ram_add(vm, 0, PAGE, 8, &err), -EINVAL, AX_ERROR_ARGUMENT, "flags 0x8");
	/* The last page of the address space: its end is 2^64, which no KVM takes. */
	ck_assert_fails(ax_ram_add(vm, -(uint64_t)PAGE, PAGE, 0, &err), -EINVAL, AX_ERROR_ARGUMENT,
			"wraps");
	ck_assert_fails(ax_ram_add(vm, PAGE, -(uint64_t)PAGE, 0, &err), -EINVAL, AX_ERROR_ARGUMENT,
			"wraps");
	ck_assert_uint_eq(fake_calls(KVM_SET_USER_MEMORY_REGION), 0);
	ax_vm_destroy(vm);
}
END_TEST

START_TEST(overlap_is_refused_and_named_but_neighbours_are_not)
{
	AxVm *vm = new_vm(AX_IRQCHIP_NONE);
	AxError err;

	ck_assert_int_eq(ax_ram_add(vm, 0x10000, 4 * PAGE, 0, &err), 0);
	ck_assert_fails(ax_ram_add(vm, 0x10000, PAGE, 0, &err), -EEXIST, AX_ERROR_ARGUMENT,
			"overlaps RAM at 0x10000 with size 0x4000");
	ck_assert_fails(ax_ram_add(vm, 0x11000, PAGE, 0, &err), -EEXIST, AX_ERROR_ARGUMENT, "");
	ck_assert_fails(ax_ram_add(vm, 0x13000, 2 * PAGE, 0, &err), -EEXIST, AX_ERROR_ARGUMENT, "");
	ck_assert_fails(ax_ram_add(vm, 0xf000, 2 * PAGE, 0, &err), -EEXIST, AX_ERROR_ARGUMENT, "");
	ck_assert_fails(ax_ram_add(vm, 0x8000, MIB, 0, &err), -EEXIST, AX_ERROR_ARGUMENT, "");
	ck_assert_int_eq(ax_ram_add(vm, 0x14000, PAGE, 0, &err), 0);
	ck_assert_int_eq(ax_ram_add(vm, 0xf000, PAGE, 0, &err), 0);
	ck_assert_uint_eq(fake_slots(0), 3);
	ax_vm_destroy(vm);
}
END_TEST

static const AxRangeOps no_ops = { .size = sizeof(AxRangeOps) };

static int add_mmio(AxVm *vm, const char *name, uint64_t base, uint64_t length, AxError *err)
{
	AxRange range = AX_RANGE_INIT;

	range.name = name;
	range.base = base;
	range.length = length;
	range.ops = &no_ops;
	return ax_range_add_mmio(vm, &range, NULL, err);
}

START_TEST(ram_and_mmio_keep_apart_but_for_read_only_ram)
{
	AxVm *vm = new_vm(AX_IRQCHIP_NONE);
	AxError err;

	ck_assert_int_eq(add_mmio(vm, "rtc", 0x20800, 0x10, &err), 0);
	ck_assert_fails(ax_ram_add(vm, 0x20000, PAGE, 0, &err), -EEXIST, AX_ERROR_ARGUMENT,
			"overlaps MMIO \"rtc\" at 0x20800 with length 0x10");
	ck_assert_int_eq(ax_ram_add(vm, 0x20000, PAGE, AX_RAM_READONLY, &err), 0);
	ck_assert_int_eq(ax_ram_add(vm, 0x30000, 2 * PAGE, 0, &err), 0);
	ck_assert_fails(add_mmio(vm, "flash", 0x31fff, 8, &err), -EEXIST, AX_ERROR_ARGUMENT,
			"RAM at 0x30000");
	ck_assert_int_eq(add_mmio(vm, "flash", 0x20000, 8, &err), 0);
	/* Spans read-only RAM, which is allowed, and other RAM, which is not. */
	ck_assert_fails(add_mmio(vm, "wide", 0x20900, 0x20000, &err), -EEXIST, AX_ERROR_ARGUMENT,
			"RAM at 0x30000");
	ax_vm_destroy(vm);
}
END_TEST

START_TEST(read_only_slots_are_asked_for_once_and_only_when_needed)
{
	AxVm *vm = new_vm(AX_IRQCHIP_NONE);
	unsigned before = fake_calls(KVM_CHECK_EXTENSION);

	ck_assert_int_eq(ax_ram_add(vm, 0, PAGE, 0, NULL), 0);
	ck_assert_uint_eq(fake_calls(KVM_CHECK_EXTENSION), before);
	ck_assert_int_eq(ax_ram_add(vm, 0x2000, PAGE, AX_RAM_READONLY, NULL), 0);
	ck_assert_int_eq(ax_ram_add(vm, 0x4000, PAGE, AX_RAM_READONLY, NULL), 0);
	ck_assert_uint_eq(fake_calls(KVM_CHECK_EXTENSION), before + 1);
	ax_vm_destroy(vm);
}
END_TEST

START_TEST(a_kvm_without_read_only_slots_says_so)
{
	AxVm *vm = new_vm(AX_IRQCHIP_NONE);
	AxError err;

	fake_set_cap(KVM_CAP_READONLY_MEM, 0);
	ck_assert_fails(ax_ram_add(vm, 0, PAGE, AX_RAM_READONLY, &err), -ENOTSUP,
			AX_ERROR_UNSUPPORTED, "KVM_CAP_READONLY_MEM");
	ck_assert_int_eq(ax_ram_add(vm, 0, PAGE, 0, &err), 0);
	ax_vm_destroy(vm);
}
END_TEST

START_TEST(slot_numbers_are_used_again)
{
	AxVm *vm = new_vm(AX_IRQCHIP_NONE);

	for (uint64_t i = 0; i < 4; i++)
		ck_assert_int_eq(ax_ram_add(vm, i * 0x10000, PAGE, 0, NULL), 0);
	ck_assert_int_eq(ax_ram_remove(vm, 0x10000, NULL), 0);
	ck_assert_int_eq(ax_ram_remove(vm, 0x20000, NULL), 0);
	ck_assert_int_eq(ax_ram_add(vm, 0x50000, PAGE, 0, NULL), 0);
	ck_assert_int_eq(ax_ram_add(vm, 0x60000, PAGE, 0, NULL), 0);
	ck_assert_int_eq(ax_ram_add(vm, 0x70000, PAGE, 0, NULL), 0);
	ck_assert_uint_eq(REGION(6)->slot, 1);
	ck_assert_uint_eq(REGION(7)->slot, 2);
	ck_assert_uint_eq(REGION(8)->slot, 4);
	ax_vm_destroy(vm);
}
END_TEST

START_TEST(the_number_of_slots_is_asked_for_when_it_matters)
{
	AxVm *vm = new_vm(AX_IRQCHIP_NONE);
	unsigned before = fake_calls(KVM_CHECK_EXTENSION);
	AxError err;
	uint64_t i;

	fake_set_cap(KVM_CAP_NR_MEMSLOTS, 40);
	for (i = 0; i < 32; i++)
		ck_assert_int_eq(ax_ram_add(vm, i * 0x10000, PAGE, 0, &err), 0);
	ck_assert_uint_eq(fake_calls(KVM_CHECK_EXTENSION), before);
	for (; i < 40; i++)
		ck_assert_int_eq(ax_ram_add(vm, i * 0x10000, PAGE, 0, &err), 0);
	ck_assert_fails(ax_ram_add(vm, i * 0x10000, PAGE, 0, &err), -ENOSPC, AX_ERROR_RESOURCE,
			"all 40 are in use");
	ck_assert_int_eq(ax_ram_remove(vm, 0, &err), 0);
	ck_assert_int_eq(ax_ram_add(vm, i * 0x10000, PAGE, 0, &err), 0);
	ax_vm_destroy(vm);
}
END_TEST

START_TEST(what_kvm_refuses_leaves_nothing_behind)
{
	static const struct {
		int os_errno, ret, code;
		const char *piece;
	} rows[] = {
		{ EINVAL, -EINVAL, AX_ERROR_KVM_CALL, "past the addresses" },
		{ EFAULT, -EINVAL, AX_ERROR_KVM_CALL, "past the addresses" },
		{ ENOMEM, -ENOMEM, AX_ERROR_RESOURCE, "KVM_SET_USER_MEMORY_REGION failed" },
		{ EEXIST, -EIO, AX_ERROR_KVM_CALL, "File exists" },
		{ EIO, -EIO, AX_ERROR_KVM_CALL, "Input/output error" },
	};
	AxVm *vm = new_vm(AX_IRQCHIP_NONE);
	AxRamInfo info;
	AxError err;

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		for (unsigned flags = 0; flags <= AX_RAM_MEMFD; flags += AX_RAM_MEMFD) {
			uint64_t before = fake_libc_mapped();

			fake_fail(KVM_SET_USER_MEMORY_REGION, 1, rows[i].os_errno);
			ck_assert_fails(ax_ram_add(vm, 0, MIB, flags, &err), rows[i].ret,
					rows[i].code, rows[i].piece);
			ck_assert_int_eq(err.os_errno, rows[i].os_errno);
			ck_assert_uint_eq(fake_libc_mapped(), before);
			ck_assert(!ax_ram_info(vm, 0, &info));
		}
	}
	ck_assert_fails(ax_ram_add(vm, UINT64_C(1) << 52, MIB, 0, &err), -EINVAL, AX_ERROR_KVM_CALL,
			"past the addresses");
	ax_vm_destroy(vm);
}
END_TEST

START_TEST(more_memory_than_the_host_has_is_refused_at_once)
{
	const AxGuestPhysAddr past_4_gib = UINT64_C(1)
					   << 32; /* and what architectures have below */
	AxVm *vm = new_vm(AX_IRQCHIP_NONE);
	AxError err;

	fake_libc_set_memory(64 * MIB, 16 * MIB);
	ck_assert_fails(ax_ram_add(vm, 0, 81 * MIB, 0, &err), -ENOMEM, AX_ERROR_RESOURCE,
			"81 MiB of RAM beside the VM's 0 MiB is more than this host has: 64 MiB of "
			"memory and 16 MiB of swap");
	ck_assert_int_eq(ax_ram_add(vm, 0, 80 * MIB, 0, &err), 0);
	ck_assert_fails(ax_ram_add(vm, 256 * MIB, PAGE, 0, &err), -ENOMEM, AX_ERROR_RESOURCE,
			"1 MiB of RAM beside the VM's 80 MiB");
	ck_assert_int_eq(ax_ram_remove(vm, 0, &err), 0);
	ck_assert_fails(ax_ram_add(vm, 0, UINT64_C(1) << 62, AX_RAM_MEMFD, &err), -ENOMEM,
			AX_ERROR_RESOURCE, "");
	/* Where nothing is known, mapping decides. */
	fake_libc_fail(LIBC_SYSINFO, 1, ENOSYS);
	fake_libc_fail(LIBC_MMAP, 1, ENOMEM);
	ck_assert_fails(ax_ram_add(vm, past_4_gib, UINT64_C(1) << 62, 0, &err), -ENOMEM,
			AX_ERROR_RESOURCE, "mmap for 4398046511104 MiB of RAM failed");
	fake_libc_fail(LIBC_SYSINFO, 1, ENOSYS);
	ck_assert_fails(ax_ram_add(vm, past_4_gib, UINT64_C(1) << 63, 0, &err), -ENOMEM,
			AX_ERROR_RESOURCE, "more than a process can map");
	fake_libc_set_memory(0, 0);
	ax_vm_destroy(vm);
}
END_TEST

START_TEST(the_real_hosts_memory_is_a_limit_too)
{
	AxVm *vm = new_vm(AX_IRQCHIP_NONE);
	AxError err;

	ck_assert_fails(ax_ram_add(vm, 0, UINT64_C(1) << 50, 0, &err), -ENOMEM, AX_ERROR_RESOURCE,
			"more than this host has");
	ax_vm_destroy(vm);
}
END_TEST

START_TEST(a_mapping_that_fails_is_an_error_with_its_size)
{
	AxVm *vm = new_vm(AX_IRQCHIP_NONE);
	AxError err;

	fake_libc_fail(LIBC_MMAP, 1, ENOMEM);
	ck_assert_fails(ax_ram_add(vm, 0, 3 * MIB, 0, &err), -ENOMEM, AX_ERROR_RESOURCE,
			"mmap for 3 MiB of RAM failed: Cannot allocate memory");
	fake_libc_fail(LIBC_MMAP, 1, EAGAIN);
	ck_assert_fails(ax_ram_add(vm, 0, 3 * MIB, AX_RAM_MEMFD, &err), -EIO, AX_ERROR_KVM_CALL,
			"mmap");
	fake_libc_fail(LIBC_MMAP, 1, ENOMEM);
	ck_assert_fails(ax_ram_add(vm, 0, 3 * MIB, AX_RAM_HUGE, &err), -ENOMEM, AX_ERROR_RESOURCE,
			"mmap");
	fake_libc_fail(LIBC_MEMFD_CREATE, 1, EMFILE);
	ck_assert_fails(ax_ram_add(vm, 0, 3 * MIB, AX_RAM_MEMFD, &err), -EIO, AX_ERROR_RESOURCE,
			"memfd_create");
	fake_libc_fail(LIBC_FTRUNCATE, 1, EFBIG);
	ck_assert_fails(ax_ram_add(vm, 0, 3 * MIB, AX_RAM_MEMFD, &err), -EIO, AX_ERROR_KVM_CALL,
			"ftruncate");
	ck_assert_uint_eq(fake_slots(0), 0);
	ax_vm_destroy(vm);
}
END_TEST

START_TEST(memfd_ram_is_shared_and_keeps_its_size)
{
	AxVm *vm = new_vm(AX_IRQCHIP_NONE);
	AxRamInfo info;
	uint8_t *other;

	ck_assert_int_eq(ax_ram_add(vm, 0, 2 * PAGE, AX_RAM_MEMFD, NULL), 0);
	ck_assert(ax_ram_info(vm, 0, &info));
	other = mmap(NULL, 2 * PAGE, PROT_READ, MAP_SHARED, info.fd, 0);
	ck_assert_ptr_ne(other, MAP_FAILED);
	ck_assert_int_eq(ax_mem_write(vm, 0x1ffe, "ok", 2), 0);
	ck_assert_mem_eq(other + 0x1ffe, "ok", 2);
	ck_assert_int_eq(ftruncate(info.fd, 0), -1);
	ck_assert_int_eq(errno, EPERM);
	ck_assert_int_eq(fcntl(info.fd, F_GETFD), FD_CLOEXEC);
	munmap(other, 2 * PAGE);
	ck_assert_int_eq(ax_ram_remove(vm, 0, NULL), 0);
	ck_assert_int_eq(fcntl(info.fd, F_GETFD), -1);
	ax_vm_destroy(vm);
}
END_TEST

START_TEST(huge_ram_has_the_guests_offset_in_a_huge_page)
{
	AxVm *vm = new_vm(AX_IRQCHIP_NONE);
	uint64_t before;

	for (uint64_t base = 0; base < 3 * MIB; base += 0x123000) {
		ck_assert_int_eq(ax_ram_add(vm, base, 3 * PAGE, AX_RAM_HUGE, NULL), 0);
		ck_assert_uint_eq(fake_last_call(KVM_SET_USER_MEMORY_REGION)
					  ? (REGION(fake_calls(KVM_SET_USER_MEMORY_REGION) - 1)
						     ->userspace_addr -
					     base) % (2 * MIB)
					  : 1,
				  0);
	}
	before = fake_libc_mapped();
	ck_assert_int_eq(ax_ram_add(vm, 16 * MIB, 4 * MIB, AX_RAM_HUGE, NULL), 0);
	ck_assert_int_eq(ax_ram_remove(vm, 16 * MIB, NULL), 0);
	ck_assert_uint_eq(fake_libc_mapped(), before);
	ax_vm_destroy(vm);
}
END_TEST

static void keep_line(void *opaque, AxLogLevel level, const char *message)
{
	ck_assert_int_eq(level, AX_LOG_WARNING);
	snprintf(opaque, 128, "%s", message);
}

START_TEST(a_host_without_huge_pages_is_told_of_in_the_log)
{
	AxVmOptions options = AX_VM_OPTIONS_INIT;
	char line[128] = "";
	AxVm *vm;

	options.log = keep_line;
	options.log_opaque = line;
	ck_assert_int_eq(ax_vm_create(&options, &vm, NULL), 0);
	fake_libc_fail(LIBC_MADVISE, 1, EINVAL);
	ck_assert_int_eq(ax_ram_add(vm, 0, 2 * MIB, AX_RAM_HUGE, NULL), 0);
	ck_assert_msg(strstr(line, "no transparent huge pages"), "%s", line);
	ax_vm_destroy(vm);
}
END_TEST

START_TEST(hugetlb_pages_that_are_missing_are_an_error)
{
	const unsigned flags = AX_RAM_HUGE | AX_RAM_MEMFD;
	AxVm *vm = new_vm(AX_IRQCHIP_NONE);
	AxError err;

	fake_libc_fail(LIBC_MEMFD_CREATE, 1, EINVAL);
	ck_assert_fails(ax_ram_add(vm, 0, 2 * MIB, flags, &err), -ENOTSUP, AX_ERROR_UNSUPPORTED,
			"no hugetlb pages");
	fake_libc_fail(LIBC_MEMFD_CREATE, 1, ENFILE);
	ck_assert_fails(ax_ram_add(vm, 0, 2 * MIB, flags, &err), -EIO, AX_ERROR_RESOURCE,
			"memfd_create");
	/* With whatever this host has: success, an empty pool, or no hugetlb at all; never a crash. */
	switch (ax_ram_add(vm, 0, 2 * MIB, flags, &err)) {
	case 0: ck_assert_int_eq(ax_mem_write(vm, 0, "x", 1), 0); break;
	case -ENOMEM: ck_assert_ptr_nonnull(strstr(err.message, "huge pages")); break;
	default: ck_assert_int_eq(err.code, AX_ERROR_UNSUPPORTED); break;
	}
	ax_vm_destroy(vm);
}
END_TEST

START_TEST(hugetlb_pages_are_reserved_when_they_are_mapped)
{
	const unsigned flags = AX_RAM_HUGE | AX_RAM_MEMFD;
	AxVm *vm = new_vm(AX_IRQCHIP_NONE);
	AxError err;

	fake_libc_fail(LIBC_FTRUNCATE, 1, EINVAL);
	if (ax_ram_add(vm, 0, 3 * MIB, flags, &err) != -ENOTSUP) {
		ck_assert_int_eq(err.code, AX_ERROR_ARGUMENT);
		ck_assert_ptr_nonnull(strstr(err.message, "huge page size"));
		fake_libc_fail(LIBC_MMAP, 1, ENOMEM);
		ck_assert_fails(ax_ram_add(vm, 0, 2 * MIB, flags, &err), -ENOMEM, AX_ERROR_RESOURCE,
				"2 MiB of free huge pages");
	}
	ax_vm_destroy(vm);
}
END_TEST

START_TEST(removed_ram_is_gone_for_kvm_and_for_the_host)
{
	AxVm *vm = new_vm(AX_IRQCHIP_NONE);
	uint64_t before;
	AxError err;
	char byte;

	ck_assert_fails(ax_ram_remove(vm, 0, &err), -ENOENT, AX_ERROR_ARGUMENT, "at 0x0");
	ck_assert_int_eq(ax_ram_add(vm, 0x1000, PAGE, 0, &err), 0);
	before = fake_libc_mapped();
	ck_assert_int_eq(ax_ram_add(vm, 0x4000, 2 * PAGE, AX_RAM_READONLY, &err), 0);
	ck_assert_fails(ax_ram_remove(vm, 0x5000, &err), -ENOENT, AX_ERROR_ARGUMENT, "0x5000");
	ck_assert_fails(ax_ram_remove(vm, 0, &err), -ENOENT, AX_ERROR_ARGUMENT, "0x0");
	ck_assert_int_eq(ax_ram_remove(vm, 0x4000, &err), 0);
	ck_assert_uint_eq(REGION(2)->slot, 1);
	ck_assert_uint_eq(REGION(2)->memory_size, 0);
	ck_assert_uint_eq(fake_libc_mapped(), before);
	ck_assert_int_eq(ax_mem_read(vm, 0x4000, &byte, 1), -EFAULT);
	ck_assert_int_eq(ax_mem_read(vm, 0x1000, &byte, 1), 0);
	ax_vm_destroy(vm);
}
END_TEST

START_TEST(a_removal_that_kvm_refuses_changes_nothing)
{
	AxVm *vm = new_vm(AX_IRQCHIP_NONE);
	AxMemView view;
	AxError err;

	ck_assert_int_eq(ax_ram_add(vm, 0, PAGE, 0, &err), 0);
	fake_fail(KVM_SET_USER_MEMORY_REGION, 1, EIO);
	ck_assert_fails(ax_ram_remove(vm, 0, &err), -EIO, AX_ERROR_KVM_CALL, "");
	ck_assert_int_eq(ax_mem_get(vm, 0, PAGE, AX_MEM_READ, &view), 0);
	ax_mem_put(vm, &view, 0);
	ck_assert_int_eq(ax_ram_remove(vm, 0, &err), 0);
	ax_vm_destroy(vm);
}
END_TEST

START_TEST(ram_that_is_looked_at_is_not_removed)
{
	AxVm *vm = new_vm(AX_IRQCHIP_NONE);
	AxMemView one, two;
	AxError err;

	ck_assert_int_eq(ax_ram_add(vm, 0, PAGE, 0, &err), 0);
	ck_assert_int_eq(ax_ram_add(vm, 0x1000, PAGE, 0, &err), 0);
	ck_assert_int_eq(ax_mem_get(vm, 0, 8, AX_MEM_READ, &one), 0);
	ck_assert_int_eq(ax_mem_get(vm, 8, 8, AX_MEM_WRITE, &two), 0);
	ck_assert_fails(ax_ram_remove(vm, 0, &err), -EBUSY, AX_ERROR_STATE, "2 views");
	ck_assert_int_eq(ax_ram_remove(vm, 0x1000, &err), 0);
	ax_mem_put(vm, &two, 8);
	ck_assert_fails(ax_ram_remove(vm, 0, &err), -EBUSY, AX_ERROR_STATE, "1 views");
	ax_mem_put(vm, &one, 0);
	ck_assert_int_eq(ax_ram_remove(vm, 0, &err), 0);
	ax_vm_destroy(vm);
}
END_TEST

START_TEST(no_memory_for_the_tables_is_an_error_that_changes_nothing)
{
	unsigned nth, refused = 0;
	bool failed = true;
	AxRamInfo info;
	AxError err;
	AxVm *vm;
	int ret;

	for (nth = 1; failed; nth++) {
		vm = new_vm(AX_IRQCHIP_NONE);
		fake_libc_fail(LIBC_MALLOC, nth, ENOMEM);
		ret = ax_ram_add(vm, 0, PAGE, 0, &err);
		failed = fake_libc_failed(LIBC_MALLOC);
		ck_assert_int_eq(ret, failed ? -ENOMEM : 0);
		ck_assert_int_eq(ax_ram_info(vm, 0, &info), !failed);
		refused += failed;
		ax_vm_destroy(vm);
	}
	ck_assert_uint_eq(refused, 5); /* piece, vm->ram and its table, numbers, new table */

	vm = new_vm(AX_IRQCHIP_NONE);
	ck_assert_int_eq(ax_ram_add(vm, 0, PAGE, 0, &err), 0);
	fake_libc_fail(LIBC_MALLOC, 1, ENOMEM);
	ck_assert_fails(ax_ram_remove(vm, 0, &err), -ENOMEM, AX_ERROR_RESOURCE, "no memory");
	ck_assert(fake_libc_failed(LIBC_MALLOC));
	ck_assert_int_eq(ax_ram_remove(vm, 0, &err), 0);
	ax_vm_destroy(vm);
}
END_TEST

static void *run_vcpu(void *opaque)
{
	AxVm *vm = opaque;
	AxVCpuExitReason exit;
	AxVCpu *vcpu = ax_vm_vcpu_at(vm, 0);
	int ret;

	ck_assert_int_eq(ax_vcpu_bind(vcpu, AX_ANY_CPU, NULL), 0);
	ret = ax_vcpu_loop(vcpu, &exit, NULL);
	ck_assert_int_eq(ax_vcpu_unbind(vcpu, NULL), 0);
	return (void *)(intptr_t)ret;
}

START_TEST(ram_changes_only_while_no_vcpu_is_in_its_loop)
{
	AxVm *vm = new_vm(AX_IRQCHIP_NONE);
	AxVCpuSetup setup = AX_VCPU_SETUP_INIT;
	AxVCpu *vcpu = new_vcpu(vm, 0);
	pthread_t thread;
	AxError err;
	void *ret;

	ck_assert_int_eq(ax_ram_add(vm, 0, PAGE, 0, &err), 0);
	ck_assert_int_eq(ax_vcpu_setup(vcpu, &setup, &err), 0);
	ck_assert_int_eq(pthread_create(&thread, NULL, run_vcpu, vm), 0);
	while (!fake_entries(0))
		usleep(100);
	ck_assert_fails(ax_ram_add(vm, 0x4000, PAGE, 0, &err), -EBUSY, AX_ERROR_STATE,
			"ax_vm_pause");
	ck_assert_fails(ax_ram_remove(vm, 0, &err), -EBUSY, AX_ERROR_STATE, "ax_vm_pause");
	ck_assert_int_eq(ax_vm_pause(vm, &err), 0);
	ck_assert_int_eq(ax_ram_add(vm, 0x4000, PAGE, 0, &err), 0);
	ck_assert_int_eq(ax_ram_remove(vm, 0, &err), 0);
	ck_assert_int_eq(ax_vm_resume(vm, &err), 0);
	ax_vm_stop(vm, 0);
	pthread_join(thread, &ret);
	ck_assert_int_eq((intptr_t)ret, AX_LOOP_VM_STOPPED);
	ax_vm_destroy(vm);
}
END_TEST

START_TEST(a_dead_vms_memory_is_all_returned)
{
	for (unsigned i = 0; i < 20; i++) {
		AxVm *vm = new_vm(AX_IRQCHIP_NONE);

		ck_assert_int_eq(ax_ram_add(vm, 0, 64 * MIB, 0, NULL), 0);
		ck_assert_int_eq(ax_ram_add(vm, 128 * MIB, MIB, AX_RAM_MEMFD, NULL), 0);
		ck_assert_int_eq(ax_ram_add(vm, 256 * MIB, MIB, AX_RAM_HUGE, NULL), 0);
		ck_assert_int_eq(ax_ram_remove(vm, 0, NULL), 0);
		ax_vm_destroy(vm);
	}
	ck_assert_uint_eq(fake_libc_mapped(), 0);
}
END_TEST

RUN_CORE_TESTS("memory", ram_is_listed_in_order_of_address, kvm_is_told_of_each_piece_once,
	       pieces_that_make_no_sense_are_refused,
	       overlap_is_refused_and_named_but_neighbours_are_not,
	       ram_and_mmio_keep_apart_but_for_read_only_ram,
	       read_only_slots_are_asked_for_once_and_only_when_needed,
	       a_kvm_without_read_only_slots_says_so, slot_numbers_are_used_again,
	       the_number_of_slots_is_asked_for_when_it_matters,
	       what_kvm_refuses_leaves_nothing_behind,
	       more_memory_than_the_host_has_is_refused_at_once,
	       the_real_hosts_memory_is_a_limit_too, a_mapping_that_fails_is_an_error_with_its_size,
	       memfd_ram_is_shared_and_keeps_its_size,
	       huge_ram_has_the_guests_offset_in_a_huge_page,
	       a_host_without_huge_pages_is_told_of_in_the_log,
	       hugetlb_pages_that_are_missing_are_an_error,
	       hugetlb_pages_are_reserved_when_they_are_mapped,
	       removed_ram_is_gone_for_kvm_and_for_the_host,
	       a_removal_that_kvm_refuses_changes_nothing, ram_that_is_looked_at_is_not_removed,
	       no_memory_for_the_tables_is_an_error_that_changes_nothing,
	       ram_changes_only_while_no_vcpu_is_in_its_loop, a_dead_vms_memory_is_all_returned)
