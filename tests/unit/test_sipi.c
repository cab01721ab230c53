/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Interrupt commands: each bit of the ICR to what the exit says. SDM 3A, 11.6.1 and 11.6.2.
 */
#include "core/sipi.h"
#include "tests/unit/run_fixture.h"

static AxVCpuExitReason exit_reason;
static AxExitSendIpi targets;

static void decode(uint32_t low, uint32_t destination)
{
	memset(&exit_reason, 0x5a, sizeof(exit_reason));
	memset(&targets, 0x5a, sizeof(targets));
	sipi_decode(low, destination << 24, &exit_reason, &targets);
	ck_assert_uint_eq(exit_reason.vcpu, 0x5a5a5a5a);
}

/* Delivery modes by number: what the exit's mode is, -1: hardware ignores the command. */
static const int modes[] = { AX_IPI_FIXED, AX_IPI_LOWEST, AX_IPI_SMI, -1,
			     AX_IPI_NMI,   AX_IPI_INIT,	  -2,	      -1 };

START_TEST(each_delivery_mode_is_told_or_ignored)
{
	decode((uint32_t)_i << 8 | 0x41, 5);
	if (modes[_i] == -1) {
		ck_assert_uint_eq(exit_reason.kind, AX_EXIT_NOTHING);
	} else if (modes[_i] == -2) {
		ck_assert_uint_eq(exit_reason.kind, AX_EXIT_CPU_UP);
		ck_assert_uint_eq(exit_reason.cpu_up.target_cpu, 5);
		ck_assert_uint_eq(exit_reason.cpu_up.entry_point, 0x41000);
		ck_assert_uint_eq(exit_reason.cpu_up.arg, 0);
		ck_assert_uint_eq(targets.target_cpu, 5);
	} else {
		ck_assert_uint_eq(exit_reason.kind, AX_EXIT_SEND_IPI);
		ck_assert_uint_eq(exit_reason.send_ipi.mode, (unsigned)modes[_i]);
		ck_assert_uint_eq(exit_reason.send_ipi.vector, 0x41);
		ck_assert_uint_eq(exit_reason.send_ipi.target_cpu, 5);
		ck_assert_uint_eq(exit_reason.send_ipi.target_cpu_aux, 0);
		ck_assert(!exit_reason.send_ipi.send_to_all);
		ck_assert(!exit_reason.send_ipi.send_to_self);
		ck_assert(!exit_reason.send_ipi.logical);
	}
}
END_TEST

static const struct {
	uint32_t low;
	uint32_t destination;
	bool all;
	bool self;
	bool logical;
} destinations[] = {
	{ 0, 7, false, false, false },
	{ ICR_LOGICAL, 7, false, false, true },
	{ 0, 0xff, true, true, false },
	{ ICR_LOGICAL, 0xff, true, true, false },
	{ 0, 0xfe, false, false, false },
	/* Shorthands: the destination does not count. */
	{ 1 << 18, 7, false, true, false },
	{ 1 << 18, 0xff, false, true, false },
	{ 2 << 18, 7, true, true, false },
	{ 3 << 18, 7, true, false, false },
	{ 3 << 18 | ICR_LOGICAL, 0xff, true, false, false },
};

START_TEST(shorthand_mode_and_broadcast_name_the_targets)
{
	/* A fixed interrupt and a start-up mean the same by them. */
	decode(destinations[_i].low | 0x30, destinations[_i].destination);
	ck_assert_uint_eq(exit_reason.kind, AX_EXIT_SEND_IPI);
	ck_assert_int_eq(exit_reason.send_ipi.send_to_all, destinations[_i].all);
	ck_assert_int_eq(exit_reason.send_ipi.send_to_self, destinations[_i].self);
	ck_assert_int_eq(exit_reason.send_ipi.logical, destinations[_i].logical);
	decode(destinations[_i].low | 0x630, destinations[_i].destination);
	ck_assert_uint_eq(exit_reason.kind, AX_EXIT_CPU_UP);
	ck_assert_int_eq(targets.send_to_all, destinations[_i].all);
	ck_assert_int_eq(targets.send_to_self, destinations[_i].self);
	ck_assert_int_eq(targets.logical, destinations[_i].logical);
}
END_TEST

START_TEST(vectors_below_16_are_no_interrupts)
{
	for (uint32_t vector = 0; vector < 256; vector++) {
		uint32_t kind = vector < 16 ? AX_EXIT_NOTHING : AX_EXIT_SEND_IPI;

		decode(vector, 1);
		ck_assert_uint_eq(exit_reason.kind, kind);
		decode(vector | 0x100, 1);
		ck_assert_uint_eq(exit_reason.kind, kind);
		/* NMI and INIT have no vector to be wrong. */
		decode(vector | 0x400, 1);
		ck_assert_uint_eq(exit_reason.kind, AX_EXIT_SEND_IPI);
		decode(vector | 0x500, 1);
		ck_assert_uint_eq(exit_reason.kind, AX_EXIT_SEND_IPI);
		decode(vector | 0x600, 1);
		ck_assert_uint_eq(exit_reason.cpu_up.entry_point, vector << 12);
	}
}
END_TEST

START_TEST(only_init_level_deassert_is_ignored)
{
	decode(0x500, 1); /* edge: as Linux and others write it */
	ck_assert_uint_eq(exit_reason.kind, AX_EXIT_SEND_IPI);
	decode(0x500 | ICR_ASSERT, 1);
	ck_assert_uint_eq(exit_reason.kind, AX_EXIT_SEND_IPI);
	decode(0x500 | ICR_LEVEL | ICR_ASSERT, 1);
	ck_assert_uint_eq(exit_reason.kind, AX_EXIT_SEND_IPI);
	decode(0x500 | ICR_LEVEL, 1);
	ck_assert_uint_eq(exit_reason.kind, AX_EXIT_NOTHING);
	/* Other modes know no level. */
	decode(0x041 | ICR_LEVEL, 1);
	ck_assert_uint_eq(exit_reason.kind, AX_EXIT_SEND_IPI);
}
END_TEST

START_TEST(a_flat_destination_is_a_set_of_bits)
{
	for (uint32_t destination = 0; destination < 256; destination++)
		for (uint32_t id = 0; id < 256; id++)
			ck_assert_int_eq(sipi_logical_match(destination, id << 24, UINT32_MAX),
					 (destination & id) != 0);
}
END_TEST

START_TEST(a_cluster_destination_is_a_cluster_and_a_set_of_four_bits)
{
	for (uint32_t destination = 0; destination < 256; destination++)
		for (uint32_t id = 0; id < 256; id++) {
			bool match = (destination & 0xf0) == (id & 0xf0) &&
				     (destination & id & 0x0f) != 0;

			ck_assert_int_eq(sipi_logical_match(destination, id << 24, 0x0fffffff),
					 match);
		}
}
END_TEST

static void add_tests(TCase *cases)
{
	tcase_add_loop_test(cases, each_delivery_mode_is_told_or_ignored, 0, 8);
	tcase_add_loop_test(cases, shorthand_mode_and_broadcast_name_the_targets, 0,
			    COUNT(destinations));
	tcase_add_test(cases, vectors_below_16_are_no_interrupts);
	tcase_add_test(cases, only_init_level_deassert_is_ignored);
	tcase_add_test(cases, a_flat_destination_is_a_set_of_bits);
	tcase_add_test(cases, a_cluster_destination_is_a_cluster_and_a_set_of_four_bits);
}

RUN_SUITE("sipi", add_tests)
