/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Writing to a descriptor that may be slow, full or gone: guest output and traces. Never blocks for
 * longer than a tenth of a second without looking whether the run is to end, so that a reader who
 * went to sleep cannot hold it up.
 */
#ifndef AXVMM_CLI_WRITER_H
#define AXVMM_CLI_WRITER_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>

struct writer {
	int fd;		/* borrowed */
	bool can_block; /* a pipe, a terminal, a socket: wait for room before each write */
	const atomic_bool *hurry; /* set by anybody: what cannot be written at once is given up */
	int error;		  /* errno of the first failure, ECANCELED when given up; 0 */
};

/* @hurry is borrowed. */
void writer_init(struct writer *writer, int fd, const atomic_bool *hurry);

/*
 * Write all of @len bytes. After a failure nothing is written any more. Returns writer->error. The
 * caller sees to it that one thread at a time is in it.
 */
int writer_put(struct writer *writer, const void *bytes, size_t len);

#endif
