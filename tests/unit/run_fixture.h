/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the tests of running vCPUs share: vCPUs in each state, steps that halt, a port that stops.
 */
#ifndef AXVMM_TESTS_UNIT_RUN_FIXTURE_H
#define AXVMM_TESTS_UNIT_RUN_FIXTURE_H

#include <pthread.h>
#include <stdatomic.h>
#include <time.h>

#include "core/vcpu.h"
#include "core/vm.h"
#include "tests/unit/core_fixture.h"

/* A vCPU in state Free, in real mode at address 0. */
static inline AxVCpu *free_vcpu(AxVm *vm, uint32_t id, unsigned flags)
{
	AxVCpu *vcpu = new_vcpu(vm, id);
	AxVCpuSetup setup = AX_VCPU_SETUP_INIT;
	AxError err = AX_ERROR_INIT;

	setup.flags = flags;
	ck_assert_msg(!ax_vcpu_setup(vcpu, &setup, &err), "%s", err.message);
	return vcpu;
}

/* A VM whose unclaimed accesses are the loop's caller's. */
static inline AxVm *new_strict_vm(AxIrqchip irqchip)
{
	AxVmOptions options = AX_VM_OPTIONS_INIT;
	AxVm *vm = NULL;

	options.irqchip = irqchip;
	options.unclaimed = AX_UNCLAIMED_STOP;
	ck_assert_int_eq(ax_vm_create(&options, &vm, NULL), 0);
	return vm;
}

/* Ports STOP_PORT to STOP_PORT + 3: every access says AX_STOP. */
#define STOP_PORT 0xf4

static inline AxHandled stop_read(AxVCpu *vcpu, void *opaque, uint64_t offset, AxAccessWidth width,
				  uint64_t *value)
{
	(void)vcpu;
	(void)opaque;
	(void)offset;
	(void)width;
	*value = 0x5a;
	return AX_STOP;
}

static inline AxHandled stop_write(AxVCpu *vcpu, void *opaque, uint64_t offset, AxAccessWidth width,
				   uint64_t value)
{
	(void)vcpu;
	(void)opaque;
	(void)offset;
	(void)width;
	(void)value;
	return AX_STOP;
}

static inline void add_stop_port(AxVm *vm)
{
	static const AxRangeOps ops = { .size = sizeof(AxRangeOps),
					.read = stop_read,
					.write = stop_write };
	AxRange range = AX_RANGE_INIT;

	range.name = "stop";
	range.base = STOP_PORT;
	range.length = 4;
	range.ops = &ops;
	ck_assert_int_eq(ax_range_add_ports(vm, &range, NULL, NULL), 0);
}

/* The guest writes the stop port. */
static inline void push_stop(unsigned vcpu)
{
	uint8_t byte = 0x2a;

	fake_push_port(vcpu, STOP_PORT, 1, 1, &byte);
}

/* What KVM would have said at the last exit: whether the guest takes interrupts. */
static inline void set_interrupt_flag(unsigned vcpu, bool on)
{
	fake_run(vcpu)->if_flag = on;
	fake_run(vcpu)->ready_for_interrupt_injection = on;
}

/* The guest halts, with interrupts on or off. */
static inline int halt_step(struct kvm_run *run, void *interrupts_on)
{
	run->exit_reason = KVM_EXIT_HLT;
	run->if_flag = interrupts_on != NULL;
	run->ready_for_interrupt_injection = run->if_flag;
	return 0;
}

static inline void push_halt(unsigned vcpu, bool interrupts_on)
{
	fake_push(vcpu, halt_step, interrupts_on ? (void *)1 : NULL);
}

static inline void sleep_ms(unsigned ms)
{
	const struct timespec time = { .tv_sec = ms / 1000,
				       .tv_nsec = (long)(ms % 1000) * 1000000 };

	nanosleep(&time, NULL);
}

/* Run a VM to its end, which is no failure. */
static inline AxVmResult run_vm(AxVm *vm)
{
	AxVmResult result = AX_VM_RESULT_INIT;
	AxError err = AX_ERROR_INIT;

	ck_assert_msg(!ax_vm_run(vm, &result, &err), "%s", err.message);
	return result;
}

/* Wait until @condition holds; fail after some seconds. */
#define wait_until(condition)                                                    \
	do {                                                                     \
		for (unsigned tries = 0; !(condition); tries++) {                \
			ck_assert_msg(tries < 20000, "never came: " #condition); \
			sleep_ms(1);                                             \
		}                                                                \
	} while (0)

/* The program: one suite, whose tests @add_tests puts into a case. */
#define RUN_SUITE(name, add_tests)                                           \
	int main(void)                                                       \
	{                                                                    \
		Suite *suite = suite_create(name);                           \
		TCase *cases = tcase_create(name);                           \
		SRunner *runner = srunner_create(suite);                     \
		int failed;                                                  \
                                                                             \
		tcase_set_timeout(cases, 60);                                \
		tcase_add_checked_fixture(cases, core_setup, core_teardown); \
		add_tests(cases);                                            \
		suite_add_tcase(suite, cases);                               \
		srunner_run_all(runner, CK_ENV);                             \
		failed = srunner_ntests_failed(runner);                      \
		srunner_free(runner);                                        \
		return failed ? 1 : 0;                                       \
	}

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

#endif
