/* SPDX-License-Identifier: Apache-2.0 */
/*
 * ax_vm_stop() and ax_vm_run(): from handlers, threads and signal handlers; before, during and after a run.
 */
#include <signal.h>

#include "tests/unit/run_fixture.h"

static AxHandled stop_vm(AxVCpu *vcpu, void *opaque, uint64_t offset, AxAccessWidth width,
			 uint64_t value)
{
	(void)offset;
	(void)width;
	ax_vm_stop(ax_vcpu_vm(vcpu), (int)value - 3);
	return *(AxHandled *)opaque;
}

static void add_exit_port(AxVm *vm, AxHandled *verdict)
{
	static const AxRangeOps ops = { .size = sizeof(AxRangeOps), .write = stop_vm };
	AxRange range = AX_RANGE_INIT;

	range.base = 0x500;
	range.length = 1;
	range.ops = &ops;
	range.opaque = verdict;
	ck_assert_int_eq(ax_range_add_ports(vm, &range, NULL, NULL), 0);
}

START_TEST(a_stop_from_a_handler_ends_the_run_with_its_code)
{
	static const AxHandled verdicts[] = { AX_HANDLED, AX_STOP };
	AxHandled verdict = verdicts[_i];
	AxVm *vm = new_vm(AX_IRQCHIP_NONE);
	uint8_t byte = 1;
	AxVmResult result;

	add_exit_port(vm, &verdict);
	free_vcpu(vm, 0, 0);
	free_vcpu(vm, 1, 0);
	fake_push_port(1, 0x500, 1, 1, &byte);
	result = run_vm(vm);
	ck_assert_uint_eq(result.end, AX_VM_END_CODE);
	ck_assert_int_eq(result.code, -2);
	/* For ever: the VM is stopped. */
	result = run_vm(vm);
	ck_assert_uint_eq(result.end, AX_VM_END_CODE);
	ck_assert_int_eq(result.code, -2);
	ax_vm_destroy(vm);
}
END_TEST

static void *stop_with_5(void *arg)
{
	AxVm *vm = arg;

	wait_until(fake_entries(0) && fake_entries(1));
	ax_vm_stop(vm, 5);
	ax_vm_stop(vm, 6);
	return NULL;
}

START_TEST(of_two_stops_the_first_counts)
{
	AxVm *vm = new_vm(AX_IRQCHIP_NONE);
	pthread_t stopper;
	AxVmResult result;

	free_vcpu(vm, 0, 0);
	free_vcpu(vm, 1, 0);
	pthread_create(&stopper, NULL, stop_with_5, vm);
	result = run_vm(vm);
	pthread_join(stopper, NULL);
	ck_assert_uint_eq(result.end, AX_VM_END_CODE);
	ck_assert_int_eq(result.code, 5);
	ax_vm_destroy(vm);
}
END_TEST

static AxVm *signalled_vm;

static void on_alarm(int signal)
{
	(void)signal;
	ax_vm_stop(signalled_vm, INT32_MIN);
}

static int raise_alarm(struct kvm_run *run, void *arg)
{
	(void)arg;
	raise(SIGALRM);
	return fake_spin(run);
}

START_TEST(a_stop_from_a_signal_handler_ends_the_run)
{
	struct sigaction action = { .sa_handler = on_alarm };
	AxVmResult result;

	signalled_vm = new_vm(AX_IRQCHIP_NONE);
	sigaction(SIGALRM, &action, NULL);
	free_vcpu(signalled_vm, 0, 0);
	fake_push(0, raise_alarm, NULL);
	result = run_vm(signalled_vm);
	ck_assert_uint_eq(result.end, AX_VM_END_CODE);
	ck_assert_int_eq(result.code, INT32_MIN);
	ax_vm_destroy(signalled_vm);
}
END_TEST

START_TEST(a_stop_before_the_run_ends_it_at_once_without_an_entry)
{
	AxVm *vm = new_vm(AX_IRQCHIP_NONE);
	AxVmResult result;

	free_vcpu(vm, 0, 0);
	ax_vm_stop(vm, 9);
	free_vcpu(vm, 1, 0); /* also for vCPUs that are created after it */
	result = run_vm(vm);
	ck_assert_uint_eq(result.end, AX_VM_END_CODE);
	ck_assert_int_eq(result.code, 9);
	ck_assert_uint_eq(fake_entries(0) + fake_entries(1), 0);
	ax_vm_destroy(vm);
}
END_TEST

START_TEST(a_vcpu_created_after_a_stop_is_stopped)
{
	AxVm *vm = new_vm(AX_IRQCHIP_NONE);

	ax_vm_stop(vm, 9);
	free_vcpu(vm, 0, 0);
	ck_assert_int_eq(run_vm(vm).code, 9);
	ck_assert_uint_eq(fake_entries(0), 0);
	ax_vm_destroy(vm);
}
END_TEST

START_TEST(a_run_that_a_handler_ended_can_be_repeated)
{
	AxVm *vm = new_vm(AX_IRQCHIP_NONE);

	add_stop_port(vm);
	free_vcpu(vm, 0, 0);
	free_vcpu(vm, 1, 0);
	push_stop(0);
	ck_assert_uint_eq(run_vm(vm).vcpu, 0);
	push_stop(1);
	ck_assert_uint_eq(run_vm(vm).vcpu, 1);
	ck_assert_uint_eq(fake_steps_left(0) + fake_steps_left(1), 0);
	ax_vm_destroy(vm);
}
END_TEST

START_TEST(after_a_run_that_a_handler_ended_the_loop_is_not_stopped)
{
	AxVm *vm = new_vm(AX_IRQCHIP_NONE);
	AxVCpu *vcpu = free_vcpu(vm, 0, 0);
	AxVCpuExitReason exit;

	add_stop_port(vm);
	push_stop(0);
	run_vm(vm);
	fake_push_exit(0, KVM_EXIT_HLT);
	ck_assert_int_eq(ax_vcpu_bind(vcpu, AX_ANY_CPU, NULL), 0);
	ck_assert_int_eq(ax_vcpu_loop(vcpu, &exit, NULL), AX_LOOP_UNHANDLED);
	ck_assert_uint_eq(exit.kind, AX_EXIT_HALT);
	ax_vm_destroy(vm);
}
END_TEST

static void add_tests(TCase *cases)
{
	tcase_add_loop_test(cases, a_stop_from_a_handler_ends_the_run_with_its_code, 0, 2);
	tcase_add_test(cases, of_two_stops_the_first_counts);
	tcase_add_test(cases, a_stop_from_a_signal_handler_ends_the_run);
	tcase_add_test(cases, a_stop_before_the_run_ends_it_at_once_without_an_entry);
	tcase_add_test(cases, a_vcpu_created_after_a_stop_is_stopped);
	tcase_add_test(cases, a_run_that_a_handler_ended_can_be_repeated);
	tcase_add_test(cases, after_a_run_that_a_handler_ended_the_loop_is_not_stopped);
}

RUN_SUITE("vm_stop", add_tests)
