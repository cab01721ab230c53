/* SPDX-License-Identifier: Apache-2.0 */
/*
 * UART, the guest's side: every register and bit of the PC16550D that axvmm/devices.h promises.
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

static void set_up(void)
{
	AxUartConfig config = AX_UART_CONFIG_INIT;
	AxIrq irq = fake_irq(&line);

	line = (struct fake_line){ 0 };
	output = (struct fake_output){ 0 };
	vm = fake_vm_new(1);
	config.output = fake_sink(&output);
	ck_assert_int_eq(ax_uart_new(&config, &uart, NULL), 0);
	ck_assert_int_eq(ax_uart_attach(uart, vm, AX_SPACE_PORT, COM1, &irq, NULL), 0);
}

static void tear_down(void)
{
	ck_assert_int_eq(ax_uart_detach(uart, NULL), 0);
	ax_uart_free(uart);
	fake_vm_free(vm);
}

static void input(const char *text)
{
	size_t len = strlen(text);

	ck_assert_uint_eq(ax_uart_input(uart, text, len), len);
}

START_TEST(power_on_values_are_the_data_sheets)
{
	ck_assert_uint_eq(fake_in(vm, RBR), 0);
	ck_assert_uint_eq(fake_in(vm, IER), 0);
	ck_assert_uint_eq(fake_in(vm, IIR), UART_IIR_NONE);
	ck_assert_uint_eq(fake_in(vm, LCR), 0);
	ck_assert_uint_eq(fake_in(vm, MCR), 0);
	ck_assert_uint_eq(fake_in(vm, LSR), LSR_IDLE);
	ck_assert_uint_eq(fake_in(vm, MSR), AX_UART_CTS | AX_UART_DSR | AX_UART_DCD);
	ck_assert_uint_eq(fake_in(vm, SCR), 0);
	ck_assert(!line.level);
}
END_TEST

START_TEST(registers_keep_their_bits_and_no_others)
{
	static const struct {
		uint16_t port;
		uint8_t kept;
	} registers[] = { { IER, 0x0f }, { LCR, 0x7f }, { MCR, 0x1f }, { SCR, 0xff } };

	for (size_t i = 0; i < sizeof(registers) / sizeof(registers[0]); i++) {
		for (unsigned value = 0; value < 256; value++) {
			fake_out(vm, registers[i].port, (uint8_t)(value & ~(i == 1 ? 0x80 : 0)));
			ck_assert_uint_eq(fake_in(vm, registers[i].port),
					  value & registers[i].kept);
		}
		fake_out(vm, registers[i].port, 0);
	}
}
END_TEST

START_TEST(dlab_moves_the_divisor_under_the_first_two_registers)
{
	fake_out(vm, IER, 0x05);
	fake_out(vm, LCR, UART_LCR_DLAB | 0x03);
	ck_assert_uint_eq(fake_in(vm, LCR), UART_LCR_DLAB | 0x03);
	ck_assert_uint_eq(fake_in(vm, COM1), 12);
	ck_assert_uint_eq(fake_in(vm, COM1 + 1), 0);
	fake_out(vm, COM1, 0x34);
	fake_out(vm, COM1 + 1, 0x12);
	ck_assert_uint_eq(fake_in(vm, COM1), 0x34);
	ck_assert_uint_eq(fake_in(vm, COM1 + 1), 0x12);
	fake_out(vm, LCR, 0x03);
	ck_assert_uint_eq(fake_in(vm, IER), 0x05);
	fake_out(vm, THR, 'x');
	fake_output_is(&output, 1, "x");
	fake_out(vm, LCR, UART_LCR_DLAB);
	ck_assert_uint_eq(fake_in(vm, COM1), 0x34);
	ck_assert_uint_eq(fake_in(vm, COM1 + 1), 0x12);
}
END_TEST

START_TEST(the_other_registers_do_not_care_about_dlab)
{
	fake_out(vm, LCR, UART_LCR_DLAB);
	fake_out(vm, SCR, 0x5a);
	fake_out(vm, MCR, UART_MCR_RTS);
	ck_assert_uint_eq(fake_in(vm, SCR), 0x5a);
	ck_assert_uint_eq(fake_in(vm, MCR), UART_MCR_RTS);
	ck_assert_uint_eq(fake_in(vm, LSR), LSR_IDLE);
	ck_assert_uint_eq(fake_in(vm, IIR), UART_IIR_NONE);
	fake_out(vm, FCR, UART_FCR_ENABLE);
	ck_assert_uint_eq(fake_in(vm, IIR), UART_IIR_NONE | UART_IIR_FIFOS);
}
END_TEST

START_TEST(each_written_byte_goes_out_whatever_the_word_length)
{
	for (unsigned lcr = 0; lcr < 0x80; lcr++) {
		fake_out(vm, LCR, (uint8_t)lcr);
		fake_out(vm, THR, 'A');
		ck_assert_uint_eq(fake_in(vm, LSR), LSR_IDLE);
		fake_output_is(&output, 1, "A");
	}
	/* Break control is kept and silent. */
	ck_assert_uint_eq(fake_in(vm, LCR) & 0x40, 0x40);
}
END_TEST

START_TEST(lsr_and_msr_cannot_be_written)
{
	for (unsigned value = 0; value < 256; value++) {
		fake_out(vm, LSR, (uint8_t)value);
		fake_out(vm, MSR, (uint8_t)value);
	}
	ck_assert_uint_eq(fake_in(vm, LSR), LSR_IDLE);
	ck_assert_uint_eq(fake_in(vm, MSR), AX_UART_CTS | AX_UART_DSR | AX_UART_DCD);
}
END_TEST

START_TEST(fifo_enable_shows_in_iir)
{
	fake_out(vm, FCR, UART_FCR_ENABLE);
	ck_assert_uint_eq(fake_in(vm, IIR), 0xc1);
	/* DMA mode and the reserved bits show nowhere. */
	fake_out(vm, FCR, UART_FCR_ENABLE | 0x38);
	ck_assert_uint_eq(fake_in(vm, IIR), 0xc1);
	fake_out(vm, FCR, 0);
	ck_assert_uint_eq(fake_in(vm, IIR), 0x01);
	fake_out(vm, FCR, UART_FCR_TRIGGER);
	ck_assert_uint_eq(fake_in(vm, IIR), 0x01);
}
END_TEST

START_TEST(received_bytes_come_in_order)
{
	fake_out(vm, FCR, UART_FCR_ENABLE);
	input("0123456789abcdef");
	for (const char *c = "0123456789abcdef"; *c; c++) {
		ck_assert_uint_eq(fake_in(vm, LSR), LSR_IDLE | UART_LSR_DATA);
		ck_assert_uint_eq(fake_in(vm, RBR), *c);
	}
	ck_assert_uint_eq(fake_in(vm, LSR), LSR_IDLE);
	ck_assert_uint_eq(fake_in(vm, RBR), 0);
}
END_TEST

START_TEST(changing_fifo_enable_clears_the_receiver)
{
	input("a");
	fake_out(vm, FCR, UART_FCR_ENABLE);
	ck_assert_uint_eq(fake_in(vm, LSR), LSR_IDLE);
	input("bc");
	fake_out(vm, FCR, UART_FCR_ENABLE | 0x80);
	ck_assert_uint_eq(fake_in(vm, LSR), LSR_IDLE | UART_LSR_DATA);
	fake_out(vm, FCR, 0);
	ck_assert_uint_eq(fake_in(vm, LSR), LSR_IDLE);
}
END_TEST

START_TEST(receiver_reset_clears_bytes_and_their_errors)
{
	fake_out(vm, FCR, UART_FCR_ENABLE);
	ck_assert(ax_uart_input_break(uart));
	ck_assert(ax_uart_input_break(uart));
	fake_out(vm, FCR, UART_FCR_ENABLE | UART_FCR_CLEAR_TX);
	ck_assert_uint_eq(uart->regs.count, 2);
	fake_out(vm, FCR, UART_FCR_ENABLE | UART_FCR_CLEAR_RX);
	ck_assert_uint_eq(fake_in(vm, LSR), LSR_IDLE);
	/* Without the enable bit the other bits are not programmed. */
	fake_out(vm, FCR, 0);
	input("x");
	fake_out(vm, FCR, UART_FCR_CLEAR_RX);
	ck_assert_uint_eq(fake_in(vm, LSR), LSR_IDLE | UART_LSR_DATA);
}
END_TEST

START_TEST(break_is_a_zero_byte_with_its_error)
{
	ck_assert(ax_uart_input_break(uart));
	ck_assert_uint_eq(fake_in(vm, LSR), LSR_IDLE | UART_LSR_DATA | UART_LSR_BREAK);
	/* Reading LSR clears the error, not the byte. Bit 7 is for FIFOs. */
	ck_assert_uint_eq(fake_in(vm, LSR), LSR_IDLE | UART_LSR_DATA);
	ck_assert_uint_eq(fake_in(vm, RBR), 0);
	ck_assert_uint_eq(fake_in(vm, LSR), LSR_IDLE);
}
END_TEST

START_TEST(lsr_bit_7_says_that_errors_are_in_the_fifo)
{
	fake_out(vm, FCR, UART_FCR_ENABLE);
	input("a");
	ck_assert(ax_uart_input_break(uart));
	ck_assert(ax_uart_input_break(uart));
	ck_assert_uint_eq(fake_in(vm, LSR), LSR_IDLE | UART_LSR_DATA | UART_LSR_FIFO_ERROR);
	ck_assert_uint_eq(fake_in(vm, LSR), LSR_IDLE | UART_LSR_DATA | UART_LSR_FIFO_ERROR);
	fake_in(vm, RBR);
	ck_assert_uint_eq(fake_in(vm, LSR),
			  LSR_IDLE | UART_LSR_DATA | UART_LSR_BREAK | UART_LSR_FIFO_ERROR);
	fake_in(vm, RBR);
	ck_assert_uint_eq(fake_in(vm, LSR),
			  LSR_IDLE | UART_LSR_DATA | UART_LSR_BREAK | UART_LSR_FIFO_ERROR);
	ck_assert_uint_eq(fake_in(vm, LSR), LSR_IDLE | UART_LSR_DATA);
	fake_in(vm, RBR);
	ck_assert_uint_eq(fake_in(vm, LSR), LSR_IDLE);
}
END_TEST

START_TEST(loopback_receives_what_is_sent_and_sends_nothing)
{
	fake_out(vm, MCR, UART_MCR_LOOP);
	fake_out(vm, THR, 0xa5);
	ck_assert_uint_eq(fake_in(vm, LSR), LSR_IDLE | UART_LSR_DATA);
	ck_assert_uint_eq(fake_in(vm, RBR), 0xa5);
	fake_output_is(&output, 0, "");
	fake_out(vm, MCR, 0);
	fake_out(vm, THR, 'x');
	ck_assert_uint_eq(fake_in(vm, LSR), LSR_IDLE);
	fake_output_is(&output, 1, "x");
}
END_TEST

START_TEST(overrun_keeps_a_full_fifo)
{
	fake_out(vm, FCR, UART_FCR_ENABLE);
	fake_out(vm, MCR, UART_MCR_LOOP);
	fake_out(vm, IER, UART_IER_LINE);
	for (unsigned i = 0; i < UART_FIFO_SIZE; i++)
		fake_out(vm, THR, (uint8_t)i);
	ck_assert(!line.level);
	fake_out(vm, THR, 0xee);
	ck_assert(line.level);
	ck_assert_uint_eq(fake_in(vm, IIR), UART_IIR_LINE | UART_IIR_FIFOS);
	/* An overrun is no error of a byte in the FIFO: bit 7 stays clear. */
	ck_assert_uint_eq(fake_in(vm, LSR), LSR_IDLE | UART_LSR_DATA | UART_LSR_OVERRUN);
	ck_assert(!line.level);
	ck_assert_uint_eq(fake_in(vm, LSR), LSR_IDLE | UART_LSR_DATA);
	for (unsigned i = 0; i < UART_FIFO_SIZE; i++)
		ck_assert_uint_eq(fake_in(vm, RBR), i);
	ck_assert_uint_eq(fake_in(vm, LSR), LSR_IDLE);
}
END_TEST

START_TEST(overrun_without_fifo_writes_the_byte_over)
{
	fake_out(vm, MCR, UART_MCR_LOOP);
	fake_out(vm, THR, 'a');
	fake_out(vm, THR, 'b');
	ck_assert_uint_eq(fake_in(vm, LSR), LSR_IDLE | UART_LSR_DATA | UART_LSR_OVERRUN);
	ck_assert_uint_eq(fake_in(vm, RBR), 'b');
	ck_assert_uint_eq(fake_in(vm, LSR), LSR_IDLE);
}
END_TEST

START_TEST(a_receiver_reset_keeps_the_overrun)
{
	fake_out(vm, FCR, UART_FCR_ENABLE);
	fake_out(vm, MCR, UART_MCR_LOOP);
	for (unsigned i = 0; i <= UART_FIFO_SIZE; i++)
		fake_out(vm, THR, 'x');
	fake_out(vm, FCR, UART_FCR_ENABLE | UART_FCR_CLEAR_RX);
	ck_assert_uint_eq(fake_in(vm, LSR), LSR_IDLE | UART_LSR_OVERRUN);
}
END_TEST

START_TEST(loopback_wires_mcr_to_msr)
{
	static const struct {
		uint8_t mcr;
		uint8_t line;
		uint8_t rise;
		uint8_t fall;
	} wires[] = {
		{ UART_MCR_RTS, AX_UART_CTS, UART_MSR_DELTA_CTS, UART_MSR_DELTA_CTS },
		{ UART_MCR_DTR, AX_UART_DSR, UART_MSR_DELTA_DSR, UART_MSR_DELTA_DSR },
		{ UART_MCR_OUT1, AX_UART_RI, 0, UART_MSR_TRAILING_RI },
		{ UART_MCR_OUT2, AX_UART_DCD, UART_MSR_DELTA_DCD, UART_MSR_DELTA_DCD },
	};

	fake_out(vm, MCR, UART_MCR_LOOP);
	fake_in(vm, MSR);
	fake_out(vm, IER, UART_IER_MODEM);
	for (unsigned i = 0; i < 4; i++) {
		fake_out(vm, MCR, UART_MCR_LOOP | wires[i].mcr);
		ck_assert_int_eq(line.level, wires[i].rise != 0);
		ck_assert_uint_eq(fake_in(vm, MSR), wires[i].line | wires[i].rise);
		ck_assert_uint_eq(fake_in(vm, MSR), wires[i].line);
		ck_assert(!line.level);
		fake_out(vm, MCR, UART_MCR_LOOP);
		ck_assert(line.level);
		ck_assert_uint_eq(fake_in(vm, MSR), wires[i].fall);
		ck_assert_uint_eq(fake_in(vm, MSR), 0);
	}
	/* What Linux looks at to find a 16550: RTS and OUT2. */
	fake_out(vm, MCR, UART_MCR_LOOP | UART_MCR_RTS | UART_MCR_OUT2);
	ck_assert_uint_eq(fake_in(vm, MSR) & 0xf0, 0x90);
}
END_TEST

START_TEST(the_host_moves_modem_lines)
{
	fake_out(vm, IER, UART_IER_MODEM);
	ck_assert_int_eq(ax_uart_set_modem(uart, AX_UART_DSR | AX_UART_DCD), 0);
	ck_assert(line.level);
	ck_assert_uint_eq(fake_in(vm, IIR), UART_IIR_MODEM);
	ck_assert_uint_eq(fake_in(vm, MSR), AX_UART_DSR | AX_UART_DCD | UART_MSR_DELTA_CTS);
	ck_assert(!line.level);
	ck_assert_int_eq(ax_uart_set_modem(uart, 0), 0);
	ck_assert_uint_eq(fake_in(vm, MSR), UART_MSR_DELTA_DSR | UART_MSR_DELTA_DCD);
	/* Ringing starts silently and ends with a trailing edge. */
	ck_assert_int_eq(ax_uart_set_modem(uart, AX_UART_RI), 0);
	ck_assert_uint_eq(fake_in(vm, MSR), AX_UART_RI);
	ck_assert_int_eq(ax_uart_set_modem(uart, 0), 0);
	ck_assert_uint_eq(fake_in(vm, MSR), UART_MSR_TRAILING_RI);
	/* The same lines again: nothing happened. */
	ck_assert_int_eq(ax_uart_set_modem(uart, 0), 0);
	ck_assert_uint_eq(fake_in(vm, MSR), 0);
	/* In loopback they are not connected. */
	fake_out(vm, MCR, UART_MCR_LOOP);
	ck_assert_int_eq(ax_uart_set_modem(uart, AX_UART_CTS), 0);
	ck_assert_uint_eq(fake_in(vm, MSR), 0);
	fake_out(vm, MCR, 0);
	ck_assert_uint_eq(fake_in(vm, MSR), AX_UART_CTS | UART_MSR_DELTA_CTS);
	for (uint32_t bit = 1; bit; bit <<= 1) {
		if (!(bit & 0xf0))
			ck_assert_int_eq(ax_uart_set_modem(uart, bit), -EINVAL);
	}
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("uart registers");
	TCase *tcase = tcase_create("registers");

	tcase_add_checked_fixture(tcase, set_up, tear_down);
	tcase_add_test(tcase, power_on_values_are_the_data_sheets);
	tcase_add_test(tcase, registers_keep_their_bits_and_no_others);
	tcase_add_test(tcase, dlab_moves_the_divisor_under_the_first_two_registers);
	tcase_add_test(tcase, the_other_registers_do_not_care_about_dlab);
	tcase_add_test(tcase, each_written_byte_goes_out_whatever_the_word_length);
	tcase_add_test(tcase, lsr_and_msr_cannot_be_written);
	tcase_add_test(tcase, fifo_enable_shows_in_iir);
	tcase_add_test(tcase, received_bytes_come_in_order);
	tcase_add_test(tcase, changing_fifo_enable_clears_the_receiver);
	tcase_add_test(tcase, receiver_reset_clears_bytes_and_their_errors);
	tcase_add_test(tcase, break_is_a_zero_byte_with_its_error);
	tcase_add_test(tcase, lsr_bit_7_says_that_errors_are_in_the_fifo);
	tcase_add_test(tcase, loopback_receives_what_is_sent_and_sends_nothing);
	tcase_add_test(tcase, overrun_keeps_a_full_fifo);
	tcase_add_test(tcase, overrun_without_fifo_writes_the_byte_over);
	tcase_add_test(tcase, a_receiver_reset_keeps_the_overrun);
	tcase_add_test(tcase, loopback_wires_mcr_to_msr);
	tcase_add_test(tcase, the_host_moves_modem_lines);
	suite_add_tcase(suite, tcase);
	return fake_run(suite);
}
