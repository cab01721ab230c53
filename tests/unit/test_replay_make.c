/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Virtio devices made of what a recording says of them, which may be anything.
 */
#include <check.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include <axvmm/record.h>
#include <axvmm/virtio.h>

static AxRecord *made, *record;

/* An empty recording, open for its replay. */
static void set_up(void)
{
	const void *bytes;
	size_t len;

	ck_assert_int_eq(ax_record_create(NULL, &made, NULL), 0);
	ck_assert_int_eq(ax_record_finish(made, NULL), 0);
	bytes = ax_record_bytes(made, &len);
	ck_assert_int_eq(ax_replay_open("it", bytes, len, &record, NULL), 0);
}

static void tear_down(void)
{
	ax_record_free(record);
	ax_record_free(made);
}

/* Make the device that is described so. */
static int make(const char *text, AxVirtio **virtio, AxError *err)
{
	ax_record_set_fact(record, "device.it", text);
	return ax_virtio_replay(record, "it", virtio, err);
}

static const struct {
	const char *text;
	uint32_t id;
} sound[] = {
	{ "rng", 4 },
	{ "blk queues=2 size=128 bytes=1048576 block=512 physical=4096 ro=0 watched=1 serial=", 2 },
	{ "balloon target=4096 stats=1000000000 flags=3", 5 },
	{ "console ports=1 1 80 25 0:", 3 },
	{ "console ports=3 1 0 0 5:a b:c 0 0 0 0: 1 65535 65535 1: ", 3 },
	{ "net pairs=1 header=12 features=0 mtu=0 net-mtu=0 hangup=0 gone=0 mac=02:00:00:00:00:01",
	  1 },
	{ "net pairs=8 header=0 features=0 mtu=1400 net-mtu=9000 hangup=1 gone=1 mac=f:f:f:f:f:f",
	  1 },
	{ "vsock cid=3 connections=1024", 19 },
};

START_TEST(devices_are_made_of_their_descriptions)
{
	AxError err = AX_ERROR_INIT;
	AxVirtio *virtio = NULL;

	ck_assert_msg(!make(sound[_i].text, &virtio, &err), "%s", err.message);
	ck_assert_uint_eq(ax_virtio_id(virtio), sound[_i].id);
	ck_assert_str_eq(ax_virtio_name(virtio), "it");
	ax_virtio_free(virtio);
}
END_TEST

static const char *const nonsense[] = {
	"",
	"rn",
	"rng0",
	"gpu size=1",
	"blk",
	"blk queues=1 size=128 bytes=1048577 block=512 physical=4096 ro=0 watched=1 serial=",
	"blk queues=1 size=128 bytes=1048576 block=0 physical=4096 ro=0 watched=1 serial=",
	"blk queues=1 size=128 bytes=1048576 block=512 physical=4096 ro=0 watched=9 serial=",
	"balloon target=4096",
	"balloon target=99999999999999999999 stats=0 flags=0",
	"balloon target=0 stats=0 flags=128",
	"console ports=0",
	"console ports=17",
	"console ports=2 1 80 25 0:",
	"console ports=1 2 80 25 0:",
	"console ports=1 1 80 25 64:",
	"console ports=1 1 80 25 9:short",
	"console ports=1 1 80 25 99:x",
	"net pairs=0 header=12 features=0 mtu=0 net-mtu=0 hangup=0 gone=0 mac=02:00:00:00:00:01",
	"net pairs=9 header=12 features=0 mtu=0 net-mtu=0 hangup=0 gone=0 mac=02:00:00:00:00:01",
	"net pairs=1 header=11 features=0 mtu=0 net-mtu=0 hangup=0 gone=0 mac=02:00:00:00:00:01",
	"net pairs=1 header=0 features=ffff mtu=0 net-mtu=0 hangup=0 gone=0 mac=2:0:0:0:0:1",
	"net pairs=1 header=12 features=0 mtu=1 net-mtu=0 hangup=0 gone=0 mac=02:00:00:00:00:01",
	"net pairs=1 header=12 features=0 mtu=0 net-mtu=0 hangup=0 gone=0 mac=02:00:00:00:00",
	"vsock cid=2 connections=1024",
	"vsock cid=3 connections=0",
	"vsock cid=3 connections=4294967295",
	"vsock cid=3",
};

START_TEST(nonsense_is_refused)
{
	AxError err = AX_ERROR_INIT;
	AxVirtio *virtio = NULL;
	int ret = make(nonsense[_i], &virtio, &err);

	ck_assert_msg(ret == -ENOEXEC || ret == -EINVAL, "\"%s\": %d", nonsense[_i], ret);
	ck_assert_str_ne(err.message, "");
	ck_assert_ptr_null(virtio);
}
END_TEST

START_TEST(a_device_of_which_nothing_is_said_is_refused)
{
	AxError err = AX_ERROR_INIT;
	AxVirtio *virtio = NULL;

	ck_assert_int_eq(ax_virtio_replay(record, "other", &virtio, &err), -ENOEXEC);
	ck_assert_ptr_nonnull(strstr(err.message, "other"));
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("devices of recordings");
	TCase *tcase = tcase_create("make");
	SRunner *runner = srunner_create(suite);
	int failed;

	suite_add_tcase(suite, tcase);
	tcase_add_checked_fixture(tcase, set_up, tear_down);
	tcase_add_loop_test(tcase, devices_are_made_of_their_descriptions, 0,
			    sizeof(sound) / sizeof(*sound));
	tcase_add_loop_test(tcase, nonsense_is_refused, 0, sizeof(nonsense) / sizeof(*nonsense));
	tcase_add_test(tcase, a_device_of_which_nothing_is_said_is_refused);
	srunner_run_all(runner, CK_NORMAL);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
