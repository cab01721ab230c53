/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Whether, and how, this process may serve page faults that the kernel makes on its behalf.
 */
#include <config.h>

#include <errno.h>
#include <sys/mman.h>
#include <unistd.h>

#include "core/error.h"
#include "core/pager.h"
#include "sys/uffd.h"

/* Headers before Linux 5.14 lack them: madvise(2). */
#ifndef MADV_POPULATE_READ
#define MADV_POPULATE_READ  22
#define MADV_POPULATE_WRITE 23
#endif

/*
 * @device: what /dev/userfaultfd said, @call: what userfaultfd(2) said; negative errnos. The call
 * could be had for this process's own faults (UFFD_USER_MODE_ONLY), which is of no use: KVM's
 * accesses to guest RAM are the kernel's.
 */
static int refuse(int device, int call, AxError *err)
{
	if (call == -ENOSYS)
		return ax_error_set(err, -ENOTSUP, AX_ERROR_UNSUPPORTED, ENOSYS,
				    "this host's kernel has no userfaultfd "
				    "(CONFIG_USERFAULTFD): RAM can't be paged in on demand");
	if (call != -EPERM && call != -EACCES)
		return ax_error_sys(err, call, "userfaultfd");
	if (device == -EACCES || device == -EPERM)
		return ax_error_set(
			err, -EACCES, AX_ERROR_UNSUPPORTED, -call,
			"userfaultfd: no permission to serve KVM's page faults: get read "
			"and write access to /dev/userfaultfd (sudo setfacl -m u:$USER:rw "
			"/dev/userfaultfd), or CAP_SYS_PTRACE, or sudo sysctl "
			"vm.unprivileged_userfaultfd=1");
	return ax_error_set(err, -EACCES, AX_ERROR_UNSUPPORTED, -call,
			    "userfaultfd: no permission to serve KVM's page faults: there is no "
			    "usable /dev/userfaultfd here (Linux 6.1), so get CAP_SYS_PTRACE, or "
			    "sudo sysctl vm.unprivileged_userfaultfd=1");
}

int pager_open(uint64_t features, AxError *err)
{
	int fd, ret, device = sys_uffd_open_device();

	fd = device < 0 ? sys_uffd_open_call() : device;
	if (fd < 0)
		return refuse(device, fd, err);
	ret = sys_uffd_start(fd, features);
	if (!ret)
		return fd;
	sys_uffd_close(fd);
	if (ret == -EINVAL)
		return ax_error_set(err, -ENOTSUP, AX_ERROR_UNSUPPORTED, EINVAL,
				    "this host's kernel is too old to page RAM of this kind in on "
				    "demand (userfaultfd features 0x%llx)",
				    (unsigned long long)features);
	return ax_error_sys(err, ret, "UFFDIO_API");
}

int pager_touch(void *start, size_t len, bool write)
{
	int ret;

	do {
		ret = madvise(start, len, write ? MADV_POPULATE_WRITE : MADV_POPULATE_READ);
	} while (ret && (errno == EINTR || errno == EAGAIN));
	return ret ? -errno : 0;
}

int pager_map_page(size_t size, void **page, AxError *err)
{
	int ret;

	*page = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	if (*page == MAP_FAILED) {
		*page = NULL;
		return ax_error_sys(err, -errno, "mmap of a page");
	}
	ret = pager_touch(*page, size, true);
	if (!ret)
		return 0;
	munmap(*page, size);
	*page = NULL;
	if (ret == -EINVAL)
		return ax_error_set(err, -ENOTSUP, AX_ERROR_UNSUPPORTED, EINVAL,
				    "paging RAM in on demand needs Linux 5.14 or later "
				    "(MADV_POPULATE_WRITE)");
	return ax_error_sys(err, ret, "madvise");
}

int pager_check_host(AxError *err)
{
	size_t size = (size_t)sysconf(_SC_PAGESIZE);
	int ret, fd = pager_open(SYS_UFFD_THREAD_ID | SYS_UFFD_MISSING_SHMEM, err);
	void *page;

	if (fd < 0)
		return fd;
	ret = pager_map_page(size, &page, err);
	if (!ret) {
		ret = sys_uffd_register(fd, page, size);
		ret = ret < 0 ? ax_error_sys(err, ret, "UFFDIO_REGISTER") : 0;
		munmap(page, size);
	}
	sys_uffd_close(fd);
	return ret;
}
