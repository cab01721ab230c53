/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Interrupts that are taken back before the guest has them.
 */
#include "tests/unit/run_fixture.h"

static AxVm *vm;
static AxVCpu *vcpu;

static void begin(AxIrqchip irqchip)
{
	vm = new_vm(irqchip);
	vcpu = ready_vcpu(vm, 0);
	set_interrupt_flag(0, true);
}

/* An entry that serves requests: the guest does not run. */
static void serve(void)
{
	AxVCpuExitReason exit;

	ck_assert_int_eq(ax_vcpu_run(vcpu, &exit, NULL), 0);
	ck_assert_uint_eq(exit.kind, AX_EXIT_NOTHING);
}

START_TEST(what_was_not_delivered_is_forgotten)
{
	static const AxIrqchip chips[] = { AX_IRQCHIP_NONE, AX_IRQCHIP_USER };

	begin(chips[_i]);
	ck_assert_int_eq(ax_vcpu_inject_interrupt(vcpu, 0x30, NULL), 0);
	ck_assert_int_eq(ax_vcpu_clear_interrupt(vcpu, 0x30, NULL), 0);
	serve();
	ck_assert_uint_eq(fake_calls(KVM_INTERRUPT), 0);
	ck_assert(!fake_run(0)->request_interrupt_window);
	ax_vm_destroy(vm);
}
END_TEST

START_TEST(other_vectors_stay)
{
	static const unsigned others[] = { 0x10, 0x2f, 0x31, 0x70, 0xff };

	begin(AX_IRQCHIP_NONE);
	ck_assert_int_eq(ax_vcpu_inject_interrupt(vcpu, 0x30, NULL), 0);
	ck_assert_int_eq(ax_vcpu_inject_interrupt(vcpu, others[_i], NULL), 0);
	ck_assert_int_eq(ax_vcpu_clear_interrupt(vcpu, 0x30, NULL), 0);
	serve();
	ck_assert_uint_eq(fake_calls(KVM_INTERRUPT), 1);
	ck_assert_uint_eq(FAKE_ARG(struct kvm_interrupt, KVM_INTERRUPT, 0)->irq, others[_i]);
	ax_vm_destroy(vm);
}
END_TEST

START_TEST(a_vector_comes_again_after_it_was_taken_back)
{
	begin(AX_IRQCHIP_NONE);
	ck_assert_int_eq(ax_vcpu_inject_interrupt(vcpu, 0x30, NULL), 0);
	ck_assert_int_eq(ax_vcpu_clear_interrupt(vcpu, 0x30, NULL), 0);
	ck_assert_int_eq(ax_vcpu_clear_interrupt(vcpu, 0x30, NULL), 0); /* nothing to forget */
	ck_assert_int_eq(ax_vcpu_inject_interrupt(vcpu, 0x30, NULL), 0);
	serve();
	ck_assert_uint_eq(fake_calls(KVM_INTERRUPT), 1);
	ax_vm_destroy(vm);
}
END_TEST

START_TEST(a_halted_cpu_is_not_woken_by_what_was_taken_back)
{
	begin(AX_IRQCHIP_NONE);
	ck_assert_int_eq(ax_vcpu_inject_interrupt(vcpu, 0x30, NULL), 0);
	serve();
	ck_assert_uint_eq(fake_calls(KVM_INTERRUPT), 1);
	/* The next one waits until the guest has that one, and is taken back before. */
	set_interrupt_flag(0, false);
	ck_assert_int_eq(ax_vcpu_inject_interrupt(vcpu, 0x31, NULL), 0);
	serve();
	ck_assert(fake_run(0)->request_interrupt_window);
	ck_assert_int_eq(ax_vcpu_clear_interrupt(vcpu, 0x31, NULL), 0);
	set_interrupt_flag(0, true);
	ck_assert_int_eq(ax_vcpu_wait(vcpu, 1000000, NULL), -ETIMEDOUT);
	ck_assert_uint_eq(fake_calls(KVM_INTERRUPT), 1);
	ax_vm_destroy(vm);
}
END_TEST

START_TEST(what_kvm_has_is_not_given_back)
{
	AxError err;

	begin(AX_IRQCHIP_KERNEL);
	ck_assert_fails(ax_vcpu_clear_interrupt(vcpu, 0x30, &err), -ENOTSUP, AX_ERROR_UNSUPPORTED,
			"does not give interrupts back");
	ax_vm_destroy(vm);
}
END_TEST

START_TEST(only_vectors_are_taken_back)
{
	static const AxIrqchip chips[] = { AX_IRQCHIP_NONE, AX_IRQCHIP_USER, AX_IRQCHIP_KERNEL };
	static const unsigned bad[] = { 0, 15, 256, UINT32_MAX };
	AxError err;

	begin(chips[_i]);
	for (unsigned i = 0; i < COUNT(bad); i++)
		ck_assert_fails(ax_vcpu_clear_interrupt(vcpu, bad[i], &err), -EINVAL,
				AX_ERROR_ARGUMENT, "no interrupt vector: 16 to 255");
	ax_vm_destroy(vm);
}
END_TEST

/* A line of a device without an in-kernel irqchip is an edge here: lowering it takes nothing back. */
START_TEST(a_line_that_falls_does_not_take_its_edge_back)
{
	AxIrq irq;

	begin(AX_IRQCHIP_NONE);
	ck_assert_int_eq(ax_irq_get(vm, 4, &irq, NULL), 0);
	ax_irq_set(&irq, true);
	ax_irq_set(&irq, false);
	serve();
	ck_assert_uint_eq(fake_calls(KVM_INTERRUPT), 1);
	ck_assert_uint_eq(FAKE_ARG(struct kvm_interrupt, KVM_INTERRUPT, 0)->irq, 0x24);
	ax_vm_destroy(vm);
}
END_TEST

static void add_tests(TCase *cases)
{
	tcase_add_loop_test(cases, what_was_not_delivered_is_forgotten, 0, 2);
	tcase_add_loop_test(cases, other_vectors_stay, 0, 5);
	tcase_add_test(cases, a_vector_comes_again_after_it_was_taken_back);
	tcase_add_test(cases, a_halted_cpu_is_not_woken_by_what_was_taken_back);
	tcase_add_test(cases, what_kvm_has_is_not_given_back);
	tcase_add_loop_test(cases, only_vectors_are_taken_back, 0, 3);
	tcase_add_test(cases, a_line_that_falls_does_not_take_its_edge_back);
}

RUN_SUITE("clear_interrupt", add_tests)
