/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The external interrupt line of a hart without an in-kernel irqchip: a level, raised and lowered from
 * any thread, one for all interrupts.
 */
#include <errno.h>

#include <axvmm/irq.h>

#include "code_riscv.h"
#include "tests/kvm/running.h"

#define ROUNDS 200

struct taker {
	void (*lower)(struct taker *taker);
	AxVCpu *vcpu;
	AxIrq irqs[2];
	unsigned taken;
};

/* The guest has taken one: it goes on only with the line low. */
static AxHandled on_taken(AxVCpu *vcpu, void *opaque, uint64_t offset, AxAccessWidth width,
			  uint64_t value)
{
	struct taker *taker = opaque;

	taker->lower(taker);
	__atomic_add_fetch(&taker->taken, 1, __ATOMIC_SEQ_CST);
	return AX_HANDLED;
}

static const AxRangeOps taken_ops = { .size = sizeof(taken_ops), .write = on_taken };

static void open_line(struct running *running, struct taker *taker)
{
	AxRange range = AX_RANGE_INIT;
	AxError err = AX_ERROR_INIT;

	running_open(running, NULL, CODE(line), 1);
	taker->vcpu = running->vm.vcpu;
	range.base = CODE_MMIO + CODE_TAKEN;
	range.length = 4;
	range.ops = &taken_ops;
	range.opaque = taker;
	ck_ok(ax_range_add_mmio(running->vm.vm, &range, NULL, &err), err);
}

static void start_line(struct running *running)
{
	running_start(running);
	code_wait_word(&running->vm, 0, 3, 1);
}

static void wait_taken(const struct taker *taker, unsigned count)
{
	uint64_t end = kvm_now() + UINT64_C(10000000000);

	while (__atomic_load_n(&taker->taken, __ATOMIC_SEQ_CST) < count) {
		ck_assert_msg(kvm_now() < end, "%u interrupts instead of %u", taker->taken, count);
		doze(20000);
	}
}

static void lower_by_clearing(struct taker *taker)
{
	AxError err = AX_ERROR_INIT;

	ck_ok(ax_vcpu_clear_interrupt(taker->vcpu, 9, &err), err);
}

START_TEST(injected_interrupt_stays_until_it_is_cleared)
{
	struct taker taker = { .lower = lower_by_clearing };
	AxError err = AX_ERROR_INIT;
	struct running running;

	open_line(&running, &taker);
	start_line(&running);
	for (unsigned round = 1; round <= ROUNDS; round++) {
		ck_ok(ax_vcpu_inject_interrupt(taker.vcpu, 9, &err), err);
		wait_taken(&taker, round);
	}
	doze(5000000);
	/* None twice, and it slept between them. */
	ck_assert_uint_eq(code_word(&running.vm, 0, 0), ROUNDS);
	running_stop(&running);
	running_close(&running);
}
END_TEST

static void lower_first_line(struct taker *taker)
{
	ax_irq_set(&taker->irqs[0], false);
}

/* Two lines up are one level: it falls with the last of them. */
START_TEST(lines_share_the_harts_one)
{
	struct taker taker = { .lower = lower_first_line };
	AxError err = AX_ERROR_INIT;
	struct running running;

	open_line(&running, &taker);
	ck_ok(ax_irq_get(running.vm.vm, CODE_GSI, &taker.irqs[0], &err), err);
	ck_ok(ax_irq_get(running.vm.vm, CODE_GSI + 1, &taker.irqs[1], &err), err);
	start_line(&running);
	for (unsigned round = 1; round <= ROUNDS; round++) {
		ax_irq_set(&taker.irqs[0], true);
		wait_taken(&taker, round);
	}
	ck_assert_uint_eq(code_word(&running.vm, 0, 0), ROUNDS);
	/* While the second one is up the guest takes it again and again. */
	ax_irq_set(&taker.irqs[1], true);
	wait_taken(&taker, ROUNDS + 10);
	ax_irq_set(&taker.irqs[1], false);
	doze(5000000);
	taker.taken = 0;
	doze(5000000);
	ck_assert_uint_eq(taker.taken, 0);
	running_stop(&running);
	running_close(&running);
}
END_TEST

/* Raised before the guest runs, it is there when it does; set-up lowers it, as a reset does. */
START_TEST(line_waits_for_the_guest_and_falls_at_reset)
{
	struct taker taker = { .lower = lower_by_clearing };
	AxError err = AX_ERROR_INIT;
	struct running running;

	open_line(&running, &taker);
	ck_ok(ax_vcpu_inject_interrupt(taker.vcpu, 0, &err), err);
	if (_i)
		code_restart(taker.vcpu);
	start_line(&running);
	if (_i) {
		doze(20000000);
		ck_assert_uint_eq(taker.taken, 0);
		ck_ok(ax_vcpu_inject_interrupt(taker.vcpu, 0, &err), err);
	}
	wait_taken(&taker, 1);
	running_stop(&running);
	running_close(&running);
}
END_TEST

START_TEST(vectors_are_checked)
{
	AxError err = AX_ERROR_INIT;
	struct code_vm vm;

	code_open(&vm, NULL, CODE(spin));
	ck_assert_int_eq(ax_vcpu_inject_interrupt(vm.vcpu, 256, &err), -EINVAL);
	ck_assert_int_eq(ax_vcpu_clear_interrupt(vm.vcpu, 256, &err), -EINVAL);
	code_close(&vm);
}
END_TEST

START_TEST(a_userspace_irqchip_is_a_device_here)
{
	AxVmOptions options = AX_VM_OPTIONS_INIT;
	AxError err = AX_ERROR_INIT;
	AxVm *vm;

	options.irqchip = AX_IRQCHIP_USER;
	ck_assert_int_eq(ax_vm_create(&options, &vm, &err), -ENOTSUP);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("line");
	TCase *tcase = kvm_case(suite, "the external interrupt line");

	tcase_add_test(tcase, injected_interrupt_stays_until_it_is_cleared);
	tcase_add_test(tcase, lines_share_the_harts_one);
	tcase_add_loop_test(tcase, line_waits_for_the_guest_and_falls_at_reset, 0, 2);
	tcase_add_test(tcase, vectors_are_checked);
	tcase_add_test(tcase, a_userspace_irqchip_is_a_device_here);
	return kvm_main(suite);
}
