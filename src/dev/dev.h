/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What all devices share: making errors, reading sized configurations, and being in a VM.
 */
#ifndef AXVMM_DEV_DEV_H
#define AXVMM_DEV_DEV_H

#include <stdatomic.h>

#include <axvmm/devices.h>
#include <axvmm/record.h>

#define AX_DEV_NAME_SIZE 32
#define AX_DEV_WINDOWS	 4

/* No memory for @what: -ENOMEM. */
int ax_dev_error_nomem(AxError *err, const char *what);

/*
 * Copy a caller's struct that begins with its size. A caller of a newer library may give more than
 * @known bytes as long as the rest is zero; one of an older library gives less, but at least
 * @minimum, and keeps the defaults that @config holds before for the rest.
 *
 * Returns 0, or -EINVAL with a message that names @type.
 */
int ax_dev_config(void *config, size_t known, const void *given, size_t minimum, const char *type,
		  AxError *err);

/* The state of being in a VM, embedded in each device. */
struct ax_dev_link {
	AxVm *vm; /* NULL: in none */
	_Atomic(AxRecord *) record; /* that VM's; NULL */
	char name[AX_DEV_NAME_SIZE];
	bool added; /* ax_device_add() was done */
	AxRangeId ids[AX_DEV_WINDOWS];
};

/* The recording of the VM that it is in; NULL: none. Any thread. */
static inline AxRecord *ax_dev_record(struct ax_dev_link *link)
{
	return atomic_load_explicit(&link->record, memory_order_acquire);
}

/* A range that a device claims. */
struct ax_dev_window {
	AxSpace space;
	uint64_t base;
	uint64_t length;
	const AxRangeOps *ops;
};

/*
 * Take a device's name: @name, or @otherwise where that is NULL. 0, or -EINVAL it is empty or longer
 * than 31 bytes.
 */
int ax_dev_name(struct ax_dev_link *link, const char *name, const char *otherwise, AxError *err);

/*
 * Put a device into a VM: its ops, then its ranges, which vCPUs may use from then on. @lock is held
 * around the ranges' ops; NULL: none. Everything is taken back on failure. As all attach functions
 * of axvmm/devices.h.
 */
int ax_dev_attach(struct ax_dev_link *link, AxVm *vm, const struct ax_dev_window *windows,
		  unsigned count, AxLock *lock, const AxDeviceOps *ops, void *opaque, AxError *err);

/* Take it out again: as all detach functions. What could not be removed is tried again next time. */
int ax_dev_detach(struct ax_dev_link *link, AxError *err);

/* The bits of @width, without a call into another library. */
static inline uint64_t ax_dev_mask(AxAccessWidth width)
{
	return UINT64_MAX >> (64 - (8u << width));
}

#endif
