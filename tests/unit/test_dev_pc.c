/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The CMOS clock and ACPI's power registers.
 */
#include <errno.h>

#include <axvmm/pc.h>

#include "tests/unit/dev_fake.h"

#define BASE 0xfea00000ull
#define S    1000000000ull
/* 2026-11-22 15:46:07 UTC, a Sunday. */
#define SOME_TIME (1795362367ull * S)

static AxVm *vm;
static AxCmos *cmos;
static AxAcpiPower *power;
static struct fake_line button;
static uint64_t time_now;

static uint64_t test_now(void *opaque)
{
	return time_now;
}

static void begin(void)
{
	AxCmosConfig config = AX_CMOS_CONFIG_INIT;
	AxIrq irq = fake_irq(&button);

	memset(&button, 0, sizeof(button));
	irq = fake_irq(&button);
	time_now = SOME_TIME;
	config.now = test_now;
	config.low_memory = 256ull << 20;
	config.high_memory = 1ull << 32;
	vm = fake_vm_new(1);
	ck_assert_int_eq(ax_cmos_new(&config, &cmos, NULL), 0);
	ck_assert_int_eq(ax_cmos_attach(cmos, vm, NULL), 0);
	ck_assert_int_eq(ax_acpi_power_new(NULL, &power, NULL), 0);
	ck_assert_int_eq(ax_acpi_power_attach(power, vm, BASE, &irq, NULL), 0);
}

static void end(void)
{
	ck_assert_int_eq(ax_acpi_power_detach(power, NULL), 0);
	ax_acpi_power_free(power);
	ck_assert_int_eq(ax_cmos_detach(cmos, NULL), 0);
	ax_cmos_free(cmos);
	fake_vm_free(vm);
}

static uint8_t get(uint8_t index)
{
	fake_out(vm, 0x70, index);
	return fake_in(vm, 0x71);
}

static void set(uint8_t index, uint8_t value)
{
	fake_out(vm, 0x70, index);
	fake_out(vm, 0x71, value);
}

START_TEST(it_shows_the_time_in_bcd)
{
	ck_assert_uint_eq(get(0x00), 0x07);
	ck_assert_uint_eq(get(0x02), 0x46);
	ck_assert_uint_eq(get(0x04), 0x15);
	ck_assert_uint_eq(get(0x06), 1);
	ck_assert_uint_eq(get(0x07), 0x22);
	ck_assert_uint_eq(get(0x08), 0x11);
	ck_assert_uint_eq(get(0x09), 0x26);
	ck_assert_uint_eq(get(0x32), 0x20);
	ck_assert_uint_eq(get(0x80 | 0x09), 0x26);
	ck_assert_uint_eq(get(0x0b), 0x02);
	ck_assert_uint_eq(get(0x0d), 0x80);
	time_now += 54 * S;
	ck_assert_uint_eq(get(0x00), 0x01);
	ck_assert_uint_eq(get(0x02), 0x47);
}
END_TEST

START_TEST(binary_and_twelve_hours_are_modes)
{
	set(0x0b, 0x06);
	ck_assert_uint_eq(get(0x02), 46);
	ck_assert_uint_eq(get(0x04), 15);
	set(0x0b, 0x04);
	ck_assert_uint_eq(get(0x04), 0x83);
	set(0x0b, 0x00);
	ck_assert_uint_eq(get(0x04), 0x83);
	time_now -= 15 * 3600 * S;
	ck_assert_uint_eq(get(0x04), 0x12);
	time_now += 12 * 3600 * S;
	ck_assert_uint_eq(get(0x04), 0x92);
}
END_TEST

START_TEST(an_update_is_announced)
{
	ck_assert_uint_eq(get(0x0a), 0x26);
	time_now += S - 200000;
	ck_assert_uint_eq(get(0x0a), 0xa6);
	set(0x0b, 0x82);
	ck_assert_uint_eq(get(0x0a), 0x26);
}
END_TEST

START_TEST(a_clock_that_is_set_runs_on_from_there)
{
	set(0x0b, 0x82);
	time_now += 5 * S;
	ck_assert_uint_eq(get(0x00), 0x07); /* it stands still */
	set(0x00, 0x30);
	set(0x02, 0x59);
	set(0x04, 0x23);
	set(0x07, 0x31);
	set(0x08, 0x12);
	set(0x09, 0x99);
	set(0x32, 0x19);
	set(0x0b, 0x02);
	time_now += 30 * S;
	ck_assert_uint_eq(get(0x00), 0);
	ck_assert_uint_eq(get(0x04), 0);
	ck_assert_uint_eq(get(0x07), 1);
	ck_assert_uint_eq(get(0x08), 1);
	ck_assert_uint_eq(get(0x09), 0);
	ck_assert_uint_eq(get(0x32), 0x20);
}
END_TEST

START_TEST(the_ram_keeps_bytes_and_tells_of_memory)
{
	ck_assert_uint_eq(get(0x15) | get(0x16) << 8, 640);
	ck_assert_uint_eq(get(0x17) | get(0x18) << 8, 0xffff);
	ck_assert_uint_eq(get(0x34) | get(0x35) << 8, (256 - 16) * 16);
	ck_assert_uint_eq(get(0x5b) | get(0x5c) << 8 | get(0x5d) << 16, 0x10000);
	for (unsigned i = 0x0e; i < 0x80; i++) {
		if (i == 0x32)
			continue;
		set((uint8_t)i, (uint8_t)(i * 3));
		ck_assert_uint_eq(get((uint8_t)i), (uint8_t)(i * 3));
	}
	set(0x0c, 0xff);
	ck_assert_uint_eq(get(0x0c), 0);
}
END_TEST

/* Whatever is written, nothing goes wrong (with the sanitizers), and the clock still runs. */
START_TEST(wild_values_do_no_harm)
{
	fake_seed(4);
	for (unsigned i = 0; i < 20000; i++) {
		set((uint8_t)fake_random(), (uint8_t)fake_random());
		(void)get((uint8_t)fake_random());
		time_now += fake_random();
	}
}
END_TEST

START_TEST(states_go_round)
{
	set(0x40, 0x12);
	set(0x00, 0x30);
	fake_check_round_trip(fake_vm_device(vm, "cmos"), fake_vm_device(vm, "cmos"));
	fake_check_damaged_states(fake_vm_device(vm, "cmos"));
	ax_acpi_power_press(power);
	fake_check_round_trip(fake_vm_device(vm, "acpi"), fake_vm_device(vm, "acpi"));
	fake_check_damaged_states(fake_vm_device(vm, "acpi"));
}
END_TEST

static AxHandled write_power(uint64_t offset, uint64_t value)
{
	return fake_write(&vm->vcpus[0], AX_SPACE_MMIO, BASE + offset, AX_WIDTH_BYTE, value);
}

START_TEST(sleep_and_reset_end_it)
{
	ck_assert_int_eq(write_power(AX_ACPI_POWER_SLEEP_STATUS, 0x80), AX_HANDLED);
	ck_assert_int_eq(write_power(AX_ACPI_POWER_SLEEP_CONTROL, 5 << 2), AX_HANDLED);
	ck_assert_int_eq(write_power(AX_ACPI_POWER_SLEEP_CONTROL, 0x20 | 3 << 2), AX_HANDLED);
	ck_assert_int_eq(write_power(AX_ACPI_POWER_RESET, 0x41), AX_HANDLED);
	ck_assert_int_eq(ax_acpi_power_end(power), AX_ACPI_POWER_RUNS);
	ck_assert_int_eq(write_power(AX_ACPI_POWER_SLEEP_CONTROL, 0x20 | 5 << 2), AX_STOP);
	ck_assert_int_eq(ax_acpi_power_end(power), AX_ACPI_POWER_OFF);
	ck_assert_int_eq(write_power(AX_ACPI_POWER_RESET, 0x42), AX_STOP);
	ck_assert_int_eq(ax_acpi_power_end(power), AX_ACPI_POWER_OFF);
	fake_vm_device(vm, "acpi")->ops->reset(power);
	ck_assert_int_eq(write_power(AX_ACPI_POWER_RESET, 0x42), AX_STOP);
	ck_assert_int_eq(ax_acpi_power_end(power), AX_ACPI_POWER_RESTART);
}
END_TEST

START_TEST(the_button_is_an_event_that_reading_clears)
{
	uint64_t value;

	ax_acpi_power_press(power);
	ck_assert_uint_eq(button.rises, 1);
	ck_assert(!button.level);
	fake_read(&vm->vcpus[0], AX_SPACE_MMIO, BASE, AX_WIDTH_DWORD, &value);
	ck_assert_uint_eq(value, 1);
	fake_read(&vm->vcpus[0], AX_SPACE_MMIO, BASE, AX_WIDTH_DWORD, &value);
	ck_assert_uint_eq(value, 0);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("pc");
	TCase *cases = tcase_create("pc");

	tcase_add_checked_fixture(cases, begin, end);
	tcase_add_test(cases, it_shows_the_time_in_bcd);
	tcase_add_test(cases, binary_and_twelve_hours_are_modes);
	tcase_add_test(cases, an_update_is_announced);
	tcase_add_test(cases, a_clock_that_is_set_runs_on_from_there);
	tcase_add_test(cases, the_ram_keeps_bytes_and_tells_of_memory);
	tcase_add_test(cases, wild_values_do_no_harm);
	tcase_add_test(cases, states_go_round);
	tcase_add_test(cases, sleep_and_reset_end_it);
	tcase_add_test(cases, the_button_is_an_event_that_reading_clears);
	suite_add_tcase(suite, cases);
	return fake_run(suite);
}
