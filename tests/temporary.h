/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Files and folders of a test's own. They are below TMPDIR: tests/run-test has a folder there for each
 * test, which goes with the test, also when that was killed.
 */
#ifndef AXVMM_TESTS_TEMPORARY_H
#define AXVMM_TESTS_TEMPORARY_H

#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>

/* Leaves room for more in the name of a Unix socket: 107 bytes, unix(7). */
#define TEMPORARY_SIZE 64

/* @name, of 32 bytes at most, in that folder: in @path, which is returned. */
static inline char *temporary_path(char path[TEMPORARY_SIZE], const char *name)
{
	const char *folder = getenv("TMPDIR");
	int len =
		snprintf(path, TEMPORARY_SIZE, "%s/%s", folder && *folder ? folder : "/tmp", name);

	/* One with a long name leaves no room for sockets. */
	if (len >= TEMPORARY_SIZE &&
	    snprintf(path, TEMPORARY_SIZE, "/tmp/%s", name) >= TEMPORARY_SIZE)
		abort();
	return path;
}

/* An empty folder, whose name begins with @name: in @path. The test removes it. False: it cannot be. */
static inline bool temporary_folder(char path[TEMPORARY_SIZE], const char *name)
{
	char template[40];

	snprintf(template, sizeof(template), "%.25s-XXXXXX", name);
	return mkdtemp(temporary_path(path, template)) != NULL;
}

/* The same of an empty file, open for reading and writing: its descriptor; -1. */
static inline int temporary_file(char path[TEMPORARY_SIZE], const char *name)
{
	char template[40];

	snprintf(template, sizeof(template), "%.25s-XXXXXX", name);
	return mkstemp(temporary_path(path, template));
}

#endif
