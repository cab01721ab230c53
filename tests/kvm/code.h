/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Small pieces of guest code on the core alone, without the machine: for tests that look at every
 * exit themselves. The architecture's folder has the code (code.S) and how a vCPU begins it.
 *
 * All pieces run with paging or its like on, so that addresses of every piece of RAM and of every
 * device are the physical ones, and with CODE_MAILBOX + 256 * id, the vCPU's own mailbox, in the
 * first argument register. A mailbox is 32 words of 64 bits that both sides read and write.
 */
#ifndef AXVMM_TESTS_KVM_CODE_H
#define AXVMM_TESTS_KVM_CODE_H

#ifndef __ASSEMBLER__

#include "kvm_test.h"

/* A piece of code: position independent, begins at its first byte. */
struct code {
	const uint8_t *bytes;
	const uint8_t *end;
};

#define CODE(name)	   ((struct code){ code_##name, code_##name##_end })
#define CODE_DECLARE(name) extern const uint8_t code_##name[], code_##name##_end[]

/* Accesses of every kind and width; adds up what it reads. Ends with a write to CODE_END. */
CODE_DECLARE(tour);
/*
 * Its exits in order, as in "read mmio+0x0 len 1", "out port+0 width 2 count 3", "call NR ARG0
 * ARG5"; ends with NULL.
 */
extern const char *const code_tour_exits[];
/* Adds 1 to word 0 of its mailbox for ever, without an exit. */
CODE_DECLARE(spin);
/* Adds 1 to word 0 and writes it to the MMIO address in word 1, 4 bytes, for ever. */
CODE_DECLARE(write_mmio);
/* As write_mmio, but writes word 2 times, then ends with a write to CODE_END. */
CODE_DECLARE(write_some);
/*
 * Reads 4 bytes of each page from word 1 up to word 2 and writes them back, for ever; adds 1 to
 * word 0 a round.
 */
CODE_DECLARE(sweep);
/*
 * Takes interrupts: halts with interrupts on, for ever. Each vector from CODE_VECTOR to CODE_VECTOR
 * + 3 adds 1 to word 4 + number, and word 0 counts the returns from halting. Word 1 says who
 * delivers them, an enum code_irqchip. Word 3 becomes 1 when it is ready.
 */
CODE_DECLARE(halt);
/*
 * Copies word 3 words from the address in word 1 to the address in word 2, then writes to CODE_END.
 */
CODE_DECLARE(copy);

/*
 * Stores word 2 at the address in word 1, with the width in word 3; CODE_STORE_PORT: to a port.
 * Then CODE_END.
 */
CODE_DECLARE(store);
/* Plain instructions. Where each begins, in the order in which they are executed; ends with -1. */
CODE_DECLARE(steps);
extern const int32_t code_steps_offsets[];
/*
 * Reads and writes, of which each makes one exit; where the next instruction begins; ends with -1.
 */
CODE_DECLARE(accesses);
extern const int32_t code_accesses_ends[];

/* Word 1 of "halt". */
enum code_irqchip { CODE_IRQCHIP_NONE = 0, CODE_IRQCHIP_USER = 1, CODE_IRQCHIP_KERNEL = 2 };

#define MAILBOX_WORDS 32

struct code_vm {
	AxVm *vm;
	AxVCpu *vcpu;	   /* the first */
	uint64_t *mailbox; /* of the first vCPU; the others' follow */
	AxMemView view;
};

/*
 * A VM with CODE_RAM_SIZE of RAM at CODE_RAM and one vCPU in state Free that begins @code.
 *
 * @param options  NULL: all defaults
 */
void code_open(struct code_vm *vm, const AxVmOptions *options, struct code code);
/* The same in two steps, for what comes before the first vCPU: RAM and code; then the vCPU. */
void code_open_vm(struct code_vm *vm, const AxVmOptions *options, struct code code);
void code_add_vcpu(struct code_vm *vm, uint32_t id);
void code_close(struct code_vm *vm);

/* (Re)start a vCPU at the code's beginning: in state Created or Free. */
void code_restart(AxVCpu *vcpu);

/* The words of a vCPU's mailbox, which the guest changes at any time. */
uint64_t code_word(const struct code_vm *vm, uint32_t id, unsigned word);
void code_set_word(struct code_vm *vm, uint32_t id, unsigned word, uint64_t value);
/* Wait until the word is at least @value; fails the test after ten seconds. */
void code_wait_word(const struct code_vm *vm, uint32_t id, unsigned word, uint64_t value);

/* The architecture's: how a vCPU begins the code, and what has to be in RAM for that. */
void code_arch_fill_ram(AxVm *vm);
void code_arch_setup(uint32_t id, AxVCpuSetup *setup);

/*
 * The architecture's VMs that bring about exits which no embedded guest does, named as in a table;
 * ends with name NULL. Each ends with a write to CODE_END when it is run as a whole.
 */
struct code_producer {
	const char *name;
	void (*open)(struct code_vm *vm);
};
extern const struct code_producer code_producers[];

/*
 * Whether an access that begins in RAM and ends outside makes an exit of the part outside. Elsewhere
 * it is one that no program makes: KVM takes it for a whole one outside (arm64), or gives up (riscv64).
 */
extern const bool code_splits_at_ram_end;

/* The name of the program counter. */
extern const char code_pc[];

#endif /* __ASSEMBLER__ */

/*
 * Where things are. An MMIO range and 64 ports belong to the tests; the range is below 1 MiB, so
 * that every mode of every processor reaches it. Above it all there is room for more.
 */
#define CODE_RAM	  0
#define CODE_RAM_SIZE	  0x80000
#define CODE_START	  0x1000
#define CODE_MAILBOX	  0x4000
#define CODE_MAILBOX_SIZE 0x1000
#define CODE_SCRATCH	  0x5000 /* a page for the code's own use */
#define CODE_MMIO	  0xa0000
#define CODE_MMIO_SIZE	  0x20000
#define CODE_MMIO_ABOVE	  0xfe000000
#define CODE_PORT	  0x700

/* Offsets in the MMIO range. */
#define CODE_END       0x3000 /* a write here ends the code */
#define CODE_RESULT    0x3008 /* takes the sum of what was read */
#define CODE_CLAIMED   0x8000 /* bytes that a test's range has, from the start */
#define CODE_UNCLAIMED 0x8000 /* nobody answers here */
#define CODE_HYPERCALL 0x9000 /* the block route */

#define CODE_STORE_PORT 0x100

/* The interrupt lines of "halt" and the vectors on which they arrive (axvmm/irq.h). */
#define CODE_GSI    4
#define CODE_VECTOR (0x20 + CODE_GSI)

#endif
