/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The pager inside: what pager.c (life, thread), pager_page.c (pages) and pager_open.c (permission)
 * share, and where the rest of the core meets it.
 *
 * Each page of a pager's has a state. Whoever changes one, or does to a page what a state says,
 * holds pager->lock; the handler is called without it. A state may be looked at without the lock:
 * PRESENT and FAILED are believed, since only ax_pager_provide() leaves FAILED.
 *
 * Lives as long as ram_slot.pager points to it; who uses it from there is counted in
 * ram_slot.pager_users.
 */
#ifndef AXVMM_CORE_PAGER_H
#define AXVMM_CORE_PAGER_H

#include <pthread.h>
#include <stdatomic.h>

#include <axvmm/pager.h>

#include "core/memory.h"
#include "core/vcpu.h"

enum page_state {
	PAGE_UNKNOWN, /* missing, or there since before the pager */
	PAGE_ASKED,   /* the handler has been asked; threads may wait */
	PAGE_PRESENT,
	PAGE_FAILED, /* inaccessible */
	PAGE_DOOMED, /* as UNKNOWN, but it fails when it is asked for */
	PAGE_RETURNED, /* to the host: missing, or touched since; it is zero when it is asked for */
};

/* vcpu->asked_page: the page's address, with the access in its low bits, of which one is set. */
#define ASKED_ACCESS (AX_MAP_READ | AX_MAP_WRITE)

struct AxPager {
	AxVm *vm;
	struct ram_slot *slot;
	const AxPagerOps *ops;
	void *opaque;

	AxGuestPhysAddr base;
	uint64_t length;
	uint8_t *host; /* of base */
	uint64_t page_size;
	size_t page_count;
	void *page;  /* for the handler's answer */
	void *zeros; /* a page of them, where the kernel gives no zero pages; else NULL */

	int uffd;
	int stop_event; /* eventfd: the thread ends */
	atomic_bool stopping;
	pthread_t thread;

	pthread_mutex_t lock;
	_Atomic uint8_t *states; /* an enum page_state each */
};

/*
 * pager_open.c: a userfaultfd descriptor with @features (SYS_UFFD_*) that serves KVM's faults.
 * Negative errno: -EACCES, -ENOTSUP, -ENOMEM or -EIO.
 */
int pager_open(uint64_t features, AxError *err);
/* Whether this host lets a process have pagers: tries it. 0 or as pager_open(). */
int pager_check_host(AxError *err);
/* A page of this process's own in *@page, for munmap(); and whether pager_touch() works here. */
int pager_map_page(size_t size, void **page, AxError *err);
/* Make the pages that @len bytes at @start lie in present, as an access would. 0; negative errno. */
int pager_touch(void *start, size_t len, bool write);

/* pager_page.c: the page at @index, 0 or a negative errno; pager->lock is held. */
int pager_put_page(AxPager *pager, size_t index, const void *bytes);
void pager_fail_page(AxPager *pager, size_t index);
/* A fault was reported at a page that is there, has failed or was returned: let it be tried again. */
void pager_retry_page(AxPager *pager, size_t index);

/* The vCPU whose owner is the thread @tid; NULL. Any thread. */
AxVCpu *pager_vcpu_of(AxVm *vm, pid_t tid);

static inline uint8_t *pager_page_at(const AxPager *pager, size_t index)
{
	return pager->host + index * pager->page_size;
}

/*
 * For memory_view.c: wait until all pages of a piece of @slot, which is pinned, are there. 0;
 * -EFAULT one has failed; -EDEADLK the caller is the pager of a missing one. Any thread.
 */
int pager_make_present(AxVm *vm, struct ram_slot *slot, AxGuestPhysAddr gpa, uint64_t len,
		       unsigned access);

/*
 * For memory_discard.c: the pages in the range are about to be returned to the host, and the handler
 * is not asked for them any more. Whole pages of @slot, which is pinned. Any thread but a pager's.
 */
void pager_discard(struct ram_slot *slot, AxGuestPhysAddr gpa, uint64_t len);

/*
 * For run.c: KVM_RUN failed on a page that it could not have. Fills in the address when it was one
 * that the vCPU had asked for, and that failed. Owner.
 */
void pager_name_fault(AxVCpu *vcpu, AxVCpuExitReason *exit);

/* For vm.c: destroy what is left, in a VM that is being destroyed. */
void pager_fini(AxVm *vm);

#endif
