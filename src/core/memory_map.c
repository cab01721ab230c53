/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The host's side of guest RAM: what a piece of it is mapped from.
 */
#include <config.h>

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/sysinfo.h>
#include <unistd.h>

#include "core/error.h"
#include "core/memory.h"

#define MIB (UINT64_C(1) << 20)

/*
 * What transparent huge pages are made of where a page has 4 KiB. Where both the host's and the
 * guest's address have the same offset in such a page, KVM maps the whole page at once.
 */
#define HUGE_SIZE (2 * MIB)

static uint64_t in_mib(uint64_t bytes)
{
	return bytes / MIB + (bytes % MIB != 0);
}

int ram_check_host(uint64_t present, uint64_t size, AxError *err)
{
	struct sysinfo host;
	uint64_t memory, swap;

	if (sysinfo(&host))
		return 0; /* nothing is known: mmap() decides */
	memory = (uint64_t)host.totalram * host.mem_unit;
	swap = (uint64_t)host.totalswap * host.mem_unit;
	if (size <= memory + swap && present <= memory + swap - size)
		return 0;
	return ax_error_set(err, -ENOMEM, AX_ERROR_RESOURCE, 0,
			    "%" PRIu64 " MiB of RAM beside the VM's %" PRIu64
			    " MiB is more than this host has: %" PRIu64
			    " MiB of memory and %" PRIu64 " MiB of swap",
			    in_mib(size), in_mib(present), memory / MIB, swap / MIB);
}

/* A system call for @slot's memory failed. */
static int refuse(const struct ram_slot *slot, const char *call, int os_errno, AxError *err)
{
	char what[80];

	(void)snprintf(what, sizeof(what), "%s for %" PRIu64 " MiB of RAM", call,
		       in_mib(slot->size));
	return ax_error_sys(err, -os_errno, what);
}

/* Map @size bytes at an address with the same offset in a huge page as @base. */
static void *map_aligned(AxGuestPhysAddr base, uint64_t size)
{
	uint64_t shift, rest;
	uint8_t *all;

	all = mmap(NULL, size + HUGE_SIZE, PROT_READ | PROT_WRITE,
		   MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
	if (all == MAP_FAILED)
		return MAP_FAILED;
	shift = (base - (uintptr_t)all) % HUGE_SIZE;
	rest = HUGE_SIZE - shift;
	if (shift)
		munmap(all, shift);
	munmap(all + shift + size, rest);
	return all + shift;
}

static int map_anonymous(AxVm *vm, struct ram_slot *slot, AxError *err)
{
	void *host;

	if (slot->flags & AX_RAM_HUGE)
		host = map_aligned(slot->base, slot->size);
	else
		host = mmap(NULL, slot->size, PROT_READ | PROT_WRITE,
			    MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
	if (host == MAP_FAILED)
		return refuse(slot, "mmap", errno, err);
	if ((slot->flags & AX_RAM_HUGE) && madvise(host, slot->size, MADV_HUGEPAGE))
		vm_log(vm, AX_LOG_WARNING, "this host's kernel has no transparent huge pages");
	slot->host = host;
	return 0;
}

/*
 * A memfd of the right size, which nobody who shares it can shrink below the mapping (that would be
 * SIGBUS).
 */
static int open_memfd(const struct ram_slot *slot, AxError *err)
{
	bool huge = slot->flags & AX_RAM_HUGE;
	int fd = memfd_create("ax-ram", MFD_CLOEXEC | MFD_ALLOW_SEALING | (huge ? MFD_HUGETLB : 0));
	int ret;

	if (fd < 0) {
		if (huge && errno != ENOMEM && errno != EMFILE && errno != ENFILE)
			return ax_error_set(err, -ENOTSUP, AX_ERROR_UNSUPPORTED, errno,
					    "this host's kernel has no hugetlb pages: %m");
		return refuse(slot, "memfd_create", errno, err);
	}
	if (!ftruncate(fd, (off_t)slot->size) &&
	    !fcntl(fd, F_ADD_SEALS, F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_SEAL))
		return fd;
	if (huge && errno == EINVAL)
		ret = ax_error_argument(err, -EINVAL,
					"RAM with size 0x%" PRIx64
					" is not a multiple of this host's huge page size",
					slot->size);
	else
		ret = refuse(slot, "ftruncate", errno, err);
	close(fd);
	return ret;
}

static int map_memfd(struct ram_slot *slot, AxError *err)
{
	bool huge = slot->flags & AX_RAM_HUGE;
	int fd = open_memfd(slot, err);
	void *host;
	int ret;

	if (fd < 0)
		return fd;
	/*
	 * Huge pages are reserved now: a pool that is too small is an error here instead of SIGBUS
	 * at the first touch.
	 */
	host = mmap(NULL, slot->size, PROT_READ | PROT_WRITE,
		    MAP_SHARED | (huge ? 0 : MAP_NORESERVE), fd, 0);
	if (host == MAP_FAILED) {
		if (huge && errno == ENOMEM)
			ret = ax_error_set(err, -ENOMEM, AX_ERROR_RESOURCE, errno,
					   "the host has not %" PRIu64
					   " MiB of free huge pages (raise vm.nr_hugepages)",
					   in_mib(slot->size));
		else
			ret = refuse(slot, "mmap", errno, err);
		close(fd);
		return ret;
	}
	slot->host = host;
	slot->fd = fd;
	return 0;
}

int ram_map(AxVm *vm, struct ram_slot *slot, AxError *err)
{
	if (slot->size > SIZE_MAX / 2)
		return ax_error_set(err, -ENOMEM, AX_ERROR_RESOURCE, 0,
				    "%" PRIu64 " MiB of RAM is more than a process can map",
				    in_mib(slot->size));
	return slot->flags & AX_RAM_MEMFD ? map_memfd(slot, err) : map_anonymous(vm, slot, err);
}

void ram_unmap(struct ram_slot *slot)
{
	if (slot->host)
		munmap(slot->host, slot->size);
	if (slot->fd >= 0)
		close(slot->fd);
}

int ram_page_size(const struct ram_slot *slot, uint64_t *page_size)
{
	struct stat file;

	*page_size = (uint64_t)sysconf(_SC_PAGESIZE);
	if (!(slot->flags & AX_RAM_MEMFD) || !(slot->flags & AX_RAM_HUGE))
		return 0;
	if (fstat(slot->fd, &file))
		return -errno;
	*page_size = (uint64_t)file.st_blksize; /* hugetlbfs says its pages' size so */
	return 0;
}
