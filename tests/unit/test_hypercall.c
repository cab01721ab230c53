/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Hypercalls: by which routes they come, what the guest gets, who is refused.
 */
#include "core/reply.h"
#include "tests/unit/run_fixture.h"

#define BLOCK_MMIO 0xfe000030
#define BLOCK_PORT 0x540
#define UNKNOWN	   ((uint64_t)-1000) /* KVM_ENOSYS */

/* SBI 2.0, chapter 3: sbiret.error */
#define SBI_ERR_NOT_SUPPORTED (-2)
#define SBI_ERR_DENIED	      (-4)

static AxVm *vm;
static AxVCpu *vcpu;

/* The handler: notes the call and gives what the test wants. */
static struct {
	unsigned calls;
	AxVCpuExitReason exit;
	uint64_t before; /* *result when it was called */
	uint64_t result;
	AxHandled verdict;
} seen;

static AxHandled handle(AxVCpu *caller, void *opaque, const AxVCpuExitReason *exit,
			uint64_t *result)
{
	ck_assert_ptr_eq(caller, vcpu);
	ck_assert_ptr_eq(opaque, &seen);
	seen.calls++;
	seen.exit = *exit;
	seen.before = *result;
	*result = seen.result;
	return seen.verdict;
}

static const AxHypercallOps hypercall_ops = { .size = sizeof(AxHypercallOps), .call = handle };

static void make_vcpu(unsigned flags, bool with_handler)
{
	AxHypercallConfig config = AX_HYPERCALL_CONFIG_INIT;
	AxError err = AX_ERROR_INIT;

	memset(&seen, 0, sizeof(seen));
	vm = new_strict_vm(AX_IRQCHIP_NONE);
	ck_assert_int_eq(ax_ram_add(vm, 0, 0x4000, 0, &err), 0);
	ck_assert_int_eq(ax_ram_add(vm, 0x8000, 0x1000, AX_RAM_READONLY, &err), 0);
	config.flags = flags;
	config.block_mmio = BLOCK_MMIO;
	config.block_port = BLOCK_PORT;
	ck_assert_msg(
		!ax_hypercall_set(vm, &config, with_handler ? &hypercall_ops : NULL, &seen, &err),
		"%s", err.message);
	add_stop_port(vm);
	vcpu = ready_vcpu(vm, 0);
}

static void push_call(uint32_t route, uint8_t cpl)
{
	struct kvm_run run = { .exit_reason = KVM_EXIT_XEN };

	if (route == AX_ROUTE_XEN) {
		run.xen.type = KVM_EXIT_XEN_HCALL;
		run.xen.u.hcall.cpl = cpl;
		run.xen.u.hcall.input = 5;
		run.xen.u.hcall.params[0] = 6;
		run.xen.u.hcall.result = 0xdead;
	} else if (route == AX_ROUTE_SBI) {
		run.exit_reason = KVM_EXIT_RISCV_SBI;
		run.riscv_sbi.extension_id = 5;
		run.riscv_sbi.args[0] = 6;
	} else {
		run.exit_reason = KVM_EXIT_HYPERCALL;
		run.hypercall.nr = 5;
		run.hypercall.args[0] = 6;
		run.hypercall.ret = 0xdead;
	}
	fake_push_run(0, &run);
}

static uint64_t result_of(uint32_t route, const struct kvm_run *run)
{
	switch (route) {
	case AX_ROUTE_XEN: return run->xen.u.hcall.result;
	case AX_ROUTE_SBI: return run->riscv_sbi.ret[1];
	default: return run->hypercall.ret;
	}
}

/* An SBI call says it by sbiret.error. */
static uint64_t unknown(uint32_t route)
{
	return route == AX_ROUTE_SBI ? 0 : UNKNOWN;
}

static void check_error(uint32_t route, int64_t wanted)
{
	struct fake_completion done;

	fake_completed(0, &done);
	if (route == AX_ROUTE_SBI)
		ck_assert_int_eq((int64_t)done.run.riscv_sbi.ret[0], wanted);
}

/* Run to the stop port; returns what the guest got from the call. */
static uint64_t loop_over_call(uint32_t route)
{
	struct fake_completion done;
	AxVCpuExitReason exit;

	push_stop(0);
	ck_assert_int_eq(ax_vcpu_loop(vcpu, &exit, NULL), AX_LOOP_STOPPED);
	fake_completed(0, &done);
	return result_of(route, &done.run);
}

static const uint32_t kvm_routes[] = { AX_ROUTE_KVM, AX_ROUTE_XEN, AX_ROUTE_SBI };

START_TEST(a_call_reaches_the_handler_and_its_result_the_guest)
{
	uint32_t route = kvm_routes[_i];

	make_vcpu(AX_HYPERCALL_TRAP | AX_HYPERCALL_MAP_GPA, true);
	seen.result = 0x123456789a;
	push_call(route, 0);
	ck_assert_uint_eq(loop_over_call(route), 0x123456789a);
	ck_assert_uint_eq(seen.calls, 1);
	ck_assert_uint_eq(seen.exit.hypercall.nr, 5);
	ck_assert_uint_eq(seen.exit.hypercall.args[0], 6);
	ck_assert_uint_eq(seen.exit.hypercall.route, route);
	ck_assert_uint_eq(seen.before, unknown(route));
	check_error(route, 0);
	ax_vm_destroy(vm);
}
END_TEST

START_TEST(a_call_that_the_handler_does_not_know_is_unknown_to_the_guest)
{
	uint32_t route = kvm_routes[_i];

	make_vcpu(AX_HYPERCALL_TRAP, true);
	seen.result = 77;
	seen.verdict = AX_UNHANDLED;
	push_call(route, 0);
	ck_assert_uint_eq(loop_over_call(route), unknown(route));
	check_error(route, SBI_ERR_NOT_SUPPORTED);
	ck_assert_uint_eq(seen.calls, 1);
	ax_vm_destroy(vm);
}
END_TEST

START_TEST(a_handler_may_answer_and_stop)
{
	struct fake_completion done;
	AxVCpuExitReason exit;

	make_vcpu(AX_HYPERCALL_TRAP, true);
	seen.result = 88;
	seen.verdict = AX_STOP;
	push_call(AX_ROUTE_XEN, 0);
	ck_assert_int_eq(ax_vcpu_loop(vcpu, &exit, NULL), AX_LOOP_STOPPED);
	ck_assert_uint_eq(exit.kind, AX_EXIT_HYPERCALL);
	ck_assert_int_eq(ax_vcpu_settle(vcpu, &exit, NULL), 0);
	fake_completed(0, &done);
	ck_assert_uint_eq(done.run.xen.u.hcall.result, 88);
	ax_vm_destroy(vm);
}
END_TEST

START_TEST(without_a_handler_the_call_is_the_loops_callers)
{
	struct fake_completion done;
	AxVCpuExitReason exit;

	make_vcpu(AX_HYPERCALL_TRAP, false);
	push_call(AX_ROUTE_XEN, 3);
	ck_assert_int_eq(ax_vcpu_loop(vcpu, &exit, NULL), AX_LOOP_UNHANDLED);
	ck_assert_uint_eq(exit.kind, AX_EXIT_HYPERCALL);
	ck_assert_uint_eq(exit.hypercall.cpl, 3);
	ck_assert_int_eq(ax_vcpu_settle(vcpu, &exit, NULL), 0);
	fake_completed(0, &done);
	ck_assert_uint_eq(done.run.xen.u.hcall.result, UNKNOWN);
	ax_vm_destroy(vm);
}
END_TEST

START_TEST(ring_3_is_refused_unless_it_is_let_in)
{
	make_vcpu(AX_HYPERCALL_TRAP, true);
	push_call(AX_ROUTE_XEN, 3);
	ck_assert_uint_eq(loop_over_call(AX_ROUTE_XEN), (uint64_t)-1);
	push_call(AX_ROUTE_XEN, 1);
	ck_assert_uint_eq(loop_over_call(AX_ROUTE_XEN), (uint64_t)-1);
	ck_assert_uint_eq(seen.calls, 0);
	ax_vm_destroy(vm);

	fake_sys_reset();
	make_vcpu(AX_HYPERCALL_TRAP | AX_HYPERCALL_USER, true);
	seen.result = 9;
	push_call(AX_ROUTE_XEN, 3);
	ck_assert_uint_eq(loop_over_call(AX_ROUTE_XEN), 9);
	ck_assert_uint_eq(seen.exit.hypercall.cpl, 3);
	ax_vm_destroy(vm);
}
END_TEST

START_TEST(a_call_by_hand_is_unknown_until_it_is_answered)
{
	struct fake_completion done;
	AxVCpuExitReason exit;

	make_vcpu(0, false);
	for (unsigned answered = 0; answered < 2; answered++) {
		push_call(kvm_routes[_i], 0);
		ck_assert_int_eq(ax_vcpu_run(vcpu, &exit, NULL), 0);
		ck_assert_uint_eq(exit.kind, AX_EXIT_HYPERCALL);
		if (answered)
			ck_assert_int_eq(ax_vcpu_set_return_value(vcpu, 0x1111, NULL), 0);
		ck_assert_int_eq(ax_vcpu_settle(vcpu, &exit, NULL), 0);
		fake_completed(0, &done);
		ck_assert_uint_eq(result_of(kvm_routes[_i], &done.run),
				  answered ? 0x1111 : unknown(kvm_routes[_i]));
		check_error(kvm_routes[_i], answered ? 0 : SBI_ERR_NOT_SUPPORTED);
	}
	ax_vm_destroy(vm);
}
END_TEST

START_TEST(an_sbi_calls_error_is_set_by_hand)
{
	struct fake_completion done;
	AxVCpuExitReason exit;

	make_vcpu(AX_HYPERCALL_TRAP, false);
	push_call(AX_ROUTE_SBI, 0);
	ck_assert_int_eq(ax_vcpu_run(vcpu, &exit, NULL), 0);
	ck_assert_int_eq(ax_vcpu_set_return_value(vcpu, 0x2222, NULL), 0);
	ck_assert_int_eq(ax_vcpu_set_return_error(vcpu, SBI_ERR_DENIED), 0);
	ck_assert_int_eq(ax_vcpu_settle(vcpu, &exit, NULL), 0);
	fake_completed(0, &done);
	ck_assert_int_eq((int64_t)done.run.riscv_sbi.ret[0], SBI_ERR_DENIED);
	ck_assert_uint_eq(done.run.riscv_sbi.ret[1], 0x2222);
	ck_assert_int_eq(ax_vcpu_set_return_error(vcpu, 0), -EPERM);
	push_call(AX_ROUTE_XEN, 0);
	ck_assert_int_eq(ax_vcpu_run(vcpu, &exit, NULL), 0);
	ck_assert_int_eq(ax_vcpu_set_return_error(vcpu, 0), -EPERM);
	ax_vm_destroy(vm);
}
END_TEST

START_TEST(an_sbi_calls_error_is_success_and_the_value_is_its_result)
{
	struct fake_completion done;
	AxVCpuExitReason exit;

	make_vcpu(0, true);
	seen.result = 3;
	push_call(AX_ROUTE_SBI, 0);
	loop_over_call(AX_ROUTE_SBI);
	push_call(AX_ROUTE_SBI, 0);
	push_stop(0);
	ck_assert_int_eq(ax_vcpu_loop(vcpu, &exit, NULL), AX_LOOP_STOPPED);
	fake_completed(0, &done);
	ck_assert_uint_eq(done.run.riscv_sbi.ret[0], 0);
	ck_assert_uint_eq(done.run.riscv_sbi.ret[1], 3);
	ax_vm_destroy(vm);
}
END_TEST

START_TEST(for_other_exits_the_return_value_is_a_register)
{
	struct kvm_regs regs;

	make_vcpu(0, true);
	ck_assert_int_eq(ax_vcpu_set_return_value(vcpu, 0x4242, NULL), 0);
	ck_assert(fake_get_state(0, KVM_GET_REGS, &regs, sizeof(regs)));
	ck_assert_uint_eq(regs.rax, 0x4242);
	ax_vm_destroy(vm);
}
END_TEST

/* The block route. */

static void write_block(uint64_t gpa)
{
	struct hypercall_block block = { .nr = 0x99, .args = { 1, 2, 3, 4, 5, 6 }, .ret = 0xdead };

	ck_assert_int_eq(ax_mem_write(vm, gpa, &block, sizeof(block)), 0);
}

static uint64_t block_result(uint64_t gpa)
{
	struct hypercall_block block;

	ck_assert_int_eq(ax_mem_read(vm, gpa, &block, sizeof(block)), 0);
	return block.ret;
}

/* How a block can be announced: {by MMIO, bytes}. */
static const struct {
	bool mmio;
	unsigned len;
} announcements[] = { { true, 8 }, { true, 4 }, { false, 4 } };

static void announce(int which, uint64_t gpa)
{
	uint32_t low = (uint32_t)gpa;

	if (announcements[which].mmio)
		fake_push_mmio_write(0, BLOCK_MMIO, announcements[which].len, gpa);
	else
		fake_push_port(0, BLOCK_PORT, 4, 1, &low);
}

START_TEST(a_block_in_ram_is_a_call)
{
	AxVCpuExitReason exit;

	make_vcpu(0, true);
	write_block(0x1000);
	seen.result = 0xabcdef;
	announce(_i, 0x1000);
	push_stop(0);
	ck_assert_int_eq(ax_vcpu_loop(vcpu, &exit, NULL), AX_LOOP_STOPPED);
	ck_assert_uint_eq(exit.kind, AX_EXIT_IO_WRITE);
	ck_assert_uint_eq(seen.calls, 1);
	ck_assert_uint_eq(seen.exit.hypercall.route, AX_ROUTE_BLOCK);
	ck_assert_uint_eq(seen.exit.hypercall.nr, 0x99);
	ck_assert_uint_eq(seen.exit.hypercall.block, 0x1000);
	for (unsigned i = 0; i < 6; i++)
		ck_assert_uint_eq(seen.exit.hypercall.args[i], i + 1);
	ck_assert_uint_eq(block_result(0x1000), 0xabcdef);
	ax_vm_destroy(vm);
}
END_TEST

START_TEST(a_block_may_end_where_ram_ends)
{
	AxVCpuExitReason exit;

	make_vcpu(0, true);
	write_block(0x4000 - 64);
	announce(_i, 0x4000 - 64);
	push_stop(0);
	ck_assert_int_eq(ax_vcpu_loop(vcpu, &exit, NULL), AX_LOOP_STOPPED);
	ck_assert_uint_eq(seen.calls, 1);
	ax_vm_destroy(vm);
}
END_TEST

/* Addresses that are no block: unaligned, across RAM's end, not RAM, read-only, wrapping. */
static const uint64_t bad_blocks[] = { 0x1001,
				       0x1004,
				       0x4000 - 56,
				       0x4000,
				       0x8000,
				       0x8fc8,
				       0x9000,
				       UINT64_MAX - 7,
				       UINT64_MAX,
				       1,
				       0xfffffffffffffff8 - 56 };

START_TEST(a_bad_block_is_no_call_but_a_write_that_nobody_claims)
{
	AxVCpuExitReason exit;

	make_vcpu(0, true);
	announce(0, bad_blocks[_i]);
	ck_assert_int_eq(ax_vcpu_loop(vcpu, &exit, NULL), AX_LOOP_UNHANDLED);
	ck_assert_uint_eq(exit.kind, AX_EXIT_MMIO_WRITE);
	ck_assert_uint_eq(exit.mmio_write.data, bad_blocks[_i]);
	if (bad_blocks[_i] <= UINT32_MAX) {
		announce(2, bad_blocks[_i]);
		ck_assert_int_eq(ax_vcpu_loop(vcpu, &exit, NULL), AX_LOOP_UNHANDLED);
		ck_assert_uint_eq(exit.kind, AX_EXIT_IO_WRITE);
	}
	ck_assert_uint_eq(seen.calls, 0);
	ax_vm_destroy(vm);
}
END_TEST

START_TEST(other_widths_places_and_directions_announce_nothing)
{
	uint16_t word = 0x1000;
	AxVCpuExitReason exit;

	make_vcpu(0, true);
	write_block(0x1000);
	fake_push_mmio_write(0, BLOCK_MMIO, 2, 0x1000);
	fake_push_mmio_write(0, BLOCK_MMIO + 4, 4, 0x1000);
	fake_push_port(0, BLOCK_PORT, 2, 1, &word);
	fake_push_port(0, BLOCK_PORT, 4, 2, "\0\x10\0\0\0\x10\0\0");
	fake_push_port(0, BLOCK_PORT + 1, 1, 1, &word);
	for (unsigned i = 0; i < 5; i++) {
		ck_assert_int_eq(ax_vcpu_loop(vcpu, &exit, NULL), AX_LOOP_UNHANDLED);
		ck_assert_uint_ne(exit.kind, AX_EXIT_HYPERCALL);
	}
	/* The places can be read, and are zero. */
	fake_push_mmio_read(0, BLOCK_MMIO, 8);
	fake_push_port(0, BLOCK_PORT, 4, 1, NULL);
	push_stop(0);
	ck_assert_int_eq(ax_vcpu_loop(vcpu, &exit, NULL), AX_LOOP_STOPPED);
	ck_assert_uint_eq(seen.calls, 0);
	ck_assert_uint_eq(block_result(0x1000), 0xdead);
	ax_vm_destroy(vm);
}
END_TEST

START_TEST(a_block_whose_ram_is_gone_cannot_be_answered)
{
	AxVCpuExitReason exit;
	AxError err;

	make_vcpu(0, false);
	write_block(0x1000);
	announce(0, 0x1000);
	ck_assert_int_eq(ax_vcpu_run(vcpu, &exit, NULL), 0);
	ck_assert_uint_eq(exit.kind, AX_EXIT_HYPERCALL);
	ck_assert_uint_eq(block_result(0x1000), UNKNOWN);
	ck_assert_int_eq(ax_ram_remove(vm, 0, NULL), 0);
	ck_assert_fails(ax_vcpu_set_return_value(vcpu, 1, &err), -EFAULT, AX_ERROR_ARGUMENT,
			"0x1000 is not in RAM");
	ck_assert_int_eq(ax_vcpu_dispatch(vcpu, &exit), AX_UNHANDLED);
	ax_vm_destroy(vm);
}
END_TEST

static void add_tests(TCase *cases)
{
	tcase_add_loop_test(cases, a_call_reaches_the_handler_and_its_result_the_guest, 0, 3);
	tcase_add_loop_test(cases, a_call_that_the_handler_does_not_know_is_unknown_to_the_guest, 0,
			    3);
	tcase_add_test(cases, a_handler_may_answer_and_stop);
	tcase_add_test(cases, without_a_handler_the_call_is_the_loops_callers);
	tcase_add_test(cases, ring_3_is_refused_unless_it_is_let_in);
	tcase_add_loop_test(cases, a_call_by_hand_is_unknown_until_it_is_answered, 0, 3);
	tcase_add_test(cases, an_sbi_calls_error_is_set_by_hand);
	tcase_add_test(cases, an_sbi_calls_error_is_success_and_the_value_is_its_result);
	tcase_add_test(cases, for_other_exits_the_return_value_is_a_register);
	tcase_add_loop_test(cases, a_block_in_ram_is_a_call, 0, COUNT(announcements));
	tcase_add_loop_test(cases, a_block_may_end_where_ram_ends, 0, COUNT(announcements));
	tcase_add_loop_test(cases, a_bad_block_is_no_call_but_a_write_that_nobody_claims, 0,
			    COUNT(bad_blocks));
	tcase_add_test(cases, other_widths_places_and_directions_announce_nothing);
	tcase_add_test(cases, a_block_whose_ram_is_gone_cannot_be_answered);
}

RUN_SUITE("hypercall", add_tests)
