/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The virtual CPU: its life, its registers, entering it, answering it, kicking it.
 *
 *            ax_vcpu_create      ax_vcpu_setup      ax_vcpu_bind       ax_vcpu_run
 *   (none) ----------------> Created -------> Free <-----------> Ready <---------> Running
 *                                                 ax_vcpu_unbind    \
 *                                                                    <-----------> Blocked
 *                                                                     ax_vcpu_wait
 * A call in the wrong state returns -EPERM and changes nothing. Invalid is reached when the host's
 * kernel failed in the middle of a change so that nothing is known about the guest's state any
 * more; only destroying the VM is left then.
 *
 * "Owner" below is the thread that called ax_vcpu_bind().
 */
#ifndef AXVMM_VCPU_H
#define AXVMM_VCPU_H

#include <axvmm/error.h>
#include <axvmm/exit.h>

#ifdef __cplusplus
extern "C" {
#endif

/* The states of axvcpu's VCpuState. Numbered for ever. */
typedef enum AxVCpuState {
	AX_VCPU_INVALID = 0,
	AX_VCPU_CREATED = 1,
	AX_VCPU_FREE = 2,
	AX_VCPU_READY = 3,
	AX_VCPU_RUNNING = 4,
	AX_VCPU_BLOCKED = 5
} AxVCpuState;

/* In which mode the guest begins. The architectures but x86-64 know AX_MODE_NATIVE only. */
typedef enum AxCpuMode {
	AX_MODE_NATIVE = 0,    /* the architecture's own: x86-64 as AX_MODE_REAL */
	AX_MODE_REAL = 1,      /* 16 bit: CS base is the entry, IP 0; other segments base 0 */
	AX_MODE_PROTECTED = 2, /* 32 bit, flat segments of 4 GiB, no paging */
	AX_MODE_LONG = 3       /* 64 bit, paging on with page_table */
} AxCpuMode;

/* Waits for CpuUp before it runs (ax_vm_run(), ax_vcpu_wait()). */
#define AX_SETUP_POWERED_OFF (1u << 0)
/*
 * x86-64: leave CPUID empty; the guest reads zeros. For a guest that neither executes CPUID nor
 * uses what a processor has to announce there (long mode, SSE, ...): KVM_GET_SUPPORTED_CPUID and
 * KVM_SET_CPUID2 are most of the time that a tiny guest takes to start.
 */
#define AX_SETUP_NO_CPUID (1u << 1)

/* How a vCPU begins. */
typedef struct AxVCpuSetup {
	size_t size;		    /* sizeof(AxVCpuSetup): AX_VCPU_SETUP_INIT */
	uint32_t mode;		    /* an AxCpuMode */
	uint32_t flags;		    /* AX_SETUP_* */
	AxGuestPhysAddr entry;	    /* first instruction */
	AxGuestPhysAddr page_table; /* AX_MODE_LONG: CR3, 4 KiB aligned; the caller has filled it */
	uint64_t
		arg; /* first argument register: x86-64 RDI, arm64 x0, riscv64 a1; 0 in real mode */
	uint64_t stack; /* stack pointer; 0: none */
} AxVCpuSetup;

#define AX_VCPU_SETUP_INIT                            \
	{                                             \
		sizeof(AxVCpuSetup), 0, 0, 0, 0, 0, 0 \
	}

/**
 * Create a vCPU of @vm. The VM owns it; it lives until ax_vm_destroy().
 *
 * @param id   unique in the VM: APIC ID on x86-64, index of the affinity on arm64, hart ID on
 * riscv64
 * @param out  in state Created on success, else untouched
 * @return 0; -EEXIST the id is taken; -EINVAL the id is more than KVM allows; -ENOSPC more vCPUs
 * than KVM allows (the message says how many); -ENOTSUP KVM refuses the irqchip after all (x86-64, the
 * first vCPU: AxIrqchip); -ENOMEM; -EIO
 *
 * Thread: the one that builds the VM.
 */
AX_API int ax_vcpu_create(AxVm *vm, uint32_t id, AxVCpu **out, AxError *err);

/**
 * Give a vCPU its initial state: Created to Free. Called again in state Free it starts over, as
 * after reset; an access that is still pending is finished before.
 *
 * @return 0; -EPERM other state; -EINVAL a mode or address that makes no sense; -EIO (then Invalid)
 *
 * Thread: any one.
 */
AX_API int ax_vcpu_setup(AxVCpu *vcpu, const AxVCpuSetup *setup, AxError *err);

/* No affinity asked for in ax_vcpu_bind(). */
#define AX_ANY_CPU (-1)

/**
 * Make the calling thread the vCPU's owner: Free to Ready. The kick signal (vm.h) is unblocked in
 * it. A thread that owns several vCPUs gives them up in reverse order: each ax_vcpu_unbind()
 * restores what its ax_vcpu_bind() found.
 *
 * @param host_cpu  pin the thread to this host CPU until ax_vcpu_unbind(), or AX_ANY_CPU
 * @return 0; -EPERM other state; -EINVAL no such host CPU, or not one this thread may use; -ENOSPC the
 *         user has as many signals waiting as it may (RLIMIT_SIGPENDING): one more is reserved here,
 *         so that no kick is lost later; -ENOMEM
 *
 * Thread: the one that will run it.
 */
AX_API int ax_vcpu_bind(AxVCpu *vcpu, int host_cpu, AxError *err);

/**
 * Give the vCPU up: Ready to Free. The thread's affinity and signal mask are as before
 * ax_vcpu_bind(). Pending I/O stays pending (ax_vcpu_settle() finishes it).
 *
 * @return 0; -EPERM other state or not the owner
 *
 * Thread: owner.
 */
AX_API int ax_vcpu_unbind(AxVCpu *vcpu, AxError *err);

/* The state now. Another thread may change it at once. Thread: any. */
AX_API AxVCpuState ax_vcpu_state(const AxVCpu *vcpu);
/* "Created", "Free", ... Thread: any. */
AX_API const char *ax_vcpu_state_name(AxVCpuState state);
/* The id given at creation. Thread: any. */
AX_API uint32_t ax_vcpu_id(const AxVCpu *vcpu);
/* The VM it belongs to. Thread: any. */
AX_API AxVm *ax_vcpu_vm(const AxVCpu *vcpu);

/**
 * Enter the guest once and say why it came back.
 *
 * The answer to a read (MMIO, port, system register) is given with ax_vcpu_reply_read() before the
 * next call; without one the guest reads zero. Registers are exact after ax_vcpu_settle().
 *
 * @param vcpu  in state Ready; Running while this call lasts
 * @param exit  kind and its member filled on success, the rest unspecified; untouched on failure
 * @return 0; -EPERM wrong state or not the owner; -EIO KVM_RUN failed in a way that is no exit (err
 * says how)
 *
 * Thread: owner. Any thread may end the call early with ax_vcpu_kick().
 * Source: Documentation/virt/kvm/api.rst, KVM_RUN.
 */
AX_API int ax_vcpu_run(AxVCpu *vcpu, AxVCpuExitReason *exit, AxError *err);

/**
 * Hand an exit to the registered handlers and give the guest their answer. This is what
 * ax_vcpu_loop() does between two entries.
 *
 * @return an AxHandled: AX_UNHANDLED when nobody took it; what the VM's option says about unclaimed
 *         addresses has been applied then. -EPERM not the owner
 *
 * Thread: owner.
 */
AX_API int ax_vcpu_dispatch(AxVCpu *vcpu, const AxVCpuExitReason *exit);

/* Why ax_vcpu_loop() returned. */
typedef enum AxLoopEnd {
	AX_LOOP_STOPPED = 0,   /* a handler said AX_STOP; exit is what it answered */
	AX_LOOP_UNHANDLED = 1, /* nobody handles exit: it is the caller's */
	AX_LOOP_VM_STOPPED = 2 /* ax_vm_stop() was called; exit is Nothing */
} AxLoopEnd;

/**
 * Run, decode, dispatch and reply on the caller's thread until a handler says AX_STOP, nobody
 * handles an exit, or the VM is stopped. AX_EXIT_NOTHING never ends it. One system call per exit. A
 * vCPU that is powered off, from the beginning or by now, is not entered: that is an unhandled
 * CpuDown, and ax_vcpu_wait() waits for its start.
 *
 * @param exit  filled when the result is not negative
 * @return an AxLoopEnd; -EPERM; -EIO
 *
 * Thread: owner; not from a handler.
 */
AX_API int ax_vcpu_loop(AxVCpu *vcpu, AxVCpuExitReason *exit, AxError *err);

/**
 * Finish the pending access of the last exit, so that registers are exact, without running a guest
 * instruction (KVM_RUN with immediate_exit). Answers must have been given before: the handler of a
 * read or a hypercall answers by returning, and is refused here. Never consumes a kick.
 *
 * @param exit  filled when 1 is returned
 * @return 0 settled; 1 another exit came out of the same instruction (second half of an access that
 *         crosses a page): answer it and call again; -EPERM not the owner, or a handler that owes
 *         its answer; -EIO
 *
 * Thread: owner.
 */
AX_API int ax_vcpu_settle(AxVCpu *vcpu, AxVCpuExitReason *exit, AxError *err);

/**
 * Wait in state Blocked until there is a reason to enter the guest: a started CPU, a deliverable
 * interrupt, a kick, a stop of the VM. For a vCPU that halted or is powered off. What woke it is
 * not consumed: ax_vcpu_run() tells.
 *
 * @param timeout_ns  nanoseconds, or UINT64_MAX for no limit
 * @return 0 enter it; -ETIMEDOUT; -EPERM
 *
 * Thread: owner.
 */
AX_API int ax_vcpu_wait(AxVCpu *vcpu, uint64_t timeout_ns, AxError *err);

/* Answers to the last exit; each replaces an earlier one. Thread: owner, between two entries. */

/**
 * Answer a read: MMIO, one port element, system register. Bits above the access are ignored. On
 * riscv64 a SysRegWrite is answered, too: with the register's old value, which the instruction reads.
 *
 * @return 0; -EPERM the last exit was no read (string input of count > 1 takes
 * ax_vcpu_reply_bytes())
 */
AX_API int ax_vcpu_reply_read(AxVCpu *vcpu, uint64_t value);

/**
 * Answer string input with count * size of width bytes, elements in the order in which the guest
 * gets them.
 *
 * @return 0; -EPERM the last exit was no port read; -EINVAL len is not what the exit asks for
 */
AX_API int ax_vcpu_reply_bytes(AxVCpu *vcpu, const void *bytes, size_t len);

/**
 * Answer a system register access with the architecture's fault (x86-64: #GP(0); riscv64: an illegal
 * instruction exception).
 *
 * @return 0; -EPERM the last exit was none
 */
AX_API int ax_vcpu_reply_fault(AxVCpu *vcpu);

/**
 * Set what a hypercall returns. For exits that are no hypercall: the architecture's return register
 * (x86-64 RAX), as axvcpu's set_return_value.
 *
 * @return 0; -EPERM; -EFAULT the hypercall block is no longer in RAM; -EIO
 */
AX_API int ax_vcpu_set_return_value(AxVCpu *vcpu, uint64_t value, AxError *err);

/**
 * Set sbiret.error of an SBI call: after ax_vcpu_set_return_value(), which makes it 0 (SBI_SUCCESS),
 * or from the handler, whose result is the value.
 *
 * @return 0; -EPERM the last exit was no SBI call
 */
AX_API int ax_vcpu_set_return_error(AxVCpu *vcpu, int64_t error);

/**
 * Say which register the MMIO read in @exit fills, by decoding the instruction at the guest's PC.
 * KVM does not tell. Costs several system calls; never needed to answer a read.
 *
 * @param exit  an MMIO read that this vCPU returned last; reg, reg_width and signed_ext are filled
 * on 0
 * @return 0; -ENOTSUP the instruction has no single target register (string move, ALU with memory)
 * or is none that compilers emit for loads; -EFAULT its bytes can't be read; -EPERM; -EIO
 *
 * Thread: owner, before the exit is answered by another entry.
 */
AX_API int ax_vcpu_decode_mmio(AxVCpu *vcpu, AxVCpuExitReason *exit, AxError *err);

/*
 * Registers. General purpose registers by index: x86-64 in encoding order (0 RAX, 1 RCX, 2 RDX, 3
 * RBX, 4 RSP, 5 RBP, 6 RSI, 7 RDI, 8 to 15 R8 to R15), arm64 0 to 30 x0 to x30, riscv64 1 to 31 x1
 * to x31. State Free, or the owner's thread (in a handler too). After an exit with pending I/O call
 * ax_vcpu_settle() first: otherwise -EPERM, because what is read would be stale and what is written
 * would be lost. -ENOENT: no such register.
 */
AX_API int ax_vcpu_get_gpr(AxVCpu *vcpu, unsigned index, uint64_t *value, AxError *err);
AX_API int ax_vcpu_set_gpr(AxVCpu *vcpu, unsigned index, uint64_t value, AxError *err);

/**
 * Move the vCPU to a new entry point; everything else keeps. In real mode CS base becomes the entry
 * and IP 0.
 *
 * @return 0; -EPERM; -EINVAL; -EIO
 */
AX_API int ax_vcpu_set_entry(AxVCpu *vcpu, AxGuestPhysAddr entry, AxError *err);

/*
 * Any register by its name ("rip", "cr3", "cs.base"): what ax_reg_info() lists. -ENOENT: no such.
 */
AX_API int ax_vcpu_get_reg(AxVCpu *vcpu, const char *name, uint64_t *value, AxError *err);
AX_API int ax_vcpu_set_reg(AxVCpu *vcpu, const char *name, uint64_t value, AxError *err);

typedef struct AxRegInfo {
	const char *name;
	int gdb_number; /* in gdb's remote protocol of the architecture; -1 none */
	uint32_t bytes; /* size */
	bool settable;
} AxRegInfo;

/* The register at @index of this build's architecture: false past the end. Thread: any. */
AX_API bool ax_reg_info(unsigned index, AxRegInfo *info);

/**
 * Read guest memory at a virtual address, through the vCPU's page tables (KVM_TRANSLATE where there
 * is one).
 *
 * @return bytes read, at most len, fewer where a page is missing; -EFAULT not even the first byte;
 * -ENOTSUP
 *
 * Thread: owner (state Ready), or anybody in state Free.
 */
AX_API int ax_vcpu_read_virtual(AxVCpu *vcpu, uint64_t addr, void *buffer, size_t len,
				AxError *err);

/**
 * End the vCPU's current or next entry with ExternalInterrupt{vector}. Each call makes one such
 * exit unless the same vector is already waiting (a bitmap: as a level that is set twice); lowest
 * vector first. Kicks made before an entry count. ax_vcpu_run() returns it; ax_vcpu_loop() hands
 * it to AxEventOps.interrupt, and returns it unhandled without; ax_vm_run() then goes on.
 *
 * @param vector  0 to 255
 * @return 0 newly set; 1 the vector was waiting already; -EINVAL
 *
 * Thread: any, and from a signal handler.
 */
AX_API int ax_vcpu_kick(AxVCpu *vcpu, unsigned vector);

/**
 * Raise an interrupt in the guest. With an in-kernel irqchip it goes to the vCPU's local interrupt
 * controller (KVM_SIGNAL_MSI); with the userspace APIC to its IRR; with none it is queued and
 * delivered as if a PIC had acknowledged it, as soon as the guest takes interrupts. The same vector
 * queued twice is delivered once.
 *
 * On arm64 and riscv64 without an in-kernel irqchip the CPU has one line (arm64 IRQ, riscv64
 * supervisor external): any vector raises it, and it stays up until ax_vcpu_clear_interrupt().
 *
 * @param vector  x86-64: 16 to 255; arm64 with a GIC: a private interrupt, INTID 16 to 31; else 0 to
 * 255
 * @return 0; -EINVAL; -ENOTSUP; -EIO
 *
 * Thread: any.
 */
AX_API int ax_vcpu_inject_interrupt(AxVCpu *vcpu, unsigned vector, AxError *err);

/**
 * Take an interrupt back. Where a CPU's interrupt line has a level (arm64 and riscv64 without an
 * in-kernel irqchip) an injected interrupt keeps the line up until this lowers it. On x86-64 an
 * injected vector is forgotten that still waits to be looked at, by the guest or its APIC.
 *
 * @param vector  as it was injected
 * @return 0; -EINVAL; -ENOTSUP the interrupt controller is KVM's and has it already; -EIO
 *
 * Thread: any.
 */
AX_API int ax_vcpu_clear_interrupt(AxVCpu *vcpu, unsigned vector, AxError *err);

/**
 * Start a vCPU that is powered off, as CpuUp asks: its owner's thread applies entry and argument
 * before the next entry. x86-64: as after SIPI, entry is 4 KiB aligned and below 1 MiB.
 *
 * @return 0; -EEXIST it is on already, or a start is pending; -EINVAL
 *
 * Thread: any.
 */
AX_API int ax_vcpu_start(AxVCpu *vcpu, AxGuestPhysAddr entry, uint64_t arg, AxError *err);

/* Power the vCPU off, as CpuDown asks: it waits for ax_vcpu_start(). Thread: owner. 0 or -EPERM. */
AX_API int ax_vcpu_power_off(AxVCpu *vcpu, AxError *err);

/**
 * Hardware breakpoints and single-step, reported as AX_EXIT_DEBUG (KVM_SET_GUEST_DEBUG).
 *
 * KVM on riscv64 has neither: there @addresses that is not NULL with @count 0 makes the guest's own
 * EBREAK instructions Debug exits.
 *
 * @param single_step  stop after each instruction
 * @param addresses    up to 4 addresses of instructions
 * @return 0; -EINVAL too many; -ENOTSUP; -EPERM; -EIO
 *
 * Thread: owner, or anybody in state Free.
 */
AX_API int ax_vcpu_set_debug(AxVCpu *vcpu, bool single_step, const uint64_t *addresses,
			     size_t count, AxError *err);

/**
 * How often each exit kind has happened. Plain counters written by the owner: another thread may
 * read values that are a little old.
 *
 * @param counts  AX_EXIT_KINDS elements, filled
 *
 * Thread: any.
 */
AX_API void ax_vcpu_exit_counts(const AxVCpu *vcpu, uint64_t counts[AX_EXIT_KINDS]);

#ifdef __cplusplus
}
#endif

#endif
