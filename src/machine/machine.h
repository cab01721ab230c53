/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A machine's inside, and the seam to the board that the architecture's folder beside this file
 * describes.
 */
#ifndef AXVMM_MACHINE_MACHINE_H
#define AXVMM_MACHINE_MACHINE_H

#include <axvmm/machine.h>

#include "machine/load.h"
#include "machine/serial.h"
#include "machine/testhost.h"

struct board_devices; /* the board's own */

struct AxMachine {
	AxVm *vm;
	AxConsole *console;
	struct serial serial;
	AxTestDev *test;
	struct testhost testhost;
	struct board_devices *board;
	uint32_t irqchip; /* an AxIrqchip, as the VM has it */
	uint32_t cpus;
	uint64_t memory;       /* bytes */
	AxHost *host;	       /* for devices' timers; NULL: none */
	struct load_tree tree; /* the guest's device tree */
	AxVirtio **devices;    /* in slots 0, 1, ...; NULL: not attached yet */
	uint32_t device_count;
	struct replay_devices *replayed; /* a replay's devices; NULL */
};

/* Something at a fixed place of the board. */
struct board_place {
	AxSpace space;
	uint64_t base;
	uint64_t length;
	const char *name;
};

/* Where virtio devices go. */
struct board_slots {
	AxGuestPhysAddr base;
	uint64_t stride; /* bytes */
	uint32_t line;	 /* of board_irq(), of the first; the others follow */
	uint32_t count;
};

/* Where the board has what every board has. */
struct board {
	struct serial_place serial;
	uint32_t serial_line; /* of board_irq() */
	AxGuestPhysAddr test_base;
	uint32_t test_port; /* 0: no port window */
	struct board_slots virtio;
	/*
	 * Put firmware where the first CPU begins without an image, and the device tree
	 * (load->device_tree) where firmware looks for it: machine->tree; setup is filled. NULL: the
	 * board has no place for firmware, and its options always have an image.
	 */
	int (*load_firmware)(AxMachine *machine, const AxImageSource *firmware,
			     const AxLoadOptions *load, AxVCpuSetup *setup, AxError *err);
	/*
	 * Put tables that describe the machine into its RAM, before the image, and say where they are;
	 * *rsdp is 0 on entry. NULL: the board has none.
	 */
	int (*write_tables)(AxMachine *machine, AxGuestPhysAddr *rsdp, AxError *err);
	const struct board_place *places;
	size_t place_count;
};

extern const struct board board;

/* The AxIrqchip that the VM gets for what AxMachineOptions says; the image is there to be looked at. */
uint32_t board_irqchip(const AxMachineOptions *options);

/* With AX_MACHINE_IRQCHIP_AUTO: what would do instead where KVM lacks @missing; @missing: nothing. */
uint32_t board_irqchip_instead(uint32_t missing);

/* The AxPower that the VM gets; the image is there to be looked at. */
uint32_t board_power(const AxMachineOptions *options);

/* Give the VM @size bytes of RAM where the board has it, with AX_RAM_* flags. */
int board_add_ram(AxVm *vm, uint64_t size, unsigned flags, AxError *err);

/* Serve the system registers of guests/abi.h, where the architecture has some. */
int board_add_sys_regs(AxMachine *machine, AxError *err);

/*
 * The device tree of this machine, whose vCPUs are created: *tree is the caller's to free(). NULL
 * where there is none.
 */
int board_tree(AxMachine *machine, void **tree, size_t *len, AxError *err);

/* Put a vCPU that is set up into a state which processors refuse to enter. */
int board_spoil_entry(AxVCpu *vcpu, AxError *err);

/* How a vCPU other than the first waits for its start: AX_SETUP_* for its setup. */
uint32_t board_secondary_flags(uint32_t irqchip);

/*
 * Make and attach the devices that only this board has, its own interrupt controller first; detach
 * undoes it, also in part.
 */
int board_attach(AxMachine *machine, AxError *err);
void board_detach(AxMachine *machine);

/* A line into the interrupt controller, after board_attach(). */
int board_irq(AxMachine *machine, uint32_t line, AxIrq *irq, AxError *err);

/* An AxVirtioTrigger: what virtio devices' interrupts are on this machine. */
uint32_t board_trigger(const AxMachine *machine);

/* ax_machine_power_button() and ax_machine_acpi_tables(). */
int board_power_button(AxMachine *machine, AxError *err);
int board_acpi_tables(const AxMachine *machine, const void **tables, size_t *len, AxError *err);

/* What these devices say of the guest's end: true when they know it, with end and its members
 * filled. */
bool board_verdict(const AxMachine *machine, AxMachineResult *result);

#endif
