/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Virtqueues, split (section 2.7) and packed (section 2.8), device side: taking chains of buffers and
 * giving them back. Every address and index that the driver wrote is checked here and nowhere else.
 *
 * With the device's lock held, unless said otherwise.
 */
#ifndef AXVMM_DEV_VIRTIO_QUEUE_H
#define AXVMM_DEV_VIRTIO_QUEUE_H

#include <sys/uio.h>

#include <axvmm/memory.h>
#include <axvmm/record.h>
#include <axvmm/virtio.h>

#define VIRTQ_SIZE_MAX 1024u

/* What the driver and the device agreed on, and where the device is. */
struct virtq {
	uint32_t size_max;    /* QueueSizeMax */
	uint32_t size;	      /* QueueSize: as the driver set it */
	bool ready;	      /* QueueReady */
	uint64_t descriptors; /* guest physical addresses, section 4.2.2 */
	uint64_t driver;      /* available ring, or driver event suppression */
	uint64_t device;      /* used ring, or device event suppression */
	int event;	      /* eventfd of notifications; -1 */
	AxWatch *watch;
	AxNotifyId notify_id;
	bool notified; /* notify_id holds */

	AxVirtio *virtio; /* whose queue it is, and which */
	uint32_t index;

	bool packed;
	bool event_idx;
	bool notify_on;		    /* the driver shall notify */
	bool avail_wrap, used_wrap; /* packed */
	bool known_wrap;
	uint16_t avail;	     /* next to take: index (split), slot (packed) */
	uint16_t used;	     /* next to give back */
	uint16_t avail_seen; /* split: the driver's index when it was last read */
	uint16_t known;	     /* end of what was ever taken: `avail`, but for chains that were returned */
	uint32_t returned;   /* chains between `avail` and `known` */
	uint32_t in_flight;  /* chains taken and not given back */
	uint32_t slots;	     /* packed: that those have */
	uint32_t pushed;     /* used entries (split) or slots (packed) that the driver was not told of */
	uint32_t epoch;	     /* counts the times that the queue was switched off */
	/* Rings, held while the queue is ready (queue.c). */
	AxMemView descriptor_view, driver_view, device_view;
};

/*
 * A chain of buffers that the driver gave: memory that the device may read (out), then memory that it
 * may write (in). Reused for many chains; a device with several requests in flight has several.
 */
struct virtq_chain {
	uint16_t id;		  /* head's index (split), buffer ID (packed) */
	uint16_t slots;		  /* that it takes in a packed ring; 1 in a split one */
	uint32_t epoch;		  /* the queue's when it was taken */
	uint32_t out_count;	  /* iov[0 .. out_count - 1]: readable */
	uint32_t in_count;	  /* then writable */
	uint64_t out_len, in_len; /* bytes */
	struct iovec *iov;	  /* in this process; the guest may change the bytes at any time */
	uint32_t capacity;	  /* segments */
	bool taken;		  /* between virtq_pop() and virtq_push() or virtq_return() */
	AxMemView *views;
	AxRecord *record; /* the device's; NULL */
};

/* Room for @capacity segments, more than which are a bad chain; NULL when there is no memory. */
struct virtq_chain *virtq_chain_new(uint32_t capacity);
/* A chain that is not taken. NULL is allowed. */
void virtq_chain_free(struct virtq_chain *chain);

/*
 * Take the next chain. 1: there is one; 0: none; -EINVAL: it is bad, and virtio_broken() was called.
 * While the queue isn't ready or the device not running: 0. Bad is a chain that has no segment, one
 * without bytes, more than @chain has room for, a readable one after a writable one, or one that is
 * not in RAM.
 *
 * Notifications are on unless virtq_want_notify() switched them off: then what the driver adds after a
 * 0 of virtq_pop() is announced, and a notify() op is no more than "while (virtq_pop() > 0)".
 */
int virtq_pop(AxVirtio *virtio, unsigned index, struct virtq_chain *chain);

/*
 * Give a chain back with @written bytes of its writable part filled from the start (section 2.7.8):
 * whatever else the request promises has happened before. virtio_interrupt() tells the driver. Chains
 * may come back in another order than they were taken in. Of a queue that has been reset: no more than
 * the views are put.
 */
void virtq_push(AxVirtio *virtio, unsigned index, struct virtq_chain *chain, uint32_t written);

/*
 * virtq_push() of several chains, one at least, of which the driver sees all or none: the buffers of one
 * frame (section 5.1.6.4). No more is written to each than it has room for.
 */
void virtq_push_many(AxVirtio *virtio, unsigned index, struct virtq_chain *const *chains,
		     const uint32_t *written, unsigned count);

/* Undo the last virtq_pop() of this queue: the next one takes the same chain again. */
void virtq_return(AxVirtio *virtio, unsigned index, struct virtq_chain *chain);

/*
 * Ask for notifications, or say that none are needed (the device looks by itself). On: true when
 * there is a chain by now that no notification will announce: look again. Chains that were taken and
 * returned do not count: the driver need not announce them again.
 */
bool virtq_want_notify(AxVirtio *virtio, unsigned index, bool on);

/* Copy from the readable part at @offset, or into the writable part: bytes copied, less than @len at
 * its end. */
size_t virtq_read(const struct virtq_chain *chain, uint64_t offset, void *buffer, size_t len);
size_t virtq_write(struct virtq_chain *chain, uint64_t offset, const void *buffer, size_t len);

/*
 * The part [offset, offset + len) of iov as iovecs of their own, without copying: how many of @out
 * (room for @max) it took; bytes in *got, less than len where it ends or @max is reached.
 */
unsigned virtq_slice(const struct iovec *iov, unsigned count, uint64_t offset, uint64_t len,
		     struct iovec *out, unsigned max, uint64_t *got);

#endif
