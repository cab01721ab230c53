/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The arm64 board: QEMU's virt, as far as devices exist here, and the test device.
 */
#include <errno.h>
#include <stdlib.h>

#include <axvmm/gpio.h>
#include <axvmm/memory.h>
#include <axvmm/rtc.h>
#include <axvmm/vm.h>

#include "guests/abi.h"
#include "machine/arm64/board.h"
#include "machine/fdt.h"

/* Where src/arch/arm64 has KVM's GIC. */
#define GIC_DISTRIBUTOR	     0x08000000
#define GIC_DISTRIBUTOR_SIZE 0x10000
#define GIC_CPU_INTERFACE    0x08010000
#define GIC_REDISTRIBUTORS   0x080a0000
#define GIC_END		     0x09000000

/* As QEMU's board has them. */
#define PRIMECELL_SIZE 0x1000
#define PL011_BASE     0x09000000
#define PL011_SPI      1
#define PL031_BASE     0x09010000
#define PL031_SPI      2
#define PL061_BASE     0x09030000
#define PL061_SPI      7
#define POWER_PIN      3

#define VIRTIO_BASE   0x0a000000
#define VIRTIO_STRIDE 0x200
#define VIRTIO_LINE   16
#define VIRTIO_SLOTS  32

static const struct board_place places[] = {
	{ AX_SPACE_MMIO, GIC_DISTRIBUTOR, GIC_END - GIC_DISTRIBUTOR, "gic" },
	{ AX_SPACE_MMIO, PL011_BASE, PRIMECELL_SIZE, "pl011" },
	{ AX_SPACE_MMIO, PL031_BASE, PRIMECELL_SIZE, "rtc" },
	{ AX_SPACE_MMIO, PL061_BASE, PRIMECELL_SIZE, "gpio" },
	{ AX_SPACE_MMIO, AX_TEST_BASE_ARM64, AX_TEST_SIZE, "testdev" },
	{ AX_SPACE_MMIO, VIRTIO_BASE, VIRTIO_SLOTS *VIRTIO_STRIDE, "virtio" },
};

const struct board board = {
	.serial = { SERIAL_PL011, AX_SPACE_MMIO, PL011_BASE, "pl011" },
	.serial_line = PL011_SPI,
	.test_base = AX_TEST_BASE_ARM64,
	.virtio = { VIRTIO_BASE, VIRTIO_STRIDE, VIRTIO_LINE, VIRTIO_SLOTS },
	.load_firmware = arm64_load_firmware,
	.places = places,
	.place_count = sizeof(places) / sizeof(places[0]),
};

struct board_devices {
	AxPl031 *rtc;
	AxPl061 *gpio;
};

int board_add_ram(AxVm *vm, uint64_t size, unsigned flags, AxError *err)
{
	return ax_ram_add(vm, RAM_BASE, size, flags, err);
}

/* Interrupts between CPUs and the timer's need a GIC. */
uint32_t board_irqchip(const AxMachineOptions *options)
{
	return options->irqchip == AX_MACHINE_IRQCHIP_AUTO ? AX_IRQCHIP_KERNEL : options->irqchip;
}

uint32_t board_irqchip_instead(uint32_t missing)
{
	return missing;
}

uint32_t board_power(const AxMachineOptions *options)
{
	return options->power;
}

/* KVM hands no system register over. */
int board_add_sys_regs(AxMachine *machine, AxError *err)
{
	return 0;
}

static struct tree_desc describe(const AxMachine *machine, const AxRamRange *ram)
{
	return (struct tree_desc){
		.machine = AX_IMAGE_FOR_ARM64,
		.cpus = machine->cpus,
		.ram = ram,
		.ram_count = 1,
		.uart_base = PL011_BASE,
		.uart_irq = PL011_SPI,
		.rtc_base = PL031_BASE,
		.rtc_irq = PL031_SPI,
		.test_base = AX_TEST_BASE_ARM64,
		.test_size = AX_TEST_SIZE,
		.virtio_base = VIRTIO_BASE,
		.virtio_size = VIRTIO_STRIDE,
		.virtio_irq = VIRTIO_LINE,
		.virtio_count = machine->device_count,
		.arm64 = {
			.gic = ax_irq_version(machine->vm),
			.gic_distributor = GIC_DISTRIBUTOR,
			.gic_cpu_interface = GIC_CPU_INTERFACE,
			.gic_redistributors = GIC_REDISTRIBUTORS,
			.psci_method = "hvc",
			.gpio_base = PL061_BASE,
			.gpio_irq = PL061_SPI,
			.power_pin = POWER_PIN,
		},
	};
}

int board_tree(AxMachine *machine, void **tree, size_t *len, AxError *err)
{
	const AxRamRange ram = { RAM_BASE, machine->memory };
	const struct tree_desc desc = describe(machine, &ram);

	return tree_new(&desc, tree, len, err);
}

int board_spoil_entry(AxVCpu *vcpu, AxError *err)
{
	return ax_error_set(err, -ENOTSUP, AX_ERROR_UNSUPPORTED, 0,
			    "no register of an arm64 CPU keeps it from being entered");
}

uint32_t board_secondary_flags(uint32_t irqchip)
{
	return AX_SETUP_POWERED_OFF;
}

static int attach_rtc(AxMachine *machine, AxError *err)
{
	struct board_devices *own = machine->board;
	AxRtcConfig config = AX_RTC_CONFIG_INIT;
	AxIrq irq;
	int ret;

	config.host = machine->host;
	ret = ax_pl031_new(&config, &own->rtc, err);
	if (!ret)
		ret = board_irq(machine, PL031_SPI, &irq, err);
	return ret ? ret : ax_pl031_attach(own->rtc, machine->vm, PL031_BASE, &irq, err);
}

static int attach_gpio(AxMachine *machine, AxError *err)
{
	struct board_devices *own = machine->board;
	AxPl061Config config = AX_PL061_CONFIG_INIT;
	AxIrq irq;
	int ret;

	config.host = machine->host;
	ret = ax_pl061_new(&config, &own->gpio, err);
	if (!ret)
		ret = board_irq(machine, PL061_SPI, &irq, err);
	return ret ? ret : ax_pl061_attach(own->gpio, machine->vm, PL061_BASE, &irq, err);
}

int board_attach(AxMachine *machine, AxError *err)
{
	int ret;

	machine->board = calloc(1, sizeof(*machine->board));
	if (!machine->board)
		return ax_error_set(err, -ENOMEM, AX_ERROR_RESOURCE, 0,
				    "no memory for the board's devices");
	ret = attach_rtc(machine, err);
	return ret ? ret : attach_gpio(machine, err);
}

void board_detach(AxMachine *machine)
{
	struct board_devices *own = machine->board;

	if (!own)
		return;
	if (own->gpio)
		ax_pl061_detach(own->gpio, NULL);
	if (own->rtc)
		ax_pl031_detach(own->rtc, NULL);
	ax_pl061_free(own->gpio);
	ax_pl031_free(own->rtc);
	free(own);
	machine->board = NULL;
}

int board_irq(AxMachine *machine, uint32_t line, AxIrq *irq, AxError *err)
{
	return ax_irq_get(machine->vm, line, irq, err);
}

/* How the guest ends is PSCI's. */
bool board_verdict(const AxMachine *machine, AxMachineResult *result)
{
	return false;
}

uint32_t board_trigger(const AxMachine *machine)
{
	return AX_VIRTIO_EDGE;
}

int board_power_button(AxMachine *machine, AxError *err)
{
	if (machine->irqchip != AX_IRQCHIP_KERNEL)
		return ax_error_set(err, -ENOTSUP, AX_ERROR_UNSUPPORTED, 0,
				    "without a GIC nobody would hear of the power button");
	return ax_pl061_press(machine->board->gpio, POWER_PIN, err);
}

int board_acpi_tables(const AxMachine *machine, const void **tables, size_t *len, AxError *err)
{
	return ax_error_set(err, -ENOTSUP, AX_ERROR_UNSUPPORTED, 0,
			    "this machine has no ACPI tables: its guest has a device tree");
}
