/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The phases of a start. See timing.h.
 */
#include <inttypes.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "cli/cli.h"
#include "cli/timing.h"

#define MARKS_MAX 48
/* What Linux prints before it starts the first program; kernels that are to be quiet do not. */
#define INIT_TEXT " as init process"

struct mark {
	const char *phase;
	uint64_t ns;
};

struct timing {
	pthread_mutex_t lock;
	uint64_t begin_ns;
	uint64_t process_ns; /* processor time before the command began: exec and linking */
	bool finished;
	bool has_exit, has_output, has_init;
	struct mark marks[MARKS_MAX];
	unsigned count;
	AxCharSink sink; /* the one that output goes on to */
	size_t matched;	 /* bytes of INIT_TEXT that were printed last */
};

static uint64_t clock_ns(clockid_t clock)
{
	struct timespec now;

	clock_gettime(clock, &now);
	return (uint64_t)now.tv_sec * 1000000000u + (uint64_t)now.tv_nsec;
}

uint64_t timing_now(void)
{
	return clock_ns(CLOCK_MONOTONIC);
}

struct timing *timing_new(uint64_t begin_ns)
{
	struct timing *timing = calloc(1, sizeof(*timing));
	uint64_t passed = timing_now() - begin_ns;

	if (!timing) {
		cli_message("there is no memory left");
		return NULL;
	}
	pthread_mutex_init(&timing->lock, NULL);
	timing->begin_ns = begin_ns;
	timing->process_ns = clock_ns(CLOCK_PROCESS_CPUTIME_ID);
	timing->process_ns -= passed < timing->process_ns ? passed : timing->process_ns;
	return timing;
}

static void add(struct timing *timing, const char *phase, uint64_t ns)
{
	if (timing->finished || timing->count == MARKS_MAX)
		return;
	timing->marks[timing->count++] = (struct mark){ phase, ns };
}

static void mark_at(struct timing *timing, const char *phase, uint64_t ns)
{
	pthread_mutex_lock(&timing->lock);
	add(timing, phase, ns);
	pthread_mutex_unlock(&timing->lock);
}

void timing_mark(struct timing *timing, const char *phase)
{
	if (timing)
		mark_at(timing, phase, timing_now());
}

void timing_phase(void *timing, const char *phase)
{
	timing_mark(timing, phase);
}

bool timing_exit(struct timing *timing, const AxExitRecord *record)
{
	bool first;

	if (!timing)
		return false;
	pthread_mutex_lock(&timing->lock);
	first = !timing->has_exit && !timing->finished;
	timing->has_exit = true;
	if (first) {
		add(timing, "first KVM_RUN", record->time_ns - record->kvm_ns);
		add(timing, "guest: first exit", record->time_ns);
	}
	pthread_mutex_unlock(&timing->lock);
	return first;
}

/* Whether the bytes, behind those before, say INIT_TEXT: none of its bytes begins it anew but the first. */
static bool says_init(struct timing *timing, const uint8_t *bytes, size_t len)
{
	for (size_t i = 0; i < len; i++) {
		if (bytes[i] == (uint8_t)INIT_TEXT[timing->matched])
			timing->matched++;
		else
			timing->matched = bytes[i] == (uint8_t)INIT_TEXT[0];
		if (timing->matched == sizeof(INIT_TEXT) - 1) {
			timing->matched = 0;
			return true;
		}
	}
	return false;
}

static void on_output(void *opaque, const uint8_t *bytes, size_t len)
{
	struct timing *timing = opaque;

	/* One call at a time. */
	if (len && !timing->has_output)
		timing_mark(timing, "guest: first byte of output");
	timing->has_output = timing->has_output || len;
	if (!timing->has_init && says_init(timing, bytes, len)) {
		timing->has_init = true;
		timing_mark(timing, "guest: Linux runs init");
	}
	if (timing->sink.write)
		timing->sink.write(timing->sink.opaque, bytes, len);
}

void timing_watch_output(struct timing *timing, AxCharSink *sink)
{
	if (!timing)
		return;
	timing->sink = *sink;
	sink->write = on_output;
	sink->opaque = timing;
}

void timing_finish(struct timing *timing)
{
	if (!timing)
		return;
	pthread_mutex_lock(&timing->lock);
	timing->finished = true;
	pthread_mutex_unlock(&timing->lock);
}

static int by_time(const void *a, const void *b)
{
	uint64_t x = ((const struct mark *)a)->ns, y = ((const struct mark *)b)->ns;

	return x < y ? -1 : x > y;
}

static double in_ms(uint64_t ns)
{
	return (double)ns / 1e6;
}

void timing_end(struct timing *timing)
{
	uint64_t before, ours = 0;

	if (!timing)
		return;
	before = timing->begin_ns;
	/* Threads mark when they come to it. */
	qsort(timing->marks, timing->count, sizeof(timing->marks[0]), by_time);
	fprintf(stderr, "%12s %12s  phase\n", "at", "took");
	fprintf(stderr, "%12s %9.3f ms  process: exec and linking (processor time)\n", "",
		in_ms(timing->process_ns));
	for (unsigned i = 0; i < timing->count; i++) {
		const struct mark *mark = &timing->marks[i];

		fprintf(stderr, "%9.3f ms %9.3f ms  %s\n", in_ms(mark->ns - timing->begin_ns),
			in_ms(mark->ns - before), mark->phase);
		before = mark->ns;
		if (!strcmp(mark->phase, "first KVM_RUN"))
			ours = mark->ns - timing->begin_ns;
	}
	if (ours)
		fprintf(stderr, "%.3f ms from the command to the first KVM_RUN\n", in_ms(ours));
	pthread_mutex_destroy(&timing->lock);
	free(timing);
}
