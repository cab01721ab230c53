/* SPDX-License-Identifier: Apache-2.0 */
/*
 * PL061: ARM PrimeCell General Purpose Input/Output, as its Technical Reference Manual (DDI 0190,
 * chapter 3) describes it: eight pins. A machine's buttons hang on it. Lives as the devices of
 * devices.h do, which says what new, attach, detach and free return. Part of libaxvmm-machine.
 *
 * Where a model differs from the PrimeCell:
 *   - The mode of a pin (GPIOAFSEL) is kept, but does nothing: there is no other hardware.
 *   - Registers are words: an access of 1, 2 or 4 bytes at one is an access to it, others are not
 *     handled.
 */
#ifndef AXVMM_GPIO_H
#define AXVMM_GPIO_H

#include <axvmm/devices.h>

#ifdef __cplusplus
extern "C" {
#endif

typedef struct AxPl061 AxPl061;

#define AX_PL061_PINS 8

typedef struct AxPl061Config {
	size_t size;	  /* sizeof(AxPl061Config): AX_PL061_CONFIG_INIT */
	const char *name; /* of the device and its range, at most 31 bytes; NULL: "gpio" */
	AxHost *host;	  /* for ax_pl061_press(); borrowed until free; NULL: none */
} AxPl061Config;

#define AX_PL061_CONFIG_INIT { sizeof(AxPl061Config), NULL, NULL }

AX_API int ax_pl061_new(const AxPl061Config *config, AxPl061 **out, AxError *err);
/* Put it into a VM: 4 KiB from @base. @irq (GPIOINTR, a level) is copied; NULL: not connected. */
AX_API int ax_pl061_attach(AxPl061 *gpio, AxVm *vm, AxGuestPhysAddr base, const AxIrq *irq,
			   AxError *err);
AX_API int ax_pl061_detach(AxPl061 *gpio, AxError *err);
AX_API void ax_pl061_free(AxPl061 *gpio);

/**
 * Drive a pin from outside. A new PL061 has all of them low; a reset does not change them. The guest
 * sees it where the pin is an input.
 *
 * @return 0; -EINVAL there is no such pin
 *
 * Thread: any.
 */
AX_API int ax_pl061_set_pin(AxPl061 *gpio, uint32_t pin, bool level);

/**
 * Press a button on a pin: it goes high, and low again after a tenth of a second, longer than guests
 * take bouncing for. Pressed again meanwhile it is held for longer.
 *
 * @return 0; -EINVAL there is no such pin; -EPERM it was made without a host
 *
 * Thread: any.
 */
AX_API int ax_pl061_press(AxPl061 *gpio, uint32_t pin, AxError *err);

#ifdef __cplusplus
}
#endif

#endif
