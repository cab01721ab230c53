/* SPDX-License-Identifier: Apache-2.0 */
/*
 * ax_vcpu_wait(): what ends it, what does not, and that nothing that comes is missed. Starting and
 * powering off belong to it.
 */
#include <signal.h>
#include <sys/time.h>

#include "tests/unit/run_fixture.h"

#define NS_PER_MS UINT64_C(1000000)

static AxVm *vm;
static AxVCpu *vcpu;

static void make_vcpu(AxIrqchip irqchip, unsigned flags)
{
	vm = new_vm(irqchip);
	vcpu = free_vcpu(vm, 0, flags);
	ck_assert_int_eq(ax_vcpu_bind(vcpu, AX_ANY_CPU, NULL), 0);
	set_interrupt_flag(0, true);
}

static uint64_t now_ns(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (uint64_t)now.tv_sec * 1000000000u + (uint64_t)now.tv_nsec;
}

static uint32_t requests(void)
{
	return atomic_load(&vcpu->requests);
}

START_TEST(a_wait_without_reason_ends_at_its_limit)
{
	static const uint64_t limits[] = { 0, 1, 20 * NS_PER_MS };
	uint64_t begin;
	AxError err;

	make_vcpu(AX_IRQCHIP_NONE, 0);
	begin = now_ns();
	ck_assert_fails(ax_vcpu_wait(vcpu, limits[_i], &err), -ETIMEDOUT, AX_ERROR_STATE,
			"nothing woke vCPU 0");
	ck_assert_uint_ge(now_ns() - begin, limits[_i]);
	ck_assert_int_eq(ax_vcpu_state(vcpu), AX_VCPU_READY);
	ck_assert_uint_eq(fake_calls(KVM_RUN), 0);
	ax_vm_destroy(vm);
}
END_TEST

/* Things that end a wait, by bit. */
static void post_kick(void)
{
	ck_assert_int_eq(ax_vcpu_kick(vcpu, 3), 0);
}

static void post_stop(void)
{
	ax_vm_stop(vm, 1);
}

static void post_interrupt(void)
{
	ck_assert_int_eq(ax_vcpu_inject_interrupt(vcpu, 0x40, NULL), 0);
}

static void post_exit(void)
{
	vcpu_request(vcpu, REQUEST_EXIT);
}

static const struct {
	void (*post)(void);
	uint32_t bit;
} reasons[] = {
	{ post_kick, REQUEST_KICK },
	{ post_stop, REQUEST_STOP },
	{ post_interrupt, REQUEST_INTERRUPT },
	{ post_exit, REQUEST_EXIT },
};

START_TEST(what_came_before_ends_the_wait_at_once_and_is_not_consumed)
{
	make_vcpu(AX_IRQCHIP_NONE, 0);
	reasons[_i].post();
	for (unsigned i = 0; i < 3; i++) {
		ck_assert_int_eq(ax_vcpu_wait(vcpu, UINT64_MAX, NULL), 0);
		ck_assert_uint_ne(requests() & reasons[_i].bit, 0);
		ck_assert_uint_eq(fake_run(0)->immediate_exit, 1);
	}
	ax_vm_destroy(vm);
}
END_TEST

static void *post_when_blocked(void *arg)
{
	void (*post)(void) = reasons[(uintptr_t)arg].post;

	wait_until(ax_vcpu_state(vcpu) == AX_VCPU_BLOCKED);
	sleep_ms(5);
	post();
	return NULL;
}

START_TEST(what_comes_while_it_waits_ends_it)
{
	pthread_t thread;

	make_vcpu(AX_IRQCHIP_NONE, 0);
	ck_assert_int_eq(pthread_create(&thread, NULL, post_when_blocked, (void *)(uintptr_t)_i),
			 0);
	ck_assert_int_eq(ax_vcpu_wait(vcpu, UINT64_MAX, NULL), 0);
	ck_assert_uint_ne(requests() & reasons[_i].bit, 0);
	ck_assert_int_eq(ax_vcpu_state(vcpu), AX_VCPU_READY);
	pthread_join(thread, NULL);
	ax_vm_destroy(vm);
}
END_TEST

START_TEST(what_concerns_the_loop_alone_is_no_reason)
{
	static const uint32_t bits[] = { REQUEST_PAUSE, REQUEST_SYNC,
					 REQUEST_PAUSE | REQUEST_SYNC };

	make_vcpu(AX_IRQCHIP_NONE, 0);
	vcpu_request(vcpu, bits[_i]);
	ck_assert_int_eq(ax_vcpu_wait(vcpu, 5 * NS_PER_MS, NULL), -ETIMEDOUT);
	ck_assert_uint_eq(requests(), bits[_i]);
	ax_vm_destroy(vm);
}
END_TEST

START_TEST(an_interrupt_that_ends_the_wait_is_delivered_also_beside_other_requests)
{
	AxVCpuExitReason exit;

	make_vcpu(AX_IRQCHIP_NONE, 0);
	post_interrupt();
	/* Its request was served while the guest could not take it. */
	fake_run(0)->ready_for_interrupt_injection = 0;
	ck_assert_int_eq(ax_vcpu_run(vcpu, &exit, NULL), 0);
	ck_assert_uint_eq(requests() & REQUEST_INTERRUPT, 0);
	fake_run(0)->ready_for_interrupt_injection = 1;
	vcpu_request(vcpu, REQUEST_PAUSE | REQUEST_SYNC);
	ck_assert_int_eq(ax_vcpu_wait(vcpu, UINT64_MAX, NULL), 0);
	ck_assert_int_eq(ax_vcpu_run(vcpu, &exit, NULL), 0);
	ck_assert_uint_eq(fake_calls(KVM_INTERRUPT), 1);
	ax_vm_destroy(vm);
}
END_TEST

START_TEST(an_interrupt_that_cannot_be_taken_does_not_end_the_wait_and_stays)
{
	AxVCpuExitReason exit;

	make_vcpu(AX_IRQCHIP_NONE, 0);
	set_interrupt_flag(0, false);
	post_interrupt();
	ck_assert_int_eq(ax_vcpu_wait(vcpu, 5 * NS_PER_MS, NULL), -ETIMEDOUT);
	/* At the next entry KVM is asked for a window. */
	ck_assert_int_eq(ax_vcpu_run(vcpu, &exit, NULL), 0);
	ck_assert_uint_eq(exit.kind, AX_EXIT_NOTHING);
	ck_assert_uint_eq(fake_run(0)->request_interrupt_window, 1);
	ax_vm_destroy(vm);
}
END_TEST

/*
 * The word of requests does not change when the bit is set already: the second interrupt must be
 * noticed all the same. The embedder's handler restarts system calls, so that the signal alone
 * does not wake.
 */
static void ignore_signal(int signal)
{
	(void)signal;
}

static void *inject_low_then_high(void *arg)
{
	(void)arg;
	wait_until(ax_vcpu_state(vcpu) == AX_VCPU_BLOCKED);
	for (unsigned i = 0; i < 20; i++) {
		ck_assert_int_eq(ax_vcpu_inject_interrupt(vcpu, 0x31, NULL), 0);
		ck_assert_int_eq(ax_vcpu_inject_interrupt(vcpu, 0x32, NULL), 0);
		sleep_ms(1);
	}
	ck_assert_int_eq(ax_vcpu_state(vcpu), AX_VCPU_BLOCKED);
	ck_assert_int_eq(ax_vcpu_inject_interrupt(vcpu, 0x33, NULL), 0);
	ck_assert_int_eq(ax_vcpu_inject_interrupt(vcpu, 0x61, NULL), 0);
	return NULL;
}

START_TEST(a_deliverable_interrupt_after_undeliverable_ones_is_not_missed)
{
	struct sigaction action = { .sa_handler = ignore_signal, .sa_flags = SA_RESTART };
	AxVCpuExitReason exit;
	pthread_t thread;
	uint32_t svr = 0x1ff;

	sigaction(SIGRTMIN + 3, &action, NULL);
	make_vcpu(AX_IRQCHIP_USER, 0);
	fake_push_mmio_write(0, 0xfee000f0, 4, svr);
	ck_assert_int_eq(ax_vcpu_run(vcpu, &exit, NULL), 0);
	ck_assert_int_eq(ax_vcpu_dispatch(vcpu, &exit), AX_HANDLED);
	fake_run(0)->cr8 = 5; /* priorities up to 5 wait */
	ck_assert_int_eq(pthread_create(&thread, NULL, inject_low_then_high, NULL), 0);
	ck_assert_int_eq(ax_vcpu_wait(vcpu, UINT64_MAX, NULL), 0);
	pthread_join(thread, NULL);
	ax_vm_destroy(vm);
}
END_TEST

START_TEST(a_halt_belongs_to_kvm_where_the_irqchip_does)
{
	AxVCpuExitReason exit;

	make_vcpu(AX_IRQCHIP_KERNEL, 0);
	ck_assert_int_eq(ax_vcpu_wait(vcpu, UINT64_MAX, NULL), 0);
	ck_assert_int_eq(ax_vcpu_run(vcpu, &exit, NULL), 0);
	ck_assert_uint_eq(fake_calls(KVM_INTERRUPT), 0);
	ax_vm_destroy(vm);
}
END_TEST

START_TEST(a_limit_beyond_all_time_is_none)
{
	make_vcpu(AX_IRQCHIP_NONE, 0);
	post_kick();
	ck_assert_int_eq(ax_vcpu_wait(vcpu, UINT64_MAX - 1, NULL), 0);
	ax_vm_destroy(vm);
}
END_TEST

static atomic_uint alarms;

static void on_alarm(int signal)
{
	(void)signal;
	atomic_fetch_add(&alarms, 1);
}

START_TEST(other_signals_do_not_end_a_wait)
{
	struct sigaction action = { .sa_handler = on_alarm };
	struct itimerval often = { .it_interval = { .tv_usec = 2000 },
				   .it_value = { .tv_usec = 2000 } };
	struct itimerval never = { 0 };

	make_vcpu(AX_IRQCHIP_NONE, 0);
	sigaction(SIGALRM, &action, NULL);
	setitimer(ITIMER_REAL, &often, NULL);
	ck_assert_int_eq(ax_vcpu_wait(vcpu, 50 * NS_PER_MS, NULL), -ETIMEDOUT);
	setitimer(ITIMER_REAL, &never, NULL);
	ck_assert_uint_ge(alarms, 2);
	ax_vm_destroy(vm);
}
END_TEST

/* Off and on. */

START_TEST(a_vcpu_that_is_off_is_not_entered_but_waits_for_its_start)
{
	AxVCpuExitReason exit;
	AxError err;

	make_vcpu(AX_IRQCHIP_NONE, AX_SETUP_POWERED_OFF);
	ck_assert_fails(ax_vcpu_run(vcpu, &exit, &err), -EPERM, AX_ERROR_STATE,
			"powered off: ax_vcpu_wait()");
	ck_assert_int_eq(ax_vcpu_loop(vcpu, &exit, NULL), AX_LOOP_UNHANDLED);
	ck_assert_uint_eq(exit.kind, AX_EXIT_CPU_DOWN);
	post_interrupt(); /* no reason for a CPU that is off */
	ck_assert_int_eq(ax_vcpu_wait(vcpu, 5 * NS_PER_MS, NULL), -ETIMEDOUT);
	ck_assert_uint_eq(fake_calls(KVM_RUN), 0);

	ck_assert_int_eq(ax_vcpu_start(vcpu, 0x9000, 0, &err), 0);
	ck_assert_fails(ax_vcpu_start(vcpu, 0xa000, 0, &err), -EEXIST, AX_ERROR_ARGUMENT,
			"being started");
	ck_assert_int_eq(ax_vcpu_wait(vcpu, UINT64_MAX, NULL), 0);
	ck_assert_int_eq(ax_vcpu_run(vcpu, &exit, NULL), 0);
	ck_assert_uint_eq(exit.kind, AX_EXIT_NOTHING);
	ck_assert_fails(ax_vcpu_start(vcpu, 0xa000, 0, &err), -EEXIST, AX_ERROR_ARGUMENT,
			"on already");
	fake_push_exit(0, KVM_EXIT_HLT);
	ck_assert_int_eq(ax_vcpu_run(vcpu, &exit, NULL), 0);
	ck_assert_uint_eq(exit.kind, AX_EXIT_HALT);
	ax_vm_destroy(vm);
}
END_TEST

START_TEST(a_kick_of_a_vcpu_that_is_off_is_told_without_running_the_guest)
{
	AxVCpuExitReason exit;

	make_vcpu(AX_IRQCHIP_NONE, AX_SETUP_POWERED_OFF);
	fake_push_exit(0, KVM_EXIT_HLT);
	post_kick();
	ck_assert_int_eq(ax_vcpu_run(vcpu, &exit, NULL), 0);
	ck_assert_uint_eq(exit.kind, AX_EXIT_EXTERNAL_INTERRUPT);
	ck_assert_int_eq(ax_vcpu_run(vcpu, &exit, NULL), -EPERM);
	/* In the loop, too. */
	post_kick();
	ck_assert_int_eq(ax_vcpu_loop(vcpu, &exit, NULL), AX_LOOP_UNHANDLED);
	ck_assert_uint_eq(exit.kind, AX_EXIT_EXTERNAL_INTERRUPT);
	ck_assert_int_eq(ax_vcpu_loop(vcpu, &exit, NULL), AX_LOOP_UNHANDLED);
	ck_assert_uint_eq(exit.kind, AX_EXIT_CPU_DOWN);
	ck_assert_uint_eq(fake_steps_left(0), 1);
	ax_vm_destroy(vm);
}
END_TEST

/* As between the two steps of who posts a request: its bit is set, immediate_exit is not yet. */
START_TEST(a_request_of_which_only_the_bit_is_there_does_not_run_a_guest_that_is_off)
{
	static const uint32_t bits[] = { REQUEST_KICK, REQUEST_EXIT };
	AxVCpuExitReason exit;

	make_vcpu(AX_IRQCHIP_NONE, AX_SETUP_POWERED_OFF);
	fake_push_exit(0, KVM_EXIT_HLT);
	for (unsigned i = 0; i < COUNT(bits); i++) {
		atomic_fetch_or(&vcpu->requests, bits[i]);
		ck_assert_int_eq(ax_vcpu_run(vcpu, &exit, NULL), 0);
		ck_assert_uint_eq(exit.kind, AX_EXIT_NOTHING);
		atomic_fetch_and(&vcpu->requests, ~bits[i]);
		atomic_fetch_or(&vcpu->requests, bits[i]);
		ck_assert_int_eq(ax_vcpu_loop(vcpu, &exit, NULL), AX_LOOP_UNHANDLED);
		ck_assert_uint_eq(exit.kind, AX_EXIT_CPU_DOWN);
	}
	ck_assert_uint_eq(fake_steps_left(0), 1);
	ax_vm_destroy(vm);
}
END_TEST

START_TEST(a_stop_reaches_the_loop_of_a_vcpu_that_is_off)
{
	AxVCpuExitReason exit;

	make_vcpu(AX_IRQCHIP_NONE, AX_SETUP_POWERED_OFF);
	post_stop();
	ck_assert_int_eq(ax_vcpu_wait(vcpu, UINT64_MAX, NULL), 0);
	ck_assert_int_eq(ax_vcpu_loop(vcpu, &exit, NULL), AX_LOOP_VM_STOPPED);
	ck_assert_uint_eq(exit.kind, AX_EXIT_NOTHING);
	ax_vm_destroy(vm);
}
END_TEST

START_TEST(a_failed_start_leaves_the_vcpu_off)
{
	AxVCpuExitReason exit;
	AxError err;

	make_vcpu(AX_IRQCHIP_NONE, AX_SETUP_POWERED_OFF);
	ck_assert_int_eq(ax_vcpu_start(vcpu, 0x9000, 0, NULL), 0);
	fake_fail(KVM_SET_SREGS, 1, EINVAL);
	ck_assert_fails(ax_vcpu_run(vcpu, &exit, &err), -EIO, AX_ERROR_KVM_CALL, "KVM_SET_SREGS");
	ck_assert_int_eq(ax_vcpu_run(vcpu, &exit, NULL), -EPERM);
	ck_assert_int_eq(ax_vcpu_start(vcpu, 0x9000, 0, NULL), 0);
	ck_assert_int_eq(ax_vcpu_run(vcpu, &exit, NULL), 0);
	ax_vm_destroy(vm);
}
END_TEST

static void add_tests(TCase *cases)
{
	tcase_add_loop_test(cases, a_wait_without_reason_ends_at_its_limit, 0, 3);
	tcase_add_loop_test(cases, what_came_before_ends_the_wait_at_once_and_is_not_consumed, 0,
			    COUNT(reasons));
	tcase_add_loop_test(cases, what_comes_while_it_waits_ends_it, 0, COUNT(reasons));
	tcase_add_loop_test(cases, what_concerns_the_loop_alone_is_no_reason, 0, 3);
	tcase_add_test(cases,
		       an_interrupt_that_ends_the_wait_is_delivered_also_beside_other_requests);
	tcase_add_test(cases, an_interrupt_that_cannot_be_taken_does_not_end_the_wait_and_stays);
	tcase_add_test(cases, a_deliverable_interrupt_after_undeliverable_ones_is_not_missed);
	tcase_add_test(cases, a_halt_belongs_to_kvm_where_the_irqchip_does);
	tcase_add_test(cases, a_limit_beyond_all_time_is_none);
	tcase_add_test(cases, other_signals_do_not_end_a_wait);
	tcase_add_test(cases, a_vcpu_that_is_off_is_not_entered_but_waits_for_its_start);
	tcase_add_test(cases, a_kick_of_a_vcpu_that_is_off_is_told_without_running_the_guest);
	tcase_add_test(cases,
		       a_request_of_which_only_the_bit_is_there_does_not_run_a_guest_that_is_off);
	tcase_add_test(cases, a_stop_reaches_the_loop_of_a_vcpu_that_is_off);
	tcase_add_test(cases, a_failed_start_leaves_the_vcpu_off);
}

RUN_SUITE("vcpu wait", add_tests)
