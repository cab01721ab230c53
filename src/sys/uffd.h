/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The seam to Linux's userfaultfd: faults on pages that are missing, answered by this process. The
 * only file that makes its calls is uffd.c; unit tests replace it at link time by a fake. As in
 * sys.h: 0 or more on success, else a negative errno; nothing retries, prints or keeps state.
 *
 * Source: Documentation/admin-guide/mm/userfaultfd.rst; linux/userfaultfd.h.
 */
#ifndef AXVMM_SYS_UFFD_H
#define AXVMM_SYS_UFFD_H

#include <stddef.h>
#include <stdint.h>

/* Features that are asked for with sys_uffd_start(): numbers of linux/userfaultfd.h. */
#define SYS_UFFD_MISSING_HUGETLBFS (1u << 4)
#define SYS_UFFD_MISSING_SHMEM	   (1u << 5)
#define SYS_UFFD_THREAD_ID	   (1u << 8)

/* A thread waits for a page. */
struct sys_uffd_fault {
	uint64_t address; /* page-aligned */
	int write;	  /* it is to be written; else read */
	uint32_t tid;	  /* the thread's, as gettid() gives it; 0 it has none here */
};

/*
 * A descriptor that serves the kernel's own faults too, close-on-exec and non-blocking: by
 * /dev/userfaultfd (Linux 6.1; file permissions decide), or by userfaultfd(2) (CAP_SYS_PTRACE or
 * vm.unprivileged_userfaultfd decide). Owned by the caller; sys_uffd_close().
 */
int sys_uffd_open_device(void);
int sys_uffd_open_call(void);
void sys_uffd_close(int fd);

/* Once, before all else. -EINVAL: this kernel lacks one of @features. */
int sys_uffd_start(int fd, uint64_t features);

/* Report missing pages of @len bytes at @start from now on. 1: sys_uffd_zero() works there; 0. */
int sys_uffd_register(int fd, void *start, size_t len);

/* Report none any more; who waits there is woken, and served as if there had been no reports. */
int sys_uffd_unregister(int fd, void *start, size_t len);

/*
 * Put a page with the @len bytes at @from, or with zeros, where it is missing, and wake who waits
 * for it. -EEXIST it is there, nobody is woken; -EAGAIN the process's mappings change just now.
 */
int sys_uffd_copy(int fd, void *page, const void *from, size_t len);
int sys_uffd_zero(int fd, void *page, size_t len);

/* Wake who waits for these pages: their accesses are tried again. */
int sys_uffd_wake(int fd, void *start, size_t len);

/* The next fault: 1 filled, 0 something else happened, -EAGAIN there is none now. */
int sys_uffd_read(int fd, struct sys_uffd_fault *fault);

#endif
