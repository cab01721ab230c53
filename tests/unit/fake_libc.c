/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The host's calls, with failures on request; see fake_libc.h. The linker's --wrap makes `call`
 * mean __wrap_call, and __real_call what `call` was.
 */
#include <errno.h>
#include <malloc.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/mman.h>
#include <sys/sysinfo.h>
#include <sys/timerfd.h>
#include <unistd.h>

#include "fake_internal.h"
#include "fake_libc.h"

static struct {
	atomic_uint countdown; /* 0: disarmed */
	atomic_int os_errno;
	atomic_bool failed;
} rules[LIBC_CALLS];

static struct {
	uint64_t memory, swap;
} host;

static _Atomic uint64_t mapped_bytes;

void fake_libc_fail(enum fake_libc_call call, unsigned nth, int os_errno)
{
	atomic_store(&rules[call].os_errno, os_errno);
	atomic_store(&rules[call].failed, false);
	atomic_store(&rules[call].countdown, nth);
}

int fake_libc_failed(enum fake_libc_call call)
{
	atomic_store(&rules[call].countdown, 0);
	return atomic_load(&rules[call].failed);
}

void fake_libc_set_memory(uint64_t memory, uint64_t swap)
{
	host.memory = memory;
	host.swap = swap;
}

static bool fails(enum fake_libc_call call)
{
	unsigned left = atomic_load(&rules[call].countdown);

	if (fake_inside || !left)
		return false;
	while (!atomic_compare_exchange_weak(&rules[call].countdown, &left, left - 1))
		if (!left)
			return false;
	if (left != 1)
		return false;
	atomic_store(&rules[call].failed, true);
	errno = atomic_load(&rules[call].os_errno);
	return true;
}

/* Define the wrapper of @name: it returns @failure when a rule strikes. */
#define WRAP(call, type, failure, name, parameters, arguments)            \
	type __real_##name parameters;                                    \
	type __wrap_##name parameters;                                    \
	type __wrap_##name parameters                                     \
	{                                                                 \
		return fails(call) ? (failure) : __real_##name arguments; \
	}

WRAP(LIBC_MALLOC, void *, NULL, malloc, (size_t size), (size))
WRAP(LIBC_MALLOC, void *, NULL, calloc, (size_t count, size_t size), (count, size))
WRAP(LIBC_MALLOC, int, ENOMEM, posix_memalign, (void **memory, size_t align, size_t size),
     (memory, align, size))
WRAP(LIBC_PTHREAD_CREATE, int, errno, pthread_create,
     (pthread_t * thread, const pthread_attr_t *attr, void *(*fn)(void *), void *arg),
     (thread, attr, fn, arg))
WRAP(LIBC_MADVISE, int, -1, madvise, (void *addr, size_t len, int advice), (addr, len, advice))
WRAP(LIBC_MEMFD_CREATE, int, -1, memfd_create, (const char *name, unsigned flags), (name, flags))
WRAP(LIBC_FTRUNCATE, int, -1, ftruncate, (int fd, off_t len), (fd, len))
WRAP(LIBC_EVENTFD, int, -1, eventfd, (unsigned value, int flags), (value, flags))
WRAP(LIBC_TIMERFD_CREATE, int, -1, timerfd_create, (int clock, int flags), (clock, flags))
WRAP(LIBC_EPOLL_CREATE1, int, -1, epoll_create1, (int flags), (flags))
WRAP(LIBC_EPOLL_CTL, int, -1, epoll_ctl, (int epoll, int op, int fd, struct epoll_event *event),
     (epoll, op, fd, event))
WRAP(LIBC_EPOLL_WAIT, int, -1, epoll_wait,
     (int epoll, struct epoll_event *events, int count, int timeout),
     (epoll, events, count, timeout))

void *__real_realloc(void *old, size_t size);
void *__wrap_realloc(void *old, size_t size);
void *__wrap_realloc(void *old, size_t size)
{
	/* To give some back takes no memory: glibc's does not fail either, and callers may count on it. */
	bool shrinks = old && size <= malloc_usable_size(old);

	return !shrinks && fails(LIBC_MALLOC) ? NULL : __real_realloc(old, size);
}

/* What the kernel makes of a length: mmap(2). */
static uint64_t in_pages(size_t len)
{
	uint64_t page = (uint64_t)sysconf(_SC_PAGESIZE);

	return (len + page - 1) / page * page;
}

void *__real_mmap(void *addr, size_t len, int prot, int flags, int fd, off_t offset);
void *__wrap_mmap(void *addr, size_t len, int prot, int flags, int fd, off_t offset);
void *__wrap_mmap(void *addr, size_t len, int prot, int flags, int fd, off_t offset)
{
	void *mapped = MAP_FAILED;

	if (!fails(LIBC_MMAP))
		mapped = __real_mmap(addr, len, prot, flags, fd, offset);
	if (mapped != MAP_FAILED)
		atomic_fetch_add(&mapped_bytes, in_pages(len));
	return mapped;
}

int __real_munmap(void *addr, size_t len);
int __wrap_munmap(void *addr, size_t len);
int __wrap_munmap(void *addr, size_t len)
{
	int ret = __real_munmap(addr, len);

	if (!ret)
		atomic_fetch_sub(&mapped_bytes, in_pages(len));
	return ret;
}

uint64_t fake_libc_mapped(void)
{
	return atomic_load(&mapped_bytes);
}

int __real_sysinfo(struct sysinfo *info);
int __wrap_sysinfo(struct sysinfo *info);
int __wrap_sysinfo(struct sysinfo *info)
{
	int ret = fails(LIBC_SYSINFO) ? -1 : __real_sysinfo(info);

	if (!ret && (host.memory || host.swap)) {
		info->mem_unit = 1;
		info->totalram = host.memory;
		info->totalswap = host.swap;
	}
	return ret;
}
