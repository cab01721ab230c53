/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Interrupts into a guest that halts, with each interrupt controller: from several threads, by
 * lines, by injection and by an eventfd. None is lost and none doubled.
 */
#include "running.h"

#include <errno.h>
#include <inttypes.h>
#include <stdatomic.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include <axvmm/irq.h>

#define LINES  4
#define ROUNDS 100

static const struct {
	const char *name;
	uint32_t irqchip;
	enum code_irqchip for_code;
} chips[] = {
	{ "none", AX_IRQCHIP_NONE, CODE_IRQCHIP_NONE },
	{ "user", AX_IRQCHIP_USER, CODE_IRQCHIP_USER },
	{ "kernel", AX_IRQCHIP_KERNEL, CODE_IRQCHIP_KERNEL },
};

/* False: this host lacks the controller, which has been said. */
static bool open_halt(struct running *running, unsigned chip)
{
	AxVmOptions options = AX_VM_OPTIONS_INIT;
	AxError err = AX_ERROR_INIT;
	AxVm *vm;

	options.irqchip = chips[chip].irqchip;
	if (ax_vm_create(&options, &vm, &err) == -ENOTSUP) {
		kvm_skip("interrupts with irqchip %s: %s", chips[chip].name, err.message);
		return false;
	}
	ax_vm_destroy(vm);
	running_open(running, &options, CODE(halt), 1);
	code_set_word(&running->vm, 0, 1, chips[chip].for_code);
	kvm_count_run();
	return true;
}

static void start_halt(struct running *running)
{
	running_start(running);
	code_wait_word(&running->vm, 0, 3, 1);
}

static uint64_t taken(const struct running *running, unsigned number)
{
	return code_word(&running->vm, 0, 4 + number);
}

/* One source of interrupts: raises one, waits until the guest has taken it, and so on. */
struct source {
	struct running *running;
	unsigned number;
	AxIrq irq;
	void (*raise)(struct source *source);
	int event;
};

static void *raise_and_wait(void *opaque)
{
	struct source *source = opaque;

	for (unsigned round = 1; round <= ROUNDS; round++) {
		source->raise(source);
		code_wait_word(&source->running->vm, 0, 4 + source->number, round);
	}
	return NULL;
}

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
	ax_irq_set(&source->irq, false);
}

static void raise_by_injection(struct source *source)
{
	AxError err = AX_ERROR_INIT;

	ck_ok(ax_vcpu_inject_interrupt(source->running->vm.vcpu, CODE_VECTOR + source->number,
				       &err),
	      err);
}

static void raise_by_eventfd(struct source *source)
{
	uint64_t one = 1;

	ck_assert_int_eq(write(source->event, &one, sizeof(one)), sizeof(one));
}

static void raise_from_all_sources(struct running *running, void (*raise)(struct source *source))
{
	struct source sources[LINES];
	pthread_t threads[LINES];
	AxError err = AX_ERROR_INIT;

	for (unsigned i = 0; i < LINES; i++) {
		sources[i] = (struct source){ .running = running, .number = i, .raise = raise };
		ck_ok(ax_irq_get(running->vm.vm, CODE_GSI + i, &sources[i].irq, &err), err);
		if (raise != raise_by_eventfd)
			continue;
		sources[i].event = eventfd(0, EFD_CLOEXEC);
		ck_ok(ax_irq_attach_eventfd(running->vm.vm, CODE_GSI + i, sources[i].event, &err),
		      err);
	}
	start_halt(running);
	for (unsigned i = 0; i < LINES; i++)
		ck_assert_int_eq(pthread_create(&threads[i], NULL, raise_and_wait, &sources[i]), 0);
	for (unsigned i = 0; i < LINES; i++)
		pthread_join(threads[i], NULL);
	doze(5000000); /* what comes twice comes now */
	for (unsigned i = 0; i < LINES; i++) {
		ck_assert_uint_eq(taken(running, i), ROUNDS);
		if (raise == raise_by_eventfd)
			close(sources[i].event);
	}
	/* It halted between them, and woke for nothing else. */
	ck_assert_uint_le(code_word(&running->vm, 0, 0), LINES * ROUNDS);
	running_stop(running);
	running_close(running);
}

START_TEST(pulses_of_lines_arrive_once_each)
{
	struct running running;

	if (open_halt(&running, (unsigned)_i))
		raise_from_all_sources(&running, raise_by_pulse);
}
END_TEST

START_TEST(rising_edges_arrive_once_each)
{
	struct running running;

	if (open_halt(&running, (unsigned)_i))
		raise_from_all_sources(&running, raise_by_level);
}
END_TEST

START_TEST(injected_interrupts_arrive_once_each)
{
	struct running running;

	if (!open_halt(&running, (unsigned)_i))
		return;
	/*
	 * With KVM's irqchip, too, injection goes to the local APIC: the code is to tell that one.
	 */
	if (chips[_i].irqchip == AX_IRQCHIP_KERNEL)
		code_set_word(&running.vm, 0, 1, CODE_IRQCHIP_USER);
	raise_from_all_sources(&running, raise_by_injection);
}
END_TEST

START_TEST(an_eventfd_raises_a_line_of_the_kernel_alone)
{
	int event = eventfd(0, EFD_CLOEXEC);
	AxError err = AX_ERROR_INIT;
	struct running running;

	if (!open_halt(&running, (unsigned)_i))
		return;
	if (chips[_i].irqchip == AX_IRQCHIP_KERNEL) {
		raise_from_all_sources(&running, raise_by_eventfd);
	} else {
		ck_assert_int_eq(ax_irq_attach_eventfd(running.vm.vm, CODE_GSI, event, &err),
				 -ENOTSUP);
		running_close(&running);
	}
	close(event);
}
END_TEST

/* Interrupts that wait while the VM is paused, or before it runs, are not lost. */
START_TEST(interrupts_wait_for_the_guest)
{
	AxError err = AX_ERROR_INIT;
	struct running running;
	AxIrq irq;

	if (!open_halt(&running, (unsigned)_i))
		return;
	ck_ok(ax_irq_get(running.vm.vm, CODE_GSI, &irq, &err), err);
	start_halt(&running);
	for (unsigned round = 1; round <= 20; round++) {
		ck_ok(ax_vm_pause(running.vm.vm, &err), err);
		ax_irq_pulse(&irq);
		doze(100000);
		ck_assert_uint_eq(taken(&running, 0), round - 1);
		ck_ok(ax_vm_resume(running.vm.vm, &err), err);
		code_wait_word(&running.vm, 0, 4, round);
	}
	running_stop(&running);
	running_close(&running);
}
END_TEST

/* Kicks do not disturb interrupts, nor the other way round. */
static atomic_uint kicks_seen;

static AxHandled on_interrupt(AxVCpu *vcpu, void *opaque, uint64_t vector)
{
	atomic_fetch_add(&kicks_seen, 1);
	return AX_HANDLED;
}

static void *kick_meanwhile(void *opaque)
{
	struct running *running = opaque;
	uintptr_t sent = 0;

	while (taken(running, 0) < ROUNDS) {
		sent += !ax_vcpu_kick(running->vm.vcpu, 9);
		doze(100000);
	}
	return (void *)sent;
}

START_TEST(kicks_and_interrupts_keep_apart)
{
	static const AxEventOps ops = { .size = sizeof(ops), .interrupt = on_interrupt };
	AxError err = AX_ERROR_INIT;
	struct running running;
	struct source source;
	pthread_t kicker;
	void *sent;

	if (!open_halt(&running, (unsigned)_i))
		return;
	atomic_store(&kicks_seen, 0);
	ck_ok(ax_event_set(running.vm.vm, &ops, NULL, &err), err);
	source = (struct source){ .running = &running, .raise = raise_by_pulse };
	ck_ok(ax_irq_get(running.vm.vm, CODE_GSI, &source.irq, &err), err);
	start_halt(&running);
	ck_assert_int_eq(pthread_create(&kicker, NULL, kick_meanwhile, &running), 0);
	raise_and_wait(&source);
	pthread_join(kicker, &sent);
	doze(5000000);
	ck_assert_uint_eq(taken(&running, 0), ROUNDS);
	ck_assert_uint_eq(kicks_seen, (uintptr_t)sent);
	running_stop(&running);
	running_close(&running);
}
END_TEST

int main(void)
{
	const int count = (int)(sizeof(chips) / sizeof(chips[0]));
	Suite *suite = suite_create("interrupts");
	TCase *tcase = kvm_case(suite, "interrupts");

	tcase_add_loop_test(tcase, pulses_of_lines_arrive_once_each, 0, count);
	tcase_add_loop_test(tcase, rising_edges_arrive_once_each, 0, count);
	tcase_add_loop_test(tcase, injected_interrupts_arrive_once_each, 0, count);
	tcase_add_loop_test(tcase, an_eventfd_raises_a_line_of_the_kernel_alone, 0, count);
	tcase_add_loop_test(tcase, interrupts_wait_for_the_guest, 0, count);
	tcase_add_loop_test(tcase, kicks_and_interrupts_keep_apart, 0, count);
	return kvm_main(suite);
}
