/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The x86-64 board: QEMU's microvm, as far as devices exist here, and the test device.
 */
#include <errno.h>
#include <stdlib.h>

#include <axvmm/memory.h>

#include "guests/abi.h"
#include "machine/machine.h"
#include "machine/x86_64/acpi.h"
#include "machine/x86_64/pc.h"

#define GIB (1ULL << 30)

/* Below 4 GiB the last GiB belongs to devices: QEMU's microvm has its hole from 3 GiB on, too. */
#define LOW_RAM_MAX   (3 * GIB)
#define HIGH_RAM_BASE (4 * GIB)

/* L and D/B together: SDM 3C, 27.3.1.2, checks on guest segment registers. */
#define CS_BAD_RIGHTS 0x6000u

#define COM1_GSI	 4
#define COM1_PORTS	 8
#define DEBUG_EXIT_PORTS 4
#define LAPIC_BASE	 0xfee00000
#define IOAPIC_BASE	 0xfec00000
#define APIC_SIZE	 0x1000

/* As QEMU's board has them. */
#define VIRTIO_BASE   0xfeb00000
#define VIRTIO_STRIDE 0x200
#define VIRTIO_LINE   16
#define VIRTIO_SLOTS  8

static const struct board_place places[] = {
	{ AX_SPACE_PORT, 0x60, 1, "i8042" },
	{ AX_SPACE_PORT, AX_PORT_I8042, 1, "i8042" },
	{ AX_SPACE_PORT, 0x92, 1, "reset" },
	{ AX_SPACE_PORT, AX_PORT_DEBUGCON_BOCHS, 1, "debugcon" },
	{ AX_SPACE_PORT, AX_PORT_DEBUG_EXIT, DEBUG_EXIT_PORTS, "debug-exit" },
	{ AX_SPACE_PORT, AX_PORT_COM1, COM1_PORTS, "com1" },
	{ AX_SPACE_PORT, AX_PORT_DEBUGCON, 1, "debugcon" },
	{ AX_SPACE_PORT, AX_TEST_PORT_BASE, AX_TEST_PORT_SIZE, "testdev" },
	{ AX_SPACE_PORT, AX_PORT_RESET_CONTROL, 1, "reset" },
	{ AX_SPACE_MMIO, AX_TEST_BASE_X86_64, AX_TEST_SIZE, "testdev" },
	{ AX_SPACE_MMIO, VIRTIO_BASE, VIRTIO_SLOTS *VIRTIO_STRIDE, "virtio" },
	{ AX_SPACE_PORT, 0x70, 2, "cmos" },
	{ AX_SPACE_MMIO, 0xfea00000, APIC_SIZE, "acpi" },
	{ AX_SPACE_MMIO, IOAPIC_BASE, APIC_SIZE, "ioapic" },
	{ AX_SPACE_MMIO, LAPIC_BASE, APIC_SIZE, "lapic" },
};

static int write_pc_tables(AxMachine *machine, AxGuestPhysAddr *rsdp, AxError *err);

const struct board board = {
	.serial = { SERIAL_16550A, AX_SPACE_PORT, AX_PORT_COM1, "com1" },
	.serial_line = COM1_GSI,
	.test_base = AX_TEST_BASE_X86_64,
	.test_port = AX_TEST_PORT_BASE,
	.virtio = { VIRTIO_BASE, VIRTIO_STRIDE, VIRTIO_LINE, VIRTIO_SLOTS },
	.write_tables = write_pc_tables,
	.places = places,
	.place_count = sizeof(places) / sizeof(places[0]),
};

struct board_devices {
	AxDebugExit *debug_exit;
	AxResetDev *reset;
	AxDebugCon *debugcon;
	struct pc pc; /* where KVM has the local APICs */
};

/* Made when the first thing of the board is. */
static struct board_devices *own_devices(AxMachine *machine, AxError *err)
{
	if (!machine->board)
		machine->board = calloc(1, sizeof(*machine->board));
	if (!machine->board)
		ax_error_set(err, -ENOMEM, AX_ERROR_RESOURCE, 0,
			     "no memory for the board's devices");
	return machine->board;
}

static int write_pc_tables(AxMachine *machine, AxGuestPhysAddr *rsdp, AxError *err)
{
	struct board_devices *own = own_devices(machine, err);

	if (!own)
		return -ENOMEM;
	return pc_is(machine) ? pc_write_tables(&own->pc, machine, rsdp, err) : 0;
}

int board_add_ram(AxVm *vm, uint64_t size, unsigned flags, AxError *err)
{
	uint64_t low = size < LOW_RAM_MAX ? size : LOW_RAM_MAX;
	int ret;

	ret = ax_ram_add(vm, 0, low, flags, err);
	if (ret || low == size)
		return ret;
	return ax_ram_add(vm, HIGH_RAM_BASE, size - low, flags, err);
}

uint32_t board_irqchip(const AxMachineOptions *options)
{
	if (options->irqchip != AX_MACHINE_IRQCHIP_AUTO)
		return options->irqchip;
	if (pc_is_needed(options))
		return AX_IRQCHIP_KERNEL;
	return options->cpus > 1 ? AX_IRQCHIP_USER : AX_IRQCHIP_NONE;
}

uint32_t board_irqchip_instead(uint32_t missing)
{
	return missing == AX_IRQCHIP_KERNEL ? AX_IRQCHIP_SPLIT : missing;
}

uint32_t board_power(const AxMachineOptions *options)
{
	return options->power;
}

int board_add_sys_regs(AxMachine *machine, AxError *err)
{
	return testhost_add_sys_regs(&machine->testhost, machine->vm, AX_TEST_MSR_BASE, err);
}

int board_tree(AxMachine *machine, void **tree, size_t *len, AxError *err)
{
	*tree = NULL;
	*len = 0;
	return 0;
}

int board_irq(AxMachine *machine, uint32_t line, AxIrq *irq, AxError *err)
{
	return pc_irq(&machine->board->pc, machine, line, irq, err);
}

int board_spoil_entry(AxVCpu *vcpu, AxError *err)
{
	uint64_t rights;
	int ret = ax_vcpu_get_reg(vcpu, "cs.rights", &rights, err);

	return ret ? ret : ax_vcpu_set_reg(vcpu, "cs.rights", rights | CS_BAD_RIGHTS, err);
}

uint32_t board_secondary_flags(uint32_t irqchip)
{
	/* With KVM's own local APICs a vCPU waits for its SIPI inside KVM. */
	return irqchip == AX_IRQCHIP_KERNEL || irqchip == AX_IRQCHIP_SPLIT ? 0
									   : AX_SETUP_POWERED_OFF;
}

int board_attach(AxMachine *machine, AxError *err)
{
	AxDebugConConfig debugcon = AX_DEBUGCON_CONFIG_INIT;
	struct board_devices *own = own_devices(machine, err);
	int ret;

	if (!own)
		return -ENOMEM;
	ret = ax_debug_exit_new(NULL, &own->debug_exit, err);
	if (!ret)
		ret = ax_debug_exit_attach(own->debug_exit, machine->vm, AX_DEBUG_EXIT_PORT, err);
	if (!ret)
		ret = ax_resetdev_new(NULL, &own->reset, err);
	if (!ret)
		ret = ax_resetdev_attach(own->reset, machine->vm, err);
	if (ret)
		return ret;

	debugcon.output = ax_console_sink(machine->console);
	ret = ax_debugcon_new(&debugcon, &own->debugcon, err);
	if (!ret)
		ret = ax_debugcon_attach(own->debugcon, machine->vm, err);
	if (!ret && pc_is(machine))
		ret = pc_attach(&own->pc, machine, err);
	return ret;
}

void board_detach(AxMachine *machine)
{
	struct board_devices *own = machine->board;

	if (!own)
		return;
	pc_detach(&own->pc);
	if (own->debugcon)
		ax_debugcon_detach(own->debugcon, NULL);
	if (own->reset)
		ax_resetdev_detach(own->reset, NULL);
	if (own->debug_exit)
		ax_debug_exit_detach(own->debug_exit, NULL);
	ax_debugcon_free(own->debugcon);
	ax_resetdev_free(own->reset);
	ax_debug_exit_free(own->debug_exit);
	free(own);
	machine->board = NULL;
}

bool board_verdict(const AxMachine *machine, AxMachineResult *result)
{
	AxResetRoute route = ax_resetdev_route(machine->board->reset);
	AxAcpiPowerEnd end = machine->board->pc.power ? ax_acpi_power_end(machine->board->pc.power)
						      : AX_ACPI_POWER_RUNS;
	int code;

	if (ax_debug_exit_result(machine->board->debug_exit, &code)) {
		result->end = AX_MACHINE_CODE;
		result->code = (uint32_t)code;
		return true;
	}
	if (end == AX_ACPI_POWER_OFF) {
		result->end = AX_MACHINE_POWER_OFF;
		return true;
	}
	if (end == AX_ACPI_POWER_RESTART)
		route = AX_RESET_ACPI;
	if (route != AX_RESET_NONE) {
		result->end = AX_MACHINE_RESET;
		result->reset = route;
		return true;
	}
	return false;
}

uint32_t board_trigger(const AxMachine *machine)
{
	return AX_VIRTIO_EDGE;
}

int board_power_button(AxMachine *machine, AxError *err)
{
	AxAcpiPower *power = machine->board->pc.power;

	if (!power)
		return ax_error_set(err, -ENOTSUP, AX_ERROR_UNSUPPORTED, 0,
				    "this machine has no power button: it has one with KVM's local "
				    "APICs (AX_IRQCHIP_KERNEL, AX_IRQCHIP_SPLIT)");
	ax_acpi_power_press(power);
	return 0;
}

int board_acpi_tables(const AxMachine *machine, const void **tables, size_t *len, AxError *err)
{
	const struct pc *pc = &machine->board->pc;

	if (!pc->tables)
		return ax_error_set(err, -ENOTSUP, AX_ERROR_UNSUPPORTED, 0,
				    "this machine has no ACPI tables: it has them with KVM's local "
				    "APICs (AX_IRQCHIP_KERNEL, AX_IRQCHIP_SPLIT) and 1 MiB of RAM");
	*tables = pc->tables + ACPI_TABLES_OFFSET;
	*len = pc->tables_len;
	return 0;
}
