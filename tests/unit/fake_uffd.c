/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The fake userfaultfd; see fake_uffd.h. A descriptor is the read end of a pipe, so that poll() sees
 * what is in it.
 */
#include "tests/unit/fake_uffd.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#define PAGE  4096
#define PAGES 512 /* of a range; what is more is not kept track of */

static struct {
	pthread_mutex_t lock;
	unsigned open;
	unsigned fail[UFFD_CALLS];
	int fail_errno[UFFD_CALLS];
	unsigned calls[UFFD_CALLS];
	uint64_t features;
	bool no_zero_pages;
	int fd, write_fd; /* of the last descriptor */
	uint8_t *start;
	size_t length;
	bool present[PAGES];
	unsigned woken[PAGES];
} fake = { .lock = PTHREAD_MUTEX_INITIALIZER, .fd = -1, .write_fd = -1 };

/* Count a call: 0, or the negative errno that it is to fail with. The lock is held. */
static int count_call(enum fake_uffd_call call)
{
	fake.calls[call]++;
	if (!fake.fail[call])
		return 0;
	if (fake.fail[call] != UINT32_MAX)
		fake.fail[call]--;
	return -fake.fail_errno[call];
}

static int begin(enum fake_uffd_call call)
{
	pthread_mutex_lock(&fake.lock);
	return count_call(call);
}

static int end(int ret)
{
	pthread_mutex_unlock(&fake.lock);
	return ret;
}

void fake_uffd_reset(void)
{
	begin(UFFD_READ);
	memset(fake.fail, 0, sizeof(fake.fail));
	memset(fake.calls, 0, sizeof(fake.calls));
	fake.open = 0;
	fake.no_zero_pages = false;
	fake.start = NULL;
	fake.length = 0;
	end(0);
}

unsigned fake_uffd_open_count(void)
{
	return (unsigned)__atomic_load_n(&fake.open, __ATOMIC_SEQ_CST);
}

void fake_uffd_fail(enum fake_uffd_call call, unsigned count, int os_errno)
{
	pthread_mutex_lock(&fake.lock);
	fake.fail[call] = count;
	fake.fail_errno[call] = os_errno;
	pthread_mutex_unlock(&fake.lock);
}

unsigned fake_uffd_calls(enum fake_uffd_call call)
{
	return __atomic_load_n(&fake.calls[call], __ATOMIC_SEQ_CST);
}

uint64_t fake_uffd_features(void)
{
	return fake.features;
}

void fake_uffd_set_zero_pages(bool there)
{
	fake.no_zero_pages = !there;
}

void *fake_uffd_start(void)
{
	return fake.start;
}

size_t fake_uffd_length(void)
{
	return fake.length;
}

static size_t index_of(const void *address)
{
	size_t index = ((uintptr_t)address - (uintptr_t)fake.start) / PAGE;

	return index < PAGES ? index : PAGES - 1;
}

void fake_uffd_fault(const void *address, bool write_access, uint32_t tid)
{
	struct sys_uffd_fault fault = { .address = (uintptr_t)address & ~(uint64_t)(PAGE - 1),
					.write = write_access,
					.tid = tid };

	if (write(fake.write_fd, &fault, sizeof(fault)) != sizeof(fault))
		abort();
}

bool fake_uffd_present(const void *address)
{
	bool present;

	pthread_mutex_lock(&fake.lock);
	present = fake.present[index_of(address)];
	pthread_mutex_unlock(&fake.lock);
	return present;
}

void fake_uffd_discard(const void *address)
{
	pthread_mutex_lock(&fake.lock);
	fake.present[index_of(address)] = false;
	pthread_mutex_unlock(&fake.lock);
}

unsigned fake_uffd_woken(const void *address)
{
	unsigned woken;

	pthread_mutex_lock(&fake.lock);
	woken = fake.woken[index_of(address)];
	pthread_mutex_unlock(&fake.lock);
	return woken;
}

void fake_uffd_wait_woken(const void *address, unsigned count)
{
	const struct timespec a_moment = { .tv_nsec = 100000 };

	for (unsigned i = 0; fake_uffd_woken(address) < count; i++) {
		if (i == 100000) {
			fprintf(stderr, "fake_uffd: nobody was woken at page %zu\n",
				index_of(address));
			abort();
		}
		nanosleep(&a_moment, NULL);
	}
}

static int new_descriptor(enum fake_uffd_call call)
{
	int ends[2], ret = begin(call);

	if (ret)
		return end(ret);
	if (pipe2(ends, O_CLOEXEC | O_NONBLOCK))
		return end(-errno);
	fake.open++;
	fake.fd = ends[0];
	fake.write_fd = ends[1];
	return end(fake.fd);
}

int sys_uffd_open_device(void)
{
	return new_descriptor(UFFD_OPEN_DEVICE);
}

int sys_uffd_open_call(void)
{
	return new_descriptor(UFFD_OPEN_CALL);
}

void sys_uffd_close(int fd)
{
	pthread_mutex_lock(&fake.lock);
	close(fd);
	if (fd == fake.fd)
		close(fake.write_fd);
	fake.open--;
	pthread_mutex_unlock(&fake.lock);
}

int sys_uffd_start(int fd, uint64_t features)
{
	int ret = begin(UFFD_START);

	(void)fd;
	fake.features = features;
	return end(ret);
}

int sys_uffd_register(int fd, void *start, size_t len)
{
	int ret = begin(UFFD_REGISTER);

	(void)fd;
	if (ret)
		return end(ret);
	fake.start = start;
	fake.length = len;
	memset(fake.present, 0, sizeof(fake.present));
	memset(fake.woken, 0, sizeof(fake.woken));
	return end(!fake.no_zero_pages);
}

int sys_uffd_unregister(int fd, void *start, size_t len)
{
	int ret = begin(UFFD_UNREGISTER);

	(void)fd;
	if (start != fake.start || len != fake.length)
		return end(-EINVAL);
	for (size_t i = 0; i < PAGES; i++)
		fake.woken[i]++;
	return end(ret);
}

static int put(enum fake_uffd_call call, void *page, const void *from, size_t len)
{
	int ret = begin(call);
	size_t index = index_of(page);

	if (ret)
		return end(ret);
	if (fake.present[index])
		return end(-EEXIST);
	if (from)
		memcpy(page, from, len);
	else
		memset(page, 0, len);
	fake.present[index] = true;
	fake.woken[index]++;
	return end(0);
}

int sys_uffd_copy(int fd, void *page, const void *from, size_t len)
{
	(void)fd;
	return put(UFFD_COPY, page, from, len);
}

int sys_uffd_zero(int fd, void *page, size_t len)
{
	(void)fd;
	return put(UFFD_ZERO, page, NULL, len);
}

int sys_uffd_wake(int fd, void *start, size_t len)
{
	int ret = begin(UFFD_WAKE);

	(void)fd;
	(void)len;
	fake.woken[index_of(start)]++;
	return end(ret);
}

int sys_uffd_read(int fd, struct sys_uffd_fault *fault)
{
	int ret = begin(UFFD_READ);
	ssize_t got;

	end(0);
	if (ret)
		return ret;
	got = read(fd, fault, sizeof(*fault));
	if (got < 0)
		return -errno;
	return got == sizeof(*fault) ? 1 : -EAGAIN;
}
