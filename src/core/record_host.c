/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Host services between a device and the host: every callback is a unit, what the clock says is an
 * input, what is armed or asked for inside of a unit an output. In a replay there is nobody behind
 * them: timers, watches and deferred work are kept by their numbers until the recording calls them.
 */
#include <config.h>

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "core/error.h"
#include "core/record.h"

static const AxHostOps host_ops;

static void begin(struct record_handle *handle, enum record_type type, uint64_t events)
{
	AxRecord *record = handle->record;
	uint8_t payload[RECORD_PAYLOAD_MAX];
	size_t len = record_put_name(payload, handle->owner);

	len += record_put_number(payload + len, handle->id);
	if (type == RECORD_WATCH)
		len += record_put_number(payload + len, events);
	if (record_begin(record, handle->owner))
		record_append(record, type, payload, len, NULL, 0);
}

static void end(AxRecord *record)
{
	if (record_is_outermost(record))
		record_append(record, RECORD_LEAVE, NULL, 0, NULL, 0);
	record_end(record);
}

static void on_timer(void *opaque)
{
	struct record_handle *handle = opaque;
	AxRecord *record = handle->record; /* the callback may free the timer */

	begin(handle, RECORD_TIMER, 0);
	handle->fn.timer(handle->arg);
	end(record);
}

static void on_watch(void *opaque, int fd, unsigned events)
{
	struct record_handle *handle = opaque;
	AxRecord *record = handle->record;

	begin(handle, RECORD_WATCH, events);
	handle->fn.watch(handle->arg, fd, events);
	end(record);
}

static void on_defer(void *opaque)
{
	struct record_handle *handle = opaque;
	AxRecord *record = handle->record;

	begin(handle, RECORD_DEFER, 0);
	handle->fn.defer(handle->arg);
	end(record);
	free(handle);
}

/* handles_lock is held. NULL: no memory, or, where it is not to be made, no such. */
static struct record_owner *owner_of(AxRecord *record, const char *name, bool make)
{
	struct record_owner *owners = record->owners.entries;

	for (size_t i = 0; i < record->owners.count; i++) {
		if (!strcmp(owners[i].name, name))
			return &owners[i];
	}
	if (!make || !list_reserve(&record->owners, sizeof(*owners)))
		return NULL;
	owners = record->owners.entries;
	owners += record->owners.count++;
	memset(owners, 0, sizeof(*owners));
	strncpy(owners->name, name, sizeof(owners->name) - 1);
	return owners;
}

/* handles_lock is held. */
static bool number(struct record_handle *handle, enum record_handles kind)
{
	struct record_owner *owner = owner_of(handle->record, handle->owner, true);
	struct list *list;

	if (!owner)
		return false;
	list = &owner->handles[kind];
	if (handle->record->is_replay) {
		if (!list_reserve(list, sizeof(handle)))
			return false;
		((struct record_handle **)list->entries)[list->count++] = handle;
	}
	handle->id = owner->next[kind]++;
	return true;
}

/* Numbered, and in a replay kept. */
static struct record_handle *new_handle(AxRecord *record, enum record_handles kind, void *arg)
{
	struct record_handle *handle = calloc(1, sizeof(*handle));
	bool good;

	if (!handle)
		return NULL;
	handle->record = record;
	handle->arg = arg;
	handle->fd = -1;
	memcpy(handle->owner, record_in_unit(record) ? record->current : record->building,
	       sizeof(handle->owner));
	pthread_mutex_lock(&record->handles_lock);
	good = number(handle, kind);
	pthread_mutex_unlock(&record->handles_lock);
	if (good)
		return handle;
	free(handle);
	return NULL;
}

/* It failed in the host behind: nobody has its number. */
static void take_back(struct record_handle *handle, enum record_handles kind)
{
	AxRecord *record = handle->record;
	struct record_owner *owner;

	pthread_mutex_lock(&record->handles_lock);
	owner = owner_of(record, handle->owner, false);
	if (owner && owner->next[kind] == handle->id + 1)
		owner->next[kind]--;
	pthread_mutex_unlock(&record->handles_lock);
	free(handle);
}

/* handles_lock is held. Where a replay keeps it; NULL: nowhere. */
static struct record_handle **place_of(AxRecord *record, enum record_handles kind, const char *name,
				       uint64_t id)
{
	struct record_owner *owner = owner_of(record, name, false);

	if (!owner || id >= owner->handles[kind].count)
		return NULL;
	return (struct record_handle **)owner->handles[kind].entries + id;
}

static void free_handle(struct record_handle *handle, enum record_handles kind)
{
	AxRecord *record = handle->record;
	struct record_handle **place;

	pthread_mutex_lock(&record->handles_lock);
	place = place_of(record, kind, handle->owner, handle->id);
	if (place)
		*place = NULL;
	pthread_mutex_unlock(&record->handles_lock);
	free(handle);
}

static uint64_t host_now(void *opaque)
{
	AxRecord *record = opaque;
	uint64_t now = record->inner ? ax_host_now(record->inner) : record->clock;

	ax_record_input(record, AX_RECORD_CLOCK, 0, &now, sizeof(now));
	if (record->is_replay)
		record->clock = now;
	return now;
}

static void *host_timer_new(void *opaque, AxTimerFn *fn, void *arg)
{
	AxRecord *record = opaque;
	struct record_handle *handle = new_handle(record, HANDLE_TIMER, arg);

	if (!handle)
		return NULL;
	handle->fn.timer = fn;
	if (record->inner)
		handle->inner = ax_timer_new(record->inner, on_timer, handle);
	if (!record->inner || handle->inner)
		return handle;
	take_back(handle, HANDLE_TIMER);
	return NULL;
}

static void host_timer_arm(void *opaque, void *timer, uint64_t deadline_ns)
{
	struct record_handle *handle = timer;

	ax_record_output(opaque, AX_RECORD_TIMER, handle->id, &deadline_ns, sizeof(deadline_ns));
	if (handle->inner)
		ax_timer_arm(handle->inner, deadline_ns);
}

static void host_timer_free(void *opaque, void *timer)
{
	struct record_handle *handle = timer;

	(void)opaque;
	ax_timer_free(handle->inner);
	free_handle(handle, HANDLE_TIMER);
}

static void *host_watch_new(void *opaque, int fd, unsigned events, AxWatchFn *fn, void *arg)
{
	AxRecord *record = opaque;
	struct record_handle *handle = new_handle(record, HANDLE_WATCH, arg);
	AxWatch *inner;

	if (!handle)
		return NULL;
	handle->fn.watch = fn;
	handle->fd = fd;
	if (!record->inner)
		return handle;
	if (ax_watch_new(record->inner, fd, events, on_watch, handle, &inner, NULL)) {
		take_back(handle, HANDLE_WATCH);
		return NULL;
	}
	handle->inner = inner;
	return handle;
}

static int host_watch_set(void *opaque, void *watch, unsigned events)
{
	struct record_handle *handle = watch;
	uint32_t value = events;

	ax_record_output(opaque, AX_RECORD_WATCH, handle->id, &value, sizeof(value));
	if (handle->inner)
		ax_watch_set(handle->inner, events);
	return 0;
}

static void host_watch_free(void *opaque, void *watch)
{
	struct record_handle *handle = watch;

	(void)opaque;
	ax_watch_free(handle->inner);
	free_handle(handle, HANDLE_WATCH);
}

static int host_defer(void *opaque, AxDeferFn *fn, void *arg)
{
	AxRecord *record = opaque;
	struct record_handle *handle = new_handle(record, HANDLE_DEFER, arg);
	int ret = 0;

	if (!handle)
		return -ENOMEM;
	handle->fn.defer = fn;
	if (record->inner)
		ret = ax_host_defer(record->inner, on_defer, handle);
	if (ret)
		take_back(handle, HANDLE_DEFER);
	/* NOLINTNEXTLINE(clang-analyzer-unix.Malloc): the host behind has it, in a replay the list */
	return ret;
}

static const AxHostOps host_ops = {
	.size = sizeof(host_ops),
	.now = host_now,
	.timer_new = host_timer_new,
	.timer_arm = host_timer_arm,
	.timer_free = host_timer_free,
	.watch_new = host_watch_new,
	.watch_set = host_watch_set,
	.watch_free = host_watch_free,
	.defer = host_defer,
};

AxHost *ax_record_host(AxRecord *record, AxHost *inner)
{
	if (record->host)
		return record->host;
	if (ax_host_new(&host_ops, record, &record->host, NULL))
		return NULL;
	record->inner = record->is_replay ? NULL : inner;
	return record->host;
}

void ax_host_owner(AxHost *host, const char *device)
{
	AxRecord *record = host ? host_opaque_of(host, &host_ops) : NULL;

	if (!record)
		return;
	memset(record->building, 0, sizeof(record->building));
	strncpy(record->building, device, sizeof(record->building) - 1);
}

bool record_handle_call(AxRecord *record, enum record_handles kind, const char *owner, uint64_t id,
			uint64_t events)
{
	struct record_handle *handle, **place;

	pthread_mutex_lock(&record->handles_lock);
	place = place_of(record, kind, owner, id);
	handle = place ? *place : NULL;
	if (handle && kind == HANDLE_DEFER)
		*place = NULL;
	pthread_mutex_unlock(&record->handles_lock);
	if (!handle)
		return false;
	switch (kind) {
	case HANDLE_TIMER: handle->fn.timer(handle->arg); break;
	case HANDLE_WATCH: handle->fn.watch(handle->arg, handle->fd, (unsigned)events); break;
	default:
		handle->fn.defer(handle->arg);
		free(handle);
		break;
	}
	return true;
}

void record_host_fini(AxRecord *record)
{
	struct record_owner *owners = record->owners.entries;

	for (size_t i = 0; i < record->owners.count; i++) {
		for (unsigned kind = 0; kind < HANDLE_KINDS; kind++) {
			struct list *list = &owners[i].handles[kind];

			for (size_t k = 0; k < list->count; k++)
				free(((struct record_handle **)list->entries)[k]);
			list_free(list);
		}
	}
	list_free(&record->owners);
	ax_host_free(record->host);
}
