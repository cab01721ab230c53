/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A small driver of virtio devices, for their tests: a VM on the fake KVM with RAM and an event loop, a
 * device attached to it, and the guest's side of its registers and rings, split and packed.
 *
 *   struct drv *drv = drv_new();
 *   ax_virtio_rng_new(&config with .host = drv->host, &virtio, NULL);
 *   drv_attach(drv, virtio);
 *   drv_start(drv, DRV_ALL);                   // or DRV_ALL & ~VIRTIO_F_RING_PACKED, ...
 *   gpa = drv_alloc(drv, 64);
 *   drv_add(drv, 0, DRV_IN(gpa, 64));          // or drv_add_chain() for more segments
 *   drv_kick(drv, 0);
 *   token = drv_wait(drv, 0, &len);            // runs the loop until the buffer comes back
 *   drv_free(drv);                             // detaches and frees the device, too
 *
 * Tests that are compiled with DRV_RECORDED have their VM without KVM and its accesses recorded, and
 * drv_free() replays the recording of each (virtio_recorded.h).
 *
 * Everything but drv_wait() and drv_run() may run on a thread of its own while another dispatches the
 * loop: one thread for each queue.
 */
#ifndef AXVMM_TESTS_UNIT_VIRTIO_DRIVER_H
#define AXVMM_TESTS_UNIT_VIRTIO_DRIVER_H

#include <check.h>
#include <stdatomic.h>

#include <axvmm/axvmm.h>

#include "dev/virtio/mmio.h"
#include "dev/virtio/ring.h"

#ifdef DRV_RECORDED
#include "tests/unit/virtio_recorded.h"
#endif

#define DRV_RAM_BASE 0x100000u
#define DRV_RAM_SIZE 0x4000000u	 /* 64 MiB; untouched pages cost nothing */
#define DRV_ROM_BASE 0x10000000u /* read-only RAM, when drv_add_rom() was called */
#define DRV_ROM_SIZE 0x10000u
#define DRV_MMIO     0xfeb00000u
#define DRV_SEGMENTS 128 /* at most in a chain */

/* Features for drv_start(): those that the device offers. */
#define DRV_ALL	  UINT64_MAX
#define DRV_SPLIT (UINT64_MAX & ~VIRTIO_F_RING_PACKED)

/* A piece of a chain: the device reads it, or writes to it. */
struct drv_segment {
	uint64_t gpa;
	uint32_t len;
	bool writable;
};

#define DRV_OUT(gpa, len) (&(struct drv_segment){ (gpa), (len), false }), 1, false
#define DRV_IN(gpa, len)  (&(struct drv_segment){ (gpa), (len), true }), 1, false

struct drv_queue {
	uint32_t size;
	bool packed, event_idx;
	uint64_t descriptors, driver, device; /* where its areas are */
	uint64_t tables;      /* room for an indirect table for each token; 0: none yet */
	uint16_t avail, used; /* next to fill, next to look at */
	bool avail_wrap, used_wrap;
	uint16_t kicked; /* what the device was told of: index, or slots since then */
	bool interrupts; /* wanted */
	uint32_t free;	 /* descriptors */
	uint16_t free_head;
	uint16_t next[VIRTQ_SIZE_MAX];	/* of free tokens, or descriptors */
	uint16_t slots[VIRTQ_SIZE_MAX]; /* that a token's chain takes; 0: it is not in use */
	uint32_t in_flight;
};

struct drv {
	AxVm *vm;
	AxHost *host;
	AxVirtio *virtio;
	uint8_t *ram; /* DRV_RAM_BASE in this process */
	uint64_t next;
	uint64_t features;   /* negotiated */
	uint32_t queue_size; /* wanted; 0: the largest */
	uint32_t trigger;    /* AxVirtioTrigger for drv_attach() */
	atomic_uint pulses;
	atomic_bool level;
	atomic_uint rises; /* of the level */
	int irq_event;	   /* an eventfd that counts pulses and rises */
	struct recorded *recorded; /* NULL: it is not */
	struct drv_queue queues[VIRTIO_QUEUES_MAX];
};

/* Begins with fake_sys_reset(). */
struct drv *drv_new(void);
/* Ends the test when descriptors are left open in the fake KVM. */
void drv_free(struct drv *drv);
/* Own the device, which is in no VM, and put it into the VM. */
void drv_attach(struct drv *drv, AxVirtio *virtio);
/* What runs the loop, and is for what stands outside of devices; drv->host is for devices. */
AxHost *drv_outside_host(struct drv *drv);
/* Take it out, into a new VM, as a reboot does; its RAM is zero and its memory free. */
void drv_reboot(struct drv *drv);
/* What drv_attach() gives the device: it counts. */
AxIrq drv_irq(struct drv *drv);
/* Read-only RAM at DRV_ROM_BASE. */
void drv_add_rom(struct drv *drv);

/* Registers; a width of 32 bits. drv_try_*: as the dispatch would get it. */
uint32_t drv_in(struct drv *drv, uint64_t offset);
void drv_out(struct drv *drv, uint64_t offset, uint32_t value);
AxHandled drv_try_in(struct drv *drv, uint64_t offset, AxAccessWidth width, uint64_t *value);
AxHandled drv_try_out(struct drv *drv, uint64_t offset, AxAccessWidth width, uint64_t value);
/* Device configuration, little endian, of 1, 2, 4 or 8 bytes. */
uint64_t drv_config(struct drv *drv, uint64_t offset, unsigned size);
void drv_set_config(struct drv *drv, uint64_t offset, unsigned size, uint64_t value);
uint64_t drv_offered(struct drv *drv);
/* Whether the device set DEVICE_NEEDS_RESET. */
bool drv_is_broken(struct drv *drv);

/* Section 3.1.1 as a whole, from the reset on, with those of @features that are offered. */
void drv_start(struct drv *drv, uint64_t features);
/* Its parts: up to FEATURES_OK (whether it was accepted), one queue, DRIVER_OK. */
bool drv_negotiate(struct drv *drv, uint64_t features);
void drv_setup_queue(struct drv *drv, unsigned index);
void drv_driver_ok(struct drv *drv);
/* Write 0 to Status. */
void drv_reset(struct drv *drv);

/* Guest memory: zero, aligned to 4096. There is no freeing but drv_reboot(). */
uint64_t drv_alloc(struct drv *drv, uint64_t len);
void *drv_ptr(struct drv *drv, uint64_t gpa);

/*
 * Make a chain available: its token, or -1 when the ring has no room. It is not announced yet.
 * @indirect: by a table of its own.
 */
int drv_add_chain(struct drv *drv, unsigned index, const struct drv_segment *segments,
		  unsigned count, bool indirect);
#define drv_add(drv, queue, ...) drv_add_chain(drv, queue, __VA_ARGS__)
/* Notify the device of what was added, if it wants to know. Whether it did. */
bool drv_kick(struct drv *drv, unsigned index);
/* Notify it in any case. */
void drv_notify(struct drv *drv, unsigned index);

/* The next chain that came back: its token, and the bytes written; -1: none. */
int drv_take(struct drv *drv, unsigned index, uint32_t *len);
/* The same, dispatching the loop for up to five seconds. Fails the test when none comes. */
int drv_wait(struct drv *drv, unsigned index, uint32_t *len);
/* Dispatch the loop until nothing is left to do. */
void drv_run(struct drv *drv);

/*
 * Ask for interrupts of a queue, or not to have any. On: whether a chain came back meanwhile that no
 * interrupt will tell of. They are on after drv_start(): drv_take() asks anew.
 */
bool drv_want_interrupts(struct drv *drv, unsigned index, bool on);
/* InterruptStatus, acknowledged. */
uint32_t drv_ack(struct drv *drv);
/* Wait for an interrupt, for up to @timeout_ms; false: none came. */
bool drv_wait_irq(struct drv *drv, int timeout_ms);

/* Run a suite: what main() returns. */
int drv_suite(Suite *suite);

#endif
