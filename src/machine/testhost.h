/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The host's side of guests/abi.h beyond the test device: hypercalls, system registers, the
 * READONLY region, kicks.
 */
#ifndef AXVMM_MACHINE_TESTHOST_H
#define AXVMM_MACHINE_TESTHOST_H

#include <stdatomic.h>

#include <axvmm/devices.h>
#include <axvmm/handler.h>

#include "guests/abi.h"

struct testhost {
	AxTestDev *device;  /* borrowed */
	AxCharSink console; /* of SBI's debug console */
	AxSysRegAddr sys_regs;
	/* What wants to know of interrupts that have ended (AX_EXIT_IRQ_EOI); NULL: nobody. */
	void (*eoi)(void *opaque, uint8_t vector);
	void *eoi_opaque;
	_Atomic uint64_t storage[AX_TEST_MSR_STORAGE_COUNT]; /* vCPUs share them */
};

/* Answer hypercalls that arrive by the block at @mmio_base and @port_base (0: none) and by the
 * routes of AX_HYPERCALL_*. */
int testhost_add_hypercalls(struct testhost *host, AxVm *vm, AxGuestPhysAddr mmio_base,
			    uint32_t port_base, unsigned flags, AxError *err);

/* Serve the MSRs from @first on; the CSRs. */
int testhost_add_sys_regs(struct testhost *host, AxVm *vm, AxSysRegAddr first, AxError *err);

int testhost_add_csrs(struct testhost *host, AxVm *vm, AxError *err);

/* Add and fill the READONLY region of the test device at @test_base. */
int testhost_add_readonly(AxVm *vm, AxGuestPhysAddr test_base, AxError *err);

/* Tell the guest of kicks, by @device. */
int testhost_add_kicks(struct testhost *host, AxVm *vm, AxTestDev *device, AxError *err);

#endif
