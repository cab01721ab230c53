/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Making an AxError and the negative errno that goes with it, in one call: what the core needs beside
 * ax_error_set().
 */
#ifndef AXVMM_CORE_ERROR_H
#define AXVMM_CORE_ERROR_H

#include <axvmm/error.h>

/* ax_error_set() for a wrong state or thread: -EPERM. */
#define ax_error_state(err, ...) ax_error_set(err, -EPERM, AX_ERROR_STATE, 0, __VA_ARGS__)

/*
 * An ioctl or another system call failed with the negative errno @sys_ret. Returns -ENOMEM or -EIO,
 * the errnos that the public set has for it; the message is "@what failed: <strerror>".
 */
int ax_error_sys(AxError *err, int sys_ret, const char *what);

/* No memory for @what: -ENOMEM. */
int ax_error_nomem(AxError *err, const char *what);

#endif
