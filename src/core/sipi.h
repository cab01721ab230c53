/* SPDX-License-Identifier: Apache-2.0 */
/*
 * x86 interrupt commands: what a write of the local APIC's ICR asks for. Pure; compiled and tested
 * on every host.
 */
#ifndef AXVMM_CORE_SIPI_H
#define AXVMM_CORE_SIPI_H

#include <axvmm/exit.h>

/* Fields of the interrupt command register in xAPIC mode: SDM volume 3A, 11.6.1, figure 11-12. */
#define ICR_VECTOR(low)	      ((low)&0xff)
#define ICR_MODE(low)	      ((low) >> 8 & 7)
#define ICR_MODE_STARTUP      6
#define ICR_LOGICAL	      (1u << 11)
#define ICR_ASSERT	      (1u << 14)
#define ICR_LEVEL	      (1u << 15)
#define ICR_SHORTHAND(low)    ((low) >> 18 & 3)
#define ICR_SELF	      1
#define ICR_ALL		      2
#define ICR_OTHERS	      3
#define ICR_DESTINATION(high) ((high) >> 24)
#define ICR_BROADCAST	      0xff

/*
 * Decode an interrupt command.
 *
 * @low, @high  the two halves of the ICR
 * @exit        filled, but for .vcpu: SendIPI; CpuUp for a start-up command, with the target as
 * SendIPI says it in
 *              @targets; Nothing for what hardware ignores (INIT level de-assert, reserved modes,
 * vectors below 16)
 * @targets     filled for CpuUp: to whom (the members of AxExitSendIpi that name targets)
 */
void sipi_decode(uint32_t low, uint32_t high, AxVCpuExitReason *exit, AxExitSendIpi *targets);

/*
 * Whether a destination in logical mode means the CPU with these registers.
 * Source: SDM 3A, 11.6.2.2; flat model when bits 28..31 of DFR are ones, cluster model otherwise.
 */
bool sipi_logical_match(uint32_t destination, uint32_t ldr, uint32_t dfr);

#endif
