/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The timers of our own event loop; see host_timer.h.
 */
#include <config.h>

#include <stdlib.h>
#include <sys/timerfd.h>
#include <time.h>
#include <unistd.h>

#include "core/host_timer.h"

#define NS_PER_SECOND UINT64_C(1000000000)

static void ring_init(struct timer *head)
{
	head->next = head->prev = head;
}

static void ring_insert_after(struct timer *at, struct timer *timer)
{
	timer->prev = at;
	timer->next = at->next;
	at->next->prev = timer;
	at->next = timer;
}

static void ring_remove(struct timer *timer)
{
	if (!timer->next)
		return;
	timer->prev->next = timer->next;
	timer->next->prev = timer->prev;
	timer->next = timer->prev = NULL;
}

static struct timer *ring_first(struct timer *head)
{
	return head->next == head ? NULL : head->next;
}

void timer_queue_init(struct timer_queue *queue)
{
	pthread_mutex_init(&queue->lock, NULL);
	queue->fd = -1;
	queue->programmed = UINT64_MAX;
	ring_init(&queue->armed);
	ring_init(&queue->due);
}

void timer_queue_fini(struct timer_queue *queue)
{
	if (queue->fd >= 0)
		close(queue->fd);
	pthread_mutex_destroy(&queue->lock);
}

uint64_t timer_now(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (uint64_t)now.tv_sec * NS_PER_SECOND + (uint64_t)now.tv_nsec;
}

/*
 * Set the timerfd to the earliest timer. This also takes back an expiry that nobody has seen yet.
 */
static void program(struct timer_queue *queue)
{
	struct timer *first = ring_first(&queue->armed);
	uint64_t deadline = first ? first->deadline : UINT64_MAX;
	struct itimerspec when = { 0 };

	if (deadline == queue->programmed)
		return;
	queue->programmed = deadline;
	if (first) {
		when.it_value.tv_sec = (time_t)(deadline / NS_PER_SECOND);
		when.it_value.tv_nsec = (long)(deadline % NS_PER_SECOND);
		if (!deadline)
			when.it_value.tv_nsec = 1; /* zero would disarm */
	}
	timerfd_settime(queue->fd, TFD_TIMER_ABSTIME, &when, NULL);
}

struct timer *timer_new(AxTimerFn *fn, void *arg)
{
	struct timer *timer = calloc(1, sizeof(*timer));

	if (timer) {
		timer->fn = fn;
		timer->arg = arg;
	}
	return timer;
}

void timer_arm(struct timer_queue *queue, struct timer *timer, uint64_t deadline_ns)
{
	struct timer *before;

	pthread_mutex_lock(&queue->lock);
	ring_remove(timer);
	timer->deadline = deadline_ns;
	if (deadline_ns != UINT64_MAX) {
		/* From the end: a new timer is mostly the latest. */
		before = queue->armed.prev;
		while (before != &queue->armed && before->deadline > deadline_ns)
			before = before->prev;
		ring_insert_after(before, timer);
	}
	program(queue);
	pthread_mutex_unlock(&queue->lock);
}

void timer_free(struct timer_queue *queue, struct timer *timer)
{
	pthread_mutex_lock(&queue->lock);
	ring_remove(timer);
	program(queue);
	pthread_mutex_unlock(&queue->lock);
	free(timer);
}

int timer_run(struct timer_queue *queue)
{
	uint64_t now = timer_now();
	struct timer *timer;
	int count = 0;

	pthread_mutex_lock(&queue->lock);
	/*
	 * Two rings: a timer that a callback arms waits for the next run, however early it is, and
	 * one that a callback frees or arms anew is still found on its ring.
	 */
	while ((timer = ring_first(&queue->armed)) && timer->deadline <= now) {
		ring_remove(timer);
		ring_insert_after(queue->due.prev, timer);
	}
	program(queue);
	while ((timer = ring_first(&queue->due))) {
		AxTimerFn *fn = timer->fn;
		void *arg = timer->arg;

		ring_remove(timer);
		pthread_mutex_unlock(&queue->lock);
		fn(arg); /* may free the timer */
		count++;
		pthread_mutex_lock(&queue->lock);
	}
	pthread_mutex_unlock(&queue->lock);
	return count;
}
