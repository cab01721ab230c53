/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Guest RAM of every kind as the guest sees it: anonymous, memfd, huge pages, read-only; accesses
 * across borders; what becomes of RAM that is removed, or that the host takes away.
 */
#include "code.h"

#include <errno.h>
#include <inttypes.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#define SLOT_BASE 0x40000000
#define SLOT_SIZE 0x400000
#define PAGE	  0x1000
#define MOST_MMIO 16

/* What "copy" did outside of RAM. */
struct seen {
	unsigned reads, writes;
	struct {
		AxGuestPhysAddr addr;
		unsigned len;
		uint64_t data; /* writes */
	} read[MOST_MMIO], write[MOST_MMIO];
	AxVCpuExitReason last;
};

static void note_read(struct seen *seen, const AxExitMmioRead *read)
{
	ck_assert_uint_lt(seen->reads, MOST_MMIO);
	seen->read[seen->reads].addr = read->addr;
	seen->read[seen->reads].len = read->len;
	seen->reads++;
}

static void note_write(struct seen *seen, const AxExitMmioWrite *write)
{
	ck_assert_uint_lt(seen->writes, MOST_MMIO);
	seen->write[seen->writes].addr = write->addr;
	seen->write[seen->writes].len = write->len;
	seen->write[seen->writes].data = write->data;
	seen->writes++;
}

/* What MMIO reads give. */
#define MMIO_VALUE 0x8877665544332211

/* Run "copy" to its end, or to an exit that is no MMIO. The vCPU begins anew each time. */
static void copy(struct code_vm *vm, AxGuestPhysAddr from, AxGuestPhysAddr to, uint64_t words,
		 struct seen *seen)
{
	AxError err = AX_ERROR_INIT;
	AxVCpuExitReason *exit = &seen->last;

	memset(seen, 0, sizeof(*seen));
	code_set_word(vm, 0, 1, from);
	code_set_word(vm, 0, 2, to);
	code_set_word(vm, 0, 3, words);
	code_restart(vm->vcpu);
	ck_ok(ax_vcpu_bind(vm->vcpu, AX_ANY_CPU, &err), err);
	for (;;) {
		ck_ok(ax_vcpu_run(vm->vcpu, exit, &err), err);
		if (exit->kind == AX_EXIT_MMIO_READ) {
			note_read(seen, &exit->mmio_read);
			ax_vcpu_reply_read(vm->vcpu, MMIO_VALUE);
		} else if (exit->kind == AX_EXIT_MMIO_WRITE &&
			   exit->mmio_write.addr != CODE_MMIO + CODE_END) {
			note_write(seen, &exit->mmio_write);
		} else if (exit->kind != AX_EXIT_NOTHING) {
			break;
		}
	}
	ck_ok(ax_vcpu_unbind(vm->vcpu, &err), err);
}

static void check_copied_in_ram(const struct seen *seen)
{
	ck_exit_kind(&seen->last, AX_EXIT_MMIO_WRITE);
	ck_assert_uint_eq(seen->reads, 0);
	ck_assert_uint_eq(seen->writes, 0);
}

static void fill(AxVm *vm, AxGuestPhysAddr gpa, uint64_t words)
{
	for (uint64_t i = 0; i < words; i++) {
		uint64_t value = (gpa + 8 * i) * 0x9e3779b97f4a7c15;

		ck_assert_int_eq(ax_mem_write(vm, gpa + 8 * i, &value, sizeof(value)), 0);
	}
}

static void check_equal(AxVm *vm, AxGuestPhysAddr a, AxGuestPhysAddr b, uint64_t words)
{
	for (uint64_t i = 0; i < words; i++) {
		uint64_t left, right;

		ck_assert_int_eq(ax_mem_read(vm, a + 8 * i, &left, sizeof(left)), 0);
		ck_assert_int_eq(ax_mem_read(vm, b + 8 * i, &right, sizeof(right)), 0);
		ck_assert_uint_eq(left, right);
	}
}

static const struct {
	const char *name;
	unsigned flags;
} kinds[] = {
	{ "anonymous", 0 },
	{ "memfd", AX_RAM_MEMFD },
	{ "transparent huge pages", AX_RAM_HUGE },
	{ "hugetlb memfd", AX_RAM_MEMFD | AX_RAM_HUGE },
};

#define KINDS ((int)(sizeof(kinds) / sizeof(kinds[0])))

/* False: the host cannot have it, which has been said. */
static bool add_slot(struct code_vm *vm, unsigned kind, unsigned flags)
{
	AxError err = AX_ERROR_INIT;
	int ret = ax_ram_add(vm->vm, SLOT_BASE, SLOT_SIZE, kinds[kind].flags | flags, &err);

	if ((kinds[kind].flags & AX_RAM_HUGE) && (ret == -ENOMEM || ret == -ENOTSUP)) {
		kvm_skip("RAM, %s%s: %s", kinds[kind].name,
			 flags & AX_RAM_READONLY ? ", read-only" : "", err.message);
		return false;
	}
	if ((flags & AX_RAM_READONLY) && ret == -ENOTSUP) {
		kvm_skip("RAM, read-only: %s", err.message);
		return false;
	}
	ck_ok(ret, err);
	kvm_count_run();
	return true;
}

START_TEST(guest_and_host_see_the_same_ram)
{
	const uint64_t words = 4 * PAGE / 8;
	struct seen seen;
	struct code_vm vm;
	AxRamInfo info;

	code_open(&vm, NULL, CODE(copy));
	if (!add_slot(&vm, (unsigned)_i, 0)) {
		code_close(&vm);
		return;
	}
	fill(vm.vm, SLOT_BASE, words);
	copy(&vm, SLOT_BASE, SLOT_BASE + SLOT_SIZE / 2, words, &seen);
	check_copied_in_ram(&seen);
	check_equal(vm.vm, SLOT_BASE, SLOT_BASE + SLOT_SIZE / 2, words);
	copy(&vm, SLOT_BASE + SLOT_SIZE / 2, CODE_SCRATCH, 8, &seen);
	check_copied_in_ram(&seen);
	check_equal(vm.vm, SLOT_BASE, CODE_SCRATCH, 8);

	/* Whoever else maps the memfd sees the guest's writes, too. */
	ck_assert(ax_ram_info(vm.vm, 1, &info));
	ck_assert_uint_eq(info.base, SLOT_BASE);
	ck_assert_int_eq(info.fd >= 0, !!(kinds[_i].flags & AX_RAM_MEMFD));
	if (info.fd >= 0) {
		uint64_t *shared = mmap(NULL, SLOT_SIZE, PROT_READ, MAP_SHARED, info.fd, 0), value;

		ck_assert_ptr_ne(shared, MAP_FAILED);
		ck_assert_int_eq(ax_mem_read(vm.vm, SLOT_BASE, &value, sizeof(value)), 0);
		ck_assert_uint_eq(shared[SLOT_SIZE / 2 / 8], value);
		munmap(shared, SLOT_SIZE);
	}
	code_close(&vm);
}
END_TEST

START_TEST(writes_to_read_only_ram_are_mmio_and_change_nothing)
{
	const uint64_t words = 4;
	struct seen seen;
	struct code_vm vm;
	uint64_t value;

	code_open(&vm, NULL, CODE(copy));
	if (!add_slot(&vm, (unsigned)_i, AX_RAM_READONLY)) {
		code_close(&vm);
		return;
	}
	/* The host writes it; the guest reads it without an exit. */
	fill(vm.vm, SLOT_BASE, 2 * words);
	copy(&vm, SLOT_BASE, CODE_SCRATCH, words, &seen);
	check_copied_in_ram(&seen);
	check_equal(vm.vm, SLOT_BASE, CODE_SCRATCH, words);

	copy(&vm, CODE_SCRATCH, SLOT_BASE + 8 * words, words, &seen);
	ck_assert_uint_eq(seen.reads, 0);
	ck_assert_uint_eq(seen.writes, words);
	for (unsigned i = 0; i < words; i++) {
		ck_assert_uint_eq(seen.write[i].addr, SLOT_BASE + 8 * words + 8 * i);
		ck_assert_uint_eq(seen.write[i].len, 8);
		ck_assert_int_eq(ax_mem_read(vm.vm, SLOT_BASE + 8 * i, &value, sizeof(value)), 0);
		ck_assert_uint_eq(seen.write[i].data, value);
		ck_assert_int_eq(
			ax_mem_read(vm.vm, SLOT_BASE + 8 * (words + i), &value, sizeof(value)), 0);
		ck_assert_uint_ne(seen.write[i].data, value);
	}
	code_close(&vm);
}
END_TEST

START_TEST(access_across_two_slots_is_whole)
{
	const uint64_t words = 2;
	AxError err = AX_ERROR_INIT;
	struct seen seen;
	struct code_vm vm;

	code_open(&vm, NULL, CODE(copy));
	ck_ok(ax_ram_add(vm.vm, SLOT_BASE, PAGE, 0, &err), err);
	ck_ok(ax_ram_add(vm.vm, SLOT_BASE + PAGE, PAGE, AX_RAM_MEMFD, &err), err);
	for (uint64_t shift = 1; shift < 8; shift++) {
		AxGuestPhysAddr crossing = SLOT_BASE + PAGE - 8 - shift;

		fill(vm.vm, CODE_SCRATCH, words);
		copy(&vm, CODE_SCRATCH, crossing, words, &seen);
		check_copied_in_ram(&seen);
		check_equal(vm.vm, CODE_SCRATCH, crossing, words);
		copy(&vm, crossing, CODE_SCRATCH + 0x100, words, &seen);
		check_copied_in_ram(&seen);
		check_equal(vm.vm, CODE_SCRATCH, CODE_SCRATCH + 0x100, words);
	}
	code_close(&vm);
}
END_TEST

/*
 * Half in RAM, half where nothing is: the RAM's half is the guest's affair, the other half an exit.
 */
START_TEST(access_across_the_end_of_ram_is_partly_mmio)
{
	AxError err = AX_ERROR_INIT;
	struct seen seen;
	struct code_vm vm;

	if (!code_splits_at_ram_end) {
		kvm_say("accesses across the end of RAM are not split on this architecture");
		return;
	}
	code_open(&vm, NULL, CODE(copy));
	ck_ok(ax_ram_add(vm.vm, SLOT_BASE, PAGE, 0, &err), err);
	for (unsigned outside = 1; outside < 8; outside++) {
		AxGuestPhysAddr crossing = SLOT_BASE + PAGE - 8 + outside;
		uint64_t value, inside_mask = ~UINT64_C(0) >> (8 * outside), inside = 0;

		fill(vm.vm, SLOT_BASE + PAGE - 16, 2);
		ck_assert_int_eq(ax_mem_read(vm.vm, crossing, &inside, 8 - outside), 0);
		copy(&vm, crossing, CODE_SCRATCH, 1, &seen);
		ck_assert_uint_eq(seen.reads, 1);
		ck_assert_uint_eq(seen.read[0].addr, SLOT_BASE + PAGE);
		ck_assert_uint_eq(seen.read[0].len, outside);
		ck_assert_int_eq(ax_mem_read(vm.vm, CODE_SCRATCH, &value, sizeof(value)), 0);
		ck_assert_uint_eq(value, inside | ((uint64_t)MMIO_VALUE << (64 - 8 * outside)));

		value = 0xf1e2d3c4b5a69788;
		ck_assert_int_eq(ax_mem_write(vm.vm, CODE_SCRATCH, &value, sizeof(value)), 0);
		copy(&vm, CODE_SCRATCH, crossing, 1, &seen);
		ck_assert_uint_eq(seen.writes, 1);
		ck_assert_uint_eq(seen.write[0].addr, SLOT_BASE + PAGE);
		ck_assert_uint_eq(seen.write[0].len, outside);
		ck_assert_uint_eq(seen.write[0].data, value >> (64 - 8 * outside));
		inside = 0;
		ck_assert_int_eq(ax_mem_read(vm.vm, crossing, &inside, 8 - outside), 0);
		ck_assert_uint_eq(inside, value & inside_mask);
	}
	code_close(&vm);
}
END_TEST

START_TEST(removed_ram_is_no_ram_for_the_guest)
{
	AxError err = AX_ERROR_INIT;
	struct seen seen;
	struct code_vm vm;

	code_open(&vm, NULL, CODE(copy));
	for (unsigned round = 0; round < 10; round++) {
		ck_ok(ax_ram_add(vm.vm, SLOT_BASE, SLOT_SIZE, kinds[round % 2].flags, &err), err);
		copy(&vm, CODE_SCRATCH, SLOT_BASE + SLOT_SIZE - 8, 1, &seen);
		check_copied_in_ram(&seen);
		ck_ok(ax_ram_remove(vm.vm, SLOT_BASE, &err), err);
		copy(&vm, CODE_SCRATCH, SLOT_BASE + SLOT_SIZE - 8, 1, &seen);
		ck_assert_uint_eq(seen.writes, 1);
		ck_assert_uint_eq(seen.write[0].addr, SLOT_BASE + SLOT_SIZE - 8);
	}
	code_close(&vm);
}
END_TEST

/*
 * The host takes a page away (mprotect): NestedPageFault, and after it was given back the guest
 * goes on.
 */
START_TEST(page_that_the_host_takes_away_faults_until_it_is_back)
{
	AxError err = AX_ERROR_INIT;
	AxMemView view;
	struct seen seen;
	struct code_vm vm;

	code_open(&vm, NULL, CODE(copy));
	ck_assert(add_slot(&vm, (unsigned)_i, 0));
	fill(vm.vm, SLOT_BASE, 1);
	ck_assert_int_eq(ax_mem_get(vm.vm, SLOT_BASE, PAGE, AX_MEM_READ | AX_MEM_WRITE, &view), 0);
	ck_assert_int_eq(mprotect(view.host, PAGE, PROT_NONE), 0);
	copy(&vm, SLOT_BASE, CODE_SCRATCH, 1, &seen);
	ck_assert_int_eq(mprotect(view.host, PAGE, PROT_READ | PROT_WRITE), 0);
	ax_mem_put(vm.vm, &view, 0);
	if (seen.last.kind != AX_EXIT_NESTED_PAGE_FAULT && kvm_is_software()) {
		kvm_skip("NestedPageFault, %s: inaccessible memory is MMIO here, not EFAULT "
			 "(software KVM): %u read",
			 kinds[_i].name, seen.reads);
		ck_assert_uint_eq(seen.reads, 1);
		code_close(&vm);
		return;
	}
	ck_exit_kind(&seen.last, AX_EXIT_NESTED_PAGE_FAULT);
	if (seen.last.nested_page_fault.addr_known)
		ck_assert_uint_eq(seen.last.nested_page_fault.addr & ~(uint64_t)(PAGE - 1),
				  SLOT_BASE);
	/* The same instruction again. */
	ck_ok(ax_vcpu_bind(vm.vcpu, AX_ANY_CPU, &err), err);
	ck_ok(ax_vcpu_run(vm.vcpu, &seen.last, &err), err);
	ck_exit_kind(&seen.last, AX_EXIT_MMIO_WRITE);
	ck_assert_uint_eq(seen.last.mmio_write.addr, CODE_MMIO + CODE_END);
	check_equal(vm.vm, SLOT_BASE, CODE_SCRATCH, 1);
	code_close(&vm);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("memory");
	TCase *tcase = kvm_case(suite, "memory");

	tcase_add_loop_test(tcase, guest_and_host_see_the_same_ram, 0, KINDS);
	tcase_add_loop_test(tcase, writes_to_read_only_ram_are_mmio_and_change_nothing, 0, KINDS);
	tcase_add_test(tcase, access_across_two_slots_is_whole);
	tcase_add_test(tcase, access_across_the_end_of_ram_is_partly_mmio);
	tcase_add_test(tcase, removed_ram_is_no_ram_for_the_guest);
	tcase_add_loop_test(tcase, page_that_the_host_takes_away_faults_until_it_is_back, 0, 2);
	return kvm_main(suite);
}
