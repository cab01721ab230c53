/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Test device: guests/abi.h, register by register.
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

	assert_quick(try_read(offset, AX_WIDTH_QWORD, &value) == AX_HANDLED);
	return value;
}

static void put(uint64_t offset, uint64_t value)
{
	ck_assert_int_eq(try_write(offset, AX_WIDTH_QWORD, value), AX_HANDLED);
}

static AxHandled try_in(uint64_t offset, AxAccessWidth width, uint64_t *value)
{
	return fake_read(&vm->vcpus[0], AX_SPACE_PORT, PORTS + offset, width, value);
}

static AxHandled try_out(uint64_t offset, AxAccessWidth width, uint64_t value)
{
	return fake_write(&vm->vcpus[0], AX_SPACE_PORT, PORTS + offset, width, value);
}

static AxTestResult result(void)
{
	AxTestResult now = AX_TEST_RESULT_INIT;

	ck_assert_int_eq(ax_testdev_result(dev, &now), 0);
	return now;
}

static uint64_t mask_of(unsigned width)
{
	return UINT64_MAX >> (64 - (8u << width));
}

START_TEST(sync_counts_and_keeps_the_last_values)
{
	uint64_t values[AX_TESTDEV_SYNCS + 8];

	ck_assert_uint_eq(ax_testdev_syncs(dev, values, 8), 0);
	for (unsigned width = 0; width < 4; width++)
		ck_assert_int_eq(try_write(AX_TEST_SYNC, width, 0x1122334455667788), AX_HANDLED);
	for (unsigned width = 0; width < 3; width++)
		ck_assert_int_eq(try_out(AX_TEST_PORT_SYNC, width, 0xaabbccdd), AX_HANDLED);
	ck_assert_uint_eq(result().sync_count, 7);
	ck_assert_uint_eq(ax_testdev_syncs(dev, values, 99), 7);
	for (unsigned width = 0; width < 4; width++)
		ck_assert_uint_eq(values[width], 0x1122334455667788 & mask_of(width));
	for (unsigned width = 0; width < 3; width++)
		ck_assert_uint_eq(values[4 + width], 0xaabbccdd & mask_of(width));
	/* Fewer wanted: the last ones. More written: the last 64. */
	ck_assert_uint_eq(ax_testdev_syncs(dev, values, 1), 1);
	ck_assert_uint_eq(values[0], 0xaabbccdd);
	for (unsigned i = 0; i < 100; i++)
		put(AX_TEST_SYNC, i);
	ck_assert_uint_eq(ax_testdev_syncs(dev, values, 99), 64);
	for (unsigned i = 0; i < 64; i++)
		ck_assert_uint_eq(values[i], 36 + i);
	ck_assert_uint_eq(result().sync_count, 107);
	ck_assert_uint_eq(get(AX_TEST_SYNC), 0);
	ck_assert_uint_eq(result().end, AX_TESTDEV_RUNS);
}
END_TEST

/* handler.h says nothing of a written value's upper bits: a dispatch may leave something there. */
START_TEST(bits_above_the_width_do_not_count)
{
	AxVCpu *vcpu = &vm->vcpus[0];
	uint64_t values[2];

	testdev_low_ops.write(vcpu, dev, AX_TEST_SYNC, AX_WIDTH_BYTE, 0x1ff);
	testdev_port_ops.write(vcpu, dev, AX_TEST_PORT_SYNC, AX_WIDTH_WORD, 0xabcdef);
	ck_assert_uint_eq(ax_testdev_syncs(dev, values, 2), 2);
	ck_assert_uint_eq(values[0], 0xff);
	ck_assert_uint_eq(values[1], 0xcdef);
}
END_TEST

START_TEST(fail_stops_with_its_line)
{
	ck_assert_int_eq(try_write(AX_TEST_FAIL, AX_WIDTH_DWORD, 217), AX_STOP);
	ck_assert_uint_eq(result().end, AX_TESTDEV_FAILED);
	ck_assert_uint_eq(result().line, 217);
	ck_assert(!result().compared);
	ck_assert_uint_eq(vm->stop_count, 0);
}
END_TEST

START_TEST(fail_keeps_what_was_compared)
{
	put(AX_TEST_ACTUAL, 0x1111);
	ck_assert_int_eq(try_write(AX_TEST_EXPECTED, AX_WIDTH_BYTE, 0x122), AX_HANDLED);
	ck_assert_uint_eq(get(AX_TEST_ACTUAL), 0x1111);
	ck_assert_uint_eq(get(AX_TEST_EXPECTED), 0x22);
	ck_assert_int_eq(try_out(AX_TEST_PORT_FAIL, AX_WIDTH_WORD, 99), AX_STOP);
	/* What comes after it, from another vCPU say, does not count. */
	put(AX_TEST_ACTUAL, 5);
	ck_assert_int_eq(try_write(AX_TEST_FAIL, AX_WIDTH_DWORD, 1), AX_STOP);
	ck_assert_int_eq(try_write(AX_TEST_DONE, AX_WIDTH_DWORD, 0), AX_STOP);
	ck_assert_uint_eq(result().end, AX_TESTDEV_FAILED);
	ck_assert_uint_eq(result().line, 99);
	ck_assert(result().compared);
	ck_assert_uint_eq(result().actual, 0x1111);
	ck_assert_uint_eq(result().expected, 0x22);
}
END_TEST

START_TEST(one_compared_value_is_enough)
{
	put(AX_TEST_EXPECTED, 0);
	ck_assert_int_eq(try_write(AX_TEST_FAIL, AX_WIDTH_DWORD, 1), AX_STOP);
	ck_assert(result().compared);
}
END_TEST

START_TEST(done_stops_the_vm_with_the_low_32_bits)
{
	ck_assert_int_eq(fake_write(&vm->vcpus[2], AX_SPACE_MMIO, BASE + AX_TEST_DONE,
				    AX_WIDTH_QWORD, 0x1fffffffe),
			 AX_STOP);
	ck_assert_uint_eq(result().end, AX_TESTDEV_DONE);
	ck_assert_uint_eq(result().code, 0xfffffffe);
	ck_assert_uint_eq(result().vcpu, 2);
	ck_assert_uint_eq(vm->stop_count, 1);
	ck_assert_int_eq(vm->stop_code, -2);
}
END_TEST

START_TEST(done_by_port)
{
	ck_assert_int_eq(try_out(AX_TEST_PORT_DONE, AX_WIDTH_BYTE, 7), AX_STOP);
	ck_assert_uint_eq(result().code, 7);
	ck_assert_int_eq(vm->stop_code, 7);
}
END_TEST

START_TEST(result_goes_by_its_size)
{
	struct {
		AxTestResult known;
		uint8_t future[16];
	} newer;
	AxTestResult older = AX_TEST_RESULT_INIT;

	older.size = 8;
	ck_assert_int_eq(ax_testdev_result(dev, &older), -EINVAL);
	memset(&newer, 0xaa, sizeof(newer));
	newer.known.size = sizeof(newer);
	put(AX_TEST_SYNC, 1);
	ck_assert_int_eq(ax_testdev_result(dev, &newer.known), 0);
	ck_assert_uint_eq(newer.known.size, sizeof(newer));
	ck_assert_uint_eq(newer.known.sync_count, 1);
	for (unsigned i = 0; i < sizeof(newer.future); i++)
		ck_assert_uint_eq(newer.future[i], 0);
}
END_TEST

START_TEST(scratch_is_eight_bytes_of_storage)
{
	uint64_t expected = 0;

	fake_seed(23);
	for (unsigned i = 0; i < 10000; i++) {
		unsigned width = fake_random() % 4;
		unsigned at = fake_random() % (9 - (1u << width));
		uint64_t value = (uint64_t)fake_random() << 32 | fake_random();
		uint64_t seen;

		if (i % 2) {
			expected &= ~(mask_of(width) << (8 * at));
			expected |= (value & mask_of(width)) << (8 * at);
			ck_assert_int_eq(try_write(AX_TEST_SCRATCH + at, width, value), AX_HANDLED);
		} else {
			ck_assert_int_eq(try_read(AX_TEST_SCRATCH + at, width, &seen), AX_HANDLED);
			ck_assert_uint_eq(seen, expected >> (8 * at) & mask_of(width));
		}
	}
}
END_TEST

START_TEST(identity_and_counts)
{
	uint64_t value;

	ck_assert_uint_eq(get(AX_TEST_IDENTITY), 0x4158564d4d000001);
	ck_assert_uint_eq(get(AX_TEST_VCPU_COUNT), 3);
	for (unsigned i = 0; i < 3; i++) {
		ck_assert_int_eq(fake_read(&vm->vcpus[i], AX_SPACE_MMIO, BASE + AX_TEST_VCPU_ID,
					   AX_WIDTH_DWORD, &value),
				 AX_HANDLED);
		ck_assert_uint_eq(value, i);
	}
	/* Any byte of a register can be read. */
	for (unsigned at = 0; at < 8; at++) {
		ck_assert_int_eq(try_read(AX_TEST_IDENTITY + at, AX_WIDTH_BYTE, &value),
				 AX_HANDLED);
		ck_assert_uint_eq(value, AX_TEST_IDENTITY_VALUE >> (8 * at) & 0xff);
	}
}
END_TEST

/* What section 2 says about every offset and width below the data regions. */
START_TEST(every_access_to_the_registers_is_handled_or_not)
{
	static const uint8_t write_only[] = {
		AX_TEST_SYNC,  AX_TEST_FAIL,	    AX_TEST_DONE,
		AX_TEST_RAISE, AX_TEST_RAISE_LATER, AX_TEST_KICK_LATER
	};
	static const uint8_t read_only[] = { AX_TEST_IDENTITY,	      AX_TEST_VCPU_ID,
					     AX_TEST_WRITE_OFFSET,    AX_TEST_WRITE_LENGTH,
					     AX_TEST_WRITE_VALUE,     AX_TEST_WRITE_COUNT,
					     AX_TEST_READONLY_WRITES, AX_TEST_VCPU_COUNT };
	static const uint8_t both[] = { AX_TEST_SCRATCH, AX_TEST_ACTUAL, AX_TEST_EXPECTED,
					AX_TEST_KICK_WORD };
	enum { NOT, W, R, RW } kind[0x100 / 8] = { NOT };

	for (unsigned i = 0; i < sizeof(write_only); i++)
		kind[write_only[i] / 8] = W;
	for (unsigned i = 0; i < sizeof(read_only); i++)
		kind[read_only[i] / 8] = R;
	for (unsigned i = 0; i < sizeof(both); i++)
		kind[both[i] / 8] = RW;
	for (unsigned offset = 0; offset < 0x100; offset++) {
		for (unsigned width = 0; width < 4; width++) {
			unsigned size = 1u << width;
			bool is_there = kind[offset / 8] != NOT;
			bool inside = offset % 8 + size <= 8;
			uint64_t value = 0, before = 0;
			AxHandled handled;

			/* HYPERCALL is another's: what begins before it is taken apart there. */
			if (offset < AX_TEST_HYPERCALL + 8 && offset + size > AX_TEST_HYPERCALL)
				continue;
			handled = try_read(offset, width, &value);
			ck_assert_int_eq(handled, is_there && inside ? AX_HANDLED : AX_UNHANDLED);
			if (kind[offset / 8] == W && inside)
				ck_assert_uint_eq(value, 0);
			if (kind[offset / 8] == R)
				before = get(offset & ~7u);
			/* 0x20 is an interrupt vector and a kick vector. */
			handled = try_write(offset, width, 0x20);
			if (offset / 8 == AX_TEST_SCRATCH / 8)
				ck_assert_int_eq(handled, inside ? AX_HANDLED : AX_UNHANDLED);
			else if (!is_there || offset % 8)
				ck_assert_int_eq(handled, AX_UNHANDLED);
			else if (offset == AX_TEST_FAIL || offset == AX_TEST_DONE)
				ck_assert_int_eq(handled, AX_STOP);
			else
				ck_assert_int_eq(handled, AX_HANDLED);
			if (kind[offset / 8] == R)
				ck_assert_uint_eq(get(offset & ~7u), before);
		}
	}
}
END_TEST

START_TEST(hypercalls_places_are_left_free)
{
	uint64_t value;

	for (unsigned i = 0; i < FAKE_RANGES; i++) {
		const AxRange *range = &vm->ranges[i].range;
		uint64_t start = vm->ranges[i].space == AX_SPACE_PORT
					 ? PORTS + AX_TEST_PORT_HYPERCALL
					 : BASE + AX_TEST_HYPERCALL;
		uint64_t size = vm->ranges[i].space == AX_SPACE_PORT ? 4 : 8;

		if (range->length)
			ck_assert(range->base + range->length <= start ||
				  range->base >= start + size);
	}
	ck_assert_int_eq(try_write(AX_TEST_HYPERCALL, AX_WIDTH_QWORD, 0x10000), AX_UNHANDLED);
	ck_assert_int_eq(try_read(AX_TEST_HYPERCALL, AX_WIDTH_QWORD, &value), AX_UNHANDLED);
	ck_assert_int_eq(try_out(AX_TEST_PORT_HYPERCALL, AX_WIDTH_DWORD, 0x10000), AX_UNHANDLED);
}
END_TEST

static uint8_t region_byte(const uint8_t *store, uint64_t offset)
{
	if (offset >= AX_TEST_STORE && offset < AX_TEST_PATTERN_HIGH)
		return store[offset - AX_TEST_STORE];
	return AX_TEST_PATTERN_BYTE(offset);
}

START_TEST(data_regions_answer_every_width_at_every_offset)
{
	static uint8_t store[TESTDEV_STORE_SIZE];
	uint64_t count = 0;

	fake_seed(31);
	for (unsigned width = 0; width < 4; width++) {
		unsigned size = 1u << width;

		for (uint64_t offset = AX_TEST_PATTERN; offset + size <= AX_TEST_SIZE; offset++) {
			uint64_t value = (uint64_t)fake_random() << 32 | fake_random();
			uint64_t seen, expected = 0;

			assert_quick(try_write(offset, width, value) == AX_HANDLED);
			value &= mask_of(width);
			assert_quick(get(AX_TEST_WRITE_OFFSET) == offset);
			assert_quick(get(AX_TEST_WRITE_LENGTH) == size);
			assert_quick(get(AX_TEST_WRITE_VALUE) == value);
			assert_quick(get(AX_TEST_WRITE_COUNT) == ++count);
			for (unsigned i = 0; i < size; i++) {
				if (offset + i >= AX_TEST_STORE &&
				    offset + i < AX_TEST_PATTERN_HIGH)
					store[offset + i - AX_TEST_STORE] = value >> (8 * i);
				expected |= (uint64_t)region_byte(store, offset + i) << (8 * i);
			}
			assert_quick(try_read(offset, width, &seen) == AX_HANDLED);
			assert_quick(seen == expected);
		}
	}
	/* The values that abi.h names. */
	ck_assert_uint_eq(get(0x100) & 0xff, 0x80);
	ck_assert_uint_eq(get(0x180) & 0xff, 0x00);
}
END_TEST

START_TEST(over_the_end_the_inner_bytes_count)
{
	uint64_t value;

	ck_assert_int_eq(try_read(AX_TEST_SIZE - 4, AX_WIDTH_QWORD, &value), AX_UNHANDLED);
	ck_assert_uint_eq(value, 0xffffffff7f7e7d7c);
	/* From the reserved offsets into the pattern: not handled as a whole. */
	ck_assert_int_eq(try_read(AX_TEST_PATTERN - 4, AX_WIDTH_QWORD, &value), AX_UNHANDLED);
	ck_assert_uint_eq(value, UINT64_MAX);
}
END_TEST

START_TEST(port_window_answers_as_it_says)
{
	for (unsigned offset = 0; offset < AX_TEST_PORT_HYPERCALL; offset++) {
		for (unsigned width = 0; width < 4; width++) {
			unsigned size = 1u << width;
			bool verdict = offset < AX_TEST_PORT_SCRATCH;
			bool pattern = offset >= AX_TEST_PORT_PATTERN && offset < AX_TEST_PORT_FIFO;
			bool fifo = offset == AX_TEST_PORT_FIFO;
			unsigned unit = pattern ? 8 : 4;
			bool inside = offset % unit + size <= unit && width < 3;
			uint64_t value, expected = 0;
			AxHandled handled;

			if (offset + size > AX_TEST_PORT_HYPERCALL)
				continue;
			if (offset > AX_TEST_PORT_FIFO)
				inside = false;
			handled = try_in(offset, width, &value);
			ck_assert_int_eq(handled, inside ? AX_HANDLED : AX_UNHANDLED);
			if (inside && pattern) {
				for (unsigned i = 0; i < size; i++)
					expected |= (uint64_t)AX_TEST_PATTERN_BYTE(offset + i)
						    << (8 * i);
			} else if (inside && fifo) {
				expected = mask_of(width);
			}
			if (inside)
				ck_assert_uint_eq(value, expected);
			handled = try_out(offset, width, 0);
			if (verdict)
				inside = inside && offset % 4 == 0;
			if (inside && (offset == AX_TEST_PORT_FAIL || offset == AX_TEST_PORT_DONE))
				ck_assert_int_eq(handled, AX_STOP);
			else
				ck_assert_int_eq(handled, inside ? AX_HANDLED : AX_UNHANDLED);
			if (fifo)
				try_in(offset, width, &value);
		}
	}
}
END_TEST

START_TEST(port_scratch_is_its_own)
{
	uint64_t value;

	put(AX_TEST_SCRATCH, 0x99);
	ck_assert_int_eq(try_out(AX_TEST_PORT_SCRATCH, AX_WIDTH_DWORD, 0xd4c3b2a1), AX_HANDLED);
	ck_assert_int_eq(try_in(AX_TEST_PORT_SCRATCH + 1, AX_WIDTH_WORD, &value), AX_HANDLED);
	ck_assert_uint_eq(value, 0xc3b2);
	ck_assert_int_eq(try_out(AX_TEST_PORT_SCRATCH + 3, AX_WIDTH_BYTE, 0x5a), AX_HANDLED);
	ck_assert_int_eq(try_in(AX_TEST_PORT_SCRATCH, AX_WIDTH_DWORD, &value), AX_HANDLED);
	ck_assert_uint_eq(value, 0x5ac3b2a1);
	ck_assert_uint_eq(get(AX_TEST_SCRATCH), 0x99);
}
END_TEST

START_TEST(port_pattern_writes_are_recorded)
{
	ck_assert_int_eq(try_out(AX_TEST_PORT_PATTERN + 3, AX_WIDTH_DWORD, 0x55667788), AX_HANDLED);
	ck_assert_uint_eq(get(AX_TEST_WRITE_OFFSET), AX_TEST_WRITE_PORT + 0x13);
	ck_assert_uint_eq(get(AX_TEST_WRITE_LENGTH), 4);
	ck_assert_uint_eq(get(AX_TEST_WRITE_VALUE), 0x55667788);
	ck_assert_uint_eq(get(AX_TEST_WRITE_COUNT), 1);
}
END_TEST

START_TEST(fifo_gives_elements_of_their_width_in_order)
{
	uint64_t value;

	for (unsigned width = 0; width < 3; width++)
		ck_assert_int_eq(try_out(AX_TEST_PORT_FIFO, width, 0x11223344), AX_HANDLED);
	for (unsigned width = 0; width < 3; width++) {
		ck_assert_int_eq(try_in(AX_TEST_PORT_FIFO, width, &value), AX_HANDLED);
		ck_assert_uint_eq(value, 0x11223344 & mask_of(width));
	}
	/* Empty, and a wrong width, which takes the element all the same. */
	ck_assert_int_eq(try_in(AX_TEST_PORT_FIFO, AX_WIDTH_WORD, &value), AX_HANDLED);
	ck_assert_uint_eq(value, 0xffff);
	try_out(AX_TEST_PORT_FIFO, AX_WIDTH_BYTE, 1);
	try_out(AX_TEST_PORT_FIFO, AX_WIDTH_BYTE, 2);
	try_in(AX_TEST_PORT_FIFO, AX_WIDTH_DWORD, &value);
	ck_assert_uint_eq(value, 0xffffffff);
	try_in(AX_TEST_PORT_FIFO, AX_WIDTH_BYTE, &value);
	ck_assert_uint_eq(value, 2);
	/* What is beyond the limit is dropped. */
	for (unsigned i = 0; i < AX_TEST_FIFO_LIMIT + 10; i++)
		ck_assert_int_eq(try_out(AX_TEST_PORT_FIFO, AX_WIDTH_WORD, i), AX_HANDLED);
	for (unsigned i = 0; i < AX_TEST_FIFO_LIMIT; i++) {
		try_in(AX_TEST_PORT_FIFO, AX_WIDTH_WORD, &value);
		ck_assert_uint_eq(value, i);
	}
	try_in(AX_TEST_PORT_FIFO, AX_WIDTH_WORD, &value);
	ck_assert_uint_eq(value, 0xffff);
}
END_TEST

START_TEST(readonly_writes_are_counted_on_request)
{
	uint64_t value;

	ck_assert_uint_eq(get(AX_TEST_READONLY_WRITES), UINT64_MAX);
	ck_assert_int_eq(try_write(AX_TEST_READONLY_DISTANCE, AX_WIDTH_BYTE, 0), AX_UNHANDLED);
	unplug();
	plug(host, AX_TESTDEV_COUNT_READONLY);
	ck_assert_uint_eq(get(AX_TEST_READONLY_WRITES), 0);
	for (unsigned width = 0; width < 4; width++)
		ck_assert_int_eq(try_write(AX_TEST_READONLY_DISTANCE, width, 0), AX_HANDLED);
	put(AX_TEST_READONLY_DISTANCE + AX_TEST_READONLY_SIZE - 8, 0);
	ck_assert_uint_eq(get(AX_TEST_READONLY_WRITES), 5);
	ck_assert_int_eq(try_write(AX_TEST_READONLY_DISTANCE + AX_TEST_READONLY_SIZE, 0, 0),
			 AX_UNHANDLED);
	/* KVM reads the RAM itself; a read that comes here is nobody's. */
	ck_assert_int_eq(try_read(AX_TEST_READONLY_DISTANCE, AX_WIDTH_BYTE, &value), AX_UNHANDLED);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("test device registers");
	TCase *tcase = tcase_create("registers");

	tcase_add_checked_fixture(tcase, set_up, tear_down);
	tcase_add_test(tcase, sync_counts_and_keeps_the_last_values);
	tcase_add_test(tcase, bits_above_the_width_do_not_count);
	tcase_add_test(tcase, fail_stops_with_its_line);
	tcase_add_test(tcase, fail_keeps_what_was_compared);
	tcase_add_test(tcase, one_compared_value_is_enough);
	tcase_add_test(tcase, done_stops_the_vm_with_the_low_32_bits);
	tcase_add_test(tcase, done_by_port);
	tcase_add_test(tcase, result_goes_by_its_size);
	tcase_add_test(tcase, scratch_is_eight_bytes_of_storage);
	tcase_add_test(tcase, identity_and_counts);
	tcase_add_test(tcase, every_access_to_the_registers_is_handled_or_not);
	tcase_add_test(tcase, hypercalls_places_are_left_free);
	tcase_add_test(tcase, data_regions_answer_every_width_at_every_offset);
	tcase_add_test(tcase, over_the_end_the_inner_bytes_count);
	tcase_add_test(tcase, port_window_answers_as_it_says);
	tcase_add_test(tcase, port_scratch_is_its_own);
	tcase_add_test(tcase, port_pattern_writes_are_recorded);
	tcase_add_test(tcase, fifo_gives_elements_of_their_width_in_order);
	tcase_add_test(tcase, readonly_writes_are_counted_on_request);
	suite_add_tcase(suite, tcase);
	return fake_run(suite);
}
