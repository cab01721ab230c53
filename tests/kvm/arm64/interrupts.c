/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Interrupts into an arm64 guest that sleeps: the one line of a CPU without irqchip, which has a
 * level; shared and private interrupts of the in-kernel GIC.
 */
#include <errno.h>
#include <inttypes.h>
#include <stdatomic.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include <axvmm/irq.h>

#include "code_arm64.h"
#include "tests/kvm/running.h"

#define ROUNDS	  100
#define LINES	  4
#define FIRST_PPI 20

/* Words of the mailbox: that of INTID n is COUNTS + n % 16. */
enum { ALL = 0, READY = 3, COUNTS = 4 };

/* How many interrupts each vCPU has said to have taken, by which a level falls. */
static atomic_uint taken_counts[2];
static atomic_bool lowers;

static AxHandled on_taken(AxVCpu *vcpu, void *opaque, uint64_t offset, AxAccessWidth width,
			  uint64_t value)
{
	AxError err = AX_ERROR_INIT;
	bool is_line = opaque;

	if (atomic_load(&lowers) && (is_line || value < 32))
		ck_ok(ax_vcpu_clear_interrupt(vcpu, is_line ? 1 : (unsigned)value, &err), err);
	atomic_fetch_add(&taken_counts[ax_vcpu_id(vcpu)], 1);
	return AX_HANDLED;
}

/* Wait until the vCPU has taken so many, and they are cleared. */
static void wait_taken(unsigned id, unsigned count)
{
	uint64_t end = kvm_now() + UINT64_C(10000000000);

	while (atomic_load(&taken_counts[id]) < count) {
		ck_assert_msg(kvm_now() < end, "vCPU %u has taken %u interrupts, not %u", id,
			      taken_counts[id], count);
		doze(20000);
	}
}

static const AxRangeOps taken_ops = { .size = sizeof(taken_ops), .write = on_taken };

static void open_guest(struct running *running, struct code code, uint32_t irqchip, unsigned vcpus)
{
	static char line;
	AxVmOptions options = AX_VM_OPTIONS_INIT;
	AxRange taken = AX_RANGE_INIT;
	AxError err = AX_ERROR_INIT;

	options.irqchip = irqchip;
	running_open(running, &options, code, vcpus);
	taken.base = CODE_MMIO + CODE_TAKEN;
	taken.length = 4;
	taken.ops = &taken_ops;
	taken.opaque = irqchip == AX_IRQCHIP_NONE ? &line : NULL;
	ck_ok(ax_range_add_mmio(running->vm.vm, &taken, NULL, &err), err);
	atomic_store(&lowers, true);
	atomic_store(&taken_counts[0], 0);
	atomic_store(&taken_counts[1], 0);
}

static void start_guest(struct running *running)
{
	running_start(running);
	for (unsigned id = 0; id < running->vcpus; id++)
		code_wait_word(&running->vm, id, READY, 1);
}

START_TEST(injected_interrupt_is_taken_once_when_the_guest_clears_it)
{
	AxError err = AX_ERROR_INIT;
	struct running running;

	open_guest(&running, CODE(line), AX_IRQCHIP_NONE, 2);
	start_guest(&running);
	for (unsigned round = 1; round <= ROUNDS; round++) {
		AxVCpu *vcpu = ax_vm_vcpu(running.vm.vm, round % 2);

		ck_ok(ax_vcpu_inject_interrupt(vcpu, 1, &err), err);
		wait_taken(round % 2, (round + 1) / 2);
	}
	doze(5000000);
	ck_assert_uint_eq(code_word(&running.vm, 0, ALL), ROUNDS / 2);
	ck_assert_uint_eq(code_word(&running.vm, 1, ALL), ROUNDS / 2);
	running_stop(&running);
	running_close(&running);
}
END_TEST

/* Two vectors hold the line up; it falls when both are cleared. */
START_TEST(line_stays_up_until_all_of_it_is_cleared)
{
	AxError err = AX_ERROR_INIT;
	struct running running;
	uint64_t count;

	open_guest(&running, CODE(line), AX_IRQCHIP_NONE, 1);
	atomic_store(&lowers, false);
	start_guest(&running);
	ck_ok(ax_vcpu_inject_interrupt(running.vm.vcpu, 0, &err), err);
	ck_ok(ax_vcpu_inject_interrupt(running.vm.vcpu, 255, &err), err);
	ck_assert_int_eq(ax_vcpu_inject_interrupt(running.vm.vcpu, 256, &err), -EINVAL);
	code_wait_word(&running.vm, 0, ALL, 5);
	ck_ok(ax_vcpu_clear_interrupt(running.vm.vcpu, 0, &err), err);
	ck_ok(ax_vcpu_clear_interrupt(running.vm.vcpu, 7, &err), err);
	count = code_word(&running.vm, 0, ALL);
	code_wait_word(&running.vm, 0, ALL, count + 5);
	ck_ok(ax_vcpu_clear_interrupt(running.vm.vcpu, 255, &err), err);
	doze(5000000);
	count = code_word(&running.vm, 0, ALL);
	doze(5000000);
	ck_assert_uint_eq(code_word(&running.vm, 0, ALL), count);
	running_stop(&running);
	running_close(&running);
}
END_TEST

/* Lines of devices share it. */
START_TEST(device_lines_are_one_line_of_the_cpu)
{
	AxError err = AX_ERROR_INIT;
	struct running running;
	AxIrq first, second;
	uint64_t count;

	open_guest(&running, CODE(line), AX_IRQCHIP_NONE, 1);
	atomic_store(&lowers, false);
	ck_ok(ax_irq_get(running.vm.vm, 3, &first, &err), err);
	ck_ok(ax_irq_get(running.vm.vm, 9, &second, &err), err);
	start_guest(&running);
	ax_irq_set(&first, true);
	ax_irq_set(&second, true);
	ax_irq_set(&first, false);
	code_wait_word(&running.vm, 0, ALL, 5);
	ax_irq_set(&second, false);
	doze(5000000);
	count = code_word(&running.vm, 0, ALL);
	doze(5000000);
	ck_assert_uint_eq(code_word(&running.vm, 0, ALL), count);
	running_stop(&running);
	running_close(&running);
}
END_TEST

/* False: this host has no GIC to give, which has been said. */
static bool open_gic(struct running *running, unsigned vcpus)
{
	AxVmOptions options = AX_VM_OPTIONS_INIT;
	AxError err = AX_ERROR_INIT;
	AxVm *vm;

	options.irqchip = AX_IRQCHIP_KERNEL;
	if (ax_vm_create(&options, &vm, &err) == -ENOTSUP) {
		kvm_skip("interrupts by the in-kernel GIC: %s", err.message);
		return false;
	}
	ax_vm_destroy(vm);
	open_guest(running, CODE(gic), AX_IRQCHIP_KERNEL, vcpus);
	return true;
}

struct source {
	struct running *running;
	unsigned number;
	AxIrq irq;
	int event;
	void (*raise)(struct source *source);
};

static void raise_by_pulse(struct source *source)
{
	ax_irq_pulse(&source->irq);
}

/* Up twice is one edge. */
static void raise_by_level(struct source *source)
{
	ax_irq_set(&source->irq, true);
	ax_irq_set(&source->irq, true);
	ax_irq_set(&source->irq, false);
}

static void raise_by_eventfd(struct source *source)
{
	uint64_t one = 1;

	ck_assert_int_eq(write(source->event, &one, sizeof(one)), sizeof(one));
}

static void (*const ways[])(struct source *) = { raise_by_pulse, raise_by_level, raise_by_eventfd };

static void *raise_and_wait(void *opaque)
{
	struct source *source = opaque;

	for (unsigned round = 1; round <= ROUNDS; round++) {
		source->raise(source);
		code_wait_word(&source->running->vm, 0, COUNTS + 4 + source->number, round);
	}
	return NULL;
}

START_TEST(shared_interrupts_arrive_once_each)
{
	struct source sources[LINES];
	pthread_t threads[LINES];
	AxError err = AX_ERROR_INIT;
	struct running running;

	if (!open_gic(&running, 2))
		return;
	for (unsigned i = 0; i < LINES; i++) {
		sources[i] = (struct source){ .running = &running,
					      .number = i,
					      .raise = ways[_i],
					      .event = eventfd(0, EFD_CLOEXEC) };
		ck_ok(ax_irq_get(running.vm.vm, CODE_GSI + i, &sources[i].irq, &err), err);
		if (ways[_i] == raise_by_eventfd)
			ck_ok(ax_irq_attach_eventfd(running.vm.vm, CODE_GSI + i, sources[i].event,
						    &err),
			      err);
	}
	start_guest(&running);
	for (unsigned i = 0; i < LINES; i++)
		ck_assert_int_eq(pthread_create(&threads[i], NULL, raise_and_wait, &sources[i]), 0);
	for (unsigned i = 0; i < LINES; i++)
		pthread_join(threads[i], NULL);
	doze(5000000); /* what comes twice comes now */
	for (unsigned i = 0; i < LINES; i++) {
		ck_assert_uint_eq(code_word(&running.vm, 0, COUNTS + 4 + i), ROUNDS);
		close(sources[i].event);
	}
	ck_assert_uint_eq(code_word(&running.vm, 1, ALL), 0);
	running_stop(&running);
	running_close(&running);
}
END_TEST

START_TEST(private_interrupts_go_to_their_cpu)
{
	AxError err = AX_ERROR_INIT;
	struct running running;

	if (!open_gic(&running, 2))
		return;
	start_guest(&running);
	for (unsigned round = 1; round <= 20; round++) {
		for (unsigned id = 0; id < 2; id++) {
			AxVCpu *vcpu = ax_vm_vcpu(running.vm.vm, id);

			ck_ok(ax_vcpu_inject_interrupt(vcpu, FIRST_PPI + 2 * id, &err), err);
			wait_taken(id, round);
			ck_assert_uint_eq(code_word(&running.vm, id, COUNTS + 4 + 2 * id), round);
		}
	}
	ck_assert_uint_eq(code_word(&running.vm, 0, ALL), 20);
	ck_assert_uint_eq(code_word(&running.vm, 1, ALL), 20);
	ck_assert_int_eq(ax_vcpu_inject_interrupt(running.vm.vcpu, 15, &err), -EINVAL);
	ck_assert_int_eq(ax_vcpu_inject_interrupt(running.vm.vcpu, 32, &err), -EINVAL);
	running_stop(&running);
	running_close(&running);
}
END_TEST

START_TEST(there_is_no_userspace_irqchip)
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
	Suite *suite = suite_create("interrupts");
	TCase *tcase = kvm_case(suite, "interrupts");

	tcase_add_test(tcase, injected_interrupt_is_taken_once_when_the_guest_clears_it);
	tcase_add_test(tcase, line_stays_up_until_all_of_it_is_cleared);
	tcase_add_test(tcase, device_lines_are_one_line_of_the_cpu);
	tcase_add_loop_test(tcase, shared_interrupts_arrive_once_each, 0, 3);
	tcase_add_test(tcase, private_interrupts_go_to_their_cpu);
	tcase_add_test(tcase, there_is_no_userspace_irqchip);
	return kvm_main(suite);
}
