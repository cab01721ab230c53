/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Entering a vCPU once, and finishing what an exit left open.
 */
#include <config.h>

#include <errno.h>

#include "arch/arch.h"
#include "core/complete.h"
#include "core/error.h"
#include "core/exit.h"
#include "core/hypercall.h"
#include "core/pager.h"
#include "core/reply.h"
#include "core/vcpu.h"
#include "core/vm.h"
#include "sys/offline.h"

/* Note what the exit waits for, so that answers and registers can be checked against it. */
static void note_pending(AxVCpu *vcpu, const AxVCpuExitReason *exit)
{
	struct pending *pending = &vcpu->pending;

	*pending = (struct pending){ .kind = (uint8_t)exit->kind };
	switch (exit->kind) {
	case AX_EXIT_HYPERCALL: pending->route = (uint8_t)exit->hypercall.route; break;
	case AX_EXIT_IO_READ:
	case AX_EXIT_MMIO_READ:
	case AX_EXIT_MMIO_WRITE:
	case AX_EXIT_IO_WRITE:
	case AX_EXIT_SYS_REG_READ:
	case AX_EXIT_SYS_REG_WRITE: break;
	default: pending->kind = AX_EXIT_NOTHING; break;
	}
}

/* What KVM_RUN left behind when it did not end by EINTR. */
static int take_decoded(AxVCpu *vcpu, int rc, AxVCpuExitReason *exit, AxError *err)
{
	unsigned flags;
	int ret = exit_decode(rc, vcpu->run, vcpu->run_size, exit, &flags);

	exit->vcpu = vcpu->id;
	if (ret) {
		/* What was pending may be so still, but the pages can't be trusted to say what. */
		if (vcpu->pending.kind != AX_EXIT_NOTHING)
			vcpu->pending.kind = PENDING_UNKNOWN;
		return ax_error_sys(err, ret, "KVM_RUN");
	}
	note_pending(vcpu, exit);
	reply_default(vcpu);
	if (exit->kind == AX_EXIT_NESTED_PAGE_FAULT)
		pager_name_fault(vcpu, exit);
	if (flags & EXIT_FINISH) {
		hypercall_from_block(vcpu, exit);
		ret = arch_finish_exit(vcpu, exit, err);
		if (ret)
			return ret;
	}
	if (exit->kind == AX_EXIT_HYPERCALL)
		reply_unknown(vcpu);
	vcpu_count(vcpu, exit->kind);
	return 0;
}

int vcpu_take_exit(AxVCpu *vcpu, int rc, AxVCpuExitReason *exit, AxError *err)
{
	int ret;

	if (rc != -EINTR)
		return take_decoded(vcpu, rc, exit, err);
	/*
	 * exit_reason is stale now. The kernel has completed what was pending before it looked for
	 * signals.
	 */
	vcpu->pending.kind = AX_EXIT_NOTHING;
	ret = vcpu_serve_requests(vcpu, exit, err);
	if (ret < 0)
		return ret;
	if (!ret)
		exit->kind = AX_EXIT_NOTHING;
	exit->vcpu = vcpu->id;
	vcpu_count(vcpu, exit->kind);
	return 0;
}

bool vcpu_may_enter(AxVCpu *vcpu)
{
	uint32_t requests;
	bool off;

	if (!atomic_load(&vcpu->powered_off))
		return true;
	/* Who powers it off from another thread posts the exit that says so under the same lock. */
	pthread_mutex_lock(&vcpu->vm->lock);
	off = atomic_load(&vcpu->powered_off);
	requests = atomic_load(&vcpu->requests);
	pthread_mutex_unlock(&vcpu->vm->lock);
	if (!off)
		return true;
	if (!(requests & (REQUEST_START | REQUEST_KICK | REQUEST_EXIT)))
		return false;
	/*
	 * Not one instruction of the guest runs: who posts a request sets this only after its bit,
	 * so that it may still be to come.
	 */
	__atomic_store_n(&vcpu->run->immediate_exit, 1, __ATOMIC_SEQ_CST);
	return true;
}

int vcpu_check_run(AxVCpu *vcpu, AxError *err)
{
	AxVCpuState state = vcpu_get_state(vcpu);

	if (state != AX_VCPU_READY || !vcpu_is_owner(vcpu) || vcpu->draining)
		return ax_error_state(
			err, "vCPU %u is %s%s and can't be entered", vcpu->id,
			ax_vcpu_state_name(state),
			state >= AX_VCPU_READY && !vcpu_is_owner(vcpu) ? ", another thread's" : "");
	if (vcpu->fd == SYS_OFFLINE)
		return ax_error_state(err, "vCPU %u is of a VM without KVM: nothing runs it",
				      vcpu->id);
	return 0;
}

int vcpu_complete(AxVCpu *vcpu, AxVCpuExitReason *exit, AxError *err)
{
	int ret = arch_complete(vcpu, exit, err);

	if (ret != 1)
		return ret;
	exit->vcpu = vcpu->id;
	reply_default(vcpu);
	vcpu_count(vcpu, exit->kind);
	return 1;
}

int ax_vcpu_run(AxVCpu *vcpu, AxVCpuExitReason *exit, AxError *err)
{
	AxVCpuExitReason taken;
	int ret = vcpu_check_run(vcpu, err);

	if (ret)
		return ret;
	if (!vcpu_may_enter(vcpu))
		return ax_error_state(
			err, "vCPU %u is powered off: ax_vcpu_wait() waits for ax_vcpu_start()",
			vcpu->id);
	vcpu_set_state(vcpu, AX_VCPU_RUNNING);
	if (must_complete(vcpu))
		ret = vcpu_complete(vcpu, &taken, err);
	if (!ret)
		ret = vcpu_take_exit(vcpu, sys_vcpu_run(vcpu->fd), &taken, err);
	vcpu_set_state(vcpu, AX_VCPU_READY);
	if (ret < 0)
		return ret;
	*exit = taken;
	return 0;
}

int vcpu_flush(AxVCpu *vcpu, AxVCpuExitReason *exit, AxError *err)
{
	int rc, ret;

	__atomic_store_n(&vcpu->run->immediate_exit, 1, __ATOMIC_SEQ_CST);
	rc = sys_vcpu_run(vcpu->fd);
	/* A request made meanwhile must still end the next entry. */
	__atomic_store_n(&vcpu->run->immediate_exit, 0, __ATOMIC_SEQ_CST);
	if (atomic_load(&vcpu->requests))
		__atomic_store_n(&vcpu->run->immediate_exit, 1, __ATOMIC_SEQ_CST);
	if (rc == -EINTR) {
		vcpu->pending.kind = AX_EXIT_NOTHING;
		return 0;
	}
	ret = take_decoded(vcpu, rc, exit, err);
	if (ret < 0)
		return ret;
	return exit->kind == AX_EXIT_NOTHING ? 0 : 1;
}

int vcpu_settle(AxVCpu *vcpu, AxVCpuExitReason *exit, AxError *err)
{
	int ret = 0;

	/* Nothing has an access under way. */
	if (vcpu->fd == SYS_OFFLINE)
		vcpu->pending.kind = AX_EXIT_NOTHING;
	/* An exit that became Nothing (an ignored interrupt command) may be pending itself. */
	while (!ret && vcpu->pending.kind != AX_EXIT_NOTHING) {
		if (must_complete(vcpu))
			ret = vcpu_complete(vcpu, exit, err);
		if (!ret && vcpu->pending.kind != AX_EXIT_NOTHING)
			ret = vcpu_flush(vcpu, exit, err);
	}
	return ret;
}

/* Inside the handler of a read or a hypercall: what it answers is not there yet. */
static bool owes_an_answer(const AxVCpu *vcpu)
{
	if (!atomic_load(&vcpu->in_loop))
		return false;
	switch (vcpu->pending.kind) {
	case AX_EXIT_MMIO_READ:
	case AX_EXIT_IO_READ:
	case AX_EXIT_SYS_REG_READ:
	case AX_EXIT_HYPERCALL: return true;
	default: return false;
	}
}

int ax_vcpu_settle(AxVCpu *vcpu, AxVCpuExitReason *exit, AxError *err)
{
	unsigned flags;

	if (vcpu_get_state(vcpu) < AX_VCPU_READY || !vcpu_is_owner(vcpu))
		return ax_error_state(err, "ax_vcpu_settle: vCPU %u is %s or another thread's",
				      vcpu->id, ax_vcpu_state_name(vcpu_get_state(vcpu)));
	if (owes_an_answer(vcpu))
		return ax_error_state(err,
				      "ax_vcpu_settle: the handler of this %s has yet to answer it",
				      ax_exit_name(vcpu->pending.kind));
	if (vcpu->draining)
		return ax_error_state(err,
				      "ax_vcpu_settle: what vCPU %u does now comes after the write "
				      "that KVM had collected",
				      vcpu->id);
	/* In a handler: the loop may have to tell of this access when kvm_run says it no more. */
	if (atomic_load(&vcpu->in_loop) && vcpu->pending.kind != AX_EXIT_NOTHING)
		exit_decode(0, vcpu->run, vcpu->run_size, &vcpu->settled, &flags);
	return vcpu_settle(vcpu, exit, err);
}
