/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A virtio device's inside: the MMIO transport, and the seam to the kinds of devices (blk.c, net.c,
 * ...), each of which embeds AxVirtio as its first member.
 *
 * Threads: everything here runs with the device's lock held: register accesses on vCPU threads,
 * notify() and what a kind does on its host's thread. A kind's own callbacks (watches, timers,
 * completions) take it with virtio_lock(). Only InterruptStatus, InterruptACK and QueueNotify do
 * without, so that no interrupt handler of the guest waits for a notify() that has much to do.
 *
 * Section numbers are those of VIRTIO 1.2.
 */
#ifndef AXVMM_DEV_VIRTIO_VIRTIO_H
#define AXVMM_DEV_VIRTIO_VIRTIO_H

#include <axvmm/virtio.h>

#include "dev/dev.h"
#include "dev/virtio/queue.h"

#define VIRTIO_QUEUES_MAX 36 /* console: 16 ports with two each, two for control; net: 8 pairs */
#define VIRTIO_CONFIG_MAX 256

/* Feature bits (section 6) that every device here offers. */
#define VIRTIO_F_INDIRECT_DESC (1ULL << 28)
#define VIRTIO_F_EVENT_IDX     (1ULL << 29)
#define VIRTIO_F_VERSION_1     (1ULL << 32)
#define VIRTIO_F_RING_PACKED   (1ULL << 34)

/* Device status bits (section 2.1). */
#define VIRTIO_ACKNOWLEDGE 1u
#define VIRTIO_DRIVER	   2u
#define VIRTIO_DRIVER_OK   4u
#define VIRTIO_FEATURES_OK 8u
#define VIRTIO_NEEDS_RESET 64u
#define VIRTIO_FAILED	   128u

/* What a kind of device is. An op that may be NULL says so; the lock is held in all but outside and free. */
struct virtio_type {
	uint32_t id;	  /* section 5 */
	const char *name; /* "blk": devices are blk0, blk1, ... where the embedder gives no name */
	/*
	 * Another process serves the queues (vhost-user): the transport makes the event of each queue
	 * that is ready and has notifications signal it, as ever, but watches none and takes nothing
	 * from a queue; notify() is NULL. start() hands the queues that are ready, and their event,
	 * over to that process, drain() takes them back from it. start() comes again after a drain()
	 * that was for one queue, or for save().
	 */
	bool external;
	/*
	 * The device was put into link.vm, which has its RAM: 0, or a negative errno with @err filled,
	 * with which ax_virtio_attach() fails. NULL: any VM will do. The thread that attaches.
	 */
	int (*attach)(AxVirtio *virtio, AxError *err);
	/* The driver has set DRIVER_OK: features and queues hold. May be NULL. vCPU's thread. */
	void (*start)(AxVirtio *virtio);
	/* Buffers may be in queue @index. Host's thread, never before start. */
	void (*notify)(AxVirtio *virtio, unsigned index);
	/*
	 * Finish what is in flight, or give it up: when it returns nobody but the guest touches guest
	 * memory that the device was given. Chains may be pushed meanwhile, none be taken; it may let
	 * the lock go while it waits. Called before a reset, before a queue is switched off, and
	 * before save(): what was given up then is to be taken up again by notify(), which comes for
	 * every queue afterwards. NULL: nothing ever is in flight outside of notify(). Any thread.
	 */
	void (*drain)(AxVirtio *virtio);
	/* The device is reset (queues are off already): forget the driver. May be NULL. */
	void (*reset)(AxVirtio *virtio);
	/* Configuration space was written: virtio->config has the bytes. NULL: not writable. vCPU's
	 * thread. */
	void (*config_written)(AxVirtio *virtio, uint32_t offset, uint32_t len);
	/* Features that the driver wants: false refuses them (FEATURES_OK stays off). May be NULL. */
	bool (*features_ok)(AxVirtio *virtio, uint64_t features);
	/*
	 * State beyond transport, queues and config. NULL: there is none. save() comes after drain():
	 * no chain is taken. restore() comes after the transport's own, before start() where the
	 * driver had set DRIVER_OK, and has untrusted bytes: -EINVAL, after which reset() comes. The
	 * config is not restored, for it describes the host's side: a restore() that needs some of it
	 * saves it.
	 */
	int (*save)(AxVirtio *virtio, AxState *state);
	int (*restore)(AxVirtio *virtio, AxState *state);
	/*
	 * What ax_virtio_replay() makes the same device of, as "blk queues=1 ...", into @text. NULL: it
	 * cannot be replayed.
	 */
	void (*describe)(const AxVirtio *virtio, char *text, size_t size);
	/*
	 * A replay: do what the call from outside did that ax_record_enter() recorded with the same
	 * @what and bytes, which are untrusted. NULL: there are none. Without the lock.
	 */
	void (*outside)(AxVirtio *virtio, uint32_t what, const void *bytes, size_t len);
	/* Close the host side and free the whole object. In no VM, no lock. */
	void (*free)(AxVirtio *virtio);
};

struct virtio_irq {
	AxIrq irq;
	uint32_t trigger; /* an AxVirtioTrigger */
};

struct AxVirtio {
	const struct virtio_type *type;
	AxHost *host;
	AxRecord *record; /* while it is in a VM that has one; NULL */
	AxLock *lock;
	struct ax_dev_link link; /* its VM is link.vm */
	struct virtio_irq irq;
	uint64_t base;
	uint64_t offered;  /* features */
	uint64_t features; /* negotiated: of the driver, subset of offered */
	uint32_t status;
	AxLock *irq_lock; /* guards interrupt_status and the line; taken last */
	uint32_t interrupt_status; /* section 4.2.2: bit 0 used buffer, bit 1 configuration */
	uint32_t config_generation;
	uint32_t device_features_sel, driver_features_sel, queue_sel;
	bool draining; /* in the drain op, which may have let the lock go: no chain is taken */
	bool read_only_ram; /* the VM has some: devices must not write there */
	uint32_t queue_count;
	struct virtq *queues;		   /* queue_count */
	uint32_t config_len;		   /* bytes of config that exist; the rest reads as zero */
	uint8_t config[VIRTIO_CONFIG_MAX]; /* little endian, as the driver sees it */
	AxVirtioCounters counters;
};

/* What virtio_init() wants to know. */
struct virtio_init {
	const struct virtio_type *type;
	const char *name; /* NULL: the type's name */
	AxHost *host;
	uint64_t features; /* beyond the four of every device */
	uint32_t queue_count;
	const uint32_t *queue_size; /* the largest of each, powers of two; queue_count of them */
	uint32_t config_len;
};

/* Set up the part that all kinds share, in memory that is zero. 0; -EINVAL; -ENOMEM. */
int virtio_init(AxVirtio *virtio, const struct virtio_init *init, AxError *err);
/* Undo virtio_init(), also of one that failed: the last thing that a type's free op does but free(). */
void virtio_fini(AxVirtio *virtio);

static inline void virtio_lock(AxVirtio *virtio)
{
	ax_lock(virtio->lock);
}
static inline void virtio_unlock(AxVirtio *virtio)
{
	ax_unlock(virtio->lock);
}

/* DRIVER_OK is set, and nothing is broken: queues may be used. */
bool virtio_running(const AxVirtio *virtio);

static inline bool virtio_has(const AxVirtio *virtio, uint64_t feature)
{
	return virtio->features & feature;
}

/* Tell the driver of used buffers in queue @index, if there are any that it was not told of and it wants
 * to know (section 2.7.7, 2.8.10): after a batch of virtq_push(). */
void virtio_interrupt(AxVirtio *virtio, unsigned index);

/* Buffers of some queue were used by an external device, which has looked itself whether the driver
 * wants to know: sets InterruptStatus and raises the interrupt. */
void virtio_interrupt_external(AxVirtio *virtio);

/* virtio->config was changed by the device: a new generation and an interrupt (section 2.5.1). */
void virtio_config_changed(AxVirtio *virtio);

/* The driver broke the rules: DEVICE_NEEDS_RESET, counted, an interrupt (section 2.1.2). */
void virtio_broken(AxVirtio *virtio);

/* Have notify(index) called soon on the host's thread, as if the driver had notified. Any thread, with
 * or without the lock. */
void virtio_kick(AxVirtio *virtio, unsigned index);

#endif
