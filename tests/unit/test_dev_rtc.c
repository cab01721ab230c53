/* SPDX-License-Identifier: Apache-2.0 */
/*
 * PL031 and Goldfish RTC: the time they show, the time that a guest sets, alarms, state.
 */
#include <errno.h>
#include <string.h>

#include <axvmm/rtc.h>

#include "tests/unit/dev_fake.h"

#define BASE   0x09010000
#define SECOND UINT64_C(1000000000)
#define TODAY  UINT64_C(1800000000)

/* PL031: DDI 0224, table 3-1. */
#define DR   0x00
#define MR   0x04
#define LR   0x08
#define CR   0x0c
#define IMSC 0x10
#define RIS  0x14
#define MIS  0x18
#define ICR  0x1c

/* Goldfish. */
#define TIME_LOW	0x00
#define TIME_HIGH	0x04
#define ALARM_LOW	0x08
#define ALARM_HIGH	0x0c
#define IRQ_ENABLED	0x10
#define CLEAR_ALARM	0x14
#define ALARM_STATUS	0x18
#define CLEAR_INTERRUPT 0x1c

static AxVm *vm;
static AxHost *host;
static AxPl031 *pl031;
static AxGoldfishRtc *goldfish;
static struct fake_line line;
static uint64_t real; /* the host's real time, nanoseconds */

static uint64_t fake_real(void *opaque)
{
	return real;
}

/* Real time and the host's clock go on together. */
static void pass(uint64_t ns)
{
	real += ns;
	fake_host_advance(host, ns);
}

static AxRtcConfig usual_config(void)
{
	AxRtcConfig config = AX_RTC_CONFIG_INIT;

	config.host = host;
	config.now = fake_real;
	return config;
}

static void set_up(void)
{
	AxRtcConfig config;
	AxIrq irq;

	vm = fake_vm_new(1);
	host = fake_host_new();
	real = TODAY * SECOND + SECOND / 2;
	memset(&line, 0, sizeof(line));
	irq = fake_irq(&line);
	config = usual_config();
	ck_assert_int_eq(ax_pl031_new(&config, &pl031, NULL), 0);
	ck_assert_int_eq(ax_pl031_attach(pl031, vm, BASE, &irq, NULL), 0);
}

static void tear_down(void)
{
	ck_assert_int_eq(ax_pl031_detach(pl031, NULL), 0);
	ax_pl031_free(pl031);
	fake_host_free(host);
	fake_vm_free(vm);
}

static void set_up_goldfish(void)
{
	AxRtcConfig config;
	AxIrq irq;

	vm = fake_vm_new(1);
	host = fake_host_new();
	real = TODAY * SECOND + SECOND / 2;
	memset(&line, 0, sizeof(line));
	irq = fake_irq(&line);
	config = usual_config();
	ck_assert_int_eq(ax_goldfish_rtc_new(&config, &goldfish, NULL), 0);
	ck_assert_int_eq(ax_goldfish_rtc_attach(goldfish, vm, BASE, &irq, NULL), 0);
}

static void tear_down_goldfish(void)
{
	ck_assert_int_eq(ax_goldfish_rtc_detach(goldfish, NULL), 0);
	ax_goldfish_rtc_free(goldfish);
	fake_host_free(host);
	fake_vm_free(vm);
}

static uint32_t in(uint64_t offset)
{
	uint64_t value = ~UINT64_C(0);

	ck_assert_int_eq(
		fake_read(&vm->vcpus[0], AX_SPACE_MMIO, BASE + offset, AX_WIDTH_DWORD, &value),
		AX_HANDLED);
	ck_assert_uint_le(value, UINT32_MAX);
	return (uint32_t)value;
}

static void out(uint64_t offset, uint32_t value)
{
	ck_assert_int_eq(
		fake_write(&vm->vcpus[0], AX_SPACE_MMIO, BASE + offset, AX_WIDTH_DWORD, value),
		AX_HANDLED);
}

START_TEST(it_shows_the_hosts_time_from_the_start)
{
	ck_assert_uint_eq(in(DR), TODAY);
	ck_assert_uint_eq(in(CR), 1);
	pass(SECOND / 2);
	ck_assert_uint_eq(in(DR), TODAY + 1);
	out(DR, 5); /* for reading */
	out(CR, 0); /* it goes on */
	ck_assert_uint_eq(in(CR), 1);
	ck_assert_uint_eq(in(DR), TODAY + 1);
}
END_TEST

START_TEST(without_a_clock_of_the_callers_it_is_the_hosts)
{
	time_t now = time(NULL);
	AxPl031 *other;
	uint64_t value;

	ck_assert_int_eq(ax_pl031_new(NULL, &other, NULL), 0);
	ck_assert_int_eq(ax_pl031_attach(other, vm, BASE + 0x10000, NULL, NULL), -EEXIST);
	ck_assert_int_eq(ax_pl031_detach(pl031, NULL), 0);
	ck_assert_int_eq(ax_pl031_attach(other, vm, BASE, NULL, NULL), 0);
	value = in(DR);
	ck_assert_uint_ge(value, (uint64_t)now);
	ck_assert_uint_le(value, (uint64_t)now + 10);
	out(MR, (uint32_t)value - 1);
	out(IMSC, 1);
	ck_assert_int_eq(ax_pl031_detach(other, NULL), 0);
	ax_pl031_free(other);
}
END_TEST

START_TEST(who_it_is_stands_where_amba_looks)
{
	static const uint8_t identity[] = { 0x31, 0x10, 0x04, 0x00, 0x0d, 0xf0, 0x05, 0xb1 };

	for (unsigned i = 0; i < 8; i++)
		ck_assert_uint_eq(in(0xfe0 + 4 * i), identity[i]);
}
END_TEST

START_TEST(a_guest_sets_its_own_time)
{
	out(LR, 1000);
	ck_assert_uint_eq(in(DR), 1000);
	ck_assert_uint_eq(in(LR), 1000);
	pass(10 * SECOND);
	ck_assert_uint_eq(in(DR), 1010);
	/* Over the end of 32 bits. */
	out(LR, UINT32_MAX);
	pass(SECOND);
	ck_assert_uint_eq(in(DR), 0);
}
END_TEST

START_TEST(a_match_interrupts_on_time)
{
	out(MR, TODAY + 3);
	out(IMSC, 1);
	pass(2 * SECOND);
	ck_assert(!line.level);
	pass(SECOND / 2);
	ck_assert(line.level);
	ck_assert_uint_eq(in(RIS), 1);
	ck_assert_uint_eq(in(MIS), 1);
	out(ICR, 1);
	ck_assert(!line.level);
	ck_assert_uint_eq(in(RIS), 0);
	/* Once. */
	pass(100 * SECOND);
	ck_assert(!line.level);
}
END_TEST

START_TEST(a_match_that_is_masked_waits)
{
	out(MR, TODAY);
	ck_assert_uint_eq(in(RIS), 1);
	ck_assert_uint_eq(in(MIS), 0);
	ck_assert(!line.level);
	out(IMSC, 1);
	ck_assert(line.level);
	out(IMSC, 0);
	ck_assert(!line.level);
}
END_TEST

START_TEST(a_match_in_the_past_does_not_come)
{
	out(IMSC, 1);
	out(MR, TODAY - 1);
	pass(1000 * SECOND);
	ck_assert(!line.level);
	/* The guest's time goes back below it, and then over it. */
	out(LR, TODAY - 3);
	pass(3 * SECOND);
	ck_assert(line.level);
}
END_TEST

START_TEST(a_jump_of_the_hosts_time_is_noticed)
{
	out(MR, TODAY + 3600);
	out(IMSC, 1);
	real += 3600 * SECOND;
	fake_host_advance(host, 59 * SECOND);
	ck_assert(!line.level);
	fake_host_advance(host, SECOND);
	ck_assert(line.level);
	/* And at once by who looks. */
	out(ICR, 1);
	out(MR, in(DR) + 3600);
	real += 3600 * SECOND;
	ck_assert_uint_eq(in(RIS), 1);
}
END_TEST

START_TEST(odd_accesses_are_not_handled)
{
	AxVCpu *vcpu = &vm->vcpus[0];
	uint64_t value = 0;

	ck_assert_int_eq(fake_read(vcpu, AX_SPACE_MMIO, BASE + 2, AX_WIDTH_WORD, &value),
			 AX_UNHANDLED);
	ck_assert_int_eq(fake_read(vcpu, AX_SPACE_MMIO, BASE, AX_WIDTH_QWORD, &value),
			 AX_UNHANDLED);
	ck_assert_int_eq(fake_write(vcpu, AX_SPACE_MMIO, BASE + 1, AX_WIDTH_BYTE, 0), AX_UNHANDLED);
	ck_assert_int_eq(fake_write(vcpu, AX_SPACE_MMIO, BASE, AX_WIDTH_QWORD, 0), AX_UNHANDLED);
	ck_assert_uint_eq(in(0x20), 0);
	ck_assert_uint_eq(in(0xfdc), 0);
}
END_TEST

START_TEST(its_state_can_be_saved)
{
	AxRtcConfig config = usual_config();
	struct fake_device *device = fake_vm_device(vm, "rtc"), *copy;
	AxPl031 *other;

	config.name = "other";
	ck_assert_int_eq(ax_pl031_new(&config, &other, NULL), 0);
	ck_assert_int_eq(ax_pl031_attach(other, vm, BASE + 0x1000, NULL, NULL), 0);
	copy = fake_vm_device(vm, "other");
	out(LR, 5000);
	out(MR, 5010);
	out(IMSC, 1);
	fake_check_round_trip(device, copy);
	fake_check_damaged_states(copy);
	/* What was waited for is waited for. */
	fake_check_round_trip(device, device);
	pass(10 * SECOND);
	ck_assert(line.level);
	/* The time has a battery, the rest is reset. */
	device->ops->reset(device->opaque);
	ck_assert(!line.level);
	ck_assert_uint_eq(in(DR), 5010);
	ck_assert_uint_eq(in(MR), 0);
	ck_assert_uint_eq(in(LR), 0);
	ck_assert_uint_eq(in(IMSC), 0);
	ck_assert_int_eq(ax_pl031_detach(other, NULL), 0);
	ax_pl031_free(other);
}
END_TEST

START_TEST(what_fails_leaks_nothing)
{
	AxRtcConfig config = usual_config();
	AxPl031 *other = NULL;
	AxError err;

	config.name = "";
	ck_assert_int_eq(ax_pl031_new(&config, &other, &err), -EINVAL);
	config = usual_config();
	fake_fail_calloc(1);
	ck_assert_int_eq(ax_pl031_new(&config, &other, &err), -ENOMEM);
	fake_fail_calloc(1);
	ck_assert_int_eq(ax_goldfish_rtc_new(&config, &goldfish, &err), -ENOMEM);
	fake_fail_lock(1);
	ck_assert_int_eq(ax_pl031_new(&config, &other, &err), -ENOMEM);
	fake_fail_lock(1);
	ck_assert_int_eq(ax_goldfish_rtc_new(&config, &goldfish, &err), -ENOMEM);
	fake_fail_timer(1);
	ck_assert_int_eq(ax_pl031_new(&config, &other, &err), -ENOMEM);
	ck_assert_ptr_null(other);
	ax_pl031_free(NULL);
	ax_goldfish_rtc_free(NULL);
	vm->fail_range_remove = 1;
	ck_assert_int_eq(ax_pl031_detach(pl031, &err), -EDEADLK);
}
END_TEST

static uint64_t goldfish_time(void)
{
	uint64_t low = in(TIME_LOW);

	return (uint64_t)in(TIME_HIGH) << 32 | low;
}

START_TEST(goldfish_counts_nanoseconds)
{
	ck_assert_uint_eq(goldfish_time(), real);
	real += 12345;
	/* What TIME_LOW latched. */
	ck_assert_uint_eq(in(TIME_HIGH), TODAY * SECOND >> 32);
	ck_assert_uint_eq(goldfish_time(), real);
	ck_assert_uint_eq(in(0x20), 0);
	out(0x20, 1);
}
END_TEST

START_TEST(goldfish_is_set_from_the_top)
{
	out(TIME_HIGH, 0x12);
	out(TIME_LOW, 0x34);
	ck_assert_uint_eq(goldfish_time(), UINT64_C(0x1200000034));
	pass(5);
	ck_assert_uint_eq(goldfish_time(), UINT64_C(0x1200000039));
}
END_TEST

static void set_alarm(uint64_t when)
{
	out(ALARM_HIGH, (uint32_t)(when >> 32));
	out(ALARM_LOW, (uint32_t)when);
}

START_TEST(goldfish_has_an_alarm)
{
	out(IRQ_ENABLED, 1);
	set_alarm(real + 10 * SECOND);
	ck_assert_uint_eq(in(ALARM_STATUS), 1);
	ck_assert_uint_eq(in(ALARM_LOW), (uint32_t)(real + 10 * SECOND));
	ck_assert_uint_eq(in(ALARM_HIGH), (real + 10 * SECOND) >> 32);
	pass(9 * SECOND);
	ck_assert(!line.level);
	pass(SECOND);
	ck_assert(line.level);
	ck_assert_uint_eq(in(ALARM_STATUS), 0);
	out(CLEAR_INTERRUPT, 1);
	ck_assert(!line.level);
	/* One that is past. */
	set_alarm(real - 1);
	ck_assert(line.level);
	out(IRQ_ENABLED, 0);
	ck_assert(!line.level);
	out(IRQ_ENABLED, 1);
	ck_assert(line.level);
	out(CLEAR_INTERRUPT, 0);
	/* One that is taken back, and one that nobody lives to see. */
	set_alarm(real + SECOND);
	out(CLEAR_ALARM, 1);
	ck_assert_uint_eq(in(ALARM_STATUS), 0);
	pass(2 * SECOND);
	set_alarm(UINT64_MAX);
	pass(1000 * SECOND);
	ck_assert(!line.level);
}
END_TEST

START_TEST(goldfish_moves_its_alarm_with_its_time)
{
	out(IRQ_ENABLED, 1);
	set_alarm(real + 3600 * SECOND);
	out(TIME_HIGH, (uint32_t)((real + 3599 * SECOND) >> 32));
	out(TIME_LOW, (uint32_t)(real + 3599 * SECOND));
	pass(SECOND / 2);
	ck_assert(!line.level);
	pass(SECOND / 2);
	ck_assert(line.level);
}
END_TEST

START_TEST(goldfish_can_be_saved)
{
	AxRtcConfig config = usual_config();
	struct fake_device *device = fake_vm_device(vm, "rtc"), *copy;
	AxGoldfishRtc *other;
	uint64_t value;

	config.name = "other";
	ck_assert_int_eq(ax_goldfish_rtc_new(&config, &other, NULL), 0);
	ck_assert_int_eq(ax_goldfish_rtc_attach(other, vm, BASE + 0x1000, NULL, NULL), 0);
	copy = fake_vm_device(vm, "other");
	out(TIME_HIGH, 1);
	out(TIME_LOW, 2);
	out(IRQ_ENABLED, 1);
	set_alarm(UINT64_C(0x100000002) + 5 * SECOND);
	fake_check_round_trip(device, copy);
	fake_check_damaged_states(copy);
	fake_check_round_trip(device, device);
	pass(5 * SECOND);
	ck_assert(line.level);
	device->ops->reset(device->opaque);
	ck_assert(!line.level);
	ck_assert_uint_eq(goldfish_time(), UINT64_C(0x100000002) + 5 * SECOND);
	ck_assert_int_eq(fake_read(&vm->vcpus[0], AX_SPACE_MMIO, BASE + 1, AX_WIDTH_BYTE, &value),
			 AX_UNHANDLED);
	ck_assert_int_eq(fake_write(&vm->vcpus[0], AX_SPACE_MMIO, BASE + 1, AX_WIDTH_BYTE, 0),
			 AX_UNHANDLED);
	ck_assert_int_eq(ax_goldfish_rtc_detach(other, NULL), 0);
	ax_goldfish_rtc_free(other);
}
END_TEST

START_TEST(whatever_a_guest_writes_the_line_follows_the_state)
{
	fake_seed(31);
	for (unsigned i = 0; i < 20000; i++) {
		uint64_t offset = fake_random() % 9 * 4;

		if (fake_random() % 2)
			out(offset, fake_random() % 3 ? fake_random() : fake_random() % 4);
		else
			(void)in(offset);
		if (fake_random() % 8 == 0)
			pass(fake_random());
		assert_quick(!line.level || in(IRQ_ENABLED) == 1);
	}
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("dev_rtc");
	TCase *tcase = tcase_create("pl031");

	tcase_add_checked_fixture(tcase, set_up, tear_down);
	tcase_add_test(tcase, it_shows_the_hosts_time_from_the_start);
	tcase_add_test(tcase, without_a_clock_of_the_callers_it_is_the_hosts);
	tcase_add_test(tcase, who_it_is_stands_where_amba_looks);
	tcase_add_test(tcase, a_guest_sets_its_own_time);
	tcase_add_test(tcase, a_match_interrupts_on_time);
	tcase_add_test(tcase, a_match_that_is_masked_waits);
	tcase_add_test(tcase, a_match_in_the_past_does_not_come);
	tcase_add_test(tcase, a_jump_of_the_hosts_time_is_noticed);
	tcase_add_test(tcase, odd_accesses_are_not_handled);
	tcase_add_test(tcase, its_state_can_be_saved);
	tcase_add_test(tcase, what_fails_leaks_nothing);
	suite_add_tcase(suite, tcase);

	tcase = tcase_create("goldfish");
	tcase_add_checked_fixture(tcase, set_up_goldfish, tear_down_goldfish);
	tcase_add_test(tcase, goldfish_counts_nanoseconds);
	tcase_add_test(tcase, goldfish_is_set_from_the_top);
	tcase_add_test(tcase, goldfish_has_an_alarm);
	tcase_add_test(tcase, goldfish_moves_its_alarm_with_its_time);
	tcase_add_test(tcase, goldfish_can_be_saved);
	tcase_add_test(tcase, whatever_a_guest_writes_the_line_follows_the_state);
	suite_add_tcase(suite, tcase);
	return fake_run(suite);
}
