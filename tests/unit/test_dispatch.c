/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Dispatch of ports and MMIO: what handlers are given, what nobody claims, accesses in pieces.
 */
#include "tests/unit/run_fixture.h"

static AxVm *vm;
static AxVCpu *vcpu;

/* Lines that the VM logged. */
static unsigned logged;
static char last_line[256];

static void log_line(void *opaque, AxLogLevel level, const char *message)
{
	ck_assert_ptr_eq(opaque, &logged);
	ck_assert_int_eq(level, AX_LOG_WARNING);
	logged++;
	strncpy(last_line, message, sizeof(last_line) - 1);
}

static void make_vcpu(AxUnclaimed unclaimed)
{
	AxVmOptions options = AX_VM_OPTIONS_INIT;

	options.unclaimed = unclaimed;
	options.log = log_line;
	options.log_opaque = &logged;
	logged = 0;
	ck_assert_int_eq(ax_vm_create(&options, &vm, NULL), 0);
	add_stop_port(vm);
	vcpu = ready_vcpu(vm, 0);
}

/* Run to the stop port; the last access before it as the guest saw it. */
static struct fake_completion loop_to_stop(void)
{
	struct fake_completion done;
	AxVCpuExitReason exit;

	push_stop(0);
	ck_assert_int_eq(ax_vcpu_loop(vcpu, &exit, NULL), AX_LOOP_STOPPED);
	fake_completed(0, &done);
	return done;
}

/* A device that notes its accesses and answers with its own name's letters. */
struct access {
	char device;
	bool write;
	uint64_t offset;
	AxAccessWidth width;
	uint64_t value;
};

static struct access accesses[64];
static unsigned access_count;
static AxHandled verdict;

static AxHandled note_read(AxVCpu *caller, void *opaque, uint64_t offset, AxAccessWidth width,
			   uint64_t *value)
{
	char name = *(const char *)opaque;

	(void)caller;
	accesses[access_count++] = (struct access){ name, false, offset, width, *value };
	*value = 0x1111111111111111 * (uint64_t)(name - 'A' + 1);
	return verdict;
}

static AxHandled note_write(AxVCpu *caller, void *opaque, uint64_t offset, AxAccessWidth width,
			    uint64_t value)
{
	(void)caller;
	accesses[access_count++] =
		(struct access){ *(const char *)opaque, true, offset, width, value };
	return verdict;
}

static const AxRangeOps note_ops = { .size = sizeof(AxRangeOps),
				     .read = note_read,
				     .write = note_write };

static void add_device(bool port, uint64_t base, uint64_t length, const AxRangeOps *ops,
		       const char *name)
{
	AxRange range = AX_RANGE_INIT;

	range.name = name;
	range.base = base;
	range.length = length;
	range.ops = ops;
	range.opaque = (void *)(uintptr_t)name;
	ck_assert_int_eq(port ? ax_range_add_ports(vm, &range, NULL, NULL)
			      : ax_range_add_mmio(vm, &range, NULL, NULL),
			 0);
}

static void assert_access(unsigned index, char device, uint64_t offset, AxAccessWidth width,
			  uint64_t value)
{
	ck_assert_uint_lt(index, access_count);
	ck_assert_int_eq(accesses[index].device, device);
	ck_assert_uint_eq(accesses[index].offset, offset);
	ck_assert_uint_eq(accesses[index].width, width);
	ck_assert_uint_eq(accesses[index].value, value);
}

START_TEST(a_handler_gets_offset_width_and_a_value_that_is_zero_before_a_read)
{
	make_vcpu(AX_UNCLAIMED_STOP);
	add_device(false, 0xfe000000, 0x1000, &note_ops, "A");
	/* Twice, because the first finds the range and the second has it. */
	for (unsigned i = 0; i < 2; i++) {
		fake_push_mmio_write(0, 0xfe000ff8, 8, 0x8877665544332211);
		fake_push_mmio_read(0, 0xfe000004, 4);
	}
	ck_assert_mem_eq(loop_to_stop().run.mmio.data, "\x11\x11\x11\x11", 4);
	ck_assert_uint_eq(access_count, 4);
	for (unsigned i = 0; i < 4; i += 2) {
		assert_access(i, 'A', 0xff8, AX_WIDTH_QWORD, 0x8877665544332211);
		assert_access(i + 1, 'A', 4, AX_WIDTH_DWORD, 0);
	}
	ax_vm_destroy(vm);
}
END_TEST

START_TEST(a_written_value_has_no_bits_above_its_width)
{
	static const unsigned sizes[] = { 1, 2, 4 };

	make_vcpu(AX_UNCLAIMED_STOP);
	add_device(true, 0x80, 4, &note_ops, "A");
	for (unsigned i = 0; i < 6; i++)
		fake_push_port(0, 0x80, sizes[i % 3], 1, "\xff\xff\xff\xff");
	loop_to_stop();
	for (unsigned i = 0; i < 6; i++)
		assert_access(i, 'A', 0, (AxAccessWidth)(i % 3),
			      UINT32_MAX >> (32 - 8 * sizes[i % 3]));
	ax_vm_destroy(vm);
}
END_TEST

START_TEST(a_missing_op_counts_as_unhandled)
{
	static const AxRangeOps none = { .size = sizeof(AxRangeOps) };
	AxVCpuExitReason exit;

	make_vcpu(AX_UNCLAIMED_STOP);
	add_device(true, 0x80, 4, &none, "A");
	for (unsigned i = 0; i < 2; i++) {
		fake_push_port(0, 0x80, 1, 1, "x");
		ck_assert_int_eq(ax_vcpu_loop(vcpu, &exit, NULL), AX_LOOP_UNHANDLED);
		ck_assert_uint_eq(exit.kind, AX_EXIT_IO_WRITE);
		fake_push_port(0, 0x80, 1, 1, NULL);
		ck_assert_int_eq(ax_vcpu_loop(vcpu, &exit, NULL), AX_LOOP_UNHANDLED);
		ck_assert_uint_eq(exit.io_read.bytes[0], 0xff);
	}
	ax_vm_destroy(vm);
}
END_TEST

/* Unclaimed. */

static const AxUnclaimed quiet_options[] = { AX_UNCLAIMED_ONES, AX_UNCLAIMED_WARN };

START_TEST(an_unclaimed_read_is_all_ones_and_a_write_vanishes)
{
	struct fake_completion done;

	make_vcpu(quiet_options[_i]);
	fake_push_mmio_write(0, 0x1000, 8, 1);
	fake_push_port(0, 0x90, 4, 1, "abcd");
	fake_push_mmio_read(0, 0x1000, 8);
	done = loop_to_stop();
	ck_assert_mem_eq(done.run.mmio.data, "\xff\xff\xff\xff\xff\xff\xff\xff", 8);
	fake_push_mmio_read(0, 0x1ffd, 3);
	ck_assert_mem_eq(loop_to_stop().run.mmio.data, "\xff\xff\xff", 3);
	fake_push_port(0, 0x90, 2, 3, NULL);
	ck_assert_mem_eq(loop_to_stop().port, "\xff\xff\xff\xff\xff\xff", 6);
	ax_vm_destroy(vm);
}
END_TEST

START_TEST(a_handlers_unhandled_is_as_if_nobody_had_claimed_it)
{
	make_vcpu(AX_UNCLAIMED_ONES);
	add_device(false, 0x1000, 0x1000, &note_ops, "A");
	verdict = AX_UNHANDLED;
	for (unsigned i = 0; i < 2; i++) {
		fake_push_mmio_read(0, 0x1000, 4);
		ck_assert_mem_eq(loop_to_stop().run.mmio.data, "\xff\xff\xff\xff", 4);
	}
	ax_vm_destroy(vm);
}
END_TEST

START_TEST(an_unclaimed_access_that_stops_is_answered_with_ones_as_well)
{
	struct fake_completion done;
	AxVCpuExitReason exit;

	make_vcpu(AX_UNCLAIMED_STOP);
	fake_push_mmio_read(0, 0x1000, 2);
	ck_assert_int_eq(ax_vcpu_loop(vcpu, &exit, NULL), AX_LOOP_UNHANDLED);
	ck_assert_uint_eq(exit.kind, AX_EXIT_MMIO_READ);
	ck_assert_int_eq(ax_vcpu_settle(vcpu, &exit, NULL), 0);
	fake_completed(0, &done);
	ck_assert_mem_eq(done.run.mmio.data, "\xff\xff", 2);
	/* The caller may know better. */
	fake_push_mmio_read(0, 0x1000, 2);
	ck_assert_int_eq(ax_vcpu_loop(vcpu, &exit, NULL), AX_LOOP_UNHANDLED);
	ck_assert_int_eq(ax_vcpu_reply_read(vcpu, 0x1234), 0);
	ck_assert_mem_eq(loop_to_stop().run.mmio.data, "\x34\x12", 2);
	ax_vm_destroy(vm);
}
END_TEST

START_TEST(an_address_is_warned_of_once)
{
	make_vcpu(AX_UNCLAIMED_WARN);
	for (unsigned i = 0; i < 3; i++) {
		fake_push_mmio_read(0, 0x3f8, 4);
		fake_push_mmio_write(0, 0x3f8, 1, 1);
	}
	loop_to_stop();
	ck_assert_uint_eq(logged, 1);
	ck_assert_str_eq(last_line,
			 "nothing is at address 0x3f8: MmioRead vcpu=0 addr=0x3f8 bytes=4");
	/* The port of the same number is another address. */
	fake_push_port(0, 0x3f8, 1, 1, "a");
	fake_push_port(0, 0x3f8, 1, 1, NULL);
	loop_to_stop();
	ck_assert_uint_eq(logged, 2);
	ck_assert_str_eq(last_line,
			 "nothing is at port 0x3f8: IoWrite vcpu=0 port=0x3f8 bytes=1 data=0x61");
	ax_vm_destroy(vm);
}
END_TEST

START_TEST(at_most_64_addresses_are_warned_of)
{
	make_vcpu(AX_UNCLAIMED_WARN);
	for (unsigned i = 0; i < 100; i++)
		fake_push_mmio_read(0, 0x1000 + 8 * i, 4);
	loop_to_stop();
	ck_assert_uint_eq(logged, 64);
	ck_assert_ptr_nonnull(strstr(last_line, "0x11f8"));
	ax_vm_destroy(vm);
}
END_TEST

START_TEST(nobody_need_listen_to_warnings)
{
	AxVmOptions options = AX_VM_OPTIONS_INIT;

	options.unclaimed = AX_UNCLAIMED_WARN;
	ck_assert_int_eq(ax_vm_create(&options, &vm, NULL), 0);
	add_stop_port(vm);
	vcpu = ready_vcpu(vm, 0);
	fake_push_mmio_read(0, 0x1000, 4);
	loop_to_stop();
	ax_vm_destroy(vm);
}
END_TEST

/* In pieces. */

START_TEST(an_access_across_the_end_of_a_range_goes_byte_by_byte_to_whom_each_belongs)
{
	struct fake_completion done;

	make_vcpu(AX_UNCLAIMED_ONES);
	add_device(false, 0x1000, 6, &note_ops, "A");
	add_device(false, 0x1007, 8, &note_ops, "B");
	fake_push_mmio_read(0, 0x1004, 8);
	done = loop_to_stop();
	/* 1004 1005 of A, 1006 nobody's, 1007 to 100b of B. */
	ck_assert_mem_eq(done.run.mmio.data, "\x11\x11\xff\x22\x22\x22\x22\x22", 8);
	ck_assert_uint_eq(access_count, 7);
	assert_access(0, 'A', 4, AX_WIDTH_BYTE, 0);
	assert_access(1, 'A', 5, AX_WIDTH_BYTE, 0);
	for (unsigned i = 0; i < 5; i++)
		assert_access(2 + i, 'B', i, AX_WIDTH_BYTE, 0);

	access_count = 0;
	fake_push_mmio_write(0, 0x1004, 8, 0x8877665544332211);
	loop_to_stop();
	ck_assert_uint_eq(access_count, 7);
	assert_access(1, 'A', 5, AX_WIDTH_BYTE, 0x22);
	assert_access(2, 'B', 0, AX_WIDTH_BYTE, 0x44);
	assert_access(6, 'B', 4, AX_WIDTH_BYTE, 0x88);
	ax_vm_destroy(vm);
}
END_TEST

START_TEST(a_length_that_is_no_width_goes_byte_by_byte)
{
	static const unsigned lens[] = { 3, 5, 6, 7 };
	unsigned len = lens[_i];

	make_vcpu(AX_UNCLAIMED_STOP);
	add_device(false, 0x1000, 0x1000, &note_ops, "A");
	fake_push_mmio_write(0, 0x1ff0, len, 0x8877665544332211);
	fake_push_mmio_read(0, 0x1ff0, len);
	ck_assert_mem_eq(loop_to_stop().run.mmio.data, "\x11\x11\x11\x11\x11\x11\x11", len);
	ck_assert_uint_eq(access_count, 2 * len);
	for (unsigned i = 0; i < len; i++)
		assert_access(i, 'A', 0xff0 + i, AX_WIDTH_BYTE, 0x11 * (i + 1));
	ax_vm_destroy(vm);
}
END_TEST

START_TEST(pieces_end_with_the_worst_verdict_of_all)
{
	AxVCpuExitReason exit;

	/* Some of it is nobody's. */
	make_vcpu(AX_UNCLAIMED_STOP);
	add_device(false, 0x1000, 3, &note_ops, "A");
	fake_push_mmio_write(0, 0x1000, 4, 1);
	ck_assert_int_eq(ax_vcpu_loop(vcpu, &exit, NULL), AX_LOOP_UNHANDLED);
	ck_assert_uint_eq(access_count, 3);
	/* And some of it stops. */
	verdict = AX_STOP;
	fake_push_mmio_write(0, 0x1000, 4, 1);
	ck_assert_int_eq(ax_vcpu_loop(vcpu, &exit, NULL), AX_LOOP_STOPPED);
	ck_assert_uint_eq(access_count, 6);
	ax_vm_destroy(vm);
}
END_TEST

START_TEST(an_access_does_not_wrap_at_the_end_of_either_space)
{
	struct fake_completion done;

	make_vcpu(AX_UNCLAIMED_ONES);
	add_device(true, 0xfffe, 2, &note_ops, "A");
	add_device(true, 0x0, 0x10, &note_ops, "B");
	add_device(false, 0xfffffffffffffffe, 2, &note_ops, "C");
	add_device(false, 0x0, 0x10, &note_ops, "D");
	fake_push_port(0, 0xfffe, 4, 1, NULL);
	done = loop_to_stop();
	ck_assert_mem_eq(done.port, "\x11\x11\xff\xff", 4);
	fake_push_mmio_read(0, 0xfffffffffffffffe, 4);
	ck_assert_mem_eq(loop_to_stop().run.mmio.data, "\x33\x33\xff\xff", 4);
	ck_assert_uint_eq(access_count, 4);
	ax_vm_destroy(vm);
}
END_TEST

/* Strings. */

START_TEST(string_output_is_one_write_for_each_element_in_order)
{
	make_vcpu(AX_UNCLAIMED_STOP);
	add_device(true, 0x80, 4, &note_ops, "A");
	fake_push_port(0, 0x80, 2, 3, "abcdef");
	loop_to_stop();
	ck_assert_uint_eq(access_count, 3);
	assert_access(0, 'A', 0, AX_WIDTH_WORD, 0x6261);
	assert_access(1, 'A', 0, AX_WIDTH_WORD, 0x6463);
	assert_access(2, 'A', 0, AX_WIDTH_WORD, 0x6665);
	ax_vm_destroy(vm);
}
END_TEST

START_TEST(string_input_is_one_read_for_each_element)
{
	make_vcpu(AX_UNCLAIMED_STOP);
	add_device(true, 0x80, 4, &note_ops, "B");
	fake_push_port(0, 0x82, 1, 5, NULL);
	ck_assert_mem_eq(loop_to_stop().port, "\x22\x22\x22\x22\x22", 5);
	ck_assert_uint_eq(access_count, 5);
	assert_access(4, 'B', 2, AX_WIDTH_BYTE, 0);
	ax_vm_destroy(vm);
}
END_TEST

START_TEST(a_string_goes_on_after_an_element_that_stops)
{
	AxVCpuExitReason exit;

	make_vcpu(AX_UNCLAIMED_STOP);
	add_device(true, 0x80, 4, &note_ops, "A");
	verdict = AX_STOP;
	fake_push_port(0, 0x80, 1, 4, "abcd");
	ck_assert_int_eq(ax_vcpu_loop(vcpu, &exit, NULL), AX_LOOP_STOPPED);
	ck_assert_uint_eq(exit.io_write.count, 4);
	ck_assert_uint_eq(access_count, 4);
	ax_vm_destroy(vm);
}
END_TEST

static void reset_notes(void)
{
	access_count = 0;
	verdict = AX_HANDLED;
}

static void add_tests(TCase *cases)
{
	tcase_add_checked_fixture(cases, reset_notes, NULL);
	tcase_add_test(cases, a_handler_gets_offset_width_and_a_value_that_is_zero_before_a_read);
	tcase_add_test(cases, a_written_value_has_no_bits_above_its_width);
	tcase_add_test(cases, a_missing_op_counts_as_unhandled);
	tcase_add_loop_test(cases, an_unclaimed_read_is_all_ones_and_a_write_vanishes, 0, 2);
	tcase_add_test(cases, a_handlers_unhandled_is_as_if_nobody_had_claimed_it);
	tcase_add_test(cases, an_unclaimed_access_that_stops_is_answered_with_ones_as_well);
	tcase_add_test(cases, an_address_is_warned_of_once);
	tcase_add_test(cases, at_most_64_addresses_are_warned_of);
	tcase_add_test(cases, nobody_need_listen_to_warnings);
	tcase_add_test(cases,
		       an_access_across_the_end_of_a_range_goes_byte_by_byte_to_whom_each_belongs);
	tcase_add_loop_test(cases, a_length_that_is_no_width_goes_byte_by_byte, 0, 4);
	tcase_add_test(cases, pieces_end_with_the_worst_verdict_of_all);
	tcase_add_test(cases, an_access_does_not_wrap_at_the_end_of_either_space);
	tcase_add_test(cases, string_output_is_one_write_for_each_element_in_order);
	tcase_add_test(cases, string_input_is_one_read_for_each_element);
	tcase_add_test(cases, a_string_goes_on_after_an_element_that_stops);
}

RUN_SUITE("dispatch", add_tests)
