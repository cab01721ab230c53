/* SPDX-License-Identifier: Apache-2.0 */
/*
 * PL061: eight pins, of which each may interrupt. axvmm/gpio.h says where it differs from the
 * PrimeCell.
 *
 * Source of all bits: ARM PrimeCell General Purpose Input/Output (PL061) Technical Reference Manual,
 * DDI 0190, chapter 3.
 */
#include <errno.h>
#include <stdlib.h>

#include <axvmm/gpio.h>

#include "dev/dev.h"

#define PL061_SIZE    0x1000
#define STATE_VERSION 1

/* How long a button is held. */
#define PRESS_NS 100000000

enum pl061_register {
	GPIO_DATA_END = 0x400, /* GPIODATA: bits 2 to 9 of the address are a mask */
	GPIO_DIR = 0x400,
	GPIO_IS = 0x404,
	GPIO_IBE = 0x408,
	GPIO_IEV = 0x40c,
	GPIO_IE = 0x410,
	GPIO_RIS = 0x414,
	GPIO_MIS = 0x418,
	GPIO_IC = 0x41c,
	GPIO_AFSEL = 0x420,
	GPIO_PERIPH_ID = 0xfe0, /* four of them, then four of PCellID */
};

/* GPIOPeriphID0 to 3 and GPIOPCellID0 to 3: DDI 0190, 3.3.11 and 3.3.12. */
static const uint8_t identity[] = { 0x61, 0x10, 0x04, 0x00, 0x0d, 0xf0, 0x05, 0xb1 };

/* What the guest can see, a bit a pin. */
struct pl061_regs {
	uint8_t data;	/* what the guest drives outputs to */
	uint8_t dir;	/* 1: output */
	uint8_t sense;	/* GPIOIS, 1: level */
	uint8_t both;	/* GPIOIBE, 1: both edges */
	uint8_t event;	/* GPIOIEV, 1: rising edge, or high level */
	uint8_t enable; /* GPIOIE */
	uint8_t edges;	/* seen, and not cleared */
	uint8_t afsel;
	uint8_t pins; /* as they were when last looked at, for edges */
};

struct AxPl061 {
	struct ax_dev_link link;
	struct pl061_regs regs;
	AxPl061Config config;
	AxLock *lock;
	AxTimer *timer; /* lets buttons go; NULL without a host */
	AxIrq irq;
	bool irq_level; /* what irq was set to last */
	uint8_t input;	/* pins as they are driven from outside */
	uint8_t held;	/* of them, buttons that the timer lets go */
};

static uint8_t pins(const AxPl061 *gpio)
{
	return (gpio->regs.data & gpio->regs.dir) | (gpio->input & ~gpio->regs.dir);
}

/* GPIORIS: edges that were seen, and levels that are there. */
static uint8_t raw_status(const AxPl061 *gpio)
{
	const struct pl061_regs *regs = &gpio->regs;
	uint8_t levels = (uint8_t) ~(pins(gpio) ^ regs->event);

	return (regs->edges & ~regs->sense) | (levels & regs->sense);
}

/* Take notice of what the pins did, and drive the interrupt output. The lock is held. */
static void update(AxPl061 *gpio)
{
	struct pl061_regs *regs = &gpio->regs;
	uint8_t now = pins(gpio), changed = regs->pins ^ now;
	uint8_t wanted = (uint8_t)(regs->both | ~(now ^ regs->event));
	bool level;

	regs->pins = now;
	regs->edges |= changed & wanted & ~regs->sense;
	level = raw_status(gpio) & regs->enable;
	if (level == gpio->irq_level)
		return;
	gpio->irq_level = level;
	ax_irq_set(&gpio->irq, level);
}

static uint32_t read_register(const AxPl061 *gpio, uint64_t reg)
{
	const struct pl061_regs *regs = &gpio->regs;

	if (reg < GPIO_DATA_END)
		return pins(gpio) & (reg >> 2);
	if (reg >= GPIO_PERIPH_ID)
		return identity[(reg - GPIO_PERIPH_ID) / 4];
	switch (reg) {
	case GPIO_DIR: return regs->dir;
	case GPIO_IS: return regs->sense;
	case GPIO_IBE: return regs->both;
	case GPIO_IEV: return regs->event;
	case GPIO_IE: return regs->enable;
	case GPIO_RIS: return raw_status(gpio);
	case GPIO_MIS: return raw_status(gpio) & regs->enable;
	case GPIO_AFSEL: return regs->afsel;
	default: return 0;
	}
}

static void write_register(AxPl061 *gpio, uint64_t reg, uint8_t value)
{
	struct pl061_regs *regs = &gpio->regs;
	uint8_t mask = (uint8_t)(reg >> 2);

	if (reg < GPIO_DATA_END)
		regs->data = (regs->data & ~mask) | (value & mask);
	switch (reg) {
	case GPIO_DIR: regs->dir = value; break;
	case GPIO_IS: regs->sense = value; break;
	case GPIO_IBE: regs->both = value; break;
	case GPIO_IEV: regs->event = value; break;
	case GPIO_IE: regs->enable = value; break;
	case GPIO_IC: regs->edges &= ~value; break;
	case GPIO_AFSEL: regs->afsel = value; break;
	default: break; /* GPIODATA, or for reading */
	}
	update(gpio);
}

static bool is_access(uint64_t offset, AxAccessWidth width)
{
	return offset % 4 == 0 && width != AX_WIDTH_QWORD;
}

static AxHandled pl061_read(AxVCpu *vcpu, void *opaque, uint64_t offset, AxAccessWidth width,
			    uint64_t *value)
{
	if (!is_access(offset, width))
		return AX_UNHANDLED;
	*value = read_register(opaque, offset);
	return AX_HANDLED;
}

static AxHandled pl061_write(AxVCpu *vcpu, void *opaque, uint64_t offset, AxAccessWidth width,
			     uint64_t value)
{
	if (!is_access(offset, width))
		return AX_UNHANDLED;
	write_register(opaque, offset, (uint8_t)value);
	return AX_HANDLED;
}

static const AxRangeOps pl061_ops = {
	.size = sizeof(AxRangeOps),
	.read = pl061_read,
	.write = pl061_write,
};

/* What is driven from outside stays. The lock is held. */
static void power_on(AxPl061 *gpio)
{
	gpio->regs = (struct pl061_regs){ .pins = gpio->input };
	update(gpio);
}

static void pl061_reset(void *opaque)
{
	AxPl061 *gpio = opaque;

	ax_lock(gpio->lock);
	power_on(gpio);
	ax_unlock(gpio->lock);
}

static int pl061_save(void *opaque, AxState *state)
{
	AxPl061 *gpio = opaque;

	ax_lock(gpio->lock);
	ax_state_put_u8(state, STATE_VERSION);
	ax_state_put_bytes(state, &gpio->regs, sizeof(gpio->regs)); /* bytes, all of them */
	ax_unlock(gpio->lock);
	return ax_state_error(state);
}

static int pl061_restore(void *opaque, AxState *state)
{
	AxPl061 *gpio = opaque;
	uint8_t version = ax_state_get_u8(state);
	struct pl061_regs regs;
	bool good;

	/* There is no byte that it could not hold. */
	ax_state_get_bytes(state, &regs, sizeof(regs));
	good = !ax_state_error(state) && version == STATE_VERSION;
	ax_lock(gpio->lock);
	if (good) {
		gpio->regs = regs;
		update(gpio);
	} else {
		power_on(gpio);
	}
	ax_unlock(gpio->lock);
	return good ? 0 : -EINVAL;
}

static void carry_out(void *opaque, uint32_t what, const void *bytes, size_t len);

static const AxDeviceOps pl061_device_ops = {
	.size = sizeof(AxDeviceOps),
	.reset = pl061_reset,
	.save = pl061_save,
	.restore = pl061_restore,
	.outside = carry_out,
};

static int check_pin(uint32_t pin, AxError *err)
{
	if (pin >= AX_PL061_PINS)
		return ax_error_argument(err, -EINVAL, "pin %u: there are 0 to %d", pin,
					 AX_PL061_PINS - 1);
	return 0;
}

/* The lock is held. */
static void drive(AxPl061 *gpio, uint8_t bits, bool level)
{
	gpio->input = level ? gpio->input | bits : gpio->input & ~bits;
	update(gpio);
}

/* Calls from outside, as recordings number them: the pin's number is in the lowest bits. */
#define CALL_PIN     7u
#define CALL_SET_PIN 0x10u
#define CALL_PRESS   0x20u
#define CALL_HIGH    0x40u

/* It may come from a recording. */
static void carry_out(void *opaque, uint32_t what, const void *bytes, size_t len)
{
	AxPl061 *gpio = opaque;
	uint8_t bit = (uint8_t)(1u << (what & CALL_PIN));
	bool pressed = what & CALL_PRESS;

	(void)bytes;
	(void)len;
	ax_lock(gpio->lock);
	if (pressed)
		gpio->held |= bit;
	else
		gpio->held &= (uint8_t)~bit;
	drive(gpio, bit, pressed || (what & CALL_HIGH));
	ax_unlock(gpio->lock);
	if (pressed && gpio->timer)
		ax_timer_arm(gpio->timer, ax_host_now(gpio->config.host) + PRESS_NS);
}

static void call(AxPl061 *gpio, uint32_t what)
{
	AxRecord *record = ax_dev_record(&gpio->link);

	ax_record_enter(record, gpio->link.name, what, NULL, 0);
	carry_out(gpio, what, NULL, 0);
	ax_record_leave(record);
}

int ax_pl061_set_pin(AxPl061 *gpio, uint32_t pin, bool level)
{
	int ret = check_pin(pin, NULL);

	if (ret)
		return ret;
	call(gpio, CALL_SET_PIN | (level ? CALL_HIGH : 0) | pin);
	return 0;
}

static void let_go(void *opaque)
{
	AxPl061 *gpio = opaque;

	ax_lock(gpio->lock);
	drive(gpio, gpio->held, false);
	gpio->held = 0;
	ax_unlock(gpio->lock);
}

int ax_pl061_press(AxPl061 *gpio, uint32_t pin, AxError *err)
{
	int ret = check_pin(pin, err);

	if (ret)
		return ret;
	if (!gpio->timer)
		return ax_error_set(err, -EPERM, AX_ERROR_STATE, 0,
				    "nobody would let the button go: %s has no host for a timer",
				    gpio->link.name);
	call(gpio, CALL_PRESS | pin);
	return 0;
}

int ax_pl061_new(const AxPl061Config *config, AxPl061 **out, AxError *err)
{
	AxPl061Config known = AX_PL061_CONFIG_INIT;
	AxPl061 *gpio;
	int ret;

	ret = ax_dev_config(&known, sizeof(known), config, sizeof(known), "AxPl061Config", err);
	if (ret)
		return ret;
	gpio = calloc(1, sizeof(*gpio));
	if (!gpio)
		return ax_dev_error_nomem(err, "a PL061");
	gpio->config = known;
	gpio->config.name = NULL;
	ret = ax_dev_name(&gpio->link, known.name, "gpio", err);
	if (ret)
		goto fail;
	gpio->lock = ax_lock_new();
	ax_host_owner(known.host, gpio->link.name);
	if (known.host)
		gpio->timer = ax_timer_new(known.host, let_go, gpio);
	if (!gpio->lock || (known.host && !gpio->timer)) {
		ret = ax_dev_error_nomem(err, "a PL061");
		goto fail;
	}
	*out = gpio;
	return 0;

fail:
	ax_pl061_free(gpio);
	return ret;
}

/* Let the old line fall; drive the new one, which starts low. */
static void connect_irq(AxPl061 *gpio, const AxIrq *irq)
{
	ax_lock(gpio->lock);
	if (gpio->irq_level)
		ax_irq_set(&gpio->irq, false);
	gpio->irq = irq ? *irq : (AxIrq){ 0 };
	gpio->irq_level = false;
	update(gpio);
	ax_unlock(gpio->lock);
}

int ax_pl061_attach(AxPl061 *gpio, AxVm *vm, AxGuestPhysAddr base, const AxIrq *irq, AxError *err)
{
	const struct ax_dev_window window = { AX_SPACE_MMIO, base, PL061_SIZE, &pl061_ops };
	int ret;

	ret = ax_dev_attach(&gpio->link, vm, &window, 1, gpio->lock, &pl061_device_ops, gpio, err);
	if (ret)
		return ret;
	connect_irq(gpio, irq);
	return 0;
}

int ax_pl061_detach(AxPl061 *gpio, AxError *err)
{
	int ret = ax_dev_detach(&gpio->link, err);

	if (ret)
		return ret;
	connect_irq(gpio, NULL);
	return 0;
}

void ax_pl061_free(AxPl061 *gpio)
{
	if (!gpio)
		return;
	ax_timer_free(gpio->timer);
	ax_lock_free(gpio->lock);
	free(gpio);
}
