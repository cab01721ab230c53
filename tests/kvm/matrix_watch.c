/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What KVM said, for the exit matrix: KVM_RUN's result is noted where the library calls it
 * (--wrap=sys_vcpu_run), kvm_run's exit_reason is read from the shared page. Nothing is changed there;
 * how a VM is set up may be, by scenarios that say so (--wrap=sys_ioctl).
 */
#include "matrix.h"

#include <errno.h>

#include "core/vcpu.h"

/*
 * Of the calling thread's vCPU: what the last entry ended with, unless all it did was to finish the
 * access of the exit before (EINTR), of which nobody has been told yet.
 */
static _Thread_local int last_rc;
static _Thread_local bool untold;

int __real_sys_vcpu_run(int fd);
int __wrap_sys_vcpu_run(int fd);

int __wrap_sys_vcpu_run(int fd)
{
	int rc = __real_sys_vcpu_run(fd);

	if (rc != -EINTR || !untold)
		last_rc = rc;
	untold = rc != -EINTR || untold;
	return rc;
}

int __real_sys_ioctl(int fd, unsigned long request, uintptr_t arg);
int __wrap_sys_ioctl(int fd, unsigned long request, uintptr_t arg);

matrix_ioctl_fn *matrix_ioctl = __real_sys_ioctl;

int matrix_kvm_ioctl(int fd, unsigned long request, uintptr_t arg)
{
	return __real_sys_ioctl(fd, request, arg);
}

int __wrap_sys_ioctl(int fd, unsigned long request, uintptr_t arg)
{
	return matrix_ioctl(fd, request, arg);
}

uint32_t matrix_raw(const AxVCpu *vcpu)
{
	untold = false;
	/* After an errno exit_reason is stale. */
	if (last_rc < 0)
		return MATRIX_RAW_ERRNO | (uint32_t)-last_rc;
	return vcpu->run->exit_reason;
}

static void on_exit_seen(void *opaque, AxVCpu *vcpu, const AxExitRecord *record)
{
	matrix_see(record->exit->kind, matrix_raw(vcpu));
}

const AxObserver matrix_observer = { sizeof(matrix_observer), on_exit_seen };
