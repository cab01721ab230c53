/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the boards' clocks have in common: the host's real time, an alarm, an interrupt line, a place
 * in a VM. A clock embeds struct ax_rtc first.
 *
 * The ranges' ops take the lock themselves, so that the host's timer is armed outside of it, which
 * the timer's callback takes.
 */
#ifndef AXVMM_DEV_RTC_H
#define AXVMM_DEV_RTC_H

#include <axvmm/rtc.h>

#include "dev/dev.h"

#define RTC_SIZE	  0x1000
#define RTC_NO_ALARM	  UINT64_MAX
#define RTC_NS_PER_SECOND UINT64_C(1000000000)

struct ax_rtc;

/* What a clock is. The lock is held. */
struct rtc_model {
	/* Registers are words at multiples of 4; a narrower write comes zero-extended. */
	uint32_t (*read)(struct ax_rtc *rtc, uint64_t reg);
	void (*write)(struct ax_rtc *rtc, uint64_t reg, uint32_t value);
	void (*power_on)(struct ax_rtc *rtc);
	void (*due)(struct ax_rtc *rtc); /* the alarm's time has come */
};

struct ax_rtc {
	struct ax_dev_link link;
	AxRtcConfig config;
	AxLock *lock;
	AxTimer *timer; /* NULL without a host */
	AxIrq irq;
	bool irq_level; /* what irq was set to last */
	uint64_t alarm; /* real time in nanoseconds; RTC_NO_ALARM */
	const struct rtc_model *model;
};

/*
 * Set up the common part of a zeroed clock. 0, -EINVAL, -ENOMEM; ax_rtc_fini() is needed in any case.
 */
int ax_rtc_init(struct ax_rtc *rtc, const AxRtcConfig *config, const struct rtc_model *model,
		AxError *err);
void ax_rtc_fini(struct ax_rtc *rtc);

int ax_rtc_attach(struct ax_rtc *rtc, AxVm *vm, AxGuestPhysAddr base, const AxDeviceOps *ops,
		  const AxIrq *irq, AxError *err);
int ax_rtc_detach(struct ax_rtc *rtc, AxError *err);

/* AxDeviceOps.reset of all clocks; @opaque: the struct ax_rtc. */
void ax_rtc_reset(void *opaque);

/* Nanoseconds since 1970, the host's. */
uint64_t ax_rtc_real(struct ax_rtc *rtc);

/* Take the lock, with an alarm that has come by now; give it back, and wait for the next alarm. */
void ax_rtc_enter(struct ax_rtc *rtc);
void ax_rtc_leave(struct ax_rtc *rtc);

/* Drive the interrupt output. The lock is held. */
void ax_rtc_drive(struct ax_rtc *rtc, bool level);

#endif
