/* SPDX-License-Identifier: Apache-2.0 */
/*
 * PL011, the guest's side: every register and bit of DDI 0183 that axvmm/devices.h promises.
 */
#include <errno.h>
#include <string.h>

#include "dev/pl011.h"
#include "tests/unit/dev_fake.h"

#define BASE 0x09000000

static AxVm *vm;
static AxPl011 *uart;
static struct fake_line line;
static struct fake_output output;

static void set_up(void)
{
	AxPl011Config config = AX_PL011_CONFIG_INIT;
	AxIrq irq = fake_irq(&line);

	line = (struct fake_line){ 0 };
	output = (struct fake_output){ 0 };
	vm = fake_vm_new(1);
	config.output = fake_sink(&output);
	ck_assert_int_eq(ax_pl011_new(&config, &uart, NULL), 0);
	ck_assert_int_eq(ax_pl011_attach(uart, vm, BASE, &irq, NULL), 0);
}

static void tear_down(void)
{
	ck_assert_int_eq(ax_pl011_detach(uart, NULL), 0);
	ax_pl011_free(uart);
	fake_vm_free(vm);
}

static uint32_t in(uint64_t reg)
{
	uint64_t value;

	ck_assert_int_eq(
		fake_read(&vm->vcpus[0], AX_SPACE_MMIO, BASE + reg, AX_WIDTH_DWORD, &value),
		AX_HANDLED);
	return (uint32_t)value;
}

static void out(uint64_t reg, uint32_t value)
{
	ck_assert_int_eq(
		fake_write(&vm->vcpus[0], AX_SPACE_MMIO, BASE + reg, AX_WIDTH_DWORD, value),
		AX_HANDLED);
}

static void input(const char *text)
{
	size_t len = strlen(text);

	ck_assert_uint_eq(ax_pl011_input(uart, text, len), len);
}

START_TEST(reset_values_are_the_manuals)
{
	static const struct {
		uint16_t reg;
		uint32_t value;
	} values[] = {
		{ PL011_DR, 0 },      { PL011_RSR_ECR, 0 },
		{ PL011_FR, 0x97 },   { PL011_ILPR, 0 },
		{ PL011_IBRD, 0 },    { PL011_FBRD, 0 },
		{ PL011_LCR_H, 0 },   { PL011_CR, 0x300 },
		{ PL011_IFLS, 0x12 }, { PL011_IMSC, 0 },
		{ PL011_RIS, 0 },     { PL011_MIS, 0 },
		{ PL011_ICR, 0 },     { PL011_DMACR, 0 },
		{ 0x800, 0 },	      { PL011_PERIPH_ID, 0x11 },
		{ 0xfe4, 0x10 },      { 0xfe8, 0x14 },
		{ 0xfec, 0 },	      { 0xff0, 0x0d },
		{ 0xff4, 0xf0 },      { 0xff8, 0x05 },
		{ 0xffc, 0xb1 },
	};

	for (size_t i = 0; i < sizeof(values) / sizeof(values[0]); i++)
		ck_assert_uint_eq(in(values[i].reg), values[i].value);
	ck_assert(!line.level);
}
END_TEST

START_TEST(registers_keep_their_bits_and_no_others)
{
	static const struct {
		uint16_t reg;
		uint32_t kept;
	} registers[] = {
		{ PL011_RIS, 0 },	   { PL011_ILPR, 0xff },
		{ PL011_IBRD, 0xffff },	   { PL011_FBRD, 0x3f },
		{ PL011_LCR_H, 0xff },	   { PL011_CR, 0xff87 },
		{ PL011_IFLS, 0x3f },	   { PL011_IMSC, 0x7ff },
		{ PL011_DMACR, 7 },	   { 0x100, 0 },
		{ PL011_FR, 0x97 },	   { PL011_MIS, 0 },
		{ PL011_PERIPH_ID, 0x11 },
	};

	for (size_t i = 0; i < sizeof(registers) / sizeof(registers[0]); i++) {
		uint32_t before = in(registers[i].reg);

		out(registers[i].reg, UINT32_MAX);
		ck_assert_uint_eq(in(registers[i].reg), registers[i].kept);
		out(registers[i].reg, before);
	}
}
END_TEST

START_TEST(a_written_byte_is_output_at_once)
{
	/* Nothing is switched on: small guests do without. */
	out(PL011_DR, 'h');
	out(PL011_DR, 'i' | 0x100);
	fake_output_is(&output, 2, "hi");
	ck_assert_uint_eq(in(PL011_FR)&0xb8, PL011_FR_TXFE | PL011_FR_RXFE);
}
END_TEST

START_TEST(each_byte_makes_a_transmit_interrupt)
{
	out(PL011_IMSC, PL011_INT_TX);
	ck_assert(!line.level);
	out(PL011_DR, 'a');
	ck_assert(line.level);
	ck_assert_uint_eq(in(PL011_RIS), PL011_INT_TX);
	ck_assert_uint_eq(in(PL011_MIS), PL011_INT_TX);
	out(PL011_DR, 'b');
	ck_assert(line.level);
	ck_assert_uint_eq(line.rises, 2);
	out(PL011_ICR, PL011_INT_TX);
	ck_assert(!line.level);
	ck_assert_uint_eq(in(PL011_RIS), 0);
	out(PL011_DR, 'c');
	out(PL011_IMSC, 0);
	ck_assert(!line.level);
	ck_assert_uint_eq(in(PL011_RIS), PL011_INT_TX);
	ck_assert_uint_eq(in(PL011_MIS), 0);
}
END_TEST

START_TEST(without_fifos_one_byte_waits)
{
	out(PL011_IMSC, PL011_INT_RX);
	ck_assert_uint_eq(ax_pl011_input(uart, "xy", 2), 1);
	ck_assert(line.level);
	ck_assert_uint_eq(in(PL011_FR) & (PL011_FR_RXFE | PL011_FR_RXFF), PL011_FR_RXFF);
	ck_assert_uint_eq(in(PL011_DR), 'x');
	ck_assert(!line.level);
	ck_assert_uint_eq(in(PL011_RIS), 0);
	ck_assert_uint_eq(in(PL011_FR) & (PL011_FR_RXFE | PL011_FR_RXFF), PL011_FR_RXFE);
	ck_assert_uint_eq(in(PL011_DR), 0);
}
END_TEST

START_TEST(the_receive_interrupt_comes_at_the_level)
{
	static const unsigned levels[] = { 2, 4, 8, 12, 14, 14, 14, 14 };

	out(PL011_LCR_H, PL011_LCR_H_FEN);
	for (unsigned select = 0; select < 8; select++) {
		out(PL011_IFLS, select << 3);
		for (unsigned count = 1; count <= PL011_FIFO_SIZE; count++) {
			input("x");
			ck_assert_uint_eq(!!(in(PL011_RIS)&PL011_INT_RX), count >= levels[select]);
			ck_assert(in(PL011_RIS)&PL011_INT_TIMEOUT);
		}
		ck_assert(in(PL011_FR)&PL011_FR_RXFF);
		for (unsigned count = PL011_FIFO_SIZE; count-- > 0;) {
			ck_assert_uint_eq(in(PL011_DR), 'x');
			ck_assert_uint_eq(!!(in(PL011_RIS)&PL011_INT_RX), count >= levels[select]);
			ck_assert_uint_eq(!!(in(PL011_RIS)&PL011_INT_TIMEOUT), count > 0);
		}
	}
}
END_TEST

START_TEST(what_was_cleared_too_early_comes_back_when_the_guest_is_ready)
{
	input("x");
	out(PL011_ICR, PL011_INT_BITS);
	ck_assert_uint_eq(in(PL011_RIS), 0);
	out(PL011_IMSC, PL011_INT_CTS);
	ck_assert_uint_eq(in(PL011_RIS), 0);
	out(PL011_IMSC, PL011_INT_RX);
	ck_assert(line.level);
	out(PL011_ICR, PL011_INT_BITS);
	out(PL011_CR, PL011_CR_UARTEN | PL011_CR_RXE);
	ck_assert(line.level);
	out(PL011_ICR, PL011_INT_BITS);
	out(PL011_CR, PL011_CR_UARTEN);
	ck_assert(!line.level);
	out(PL011_LCR_H, 0);
	ck_assert(line.level);
	ck_assert_uint_eq(in(PL011_DR), 'x');
	out(PL011_CR, 0);
	out(PL011_CR, PL011_CR_UARTEN);
	ck_assert(!line.level);
}
END_TEST

START_TEST(switching_the_fifos_loses_nothing)
{
	input("1");
	out(PL011_LCR_H, PL011_LCR_H_FEN);
	input("23");
	out(PL011_LCR_H, 0);
	ck_assert_uint_eq(ax_pl011_input_room(uart), 0);
	ck_assert(in(PL011_FR)&PL011_FR_RXFF);
	ck_assert_uint_eq(in(PL011_DR), '1');
	ck_assert_uint_eq(in(PL011_DR), '2');
	ck_assert(in(PL011_RIS)&PL011_INT_RX);
	ck_assert_uint_eq(in(PL011_DR), '3');
	ck_assert(in(PL011_FR)&PL011_FR_RXFE);
}
END_TEST

START_TEST(a_break_is_a_byte_with_a_flag)
{
	out(PL011_IMSC, PL011_INT_BREAK);
	out(PL011_LCR_H, PL011_LCR_H_FEN);
	input("a");
	ck_assert(ax_pl011_input_break(uart));
	ck_assert(line.level);
	ck_assert_uint_eq(in(PL011_RSR_ECR), 0);
	ck_assert_uint_eq(in(PL011_DR), 'a');
	ck_assert_uint_eq(in(PL011_RSR_ECR), 0);
	ck_assert_uint_eq(in(PL011_DR), 0x400);
	ck_assert_uint_eq(in(PL011_RSR_ECR), PL011_RSR_BREAK);
	out(PL011_RSR_ECR, 0xff);
	ck_assert_uint_eq(in(PL011_RSR_ECR), 0);
	ck_assert(line.level);
	out(PL011_ICR, PL011_INT_BREAK);
	ck_assert(!line.level);
}
END_TEST

START_TEST(loopback_connects_outputs_and_inputs)
{
	out(PL011_LCR_H, PL011_LCR_H_FEN);
	out(PL011_CR, PL011_CR_LBE);
	ck_assert_uint_eq(in(PL011_FR)&0x107, 0);
	ck_assert_uint_eq(in(PL011_RIS), PL011_INT_CTS | PL011_INT_DCD | PL011_INT_DSR);
	out(PL011_ICR, PL011_INT_BITS);
	out(PL011_CR, PL011_CR_LBE | PL011_CR_RTS);
	ck_assert_uint_eq(in(PL011_FR)&0x107, PL011_FR_CTS);
	ck_assert_uint_eq(in(PL011_RIS), PL011_INT_CTS);
	out(PL011_CR, PL011_CR_LBE | PL011_CR_DTR);
	ck_assert_uint_eq(in(PL011_FR)&0x107, PL011_FR_DSR);
	out(PL011_CR, PL011_CR_LBE | PL011_CR_OUT1);
	ck_assert_uint_eq(in(PL011_FR)&0x107, PL011_FR_DCD);
	out(PL011_CR, PL011_CR_LBE | PL011_CR_OUT2);
	ck_assert_uint_eq(in(PL011_FR)&0x107, PL011_FR_RI);
	ck_assert(in(PL011_RIS)&PL011_INT_RI);
	/* The receiver is the transmitter's, not the host's. */
	ck_assert_uint_eq(ax_pl011_input(uart, "x", 1), 0);
	ck_assert(!ax_pl011_input_break(uart));
	out(PL011_DR, 'q');
	fake_output_is(&output, 0, "");
	ck_assert_uint_eq(in(PL011_DR), 'q');
}
END_TEST

START_TEST(an_overrun_keeps_what_is_there)
{
	out(PL011_IMSC, PL011_INT_OVERRUN);
	out(PL011_LCR_H, PL011_LCR_H_FEN);
	out(PL011_CR, PL011_CR_LBE);
	for (unsigned i = 0; i < PL011_FIFO_SIZE; i++)
		out(PL011_DR, 'a' + i);
	ck_assert(!line.level);
	out(PL011_DR, 'z');
	ck_assert(line.level);
	ck_assert_uint_eq(in(PL011_RSR_ECR), PL011_RSR_OVERRUN);
	ck_assert_uint_eq(in(PL011_DR), 0x800 | 'a');
	ck_assert_uint_eq(in(PL011_DR), 'b');
	ck_assert_uint_eq(in(PL011_RSR_ECR), PL011_RSR_OVERRUN);
	out(PL011_RSR_ECR, 0);
	ck_assert_uint_eq(in(PL011_RSR_ECR), 0);
	for (unsigned i = 2; i < PL011_FIFO_SIZE; i++)
		ck_assert_uint_eq(in(PL011_DR), 'a' + i);
	ck_assert(in(PL011_FR)&PL011_FR_RXFE);
	out(PL011_ICR, PL011_INT_OVERRUN);
	ck_assert(!line.level);
}
END_TEST

START_TEST(modem_inputs_show_and_interrupt)
{
	out(PL011_IMSC, PL011_INT_RI | PL011_INT_CTS | PL011_INT_DCD | PL011_INT_DSR);
	ck_assert_int_eq(ax_pl011_set_modem(uart, AX_UART_RI | AX_UART_DSR), 0);
	ck_assert(line.level);
	ck_assert_uint_eq(in(PL011_FR)&0x107, PL011_FR_RI | PL011_FR_DSR);
	ck_assert_uint_eq(in(PL011_MIS), PL011_INT_RI | PL011_INT_CTS | PL011_INT_DCD);
	out(PL011_ICR, PL011_INT_BITS);
	ck_assert(!line.level);
	ck_assert_int_eq(ax_pl011_set_modem(uart, AX_UART_CTS | AX_UART_DCD), 0);
	ck_assert_uint_eq(in(PL011_FR)&0x107, PL011_FR_CTS | PL011_FR_DCD);
	ck_assert_uint_eq(in(PL011_MIS),
			  PL011_INT_RI | PL011_INT_CTS | PL011_INT_DCD | PL011_INT_DSR);
	ck_assert_int_eq(ax_pl011_set_modem(uart, 1), -EINVAL);
}
END_TEST

START_TEST(every_width_reaches_a_register)
{
	AxVCpu *vcpu = &vm->vcpus[0];
	uint64_t value;

	for (AxAccessWidth width = AX_WIDTH_BYTE; width <= AX_WIDTH_DWORD; width++) {
		ck_assert_int_eq(fake_write(vcpu, AX_SPACE_MMIO, BASE + PL011_DR, width,
					    0x1122334455667700 + 'a' + width),
				 AX_HANDLED);
		fake_output_is(&output, 1, &"a\0b\0c"[2 * width]);
	}
	/* Eight bytes are two registers. */
	ck_assert_int_eq(
		fake_write(vcpu, AX_SPACE_MMIO, BASE + PL011_FBRD, AX_WIDTH_QWORD, 0x7000000015),
		AX_HANDLED);
	ck_assert_uint_eq(in(PL011_FBRD), 0x15);
	ck_assert_uint_eq(in(PL011_LCR_H), 0x70);
	fake_read(vcpu, AX_SPACE_MMIO, BASE + PL011_FBRD, AX_WIDTH_QWORD, &value);
	ck_assert_uint_eq(value, 0x7000000015);
	fake_read(vcpu, AX_SPACE_MMIO, BASE + 0xff8, AX_WIDTH_QWORD, &value);
	ck_assert_uint_eq(value, 0xb100000005);
	/* What begins inside a register is nobody's. */
	ck_assert_int_eq(fake_read(vcpu, AX_SPACE_MMIO, BASE + 1, AX_WIDTH_BYTE, &value),
			 AX_UNHANDLED);
	ck_assert_int_eq(fake_write(vcpu, AX_SPACE_MMIO, BASE + 2, AX_WIDTH_WORD, 'x'),
			 AX_UNHANDLED);
	fake_output_is(&output, 0, "");
}
END_TEST

int main(void)
{
	const TTest *const tests[] = {
		reset_values_are_the_manuals,
		registers_keep_their_bits_and_no_others,
		a_written_byte_is_output_at_once,
		each_byte_makes_a_transmit_interrupt,
		without_fifos_one_byte_waits,
		the_receive_interrupt_comes_at_the_level,
		what_was_cleared_too_early_comes_back_when_the_guest_is_ready,
		switching_the_fifos_loses_nothing,
		a_break_is_a_byte_with_a_flag,
		loopback_connects_outputs_and_inputs,
		an_overrun_keeps_what_is_there,
		modem_inputs_show_and_interrupt,
		every_width_reaches_a_register,
	};
	Suite *suite = suite_create("PL011, guest's side");
	TCase *tcase = tcase_create("registers");

	tcase_add_checked_fixture(tcase, set_up, tear_down);
	for (size_t i = 0; i < sizeof(tests) / sizeof(tests[0]); i++)
		tcase_add_test(tcase, tests[i]);
	suite_add_tcase(suite, tcase);
	return fake_run(suite);
}
