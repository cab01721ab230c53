/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The seam to the kernel's KVM: the only files that issue KVM ioctls are sys.c and vcpu_run.c behind
 * this header. Unit tests replace them at link time by a fake. All functions return 0 or more on
 * success, else a negative errno; none retries, none prints, none keeps state.
 */
#ifndef AXVMM_SYS_SYS_H
#define AXVMM_SYS_SYS_H

#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "sys/uapi.h"

/* Open the KVM device read-write, close-on-exec. Returns the descriptor, owned by the caller. */
int sys_open(const char *path);

/* Close a descriptor of sys_open() or of an ioctl that made one. */
void sys_close(int fd);

/* Map @size bytes of a vCPU's shared pages; NULL when the host refuses. */
struct kvm_run *sys_map_run(int fd, size_t size);
void sys_unmap_run(struct kvm_run *run, size_t size);

/* KVM_RUN: 0, or a negative errno (EINTR, EAGAIN, EFAULT, ...). Async-signal-safe. */
int sys_vcpu_run(int fd);

/* Any other ioctl, with a number or a pointer as argument. Use the typed wrappers below. */
int sys_ioctl(int fd, unsigned long request, uintptr_t arg);

/* An ioctl whose argument is *arg: the size in the request number must be the type's own. */
#define sys_ioctl_struct(fd, request, arg)                                                     \
	__extension__({                                                                        \
		_Static_assert(_IOC_SIZE(request) == sizeof(*(arg)), "argument of " #request); \
		sys_ioctl((fd), (request), (uintptr_t)(arg));                                  \
	})

/* An ioctl without a structure: the argument is a plain number. */
#define sys_ioctl_value(fd, request, value)                                       \
	__extension__({                                                           \
		_Static_assert(_IOC_SIZE(request) == 0, "argument of " #request); \
		sys_ioctl((fd), (request), (uintptr_t)(value));                   \
	})

/*
 * KVM_CHECK_EXTENSION on the device or on a VM: 0 absent, more: present (its meaning is the cap's).
 */
static inline int sys_check_extension(int fd, unsigned cap)
{
	int ret = sys_ioctl_value(fd, KVM_CHECK_EXTENSION, cap);

	return ret < 0 ? 0 : ret;
}

/*
 * KVM_GET_STATS_FD on a VM or a vCPU: a descriptor, close-on-exec, owned by the caller. On a vCPU
 * KVM lets it wait until KVM_RUN has returned. api.rst 4.133.
 */
int sys_stats_open(int fd);

/* Read of such a descriptor, from @offset on: how many bytes, up to @size; never waits. */
ssize_t sys_stats_read(int fd, void *bytes, size_t size, uint64_t offset);

/* KVM_ENABLE_CAP with up to two arguments. */
static inline int sys_enable_cap(int fd, unsigned cap, uint64_t arg0, uint64_t arg1)
{
	struct kvm_enable_cap request = { .cap = cap, .args = { arg0, arg1 } };

	return sys_ioctl_struct(fd, KVM_ENABLE_CAP, &request);
}

#endif
