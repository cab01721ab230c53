/* SPDX-License-Identifier: Apache-2.0 */
/*
 * virtiofsd, the program that serves a directory over vhost-user: finding, starting, listening to and
 * ending it. Two programs have that name, with options of their own: the one written in C that was part
 * of QEMU up to 7.2, and the one written in Rust that followed it.
 */
#ifndef AXVMM_DEV_BACKEND_VIRTIOFSD_H
#define AXVMM_DEV_BACKEND_VIRTIOFSD_H

#include <sys/types.h>

#include <axvmm/share.h>

#define AX_VIRTIOFSD_LOG 1024

struct ax_virtiofsd {
	pid_t pid;	/* 0: none */
	int log_fd;	/* what it writes; open until ax_virtiofsd_stop(); -1: none */
	bool ended;	/* it writes no more */
	size_t log_len; /* the end of what it wrote */
	char log[AX_VIRTIOFSD_LOG];
};

/* What a program called virtiofsd turns out to be. */
enum ax_virtiofsd_flavour {
	AX_VIRTIOFSD_OTHER,  /* something else */
	AX_VIRTIOFSD_SILENT, /* it has not told of its options in time */
	AX_VIRTIOFSD_IN_C,
	AX_VIRTIOFSD_IN_RUST,
	AX_VIRTIOFSD_IN_RUST_NEWER, /* which knows --readonly */
};

/**
 * Ask a program for its options, by --help.
 *
 * @param path      of the program
 * @param wrap      in a user namespace of its own
 * @param limit_ms  for all of its answer
 *
 * Thread: any. It waits for the program's end, and ends it when its time is over.
 */
enum ax_virtiofsd_flavour ax_virtiofsd_ask(const char *path, bool wrap, int limit_ms);

/**
 * Start it for a directory.
 *
 * @param program    a path, or a name to look for; NULL: virtiofsd
 * @param sandbox    an AxVirtioFsSandbox
 * @param read_only  the guest may not write: -ENOTSUP unless the program can see to that
 * @param fd         a connection to it, the caller's, non-blocking
 * @return 0; -ENOENT the directory or the program; -EACCES; -EINVAL; -ENOTSUP this program cannot do
 *         without root here; -ENOMEM; -EIO
 *
 * Thread: any. It waits for a program that is asked for its options.
 */
int ax_virtiofsd_start(struct ax_virtiofsd *daemon, const char *program, const char *directory,
		       uint32_t sandbox, bool read_only, int *fd, AxError *err);

/* Read of what it wrote for up to @timeout_ms, once at least; false: it has ended. */
bool ax_virtiofsd_listen(struct ax_virtiofsd *daemon, int timeout_ms);

/* The last line that it wrote; "" when there is none. Valid until the next ax_virtiofsd_listen(). */
const char *ax_virtiofsd_last_words(struct ax_virtiofsd *daemon);

/* It does not do as it should: kill it at once, so that it uses no memory of the guest's any more. */
void ax_virtiofsd_kill(const struct ax_virtiofsd *daemon);

/* The connection has been closed, with which it ends: wait for a second, then kill it. Once is enough. */
void ax_virtiofsd_stop(struct ax_virtiofsd *daemon);

#endif
