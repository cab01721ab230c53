/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Ranges whose writes KVM collects: what KVM is told, what comes of its ring whatever is in it, and when
 * KVM cannot.
 */
#include <sys/eventfd.h>
#include <unistd.h>

#include "core/coalesce.h"
#include "tests/unit/coalesce_fixture.h"
#include "tests/unit/fake_libc.h"

static struct log noted;

START_TEST(kvm_is_told_of_a_range_and_of_its_end)
{
	AxVm *vm = new_collecting_vm(&noted);
	const struct kvm_coalesced_mmio_zone *zone;

	ck_assert_uint_eq(fake_zones(0), 2);
	zone = FAKE_ARG(struct kvm_coalesced_mmio_zone, KVM_REGISTER_COALESCED_MMIO, 0);
	ck_assert_uint_eq(zone->addr, COLLECTED);
	ck_assert_uint_eq(zone->size, COLLECTED_SIZE);
	ck_assert_uint_eq(zone->pio, 0);
	zone = FAKE_ARG(struct kvm_coalesced_mmio_zone, KVM_REGISTER_COALESCED_MMIO, 1);
	ck_assert_uint_eq(zone->addr, COLLECTED_PORT);
	ck_assert_uint_eq(zone->size, 8);
	ck_assert_uint_eq(zone->pio, 1);
	ck_assert_int_eq(ax_range_remove(vm, noted.mmio_id, NULL), 0);
	ck_assert(!ax_range_is_coalesced(vm, noted.mmio_id));
	ck_assert_uint_eq(fake_zones(0), 1);
	ck_assert_int_eq(ax_range_remove(vm, noted.ports_id, NULL), 0);
	ck_assert_uint_eq(fake_zones(0), 0);
	ck_assert_int_eq(ax_range_remove(vm, noted.ports_id, NULL), -ENOENT);
	ck_assert_int_eq(ax_range_remove(vm, noted.plain_id, NULL), 0);
	ck_assert_uint_eq(fake_calls(KVM_UNREGISTER_COALESCED_MMIO), 2);
	ax_vm_destroy(vm);
}
END_TEST

/* Whether vCPUs that enter their loop from now on look at the ring. */
static bool catches_up(AxVm *vm)
{
	const struct snapshot *snapshot = atomic_load(&vm->snapshot);

	ck_assert_int_eq(snapshot->coalesces, snapshot->has_detour);
	return snapshot->coalesces;
}

START_TEST(the_last_range_takes_the_catching_up_with_it)
{
	AxVm *vm = new_collecting_vm(&noted);
	AxVCpu *vcpu = ready_vcpu(vm, 0);
	AxVCpuExitReason exit;
	AxRange range;

	ck_assert(catches_up(vm));
	ck_assert_int_eq(ax_range_remove(vm, noted.mmio_id, NULL), 0);
	ck_assert_int_eq(ax_range_remove(vm, noted.plain_id, NULL), 0);
	ck_assert(catches_up(vm));
	fake_fail(KVM_UNREGISTER_COALESCED_MMIO, 1, EIO);
	ck_assert_int_eq(ax_range_remove(vm, noted.ports_id, NULL), -EIO);
	ck_assert(catches_up(vm));
	collect(COLLECTED_PORT, 1, 1);
	ck_assert_int_eq(ax_range_remove(vm, noted.ports_id, NULL), 0);
	ck_assert_uint_eq(noted.count, 1);
	ck_assert(!catches_up(vm));
	push_stop(0);
	ck_assert_int_eq(ax_vcpu_loop(vcpu, &exit, NULL), AX_LOOP_STOPPED);
	ck_assert(!vcpu->snapshot->has_detour);
	/* And the next one brings it back. */
	range = noted_range(&noted.mmio, COLLECTED_SIZE, AX_RANGE_COALESCED);
	ck_assert_int_eq(ax_range_add_mmio(vm, &range, &noted.mmio_id, NULL), 0);
	ck_assert(catches_up(vm));
	collect(COLLECTED, 4, 2);
	push_stop(0);
	ck_assert_int_eq(ax_vcpu_loop(vcpu, &exit, NULL), AX_LOOP_STOPPED);
	ck_assert_uint_eq(noted.count, 2);
	ck_assert_noted(&noted, 1, COLLECTED, 4, 2);
	ax_vm_destroy(vm);
}
END_TEST

/* The range is there, and its write makes an exit. */
static void check_exits(AxVm *vm, bool port)
{
	AxVCpu *vcpu = ready_vcpu(vm, 0);
	uint32_t value = 7;
	AxVCpuExitReason exit;

	ck_assert_uint_eq(fake_zones(0), 0);
	ck_assert(!fake_collect(0, port, port ? COLLECTED_PORT : COLLECTED, 4, 7));
	if (port)
		fake_push_port(0, COLLECTED_PORT, 4, 1, &value);
	else
		fake_push_mmio_write(0, COLLECTED, 4, 7);
	push_halt(0, true);
	ck_assert_int_eq(ax_vcpu_loop(vcpu, &exit, NULL), AX_LOOP_UNHANDLED);
	ck_assert_uint_eq(exit.kind, AX_EXIT_HALT);
	ck_assert_uint_eq(noted.count, 1);
	ck_assert_noted(&noted, 0, port ? COLLECTED_PORT : COLLECTED, 4, 7);
	ck_assert_uint_eq(ax_coalesced_count(vm), 0);
	ck_assert_int_eq(ax_coalesced_drain(vm, NULL), 0);
}

/* Each row lacks something else. */
static const struct {
	int page;	 /* KVM_CAP_COALESCED_MMIO */
	int ports;	 /* KVM_CAP_COALESCED_PIO */
	int os_errno;	 /* of KVM_REGISTER_COALESCED_MMIO; 0: none */
	uint64_t length; /* of the range */
	bool port;
} lacking[] = {
	{ 0, 1, 0, 8, false },
	{ 0, 1, 0, 8, true },
	{ FAKE_RING_PAGE, 0, 0, 8, true },
	{ 3, 1, 0, 8, false }, /* past the end of a vCPU's pages */
	{ INT32_MAX, 1, 0, 8, false },
	{ FAKE_RING_PAGE, 1, ENOSPC, 8, false },
	{ FAKE_RING_PAGE, 1, EINVAL, 8, true },
	{ FAKE_RING_PAGE, 1, 0, UINT64_C(0x100000000), false },
};

START_TEST(where_kvm_cannot_each_write_makes_an_exit)
{
	AxVm *vm;
	AxRange range;
	AxRangeId id;

	fake_set_cap(KVM_CAP_COALESCED_MMIO, lacking[_i].page);
	fake_set_cap(KVM_CAP_COALESCED_PIO, lacking[_i].ports);
	if (lacking[_i].os_errno)
		fake_fail(KVM_REGISTER_COALESCED_MMIO, 1, lacking[_i].os_errno);
	vm = new_strict_vm(AX_IRQCHIP_NONE);
	memset(&noted, 0, sizeof(noted));
	noted.mmio = (struct noter){ .log = &noted,
				     .base = lacking[_i].port ? COLLECTED_PORT : COLLECTED };
	range = noted_range(&noted.mmio, lacking[_i].length, AX_RANGE_COALESCED);
	ck_assert_int_eq(lacking[_i].port ? ax_range_add_ports(vm, &range, &id, NULL)
					  : ax_range_add_mmio(vm, &range, &id, NULL),
			 0);
	ck_assert(!ax_range_is_coalesced(vm, id));
	check_exits(vm, lacking[_i].port);
	ck_assert_int_eq(ax_range_remove(vm, id, NULL), 0);
	ck_assert_uint_eq(fake_calls(KVM_UNREGISTER_COALESCED_MMIO), 0);
	ax_vm_destroy(vm);
}
END_TEST

START_TEST(a_recording_sees_every_write)
{
	AxVmOptions options = AX_VM_OPTIONS_INIT;
	AxRecord *record;
	AxRange range;
	AxRangeId id;
	AxVm *vm;

	kvm_collects();
	ck_assert_int_eq(ax_record_create(NULL, &record, NULL), 0);
	options.record = record;
	ck_assert_int_eq(ax_vm_create(&options, &vm, NULL), 0);
	memset(&noted, 0, sizeof(noted));
	noted.mmio = (struct noter){ .log = &noted, .base = COLLECTED };
	range = noted_range(&noted.mmio, 8, AX_RANGE_COALESCED);
	ck_assert_int_eq(ax_range_add_mmio(vm, &range, &id, NULL), 0);
	ck_assert(!ax_range_is_coalesced(vm, id));
	check_exits(vm, false);
	ax_vm_destroy(vm);
	ax_record_free(record);
}
END_TEST

START_TEST(what_is_in_the_ring_comes_before_the_exit_that_follows)
{
	AxVm *vm = new_collecting_vm(&noted);
	AxVCpu *vcpu = ready_vcpu(vm, 0);
	uint64_t counts[AX_EXIT_KINDS];
	AxVCpuExitReason exit;

	collect(COLLECTED, 4, 0x11223344);
	collect(COLLECTED_PORT + 1, 1, 0xfff5);
	collect(COLLECTED + 8, 8, UINT64_MAX);
	fake_push_mmio_write(0, PLAIN, 4, 6);
	push_stop(0);
	ck_assert_int_eq(ax_vcpu_loop(vcpu, &exit, NULL), AX_LOOP_STOPPED);
	ck_assert_uint_eq(exit.kind, AX_EXIT_IO_WRITE);
	ck_assert_uint_eq(exit.io_write.port, STOP_PORT);
	ck_assert_uint_eq(noted.count, 4);
	ck_assert_noted(&noted, 0, COLLECTED, 4, 0x11223344);
	ck_assert_noted(&noted, 1, COLLECTED_PORT + 1, 1, 0xf5);
	ck_assert_noted(&noted, 2, COLLECTED + 8, 8, UINT64_MAX);
	ck_assert_noted(&noted, 3, PLAIN, 4, 6);
	for (unsigned i = 0; i < noted.count; i++)
		ck_assert_ptr_eq(noted.noted[i].vcpu, vcpu);
	ck_assert_uint_eq(ax_coalesced_count(vm), 3);
	ax_vcpu_exit_counts(vcpu, counts);
	ck_assert_uint_eq(counts[AX_EXIT_MMIO_WRITE], 1);
	ax_vm_destroy(vm);
}
END_TEST

START_TEST(a_full_ring_lets_the_write_make_an_exit_after_it)
{
	AxVm *vm = new_collecting_vm(&noted);
	AxVCpu *vcpu = ready_vcpu(vm, 0);
	AxVCpuExitReason exit;

	/* Twice, so that the indices wrap. */
	for (unsigned round = 0; round < 2; round++) {
		noted.count = 0;
		for (unsigned i = 0; i < FAKE_RING_SIZE - 1; i++)
			collect(COLLECTED, 4, i);
		ck_assert(!fake_collect(0, false, COLLECTED, 4, FAKE_RING_SIZE));
		fake_push_mmio_write(0, COLLECTED, 4, FAKE_RING_SIZE - 1);
		push_stop(0);
		ck_assert_int_eq(ax_vcpu_loop(vcpu, &exit, NULL), AX_LOOP_STOPPED);
		ck_assert_uint_eq(noted.count, FAKE_RING_SIZE);
		for (unsigned i = 0; i < FAKE_RING_SIZE; i++)
			ck_assert_noted(&noted, i, COLLECTED, 4, i);
	}
	ck_assert_uint_eq(ax_coalesced_count(vm), 2 * (FAKE_RING_SIZE - 1));
	ax_vm_destroy(vm);
}
END_TEST

START_TEST(a_length_that_is_no_width_comes_bytewise)
{
	AxVm *vm = new_collecting_vm(&noted);
	AxVCpu *vcpu = ready_vcpu(vm, 0);
	AxVCpuExitReason exit;

	collect(COLLECTED + COLLECTED_SIZE - 3, 3, 0x998877);
	push_stop(0);
	ck_assert_int_eq(ax_vcpu_loop(vcpu, &exit, NULL), AX_LOOP_STOPPED);
	ck_assert_uint_eq(noted.count, 3);
	ck_assert_noted(&noted, 0, COLLECTED + COLLECTED_SIZE - 3, 1, 0x77);
	ck_assert_noted(&noted, 1, COLLECTED + COLLECTED_SIZE - 2, 1, 0x88);
	ck_assert_noted(&noted, 2, COLLECTED + COLLECTED_SIZE - 1, 1, 0x99);
	ax_vm_destroy(vm);
}
END_TEST

/* What KVM never puts there. It is dropped; the writes around it are not. */
static const struct kvm_coalesced_mmio wrong_entries[] = {
	{ .phys_addr = COLLECTED, .len = 0 },
	{ .phys_addr = COLLECTED, .len = 9 },
	{ .phys_addr = COLLECTED, .len = UINT32_MAX },
	{ .phys_addr = UINT64_MAX, .len = 2 },
	{ .phys_addr = UINT64_MAX - 3, .len = 8 },
	{ .phys_addr = COLLECTED_PORT, .len = 8, .pio = 1 },
	{ .phys_addr = 0xffff, .len = 2, .pio = 1 },
	{ .phys_addr = UINT64_C(0x100000000) + COLLECTED_PORT, .len = 1, .pio = 1 },
	{ .phys_addr = UINT64_MAX, .len = 1, .pio = UINT32_MAX },
};

/* The same, of a write to where no range is, or that leaves its range: nobody's. */
static const struct kvm_coalesced_mmio foreign_entries[] = {
	{ .phys_addr = UINT64_MAX, .len = 1 },
	{ .phys_addr = COLLECTED + COLLECTED_SIZE, .len = 4 },
	{ .phys_addr = COLLECTED + COLLECTED_SIZE - 1, .len = 2 },
	{ .phys_addr = COLLECTED + COLLECTED_SIZE - 2, .len = 5 },
	{ .phys_addr = COLLECTED_PORT + 7, .len = 4, .pio = 1 },
	{ .phys_addr = COLLECTED_PORT + 8, .len = 1, .pio = 1 },
};

START_TEST(an_entry_that_kvm_does_not_make_is_dropped)
{
	AxVm *vm = new_collecting_vm(&noted);
	AxVCpu *vcpu = ready_vcpu(vm, 0);
	AxVCpuExitReason exit;

	collect(COLLECTED, 4, 1);
	fake_put_entry(0, &wrong_entries[_i]);
	collect(COLLECTED, 4, 2);
	push_stop(0);
	ck_assert_int_eq(ax_vcpu_loop(vcpu, &exit, NULL), AX_LOOP_STOPPED);
	ck_assert_uint_eq(exit.io_write.port, STOP_PORT);
	ck_assert_uint_eq(noted.count, 2);
	ck_assert_noted(&noted, 1, COLLECTED, 4, 2);
	ck_assert_uint_eq(ax_coalesced_count(vm), 2);
	ax_vm_destroy(vm);
}
END_TEST

START_TEST(a_write_to_no_range_is_nobodys)
{
	AxVm *vm = new_collecting_vm(&noted);
	AxVCpu *vcpu = ready_vcpu(vm, 0);
	AxVCpuExitReason exit;
	unsigned bytes = foreign_entries[_i].len == 5 ? 2 : 0;

	fake_put_entry(0, &foreign_entries[_i]);
	collect(COLLECTED, 4, 2);
	push_stop(0);
	/* The exit comes first, then what was found with it: each is told. */
	ck_assert_int_eq(ax_vcpu_loop(vcpu, &exit, NULL), AX_LOOP_STOPPED);
	ck_assert_uint_eq(exit.io_write.port, STOP_PORT);
	ck_assert_int_eq(ax_vcpu_loop(vcpu, &exit, NULL), AX_LOOP_UNHANDLED);
	if (foreign_entries[_i].pio)
		ck_assert_uint_eq(exit.io_write.port, foreign_entries[_i].phys_addr);
	else
		ck_assert_uint_eq(exit.mmio_write.addr, foreign_entries[_i].phys_addr);
	ck_assert_uint_eq(noted.count, bytes + 1);
	ck_assert_noted(&noted, bytes, COLLECTED, 4, 2);
	ax_vm_destroy(vm);
}
END_TEST

static const struct {
	uint32_t first, last;
} wrong_indices[] = {
	{ 0, FAKE_RING_SIZE },		{ 0, UINT32_MAX },
	{ FAKE_RING_SIZE, 0 },		{ UINT32_MAX, 0 },
	{ UINT32_MAX, UINT32_MAX - 1 }, { FAKE_RING_SIZE, 5 },
};

START_TEST(indices_that_lead_out_of_the_ring_are_not_followed)
{
	AxVm *vm = new_collecting_vm(&noted);
	AxVCpu *vcpu = ready_vcpu(vm, 0);
	struct kvm_coalesced_mmio_ring *ring = fake_ring(0);
	AxVCpuExitReason exit;

	ring->first = wrong_indices[_i].first;
	ring->last = wrong_indices[_i].last;
	push_stop(0);
	ck_assert_int_eq(ax_vcpu_loop(vcpu, &exit, NULL), AX_LOOP_STOPPED);
	ck_assert_uint_eq(noted.count, 0);
	ck_assert_uint_eq(ax_coalesced_count(vm), 0);
	/* Where only ours is wrong it is put right. */
	if (wrong_indices[_i].last < FAKE_RING_SIZE) {
		collect(COLLECTED, 4, 9);
		push_stop(0);
		ck_assert_int_eq(ax_vcpu_loop(vcpu, &exit, NULL), AX_LOOP_STOPPED);
		ck_assert_uint_eq(noted.count, 1);
	}
	ax_vm_destroy(vm);
}
END_TEST

START_TEST(removal_hands_out_what_was_written_before)
{
	AxVm *vm = new_collecting_vm(&noted);
	AxVCpu *vcpu = new_vcpu(vm, 0);

	collect(COLLECTED, 4, 1);
	collect(COLLECTED_PORT, 2, 2);
	ck_assert_int_eq(ax_range_remove(vm, noted.mmio_id, NULL), 0);
	ck_assert_uint_eq(noted.count, 2);
	ck_assert_noted(&noted, 0, COLLECTED, 4, 1);
	ck_assert_noted(&noted, 1, COLLECTED_PORT, 2, 2);
	ck_assert_ptr_eq(noted.noted[0].vcpu, vcpu);
	ck_assert(!fake_collect(0, false, COLLECTED, 4, 3));
	ax_vm_destroy(vm);
}
END_TEST

START_TEST(a_removal_that_kvm_refuses_keeps_the_range)
{
	AxVm *vm = new_collecting_vm(&noted);
	AxError err;

	fake_fail(KVM_UNREGISTER_COALESCED_MMIO, 1, EIO);
	ck_assert_fails(ax_range_remove(vm, noted.mmio_id, &err), -EIO, AX_ERROR_KVM_CALL,
			"KVM_UNREGISTER_COALESCED_MMIO");
	ck_assert(ax_range_is_coalesced(vm, noted.mmio_id));
	ck_assert_int_eq(ax_range_remove(vm, noted.mmio_id, NULL), 0);
	ax_vm_destroy(vm);
}
END_TEST

START_TEST(no_notification_is_in_a_coalesced_range)
{
	AxVm *vm = new_collecting_vm(&noted);
	int event = eventfd(0, EFD_CLOEXEC);
	AxNotify notify = AX_NOTIFY_INIT;
	struct noter noter = { .log = &noted, .base = 0xd0002000 };
	AxRange range = noted_range(&noter, 16, AX_RANGE_COALESCED);
	AxNotifyId id;
	AxError err;

	notify.event = event;
	notify.width = 4;
	notify.addr = COLLECTED + COLLECTED_SIZE - 1;
	ck_assert_fails(ax_notify_add(vm, &notify, NULL, &err), -EEXIST, AX_ERROR_ARGUMENT,
			"coalesced");
	notify.addr = COLLECTED + COLLECTED_SIZE;
	ck_assert_int_eq(ax_notify_add(vm, &notify, NULL, NULL), 0);
	notify.addr = PLAIN;
	ck_assert_int_eq(ax_notify_add(vm, &notify, NULL, NULL), 0);
	notify.addr = COLLECTED_PORT;
	ck_assert_int_eq(ax_notify_add(vm, &notify, NULL, NULL), 0); /* MMIO: another space */

	notify.addr = noter.base + 15;
	ck_assert_int_eq(ax_notify_add(vm, &notify, &id, NULL), 0);
	ck_assert_fails(ax_range_add_mmio(vm, &range, NULL, &err), -EEXIST, AX_ERROR_ARGUMENT,
			"coalesced");
	ck_assert_int_eq(ax_notify_remove(vm, id, NULL), 0);
	ck_assert_int_eq(ax_range_add_mmio(vm, &range, NULL, NULL), 0);
	ax_vm_destroy(vm);
	close(event);
}
END_TEST

/* With each allocation missing in turn: an error, or a range that works. */
START_TEST(no_memory_is_an_error_or_an_exit)
{
	bool failed = true;

	kvm_collects();
	memset(&noted, 0, sizeof(noted));
	noted.mmio = (struct noter){ .log = &noted, .base = COLLECTED };
	for (unsigned nth = 1; failed; nth++) {
		AxVm *vm = new_vm(AX_IRQCHIP_NONE);
		AxRange range = noted_range(&noted.mmio, 8, AX_RANGE_COALESCED);
		AxRangeId id = 0;
		int ret;

		fake_libc_fail(LIBC_MALLOC, nth, ENOMEM);
		ret = ax_range_add_mmio(vm, &range, &id, NULL);
		failed = fake_libc_failed(LIBC_MALLOC);
		ck_assert_int_eq(ret, ret ? -ENOMEM : 0);
		ck_assert_int_eq(ax_range_is_coalesced(vm, id), !failed);
		if (!ret)
			ck_assert_int_eq(ax_range_remove(vm, id, NULL), 0);
		ax_vm_destroy(vm);
	}
}
END_TEST

static AxVm *in_handler_vm;
static AxRangeId in_handler_id;
static struct noter in_handler = { .log = &noted, .base = 0xd0003000 };

static void add_in_handler(AxVCpu *vcpu)
{
	AxRange range = noted_range(&in_handler, 8, AX_RANGE_COALESCED);

	ck_assert_int_eq(ax_range_add_mmio(ax_vcpu_vm(vcpu), &range, &in_handler_id, NULL), 0);
}

/* _i: 1, whether there is one before; 2, that has gone again. A handler cannot wait until its own vCPU knows that there is a ring. */
START_TEST(the_first_range_is_not_coalesced_when_a_handler_adds_it)
{
	AxVCpuExitReason exit;
	AxVCpu *vcpu;
	AxRange range;

	kvm_collects();
	memset(&noted, 0, sizeof(noted));
	in_handler_vm = new_vm(AX_IRQCHIP_NONE);
	add_stop_port(in_handler_vm);
	noted.plain = (struct noter){ .log = &noted, .base = PLAIN, .also = add_in_handler };
	range = noted_range(&noted.plain, 4, 0);
	ck_assert_int_eq(ax_range_add_mmio(in_handler_vm, &range, NULL, NULL), 0);
	if (_i) {
		noted.mmio = (struct noter){ .log = &noted, .base = COLLECTED };
		range = noted_range(&noted.mmio, 4, AX_RANGE_COALESCED);
		ck_assert_int_eq(ax_range_add_mmio(in_handler_vm, &range, &noted.mmio_id, NULL), 0);
	}
	if (_i == 2)
		ck_assert_int_eq(ax_range_remove(in_handler_vm, noted.mmio_id, NULL), 0);
	vcpu = ready_vcpu(in_handler_vm, 0);
	fake_push_mmio_write(0, PLAIN, 4, 1);
	push_stop(0);
	ck_assert_int_eq(ax_vcpu_loop(vcpu, &exit, NULL), AX_LOOP_STOPPED);
	ck_assert_int_eq(ax_range_is_coalesced(in_handler_vm, in_handler_id), _i == 1);
	if (_i == 1) {
		collect(in_handler.base, 4, 5);
		push_stop(0);
		ck_assert_int_eq(ax_vcpu_loop(vcpu, &exit, NULL), AX_LOOP_STOPPED);
		ck_assert_noted(&noted, 1, in_handler.base, 4, 5);
	}
	ax_vm_destroy(in_handler_vm);
}
END_TEST

static void add_tests(TCase *cases)
{
	tcase_add_test(cases, kvm_is_told_of_a_range_and_of_its_end);
	tcase_add_test(cases, the_last_range_takes_the_catching_up_with_it);
	tcase_add_loop_test(cases, where_kvm_cannot_each_write_makes_an_exit, 0, COUNT(lacking));
	tcase_add_test(cases, a_recording_sees_every_write);
	tcase_add_test(cases, what_is_in_the_ring_comes_before_the_exit_that_follows);
	tcase_add_test(cases, a_full_ring_lets_the_write_make_an_exit_after_it);
	tcase_add_test(cases, a_length_that_is_no_width_comes_bytewise);
	tcase_add_loop_test(cases, an_entry_that_kvm_does_not_make_is_dropped, 0,
			    COUNT(wrong_entries));
	tcase_add_loop_test(cases, a_write_to_no_range_is_nobodys, 0, COUNT(foreign_entries));
	tcase_add_loop_test(cases, indices_that_lead_out_of_the_ring_are_not_followed, 0,
			    COUNT(wrong_indices));
	tcase_add_test(cases, removal_hands_out_what_was_written_before);
	tcase_add_test(cases, a_removal_that_kvm_refuses_keeps_the_range);
	tcase_add_test(cases, no_notification_is_in_a_coalesced_range);
	tcase_add_test(cases, no_memory_is_an_error_or_an_exit);
	tcase_add_loop_test(cases, the_first_range_is_not_coalesced_when_a_handler_adds_it, 0, 3);
}

RUN_SUITE("coalesce", add_tests)
