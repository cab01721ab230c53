/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A debugger's half of the core: points to stop at, vCPUs that stand still, memory by virtual address.
 */
#include <config.h>

#include <errno.h>
#include <inttypes.h>

#include "arch/arch.h"
#include "core/debug.h"
#include "core/error.h"

bool vcpu_is_at_rest(const AxVCpu *vcpu)
{
	AxVCpuState state = vcpu_get_state(vcpu);
	bool at_rest;

	pthread_mutex_lock(&vcpu->vm->lock);
	at_rest = vcpu->vm->at_rest;
	pthread_mutex_unlock(&vcpu->vm->lock);
	return at_rest &&
	       (atomic_load(&vcpu->held) || state == AX_VCPU_READY || state == AX_VCPU_BLOCKED);
}

bool vcpu_must_hold(const AxVCpu *vcpu)
{
	return atomic_load(&vcpu->vm->paused) ||
	       (atomic_load(&vcpu->frozen) && !(atomic_load(&vcpu->requests) & REQUEST_STOP));
}

/* Its state is for the caller to change. */
static int check(const AxVCpu *vcpu, AxError *err)
{
	AxVCpuState state = vcpu_get_state(vcpu);

	if (state == AX_VCPU_FREE || (state >= AX_VCPU_READY && vcpu_is_owner(vcpu)) ||
	    vcpu_is_at_rest(vcpu))
		return 0;
	return ax_error_state(err, "vCPU %u is another thread's, and its VM is not paused",
			      vcpu->id);
}

static int check_point(const AxDebugPoint *point, AxError *err)
{
	uint32_t length = point->length;

	if (point->kind > AX_DEBUG_ACCESS)
		return ax_error_argument(err, -EINVAL, "debug point of kind %u: there is none such",
					 point->kind);
	if (point->kind == AX_DEBUG_EXECUTE)
		return 0;
	if ((length != 1 && length != 2 && length != 4 && length != 8) || point->address % length)
		return ax_error_argument(err, -EINVAL,
					 "watchpoint of %u bytes at 0x%" PRIx64
					 ": 1, 2, 4 or 8, aligned to as much, are possible",
					 length, point->address);
	return 0;
}

int ax_vcpu_debug(AxVCpu *vcpu, const AxDebug *debug, AxError *err)
{
	int ret = check(vcpu, err);

	if (ret)
		return ret;
	if (!debug || debug->size < sizeof(*debug))
		return ax_error_argument(err, -EINVAL,
					 "AxDebug.size is not set: use AX_DEBUG_INIT");
	if (debug->flags & ~(AX_DEBUG_STEP | AX_DEBUG_BREAKPOINTS | AX_DEBUG_NO_INTERRUPTS))
		return ax_error_argument(err, -EINVAL, "unknown debug flags 0x%x", debug->flags);
	if (debug->count > AX_DEBUG_POINTS_MAX)
		return ax_error_argument(err, -ENOSPC, "%u debug points: %d are the most",
					 debug->count, AX_DEBUG_POINTS_MAX);
	for (uint32_t i = 0; !ret && i < debug->count; i++)
		ret = check_point(&debug->points[i], err);
	return ret ? ret : arch_debug(vcpu, debug, err);
}

/* What this call has room for, on every architecture. */
#define ADDRESSES 4

int ax_vcpu_set_debug(AxVCpu *vcpu, bool single_step, const uint64_t *addresses, size_t count,
		      AxError *err)
{
	AxDebugPoint points[ADDRESSES];
	AxDebug debug = AX_DEBUG_INIT;

	if (count > ADDRESSES)
		return ax_error_argument(err, -EINVAL, "%zu hardware breakpoints: at most %d",
					 count, ADDRESSES);
	for (size_t i = 0; i < count; i++)
		points[i] = (AxDebugPoint){ .address = addresses[i] };
	debug.points = points;
	debug.count = (uint32_t)count;
	debug.flags = single_step ? AX_DEBUG_STEP : 0;
	/* The guest's own are all that there is where a processor has no registers for it. */
	if (addresses && !count && !ARCH_HAS_DEBUG_REGISTERS)
		debug.flags |= AX_DEBUG_BREAKPOINTS;
	return ax_vcpu_debug(vcpu, &debug, err);
}

int ax_debug_limits(AxVm *vm, AxDebugLimits *limits, AxError *err)
{
	if (!limits || limits->size < sizeof(*limits))
		return ax_error_argument(err, -EINVAL,
					 "AxDebugLimits.size is not set: use AX_DEBUG_LIMITS_INIT");
	*limits = (AxDebugLimits)AX_DEBUG_LIMITS_INIT;
	arch_debug_limits(vm, limits);
	return 0;
}

int ax_vcpu_give_breakpoint(AxVCpu *vcpu, const AxVCpuExitReason *exit, AxError *err)
{
	if (vcpu_get_state(vcpu) < AX_VCPU_READY || !vcpu_is_owner(vcpu))
		return ax_error_state(err, "vCPU %u is another thread's", vcpu->id);
	if (exit->kind != AX_EXIT_DEBUG)
		return ax_error_argument(err, -EINVAL, "%s is no Debug exit",
					 ax_exit_name(exit->kind));
	return arch_give_breakpoint(vcpu, exit, err);
}

int ax_vcpu_translate(AxVCpu *vcpu, uint64_t address, AxGuestPhysAddr *gpa, AxError *err)
{
	int ret = check(vcpu, err);

	if (ret)
		return ret;
	ret = arch_translate(vcpu, address, gpa, err);
	if (ret == -EFAULT)
		ax_error_argument(err, ret, "nothing is mapped at virtual address 0x%" PRIx64,
				  address);
	return ret;
}

static int check_fp(const AxVCpu *vcpu, size_t size, AxError *err)
{
	int ret = check(vcpu, err);

	if (!ret && size < sizeof(AxFpRegs))
		ret = ax_error_argument(err, -EINVAL,
					"AxFpRegs.size is not set: use AX_FP_REGS_INIT");
	return ret;
}

int ax_vcpu_get_fp(AxVCpu *vcpu, AxFpRegs *regs, AxError *err)
{
	int ret = check_fp(vcpu, regs->size, err);

	if (ret)
		return ret;
	*regs = (AxFpRegs)AX_FP_REGS_INIT;
	return arch_get_fp(vcpu, regs, err);
}

int ax_vcpu_set_fp(AxVCpu *vcpu, const AxFpRegs *regs, AxError *err)
{
	int ret = check_fp(vcpu, regs->size, err);

	return ret ? ret : arch_set_fp(vcpu, regs, err);
}

int ax_debug_set(AxVm *vm, const AxDebugOps *ops, void *opaque, AxError *err)
{
	int ret = 0;

	if (ops && ops->size < sizeof(*ops))
		return ax_error_argument(err, -EINVAL, "AxDebugOps.size is not set");
	pthread_mutex_lock(&vm->lock);
	if (vm_is_running(vm)) {
		ret = ax_error_state(err, "vCPUs run: pause the VM first");
	} else {
		vm->debug_ops = ops;
		vm->debug_opaque = opaque;
	}
	pthread_mutex_unlock(&vm->lock);
	return ret;
}

void ax_vm_hold(AxVm *vm)
{
	pthread_mutex_lock(&vm->lock);
	atomic_fetch_add(&vm->paused, 1);
	for (unsigned i = 0; i < vm->vcpu_count; i++) {
		if (atomic_load(&vm->vcpus[i]->in_loop))
			vcpu_request(vm->vcpus[i], REQUEST_PAUSE);
	}
	pthread_mutex_unlock(&vm->lock);
}

int ax_vcpu_hold(AxVCpu *vcpu, bool hold, AxError *err)
{
	AxVm *vm = vcpu->vm;
	int ret = 0;

	pthread_mutex_lock(&vm->lock);
	if (hold && !vm->at_rest) {
		ret = ax_error_state(err, "the VM is not paused");
	} else {
		atomic_store(&vcpu->frozen, hold);
		if (!hold)
			pthread_cond_broadcast(&vm->changed);
	}
	pthread_mutex_unlock(&vm->lock);
	return ret;
}

bool ax_vm_is_ending(AxVm *vm)
{
	return vm_is_stopped(vm) || atomic_load(&vm->ending);
}

void debug_tell_dying(AxVCpu *vcpu, const AxVCpuExitReason *exit)
{
	const AxDebugOps *ops = vcpu->vm->debug_ops;

	if (!ops || !ops->dying)
		return;
	ops->dying(vcpu, vcpu->vm->debug_opaque, exit);
	/* Entering waits out a pause. */
	vcpu_enter_loop(vcpu);
	vcpu_leave_loop(vcpu);
}
