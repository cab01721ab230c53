/* SPDX-License-Identifier: Apache-2.0 */
/*
 * vhost-user, the front end: a virtio device's queues served by another process, to which guest RAM and
 * queues are described over a Unix socket. Messages are those of QEMU's document "Vhost-user Protocol"
 * (docs/interop/vhost-user.rst), named "protocol" here.
 *
 *   vhost_user.c        messages and their answers
 *   vhost_user_rings.c  memory, starting and stopping queues
 *
 * The back end may send anything at any time: an answer that is not the one expected, late or too long
 * is an error, after which the connection is of no use. Each call waits for VHOST_USER_WAIT_MS at most.
 * All with the device's lock held, or before anybody else knows of the connection.
 */
#ifndef AXVMM_DEV_VIRTIO_VHOST_USER_H
#define AXVMM_DEV_VIRTIO_VHOST_USER_H

#include "dev/virtio/virtio.h"

#define VHOST_USER_WAIT_MS 5000

/* "Number of queues", "memory regions description": how many of each may be used here. */
#define VHOST_USER_RINGS   32u
#define VHOST_USER_REGIONS 8u

/* Front-end message types. */
enum vhost_user_request {
	VHOST_USER_GET_FEATURES = 1,
	VHOST_USER_SET_FEATURES = 2,
	VHOST_USER_SET_OWNER = 3,
	VHOST_USER_SET_MEM_TABLE = 5,
	VHOST_USER_SET_VRING_NUM = 8,
	VHOST_USER_SET_VRING_ADDR = 9,
	VHOST_USER_SET_VRING_BASE = 10,
	VHOST_USER_GET_VRING_BASE = 11,
	VHOST_USER_SET_VRING_KICK = 12,
	VHOST_USER_SET_VRING_CALL = 13,
	VHOST_USER_GET_PROTOCOL_FEATURES = 15,
	VHOST_USER_SET_PROTOCOL_FEATURES = 16,
	VHOST_USER_GET_QUEUE_NUM = 17,
	VHOST_USER_SET_VRING_ENABLE = 18,
};

/* Among the virtio features: there are protocol features. */
#define VHOST_USER_F_PROTOCOL_FEATURES (1ULL << 30)
/* Protocol features that are used here. */
#define VHOST_USER_PROTOCOL_F_MQ	(1ULL << 0)
#define VHOST_USER_PROTOCOL_F_REPLY_ACK (1ULL << 3)

/* "Header": flags. */
#define VHOST_USER_VERSION    1u
#define VHOST_USER_REPLY      (1u << 2)
#define VHOST_USER_NEED_REPLY (1u << 3)

struct vhost_user_header {
	uint32_t request;
	uint32_t flags;
	uint32_t size; /* of the payload */
};

/* "A vring state description" and "a vring address description". */
struct vhost_user_vring_state {
	uint32_t index;
	uint32_t num;
};

struct vhost_user_vring_addr {
	uint32_t index;
	uint32_t flags;
	uint64_t descriptors, used, available; /* in the front end's addresses */
	uint64_t log;
};

/* "Memory regions description". */
struct vhost_user_region {
	uint64_t guest_addr, size, user_addr, mmap_offset;
};

struct vhost_user_memory {
	uint32_t count;
	uint32_t padding;
	struct vhost_user_region regions[VHOST_USER_REGIONS];
};

struct vhost_user {
	int fd;		   /* non-blocking; -1: none */
	const char *name;  /* for messages: "virtiofsd" */
	uint64_t features; /* virtio features of the back end */
	uint64_t protocol; /* protocol features that both have */
	uint32_t queues;   /* that it has; VHOST_USER_RINGS when it did not say */
	uint32_t started;  /* 1 << index: queues that it serves */
	/* Where it stands in them: what it said when they were stopped last, 0 at first. */
	uint32_t base[VHOST_USER_RINGS];
};

/**
 * Send a message; with REPLY_ACK, wait for its acknowledgement.
 *
 * @param fds  descriptors that go with it, @fd_count of them, up to VHOST_USER_REGIONS
 * @return 0; -EIO it is gone, refuses or breaks the protocol; -ETIMEDOUT
 */
int vhost_user_send(struct vhost_user *user, enum vhost_user_request request, const void *payload,
		    uint32_t size, const int *fds, unsigned fd_count, AxError *err);

/* Send a message and wait for its answer, of exactly @answer_size bytes. As vhost_user_send(). */
int vhost_user_ask(struct vhost_user *user, enum vhost_user_request request, const void *payload,
		   uint32_t size, void *answer, uint32_t answer_size, AxError *err);

/**
 * Begin: features, protocol features, queues. @user has fd and name, the rest is zero.
 *
 * @return 0; -ENOTSUP it is not what is needed here: VIRTIO_F_VERSION_1 and protocol features;
 * else as vhost_user_send()
 */
int vhost_user_open(struct vhost_user *user, AxError *err);

/*
 * Whether something came that nobody asked for, or the connection has ended: false, and @err says which.
 * For a watch of user->fd, which also finds answers that are being waited for.
 */
bool vhost_user_is_quiet(struct vhost_user *user, AxError *err);

/* Can this VM's RAM be shared? 0; -ENOTSUP no, and how it could; -ENOSPC it is in too many pieces. */
int vhost_user_check_memory(AxVm *vm, const char *name, AxError *err);

/*
 * Hand all queues over that are ready, with the VM's memory and the negotiated features. @call is an
 * eventfd that becomes readable when buffers were used in any of them. As vhost_user_send(); after a
 * failure some may have been handed over.
 */
int vhost_user_start(struct vhost_user *user, AxVirtio *virtio, int call, AxError *err);

/* Take them back: when it returns 0 the back end touches none of them. */
int vhost_user_stop(struct vhost_user *user, AxError *err);

/* The queues begin anew: forget where it stood. They are stopped. */
void vhost_user_reset(struct vhost_user *user);

#endif
