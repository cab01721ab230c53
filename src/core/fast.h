/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The fast path: plain port and MMIO accesses go from kvm_run to the handler and back without an
 * AxVCpuExitReason. Inline, for each loop that wants it: the plain one of loop.c, and one that
 * traces.
 *
 * Here a vCPU is its owner's, inside its loop (vcpu->snapshot holds), and KVM_RUN has just returned
 * 0. FAST_NOT: nothing was done, vcpu_take_exit() and dispatch_exit() do it all.
 */
#ifndef AXVMM_CORE_FAST_H
#define AXVMM_CORE_FAST_H

#include <linux/kvm.h>
#include <string.h>

#include "core/dispatch.h"
#include "core/exit.h"
#include "core/vcpu.h"

#define likely(x)   __builtin_expect(!!(x), 1)
#define unlikely(x) __builtin_expect(!!(x), 0)

/* Inlined however many loops there are in a file: a call costs more than what it is for. */
#define FAST_INLINE static inline __attribute__((always_inline))

/* What came of an exit on the fast path. */
enum fast {
	FAST_HANDLED, /* enter again */
	FAST_NOT,     /* not for the fast path: nothing has been done */
	FAST_LEAVE,   /* the handler has been called, and did not say AX_HANDLED: see the result */
};

struct fast_result {
	uint64_t value;	   /* of a read: the handler's answer */
	AxHandled handled; /* its verdict */
};

/* exit_mask() of a width, in fewer instructions. */
static const uint64_t width_masks[] = { 0xff, 0xffff, 0xffffffff, UINT64_MAX };

/* The width of a size in bytes. */
static const uint8_t size_widths[] = {
	RANGE_NO_WIDTH, AX_WIDTH_BYTE,	AX_WIDTH_WORD,	RANGE_NO_WIDTH, AX_WIDTH_DWORD,
	RANGE_NO_WIDTH, RANGE_NO_WIDTH, RANGE_NO_WIDTH, AX_WIDTH_QWORD,
};

/*
 * The range that an access lies inside of, from the cache if it hit before. NULL: not for the fast
 * path.
 */
FAST_INLINE const struct range *fast_range(AxVCpu *vcpu, enum range_space space, uint64_t addr,
					   unsigned width)
{
	const struct range_cache *cache = &vcpu->cache[space];
	uint32_t hash = range_cache_hash(space, addr);
	const struct range *range = cache->ranges[range_cache_first(cache, hash)];

	if (likely(range_fits(range, addr, width)))
		return range;
	range = cache->ranges[range_cache_second(cache, hash)];
	if (range_fits(range, addr, width))
		return range;
	return dispatch_cache(vcpu, space, addr, width);
}

FAST_INLINE enum fast fast_write(AxVCpu *vcpu, const struct range *range, uint64_t offset,
				 AxAccessWidth width, uint64_t value, AxVCpuExitKind kind,
				 struct fast_result *result)
{
	AxHandled handled;

	vcpu->pending.kind = (uint8_t)kind;
	handled = range->ops.write(vcpu, range->opaque, offset, width, value);
	if (unlikely(handled != AX_HANDLED)) {
		result->handled = handled;
		return FAST_LEAVE;
	}
	vcpu_count(vcpu, kind);
	return FAST_HANDLED;
}

/* The answer is in result->value. */
FAST_INLINE enum fast fast_read(AxVCpu *vcpu, const struct range *range, uint64_t offset,
				AxAccessWidth width, AxVCpuExitKind kind,
				struct fast_result *result)
{
	AxHandled handled;

	vcpu->pending.kind = (uint8_t)kind;
	result->value = 0;
	handled = range->ops.read(vcpu, range->opaque, offset, width, &result->value);
	if (unlikely(handled != AX_HANDLED)) {
		result->handled = handled;
		return FAST_LEAVE;
	}
	vcpu_count(vcpu, kind);
	return FAST_HANDLED;
}

/*
 * A port access of one element. KVM's numbers are checked as exit_decode() does; what fails goes
 * there.
 */
FAST_INLINE enum fast fast_port(AxVCpu *vcpu, struct kvm_run *run, uint64_t last_place,
				struct fast_result *result)
{
	uint64_t place = run->io.data_offset;
	const struct range *range;
	uint64_t offset;
	unsigned width;
	enum fast fast;
	uint32_t raw;
	uint8_t *data;

	if (unlikely(run->io.count != 1 || run->io.size > sizeof(raw) || place > last_place))
		return FAST_NOT;
	width = size_widths[run->io.size];
	range = fast_range(vcpu, RANGE_PORT, run->io.port, width);
	if (unlikely(!range))
		return FAST_NOT;
	offset = run->io.port - range->base;
	data = (uint8_t *)run + place;
	if (run->io.direction != KVM_EXIT_IO_IN) {
		memcpy(&raw, data, sizeof(raw));
		return fast_write(vcpu, range, offset, (AxAccessWidth)width,
				  raw & width_masks[width], AX_EXIT_IO_WRITE, result);
	}
	fast = fast_read(vcpu, range, offset, (AxAccessWidth)width, AX_EXIT_IO_READ, result);
	if (likely(fast == FAST_HANDLED)) {
		/* KVM takes `size` bytes of these. */
		raw = (uint32_t)result->value;
		memcpy(data, &raw, sizeof(raw));
	}
	return fast;
}

/* An MMIO access of a width. */
FAST_INLINE enum fast fast_mmio(AxVCpu *vcpu, struct kvm_run *run, struct fast_result *result)
{
	uint64_t addr = run->mmio.phys_addr;
	const struct range *range;
	uint64_t offset;
	unsigned width;
	enum fast fast;

	if (unlikely(run->mmio.len > sizeof(run->mmio.data)))
		return FAST_NOT;
	width = size_widths[run->mmio.len];
	range = fast_range(vcpu, RANGE_MMIO, addr, width);
	if (unlikely(!range))
		return FAST_NOT;
	offset = addr - range->base;
	if (run->mmio.is_write) {
		uint64_t raw;

		memcpy(&raw, run->mmio.data, sizeof(raw));
		return fast_write(vcpu, range, offset, (AxAccessWidth)width,
				  raw & width_masks[width], AX_EXIT_MMIO_WRITE, result);
	}
	fast = fast_read(vcpu, range, offset, (AxAccessWidth)width, AX_EXIT_MMIO_READ, result);
	/* KVM takes `len` bytes of these. */
	if (likely(fast == FAST_HANDLED))
		memcpy(run->mmio.data, &result->value, sizeof(result->value));
	return fast;
}

/*
 * loop.c: FAST_LEAVE, the handler did not say AX_HANDLED. The exit in @exit, and the guest gets what it
 * gets for it. Returns the verdict, or a negative errno.
 */
int vcpu_leave_fast(AxVCpu *vcpu, const struct fast_result *result, AxVCpuExitReason *exit,
		    AxError *err);

#endif
