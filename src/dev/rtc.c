/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the boards' clocks have in common. See rtc.h.
 */
#include <time.h>

#include "dev/rtc.h"

/*
 * Timers count without the jumps of real time (somebody sets the host's clock, the host sleeps): how
 * long such a jump may go unnoticed while an alarm is waited for.
 */
#define LONGEST_WAIT (60 * RTC_NS_PER_SECOND)

static uint64_t host_real_time(void *opaque)
{
	struct timespec now = { 0 };

	(void)clock_gettime(CLOCK_REALTIME, &now);
	return (uint64_t)now.tv_sec * RTC_NS_PER_SECOND + (uint64_t)now.tv_nsec;
}

uint64_t ax_rtc_real(struct ax_rtc *rtc)
{
	uint64_t now = rtc->config.now(rtc->config.now_opaque);

	ax_record_input(ax_dev_record(&rtc->link), AX_RECORD_REAL_TIME, 0, &now, sizeof(now));
	return now;
}

/* Nanoseconds until the alarm; RTC_NO_ALARM when there is none, or when it has just come. */
static uint64_t check_alarm(struct ax_rtc *rtc)
{
	uint64_t real;

	if (rtc->alarm == RTC_NO_ALARM)
		return RTC_NO_ALARM;
	real = ax_rtc_real(rtc);
	if (real < rtc->alarm)
		return rtc->alarm - real;
	rtc->alarm = RTC_NO_ALARM;
	rtc->model->due(rtc);
	return RTC_NO_ALARM;
}

void ax_rtc_enter(struct ax_rtc *rtc)
{
	ax_lock(rtc->lock);
	(void)check_alarm(rtc);
}

void ax_rtc_leave(struct ax_rtc *rtc)
{
	uint64_t wait = check_alarm(rtc);

	ax_unlock(rtc->lock);
	/* A timer for an alarm that is gone meanwhile does no harm. */
	if (rtc->timer && wait != RTC_NO_ALARM)
		ax_timer_arm(rtc->timer, ax_host_now(rtc->config.host) +
						 (wait < LONGEST_WAIT ? wait : LONGEST_WAIT));
}

static void timer_fired(void *opaque)
{
	struct ax_rtc *rtc = opaque;

	ax_rtc_enter(rtc);
	ax_rtc_leave(rtc);
}

void ax_rtc_drive(struct ax_rtc *rtc, bool level)
{
	if (level == rtc->irq_level)
		return;
	rtc->irq_level = level;
	ax_irq_set(&rtc->irq, level);
}

/* Registers are words; what begins inside of one, or is wider, is nothing that the bus carries. */
static bool is_access(uint64_t offset, AxAccessWidth width)
{
	return offset % 4 == 0 && width != AX_WIDTH_QWORD;
}

static AxHandled rtc_read(AxVCpu *vcpu, void *opaque, uint64_t offset, AxAccessWidth width,
			  uint64_t *value)
{
	struct ax_rtc *rtc = opaque;

	if (!is_access(offset, width))
		return AX_UNHANDLED;
	ax_rtc_enter(rtc);
	*value = rtc->model->read(rtc, offset);
	ax_rtc_leave(rtc);
	return AX_HANDLED;
}

static AxHandled rtc_write(AxVCpu *vcpu, void *opaque, uint64_t offset, AxAccessWidth width,
			   uint64_t value)
{
	struct ax_rtc *rtc = opaque;

	if (!is_access(offset, width))
		return AX_UNHANDLED;
	ax_rtc_enter(rtc);
	rtc->model->write(rtc, offset, (uint32_t)(value & ax_dev_mask(width)));
	ax_rtc_leave(rtc);
	return AX_HANDLED;
}

static const AxRangeOps rtc_ops = {
	.size = sizeof(AxRangeOps),
	.read = rtc_read,
	.write = rtc_write,
};

void ax_rtc_reset(void *opaque)
{
	struct ax_rtc *rtc = opaque;

	ax_lock(rtc->lock);
	rtc->model->power_on(rtc);
	ax_unlock(rtc->lock);
}

int ax_rtc_init(struct ax_rtc *rtc, const AxRtcConfig *config, const struct rtc_model *model,
		AxError *err)
{
	AxRtcConfig known = AX_RTC_CONFIG_INIT;
	int ret;

	ret = ax_dev_config(&known, sizeof(known), config, sizeof(known), "AxRtcConfig", err);
	if (!ret)
		ret = ax_dev_name(&rtc->link, known.name, "rtc", err);
	if (ret)
		return ret;
	rtc->config = known;
	rtc->config.name = NULL;
	if (!known.now)
		rtc->config.now = host_real_time;
	rtc->alarm = RTC_NO_ALARM;
	rtc->model = model;
	rtc->lock = ax_lock_new();
	ax_host_owner(known.host, rtc->link.name);
	if (known.host)
		rtc->timer = ax_timer_new(known.host, timer_fired, rtc);
	if (!rtc->lock || (known.host && !rtc->timer))
		return ax_dev_error_nomem(err, "a clock");
	return 0;
}

void ax_rtc_fini(struct ax_rtc *rtc)
{
	ax_timer_free(rtc->timer);
	ax_lock_free(rtc->lock);
}

/* Let the old line fall; drive the new one, which starts low. */
static void connect_irq(struct ax_rtc *rtc, const AxIrq *irq)
{
	bool level;

	ax_lock(rtc->lock);
	level = rtc->irq_level;
	ax_rtc_drive(rtc, false);
	rtc->irq = irq ? *irq : (AxIrq){ 0 };
	ax_rtc_drive(rtc, level);
	ax_unlock(rtc->lock);
}

int ax_rtc_attach(struct ax_rtc *rtc, AxVm *vm, AxGuestPhysAddr base, const AxDeviceOps *ops,
		  const AxIrq *irq, AxError *err)
{
	const struct ax_dev_window window = { AX_SPACE_MMIO, base, RTC_SIZE, &rtc_ops };
	int ret;

	ret = ax_dev_attach(&rtc->link, vm, &window, 1, NULL, ops, rtc, err);
	if (ret)
		return ret;
	connect_irq(rtc, irq);
	return 0;
}

int ax_rtc_detach(struct ax_rtc *rtc, AxError *err)
{
	int ret = ax_dev_detach(&rtc->link, err);

	if (ret)
		return ret;
	connect_irq(rtc, NULL);
	return 0;
}
