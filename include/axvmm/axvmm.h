/* SPDX-License-Identifier: Apache-2.0 */
/*
 * All of libaxvmm but axvmm/probe.h, which is for tools. libaxvmm-machine adds axvmm/boot.h,
 * axvmm/devices.h and axvmm/machine.h.
 */
#ifndef AXVMM_AXVMM_H
#define AXVMM_AXVMM_H

#include <axvmm/debug.h>
#include <axvmm/device.h>
#include <axvmm/error.h>
#include <axvmm/exit.h>
#include <axvmm/handler.h>
#include <axvmm/host.h>
#include <axvmm/irq.h>
#include <axvmm/memory.h>
#include <axvmm/pager.h>
#include <axvmm/record.h>
#include <axvmm/stats.h>
#include <axvmm/trace.h>
#include <axvmm/types.h>
#include <axvmm/vcpu.h>
#include <axvmm/vm.h>

#ifdef __cplusplus
extern "C" {
#endif

/* The library's version, such as "0.1.0". Thread: any. */
AX_API const char *ax_version(void);

#ifdef __cplusplus
}
#endif

#endif
