/* SPDX-License-Identifier: Apache-2.0 */
/*
 * AxLock: mutual exclusion between the vCPUs and a device's own threads (axvmm/handler.h). Whoever
 * has to wait says so in the state and sleeps in the kernel.
 *
 * Source: futex(2); the three states are those of Drepper, Futexes Are Tricky, section 6.
 */
#include <config.h>

#include <linux/futex.h>
#include <stdlib.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "core/lock.h"

AxLock *ax_lock_new(void)
{
	void *place;
	AxLock *lock;

	if (posix_memalign(&place, _Alignof(AxLock), sizeof(*lock)))
		return NULL;
	lock = place;
	atomic_init(&lock->state, LOCK_FREE);
	return lock;
}

void ax_lock_free(AxLock *lock)
{
	free(lock);
}

/* Whoever gets it here may not be the last who waited, and so says that somebody waits. */
void lock_wait(AxLock *lock)
{
	while (atomic_exchange_explicit(&lock->state, LOCK_WAITED_FOR, memory_order_acquire) !=
	       LOCK_FREE)
		syscall(SYS_futex, &lock->state, FUTEX_WAIT_PRIVATE, LOCK_WAITED_FOR, NULL);
}

void lock_wake(AxLock *lock)
{
	syscall(SYS_futex, &lock->state, FUTEX_WAKE_PRIVATE, 1);
}

void ax_lock(AxLock *lock)
{
	lock_take(lock);
}

void ax_unlock(AxLock *lock)
{
	lock_release(lock);
}
