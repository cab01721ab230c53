/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A replay while it lasts; see record.h.
 */
#ifndef AXVMM_CORE_REPLAY_H
#define AXVMM_CORE_REPLAY_H

#include "core/record.h"

struct replay {
	AxRecord *record;
	AxVm *vm;
	const AxReplayOptions *options;
	AxReplayResult *result;
	size_t at;		       /* of the next record */
	uint64_t unit;		       /* under way, from 1 */
	char device[RECORD_NAME_SIZE]; /* whose it is; "": not known */
	bool line_changed;	       /* in this unit */
	bool differs;
};

/* Whether the VM has a device, or a range, of this name. */
bool record_has_device(AxVm *vm, const char *name);

/* device.c: AxDeviceOps.outside of the device @name: false when there is none. */
bool device_outside(AxVm *vm, const char *name, uint32_t what, const void *bytes, size_t len);
bool device_is_there(const AxVm *vm, const char *name);

#endif
