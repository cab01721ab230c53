/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The fused loop: run, decode, dispatch and reply. Its fast path takes plain port and MMIO accesses
 * from kvm_run to the handler and back without building an AxVCpuExitReason; everything else goes
 * through run.c and dispatch.c.
 */
#include <config.h>

#include <errno.h>
#include <string.h>
#include <time.h>

#include "arch/arch.h"
#include "core/complete.h"
#include "core/dispatch.h"
#include "core/error.h"
#include "core/exit.h"
#include "core/reply.h"
#include "core/vcpu.h"
#include "core/vm.h"

#define likely(x)   __builtin_expect(!!(x), 1)
#define unlikely(x) __builtin_expect(!!(x), 0)

/* Wake whoever waits for this vCPU to leave its loop or to take a snapshot. */
static void wake_waiters(AxVm *vm)
{
	if (!atomic_load(&vm->waiters))
		return;
	pthread_mutex_lock(&vm->lock);
	pthread_cond_broadcast(&vm->changed);
	pthread_mutex_unlock(&vm->lock);
}

void vcpu_sync(AxVCpu *vcpu)
{
	for (unsigned space = 0; space < RANGE_SPACES; space++) {
		for (unsigned i = 0; i < RANGE_CACHE_SIZE; i++)
			vcpu->cache[space][i] = &range_none;
	}
	vcpu->snapshot = atomic_load(&vcpu->vm->snapshot);
	atomic_store(&vcpu->seen, vcpu->snapshot->generation);
	wake_waiters(vcpu->vm);
}

/* Stand still, settled, until nobody pauses the VM any more. */
static void hold(AxVCpu *vcpu)
{
	AxVm *vm = vcpu->vm;

	pthread_mutex_lock(&vm->lock);
	vcpu_take_requests(vcpu, REQUEST_PAUSE);
	while (atomic_load(&vm->paused)) {
		/* Once: those who are held hear it too, and must not wake each other for ever. */
		if (!atomic_exchange(&vcpu->held, true))
			pthread_cond_broadcast(&vm->changed);
		pthread_cond_wait(&vm->changed, &vm->lock);
	}
	atomic_store(&vcpu->held, false);
	pthread_mutex_unlock(&vm->lock);
}

/*
 * The order matters: first say that we are in, then look. Who publishes or pauses does it the other
 * way round, so that at least one side sees the other.
 */
void vcpu_enter_loop(AxVCpu *vcpu)
{
	for (;;) {
		atomic_store(&vcpu->in_loop, true);
		if (!atomic_load(&vcpu->vm->paused))
			break;
		hold(vcpu);
	}
	/*
	 * Still the one it held before, and so are the cached ranges: nothing was published
	 * meanwhile.
	 */
	if (vcpu->snapshot == NULL ||
	    atomic_load(&vcpu->seen) != atomic_load(&vcpu->vm->snapshot)->generation)
		vcpu_sync(vcpu);
}

void vcpu_leave_loop(AxVCpu *vcpu)
{
	atomic_store(&vcpu->in_loop, false);
	wake_waiters(vcpu->vm);
}

int vcpu_quiesce(AxVCpu *vcpu, AxVCpuExitReason *exit, AxError *err)
{
	AxVCpuExitReason further;
	uint64_t answer;
	int verdict = AX_HANDLED, ret;

	while ((ret = vcpu_settle(vcpu, &further, err)) == 1) {
		AxHandled handled = dispatch_exit(vcpu, &further, &answer);

		if (handled == AX_HANDLED ||
		    (handled == AX_UNHANDLED && dispatch_ignores(vcpu, &further)))
			continue;
		verdict = handled;
		*exit = further;
	}
	return ret < 0 ? ret : verdict;
}

int ax_vcpu_dispatch(AxVCpu *vcpu, const AxVCpuExitReason *exit)
{
	bool inside = atomic_load(&vcpu->in_loop);
	uint64_t answer;
	int handled;

	if (!vcpu_is_owner(vcpu))
		return -EPERM;
	/* A handler may dispatch what came out of ax_vcpu_settle(). */
	if (!inside)
		vcpu_enter_loop(vcpu);
	handled = dispatch_exit(vcpu, exit, &answer);
	if (!inside)
		vcpu_leave_loop(vcpu);
	return handled;
}

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

/* The range at @addr, from the cache if it hit before. NULL: not for the fast path. */
static inline const struct range *fast_range(AxVCpu *vcpu, enum range_space space, uint64_t addr)
{
	const struct range *range = vcpu->cache[space][range_cache_slot(space, addr)];

	if (likely(addr - range->base < range->length))
		return range;
	return dispatch_cache(vcpu, space, addr);
}

static inline enum fast fast_write(AxVCpu *vcpu, const struct range *range, uint64_t offset,
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
	vcpu->counts[kind]++;
	return FAST_HANDLED;
}

/* The answer is in result->value. */
static inline enum fast fast_read(AxVCpu *vcpu, const struct range *range, uint64_t offset,
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
	vcpu->counts[kind]++;
	return FAST_HANDLED;
}

/*
 * A port access of one element. KVM's numbers are checked as exit_decode() does; what fails goes
 * there.
 */
static inline enum fast fast_port(AxVCpu *vcpu, struct kvm_run *run, uint64_t last_place,
				  struct fast_result *result)
{
	const struct range *range = fast_range(vcpu, RANGE_PORT, run->io.port);
	uint64_t place = run->io.data_offset;
	uint32_t size = run->io.size;
	AxAccessWidth width;
	uint64_t offset;
	enum fast fast;
	uint32_t raw;
	uint8_t *data;

	if (unlikely(!range))
		return FAST_NOT;
	offset = run->io.port - range->base;
	if (unlikely(size > range->length - offset || run->io.count != 1 || size > sizeof(raw) ||
		     !exit_is_width(size) || place > last_place))
		return FAST_NOT;
	data = (uint8_t *)run + place;
	width = exit_width(size);
	if (run->io.direction != KVM_EXIT_IO_IN) {
		memcpy(&raw, data, sizeof(raw));
		return fast_write(vcpu, range, offset, width, raw & width_masks[width],
				  AX_EXIT_IO_WRITE, result);
	}
	fast = fast_read(vcpu, range, offset, width, AX_EXIT_IO_READ, result);
	if (likely(fast == FAST_HANDLED)) {
		/* KVM takes `size` bytes of these. */
		raw = (uint32_t)result->value;
		memcpy(data, &raw, sizeof(raw));
	}
	return fast;
}

/* An MMIO access of a width. */
static inline enum fast fast_mmio(AxVCpu *vcpu, struct kvm_run *run, struct fast_result *result)
{
	uint64_t addr = run->mmio.phys_addr;
	const struct range *range = fast_range(vcpu, RANGE_MMIO, addr);
	uint32_t len = run->mmio.len;
	AxAccessWidth width;
	uint64_t offset;
	enum fast fast;

	if (unlikely(!range))
		return FAST_NOT;
	offset = addr - range->base;
	if (unlikely(len > range->length - offset || !exit_is_width(len)))
		return FAST_NOT;
	width = exit_width(len);
	if (run->mmio.is_write) {
		uint64_t raw;

		memcpy(&raw, run->mmio.data, sizeof(raw));
		return fast_write(vcpu, range, offset, width, raw & width_masks[width],
				  AX_EXIT_MMIO_WRITE, result);
	}
	fast = fast_read(vcpu, range, offset, width, AX_EXIT_MMIO_READ, result);
	/* KVM takes `len` bytes of these. */
	if (likely(fast == FAST_HANDLED))
		memcpy(run->mmio.data, &result->value, sizeof(result->value));
	return fast;
}

/* Enter until something comes that is not for the fast path. Returns KVM_RUN's rc of that exit. */
static int run_fast(AxVCpu *vcpu, enum fast *fast, struct fast_result *result)
{
	const uint64_t last_place = vcpu->run_size - sizeof(uint32_t); /* of a port's data */
	struct kvm_run *run = vcpu->run;
	int fd = vcpu->fd;

	for (;;) {
		int rc = sys_vcpu_run(fd);

		*fast = FAST_NOT;
		if (unlikely(rc))
			return rc;
		if (run->exit_reason == KVM_EXIT_IO)
			*fast = fast_port(vcpu, run, last_place, result);
		else if (run->exit_reason == KVM_EXIT_MMIO)
			*fast = fast_mmio(vcpu, run, result);
		if (unlikely(*fast != FAST_HANDLED || must_complete(vcpu)))
			return 0;
	}
}

static uint64_t now_ns(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (uint64_t)now.tv_sec * 1000000000u + (uint64_t)now.tv_nsec;
}

/* One exit with an observer watching: no fast path, two more looks at the clock. */
static int observed_exit(AxVCpu *vcpu, AxVCpuExitReason *exit, AxError *err)
{
	const struct snapshot *snapshot = vcpu->snapshot;
	AxExitRecord record = { .size = sizeof(record), .exit = exit };
	uint64_t before = now_ns(), after;
	int ret = 0, rc = 0;

	if (must_complete(vcpu))
		ret = vcpu_complete(vcpu, exit, err);
	if (!ret)
		rc = sys_vcpu_run(vcpu->fd);
	record.time_ns = now_ns();
	record.kvm_ns = record.time_ns - before;
	if (!ret)
		ret = vcpu_take_exit(vcpu, rc, exit, err);
	if (ret < 0)
		return ret;
	record.handled = dispatch_exit(vcpu, exit, &record.answer);
	after = now_ns();
	record.handler_ns = after - record.time_ns;
	snapshot->observer->exit(snapshot->observer_opaque, vcpu, &record);
	return record.handled;
}

/* The handler of the fast path did not say AX_HANDLED: the exit and what the guest gets for it. */
static int leave_fast(AxVCpu *vcpu, const struct fast_result *result, AxVCpuExitReason *exit,
		      AxError *err)
{
	bool unclaimed = result->handled == AX_UNHANDLED;
	int ret;

	if (vcpu->pending.kind == AX_EXIT_NOTHING) {
		/* Settled by the handler, a write's: kvm_run is stale. */
		*exit = vcpu->settled;
		exit->vcpu = vcpu->id;
		vcpu->counts[exit->kind]++;
	} else {
		ret = vcpu_take_exit(vcpu, 0, exit, err);
		if (ret)
			return ret;
	}
	if (unclaimed && vcpu->vm->unclaimed == AX_UNCLAIMED_WARN)
		dispatch_warn(vcpu, exit);
	/* Taking the exit has zeroed the answer. */
	if (exit->kind == AX_EXIT_IO_READ || exit->kind == AX_EXIT_MMIO_READ)
		reply_value(vcpu, unclaimed ? UINT64_MAX : result->value);
	return result->handled;
}

/* One or more exits, the last of which is in @exit. Returns its AxHandled, or a negative errno. */
static int next_exit(AxVCpu *vcpu, AxVCpuExitReason *exit, AxError *err)
{
	struct fast_result result;
	enum fast fast;
	uint64_t answer;
	int rc, ret = 0;

	if (vcpu->snapshot->observer)
		return observed_exit(vcpu, exit, err);
	if (must_complete(vcpu))
		ret = vcpu_complete(vcpu, exit, err);
	if (!ret) {
		rc = run_fast(vcpu, &fast, &result);
		if (fast == FAST_HANDLED)
			return AX_HANDLED; /* which has something to complete */
		if (fast == FAST_LEAVE)
			return leave_fast(vcpu, &result, exit, err);
		ret = vcpu_take_exit(vcpu, rc, exit, err);
	}
	if (ret < 0)
		return ret;
	return dispatch_exit(vcpu, exit, &answer);
}

/*
 * What others asked of the loop itself: stop, pause, newer registrations. Returns an AxHandled, as
 * of an exit in @exit that came up while the vCPU was settled for a pause; or a negative errno.
 */
static int serve_loop_requests(AxVCpu *vcpu, uint32_t requests, AxVCpuExitReason *exit,
			       AxError *err)
{
	int verdict = AX_HANDLED;

	if (requests & REQUEST_PAUSE) {
		verdict = vcpu_quiesce(vcpu, exit, err);
		if (verdict < 0)
			return verdict;
		hold(vcpu);
	}
	vcpu_take_requests(vcpu, REQUEST_SYNC);
	vcpu_sync(vcpu);
	return verdict;
}

static int loop(AxVCpu *vcpu, AxVCpuExitReason *exit, AxError *err)
{
	for (;;) {
		uint32_t requests = atomic_load(&vcpu->requests);
		int handled;

		if (requests & REQUEST_STOP) {
			*exit = (AxVCpuExitReason){ .kind = AX_EXIT_NOTHING, .vcpu = vcpu->id };
			return AX_LOOP_VM_STOPPED;
		}
		if (unlikely(requests & (REQUEST_PAUSE | REQUEST_SYNC))) {
			handled = serve_loop_requests(vcpu, requests, exit, err);
		} else if (likely(vcpu_may_enter(vcpu))) {
			handled = next_exit(vcpu, exit, err);
		} else {
			*exit = (AxVCpuExitReason){ .kind = AX_EXIT_CPU_DOWN, .vcpu = vcpu->id };
			return AX_LOOP_UNHANDLED;
		}
		if (handled < 0)
			return handled;
		if (handled == AX_STOP)
			return AX_LOOP_STOPPED;
		if (handled == AX_UNHANDLED && !dispatch_ignores(vcpu, exit))
			return AX_LOOP_UNHANDLED;
	}
}

int ax_vcpu_loop(AxVCpu *vcpu, AxVCpuExitReason *exit, AxError *err)
{
	AxVCpuExitReason last;
	int ret = vcpu_check_run(vcpu, err);

	if (ret)
		return ret;
	vcpu_enter_loop(vcpu);
	vcpu_set_state(vcpu, AX_VCPU_RUNNING);
	ret = loop(vcpu, &last, err);
	vcpu_set_state(vcpu, AX_VCPU_READY);
	vcpu_leave_loop(vcpu);
	if (ret >= 0)
		*exit = last;
	return ret;
}
