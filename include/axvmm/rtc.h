/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Real-time clocks of the arm64 and riscv64 machines: PL031 and Goldfish. They live as the devices of
 * devices.h do, which says what new, attach, detach and free return.
 *
 * Both show the host's real time (CLOCK_REALTIME, UTC), which a guest that sets its clock moves for
 * itself alone. An alarm comes by a timer of the host; without a host it is seen at the next access.
 * Part of libaxvmm-machine.
 */
#ifndef AXVMM_RTC_H
#define AXVMM_RTC_H

#include <axvmm/devices.h>

#ifdef __cplusplus
extern "C" {
#endif

/* What both clocks ask. */
typedef struct AxRtcConfig {
	size_t size;	  /* sizeof(AxRtcConfig): AX_RTC_CONFIG_INIT */
	const char *name; /* of the device and its range, at most 31 bytes; NULL: "rtc" */
	AxHost *host;	  /* for alarms; borrowed until free; NULL: none */
	uint64_t (*now)(void *opaque); /* nanoseconds since 1970, UTC, on any thread; NULL: the host's */
	void *now_opaque;
} AxRtcConfig;

#define AX_RTC_CONFIG_INIT { sizeof(AxRtcConfig), NULL, NULL, NULL, NULL }

/*
 * PL031: ARM PrimeCell Real Time Clock, as its Technical Reference Manual (DDI 0224, chapter 3)
 * describes it, revision r1p0. Seconds since 1970 in 32 bits.
 *
 * Where a model differs from the PrimeCell:
 *   - It runs when it is made and after a reset, at the host's time, whatever RTCCR says: a board's
 *     clock has a battery. RTCCR reads as 1.
 *   - Registers are words: an access of 1, 2 or 4 bytes at one is an access to it, others are not
 *     handled.
 */
typedef struct AxPl031 AxPl031;

AX_API int ax_pl031_new(const AxRtcConfig *config, AxPl031 **out, AxError *err);
/* Put it into a VM: 4 KiB from @base. @irq (RTCINTR, a level) is copied; NULL: not connected. */
AX_API int ax_pl031_attach(AxPl031 *rtc, AxVm *vm, AxGuestPhysAddr base, const AxIrq *irq,
			   AxError *err);
AX_API int ax_pl031_detach(AxPl031 *rtc, AxError *err);
AX_API void ax_pl031_free(AxPl031 *rtc);

/*
 * Goldfish RTC, which QEMU's riscv64 board `virt` has at 0x101000: nanoseconds since 1970 in 64 bits.
 * Reading TIME_LOW latches TIME_HIGH; writing TIME_LOW sets the time, with what TIME_HIGH was given
 * before; writing ALARM_LOW sets the alarm likewise, which is due at once when its time is past.
 * Registers are words, as those of the PL031.
 *
 * Source: Android emulator, docs/GOLDFISH-VIRTUAL-HARDWARE.TXT, "Goldfish timer" and "real-time clock".
 */
typedef struct AxGoldfishRtc AxGoldfishRtc;

AX_API int ax_goldfish_rtc_new(const AxRtcConfig *config, AxGoldfishRtc **out, AxError *err);
/* Put it into a VM: 4 KiB from @base. @irq (a level) is copied; NULL: not connected. */
AX_API int ax_goldfish_rtc_attach(AxGoldfishRtc *rtc, AxVm *vm, AxGuestPhysAddr base,
				  const AxIrq *irq, AxError *err);
AX_API int ax_goldfish_rtc_detach(AxGoldfishRtc *rtc, AxError *err);
AX_API void ax_goldfish_rtc_free(AxGoldfishRtc *rtc);

#ifdef __cplusplus
}
#endif

#endif
