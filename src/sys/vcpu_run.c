/* SPDX-License-Identifier: Apache-2.0 */
/*
 * KVM_RUN by way of libc, for architectures without a vcpu_run.c of their own.
 */
#include <errno.h>
#include <sys/ioctl.h>

#include "sys/sys.h"

int sys_vcpu_run(int fd)
{
	return ioctl(fd, KVM_RUN, 0) < 0 ? -errno : 0;
}
