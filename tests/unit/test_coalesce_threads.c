/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Collected writes of several vCPUs, while others hand them out, and while ranges come and go: each vCPU's
 * accesses arrive in their order, once, whether they were collected or made an exit, and never at a device
 * that is gone.
 */
#include "core/coalesce.h"
#include "tests/unit/coalesce_fixture.h"

#define VCPUS  3
#define ROUNDS 800
#define EACH   0x100 /* bytes of a vCPU's places */
#define COMING UINT64_C(0xd0010000)
#define ALIVE  0x616c697665

/* What a vCPU's guest does next, and what of it has arrived: a sequence over all of its places. */
struct sequence {
	AxVm *vm;
	unsigned id;
	unsigned seed;
	uint64_t next;
	_Atomic uint64_t arrived;
	atomic_uint handlers; /* inside, which is one at most */
};

static struct sequence sequences[VCPUS];
static AxVm *vm;
static bool comes_and_goes; /* the range at COLLECTED: what makes an exit goes to the other */

static AxHandled arrive(AxVCpu *vcpu, void *opaque, uint64_t offset, AxAccessWidth width,
			uint64_t value)
{
	struct sequence *sequence = &sequences[offset / EACH];

	(void)vcpu;
	(void)opaque;
	(void)width;
	ck_assert_uint_eq(atomic_fetch_add(&sequence->handlers, 1), 0);
	ck_assert_uint_eq(value, atomic_load(&sequence->arrived));
	atomic_store(&sequence->arrived, value + 1);
	atomic_fetch_sub(&sequence->handlers, 1);
	return AX_HANDLED;
}

static const AxRangeOps arrive_ops = { .size = sizeof(AxRangeOps), .write = arrive };

/* Some writes that KVM collects, as long as there is room, then one that makes an exit. */
static int busy_guest(struct kvm_run *run, void *arg)
{
	struct sequence *sequence = arg;
	unsigned random = (unsigned)rand_r(&sequence->seed);
	uint64_t place = sequence->id * EACH;

	for (unsigned i = random % 20; i; i--) {
		if (!fake_collect(0, false, COLLECTED + place, 8, sequence->next))
			break;
		sequence->next++;
		/* Without order: to a device that may not be there. */
		(void)fake_collect(0, false, COMING, 4, i);
	}
	run->exit_reason = KVM_EXIT_MMIO;
	run->mmio.is_write = 1;
	run->mmio.len = 8;
	run->mmio.phys_addr = (random & 64 && !comes_and_goes ? COLLECTED : PLAIN) + place;
	memcpy(run->mmio.data, &sequence->next, 8);
	sequence->next++;
	return 0;
}

static AxRangeId add(uint64_t base, unsigned flags)
{
	AxRange range = AX_RANGE_INIT;
	AxRangeId id;

	range.name = "sequences";
	range.base = base;
	range.length = VCPUS * EACH;
	range.ops = &arrive_ops;
	range.flags = flags;
	ck_assert_int_eq(ax_range_add_mmio(vm, &range, &id, NULL), 0);
	return id;
}

static void *run_on_thread(void *opaque)
{
	AxVmResult result = AX_VM_RESULT_INIT;

	ck_assert_int_eq(ax_vm_run(vm, &result, NULL), 0);
	*(int *)opaque = result.code;
	return NULL;
}

static atomic_bool over;

static void *drain_now_and_then(void *opaque)
{
	(void)opaque;
	while (!atomic_load(&over)) {
		ck_assert_int_eq(ax_coalesced_drain(vm, NULL), 0);
		sched_yield();
	}
	return NULL;
}

struct device {
	_Atomic uint64_t alive;
};

static AxHandled touch(AxVCpu *vcpu, void *opaque, uint64_t offset, AxAccessWidth width,
		       uint64_t value)
{
	struct device *device = opaque;

	(void)vcpu;
	(void)offset;
	(void)width;
	(void)value;
	ck_assert_uint_eq(atomic_load(&device->alive), ALIVE);
	return AX_HANDLED;
}

static const AxRangeOps touch_ops = { .size = sizeof(AxRangeOps), .write = touch };

static void come_and_go(void)
{
	struct device *device = calloc(1, sizeof(*device));
	AxRange range = AX_RANGE_INIT;
	AxRangeId id;

	ck_assert_ptr_nonnull(device);
	atomic_store(&device->alive, ALIVE);
	range.base = COMING;
	range.length = 16;
	range.ops = &touch_ops;
	range.opaque = device;
	range.flags = AX_RANGE_COALESCED;
	ck_assert_int_eq(ax_range_add_mmio(vm, &range, &id, NULL), 0);
	ck_assert(ax_range_is_coalesced(vm, id));
	sched_yield();
	ck_assert_int_eq(ax_range_remove(vm, id, NULL), 0);
	atomic_store(&device->alive, 0);
	free(device);
}

static bool all_arrived(uint64_t count)
{
	for (unsigned i = 0; i < VCPUS; i++) {
		if (atomic_load(&sequences[i].arrived) < count)
			return false;
	}
	return true;
}

/* The range that they write to all the time, and with it vCPUs' catching up. */
static void sequences_come_and_go(void)
{
	AxRangeId id = add(COLLECTED, AX_RANGE_COALESCED);
	uint64_t before = ax_coalesced_count(vm);

	while (ax_coalesced_count(vm) == before)
		sched_yield();
	ck_assert_int_eq(ax_range_remove(vm, id, NULL), 0);
}

/* _i: 1, vCPUs run before the first range is coalesced; 2, and after the last. */
START_TEST(each_vcpus_accesses_arrive_in_their_order)
{
	pthread_t runner, drainer;
	int code;

	kvm_collects();
	atomic_store(&over, false);
	vm = new_vm(AX_IRQCHIP_NONE);
	add(PLAIN, 0);
	for (unsigned i = 0; i < VCPUS; i++) {
		sequences[i] = (struct sequence){ .vm = vm, .id = i, .seed = i + 1 };
		free_vcpu(vm, i, 0);
		fake_set_guest(i, busy_guest, &sequences[i]);
	}
	comes_and_goes = _i == 2;
	if (!comes_and_goes)
		add(COLLECTED, _i ? 0 : AX_RANGE_COALESCED);
	ck_assert_int_eq(pthread_create(&runner, NULL, run_on_thread, &code), 0);
	ck_assert_int_eq(pthread_create(&drainer, NULL, drain_now_and_then, NULL), 0);
	for (unsigned round = 0; round < (comes_and_goes ? 20 : 60) || !all_arrived(ROUNDS);
	     round++) {
		come_and_go();
		if (comes_and_goes)
			sequences_come_and_go();
		if (round % 10)
			continue;
		ck_assert_int_eq(ax_vm_pause(vm, NULL), 0);
		for (unsigned i = 0; i < VCPUS; i++)
			ck_assert_uint_eq(atomic_load(&sequences[i].arrived), sequences[i].next);
		ck_assert_int_eq(ax_vm_resume(vm, NULL), 0);
	}
	atomic_store(&over, true);
	pthread_join(drainer, NULL);
	ax_vm_stop(vm, 5);
	pthread_join(runner, NULL);
	ck_assert_int_eq(code, 5);
	for (unsigned i = 0; i < VCPUS; i++)
		ck_assert_uint_eq(atomic_load(&sequences[i].arrived), sequences[i].next);
	if (_i != 1)
		ck_assert_uint_gt(ax_coalesced_count(vm), 0);
	ax_vm_destroy(vm);
}
END_TEST

static void add_tests(TCase *cases)
{
	tcase_add_loop_test(cases, each_vcpus_accesses_arrive_in_their_order, 0, 3);
}

RUN_SUITE("coalesce_threads", add_tests)
