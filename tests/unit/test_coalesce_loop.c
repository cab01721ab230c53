/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Collected writes and the loop: verdicts of their handlers, what those may do, who else hands them out,
 * observers and traces.
 */
#include <stdio.h>
#include <string.h>

#include <axvmm/probe.h>

#include "core/coalesce.h"
#include "tests/unit/coalesce_fixture.h"

static struct log noted;

START_TEST(a_handler_stops_the_loop_by_a_collected_write)
{
	AxVm *vm = new_collecting_vm(&noted);
	AxVCpu *vcpu = ready_vcpu(vm, 0);
	AxVCpuExitReason exit;

	noted.mmio.verdict = AX_STOP;
	noted.ports.verdict = AX_STOP;
	collect(_i ? COLLECTED_PORT : COLLECTED, 2, 0x1234);
	collect(_i ? COLLECTED : COLLECTED_PORT, 2, 0x5678); /* the second one is not told */
	fake_push_mmio_write(0, PLAIN, 4, 6);
	fake_push_mmio_write(0, PLAIN, 4, 7);
	ck_assert_int_eq(ax_vcpu_loop(vcpu, &exit, NULL), AX_LOOP_STOPPED);
	if (_i) {
		ck_assert_uint_eq(exit.kind, AX_EXIT_IO_WRITE);
		ck_assert_uint_eq(exit.io_write.port, COLLECTED_PORT);
		ck_assert_uint_eq(exit.io_write.width, AX_WIDTH_WORD);
		ck_assert_uint_eq(exit.io_write.count, 1);
		ck_assert_uint_eq(exit.io_write.data, 0x1234);
		ck_assert_uint_eq(exit.io_write.bytes[0], 0x34);
		ck_assert_uint_eq(exit.io_write.bytes[1], 0x12);
	} else {
		ck_assert_uint_eq(exit.kind, AX_EXIT_MMIO_WRITE);
		ck_assert_uint_eq(exit.mmio_write.addr, COLLECTED);
		ck_assert_uint_eq(exit.mmio_write.len, 2);
		ck_assert_uint_eq(exit.mmio_write.data, 0x1234);
	}
	ck_assert_uint_eq(exit.vcpu, 0);
	/* The exit that came with them has been dealt with, the next one not. */
	ck_assert_uint_eq(noted.count, 3);
	ck_assert_noted(&noted, 2, PLAIN, 4, 6);
	ck_assert_uint_eq(fake_steps_left(0), 1);
	push_stop(0);
	ck_assert_int_eq(ax_vcpu_loop(vcpu, &exit, NULL), AX_LOOP_STOPPED);
	ck_assert_uint_eq(exit.io_write.port, STOP_PORT);
	ck_assert_uint_eq(noted.count, 4);
	ax_vm_destroy(vm);
}
END_TEST

START_TEST(what_stopped_the_loop_is_not_overwritten)
{
	AxVm *vm = new_collecting_vm(&noted);
	AxVCpu *vcpu = ready_vcpu(vm, 0);
	AxVCpuExitReason exit;

	noted.ports.verdict = AX_STOP;
	collect(COLLECTED_PORT, 2, 0x1234);
	fake_push_mmio_write(0, PLAIN, 4, 6);
	ck_assert_int_eq(ax_vcpu_loop(vcpu, &exit, NULL), AX_LOOP_STOPPED);
	ck_assert_uint_eq(exit.io_write.port, COLLECTED_PORT);
	collect(COLLECTED_PORT, 2, 0x5678);
	ck_assert_int_eq(ax_coalesced_drain(vm, NULL), 0);
	ck_assert_uint_eq(exit.io_write.bytes[0], 0x34);
	ck_assert_uint_eq(exit.io_write.bytes[1], 0x12);
	ck_assert_int_eq(ax_vcpu_loop(vcpu, &exit, NULL), AX_LOOP_STOPPED);
	ck_assert_uint_eq(exit.io_write.bytes[0], 0x78);
	ax_vm_destroy(vm);
}
END_TEST

START_TEST(a_halt_with_a_verdict_waiting_is_no_end)
{
	AxVm *vm = new_collecting_vm(&noted);
	AxVmResult result;

	free_vcpu(vm, 0, 0);
	noted.mmio.verdict = AX_STOP;
	collect(COLLECTED, 4, 5);
	push_halt(0, false);
	result = run_vm(vm);
	ck_assert_uint_eq(result.end, AX_VM_END_HANDLER);
	ck_assert_uint_eq(result.exit.kind, AX_EXIT_MMIO_WRITE);
	ck_assert_uint_eq(result.exit.mmio_write.data, 5);
	ax_vm_destroy(vm);
}
END_TEST

START_TEST(what_nobody_takes_follows_the_option)
{
	AxVm *vm;
	AxVmOptions options = AX_VM_OPTIONS_INIT;
	AxVCpuExitReason exit;
	AxVCpu *vcpu;

	kvm_collects();
	options.unclaimed = (uint32_t)_i;
	ck_assert_int_eq(ax_vm_create(&options, &vm, NULL), 0);
	memset(&noted, 0, sizeof(noted));
	add_log(vm, &noted);
	vcpu = ready_vcpu(vm, 0);
	noted.mmio.verdict = AX_UNHANDLED;
	collect(COLLECTED, 4, 5);
	fake_push_mmio_write(0, PLAIN, 4, 6);
	push_halt(0, true);
	ck_assert_int_eq(ax_vcpu_loop(vcpu, &exit, NULL), AX_LOOP_UNHANDLED);
	ck_assert_uint_eq(exit.kind, _i == AX_UNCLAIMED_STOP ? AX_EXIT_MMIO_WRITE : AX_EXIT_HALT);
	ck_assert_uint_eq(noted.count, 2);
	ax_vm_destroy(vm);
}
END_TEST

static void try_registers(AxVCpu *vcpu)
{
	AxVCpuExitReason exit;
	uint64_t value = 0;
	AxError err;

	ck_assert_fails(ax_vcpu_settle(vcpu, &exit, &err), -EPERM, AX_ERROR_STATE, "collected");
	ck_assert_fails(ax_vcpu_get_gpr(vcpu, 1, &value, &err), -EPERM, AX_ERROR_STATE,
			"not complete");
	ck_assert_int_eq(ax_vcpu_reply_read(vcpu, 1), -EPERM);
	ck_assert_int_eq(ax_coalesced_drain(ax_vcpu_vm(vcpu), &err), -EDEADLK);
	ck_assert_int_eq(ax_range_remove(ax_vcpu_vm(vcpu), noted.mmio_id, &err), -EDEADLK);
}

START_TEST(the_exit_that_is_not_yet_decoded_is_out_of_reach)
{
	AxVm *vm = new_collecting_vm(&noted);
	AxVCpu *vcpu = ready_vcpu(vm, 0);
	AxVCpuExitReason exit;

	noted.mmio.also = try_registers;
	collect(COLLECTED, 4, 1);
	fake_push_mmio_read(0, PLAIN, 4);
	push_stop(0);
	ck_assert_int_eq(ax_vcpu_loop(vcpu, &exit, NULL), AX_LOOP_STOPPED);
	ck_assert_uint_eq(noted.count, 2);
	ck_assert(!noted.noted[1].is_write);
	ck_assert_int_eq(ax_vcpu_settle(vcpu, &exit, NULL), 0);
	ax_vm_destroy(vm);
}
END_TEST

static void try_to_run(AxVCpu *vcpu)
{
	AxVCpuExitReason exit;

	ck_assert_int_eq(ax_vcpu_run(vcpu, &exit, NULL), -EPERM);
	ck_assert_int_eq(ax_vcpu_loop(vcpu, &exit, NULL), -EPERM);
}

START_TEST(one_entry_at_a_time_hands_out_when_it_dispatches)
{
	AxVm *vm = new_collecting_vm(&noted);
	AxVCpu *vcpu = ready_vcpu(vm, 0);
	AxVCpuExitReason exit;

	collect(COLLECTED, 4, 1);
	fake_push_mmio_write(0, PLAIN, 4, 2);
	ck_assert_int_eq(ax_vcpu_run(vcpu, &exit, NULL), 0);
	ck_assert_uint_eq(noted.count, 0);
	noted.mmio.also = try_to_run;
	ck_assert_int_eq(ax_vcpu_dispatch(vcpu, &exit), AX_HANDLED);
	noted.mmio.also = NULL;
	ck_assert_uint_eq(noted.count, 2);
	ck_assert_noted(&noted, 0, COLLECTED, 4, 1);
	noted.mmio.verdict = AX_STOP;
	collect(COLLECTED, 4, 3);
	fake_push_mmio_write(0, PLAIN, 4, 4);
	ck_assert_int_eq(ax_vcpu_run(vcpu, &exit, NULL), 0);
	ck_assert_int_eq(ax_vcpu_dispatch(vcpu, &exit), AX_STOP);
	ck_assert_uint_eq(noted.count, 4);
	ax_vm_destroy(vm);
}
END_TEST

/* An exit that nobody takes is the caller's; the next dispatch, or the loop, tells of the write. */
START_TEST(a_dispatch_that_is_unhandled_keeps_the_verdict)
{
	AxVm *vm = new_collecting_vm(&noted);
	AxVCpu *vcpu = ready_vcpu(vm, 0);
	AxVCpuExitReason exit;

	noted.mmio.verdict = AX_STOP;
	collect(COLLECTED, 4, 3);
	push_halt(0, true);
	fake_push_mmio_write(0, PLAIN, 4, 4);
	ck_assert_int_eq(ax_vcpu_run(vcpu, &exit, NULL), 0);
	ck_assert_int_eq(ax_vcpu_dispatch(vcpu, &exit), AX_UNHANDLED);
	ck_assert_uint_eq(noted.count, 1);
	if (_i) {
		ck_assert_int_eq(ax_vcpu_run(vcpu, &exit, NULL), 0);
		ck_assert_int_eq(ax_vcpu_dispatch(vcpu, &exit), AX_STOP);
		ck_assert_uint_eq(noted.count, 2);
	} else {
		ck_assert_int_eq(ax_vcpu_loop(vcpu, &exit, NULL), AX_LOOP_STOPPED);
		ck_assert_uint_eq(exit.mmio_write.addr, COLLECTED);
		ck_assert_uint_eq(noted.count, 1);
	}
	ax_vm_destroy(vm);
}
END_TEST

START_TEST(another_thread_hands_out_by_itself)
{
	AxVm *vm = new_collecting_vm(&noted);
	AxVCpu *vcpu;

	ck_assert_int_eq(ax_coalesced_drain(vm, NULL), 0); /* no vCPU, no ring */
	vcpu = free_vcpu(vm, 0, 0);
	free_vcpu(vm, 1, 0);
	ck_assert_int_eq(ax_coalesced_drain(vm, NULL), 0);
	collect(COLLECTED, 4, 1);
	collect(COLLECTED_PORT, 1, 2);
	ck_assert_int_eq(ax_coalesced_drain(vm, NULL), 0);
	ck_assert_uint_eq(noted.count, 2);
	ck_assert_noted(&noted, 0, COLLECTED, 4, 1);
	ck_assert_noted(&noted, 1, COLLECTED_PORT, 1, 2);
	ck_assert_ptr_eq(noted.noted[1].vcpu, vcpu);
	ax_vm_destroy(vm);
}
END_TEST

/* The guest computes, or halts, and leaves by nothing but the handler's verdict. */
START_TEST(a_verdict_of_another_thread_ends_the_first_vcpus_loop)
{
	AxVm *vm = new_collecting_vm(&noted);
	struct run run;

	free_vcpu(vm, 0, 0);
	if (_i)
		push_halt(0, true);
	noted.mmio.verdict = AX_STOP;
	begin_run(&run, vm);
	wait_until(fake_entries(0));
	collect(COLLECTED, 4, 77);
	ck_assert_int_eq(ax_coalesced_drain(vm, NULL), 0);
	pthread_join(run.thread, NULL);
	ck_assert_uint_eq(run.result.end, AX_VM_END_HANDLER);
	ck_assert_uint_eq(run.result.exit.kind, AX_EXIT_MMIO_WRITE);
	ck_assert_uint_eq(run.result.exit.mmio_write.data, 77);
	ax_vm_destroy(vm);
}
END_TEST

static AxHandled take_interrupt(AxVCpu *vcpu, void *opaque, uint64_t vector)
{
	(void)vcpu;
	(void)opaque;
	(void)vector;
	return AX_HANDLED;
}

/* Another vCPU has written, and a halted one that is kicked finds it. */
START_TEST(a_halted_vcpu_that_is_kicked_tells_of_a_write)
{
	static const AxEventOps events = { .size = sizeof(events), .interrupt = take_interrupt };
	struct run run;
	AxVm *vm;

	if (strcmp(ax_arch_name(), "x86-64") != 0) {
		printf("SKIP: only x86-64 has an exit for a vCPU that halts\n");
		return;
	}
	vm = new_collecting_vm(&noted);
	if (_i)
		ck_assert_int_eq(ax_event_set(vm, &events, NULL, NULL), 0);
	free_vcpu(vm, 0, 0);
	push_halt(0, true);
	noted.mmio.verdict = AX_STOP;
	begin_run(&run, vm);
	wait_until(ax_vcpu_state(ax_vm_vcpu(vm, 0)) == AX_VCPU_BLOCKED);
	collect(COLLECTED, 4, 78);
	ck_assert_int_eq(ax_vcpu_kick(ax_vm_vcpu(vm, 0), 3), 0);
	pthread_join(run.thread, NULL);
	ck_assert_uint_eq(run.result.end, AX_VM_END_HANDLER);
	ck_assert_uint_eq(run.result.exit.kind, AX_EXIT_MMIO_WRITE);
	ck_assert_uint_eq(run.result.exit.mmio_write.data, 78);
	ax_vm_destroy(vm);
}
END_TEST

static struct {
	unsigned count;
	AxVCpuExitReason exits[8];
	AxExitRecord records[8];
} observed;

static void observe(void *opaque, AxVCpu *vcpu, const AxExitRecord *record)
{
	(void)opaque;
	(void)vcpu;
	ck_assert_uint_lt(observed.count, 8);
	observed.exits[observed.count] = *record->exit;
	observed.records[observed.count++] = *record;
}

START_TEST(an_observer_sees_them_as_exits_that_took_kvm_no_time)
{
	static const AxObserver observer = { sizeof(observer), observe };
	AxVm *vm = new_collecting_vm(&noted);
	AxVCpu *vcpu = ready_vcpu(vm, 0);
	AxVCpuExitReason exit;

	memset(&observed, 0, sizeof(observed));
	ck_assert_int_eq(ax_observer_set(vm, &observer, NULL, NULL), 0);
	collect(COLLECTED, 4, 1);
	collect(COLLECTED_PORT, 1, 2);
	fake_push_mmio_write(0, PLAIN, 4, 3);
	push_stop(0);
	ck_assert_int_eq(ax_vcpu_loop(vcpu, &exit, NULL), AX_LOOP_STOPPED);
	ck_assert_uint_eq(observed.count, 4);
	ck_assert_uint_eq(observed.exits[0].mmio_write.addr, COLLECTED);
	ck_assert_uint_eq(observed.records[0].kvm_ns, 0);
	ck_assert_uint_eq(observed.exits[1].io_write.port, COLLECTED_PORT);
	ck_assert_uint_eq(observed.exits[2].mmio_write.addr, PLAIN);
	ck_assert_uint_eq(observed.exits[3].io_write.port, STOP_PORT);
	ck_assert_int_eq(ax_observer_set(vm, NULL, NULL, NULL), 0);
	ax_vm_destroy(vm);
}
END_TEST

static uint64_t clock_ns(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (uint64_t)now.tv_sec * 1000000000u + (uint64_t)now.tv_nsec;
}

static void take_time(AxVCpu *vcpu)
{
	(void)vcpu;
	sleep_ms(20);
}

START_TEST(an_observer_is_told_no_time_twice)
{
	static const AxObserver observer = { sizeof(observer), observe };
	AxVm *vm = new_collecting_vm(&noted);
	AxVCpu *vcpu = ready_vcpu(vm, 0);
	uint64_t begin, told = 0;
	AxVCpuExitReason exit;

	memset(&observed, 0, sizeof(observed));
	ck_assert_int_eq(ax_observer_set(vm, &observer, NULL, NULL), 0);
	noted.mmio.also = take_time;
	collect(COLLECTED, 4, 1);
	push_stop(0);
	begin = clock_ns();
	ck_assert_int_eq(ax_vcpu_loop(vcpu, &exit, NULL), AX_LOOP_STOPPED);
	ck_assert_uint_eq(observed.count, 2);
	for (unsigned i = 0; i < 2; i++)
		told += observed.records[i].kvm_ns + observed.records[i].handler_ns;
	ck_assert_uint_le(told, clock_ns() - begin);
	ck_assert_uint_ge(observed.records[1].time_ns,
			  observed.records[0].time_ns + observed.records[0].handler_ns);
	ax_vm_destroy(vm);
}
END_TEST

static struct {
	uint8_t bytes[1 << 20];
	size_t len;
} file;

static int keep(void *opaque, const void *bytes, size_t len)
{
	(void)opaque;
	ck_assert_uint_le(len, sizeof(file.bytes) - file.len);
	memcpy(file.bytes + file.len, bytes, len);
	file.len += len;
	return 0;
}

/* Address, or port, of each exit of the trace, in which one thing comes after the other. */
static unsigned read_trace(uint64_t *places, unsigned most)
{
	AxTraceEntry entry = AX_TRACE_ENTRY_INIT;
	AxTraceReader *reader;
	unsigned count = 0;
	uint64_t done = 0;

	ck_assert_int_eq(ax_trace_open(file.bytes, file.len, &reader, NULL), 0);
	while (ax_trace_next(reader, &entry, NULL) == 1) {
		if (entry.type != AX_TRACE_EXIT)
			continue;
		ck_assert_uint_lt(count, most);
		ck_assert_uint_ge(entry.record.time_ns - entry.record.kvm_ns, done);
		done = entry.record.time_ns + entry.record.handler_ns;
		places[count++] = entry.record.exit->kind == AX_EXIT_MMIO_WRITE
					  ? entry.record.exit->mmio_write.addr
					  : entry.record.exit->io_write.port;
	}
	ax_trace_close(reader);
	return count;
}

static void collect_more(AxVCpu *vcpu)
{
	(void)vcpu;
	collect(COLLECTED_PORT, 1, 9);
}

START_TEST(a_trace_has_them_in_their_order)
{
	static const uint64_t expected[] = { COLLECTED, PLAIN, COLLECTED_PORT, STOP_PORT };
	AxTraceConfig config = AX_TRACE_CONFIG_INIT;
	AxVm *vm = new_collecting_vm(&noted);
	AxVCpu *vcpu = ready_vcpu(vm, 0);
	AxVCpuExitReason exit;
	uint64_t places[8];
	AxTrace *trace;

	file.len = 0;
	config.write = keep;
	ck_assert_int_eq(ax_trace_start(vm, &config, &trace, NULL), 0);
	collect(COLLECTED, 4, 1);
	fake_push_mmio_write(0, PLAIN, 4, 3);
	noted.plain.also = collect_more;
	push_stop(0);
	ck_assert_int_eq(ax_vcpu_loop(vcpu, &exit, NULL), AX_LOOP_STOPPED);
	ck_assert_int_eq(ax_trace_stop(trace, NULL, NULL), 0);
	ck_assert_uint_eq(read_trace(places, COUNT(places)), COUNT(expected));
	for (unsigned i = 0; i < COUNT(expected); i++)
		ck_assert_uint_eq(places[i], expected[i]);
	ax_vm_destroy(vm);
}
END_TEST

static void add_tests(TCase *cases)
{
	tcase_add_loop_test(cases, a_handler_stops_the_loop_by_a_collected_write, 0, 2);
	tcase_add_test(cases, what_stopped_the_loop_is_not_overwritten);
	tcase_add_test(cases, a_halt_with_a_verdict_waiting_is_no_end);
	tcase_add_loop_test(cases, what_nobody_takes_follows_the_option, 0, AX_UNCLAIMED_STOP + 1);
	tcase_add_test(cases, the_exit_that_is_not_yet_decoded_is_out_of_reach);
	tcase_add_test(cases, one_entry_at_a_time_hands_out_when_it_dispatches);
	tcase_add_loop_test(cases, a_dispatch_that_is_unhandled_keeps_the_verdict, 0, 2);
	tcase_add_test(cases, another_thread_hands_out_by_itself);
	tcase_add_loop_test(cases, a_verdict_of_another_thread_ends_the_first_vcpus_loop, 0, 2);
	tcase_add_loop_test(cases, a_halted_vcpu_that_is_kicked_tells_of_a_write, 0, 2);
	tcase_add_test(cases, an_observer_sees_them_as_exits_that_took_kvm_no_time);
	tcase_add_test(cases, an_observer_is_told_no_time_twice);
	tcase_add_test(cases, a_trace_has_them_in_their_order);
}

RUN_SUITE("coalesce_loop", add_tests)
