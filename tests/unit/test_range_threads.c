/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Ranges that come and go while vCPUs run: nobody is in one that was removed, everybody sees one
 * that was added, and a handler cannot wait for itself.
 */
#include "tests/unit/run_fixture.h"

#define VCPUS 3

static AxVm *vm;

/* A device on the heap, filled with rubbish before it is freed. */
#define ALIVE 0x616c697665

struct device {
	_Atomic uint64_t alive;
	atomic_uint inside;
	atomic_uint calls;
};

static AxHandled touch(struct device *device)
{
	ck_assert_uint_eq(device->alive, ALIVE);
	atomic_fetch_add(&device->inside, 1);
	atomic_fetch_add(&device->calls, 1);
	ck_assert_uint_eq(device->alive, ALIVE);
	atomic_fetch_sub(&device->inside, 1);
	return AX_HANDLED;
}

static AxHandled device_read(AxVCpu *vcpu, void *opaque, uint64_t offset, AxAccessWidth width,
			     uint64_t *value)
{
	(void)vcpu;
	(void)offset;
	(void)width;
	*value = 1;
	return touch(opaque);
}

static AxHandled device_write(AxVCpu *vcpu, void *opaque, uint64_t offset, AxAccessWidth width,
			      uint64_t value)
{
	(void)vcpu;
	(void)offset;
	(void)width;
	(void)value;
	return touch(opaque);
}

static const AxRangeOps device_ops = { .size = sizeof(AxRangeOps),
				       .read = device_read,
				       .write = device_write };

static struct device *new_device(void)
{
	struct device *device = calloc(1, sizeof(*device));

	ck_assert_ptr_nonnull(device);
	device->alive = ALIVE;
	return device;
}

static void free_device(struct device *device)
{
	ck_assert_uint_eq(device->inside, 0);
	device->alive = 0;
	free(device);
}

static AxRangeId add_device(bool port, uint64_t base, struct device *device)
{
	AxRange range = AX_RANGE_INIT;
	AxRangeId id;
	AxError err = AX_ERROR_INIT;

	range.name = "device";
	range.base = base;
	range.length = 8;
	range.ops = &device_ops;
	range.opaque = device;
	ck_assert_msg(!(port ? ax_range_add_ports(vm, &range, &id, &err)
			     : ax_range_add_mmio(vm, &range, &id, &err)),
		      "%s", err.message);
	return id;
}

/* A guest that accesses ports and MMIO in 0x100 .. 0x180 without end. */
static int busy_guest(struct kvm_run *run, void *arg)
{
	unsigned *seed = arg;
	unsigned random = (unsigned)rand_r(seed);

	if (random & 1) {
		run->exit_reason = KVM_EXIT_IO;
		run->io.direction = random >> 1 & 1;
		run->io.size = 1;
		run->io.count = random % 31 ? 1 : 3;
		run->io.port = (uint16_t)(0x100 + (random >> 8 & 0x7f));
		run->io.data_offset = 4096;
	} else {
		run->exit_reason = KVM_EXIT_MMIO;
		run->mmio.is_write = random >> 1 & 1;
		run->mmio.len = 4;
		run->mmio.phys_addr = 0x100 + (random >> 8 & 0x7f);
	}
	return 0;
}

static unsigned seeds[VCPUS];

static void make_busy_vm(void)
{
	vm = new_vm(AX_IRQCHIP_NONE);
	for (unsigned i = 0; i < VCPUS; i++) {
		seeds[i] = i + 1;
		free_vcpu(vm, i, 0);
		fake_set_guest(i, busy_guest, &seeds[i]);
	}
}

static void *run_all(void *arg)
{
	(void)arg;
	ck_assert_uint_eq(run_vm(vm).end, AX_VM_END_CODE);
	return NULL;
}

/* Two of these, each with a half of the spaces of its own. */
static void *come_and_go(void *arg)
{
	unsigned half = (unsigned)(uintptr_t)arg, seed = half + 10;
	struct device *devices[8] = { NULL };
	AxRangeId ids[8];
	unsigned calls = 0;

	for (unsigned i = 0; i < 400; i++) {
		unsigned slot = (unsigned)rand_r(&seed) % 8;
		uint64_t base = 0x100 + half * 0x40 + slot * 8;

		if (devices[slot]) {
			ck_assert_int_eq(ax_range_remove(vm, ids[slot], NULL), 0);
			calls += devices[slot]->calls;
			free_device(devices[slot]);
			devices[slot] = NULL;
		} else {
			devices[slot] = new_device();
			ids[slot] = add_device(slot & 1, base, devices[slot]);
		}
	}
	for (unsigned slot = 0; slot < 8; slot++) {
		if (!devices[slot])
			continue;
		ck_assert_int_eq(ax_range_remove(vm, ids[slot], NULL), 0);
		free_device(devices[slot]);
	}
	return (void *)(uintptr_t)calls;
}

START_TEST(a_removed_range_may_be_freed_while_vcpus_run)
{
	pthread_t runner, changers[2];
	void *calls[2];

	make_busy_vm();
	ck_assert_int_eq(pthread_create(&runner, NULL, run_all, NULL), 0);
	wait_until(fake_entries(0) && fake_entries(1) && fake_entries(2));
	for (unsigned i = 0; i < 2; i++)
		ck_assert_int_eq(
			pthread_create(&changers[i], NULL, come_and_go, (void *)(uintptr_t)i), 0);
	for (unsigned i = 0; i < 2; i++)
		pthread_join(changers[i], &calls[i]);
	ax_vm_stop(vm, 0);
	pthread_join(runner, NULL);
	ck_assert_uint_gt((uintptr_t)calls[0] + (uintptr_t)calls[1], 100);
	ax_vm_destroy(vm);
}
END_TEST

START_TEST(an_added_range_is_seen_by_vcpus_that_run)
{
	struct device *device = new_device();
	pthread_t runner;

	make_busy_vm();
	ck_assert_int_eq(pthread_create(&runner, NULL, run_all, NULL), 0);
	wait_until(fake_entries(0));
	for (unsigned i = 0; i < 20; i++) {
		AxRangeId id = add_device(i & 1, 0x100, device);
		unsigned before = device->calls;

		wait_until(device->calls > before);
		ck_assert_int_eq(ax_range_remove(vm, id, NULL), 0);
		before = device->calls;
		if (i % 4 == 0)
			sleep_ms(2);
		ck_assert_uint_eq(device->calls, before);
	}
	ax_vm_stop(vm, 0);
	pthread_join(runner, NULL);
	free_device(device);
	ax_vm_destroy(vm);
}
END_TEST

/* Removal waits for a handler that runs. */

static atomic_bool entered, may_leave;

static AxHandled slow_write(AxVCpu *vcpu, void *opaque, uint64_t offset, AxAccessWidth width,
			    uint64_t value)
{
	(void)vcpu;
	(void)offset;
	(void)width;
	(void)value;
	entered = true;
	wait_until(may_leave);
	sleep_ms(10);
	*(atomic_bool *)opaque = true;
	return AX_HANDLED;
}

static void *let_leave_later(void *arg)
{
	(void)arg;
	sleep_ms(10);
	may_leave = true;
	return NULL;
}

START_TEST(removal_waits_until_the_handler_has_returned)
{
	static const AxRangeOps ops = { .size = sizeof(AxRangeOps), .write = slow_write };
	atomic_bool left = false;
	AxRange range = AX_RANGE_INIT;
	pthread_t runner, helper;
	AxRangeId id;

	vm = new_vm(AX_IRQCHIP_NONE);
	free_vcpu(vm, 0, 0);
	range.base = 0x500;
	range.length = 4;
	range.ops = &ops;
	range.opaque = &left;
	ck_assert_int_eq(ax_range_add_mmio(vm, &range, &id, NULL), 0);
	fake_push_mmio_write(0, 0x500, 4, 1);
	ck_assert_int_eq(pthread_create(&runner, NULL, run_all, NULL), 0);
	wait_until(entered);
	ck_assert_int_eq(pthread_create(&helper, NULL, let_leave_later, NULL), 0);
	ck_assert_int_eq(ax_range_remove(vm, id, NULL), 0);
	ck_assert(left);
	pthread_join(helper, NULL);
	ax_vm_stop(vm, 0);
	pthread_join(runner, NULL);
	ax_vm_destroy(vm);
}
END_TEST

/* From a handler. */

static AxRangeId own_id;
static int ret_of_remove, ret_of_pause, ret_of_add;
static struct device *late;

static AxHandled change_from_handler(AxVCpu *vcpu, void *opaque, uint64_t offset,
				     AxAccessWidth width, uint64_t value)
{
	AxRange range = AX_RANGE_INIT;

	(void)opaque;
	(void)offset;
	(void)width;
	(void)value;
	ret_of_remove = ax_range_remove(ax_vcpu_vm(vcpu), own_id, NULL);
	ret_of_pause = ax_vm_pause(ax_vcpu_vm(vcpu), NULL);
	range.base = 0x600;
	range.length = 4;
	range.ops = &device_ops;
	range.opaque = late;
	ret_of_add = ax_range_add_mmio(ax_vcpu_vm(vcpu), &range, NULL, NULL);
	return AX_HANDLED;
}

START_TEST(a_handler_removes_nothing_but_what_it_adds_is_there_at_the_next_entry)
{
	static const AxRangeOps ops = { .size = sizeof(AxRangeOps), .write = change_from_handler };
	AxRange range = AX_RANGE_INIT;
	AxVCpuExitReason exit;
	AxVCpu *vcpu;

	/* In the loop, then by hand. */
	for (unsigned by_hand = 0; by_hand < 2; by_hand++) {
		late = new_device();
		vm = new_strict_vm(AX_IRQCHIP_NONE);
		add_stop_port(vm);
		range = (AxRange)AX_RANGE_INIT;
		range.base = 0x500;
		range.length = 4;
		range.ops = &ops;
		ck_assert_int_eq(ax_range_add_mmio(vm, &range, &own_id, NULL), 0);
		vcpu = ready_vcpu(vm, 0);
		fake_push_mmio_write(by_hand, 0x500, 4, 1);
		fake_push_mmio_write(by_hand, 0x600, 4, 1);
		push_stop(by_hand);
		if (by_hand) {
			do {
				ck_assert_int_eq(ax_vcpu_run(vcpu, &exit, NULL), 0);
			} while (ax_vcpu_dispatch(vcpu, &exit) == AX_HANDLED);
		} else {
			ck_assert_int_eq(ax_vcpu_loop(vcpu, &exit, NULL), AX_LOOP_STOPPED);
		}
		ck_assert_uint_eq(exit.kind, AX_EXIT_IO_WRITE);
		ck_assert_int_eq(ret_of_remove, -EDEADLK);
		ck_assert_int_eq(ret_of_pause, -EDEADLK);
		ck_assert_int_eq(ret_of_add, 0);
		ck_assert_uint_eq(late->calls, 1);
		/* Outside the handler the owner may. */
		ck_assert_int_eq(ax_range_remove(vm, own_id, NULL), 0);
		ck_assert_int_eq(ax_vm_pause(vm, NULL), 0);
		ck_assert_int_eq(ax_vm_resume(vm, NULL), 0);
		ax_vm_destroy(vm);
		free_device(late);
	}
}
END_TEST

/* A handler that settles, and dispatches the second half of its access by hand. */

static AxHandled settle_and_dispatch(AxVCpu *vcpu, void *opaque, uint64_t offset,
				     AxAccessWidth width, uint64_t value)
{
	AxVCpuExitReason exit;

	(void)opaque;
	(void)offset;
	(void)width;
	(void)value;
	ck_assert_int_eq(ax_vcpu_settle(vcpu, &exit, NULL), 1);
	ck_assert_uint_eq(exit.mmio_write.addr, 0x600);
	ck_assert_int_eq(ax_vcpu_dispatch(vcpu, &exit), AX_HANDLED);
	/* It is still in its loop: who removes a range still waits for it. */
	ck_assert(atomic_load(&vcpu->in_loop));
	ck_assert_int_eq(ax_range_remove(ax_vcpu_vm(vcpu), own_id, NULL), -EDEADLK);
	ck_assert_int_eq(ax_vcpu_settle(vcpu, &exit, NULL), 0);
	return AX_HANDLED;
}

START_TEST(dispatch_inside_a_handler_stays_inside_the_loop)
{
	static const AxRangeOps ops = { .size = sizeof(AxRangeOps), .write = settle_and_dispatch };
	AxRange range = AX_RANGE_INIT;
	AxVCpuExitReason exit;
	AxVCpu *vcpu;

	vm = new_strict_vm(AX_IRQCHIP_NONE);
	add_stop_port(vm);
	late = new_device();
	add_device(false, 0x600, late);
	range.base = 0x500;
	range.length = 4;
	range.ops = &ops;
	ck_assert_int_eq(ax_range_add_mmio(vm, &range, &own_id, NULL), 0);
	vcpu = ready_vcpu(vm, 0);
	fake_push_mmio_write(0, 0x500, 4, 1);
	fake_push_half_mmio(0, 0x600, 2, true, 1);
	push_stop(0);
	ck_assert_int_eq(ax_vcpu_loop(vcpu, &exit, NULL), AX_LOOP_STOPPED);
	ck_assert_uint_eq(exit.kind, AX_EXIT_IO_WRITE);
	ck_assert_uint_eq(late->calls, 1);
	ax_vm_destroy(vm);
	free_device(late);
}
END_TEST

/* Snapshots that nobody can hold any more are not kept. */
static unsigned retired_snapshots(void)
{
	unsigned count = 0;

	for (const struct snapshot *old = vm->retired; old; old = old->retired)
		count++;
	return count;
}

START_TEST(old_registrations_are_given_back)
{
	struct device *device = new_device();

	vm = new_vm(AX_IRQCHIP_NONE);
	for (unsigned i = 0; i < 100; i++)
		add_device(false, 0x1000 + 8 * i, device);
	ck_assert_uint_eq(retired_snapshots(), 0);
	free_vcpu(vm, 0, 0);
	add_device(false, 0x100, device);
	ck_assert_uint_eq(retired_snapshots(), 0);
	ax_vm_destroy(vm);
	free_device(device);
}
END_TEST

static void add_tests(TCase *cases)
{
	tcase_add_test(cases, a_removed_range_may_be_freed_while_vcpus_run);
	tcase_add_test(cases, an_added_range_is_seen_by_vcpus_that_run);
	tcase_add_test(cases, removal_waits_until_the_handler_has_returned);
	tcase_add_test(cases,
		       a_handler_removes_nothing_but_what_it_adds_is_there_at_the_next_entry);
	tcase_add_test(cases, dispatch_inside_a_handler_stays_inside_the_loop);
	tcase_add_test(cases, old_registrations_are_given_back);
}

RUN_SUITE("range threads", add_tests)
