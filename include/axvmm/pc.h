/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Devices of the x86-64 machine: IOAPIC, CMOS clock, ACPI's power registers. They live as the devices of
 * devices.h do, which says what new, attach, detach and free return. Part of libaxvmm-machine.
 */
#ifndef AXVMM_PC_H
#define AXVMM_PC_H

#include <axvmm/devices.h>

#ifdef __cplusplus
extern "C" {
#endif

/*
 * I/O APIC: Intel's 82093AA, as its datasheet (290566-001, chapter 3) describes it: 24 pins, version
 * 0x11. For VMs with AX_IRQCHIP_SPLIT: each pin that is not masked is a message route of KVM's
 * (ax_irq_route()), so that an eventfd can raise it (ax_irq_attach_eventfd()).
 *
 * Where the model differs from the chip:
 *   - There is no APIC bus: arbitration is always done, messages have always arrived.
 *   - A register is 4 bytes wide; narrower and wider accesses are not handled.
 */
typedef struct AxIoapic AxIoapic;

#define AX_IOAPIC_PINS 24

typedef struct AxIoapicConfig {
	size_t size;	  /* sizeof(AxIoapicConfig): AX_IOAPIC_CONFIG_INIT */
	const char *name; /* of the device and its range, at most 31 bytes; NULL: "ioapic" */
} AxIoapicConfig;

#define AX_IOAPIC_CONFIG_INIT { sizeof(AxIoapicConfig), NULL }

AX_API int ax_ioapic_new(const AxIoapicConfig *config, AxIoapic **out, AxError *err);
/* Put it into a VM: 4 KiB from @base, usually 0xfec00000. */
AX_API int ax_ioapic_attach(AxIoapic *ioapic, AxVm *vm, AxGuestPhysAddr base, AxError *err);
AX_API int ax_ioapic_detach(AxIoapic *ioapic, AxError *err);
AX_API void ax_ioapic_free(AxIoapic *ioapic);

/**
 * The line into a pin: a level where the guest has made it level-triggered, else rising edges count.
 *
 * @param irq  filled; valid until ax_ioapic_free()
 * @return 0; -EINVAL there is no such pin
 *
 * Thread: any.
 */
AX_API int ax_ioapic_irq(AxIoapic *ioapic, uint32_t pin, AxIrq *irq, AxError *err);

/*
 * A local APIC has ended an interrupt with this vector (AX_EXIT_IRQ_EOI, AxEventOps.irq_eoi): pins with it
 * whose level is still up raise it again. Thread: any.
 */
AX_API void ax_ioapic_eoi(AxIoapic *ioapic, uint8_t vector);

/*
 * CMOS: Motorola's MC146818 real-time clock with its RAM, as its datasheet describes it, at ports 0x70
 * (index) and 0x71 (data). It shows the host's real time (UTC), which a guest that sets its clock moves
 * for itself alone; the century is at 0x32. Alarm and periodic interrupts never come: no line is
 * connected, and their registers only keep what is written.
 */
typedef struct AxCmos AxCmos;

typedef struct AxCmosConfig {
	size_t size;	  /* sizeof(AxCmosConfig): AX_CMOS_CONFIG_INIT */
	const char *name; /* of the device and its range, at most 31 bytes; NULL: "cmos" */
	uint64_t (*now)(void *opaque); /* nanoseconds since 1970, UTC, on any thread; NULL: the host's */
	void *now_opaque;
	uint64_t low_memory;  /* bytes of RAM below 4 GiB, and above, which the RAM at 0x15 to 0x5d tells */
	uint64_t high_memory; /* of as firmware of PCs leaves it there; 0: none */
} AxCmosConfig;

#define AX_CMOS_CONFIG_INIT { sizeof(AxCmosConfig), NULL, NULL, NULL, 0, 0 }

AX_API int ax_cmos_new(const AxCmosConfig *config, AxCmos **out, AxError *err);
AX_API int ax_cmos_attach(AxCmos *cmos, AxVm *vm, AxError *err);
AX_API int ax_cmos_detach(AxCmos *cmos, AxError *err);
AX_API void ax_cmos_free(AxCmos *cmos);

/*
 * ACPI's power registers of a machine with reduced hardware: one page, at 0xfea00000 as QEMU's microvm
 * has it.
 *
 *   0x000  4 bytes, event: bit 0 the power button was pressed; reading clears it
 *   0x200  1 byte, SLEEP_CONTROL_REG: SLP_EN with SLP_TYP 5 is power-off (ACPI 6.4, 4.8.3.7)
 *   0x201  1 byte, SLEEP_STATUS_REG
 *   0x202  1 byte, RESET_REG: 0x42 is reset
 */
typedef struct AxAcpiPower AxAcpiPower;

#define AX_ACPI_POWER_EVENT	    0x000
#define AX_ACPI_POWER_SLEEP_CONTROL 0x200
#define AX_ACPI_POWER_SLEEP_STATUS  0x201
#define AX_ACPI_POWER_RESET	    0x202
#define AX_ACPI_POWER_RESET_VALUE   0x42
#define AX_ACPI_POWER_S5	    5 /* SLP_TYP */

typedef struct AxAcpiPowerConfig {
	size_t size;	  /* sizeof(AxAcpiPowerConfig): AX_ACPI_POWER_CONFIG_INIT */
	const char *name; /* of the device and its range, at most 31 bytes; NULL: "acpi" */
} AxAcpiPowerConfig;

#define AX_ACPI_POWER_CONFIG_INIT { sizeof(AxAcpiPowerConfig), NULL }

/* How the guest ended by these registers. */
typedef enum AxAcpiPowerEnd {
	AX_ACPI_POWER_RUNS = 0,
	AX_ACPI_POWER_OFF = 1,
	AX_ACPI_POWER_RESTART = 2
} AxAcpiPowerEnd;

AX_API int ax_acpi_power_new(const AxAcpiPowerConfig *config, AxAcpiPower **out, AxError *err);
/* Put it into a VM: 4 KiB from @base. @irq (events, an edge) is copied; NULL: not connected. */
AX_API int ax_acpi_power_attach(AxAcpiPower *power, AxVm *vm, AxGuestPhysAddr base, const AxIrq *irq,
				AxError *err);
AX_API int ax_acpi_power_detach(AxAcpiPower *power, AxError *err);
AX_API void ax_acpi_power_free(AxAcpiPower *power);

/* Press the button: the event, and its interrupt. Thread: any, while it is in a VM. */
AX_API void ax_acpi_power_press(AxAcpiPower *power);

/* What the guest asked for; the handler has said AX_STOP. Thread: any. */
AX_API AxAcpiPowerEnd ax_acpi_power_end(const AxAcpiPower *power);

#ifdef __cplusplus
}
#endif

#endif
