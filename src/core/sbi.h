/* SPDX-License-Identifier: Apache-2.0 */
/*
 * SBI 2.0: the calls of a riscv64 guest that this library answers by itself, from extension's
 * function and arguments to error, value and action. Pure; compiled and tested on every host.
 * KVM answers SRST, and DBCN is its handler's (AX_HYPERCALL_CONSOLE).
 * Source: RISC-V Supervisor Binary Interface Specification, chapters 3 (binary encoding), 4 (base)
 * and 9 (HSM).
 */
#ifndef AXVMM_CORE_SBI_H
#define AXVMM_CORE_SBI_H

#include <stddef.h>

#include "core/power_view.h"

/* Extension IDs. */
#define SBI_EXT_BASE 0x10
#define SBI_EXT_HSM  0x48534d

/*
 * "AXH" in the experimental space 0x08000000..0x08ffffff: the functions of HSM under an ID of our
 * own, because KVM answers HSM in the kernel and forwards this.
 */
#define SBI_EXT_AXH 0x08415848

/* Function IDs. */
#define SBI_BASE_PROBE_EXT	3
#define SBI_HSM_HART_START	0
#define SBI_HSM_HART_STOP	1
#define SBI_HSM_HART_GET_STATUS 2
#define SBI_HSM_HART_SUSPEND	3

/* sbiret.error: chapter 3, table 1. */
#define SBI_SUCCESS		  0
#define SBI_ERR_FAILED		  (-1)
#define SBI_ERR_NOT_SUPPORTED	  (-2)
#define SBI_ERR_INVALID_PARAM	  (-3)
#define SBI_ERR_DENIED		  (-4)
#define SBI_ERR_INVALID_ADDRESS	  (-5)
#define SBI_ERR_ALREADY_AVAILABLE (-6)
#define SBI_ERR_ALREADY_STARTED	  (-7)
#define SBI_ERR_ALREADY_STOPPED	  (-8)
#define SBI_ERR_NO_SHMEM	  (-9)

/* HSM hart states: chapter 9, table 12. */
#define SBI_HSM_STARTED		0
#define SBI_HSM_STOPPED		1
#define SBI_HSM_START_PENDING	2
#define SBI_HSM_STOP_PENDING	3
#define SBI_HSM_SUSPENDED	4
#define SBI_HSM_SUSPEND_PENDING 5
#define SBI_HSM_RESUME_PENDING	6

/* hart_suspend's types that are neither reserved nor a platform's. */
#define SBI_HSM_SUSPEND_RETENTIVE     0u
#define SBI_HSM_SUSPEND_NON_RETENTIVE 0x80000000u

enum sbi_action {
	SBI_ACT_NONE,	     /* return */
	SBI_ACT_HART_START,  /* .hart, .address, .opaque */
	SBI_ACT_HART_STOP,   /* the caller */
	SBI_ACT_HART_SUSPEND /* the caller: .retentive, .address, .opaque */
};

/* The answer to one call. Members that the action does not name are zero. */
struct sbi_answer {
	enum sbi_action action;

	/*
	 * sbiret for a0 and a1, when the call returns: right after the action has been taken, or
	 * when a retentive suspend has ended. Calls that do not return have a failure here, which
	 * the guest sees if it is entered all the same.
	 */
	int64_t error;
	uint64_t value;

	uint64_t hart;	  /* ID of a hart that exists and was stopped */
	uint64_t address; /* HART_*: where it begins; is_entry() has agreed to it */
	uint64_t opaque;  /* for a1 there; a0 is the hart's ID */
	bool retentive;	  /* the hart keeps its state and goes on behind the call */
};

/*
 * HSM, under its own ID or SBI_EXT_AXH.
 *
 * hart_start is decided by what @view says now. Another vCPU may claim the same hart at the same
 * time: whoever then fails to claim it asks again, and gets ALREADY_AVAILABLE.
 *
 * @function  a6; unknown ones get NOT_SUPPORTED
 * @args      a0 to a2
 * @view      the VM as the calling hart sees it, whose own state is POWER_ON
 * @answer    filled
 *
 * Thread: any; calls view's functions only.
 */
void sbi_hsm_call(uint64_t function, const uint64_t args[3], const struct power_view *view,
		  struct sbi_answer *answer);

/*
 * BASE. KVM forwards one function of it, probe_extension, and only for extensions that it forwards
 * as well; the others get NOT_SUPPORTED.
 *
 * @ids, @count  extensions that are answered here
 */
void sbi_base_call(uint64_t function, const uint64_t args[3], const uint32_t *ids, size_t count,
		   struct sbi_answer *answer);

#endif
