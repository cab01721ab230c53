/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What CPUID says of the processors' arrangement: all of a VM's vCPUs are cores of one package, without
 * threads, and share its last cache. KVM passes the host's arrangement on, which is another.
 *
 * Source: SDM volume 2A, CPUID, leaves 01H, 04H, 0BH and 1FH; AMD APM volume 3, appendix E, functions
 * 8000_0001h, 8000_0008h, 8000_001Dh and 8000_001Eh; KVM's api.rst, 4.46 (what is left to its user).
 */
#include <config.h>

#include "arch/x86_64/topology.h"

#define LEAF_BASIC     0x0
#define LEAF_FEATURES  0x1
#define LEAF_CACHES    0x4
#define LEAF_TOPOLOGY  0xb
#define LEAF_TOPOLOGY2 0x1f
#define LEAF_AMD_1     0x80000001
#define LEAF_AMD_8     0x80000008
#define LEAF_AMD_1D    0x8000001d
#define LEAF_AMD_1E    0x8000001e
#define LEAF_AMD_26    0x80000026

#define FEATURES_EDX_HTT       (1u << 28)
#define AMD_1_ECX_CMP_LEGACY   (1u << 1)
#define AMD_8_ECX_COUNT	       0x000000ffu
#define AMD_8_ECX_ID_SIZE      0x0000f000u
#define CACHE_EAX_LEVEL(eax)   ((eax) >> 5 & 7)
#define CACHE_EAX_SHARING      0x03ffc000u
#define CACHE_EAX_CORES	       0xfc000000u
#define CACHE_EAX_SHARING_MOST 0xfffu
#define CACHE_EAX_CORES_MOST   0x3fu
#define CACHE_LAST_LEVEL       3

/* Types of levels in leaves 0BH and 1FH. */
#define LEVEL_THREAD 1
#define LEVEL_CORE   2

/* Bits of an APIC ID that number the cores. */
static unsigned id_bits(uint32_t cpus)
{
	unsigned bits = 0;

	while ((UINT32_C(1) << bits) < cpus)
		bits++;
	return bits;
}

static uint32_t at_most(uint32_t value, uint32_t most)
{
	return value < most ? value : most;
}

static void correct_features(struct kvm_cpuid_entry2 *entry, uint32_t id, uint32_t cpus)
{
	uint32_t ids = at_most(UINT32_C(1) << id_bits(cpus), 0xff);

	entry->ebx = (entry->ebx & 0x0000ffff) | ids << 16 | id << 24;
	if (cpus > 1)
		entry->edx |= FEATURES_EDX_HTT;
	else
		entry->edx &= ~FEATURES_EDX_HTT;
}

/* A cache: who shares it, and in Intel's leaf also how many cores there are. */
static void correct_cache(struct kvm_cpuid_entry2 *entry, uint32_t cpus)
{
	uint32_t others = (UINT32_C(1) << id_bits(cpus)) - 1;
	uint32_t sharing = 0;

	if (!(entry->eax & 0x1f)) /* no more caches */
		return;
	if (CACHE_EAX_LEVEL(entry->eax) >= CACHE_LAST_LEVEL)
		sharing = at_most(others, CACHE_EAX_SHARING_MOST);
	entry->eax = (entry->eax & ~CACHE_EAX_SHARING) | sharing << 14;
	if (entry->function == LEAF_CACHES)
		entry->eax = (entry->eax & ~CACHE_EAX_CORES) | at_most(others, CACHE_EAX_CORES_MOST)
								       << 26;
}

static void correct_amd_core(struct kvm_cpuid_entry2 *entry, uint32_t id)
{
	entry->eax = id;
	entry->ebx = id & 0xff;
	entry->ecx = 0;
}

static void correct_amd_count(struct kvm_cpuid_entry2 *entry, uint32_t cpus)
{
	entry->ecx &= ~(AMD_8_ECX_COUNT | AMD_8_ECX_ID_SIZE);
	entry->ecx |= at_most(cpus - 1, AMD_8_ECX_COUNT) | id_bits(cpus) << 12;
}

void x86_correct_topology(struct kvm_cpuid_entry2 *entry, uint32_t id, uint32_t cpus)
{
	switch (entry->function) {
	case LEAF_FEATURES: correct_features(entry, id, cpus); break;
	case LEAF_CACHES:
	case LEAF_AMD_1D: correct_cache(entry, cpus); break;
	case LEAF_AMD_1:
		entry->ecx &= ~AMD_1_ECX_CMP_LEGACY;
		if (cpus > 1)
			entry->ecx |= AMD_1_ECX_CMP_LEGACY;
		break;
	case LEAF_AMD_8: correct_amd_count(entry, cpus); break;
	case LEAF_AMD_1E: correct_amd_core(entry, id); break;
	default: break;
	}
}

static bool is_level_leaf(uint32_t function)
{
	return function == LEAF_TOPOLOGY || function == LEAF_TOPOLOGY2 || function == LEAF_AMD_26;
}

/* Threads, cores, and the end of the list: each a subleaf. */
static struct kvm_cpuid_entry2 level(uint32_t function, uint32_t index, uint32_t id, uint32_t cpus)
{
	struct kvm_cpuid_entry2 entry = { .function = function,
					  .index = index,
					  .flags = KVM_CPUID_FLAG_SIGNIFCANT_INDEX,
					  .ecx = index,
					  .edx = id };

	if (index == 0) {
		entry.ebx = 1;
		entry.ecx |= LEVEL_THREAD << 8;
	} else if (index == 1) {
		entry.eax = id_bits(cpus);
		entry.ebx = cpus;
		entry.ecx |= LEVEL_CORE << 8;
	}
	return entry;
}

uint32_t x86_list_levels(struct kvm_cpuid_entry2 *entries, uint32_t count, uint32_t id,
			 uint32_t cpus)
{
	bool has[2] = { false, false };
	uint32_t kept = 0;

	for (uint32_t i = 0; i < count; i++) {
		has[0] |= entries[i].function == LEAF_TOPOLOGY;
		has[1] |= entries[i].function == LEAF_TOPOLOGY2;
		if (!is_level_leaf(entries[i].function))
			entries[kept++] = entries[i];
	}
	for (unsigned leaf = 0; leaf < 2; leaf++) {
		for (uint32_t index = 0; has[leaf] && index < X86_LEVELS; index++)
			entries[kept++] =
				level(leaf ? LEAF_TOPOLOGY2 : LEAF_TOPOLOGY, index, id, cpus);
	}
	return kept;
}
