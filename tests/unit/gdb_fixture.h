/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A stub for gdb on a VM of the fake KVM, and its peer: both on the test's thread, which drives the
 * loop.
 */
#ifndef AXVMM_TESTS_UNIT_GDB_FIXTURE_H
#define AXVMM_TESTS_UNIT_GDB_FIXTURE_H

#include <poll.h>
#include <stdio.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <axvmm/gdb.h>

#include "tests/temporary.h"
#include "tests/unit/run_fixture.h"

struct gdb_test {
	AxHost *host;
	AxGdb *gdb;
	AxVm *vm;
	int fd; /* the peer's; -1 */
	unsigned kills;
	atomic_uint waits; /* calls of AxGdbConfig.waiting, and what the last one said */
	atomic_bool is_waited_for;
	char path[TEMPORARY_SIZE];
	char answer[20000];
};

static inline void gdb_on_kill(void *opaque)
{
	struct gdb_test *test = opaque;

	test->kills++;
	ax_vm_stop(test->vm, 1);
}

static inline void gdb_on_waiting(void *opaque, bool on)
{
	struct gdb_test *test = opaque;

	atomic_fetch_add(&test->waits, 1);
	atomic_store(&test->is_waited_for, on);
}

/* A stub that listens, without a VM. */
static inline void gdb_test_open(struct gdb_test *test, bool wait)
{
	AxGdbConfig config = AX_GDB_CONFIG_INIT;
	AxError err = AX_ERROR_INIT;
	char name[32], address[80];

	memset(test, 0, sizeof(*test));
	test->fd = -1;
	snprintf(name, sizeof(name), "gdb-%ld", (long)getpid());
	/* Left by a test that was killed: a process of this number there is but this one. */
	unlink(temporary_path(test->path, name));
	snprintf(address, sizeof(address), "unix:%s", test->path);
	ck_assert_msg(!ax_host_new(NULL, NULL, &test->host, &err), "%s", err.message);
	config.address = address;
	config.wait = wait;
	config.kill = gdb_on_kill;
	config.opaque = test;
	config.waiting = gdb_on_waiting;
	ck_assert_msg(!ax_gdb_new(test->host, &config, &test->gdb, &err), "%s", err.message);
	ck_assert_str_eq(ax_gdb_address(test->gdb), test->path);
}

static inline void gdb_test_close(struct gdb_test *test)
{
	if (test->fd >= 0)
		close(test->fd);
	ax_gdb_detach(test->gdb);
	ax_gdb_free(test->gdb);
	ax_host_free(test->host);
	ax_vm_destroy(test->vm);
	ck_assert_int_ne(access(test->path, F_OK), 0);
}

static inline void gdb_test_connect(struct gdb_test *test)
{
	struct sockaddr_un name = { .sun_family = AF_UNIX };

	memcpy(name.sun_path, test->path, sizeof(test->path));
	test->fd = socket(AF_UNIX, SOCK_STREAM, 0);
	ck_assert_int_eq(connect(test->fd, (struct sockaddr *)&name, sizeof(name)), 0);
}

static inline void gdb_test_dispatch(struct gdb_test *test, int timeout_ms)
{
	ck_assert_int_ge(ax_loop_dispatch(test->host, timeout_ms, NULL), 0);
}

/* Send a packet. */
static inline void gdb_test_send(struct gdb_test *test, const char *text)
{
	char frame[20100];
	uint8_t sum = 0;
	int length;

	for (const char *at = text; *at; at++)
		sum += (uint8_t)*at;
	length = snprintf(frame, sizeof(frame), "$%s#%02x", text, sum);
	ck_assert_int_eq(send(test->fd, frame, (size_t)length, MSG_NOSIGNAL), length);
}

/* The next byte from the stub, whose loop goes on meanwhile. -1: the connection has ended. */
static inline int gdb_test_byte(struct gdb_test *test)
{
	uint8_t byte;

	for (unsigned tries = 0; tries < 3000; tries++) {
		ssize_t count = recv(test->fd, &byte, 1, MSG_DONTWAIT);

		if (count == 1)
			return byte;
		if (!count)
			return -1;
		gdb_test_dispatch(test, 5);
	}
	ck_abort_msg("the stub says nothing");
	return -1;
}

/* What comes next: the text of a packet. */
static inline const char *gdb_test_receive(struct gdb_test *test)
{
	size_t length = 0;
	int byte;

	while ((byte = gdb_test_byte(test)) != '$')
		ck_assert_int_ge(byte, 0);
	while ((byte = gdb_test_byte(test)) != '#') {
		if (byte == '}')
			byte = gdb_test_byte(test) ^ 0x20;
		ck_assert_uint_lt(length, sizeof(test->answer) - 1);
		test->answer[length++] = (char)byte;
	}
	test->answer[length] = 0;
	gdb_test_byte(test);
	gdb_test_byte(test);
	return test->answer;
}

/* The answer to a packet. */
static inline const char *gdb_test_ask(struct gdb_test *test, const char *text)
{
	gdb_test_send(test, text);
	return gdb_test_receive(test);
}

#endif
