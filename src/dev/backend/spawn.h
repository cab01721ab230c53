/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Start a helper process: one that goes to the background by itself when it is ready, such as passt, or
 * one that stays our child, such as virtiofsd.
 */
#ifndef AXVMM_DEV_BACKEND_SPAWN_H
#define AXVMM_DEV_BACKEND_SPAWN_H

#include <stddef.h>
#include <sys/types.h>

#include <axvmm/error.h>

#define SPAWN_FD 3 /* where the helper finds its descriptor */

/* What became of it. */
struct spawn_result {
	int status;	   /* as of waitpid(); -1: somebody else reaped it (SIGCHLD is ignored) */
	char output[2048]; /* what it wrote to standard error, as far as it fits; a string */
};

/**
 * Run @arguments (arguments[0] is searched for in PATH, where it has no slash), with @fd as descriptor
 * SPAWN_FD, and wait until it ends: a daemon's first process does so when the daemon is ready. It
 * has a session of its own, no signal blocked or ignored, and no other descriptor of ours.
 *
 * @return 0, result says more; -ENOENT, -EACCES: the program; -ETIMEDOUT it was killed after
 * @limit_ms; -ENOMEM; -EIO
 */
int spawn_daemon(const char *const arguments[], int fd, int limit_ms, struct spawn_result *result,
		 AxError *err);

/**
 * Run @arguments, as spawn_daemon() does, and do not wait for it.
 *
 * @param fd      -1: it gets none
 * @param all     its standard output goes where its standard error goes; false: nowhere
 * @param pid     the child, the leader of a session and of a process group; the caller waits for it
 * @param output  the end of a pipe from which its output is read, non-blocking; the caller's
 * @return 0; -ENOENT, -EACCES: the program; -ENOMEM; -EIO
 */
int spawn_start(const char *const arguments[], int fd, bool all, pid_t *pid, int *output,
		AxError *err);

#endif
