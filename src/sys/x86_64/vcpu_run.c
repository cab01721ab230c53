/* SPDX-License-Identifier: Apache-2.0 */
/*
 * KVM_RUN without libc, whose ioctl() takes 21 instructions more: a third of all that is between
 * two exits.
 *
 * Source: System V ABI, AMD64 supplement, A.2.1: the number goes to rax, where the result or -errno
 * comes back; rcx and r11 are lost.
 */
#include <sys/syscall.h>

#include "sys/sys.h"

int sys_vcpu_run(int fd)
{
	long ret = SYS_ioctl;

	__asm__ volatile("syscall"
			 : "+a"(ret)
			 : "D"(fd), "S"((long)KVM_RUN), "d"(0L)
			 : "rcx", "r11", "cc", "memory");
	return (int)ret;
}
