/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The console device: ports and their bytes, control messages, sizes, emergency output.
 */
#include "tests/temporary.h"
#include "tests/unit/console_fixture.h"

START_TEST(it_is_the_console_device)
{
	ck_assert_uint_eq(ax_virtio_id(drv->virtio), 3);
	ck_assert_str_eq(ax_virtio_name(drv->virtio), "console");
	ck_assert_uint_eq(drv_offered(drv) & 7, F_SIZE | F_MULTIPORT | F_EMERG);
	ck_assert_uint_eq(drv_config(drv, 0, 2), 80);
	ck_assert_uint_eq(drv_config(drv, 2, 2), 25);
	ck_assert_uint_eq(drv_config(drv, 4, 4), PORTS);
	ck_assert_uint_eq(drv_config(drv, 8, 4), 0);
	/* None of it is the driver's. */
	drv_set_config(drv, 0, 4, 0xffffffff);
	drv_set_config(drv, 4, 4, 0xffffffff);
	ck_assert_uint_eq(drv_config(drv, 0, 2), 80);
	ck_assert_uint_eq(drv_config(drv, 4, 4), PORTS);
}
END_TEST

START_TEST(single_port_prints_and_reads)
{
	uint32_t len;
	int token;

	drv_start(drv, single(_i));
	print(1, "hello\n");
	reads_text(ends[0], "hello\n");
	/* Typed before there is a buffer: it waits. */
	ck_assert_int_eq(write(ends[0], "ls -l\n", 6), 6);
	drv_run(drv);
	give_buffers(0, 1, 4);
	token = drv_wait(drv, 0, &len);
	ck_assert_uint_eq(len, 4);
	ck_assert_mem_eq(drv_ptr(drv, buffer_of[token]), "ls -", 4);
	give_buffers(0, 2, 64);
	token = drv_wait(drv, 0, &len);
	ck_assert_uint_eq(len, 2);
	ck_assert_mem_eq(drv_ptr(drv, buffer_of[token]), "l\n", 2);
	ck_assert_uint_eq(counters().output, 6);
	ck_assert_uint_eq(counters().input, 6);
	/* Other ports are not this driver's. */
	ck_assert_int_eq(write(ends[1], "x", 1), 1);
	give_buffers(4, 1, 16);
	drv_run(drv);
	ck_assert_int_eq(drv_take(drv, 4, NULL), -1);
}
END_TEST

START_TEST(emergency_output_needs_no_driver)
{
	drv_set_config(drv, 8, 4, 'E');
	drv_set_config(drv, 8, 4, '!');
	ck_assert_uint_eq(drv_config(drv, 8, 4), 0);
	reads_text(ends[0], "E!");
	ck_assert_uint_eq(counters().emergency, 2);
	ck_assert_uint_eq(counters().output, 0);
}
END_TEST

START_TEST(who_looks_sees_what_a_port_prints)
{
	drv_start(drv, features(_i));
	make_ready();
	say(0, PORT_READY, 1);
	drv_set_config(drv, 8, 4, '!');
	print(1, "hello\n");
	reads_text(ends[0], "!hello\n");
	ck_assert_mem_eq(seen[0].bytes, "!hello\n", 7);
	ck_assert_uint_eq(seen[0].len, 7);
	print(7, "of the third");
	ck_assert_uint_eq(seen[0].len, 7);
	ck_assert_uint_eq(seen[1].len, 0);
	ck_assert_uint_eq(seen[2].len, 12);
}
END_TEST

START_TEST(ports_are_announced_one_by_one)
{
	drv_start(drv, features(_i));
	hears_nothing();
	make_ready();
	hears_nothing();
	say(0, PORT_READY, 1);
	hears(0, CONSOLE_PORT, 1, NULL, 0);
	hears(0, RESIZE, 0, "\x19\0\x50\0", 4);
	hears(0, PORT_OPEN, 1, NULL, 0);
	say(1, PORT_READY, 1);
	hears(1, PORT_NAME, 1, "org.example.agent", 17);
	hears(1, PORT_OPEN, 1, NULL, 0);
	say(2, PORT_READY, 1);
	hears(2, CONSOLE_PORT, 1, NULL, 0);
	hears(2, PORT_OPEN, 1, NULL, 0);
	hears_nothing();
	ck_assert_uint_eq(counters().controls, 4);
	ck_assert_uint_eq(counters().bad_controls, 0);
}
END_TEST

START_TEST(messages_wait_for_buffers)
{
	drv_start(drv, features(_i));
	say(0, DEVICE_READY, 1);
	/* Asked for twice is told once. */
	say(0, DEVICE_READY, 1);
	say(1, PORT_READY, 1);
	hears_nothing();
	give_buffers(CONTROL_IN, 1, BUFFER);
	hears(0, DEVICE_ADD, 0, NULL, 0);
	hears_nothing();
	/* One that is too small comes back empty, and the message in the next. */
	give_buffers(CONTROL_IN, 1, 7);
	ck_assert_int_ge(drv_wait(drv, CONTROL_IN, NULL), 0);
	ck_assert_uint_eq(counters().bad_controls, 1);
	give_buffers(CONTROL_IN, 8, BUFFER);
	hears(1, PORT_NAME, 1, "org.example.agent", 17);
	hears(1, PORT_OPEN, 1, NULL, 0);
	hears(2, DEVICE_ADD, 0, NULL, 0);
	hears_nothing();
}
END_TEST

START_TEST(port_gets_input_when_the_guest_has_it_open)
{
	uint32_t len;

	drv_start(drv, features(_i));
	make_ready();
	say(1, PORT_READY, 1);
	hears(1, PORT_NAME, 1, "org.example.agent", 17);
	hears(1, PORT_OPEN, 1, NULL, 0);
	give_buffers(4, 4, 64);
	ck_assert_int_eq(write(ends[1], "query", 5), 5);
	drv_run(drv);
	ck_assert_int_eq(drv_take(drv, 4, NULL), -1);
	say(1, PORT_OPEN, 1);
	ck_assert_int_ge(drv_wait(drv, 4, &len), 0);
	ck_assert_uint_eq(len, 5);
	print(5, "answer");
	reads_text(ends[1], "answer");
	say(1, PORT_OPEN, 0);
	ck_assert_int_eq(write(ends[1], "again", 5), 5);
	drv_run(drv);
	ck_assert_int_eq(drv_take(drv, 4, NULL), -1);
	/* A console is open from the start. */
	say(2, PORT_READY, 1);
	hears(2, CONSOLE_PORT, 1, NULL, 0);
	give_buffers(6, 1, 64);
	ck_assert_int_eq(write(ends[2], "key", 3), 3);
	ck_assert_int_ge(drv_wait(drv, 6, &len), 0);
	ck_assert_uint_eq(len, 3);
}
END_TEST

/* What was typed, and the buffers for it, came before the driver said that it knows the port. */
START_TEST(console_gets_what_waited_for_it_to_be_ready)
{
	uint32_t len;

	drv_start(drv, features(_i));
	make_ready();
	ck_assert_int_eq(write(ends[2], "key", 3), 3);
	drv_run(drv);
	give_buffers(6, 1, 64);
	drv_run(drv);
	ck_assert_int_eq(drv_take(drv, 6, NULL), -1);
	say(2, PORT_READY, 1);
	ck_assert_int_ge(drv_wait(drv, 6, &len), 0);
	ck_assert_uint_eq(len, 3);
}
END_TEST

START_TEST(new_sizes_are_told)
{
	uint32_t generation;

	drv_start(drv, features(_i));
	make_ready();
	say(0, PORT_READY, 1);
	hears(0, CONSOLE_PORT, 1, NULL, 0);
	hears(0, RESIZE, 0, "\x19\0\x50\0", 4);
	hears(0, PORT_OPEN, 1, NULL, 0);
	(void)drv_ack(drv);
	generation = drv_in(drv, VIRTIO_MMIO_CONFIG_GENERATION);
	ck_assert_int_eq(ax_virtio_console_resize(drv->virtio, 0, 132, 50), 0);
	hears(0, RESIZE, 0, "\x32\0\x84\0", 4);
	ck_assert_uint_eq(drv_config(drv, 0, 2), 132);
	ck_assert_uint_eq(drv_config(drv, 2, 2), 50);
	ck_assert_uint_ne(drv_in(drv, VIRTIO_MMIO_CONFIG_GENERATION), generation);
	ck_assert_uint_eq(drv_ack(drv) & VIRTIO_MMIO_CONFIG_CHANGE, VIRTIO_MMIO_CONFIG_CHANGE);
	/* A port that is not ready hears of it then; two changes are one. */
	ck_assert_int_eq(ax_virtio_console_resize(drv->virtio, 2, 1, 2), 0);
	ck_assert_int_eq(ax_virtio_console_resize(drv->virtio, 2, 10, 20), 0);
	hears_nothing();
	say(2, PORT_READY, 1);
	hears(2, CONSOLE_PORT, 1, NULL, 0);
	hears(2, RESIZE, 0, "\x14\0\x0a\0", 4);
	ck_assert_uint_eq(drv_config(drv, 0, 2), 132);
	ck_assert_int_eq(ax_virtio_console_resize(drv->virtio, PORTS, 1, 1), -EINVAL);
}
END_TEST

#define FLOOD (10u << 20)

/* The guest's side of a flood: 64 KiB in flight in buffers of some pages. */
static void flood(unsigned queue)
{
	uint64_t ring = drv_alloc(drv, 16 * 8192);
	unsigned in_flight = 0;
	uint64_t at = 0;

	for (unsigned slot = 0; at < FLOOD; slot = (slot + 1) % 16) {
		uint8_t *bytes = drv_ptr(drv, ring + slot * 8192);
		uint32_t len = FLOOD - at < 8192 ? (uint32_t)(FLOOD - at) : 8192;

		if (in_flight == 16) {
			drv_wait(drv, queue, NULL);
			in_flight--;
		}
		for (uint32_t i = 0; i < len; i++)
			bytes[i] = flood_byte(at + i);
		ck_assert_int_ge(drv_add(drv, queue, DRV_OUT(ring + slot * 8192, len)), 0);
		drv_kick(drv, queue);
		at += len;
		in_flight++;
	}
	while (in_flight--)
		drv_wait(drv, queue, NULL);
}

START_TEST(flood_to_a_slow_reader_arrives_complete)
{
	struct slow_reader reader;
	AxCharDevCounters of_dev = AX_CHAR_DEV_COUNTERS_INIT;

	drv_start(drv, single(_i));
	start_reader(&reader, ends[0], FLOOD, devs[0]);
	flood(1);
	while (ax_chardev_flush(devs[0], 0) == -ETIMEDOUT)
		ax_loop_dispatch(drv->host, 10, NULL);
	join_reader(&reader);
	ck_assert_uint_eq(counters().output, FLOOD);
	ck_assert_int_eq(ax_chardev_counters(devs[0], &of_dev), 0);
	ck_assert_uint_gt(of_dev.stalls, 0);
	ck_assert_uint_eq(of_dev.dropped, 0);
}
END_TEST

START_TEST(guest_hears_who_comes_and_goes)
{
	AxVirtioConsolePort port = { .name = "monitor" };
	AxCharDevConfig config = AX_CHAR_DEV_CONFIG_INIT;
	char path[TEMPORARY_SIZE];
	AxCharDev *dev;
	int fd;

	ck_assert_int_eq(ax_virtio_detach(drv->virtio, NULL), 0);
	ax_virtio_free(drv->virtio);
	fd = temporary_file(path, "console");
	close(fd);
	unlink(path);
	config.host = drv_outside_host(drv);
	ck_assert_int_eq(ax_chardev_new_unix(&config, path, 0, &dev, NULL), 0);
	port.chardev = dev;
	console_name = "another";
	drv_attach(drv, new_console(&port, 1));
	drv_start(drv, DRV_ALL);
	give_buffers(CONTROL_IN, 16, BUFFER);
	say(0, DEVICE_READY, 1);
	hears(0, DEVICE_ADD, 0, NULL, 0);
	say(0, PORT_READY, 1);
	hears(0, CONSOLE_PORT, 1, NULL, 0);
	hears(0, PORT_NAME, 1, "monitor", 7);
	hears(0, PORT_OPEN, 0, NULL, 0);
	fd = connect_to(path);
	hears(0, PORT_OPEN, 1, NULL, 0);
	close(fd);
	hears(0, PORT_OPEN, 0, NULL, 0);
	ck_assert_int_eq(ax_virtio_detach(drv->virtio, NULL), 0);
	ax_virtio_free(drv->virtio);
	drv->virtio = NULL;
	ax_chardev_free(dev);
}
END_TEST

int main(void)
{
	TCase *tcase = tcase_create("console");

	tcase_add_test(tcase, it_is_the_console_device);
	tcase_add_loop_test(tcase, single_port_prints_and_reads, 0, 2);
	tcase_add_test(tcase, emergency_output_needs_no_driver);
	tcase_add_loop_test(tcase, who_looks_sees_what_a_port_prints, 0, 2);
	tcase_add_loop_test(tcase, ports_are_announced_one_by_one, 0, 2);
	tcase_add_loop_test(tcase, messages_wait_for_buffers, 0, 2);
	tcase_add_loop_test(tcase, port_gets_input_when_the_guest_has_it_open, 0, 2);
	tcase_add_loop_test(tcase, console_gets_what_waited_for_it_to_be_ready, 0, 2);
	tcase_add_loop_test(tcase, new_sizes_are_told, 0, 2);
	tcase_add_loop_test(tcase, flood_to_a_slow_reader_arrives_complete, 0, 2);
	tcase_add_test(tcase, guest_hears_who_comes_and_goes);
	return console_suite(tcase, "virtio-console");
}
