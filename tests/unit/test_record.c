/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Recording and replaying handlers of one's own, without KVM: what is recorded, what is found to differ,
 * and what damage does.
 */
#include <check.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <axvmm/axvmm.h>

#define BASE	    0x10000000u
#define CALL_BUTTON 3u

/* A device with a value, a timer that counts, an interrupt line, and a button. */
struct device {
	AxVm *vm;
	AxHost *host;
	AxTimer *timer;
	AxRecord *record;
	AxIrq irq;
	uint64_t value, fired, random;
	uint64_t flaw; /* is added to what reads answer */
	bool silent;   /* its line is never raised */
};

static struct fixture {
	AxRecord *record;
	AxHost *inner, *host;
	AxVm *vm;
	AxVCpu *vcpu;
	struct device device;
} fixture;

static AxHandled device_read(AxVCpu *vcpu, void *opaque, uint64_t offset, AxAccessWidth width,
			     uint64_t *value)
{
	struct device *device = opaque;
	uint64_t word;

	(void)vcpu;
	(void)width;
	switch (offset) {
	case 0: *value = device->value + device->flaw; return AX_HANDLED;
	case 8: *value = ax_host_now(device->host); return AX_HANDLED;
	case 16: *value = device->fired; return AX_HANDLED;
	case 24:
		ck_assert_int_eq(ax_mem_read(device->vm, 0x1000, &word, sizeof(word)), 0);
		*value = word;
		return AX_HANDLED;
	case 32:
		*value = device->random;
		ax_record_input(device->record, AX_RECORD_DATA, 7, value, sizeof(*value));
		return AX_HANDLED;
	default: return AX_UNHANDLED;
	}
}

static AxHandled device_write(AxVCpu *vcpu, void *opaque, uint64_t offset, AxAccessWidth width,
			      uint64_t value)
{
	struct device *device = opaque;

	(void)vcpu;
	(void)width;
	switch (offset) {
	case 0: device->value = value; return AX_HANDLED;
	case 8: ax_timer_arm(device->timer, value); return AX_HANDLED;
	case 16:
		return ax_mem_write(device->vm, value, &device->value, 8) ? AX_UNHANDLED
									  : AX_HANDLED;
	case 24:
		if (!device->silent)
			ax_irq_set(&device->irq, value);
		return AX_HANDLED;
	default: return AX_STOP;
	}
}

static const AxRangeOps range_ops = { sizeof(range_ops), device_read, device_write };

static void device_reset(void *opaque)
{
	(void)opaque;
}

static int device_save(void *opaque, AxState *state)
{
	(void)opaque;
	(void)state;
	return 0;
}

static void press(struct device *device, const void *bytes, size_t len)
{
	device->value = len ? *(const uint8_t *)bytes : 0;
}

static void device_outside(void *opaque, uint32_t what, const void *bytes, size_t len)
{
	if (what == CALL_BUTTON)
		press(opaque, bytes, len);
}

static const AxDeviceOps device_ops = { sizeof(device_ops), device_reset, device_save, device_save,
					device_outside };

static void on_timer(void *opaque)
{
	struct device *device = opaque;

	device->fired++;
}

/* A VM without KVM that has the device, with one vCPU that is this thread's. */
static void build(AxRecord *record)
{
	AxVmOptions options = AX_VM_OPTIONS_INIT;
	AxVCpuSetup setup = AX_VCPU_SETUP_INIT;
	AxRange range = AX_RANGE_INIT;
	struct device *device = &fixture.device;
	AxError err = AX_ERROR_INIT;

	memset(device, 0, sizeof(*device));
	fixture.record = record;
	options.kvm_path = AX_VM_OFFLINE;
	options.record = record;
	ck_assert_int_eq(ax_host_new(NULL, NULL, &fixture.inner, NULL), 0);
	fixture.host = ax_record_host(record, fixture.inner);
	ck_assert_ptr_nonnull(fixture.host);
	ck_assert_msg(!ax_vm_create(&options, &fixture.vm, &err), "%s", err.message);
	ck_assert_int_eq(ax_ram_add(fixture.vm, 0, 0x10000, 0, NULL), 0);
	ck_assert_int_eq(ax_vcpu_create(fixture.vm, 0, &fixture.vcpu, NULL), 0);
	device->vm = fixture.vm;
	device->host = fixture.host;
	device->record = record;
	ax_host_owner(fixture.host, "thing");
	device->timer = ax_timer_new(fixture.host, on_timer, device);
	ck_assert_msg(!ax_irq_get(fixture.vm, 5, &device->irq, &err), "%s", err.message);
	range.name = "thing";
	range.base = BASE;
	range.length = 64;
	range.ops = &range_ops;
	range.opaque = device;
	ck_assert_int_eq(ax_range_add_mmio(fixture.vm, &range, NULL, NULL), 0);
	ck_assert_int_eq(ax_device_add(fixture.vm, "thing", &device_ops, device, NULL), 0);
	if (ax_record_is_replay(record))
		return;
	ck_assert_msg(!ax_vcpu_setup(fixture.vcpu, &setup, &err), "%s", err.message);
	ck_assert_msg(!ax_vcpu_bind(fixture.vcpu, AX_ANY_CPU, &err), "%s", err.message);
}

static void take_apart(void)
{
	ax_timer_free(fixture.device.timer);
	ax_vm_destroy(fixture.vm);
	ax_record_free(fixture.record);
	ax_host_free(fixture.inner);
}

static uint64_t read_register(uint64_t offset)
{
	AxVCpuExitReason exit = { .kind = AX_EXIT_MMIO_READ };

	exit.mmio_read.addr = BASE + offset;
	exit.mmio_read.width = AX_WIDTH_QWORD;
	exit.mmio_read.len = 8;
	return (uint64_t)ax_vcpu_dispatch(fixture.vcpu, &exit);
}

static int write_register(uint64_t offset, uint64_t value)
{
	AxVCpuExitReason exit = { .kind = AX_EXIT_MMIO_WRITE };

	exit.mmio_write.addr = BASE + offset;
	exit.mmio_write.width = AX_WIDTH_QWORD;
	exit.mmio_write.len = 8;
	exit.mmio_write.data = value;
	return ax_vcpu_dispatch(fixture.vcpu, &exit);
}

/* One of everything: its bytes are the caller's. */
static uint8_t *make_recording(size_t *len)
{
	static const uint64_t word = 0x1122334455667788;
	AxRecord *record;
	const void *bytes;
	uint8_t *copy;

	ck_assert_int_eq(ax_record_create(NULL, &record, NULL), 0);
	build(record);
	ck_assert_int_eq(ax_mem_write(fixture.vm, 0x1000, &word, sizeof(word)), 0);
	fixture.device.random = 0xabcd;
	ax_record_set_fact(record, "colour", "green");
	ax_record_set_fact(record, "colour", "blue");
	ck_assert_int_eq(write_register(0, 42), AX_HANDLED);
	ck_assert_int_eq((int)read_register(0), AX_HANDLED);
	read_register(8);
	write_register(8, 1);
	ck_assert_int_ge(ax_loop_dispatch(fixture.inner, 5000, NULL), 1);
	read_register(16);
	read_register(24);
	read_register(32);
	write_register(16, 0x2000);
	write_register(24, 1);
	write_register(24, 0);
	ax_record_enter(record, "thing", CALL_BUTTON, "x", 1);
	press(&fixture.device, "x", 1);
	ax_record_leave(record);
	read_register(0);
	ck_assert_int_eq((int)read_register(40), AX_UNHANDLED);
	ck_assert_int_eq(write_register(40, 0), AX_STOP);
	ck_assert_int_eq(ax_record_finish(record, NULL), 0);
	bytes = ax_record_bytes(record, len);
	copy = malloc(*len);
	ck_assert_ptr_nonnull(copy);
	memcpy(copy, bytes, *len);
	take_apart();
	return copy;
}

static AxReplayResult replay(const uint8_t *bytes, size_t len, uint64_t flaw, bool silent,
			     const char *only)
{
	AxReplayOptions options = AX_REPLAY_OPTIONS_INIT;
	AxReplayResult result = AX_REPLAY_RESULT_INIT;
	AxError err = AX_ERROR_INIT;
	AxRecord *record;

	ck_assert_msg(!ax_replay_open("it", bytes, len, &record, &err), "%s", err.message);
	build(record);
	fixture.device.flaw = flaw;
	fixture.device.silent = silent;
	options.device = only;
	ck_assert_msg(!ax_replay_run(record, fixture.vm, &options, &result, &err), "%s",
		      err.message);
	take_apart();
	return result;
}

START_TEST(the_same_handlers_answer_the_same)
{
	size_t len;
	uint8_t *bytes = make_recording(&len);
	AxReplayResult result = replay(bytes, len, 0, false, NULL);

	ck_assert_msg(result.end == AX_REPLAY_SAME, "%s / %s", result.recorded, result.came);
	ck_assert_uint_eq(result.exits, 13);
	ck_assert_uint_eq(result.calls, 2);   /* the timer, the button */
	ck_assert_uint_eq(result.inputs, 3);  /* the clock, memory, data */
	ck_assert_uint_ge(result.outputs, 4); /* the timer, memory, two changes of the line */
	ck_assert_uint_eq(result.passed, 0);
	result = replay(bytes, len, 0, false, "thing");
	ck_assert_uint_eq(result.end, AX_REPLAY_SAME);
	ck_assert_uint_eq(result.exits, 13);
	free(bytes);
}
END_TEST

START_TEST(a_changed_answer_is_found)
{
	size_t len;
	uint8_t *bytes = make_recording(&len);
	AxReplayResult result = replay(bytes, len, 1, false, NULL);

	ck_assert_uint_eq(result.end, AX_REPLAY_DIFFERENT);
	ck_assert_uint_eq(result.unit, 2);
	ck_assert_str_eq(result.device, "thing");
	ck_assert_str_eq(result.recorded, "answer: handled, 0x2a");
	ck_assert_str_eq(result.came, "answer: handled, 0x2b");
	free(bytes);
}
END_TEST

START_TEST(a_line_that_stays_low_is_found)
{
	size_t len;
	uint8_t *bytes = make_recording(&len);
	AxReplayResult result = replay(bytes, len, 0, true, NULL);

	ck_assert_uint_eq(result.end, AX_REPLAY_DIFFERENT);
	ck_assert_msg(strstr(result.recorded, "interrupt line 0x5"), "%s", result.recorded);
	ck_assert_msg(strstr(result.came, "nothing more"), "%s", result.came);
	free(bytes);
}
END_TEST

static unsigned lines;

static void count_line(void *opaque, const char *line)
{
	(void)opaque;
	ck_assert_uint_lt(strlen(line), 400);
	lines++;
}

START_TEST(facts_context_and_lines_are_told)
{
	AxReplayOptions options = AX_REPLAY_OPTIONS_INIT;
	AxReplayResult result = AX_REPLAY_RESULT_INIT;
	AxRecord *record;
	size_t len;
	uint8_t *bytes = make_recording(&len);

	ck_assert_int_eq(ax_replay_open("it", bytes, len, &record, NULL), 0);
	ck_assert_str_eq(ax_record_fact(record, "colour"), "blue");
	ck_assert_ptr_null(ax_record_fact(record, "shape"));
	build(record);
	options.device = "nobody";
	ck_assert_int_eq(ax_replay_run(record, fixture.vm, &options, &result, NULL), -ENOENT);
	options.device = NULL;
	options.line = count_line;
	options.first = options.last = 2;
	lines = 0;
	ck_assert_int_eq(ax_replay_run(record, fixture.vm, &options, &result, NULL), 0);
	ck_assert_uint_eq(lines, 2);
	lines = 0;
	ax_replay_context(record, fixture.vm, "thing", 2, 8, count_line, NULL);
	ck_assert_uint_eq(lines, 4);
	/* Once. */
	ck_assert_int_eq(ax_replay_run(record, fixture.vm, &options, &result, NULL), -EPERM);
	take_apart();
	free(bytes);
}
END_TEST

START_TEST(a_refused_device_is_passed_over)
{
	AxReplayResult result = AX_REPLAY_RESULT_INIT;
	AxRecord *record;
	size_t len;
	uint8_t *bytes = make_recording(&len);

	ck_assert_int_eq(ax_replay_open("it", bytes, len, &record, NULL), 0);
	ax_record_refuse(record, "thing", "it is a secret");
	ck_assert_str_eq(ax_record_refusal(record, "thing"), "it is a secret");
	ck_assert_ptr_null(ax_record_refusal(record, "other"));
	build(record);
	ck_assert_int_eq(ax_replay_run(record, fixture.vm, NULL, &result, NULL), 0);
	ck_assert_uint_eq(result.end, AX_REPLAY_SAME);
	ck_assert_uint_eq(result.passed, 15);
	take_apart();
	free(bytes);
}
END_TEST

START_TEST(a_torn_tail_is_told_and_the_rest_replayed)
{
	size_t len;
	uint8_t *bytes = make_recording(&len);

	for (size_t cut = 16; cut < len; cut++) {
		uint8_t *part = malloc(cut);
		AxReplayResult result;

		ck_assert_ptr_nonnull(part);
		memcpy(part, bytes, cut);
		result = replay(part, cut, 0, false, NULL);
		ck_assert_msg(result.end == AX_REPLAY_DAMAGED, "cut at %zu of %zu", cut, len);
		ck_assert_uint_ne(result.recorded[0], 0);
		free(part);
	}
	free(bytes);
}
END_TEST

START_TEST(damage_is_survived)
{
	size_t len;
	uint8_t *bytes = make_recording(&len);

	for (size_t at = 16; at < len; at++) {
		static const uint8_t masks[] = { 0x01, 0x80, 0xff };

		for (unsigned i = 0; i < sizeof(masks); i++) {
			bytes[at] ^= masks[i];
			(void)replay(bytes, len, 0, false, NULL);
			bytes[at] ^= masks[i];
		}
	}
	free(bytes);
}
END_TEST

START_TEST(what_is_no_recording_is_refused)
{
	AxError err = AX_ERROR_INIT;
	AxRecord *record;
	size_t len;
	uint8_t *bytes = make_recording(&len);

	ck_assert_int_eq(ax_replay_open("it", bytes, 15, &record, &err), -ENOEXEC);
	ck_assert_ptr_nonnull(strstr(err.message, "it: this is no recording"));
	bytes[8]++;
	ck_assert_int_eq(ax_replay_open("it", bytes, len, &record, &err), -ENOEXEC);
	ck_assert_ptr_nonnull(strstr(err.message, "version 2"));
	bytes[8]--;
	bytes[12]++;
	ck_assert_int_eq(ax_replay_open("it", bytes, len, &record, &err), -ENOTSUP);
	bytes[12]--;
	bytes[0]++;
	ck_assert_int_eq(ax_replay_open("it", bytes, len, &record, &err), -ENOEXEC);
	free(bytes);
}
END_TEST

START_TEST(a_file_that_cannot_be_written_is_told)
{
	AxRecordConfig config = AX_RECORD_CONFIG_INIT;
	AxError err = AX_ERROR_INIT;
	AxRecord *record;

	config.path = "/nowhere/at/all";
	ck_assert_int_eq(ax_record_create(&config, &record, &err), -ENOENT);
	ck_assert_ptr_nonnull(strstr(err.message, config.path));
	config.path = "/dev/full";
	if (access(config.path, W_OK))
		return;
	ck_assert_int_eq(ax_record_create(&config, &record, &err), 0);
	ck_assert_int_eq(ax_record_finish(record, &err), -ENOSPC);
	ax_record_free(record);
}
END_TEST

START_TEST(an_offline_vcpu_never_runs)
{
	AxVCpuExitReason exit;
	AxRecord *record;

	ck_assert_int_eq(ax_record_create(NULL, &record, NULL), 0);
	build(record);
	ck_assert_int_eq(ax_vcpu_run(fixture.vcpu, &exit, NULL), -EPERM);
	ck_assert_int_eq(ax_vcpu_settle(fixture.vcpu, &exit, NULL), 0);
	take_apart();
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("record");
	TCase *tcase = tcase_create("record");
	SRunner *runner = srunner_create(suite);
	int failed;

	suite_add_tcase(suite, tcase);
	tcase_set_timeout(tcase, 60);
	tcase_add_test(tcase, the_same_handlers_answer_the_same);
	tcase_add_test(tcase, a_changed_answer_is_found);
	tcase_add_test(tcase, a_line_that_stays_low_is_found);
	tcase_add_test(tcase, facts_context_and_lines_are_told);
	tcase_add_test(tcase, a_refused_device_is_passed_over);
	tcase_add_test(tcase, a_torn_tail_is_told_and_the_rest_replayed);
	tcase_add_test(tcase, damage_is_survived);
	tcase_add_test(tcase, what_is_no_recording_is_refused);
	tcase_add_test(tcase, a_file_that_cannot_be_written_is_told);
	tcase_add_test(tcase, an_offline_vcpu_never_runs);
	srunner_run_all(runner, CK_NORMAL);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
