/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The arm64 board as a device tree. Source of bindings: Linux, arm/cpus.yaml, arm/psci.yaml,
 * interrupt-controller/arm,gic.yaml and arm,gic-v3.yaml, timer/arm,arch_timer.yaml, serial/pl011.yaml,
 * rtc/arm,pl031.yaml, gpio/pl061-gpio.yaml, input/gpio-keys.yaml.
 */
#include "machine/fdt_writer.h"

/* First cell of an interrupt, and flags in its third. */
#define GIC_SPI	    0
#define GIC_PPI	    1
#define EDGE_RISING 1
#define LEVEL_HIGH  4

/* Private interrupts of the generic timer: Base System Architecture, DEN0094, 3.8.1. */
#define PPI_TIMER_SECURE     13
#define PPI_TIMER_NONSECURE  14
#define PPI_TIMER_VIRTUAL    11
#define PPI_TIMER_HYPERVISOR 10

#define GIC_DISTRIBUTOR_SIZE   0x10000
#define GIC_CPU_INTERFACE_SIZE 0x10000
#define GIC_REDISTRIBUTOR_SIZE 0x20000
#define GICV2_CPUS	       8

#define PRIMECELL_SIZE 0x1000
#define PCLK	       24000000 /* Hz, of QEMU's board */

#define ACTIVE_HIGH 0
#define KEY_POWER   116 /* Linux, input-event-codes.h */

/* Function IDs, for guests that know PSCI 0.1 alone: DEN0022, 5.1. */
#define PSCI_CPU_SUSPEND 0xc4000001
#define PSCI_CPU_OFF	 0x84000002
#define PSCI_CPU_ON	 0xc4000003
#define PSCI_MIGRATE	 0xc4000005

/* KVM's MPIDR: Aff0 has 4 bits of the vCPU's id, Aff1 and Aff2 the next 8 each. */
static uint32_t affinity(uint32_t cpu)
{
	return (cpu & 0xf) | (cpu >> 4 & 0xff) << 8 | (cpu >> 12 & 0xff) << 16;
}

static void write_cpus(struct tree_writer *w, const struct tree_desc *desc)
{
	tree_open(w, "cpus", TREE_NO_UNIT);
	tree_cell(w, "#address-cells", 1);
	tree_cell(w, "#size-cells", 0);
	for (uint32_t cpu = 0; cpu < desc->cpus; cpu++) {
		tree_open(w, "cpu", affinity(cpu));
		tree_string(w, "device_type", "cpu");
		tree_string(w, "compatible", "arm,armv8");
		tree_cell(w, "reg", affinity(cpu));
		if (desc->arm64.psci_method)
			tree_string(w, "enable-method", "psci");
		tree_close(w);
	}
	tree_close(w);
}

static void write_psci(struct tree_writer *w, const struct tree_arm64 *arm64)
{
	tree_open(w, "psci", TREE_NO_UNIT);
	TREE_STRINGS(w, "compatible", "arm,psci-1.0\0arm,psci-0.2\0arm,psci");
	tree_string(w, "method", arm64->psci_method);
	tree_cell(w, "cpu_suspend", PSCI_CPU_SUSPEND);
	tree_cell(w, "cpu_off", PSCI_CPU_OFF);
	tree_cell(w, "cpu_on", PSCI_CPU_ON);
	tree_cell(w, "migrate", PSCI_MIGRATE);
	tree_close(w);
}

/* The third cell of a private interrupt of GICv2 has a bit for each CPU. */
static uint32_t private_flags(const struct tree_desc *desc)
{
	uint32_t cpus = desc->cpus < GICV2_CPUS ? desc->cpus : GICV2_CPUS;

	return desc->arm64.gic == 2 ? LEVEL_HIGH | ((1u << cpus) - 1) << 8 : LEVEL_HIGH;
}

static void write_timer(struct tree_writer *w, const struct tree_desc *desc)
{
	uint32_t flags = private_flags(desc);

	tree_open(w, "timer", TREE_NO_UNIT);
	TREE_STRINGS(w, "compatible", "arm,armv8-timer\0arm,armv7-timer");
	TREE_CELLS(w, "interrupts", GIC_PPI, PPI_TIMER_SECURE, flags, GIC_PPI, PPI_TIMER_NONSECURE,
		   flags, GIC_PPI, PPI_TIMER_VIRTUAL, flags, GIC_PPI, PPI_TIMER_HYPERVISOR, flags);
	tree_flag(w, "always-on");
	tree_close(w);
}

static void write_gic(struct tree_writer *w, const struct tree_desc *desc)
{
	const struct tree_arm64 *arm64 = &desc->arm64;

	tree_open(w, "intc", arm64->gic_distributor);
	tree_cell(w, "phandle", TREE_INTERRUPTS);
	tree_cell(w, "#interrupt-cells", 3);
	tree_flag(w, "interrupt-controller");
	tree_cell(w, "#address-cells", 2);
	tree_cell(w, "#size-cells", 2);
	tree_flag(w, "ranges");
	if (arm64->gic == 2) {
		tree_string(w, "compatible", "arm,cortex-a15-gic");
		tree_reg2(w, arm64->gic_distributor, GIC_DISTRIBUTOR_SIZE, arm64->gic_cpu_interface,
			  GIC_CPU_INTERFACE_SIZE);
	} else {
		tree_string(w, "compatible", "arm,gic-v3");
		tree_cell(w, "#redistributor-regions", 1);
		tree_reg2(w, arm64->gic_distributor, GIC_DISTRIBUTOR_SIZE,
			  arm64->gic_redistributors, (uint64_t)GIC_REDISTRIBUTOR_SIZE * desc->cpus);
	}
	tree_close(w);
}

static void write_clock(struct tree_writer *w)
{
	tree_open(w, "apb-pclk", TREE_NO_UNIT);
	tree_string(w, "compatible", "fixed-clock");
	tree_cell(w, "#clock-cells", 0);
	tree_cell(w, "clock-frequency", PCLK);
	tree_string(w, "clock-output-names", "clk24mhz");
	tree_cell(w, "phandle", TREE_CLOCK);
	tree_close(w);
}

/* What PrimeCells have alike. The node stays open. */
static void open_primecell(struct tree_writer *w, const struct tree_desc *desc, const char *name,
			   uint64_t base, uint32_t irq)
{
	tree_open(w, name, base);
	tree_reg(w, base, PRIMECELL_SIZE);
	if (desc->arm64.gic)
		TREE_CELLS(w, "interrupts", GIC_SPI, irq, LEVEL_HIGH);
}

static void write_uart(struct tree_writer *w, const struct tree_desc *desc)
{
	open_primecell(w, desc, "pl011", desc->uart_base, desc->uart_irq);
	TREE_STRINGS(w, "compatible", "arm,pl011\0arm,primecell");
	TREE_CELLS(w, "clocks", TREE_CLOCK, TREE_CLOCK);
	TREE_STRINGS(w, "clock-names", "uartclk\0apb_pclk");
	tree_close(w);
}

static void write_rtc(struct tree_writer *w, const struct tree_desc *desc)
{
	open_primecell(w, desc, "pl031", desc->rtc_base, desc->rtc_irq);
	TREE_STRINGS(w, "compatible", "arm,pl031\0arm,primecell");
	tree_cell(w, "clocks", TREE_CLOCK);
	tree_string(w, "clock-names", "apb_pclk");
	tree_close(w);
}

static void write_power_button(struct tree_writer *w, const struct tree_desc *desc)
{
	const struct tree_arm64 *arm64 = &desc->arm64;

	open_primecell(w, desc, "pl061", arm64->gpio_base, arm64->gpio_irq);
	TREE_STRINGS(w, "compatible", "arm,pl061\0arm,primecell");
	tree_flag(w, "gpio-controller");
	tree_cell(w, "#gpio-cells", 2);
	tree_flag(w, "interrupt-controller");
	tree_cell(w, "#interrupt-cells", 2);
	tree_cell(w, "clocks", TREE_CLOCK);
	tree_string(w, "clock-names", "apb_pclk");
	tree_cell(w, "phandle", TREE_GPIO);
	tree_close(w);

	tree_open(w, "gpio-keys", TREE_NO_UNIT);
	tree_string(w, "compatible", "gpio-keys");
	tree_open(w, "key-power", TREE_NO_UNIT);
	tree_string(w, "label", "GPIO Key Poweroff");
	tree_cell(w, "linux,code", KEY_POWER);
	TREE_CELLS(w, "gpios", TREE_GPIO, arm64->power_pin, ACTIVE_HIGH);
	tree_close(w);
	tree_close(w);
}

static void write_virtio(struct tree_writer *w, const struct tree_desc *desc)
{
	const uint32_t trigger = desc->virtio_is_level ? LEVEL_HIGH : EDGE_RISING;

	for (uint32_t i = 0; i < desc->virtio_count; i++) {
		const uint32_t interrupt[] = { GIC_SPI, desc->virtio_irq + i, trigger };

		tree_virtio(w, desc, i, interrupt, 3);
	}
}

void tree_arm64(struct tree_writer *w, const struct tree_desc *desc)
{
	write_cpus(w, desc);
	if (desc->arm64.psci_method)
		write_psci(w, &desc->arm64);
	if (desc->arm64.gic) {
		write_timer(w, desc);
		write_gic(w, desc);
	}
	write_clock(w);
	write_uart(w, desc);
	if (desc->rtc_base)
		write_rtc(w, desc);
	/* Without interrupts there are no keys, and no queues that are used up. */
	if (desc->arm64.gic && desc->arm64.gpio_base)
		write_power_button(w, desc);
	tree_test_device(w, desc);
	if (desc->arm64.gic)
		write_virtio(w, desc);
}
