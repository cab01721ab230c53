/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The fused loop: run, decode, dispatch and reply. What the fast path (fast.h) does not take goes
 * through run.c and dispatch.c.
 */
#include <config.h>

#include <errno.h>

#include "arch/arch.h"
#include "core/coalesce.h"
#include "core/complete.h"
#include "core/debug.h"
#include "core/dispatch.h"
#include "core/error.h"
#include "core/fast.h"
#include "core/reply.h"
#include "core/trace.h"
#include "core/vcpu.h"
#include "core/vm.h"
#include "core/watch.h"

void vcpu_sync(AxVCpu *vcpu)
{
	const struct snapshot *snapshot = atomic_load(&vcpu->vm->snapshot);

	vcpu->snapshot = snapshot;
	vcpu->ring = snapshot->trace ? trace_ring_of(snapshot->trace, vcpu) : NULL;
	for (unsigned space = 0; space < RANGE_SPACES; space++)
		range_cache_reset(&vcpu->cache[space], snapshot->table[space].count);
	atomic_store(&vcpu->seen, snapshot->generation);
	vm_wake_waiters(vcpu->vm);
}

/* Stand still, settled, until nobody pauses the VM any more. */
static void hold(AxVCpu *vcpu)
{
	AxVm *vm = vcpu->vm;

	pthread_mutex_lock(&vm->lock);
	vcpu_take_requests(vcpu, REQUEST_PAUSE);
	while (vcpu_must_hold(vcpu)) {
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
		if (!vcpu_must_hold(vcpu))
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
	vm_wake_waiters(vcpu->vm);
}

int vcpu_quiesce(AxVCpu *vcpu, AxVCpuExitReason *exit, AxError *err)
{
	AxVCpuExitReason further;
	uint64_t answer;
	int verdict = AX_HANDLED, ret;

	while ((ret = vcpu_settle(vcpu, &further, err)) == 1) {
		AxHandled handled;

		if (vcpu->snapshot->coalesces)
			coalesce_catch_up(vcpu);
		handled = dispatch_exit(vcpu, &further, &answer);
		if (handled == AX_HANDLED ||
		    (handled == AX_UNHANDLED && dispatch_ignores(vcpu, &further)))
			continue;
		verdict = handled;
		*exit = further;
	}
	/* The rest of the instruction may have been writes that KVM collects. */
	if (vcpu->snapshot->coalesces)
		coalesce_catch_up(vcpu);
	return ret < 0 ? ret : verdict;
}

int vcpu_dispatch(AxVCpu *vcpu, const AxVCpuExitReason *exit)
{
	uint64_t answer;
	int handled;

	vcpu_enter_loop(vcpu);
	if (vcpu->snapshot->coalesces)
		coalesce_catch_up(vcpu);
	handled = dispatch_exit(vcpu, exit, &answer);
	vcpu_leave_loop(vcpu);
	return handled;
}

int ax_vcpu_dispatch(AxVCpu *vcpu, const AxVCpuExitReason *exit)
{
	AxVCpuExitReason stopped_on;
	uint64_t answer;
	int handled;

	if (!vcpu_is_owner(vcpu))
		return -EPERM;
	/* A handler may dispatch what came out of ax_vcpu_settle(). */
	if (atomic_load(&vcpu->in_loop))
		return dispatch_exit(vcpu, exit, &answer);
	handled = vcpu_dispatch(vcpu, exit);
	/* Only where there is room for it: else it waits for the next dispatch, or the loop. */
	if (handled == AX_HANDLED && coalesce_has_verdict(vcpu) &&
	    coalesce_take_verdict(vcpu, &stopped_on) == AX_STOP)
		handled = AX_STOP;
	return handled;
}

/*
 * Enter until something comes that is not for the fast path. Returns KVM_RUN's rc of that exit.
 * @coalesces is a constant, so that the loop without it has nothing of it.
 */
FAST_INLINE int run_fast(AxVCpu *vcpu, enum fast *fast, struct fast_result *result,
			 const bool coalesces)
{
	const uint64_t last_place = vcpu->run_size - sizeof(uint32_t); /* of a port's data */
	struct kvm_run *run = vcpu->run;
	int fd = vcpu->fd;

	for (;;) {
		int rc = sys_vcpu_run(fd);

		if (coalesces)
			coalesce_catch_up(vcpu);
		*fast = FAST_NOT;
		if (unlikely(rc))
			return rc;
		if (run->exit_reason == KVM_EXIT_IO)
			*fast = fast_port(vcpu, run, last_place, result);
		else if (run->exit_reason == KVM_EXIT_MMIO)
			*fast = fast_mmio(vcpu, run, result);
		if (unlikely(*fast != FAST_HANDLED || must_complete(vcpu)))
			return 0;
		if (coalesces && unlikely(coalesce_has_verdict(vcpu)))
			return 0;
	}
}

int vcpu_leave_fast(AxVCpu *vcpu, const struct fast_result *result, AxVCpuExitReason *exit,
		    AxError *err)
{
	bool unclaimed = result->handled == AX_UNHANDLED;
	int ret;

	if (vcpu->pending.kind == AX_EXIT_NOTHING) {
		/* Settled by the handler, a write's: kvm_run is stale. */
		*exit = vcpu->settled;
		exit->vcpu = vcpu->id;
		vcpu_count(vcpu, exit->kind);
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

FAST_INLINE int plain_exit(AxVCpu *vcpu, AxVCpuExitReason *exit, AxError *err, const bool coalesces)
{
	struct fast_result result;
	enum fast fast;
	uint64_t answer;
	int rc, ret = 0;

	if (must_complete(vcpu))
		ret = vcpu_complete(vcpu, exit, err);
	if (!ret) {
		rc = run_fast(vcpu, &fast, &result, coalesces);
		if (fast == FAST_HANDLED)
			return AX_HANDLED; /* which has something to complete, or there is a verdict */
		if (fast == FAST_LEAVE)
			return vcpu_leave_fast(vcpu, &result, exit, err);
		ret = vcpu_take_exit(vcpu, rc, exit, err);
	}
	if (ret < 0)
		return ret;
	return dispatch_exit(vcpu, exit, &answer);
}

/* Apart, so that the plain loop has its registers for itself. */
static __attribute__((noinline)) int detour(AxVCpu *vcpu, AxVCpuExitReason *exit, AxError *err)
{
	if (vcpu->snapshot->observer || vcpu->snapshot->trace)
		return watch_exit(vcpu, exit, err);
	return plain_exit(vcpu, exit, err, true);
}

/* One or more exits, the last of which is in @exit. Returns its AxHandled, or a negative errno. */
static int next_exit(AxVCpu *vcpu, AxVCpuExitReason *exit, AxError *err)
{
	if (unlikely(vcpu->snapshot->has_detour))
		return detour(vcpu, exit, err);
	return plain_exit(vcpu, exit, err, false);
}

/*
 * What others asked of the loop itself: stop, pause, newer registrations; what a handler of collected
 * writes wants. Returns an AxHandled, as of an exit in @exit that came up while the vCPU was settled for
 * a pause, or of a collected write; or a negative errno.
 */
static int serve_loop_requests(AxVCpu *vcpu, uint32_t requests, AxVCpuExitReason *exit,
			       AxError *err)
{
	int verdict = AX_HANDLED;

	/* The rest of the requests stay, and are looked at the next time. */
	if (requests & REQUEST_VERDICT)
		return coalesce_take_verdict(vcpu, exit);
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
		if (unlikely(requests & (REQUEST_PAUSE | REQUEST_SYNC | REQUEST_VERDICT))) {
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
