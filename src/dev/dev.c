/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What all devices share: making errors, reading sized configurations, and being in a VM.
 */
#include <errno.h>
#include <string.h>

#include "dev/dev.h"

int ax_dev_error_nomem(AxError *err, const char *what)
{
	return ax_error_set(err, -ENOMEM, AX_ERROR_RESOURCE, 0, "no memory for %s", what);
}

int ax_dev_config(void *config, size_t known, const void *given, size_t minimum, const char *type,
		  AxError *err)
{
	size_t size;

	if (!given)
		return 0;
	memcpy(&size, given, sizeof(size));
	if (size < minimum)
		return ax_error_argument(err, -EINVAL,
					 "%s has size %zu, less than %zu: use its INIT macro", type,
					 size, minimum);
	for (size_t i = known; i < size; i++) {
		if (((const uint8_t *)given)[i])
			return ax_error_argument(
				err, -EINVAL,
				"%s of a newer library: byte %zu is set, this one knows %zu", type,
				i, known);
	}
	memcpy(config, given, size < known ? size : known);
	return 0;
}

int ax_dev_name(struct ax_dev_link *link, const char *name, const char *otherwise, AxError *err)
{
	size_t len;

	if (!name)
		name = otherwise;
	len = strnlen(name, sizeof(link->name));
	if (!len || len == sizeof(link->name))
		return ax_error_argument(
			err, -EINVAL, "a device's name is 1 to 31 bytes long, not \"%.40s\"", name);
	memcpy(link->name, name, len + 1);
	return 0;
}

static int add_window(struct ax_dev_link *link, const struct ax_dev_window *window, AxLock *lock,
		      void *opaque, AxRangeId *id, AxError *err)
{
	AxRange range = AX_RANGE_INIT;

	range.name = link->name;
	range.base = window->base;
	range.length = window->length;
	range.ops = window->ops;
	range.opaque = opaque;
	range.flags = lock ? AX_RANGE_SERIAL : 0;
	range.lock = lock;
	if (window->space == AX_SPACE_PORT)
		return ax_range_add_ports(link->vm, &range, id, err);
	return ax_range_add_mmio(link->vm, &range, id, err);
}

int ax_dev_attach(struct ax_dev_link *link, AxVm *vm, const struct ax_dev_window *windows,
		  unsigned count, AxLock *lock, const AxDeviceOps *ops, void *opaque, AxError *err)
{
	int ret;

	if (link->vm)
		return ax_error_set(err, -EBUSY, AX_ERROR_STATE, 0,
				    "%s is in a VM already: detach it first", link->name);
	ret = ax_device_add(vm, link->name, ops, opaque, err);
	if (ret)
		return ret;
	link->vm = vm;
	atomic_store(&link->record, ax_vm_record(vm));
	link->added = true;
	for (unsigned i = 0; i < count; i++) {
		ret = add_window(link, &windows[i], lock, opaque, &link->ids[i], err);
		if (ret) {
			ax_dev_detach(link, NULL);
			return ret;
		}
	}
	return 0;
}

int ax_dev_detach(struct ax_dev_link *link, AxError *err)
{
	int ret;

	if (!link->vm)
		return 0;
	for (unsigned i = 0; i < AX_DEV_WINDOWS; i++) {
		if (!link->ids[i])
			continue;
		ret = ax_range_remove(link->vm, link->ids[i], err);
		if (ret)
			return ret;
		link->ids[i] = 0;
	}
	if (link->added) {
		ret = ax_device_remove(link->vm, link->name, err);
		if (ret)
			return ret;
		link->added = false;
	}
	atomic_store(&link->record, NULL);
	link->vm = NULL;
	return 0;
}
