/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The driver of virtio_driver.h on a VM without KVM whose accesses are recorded: what the tests of a
 * device do is replayed when each of them ends, and nothing may differ. Tests are compiled for it a second
 * time, with DRV_RECORDED.
 *
 * What is no unit of a recording, as a reboot or a state that is restored, leaves nothing to be replayed
 * of its test.
 */
#ifndef AXVMM_TESTS_UNIT_VIRTIO_RECORDED_H
#define AXVMM_TESTS_UNIT_VIRTIO_RECORDED_H

#include <axvmm/axvmm.h>

struct drv;

/* Make drv->vm, and the first time drv->host: a recording of it begins. */
void recorded_begin(struct drv *drv);
/* The device is about to be put into the VM: of several, each with a name of its own, the last is replayed. */
void recorded_attach(struct drv *drv);
/* The VM is gone: replay what was recorded, and expect that all is the same. Frees drv->host. */
void recorded_end(struct drv *drv);
/* The loop behind drv->host. */
AxHost *recorded_loop(struct drv *drv);

/* Accesses, as exits. */
AxHandled recorded_in(struct drv *drv, uint64_t offset, AxAccessWidth width, uint64_t *value);
AxHandled recorded_out(struct drv *drv, uint64_t offset, AxAccessWidth width, uint64_t value);
/* The device's interrupt line is now 0, 1, or 2: was pulsed. */
void recorded_line(struct drv *drv, uint32_t line, unsigned what);

/* What tests call of the library, with drv->host and drv->vm. */
int recorded_dispatch(AxHost *host, int timeout_ms, AxError *err);
int recorded_save(AxVm *vm, AxState *state, AxError *err);

#ifndef RECORDED_INSIDE
#define ax_loop_dispatch recorded_dispatch
#define ax_devices_save	 recorded_save
#endif

#endif
