/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Changing a VM while its vCPUs run: ranges and observers come and go, and are gone when they were
 * removed. Also run under ThreadSanitizer.
 */
#include "running.h"

#include <errno.h>
#include <inttypes.h>
#include <sched.h>
#include <stdatomic.h>
#include <string.h>

#define VCPUS 4
#define SLOTS RUNNING_SWEEP_PAGES
#define PAGE  0x1000
#define ALIVE UINT64_C(0x616c697665)

/*
 * 1. Ranges.
 */

/* All that a range borrows, in one page that is taken away when the range is. */
struct device {
	AxRangeOps ops;
	uint64_t alive;
	atomic_uint calls;
	AxLock *lock; /* NULL: not serial */
	atomic_uint inside;
};

static void enter(struct device *device)
{
	unsigned inside = atomic_fetch_add(&device->inside, 1);

	ck_assert_uint_eq(device->alive, ALIVE);
	ck_assert_msg(!device->lock || !inside, "a serial range was entered twice");
}

static void leave(struct device *device)
{
	atomic_fetch_add(&device->calls, 1);
	/* Whoever takes it away too early has time to. */
	sched_yield();
	ck_assert_uint_eq(device->alive, ALIVE);
	atomic_fetch_sub(&device->inside, 1);
}

static AxHandled on_read(AxVCpu *vcpu, void *opaque, uint64_t offset, AxAccessWidth width,
			 uint64_t *value)
{
	enter(opaque);
	*value = 1;
	leave(opaque);
	return AX_HANDLED;
}

static AxHandled on_write(AxVCpu *vcpu, void *opaque, uint64_t offset, AxAccessWidth width,
			  uint64_t value)
{
	enter(opaque);
	leave(opaque);
	return AX_HANDLED;
}

static AxRangeId add_device(AxVm *vm, unsigned slot, bool serial, struct device **out)
{
	struct device *device = page_new();
	AxError err = AX_ERROR_INIT;
	AxRange range = AX_RANGE_INIT;
	AxRangeId id;

	device->ops = (AxRangeOps){ sizeof(AxRangeOps), on_read, on_write };
	device->alive = ALIVE;
	range.name = "comes and goes";
	range.base = CODE_MMIO_ABOVE + slot * PAGE;
	range.length = PAGE;
	range.ops = &device->ops;
	range.opaque = device;
	if (serial) {
		device->lock = ax_lock_new();
		range.flags = AX_RANGE_SERIAL;
		range.lock = device->lock;
	}
	ck_ok(ax_range_add_mmio(vm, &range, &id, &err), err);
	*out = device;
	return id;
}

static void remove_device(AxVm *vm, AxRangeId id, struct device *device)
{
	AxError err = AX_ERROR_INIT;

	ck_ok(ax_range_remove(vm, id, &err), err);
	ck_assert_uint_eq(device->inside, 0);
	ax_lock_free(device->lock);
	page_free(device);
}

struct changer {
	AxVm *vm;
	unsigned first_slot; /* its half of them */
	unsigned rounds;
};

static void *change_ranges(void *opaque)
{
	struct changer *changer = opaque;

	for (unsigned round = 0; round < changer->rounds; round++) {
		unsigned slot = changer->first_slot + round % (SLOTS / 2);
		struct device *device;
		AxRangeId id = add_device(changer->vm, slot, round % 3 == 0, &device);

		while (atomic_load(&device->calls) < 4)
			sched_yield();
		remove_device(changer->vm, id, device);
	}
	return NULL;
}

START_TEST(a_removed_range_is_never_entered_again)
{
	struct running running;
	struct changer changers[2];
	pthread_t threads[2];

	running_open_sweep(&running, VCPUS);
	running_start(&running);
	for (unsigned i = 0; i < 2; i++) {
		changers[i] = (struct changer){ running.vm.vm, i * SLOTS / 2, 150 };
		ck_assert_int_eq(pthread_create(&threads[i], NULL, change_ranges, &changers[i]), 0);
	}
	for (unsigned i = 0; i < 2; i++)
		pthread_join(threads[i], NULL);
	running_wait_progress(&running);
	running_stop(&running);
	running_close(&running);
}
END_TEST

/* What a handler may do to its own VM, and what it is refused. */
struct refusals {
	AxRangeId self;
	struct device *added;
	AxRangeId added_id;
	int remove, pause, observe;
	bool asked;
};

static AxHandled ask_for_refusals(AxVCpu *vcpu, void *opaque, uint64_t offset, AxAccessWidth width,
				  uint64_t value)
{
	struct refusals *refusals = opaque;
	AxVm *vm = ax_vcpu_vm(vcpu);

	if (refusals->asked)
		return AX_STOP;
	refusals->asked = true;
	refusals->remove = ax_range_remove(vm, refusals->self, NULL);
	refusals->pause = ax_vm_pause(vm, NULL);
	refusals->observe = ax_observer_set(vm, NULL, NULL, NULL);
	refusals->added_id = add_device(vm, 1, false, &refusals->added);
	return AX_HANDLED;
}

START_TEST(a_handler_may_add_a_range_and_is_refused_what_waits_for_it)
{
	static const AxRangeOps ops = { .size = sizeof(ops), .write = ask_for_refusals };
	struct refusals refusals = { 0 };
	AxVmResult result = AX_VM_RESULT_INIT;
	AxRange range = AX_RANGE_INIT;
	AxError err = AX_ERROR_INIT;
	struct running running;

	running_open(&running, NULL, CODE(sweep), 1);
	code_set_word(&running.vm, 0, 1, CODE_MMIO_ABOVE);
	code_set_word(&running.vm, 0, 2, CODE_MMIO_ABOVE + 2 * PAGE);
	range.base = CODE_MMIO_ABOVE;
	range.length = PAGE;
	range.ops = &ops;
	range.opaque = &refusals;
	ck_ok(ax_range_add_mmio(running.vm.vm, &range, &refusals.self, &err), err);
	ck_ok(ax_vm_run(running.vm.vm, &result, &err), err);
	ck_assert_uint_eq(result.end, AX_VM_END_HANDLER);
	ck_assert_int_eq(refusals.remove, -EDEADLK);
	ck_assert_int_eq(refusals.pause, -EDEADLK);
	ck_assert_int_eq(refusals.observe, -EDEADLK);
	/* What it added was there for the next access: a read and a write. */
	ck_assert_uint_eq(refusals.added->calls, 2);
	remove_device(running.vm.vm, refusals.added_id, refusals.added);
	running_close(&running);
}
END_TEST

/*
 * 2. Observers.
 */

struct watcher {
	AxObserver observer;
	uint64_t alive;
	atomic_uint calls;
};

static void on_exit_seen(void *opaque, AxVCpu *vcpu, const AxExitRecord *record)
{
	struct watcher *watcher = opaque;

	ck_assert_uint_eq(watcher->alive, ALIVE);
	ck_assert_uint_eq(record->exit->vcpu, ax_vcpu_id(vcpu));
	atomic_fetch_add(&watcher->calls, 1);
	sched_yield();
	ck_assert_uint_eq(watcher->alive, ALIVE);
}

START_TEST(a_replaced_observer_is_never_called_again)
{
	struct watcher *old = NULL, *watcher;
	AxError err = AX_ERROR_INIT;
	struct running running;

	running_open_sweep(&running, VCPUS);
	running_start(&running);
	for (unsigned round = 0; round < 150; round++) {
		watcher = NULL;
		if (round % 3) {
			watcher = page_new();
			watcher->observer = (AxObserver){ sizeof(AxObserver), on_exit_seen };
			watcher->alive = ALIVE;
		}
		ck_ok(ax_observer_set(running.vm.vm, watcher ? &watcher->observer : NULL, watcher,
				      &err),
		      err);
		if (old)
			page_free(old);
		while (watcher && atomic_load(&watcher->calls) < 4)
			sched_yield();
		old = watcher;
	}
	ck_ok(ax_observer_set(running.vm.vm, NULL, NULL, &err), err);
	if (old)
		page_free(old);
	running_wait_progress(&running);
	running_stop(&running);
	running_close(&running);
}
END_TEST

/*
 * 3. All of it at once.
 */

static struct {
	atomic_bool ends;
	atomic_uint kicks_sent, kicks_seen;
} all;

static AxHandled on_interrupt(AxVCpu *vcpu, void *opaque, uint64_t vector)
{
	atomic_fetch_add(&all.kicks_seen, 1);
	return AX_HANDLED;
}

static void *kick_all(void *opaque)
{
	struct running *running = opaque;

	for (unsigned i = 0; !atomic_load(&all.ends); i++) {
		if (!ax_vcpu_kick(ax_vm_vcpu(running->vm.vm, i % VCPUS), i % 256))
			atomic_fetch_add(&all.kicks_sent, 1);
		doze(50000);
	}
	return NULL;
}

static void *change_until_the_end(void *opaque)
{
	struct changer changer = { .vm = opaque, .rounds = 1 };

	while (!atomic_load(&all.ends))
		change_ranges(&changer);
	return NULL;
}

static void *pause_until_the_end(void *opaque)
{
	AxError err = AX_ERROR_INIT;

	while (!atomic_load(&all.ends)) {
		ck_ok(ax_vm_pause(opaque, &err), err);
		ck_ok(ax_vm_resume(opaque, &err), err);
		doze(200000);
	}
	return NULL;
}

START_TEST(all_at_once)
{
	static const AxEventOps ops = { .size = sizeof(ops), .interrupt = on_interrupt };
	static const AxObserver observer = { sizeof(observer), on_exit_seen };
	struct watcher watcher = { .alive = ALIVE };
	AxError err = AX_ERROR_INIT;
	struct running running;
	pthread_t threads[3];

	memset(&all, 0, sizeof(all));
	running_open_sweep(&running, VCPUS);
	ck_ok(ax_event_set(running.vm.vm, &ops, NULL, &err), err);
	running_start(&running);
	ck_assert_int_eq(pthread_create(&threads[0], NULL, kick_all, &running), 0);
	ck_assert_int_eq(pthread_create(&threads[1], NULL, change_until_the_end, running.vm.vm), 0);
	ck_assert_int_eq(pthread_create(&threads[2], NULL, pause_until_the_end, running.vm.vm), 0);
	for (unsigned i = 0; i < 100; i++) {
		ck_ok(ax_observer_set(running.vm.vm, i % 2 ? NULL : &observer, &watcher, &err),
		      err);
		doze(5000000);
	}
	atomic_store(&all.ends, true);
	for (unsigned i = 0; i < 3; i++)
		pthread_join(threads[i], NULL);
	running_wait_progress(&running);
	while (atomic_load(&all.kicks_seen) < atomic_load(&all.kicks_sent))
		sched_yield();
	running_stop(&running);
	ck_assert_uint_eq(all.kicks_seen, all.kicks_sent);
	ck_assert_uint_gt(watcher.calls, 0);
	running_close(&running);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("concurrency");
	TCase *tcase = kvm_case(suite, "ranges and observers");

	tcase_add_test(tcase, a_removed_range_is_never_entered_again);
	tcase_add_test(tcase, a_handler_may_add_a_range_and_is_refused_what_waits_for_it);
	tcase_add_test(tcase, a_replaced_observer_is_never_called_again);
	tcase_add_test(tcase, all_at_once);
	return kvm_main(suite);
}
