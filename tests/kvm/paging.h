/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A source of pages that notes what it is asked for, as the handler of a pager; and vCPUs that run
 * "copy" on threads of their own, where they may have to wait for pages.
 */
#ifndef AXVMM_TESTS_KVM_PAGING_H
#define AXVMM_TESTS_KVM_PAGING_H

#include <pthread.h>

#include "code.h"

#define PAGING_BASE 0x40000000 /* RAM that is paged, where a test does not say otherwise */
#define PAGING_MOST (CODE_RAM_SIZE / 4096)

/* What the handler was asked, by page; and what it answers. */
struct source {
	pthread_mutex_t lock;
	uint64_t page; /* bytes */
	AxGuestPhysAddr base;
	unsigned asked[PAGING_MOST];
	uint32_t vcpu[PAGING_MOST];
	AxMappingFlags access[PAGING_MOST];
	unsigned total;
	AxPageAnswer answer;  /* to pages from `first` on; before it: FILLED */
	unsigned first;	      /* page */
	const uint8_t *image; /* what pages are filled with; NULL: the pattern */
};

/* Nothing was asked for; pages of the host's size from @base on, all of them FILLED. */
void source_init(struct source *source, AxGuestPhysAddr base);
/* For AxPagerOps: opaque is the source. */
AxPageAnswer source_fill(AxPager *pager, void *opaque, const AxVCpuExitReason *exit, void *page,
			 size_t size);
extern const AxPagerOps source_ops;

/* A pager over the RAM at the source's base; NULL: this host does not let us, which has been said. */
AxPager *source_pager(AxVm *vm, struct source *source, const AxPagerOps *ops);

/* How often a page was asked for and, unless never, for whom and for what the last time. */
void source_check(struct source *source, unsigned page, unsigned times, uint32_t vcpu,
		  AxMappingFlags access);
/* How many pages were asked for; and wait until so many were. */
unsigned source_total(struct source *source);
void source_wait(struct source *source, unsigned count);

/* The pattern: each word of it depends on its address. */
void pattern_fill(AxGuestPhysAddr gpa, uint64_t *words, size_t size);
uint64_t pattern_word(AxGuestPhysAddr gpa);
/* Guest memory at @at is the pattern of @of. */
void pattern_check(AxVm *vm, AxGuestPhysAddr at, AxGuestPhysAddr of, uint64_t bytes);

/* What "copy" is to do on this vCPU. */
void order_copy(struct code_vm *vm, uint32_t id, AxGuestPhysAddr from, AxGuestPhysAddr to,
		uint64_t bytes);
/* The write that ends a piece of code. */
bool is_end(const AxVCpuExitReason *exit);

/* A vCPU in state Free that runs until its code ends, or to an exit that is not Nothing. */
struct runner {
	AxVCpu *vcpu;
	pthread_t thread;
	AxVCpuExitReason exit;
	bool done;
};

void runner_start(struct runner *runner, AxVCpu *vcpu);
bool runner_done(const struct runner *runner);
/* Wait for its end, which must be its code's. */
void runner_finish(struct runner *runner);
/* Both. */
void runner_run(AxVCpu *vcpu);

#endif
