/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The userspace local APIC: registers, priorities, the way of an interrupt. SDM 3A, chapter 11.
 */
#include "arch/x86_64/apic.h"
#include "tests/unit/run_fixture.h"

static struct apic *apic;
static uint8_t tpr_class;

static void apic_set_up(void)
{
	apic = apic_new(0x0c);
	ck_assert_ptr_nonnull(apic);
	tpr_class = 0;
}

static void apic_tear_down(void)
{
	apic_free(apic);
}

static uint32_t get(uint32_t offset)
{
	uint32_t value = 0x5a5a5a5a;

	ck_assert_msg(apic_read(apic, offset, tpr_class, &value), "no register at 0x%x", offset);
	return value;
}

static void set(uint32_t offset, uint32_t value)
{
	ck_assert_msg(apic_write(apic, offset, value, &tpr_class), "no register at 0x%x", offset);
}

static void enable(void)
{
	set(0x0f0, 0x1ff);
}

/* Every register, what it reads after reset, and the bits of ones that stay when they are written. */
static const struct {
	uint32_t offset;
	uint32_t reset;
	uint32_t ones;
} registers[] = {
	{ 0x020, 0x0c000000, 0x0c000000 }, /* ID */
	{ 0x030, 0x00000014, 0x00000014 }, /* version: no LVT but one */
	{ 0x080, 0x00000000, 0x000000ff }, /* TPR */
	{ 0x090, 0x00000000, 0x00000000 }, /* APR */
	{ 0x0a0, 0x00000000, 0x00000000 }, /* PPR */
	{ 0x0b0, 0x00000000, 0x00000000 }, /* EOI */
	{ 0x0c0, 0x00000000, 0x00000000 }, /* RRD */
	{ 0x0d0, 0x00000000, 0xff000000 }, /* LDR */
	{ 0x0e0, 0xffffffff, 0xffffffff }, /* DFR */
	{ 0x0f0, 0x000000ff, 0x000001ff }, /* SVR */
	{ 0x100, 0, 0 },		   /* ISR */
	{ 0x170, 0, 0 },
	{ 0x180, 0, 0 }, /* TMR */
	{ 0x1f0, 0, 0 },
	{ 0x200, 0, 0 }, /* IRR */
	{ 0x270, 0, 0 },
	{ 0x280, 0x00000000, 0x00000000 }, /* ESR */
	{ 0x2f0, 0x00010000, 0x00010000 }, /* CMCI */
	{ 0x300, 0x00000000, 0x000ccfff }, /* ICR: delivery status never pends */
	{ 0x310, 0x00000000, 0xff000000 },
	{ 0x320, 0x00010000, 0x00010000 }, /* LVT */
	{ 0x350, 0x00010000, 0x00010000 },
	{ 0x370, 0x00010000, 0x00010000 },
	{ 0x380, 0, 0 }, /* timer */
	{ 0x390, 0, 0 },
	{ 0x3e0, 0, 0 },
};

START_TEST(each_register_has_its_value_after_reset_and_its_writable_bits)
{
	uint32_t offset = registers[_i].offset;

	ck_assert_uint_eq(get(offset), registers[_i].reset);
	set(offset, UINT32_MAX);
	ck_assert_uint_eq(get(offset), registers[_i].ones);
	apic_reset(apic);
	tpr_class = 0;
	ck_assert_uint_eq(get(offset), registers[_i].reset);
}
END_TEST

START_TEST(there_is_nothing_between_and_beyond_the_registers)
{
	static const uint32_t holes[] = { 0x000, 0x010, 0x040, 0x050,  0x060,	  0x070, 0x290,
					  0x2a0, 0x2e0, 0x3a0, 0x3b0,  0x3c0,	  0x3d0, 0x3f0,
					  0x400, 0x800, 0xff0, 0x1000, 0xfffffff0 };
	uint32_t value;

	for (unsigned i = 0; i < COUNT(holes); i++) {
		ck_assert(!apic_read(apic, holes[i], 0, &value));
		ck_assert_uint_eq(value, 0);
		ck_assert(!apic_write(apic, holes[i], 1, &tpr_class));
	}
	for (uint32_t offset = 0; offset < 0x1000; offset++) {
		if (offset % 16 == 0)
			continue;
		ck_assert(!apic_read(apic, offset, 0, &value));
		ck_assert(!apic_write(apic, offset, 1, &tpr_class));
	}
}
END_TEST

START_TEST(the_model_bits_of_dfr_are_all_that_is_kept)
{
	set(0x0e0, 0);
	ck_assert_uint_eq(get(0x0e0), 0x0fffffff);
	ck_assert_uint_eq(apic_dfr(apic), 0x0fffffff);
	set(0x0d0, 0x42ffffff);
	ck_assert_uint_eq(apic_ldr(apic), 0x42000000);
}
END_TEST

START_TEST(the_task_priority_is_shared_with_cr8)
{
	set(0x080, 0xa7);
	ck_assert_uint_eq(tpr_class, 0xa);
	ck_assert_uint_eq(get(0x080), 0xa7);
	tpr_class = 0x3; /* MOV to CR8 */
	ck_assert_uint_eq(get(0x080) & 0xf0, 0x30);
	ck_assert_uint_eq(get(0x0a0) & 0xf0, 0x30);
}
END_TEST

START_TEST(a_disabled_apic_accepts_nothing)
{
	ck_assert(!apic_accept(apic, 0x40));
	ck_assert_int_eq(apic_deliverable(apic, 0), -1);
	enable();
	ck_assert(apic_accept(apic, 0x40));
	set(0x0f0, 0xff);
	ck_assert(!apic_accept(apic, 0x50));
	ck_assert_uint_eq(get(0x220), 1); /* what it has, it keeps */
}
END_TEST

START_TEST(every_vector_from_16_has_its_bit_in_irr_and_isr)
{
	enable();
	for (unsigned vector = 0; vector < 300; vector++) {
		uint32_t offset = vector / 32 * 16, bit = 1u << (vector % 32);

		if (vector < 16 || vector > 255) {
			ck_assert(!apic_accept(apic, vector));
			continue;
		}
		ck_assert(apic_accept(apic, vector));
		ck_assert(apic_accept(apic, vector)); /* twice is once */
		ck_assert_uint_eq(get(0x200 + offset), bit);
		/* Class 1 and up pass an idle CPU. */
		ck_assert_int_eq(apic_deliverable(apic, 0), (int)vector);
		apic_taken(apic, vector);
		ck_assert_uint_eq(get(0x200 + offset), 0);
		ck_assert_uint_eq(get(0x100 + offset), bit);
		ck_assert_uint_eq(get(0x0a0), vector & 0xf0);
		ck_assert_int_eq(apic_deliverable(apic, 0), -1);
		set(0x0b0, 0);
		ck_assert_uint_eq(get(0x100 + offset), 0);
	}
}
END_TEST

START_TEST(the_highest_vector_goes_first_and_eoi_ends_the_highest_in_service)
{
	enable();
	ck_assert(apic_accept(apic, 0x31));
	ck_assert(apic_accept(apic, 0xf1));
	ck_assert(apic_accept(apic, 0x90));
	ck_assert_int_eq(apic_deliverable(apic, 0), 0xf1);
	apic_taken(apic, 0xf1);
	ck_assert_int_eq(apic_deliverable(apic, 0), -1);
	ck_assert(apic_accept(apic, 0xf2)); /* the same class waits */
	ck_assert_int_eq(apic_deliverable(apic, 0), -1);
	set(0x0b0, 0xffffffff);
	ck_assert_int_eq(apic_deliverable(apic, 0), 0xf2);
	apic_taken(apic, 0xf2);
	set(0x0b0, 0);
	apic_taken(apic, 0x31);
	ck_assert_int_eq(apic_deliverable(apic, 0), 0x90); /* nested */
	apic_taken(apic, 0x90);
	set(0x0b0, 0);
	ck_assert_uint_eq(get(0x110), 1u << 17); /* 0x31 is still in service */
	set(0x0b0, 0);
	set(0x0b0, 0); /* one too many is nothing */
	ck_assert_uint_eq(get(0x0a0), 0);
}
END_TEST

/* All pairs of task priority and vector: delivered above the class alone. */
START_TEST(a_vector_passes_only_a_lower_task_class)
{
	enable();
	for (unsigned priority = 0; priority < 256; priority++) {
		set(0x080, priority);
		for (unsigned vector = 16; vector < 256; vector += 7) {
			ck_assert(apic_accept(apic, vector));
			ck_assert_int_eq(apic_deliverable(apic, tpr_class),
					 vector >> 4 > priority >> 4 ? (int)vector : -1);
			apic_taken(apic, vector);
			set(0x0b0, 0);
		}
	}
}
END_TEST

/* PPR: SDM 3A, 11.8.3.1. */
static const struct {
	uint32_t tpr;
	unsigned in_service; /* 0: none */
	uint32_t ppr;
} priorities[] = {
	{ 0x00, 0, 0x00 },    { 0x2f, 0, 0x2f },    { 0x00, 0x45, 0x40 }, { 0x3f, 0x45, 0x40 },
	{ 0x5f, 0x45, 0x5f }, { 0x4a, 0x45, 0x4a }, { 0xf0, 0xff, 0xf0 },
};

START_TEST(the_processor_priority_is_the_higher_of_task_and_service)
{
	enable();
	if (priorities[_i].in_service)
		apic_taken(apic, priorities[_i].in_service);
	set(0x080, priorities[_i].tpr);
	ck_assert_uint_eq(get(0x0a0), priorities[_i].ppr);
}
END_TEST

START_TEST(reset_forgets_all_but_the_id)
{
	enable();
	ck_assert(apic_accept(apic, 0x40));
	apic_taken(apic, 0x41);
	set(0x080, 0x55);
	apic_reset(apic);
	tpr_class = 0;
	ck_assert_int_eq(apic_deliverable(apic, 0), -1);
	for (uint32_t offset = 0x100; offset < 0x280; offset += 16)
		ck_assert_uint_eq(get(offset), 0);
	ck_assert_uint_eq(get(0x080), 0);
	ck_assert_uint_eq(get(0x020), 0x0c000000);
	apic_free(NULL);
}
END_TEST

static void add_tests(TCase *cases)
{
	tcase_add_checked_fixture(cases, apic_set_up, apic_tear_down);
	tcase_add_loop_test(cases, each_register_has_its_value_after_reset_and_its_writable_bits, 0,
			    COUNT(registers));
	tcase_add_test(cases, there_is_nothing_between_and_beyond_the_registers);
	tcase_add_test(cases, the_model_bits_of_dfr_are_all_that_is_kept);
	tcase_add_test(cases, the_task_priority_is_shared_with_cr8);
	tcase_add_test(cases, a_disabled_apic_accepts_nothing);
	tcase_add_test(cases, every_vector_from_16_has_its_bit_in_irr_and_isr);
	tcase_add_test(cases, the_highest_vector_goes_first_and_eoi_ends_the_highest_in_service);
	tcase_add_test(cases, a_vector_passes_only_a_lower_task_class);
	tcase_add_loop_test(cases, the_processor_priority_is_the_higher_of_task_and_service, 0,
			    COUNT(priorities));
	tcase_add_test(cases, reset_forgets_all_but_the_id);
}

RUN_SUITE("x86 apic", add_tests)
