/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The console device and drivers that do wrong, resets in the middle, saved states.
 */
#include "tests/unit/console_fixture.h"

START_TEST(messages_that_make_no_sense_are_ignored)
{
	static const struct {
		uint32_t id;
		uint16_t event, value;
	} bad[] = { { PORTS, PORT_READY, 1 }, { UINT32_MAX, PORT_OPEN, 1 },
		    { 0, DEVICE_ADD, 1 },     { 0, DEVICE_REMOVE, 1 },
		    { 0, CONSOLE_PORT, 1 },   { 0, RESIZE, 1 },
		    { 0, PORT_NAME, 1 },      { 0, 8, 1 },
		    { 0, 0xffff, 1 },	      { 0x80000000, PORT_READY, 0 } };
	unsigned count = sizeof(bad) / sizeof(bad[0]);

	drv_start(drv, features(_i));
	make_ready();
	for (unsigned i = 0; i < count; i++)
		say(bad[i].id, bad[i].event, bad[i].value);
	hears_nothing();
	ck_assert_uint_eq(counters().bad_controls, count);
	/* Too short. */
	ck_assert_int_ge(drv_add(drv, CONTROL_OUT, DRV_OUT(page, 7)), 0);
	drv_kick(drv, CONTROL_OUT);
	drv_wait(drv, CONTROL_OUT, NULL);
	ck_assert_uint_eq(counters().bad_controls, count + 1);
	ck_assert(!drv_is_broken(drv));
	/* The driver could not set it up: nothing more is said of it. */
	say(2, PORT_READY, 1);
	hears(2, CONSOLE_PORT, 1, NULL, 0);
	hears(2, PORT_OPEN, 1, NULL, 0);
	say(2, PORT_READY, 0);
	ck_assert_int_eq(ax_virtio_console_resize(drv->virtio, 2, 7, 7), 0);
	hears_nothing();
}
END_TEST

START_TEST(control_messages_are_for_multiport_drivers)
{
	drv_start(drv, single(1));
	give_buffers(CONTROL_IN, 4, BUFFER);
	say(0, DEVICE_READY, 1);
	hears_nothing();
	ck_assert_uint_eq(counters().bad_controls, 1);
}
END_TEST

START_TEST(buffers_for_the_wrong_side_break_the_device)
{
	static const struct {
		unsigned queue;
		bool writable;
	} wrong[] = { { 0, false }, { 1, true }, { CONTROL_IN, false }, { CONTROL_OUT, true } };
	struct drv_segment segment = { page, 8, wrong[_i].writable };

	drv_start(drv, DRV_ALL);
	say(0, DEVICE_READY, 1);
	say(0, PORT_READY, 1);
	ck_assert_int_eq(write(ends[0], "x", 1), 1);
	ck_assert_int_ge(drv_add_chain(drv, wrong[_i].queue, &segment, 1, false), 0);
	drv_kick(drv, wrong[_i].queue);
	drv_run(drv);
	ck_assert(drv_is_broken(drv));
	/* And works again after a reset. */
	drv_start(drv, single(1));
	print(1, "back\n");
	reads_text(ends[0], "back\n");
}
END_TEST

/* Into a reader who sleeps, more than the queue and the socket take. */
static void block_output(void)
{
	uint64_t ring = drv_alloc(drv, 1 << 20);

	for (unsigned i = 0; i < 64; i++)
		ck_assert_int_ge(drv_add(drv, 1, DRV_OUT(ring + i * 16384, 16384)), 0);
	drv_kick(drv, 1);
	drv_run(drv);
}

START_TEST(reset_lets_go_of_a_buffer_that_waits)
{
	drv_start(drv, single(_i));
	block_output();
	ck_assert_uint_lt(counters().output, 1 << 20);
	drv_reset(drv);
	ck_assert_int_eq(ax_virtio_detach(drv->virtio, NULL), 0);
}
END_TEST

START_TEST(saving_keeps_what_is_half_written)
{
	AxState *state = ax_state_new(), *again;
	const void *bytes;
	uint64_t before;
	uint8_t *buffer;
	size_t len, total = 0;

	drv_start(drv, single(_i));
	block_output();
	before = counters().output;
	ck_assert_int_eq(ax_devices_save(drv->vm, state, NULL), 0);
	bytes = ax_state_bytes(state, &len);
	again = ax_state_from_bytes(bytes, len);
	ck_assert_int_eq(ax_devices_restore(drv->vm, again, NULL), 0);
	ax_state_free(again);
	ax_state_free(state);
	/* Every byte comes once. */
	buffer = malloc(1 << 16);
	while (total < 1 << 20) {
		struct pollfd pollfd = { .fd = ends[0], .events = POLLIN };

		drv_run(drv);
		ck_assert_int_eq(poll(&pollfd, 1, 1000), 1);
		total += (size_t)read(ends[0], buffer, 1 << 16);
	}
	free(buffer);
	drv_run(drv);
	ck_assert(nothing_to_read(ends[0]));
	ck_assert_uint_eq(total, 1 << 20);
	ck_assert_uint_eq(counters().output, 1 << 20);
	ck_assert_uint_lt(before, 1 << 20);
}
END_TEST

START_TEST(damaged_states_are_refused)
{
	AxState *state = ax_state_new();
	const uint8_t *bytes;
	size_t len;

	drv_start(drv, DRV_ALL);
	make_ready();
	say(1, PORT_READY, 1);
	ck_assert_int_eq(ax_devices_save(drv->vm, state, NULL), 0);
	bytes = ax_state_bytes(state, &len);
	for (size_t i = 0; i < len; i++) {
		uint8_t *changed = malloc(len);
		AxState *bad;

		memcpy(changed, bytes, len);
		changed[i] ^= 0xff;
		bad = ax_state_from_bytes(changed, len);
		(void)ax_devices_restore(drv->vm, bad, NULL);
		drv_run(drv);
		ax_state_free(bad);
		free(changed);
	}
	ax_state_free(state);
}
END_TEST

START_TEST(configurations_that_make_no_sense_are_refused)
{
	AxVirtioConsoleConfig config = AX_VIRTIO_CONSOLE_CONFIG_INIT;
	AxVirtioConsolePort port = { .chardev = devs[0] };
	AxCharDevConfig dev_config = AX_CHAR_DEV_CONFIG_INIT;
	AxVirtioRngConfig rng = AX_VIRTIO_RNG_CONFIG_INIT;
	AxVirtioConsoleCounters all = AX_VIRTIO_CONSOLE_COUNTERS_INIT;
	char name[AX_VIRTIO_CONSOLE_NAME_MAX + 2];
	AxCharDev *other;
	AxVirtio *virtio = NULL;
	AxError err;

	memset(name, 'n', sizeof(name) - 1);
	name[sizeof(name) - 1] = 0;
	dev_config.host = drv_outside_host(drv);
	ck_assert_int_eq(ax_chardev_new_null(&dev_config, &other, NULL), 0);
	config.host = drv->host;
	config.ports = &port;
	ck_assert_fails(ax_virtio_console_new(&config, &virtio, &err), -EINVAL, AX_ERROR_ARGUMENT,
			"ports");
	config.port_count = AX_VIRTIO_CONSOLE_PORTS_MAX + 1;
	ck_assert_fails(ax_virtio_console_new(&config, &virtio, &err), -EINVAL, AX_ERROR_ARGUMENT,
			"17");
	config.port_count = 1;
	/* In use by the other console. */
	ck_assert_fails(ax_virtio_console_new(&config, &virtio, &err), -EBUSY, AX_ERROR_STATE,
			"used");
	port.chardev = other;
	port.name = name;
	ck_assert_fails(ax_virtio_console_new(&config, &virtio, &err), -EINVAL, AX_ERROR_ARGUMENT,
			"64");
	name[AX_VIRTIO_CONSOLE_NAME_MAX] = 0;
	port.flags = 2;
	ck_assert_fails(ax_virtio_console_new(&config, &virtio, &err), -EINVAL, AX_ERROR_ARGUMENT,
			"flags 0x2");
	port.flags = 0;
	ck_assert_int_eq(ax_virtio_console_new(&config, &virtio, &err), 0);
	ax_virtio_free(virtio);
	port.chardev = NULL;
	ck_assert_fails(ax_virtio_console_new(&config, &virtio, &err), -EINVAL, AX_ERROR_ARGUMENT,
			"no character device");
	ax_chardev_free(other);
	rng.host = drv->host;
	ck_assert_int_eq(ax_virtio_rng_new(&rng, &virtio, NULL), 0);
	ck_assert_int_eq(ax_virtio_console_counters(virtio, &all), -EINVAL);
	ck_assert_int_eq(ax_virtio_console_resize(virtio, 0, 1, 1), -EINVAL);
	ax_virtio_free(virtio);
}
END_TEST

int main(void)
{
	TCase *tcase = tcase_create("console");

	tcase_add_loop_test(tcase, messages_that_make_no_sense_are_ignored, 0, 2);
	tcase_add_test(tcase, control_messages_are_for_multiport_drivers);
	tcase_add_loop_test(tcase, buffers_for_the_wrong_side_break_the_device, 0, 4);
	tcase_add_loop_test(tcase, reset_lets_go_of_a_buffer_that_waits, 0, 2);
	tcase_add_loop_test(tcase, saving_keeps_what_is_half_written, 0, 2);
	tcase_add_test(tcase, damaged_states_are_refused);
	tcase_add_test(tcase, configurations_that_make_no_sense_are_refused);
	return console_suite(tcase, "virtio-console-wrong");
}
