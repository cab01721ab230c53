/* SPDX-License-Identifier: Apache-2.0 */
/*
 * ax_vm_run(): every vCPU on its thread, and what hardware does with exits that no handler takes.
 */
#include <config.h>

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "arch/arch.h"
#include "core/debug.h"
#include "core/error.h"
#include "core/power.h"
#include "core/vcpu.h"
#include "core/vm.h"

/*
 * A vCPU's thread needs little stack; handlers are the embedder's, so not too little. Untouched
 * pages cost nothing.
 */
#define THREAD_STACK_SIZE (256 * 1024)

/* The first reason to end wins; every vCPU is asked to leave. vm->lock is held. */
static void end_locked(AxVm *vm, const struct vm_end *end)
{
	if (vm->end.set)
		return;
	vm->end = *end;
	vm->end.set = true;
	atomic_store(&vm->ending, true);
	vm_request_stop(vm);
	/* Who stands still for a debugger hears no signal. */
	pthread_cond_broadcast(&vm->changed);
}

static void end_vm(AxVm *vm, const struct vm_end *end)
{
	pthread_mutex_lock(&vm->lock);
	end_locked(vm, end);
	pthread_mutex_unlock(&vm->lock);
}

static void end_with_exit(AxVCpu *vcpu, AxVmEnd how, const AxVCpuExitReason *exit)
{
	struct vm_end end = { .result = AX_VM_RESULT_INIT };

	end.result.end = how;
	end.result.vcpu = vcpu->id;
	end.result.exit = *exit;
	end_vm(vcpu->vm, &end);
}

static void end_with_code(AxVCpu *vcpu)
{
	struct vm_end end = { .result = AX_VM_RESULT_INIT };

	end.result.end = AX_VM_END_CODE;
	end.result.vcpu = vcpu->id;
	end.result.code = (int)(uint32_t)atomic_load(&vcpu->vm->stop);
	end.result.exit.vcpu = vcpu->id;
	end_vm(vcpu->vm, &end);
}

static void end_with_error(AxVCpu *vcpu, int ret, const AxError *err)
{
	struct vm_end end = { .ret = ret, .error = *err, .result = AX_VM_RESULT_INIT };

	end.result.vcpu = vcpu->id;
	end_vm(vcpu->vm, &end);
}

/*
 * Nothing but another vCPU could wake this one; when all are so, nothing ever will. vm->lock is
 * held.
 */
static bool all_dead(AxVm *vm)
{
	for (unsigned i = 0; i < vm->vcpu_count; i++) {
		AxVCpu *vcpu = vm->vcpus[i];
		uint32_t requests = atomic_load(&vcpu->requests);

		if (!vcpu->waits ||
		    (requests & (REQUEST_START | REQUEST_KICK | REQUEST_EXIT | REQUEST_VERDICT)))
			return false;
		if (!atomic_load(&vcpu->powered_off) && !arch_halt_is_final(vcpu))
			return false;
	}
	return true;
}

/* The vCPU waits from now on, for @exit; when it is the last that could go on, the VM ends. */
static void begin_wait(AxVCpu *vcpu, const AxVCpuExitReason *exit)
{
	struct vm_end end = { .result = AX_VM_RESULT_INIT };

	end.result.end = AX_VM_END_HALTED;
	end.result.vcpu = vcpu->id;
	end.result.exit = *exit;
	pthread_mutex_lock(&vcpu->vm->lock);
	vcpu->waits = true;
	if (all_dead(vcpu->vm))
		end_locked(vcpu->vm, &end);
	pthread_mutex_unlock(&vcpu->vm->lock);
}

/* Before what woke it is consumed: nobody may take it for dead then. */
static void end_wait(AxVCpu *vcpu)
{
	pthread_mutex_lock(&vcpu->vm->lock);
	vcpu->waits = false;
	pthread_mutex_unlock(&vcpu->vm->lock);
}

/*
 * Wait until a halted or powered-off vCPU goes on. Kicks are dispatched from here: the guest must
 * not be entered for them, since that would take it past its halt. Returns 0 to go on, AX_STOP, or
 * a negative errno.
 */
static int wait_for_wake(AxVCpu *vcpu, const AxVCpuExitReason *reason, AxError *err)
{
	AxVCpuExitReason kick = { .vcpu = vcpu->id };
	int ret;

	for (;;) {
		begin_wait(vcpu, reason);
		ret = ax_vcpu_wait(vcpu, UINT64_MAX, err);
		end_wait(vcpu);
		if (ret)
			return ret;
		if (vcpu_take_kick(vcpu, &kick)) {
			vcpu_count(vcpu, AX_EXIT_EXTERNAL_INTERRUPT);
			if (vcpu_dispatch(vcpu, &kick) != AX_STOP)
				continue;
			end_with_exit(vcpu, AX_VM_END_HANDLER, &kick);
			return AX_STOP;
		}
		/* Not when it was the request of a kick that had been taken already. */
		if (vcpu_has_reason_to_run(vcpu, atomic_load(&vcpu->requests)))
			return 0;
	}
}

/*
 * CpuUp for a CPU that is not there, or is on, is lost on hardware, too: a handler that wants to
 * know comes first.
 */
static void start_target(AxVCpu *vcpu, const AxVCpuExitReason *exit)
{
	AxVCpu *target = arch_find_cpu(vcpu->vm, exit->cpu_up.target_cpu);

	if (target && ax_vcpu_start(target, exit->cpu_up.entry_point, exit->cpu_up.arg, NULL))
		vcpu_drop_claim(target);
}

/* What hardware does with @exit. Returns 0 to go on, 1 when the VM ends, or a negative errno. */
static int default_action(AxVCpu *vcpu, const AxVCpuExitReason *exit, AxError *err)
{
	switch (exit->kind) {
	case AX_EXIT_EXTERNAL_INTERRUPT:
	case AX_EXIT_IRQ_EOI: return 0;
	case AX_EXIT_HALT: return wait_for_wake(vcpu, exit, err);
	case AX_EXIT_CPU_UP: start_target(vcpu, exit); return 0;
	case AX_EXIT_CPU_DOWN:
		atomic_store(&vcpu->powered_off, true);
		return wait_for_wake(vcpu, exit, err);
	case AX_EXIT_SEND_IPI: return arch_send_ipi(vcpu, exit, err);
	case AX_EXIT_SYSTEM_DOWN:
		if (exit->system_down.cause == AX_DOWN_WAKEUP)
			return 0;
		break;
	default: break;
	}
	debug_tell_dying(vcpu, exit);
	end_with_exit(vcpu, AX_VM_END_EXIT, exit);
	return 1;
}

/* Run a bound vCPU to its end. */
static int run_vcpu(AxVCpu *vcpu, AxError *err)
{
	AxVCpuExitReason exit;
	int ret = 0;

	while (!ret && !atomic_load(&vcpu->vm->ending)) {
		ret = ax_vcpu_loop(vcpu, &exit, err);
		if (ret == AX_LOOP_STOPPED || ret == AX_LOOP_VM_STOPPED) {
			/*
			 * A handler that stops the VM may say AX_STOP as well: the code says more.
			 */
			if (vm_is_stopped(vcpu->vm))
				end_with_code(vcpu);
			else if (ret == AX_LOOP_STOPPED)
				end_with_exit(vcpu, AX_VM_END_HANDLER, &exit);
			return 0;
		}
		if (ret == AX_LOOP_UNHANDLED)
			ret = default_action(vcpu, &exit, err);
	}
	return ret < 0 ? ret : 0;
}

/* Bind, run, settle, unbind: the same on the caller's thread and on ours. */
static void run_on_this_thread(AxVCpu *vcpu)
{
	AxVCpuExitReason ignored;
	AxError err = AX_ERROR_INIT;
	int ret = ax_vcpu_bind(vcpu, AX_ANY_CPU, &err);

	if (ret) {
		end_with_error(vcpu, ret, &err);
		return;
	}
	ret = run_vcpu(vcpu, &err);
	if (ret)
		end_with_error(vcpu, ret, &err);
	/*
	 * Where KVM can't finish the access, the registers stay unknown: ax_vcpu_get_reg() says so.
	 */
	vcpu_enter_loop(vcpu);
	vcpu_quiesce(vcpu, &ignored, NULL);
	vcpu_leave_loop(vcpu);
	ax_vcpu_unbind(vcpu, NULL);
}

static void *vcpu_thread(void *opaque)
{
	AxVCpu *vcpu = opaque;
	char name[16];

	snprintf(name, sizeof(name), "ax-vcpu%u", vcpu->id);
	pthread_setname_np(pthread_self(), name);
	run_on_this_thread(vcpu);
	return NULL;
}

/* Start a thread for each vCPU but the first. Returns how many were started. */
static unsigned start_threads(AxVm *vm, pthread_t *threads)
{
	struct vm_end end = { .result = AX_VM_RESULT_INIT };
	sigset_t all, old;
	pthread_attr_t attr;
	unsigned i;
	int ret = 0;

	/*
	 * Threads inherit the mask: all blocked but those that a mistake of their own raises, which
	 * the process may want to hear of; binding lets the kick through.
	 */
	sigfillset(&all);
	sigdelset(&all, SIGSEGV);
	sigdelset(&all, SIGBUS);
	sigdelset(&all, SIGFPE);
	sigdelset(&all, SIGILL);
	pthread_sigmask(SIG_SETMASK, &all, &old);
	pthread_attr_init(&attr);
	pthread_attr_setstacksize(&attr, THREAD_STACK_SIZE);
	for (i = 1; i < vm->vcpu_count; i++) {
		ret = pthread_create(&threads[i - 1], &attr, vcpu_thread, vm->vcpus[i]);
		if (ret)
			break;
	}
	pthread_attr_destroy(&attr);
	pthread_sigmask(SIG_SETMASK, &old, NULL);
	if (ret) {
		end.ret = ax_error_set(&end.error, -ENOMEM, AX_ERROR_RESOURCE, ret,
				       "the thread of vCPU %u can't be created: %s",
				       vm->vcpus[i]->id, strerror(ret));
		end_vm(vm, &end);
	}
	return i - 1;
}

static int check_run(AxVm *vm, AxError *err)
{
	if (!vm->vcpu_count)
		return ax_error_state(err, "the VM has no vCPU");
	for (unsigned i = 0; i < vm->vcpu_count; i++) {
		AxVCpuState state = vcpu_get_state(vm->vcpus[i]);

		if (state != AX_VCPU_FREE)
			return ax_error_state(err, "vCPU %u is %s, not Free: %s", vm->vcpus[i]->id,
					      ax_vcpu_state_name(state),
					      state == AX_VCPU_CREATED ? "call ax_vcpu_setup()"
								       : "it is bound, or broken");
	}
	return 0;
}

/* What asked this run's vCPUs to leave is no reason for the next; ax_vm_stop() holds for ever. */
static void forget_stop(AxVm *vm)
{
	for (unsigned i = 0; i < vm->vcpu_count; i++)
		vcpu_take_requests(vm->vcpus[i], REQUEST_STOP);
	/* Afterwards, because it may be called at any moment. */
	if (vm_is_stopped(vm))
		vm_request_stop(vm);
}

/* False: another thread is in ax_vm_run(). */
static bool begin_run(AxVm *vm)
{
	bool free_to_run;

	pthread_mutex_lock(&vm->lock);
	free_to_run = !vm->in_run;
	if (free_to_run) {
		vm->in_run = true;
		memset(&vm->end, 0, sizeof(vm->end));
		atomic_store(&vm->ending, false);
	}
	pthread_mutex_unlock(&vm->lock);
	return free_to_run;
}

static int end_run(AxVm *vm, AxVmResult *result, AxError *err)
{
	int ret;

	forget_stop(vm);
	pthread_mutex_lock(&vm->lock);
	vm->in_run = false;
	ret = vm->end.ret;
	if (result) {
		size_t size = result->size;

		*result = vm->end.result;
		result->size = size;
	}
	if (ret && err)
		*err = vm->end.error;
	pthread_mutex_unlock(&vm->lock);
	return ret;
}

int ax_vm_run(AxVm *vm, AxVmResult *result, AxError *err)
{
	pthread_t *threads;
	unsigned started;
	int ret = check_run(vm, err);

	if (ret)
		return ret;
	if (result && result->size < sizeof(*result))
		return ax_error_argument(err, -EINVAL,
					 "AxVmResult.size is not set: use AX_VM_RESULT_INIT");
	threads = calloc(vm->vcpu_count, sizeof(*threads));
	if (!threads)
		return ax_error_nomem(err, "the vCPUs' threads");

	if (!begin_run(vm)) {
		free(threads);
		return ax_error_state(err, "the VM is inside ax_vm_run() already");
	}
	started = start_threads(vm, threads);
	if (!atomic_load(&vm->ending))
		run_on_this_thread(vm->vcpus[0]);
	for (unsigned i = 0; i < started; i++)
		pthread_join(threads[i], NULL);
	free(threads);
	return end_run(vm, result, err);
}
