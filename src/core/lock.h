/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The inside of AxLock, inline for the exit path. Taking a lock that nobody holds, and giving back one
 * that nobody waits for, is one atomic instruction each and no system call.
 */
#ifndef AXVMM_CORE_LOCK_H
#define AXVMM_CORE_LOCK_H

#include <stdatomic.h>
#include <stdint.h>

#include <axvmm/handler.h>

enum lock_state { LOCK_FREE = 0, LOCK_HELD = 1, LOCK_WAITED_FOR = 2 };

/* A cache line of its own: devices that have nothing to do with each other don't share it. */
struct AxLock {
	_Alignas(64) _Atomic uint32_t state;
};

/* Wait until the lock is the caller's. */
void lock_wait(AxLock *lock);
/* Wake one who waits. */
void lock_wake(AxLock *lock);

static inline void lock_take(AxLock *lock)
{
	uint32_t state = LOCK_FREE;

	if (!atomic_compare_exchange_strong_explicit(&lock->state, &state, LOCK_HELD,
						     memory_order_acquire, memory_order_relaxed))
		lock_wait(lock);
}

static inline void lock_release(AxLock *lock)
{
	if (atomic_exchange_explicit(&lock->state, LOCK_FREE, memory_order_release) != LOCK_HELD)
		lock_wake(lock);
}

#endif
