/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The loop while somebody watches: an observer is called after each exit, a trace gets it into the
 * vCPU's ring. With a trace alone plain accesses still take the fast path.
 */
#include <config.h>

#include <string.h>
#include <time.h>

#include "arch/arch.h"
#include "core/coalesce.h"
#include "core/complete.h"
#include "core/dispatch.h"
#include "core/fast.h"
#include "core/trace.h"
#include "core/watch.h"

static uint64_t now_ns(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (uint64_t)now.tv_sec * 1000000000u + (uint64_t)now.tv_nsec;
}

/* String output, before its handler settles it and the page is used anew; string input, after it. */
static const uint8_t *string_bytes(const AxVCpuExitReason *exit)
{
	return exit->kind == AX_EXIT_IO_READ ? exit->io_read.bytes : exit->io_write.bytes;
}

/* An exit that has just come, from dispatch to ring. times[0] and [1] are filled. Returns its verdict. */
static int dispatch_traced(AxVCpu *vcpu, const AxVCpuExitReason *exit, uint64_t times[3],
			   uint64_t *answer)
{
	uint8_t kept[TRACE_BYTES_MAX];
	size_t count = trace_string_size(exit);
	const uint8_t *bytes = count ? string_bytes(exit) : NULL;
	int handled;

	if (count && exit->kind == AX_EXIT_IO_WRITE)
		bytes = memcpy(kept, bytes, count);
	*answer = 0;
	handled = dispatch_exit(vcpu, exit, answer);
	times[2] = arch_counter();
	trace_put(vcpu->ring, exit, *answer, handled, times, bytes, count);
	return handled;
}

/*
 * Hand out what was collected, before the exit that KVM_RUN has just returned with: times[0] and [1] are
 * its. In a trace one thing comes after the other: the time in KVM is told of the first of them, and the
 * exit begins when the last handler is done.
 */
static void catch_up(AxVCpu *vcpu, uint64_t times[2])
{
	memcpy(vcpu->run_times, times, sizeof(vcpu->run_times));
	coalesce_catch_up(vcpu);
	memcpy(times, vcpu->run_times, sizeof(vcpu->run_times));
	vcpu->run_times[1] = 0;
}

void watch_collected_begin(const AxVCpu *vcpu, struct watch_times *times)
{
	times->counter = vcpu->ring ? arch_counter() : 0;
	times->ns = vcpu->snapshot->observer ? now_ns() : 0;
}

void watch_collected_end(AxVCpu *vcpu, const struct watch_times *times,
			 const AxVCpuExitReason *exit, int handled)
{
	const struct snapshot *snapshot = vcpu->snapshot;

	if (vcpu->ring) {
		uint64_t counters[3] = { times->counter, times->counter, arch_counter() };

		if (vcpu->run_times[1]) {
			memcpy(counters, vcpu->run_times, sizeof(vcpu->run_times));
			vcpu->run_times[0] = vcpu->run_times[1] = counters[2];
		}
		trace_put(vcpu->ring, exit, 0, handled, counters, NULL, 0);
	}
	if (snapshot->observer) {
		AxExitRecord record = { .size = sizeof(record),
					.exit = exit,
					.handled = handled,
					.time_ns = times->ns,
					.handler_ns = now_ns() - times->ns };

		snapshot->observer->exit(snapshot->observer_opaque, vcpu, &record);
	}
}

/* One exit with an observer watching: no fast path, two more looks at the clock. */
static int observed_exit(AxVCpu *vcpu, AxVCpuExitReason *exit, AxError *err)
{
	const struct snapshot *snapshot = vcpu->snapshot;
	AxExitRecord record = { .size = sizeof(record), .exit = exit };
	uint64_t before = now_ns(), after, times[3];
	int ret = 0, rc = 0;

	times[0] = arch_counter();
	if (must_complete(vcpu))
		ret = vcpu_complete(vcpu, exit, err);
	if (!ret)
		rc = sys_vcpu_run(vcpu->fd);
	times[1] = arch_counter();
	record.time_ns = now_ns();
	record.kvm_ns = record.time_ns - before;
	if (snapshot->coalesces) {
		catch_up(vcpu, times);
		/* Those handlers' time has been told with their writes. */
		record.time_ns = now_ns();
	}
	if (!ret)
		ret = vcpu_take_exit(vcpu, rc, exit, err);
	if (ret < 0)
		return ret;
	if (vcpu->ring)
		record.handled = dispatch_traced(vcpu, exit, times, &record.answer);
	else
		record.handled = dispatch_exit(vcpu, exit, &record.answer);
	after = now_ns();
	record.handler_ns = after - record.time_ns;
	snapshot->observer->exit(snapshot->observer_opaque, vcpu, &record);
	return record.handled;
}

/*
 * As run_fast() of loop.c, with each exit that the fast path handles put into the ring. When it
 * returns, times[] holds those of the last KVM_RUN.
 */
static int run_traced(AxVCpu *vcpu, enum fast *fast, struct fast_result *result, uint64_t times[3])
{
	const uint64_t last_place = vcpu->run_size - sizeof(uint32_t); /* of a port's data */
	struct trace_ring *ring = vcpu->ring;
	const bool coalesces = vcpu->snapshot->coalesces;
	struct kvm_run *run = vcpu->run;
	uint64_t run_times[2], entered = times[0];
	int fd = vcpu->fd;

	for (;;) {
		int rc = sys_vcpu_run(fd);
		uint64_t left = arch_counter();
		struct trace_slot *slot;

		/* What was collected comes before this exit in the ring, too. */
		if (unlikely(coalesces)) {
			run_times[0] = entered;
			run_times[1] = left;
			catch_up(vcpu, run_times);
			entered = run_times[0];
			left = run_times[1];
		}
		slot = trace_claim(ring);
		slot->entered = entered;
		slot->left = left;
		*fast = FAST_NOT;
		if (unlikely(rc)) {
			times[0] = entered;
			times[1] = left;
			return rc;
		}
		/* What the guest wrote is taken now: a handler may settle it, and get the next access. */
		slot->form = TRACE_PLAIN;
		slot->handled = AX_HANDLED;
		if (run->exit_reason == KVM_EXIT_IO) {
			uint64_t place = run->io.data_offset;
			uint32_t raw;

			slot->kind =
				(uint8_t)(AX_EXIT_IO_READ + (run->io.direction != KVM_EXIT_IO_IN));
			slot->size = run->io.size;
			slot->addr = run->io.port;
			if (likely(place <= last_place)) {
				memcpy(&raw, (const uint8_t *)run + place, sizeof(raw));
				slot->value = raw;
			}
			*fast = fast_port(vcpu, run, last_place, result);
		} else if (run->exit_reason == KVM_EXIT_MMIO) {
			slot->kind = (uint8_t)(AX_EXIT_MMIO_READ + (run->mmio.is_write != 0));
			slot->size = (uint8_t)run->mmio.len;
			slot->addr = run->mmio.phys_addr;
			memcpy(&slot->value, run->mmio.data, sizeof(slot->value));
			*fast = fast_mmio(vcpu, run, result);
		}
		if (unlikely(*fast != FAST_HANDLED)) {
			times[0] = entered;
			times[1] = left;
			return 0;
		}
		if (slot->kind == AX_EXIT_IO_READ || slot->kind == AX_EXIT_MMIO_READ)
			slot->value = result->value;
		entered = arch_counter();
		slot->done = entered;
		trace_publish(ring, slot);
		if (must_complete(vcpu) || unlikely(coalesces && coalesce_has_verdict(vcpu)))
			return 0;
	}
}

/* A handler of the fast path did not say AX_HANDLED. */
static int leave_traced(AxVCpu *vcpu, const struct fast_result *result, AxVCpuExitReason *exit,
			uint64_t times[3], AxError *err)
{
	uint64_t answer = 0;
	int ret;

	times[2] = arch_counter();
	ret = vcpu_leave_fast(vcpu, result, exit, err);
	if (ret < 0)
		return ret;
	if (exit->kind == AX_EXIT_IO_READ || exit->kind == AX_EXIT_MMIO_READ)
		answer = (result->handled == AX_UNHANDLED ? UINT64_MAX : result->value) &
			 exit_mask(exit->kind == AX_EXIT_IO_READ
					   ? ax_access_width_size(exit->io_read.width)
					   : exit->mmio_read.len);
	trace_put(vcpu->ring, exit, answer, ret, times, NULL, 0);
	return ret;
}

/* next_exit() of loop.c with a trace alone. */
static int traced_exit(AxVCpu *vcpu, AxVCpuExitReason *exit, AxError *err)
{
	uint64_t times[3] = { arch_counter() }, answer;
	struct fast_result result = { .value = 0 }; /* writes leave none */
	enum fast fast;
	int rc, ret = 0;

	if (must_complete(vcpu)) {
		ret = vcpu_complete(vcpu, exit, err);
		times[1] = arch_counter();
	}
	if (!ret) {
		rc = run_traced(vcpu, &fast, &result, times);
		if (fast == FAST_HANDLED)
			return AX_HANDLED; /* which has something to complete */
		if (fast == FAST_LEAVE)
			return leave_traced(vcpu, &result, exit, times, err);
		ret = vcpu_take_exit(vcpu, rc, exit, err);
	}
	if (ret < 0)
		return ret;
	return dispatch_traced(vcpu, exit, times, &answer);
}

int watch_exit(AxVCpu *vcpu, AxVCpuExitReason *exit, AxError *err)
{
	if (vcpu->snapshot->observer)
		return observed_exit(vcpu, exit, err);
	return traced_exit(vcpu, exit, err);
}
