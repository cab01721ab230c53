/* SPDX-License-Identifier: Apache-2.0 */
/*
 * vhost-user's front end, by the file system device, with a small back end of the test's own that also
 * misbehaves.
 */
#include "tests/temporary.h"
#include "tests/unit/vhost_backend.h"
#include "tests/unit/virtio_fs_driver.h"

static char folder[TEMPORARY_SIZE];
static struct backend backend;
static AxError reason;
static unsigned reports;

static void setup(void)
{
	ck_assert(temporary_folder(folder, "vhost"));
	backend_init(&backend, folder);
	reason = (AxError)AX_ERROR_INIT;
	reports = 0;
}

static void teardown(void)
{
	backend_join(&backend);
	ck_assert_int_eq(rmdir(folder), 0);
}

static void note_failure(void *opaque, const AxError *why)
{
	(void)opaque;
	reason = *why;
	reports++;
}

static int try_new(struct drv *drv, AxVirtio **virtio, AxError *err)
{
	AxVirtioFsConfig config = AX_VIRTIO_FS_CONFIG_INIT;

	config.host = drv->host;
	config.tag = "files";
	config.socket = backend.path;
	config.failed = note_failure;
	return ax_virtio_fs_new(&config, virtio, err);
}

static struct drv *new_fs(void)
{
	struct drv *drv = drv_new();
	AxError err = AX_ERROR_INIT;
	AxVirtio *virtio = NULL;

	share_ram(drv);
	ck_assert_msg(!try_new(drv, &virtio, &err), "%s", err.message);
	drv_attach(drv, virtio);
	return drv;
}

/* A request goes round. */
static void check_request(struct drv *drv, unsigned queue)
{
	uint64_t gpa = drv_alloc(drv, 16), back = drv_alloc(drv, 16);
	struct drv_segment segments[2] = { { gpa, 5, false }, { back, 16, true } };
	uint32_t len;

	memcpy(drv_ptr(drv, gpa), "abcde", 5);
	ck_assert_int_ge(drv_add_chain(drv, queue, segments, 2, false), 0);
	drv_kick(drv, queue);
	wait_used(drv, queue, &len);
	ck_assert_uint_eq(len, 5);
	ck_assert_int_eq(memcmp(drv_ptr(drv, back), "edcba", 5), 0);
}

START_TEST(requests_go_round_and_the_driver_is_told)
{
	struct drv *drv;

	backend_start(&backend);
	drv = new_fs();
	/* Packed rings are not offered, whatever the back end says. */
	ck_assert(!(drv_offered(drv) & VIRTIO_F_RING_PACKED));
	drv_start(drv, DRV_ALL);
	for (unsigned i = 0; i < 20; i++)
		check_request(drv, FS_REQUEST);
	check_request(drv, FS_HIPRIO);
	while (!(drv_ack(drv) & 1))
		ck_assert_int_ge(ax_loop_dispatch(drv->host, 10, NULL), 0);
	ck_assert(drv_wait_irq(drv, 0));
	ck_assert_uint_eq(backend.running, 2);
	ck_assert_uint_eq(backend.acked, VIRTIO_F_VERSION_1 | VIRTIO_F_INDIRECT_DESC |
						 VIRTIO_F_EVENT_IDX |
						 VHOST_USER_F_PROTOCOL_FEATURES);
	drv_reset(drv);
	ck_assert_uint_eq(backend.running, 0);
	drv_start(drv, DRV_ALL);
	ck_assert_uint_eq(backend.last_base, 0);
	check_request(drv, FS_REQUEST);
	ck_assert_uint_eq(reports, 0);
	drv_free(drv);
}
END_TEST

START_TEST(a_back_end_without_acknowledgements_serves_too)
{
	struct drv *drv;

	backend.protocol = 0;
	backend_start(&backend);
	drv = new_fs();
	drv_start(drv, DRV_ALL);
	check_request(drv, FS_REQUEST);
	drv_free(drv);
}
END_TEST

START_TEST(a_queue_that_is_switched_off_leaves_the_others_where_they_were)
{
	struct drv *drv;

	backend_start(&backend);
	drv = new_fs();
	drv_start(drv, DRV_ALL);
	check_request(drv, FS_REQUEST);
	check_request(drv, FS_REQUEST);
	drv_out(drv, VIRTIO_MMIO_QUEUE_SEL, FS_HIPRIO);
	drv_out(drv, VIRTIO_MMIO_QUEUE_READY, 0);
	ck_assert_uint_eq(backend.running, 1);
	ck_assert_uint_eq(backend.last_base, 2);
	check_request(drv, FS_REQUEST);
	drv_free(drv);
}
END_TEST

START_TEST(a_guest_in_the_middle_is_not_saved_and_goes_on)
{
	AxState *state = ax_state_new();
	AxError err = AX_ERROR_INIT;
	struct drv *drv;

	backend_start(&backend);
	drv = new_fs();
	ck_assert_int_eq(ax_devices_save(drv->vm, state, NULL), 0);
	ax_state_free(state);
	state = ax_state_new();
	drv_start(drv, DRV_ALL);
	check_request(drv, FS_REQUEST);
	ck_assert_int_eq(ax_devices_save(drv->vm, state, &err), -ENOTSUP);
	check_request(drv, FS_REQUEST);
	ax_state_free(state);
	drv_free(drv);
}
END_TEST

START_TEST(ram_that_cannot_be_shared_is_refused_with_a_way_out)
{
	struct drv *drv = drv_new();
	AxError err = AX_ERROR_INIT;
	AxVirtio *virtio = NULL;

	backend_start(&backend);
	ck_assert_int_eq(try_new(drv, &virtio, &err), 0);
	ck_assert_fails(ax_virtio_attach(virtio, drv->vm, DRV_MMIO, NULL, AX_VIRTIO_EDGE, &err),
			-ENOTSUP, AX_ERROR_UNSUPPORTED, "AX_MACHINE_SHARED_MEMORY");
	/* Nothing stayed behind: the same place is free. */
	share_ram(drv);
	drv_attach(drv, virtio);
	drv_start(drv, DRV_ALL);
	check_request(drv, FS_REQUEST);
	drv_free(drv);
}
END_TEST

START_TEST(back_ends_that_lack_something_are_refused)
{
	struct drv *drv = drv_new();
	AxError err = AX_ERROR_INIT;
	AxVirtio *virtio = NULL;

	if (_i == 0)
		backend.features &= ~VHOST_USER_F_PROTOCOL_FEATURES;
	else if (_i == 1)
		backend.features &= ~VIRTIO_F_VERSION_1;
	else
		backend.queues = 1;
	backend_start(&backend);
	ck_assert_fails(try_new(drv, &virtio, &err), -ENOTSUP, AX_ERROR_UNSUPPORTED, "virtiofsd");
	drv_free(drv);
}
END_TEST

/* Where a fault is found: while the device is made, or when the guest starts it, or resets it. */
static const uint32_t making[] = { VHOST_USER_GET_FEATURES, VHOST_USER_GET_PROTOCOL_FEATURES,
				   VHOST_USER_SET_OWNER, VHOST_USER_GET_QUEUE_NUM };
static const uint32_t starting[] = {
	VHOST_USER_SET_FEATURES,   VHOST_USER_SET_MEM_TABLE,	VHOST_USER_SET_VRING_NUM,
	VHOST_USER_SET_VRING_BASE, VHOST_USER_SET_VRING_ADDR,	VHOST_USER_SET_VRING_KICK,
	VHOST_USER_SET_VRING_CALL, VHOST_USER_SET_VRING_ENABLE,
};
static const enum backend_fault faults[] = { BACKEND_CLOSES, BACKEND_REFUSES, BACKEND_OTHER_ANSWER,
					     BACKEND_LONG_ANSWER };
#define COUNT(array) ((int)(sizeof(array) / sizeof((array)[0])))

START_TEST(faults_while_it_is_made_are_errors)
{
	struct drv *drv = drv_new();
	AxError err = AX_ERROR_INIT;
	AxVirtio *virtio = NULL;

	backend.at = making[_i % COUNT(making)];
	backend.fault = faults[_i / COUNT(making)];
	/* What is asked for a value cannot be refused. */
	if (backend.fault == BACKEND_REFUSES)
		backend.at = VHOST_USER_SET_OWNER;
	backend_start(&backend);
	ck_assert_fails(try_new(drv, &virtio, &err), -EIO, AX_ERROR_FILE, "virtiofsd");
	drv_free(drv);
}
END_TEST

static void dispatch_until_reported(struct drv *drv)
{
	time_t end = time(NULL) + 20;

	while (!reports && time(NULL) < end)
		ck_assert_int_ge(ax_loop_dispatch(drv->host, 10, NULL), 0);
	ck_assert_uint_eq(reports, 1);
}

static void start_and_break(struct drv *drv)
{
	ck_assert(drv_negotiate(drv, DRV_ALL));
	drv_setup_queue(drv, FS_HIPRIO);
	drv_setup_queue(drv, FS_REQUEST);
	drv_out(drv, VIRTIO_MMIO_STATUS, 15);
	ck_assert(drv_is_broken(drv));
}

START_TEST(faults_at_start_break_the_device)
{
	struct drv *drv;

	backend.at = starting[_i % COUNT(starting)];
	backend.fault = faults[_i / COUNT(starting)];
	backend_start(&backend);
	drv = new_fs();
	start_and_break(drv);
	dispatch_until_reported(drv);
	ck_assert_msg(strstr(reason.message, "virtiofsd"), "%s", reason.message);
	drv_reset(drv);
	ck_assert(!drv_is_broken(drv));
	start_and_break(drv);
	drv_run(drv);
	ck_assert_uint_eq(reports, 1);
	drv_free(drv);
}
END_TEST

START_TEST(faults_at_the_end_do_not_stop_a_reset)
{
	struct drv *drv;

	backend.at = VHOST_USER_GET_VRING_BASE;
	backend.fault = _i ? faults[_i] : BACKEND_CLOSES;
	if (backend.fault == BACKEND_REFUSES)
		backend.at = VHOST_USER_SET_VRING_ENABLE;
	backend_start(&backend);
	drv = new_fs();
	if (backend.fault == BACKEND_REFUSES) {
		start_and_break(drv);
	} else {
		drv_start(drv, DRV_ALL);
		check_request(drv, FS_REQUEST);
	}
	drv_reset(drv);
	ck_assert_uint_eq(drv_in(drv, VIRTIO_MMIO_STATUS), 0);
	dispatch_until_reported(drv);
	drv_free(drv);
}
END_TEST

START_TEST(what_nobody_asked_for_breaks_the_device)
{
	struct drv *drv;

	backend.at = VHOST_USER_SET_VRING_ENABLE;
	backend.fault = BACKEND_TALKS;
	backend.protocol &= ~VHOST_USER_PROTOCOL_F_REPLY_ACK;
	backend_start(&backend);
	drv = new_fs();
	drv_start(drv, DRV_ALL);
	dispatch_until_reported(drv);
	ck_assert(drv_is_broken(drv));
	ck_assert_msg(strstr(reason.message, "nobody asked for"), "%s", reason.message);
	drv_free(drv);
}
END_TEST

START_TEST(a_silent_back_end_is_given_up)
{
	struct drv *drv;

	backend.at = VHOST_USER_SET_MEM_TABLE;
	backend.fault = BACKEND_SILENT;
	backend_start(&backend);
	drv = new_fs();
	start_and_break(drv);
	dispatch_until_reported(drv);
	ck_assert_msg(strstr(reason.message, "no answer within"), "%s", reason.message);
	drv_free(drv);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("vhost-user");
	TCase *cases = tcase_create("vhost-user");
	SRunner *runner = srunner_create(suite);
	int failed;

	tcase_set_timeout(cases, 60);
	tcase_add_checked_fixture(cases, setup, teardown);
	tcase_add_test(cases, requests_go_round_and_the_driver_is_told);
	tcase_add_test(cases, a_back_end_without_acknowledgements_serves_too);
	tcase_add_test(cases, a_queue_that_is_switched_off_leaves_the_others_where_they_were);
	tcase_add_test(cases, a_guest_in_the_middle_is_not_saved_and_goes_on);
	tcase_add_test(cases, ram_that_cannot_be_shared_is_refused_with_a_way_out);
	tcase_add_loop_test(cases, back_ends_that_lack_something_are_refused, 0, 3);
	tcase_add_loop_test(cases, faults_while_it_is_made_are_errors, 0,
			    COUNT(making) * COUNT(faults));
	tcase_add_loop_test(cases, faults_at_start_break_the_device, 0,
			    COUNT(starting) * COUNT(faults));
	tcase_add_loop_test(cases, faults_at_the_end_do_not_stop_a_reset, 0, COUNT(faults));
	tcase_add_test(cases, what_nobody_asked_for_breaks_the_device);
	tcase_add_test(cases, a_silent_back_end_is_given_up);
	suite_add_tcase(suite, cases);
	srunner_run_all(runner, CK_ENV);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed ? 1 : 0;
}
