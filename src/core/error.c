/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Filling an AxError. See core/error.h.
 */
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>

#include "core/error.h"

static const char *const names[] = {
	[AX_ERROR_NONE] = "none",
	[AX_ERROR_ARGUMENT] = "argument",
	[AX_ERROR_STATE] = "state",
	[AX_ERROR_RESOURCE] = "resource",
	[AX_ERROR_KVM_MISSING] = "kvm-missing",
	[AX_ERROR_KVM_PERMISSION] = "kvm-permission",
	[AX_ERROR_KVM_API] = "kvm-api",
	[AX_ERROR_KVM_CALL] = "kvm-call",
	[AX_ERROR_UNSUPPORTED] = "unsupported",
	[AX_ERROR_IMAGE] = "image",
	[AX_ERROR_FILE] = "file",
};

const char *ax_error_name(AxErrorCode code)
{
	unsigned index = (unsigned)code;

	return index < sizeof(names) / sizeof(names[0]) ? names[index] : "unknown";
}

/*
 * Names of files and of ranges come from outside: what they hold must not make a second line of it.
 */
static void keep_one_line(char *message)
{
	for (; *message; message++)
		if ((unsigned char)*message < ' ' || *message == 0x7f)
			*message = '?';
}

int ax_error_set(AxError *err, int ret, AxErrorCode code, int os_errno, const char *format, ...)
{
	va_list args;

	if (!err)
		return ret;
	err->code = (int32_t)code;
	err->os_errno = os_errno;
	va_start(args, format);
	if (vsnprintf(err->message, sizeof(err->message), format, args) < 0)
		err->message[0] = '\0';
	va_end(args);
	keep_one_line(err->message);
	return ret;
}

int ax_error_sys(AxError *err, int sys_ret, const char *what)
{
	int os_errno = -sys_ret;
	AxErrorCode code = AX_ERROR_KVM_CALL;

	if (os_errno == ENOMEM || os_errno == EMFILE || os_errno == ENFILE)
		code = AX_ERROR_RESOURCE;
	errno = os_errno; /* for %m, which is strerror() without its static buffer */
	return ax_error_set(err, os_errno == ENOMEM ? -ENOMEM : -EIO, code, os_errno,
			    "%s failed: %m", what);
}

int ax_error_nomem(AxError *err, const char *what)
{
	return ax_error_set(err, -ENOMEM, AX_ERROR_RESOURCE, ENOMEM, "no memory for %s", what);
}
