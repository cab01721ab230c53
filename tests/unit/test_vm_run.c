/* SPDX-License-Identifier: Apache-2.0 */
/*
 * ax_vm_run(): threads, how a run ends, and who decides.
 */
#include <dirent.h>
#include <signal.h>
#include <stdio.h>

#include "tests/unit/run_fixture.h"

/* Threads of vCPUs that there are in this process. */
static unsigned thread_count(void)
{
	DIR *tasks = opendir("/proc/self/task");
	unsigned count = 0;

	ck_assert_ptr_nonnull(tasks);
	for (struct dirent *entry = readdir(tasks); entry; entry = readdir(tasks)) {
		char path[300], name[16] = "";
		FILE *file;

		snprintf(path, sizeof(path), "/proc/self/task/%s/comm", entry->d_name);
		file = fopen(path, "r");
		if (!file)
			continue;
		if (fgets(name, sizeof(name), file) && !strncmp(name, "ax-vcpu", 7))
			count++;
		fclose(file);
	}
	closedir(tasks);
	return count;
}

/* What a vCPU's thread is like. */
struct thread_facts {
	pthread_t self;
	char name[16];
	sigset_t mask;
};

static int note_thread(struct kvm_run *run, void *arg)
{
	struct thread_facts *facts = arg;

	facts->self = pthread_self();
	pthread_getname_np(pthread_self(), facts->name, sizeof(facts->name));
	pthread_sigmask(SIG_SETMASK, NULL, &facts->mask);
	run->exit_reason = KVM_EXIT_INTR;
	return 0;
}

static void *inject_when_all_wait(void *arg)
{
	AxVm *vm = arg;

	wait_until(ax_vcpu_state(ax_vm_vcpu(vm, 0)) == AX_VCPU_BLOCKED &&
		   ax_vcpu_state(ax_vm_vcpu(vm, 1)) == AX_VCPU_BLOCKED);
	ck_assert_uint_eq(thread_count(), 1); /* vCPU 0's is the test's own */
	ck_assert_int_eq(ax_vcpu_inject_interrupt(ax_vm_vcpu(vm, 0), 0x30, NULL), 0);
	return NULL;
}

START_TEST(the_first_vcpu_runs_on_the_callers_thread_and_others_on_named_ones_without_signals)
{
	AxVm *vm = new_vm(AX_IRQCHIP_NONE);
	struct thread_facts facts[2];
	pthread_t injector;
	sigset_t before, after;

	add_stop_port(vm);
	for (unsigned i = 0; i < 2; i++) {
		free_vcpu(vm, i, 0);
		fake_push(i, note_thread, &facts[i]);
		push_halt(i, true);
	}
	push_stop(0);
	pthread_sigmask(SIG_SETMASK, NULL, &before);
	pthread_create(&injector, NULL, inject_when_all_wait, vm);
	run_vm(vm);
	pthread_join(injector, NULL);
	pthread_sigmask(SIG_SETMASK, NULL, &after);

	ck_assert(pthread_equal(facts[0].self, pthread_self()));
	ck_assert(!pthread_equal(facts[1].self, pthread_self()));
	ck_assert_str_eq(facts[1].name, "ax-vcpu1");
	ck_assert(!sigismember(&facts[1].mask, SIGRTMIN + 3));
	ck_assert(sigismember(&facts[1].mask, SIGINT));
	ck_assert(sigismember(&facts[1].mask, SIGRTMIN + 4));
	ck_assert(!sigismember(&facts[0].mask, SIGINT));
	ck_assert_mem_eq(&before, &after, 8); /* the kernel's part of sigset_t */
	wait_until(!thread_count());	      /* joined ones may be seen for a moment */
	ax_vm_destroy(vm);
}
END_TEST

START_TEST(a_handlers_stop_ends_the_run_and_joins_all_threads)
{
	AxVm *vm = new_vm(AX_IRQCHIP_NONE);
	AxVmResult result;

	add_stop_port(vm);
	for (unsigned i = 0; i < 4; i++)
		free_vcpu(vm, 10 + i, 0);
	push_stop(2); /* the others spin */
	result = run_vm(vm);
	ck_assert_uint_eq(result.end, AX_VM_END_HANDLER);
	ck_assert_uint_eq(result.vcpu, 12);
	ck_assert_uint_eq(result.exit.kind, AX_EXIT_IO_WRITE);
	ck_assert_uint_eq(result.exit.vcpu, 12);
	ck_assert_uint_eq(result.exit.io_write.data, 0x2a);
	wait_until(!thread_count()); /* joined ones may be seen for a moment */
	for (unsigned i = 0; i < 4; i++)
		ck_assert_int_eq(ax_vcpu_state(ax_vm_vcpu_at(vm, i)), AX_VCPU_FREE);
	ax_vm_destroy(vm);
}
END_TEST

/* Exits that end a run when nobody handles them. */
static const struct {
	uint32_t reason;
	uint32_t kind;
} final_exits[] = {
	{ KVM_EXIT_UNKNOWN, AX_EXIT_UNSUPPORTED },
	{ KVM_EXIT_DEBUG, AX_EXIT_DEBUG },
	{ KVM_EXIT_SHUTDOWN, AX_EXIT_SYSTEM_DOWN },
	{ KVM_EXIT_FAIL_ENTRY, AX_EXIT_FAIL_ENTRY },
	{ KVM_EXIT_INTERNAL_ERROR, AX_EXIT_INTERNAL_ERROR },
	{ KVM_EXIT_HYPERCALL, AX_EXIT_HYPERCALL },
	{ KVM_EXIT_MEMORY_FAULT, AX_EXIT_NESTED_PAGE_FAULT },
};

START_TEST(an_exit_that_nobody_handles_ends_the_run)
{
	AxVm *vm = new_vm(AX_IRQCHIP_NONE);
	AxVmResult result;

	free_vcpu(vm, 0, 0);
	free_vcpu(vm, 1, 0);
	fake_push_exit(1, final_exits[_i].reason);
	result = run_vm(vm);
	ck_assert_uint_eq(result.end, AX_VM_END_EXIT);
	ck_assert_uint_eq(result.vcpu, 1);
	ck_assert_uint_eq(result.exit.kind, final_exits[_i].kind);
	ax_vm_destroy(vm);
}
END_TEST

START_TEST(an_unclaimed_access_ends_the_run_only_when_the_option_says_so)
{
	AxVm *vm = new_strict_vm(AX_IRQCHIP_NONE);
	AxVmResult result;

	free_vcpu(vm, 0, 0);
	fake_push_mmio_read(0, 0x1000, 4);
	result = run_vm(vm);
	ck_assert_uint_eq(result.end, AX_VM_END_EXIT);
	ck_assert_uint_eq(result.exit.kind, AX_EXIT_MMIO_READ);
	ck_assert_uint_eq(result.exit.mmio_read.addr, 0x1000);
	ax_vm_destroy(vm);

	vm = new_vm(AX_IRQCHIP_NONE);
	free_vcpu(vm, 0, 0);
	fake_push_mmio_read(1, 0x1000, 4);
	fake_push_exit(1, KVM_EXIT_SHUTDOWN);
	result = run_vm(vm);
	ck_assert_uint_eq(result.exit.kind, AX_EXIT_SYSTEM_DOWN);
	ax_vm_destroy(vm);
}
END_TEST

START_TEST(the_end_of_a_suspend_does_not_end_the_run)
{
	AxVm *vm = new_vm(AX_IRQCHIP_NONE);
	struct kvm_run wakeup = { .exit_reason = KVM_EXIT_SYSTEM_EVENT };
	AxVmResult result;

	wakeup.system_event.type = KVM_SYSTEM_EVENT_WAKEUP;
	free_vcpu(vm, 0, 0);
	fake_push_run(0, &wakeup);
	fake_push_exit(0, KVM_EXIT_SHUTDOWN);
	result = run_vm(vm);
	ck_assert_uint_eq(result.exit.system_down.cause, AX_DOWN_TRIPLE_FAULT);
	ck_assert_uint_eq(fake_steps_left(0), 0);
	ax_vm_destroy(vm);
}
END_TEST

START_TEST(an_eoi_and_a_kick_that_nobody_wants_do_not_end_the_run)
{
	AxVm *vm = new_vm(AX_IRQCHIP_NONE);
	AxVCpu *vcpu = free_vcpu(vm, 0, 0);
	uint64_t counts[AX_EXIT_KINDS];

	ck_assert_int_eq(ax_vcpu_kick(vcpu, 7), 0);
	fake_push_exit(0, KVM_EXIT_IOAPIC_EOI);
	fake_push_exit(0, KVM_EXIT_SHUTDOWN);
	ck_assert_uint_eq(run_vm(vm).exit.kind, AX_EXIT_SYSTEM_DOWN);
	ax_vcpu_exit_counts(vcpu, counts);
	ck_assert_uint_eq(counts[AX_EXIT_EXTERNAL_INTERRUPT], 1);
	ck_assert_uint_eq(counts[AX_EXIT_IRQ_EOI], 1);
	ax_vm_destroy(vm);
}
END_TEST

START_TEST(a_failure_of_the_host_ends_the_run_with_its_errno_and_message)
{
	AxVm *vm = new_vm(AX_IRQCHIP_NONE);
	AxVmResult result = AX_VM_RESULT_INIT;
	AxError err = AX_ERROR_INIT;

	free_vcpu(vm, 0, 0);
	free_vcpu(vm, 1, 0);
	fake_push_errno(1, ENOMEM);
	ck_assert_int_eq(ax_vm_run(vm, &result, &err), -ENOMEM);
	ck_assert_int_eq(err.os_errno, ENOMEM);
	ck_assert_ptr_nonnull(strstr(err.message, "KVM_RUN"));
	ck_assert_uint_eq(result.vcpu, 1);
	wait_until(!thread_count()); /* joined ones may be seen for a moment */
	ck_assert_int_eq(ax_vcpu_state(ax_vm_vcpu(vm, 0)), AX_VCPU_FREE);
	ax_vm_destroy(vm);
}
END_TEST

START_TEST(nobody_need_look_at_result_or_error)
{
	AxVm *vm = new_vm(AX_IRQCHIP_NONE);

	free_vcpu(vm, 0, 0);
	fake_push_errno(0, ENOMEM);
	ck_assert_int_eq(ax_vm_run(vm, NULL, NULL), -ENOMEM);
	fake_push_exit(0, KVM_EXIT_SHUTDOWN);
	ck_assert_int_eq(ax_vm_run(vm, NULL, NULL), 0);
	ax_vm_destroy(vm);
}
END_TEST

START_TEST(of_many_ends_one_is_told_whole)
{
	AxVm *vm = new_vm(AX_IRQCHIP_NONE);
	AxVmResult result;

	add_stop_port(vm);
	for (unsigned i = 0; i < 4; i++) {
		uint8_t byte = (uint8_t)(0x10 + i);

		free_vcpu(vm, i, 0);
		fake_push_port(i, STOP_PORT, 1, 1, &byte);
	}
	result = run_vm(vm);
	ck_assert_uint_eq(result.end, AX_VM_END_HANDLER);
	ck_assert_uint_lt(result.vcpu, 4);
	ck_assert_uint_eq(result.exit.vcpu, result.vcpu);
	ck_assert_uint_eq(result.exit.io_write.data, 0x10 + result.vcpu);
	ax_vm_destroy(vm);
}
END_TEST

static int shut_down_when_ending(struct kvm_run *run, void *arg)
{
	AxVm *vm = arg;

	wait_until(atomic_load(&vm->ending));
	run->exit_reason = KVM_EXIT_SHUTDOWN;
	return 0;
}

static int when_0_and_2_run(struct kvm_run *run, void *arg)
{
	(void)arg;
	wait_until(fake_entries(0) && fake_entries(2));
	run->exit_reason = KVM_EXIT_INTR;
	return 0;
}

START_TEST(the_first_end_counts)
{
	AxVm *vm = new_vm(AX_IRQCHIP_NONE);
	AxVmResult result;

	add_stop_port(vm);
	for (unsigned i = 0; i < 3; i++)
		free_vcpu(vm, i, 0);
	fake_push(0, shut_down_when_ending, vm);
	fake_push(1, when_0_and_2_run, NULL);
	push_stop(1);
	fake_push(2, shut_down_when_ending, vm);
	result = run_vm(vm);
	ck_assert_uint_eq(result.end, AX_VM_END_HANDLER);
	ck_assert_uint_eq(result.vcpu, 1);
	ck_assert_uint_eq(fake_steps_left(0) + fake_steps_left(2), 0);
	ax_vm_destroy(vm);
}
END_TEST

START_TEST(registers_are_exact_after_a_run)
{
	AxVm *vm = new_vm(AX_IRQCHIP_NONE);
	AxVCpu *vcpu = free_vcpu(vm, 0, 0);
	struct fake_completion done;
	uint64_t rip;

	add_stop_port(vm);
	fake_push_port(0, STOP_PORT, 1, 1, NULL); /* a read, answered with AX_STOP */
	run_vm(vm);
	fake_completed(0, &done);
	ck_assert_uint_eq(done.count, 1);
	ck_assert_uint_eq(done.port[0], 0x5a);
	ck_assert_int_eq(ax_vcpu_get_reg(vcpu, "rip", &rip, NULL), 0);
	ax_vm_destroy(vm);
}
END_TEST

START_TEST(the_second_half_of_the_last_access_is_dispatched_before_the_run_returns)
{
	AxVm *vm = new_vm(AX_IRQCHIP_NONE);
	AxVCpu *vcpu = free_vcpu(vm, 0, 0);
	uint64_t counts[AX_EXIT_KINDS];

	add_stop_port(vm);
	push_stop(0);
	fake_push_half_mmio(0, 0x9000, 2, true, 1);
	ck_assert_uint_eq(run_vm(vm).exit.kind, AX_EXIT_IO_WRITE);
	ck_assert_uint_eq(fake_steps_left(0), 0);
	ax_vcpu_exit_counts(vcpu, counts);
	ck_assert_uint_eq(counts[AX_EXIT_MMIO_WRITE], 1);
	ax_vm_destroy(vm);
}
END_TEST

/* Refusals. */

START_TEST(a_vm_without_vcpus_does_not_run)
{
	AxVm *vm = new_vm(AX_IRQCHIP_NONE);
	AxError err;

	ck_assert_fails(ax_vm_run(vm, NULL, &err), -EPERM, AX_ERROR_STATE, "no vCPU");
	ax_vm_destroy(vm);
}
END_TEST

START_TEST(a_vcpu_that_is_not_free_keeps_the_vm_from_running)
{
	AxVm *vm = new_vm(AX_IRQCHIP_NONE);
	AxVCpu *vcpu = free_vcpu(vm, 0, 0);
	AxError err;

	new_vcpu(vm, 1);
	ck_assert_fails(ax_vm_run(vm, NULL, &err), -EPERM, AX_ERROR_STATE, "ax_vcpu_setup()");
	ck_assert_int_eq(ax_vcpu_bind(vcpu, AX_ANY_CPU, NULL), 0);
	ck_assert_fails(ax_vm_run(vm, NULL, &err), -EPERM, AX_ERROR_STATE, "vCPU 0 is Ready");
	ck_assert_uint_eq(fake_calls(KVM_RUN), 0);
	ax_vm_destroy(vm);
}
END_TEST

START_TEST(a_result_without_its_size_is_refused)
{
	AxVm *vm = new_vm(AX_IRQCHIP_NONE);
	AxVmResult result = { 0 };
	AxError err;

	free_vcpu(vm, 0, 0);
	ck_assert_fails(ax_vm_run(vm, &result, &err), -EINVAL, AX_ERROR_ARGUMENT,
			"AX_VM_RESULT_INIT");
	ck_assert_uint_eq(fake_calls(KVM_RUN), 0);
	ax_vm_destroy(vm);
}
END_TEST

static int nested_ret;

static AxHandled run_again(AxVCpu *vcpu, void *opaque, uint64_t offset, AxAccessWidth width,
			   uint64_t value)
{
	(void)opaque;
	(void)offset;
	(void)width;
	(void)value;
	nested_ret = ax_vm_run(ax_vcpu_vm(vcpu), NULL, NULL);
	return AX_STOP;
}

START_TEST(a_handler_cannot_run_its_vm)
{
	static const AxRangeOps ops = { .size = sizeof(AxRangeOps), .write = run_again };
	AxVm *vm = new_vm(AX_IRQCHIP_NONE);
	AxRange range = AX_RANGE_INIT;
	uint8_t byte = 0;

	range.base = 0x600;
	range.length = 1;
	range.ops = &ops;
	ck_assert_int_eq(ax_range_add_ports(vm, &range, NULL, NULL), 0);
	free_vcpu(vm, 0, 0);
	fake_push_port(0, 0x600, 1, 1, &byte);
	ck_assert_uint_eq(run_vm(vm).end, AX_VM_END_HANDLER);
	ck_assert_int_eq(nested_ret, -EPERM);
	ax_vm_destroy(vm);
}
END_TEST

static void *run_at_the_same_time(void *arg)
{
	AxVm *vm = arg;
	AxError err;

	wait_until(ax_vcpu_state(ax_vm_vcpu(vm, 0)) == AX_VCPU_RUNNING);
	ck_assert_fails(ax_vm_run(vm, NULL, &err), -EPERM, AX_ERROR_STATE, "vCPU");
	ax_vm_stop(vm, 1);
	return NULL;
}

START_TEST(two_threads_cannot_run_a_vm_at_once)
{
	AxVm *vm = new_vm(AX_IRQCHIP_NONE);
	pthread_t other;

	free_vcpu(vm, 0, 0);
	pthread_create(&other, NULL, run_at_the_same_time, vm);
	ck_assert_int_eq(run_vm(vm).code, 1);
	pthread_join(other, NULL);
	ax_vm_destroy(vm);
}
END_TEST

static void add_tests(TCase *cases)
{
	tcase_add_test(
		cases,
		the_first_vcpu_runs_on_the_callers_thread_and_others_on_named_ones_without_signals);
	tcase_add_test(cases, a_handlers_stop_ends_the_run_and_joins_all_threads);
	tcase_add_loop_test(cases, an_exit_that_nobody_handles_ends_the_run, 0,
			    sizeof(final_exits) / sizeof(final_exits[0]));
	tcase_add_test(cases, an_unclaimed_access_ends_the_run_only_when_the_option_says_so);
	tcase_add_test(cases, the_end_of_a_suspend_does_not_end_the_run);
	tcase_add_test(cases, an_eoi_and_a_kick_that_nobody_wants_do_not_end_the_run);
	tcase_add_test(cases, a_failure_of_the_host_ends_the_run_with_its_errno_and_message);
	tcase_add_test(cases, nobody_need_look_at_result_or_error);
	tcase_add_test(cases, of_many_ends_one_is_told_whole);
	tcase_add_test(cases, the_first_end_counts);
	tcase_add_test(cases, registers_are_exact_after_a_run);
	tcase_add_test(cases,
		       the_second_half_of_the_last_access_is_dispatched_before_the_run_returns);
	tcase_add_test(cases, a_vm_without_vcpus_does_not_run);
	tcase_add_test(cases, a_vcpu_that_is_not_free_keeps_the_vm_from_running);
	tcase_add_test(cases, a_result_without_its_size_is_refused);
	tcase_add_test(cases, a_handler_cannot_run_its_vm);
	tcase_add_test(cases, two_threads_cannot_run_a_vm_at_once);
}

RUN_SUITE("vm_run", add_tests)
