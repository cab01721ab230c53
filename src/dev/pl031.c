/* SPDX-License-Identifier: Apache-2.0 */
/*
 * PL031: a clock that counts seconds. axvmm/rtc.h says where it differs from the PrimeCell.
 *
 * Source of all bits: ARM PrimeCell Real Time Clock (PL031) Technical Reference Manual, DDI 0224,
 * chapter 3.
 */
#include <errno.h>
#include <stdlib.h>

#include "dev/rtc.h"

#define STATE_VERSION 1

enum pl031_register {
	RTC_DR = 0x00,
	RTC_MR = 0x04,
	RTC_LR = 0x08,
	RTC_CR = 0x0c,
	RTC_IMSC = 0x10,
	RTC_RIS = 0x14,
	RTC_MIS = 0x18,
	RTC_ICR = 0x1c,
	RTC_PERIPH_ID = 0xfe0, /* four of them, then four of PCellID */
};

#define RTC_CR_START 1

/* RTCPeriphID0 to 3 and RTCPCellID0 to 3: DDI 0224, 3.3.9 and 3.3.10. */
static const uint8_t identity[] = { 0x31, 0x10, 0x04, 0x00, 0x0d, 0xf0, 0x05, 0xb1 };

struct AxPl031 {
	struct ax_rtc rtc;
	uint32_t offset; /* seconds that the guest's time is ahead of the host's, modulo 2^32 */
	uint32_t match;
	uint32_t load; /* what was written to RTCLR last */
	bool mask;     /* RTCIMSC: the interrupt is let through */
	bool raw;      /* RTCRIS */
};

static uint32_t counter(AxPl031 *dev)
{
	return (uint32_t)(ax_rtc_real(&dev->rtc) / RTC_NS_PER_SECOND) + dev->offset;
}

static void update_irq(AxPl031 *dev)
{
	ax_rtc_drive(&dev->rtc, dev->raw && dev->mask);
}

static void matched(struct ax_rtc *rtc)
{
	AxPl031 *dev = (AxPl031 *)rtc;

	dev->raw = true;
	update_irq(dev);
}

/* When the counter will be what RTCMR says: half of its range away at most, or it is past. */
static void expect_match(AxPl031 *dev)
{
	uint64_t seconds = ax_rtc_real(&dev->rtc) / RTC_NS_PER_SECOND;
	uint32_t ahead = dev->match - ((uint32_t)seconds + dev->offset);

	dev->rtc.alarm = ahead <= INT32_MAX ? (seconds + ahead) * RTC_NS_PER_SECOND : RTC_NO_ALARM;
}

static uint32_t read_register(struct ax_rtc *rtc, uint64_t reg)
{
	AxPl031 *dev = (AxPl031 *)rtc;

	if (reg >= RTC_PERIPH_ID)
		return identity[(reg - RTC_PERIPH_ID) / 4];
	switch (reg) {
	case RTC_DR: return counter(dev);
	case RTC_MR: return dev->match;
	case RTC_LR: return dev->load;
	case RTC_CR: return RTC_CR_START;
	case RTC_IMSC: return dev->mask;
	case RTC_RIS: return dev->raw;
	case RTC_MIS: return dev->raw && dev->mask;
	default: return 0;
	}
}

static void write_register(struct ax_rtc *rtc, uint64_t reg, uint32_t value)
{
	AxPl031 *dev = (AxPl031 *)rtc;

	switch (reg) {
	case RTC_MR:
		dev->match = value;
		expect_match(dev);
		break;
	case RTC_LR:
		dev->load = value;
		dev->offset += value - counter(dev);
		expect_match(dev);
		break;
	case RTC_IMSC: dev->mask = value & 1; break;
	case RTC_ICR:
		if (value & 1)
			dev->raw = false;
		break;
	default: return; /* the others are for reading; RTCCR has nothing to start */
	}
	update_irq(dev);
}

/* The time goes on: it has a battery. The lock is held. */
static void power_on(struct ax_rtc *rtc)
{
	AxPl031 *dev = (AxPl031 *)rtc;

	dev->match = 0;
	dev->load = 0;
	dev->mask = false;
	dev->raw = false;
	dev->rtc.alarm = RTC_NO_ALARM;
	update_irq(dev);
}

static const struct rtc_model model = {
	.read = read_register,
	.write = write_register,
	.power_on = power_on,
	.due = matched,
};

static int pl031_save(void *opaque, AxState *state)
{
	AxPl031 *dev = opaque;

	ax_rtc_enter(&dev->rtc);
	ax_state_put_u8(state, STATE_VERSION);
	ax_state_put_u32(state, dev->offset);
	ax_state_put_u32(state, dev->match);
	ax_state_put_u32(state, dev->load);
	ax_state_put_u8(state, dev->mask);
	ax_state_put_u8(state, dev->raw);
	ax_state_put_u8(state, dev->rtc.alarm != RTC_NO_ALARM);
	ax_unlock(dev->rtc.lock);
	return ax_state_error(state);
}

static int pl031_restore(void *opaque, AxState *state)
{
	AxPl031 *dev = opaque;
	uint8_t version = ax_state_get_u8(state);
	uint32_t offset = ax_state_get_u32(state), match = ax_state_get_u32(state);
	uint32_t load = ax_state_get_u32(state);
	uint8_t mask = ax_state_get_u8(state), raw = ax_state_get_u8(state);
	uint8_t expects = ax_state_get_u8(state);
	bool good = !ax_state_error(state) && version == STATE_VERSION && mask <= 1 && raw <= 1 &&
		    expects <= 1;

	ax_lock(dev->rtc.lock);
	power_on(&dev->rtc);
	if (good) {
		dev->offset = offset;
		dev->match = match;
		dev->load = load;
		dev->mask = mask;
		dev->raw = raw;
		if (expects)
			expect_match(dev);
		update_irq(dev);
	}
	ax_rtc_leave(&dev->rtc);
	return good ? 0 : -EINVAL;
}

static const AxDeviceOps pl031_device_ops = {
	.size = sizeof(AxDeviceOps),
	.reset = ax_rtc_reset,
	.save = pl031_save,
	.restore = pl031_restore,
};

int ax_pl031_new(const AxRtcConfig *config, AxPl031 **out, AxError *err)
{
	AxPl031 *dev = calloc(1, sizeof(*dev));
	int ret;

	if (!dev)
		return ax_dev_error_nomem(err, "a PL031");
	ret = ax_rtc_init(&dev->rtc, config, &model, err);
	if (ret) {
		ax_pl031_free(dev);
		return ret;
	}
	*out = dev;
	return 0;
}

int ax_pl031_attach(AxPl031 *rtc, AxVm *vm, AxGuestPhysAddr base, const AxIrq *irq, AxError *err)
{
	return ax_rtc_attach(&rtc->rtc, vm, base, &pl031_device_ops, irq, err);
}

int ax_pl031_detach(AxPl031 *rtc, AxError *err)
{
	return ax_rtc_detach(&rtc->rtc, err);
}

void ax_pl031_free(AxPl031 *rtc)
{
	if (!rtc)
		return;
	ax_rtc_fini(&rtc->rtc);
	free(rtc);
}
