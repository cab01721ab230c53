/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Handlers of power and events; locks around a range's ops.
 */
#include "tests/unit/run_fixture.h"

static AxVm *vm;
static AxVCpu *vcpu;

static void make_vm(void)
{
	vm = new_strict_vm(AX_IRQCHIP_NONE);
	add_stop_port(vm);
}

static int loop(AxVCpuExitReason *exit)
{
	return ax_vcpu_loop(vcpu, exit, NULL);
}

/* Power and events: one handler for all of them, and what it saw. */

struct seen {
	const char *call;
	uint64_t a, b, c;
	AxHandled verdict;
};

static AxHandled see(void *opaque, const char *call, uint64_t a, uint64_t b, uint64_t c)
{
	struct seen *seen = opaque;

	seen->call = call;
	seen->a = a;
	seen->b = b;
	seen->c = c;
	return seen->verdict;
}

static AxHandled see_cpu_up(AxVCpu *caller, void *opaque, uint64_t target, AxGuestPhysAddr entry,
			    uint64_t arg)
{
	(void)caller;
	return see(opaque, "cpu_up", target, entry, arg);
}

static AxHandled see_cpu_down(AxVCpu *caller, void *opaque, uint64_t state)
{
	(void)caller;
	return see(opaque, "cpu_down", state, 0, 0);
}

static AxHandled see_system_down(AxVCpu *caller, void *opaque, const AxVCpuExitReason *exit)
{
	(void)caller;
	return see(opaque, "system_down", exit->system_down.cause, 0, 0);
}

static AxHandled see_halt(AxVCpu *caller, void *opaque)
{
	(void)caller;
	return see(opaque, "halt", 0, 0, 0);
}

static AxHandled see_page_fault(AxVCpu *caller, void *opaque, const AxVCpuExitReason *exit)
{
	(void)caller;
	return see(opaque, "page_fault", exit->nested_page_fault.addr_known, 0, 0);
}

static AxHandled see_interrupt(AxVCpu *caller, void *opaque, uint64_t vector)
{
	(void)caller;
	return see(opaque, "interrupt", vector, 0, 0);
}

static AxHandled see_send_ipi(AxVCpu *caller, void *opaque, const AxVCpuExitReason *exit)
{
	(void)caller;
	return see(opaque, "send_ipi", exit->send_ipi.vector, 0, 0);
}

static AxHandled see_irq_eoi(AxVCpu *caller, void *opaque, uint8_t vector)
{
	(void)caller;
	return see(opaque, "irq_eoi", vector, 0, 0);
}

static const AxPowerOps all_power = { .size = sizeof(AxPowerOps),
				      .cpu_up = see_cpu_up,
				      .cpu_down = see_cpu_down,
				      .system_down = see_system_down,
				      .halt = see_halt };
static const AxEventOps all_events = { .size = sizeof(AxEventOps),
				       .page_fault = see_page_fault,
				       .interrupt = see_interrupt,
				       .send_ipi = see_send_ipi,
				       .irq_eoi = see_irq_eoi };
static const AxPowerOps no_power = { .size = sizeof(AxPowerOps) };
static const AxEventOps no_events = { .size = sizeof(AxEventOps) };

/* Every exit that goes to one of them, and what the handler is given. */
static const struct {
	AxVCpuExitReason exit;
	const char *call;
	uint64_t a, b, c;
} powers[] = {
	{ { .kind = AX_EXIT_CPU_UP, .cpu_up = { .target_cpu = 1, .entry_point = 2, .arg = 3 } },
	  "cpu_up",
	  1,
	  2,
	  3 },
	{ { .kind = AX_EXIT_CPU_DOWN, .cpu_down = { .state = 4 } }, "cpu_down", 4, 0, 0 },
	{ { .kind = AX_EXIT_SYSTEM_DOWN, .system_down = { .cause = 5 } }, "system_down", 5, 0, 0 },
	{ { .kind = AX_EXIT_HALT }, "halt", 0, 0, 0 },
	{ { .kind = AX_EXIT_NESTED_PAGE_FAULT, .nested_page_fault = { .addr_known = true } },
	  "page_fault",
	  1,
	  0,
	  0 },
	{ { .kind = AX_EXIT_EXTERNAL_INTERRUPT, .external_interrupt = { .vector = 6 } },
	  "interrupt",
	  6,
	  0,
	  0 },
	{ { .kind = AX_EXIT_SEND_IPI, .send_ipi = { .vector = 7 } }, "send_ipi", 7, 0, 0 },
	{ { .kind = AX_EXIT_IRQ_EOI, .irq_eoi = { .vector = 8 } }, "irq_eoi", 8, 0, 0 },
};

START_TEST(each_event_reaches_its_own_handler_with_its_own_opaque)
{
	struct seen power = { 0 }, event = { 0 };
	struct seen *seen = _i < 4 ? &power : &event;

	make_vm();
	vcpu = ready_vcpu(vm, 0);
	/* Nobody. */
	ck_assert_int_eq(ax_vcpu_dispatch(vcpu, &powers[_i].exit), AX_UNHANDLED);
	/* Somebody without this member. */
	ck_assert_int_eq(ax_power_set(vm, &no_power, &power, NULL), 0);
	ck_assert_int_eq(ax_event_set(vm, &no_events, &event, NULL), 0);
	ck_assert_int_eq(ax_vcpu_dispatch(vcpu, &powers[_i].exit), AX_UNHANDLED);
	/* The one. */
	ck_assert_int_eq(ax_power_set(vm, &all_power, &power, NULL), 0);
	ck_assert_int_eq(ax_event_set(vm, &all_events, &event, NULL), 0);
	for (unsigned verdict = AX_HANDLED; verdict <= AX_STOP; verdict++) {
		seen->verdict = (AxHandled)verdict;
		ck_assert_int_eq(ax_vcpu_dispatch(vcpu, &powers[_i].exit), (int)verdict);
		ck_assert_str_eq(seen->call, powers[_i].call);
		ck_assert_uint_eq(seen->a, powers[_i].a);
		ck_assert_uint_eq(seen->b, powers[_i].b);
		ck_assert_uint_eq(seen->c, powers[_i].c);
	}
	/* And away again. */
	ck_assert_int_eq(ax_power_set(vm, NULL, NULL, NULL), 0);
	ck_assert_int_eq(ax_event_set(vm, NULL, NULL, NULL), 0);
	ck_assert_int_eq(ax_vcpu_dispatch(vcpu, &powers[_i].exit), AX_UNHANDLED);
	ax_vm_destroy(vm);
}
END_TEST

START_TEST(a_page_fault_that_was_mended_is_tried_again)
{
	struct seen event = { .verdict = AX_HANDLED };
	AxVCpuExitReason exit;

	make_vm();
	ck_assert_int_eq(ax_event_set(vm, &all_events, &event, NULL), 0);
	vcpu = ready_vcpu(vm, 0);
	fake_push_errno(0, EFAULT);
	push_stop(0);
	ck_assert_int_eq(loop(&exit), AX_LOOP_STOPPED);
	ck_assert_str_eq(event.call, "page_fault");
	ax_vm_destroy(vm);
}
END_TEST

/* Kinds that have no handler at all, and numbers that are no kind. */
static const uint32_t callers_own[] = { AX_EXIT_FAIL_ENTRY,  AX_EXIT_INTERNAL_ERROR, AX_EXIT_DEBUG,
					AX_EXIT_UNSUPPORTED, AX_EXIT_KINDS,	     UINT32_MAX };

START_TEST(some_exits_are_always_the_loops_callers)
{
	AxVCpuExitReason exit = { .kind = callers_own[_i] };

	make_vm();
	vcpu = ready_vcpu(vm, 0);
	ck_assert_int_eq(ax_vcpu_dispatch(vcpu, &exit), AX_UNHANDLED);
	exit.kind = AX_EXIT_NOTHING;
	ck_assert_int_eq(ax_vcpu_dispatch(vcpu, &exit), AX_HANDLED);
	ax_vm_destroy(vm);
}
END_TEST

START_TEST(ops_without_their_size_are_refused)
{
	static const AxPowerOps power = { 0 };
	static const AxEventOps event = { 0 };
	AxError err;

	make_vm();
	ck_assert_fails(ax_power_set(vm, &power, NULL, &err), -EINVAL, AX_ERROR_ARGUMENT,
			"AxPowerOps.size");
	ck_assert_fails(ax_event_set(vm, &event, NULL, &err), -EINVAL, AX_ERROR_ARGUMENT,
			"AxEventOps.size");
	ax_vm_destroy(vm);
}
END_TEST

static int set_in_loop[2];

static AxHandled set_handlers(AxVCpu *caller, void *opaque, uint64_t offset, AxAccessWidth width,
			      uint64_t value)
{
	(void)caller;
	(void)opaque;
	(void)offset;
	(void)width;
	(void)value;
	set_in_loop[0] = ax_power_set(vm, NULL, NULL, NULL);
	set_in_loop[1] = ax_event_set(vm, NULL, NULL, NULL);
	return AX_STOP;
}

START_TEST(handlers_are_not_set_while_a_vcpu_is_in_its_loop)
{
	static const AxRangeOps ops = { .size = sizeof(AxRangeOps), .write = set_handlers };
	AxRange range = AX_RANGE_INIT;
	AxVCpuExitReason exit;

	make_vm();
	range.base = 0x80;
	range.length = 1;
	range.ops = &ops;
	ck_assert_int_eq(ax_range_add_ports(vm, &range, NULL, NULL), 0);
	vcpu = ready_vcpu(vm, 0);
	fake_push_port(0, 0x80, 1, 1, "a");
	ck_assert_int_eq(loop(&exit), AX_LOOP_STOPPED);
	ck_assert_int_eq(set_in_loop[0], -EPERM);
	ck_assert_int_eq(set_in_loop[1], -EPERM);
	ax_vm_destroy(vm);
}
END_TEST

/* Locks. */

static AxLock *lock;
static atomic_bool other_got_it;
static pthread_t other;

static void *take_lock(void *arg)
{
	(void)arg;
	ax_lock(lock);
	other_got_it = true;
	ax_unlock(lock);
	return NULL;
}

static AxHandled while_locked(void)
{
	other_got_it = false;
	ck_assert_int_eq(pthread_create(&other, NULL, take_lock, NULL), 0);
	sleep_ms(20);
	ck_assert(!other_got_it);
	return AX_HANDLED;
}

static AxHandled locked_read(AxVCpu *caller, void *opaque, uint64_t offset, AxAccessWidth width,
			     uint64_t *value)
{
	(void)caller;
	ck_assert_ptr_eq(opaque, &lock);
	ck_assert_uint_eq(offset, 1);
	ck_assert_int_eq(width, AX_WIDTH_BYTE);
	*value = 0x77;
	return while_locked();
}

static AxHandled locked_write(AxVCpu *caller, void *opaque, uint64_t offset, AxAccessWidth width,
			      uint64_t value)
{
	(void)caller;
	ck_assert_ptr_eq(opaque, &lock);
	ck_assert_uint_eq(offset, 1);
	ck_assert_int_eq(width, AX_WIDTH_BYTE);
	ck_assert_uint_eq(value, 'a');
	return while_locked();
}

START_TEST(a_serial_ranges_lock_is_held_in_its_ops_and_let_go_after)
{
	static const AxRangeOps ops = { .size = sizeof(AxRangeOps),
					.read = locked_read,
					.write = locked_write };
	AxRange range = AX_RANGE_INIT;
	struct fake_completion done;
	AxVCpuExitReason exit;

	make_vm();
	lock = ax_lock_new();
	range.base = 0x80;
	range.length = 2;
	range.ops = &ops;
	range.opaque = &lock;
	range.flags = AX_RANGE_SERIAL;
	range.lock = lock;
	ck_assert_int_eq(ax_range_add_ports(vm, &range, NULL, NULL), 0);
	vcpu = ready_vcpu(vm, 0);
	for (unsigned i = 0; i < 2; i++) {
		/* By the loop, then by hand; each a write and a read. */
		fake_push_port(0, 0x81, 1, 1, i ? NULL : "a");
		push_stop(0);
		ck_assert_int_eq(loop(&exit), AX_LOOP_STOPPED);
		pthread_join(other, NULL); /* it got the lock */
		fake_push_port(0, 0x81, 1, 1, i ? NULL : "a");
		ck_assert_int_eq(ax_vcpu_run(vcpu, &exit, NULL), 0);
		ck_assert_int_eq(ax_vcpu_dispatch(vcpu, &exit), AX_HANDLED);
		pthread_join(other, NULL); /* it got the lock */
	}
	ck_assert_int_eq(ax_vcpu_settle(vcpu, &exit, NULL), 0);
	fake_completed(0, &done);
	ck_assert_uint_eq(done.port[0], 0x77);
	ax_vm_destroy(vm);
	ax_lock_free(lock);
}
END_TEST

static void add_tests(TCase *cases)
{
	tcase_add_loop_test(cases, each_event_reaches_its_own_handler_with_its_own_opaque, 0,
			    COUNT(powers));
	tcase_add_test(cases, a_page_fault_that_was_mended_is_tried_again);
	tcase_add_loop_test(cases, some_exits_are_always_the_loops_callers, 0, COUNT(callers_own));
	tcase_add_test(cases, ops_without_their_size_are_refused);
	tcase_add_test(cases, handlers_are_not_set_while_a_vcpu_is_in_its_loop);
	tcase_add_test(cases, a_serial_ranges_lock_is_held_in_its_ops_and_let_go_after);
}

RUN_SUITE("handler", add_tests)
