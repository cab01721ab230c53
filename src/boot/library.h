/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Libraries that a tiny guest does not need, opened on first use, so that they cost nothing at the
 * start. In a build without shared libraries (AX_LIBRARIES_STATIC) they are linked in, and the same
 * table of functions is filled from there. src/dev and src/machine use it, too.
 */
#ifndef AXVMM_BOOT_LIBRARY_H
#define AXVMM_BOOT_LIBRARY_H

#include <config.h>

#include <axvmm/error.h>

/* A function that is wanted from a library. */
struct ax_library_function {
	const char *name;
	void *linked; /* NULL: to be looked up */
};

/* One of an array of them: { AX_LIBRARY_FUNCTION(uncompress) }. */
#ifdef AX_LIBRARIES_STATIC
#define AX_LIBRARY_FUNCTION(function) .name = #function, .linked = (void *)(function)
#else
#define AX_LIBRARY_FUNCTION(function) .name = #function, .linked = NULL
#endif

/**
 * Find functions of a library.
 *
 * @param soname     such as "libz.so.1"
 * @param package    where it is on Debian, for the message
 * @param wanted     @count functions
 * @param functions  filled with their addresses, in the same order: what is there is a struct of
 *                   function pointers and nothing else
 * @param handle     for ax_library_close(); NULL where the library is linked in
 * @return 0; -ENOTSUP it is not installed, or too old (the message names it, and the function)
 *
 * Thread: any.
 */
int ax_library_open(const char *soname, const char *package,
		    const struct ax_library_function *wanted, void *functions, unsigned count,
		    void **handle, AxError *err);

/* The functions are not called any more. NULL is allowed. */
void ax_library_close(void *handle);

#endif
