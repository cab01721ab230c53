/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Pages of a pager's: what the handler is told, what becomes of its answers, what comes later or
 * never, and what the guest and the host see of it. The pager's life is test_pager.c's.
 */
#include "tests/unit/pager_fixture.h"

#include <stdatomic.h>
#include <sys/mman.h>

/* mprotect() fails with this while it is not 0. */
static atomic_int mprotect_errno;

int __real_mprotect(void *start, size_t len, int prot);
int __wrap_mprotect(void *start, size_t len, int prot);
int __wrap_mprotect(void *start, size_t len, int prot)
{
	int os_errno = atomic_load(&mprotect_errno);

	if (!os_errno)
		return __real_mprotect(start, len, prot);
	errno = os_errno;
	return -1;
}

static void check_page(AxVm *vm, unsigned page, uint8_t byte)
{
	uint8_t bytes[PAGE];

	ck_assert_int_eq(ax_mem_read(vm, GPA_OF(page), bytes, sizeof(bytes)), 0);
	for (unsigned i = 0; i < PAGE; i++)
		ck_assert_uint_eq(bytes[i], byte);
}

START_TEST(handler_is_told_what_is_missing_and_for_whom)
{
	struct handler handler;
	AxVm *vm = pager_vm(&handler, 0);
	AxVCpu *vcpu = ready_vcpu(vm, 5);
	AxPager *pager = add_pager(vm, &handler);
	const AxExitNestedPageFault *fault = &handler.exit.nested_page_fault;
	AxError err;

	fake_uffd_fault(page_at(7) + 5, true, my_tid());
	fake_uffd_wait_woken(page_at(7), 1);
	ck_assert_uint_eq(handler.exit.kind, AX_EXIT_NESTED_PAGE_FAULT);
	ck_assert_uint_eq(handler.exit.vcpu, 5);
	ck_assert(fault->addr_known);
	ck_assert_uint_eq(fault->addr, GPA_OF(7));
	ck_assert_uint_eq(fault->access_flags, AX_MAP_WRITE);
	ck_assert_uint_eq(fault->size, PAGE);
	ck_assert_uint_eq(fault->flags, 0);
	ck_assert_uint_eq(handler.size, PAGE);
	ck_assert_str_eq(handler.name, "ax-pager");

	/* Another thread, and one that has no number here. Their pages begin as zeros, too. */
	fake_uffd_fault(page_at(8), false, my_tid() + 1);
	fake_uffd_wait_woken(page_at(8), 1);
	ck_assert_uint_eq(handler.exit.vcpu, AX_PAGER_NO_VCPU);
	ck_assert_uint_eq(fault->access_flags, AX_MAP_READ);
	ck_assert(handler.was_zero);
	ck_assert_int_eq(ax_vcpu_unbind(vcpu, &err), 0);
	fake_uffd_fault(page_at(9), false, 0);
	fake_uffd_wait_woken(page_at(9), 1);
	ck_assert_uint_eq(handler.exit.vcpu, AX_PAGER_NO_VCPU);
	fake_uffd_fault(page_at(16), false, 0); /* past the end: no kernel says so */
	ax_pager_destroy(pager, NULL);
	ck_assert_uint_eq(handler_calls(&handler), 3);
	ax_vm_destroy(vm);
}
END_TEST

START_TEST(answers_become_pages)
{
	struct handler handler;
	AxVm *vm = pager_vm(&handler, 0);
	AxPager *pager = add_pager(vm, &handler);

	memset(page_at(1), 0xff, PAGE); /* real memory, of which the fake says that it is missing */
	fake_uffd_fault(page_at(0), false, 0);
	fake_uffd_wait_woken(page_at(0), 1);
	check_page(vm, 0, FILLING);
	handler.answer = AX_PAGE_ZERO;
	fake_uffd_fault(page_at(1), false, 0);
	fake_uffd_wait_woken(page_at(1), 1);
	check_page(vm, 1, 0);
	ck_assert_uint_eq(fake_uffd_calls(UFFD_COPY), 1);
	ck_assert_uint_eq(fake_uffd_calls(UFFD_ZERO), 1);
	ck_assert_uint_eq(handler_calls(&handler), 2);
	ax_pager_destroy(pager, NULL);

	/* RAM without zero pages (hugetlb) gets them by copying. */
	fake_uffd_set_zero_pages(false);
	pager = add_pager(vm, &handler);
	fake_uffd_fault(page_at(0), false, 0);
	fake_uffd_wait_woken(page_at(0), 1);
	check_page(vm, 0, 0);
	ck_assert_uint_eq(fake_uffd_calls(UFFD_COPY), 2);
	ck_assert_uint_eq(fake_uffd_calls(UFFD_ZERO), 1);
	ax_pager_destroy(pager, NULL);
	ax_vm_destroy(vm);
}
END_TEST

START_TEST(page_that_several_wait_for_is_asked_for_once)
{
	struct handler handler;
	AxVm *vm = pager_vm(&handler, 0);
	AxPager *pager = add_pager(vm, &handler);
	uint8_t bytes[PAGE];

	handler.answer = AX_PAGE_LATER;
	for (unsigned i = 0; i < 3; i++)
		fake_uffd_fault(page_at(2), i, 0);
	fake_uffd_fault(page_at(3), false, 0);
	wait_calls(&handler, 2); /* in order: the three have been seen */
	ck_assert_uint_eq(fake_uffd_woken(page_at(2)), 0);
	memset(bytes, 0x33, sizeof(bytes));
	ck_assert_int_eq(ax_pager_provide(pager, GPA_OF(2), bytes, PAGE, NULL), 0);
	ck_assert_uint_eq(fake_uffd_woken(page_at(2)), 1);
	check_page(vm, 2, 0x33);
	/* Once more is no mistake, and changes nothing. */
	ck_assert_int_eq(ax_pager_provide(pager, GPA_OF(2), NULL, PAGE, NULL), 0);
	check_page(vm, 2, 0x33);
	ck_assert_uint_eq(fake_uffd_calls(UFFD_ZERO), 0);
	ck_assert_uint_eq(handler_calls(&handler), 2);
	ax_pager_destroy(pager, NULL);
	ax_vm_destroy(vm);
}
END_TEST

/* Discarded by madvise(): zeros, as where there is no pager; the handler has given it already. */
START_TEST(page_that_went_missing_again_is_a_zero_page)
{
	struct handler handler;
	AxVm *vm = pager_vm(&handler, 0);
	AxPager *pager = add_pager(vm, &handler);

	fake_uffd_fault(page_at(0), false, 0);
	fake_uffd_wait_woken(page_at(0), 1);
	fake_uffd_discard(page_at(0));
	fake_uffd_fault(page_at(0), false, 0);
	fake_uffd_wait_woken(page_at(0), 2);
	check_page(vm, 0, 0);
	/* A report that is older than the page: whoever it was is woken, the page stays. */
	ck_assert_int_eq(ax_pager_provide(pager, GPA_OF(1), NULL, PAGE, NULL), 0);
	fake_uffd_fault(page_at(1), false, 0);
	fake_uffd_wait_woken(page_at(1), 2);
	check_page(vm, 1, 0);
	ck_assert_uint_eq(handler_calls(&handler), 1);
	ax_pager_destroy(pager, NULL);
	ax_vm_destroy(vm);
}
END_TEST

START_TEST(pages_are_given_as_a_whole_or_refused)
{
	struct handler handler;
	AxVm *vm = pager_vm(&handler, 0);
	AxPager *pager = add_pager(vm, &handler);
	uint8_t bytes[4 * PAGE];
	AxError err;

	memset(bytes, 0x44, sizeof(bytes));
	ck_assert_fails(ax_pager_provide(pager, GPA_OF(0), bytes, 0, &err), -EINVAL,
			AX_ERROR_ARGUMENT, "whole pages of 4096");
	ck_assert_fails(ax_pager_provide(pager, GPA_OF(0) + 1, bytes, PAGE, &err), -EINVAL,
			AX_ERROR_ARGUMENT, "whole pages");
	ck_assert_fails(ax_pager_provide(pager, GPA_OF(0), bytes, PAGE - 1, &err), -EINVAL,
			AX_ERROR_ARGUMENT, "whole pages");
	ck_assert_fails(ax_pager_provide(pager, GPA_OF(-1), bytes, PAGE, &err), -EFAULT,
			AX_ERROR_ARGUMENT, "pager's RAM");
	ck_assert_fails(ax_pager_provide(pager, GPA_OF(15), bytes, 2 * PAGE, &err), -EFAULT,
			AX_ERROR_ARGUMENT, "pager's RAM");
	ck_assert_fails(ax_pager_provide(pager, GPA_OF(1), NULL, -(uint64_t)PAGE, &err), -EFAULT,
			AX_ERROR_ARGUMENT, "pager's RAM");
	ck_assert_fails(ax_pager_provide(pager, GPA_OF(0), page_at(3), PAGE, &err), -EINVAL,
			AX_ERROR_ARGUMENT, "from the pager's own RAM");
	ck_assert_fails(ax_pager_fail(pager, GPA_OF(16), PAGE, &err), -EFAULT, AX_ERROR_ARGUMENT,
			"pager's RAM");
	ck_assert_fails(ax_pager_fail(pager, GPA_OF(0), 8, &err), -EINVAL, AX_ERROR_ARGUMENT,
			"whole pages");
	ck_assert_uint_eq(fake_uffd_calls(UFFD_COPY), 0);

	ck_assert_int_eq(ax_pager_provide(pager, GPA_OF(12), bytes, 4 * PAGE, &err), 0);
	for (unsigned i = 12; i < 16; i++)
		check_page(vm, i, 0x44);
	ax_pager_destroy(pager, NULL);
	ax_vm_destroy(vm);
}
END_TEST

START_TEST(kernel_that_is_busy_is_asked_again_and_one_that_fails_is_told_of)
{
	struct handler handler;
	AxVm *vm = pager_vm(&handler, 0);
	AxPager *pager = add_pager(vm, &handler);
	uint8_t bytes[2 * PAGE] = { 1 };
	AxError err;

	fake_uffd_fail(UFFD_COPY, 3, EAGAIN);
	ck_assert_int_eq(ax_pager_provide(pager, GPA_OF(0), bytes, PAGE, &err), 0);
	ck_assert_uint_eq(fake_uffd_calls(UFFD_COPY), 4);
	fake_uffd_fail(UFFD_COPY, 1, ENOMEM);
	ck_assert_fails(ax_pager_provide(pager, GPA_OF(1), bytes, PAGE, &err), -ENOMEM,
			AX_ERROR_RESOURCE, "giving a page of RAM");
	fake_uffd_fail(UFFD_ZERO, 1, ENOENT);
	ck_assert_fails(ax_pager_provide(pager, GPA_OF(1), NULL, PAGE, &err), -EIO,
			AX_ERROR_KVM_CALL, "No such file");
	ck_assert(!fake_uffd_present(page_at(1)));
	ck_assert_int_eq(ax_pager_provide(pager, GPA_OF(1), bytes, PAGE, &err), 0);

	/* On the pager's own thread: the page fails, with a line in the log. */
	fake_uffd_fail(UFFD_COPY, 1, ENOMEM);
	fake_uffd_fault(page_at(4), false, 0);
	fake_uffd_wait_woken(page_at(4), 1);
	ck_assert_int_eq(ax_mem_read(vm, GPA_OF(4), bytes, 1), -EFAULT);
	ck_assert_msg(strstr(handler.log, "0x104000 can't be placed: Cannot allocate"), "%s",
		      handler.log);
	ax_pager_destroy(pager, NULL);
	ax_vm_destroy(vm);
}
END_TEST

static void check_failed_page(unsigned ram_flags, int failed_answer)
{
	struct handler handler;
	AxVm *vm = pager_vm(&handler, ram_flags);
	AxPager *pager = add_pager(vm, &handler);
	uint8_t bytes[PAGE];
	AxMemView view;

	handler.answer = (AxPageAnswer)failed_answer;
	fake_uffd_fault(page_at(2), false, 0);
	fake_uffd_wait_woken(page_at(2), 1);
	ck_assert_int_eq(ax_mem_read(vm, GPA_OF(2) + 9, bytes, 1), -EFAULT);
	ck_assert_int_eq(ax_mem_write(vm, GPA_OF(2) - 1, bytes, 2), -EFAULT);
	ck_assert_int_eq(ax_mem_read(vm, GPA_OF(1), bytes, PAGE), 0);
	ck_assert_int_eq(ax_mem_get(vm, GPA_OF(0), RAM_SIZE, AX_MEM_READ, &view), -EFAULT);
	ck_assert_int_eq(ax_mem_get(vm, GPA_OF(2), 1, AX_MEM_WRITE, &view), -EFAULT);
	/* Failing it again, or what is there, is no mistake. */
	ck_assert_int_eq(ax_pager_fail(pager, GPA_OF(2), PAGE, NULL), 0);
	ck_assert_int_eq(ax_pager_fail(pager, GPA_OF(1), PAGE, NULL), 0);
	ck_assert_int_eq(ax_mem_read(vm, GPA_OF(1), bytes, PAGE), 0);
	/* A report that is older than the failure: who waits tries again, and fails. */
	fake_uffd_fault(page_at(2), false, 0);
	fake_uffd_wait_woken(page_at(2), 2);

	memset(bytes, 0x21, sizeof(bytes));
	fake_uffd_fail(UFFD_COPY, 1, ENOMEM);
	ck_assert_int_eq(ax_pager_provide(pager, GPA_OF(2), bytes, PAGE, NULL), -ENOMEM);
	ck_assert_int_eq(ax_mem_read(vm, GPA_OF(2), bytes, 1), -EFAULT);
	ck_assert_int_eq(ax_pager_provide(pager, GPA_OF(2), bytes, PAGE, NULL), 0);
	check_page(vm, 2, 0x21);
	ck_assert_uint_eq(handler_calls(&handler), 1);

	/* What failed is RAM like other RAM when the pager has gone. */
	fake_uffd_fault(page_at(3), false, 0);
	fake_uffd_wait_woken(page_at(3), 1);
	ax_pager_destroy(pager, NULL);
	check_page(vm, 3, 0);
	ax_vm_destroy(vm);
}

START_TEST(failed_page_is_refused_to_the_host_and_may_be_given_after_all)
{
	check_failed_page(0, AX_PAGE_FAILED);
	fake_uffd_reset();
	check_failed_page(AX_RAM_MEMFD, 77); /* what is no answer is a failure, too */
}
END_TEST

START_TEST(page_that_is_failed_ahead_fails_when_it_is_wanted)
{
	struct handler handler;
	AxVm *vm = pager_vm(&handler, 0);
	AxPager *pager = add_pager(vm, &handler);
	uint8_t byte;

	ck_assert_int_eq(ax_pager_fail(pager, GPA_OF(4), 3 * PAGE, NULL), 0);
	/* It may have been there since before the pager: real memory is. */
	check_page(vm, 6, 0);
	ck_assert_int_eq(ax_pager_provide(pager, GPA_OF(5), NULL, PAGE, NULL), 0);
	fake_uffd_fault(page_at(4), false, 0);
	fake_uffd_wait_woken(page_at(4), 1);
	ck_assert_int_eq(ax_mem_read(vm, GPA_OF(4), &byte, 1), -EFAULT);
	check_page(vm, 5, 0);
	check_page(vm, 6, 0);
	ck_assert_uint_eq(handler_calls(&handler), 0);
	ax_pager_destroy(pager, NULL);
	ax_vm_destroy(vm);
}
END_TEST

static int fault_with_address(struct kvm_run *run, void *arg)
{
	const struct sys_memory_fault fault = { .gpa = 0xabc000, .size = PAGE };

	(void)arg;
	run->exit_reason = KVM_EXIT_MEMORY_FAULT;
	memcpy(&run->hw, &fault, sizeof(fault));
	return -EFAULT;
}

START_TEST(fault_on_a_failed_page_has_its_address_once)
{
	struct handler handler;
	AxVm *vm = pager_vm(&handler, 0);
	AxVCpu *vcpu = ready_vcpu(vm, 3);
	AxPager *pager = add_pager(vm, &handler);
	AxVCpuExitReason exit = AX_EXIT_INIT;
	const AxExitNestedPageFault *fault = &exit.nested_page_fault;
	AxError err;

	/* A page that it asked for and got says nothing about a later fault. */
	fake_uffd_fault(page_at(0), false, my_tid());
	fake_uffd_wait_woken(page_at(0), 1);
	fake_push_errno(0, EFAULT);
	ck_assert_int_eq(ax_vcpu_run(vcpu, &exit, &err), 0);
	ck_assert_uint_eq(exit.kind, AX_EXIT_NESTED_PAGE_FAULT);
	ck_assert(!fault->addr_known);

	handler.answer = AX_PAGE_FAILED;
	fake_uffd_fault(page_at(2), true, my_tid());
	fake_uffd_wait_woken(page_at(2), 1);
	fake_push_errno(0, EFAULT);
	ck_assert_int_eq(ax_vcpu_run(vcpu, &exit, &err), 0);
	ck_assert_uint_eq(exit.kind, AX_EXIT_NESTED_PAGE_FAULT);
	ck_assert_uint_eq(exit.vcpu, 3);
	ck_assert(fault->addr_known);
	ck_assert_uint_eq(fault->addr, GPA_OF(2));
	ck_assert_uint_eq(fault->size, PAGE);
	ck_assert_uint_eq(fault->access_flags, AX_MAP_WRITE);
	/* The next need not be the same. */
	fake_push_errno(0, EFAULT);
	ck_assert_int_eq(ax_vcpu_run(vcpu, &exit, &err), 0);
	ck_assert_uint_eq(exit.kind, AX_EXIT_NESTED_PAGE_FAULT);
	ck_assert(!fault->addr_known);

	/* KVM knows better. */
	fake_uffd_fault(page_at(4), true, my_tid());
	fake_uffd_wait_woken(page_at(4), 1);
	fake_push(0, fault_with_address, NULL);
	ck_assert_int_eq(ax_vcpu_run(vcpu, &exit, &err), 0);
	ck_assert(fault->addr_known);
	ck_assert_uint_eq(fault->addr, 0xabc000);

	/* Without a pager there is nobody to say. */
	fake_uffd_fault(page_at(6), true, my_tid());
	fake_uffd_wait_woken(page_at(6), 1);
	ax_pager_destroy(pager, NULL);
	fake_push_errno(0, EHWPOISON);
	ck_assert_int_eq(ax_vcpu_run(vcpu, &exit, &err), 0);
	ck_assert_uint_eq(exit.kind, AX_EXIT_NESTED_PAGE_FAULT);
	ck_assert(!fault->addr_known);
	ck_assert_int_eq(ax_vcpu_unbind(vcpu, &err), 0);
	ax_vm_destroy(vm);
}
END_TEST

/* As ever: the fault is of the guest's making; what the handler says decides. */
static AxHandled count_fault(AxVCpu *vcpu, void *opaque, const AxVCpuExitReason *exit)
{
	unsigned *faults = opaque;

	(void)vcpu;
	ck_assert_uint_eq(exit->nested_page_fault.addr_known, *faults == 0);
	return ++*faults < 3 ? AX_HANDLED : AX_STOP;
}

START_TEST(fault_that_is_handled_is_tried_again)
{
	static const AxEventOps ops = { .size = sizeof(ops), .page_fault = count_fault };
	struct handler handler;
	AxVm *vm = pager_vm(&handler, 0);
	AxVCpu *vcpu = ready_vcpu(vm, 0);
	AxPager *pager = add_pager(vm, &handler);
	AxVCpuExitReason exit = AX_EXIT_INIT;
	unsigned faults = 0;
	AxError err;

	ck_assert_int_eq(ax_event_set(vm, &ops, &faults, &err), 0);
	handler.answer = AX_PAGE_FAILED;
	fake_uffd_fault(page_at(2), true, my_tid());
	fake_uffd_wait_woken(page_at(2), 1);
	fake_push_errno(0, EFAULT);
	fake_push_errno(0, EHWPOISON);
	fake_push_errno(0, EFAULT);
	ck_assert_int_eq(ax_vcpu_loop(vcpu, &exit, &err), AX_LOOP_STOPPED);
	ck_assert_uint_eq(exit.kind, AX_EXIT_NESTED_PAGE_FAULT);
	ck_assert_uint_eq(faults, 3);
	ck_assert_uint_eq(fake_entries(0), 3);
	ax_pager_destroy(pager, NULL);
	ck_assert_int_eq(ax_vcpu_unbind(vcpu, &err), 0);
	ax_vm_destroy(vm);
}
END_TEST

START_TEST(page_that_cannot_even_be_failed_stops_the_vm)
{
	struct handler handler;
	AxVm *vm = pager_vm(&handler, 0);
	AxVCpu *vcpu = ready_vcpu(vm, 0);
	AxPager *pager = add_pager(vm, &handler);
	AxVCpuExitReason exit = AX_EXIT_INIT;
	AxError err;

	handler.answer = AX_PAGE_FAILED;
	atomic_store(&mprotect_errno, ENOMEM);
	fake_push_spin(0);
	fake_uffd_fault(page_at(2), true, 0);
	ck_assert_int_eq(ax_vcpu_loop(vcpu, &exit, &err), AX_LOOP_VM_STOPPED);
	fake_uffd_wait_woken(page_at(2), 1);
	atomic_store(&mprotect_errno, 0);
	ax_pager_destroy(pager, NULL);
	ck_assert_msg(strstr(handler.log, "0x102000 can't be had"), "%s", handler.log);
	ck_assert_int_eq(ax_vcpu_unbind(vcpu, &err), 0);
	ax_vm_destroy(vm);
}
END_TEST

START_TEST(second_chance_that_the_host_refuses_is_an_error)
{
	struct handler handler;
	AxVm *vm = pager_vm(&handler, 0);
	AxPager *pager = add_pager(vm, &handler);
	AxError err;
	char byte;

	handler.answer = AX_PAGE_FAILED;
	fake_uffd_fault(page_at(2), true, 0);
	fake_uffd_wait_woken(page_at(2), 1);
	atomic_store(&mprotect_errno, EACCES);
	ck_assert_fails(ax_pager_provide(pager, GPA_OF(2), NULL, PAGE, &err), -EIO,
			AX_ERROR_KVM_CALL, "giving a page");
	atomic_store(&mprotect_errno, 0);
	ck_assert_int_eq(ax_mem_read(vm, GPA_OF(2), &byte, 1), -EFAULT);
	ax_pager_destroy(pager, NULL);
	ax_vm_destroy(vm);
}
END_TEST

RUN_PAGER_TESTS("pager-page", handler_is_told_what_is_missing_and_for_whom, answers_become_pages,
		page_that_several_wait_for_is_asked_for_once,
		page_that_went_missing_again_is_a_zero_page, pages_are_given_as_a_whole_or_refused,
		kernel_that_is_busy_is_asked_again_and_one_that_fails_is_told_of,
		failed_page_is_refused_to_the_host_and_may_be_given_after_all,
		page_that_is_failed_ahead_fails_when_it_is_wanted,
		fault_on_a_failed_page_has_its_address_once, fault_that_is_handled_is_tried_again,
		page_that_cannot_even_be_failed_stops_the_vm,
		second_chance_that_the_host_refuses_is_an_error)
