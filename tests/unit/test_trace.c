/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Traces of vCPUs that run: what is written is read again, beginning and ending while they run, rings
 * that are full, files that are.
 */
#include <fcntl.h>
#include <unistd.h>

#include <axvmm/probe.h>

#include "core/trace.h"
#include "tests/unit/trace_fixture.h"

static AxHandled read_42(AxVCpu *vcpu, void *opaque, uint64_t offset, AxAccessWidth width,
			 uint64_t *value)
{
	(void)vcpu;
	(void)opaque;
	(void)offset;
	(void)width;
	*value = 0xffffffffffffff42;
	return AX_HANDLED;
}

static AxHandled ignore_write(AxVCpu *vcpu, void *opaque, uint64_t offset, AxAccessWidth width,
			      uint64_t value)
{
	(void)vcpu;
	(void)opaque;
	(void)offset;
	(void)width;
	(void)value;
	return AX_HANDLED;
}

/* A VM with a device "answer" at 0x1000, and a vCPU of this thread's. */
static AxVCpu *make_vcpu(AxVm **vm)
{
	static const AxRangeOps ops = { sizeof(AxRangeOps), read_42, ignore_write };
	AxRange range = AX_RANGE_INIT;

	*vm = new_vm(AX_IRQCHIP_NONE);
	add_stop_port(*vm);
	range.name = "answer";
	range.base = 0x1000;
	range.length = 8;
	range.ops = &ops;
	ck_assert_int_eq(ax_range_add_mmio(*vm, &range, NULL, NULL), 0);
	return ready_vcpu(*vm, 0);
}

static void loop_to_stop(AxVCpu *vcpu)
{
	AxVCpuExitReason exit;

	push_stop(0);
	ck_assert_int_eq(ax_vcpu_loop(vcpu, &exit, NULL), AX_LOOP_STOPPED);
}

START_TEST(exits_are_read_as_they_were)
{
	AxTraceRange ram = { AX_TRACE_MMIO, 0, 0x10000, "RAM" };
	AxTraceCounts counts = AX_TRACE_COUNTS_INIT;
	struct memory_file file = { 0 };
	AxTraceConfig config = memory_config(&file);
	AxTraceInfo info = AX_TRACE_INFO_INIT;
	AxTraceReader *reader;
	AxTraceEntry entry;
	AxTrace *trace;
	AxVCpu *vcpu;
	AxVm *vm;

	vcpu = make_vcpu(&vm);
	config.ranges = &ram;
	config.range_count = 1;
	ck_assert_int_eq(ax_trace_start(vm, &config, &trace, NULL), 0);
	fake_push_mmio_read(0, 0x1000, 2);
	fake_push_mmio_write(0, 0x1004, 4, 0x1122334455667788);
	fake_push_mmio_read(0, 0x5000, 1); /* nobody's */
	loop_to_stop(vcpu);
	ck_assert_int_eq(ax_trace_stop(trace, &counts, NULL), 0);
	ck_assert_uint_eq(counts.exits, 4);
	ck_assert_uint_eq(counts.lost, 0);
	ck_assert_uint_eq(counts.bytes, file.len);

	reader = open_memory(&file);
	ax_trace_info(reader, &info);
	ck_assert_str_eq(info.arch, ax_arch_name());
	ck_assert_str_eq(info.version, ax_version());
	ck_assert_uint_eq(info.vcpus, 1);
	ck_assert_uint_eq(info.process, (uint32_t)getpid());
	ck_assert(info.complete);
	(void)next_entry(reader, AX_TRACE_BEGIN);
	entry = next_entry(reader, AX_TRACE_EXIT);
	ck_assert_uint_eq(entry.record.exit->kind, AX_EXIT_MMIO_READ);
	ck_assert_uint_eq(entry.record.exit->mmio_read.addr, 0x1000);
	ck_assert_uint_eq(entry.record.exit->mmio_read.len, 2);
	ck_assert_uint_eq(entry.record.exit->mmio_read.reg, AX_REG_UNKNOWN);
	ck_assert_uint_eq(entry.record.answer, 0xff42);
	ck_assert_int_eq(entry.record.handled, AX_HANDLED);
	ck_assert_str_eq(entry.whose, "answer");
	ck_assert_uint_ge(entry.record.time_ns, info.start_ns);
	entry = next_entry(reader, AX_TRACE_EXIT);
	ck_assert_uint_eq(entry.record.exit->kind, AX_EXIT_MMIO_WRITE);
	ck_assert_uint_eq(entry.record.exit->mmio_write.data, 0x55667788);
	entry = next_entry(reader, AX_TRACE_EXIT);
	ck_assert_uint_eq(entry.record.exit->mmio_read.addr, 0x5000);
	ck_assert_uint_eq(entry.record.answer, 0xff);
	ck_assert_int_eq(entry.record.handled, AX_UNHANDLED);
	ck_assert_str_eq(entry.whose, "RAM");
	entry = next_entry(reader, AX_TRACE_EXIT);
	ck_assert_uint_eq(entry.record.exit->kind, AX_EXIT_IO_WRITE);
	ck_assert_uint_eq(entry.record.exit->io_write.port, STOP_PORT);
	ck_assert_uint_eq(entry.record.exit->io_write.data, 0x2a);
	ck_assert_uint_eq(entry.record.exit->io_write.bytes[0], 0x2a);
	ck_assert_int_eq(entry.record.handled, AX_STOP);
	(void)next_entry(reader, AX_TRACE_END);
	ck_no_more(reader);
	ax_trace_close(reader);
	free(file.bytes);
	ax_vm_destroy(vm);
}
END_TEST

START_TEST(string_output_is_kept_whole)
{
	uint8_t text[4096];
	struct memory_file file = { 0 };
	AxTraceConfig config = memory_config(&file);
	AxTraceReader *reader;
	AxTraceEntry entry;
	AxTrace *trace;
	AxVCpu *vcpu;
	AxVm *vm;

	for (size_t i = 0; i < sizeof(text); i++)
		text[i] = (uint8_t)(i * 7);
	vcpu = make_vcpu(&vm);
	ck_assert_int_eq(ax_trace_start(vm, &config, &trace, NULL), 0);
	fake_push_port(0, 0x3f8, 2, 100, text);
	loop_to_stop(vcpu);
	ck_assert_int_eq(ax_trace_stop(trace, NULL, NULL), 0);
	reader = open_memory(&file);
	(void)next_entry(reader, AX_TRACE_BEGIN);
	entry = next_entry(reader, AX_TRACE_EXIT);
	ck_assert_uint_eq(entry.record.exit->io_write.count, 100);
	ck_assert_uint_eq(entry.byte_count, 200);
	ck_assert_mem_eq(entry.bytes, text, 200);
	ck_assert_mem_eq(entry.record.exit->io_write.bytes, text, 200);
	ax_trace_close(reader);
	free(file.bytes);
	ax_vm_destroy(vm);
}
END_TEST

struct watch {
	unsigned count;
};

static void count_exit(void *opaque, AxVCpu *vcpu, const AxExitRecord *record)
{
	struct watch *watch = opaque;

	(void)vcpu;
	(void)record;
	watch->count++;
}

START_TEST(an_observer_sees_the_same_as_the_trace)
{
	static const AxObserver observer = { sizeof(observer), count_exit };
	AxTraceCounts counts = AX_TRACE_COUNTS_INIT;
	struct memory_file file = { 0 };
	AxTraceConfig config = memory_config(&file);
	struct watch watch = { 0 };
	AxTrace *trace;
	AxVCpu *vcpu;
	AxVm *vm;

	vcpu = make_vcpu(&vm);
	ck_assert_int_eq(ax_observer_set(vm, &observer, &watch, NULL), 0);
	ck_assert_int_eq(ax_trace_start(vm, &config, &trace, NULL), 0);
	for (unsigned i = 0; i < 10; i++)
		fake_push_mmio_read(0, 0x1000, 4);
	loop_to_stop(vcpu);
	/* The trace goes on without it, and it without the trace. */
	ck_assert_int_eq(ax_observer_set(vm, NULL, NULL, NULL), 0);
	loop_to_stop(vcpu);
	ck_assert_int_eq(ax_observer_set(vm, &observer, &watch, NULL), 0);
	ck_assert_int_eq(ax_trace_stop(trace, &counts, NULL), 0);
	loop_to_stop(vcpu);
	ck_assert_uint_eq(watch.count, 12);
	ck_assert_uint_eq(counts.exits, 12);
	free(file.bytes);
	ax_vm_destroy(vm);
}
END_TEST

START_TEST(what_finds_its_ring_full_is_a_counted_gap)
{
	struct trace_slot slots[16] = { { 0 } };
	struct trace_ring ring = { .slots = slots, .mask = 15, .limit = 16 };
	AxVCpuExitReason halt = { .kind = AX_EXIT_HALT };
	const uint64_t times[3] = { 30, 31, 32 };
	struct trace_slot *slot;

	for (unsigned i = 0; i < 16; i++) {
		slot = trace_claim(&ring);
		ck_assert_ptr_eq(slot, &slots[i]);
		trace_publish(&ring, slot);
	}
	for (unsigned i = 0; i < 3; i++) {
		slot = trace_claim(&ring);
		ck_assert_ptr_eq(slot, &ring.spill);
		slot->left = 20 + i;
		trace_publish(&ring, slot);
	}
	/* Of all kinds; and a little room is not enough to go on, so that gaps are few. */
	trace_put(&ring, &halt, 0, AX_HANDLED, times, NULL, 0);
	ck_assert_uint_eq(ring.lost, 4);
	atomic_store(&ring.tail, 2);
	ck_assert_ptr_eq(trace_claim(&ring), &ring.spill);
	atomic_store(&ring.tail, 8);
	slot = trace_claim(&ring);
	ck_assert_ptr_eq(slot, &slots[1]);
	ck_assert_uint_eq(ring.lost, 0);
	ck_assert_int_eq(slots[0].form, TRACE_LOST);
	ck_assert_uint_eq(slots[0].value, 4);
	ck_assert_uint_eq(slots[0].left, 20);
	ck_assert_uint_eq(slots[0].done, 31);
	ck_assert_uint_eq(atomic_load(&ring.head), 17);
}
END_TEST

/* A file that blocks until it is let go: the writer's thread waits in it. */
struct slow_file {
	struct memory_file file;
	atomic_bool blocked;
};

static int slow_write(void *opaque, const void *bytes, size_t len)
{
	struct slow_file *slow = opaque;

	while (atomic_load(&slow->blocked))
		sleep_ms(1);
	return memory_write(&slow->file, bytes, len);
}

START_TEST(a_vcpu_does_not_wait_for_a_slow_file)
{
	AxTraceCounts counts = AX_TRACE_COUNTS_INIT;
	struct slow_file slow = { 0 };
	AxTraceConfig config = AX_TRACE_CONFIG_INIT;
	uint64_t seen = 0, lost = 0;
	AxTraceReader *reader;
	AxTraceEntry entry;
	AxTrace *trace;
	AxVCpu *vcpu;
	AxVm *vm;

	config.write = slow_write;
	config.opaque = &slow;
	config.ring_bytes = 1;
	vcpu = make_vcpu(&vm);
	ck_assert_int_eq(ax_trace_start(vm, &config, &trace, NULL), 0);
	atomic_store(&slow.blocked, true);
	/* The ring has 256 slots, which is less than all of these. */
	for (unsigned round = 0; round < 16; round++) {
		for (unsigned i = 0; i < 200; i++)
			fake_push_mmio_read(0, 0x1000, 4);
		loop_to_stop(vcpu);
	}
	atomic_store(&slow.blocked, false);
	ck_assert_int_eq(ax_trace_stop(trace, &counts, NULL), 0);
	ck_assert_uint_eq(counts.exits + counts.lost, 16 * 201);
	reader = open_memory(&slow.file);
	while (ax_trace_next(reader, &entry, NULL) > 0) {
		seen += entry.type == AX_TRACE_EXIT;
		lost += entry.type == AX_TRACE_GAP ? entry.lost : 0;
	}
	ck_assert_uint_eq(seen, counts.exits);
	ck_assert_uint_eq(lost, counts.lost);
	ax_trace_close(reader);
	free(slow.file.bytes);
	ax_vm_destroy(vm);
}
END_TEST

START_TEST(a_full_disk_is_told_and_leaves_what_is_whole)
{
	AxTraceCounts counts = AX_TRACE_COUNTS_INIT;
	struct memory_file file = { .room = 600 };
	AxTraceConfig config = memory_config(&file);
	AxError err = AX_ERROR_INIT;
	AxTraceReader *reader;
	AxTraceEntry entry;
	char damage[128];
	AxTrace *trace;
	AxVCpu *vcpu;
	AxVm *vm;

	vcpu = make_vcpu(&vm);
	ck_assert_int_eq(ax_trace_start(vm, &config, &trace, NULL), 0);
	for (unsigned i = 0; i < 300; i++)
		fake_push_mmio_read(0, 0x1000, 4);
	loop_to_stop(vcpu);
	ck_assert_fails(ax_trace_stop(trace, &counts, &err), -EIO, AX_ERROR_FILE, "No space left");
	ck_assert_uint_eq(counts.exits + counts.lost, 301);
	ck_assert_uint_gt(counts.lost, 0);
	reader = open_memory(&file);
	ck_assert(ax_trace_damage(reader, damage, sizeof(damage)));
	ck_assert_ptr_nonnull(strstr(damage, "it has no end"));
	while (ax_trace_next(reader, &entry, NULL) > 0)
		ck_assert_uint_ne(entry.type, AX_TRACE_END);
	ax_trace_close(reader);
	free(file.bytes);
	ax_vm_destroy(vm);
}
END_TEST

/* vCPUs that run on, each on a thread of its own, until the VM is stopped. */
static void *run_on(void *opaque)
{
	AxVCpuExitReason exit;
	AxVCpu *vcpu = opaque;

	ck_assert_int_eq(ax_vcpu_bind(vcpu, AX_ANY_CPU, NULL), 0);
	while (ax_vcpu_loop(vcpu, &exit, NULL) != AX_LOOP_VM_STOPPED)
		;
	ck_assert_int_eq(ax_vcpu_unbind(vcpu, NULL), 0);
	return NULL;
}

static int endless_read(struct kvm_run *run, void *arg)
{
	unsigned vcpu = (unsigned)(uintptr_t)arg;

	run->exit_reason = KVM_EXIT_MMIO;
	run->mmio.phys_addr = 0x1000;
	run->mmio.len = 4;
	run->mmio.is_write = 0;
	fake_push(vcpu, endless_read, arg);
	return 0;
}

START_TEST(traces_come_and_go_while_vcpus_run)
{
	static const AxRangeOps ops = { sizeof(AxRangeOps), read_42, ignore_write };
	AxRange range = AX_RANGE_INIT;
	pthread_t threads[3];
	AxVm *vm = new_vm(AX_IRQCHIP_NONE);

	range.base = 0x1000;
	range.length = 8;
	range.ops = &ops;
	ck_assert_int_eq(ax_range_add_mmio(vm, &range, NULL, NULL), 0);
	for (unsigned i = 0; i < 3; i++) {
		AxVCpu *vcpu = free_vcpu(vm, i, 0);

		fake_push(i, endless_read, (void *)(uintptr_t)i);
		ck_assert_int_eq(pthread_create(&threads[i], NULL, run_on, vcpu), 0);
	}
	for (unsigned round = 0; round < 8; round++) {
		AxTraceCounts counts = AX_TRACE_COUNTS_INIT;
		struct memory_file file = { 0 };
		AxTraceConfig config = memory_config(&file);
		uint64_t seen = 0, last = 0;
		AxTraceReader *reader;
		AxTraceEntry entry;
		AxTrace *trace, *second;

		ck_assert_int_eq(ax_trace_start(vm, &config, &trace, NULL), 0);
		ck_assert_int_eq(ax_trace_start(vm, &config, &second, NULL), -EEXIST);
		sleep_ms(round);
		ax_trace_counts(trace, &counts);
		ck_assert_int_eq(ax_trace_stop(trace, &counts, NULL), 0);
		reader = open_memory(&file);
		while (ax_trace_next(reader, &entry, NULL) > 0) {
			seen += entry.type == AX_TRACE_EXIT;
			ck_assert(entry.type != AX_TRACE_EXIT || entry.record.time_ns >= last);
			if (entry.type == AX_TRACE_EXIT)
				last = entry.record.time_ns;
		}
		ck_assert_uint_eq(seen, counts.exits);
		ax_trace_close(reader);
		free(file.bytes);
	}
	ax_vm_stop(vm, 0);
	for (unsigned i = 0; i < 3; i++)
		pthread_join(threads[i], NULL);
	ax_vm_destroy(vm);
}
END_TEST

START_TEST(a_vcpu_that_comes_later_is_traced_too)
{
	AxTraceCounts counts = AX_TRACE_COUNTS_INIT;
	struct memory_file file = { 0 };
	AxTraceConfig config = memory_config(&file);
	AxVm *vm = new_vm(AX_IRQCHIP_NONE);
	AxTrace *trace;
	AxVCpu *vcpu;

	add_stop_port(vm);
	ck_assert_int_eq(ax_trace_start(vm, &config, &trace, NULL), 0);
	vcpu = ready_vcpu(vm, 0);
	loop_to_stop(vcpu);
	ck_assert_int_eq(ax_trace_stop(trace, &counts, NULL), 0);
	ck_assert_uint_eq(counts.exits, 1);
	free(file.bytes);
	ax_vm_destroy(vm);
}
END_TEST

START_TEST(what_makes_no_sense_is_refused)
{
	AxTraceConfig config = AX_TRACE_CONFIG_INIT;
	AxTraceRange nameless = { AX_TRACE_MMIO, 0, 1, NULL };
	AxVm *vm = new_vm(AX_IRQCHIP_NONE);
	AxError err = AX_ERROR_INIT;
	AxTrace *trace;

	ck_assert_fails(ax_trace_start(vm, &config, &trace, &err), -EINVAL, AX_ERROR_ARGUMENT,
			"neither fd nor write");
	config.fd = open("/dev/full", O_WRONLY | O_CLOEXEC);
	ck_assert_int_ge(config.fd, 0);
	ck_assert_fails(ax_trace_start(vm, &config, &trace, &err), -EIO, AX_ERROR_FILE,
			"No space left");
	config.range_count = 1;
	config.ranges = &nameless;
	ck_assert_fails(ax_trace_start(vm, &config, &trace, &err), -EINVAL, AX_ERROR_ARGUMENT,
			"has no name");
	config.ring_bytes = (size_t)1 << 40;
	ck_assert_fails(ax_trace_start(vm, &config, &trace, &err), -EINVAL, AX_ERROR_ARGUMENT,
			"at most");
	config.size = 0;
	ck_assert_fails(ax_trace_start(vm, &config, &trace, &err), -EINVAL, AX_ERROR_ARGUMENT,
			"AX_TRACE_CONFIG_INIT");
	close(config.fd);
	ax_vm_destroy(vm);
}
END_TEST

RUN_CORE_TESTS("trace", exits_are_read_as_they_were, string_output_is_kept_whole,
	       an_observer_sees_the_same_as_the_trace, what_finds_its_ring_full_is_a_counted_gap,
	       a_vcpu_does_not_wait_for_a_slow_file, a_full_disk_is_told_and_leaves_what_is_whole,
	       traces_come_and_go_while_vcpus_run, a_vcpu_that_comes_later_is_traced_too,
	       what_makes_no_sense_is_refused)
