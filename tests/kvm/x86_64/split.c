/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The split irqchip: KVM's local APICs without its IOAPIC. Messages and eventfds with routes arrive once
 * each, and the ends of those that are levels are told. The IOAPIC in front of it is shown by the guest
 * "ioapic" (tests/kvm/guests).
 */
#include "tests/kvm/running.h"

#include <errno.h>
#include <stdatomic.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include <axvmm/irq.h>

#define LINES  4
#define ROUNDS 100

/* Fixed interrupts to APIC 0: SDM 3A, 11.11. */
#define MSI_ADDRESS 0xfee00000u
#define MSI_LEVEL   (1u << 15 | 1u << 14)

/* Ends that were told, by vector. */
static atomic_uint ends[256];

static AxHandled on_eoi(AxVCpu *vcpu, void *opaque, uint8_t vector)
{
	atomic_fetch_add(&ends[vector], 1);
	return AX_HANDLED;
}

/* Where interrupts are looked at: each wake-up of the guest ends with an access to this. */
static AxHandled on_wake(AxVCpu *vcpu, void *opaque, uint64_t offset, AxAccessWidth width,
			 uint64_t value)
{
	return AX_HANDLED;
}

static const AxRangeOps wake_ops = { .size = sizeof(wake_ops), .write = on_wake };

/* False: this host has none, which has been said. */
static bool open_split(struct running *running)
{
	static const AxEventOps ops = { .size = sizeof(ops), .irq_eoi = on_eoi };
	AxVmOptions options = AX_VM_OPTIONS_INIT;
	AxRange range = AX_RANGE_INIT;
	AxError err = AX_ERROR_INIT;
	AxVm *vm;

	options.irqchip = AX_IRQCHIP_SPLIT;
	if (ax_vm_create(&options, &vm, &err) == -ENOTSUP) {
		kvm_skip("split irqchip: %s", err.message);
		return false;
	}
	ax_vm_destroy(vm);
	running_open(running, &options, CODE(halt), 1);
	code_set_word(&running->vm, 0, 1, CODE_IRQCHIP_USER); /* the guest's side: a local APIC */
	code_set_word(&running->vm, 0, 2, CODE_MMIO);
	range.base = CODE_MMIO;
	range.length = 4;
	range.ops = &wake_ops;
	ck_ok(ax_range_add_mmio(running->vm.vm, &range, NULL, &err), err);
	ck_ok(ax_event_set(running->vm.vm, &ops, NULL, &err), err);
	for (unsigned i = 0; i < 256; i++)
		atomic_store(&ends[i], 0);
	kvm_count_run();
	return true;
}

static void start(struct running *running)
{
	running_start(running);
	code_wait_word(&running->vm, 0, 3, 1);
}

static void finish(struct running *running)
{
	running_stop(running);
	running_close(running);
}

static uint64_t taken(const struct running *running, unsigned number)
{
	return code_word(&running->vm, 0, 4 + number);
}

static AxMsi message(unsigned number, uint32_t trigger)
{
	return (AxMsi){ .address = MSI_ADDRESS, .data = (CODE_VECTOR + number) | trigger };
}

/* One source of messages: sends one, waits until the guest has taken it, and so on. */
struct source {
	struct running *running;
	unsigned number;
	int event; /* -1: by ax_msi_send() */
};

static void *send_and_wait(void *opaque)
{
	const struct source *source = opaque;
	const AxMsi msi = message(source->number, 0);
	AxError err = AX_ERROR_INIT;
	uint64_t one = 1;

	for (unsigned round = 1; round <= ROUNDS; round++) {
		if (source->event < 0)
			ck_ok(ax_msi_send(source->running->vm.vm, &msi, &err), err);
		else
			ck_assert_int_eq(write(source->event, &one, sizeof(one)), sizeof(one));
		code_wait_word(&source->running->vm, 0, 4 + source->number, round);
	}
	return NULL;
}

/* Edges, on all lines at the same time. Nobody is told of their ends. */
static void send_from_all(bool by_eventfd)
{
	struct source sources[LINES];
	pthread_t threads[LINES];
	AxError err = AX_ERROR_INIT;
	struct running running;
	AxMsi msi;

	if (!open_split(&running))
		return;
	for (unsigned i = 0; i < LINES; i++) {
		sources[i] = (struct source){ &running, i, -1 };
		if (!by_eventfd)
			continue;
		msi = message(i, 0);
		sources[i].event = eventfd(0, EFD_CLOEXEC);
		ck_ok(ax_irq_route(running.vm.vm, CODE_GSI + i, &msi, &err), err);
		ck_ok(ax_irq_attach_eventfd(running.vm.vm, CODE_GSI + i, sources[i].event, &err),
		      err);
	}
	start(&running);
	for (unsigned i = 0; i < LINES; i++)
		ck_assert_int_eq(pthread_create(&threads[i], NULL, send_and_wait, &sources[i]), 0);
	for (unsigned i = 0; i < LINES; i++)
		pthread_join(threads[i], NULL);
	doze(5000000); /* what comes twice comes now */
	for (unsigned i = 0; i < LINES; i++) {
		ck_assert_uint_eq(taken(&running, i), ROUNDS);
		ck_assert_uint_eq(ends[CODE_VECTOR + i], 0);
		if (by_eventfd)
			close(sources[i].event);
	}
	finish(&running);
}

START_TEST(messages_arrive_once_each)
{
	send_from_all(false);
}
END_TEST

START_TEST(eventfds_send_the_messages_of_their_routes)
{
	send_from_all(true);
}
END_TEST

/* A route that changes, or is taken away, while its eventfd stays. */
START_TEST(a_route_can_be_changed_while_the_guest_runs)
{
	int event = eventfd(0, EFD_CLOEXEC);
	struct running running;
	AxError err = AX_ERROR_INIT;
	uint64_t one = 1;
	AxMsi msi;

	if (!open_split(&running))
		return;
	ck_ok(ax_irq_attach_eventfd(running.vm.vm, CODE_GSI, event, &err), err);
	start(&running);
	for (unsigned round = 1; round <= 5; round++) {
		for (unsigned number = 0; number < LINES; number++) {
			msi = message(number, 0);
			ck_ok(ax_irq_route(running.vm.vm, CODE_GSI, &msi, &err), err);
			ck_assert_int_eq(write(event, &one, sizeof(one)), sizeof(one));
			code_wait_word(&running.vm, 0, 4 + number, round);
		}
	}
	/* The last: KVM may look for the route when it gets to it, and not at the write. */
	ck_ok(ax_irq_route(running.vm.vm, CODE_GSI, NULL, &err), err);
	ck_assert_int_eq(write(event, &one, sizeof(one)), sizeof(one));
	doze(5000000);
	for (unsigned number = 0; number < LINES; number++)
		ck_assert_uint_eq(taken(&running, number), 5);
	close(event);
	finish(&running);
}
END_TEST

static void wait_for_ends(const struct running *running, unsigned vector, unsigned count)
{
	uint64_t limit = kvm_now() + UINT64_C(10000000000);

	while (atomic_load(&ends[vector]) < count) {
		ck_assert_msg(kvm_now() < limit, "%u ends told, not %u; %u taken",
			      atomic_load(&ends[vector]), count, (unsigned)taken(running, 0));
		doze(10000);
	}
}

/* A message of a level, whose route KVM knows: each end is told, once. */
START_TEST(ends_of_levels_are_told)
{
	const AxMsi level = message(0, MSI_LEVEL), edge = message(1, 0);
	struct running running;
	AxError err = AX_ERROR_INIT;

	if (!open_split(&running))
		return;
	ck_ok(ax_irq_route(running.vm.vm, CODE_GSI, &level, &err), err);
	ck_ok(ax_irq_route(running.vm.vm, CODE_GSI + 1, &edge, &err), err);
	start(&running);
	for (unsigned round = 1; round <= ROUNDS; round++) {
		ck_ok(ax_msi_send(running.vm.vm, &level, &err), err);
		code_wait_word(&running.vm, 0, 4, round);
		wait_for_ends(&running, CODE_VECTOR, round);
		ck_ok(ax_msi_send(running.vm.vm, &edge, &err), err);
		code_wait_word(&running.vm, 0, 5, round);
	}
	doze(5000000);
	ck_assert_uint_eq(ends[CODE_VECTOR], ROUNDS);
	ck_assert_uint_eq(ends[CODE_VECTOR + 1], 0);
	finish(&running);
}
END_TEST

START_TEST(lines_lead_into_the_ioapic)
{
	struct running running;
	AxError err = AX_ERROR_INIT;
	AxIrq irq;

	if (!open_split(&running))
		return;
	ck_assert_int_eq(ax_irq_get(running.vm.vm, CODE_GSI, &irq, &err), -ENOTSUP);
	ck_assert(strstr(err.message, "ax_ioapic_irq") != NULL);
	running_close(&running);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("split irqchip");
	TCase *tcase = kvm_case(suite, "split irqchip");

	tcase_add_test(tcase, messages_arrive_once_each);
	tcase_add_test(tcase, eventfds_send_the_messages_of_their_routes);
	tcase_add_test(tcase, a_route_can_be_changed_while_the_guest_runs);
	tcase_add_test(tcase, ends_of_levels_are_told);
	tcase_add_test(tcase, lines_lead_into_the_ioapic);
	return kvm_main(suite);
}
