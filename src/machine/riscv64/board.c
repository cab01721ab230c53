/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The riscv64 board: QEMU's virt, as far as devices exist here, and the test device.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <axvmm/memory.h>
#include <axvmm/rtc.h>
#include <axvmm/vm.h>

#include "boot/image.h"
#include "guests/abi.h"
#include "machine/fdt.h"
#include "machine/machine.h"

#define RAM_BASE 0x80000000

#define FINISHER_BASE 0x00100000
#define FINISHER_SIZE 0x1000
#define RTC_BASE      0x00101000
#define RTC_SIZE      0x1000
#define RTC_SOURCE    11
#define PLIC_BASE     0x0c000000
#define PLIC_SOURCES  95
#define UART_BASE     0x10000000
#define UART_SIZE     8
#define UART_SOURCE   10

/* Where src/arch/riscv64 has KVM's AIA. */
#define APLIC_BASE    0x0d000000
#define APLIC_SIZE    0x8000
#define APLIC_SOURCES 96
#define IMSIC_BASE    0x28000000
#define IMSIC_SIZE    0x1000
#define IMSIC_IDS     255

/* As QEMU's board has them. */
#define VIRTIO_BASE   0x10001000
#define VIRTIO_STRIDE 0x1000
#define VIRTIO_LINE   1
#define VIRTIO_SLOTS  8

static const struct board_place places[] = {
	{ AX_SPACE_MMIO, FINISHER_BASE, FINISHER_SIZE, "finisher" },
	{ AX_SPACE_MMIO, RTC_BASE, RTC_SIZE, "rtc" },
	{ AX_SPACE_MMIO, PLIC_BASE, APLIC_BASE - PLIC_BASE, "plic" },
	{ AX_SPACE_MMIO, APLIC_BASE, APLIC_SIZE, "aplic" },
	{ AX_SPACE_MMIO, UART_BASE, UART_SIZE, "uart" },
	{ AX_SPACE_MMIO, AX_TEST_BASE_RISCV64, AX_TEST_SIZE, "testdev" },
	{ AX_SPACE_MMIO, VIRTIO_BASE, VIRTIO_SLOTS *VIRTIO_STRIDE, "virtio" },
	{ AX_SPACE_MMIO, IMSIC_BASE, IMSIC_SIZE *AX_MACHINE_CPUS_MAX, "imsic" },
};

const struct board board = {
	.serial = { SERIAL_16550A, AX_SPACE_MMIO, UART_BASE, "uart" },
	.serial_line = UART_SOURCE,
	.test_base = AX_TEST_BASE_RISCV64,
	.virtio = { VIRTIO_BASE, VIRTIO_STRIDE, VIRTIO_LINE, VIRTIO_SLOTS },
	.places = places,
	.place_count = sizeof(places) / sizeof(places[0]),
};

struct board_devices {
	AxPlic *plic; /* NULL with KVM's AIA */
	AxFinisher *finisher;
	AxGoldfishRtc *rtc;
};

int board_add_ram(AxVm *vm, uint64_t size, unsigned flags, AxError *err)
{
	return ax_ram_add(vm, RAM_BASE, size, flags, err);
}

/* The PLIC is a device: to the VM it is no irqchip. */
uint32_t board_irqchip(const AxMachineOptions *options)
{
	return options->irqchip == AX_IRQCHIP_KERNEL ? AX_IRQCHIP_KERNEL : AX_IRQCHIP_NONE;
}

/* Linux starts harts by HSM, which is KVM's, and by nothing else. */
uint32_t board_irqchip_instead(uint32_t missing)
{
	return missing;
}

uint32_t board_power(const AxMachineOptions *options)
{
	const AxImageSource *source = options->image;
	struct image image = { .machine = AX_IMAGE_FOR_RISCV64 };

	/*
	 * Nobody has looked at the source yet: ax_image_load() refuses it later. A replay has none, and its
	 * recording says what was chosen.
	 */
	if (options->power != AX_POWER_AUTO || !source || source->size < sizeof(*source) ||
	    !source->bytes)
		return options->power;
	image.bytes = source->bytes;
	image.len = source->len;
	return boot_linux_found(&image) ? AX_POWER_KERNEL : AX_POWER_AUTO;
}

int board_add_sys_regs(AxMachine *machine, AxError *err)
{
	return testhost_add_csrs(&machine->testhost, machine->vm, err);
}

static struct tree_desc describe(const AxMachine *machine, const AxRamRange *ram)
{
	bool has_aia = machine->irqchip == AX_IRQCHIP_KERNEL;

	return (struct tree_desc){
		.machine = AX_IMAGE_FOR_RISCV64,
		.cpus = machine->cpus,
		.ram = ram,
		.ram_count = 1,
		.uart_base = UART_BASE,
		.uart_irq = UART_SOURCE,
		.rtc_base = RTC_BASE,
		.rtc_irq = RTC_SOURCE,
		.test_base = AX_TEST_BASE_RISCV64,
		.test_size = AX_TEST_SIZE,
		.virtio_base = VIRTIO_BASE,
		.virtio_size = VIRTIO_STRIDE,
		.virtio_irq = VIRTIO_LINE,
		.virtio_is_level = !has_aia,
		.virtio_count = machine->device_count,
		.riscv64 = {
			.plic_base = has_aia ? 0 : PLIC_BASE,
			.plic_sources = PLIC_SOURCES,
			.aplic_base = has_aia ? APLIC_BASE : 0,
			.aplic_sources = APLIC_SOURCES,
			.imsic_base = IMSIC_BASE,
			.imsic_ids = IMSIC_IDS,
			.finisher_base = FINISHER_BASE,
		},
	};
}

/* What only a vCPU tells: its extensions, and how fast its time goes. */
static int ask_hart(AxMachine *machine, uint64_t *letters, uint64_t *frequency, AxError *err)
{
	AxVCpu *vcpu = ax_vm_vcpu(machine->vm, 0);
	AxVCpuSetup setup = AX_VCPU_SETUP_INIT;
	int ret = ax_vcpu_setup(vcpu, &setup, err);

	if (!ret)
		ret = ax_vcpu_get_reg(vcpu, "isa", letters, err);
	if (!ret)
		ret = ax_vcpu_get_reg(vcpu, "timer.frequency", frequency, err);
	return ret;
}

/*
 * What Linux asks for by name. With Sstc its timer is a CSR of its own: KVM of Linux 6.12 loses timers
 * that are set by the SBI when the hart's thread is preempted at the wrong moment.
 */
static int add_extensions(AxMachine *machine, char isa[TREE_ISA_SIZE], AxError *err)
{
	static const struct {
		const char *reg;
		const char *name;
		bool needs_aia;
	} extensions[] = {
		{ "isa.ssaia", "_ssaia", true },
		{ "isa.sstc", "_sstc", false },
	};

	for (unsigned i = 0; i < sizeof(extensions) / sizeof(extensions[0]); i++) {
		size_t len = strlen(isa);
		uint64_t there;
		int ret =
			ax_vcpu_get_reg(ax_vm_vcpu(machine->vm, 0), extensions[i].reg, &there, err);

		if (ret)
			return ret;
		if (there && (!extensions[i].needs_aia || machine->irqchip == AX_IRQCHIP_KERNEL))
			snprintf(isa + len, TREE_ISA_SIZE - len, "%s", extensions[i].name);
	}
	return 0;
}

int board_tree(AxMachine *machine, void **tree, size_t *len, AxError *err)
{
	const AxRamRange ram = { RAM_BASE, machine->memory };
	struct tree_desc desc = describe(machine, &ram);
	char isa[TREE_ISA_SIZE];
	uint64_t letters;
	int ret;

	ret = ask_hart(machine, &letters, &desc.riscv64.timebase_frequency, err);
	if (ret)
		return ret;
	tree_isa(letters, isa);
	ret = add_extensions(machine, isa, err);
	if (ret)
		return ret;
	desc.riscv64.isa = isa;
	return tree_new(&desc, tree, len, err);
}

int board_spoil_entry(AxVCpu *vcpu, AxError *err)
{
	return ax_error_set(err, -ENOTSUP, AX_ERROR_UNSUPPORTED, 0,
			    "no register of a riscv64 hart keeps it from being entered");
}

uint32_t board_secondary_flags(uint32_t irqchip)
{
	return AX_SETUP_POWERED_OFF;
}

static int attach_plic(AxMachine *machine, struct board_devices *own, AxError *err)
{
	AxPlicConfig config = AX_PLIC_CONFIG_INIT;
	int ret;

	config.sources = PLIC_SOURCES;
	config.harts = machine->cpus;
	ret = ax_plic_new(&config, &own->plic, err);
	return ret ? ret : ax_plic_attach(own->plic, machine->vm, PLIC_BASE, err);
}

static int attach_rtc(AxMachine *machine, struct board_devices *own, AxError *err)
{
	AxRtcConfig config = AX_RTC_CONFIG_INIT;
	AxIrq irq;
	int ret;

	config.host = machine->host;
	ret = ax_goldfish_rtc_new(&config, &own->rtc, err);
	if (!ret)
		ret = board_irq(machine, RTC_SOURCE, &irq, err);
	return ret ? ret : ax_goldfish_rtc_attach(own->rtc, machine->vm, RTC_BASE, &irq, err);
}

int board_attach(AxMachine *machine, AxError *err)
{
	struct board_devices *own = calloc(1, sizeof(*own));
	int ret = 0;

	if (!own)
		return ax_error_set(err, -ENOMEM, AX_ERROR_RESOURCE, 0,
				    "no memory for the board's devices");
	machine->board = own;
	if (machine->irqchip == AX_IRQCHIP_NONE)
		ret = attach_plic(machine, own, err);
	if (!ret)
		ret = ax_finisher_new(NULL, &own->finisher, err);
	if (!ret)
		ret = ax_finisher_attach(own->finisher, machine->vm, FINISHER_BASE, err);
	return ret ? ret : attach_rtc(machine, own, err);
}

void board_detach(AxMachine *machine)
{
	struct board_devices *own = machine->board;

	if (!own)
		return;
	if (own->rtc)
		ax_goldfish_rtc_detach(own->rtc, NULL);
	if (own->finisher)
		ax_finisher_detach(own->finisher, NULL);
	if (own->plic)
		ax_plic_detach(own->plic, NULL);
	ax_goldfish_rtc_free(own->rtc);
	ax_finisher_free(own->finisher);
	ax_plic_free(own->plic);
	free(own);
	machine->board = NULL;
}

int board_irq(AxMachine *machine, uint32_t line, AxIrq *irq, AxError *err)
{
	if (machine->board->plic)
		return ax_plic_irq(machine->board->plic, line, irq, err);
	return ax_irq_get(machine->vm, line, irq, err);
}

bool board_verdict(const AxMachine *machine, AxMachineResult *result)
{
	uint32_t code;

	switch (ax_finisher_result(machine->board->finisher, &code)) {
	case AX_FINISHER_PASSED: result->end = AX_MACHINE_POWER_OFF; return true;
	case AX_FINISHER_RESET: result->end = AX_MACHINE_RESET; return true;
	case AX_FINISHER_FAILED:
		result->end = AX_MACHINE_CODE;
		result->code = code;
		return true;
	default: return false;
	}
}

uint32_t board_trigger(const AxMachine *machine)
{
	return machine->irqchip == AX_IRQCHIP_KERNEL ? AX_VIRTIO_EDGE : AX_VIRTIO_LEVEL;
}

int board_power_button(AxMachine *machine, AxError *err)
{
	return ax_error_set(
		err, -ENOTSUP, AX_ERROR_UNSUPPORTED, 0,
		"this machine has no power button: QEMU's riscv64 board has none, either");
}

int board_acpi_tables(const AxMachine *machine, const void **tables, size_t *len, AxError *err)
{
	return ax_error_set(err, -ENOTSUP, AX_ERROR_UNSUPPORTED, 0,
			    "this machine has no ACPI tables: its guest has a device tree");
}
