/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Failures of the host's own calls, for unit tests: allocation, mapping, descriptors.
 *
 * A program that uses this is linked with $(FAKE_LIBC_WRAP) (tests/unit/local.mk), which sends
 * the calls listed there through here. What the fake KVM allocates is not counted and does not
 * fail.
 */
#ifndef AXVMM_TESTS_UNIT_FAKE_LIBC_H
#define AXVMM_TESTS_UNIT_FAKE_LIBC_H

#include <stdint.h>

enum fake_libc_call {
	LIBC_MALLOC, /* malloc, calloc, realloc and posix_memalign together, whoever calls */
	LIBC_PTHREAD_CREATE,
	LIBC_MMAP,
	LIBC_MADVISE,
	LIBC_MEMFD_CREATE,
	LIBC_FTRUNCATE,
	LIBC_SYSINFO,
	LIBC_EVENTFD,
	LIBC_TIMERFD_CREATE,
	LIBC_EPOLL_CREATE1,
	LIBC_EPOLL_CTL,
	LIBC_EPOLL_WAIT,
	LIBC_CALLS
};

/* The @nth call from now on (1: the next) fails with @os_errno; 0: none will. Any thread's. */
void fake_libc_fail(enum fake_libc_call call, unsigned nth, int os_errno);

/* Whether the last fake_libc_fail() of @call has come true. Disarms it. */
int fake_libc_failed(enum fake_libc_call call);

/* What sysinfo() says from now on, in bytes; 0, 0: the truth. */
void fake_libc_set_memory(uint64_t memory, uint64_t swap);

/* Bytes that mmap() gave and munmap() has not taken back. */
uint64_t fake_libc_mapped(void);

#endif
