/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Inside of the test device: its state, and what testdev.c (the object and its results),
 * testdev_regs.c (the guest's side), testdev_later.c (what happens 10 ms later) and testdev_state.c
 * (reset, save, restore) call of each other.
 *
 * The registers that guests write often are atomic words and take no lock: vCPUs share the device.
 */
#ifndef AXVMM_DEV_TESTDEV_H
#define AXVMM_DEV_TESTDEV_H

#include <stdatomic.h>

#include "dev/dev.h"
#include "guests/abi.h"

#define TESTDEV_DELAY_NS   UINT64_C(10000000) /* guests/abi.h: about 10 ms */
#define TESTDEV_PENDING	   64		      /* of RAISE_LATER and KICK_LATER at a time */
#define TESTDEV_STORE_SIZE (AX_TEST_PATTERN_HIGH - AX_TEST_STORE)
#define TESTDEV_VECTOR_MIN 16  /* of an interrupt; kicks begin at 0 */
#define TESTDEV_VECTOR_MAX 255 /* of both */

#define TESTDEV_RAISED_WORDS ((TESTDEV_VECTOR_MAX + 64) / 64) /* a bit for each vector */

/* The words without a lock. */
struct testdev_words {
	_Atomic uint64_t scratch;
	_Atomic uint64_t actual;
	_Atomic uint64_t expected;
	_Atomic uint64_t kick_word;
	_Atomic uint64_t sync_count;
	_Atomic uint64_t readonly_writes;
	_Atomic uint64_t port_scratch;
	_Atomic uint64_t compared; /* 1: ACTUAL or EXPECTED was written */
	_Atomic uint64_t
		syncs[AX_TESTDEV_SYNCS]; /* the values of SYNC, the n-th at n modulo size */
};

/* The last write into the data regions. */
struct testdev_written {
	uint64_t offset;
	uint64_t length;
	uint64_t value;
	uint64_t count;
};

struct testdev_element {
	uint32_t value;
	uint8_t width; /* an AxAccessWidth */
};

/* An interrupt or a kick that is due later. */
struct testdev_pending {
	uint64_t deadline_ns;
	uint32_t vcpu;
	uint8_t vector;
	bool is_kick;
};

/* The rest, under the device's lock. */
struct testdev_locked {
	struct testdev_written written;
	uint8_t store[TESTDEV_STORE_SIZE];
	unsigned fifo_first;
	unsigned fifo_count;
	struct testdev_element fifo[AX_TEST_FIFO_LIMIT];
	unsigned pending_count;
	struct testdev_pending pending[TESTDEV_PENDING];
	AxTestResult result; /* without sync_count */
};

struct AxTestDev {
	struct testdev_words words;
	/* Vectors that were ever raised: what lowering the line may have to take back. */
	_Atomic uint64_t raised[TESTDEV_RAISED_WORDS];
	AxLock *lock;
	struct testdev_locked locked;
	AxVm *vm; /* under the lock: where what is pending goes; NULL: in none */
	struct ax_dev_link link;
	AxHost *host;
	AxTimer *timer; /* NULL without a host */
	uint32_t flags;
};

/* The register windows below and above HYPERCALL, the counter of the READONLY region, the ports. */
extern const AxRangeOps testdev_low_ops;
extern const AxRangeOps testdev_high_ops;
extern const AxRangeOps testdev_readonly_ops;
extern const AxRangeOps testdev_port_ops;

/* What MMIO ranges look like: HYPERCALL's eight bytes are not the device's. */
#define TESTDEV_LOW_LENGTH  AX_TEST_HYPERCALL
#define TESTDEV_HIGH_OFFSET AX_TEST_IDENTITY
#define TESTDEV_HIGH_LENGTH (AX_TEST_SIZE - TESTDEV_HIGH_OFFSET)
#define TESTDEV_PORT_LENGTH AX_TEST_PORT_HYPERCALL

/* Note how the guest ended; the first time counts. */
void testdev_end(AxTestDev *dev, AxVCpu *vcpu, AxTestDevEnd end, uint64_t value);

/* Whether the guest may name @addr as its KICK_WORD: an aligned word in writable RAM. */
bool testdev_is_kick_word(AxVm *vm, uint64_t addr);

/* RAISE_LATER or KICK_LATER from @vcpu: false when it cannot be done. */
bool testdev_later(AxTestDev *dev, AxVCpu *vcpu, bool is_kick, uint64_t vector);

/* Whether a vector is one that testdev_later() takes. */
bool testdev_is_vector(bool is_kick, uint64_t vector);

/* The timer's callback; its opaque is the device. */
void testdev_timer(void *opaque);

/* Arm the timer for what is pending (the lock is not held). */
void testdev_arm(AxTestDev *dev);

extern const AxDeviceOps testdev_device_ops;

#endif
