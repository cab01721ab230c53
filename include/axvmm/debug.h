/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a debugger needs of a VM: breakpoints, addresses as the guest sees them, floating point
 * registers, and vCPUs that stand still while others run.
 *
 * A debugger pauses the VM (ax_vm_pause(), or ax_vm_hold() where nobody may wait), looks and changes
 * what it likes from any thread, and resumes it. While a VM is paused, its vCPUs' registers
 * (vcpu.h: ax_vcpu_get_reg() and the like) and all calls of this header are for any thread: one at a
 * time.
 */
#ifndef AXVMM_DEBUG_H
#define AXVMM_DEBUG_H

#include <axvmm/error.h>
#include <axvmm/exit.h>
#include <axvmm/handler.h>
#include <axvmm/vcpu.h>
#include <axvmm/vm.h>

#ifdef __cplusplus
extern "C" {
#endif

/* What the processor watches for. */
typedef enum AxDebugKind {
	AX_DEBUG_EXECUTE = 0,
	AX_DEBUG_WRITE = 1,
	AX_DEBUG_READ = 2,  /* x86-64: as ACCESS, because it has no such */
	AX_DEBUG_ACCESS = 3 /* read or write */
} AxDebugKind;

typedef struct AxDebugPoint {
	uint64_t address; /* virtual */
	uint32_t kind;	  /* an AxDebugKind */
	uint32_t length;  /* bytes: 1, 2, 4 or 8, aligned to itself; of no matter for EXECUTE */
} AxDebugPoint;

/* Most that any architecture has: arm64 16 breakpoints and 16 watchpoints. */
#define AX_DEBUG_POINTS_MAX 32

/* A Debug exit after the next instruction. */
#define AX_DEBUG_STEP (1u << 0)
/* The guest's breakpoint instructions (INT3, BRK, EBREAK) are Debug exits instead of exceptions. */
#define AX_DEBUG_BREAKPOINTS (1u << 1)
/* With STEP: no interrupt comes in between. Where KVM cannot, one may (x86-64: Linux 5.14). */
#define AX_DEBUG_NO_INTERRUPTS (1u << 2)

typedef struct AxDebug {
	size_t size;	/* sizeof(AxDebug): AX_DEBUG_INIT */
	uint32_t flags; /* AX_DEBUG_* */
	uint32_t count;
	const AxDebugPoint *points; /* borrowed during the call */
} AxDebug;

#define AX_DEBUG_INIT                     \
	{                                 \
		sizeof(AxDebug), 0, 0, NULL \
	}

/**
 * What makes Debug exits of a vCPU from now on (KVM_SET_GUEST_DEBUG); replaces what
 * ax_vcpu_set_debug() or an earlier call asked for.
 *
 * @return 0; -EINVAL a point that cannot be; -ENOSPC more points than the processor has;
 *         -ENOTSUP this KVM cannot (riscv64: all but AX_DEBUG_BREAKPOINTS); -EPERM; -EIO
 *
 * Thread: owner; or any while the VM is paused, or the vCPU in state Free.
 */
AX_API int ax_vcpu_debug(AxVCpu *vcpu, const AxDebug *debug, AxError *err);

/* What a host's KVM can do for a debugger. */
typedef struct AxDebugLimits {
	size_t size;	      /* sizeof(AxDebugLimits): AX_DEBUG_LIMITS_INIT */
	uint32_t breakpoints; /* on execution */
	uint32_t watchpoints;
	bool shared;	       /* the two come out of one number: x86-64 */
	bool can_step;	       /* AX_DEBUG_STEP */
	bool has_instructions; /* AX_DEBUG_BREAKPOINTS */
} AxDebugLimits;

#define AX_DEBUG_LIMITS_INIT                                      \
	{                                                         \
		sizeof(AxDebugLimits), 0, 0, false, false, false \
	}

/* Thread: any. 0 or -EINVAL. */
AX_API int ax_debug_limits(AxVm *vm, AxDebugLimits *limits, AxError *err);

/**
 * Give the guest the breakpoint exception that a Debug exit kept from it: for a breakpoint
 * instruction that is the guest's own.
 *
 * @param exit  the Debug exit, after which the vCPU has not been entered again
 * @return 0; -EINVAL it was no breakpoint; -EPERM; -EIO
 *
 * Thread: owner.
 */
AX_API int ax_vcpu_give_breakpoint(AxVCpu *vcpu, const AxVCpuExitReason *exit, AxError *err);

/**
 * The guest physical address of a virtual one, by the vCPU's page tables as they are now. Permissions
 * do not count. x86-64: a linear address, so the segment's base has been added.
 *
 * @param gpa  filled on success
 * @return 0; -EFAULT nothing is mapped there; -EPERM; -EIO
 *
 * Thread: as ax_vcpu_debug().
 */
AX_API int ax_vcpu_translate(AxVCpu *vcpu, uint64_t address, AxGuestPhysAddr *gpa, AxError *err);

/* Floating point and vector registers, in the order of their numbers, little endian. */
typedef struct AxFpRegs {
	size_t size;		/* sizeof(AxFpRegs): AX_FP_REGS_INIT */
	uint8_t vector[32][16]; /* x86-64 XMM0 to 15, arm64 V0 to V31, riscv64 f0 to f31 (8 bytes) */
	uint8_t x87[8][16];	/* x86-64: ST0 to ST7, 10 bytes each */
	uint64_t x87_ip;
	uint64_t x87_dp;
	uint32_t x87_status;
	uint32_t x87_opcode;
	uint32_t x87_tag; /* abridged: bit n is set when register n is in use */
	uint32_t control; /* x86-64 FCW, arm64 FPCR, riscv64 fcsr */
	uint32_t status;  /* x86-64 MXCSR, arm64 FPSR */
} AxFpRegs;

#define AX_FP_REGS_INIT                                                        \
	{                                                                      \
		sizeof(AxFpRegs), { { 0 } }, { { 0 } }, 0, 0, 0, 0, 0, 0, 0 \
	}

/**
 * Read or write them.
 *
 * @return 0; -EINVAL size is not set; -EPERM; -ENOTSUP the guest's processor has none; -EIO
 *
 * Thread: as ax_vcpu_debug().
 */
AX_API int ax_vcpu_get_fp(AxVCpu *vcpu, AxFpRegs *regs, AxError *err);
AX_API int ax_vcpu_set_fp(AxVCpu *vcpu, const AxFpRegs *regs, AxError *err);

/*
 * A debugger's handlers, on the vCPU's thread. Both may call ax_vm_hold(): the vCPU then stands still
 * when they return, with its registers exact.
 */
typedef struct AxDebugOps {
	size_t size; /* sizeof(AxDebugOps) */
	/* A Debug exit. AX_UNHANDLED leaves it to ax_vcpu_loop()'s caller. */
	AxHandled (*debug)(AxVCpu *vcpu, void *opaque, const AxVCpuExitReason *exit);
	/* ax_vm_run() is about to end with this exit. NULL: nobody wants to know. */
	void (*dying)(AxVCpu *vcpu, void *opaque, const AxVCpuExitReason *exit);
} AxDebugOps;

/**
 * Set or remove (NULL) a VM's debugger.
 *
 * @param ops  borrowed until they are replaced
 * @return 0; -EPERM vCPUs run
 *
 * Thread: the one that builds the VM, or any while the VM is paused.
 */
AX_API int ax_debug_set(AxVm *vm, const AxDebugOps *ops, void *opaque, AxError *err);

/**
 * Begin a pause without waiting for it: ax_vm_pause() for those who may not wait, handlers among them.
 * vCPUs run on for a moment; ax_vm_pause() waits for all of them, also from another thread, and
 * is a pause of its own. One ax_vm_resume() undoes this.
 *
 * Thread: any.
 */
AX_API void ax_vm_hold(AxVm *vm);

/**
 * Have one vCPU stay where it is when the VM is resumed, or no longer. The end of ax_vm_run() lets it
 * go in any case.
 *
 * @return 0; -EPERM the VM is not paused
 *
 * Thread: any, while the VM is paused; letting go: at any time.
 */
AX_API int ax_vcpu_hold(AxVCpu *vcpu, bool hold, AxError *err);

/*
 * Whether ax_vm_stop() was called, or ax_vm_run() is ending for another reason: whoever holds vCPUs
 * lets them go then. Thread: any.
 */
AX_API bool ax_vm_is_ending(AxVm *vm);

#ifdef __cplusplus
}
#endif

#endif
