/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Frame of the tests of character devices: a loop, a user that notes what it is told, and a folder for
 * sockets and files.
 */
#ifndef AXVMM_TESTS_UNIT_CHAR_FIXTURE_H
#define AXVMM_TESTS_UNIT_CHAR_FIXTURE_H

#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

#include <axvmm/chardev.h>

#include "tests/temporary.h"
#include "tests/unit/core_fixture.h"

#define MS UINT64_C(1000000)

/* A user of a character device. */
struct char_user {
	char events[64]; /* a letter each: O, C, F, E; r for room */
	size_t room;	 /* bytes of input that it takes */
	size_t len;
	uint8_t bytes[8192];
};

static AxHost *host;
static char folder[TEMPORARY_SIZE];

static inline void char_setup(void)
{
	core_setup();
	signal(SIGPIPE, SIG_DFL); /* no test may depend on it */
	ck_assert_int_eq(ax_host_new(NULL, NULL, &host, NULL), 0);
	ck_assert(temporary_folder(folder, "char"));
}

static inline void char_teardown(void)
{
	ax_host_free(host);
	/* Also shows that nothing was left behind. */
	ck_assert_msg(!rmdir(folder), "%s is not empty", folder);
	core_teardown();
}

static inline const char *in_folder(const char *name)
{
	static char path[128];

	snprintf(path, sizeof(path), "%s/%s", folder, name);
	return path;
}

static inline AxCharDevConfig char_config(void)
{
	AxCharDevConfig config = AX_CHAR_DEV_CONFIG_INIT;

	config.host = host;
	return config;
}

static inline void note_event(struct char_user *user, char letter)
{
	size_t len = strlen(user->events);

	if (len + 1 < sizeof(user->events))
		user->events[len] = letter;
}

static inline size_t user_input(void *opaque, const uint8_t *bytes, size_t len)
{
	struct char_user *user = opaque;
	size_t taken = len < user->room ? len : user->room;

	ck_assert_uint_le(user->len + taken, sizeof(user->bytes));
	memcpy(user->bytes + user->len, bytes, taken);
	user->len += taken;
	user->room -= taken;
	return taken;
}

static inline void user_room(void *opaque)
{
	note_event(opaque, 'r');
}

static inline void user_event(void *opaque, uint32_t event)
{
	note_event(opaque, "OCFE"[event]);
}

static inline void set_user(AxCharDev *dev, struct char_user *user)
{
	AxCharUser ops = AX_CHAR_USER_INIT;

	memset(user, 0, sizeof(*user));
	user->room = sizeof(user->bytes);
	ops.input = user_input;
	ops.room = user_room;
	ops.event = user_event;
	ops.opaque = user;
	ck_assert_int_eq(ax_chardev_set_user(dev, &ops, NULL), 0);
}

static inline AxCharDevCounters counters_of(AxCharDev *dev)
{
	AxCharDevCounters counters = AX_CHAR_DEV_COUNTERS_INIT;

	ck_assert_int_eq(ax_chardev_counters(dev, &counters), 0);
	return counters;
}

/* Dispatch the loop until nothing is to do. */
static inline void run_loop(void)
{
	while (ax_loop_dispatch(host, 0, NULL) > 0)
		;
}

/* Dispatch until @condition holds, for some seconds. */
#define run_until(condition)                                               \
	do {                                                               \
		for (unsigned i_ = 0; !(condition); i_++) {                \
			ck_assert_msg(i_ < 1000, "never: %s", #condition); \
			ax_loop_dispatch(host, 10, NULL);                  \
		}                                                          \
	} while (0)

/* The host's thread, for tests whose own thread waits as a vCPU does. */
struct char_loop {
	pthread_t thread;
	atomic_bool quit;
};

static inline void *drive_loop(void *opaque)
{
	struct char_loop *loop = opaque;

	while (!atomic_load(&loop->quit))
		ax_loop_dispatch(host, 10, NULL);
	return NULL;
}

static inline void start_loop(struct char_loop *loop)
{
	atomic_store(&loop->quit, false);
	ck_assert_int_eq(pthread_create(&loop->thread, NULL, drive_loop, loop), 0);
}

static inline void stop_loop(struct char_loop *loop)
{
	atomic_store(&loop->quit, true);
	pthread_join(loop->thread, NULL);
}

static inline void sleep_ms(unsigned ms)
{
	nanosleep(&(struct timespec){ ms / 1000, (long)(ms % 1000) * 1000000 }, NULL);
}

/* A byte of a flood, such that a lost, doubled or moved one is seen. */
static inline uint8_t flood_byte(uint64_t at)
{
	return at % 79 == 78 ? '\n' : (uint8_t)(' ' + (at * 7 + at / 79) % 95);
}

/* A reader that is slow: sleeps before each of its reads in the beginning, and now and then later. */
struct slow_reader {
	int fd;
	uint64_t wanted;
	atomic_ulong got;
	atomic_bool wrong;
	AxCharDev *dev; /* whose guest has to have waited before it reads at all; NULL: none */
	pthread_t thread;
};

static inline void *read_slowly(void *opaque)
{
	struct slow_reader *reader = opaque;
	uint8_t bytes[16384];
	unsigned reads = 0;

	for (unsigned i = 0; reader->dev && !counters_of(reader->dev).stalls && i < 4000; i++)
		sleep_ms(5);
	while (atomic_load(&reader->got) < reader->wanted) {
		struct pollfd pollfd = { .fd = reader->fd, .events = POLLIN };
		uint64_t at = atomic_load(&reader->got);
		ssize_t len;

		if (poll(&pollfd, 1, 20000) < 1)
			break;
		if (++reads < 20 || reads % 64 == 0)
			sleep_ms(5);
		len = read(reader->fd, bytes, sizeof(bytes));
		if (len <= 0)
			break;
		for (ssize_t i = 0; i < len; i++) {
			if (bytes[i] != flood_byte(at + (uint64_t)i))
				atomic_store(&reader->wrong, true);
		}
		atomic_fetch_add(&reader->got, (unsigned long)len);
	}
	return NULL;
}

static inline void start_reader(struct slow_reader *reader, int fd, uint64_t wanted, AxCharDev *dev)
{
	*reader = (struct slow_reader){ .fd = fd, .wanted = wanted, .dev = dev };
	ck_assert_int_eq(pthread_create(&reader->thread, NULL, read_slowly, reader), 0);
}

static inline void join_reader(struct slow_reader *reader)
{
	pthread_join(reader->thread, NULL);
	ck_assert_uint_eq(atomic_load(&reader->got), reader->wanted);
	ck_assert(!atomic_load(&reader->wrong));
}

static inline int connect_to(const char *path)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

	snprintf(address.sun_path, sizeof(address.sun_path), "%s", path);
	ck_assert_int_ge(fd, 0);
	ck_assert_msg(!connect(fd, (struct sockaddr *)&address, sizeof(address)), "%s", path);
	return fd;
}

/* What can be read now is this text. */
static inline void reads_text(int fd, const char *text)
{
	char bytes[256] = "";
	size_t len = 0, want = strlen(text);

	while (len < want) {
		struct pollfd pollfd = { .fd = fd, .events = POLLIN };
		ssize_t got;

		ck_assert_msg(poll(&pollfd, 1, 5000) == 1, "nothing to read, not \"%s\"", text);
		got = read(fd, bytes + len, want - len);
		ck_assert_int_gt(got, 0);
		len += (size_t)got;
	}
	ck_assert_msg(!memcmp(bytes, text, want), "\"%.*s\" is not \"%s\"", (int)want, bytes, text);
}

static inline bool nothing_to_read(int fd)
{
	struct pollfd pollfd = { .fd = fd, .events = POLLIN };

	return !poll(&pollfd, 1, 0);
}

#define RUN_CHAR_TESTS(suite_name, ...)                                       \
	int main(void)                                                        \
	{                                                                     \
		const TTest *const tests[] = { __VA_ARGS__ };                 \
		Suite *suite = suite_create(suite_name);                      \
		TCase *cases = tcase_create(suite_name);                      \
		SRunner *runner = srunner_create(suite);                      \
		int failed;                                                   \
                                                                              \
		tcase_set_timeout(cases, 100);                                \
		tcase_add_checked_fixture(cases, char_setup, char_teardown);  \
		for (size_t i = 0; i < sizeof(tests) / sizeof(tests[0]); i++) \
			tcase_add_test(cases, tests[i]);                      \
		suite_add_tcase(suite, cases);                                \
		srunner_run_all(runner, CK_ENV);                              \
		failed = srunner_ntests_failed(runner);                       \
		srunner_free(runner);                                         \
		return failed ? 1 : 0;                                        \
	}

#endif
