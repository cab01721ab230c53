/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The system calls of userfaultfd. See uffd.h; the only place of its kind.
 */
#include <config.h>

#include <errno.h>
#include <fcntl.h>
#include <linux/userfaultfd.h>
#include <sys/ioctl.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "sys/uffd.h"

/* Headers before Linux 6.1 lack it. */
#ifndef USERFAULTFD_IOC_NEW
#define USERFAULTFD_IOC_NEW _IO(0xaa, 0x00)
#endif

_Static_assert(SYS_UFFD_MISSING_HUGETLBFS == UFFD_FEATURE_MISSING_HUGETLBFS, "the kernel's number");
_Static_assert(SYS_UFFD_MISSING_SHMEM == UFFD_FEATURE_MISSING_SHMEM, "the kernel's number");
_Static_assert(SYS_UFFD_THREAD_ID == UFFD_FEATURE_THREAD_ID, "the kernel's number");

/* An ioctl whose argument is *arg: the size in the request number must be the type's own. */
#define uffd_ioctl(fd, request, arg)                                                           \
	__extension__({                                                                        \
		_Static_assert(_IOC_SIZE(request) == sizeof(*(arg)), "argument of " #request); \
		ioctl((fd), (request), (arg)) < 0 ? -errno : 0;                                \
	})

int sys_uffd_open_device(void)
{
	int device = open("/dev/userfaultfd", O_RDWR | O_CLOEXEC), fd;

	if (device < 0)
		return -errno;
	fd = ioctl(device, USERFAULTFD_IOC_NEW, O_CLOEXEC | O_NONBLOCK);
	if (fd < 0)
		fd = -errno;
	close(device);
	return fd;
}

int sys_uffd_open_call(void)
{
	long fd = syscall(SYS_userfaultfd, O_CLOEXEC | O_NONBLOCK);

	return fd < 0 ? -errno : (int)fd;
}

void sys_uffd_close(int fd)
{
	close(fd);
}

int sys_uffd_start(int fd, uint64_t features)
{
	struct uffdio_api api = { .api = UFFD_API, .features = features };

	return uffd_ioctl(fd, UFFDIO_API, &api);
}

static struct uffdio_range range(void *start, size_t len)
{
	return (struct uffdio_range){ .start = (uintptr_t)start, .len = len };
}

int sys_uffd_register(int fd, void *start, size_t len)
{
	struct uffdio_register request = { .range = range(start, len),
					   .mode = UFFDIO_REGISTER_MODE_MISSING };
	int ret = uffd_ioctl(fd, UFFDIO_REGISTER, &request);

	return ret < 0 ? ret : (int)(request.ioctls >> _UFFDIO_ZEROPAGE & 1);
}

int sys_uffd_unregister(int fd, void *start, size_t len)
{
	struct uffdio_range request = range(start, len);

	return uffd_ioctl(fd, UFFDIO_UNREGISTER, &request);
}

int sys_uffd_copy(int fd, void *page, const void *from, size_t len)
{
	struct uffdio_copy request = { .dst = (uintptr_t)page, .src = (uintptr_t)from, .len = len };

	return uffd_ioctl(fd, UFFDIO_COPY, &request);
}

int sys_uffd_zero(int fd, void *page, size_t len)
{
	struct uffdio_zeropage request = { .range = range(page, len) };

	return uffd_ioctl(fd, UFFDIO_ZEROPAGE, &request);
}

int sys_uffd_wake(int fd, void *start, size_t len)
{
	struct uffdio_range request = range(start, len);

	return uffd_ioctl(fd, UFFDIO_WAKE, &request);
}

int sys_uffd_read(int fd, struct sys_uffd_fault *fault)
{
	struct uffd_msg message;
	ssize_t got = read(fd, &message, sizeof(message));

	if (got < 0)
		return -errno;
	if (got != sizeof(message) || message.event != UFFD_EVENT_PAGEFAULT)
		return 0;
	*fault = (struct sys_uffd_fault){
		.address = message.arg.pagefault.address,
		.write = !!(message.arg.pagefault.flags & UFFD_PAGEFAULT_FLAG_WRITE),
		.tid = message.arg.pagefault.feat.ptid,
	};
	return 1;
}
