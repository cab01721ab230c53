/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Frame of the core's unit tests: each begins with a fresh fake KVM and ends with nothing open in
 * it.
 */
#ifndef AXVMM_TESTS_UNIT_CORE_FIXTURE_H
#define AXVMM_TESTS_UNIT_CORE_FIXTURE_H

#include <check.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include <axvmm/axvmm.h>

#include "tests/unit/fake_sys.h"

#ifdef DRV_RECORDED
/* There is no KVM, nor a fake (virtio_recorded.h). */
static inline void core_setup(void)
{
}

static inline void core_teardown(void)
{
}
#else
static inline void core_setup(void)
{
	fake_sys_reset();
}

static inline void core_teardown(void)
{
	ck_assert_uint_eq(fake_sys_open_count(), 0);
	ck_assert_uint_eq(fake_bad_calls(), 0);
	fake_sys_reset();
}
#endif

/* A VM, without vCPUs or RAM. */
static inline AxVm *new_vm(AxIrqchip irqchip)
{
	AxVmOptions options = AX_VM_OPTIONS_INIT;
	AxVm *vm = NULL;
	AxError err = AX_ERROR_INIT;

	options.irqchip = irqchip;
	ck_assert_msg(!ax_vm_create(&options, &vm, &err), "%s", err.message);
	return vm;
}

/* A vCPU in state Created. */
static inline AxVCpu *new_vcpu(AxVm *vm, uint32_t id)
{
	AxVCpu *vcpu = NULL;
	AxError err = AX_ERROR_INIT;

	ck_assert_msg(!ax_vcpu_create(vm, id, &vcpu, &err), "%s", err.message);
	return vcpu;
}

/* The same, set up in real mode at address 0 and bound to this thread: state Ready. */
static inline AxVCpu *ready_vcpu(AxVm *vm, uint32_t id)
{
	AxVCpu *vcpu = new_vcpu(vm, id);
	AxVCpuSetup setup = AX_VCPU_SETUP_INIT;
	AxError err = AX_ERROR_INIT;

	ck_assert_msg(!ax_vcpu_setup(vcpu, &setup, &err), "%s", err.message);
	ck_assert_msg(!ax_vcpu_bind(vcpu, AX_ANY_CPU, &err), "%s", err.message);
	return vcpu;
}

/* A call failed as it should: result, code and a piece of the message. */
#define ck_assert_fails(call, ret, error_code, piece)                                           \
	do {                                                                                    \
		err = (AxError)AX_ERROR_INIT;                                                   \
		ck_assert_int_eq((call), (ret));                                                \
		ck_assert_int_eq(err.code, (error_code));                                       \
		ck_assert_msg(strstr(err.message, (piece)), "\"%s\" lacks \"%s\"", err.message, \
			      (piece));                                                         \
	} while (0)

#define RUN_CORE_TESTS(suite_name, ...)                                       \
	int main(void)                                                        \
	{                                                                     \
		const TTest *const tests[] = { __VA_ARGS__ };                 \
		Suite *suite = suite_create(suite_name);                      \
		TCase *cases = tcase_create(suite_name);                      \
		SRunner *runner = srunner_create(suite);                      \
		int failed;                                                   \
                                                                              \
		tcase_set_timeout(cases, 60);                                 \
		tcase_add_checked_fixture(cases, core_setup, core_teardown);  \
		for (size_t i = 0; i < sizeof(tests) / sizeof(tests[0]); i++) \
			tcase_add_test(cases, tests[i]);                      \
		suite_add_tcase(suite, cases);                                \
		srunner_run_all(runner, CK_ENV);                              \
		failed = srunner_ntests_failed(runner);                       \
		srunner_free(runner);                                         \
		return failed ? 1 : 0;                                        \
	}

#endif
