/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Guest writes that KVM collects in its ring (AX_RANGE_COALESCED): every one arrives, in its order, with
 * few exits; by other threads, too; and from several vCPUs, each in its order.
 */
#include "running.h"

#include <inttypes.h>
#include <stdatomic.h>

#define WRITES 5000

/* Writes of consecutive numbers, from 1 on. */
static struct {
	_Atomic uint64_t last;
	atomic_uint wrong;
} arrived;

static AxHandled arrive(AxVCpu *vcpu, void *opaque, uint64_t offset, AxAccessWidth width,
			uint64_t value)
{
	if (value != (uint32_t)(atomic_load(&arrived.last) + 1))
		atomic_fetch_add(&arrived.wrong, 1);
	atomic_fetch_add(&arrived.last, 1);
	return AX_HANDLED;
}

static AxHandled read_last(AxVCpu *vcpu, void *opaque, uint64_t offset, AxAccessWidth width,
			   uint64_t *value)
{
	*value = atomic_load(&arrived.last);
	return AX_HANDLED;
}

static const AxRangeOps arrive_ops = { .size = sizeof(arrive_ops),
				       .read = read_last,
				       .write = arrive };

static AxHandled end(AxVCpu *vcpu, void *opaque, uint64_t offset, AxAccessWidth width,
		     uint64_t value)
{
	return AX_STOP;
}

static const AxRangeOps end_ops = { .size = sizeof(end_ops), .write = end };

static AxRangeId add(AxVm *vm, uint64_t base, const AxRangeOps *ops, void *opaque, unsigned flags)
{
	AxRange range = AX_RANGE_INIT;
	AxError err = AX_ERROR_INIT;
	AxRangeId id;

	range.name = "collected";
	range.base = base;
	range.length = 0x100;
	range.ops = ops;
	range.opaque = opaque;
	range.flags = flags;
	ck_ok(ax_range_add_mmio(vm, &range, &id, &err), err);
	return id;
}

/* False, after a skip: KVM does not collect. */
static bool is_collected(AxVm *vm, AxRangeId id)
{
	if (ax_range_is_coalesced(vm, id))
		return true;
	kvm_skip("collected writes: KVM_CAP_COALESCED_MMIO is not there");
	return false;
}

START_TEST(every_write_arrives_in_order_with_few_exits)
{
	AxVmResult result = AX_VM_RESULT_INIT;
	uint64_t counts[AX_EXIT_KINDS];
	AxError err = AX_ERROR_INIT;
	struct code_vm vm;
	AxRangeId id;

	arrived.last = 0;
	arrived.wrong = 0;
	code_open(&vm, NULL, CODE(write_some));
	code_set_word(&vm, 0, 1, CODE_MMIO_ABOVE);
	code_set_word(&vm, 0, 2, WRITES);
	add(vm.vm, CODE_MMIO + CODE_END, &end_ops, NULL, 0);
	id = add(vm.vm, CODE_MMIO_ABOVE, &arrive_ops, NULL, AX_RANGE_COALESCED);
	if (is_collected(vm.vm, id)) {
		ck_ok(ax_vm_run(vm.vm, &result, &err), err);
		ck_assert_uint_eq(result.end, AX_VM_END_HANDLER);
		ck_assert_uint_eq(arrived.last, WRITES);
		ck_assert_uint_eq(arrived.wrong, 0);
		ax_vcpu_exit_counts(vm.vcpu, counts);
		ck_assert_uint_eq(ax_coalesced_count(vm.vm) + counts[AX_EXIT_MMIO_WRITE],
				  WRITES + 1);
		/* A ring that is full, and the end: some dozens. */
		ck_assert_uint_lt(counts[AX_EXIT_MMIO_WRITE], WRITES / 10);
		kvm_say("%d writes made %" PRIu64 " exits", WRITES, counts[AX_EXIT_MMIO_WRITE] - 1);
		kvm_count_run();
	}
	code_close(&vm);
}
END_TEST

/* A guest that is not asked for anything else is heard of by who asks. */
START_TEST(another_thread_hands_out)
{
	AxVmResult result = AX_VM_RESULT_INIT;
	AxError err = AX_ERROR_INIT;
	struct code_vm vm;
	AxRangeId id;

	arrived.last = 0;
	arrived.wrong = 0;
	code_open(&vm, NULL, CODE(write_some));
	code_set_word(&vm, 0, 1, CODE_MMIO_ABOVE);
	code_set_word(&vm, 0, 2, 10);
	add(vm.vm, CODE_MMIO + CODE_END, &end_ops, NULL, 0);
	id = add(vm.vm, CODE_MMIO_ABOVE, &arrive_ops, NULL, AX_RANGE_COALESCED);
	if (is_collected(vm.vm, id)) {
		/* One entry at a time dispatches nothing by itself. */
		AxVCpuExitReason exit;

		ck_ok(ax_vcpu_bind(vm.vcpu, AX_ANY_CPU, &err), err);
		ck_ok(ax_vcpu_run(vm.vcpu, &exit, &err), err);
		ck_exit_kind(&exit, AX_EXIT_MMIO_WRITE);
		ck_assert_uint_eq(exit.mmio_write.addr, CODE_MMIO + CODE_END);
		ck_assert_uint_eq(arrived.last, 0);
		ck_ok(ax_vcpu_unbind(vm.vcpu, &err), err);
		ck_ok(ax_coalesced_drain(vm.vm, &err), err);
		ck_assert_uint_eq(arrived.last, 10);
		ck_assert_uint_eq(arrived.wrong, 0);
		/* The same again, found by the removal. */
		code_restart(vm.vcpu);
		ck_ok(ax_vcpu_bind(vm.vcpu, AX_ANY_CPU, &err), err);
		ck_ok(ax_vcpu_run(vm.vcpu, &exit, &err), err);
		ck_ok(ax_vcpu_unbind(vm.vcpu, &err), err);
		ck_assert_uint_eq(arrived.last, 10);
		ck_ok(ax_range_remove(vm.vm, id, &err), err);
		ck_assert_uint_eq(arrived.last, 20);
		ck_assert_uint_eq(arrived.wrong, 0);
		/* And there is none that collects any more. */
		code_restart(vm.vcpu);
		ck_ok(ax_vm_run(vm.vm, &result, &err), err);
		ck_assert_uint_eq(arrived.last, 20);
		kvm_count_run();
	}
	code_close(&vm);
}
END_TEST

#define VCPUS 2

/* A vCPU's own numbers: of a device for each. */
static struct {
	_Atomic uint64_t last;
	atomic_uint wrong;
} each[VCPUS];

static AxHandled arrive_of(AxVCpu *vcpu, void *opaque, uint64_t offset, AxAccessWidth width,
			   uint64_t value)
{
	uintptr_t id = (uintptr_t)opaque;

	if (value != (uint32_t)(atomic_load(&each[id].last) + 1))
		atomic_fetch_add(&each[id].wrong, 1);
	atomic_fetch_add(&each[id].last, 1);
	return AX_HANDLED;
}

static const AxRangeOps arrive_of_ops = { .size = sizeof(arrive_of_ops), .write = arrive_of };

START_TEST(each_of_several_vcpus_is_heard_in_its_order)
{
	unsigned rounds = kvm_rounds(40, 10);
	AxError err = AX_ERROR_INIT;
	struct running running;
	AxRangeId ids[VCPUS];
	bool collected = true;

	running_open(&running, NULL, CODE(write_mmio), VCPUS);
	for (unsigned i = 0; i < VCPUS; i++) {
		uint64_t base = CODE_MMIO_ABOVE + 0x1000 * i;

		each[i].last = 0;
		each[i].wrong = 0;
		code_set_word(&running.vm, i, 1, base);
		ids[i] = add(running.vm.vm, base, &arrive_of_ops, (void *)(uintptr_t)i,
			     AX_RANGE_COALESCED);
		collected = collected && is_collected(running.vm.vm, ids[i]);
	}
	if (collected) {
		running_start(&running);
		for (unsigned round = 0; round < rounds; round++) {
			running_wait_progress(&running);
			ck_ok(ax_coalesced_drain(running.vm.vm, &err), err);
			if (round % 4)
				continue;
			/* At rest all that was written has arrived. */
			ck_ok(ax_vm_pause(running.vm.vm, &err), err);
			for (unsigned i = 0; i < VCPUS; i++) {
				uint64_t begun = code_word(&running.vm, i, 0);

				ck_assert_uint_le(begun - each[i].last, 1);
			}
			ck_ok(ax_vm_resume(running.vm.vm, &err), err);
		}
		running_stop(&running);
		for (unsigned i = 0; i < VCPUS; i++)
			ck_assert_uint_eq(each[i].wrong, 0);
		ck_assert_uint_gt(ax_coalesced_count(running.vm.vm), 0);
		kvm_count_run();
	}
	running_close(&running);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("coalesced");
	TCase *tcase = kvm_case(suite, "collected writes");

	tcase_add_test(tcase, every_write_arrives_in_order_with_few_exits);
	tcase_add_test(tcase, another_thread_hands_out);
	tcase_add_test(tcase, each_of_several_vcpus_is_heard_in_its_order);
	return kvm_main(suite);
}
