/* SPDX-License-Identifier: Apache-2.0 */
/*
 * CMOS: the MC146818 clock and its RAM. What it does and does not do stands in axvmm/pc.h.
 *
 * Source: Motorola MC146818 datasheet (time, calendar, registers A to D).
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <axvmm/pc.h>

#include "dev/dev.h"

#define PORT	      0x70
#define PORTS	      2
#define INDEX_MASK    0x7f /* the top bit masks NMIs */
#define RAM_SIZE      128
#define STATE_VERSION 1

enum {
	SECONDS = 0x00,
	MINUTES = 0x02,
	HOURS = 0x04,
	WEEKDAY = 0x06,
	DAY = 0x07,
	MONTH = 0x08,
	YEAR = 0x09,
	REGISTER_A = 0x0a,
	REGISTER_B = 0x0b,
	REGISTER_C = 0x0c,
	REGISTER_D = 0x0d,
	BASE_MEMORY = 0x15,
	EXTENDED_MEMORY = 0x17,
	EXTENDED_AGAIN = 0x30,
	CENTURY = 0x32,
	MEMORY_ABOVE_16M = 0x34,
	MEMORY_ABOVE_4G = 0x5b,
};

#define A_UIP	 0x80
#define A_USUAL	 0x26 /* 32768 Hz crystal, 1024 Hz rate */
#define B_SET	 0x80
#define B_BINARY 0x04
#define B_24	 0x02
#define D_VALID	 0x80
#define HOUR_PM	 0x80

#define NS_PER_SECOND 1000000000ull
/* Update in progress is said so long before the update; and the update itself. */
#define UIP_NS 244000

struct AxCmos {
	struct ax_dev_link link;
	AxCmosConfig config;
	AxLock *lock; /* guards what follows */
	uint8_t index;
	uint8_t ram[RAM_SIZE]; /* also of the clock, but for the time while it runs */
	int64_t offset;	       /* nanoseconds that the guest's time is ahead */
};

static uint64_t host_now(void *opaque)
{
	struct timespec now;

	clock_gettime(CLOCK_REALTIME, &now);
	return (uint64_t)now.tv_sec * NS_PER_SECOND + (uint64_t)now.tv_nsec;
}

static uint64_t real_now(AxCmos *cmos)
{
	uint64_t now = cmos->config.now(cmos->config.now_opaque);

	ax_record_input(ax_dev_record(&cmos->link), AX_RECORD_REAL_TIME, 0, &now, sizeof(now));
	return now;
}

static uint64_t guest_now(AxCmos *cmos)
{
	return real_now(cmos) + (uint64_t)cmos->offset;
}

static uint8_t encode(const AxCmos *cmos, unsigned value)
{
	if (cmos->ram[REGISTER_B] & B_BINARY)
		return (uint8_t)value;
	return (uint8_t)((value / 10) << 4 | value % 10);
}

static unsigned decode(const AxCmos *cmos, uint8_t value)
{
	if (cmos->ram[REGISTER_B] & B_BINARY)
		return value;
	return (value >> 4) * 10u + (value & 0xf);
}

static uint8_t encode_hour(const AxCmos *cmos, unsigned hour)
{
	if (cmos->ram[REGISTER_B] & B_24)
		return encode(cmos, hour);
	return (uint8_t)(encode(cmos, hour % 12 ? hour % 12 : 12) | (hour >= 12 ? HOUR_PM : 0));
}

static unsigned decode_hour(const AxCmos *cmos, uint8_t value)
{
	if (cmos->ram[REGISTER_B] & B_24)
		return decode(cmos, value);
	return decode(cmos, value & (uint8_t)~HOUR_PM) % 12 + (value & HOUR_PM ? 12 : 0);
}

/* Copy the time into the registers. */
static void update(AxCmos *cmos)
{
	time_t seconds = (time_t)(guest_now(cmos) / NS_PER_SECOND);
	struct tm tm;

	if ((cmos->ram[REGISTER_B] & B_SET) || !gmtime_r(&seconds, &tm))
		return;
	cmos->ram[SECONDS] = encode(cmos, (unsigned)tm.tm_sec);
	cmos->ram[MINUTES] = encode(cmos, (unsigned)tm.tm_min);
	cmos->ram[HOURS] = encode_hour(cmos, (unsigned)tm.tm_hour);
	cmos->ram[WEEKDAY] = encode(cmos, (unsigned)tm.tm_wday + 1);
	cmos->ram[DAY] = encode(cmos, (unsigned)tm.tm_mday);
	cmos->ram[MONTH] = encode(cmos, (unsigned)tm.tm_mon + 1);
	cmos->ram[YEAR] = encode(cmos, (unsigned)tm.tm_year % 100);
	cmos->ram[CENTURY] = encode(cmos, ((unsigned)tm.tm_year + 1900) / 100);
}

/* The guest has set the clock: from now on it runs on from what the registers say. */
static void take_time(AxCmos *cmos)
{
	struct tm tm = {
		.tm_sec = (int)decode(cmos, cmos->ram[SECONDS]),
		.tm_min = (int)decode(cmos, cmos->ram[MINUTES]),
		.tm_hour = (int)decode_hour(cmos, cmos->ram[HOURS]),
		.tm_mday = (int)decode(cmos, cmos->ram[DAY]),
		.tm_mon = (int)decode(cmos, cmos->ram[MONTH]) - 1,
		.tm_year = (int)(decode(cmos, cmos->ram[CENTURY]) * 100 +
				 decode(cmos, cmos->ram[YEAR])) -
			   1900,
	};
	time_t seconds = timegm(&tm);
	uint64_t host = real_now(cmos);

	if (seconds >= 0)
		cmos->offset = (int64_t)((uint64_t)seconds * NS_PER_SECOND - host);
}

static bool is_time(uint8_t index)
{
	return index == SECONDS || index == MINUTES || index == HOURS ||
	       (index >= WEEKDAY && index <= YEAR) || index == CENTURY;
}

static uint8_t read_register(AxCmos *cmos, uint8_t index)
{
	uint8_t value;

	if (is_time(index))
		update(cmos);
	value = cmos->ram[index];
	switch (index) {
	case REGISTER_A:
		if (!(cmos->ram[REGISTER_B] & B_SET) &&
		    guest_now(cmos) % NS_PER_SECOND >= NS_PER_SECOND - UIP_NS)
			value |= A_UIP;
		return value;
	case REGISTER_C: cmos->ram[REGISTER_C] = 0; return value;
	case REGISTER_D: return D_VALID;
	default: return value;
	}
}

static void write_register(AxCmos *cmos, uint8_t index, uint8_t value)
{
	uint8_t before = cmos->ram[REGISTER_B];

	switch (index) {
	case REGISTER_A: cmos->ram[index] = value & (uint8_t)~A_UIP; return;
	case REGISTER_B:
		/* The time in the registers is of the mode that holds; then it stands still, or goes on. */
		update(cmos);
		cmos->ram[index] = value;
		if ((before & B_SET) && !(value & B_SET))
			take_time(cmos);
		return;
	case REGISTER_C:
	case REGISTER_D: return;
	default: break;
	}
	if (is_time(index))
		update(cmos);
	cmos->ram[index] = value;
	if (is_time(index) && !(before & B_SET))
		take_time(cmos);
}

static AxHandled cmos_read(AxVCpu *vcpu, void *opaque, uint64_t offset, AxAccessWidth width,
			   uint64_t *value)
{
	AxCmos *cmos = opaque;

	if (width != AX_WIDTH_BYTE)
		return AX_UNHANDLED;
	*value = offset ? read_register(cmos, cmos->index) : 0xff;
	return AX_HANDLED;
}

static AxHandled cmos_write(AxVCpu *vcpu, void *opaque, uint64_t offset, AxAccessWidth width,
			    uint64_t value)
{
	AxCmos *cmos = opaque;

	if (width != AX_WIDTH_BYTE)
		return AX_UNHANDLED;
	if (offset)
		write_register(cmos, cmos->index, (uint8_t)value);
	else
		cmos->index = value & INDEX_MASK;
	return AX_HANDLED;
}

static const AxRangeOps cmos_ops = {
	.size = sizeof(AxRangeOps),
	.read = cmos_read,
	.write = cmos_write,
};

/* @bytes of a number; more than fits is the most that does. */
static void put_number(AxCmos *cmos, unsigned index, uint64_t value, unsigned bytes)
{
	uint64_t most = (UINT64_C(1) << (8 * bytes)) - 1;

	if (value > most)
		value = most;
	for (unsigned i = 0; i < bytes; i++)
		cmos->ram[index + i] = (uint8_t)(value >> (8 * i));
}

/* As firmware of PCs leaves it: KiB, KiB above 1 MiB, and units of 64 KiB. */
static void put_memory(AxCmos *cmos)
{
	uint64_t kib = cmos->config.low_memory / 1024;

	put_number(cmos, BASE_MEMORY, kib < 640 ? kib : 640, 2);
	put_number(cmos, EXTENDED_MEMORY, kib > 1024 ? kib - 1024 : 0, 2);
	put_number(cmos, EXTENDED_AGAIN, kib > 1024 ? kib - 1024 : 0, 2);
	put_number(cmos, MEMORY_ABOVE_16M, kib > 16384 ? (kib - 16384) / 64 : 0, 2);
	put_number(cmos, MEMORY_ABOVE_4G, cmos->config.high_memory >> 16, 3);
}

static void cmos_reset(void *opaque)
{
	AxCmos *cmos = opaque;

	memset(cmos->ram, 0, sizeof(cmos->ram));
	cmos->index = 0;
	cmos->offset = 0;
	cmos->ram[REGISTER_A] = A_USUAL;
	cmos->ram[REGISTER_B] = B_24;
	put_memory(cmos);
}

static int cmos_save(void *opaque, AxState *state)
{
	AxCmos *cmos = opaque;

	ax_state_put_u8(state, STATE_VERSION);
	ax_lock(cmos->lock);
	ax_state_put_u8(state, cmos->index);
	ax_state_put_u64(state, (uint64_t)cmos->offset);
	ax_state_put_bytes(state, cmos->ram, sizeof(cmos->ram));
	ax_unlock(cmos->lock);
	return ax_state_error(state);
}

static int cmos_restore(void *opaque, AxState *state)
{
	AxCmos *cmos = opaque;
	uint8_t version = ax_state_get_u8(state);
	uint8_t index = ax_state_get_u8(state);
	uint64_t offset = ax_state_get_u64(state);
	uint8_t ram[RAM_SIZE];

	ax_state_get_bytes(state, ram, sizeof(ram));
	cmos_reset(cmos);
	if (ax_state_error(state) || version != STATE_VERSION || index > INDEX_MASK)
		return -EINVAL;
	cmos->index = index;
	cmos->offset = (int64_t)offset;
	memcpy(cmos->ram, ram, sizeof(ram));
	return 0;
}

static const AxDeviceOps cmos_device_ops = {
	.size = sizeof(AxDeviceOps),
	.reset = cmos_reset,
	.save = cmos_save,
	.restore = cmos_restore,
};

int ax_cmos_new(const AxCmosConfig *config, AxCmos **out, AxError *err)
{
	AxCmosConfig known = AX_CMOS_CONFIG_INIT;
	AxCmos *cmos;
	int ret;

	ret = ax_dev_config(&known, sizeof(known), config, sizeof(known), "AxCmosConfig", err);
	if (ret)
		return ret;
	cmos = calloc(1, sizeof(*cmos));
	if (!cmos)
		return ax_dev_error_nomem(err, "a CMOS clock");
	ret = ax_dev_name(&cmos->link, known.name, "cmos", err);
	if (!ret) {
		cmos->lock = ax_lock_new();
		ret = cmos->lock ? 0 : ax_dev_error_nomem(err, "a CMOS clock");
	}
	if (ret) {
		free(cmos);
		return ret;
	}
	cmos->config = known;
	if (!cmos->config.now)
		cmos->config.now = host_now;
	cmos_reset(cmos);
	*out = cmos;
	return 0;
}

int ax_cmos_attach(AxCmos *cmos, AxVm *vm, AxError *err)
{
	const struct ax_dev_window window = { AX_SPACE_PORT, PORT, PORTS, &cmos_ops };

	return ax_dev_attach(&cmos->link, vm, &window, 1, cmos->lock, &cmos_device_ops, cmos, err);
}

int ax_cmos_detach(AxCmos *cmos, AxError *err)
{
	return ax_dev_detach(&cmos->link, err);
}

void ax_cmos_free(AxCmos *cmos)
{
	if (!cmos)
		return;
	ax_lock_free(cmos->lock);
	free(cmos);
}
