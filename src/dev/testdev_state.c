/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Test device: reset, save and restore. What is pending is saved with the time that is left of it.
 */
#include <errno.h>
#include <string.h>

#include "dev/testdev.h"

#define STATE_VERSION 1

/* The words that are saved, in this order, each as 64 bits. */
static _Atomic uint64_t *word_at(struct testdev_words *words, unsigned index)
{
	switch (index) {
	case 0: return &words->scratch;
	case 1: return &words->actual;
	case 2: return &words->expected;
	case 3: return &words->kick_word;
	case 4: return &words->sync_count;
	case 5: return &words->readonly_writes;
	case 6: return &words->port_scratch;
	case 7: return &words->compared;
	default: return &words->syncs[index - 8];
	}
}

#define WORDS (8 + AX_TESTDEV_SYNCS)

static void reset_locked(struct testdev_locked *locked)
{
	memset(locked, 0, sizeof(*locked));
	locked->result.size = sizeof(locked->result);
}

static void testdev_reset(void *opaque)
{
	AxTestDev *dev = opaque;

	for (unsigned i = 0; i < WORDS; i++)
		*word_at(&dev->words, i) = 0;
	ax_lock(dev->lock);
	reset_locked(&dev->locked);
	ax_unlock(dev->lock);
}

static void save_locked(const AxTestDev *dev, AxState *state)
{
	const struct testdev_locked *locked = &dev->locked;
	const AxTestResult *result = &locked->result;
	uint64_t now = dev->host ? ax_host_now(dev->host) : 0;

	ax_state_put_u64(state, locked->written.offset);
	ax_state_put_u64(state, locked->written.length);
	ax_state_put_u64(state, locked->written.value);
	ax_state_put_u64(state, locked->written.count);
	ax_state_put_bytes(state, locked->store, sizeof(locked->store));
	ax_state_put_u32(state, locked->fifo_count);
	for (unsigned i = 0; i < locked->fifo_count; i++) {
		unsigned at = (locked->fifo_first + i) % AX_TEST_FIFO_LIMIT;

		ax_state_put_u8(state, locked->fifo[at].width);
		ax_state_put_u32(state, locked->fifo[at].value);
	}
	ax_state_put_u8(state, (uint8_t)locked->pending_count);
	for (unsigned i = 0; i < locked->pending_count; i++) {
		const struct testdev_pending *pending = &locked->pending[i];

		ax_state_put_u64(state,
				 pending->deadline_ns > now ? pending->deadline_ns - now : 0);
		ax_state_put_u32(state, pending->vcpu);
		ax_state_put_u8(state, pending->vector);
		ax_state_put_u8(state, pending->is_kick);
	}
	ax_state_put_u8(state, (uint8_t)result->end);
	ax_state_put_u32(state, result->vcpu);
	ax_state_put_u32(state, result->code);
	ax_state_put_u8(state, result->compared);
	ax_state_put_u64(state, result->line);
	ax_state_put_u64(state, result->actual);
	ax_state_put_u64(state, result->expected);
}

static int testdev_save(void *opaque, AxState *state)
{
	AxTestDev *dev = opaque;

	ax_state_put_u8(state, STATE_VERSION);
	for (unsigned i = 0; i < WORDS; i++)
		ax_state_put_u64(state, *word_at(&dev->words, i));
	ax_lock(dev->lock);
	save_locked(dev, state);
	ax_unlock(dev->lock);
	return ax_state_error(state);
}

/* Words of a device that is in @vm; nothing but these two can be wrong. */
static bool take_words(struct testdev_words *words, AxVm *vm, AxState *state)
{
	for (unsigned i = 0; i < WORDS; i++)
		*word_at(words, i) = ax_state_get_u64(state);
	return words->compared <= 1 && words->port_scratch <= UINT32_MAX &&
	       (!words->kick_word || (vm && testdev_is_kick_word(vm, words->kick_word)));
}

static bool take_fifo(struct testdev_locked *locked, AxState *state)
{
	locked->fifo_count = ax_state_get_u32(state);
	if (locked->fifo_count > AX_TEST_FIFO_LIMIT)
		return false;
	for (unsigned i = 0; i < locked->fifo_count; i++) {
		struct testdev_element *element = &locked->fifo[i];

		element->width = ax_state_get_u8(state);
		element->value = ax_state_get_u32(state);
		if (element->width > AX_WIDTH_DWORD ||
		    element->value & ~ax_dev_mask((AxAccessWidth)element->width))
			return false;
	}
	return true;
}

static bool take_pending(struct testdev_locked *locked, AxHost *host, AxState *state)
{
	uint64_t now = host ? ax_host_now(host) : 0;

	locked->pending_count = ax_state_get_u8(state);
	if (locked->pending_count > (host ? TESTDEV_PENDING : 0))
		return false;
	for (unsigned i = 0; i < locked->pending_count; i++) {
		struct testdev_pending *pending = &locked->pending[i];
		uint64_t left = ax_state_get_u64(state);
		uint8_t is_kick;

		pending->deadline_ns = now + left;
		pending->vcpu = ax_state_get_u32(state);
		pending->vector = ax_state_get_u8(state);
		is_kick = ax_state_get_u8(state);
		pending->is_kick = is_kick;
		if (left > TESTDEV_DELAY_NS || is_kick > 1 ||
		    !testdev_is_vector(is_kick, pending->vector))
			return false;
	}
	return true;
}

static bool take_result(AxTestResult *result, AxState *state)
{
	uint8_t compared;

	result->end = ax_state_get_u8(state);
	result->vcpu = ax_state_get_u32(state);
	result->code = ax_state_get_u32(state);
	compared = ax_state_get_u8(state);
	result->compared = compared;
	result->line = ax_state_get_u64(state);
	result->actual = ax_state_get_u64(state);
	result->expected = ax_state_get_u64(state);
	return result->end <= AX_TESTDEV_FAILED && compared <= 1;
}

static bool take_locked(struct testdev_locked *locked, AxHost *host, AxState *state)
{
	locked->written.offset = ax_state_get_u64(state);
	locked->written.length = ax_state_get_u64(state);
	locked->written.value = ax_state_get_u64(state);
	locked->written.count = ax_state_get_u64(state);
	ax_state_get_bytes(state, locked->store, sizeof(locked->store));
	return take_fifo(locked, state) && take_pending(locked, host, state) &&
	       take_result(&locked->result, state);
}

static int testdev_restore(void *opaque, AxState *state)
{
	AxTestDev *dev = opaque;
	struct testdev_words words = { 0 };
	struct testdev_locked locked;
	bool good;

	reset_locked(&locked);
	testdev_reset(dev);
	good = ax_state_get_u8(state) == STATE_VERSION && take_words(&words, dev->link.vm, state) &&
	       take_locked(&locked, dev->host, state);
	if (!good || ax_state_error(state))
		return -EINVAL;
	for (unsigned i = 0; i < WORDS; i++)
		*word_at(&dev->words, i) = *word_at(&words, i);
	ax_lock(dev->lock);
	dev->locked = locked;
	ax_unlock(dev->lock);
	/* Which lines are up is the vCPUs' state: any may have to be lowered. */
	for (unsigned i = 0; i < TESTDEV_RAISED_WORDS; i++)
		dev->raised[i] = UINT64_MAX;
	if (dev->timer)
		testdev_arm(dev);
	return 0;
}

const AxDeviceOps testdev_device_ops = {
	.size = sizeof(AxDeviceOps),
	.reset = testdev_reset,
	.save = testdev_save,
	.restore = testdev_restore,
};
