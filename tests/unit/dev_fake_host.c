/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What device tests have for the rest of the core: locks, lines, timers, states, failing memory. See
 * dev_fake.h.
 */
#include <check.h>
#include <errno.h>
#include <pthread.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tests/unit/dev_fake.h"

static int fail_lock, fail_timer, fail_calloc;

void fake_fail_lock(int nth)
{
	fail_lock = nth;
}

void fake_fail_timer(int nth)
{
	fail_timer = nth;
}

void fake_fail_calloc(int nth)
{
	fail_calloc = nth;
}

static bool comes_now(int *nth)
{
	return *nth && !--*nth;
}

/* The linker's --wrap=calloc sends calls of calloc() here. */
void *__wrap_calloc(size_t count, size_t size);
void *__real_calloc(size_t count, size_t size);

void *__wrap_calloc(size_t count, size_t size)
{
	return comes_now(&fail_calloc) ? NULL : __real_calloc(count, size);
}

int ax_error_set(AxError *err, int ret, AxErrorCode code, int os_errno, const char *format, ...)
{
	va_list args;

	if (!err)
		return ret;
	err->code = code;
	err->os_errno = os_errno;
	va_start(args, format);
	vsnprintf(err->message, sizeof(err->message), format, args);
	va_end(args);
	return ret;
}

struct AxLock {
	pthread_mutex_t mutex;
};

AxLock *ax_lock_new(void)
{
	pthread_mutexattr_t attr;
	AxLock *lock;

	if (comes_now(&fail_lock))
		return NULL;
	lock = calloc(1, sizeof(*lock));
	/* Taking it twice is a bug of the device: say so, do not hang. */
	pthread_mutexattr_init(&attr);
	pthread_mutexattr_settype(&attr, PTHREAD_MUTEX_ERRORCHECK);
	pthread_mutex_init(&lock->mutex, &attr);
	pthread_mutexattr_destroy(&attr);
	return lock;
}

void ax_lock_free(AxLock *lock)
{
	if (!lock)
		return;
	ck_assert_int_eq(pthread_mutex_destroy(&lock->mutex), 0);
	free(lock);
}

void ax_lock(AxLock *lock)
{
	assert_quick(!pthread_mutex_lock(&lock->mutex));
}

void ax_unlock(AxLock *lock)
{
	assert_quick(!pthread_mutex_unlock(&lock->mutex));
}

void ax_irq_set(const AxIrq *irq, bool level)
{
	if (irq->set)
		irq->set(irq->opaque, irq->line, level);
}

static void line_set(void *opaque, uint32_t number, bool level)
{
	struct fake_line *line = opaque;

	line->calls++;
	line->rises += level && !line->level;
	line->falls += !level && line->level;
	line->level = level;
}

AxIrq fake_irq(struct fake_line *line)
{
	return (AxIrq){ .set = line_set, .opaque = line, .line = 4 };
}

AxHost *fake_host_new(void)
{
	AxHost *host = calloc(1, sizeof(*host));

	ck_assert_ptr_nonnull(host);
	pthread_mutex_init(&host->mutex, NULL);
	host->now = 1000;
	return host;
}

void fake_host_free(AxHost *host)
{
	for (unsigned i = 0; i < FAKE_TIMERS; i++)
		ck_assert(!host->timers[i].used);
	pthread_mutex_destroy(&host->mutex);
	free(host);
}

uint64_t ax_host_now(AxHost *host)
{
	uint64_t now;

	pthread_mutex_lock(&host->mutex);
	now = host->now;
	pthread_mutex_unlock(&host->mutex);
	return now;
}

AxTimer *ax_timer_new(AxHost *host, AxTimerFn *fn, void *opaque)
{
	if (comes_now(&fail_timer))
		return NULL;
	for (unsigned i = 0; i < FAKE_TIMERS; i++) {
		if (!host->timers[i].used) {
			host->timers[i] = (AxTimer){ host, fn, opaque, UINT64_MAX, true };
			return &host->timers[i];
		}
	}
	return NULL;
}

void ax_timer_arm(AxTimer *timer, uint64_t deadline_ns)
{
	pthread_mutex_lock(&timer->host->mutex);
	timer->deadline = deadline_ns;
	timer->host->arms++;
	pthread_mutex_unlock(&timer->host->mutex);
}

void ax_timer_free(AxTimer *timer)
{
	if (timer)
		timer->used = false;
}

/* The timer that fires next, until @end: disarmed, and the clock set to its deadline. NULL: none. */
static AxTimer *take_due(AxHost *host, uint64_t end)
{
	AxTimer *next = NULL;

	pthread_mutex_lock(&host->mutex);
	for (unsigned i = 0; i < FAKE_TIMERS; i++) {
		AxTimer *timer = &host->timers[i];

		if (timer->used && timer->deadline <= end &&
		    (!next || timer->deadline < next->deadline))
			next = timer;
	}
	if (next) {
		if (next->deadline > host->now)
			host->now = next->deadline;
		next->deadline = UINT64_MAX;
	} else {
		host->now = end;
	}
	pthread_mutex_unlock(&host->mutex);
	return next;
}

void fake_host_advance(AxHost *host, uint64_t ns)
{
	uint64_t end = ax_host_now(host) + ns;

	for (AxTimer *timer = take_due(host, end); timer; timer = take_due(host, end))
		timer->fn(timer->opaque);
}

struct AxState {
	uint8_t *bytes;
	size_t len;
	size_t capacity; /* bytes that there are: exactly len when restoring, so that an address checker sees
			  * who reads too far */
	size_t at;
	int error;
};

AxState *ax_state_new(void)
{
	return calloc(1, sizeof(AxState));
}

AxState *ax_state_from_bytes(const void *bytes, size_t len)
{
	AxState *state = ax_state_new();

	state->bytes = malloc(len ? len : 1);
	assert_quick(state->bytes);
	memcpy(state->bytes, bytes, len);
	state->len = state->capacity = len;
	return state;
}

void ax_state_free(AxState *state)
{
	free(state->bytes);
	free(state);
}

const void *ax_state_bytes(const AxState *state, size_t *len)
{
	*len = state->len;
	return state->bytes;
}

void ax_state_put_bytes(AxState *state, const void *bytes, size_t len)
{
	if (!len)
		return;
	if (len > state->capacity - state->len) {
		state->capacity = 2 * (state->len + len);
		state->bytes = realloc(state->bytes, state->capacity);
		assert_quick(state->bytes);
	}
	memcpy(state->bytes + state->len, bytes, len);
	state->len += len;
}

static void put(AxState *state, uint64_t value, unsigned size)
{
	uint8_t bytes[8];

	for (unsigned i = 0; i < size; i++)
		bytes[i] = (uint8_t)(value >> (8 * i));
	ax_state_put_bytes(state, bytes, size);
}

void ax_state_put_u8(AxState *state, uint8_t value)
{
	put(state, value, 1);
}

void ax_state_put_u32(AxState *state, uint32_t value)
{
	put(state, value, 4);
}

void ax_state_put_u64(AxState *state, uint64_t value)
{
	put(state, value, 8);
}

void ax_state_get_bytes(AxState *state, void *bytes, size_t len)
{
	memset(bytes, 0, len);
	if (len > state->len - state->at) {
		state->error = -EINVAL;
		state->at = state->len;
		return;
	}
	memcpy(bytes, state->bytes + state->at, len);
	state->at += len;
}

static uint64_t get(AxState *state, unsigned size)
{
	uint8_t bytes[8];
	uint64_t value = 0;

	ax_state_get_bytes(state, bytes, size);
	for (unsigned i = 0; i < size; i++)
		value |= (uint64_t)bytes[i] << (8 * i);
	return value;
}

uint8_t ax_state_get_u8(AxState *state)
{
	return (uint8_t)get(state, 1);
}

uint32_t ax_state_get_u32(AxState *state)
{
	return (uint32_t)get(state, 4);
}

uint64_t ax_state_get_u64(AxState *state)
{
	return get(state, 8);
}

int ax_state_error(const AxState *state)
{
	return state->error;
}

static uint32_t random_state = 1;

void fake_seed(uint32_t seed)
{
	random_state = seed;
}

/* Xorshift, Marsaglia 2003. */
uint32_t fake_random(void)
{
	random_state ^= random_state << 13;
	random_state ^= random_state >> 17;
	random_state ^= random_state << 5;
	return random_state;
}

int fake_run(Suite *suite)
{
	SRunner *runner = srunner_create(suite);
	int failed;

	srunner_run_all(runner, CK_NORMAL);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}

static void output_write(void *opaque, const uint8_t *bytes, size_t len)
{
	struct fake_output *output = opaque;

	output->calls++;
	for (size_t i = 0; i < len; i++)
		output->bytes[output->len++ % sizeof(output->bytes)] = bytes[i];
}

AxCharSink fake_sink(struct fake_output *output)
{
	return (AxCharSink){ .write = output_write, .opaque = output };
}

void fake_output_is(struct fake_output *output, unsigned calls, const char *text)
{
	ck_assert_uint_lt(output->len, sizeof(output->bytes));
	output->bytes[output->len] = 0;
	ck_assert_str_eq((const char *)output->bytes, text);
	ck_assert_uint_eq(output->calls, calls);
	output->calls = 0;
	output->len = 0;
}

AxState *fake_save(struct fake_device *device)
{
	AxState *state = ax_state_new();

	assert_quick(!device->ops->save(device->opaque, state));
	return state;
}

int fake_restore(struct fake_device *device, const void *bytes, size_t len)
{
	AxState *state = ax_state_from_bytes(bytes, len);
	int ret = device->ops->restore(device->opaque, state);

	/* The rest of the core checks that everything was taken. */
	if (!ret && state->at != state->len)
		ret = -EINVAL;
	ax_state_free(state);
	return ret;
}

static void check_equal(const AxState *a, const AxState *b)
{
	size_t at = 0;

	assert_quick(a->len == b->len);
	while (at < a->len && a->bytes[at] == b->bytes[at])
		at++;
	if (at != a->len)
		ck_abort_msg("the states differ at byte %zu", at);
}

void fake_check_round_trip(struct fake_device *from, struct fake_device *to)
{
	AxState *saved = fake_save(from);
	AxState *again;

	ck_assert_int_eq(fake_restore(to, saved->bytes, saved->len), 0);
	again = fake_save(to);
	check_equal(saved, again);
	ax_state_free(again);
	ax_state_free(saved);
}

void fake_check_damaged_states(struct fake_device *device)
{
	AxState *saved = fake_save(device);
	AxState *fresh, *now;

	device->ops->reset(device->opaque);
	fresh = fake_save(device);
	for (size_t len = 0; len < saved->len; len++) {
		assert_quick(fake_restore(device, saved->bytes, len) == -EINVAL);
		now = fake_save(device);
		check_equal(fresh, now);
		ax_state_free(now);
	}
	for (size_t i = 0; i < saved->len; i++) {
		static const uint8_t changes[] = { 0x01, 0x02, 0x80, 0xff, 0x7e };

		for (size_t c = 0; c < sizeof(changes); c++) {
			int ret;

			saved->bytes[i] ^= changes[c];
			ret = device->ops->restore(device->opaque,
						   &(AxState){ saved->bytes, saved->len, 0, 0, 0 });
			assert_quick(!ret || ret == -EINVAL);
			if (ret) {
				now = fake_save(device);
				check_equal(fresh, now);
				ax_state_free(now);
			}
			saved->bytes[i] ^= changes[c];
		}
	}
	device->ops->reset(device->opaque);
	ax_state_free(fresh);
	ax_state_free(saved);
}
