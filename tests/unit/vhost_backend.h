/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A small vhost-user back end, on a thread of its test's: it serves split rings by copying what it reads
 * of each chain, reversed, to what it may write. It can be told to misbehave.
 */
#ifndef AXVMM_TESTS_UNIT_VHOST_BACKEND_H
#define AXVMM_TESTS_UNIT_VHOST_BACKEND_H

#include <pthread.h>
#include <stdatomic.h>

#include "dev/virtio/vhost_user.h"

#define BACKEND_RINGS 4

/* What it does wrong, at the request named in `at`. */
enum backend_fault {
	BACKEND_GOOD,
	BACKEND_CLOSES,	      /* ends instead of answering */
	BACKEND_REFUSES,      /* a negative acknowledgement */
	BACKEND_OTHER_ANSWER, /* of another request */
	BACKEND_LONG_ANSWER,
	BACKEND_TALKS, /* says something that nobody asked for, afterwards */
	BACKEND_SILENT,
};

struct backend_ring {
	uint32_t size, base;
	struct vhost_user_vring_addr addr;
	int kick, call;
	bool enabled;
};

struct backend {
	char path[80]; /* where it listens */
	uint64_t features, protocol, queues;
	enum backend_fault fault;
	uint32_t at;
	/* What happened. */
	atomic_uint requests;
	atomic_uint chains;
	atomic_uint running;   /* rings that it serves */
	atomic_uint last_base; /* of the last SET_VRING_BASE */
	uint64_t acked;	       /* features */

	int listener, fd;
	pthread_t thread;
	struct vhost_user_memory memory;
	void *mapped[VHOST_USER_REGIONS];
	struct backend_ring rings[BACKEND_RINGS];
};

/* A well-behaved one with these defaults; then change it, and start it. */
void backend_init(struct backend *backend, const char *folder);
void backend_start(struct backend *backend);
/* Its connection has been closed: wait for its end. */
void backend_join(struct backend *backend);

#endif
