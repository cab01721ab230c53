/* SPDX-License-Identifier: Apache-2.0 */
/*
 * AxLock: mutual exclusion between the vCPUs and a device's own threads (axvmm/handler.h).
 */
#include <pthread.h>
#include <stdlib.h>

#include <axvmm/handler.h>

struct AxLock {
	pthread_mutex_t mutex;
};

AxLock *ax_lock_new(void)
{
	AxLock *lock = malloc(sizeof(*lock));

	if (lock)
		pthread_mutex_init(&lock->mutex, NULL); /* without attributes it can't fail */
	return lock;
}

void ax_lock_free(AxLock *lock)
{
	if (!lock)
		return;
	pthread_mutex_destroy(&lock->mutex);
	free(lock);
}

void ax_lock(AxLock *lock)
{
	pthread_mutex_lock(&lock->mutex);
}

void ax_unlock(AxLock *lock)
{
	pthread_mutex_unlock(&lock->mutex);
}
