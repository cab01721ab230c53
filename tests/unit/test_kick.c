/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Kicks: each vector once, lowest first, none lost and none doubled, whoever kicks and whenever.
 */
#include <signal.h>
#include <sys/time.h>

#include "tests/unit/run_fixture.h"

static AxVm *vm;
static AxVCpu *vcpu;

static void make_vcpu(void)
{
	vm = new_vm(AX_IRQCHIP_NONE);
	vcpu = ready_vcpu(vm, 0);
}

/* The next exit is ExternalInterrupt with this vector. */
static void assert_kick(unsigned vector)
{
	AxVCpuExitReason exit;

	ck_assert_int_eq(ax_vcpu_run(vcpu, &exit, NULL), 0);
	ck_assert_uint_eq(exit.kind, AX_EXIT_EXTERNAL_INTERRUPT);
	ck_assert_uint_eq(exit.external_interrupt.vector, vector);
}

static void assert_no_kick(void)
{
	AxVCpuExitReason exit;

	fake_push_exit(0, KVM_EXIT_HLT);
	ck_assert_int_eq(ax_vcpu_run(vcpu, &exit, NULL), 0);
	ck_assert_uint_eq(exit.kind, AX_EXIT_HALT);
}

START_TEST(a_vector_is_told_once_and_only_once_however_often_it_is_kicked)
{
	make_vcpu();
	ck_assert_int_eq(ax_vcpu_kick(vcpu, 42), 0);
	ck_assert_int_eq(ax_vcpu_kick(vcpu, 42), 1);
	ck_assert_int_eq(ax_vcpu_kick(vcpu, 42), 1);
	assert_kick(42);
	assert_no_kick();
	ck_assert_int_eq(ax_vcpu_kick(vcpu, 42), 0);
	assert_kick(42);
	assert_no_kick();
	ax_vm_destroy(vm);
}
END_TEST

START_TEST(vectors_come_lowest_first_each_in_an_exit_of_its_own)
{
	static const unsigned order[] = { 255, 64, 0, 128, 63, 192, 127, 1, 191 };
	static const unsigned sorted[] = { 0, 1, 63, 64, 127, 128, 191, 192, 255 };

	make_vcpu();
	fake_push_exit(0, KVM_EXIT_SHUTDOWN);
	for (unsigned i = 0; i < COUNT(order); i++)
		ck_assert_int_eq(ax_vcpu_kick(vcpu, order[i]), 0);
	for (unsigned i = 0; i < COUNT(sorted); i++)
		assert_kick(sorted[i]);
	/* No step of the guest was taken for them. */
	ck_assert_uint_eq(fake_steps_left(0), 1);
	ax_vm_destroy(vm);
}
END_TEST

START_TEST(all_256_vectors_wait_at_once)
{
	make_vcpu();
	for (unsigned i = 256; i > 0; i--)
		ck_assert_int_eq(ax_vcpu_kick(vcpu, i - 1), 0);
	for (unsigned i = 0; i < 256; i++)
		assert_kick(i);
	assert_no_kick();
	ax_vm_destroy(vm);
}
END_TEST

START_TEST(a_vector_past_255_is_refused)
{
	static const unsigned bad[] = { 256, 1000, UINT32_MAX };

	make_vcpu();
	ck_assert_int_eq(ax_vcpu_kick(vcpu, bad[_i]), -EINVAL);
	assert_no_kick();
	ax_vm_destroy(vm);
}
END_TEST

START_TEST(a_kick_before_the_vcpu_is_bound_counts)
{
	AxVCpuSetup setup = AX_VCPU_SETUP_INIT;

	vm = new_vm(AX_IRQCHIP_NONE);
	vcpu = new_vcpu(vm, 0);
	ck_assert_int_eq(ax_vcpu_kick(vcpu, 5), 0);
	ck_assert_int_eq(ax_vcpu_setup(vcpu, &setup, NULL), 0);
	ck_assert_int_eq(ax_vcpu_kick(vcpu, 6), 0);
	ck_assert_int_eq(ax_vcpu_bind(vcpu, AX_ANY_CPU, NULL), 0);
	assert_kick(5);
	assert_kick(6);
	ax_vm_destroy(vm);
}
END_TEST

START_TEST(a_kick_is_told_without_a_handler_and_to_it_where_there_is_one)
{
	AxVCpuExitReason exit;

	make_vcpu();
	ck_assert_int_eq(ax_vcpu_kick(vcpu, 7), 0);
	ck_assert_int_eq(ax_vcpu_loop(vcpu, &exit, NULL), AX_LOOP_UNHANDLED);
	ck_assert_uint_eq(exit.kind, AX_EXIT_EXTERNAL_INTERRUPT);
	ck_assert_uint_eq(exit.external_interrupt.vector, 7);
	ck_assert_uint_eq(exit.vcpu, 0);
	ax_vm_destroy(vm);
}
END_TEST

/* From a signal handler, on the vCPU's own thread, inside KVM_RUN and outside. */

static volatile sig_atomic_t errno_kept = 1;

static void on_alarm(int signal)
{
	int before = errno;

	(void)signal;
	ax_vcpu_kick(vcpu, 77);
	if (errno != before)
		errno_kept = 0;
}

static int raise_inside(struct kvm_run *run, void *arg)
{
	(void)arg;
	raise(SIGALRM);
	return fake_spin(run);
}

START_TEST(a_signal_handler_may_kick_its_own_threads_vcpu)
{
	struct sigaction action = { .sa_handler = on_alarm };

	make_vcpu();
	sigaction(SIGALRM, &action, NULL);
	raise(SIGALRM); /* outside */
	assert_kick(77);
	fake_push(0, raise_inside, NULL);
	assert_kick(77);
	assert_no_kick();
	ck_assert(errno_kept);
	ax_vm_destroy(vm);
}
END_TEST

START_TEST(the_embedders_own_handler_of_the_signal_is_left_alone)
{
	struct sigaction action = { .sa_handler = on_alarm }, after;
	AxVmOptions options = AX_VM_OPTIONS_INIT;

	options.kick_signal = SIGUSR1;
	sigaction(SIGUSR1, &action, NULL);
	ck_assert_int_eq(ax_vm_create(&options, &vm, NULL), 0);
	sigaction(SIGUSR1, NULL, &after);
	ck_assert(after.sa_handler == on_alarm);
	vcpu = ready_vcpu(vm, 0);
	raise(SIGUSR1);
	assert_kick(77);
	ax_vm_destroy(vm);
}
END_TEST

START_TEST(a_signal_that_would_end_the_process_gets_an_empty_handler)
{
	static void (*const dispositions[])(int) = { SIG_DFL, SIG_IGN };
	struct sigaction action = { .sa_handler = dispositions[_i] }, after;
	AxVmOptions options = AX_VM_OPTIONS_INIT;

	options.kick_signal = SIGUSR2;
	sigaction(SIGUSR2, &action, NULL);
	ck_assert_int_eq(ax_vm_create(&options, &vm, NULL), 0);
	ax_vm_destroy(vm);
	sigaction(SIGUSR2, NULL, &after);
	ck_assert(after.sa_handler != SIG_DFL && after.sa_handler != SIG_IGN);
	raise(SIGUSR2); /* the process lives */
}
END_TEST

START_TEST(a_signal_that_takes_no_handler_is_refused)
{
	static const int signals[] = { SIGKILL, SIGSTOP, 1000 };
	AxVmOptions options = AX_VM_OPTIONS_INIT;
	AxError err = AX_ERROR_INIT;

	options.kick_signal = signals[_i];
	ck_assert_int_eq(ax_vm_create(&options, &vm, &err), -EINVAL);
	ck_assert_int_eq(err.code, AX_ERROR_ARGUMENT);
}
END_TEST

/* Many at once: what each kick said (0: newly set) against what came out. */

#define KICKERS 4
#define ROUNDS	3000
#define LAST	255 /* the controller's own */

static atomic_uint set[256];
static unsigned got[256];
static atomic_bool kickers_done;

static void kick_and_count(unsigned vector)
{
	if (!ax_vcpu_kick(vcpu, vector))
		atomic_fetch_add(&set[vector], 1);
}

static void *kicker(void *arg)
{
	const struct timespec pause = { .tv_nsec = 50000 };
	unsigned seed = (unsigned)(uintptr_t)arg;

	for (unsigned i = 0; i < ROUNDS; i++) {
		/* Few vectors, so that they meet; now and then a pause, so that the guest spins. */
		kick_and_count((unsigned)rand_r(&seed) % 8 * 32);
		if (rand_r(&seed) % 16 == 0)
			nanosleep(&pause, NULL);
	}
	return NULL;
}

static void on_alarm_count(int signal)
{
	static atomic_uint vector;

	(void)signal;
	if (!kickers_done)
		kick_and_count(40 + atomic_fetch_add(&vector, 1) % 3);
}

static void *controller(void *arg)
{
	struct itimerval never = { 0 };
	pthread_t threads[KICKERS];

	(void)arg;
	for (unsigned i = 0; i < KICKERS; i++)
		ck_assert_int_eq(
			pthread_create(&threads[i], NULL, kicker, (void *)(uintptr_t)(i + 1)), 0);
	for (unsigned i = 0; i < KICKERS; i++)
		pthread_join(threads[i], NULL);
	kickers_done = true;
	setitimer(ITIMER_REAL, &never, NULL);
	sleep_ms(10); /* an alarm that is on its way */
	kick_and_count(LAST);
	return NULL;
}

static void begin_kicking(pthread_t *thread)
{
	struct sigaction action = { .sa_handler = on_alarm_count, .sa_flags = SA_RESTART };
	struct itimerval often = { .it_interval = { .tv_usec = 500 },
				   .it_value = { .tv_usec = 500 } };

	sigaction(SIGALRM, &action, NULL);
	ck_assert_int_eq(pthread_create(thread, NULL, controller, NULL), 0);
	/*
	 * ThreadSanitizer runs handlers late, with all signals blocked, and when another one comes
	 * up meanwhile it restores that mask for good: the kick never arrives then.
	 */
#ifndef __SANITIZE_THREAD__
	setitimer(ITIMER_REAL, &often, NULL);
#else
	(void)often;
#endif
}

static void assert_none_lost_or_doubled(void)
{
	unsigned total = 0;

	for (unsigned i = 0; i < 256; i++) {
		ck_assert_msg(got[i] == set[i], "vector %u: kicked %u times, told %u times", i,
			      set[i], got[i]);
		total += got[i];
	}
	ck_assert_uint_gt(total, 50);
}

START_TEST(kicks_of_four_threads_and_a_signal_handler_are_all_told_by_hand)
{
	AxVCpuExitReason exit;
	pthread_t thread;

	make_vcpu();
	begin_kicking(&thread);
	while (!got[LAST]) {
		ck_assert_int_eq(ax_vcpu_run(vcpu, &exit, NULL), 0);
		if (exit.kind == AX_EXIT_EXTERNAL_INTERRUPT)
			got[exit.external_interrupt.vector]++;
		else
			ck_assert_uint_eq(exit.kind, AX_EXIT_NOTHING);
	}
	pthread_join(thread, NULL);
	assert_none_lost_or_doubled();
	ax_vm_destroy(vm);
}
END_TEST

static AxHandled count_kick(AxVCpu *caller, void *opaque, uint64_t vector)
{
	(void)caller;
	(void)opaque;
	got[vector]++;
	return vector == LAST ? AX_STOP : AX_HANDLED;
}

/* A guest that makes exits, so that kicks meet every moment of the loop. */
static int busy_guest(struct kvm_run *run, void *arg)
{
	unsigned *count = arg;

	if (++*count % 16 == 0)
		return fake_spin(run);
	run->exit_reason = KVM_EXIT_MMIO;
	run->mmio.phys_addr = 0x1000;
	run->mmio.len = 4;
	run->mmio.is_write = *count & 1;
	return 0;
}

START_TEST(kicks_of_four_threads_and_a_signal_handler_are_all_told_in_the_loop)
{
	static const AxEventOps ops = { .size = sizeof(AxEventOps), .interrupt = count_kick };
	AxVCpuExitReason exit;
	unsigned count = 0;
	pthread_t thread;

	make_vcpu();
	ck_assert_int_eq(ax_event_set(vm, &ops, NULL, NULL), 0);
	fake_set_guest(0, busy_guest, &count);
	begin_kicking(&thread);
	ck_assert_int_eq(ax_vcpu_loop(vcpu, &exit, NULL), AX_LOOP_STOPPED);
	pthread_join(thread, NULL);
	assert_none_lost_or_doubled();
	ax_vm_destroy(vm);
}
END_TEST

/* The owner settles between entries, and waits now and then: neither consumes a kick. */
START_TEST(kicks_are_all_told_to_who_settles_and_waits_in_between)
{
	AxVCpuExitReason exit;
	unsigned count = 0;
	pthread_t thread;

	make_vcpu();
	fake_set_guest(0, busy_guest, &count);
	begin_kicking(&thread);
	while (!got[LAST]) {
		ck_assert_int_eq(ax_vcpu_run(vcpu, &exit, NULL), 0);
		if (exit.kind == AX_EXIT_EXTERNAL_INTERRUPT)
			got[exit.external_interrupt.vector]++;
		ck_assert_int_eq(ax_vcpu_settle(vcpu, &exit, NULL), 0);
		if (count % 8 == 0)
			(void)ax_vcpu_wait(vcpu, 1000, NULL);
	}
	pthread_join(thread, NULL);
	assert_none_lost_or_doubled();
	ax_vm_destroy(vm);
}
END_TEST

START_TEST(kicks_of_a_vm_that_runs_are_all_told_also_to_a_halted_vcpu)
{
	static const AxEventOps ops = { .size = sizeof(AxEventOps), .interrupt = count_kick };
	pthread_t thread;

	vm = new_vm(AX_IRQCHIP_NONE);
	vcpu = free_vcpu(vm, 0, 0);
	ck_assert_int_eq(ax_event_set(vm, &ops, NULL, NULL), 0);
	push_halt(0, true);
	begin_kicking(&thread);
	ck_assert_uint_eq(run_vm(vm).end, AX_VM_END_HANDLER);
	pthread_join(thread, NULL);
	assert_none_lost_or_doubled();
	ck_assert_uint_le(fake_entries(0) - fake_immediate_exits(0), 2);
	ax_vm_destroy(vm);
}
END_TEST

/* Requests of the loop that are posted while ax_vcpu_run() is used. */

START_TEST(a_stop_while_running_by_hand_ends_the_next_loop)
{
	AxVCpuExitReason exit;

	make_vcpu();
	ax_vm_stop(vm, 3);
	fake_push_exit(0, KVM_EXIT_HLT);
	ck_assert_int_eq(ax_vcpu_run(vcpu, &exit, NULL), 0);
	ck_assert_uint_eq(exit.kind, AX_EXIT_NOTHING);
	ck_assert_int_eq(ax_vcpu_run(vcpu, &exit, NULL), 0);
	ck_assert_uint_eq(exit.kind, AX_EXIT_HALT);
	for (unsigned i = 0; i < 2; i++) {
		ck_assert_int_eq(ax_vcpu_loop(vcpu, &exit, NULL), AX_LOOP_VM_STOPPED);
		ck_assert_uint_eq(exit.kind, AX_EXIT_NOTHING);
		ck_assert_uint_eq(exit.vcpu, 0);
	}
	ax_vm_destroy(vm);
}
END_TEST

START_TEST(a_kick_and_a_stop_at_once_are_both_told)
{
	AxVCpuExitReason exit;

	make_vcpu();
	ck_assert_int_eq(ax_vcpu_kick(vcpu, 1), 0);
	ax_vm_stop(vm, 3);
	ck_assert_int_eq(ax_vcpu_loop(vcpu, &exit, NULL), AX_LOOP_VM_STOPPED);
	assert_kick(1);
	ax_vm_destroy(vm);
}
END_TEST

static void *pause_and_resume(void *arg)
{
	(void)arg;
	wait_until(fake_entries(0));
	ck_assert_int_eq(ax_vm_pause(vm, NULL), 0); /* not held: it is not in the loop */
	ck_assert_int_eq(ax_vcpu_kick(vcpu, 9), 0);
	ck_assert_int_eq(ax_vm_resume(vm, NULL), 0);
	return NULL;
}

START_TEST(a_pause_does_not_wait_for_who_runs_by_hand)
{
	AxVCpuExitReason exit;
	pthread_t thread;

	make_vcpu();
	ck_assert_int_eq(pthread_create(&thread, NULL, pause_and_resume, NULL), 0);
	do {
		ck_assert_int_eq(ax_vcpu_run(vcpu, &exit, NULL), 0);
	} while (exit.kind == AX_EXIT_NOTHING);
	ck_assert_uint_eq(exit.external_interrupt.vector, 9);
	pthread_join(thread, NULL);
	ax_vm_destroy(vm);
}
END_TEST

static void add_tests(TCase *cases)
{
	tcase_add_test(cases, a_vector_is_told_once_and_only_once_however_often_it_is_kicked);
	tcase_add_test(cases, vectors_come_lowest_first_each_in_an_exit_of_its_own);
	tcase_add_test(cases, all_256_vectors_wait_at_once);
	tcase_add_loop_test(cases, a_vector_past_255_is_refused, 0, 3);
	tcase_add_test(cases, a_kick_before_the_vcpu_is_bound_counts);
	tcase_add_test(cases, a_kick_is_told_without_a_handler_and_to_it_where_there_is_one);
	tcase_add_test(cases, a_signal_handler_may_kick_its_own_threads_vcpu);
	tcase_add_test(cases, the_embedders_own_handler_of_the_signal_is_left_alone);
	tcase_add_loop_test(cases, a_signal_that_would_end_the_process_gets_an_empty_handler, 0, 2);
	tcase_add_loop_test(cases, a_signal_that_takes_no_handler_is_refused, 0, 3);
	tcase_add_test(cases, kicks_of_four_threads_and_a_signal_handler_are_all_told_by_hand);
	tcase_add_test(cases, kicks_of_four_threads_and_a_signal_handler_are_all_told_in_the_loop);
	tcase_add_test(cases, kicks_are_all_told_to_who_settles_and_waits_in_between);
	tcase_add_test(cases, kicks_of_a_vm_that_runs_are_all_told_also_to_a_halted_vcpu);
	tcase_add_test(cases, a_stop_while_running_by_hand_ends_the_next_loop);
	tcase_add_test(cases, a_kick_and_a_stop_at_once_are_both_told);
	tcase_add_test(cases, a_pause_does_not_wait_for_who_runs_by_hand);
}

RUN_SUITE("kick", add_tests)
