/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A whole machine: a VM with RAM, vCPUs, devices and a loaded image, in one call. Part of
 * libaxvmm-machine.
 *
 * The x86-64 machine follows QEMU's microvm, the other two QEMU's virt:
 *
 * x86-64
 *   RAM         from 0; what goes beyond 3 GiB continues at 4 GiB
 *   0x3f8       COM1, a 16550A, interrupt 4: the console
 *   0xe9, 0x402 debug consoles: the console, too
 *   0xf4        debug exit
 *   0x60, 0x64, 0x92, 0xcf9 reset
 *   0xfe000000  test device of guests/abi.h, with its port window at 0x560 and its hypercall block
 *
 * arm64; the first CPU begins with the device tree's address in x0
 *   RAM         from 0x40000000
 *   0x08000000  GICv3, redistributors from 0x080a0000; where the host has that alone, GICv2 with CPU
 *               interfaces at 0x08010000 (AX_IRQCHIP_KERNEL)
 *   0x09000000  PL011, SPI 1: the console
 *   0x09010000  PL031, SPI 2: the clock
 *   0x09030000  PL061, SPI 7: its pin 3 is the power button
 *   0x0a000000  32 slots of 0x200 bytes for virtio devices, SPI 16 to 47
 *   0x0b000000  test device
 *   PSCI        by HVC
 *
 * riscv64; the first hart begins with its ID in a0 and the device tree's address in a1
 *   RAM         from 0x80000000
 *   0x00100000  finisher
 *   0x00101000  Goldfish RTC, source 11: the clock
 *   0x0c000000  PLIC, 95 sources; with AX_IRQCHIP_KERNEL an APLIC at 0x0d000000 and IMSICs at
 *               0x28000000 instead
 *   0x10000000  16550A, source 10: the console
 *   0x10001000  8 slots of 0x1000 bytes for virtio devices, sources 1 to 8
 *   0x1f000000  test device
 */
#ifndef AXVMM_MACHINE_H
#define AXVMM_MACHINE_H

#include <axvmm/boot.h>
#include <axvmm/devices.h>
#include <axvmm/error.h>
#include <axvmm/exit.h>
#include <axvmm/host.h>
#include <axvmm/record.h>
#include <axvmm/types.h>
#include <axvmm/virtio.h>
#include <axvmm/vm.h>

#ifdef __cplusplus
extern "C" {
#endif

typedef struct AxMachine AxMachine;

/*
 * AxMachineOptions.irqchip: x86-64 AX_IRQCHIP_KERNEL for Linux's formats and with virtio devices (where KVM
 * lacks it AX_IRQCHIP_SPLIT), else none for one vCPU and AX_IRQCHIP_USER for more; arm64 AX_IRQCHIP_KERNEL; riscv64 the PLIC, which
 * AX_IRQCHIP_NONE and AX_IRQCHIP_USER mean there, too.
 */
#define AX_MACHINE_IRQCHIP_AUTO UINT32_MAX

#define AX_MACHINE_MEMORY_DEFAULT (128ULL << 20)

/* RAM comes in whole pages of this size. */
#define AX_MACHINE_MEMORY_UNIT 4096

/* As many as 8-bit APIC IDs can name, without the broadcast. KVM may allow fewer, and a GICv3 has
 * room for 123, a GICv2 for 8. */
#define AX_MACHINE_CPUS_MAX 255

/* What guests that test something ask of their host (guests/abi.h). Off unless asked for. */
#define AX_MACHINE_TEST_SYS_REGS       (1u << 0) /* section 6: the registers of the test host */
#define AX_MACHINE_TEST_READONLY       (1u << 1) /* section 1: the READONLY region */
#define AX_MACHINE_TEST_HYPERCALL_TRAP (1u << 2) /* section 4: AX_HYPERCALL_TRAP */
#define AX_MACHINE_TEST_HYPERCALL_MAP  (1u << 3) /* section 4: AX_HYPERCALL_MAP_GPA */
#define AX_MACHINE_TEST_BAD_ENTRY      (1u << 4) /* begin in a state that processors refuse */

/* AX_SETUP_NO_CPUID for all vCPUs: for real-mode and 32-bit guests that do without. */
#define AX_MACHINE_NO_CPUID (1u << 5)

/* riscv64: SBI's debug console (DBCN) prints on the console. KVM has to have it: Linux 6.7. */
#define AX_MACHINE_SBI_CONSOLE (1u << 6)

/* RAM is a memfd that can be shared with other processes (AX_RAM_MEMFD): vhost-user devices want it. */
#define AX_MACHINE_SHARED_MEMORY (1u << 7)

/* Bytes of firmware at most: QEMU's first flash has as many. */
#define AX_MACHINE_FIRMWARE_MAX (64ULL << 20)

typedef struct AxMachineOptions {
	size_t size;	      /* sizeof(AxMachineOptions): AX_MACHINE_OPTIONS_INIT */
	const char *kvm_path; /* NULL: /dev/kvm */
	uint64_t memory;      /* bytes, a multiple of AX_MACHINE_MEMORY_UNIT, not 0 */
	uint32_t cpus;	      /* 1 to AX_MACHINE_CPUS_MAX; the first one starts the image */
	uint32_t irqchip;     /* an AxIrqchip or AX_MACHINE_IRQCHIP_AUTO */
	uint32_t unclaimed;   /* an AxUnclaimed */
	uint32_t features;    /* AX_MACHINE_* */
	uint32_t power; /* an AxPower; AUTO is KERNEL for riscv64 images with Linux's header */
	const AxImageSource *image; /* borrowed during ax_machine_new() */
	const AxLoadOptions *load;  /* borrowed during ax_machine_new(); NULL: all defaults */
	AxHost *host;		    /* for devices' timers; borrowed; NULL: none */
	AxCharSink console;	    /* what the guest prints, one call at a time, on any thread */
	AxHost *console_host; /* AxConsoleConfig.host; NULL: what is printed goes out at once */
	void (*input_room)(void *opaque); /* AxUartConfig.room; NULL: none */
	void *input_opaque;
	AxLogFn *log; /* AxVmOptions.log; NULL: nobody listens */
	void *log_opaque;
	/* Virtio devices, one for each slot from the first on; the list is borrowed during
	 * ax_machine_new(), the devices until ax_machine_free(), which detaches them: they go into the
	 * next machine as they are when a guest is rebooted. */
	AxVirtio *const *devices;
	uint32_t device_count; /* at most ax_machine_slots() */
	/* Instead of an image; borrowed during ax_machine_new(). arm64 alone: up to AX_MACHINE_FIRMWARE_MAX
	 * bytes, from 0, where the first CPU begins, in 128 MiB of read-only memory, as QEMU's two flashes
	 * take up; the device tree is at 0x40000000. What
	 * `load` says of a command line goes into the tree; an initrd has nobody to find it. */
	const AxImageSource *firmware;
	AxPhaseFn *phase; /* phases of ax_machine_new(), with those of AxVmOptions.phase; NULL: none */
	void *phase_opaque;
	/* Made of this machine, from its first instruction on (record.h), which says in it what the machine
	 * is; borrowed until ax_machine_free(). `host` and that of `devices` are then ax_record_host(). */
	AxRecord *record;
} AxMachineOptions;

#define AX_MACHINE_OPTIONS_INIT                                                                   \
	{                                                                                         \
		sizeof(AxMachineOptions), NULL, AX_MACHINE_MEMORY_DEFAULT, 1,                     \
			AX_MACHINE_IRQCHIP_AUTO, 0, 0, 0, NULL, NULL, NULL, { NULL, NULL }, NULL, \
			NULL, NULL, NULL, NULL, NULL, 0, NULL, NULL, NULL, NULL                   \
	}

/* How many virtio devices a machine has room for: x86-64 and riscv64 8, arm64 32. Thread: any. */
AX_API uint32_t ax_machine_slots(void);

/**
 * Build a machine: everything up to its first instruction.
 *
 * @param options  not NULL; image or firmware is needed; copied but for what it says is borrowed
 * @param out      owned by the caller: ax_machine_free(); untouched on failure
 * @return 0; -EINVAL an option makes no sense (the message says which); else as ax_vm_create(),
 *         ax_ram_add(), ax_image_load(), ax_hypercall_set(), ax_sys_reg_add(), ax_vcpu_create()
 *
 * Thread: any.
 */
AX_API int ax_machine_new(const AxMachineOptions *options, AxMachine **out, AxError *err);

/**
 * Build the machine that a recording was made of, for its replay: without KVM, without an image, and with
 * devices whose host sides are the recording. ax_replay_run() takes it from there.
 *
 * Devices that cannot be replayed are left out; ax_record_refusal() says why of each.
 *
 * @param record  of ax_replay_open(); borrowed until ax_machine_free()
 * @return 0; -ENOEXEC the recording does not say what machine it was made of, or nonsense; else as
 *         ax_machine_new()
 *
 * Thread: any.
 */
AX_API int ax_machine_replay(AxRecord *record, AxMachine **out, AxError *err);

/* Take the machine apart. Nobody runs or uses it any more. NULL is allowed. Thread: any; the host's
 * loop does not run. */
AX_API void ax_machine_free(AxMachine *machine);

/* Its VM, owned by the machine. Thread: any. */
AX_API AxVm *ax_machine_vm(AxMachine *machine);

/* How a machine's run ended. Numbered for ever. */
typedef enum AxMachineEnd {
	AX_MACHINE_CODE = 0, /* the guest ended by itself: .code */
	AX_MACHINE_POWER_OFF = 1,
	AX_MACHINE_RESET = 2, /* the guest asked for a reset: .reset */
	AX_MACHINE_TRIPLE_FAULT = 3,
	AX_MACHINE_CRASH = 4, /* the guest said that it crashed, or gave itself up */
	AX_MACHINE_SUSPEND = 5,
	AX_MACHINE_HALTED = 6,	       /* no vCPU can ever go on */
	AX_MACHINE_ASSERTION = 7,      /* the guest found itself wrong: .line, .actual, .expected */
	AX_MACHINE_INTERNAL_ERROR = 8, /* KVM gave up on it */
	AX_MACHINE_FAIL_ENTRY = 9,     /* the processor refused its state */
	AX_MACHINE_UNHANDLED = 10,     /* an exit that nobody handles */
	AX_MACHINE_STOPPED = 11	       /* ax_machine_stop(): .code */
} AxMachineEnd;

typedef struct AxMachineResult {
	size_t size;	/* sizeof(AxMachineResult): AX_MACHINE_RESULT_INIT */
	uint32_t end;	/* an AxMachineEnd */
	uint32_t vcpu;	/* id of the vCPU that ended it */
	int64_t code;	/* AX_MACHINE_CODE: 0 to UINT32_MAX; AX_MACHINE_STOPPED: an int */
	uint32_t reset; /* AX_MACHINE_RESET: an AxResetRoute; AX_RESET_NONE: KVM said it */
	bool compared;	/* AX_MACHINE_ASSERTION: actual and expected hold */
	uint64_t line;
	uint64_t actual;
	uint64_t expected;
	AxVCpuExitReason
		exit; /* the last one of that vCPU; kind AX_EXIT_NOTHING where none ended it */
} AxMachineResult;

#define AX_MACHINE_RESULT_INIT                                       \
	{                                                            \
		sizeof(AxMachineResult), 0, 0, 0, 0, false, 0, 0, 0, \
		{                                                    \
			0, 0,                                        \
			{                                            \
				{                                    \
					0, { 0 }, 0, 0, 0, 0         \
				}                                    \
			}                                            \
		}                                                    \
	}

/* "code", "power-off", "reset", "triple-fault", ...; "unknown" for a value that is none. Thread:
 * any. */
AX_API const char *ax_machine_end_name(uint32_t end);

/**
 * Run the machine to its end, once: the first vCPU on the calling thread, as ax_vm_run(). Output
 * that waits in the console has been written when this returns.
 *
 * @param result  its `size` set by the caller; filled on success
 * @return 0; -EINVAL; else as ax_vm_run()
 *
 * Thread: any; the host's loop, if there is one, runs on another.
 */
AX_API int ax_machine_run(AxMachine *machine, AxMachineResult *result, AxError *err);

/* End ax_machine_run() with AX_MACHINE_STOPPED and @code, also when it has not begun. The first
 * call counts. Thread: any, async-signal-safe. */
AX_API void ax_machine_stop(AxMachine *machine, int code);

/* Input for the guest's console: ax_uart_input() and ax_uart_input_room() of its UART. Thread: as
 * those. */
AX_API size_t ax_machine_input(AxMachine *machine, const void *bytes, size_t len);
AX_API size_t ax_machine_input_room(AxMachine *machine);

/* A break on the guest's console: ax_uart_input_break() of its UART. Linux takes the key that follows
 * for SysRq. False when there is no room. Thread: as ax_machine_input(). */
AX_API bool ax_machine_input_break(AxMachine *machine);

/**
 * Press the power button: the guest is asked to shut down. It may take its time, or not listen.
 *
 * @return 0; -ENOTSUP this machine has none (the message says why)
 *
 * Thread: any, while the machine may run.
 */
AX_API int ax_machine_power_button(AxMachine *machine, AxError *err);

/**
 * The flattened device tree as the guest finds it, with what /chosen says of this boot.
 *
 * @param tree  set to bytes that the machine owns
 * @return 0; -ENOTSUP this machine's guest gets none: x86-64's
 *
 * Thread: any.
 */
AX_API int ax_machine_device_tree(const AxMachine *machine, const void **tree, size_t *len,
				  AxError *err);

/**
 * The ACPI tables that the guest finds, one behind the other as in its memory: XSDT, FADT, MADT, DSDT. In
 * a file they are what "iasl -d" takes apart.
 *
 * @param tables  set to bytes that the machine owns
 * @return 0; -ENOTSUP this machine has none: x86-64 has them with AX_IRQCHIP_KERNEL and _SPLIT
 *
 * Thread: any.
 */
AX_API int ax_machine_acpi_tables(const AxMachine *machine, const void **tables, size_t *len,
				  AxError *err);

/**
 * What an exit was about: the name of the device, or of the RAM, that its address belongs to.
 *
 * @return a constant string; NULL when it has no address, or nothing is there
 *
 * Thread: any.
 */
AX_API const char *ax_machine_whose(const AxMachine *machine, const AxVCpuExitReason *exit);

/* A place on a machine's board, where a device stands if it has one. */
typedef struct AxMachinePlace {
	size_t size;   /* sizeof(AxMachinePlace), set by the caller: AX_MACHINE_PLACE_INIT */
	uint32_t space; /* an AxSpace */
	uint64_t base;
	uint64_t length;
	const char *name; /* a constant string */
} AxMachinePlace;

#define AX_MACHINE_PLACE_INIT                   \
	{                                       \
		sizeof(AxMachinePlace), 0, 0, 0, NULL \
	}

/* The @index-th of them, as ax_machine_whose() knows them: false when there is none. Thread: any. */
AX_API bool ax_machine_place(const AxMachine *machine, unsigned index, AxMachinePlace *place);

/**
 * Describe a dead guest: one call for each line of a report on a vCPU. The exit, what it means,
 * where the guest was, the instruction bytes there, its registers, what may be the cause. No line
 * needs more than 512 bytes.
 *
 * @param exit    that ended it; NULL: none did, as when it was stopped
 * @param line    0 for the first
 * @param buffer  filled with the line without newline, cut to @size
 * @return false when there is no such line
 *
 * Thread: any, after ax_machine_run().
 */
AX_API bool ax_machine_report(AxMachine *machine, uint32_t vcpu, const AxVCpuExitReason *exit,
			      unsigned line, char *buffer, size_t size);

#ifdef __cplusplus
}
#endif

#endif
