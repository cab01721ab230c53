/* SPDX-License-Identifier: Apache-2.0 */
/*
 * UART, the host's side: input that loses nothing, its place in a VM, its state.
 */
#include <check.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "dev/uart.h"
#include "tests/unit/dev_fake.h"

#define COM1	 0x3f8
#define LSR_IDLE (UART_LSR_THRE | UART_LSR_TEMT)

static AxVm *vm;
static AxUart *uart;
static struct fake_line line;
static struct fake_output output;
static unsigned room_calls;

static void note_room(void *opaque)
{
	ck_assert_ptr_eq(opaque, &room_calls);
	room_calls++;
}

static AxUart *new_uart(const char *name, uint32_t reg_shift)
{
	AxUartConfig config = AX_UART_CONFIG_INIT;
	AxUart *made;

	config.name = name;
	config.output = fake_sink(&output);
	config.room = note_room;
	config.room_opaque = &room_calls;
	config.reg_shift = reg_shift;
	ck_assert_int_eq(ax_uart_new(&config, &made, NULL), 0);
	return made;
}

static void set_up(void)
{
	AxIrq irq = fake_irq(&line);

	line = (struct fake_line){ 0 };
	output = (struct fake_output){ 0 };
	room_calls = 0;
	vm = fake_vm_new(1);
	uart = new_uart("com1", 0);
	ck_assert_int_eq(ax_uart_attach(uart, vm, AX_SPACE_PORT, COM1, &irq, NULL), 0);
}

static void tear_down(void)
{
	ck_assert_int_eq(ax_uart_detach(uart, NULL), 0);
	ax_uart_free(uart);
	fake_vm_free(vm);
}

static uint8_t in(enum uart_register reg)
{
	return fake_in(vm, COM1 + reg);
}

static void out(enum uart_register reg, uint8_t value)
{
	fake_out(vm, COM1 + reg, value);
}

START_TEST(room_is_one_byte_or_a_fifo)
{
	ck_assert_uint_eq(ax_uart_input_room(uart), 1);
	ck_assert_uint_eq(ax_uart_input(uart, "ab", 2), 1);
	ck_assert_uint_eq(ax_uart_input_room(uart), 0);
	ck_assert_uint_eq(ax_uart_input(uart, "b", 1), 0);
	ck_assert(!ax_uart_input_break(uart));
	ck_assert_uint_eq(in(UART_RBR_THR), 'a');
	out(UART_IIR_FCR, UART_FCR_ENABLE);
	ck_assert_uint_eq(ax_uart_input_room(uart), 16);
	ck_assert_uint_eq(ax_uart_input(uart, "0123456789", 10), 10);
	ck_assert_uint_eq(ax_uart_input_room(uart), 6);
	ck_assert_uint_eq(ax_uart_input(uart, "0123456789", 10), 6);
	ck_assert_uint_eq(ax_uart_input(uart, "", 0), 0);
	/* Nothing was overrun. */
	ck_assert_uint_eq(in(UART_LSR), LSR_IDLE | UART_LSR_DATA);
}
END_TEST

START_TEST(who_was_refused_hears_of_room_once)
{
	out(UART_IIR_FCR, UART_FCR_ENABLE);
	ck_assert_uint_eq(ax_uart_input(uart, "0123456789abcdef", 16), 16);
	for (unsigned i = 0; i < 16; i++)
		in(UART_RBR_THR);
	ck_assert_uint_eq(room_calls, 0); /* nobody waits */

	ck_assert_uint_eq(ax_uart_input(uart, "0123456789abcdefgh", 18), 16);
	for (unsigned i = 0; i < 15; i++)
		in(UART_RBR_THR);
	ck_assert_uint_eq(room_calls, 0); /* not empty yet */
	in(UART_RBR_THR);
	ck_assert_uint_eq(room_calls, 1);
	in(UART_RBR_THR);
	ck_assert_uint_eq(room_calls, 1);
}
END_TEST

START_TEST(asking_for_room_in_vain_counts_as_waiting)
{
	ck_assert_uint_eq(ax_uart_input(uart, "a", 1), 1);
	ck_assert_uint_eq(ax_uart_input_room(uart), 0);
	in(UART_RBR_THR);
	ck_assert_uint_eq(room_calls, 1);
	ck_assert(ax_uart_input_break(uart));
	ck_assert(!ax_uart_input_break(uart));
	in(UART_RBR_THR);
	ck_assert_uint_eq(room_calls, 2);
}
END_TEST

START_TEST(clearing_the_fifo_is_room)
{
	out(UART_IIR_FCR, UART_FCR_ENABLE);
	ck_assert_uint_eq(ax_uart_input(uart, "0123456789abcdefgh", 18), 16);
	out(UART_IIR_FCR, UART_FCR_ENABLE);
	ck_assert_uint_eq(room_calls, 0);
	out(UART_IIR_FCR, UART_FCR_ENABLE | UART_FCR_CLEAR_RX);
	ck_assert_uint_eq(room_calls, 1);
}
END_TEST

START_TEST(a_reset_is_room)
{
	struct fake_device *device = fake_vm_device(vm, "com1");

	ck_assert_uint_eq(ax_uart_input(uart, "ab", 2), 1);
	device->ops->reset(device->opaque);
	ck_assert_uint_eq(room_calls, 1);
	ck_assert_uint_eq(in(UART_LSR), LSR_IDLE);
}
END_TEST

START_TEST(input_waits_while_the_guest_loops_back)
{
	out(UART_MCR, UART_MCR_LOOP);
	ck_assert_uint_eq(ax_uart_input_room(uart), 0);
	ck_assert_uint_eq(ax_uart_input(uart, "a", 1), 0);
	ck_assert(!ax_uart_input_break(uart));
	out(UART_RBR_THR, 'x');
	in(UART_RBR_THR);
	ck_assert_uint_eq(room_calls, 0);
	out(UART_MCR, UART_MCR_OUT2);
	ck_assert_uint_eq(room_calls, 1);
	ck_assert_uint_eq(ax_uart_input(uart, "a", 1), 1);
}
END_TEST

START_TEST(no_room_callback_no_call)
{
	AxUart *plain;

	ck_assert_int_eq(ax_uart_new(NULL, &plain, NULL), 0);
	ck_assert_int_eq(ax_uart_attach(plain, vm, AX_SPACE_PORT, 0x2f8, NULL, NULL), 0);
	ck_assert_ptr_nonnull(fake_vm_device(vm, "uart"));
	ck_assert_uint_eq(ax_uart_input(plain, "ab", 2), 1);
	/* No sink and no line either. */
	fake_out(vm, 0x2f8, 'x');
	fake_out(vm, 0x2f8 + UART_IER, UART_IER_BITS);
	ck_assert_uint_eq(fake_in(vm, 0x2f8), 'a');
	ck_assert_int_eq(ax_uart_detach(plain, NULL), 0);
	ax_uart_free(plain);
}
END_TEST

/*
 * Any guest, any timing: what the host offers arrives, whole and in order, if the host goes on where the UART stopped
 * taking and starts again when room is announced.
 */
START_TEST(nothing_is_lost_when_the_guest_is_slow)
{
	const unsigned total = 20000;
	unsigned sent = 0, got = 0;
	bool feeding = true;

	fake_seed(7);
	while (got < total) {
		unsigned calls = room_calls;

		if (feeding && fake_random() % 3 == 0) {
			uint8_t bytes[40];
			unsigned len = 1 + fake_random() % 40;
			size_t taken;

			if (len > total - sent)
				len = total - sent;
			for (unsigned i = 0; i < len; i++)
				bytes[i] = (uint8_t)((sent + i) * 7);
			taken = ax_uart_input(uart, bytes, len);
			sent += taken;
			feeding = taken == len;
		}
		/* The FIFOs are switched where nothing can be lost by it: with nothing in them. */
		if (!uart->regs.count && fake_random() % 50 == 0)
			out(UART_IIR_FCR,
			    fake_random() % 2 ? UART_FCR_ENABLE | fake_random() % 4 << 6 : 0);
		if (fake_random() % 2 && in(UART_LSR)&UART_LSR_DATA) {
			assert_quick(in(UART_RBR_THR) == (uint8_t)(got * 7));
			got++;
		}
		assert_quick(room_calls - calls <= 1);
		if (room_calls != calls)
			feeding = true;
	}
	ck_assert_uint_eq(sent, total);
}
END_TEST

START_TEST(wide_accesses_are_bytes_lowest_first)
{
	AxVCpu *vcpu = &vm->vcpus[0];
	uint64_t value;

	out(UART_LCR, UART_LCR_DLAB);
	ck_assert_int_eq(fake_write(vcpu, AX_SPACE_PORT, COM1, AX_WIDTH_WORD, 0x1234), AX_HANDLED);
	ck_assert_int_eq(fake_read(vcpu, AX_SPACE_PORT, COM1, AX_WIDTH_WORD, &value), AX_HANDLED);
	ck_assert_uint_eq(value, 0x1234);
	ck_assert_uint_eq(in(UART_RBR_THR), 0x34);
	out(UART_LCR, 0);
	out(UART_SCR, 0x77);
	ck_assert_int_eq(fake_read(vcpu, AX_SPACE_PORT, COM1, AX_WIDTH_QWORD, &value), AX_HANDLED);
	ck_assert_uint_eq(value, 0x77b0600000010000);
	/* IER, FCR, LCR in one write. */
	ck_assert_int_eq(fake_write(vcpu, AX_SPACE_PORT, COM1 + 1, AX_WIDTH_DWORD, 0x00030105),
			 AX_HANDLED);
	ck_assert_uint_eq(in(UART_IER), 0x05);
	ck_assert_uint_eq(in(UART_IIR_FCR)&0xc0, 0xc0);
	ck_assert_uint_eq(in(UART_LCR), 0x03);
}
END_TEST

START_TEST(registers_may_lie_apart)
{
	for (uint32_t shift = 0; shift <= 3; shift++) {
		const uint64_t base = 0x10000000;
		AxUart *other = new_uart("stride", shift);
		AxVCpu *vcpu = &vm->vcpus[0];
		uint64_t value;

		output = (struct fake_output){ 0 };
		ck_assert_int_eq(ax_uart_attach(other, vm, AX_SPACE_MMIO, base, NULL, NULL), 0);
		for (unsigned width = 0; width <= shift; width++) {
			uint64_t scr = base + (UART_SCR << shift);

			ck_assert_int_eq(fake_write(vcpu, AX_SPACE_MMIO, scr, width,
						    0x1122334455667780 + width),
					 AX_HANDLED);
			ck_assert_int_eq(fake_read(vcpu, AX_SPACE_MMIO, scr, width, &value),
					 AX_HANDLED);
			ck_assert_uint_eq(value, 0x80 + width);
			ck_assert_int_eq(fake_write(vcpu, AX_SPACE_MMIO, base, width, 'A'),
					 AX_HANDLED);
		}
		fake_output_is(&output, shift + 1, &"AAAA"[3 - shift]);
		/* Between registers there is nothing. */
		for (uint64_t offset = 0; offset < (8u << shift); offset++) {
			if (!(offset & ((1u << shift) - 1)))
				continue;
			fake_write(vcpu, AX_SPACE_MMIO, base + offset, AX_WIDTH_BYTE, 0xff);
			fake_read(vcpu, AX_SPACE_MMIO, base + offset, AX_WIDTH_BYTE, &value);
			ck_assert_uint_eq(value, 0);
		}
		ck_assert_uint_eq(other->regs.ier, 0);
		fake_output_is(&output, 0, "");
		ck_assert_int_eq(fake_read(vcpu, AX_SPACE_MMIO, base + (8u << shift), 0, &value),
				 AX_UNHANDLED);
		ck_assert_int_eq(ax_uart_detach(other, NULL), 0);
		ax_uart_free(other);
	}
}
END_TEST

START_TEST(bad_configurations_are_refused)
{
	AxUartConfig config = AX_UART_CONFIG_INIT;
	struct {
		AxUartConfig config;
		uint8_t future[8];
	} newer = { AX_UART_CONFIG_INIT, { 0 } };
	AxError err = AX_ERROR_INIT;
	AxUart *none = NULL;

	config.reg_shift = 4;
	ck_assert_int_eq(ax_uart_new(&config, &none, &err), -EINVAL);
	ck_assert_ptr_nonnull(strstr(err.message, "reg_shift"));
	config = (AxUartConfig)AX_UART_CONFIG_INIT;
	config.flags = 0x80;
	ck_assert_int_eq(ax_uart_new(&config, &none, &err), -EINVAL);
	ck_assert_int_eq(err.code, AX_ERROR_ARGUMENT);
	config = (AxUartConfig)AX_UART_CONFIG_INIT;
	config.name = "";
	ck_assert_int_eq(ax_uart_new(&config, &none, &err), -EINVAL);
	config.name = "a name of thirty-two characters.";
	ck_assert_int_eq(ax_uart_new(&config, &none, &err), -EINVAL);
	ck_assert_ptr_nonnull(strstr(err.message, "31"));
	config.size = 0;
	ck_assert_int_eq(ax_uart_new(&config, &none, &err), -EINVAL);
	ck_assert_ptr_nonnull(strstr(err.message, "AxUartConfig"));
	ck_assert_int_eq(ax_uart_new(&config, &none, NULL), -EINVAL);
	/* A newer caller may ask for nothing that this library does not know. */
	newer.config.size = sizeof(newer);
	newer.future[3] = 1;
	ck_assert_int_eq(ax_uart_new(&newer.config, &none, &err), -EINVAL);
	ck_assert_ptr_null(none);
	newer.future[3] = 0;
	ck_assert_int_eq(ax_uart_new(&newer.config, &none, &err), 0);
	ax_uart_free(none);
	ax_uart_free(NULL);
}
END_TEST

START_TEST(no_memory_is_said)
{
	AxError err = AX_ERROR_INIT;
	AxUart *none = NULL;

	fake_fail_calloc(1);
	ck_assert_int_eq(ax_uart_new(NULL, &none, &err), -ENOMEM);
	ck_assert_int_eq(err.code, AX_ERROR_RESOURCE);
	fake_fail_lock(1);
	ck_assert_int_eq(ax_uart_new(NULL, &none, &err), -ENOMEM);
	ck_assert_ptr_null(none);
}
END_TEST

START_TEST(attaching_is_all_or_nothing)
{
	AxUart *other = new_uart("com2", 0);
	AxUart *namesake = new_uart("com1", 0);
	AxError err = AX_ERROR_INIT;

	ck_assert_int_eq(ax_uart_attach(uart, vm, AX_SPACE_PORT, 0x2f8, NULL, &err), -EBUSY);
	ck_assert_int_eq(err.code, AX_ERROR_STATE);
	ck_assert_int_eq(ax_uart_attach(other, vm, AX_SPACE_PORT, COM1 + 7, NULL, NULL), -EEXIST);
	ck_assert_ptr_null(fake_vm_device(vm, "com2"));
	ck_assert_int_eq(ax_uart_attach(namesake, vm, AX_SPACE_PORT, 0x2f8, NULL, NULL), -EEXIST);
	ck_assert_uint_eq(fake_vm_ranges(vm), 1);
	ck_assert_int_eq(ax_uart_attach(other, vm, AX_SPACE_PORT, 65529, NULL, NULL), -EINVAL);
	ck_assert_int_eq(ax_uart_attach(other, vm, AX_SPACE_PORT, 65528, NULL, NULL), 0);
	/* A detach that fails can be tried again; one that has nothing to do is fine. */
	vm->fail_range_remove = 1;
	ck_assert_int_eq(ax_uart_detach(other, NULL), -EDEADLK);
	vm->fail_device_remove = 1;
	ck_assert_int_eq(ax_uart_detach(other, NULL), -ENOENT);
	vm->fail_device_remove = 0;
	ck_assert_int_eq(ax_uart_detach(other, NULL), 0);
	ck_assert_int_eq(ax_uart_detach(other, NULL), 0);
	ax_uart_free(other);
	ax_uart_free(namesake);
}
END_TEST

START_TEST(a_line_falls_on_detach_and_rises_in_the_next_vm)
{
	struct fake_line next = { 0 };
	AxIrq irq = fake_irq(&next);
	AxVm *old = vm;

	out(UART_IER, UART_IER_RECEIVED);
	ck_assert_uint_eq(ax_uart_input(uart, "x", 1), 1);
	ck_assert(line.level);
	ck_assert_int_eq(ax_uart_detach(uart, NULL), 0);
	ck_assert(!line.level);
	fake_vm_free(old);
	/* A byte that arrives in no VM stays. */
	ck_assert_uint_eq(ax_uart_input(uart, "y", 1), 0);
	vm = fake_vm_new(1);
	ck_assert_int_eq(ax_uart_attach(uart, vm, AX_SPACE_PORT, COM1, &irq, NULL), 0);
	ck_assert(next.level);
	ck_assert_uint_eq(in(UART_RBR_THR), 'x');
	ck_assert(!next.level);
	ck_assert_uint_eq(line.calls, 2);
}
END_TEST

START_TEST(reset_is_power_on_and_keeps_the_modem)
{
	struct fake_device *device = fake_vm_device(vm, "com1");

	for (unsigned reg = 0; reg < UART_REGISTERS; reg++)
		out(reg, 0x0f);
	out(UART_IIR_FCR, UART_FCR_ENABLE);
	ck_assert_int_eq(ax_uart_set_modem(uart, AX_UART_DSR), 0);
	ck_assert(ax_uart_input_break(uart));
	ck_assert(line.level);
	device->ops->reset(device->opaque);
	ck_assert(!line.level);
	ck_assert_uint_eq(in(UART_RBR_THR), 0);
	ck_assert_uint_eq(in(UART_IER), 0);
	ck_assert_uint_eq(in(UART_IIR_FCR), UART_IIR_NONE);
	ck_assert_uint_eq(in(UART_LCR), 0);
	ck_assert_uint_eq(in(UART_MCR), 0);
	ck_assert_uint_eq(in(UART_LSR), LSR_IDLE);
	ck_assert_uint_eq(in(UART_MSR), AX_UART_DSR);
	ck_assert_uint_eq(in(UART_SCR), 0);
}
END_TEST

/* Anything that a guest and a host can do. */
static void act(AxUart *to, uint64_t base)
{
	AxVCpu *vcpu = &vm->vcpus[0];
	uint64_t value;

	switch (fake_random() % 8) {
	case 0: ax_uart_input(to, "0123456789abcdef", fake_random() % 17); break;
	case 1: ax_uart_input_break(to); break;
	case 2: ax_uart_set_modem(to, fake_random() & 0xf0); break;
	case 3:
	case 4:
		fake_read(vcpu, AX_SPACE_PORT, base + fake_random() % 8, fake_random() % 3, &value);
		break;
	default:
		fake_write(vcpu, AX_SPACE_PORT, base + fake_random() % 8, fake_random() % 3,
			   fake_random() % 2 ? fake_random() : fake_random() & 0x0f0f);
		break;
	}
}

START_TEST(restored_state_equals_saved_state)
{
	struct fake_line other_line = { 0 };
	AxIrq irq = fake_irq(&other_line);
	AxUart *other = new_uart("com2", 0);
	struct fake_device *from, *to;

	ck_assert_int_eq(ax_uart_attach(other, vm, AX_SPACE_PORT, 0x2f8, &irq, NULL), 0);
	from = fake_vm_device(vm, "com1");
	to = fake_vm_device(vm, "com2");
	fake_seed(3);
	for (unsigned round = 0; round < 3000; round++) {
		for (unsigned i = fake_random() % 20; i; i--)
			act(uart, COM1);
		for (unsigned i = fake_random() % 5; i; i--)
			act(other, 0x2f8);
		/* Not saved: the other side of the cable. */
		ax_uart_set_modem(other, uart->host_lines);
		fake_check_round_trip(from, to);
		assert_quick(line.level == other_line.level);
		/* And it behaves the same, read by read. */
		for (unsigned reg = 0; reg < UART_REGISTERS; reg++)
			assert_quick(fake_in(vm, COM1 + reg) == fake_in(vm, 0x2f8 + reg));
		assert_quick(line.level == other_line.level);
	}
	ck_assert_int_eq(ax_uart_detach(other, NULL), 0);
	ax_uart_free(other);
}
END_TEST

START_TEST(a_cable_that_changed_since_the_save_is_a_delta)
{
	struct fake_device *device = fake_vm_device(vm, "com1");
	AxState *state;
	const void *bytes;
	size_t len;

	state = fake_save(device);
	bytes = ax_state_bytes(state, &len);
	ck_assert_int_eq(ax_uart_set_modem(uart, AX_UART_CTS | AX_UART_DSR), 0);
	ck_assert_int_eq(fake_restore(device, bytes, len), 0);
	ck_assert_uint_eq(in(UART_MSR), AX_UART_CTS | AX_UART_DSR | UART_MSR_DELTA_DCD);
	ax_state_free(state);
}
END_TEST

START_TEST(damaged_state_is_refused_and_leaves_a_reset_device)
{
	struct fake_device *device = fake_vm_device(vm, "com1");

	fake_seed(5);
	for (unsigned round = 0; round < 50; round++) {
		for (unsigned i = 0; i < 30; i++)
			act(uart, COM1);
		/* Deltas would differ between two resets with another cable in between. */
		ax_uart_set_modem(uart, 0);
		fake_check_damaged_states(device);
	}
}
END_TEST

/* A state that is whole and whose values no guest could have brought about. */
START_TEST(impossible_state_is_refused)
{
	/* version ier fcr lcr mcr scr dll dlm errors msr thre burst count, then bytes with their errors */
	static const uint8_t good[] = { 1,    0x0f, 0xc1, 3, 0x1f, 9, 12,  0,	0x1e,
					0xbf, 1,    16,	  2, 'a',  0, 'b', 0x10 };
	static const struct {
		uint8_t at;
		uint8_t value;
	} bad[] = {
		{ 0, 0 },     { 0, 2 }, /* another version */
		{ 1, 0x10 },		/* IER's upper bits */
		{ 2, 0x03 },  { 2, 0x80 }, /* FCR bits that clear themselves; a trigger without FIFOs */
		{ 2, 0 },		   /* two bytes without FIFOs */
		{ 4, 0x20 },		   /* MCR's upper bits */
		{ 8, 0x01 },  { 8, 0x20 },  { 8, 0x80 }, /* LSR bits that are no errors */
		{ 10, 2 },				 /* a bool */
		{ 11, 17 },   { 12, 17 },   { 12, 255 }, /* more than fits */
		{ 14, 0x10 },				 /* the top's errors are elsewhere */
		{ 16, 0x02 }, { 16, 0x20 },		 /* no errors of a byte */
	};
	struct fake_device *device = fake_vm_device(vm, "com1");
	uint8_t bytes[sizeof(good)];

	ck_assert_int_eq(fake_restore(device, good, sizeof(good)), 0);
	ck_assert_uint_eq(uart->regs.flagged, 1);
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		memcpy(bytes, good, sizeof(good));
		bytes[bad[i].at] = bad[i].value;
		ck_assert_int_eq(fake_restore(device, bytes, sizeof(bytes)), -EINVAL);
		ck_assert_uint_eq(in(UART_IER), 0);
		ck_assert_uint_eq(in(UART_LSR), LSR_IDLE);
		ck_assert(!line.level);
	}
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("uart, host side");
	TCase *tcase = tcase_create("host");

	tcase_set_timeout(tcase, 60);
	tcase_add_checked_fixture(tcase, set_up, tear_down);
	tcase_add_test(tcase, room_is_one_byte_or_a_fifo);
	tcase_add_test(tcase, who_was_refused_hears_of_room_once);
	tcase_add_test(tcase, asking_for_room_in_vain_counts_as_waiting);
	tcase_add_test(tcase, clearing_the_fifo_is_room);
	tcase_add_test(tcase, a_reset_is_room);
	tcase_add_test(tcase, input_waits_while_the_guest_loops_back);
	tcase_add_test(tcase, no_room_callback_no_call);
	tcase_add_test(tcase, nothing_is_lost_when_the_guest_is_slow);
	tcase_add_test(tcase, wide_accesses_are_bytes_lowest_first);
	tcase_add_test(tcase, registers_may_lie_apart);
	tcase_add_test(tcase, bad_configurations_are_refused);
	tcase_add_test(tcase, no_memory_is_said);
	tcase_add_test(tcase, attaching_is_all_or_nothing);
	tcase_add_test(tcase, a_line_falls_on_detach_and_rises_in_the_next_vm);
	tcase_add_test(tcase, reset_is_power_on_and_keeps_the_modem);
	tcase_add_test(tcase, restored_state_equals_saved_state);
	tcase_add_test(tcase, a_cable_that_changed_since_the_save_is_a_delta);
	tcase_add_test(tcase, damaged_state_is_refused_and_leaves_a_reset_device);
	tcase_add_test(tcase, impossible_state_is_refused);
	suite_add_tcase(suite, tcase);
	return fake_run(suite);
}
