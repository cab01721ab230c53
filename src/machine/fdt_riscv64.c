/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The riscv64 board as a device tree. Source of bindings: Linux, riscv/cpus.yaml,
 * interrupt-controller/riscv,cpu-intc.yaml, sifive,plic-1.0.0.yaml, riscv,aplic.yaml,
 * riscv,imsics.yaml, serial/8250.yaml, rtc/google,goldfish-rtc.yaml, power/reset/syscon-poweroff.yaml and syscon-reboot.yaml.
 */
#include <stdio.h>
#include <string.h>

#include "machine/fdt_writer.h"

#define SUPERVISOR_EXTERNAL 9	       /* Privileged Architecture, table of supervisor causes */
#define NO_CONTEXT	    UINT32_MAX /* there is no machine mode to interrupt */
#define EDGE_RISING	    1
#define LEVEL_HIGH	    4

#define UART_SIZE     0x100
#define UART_CLOCK    3686400 /* QEMU's; nothing divides it here */
#define RTC_SIZE      0x1000
#define FINISHER_SIZE 0x1000
#define APLIC_SIZE    0x8000
#define IMSIC_SIZE    0x1000
#define PLIC_FIXED    0x200000 /* and a page for each of two contexts a hart */

/* SiFive's finisher: src/dev/finisher.c. */
#define FINISHER_PASS  0x5555
#define FINISHER_RESET 0x7777

/* The order of single letters in a name: ISA manual volume I, "ISA Extension Naming Conventions". */
static const char letters_in_order[] = "imafdqcbvh";

void tree_isa(uint64_t letters, char isa[TREE_ISA_SIZE])
{
	size_t len = 4;

	memcpy(isa, "rv64", len);
	for (const char *c = letters_in_order; *c; c++) {
		if (letters >> (*c - 'a') & 1)
			isa[len++] = *c;
	}
	snprintf(isa + len, TREE_ISA_SIZE - len, "_zicntr_zicsr_zifencei");
}

/* "riscv,isa-extensions": the same as a list, letters as names of their own. */
static void write_extensions(struct tree_writer *w, const char *isa)
{
	char list[2 * TREE_ISA_SIZE];
	size_t used = 0;

	for (isa += strlen("rv64"); *isa && *isa != '_'; isa++) {
		list[used++] = *isa;
		list[used++] = '\0';
	}
	while (*isa == '_') {
		size_t len = strcspn(isa + 1, "_");

		memcpy(list + used, isa + 1, len);
		used += len;
		list[used++] = '\0';
		isa += 1 + len;
	}
	tree_strings(w, "riscv,isa-extensions", list, used);
}

static void write_hart(struct tree_writer *w, const struct tree_desc *desc, uint32_t id)
{
	tree_open(w, "cpu", id);
	tree_string(w, "device_type", "cpu");
	tree_string(w, "compatible", "riscv");
	tree_cell(w, "reg", id);
	tree_string(w, "status", "okay");
	tree_string(w, "riscv,isa", desc->riscv64.isa);
	tree_string(w, "riscv,isa-base", "rv64i");
	write_extensions(w, desc->riscv64.isa);
	tree_string(w, "mmu-type", "riscv,sv39");
	tree_open(w, "interrupt-controller", TREE_NO_UNIT);
	tree_string(w, "compatible", "riscv,cpu-intc");
	tree_flag(w, "interrupt-controller");
	tree_cell(w, "#interrupt-cells", 1);
	tree_cell(w, "phandle", TREE_HART_INTC(id));
	tree_close(w);
	tree_close(w);
}

static void write_harts(struct tree_writer *w, const struct tree_desc *desc)
{
	uint64_t frequency = desc->riscv64.timebase_frequency;

	tree_open(w, "cpus", TREE_NO_UNIT);
	tree_cell(w, "#address-cells", 1);
	tree_cell(w, "#size-cells", 0);
	if (frequency <= UINT32_MAX)
		tree_cell(w, "timebase-frequency", (uint32_t)frequency);
	else
		TREE_CELLS(w, "timebase-frequency", (uint32_t)(frequency >> 32),
			   (uint32_t)frequency);
	for (uint32_t id = 0; id < desc->cpus; id++)
		write_hart(w, desc, id);
	tree_close(w);
}

/* Which inputs of which harts a controller drives; for the PLIC with a machine context before each. */
static void write_hart_inputs(struct tree_writer *w, const struct tree_desc *desc, bool is_plic)
{
	uint32_t cells[4 * TREE_CPUS_MAX];
	unsigned used = 0;

	for (uint32_t id = 0; id < desc->cpus; id++) {
		if (is_plic) {
			cells[used++] = TREE_HART_INTC(id);
			cells[used++] = NO_CONTEXT;
		}
		cells[used++] = TREE_HART_INTC(id);
		cells[used++] = SUPERVISOR_EXTERNAL;
	}
	tree_cells(w, "interrupts-extended", cells, used);
}

static void write_plic(struct tree_writer *w, const struct tree_desc *desc)
{
	tree_open(w, "plic", desc->riscv64.plic_base);
	TREE_STRINGS(w, "compatible", "sifive,plic-1.0.0\0riscv,plic0");
	tree_cell(w, "#address-cells", 0);
	tree_cell(w, "#interrupt-cells", 1);
	tree_flag(w, "interrupt-controller");
	tree_cell(w, "phandle", TREE_INTERRUPTS);
	tree_reg(w, desc->riscv64.plic_base, PLIC_FIXED + UINT64_C(0x2000) * desc->cpus);
	tree_cell(w, "riscv,ndev", desc->riscv64.plic_sources);
	write_hart_inputs(w, desc, true);
	tree_close(w);
}

static void write_aia(struct tree_writer *w, const struct tree_desc *desc)
{
	const struct tree_riscv64 *riscv64 = &desc->riscv64;

	tree_open(w, "imsics", riscv64->imsic_base);
	tree_string(w, "compatible", "riscv,imsics");
	tree_flag(w, "interrupt-controller");
	tree_cell(w, "#interrupt-cells", 0);
	tree_flag(w, "msi-controller");
	tree_cell(w, "#msi-cells", 0);
	tree_cell(w, "phandle", TREE_IMSIC);
	tree_reg(w, riscv64->imsic_base, (uint64_t)IMSIC_SIZE * desc->cpus);
	tree_cell(w, "riscv,num-ids", riscv64->imsic_ids);
	write_hart_inputs(w, desc, false);
	tree_close(w);

	tree_open(w, "aplic", riscv64->aplic_base);
	tree_string(w, "compatible", "riscv,aplic");
	tree_flag(w, "interrupt-controller");
	tree_cell(w, "#address-cells", 0);
	tree_cell(w, "#interrupt-cells", 2);
	tree_cell(w, "msi-parent", TREE_IMSIC);
	tree_cell(w, "phandle", TREE_INTERRUPTS);
	tree_reg(w, riscv64->aplic_base, APLIC_SIZE);
	tree_cell(w, "riscv,num-sources", riscv64->aplic_sources);
	tree_close(w);
}

/* The PLIC's interrupts are numbers alone, the APLIC's say what triggers them. */
static unsigned interrupt_cells(const struct tree_desc *desc)
{
	if (desc->riscv64.aplic_base)
		return 2;
	return desc->riscv64.plic_base ? 1 : 0;
}

static void write_uart(struct tree_writer *w, const struct tree_desc *desc)
{
	const uint32_t interrupt[] = { desc->uart_irq, LEVEL_HIGH };

	tree_open(w, "serial", desc->uart_base);
	tree_string(w, "compatible", "ns16550a");
	tree_reg(w, desc->uart_base, UART_SIZE);
	tree_cell(w, "clock-frequency", UART_CLOCK);
	if (interrupt_cells(desc))
		tree_cells(w, "interrupts", interrupt, interrupt_cells(desc));
	tree_close(w);
}

static void write_rtc(struct tree_writer *w, const struct tree_desc *desc)
{
	const uint32_t interrupt[] = { desc->rtc_irq, LEVEL_HIGH };

	tree_open(w, "rtc", desc->rtc_base);
	tree_string(w, "compatible", "google,goldfish-rtc");
	tree_reg(w, desc->rtc_base, RTC_SIZE);
	if (interrupt_cells(desc))
		tree_cells(w, "interrupts", interrupt, interrupt_cells(desc));
	tree_close(w);
}

static void write_virtio(struct tree_writer *w, const struct tree_desc *desc)
{
	const uint32_t trigger = desc->virtio_is_level ? LEVEL_HIGH : EDGE_RISING;

	for (uint32_t i = 0; i < desc->virtio_count; i++) {
		const uint32_t interrupt[] = { desc->virtio_irq + i, trigger };

		tree_virtio(w, desc, i, interrupt, interrupt_cells(desc));
	}
}

/* What a write of @value to the finisher does. */
static void write_syscon(struct tree_writer *w, const char *name, const char *compatible,
			 uint32_t value)
{
	tree_open(w, name, TREE_NO_UNIT);
	tree_string(w, "compatible", compatible);
	tree_cell(w, "regmap", TREE_FINISHER);
	tree_cell(w, "offset", 0);
	tree_cell(w, "value", value);
	tree_close(w);
}

static void write_soc(struct tree_writer *w, const struct tree_desc *desc)
{
	tree_open(w, "soc", TREE_NO_UNIT);
	tree_string(w, "compatible", "simple-bus");
	tree_cell(w, "#address-cells", 2);
	tree_cell(w, "#size-cells", 2);
	tree_flag(w, "ranges");
	if (interrupt_cells(desc))
		tree_cell(w, "interrupt-parent", TREE_INTERRUPTS);
	if (desc->riscv64.aplic_base)
		write_aia(w, desc);
	else if (desc->riscv64.plic_base)
		write_plic(w, desc);
	tree_open(w, "test", desc->riscv64.finisher_base);
	TREE_STRINGS(w, "compatible", "sifive,test1\0sifive,test0\0syscon");
	tree_reg(w, desc->riscv64.finisher_base, FINISHER_SIZE);
	tree_cell(w, "phandle", TREE_FINISHER);
	tree_close(w);
	write_uart(w, desc);
	if (desc->rtc_base)
		write_rtc(w, desc);
	tree_test_device(w, desc);
	if (interrupt_cells(desc))
		write_virtio(w, desc);
	tree_close(w);
}

void tree_riscv64(struct tree_writer *w, const struct tree_desc *desc)
{
	write_harts(w, desc);
	write_soc(w, desc);
	write_syscon(w, "poweroff", "syscon-poweroff", FINISHER_PASS);
	write_syscon(w, "reboot", "syscon-reboot", FINISHER_RESET);
}
