/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Guest RAM. The library maps it; guest addresses are checked here and nowhere else.
 */
#ifndef AXVMM_MEMORY_H
#define AXVMM_MEMORY_H

#include <axvmm/error.h>
#include <axvmm/types.h>

#ifdef __cplusplus
extern "C" {
#endif

#define AX_RAM_READONLY \
	(1u << 0) /* the guest can't write: its writes are MMIO writes (KVM_MEM_READONLY) */
#define AX_RAM_MEMFD \
	(1u << 1) /* memfd instead of anonymous memory: shareable with other processes */
#define AX_RAM_HUGE \
	(1u << 2) /* transparent huge pages asked for by madvise(); with MEMFD: hugetlb pages */

/**
 * Add RAM. Untouched pages cost nothing.
 *
 * @param base, size  bytes; multiples of the page size (4096); size not 0
 * @param flags       AX_RAM_*
 * @return 0; -EINVAL misaligned, empty, wraps or past what KVM maps; -EEXIST overlaps RAM, an MMIO
 * range or, on x86-64, KVM's own pages at 0xfeffc000 to 0xfeffffff (the message names it); -ENOMEM the host has not so much; -ENOSPC KVM has no slot
 * left; -ENOTSUP no read-only slots; -EBUSY a vCPU is inside its loop and not paused
 *
 * Thread: the one that builds the VM; while it runs, any between ax_vm_pause() and ax_vm_resume().
 */
AX_API int ax_ram_add(AxVm *vm, AxGuestPhysAddr base, uint64_t size, unsigned flags, AxError *err);

/**
 * Remove the RAM that was added at @base and return its memory.
 *
 * @return 0; -ENOENT; -EBUSY a view of it is held, it has a pager (pager.h), or a vCPU runs
 *
 * Thread: as ax_ram_add().
 */
AX_API int ax_ram_remove(AxVm *vm, AxGuestPhysAddr base, AxError *err);

typedef struct AxRamInfo {
	AxGuestPhysAddr base;
	uint64_t size;
	unsigned flags;
	int fd; /* of the memfd, owned by the VM; -1 */
} AxRamInfo;

/* The RAM at @index in order of address; false past the end. Thread: any. */
AX_API bool ax_ram_info(AxVm *vm, unsigned index, AxRamInfo *info);

/**
 * Return the memory of pages to the host: they read as zero and cost nothing until they are touched
 * again. For balloons and the like; the guest may run.
 *
 * Only whole pages of the RAM that lie in the range are returned, that is of the host's size
 * (sysconf(_SC_PAGESIZE)), and of a huge page's in hugetlb RAM (AX_RAM_MEMFD | AX_RAM_HUGE); what
 * is left at its ends stays as it is. Pages that a pager (pager.h) has yet to give will be zero
 * instead, but for those that it has been asked for or that failed.
 *
 * @param gpa, len   bytes; the range may cross from one piece of RAM into the next
 * @param discarded  filled with the bytes that were returned, also on failure; NULL allowed
 * @return 0; -EINVAL gpa + len wraps; -EFAULT some of it is not RAM, or is read-only, and nothing was
 * returned; -EIO, -ENOMEM the host refuses (locked memory). len 0 is a success anywhere.
 *
 * Thread: any but a pager's handler.
 */
AX_API int ax_ram_discard(AxVm *vm, AxGuestPhysAddr gpa, uint64_t len, uint64_t *discarded,
			  AxError *err);

/**
 * Let pages of RAM show a file's: each is read when it is first touched, and is the host's one copy of
 * it, for every VM, until it is written to; what the VM writes stays its own. What RAM held there is lost.
 *
 * Who overwrites the file in place while the VM lives changes what it reads; who truncates it makes
 * accesses fail: the guest's as NestedPageFault, the host's by SIGBUS. A file that is replaced by another
 * of its name (rename) does no harm.
 *
 * @param gpa, len, offset  multiples of the host's page size, len not 0; in one piece of RAM
 * @param fd  a regular file, readable; borrowed during the call
 * @return 0; -EINVAL no whole pages, or they wrap; -EFAULT not RAM, or read-only; -ENOTSUP RAM with
 *         AX_RAM_MEMFD, AX_RAM_HUGE or a pager; -ENOMEM, -EIO the host refuses
 *
 * Thread: the one that builds the VM.
 */
AX_API int ax_ram_map_file(AxVm *vm, AxGuestPhysAddr gpa, uint64_t len, int fd, uint64_t offset,
			   AxError *err);

#define AX_MEM_READ  (1u << 0)
#define AX_MEM_WRITE (1u << 1) /* by the host: read-only RAM may be written too (loading flash) */

/*
 * A piece of guest RAM that the host looks at. Filled by ax_mem_get(), given back with
 * ax_mem_put().
 */
typedef struct AxMemView {
	void *host; /* len bytes; the guest may change them at any time */
	AxGuestPhysAddr gpa;
	uint64_t len;
	void *slot; /* the library's */
} AxMemView;

/**
 * Look at guest RAM: the place where pinning and dirty logging go.
 *
 * @param len     bytes, not 0; the whole piece must lie in one piece of RAM
 * @param access  AX_MEM_READ | AX_MEM_WRITE
 * @return 0; -EINVAL len is 0, gpa + len wraps or access is none; -EFAULT not RAM, leaves it, or
 * its pager (pager.h) has no such page; -EDEADLK that is missing, and the caller is its pager
 *
 * Thread: any. Pieces that several threads write need a lock of their owners'.
 */
AX_API int ax_mem_get(AxVm *vm, AxGuestPhysAddr gpa, uint64_t len, unsigned access,
		      AxMemView *view);

/* Give a view back. @written: bytes from its start that the host changed. Thread: any. */
AX_API void ax_mem_put(AxVm *vm, AxMemView *view, uint64_t written);

/**
 * Copy out of or into guest RAM; a range may cross from one piece of RAM into the next. Nothing is
 * copied on failure.
 *
 * @return 0; -EINVAL gpa + len wraps; -EFAULT some of it is not RAM; -EFAULT and -EDEADLK as
 * ax_mem_get(). len 0 is a success anywhere.
 *
 * Thread: any.
 */
AX_API int ax_mem_read(AxVm *vm, AxGuestPhysAddr gpa, void *buffer, uint64_t len);
AX_API int ax_mem_write(AxVm *vm, AxGuestPhysAddr gpa, const void *buffer, uint64_t len);

#ifdef __cplusplus
}
#endif

#endif
