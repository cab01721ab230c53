/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Character devices inside: what chardev.c (life), char_out.c, char_in.c and the kinds (char_fds.c,
 * char_pty.c, char_unix.c) share.
 *
 * dev->lock guards all but what says otherwise; no callback of the user's is made with it held.
 * Whoever finds on another thread than the host's that there is something to do sets a bit of `todo`
 * and has the timer `soon` bring the host's thread to it.
 *
 * "Loop" below: on the host's thread, or while that does not run, without the lock.
 */
#ifndef AXVMM_DEV_BACKEND_CHAR_H
#define AXVMM_DEV_BACKEND_CHAR_H

#include <pthread.h>
#include <stdatomic.h>

#include <axvmm/chardev.h>

#include "dev/backend/char_ring.h"
#include "dev/dev.h"

#define CHAR_INPUT_SIZE 4096
#define CHAR_LOOK_NS	200000000u /* how often is looked at what no descriptor tells */

/* What the host's thread has to do. */
#define CHAR_TODO_GONE	(1u << 0) /* the other end has closed */
#define CHAR_TODO_ERROR (1u << 1) /* tell the user that output failed */
#define CHAR_TODO_WATCH (1u << 2) /* wait for the descriptor to take output */
#define CHAR_TODO_ROOM	(1u << 3) /* tell the user that there is room */
#define CHAR_TODO_INPUT (1u << 4) /* the user takes input again */

/* How bytes go to a descriptor without waiting for it. */
enum char_out {
	CHAR_OUT_NOWHERE,  /* they are dropped */
	CHAR_OUT_NONBLOCK, /* it is ours: O_NONBLOCK */
	CHAR_OUT_PTY,	   /* the same; takes bytes also when nobody has the other end open */
	CHAR_OUT_TERMINAL, /* that others share: ask before each write */
	CHAR_OUT_PIPE,	   /* the same, and whatever else is neither of all these */
	CHAR_OUT_SOCKET,   /* that others share: MSG_DONTWAIT */
	CHAR_OUT_FILE	   /* always ready */
};

/* What a kind does; all on the loop, NULL: nothing. */
struct char_type {
	bool peers;    /* somebody comes and goes; else output that fails has failed for good */
	bool keeps_fd; /* the descriptor outlives them, and is the kind's */
	void (*look)(AxCharDev *dev); /* nobody is there, and it was asked for */
	void (*gone)(AxCharDev *dev); /* nobody is there any more: wait for the next one */
	bool (*is_drained)(
		AxCharDev *dev);      /* the reader has what was written. Any thread, the lock */
	void (*free)(AxCharDev *dev); /* the kind's own, which is there */
};

struct AxCharDev {
	const struct char_type *type;
	void *kind; /* the kind's own */
	AxHost *host;
	AxCharDevConfig config;
	AxCharFds fds; /* filter, may_read; loop */
	char *path;
	bool own_fd; /* it is closed in the end */

	AxLock *lock;
	int fd_in, fd_out; /* -1: none. Changed on the loop only */
	enum char_out out;
	bool present;	    /* somebody is there */
	bool want_write;    /* the loop waits until fd_out takes more */
	bool delayed;	    /* `delay` is armed */
	bool starved;	    /* the user waits for room */
	bool input_blocked; /* the user took less than all */
	bool exhausted;	    /* there is no input and won't be any from this end */
	unsigned no_wait;   /* nobody waits in the sink: who said so has not taken it back */
	unsigned waiters;   /* threads that look at fd_out without the lock */
	unsigned stalled;   /* threads in the sink that wait for room */
	unsigned todo;
	int error; /* errno */
	struct char_ring ring;
	AxCharDevCounters counters;
	atomic_bool hurry;
	pthread_t loop; /* the host's thread, once it is known */
	bool loop_known;

	/* Loop only. */
	AxTimer *soon;		       /* armed by anybody */
	AxTimer *delay;		       /* the same: collected bytes go out */
	AxTimer *look;		       /* see CHAR_LOOK_NS */
	AxWatch *watch_in, *watch_out; /* one, watch_in, where both are the same descriptor */
	bool looking;		       /* `look` is armed */
	bool always_ready;	       /* input that can't be watched */
	bool input_ended;
	bool input_held; /* may_read() said no */
	AxCharUser user;
	bool has_user;
	size_t input_len;
	uint8_t input[CHAR_INPUT_SIZE];
};

/* chardev.c */

/* A device of @type without descriptors. 0; -EINVAL; -ENOMEM. ax_chardev_free() also of half of one. */
int char_new(const AxCharDevConfig *config, const struct char_type *type, AxCharDev **out,
	     AxError *err);
/* Keep a copy of the path: 0; -ENOMEM. */
int char_set_path(AxCharDev *dev, const char *path, AxError *err);
/* Have the loop do what dev->todo says. Any thread, without the lock. */
void char_call_loop(AxCharDev *dev);
/* Whether the caller is the host's thread. With the lock. */
static inline bool char_is_loop(const AxCharDev *dev)
{
	return dev->loop_known && pthread_equal(dev->loop, pthread_self());
}
/* Tell the user. Loop. */
void char_tell(AxCharDev *dev, AxCharEvent event);
/* Somebody is there, on a descriptor that is the device's own from now on. Loop. */
void char_opened(AxCharDev *dev, int fd, enum char_out out);
/* Look at it again after @ns, or sooner. Loop. */
void char_look_later(AxCharDev *dev, uint64_t ns);
/* Wait for what is to be waited for. Loop. */
void char_update_watches(AxCharDev *dev);
/* Do what is to be done. Loop. */
void char_do_todo(AxCharDev *dev);

/* char_out.c */

/* Bytes that may wait now. With the lock. */
uint64_t char_limit(const AxCharDev *dev);
/* Write what waits as far as it goes at once; sets bits of todo. With the lock. */
void char_drain(AxCharDev *dev);
/* fd_out may take more, or the collected bytes have waited long enough. Loop. */
void char_write_out(AxCharDev *dev);
/* Nobody looks at fd_out, which is about to be closed, any more. With the lock, which it lets go. */
void char_wait_for_waiters(AxCharDev *dev);

/* char_in.c */

/* Read what there is and give it to the user, as far as it takes it. Loop. */
void char_pump(AxCharDev *dev, bool readable);
/* Somebody may have gone: a bit of todo says so. Loop. */
void char_check_hangup(AxCharDev *dev);
/* Whether fd_in is to be watched. Loop. */
bool char_wants_input(AxCharDev *dev);

#endif
