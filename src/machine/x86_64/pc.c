/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The x86-64 machine where KVM has its local APICs; see pc.h.
 */
#include <errno.h>
#include <stdlib.h>

#include <axvmm/handler.h>
#include <axvmm/memory.h>

#include "machine/x86_64/acpi.h"
#include "machine/x86_64/pc.h"

/* As QEMU's board microvm has them. */
#define LAPIC_BASE  0xfee00000u
#define IOAPIC_BASE 0xfec00000u
#define POWER_BASE  0xfea00000u
#define POWER_GSI   9

/* In real mode, f000:fff0 (SDM 3A, 10.1.4). */
#define RESET_VECTOR 0xffff0u

bool pc_is(const AxMachine *machine)
{
	return machine->irqchip == AX_IRQCHIP_KERNEL || machine->irqchip == AX_IRQCHIP_SPLIT;
}

bool pc_is_needed(const AxMachineOptions *options)
{
	/* As if RAM were plenty: whether it is will be said when the image is loaded. */
	const AxRamRange ram = { 0, FOUR_GIB };
	AxImageHints hints = AX_IMAGE_HINTS_INIT;
	AxImagePlan plan = AX_IMAGE_PLAN_INIT;
	const AxImageSource *image = options->image;

	if (options->device_count)
		return true;
	if (!image || image->size < sizeof(*image) || !image->bytes)
		return false;
	hints.machine = AX_IMAGE_FOR_X86_64;
	hints.ram = &ram;
	hints.ram_count = 1;
	if (ax_image_parse(image->bytes, image->len, &hints, &plan, NULL))
		return false;
	return plan.format == AX_IMAGE_BZIMAGE || plan.format == AX_IMAGE_PVH ||
	       plan.format == AX_IMAGE_VMLINUX;
}

/*
 * Where a processor begins after reset there is no firmware, and Linux goes there to reboot: on a machine
 * with ACPI's reduced hardware it counts on EFI, and else on the BIOS. So what is there asks for a reset
 * like a PC's BIOS: the keyboard controller's command 0xfe (IBM PC AT Technical Reference, 8042).
 */
static int write_reset_vector(AxMachine *machine, AxError *err)
{
	static const uint8_t code[] = {
		0xb0, 0xfe, /* mov $0xfe, %al */
		0xe6, 0x64, /* out %al, $0x64 */
		0xfa,	    /* cli */
		0xf4,	    /* hlt */
		0xeb, 0xfd, /* jmp to the hlt */
	};
	int ret = ax_mem_write(machine->vm, RESET_VECTOR, code, sizeof(code));

	return ret ? ax_error_set(err, ret, AX_ERROR_STATE, 0, "no RAM at the reset vector") : 0;
}

int pc_write_tables(struct pc *pc, AxMachine *machine, AxGuestPhysAddr *rsdp, AxError *err)
{
	const struct acpi_desc desc = { .cpus = machine->cpus,
					.slots = (1u << machine->device_count) - 1,
					.lapic_base = LAPIC_BASE,
					.ioapic_base = IOAPIC_BASE,
					.power_base = POWER_BASE };
	int ret;

	if (machine->memory < ACPI_BASE + ACPI_SIZE)
		return 0;
	pc->tables = calloc(1, ACPI_SIZE);
	if (!pc->tables)
		return ax_error_set(err, -ENOMEM, AX_ERROR_RESOURCE, 0,
				    "no memory for ACPI tables");
	pc->tables_len = acpi_build(&desc, pc->tables);
	ret = ax_mem_write(machine->vm, ACPI_BASE, pc->tables, ACPI_TABLES_OFFSET + pc->tables_len);
	if (ret)
		return ax_error_set(err, ret, AX_ERROR_STATE, 0, "no RAM for ACPI tables");
	*rsdp = ACPI_BASE;
	return machine->memory < ONE_MIB ? 0 : write_reset_vector(machine, err);
}

static void end_of_interrupt(void *opaque, uint8_t vector)
{
	ax_ioapic_eoi(opaque, vector);
}

static int attach_ioapic(struct pc *pc, AxMachine *machine, AxError *err)
{
	int ret = ax_ioapic_new(NULL, &pc->ioapic, err);

	if (ret)
		return ret;
	machine->testhost.eoi = end_of_interrupt;
	machine->testhost.eoi_opaque = pc->ioapic;
	return ax_ioapic_attach(pc->ioapic, machine->vm, IOAPIC_BASE, err);
}

static int attach_cmos(struct pc *pc, AxMachine *machine, AxError *err)
{
	AxCmosConfig config = AX_CMOS_CONFIG_INIT;
	AxRamInfo ram;
	int ret;

	for (unsigned i = 0; ax_ram_info(machine->vm, i, &ram); i++) {
		if (ram.base == 0)
			config.low_memory = ram.size;
		else if (ram.base == FOUR_GIB)
			config.high_memory = ram.size;
	}
	ret = ax_cmos_new(&config, &pc->cmos, err);
	return ret ? ret : ax_cmos_attach(pc->cmos, machine->vm, err);
}

int pc_attach(struct pc *pc, AxMachine *machine, AxError *err)
{
	AxIrq irq;
	int ret;

	/* Where KVM cannot say it, unknown registers fault; Linux lives with that. */
	ret = ax_sys_reg_skip_unknown(machine->vm, err);
	if (ret == -ENOTSUP)
		ret = 0;
	if (!ret && machine->irqchip == AX_IRQCHIP_SPLIT)
		ret = attach_ioapic(pc, machine, err);
	if (!ret)
		ret = attach_cmos(pc, machine, err);
	if (!ret)
		ret = ax_acpi_power_new(NULL, &pc->power, err);
	if (!ret)
		ret = pc_irq(pc, machine, POWER_GSI, &irq, err);
	return ret ? ret : ax_acpi_power_attach(pc->power, machine->vm, POWER_BASE, &irq, err);
}

void pc_detach(struct pc *pc)
{
	if (pc->power)
		ax_acpi_power_detach(pc->power, NULL);
	if (pc->cmos)
		ax_cmos_detach(pc->cmos, NULL);
	if (pc->ioapic)
		ax_ioapic_detach(pc->ioapic, NULL);
	ax_acpi_power_free(pc->power);
	ax_cmos_free(pc->cmos);
	ax_ioapic_free(pc->ioapic);
	free(pc->tables);
}

int pc_irq(struct pc *pc, AxMachine *machine, uint32_t line, AxIrq *irq, AxError *err)
{
	if (pc->ioapic)
		return ax_ioapic_irq(pc->ioapic, line, irq, err);
	return ax_irq_get(machine->vm, line, irq, err);
}
