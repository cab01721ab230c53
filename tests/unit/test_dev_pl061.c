/* SPDX-License-Identifier: Apache-2.0 */
/*
 * PL061: pins, edges and levels, a button that is pressed, state.
 */
#include <errno.h>
#include <string.h>

#include <axvmm/gpio.h>

#include "tests/unit/dev_fake.h"

#define BASE 0x09030000

/* DDI 0190, table 3-1. */
#define DATA(mask) ((mask) << 2)
#define DIR	   0x400
#define IS	   0x404
#define IBE	   0x408
#define IEV	   0x40c
#define IE	   0x410
#define RIS	   0x414
#define MIS	   0x418
#define IC	   0x41c
#define AFSEL	   0x420

static AxVm *vm;
static AxHost *host;
static AxPl061 *gpio;
static struct fake_line line;

static void set_up(void)
{
	AxPl061Config config = AX_PL061_CONFIG_INIT;
	AxIrq irq = fake_irq(&line);

	memset(&line, 0, sizeof(line));
	vm = fake_vm_new(1);
	host = fake_host_new();
	config.host = host;
	ck_assert_int_eq(ax_pl061_new(&config, &gpio, NULL), 0);
	ck_assert_int_eq(ax_pl061_attach(gpio, vm, BASE, &irq, NULL), 0);
}

static void tear_down(void)
{
	ck_assert_int_eq(ax_pl061_detach(gpio, NULL), 0);
	ax_pl061_free(gpio);
	fake_host_free(host);
	fake_vm_free(vm);
}

static uint32_t in(uint64_t offset)
{
	uint64_t value = ~UINT64_C(0);

	ck_assert_int_eq(
		fake_read(&vm->vcpus[0], AX_SPACE_MMIO, BASE + offset, AX_WIDTH_DWORD, &value),
		AX_HANDLED);
	ck_assert_uint_le(value, UINT8_MAX);
	return (uint32_t)value;
}

static void out(uint64_t offset, uint32_t value)
{
	ck_assert_int_eq(
		fake_write(&vm->vcpus[0], AX_SPACE_MMIO, BASE + offset, AX_WIDTH_DWORD, value),
		AX_HANDLED);
}

START_TEST(the_address_is_a_mask_of_the_data)
{
	out(DIR, 0xf0);
	out(DATA(0xff), 0xaa);
	ck_assert_uint_eq(in(DATA(0xff)), 0xa0); /* inputs are low */
	out(DATA(0x30), 0x10);
	ck_assert_uint_eq(in(DATA(0xff)), 0x90);
	ck_assert_uint_eq(in(DATA(0x80)), 0x80);
	out(DATA(0), 0xff);
	ck_assert_uint_eq(in(DATA(0xff)), 0x90);
	ck_assert_int_eq(ax_pl061_set_pin(gpio, 1, true), 0);
	ck_assert_int_eq(ax_pl061_set_pin(gpio, 7, true), 0); /* an output */
	ck_assert_int_eq(ax_pl061_set_pin(gpio, 8, true), -EINVAL);
	ck_assert_uint_eq(in(DATA(0xff)), 0x92);
	/* What was driven before is what is driven when it becomes an output. */
	out(DIR, 0xff);
	ck_assert_uint_eq(in(DATA(0xff)), 0x9a);
}
END_TEST

START_TEST(who_it_is_stands_where_amba_looks)
{
	static const uint8_t identity[] = { 0x61, 0x10, 0x04, 0x00, 0x0d, 0xf0, 0x05, 0xb1 };

	for (unsigned i = 0; i < 8; i++)
		ck_assert_uint_eq(in(0xfe0 + 4 * i), identity[i]);
	ck_assert_uint_eq(in(0x424), 0);
	out(0x424, 0xff);
	out(AFSEL, 0x5a);
	ck_assert_uint_eq(in(AFSEL), 0x5a);
}
END_TEST

START_TEST(a_rising_edge_is_kept_until_it_is_cleared)
{
	out(IEV, 0x08);
	ck_assert_int_eq(ax_pl061_set_pin(gpio, 3, true), 0);
	ck_assert_uint_eq(in(RIS), 0x08);
	ck_assert_uint_eq(in(MIS), 0);
	ck_assert(!line.level);
	out(IE, 0x08);
	ck_assert(line.level);
	ck_assert_uint_eq(in(MIS), 0x08);
	ck_assert_int_eq(ax_pl061_set_pin(gpio, 3, false), 0);
	ck_assert(line.level);
	out(IC, 0x08);
	ck_assert(!line.level);
	/* A falling edge is none of its. */
	ck_assert_int_eq(ax_pl061_set_pin(gpio, 3, true), 0);
	out(IC, 0x08);
	ck_assert_int_eq(ax_pl061_set_pin(gpio, 3, false), 0);
	ck_assert(!line.level);
}
END_TEST

START_TEST(falling_and_both_edges)
{
	out(IE, 0xff);
	ck_assert_int_eq(ax_pl061_set_pin(gpio, 0, true), 0);
	ck_assert(!line.level);
	ck_assert_int_eq(ax_pl061_set_pin(gpio, 0, false), 0);
	ck_assert_uint_eq(in(RIS), 1);
	out(IC, 1);
	out(IBE, 1);
	ck_assert_int_eq(ax_pl061_set_pin(gpio, 0, true), 0);
	ck_assert(line.level);
	out(IC, 1);
	ck_assert_int_eq(ax_pl061_set_pin(gpio, 0, false), 0);
	ck_assert(line.level);
}
END_TEST

START_TEST(a_level_is_there_as_long_as_it_is)
{
	out(IS, 0x02);
	out(IEV, 0x02);
	out(IE, 0x02);
	ck_assert(!line.level);
	ck_assert_int_eq(ax_pl061_set_pin(gpio, 1, true), 0);
	ck_assert(line.level);
	out(IC, 0x02);
	ck_assert(line.level);
	ck_assert_int_eq(ax_pl061_set_pin(gpio, 1, false), 0);
	ck_assert(!line.level);
	out(IEV, 0); /* low levels */
	ck_assert(line.level);
}
END_TEST

START_TEST(a_button_is_let_go_of)
{
	AxError err;

	out(IBE, 0x08);
	out(IE, 0x08);
	ck_assert_int_eq(ax_pl061_press(gpio, 3, &err), 0);
	ck_assert(line.level);
	ck_assert_uint_eq(in(DATA(0x08)), 0x08);
	out(IC, 0x08);
	fake_host_advance(host, 50000000);
	ck_assert(!line.level);
	/* Again: it is held for longer. */
	ck_assert_int_eq(ax_pl061_press(gpio, 3, &err), 0);
	fake_host_advance(host, 99000000);
	ck_assert_uint_eq(in(DATA(0x08)), 0x08);
	fake_host_advance(host, 1000000);
	ck_assert_uint_eq(in(DATA(0x08)), 0);
	ck_assert(line.level);
	ck_assert_int_eq(ax_pl061_press(gpio, 8, &err), -EINVAL);
	/* A pin that was driven since is left alone. */
	ck_assert_int_eq(ax_pl061_press(gpio, 3, &err), 0);
	ck_assert_int_eq(ax_pl061_set_pin(gpio, 3, true), 0);
	fake_host_advance(host, 200000000);
	ck_assert_uint_eq(in(DATA(0x08)), 0x08);
}
END_TEST

START_TEST(without_a_host_there_are_no_buttons)
{
	AxPl061Config config = AX_PL061_CONFIG_INIT;
	AxPl061 *other;
	AxError err;

	config.name = "other";
	ck_assert_int_eq(ax_pl061_new(&config, &other, &err), 0);
	ck_assert_int_eq(ax_pl061_press(other, 3, &err), -EPERM);
	ck_assert_ptr_nonnull(strstr(err.message, "other"));
	ax_pl061_free(other);
}
END_TEST

START_TEST(odd_accesses_are_not_handled)
{
	AxVCpu *vcpu = &vm->vcpus[0];
	uint64_t value = 0;

	ck_assert_int_eq(fake_read(vcpu, AX_SPACE_MMIO, BASE + DIR + 1, AX_WIDTH_BYTE, &value),
			 AX_UNHANDLED);
	ck_assert_int_eq(fake_write(vcpu, AX_SPACE_MMIO, BASE + DIR, AX_WIDTH_QWORD, 0),
			 AX_UNHANDLED);
	ck_assert_int_eq(fake_write(vcpu, AX_SPACE_MMIO, BASE + DIR, AX_WIDTH_BYTE, 0x1ff),
			 AX_HANDLED);
	ck_assert_uint_eq(in(DIR), 0xff);
}
END_TEST

START_TEST(its_state_can_be_saved)
{
	AxPl061Config config = AX_PL061_CONFIG_INIT;
	struct fake_device *device = fake_vm_device(vm, "gpio"), *copy;
	AxPl061 *other;

	config.name = "other";
	ck_assert_int_eq(ax_pl061_new(&config, &other, NULL), 0);
	ck_assert_int_eq(ax_pl061_attach(other, vm, BASE + 0x1000, NULL, NULL), 0);
	copy = fake_vm_device(vm, "other");
	out(DIR, 0xf0);
	out(DATA(0xff), 0x70);
	out(IBE, 0x0f);
	out(IEV, 0x05);
	out(IS, 0x04);
	out(IE, 0xff);
	out(AFSEL, 0x80);
	ck_assert_int_eq(ax_pl061_set_pin(gpio, 0, true), 0);
	ck_assert_int_eq(ax_pl061_set_pin(gpio, 0, false), 0);
	fake_check_round_trip(device, copy);
	fake_check_damaged_states(copy);
	ck_assert(line.level);
	device->ops->reset(device->opaque);
	ck_assert(!line.level);
	ck_assert_uint_eq(in(DIR), 0);
	ck_assert_int_eq(ax_pl061_detach(other, NULL), 0);
	ax_pl061_free(other);
}
END_TEST

START_TEST(what_fails_leaks_nothing)
{
	AxPl061Config config = AX_PL061_CONFIG_INIT;
	AxPl061 *other = NULL;
	AxError err;

	config.host = host;
	config.name = "";
	ck_assert_int_eq(ax_pl061_new(&config, &other, &err), -EINVAL);
	config.name = NULL;
	config.size = 4;
	ck_assert_int_eq(ax_pl061_new(&config, &other, &err), -EINVAL);
	config.size = sizeof(config);
	fake_fail_calloc(1);
	ck_assert_int_eq(ax_pl061_new(&config, &other, &err), -ENOMEM);
	fake_fail_lock(1);
	ck_assert_int_eq(ax_pl061_new(&config, &other, &err), -ENOMEM);
	fake_fail_timer(1);
	ck_assert_int_eq(ax_pl061_new(&config, &other, &err), -ENOMEM);
	ck_assert_ptr_null(other);
	ax_pl061_free(NULL);
	ck_assert_int_eq(ax_pl061_attach(gpio, vm, BASE, NULL, &err), -EBUSY);
	vm->fail_range_remove = 1;
	ck_assert_int_eq(ax_pl061_detach(gpio, &err), -EDEADLK);
}
END_TEST

START_TEST(whatever_a_guest_writes_the_line_follows_the_state)
{
	fake_seed(61);
	for (unsigned i = 0; i < 20000; i++) {
		uint64_t offset = fake_random() % 4 ? DIR + fake_random() % 10 * 4
						    : DATA(fake_random() % 256);

		if (fake_random() % 2)
			out(offset, fake_random());
		else
			(void)in(offset);
		if (fake_random() % 8 == 0)
			ck_assert_int_eq(
				ax_pl061_set_pin(gpio, fake_random() % 8, fake_random() % 2), 0);
		assert_quick(line.level == (in(MIS) != 0));
		assert_quick(in(MIS) == (in(RIS)&in(IE)));
	}
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("dev_pl061");
	TCase *tcase = tcase_create("pl061");

	tcase_add_checked_fixture(tcase, set_up, tear_down);
	tcase_add_test(tcase, the_address_is_a_mask_of_the_data);
	tcase_add_test(tcase, who_it_is_stands_where_amba_looks);
	tcase_add_test(tcase, a_rising_edge_is_kept_until_it_is_cleared);
	tcase_add_test(tcase, falling_and_both_edges);
	tcase_add_test(tcase, a_level_is_there_as_long_as_it_is);
	tcase_add_test(tcase, a_button_is_let_go_of);
	tcase_add_test(tcase, without_a_host_there_are_no_buttons);
	tcase_add_test(tcase, odd_accesses_are_not_handled);
	tcase_add_test(tcase, its_state_can_be_saved);
	tcase_add_test(tcase, what_fails_leaks_nothing);
	tcase_add_test(tcase, whatever_a_guest_writes_the_line_follows_the_state);
	suite_add_tcase(suite, tcase);
	return fake_run(suite);
}
