/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A small vhost-user back end for tests; see vhost_backend.h. It believes its front end.
 */
#include <check.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "dev/virtio/ring.h"
#include "tests/unit/vhost_backend.h"

union payload {
	uint64_t u64;
	struct vhost_user_vring_state state;
	struct vhost_user_vring_addr addr;
	struct vhost_user_memory memory;
};

struct request {
	struct vhost_user_header header;
	union payload payload;
	int fds[VHOST_USER_REGIONS];
	unsigned fd_count;
};

void backend_init(struct backend *backend, const char *folder)
{
	memset(backend, 0, sizeof(*backend));
	snprintf(backend->path, sizeof(backend->path), "%s/backend", folder);
	backend->features = VIRTIO_F_VERSION_1 | VIRTIO_F_INDIRECT_DESC | VIRTIO_F_EVENT_IDX |
			    VIRTIO_F_RING_PACKED | VHOST_USER_F_PROTOCOL_FEATURES;
	backend->protocol = VHOST_USER_PROTOCOL_F_MQ | VHOST_USER_PROTOCOL_F_REPLY_ACK | 1 << 9;
	backend->queues = BACKEND_RINGS;
	backend->fd = -1;
	for (unsigned i = 0; i < BACKEND_RINGS; i++)
		backend->rings[i].kick = backend->rings[i].call = -1;
}

static void *at(struct backend *backend, uint64_t addr)
{
	for (uint32_t i = 0; i < backend->memory.count; i++) {
		const struct vhost_user_region *region = &backend->memory.regions[i];

		if (addr - region->user_addr < region->size)
			return (uint8_t *)backend->mapped[i] + (addr - region->user_addr);
	}
	abort(); /* the front end named memory that it did not give */
}

static bool get(struct backend *backend, struct request *request)
{
	struct iovec iov = { &request->header, sizeof(request->header) };
	char control[CMSG_SPACE(sizeof(request->fds))];
	struct msghdr message = { .msg_iov = &iov,
				  .msg_iovlen = 1,
				  .msg_control = control,
				  .msg_controllen = sizeof(control) };
	struct cmsghdr *rights;

	memset(request, 0, sizeof(*request));
	if (recvmsg(backend->fd, &message, MSG_WAITALL | MSG_CMSG_CLOEXEC) !=
	    sizeof(request->header))
		return false;
	rights = CMSG_FIRSTHDR(&message);
	if (rights && rights->cmsg_type == SCM_RIGHTS) {
		request->fd_count = (unsigned)((rights->cmsg_len - CMSG_LEN(0)) / sizeof(int));
		memcpy(request->fds, CMSG_DATA(rights), sizeof(int) * request->fd_count);
	}
	return !request->header.size || recv(backend->fd, &request->payload, request->header.size,
					     MSG_WAITALL) == (ssize_t)request->header.size;
}

static bool answer(struct backend *backend, const struct request *request, const void *payload,
		   uint32_t size)
{
	uint8_t bytes[64] = { 0 };
	struct vhost_user_header header = { request->header.request,
					    VHOST_USER_VERSION | VHOST_USER_REPLY, size };
	bool faulty = backend->at == request->header.request;

	if (faulty && backend->fault == BACKEND_OTHER_ANSWER)
		header.request++;
	if (faulty && backend->fault == BACKEND_LONG_ANSWER)
		header.size += 8;
	memcpy(bytes, &header, sizeof(header));
	memcpy(bytes + sizeof(header), payload, size);
	return send(backend->fd, bytes, sizeof(header) + header.size, MSG_NOSIGNAL) > 0;
}

static void set_memory(struct backend *backend, const struct request *request)
{
	for (uint32_t i = 0; i < backend->memory.count; i++)
		munmap(backend->mapped[i], backend->memory.regions[i].size);
	backend->memory = request->payload.memory;
	for (uint32_t i = 0; i < backend->memory.count; i++) {
		backend->mapped[i] = mmap(NULL, backend->memory.regions[i].size,
					  PROT_READ | PROT_WRITE, MAP_SHARED, request->fds[i],
					  (off_t)backend->memory.regions[i].mmap_offset);
		close(request->fds[i]);
	}
}

static void set_event(int *event, const struct request *request)
{
	if (*event >= 0)
		close(*event);
	*event = request->fd_count ? request->fds[0] : -1;
}

/* Serve what is in a ring: the readable bytes, reversed, come back. */
static void serve(struct backend *backend, struct backend_ring *ring)
{
	struct virtq_desc *table = at(backend, ring->addr.descriptors);
	struct virtq_avail *avail = at(backend, ring->addr.available);
	struct virtq_used *used = at(backend, ring->addr.used);

	while ((uint16_t)ring->base != __atomic_load_n(&avail->idx, __ATOMIC_ACQUIRE)) {
		uint16_t head = avail->ring[ring->base % ring->size];
		struct virtq_desc *desc = &table[head];
		uint8_t text[256];
		uint32_t len = 0;

		if (desc->flags & VIRTQ_DESC_INDIRECT)
			desc = table = at(backend, desc->addr);
		for (; !(desc->flags & VIRTQ_DESC_WRITE); desc = &table[desc->next]) {
			memcpy(text + len, at(backend, desc->addr), desc->len);
			len += desc->len;
		}
		for (uint32_t i = 0; i < len; i++)
			((uint8_t *)at(backend, desc->addr))[i] = text[len - 1 - i];
		table = at(backend, ring->addr.descriptors);
		used->ring[ring->base % ring->size].id = head;
		used->ring[ring->base % ring->size].len = len;
		ring->base = (uint16_t)(ring->base + 1);
		/* avail_event, section 2.7.10: the next one is announced. */
		__atomic_store_n((uint16_t *)&used->ring[ring->size], (uint16_t)ring->base,
				 __ATOMIC_SEQ_CST);
		__atomic_store_n(&used->idx, (uint16_t)ring->base, __ATOMIC_RELEASE);
		atomic_fetch_add(&backend->chains, 1);
	}
	(void)!write(ring->call, &(uint64_t){ 1 }, sizeof(uint64_t));
}

/* Do what a request asks for: false: there is an answer of its own kind. */
static bool handle(struct backend *backend, const struct request *request)
{
	const union payload *payload = &request->payload;
	struct backend_ring *ring = &backend->rings[payload->state.index % BACKEND_RINGS];

	switch (request->header.request) {
	case VHOST_USER_GET_FEATURES: return answer(backend, request, &backend->features, 8), false;
	case VHOST_USER_GET_PROTOCOL_FEATURES:
		return answer(backend, request, &backend->protocol, 8), false;
	case VHOST_USER_GET_QUEUE_NUM: return answer(backend, request, &backend->queues, 8), false;
	case VHOST_USER_SET_FEATURES: backend->acked = payload->u64; break;
	case VHOST_USER_SET_MEM_TABLE: set_memory(backend, request); break;
	case VHOST_USER_SET_VRING_NUM: ring->size = payload->state.num; break;
	case VHOST_USER_SET_VRING_BASE:
		ring->base = payload->state.num;
		atomic_store(&backend->last_base, ring->base);
		break;
	case VHOST_USER_SET_VRING_ADDR: ring->addr = payload->addr; break;
	case VHOST_USER_SET_VRING_CALL: set_event(&ring->call, request); break;
	case VHOST_USER_SET_VRING_KICK:
		set_event(&ring->kick, request);
		atomic_fetch_add(&backend->running, 1);
		break;
	case VHOST_USER_SET_VRING_ENABLE: ring->enabled = payload->state.num; break;
	case VHOST_USER_GET_VRING_BASE: {
		struct vhost_user_vring_state state = { payload->state.index, ring->base };

		set_event(&ring->kick, request);
		atomic_fetch_sub(&backend->running, 1);
		return answer(backend, request, &state, sizeof(state)), false;
	}
	default: break;
	}
	return true;
}

/* One message; false: the connection is over. */
static bool message(struct backend *backend)
{
	struct request request;
	bool faulty, plain;
	uint64_t result;

	if (!get(backend, &request))
		return false;
	atomic_fetch_add(&backend->requests, 1);
	faulty = backend->fault && backend->at == request.header.request;
	if (faulty && backend->fault == BACKEND_CLOSES)
		return false;
	if (faulty && backend->fault == BACKEND_SILENT)
		return true;
	plain = handle(backend, &request);
	result = faulty && backend->fault == BACKEND_REFUSES;
	if (plain && (request.header.flags & VHOST_USER_NEED_REPLY))
		answer(backend, &request, &result, sizeof(result));
	if (faulty && backend->fault == BACKEND_TALKS)
		(void)!send(backend->fd, "hello", 5, MSG_NOSIGNAL);
	return true;
}

static void *run(void *opaque)
{
	struct backend *backend = opaque;
	struct pollfd fds[1 + BACKEND_RINGS];
	uint64_t count;

	backend->fd = accept4(backend->listener, NULL, NULL, SOCK_CLOEXEC);
	for (;;) {
		fds[0] = (struct pollfd){ backend->fd, POLLIN, 0 };
		for (unsigned i = 0; i < BACKEND_RINGS; i++)
			fds[1 + i] = (struct pollfd){
				backend->rings[i].enabled ? backend->rings[i].kick : -1, POLLIN, 0
			};
		if (poll(fds, 1 + BACKEND_RINGS, -1) < 0)
			break;
		for (unsigned i = 0; i < BACKEND_RINGS; i++) {
			if ((fds[1 + i].revents & POLLIN) &&
			    read(backend->rings[i].kick, &count, 8) == 8)
				serve(backend, &backend->rings[i]);
		}
		if (fds[0].revents && !message(backend))
			break;
	}
	close(backend->fd);
	return NULL;
}

void backend_start(struct backend *backend)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };

	snprintf(address.sun_path, sizeof(address.sun_path), "%s", backend->path);
	backend->listener = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	ck_assert_int_eq(bind(backend->listener, (struct sockaddr *)&address, sizeof(address)), 0);
	ck_assert_int_eq(listen(backend->listener, 1), 0);
	ck_assert_int_eq(pthread_create(&backend->thread, NULL, run, backend), 0);
}

void backend_join(struct backend *backend)
{
	ck_assert_int_eq(pthread_join(backend->thread, NULL), 0);
	for (uint32_t i = 0; i < backend->memory.count; i++)
		munmap(backend->mapped[i], backend->memory.regions[i].size);
	for (unsigned i = 0; i < BACKEND_RINGS; i++) {
		if (backend->rings[i].kick >= 0)
			close(backend->rings[i].kick);
		if (backend->rings[i].call >= 0)
			close(backend->rings[i].call);
	}
	close(backend->listener);
	unlink(backend->path);
}
