/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Port writes that KVM collects: port, width and value arrive; neighbouring ports and accesses that leave
 * the range make exits, before which the collected ones come.
 */
#include "code_x86.h"

#define VALUE 0x12345678

static struct {
	unsigned count;
	uint64_t offset, value;
	unsigned width;
} arrived;

static AxHandled arrive(AxVCpu *vcpu, void *opaque, uint64_t offset, AxAccessWidth width,
			uint64_t value)
{
	arrived.count++;
	arrived.offset = offset;
	arrived.width = 1u << width;
	arrived.value = value;
	return AX_HANDLED;
}

static const AxRangeOps arrive_ops = { .size = sizeof(arrive_ops), .write = arrive };

/* One write of the guest. Returns whether it was an exit. */
static bool write_port(struct code_vm *vm, unsigned port, unsigned width)
{
	arrived.count = 0;
	return code_write_port(vm, port, width, VALUE);
}

START_TEST(a_write_to_the_range_arrives_without_an_exit)
{
	AxRange range = AX_RANGE_INIT;
	AxError err = AX_ERROR_INIT;
	struct code_vm vm;
	AxRangeId id;

	code_open(&vm, NULL, CODE(store));
	range.base = CODE_PORT;
	range.length = 4;
	range.ops = &arrive_ops;
	range.flags = AX_RANGE_COALESCED;
	ck_ok(ax_range_add_ports(vm.vm, &range, &id, &err), err);
	if (!ax_range_is_coalesced(vm.vm, id)) {
		kvm_skip("collected port writes: KVM_CAP_COALESCED_PIO is not there");
		code_close(&vm);
		return;
	}
	for (unsigned width = 1; width <= 4; width *= 2) {
		unsigned port = CODE_PORT + 4 - width;

		ck_assert(!write_port(&vm, port, width));
		ck_assert_uint_eq(arrived.count, 1);
		ck_assert_uint_eq(arrived.offset, 4 - width);
		ck_assert_uint_eq(arrived.width, width);
		ck_assert_uint_eq(arrived.value, VALUE & (UINT64_MAX >> (64 - 8 * width)));
		ck_assert(write_port(&vm, CODE_PORT + 4, width));
		ck_assert_uint_eq(arrived.count, 0);
		ck_assert(write_port(&vm, CODE_PORT - 1, width));
		ck_assert_uint_eq(arrived.count, 0);
	}
	ck_assert(write_port(&vm, CODE_PORT + 3, 2));
	ck_assert_uint_eq(arrived.count, 0);
	ck_assert_uint_eq(ax_coalesced_count(vm.vm), 3);
	ck_ok(ax_range_remove(vm.vm, id, &err), err);
	ck_assert(write_port(&vm, CODE_PORT, 1));
	code_close(&vm);
	kvm_count_run();
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("coalesced_port");
	TCase *tcase = kvm_case(suite, "collected port writes");

	tcase_add_test(tcase, a_write_to_the_range_arrives_without_an_exit);
	return kvm_main(suite);
}
