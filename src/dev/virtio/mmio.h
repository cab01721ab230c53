/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The MMIO transport inside: its registers, and what its files share. Kinds of devices include
 * virtio.h alone.
 */
#ifndef AXVMM_DEV_VIRTIO_MMIO_H
#define AXVMM_DEV_VIRTIO_MMIO_H

#include "dev/virtio/virtio.h"

/* Section 4.2.2, table 4.1. 32 bits each. */
#define VIRTIO_MMIO_MAGIC		0x000
#define VIRTIO_MMIO_VERSION		0x004
#define VIRTIO_MMIO_DEVICE_ID		0x008
#define VIRTIO_MMIO_VENDOR_ID		0x00c
#define VIRTIO_MMIO_DEVICE_FEATURES	0x010
#define VIRTIO_MMIO_DEVICE_FEATURES_SEL 0x014
#define VIRTIO_MMIO_DRIVER_FEATURES	0x020
#define VIRTIO_MMIO_DRIVER_FEATURES_SEL 0x024
#define VIRTIO_MMIO_QUEUE_SEL		0x030
#define VIRTIO_MMIO_QUEUE_SIZE_MAX	0x034
#define VIRTIO_MMIO_QUEUE_SIZE		0x038
#define VIRTIO_MMIO_QUEUE_READY		0x044
#define VIRTIO_MMIO_QUEUE_NOTIFY	0x050
#define VIRTIO_MMIO_INTERRUPT_STATUS	0x060
#define VIRTIO_MMIO_INTERRUPT_ACK	0x064
#define VIRTIO_MMIO_STATUS		0x070
#define VIRTIO_MMIO_QUEUE_DESC_LOW	0x080
#define VIRTIO_MMIO_QUEUE_DESC_HIGH	0x084
#define VIRTIO_MMIO_QUEUE_DRIVER_LOW	0x090
#define VIRTIO_MMIO_QUEUE_DRIVER_HIGH	0x094
#define VIRTIO_MMIO_QUEUE_DEVICE_LOW	0x0a0
#define VIRTIO_MMIO_QUEUE_DEVICE_HIGH	0x0a4
#define VIRTIO_MMIO_SHM_SEL		0x0ac
#define VIRTIO_MMIO_SHM_LEN_LOW		0x0b0
#define VIRTIO_MMIO_SHM_LEN_HIGH	0x0b4
#define VIRTIO_MMIO_SHM_BASE_LOW	0x0b8
#define VIRTIO_MMIO_SHM_BASE_HIGH	0x0bc
#define VIRTIO_MMIO_CONFIG_GENERATION	0x0fc
#define VIRTIO_MMIO_CONFIG		0x100

#define VIRTIO_MMIO_MAGIC_VALUE 0x74726976 /* "virt" */
#define VIRTIO_MMIO_MODERN	2	   /* Version */
/* "QEMU": small systems that are built for its boards compare, and find no device otherwise. */
#define VIRTIO_MMIO_VENDOR 0x554d4551

/* InterruptStatus. */
#define VIRTIO_MMIO_USED_BUFFER	  1u
#define VIRTIO_MMIO_CONFIG_CHANGE 2u

/* A width of 32 bits is wanted for all registers, any for the configuration. Takes the lock itself. */
extern const AxRangeOps virtio_mmio_ops;

/* Reset, save and restore: AxDeviceOps, the opaque pointer is the AxVirtio. They take the lock. */
extern const AxDeviceOps virtio_device_ops;

/* Set bits of InterruptStatus and let the line tell of it. */
void virtio_raise(AxVirtio *virtio, uint32_t reason);
/* Clear bits of it; with AX_VIRTIO_LEVEL the line falls when none is left. */
void virtio_acknowledge(AxVirtio *virtio, uint32_t reasons);
/* InterruptStatus. */
uint32_t virtio_pending(AxVirtio *virtio);

/* Back to how it was made, but for counters and config: what is in flight first. */
void virtio_reset(AxVirtio *virtio);

/* The type's drain op, if it has one and none runs. False: one runs, on another thread. */
bool virtio_drain(AxVirtio *virtio);

/* After virtio_drain(): an external device that still runs gets the queues again that are ready. */
void virtio_external_start(AxVirtio *virtio);

/* Whether the driver may have these features. */
bool virtio_accepts(AxVirtio *virtio, uint64_t features);

/* Find out whether the VM has RAM that is read-only to the guest, and so to its devices. */
void virtio_look_for_read_only(AxVirtio *virtio);
/* Whether a device may write to the piece of RAM at @addr. */
bool virtio_may_write(AxVirtio *virtio, uint64_t addr);

/* Let notify() come for every queue that is ready. */
void virtio_kick_all(AxVirtio *virtio);

#endif
