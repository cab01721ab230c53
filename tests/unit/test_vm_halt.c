/* SPDX-License-Identifier: Apache-2.0 */
/*
 * ax_vm_run() while vCPUs are halted or off: what wakes them, what does not, and when nothing can.
 */
#include "tests/unit/run_fixture.h"

static AxVm *vm;

static bool is_blocked(unsigned id)
{
	return ax_vcpu_state(ax_vm_vcpu(vm, id)) == AX_VCPU_BLOCKED;
}

/* Another thread's part in a test. */
struct helper {
	pthread_t thread;
	void (*fn)(void);
};

static void *helper_thread(void *arg)
{
	const struct helper *helper = arg;

	helper->fn();
	return NULL;
}

static AxVmResult run_with(void (*fn)(void))
{
	struct helper helper = { .fn = fn };
	AxVmResult result;

	ck_assert_int_eq(pthread_create(&helper.thread, NULL, helper_thread, &helper), 0);
	result = run_vm(vm);
	pthread_join(helper.thread, NULL);
	return result;
}

/* Kicks that reach a handler. */
static atomic_uint kicks;
static AxHandled kick_verdict;

static AxHandled count_kick(AxVCpu *vcpu, void *opaque, uint64_t vector)
{
	(void)vcpu;
	(void)opaque;
	(void)vector;
	atomic_fetch_add(&kicks, 1);
	return kick_verdict;
}

static void set_kick_handler(AxHandled verdict)
{
	static const AxEventOps ops = { .size = sizeof(AxEventOps), .interrupt = count_kick };

	kicks = 0;
	kick_verdict = verdict;
	ck_assert_int_eq(ax_event_set(vm, &ops, NULL, NULL), 0);
}

START_TEST(a_halt_with_interrupts_off_is_the_end)
{
	AxVmResult result;

	vm = new_vm(AX_IRQCHIP_NONE);
	free_vcpu(vm, 0, 0);
	push_halt(0, false);
	result = run_vm(vm);
	ck_assert_uint_eq(result.end, AX_VM_END_HALTED);
	ck_assert_uint_eq(result.vcpu, 0);
	ck_assert_uint_eq(result.exit.kind, AX_EXIT_HALT);
	ax_vm_destroy(vm);
}
END_TEST

START_TEST(halts_of_all_vcpus_with_interrupts_off_are_the_end)
{
	vm = new_vm(AX_IRQCHIP_NONE);
	for (unsigned i = 0; i < 4; i++) {
		free_vcpu(vm, i, 0);
		push_halt(i, false);
	}
	ck_assert_uint_eq(run_vm(vm).end, AX_VM_END_HALTED);
	ax_vm_destroy(vm);
}
END_TEST

START_TEST(vcpus_that_are_off_count_as_dead)
{
	vm = new_vm(AX_IRQCHIP_NONE);
	free_vcpu(vm, 0, 0);
	free_vcpu(vm, 1, AX_SETUP_POWERED_OFF);
	free_vcpu(vm, 2, AX_SETUP_POWERED_OFF);
	push_halt(0, false);
	ck_assert_uint_eq(run_vm(vm).end, AX_VM_END_HALTED);
	ck_assert_uint_eq(fake_entries(1) + fake_entries(2), 0);
	ax_vm_destroy(vm);
}
END_TEST

START_TEST(a_vm_all_of_whose_vcpus_are_off_ends_at_once)
{
	AxVmResult result;

	vm = new_vm(AX_IRQCHIP_NONE);
	free_vcpu(vm, 0, AX_SETUP_POWERED_OFF);
	free_vcpu(vm, 1, AX_SETUP_POWERED_OFF);
	result = run_vm(vm);
	ck_assert_uint_eq(result.end, AX_VM_END_HALTED);
	ck_assert_uint_eq(result.exit.kind, AX_EXIT_CPU_DOWN);
	ck_assert_uint_eq(fake_calls(KVM_RUN), 0);
	ax_vm_destroy(vm);
}
END_TEST

static void stop_once_all_wait(void)
{
	wait_until(is_blocked(0) && is_blocked(1));
	sleep_ms(20);
	ax_vm_stop(vm, 3);
}

START_TEST(a_halt_with_interrupts_on_may_last)
{
	AxVmResult result;

	vm = new_vm(AX_IRQCHIP_NONE);
	free_vcpu(vm, 0, 0);
	free_vcpu(vm, 1, 0);
	push_halt(0, true);
	push_halt(1, false);
	result = run_with(stop_once_all_wait);
	ck_assert_uint_eq(result.end, AX_VM_END_CODE);
	ck_assert_int_eq(result.code, 3);
	ax_vm_destroy(vm);
}
END_TEST

static void inject_once_halted(void)
{
	wait_until(is_blocked(0));
	ck_assert_int_eq(ax_vcpu_inject_interrupt(ax_vm_vcpu(vm, 0), 0x41, NULL), 0);
}

START_TEST(an_interrupt_ends_a_halt_and_is_delivered_first)
{
	vm = new_vm(AX_IRQCHIP_NONE);
	add_stop_port(vm);
	free_vcpu(vm, 0, 0);
	push_halt(0, true);
	push_stop(0);
	ck_assert_uint_eq(run_with(inject_once_halted).end, AX_VM_END_HANDLER);
	ck_assert_uint_eq(fake_calls(KVM_INTERRUPT), 1);
	ck_assert_uint_eq(FAKE_ARG(struct kvm_interrupt, KVM_INTERRUPT, 0)->irq, 0x41);
	ax_vm_destroy(vm);
}
END_TEST

START_TEST(an_interrupt_that_came_before_the_halt_ends_it)
{
	vm = new_vm(AX_IRQCHIP_NONE);
	add_stop_port(vm);
	ck_assert_int_eq(ax_vcpu_inject_interrupt(free_vcpu(vm, 0, 0), 0x41, NULL), 0);
	/* Not deliverable at the first entry: the guest's flag is off until it halts. */
	fake_run(0)->ready_for_interrupt_injection = 0;
	push_halt(0, true);
	push_stop(0);
	ck_assert_uint_eq(run_vm(vm).end, AX_VM_END_HANDLER);
	ck_assert_uint_eq(fake_calls(KVM_INTERRUPT), 1);
	ax_vm_destroy(vm);
}
END_TEST

/* Kick vCPU 0 often while it is halted; it must have stayed there. */
static void kick_the_halted(void)
{
	unsigned entries;

	wait_until(is_blocked(0));
	entries = fake_entries(0);
	for (unsigned i = 0; i < 50; i++) {
		ax_vcpu_kick(ax_vm_vcpu(vm, 0), i % 3);
		if (i % 7 == 0)
			sleep_ms(1);
	}
	wait_until(is_blocked(0) && kicks >= 3);
	ck_assert_uint_eq(fake_entries(0), entries);
	ax_vm_stop(vm, 4);
}

START_TEST(kicks_do_not_take_the_guest_past_its_halt)
{
	vm = new_vm(AX_IRQCHIP_NONE);
	set_kick_handler(AX_HANDLED);
	free_vcpu(vm, 0, 0);
	push_halt(0, true);
	ck_assert_int_eq(run_with(kick_the_halted).code, 4);
	ax_vm_destroy(vm);
}
END_TEST

START_TEST(kicks_that_nobody_handles_do_not_either)
{
	vm = new_vm(AX_IRQCHIP_NONE);
	set_kick_handler(AX_UNHANDLED);
	free_vcpu(vm, 0, 0);
	push_halt(0, true);
	ck_assert_int_eq(run_with(kick_the_halted).code, 4);
	ax_vm_destroy(vm);
}
END_TEST

/* As when a kick is taken from the bitmap before its kicker has come to post the request. */
static void post_an_empty_kick(void)
{
	unsigned entries;

	wait_until(is_blocked(0));
	entries = fake_entries(0);
	for (unsigned i = 0; i < 5; i++) {
		vcpu_request(ax_vm_vcpu(vm, 0), REQUEST_KICK);
		wait_until(!(atomic_load(&ax_vm_vcpu(vm, 0)->requests) & REQUEST_KICK));
	}
	wait_until(is_blocked(0));
	ck_assert_uint_eq(fake_entries(0), entries);
	ax_vm_stop(vm, 4);
}

START_TEST(the_request_of_a_kick_that_was_taken_already_does_not_end_a_halt)
{
	vm = new_vm(AX_IRQCHIP_NONE);
	free_vcpu(vm, 0, 0);
	push_halt(0, true);
	ck_assert_int_eq(run_with(post_an_empty_kick).code, 4);
	ax_vm_destroy(vm);
}
END_TEST

START_TEST(it_does_not_start_a_vcpu_that_is_off)
{
	vm = new_vm(AX_IRQCHIP_NONE);
	free_vcpu(vm, 0, AX_SETUP_POWERED_OFF);
	free_vcpu(vm, 1, 0); /* spins */
	ck_assert_int_eq(run_with(post_an_empty_kick).code, 4);
	ck_assert_uint_eq(fake_entries(0), 0);
	ax_vm_destroy(vm);
}
END_TEST

static void kick_once_halted(void)
{
	wait_until(is_blocked(0));
	ck_assert_int_eq(ax_vcpu_kick(ax_vm_vcpu(vm, 0), 99), 0);
}

START_TEST(a_kicks_handler_may_stop_the_run_of_a_halted_vcpu)
{
	AxVmResult result;

	vm = new_vm(AX_IRQCHIP_NONE);
	set_kick_handler(AX_STOP);
	free_vcpu(vm, 0, 0);
	push_halt(0, true);
	result = run_with(kick_once_halted);
	ck_assert_uint_eq(result.end, AX_VM_END_HANDLER);
	ck_assert_uint_eq(result.exit.kind, AX_EXIT_EXTERNAL_INTERRUPT);
	ck_assert_uint_eq(result.exit.external_interrupt.vector, 99);
	ax_vm_destroy(vm);
}
END_TEST

static AxHandled inject_on_kick(AxVCpu *vcpu, void *opaque, uint64_t vector)
{
	(void)opaque;
	ck_assert_int_eq(ax_vcpu_inject_interrupt(vcpu, (unsigned)vector, NULL), 0);
	return AX_HANDLED;
}

START_TEST(a_kicks_handler_may_inject_the_interrupt_that_ends_the_halt)
{
	static const AxEventOps ops = { .size = sizeof(AxEventOps), .interrupt = inject_on_kick };

	vm = new_vm(AX_IRQCHIP_NONE);
	add_stop_port(vm);
	ck_assert_int_eq(ax_event_set(vm, &ops, NULL, NULL), 0);
	free_vcpu(vm, 0, 0);
	push_halt(0, true);
	push_stop(0);
	ck_assert_uint_eq(run_with(kick_once_halted).end, AX_VM_END_HANDLER);
	ck_assert_uint_eq(FAKE_ARG(struct kvm_interrupt, KVM_INTERRUPT, 0)->irq, 99);
	ax_vm_destroy(vm);
}
END_TEST

/*
 * vCPU 0 is dead but has a kick to deal with when vCPU 1 dies too: not the end yet. Once the kick
 * has been dealt with and nothing came of it, it is.
 */
static atomic_bool one_is_dead, in_kick_handler;

static AxHandled kick_that_outlasts_vcpu_1(AxVCpu *vcpu, void *opaque, uint64_t vector)
{
	(void)vcpu;
	(void)opaque;
	(void)vector;
	in_kick_handler = true;
	wait_until(is_blocked(1));
	sleep_ms(20);
	/* Taken for dead while it was in here, the VM would be ending. */
	one_is_dead = !atomic_load(&vm->ending);
	return AX_HANDLED;
}

static int halt_when_vcpu_0_has_the_kick(struct kvm_run *run, void *arg)
{
	wait_until(is_blocked(0));
	ck_assert_int_eq(ax_vcpu_kick(ax_vm_vcpu(vm, 0), 1), 0);
	wait_until(in_kick_handler);
	return halt_step(run, arg);
}

START_TEST(a_dead_vcpu_that_deals_with_a_kick_is_alive_and_dead_again_afterwards)
{
	static const AxEventOps ops = { .size = sizeof(AxEventOps),
					.interrupt = kick_that_outlasts_vcpu_1 };

	vm = new_vm(AX_IRQCHIP_NONE);
	ck_assert_int_eq(ax_event_set(vm, &ops, NULL, NULL), 0);
	free_vcpu(vm, 0, 0);
	free_vcpu(vm, 1, 0);
	push_halt(0, false);
	fake_push(1, halt_when_vcpu_0_has_the_kick, NULL);
	ck_assert_uint_eq(run_vm(vm).end, AX_VM_END_HALTED);
	ck_assert(one_is_dead);
	ax_vm_destroy(vm);
}
END_TEST

/* The same with a vCPU that is off, and a handler that starts it. */
static AxHandled start_on_kick(AxVCpu *vcpu, void *opaque, uint64_t vector)
{
	(void)opaque;
	(void)vector;
	in_kick_handler = true;
	wait_until(is_blocked(1));
	sleep_ms(20);
	ck_assert_int_eq(ax_vcpu_start(vcpu, 0x3000, 0, NULL), 0);
	return AX_HANDLED;
}

START_TEST(a_vcpu_that_is_off_may_be_started_by_its_kicks_handler)
{
	static const AxEventOps ops = { .size = sizeof(AxEventOps), .interrupt = start_on_kick };
	struct kvm_sregs sregs;

	vm = new_vm(AX_IRQCHIP_NONE);
	add_stop_port(vm);
	ck_assert_int_eq(ax_event_set(vm, &ops, NULL, NULL), 0);
	free_vcpu(vm, 0, AX_SETUP_POWERED_OFF);
	free_vcpu(vm, 1, 0);
	push_stop(0);
	fake_push(1, halt_when_vcpu_0_has_the_kick, NULL);
	ck_assert_uint_eq(run_vm(vm).end, AX_VM_END_HANDLER);
	ck_assert(fake_get_state(0, KVM_GET_SREGS, &sregs, sizeof(sregs)));
	ck_assert_uint_eq(sregs.cs.base, 0x3000);
	ax_vm_destroy(vm);
}
END_TEST

/* Power handlers. */

static AxHandled off_by_write(AxVCpu *vcpu, void *opaque, uint64_t offset, AxAccessWidth width,
			      uint64_t value)
{
	(void)opaque;
	(void)offset;
	(void)width;
	(void)value;
	ck_assert_int_eq(ax_vcpu_power_off(vcpu, NULL), 0);
	return AX_HANDLED;
}

static void start_twice_once_off(void)
{
	for (unsigned i = 0; i < 2; i++) {
		unsigned entries;

		wait_until(atomic_load(&ax_vm_vcpu(vm, 0)->powered_off) && is_blocked(0));
		entries = fake_entries(0);
		sleep_ms(10);
		ck_assert_uint_eq(fake_entries(0), entries);
		ck_assert_int_eq(ax_vcpu_start(ax_vm_vcpu(vm, 0), 0x7000, 0, NULL), 0);
		wait_until(fake_entries(0) > entries);
	}
}

START_TEST(a_handler_may_power_its_vcpu_off_and_another_thread_start_it)
{
	static const AxRangeOps ops = { .size = sizeof(AxRangeOps), .write = off_by_write };
	AxRange range = AX_RANGE_INIT;
	uint8_t byte = 0;

	vm = new_vm(AX_IRQCHIP_NONE);
	add_stop_port(vm);
	range.base = 0x700;
	range.length = 1;
	range.ops = &ops;
	ck_assert_int_eq(ax_range_add_ports(vm, &range, NULL, NULL), 0);
	free_vcpu(vm, 0, 0);
	free_vcpu(vm, 1, 0); /* spins, so that the VM is not dead */
	/* Twice: by dispatch and on the fast path. */
	fake_push_port(0, 0x700, 1, 1, &byte);
	fake_push_port(0, 0x700, 1, 1, &byte);
	push_stop(0);
	ck_assert_uint_eq(run_with(start_twice_once_off).end, AX_VM_END_HANDLER);
	ax_vm_destroy(vm);
}
END_TEST

static AxHandled halt_handled(AxVCpu *vcpu, void *opaque)
{
	(void)vcpu;
	atomic_fetch_add((atomic_uint *)opaque, 1);
	return AX_HANDLED;
}

START_TEST(a_halt_that_a_handler_takes_is_entered_again)
{
	static const AxPowerOps ops = { .size = sizeof(AxPowerOps), .halt = halt_handled };
	atomic_uint halts = 0;

	vm = new_vm(AX_IRQCHIP_NONE);
	add_stop_port(vm);
	ck_assert_int_eq(ax_power_set(vm, &ops, &halts, NULL), 0);
	free_vcpu(vm, 0, 0);
	push_halt(0, false);
	push_halt(0, false);
	push_stop(0);
	ck_assert_uint_eq(run_vm(vm).end, AX_VM_END_HANDLER);
	ck_assert_uint_eq(halts, 2);
	ax_vm_destroy(vm);
}
END_TEST

static void add_tests(TCase *cases)
{
	tcase_add_test(cases, a_halt_with_interrupts_off_is_the_end);
	tcase_add_test(cases, halts_of_all_vcpus_with_interrupts_off_are_the_end);
	tcase_add_test(cases, vcpus_that_are_off_count_as_dead);
	tcase_add_test(cases, a_vm_all_of_whose_vcpus_are_off_ends_at_once);
	tcase_add_test(cases, a_halt_with_interrupts_on_may_last);
	tcase_add_test(cases, an_interrupt_ends_a_halt_and_is_delivered_first);
	tcase_add_test(cases, an_interrupt_that_came_before_the_halt_ends_it);
	tcase_add_test(cases, kicks_do_not_take_the_guest_past_its_halt);
	tcase_add_test(cases, kicks_that_nobody_handles_do_not_either);
	tcase_add_test(cases, the_request_of_a_kick_that_was_taken_already_does_not_end_a_halt);
	tcase_add_test(cases, it_does_not_start_a_vcpu_that_is_off);
	tcase_add_test(cases, a_kicks_handler_may_stop_the_run_of_a_halted_vcpu);
	tcase_add_test(cases, a_kicks_handler_may_inject_the_interrupt_that_ends_the_halt);
	tcase_add_test(cases,
		       a_dead_vcpu_that_deals_with_a_kick_is_alive_and_dead_again_afterwards);
	tcase_add_test(cases, a_vcpu_that_is_off_may_be_started_by_its_kicks_handler);
	tcase_add_test(cases, a_handler_may_power_its_vcpu_off_and_another_thread_start_it);
	tcase_add_test(cases, a_halt_that_a_handler_takes_is_entered_again);
}

RUN_SUITE("vm_halt", add_tests)
