/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The IOAPIC: its registers, what a pin sends and when, routes, and the ends of interrupts.
 */
#include <errno.h>

#include <axvmm/pc.h>

#include "tests/unit/dev_fake_msi.h"

#define BASE   0xfec00000ull
#define SELECT (BASE + 0)
#define WINDOW (BASE + 0x10)

#define MASKED	   (1u << 16)
#define LEVEL	   (1u << 15)
#define REMOTE_IRR (1u << 14)
#define LOGICAL	   (1u << 11)

static AxVm *vm;
static AxIoapic *ioapic;

static void begin(void)
{
	memset(&fake_messages, 0, sizeof(fake_messages));
	vm = fake_vm_new(1);
	ck_assert_int_eq(ax_ioapic_new(NULL, &ioapic, NULL), 0);
	ck_assert_int_eq(ax_ioapic_attach(ioapic, vm, BASE, NULL), 0);
}

static void end(void)
{
	ck_assert_int_eq(ax_ioapic_detach(ioapic, NULL), 0);
	ax_ioapic_free(ioapic);
	fake_vm_free(vm);
}

static uint32_t get(uint32_t reg)
{
	uint64_t value = 0;

	ck_assert_int_eq(fake_write(&vm->vcpus[0], AX_SPACE_MMIO, SELECT, AX_WIDTH_DWORD, reg),
			 AX_HANDLED);
	ck_assert_int_eq(fake_read(&vm->vcpus[0], AX_SPACE_MMIO, WINDOW, AX_WIDTH_DWORD, &value),
			 AX_HANDLED);
	return (uint32_t)value;
}

static void set(uint32_t reg, uint32_t value)
{
	ck_assert_int_eq(fake_write(&vm->vcpus[0], AX_SPACE_MMIO, SELECT, AX_WIDTH_DWORD, reg),
			 AX_HANDLED);
	ck_assert_int_eq(fake_write(&vm->vcpus[0], AX_SPACE_MMIO, WINDOW, AX_WIDTH_DWORD, value),
			 AX_HANDLED);
}

static void set_entry(unsigned pin, uint32_t high, uint32_t low)
{
	set(0x10 + 2 * pin + 1, high);
	set(0x10 + 2 * pin, low);
}

static AxIrq line(uint32_t pin)
{
	AxIrq irq;

	ck_assert_int_eq(ax_ioapic_irq(ioapic, pin, &irq, NULL), 0);
	return irq;
}

static unsigned sent(void)
{
	return fake_messages.sent_count;
}

START_TEST(registers_are_those_of_the_datasheet)
{
	ck_assert_uint_eq(get(1), 0x00170011);
	set(0, 0xffffffff);
	ck_assert_uint_eq(get(0), 0x0f000000);
	ck_assert_uint_eq(get(2), 0x0f000000);
	set(1, 0xffffffff);
	ck_assert_uint_eq(get(1), 0x00170011);
	ck_assert_uint_eq(get(0x10), MASKED);
	ck_assert_uint_eq(get(0x3f), 0);
	ck_assert_uint_eq(get(0x40), 0);
	ck_assert_uint_eq(get(0xff), 0);
	set(0x40, 0xffffffff);
	set_entry(23, 0xffffffff, 0xffffffff);
	ck_assert_uint_eq(get(0x3e), 0x0001afff);
	ck_assert_uint_eq(get(0x3f), 0xff000000);
}
END_TEST

START_TEST(an_edge_is_a_message)
{
	AxIrq irq = line(4);

	set_entry(4, 3u << 24, 0x31);
	ax_irq_set(&irq, true);
	ax_irq_set(&irq, true);
	ck_assert_uint_eq(sent(), 1);
	ck_assert_uint_eq(fake_messages.sent[0].address, 0xfee03000);
	ck_assert_uint_eq(fake_messages.sent[0].data, 0x31);
	ax_irq_set(&irq, false);
	ck_assert_uint_eq(sent(), 1);
	ax_irq_pulse(&irq);
	ck_assert_uint_eq(sent(), 2);
	ck_assert_uint_eq(get(0x18), 0x31);
}
END_TEST

START_TEST(an_edge_waits_for_its_pin)
{
	AxIrq irq = line(16);

	ax_irq_pulse(&irq);
	ax_irq_pulse(&irq);
	ck_assert_uint_eq(sent(), 0);
	set_entry(16, 0, 0x40 | LOGICAL | 0x100);
	ck_assert_uint_eq(sent(), 1);
	ck_assert_uint_eq(fake_messages.sent[0].address, 0xfee00004);
	ck_assert_uint_eq(fake_messages.sent[0].data, 0x140);
}
END_TEST

START_TEST(a_level_comes_again_until_it_falls)
{
	AxIrq irq = line(9);

	set_entry(9, 0, 0x55 | LEVEL);
	ax_irq_set(&irq, true);
	ck_assert_uint_eq(sent(), 1);
	ck_assert_uint_eq(fake_messages.sent[0].data, 0xc055);
	ck_assert_uint_eq(get(0x22), 0x55 | LEVEL | REMOTE_IRR);
	ax_irq_set(&irq, false);
	ax_irq_set(&irq, true);
	ck_assert_uint_eq(sent(), 1);
	ax_ioapic_eoi(ioapic, 0x54);
	ck_assert_uint_eq(sent(), 1);
	ax_ioapic_eoi(ioapic, 0x55);
	ck_assert_uint_eq(sent(), 2);
	ax_irq_set(&irq, false);
	ax_ioapic_eoi(ioapic, 0x55);
	ck_assert_uint_eq(sent(), 2);
	ck_assert_uint_eq(get(0x22), 0x55 | LEVEL);
	ax_ioapic_eoi(ioapic, 0x55);
	ck_assert_uint_eq(sent(), 2);
}
END_TEST

START_TEST(a_masked_level_waits_and_does_not_come_when_it_has_fallen)
{
	AxIrq irq = line(9);

	set_entry(9, 0, 0x55 | LEVEL | MASKED);
	ax_irq_set(&irq, true);
	ck_assert_uint_eq(sent(), 0);
	ax_irq_set(&irq, false);
	set(0x22, 0x55 | LEVEL);
	ck_assert_uint_eq(sent(), 0);
	set(0x22, 0x55 | LEVEL | MASKED);
	ax_irq_set(&irq, true);
	set(0x22, 0x55 | LEVEL);
	ck_assert_uint_eq(sent(), 1);
}
END_TEST

START_TEST(routes_follow_the_table)
{
	unsigned calls;

	set_entry(20, 1u << 24, 0x61);
	ck_assert(fake_messages.routed[20]);
	ck_assert_uint_eq(fake_messages.routes[20].address, 0xfee01000);
	ck_assert_uint_eq(fake_messages.routes[20].data, 0x61);
	calls = fake_messages.route_calls;
	set(0x38, 0x61);
	ck_assert_uint_eq(fake_messages.route_calls, calls);
	set(0x38, 0x61 | MASKED);
	ck_assert(!fake_messages.routed[20]);
	set(0x38, 0x62);
	ck_assert(fake_messages.routed[20]);
	ax_irq_set(&(AxIrq){ 0 }, true);
	fake_vm_device(vm, "ioapic")->ops->reset(ioapic);
	ck_assert(!fake_messages.routed[20]);
	ck_assert_uint_eq(get(0x38), MASKED);
}
END_TEST

START_TEST(other_widths_and_places_are_nobodys)
{
	AxVCpu *vcpu = &vm->vcpus[0];
	uint64_t value;

	ck_assert_int_eq(fake_read(vcpu, AX_SPACE_MMIO, WINDOW, AX_WIDTH_BYTE, &value),
			 AX_UNHANDLED);
	ck_assert_int_eq(fake_write(vcpu, AX_SPACE_MMIO, WINDOW, AX_WIDTH_QWORD, 0), AX_UNHANDLED);
	ck_assert_int_eq(fake_read(vcpu, AX_SPACE_MMIO, BASE + 0x20, AX_WIDTH_DWORD, &value),
			 AX_UNHANDLED);
	ck_assert_int_eq(ax_ioapic_irq(ioapic, 24, &(AxIrq){ 0 }, NULL), -EINVAL);
}
END_TEST

START_TEST(the_state_goes_round)
{
	AxIrq irq = line(3);

	set_entry(3, 0, 0x33 | LEVEL);
	ax_irq_set(&irq, true);
	fake_check_round_trip(fake_vm_device(vm, "ioapic"), fake_vm_device(vm, "ioapic"));
	fake_check_damaged_states(fake_vm_device(vm, "ioapic"));
	ax_irq_set(&irq, false);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("ioapic");
	TCase *cases = tcase_create("ioapic");

	tcase_add_checked_fixture(cases, begin, end);
	tcase_add_test(cases, registers_are_those_of_the_datasheet);
	tcase_add_test(cases, an_edge_is_a_message);
	tcase_add_test(cases, an_edge_waits_for_its_pin);
	tcase_add_test(cases, a_level_comes_again_until_it_falls);
	tcase_add_test(cases, a_masked_level_waits_and_does_not_come_when_it_has_fallen);
	tcase_add_test(cases, routes_follow_the_table);
	tcase_add_test(cases, other_widths_and_places_are_nobodys);
	tcase_add_test(cases, the_state_goes_round);
	suite_add_tcase(suite, cases);
	return fake_run(suite);
}
