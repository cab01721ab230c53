/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Unix stream sockets with names in the file system, non-blocking and closed on exec.
 */
#ifndef AXVMM_DEV_BACKEND_UNIX_H
#define AXVMM_DEV_BACKEND_UNIX_H

#include <sys/types.h>

#include <axvmm/error.h>

/* Bytes of a path, with its end (unix(7)). */
#define AX_UNIX_PATH_SIZE 108

/* A socket that listens, and what its file is, so that no other's is removed. */
struct ax_unix_listener {
	int fd; /* -1: none */
	dev_t device;
	ino_t inode;
	char path[AX_UNIX_PATH_SIZE];
};

/**
 * Listen at @path. A socket there on which nobody listens, left by a process that was killed, is
 * replaced.
 *
 * @param listener  filled on success; ax_unix_listen_end()
 * @return 0; -EINVAL the path is empty or too long; -EEXIST somebody listens there, or it is no socket;
 *         -EACCES; -ENOENT no such folder; -ENOMEM; -EIO
 *
 * Thread: any.
 */
int ax_unix_listen(struct ax_unix_listener *listener, const char *path, int backlog, AxError *err);

/* Close it and remove its file, unless that is another's by now. Once is enough. Thread: any. */
void ax_unix_listen_end(struct ax_unix_listener *listener);

/**
 * Connect to the socket at @path without waiting.
 *
 * @return a descriptor, the caller's; -EAGAIN its backlog is full: try again later; else a negative
 *         errno of socket(2) or connect(2): -ENOENT, -ECONNREFUSED, -EACCES, ...
 *
 * Thread: any.
 */
int ax_unix_connect(const char *path);

#endif
