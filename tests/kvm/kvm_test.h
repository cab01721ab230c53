/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What every test on real KVM has in common: whether there is a KVM, a watchdog over each test,
 * skips that are counted, and failures of the library shown with their message.
 *
 * Nothing here knows an architecture.
 */
#ifndef AXVMM_TESTS_KVM_KVM_TEST_H
#define AXVMM_TESTS_KVM_KVM_TEST_H

#include <check.h>
#include <stdbool.h>
#include <stdint.h>

#include <axvmm/axvmm.h>
#include <axvmm/probe.h>

/* A test case in which every test runs under the watchdog. Added to @suite. */
TCase *kvm_case(Suite *suite, const char *name);

/*
 * Run @suite. Where /dev/kvm cannot be used: one line that says why, and 77. CK_FORK in the
 * environment says as always whether each test gets a process of its own.
 *
 * @return the program's exit status
 */
int kvm_main(Suite *suite);

/* What a test has at most, in seconds; four times as much when built with a sanitizer. */
#define KVM_TEST_SECONDS 20

/*
 * The watchdog. When a test has not ended after its time, it says so with the state of the VMs that
 * it watches, stops them with KVM_TEST_STOPPED, so that a guest that hangs becomes a failed
 * assertion, and ends the process when even that does not help within five seconds.
 */
#define KVM_TEST_STOPPED (-77)

/*
 * Watch a VM from now on, and no longer: before it is destroyed. At most 64 at a time. Any thread.
 */
void kvm_watch(AxVm *vm);
void kvm_unwatch(AxVm *vm);

/* Start the test's time anew: for a test that takes longer than KVM_TEST_SECONDS. */
void kvm_limit(unsigned seconds);

/*
 * Say that something was not tested, and why: a line "SKIP: ..." on standard output; counted, also
 * across processes, and summed up at the end. The reason names what this host lacks.
 */
void kvm_skip(const char *format, ...) AX_PRINTF(1, 2);

/* Count something that was tested, to stand beside the skips in the sum. */
void kvm_count_run(void);

/* Say a line of results, whole, on standard output. */
void kvm_say(const char *format, ...) AX_PRINTF(1, 2);

/* Guest kernels are interpreted here (no VMX, no SVM). */
bool kvm_is_software(void);

/* Built with a sanitizer. */
bool kvm_is_instrumented(void);

/*
 * How often to repeat what repeating only makes more certain: @all times, or @few with
 * AXVMM_TEST_SHORT=1, which says that the machine is slow.
 */
unsigned kvm_rounds(unsigned all, unsigned few);

/* Nanoseconds of the monotonic clock. */
uint64_t kvm_now(void);

/* Fail the test with the library's message unless @call, which fills @err (an AxError), gives 0. */
#define ck_ok(call, err)                                                                        \
	do {                                                                                    \
		int ck_ok_ret_ = (call);                                                        \
		ck_assert_msg(ck_ok_ret_ >= 0, "%s: %d: %s", #call, ck_ok_ret_, (err).message); \
	} while (0)

/* Fail the test, with the whole exit in words, unless @exit is of kind @expected. */
#define ck_exit_kind(exit, expected) kvm_check_kind((exit), (expected), __FILE__, __LINE__)
void kvm_check_kind(const AxVCpuExitReason *exit, uint32_t expected, const char *file, int line);

#endif
