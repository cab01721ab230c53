/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The fake KVM's statistics: descriptors that read as what the test says.
 */
#include <errno.h>
#include <string.h>

#include "fake_internal.h"

static struct {
	const uint8_t *bytes;
	size_t size;
	size_t piece;
} stats;

void fake_stats_reset(void)
{
	memset(&stats, 0, sizeof(stats));
}

void fake_set_stats(const void *bytes, size_t size, size_t piece)
{
	fake_lock();
	stats.bytes = bytes;
	stats.size = size;
	stats.piece = piece;
	fake_unlock();
}

int sys_stats_open(int fd)
{
	struct fake_object *object;
	struct fake_call *call;
	int ret = -EBADF;

	fake_lock();
	object = fake_find(fd);
	call = fake_record(object, KVM_GET_STATS_FD, 0, NULL, 0);
	if (object && (object->kind == FAKE_VM || object->kind == FAKE_VCPU)) {
		ret = -fake_strike(KVM_GET_STATS_FD);
		if (!ret)
			ret = fake_new_object(FAKE_STATS, object)->fd;
	}
	if (call)
		call->ret = ret;
	fake_unlock();
	return ret;
}

ssize_t sys_stats_read(int fd, void *bytes, size_t size, uint64_t offset)
{
	struct fake_object *object;
	ssize_t ret = -EBADF;

	fake_lock();
	object = fake_find(fd);
	(void)fake_record(object, FAKE_STATS_READ, offset, NULL, 0);
	if (object && object->kind == FAKE_STATS) {
		ret = -fake_strike(FAKE_STATS_READ);
		if (!ret && offset < stats.size) {
			if (size > stats.size - offset)
				size = stats.size - offset;
			if (stats.piece && size > stats.piece)
				size = stats.piece;
			memcpy(bytes, stats.bytes + offset, size);
			ret = (ssize_t)size;
		}
	}
	fake_unlock();
	return ret;
}
