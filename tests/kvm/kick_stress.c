/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Kicks from four threads and from a signal handler, counted: each ax_vcpu_kick() that returned 0
 * is one ExternalInterrupt with its vector, none is lost and none doubled, whatever the guest does.
 */
#include "code.h"

#include <errno.h>
#include <inttypes.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <sys/resource.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#define VECTORS	      256
#define THREADS	      4
#define THREAD_SPAN   200 /* vectors that the threads share */
#define HANDLER_FIRST 200 /* vectors of the signal handler */
#define HANDLER_SPAN  55
#define LAST_VECTOR   255 /* kicked when all others are done: the highest, so it comes last */
#define TIMER_NS      300000
#define TIMER_SIGNAL  (SIGRTMIN + 7)

/*
 * ThreadSanitizer runs handlers late, with all signals blocked, and when another one comes up
 * meanwhile it restores that mask for good: on the owner's thread the kick never arrives then.
 */
#ifdef __SANITIZE_THREAD__
#define OWNER_TAKES_TIMER false
#else
#define OWNER_TAKES_TIMER true
#endif

/* A signal handler has no argument of its own. */
static struct {
	AxVCpu *vcpu;
	atomic_uint sent[VECTORS]; /* kicks that returned 0 */
	atomic_uint handler_runs;
	unsigned received[VECTORS];
	atomic_uint nothings;
	pthread_t owner;
	atomic_bool owner_runs;
	_Atomic pid_t owner_tid;
} stress;

/* Returns whether it was newly set. */
static bool kick(unsigned vector)
{
	int ret = ax_vcpu_kick(stress.vcpu, vector);

	if (!ret)
		atomic_fetch_add(&stress.sent[vector], 1);
	else if (ret != 1)
		abort();
	return !ret;
}

static void on_timer(int signal)
{
	kick(HANDLER_FIRST + atomic_fetch_add(&stress.handler_runs, 1) % HANDLER_SPAN);
}

/* Kicks of each thread that were not waiting already. */
static unsigned new_each(void)
{
	return kvm_rounds(2000, 500);
}

/* Threads kick the same vectors, in different orders. */
static void *kick_many(void *opaque)
{
	unsigned step = 2 * *(unsigned *)opaque + 7;
	unsigned vector = *(unsigned *)opaque, fresh = 0, enough = new_each();

	while (fresh < enough) {
		if (kick(vector))
			fresh++;
		else
			sched_yield(); /* to the owner, who has to keep up */
		vector = (vector + step) % THREAD_SPAN;
	}
	return NULL;
}

/* Where the handler runs: on the main thread, or on the owner's (SIGEV_THREAD_ID). */
static void block_timer(int how)
{
	sigset_t set;

	sigemptyset(&set);
	sigaddset(&set, TIMER_SIGNAL);
	pthread_sigmask(how, &set, NULL);
}

static timer_t start_timer(bool on_owner)
{
	struct sigaction action = { .sa_handler = on_timer, .sa_flags = SA_RESTART };
	struct sigevent event = { .sigev_signo = TIMER_SIGNAL, .sigev_notify = SIGEV_SIGNAL };
	struct itimerspec interval = { { 0, TIMER_NS }, { 0, TIMER_NS } };
	timer_t timer;

	ck_assert_int_eq(sigaction(TIMER_SIGNAL, &action, NULL), 0);
	if (on_owner) {
		event.sigev_notify = SIGEV_THREAD_ID;
		event._sigev_un._tid = atomic_load(&stress.owner_tid);
	}
	ck_assert_int_eq(timer_create(CLOCK_MONOTONIC, &event, &timer), 0);
	ck_assert_int_eq(timer_settime(timer, 0, &interval, NULL), 0);
	return timer;
}

/* The owner's side: how a kick comes to light. Returns true for the last one. */
static bool receive(uint64_t vector)
{
	ck_assert_uint_lt(vector, VECTORS);
	__atomic_fetch_add(&stress.received[vector], 1, __ATOMIC_RELAXED);
	return vector == LAST_VECTOR;
}

static void say_who_owns(void)
{
	if (OWNER_TAKES_TIMER)
		block_timer(SIG_UNBLOCK);
	atomic_store(&stress.owner_tid, (pid_t)syscall(SYS_gettid));
	atomic_store(&stress.owner_runs, true);
}

static void *own_by_hand(void *unused)
{
	AxError err = AX_ERROR_INIT;
	AxVCpuExitReason exit;
	bool last = false;

	ck_ok(ax_vcpu_bind(stress.vcpu, AX_ANY_CPU, &err), err);
	say_who_owns();
	while (!last) {
		ck_ok(ax_vcpu_run(stress.vcpu, &exit, &err), err);
		switch (exit.kind) {
		case AX_EXIT_EXTERNAL_INTERRUPT:
			last = receive(exit.external_interrupt.vector);
			break;
		case AX_EXIT_NOTHING: atomic_fetch_add(&stress.nothings, 1); break;
		case AX_EXIT_MMIO_WRITE: break;
		case AX_EXIT_HALT: ck_ok(ax_vcpu_wait(stress.vcpu, UINT64_MAX, &err), err); break;
		default: ck_exit_kind(&exit, AX_EXIT_EXTERNAL_INTERRUPT);
		}
	}
	ck_ok(ax_vcpu_unbind(stress.vcpu, &err), err);
	return NULL;
}

static AxHandled on_interrupt(AxVCpu *vcpu, void *opaque, uint64_t vector)
{
	ck_assert_ptr_eq(vcpu, stress.vcpu);
	return receive(vector) ? AX_STOP : AX_HANDLED;
}

static const AxEventOps event_ops = { .size = sizeof(event_ops), .interrupt = on_interrupt };

static void *own_by_vm_run(void *unused)
{
	AxVmResult result = AX_VM_RESULT_INIT;
	AxError err = AX_ERROR_INIT;

	say_who_owns();
	ck_ok(ax_vm_run(ax_vcpu_vm(stress.vcpu), &result, &err), err);
	ck_assert_uint_eq(result.end, AX_VM_END_HANDLER);
	ck_exit_kind(&result.exit, AX_EXIT_EXTERNAL_INTERRUPT);
	return NULL;
}

static void check_sums(void)
{
	uint64_t counts[AX_EXIT_KINDS];
	uint64_t total = 0;

	for (unsigned vector = 0; vector < VECTORS; vector++) {
		ck_assert_msg(stress.received[vector] == stress.sent[vector],
			      "vector %u: %u kicks were newly set, %u arrived", vector,
			      stress.sent[vector], stress.received[vector]);
		total += stress.received[vector];
	}
	ck_assert_uint_ge(total, THREADS * new_each());
	ax_vcpu_exit_counts(stress.vcpu, counts);
	ck_assert_uint_eq(counts[AX_EXIT_EXTERNAL_INTERRUPT], total);
}

/* Kick a vCPU that @own runs, from everywhere. */
static void stress_guest(const struct code_vm *vm, void *(*own)(void *), bool handler_on_owner)
{
	unsigned numbers[THREADS] = { 0, 1, 2, 3 };
	pthread_t threads[THREADS];
	timer_t timer;

	memset(&stress, 0, sizeof(stress));
	stress.vcpu = vm->vcpu;
	if (!OWNER_TAKES_TIMER)
		block_timer(SIG_BLOCK); /* in the owner, which inherits it */
	ck_assert_int_eq(pthread_create(&stress.owner, NULL, own, NULL), 0);
	while (!atomic_load(&stress.owner_runs))
		sched_yield();
	block_timer(SIG_BLOCK); /* in the threads, which inherit it */
	timer = start_timer(handler_on_owner);
	for (unsigned i = 0; i < THREADS; i++)
		ck_assert_int_eq(pthread_create(&threads[i], NULL, kick_many, &numbers[i]), 0);
	block_timer(SIG_UNBLOCK);
	for (unsigned i = 0; i < THREADS; i++)
		pthread_join(threads[i], NULL);
	/* The handler has to have had its share, too. */
	while (atomic_load(&stress.handler_runs) < 100)
		sched_yield();
	timer_delete(timer);
	/*
	 * One that is on its way kicks no more. One that runs is on this thread, or the owner's:
	 * before the last kick.
	 */
	signal(TIMER_SIGNAL, SIG_IGN);
	kick(LAST_VECTOR);
	pthread_join(stress.owner, NULL);
	check_sums();
	kvm_count_run();
}

static const struct {
	const char *guest;
	void *(*own)(void *);
	bool handler_on_owner;
} cases[] = {
	{ "spin", own_by_hand, false },	  { "spin", own_by_hand, true },
	{ "spin", own_by_vm_run, false }, { "write", own_by_hand, false },
	{ "write", own_by_hand, true },	  { "write", own_by_vm_run, false },
	{ "write", own_by_vm_run, true }, { "halt", own_by_hand, false },
	{ "halt", own_by_vm_run, false }, { "halt", own_by_vm_run, true },
};

static struct code code_of(const char *guest)
{
	if (!strcmp(guest, "spin"))
		return CODE(spin);
	return strcmp(guest, "write") ? CODE(halt) : CODE(write_mmio);
}

START_TEST(no_kick_is_lost_or_doubled)
{
	bool halts = !strcmp(cases[_i].guest, "halt");
	AxError err = AX_ERROR_INIT;
	struct code_vm vm;

	if (cases[_i].handler_on_owner && !OWNER_TAKES_TIMER) {
		kvm_skip("signal handlers on the vCPU's thread: ThreadSanitizer loses its mask");
		return;
	}
	code_open(&vm, NULL, code_of(cases[_i].guest));
	code_set_word(&vm, 0, 1, halts ? CODE_IRQCHIP_NONE : CODE_MMIO);
	ck_ok(ax_event_set(vm.vm, &event_ops, NULL, &err), err);
	stress_guest(&vm, cases[_i].own, cases[_i].handler_on_owner);
	/* In a whole VM a kick is no interrupt: the guest sleeps on. */
	if (halts && cases[_i].own == own_by_vm_run)
		ck_assert_uint_eq(code_word(&vm, 0, 0), 0);
	code_close(&vm);
}
END_TEST

START_TEST(kicks_before_the_entry_count_lowest_first)
{
	static const unsigned in_order[] = { 0, 3, 63, 64, 127, 200, 255 };
	static const unsigned kicked[] = { 200, 3, 255, 64, 127, 0, 63 };
	AxError err = AX_ERROR_INIT;
	AxVCpuExitReason exit;
	struct code_vm vm;

	code_open(&vm, NULL, CODE(write_mmio));
	code_set_word(&vm, 0, 1, CODE_MMIO);
	for (unsigned i = 0; i < 7; i++)
		ck_assert_int_eq(ax_vcpu_kick(vm.vcpu, kicked[i]), 0);
	ck_assert_int_eq(ax_vcpu_kick(vm.vcpu, 3), 1);
	ck_assert_int_eq(ax_vcpu_kick(vm.vcpu, 256), -EINVAL);
	ck_ok(ax_vcpu_bind(vm.vcpu, AX_ANY_CPU, &err), err);
	for (unsigned i = 0; i < 7; i++) {
		ck_ok(ax_vcpu_run(vm.vcpu, &exit, &err), err);
		ck_exit_kind(&exit, AX_EXIT_EXTERNAL_INTERRUPT);
		ck_assert_uint_eq(exit.external_interrupt.vector, in_order[i]);
	}
	/* Not an instruction was executed; now the guest goes. */
	ck_assert_uint_eq(code_word(&vm, 0, 0), 0);
	ck_ok(ax_vcpu_run(vm.vcpu, &exit, &err), err);
	ck_exit_kind(&exit, AX_EXIT_MMIO_WRITE);
	code_close(&vm);
}
END_TEST

START_TEST(settling_does_not_take_a_kick)
{
	AxError err = AX_ERROR_INIT;
	AxVCpuExitReason exit;
	struct code_vm vm;

	code_open(&vm, NULL, CODE(write_mmio));
	code_set_word(&vm, 0, 1, CODE_MMIO);
	ck_ok(ax_vcpu_bind(vm.vcpu, AX_ANY_CPU, &err), err);
	for (unsigned i = 0; i < 100; i++) {
		ck_ok(ax_vcpu_run(vm.vcpu, &exit, &err), err);
		ck_exit_kind(&exit, AX_EXIT_MMIO_WRITE);
		ck_assert_int_eq(ax_vcpu_kick(vm.vcpu, i), 0);
		ck_assert_int_eq(ax_vcpu_settle(vm.vcpu, &exit, &err), 0);
		ck_ok(ax_vcpu_run(vm.vcpu, &exit, &err), err);
		ck_exit_kind(&exit, AX_EXIT_EXTERNAL_INTERRUPT);
		ck_assert_uint_eq(exit.external_interrupt.vector, i);
	}
	ck_assert_uint_eq(code_word(&vm, 0, 0), 100);
	code_close(&vm);
}
END_TEST

START_TEST(a_signal_without_a_kick_is_nothing)
{
	uint64_t counts[AX_EXIT_KINDS];
	struct code_vm vm;

	code_open(&vm, NULL, CODE(spin));
	memset(&stress, 0, sizeof(stress));
	stress.vcpu = vm.vcpu;
	ck_assert_int_eq(pthread_create(&stress.owner, NULL, own_by_hand, NULL), 0);
	code_wait_word(&vm, 0, 0, 1);
	for (unsigned i = 1; i <= 20; i++) {
		pthread_kill(stress.owner, SIGRTMIN + 3);
		while (atomic_load(&stress.nothings) < i)
			sched_yield();
		/* Until it is in the guest again: a signal before that interrupts no KVM_RUN. */
		code_wait_word(&vm, 0, 0, code_word(&vm, 0, 0) + 1000);
	}
	ck_assert_int_eq(ax_vcpu_kick(vm.vcpu, LAST_VECTOR), 0);
	pthread_join(stress.owner, NULL);
	ck_assert_uint_ge(stress.nothings, 20);
	ax_vcpu_exit_counts(vm.vcpu, counts);
	ck_assert_uint_eq(counts[AX_EXIT_EXTERNAL_INTERRUPT], 1);
	ck_assert_uint_eq(counts[AX_EXIT_NOTHING], stress.nothings);
	code_close(&vm);
}
END_TEST

/* As when some thread of the user's blocks a signal that many send it. */
START_TEST(a_kick_arrives_though_no_signal_can_be_queued)
{
	struct rlimit limit, none;
	struct code_vm vm;

	code_open(&vm, NULL, CODE(spin));
	memset(&stress, 0, sizeof(stress));
	stress.vcpu = vm.vcpu;
	ck_assert_int_eq(pthread_create(&stress.owner, NULL, own_by_hand, NULL), 0);
	code_wait_word(&vm, 0, 0, 1);
	ck_assert_int_eq(getrlimit(RLIMIT_SIGPENDING, &limit), 0);
	none = limit;
	none.rlim_cur = 0;
	ck_assert_int_eq(setrlimit(RLIMIT_SIGPENDING, &none), 0);
	ck_assert_int_eq(pthread_kill(stress.owner, SIGRTMIN + 3), EAGAIN);
	for (unsigned i = 0; i < LAST_VECTOR; i++) {
		ck_assert_int_eq(ax_vcpu_kick(vm.vcpu, i), 0);
		while (!__atomic_load_n(&stress.received[i], __ATOMIC_RELAXED))
			sched_yield();
		/* In the guest again. */
		if (i % 16 == 0)
			code_wait_word(&vm, 0, 0, code_word(&vm, 0, 0) + 1000);
	}
	ck_assert_int_eq(ax_vcpu_kick(vm.vcpu, LAST_VECTOR), 0);
	pthread_join(stress.owner, NULL);
	/* libcheck makes a timer, too. */
	ck_assert_int_eq(setrlimit(RLIMIT_SIGPENDING, &limit), 0);
	code_close(&vm);
}
END_TEST

/* _i: whether the vCPU waits because it is off, or because it halted. */
START_TEST(a_kick_ends_a_wait_and_is_still_there)
{
	AxError err = AX_ERROR_INIT;
	AxVCpuExitReason exit;
	struct code_vm vm;

	if (!_i && strcmp(ax_arch_name(), "x86-64") != 0) {
		kvm_skip("waiting for the end of a halt: on %s the guest halts inside KVM",
			 ax_arch_name());
		return;
	}
	code_open(&vm, NULL, CODE(halt));
	ck_ok(ax_vcpu_bind(vm.vcpu, AX_ANY_CPU, &err), err);
	if (_i) {
		ck_ok(ax_vcpu_power_off(vm.vcpu, &err), err);
	} else {
		ck_ok(ax_vcpu_run(vm.vcpu, &exit, &err), err);
		ck_exit_kind(&exit, AX_EXIT_HALT);
	}
	ck_assert_int_eq(ax_vcpu_wait(vm.vcpu, 2000000, &err), -ETIMEDOUT);
	ck_assert_int_eq(ax_vcpu_kick(vm.vcpu, 77), 0);
	ck_ok(ax_vcpu_wait(vm.vcpu, UINT64_MAX, &err), err);
	ck_ok(ax_vcpu_run(vm.vcpu, &exit, &err), err);
	ck_exit_kind(&exit, AX_EXIT_EXTERNAL_INTERRUPT);
	ck_assert_uint_eq(exit.external_interrupt.vector, 77);
	code_close(&vm);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("kick_stress");
	TCase *stressed = kvm_case(suite, "stress");
	TCase *single = kvm_case(suite, "single kicks");

	tcase_add_loop_test(stressed, no_kick_is_lost_or_doubled, 0,
			    (int)(sizeof(cases) / sizeof(cases[0])));
	tcase_add_test(single, kicks_before_the_entry_count_lowest_first);
	tcase_add_test(single, settling_does_not_take_a_kick);
	tcase_add_test(single, a_signal_without_a_kick_is_nothing);
	tcase_add_test(single, a_kick_arrives_though_no_signal_can_be_queued);
	tcase_add_loop_test(single, a_kick_ends_a_wait_and_is_still_there, 0, 2);
	return kvm_main(suite);
}
