/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Several x86 CPUs with the userspace APIC: INIT and start-up as ax_vm_run() carries them out, and
 * as exits for who does it by hand.
 */
#include "arch/arch.h"
#include "tests/unit/x86_64/smp_fixture.h"

static AxVm *vm;

/* A step that waits, in the sender, for what another vCPU does. */
static int when_off(struct kvm_run *run, void *arg)
{
	unsigned id = (unsigned)(uintptr_t)arg;

	wait_until(ax_vcpu_state(ax_vm_vcpu(vm, id)) == AX_VCPU_BLOCKED);
	run->exit_reason = KVM_EXIT_INTR;
	return 0;
}

static void push_wait_off(unsigned vcpu, unsigned id)
{
	fake_push(vcpu, when_off, (void *)(uintptr_t)id);
}

static int when_entered(struct kvm_run *run, void *arg)
{
	unsigned number = (unsigned)(uintptr_t)arg;

	wait_until(fake_entries(number) > fake_immediate_exits(number));
	run->exit_reason = KVM_EXIT_INTR;
	return 0;
}

static void make_vcpus(unsigned count, unsigned others_flags)
{
	vm = new_vm(AX_IRQCHIP_USER);
	add_stop_port(vm);
	for (unsigned i = 0; i < count; i++)
		free_vcpu(vm, i, i ? others_flags : 0);
}

/* The next exit that is something: a request served makes an entry of its own. */
static AxVCpuExitReason next_exit(AxVCpu *vcpu)
{
	AxVCpuExitReason exit;

	do {
		ck_assert_int_eq(ax_vcpu_run(vcpu, &exit, NULL), 0);
	} while (exit.kind == AX_EXIT_NOTHING);
	return exit;
}

/* What the guest of a bound vCPU reads from its APIC. */
static uint32_t read_apic(AxVCpu *vcpu, unsigned number, uint32_t offset)
{
	struct fake_completion done;
	AxVCpuExitReason exit;
	uint32_t value;

	fake_push_mmio_read(number, APIC_PAGE + offset, 4);
	exit = next_exit(vcpu);
	ck_assert_int_eq(ax_vcpu_dispatch(vcpu, &exit), AX_HANDLED);
	ck_assert_int_eq(ax_vcpu_settle(vcpu, &exit, NULL), 0);
	fake_completed(number, &done);
	memcpy(&value, done.run.mmio.data, sizeof(value));
	return value;
}

START_TEST(init_and_sipi_start_a_cpu_at_its_vectors_page)
{
	make_vcpus(2, AX_SETUP_POWERED_OFF);
	push_ipi(0, 1, ICR_INIT | ICR_LEVEL_ASSERT);
	push_ipi(0, 1, ICR_SIPI | 0x9f);
	push_stop(1);
	ck_assert_uint_eq(run_vm(vm).vcpu, 1);
	ck_assert_uint_eq(entry_of(1), 0x9f000);
	ax_vm_destroy(vm);
}
END_TEST

START_TEST(a_second_sipi_to_a_started_cpu_is_ignored)
{
	make_vcpus(2, AX_SETUP_POWERED_OFF);
	push_ipi(0, 1, ICR_INIT | ICR_LEVEL_ASSERT);
	push_ipi(0, 1, ICR_SIPI | 0x10);
	fake_push(0, when_entered, (void *)1);
	push_ipi(0, 1, ICR_SIPI | 0x20);
	push_stop(0);
	ck_assert_uint_eq(run_vm(vm).vcpu, 0);
	ck_assert_uint_eq(entry_of(1), 0x10000);
	ax_vm_destroy(vm);
}
END_TEST

START_TEST(a_cpu_that_is_not_there_is_no_error)
{
	make_vcpus(1, 0);
	push_ipi(0, 77, ICR_INIT | ICR_LEVEL_ASSERT);
	push_ipi(0, 77, ICR_SIPI | 0x10);
	push_stop(0);
	ck_assert_uint_eq(run_vm(vm).vcpu, 0);
	ax_vm_destroy(vm);
}
END_TEST

START_TEST(init_stops_a_running_cpu_which_runs_nothing_until_sipi)
{
	struct fake_completion done;

	make_vcpus(2, 0);
	/* vCPU 1 is in the midst of an access when INIT comes. */
	fake_push_mmio_read(1, 0x5000, 4);
	fake_push(0, when_entered, (void *)1);
	push_ipi(0, 1, ICR_INIT | ICR_LEVEL_ASSERT);
	push_wait_off(0, 1);
	push_halt(0, false);
	ck_assert_uint_eq(run_vm(vm).end, AX_VM_END_HALTED);
	fake_completed(1, &done);
	ck_assert_uint_eq(done.count, 1);
	/* Its first entry, and those which found immediate_exit set. */
	ck_assert_uint_le(fake_entries(1) - fake_immediate_exits(1), 2);
	ax_vm_destroy(vm);
}
END_TEST

START_TEST(a_cpu_that_init_stopped_starts_again_at_the_next_sipi)
{
	make_vcpus(2, AX_SETUP_POWERED_OFF);
	push_ipi(0, 1, ICR_SIPI | 0x10);
	fake_push(0, when_entered, (void *)1);
	push_ipi(0, 1, ICR_INIT | ICR_LEVEL_ASSERT);
	push_wait_off(0, 1);
	push_ipi(0, 1, ICR_SIPI | 0x33);
	push_halt(0, false);
	fake_push_spin(1);
	push_stop(1);
	ck_assert_uint_eq(run_vm(vm).vcpu, 1);
	ck_assert_uint_eq(entry_of(1), 0x33000);
	ax_vm_destroy(vm);
}
END_TEST

START_TEST(init_right_after_sipi_voids_it_and_the_next_sipi_counts)
{
	make_vcpus(2, AX_SETUP_POWERED_OFF);
	for (unsigned i = 0; i < 50; i++) {
		push_ipi(0, 1, ICR_INIT | ICR_LEVEL_ASSERT);
		push_ipi(0, 1, ICR_SIPI | (i & 0xf));
	}
	push_ipi(0, 1, ICR_INIT | ICR_LEVEL_ASSERT);
	push_ipi(0, 1, ICR_SIPI | 0x44);
	push_halt(0, false);
	fake_set_guest(1, halt_step, NULL); /* whenever it gets as far as that */
	ck_assert_uint_eq(run_vm(vm).end, AX_VM_END_HALTED);
	ck_assert_uint_eq(entry_of(1), 0x44000);
	ax_vm_destroy(vm);
}
END_TEST

START_TEST(init_level_deassert_does_nothing)
{
	make_vcpus(2, 0);
	fake_push(0, when_entered, (void *)1);
	push_ipi(0, 1, ICR_INIT | ICR_LEVEL_TRIGGER);
	push_halt(0, false);
	push_stop(1);
	ck_assert_uint_eq(run_vm(vm).vcpu, 1);
	ax_vm_destroy(vm);
}
END_TEST

START_TEST(a_cpu_may_send_init_to_itself)
{
	make_vcpus(2, AX_SETUP_POWERED_OFF);
	push_ipi(0, 0, ICR_INIT | ICR_LEVEL_ASSERT);
	push_stop(0); /* never reached */
	ck_assert_uint_eq(run_vm(vm).end, AX_VM_END_HALTED);
	ck_assert_uint_eq(fake_steps_left(0), 1);
	ax_vm_destroy(vm);
}
END_TEST

START_TEST(a_halted_cpu_takes_init)
{
	make_vcpus(2, 0);
	push_halt(1, true);
	push_wait_off(0, 1); /* Blocked: halted */
	push_ipi(0, 1, ICR_INIT | ICR_LEVEL_ASSERT);
	push_ipi(0, 1, ICR_SIPI | 0x55);
	push_halt(0, false);
	push_stop(1);
	ck_assert_uint_eq(run_vm(vm).vcpu, 1);
	ck_assert_uint_eq(entry_of(1), 0x55000);
	ax_vm_destroy(vm);
}
END_TEST

START_TEST(init_resets_the_apic_and_forgets_interrupts)
{
	AxVCpu *target;

	make_vcpus(2, 0);
	target = ax_vm_vcpu(vm, 1);
	fake_run(1)->ready_for_interrupt_injection = 0;
	push_apic_enable(1);
	push_apic_write(1, REG_LDR, 0x02000000);
	push_apic_write(1, REG_TPR, 0x70);
	push_halt(1, false);
	push_wait_off(0, 1);
	push_ipi(0, 1, ICR_FIXED | 0x61);
	push_ipi(0, 1, ICR_INIT | ICR_LEVEL_ASSERT);
	push_ipi(0, 1, ICR_SIPI | 0x01);
	push_halt(0, false);
	push_stop(1);
	ck_assert_uint_eq(run_vm(vm).vcpu, 1);
	ck_assert_uint_eq(fake_calls(KVM_INTERRUPT), 0);

	/* SVR, LDR and TPR, which KVM takes from kvm_run, are as after power-up. */
	ck_assert_int_eq(ax_vcpu_bind(target, AX_ANY_CPU, NULL), 0);
	ck_assert_uint_eq(read_apic(target, 1, REG_SVR), 0xff);
	ck_assert_uint_eq(read_apic(target, 1, REG_LDR), 0);
	ck_assert_uint_eq(read_apic(target, 1, REG_TPR), 0);
	ck_assert_uint_eq(read_apic(target, 1, REG_ID), 1u << 24);
	ax_vm_destroy(vm);
}
END_TEST

START_TEST(cr8_is_set_where_the_next_entry_takes_it_from)
{
	AxVCpu *vcpu;

	make_vcpus(1, 0);
	vcpu = ax_vm_vcpu(vm, 0);
	ck_assert_int_eq(ax_vcpu_set_reg(vcpu, "cr8", 5, NULL), 0);
	ck_assert_uint_eq(fake_run(0)->cr8, 5);
	ax_vm_destroy(vm);
}
END_TEST

/* Broadcasts. */

static atomic_uint ups[8];
static AxHandled up_verdict;

static AxHandled count_up(AxVCpu *vcpu, void *opaque, uint64_t target, AxGuestPhysAddr entry,
			  uint64_t arg)
{
	(void)vcpu;
	(void)opaque;
	ck_assert_uint_lt(target, 8);
	ck_assert_uint_eq(entry, 0x12000);
	ck_assert_uint_eq(arg, 0);
	atomic_fetch_add(&ups[target], 1);
	return up_verdict;
}

static void set_up_handler(AxHandled verdict)
{
	static const AxPowerOps ops = { .size = sizeof(AxPowerOps), .cpu_up = count_up };

	memset(ups, 0, sizeof(ups));
	up_verdict = verdict;
	ck_assert_int_eq(ax_power_set(vm, &ops, NULL, NULL), 0);
}

static const uint32_t broadcasts[] = {
	ICR_TO_OTHERS | ICR_SIPI | 0x12,
	ICR_TO_ALL | ICR_SIPI | 0x12,
};

START_TEST(a_broadcast_sipi_is_one_cpu_up_for_each_other_cpu)
{
	make_vcpus(4, AX_SETUP_POWERED_OFF);
	set_up_handler(AX_HANDLED);
	push_apic_write(0, REG_ICR_LOW, broadcasts[_i]);
	push_stop(0);
	ck_assert_uint_eq(run_vm(vm).vcpu, 0);
	ck_assert_uint_eq(ups[0], 0);
	for (unsigned i = 1; i < 4; i++)
		ck_assert_uint_eq(ups[i], 1);
	ax_vm_destroy(vm);
}
END_TEST

START_TEST(a_sipi_to_the_broadcast_id_is_one_as_well)
{
	make_vcpus(4, AX_SETUP_POWERED_OFF);
	set_up_handler(AX_HANDLED);
	push_ipi(0, 0xff, ICR_SIPI | 0x12);
	push_stop(0);
	run_vm(vm);
	for (unsigned i = 0; i < 4; i++)
		ck_assert_uint_eq(ups[i], i != 0);
	ax_vm_destroy(vm);
}
END_TEST

START_TEST(a_sipi_to_a_logical_destination_names_those_that_it_means)
{
	make_vcpus(4, 0);
	set_up_handler(AX_HANDLED);
	/* Each sets its own LDR: flat model, bit of its number. */
	for (unsigned i = 1; i < 4; i++) {
		push_apic_write(i, REG_LDR, 1u << (24 + i));
		push_halt(i, true);
		push_wait_off(0, i);
	}
	push_ipi(0, 0x0a, ICR_LOGICAL_MODE | ICR_SIPI | 0x12);
	push_stop(0);
	run_vm(vm);
	ck_assert_uint_eq(ups[1], 1);
	ck_assert_uint_eq(ups[2], 0);
	ck_assert_uint_eq(ups[3], 1);
	ax_vm_destroy(vm);
}
END_TEST

START_TEST(a_broadcast_starts_every_cpu)
{
	make_vcpus(4, AX_SETUP_POWERED_OFF);
	set_up_handler(AX_UNHANDLED);
	push_apic_write(0, REG_ICR_LOW, ICR_TO_OTHERS | ICR_INIT | ICR_LEVEL_ASSERT);
	push_apic_write(0, REG_ICR_LOW, ICR_TO_OTHERS | ICR_SIPI | 0x12);
	for (unsigned i = 0; i < 4; i++)
		push_halt(i, false);
	ck_assert_uint_eq(run_vm(vm).end, AX_VM_END_HALTED);
	for (unsigned i = 1; i < 4; i++) {
		ck_assert_uint_eq(fake_steps_left(i), 0);
		ck_assert_uint_eq(entry_of(i), 0x12000);
	}
	ax_vm_destroy(vm);
}
END_TEST

START_TEST(a_sipi_to_nobody_is_nothing)
{
	make_vcpus(1, 0);
	set_up_handler(AX_STOP);
	push_apic_write(0, REG_ICR_LOW, ICR_TO_OTHERS | ICR_SIPI | 0x12);
	push_apic_write(0, REG_ICR_LOW, ICR_TO_SELF | ICR_SIPI | 0x12);
	push_stop(0);
	ck_assert_uint_eq(run_vm(vm).exit.kind, AX_EXIT_IO_WRITE);
	ck_assert_uint_eq(ups[0], 0);
	ax_vm_destroy(vm);
}
END_TEST

/* By hand. */

START_TEST(by_hand_each_cpu_up_is_an_exit_of_its_own_and_kicks_come_after_them)
{
	AxVCpuExitReason exit;
	AxVCpu *vcpu;

	vm = new_vm(AX_IRQCHIP_USER);
	vcpu = ready_vcpu(vm, 0);
	for (unsigned i = 1; i < 4; i++)
		free_vcpu(vm, i, AX_SETUP_POWERED_OFF);
	push_apic_write(0, REG_ICR_LOW, ICR_TO_OTHERS | ICR_SIPI | 0x08);
	fake_push_exit(0, KVM_EXIT_SHUTDOWN);
	for (unsigned i = 1; i < 4; i++) {
		ck_assert_int_eq(ax_vcpu_run(vcpu, &exit, NULL), 0);
		if (i == 1)
			ck_assert_int_eq(ax_vcpu_kick(vcpu, 200), 0);
		ck_assert_uint_eq(exit.kind, AX_EXIT_CPU_UP);
		ck_assert_uint_eq(exit.vcpu, 0);
		ck_assert_uint_eq(exit.cpu_up.target_cpu, i);
		ck_assert_uint_eq(exit.cpu_up.entry_point, 0x8000);
	}
	ck_assert_int_eq(ax_vcpu_run(vcpu, &exit, NULL), 0);
	ck_assert_uint_eq(exit.kind, AX_EXIT_EXTERNAL_INTERRUPT);
	ck_assert_uint_eq(exit.external_interrupt.vector, 200);
	ck_assert_uint_eq(next_exit(vcpu).kind, AX_EXIT_SYSTEM_DOWN);
	ax_vm_destroy(vm);
}
END_TEST

START_TEST(init_is_cpu_down_at_its_target_which_cannot_be_entered_then)
{
	AxVCpuExitReason exit;
	AxVCpu *vcpu, *sender;
	AxError err;

	vm = new_vm(AX_IRQCHIP_USER);
	vcpu = ready_vcpu(vm, 0);
	sender = ready_vcpu(vm, 1);
	push_ipi(1, 0, ICR_INIT | ICR_LEVEL_ASSERT);
	exit = next_exit(sender);
	ck_assert_int_eq(ax_vcpu_dispatch(sender, &exit), AX_HANDLED);
	exit = next_exit(sender);
	ck_assert_uint_eq(exit.kind, AX_EXIT_SEND_IPI);
	ck_assert_uint_eq(exit.send_ipi.mode, AX_IPI_INIT);
	ck_assert_int_eq(arch_send_ipi(sender, &exit, NULL), 0);

	push_stop(0);
	ck_assert_int_eq(ax_vcpu_run(vcpu, &exit, NULL), 0);
	ck_assert_uint_eq(exit.kind, AX_EXIT_CPU_DOWN);
	/* Its bit stays set until an entry has found nothing more: that one runs no guest. */
	ck_assert_int_eq(ax_vcpu_run(vcpu, &exit, NULL), 0);
	ck_assert_uint_eq(exit.kind, AX_EXIT_NOTHING);
	ck_assert_fails(ax_vcpu_run(vcpu, &exit, &err), -EPERM, AX_ERROR_STATE, "powered off");
	ck_assert_int_eq(ax_vcpu_loop(vcpu, &exit, NULL), AX_LOOP_UNHANDLED);
	ck_assert_uint_eq(exit.kind, AX_EXIT_CPU_DOWN);
	ck_assert_uint_eq(fake_steps_left(0), 1);
	ax_vm_destroy(vm);
}
END_TEST

static void add_tests(TCase *cases)
{
	tcase_add_test(cases, init_and_sipi_start_a_cpu_at_its_vectors_page);
	tcase_add_test(cases, a_second_sipi_to_a_started_cpu_is_ignored);
	tcase_add_test(cases, a_cpu_that_is_not_there_is_no_error);
	tcase_add_test(cases, init_stops_a_running_cpu_which_runs_nothing_until_sipi);
	tcase_add_test(cases, a_cpu_that_init_stopped_starts_again_at_the_next_sipi);
	tcase_add_test(cases, init_right_after_sipi_voids_it_and_the_next_sipi_counts);
	tcase_add_test(cases, init_level_deassert_does_nothing);
	tcase_add_test(cases, a_cpu_may_send_init_to_itself);
	tcase_add_test(cases, a_halted_cpu_takes_init);
	tcase_add_test(cases, init_resets_the_apic_and_forgets_interrupts);
	tcase_add_test(cases, cr8_is_set_where_the_next_entry_takes_it_from);
	tcase_add_loop_test(cases, a_broadcast_sipi_is_one_cpu_up_for_each_other_cpu, 0,
			    COUNT(broadcasts));
	tcase_add_test(cases, a_sipi_to_the_broadcast_id_is_one_as_well);
	tcase_add_test(cases, a_sipi_to_a_logical_destination_names_those_that_it_means);
	tcase_add_test(cases, a_broadcast_starts_every_cpu);
	tcase_add_test(cases, a_sipi_to_nobody_is_nothing);
	tcase_add_test(cases, by_hand_each_cpu_up_is_an_exit_of_its_own_and_kicks_come_after_them);
	tcase_add_test(cases, init_is_cpu_down_at_its_target_which_cannot_be_entered_then);
}

RUN_SUITE("x86 smp", add_tests)
