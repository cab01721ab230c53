/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Paging a guest in lazily: RAM whose missing pages are asked of a handler.
 *
 * A page of the RAM is missing as long as nobody has touched it. The first access to it, the
 * guest's or the host's, waits; the pager's own thread asks the handler for the page, with a
 * NestedPageFault that says where and for which vCPU; and the access goes on with what the handler
 * gave. The guest notices nothing but the time that it took.
 *
 * It stands on Linux's userfaultfd, which must be allowed to serve the kernel's own page faults,
 * because KVM's are such: "axvmm doctor" says whether this host lets it, and what to do if not.
 *
 * A vCPU that waits for a page is inside KVM_RUN. On x86-64 kernels since 6.2 a kick ends that wait;
 * elsewhere ax_vcpu_kick(), ax_vm_pause() and ax_vm_stop() take effect once the page is answered.
 */
#ifndef AXVMM_PAGER_H
#define AXVMM_PAGER_H

#include <axvmm/error.h>
#include <axvmm/exit.h>

#ifdef __cplusplus
extern "C" {
#endif

/* Pages that are asked for, in one piece of RAM. */
typedef struct AxPager AxPager;

/* AxVCpuExitReason.vcpu when no vCPU's owner made the access: a device's thread, the kernel's. */
#define AX_PAGER_NO_VCPU UINT32_MAX

/* What a handler says of a page. Numbered for ever. */
typedef enum AxPageAnswer {
	AX_PAGE_FILLED = 0, /* its bytes have been written to `page` */
	AX_PAGE_ZERO = 1,   /* it is all zero; costs no memory as long as it is only read */
	AX_PAGE_LATER = 2,  /* ax_pager_provide() or ax_pager_fail() will say */
	AX_PAGE_FAILED = 3  /* it cannot be had: as ax_pager_fail() */
} AxPageAnswer;

/* The handler. */
typedef struct AxPagerOps {
	size_t size; /* sizeof(AxPagerOps) */
	/**
	 * A page is missing. Each is asked for once.
	 *
	 * It must not touch missing pages of this pager's: it would wait for itself. ax_mem_get(),
	 * ax_mem_read() and ax_mem_write() notice and say -EDEADLK. Beside these three it may call
	 * ax_pager_provide(), ax_pager_fail(), ax_vcpu_kick() and ax_vm_stop(); other functions of
	 * the VM may wait for the vCPU that waits for the page.
	 *
	 * @param exit  NestedPageFault: addr is the page's, access_flags AX_MAP_READ or AX_MAP_WRITE
	 *              as the kernel says (KVM may ask for a page to write where the guest reads),
	 *              size the page's; exit.vcpu the vCPU whose owner made the access, be it the
	 *              guest's or a handler's, or AX_PAGER_NO_VCPU. x86-64 with an in-kernel irqchip
	 *              may fetch pages by threads of the kernel's: then it is that, too
	 * @param page  `size` zero bytes for the answer, the library's; valid during the call
	 * @return an AxPageAnswer; any other value is AX_PAGE_FAILED
	 *
	 * Thread: the pager's ("ax-pager", every signal blocked). It may block: other missing pages
	 * wait meanwhile. AX_PAGE_LATER lets several be under way.
	 */
	AxPageAnswer (*fill)(AxPager *pager, void *opaque, const AxVCpuExitReason *exit, void *page,
			     size_t size);
} AxPagerOps;

typedef struct AxPagerConfig {
	size_t size;	       /* sizeof(AxPagerConfig): AX_PAGER_CONFIG_INIT */
	AxGuestPhysAddr base;  /* a page in RAM that was added with ax_ram_add() */
	uint64_t length;       /* bytes, whole pages of that piece; 0: up to its end */
	const AxPagerOps *ops; /* borrowed until the pager is destroyed */
	void *opaque;	       /* borrowed until the pager is destroyed */
} AxPagerConfig;

#define AX_PAGER_CONFIG_INIT                            \
	{                                               \
		sizeof(AxPagerConfig), 0, 0, NULL, NULL \
	}

/**
 * Ask for the missing pages of a piece of RAM from now on. Pages that were touched before (by
 * loading an image, say) stay as they are. A page is the host's (sysconf(_SC_PAGESIZE)), a huge page
 * in hugetlb RAM (AX_RAM_MEMFD | AX_RAM_HUGE).
 *
 * While it lasts, ax_mem_get(), ax_mem_read() and ax_mem_write() wait until all of their pages are
 * there, and fail where one has failed, before they touch any. Who discards pages behind the
 * library's back (madvise(), a punched hole in the memfd) gets zero pages there.
 *
 * @param out  owned by the VM: lives until ax_pager_destroy() or ax_vm_destroy(); untouched on
 *             failure. The handler may be called before this returns
 * @return 0; -EINVAL; -EFAULT not RAM, or leaves one piece of it; -EEXIST that piece has a pager;
 *         -EACCES userfaultfd may not be used (the message says what is missing); -ENOTSUP this
 *         host's kernel lacks it, or a part; -ENOMEM; -EIO
 *
 * Thread: any. Needs Linux 5.14.
 * Source: Documentation/admin-guide/mm/userfaultfd.rst.
 */
AX_API int ax_pager_create(AxVm *vm, const AxPagerConfig *config, AxPager **out, AxError *err);

/**
 * Give pages, asked for or not: waiting accesses go on. A page that is there keeps its content, so
 * that giving one twice does no harm; one that failed is given a second chance.
 *
 * @param gpa, len  whole pages of the pager's
 * @param bytes     len bytes, outside this pager's RAM; NULL: zero pages
 * @return 0; -EINVAL misaligned, empty, or bytes in the pager's RAM; -EFAULT not the pager's;
 *         -ENOMEM; -EIO. On failure pages before the one that failed have been given
 *
 * Thread: any, fill() too.
 */
AX_API int ax_pager_provide(AxPager *pager, AxGuestPhysAddr gpa, const void *bytes, uint64_t len,
			    AxError *err);

/**
 * Say that pages cannot be had. An access of a guest's ends as NestedPageFault, with its address
 * where the vCPU itself had asked for the page; AxEventOps.page_fault may answer AX_HANDLED to try
 * again, once ax_pager_provide() has given the page after all. ax_mem_get() and its like give
 * -EFAULT. Pages that are there stay.
 *
 * The page becomes inaccessible memory (PROT_NONE) of this process. A KVM that takes accesses to
 * such for MMIO, as one that interprets the guest may, makes MMIO exits of it. Where the host cannot even do
 * that, the VM is stopped (ax_vm_stop(), code -EIO) with a line in its log.
 *
 * @return 0; -EINVAL; -EFAULT not the pager's
 *
 * Thread: any, fill() too.
 */
AX_API int ax_pager_fail(AxPager *pager, AxGuestPhysAddr gpa, uint64_t len, AxError *err);

/**
 * Ask no more. Waiting accesses go on; pages that were never given, failed ones too, are zero pages
 * from now on. Waits until fill() has returned. NULL is allowed.
 *
 * @return 0; -EDEADLK from fill(), nothing is done
 *
 * Thread: any but the pager's, once nobody else uses @pager.
 */
AX_API int ax_pager_destroy(AxPager *pager, AxError *err);

#ifdef __cplusplus
}
#endif

#endif
