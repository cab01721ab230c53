/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Test device: what it does to vCPUs, now and later; its place in a VM; its state.
 */
#include <check.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "dev/testdev.h"
#include "tests/unit/dev_fake.h"

#define BASE  ((uint64_t)AX_TEST_BASE_X86_64)
#define PORTS AX_TEST_PORT_BASE

static AxVm *vm;
static AxHost *host;
static AxTestDev *dev;

static void plug(AxHost *with, uint32_t flags)
{
	AxTestDevConfig config = AX_TESTDEV_CONFIG_INIT;

	config.host = with;
	config.flags = flags;
	ck_assert_int_eq(ax_testdev_new(&config, &dev, NULL), 0);
	ck_assert_int_eq(ax_testdev_attach(dev, vm, BASE, PORTS, NULL), 0);
}

static void unplug(void)
{
	ck_assert_int_eq(ax_testdev_detach(dev, NULL), 0);
	ax_testdev_free(dev);
}

static void set_up(void)
{
	vm = fake_vm_new(3);
	host = fake_host_new();
	plug(host, 0);
}

static void tear_down(void)
{
	unplug();
	fake_host_free(host);
	fake_vm_free(vm);
}

static AxHandled try_read(uint64_t offset, AxAccessWidth width, uint64_t *value)
{
	return fake_read(&vm->vcpus[0], AX_SPACE_MMIO, BASE + offset, width, value);
}

static AxHandled try_write(uint64_t offset, AxAccessWidth width, uint64_t value)
{
	return fake_write(&vm->vcpus[0], AX_SPACE_MMIO, BASE + offset, width, value);
}

static uint64_t get(uint64_t offset)
{
	uint64_t value;

	ck_assert_int_eq(try_read(offset, AX_WIDTH_QWORD, &value), AX_HANDLED);
	return value;
}

static void put(uint64_t offset, uint64_t value)
{
	ck_assert_int_eq(try_write(offset, AX_WIDTH_QWORD, value), AX_HANDLED);
}

static AxHandled try_out(uint64_t offset, AxAccessWidth width, uint64_t value)
{
	return fake_write(&vm->vcpus[0], AX_SPACE_PORT, PORTS + offset, width, value);
}

START_TEST(raise_injects_into_the_writer)
{
	ck_assert_int_eq(fake_write(&vm->vcpus[1], AX_SPACE_MMIO, BASE + AX_TEST_RAISE,
				    AX_WIDTH_DWORD, 0x30),
			 AX_HANDLED);
	ck_assert_uint_eq(vm->vcpus[1].injected_count, 1);
	ck_assert_uint_eq(vm->vcpus[1].injected[0], 0x30);
	ck_assert_uint_eq(vm->vcpus[0].injected_count, 0);
	ck_assert_int_eq(try_write(AX_TEST_RAISE, AX_WIDTH_BYTE, 15), AX_UNHANDLED);
	ck_assert_int_eq(try_write(AX_TEST_RAISE, AX_WIDTH_WORD, 256), AX_UNHANDLED);
	ck_assert_int_eq(try_write(AX_TEST_RAISE, AX_WIDTH_QWORD, UINT64_C(0x100000020)),
			 AX_UNHANDLED);
	put(AX_TEST_RAISE, 16);
	put(AX_TEST_RAISE, 255);
	vm->inject_ret = -ENOTSUP;
	ck_assert_int_eq(try_write(AX_TEST_RAISE, AX_WIDTH_BYTE, 0x20), AX_UNHANDLED);
}
END_TEST

START_TEST(raising_zero_lowers_the_line_where_that_has_a_level)
{
	put(AX_TEST_RAISE, 0x40);
	put(AX_TEST_RAISE_LATER, 0xff);
	put(AX_TEST_RAISE, 0);
	ck_assert_uint_eq(vm->vcpus[0].cleared_count, 1 + 2);
	ck_assert_uint_eq(vm->vcpus[0].injected_count, 1);
	vm->clear_ret = -EINVAL; /* x86-64 */
	ck_assert_int_eq(try_write(AX_TEST_RAISE, AX_WIDTH_BYTE, 0), AX_UNHANDLED);
	ck_assert_int_eq(try_write(AX_TEST_RAISE_LATER, AX_WIDTH_BYTE, 0), AX_UNHANDLED);
	ck_assert_uint_eq(vm->vcpus[0].cleared_count, 1 + 2);
}
END_TEST

START_TEST(raise_can_be_switched_off)
{
	unplug();
	plug(host, AX_TESTDEV_NO_RAISE);
	ck_assert_int_eq(try_write(AX_TEST_RAISE, AX_WIDTH_BYTE, 0x20), AX_UNHANDLED);
	ck_assert_int_eq(try_write(AX_TEST_RAISE, AX_WIDTH_BYTE, 0), AX_UNHANDLED);
	ck_assert_int_eq(try_write(AX_TEST_RAISE_LATER, AX_WIDTH_BYTE, 0x20), AX_UNHANDLED);
	put(AX_TEST_KICK_LATER, 0x20);
}
END_TEST

START_TEST(later_is_ten_milliseconds_later)
{
	AxVCpu *vcpu = &vm->vcpus[1];

	ck_assert_int_eq(fake_write(vcpu, AX_SPACE_MMIO, BASE + AX_TEST_RAISE_LATER, 0, 0x40),
			 AX_HANDLED);
	fake_host_advance(host, 4000000);
	ck_assert_int_eq(fake_write(vcpu, AX_SPACE_MMIO, BASE + AX_TEST_KICK_LATER, 0, 5),
			 AX_HANDLED);
	fake_host_advance(host, 5999999);
	ck_assert_uint_eq(vcpu->injected_count, 0);
	fake_host_advance(host, 1);
	ck_assert_uint_eq(vcpu->injected_count, 1);
	ck_assert_uint_eq(vcpu->injected[0], 0x40);
	ck_assert_uint_eq(vcpu->kick_count, 0);
	fake_host_advance(host, 4000000);
	ck_assert_uint_eq(vcpu->kick_count, 1);
	ck_assert_uint_eq(vcpu->kicks[0], 5);
	fake_host_advance(host, 100000000);
	ck_assert_uint_eq(vcpu->injected_count + vcpu->kick_count, 2);
}
END_TEST

START_TEST(later_takes_good_vectors_and_64_at_a_time)
{
	ck_assert_int_eq(try_write(AX_TEST_RAISE_LATER, AX_WIDTH_BYTE, 15), AX_UNHANDLED);
	ck_assert_int_eq(try_write(AX_TEST_RAISE_LATER, AX_WIDTH_WORD, 256), AX_UNHANDLED);
	ck_assert_int_eq(try_write(AX_TEST_KICK_LATER, AX_WIDTH_WORD, 256), AX_UNHANDLED);
	for (unsigned i = 0; i < TESTDEV_PENDING; i++)
		put(AX_TEST_KICK_LATER, 4 * i);
	ck_assert_int_eq(try_write(AX_TEST_KICK_LATER, AX_WIDTH_BYTE, 1), AX_UNHANDLED);
	fake_host_advance(host, TESTDEV_DELAY_NS);
	ck_assert_uint_eq(vm->vcpus[0].kick_count, TESTDEV_PENDING);
	for (unsigned i = 0; i < TESTDEV_PENDING; i++)
		ck_assert_uint_eq(vm->vcpus[0].kicks[i], 4 * i);
	put(AX_TEST_KICK_LATER, 1);
}
END_TEST

START_TEST(later_needs_a_host)
{
	unplug();
	plug(NULL, 0);
	ck_assert_int_eq(try_write(AX_TEST_RAISE_LATER, AX_WIDTH_BYTE, 0x20), AX_UNHANDLED);
	ck_assert_int_eq(try_write(AX_TEST_KICK_LATER, AX_WIDTH_BYTE, 1), AX_UNHANDLED);
	put(AX_TEST_RAISE, 0x20);
}
END_TEST

START_TEST(reset_and_detach_forget_what_is_pending)
{
	struct fake_device *device = fake_vm_device(vm, "testdev");

	put(AX_TEST_KICK_LATER, 1);
	device->ops->reset(device->opaque);
	fake_host_advance(host, 2 * TESTDEV_DELAY_NS);
	put(AX_TEST_KICK_LATER, 1);
	ck_assert_int_eq(ax_testdev_detach(dev, NULL), 0);
	fake_host_advance(host, 2 * TESTDEV_DELAY_NS);
	ck_assert_uint_eq(vm->vcpus[0].kick_count, 0);
}
END_TEST

START_TEST(kick_word_is_an_aligned_word_in_writable_ram)
{
	const uint64_t ram = vm->ram_base;
	const struct {
		uint64_t addr;
		bool good;
	} cases[] = {
		{ ram, true },		 { ram + 0xff8, true },
		{ ram + 1, false },	 { ram + 4, false },
		{ ram - 8, false },	 { ram + 0x1000, false }, /* read-only */
		{ ram + 0x2000, false }, { UINT64_MAX - 7, false },
		{ UINT64_MAX, false },	 { 0, true },
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		put(AX_TEST_KICK_WORD, ram + 8);
		put(AX_TEST_KICK_WORD, cases[i].addr);
		ck_assert_uint_eq(get(AX_TEST_KICK_WORD), cases[i].good ? cases[i].addr : 0);
	}
}
END_TEST

START_TEST(a_seen_kick_is_stored_for_the_guest)
{
	AxVCpu *vcpu = &vm->vcpus[0];
	uint64_t word;

	ax_testdev_kick_seen(dev, vcpu, 7); /* no word: nothing */
	put(AX_TEST_KICK_WORD, vm->ram_base + 0x10);
	ax_testdev_kick_seen(dev, vcpu, 0x3f);
	memcpy(&word, vm->ram + 0x10, sizeof(word));
	ck_assert_uint_eq(word, AX_TEST_KICK_SEEN | 0x3f);
	/* RAM that has gone, or can't be had, is left alone. */
	vm->refuse_views = true;
	ax_testdev_kick_seen(dev, vcpu, 1);
	vm->refuse_views = false;
	vm->ram_size = 0;
	ax_testdev_kick_seen(dev, vcpu, 1);
	vm->ram_size = 0x1000;
	memcpy(&word, vm->ram + 0x10, sizeof(word));
	ck_assert_uint_eq(word, AX_TEST_KICK_SEEN | 0x3f);
	for (unsigned i = 0; i < 0x2000; i++)
		ck_assert(i / 8 == 2 || !vm->ram[i]);
}
END_TEST

START_TEST(bad_configurations_are_refused)
{
	AxTestDevConfig config = AX_TESTDEV_CONFIG_INIT;
	AxTestDev *other = NULL;

	config.flags = 4;
	ck_assert_int_eq(ax_testdev_new(&config, &other, NULL), -EINVAL);
	config = (AxTestDevConfig)AX_TESTDEV_CONFIG_INIT;
	config.name = "";
	ck_assert_int_eq(ax_testdev_new(&config, &other, NULL), -EINVAL);
	config.size = 0;
	ck_assert_int_eq(ax_testdev_new(&config, &other, NULL), -EINVAL);
	config = (AxTestDevConfig)AX_TESTDEV_CONFIG_INIT;
	config.host = host;
	fake_fail_calloc(1);
	ck_assert_int_eq(ax_testdev_new(&config, &other, NULL), -ENOMEM);
	fake_fail_lock(1);
	ck_assert_int_eq(ax_testdev_new(&config, &other, NULL), -ENOMEM);
	fake_fail_timer(1);
	ck_assert_int_eq(ax_testdev_new(&config, &other, NULL), -ENOMEM);
	ck_assert_ptr_null(other);
	ax_testdev_free(NULL);
}
END_TEST

START_TEST(attaching_is_all_or_nothing)
{
	AxTestDevConfig config = AX_TESTDEV_CONFIG_INIT;
	AxTestDev *other;

	config.name = "other";
	config.flags = AX_TESTDEV_COUNT_READONLY;
	ck_assert_int_eq(ax_testdev_new(&config, &other, NULL), 0);
	ck_assert_int_eq(ax_testdev_attach(other, vm, 0x1004, 0, NULL), -EINVAL);
	ck_assert_int_eq(ax_testdev_attach(other, vm, UINT64_MAX - 0x1fff + 8, 0, NULL), -EINVAL);
	for (int nth = 1; nth <= 4; nth++) {
		vm->fail_range_add = nth;
		ck_assert_int_eq(ax_testdev_attach(other, vm, 0x1000, 0x100, NULL), -EEXIST);
		ck_assert_uint_eq(fake_vm_ranges(vm), 3);
		ck_assert_ptr_null(fake_vm_device(vm, "other"));
	}
	ck_assert_int_eq(ax_testdev_attach(other, vm, 0x1000, 0x100, NULL), 0);
	ck_assert_uint_eq(fake_vm_ranges(vm), 7);
	ck_assert_int_eq(ax_testdev_attach(other, vm, 0x9000, 0x200, NULL), -EBUSY);
	vm->fail_range_remove = 2;
	ck_assert_int_eq(ax_testdev_detach(other, NULL), -EDEADLK);
	ck_assert_int_eq(ax_testdev_detach(other, NULL), 0);
	/* Ports alone, and nothing at all. */
	ck_assert_int_eq(ax_testdev_attach(other, vm, 0, 0x100, NULL), 0);
	ck_assert_uint_eq(fake_vm_ranges(vm), 4);
	ck_assert_int_eq(ax_testdev_detach(other, NULL), 0);
	ck_assert_int_eq(ax_testdev_attach(other, vm, 0, 0, NULL), 0);
	ck_assert_uint_eq(fake_vm_ranges(vm), 3);
	ck_assert_int_eq(ax_testdev_detach(other, NULL), 0);
	ax_testdev_free(other);
}
END_TEST

/* A second device, at another place of the same VM. */
#define OTHER_BASE  ((uint64_t)0x1000000)
#define OTHER_PORTS 0x1000

static AxTestDev *plug_other(void)
{
	AxTestDevConfig config = AX_TESTDEV_CONFIG_INIT;
	AxTestDev *other;

	config.name = "other";
	config.host = host;
	ck_assert_int_eq(ax_testdev_new(&config, &other, NULL), 0);
	ck_assert_int_eq(ax_testdev_attach(other, vm, OTHER_BASE, OTHER_PORTS, NULL), 0);
	return other;
}

static void unplug_other(AxTestDev *other)
{
	ck_assert_int_eq(ax_testdev_detach(other, NULL), 0);
	ax_testdev_free(other);
}

/* Anything that a guest can do. */
static void act(uint64_t base, uint64_t ports)
{
	AxVCpu *vcpu = &vm->vcpus[fake_random() % 3];
	uint64_t value = fake_random() % 2 ? fake_random() : fake_random() % 64;
	uint64_t offset =
		fake_random() % 4 ? 8 * (fake_random() % 0x20) : fake_random() % AX_TEST_SIZE;

	switch (fake_random() % 4) {
	case 0: fake_read(vcpu, AX_SPACE_MMIO, base + offset, fake_random() % 4, &value); break;
	case 1:
		fake_write(vcpu, AX_SPACE_PORT, ports + fake_random() % AX_TEST_PORT_SIZE,
			   fake_random() % 3, value);
		break;
	default: fake_write(vcpu, AX_SPACE_MMIO, base + offset, fake_random() % 4, value); break;
	}
}

START_TEST(restored_state_equals_saved_state)
{
	AxTestDev *other = plug_other();

	fake_seed(41);
	for (unsigned round = 0; round < 200; round++) {
		AxTestResult results[2] = { AX_TEST_RESULT_INIT, AX_TEST_RESULT_INIT };

		if (round % 20 == 0)
			testdev_device_ops.reset(dev);
		for (unsigned i = fake_random() % 100; i; i--)
			act(BASE, PORTS);
		put(AX_TEST_KICK_WORD, fake_random() % 2 ? vm->ram_base + 8 : 0);
		for (unsigned i = fake_random() % 20; i; i--)
			act(OTHER_BASE, OTHER_PORTS);
		fake_check_round_trip(fake_vm_device(vm, "testdev"), fake_vm_device(vm, "other"));
		/* And it behaves the same, read by read. */
		for (uint64_t offset = 0; offset < AX_TEST_SIZE; offset += 8) {
			uint64_t values[2] = { 0, 0 };

			try_read(offset, AX_WIDTH_QWORD, &values[0]);
			fake_read(&vm->vcpus[0], AX_SPACE_MMIO, OTHER_BASE + offset, AX_WIDTH_QWORD,
				  &values[1]);
			assert_quick(values[0] == values[1]);
		}
		for (unsigned i = 0; i < 20; i++) {
			uint64_t values[2];

			fake_read(&vm->vcpus[0], AX_SPACE_PORT, PORTS + AX_TEST_PORT_FIFO, i % 3,
				  &values[0]);
			fake_read(&vm->vcpus[0], AX_SPACE_PORT, OTHER_PORTS + AX_TEST_PORT_FIFO,
				  i % 3, &values[1]);
			assert_quick(values[0] == values[1]);
		}
		ck_assert_int_eq(ax_testdev_result(dev, &results[0]), 0);
		ck_assert_int_eq(ax_testdev_result(other, &results[1]), 0);
		ck_assert_mem_eq(&results[0], &results[1], sizeof(results[0]));
		fake_host_advance(host, fake_random() % (2 * TESTDEV_DELAY_NS));
	}
	unplug_other(other);
}
END_TEST

START_TEST(what_is_pending_is_saved_with_its_time)
{
	AxTestDev *other = plug_other();
	AxVCpu *vcpu = &vm->vcpus[2];

	ck_assert_int_eq(
		fake_write(vcpu, AX_SPACE_MMIO, BASE + AX_TEST_KICK_LATER, AX_WIDTH_BYTE, 9),
		AX_HANDLED);
	fake_host_advance(host, 4000000);
	put(AX_TEST_RAISE_LATER, 0x70);
	fake_check_round_trip(fake_vm_device(vm, "testdev"), fake_vm_device(vm, "other"));
	testdev_device_ops.reset(dev);
	fake_host_advance(host, 5999999);
	ck_assert_uint_eq(vcpu->kick_count, 0);
	fake_host_advance(host, 1);
	ck_assert_uint_eq(vcpu->kick_count, 1);
	ck_assert_uint_eq(vcpu->kicks[0], 9);
	ck_assert_uint_eq(vm->vcpus[0].injected_count, 0);
	fake_host_advance(host, 4000000);
	ck_assert_uint_eq(vm->vcpus[0].injected_count, 1);
	unplug_other(other);
}
END_TEST

START_TEST(what_is_overdue_when_saved_comes_at_once)
{
	struct fake_device *device = fake_vm_device(vm, "testdev");

	put(AX_TEST_KICK_LATER, 9);
	host->now += 2 * TESTDEV_DELAY_NS; /* the loop is late: its timer has not fired */
	fake_check_round_trip(device, device);
	fake_host_advance(host, 0);
	ck_assert_uint_eq(vm->vcpus[0].kick_count, 1);
}
END_TEST

/* Lines are the vCPUs' state: any of them may be up after a restore. */
START_TEST(a_restored_device_lowers_whatever_may_be_up)
{
	struct fake_device *device = fake_vm_device(vm, "testdev");

	put(AX_TEST_RAISE, 0x40);
	fake_check_round_trip(device, device);
	put(AX_TEST_RAISE, 0);
	ck_assert_uint_eq(vm->vcpus[0].cleared_count, 1 + 256);
}
END_TEST

START_TEST(a_vcpu_that_is_not_there_gets_nothing)
{
	put(AX_TEST_KICK_LATER, 9);
	vm->vcpu_count = 0;
	fake_host_advance(host, TESTDEV_DELAY_NS);
	vm->vcpu_count = 3;
	ck_assert_uint_eq(vm->vcpus[0].kick_count, 0);
}
END_TEST

START_TEST(damaged_state_is_refused_and_leaves_a_reset_device)
{
	put(AX_TEST_SYNC, 1);
	put(AX_TEST_ACTUAL, 2);
	put(AX_TEST_KICK_WORD, vm->ram_base);
	put(AX_TEST_STORE, UINT64_MAX);
	put(AX_TEST_RAISE_LATER, 0x20);
	put(AX_TEST_KICK_LATER, 1);
	try_out(AX_TEST_PORT_FIFO, AX_WIDTH_BYTE, 1);
	try_out(AX_TEST_PORT_FIFO, AX_WIDTH_DWORD, 1);
	ck_assert_int_eq(try_write(AX_TEST_FAIL, AX_WIDTH_DWORD, 5), AX_STOP);
	fake_check_damaged_states(fake_vm_device(vm, "testdev"));
}
END_TEST

/* Where things are in the saved bytes of a device with two FIFO elements and two things pending. */
enum {
	AT_KICK_WORD = 1 + 3 * 8,
	AT_PORT_SCRATCH = 1 + 6 * 8,
	AT_COMPARED = 1 + 7 * 8,
	AT_FIFO = 1 + (8 + AX_TESTDEV_SYNCS) * 8 + 4 * 8 + TESTDEV_STORE_SIZE,
	AT_PENDING = AT_FIFO + 4 + 2 * 5,
	AT_RESULT = AT_PENDING + 1 + 2 * 14,
};

START_TEST(impossible_state_is_refused)
{
	const struct {
		size_t at;
		uint8_t value;
	} bad[] = {
		{ 0, 2 },		 /* another version */
		{ AT_KICK_WORD, 4 },	 /* not aligned */
		{ AT_KICK_WORD + 7, 1 }, /* not RAM */
		{ AT_PORT_SCRATCH + 4, 1 },
		{ AT_COMPARED, 2 },
		{ AT_FIFO, 1 },
		{ AT_FIFO + 1, 2 }, /* a count that does not fit; too many */
		{ AT_FIFO + 4, 3 },
		{ AT_FIFO + 6, 1 }, /* 8 bytes wide; a byte's value of 256 */
		{ AT_PENDING, 65 },
		{ AT_PENDING + 4, 1 },	 /* too many; too late */
		{ AT_PENDING + 13, 15 }, /* no interrupt */
		{ AT_PENDING + 14, 2 },	 /* neither kick nor interrupt */
		{ AT_RESULT, 3 },
		{ AT_RESULT + 9, 2 },
	};
	struct fake_device *device = fake_vm_device(vm, "testdev");
	AxState *state;
	const void *bytes;
	uint8_t *copy;
	size_t len;

	put(AX_TEST_KICK_WORD, vm->ram_base);
	try_out(AX_TEST_PORT_FIFO, AX_WIDTH_BYTE, 1);
	try_out(AX_TEST_PORT_FIFO, AX_WIDTH_DWORD, 1);
	put(AX_TEST_RAISE_LATER, 0x20);
	put(AX_TEST_KICK_LATER, 1);
	state = fake_save(device);
	bytes = ax_state_bytes(state, &len);
	ck_assert_uint_eq(len, AT_RESULT + 1 + 4 + 4 + 1 + 3 * 8);
	copy = malloc(len);
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		memcpy(copy, bytes, len);
		ck_assert_int_eq(fake_restore(device, copy, len), 0);
		copy[bad[i].at] = bad[i].value;
		ck_assert_msg(fake_restore(device, copy, len) == -EINVAL, "byte %zu", bad[i].at);
		ck_assert_uint_eq(get(AX_TEST_KICK_WORD), 0);
		ck_assert_uint_eq(dev->locked.pending_count, 0);
	}
	/* What is pending needs a host. */
	unplug();
	plug(NULL, 0);
	device = fake_vm_device(vm, "testdev");
	ck_assert_int_eq(fake_restore(device, bytes, len), -EINVAL);
	fake_check_round_trip(device, device);
	free(copy);
	ax_state_free(state);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("test device and vCPUs");
	TCase *tcase = tcase_create("vCPUs");

	tcase_add_checked_fixture(tcase, set_up, tear_down);
	tcase_add_test(tcase, raise_injects_into_the_writer);
	tcase_add_test(tcase, raising_zero_lowers_the_line_where_that_has_a_level);
	tcase_add_test(tcase, raise_can_be_switched_off);
	tcase_add_test(tcase, later_is_ten_milliseconds_later);
	tcase_add_test(tcase, later_takes_good_vectors_and_64_at_a_time);
	tcase_add_test(tcase, later_needs_a_host);
	tcase_add_test(tcase, reset_and_detach_forget_what_is_pending);
	tcase_add_test(tcase, kick_word_is_an_aligned_word_in_writable_ram);
	tcase_add_test(tcase, a_seen_kick_is_stored_for_the_guest);
	tcase_add_test(tcase, bad_configurations_are_refused);
	tcase_add_test(tcase, attaching_is_all_or_nothing);
	tcase_add_test(tcase, restored_state_equals_saved_state);
	tcase_add_test(tcase, what_is_pending_is_saved_with_its_time);
	tcase_add_test(tcase, what_is_overdue_when_saved_comes_at_once);
	tcase_add_test(tcase, a_restored_device_lowers_whatever_may_be_up);
	tcase_add_test(tcase, a_vcpu_that_is_not_there_gets_nothing);
	tcase_add_test(tcase, damaged_state_is_refused_and_leaves_a_reset_device);
	tcase_add_test(tcase, impossible_state_is_refused);
	tcase_set_timeout(tcase, 60);
	suite_add_tcase(suite, tcase);
	return fake_run(suite);
}
