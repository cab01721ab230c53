/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Test device: its registers, data regions and ports, as guests/abi.h has them.
 */
#include <string.h>

#include <axvmm/vcpu.h>
#include <axvmm/vm.h>

#include "dev/testdev.h"

#define REG_MASK (UINT64_C(7))

/* Overwrite the bytes of @width at byte @at of a word that other vCPUs may write meanwhile. */
static void store_part(_Atomic uint64_t *word, unsigned at, AxAccessWidth width, uint64_t value)
{
	uint64_t mask = ax_dev_mask(width) << (8 * at);
	uint64_t old = *word;

	while (!atomic_compare_exchange_weak(word, &old, (old & ~mask) | (value << (8 * at))))
		;
}

static AxHandled sync(AxTestDev *dev, uint64_t value)
{
	uint64_t index = atomic_fetch_add(&dev->words.sync_count, 1);

	dev->words.syncs[index % AX_TESTDEV_SYNCS] = value;
	return AX_HANDLED;
}

static AxHandled fail(AxTestDev *dev, AxVCpu *vcpu, uint64_t line)
{
	testdev_end(dev, vcpu, AX_TESTDEV_FAILED, line);
	return AX_STOP;
}

static AxHandled done(AxTestDev *dev, AxVCpu *vcpu, uint64_t code)
{
	testdev_end(dev, vcpu, AX_TESTDEV_DONE, code);
	ax_vm_stop(ax_vcpu_vm(vcpu), (int)(uint32_t)code);
	return AX_STOP;
}

/*
 * Take back whatever was raised, by anybody: taking back what was not raised does no harm. 0 is no
 * vector where vectors matter, which is where nothing has a level.
 */
static int lower(AxTestDev *dev, AxVCpu *vcpu)
{
	int ret = ax_vcpu_clear_interrupt(vcpu, 0, NULL);

	for (unsigned i = 0; i < TESTDEV_RAISED_WORDS; i++) {
		uint64_t raised = dev->raised[i];

		for (unsigned bit = 0; raised && !ret; bit++, raised >>= 1) {
			if (raised & 1)
				ret = ax_vcpu_clear_interrupt(vcpu, 64 * i + bit, NULL);
		}
	}
	return ret;
}

static void note_raised(AxTestDev *dev, uint64_t vector)
{
	atomic_fetch_or(&dev->raised[vector / 64], UINT64_C(1) << (vector % 64));
}

static AxHandled raise_now(AxTestDev *dev, AxVCpu *vcpu, uint64_t vector)
{
	int ret;

	if (dev->flags & AX_TESTDEV_NO_RAISE || (vector && !testdev_is_vector(false, vector)))
		return AX_UNHANDLED;
	if (!vector)
		return lower(dev, vcpu) ? AX_UNHANDLED : AX_HANDLED;
	ret = ax_vcpu_inject_interrupt(vcpu, (unsigned)vector, NULL);
	if (ret)
		return AX_UNHANDLED;
	note_raised(dev, vector);
	return AX_HANDLED;
}

static AxHandled raise_later(AxTestDev *dev, AxVCpu *vcpu, uint64_t vector)
{
	if (dev->flags & AX_TESTDEV_NO_RAISE || !testdev_later(dev, vcpu, false, vector))
		return AX_UNHANDLED;
	note_raised(dev, vector);
	return AX_HANDLED;
}

static AxHandled kick_later(AxTestDev *dev, AxVCpu *vcpu, uint64_t vector)
{
	return testdev_later(dev, vcpu, true, vector) ? AX_HANDLED : AX_UNHANDLED;
}

static void note_write(AxTestDev *dev, uint64_t offset, unsigned size, uint64_t value)
{
	struct testdev_written *written = &dev->locked.written;

	written->offset = offset;
	written->length = size;
	written->value = value;
	written->count++;
}

static uint64_t read_written(AxTestDev *dev, uint64_t reg)
{
	struct testdev_written written;

	ax_lock(dev->lock);
	written = dev->locked.written;
	ax_unlock(dev->lock);
	switch (reg) {
	case AX_TEST_WRITE_OFFSET: return written.offset;
	case AX_TEST_WRITE_LENGTH: return written.length;
	case AX_TEST_WRITE_VALUE: return written.value;
	default: return written.count;
	}
}

static uint64_t count_vcpus(AxVm *vm)
{
	unsigned count = 0;

	while (ax_vm_vcpu_at(vm, count))
		count++;
	return count;
}

static bool is_store(uint64_t offset)
{
	return offset >= AX_TEST_STORE && offset < AX_TEST_PATTERN_HIGH;
}

/* Data regions: byte by byte, so that an access may reach from one into the next. */
static AxHandled data_read(AxTestDev *dev, uint64_t offset, unsigned size, uint64_t *value)
{
	if (offset >= AX_TEST_SIZE || size > AX_TEST_SIZE - offset)
		return AX_UNHANDLED;
	*value = 0;
	ax_lock(dev->lock);
	for (unsigned i = 0; i < size; i++, offset++) {
		uint64_t byte = is_store(offset) ? dev->locked.store[offset - AX_TEST_STORE]
						 : AX_TEST_PATTERN_BYTE(offset);

		*value |= byte << (8 * i);
	}
	ax_unlock(dev->lock);
	return AX_HANDLED;
}

static AxHandled data_write(AxTestDev *dev, uint64_t offset, unsigned size, uint64_t value)
{
	if (offset >= AX_TEST_SIZE || size > AX_TEST_SIZE - offset)
		return AX_UNHANDLED;
	ax_lock(dev->lock);
	note_write(dev, offset, size, value);
	for (unsigned i = 0; i < size; i++, offset++) {
		if (is_store(offset))
			dev->locked.store[offset - AX_TEST_STORE] = (uint8_t)(value >> (8 * i));
	}
	ax_unlock(dev->lock);
	return AX_HANDLED;
}

static AxHandled mmio_read(AxTestDev *dev, AxVCpu *vcpu, uint64_t offset, AxAccessWidth width,
			   uint64_t *value)
{
	unsigned at = offset & REG_MASK;
	unsigned size = 1u << width;
	uint64_t reg = offset & ~REG_MASK;
	uint64_t word;

	if (offset >= AX_TEST_PATTERN)
		return data_read(dev, offset, size, value);
	if (at + size > sizeof(word))
		return AX_UNHANDLED;
	switch (reg) {
	case AX_TEST_SCRATCH: word = dev->words.scratch; break;
	case AX_TEST_ACTUAL: word = dev->words.actual; break;
	case AX_TEST_EXPECTED: word = dev->words.expected; break;
	case AX_TEST_IDENTITY: word = AX_TEST_IDENTITY_VALUE; break;
	case AX_TEST_VCPU_ID: word = ax_vcpu_id(vcpu); break;
	case AX_TEST_WRITE_OFFSET:
	case AX_TEST_WRITE_LENGTH:
	case AX_TEST_WRITE_VALUE:
	case AX_TEST_WRITE_COUNT: word = read_written(dev, reg); break;
	case AX_TEST_READONLY_WRITES:
		word = dev->flags & AX_TESTDEV_COUNT_READONLY ? dev->words.readonly_writes
							      : UINT64_MAX;
		break;
	case AX_TEST_VCPU_COUNT: word = count_vcpus(ax_vcpu_vm(vcpu)); break;
	case AX_TEST_KICK_WORD: word = dev->words.kick_word; break;
	case AX_TEST_SYNC:
	case AX_TEST_FAIL:
	case AX_TEST_DONE:
	case AX_TEST_RAISE:
	case AX_TEST_RAISE_LATER:
	case AX_TEST_KICK_LATER: word = 0; break;
	default: return AX_UNHANDLED;
	}
	*value = word >> (8 * at);
	return AX_HANDLED;
}

static AxHandled mmio_write(AxTestDev *dev, AxVCpu *vcpu, uint64_t offset, AxAccessWidth width,
			    uint64_t value)
{
	unsigned at = offset & REG_MASK;
	unsigned size = 1u << width;

	value &= ax_dev_mask(width);
	if (offset >= AX_TEST_PATTERN)
		return data_write(dev, offset, size, value);
	if (at && ((offset & ~REG_MASK) != AX_TEST_SCRATCH || at + size > sizeof(value)))
		return AX_UNHANDLED;
	switch (offset & ~REG_MASK) {
	case AX_TEST_SYNC: return sync(dev, value);
	case AX_TEST_FAIL: return fail(dev, vcpu, value);
	case AX_TEST_DONE: return done(dev, vcpu, value);
	case AX_TEST_SCRATCH: store_part(&dev->words.scratch, at, width, value); return AX_HANDLED;
	case AX_TEST_ACTUAL:
		dev->words.actual = value;
		dev->words.compared = 1;
		return AX_HANDLED;
	case AX_TEST_EXPECTED:
		dev->words.expected = value;
		dev->words.compared = 1;
		return AX_HANDLED;
	case AX_TEST_RAISE: return raise_now(dev, vcpu, value);
	case AX_TEST_RAISE_LATER: return raise_later(dev, vcpu, value);
	case AX_TEST_KICK_LATER: return kick_later(dev, vcpu, value);
	case AX_TEST_KICK_WORD:
		dev->words.kick_word = testdev_is_kick_word(ax_vcpu_vm(vcpu), value) ? value : 0;
		return AX_HANDLED;
	case AX_TEST_IDENTITY:
	case AX_TEST_VCPU_ID:
	case AX_TEST_WRITE_OFFSET:
	case AX_TEST_WRITE_LENGTH:
	case AX_TEST_WRITE_VALUE:
	case AX_TEST_WRITE_COUNT:
	case AX_TEST_READONLY_WRITES:
	case AX_TEST_VCPU_COUNT: return AX_HANDLED; /* read-only */
	default: return AX_UNHANDLED;
	}
}

static AxHandled low_read(AxVCpu *vcpu, void *opaque, uint64_t offset, AxAccessWidth width,
			  uint64_t *value)
{
	return mmio_read(opaque, vcpu, offset, width, value);
}

static AxHandled low_write(AxVCpu *vcpu, void *opaque, uint64_t offset, AxAccessWidth width,
			   uint64_t value)
{
	return mmio_write(opaque, vcpu, offset, width, value);
}

const AxRangeOps testdev_low_ops = {
	.size = sizeof(AxRangeOps),
	.read = low_read,
	.write = low_write,
};

/* The dispatch promises offset < TESTDEV_HIGH_LENGTH; what is beyond must not wrap to the start. */
static AxHandled high_read(AxVCpu *vcpu, void *opaque, uint64_t offset, AxAccessWidth width,
			   uint64_t *value)
{
	if (offset >= TESTDEV_HIGH_LENGTH)
		return AX_UNHANDLED;
	return mmio_read(opaque, vcpu, TESTDEV_HIGH_OFFSET + offset, width, value);
}

static AxHandled high_write(AxVCpu *vcpu, void *opaque, uint64_t offset, AxAccessWidth width,
			    uint64_t value)
{
	if (offset >= TESTDEV_HIGH_LENGTH)
		return AX_UNHANDLED;
	return mmio_write(opaque, vcpu, TESTDEV_HIGH_OFFSET + offset, width, value);
}

const AxRangeOps testdev_high_ops = {
	.size = sizeof(AxRangeOps),
	.read = high_read,
	.write = high_write,
};

/* Reads do not come here: KVM finds read-only RAM there. */
static AxHandled readonly_write(AxVCpu *vcpu, void *opaque, uint64_t offset, AxAccessWidth width,
				uint64_t value)
{
	AxTestDev *dev = opaque;

	atomic_fetch_add(&dev->words.readonly_writes, 1);
	return AX_HANDLED;
}

const AxRangeOps testdev_readonly_ops = {
	.size = sizeof(AxRangeOps),
	.write = readonly_write,
};

static AxHandled port_pattern_read(uint64_t offset, unsigned size, uint64_t *value)
{
	*value = 0;
	for (unsigned i = 0; i < size; i++)
		*value |= (uint64_t)AX_TEST_PATTERN_BYTE(offset + i) << (8 * i);
	return AX_HANDLED;
}

static AxHandled fifo_read(AxTestDev *dev, AxAccessWidth width, uint64_t *value)
{
	struct testdev_locked *locked = &dev->locked;

	*value = UINT64_MAX;
	ax_lock(dev->lock);
	if (locked->fifo_count) {
		const struct testdev_element *oldest = &locked->fifo[locked->fifo_first];

		if (oldest->width == width)
			*value = oldest->value;
		locked->fifo_first = (locked->fifo_first + 1) % AX_TEST_FIFO_LIMIT;
		locked->fifo_count--;
	}
	ax_unlock(dev->lock);
	return AX_HANDLED;
}

static AxHandled fifo_write(AxTestDev *dev, AxAccessWidth width, uint64_t value)
{
	struct testdev_locked *locked = &dev->locked;

	ax_lock(dev->lock);
	if (locked->fifo_count < AX_TEST_FIFO_LIMIT) {
		unsigned at = (locked->fifo_first + locked->fifo_count++) % AX_TEST_FIFO_LIMIT;

		locked->fifo[at].value = (uint32_t)value;
		locked->fifo[at].width = (uint8_t)width;
	}
	ax_unlock(dev->lock);
	return AX_HANDLED;
}

/* Whether an access that begins in a piece of the port window stays inside it. */
static bool is_inside(uint64_t offset, unsigned size, uint64_t start, uint64_t length)
{
	return offset >= start && size <= length && offset - start <= length - size;
}

static bool in_port_pattern(uint64_t offset, unsigned size)
{
	return is_inside(offset, size, AX_TEST_PORT_PATTERN, AX_TEST_PORT_PATTERN_SIZE);
}

static bool in_port_scratch(uint64_t offset, unsigned size)
{
	return is_inside(offset, size, AX_TEST_PORT_SCRATCH, sizeof(uint32_t));
}

/* SYNC, FAIL and DONE are write-only and read as zero. */
static bool in_port_verdicts(uint64_t offset, unsigned size)
{
	return is_inside(offset, size, offset & ~UINT64_C(3), sizeof(uint32_t)) &&
	       offset < AX_TEST_PORT_SCRATCH;
}

static AxHandled port_read(AxVCpu *vcpu, void *opaque, uint64_t offset, AxAccessWidth width,
			   uint64_t *value)
{
	AxTestDev *dev = opaque;
	unsigned size = 1u << width;

	if (in_port_pattern(offset, size))
		return width == AX_WIDTH_QWORD ? AX_UNHANDLED
					       : port_pattern_read(offset, size, value);
	if (in_port_scratch(offset, size)) {
		*value = dev->words.port_scratch >> (8 * (offset - AX_TEST_PORT_SCRATCH));
		return AX_HANDLED;
	}
	if (in_port_verdicts(offset, size)) {
		*value = 0;
		return AX_HANDLED;
	}
	if (offset == AX_TEST_PORT_FIFO && width <= AX_WIDTH_DWORD)
		return fifo_read(dev, width, value);
	return AX_UNHANDLED;
}

static AxHandled port_write(AxVCpu *vcpu, void *opaque, uint64_t offset, AxAccessWidth width,
			    uint64_t value)
{
	AxTestDev *dev = opaque;
	unsigned size = 1u << width;

	if (width > AX_WIDTH_DWORD)
		return AX_UNHANDLED;
	value &= ax_dev_mask(width);
	switch (offset) {
	case AX_TEST_PORT_SYNC: return sync(dev, value);
	case AX_TEST_PORT_FAIL: return fail(dev, vcpu, value);
	case AX_TEST_PORT_DONE: return done(dev, vcpu, value);
	case AX_TEST_PORT_FIFO: return fifo_write(dev, width, value);
	default: break;
	}
	if (in_port_scratch(offset, size)) {
		store_part(&dev->words.port_scratch, offset - AX_TEST_PORT_SCRATCH, width, value);
		return AX_HANDLED;
	}
	if (!in_port_pattern(offset, size))
		return AX_UNHANDLED;
	ax_lock(dev->lock);
	note_write(dev, AX_TEST_WRITE_PORT + offset, size, value);
	ax_unlock(dev->lock);
	return AX_HANDLED;
}

const AxRangeOps testdev_port_ops = {
	.size = sizeof(AxRangeOps),
	.read = port_read,
	.write = port_write,
};
