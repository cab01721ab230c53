/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Pages of a pager's: giving them, failing them, waiting for them. See pager.h.
 */
#include <config.h>

#include <errno.h>
#include <inttypes.h>
#include <sched.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "core/error.h"
#include "core/pager.h"
#include "sys/uffd.h"

static enum page_state state_of(const AxPager *pager, size_t index)
{
	return (enum page_state)atomic_load(&pager->states[index]);
}

static void set_state(AxPager *pager, size_t index, enum page_state state)
{
	atomic_store(&pager->states[index], (uint8_t)state);
}

/* Into a missing page: 0, -EEXIST it is there, or another negative errno. NULL: zeros. */
static int place(AxPager *pager, size_t index, const void *bytes)
{
	void *page = pager_page_at(pager, index);
	int ret;

	if (!bytes)
		bytes = pager->zeros;
	do {
		ret = bytes ? sys_uffd_copy(pager->uffd, page, bytes, pager->page_size)
			    : sys_uffd_zero(pager->uffd, page, pager->page_size);
	} while (ret == -EAGAIN);
	return ret;
}

int pager_put_page(AxPager *pager, size_t index, const void *bytes)
{
	void *page = pager_page_at(pager, index);
	enum page_state state = state_of(pager, index);
	int ret;

	if (state == PAGE_PRESENT || state == PAGE_RETURNED)
		return 0;
	if (state == PAGE_FAILED && mprotect(page, pager->page_size, PROT_READ | PROT_WRITE))
		return -errno;
	ret = place(pager, index, bytes);
	if (ret && ret != -EEXIST) {
		/* As before: nobody may come to see a page that was not given. */
		if (state == PAGE_FAILED)
			mprotect(page, pager->page_size, PROT_NONE);
		return ret;
	}
	/* It came another way, as through a memfd's other mapping, which wakes nobody. */
	if (ret)
		sys_uffd_wake(pager->uffd, page, pager->page_size);
	set_state(pager, index, PAGE_PRESENT);
	return 0;
}

/*
 * The host cannot even make a page inaccessible. Nobody may run with zeros in its place, but nobody
 * may wait for ever either: the vCPUs are asked to leave first, and see that before they go on.
 */
static void give_up(AxPager *pager, size_t index, int os_errno)
{
	vm_log(pager->vm, AX_LOG_WARNING,
	       "the page at 0x%" PRIx64
	       " can't be had, nor made inaccessible (%s): the VM is stopped",
	       pager->base + index * pager->page_size, strerror(os_errno));
	ax_vm_stop(pager->vm, -EIO);
	(void)place(pager, index, NULL);
	sys_uffd_wake(pager->uffd, pager_page_at(pager, index), pager->page_size);
	set_state(pager, index, PAGE_PRESENT);
}

void pager_fail_page(AxPager *pager, size_t index)
{
	void *page = pager_page_at(pager, index);
	enum page_state state = state_of(pager, index);

	if (state == PAGE_UNKNOWN)
		set_state(pager, index, PAGE_DOOMED);
	if (state != PAGE_ASKED)
		return;
	if (mprotect(page, pager->page_size, PROT_NONE)) {
		give_up(pager, index, errno);
		return;
	}
	set_state(pager, index, PAGE_FAILED);
	sys_uffd_wake(pager->uffd, page, pager->page_size);
}

void pager_retry_page(AxPager *pager, size_t index)
{
	enum page_state state = state_of(pager, index);

	/*
	 * A page that is there and yet missing was discarded behind the library's back, for which
	 * zeros are the answer as for a returned one; else the fault is older than the page, and this
	 * does nothing.
	 */
	if (state == PAGE_PRESENT || state == PAGE_RETURNED) {
		(void)place(pager, index, NULL);
		set_state(pager, index, PAGE_PRESENT);
	}
	sys_uffd_wake(pager->uffd, pager_page_at(pager, index), pager->page_size);
}

/* The pages gpa .. gpa + len: first and one past the last. */
static int check_pages(const AxPager *pager, AxGuestPhysAddr gpa, uint64_t len, size_t *first,
		       size_t *end, AxError *err)
{
	uint64_t offset = gpa - pager->base;

	if (!len || gpa % pager->page_size || len % pager->page_size)
		return ax_error_argument(err, -EINVAL,
					 "0x%" PRIx64 " bytes at 0x%" PRIx64
					 " are not whole pages of %" PRIu64 " bytes",
					 len, gpa, pager->page_size);
	if (gpa < pager->base || offset >= pager->length || len > pager->length - offset)
		return ax_error_argument(err, -EFAULT,
					 "0x%" PRIx64 " bytes at 0x%" PRIx64
					 " are not all in the pager's RAM: 0x%" PRIx64
					 " bytes at 0x%" PRIx64,
					 len, gpa, pager->length, pager->base);
	*first = (size_t)(offset / pager->page_size);
	*end = *first + (size_t)(len / pager->page_size);
	return 0;
}

int ax_pager_provide(AxPager *pager, AxGuestPhysAddr gpa, const void *bytes, uint64_t len,
		     AxError *err)
{
	uintptr_t from = (uintptr_t)bytes, host = (uintptr_t)pager->host;
	size_t first = 0, end = 0;
	int ret = check_pages(pager, gpa, len, &first, &end, err);

	if (ret)
		return ret;
	if (bytes && from < host + pager->length && host < from + len)
		return ax_error_argument(err, -EINVAL, "pages are given from the pager's own RAM");
	for (size_t i = first; i < end && !ret; i++) {
		pthread_mutex_lock(&pager->lock);
		ret = pager_put_page(pager, i,
				     bytes ? (const uint8_t *)bytes + (i - first) * pager->page_size
					   : NULL);
		pthread_mutex_unlock(&pager->lock);
	}
	return ret ? ax_error_sys(err, ret, "giving a page of RAM") : 0;
}

int ax_pager_fail(AxPager *pager, AxGuestPhysAddr gpa, uint64_t len, AxError *err)
{
	size_t first = 0, end = 0;
	int ret = check_pages(pager, gpa, len, &first, &end, err);

	for (size_t i = first; !ret && i < end; i++) {
		pthread_mutex_lock(&pager->lock);
		pager_fail_page(pager, i);
		pthread_mutex_unlock(&pager->lock);
	}
	return ret;
}

/* The pager of @slot, which stays until leave(); NULL. */
static AxPager *enter(struct ram_slot *slot)
{
	atomic_fetch_add(&slot->pager_users, 1);
	return atomic_load(&slot->pager);
}

static void leave(struct ram_slot *slot)
{
	atomic_fetch_sub(&slot->pager_users, 1);
}

/* Wait for a page as an access would, but fail where that would end the process. */
static int wait_for_page(AxPager *pager, size_t index, bool write)
{
	int ret;

	if (pthread_equal(pthread_self(), pager->thread))
		return -EDEADLK;
	ret = pager_touch(pager_page_at(pager, index), pager->page_size, write);
	pthread_mutex_lock(&pager->lock);
	if (!ret && state_of(pager, index) != PAGE_FAILED)
		set_state(pager, index, PAGE_PRESENT);
	pthread_mutex_unlock(&pager->lock);
	return ret ? -EFAULT : 0;
}

AxVCpu *pager_vcpu_of(AxVm *vm, pid_t tid)
{
	/* Without the lock: in this order, so that the table has at least so many. */
	unsigned count = __atomic_load_n(&vm->vcpu_count, __ATOMIC_SEQ_CST);
	AxVCpu **vcpus = __atomic_load_n(&vm->vcpus, __ATOMIC_SEQ_CST);

	for (unsigned i = 0; tid && i < count; i++)
		if (atomic_load(&vcpus[i]->owner_tid) == tid)
			return vcpus[i];
	return NULL;
}

/* The vCPU that the calling thread owns waited for a page itself, not for the guest: forget it. */
static void forget_asked(AxVm *vm)
{
	pid_t tid = (pid_t)syscall(SYS_gettid);
	AxVCpu *vcpu = pager_vcpu_of(vm, tid);

	if (vcpu)
		atomic_store(&vcpu->asked_page, 0);
}

int pager_make_present(AxVm *vm, struct ram_slot *slot, AxGuestPhysAddr gpa, uint64_t len,
		       unsigned access)
{
	AxPager *pager;
	AxGuestPhysAddr last = gpa + (len - 1);
	bool waited = false;
	int ret = 0;

	if (!atomic_load_explicit(&slot->pager, memory_order_relaxed))
		return 0;
	pager = enter(slot);
	if (pager && last >= pager->base && gpa < pager->base + pager->length) {
		size_t index = gpa > pager->base ? (gpa - pager->base) / pager->page_size : 0;
		uint64_t last_page = (last - pager->base) / pager->page_size;

		for (; !ret && index < pager->page_count && index <= last_page; index++) {
			enum page_state state = state_of(pager, index);

			if (state == PAGE_PRESENT)
				continue;
			waited = true;
			ret = state == PAGE_FAILED
				      ? -EFAULT
				      : wait_for_page(pager, index, access & AX_MEM_WRITE);
		}
	}
	leave(slot);
	if (waited)
		forget_asked(vm);
	return ret;
}

void pager_discard(struct ram_slot *slot, AxGuestPhysAddr gpa, uint64_t len)
{
	AxPager *pager;

	if (!atomic_load_explicit(&slot->pager, memory_order_relaxed))
		return;
	pager = enter(slot);
	if (pager) {
		pthread_mutex_lock(&pager->lock);
		for (uint64_t at = 0; at < len; at += pager->page_size) {
			uint64_t offset = gpa + at - pager->base;
			size_t index = (size_t)(offset / pager->page_size);

			if (gpa + at >= pager->base && offset < pager->length &&
			    (state_of(pager, index) == PAGE_UNKNOWN ||
			     state_of(pager, index) == PAGE_PRESENT))
				set_state(pager, index, PAGE_RETURNED);
		}
		pthread_mutex_unlock(&pager->lock);
	}
	leave(slot);
}

/* The piece of RAM with @gpa, pinned by being read; NULL. */
static struct ram_slot *find_slot(const struct ram_table *table, AxGuestPhysAddr gpa)
{
	size_t count = ram_count_up_to(table, gpa);
	struct ram_slot *slot = count ? table->slots[count - 1] : NULL;

	return slot && gpa - slot->base < slot->size ? slot : NULL;
}

void pager_name_fault(AxVCpu *vcpu, AxVCpuExitReason *exit)
{
	struct ram *ram = atomic_load(&vcpu->vm->ram);
	uint64_t asked = atomic_exchange(&vcpu->asked_page, 0);
	AxGuestPhysAddr gpa = asked & ~(uint64_t)ASKED_ACCESS;
	struct ram_slot *slot;
	AxPager *pager;

	if (!asked || !ram || exit->nested_page_fault.addr_known)
		return;
	slot = find_slot(ram_enter(ram), gpa);
	pager = slot ? enter(slot) : NULL;
	if (pager && gpa - pager->base < pager->length &&
	    state_of(pager, (gpa - pager->base) / pager->page_size) == PAGE_FAILED)
		exit->nested_page_fault = (AxExitNestedPageFault){
			.addr = gpa,
			.addr_known = true,
			.access_flags = (AxMappingFlags)(asked & ASKED_ACCESS),
			.size = pager->page_size,
		};
	if (slot)
		leave(slot);
	ram_leave(ram);
}
