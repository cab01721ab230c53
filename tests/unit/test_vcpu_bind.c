/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Binding a vCPU to a thread: affinity, the kick signal, and what unbinding gives back.
 */
#include <sched.h>
#include <signal.h>
#include <sys/resource.h>

#include "tests/unit/run_fixture.h"

#define KICK_SIGNAL (SIGRTMIN + 3)

static AxVm *vm;
static AxVCpu *vcpu;

static void make_vcpu(void)
{
	vm = new_vm(AX_IRQCHIP_NONE);
	vcpu = free_vcpu(vm, 0, 0);
}

static bool kick_is_blocked(void)
{
	sigset_t mask;

	pthread_sigmask(SIG_SETMASK, NULL, &mask);
	return sigismember(&mask, KICK_SIGNAL);
}

static void block_kick(void)
{
	sigset_t mask;

	sigemptyset(&mask);
	sigaddset(&mask, KICK_SIGNAL);
	pthread_sigmask(SIG_BLOCK, &mask, NULL);
}

/* A CPU that this process may run on. */
static int good_cpu(void)
{
	cpu_set_t set;

	ck_assert_int_eq(sched_getaffinity(0, sizeof(set), &set), 0);
	for (int i = CPU_SETSIZE - 1; i >= 0; i--)
		if (CPU_ISSET(i, &set))
			return i;
	ck_abort_msg("no CPU");
	return -1;
}

START_TEST(a_cpu_that_is_asked_for_is_the_only_one_until_unbind)
{
	cpu_set_t before, bound, after;
	int cpu = good_cpu();

	make_vcpu();
	ck_assert_int_eq(sched_getaffinity(0, sizeof(before), &before), 0);
	for (unsigned i = 0; i < 3; i++) {
		ck_assert_int_eq(ax_vcpu_bind(vcpu, cpu, NULL), 0);
		ck_assert_int_eq(sched_getaffinity(0, sizeof(bound), &bound), 0);
		ck_assert_int_eq(CPU_COUNT(&bound), 1);
		ck_assert(CPU_ISSET(cpu, &bound));
		ck_assert_int_eq(ax_vcpu_unbind(vcpu, NULL), 0);
		ck_assert_int_eq(sched_getaffinity(0, sizeof(after), &after), 0);
		ck_assert(CPU_EQUAL(&before, &after));
	}
	ax_vm_destroy(vm);
}
END_TEST

START_TEST(a_vm_that_is_destroyed_while_bound_leaks_no_memory)
{
	make_vcpu();
	ck_assert_int_eq(ax_vcpu_bind(vcpu, good_cpu(), NULL), 0);
	ax_vm_destroy(vm);
}
END_TEST

START_TEST(any_cpu_leaves_the_affinity_alone)
{
	cpu_set_t before, bound;

	make_vcpu();
	ck_assert_int_eq(sched_getaffinity(0, sizeof(before), &before), 0);
	ck_assert_int_eq(ax_vcpu_bind(vcpu, AX_ANY_CPU, NULL), 0);
	ck_assert_int_eq(sched_getaffinity(0, sizeof(bound), &bound), 0);
	ck_assert(CPU_EQUAL(&before, &bound));
	ax_vm_destroy(vm);
}
END_TEST

/* 8191: below the kernel's largest configuration, and not in this machine. */
static const int bad_cpus[] = { -2, INT32_MIN, 8191, 8192, INT32_MAX };

START_TEST(a_cpu_that_cannot_be_had_leaves_all_as_it_was)
{
	cpu_set_t before, after;
	AxError err;

	make_vcpu();
	block_kick();
	ck_assert_int_eq(sched_getaffinity(0, sizeof(before), &before), 0);
	ck_assert_fails(ax_vcpu_bind(vcpu, bad_cpus[_i], &err), -EINVAL, AX_ERROR_ARGUMENT,
			"host CPU");
	ck_assert_int_eq(sched_getaffinity(0, sizeof(after), &after), 0);
	ck_assert(CPU_EQUAL(&before, &after));
	ck_assert(kick_is_blocked());
	ck_assert_int_eq(ax_vcpu_state(vcpu), AX_VCPU_FREE);
	ck_assert_int_eq(ax_vcpu_bind(vcpu, AX_ANY_CPU, NULL), 0);
	ax_vm_destroy(vm);
}
END_TEST

START_TEST(the_kick_signal_is_let_through_while_bound_and_blocked_again_after)
{
	make_vcpu();
	block_kick();
	ck_assert_int_eq(ax_vcpu_bind(vcpu, AX_ANY_CPU, NULL), 0);
	ck_assert(!kick_is_blocked());
	ck_assert_int_eq(ax_vcpu_unbind(vcpu, NULL), 0);
	ck_assert(kick_is_blocked());
	ax_vm_destroy(vm);
}
END_TEST

START_TEST(a_kick_signal_that_was_not_blocked_is_not_blocked_after)
{
	make_vcpu();
	ck_assert_int_eq(ax_vcpu_bind(vcpu, AX_ANY_CPU, NULL), 0);
	ck_assert_int_eq(ax_vcpu_unbind(vcpu, NULL), 0);
	ck_assert(!kick_is_blocked());
	ax_vm_destroy(vm);
}
END_TEST

static void *bind_there(void *arg)
{
	AxVCpuExitReason exit;

	(void)arg;
	ck_assert_int_eq(ax_vcpu_bind(vcpu, AX_ANY_CPU, NULL), 0);
	ck_assert_int_eq(ax_vcpu_run(vcpu, &exit, NULL), 0);
	ck_assert_uint_eq(exit.kind, AX_EXIT_HALT);
	ck_assert_int_eq(ax_vcpu_unbind(vcpu, NULL), 0);
	return NULL;
}

START_TEST(a_vcpu_may_move_from_thread_to_thread_with_its_pending_access)
{
	AxVCpuExitReason exit;
	struct fake_completion done;
	pthread_t thread;

	make_vcpu();
	ck_assert_int_eq(ax_vcpu_bind(vcpu, AX_ANY_CPU, NULL), 0);
	fake_push_mmio_read(0, 0x1000, 4);
	fake_push_exit(0, KVM_EXIT_HLT);
	ck_assert_int_eq(ax_vcpu_run(vcpu, &exit, NULL), 0);
	ck_assert_int_eq(ax_vcpu_reply_read(vcpu, 0x11223344), 0);
	ck_assert_int_eq(ax_vcpu_unbind(vcpu, NULL), 0);
	ck_assert_int_eq(pthread_create(&thread, NULL, bind_there, NULL), 0);
	pthread_join(thread, NULL);
	fake_completed(0, &done);
	ck_assert_uint_eq(done.count, 1);
	ck_assert_mem_eq(done.run.mmio.data, "\x44\x33\x22\x11", 4);
	ax_vm_destroy(vm);
}
END_TEST

/* The signal that each binding reserves is given back by unbinding, and by the VM's end. */
START_TEST(no_binding_keeps_its_place_in_the_queue_of_signals)
{
	struct rlimit limit, low;
	AxError err = AX_ERROR_INIT;

	ck_assert_int_eq(getrlimit(RLIMIT_SIGPENDING, &limit), 0);
	low = limit;
	low.rlim_cur = 1000;
	ck_assert_int_eq(setrlimit(RLIMIT_SIGPENDING, &low), 0);
	for (unsigned i = 0; i < 1200; i++) {
		make_vcpu();
		ck_assert_msg(!ax_vcpu_bind(vcpu, AX_ANY_CPU, &err), "round %u: %s", i,
			      err.message);
		if (i % 2)
			ck_assert_int_eq(ax_vcpu_unbind(vcpu, NULL), 0);
		ax_vm_destroy(vm);
	}
	low.rlim_cur = 0;
	ck_assert_int_eq(setrlimit(RLIMIT_SIGPENDING, &low), 0);
	make_vcpu();
	ck_assert_int_eq(ax_vcpu_bind(vcpu, AX_ANY_CPU, &err), -ENOSPC);
	ck_assert_int_eq(ax_vcpu_state(vcpu), AX_VCPU_FREE);
	ck_assert_int_eq(setrlimit(RLIMIT_SIGPENDING, &limit), 0);
	ck_assert_int_eq(ax_vcpu_bind(vcpu, AX_ANY_CPU, &err), 0);
	ax_vm_destroy(vm);
}
END_TEST

static void add_tests(TCase *cases)
{
	tcase_add_test(cases, a_cpu_that_is_asked_for_is_the_only_one_until_unbind);
	tcase_add_test(cases, a_vm_that_is_destroyed_while_bound_leaks_no_memory);
	tcase_add_test(cases, any_cpu_leaves_the_affinity_alone);
	tcase_add_loop_test(cases, a_cpu_that_cannot_be_had_leaves_all_as_it_was, 0,
			    COUNT(bad_cpus));
	tcase_add_test(cases, the_kick_signal_is_let_through_while_bound_and_blocked_again_after);
	tcase_add_test(cases, a_kick_signal_that_was_not_blocked_is_not_blocked_after);
	tcase_add_test(cases, a_vcpu_may_move_from_thread_to_thread_with_its_pending_access);
	tcase_add_test(cases, no_binding_keeps_its_place_in_the_queue_of_signals);
}

RUN_SUITE("vcpu bind", add_tests)
