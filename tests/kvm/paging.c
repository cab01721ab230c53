/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Where pages come from, and vCPUs that wait for them; see paging.h.
 */
#include "paging.h"

#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "running.h"

uint64_t pattern_word(AxGuestPhysAddr gpa)
{
	return gpa * 0x9e3779b97f4a7c15 + 1;
}

void pattern_fill(AxGuestPhysAddr gpa, uint64_t *words, size_t size)
{
	for (size_t i = 0; i < size / 8; i++)
		words[i] = pattern_word(gpa + 8 * i);
}

AxPageAnswer source_fill(AxPager *pager, void *opaque, const AxVCpuExitReason *exit, void *page,
			 size_t size)
{
	const AxExitNestedPageFault *fault = &exit->nested_page_fault;
	struct source *source = opaque;
	uint64_t index = (fault->addr - source->base) / size;
	AxPageAnswer answer;

	(void)pager;
	if (exit->kind != AX_EXIT_NESTED_PAGE_FAULT || !fault->addr_known || fault->flags ||
	    fault->size != source->page || size != source->page || fault->addr % size ||
	    index >= PAGING_MOST)
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
		pattern_fill(fault->addr, page, size);
	return AX_PAGE_FILLED;
}

const AxPagerOps source_ops = { .size = sizeof(AxPagerOps), .fill = source_fill };

void source_init(struct source *source, AxGuestPhysAddr base)
{
	memset(source, 0, sizeof(*source));
	pthread_mutex_init(&source->lock, NULL);
	source->page = (uint64_t)sysconf(_SC_PAGESIZE);
	source->base = base;
	for (unsigned i = 0; i < PAGING_MOST; i++)
		source->vcpu[i] = AX_PAGER_NO_VCPU - 1;
}

AxPager *source_pager(AxVm *vm, struct source *source, const AxPagerOps *ops)
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

void source_check(struct source *source, unsigned page, unsigned times, uint32_t vcpu,
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

unsigned source_total(struct source *source)
{
	unsigned count;

	pthread_mutex_lock(&source->lock);
	count = source->total;
	pthread_mutex_unlock(&source->lock);
	return count;
}

void source_wait(struct source *source, unsigned count)
{
	uint64_t end = kvm_now() + UINT64_C(10000000000);

	while (source_total(source) < count) {
		ck_assert_msg(kvm_now() < end, "%u pages were asked for, not %u",
			      source_total(source), count);
		doze(100000);
	}
}

void pattern_check(AxVm *vm, AxGuestPhysAddr at, AxGuestPhysAddr of, uint64_t bytes)
{
	uint64_t words[128];

	/* A word at a time each check would cost more than the guest. */
	for (uint64_t done = 0; done < bytes; done += sizeof(words)) {
		uint64_t now = bytes - done < sizeof(words) ? bytes - done : sizeof(words);

		ck_assert_int_eq(ax_mem_read(vm, at + done, words, now), 0);
		for (uint64_t i = 0; i < now / 8; i++) {
			if (words[i] != pattern_word(of + done + 8 * i))
				ck_abort_msg("0x%" PRIx64 " at 0x%" PRIx64, words[i],
					     at + done + 8 * i);
		}
	}
}

void order_copy(struct code_vm *vm, uint32_t id, AxGuestPhysAddr from, AxGuestPhysAddr to,
		uint64_t bytes)
{
	code_set_word(vm, id, 1, from);
	code_set_word(vm, id, 2, to);
	code_set_word(vm, id, 3, bytes / 8);
}

bool is_end(const AxVCpuExitReason *exit)
{
	return exit->kind == AX_EXIT_MMIO_WRITE && exit->mmio_write.addr == CODE_MMIO + CODE_END;
}

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

void runner_start(struct runner *runner, AxVCpu *vcpu)
{
	*runner = (struct runner){ .vcpu = vcpu };
	ck_assert_int_eq(pthread_create(&runner->thread, NULL, run_vcpu, runner), 0);
}

bool runner_done(const struct runner *runner)
{
	return __atomic_load_n(&runner->done, __ATOMIC_SEQ_CST);
}

void runner_finish(struct runner *runner)
{
	pthread_join(runner->thread, NULL);
	ck_exit_kind(&runner->exit, AX_EXIT_MMIO_WRITE);
	ck_assert(is_end(&runner->exit));
}

void runner_run(AxVCpu *vcpu)
{
	struct runner runner;

	runner_start(&runner, vcpu);
	runner_finish(&runner);
}
