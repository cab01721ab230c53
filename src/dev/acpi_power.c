/* SPDX-License-Identifier: Apache-2.0 */
/*
 * ACPI's sleep and reset registers, and the event register behind a Generic Event Device: how a machine
 * with reduced hardware is switched off, by its guest or by its button.
 *
 * Source: ACPI 6.4, 4.8.3.6 (reset), 4.8.3.7 (sleep control and status), 5.6.9 (event interrupts); places
 * are those of QEMU's board microvm.
 */
#include <errno.h>
#include <stdatomic.h>
#include <stdlib.h>

#include <axvmm/pc.h>

#include "dev/dev.h"

#define LENGTH	      0x1000
#define STATE_VERSION 1

#define EVENT_BUTTON  0x1u
#define SLP_EN	      0x20
#define SLP_TYP_SHIFT 2
#define SLP_TYP_MASK  0x7

/* In words of their own, so that vCPUs and the button need no lock. */
struct AxAcpiPower {
	struct ax_dev_link link;
	AxIrq irq;
	_Atomic uint32_t events;
	_Atomic uint32_t end; /* an AxAcpiPowerEnd: the first one */
};

static AxHandled power_read(AxVCpu *vcpu, void *opaque, uint64_t offset, AxAccessWidth width,
			    uint64_t *value)
{
	AxAcpiPower *power = opaque;

	if (offset == AX_ACPI_POWER_EVENT && width == AX_WIDTH_DWORD)
		*value = atomic_exchange(&power->events, 0);
	else
		*value = 0;
	return AX_HANDLED;
}

static AxHandled end_by(AxAcpiPower *power, AxAcpiPowerEnd how)
{
	uint32_t none = AX_ACPI_POWER_RUNS;

	atomic_compare_exchange_strong(&power->end, &none, how);
	return AX_STOP;
}

/* What the registers do not know does nothing. */
static AxHandled power_write(AxVCpu *vcpu, void *opaque, uint64_t offset, AxAccessWidth width,
			     uint64_t value)
{
	AxAcpiPower *power = opaque;

	if (width != AX_WIDTH_BYTE)
		return AX_HANDLED;
	value &= 0xff;
	if (offset == AX_ACPI_POWER_SLEEP_CONTROL && (value & SLP_EN) &&
	    (value >> SLP_TYP_SHIFT & SLP_TYP_MASK) == AX_ACPI_POWER_S5)
		return end_by(power, AX_ACPI_POWER_OFF);
	if (offset == AX_ACPI_POWER_RESET && value == AX_ACPI_POWER_RESET_VALUE)
		return end_by(power, AX_ACPI_POWER_RESTART);
	return AX_HANDLED;
}

static const AxRangeOps power_ops = {
	.size = sizeof(AxRangeOps),
	.read = power_read,
	.write = power_write,
};

/* The only call from outside; it may come from a recording. */
static void press(void *opaque, uint32_t what, const void *bytes, size_t len)
{
	AxAcpiPower *power = opaque;

	(void)what;
	(void)bytes;
	(void)len;
	atomic_fetch_or(&power->events, EVENT_BUTTON);
	ax_irq_pulse(&power->irq);
}

void ax_acpi_power_press(AxAcpiPower *power)
{
	AxRecord *record = ax_dev_record(&power->link);

	ax_record_enter(record, power->link.name, 0, NULL, 0);
	press(power, 0, NULL, 0);
	ax_record_leave(record);
}

AxAcpiPowerEnd ax_acpi_power_end(const AxAcpiPower *power)
{
	return (AxAcpiPowerEnd)atomic_load(&power->end);
}

static void power_reset(void *opaque)
{
	AxAcpiPower *power = opaque;

	atomic_store(&power->events, 0);
	atomic_store(&power->end, AX_ACPI_POWER_RUNS);
}

static int power_save(void *opaque, AxState *state)
{
	AxAcpiPower *power = opaque;

	ax_state_put_u8(state, STATE_VERSION);
	ax_state_put_u32(state, atomic_load(&power->events));
	ax_state_put_u32(state, atomic_load(&power->end));
	return ax_state_error(state);
}

static int power_restore(void *opaque, AxState *state)
{
	AxAcpiPower *power = opaque;
	uint8_t version = ax_state_get_u8(state);
	uint32_t events = ax_state_get_u32(state);
	uint32_t end = ax_state_get_u32(state);

	power_reset(power);
	if (ax_state_error(state) || version != STATE_VERSION || (events & ~EVENT_BUTTON) ||
	    end > AX_ACPI_POWER_RESTART)
		return -EINVAL;
	atomic_store(&power->events, events);
	atomic_store(&power->end, end);
	return 0;
}

static const AxDeviceOps power_device_ops = {
	.size = sizeof(AxDeviceOps),
	.reset = power_reset,
	.save = power_save,
	.restore = power_restore,
	.outside = press,
};

int ax_acpi_power_new(const AxAcpiPowerConfig *config, AxAcpiPower **out, AxError *err)
{
	AxAcpiPowerConfig known = AX_ACPI_POWER_CONFIG_INIT;
	AxAcpiPower *power;
	int ret;

	ret = ax_dev_config(&known, sizeof(known), config, sizeof(known), "AxAcpiPowerConfig", err);
	if (ret)
		return ret;
	power = calloc(1, sizeof(*power));
	if (!power)
		return ax_dev_error_nomem(err, "ACPI's power registers");
	ret = ax_dev_name(&power->link, known.name, "acpi", err);
	if (ret) {
		free(power);
		return ret;
	}
	*out = power;
	return 0;
}

int ax_acpi_power_attach(AxAcpiPower *power, AxVm *vm, AxGuestPhysAddr base, const AxIrq *irq,
			 AxError *err)
{
	const struct ax_dev_window window = { AX_SPACE_MMIO, base, LENGTH, &power_ops };

	power->irq = irq ? *irq : (AxIrq){ 0 };
	return ax_dev_attach(&power->link, vm, &window, 1, NULL, &power_device_ops, power, err);
}

int ax_acpi_power_detach(AxAcpiPower *power, AxError *err)
{
	return ax_dev_detach(&power->link, err);
}

void ax_acpi_power_free(AxAcpiPower *power)
{
	free(power);
}
