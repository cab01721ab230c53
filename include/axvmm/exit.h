/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Why a vCPU stopped: AxVCpuExitReason, one value for everything that KVM can say. Names and fields
 * are those of axvcpu (github.com/arceos-hypervisor/axvcpu, src/exit.rs), and more.
 *
 * The value is valid until the vCPU is entered again; where it holds a pointer (string port I/O),
 * the bytes lie in the page shared with the kernel and live as long.
 */
#ifndef AXVMM_EXIT_H
#define AXVMM_EXIT_H

#include <axvmm/types.h>

#ifdef __cplusplus
extern "C" {
#endif

/* How much one access moves. Numbered for ever: log2 of the size in bytes. */
typedef enum AxAccessWidth {
	AX_WIDTH_BYTE = 0,
	AX_WIDTH_WORD = 1,
	AX_WIDTH_DWORD = 2,
	AX_WIDTH_QWORD = 3
} AxAccessWidth;

/**
 * The width whose size is @size bytes (axvcpu's TryFrom<usize>).
 *
 * @param size   bytes
 * @param width  filled when there is one, else untouched
 * @return true for 1, 2, 4 and 8; false for any other size
 *
 * Thread: any.
 */
AX_API bool ax_access_width_from_size(size_t size, AxAccessWidth *width);

/**
 * The size of a width in bytes: 1, 2, 4 or 8 (axvcpu's From<AccessWidth> for usize, and size()).
 *
 * Thread: any.
 */
AX_API size_t ax_access_width_size(AxAccessWidth width);

/**
 * The end of the bits that a width covers: they are 0 up to and without 8, 16, 32 or 64 (axvcpu's
 * bits_range()).
 *
 * Thread: any.
 */
AX_API unsigned ax_access_width_bits(AxAccessWidth width);

/**
 * The bits that a width covers as a mask: 0xff, 0xffff, 0xffffffff or all ones (bits_range() in the
 * form in which C uses it).
 *
 * Thread: any.
 */
AX_API uint64_t ax_access_width_mask(AxAccessWidth width);

/* Numbered for ever. */
typedef enum AxVCpuExitKind {
	AX_EXIT_NOTHING = 0,		/* nothing to do: enter again */
	AX_EXIT_HYPERCALL = 1,		/* .hypercall */
	AX_EXIT_MMIO_READ = 2,		/* .mmio_read: answer with ax_vcpu_reply_read() */
	AX_EXIT_MMIO_WRITE = 3,		/* .mmio_write */
	AX_EXIT_SYS_REG_READ = 4,	/* .sys_reg_read: reply_read() or reply_fault() */
	AX_EXIT_SYS_REG_WRITE = 5,	/* .sys_reg_write: may be answered by reply_fault() */
	AX_EXIT_IO_READ = 6,		/* .io_read: reply_read() or reply_bytes() */
	AX_EXIT_IO_WRITE = 7,		/* .io_write */
	AX_EXIT_EXTERNAL_INTERRUPT = 8, /* .external_interrupt: somebody kicked the vCPU */
	AX_EXIT_NESTED_PAGE_FAULT = 9,	/* .nested_page_fault */
	AX_EXIT_HALT = 10,		/* the guest waits for an interrupt */
	AX_EXIT_CPU_UP = 11,		/* .cpu_up */
	AX_EXIT_CPU_DOWN = 12,		/* .cpu_down */
	AX_EXIT_SYSTEM_DOWN = 13,	/* .system_down */
	AX_EXIT_FAIL_ENTRY = 14,	/* .fail_entry */
	AX_EXIT_SEND_IPI = 15,		/* .send_ipi */
	AX_EXIT_INTERNAL_ERROR = 16,	/* .internal_error */
	AX_EXIT_DEBUG = 17,		/* .debug */
	AX_EXIT_IRQ_EOI = 18,		/* .irq_eoi */
	AX_EXIT_UNSUPPORTED = 19 /* .unsupported: KVM said what this library has no name for */
} AxVCpuExitKind;

#define AX_EXIT_KINDS 20

/* By which way a hypercall came. */
typedef enum AxHypercallRoute {
	AX_ROUTE_KVM = 0,   /* KVM_EXIT_HYPERCALL: number 12 on x86-64 */
	AX_ROUTE_XEN = 1,   /* KVM_EXIT_XEN: VMCALL or VMMCALL intercepted, any number, x86-64 */
	AX_ROUTE_BLOCK = 2, /* a block in guest memory, announced by port or MMIO: abi.h */
	AX_ROUTE_SMCCC = 3, /* HVC or SMC through the SMCCC filter, arm64 */
	AX_ROUTE_SBI = 4    /* an SBI call forwarded by KVM, riscv64 */
} AxHypercallRoute;

/* Why the system goes down. Numbered for ever. */
typedef enum AxDownCause {
	AX_DOWN_POWER_OFF = 0,	  /* KVM_SYSTEM_EVENT_SHUTDOWN */
	AX_DOWN_RESET = 1,	  /* KVM_SYSTEM_EVENT_RESET, or a reset device of the machine */
	AX_DOWN_CRASH = 2,	  /* KVM_SYSTEM_EVENT_CRASH */
	AX_DOWN_TRIPLE_FAULT = 3, /* KVM_EXIT_SHUTDOWN on x86-64 */
	AX_DOWN_SUSPEND = 4,	  /* KVM_SYSTEM_EVENT_SUSPEND */
	AX_DOWN_WAKEUP = 5,	  /* KVM_SYSTEM_EVENT_WAKEUP: a suspend ends; not a shutdown */
	AX_DOWN_CONFIDENTIAL = 6, /* KVM_SYSTEM_EVENT_SEV_TERM or _TDX_FATAL: gave itself up */
	AX_DOWN_OTHER = 7	  /* a type that this library does not know: see .type */
} AxDownCause;

/*
 * What an interrupt message does at its target. Values of the ICR's delivery mode, SDM 3A 11.6.1.
 */
typedef enum AxIpiMode {
	AX_IPI_FIXED = 0,
	AX_IPI_LOWEST = 1,
	AX_IPI_SMI = 2,
	AX_IPI_NMI = 4,
	AX_IPI_INIT = 5
} AxIpiMode;

/* AxVCpuExitReason.mmio_read.reg while nobody has decoded the instruction. */
#define AX_REG_UNKNOWN UINT32_MAX

#define AX_INSN_MAX 15

/* Answer: ax_vcpu_set_return_value(). */
typedef struct AxExitHypercall {
	uint64_t nr; /* riscv64: the SBI extension ID */
	uint64_t args[6];
	uint64_t function; /* riscv64: the SBI function ID; else 0 */
	uint32_t route;	   /* an AxHypercallRoute */
	uint32_t cpl;	   /* x86 privilege level of the caller, where KVM tells; else 0 */
	uint64_t block;	   /* AX_ROUTE_BLOCK: guest address of the block; else 0 */
} AxExitHypercall;

/*
 * When `len` is the size of `width` the access is one access. When `len` is no width
 * (x86 splits what crosses a page: 3, 5, 6, 7 bytes) `width` is AX_WIDTH_BYTE and the
 * access is `len` single bytes at addr, addr + 1, ... That is how it is dispatched,
 * and ax_vcpu_reply_read() takes all of them as one little-endian value.
 * reg, reg_width, signed_ext: AX_REG_UNKNOWN, 0, false until ax_vcpu_decode_mmio().
 *
 * arm64: an instruction that moves more than one access does (a pair, a vector) is one exit for each
 * 8 bytes or register, in the order of addresses; reg 31 is xzr, which keeps nothing.
 */
typedef struct AxExitMmioRead {
	AxGuestPhysAddr addr;
	uint32_t width;	    /* an AxAccessWidth */
	uint32_t len;	    /* bytes: 1 to 8 */
	uint32_t reg;	    /* index as in ax_vcpu_set_gpr() */
	uint32_t reg_width; /* an AxAccessWidth */
	bool signed_ext;
} AxExitMmioRead;

typedef struct AxExitMmioWrite {
	AxGuestPhysAddr addr;
	uint32_t width; /* as in mmio_read */
	uint32_t len;
	uint64_t data; /* little endian; bits above `len` bytes are zero */
} AxExitMmioWrite;

/* x86 RDMSR, riscv64 CSR read. reg is RAX:RDX on x86, which KVM fills: AX_REG_UNKNOWN. */
typedef struct AxExitSysRegRead {
	AxSysRegAddr addr;
	uint32_t reg;
	uint32_t reason; /* x86: KVM_MSR_EXIT_REASON_*: 1 invalid, 2 unknown, 4 filtered */
} AxExitSysRegRead;

typedef struct AxExitSysRegWrite {
	AxSysRegAddr addr;
	uint64_t value;
	uint64_t mask;	 /* bits that are written: all ones but for riscv64 CSRs */
	uint32_t reason; /* as in sys_reg_read */
} AxExitSysRegWrite;

/*
 * count > 1: string input, `count` elements of `width` from the same port; answer all of
 * them with ax_vcpu_reply_bytes(), or write them to `bytes` (count * size of width).
 */
typedef struct AxExitIoRead {
	AxPort port;
	uint32_t width; /* an AxAccessWidth: never AX_WIDTH_QWORD */
	uint32_t count;
	uint8_t *bytes;
} AxExitIoRead;

/* count > 1: string output; `data` is the first element, `bytes` holds all of them. */
typedef struct AxExitIoWrite {
	AxPort port;
	uint32_t width;
	uint32_t count;
	uint64_t data;
	const uint8_t *bytes;
} AxExitIoWrite;

typedef struct AxExitExternalInterrupt {
	uint64_t vector; /* the number given to ax_vcpu_kick() */
} AxExitExternalInterrupt;

typedef struct AxExitNestedPageFault {
	AxGuestPhysAddr addr;	     /* meaningful only when addr_known */
	AxMappingFlags access_flags; /* AX_MAP_*; 0 when unknown */
	bool addr_known;	     /* false for KVM_RUN's plain EFAULT */
	uint64_t size;		     /* bytes concerned; 0 when unknown */
	uint64_t flags;		     /* KVM_MEMORY_EXIT_FLAG_* as given */
} AxExitNestedPageFault;

typedef struct AxExitCpuUp {
	uint64_t target_cpu; /* APIC ID, MPIDR affinity or hart ID */
	AxGuestPhysAddr entry_point;
	uint64_t arg; /* for the target's first argument register; 0 on x86-64 */
} AxExitCpuUp;

typedef struct AxExitCpuDown {
	uint64_t state; /* power state asked for; 0 where there is none */
} AxExitCpuDown;

/*
 * arm64: PSCI's SYSTEM_RESET2 has data { 1, reset type, cookie }, SYSTEM_SUSPEND { entry, context }. A
 * handler that takes the exit and lets the guest go on has the call return: SUCCESS after a suspend,
 * else INTERNAL_FAILURE. To resume at the entry, power the vCPU off and ax_vcpu_start() it there.
 */
typedef struct AxExitSystemDown {
	uint32_t cause;	  /* an AxDownCause */
	uint32_t type;	  /* KVM_SYSTEM_EVENT_* as given; 0 when it came another way */
	uint32_t ndata;	  /* elements of data that hold */
	uint64_t data[8]; /* system_event.data */
} AxExitSystemDown;

typedef struct AxExitFailEntry {
	uint64_t hardware_entry_failure_reason; /* words: ax_exit_explain() */
	uint32_t cpu;				/* the host CPU; UINT32_MAX unknown */
} AxExitFailEntry;

typedef struct AxExitSendIpi {
	uint64_t target_cpu;
	uint64_t target_cpu_aux;
	bool send_to_all; /* with send_to_self false: to all but the sender */
	bool send_to_self;
	bool logical; /* target_cpu is a logical destination, not an ID */
	uint8_t mode; /* an AxIpiMode */
	uint64_t vector;
} AxExitSendIpi;

/*
 * KVM could not go on with the guest: its own internal error, or a KVM_RUN that returned an errno
 * which the guest's doing causes (riscv64: EIO for a misaligned access, EOPNOTSUPP for an atomic
 * one to MMIO).
 */
#define AX_SUBERROR_ERRNO \
	0x80000000u /* .suberror when KVM_RUN returned an errno: data[0] is that errno */

typedef struct AxExitInternalError {
	uint32_t suberror; /* KVM_INTERNAL_ERROR_*: 1 emulation, 2 simultaneous exception,
			    * 3 delivery event, 4 unexpected exit reason; or AX_SUBERROR_ERRNO */
	uint32_t ndata;
	uint64_t data[8];
	uint8_t insn_size; /* 0 when KVM did not give the bytes */
	uint8_t insn_bytes[AX_INSN_MAX];
} AxExitInternalError;

typedef struct AxExitDebug {
	uint64_t pc;
	uint64_t address;   /* arm64: FAR; x86: DR6; riscv64: 0 */
	uint64_t detail;    /* arm64: ESR; x86: DR7; riscv64: 0 */
	uint32_t exception; /* x86: 1 #DB or 3 #BP; else 0 */
} AxExitDebug;

typedef struct AxExitIrqEoi {
	uint8_t vector;
} AxExitIrqEoi;

typedef struct AxExitUnsupported {
	uint32_t raw; /* KVM_EXIT_* */
	uint32_t flags;
	uint64_t detail; /* hw.hardware_exit_reason for KVM_EXIT_UNKNOWN; else 0 */
} AxExitUnsupported;

/*
 * The one answer of ax_vcpu_run(). `kind` says which member holds; the others are unspecified.
 * 128 bytes for ever.
 */
typedef struct AxVCpuExitReason {
	uint32_t kind; /* an AxVCpuExitKind */
	uint32_t vcpu; /* id of the vCPU that stopped */
	union {
		AxExitHypercall hypercall;
		AxExitMmioRead mmio_read;
		AxExitMmioWrite mmio_write;
		AxExitSysRegRead sys_reg_read;
		AxExitSysRegWrite sys_reg_write;
		AxExitIoRead io_read;
		AxExitIoWrite io_write;
		AxExitExternalInterrupt external_interrupt;
		AxExitNestedPageFault nested_page_fault;
		AxExitCpuUp cpu_up;
		AxExitCpuDown cpu_down;
		AxExitSystemDown system_down;
		AxExitFailEntry fail_entry;
		AxExitSendIpi send_ipi;
		AxExitInternalError internal_error;
		AxExitDebug debug;
		AxExitIrqEoi irq_eoi;
		AxExitUnsupported unsupported;
		uint8_t reserved[120];
	};
} AxVCpuExitReason;

AX_STATIC_ASSERT(sizeof(AxVCpuExitReason) == 128, ax_exit_reason_is_128_bytes);

/* Nothing. */
#define AX_EXIT_INIT                                                \
	{                                                           \
		AX_EXIT_NOTHING, 0,                                 \
		{                                                   \
			{                                           \
				0, { 0, 0, 0, 0, 0, 0 }, 0, 0, 0, 0 \
			}                                           \
		}                                                   \
	}

/**
 * The name of an exit kind, as axvcpu spells it: "MmioRead", "IoWrite", ...
 *
 * @param kind  an AxVCpuExitKind; any other value is allowed
 * @return a constant string; "Invalid" for a value that is none
 *
 * Thread: any.
 */
AX_API const char *ax_exit_name(uint32_t kind);

/**
 * The name of a down cause: "power-off", "reset", "triple-fault", ...
 *
 * Thread: any.
 */
AX_API const char *ax_down_cause_name(uint32_t cause);

/**
 * Write an exit as one line that a person can read, without a newline.
 *
 * @param exit    filled by ax_vcpu_run() and still valid
 * @param buffer  owned by the caller; ends with a zero byte when size > 0; NULL allowed with size 0
 * @param size    bytes of buffer
 * @return the bytes that the whole line needs without its zero byte, as snprintf() counts; the line
 *         was cut when this is not below size
 *
 * Thread: any.
 */
AX_API size_t ax_exit_format(const AxVCpuExitReason *exit, char *buffer, size_t size);

/**
 * Write one sentence that explains an exit to somebody whose guest died of it: what happened and
 * what usually causes it. FAIL_ENTRY is decoded to words for VMX (SDM 3C appendix C and 27.3.3.4)
 * and SVM (APM 2, 15.5 and appendix C).
 *
 * @return as ax_exit_format(); an empty line for kinds that need no explanation
 *
 * Thread: any.
 */
AX_API size_t ax_exit_explain(const AxVCpuExitReason *exit, char *buffer, size_t size);

#ifdef __cplusplus
}
#endif

#endif
