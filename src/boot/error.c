/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Messages about images and files, which begin with a name that somebody else chose, and the check
 * of argument structs.
 */
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "boot/image.h"

static int put_name(char *message, size_t size, const char *name)
{
	size_t len = strlen(name);

	if (len > IMAGE_NAME_SHOWN)
		return snprintf(message, size, "...%s: ", name + len - (IMAGE_NAME_SHOWN - 3));
	return snprintf(message, size, "%s: ", name);
}

/* Bytes of UTF-8 are kept; control characters would reach a terminal. */
static void make_printable(char *message)
{
	for (char *c = message; *c; c++) {
		if ((unsigned char)*c < 0x20 || *c == 0x7f)
			*c = '?';
	}
}

int boot_error(AxError *err, AxErrorCode code, int os_errno, int ret, const char *name,
	       const char *format, ...)
{
	va_list args;
	int used;

	if (!err)
		return ret;
	err->code = code;
	err->os_errno = os_errno;
	used = put_name(err->message, sizeof(err->message), name ? name : "image");
	va_start(args, format);
	vsnprintf(err->message + used, sizeof(err->message) - (size_t)used, format, args);
	va_end(args);
	make_printable(err->message);
	return ret;
}

int boot_refused(const struct image *image, AxError *err, const char *advice, const char *found,
		 ...)
{
	char what[96];
	va_list args;

	va_start(args, found);
	vsnprintf(what, sizeof(what), found, args);
	va_end(args);
	return boot_damaged(image, err, "is %s; accepted: %s%s%s", what,
			    boot_machine(image->machine)->accepted, advice ? ". " : "",
			    advice ? advice : "");
}

bool boot_sized(const void *given, size_t known)
{
	const uint8_t *bytes = given;
	size_t size;

	if (!given)
		return false;
	memcpy(&size, given, sizeof(size));
	if (size < known)
		return false;
	while (known < size && bytes[known] == 0)
		known++;
	return known == size;
}
