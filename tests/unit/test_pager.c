/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The pager's life: what is refused and why, what the kernel is asked for, what is left behind when
 * something fails, and when it ends. Its pages are test_pager_page.c's.
 */
#include "tests/unit/pager_fixture.h"

#include "tests/unit/fake_libc.h"

START_TEST(config_that_makes_no_sense_is_refused)
{
	static const AxPagerOps no_fill = { .size = sizeof(no_fill) };
	static const AxPagerOps no_size = { .fill = handler_fill };
	AxPagerConfig config = AX_PAGER_CONFIG_INIT;
	struct handler handler;
	AxVm *vm = pager_vm(&handler, 0);
	AxPager *pager = NULL;
	AxError err;

	ck_assert_fails(ax_pager_create(vm, NULL, &pager, &err), -EINVAL, AX_ERROR_ARGUMENT,
			"AX_PAGER_CONFIG_INIT");
	config.size = 8;
	ck_assert_fails(ax_pager_create(vm, &config, &pager, &err), -EINVAL, AX_ERROR_ARGUMENT,
			"AX_PAGER_CONFIG_INIT");
	config.size = sizeof(config);
	config.base = RAM_BASE;
	ck_assert_fails(ax_pager_create(vm, &config, &pager, &err), -EINVAL, AX_ERROR_ARGUMENT,
			"fill");
	config.ops = &no_fill;
	ck_assert_fails(ax_pager_create(vm, &config, &pager, &err), -EINVAL, AX_ERROR_ARGUMENT,
			"fill");
	config.ops = &no_size;
	ck_assert_fails(ax_pager_create(vm, &config, &pager, &err), -EINVAL, AX_ERROR_ARGUMENT,
			"size");
	ck_assert_ptr_null(pager);
	ck_assert_uint_eq(fake_uffd_calls(UFFD_OPEN_DEVICE), 0);
	ax_vm_destroy(vm);
}
END_TEST

START_TEST(range_must_be_whole_pages_of_one_piece_of_ram)
{
	static const struct {
		uint64_t base, length;
		int ret;
		const char *piece;
	} rows[] = {
		{ 0, 0, -EFAULT, "not all in one piece of RAM" },
		{ RAM_BASE - PAGE, PAGE, -EFAULT, "not all" },
		{ RAM_BASE + RAM_SIZE, PAGE, -EFAULT, "0x1000 bytes at 0x110000" },
		{ RAM_BASE, RAM_SIZE + PAGE, -EFAULT, "not all" },
		{ RAM_BASE + PAGE, RAM_SIZE, -EFAULT, "not all" },
		{ RAM_BASE, UINT64_MAX, -EFAULT, "not all" },
		{ RAM_BASE + 8, PAGE, -EINVAL, "whole pages of 4096" },
		{ RAM_BASE, PAGE + 1, -EINVAL, "whole pages" },
	};
	struct handler handler;
	AxVm *vm = pager_vm(&handler, 0), *empty = new_vm(AX_IRQCHIP_NONE);
	AxPagerConfig config = AX_PAGER_CONFIG_INIT;
	AxPager *pager = NULL;
	AxError err;

	/* Another piece begins where this one ends: that does not help. */
	ck_assert_int_eq(ax_ram_add(vm, RAM_BASE + 2 * RAM_SIZE, PAGE, 0, &err), 0);
	config.ops = &handler_ops;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		config.base = rows[i].base;
		config.length = rows[i].length;
		ck_assert_fails(ax_pager_create(vm, &config, &pager, &err), rows[i].ret,
				AX_ERROR_ARGUMENT, rows[i].piece);
		ck_assert_fails(ax_pager_create(empty, &config, &pager, &err), -EFAULT,
				AX_ERROR_ARGUMENT, "RAM");
	}
	ck_assert_ptr_null(pager);
	ax_vm_destroy(empty);
	ax_vm_destroy(vm);
}
END_TEST

START_TEST(part_of_the_ram_may_be_paged)
{
	AxPagerConfig config = AX_PAGER_CONFIG_INIT;
	struct handler handler;
	AxVm *vm = pager_vm(&handler, 0);
	AxPager *pager;
	AxMemView view;
	AxError err;

	ck_assert_int_eq(ax_mem_get(vm, RAM_BASE, 1, AX_MEM_READ, &view), 0);
	config.base = GPA_OF(3);
	config.length = 2 * PAGE;
	config.ops = &handler_ops;
	config.opaque = &handler;
	ck_assert_int_eq(ax_pager_create(vm, &config, &pager, &err), 0);
	ck_assert_ptr_eq(fake_uffd_start(), (uint8_t *)view.host + 3 * PAGE);
	ck_assert_uint_eq(fake_uffd_length(), 2 * PAGE);
	ax_mem_put(vm, &view, 0);
	fake_uffd_fault(page_at(1), false, 0);
	fake_uffd_wait_woken(page_at(1), 1);
	ck_assert_uint_eq(handler.exit.nested_page_fault.addr, GPA_OF(4));
	ck_assert_fails(ax_pager_provide(pager, GPA_OF(2), NULL, PAGE, &err), -EFAULT,
			AX_ERROR_ARGUMENT, "0x2000 bytes at 0x103000");
	ck_assert_fails(ax_pager_provide(pager, GPA_OF(4), NULL, 2 * PAGE, &err), -EFAULT,
			AX_ERROR_ARGUMENT, "not all in the pager's RAM");
	ck_assert_int_eq(ax_pager_destroy(pager, &err), 0);
	ax_vm_destroy(vm);
}
END_TEST

START_TEST(piece_of_ram_has_one_pager_and_stays)
{
	struct handler handler;
	AxVm *vm = pager_vm(&handler, 0);
	AxPager *pager = add_pager(vm, &handler), *second = NULL;
	AxError err;

	ck_assert_fails(try_pager(vm, &handler, &second, &err), -EEXIST, AX_ERROR_STATE,
			"0x100000 has a pager already");
	ck_assert_fails(ax_ram_remove(vm, RAM_BASE, &err), -EBUSY, AX_ERROR_STATE,
			"0x100000 has a pager: destroy that first");
	ck_assert_int_eq(ax_pager_destroy(pager, &err), 0);
	ck_assert_int_eq(ax_pager_destroy(add_pager(vm, &handler), &err), 0);
	ck_assert_int_eq(ax_ram_remove(vm, RAM_BASE, &err), 0);
	ck_assert_int_eq(ax_pager_destroy(NULL, NULL), 0);
	ax_vm_destroy(vm);
}
END_TEST

START_TEST(vm_that_is_destroyed_takes_its_pagers_with_it)
{
	struct handler handler;
	AxVm *vm = pager_vm(&handler, 0);

	add_pager(vm, &handler);
	ax_vm_destroy(vm);
	ck_assert_uint_eq(fake_uffd_calls(UFFD_UNREGISTER), 1);
	ck_assert_uint_eq(fake_uffd_open_count(), 0);
}
END_TEST

/* The device first, since its permissions are a file's; the call only without it. */
START_TEST(device_is_tried_before_the_system_call)
{
	struct handler handler;
	AxVm *vm = pager_vm(&handler, 0);
	AxPager *pager = add_pager(vm, &handler);

	ck_assert_uint_eq(fake_uffd_calls(UFFD_OPEN_DEVICE), 1);
	ck_assert_uint_eq(fake_uffd_calls(UFFD_OPEN_CALL), 0);
	ax_pager_destroy(pager, NULL);
	fake_uffd_fail(UFFD_OPEN_DEVICE, 1, ENOENT);
	pager = add_pager(vm, &handler);
	ck_assert_uint_eq(fake_uffd_calls(UFFD_OPEN_CALL), 1);
	ax_pager_destroy(pager, NULL);
	ax_vm_destroy(vm);
}
END_TEST

START_TEST(missing_permission_is_named_with_its_remedies)
{
	static const struct {
		int device, call, ret, code;
		const char *pieces[4];
	} rows[] = {
		{ EACCES,
		  EPERM,
		  -EACCES,
		  AX_ERROR_UNSUPPORTED,
		  { "access to /dev/userfaultfd (sudo setfacl", "CAP_SYS_PTRACE",
		    "vm.unprivileged_userfaultfd=1", "KVM's page faults" } },
		{ ENOENT,
		  EPERM,
		  -EACCES,
		  AX_ERROR_UNSUPPORTED,
		  { "no usable /dev/userfaultfd", "CAP_SYS_PTRACE", "vm.unprivileged_userfaultfd=1",
		    "KVM's page faults" } },
		{ ENOENT,
		  ENOSYS,
		  -ENOTSUP,
		  AX_ERROR_UNSUPPORTED,
		  { "has no userfaultfd", "CONFIG_USERFAULTFD", "", "" } },
		{ EMFILE, EMFILE, -EIO, AX_ERROR_RESOURCE, { "userfaultfd failed", "", "", "" } },
		{ ENOMEM,
		  ENOMEM,
		  -ENOMEM,
		  AX_ERROR_RESOURCE,
		  { "userfaultfd failed", "", "", "" } },
	};
	struct handler handler;
	AxVm *vm = pager_vm(&handler, 0);
	AxPager *pager = NULL;
	AxError err;

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		for (unsigned piece = 0; piece < 4; piece++) {
			fake_uffd_fail(UFFD_OPEN_DEVICE, 1, rows[i].device);
			fake_uffd_fail(UFFD_OPEN_CALL, 1, rows[i].call);
			ck_assert_fails(try_pager(vm, &handler, &pager, &err), rows[i].ret,
					rows[i].code, rows[i].pieces[piece]);
			ck_assert_int_eq(err.os_errno, rows[i].call);
			ck_assert_uint_lt(strlen(err.message), AX_ERROR_MESSAGE_SIZE - 1);
		}
	}
	ck_assert_ptr_null(pager);
	ax_vm_destroy(vm);
}
END_TEST

START_TEST(kernel_is_asked_for_what_the_ram_needs)
{
	struct handler handler;
	AxVm *vm = pager_vm(&handler, 0);
	AxPager *pager = NULL;
	AxError err;

	ax_pager_destroy(add_pager(vm, &handler), NULL);
	ck_assert_uint_eq(fake_uffd_features(), SYS_UFFD_THREAD_ID);
	ax_vm_destroy(vm);
	vm = pager_vm(&handler, AX_RAM_MEMFD);
	ax_pager_destroy(add_pager(vm, &handler), NULL);
	ck_assert_uint_eq(fake_uffd_features(), SYS_UFFD_THREAD_ID | SYS_UFFD_MISSING_SHMEM);

	fake_uffd_fail(UFFD_START, 1, EINVAL);
	ck_assert_fails(try_pager(vm, &handler, &pager, &err), -ENOTSUP, AX_ERROR_UNSUPPORTED,
			"too old");
	fake_uffd_fail(UFFD_START, 1, EIO);
	ck_assert_fails(try_pager(vm, &handler, &pager, &err), -EIO, AX_ERROR_KVM_CALL,
			"UFFDIO_API");
	fake_uffd_fail(UFFD_REGISTER, 1, EBUSY);
	ck_assert_fails(try_pager(vm, &handler, &pager, &err), -EIO, AX_ERROR_KVM_CALL,
			"UFFDIO_REGISTER");
	ck_assert_uint_eq(fake_uffd_open_count(), 0);
	ax_vm_destroy(vm);
}
END_TEST

/* What fails of the host's: each call in turn. */
START_TEST(host_that_lacks_something_leaves_nothing_behind)
{
	static const struct {
		enum fake_libc_call call;
		int os_errno, ret;
		const char *piece;
	} rows[] = {
		{ LIBC_PTHREAD_CREATE, EAGAIN, -ENOMEM, "the pager's thread" },
		{ LIBC_EVENTFD, EMFILE, -EIO, "eventfd" },
		{ LIBC_MMAP, ENOMEM, -ENOMEM, "mmap of a page" },
		{ LIBC_MADVISE, EINVAL, -ENOTSUP, "Linux 5.14" },
		{ LIBC_MADVISE, ENOMEM, -ENOMEM, "madvise" },
	};
	unsigned nth, refused = 0;
	struct handler handler;
	AxVm *vm = pager_vm(&handler, 0);
	AxPager *pager = NULL;
	uint64_t mapped;
	bool failed;
	AxError err;
	int ret;

	mapped = fake_libc_mapped();
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		fake_libc_fail(rows[i].call, 1, rows[i].os_errno);
		ck_assert_fails(try_pager(vm, &handler, &pager, &err), rows[i].ret, err.code,
				rows[i].piece);
		ck_assert_uint_eq(fake_uffd_open_count(), 0);
		ck_assert_uint_eq(fake_libc_mapped(), mapped);
	}
	fake_uffd_set_zero_pages(false);
	for (nth = 1, failed = true; failed; nth++) {
		fake_libc_fail(LIBC_MALLOC, nth, ENOMEM);
		ret = try_pager(vm, &handler, &pager, &err);
		failed = fake_libc_failed(LIBC_MALLOC);
		if (!ret)
			break;
		ck_assert_int_eq(ret, -ENOMEM);
		refused++;
		ck_assert_uint_eq(fake_uffd_open_count(), 0);
		ck_assert_uint_eq(fake_libc_mapped(), mapped);
	}
	ck_assert_uint_eq(refused, 3); /* pager, states, zeros */
	ck_assert_int_eq(ax_ram_remove(vm, RAM_BASE, &err), -EBUSY);
	ck_assert_int_eq(ax_pager_destroy(pager, &err), 0);
	ck_assert_uint_eq(fake_libc_mapped(), mapped);
	ax_vm_destroy(vm);
}
END_TEST

START_TEST(descriptor_that_breaks_stops_the_vm_and_says_so)
{
	AxVCpuExitReason exit = AX_EXIT_INIT;
	struct handler handler;
	AxVm *vm = pager_vm(&handler, 0);
	AxVCpu *vcpu = ready_vcpu(vm, 0);
	AxPager *pager = add_pager(vm, &handler);
	AxError err;

	fake_push_spin(0);
	fake_uffd_fail(UFFD_READ, UINT32_MAX, EBADF);
	fake_uffd_fault(page_at(0), false, 0);
	ck_assert_int_eq(ax_vcpu_loop(vcpu, &exit, &err), AX_LOOP_VM_STOPPED);
	ck_assert_int_eq(ax_pager_destroy(pager, &err), 0);
	ck_assert_msg(strstr(handler.log, "Bad file descriptor"), "%s", handler.log);
	ck_assert_uint_eq(handler_calls(&handler), 0);
	ck_assert_int_eq(ax_vcpu_unbind(vcpu, &err), 0);
	ax_vm_destroy(vm);
}
END_TEST

RUN_PAGER_TESTS("pager", config_that_makes_no_sense_is_refused,
		range_must_be_whole_pages_of_one_piece_of_ram, part_of_the_ram_may_be_paged,
		piece_of_ram_has_one_pager_and_stays, vm_that_is_destroyed_takes_its_pagers_with_it,
		device_is_tried_before_the_system_call,
		missing_permission_is_named_with_its_remedies,
		kernel_is_asked_for_what_the_ram_needs,
		host_that_lacks_something_leaves_nothing_behind,
		descriptor_that_breaks_stops_the_vm_and_says_so)
