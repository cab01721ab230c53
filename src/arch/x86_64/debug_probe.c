/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Which of KVM's means for debuggers really work. Two kinds of KVM are known that accept the request
 * and then do nothing: one that interprets guests has no INT3, and an emulated processor's SVM neither
 * INT3 nor single-step. A guest of two instructions tells.
 */
#include <config.h>

#include <stdio.h>

#include <axvmm/memory.h>

#include "arch/x86_64/x86.h"

#define BREAKPOINTS 4

/* Far from the real-mode vectors at 0, which all lead to the HLT at 0x400. */
#define CODE	     0x1000u
#define VECTORS	     0x400u
#define HLT	     0xf4
#define STACK	     0x2000u
#define PROBE_MEMORY 0x4000u

/* Run @code in real mode until it says something: whether that was a Debug exit. */
static bool makes_debug_exit(AxVm *vm, AxVCpu *vcpu, uint8_t code, uint32_t flags)
{
	AxVCpuSetup setup = AX_VCPU_SETUP_INIT;
	const uint8_t program[] = { code, HLT };
	AxVCpuExitReason exit = AX_EXIT_INIT;
	AxDebug debug = AX_DEBUG_INIT;
	bool made = false;

	setup.mode = AX_MODE_REAL;
	setup.flags = AX_SETUP_NO_CPUID;
	setup.entry = CODE;
	setup.stack = STACK;
	debug.flags = flags;
	if (ax_mem_write(vm, CODE, program, sizeof(program)) || ax_vcpu_setup(vcpu, &setup, NULL) ||
	    ax_vcpu_bind(vcpu, AX_ANY_CPU, NULL))
		return false;
	if (!ax_vcpu_debug(vcpu, &debug, NULL)) {
		/* Nothing is told of a signal that comes to this thread. */
		do {
			if (ax_vcpu_run(vcpu, &exit, NULL))
				break;
		} while (exit.kind == AX_EXIT_NOTHING);
		made = exit.kind == AX_EXIT_DEBUG;
	}
	ax_vcpu_unbind(vcpu, NULL);
	return made;
}

static void try_means(AxVm *vm, AxDebugLimits *limits)
{
	static const uint8_t vector[] = { VECTORS & 0xff, VECTORS >> 8, 0, 0 };
	static const uint8_t halt = HLT;
	AxVCpu *vcpu;

	if (ax_ram_add(vm, 0, PROBE_MEMORY, 0, NULL) || ax_vcpu_create(vm, 0, &vcpu, NULL) ||
	    ax_mem_write(vm, VECTORS, &halt, sizeof(halt)))
		return;
	for (unsigned i = 0; i < 32; i++) {
		if (ax_mem_write(vm, i * sizeof(vector), vector, sizeof(vector)))
			return;
	}
	/* NOP, INT3. */
	limits->can_step = makes_debug_exit(vm, vcpu, 0x90, AX_DEBUG_STEP);
	limits->has_instructions = makes_debug_exit(vm, vcpu, 0xcc, AX_DEBUG_BREAKPOINTS);
}

/* A VM of its own, because @vm may run. */
void arch_debug_limits(AxVm *vm, AxDebugLimits *limits)
{
	AxVmOptions options = AX_VM_OPTIONS_INIT;
	char path[32];
	AxVm *probe;

	if (sys_check_extension(vm->fd, KVM_CAP_SET_GUEST_DEBUG) <= 0)
		return;
	limits->breakpoints = BREAKPOINTS;
	limits->watchpoints = BREAKPOINTS;
	limits->shared = true;
	/* The same device, whatever its name was. */
	snprintf(path, sizeof(path), "/proc/self/fd/%d", vm->kvm_fd);
	options.kvm_path = path;
	options.kick_signal = vm->kick_signal;
	if (ax_vm_create(&options, &probe, NULL))
		return;
	try_means(probe, limits);
	ax_vm_destroy(probe);
}
