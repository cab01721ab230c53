/* SPDX-License-Identifier: Apache-2.0 */
/*
 * An engine of threads (disk_engine.h), for hosts that deny io_uring and for what it can't do. Jobs
 * start in the order in which they were submitted.
 */
#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "dev/backend/disk_engine.h"
#include "dev/dev.h"

struct threads {
	struct disk_engine engine;
	unsigned max;
	struct disk_jobs held; /* submitted, not kicked: the caller's alone */

	pthread_mutex_t mutex; /* guards what follows */
	pthread_cond_t work;   /* there are jobs, or it is the end */
	pthread_cond_t done;   /* jobs are done */
	struct disk_jobs waiting, finished;
	unsigned waiting_count, idle;
	bool end;
	unsigned count;
	pthread_t threads[AX_DISK_THREADS_MAX];
};

static struct threads *threads_of(struct disk_engine *engine)
{
	return (struct threads *)engine;
}

/* The mutex is held. */
static void finish(struct threads *pool, struct disk_job *job)
{
	bool first = !pool->finished.first;
	uint64_t one = 1;

	disk_jobs_add(&pool->finished, job);
	if (first) {
		if (pool->max)
			(void)!write(pool->engine.fd, &one, sizeof(one));
		pthread_cond_signal(&pool->done);
	}
}

static void *thread_main(void *opaque)
{
	struct threads *pool = opaque;
	struct disk_job *job;

	pthread_mutex_lock(&pool->mutex);
	for (;;) {
		while (!pool->waiting.first && !pool->end) {
			pool->idle++;
			pthread_cond_wait(&pool->work, &pool->mutex);
			pool->idle--;
		}
		job = disk_jobs_take(&pool->waiting);
		if (!job)
			break;
		pool->waiting_count--;
		pthread_mutex_unlock(&pool->mutex);
		disk_job_run(job);
		pthread_mutex_lock(&pool->mutex);
		finish(pool, job);
	}
	pthread_mutex_unlock(&pool->mutex);
	return NULL;
}

/* A thread more, which blocks all signals. The mutex is held. */
static bool start_thread(struct threads *pool)
{
	sigset_t all, before;
	char name[16];
	int ret;

	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, &before);
	ret = pthread_create(&pool->threads[pool->count], NULL, thread_main, pool);
	pthread_sigmask(SIG_SETMASK, &before, NULL);
	if (ret)
		return false;
	snprintf(name, sizeof(name), "ax-disk-%u", pool->count % AX_DISK_THREADS_MAX);
	pthread_setname_np(pool->threads[pool->count], name);
	pool->count++;
	return true;
}

static void threads_submit(struct disk_engine *engine, struct disk_job *job)
{
	disk_jobs_add(&threads_of(engine)->held, job);
}

/* Without a single thread the caller does it. The mutex is held. */
static void run_here(struct threads *pool)
{
	struct disk_job *job;

	while ((job = disk_jobs_take(&pool->waiting))) {
		pool->waiting_count--;
		pthread_mutex_unlock(&pool->mutex);
		disk_job_run(job);
		pthread_mutex_lock(&pool->mutex);
		finish(pool, job);
	}
}

static void threads_kick(struct disk_engine *engine)
{
	struct threads *pool = threads_of(engine);
	struct disk_job *job;

	if (!pool->held.first)
		return;
	pthread_mutex_lock(&pool->mutex);
	while ((job = disk_jobs_take(&pool->held))) {
		disk_jobs_add(&pool->waiting, job);
		pool->waiting_count++;
		pthread_cond_signal(&pool->work);
	}
	/* A new thread takes a job as soon as it can, as an idle one does. */
	for (unsigned ready = pool->idle; ready < pool->waiting_count && pool->count < pool->max;
	     ready++) {
		if (!start_thread(pool))
			break;
	}
	if (!pool->count)
		run_here(pool);
	pthread_mutex_unlock(&pool->mutex);
}

static struct disk_job *threads_reap(struct disk_engine *engine)
{
	struct threads *pool = threads_of(engine);
	struct disk_job *job;
	uint64_t count;

	pthread_mutex_lock(&pool->mutex);
	job = disk_jobs_take(&pool->finished);
	/* The descriptor is readable while there are some. */
	if (job && !pool->finished.first && pool->max)
		(void)!read(engine->fd, &count, sizeof(count));
	pthread_mutex_unlock(&pool->mutex);
	return job;
}

static void threads_wait(struct disk_engine *engine)
{
	struct threads *pool = threads_of(engine);

	pthread_mutex_lock(&pool->mutex);
	while (!pool->finished.first)
		pthread_cond_wait(&pool->done, &pool->mutex);
	pthread_mutex_unlock(&pool->mutex);
}

static void threads_free(struct disk_engine *engine)
{
	struct threads *pool = threads_of(engine);

	pthread_mutex_lock(&pool->mutex);
	pool->end = true;
	pthread_cond_broadcast(&pool->work);
	pthread_mutex_unlock(&pool->mutex);
	for (unsigned i = 0; i < pool->count; i++)
		pthread_join(pool->threads[i], NULL);
	if (pool->max)
		close(engine->fd);
	pthread_cond_destroy(&pool->done);
	pthread_cond_destroy(&pool->work);
	pthread_mutex_destroy(&pool->mutex);
	free(pool);
}

static const struct disk_engine_ops threads_ops = {
	.submit = threads_submit,
	.kick = threads_kick,
	.reap = threads_reap,
	.wait = threads_wait,
	.free = threads_free,
};

int disk_threads_new(unsigned threads, struct disk_engine **out, AxError *err)
{
	struct threads *pool = calloc(1, sizeof(*pool));

	if (!pool)
		return ax_dev_error_nomem(err, "a disk's threads");
	pool->engine.ops = &threads_ops;
	pool->engine.fd = threads ? eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK) : -1;
	if (threads && pool->engine.fd < 0) {
		ax_error_set(err, -EIO, AX_ERROR_RESOURCE, errno, "eventfd: %m");
		free(pool);
		return -EIO;
	}
	pool->max = threads;
	disk_jobs_init(&pool->held);
	disk_jobs_init(&pool->waiting);
	disk_jobs_init(&pool->finished);
	pthread_mutex_init(&pool->mutex, NULL);
	pthread_cond_init(&pool->work, NULL);
	pthread_cond_init(&pool->done, NULL);
	*out = &pool->engine;
	return 0;
}
