/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The system calls of the KVM interface. See sys.h; the only place of its kind.
 */
#include <config.h>

#include <errno.h>
#include <fcntl.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <unistd.h>

#include "sys/offline.h"
#include "sys/sys.h"

int sys_open(const char *path)
{
	int fd = open(path, O_RDWR | O_CLOEXEC);

	return fd < 0 ? -errno : fd;
}

void sys_close(int fd)
{
	if (fd != SYS_OFFLINE)
		close(fd);
}

struct kvm_run *sys_map_run(int fd, size_t size)
{
	void *run;

	if (fd == SYS_OFFLINE)
		return offline_map_run(size);
	run = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);

	return run == MAP_FAILED ? NULL : run;
}

void sys_unmap_run(struct kvm_run *run, size_t size)
{
	munmap(run, size);
}

int sys_ioctl(int fd, unsigned long request, uintptr_t arg)
{
	int ret;

	if (fd == SYS_OFFLINE)
		return offline_ioctl(request, arg);
	ret = ioctl(fd, request, arg);
	return ret < 0 ? -errno : ret;
}

int sys_stats_open(int fd)
{
	int stats = sys_ioctl(fd, KVM_GET_STATS_FD, 0);

	/* KVM makes it without. */
	if (stats >= 0)
		fcntl(stats, F_SETFD, FD_CLOEXEC);
	return stats;
}

ssize_t sys_stats_read(int fd, void *bytes, size_t size, uint64_t offset)
{
	ssize_t len = pread(fd, bytes, size, (off_t)offset);

	return len < 0 ? -errno : len;
}
