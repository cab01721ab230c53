/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The small devices behind a PC's ports: debug exit, debug console, reset routes.
 */
#include <check.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "dev/dev.h"
#include "tests/unit/dev_fake.h"

static AxVm *vm;
static struct fake_output output;

static void set_up(void)
{
	output = (struct fake_output){ 0 };
	vm = fake_vm_new(2);
}

static void tear_down(void)
{
	fake_vm_free(vm);
}

static AxHandled write_port(uint16_t port, AxAccessWidth width, uint64_t value)
{
	return fake_write(&vm->vcpus[0], AX_SPACE_PORT, port, width, value);
}

static AxHandled read_port(uint16_t port, AxAccessWidth width, uint64_t *value)
{
	return fake_read(&vm->vcpus[0], AX_SPACE_PORT, port, width, value);
}

/* Debug exit. */

static AxDebugExit *debug_exit;

static void plug_debug_exit(void)
{
	set_up();
	ck_assert_int_eq(ax_debug_exit_new(NULL, &debug_exit, NULL), 0);
	ck_assert_int_eq(ax_debug_exit_attach(debug_exit, vm, AX_DEBUG_EXIT_PORT, NULL), 0);
}

static void unplug_debug_exit(void)
{
	ck_assert_int_eq(ax_debug_exit_detach(debug_exit, NULL), 0);
	ax_debug_exit_free(debug_exit);
	tear_down();
}

START_TEST(debug_exit_stops_with_twice_the_value_plus_one)
{
	static const struct {
		AxAccessWidth width;
		uint64_t value;
		uint32_t code;
	} cases[] = {
		{ AX_WIDTH_BYTE, 0, 1 },
		{ AX_WIDTH_BYTE, 0x10, 0x21 },
		{ AX_WIDTH_BYTE, 0xff, 0x1ff },
		{ AX_WIDTH_BYTE, 0x1234, 0x69 },
		{ AX_WIDTH_WORD, 0x8000, 0x10001 },
		{ AX_WIDTH_DWORD, 0x7fffffff, 0xffffffff },
		{ AX_WIDTH_DWORD, 0x80000000, 1 },
	};
	struct fake_device *device = fake_vm_device(vm, "debug-exit");
	int code = -1;

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		vm->stop_count = 0;
		ck_assert(!ax_debug_exit_result(debug_exit, &code));
		ck_assert_int_eq(write_port(0xf4, cases[i].width, cases[i].value), AX_STOP);
		ck_assert_uint_eq(vm->stop_count, 1);
		ck_assert_int_eq(vm->stop_code, (int)cases[i].code);
		ck_assert(ax_debug_exit_result(debug_exit, &code));
		ck_assert_int_eq(code, (int)cases[i].code);
		device->ops->reset(device->opaque);
	}
}
END_TEST

START_TEST(the_first_debug_exit_counts)
{
	int code;

	ck_assert_int_eq(write_port(0xf4, AX_WIDTH_BYTE, 3), AX_STOP);
	ck_assert_int_eq(write_port(0xf4, AX_WIDTH_BYTE, 4), AX_STOP);
	ck_assert(ax_debug_exit_result(debug_exit, NULL));
	ck_assert(ax_debug_exit_result(debug_exit, &code));
	ck_assert_int_eq(code, 7);
}
END_TEST

START_TEST(debug_exit_reads_zero_at_its_four_ports)
{
	uint64_t value;

	for (uint16_t port = 0xf4; port < 0xf8; port++) {
		ck_assert_int_eq(read_port(port, AX_WIDTH_BYTE, &value), AX_HANDLED);
		ck_assert_uint_eq(value, 0);
	}
	ck_assert_int_eq(read_port(0xf3, AX_WIDTH_BYTE, &value), AX_UNHANDLED);
	ck_assert_int_eq(read_port(0xf8, AX_WIDTH_BYTE, &value), AX_UNHANDLED);
	ck_assert_int_eq(write_port(0xf7, AX_WIDTH_BYTE, 1), AX_STOP);
	ck_assert_int_eq(vm->stop_code, 3);
}
END_TEST

START_TEST(debug_exit_state_round_trips)
{
	static const uint8_t bad[][9] = {
		{ 1, 2, 0, 0, 0, 1, 0, 0, 0 }, /* an even code */
		{ 1, 1, 0, 0, 0, 2, 0, 0, 0 }, /* no such flag */
		{ 1, 1, 0, 0, 0, 0, 0, 0, 0 }, /* a code of no write */
		{ 2, 1, 0, 0, 0, 1, 0, 0, 0 }, /* another version */
	};
	struct fake_device *device = fake_vm_device(vm, "debug-exit");
	AxDebugExitConfig config = AX_DEBUG_EXIT_CONFIG_INIT;
	AxDebugExit *other;
	int code;

	config.name = "other";
	ck_assert_int_eq(ax_debug_exit_new(&config, &other, NULL), 0);
	ck_assert_int_eq(ax_debug_exit_attach(other, vm, 0x501, NULL), 0);
	fake_check_round_trip(device, fake_vm_device(vm, "other"));
	ck_assert(!ax_debug_exit_result(other, NULL));
	write_port(0xf4, AX_WIDTH_DWORD, 0xffffffff);
	fake_check_round_trip(device, fake_vm_device(vm, "other"));
	ck_assert(ax_debug_exit_result(other, &code));
	ck_assert_int_eq(code, -1);
	fake_check_damaged_states(device);
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		ck_assert_int_eq(fake_restore(device, bad[i], sizeof(bad[i])), -EINVAL);
	ck_assert_int_eq(ax_debug_exit_detach(other, NULL), 0);
	ax_debug_exit_free(other);
}
END_TEST

START_TEST(debug_exit_refuses_bad_places_and_configurations)
{
	AxDebugExitConfig config = AX_DEBUG_EXIT_CONFIG_INIT;
	AxDebugExit *other = NULL;

	ck_assert_int_eq(ax_debug_exit_attach(debug_exit, vm, 0x501, NULL), -EBUSY);
	config.name = "";
	ck_assert_int_eq(ax_debug_exit_new(&config, &other, NULL), -EINVAL);
	config.size = 1;
	ck_assert_int_eq(ax_debug_exit_new(&config, &other, NULL), -EINVAL);
	fake_fail_calloc(1);
	ck_assert_int_eq(ax_debug_exit_new(NULL, &other, NULL), -ENOMEM);
	ck_assert_int_eq(ax_debug_exit_new(NULL, &other, NULL), 0);
	ck_assert_int_eq(ax_debug_exit_attach(other, vm, 0x501, NULL), -EEXIST);
	ax_debug_exit_free(other);
	ax_debug_exit_free(NULL);
}
END_TEST

/* Debug console. */

static AxDebugCon *debugcon;

static void plug_debugcon(void)
{
	AxDebugConConfig config = AX_DEBUGCON_CONFIG_INIT;

	set_up();
	config.output = fake_sink(&output);
	ck_assert_int_eq(ax_debugcon_new(&config, &debugcon, NULL), 0);
	ck_assert_int_eq(ax_debugcon_attach(debugcon, vm, NULL), 0);
}

static void unplug_debugcon(void)
{
	ck_assert_int_eq(ax_debugcon_detach(debugcon, NULL), 0);
	ax_debugcon_free(debugcon);
	tear_down();
}

START_TEST(debugcon_writes_go_to_the_sink)
{
	fake_out(vm, 0xe9, 'a');
	fake_out(vm, 0x402, 'b');
	fake_output_is(&output, 2, "ab");
}
END_TEST

START_TEST(debugcon_reads_tell_that_it_is_there)
{
	ck_assert_uint_eq(fake_in(vm, 0xe9), 0xe9);
	ck_assert_uint_eq(fake_in(vm, 0x402), 0xe9);
}
END_TEST

START_TEST(debugcon_takes_the_byte_of_a_wider_access)
{
	uint64_t value;

	ck_assert_int_eq(write_port(0xe9, AX_WIDTH_WORD, 'x' | 'y' << 8), AX_UNHANDLED);
	fake_output_is(&output, 1, "x");
	ck_assert_int_eq(read_port(0x401, AX_WIDTH_DWORD, &value), AX_UNHANDLED);
	ck_assert_uint_eq(value, 0xffffe9ff);
}
END_TEST

START_TEST(debugcon_ports_can_be_left_out)
{
	AxDebugConConfig config = AX_DEBUGCON_CONFIG_INIT;
	AxDebugCon *other = NULL;
	uint64_t value;

	config.name = "other";
	config.ports[0] = 0;
	config.ports[1] = 0x500;
	ck_assert_int_eq(ax_debugcon_new(&config, &other, NULL), 0);
	ck_assert_int_eq(ax_debugcon_attach(other, vm, NULL), 0);
	fake_out(vm, 0x500, 'z'); /* to no sink */
	ck_assert_uint_eq(fake_in(vm, 0x500), 0xe9);
	ck_assert_int_eq(read_port(0, AX_WIDTH_BYTE, &value), AX_UNHANDLED);
	ck_assert_int_eq(ax_debugcon_detach(other, NULL), 0);
	ax_debugcon_free(other);
	config.ports[1] = 0;
	ck_assert_int_eq(ax_debugcon_new(&config, &other, NULL), -EINVAL);
	/* Both at one port, or where somebody is already: nothing stays behind. */
	config.ports[0] = config.ports[1] = 0x500;
	ck_assert_int_eq(ax_debugcon_new(&config, &other, NULL), 0);
	ck_assert_int_eq(ax_debugcon_attach(other, vm, NULL), -EEXIST);
	ck_assert_uint_eq(fake_vm_ranges(vm), 2);
	ck_assert_ptr_null(fake_vm_device(vm, "other"));
	ax_debugcon_free(other);
}
END_TEST

START_TEST(debugcon_has_no_state)
{
	static const uint8_t another_version[] = { 2 };
	struct fake_device *device = fake_vm_device(vm, "debugcon");

	fake_check_round_trip(device, device);
	device->ops->reset(device->opaque);
	fake_check_damaged_states(device);
	ck_assert_int_eq(fake_restore(device, another_version, 1), -EINVAL);
}
END_TEST

START_TEST(debugcon_refuses_bad_configurations)
{
	AxDebugConConfig config = AX_DEBUGCON_CONFIG_INIT;
	AxDebugCon *other = NULL;

	config.name = "";
	ck_assert_int_eq(ax_debugcon_new(&config, &other, NULL), -EINVAL);
	config.size--;
	ck_assert_int_eq(ax_debugcon_new(&config, &other, NULL), -EINVAL);
	fake_fail_calloc(1);
	ck_assert_int_eq(ax_debugcon_new(NULL, &other, NULL), -ENOMEM);
	ck_assert_ptr_null(other);
	ax_debugcon_free(NULL);
}
END_TEST

/* Reset routes. */

static AxResetDev *reset;
static unsigned reset_calls;
static AxResetRoute reset_by;

static AxHandled note_reset(void *opaque, AxVCpu *vcpu, AxResetRoute route)
{
	ck_assert_ptr_eq(opaque, &reset_calls);
	ck_assert_ptr_eq(vcpu, &vm->vcpus[0]);
	reset_calls++;
	reset_by = route;
	return AX_HANDLED;
}

static void plug_reset(void)
{
	set_up();
	ck_assert_int_eq(ax_resetdev_new(NULL, &reset, NULL), 0);
	ck_assert_int_eq(ax_resetdev_attach(reset, vm, NULL), 0);
}

static void unplug_reset(void)
{
	ck_assert_int_eq(ax_resetdev_detach(reset, NULL), 0);
	ax_resetdev_free(reset);
	tear_down();
}

static void clear_reset(void)
{
	struct fake_device *device = fake_vm_device(vm, "reset");

	device->ops->reset(device->opaque);
	ck_assert_int_eq(ax_resetdev_route(reset), AX_RESET_NONE);
}

START_TEST(i8042_commands_with_bit_0_clear_pulse_the_reset_line)
{
	for (unsigned command = 0; command < 256; command++) {
		bool resets = command >= 0xf0 && !(command & 1);

		clear_reset();
		ck_assert_int_eq(write_port(0x64, AX_WIDTH_BYTE, command),
				 resets ? AX_STOP : AX_HANDLED);
		ck_assert_int_eq(ax_resetdev_route(reset), resets ? AX_RESET_I8042 : AX_RESET_NONE);
	}
	ck_assert_uint_eq(vm->stop_count, 0);
}
END_TEST

START_TEST(i8042_output_port_bit_0_clear_resets)
{
	for (unsigned data = 0; data < 256; data++) {
		clear_reset();
		fake_out(vm, 0x64, 0xd1);
		ck_assert_int_eq(write_port(0x60, AX_WIDTH_BYTE, data),
				 data & 1 ? AX_HANDLED : AX_STOP);
		/* The command is good for one byte. */
		ck_assert_int_eq(write_port(0x60, AX_WIDTH_BYTE, 0), AX_HANDLED);
	}
	/* Another command in between takes its place. */
	clear_reset();
	fake_out(vm, 0x64, 0xd1);
	fake_out(vm, 0x64, 0xae);
	fake_out(vm, 0x60, 0);
	ck_assert_int_eq(ax_resetdev_route(reset), AX_RESET_NONE);
}
END_TEST

START_TEST(i8042_is_ready_and_has_nothing_to_say)
{
	ck_assert_uint_eq(fake_in(vm, 0x64), 0);
	ck_assert_uint_eq(fake_in(vm, 0x60), 0);
	fake_out(vm, 0x64, 0xaa); /* self test: no answer */
	ck_assert_uint_eq(fake_in(vm, 0x64), 0);
	ck_assert_uint_eq(fake_in(vm, 0x60), 0);
}
END_TEST

START_TEST(reset_control_resets_when_bit_2_rises)
{
	ck_assert_uint_eq(fake_in(vm, 0xcf9), 0);
	for (unsigned before = 0; before < 256; before++) {
		for (unsigned after = 0; after < 256; after++) {
			bool rises = !(before & 4) && after & 4;

			clear_reset();
			write_port(0xcf9, AX_WIDTH_BYTE, before);
			ck_assert_int_eq(write_port(0xcf9, AX_WIDTH_BYTE, after),
					 rises ? AX_STOP : AX_HANDLED);
			ck_assert_uint_eq(fake_in(vm, 0xcf9), after & 0x0e);
		}
	}
	clear_reset();
	fake_out(vm, 0xcf9, 0x02);
	ck_assert_int_eq(write_port(0xcf9, AX_WIDTH_BYTE, 0x06), AX_STOP);
	ck_assert_int_eq(ax_resetdev_route(reset), AX_RESET_CONTROL);
}
END_TEST

START_TEST(a_pci_configuration_address_is_no_reset)
{
	uint64_t value;

	/* Bus 0, device 0, functions 4 to 7 have bit 2 set in the second byte. */
	for (unsigned function = 0; function < 8; function++)
		ck_assert_int_eq(write_port(0xcf8, AX_WIDTH_DWORD, 0x80000000 | function << 8),
				 AX_UNHANDLED);
	ck_assert_int_eq(ax_resetdev_route(reset), AX_RESET_NONE);
	ck_assert_int_eq(read_port(0xcf8, AX_WIDTH_DWORD, &value), AX_UNHANDLED);
	ck_assert_uint_eq(value, 0xffffffff);
	ck_assert_int_eq(write_port(0xcf9, AX_WIDTH_WORD, 0x0606), AX_UNHANDLED);
	ck_assert_int_eq(write_port(0xcf8, AX_WIDTH_BYTE, 0x06), AX_UNHANDLED);
	ck_assert_int_eq(write_port(0xcfb, AX_WIDTH_BYTE, 0x06), AX_UNHANDLED);
	ck_assert_int_eq(ax_resetdev_route(reset), AX_RESET_NONE);
}
END_TEST

START_TEST(port_92_resets_when_bit_0_rises_and_keeps_a20_on)
{
	ck_assert_uint_eq(fake_in(vm, 0x92), 0x02);
	fake_out(vm, 0x92, 0x00);
	ck_assert_uint_eq(fake_in(vm, 0x92), 0x02);
	fake_out(vm, 0x92, 0xfe);
	ck_assert_uint_eq(fake_in(vm, 0x92), 0x02);
	ck_assert_int_eq(write_port(0x92, AX_WIDTH_BYTE, 0x03), AX_STOP);
	ck_assert_int_eq(ax_resetdev_route(reset), AX_RESET_PORT92);
	ck_assert_uint_eq(fake_in(vm, 0x92), 0x03);
	fake_out(vm, 0x92, 0x01);
	fake_out(vm, 0x92, 0x00);
	ck_assert_int_eq(write_port(0x92, AX_WIDTH_BYTE, 0x01), AX_STOP);
}
END_TEST

START_TEST(the_first_route_is_remembered)
{
	ck_assert_int_eq(write_port(0x92, AX_WIDTH_BYTE, 0x01), AX_STOP);
	ck_assert_int_eq(write_port(0x64, AX_WIDTH_BYTE, 0xfe), AX_STOP);
	ck_assert_int_eq(ax_resetdev_route(reset), AX_RESET_PORT92);
}
END_TEST

START_TEST(a_callback_decides_the_verdict)
{
	AxResetDevConfig config = AX_RESETDEV_CONFIG_INIT;
	AxResetDev *other;

	ck_assert_int_eq(ax_resetdev_detach(reset, NULL), 0);
	config.reset = note_reset;
	config.opaque = &reset_calls;
	reset_calls = 0;
	ck_assert_int_eq(ax_resetdev_new(&config, &other, NULL), 0);
	ck_assert_int_eq(ax_resetdev_attach(other, vm, NULL), 0);
	fake_out(vm, 0x64, 0xfe);
	ck_assert_int_eq(reset_by, AX_RESET_I8042);
	fake_out(vm, 0xcf9, 0x0e);
	ck_assert_int_eq(reset_by, AX_RESET_CONTROL);
	fake_out(vm, 0x92, 0x01);
	ck_assert_int_eq(reset_by, AX_RESET_PORT92);
	ck_assert_uint_eq(reset_calls, 3);
	ck_assert_int_eq(ax_resetdev_detach(other, NULL), 0);
	ax_resetdev_free(other);
}
END_TEST

START_TEST(routes_can_be_left_out)
{
	static const struct {
		uint32_t routes;
		uint16_t port;
		unsigned ranges;
	} cases[] = {
		{ AX_RESET_HAS_I8042, 0x64, 2 },
		{ AX_RESET_HAS_CONTROL, 0xcf9, 1 },
		{ AX_RESET_HAS_PORT92, 0x92, 1 },
	};
	AxResetDevConfig config = AX_RESETDEV_CONFIG_INIT;
	AxResetDev *other = NULL;

	ck_assert_int_eq(ax_resetdev_detach(reset, NULL), 0);
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		config.routes = cases[i].routes;
		ck_assert_int_eq(ax_resetdev_new(&config, &other, NULL), 0);
		ck_assert_int_eq(ax_resetdev_attach(other, vm, NULL), 0);
		ck_assert_uint_eq(fake_vm_ranges(vm), cases[i].ranges);
		ck_assert_int_eq(write_port(cases[i].port, AX_WIDTH_BYTE, 0), AX_HANDLED);
		ck_assert_int_eq(ax_resetdev_detach(other, NULL), 0);
		ax_resetdev_free(other);
	}
	other = NULL;
	config.routes = 0;
	ck_assert_int_eq(ax_resetdev_new(&config, &other, NULL), -EINVAL);
	config.routes = 8;
	ck_assert_int_eq(ax_resetdev_new(&config, &other, NULL), -EINVAL);
	config = (AxResetDevConfig)AX_RESETDEV_CONFIG_INIT;
	config.name = "";
	ck_assert_int_eq(ax_resetdev_new(&config, &other, NULL), -EINVAL);
	config.size = 0;
	ck_assert_int_eq(ax_resetdev_new(&config, &other, NULL), -EINVAL);
	fake_fail_calloc(1);
	ck_assert_int_eq(ax_resetdev_new(NULL, &other, NULL), -ENOMEM);
	fake_fail_lock(1);
	ck_assert_int_eq(ax_resetdev_new(NULL, &other, NULL), -ENOMEM);
	ck_assert_ptr_null(other);
	ax_resetdev_free(NULL);
}
END_TEST

START_TEST(reset_state_round_trips)
{
	static const uint8_t bad[][5] = {
		{ 2, 0, 0, 0, 0 }, { 1, 4, 0, 0, 0 },	 { 1, 0, 2, 0, 0 },
		{ 1, 0, 0, 1, 0 }, { 1, 0, 0, 0x10, 0 }, { 1, 0, 0, 0, 2 },
	};
	struct fake_device *device = fake_vm_device(vm, "reset");

	write_port(0x92, AX_WIDTH_BYTE, 0x01);
	fake_out(vm, 0xcf9, 0x0a);
	fake_out(vm, 0x64, 0xd1);
	fake_check_round_trip(device, device);
	ck_assert_int_eq(ax_resetdev_route(reset), AX_RESET_PORT92);
	ck_assert_uint_eq(fake_in(vm, 0xcf9), 0x0a);
	ck_assert_int_eq(write_port(0x60, AX_WIDTH_BYTE, 0), AX_STOP);
	fake_check_damaged_states(device);
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		ck_assert_int_eq(fake_restore(device, bad[i], sizeof(bad[i])), -EINVAL);
	ck_assert_uint_eq(fake_in(vm, 0x92), 0x02);
}
END_TEST

static TCase *add_case(Suite *suite, const char *name, void (*plug)(void), void (*unplug)(void))
{
	TCase *tcase = tcase_create(name);

	tcase_add_checked_fixture(tcase, plug, unplug);
	suite_add_tcase(suite, tcase);
	return tcase;
}

int main(void)
{
	Suite *suite = suite_create("port devices");
	TCase *tcase;

	tcase = add_case(suite, "debug exit", plug_debug_exit, unplug_debug_exit);
	tcase_add_test(tcase, debug_exit_stops_with_twice_the_value_plus_one);
	tcase_add_test(tcase, the_first_debug_exit_counts);
	tcase_add_test(tcase, debug_exit_reads_zero_at_its_four_ports);
	tcase_add_test(tcase, debug_exit_state_round_trips);
	tcase_add_test(tcase, debug_exit_refuses_bad_places_and_configurations);
	tcase = add_case(suite, "debug console", plug_debugcon, unplug_debugcon);
	tcase_add_test(tcase, debugcon_writes_go_to_the_sink);
	tcase_add_test(tcase, debugcon_reads_tell_that_it_is_there);
	tcase_add_test(tcase, debugcon_takes_the_byte_of_a_wider_access);
	tcase_add_test(tcase, debugcon_ports_can_be_left_out);
	tcase_add_test(tcase, debugcon_has_no_state);
	tcase_add_test(tcase, debugcon_refuses_bad_configurations);
	tcase = add_case(suite, "reset", plug_reset, unplug_reset);
	tcase_add_test(tcase, i8042_commands_with_bit_0_clear_pulse_the_reset_line);
	tcase_add_test(tcase, i8042_output_port_bit_0_clear_resets);
	tcase_add_test(tcase, i8042_is_ready_and_has_nothing_to_say);
	tcase_add_test(tcase, reset_control_resets_when_bit_2_rises);
	tcase_add_test(tcase, a_pci_configuration_address_is_no_reset);
	tcase_add_test(tcase, port_92_resets_when_bit_0_rises_and_keeps_a20_on);
	tcase_add_test(tcase, the_first_route_is_remembered);
	tcase_add_test(tcase, a_callback_decides_the_verdict);
	tcase_add_test(tcase, routes_can_be_left_out);
	tcase_add_test(tcase, reset_state_round_trips);
	return fake_run(suite);
}
