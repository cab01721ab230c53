/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Observers: what each exit's record says, and that nobody is called once the observer is gone.
 */
#include "tests/unit/run_fixture.h"

static AxVm *vm;
static AxVCpu *vcpu;

struct noted {
	AxVCpuExitReason exit;
	uint64_t answer;
	int handled;
	uint64_t time_ns, kvm_ns, handler_ns;
};

struct watcher {
	unsigned count;
	struct noted noted[32];
};

static void note(void *opaque, AxVCpu *caller, const AxExitRecord *record)
{
	struct watcher *watcher = opaque;
	struct noted *noted = &watcher->noted[watcher->count++ % 32];

	ck_assert_ptr_eq(caller, vcpu);
	ck_assert_uint_eq(record->size, sizeof(*record));
	*noted = (struct noted){ *record->exit,	  record->answer, record->handled,
				 record->time_ns, record->kvm_ns, record->handler_ns };
}

static const AxObserver observer = { sizeof(AxObserver), note };

static AxHandled slow_read(AxVCpu *caller, void *opaque, uint64_t offset, AxAccessWidth width,
			   uint64_t *value)
{
	(void)caller;
	(void)opaque;
	(void)offset;
	(void)width;
	sleep_ms(3);
	*value = 0xffffffffffffff42;
	return AX_HANDLED;
}

static void make_vcpu(void)
{
	static const AxRangeOps ops = { .size = sizeof(AxRangeOps), .read = slow_read };
	AxRange range = AX_RANGE_INIT;

	vm = new_vm(AX_IRQCHIP_NONE);
	add_stop_port(vm);
	range.base = 0x1000;
	range.length = 8;
	range.ops = &ops;
	ck_assert_int_eq(ax_range_add_mmio(vm, &range, NULL, NULL), 0);
	vcpu = ready_vcpu(vm, 0);
}

static void loop_to_stop(void)
{
	AxVCpuExitReason exit;

	push_stop(0);
	ck_assert_int_eq(ax_vcpu_loop(vcpu, &exit, NULL), AX_LOOP_STOPPED);
}

static uint64_t now_ns(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (uint64_t)now.tv_sec * 1000000000u + (uint64_t)now.tv_nsec;
}

static int slow_halt(struct kvm_run *run, void *arg)
{
	sleep_ms(3);
	return halt_step(run, arg);
}

START_TEST(every_exit_has_a_record_with_answer_verdict_and_times)
{
	struct watcher watcher = { 0 };
	uint64_t begin = now_ns();
	AxVCpuExitReason exit;

	make_vcpu();
	ck_assert_int_eq(ax_observer_set(vm, &observer, &watcher, NULL), 0);
	fake_push_mmio_read(0, 0x1000, 2);
	fake_push_mmio_write(0, 0x1000, 4, 9);
	fake_push_mmio_read(0, 0x5000, 1);
	fake_push(0, slow_halt, NULL);
	ck_assert_int_eq(ax_vcpu_loop(vcpu, &exit, NULL), AX_LOOP_UNHANDLED);
	ck_assert_uint_eq(watcher.count, 4);
	ck_assert_uint_eq(watcher.noted[0].exit.kind, AX_EXIT_MMIO_READ);
	ck_assert_uint_eq(watcher.noted[0].answer, 0xff42);
	ck_assert_int_eq(watcher.noted[0].handled, AX_HANDLED);
	ck_assert_uint_ge(watcher.noted[0].handler_ns, 3000000);
	ck_assert_uint_eq(watcher.noted[1].exit.mmio_write.data, 9);
	ck_assert_uint_eq(watcher.noted[1].answer, 0);
	ck_assert_int_eq(watcher.noted[1].handled, AX_UNHANDLED);
	ck_assert_uint_eq(watcher.noted[2].answer, 0xff); /* what nobody answered */
	ck_assert_int_eq(watcher.noted[2].handled, AX_UNHANDLED);
	ck_assert_uint_eq(watcher.noted[3].exit.kind, AX_EXIT_HALT);
	ck_assert_uint_ge(watcher.noted[3].kvm_ns, 3000000);
	for (unsigned i = 0; i < 4; i++) {
		ck_assert_uint_ge(watcher.noted[i].time_ns, begin);
		ck_assert_uint_le(watcher.noted[i].time_ns, now_ns());
		begin = watcher.noted[i].time_ns;
	}
	ax_vm_destroy(vm);
}
END_TEST

START_TEST(without_an_observer_nothing_is_noted_and_it_may_come_and_go)
{
	struct watcher first = { 0 }, second = { 0 };

	make_vcpu();
	loop_to_stop();
	ck_assert_int_eq(ax_observer_set(vm, &observer, &first, NULL), 0);
	loop_to_stop();
	ck_assert_int_eq(ax_observer_set(vm, &observer, &second, NULL), 0);
	loop_to_stop();
	ck_assert_int_eq(ax_observer_set(vm, NULL, NULL, NULL), 0);
	loop_to_stop();
	ck_assert_uint_ge(first.count, 1);
	ck_assert_uint_ge(second.count, 1);
	ck_assert_uint_le(first.count, 2); /* one may be Nothing: the change itself */
	ck_assert_uint_le(second.count, 2);
	ax_vm_destroy(vm);
}
END_TEST

static int busy_guest(struct kvm_run *run, void *arg)
{
	(void)arg;
	run->exit_reason = KVM_EXIT_MMIO;
	run->mmio.phys_addr = 0x6000;
	run->mmio.len = 4;
	run->mmio.is_write = 1;
	return 0;
}

/* Observers that live on the heap: called after they are replaced, the sanitizers would see it. */
static void *change_observers(void *arg)
{
	(void)arg;
	wait_until(fake_entries(0));
	for (unsigned i = 0; i < 200; i++) {
		struct watcher *watcher = calloc(1, sizeof(*watcher));
		AxObserver *mine = malloc(sizeof(*mine));

		ck_assert(watcher && mine);
		*mine = observer;
		ck_assert_int_eq(ax_observer_set(vm, mine, watcher, NULL), 0);
		if (i % 8 == 0)
			sleep_ms(1);
		ck_assert_int_eq(ax_observer_set(vm, NULL, NULL, NULL), 0);
		memset(watcher, 0xee, sizeof(*watcher));
		free(watcher);
		free(mine);
	}
	ax_vm_stop(vm, 0);
	return NULL;
}

START_TEST(when_an_observer_is_replaced_no_vcpu_uses_it_any_more)
{
	AxVCpuExitReason exit;
	pthread_t thread;

	make_vcpu();
	fake_set_guest(0, busy_guest, NULL);
	ck_assert_int_eq(pthread_create(&thread, NULL, change_observers, NULL), 0);
	ck_assert_int_eq(ax_vcpu_loop(vcpu, &exit, NULL), AX_LOOP_VM_STOPPED);
	pthread_join(thread, NULL);
	ax_vm_destroy(vm);
}
END_TEST

static int set_ret;

static void set_from_inside(void *opaque, AxVCpu *caller, const AxExitRecord *record)
{
	(void)opaque;
	(void)record;
	set_ret = ax_observer_set(ax_vcpu_vm(caller), NULL, NULL, NULL);
}

START_TEST(an_observer_is_not_set_from_within)
{
	static const AxObserver inside = { sizeof(AxObserver), set_from_inside };

	make_vcpu();
	ck_assert_int_eq(ax_observer_set(vm, &inside, NULL, NULL), 0);
	loop_to_stop();
	ck_assert_int_eq(set_ret, -EDEADLK);
	ax_vm_destroy(vm);
}
END_TEST

START_TEST(an_observer_without_size_or_function_is_refused)
{
	static const AxObserver unsized = { 0, note };
	static const AxObserver no_function = { sizeof(AxObserver), NULL };
	AxError err;

	make_vcpu();
	ck_assert_fails(ax_observer_set(vm, &unsized, NULL, &err), -EINVAL, AX_ERROR_ARGUMENT,
			"AxObserver.size or .exit");
	ck_assert_fails(ax_observer_set(vm, &no_function, NULL, &err), -EINVAL, AX_ERROR_ARGUMENT,
			"AxObserver.size or .exit");
	ax_vm_destroy(vm);
}
END_TEST

START_TEST(a_failure_of_the_host_has_no_record)
{
	struct watcher watcher = { 0 };
	AxVCpuExitReason exit;

	make_vcpu();
	ck_assert_int_eq(ax_observer_set(vm, &observer, &watcher, NULL), 0);
	fake_push_errno(0, ENOMEM);
	ck_assert_int_eq(ax_vcpu_loop(vcpu, &exit, NULL), -ENOMEM);
	ck_assert_uint_eq(watcher.count, 0);
	ax_vm_destroy(vm);
}
END_TEST

static void add_tests(TCase *cases)
{
	tcase_add_test(cases, every_exit_has_a_record_with_answer_verdict_and_times);
	tcase_add_test(cases, without_an_observer_nothing_is_noted_and_it_may_come_and_go);
	tcase_add_test(cases, when_an_observer_is_replaced_no_vcpu_uses_it_any_more);
	tcase_add_test(cases, an_observer_is_not_set_from_within);
	tcase_add_test(cases, an_observer_without_size_or_function_is_refused);
	tcase_add_test(cases, a_failure_of_the_host_has_no_record);
}

RUN_SUITE("observer", add_tests)
