/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The VM's devices, for reset, save and restore.
 *
 * A saved state is: u32 magic, u32 version, u32 number of devices, then for each device u8 length
 * of its name, the name, u64 length of its part, the part. Bytes before it and behind it are not
 * looked at, so that a caller may put parts of its own into the same AxState.
 */
#include <config.h>

#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "core/error.h"
#include "core/replay.h"
#include "core/state.h"
#include "core/vm.h"

#define STATE_MAGIC   0x64447861 /* "axDd" */
#define STATE_VERSION 1

#define NAME_SIZE 32

/* In vm->devices, in the order in which they were added. */
struct device {
	char name[NAME_SIZE];
	const AxDeviceOps *ops;
	void *opaque;
	size_t part; /* while restoring: where its part begins */
	size_t part_len;
	bool found;
};

static struct device *device_at(const AxVm *vm, size_t index)
{
	return (struct device *)vm->devices.entries + index;
}

static struct device *find(const AxVm *vm, const char *name, size_t len)
{
	for (size_t i = 0; i < vm->devices.count; i++) {
		struct device *device = device_at(vm, i);

		if (strlen(device->name) == len && !memcmp(device->name, name, len))
			return device;
	}
	return NULL;
}

int ax_device_add(AxVm *vm, const char *name, const AxDeviceOps *ops, void *opaque, AxError *err)
{
	size_t len = name ? strnlen(name, NAME_SIZE) : 0;
	struct device *device;

	if (!len || len == NAME_SIZE)
		return ax_error_argument(err, -EINVAL, "a device's name has 1 to %d bytes",
					 NAME_SIZE - 1);
	if (!ops ||
	    (ops->size < sizeof(*ops) && ops->size != offsetof(AxDeviceOps, outside)) || !ops->reset || !ops->save || !ops->restore)
		return ax_error_argument(err, -EINVAL,
					 "device \"%s\" lacks an op, or its ops' size is not set",
					 name);
	if (find(vm, name, len))
		return ax_error_argument(err, -EEXIST, "there is a device \"%s\" already", name);
	if (!list_reserve(&vm->devices, sizeof(*device)))
		return ax_error_nomem(err, "a device");
	device = device_at(vm, vm->devices.count++);
	*device = (struct device){ .ops = ops, .opaque = opaque };
	memcpy(device->name, name, len);
	return 0;
}

int ax_device_remove(AxVm *vm, const char *name, AxError *err)
{
	struct device *device = name ? find(vm, name, strlen(name)) : NULL;

	if (!device)
		return ax_error_argument(err, -ENOENT, "there is no device \"%s\"",
					 name ? name : "");
	list_remove(&vm->devices, device, sizeof(*device));
	return 0;
}

void ax_devices_reset(AxVm *vm)
{
	for (size_t i = 0; i < vm->devices.count; i++)
		device_at(vm, i)->ops->reset(device_at(vm, i)->opaque);
}

static int refuse_part(const struct device *device, int ret, const char *what, AxError *err)
{
	return ax_error_set(err, ret, ret == -EINVAL ? AX_ERROR_ARGUMENT : AX_ERROR_RESOURCE, 0,
			    "device \"%s\": %s", device->name, what);
}

static int save_device(const struct device *device, AxState *state, AxError *err)
{
	size_t len_at;
	uint64_t len;
	int ret;

	ax_state_put_u8(state, (uint8_t)strlen(device->name));
	ax_state_put_bytes(state, device->name, strlen(device->name));
	ax_state_put_u64(state, 0);
	if (state->error)
		return ax_error_nomem(err, "the saved state");
	len_at = state->len - sizeof(len);
	ret = device->ops->save(device->opaque, state);
	if (ret)
		return refuse_part(device, ret, "its state could not be saved", err);
	if (state->error)
		return ax_error_nomem(err, "the saved state");
	len = state->len - len_at - sizeof(len);
	for (unsigned i = 0; i < sizeof(len); i++)
		state->bytes[len_at + i] = (uint8_t)(len >> (8 * i));
	return 0;
}

int ax_devices_save(AxVm *vm, AxState *state, AxError *err)
{
	size_t count = vm->devices.count;
	size_t begin = state->len;
	int ret = 0;

	if (state->error)
		return ax_error_argument(err, -EINVAL, "the state to save into has failed before");
	ax_state_put_u32(state, STATE_MAGIC);
	ax_state_put_u32(state, STATE_VERSION);
	ax_state_put_u32(state, (uint32_t)count);
	if (state->error)
		ret = ax_error_nomem(err, "the saved state");
	for (size_t i = 0; !ret && i < count; i++)
		ret = save_device(device_at(vm, i), state, err);
	if (ret)
		state->len = begin;
	return ret;
}

static int damaged(const char *what, AxError *err)
{
	return ax_error_argument(err, -EINVAL, "the saved state is damaged: %s", what);
}

/* Read one device's frame and note where its part is. */
static int find_part(AxVm *vm, AxState *state, AxError *err)
{
	size_t name_len = ax_state_get_u8(state);
	const char *name = (const char *)state_take(state, name_len);
	uint64_t len = ax_state_get_u64(state);
	struct device *device;

	if (state->error || len > state_left(state))
		return damaged("it ends too early", err);
	device = find(vm, name, name_len);
	if (!device)
		return ax_error_argument(
			err, -EINVAL, "the saved state is of a device \"%.*s\" that this VM lacks",
			(int)name_len, name);
	if (device->found)
		return refuse_part(device, -EINVAL, "it is in the saved state twice", err);
	device->found = true;
	device->part = state->cursor;
	device->part_len = (size_t)len;
	(void)state_take(state, (size_t)len);
	return 0;
}

/* Check all frames before any device is touched. */
static int find_parts(AxVm *vm, AxState *state, AxError *err)
{
	size_t count = vm->devices.count;
	uint32_t magic = ax_state_get_u32(state);
	uint32_t version = ax_state_get_u32(state);
	uint32_t saved = ax_state_get_u32(state);
	int ret = 0;

	if (state->error || magic != STATE_MAGIC)
		return damaged("it does not begin as one", err);
	if (version != STATE_VERSION)
		return ax_error_argument(err, -EINVAL,
					 "the saved state has version %" PRIu32 ", not %d", version,
					 STATE_VERSION);
	for (size_t i = 0; i < count; i++)
		device_at(vm, i)->found = false;
	for (uint32_t i = 0; !ret && i < saved; i++)
		ret = find_part(vm, state, err);
	for (size_t i = 0; !ret && i < count; i++)
		if (!device_at(vm, i)->found)
			ret = refuse_part(device_at(vm, i), -EINVAL,
					  "the saved state has nothing of it", err);
	return ret;
}

static int restore_device(const struct device *device, AxState *state, AxError *err)
{
	size_t left;
	int ret;

	state->cursor = device->part;
	state->limit = device->part + device->part_len;
	ret = device->ops->restore(device->opaque, state);
	left = state_left(state);
	state->limit = SIZE_MAX;
	if (ret)
		return refuse_part(device, ret, "its state could not be restored", err);
	if (state->error)
		return refuse_part(device, -EINVAL, "its saved state is too short", err);
	if (left)
		return refuse_part(device, -EINVAL, "its saved state is too long", err);
	return 0;
}

int ax_devices_restore(AxVm *vm, AxState *state, AxError *err)
{
	int ret = find_parts(vm, state, err);
	size_t end = state->cursor;

	if (ret)
		return ret;
	ax_devices_reset(vm);
	for (size_t i = 0; !ret && i < vm->devices.count; i++)
		ret = restore_device(device_at(vm, i), state, err);
	/* Half of a state is none. */
	if (ret)
		ax_devices_reset(vm);
	state->cursor = end;
	return ret;
}

void device_fini(AxVm *vm)
{
	list_free(&vm->devices);
}

bool device_is_there(const AxVm *vm, const char *name)
{
	return find(vm, name, strlen(name));
}

bool device_outside(AxVm *vm, const char *name, uint32_t what, const void *bytes, size_t len)
{
	const struct device *device = find(vm, name, strlen(name));

	if (!device || device->ops->size < sizeof(*device->ops) || !device->ops->outside)
		return false;
	device->ops->outside(device->opaque, what, bytes, len);
	return true;
}
