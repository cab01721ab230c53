/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Pause and resume: every loop is held, settled, until the last resume; together with stops, kicks,
 * changes of ranges and of RAM.
 */
#include "tests/unit/run_fixture.h"

#define VCPUS 3

static AxVm *vm;

/* A handler that counts, so that a held vCPU can be told from a running one. */
static atomic_uint handled[VCPUS];

static AxHandled count_write(AxVCpu *vcpu, void *opaque, uint64_t offset, AxAccessWidth width,
			     uint64_t value)
{
	(void)opaque;
	(void)offset;
	(void)width;
	(void)value;
	atomic_fetch_add(&handled[ax_vcpu_id(vcpu)], 1);
	return AX_HANDLED;
}

static const AxRangeOps count_ops = { .size = sizeof(AxRangeOps), .write = count_write };

static int busy_guest(struct kvm_run *run, void *arg)
{
	unsigned *count = arg;

	/* Plain accesses, and now and then nothing for a while. */
	if (++*count % 64 == 0)
		return fake_spin(run);
	run->exit_reason = KVM_EXIT_MMIO;
	run->mmio.phys_addr = 0x100000;
	run->mmio.len = 4;
	run->mmio.is_write = 1;
	return 0;
}

static unsigned counts[VCPUS];

static void make_vm(void)
{
	AxRange range = AX_RANGE_INIT;

	memset(handled, 0, sizeof(handled));
	vm = new_vm(AX_IRQCHIP_NONE);
	add_stop_port(vm);
	range.base = 0x100000;
	range.length = 8;
	range.ops = &count_ops;
	ck_assert_int_eq(ax_range_add_mmio(vm, &range, NULL, NULL), 0);
}

static void make_busy_vm(void)
{
	make_vm();
	for (unsigned i = 0; i < VCPUS; i++) {
		free_vcpu(vm, i, 0);
		counts[i] = i;
		fake_set_guest(i, busy_guest, &counts[i]);
	}
}

static void *run_all(void *arg)
{
	AxVmResult *result = arg;

	*result = run_vm(vm);
	return NULL;
}

static unsigned total_handled(void)
{
	unsigned total = 0;

	for (unsigned i = 0; i < VCPUS; i++)
		total += handled[i];
	return total;
}

/* Keep the busy guests from spinning for ever. */
static void kick_all(void)
{
	for (unsigned i = 0; i < VCPUS; i++)
		ax_vcpu_kick(ax_vm_vcpu(vm, i), 1);
}

static void assert_held(void)
{
	unsigned before = total_handled();

	kick_all();
	sleep_ms(10);
	ck_assert_uint_eq(total_handled(), before);
	for (unsigned i = 0; i < VCPUS; i++)
		ck_assert_uint_eq(ax_vm_vcpu(vm, i)->pending.kind, AX_EXIT_NOTHING);
}

static void assert_running(void)
{
	unsigned before = total_handled();

	for (unsigned tries = 0; total_handled() < before + 10; tries++) {
		ck_assert_uint_lt(tries, 20000);
		kick_all();
		sleep_ms(1);
	}
}

START_TEST(a_pause_holds_every_loop_settled_until_resume)
{
	AxVmResult result;
	pthread_t runner;

	make_busy_vm();
	ck_assert_int_eq(pthread_create(&runner, NULL, run_all, &result), 0);
	assert_running();
	for (unsigned i = 0; i < 10; i++) {
		ck_assert_int_eq(ax_vm_pause(vm, NULL), 0);
		assert_held();
		ck_assert_int_eq(ax_vm_resume(vm, NULL), 0);
		assert_running();
	}
	ax_vm_stop(vm, 7);
	pthread_join(runner, NULL);
	ck_assert_int_eq(result.code, 7);
	ax_vm_destroy(vm);
}
END_TEST

static uint64_t cpu_time_ns(void)
{
	struct timespec used;

	clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &used);
	return (uint64_t)used.tv_sec * 1000000000u + (uint64_t)used.tv_nsec;
}

START_TEST(a_paused_vm_uses_no_processor)
{
	AxVmResult result;
	pthread_t runner;
	uint64_t before;

	make_busy_vm();
	ck_assert_int_eq(pthread_create(&runner, NULL, run_all, &result), 0);
	assert_running();
	ck_assert_int_eq(ax_vm_pause(vm, NULL), 0);
	before = cpu_time_ns();
	sleep_ms(300);
	ck_assert_uint_lt(cpu_time_ns() - before, 100000000);
	ck_assert_int_eq(ax_vm_resume(vm, NULL), 0);
	ax_vm_stop(vm, 0);
	pthread_join(runner, NULL);
	ax_vm_destroy(vm);
}
END_TEST

START_TEST(pauses_nest)
{
	AxVmResult result;
	pthread_t runner;
	AxError err;

	make_busy_vm();
	ck_assert_int_eq(pthread_create(&runner, NULL, run_all, &result), 0);
	assert_running();
	for (unsigned i = 0; i < 3; i++)
		ck_assert_int_eq(ax_vm_pause(vm, NULL), 0);
	for (unsigned i = 0; i < 2; i++) {
		ck_assert_int_eq(ax_vm_resume(vm, NULL), 0);
		assert_held();
	}
	ck_assert_int_eq(ax_vm_resume(vm, NULL), 0);
	assert_running();
	ck_assert_fails(ax_vm_resume(vm, &err), -EPERM, AX_ERROR_STATE, "not paused");
	ax_vm_stop(vm, 0);
	pthread_join(runner, NULL);
	ax_vm_destroy(vm);
}
END_TEST

START_TEST(a_vm_that_is_paused_before_it_runs_is_held_from_the_start)
{
	AxVmResult result;
	pthread_t runner;

	make_busy_vm();
	ck_assert_int_eq(ax_vm_pause(vm, NULL), 0);
	ck_assert_int_eq(pthread_create(&runner, NULL, run_all, &result), 0);
	sleep_ms(20);
	ck_assert_uint_eq(fake_calls(KVM_RUN), 0);
	ck_assert_int_eq(ax_vm_resume(vm, NULL), 0);
	assert_running();
	ax_vm_stop(vm, 0);
	pthread_join(runner, NULL);
	ax_vm_destroy(vm);
}
END_TEST

START_TEST(a_stop_of_a_paused_vm_ends_it_at_the_resume)
{
	AxVmResult result;
	pthread_t runner;

	make_busy_vm();
	ck_assert_int_eq(pthread_create(&runner, NULL, run_all, &result), 0);
	assert_running();
	ck_assert_int_eq(ax_vm_pause(vm, NULL), 0);
	ax_vm_stop(vm, 4);
	assert_held();
	ck_assert_int_eq(ax_vm_resume(vm, NULL), 0);
	pthread_join(runner, NULL);
	ck_assert_int_eq(result.code, 4);
	ax_vm_destroy(vm);
}
END_TEST

START_TEST(ram_changes_while_the_vm_is_paused_and_not_while_it_runs)
{
	AxVmResult result;
	pthread_t runner;
	AxError err;

	make_busy_vm();
	ck_assert_int_eq(pthread_create(&runner, NULL, run_all, &result), 0);
	assert_running();
	ck_assert_fails(ax_ram_add(vm, 0, 0x1000, 0, &err), -EBUSY, AX_ERROR_STATE,
			"ax_vm_pause()");
	ck_assert_int_eq(ax_vm_pause(vm, NULL), 0);
	ck_assert_int_eq(ax_ram_add(vm, 0, 0x1000, 0, &err), 0);
	ck_assert_int_eq(ax_vm_resume(vm, NULL), 0);
	assert_running();
	ck_assert_fails(ax_ram_remove(vm, 0, &err), -EBUSY, AX_ERROR_STATE, "ax_vm_pause()");
	ax_vm_stop(vm, 0);
	pthread_join(runner, NULL);
	ck_assert_int_eq(ax_ram_remove(vm, 0, &err), 0);
	ax_vm_destroy(vm);
}
END_TEST

/* As a vCPU that comes to its loop while the VM is paused, a moment before it is held. */
START_TEST(a_vcpu_on_its_way_into_a_paused_loop_is_at_rest)
{
	AxVCpu *vcpu;

	make_vm();
	vcpu = free_vcpu(vm, 0, 0);
	ck_assert_int_eq(ax_vm_pause(vm, NULL), 0);
	atomic_store(&vcpu->in_loop, true);
	ck_assert_int_eq(ax_ram_add(vm, 0, 0x1000, 0, NULL), 0);
	atomic_store(&vcpu->in_loop, false);
	ck_assert_int_eq(ax_vm_resume(vm, NULL), 0);
	atomic_store(&vcpu->in_loop, true);
	ck_assert_int_eq(ax_ram_remove(vm, 0, NULL), -EBUSY);
	atomic_store(&vcpu->in_loop, false);
	ax_vm_destroy(vm);
}
END_TEST

START_TEST(ranges_are_removed_from_a_paused_vm_without_waiting)
{
	AxRange range = AX_RANGE_INIT;
	AxVmResult result;
	pthread_t runner;

	make_busy_vm();
	ck_assert_int_eq(pthread_create(&runner, NULL, run_all, &result), 0);
	assert_running();
	ck_assert_int_eq(ax_vm_pause(vm, NULL), 0);
	range.ops = &count_ops;
	range.length = 8;
	for (unsigned i = 0; i < 50; i++) {
		AxRangeId id;

		range.base = 0x200000;
		ck_assert_int_eq(ax_range_add_mmio(vm, &range, &id, NULL), 0);
		ck_assert_int_eq(ax_range_remove(vm, id, NULL), 0);
	}
	assert_held();
	ck_assert_int_eq(ax_vm_resume(vm, NULL), 0);
	assert_running();
	ax_vm_stop(vm, 0);
	pthread_join(runner, NULL);
	ax_vm_destroy(vm);
}
END_TEST

START_TEST(a_halted_vcpu_is_at_rest_and_stays_so)
{
	AxVmResult result;
	pthread_t runner;

	make_vm();
	free_vcpu(vm, 0, 0);
	push_halt(0, true);
	push_stop(0);
	ck_assert_int_eq(pthread_create(&runner, NULL, run_all, &result), 0);
	wait_until(ax_vcpu_state(ax_vm_vcpu(vm, 0)) == AX_VCPU_BLOCKED);
	ck_assert_int_eq(ax_vm_pause(vm, NULL), 0);
	ck_assert_int_eq(ax_vcpu_inject_interrupt(ax_vm_vcpu(vm, 0), 0x40, NULL), 0);
	sleep_ms(20);
	ck_assert_uint_eq(fake_steps_left(0), 1);
	ck_assert_int_eq(ax_vm_resume(vm, NULL), 0);
	pthread_join(runner, NULL);
	ck_assert_uint_eq(result.end, AX_VM_END_HANDLER);
	ax_vm_destroy(vm);
}
END_TEST

/* What comes out of the settling itself: the second half of the pending access. */

static atomic_bool first_handled;

static AxHandled post_pause(AxVCpu *vcpu, void *opaque, uint64_t offset, AxAccessWidth width,
			    uint64_t value)
{
	(void)opaque;
	(void)offset;
	(void)width;
	(void)value;
	vcpu_request(vcpu, REQUEST_PAUSE);
	first_handled = true;
	return AX_HANDLED;
}

/*
 * KVM_RUN after the first half completes it and comes back with the second at once; so the pause
 * finds the vCPU there, in the middle of the instruction.
 */
static void make_halves(uint64_t second)
{
	static const AxRangeOps ops = { .size = sizeof(AxRangeOps), .write = post_pause };
	AxRange range = AX_RANGE_INIT;

	make_vm();
	vm->unclaimed = AX_UNCLAIMED_STOP;
	range.base = 0x300000;
	range.length = 8;
	range.ops = &ops;
	ck_assert_int_eq(ax_range_add_mmio(vm, &range, NULL, NULL), 0);
	/* A length that is no width, so that it is dispatched and the loop looks at requests. */
	fake_push_mmio_write(0, 0x300000, 3, 1);
	fake_push_half_mmio(0, second, 5, true, 2);
}

static AxHandled stop_mmio(AxVCpu *vcpu, void *opaque, uint64_t offset, AxAccessWidth width,
			   uint64_t value)
{
	return stop_write(vcpu, opaque, offset, width, value);
}

START_TEST(a_stop_that_falls_while_settling_for_a_pause_is_not_lost)
{
	static const AxRangeOps ops = { .size = sizeof(AxRangeOps), .write = stop_mmio };
	AxRange range = AX_RANGE_INIT;
	AxVCpuExitReason exit;
	AxVCpu *vcpu;

	make_halves(0x400000);
	range.base = 0x400000;
	range.length = 8;
	range.ops = &ops;
	ck_assert_int_eq(ax_range_add_mmio(vm, &range, NULL, NULL), 0);
	vcpu = ready_vcpu(vm, 0);
	push_stop(0);
	ck_assert_int_eq(ax_vcpu_loop(vcpu, &exit, NULL), AX_LOOP_STOPPED);
	ck_assert(first_handled);
	ck_assert_uint_eq(exit.kind, AX_EXIT_MMIO_WRITE);
	ck_assert_uint_eq(exit.mmio_write.addr, 0x400000);
	ck_assert_uint_eq(fake_steps_left(0), 1);
	ax_vm_destroy(vm);
}
END_TEST

START_TEST(an_exit_that_nobody_handles_while_settling_for_a_pause_is_told)
{
	AxVCpuExitReason exit;
	AxVCpu *vcpu;

	make_halves(0x500000);
	vcpu = ready_vcpu(vm, 0);
	ck_assert_int_eq(ax_vcpu_loop(vcpu, &exit, NULL), AX_LOOP_UNHANDLED);
	ck_assert_uint_eq(exit.mmio_write.addr, 0x500000);
	ax_vm_destroy(vm);
}
END_TEST

START_TEST(a_host_failure_while_settling_for_a_pause_ends_the_loop)
{
	AxVCpuExitReason exit;
	AxVCpu *vcpu;
	AxError err;

	make_vm();
	vcpu = ready_vcpu(vm, 0);
	fake_push_mmio_write(0, 0x100000, 3, 1);
	vcpu_request(vcpu, REQUEST_PAUSE);
	ck_assert_int_eq(ax_vcpu_run(vcpu, &exit, NULL), 0);
	ck_assert_int_eq(ax_vcpu_run(vcpu, &exit, NULL), 0);
	ck_assert_uint_eq(exit.kind, AX_EXIT_MMIO_WRITE);
	fake_fail(KVM_RUN, 1, ENOMEM);
	ck_assert_fails(ax_vcpu_loop(vcpu, &exit, &err), -ENOMEM, AX_ERROR_RESOURCE, "KVM_RUN");
	ax_vm_destroy(vm);
}
END_TEST

/* All at once. */

static atomic_bool finished;

static unsigned total_entries(void)
{
	unsigned total = 0;

	for (unsigned i = 0; i < VCPUS; i++)
		total += fake_entries(i);
	return total;
}

static void *pause_often(void *arg)
{
	(void)arg;
	while (!finished) {
		unsigned entries, calls;

		ck_assert_int_eq(ax_vm_pause(vm, NULL), 0);
		ck_assert_int_eq(ax_vm_pause(vm, NULL), 0);
		entries = total_entries();
		calls = total_handled();
		/* At rest, whoever comes to its loop just now: RAM may change. */
		if (arg) {
			ck_assert_int_eq(ax_ram_add(vm, 0, 0x1000, 0, NULL), 0);
			ck_assert_int_eq(ax_ram_remove(vm, 0, NULL), 0);
		}
		sched_yield();
		ck_assert_uint_eq(total_entries(), entries);
		ck_assert_uint_eq(total_handled(), calls);
		ck_assert_int_eq(ax_vm_resume(vm, NULL), 0);
		ck_assert_int_eq(ax_vm_resume(vm, NULL), 0);
		sched_yield();
	}
	return NULL;
}

static void *kick_often(void *arg)
{
	(void)arg;
	while (!finished) {
		kick_all();
		sleep_ms(1);
	}
	return NULL;
}

static void *change_often(void *arg)
{
	AxRange range = AX_RANGE_INIT;
	AxRangeId id;

	(void)arg;
	range.base = 0x600000;
	range.length = 8;
	range.ops = &count_ops;
	while (!finished) {
		ck_assert_int_eq(ax_range_add_mmio(vm, &range, &id, NULL), 0);
		ck_assert_int_eq(ax_range_remove(vm, id, NULL), 0);
	}
	return NULL;
}

START_TEST(pauses_kicks_and_changes_of_many_threads_lose_nothing_and_end)
{
	void *(*const jobs[])(void *) = { pause_often, pause_often, kick_often, change_often };
	pthread_t runner, threads[4];
	AxVmResult result;

	make_busy_vm();
	ck_assert_int_eq(pthread_create(&runner, NULL, run_all, &result), 0);
	assert_running();
	for (unsigned i = 0; i < 4; i++)
		ck_assert_int_eq(pthread_create(&threads[i], NULL, jobs[i], i ? NULL : vm), 0);
	sleep_ms(400);
	assert_running();
	/* Stopped in the midst of it all. */
	ax_vm_stop(vm, 11);
	pthread_join(runner, NULL);
	ck_assert_int_eq(result.code, 11);
	finished = true;
	for (unsigned i = 0; i < 4; i++)
		pthread_join(threads[i], NULL);
	ax_vm_destroy(vm);
}
END_TEST

/* Loops that are entered and left all the time, against pauses and removals. */
static void *enter_and_leave(void *arg)
{
	AxVCpu *vcpu = arg;
	AxVCpuExitReason exit;

	ck_assert_int_eq(ax_vcpu_bind(vcpu, AX_ANY_CPU, NULL), 0);
	for (unsigned i = 0; i < 1500; i++) {
		push_stop(ax_vcpu_id(vcpu));
		ck_assert_int_eq(ax_vcpu_loop(vcpu, &exit, NULL), AX_LOOP_STOPPED);
		ck_assert_uint_eq(exit.kind, AX_EXIT_IO_WRITE);
	}
	ck_assert_int_eq(ax_vcpu_unbind(vcpu, NULL), 0);
	return NULL;
}

START_TEST(loops_that_begin_and_end_meet_pauses_and_removals)
{
	void *(*const jobs[])(void *) = { pause_often, change_often };
	pthread_t vcpus[2], threads[2];

	make_vm();
	for (unsigned i = 0; i < VCPUS; i++)
		free_vcpu(vm, i, 0);
	for (unsigned i = 0; i < 2; i++)
		ck_assert_int_eq(
			pthread_create(&vcpus[i], NULL, enter_and_leave, ax_vm_vcpu(vm, i)), 0);
	for (unsigned i = 0; i < 2; i++)
		ck_assert_int_eq(pthread_create(&threads[i], NULL, jobs[i], i ? NULL : vm), 0);
	for (unsigned i = 0; i < 2; i++)
		pthread_join(vcpus[i], NULL);
	finished = true;
	for (unsigned i = 0; i < 2; i++)
		pthread_join(threads[i], NULL);
	ax_vm_destroy(vm);
}
END_TEST

static void add_tests(TCase *cases)
{
	tcase_add_test(cases, a_pause_holds_every_loop_settled_until_resume);
	tcase_add_test(cases, a_paused_vm_uses_no_processor);
	tcase_add_test(cases, pauses_nest);
	tcase_add_test(cases, a_vm_that_is_paused_before_it_runs_is_held_from_the_start);
	tcase_add_test(cases, a_stop_of_a_paused_vm_ends_it_at_the_resume);
	tcase_add_test(cases, ram_changes_while_the_vm_is_paused_and_not_while_it_runs);
	tcase_add_test(cases, a_vcpu_on_its_way_into_a_paused_loop_is_at_rest);
	tcase_add_test(cases, ranges_are_removed_from_a_paused_vm_without_waiting);
	tcase_add_test(cases, a_halted_vcpu_is_at_rest_and_stays_so);
	tcase_add_test(cases, a_stop_that_falls_while_settling_for_a_pause_is_not_lost);
	tcase_add_test(cases, an_exit_that_nobody_handles_while_settling_for_a_pause_is_told);
	tcase_add_test(cases, a_host_failure_while_settling_for_a_pause_ends_the_loop);
	tcase_add_test(cases, pauses_kicks_and_changes_of_many_threads_lose_nothing_and_end);
	tcase_add_test(cases, loops_that_begin_and_end_meet_pauses_and_removals);
}

RUN_SUITE("pause", add_tests)
