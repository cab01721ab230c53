/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Reset routes of a PC: the i8042's reset line (0x60, 0x64), the reset control register (0xcf9) and
 * system control port A (0x92). What they do and do not do stands in axvmm/devices.h.
 */
#include <errno.h>
#include <stdlib.h>

#include "dev/dev.h"

#define I8042_DATA	       0x60
#define I8042_COMMAND	       0x64
#define I8042_CMD_WRITE_OUTPUT 0xd1 /* the next data byte goes to the output port */
#define I8042_CMD_PULSE	       0xf0 /* low nibble: a clear bit pulses its output line */
#define I8042_CMD_PULSE_MASK   0xf0
#define I8042_OUTPUT_RESET     0x01 /* output port bit 0, active low: the CPU's reset line */

/* The whole PCI configuration address register's ports, of which one byte is the reset control. */
#define CONTROL_BASE   0xcf8
#define CONTROL_LENGTH 4
#define CONTROL_OFFSET 1
#define CONTROL_RESET  0x04
#define CONTROL_KEPT   0x0e

#define PORT92	     0x92
#define PORT92_RESET 0x01
#define PORT92_A20   0x02

#define STATE_VERSION 1

struct AxResetDev {
	struct ax_dev_link link;
	AxResetDevConfig config;
	AxLock *lock; /* guards what follows */
	AxResetRoute route;
	bool output_next; /* the i8042's next data byte is for its output port */
	uint8_t control;  /* bits of CONTROL_KEPT */
	uint8_t port92;	  /* PORT92_RESET or 0 */
};

static AxHandled ask_for_reset(AxResetDev *dev, AxVCpu *vcpu, AxResetRoute route)
{
	if (dev->route == AX_RESET_NONE)
		dev->route = route;
	if (dev->config.reset)
		return dev->config.reset(dev->config.opaque, vcpu, route);
	return AX_STOP;
}

/* Ranges of the i8042 and of port A are one port long, so wider accesses arrive as bytes. */
static AxHandled i8042_read(AxVCpu *vcpu, void *opaque, uint64_t offset, AxAccessWidth width,
			    uint64_t *value)
{
	if (offset || width != AX_WIDTH_BYTE)
		return AX_UNHANDLED;
	*value = 0;
	return AX_HANDLED;
}

static AxHandled i8042_write_command(AxVCpu *vcpu, void *opaque, uint64_t offset,
				     AxAccessWidth width, uint64_t value)
{
	AxResetDev *dev = opaque;
	uint8_t command = (uint8_t)value;

	if (offset || width != AX_WIDTH_BYTE)
		return AX_UNHANDLED;
	dev->output_next = command == I8042_CMD_WRITE_OUTPUT;
	if ((command & I8042_CMD_PULSE_MASK) == I8042_CMD_PULSE && !(command & I8042_OUTPUT_RESET))
		return ask_for_reset(dev, vcpu, AX_RESET_I8042);
	return AX_HANDLED;
}

static AxHandled i8042_write_data(AxVCpu *vcpu, void *opaque, uint64_t offset, AxAccessWidth width,
				  uint64_t value)
{
	AxResetDev *dev = opaque;
	bool is_output = dev->output_next;

	if (offset || width != AX_WIDTH_BYTE)
		return AX_UNHANDLED;
	dev->output_next = false;
	if (is_output && !(value & I8042_OUTPUT_RESET))
		return ask_for_reset(dev, vcpu, AX_RESET_I8042);
	return AX_HANDLED;
}

static AxHandled control_read(AxVCpu *vcpu, void *opaque, uint64_t offset, AxAccessWidth width,
			      uint64_t *value)
{
	AxResetDev *dev = opaque;

	if (offset != CONTROL_OFFSET || width != AX_WIDTH_BYTE)
		return AX_UNHANDLED;
	*value = dev->control;
	return AX_HANDLED;
}

static AxHandled control_write(AxVCpu *vcpu, void *opaque, uint64_t offset, AxAccessWidth width,
			       uint64_t value)
{
	AxResetDev *dev = opaque;
	uint8_t before = dev->control;

	if (offset != CONTROL_OFFSET || width != AX_WIDTH_BYTE)
		return AX_UNHANDLED;
	dev->control = value & CONTROL_KEPT;
	if (dev->control & ~before & CONTROL_RESET)
		return ask_for_reset(dev, vcpu, AX_RESET_CONTROL);
	return AX_HANDLED;
}

static AxHandled port92_read(AxVCpu *vcpu, void *opaque, uint64_t offset, AxAccessWidth width,
			     uint64_t *value)
{
	AxResetDev *dev = opaque;

	if (offset || width != AX_WIDTH_BYTE)
		return AX_UNHANDLED;
	*value = dev->port92 | PORT92_A20;
	return AX_HANDLED;
}

static AxHandled port92_write(AxVCpu *vcpu, void *opaque, uint64_t offset, AxAccessWidth width,
			      uint64_t value)
{
	AxResetDev *dev = opaque;
	uint8_t before = dev->port92;

	if (offset || width != AX_WIDTH_BYTE)
		return AX_UNHANDLED;
	dev->port92 = value & PORT92_RESET;
	if (dev->port92 & ~before)
		return ask_for_reset(dev, vcpu, AX_RESET_PORT92);
	return AX_HANDLED;
}

static const AxRangeOps i8042_data_ops = { sizeof(AxRangeOps), i8042_read, i8042_write_data };
static const AxRangeOps i8042_command_ops = { sizeof(AxRangeOps), i8042_read, i8042_write_command };
static const AxRangeOps control_ops = { sizeof(AxRangeOps), control_read, control_write };
static const AxRangeOps port92_ops = { sizeof(AxRangeOps), port92_read, port92_write };

AxResetRoute ax_resetdev_route(AxResetDev *dev)
{
	AxResetRoute route;

	ax_lock(dev->lock);
	route = dev->route;
	ax_unlock(dev->lock);
	return route;
}

static void resetdev_reset(void *opaque)
{
	AxResetDev *dev = opaque;

	ax_lock(dev->lock);
	dev->route = AX_RESET_NONE;
	dev->output_next = false;
	dev->control = 0;
	dev->port92 = 0;
	ax_unlock(dev->lock);
}

static int resetdev_save(void *opaque, AxState *state)
{
	AxResetDev *dev = opaque;

	ax_lock(dev->lock);
	ax_state_put_u8(state, STATE_VERSION);
	ax_state_put_u8(state, (uint8_t)dev->route);
	ax_state_put_u8(state, dev->output_next);
	ax_state_put_u8(state, dev->control);
	ax_state_put_u8(state, dev->port92);
	ax_unlock(dev->lock);
	return ax_state_error(state);
}

static int resetdev_restore(void *opaque, AxState *state)
{
	AxResetDev *dev = opaque;
	uint8_t version = ax_state_get_u8(state);
	uint8_t route = ax_state_get_u8(state);
	uint8_t output_next = ax_state_get_u8(state);
	uint8_t control = ax_state_get_u8(state);
	uint8_t port92 = ax_state_get_u8(state);

	resetdev_reset(dev);
	if (ax_state_error(state) || version != STATE_VERSION || route > AX_RESET_PORT92 ||
	    output_next > 1 || control & ~CONTROL_KEPT || port92 & ~PORT92_RESET)
		return -EINVAL;
	ax_lock(dev->lock);
	dev->route = (AxResetRoute)route;
	dev->output_next = output_next;
	dev->control = control;
	dev->port92 = port92;
	ax_unlock(dev->lock);
	return 0;
}

static const AxDeviceOps resetdev_device_ops = {
	.size = sizeof(AxDeviceOps),
	.reset = resetdev_reset,
	.save = resetdev_save,
	.restore = resetdev_restore,
};

int ax_resetdev_new(const AxResetDevConfig *config, AxResetDev **out, AxError *err)
{
	AxResetDevConfig known = AX_RESETDEV_CONFIG_INIT;
	AxResetDev *dev;
	int ret;

	ret = ax_dev_config(&known, sizeof(known), config, sizeof(known), "AxResetDevConfig", err);
	if (ret)
		return ret;
	if (!known.routes || known.routes & ~AX_RESET_HAS_ALL)
		return ax_error_argument(err, -EINVAL,
					 "routes 0x%x is not a set of reset routes, or empty",
					 known.routes);
	dev = calloc(1, sizeof(*dev));
	if (!dev)
		return ax_dev_error_nomem(err, "reset routes");
	dev->config = known;
	dev->config.name = NULL;
	ret = ax_dev_name(&dev->link, known.name, "reset", err);
	if (ret)
		goto fail;
	dev->lock = ax_lock_new();
	if (!dev->lock) {
		ret = ax_dev_error_nomem(err, "reset routes");
		goto fail;
	}
	*out = dev;
	return 0;

fail:
	free(dev);
	return ret;
}

int ax_resetdev_attach(AxResetDev *dev, AxVm *vm, AxError *err)
{
	static const struct {
		uint32_t route;
		struct ax_dev_window window;
	} all[] = {
		{ AX_RESET_HAS_I8042, { AX_SPACE_PORT, I8042_DATA, 1, &i8042_data_ops } },
		{ AX_RESET_HAS_I8042, { AX_SPACE_PORT, I8042_COMMAND, 1, &i8042_command_ops } },
		{ AX_RESET_HAS_CONTROL,
		  { AX_SPACE_PORT, CONTROL_BASE, CONTROL_LENGTH, &control_ops } },
		{ AX_RESET_HAS_PORT92, { AX_SPACE_PORT, PORT92, 1, &port92_ops } },
	};
	struct ax_dev_window windows[AX_DEV_WINDOWS];
	unsigned count = 0;

	for (size_t i = 0; i < sizeof(all) / sizeof(all[0]); i++) {
		if (dev->config.routes & all[i].route)
			windows[count++] = all[i].window;
	}
	return ax_dev_attach(&dev->link, vm, windows, count, dev->lock, &resetdev_device_ops, dev,
			     err);
}

int ax_resetdev_detach(AxResetDev *dev, AxError *err)
{
	return ax_dev_detach(&dev->link, err);
}

void ax_resetdev_free(AxResetDev *dev)
{
	if (!dev)
		return;
	ax_lock_free(dev->lock);
	free(dev);
}
