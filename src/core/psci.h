/* SPDX-License-Identifier: Apache-2.0 */
/*
 * PSCI 1.1: what a call of an arm64 guest is answered with, and what has to be done about it. Pure;
 * compiled and tested on every host.
 * Source: Arm Power State Coordination Interface, DEN0022, section 5; SMC Calling Convention,
 * DEN0028.
 */
#ifndef AXVMM_CORE_PSCI_H
#define AXVMM_CORE_PSCI_H

#include "core/power_view.h"

/*
 * Function IDs. PSCI_64() makes that of the 64-bit form, where there is one: DEN0028, 2. GET_VERSION
 * is PSCI_VERSION, which linux/psci.h has as a macro of its own.
 */
#define PSCI_64(function)	 ((function) | 0x40000000u)
#define SMCCC_VERSION		 0x80000000u
#define SMCCC_ARCH_FEATURES	 0x80000001u
#define PSCI_GET_VERSION	 0x84000000u
#define PSCI_CPU_SUSPEND	 0x84000001u /* and 64-bit */
#define PSCI_CPU_OFF		 0x84000002u
#define PSCI_CPU_ON		 0x84000003u /* and 64-bit */
#define PSCI_AFFINITY_INFO	 0x84000004u /* and 64-bit */
#define PSCI_MIGRATE		 0x84000005u /* and 64-bit; never supported here, as the next */
#define PSCI_MIGRATE_INFO_TYPE	 0x84000006u
#define PSCI_MIGRATE_INFO_UP_CPU 0x84000007u /* and 64-bit; not supported */
#define PSCI_SYSTEM_OFF		 0x84000008u
#define PSCI_SYSTEM_RESET	 0x84000009u
#define PSCI_FEATURES		 0x8400000au
#define PSCI_SYSTEM_SUSPEND	 0x8400000eu /* and 64-bit */
#define PSCI_SYSTEM_RESET2	 0x84000012u /* and 64-bit */

/* The range that the standard gives to PSCI, in each width. */
#define PSCI_FUNCTIONS 0x20

/* Results: DEN0022, 5.2.2. */
#define PSCI_SUCCESS		0
#define PSCI_NOT_SUPPORTED	(-1)
#define PSCI_INVALID_PARAMETERS (-2)
#define PSCI_DENIED		(-3)
#define PSCI_ALREADY_ON		(-4)
#define PSCI_ON_PENDING		(-5)
#define PSCI_INTERNAL_FAILURE	(-6)
#define PSCI_INVALID_ADDRESS	(-9)

#define PSCI_VERSION_1_1  0x00010001
#define SMCCC_VERSION_1_1 0x00010001

/* AFFINITY_INFO: DEN0022, 5.7. */
#define PSCI_AFFINITY_ON	 0
#define PSCI_AFFINITY_OFF	 1
#define PSCI_AFFINITY_ON_PENDING 2

/* MIGRATE_INFO_TYPE: no trusted OS, or one that needs no migration. DEN0022, 5.9. */
#define PSCI_TOS_NOT_PRESENT 2

/* SYSTEM_RESET2: architectural type 0 is a warm reset; bit 31 makes a type the vendor's. 5.13. */
#define PSCI_RESET2_WARM   0u
#define PSCI_RESET2_VENDOR (1u << 31)

/* CPU_SUSPEND's power_state in its original format: DEN0022, 5.4.2. */
#define PSCI_STATE_ID(state)	((state)&0xffff)
#define PSCI_STATE_POWERDOWN	(1u << 16)
#define PSCI_STATE_LEVEL(state) ((state) >> 24 & 3)
#define PSCI_STATE_RESERVED	0xfcfe0000u

/* MPIDR's affinity fields as arguments: Aff3 in bits 32..39, Aff2..Aff0 in 0..23. 5.6. */
#define PSCI_AFFINITY_MASK UINT64_C(0xff00ffffff)

enum psci_action {
	PSCI_ACT_NONE,	      /* return */
	PSCI_ACT_CPU_ON,      /* .target, .entry, .context */
	PSCI_ACT_CPU_OFF,     /* the caller */
	PSCI_ACT_CPU_SUSPEND, /* the caller: .state, .powerdown, .entry, .context */
	PSCI_ACT_SYSTEM_OFF,
	PSCI_ACT_SYSTEM_RESET,
	PSCI_ACT_SYSTEM_RESET2,	 /* .reset_type, .cookie */
	PSCI_ACT_SYSTEM_SUSPEND, /* .entry, .context */
};

/* The answer to one call. Members that the action does not name are zero. */
struct psci_answer {
	enum psci_action action;

	/*
	 * For x0 when the call returns: right after the action has been taken (NONE, CPU_ON), or
	 * when a standby or suspend has ended without losing the caller's state. Sign-extended to
	 * 64 bits for 32-bit calls as well, of which the caller may look at w0 alone. Calls that do
	 * not return have a failure here, which the guest sees if it is entered all the same.
	 */
	uint64_t result;

	uint64_t target;     /* affinity of a CPU that exists and was off */
	uint64_t entry;	     /* where the CPU begins; is_entry() has agreed to it */
	uint64_t context;    /* for x0 there */
	uint32_t state;	     /* power_state as given */
	bool powerdown;	     /* the state may be lost: the caller may begin anew at entry */
	uint32_t reset_type; /* PSCI_RESET2_WARM, or a vendor's */
	uint64_t cookie;
};

/* Whether PSCI, or the two SMCCC functions that belong to it, own this function ID. */
bool psci_owns(uint32_t function);

/*
 * Answer a call.
 *
 * CPU_ON is decided by what @view says now. Another vCPU may claim the same target at the same
 * time: whoever then fails to claim it asks again, and gets ALREADY_ON or ON_PENDING.
 *
 * @function  w0: a function ID; any number is allowed, unknown ones get NOT_SUPPORTED
 * @args      x1, x2, x3; 32-bit calls use their lower halves
 * @view      the VM as the calling CPU sees it, whose own state is POWER_ON
 * @answer    filled
 *
 * Thread: any; calls view's functions only.
 */
void psci_call(uint32_t function, const uint64_t args[3], const struct power_view *view,
	       struct psci_answer *answer);

#endif
