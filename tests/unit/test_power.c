/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Who may start a CPU: claims, from the call that is answered to the CPU that runs.
 */
#include "core/power.h"
#include "tests/unit/run_fixture.h"

#define ENTRY 0x10000 /* one that every architecture's CPU can begin at */

static AxVm *vm;
static AxVCpu *vcpu;

static void make(unsigned flags)
{
	vm = new_vm(AX_IRQCHIP_NONE);
	vcpu = free_vcpu(vm, 0, flags);
}

static void bind(void)
{
	ck_assert_int_eq(ax_vcpu_bind(vcpu, AX_ANY_CPU, NULL), 0);
}

/* An entry that serves what was asked for. */
static void serve(void)
{
	AxVCpuExitReason exit;

	ck_assert_int_eq(ax_vcpu_run(vcpu, &exit, NULL), 0);
	ck_assert_uint_eq(exit.kind, AX_EXIT_NOTHING);
}

START_TEST(a_cpu_is_as_it_was_set_up)
{
	make(0);
	ck_assert_int_eq(vcpu_power(vcpu), VCPU_POWER_ON);
	ax_vm_destroy(vm);
	make(AX_SETUP_POWERED_OFF);
	ck_assert_int_eq(vcpu_power(vcpu), VCPU_POWER_OFF);
	ax_vm_destroy(vm);
}
END_TEST

START_TEST(the_first_claim_is_the_only_one)
{
	make(AX_SETUP_POWERED_OFF);
	ck_assert_int_eq(vcpu_claim_start(vcpu), VCPU_POWER_OFF);
	ck_assert_int_eq(vcpu_power(vcpu), VCPU_POWER_PENDING);
	ck_assert_int_eq(vcpu_claim_start(vcpu), VCPU_POWER_PENDING);
	ax_vm_destroy(vm);
}
END_TEST

START_TEST(a_cpu_that_is_on_cannot_be_claimed)
{
	make(0);
	ck_assert_int_eq(vcpu_claim_start(vcpu), VCPU_POWER_ON);
	/* Nothing is left of the attempt once it is off. */
	bind();
	ck_assert_int_eq(ax_vcpu_power_off(vcpu, NULL), 0);
	ck_assert_int_eq(vcpu_power(vcpu), VCPU_POWER_OFF);
	ax_vm_destroy(vm);
}
END_TEST

START_TEST(a_refused_start_frees_the_cpu_for_others)
{
	make(AX_SETUP_POWERED_OFF);
	ck_assert_int_eq(vcpu_claim_start(vcpu), VCPU_POWER_OFF);
	vcpu_drop_claim(vcpu);
	ck_assert_int_eq(vcpu_power(vcpu), VCPU_POWER_OFF);
	ck_assert_int_eq(vcpu_claim_start(vcpu), VCPU_POWER_OFF);
	ax_vm_destroy(vm);
}
END_TEST

START_TEST(a_posted_start_is_pending_without_a_claim)
{
	make(AX_SETUP_POWERED_OFF);
	ck_assert_int_eq(ax_vcpu_start(vcpu, ENTRY, 0, NULL), 0);
	ck_assert_int_eq(vcpu_power(vcpu), VCPU_POWER_PENDING);
	ck_assert_int_eq(vcpu_claim_start(vcpu), VCPU_POWER_PENDING);
	/* Nor is it called off by whoever had a claim. */
	vcpu_drop_claim(vcpu);
	ck_assert_int_eq(vcpu_power(vcpu), VCPU_POWER_PENDING);
	ax_vm_destroy(vm);
}
END_TEST

START_TEST(the_claim_ends_when_the_cpu_starts)
{
	make(AX_SETUP_POWERED_OFF);
	ck_assert_int_eq(vcpu_claim_start(vcpu), VCPU_POWER_OFF);
	/* The claim is nobody's who starts it: whoever is told of CpuUp may do that. */
	ck_assert_int_eq(ax_vcpu_start(vcpu, ENTRY, 0, NULL), 0);
	bind();
	serve();
	ck_assert_int_eq(vcpu_power(vcpu), VCPU_POWER_ON);
	ck_assert_int_eq(ax_vcpu_power_off(vcpu, NULL), 0);
	ck_assert_int_eq(vcpu_power(vcpu), VCPU_POWER_OFF);
	ax_vm_destroy(vm);
}
END_TEST

START_TEST(set_up_anew_a_cpu_is_nobodys)
{
	AxVCpuSetup setup = AX_VCPU_SETUP_INIT;

	setup.flags = AX_SETUP_POWERED_OFF;
	make(AX_SETUP_POWERED_OFF);
	ck_assert_int_eq(vcpu_claim_start(vcpu), VCPU_POWER_OFF);
	ck_assert_int_eq(ax_vcpu_start(vcpu, ENTRY, 0, NULL), 0);
	ck_assert_int_eq(ax_vcpu_setup(vcpu, &setup, NULL), 0);
	ck_assert_int_eq(vcpu_power(vcpu), VCPU_POWER_OFF);
	ck_assert_int_eq(vcpu_claim_start(vcpu), VCPU_POWER_OFF);
	ax_vm_destroy(vm);
}
END_TEST

/*
 * Threads that all want to start the same CPU, which is set up anew meanwhile: after each set-up one
 * of them at most has the claim.
 */
#define THREADS 4
#define ROUNDS	2000

struct claimer {
	pthread_t thread;
	unsigned won;
	atomic_bool *ended;
};

static void *claim_for_ever(void *opaque)
{
	struct claimer *claimer = opaque;

	while (!atomic_load(claimer->ended)) {
		if (vcpu_claim_start(vcpu) == VCPU_POWER_OFF)
			claimer->won++;
		sched_yield();
	}
	return NULL;
}

START_TEST(of_many_at_once_one_gets_the_claim)
{
	AxVCpuSetup setup = AX_VCPU_SETUP_INIT;
	struct claimer claimers[THREADS];
	unsigned won = 0;
	atomic_bool ended = false;

	setup.flags = AX_SETUP_POWERED_OFF;
	make(AX_SETUP_POWERED_OFF);
	for (unsigned i = 0; i < THREADS; i++) {
		claimers[i] = (struct claimer){ .ended = &ended };
		ck_assert_int_eq(
			pthread_create(&claimers[i].thread, NULL, claim_for_ever, &claimers[i]), 0);
	}
	for (unsigned i = 0; i < ROUNDS; i++) {
		wait_until(vcpu_power(vcpu) == VCPU_POWER_PENDING);
		ck_assert_int_eq(ax_vcpu_setup(vcpu, &setup, NULL), 0);
	}
	wait_until(vcpu_power(vcpu) == VCPU_POWER_PENDING);
	atomic_store(&ended, true);
	for (unsigned i = 0; i < THREADS; i++) {
		pthread_join(claimers[i].thread, NULL);
		won += claimers[i].won;
	}
	ck_assert_uint_eq(won, ROUNDS + 1);
	ax_vm_destroy(vm);
}
END_TEST

static void add_tests(TCase *cases)
{
	tcase_add_test(cases, a_cpu_is_as_it_was_set_up);
	tcase_add_test(cases, the_first_claim_is_the_only_one);
	tcase_add_test(cases, a_cpu_that_is_on_cannot_be_claimed);
	tcase_add_test(cases, a_refused_start_frees_the_cpu_for_others);
	tcase_add_test(cases, a_posted_start_is_pending_without_a_claim);
	tcase_add_test(cases, the_claim_ends_when_the_cpu_starts);
	tcase_add_test(cases, set_up_anew_a_cpu_is_nobodys);
	tcase_add_test(cases, of_many_at_once_one_gets_the_claim);
}

RUN_SUITE("power", add_tests)
