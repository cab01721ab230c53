/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Guests whose RAM is paged in lazily: each page is asked for once, with its address, access and
 * vCPU; answers come at once, late, or never.
 */
#include "code.h"

#include <errno.h>
#include <inttypes.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "running.h"

#define BASE	 0x40000000
#define PAGES	 16 /* of a region that a guest reads, or writes */
#define MOST	 (CODE_RAM_SIZE / 4096)
#define NOT_SEEN UINT32_MAX

/* What the handler was asked, by page; and what it answers. */
struct source {
	pthread_mutex_t lock;
	uint64_t page; /* bytes */
	AxGuestPhysAddr base;
	unsigned asked[MOST];
	uint32_t vcpu[MOST];
	AxMappingFlags access[MOST];
	unsigned total;
	AxPageAnswer answer;  /* to pages from `first` on; before it: FILLED */
	unsigned first;	      /* page */
	const uint8_t *image; /* NULL: pattern */
	AxVm *vm;
	int own_access; /* what touching a missing page from the handler gave */
};

/* The words of a page are these, whatever its number. */
static uint64_t word_of(AxGuestPhysAddr gpa)
{
	return gpa * 0x9e3779b97f4a7c15 + 1;
}

static void fill_pattern(AxGuestPhysAddr gpa, uint64_t *words, size_t size)
{
	for (size_t i = 0; i < size / 8; i++)
		words[i] = word_of(gpa + 8 * i);
}

static AxPageAnswer fill(AxPager *pager, void *opaque, const AxVCpuExitReason *exit, void *page,
			 size_t size)
{
	const AxExitNestedPageFault *fault = &exit->nested_page_fault;
	struct source *source = opaque;
	uint64_t index = (fault->addr - source->base) / size;
	AxPageAnswer answer;

	(void)pager;
	if (exit->kind != AX_EXIT_NESTED_PAGE_FAULT || !fault->addr_known || fault->flags ||
	    fault->size != source->page || size != source->page || fault->addr % size ||
	    index >= MOST)
		abort();
	pthread_mutex_lock(&source->lock);
	source->asked[index]++;
	source->total++;
	source->vcpu[index] = exit->vcpu;
	source->access[index] = fault->access_flags;
	answer = index >= source->first ? source->answer : AX_PAGE_FILLED;
	pthread_mutex_unlock(&source->lock);
	if (answer != AX_PAGE_FILLED)
		return answer;
	if (source->image)
		memcpy(page, source->image + index * size, size);
	else
		fill_pattern(fault->addr, page, size);
	return AX_PAGE_FILLED;
}

static const AxPagerOps source_ops = { .size = sizeof(AxPagerOps), .fill = fill };

static void source_init(struct source *source, AxGuestPhysAddr base)
{
	memset(source, 0, sizeof(*source));
	pthread_mutex_init(&source->lock, NULL);
	source->page = (uint64_t)sysconf(_SC_PAGESIZE);
	source->base = base;
	for (unsigned i = 0; i < MOST; i++)
		source->vcpu[i] = NOT_SEEN - 1;
}

/* NULL: this host does not let us, which has been said. */
static AxPager *new_pager(AxVm *vm, struct source *source, const AxPagerOps *ops)
{
	AxPagerConfig config = AX_PAGER_CONFIG_INIT;
	AxError err = AX_ERROR_INIT;
	AxPager *pager = NULL;
	int ret;

	config.base = source->base;
	config.ops = ops;
	config.opaque = source;
	ret = ax_pager_create(vm, &config, &pager, &err);
	if (ret == -EACCES || ret == -ENOTSUP) {
		kvm_skip("pager: %s", err.message);
		return NULL;
	}
	ck_ok(ret, err);
	kvm_count_run();
	return pager;
}

static void check_asked(struct source *source, unsigned page, unsigned times, uint32_t vcpu,
			AxMappingFlags access)
{
	pthread_mutex_lock(&source->lock);
	ck_assert_msg(source->asked[page] == times, "page %u was asked for %u times, not %u", page,
		      source->asked[page], times);
	if (times) {
		ck_assert_msg(source->vcpu[page] == vcpu,
			      "page %u was asked for by vCPU %u, not %u", page, source->vcpu[page],
			      vcpu);
		ck_assert_msg(source->access[page] == access, "page %u, access %u, not %u", page,
			      source->access[page], access);
	}
	pthread_mutex_unlock(&source->lock);
}

static unsigned total(struct source *source)
{
	unsigned count;

	pthread_mutex_lock(&source->lock);
	count = source->total;
	pthread_mutex_unlock(&source->lock);
	return count;
}

static void wait_asked(struct source *source, unsigned count)
{
	uint64_t end = kvm_now() + UINT64_C(10000000000);

	while (total(source) < count) {
		ck_assert_msg(kvm_now() < end, "%u pages were asked for, not %u", total(source),
			      count);
		doze(100000);
	}
}

static void check_pattern(AxVm *vm, AxGuestPhysAddr at, AxGuestPhysAddr of, uint64_t bytes)
{
	uint64_t value;

	for (uint64_t i = 0; i < bytes; i += 8) {
		ck_assert_int_eq(ax_mem_read(vm, at + i, &value, sizeof(value)), 0);
		ck_assert_uint_eq(value, word_of(of + i));
	}
}

static void order_copy(struct code_vm *vm, uint32_t id, AxGuestPhysAddr from, AxGuestPhysAddr to,
		       uint64_t bytes)
{
	code_set_word(vm, id, 1, from);
	code_set_word(vm, id, 2, to);
	code_set_word(vm, id, 3, bytes / 8);
}

static bool is_end(const AxVCpuExitReason *exit)
{
	return exit->kind == AX_EXIT_MMIO_WRITE && exit->mmio_write.addr == CODE_MMIO + CODE_END;
}

/* A vCPU that runs until its code ends, or to an exit that is not Nothing. */
struct runner {
	AxVCpu *vcpu;
	pthread_t thread;
	AxVCpuExitReason exit;
	bool done;
};

static void *run_vcpu(void *opaque)
{
	struct runner *runner = opaque;
	AxError err = AX_ERROR_INIT;

	ck_ok(ax_vcpu_bind(runner->vcpu, AX_ANY_CPU, &err), err);
	do {
		ck_ok(ax_vcpu_run(runner->vcpu, &runner->exit, &err), err);
	} while (runner->exit.kind == AX_EXIT_NOTHING);
	ck_ok(ax_vcpu_unbind(runner->vcpu, &err), err);
	__atomic_store_n(&runner->done, true, __ATOMIC_SEQ_CST);
	return NULL;
}

static void runner_start(struct runner *runner, AxVCpu *vcpu)
{
	*runner = (struct runner){ .vcpu = vcpu };
	ck_assert_int_eq(pthread_create(&runner->thread, NULL, run_vcpu, runner), 0);
}

static bool runner_done(const struct runner *runner)
{
	return __atomic_load_n(&runner->done, __ATOMIC_SEQ_CST);
}

static void runner_finish(struct runner *runner)
{
	pthread_join(runner->thread, NULL);
	ck_exit_kind(&runner->exit, AX_EXIT_MMIO_WRITE);
	ck_assert(is_end(&runner->exit));
}

static void run_to_end(AxVCpu *vcpu)
{
	struct runner runner;

	runner_start(&runner, vcpu);
	runner_finish(&runner);
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

	source_init(&source, BASE);
	if (huge)
		source.page = HUGE_PAGE;
	region = pages * source.page;
	code_open(&vm, NULL, CODE(copy));
	ret = ax_ram_add(vm.vm, BASE, 2 * region, kinds[_i].flags, &err);
	if (huge && ret) {
		kvm_skip("pager, %s: %s", kinds[_i].name, err.message);
		code_close(&vm);
		return;
	}
	ck_ok(ret, err);
	source.first = (unsigned)pages;
	source.answer = AX_PAGE_ZERO;
	pager = new_pager(vm.vm, &source, &source_ops);
	if (pager) {
		order_copy(&vm, 0, BASE, BASE + region, huge ? 0x2000 : region);
		run_to_end(vm.vcpu);
		check_pattern(vm.vm, BASE + region, BASE, huge ? 0x2000 : region);
		for (unsigned i = 0; i < pages; i++) {
			check_asked(&source, i, 1, 0, AX_MAP_READ);
			check_asked(&source, (unsigned)pages + i, 1, 0, AX_MAP_WRITE);
		}
		ck_assert_uint_eq(total(&source), 2 * pages);
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
	pager = new_pager(vm.vm, &source, &source_ops);
	if (pager) {
		code_add_vcpu(&vm, 0);
		run_to_end(vm.vcpu);
		check_asked(&source, (unsigned)(CODE_START / source.page), 1, 0, AX_MAP_READ);
		for (unsigned i = 0; i < CODE_RAM_SIZE / source.page; i++)
			ck_assert_uint_le(source.asked[i], 1);
		kvm_say("pager: %u of %" PRIu64 " pages were needed", total(&source),
			CODE_RAM_SIZE / source.page);
		ck_assert_uint_lt(total(&source), CODE_RAM_SIZE / source.page / 2);
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

	source_init(&source, BASE);
	region = PAGES * source.page;
	code_open(&vm, NULL, CODE(copy));
	code_add_vcpu(&vm, 1);
	ck_ok(ax_ram_add(vm.vm, BASE, 4 * region, 0, &err), err);
	if (new_pager(vm.vm, &source, &source_ops)) {
		for (uint32_t id = 0; id < 2; id++) {
			order_copy(&vm, id, BASE + id * region, BASE + (2 + id) * region, region);
			runner_start(&runners[id], ax_vm_vcpu(vm.vm, id));
		}
		for (uint32_t id = 0; id < 2; id++)
			runner_finish(&runners[id]);
		for (uint32_t id = 0; id < 2; id++) {
			for (unsigned i = 0; i < PAGES; i++) {
				check_asked(&source, id * PAGES + i, 1, id, AX_MAP_READ);
				check_asked(&source, (2 + id) * PAGES + i, 1, id, AX_MAP_WRITE);
			}
			check_pattern(vm.vm, BASE + (2 + id) * region, BASE + id * region, region);
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

	source_init(&source, BASE);
	source.answer = AX_PAGE_LATER;
	code_open(&vm, NULL, CODE(copy));
	code_add_vcpu(&vm, 1);
	ck_ok(ax_ram_add(vm.vm, BASE, 2 * source.page, 0, &err), err);
	pager = new_pager(vm.vm, &source, &source_ops);
	if (pager) {
		for (uint32_t id = 0; id < 2; id++) {
			order_copy(&vm, id, BASE, CODE_SCRATCH + 0x100 * id, sizeof(pattern));
			runner_start(&runners[id], ax_vm_vcpu(vm.vm, id));
		}
		wait_asked(&source, 1);
		doze(50000000);
		ck_assert(!runner_done(&runners[0]) && !runner_done(&runners[1]));
		ck_assert_uint_eq(total(&source), 1);
		page = calloc(1, source.page);
		ck_assert_ptr_nonnull(page);
		fill_pattern(BASE, page, source.page);
		ck_ok(ax_pager_provide(pager, BASE, page, source.page, &err), err);
		ck_ok(ax_pager_provide(pager, BASE, NULL, source.page, &err), err);
		for (uint32_t id = 0; id < 2; id++) {
			runner_finish(&runners[id]);
			check_pattern(vm.vm, CODE_SCRATCH + 0x100 * id, BASE, sizeof(pattern));
		}
		ck_assert_uint_eq(total(&source), 1);
		free(page);
	}
	code_close(&vm);
}
END_TEST

/* Two vCPUs wait for a page each; the second's comes first. */
START_TEST(late_answers_may_come_in_any_order)
{
	AxError err = AX_ERROR_INIT;
	struct runner runners[2];
	struct source source;
	struct code_vm vm;
	AxPager *pager;
	uint8_t *page;

	source_init(&source, BASE);
	source.answer = AX_PAGE_LATER;
	code_open(&vm, NULL, CODE(copy));
	code_add_vcpu(&vm, 1);
	ck_ok(ax_ram_add(vm.vm, BASE, 2 * source.page, 0, &err), err);
	pager = new_pager(vm.vm, &source, &source_ops);
	if (pager) {
		page = calloc(1, source.page);
		ck_assert_ptr_nonnull(page);
		for (uint32_t id = 0; id < 2; id++) {
			order_copy(&vm, id, BASE + id * source.page, CODE_SCRATCH + 0x100 * id, 64);
			runner_start(&runners[id], ax_vm_vcpu(vm.vm, id));
		}
		wait_asked(&source, 2);
		for (uint32_t i = 2; i-- > 0;) {
			AxGuestPhysAddr gpa = BASE + i * source.page;

			check_asked(&source, i, 1, i, AX_MAP_READ);
			ck_assert(!runner_done(&runners[i]));
			fill_pattern(gpa, (uint64_t *)page, source.page);
			ck_ok(ax_pager_provide(pager, gpa, page, source.page, &err), err);
			runner_finish(&runners[i]);
			check_pattern(vm.vm, CODE_SCRATCH + 0x100 * i, gpa, 64);
		}
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

	source_init(&source, BASE);
	region = PAGES * source.page;
	code_open(&vm, NULL, CODE(copy));
	ck_ok(ax_ram_add(vm.vm, BASE, 2 * region, 0, &err), err);
	pager = new_pager(vm.vm, &source, &source_ops);
	if (pager) {
		pages = malloc(region);
		ck_assert_ptr_nonnull(pages);
		fill_pattern(BASE, (uint64_t *)pages, region);
		ck_ok(ax_pager_provide(pager, BASE, pages, region - source.page, &err), err);
		ck_ok(ax_pager_provide(pager, BASE + region, NULL, region, &err), err);
		order_copy(&vm, 0, BASE, BASE + region, region);
		run_to_end(vm.vcpu);
		check_asked(&source, PAGES - 1, 1, 0, AX_MAP_READ);
		ck_assert_uint_eq(total(&source), 1);
		check_pattern(vm.vm, BASE + region, BASE, region);
		ck_ok(ax_pager_destroy(pager, &err), err);
		free(pages);
	}
	code_close(&vm);
}
END_TEST

/* Software KVM makes MMIO of it: said, and true when this gives true. */
static bool became_mmio(const AxVCpuExitReason *exit)
{
	if (exit->kind != AX_EXIT_MMIO_READ || !kvm_is_software())
		return false;
	kvm_skip("NestedPageFault of a failed page: inaccessible memory is MMIO here, not EFAULT "
		 "(software KVM)");
	ck_assert_uint_eq(exit->mmio_read.addr, BASE);
	return true;
}

START_TEST(failed_page_ends_as_a_nested_page_fault)
{
	AxError err = AX_ERROR_INIT;
	struct source source;
	struct runner runner;
	struct code_vm vm;
	AxPager *pager;
	uint64_t value;
	void *page;

	source_init(&source, BASE);
	source.answer = _i ? AX_PAGE_LATER : AX_PAGE_FAILED;
	code_open(&vm, NULL, CODE(copy));
	ck_ok(ax_ram_add(vm.vm, BASE, 4 * source.page, 0, &err), err);
	pager = new_pager(vm.vm, &source, &source_ops);
	if (!pager) {
		code_close(&vm);
		return;
	}
	order_copy(&vm, 0, BASE, CODE_SCRATCH, 64);
	runner_start(&runner, vm.vcpu);
	wait_asked(&source, 1);
	if (_i)
		ck_ok(ax_pager_fail(pager, BASE, source.page, &err), err);
	pthread_join(runner.thread, NULL);
	check_asked(&source, 0, 1, 0, AX_MAP_READ);
	ck_assert_int_eq(ax_mem_read(vm.vm, BASE, &value, sizeof(value)), -EFAULT);
	if (!became_mmio(&runner.exit)) {
		ck_exit_kind(&runner.exit, AX_EXIT_NESTED_PAGE_FAULT);
		ck_assert(runner.exit.nested_page_fault.addr_known);
		ck_assert_uint_eq(runner.exit.nested_page_fault.addr, BASE);
		ck_assert_uint_eq(runner.exit.nested_page_fault.size, source.page);
		ck_assert_uint_eq(runner.exit.nested_page_fault.access_flags, AX_MAP_READ);
		/* A second chance: the same instruction again. */
		page = calloc(1, source.page);
		ck_assert_ptr_nonnull(page);
		fill_pattern(BASE, page, source.page);
		ck_ok(ax_pager_provide(pager, BASE, page, source.page, &err), err);
		run_to_end(vm.vcpu);
		check_pattern(vm.vm, CODE_SCRATCH, BASE, 64);
		free(page);
	}
	ck_assert_uint_eq(total(&source), 1);
	code_close(&vm);
}
END_TEST

struct second_chance {
	AxPager *pager;
	uint64_t page;
	unsigned faults;
	void *bytes;
};

static AxHandled give_after_all(AxVCpu *vcpu, void *opaque, const AxVCpuExitReason *exit)
{
	struct second_chance *chance = opaque;

	(void)vcpu;
	chance->faults++;
	return ax_pager_provide(chance->pager, exit->nested_page_fault.addr, chance->bytes,
				chance->page, NULL)
		       ? AX_UNHANDLED
		       : AX_HANDLED;
}

START_TEST(handler_of_the_fault_may_let_it_be_tried_again)
{
	static const AxEventOps ops = { .size = sizeof(ops), .page_fault = give_after_all };
	struct second_chance chance = { 0 };
	AxError err = AX_ERROR_INIT;
	AxVCpuExitReason exit = AX_EXIT_INIT;
	struct source source;
	struct code_vm vm;
	AxVmOptions options = AX_VM_OPTIONS_INIT;

	source_init(&source, BASE);
	source.answer = AX_PAGE_FAILED;
	options.unclaimed = AX_UNCLAIMED_STOP;
	code_open(&vm, &options, CODE(copy));
	ck_ok(ax_ram_add(vm.vm, BASE, 4 * source.page, 0, &err), err);
	ck_ok(ax_event_set(vm.vm, &ops, &chance, &err), err);
	chance.page = source.page;
	chance.bytes = calloc(1, source.page);
	ck_assert_ptr_nonnull(chance.bytes);
	fill_pattern(BASE, chance.bytes, source.page);
	chance.pager = new_pager(vm.vm, &source, &source_ops);
	if (chance.pager) {
		order_copy(&vm, 0, BASE, CODE_SCRATCH, 64);
		ck_ok(ax_vcpu_bind(vm.vcpu, AX_ANY_CPU, &err), err);
		ck_assert_int_eq(ax_vcpu_loop(vm.vcpu, &exit, &err), AX_LOOP_UNHANDLED);
		if (!became_mmio(&exit)) {
			ck_assert(is_end(&exit));
			ck_assert_uint_eq(chance.faults, 1);
			check_pattern(vm.vm, CODE_SCRATCH, BASE, 64);
		}
		ck_ok(ax_vcpu_unbind(vm.vcpu, &err), err);
	}
	code_close(&vm);
	free(chance.bytes);
}
END_TEST

START_TEST(destroying_the_pager_lets_who_waits_go_on_with_zeros)
{
	AxError err = AX_ERROR_INIT;
	struct runner runners[2];
	struct source source;
	struct code_vm vm;
	AxPager *pager;
	uint64_t value;

	source_init(&source, BASE);
	source.answer = AX_PAGE_LATER;
	code_open(&vm, NULL, CODE(copy));
	code_add_vcpu(&vm, 1);
	ck_ok(ax_ram_add(vm.vm, BASE, 4 * source.page, _i ? AX_RAM_MEMFD : 0, &err), err);
	pager = new_pager(vm.vm, &source, &source_ops);
	if (pager) {
		value = UINT64_MAX;
		ck_assert_int_eq(ax_mem_write(vm.vm, CODE_SCRATCH, &value, sizeof(value)), 0);
		order_copy(&vm, 0, BASE, CODE_SCRATCH, 8);		     /* waits to read */
		order_copy(&vm, 1, CODE_SCRATCH + 8, BASE + source.page, 8); /* and to write */
		for (uint32_t id = 0; id < 2; id++)
			runner_start(&runners[id], ax_vm_vcpu(vm.vm, id));
		wait_asked(&source, 2);
		ck_assert_int_eq(ax_ram_remove(vm.vm, BASE, &err), -EBUSY);
		ck_ok(ax_pager_destroy(pager, &err), err);
		for (uint32_t id = 0; id < 2; id++)
			runner_finish(&runners[id]);
		ck_assert_int_eq(ax_mem_read(vm.vm, CODE_SCRATCH, &value, sizeof(value)), 0);
		ck_assert_uint_eq(value, 0);
		ck_assert_int_eq(ax_mem_read(vm.vm, BASE + 2 * source.page, &value, 8), 0);
		ck_assert_uint_eq(value, 0);
		ck_assert_uint_eq(total(&source), 2);
		ck_ok(ax_ram_remove(vm.vm, BASE, &err), err);
	}
	code_close(&vm);
}
END_TEST

/* Asks for more of its own RAM while it is asked for some. */
static AxPageAnswer touch_own(AxPager *pager, void *opaque, const AxVCpuExitReason *exit,
			      void *page, size_t size)
{
	struct source *source = opaque;
	AxMemView view;
	uint8_t byte;

	source->own_access = ax_mem_read(source->vm, source->base + 3 * size, &byte, 1);
	if (ax_mem_get(source->vm, source->base + 3 * size, 1, AX_MEM_WRITE, &view) != -EDEADLK ||
	    ax_pager_destroy(pager, NULL) != -EDEADLK)
		source->own_access = -1;
	return fill(pager, opaque, exit, page, size);
}

START_TEST(host_waits_for_pages_too)
{
	static const AxPagerOps ops = { .size = sizeof(ops), .fill = touch_own };
	AxError err = AX_ERROR_INIT;
	struct source source;
	struct code_vm vm;
	AxMemView view;
	uint64_t value;

	source_init(&source, BASE);
	code_open(&vm, NULL, CODE(copy));
	source.vm = vm.vm;
	ck_ok(ax_ram_add(vm.vm, BASE, 4 * source.page, 0, &err), err);
	if (new_pager(vm.vm, &source, &ops)) {
		ck_assert_int_eq(ax_mem_read(vm.vm, BASE + 8, &value, sizeof(value)), 0);
		ck_assert_uint_eq(value, word_of(BASE + 8));
		check_asked(&source, 0, 1, AX_PAGER_NO_VCPU, AX_MAP_READ);
		ck_assert_int_eq(source.own_access, -EDEADLK);
		ck_assert_int_eq(
			ax_mem_get(vm.vm, BASE + source.page - 1, source.page, AX_MEM_WRITE, &view),
			0);
		check_asked(&source, 1, 1, AX_PAGER_NO_VCPU, AX_MAP_WRITE);
		ax_mem_put(vm.vm, &view, 0);
		/* The guest finds them there. */
		order_copy(&vm, 0, BASE, CODE_SCRATCH, 64);
		run_to_end(vm.vcpu);
		check_pattern(vm.vm, CODE_SCRATCH, BASE, 64);
		ck_assert_uint_eq(total(&source), 2);

		/* A vCPU's owner that looks at RAM is named as well. */
		ck_ok(ax_vcpu_bind(vm.vcpu, AX_ANY_CPU, &err), err);
		ck_assert_int_eq(ax_mem_read(vm.vm, BASE + 2 * source.page, &value, 8), 0);
		check_asked(&source, 2, 1, 0, AX_MAP_READ);
		ck_ok(ax_vcpu_unbind(vm.vcpu, &err), err);
	}
	code_close(&vm);
}
END_TEST

/* Both touch all pages, in the same order and so often the same one at once. */
START_TEST(many_pages_under_two_vcpus_come_once_each)
{
	const uint64_t pages = MOST;
	AxError err = AX_ERROR_INIT;
	struct running running;
	struct source source;
	struct code_vm *vm = &running.vm;

	source_init(&source, BASE);
	running_open(&running, NULL, CODE(sweep), 2);
	ck_ok(ax_ram_add(vm->vm, BASE, pages * source.page, _i ? AX_RAM_MEMFD : 0, &err), err);
	if (new_pager(vm->vm, &source, &source_ops)) {
		for (uint32_t id = 0; id < 2; id++) {
			code_set_word(vm, id, 1, BASE);
			code_set_word(vm, id, 2, BASE + pages * source.page);
		}
		running_start(&running);
		for (uint32_t id = 0; id < 2; id++)
			code_wait_word(vm, id, 0, 2); /* rounds */
		running_stop(&running);
		pthread_mutex_lock(&source.lock);
		for (unsigned i = 0; i < pages; i++)
			ck_assert_uint_eq(source.asked[i], 1);
		pthread_mutex_unlock(&source.lock);
		check_pattern(vm->vm, BASE, BASE, pages * source.page);
	}
	running_close(&running);
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
	tcase_add_test(tcase, late_answers_may_come_in_any_order);
	tcase_add_test(tcase, pages_pushed_ahead_are_not_asked_for);
	tcase_add_loop_test(tcase, failed_page_ends_as_a_nested_page_fault, 0, 2);
	tcase_add_test(tcase, handler_of_the_fault_may_let_it_be_tried_again);
	tcase_add_loop_test(tcase, destroying_the_pager_lets_who_waits_go_on_with_zeros, 0, 2);
	tcase_add_test(tcase, host_waits_for_pages_too);
	tcase_add_loop_test(tcase, many_pages_under_two_vcpus_come_once_each, 0, 2);
	return kvm_main(suite);
}
