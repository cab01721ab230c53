/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The levels of the API with the same guest: run and answers by hand, run and dispatch, loop, and a
 * whole VM's run. Each sees the same exits with the same answers, and the guest reads the same
 * values. Then what may happen around a run: other threads, settling, a new beginning.
 */
#include "tour.h"

#include <errno.h>
#include <inttypes.h>
#include <pthread.h>
#include <stdio.h>
#include <string.h>

static struct tour by_hand, other;

static void make_reference(void)
{
	tour_by_hand(&by_hand);
	ck_assert_uint_ne(by_hand.result, 0);
}

static void check_same_values(void)
{
	ck_assert_uint_eq(other.result, by_hand.result);
	for (unsigned kind = 0; kind < AX_EXIT_KINDS; kind++)
		ck_assert_msg(other.counts[kind] == by_hand.counts[kind],
			      "%s: %" PRIu64 " times, by hand %" PRIu64, ax_exit_name(kind),
			      other.counts[kind], by_hand.counts[kind]);
}

static void check_same_exits(void)
{
	ck_assert_str_eq(other.text, by_hand.text);
	check_same_values();
}

/*
 * 1. The levels.
 */

/* Exits in the words of code_tour_exits. */
static void describe(const AxVCpuExitReason *exit, char *text, size_t size)
{
	switch (exit->kind) {
	case AX_EXIT_MMIO_READ:
		snprintf(text, size, "read mmio+0x%" PRIx64 " len %u",
			 exit->mmio_read.addr - CODE_MMIO, exit->mmio_read.len);
		break;
	case AX_EXIT_MMIO_WRITE:
		snprintf(text, size, "write mmio+0x%" PRIx64 " len %u",
			 exit->mmio_write.addr - CODE_MMIO, exit->mmio_write.len);
		break;
	case AX_EXIT_IO_READ:
		snprintf(text, size, "in port+%d width %u count %u", exit->io_read.port - CODE_PORT,
			 1u << exit->io_read.width, exit->io_read.count);
		break;
	case AX_EXIT_IO_WRITE:
		snprintf(text, size, "out port+%d width %u count %u",
			 exit->io_write.port - CODE_PORT, 1u << exit->io_write.width,
			 exit->io_write.count);
		break;
	case AX_EXIT_HYPERCALL:
		snprintf(text, size, "call 0x%" PRIx64 " %" PRIu64 " %" PRIu64, exit->hypercall.nr,
			 exit->hypercall.args[0], exit->hypercall.args[5]);
		break;
	default: snprintf(text, size, "%s", ax_exit_name(exit->kind)); break;
	}
}

START_TEST(each_exit_is_what_the_guest_did)
{
	AxError err = AX_ERROR_INIT;
	AxVCpuExitReason exit;
	char text[128];

	tour_open(&other);
	ck_ok(ax_vcpu_bind(other.vm.vcpu, AX_ANY_CPU, &err), err);
	for (unsigned i = 0; code_tour_exits[i]; i++) {
		ck_ok(ax_vcpu_run(other.vm.vcpu, &exit, &err), err);
		describe(&exit, text, sizeof(text));
		ck_assert_msg(!strcmp(text, code_tour_exits[i]),
			      "exit %u: \"%s\" instead of \"%s\"", i, text, code_tour_exits[i]);
		tour_answer(&other, &exit);
	}
	ck_assert(tour_is_end(&exit));
	ck_ok(ax_vcpu_unbind(other.vm.vcpu, &err), err);
	tour_close(&other);
}
END_TEST

START_TEST(dispatch_gives_the_guest_the_same_values)
{
	AxError err = AX_ERROR_INIT;
	AxVCpuExitReason exit;
	int handled;

	make_reference();
	tour_open(&other);
	tour_add_handlers(&other);
	ck_ok(ax_vcpu_bind(other.vm.vcpu, AX_ANY_CPU, &err), err);
	do {
		ck_ok(ax_vcpu_run(other.vm.vcpu, &exit, &err), err);
		handled = ax_vcpu_dispatch(other.vm.vcpu, &exit);
		ck_assert_int_ge(handled, 0);
	} while (handled != AX_STOP);
	ck_assert(tour_is_end(&exit));
	ck_ok(ax_vcpu_unbind(other.vm.vcpu, &err), err);
	tour_close(&other);
	check_same_values();
}
END_TEST

static void open_handled(bool observed)
{
	AxError err = AX_ERROR_INIT;

	make_reference();
	tour_open(&other);
	tour_add_handlers(&other);
	if (observed)
		ck_ok(ax_observer_set(other.vm.vm, &tour_observer, &other, &err), err);
}

static void close_handled(bool observed)
{
	tour_close(&other);
	if (observed)
		check_same_exits();
	else
		check_same_values();
}

/* _i: whether somebody watches, which is another path through the loop. */
START_TEST(loop_sees_the_same_exits)
{
	AxError err = AX_ERROR_INIT;
	AxVCpuExitReason exit;

	open_handled(_i);
	ck_ok(ax_vcpu_bind(other.vm.vcpu, AX_ANY_CPU, &err), err);
	ck_assert_int_eq(ax_vcpu_loop(other.vm.vcpu, &exit, &err), AX_LOOP_STOPPED);
	ck_assert(tour_is_end(&exit));
	ck_ok(ax_vcpu_unbind(other.vm.vcpu, &err), err);
	close_handled(_i);
}
END_TEST

START_TEST(vm_run_sees_the_same_exits)
{
	AxVmResult result = AX_VM_RESULT_INIT;
	AxError err = AX_ERROR_INIT;

	open_handled(_i);
	ck_ok(ax_vm_run(other.vm.vm, &result, &err), err);
	ck_assert_uint_eq(result.end, AX_VM_END_HANDLER);
	ck_assert_uint_eq(result.vcpu, 0);
	ck_assert(tour_is_end(&result.exit));
	ck_assert_int_eq(ax_vcpu_state(other.vm.vcpu), AX_VCPU_FREE);
	close_handled(_i);
}
END_TEST

/*
 * 2. Around the run.
 */

/* One exit on a thread of its own, with the last one's access still pending when it begins. */
static void *take_step(void *opaque)
{
	AxVCpuExitReason *exit = opaque;
	AxError err = AX_ERROR_INIT;

	ck_ok(ax_vcpu_bind(other.vm.vcpu, AX_ANY_CPU, &err), err);
	ck_ok(ax_vcpu_run(other.vm.vcpu, exit, &err), err);
	tour_answer(&other, exit);
	ck_ok(ax_vcpu_unbind(other.vm.vcpu, &err), err);
	return NULL;
}

START_TEST(vcpu_moves_to_another_thread_at_every_exit)
{
	AxVCpuExitReason exit;
	pthread_t thread;

	make_reference();
	tour_open(&other);
	do {
		ck_assert_int_eq(pthread_create(&thread, NULL, take_step, &exit), 0);
		pthread_join(thread, NULL);
	} while (!tour_is_end(&exit));
	tour_close(&other);
	check_same_exits();
}
END_TEST

START_TEST(settling_after_every_exit_changes_nothing)
{
	AxError err = AX_ERROR_INIT;
	AxVCpuExitReason exit;
	uint64_t pc;
	int more;

	make_reference();
	tour_open(&other);
	ck_ok(ax_vcpu_bind(other.vm.vcpu, AX_ANY_CPU, &err), err);
	do {
		ck_ok(ax_vcpu_run(other.vm.vcpu, &exit, &err), err);
		tour_answer(&other, &exit);
		while ((more = ax_vcpu_settle(other.vm.vcpu, &exit, &err)) == 1)
			tour_answer(&other, &exit);
		ck_ok(more, err);
		ck_ok(ax_vcpu_get_reg(other.vm.vcpu, code_pc, &pc, &err), err);
		ck_assert_uint_ge(pc, CODE_START);
		ck_assert_uint_lt(pc, CODE_MAILBOX);
	} while (!tour_is_end(&exit));
	ck_ok(ax_vcpu_unbind(other.vm.vcpu, &err), err);
	tour_close(&other);
	check_same_exits();
}
END_TEST

START_TEST(vcpu_that_is_set_up_again_starts_over)
{
	AxVmResult result = AX_VM_RESULT_INIT;
	AxError err = AX_ERROR_INIT;

	open_handled(false);
	for (unsigned i = 0; i < 3; i++) {
		other.result = 0;
		ck_ok(ax_vm_run(other.vm.vm, &result, &err), err);
		ck_assert_uint_eq(other.result, by_hand.result);
		code_restart(other.vm.vcpu);
	}
	tour_close(&other);
	/* Nothing may come between: the end of a run leaves requests behind. */
	for (unsigned kind = AX_EXIT_NOTHING + 1; kind < AX_EXIT_KINDS; kind++)
		ck_assert_uint_eq(other.counts[kind], 3 * by_hand.counts[kind]);
}
END_TEST

/*
 * Wherever the guest was stopped, with an access pending or not: its next beginning is the first
 * instruction.
 */
START_TEST(set_up_again_with_an_access_pending_it_starts_over)
{
	AxError err = AX_ERROR_INIT;
	AxVCpuExitReason exit;

	make_reference();
	tour_open(&other);
	for (unsigned stop_after = 1; code_tour_exits[stop_after]; stop_after++) {
		ck_ok(ax_vcpu_bind(other.vm.vcpu, AX_ANY_CPU, &err), err);
		for (unsigned i = 0; i < stop_after; i++) {
			ck_ok(ax_vcpu_run(other.vm.vcpu, &exit, &err), err);
			tour_answer(&other, &exit);
		}
		ck_ok(ax_vcpu_unbind(other.vm.vcpu, &err), err);
		code_restart(other.vm.vcpu);
		ck_assert_msg(!strncmp(other.text, by_hand.text, other.len), "beginning %u:\n%s",
			      stop_after, other.text);
		other.len = 0;
	}
	tour_close(&other);
}
END_TEST

START_TEST(call_in_the_wrong_state_changes_nothing_in_the_guest)
{
	AxVmResult result = AX_VM_RESULT_INIT;
	AxError err = AX_ERROR_INIT;
	AxVCpuExitReason exit;
	AxVCpu *vcpu;
	uint64_t value;

	make_reference();
	tour_open(&other);
	vcpu = other.vm.vcpu;
	ck_assert_int_eq(ax_vcpu_run(vcpu, &exit, &err), -EPERM);
	ck_assert_int_eq(ax_vcpu_loop(vcpu, &exit, &err), -EPERM);
	ck_assert_int_eq(ax_vcpu_unbind(vcpu, &err), -EPERM);
	ck_ok(ax_vcpu_bind(vcpu, AX_ANY_CPU, &err), err);
	ck_assert_int_eq(ax_vcpu_bind(vcpu, AX_ANY_CPU, &err), -EPERM);
	ck_assert_int_eq(ax_vm_run(other.vm.vm, &result, &err), -EPERM);
	do {
		ck_ok(ax_vcpu_run(vcpu, &exit, &err), err);
		if (exit.kind == AX_EXIT_MMIO_READ) {
			ck_assert_int_eq(ax_vcpu_get_gpr(vcpu, 1, &value, &err), -EPERM);
			ck_assert_int_eq(ax_vcpu_set_gpr(vcpu, 1, 0, &err), -EPERM);
			ck_assert_int_eq(ax_vcpu_reply_fault(vcpu), -EPERM);
			ck_assert_int_eq(ax_vcpu_reply_bytes(vcpu, &value, 8), -EPERM);
		} else if (exit.kind == AX_EXIT_MMIO_WRITE) {
			ck_assert_int_eq(ax_vcpu_reply_read(vcpu, 0), -EPERM);
		}
		tour_answer(&other, &exit);
	} while (!tour_is_end(&exit));
	ck_ok(ax_vcpu_unbind(vcpu, &err), err);
	tour_close(&other);
	check_same_exits();
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("lifecycle");
	TCase *levels = kvm_case(suite, "levels");
	TCase *around = kvm_case(suite, "around the run");

	tcase_add_test(levels, each_exit_is_what_the_guest_did);
	tcase_add_test(levels, dispatch_gives_the_guest_the_same_values);
	tcase_add_loop_test(levels, loop_sees_the_same_exits, 0, 2);
	tcase_add_loop_test(levels, vm_run_sees_the_same_exits, 0, 2);
	tcase_add_test(around, vcpu_moves_to_another_thread_at_every_exit);
	tcase_add_test(around, settling_after_every_exit_changes_nothing);
	tcase_add_test(around, vcpu_that_is_set_up_again_starts_over);
	tcase_add_test(around, set_up_again_with_an_access_pending_it_starts_over);
	tcase_add_test(around, call_in_the_wrong_state_changes_nothing_in_the_guest);
	return kvm_main(suite);
}
