/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Interrupt lines (device to guest) and notifications (guest to device). A device cannot tell
 * whether KVM or this library carries them.
 */
#ifndef AXVMM_IRQ_H
#define AXVMM_IRQ_H

#include <axvmm/error.h>
#include <axvmm/types.h>

#ifdef __cplusplus
extern "C" {
#endif

/*
 * An interrupt line as a device sees it. Copyable; valid as long as what it came from. All zero:
 * not connected, everything on it is allowed and does nothing.
 */
typedef struct AxIrq {
	void (*set)(void *opaque, uint32_t line, bool level); /* NULL: not connected */
	void (*pulse)(void *opaque, uint32_t line);	      /* NULL: set(true), set(false) */
	void *opaque;
	uint32_t line;
} AxIrq;

/*
 * Drive a line. Any thread. Never fails: a line that KVM refuses is a host bug that ax_irq_get()
 * found.
 */
AX_API void ax_irq_set(const AxIrq *irq, bool level);
AX_API void ax_irq_pulse(const AxIrq *irq);

/**
 * The line @gsi of the VM's interrupt controller.
 *
 *   AX_IRQCHIP_KERNEL  GSI of the in-kernel chips: each change is a KVM_IRQ_LINE, a pulse two
 *   AX_IRQCHIP_SPLIT   -ENOTSUP: lines lead into the IOAPIC, which is a device (pc.h, ax_ioapic_irq())
 *   AX_IRQCHIP_USER    a rising edge is a fixed interrupt with vector 0x20 + gsi to the first vCPU
 *   AX_IRQCHIP_NONE    a rising edge injects vector 0x20 + gsi into the first vCPU, as a PIC would;
 *                      arm64 and riscv64: the CPU's one interrupt line is up while any gsi is
 *
 * On arm64 gsi n of the in-kernel GIC is SPI n (INTID 32 + n), on riscv64 source n of the APLIC.
 *
 * @param gsi   x86-64: 0 to 23; arm64, riscv64: 0 to 95
 * @param irq   filled; owned by the VM, valid until ax_vm_destroy()
 * @return 0; -EINVAL; -ENOTSUP; -EPERM the first vCPU does not exist yet; -ENOMEM; -EIO
 *
 * Thread: the one that builds the VM.
 */
AX_API int ax_irq_get(AxVm *vm, uint32_t gsi, AxIrq *irq, AxError *err);

/* The version of the in-kernel interrupt controller: arm64 2 or 3, of the GIC; 0 elsewhere, and without
 * one. Thread: any. */
AX_API uint32_t ax_irq_version(const AxVm *vm);

/* A message that is an interrupt: what a device writes, and where. SDM 3A, 11.11. */
typedef struct AxMsi {
	uint64_t address;
	uint32_t data;
	uint32_t reserved; /* 0 */
} AxMsi;

/**
 * Send it: KVM_SIGNAL_MSI.
 *
 * @return 0, also where no vCPU takes it; -ENOTSUP this VM's interrupts are not KVM's; -EIO
 *
 * Thread: any.
 */
AX_API int ax_msi_send(AxVm *vm, const AxMsi *msi, AxError *err);

/**
 * AX_IRQCHIP_SPLIT: what an eventfd for line @gsi (ax_irq_attach_eventfd()) sends, and which
 * interrupts' ends are reported (AX_EXIT_IRQ_EOI, for level-triggered messages): KVM_SET_GSI_ROUTING.
 *
 * @param gsi  0 to 23
 * @param msi  NULL: nothing, the line is masked
 * @return 0; -EINVAL; -ENOTSUP another irqchip; -ENOMEM; -EIO
 *
 * Thread: any.
 */
AX_API int ax_irq_route(AxVm *vm, uint32_t gsi, const AxMsi *msi, AxError *err);

#define AX_NOTIFY_PORT	(1u << 0) /* addr is a port, else MMIO */
#define AX_NOTIFY_MATCH (1u << 1) /* only writes of the value `match` */

/* A guest write that becomes a signal on an eventfd. */
typedef struct AxNotify {
	size_t size; /* sizeof(AxNotify): AX_NOTIFY_INIT */
	uint64_t addr;
	uint32_t width; /* bytes of the write: 1, 2, 4, 8; 0: any width (not for ports) */
	unsigned flags; /* AX_NOTIFY_* */
	uint64_t match;
	int event; /* an eventfd, borrowed until the notification is removed */
} AxNotify;

#define AX_NOTIFY_INIT                           \
	{                                        \
		sizeof(AxNotify), 0, 0, 0, 0, -1 \
	}

typedef uint64_t AxNotifyId;

/**
 * Turn guest writes into signals. KVM carries them (KVM_IOEVENTFD, no exit) where it can; elsewhere
 * the dispatch writes the eventfd: that path costs one more system call per write.
 *
 * @param id  filled; may be NULL
 * @return 0; -EINVAL; -EEXIST the same write is notified already; -ENOMEM; -EIO
 *
 * Thread: any but a handler's.
 */
AX_API int ax_notify_add(AxVm *vm, const AxNotify *notify, AxNotifyId *id, AxError *err);

/*
 * Undo it: after this the eventfd is not written any more. 0, -ENOENT, or -EDEADLK from a handler.
 * Thread: any other.
 */
AX_API int ax_notify_remove(AxVm *vm, AxNotifyId id, AxError *err);

/* Whether KVM carries it (true) or the dispatch does. Thread: any. */
AX_API bool ax_notify_in_kernel(AxVm *vm, AxNotifyId id);

/**
 * Make writes of an eventfd raise a line without waking this process's threads: KVM_IRQFD
 * (AX_IRQCHIP_KERNEL; AX_IRQCHIP_SPLIT, where it sends what ax_irq_route() says). For descriptors that
 * others write: for a thread of this process ax_irq_pulse() costs less, since a wired line's eventfd KVM
 * leaves to a worker thread of the kernel's.
 *
 * @return 0; -ENOTSUP this VM's interrupts are not KVM's, or the architecture is riscv64, whose KVM never
 * lowers such a line: watch the eventfd and call ax_irq_pulse(); -EINVAL; -EIO
 *
 * Thread: the one that builds the VM.
 */
AX_API int ax_irq_attach_eventfd(AxVm *vm, uint32_t gsi, int event, AxError *err);

#ifdef __cplusplus
}
#endif

#endif
