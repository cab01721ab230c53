/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Pages that guests wait for: answers that come late, in another order, or never; a pager that goes
 * away; the host that waits as well.
 */
#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "paging.h"
#include "running.h"

/* Two vCPUs wait for a page each; the second's comes first. */
START_TEST(late_answers_may_come_in_any_order)
{
	AxError err = AX_ERROR_INIT;
	struct runner runners[2];
	struct source source;
	struct code_vm vm;
	AxPager *pager;
	uint8_t *page;

	source_init(&source, PAGING_BASE);
	source.answer = AX_PAGE_LATER;
	code_open(&vm, NULL, CODE(copy));
	code_add_vcpu(&vm, 1);
	ck_ok(ax_ram_add(vm.vm, PAGING_BASE, 2 * source.page, 0, &err), err);
	pager = source_pager(vm.vm, &source, &source_ops);
	if (pager) {
		page = calloc(1, source.page);
		ck_assert_ptr_nonnull(page);
		for (uint32_t id = 0; id < 2; id++) {
			order_copy(&vm, id, PAGING_BASE + id * source.page,
				   CODE_SCRATCH + 0x100 * id, 64);
			runner_start(&runners[id], ax_vm_vcpu(vm.vm, id));
		}
		source_wait(&source, 2);
		for (uint32_t i = 2; i-- > 0;) {
			AxGuestPhysAddr gpa = PAGING_BASE + i * source.page;

			source_check(&source, i, 1, i, AX_MAP_READ);
			ck_assert(!runner_done(&runners[i]));
			pattern_fill(gpa, (uint64_t *)page, source.page);
			ck_ok(ax_pager_provide(pager, gpa, page, source.page, &err), err);
			runner_finish(&runners[i]);
			pattern_check(vm.vm, CODE_SCRATCH + 0x100 * i, gpa, 64);
		}
		free(page);
	}
	code_close(&vm);
}
END_TEST

/* Some KVMs let go of a vCPU that waits for a page, others not before it has it; no kick is lost. */
START_TEST(kick_of_a_vcpu_that_waits_is_not_lost)
{
	AxError err = AX_ERROR_INIT;
	struct source source;
	struct runner runner;
	struct code_vm vm;
	AxPager *pager;

	source_init(&source, PAGING_BASE);
	source.answer = AX_PAGE_LATER;
	code_open(&vm, NULL, CODE(copy));
	ck_ok(ax_ram_add(vm.vm, PAGING_BASE, source.page, 0, &err), err);
	pager = source_pager(vm.vm, &source, &source_ops);
	if (pager) {
		order_copy(&vm, 0, PAGING_BASE, CODE_SCRATCH, 8);
		runner_start(&runner, vm.vcpu);
		source_wait(&source, 1);
		ck_assert_int_eq(ax_vcpu_kick(vm.vcpu, 5), 0);
		doze(100000000);
		kvm_say("pager: a kick %s the wait for a page",
			runner_done(&runner) ? "ends" : "outlasts");
		if (_i)
			ck_ok(ax_pager_provide(pager, PAGING_BASE, NULL, source.page, &err), err);
		else
			ck_ok(ax_pager_destroy(pager, &err), err);
		pthread_join(runner.thread, NULL);
		ck_exit_kind(&runner.exit, AX_EXIT_EXTERNAL_INTERRUPT);
		ck_assert_uint_eq(runner.exit.external_interrupt.vector, 5);
		runner_run(vm.vcpu);
		ck_assert_uint_eq(source_total(&source), 1);
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
	ck_assert_uint_eq(exit->mmio_read.addr, PAGING_BASE);
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

	source_init(&source, PAGING_BASE);
	source.answer = _i ? AX_PAGE_LATER : AX_PAGE_FAILED;
	code_open(&vm, NULL, CODE(copy));
	ck_ok(ax_ram_add(vm.vm, PAGING_BASE, 4 * source.page, 0, &err), err);
	pager = source_pager(vm.vm, &source, &source_ops);
	if (!pager) {
		code_close(&vm);
		return;
	}
	order_copy(&vm, 0, PAGING_BASE, CODE_SCRATCH, 64);
	runner_start(&runner, vm.vcpu);
	source_wait(&source, 1);
	if (_i)
		ck_ok(ax_pager_fail(pager, PAGING_BASE, source.page, &err), err);
	pthread_join(runner.thread, NULL);
	source_check(&source, 0, 1, 0, AX_MAP_READ);
	ck_assert_int_eq(ax_mem_read(vm.vm, PAGING_BASE, &value, sizeof(value)), -EFAULT);
	if (!became_mmio(&runner.exit)) {
		ck_exit_kind(&runner.exit, AX_EXIT_NESTED_PAGE_FAULT);
		ck_assert(runner.exit.nested_page_fault.addr_known);
		ck_assert_uint_eq(runner.exit.nested_page_fault.addr, PAGING_BASE);
		ck_assert_uint_eq(runner.exit.nested_page_fault.size, source.page);
		ck_assert_uint_eq(runner.exit.nested_page_fault.access_flags, AX_MAP_READ);
		/* A second chance: the same instruction again. */
		page = calloc(1, source.page);
		ck_assert_ptr_nonnull(page);
		pattern_fill(PAGING_BASE, page, source.page);
		ck_ok(ax_pager_provide(pager, PAGING_BASE, page, source.page, &err), err);
		runner_run(vm.vcpu);
		pattern_check(vm.vm, CODE_SCRATCH, PAGING_BASE, 64);
		free(page);
	}
	ck_assert_uint_eq(source_total(&source), 1);
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

	source_init(&source, PAGING_BASE);
	source.answer = AX_PAGE_FAILED;
	options.unclaimed = AX_UNCLAIMED_STOP;
	code_open(&vm, &options, CODE(copy));
	ck_ok(ax_ram_add(vm.vm, PAGING_BASE, 4 * source.page, 0, &err), err);
	ck_ok(ax_event_set(vm.vm, &ops, &chance, &err), err);
	chance.page = source.page;
	chance.bytes = calloc(1, source.page);
	ck_assert_ptr_nonnull(chance.bytes);
	pattern_fill(PAGING_BASE, chance.bytes, source.page);
	chance.pager = source_pager(vm.vm, &source, &source_ops);
	if (chance.pager) {
		order_copy(&vm, 0, PAGING_BASE, CODE_SCRATCH, 64);
		ck_ok(ax_vcpu_bind(vm.vcpu, AX_ANY_CPU, &err), err);
		ck_assert_int_eq(ax_vcpu_loop(vm.vcpu, &exit, &err), AX_LOOP_UNHANDLED);
		if (!became_mmio(&exit)) {
			ck_assert(is_end(&exit));
			ck_assert_uint_eq(chance.faults, 1);
			pattern_check(vm.vm, CODE_SCRATCH, PAGING_BASE, 64);
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

	source_init(&source, PAGING_BASE);
	source.answer = AX_PAGE_LATER;
	code_open(&vm, NULL, CODE(copy));
	code_add_vcpu(&vm, 1);
	ck_ok(ax_ram_add(vm.vm, PAGING_BASE, 4 * source.page, _i ? AX_RAM_MEMFD : 0, &err), err);
	pager = source_pager(vm.vm, &source, &source_ops);
	if (pager) {
		value = UINT64_MAX;
		ck_assert_int_eq(ax_mem_write(vm.vm, CODE_SCRATCH, &value, sizeof(value)), 0);
		order_copy(&vm, 0, PAGING_BASE, CODE_SCRATCH, 8); /* waits to read */
		order_copy(&vm, 1, CODE_SCRATCH + 8, PAGING_BASE + source.page,
			   8); /* and to write */
		for (uint32_t id = 0; id < 2; id++)
			runner_start(&runners[id], ax_vm_vcpu(vm.vm, id));
		source_wait(&source, 2);
		ck_assert_int_eq(ax_ram_remove(vm.vm, PAGING_BASE, &err), -EBUSY);
		ck_ok(ax_pager_destroy(pager, &err), err);
		for (uint32_t id = 0; id < 2; id++)
			runner_finish(&runners[id]);
		ck_assert_int_eq(ax_mem_read(vm.vm, CODE_SCRATCH, &value, sizeof(value)), 0);
		ck_assert_uint_eq(value, 0);
		ck_assert_int_eq(ax_mem_read(vm.vm, PAGING_BASE + 2 * source.page, &value, 8), 0);
		ck_assert_uint_eq(value, 0);
		ck_assert_uint_eq(source_total(&source), 2);
		ck_ok(ax_ram_remove(vm.vm, PAGING_BASE, &err), err);
	}
	code_close(&vm);
}
END_TEST

/* A source whose handler asks for more of its own RAM while it is asked for some. */
struct selfish {
	struct source source; /* first: the handler's opaque */
	AxVm *vm;
	int own_access; /* what it got */
};

static AxPageAnswer touch_own(AxPager *pager, void *opaque, const AxVCpuExitReason *exit,
			      void *page, size_t size)
{
	struct selfish *selfish = opaque;
	AxGuestPhysAddr other = selfish->source.base + 3 * size;
	AxMemView view;
	uint8_t byte;

	selfish->own_access = ax_mem_read(selfish->vm, other, &byte, 1);
	if (ax_mem_get(selfish->vm, other, 1, AX_MEM_WRITE, &view) != -EDEADLK ||
	    ax_pager_destroy(pager, NULL) != -EDEADLK)
		selfish->own_access = -1;
	return source_fill(pager, &selfish->source, exit, page, size);
}

START_TEST(host_waits_for_pages_too)
{
	static const AxPagerOps ops = { .size = sizeof(ops), .fill = touch_own };
	AxError err = AX_ERROR_INIT;
	static struct selfish selfish;
	struct source *source = &selfish.source;
	struct code_vm vm;
	AxMemView view;
	uint64_t value;

	source_init(source, PAGING_BASE);
	code_open(&vm, NULL, CODE(copy));
	selfish.vm = vm.vm;
	ck_ok(ax_ram_add(vm.vm, PAGING_BASE, 4 * source->page, 0, &err), err);
	if (source_pager(vm.vm, source, &ops)) {
		ck_assert_int_eq(ax_mem_read(vm.vm, PAGING_BASE + 8, &value, sizeof(value)), 0);
		ck_assert_uint_eq(value, pattern_word(PAGING_BASE + 8));
		source_check(source, 0, 1, AX_PAGER_NO_VCPU, AX_MAP_READ);
		ck_assert_int_eq(selfish.own_access, -EDEADLK);
		ck_assert_int_eq(ax_mem_get(vm.vm, PAGING_BASE + source->page - 1, source->page,
					    AX_MEM_WRITE, &view),
				 0);
		source_check(source, 1, 1, AX_PAGER_NO_VCPU, AX_MAP_WRITE);
		ax_mem_put(vm.vm, &view, 0);
		/* The guest finds them there. */
		order_copy(&vm, 0, PAGING_BASE, CODE_SCRATCH, 64);
		runner_run(vm.vcpu);
		pattern_check(vm.vm, CODE_SCRATCH, PAGING_BASE, 64);
		ck_assert_uint_eq(source_total(source), 2);

		/* A vCPU's owner that looks at RAM is named as well. */
		ck_ok(ax_vcpu_bind(vm.vcpu, AX_ANY_CPU, &err), err);
		ck_assert_int_eq(ax_mem_read(vm.vm, PAGING_BASE + 2 * source->page, &value, 8), 0);
		source_check(source, 2, 1, 0, AX_MAP_READ);
		ck_ok(ax_vcpu_unbind(vm.vcpu, &err), err);
	}
	code_close(&vm);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("pager_answers");
	TCase *tcase = kvm_case(suite, "pager_answers");

	tcase_add_test(tcase, late_answers_may_come_in_any_order);
	tcase_add_loop_test(tcase, kick_of_a_vcpu_that_waits_is_not_lost, 0, 2);
	tcase_add_loop_test(tcase, failed_page_ends_as_a_nested_page_fault, 0, 2);
	tcase_add_test(tcase, handler_of_the_fault_may_let_it_be_tried_again);
	tcase_add_loop_test(tcase, destroying_the_pager_lets_who_waits_go_on_with_zeros, 0, 2);
	tcase_add_test(tcase, host_waits_for_pages_too);
	return kvm_main(suite);
}
