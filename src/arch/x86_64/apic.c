/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The userspace local APIC; see apic.h. Source: SDM volume 3A, chapter 11.
 */
#include <config.h>

#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

#include "arch/x86_64/apic.h"

/* Register offsets: table 11-1. */
#define APIC_ID		   0x020
#define APIC_VERSION	   0x030
#define APIC_TPR	   0x080
#define APIC_APR	   0x090
#define APIC_PPR	   0x0a0
#define APIC_EOI	   0x0b0
#define APIC_RRD	   0x0c0
#define APIC_LDR	   0x0d0
#define APIC_DFR	   0x0e0
#define APIC_SVR	   0x0f0
#define APIC_ISR	   0x100
#define APIC_TMR	   0x180
#define APIC_IRR	   0x200
#define APIC_ESR	   0x280
#define APIC_CMCI	   0x2f0
#define APIC_LVT_TIMER	   0x320
#define APIC_LVT_LAST	   0x370
#define APIC_TIMER_INITIAL 0x380
#define APIC_TIMER_CURRENT 0x390
#define APIC_TIMER_DIVIDE  0x3e0

/*
 * Version 0x14, as processors with xAPIC have it; bits 16..23, the number of the last LVT entry,
 * are 0.
 */
#define VERSION	     0x14u
#define SVR_ENABLED  (1u << 8)
#define SVR_WRITABLE 0x1ffu
#define LVT_MASKED   (1u << 16)
#define ICR_WRITABLE 0x000ccfffu
#define DFR_FIXED    0x0fffffffu

/* 256 bits, as ISR and IRR are: eight registers of 32. */
struct vectors {
	uint32_t bits[8];
};

struct apic {
	uint32_t id;
	uint32_t tpr_low; /* bits 0..3 of TPR; the class is the caller's */
	uint32_t svr;
	uint32_t icr_low;
	uint32_t icr_high;
	_Atomic uint32_t ldr;
	_Atomic uint32_t dfr;
	struct vectors isr;
	struct vectors irr;
};

static void set_vector(struct vectors *vectors, unsigned vector)
{
	vectors->bits[vector / 32] |= 1u << (vector % 32);
}

static void clear_vector(struct vectors *vectors, unsigned vector)
{
	vectors->bits[vector / 32] &= ~(1u << (vector % 32));
}

static int highest_vector(const struct vectors *vectors)
{
	for (int word = 7; word >= 0; word--) {
		if (vectors->bits[word])
			return word * 32 + 31 - __builtin_clz(vectors->bits[word]);
	}
	return -1;
}

void apic_reset(struct apic *apic)
{
	apic->tpr_low = 0;
	apic->svr = 0xff;
	apic->icr_low = 0;
	apic->icr_high = 0;
	atomic_store(&apic->ldr, 0);
	atomic_store(&apic->dfr, UINT32_MAX);
	memset(&apic->isr, 0, sizeof(apic->isr));
	memset(&apic->irr, 0, sizeof(apic->irr));
}

struct apic *apic_new(uint32_t id)
{
	struct apic *apic = calloc(1, sizeof(*apic));

	if (!apic)
		return NULL;
	apic->id = id;
	apic_reset(apic);
	return apic;
}

void apic_free(struct apic *apic)
{
	free(apic);
}

static uint32_t task_priority(const struct apic *apic, uint8_t tpr_class)
{
	return (uint32_t)(tpr_class & 0xf) << 4 | apic->tpr_low;
}

/* The higher of the task's priority and the class of the highest interrupt in service: 11.8.3.1. */
static uint32_t processor_priority(const struct apic *apic, uint8_t tpr_class)
{
	uint32_t tpr = task_priority(apic, tpr_class);
	int in_service = highest_vector(&apic->isr);

	if (in_service >= 0 && ((uint32_t)in_service & 0xf0) > (tpr & 0xf0))
		return (uint32_t)in_service & 0xf0;
	return tpr;
}

int apic_deliverable(const struct apic *apic, uint8_t tpr_class)
{
	int vector = highest_vector(&apic->irr);

	if (vector < 0 || ((uint32_t)vector & 0xf0) <= (processor_priority(apic, tpr_class) & 0xf0))
		return -1;
	return vector;
}

bool apic_accept(struct apic *apic, unsigned vector)
{
	if (!(apic->svr & SVR_ENABLED) || vector < 16 || vector > 255)
		return false;
	set_vector(&apic->irr, vector);
	return true;
}

void apic_taken(struct apic *apic, unsigned vector)
{
	clear_vector(&apic->irr, vector);
	set_vector(&apic->isr, vector);
}

uint32_t apic_ldr(const struct apic *apic)
{
	return atomic_load(&apic->ldr);
}

uint32_t apic_dfr(const struct apic *apic)
{
	return atomic_load(&apic->dfr);
}

bool apic_read(const struct apic *apic, uint32_t offset, uint8_t tpr_class, uint32_t *value)
{
	*value = 0;
	if (offset % 16)
		return false;
	if (offset >= APIC_ISR && offset < APIC_TMR) {
		*value = apic->isr.bits[(offset - APIC_ISR) / 16];
		return true;
	}
	if (offset >= APIC_TMR && offset < APIC_IRR)
		return true;
	if (offset >= APIC_IRR && offset < APIC_ESR) {
		*value = apic->irr.bits[(offset - APIC_IRR) / 16];
		return true;
	}
	if (offset >= APIC_LVT_TIMER && offset <= APIC_LVT_LAST) {
		*value = LVT_MASKED;
		return true;
	}
	switch (offset) {
	case APIC_ID: *value = apic->id << 24; return true;
	case APIC_VERSION: *value = VERSION; return true;
	case APIC_TPR: *value = task_priority(apic, tpr_class); return true;
	case APIC_PPR: *value = processor_priority(apic, tpr_class); return true;
	case APIC_LDR: *value = apic_ldr(apic); return true;
	case APIC_DFR: *value = apic_dfr(apic); return true;
	case APIC_SVR: *value = apic->svr; return true;
	case APIC_ICR_LOW: *value = apic->icr_low; return true;
	case APIC_ICR_HIGH: *value = apic->icr_high; return true;
	case APIC_CMCI: *value = LVT_MASKED; return true;
	case APIC_APR:
	case APIC_EOI:
	case APIC_RRD:
	case APIC_ESR:
	case APIC_TIMER_INITIAL:
	case APIC_TIMER_CURRENT:
	case APIC_TIMER_DIVIDE: return true;
	default: return false;
	}
}

bool apic_write(struct apic *apic, uint32_t offset, uint32_t value, uint8_t *tpr_class)
{
	uint32_t ignored;
	int in_service;

	switch (offset) {
	case APIC_TPR:
		*tpr_class = value >> 4 & 0xf;
		apic->tpr_low = value & 0xf;
		return true;
	case APIC_EOI:
		in_service = highest_vector(&apic->isr);
		if (in_service >= 0)
			clear_vector(&apic->isr, (unsigned)in_service);
		return true;
	case APIC_LDR: atomic_store(&apic->ldr, value & 0xff000000u); return true;
	case APIC_DFR: atomic_store(&apic->dfr, value | DFR_FIXED); return true;
	case APIC_SVR: apic->svr = value & SVR_WRITABLE; return true;
	case APIC_ICR_LOW:
		/* Delivery is at once: "delivery status" (bit 12) never reads as pending. */
		apic->icr_low = value & ICR_WRITABLE;
		return true;
	case APIC_ICR_HIGH: apic->icr_high = value & 0xff000000u; return true;
	default:
		/* What can be read but not written ignores it. */
		return apic_read(apic, offset, *tpr_class, &ignored);
	}
}
