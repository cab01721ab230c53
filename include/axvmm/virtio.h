/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Virtio devices over MMIO: what is common to all kinds. Part of libaxvmm-machine.
 *
 * Source: Virtual I/O Device (VIRTIO) 1.2, OASIS committee specification 01 (1 July 2022): chapter 2,
 * and section 4.2 for MMIO, of which the modern interface (version 2) alone is there. "Section" in
 * the headers of virtio devices is of this document.
 *
 * Each kind has its own header with ax_virtio_<kind>_new(); all of them then live alike:
 *   - ax_virtio_attach() puts a device into a VM, ax_virtio_detach() takes it out, and it keeps its
 *     host side (disk, socket) in between, so that a guest can be rebooted in a new VM. Detaching
 *     resets it.
 *   - A device works on the thread of the AxHost that it was made with: queue notifications arrive
 *     there by eventfds (AxNotify), so that no vCPU waits for a device. Devices may have different
 *     hosts: a host is a thread of its own where the embedder wants one.
 *   - The guest's reset of a device (0 written to Status) waits on the vCPU's thread for what is in
 *     flight: no other register access waits.
 *   - A chain of descriptors that breaks the specification, or leaves RAM, sets DEVICE_NEEDS_RESET
 *     (section 2.1) and is counted: the device does nothing more until the driver resets it.
 */
#ifndef AXVMM_VIRTIO_H
#define AXVMM_VIRTIO_H

#include <axvmm/device.h>
#include <axvmm/error.h>
#include <axvmm/host.h>
#include <axvmm/irq.h>
#include <axvmm/record.h>

#ifdef __cplusplus
extern "C" {
#endif

/* A virtio device of any kind. */
typedef struct AxVirtio AxVirtio;

/* Bytes of MMIO that a device has: section 4.2.2, with 0x100 bytes of device configuration. */
#define AX_VIRTIO_SIZE 0x200

/* How the device's interrupt is wired. */
typedef enum AxVirtioTrigger {
	AX_VIRTIO_EDGE = 0, /* a pulse for each reason: what an eventfd could raise, too */
	AX_VIRTIO_LEVEL = 1 /* high while InterruptStatus is not 0 */
} AxVirtioTrigger;

/**
 * Put a device into a VM: AX_VIRTIO_SIZE bytes from @base.
 *
 * @param irq      its interrupt; copied; NULL: not connected
 * @param trigger  an AxVirtioTrigger
 * @return 0; -EBUSY it is in a VM already; -EINVAL; -EEXIST the addresses or its name are taken;
 *         -ENOMEM; -EIO. Nothing is claimed on failure
 *
 * Thread: the one that builds the VM; the device's host does not dispatch meanwhile, or it is its
 * thread.
 */
AX_API int ax_virtio_attach(AxVirtio *virtio, AxVm *vm, AxGuestPhysAddr base, const AxIrq *irq,
			    uint32_t trigger, AxError *err);

/* Take it out; waits for what is in flight. 0, also when it is in no VM; -EDEADLK from a handler.
 * Thread: as ax_virtio_attach(), no vCPU runs. */
AX_API int ax_virtio_detach(AxVirtio *virtio, AxError *err);

/**
 * Make the device @name of a recording anew, for its replay: what it has of the host is the recording.
 *
 * @return 0; -ENOEXEC the recording says nothing of it, or nonsense; -EINVAL; -ENOMEM
 *
 * Thread: the one that builds the VM.
 */
AX_API int ax_virtio_replay(AxRecord *record, const char *name, AxVirtio **out, AxError *err);

/* Close its host side and free it. It is in no VM. NULL is allowed. Thread: as ax_virtio_attach(). */
AX_API void ax_virtio_free(AxVirtio *virtio);

/* Device ID (section 5): 1 net, 2 blk, 3 console, 4 entropy, 5 balloon, 19 vsock, 26 file system.
 * Thread: any. */
AX_API uint32_t ax_virtio_id(const AxVirtio *virtio);

/* The name it was given or "blk0", "net0", ...; owned by the device. Thread: any. */
AX_API const char *ax_virtio_name(const AxVirtio *virtio);

/* What happened since the device was made. */
typedef struct AxVirtioCounters {
	size_t size;		/* sizeof(AxVirtioCounters): AX_VIRTIO_COUNTERS_INIT */
	uint64_t notifications; /* queue notifications that arrived */
	uint64_t chains;	/* buffers taken from queues */
	uint64_t interrupts;	/* raised */
	uint64_t suppressed;	/* that the driver did not want (section 2.7.7, 2.7.10) */
	uint64_t bad_chains;	/* each set DEVICE_NEEDS_RESET */
	uint64_t resets;	/* by the driver */
} AxVirtioCounters;

#define AX_VIRTIO_COUNTERS_INIT { sizeof(AxVirtioCounters), 0, 0, 0, 0, 0, 0 }

/* Fill @counters, whose size the caller has set. 0 or -EINVAL. Thread: any. */
AX_API int ax_virtio_counters(AxVirtio *virtio, AxVirtioCounters *counters);

/* Entropy device (section 5.4): the host's getrandom(2). */
typedef struct AxVirtioRngConfig {
	size_t size;	  /* sizeof(AxVirtioRngConfig): AX_VIRTIO_RNG_CONFIG_INIT */
	const char *name; /* NULL: "rng" */
	AxHost *host;	  /* borrowed until free; not NULL */
} AxVirtioRngConfig;

#define AX_VIRTIO_RNG_CONFIG_INIT { sizeof(AxVirtioRngConfig), NULL, NULL }

/* Make an entropy device, owned by the caller. 0; -EINVAL; -ENOMEM. Thread: any. */
AX_API int ax_virtio_rng_new(const AxVirtioRngConfig *config, AxVirtio **out, AxError *err);

#ifdef __cplusplus
}
#endif

#endif
