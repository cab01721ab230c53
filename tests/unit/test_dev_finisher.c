/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Finisher: what each value does, and what the host learns of it.
 */
#include <errno.h>
#include <string.h>

#include "dev/dev.h"
#include "tests/unit/dev_fake.h"

#define BASE 0x100000

static AxVm *vm;
static AxFinisher *dev;

static void set_up(void)
{
	vm = fake_vm_new(1);
	ck_assert_int_eq(ax_finisher_new(NULL, &dev, NULL), 0);
	ck_assert_int_eq(ax_finisher_attach(dev, vm, BASE, NULL), 0);
}

static void tear_down(void)
{
	ck_assert_int_eq(ax_finisher_detach(dev, NULL), 0);
	ax_finisher_free(dev);
	fake_vm_free(vm);
}

static AxHandled out(uint64_t offset, AxAccessWidth width, uint64_t value)
{
	return fake_write(&vm->vcpus[0], AX_SPACE_MMIO, BASE + offset, width, value);
}

START_TEST(the_first_command_counts)
{
	static const struct {
		uint32_t value;
		AxFinisherEnd end;
		uint32_t code;
	} commands[] = {
		{ 0x5555, AX_FINISHER_PASSED, 0 },     { 0x7777, AX_FINISHER_RESET, 0 },
		{ 0x3333, AX_FINISHER_FAILED, 0 },     { 0xffff3333, AX_FINISHER_FAILED, 0xffff },
		{ 0x00073333, AX_FINISHER_FAILED, 7 },
	};
	struct fake_device *device = fake_vm_device(vm, "finisher");
	uint32_t code;

	for (size_t i = 0; i < sizeof(commands) / sizeof(commands[0]); i++) {
		ck_assert_int_eq(ax_finisher_result(dev, &code), AX_FINISHER_RUNS);
		ck_assert_uint_eq(code, 0);
		ck_assert_int_eq(out(0, AX_WIDTH_DWORD, commands[i].value), AX_STOP);
		ck_assert_int_eq(out(0, AX_WIDTH_DWORD, 0x12345555), AX_STOP);
		ck_assert_int_eq(ax_finisher_result(dev, NULL), commands[i].end);
		ax_finisher_result(dev, &code);
		ck_assert_uint_eq(code, commands[i].code);
		device->ops->reset(device->opaque);
	}
	/* The machine's end is for who runs it to say. */
	ck_assert_uint_eq(vm->stop_count, 0);
}
END_TEST

START_TEST(narrow_and_wide_writes_are_taken)
{
	struct fake_device *device = fake_vm_device(vm, "finisher");
	uint32_t code;

	ck_assert_int_eq(out(0, AX_WIDTH_WORD, 0xabcd5555), AX_STOP);
	ck_assert_int_eq(ax_finisher_result(dev, &code), AX_FINISHER_PASSED);
	ck_assert_uint_eq(code, 0);
	device->ops->reset(device->opaque);
	ck_assert_int_eq(out(0, AX_WIDTH_QWORD, 0x100023333), AX_STOP);
	ck_assert_int_eq(ax_finisher_result(dev, &code), AX_FINISHER_FAILED);
	ck_assert_uint_eq(code, 2);
}
END_TEST

START_TEST(the_rest_does_nothing)
{
	uint64_t value = 1;

	ck_assert_int_eq(out(0, AX_WIDTH_DWORD, 0), AX_HANDLED);
	ck_assert_int_eq(out(0, AX_WIDTH_DWORD, 0x5554), AX_HANDLED);
	ck_assert_int_eq(out(0, AX_WIDTH_BYTE, 0x5555), AX_HANDLED);
	ck_assert_int_eq(out(4, AX_WIDTH_DWORD, 0x5555), AX_HANDLED);
	ck_assert_int_eq(fake_read(&vm->vcpus[0], AX_SPACE_MMIO, BASE, AX_WIDTH_DWORD, &value),
			 AX_HANDLED);
	ck_assert_uint_eq(value, 0);
	ck_assert_int_eq(ax_finisher_result(dev, NULL), AX_FINISHER_RUNS);
}
END_TEST

START_TEST(bad_configurations_are_refused)
{
	AxFinisherConfig config = AX_FINISHER_CONFIG_INIT;
	AxFinisher *none = NULL;
	AxError err = AX_ERROR_INIT;

	config.name = "";
	ck_assert_int_eq(ax_finisher_new(&config, &none, &err), -EINVAL);
	config.size = 0;
	ck_assert_int_eq(ax_finisher_new(&config, &none, &err), -EINVAL);
	fake_fail_calloc(1);
	ck_assert_int_eq(ax_finisher_new(NULL, &none, &err), -ENOMEM);
	ck_assert_ptr_null(none);
	ck_assert_int_eq(ax_finisher_attach(dev, vm, BASE, NULL), -EBUSY);
	ax_finisher_free(NULL);
}
END_TEST

START_TEST(states_survive_and_damaged_ones_do_not)
{
	AxFinisherConfig config = AX_FINISHER_CONFIG_INIT;
	struct fake_device *device = fake_vm_device(vm, "finisher");
	static const uint8_t bad[][5] = { { 2, 0, 0, 0, 0 }, { 1, 0x54, 0x55, 0, 0 } };
	AxFinisher *other;

	config.name = "other";
	ck_assert_int_eq(ax_finisher_new(&config, &other, NULL), 0);
	ck_assert_int_eq(ax_finisher_attach(other, vm, 0x200000, NULL), 0);
	fake_check_round_trip(device, fake_vm_device(vm, "other"));
	out(0, AX_WIDTH_DWORD, 0x93333);
	fake_check_round_trip(device, fake_vm_device(vm, "other"));
	fake_check_damaged_states(device);
	for (unsigned i = 0; i < 2; i++) {
		ck_assert_int_eq(fake_restore(device, bad[i], 5), -EINVAL);
		ck_assert_int_eq(ax_finisher_result(dev, NULL), AX_FINISHER_RUNS);
	}
	ck_assert_int_eq(ax_finisher_detach(other, NULL), 0);
	ax_finisher_free(other);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("finisher");
	TCase *tcase = tcase_create("finisher");

	tcase_add_checked_fixture(tcase, set_up, tear_down);
	tcase_add_test(tcase, the_first_command_counts);
	tcase_add_test(tcase, narrow_and_wide_writes_are_taken);
	tcase_add_test(tcase, the_rest_does_nothing);
	tcase_add_test(tcase, bad_configurations_are_refused);
	tcase_add_test(tcase, states_survive_and_damaged_ones_do_not);
	suite_add_tcase(suite, tcase);
	return fake_run(suite);
}
