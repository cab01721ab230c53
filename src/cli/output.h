/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A file that is there whole or not at all: written under another name beside it, and renamed.
 */
#ifndef AXVMM_CLI_OUTPUT_H
#define AXVMM_CLI_OUTPUT_H

#include <stdbool.h>
#include <stdio.h>

struct output {
	FILE *stream;
	const char *path; /* borrowed */
	char *temporary;  /* NULL: a device or a pipe, which is written as it is */
};

/* Whether both paths lead to one regular file, be it there yet or not. */
bool output_is_same(const char *path, const char *other);

/* STATUS_OK, or STATUS_HOST after a message. */
int output_open(struct output *output, const char *path);

/* @status is not STATUS_OK: nothing stays. Returns it, or STATUS_HOST after a message. */
int output_close(struct output *output, int status);

#endif
