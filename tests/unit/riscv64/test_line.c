/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The external interrupt line of a hart: one for all vectors, and held while the hart begins anew.
 */
#include "arch/riscv64/riscv.h"
#include "tests/unit/run_fixture.h"

/* KVM_INTERRUPT so far, and what the last one said. */
static void check_line(unsigned calls, uint32_t last)
{
	ck_assert_uint_eq(fake_calls(KVM_INTERRUPT), calls);
	ck_assert_uint_eq(FAKE_ARG(struct kvm_interrupt, KVM_INTERRUPT, calls - 1)->irq, last);
}

START_TEST(line_is_up_while_any_vector_is)
{
	AxError err = AX_ERROR_INIT;
	AxVm *vm = new_vm(AX_IRQCHIP_NONE);
	AxVCpu *vcpu = free_vcpu(vm, 0, 0);
	unsigned before = fake_calls(KVM_INTERRUPT);

	ck_assert_int_eq(ax_vcpu_inject_interrupt(vcpu, 9, &err), 0);
	check_line(before + 1, (uint32_t)KVM_INTERRUPT_SET);
	ck_assert_int_eq(ax_vcpu_inject_interrupt(vcpu, 200, &err), 0);
	ck_assert_int_eq(ax_vcpu_clear_interrupt(vcpu, 9, &err), 0);
	ck_assert_int_eq(ax_vcpu_clear_interrupt(vcpu, 0, &err), 0);
	ck_assert_uint_eq(fake_calls(KVM_INTERRUPT), before + 1);
	ck_assert_int_eq(ax_vcpu_clear_interrupt(vcpu, 200, &err), 0);
	check_line(before + 2, (uint32_t)KVM_INTERRUPT_UNSET);
	/* Refused, it is as it was. */
	fake_fail(KVM_INTERRUPT, 1, EBADF);
	ck_assert_fails(ax_vcpu_inject_interrupt(vcpu, 9, &err), -EIO, AX_ERROR_KVM_CALL,
			"KVM_INTERRUPT");
	ck_assert_int_eq(ax_vcpu_inject_interrupt(vcpu, 9, &err), 0);
	check_line(before + 4, (uint32_t)KVM_INTERRUPT_SET);
	/* Set up again, a vCPU has nothing of its last life. */
	ck_assert_int_eq(ax_vcpu_setup(vcpu, &(AxVCpuSetup)AX_VCPU_SETUP_INIT, &err), 0);
	check_line(before + 5, (uint32_t)KVM_INTERRUPT_UNSET);
	ax_vm_destroy(vm);
}
END_TEST

START_TEST(line_that_a_device_holds_outlives_the_harts_restart)
{
	AxError err = AX_ERROR_INIT;
	AxVm *vm = new_vm(AX_IRQCHIP_NONE);
	AxVCpu *vcpu = free_vcpu(vm, 0, AX_SETUP_POWERED_OFF);
	AxVCpuExitReason exit;
	unsigned before;

	ck_assert_int_eq(ax_vcpu_inject_interrupt(vcpu, 9, &err), 0);
	before = fake_calls(KVM_INTERRUPT);
	ck_assert_int_eq(ax_vcpu_start(vcpu, 0x1000, 0, &err), 0);
	ck_assert_int_eq(ax_vcpu_bind(vcpu, AX_ANY_CPU, &err), 0);
	ck_assert_int_eq(ax_vcpu_run(vcpu, &exit, &err), 0);
	ck_assert_uint_eq(exit.kind, AX_EXIT_NOTHING);
	check_line(before + 1, (uint32_t)KVM_INTERRUPT_SET);
	ax_vm_destroy(vm);
}
END_TEST

static void add_tests(TCase *cases)
{
	tcase_add_test(cases, line_is_up_while_any_vector_is);
	tcase_add_test(cases, line_that_a_device_holds_outlives_the_harts_restart);
}

RUN_SUITE("riscv64 line", add_tests)
