/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Host failures. Every function that can fail for a reason of the host returns 0 or more on success
 * and a negative errno on failure, and fills the AxError given as its last argument, which may be
 * NULL. What the guest does is never an error: it is an AxVCpuExitReason.
 *
 * The negative values that the library returns are these and no others:
 *   -EINVAL   an argument makes no sense (the message says which and why)
 *   -EPERM    wrong state or wrong thread for the call; nothing was changed
 *   -EDEADLK  the call would wait for its own caller (a handler that pauses its own VM)
 *   -EEXIST   overlaps, or is there already
 *   -ENOENT   no such vCPU, range, register, file
 *   -EBUSY    in use: vCPUs run, or a view of the memory is held
 *   -ENOMEM   the host has no memory for it
 *   -ENOSPC   a fixed limit is reached (the message says which)
 *   -ENOTSUP  this KVM, architecture or build cannot do it
 *   -EFAULT   a guest address is not RAM, or not RAM of the kind asked for
 *   -ENODEV   /dev/kvm is not there, or is no KVM (AX_ERROR_KVM_*)
 *   -EACCES   no permission on /dev/kvm or on a file
 *   -ENOEXEC  an image is in no format that is accepted, or is damaged
 *   -ETIMEDOUT a wait that was given a limit reached it
 *   -EIO      the host's kernel refused or failed for another reason (os_errno says which)
 */
#ifndef AXVMM_ERROR_H
#define AXVMM_ERROR_H

#include <axvmm/types.h>

#ifdef __cplusplus
extern "C" {
#endif

/* What kind of failure it was, where a caller may want to act on it. Numbered for ever. */
typedef enum AxErrorCode {
	AX_ERROR_NONE = 0,
	AX_ERROR_ARGUMENT = 1,	     /* the caller's arguments */
	AX_ERROR_STATE = 2,	     /* the object's state, or the calling thread */
	AX_ERROR_RESOURCE = 3,	     /* memory, descriptors, limits */
	AX_ERROR_KVM_MISSING = 4,    /* /dev/kvm does not exist */
	AX_ERROR_KVM_PERMISSION = 5, /* /dev/kvm may not be opened */
	AX_ERROR_KVM_API = 6,	     /* not KVM, or an API version other than 12 */
	AX_ERROR_KVM_CALL = 7,	     /* an ioctl failed */
	AX_ERROR_UNSUPPORTED = 8,    /* a capability that this host lacks */
	AX_ERROR_IMAGE = 9,	     /* a guest image */
	AX_ERROR_FILE = 10	     /* a file of the host */
} AxErrorCode;

#define AX_ERROR_MESSAGE_SIZE 248

/* 256 bytes for ever. Owned by the caller; holds no pointers and needs no release. */
typedef struct AxError {
	int32_t code;	  /* an AxErrorCode */
	int32_t os_errno; /* the kernel's errno, positive; 0 when none was involved */
	char message[AX_ERROR_MESSAGE_SIZE]; /* one line: what failed, why, what to do next */
} AxError;

AX_STATIC_ASSERT(sizeof(AxError) == 256, ax_error_is_256_bytes);

#define AX_ERROR_INIT     \
	{                 \
		0, 0,     \
		{         \
			0 \
		}         \
	}

/**
 * The name of an error code, such as "kvm-permission".
 *
 * @return a constant string; "unknown" for a value that is none
 *
 * Thread: any.
 */
AX_API const char *ax_error_name(AxErrorCode code);

/**
 * Fill @err the way the library does, for devices and loaders of an embedder's own.
 *
 * @param err       NULL: nobody wants to know
 * @param ret       a negative errno of the set above
 * @param os_errno  the kernel's errno as a positive number; 0 when none was involved
 * @param format    of printf(): one line without newline; cut to fit
 * @return ret
 *
 * Thread: any.
 */
AX_API int ax_error_set(AxError *err, int ret, AxErrorCode code, int os_errno, const char *format,
			...) AX_PRINTF(5, 6);

/* ax_error_set() for what the caller's arguments are the cause of: AX_ERROR_ARGUMENT. */
#define ax_error_argument(err, ret, ...) ax_error_set(err, ret, AX_ERROR_ARGUMENT, 0, __VA_ARGS__)

#ifdef __cplusplus
}
#endif

#endif
