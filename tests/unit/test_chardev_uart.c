/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Serial ports that print to a character device: as a machine connects them, and as the dispatch calls
 * them, with the port's lock held. What is typed meanwhile.
 */
#include "dev/pl011.h"
#include "dev/uart.h"
#include "tests/unit/char_fixture.h"

/* A byte takes valgrind as long as others 50. */
#define FLOOD (getenv("AXVMM_UNDER_VALGRIND") ? 1u << 20 : 10u << 20)

static AxCharDev *new_fds(int in, int out)
{
	AxCharDevConfig config = char_config();
	AxCharFds fds = AX_CHAR_FDS_INIT;
	AxCharDev *dev = NULL;

	fds.in = in;
	fds.out = out;
	ck_assert_int_eq(ax_chardev_new_fds(&config, &fds, &dev, NULL), 0);
	return dev;
}

static AxConsole *new_console(AxCharDev *dev)
{
	AxConsoleConfig config = AX_CONSOLE_CONFIG_INIT;
	AxConsole *console = NULL;

	/* Without a host: the character device collects. */
	config.output = ax_chardev_sink(dev);
	ck_assert_int_eq(ax_console_new(&config, &console, NULL), 0);
	return console;
}

static void write_16550(void *uart, uint8_t byte)
{
	ax_lock(((AxUart *)uart)->lock);
	if (uart_ops.write(NULL, uart, UART_RBR_THR, AX_WIDTH_BYTE, byte) != AX_HANDLED)
		ck_abort_msg("THR is not there");
	ax_unlock(((AxUart *)uart)->lock);
}

static void write_pl011(void *uart, uint8_t byte)
{
	ax_lock(((AxPl011 *)uart)->lock);
	if (pl011_ops.write(NULL, uart, PL011_DR, AX_WIDTH_DWORD, byte) != AX_HANDLED)
		ck_abort_msg("UARTDR is not there");
	ax_unlock(((AxPl011 *)uart)->lock);
}

static void flood(void (*write_byte)(void *uart, uint8_t byte), void *uart, AxCharDev *dev,
		  int from)
{
	const uint64_t len = FLOOD;
	struct slow_reader reader;
	struct char_loop loop;

	start_loop(&loop);
	start_reader(&reader, from, len, dev);
	for (uint64_t at = 0; at < len; at++)
		write_byte(uart, flood_byte(at));
	ck_assert_int_eq(ax_chardev_flush(dev, UINT64_MAX), 0);
	join_reader(&reader);
	stop_loop(&loop);
	ck_assert_uint_gt(counters_of(dev).stalls, 0);
	ck_assert_uint_eq(counters_of(dev).dropped, 0);
}

START_TEST(flood_of_a_16550_arrives_complete)
{
	AxUartConfig config = AX_UART_CONFIG_INIT;
	AxConsole *console;
	AxCharDev *dev;
	AxUart *uart;
	int fds[2];

	ck_assert_int_eq(pipe2(fds, O_CLOEXEC), 0);
	dev = new_fds(-1, fds[1]);
	console = new_console(dev);
	config.output = ax_console_sink(console);
	ck_assert_int_eq(ax_uart_new(&config, &uart, NULL), 0);
	flood(write_16550, uart, dev, fds[0]);
	ax_uart_free(uart);
	ax_console_free(console);
	ax_chardev_free(dev);
	close(fds[0]);
	close(fds[1]);
}
END_TEST

START_TEST(flood_of_a_pl011_arrives_complete)
{
	AxPl011Config config = AX_PL011_CONFIG_INIT;
	AxConsole *console;
	AxPl011 *uart;
	AxCharDev *dev;
	int fds[2];

	ck_assert_int_eq(pipe2(fds, O_CLOEXEC), 0);
	dev = new_fds(-1, fds[1]);
	console = new_console(dev);
	config.output = ax_console_sink(console);
	ck_assert_int_eq(ax_pl011_new(&config, &uart, NULL), 0);
	flood(write_pl011, uart, dev, fds[0]);
	ax_pl011_free(uart);
	ax_console_free(console);
	ax_chardev_free(dev);
	close(fds[0]);
	close(fds[1]);
}
END_TEST

/* A serial port: its lock is held while it prints, and taken to give it a key. */
struct port {
	AxCharDev *dev;
	pthread_mutex_t lock;
	atomic_uint keys;
};

static void *print_a_flood(void *opaque)
{
	struct port *port = opaque;
	AxCharSink sink = ax_chardev_sink(port->dev);

	for (unsigned i = 0; i < 4000; i++) {
		pthread_mutex_lock(&port->lock);
		sink.write(sink.opaque, (const uint8_t *)folder, sizeof(folder));
		sink.write(sink.opaque, (const uint8_t *)"0123456789012345678901234567890\n", 32);
		pthread_mutex_unlock(&port->lock);
	}
	return NULL;
}

static size_t take_key(void *opaque, const uint8_t *bytes, size_t len)
{
	struct port *port = opaque;

	pthread_mutex_lock(&port->lock);
	atomic_fetch_add(&port->keys, (unsigned)len);
	pthread_mutex_unlock(&port->lock);
	return len;
}

static void *read_to_the_end(void *opaque)
{
	char bytes[4096];

	while (read(*(int *)opaque, bytes, sizeof(bytes)) > 0) {}
	return NULL;
}

START_TEST(keys_for_a_port_that_waits_keep_nobody_waiting)
{
	struct port port = { .lock = PTHREAD_MUTEX_INITIALIZER };
	AxCharUser user = AX_CHAR_USER_INIT;
	pthread_t thread, reader;
	int out[2], in[2];

	ck_assert_int_eq(pipe2(out, O_CLOEXEC) | pipe2(in, O_CLOEXEC), 0);
	port.dev = new_fds(in[0], out[1]);
	user.input = take_key;
	user.opaque = &port;
	ck_assert_int_eq(ax_chardev_set_user(port.dev, &user, NULL), 0);
	ck_assert_int_eq(pthread_create(&thread, NULL, print_a_flood, &port), 0);
	run_until(counters_of(port.dev).stalls);
	ck_assert_int_eq(write(in[1], "key", 3), 3);
	/* The loop goes on. */
	for (unsigned i = 0; i < 10; i++)
		ax_loop_dispatch(host, 10, NULL);
	ck_assert_uint_eq(atomic_load(&port.keys), 0);
	/* The reader wakes up: a thread of its own, for the port may wait again while it takes a key. */
	ck_assert_int_eq(pthread_create(&reader, NULL, read_to_the_end, &out[0]), 0);
	while (atomic_load(&port.keys) < 3)
		ax_loop_dispatch(host, 1, NULL);
	pthread_join(thread, NULL);
	ax_chardev_set_user(port.dev, NULL, NULL);
	ax_chardev_free(port.dev);
	close(out[1]);
	pthread_join(reader, NULL);
	close(out[0]);
	close(in[0]);
	close(in[1]);
}
END_TEST

/* The same of a port that begins to print, with its lock held, when the key is there. */
struct sudden_port {
	struct port port;
	pthread_barrier_t printing;
	pthread_t printer;
	bool began, went_on;
};

static void *print_at_once(void *opaque)
{
	struct sudden_port *sudden = opaque;
	AxCharSink sink = ax_chardev_sink(sudden->port.dev);
	static uint8_t lines[4 * AX_CHAR_QUEUE];

	memset(lines, '\n', sizeof(lines));
	pthread_mutex_lock(&sudden->port.lock);
	pthread_barrier_wait(&sudden->printing);
	sink.write(sink.opaque, lines, sizeof(lines));
	pthread_mutex_unlock(&sudden->port.lock);
	return NULL;
}

static size_t take_key_of_printer(void *opaque, const uint8_t *bytes, size_t len)
{
	struct sudden_port *sudden = opaque;
	struct timespec end;

	if (!sudden->began) {
		sudden->began = true;
		ck_assert_int_eq(pthread_create(&sudden->printer, NULL, print_at_once, sudden), 0);
		pthread_barrier_wait(&sudden->printing);
		clock_gettime(CLOCK_REALTIME, &end);
		end.tv_sec += 30;
		sudden->went_on = !pthread_mutex_timedlock(&sudden->port.lock, &end);
		if (sudden->went_on)
			pthread_mutex_unlock(&sudden->port.lock);
	}
	return len;
}

START_TEST(port_that_prints_when_a_key_comes_does_not_wait)
{
	struct sudden_port sudden = { .port = { .lock = PTHREAD_MUTEX_INITIALIZER } };
	AxCharUser user = AX_CHAR_USER_INIT;
	int out[2], in[2];

	pthread_barrier_init(&sudden.printing, NULL, 2);
	ck_assert_int_eq(pipe2(out, O_CLOEXEC) | pipe2(in, O_CLOEXEC), 0);
	sudden.port.dev = new_fds(in[0], out[1]);
	user.input = take_key_of_printer;
	user.opaque = &sudden;
	ck_assert_int_eq(ax_chardev_set_user(sudden.port.dev, &user, NULL), 0);
	ck_assert_int_eq(write(in[1], "key", 3), 3);
	run_until(sudden.began);
	ck_assert_msg(sudden.went_on, "the loop waits for a port that waits for a reader");
	pthread_join(sudden.printer, NULL);
	ck_assert_uint_gt(counters_of(sudden.port.dev).waiting, AX_CHAR_QUEUE);
	ck_assert_uint_eq(counters_of(sudden.port.dev).dropped, 0);
	ax_chardev_set_user(sudden.port.dev, NULL, NULL);
	ax_chardev_free(sudden.port.dev);
	pthread_barrier_destroy(&sudden.printing);
	close(out[0]);
	close(out[1]);
	close(in[0]);
	close(in[1]);
}
END_TEST

/* A key of the menu that is for a port: a break. */
static size_t send_break(void *opaque, uint8_t *bytes, size_t len)
{
	struct sudden_port *sudden = opaque;
	struct timespec end;

	(void)bytes;
	(void)len;
	clock_gettime(CLOCK_REALTIME, &end);
	end.tv_sec += 30;
	sudden->began = true;
	sudden->went_on = !pthread_mutex_timedlock(&sudden->port.lock, &end);
	if (sudden->went_on)
		pthread_mutex_unlock(&sudden->port.lock);
	return 0;
}

START_TEST(menus_key_for_a_port_that_waits_lets_it_go_on)
{
	struct sudden_port sudden = { .port = { .lock = PTHREAD_MUTEX_INITIALIZER } };
	AxCharDevConfig config = char_config();
	AxCharUser user = AX_CHAR_USER_INIT;
	AxCharFds fds = AX_CHAR_FDS_INIT;
	int out[2], in[2];

	pthread_barrier_init(&sudden.printing, NULL, 2);
	ck_assert_int_eq(pipe2(out, O_CLOEXEC) | pipe2(in, O_CLOEXEC), 0);
	fds.in = in[0];
	fds.out = out[1];
	fds.filter = send_break;
	fds.opaque = &sudden;
	ck_assert_int_eq(ax_chardev_new_fds(&config, &fds, &sudden.port.dev, NULL), 0);
	user.input = take_key;
	user.opaque = &sudden.port;
	ck_assert_int_eq(ax_chardev_set_user(sudden.port.dev, &user, NULL), 0);
	ck_assert_int_eq(pthread_create(&sudden.printer, NULL, print_at_once, &sudden), 0);
	pthread_barrier_wait(&sudden.printing);
	run_until(counters_of(sudden.port.dev).stalls);
	ck_assert_int_eq(write(in[1], "b", 1), 1);
	run_until(sudden.began);
	ck_assert_msg(sudden.went_on, "the loop waits for a port that waits for a reader");
	pthread_join(sudden.printer, NULL);
	ck_assert_uint_eq(counters_of(sudden.port.dev).dropped, 0);
	ax_chardev_set_user(sudden.port.dev, NULL, NULL);
	ax_chardev_free(sudden.port.dev);
	pthread_barrier_destroy(&sudden.printing);
	close(out[0]);
	close(out[1]);
	close(in[0]);
	close(in[1]);
}
END_TEST

/* What another console's menu does. */
START_TEST(who_takes_a_ports_lock_has_its_writer_let_go)
{
	struct sudden_port sudden = { .port = { .lock = PTHREAD_MUTEX_INITIALIZER } };
	AxCharDev *dev;
	int out[2];

	pthread_barrier_init(&sudden.printing, NULL, 2);
	ck_assert_int_eq(pipe2(out, O_CLOEXEC), 0);
	dev = sudden.port.dev = new_fds(-1, out[1]);
	ck_assert_int_eq(pthread_create(&sudden.printer, NULL, print_at_once, &sudden), 0);
	pthread_barrier_wait(&sudden.printing);
	run_until(counters_of(dev).stalls);
	ax_chardev_set_no_wait(dev, true);
	ax_chardev_set_no_wait(dev, true);
	ax_chardev_set_no_wait(dev, false);
	(void)send_break(&sudden, NULL, 0);
	ck_assert_msg(sudden.went_on, "the loop waits for a port that waits for a reader");
	ax_chardev_set_no_wait(dev, false);
	pthread_join(sudden.printer, NULL);
	ck_assert_uint_eq(counters_of(dev).dropped, 0);
	/* The next one waits. */
	ck_assert_int_eq(pthread_create(&sudden.printer, NULL, print_at_once, &sudden), 0);
	pthread_barrier_wait(&sudden.printing);
	run_until(counters_of(dev).stalls == 2);
	ax_chardev_hurry(dev);
	pthread_join(sudden.printer, NULL);
	ax_chardev_free(dev);
	pthread_barrier_destroy(&sudden.printing);
	close(out[0]);
	close(out[1]);
}
END_TEST

RUN_CHAR_TESTS("chardev-uart", flood_of_a_16550_arrives_complete, flood_of_a_pl011_arrives_complete,
	       keys_for_a_port_that_waits_keep_nobody_waiting,
	       port_that_prints_when_a_key_comes_does_not_wait,
	       menus_key_for_a_port_that_waits_lets_it_go_on,
	       who_takes_a_ports_lock_has_its_writer_let_go)
