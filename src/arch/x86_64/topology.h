/* SPDX-License-Identifier: Apache-2.0 */
/*
 * CPUID's leaves that tell of the processors' arrangement. Pure.
 */
#ifndef AXVMM_ARCH_X86_64_TOPOLOGY_H
#define AXVMM_ARCH_X86_64_TOPOLOGY_H

#include <stdbool.h>
#include <stdint.h>

#include "sys/uapi.h"

/* Subleaves of a leaf that lists levels; so many entries for each of two leaves may come in addition. */
#define X86_LEVELS 3

/* Correct @entry for the vCPU with APIC ID @id of @cpus, which has one entry for the leaf. */
void x86_correct_topology(struct kvm_cpuid_entry2 *entry, uint32_t id, uint32_t cpus);

/*
 * Replace leaves that list levels (0BH, 1FH) where they are by this VM's. @entries has room for
 * 2 * X86_LEVELS more than @count. Returns the new number of entries.
 */
uint32_t x86_list_levels(struct kvm_cpuid_entry2 *entries, uint32_t count, uint32_t id,
			 uint32_t cpus);

#endif
