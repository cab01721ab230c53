/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Frame of the tests of host services: a trace of callbacks, and our own loop.
 */
#ifndef AXVMM_TESTS_UNIT_HOST_FIXTURE_H
#define AXVMM_TESTS_UNIT_HOST_FIXTURE_H

#include <fcntl.h>
#include <poll.h>
#include <unistd.h>

#include "tests/unit/core_fixture.h"
#include "tests/unit/fake_libc.h"

#define MS UINT64_C(1000000)

/* What callbacks did, in order: a letter each. */
struct trace {
	char text[64];
	AxHost *host;
	AxTimer *timer, *other;
	AxWatch *watch, *victim;
	unsigned events;
};

static inline void note(struct trace *trace, char letter)
{
	size_t len = strlen(trace->text);

	if (len + 1 < sizeof(trace->text))
		trace->text[len] = letter;
}

static inline void note_a(void *opaque)
{
	note(opaque, 'a');
}

static inline void note_b(void *opaque)
{
	note(opaque, 'b');
}

static inline void note_c(void *opaque)
{
	note(opaque, 'c');
}

static inline AxHost *new_host(void)
{
	AxHost *host = NULL;
	AxError err = AX_ERROR_INIT;

	ck_assert_msg(!ax_host_new(NULL, NULL, &host, &err), "%s", err.message);
	return host;
}

static inline int dispatch(AxHost *host, int timeout_ms)
{
	AxError err = AX_ERROR_INIT;
	int ret = ax_loop_dispatch(host, timeout_ms, &err);

	ck_assert_msg(ret >= 0, "%s", err.message);
	return ret;
}

static inline bool is_readable(int fd)
{
	struct pollfd poll_fd = { .fd = fd, .events = POLLIN };

	return poll(&poll_fd, 1, 0) == 1;
}

static inline unsigned count_descriptors(void)
{
	unsigned count = 0;

	for (int fd = 0; fd < 256; fd++)
		count += fcntl(fd, F_GETFD) >= 0;
	return count;
}

#endif
