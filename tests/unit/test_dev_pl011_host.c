/* SPDX-License-Identifier: Apache-2.0 */
/*
 * PL011, the host's side: making it, its place in a VM, input and its flow control, reset, saved
 * state.
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
static unsigned rooms;

static void count_room(void *opaque)
{
	++*(unsigned *)opaque;
}

static AxPl011 *new_uart(const char *name)
{
	AxPl011Config config = AX_PL011_CONFIG_INIT;
	AxPl011 *made;

	config.name = name;
	config.output = fake_sink(&output);
	config.room = count_room;
	config.room_opaque = &rooms;
	ck_assert_int_eq(ax_pl011_new(&config, &made, NULL), 0);
	return made;
}

static void set_up(void)
{
	AxIrq irq = fake_irq(&line);

	line = (struct fake_line){ 0 };
	output = (struct fake_output){ 0 };
	rooms = 0;
	vm = fake_vm_new(1);
	uart = new_uart("uart0");
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

	fake_read(&vm->vcpus[0], AX_SPACE_MMIO, BASE + reg, AX_WIDTH_DWORD, &value);
	return (uint32_t)value;
}

static void out(uint64_t reg, uint32_t value)
{
	fake_write(&vm->vcpus[0], AX_SPACE_MMIO, BASE + reg, AX_WIDTH_DWORD, value);
}

START_TEST(input_takes_what_fits_and_says_when_there_is_room)
{
	out(PL011_LCR_H, PL011_LCR_H_FEN);
	ck_assert_uint_eq(ax_pl011_input_room(uart), 16);
	ck_assert_uint_eq(ax_pl011_input(uart, "0123456789abcdefgh", 18), 16);
	ck_assert_uint_eq(ax_pl011_input_room(uart), 0);
	ck_assert(!ax_pl011_input_break(uart));
	for (unsigned i = 0; i < 15; i++)
		in(PL011_DR);
	ck_assert_uint_eq(rooms, 0);
	ck_assert_uint_eq(in(PL011_DR), 'f');
	ck_assert_uint_eq(rooms, 1);
	ck_assert_uint_eq(ax_pl011_input(uart, "gh", 2), 2);
	in(PL011_DR);
	in(PL011_DR);
	ck_assert_uint_eq(rooms, 1);
}
END_TEST

START_TEST(leaving_loopback_is_room)
{
	out(PL011_CR, PL011_CR_LBE);
	ck_assert_uint_eq(ax_pl011_input_room(uart), 0);
	out(PL011_CR, PL011_CR_LBE | PL011_CR_UARTEN);
	ck_assert_uint_eq(rooms, 0);
	out(PL011_CR, PL011_CR_UARTEN);
	ck_assert_uint_eq(rooms, 1);
}
END_TEST

START_TEST(nobody_need_listen)
{
	AxPl011 *alone;

	ck_assert_int_eq(ax_pl011_new(NULL, &alone, NULL), 0);
	ck_assert_int_eq(ax_pl011_attach(alone, vm, BASE + PL011_SIZE, NULL, NULL), 0);
	ck_assert_ptr_nonnull(fake_vm_device(vm, "pl011"));
	out(PL011_SIZE + PL011_DR, 'x');
	out(PL011_SIZE + PL011_IMSC, PL011_INT_BITS);
	ck_assert_uint_eq(ax_pl011_input(alone, "xy", 2), 1);
	ck_assert_uint_eq(in(PL011_SIZE + PL011_DR), 'x');
	ck_assert_int_eq(ax_pl011_detach(alone, NULL), 0);
	ax_pl011_free(alone);
	ax_pl011_free(NULL);
}
END_TEST

START_TEST(bad_configurations_are_refused)
{
	AxPl011Config config = AX_PL011_CONFIG_INIT;
	AxError err = AX_ERROR_INIT;
	AxPl011 *none = NULL;

	config.name = "";
	ck_assert_int_eq(ax_pl011_new(&config, &none, &err), -EINVAL);
	config.size = 0;
	ck_assert_int_eq(ax_pl011_new(&config, &none, &err), -EINVAL);
	ck_assert_ptr_nonnull(strstr(err.message, "AxPl011Config"));
	fake_fail_calloc(1);
	ck_assert_int_eq(ax_pl011_new(NULL, &none, &err), -ENOMEM);
	fake_fail_lock(1);
	ck_assert_int_eq(ax_pl011_new(NULL, &none, &err), -ENOMEM);
	ck_assert_int_eq(err.code, AX_ERROR_RESOURCE);
	ck_assert_ptr_null(none);
}
END_TEST

START_TEST(attaching_is_all_or_nothing)
{
	AxPl011 *other = new_uart("uart1");

	ck_assert_int_eq(ax_pl011_attach(uart, vm, BASE, NULL, NULL), -EBUSY);
	ck_assert_int_eq(ax_pl011_attach(other, vm, BASE + 0xfff, NULL, NULL), -EEXIST);
	ck_assert_uint_eq(fake_vm_ranges(vm), 1);
	ck_assert_int_eq(ax_pl011_attach(other, vm, BASE + 0x1000, NULL, NULL), 0);
	vm->fail_range_remove = 1;
	ck_assert_int_eq(ax_pl011_detach(other, NULL), -EDEADLK);
	ck_assert_int_eq(ax_pl011_detach(other, NULL), 0);
	ck_assert_int_eq(ax_pl011_detach(other, NULL), 0);
	ax_pl011_free(other);
}
END_TEST

START_TEST(a_line_falls_on_detach_and_rises_in_the_next_vm)
{
	struct fake_line next = { 0 };
	AxIrq irq = fake_irq(&next);

	out(PL011_IMSC, PL011_INT_RX);
	ck_assert_uint_eq(ax_pl011_input(uart, "x", 1), 1);
	ck_assert(line.level);
	ck_assert_int_eq(ax_pl011_detach(uart, NULL), 0);
	ck_assert(!line.level);
	fake_vm_free(vm);
	vm = fake_vm_new(1);
	ck_assert_int_eq(ax_pl011_attach(uart, vm, BASE, &irq, NULL), 0);
	ck_assert(next.level);
	ck_assert_uint_eq(in(PL011_DR), 'x');
	ck_assert(!next.level);
}
END_TEST

START_TEST(reset_is_power_on_and_keeps_the_modem)
{
	struct fake_device *device = fake_vm_device(vm, "uart0");

	for (unsigned reg = PL011_ILPR; reg <= PL011_IMSC; reg += 4)
		out(reg, 0x7f);
	ck_assert_int_eq(ax_pl011_set_modem(uart, AX_UART_DSR), 0);
	out(PL011_DR, 'x');
	ck_assert(line.level);
	ck_assert_uint_eq(ax_pl011_input(uart, "abc", 3), 3);
	device->ops->reset(device->opaque);
	ck_assert(!line.level);
	ck_assert_uint_eq(in(PL011_FR), PL011_FR_TXFE | PL011_FR_RXFE | PL011_FR_DSR);
	ck_assert_uint_eq(in(PL011_CR), 0x300);
	ck_assert_uint_eq(in(PL011_IFLS), 0x12);
	ck_assert_uint_eq(in(PL011_IMSC), 0);
	ck_assert_uint_eq(in(PL011_RIS), 0);
	ck_assert_uint_eq(in(PL011_LCR_H), 0);
}
END_TEST

/* Anything that a guest and a host can do. */
static void act(AxPl011 *to, uint64_t base)
{
	AxVCpu *vcpu = &vm->vcpus[0];
	uint64_t at = base + fake_random() % 20 * 4;
	uint64_t value = fake_random();

	switch (fake_random() % 8) {
	case 0: ax_pl011_input(to, "0123456789abcdef", fake_random() % 17); break;
	case 1: ax_pl011_input_break(to); break;
	case 2: ax_pl011_set_modem(to, fake_random() & 0xf0); break;
	case 3:
	case 4: fake_read(vcpu, AX_SPACE_MMIO, at, fake_random() % 4, &value); break;
	default: fake_write(vcpu, AX_SPACE_MMIO, at, fake_random() % 4, value); break;
	}
}

START_TEST(any_state_survives_a_round_trip)
{
	AxPl011 *other = new_uart("uart1");

	ck_assert_int_eq(ax_pl011_attach(other, vm, BASE + 0x1000, NULL, NULL), 0);
	fake_seed(11);
	for (unsigned i = 0; i < 3000; i++) {
		act(uart, BASE);
		if (i % 4)
			continue;
		ck_assert_int_eq(ax_pl011_set_modem(
					 other, uart->host_lines & PL011_FR_CTS ? AX_UART_CTS : 0),
				 0);
		other->host_lines = uart->host_lines;
		fake_check_round_trip(fake_vm_device(vm, "uart0"), fake_vm_device(vm, "uart1"));
		act(other, BASE + 0x1000);
	}
	ck_assert_int_eq(ax_pl011_detach(other, NULL), 0);
	ax_pl011_free(other);
}
END_TEST

START_TEST(damaged_states_are_refused)
{
	struct fake_device *device = fake_vm_device(vm, "uart0");

	out(PL011_LCR_H, PL011_LCR_H_FEN);
	out(PL011_IMSC, 0x7ff);
	ax_pl011_input(uart, "abc", 3);
	ax_pl011_input_break(uart);
	fake_check_damaged_states(device);
}
END_TEST

START_TEST(each_impossible_member_is_refused)
{
	/* Offsets in the state, and a value that no guest brings about. */
	static const struct {
		unsigned offset;
		uint8_t value;
	} bad[] = {
		{ 0, 2 },     /* version */
		{ 3, 1 },     /* IBRD */
		{ 5, 0x40 },  /* FBRD */
		{ 8, 0x40 },  /* IFLS */
		{ 9, 8 },     /* DMACR */
		{ 10, 0x10 }, /* RSR */
		{ 11, 0x08 }, /* CR */
		{ 16, 0x08 }, /* IMSC */
		{ 20, 0x08 }, /* RIS */
		{ 23, 0x10 }, /* modem inputs */
		{ 27, 2 },    /* overrun */
		{ 28, 17 },   /* count */
		{ 30, 0x08 }, /* a byte's status */
	};
	struct fake_device *device = fake_vm_device(vm, "uart0");

	ax_pl011_input(uart, "a", 1);
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		AxState *state = fake_save(device);
		size_t len;
		const void *bytes = ax_state_bytes(state, &len);
		uint8_t copy[64];

		ck_assert_uint_eq(len, 31);
		memcpy(copy, bytes, len);
		ck_assert_int_eq(fake_restore(device, copy, len), 0);
		copy[bad[i].offset] = bad[i].value;
		ck_assert_int_eq(fake_restore(device, copy, len), -EINVAL);
		ck_assert_uint_eq(uart->regs.count, 0);
		ax_pl011_input(uart, "a", 1);
		ax_state_free(state);
	}
}
END_TEST

int main(void)
{
	const TTest *const tests[] = {
		input_takes_what_fits_and_says_when_there_is_room,
		leaving_loopback_is_room,
		nobody_need_listen,
		bad_configurations_are_refused,
		attaching_is_all_or_nothing,
		a_line_falls_on_detach_and_rises_in_the_next_vm,
		reset_is_power_on_and_keeps_the_modem,
		any_state_survives_a_round_trip,
		damaged_states_are_refused,
		each_impossible_member_is_refused,
	};
	Suite *suite = suite_create("PL011, host's side");
	TCase *tcase = tcase_create("host");

	tcase_set_timeout(tcase, 60);
	tcase_add_checked_fixture(tcase, set_up, tear_down);
	for (size_t i = 0; i < sizeof(tests) / sizeof(tests[0]); i++)
		tcase_add_test(tcase, tests[i]);
	suite_add_tcase(suite, tcase);
	return fake_run(suite);
}
