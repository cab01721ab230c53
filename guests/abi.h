/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The protocol between tiny guests and the host that runs them: the test device's registers, its
 * x86-64 port window, the test host's hypercalls and system registers, and the places in
 * guest-physical memory that both sides agree on.
 *
 * Both C (the device model and the tests) and assembly (the guests) include this file, so
 * everything outside `#ifndef __ASSEMBLER__` is a plain #define. No architecture is tested for
 * here: each side picks the constants of its own.
 *
 * Conventions
 * - Every number is little endian, whatever its width.
 * - "R", "W", "RW" are the accesses a register knows. Reading a W register gives zero; writing an
 *   R register is ignored. Both count as handled.
 * - Every number, counter and storage byte starts at zero, and is zero again after a reset of the
 *   device. The device is shared by all vCPUs of the VM, which may access it at the same time.
 */
#ifndef AXVMM_GUESTS_ABI_H
#define AXVMM_GUESTS_ABI_H

/*
 * 1. Where things are in guest-physical memory
 *
 * All three regions lie where the machines' own maps are free. They have the same distance from
 * each other everywhere:
 *
 *   base + 0x000000  the test device, two 4 KiB pages, so that a page-crossing access can lie
 *                    wholly inside it
 *   base + 0x100000  READONLY: a read-only memory slot (KVM_MEM_READONLY), 64 KiB so that it is
 *                    whole pages on every host. Only for guests that need "readonly-slot". The
 *                    host fills it: the byte at offset o of the slot is AX_TEST_PATTERN_BYTE(o).
 *                    A guest's write there arrives as an MMIO write; memory stays as it is.
 *   base + 0x200000  UNMAPPED: 64 KiB in which nothing ever is: no slot, no device.
 */
#define AX_TEST_BASE_X86_64  0xfe000000
#define AX_TEST_BASE_ARM64   0x0b000000
#define AX_TEST_BASE_RISCV64 0x1f000000
#define AX_TEST_SIZE	     0x2000

#define AX_TEST_READONLY_DISTANCE 0x100000
#define AX_TEST_READONLY_SIZE	  0x10000
#define AX_TEST_UNMAPPED_DISTANCE 0x200000
#define AX_TEST_UNMAPPED_SIZE	  0x10000

/*
 * 2. Registers of the test device: offsets from its base
 *
 * Each register takes eight bytes. Which accesses it understands:
 * - a write of 1, 2, 4 or 8 bytes at the register's own offset, zero-extended to 64 bits;
 * - a read of 1, 2, 4 or 8 bytes that stays inside the register: those bytes of its value;
 * - SCRATCH also takes writes of 1, 2, 4 or 8 bytes anywhere inside its eight bytes.
 * Every other access below AX_TEST_PATTERN (a write into the middle of a register, an access
 * across two registers, the reserved offsets 0x98..0xff) is one the device does not handle: the
 * VM's option for unclaimed addresses decides.
 */

/* W: a milestone. The host counts the writes and keeps the values in order (at least the last 64
 * of them, from whichever vCPU). */
#define AX_TEST_SYNC 0x00

/* W: an assertion of the guest failed at this line (__LINE__) of its source. The VM stops. */
#define AX_TEST_FAIL 0x08

/* W: the guest has ended by itself; bits 0..31 are its exit code, 0 for success. The VM stops. A
 * guest that finds its CPU without what it needs ends with AX_GUEST_CODE_LACKING. */
#define AX_TEST_DONE	      0x10
#define AX_GUEST_CODE_LACKING 77

/* RW: eight bytes of plain storage. */
#define AX_TEST_SCRATCH 0x18

/* RW: what a comparison found and what it wanted. An assertion that compares writes both just
 * before FAIL; when either was written since the start, the host shows them with the line. */
#define AX_TEST_ACTUAL	 0x20
#define AX_TEST_EXPECTED 0x28

/* W: the guest-physical address of a hypercall block (section 4). The call has been made and the
 * block's `ret` is filled when the store completes. Only widths 4 and 8 are handled. A block that
 * is not 8-byte aligned, or not wholly in writable RAM, makes this an access that the device does
 * not handle: no call is made. */
#define AX_TEST_HYPERCALL 0x30

/* R: AX_TEST_IDENTITY_VALUE, "AXVMM" and the version of this protocol. */
#define AX_TEST_IDENTITY 0x38

/* W: an interrupt vector, 16..255. The host injects that interrupt into the vCPU that wrote,
 * before it enters the guest again; the guest takes it when it can. Without an irqchip this is
 * the CPU's interrupt line (no EOI); with the userspace local APIC it is a fixed, edge-triggered
 * interrupt of that APIC (IRR, ISR, EOI as usual). On arm64 and riscv64 any vector raises the CPU's
 * one interrupt line (IRQ; supervisor external), which stays up until the guest lowers it by writing
 * 0; on x86-64, where it falls by itself, 0 is not handled. Not for VMs with an in-kernel irqchip,
 * where the access is not handled. */
#define AX_TEST_RAISE 0x40

/* W: as RAISE, but from another thread, about 10 ms after the write (never before it
 * completes). */
#define AX_TEST_RAISE_LATER 0x48

/* W: a kick vector, 0..255. About 10 ms after the write another thread kicks the vCPU that wrote,
 * with this vector. */
#define AX_TEST_KICK_LATER 0x50

/* R: the id of the vCPU that reads (0 is the first one). */
#define AX_TEST_VCPU_ID 0x58

/* R: the last write into the PATTERN or STORE regions or the port window's PATTERN: its offset
 * (port writes: AX_TEST_WRITE_PORT + offset in the port window), its length in bytes, its value
 * zero-extended; and how many such writes there were. A write that KVM or the dispatcher cuts
 * into pieces (page crossing, or a length that is no access width) counts once for each piece. */
#define AX_TEST_WRITE_OFFSET 0x60
#define AX_TEST_WRITE_LENGTH 0x68
#define AX_TEST_WRITE_VALUE  0x70
#define AX_TEST_WRITE_COUNT  0x78
#define AX_TEST_WRITE_PORT   0x10000

/* R: how many MMIO writes to the READONLY region the host has seen; all ones where it does not
 * count them. */
#define AX_TEST_READONLY_WRITES 0x80

/* R: how many vCPUs the VM has. */
#define AX_TEST_VCPU_COUNT 0x88

/* RW: the guest-physical address of an 8-byte aligned 64-bit word in RAM, or zero. When a vCPU
 * has come out with ExternalInterrupt{vector}, the host stores AX_TEST_KICK_SEEN | vector there
 * before that vCPU enters again. A guest can so spin on its own memory, without any exit, until
 * it was kicked. Only 8-byte aligned addresses in writable RAM are taken; others read back as
 * zero. */
#define AX_TEST_KICK_WORD 0x90
#define AX_TEST_KICK_SEEN 0x100

#define AX_TEST_IDENTITY_VALUE 0x4158564d4d000001

/*
 * 3. The test device's data regions: every width at every offset is handled, and an access that
 * reaches from one of these regions into the next is handled byte by byte.
 *
 *   0x0100..0x0bff  PATTERN  a read gives AX_TEST_PATTERN_BYTE(offset) for each byte; a write
 *                            changes nothing, and is recorded in WRITE_*
 *   0x0c00..0x13ff  STORE    plain bytes of storage, across the page border at 0x1000; a write is
 *                            recorded in WRITE_*, too
 *   0x1400..0x1fff  PATTERN  as above
 *
 * The pattern's top bit is set in the bytes whose offset has it clear, so that sign extension
 * shows: 0x100 reads 0x80, 0x180 reads 0x00.
 */
#define AX_TEST_PATTERN		     0x0100
#define AX_TEST_STORE		     0x0c00
#define AX_TEST_PAGE_BORDER	     0x1000
#define AX_TEST_PATTERN_HIGH	     0x1400
#define AX_TEST_PATTERN_BYTE(offset) (((offset) ^ 0x80) & 0xff)

/*
 * 4. Hypercalls
 *
 * A hypercall block is 64 bytes of guest RAM, 8-byte aligned. Its address is written to
 * AX_TEST_HYPERCALL or AX_TEST_PORT_HYPERCALL. This route works on every KVM; where KVM can, the
 * same calls arrive by the CPU's own instruction. On x86-64, 64-bit mode, by Xen's convention
 * (KVM_XEN_HVM_CONFIG_INTERCEPT_HCALL): number in rax, arguments in rdi, rsi, rdx, r10, r8, r9,
 * result in rax; MAP_GPA_RANGE by KVM's own: number in rax, arguments in rbx, rcx, rdx, result in
 * rax.
 *
 * What the test host answers:
 *   SUM            args[0] + 2 * args[1] + 3 * args[2] + 4 * args[3] + 5 * args[4] + 6 * args[5],
 *                  modulo 2^64, so that a lost or exchanged argument shows
 *   MAP_GPA_RANGE  args[0] + 2 * args[1] + 3 * args[2] (the other arguments are not delivered)
 *   others         AX_TEST_HYPERCALL_UNKNOWN, -1000 as a 64-bit number; by the CPU's own instruction
 *                  on arm64 and riscv64 what their conventions say instead (sections 9 and 10)
 * Xen's convention reaches the host from ring 3, too; there the host refuses any number with
 * AX_TEST_HYPERCALL_REFUSED, -1, and calls no handler.
 * Source of number 12, of -1000 (KVM_ENOSYS) and of -1 (KVM_EPERM): include/uapi/linux/kvm_para.h.
 */
#define AX_TEST_HYPERCALL_NR   0x00
#define AX_TEST_HYPERCALL_ARGS 0x08
#define AX_TEST_HYPERCALL_RET  0x38
#define AX_TEST_HYPERCALL_SIZE 0x40

#define AX_TEST_HYPERCALL_SUM		0x41580001
#define AX_TEST_HYPERCALL_MAP_GPA_RANGE 12
#define AX_TEST_HYPERCALL_UNKNOWN	0xfffffffffffffc18
#define AX_TEST_HYPERCALL_REFUSED	0xffffffffffffffff

/*
 * 5. x86-64: the port window, for modes that cannot reach the device's address
 *
 * Offsets from AX_TEST_PORT_BASE. The offset at which an access starts says which register it is
 * for. SYNC, FAIL, DONE and HYPERCALL take writes of 1, 2 or 4 bytes at their own offset
 * (HYPERCALL only 4) and read as zero; SCRATCH and PATTERN take accesses of 1, 2 or 4 bytes that
 * stay inside them; any other access is not handled. All share the state of the registers of the
 * same name in section 2, except SCRATCH, which is storage of its own.
 */
#define AX_TEST_PORT_BASE 0x560
#define AX_TEST_PORT_SIZE 0x20

#define AX_TEST_PORT_SYNC 0x00
#define AX_TEST_PORT_FAIL 0x04
#define AX_TEST_PORT_DONE 0x08

/* RW: four bytes of plain storage. */
#define AX_TEST_PORT_SCRATCH 0x0c

/* Eight ports. A read gives AX_TEST_PATTERN_BYTE(offset in the window) for each byte: 0x90..0x97.
 * A write changes nothing, and is recorded in WRITE_*. */
#define AX_TEST_PORT_PATTERN	  0x10
#define AX_TEST_PORT_PATTERN_SIZE 0x08

/* RW, widths 1, 2 and 4, string instructions too. A write appends one element of its width. A
 * read takes the oldest element. A read whose width is not that element's takes it, too, and
 * gives all ones, as does a read when there is none. Elements beyond the limit are dropped. */
#define AX_TEST_PORT_FIFO  0x18
#define AX_TEST_FIFO_LIMIT 256

/* W: the address of a hypercall block below 4 GiB. */
#define AX_TEST_PORT_HYPERCALL 0x1c

/*
 * 6. x86-64: model-specific registers of the test host
 *
 * 0x4158xxxx ("AX") is nobody's: processors implement 0x0000xxxx, 0xc000xxxx and 0xc001xxxx; Xen
 * and Hyper-V use 0x400000xx and up (Hyper-V's synthetic registers stay below 0x40001000), KVM's
 * own paravirtual registers are 0x11, 0x12 and 0x4b564dxx.
 *
 *   +0..+7   RW  64 bits of storage each, shared by all vCPUs
 *   +8       R   AX_TEST_IDENTITY_VALUE; a write is refused: #GP in the guest
 *   +9..+15      accesses are refused: #GP in the guest
 * AX_TEST_MSR_UNCLAIMED has no handler at all. The default for it is #GP in the guest, too.
 */
#define AX_TEST_MSR_BASE	  0x41580000
#define AX_TEST_MSR_COUNT	  16
#define AX_TEST_MSR_STORAGE_COUNT 8
#define AX_TEST_MSR_IDENTITY	  0x41580008
#define AX_TEST_MSR_REFUSED	  0x41580009
#define AX_TEST_MSR_UNCLAIMED	  0x41580100

/*
 * 7. x86-64: ports of other devices that guests use
 */

/* QEMU's isa-debug-exit: writing v stops the VM; the host's exit status is (v << 1) | 1. */
#define AX_PORT_DEBUG_EXIT 0xf4

/* Debug consoles: each byte written is one character of output. Reading the first gives 0xe9
 * where it is present (Bochs); the second is SeaBIOS's and OVMF's. */
#define AX_PORT_DEBUGCON_BOCHS 0xe9
#define AX_PORT_DEBUGCON       0x402

/* 16550A serial port COM1; its interrupt is ISA 4. */
#define AX_PORT_COM1 0x3f8

/* i8042 command port: 0xfe pulses the reset line. Reset control register: 0x06 is a full reset. */
#define AX_PORT_I8042	      0x64
#define AX_PORT_RESET_CONTROL 0xcf9

/*
 * 8. Fixed places in some guests: offsets from their load address
 *
 * BENCH_COUNT  bench-*: a 64-bit number below 2^32, how often the loop runs, at least once; a host
 *              may change it before it starts the guest. bench-irq: how many interrupts it has taken,
 *              for the host to look at
 * BENCH_BASE, BENCH_STRIDE, BENCH_NUMBER
 *              bench-sweep: it writes to this many addresses in turn, from the first on, this far
 *              apart. 64-bit numbers; all but the stride are not 0
 * BENCH_ARG    bench-sweep: not 0: the CPU's argument (x86-64 edi, arm64 x0, riscv64 a1) is added to
 *              the base
 * FLOOD_KIB    flood: a 64-bit number below 2^22, likewise: how many KiB of text it prints
 * HWBREAK      hwbreak: the instruction on which the host sets an execution breakpoint
 * HOSTILE_*    hostile: 64-bit numbers
 *   SEED       not 0; all that the guest does is a function of it
 *   STEPS      how many steps it makes before DONE with code 0, at least 1
 *   FLAGS      AX_HOSTILE_*; none of them in the image
 *   PAGE       the guest-physical page, by number, that its sweep of the hole goes on with; the
 *              guest begins anew where the number lies outside the hole, and moves it on
 *   MADE       how many steps it has made, counted by the guest
 *   SWEPT      how many pages its sweep has accessed, counted by the guest
 *              A host may change the first four before it starts the guest, and look at all.
 */
#define AX_GUEST_BENCH_COUNT   0x08
#define AX_GUEST_BENCH_BASE    0x10
#define AX_GUEST_BENCH_STRIDE  0x18
#define AX_GUEST_BENCH_NUMBER  0x20
#define AX_GUEST_BENCH_ARG     0x28
#define AX_GUEST_FLOOD_KIB     0x08
#define AX_GUEST_HWBREAK       0x100
#define AX_GUEST_HOSTILE_SEED  0x08
#define AX_GUEST_HOSTILE_STEPS 0x10
#define AX_GUEST_HOSTILE_FLAGS 0x18
#define AX_GUEST_HOSTILE_PAGE  0x20
#define AX_GUEST_HOSTILE_MADE  0x28
#define AX_GUEST_HOSTILE_SWEPT 0x30

/* Also what may end it or the VM, or have it hang: for a host that starts it again. */
#define AX_HOSTILE_DEADLY 0x1
/* Also hypercalls by the CPU's own instruction: for a KVM that comes back from them. */
#define AX_HOSTILE_CALLS 0x2
/* With DEADLY: also instructions of random bytes, for a KVM that does not interpret them. */
#define AX_HOSTILE_CODE 0x4
/* Nothing but the sweep of the hole. */
#define AX_HOSTILE_SWEEP 0x8

/*
 * 9. arm64: hypercalls by HVC or SMC, where the host has AX_HYPERCALL_TRAP
 *
 * The function ID in w0 is a fast 64-bit call to the vendor specific hypervisor service, the
 * arguments are in x1 to x6, the result is in x0; x1 and up are kept. SUM is section 4's. Any other
 * function of that service, in its 32-bit form as well, is answered with SMCCC's NOT_SUPPORTED.
 * Source: Arm SMC Calling Convention, DEN0028, 2.5 (function IDs), 5.2 (results), 6.2.
 */
#define AX_TEST_SMCCC_SUM	    0xc6004158
#define AX_TEST_SMCCC_UNKNOWN	    0xc6004159
#define AX_TEST_SMCCC_UNKNOWN_32    0x86004158
#define AX_TEST_SMCCC_NOT_SUPPORTED 0xffffffffffffffff

/*
 * 10. riscv64: hypercalls by SBI calls, where the host has AX_HYPERCALL_TRAP
 *
 * The extension, in a7, is of the experimental range 0x08000000 to 0x08ffffff, which KVM forwards.
 * The function, in a6, is a number of section 4; the arguments are in a0 to a5. a0 becomes the error
 * (0; SBI_ERR_NOT_SUPPORTED, -2, for numbers but SUM) and a1 the result. BASE's probe of the
 * extension (0x10, function 3) gives 1.
 *
 * AX_SBI_EXT_HSM, "AXH", has the functions of HSM (0x48534d), for hosts that do not leave starting
 * and stopping harts to KVM: AX_POWER_USER in axvmm/vm.h. It is there whenever that is.
 * Source: RISC-V Supervisor Binary Interface Specification, chapters 3, 4 and 9.
 */
#define AX_TEST_SBI_EXT		  0x08415800
#define AX_TEST_SBI_EXT_UNKNOWN	  0x08415801
#define AX_TEST_SBI_NOT_SUPPORTED 0xfffffffffffffffe
#define AX_SBI_EXT_HSM		  0x08415848

/*
 * 11. riscv64: the CSRs that KVM leaves to its user
 *
 *   seed    R   AX_TEST_SEED_VALUE: 16 bits of no entropy at all, valid. Where the vCPU has Zkr
 *   stopei  R   AX_TEST_STOPEI_VALUE: interrupt 5 is always pending. Where it has Ssaia, and KVM no
 *               AIA of its own; as the next
 *   sireg   RW  64 bits of storage, shared by all vCPUs, whatever siselect names
 * Writes of the first two are taken and change nothing.
 */
#define AX_TEST_CSR_SEED     0x015
#define AX_TEST_CSR_SIREG    0x151
#define AX_TEST_CSR_STOPEI   0x15c
#define AX_TEST_SEED_VALUE   0x80004158
#define AX_TEST_STOPEI_VALUE 0x00050005

#ifndef __ASSEMBLER__

#include <stdint.h>

struct ax_test_hypercall {
	uint64_t nr;
	uint64_t args[6];
	uint64_t ret;
};

_Static_assert(sizeof(struct ax_test_hypercall) == AX_TEST_HYPERCALL_SIZE, "block layout");

#endif /* __ASSEMBLER__ */

#endif /* AXVMM_GUESTS_ABI_H */
