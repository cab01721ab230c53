/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Device models of libaxvmm-machine: 16550A and PL011 serial ports, PLIC, test device, debug exit,
 * finisher, reset routes, debug console, and the console that collects their output.
 *
 * All devices live alike. ax_<device>_new() makes one, in power-on state and in no VM.
 * ax_<device>_attach() claims its addresses and makes it known to the VM for reset, save and
 * restore (device.h); ax_<device>_detach() undoes that. A device is in one VM at a time and keeps
 * its state in between, so that a guest can be rebooted in a new VM.
 *   - Configurations are copied, strings in them too; NULL stands for the INIT macro.
 *   - new: 0; -EINVAL the configuration makes no sense (the message says what); -ENOMEM.
 *   - attach: 0; -EBUSY it is in a VM already; -EINVAL; -EEXIST the addresses or the device's name
 *     are taken; -ENOMEM. Nothing is claimed on failure.
 *   - detach: 0, also when it is in no VM; -EDEADLK from a handler of the VM; -ENOMEM. It may be
 *     called again after a failure. It comes before ax_vm_destroy(), and waits for the device's
 *     handlers that run now.
 *   - free: the device is in no VM. NULL is allowed.
 * Thread: new, attach, detach and free from the thread that builds the VM, unless said otherwise.
 */
#ifndef AXVMM_DEVICES_H
#define AXVMM_DEVICES_H

#include <axvmm/device.h>
#include <axvmm/error.h>
#include <axvmm/handler.h>
#include <axvmm/host.h>
#include <axvmm/irq.h>

#ifdef __cplusplus
extern "C" {
#endif

/* Where a device's registers are. */
typedef enum AxSpace { AX_SPACE_MMIO = 0, AX_SPACE_PORT = 1 } AxSpace;

/*
 * Where a device's output goes. Copyable. NULL write: nowhere. It is called on vCPU threads, by
 * several at once when several devices or vCPUs share it, with device locks held: it does not call
 * back into a device.
 */
typedef struct AxCharSink {
	void (*write)(void *opaque, const uint8_t *bytes, size_t len);
	void *opaque;
} AxCharSink;

/*
 * Console: collects the bytes of one or more devices, so that few system calls carry them.
 */
typedef struct AxConsole AxConsole;

#define AX_CONSOLE_BUFFER 2048		   /* bytes that are collected at most */
#define AX_CONSOLE_DELAY_NS 5000000	   /* 5 ms: what is typed at a prompt is echoed promptly */
#define AX_CONSOLE_NO_DELAY_LIMIT UINT64_MAX /* delay_ns: wait for newline, full, flush */

typedef struct AxConsoleConfig {
	size_t size;	     /* sizeof(AxConsoleConfig): AX_CONSOLE_CONFIG_INIT */
	AxCharSink output;   /* gets the collected bytes, one call at a time */
	AxHost *host;	     /* bounds the delay; borrowed until free; NULL: no timer */
	uint64_t delay_ns;   /* nanoseconds a byte may wait; 0: AX_CONSOLE_DELAY_NS */
} AxConsoleConfig;

#define AX_CONSOLE_CONFIG_INIT { sizeof(AxConsoleConfig), { NULL, NULL }, NULL, 0 }

/**
 * Make a console. Collected bytes go out at a newline, when AX_CONSOLE_BUFFER is full, by
 * ax_console_flush(), and delay_ns after the first of them when there is a host. Without a host
 * nothing waits: each write goes out at once, unless delay_ns is AX_CONSOLE_NO_DELAY_LIMIT, with
 * which time is never looked at (for output that nobody watches; the caller flushes at the end).
 *
 * @return 0; -EINVAL; -ENOMEM
 *
 * Thread: any.
 */
AX_API int ax_console_new(const AxConsoleConfig *config, AxConsole **out, AxError *err);

/* Take bytes. Thread: any. */
AX_API void ax_console_write(AxConsole *console, const void *bytes, size_t len);

/*
 * Send out what has been collected. When it returns the output has it. Thread: any; not from the
 * output.
 */
AX_API void ax_console_flush(AxConsole *console);

/* The console as a device's sink; valid until ax_console_free(). Thread: any. */
AX_API AxCharSink ax_console_sink(AxConsole *console);

/*
 * Flush and free. Nobody writes to it any more. NULL is allowed. Thread: the host's loop, or when
 * that does not run; any without a host.
 */
AX_API void ax_console_free(AxConsole *console);

/*
 * UART: National Semiconductor PC16550D, as its data sheet (June 1995, section 8) describes it,
 * with 16-byte FIFOs.
 *
 * Where a model without a line differs from the chip:
 *   - A byte that is written is sent before the write completes: THRE and TEMT are always 1, and
 *     word length, parity, stop bits and divisor are kept, but do nothing. Break control (LCR bit
 *     6) and DMA mode do nothing, either.
 *   - The receiver's timeout of four character times has always passed: whatever is in the FIFO and
 *     below the trigger level is a character timeout indication (IIR 0x0c).
 *   - THRE interrupt: pending when the transmitter runs empty and when IER bit 1 rises (it is empty
 *     then); taken back by reading IIR when that reports it and by writing THR. With FIFOs on, up
 *     to 16 THR writes without another access between them are one filling of the FIFO and make one
 *     interrupt, not 16.
 *   - Parity and framing errors do not happen. Overruns happen in loopback only: input from the
 *     host waits outside.
 *   - The interrupt output is not gated by OUT2 unless AX_UART_GATE_OUT2 is set. A PC gates it, but
 *     the boards whose guests run here (and their emulators) do not, and small guests leave MCR at
 *     zero. Guests that work on a PC set OUT2.
 */
typedef struct AxUart AxUart;

#define AX_UART_GATE_OUT2 (1u << 0) /* no interrupt while OUT2 is off or in loopback */

typedef struct AxUartConfig {
	size_t size;	     /* sizeof(AxUartConfig): AX_UART_CONFIG_INIT */
	const char *name;    /* of the device and its range, at most 31 bytes; NULL: "uart" */
	AxCharSink output;
	/*
	 * There is room again after ax_uart_input() or ax_uart_input_room() found too little:
	 * called once, when the guest has emptied the receiver, with the device's lock held and on
	 * any thread. It may call ax_host_defer(), ax_watch_set() and the like, and nothing of the
	 * device. NULL: none.
	 */
	void (*room)(void *opaque);
	void *room_opaque;
	uint32_t reg_shift;  /* registers are 1 << reg_shift bytes apart: 0 to 3 */
	uint32_t flags;	     /* AX_UART_* */
} AxUartConfig;

#define AX_UART_CONFIG_INIT { sizeof(AxUartConfig), NULL, { NULL, NULL }, NULL, NULL, 0, 0 }

AX_API int ax_uart_new(const AxUartConfig *config, AxUart **out, AxError *err);

/**
 * Put the UART into a VM: 8 << reg_shift bytes from @base. Accesses wider than a byte are carried
 * out as bytes, lowest first, as a bus bridge does; bytes between registers read as zero.
 *
 * @param irq  where its interrupt output goes, a level; copied; NULL: not connected
 * @return as all attach functions
 */
AX_API int ax_uart_attach(AxUart *uart, AxVm *vm, AxSpace space, uint64_t base, const AxIrq *irq,
			  AxError *err);
AX_API int ax_uart_detach(AxUart *uart, AxError *err);
AX_API void ax_uart_free(AxUart *uart);

/**
 * Receive bytes from the host, as many as fit: nothing in loopback, where the receiver is not
 * connected.
 *
 * To lose nothing and to miss no AxUartConfig.room: first stop reading the source, then ask for
 * room, then read the source again only where there is some.
 *
 * @return bytes taken, from the start
 *
 * Thread: any; not from the sink, the room callback or an irq's.
 */
AX_API size_t ax_uart_input(AxUart *uart, const void *bytes, size_t len);

/* How many bytes ax_uart_input() would take now. Thread: as ax_uart_input(). */
AX_API size_t ax_uart_input_room(AxUart *uart);

/*
 * Receive a break: a zero byte with LSR's break indication. False when there is no room. Thread: as
 * ax_uart_input().
 */
AX_API bool ax_uart_input_break(AxUart *uart);

/* Modem inputs, as MSR shows them. */
#define AX_UART_CTS (1u << 4)
#define AX_UART_DSR (1u << 5)
#define AX_UART_RI  (1u << 6)
#define AX_UART_DCD (1u << 7)

/**
 * Drive the modem inputs. A new UART has CTS, DSR and DCD on: somebody listens. A reset does not
 * change them.
 *
 * @param lines  AX_UART_CTS | ...
 * @return 0; -EINVAL other bits are set
 *
 * Thread: as ax_uart_input().
 */
AX_API int ax_uart_set_modem(AxUart *uart, uint32_t lines);

/*
 * PL011: ARM PrimeCell UART, as its Technical Reference Manual (DDI 0183, chapters 2 and 3) describes
 * it, revision r1p1 with 16-byte FIFOs.
 *
 * Where a model without a line differs from the PrimeCell:
 *   - A byte that is written is sent before the write completes, whether UARTEN and TXE are set or
 *     not: BUSY and TXFF are always 0, TXFE is 1, and each byte makes one transmit interrupt. Baud
 *     rate, word length, parity, break, flow control and DMA are kept, but do nothing.
 *   - Bytes are received whether UARTEN and RXE are set or not.
 *   - The receive timeout of 32 bit periods has always passed: RTRIS is there with the first byte.
 *   - Bytes that wait raise RXRIS and RTRIS when they arrive and, so that no guest waits for what
 *     it has cleared while it set the UART up, again when UARTEN or one of their bits in IMSC rises
 *     or LCR_H is written.
 *   - Switching the FIFOs on or off loses nothing.
 *   - Parity and framing errors do not happen. Overruns happen in loopback only: input from the
 *     host waits outside.
 *   - Registers are words: an access of 1, 2 or 4 bytes at one is an access to it, 8 bytes are two
 *     of them, and an access that begins inside of one is not handled.
 */
typedef struct AxPl011 AxPl011;

typedef struct AxPl011Config {
	size_t size;	   /* sizeof(AxPl011Config): AX_PL011_CONFIG_INIT */
	const char *name;  /* of the device and its range, at most 31 bytes; NULL: "pl011" */
	AxCharSink output;
	void (*room)(void *opaque); /* as AxUartConfig.room */
	void *room_opaque;
} AxPl011Config;

#define AX_PL011_CONFIG_INIT { sizeof(AxPl011Config), NULL, { NULL, NULL }, NULL, NULL }

AX_API int ax_pl011_new(const AxPl011Config *config, AxPl011 **out, AxError *err);

/**
 * Put it into a VM: 4 KiB from @base.
 *
 * @param irq  where its combined interrupt (UARTINTR) goes, a level; copied; NULL: not connected
 * @return as all attach functions
 */
AX_API int ax_pl011_attach(AxPl011 *uart, AxVm *vm, AxGuestPhysAddr base, const AxIrq *irq,
			   AxError *err);
AX_API int ax_pl011_detach(AxPl011 *uart, AxError *err);
AX_API void ax_pl011_free(AxPl011 *uart);

/* As the functions of AxUart. The modem inputs of a new one are CTS, DSR and DCD; AX_UART_*. */
AX_API size_t ax_pl011_input(AxPl011 *uart, const void *bytes, size_t len);
AX_API size_t ax_pl011_input_room(AxPl011 *uart);
AX_API bool ax_pl011_input_break(AxPl011 *uart);
AX_API int ax_pl011_set_modem(AxPl011 *uart, uint32_t lines);

/*
 * PLIC: RISC-V Platform-Level Interrupt Controller 1.0.0, seven levels of priority, laid out as on
 * QEMU's board `virt`: context 2 * hart is the hart's machine mode, 2 * hart + 1 its supervisor mode.
 * All contexts have their registers; those of machine mode lead nowhere, because a virtual hart has
 * none. Hart n is the vCPU with id n.
 *
 *   - Sources are levels: one that is up again, or still, when it is completed is pending again. A
 *     pulse (ax_irq_pulse()) makes its source pending whatever is in service.
 *   - Registers are words; other accesses are not handled. Places between them read as zero.
 */
typedef struct AxPlic AxPlic;

#define AX_PLIC_SUPERVISOR_EXTERNAL 9 /* Privileged Architecture, table of supervisor causes */

typedef struct AxPlicConfig {
	size_t size;	  /* sizeof(AxPlicConfig): AX_PLIC_CONFIG_INIT */
	const char *name; /* NULL: "plic" */
	uint32_t sources; /* 1 to 1023: sources 1 to this; 0 is none */
	uint32_t harts;	  /* 1 to 4096 */
	uint32_t vector;  /* of ax_vcpu_inject_interrupt() for the harts' lines */
} AxPlicConfig;

#define AX_PLIC_CONFIG_INIT { sizeof(AxPlicConfig), NULL, 95, 1, AX_PLIC_SUPERVISOR_EXTERNAL }

AX_API int ax_plic_new(const AxPlicConfig *config, AxPlic **out, AxError *err);

/* Put it into a VM: 2 MiB and 8 KiB for each hart from @base. As all attach functions. */
AX_API int ax_plic_attach(AxPlic *plic, AxVm *vm, AxGuestPhysAddr base, AxError *err);
AX_API int ax_plic_detach(AxPlic *plic, AxError *err);
AX_API void ax_plic_free(AxPlic *plic);

/**
 * An interrupt line into the PLIC.
 *
 * @param irq  filled; valid until ax_plic_free()
 * @return 0; -EINVAL there is no such source
 *
 * Thread: any; the line's functions, too.
 */
AX_API int ax_plic_irq(AxPlic *plic, uint32_t source, AxIrq *irq, AxError *err);

/*
 * Finisher: SiFive's test finisher, which QEMU's riscv64 board `virt` has at 0x100000: 4 KiB, of which
 * the first word takes writes of any width. 0x5555 powers the machine off, 0x7777 resets it, 0x3333
 * says that the guest failed, with a code in bits 16 to 31. Each ends the loop with AX_STOP; other
 * values do nothing. Reads give zero.
 */
typedef struct AxFinisher AxFinisher;

/* What the guest wrote. Numbered for ever. */
typedef enum AxFinisherEnd {
	AX_FINISHER_RUNS = 0, /* nothing yet */
	AX_FINISHER_PASSED = 1, /* 0x5555 */
	AX_FINISHER_FAILED = 2, /* 0x3333 */
	AX_FINISHER_RESET = 3 /* 0x7777 */
} AxFinisherEnd;

typedef struct AxFinisherConfig {
	size_t size;	  /* sizeof(AxFinisherConfig): AX_FINISHER_CONFIG_INIT */
	const char *name; /* NULL: "finisher" */
} AxFinisherConfig;

#define AX_FINISHER_CONFIG_INIT { sizeof(AxFinisherConfig), NULL }

AX_API int ax_finisher_new(const AxFinisherConfig *config, AxFinisher **out, AxError *err);
AX_API int ax_finisher_attach(AxFinisher *dev, AxVm *vm, AxGuestPhysAddr base, AxError *err);
AX_API int ax_finisher_detach(AxFinisher *dev, AxError *err);
AX_API void ax_finisher_free(AxFinisher *dev);

/* What the guest wrote first; *code (NULL allowed) is bits 16 to 31 of it. Thread: any. */
AX_API AxFinisherEnd ax_finisher_result(AxFinisher *dev, uint32_t *code);

/*
 * Test device: the registers of guests/abi.h sections 2, 3 and 5, except HYPERCALL. Those eight
 * bytes (four ports) are left free for ax_hypercall_set(), which claims them.
 */
typedef struct AxTestDev AxTestDev;

/* Claim writes to the READONLY region, where read-only RAM is, and count them. */
#define AX_TESTDEV_COUNT_READONLY (1u << 0)
/* RAISE and RAISE_LATER are not handled: for a VM with an in-kernel irqchip. */
#define AX_TESTDEV_NO_RAISE (1u << 1)

typedef struct AxTestDevConfig {
	size_t size;	  /* sizeof(AxTestDevConfig): AX_TESTDEV_CONFIG_INIT */
	const char *name; /* NULL: "testdev" */
	AxHost *host;	  /* for RAISE_LATER and KICK_LATER; borrowed until ax_testdev_free(); NULL:
			   * they are not handled */
	uint32_t flags;	  /* AX_TESTDEV_* */
} AxTestDevConfig;

#define AX_TESTDEV_CONFIG_INIT { sizeof(AxTestDevConfig), NULL, NULL, 0 }

AX_API int ax_testdev_new(const AxTestDevConfig *config, AxTestDev **out, AxError *err);

/**
 * Put the test device into a VM. A guest's DONE calls ax_vm_stop() with its code and ends the loop
 * with AX_STOP; FAIL ends the loop with AX_STOP.
 *
 * @param mmio_base  of its two pages, 8-byte aligned; 0: no MMIO
 * @param port_base  of its port window; 0: no ports
 * @return as all attach functions
 */
AX_API int ax_testdev_attach(AxTestDev *dev, AxVm *vm, AxGuestPhysAddr mmio_base,
			     uint32_t port_base, AxError *err);
AX_API int ax_testdev_detach(AxTestDev *dev, AxError *err);
/* Thread: the host's loop, or when that does not run; any without a host. */
AX_API void ax_testdev_free(AxTestDev *dev);

/* How a guest ended. */
typedef enum AxTestDevEnd {
	AX_TESTDEV_RUNS = 0,   /* it wrote neither DONE nor FAIL */
	AX_TESTDEV_DONE = 1,   /* .code */
	AX_TESTDEV_FAILED = 2  /* .line; .expected and .actual when .compared */
} AxTestDevEnd;

/* What a guest has said. The first DONE or FAIL counts. */
typedef struct AxTestResult {
	size_t size;	     /* sizeof(AxTestResult): AX_TEST_RESULT_INIT */
	uint32_t end;	     /* an AxTestDevEnd */
	uint32_t vcpu;	     /* id of the vCPU that ended it */
	uint32_t code;
	bool compared;	     /* ACTUAL or EXPECTED was written before FAIL */
	uint64_t line;
	uint64_t actual;
	uint64_t expected;
	uint64_t sync_count; /* writes to SYNC */
} AxTestResult;

#define AX_TEST_RESULT_INIT { sizeof(AxTestResult), 0, 0, 0, false, 0, 0, 0, 0 }

/* Fill @result. 0, or -EINVAL its size is not that of any version. Thread: any. */
AX_API int ax_testdev_result(AxTestDev *dev, AxTestResult *result);

#define AX_TESTDEV_SYNCS 64 /* values of SYNC that are kept */

/**
 * The last values that were written to SYNC, oldest first.
 *
 * @param values  room for @max values; the last ones are given when there are more
 * @return values filled in
 *
 * Thread: any; exact while no vCPU runs.
 */
AX_API size_t ax_testdev_syncs(AxTestDev *dev, uint64_t *values, size_t max);

/**
 * Tell the guest that a vCPU came out with ExternalInterrupt{vector}: the KICK_WORD protocol. For
 * AxEventOps.interrupt.
 *
 * Thread: the vCPU's, before it is entered again.
 */
AX_API void ax_testdev_kick_seen(AxTestDev *dev, AxVCpu *vcpu, uint64_t vector);

/*
 * Debug exit: QEMU's isa-debug-exit, four ports. Writing v (1, 2 or 4 bytes, at any of them) calls
 * ax_vm_stop(vm, (v << 1) | 1), modulo 2^32, and ends the loop with AX_STOP. Reads give zero.
 */
typedef struct AxDebugExit AxDebugExit;

typedef struct AxDebugExitConfig {
	size_t size;	  /* sizeof(AxDebugExitConfig): AX_DEBUG_EXIT_CONFIG_INIT */
	const char *name; /* NULL: "debug-exit" */
} AxDebugExitConfig;

#define AX_DEBUG_EXIT_CONFIG_INIT { sizeof(AxDebugExitConfig), NULL }

#define AX_DEBUG_EXIT_PORT 0xf4

AX_API int ax_debug_exit_new(const AxDebugExitConfig *config, AxDebugExit **out, AxError *err);
AX_API int ax_debug_exit_attach(AxDebugExit *dev, AxVm *vm, AxPort port, AxError *err);
AX_API int ax_debug_exit_detach(AxDebugExit *dev, AxError *err);
AX_API void ax_debug_exit_free(AxDebugExit *dev);

/*
 * Whether a guest used it; *code (NULL allowed) is then what the first write gave to ax_vm_stop().
 * Thread: any.
 */
AX_API bool ax_debug_exit_result(AxDebugExit *dev, int *code);

/*
 * Reset routes of a PC:
 *   - i8042 (ports 0x60, 0x64; IBM PS/2 technical reference, keyboard controller): commands 0xf0 to
 *     0xfe with bit 0 clear pulse the reset line, command 0xd1 followed by a data byte with bit 0
 *     clear pulls it. There is no keyboard and no answer: status reads 0 (both buffers empty), data
 *     reads 0, other commands and data vanish.
 *   - Reset control register (port 0xcf9; Intel ICH datasheets, RST_CNT): bits 1 to 3 are kept; a
 *     byte write in which bit 2 rises resets. The ports around it (0xcf8 to 0xcfb) are claimed too,
 *     and not handled, so that a 4-byte write of a PCI configuration address to 0xcf8 is not taken
 *     apart and does not reset, as it does not on a chipset.
 *   - System control port A (0x92; IBM PS/2 technical reference): a write in which bit 0 rises
 *     resets. Bit 1, A20, reads 1 always: address line 20 cannot be masked here.
 */
typedef struct AxResetDev AxResetDev;

/* By which route a reset was asked for. Numbered for ever. */
typedef enum AxResetRoute {
	AX_RESET_NONE = 0,
	AX_RESET_I8042 = 1,
	AX_RESET_CONTROL = 2, /* port 0xcf9 */
	AX_RESET_PORT92 = 3,
	AX_RESET_ACPI = 4 /* ACPI's reset register (pc.h) */
} AxResetRoute;

#define AX_RESET_HAS_I8042   (1u << 0)
#define AX_RESET_HAS_CONTROL (1u << 1)
#define AX_RESET_HAS_PORT92  (1u << 2)
#define AX_RESET_HAS_ALL     (AX_RESET_HAS_I8042 | AX_RESET_HAS_CONTROL | AX_RESET_HAS_PORT92)

typedef struct AxResetDevConfig {
	size_t size;	  /* sizeof(AxResetDevConfig): AX_RESETDEV_CONFIG_INIT */
	const char *name; /* NULL: "reset" */
	uint32_t routes;  /* AX_RESET_HAS_*, not 0 */
	/*
	 * The guest asks for a reset: called on the vCPU's thread with the device's lock held; its
	 * answer is the access's verdict. NULL: AX_STOP, and ax_resetdev_route() tells.
	 */
	AxHandled (*reset)(void *opaque, AxVCpu *vcpu, AxResetRoute route);
	void *opaque;
} AxResetDevConfig;

#define AX_RESETDEV_CONFIG_INIT { sizeof(AxResetDevConfig), NULL, AX_RESET_HAS_ALL, NULL, NULL }

AX_API int ax_resetdev_new(const AxResetDevConfig *config, AxResetDev **out, AxError *err);
AX_API int ax_resetdev_attach(AxResetDev *dev, AxVm *vm, AxError *err);
AX_API int ax_resetdev_detach(AxResetDev *dev, AxError *err);
AX_API void ax_resetdev_free(AxResetDev *dev);

/*
 * The first route by which the guest has asked for a reset since the device was last reset. Thread:
 * any.
 */
AX_API AxResetRoute ax_resetdev_route(AxResetDev *dev);

/*
 * Debug console: each byte written to one of its ports is a byte of output, and reading gives 0xe9,
 * by which guests find it (Bochs' port 0xe9; 0x402 is where SeaBIOS and OVMF look for QEMU's
 * isa-debugcon).
 */
typedef struct AxDebugCon AxDebugCon;

typedef struct AxDebugConConfig {
	size_t size;	  /* sizeof(AxDebugConConfig): AX_DEBUGCON_CONFIG_INIT */
	const char *name; /* NULL: "debugcon" */
	AxCharSink output;
	AxPort ports[2];  /* 0: none */
} AxDebugConConfig;

#define AX_DEBUGCON_CONFIG_INIT { sizeof(AxDebugConConfig), NULL, { NULL, NULL }, { 0xe9, 0x402 } }

AX_API int ax_debugcon_new(const AxDebugConConfig *config, AxDebugCon **out, AxError *err);
AX_API int ax_debugcon_attach(AxDebugCon *dev, AxVm *vm, AxError *err);
AX_API int ax_debugcon_detach(AxDebugCon *dev, AxError *err);
AX_API void ax_debugcon_free(AxDebugCon *dev);

#ifdef __cplusplus
}
#endif

#endif
