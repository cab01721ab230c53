/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What every device implements so that a VM can be reset, saved and restored.
 */
#ifndef AXVMM_DEVICE_H
#define AXVMM_DEVICE_H

#include <axvmm/error.h>
#include <axvmm/types.h>

#ifdef __cplusplus
extern "C" {
#endif

/* A device's saved state: a growing byte buffer when saving, a checked cursor when restoring. */
typedef struct AxState AxState;

/* An empty state to save into; NULL when there is no memory. Owned by the caller. Thread: any. */
AX_API AxState *ax_state_new(void);
/* A state to restore from; the bytes are copied and untrusted. */
AX_API AxState *ax_state_from_bytes(const void *bytes, size_t len);
AX_API void ax_state_free(AxState *state);
/* What has been saved: owned by the state, valid until the next put or free. */
AX_API const void *ax_state_bytes(const AxState *state, size_t *len);

/* Append, little endian. Failure to find memory is remembered: ax_state_error(). */
AX_API void ax_state_put_u8(AxState *state, uint8_t value);
AX_API void ax_state_put_u32(AxState *state, uint32_t value);
AX_API void ax_state_put_u64(AxState *state, uint64_t value);
AX_API void ax_state_put_bytes(AxState *state, const void *bytes, size_t len);
/* Take; zero and a remembered error past the end. */
AX_API uint8_t ax_state_get_u8(AxState *state);
AX_API uint32_t ax_state_get_u32(AxState *state);
AX_API uint64_t ax_state_get_u64(AxState *state);
AX_API void ax_state_get_bytes(AxState *state, void *bytes, size_t len);
/* 0, -ENOMEM (put) or -EINVAL (get past the end) of the first failure so far. */
AX_API int ax_state_error(const AxState *state);

typedef struct AxDeviceOps {
	size_t size; /* sizeof(AxDeviceOps) */
	/* Back to power-on state; lines fall. Host-side connections stay. */
	void (*reset)(void *opaque);
	/* Append the guest-visible state. 0 or a negative errno. */
	int (*save)(void *opaque, AxState *state);
	/*
	 * The opposite, into a device that was just reset. Bytes are untrusted: -EINVAL leaves it
	 * reset.
	 */
	int (*restore)(void *opaque, AxState *state);
	/*
	 * A replay (record.h): do what the call from outside did that was recorded by
	 * ax_record_enter() with the same @what and bytes, which are untrusted. NULL: there are none.
	 */
	void (*outside)(void *opaque, uint32_t what, const void *bytes, size_t len);
} AxDeviceOps;

/**
 * Make a device known to its VM under a name that is unique in it.
 *
 * @param name  copied; at most 31 bytes
 * @param ops   borrowed until ax_device_remove() or the VM's end; every member must be there
 * @return 0; -EEXIST the name is taken; -EINVAL; -ENOMEM
 *
 * Thread: the one that builds the VM.
 */
AX_API int ax_device_add(AxVm *vm, const char *name, const AxDeviceOps *ops, void *opaque,
			 AxError *err);
/* Forget a device. 0 or -ENOENT. */
AX_API int ax_device_remove(AxVm *vm, const char *name, AxError *err);

/*
 * Reset all devices in the order in which they were added. Thread: any, with the vCPUs paused or
 * not running.
 */
AX_API void ax_devices_reset(AxVm *vm);

/**
 * Save all devices, or reset and restore all. Each device's part is framed with its name and
 * length, so that a device that reads too much or too little is found.
 *
 * @return 0; -EINVAL the state is damaged, or is of other devices (the message names the device);
 * -ENOMEM; else what the device's op returned
 *
 * Thread: any, with the vCPUs paused or not running.
 */
AX_API int ax_devices_save(AxVm *vm, AxState *state, AxError *err);
AX_API int ax_devices_restore(AxVm *vm, AxState *state, AxError *err);

#ifdef __cplusplus
}
#endif

#endif
