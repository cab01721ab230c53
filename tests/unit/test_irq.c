/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Interrupt lines: edges, levels and pulses with each interrupt controller.
 */
#include <pthread.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "arch/arch.h"
#include "tests/unit/core_fixture.h"
#include "tests/unit/fake_libc.h"

START_TEST(an_unconnected_line_swallows_everything)
{
	AxIrq irq = { 0 };

	ax_irq_set(&irq, true);
	ax_irq_pulse(&irq);
	ax_irq_set(&irq, false);
}
END_TEST

static void count_edge(void *opaque, uint32_t line, bool level)
{
	ck_assert_uint_eq(line, 5);
	((unsigned *)opaque)[level]++;
}

START_TEST(a_line_without_pulse_is_pulsed_by_its_level)
{
	unsigned count[2] = { 0, 0 };
	AxIrq irq = { .set = count_edge, .opaque = count, .line = 5 };

	ax_irq_pulse(&irq);
	ck_assert_uint_eq(count[true], 1);
	ck_assert_uint_eq(count[false], 1);
}
END_TEST

START_TEST(lines_beyond_the_last_are_refused)
{
	AxVm *vm = new_vm(AX_IRQCHIP_KERNEL);
	AxError err;
	AxIrq irq;

	ck_assert_int_eq(ax_irq_get(vm, 23, &irq, &err), 0);
	ck_assert_fails(ax_irq_get(vm, 24, &irq, &err), -EINVAL, AX_ERROR_ARGUMENT,
			"line 24: there are 0 to 23");
	ck_assert_fails(ax_irq_attach_eventfd(vm, UINT32_MAX, 0, &err), -EINVAL, AX_ERROR_ARGUMENT,
			"0 to 23");
	ax_vm_destroy(vm);
}
END_TEST

START_TEST(only_changes_of_a_level_reach_kvm)
{
	AxVm *vm = new_vm(AX_IRQCHIP_KERNEL);
	unsigned before;
	AxIrq irq;

	ck_assert_int_eq(ax_irq_get(vm, 4, &irq, NULL), 0);
	before = fake_calls(KVM_IRQ_LINE);
	ax_irq_set(&irq, false);
	ck_assert_uint_eq(fake_calls(KVM_IRQ_LINE), before);
	ax_irq_set(&irq, true);
	ax_irq_set(&irq, true);
	ck_assert_int_eq(fake_irq_level(0, 4), 1);
	ax_irq_set(&irq, false);
	ax_irq_set(&irq, false);
	ck_assert_int_eq(fake_irq_level(0, 4), 0);
	ck_assert_uint_eq(fake_calls(KVM_IRQ_LINE), before + 2);
	ax_vm_destroy(vm);
}
END_TEST

START_TEST(a_line_that_kvm_lacks_is_found_when_it_is_asked_for)
{
	AxVm *vm = new_vm(AX_IRQCHIP_KERNEL);
	AxError err;
	AxIrq irq = { 0 };

	fake_fail(KVM_IRQ_LINE, 1, EINVAL);
	ck_assert_fails(ax_irq_get(vm, 4, &irq, &err), -EIO, AX_ERROR_KVM_CALL, "KVM_IRQ_LINE");
	ck_assert_ptr_null(irq.set);
	fake_libc_fail(LIBC_MALLOC, 1, ENOMEM);
	ck_assert_fails(ax_irq_get(vm, 4, &irq, &err), -ENOMEM, AX_ERROR_RESOURCE, "lines");
	ax_vm_destroy(vm);
}
END_TEST

START_TEST(a_pulse_is_up_and_down_and_no_descriptor)
{
	AxVm *vm = new_vm(AX_IRQCHIP_KERNEL);
	unsigned lines;
	AxIrq irq;

	ck_assert_int_eq(ax_irq_get(vm, 5, &irq, NULL), 0);
	lines = fake_calls(KVM_IRQ_LINE);
	ax_irq_pulse(&irq);
	ax_irq_pulse(&irq);
	ck_assert_uint_eq(fake_calls(KVM_IRQFD), 0);
	ck_assert_uint_eq(fake_calls(KVM_IRQ_LINE), lines + 4);
	for (unsigned i = 0; i < 4; i++)
		ck_assert_uint_eq(FAKE_ARG(struct kvm_irq_level, KVM_IRQ_LINE, lines + i)->level,
				  !(i % 2));
	ck_assert_int_eq(fake_irq_level(0, 5), 0);
	/* A pulse of a line that is up is an edge nevertheless, once the line has fallen. */
	ax_irq_set(&irq, true);
	ax_irq_pulse(&irq);
	ck_assert_int_eq(fake_irq_level(0, 5), 0);
	ax_irq_set(&irq, true);
	ck_assert_int_eq(fake_irq_level(0, 5), 1);
	ax_vm_destroy(vm);
}
END_TEST

/* Vectors that KVM_INTERRUPT delivered. */
static unsigned delivered(unsigned vector)
{
	unsigned count = 0;

	for (unsigned i = 0; i < fake_calls(KVM_INTERRUPT); i++)
		count += FAKE_ARG(struct kvm_interrupt, KVM_INTERRUPT, i)->irq == vector;
	return count;
}

/* Enter until the guest halts: what was asked for before has been delivered then. */
static void run_quiet(AxVCpu *vcpu)
{
	AxVCpuExitReason exit = { .kind = AX_EXIT_NOTHING };

	fake_push_exit(0, KVM_EXIT_HLT);
	while (fake_steps_left(0))
		ck_assert_int_eq(ax_vcpu_run(vcpu, &exit, NULL), 0);
	ck_assert_uint_eq(exit.kind, AX_EXIT_HALT);
}

START_TEST(without_a_controller_a_rising_edge_is_an_interrupt)
{
	AxVm *vm = new_vm(AX_IRQCHIP_NONE);
	AxError err;
	AxVCpu *vcpu;
	AxIrq irq;

	ck_assert_fails(ax_irq_get(vm, 4, &irq, &err), -EPERM, AX_ERROR_STATE,
			"does not exist yet");
	vcpu = ready_vcpu(vm, 0);
	ck_assert_int_eq(ax_irq_get(vm, 4, &irq, &err), 0);
	run_quiet(vcpu); /* KVM says at an exit that the guest takes interrupts */
	ax_irq_set(&irq, true);
	run_quiet(vcpu);
	ck_assert_uint_eq(delivered(0x24), 1);
	/* A device that says again what it has said. */
	ax_irq_set(&irq, true);
	run_quiet(vcpu);
	ck_assert_uint_eq(delivered(0x24), 1);
	ax_irq_set(&irq, false);
	run_quiet(vcpu);
	ck_assert_uint_eq(delivered(0x24), 1);
	ax_irq_pulse(&irq);
	run_quiet(vcpu);
	ck_assert_uint_eq(delivered(0x24), 2);
	ck_assert_uint_eq(fake_calls(KVM_INTERRUPT), 2);
	ck_assert_int_eq(ax_vcpu_unbind(vcpu, NULL), 0);
	ax_vm_destroy(vm);
}
END_TEST

START_TEST(an_eventfd_raises_a_line_where_kvm_can)
{
	AxVm *vm = new_vm(AX_IRQCHIP_KERNEL);
	int event = eventfd(0, 0);
	AxError err;

	if (!ARCH_IRQFD_PULSES) {
		ck_assert_fails(ax_irq_attach_eventfd(vm, 9, event, &err), -ENOTSUP,
				AX_ERROR_UNSUPPORTED, "stay up");
		ck_assert_uint_eq(fake_calls(KVM_IRQFD), 0);
		ax_vm_destroy(vm);
		close(event);
		return;
	}
	ck_assert_int_eq(ax_irq_attach_eventfd(vm, 9, event, &err), 0);
	ck_assert_uint_eq(fake_irqfds(0), 1);
	ck_assert_uint_eq(FAKE_ARG(struct kvm_irqfd, KVM_IRQFD, 0)->gsi, 9);
	ck_assert_fails(ax_irq_attach_eventfd(vm, 10, event, &err), -EINVAL, AX_ERROR_ARGUMENT,
			"already");
	ck_assert_fails(ax_irq_attach_eventfd(vm, 9, -1, &err), -EINVAL, AX_ERROR_ARGUMENT,
			"no eventfd");
	fake_fail(KVM_IRQFD, 1, EINVAL);
	ck_assert_fails(ax_irq_attach_eventfd(vm, 9, 0, &err), -EINVAL, AX_ERROR_ARGUMENT,
			"no eventfd");
	fake_fail(KVM_IRQFD, 1, ENOTTY);
	ck_assert_fails(ax_irq_attach_eventfd(vm, 9, event, &err), -ENOTSUP, AX_ERROR_UNSUPPORTED,
			"KVM_IRQFD");
	fake_fail(KVM_IRQFD, 1, ENOMEM);
	ck_assert_fails(ax_irq_attach_eventfd(vm, 9, event, &err), -ENOMEM, AX_ERROR_RESOURCE, "");
	ax_vm_destroy(vm);
	close(event);
}
END_TEST

START_TEST(an_eventfd_raises_nothing_without_an_in_kernel_irqchip)
{
	AxVm *vm = new_vm(AX_IRQCHIP_NONE);
	AxError err;

	ck_assert_fails(ax_irq_attach_eventfd(vm, 9, 0, &err), -ENOTSUP, AX_ERROR_UNSUPPORTED,
			"AX_IRQCHIP_KERNEL");
	ck_assert_uint_eq(fake_calls(KVM_IRQFD), 0);
	ax_vm_destroy(vm);
}
END_TEST

static void *toggle(void *opaque)
{
	const AxIrq *irq = opaque;

	for (int i = 0; i < 1000; i++) {
		ax_irq_set(irq, i % 2);
		if (i % 10 == 0)
			ax_irq_pulse(irq);
	}
	ax_irq_set(irq, true);
	return NULL;
}

START_TEST(threads_that_share_a_line_leave_kvm_at_its_last_level)
{
	AxVm *vm = new_vm(AX_IRQCHIP_KERNEL);
	pthread_t threads[3];
	AxIrq irq;

	ck_assert_int_eq(ax_irq_get(vm, 7, &irq, NULL), 0);
	for (int round = 0; round < 5; round++) {
		for (int i = 0; i < 3; i++)
			ck_assert_int_eq(pthread_create(&threads[i], NULL, toggle, &irq), 0);
		for (int i = 0; i < 3; i++)
			pthread_join(threads[i], NULL);
		/* The pulse of a slow thread may have come last; the level is then low for both. */
		ax_irq_set(&irq, true);
		ck_assert_int_eq(fake_irq_level(0, 7), 1);
	}
	ax_vm_destroy(vm);
}
END_TEST

RUN_CORE_TESTS("irq", an_unconnected_line_swallows_everything,
	       a_line_without_pulse_is_pulsed_by_its_level, lines_beyond_the_last_are_refused,
	       only_changes_of_a_level_reach_kvm,
	       a_line_that_kvm_lacks_is_found_when_it_is_asked_for,
	       a_pulse_is_up_and_down_and_no_descriptor,
	       without_a_controller_a_rising_edge_is_an_interrupt,
	       an_eventfd_raises_a_line_where_kvm_can,
	       an_eventfd_raises_nothing_without_an_in_kernel_irqchip,
	       threads_that_share_a_line_leave_kvm_at_its_last_level)
