/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The timers of our own event loop: a sorted list behind one timerfd.
 */
#ifndef AXVMM_CORE_HOST_TIMER_H
#define AXVMM_CORE_HOST_TIMER_H

#include <pthread.h>

#include <axvmm/host.h>

/* A timer: in the ring `armed`, in the ring `due`, or in none (next is NULL). */
struct timer {
	struct timer *next, *prev;
	uint64_t deadline; /* nanoseconds of timer_now() */
	AxTimerFn *fn;
	void *arg;
};

struct timer_queue {
	pthread_mutex_t lock; /* no callback runs with it held */
	int fd;		      /* a timerfd, owned; -1 until the loop's user has made one */
	uint64_t programmed;  /* deadline that it has; UINT64_MAX: none */
	struct timer armed;   /* head of a ring, sorted by deadline, first come first */
	struct timer due;     /* head of a ring: these fire in the timer_run() that is going on */
};

void timer_queue_init(struct timer_queue *queue);
/* Close the timerfd. */
void timer_queue_fini(struct timer_queue *queue);

/* CLOCK_MONOTONIC in nanoseconds. Any thread. */
uint64_t timer_now(void);

/* A timer, disarmed; NULL when there is no memory. */
struct timer *timer_new(AxTimerFn *fn, void *arg);
/* Fire at @deadline_ns; UINT64_MAX: never. The queue has its timerfd. Any thread. */
void timer_arm(struct timer_queue *queue, struct timer *timer, uint64_t deadline_ns);
/* Any thread; see ax_timer_free(). */
void timer_free(struct timer_queue *queue, struct timer *timer);

/* The timerfd expired: run what is due. Returns how many callbacks ran. Loop's thread. */
int timer_run(struct timer_queue *queue);

#endif
