/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Interrupts into the guest: when KVM_INTERRUPT may be made, in which order, what waits for what;
 * and interprocessor interrupts.
 */
#include "arch/arch.h"
#include "tests/unit/x86_64/smp_fixture.h"

static AxVm *vm;
static AxVCpu *vcpu;

static void begin(AxIrqchip irqchip)
{
	vm = new_vm(irqchip);
	vcpu = ready_vcpu(vm, 0);
	set_interrupt_flag(0, true);
}

static int inject(unsigned vector)
{
	return ax_vcpu_inject_interrupt(vcpu, vector, NULL);
}

/* An entry that serves requests, if there are any: the guest does not run. */
static void serve(void)
{
	AxVCpuExitReason exit;

	if (!atomic_load(&vcpu->requests))
		return;
	ck_assert_int_eq(ax_vcpu_run(vcpu, &exit, NULL), 0);
	ck_assert_uint_eq(exit.kind, AX_EXIT_NOTHING);
}

/* The guest runs, taking what was injected, and comes back with this exit reason. */
static void run_guest(uint32_t reason)
{
	AxVCpuExitReason exit;

	fake_push_exit(0, reason);
	do {
		ck_assert_int_eq(ax_vcpu_run(vcpu, &exit, NULL), 0);
	} while (fake_steps_left(0));
}

/* The vectors of all KVM_INTERRUPTs so far are these. */
static void assert_delivered(unsigned count, const unsigned *vectors)
{
	ck_assert_uint_eq(fake_calls(KVM_INTERRUPT), count);
	for (unsigned i = 0; i < count; i++)
		ck_assert_uint_eq(FAKE_ARG(struct kvm_interrupt, KVM_INTERRUPT, i)->irq,
				  vectors[i]);
}

static bool window_requested(void)
{
	return fake_run(0)->request_interrupt_window;
}

START_TEST(only_vectors_from_16_to_255_can_be_injected)
{
	static const AxIrqchip chips[] = { AX_IRQCHIP_NONE, AX_IRQCHIP_USER, AX_IRQCHIP_KERNEL };
	static const unsigned bad[] = { 0, 15, 256, UINT32_MAX };
	AxError err;

	begin(chips[_i]);
	for (unsigned i = 0; i < COUNT(bad); i++)
		ck_assert_fails(ax_vcpu_inject_interrupt(vcpu, bad[i], &err), -EINVAL,
				AX_ERROR_ARGUMENT, "no interrupt vector: 16 to 255");
	ck_assert_int_eq(inject(16), 0);
	ck_assert_int_eq(inject(255), 0);
	ax_vm_destroy(vm);
}
END_TEST

START_TEST(an_interrupt_is_delivered_when_the_guest_takes_it)
{
	begin(AX_IRQCHIP_NONE);
	ck_assert_int_eq(inject(0x30), 0);
	assert_delivered(0, NULL); /* not before the owner comes to it */
	serve();
	assert_delivered(1, (unsigned[]){ 0x30 });
	ck_assert(!window_requested());
	vcpu_request(vcpu, REQUEST_INTERRUPT);
	serve();
	assert_delivered(1, (unsigned[]){ 0x30 }); /* there is no other */
	ax_vm_destroy(vm);
}
END_TEST

START_TEST(while_the_guest_takes_none_a_window_is_asked_for)
{
	begin(AX_IRQCHIP_NONE);
	set_interrupt_flag(0, false);
	ck_assert_int_eq(inject(0x30), 0);
	serve();
	assert_delivered(0, NULL);
	ck_assert(window_requested());
	/* KVM: the window is open. The fake's guest has interrupts on at an exit. */
	run_guest(KVM_EXIT_IRQ_WINDOW_OPEN);
	assert_delivered(1, (unsigned[]){ 0x30 });
	ck_assert(!window_requested());
	ax_vm_destroy(vm);
}
END_TEST

START_TEST(several_interrupts_go_one_at_a_time_the_highest_first)
{
	begin(AX_IRQCHIP_NONE);
	ck_assert_int_eq(inject(0x30), 0);
	ck_assert_int_eq(inject(0xff), 0);
	ck_assert_int_eq(inject(0x80), 0);
	ck_assert_int_eq(inject(0x80), 0); /* twice is once */
	serve();
	assert_delivered(1, (unsigned[]){ 0xff });
	ck_assert(window_requested());
	run_guest(KVM_EXIT_IRQ_WINDOW_OPEN);
	assert_delivered(2, (unsigned[]){ 0xff, 0x80 });
	ck_assert(window_requested());
	run_guest(KVM_EXIT_IRQ_WINDOW_OPEN);
	assert_delivered(3, (unsigned[]){ 0xff, 0x80, 0x30 });
	ck_assert(!window_requested());
	ax_vm_destroy(vm);
}
END_TEST

START_TEST(a_second_interrupt_does_not_take_the_place_of_one_not_yet_taken)
{
	begin(AX_IRQCHIP_NONE);
	ck_assert_int_eq(inject(0x30), 0);
	serve();
	/* Another, before the guest ran: whatever KVM's page says. */
	set_interrupt_flag(0, true);
	ck_assert_int_eq(inject(0x40), 0);
	serve();
	assert_delivered(1, (unsigned[]){ 0x30 });
	ck_assert(window_requested());
	run_guest(KVM_EXIT_IRQ_WINDOW_OPEN);
	assert_delivered(2, (unsigned[]){ 0x30, 0x40 });
	ax_vm_destroy(vm);
}
END_TEST

START_TEST(once_the_guest_has_run_the_next_is_delivered_at_once)
{
	begin(AX_IRQCHIP_NONE);
	ck_assert_int_eq(inject(0x30), 0);
	serve();
	run_guest(KVM_EXIT_INTR); /* taken; no window was asked for */
	ck_assert_int_eq(inject(0x40), 0);
	serve();
	assert_delivered(2, (unsigned[]){ 0x30, 0x40 });
	ax_vm_destroy(vm);
}
END_TEST

static void *inject_from_elsewhere(void *arg)
{
	(void)arg;
	wait_until(fake_entries(0));
	ck_assert_int_eq(inject(0x77), 0);
	return NULL;
}

START_TEST(an_interrupt_from_another_thread_ends_the_entry)
{
	AxVCpuExitReason exit;
	pthread_t thread;

	begin(AX_IRQCHIP_NONE);
	fake_push_spin(0);
	ck_assert_int_eq(pthread_create(&thread, NULL, inject_from_elsewhere, NULL), 0);
	ck_assert_int_eq(ax_vcpu_run(vcpu, &exit, NULL), 0);
	pthread_join(thread, NULL);
	assert_delivered(1, (unsigned[]){ 0x77 });
	ax_vm_destroy(vm);
}
END_TEST

START_TEST(with_the_in_kernel_irqchip_an_interrupt_is_a_message_to_the_apic)
{
	const struct kvm_msi *msi;

	vm = new_vm(AX_IRQCHIP_KERNEL);
	vcpu = new_vcpu(vm, 0x12);
	ck_assert_int_eq(inject(0x55), 0);
	msi = FAKE_ARG(struct kvm_msi, KVM_SIGNAL_MSI, 0);
	ck_assert_uint_eq(msi->address_lo, 0xfee12000);
	ck_assert_uint_eq(msi->address_hi, 0);
	ck_assert_uint_eq(msi->data, 0x55);
	ck_assert_uint_eq(msi->flags, 0);
	ck_assert_uint_eq(fake_calls(KVM_INTERRUPT), 0);
	ax_vm_destroy(vm);
}
END_TEST

START_TEST(a_message_has_eight_bits_for_the_apic_id)
{
	AxError err;

	fake_set_cap(KVM_CAP_MAX_VCPU_ID, 4096);
	vm = new_vm(AX_IRQCHIP_KERNEL);
	vcpu = new_vcpu(vm, 256);
	ck_assert_fails(ax_vcpu_inject_interrupt(vcpu, 0x30, &err), -ENOTSUP, AX_ERROR_ARGUMENT,
			"256 does not fit an MSI");
	ax_vm_destroy(vm);
}
END_TEST

/* The userspace APIC. */

static void apic_write(uint32_t offset, uint32_t value)
{
	AxVCpuExitReason exit;

	push_apic_write(0, offset, value);
	do {
		ck_assert_int_eq(ax_vcpu_run(vcpu, &exit, NULL), 0);
	} while (exit.kind == AX_EXIT_NOTHING);
	ck_assert_int_eq(ax_vcpu_dispatch(vcpu, &exit), AX_HANDLED);
}

START_TEST(an_apic_that_is_off_takes_nothing_and_on_again_has_nothing)
{
	begin(AX_IRQCHIP_USER);
	ck_assert_int_eq(inject(0x40), 0);
	serve();
	assert_delivered(0, NULL);
	ck_assert(!window_requested());
	apic_write(REG_SVR, 0x1ff);
	serve();
	assert_delivered(0, NULL);
	ck_assert_int_eq(inject(0x41), 0);
	serve();
	assert_delivered(1, (unsigned[]){ 0x41 });
	ax_vm_destroy(vm);
}
END_TEST

START_TEST(the_task_priority_holds_back_and_eoi_lets_through)
{
	begin(AX_IRQCHIP_USER);
	apic_write(REG_SVR, 0x1ff);
	apic_write(REG_TPR, 0x40);
	ck_assert_uint_eq(fake_run(0)->cr8, 4);
	ck_assert_int_eq(inject(0x41), 0);
	serve();
	assert_delivered(0, NULL);
	ck_assert(!window_requested()); /* a window would not help */
	ck_assert_int_eq(inject(0x61), 0);
	serve();
	assert_delivered(1, (unsigned[]){ 0x61 });
	apic_write(REG_TPR, 0);
	serve();
	assert_delivered(1, (unsigned[]){ 0x61 }); /* it is still in service */
	apic_write(REG_EOI, 0);
	serve();
	assert_delivered(2, (unsigned[]){ 0x61, 0x41 });
	ax_vm_destroy(vm);
}
END_TEST

START_TEST(an_apic_write_that_lets_nothing_through_costs_one_entry)
{
	unsigned entries;

	begin(AX_IRQCHIP_USER);
	apic_write(REG_SVR, 0x1ff);
	entries = fake_entries(0);
	apic_write(REG_TPR, 0x20);
	apic_write(REG_EOI, 0);
	apic_write(REG_LDR, 0x01000000);
	ck_assert_uint_eq(fake_entries(0), entries + 3);
	ck_assert_uint_eq(atomic_load(&vcpu->requests), 0);
	ax_vm_destroy(vm);
}
END_TEST

static int lower_cr8(struct kvm_run *run, void *arg)
{
	(void)arg;
	run->cr8 = 0;
	run->exit_reason = KVM_EXIT_SET_TPR;
	return 0;
}

START_TEST(a_change_of_cr8_lets_through_as_well)
{
	AxVCpuExitReason exit;

	begin(AX_IRQCHIP_USER);
	apic_write(REG_SVR, 0x1ff);
	apic_write(REG_TPR, 0xf0);
	ck_assert_int_eq(inject(0x61), 0);
	serve();
	fake_push(0, lower_cr8, NULL);
	ck_assert_int_eq(ax_vcpu_run(vcpu, &exit, NULL), 0);
	ck_assert_uint_eq(exit.kind, AX_EXIT_NOTHING);
	assert_delivered(1, (unsigned[]){ 0x61 });
	ax_vm_destroy(vm);
}
END_TEST

static const struct {
	unsigned len;
	uint32_t offset;
} odd_accesses[] = { { 1, REG_TPR }, { 2, REG_TPR }, { 8, REG_TPR }, { 4, REG_TPR + 4 },
		     { 4, 0x3f0 },   { 3, REG_TPR }, { 4, 0xffc },   { 1, REG_ICR_LOW } };

START_TEST(apic_registers_are_four_aligned_bytes_and_all_else_is_unclaimed)
{
	AxVCpuExitReason exit;

	begin(AX_IRQCHIP_USER);
	fake_push_mmio_read(0, APIC_PAGE + odd_accesses[_i].offset, odd_accesses[_i].len);
	ck_assert_int_eq(ax_vcpu_run(vcpu, &exit, NULL), 0);
	ck_assert_int_eq(ax_vcpu_dispatch(vcpu, &exit), AX_UNHANDLED);
	fake_push_mmio_write(0, APIC_PAGE + odd_accesses[_i].offset, odd_accesses[_i].len, 0x10);
	ck_assert_int_eq(ax_vcpu_run(vcpu, &exit, NULL), 0);
	ck_assert_uint_eq(exit.kind, AX_EXIT_MMIO_WRITE);
	ck_assert_int_eq(ax_vcpu_dispatch(vcpu, &exit), AX_UNHANDLED);
	ck_assert_uint_eq(fake_run(0)->cr8, 0);
	ax_vm_destroy(vm);
}
END_TEST

/* Interprocessor interrupts: to whom each command goes, of three CPUs of which 0 sends. */

static const struct {
	uint32_t destination;
	uint32_t low;
	unsigned reached; /* a bit for each vCPU */
} ipis[] = {
	{ 1, ICR_FIXED | 0x41, 1 << 1 },
	{ 0, ICR_FIXED | 0x41, 1 << 0 },
	{ 9, ICR_FIXED | 0x41, 0 },
	{ 0xff, ICR_FIXED | 0x41, 7 },
	{ 9, ICR_TO_SELF | ICR_FIXED | 0x41, 1 << 0 },
	{ 9, ICR_TO_ALL | ICR_FIXED | 0x41, 7 },
	{ 9, ICR_TO_OTHERS | ICR_FIXED | 0x41, 6 },
	{ 0x05, ICR_LOGICAL_MODE | ICR_FIXED | 0x41, 5 },
	{ 0x08, ICR_LOGICAL_MODE | ICR_FIXED | 0x41, 0 },
	{ 0x06, ICR_LOGICAL_MODE | ICR_LOWEST | 0x41, 1 << 1 },
	{ 0, ICR_TO_OTHERS | ICR_LOWEST | 0x41, 1 << 1 },
	{ 1, ICR_SMI, 0 },
};

START_TEST(an_ipi_reaches_those_that_it_names)
{
	AxVCpuExitReason exit = { .kind = AX_EXIT_NOTHING };

	vm = new_vm(AX_IRQCHIP_USER);
	for (uint32_t i = 0; i < 3; i++) {
		vcpu = ready_vcpu(vm, i);
		/* Each is bit i of the flat model. */
		push_apic_write(i, REG_LDR, 1u << (24 + i));
		ck_assert_int_eq(ax_vcpu_run(vcpu, &exit, NULL), 0);
		ck_assert_int_eq(ax_vcpu_dispatch(vcpu, &exit), AX_HANDLED);
		vcpu_take_requests(vcpu, REQUEST_INTERRUPT);
	}
	vcpu = ax_vm_vcpu(vm, 0);
	apic_write(REG_ICR_HIGH, ipis[_i].destination << 24);
	vcpu_take_requests(vcpu, REQUEST_INTERRUPT);
	push_apic_write(0, REG_ICR_LOW, ipis[_i].low);
	do {
		ck_assert_int_eq(ax_vcpu_run(vcpu, &exit, NULL), 0);
	} while (exit.kind == AX_EXIT_NOTHING);
	ck_assert_uint_eq(exit.kind, AX_EXIT_SEND_IPI);
	/* Nobody handles it: then ax_vm_run() does this. */
	ck_assert_int_eq(ax_vcpu_dispatch(vcpu, &exit), AX_UNHANDLED);
	ck_assert_int_eq(arch_send_ipi(vcpu, &exit, NULL), 0);
	for (unsigned i = 0; i < 3; i++)
		ck_assert_int_eq(!!(atomic_load(&ax_vm_vcpu(vm, i)->requests) & REQUEST_INTERRUPT),
				 ipis[_i].reached >> i & 1);
	ax_vm_destroy(vm);
}
END_TEST

static int when_1_is_halted(struct kvm_run *run, void *arg)
{
	(void)arg;
	wait_until(ax_vcpu_state(ax_vm_vcpu(vm, 1)) == AX_VCPU_BLOCKED);
	run->exit_reason = KVM_EXIT_INTR;
	return 0;
}

START_TEST(a_cpu_that_is_off_takes_no_nmi)
{
	AxVCpuExitReason exit = { .kind = AX_EXIT_SEND_IPI,
				  .send_ipi = { .send_to_all = true, .mode = AX_IPI_NMI } };

	begin(AX_IRQCHIP_USER);
	free_vcpu(vm, 1, AX_SETUP_POWERED_OFF);
	free_vcpu(vm, 2, 0);
	ck_assert_int_eq(arch_send_ipi(vcpu, &exit, NULL), 0);
	ck_assert_uint_eq(atomic_load(&ax_vm_vcpu(vm, 1)->requests), 0);
	ck_assert_uint_eq(atomic_load(&ax_vm_vcpu(vm, 2)->requests), REQUEST_INTERRUPT);
	ax_vm_destroy(vm);
}
END_TEST

START_TEST(an_interrupt_that_kvm_refuses_at_the_window_is_kept)
{
	AxVCpuExitReason exit;
	AxError err;

	begin(AX_IRQCHIP_NONE);
	set_interrupt_flag(0, false);
	ck_assert_int_eq(inject(0x30), 0);
	serve();
	fake_push_exit(0, KVM_EXIT_IRQ_WINDOW_OPEN);
	fake_fail(KVM_INTERRUPT, 1, EINVAL);
	ck_assert_fails(ax_vcpu_run(vcpu, &exit, &err), -EIO, AX_ERROR_KVM_CALL, "KVM_INTERRUPT");
	vcpu_request(vcpu, REQUEST_INTERRUPT);
	serve();
	ck_assert_uint_eq(fake_calls(KVM_INTERRUPT), 2);
	ax_vm_destroy(vm);
}
END_TEST

START_TEST(an_nmi_is_delivered_also_with_interrupts_off_and_wakes_a_dead_halt)
{
	vm = new_vm(AX_IRQCHIP_USER);
	add_stop_port(vm);
	free_vcpu(vm, 0, 0);
	free_vcpu(vm, 1, 0);
	push_halt(1, false);
	fake_push(0, when_1_is_halted, NULL);
	push_ipi(0, 1, ICR_NMI);
	push_halt(0, true);
	push_stop(1);
	ck_assert_uint_eq(run_vm(vm).vcpu, 1);
	ck_assert_uint_eq(fake_calls(KVM_NMI), 1);
	ck_assert_uint_eq(fake_call(KVM_NMI, 0)->number, 1);
	ax_vm_destroy(vm);
}
END_TEST

/* Ping-pong: each wakes the other from its halt, many times. */

#define ROUNDS 600

struct player {
	unsigned number;
	unsigned turn;
};

static void write_register(struct kvm_run *run, uint32_t offset, uint32_t value)
{
	run->exit_reason = KVM_EXIT_MMIO;
	run->mmio.phys_addr = APIC_PAGE + offset;
	run->mmio.is_write = 1;
	run->mmio.len = 4;
	memset(run->mmio.data, 0, sizeof(run->mmio.data));
	memcpy(run->mmio.data, &value, sizeof(value));
	/* Interrupts are on only at the halt: STI; HLT. */
	run->if_flag = 0;
	run->ready_for_interrupt_injection = 0;
}

static int play(struct kvm_run *run, void *arg)
{
	struct player *player = arg;

	if (player->turn++ > ROUNDS) {
		run->exit_reason = KVM_EXIT_SHUTDOWN;
		return 0;
	}
	switch (player->turn % 3) {
	case 0: write_register(run, REG_EOI, 0); return 0;
	case 1: write_register(run, REG_ICR_LOW, ICR_TO_OTHERS | (0x50 + player->number)); return 0;
	default: return halt_step(run, run);
	}
}

START_TEST(two_cpus_wake_each_other_again_and_again)
{
	struct player players[2] = { { 0, 0 }, { 1, 1 } }; /* 1 begins with its halt */

	vm = new_vm(AX_IRQCHIP_USER);
	for (unsigned i = 0; i < 2; i++) {
		free_vcpu(vm, i, 0);
		push_apic_enable(i);
		fake_set_guest(i, play, &players[i]);
	}
	fake_push(0, when_1_is_halted, NULL);
	ck_assert_uint_eq(run_vm(vm).exit.kind, AX_EXIT_SYSTEM_DOWN);
	ck_assert_uint_ge(fake_calls(KVM_INTERRUPT), 2 * (ROUNDS / 3) - 2);
	ax_vm_destroy(vm);
}
END_TEST

static void add_tests(TCase *cases)
{
	tcase_add_loop_test(cases, only_vectors_from_16_to_255_can_be_injected, 0, 3);
	tcase_add_test(cases, an_interrupt_is_delivered_when_the_guest_takes_it);
	tcase_add_test(cases, while_the_guest_takes_none_a_window_is_asked_for);
	tcase_add_test(cases, several_interrupts_go_one_at_a_time_the_highest_first);
	tcase_add_test(cases, a_second_interrupt_does_not_take_the_place_of_one_not_yet_taken);
	tcase_add_test(cases, once_the_guest_has_run_the_next_is_delivered_at_once);
	tcase_add_test(cases, an_interrupt_from_another_thread_ends_the_entry);
	tcase_add_test(cases, with_the_in_kernel_irqchip_an_interrupt_is_a_message_to_the_apic);
	tcase_add_test(cases, a_message_has_eight_bits_for_the_apic_id);
	tcase_add_test(cases, an_apic_that_is_off_takes_nothing_and_on_again_has_nothing);
	tcase_add_test(cases, the_task_priority_holds_back_and_eoi_lets_through);
	tcase_add_test(cases, an_apic_write_that_lets_nothing_through_costs_one_entry);
	tcase_add_test(cases, a_change_of_cr8_lets_through_as_well);
	tcase_add_loop_test(cases, apic_registers_are_four_aligned_bytes_and_all_else_is_unclaimed,
			    0, COUNT(odd_accesses));
	tcase_add_loop_test(cases, an_ipi_reaches_those_that_it_names, 0, COUNT(ipis));
	tcase_add_test(cases, a_cpu_that_is_off_takes_no_nmi);
	tcase_add_test(cases, an_interrupt_that_kvm_refuses_at_the_window_is_kept);
	tcase_add_test(cases, an_nmi_is_delivered_also_with_interrupts_off_and_wakes_a_dead_halt);
	tcase_add_test(cases, two_cpus_wake_each_other_again_and_again);
}

RUN_SUITE("x86 interrupt", add_tests)
