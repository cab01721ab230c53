/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Libraries opened on first use: see library.h.
 */
#include "boot/library.h"

#include <dlfcn.h>
#include <errno.h>
#include <string.h>

#ifdef AX_LIBRARIES_STATIC
/* What is linked in needs no loader, which a static program would have to have from glibc. */
static void *open_library(const char *soname)
{
	(void)soname;
	return NULL;
}

static void *find(void *library, const char *name)
{
	(void)library;
	(void)name;
	return NULL;
}

void ax_library_close(void *handle)
{
	(void)handle;
}
#else
static void *open_library(const char *soname)
{
	return dlopen(soname, RTLD_NOW | RTLD_LOCAL);
}

static void *find(void *library, const char *name)
{
	return dlsym(library, name);
}

void ax_library_close(void *handle)
{
	if (handle)
		dlclose(handle);
}
#endif

static int look_up(void *library, const char *soname, const struct ax_library_function *wanted,
		   void *functions, unsigned count, AxError *err)
{
	for (unsigned i = 0; i < count; i++) {
		void *function = wanted[i].linked;

		if (!function)
			function = find(library, wanted[i].name);
		if (!function)
			return ax_error_set(err, -ENOTSUP, AX_ERROR_UNSUPPORTED, 0,
					    "%s has no function %s: a newer one is needed", soname,
					    wanted[i].name);
		memcpy((char *)functions + i * sizeof(function), &function, sizeof(function));
	}
	return 0;
}

int ax_library_open(const char *soname, const char *package,
		    const struct ax_library_function *wanted, void *functions, unsigned count,
		    void **handle, AxError *err)
{
	void *library = NULL;
	int ret;

	if (!wanted[0].linked) {
		library = open_library(soname);
		if (!library)
			return ax_error_set(
				err, -ENOTSUP, AX_ERROR_UNSUPPORTED, 0,
				"the library %s can't be opened: install it (on Debian: "
				"the package \"%s\")",
				soname, package);
	}
	ret = look_up(library, soname, wanted, functions, count, err);
	if (ret) {
		ax_library_close(library);
		return ret;
	}
	*handle = library;
	return 0;
}
