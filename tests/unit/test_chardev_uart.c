/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Serial ports that print to a character device: as a machine connects them, and as the dispatch calls
 * them, with the port's lock held.
 */
#include "dev/pl011.h"
#include "dev/uart.h"
#include "tests/unit/char_fixture.h"

/* A byte takes valgrind as long as others 50. */
#define FLOOD (getenv("AXVMM_UNDER_VALGRIND") ? 1u << 20 : 10u << 20)

static AxCharDev *new_fds(int out)
{
	AxCharDevConfig config = char_config();
	AxCharFds fds = AX_CHAR_FDS_INIT;
	AxCharDev *dev = NULL;

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
	dev = new_fds(fds[1]);
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
	dev = new_fds(fds[1]);
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

RUN_CHAR_TESTS("chardev-uart", flood_of_a_16550_arrives_complete, flood_of_a_pl011_arrives_complete)
