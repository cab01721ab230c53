/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Guests whose RAM is paged in lazily: each page is asked for once, with its address, access and
 * vCPU. Answers that come late, or never, are pager_answers.c's.
 */
#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "paging.h"
#include "running.h"

#define PAGES 16 /* of a region that a guest reads, or writes */

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

/* Of hugetlb RAM a page is this large; where it is not, adding the RAM fails. */
#define HUGE_PAGE 0x200000

START_TEST(every_page_is_asked_for_once)
{
	bool huge = kinds[_i].flags == (AX_RAM_MEMFD | AX_RAM_HUGE);
	uint64_t pages = huge ? 1 : PAGES, region;
	AxError err = AX_ERROR_INIT;
	struct source source;
	struct code_vm vm;
	AxPager *pager;
	int ret;

	source_init(&source, PAGING_BASE);
	if (huge)
		source.page = HUGE_PAGE;
	region = pages * source.page;
	code_open(&vm, NULL, CODE(copy));
	ret = ax_ram_add(vm.vm, PAGING_BASE, 2 * region, kinds[_i].flags, &err);
	if (huge && ret) {
		kvm_skip("pager, %s: %s", kinds[_i].name, err.message);
		code_close(&vm);
		return;
	}
	ck_ok(ret, err);
	source.first = (unsigned)pages;
	source.answer = AX_PAGE_ZERO;
	pager = source_pager(vm.vm, &source, &source_ops);
	if (pager) {
		order_copy(&vm, 0, PAGING_BASE, PAGING_BASE + region, huge ? 0x2000 : region);
		runner_run(vm.vcpu);
		pattern_check(vm.vm, PAGING_BASE + region, PAGING_BASE, huge ? 0x2000 : region);
		for (unsigned i = 0; i < pages; i++) {
			source_check(&source, i, 1, 0, AX_MAP_READ);
			source_check(&source, (unsigned)pages + i, 1, 0, AX_MAP_WRITE);
		}
		ck_assert_uint_eq(source_total(&source), 2 * pages);
	}
	code_close(&vm); /* and the pager with it */
}
END_TEST

/* Code, page tables, stack, mailbox: nothing is there before the guest asks for it. */
START_TEST(whole_guest_is_paged_in_while_it_runs)
{
	AxError err = AX_ERROR_INIT;
	uint8_t *image = malloc(CODE_RAM_SIZE);
	struct source source;
	struct code_vm model, vm = { 0 };
	AxPager *pager;
	uint64_t from;

	ck_assert_ptr_nonnull(image);
	code_open(&model, NULL, CODE(copy));
	order_copy(&model, 0, CODE_START, CODE_SCRATCH, 128);
	ck_assert_int_eq(ax_mem_read(model.vm, CODE_RAM, image, CODE_RAM_SIZE), 0);
	code_close(&model);

	source_init(&source, CODE_RAM);
	source.image = image;
	ck_ok(ax_vm_create(NULL, &vm.vm, &err), err);
	kvm_watch(vm.vm);
	ck_ok(ax_ram_add(vm.vm, CODE_RAM, CODE_RAM_SIZE, 0, &err), err);
	pager = source_pager(vm.vm, &source, &source_ops);
	if (pager) {
		code_add_vcpu(&vm, 0);
		runner_run(vm.vcpu);
		source_check(&source, (unsigned)(CODE_START / source.page), 1, 0, AX_MAP_READ);
		for (unsigned i = 0; i < CODE_RAM_SIZE / source.page; i++)
			ck_assert_uint_le(source.asked[i], 1);
		kvm_say("pager: %u of %" PRIu64 " pages were needed", source_total(&source),
			CODE_RAM_SIZE / source.page);
		ck_assert_uint_lt(source_total(&source), CODE_RAM_SIZE / source.page / 2);
		for (unsigned i = 0; i < 128; i += 8) {
			ck_assert_int_eq(ax_mem_read(vm.vm, CODE_SCRATCH + i, &from, sizeof(from)),
					 0);
			ck_assert_mem_eq(&from, image + CODE_START + i, sizeof(from));
		}
	}
	kvm_unwatch(vm.vm);
	ax_vm_destroy(vm.vm);
	free(image);
}
END_TEST

/* Each reads and writes pages of its own. */
START_TEST(vcpu_that_faults_is_named)
{
	AxError err = AX_ERROR_INIT;
	struct runner runners[2];
	struct source source;
	struct code_vm vm;
	uint64_t region;

	source_init(&source, PAGING_BASE);
	region = PAGES * source.page;
	code_open(&vm, NULL, CODE(copy));
	code_add_vcpu(&vm, 1);
	ck_ok(ax_ram_add(vm.vm, PAGING_BASE, 4 * region, 0, &err), err);
	if (source_pager(vm.vm, &source, &source_ops)) {
		for (uint32_t id = 0; id < 2; id++) {
			order_copy(&vm, id, PAGING_BASE + id * region,
				   PAGING_BASE + (2 + id) * region, region);
			runner_start(&runners[id], ax_vm_vcpu(vm.vm, id));
		}
		for (uint32_t id = 0; id < 2; id++)
			runner_finish(&runners[id]);
		for (uint32_t id = 0; id < 2; id++) {
			for (unsigned i = 0; i < PAGES; i++) {
				source_check(&source, id * PAGES + i, 1, id, AX_MAP_READ);
				source_check(&source, (2 + id) * PAGES + i, 1, id, AX_MAP_WRITE);
			}
			pattern_check(vm.vm, PAGING_BASE + (2 + id) * region,
				      PAGING_BASE + id * region, region);
		}
	}
	code_close(&vm);
}
END_TEST

START_TEST(page_that_two_vcpus_wait_for_is_asked_for_once)
{
	AxError err = AX_ERROR_INIT;
	struct runner runners[2];
	struct source source;
	uint64_t pattern[8];
	struct code_vm vm;
	AxPager *pager;
	void *page;

	source_init(&source, PAGING_BASE);
	source.answer = AX_PAGE_LATER;
	code_open(&vm, NULL, CODE(copy));
	code_add_vcpu(&vm, 1);
	ck_ok(ax_ram_add(vm.vm, PAGING_BASE, 2 * source.page, 0, &err), err);
	pager = source_pager(vm.vm, &source, &source_ops);
	if (pager) {
		for (uint32_t id = 0; id < 2; id++) {
			order_copy(&vm, id, PAGING_BASE, CODE_SCRATCH + 0x100 * id,
				   sizeof(pattern));
			runner_start(&runners[id], ax_vm_vcpu(vm.vm, id));
		}
		source_wait(&source, 1);
		doze(50000000);
		ck_assert(!runner_done(&runners[0]) && !runner_done(&runners[1]));
		ck_assert_uint_eq(source_total(&source), 1);
		page = calloc(1, source.page);
		ck_assert_ptr_nonnull(page);
		pattern_fill(PAGING_BASE, page, source.page);
		ck_ok(ax_pager_provide(pager, PAGING_BASE, page, source.page, &err), err);
		ck_ok(ax_pager_provide(pager, PAGING_BASE, NULL, source.page, &err), err);
		for (uint32_t id = 0; id < 2; id++) {
			runner_finish(&runners[id]);
			pattern_check(vm.vm, CODE_SCRATCH + 0x100 * id, PAGING_BASE,
				      sizeof(pattern));
		}
		ck_assert_uint_eq(source_total(&source), 1);
		free(page);
	}
	code_close(&vm);
}
END_TEST

START_TEST(pages_pushed_ahead_are_not_asked_for)
{
	AxError err = AX_ERROR_INIT;
	struct source source;
	struct code_vm vm;
	AxPager *pager;
	uint8_t *pages;
	uint64_t region;

	source_init(&source, PAGING_BASE);
	region = PAGES * source.page;
	code_open(&vm, NULL, CODE(copy));
	ck_ok(ax_ram_add(vm.vm, PAGING_BASE, 2 * region, 0, &err), err);
	pager = source_pager(vm.vm, &source, &source_ops);
	if (pager) {
		pages = malloc(region);
		ck_assert_ptr_nonnull(pages);
		pattern_fill(PAGING_BASE, (uint64_t *)pages, region);
		ck_ok(ax_pager_provide(pager, PAGING_BASE, pages, region - source.page, &err), err);
		ck_ok(ax_pager_provide(pager, PAGING_BASE + region, NULL, region, &err), err);
		order_copy(&vm, 0, PAGING_BASE, PAGING_BASE + region, region);
		runner_run(vm.vcpu);
		source_check(&source, PAGES - 1, 1, 0, AX_MAP_READ);
		ck_assert_uint_eq(source_total(&source), 1);
		pattern_check(vm.vm, PAGING_BASE + region, PAGING_BASE, region);
		ck_ok(ax_pager_destroy(pager, &err), err);
		free(pages);
	}
	code_close(&vm);
}
END_TEST

/* Both touch all pages, in the same order and so often the same one at once. */
START_TEST(many_pages_under_two_vcpus_come_once_each)
{
	const uint64_t pages = PAGING_MOST;
	AxError err = AX_ERROR_INIT;
	struct running running;
	struct source source;
	struct code_vm *vm = &running.vm;

	source_init(&source, PAGING_BASE);
	running_open(&running, NULL, CODE(sweep), 2);
	ck_ok(ax_ram_add(vm->vm, PAGING_BASE, pages * source.page, _i ? AX_RAM_MEMFD : 0, &err),
	      err);
	if (source_pager(vm->vm, &source, &source_ops)) {
		for (uint32_t id = 0; id < 2; id++) {
			code_set_word(vm, id, 1, PAGING_BASE);
			code_set_word(vm, id, 2, PAGING_BASE + pages * source.page);
		}
		running_start(&running);
		for (uint32_t id = 0; id < 2; id++)
			code_wait_word(vm, id, 0, 2); /* rounds */
		running_stop(&running);
		pthread_mutex_lock(&source.lock);
		for (unsigned i = 0; i < pages; i++)
			ck_assert_uint_eq(source.asked[i], 1);
		pthread_mutex_unlock(&source.lock);
		pattern_check(vm->vm, PAGING_BASE, PAGING_BASE, pages * source.page);
	}
	running_close(&running);
}
END_TEST

/*
 * x86-64 KVM with local APICs in the kernel may let threads of the kernel's fetch pages that its
 * vCPUs wait for ("asynchronous page faults"): then nobody is named, and all is for writing.
 */
START_TEST(kernel_may_fetch_pages_for_its_vcpus)
{
	AxVmOptions options = AX_VM_OPTIONS_INIT;
	AxError err = AX_ERROR_INIT;
	unsigned unnamed = 0;
	struct source source;
	struct code_vm vm;
	uint64_t region;
	AxVm *probe;

	options.irqchip = AX_IRQCHIP_KERNEL;
	if (ax_vm_create(&options, &probe, &err)) {
		kvm_skip("pager, irqchip in the kernel: %s", err.message);
		return;
	}
	ax_vm_destroy(probe);
	source_init(&source, PAGING_BASE);
	region = PAGES * source.page;
	code_open(&vm, &options, CODE(copy));
	ck_ok(ax_ram_add(vm.vm, PAGING_BASE, 2 * region, 0, &err), err);
	if (source_pager(vm.vm, &source, &source_ops)) {
		order_copy(&vm, 0, PAGING_BASE, PAGING_BASE + region, region);
		runner_run(vm.vcpu);
		pattern_check(vm.vm, PAGING_BASE + region, PAGING_BASE, region);
		for (unsigned i = 0; i < 2 * PAGES; i++) {
			unnamed += source.vcpu[i] == AX_PAGER_NO_VCPU;
			if (source.vcpu[i] == AX_PAGER_NO_VCPU)
				source_check(&source, i, 1, AX_PAGER_NO_VCPU, AX_MAP_WRITE);
			else
				source_check(&source, i, 1, 0,
					     i < PAGES ? AX_MAP_READ : AX_MAP_WRITE);
		}
		kvm_say("pager, irqchip in the kernel: %u of %u pages without a vCPU's name",
			unnamed, 2 * PAGES);
	}
	code_close(&vm);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("pager");
	TCase *tcase = kvm_case(suite, "pager");

	tcase_add_loop_test(tcase, every_page_is_asked_for_once, 0, KINDS);
	tcase_add_test(tcase, whole_guest_is_paged_in_while_it_runs);
	tcase_add_test(tcase, vcpu_that_faults_is_named);
	tcase_add_test(tcase, page_that_two_vcpus_wait_for_is_asked_for_once);
	tcase_add_test(tcase, pages_pushed_ahead_are_not_asked_for);
	tcase_add_test(tcase, kernel_may_fetch_pages_for_its_vcpus);
	tcase_add_loop_test(tcase, many_pages_under_two_vcpus_come_once_each, 0, 2);
	return kvm_main(suite);
}
