/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Registration that fails: hypercall routes that make no sense or come too late, and no memory.
 */
#include "tests/unit/fake_libc.h"
#include "tests/unit/run_fixture.h"

static AxVm *vm;

/* Hypercalls. */

START_TEST(hypercalls_are_set_once_before_the_first_vcpu_and_filled_in)
{
	static const AxHypercallOps unsized = { 0 };
	AxHypercallConfig config = AX_HYPERCALL_CONFIG_INIT;
	AxError err;

	vm = new_vm(AX_IRQCHIP_NONE);
	config.size = 0;
	ck_assert_fails(ax_hypercall_set(vm, &config, NULL, NULL, &err), -EINVAL, AX_ERROR_ARGUMENT,
			"size is not set");
	config = (AxHypercallConfig)AX_HYPERCALL_CONFIG_INIT;
	ck_assert_fails(ax_hypercall_set(vm, &config, &unsized, NULL, &err), -EINVAL,
			AX_ERROR_ARGUMENT, "size is not set");
	config.flags = 0x100;
	ck_assert_fails(ax_hypercall_set(vm, &config, NULL, NULL, &err), -EINVAL, AX_ERROR_ARGUMENT,
			"unknown hypercall flags 0x100");
	ck_assert_int_eq(ax_hypercall_set(vm, NULL, NULL, NULL, &err), 0);
	ck_assert_fails(ax_hypercall_set(vm, NULL, NULL, NULL, &err), -EPERM, AX_ERROR_STATE,
			"set once");
	ax_vm_destroy(vm);

	vm = new_vm(AX_IRQCHIP_NONE);
	new_vcpu(vm, 0);
	ck_assert_fails(ax_hypercall_set(vm, NULL, NULL, NULL, &err), -EPERM, AX_ERROR_STATE,
			"before the first vCPU");
	ax_vm_destroy(vm);
}
END_TEST

/* No memory: each of these allocates, and leaves everything as it was when it gets none. */

static AxRangeId id;
static const AxRangeOps no_ops = { .size = sizeof(AxRangeOps) };

static int add_range(AxError *err)
{
	AxRange range = AX_RANGE_INIT;

	range.name = "new";
	range.base = 0x5000;
	range.length = 4;
	range.ops = &no_ops;
	return ax_range_add_mmio(vm, &range, NULL, err);
}

static int remove_range(AxError *err)
{
	return ax_range_remove(vm, id, err);
}

static void observe(void *opaque, AxVCpu *vcpu, const AxExitRecord *record)
{
	(void)opaque;
	(void)vcpu;
	(void)record;
}

static int set_observer(AxError *err)
{
	static const AxObserver observer = { sizeof(AxObserver), observe };

	return ax_observer_set(vm, &observer, NULL, err);
}

static int create_vcpu(AxError *err)
{
	static uint32_t next = 1;
	AxVCpu *vcpu;

	return ax_vcpu_create(vm, next++, &vcpu, err);
}

static int run(AxError *err)
{
	push_stop(0);
	return ax_vm_run(vm, NULL, err);
}

static int (*const needy[])(AxError *err) = { add_range, remove_range, set_observer, create_vcpu,
					      run };

START_TEST(without_memory_nothing_is_registered_and_nothing_lost)
{
	AxRange range = AX_RANGE_INIT;
	AxError err = AX_ERROR_INIT;
	unsigned nth;

	vm = new_vm(AX_IRQCHIP_NONE);
	add_stop_port(vm);
	free_vcpu(vm, 0, 0);
	range.name = "old";
	range.base = 0x4000;
	range.length = 4;
	range.ops = &no_ops;
	ck_assert_int_eq(ax_range_add_mmio(vm, &range, &id, NULL), 0);
	for (nth = 1;; nth++) {
		const struct snapshot *before = atomic_load(&vm->snapshot);
		int ret;

		fake_libc_fail(LIBC_MALLOC, nth, ENOMEM);
		ret = needy[_i](&err);
		if (!fake_libc_failed(LIBC_MALLOC)) {
			ck_assert_msg(!ret, "%s", err.message);
			break;
		}
		ck_assert_int_eq(ret, -ENOMEM);
		ck_assert_int_eq(err.code, AX_ERROR_RESOURCE);
		ck_assert_str_ne(err.message, "");
		ck_assert_ptr_eq(atomic_load(&vm->snapshot), before);
		ck_assert_int_eq(ax_vcpu_state(ax_vm_vcpu(vm, 0)), AX_VCPU_FREE);
	}
	ck_assert_uint_gt(nth, 1);
	ax_vm_destroy(vm);
}
END_TEST

START_TEST(a_second_run_while_the_first_begins_is_refused)
{
	AxError err;

	vm = new_vm(AX_IRQCHIP_NONE);
	free_vcpu(vm, 0, 0);
	vm->in_run = true; /* another thread's, which has bound nothing yet */
	ck_assert_fails(ax_vm_run(vm, NULL, &err), -EPERM, AX_ERROR_STATE, "ax_vm_run() already");
	ck_assert_uint_eq(fake_calls(KVM_RUN), 0);
	vm->in_run = false;
	ax_vm_destroy(vm);
}
END_TEST

static void add_tests(TCase *cases)
{
	tcase_add_test(cases, hypercalls_are_set_once_before_the_first_vcpu_and_filled_in);
	tcase_add_loop_test(cases, without_memory_nothing_is_registered_and_nothing_lost, 0,
			    COUNT(needy));
	tcase_add_test(cases, a_second_run_while_the_first_begins_is_refused);
}

RUN_SUITE("registration", add_tests)
