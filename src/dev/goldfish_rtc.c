/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Goldfish RTC: a clock that counts nanoseconds, and QEMU's on riscv64. axvmm/rtc.h says from where
 * its registers are known.
 */
#include <errno.h>
#include <stdlib.h>

#include "dev/rtc.h"

#define STATE_VERSION 1

enum goldfish_register {
	TIME_LOW = 0x00,
	TIME_HIGH = 0x04,
	ALARM_LOW = 0x08,
	ALARM_HIGH = 0x0c,
	IRQ_ENABLED = 0x10,
	CLEAR_ALARM = 0x14,
	ALARM_STATUS = 0x18,
	CLEAR_INTERRUPT = 0x1c,
};

struct AxGoldfishRtc {
	struct ax_rtc rtc;
	uint64_t offset;     /* nanoseconds that the guest's time is ahead, modulo 2^64 */
	uint64_t alarm;	     /* what the guest set, in its time */
	uint32_t time_high;  /* latched by a read of TIME_LOW, or written */
	uint32_t alarm_high; /* written */
	bool enabled;	     /* IRQ_ENABLED */
	bool pending;	     /* the alarm has come, and was not taken back */
};

static uint64_t guest_time(AxGoldfishRtc *dev)
{
	return ax_rtc_real(&dev->rtc) + dev->offset;
}

static void update_irq(AxGoldfishRtc *dev)
{
	ax_rtc_drive(&dev->rtc, dev->pending && dev->enabled);
}

static void alarm_came(struct ax_rtc *rtc)
{
	AxGoldfishRtc *dev = (AxGoldfishRtc *)rtc;

	dev->pending = true;
	update_irq(dev);
}

/* One that the host's time never reaches is none. */
static void expect_alarm(AxGoldfishRtc *dev)
{
	uint64_t real = ax_rtc_real(&dev->rtc), now = real + dev->offset;
	uint64_t ahead = dev->alarm > now ? dev->alarm - now : 0;

	dev->rtc.alarm = ahead < RTC_NO_ALARM - real ? real + ahead : RTC_NO_ALARM;
}

static bool is_expecting(const AxGoldfishRtc *dev)
{
	return dev->rtc.alarm != RTC_NO_ALARM;
}

static uint32_t read_register(struct ax_rtc *rtc, uint64_t reg)
{
	AxGoldfishRtc *dev = (AxGoldfishRtc *)rtc;
	uint64_t now;

	switch (reg) {
	case TIME_LOW:
		now = guest_time(dev);
		dev->time_high = (uint32_t)(now >> 32);
		return (uint32_t)now;
	case TIME_HIGH: return dev->time_high;
	case ALARM_LOW: return (uint32_t)dev->alarm;
	case ALARM_HIGH: return (uint32_t)(dev->alarm >> 32);
	case IRQ_ENABLED: return dev->enabled;
	case ALARM_STATUS: return is_expecting(dev);
	default: return 0;
	}
}

static void set_time(AxGoldfishRtc *dev, uint32_t low)
{
	dev->offset = ((uint64_t)dev->time_high << 32 | low) - ax_rtc_real(&dev->rtc);
	if (is_expecting(dev))
		expect_alarm(dev);
}

static void write_register(struct ax_rtc *rtc, uint64_t reg, uint32_t value)
{
	AxGoldfishRtc *dev = (AxGoldfishRtc *)rtc;

	switch (reg) {
	case TIME_LOW: set_time(dev, value); break;
	case TIME_HIGH: dev->time_high = value; break;
	case ALARM_LOW:
		dev->alarm = (uint64_t)dev->alarm_high << 32 | value;
		expect_alarm(dev);
		break;
	case ALARM_HIGH: dev->alarm_high = value; break;
	case IRQ_ENABLED: dev->enabled = value & 1; break;
	case CLEAR_ALARM: dev->rtc.alarm = RTC_NO_ALARM; break;
	case CLEAR_INTERRUPT: dev->pending = false; break;
	default: return;
	}
	update_irq(dev);
}

/* The time goes on. The lock is held. */
static void power_on(struct ax_rtc *rtc)
{
	AxGoldfishRtc *dev = (AxGoldfishRtc *)rtc;

	dev->alarm = 0;
	dev->time_high = 0;
	dev->alarm_high = 0;
	dev->enabled = false;
	dev->pending = false;
	dev->rtc.alarm = RTC_NO_ALARM;
	update_irq(dev);
}

static const struct rtc_model model = {
	.read = read_register,
	.write = write_register,
	.power_on = power_on,
	.due = alarm_came,
};

static int goldfish_save(void *opaque, AxState *state)
{
	AxGoldfishRtc *dev = opaque;

	ax_rtc_enter(&dev->rtc);
	ax_state_put_u8(state, STATE_VERSION);
	ax_state_put_u64(state, dev->offset);
	ax_state_put_u64(state, dev->alarm);
	ax_state_put_u32(state, dev->time_high);
	ax_state_put_u32(state, dev->alarm_high);
	ax_state_put_u8(state, dev->enabled);
	ax_state_put_u8(state, dev->pending);
	ax_state_put_u8(state, is_expecting(dev));
	ax_unlock(dev->rtc.lock);
	return ax_state_error(state);
}

/* Take the rest of a state: false when it is damaged. */
static bool take_state(AxGoldfishRtc *dev, AxState *state)
{
	uint8_t enabled, pending, expects;

	dev->offset = ax_state_get_u64(state);
	dev->alarm = ax_state_get_u64(state);
	dev->time_high = ax_state_get_u32(state);
	dev->alarm_high = ax_state_get_u32(state);
	enabled = ax_state_get_u8(state);
	pending = ax_state_get_u8(state);
	expects = ax_state_get_u8(state);
	if (ax_state_error(state) || enabled > 1 || pending > 1 || expects > 1)
		return false;
	dev->enabled = enabled;
	dev->pending = pending;
	if (expects)
		expect_alarm(dev);
	return true;
}

static int goldfish_restore(void *opaque, AxState *state)
{
	AxGoldfishRtc *dev = opaque;
	uint64_t offset;
	bool good;

	ax_lock(dev->rtc.lock);
	offset = dev->offset;
	power_on(&dev->rtc);
	good = ax_state_get_u8(state) == STATE_VERSION && take_state(dev, state);
	if (good) {
		update_irq(dev);
	} else {
		dev->offset = offset;
		power_on(&dev->rtc);
	}
	ax_rtc_leave(&dev->rtc);
	return good ? 0 : -EINVAL;
}

static const AxDeviceOps goldfish_device_ops = {
	.size = sizeof(AxDeviceOps),
	.reset = ax_rtc_reset,
	.save = goldfish_save,
	.restore = goldfish_restore,
};

int ax_goldfish_rtc_new(const AxRtcConfig *config, AxGoldfishRtc **out, AxError *err)
{
	AxGoldfishRtc *dev = calloc(1, sizeof(*dev));
	int ret;

	if (!dev)
		return ax_dev_error_nomem(err, "a Goldfish RTC");
	ret = ax_rtc_init(&dev->rtc, config, &model, err);
	if (ret) {
		ax_goldfish_rtc_free(dev);
		return ret;
	}
	*out = dev;
	return 0;
}

int ax_goldfish_rtc_attach(AxGoldfishRtc *rtc, AxVm *vm, AxGuestPhysAddr base, const AxIrq *irq,
			   AxError *err)
{
	return ax_rtc_attach(&rtc->rtc, vm, base, &goldfish_device_ops, irq, err);
}

int ax_goldfish_rtc_detach(AxGoldfishRtc *rtc, AxError *err)
{
	return ax_rtc_detach(&rtc->rtc, err);
}

void ax_goldfish_rtc_free(AxGoldfishRtc *rtc)
{
	if (!rtc)
		return;
	ax_rtc_fini(&rtc->rtc);
	free(rtc);
}
