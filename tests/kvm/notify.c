/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Guest writes that become signals on an eventfd: carried by KVM, and by the dispatch where KVM's
 * bus is full.
 */
#include "running.h"

#include <errno.h>
#include <inttypes.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include <axvmm/irq.h>

#define WRITES 1000
#define MATCH  500

/* KVM's bus holds no more (NR_IOBUS_DEVS in Linux): what comes after is for the dispatch. */
#define FILL_MOST 1100
#define FILL_BASE (CODE_MMIO_ABOVE + 0x100000)

static int new_event(void)
{
	int event = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);

	ck_assert_int_ge(event, 0);
	return event;
}

/* What has been signalled since the last call. */
static uint64_t take(int event)
{
	uint64_t count;

	if (read(event, &count, sizeof(count)) == sizeof(count))
		return count;
	ck_assert_int_eq(errno, EAGAIN);
	return 0;
}

static AxNotify notify_of(int event)
{
	AxNotify notify = AX_NOTIFY_INIT;

	notify.addr = CODE_MMIO_ABOVE;
	notify.width = 4;
	notify.event = event;
	return notify;
}

/* Register until KVM takes no more. False: it always does, which has been said. */
static bool fill_bus(AxVm *vm, int event)
{
	AxNotify notify = notify_of(event);
	AxError err = AX_ERROR_INIT;
	AxNotifyId id;

	for (unsigned i = 0; i < FILL_MOST; i++) {
		notify.addr = FILL_BASE + 8 * i;
		ck_ok(ax_notify_add(vm, &notify, &id, &err), err);
		if (!ax_notify_in_kernel(vm, id))
			return true;
	}
	kvm_skip("notifications by the dispatch: this KVM still has room after %d ioeventfds "
		 "(NR_IOBUS_DEVS)",
		 FILL_MOST);
	return false;
}

static AxHandled end(AxVCpu *vcpu, void *opaque, uint64_t offset, AxAccessWidth width,
		     uint64_t value)
{
	return AX_STOP;
}

static const AxRangeOps end_ops = { .size = sizeof(end_ops), .write = end };

static void open_writer(struct code_vm *vm)
{
	AxRange range = AX_RANGE_INIT;
	AxError err = AX_ERROR_INIT;

	code_open(vm, NULL, CODE(write_some));
	code_set_word(vm, 0, 1, CODE_MMIO_ABOVE);
	code_set_word(vm, 0, 2, WRITES);
	range.base = CODE_MMIO + CODE_END;
	range.length = 4;
	range.ops = &end_ops;
	ck_ok(ax_range_add_mmio(vm->vm, &range, NULL, &err), err);
}

/* Run to the end; returns how many of the writes were exits. */
static uint64_t run_writer(struct code_vm *vm)
{
	AxVmResult result = AX_VM_RESULT_INIT;
	uint64_t counts[AX_EXIT_KINDS];
	AxError err = AX_ERROR_INIT;

	ck_ok(ax_vm_run(vm->vm, &result, &err), err);
	ck_assert_uint_eq(result.end, AX_VM_END_HANDLER);
	ck_assert_uint_eq(code_word(vm, 0, 0), WRITES);
	ax_vcpu_exit_counts(vm->vcpu, counts);
	return counts[AX_EXIT_MMIO_WRITE] - 1; /* the write that ends it */
}

START_TEST(kvm_signals_every_write_without_an_exit)
{
	AxError err = AX_ERROR_INIT;
	struct code_vm vm;
	AxNotify notify = notify_of(new_event());
	AxNotifyId id;

	open_writer(&vm);
	ck_ok(ax_notify_add(vm.vm, &notify, &id, &err), err);
	if (ax_notify_in_kernel(vm.vm, id)) {
		ck_assert_uint_eq(run_writer(&vm), 0);
		ck_assert_uint_eq(take(notify.event), WRITES);
		kvm_count_run();
	} else {
		kvm_skip("notifications by KVM: KVM_CAP_IOEVENTFD is not there");
	}
	code_close(&vm);
	close(notify.event);
}
END_TEST

START_TEST(dispatch_signals_every_write)
{
	AxError err = AX_ERROR_INIT;
	struct code_vm vm;
	AxNotify notify = notify_of(new_event());
	int filler = new_event();
	AxNotifyId id;

	open_writer(&vm);
	if (fill_bus(vm.vm, filler)) {
		ck_ok(ax_notify_add(vm.vm, &notify, &id, &err), err);
		ck_assert(!ax_notify_in_kernel(vm.vm, id));
		ck_assert_uint_eq(run_writer(&vm), WRITES);
		ck_assert_uint_eq(take(notify.event), WRITES);
		ck_assert_uint_eq(take(filler), 0);
		kvm_count_run();
	}
	code_close(&vm);
	close(notify.event);
	close(filler);
}
END_TEST

/*
 * _i: whether the bus is full before. Both give the same signals; the rest of the writes are the
 * range's.
 */
START_TEST(only_the_matching_value_signals)
{
	AxError err = AX_ERROR_INIT;
	struct code_vm vm;
	AxNotify notify = notify_of(new_event());
	int filler = new_event();

	open_writer(&vm);
	if (!_i || fill_bus(vm.vm, filler)) {
		notify.flags = AX_NOTIFY_MATCH;
		notify.match = MATCH;
		ck_ok(ax_notify_add(vm.vm, &notify, NULL, &err), err);
		ck_assert_uint_eq(run_writer(&vm), _i ? WRITES : WRITES - 1);
		ck_assert_uint_eq(take(notify.event), 1);
	}
	code_close(&vm);
	close(notify.event);
	close(filler);
}
END_TEST

/* Notifications come and go while the guest writes; what is removed is silent for ever. */
START_TEST(a_removed_notification_is_silent)
{
	AxError err = AX_ERROR_INIT;
	struct running running;
	int filler = new_event();

	running_open(&running, NULL, CODE(write_mmio), 2);
	code_set_word(&running.vm, 0, 1, CODE_MMIO_ABOVE);
	code_set_word(&running.vm, 1, 1, CODE_MMIO_ABOVE);
	if (_i && !fill_bus(running.vm.vm, filler)) {
		running_close(&running);
		return;
	}
	running_start(&running);
	for (unsigned round = 0; round < 60; round++) {
		AxNotify notify = notify_of(new_event());
		AxNotifyId id;

		ck_ok(ax_notify_add(running.vm.vm, &notify, &id, &err), err);
		ck_assert_int_eq(ax_notify_in_kernel(running.vm.vm, id), !_i);
		ck_assert_int_eq(ax_notify_add(running.vm.vm, &notify, NULL, &err), -EEXIST);
		while (!take(notify.event))
			doze(10000);
		ck_ok(ax_notify_remove(running.vm.vm, id, &err), err);
		take(notify.event);
		running_wait_progress(&running);
		ck_assert_uint_eq(take(notify.event), 0);
		ck_assert_int_eq(ax_notify_remove(running.vm.vm, id, &err), -ENOENT);
		close(notify.event);
	}
	running_stop(&running);
	running_close(&running);
	close(filler);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("notify");
	TCase *tcase = kvm_case(suite, "notifications");

	tcase_add_test(tcase, kvm_signals_every_write_without_an_exit);
	tcase_add_test(tcase, dispatch_signals_every_write);
	tcase_add_loop_test(tcase, only_the_matching_value_signals, 0, 2);
	tcase_add_loop_test(tcase, a_removed_notification_is_silent, 0, 2);
	return kvm_main(suite);
}
