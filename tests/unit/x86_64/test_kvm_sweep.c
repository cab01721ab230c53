/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Whatever fails in a VM's life, it ends in order: each call of KVM in turn with each of many errnos,
 * and each allocation. Nothing is swallowed, leaked or waited for.
 */
#include "tests/unit/fake_libc.h"
#include "tests/unit/x86_64/life_fixture.h"

static bool is_public_errno(int ret)
{
	static const int set[] = { EINVAL, EPERM,  EDEADLK, EEXIST,    ENOENT,
				   EBUSY,  ENOMEM, ENOSPC,  ENOTSUP,   EFAULT,
				   ENODEV, EACCES, ENOEXEC, ETIMEDOUT, EIO };

	for (unsigned i = 0; i < COUNT(set); i++)
		if (ret == -set[i])
			return true;
	return false;
}

/* The request on which the rule struck. */
static unsigned long struck(int os_errno)
{
	for (unsigned i = fake_calls_all(); i > 0; i--)
		if (fake_call_at(i - 1)->ret == -os_errno)
			return fake_call_at(i - 1)->request;
	return 0;
}

/* Failures that mean something else than failure. */
static bool is_harmless(unsigned long request, int os_errno)
{
	switch (request) {
	case KVM_RUN:
		return os_errno == EINTR || os_errno == EAGAIN || os_errno == EFAULT ||
		       os_errno == EIO || os_errno == ENOSYS;
	case KVM_CREATE_VM: return os_errno == EINTR;
	case KVM_GET_SUPPORTED_CPUID: return os_errno == E2BIG;
	default: return false;
	}
}

static const int any_errnos[] = { EINTR,  EINVAL, ENOMEM, EFAULT, ENOTTY, EIO,	 EBUSY,
				  EEXIST, EPERM,  EMFILE, E2BIG,  EAGAIN, ENOSYS };

START_TEST(whatever_call_of_a_life_fails_it_ends_in_order)
{
	int os_errno = any_errnos[_i];

	for (unsigned nth = 1;; nth++) {
		struct life life = { .err = AX_ERROR_INIT };
		int ret;

		ck_assert_uint_lt(nth, 500);
		fake_fail_any(nth, os_errno);
		ret = live(&life);
		if (!fake_failed()) {
			ck_assert_msg(ret >= 0, "%s", life.err.message);
			ck_assert_uint_gt(nth, 60);
			ax_vm_destroy(life.vm);
			fake_sys_reset();
			break;
		}
		if (ret >= 0) {
			ck_assert_msg(is_harmless(struck(os_errno), os_errno),
				      "call %u, request 0x%lx: errno %d was swallowed", nth,
				      struck(os_errno), os_errno);
		} else {
			ck_assert_msg(is_public_errno(ret), "call %u: %d", nth, ret);
			ck_assert_msg(life.err.message[0], "call %u: no message", nth);
			ck_assert_int_ne(life.err.code, AX_ERROR_NONE);
		}
		ax_vm_destroy(life.vm);
		ck_assert_uint_eq(fake_sys_open_count(), 0);
		ck_assert_uint_eq(fake_bad_calls(), 0);
		fake_sys_reset();
	}
}
END_TEST

START_TEST(whatever_allocation_of_a_life_fails_it_ends_in_order)
{
	for (unsigned nth = 1;; nth++) {
		struct life life = { .err = AX_ERROR_INIT };
		int ret;

		ck_assert_uint_lt(nth, 500);
		fake_libc_fail(LIBC_MALLOC, nth, ENOMEM);
		ret = live(&life);
		if (!fake_libc_failed(LIBC_MALLOC)) {
			ck_assert_msg(ret >= 0, "%s", life.err.message);
			ck_assert_uint_gt(nth, 20);
			ax_vm_destroy(life.vm);
			fake_sys_reset();
			break;
		}
		ck_assert_msg(ret == -ENOMEM, "allocation %u: %d", nth, ret);
		ck_assert_int_eq(life.err.code, AX_ERROR_RESOURCE);
		ck_assert_str_ne(life.err.message, "");
		ax_vm_destroy(life.vm);
		ck_assert_uint_eq(fake_sys_open_count(), 0);
		ck_assert_uint_eq(fake_libc_mapped(), 0);
		fake_sys_reset();
	}
}
END_TEST

START_TEST(a_vcpus_thread_that_cannot_be_made_ends_the_run)
{
	AxVm *vm = new_vm(AX_IRQCHIP_NONE);
	AxError err;

	for (uint32_t i = 0; i < 3; i++)
		free_vcpu(vm, i, 0);
	for (unsigned nth = 1; nth <= 2; nth++) {
		fake_libc_fail(LIBC_PTHREAD_CREATE, nth, EAGAIN);
		ck_assert_fails(ax_vm_run(vm, NULL, &err), -ENOMEM, AX_ERROR_RESOURCE,
				nth == 1 ? "the thread of vCPU 1 can't be created"
					 : "the thread of vCPU 2 can't be created");
		ck_assert(fake_libc_failed(LIBC_PTHREAD_CREATE));
		ck_assert_int_eq(err.os_errno, EAGAIN);
		for (unsigned i = 0; i < 3; i++)
			ck_assert_int_eq(ax_vcpu_state(ax_vm_vcpu(vm, i)), AX_VCPU_FREE);
	}
	ax_vm_destroy(vm);
}
END_TEST

static void add_tests(TCase *cases)
{
	tcase_add_test(cases, a_vcpus_thread_that_cannot_be_made_ends_the_run);
	tcase_add_loop_test(cases, whatever_call_of_a_life_fails_it_ends_in_order, 0,
			    COUNT(any_errnos));
	tcase_add_test(cases, whatever_allocation_of_a_life_fails_it_ends_in_order);
}

RUN_SUITE("kvm sweep", add_tests)
