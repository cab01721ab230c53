/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A userfaultfd for unit tests: replaces src/sys/uffd.c at link time, same prototypes.
 *
 * Nobody really faults on it: a test says that a thread waits for a page (fake_uffd_fault), the
 * pager reads that as it would from the kernel, and pages come to be by being copied or zeroed, in
 * the process's own memory. Which are missing is the fake's own knowledge: all of a registered range.
 *
 * All functions may be called from any thread. One for the whole process.
 */
#ifndef AXVMM_TESTS_UNIT_FAKE_UFFD_H
#define AXVMM_TESTS_UNIT_FAKE_UFFD_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "sys/uffd.h"

enum fake_uffd_call {
	UFFD_OPEN_DEVICE,
	UFFD_OPEN_CALL,
	UFFD_START,
	UFFD_REGISTER,
	UFFD_UNREGISTER,
	UFFD_COPY,
	UFFD_ZERO,
	UFFD_WAKE,
	UFFD_READ,
	UFFD_CALLS
};

/* Forget everything. */
void fake_uffd_reset(void);

/* Descriptors that are open now: 0 at the end of a test that leaks nothing. */
unsigned fake_uffd_open_count(void);

/* The next @count calls fail with @os_errno; UINT32_MAX: all of them. */
void fake_uffd_fail(enum fake_uffd_call call, unsigned count, int os_errno);
/* How many calls there were, failed ones included. */
unsigned fake_uffd_calls(enum fake_uffd_call call);

/* What was asked for when the last descriptor was started. */
uint64_t fake_uffd_features(void);
/* Whether ranges that are registered from now on have zero pages. */
void fake_uffd_set_zero_pages(bool there);

/* The range that was registered last. */
void *fake_uffd_start(void);
size_t fake_uffd_length(void);

/* The thread @tid waits for the page at @address of that range. */
void fake_uffd_fault(const void *address, bool write, uint32_t tid);
/* Whether the page at @address is there. */
bool fake_uffd_present(const void *address);
/* Let it be missing again, as madvise(MADV_DONTNEED) does. */
void fake_uffd_discard(const void *address);
/* How often who waits at @address was woken: by a page, or by a wake. */
unsigned fake_uffd_woken(const void *address);
/* Wait until that is at least @count; ends the process with a message after ten seconds. */
void fake_uffd_wait_woken(const void *address, unsigned count);

#endif
