/* SPDX-License-Identifier: Apache-2.0 */
/*
 * UART, the guest's side: which interrupts there are, in which order, and when the line moves.
 */
#include <check.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "dev/uart.h"
#include "tests/unit/dev_fake.h"

#define COM1 0x3f8
#define RBR  (COM1 + UART_RBR_THR)
#define THR  (COM1 + UART_RBR_THR)
#define IER  (COM1 + UART_IER)
#define IIR  (COM1 + UART_IIR_FCR)
#define FCR  (COM1 + UART_IIR_FCR)
#define LCR  (COM1 + UART_LCR)
#define MCR  (COM1 + UART_MCR)
#define LSR  (COM1 + UART_LSR)
#define MSR  (COM1 + UART_MSR)
#define SCR  (COM1 + UART_SCR)

#define LSR_IDLE (UART_LSR_THRE | UART_LSR_TEMT)

static AxVm *vm;
static AxUart *uart;
static struct fake_line line;
static struct fake_output output;

static void plug(uint32_t flags)
{
	AxUartConfig config = AX_UART_CONFIG_INIT;
	AxIrq irq = fake_irq(&line);

	config.output = fake_sink(&output);
	config.flags = flags;
	ck_assert_int_eq(ax_uart_new(&config, &uart, NULL), 0);
	ck_assert_int_eq(ax_uart_attach(uart, vm, AX_SPACE_PORT, COM1, &irq, NULL), 0);
}

static void unplug(void)
{
	ck_assert_int_eq(ax_uart_detach(uart, NULL), 0);
	ax_uart_free(uart);
}

static void set_up(void)
{
	line = (struct fake_line){ 0 };
	output = (struct fake_output){ 0 };
	vm = fake_vm_new(1);
	plug(0);
}

static void tear_down(void)
{
	unplug();
	fake_vm_free(vm);
}

static void input(const char *text)
{
	size_t len = strlen(text);

	ck_assert_uint_eq(ax_uart_input(uart, text, len), len);
}

START_TEST(trigger_levels_are_1_4_8_14)
{
	static const unsigned levels[] = { 1, 4, 8, 14 };

	fake_out(vm, IER, UART_IER_RECEIVED);
	for (unsigned i = 0; i < 4; i++) {
		fake_out(vm, FCR, (uint8_t)(UART_FCR_ENABLE | UART_FCR_CLEAR_RX | i << 6));
		ck_assert(!line.level);
		for (unsigned count = 1; count <= UART_FIFO_SIZE; count++) {
			input("x");
			ck_assert_uint_eq(fake_in(vm, IIR) & 0x0f, count >= levels[i]
									   ? UART_IIR_RECEIVED
									   : UART_IIR_TIMEOUT);
			ck_assert(line.level);
		}
		for (unsigned count = UART_FIFO_SIZE; count; count--) {
			ck_assert_uint_eq(fake_in(vm, IIR) & 0x0f, count >= levels[i]
									   ? UART_IIR_RECEIVED
									   : UART_IIR_TIMEOUT);
			fake_in(vm, RBR);
		}
		ck_assert(!line.level);
	}
}
END_TEST

START_TEST(without_fifo_each_byte_is_received_data)
{
	fake_out(vm, IER, UART_IER_RECEIVED);
	input("x");
	ck_assert_uint_eq(fake_in(vm, IIR), UART_IIR_RECEIVED);
	ck_assert(line.level);
	ck_assert_uint_eq(fake_in(vm, RBR), 'x');
	ck_assert_uint_eq(fake_in(vm, IIR), UART_IIR_NONE);
	ck_assert(!line.level);
}
END_TEST

START_TEST(enabling_thre_raises_because_it_is_empty)
{
	fake_out(vm, IER, UART_IER_THRE);
	ck_assert(line.level);
	ck_assert_uint_eq(fake_in(vm, IIR), UART_IIR_THRE);
	/* Reading IIR took it back. */
	ck_assert(!line.level);
	ck_assert_uint_eq(fake_in(vm, IIR), UART_IIR_NONE);
	/* Writing IER with the bit set already does not bring it back; a rising bit does. */
	fake_out(vm, IER, UART_IER_THRE | UART_IER_RECEIVED);
	ck_assert(!line.level);
	fake_out(vm, IER, UART_IER_RECEIVED);
	fake_out(vm, IER, UART_IER_THRE);
	ck_assert(line.level);
	fake_out(vm, IER, 0);
	ck_assert(!line.level);
}
END_TEST

START_TEST(a_written_byte_makes_a_new_thre_edge)
{
	fake_out(vm, IER, UART_IER_THRE);
	ck_assert_uint_eq(line.rises, 1);
	/* Without reading IIR: writing takes it back too, and the empty transmitter asks again. */
	fake_out(vm, THR, 'a');
	ck_assert_uint_eq(line.falls, 1);
	ck_assert_uint_eq(line.rises, 2);
	fake_out(vm, THR, 'b');
	ck_assert_uint_eq(line.rises, 3);
	ck_assert_uint_eq(fake_in(vm, IIR), UART_IIR_THRE);
	ck_assert(!line.level);
	fake_out(vm, THR, 'c');
	ck_assert(line.level);
	fake_output_is(&output, 3, "abc");
}
END_TEST

START_TEST(one_filling_of_the_fifo_makes_one_thre_edge)
{
	fake_out(vm, FCR, UART_FCR_ENABLE);
	fake_out(vm, IER, UART_IER_THRE);
	ck_assert_uint_eq(fake_in(vm, IIR), UART_IIR_THRE | UART_IIR_FIFOS);
	ck_assert_uint_eq(line.rises, 1);
	for (unsigned i = 0; i < UART_FIFO_SIZE; i++)
		fake_out(vm, THR, 'x');
	ck_assert_uint_eq(line.rises, 2);
	ck_assert(line.level);
	/* The FIFO held 16: the next one is another filling. */
	fake_out(vm, THR, 'x');
	ck_assert_uint_eq(line.rises, 3);
	/* Any other access ends a filling. */
	fake_in(vm, LSR);
	fake_out(vm, THR, 'x');
	ck_assert_uint_eq(line.rises, 4);
	fake_out(vm, SCR, 0);
	fake_out(vm, THR, 'x');
	ck_assert_uint_eq(line.rises, 5);
}
END_TEST

START_TEST(interrupts_are_reported_by_priority)
{
	fake_out(vm, FCR, UART_FCR_ENABLE);
	fake_out(vm, IER, UART_IER_BITS);
	ck_assert_int_eq(ax_uart_set_modem(uart, 0), 0);
	input("x");
	ck_assert(ax_uart_input_break(uart));
	/* The break waits behind the byte; its error is not at the top yet. */
	ck_assert_uint_eq(fake_in(vm, IIR), UART_IIR_RECEIVED | UART_IIR_FIFOS);
	ck_assert_uint_eq(fake_in(vm, RBR), 'x');
	ck_assert_uint_eq(fake_in(vm, IIR), UART_IIR_LINE | UART_IIR_FIFOS);
	fake_in(vm, LSR);
	ck_assert_uint_eq(fake_in(vm, IIR), UART_IIR_RECEIVED | UART_IIR_FIFOS);
	ck_assert_uint_eq(fake_in(vm, RBR), 0);
	ck_assert_uint_eq(fake_in(vm, IIR), UART_IIR_THRE | UART_IIR_FIFOS);
	ck_assert_uint_eq(fake_in(vm, IIR), UART_IIR_MODEM | UART_IIR_FIFOS);
	ck_assert(line.level);
	fake_in(vm, MSR);
	ck_assert_uint_eq(fake_in(vm, IIR), UART_IIR_NONE | UART_IIR_FIFOS);
	ck_assert(!line.level);
	ck_assert_uint_eq(line.rises, 1);
}
END_TEST

START_TEST(a_source_that_is_not_enabled_is_silent)
{
	fake_out(vm, FCR, UART_FCR_ENABLE);
	ck_assert(ax_uart_input_break(uart));
	ck_assert_int_eq(ax_uart_set_modem(uart, 0), 0);
	fake_out(vm, THR, 'x');
	ck_assert_uint_eq(fake_in(vm, IIR), 0xc1);
	ck_assert(!line.level);
	fake_out(vm, IER, UART_IER_LINE);
	ck_assert_uint_eq(fake_in(vm, IIR), 0xc0 | UART_IIR_LINE);
	fake_out(vm, IER, UART_IER_RECEIVED);
	ck_assert_uint_eq(fake_in(vm, IIR), 0xc0 | UART_IIR_RECEIVED);
	fake_out(vm, IER, UART_IER_MODEM);
	ck_assert_uint_eq(fake_in(vm, IIR), 0xc0 | UART_IIR_MODEM);
	fake_out(vm, IER, 0);
	ck_assert_uint_eq(fake_in(vm, IIR), 0xc1);
	ck_assert(!line.level);
}
END_TEST

START_TEST(loopback_interrupts_work)
{
	fake_out(vm, MCR, UART_MCR_LOOP);
	fake_out(vm, IER, UART_IER_RECEIVED);
	fake_out(vm, THR, 'x');
	ck_assert(line.level);
	ck_assert_uint_eq(fake_in(vm, IIR), UART_IIR_RECEIVED);
	fake_in(vm, RBR);
	ck_assert(!line.level);
}
END_TEST

START_TEST(interrupts_do_not_need_out2)
{
	fake_out(vm, IER, UART_IER_THRE);
	ck_assert(line.level);
}
END_TEST

START_TEST(gated_interrupts_need_out2_and_no_loopback)
{
	unplug();
	plug(AX_UART_GATE_OUT2);
	fake_out(vm, IER, UART_IER_THRE);
	ck_assert(!line.level);
	fake_out(vm, MCR, UART_MCR_OUT2);
	ck_assert(line.level);
	fake_out(vm, MCR, UART_MCR_OUT2 | UART_MCR_LOOP);
	ck_assert(!line.level);
	/* The chip's own pin does not care: IIR shows it. */
	ck_assert_uint_eq(fake_in(vm, IIR), UART_IIR_THRE);
	fake_out(vm, THR, 'x');
	fake_out(vm, MCR, UART_MCR_OUT2);
	ck_assert(line.level);
	fake_out(vm, MCR, (uint8_t)~UART_MCR_OUT2);
	ck_assert(!line.level);
}
END_TEST

START_TEST(the_line_is_driven_only_when_it_changes)
{
	fake_out(vm, IER, UART_IER_RECEIVED);
	fake_out(vm, FCR, UART_FCR_ENABLE);
	for (unsigned i = 0; i < 100; i++) {
		fake_in(vm, LSR);
		fake_out(vm, THR, 'x');
	}
	ck_assert_uint_eq(line.calls, 0);
	input("abc");
	fake_in(vm, RBR);
	fake_in(vm, RBR);
	ck_assert_uint_eq(line.calls, 1);
	fake_in(vm, RBR);
	ck_assert_uint_eq(line.calls, 2);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("uart interrupts");
	TCase *tcase = tcase_create("interrupts");

	tcase_add_checked_fixture(tcase, set_up, tear_down);
	tcase_add_test(tcase, trigger_levels_are_1_4_8_14);
	tcase_add_test(tcase, without_fifo_each_byte_is_received_data);
	tcase_add_test(tcase, enabling_thre_raises_because_it_is_empty);
	tcase_add_test(tcase, a_written_byte_makes_a_new_thre_edge);
	tcase_add_test(tcase, one_filling_of_the_fifo_makes_one_thre_edge);
	tcase_add_test(tcase, interrupts_are_reported_by_priority);
	tcase_add_test(tcase, a_source_that_is_not_enabled_is_silent);
	tcase_add_test(tcase, loopback_interrupts_work);
	tcase_add_test(tcase, interrupts_do_not_need_out2);
	tcase_add_test(tcase, gated_interrupts_need_out2_and_no_loopback);
	tcase_add_test(tcase, the_line_is_driven_only_when_it_changes);
	suite_add_tcase(suite, tcase);
	return fake_run(suite);
}
