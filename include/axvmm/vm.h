/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The virtual machine: an address space, its vCPUs, its handlers. Any number of them in a process;
 * they share nothing but the disposition of the kick signal.
 */
#ifndef AXVMM_VM_H
#define AXVMM_VM_H

#include <axvmm/error.h>
#include <axvmm/exit.h>
#include <axvmm/vcpu.h>

#ifdef __cplusplus
extern "C" {
#endif

/*
 * Who delivers interrupts. KERNEL on arm64 is a GICv3 where QEMU's virt board has it (distributor at
 * 0x08000000, redistributors at 0x080a0000), or a GICv2 (CPU interface at 0x08010000) where the host
 * has only that; no vCPU can be created once one has been bound or a line has been asked for.
 *
 * On x86-64 KVM is asked for KERNEL and SPLIT when the first vCPU is created, or a line or a message is
 * wanted before: RAM that is added earlier costs KVM less.
 */
typedef enum AxIrqchip {
	AX_IRQCHIP_NONE = 0,   /* nobody: ax_vcpu_inject_interrupt() alone; cheapest */
	AX_IRQCHIP_KERNEL = 1, /* KVM_CREATE_IRQCHIP (x86-64: PIC, IOAPIC, local APICs; no PIT) */
	AX_IRQCHIP_USER = 2,   /* x86-64: a local APIC in this library: no timer, no LVT */
	AX_IRQCHIP_SPLIT = 3   /* x86-64: local APICs in KVM, an IOAPIC of ours (axvmm/devices.h) */
} AxIrqchip;

/*
 * Who starts and stops CPUs. USER: calls arrive as CpuUp, CpuDown and SystemDown, and a CPU that is
 * off waits in ax_vcpu_wait(). KERNEL: KVM answers by itself, which is faster for the guest; CPUs
 * wait inside KVM_RUN, and SystemDown alone arrives.
 *
 *   x86-64   follows the irqchip: KERNEL with AX_IRQCHIP_KERNEL and _SPLIT, else USER
 *   arm64    PSCI: USER through KVM's SMCCC filter; AUTO is USER where there is one
 *   riscv64  USER: an extension of our own (guests/abi.h), KVM's HSM is off; KERNEL: SBI HSM; AUTO
 *            is USER. Linux guests want KERNEL
 */
typedef enum AxPower { AX_POWER_AUTO = 0, AX_POWER_KERNEL = 1, AX_POWER_USER = 2 } AxPower;

/* What a read or write that no handler claims does. */
typedef enum AxUnclaimed {
	AX_UNCLAIMED_ONES = 0, /* reads give all ones, writes vanish */
	AX_UNCLAIMED_WARN = 1, /* the same, and log an address once (64 for each vCPU) */
	AX_UNCLAIMED_STOP = 2  /* ax_vcpu_loop() returns it as unhandled */
} AxUnclaimed;

/* How important a log line is. */
typedef enum AxLogLevel { AX_LOG_WARNING = 0, AX_LOG_INFO = 1 } AxLogLevel;

/*
 * Called with one line without newline, on the thread where it came up. The library prints nothing
 * itself.
 */
typedef void AxLogFn(void *opaque, AxLogLevel level, const char *message);

/*
 * AxVmOptions.kvm_path: a VM without KVM, for tests of handlers. Its vCPUs are set up and bound as ever, and
 * never run: ax_vcpu_dispatch() has handlers answer exits that the caller makes up. Registers are zero.
 */
#define AX_VM_OFFLINE ""
/* A phase of building something is over; it began where the one before ended. @phase is a constant
 * string, such as "KVM_CREATE_VM". On the thread that builds. */
typedef void AxPhaseFn(void *opaque, const char *phase);

typedef struct AxVmOptions {
	size_t size;	      /* sizeof(AxVmOptions): AX_VM_OPTIONS_INIT */
	const char *kvm_path; /* NULL: /dev/kvm; AX_VM_OFFLINE */
	uint32_t irqchip;     /* an AxIrqchip */
	uint32_t unclaimed;   /* an AxUnclaimed */
	int kick_signal;      /* 0: SIGRTMIN + 3. See ax_vm_create() */
	uint32_t power;	      /* an AxPower; what the host lacks is -ENOTSUP */
	AxLogFn *log;	      /* NULL: nobody listens */
	void *log_opaque;
	AxPhaseFn *phase; /* until the first vCPU is created; NULL: nobody wants to know */
	void *phase_opaque;
	struct AxRecord *record; /* record.h: made of this VM, or replayed by it, which is AX_VM_OFFLINE then;
				  * borrowed; NULL: none */
} AxVmOptions;

#define AX_VM_OPTIONS_INIT                                        \
	{                                                         \
		sizeof(AxVmOptions), NULL, 0, 0, 0, 0, NULL, NULL, NULL, NULL, NULL \
	}

/**
 * Open KVM and create a VM.
 *
 * The kick signal is this library's one process-wide effect: where its disposition is SIG_DFL or
 * SIG_IGN an empty handler is installed, and stays; a handler that is there already is left alone
 * (any handler does: it only has to exist for KVM_RUN to return EINTR).
 *
 * @param options  NULL: all defaults; copied
 * @param out      owned by the caller: ax_vm_destroy(); untouched on failure
 * @return 0; -ENODEV, -EACCES (code AX_ERROR_KVM_*: the message is one line with the remedy);
 * -EINVAL; -ENOTSUP an irqchip that this host or architecture lacks; -ENOMEM; -EIO
 *
 * Thread: any.
 */
AX_API int ax_vm_create(const AxVmOptions *options, AxVm **out, AxError *err);

/**
 * Destroy a VM with its vCPUs, RAM, ranges and interrupt lines. All memory and descriptors are
 * returned. NULL is allowed.
 *
 * Thread: any, once nobody uses the VM or anything of it: no vCPU in its loop, no view held.
 */
AX_API void ax_vm_destroy(AxVm *vm);

/* The vCPU with this id; NULL when there is none. Thread: any. */
AX_API AxVCpu *ax_vm_vcpu(AxVm *vm, uint32_t id);
/* The vCPU created @index-th, from 0; NULL past the end. Thread: any. */
AX_API AxVCpu *ax_vm_vcpu_at(AxVm *vm, unsigned index);

/* How ax_vm_run() ended. */
typedef enum AxVmEnd {
	AX_VM_END_CODE = 0,    /* ax_vm_stop(): .code */
	AX_VM_END_HANDLER = 1, /* a handler said AX_STOP: .exit, .vcpu */
	AX_VM_END_EXIT = 2,    /* an exit that nobody handles, or SystemDown: .exit, .vcpu */
	AX_VM_END_HALTED = 3   /* all vCPUs are off, or halted without interrupts: for ever */
} AxVmEnd;

typedef struct AxVmResult {
	size_t size;   /* sizeof(AxVmResult): AX_VM_RESULT_INIT */
	uint32_t end;  /* an AxVmEnd */
	uint32_t vcpu; /* id of the vCPU that ended it */
	int code;      /* given to ax_vm_stop() */
	AxVCpuExitReason exit;
} AxVmResult;

#define AX_VM_RESULT_INIT                                 \
	{                                                 \
		sizeof(AxVmResult), 0, 0, 0, AX_EXIT_INIT \
	}

/**
 * Run every vCPU of the VM: the first created on the caller's thread, each other on a thread of its
 * own (named "ax-vcpuN", every signal blocked but the kick and those that a fault raises). Returns
 * when a handler says AX_STOP, the system goes down, nobody handles an exit, ax_vm_stop() is called
 * or the host fails; whichever comes first decides, and all threads have been joined. CpuUp,
 * CpuDown, Halt and SendIPI that no handler takes do what hardware does; ExternalInterrupt and
 * IrqEoi that none takes are passed over. vCPUs are left in state Free, settled where possible:
 * their registers may be read.
 *
 * @return 0; -EPERM no vCPU, or one is not in state Free, or another thread is in here already;
 *         -EIO and others of ax_vcpu_run()
 *
 * Thread: any; not from a handler.
 */
AX_API int ax_vm_run(AxVm *vm, AxVmResult *result, AxError *err);

/**
 * End ax_vm_run() and every ax_vcpu_loop() of the VM, with @code. Only the first call counts. Never
 * waits.
 *
 * Thread: any, a handler's too; async-signal-safe.
 */
AX_API void ax_vm_stop(AxVm *vm, int code);

/**
 * Hold every vCPU that is inside ax_vcpu_loop() (or ax_vm_run()) at a point where its pending I/O
 * is settled, and wait until all are held. Calls nest: as many resumes are needed. vCPUs driven
 * with ax_vcpu_run() are not held.
 *
 * What KVM has collected until then (AX_RANGE_COALESCED) is handed out before this returns, some of it maybe
 * by this call; no write() of such a range is running then, and none is called while the pause lasts, but by
 * who calls ax_coalesced_drain() or ax_range_remove() after a vCPU that is not held has written.
 *
 * @return 0; -EDEADLK from a vCPU's own thread inside a handler
 *
 * Thread: any other, with no lock held that a handler takes.
 */
AX_API int ax_vm_pause(AxVm *vm, AxError *err);
AX_API int ax_vm_resume(AxVm *vm, AxError *err); /* -EPERM: it is not paused */

#ifdef __cplusplus
}
#endif

#endif
