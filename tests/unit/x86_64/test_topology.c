/* SPDX-License-Identifier: Apache-2.0 */
/*
 * CPUID's arrangement of processors: N cores of one package.
 */
#include "arch/x86_64/topology.h"
#include "tests/unit/boot_builder.h"

static struct kvm_cpuid_entry2 corrected(uint32_t function, uint32_t eax, uint32_t id,
					 uint32_t cpus)
{
	struct kvm_cpuid_entry2 entry = { .function = function,
					  .eax = eax,
					  .ebx = 0xffffffff,
					  .ecx = 0xffffffff,
					  .edx = 0xffffffff };

	x86_correct_topology(&entry, id, cpus);
	return entry;
}

START_TEST(features_count_ids)
{
	struct kvm_cpuid_entry2 one = corrected(1, 0, 0, 1), five = corrected(1, 0, 4, 5);

	ck_assert_uint_eq(one.ebx >> 16, 0x0001);
	ck_assert(!(one.edx & 1u << 28));
	ck_assert_uint_eq(five.ebx >> 16, 0x0408);
	ck_assert(five.edx & 1u << 28);
	ck_assert_uint_eq(corrected(1, 0, 254, 255).ebx >> 16, 0xfeff);
}
END_TEST

START_TEST(the_last_cache_is_shared)
{
	/* Level 1, level 3, no more. */
	struct kvm_cpuid_entry2 first = corrected(4, 0xfffffc21 & ~0xc0u, 0, 4);
	struct kvm_cpuid_entry2 last = corrected(4, 0xfc004163, 0, 4);
	struct kvm_cpuid_entry2 none = corrected(4, 0, 0, 4);

	ck_assert_uint_eq(first.eax >> 26, 3);
	ck_assert_uint_eq(first.eax >> 14 & 0xfff, 0);
	ck_assert_uint_eq(last.eax >> 26, 3);
	ck_assert_uint_eq(last.eax >> 14 & 0xfff, 3);
	ck_assert_uint_eq(none.eax, 0);
	ck_assert_uint_eq(corrected(4, 0x163, 0, 255).eax >> 26, 63);
	ck_assert_uint_eq(corrected(0x8000001d, 0x163, 0, 6).eax, 0x163 | 7 << 14);
}
END_TEST

START_TEST(amd_counts_cores)
{
	struct kvm_cpuid_entry2 entry = corrected(0x80000008, 0, 3, 6);

	ck_assert_uint_eq(entry.ecx & 0xff, 5);
	ck_assert_uint_eq(entry.ecx >> 12 & 0xf, 3);
	entry = corrected(0x8000001e, 0, 3, 6);
	ck_assert_uint_eq(entry.eax, 3);
	ck_assert_uint_eq(entry.ebx, 3);
	ck_assert_uint_eq(entry.ecx, 0);
	ck_assert(corrected(0x80000001, 0, 0, 2).ecx & 2);
	ck_assert(!(corrected(0x80000001, 0, 0, 1).ecx & 2));
}
END_TEST

START_TEST(levels_are_listed_where_the_leaf_is)
{
	struct kvm_cpuid_entry2 entries[5 + 2 * X86_LEVELS] = {
		{ .function = 1 },
		{ .function = 0xb, .index = 0 },
		{ .function = 0xb, .index = 1 },
		{ .function = 0x80000026 },
		{ .function = 0x80000008 },
	};

	ck_assert_uint_eq(x86_list_levels(entries, 5, 6, 7), 2 + X86_LEVELS);
	ck_assert_uint_eq(entries[0].function, 1);
	ck_assert_uint_eq(entries[1].function, 0x80000008);
	for (uint32_t i = 0; i < X86_LEVELS; i++) {
		const struct kvm_cpuid_entry2 *entry = &entries[2 + i];

		ck_assert_uint_eq(entry->function, 0xb);
		ck_assert_uint_eq(entry->index, i);
		ck_assert_uint_eq(entry->flags, KVM_CPUID_FLAG_SIGNIFCANT_INDEX);
		ck_assert_uint_eq(entry->edx, 6);
		ck_assert_uint_eq(entry->ecx & 0xff, i);
	}
	ck_assert_uint_eq(entries[2].eax, 0);
	ck_assert_uint_eq(entries[2].ebx, 1);
	ck_assert_uint_eq(entries[2].ecx >> 8, 1);
	ck_assert_uint_eq(entries[3].eax, 3);
	ck_assert_uint_eq(entries[3].ebx, 7);
	ck_assert_uint_eq(entries[3].ecx >> 8, 2);
	ck_assert_uint_eq(entries[4].ebx, 0);
	ck_assert_uint_eq(entries[4].ecx >> 8, 0);
	ck_assert_uint_eq(x86_list_levels(entries, 2, 0, 1), 2);
}
END_TEST

RUN_TESTS("topology", features_count_ids, the_last_cache_is_shared, amd_counts_cores,
	  levels_are_listed_where_the_leaf_is)
