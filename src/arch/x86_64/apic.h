/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A local APIC in userspace (AX_IRQCHIP_USER): ID, version, TPR, PPR, SVR, ISR, IRR, EOI, LDR, DFR,
 * ESR and ICR. It has no timer and no LVT: those registers read as masked or zero, and writes to
 * them vanish. Edge-triggered interrupts only, so TMR is always zero and EOI tells nobody.
 *
 * The model knows nothing of KVM. All of it belongs to the vCPU's owner, except apic_ldr() and
 * apic_dfr(), which senders of IPIs read. Source: SDM volume 3A, chapter 11.
 */
#ifndef AXVMM_ARCH_X86_64_APIC_H
#define AXVMM_ARCH_X86_64_APIC_H

#include <stdbool.h>
#include <stdint.h>

struct apic;

#define APIC_BASE 0xfee00000u
#define APIC_SIZE 0x1000u

/* Offsets of the registers that others than the model name: table 11-1. */
#define APIC_ICR_LOW  0x300
#define APIC_ICR_HIGH 0x310

/* An APIC in reset state, NULL when there is no memory. */
struct apic *apic_new(uint32_t id);
void apic_free(struct apic *apic);
void apic_reset(struct apic *apic);

/*
 * Registers: 32 bits wide, at multiples of 16. False: there is none at @offset. A write of ICR's
 * low half is stored like others; what it commands is the caller's affair.
 *
 * @tpr_class  the task priority's upper half, which MOV to CR8 changes as well: kvm_run.cr8
 */
bool apic_read(const struct apic *apic, uint32_t offset, uint8_t tpr_class, uint32_t *value);
bool apic_write(struct apic *apic, uint32_t offset, uint32_t value, uint8_t *tpr_class);

/* Accept a fixed interrupt: false when the APIC is disabled by software, or @vector is below 16. */
bool apic_accept(struct apic *apic, unsigned vector);

/* The vector that the CPU would take now, -1 when there is none above the processor priority. */
int apic_deliverable(const struct apic *apic, uint8_t tpr_class);

/* The CPU took @vector: from IRR to ISR. */
void apic_taken(struct apic *apic, unsigned vector);

/* Logical destination and its model; any thread. */
uint32_t apic_ldr(const struct apic *apic);
uint32_t apic_dfr(const struct apic *apic);

#endif
