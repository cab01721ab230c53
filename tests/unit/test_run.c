/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Entering once and settling: what EINTR means at each moment, that stale bytes are never read, and
 * that nothing asked for is lost on the way.
 */
#include "tests/unit/run_fixture.h"

static AxVm *vm;
static AxVCpu *vcpu;

static void make_vcpu(void)
{
	vm = new_vm(AX_IRQCHIP_NONE);
	vcpu = ready_vcpu(vm, 0);
}

static AxVCpuExitReason run_once(void)
{
	AxVCpuExitReason exit;
	AxError err = AX_ERROR_INIT;

	memset(&exit, 0x5a, sizeof(exit));
	ck_assert_msg(!ax_vcpu_run(vcpu, &exit, &err), "%s", err.message);
	ck_assert_uint_eq(exit.vcpu, 0);
	return exit;
}

/* Everything that a decoder could read, as an exit that never happened. */
static void leave_garbage(struct kvm_run *run)
{
	memset((uint8_t *)run + offsetof(struct kvm_run, hw), 0xee, 200);
	run->exit_reason = KVM_EXIT_SHUTDOWN;
}

static int interrupted_with_garbage(struct kvm_run *run, void *arg)
{
	(void)arg;
	leave_garbage(run);
	return -EINTR;
}

START_TEST(after_a_signal_the_exit_reason_is_not_read)
{
	make_vcpu();
	fake_push(0, interrupted_with_garbage, NULL);
	ck_assert_uint_eq(run_once().kind, AX_EXIT_NOTHING);
	ax_vm_destroy(vm);
}
END_TEST

static int try_again_with_garbage(struct kvm_run *run, void *arg)
{
	(void)arg;
	leave_garbage(run);
	return -EAGAIN;
}

START_TEST(try_again_is_nothing_whatever_the_exit_reason_says)
{
	make_vcpu();
	fake_push(0, try_again_with_garbage, NULL);
	ck_assert_uint_eq(run_once().kind, AX_EXIT_NOTHING);
	ax_vm_destroy(vm);
}
END_TEST

START_TEST(a_request_before_entry_ends_the_entry_before_the_guest_runs)
{
	make_vcpu();
	fake_push_exit(0, KVM_EXIT_HLT);
	vcpu_request(vcpu, REQUEST_PAUSE);
	ck_assert_uint_eq(run_once().kind, AX_EXIT_NOTHING);
	ck_assert_uint_eq(fake_steps_left(0), 1);
	/* It is the loop's, and keeps nobody else from running. */
	ck_assert_uint_eq(run_once().kind, AX_EXIT_HALT);
	ck_assert_uint_ne(atomic_load(&vcpu->requests) & REQUEST_PAUSE, 0);
	ax_vm_destroy(vm);
}
END_TEST

static void *request_when_inside(void *arg)
{
	(void)arg;
	wait_until(fake_entries(0));
	vcpu_request(vcpu, REQUEST_SYNC);
	return NULL;
}

START_TEST(a_request_ends_an_entry_that_lasts)
{
	pthread_t thread;

	make_vcpu();
	fake_push_spin(0);
	ck_assert_int_eq(pthread_create(&thread, NULL, request_when_inside, NULL), 0);
	ck_assert_uint_eq(run_once().kind, AX_EXIT_NOTHING);
	pthread_join(thread, NULL);
	ax_vm_destroy(vm);
}
END_TEST

/* A request that comes when the guest has left already, but the library has not looked yet. */
static int request_at_exit(struct kvm_run *run, void *arg)
{
	(void)arg;
	vcpu_request(vcpu, REQUEST_SYNC);
	run->exit_reason = KVM_EXIT_HLT;
	return 0;
}

START_TEST(a_request_after_the_exit_ends_the_next_entry)
{
	make_vcpu();
	fake_push(0, request_at_exit, NULL);
	fake_push_exit(0, KVM_EXIT_SHUTDOWN);
	ck_assert_uint_eq(run_once().kind, AX_EXIT_HALT);
	ck_assert_uint_eq(run_once().kind, AX_EXIT_NOTHING);
	ck_assert_uint_eq(run_once().kind, AX_EXIT_SYSTEM_DOWN);
	ax_vm_destroy(vm);
}
END_TEST

START_TEST(a_failure_of_the_host_leaves_the_callers_exit_untouched)
{
	AxVCpuExitReason exit, before;
	AxError err;

	make_vcpu();
	memset(&exit, 0x5a, sizeof(exit));
	before = exit;
	fake_push_errno(0, ENOEXEC);
	ck_assert_fails(ax_vcpu_run(vcpu, &exit, &err), -EIO, AX_ERROR_KVM_CALL, "KVM_RUN");
	ck_assert_int_eq(err.os_errno, ENOEXEC);
	fake_push_errno(0, ENOMEM);
	ck_assert_fails(ax_vcpu_run(vcpu, &exit, &err), -ENOMEM, AX_ERROR_RESOURCE, "KVM_RUN");
	ck_assert_mem_eq(&exit, &before, sizeof(exit));
	ck_assert_int_eq(ax_vcpu_state(vcpu), AX_VCPU_READY);
	ax_vm_destroy(vm);
}
END_TEST

START_TEST(every_exit_is_counted_by_its_kind)
{
	uint64_t counts[AX_EXIT_KINDS];

	make_vcpu();
	fake_push_mmio_read(0, 0, 4);
	fake_push_mmio_write(0, 0, 3, 1);
	fake_push_exit(0, KVM_EXIT_HLT);
	fake_push_exit(0, KVM_EXIT_INTR);
	fake_push_errno(0, EAGAIN);
	fake_push_exit(0, KVM_EXIT_NMI);
	for (unsigned i = 0; i < 6; i++)
		run_once();
	ax_vcpu_exit_counts(vcpu, counts);
	for (unsigned i = 0; i < AX_EXIT_KINDS; i++) {
		unsigned want = i == AX_EXIT_NOTHING ? 2
				: i == AX_EXIT_MMIO_READ || i == AX_EXIT_MMIO_WRITE ||
						i == AX_EXIT_HALT || i == AX_EXIT_UNSUPPORTED
					? 1
					: 0;

		ck_assert_uint_eq(counts[i], want);
	}
	ax_vm_destroy(vm);
}
END_TEST

/* Settling. */

START_TEST(there_is_nothing_to_settle_before_the_first_and_after_a_plain_exit)
{
	AxVCpuExitReason exit;

	make_vcpu();
	ck_assert_int_eq(ax_vcpu_settle(vcpu, &exit, NULL), 0);
	fake_push_exit(0, KVM_EXIT_HLT);
	run_once();
	ck_assert_int_eq(ax_vcpu_settle(vcpu, &exit, NULL), 0);
	ck_assert_uint_eq(fake_calls(KVM_RUN), 1);
	ax_vm_destroy(vm);
}
END_TEST

/* Exits that KVM completes at the next entry. */
static void push_mmio_read(void)
{
	fake_push_mmio_read(0, 0x1000, 4);
}

static void push_mmio_write(void)
{
	fake_push_mmio_write(0, 0x1000, 8, 1);
}

static void push_port_read(void)
{
	fake_push_port(0, 0x60, 1, 3, NULL);
}

static void push_port_write(void)
{
	fake_push_port(0, 0x60, 2, 1, "ab");
}

static void push_of_reason(uint32_t reason)
{
	struct kvm_run run = { .exit_reason = reason };

	fake_push_run(0, &run);
}

static void push_rdmsr(void)
{
	push_of_reason(KVM_EXIT_X86_RDMSR);
}

static void push_wrmsr(void)
{
	push_of_reason(KVM_EXIT_X86_WRMSR);
}

static void push_hypercall(void)
{
	push_of_reason(KVM_EXIT_HYPERCALL);
}

static void (*const pendings[])(void) = { push_mmio_read,  push_mmio_write, push_port_read,
					  push_port_write, push_rdmsr,	    push_wrmsr,
					  push_hypercall };

START_TEST(settling_completes_the_access_without_running_the_guest)
{
	struct fake_completion done;
	AxVCpuExitReason exit;
	uint64_t value;

	make_vcpu();
	pendings[_i]();
	fake_push_exit(0, KVM_EXIT_HLT);
	run_once();
	/* Registers would be those of the middle of an instruction. */
	ck_assert_int_eq(ax_vcpu_get_gpr(vcpu, 0, &value, NULL), -EPERM);
	ck_assert_int_eq(ax_vcpu_set_gpr(vcpu, 0, 1, NULL), -EPERM);
	ck_assert_int_eq(ax_vcpu_set_entry(vcpu, 0, NULL), -EPERM);
	ck_assert_int_eq(ax_vcpu_settle(vcpu, &exit, NULL), 0);
	ck_assert_int_eq(ax_vcpu_get_gpr(vcpu, 0, &value, NULL), 0);
	ck_assert_int_eq(ax_vcpu_settle(vcpu, &exit, NULL), 0);
	fake_completed(0, &done);
	ck_assert_uint_eq(done.count, 1);
	ck_assert_uint_eq(fake_steps_left(0), 1);
	ck_assert_uint_eq(fake_run(0)->immediate_exit, 0);
	ck_assert_uint_eq(run_once().kind, AX_EXIT_HALT);
	ax_vm_destroy(vm);
}
END_TEST

START_TEST(a_pending_access_keeps_registers_from_a_free_vcpu_too)
{
	AxVCpuExitReason exit;
	uint64_t value;
	AxError err;

	make_vcpu();
	push_mmio_read();
	run_once();
	ck_assert_int_eq(ax_vcpu_unbind(vcpu, NULL), 0);
	ck_assert_fails(ax_vcpu_get_gpr(vcpu, 0, &value, &err), -EPERM, AX_ERROR_STATE,
			"(MmioRead) is not complete: call ax_vcpu_settle()");
	ck_assert_int_eq(ax_vcpu_bind(vcpu, AX_ANY_CPU, NULL), 0);
	ck_assert_int_eq(ax_vcpu_settle(vcpu, &exit, NULL), 0);
	ck_assert_int_eq(ax_vcpu_unbind(vcpu, NULL), 0);
	ck_assert_int_eq(ax_vcpu_get_gpr(vcpu, 0, &value, NULL), 0);
	ax_vm_destroy(vm);
}
END_TEST

START_TEST(the_second_half_of_an_access_is_another_exit_to_answer)
{
	struct fake_completion done;
	AxVCpuExitReason exit;

	make_vcpu();
	fake_push_mmio_read(0, 0xffd, 3);
	fake_push_half_mmio(0, 0x1000, 5, false, 0);
	fake_push_exit(0, KVM_EXIT_HLT);
	exit = run_once();
	ck_assert_uint_eq(exit.mmio_read.len, 3);
	ck_assert_int_eq(ax_vcpu_reply_read(vcpu, 0x332211), 0);
	ck_assert_int_eq(ax_vcpu_settle(vcpu, &exit, NULL), 1);
	ck_assert_uint_eq(exit.kind, AX_EXIT_MMIO_READ);
	ck_assert_uint_eq(exit.mmio_read.addr, 0x1000);
	ck_assert_uint_eq(exit.mmio_read.len, 5);
	ck_assert_int_eq(ax_vcpu_reply_read(vcpu, 0x8877665544), 0);
	ck_assert_int_eq(ax_vcpu_settle(vcpu, &exit, NULL), 0);
	fake_completed(0, &done);
	ck_assert_uint_eq(done.count, 2);
	ck_assert_mem_eq(done.run.mmio.data, "\x44\x55\x66\x77\x88", 5);
	ck_assert_uint_eq(fake_steps_left(0), 1);
	ax_vm_destroy(vm);
}
END_TEST

START_TEST(settling_consumes_no_kick_and_no_other_request)
{
	AxVCpuExitReason exit;

	make_vcpu();
	push_mmio_write();
	fake_push_exit(0, KVM_EXIT_HLT);
	run_once();
	ck_assert_int_eq(ax_vcpu_kick(vcpu, 17), 0);
	vcpu_request(vcpu, REQUEST_SYNC);
	ck_assert_int_eq(ax_vcpu_settle(vcpu, &exit, NULL), 0);
	ck_assert_uint_eq(atomic_load(&vcpu->requests), REQUEST_KICK | REQUEST_SYNC);
	exit = run_once();
	ck_assert_uint_eq(exit.kind, AX_EXIT_EXTERNAL_INTERRUPT);
	ck_assert_uint_eq(exit.external_interrupt.vector, 17);
	ck_assert_uint_eq(fake_steps_left(0), 1);
	ax_vm_destroy(vm);
}
END_TEST

/* A kick that comes in the middle of settling, whatever the moment. */
static int kicked_half(struct kvm_run *run, void *arg)
{
	(void)arg;
	ck_assert_int_eq(ax_vcpu_kick(vcpu, 23), 0);
	run->exit_reason = KVM_EXIT_MMIO;
	run->mmio.phys_addr = 0x2000;
	run->mmio.len = 1;
	run->mmio.is_write = 1;
	return 0;
}

START_TEST(a_kick_while_settling_is_not_lost)
{
	AxVCpuExitReason exit;

	make_vcpu();
	push_mmio_write();
	fake_push_half(0, kicked_half, NULL);
	fake_push_exit(0, KVM_EXIT_HLT);
	run_once();
	ck_assert_int_eq(ax_vcpu_settle(vcpu, &exit, NULL), 1);
	ck_assert_int_eq(ax_vcpu_settle(vcpu, &exit, NULL), 0);
	ck_assert_uint_eq(run_once().kind, AX_EXIT_EXTERNAL_INTERRUPT);
	ck_assert_uint_eq(run_once().kind, AX_EXIT_HALT);
	ax_vm_destroy(vm);
}
END_TEST

START_TEST(a_failed_settle_leaves_registers_refused_and_can_be_repeated)
{
	AxVCpuExitReason exit;
	uint64_t value;
	AxError err;

	make_vcpu();
	push_mmio_write();
	run_once();
	fake_fail(KVM_RUN, 1, ENOMEM);
	ck_assert_fails(ax_vcpu_settle(vcpu, &exit, &err), -ENOMEM, AX_ERROR_RESOURCE, "KVM_RUN");
	ck_assert_int_eq(ax_vcpu_get_gpr(vcpu, 0, &value, NULL), -EPERM);
	ck_assert_int_eq(ax_vcpu_settle(vcpu, &exit, NULL), 0);
	ck_assert_int_eq(ax_vcpu_get_gpr(vcpu, 0, &value, NULL), 0);
	ax_vm_destroy(vm);
}
END_TEST

START_TEST(a_fault_while_settling_is_an_exit_of_its_own)
{
	AxVCpuExitReason exit;

	make_vcpu();
	push_mmio_write();
	run_once();
	fake_fail(KVM_RUN, 1, EFAULT);
	ck_assert_int_eq(ax_vcpu_settle(vcpu, &exit, NULL), 1);
	ck_assert_uint_eq(exit.kind, AX_EXIT_NESTED_PAGE_FAULT);
	ck_assert_int_eq(ax_vcpu_settle(vcpu, &exit, NULL), 0);
	ax_vm_destroy(vm);
}
END_TEST

/* What came of ax_vcpu_settle() in the handler below. */
static int settled;

static AxHandled settling_read(AxVCpu *handled, void *opaque, uint64_t offset, AxAccessWidth width,
			       uint64_t *value)
{
	AxVCpuExitReason exit;

	(void)opaque;
	(void)offset;
	(void)width;
	*value = 0x5a;
	settled = ax_vcpu_settle(handled, &exit, NULL);
	return AX_STOP;
}

static AxHandled settling_write(AxVCpu *handled, void *opaque, uint64_t offset, AxAccessWidth width,
				uint64_t value)
{
	AxVCpuExitReason exit;

	(void)opaque;
	(void)offset;
	(void)width;
	(void)value;
	settled = ax_vcpu_settle(handled, &exit, NULL);
	return AX_STOP;
}

START_TEST(a_write_may_be_settled_by_its_handler_and_a_read_may_not)
{
	static const AxRangeOps ops = { sizeof(ops), settling_read, settling_write };
	AxRange range = AX_RANGE_INIT;
	AxVCpuExitReason exit;
	uint64_t value;
	uint8_t byte = 0x2a;

	make_vcpu();
	range.base = 0x10;
	range.length = 1;
	range.ops = &ops;
	ck_assert_int_eq(ax_range_add_ports(vm, &range, NULL, NULL), 0);
	/* The second time through the cache of ranges. */
	for (unsigned i = 0; i < 2; i++) {
		fake_push_port(0, 0x10, 1, 1, _i ? NULL : &byte);
		settled = -1;
		ck_assert_int_eq(ax_vcpu_loop(vcpu, &exit, NULL), AX_LOOP_STOPPED);
		ck_assert_uint_eq(exit.kind, _i ? AX_EXIT_IO_READ : AX_EXIT_IO_WRITE);
		ck_assert_int_eq(settled, _i ? -EPERM : 0);
		/* The answer of a read waits for the next entry; then registers are exact. */
		ck_assert_int_eq(ax_vcpu_get_gpr(vcpu, 0, &value, NULL), _i ? -EPERM : 0);
		ck_assert_int_eq(ax_vcpu_settle(vcpu, &exit, NULL), 0);
		ck_assert_int_eq(ax_vcpu_get_gpr(vcpu, 0, &value, NULL), 0);
	}
	ax_vm_destroy(vm);
}
END_TEST

START_TEST(set_up_again_finishes_what_the_last_life_left_pending)
{
	AxVCpuSetup setup = AX_VCPU_SETUP_INIT;
	struct fake_completion done;
	unsigned sets;

	make_vcpu();
	push_mmio_read();
	run_once();
	ck_assert_int_eq(ax_vcpu_unbind(vcpu, NULL), 0);
	sets = fake_calls(KVM_SET_REGS);
	ck_assert_int_eq(ax_vcpu_setup(vcpu, &setup, NULL), 0);
	ck_assert_uint_eq(fake_calls(KVM_SET_REGS), sets + 1);
	fake_completed(0, &done);
	ck_assert_uint_eq(done.count, 1);
	/* Before the registers are set, not after. */
	for (unsigned i = fake_calls_all(); i > 0; i--) {
		const struct fake_call *call = fake_call_at(i - 1);

		ck_assert_uint_ne(call->request, KVM_RUN);
		if (call->request == KVM_SET_REGS)
			break;
	}
	ax_vm_destroy(vm);
}
END_TEST

static void add_tests(TCase *cases)
{
	tcase_add_test(cases, after_a_signal_the_exit_reason_is_not_read);
	tcase_add_test(cases, try_again_is_nothing_whatever_the_exit_reason_says);
	tcase_add_test(cases, a_request_before_entry_ends_the_entry_before_the_guest_runs);
	tcase_add_test(cases, a_request_ends_an_entry_that_lasts);
	tcase_add_test(cases, a_request_after_the_exit_ends_the_next_entry);
	tcase_add_test(cases, a_failure_of_the_host_leaves_the_callers_exit_untouched);
	tcase_add_test(cases, every_exit_is_counted_by_its_kind);
	tcase_add_test(cases, there_is_nothing_to_settle_before_the_first_and_after_a_plain_exit);
	tcase_add_loop_test(cases, settling_completes_the_access_without_running_the_guest, 0,
			    COUNT(pendings));
	tcase_add_test(cases, a_pending_access_keeps_registers_from_a_free_vcpu_too);
	tcase_add_test(cases, the_second_half_of_an_access_is_another_exit_to_answer);
	tcase_add_test(cases, settling_consumes_no_kick_and_no_other_request);
	tcase_add_test(cases, a_kick_while_settling_is_not_lost);
	tcase_add_test(cases, a_failed_settle_leaves_registers_refused_and_can_be_repeated);
	tcase_add_loop_test(cases, a_write_may_be_settled_by_its_handler_and_a_read_may_not, 0, 2);
	tcase_add_test(cases, a_fault_while_settling_is_an_exit_of_its_own);
	tcase_add_test(cases, set_up_again_finishes_what_the_last_life_left_pending);
}

RUN_SUITE("run", add_tests)
