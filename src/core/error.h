/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Making an AxError and the negative errno that goes with it, in one call.
 */
#ifndef AXVMM_CORE_ERROR_H
#define AXVMM_CORE_ERROR_H

#include <axvmm/error.h>

/*
 * Fill @err (NULL allowed) with @code and a message, and return @ret, a negative errno of the set
 * that axvmm/error.h documents. @os_errno: the kernel's errno as a positive number, 0 when none was
 * involved. The message is cut to fit.
 */
int ax_error_set(AxError *err, int ret, AxErrorCode code, int os_errno, const char *format, ...)
	AX_PRINTF(5, 6);

/* The same for the caller's arguments (-EINVAL, -EEXIST, ...: AX_ERROR_ARGUMENT). */
#define ax_error_argument(err, ret, ...) ax_error_set(err, ret, AX_ERROR_ARGUMENT, 0, __VA_ARGS__)

/* The same for a wrong state or thread: -EPERM. */
#define ax_error_state(err, ...) ax_error_set(err, -EPERM, AX_ERROR_STATE, 0, __VA_ARGS__)

/*
 * An ioctl or another system call failed with the negative errno @sys_ret. Returns -ENOMEM or -EIO,
 * the errnos that the public set has for it; the message is "@what failed: <strerror>".
 */
int ax_error_sys(AxError *err, int sys_ret, const char *what);

/* No memory for @what: -ENOMEM. */
int ax_error_nomem(AxError *err, const char *what);

#endif
