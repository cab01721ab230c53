/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The pager's life, and its thread, which asks the handler for pages. See axvmm/pager.h, pager.h.
 */
#include <config.h>

#include <errno.h>
#include <inttypes.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/mman.h>
#include <time.h>
#include <unistd.h>

#include "core/error.h"
#include "core/pager.h"
#include "sys/uffd.h"

static AxPageAnswer ask(AxPager *pager, size_t index, uint32_t vcpu, AxMappingFlags access)
{
	AxVCpuExitReason exit = { .kind = AX_EXIT_NESTED_PAGE_FAULT, .vcpu = vcpu };

	exit.nested_page_fault = (AxExitNestedPageFault){
		.addr = pager->base + index * pager->page_size,
		.access_flags = access,
		.addr_known = true,
		.size = pager->page_size,
	};
	memset(pager->page, 0, pager->page_size);
	return pager->ops->fill(pager, pager->opaque, &exit, pager->page, pager->page_size);
}

static void answer(AxPager *pager, size_t index, AxPageAnswer answer)
{
	int ret = 0;

	if (answer == AX_PAGE_LATER)
		return;
	pthread_mutex_lock(&pager->lock);
	if (answer == AX_PAGE_FILLED)
		ret = pager_put_page(pager, index, pager->page);
	else if (answer == AX_PAGE_ZERO)
		ret = pager_put_page(pager, index, NULL);
	else
		pager_fail_page(pager, index);
	if (ret) {
		vm_log(pager->vm, AX_LOG_WARNING, "the page at 0x%" PRIx64 " can't be placed: %s",
		       pager->base + index * pager->page_size, strerror(-ret));
		pager_fail_page(pager, index);
	}
	pthread_mutex_unlock(&pager->lock);
}

static void serve(AxPager *pager, const struct sys_uffd_fault *fault)
{
	size_t index = (fault->address - (uintptr_t)pager->host) / pager->page_size;
	AxMappingFlags access = fault->write ? AX_MAP_WRITE : AX_MAP_READ;
	AxVCpu *vcpu = pager_vcpu_of(pager->vm, (pid_t)fault->tid);
	enum page_state state;

	if (index >= pager->page_count)
		return;
	pthread_mutex_lock(&pager->lock);
	state = (enum page_state)atomic_load(&pager->states[index]);
	/* Before anybody can wake it. */
	if (vcpu && state != PAGE_PRESENT && state != PAGE_FAILED && state != PAGE_RETURNED)
		atomic_store(&vcpu->asked_page, (pager->base + index * pager->page_size) | access);
	switch (state) {
	case PAGE_UNKNOWN:
	case PAGE_DOOMED: atomic_store(&pager->states[index], PAGE_ASKED); break;
	case PAGE_ASKED: break; /* another thread waits for it, too */
	case PAGE_PRESENT:
	case PAGE_RETURNED:
	case PAGE_FAILED: pager_retry_page(pager, index); break;
	}
	if (state == PAGE_DOOMED)
		pager_fail_page(pager, index);
	pthread_mutex_unlock(&pager->lock);
	if (state == PAGE_UNKNOWN)
		answer(pager, index, ask(pager, index, vcpu ? vcpu->id : AX_PAGER_NO_VCPU, access));
}

/* Serve the faults that there are: 0, or the negative errno that the descriptor gave. */
static int serve_all(AxPager *pager)
{
	struct sys_uffd_fault fault;
	int ret = 0;

	while (ret >= 0 && !atomic_load(&pager->stopping)) {
		ret = sys_uffd_read(pager->uffd, &fault);
		if (ret > 0)
			serve(pager, &fault);
	}
	return ret == -EAGAIN || ret == -EINTR || ret > 0 ? 0 : ret;
}

static void *pager_thread(void *opaque)
{
	AxPager *pager = opaque;
	struct pollfd fds[2] = { { .fd = pager->uffd, .events = POLLIN },
				 { .fd = pager->stop_event, .events = POLLIN } };
	int ret = 0;

	pthread_setname_np(pthread_self(), "ax-pager");
	/* Until the RAM knows its pager: the handler is not asked before. */
	pthread_mutex_lock(&pager->lock);
	pthread_mutex_unlock(&pager->lock);
	while (!ret && !atomic_load(&pager->stopping)) {
		if (poll(fds, 2, -1) < 0 && errno != EINTR)
			ret = -errno;
		else if (fds[0].revents)
			ret = serve_all(pager);
	}
	if (ret) {
		vm_log(pager->vm, AX_LOG_WARNING,
		       "no page can be asked for any more (userfaultfd: %s): the VM is stopped",
		       strerror(-ret));
		ax_vm_stop(pager->vm, -EIO);
	}
	return NULL;
}

static int start_thread(AxPager *pager, AxError *err)
{
	sigset_t all, old;
	int ret;

	/* As the vCPUs' threads: what a mistake of its own raises the process may want to hear of. */
	sigfillset(&all);
	sigdelset(&all, SIGSEGV);
	sigdelset(&all, SIGBUS);
	sigdelset(&all, SIGFPE);
	sigdelset(&all, SIGILL);
	pthread_sigmask(SIG_SETMASK, &all, &old);
	ret = pthread_create(&pager->thread, NULL, pager_thread, pager);
	pthread_sigmask(SIG_SETMASK, &old, NULL);
	return ret ? ax_error_set(err, -ENOMEM, AX_ERROR_RESOURCE, ret,
				  "the pager's thread can't be created: %s", strerror(ret))
		   : 0;
}

static int check_config(const AxPagerConfig *config, AxError *err)
{
	if (!config || config->size < sizeof(*config))
		return ax_error_argument(err, -EINVAL,
					 "AxPagerConfig.size is not set: use AX_PAGER_CONFIG_INIT");
	if (!config->ops || config->ops->size < sizeof(*config->ops) || !config->ops->fill)
		return ax_error_argument(err, -EINVAL,
					 "a pager without fill(), or its ops' size is not set");
	return 0;
}

/* What @slot's memory is made of: the size of its pages, and the features it needs. */
static int look_at_slot(const struct ram_slot *slot, uint64_t *page_size, uint64_t *features,
			AxError *err)
{
	int ret = ram_page_size(slot, page_size);

	*features = SYS_UFFD_THREAD_ID;
	if (ret)
		return ax_error_sys(err, ret, "fstat");
	if (slot->flags & AX_RAM_MEMFD)
		*features |= SYS_UFFD_MISSING_SHMEM;
	if ((slot->flags & AX_RAM_MEMFD) && (slot->flags & AX_RAM_HUGE))
		*features |= SYS_UFFD_MISSING_HUGETLBFS;
	return 0;
}

/*
 * The piece of RAM that the config names, where a pager of its can be; NULL with the reason in *ret.
 * vm->lock is held.
 */
static struct ram_slot *find_piece(AxVm *vm, const AxPagerConfig *config, int *ret, AxError *err)
{
	struct ram *ram = atomic_load(&vm->ram);
	const struct ram_table *table = ram ? atomic_load(&ram->table) : NULL;
	size_t count = table ? ram_count_up_to(table, config->base) : 0;
	struct ram_slot *slot = count ? table->slots[count - 1] : NULL;
	uint64_t left = 0;

	if (slot && config->base - slot->base < slot->size)
		left = slot->size - (config->base - slot->base);
	if (!left || config->length > left) {
		*ret = ax_error_argument(err, -EFAULT,
					 "0x%" PRIx64 " bytes at 0x%" PRIx64
					 " are not all in one piece of RAM",
					 config->length, config->base);
		return NULL;
	}
	if (atomic_load(&slot->pager)) {
		*ret = ax_error_set(err, -EEXIST, AX_ERROR_STATE, 0,
				    "the RAM at 0x%" PRIx64 " has a pager already", slot->base);
		return NULL;
	}
	return slot;
}

/* Everything but registering and the thread. vm->lock is held. */
static int prepare(AxPager *pager, AxVm *vm, const AxPagerConfig *config, AxError *err)
{
	uint64_t features;
	int ret = 0;
	struct ram_slot *slot = find_piece(vm, config, &ret, err);

	if (!slot)
		return ret;
	ret = look_at_slot(slot, &pager->page_size, &features, err);
	if (ret)
		return ret;
	pager->vm = vm;
	pager->slot = slot;
	pager->ops = config->ops;
	pager->opaque = config->opaque;
	pager->base = config->base;
	pager->length = config->length ? config->length : slot->base + slot->size - config->base;
	pager->host = slot->host + (config->base - slot->base);
	if (pager->base % pager->page_size || pager->length % pager->page_size)
		return ax_error_argument(err, -EINVAL,
					 "0x%" PRIx64 " bytes at 0x%" PRIx64
					 " are not whole pages of %" PRIu64 " bytes",
					 pager->length, pager->base, pager->page_size);
	pager->page_count = (size_t)(pager->length / pager->page_size);
	pager->states = calloc(pager->page_count, sizeof(pager->states[0]));
	if (!pager->states)
		return ax_error_nomem(err, "a pager");
	ret = pager_map_page(pager->page_size, &pager->page, err);
	if (ret)
		return ret;
	pager->stop_event = eventfd(0, EFD_CLOEXEC);
	if (pager->stop_event < 0)
		return ax_error_sys(err, -errno, "eventfd");
	pager->uffd = pager_open(features, err);
	return pager->uffd < 0 ? pager->uffd : 0;
}

/* From here on pages are asked for. vm->lock is held. */
static int register_pages(AxPager *pager, AxError *err)
{
	int ret = sys_uffd_register(pager->uffd, pager->host, pager->length);

	if (ret < 0)
		return ax_error_sys(err, ret, "UFFDIO_REGISTER");
	if (ret)
		return 0;
	pager->zeros = calloc(1, pager->page_size);
	return pager->zeros ? 0 : ax_error_nomem(err, "a pager");
}

static int create_locked(AxPager *pager, AxVm *vm, const AxPagerConfig *config, AxError *err)
{
	int ret = prepare(pager, vm, config, err);

	if (!ret)
		ret = register_pages(pager, err);
	if (ret)
		return ret;
	pthread_mutex_lock(&pager->lock);
	ret = start_thread(pager, err);
	if (!ret)
		atomic_store(&pager->slot->pager, pager);
	pthread_mutex_unlock(&pager->lock);
	return ret;
}

/* Closing the descriptor ends what was registered with it, and wakes who waits. */
static void free_pager(AxPager *pager)
{
	if (pager->uffd >= 0)
		sys_uffd_close(pager->uffd);
	if (pager->stop_event >= 0)
		close(pager->stop_event);
	pthread_mutex_destroy(&pager->lock);
	free((void *)pager->states);
	if (pager->page)
		munmap(pager->page, pager->page_size);
	free(pager->zeros);
	free(pager);
}

int ax_pager_create(AxVm *vm, const AxPagerConfig *config, AxPager **out, AxError *err)
{
	AxPager *pager;
	int ret = check_config(config, err);

	if (ret)
		return ret;
	pager = calloc(1, sizeof(*pager));
	if (!pager)
		return ax_error_nomem(err, "a pager");
	pager->uffd = -1;
	pager->stop_event = -1;
	pthread_mutex_init(&pager->lock, NULL);
	pthread_mutex_lock(&vm->lock);
	ret = create_locked(pager, vm, config, err);
	pthread_mutex_unlock(&vm->lock);
	if (ret) {
		free_pager(pager);
		return ret;
	}
	*out = pager;
	return 0;
}

static void stop_thread(AxPager *pager)
{
	uint64_t one = 1;

	atomic_store(&pager->stopping, true);
	(void)!write(pager->stop_event, &one, sizeof(one));
	pthread_join(pager->thread, NULL);
}

/* Until who found the pager by its RAM has left it: none waits for a page any more. */
static void wait_for_users(const struct ram_slot *slot)
{
	const struct timespec a_moment = { .tv_nsec = 50000 };

	while (atomic_load(&slot->pager_users))
		nanosleep(&a_moment, NULL);
}

int ax_pager_destroy(AxPager *pager, AxError *err)
{
	struct ram_slot *slot;

	if (!pager)
		return 0;
	if (pthread_equal(pthread_self(), pager->thread))
		return ax_error_set(err, -EDEADLK, AX_ERROR_STATE, 0,
				    "a pager can't be destroyed by its own fill()");
	slot = pager->slot;
	stop_thread(pager);
	/* Accessible again before those who wait try it. */
	mprotect(pager->host, pager->length, PROT_READ | PROT_WRITE);
	sys_uffd_unregister(pager->uffd, pager->host, pager->length);
	/* Only now may the RAM be removed; and @slot stays as long as it may not. */
	pthread_mutex_lock(&pager->vm->lock);
	atomic_store(&slot->pager, NULL);
	wait_for_users(slot);
	pthread_mutex_unlock(&pager->vm->lock);
	free_pager(pager);
	return 0;
}

void pager_fini(AxVm *vm)
{
	struct ram *ram = atomic_load(&vm->ram);
	struct ram_table *table = ram ? atomic_load(&ram->table) : NULL;

	for (size_t i = 0; table && i < table->count; i++)
		ax_pager_destroy(atomic_load(&table->slots[i]->pager), NULL);
}
