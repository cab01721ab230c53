/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The frame of tests on real KVM; see kvm_test.h.
 */
#include "kvm_test.h"

#include <pthread.h>
#include <signal.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <time.h>

#define WATCHED_MAX	   64
#define LAST_WORDS_SECONDS 5
#define SKIPPED		   77

/* Instrumented guests are no slower, but handlers are. */
#if defined(__SANITIZE_THREAD__) || defined(__SANITIZE_ADDRESS__)
#define PATIENCE 4
#else
#define PATIENCE 1
#endif

/* Shared with the processes in which libcheck runs the tests. */
struct sums {
	atomic_uint runs;
	atomic_uint skips;
};

static struct sums *sums;

static struct {
	pthread_mutex_t lock;
	pthread_cond_t changed;
	pthread_t thread;
	bool ended;
	bool barked;
	unsigned seconds;
	uint64_t deadline;
	AxVm *watched[WATCHED_MAX];
} watchdog = { .lock = PTHREAD_MUTEX_INITIALIZER };

bool kvm_is_instrumented(void)
{
	return PATIENCE > 1;
}

unsigned kvm_rounds(unsigned all, unsigned few)
{
	const char *text = getenv("AXVMM_TEST_SHORT");

	return text && !strcmp(text, "1") ? few : all;
}

uint64_t kvm_now(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (uint64_t)now.tv_sec * 1000000000u + (uint64_t)now.tv_nsec;
}

static void say_where_it_hangs(AxVm *vm)
{
	uint64_t counts[AX_EXIT_KINDS];
	AxVCpu *vcpu;

	for (unsigned i = 0; (vcpu = ax_vm_vcpu_at(vm, i)); i++) {
		fprintf(stderr, "watchdog: vCPU %u is %s, exits:", ax_vcpu_id(vcpu),
			ax_vcpu_state_name(ax_vcpu_state(vcpu)));
		ax_vcpu_exit_counts(vcpu, counts);
		for (unsigned kind = 0; kind < AX_EXIT_KINDS; kind++) {
			if (counts[kind])
				fprintf(stderr, " %s %llu", ax_exit_name(kind),
					(unsigned long long)counts[kind]);
		}
		fprintf(stderr, "\n");
	}
}

/* With the lock held: a VM that is watched is not destroyed meanwhile. */
static void bark(void)
{
	fprintf(stderr, "watchdog: \"%s\" has not ended after %u seconds\n", tcase_name(),
		watchdog.seconds);
	for (unsigned i = 0; i < WATCHED_MAX; i++) {
		if (!watchdog.watched[i])
			continue;
		say_where_it_hangs(watchdog.watched[i]);
		ax_vm_stop(watchdog.watched[i], KVM_TEST_STOPPED);
	}
	watchdog.barked = true;
}

static struct timespec timespec_of(uint64_t ns)
{
	return (struct timespec){ .tv_sec = (time_t)(ns / 1000000000u),
				  .tv_nsec = (long)(ns % 1000000000u) };
}

static void *watch(void *unused)
{
	sigset_t all;

	/* Signals are the test's; but the kick signal, which does nothing, would fill the user's queue. */
	sigfillset(&all);
	sigdelset(&all, SIGRTMIN + 3);
	pthread_sigmask(SIG_SETMASK, &all, NULL);
	pthread_mutex_lock(&watchdog.lock);
	while (!watchdog.ended) {
		struct timespec deadline = timespec_of(watchdog.deadline);

		pthread_cond_timedwait(&watchdog.changed, &watchdog.lock, &deadline);
		if (watchdog.ended || kvm_now() < watchdog.deadline)
			continue;
		if (watchdog.barked) {
			fprintf(stderr, "watchdog: it does not stop, either\n");
			abort();
		}
		bark();
		watchdog.deadline = kvm_now() + LAST_WORDS_SECONDS * UINT64_C(1000000000);
	}
	pthread_mutex_unlock(&watchdog.lock);
	return NULL;
}

/* libcheck's word for a slow machine (valgrind, an emulator) holds for the watchdog, too. */
static unsigned patience(void)
{
	const char *text = getenv("CK_TIMEOUT_MULTIPLIER");
	long factor = text ? strtol(text, NULL, 10) : 1;

	return PATIENCE * (factor > 1 && factor <= 100 ? (unsigned)factor : 1);
}

void kvm_limit(unsigned seconds)
{
	pthread_mutex_lock(&watchdog.lock);
	watchdog.seconds = seconds * patience();
	watchdog.deadline = kvm_now() + watchdog.seconds * UINT64_C(1000000000);
	pthread_cond_signal(&watchdog.changed);
	pthread_mutex_unlock(&watchdog.lock);
}

static void start_watchdog(void)
{
	pthread_condattr_t attr;

	pthread_condattr_init(&attr);
	pthread_condattr_setclock(&attr, CLOCK_MONOTONIC);
	pthread_cond_init(&watchdog.changed, &attr);
	pthread_condattr_destroy(&attr);
	watchdog.ended = false;
	watchdog.barked = false;
	memset(watchdog.watched, 0, sizeof(watchdog.watched));
	kvm_limit(KVM_TEST_SECONDS);
	ck_assert_int_eq(pthread_create(&watchdog.thread, NULL, watch, NULL), 0);
}

static void end_watchdog(void)
{
	pthread_mutex_lock(&watchdog.lock);
	watchdog.ended = true;
	pthread_cond_signal(&watchdog.changed);
	pthread_mutex_unlock(&watchdog.lock);
	pthread_join(watchdog.thread, NULL);
	ck_assert_msg(!watchdog.barked, "the watchdog had to stop it");
}

static void replace_watched(AxVm *from, AxVm *to)
{
	bool found = false;

	pthread_mutex_lock(&watchdog.lock);
	for (unsigned i = 0; i < WATCHED_MAX && !found; i++) {
		found = watchdog.watched[i] == from;
		if (found)
			watchdog.watched[i] = to;
	}
	pthread_mutex_unlock(&watchdog.lock);
	ck_assert_msg(found, "the watchdog's list is full, or does not have this VM");
}

void kvm_watch(AxVm *vm)
{
	replace_watched(NULL, vm);
}

void kvm_unwatch(AxVm *vm)
{
	replace_watched(vm, NULL);
}

TCase *kvm_case(Suite *suite, const char *name)
{
	TCase *tcase = tcase_create(name);

	tcase_add_checked_fixture(tcase, start_watchdog, end_watchdog);
	/*
	 * The watchdog comes first and says more; libcheck's own limit is for a watchdog that
	 * hangs.
	 */
	tcase_set_timeout(tcase, 100 * PATIENCE);
	suite_add_tcase(suite, tcase);
	return tcase;
}

static AX_PRINTF(3, 0) void say(FILE *file, const char *prefix, const char *format, va_list args)
{
	char line[512];

	vsnprintf(line, sizeof(line), format, args);
	fprintf(file, "%s%s\n", prefix, line);
	/* The process may be one of libcheck's, which ends without emptying its buffers. */
	fflush(file);
}

void kvm_skip(const char *format, ...)
{
	va_list args;

	va_start(args, format);
	say(stdout, "SKIP: ", format, args);
	va_end(args);
	atomic_fetch_add(&sums->skips, 1);
}

void kvm_say(const char *format, ...)
{
	va_list args;

	va_start(args, format);
	say(stdout, "", format, args);
	va_end(args);
}

void kvm_count_run(void)
{
	atomic_fetch_add(&sums->runs, 1);
}

bool kvm_is_software(void)
{
	return ax_kvm_kind() == AX_KVM_SOFTWARE;
}

void kvm_check_kind(const AxVCpuExitReason *exit, uint32_t expected, const char *file, int line)
{
	char text[256];

	if (exit->kind == expected)
		return;
	ax_exit_format(exit, text, sizeof(text));
	ck_abort_msg("%s:%d: %s instead of %s", file, line, text, ax_exit_name(expected));
}

/* 0, or the exit status of a program that cannot test. */
static int look_for_kvm(void)
{
	AxError err = AX_ERROR_INIT;
	AxVm *vm;

	if (!ax_vm_create(NULL, &vm, &err)) {
		ax_vm_destroy(vm);
		return 0;
	}
	switch (err.code) {
	case AX_ERROR_KVM_MISSING:
	case AX_ERROR_KVM_PERMISSION:
	case AX_ERROR_KVM_API:
		printf("SKIP: /dev/kvm: %s\n", err.os_errno ? strerror(err.os_errno) : err.message);
		return SKIPPED;
	default: printf("no VM can be created: %s\n", err.message); return EXIT_FAILURE;
	}
}

int kvm_main(Suite *suite)
{
	SRunner *runner = srunner_create(suite);
	int status = look_for_kvm();
	unsigned failed;

	if (status) {
		srunner_free(runner);
		return status;
	}
	sums = mmap(NULL, sizeof(*sums), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	if (sums == MAP_FAILED) {
		perror("mmap");
		return EXIT_FAILURE;
	}
	fflush(stdout);
	srunner_run_all(runner, CK_NORMAL);
	failed = (unsigned)srunner_ntests_failed(runner);
	srunner_free(runner);
	if (sums->runs || sums->skips)
		printf("%u ran, %u skipped\n", sums->runs, sums->skips);
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
