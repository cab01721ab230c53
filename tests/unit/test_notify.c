/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Notifications: writes that KVM turns into signals, and those that the dispatch does.
 */
#include <pthread.h>
#include <stdatomic.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "core/notify.h"
#include "core/vm.h"
#include "tests/unit/core_fixture.h"
#include "tests/unit/fake_libc.h"

#define DOORBELL 0xd0000000

static int new_event(void)
{
	int event = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);

	ck_assert_int_ge(event, 0);
	return event;
}

static uint64_t signals(int event)
{
	uint64_t count = 0;

	return read(event, &count, sizeof(count)) == sizeof(count) ? count : 0;
}

static AxNotify notify_at(uint64_t addr, uint32_t width, unsigned flags, int event)
{
	AxNotify notify = AX_NOTIFY_INIT;

	notify.addr = addr;
	notify.width = width;
	notify.flags = flags;
	notify.event = event;
	return notify;
}

START_TEST(kvm_carries_a_notification_where_it_can)
{
	AxVm *vm = new_vm(AX_IRQCHIP_NONE);
	int event = new_event();
	AxNotify notify = notify_at(DOORBELL, 4, AX_NOTIFY_MATCH, event);
	AxNotifyId id = 0;

	notify.match = 7;
	ck_assert_int_eq(ax_notify_add(vm, &notify, &id, NULL), 0);
	ck_assert_uint_ne(id, 0);
	ck_assert(ax_notify_in_kernel(vm, id));
	ck_assert(fake_guest_write(0, false, DOORBELL, 4, 7));
	ck_assert(!fake_guest_write(0, false, DOORBELL, 4, 8));
	ck_assert(!fake_guest_write(0, true, DOORBELL, 4, 7));
	ck_assert_uint_eq(signals(event), 1);
	ck_assert_int_eq(ax_notify_remove(vm, id, NULL), 0);
	ck_assert_uint_eq(fake_ioeventfds(0), 0);
	ck_assert(!ax_notify_in_kernel(vm, id));
	ck_assert_int_eq(ax_notify_remove(vm, id, NULL), -ENOENT);
	ax_vm_destroy(vm);
	close(event);
}
END_TEST

START_TEST(kvm_is_told_the_address_space)
{
	AxVm *vm = new_vm(AX_IRQCHIP_NONE);
	int event = new_event();
	AxNotify port = notify_at(0x510, 2, AX_NOTIFY_PORT, event);
	AxNotify any = notify_at(DOORBELL, 0, 0, event);

	ck_assert_int_eq(ax_notify_add(vm, &port, NULL, NULL), 0);
	ck_assert_uint_eq(FAKE_ARG(struct kvm_ioeventfd, KVM_IOEVENTFD, 0)->flags,
			  KVM_IOEVENTFD_FLAG_PIO);
	ck_assert(fake_guest_write(0, true, 0x510, 2, 0xffff));
	ck_assert_int_eq(ax_notify_add(vm, &any, NULL, NULL), 0);
	ck_assert_uint_eq(FAKE_ARG(struct kvm_ioeventfd, KVM_IOEVENTFD, 1)->len, 0);
	ck_assert(fake_guest_write(0, false, DOORBELL, 8, 1));
	ck_assert_uint_eq(signals(event), 2);
	ax_vm_destroy(vm); /* with both still there */
	close(event);
}
END_TEST

START_TEST(notifications_that_make_no_sense_are_refused)
{
	AxVm *vm = new_vm(AX_IRQCHIP_NONE);
	int event = new_event();
	AxNotify notify;
	AxError err;

	ck_assert_fails(ax_notify_add(vm, NULL, NULL, &err), -EINVAL, AX_ERROR_ARGUMENT, "INIT");
	notify = notify_at(DOORBELL, 4, 0, event);
	notify.size--;
	ck_assert_fails(ax_notify_add(vm, &notify, NULL, &err), -EINVAL, AX_ERROR_ARGUMENT, "INIT");
	notify = notify_at(DOORBELL, 4, 4, event);
	ck_assert_fails(ax_notify_add(vm, &notify, NULL, &err), -EINVAL, AX_ERROR_ARGUMENT, "0x4");
	notify = notify_at(DOORBELL, 3, 0, event);
	ck_assert_fails(ax_notify_add(vm, &notify, NULL, &err), -EINVAL, AX_ERROR_ARGUMENT,
			"3 bytes");
	notify = notify_at(DOORBELL, 16, 0, event);
	ck_assert_fails(ax_notify_add(vm, &notify, NULL, &err), -EINVAL, AX_ERROR_ARGUMENT,
			"16 bytes");
	notify = notify_at(0x510, 8, AX_NOTIFY_PORT, event);
	ck_assert_fails(ax_notify_add(vm, &notify, NULL, &err), -EINVAL, AX_ERROR_ARGUMENT,
			"8 bytes of ports");
	notify = notify_at(0x510, 0, AX_NOTIFY_PORT, event);
	ck_assert_fails(ax_notify_add(vm, &notify, NULL, &err), -EINVAL, AX_ERROR_ARGUMENT,
			"0 bytes of ports");
	notify = notify_at(0xffff, 2, AX_NOTIFY_PORT, event);
	ck_assert_fails(ax_notify_add(vm, &notify, NULL, &err), -EINVAL, AX_ERROR_ARGUMENT,
			"past the end");
	notify = notify_at(UINT64_MAX, 2, 0, event);
	ck_assert_fails(ax_notify_add(vm, &notify, NULL, &err), -EINVAL, AX_ERROR_ARGUMENT,
			"past the end");
	notify = notify_at(DOORBELL, 0, AX_NOTIFY_MATCH, event);
	ck_assert_fails(ax_notify_add(vm, &notify, NULL, &err), -EINVAL, AX_ERROR_ARGUMENT,
			"needs a width");
	notify = notify_at(DOORBELL, 2, AX_NOTIFY_MATCH, event);
	notify.match = 0x10000;
	ck_assert_fails(ax_notify_add(vm, &notify, NULL, &err), -EINVAL, AX_ERROR_ARGUMENT,
			"0x10000");
	notify = notify_at(DOORBELL, 4, 0, -1);
	ck_assert_fails(ax_notify_add(vm, &notify, NULL, &err), -EINVAL, AX_ERROR_ARGUMENT,
			"not open");
	ck_assert_uint_eq(fake_calls(KVM_IOEVENTFD), 0);
	ax_vm_destroy(vm);
	close(event);
}
END_TEST

/* The same rule whether KVM or the dispatch carries them. */
static void check_collisions(AxVm *vm, int event)
{
	static const struct {
		uint64_t addr;
		uint32_t width;
		unsigned flags;
		uint64_t match;
		int ret;
	} rows[] = {
		{ DOORBELL, 4, AX_NOTIFY_MATCH, 1, 0 },
		{ DOORBELL, 4, AX_NOTIFY_MATCH, 1, -EEXIST },
		{ DOORBELL, 4, AX_NOTIFY_MATCH, 2, 0 },
		{ DOORBELL, 4, 0, 0, -EEXIST },
		{ DOORBELL, 2, 0, 0, 0 },
		{ DOORBELL, 2, AX_NOTIFY_MATCH, 1, -EEXIST },
		{ DOORBELL, 0, 0, 0, -EEXIST },
		{ DOORBELL + 4, 0, 0, 0, 0 },
		{ DOORBELL + 4, 8, 0, 0, -EEXIST },
		{ DOORBELL + 2, 4, 0, 0, 0 },
		{ 0x100, 4, AX_NOTIFY_PORT, 0, 0 },
		{ 0x100, 4, 0, 0, 0 },
		{ 0x100, 4, AX_NOTIFY_PORT, 0, -EEXIST },
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		AxNotify notify = notify_at(rows[i].addr, rows[i].width, rows[i].flags, event);

		notify.match = rows[i].match;
		ck_assert_int_eq(ax_notify_add(vm, &notify, NULL, NULL), rows[i].ret);
	}
}

START_TEST(a_write_is_notified_once_in_the_kernel)
{
	AxVm *vm = new_vm(AX_IRQCHIP_NONE);
	int event = new_event();

	check_collisions(vm, event);
	ck_assert_uint_eq(fake_ioeventfds(0), 7);
	ax_vm_destroy(vm);
	close(event);
}
END_TEST

START_TEST(a_write_is_notified_once_by_the_dispatch)
{
	AxVm *vm = new_vm(AX_IRQCHIP_NONE);
	int event = new_event();

	fake_fail(KVM_IOEVENTFD, 0, ENOSYS);
	check_collisions(vm, event);
	ck_assert_uint_eq(atomic_load(&vm->snapshot)->notify_count, 7);
	ax_vm_destroy(vm);
	close(event);
}
END_TEST

START_TEST(what_kvm_says_decides_who_carries_it)
{
	static const struct {
		int os_errno;
		uint32_t width;
		int ret;
	} rows[] = {
		{ ENOSYS, 4, 0 },	{ ENOTTY, 4, 0 },    { EOPNOTSUPP, 4, 0 },
		{ ENOSPC, 4, 0 },	{ EINVAL, 0, 0 },    { EINVAL, 4, -EINVAL },
		{ ENOMEM, 4, -ENOMEM }, { EEXIST, 4, -EIO },
	};
	AxVm *vm = new_vm(AX_IRQCHIP_NONE);
	int event = new_event();
	AxNotifyId id;

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		AxNotify notify = notify_at(DOORBELL, rows[i].width, 0, event);

		fake_fail(KVM_IOEVENTFD, 1, rows[i].os_errno);
		ck_assert_int_eq(ax_notify_add(vm, &notify, &id, NULL), rows[i].ret);
		if (rows[i].ret)
			continue;
		ck_assert(!ax_notify_in_kernel(vm, id));
		ck_assert_int_eq(ax_notify_remove(vm, id, NULL), 0);
	}
	ck_assert_uint_eq(atomic_load(&vm->snapshot)->notify_count, 0);
	ck_assert_uint_eq(fake_ioeventfds(0), 0);
	ax_vm_destroy(vm);
	close(event);
}
END_TEST

START_TEST(a_removal_that_kvm_refuses_keeps_the_notification)
{
	AxVm *vm = new_vm(AX_IRQCHIP_NONE);
	int event = new_event();
	AxNotify notify = notify_at(DOORBELL, 4, 0, event);
	AxNotifyId id;
	AxError err;

	ck_assert_int_eq(ax_notify_add(vm, &notify, &id, NULL), 0);
	fake_fail(KVM_IOEVENTFD, 1, EIO);
	ck_assert_fails(ax_notify_remove(vm, id, &err), -EIO, AX_ERROR_KVM_CALL, "KVM_IOEVENTFD");
	ck_assert(ax_notify_in_kernel(vm, id));
	ck_assert_int_eq(ax_notify_remove(vm, id, &err), 0);
	ck_assert_fails(ax_notify_remove(vm, id, &err), -ENOENT, AX_ERROR_ARGUMENT, "has the id");
	ax_vm_destroy(vm);
	close(event);
}
END_TEST

START_TEST(no_memory_is_an_error_that_changes_nothing)
{
	int event = new_event();
	AxNotify notify = notify_at(DOORBELL, 4, 0, event);
	bool failed = true;
	AxNotifyId id;
	AxError err;
	AxVm *vm;

	for (unsigned nth = 1; failed; nth++) {
		int ret;

		vm = new_vm(AX_IRQCHIP_NONE);
		fake_fail(KVM_IOEVENTFD, 1, ENOSYS);
		fake_libc_fail(LIBC_MALLOC, nth, ENOMEM);
		ret = ax_notify_add(vm, &notify, &id, &err);
		failed = fake_libc_failed(LIBC_MALLOC);
		ck_assert_int_eq(ret, failed ? -ENOMEM : 0);
		fake_fail_clear();
		if (failed)
			ax_vm_destroy(vm);
	}
	fake_libc_fail(LIBC_MALLOC, 1, ENOMEM);
	ck_assert_fails(ax_notify_remove(vm, id, &err), -ENOMEM, AX_ERROR_RESOURCE, "no memory");
	ck_assert_int_eq(ax_notify_remove(vm, id, &err), 0);
	ax_vm_destroy(vm);
	close(event);
}
END_TEST

START_TEST(many_notifications_are_kept_apart)
{
	AxVm *vm = new_vm(AX_IRQCHIP_NONE);
	int event = new_event();
	AxNotifyId ids[20];

	for (unsigned i = 0; i < 20; i++) {
		AxNotify notify = notify_at(DOORBELL + 8 * i, 4, 0, event);

		if (i % 2)
			fake_fail(KVM_IOEVENTFD, 1, ENOSPC);
		ck_assert_int_eq(ax_notify_add(vm, &notify, &ids[i], NULL), 0);
		ck_assert_int_eq(ax_notify_in_kernel(vm, ids[i]), i % 2 == 0);
	}
	for (unsigned i = 0; i < 20; i += 3)
		ck_assert_int_eq(ax_notify_remove(vm, ids[i], NULL), 0);
	for (unsigned i = 0; i < 20; i++)
		ck_assert_int_eq(ax_notify_remove(vm, ids[i], NULL), i % 3 ? 0 : -ENOENT);
	ax_vm_destroy(vm);
	close(event);
}
END_TEST

/* A device behind the doorbell's page counts what reaches it. */
struct device {
	unsigned writes;
	AxNotifyId id;
	int ret;
};

static AxHandled device_write(AxVCpu *vcpu, void *opaque, uint64_t offset, AxAccessWidth width,
			      uint64_t value)
{
	struct device *device = opaque;

	(void)offset;
	(void)width;
	(void)value;
	device->writes++;
	if (device->id)
		device->ret = ax_notify_remove(ax_vcpu_vm(vcpu), device->id, NULL);
	return AX_HANDLED;
}

static const AxRangeOps device_ops = { .size = sizeof(AxRangeOps), .write = device_write };

static void add_device(AxVm *vm, struct device *device)
{
	AxRange range = AX_RANGE_INIT;

	range.name = "doorbell";
	range.base = DOORBELL;
	range.length = 0x1000;
	range.ops = &device_ops;
	range.opaque = device;
	ck_assert_int_eq(ax_range_add_mmio(vm, &range, NULL, NULL), 0);
}

static void run_to_halt(AxVCpu *vcpu)
{
	AxVCpuExitReason exit;

	fake_push_exit(0, KVM_EXIT_HLT);
	ck_assert_int_eq(ax_vcpu_loop(vcpu, &exit, NULL), AX_LOOP_UNHANDLED);
	ck_assert_uint_eq(exit.kind, AX_EXIT_HALT);
}

START_TEST(the_dispatch_signals_and_the_device_sees_the_rest)
{
	AxVm *vm = new_vm(AX_IRQCHIP_NONE);
	AxVCpu *vcpu = ready_vcpu(vm, 0);
	struct device device = { 0 };
	int event = new_event();
	AxNotify notify = notify_at(DOORBELL + 0x10, 4, AX_NOTIFY_MATCH, event);
	AxNotifyId id;

	fake_fail(KVM_IOEVENTFD, 0, ENOSYS);
	notify.match = 3;
	add_device(vm, &device);
	/* The range is in the fast path's cache before the notification comes. */
	fake_push_mmio_write(0, DOORBELL + 0x10, 4, 3);
	fake_push_mmio_write(0, DOORBELL + 0x10, 4, 3);
	run_to_halt(vcpu);
	ck_assert_uint_eq(device.writes, 2);
	ck_assert_int_eq(ax_notify_add(vm, &notify, &id, NULL), 0);
	fake_push_mmio_write(0, DOORBELL + 0x10, 4, 3);
	fake_push_mmio_write(0, DOORBELL + 0x10, 4, 4);
	fake_push_mmio_write(0, DOORBELL + 0x10, 2, 3);
	fake_push_mmio_write(0, DOORBELL + 0x14, 4, 3);
	fake_push_mmio_write(0, DOORBELL + 0x10, 4, 3);
	run_to_halt(vcpu);
	ck_assert_uint_eq(signals(event), 2);
	ck_assert_uint_eq(device.writes, 5);
	ck_assert_int_eq(ax_notify_remove(vm, id, NULL), 0);
	fake_push_mmio_write(0, DOORBELL + 0x10, 4, 3);
	run_to_halt(vcpu);
	ck_assert_uint_eq(signals(event), 0);
	ck_assert_uint_eq(device.writes, 6);
	ck_assert_int_eq(ax_vcpu_unbind(vcpu, NULL), 0);
	ax_vm_destroy(vm);
	close(event);
}
END_TEST

START_TEST(a_port_is_notified_by_the_dispatch_too)
{
	AxVm *vm = new_vm(AX_IRQCHIP_NONE);
	AxVCpu *vcpu = ready_vcpu(vm, 0);
	int event = new_event();
	AxNotify notify = notify_at(0x510, 1, AX_NOTIFY_PORT, event);

	fake_fail(KVM_IOEVENTFD, 1, ENOSYS);
	ck_assert_int_eq(ax_notify_add(vm, &notify, NULL, NULL), 0);
	fake_push_port(0, 0x510, 1, 3, "abc"); /* each element is a write */
	fake_push_port(0, 0x511, 1, 1, "x");
	fake_push_mmio_write(0, 0x510, 1, 'x');
	run_to_halt(vcpu);
	ck_assert_uint_eq(signals(event), 3);
	ck_assert_int_eq(ax_vcpu_unbind(vcpu, NULL), 0);
	ax_vm_destroy(vm);
	close(event);
}
END_TEST

START_TEST(an_any_width_notification_takes_every_width)
{
	AxVm *vm = new_vm(AX_IRQCHIP_NONE);
	AxVCpu *vcpu = ready_vcpu(vm, 0);
	int event = new_event();
	AxNotify notify = notify_at(DOORBELL, 0, 0, event);

	fake_set_cap(KVM_CAP_IOEVENTFD_ANY_LENGTH, 0);
	ck_assert_int_eq(ax_notify_add(vm, &notify, NULL, NULL), 0);
	for (unsigned len = 1; len <= 8; len *= 2)
		fake_push_mmio_write(0, DOORBELL, len, 1);
	fake_push_mmio_read(0, DOORBELL, 4);
	run_to_halt(vcpu);
	ck_assert_uint_eq(signals(event), 4);
	ck_assert_int_eq(ax_vcpu_unbind(vcpu, NULL), 0);
	ax_vm_destroy(vm);
	close(event);
}
END_TEST

START_TEST(a_full_eventfd_does_not_stop_the_guest)
{
	AxVm *vm = new_vm(AX_IRQCHIP_NONE);
	AxVCpu *vcpu = ready_vcpu(vm, 0);
	int event = new_event();
	AxNotify notify = notify_at(DOORBELL, 4, 0, event);
	uint64_t most = UINT64_MAX - 1;

	fake_fail(KVM_IOEVENTFD, 1, ENOSYS);
	ck_assert_int_eq(write(event, &most, sizeof(most)), sizeof(most));
	ck_assert_int_eq(ax_notify_add(vm, &notify, NULL, NULL), 0);
	fake_push_mmio_write(0, DOORBELL, 4, 1);
	run_to_halt(vcpu);
	ck_assert_uint_eq(signals(event), most);
	ck_assert_int_eq(ax_vcpu_unbind(vcpu, NULL), 0);
	ax_vm_destroy(vm);
	close(event);
}
END_TEST

START_TEST(the_range_cache_knows_which_ranges_to_avoid)
{
	AxVm *vm = new_vm(AX_IRQCHIP_NONE);
	int event = new_event();
	AxNotify notify = notify_at(DOORBELL + 8, 4, 0, event);
	const struct snapshot *snapshot;

	fake_fail(KVM_IOEVENTFD, 1, ENOSYS);
	ck_assert_int_eq(ax_notify_add(vm, &notify, NULL, NULL), 0);
	snapshot = atomic_load(&vm->snapshot);
	ck_assert(notify_overlaps(snapshot, RANGE_MMIO, DOORBELL, 9));
	ck_assert(!notify_overlaps(snapshot, RANGE_MMIO, DOORBELL, 8));
	ck_assert(notify_overlaps(snapshot, RANGE_MMIO, DOORBELL + 8, UINT64_MAX - DOORBELL - 8));
	ck_assert(!notify_overlaps(snapshot, RANGE_MMIO, DOORBELL + 9, 1));
	ck_assert(!notify_overlaps(snapshot, RANGE_PORT, DOORBELL + 8, 1));
	ax_vm_destroy(vm);
	close(event);
}
END_TEST

START_TEST(a_handler_can_not_remove_a_notification)
{
	AxVm *vm = new_vm(AX_IRQCHIP_NONE);
	AxVCpu *vcpu = ready_vcpu(vm, 0);
	struct device device = { 0 };
	int event = new_event();
	AxNotify notify = notify_at(DOORBELL + 8, 4, 0, event);

	add_device(vm, &device);
	ck_assert_int_eq(ax_notify_add(vm, &notify, &device.id, NULL), 0);
	fake_push_mmio_write(0, DOORBELL, 4, 1);
	run_to_halt(vcpu);
	ck_assert_uint_eq(device.writes, 1);
	ck_assert_int_eq(device.ret, -EDEADLK);
	ck_assert_int_eq(ax_vcpu_unbind(vcpu, NULL), 0);
	ax_vm_destroy(vm);
	close(event);
}
END_TEST

static int ring_for_ever(struct kvm_run *run, void *arg)
{
	(void)arg;
	if (__atomic_load_n(&run->immediate_exit, __ATOMIC_SEQ_CST)) {
		run->exit_reason = KVM_EXIT_INTR;
		return -EINTR;
	}
	run->exit_reason = KVM_EXIT_MMIO;
	run->mmio.phys_addr = DOORBELL;
	run->mmio.len = 4;
	run->mmio.is_write = 1;
	memset(run->mmio.data, 0, sizeof(run->mmio.data));
	return 0;
}

static void *run_loop(void *opaque)
{
	AxVCpu *vcpu = ax_vm_vcpu_at(opaque, 0);
	AxVCpuExitReason exit;

	ck_assert_int_eq(ax_vcpu_bind(vcpu, AX_ANY_CPU, NULL), 0);
	ck_assert_int_eq(ax_vcpu_loop(vcpu, &exit, NULL), AX_LOOP_VM_STOPPED);
	ck_assert_int_eq(ax_vcpu_unbind(vcpu, NULL), 0);
	return NULL;
}

START_TEST(after_removal_the_eventfd_is_not_written_any_more)
{
	AxVm *vm = new_vm(AX_IRQCHIP_NONE);
	AxVCpuSetup setup = AX_VCPU_SETUP_INIT;
	AxVCpu *vcpu = new_vcpu(vm, 0);
	pthread_t thread;

	fake_fail(KVM_IOEVENTFD, 0, ENOSYS);
	fake_set_guest(0, ring_for_ever, NULL);
	ck_assert_int_eq(ax_vcpu_setup(vcpu, &setup, NULL), 0);
	ck_assert_int_eq(pthread_create(&thread, NULL, run_loop, vm), 0);
	for (unsigned round = 0; round < 100; round++) {
		int event = new_event();
		AxNotify notify = notify_at(DOORBELL, 4, 0, event);
		AxNotifyId id;

		ck_assert_int_eq(ax_notify_add(vm, &notify, &id, NULL), 0);
		while (!signals(event))
			usleep(10);
		ck_assert_int_eq(ax_notify_remove(vm, id, NULL), 0);
		(void)signals(event);
		usleep(100);
		ck_assert_uint_eq(signals(event), 0);
		close(event);
	}
	ax_vm_stop(vm, 0);
	pthread_join(thread, NULL);
	ax_vm_destroy(vm);
}
END_TEST

RUN_CORE_TESTS("notify", kvm_carries_a_notification_where_it_can, kvm_is_told_the_address_space,
	       notifications_that_make_no_sense_are_refused, a_write_is_notified_once_in_the_kernel,
	       a_write_is_notified_once_by_the_dispatch, what_kvm_says_decides_who_carries_it,
	       a_removal_that_kvm_refuses_keeps_the_notification,
	       no_memory_is_an_error_that_changes_nothing, many_notifications_are_kept_apart,
	       the_dispatch_signals_and_the_device_sees_the_rest,
	       a_port_is_notified_by_the_dispatch_too, an_any_width_notification_takes_every_width,
	       a_full_eventfd_does_not_stop_the_guest, the_range_cache_knows_which_ranges_to_avoid,
	       a_handler_can_not_remove_a_notification,
	       after_removal_the_eventfd_is_not_written_any_more)
