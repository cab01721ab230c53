/* SPDX-License-Identifier: Apache-2.0 */
/*
 * vhost-user: guest memory, starting and stopping queues.
 */
#include <errno.h>
#include <inttypes.h>

#include "dev/virtio/vhost_user.h"

/* RAM that a device may be given buffers in. Flash is none, and is not shared. */
static bool is_memory(const AxRamInfo *info)
{
	return !(info->flags & AX_RAM_READONLY);
}

int vhost_user_check_memory(AxVm *vm, const char *name, AxError *err)
{
	unsigned count = 0;
	AxRamInfo info;

	for (unsigned i = 0; ax_ram_info(vm, i, &info); i++) {
		if (!is_memory(&info))
			continue;
		if (info.fd < 0)
			return ax_error_set(err, -ENOTSUP, AX_ERROR_UNSUPPORTED, 0,
					    "RAM at 0x%" PRIx64 " cannot be shared with %s: make "
					    "the machine with AX_MACHINE_SHARED_MEMORY, or RAM "
					    "with AX_RAM_MEMFD",
					    info.base, name);
		if (++count > VHOST_USER_REGIONS)
			return ax_error_set(err, -ENOSPC, AX_ERROR_UNSUPPORTED, 0,
					    "RAM is in more than %u pieces, which %s is not told",
					    VHOST_USER_REGIONS, name);
	}
	return 0;
}

/*
 * Addresses of queues are "front-end addresses", which only have to be those that the regions name: here
 * they are the guest's.
 */
static int send_memory(struct vhost_user *user, AxVm *vm, AxError *err)
{
	struct vhost_user_memory memory = { 0 };
	int fds[VHOST_USER_REGIONS];
	AxRamInfo info;
	int ret = vhost_user_check_memory(vm, user->name, err);

	if (ret)
		return ret;
	for (unsigned i = 0; ax_ram_info(vm, i, &info); i++) {
		if (!is_memory(&info))
			continue;
		fds[memory.count] = info.fd;
		memory.regions[memory.count++] = (struct vhost_user_region){
			.guest_addr = info.base,
			.size = info.size,
			.user_addr = info.base,
		};
	}
	return vhost_user_send(user, VHOST_USER_SET_MEM_TABLE, &memory,
			       8 + memory.count * (uint32_t)sizeof(memory.regions[0]), fds,
			       memory.count, err);
}

static int send_state(struct vhost_user *user, enum vhost_user_request request, uint32_t index,
		      uint32_t num, AxError *err)
{
	struct vhost_user_vring_state state = { index, num };

	return vhost_user_send(user, request, &state, sizeof(state), NULL, 0, err);
}

static int send_event(struct vhost_user *user, enum vhost_user_request request, uint32_t index,
		      int event, AxError *err)
{
	/* "A vring descriptor index": bit 8 would say that there is none. */
	uint64_t payload = index;

	return vhost_user_send(user, request, &payload, sizeof(payload), &event, 1, err);
}

static int start_queue(struct vhost_user *user, const struct virtq *queue, uint32_t index, int call,
		       AxError *err)
{
	struct vhost_user_vring_addr addr = {
		.index = index,
		.descriptors = queue->descriptors,
		.used = queue->device,
		.available = queue->driver,
	};
	int ret = send_state(user, VHOST_USER_SET_VRING_NUM, index, queue->size, err);

	if (!ret)
		ret = send_state(user, VHOST_USER_SET_VRING_BASE, index, user->base[index], err);
	if (!ret)
		ret = vhost_user_send(user, VHOST_USER_SET_VRING_ADDR, &addr, sizeof(addr), NULL, 0,
				      err);
	if (!ret)
		ret = send_event(user, VHOST_USER_SET_VRING_CALL, index, call, err);
	if (!ret)
		ret = send_event(user, VHOST_USER_SET_VRING_KICK, index, queue->event, err);
	if (!ret)
		user->started |= 1u << index;
	if (!ret)
		ret = send_state(user, VHOST_USER_SET_VRING_ENABLE, index, 1, err);
	return ret;
}

int vhost_user_start(struct vhost_user *user, AxVirtio *virtio, int call, AxError *err)
{
	uint64_t features = virtio->features | VHOST_USER_F_PROTOCOL_FEATURES;
	int ret = vhost_user_send(user, VHOST_USER_SET_FEATURES, &features, sizeof(features), NULL,
				  0, err);

	if (!ret)
		ret = send_memory(user, virtio->link.vm, err);
	for (uint32_t i = 0; !ret && i < virtio->queue_count; i++) {
		if (virtio->queues[i].ready)
			ret = start_queue(user, &virtio->queues[i], i, call, err);
	}
	return ret;
}

static int stop_queue(struct vhost_user *user, uint32_t index, AxError *err)
{
	struct vhost_user_vring_state state = { index, 0 };
	int ret = send_state(user, VHOST_USER_SET_VRING_ENABLE, index, 0, err);

	if (!ret)
		ret = vhost_user_ask(user, VHOST_USER_GET_VRING_BASE, &state, sizeof(state), &state,
				     sizeof(state), err);
	if (ret)
		return ret;
	if (state.index != index || state.num > UINT16_MAX)
		return ax_error_set(err, -EIO, AX_ERROR_FILE, 0,
				    "%s: asked where it stands in queue %u it says %u of queue %u",
				    user->name, index, state.num, state.index);
	user->base[index] = state.num;
	user->started &= ~(1u << index);
	return 0;
}

int vhost_user_stop(struct vhost_user *user, AxError *err)
{
	int ret = 0;

	for (uint32_t i = 0; !ret && i < VHOST_USER_RINGS; i++) {
		if (user->started & 1u << i)
			ret = stop_queue(user, i, err);
	}
	return ret;
}

void vhost_user_reset(struct vhost_user *user)
{
	user->started = 0;
	for (uint32_t i = 0; i < VHOST_USER_RINGS; i++)
		user->base[i] = 0;
}
