/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Guest writes that become signals on an eventfd: by KVM_IOEVENTFD where KVM takes them, else by
 * the dispatch, which finds them in its snapshot.
 */
#include <config.h>

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "core/coalesce.h"
#include "core/error.h"
#include "core/notify.h"
#include "core/vm.h"

/* In vm->notifies, under vm->lock. */
struct notification {
	AxNotifyId id;
	bool in_kernel;
	AxNotify what;
};

static enum range_space space_of(const AxNotify *what)
{
	return what->flags & AX_NOTIFY_PORT ? RANGE_PORT : RANGE_MMIO;
}

static bool takes(const AxNotify *what, enum range_space space, uint64_t addr, unsigned width_bytes,
		  uint64_t value)
{
	if (space_of(what) != space || what->addr != addr)
		return false;
	if (what->width && what->width != width_bytes)
		return false;
	if (width_bytes < 8)
		value &= (UINT64_C(1) << (8 * width_bytes)) - 1;
	return !(what->flags & AX_NOTIFY_MATCH) || what->match == value;
}

bool notify_soft_write(AxVCpu *vcpu, enum range_space space, uint64_t addr, unsigned width_bytes,
		       uint64_t value)
{
	const struct snapshot *snapshot = vcpu->snapshot;
	uint64_t one = 1;

	for (size_t i = 0; i < snapshot->notify_count; i++) {
		const AxNotify *what = &snapshot->notifies[i].what;

		if (!takes(what, space, addr, width_bytes, value))
			continue;
		/* Fails only where the counter is full: then the reader has its signal already. */
		(void)!write(what->event, &one, sizeof(one));
		return true;
	}
	return false;
}

bool notify_overlaps(const struct snapshot *snapshot, enum range_space space, uint64_t base,
		     uint64_t length)
{
	for (size_t i = 0; i < snapshot->notify_count; i++) {
		const AxNotify *what = &snapshot->notifies[i].what;

		if (space_of(what) == space && what->addr >= base && what->addr - base < length)
			return true;
	}
	return false;
}

static int check_place(const AxNotify *what, AxError *err)
{
	bool port = what->flags & AX_NOTIFY_PORT;
	uint64_t last;

	if (what->width > 8 || (what->width & (what->width - 1)))
		return ax_error_argument(err, -EINVAL,
					 "a notification of %u bytes: 0, 1, 2, 4 or 8 are allowed",
					 what->width);
	if (port && (!what->width || what->width > 4))
		return ax_error_argument(
			err, -EINVAL, "a notification of %u bytes of ports: 1, 2 or 4 are allowed",
			what->width);
	last = what->addr + (what->width ? what->width - 1 : 0);
	if (last < what->addr || (port && last >= PORT_SPACE_SIZE))
		return ax_error_argument(err, -EINVAL,
					 "a notification of %u bytes at 0x%" PRIx64
					 " is past the end of the address space",
					 what->width, what->addr);
	return 0;
}

static int check_match(const AxNotify *what, AxError *err)
{
	if (!(what->flags & AX_NOTIFY_MATCH))
		return 0;
	if (!what->width)
		return ax_error_argument(err, -EINVAL, "a notification of one value needs a width");
	if (what->width < 8 && what->match >> (8 * what->width))
		return ax_error_argument(err, -EINVAL, "value 0x%" PRIx64 " has more than %u bytes",
					 what->match, what->width);
	return 0;
}

static int check_notify(const AxNotify *what, AxError *err)
{
	int ret;

	if (!what || what->size < sizeof(*what))
		return ax_error_argument(err, -EINVAL,
					 "AxNotify.size is not set: use AX_NOTIFY_INIT");
	if (what->flags & ~(AX_NOTIFY_PORT | AX_NOTIFY_MATCH))
		return ax_error_argument(err, -EINVAL, "unknown notification flags 0x%x",
					 what->flags);
	ret = check_place(what, err);
	if (!ret)
		ret = check_match(what, err);
	if (!ret && fcntl(what->event, F_GETFD) < 0)
		ret = ax_error_argument(err, -EINVAL, "descriptor %d is not open", what->event);
	return ret;
}

/*
 * Whether one write could be for both: KVM's own rule (EEXIST), applied to what the dispatch
 * carries, too.
 */
static bool collide(const AxNotify *a, const AxNotify *b)
{
	if (space_of(a) != space_of(b) || a->addr != b->addr)
		return false;
	if (!a->width || !b->width)
		return true;
	if (a->width != b->width)
		return false;
	return !(a->flags & b->flags & AX_NOTIFY_MATCH) || a->match == b->match;
}

static struct notification *find(AxVm *vm, AxNotifyId id)
{
	struct notification *entries = vm->notifies.entries;

	for (size_t i = 0; i < vm->notifies.count; i++)
		if (entries[i].id == id)
			return &entries[i];
	return NULL;
}

static bool is_taken(const AxVm *vm, const AxNotify *what)
{
	const struct notification *entries = vm->notifies.entries;

	for (size_t i = 0; i < vm->notifies.count; i++)
		if (collide(&entries[i].what, what))
			return true;
	return false;
}

bool notify_within(AxVm *vm, enum range_space space, uint64_t base, uint64_t length)
{
	const struct notification *entries = vm->notifies.entries;

	for (size_t i = 0; i < vm->notifies.count; i++) {
		const AxNotify *what = &entries[i].what;

		if (space_of(what) == space && what->addr >= base && what->addr - base < length)
			return true;
	}
	return false;
}

static int set_ioeventfd(AxVm *vm, const AxNotify *what, uint32_t flags)
{
	struct kvm_ioeventfd request = {
		.addr = what->addr,
		.len = what->width,
		.fd = what->event,
		.flags = flags,
	};

	if (what->flags & AX_NOTIFY_PORT)
		request.flags |= KVM_IOEVENTFD_FLAG_PIO;
	if (what->flags & AX_NOTIFY_MATCH) {
		request.flags |= KVM_IOEVENTFD_FLAG_DATAMATCH;
		request.datamatch = what->match;
	}
	return sys_ioctl_struct(vm->fd, KVM_IOEVENTFD, &request);
}

/* 1: KVM carries it; 0: it can't; or a negative errno. */
static int try_kernel(AxVm *vm, const AxNotify *what, AxError *err)
{
	int ret = set_ioeventfd(vm, what, 0);

	switch (ret) {
	case 0: return 1;
	case -ENOSYS: /* no ioeventfds at all */
	case -ENOTTY:
	case -EOPNOTSUPP:
	case -ENOSPC: /* its bus is full */ return 0;
	case -EINVAL:
		if (!what->width)
			return 0; /* no KVM_CAP_IOEVENTFD_ANY_LENGTH */
		return ax_error_argument(err, -EINVAL, "descriptor %d is no eventfd", what->event);
	default: return ret < 0 ? ax_error_sys(err, ret, "KVM_IOEVENTFD") : 1;
	}
}

/* Let the vCPUs' snapshots have it. */
static int add_soft(AxVm *vm, const AxNotify *what, AxNotifyId id, AxError *err)
{
	struct snapshot *next = snapshot_copy(atomic_load(&vm->snapshot));

	if (!next)
		return ax_error_nomem(err, "a notification");
	next->notifies[next->notify_count++] = (struct soft_notify){ .id = id, .what = *what };
	snapshot_publish(vm, next);
	return 0;
}

static int add_locked(AxVm *vm, const AxNotify *what, AxNotifyId *id, AxError *err)
{
	struct notification *entries;
	AxNotifyId new_id = vm->next_id + 1;
	int in_kernel, ret = coalesce_check_notify(vm, space_of(what), what->addr, err);

	if (ret)
		return ret;
	if (is_taken(vm, what))
		return ax_error_argument(err, -EEXIST,
					 "writes of %u bytes at 0x%" PRIx64 " are notified already",
					 what->width, what->addr);
	if (!list_reserve(&vm->notifies, sizeof(*entries)))
		return ax_error_nomem(err, "a notification");
	/* What KVM carried would not be seen by a recording. */
	in_kernel = vm->record ? 0 : try_kernel(vm, what, err);
	if (in_kernel < 0)
		return in_kernel;
	if (!in_kernel)
		ret = add_soft(vm, what, new_id, err);
	if (ret)
		return ret;
	entries = vm->notifies.entries;
	entries[vm->notifies.count++] =
		(struct notification){ .id = new_id, .in_kernel = in_kernel, .what = *what };
	vm->next_id = new_id;
	if (id)
		*id = new_id;
	return 0;
}

int ax_notify_add(AxVm *vm, const AxNotify *notify, AxNotifyId *id, AxError *err)
{
	int ret = check_notify(notify, err);

	if (ret)
		return ret;
	pthread_mutex_lock(&vm->lock);
	ret = add_locked(vm, notify, id, err);
	pthread_mutex_unlock(&vm->lock);
	return ret;
}

/* Let the next snapshot do without it. */
static int remove_soft(AxVm *vm, AxNotifyId id, AxError *err)
{
	struct snapshot *next = snapshot_copy(atomic_load(&vm->snapshot));
	size_t kept = 0;

	if (!next)
		return ax_error_nomem(err, "removing a notification");
	for (size_t i = 0; i < next->notify_count; i++)
		if (next->notifies[i].id != id)
			next->notifies[kept++] = next->notifies[i];
	next->notify_count = kept;
	snapshot_publish(vm, next);
	return 0;
}

static int remove_locked(AxVm *vm, AxNotifyId id, AxError *err)
{
	struct notification *entry;
	bool in_kernel;
	int ret;

	if (called_from_handler(vm))
		return ax_error_set(
			err, -EDEADLK, AX_ERROR_STATE, 0,
			"a notification can't be removed from a handler: use ax_host_defer()");
	entry = find(vm, id);
	if (!entry)
		return ax_error_argument(err, -ENOENT, "no notification has the id %" PRIu64, id);
	in_kernel = entry->in_kernel;
	if (in_kernel) {
		ret = set_ioeventfd(vm, &entry->what, KVM_IOEVENTFD_FLAG_DEASSIGN);
		if (ret < 0)
			return ax_error_sys(err, ret, "KVM_IOEVENTFD");
	} else {
		ret = remove_soft(vm, id, err);
		if (ret)
			return ret;
	}
	list_remove(&vm->notifies, find(vm, id), sizeof(*entry));
	/* The lock is let go meanwhile: all is as it should be by now. */
	if (!in_kernel)
		snapshot_settle(vm);
	return 0;
}

int ax_notify_remove(AxVm *vm, AxNotifyId id, AxError *err)
{
	int ret;

	pthread_mutex_lock(&vm->lock);
	ret = remove_locked(vm, id, err);
	pthread_mutex_unlock(&vm->lock);
	return ret;
}

bool ax_notify_in_kernel(AxVm *vm, AxNotifyId id)
{
	struct notification *entry;
	bool in_kernel;

	pthread_mutex_lock(&vm->lock);
	entry = find(vm, id);
	in_kernel = entry && entry->in_kernel;
	pthread_mutex_unlock(&vm->lock);
	return in_kernel;
}

void notify_fini(AxVm *vm)
{
	list_free(&vm->notifies);
}
