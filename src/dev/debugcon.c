/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Debug console: ports whose every written byte is a byte of output, and which read 0xe9. It has no
 * state of its own and takes no lock: its sink does.
 */
#include <errno.h>
#include <stdlib.h>

#include "dev/dev.h"

#define PRESENT	      0xe9
#define STATE_VERSION 1

struct AxDebugCon {
	struct ax_dev_link link;
	AxDebugConConfig config;
};

/* Ranges are one port long, so wider accesses arrive as bytes. */
static AxHandled debugcon_read(AxVCpu *vcpu, void *opaque, uint64_t offset, AxAccessWidth width,
			       uint64_t *value)
{
	if (offset || width != AX_WIDTH_BYTE)
		return AX_UNHANDLED;
	*value = PRESENT;
	return AX_HANDLED;
}

static AxHandled debugcon_write(AxVCpu *vcpu, void *opaque, uint64_t offset, AxAccessWidth width,
				uint64_t value)
{
	AxDebugCon *dev = opaque;
	uint8_t byte = (uint8_t)value;

	if (offset || width != AX_WIDTH_BYTE)
		return AX_UNHANDLED;
	if (dev->config.output.write)
		dev->config.output.write(dev->config.output.opaque, &byte, 1);
	return AX_HANDLED;
}

static const AxRangeOps debugcon_ops = {
	.size = sizeof(AxRangeOps),
	.read = debugcon_read,
	.write = debugcon_write,
};

static void debugcon_reset(void *opaque)
{
}

static int debugcon_save(void *opaque, AxState *state)
{
	ax_state_put_u8(state, STATE_VERSION);
	return ax_state_error(state);
}

static int debugcon_restore(void *opaque, AxState *state)
{
	uint8_t version = ax_state_get_u8(state);

	return ax_state_error(state) || version != STATE_VERSION ? -EINVAL : 0;
}

static const AxDeviceOps debugcon_device_ops = {
	.size = sizeof(AxDeviceOps),
	.reset = debugcon_reset,
	.save = debugcon_save,
	.restore = debugcon_restore,
};

int ax_debugcon_new(const AxDebugConConfig *config, AxDebugCon **out, AxError *err)
{
	AxDebugConConfig known = AX_DEBUGCON_CONFIG_INIT;
	AxDebugCon *dev;
	int ret;

	ret = ax_dev_config(&known, sizeof(known), config, sizeof(known), "AxDebugConConfig", err);
	if (ret)
		return ret;
	if (!known.ports[0] && !known.ports[1])
		return ax_error_argument(err, -EINVAL, "a debug console needs a port");
	dev = calloc(1, sizeof(*dev));
	if (!dev)
		return ax_dev_error_nomem(err, "a debug console");
	dev->config = known;
	dev->config.name = NULL;
	ret = ax_dev_name(&dev->link, known.name, "debugcon", err);
	if (ret) {
		free(dev);
		return ret;
	}
	*out = dev;
	return 0;
}

int ax_debugcon_attach(AxDebugCon *dev, AxVm *vm, AxError *err)
{
	struct ax_dev_window windows[2];
	unsigned count = 0;

	for (unsigned i = 0; i < 2; i++) {
		if (dev->config.ports[i])
			windows[count++] =
				(struct ax_dev_window){ AX_SPACE_PORT, dev->config.ports[i], 1,
							&debugcon_ops };
	}
	return ax_dev_attach(&dev->link, vm, windows, count, NULL, &debugcon_device_ops, dev, err);
}

int ax_debugcon_detach(AxDebugCon *dev, AxError *err)
{
	return ax_dev_detach(&dev->link, err);
}

void ax_debugcon_free(AxDebugCon *dev)
{
	free(dev);
}
