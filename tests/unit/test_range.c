/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Registration of ranges: against a naive model, byte by byte; limits, overlaps, messages.
 */
#include "core/range.h"
#include "tests/unit/run_fixture.h"

static AxVm *vm;

static const AxRangeOps no_ops = { .size = sizeof(AxRangeOps) };

static AxRange range_at(uint64_t base, uint64_t length)
{
	AxRange range = AX_RANGE_INIT;

	range.name = "x";
	range.base = base;
	range.length = length;
	range.ops = &no_ops;
	return range;
}

static int add(bool port, const AxRange *range, AxRangeId *id, AxError *err)
{
	return port ? ax_range_add_ports(vm, range, id, err)
		    : ax_range_add_mmio(vm, range, id, err);
}

/* The model: who owns each of the first bytes of a space; 0: nobody. */

#define SPACE	   1024
#define MOST	   64
#define OPERATIONS 6000

struct model {
	AxRangeId owner[SPACE];
	AxRangeId ids[MOST];
	unsigned count;
	unsigned added, refused, removed;
};

static bool model_is_free(const struct model *model, uint64_t base, uint64_t length)
{
	for (uint64_t i = base; i < base + length; i++)
		if (model->owner[i])
			return false;
	return true;
}

static void try_add(struct model *model, bool port, unsigned *seed)
{
	uint64_t base = (uint64_t)rand_r(seed) % SPACE;
	uint64_t most = SPACE - base < 40 ? SPACE - base : 40;
	AxRange range = range_at(base, 1 + (uint64_t)rand_r(seed) % most);
	AxRangeId id = 0;

	if (model->count == MOST)
		return;
	if (!model_is_free(model, range.base, range.length)) {
		ck_assert_int_eq(add(port, &range, &id, NULL), -EEXIST);
		ck_assert_uint_eq(id, 0);
		model->refused++;
		return;
	}
	ck_assert_int_eq(add(port, &range, &id, NULL), 0);
	ck_assert_uint_ne(id, 0);
	for (unsigned i = 0; i < model->count; i++)
		ck_assert_uint_ne(id, model->ids[i]);
	for (uint64_t i = range.base; i < range.base + range.length; i++)
		model->owner[i] = id;
	model->ids[model->count++] = id;
	model->added++;
}

static void try_remove(struct model *model, unsigned *seed)
{
	unsigned which;
	AxRangeId id;

	if (!model->count)
		return;
	which = (unsigned)rand_r(seed) % model->count;
	id = model->ids[which];
	ck_assert_int_eq(ax_range_remove(vm, id, NULL), 0);
	ck_assert_int_eq(ax_range_remove(vm, id, NULL), -ENOENT);
	model->ids[which] = model->ids[--model->count];
	for (unsigned i = 0; i < SPACE; i++)
		if (model->owner[i] == id)
			model->owner[i] = 0;
	model->removed++;
}

static void compare(const struct model *model, enum range_space space)
{
	const struct range_table *table = &atomic_load(&vm->snapshot)->table[space];

	ck_assert_uint_eq(table->count, model->count);
	for (unsigned i = 0; i < SPACE; i++) {
		const struct range *found = range_find(table, i);

		ck_assert_uint_eq(found ? found->id : 0, model->owner[i]);
	}
	ck_assert_ptr_null(range_find(table, SPACE));
	ck_assert_ptr_null(range_find(table, UINT64_MAX));
}

START_TEST(the_registry_is_what_a_naive_model_is)
{
	static struct model models[RANGE_SPACES];
	unsigned seed = (unsigned)_i + 1;

	vm = new_vm(AX_IRQCHIP_NONE);
	for (unsigned i = 0; i < OPERATIONS; i++) {
		unsigned space = (unsigned)rand_r(&seed) % RANGE_SPACES;

		if (rand_r(&seed) % 5 < 3)
			try_add(&models[space], space == RANGE_PORT, &seed);
		else
			try_remove(&models[space], &seed);
		if (i % 16 == 0)
			compare(&models[space], (enum range_space)space);
	}
	for (unsigned space = 0; space < RANGE_SPACES; space++) {
		compare(&models[space], (enum range_space)space);
		ck_assert_uint_gt(models[space].added, 300);
		ck_assert_uint_gt(models[space].refused, 300);
		ck_assert_uint_gt(models[space].removed, 300);
	}
	ax_vm_destroy(vm);
}
END_TEST

/* Every pair of small ranges: overlap is what the integers say. */
START_TEST(two_ranges_overlap_exactly_when_they_share_a_byte)
{
	vm = new_vm(AX_IRQCHIP_NONE);
	for (uint64_t base = 0; base < 7; base++)
		for (uint64_t length = 1; length < 5; length++) {
			AxRange first = range_at(3, 3), second = range_at(base, length);
			bool shared = base < 6 && base + length > 3;
			AxRangeId id, other;

			ck_assert_int_eq(add(false, &first, &id, NULL), 0);
			ck_assert_int_eq(add(false, &second, &other, NULL), shared ? -EEXIST : 0);
			ck_assert_int_eq(ax_range_remove(vm, id, NULL), 0);
			if (!shared)
				ck_assert_int_eq(ax_range_remove(vm, other, NULL), 0);
		}
	ax_vm_destroy(vm);
}
END_TEST

START_TEST(an_overlap_names_both_ranges)
{
	AxRange first = range_at(0x1000, 0x100), second = range_at(0x10ff, 0x10);
	AxError err;

	vm = new_vm(AX_IRQCHIP_NONE);
	first.name = "uart";
	second.name = "disk";
	ck_assert_int_eq(add(false, &first, NULL, &err), 0);
	ck_assert_fails(add(false, &second, NULL, &err), -EEXIST, AX_ERROR_ARGUMENT,
			"MMIO \"disk\" at 0x10ff with length 0x10 overlaps \"uart\" at 0x1000 with "
			"length 0x100");
	ck_assert_int_eq(add(true, &first, NULL, &err), 0); /* ports are another space */
	ck_assert_fails(add(true, &second, NULL, &err), -EEXIST, AX_ERROR_ARGUMENT,
			"ports \"disk\"");
	second.name = NULL;
	ck_assert_fails(add(true, &second, NULL, &err), -EEXIST, AX_ERROR_ARGUMENT, "ports \"\"");
	ax_vm_destroy(vm);
}
END_TEST

START_TEST(a_long_name_is_cut_to_31_bytes)
{
	AxRange first = range_at(0x10, 1);
	AxError err;

	vm = new_vm(AX_IRQCHIP_NONE);
	first.name = "0123456789012345678901234567890123456789";
	ck_assert_int_eq(add(false, &first, NULL, &err), 0);
	ck_assert_fails(add(false, &first, NULL, &err), -EEXIST, AX_ERROR_ARGUMENT,
			"overlaps \"0123456789012345678901234567890\" at");
	ax_vm_destroy(vm);
}
END_TEST

/* {port, base, length}: the last bytes of both spaces are usable, nothing beyond is. */
static const struct {
	bool port;
	uint64_t base, length;
	int ret;
} limits[] = {
	{ true, 0, 0x10000, 0 },
	{ true, 0xffff, 1, 0 },
	{ true, 0xffff, 2, -EINVAL },
	{ true, 0x10000, 1, -EINVAL },
	{ true, 0, 0x10001, -EINVAL },
	{ true, UINT64_MAX, 1, -EINVAL },
	{ true, 5, 0, -EINVAL },
	{ true, 0xff00, UINT64_MAX, -EINVAL },
	{ false, 0, UINT64_MAX, 0 },
	{ false, UINT64_MAX, 1, 0 },
	{ false, 1, UINT64_MAX, 0 },
	{ false, 0xfffffffffffff000, 0x1000, 0 },
	{ false, 0xfffffffffffff000, 0x1001, -EINVAL },
	{ false, UINT64_MAX, 2, -EINVAL },
	{ false, 2, UINT64_MAX, -EINVAL },
	{ false, 0x1000, 0, -EINVAL },
};

START_TEST(the_spaces_are_used_to_their_last_byte_and_not_beyond)
{
	AxRange range = range_at(limits[_i].base, limits[_i].length);
	AxRangeId id;
	AxError err = AX_ERROR_INIT;

	vm = new_vm(AX_IRQCHIP_NONE);
	ck_assert_int_eq(add(limits[_i].port, &range, &id, &err), limits[_i].ret);
	if (limits[_i].ret) {
		ck_assert_int_eq(err.code, AX_ERROR_ARGUMENT);
		ck_assert_str_ne(err.message, "");
	} else {
		enum range_space space = limits[_i].port ? RANGE_PORT : RANGE_MMIO;
		const struct range_table *table = &atomic_load(&vm->snapshot)->table[space];
		uint64_t last = limits[_i].base + (limits[_i].length - 1);

		ck_assert_ptr_nonnull(range_find(table, limits[_i].base));
		ck_assert_ptr_nonnull(range_find(table, last));
		/* It overlaps itself, also where the sum would wrap. */
		ck_assert_int_eq(add(limits[_i].port, &range, NULL, NULL), -EEXIST);
		ck_assert_int_eq(ax_range_remove(vm, id, NULL), 0);
	}
	ax_vm_destroy(vm);
}
END_TEST

START_TEST(a_range_that_is_not_filled_in_is_refused)
{
	static const AxRangeOps unsized = { 0 };
	AxRange good = range_at(0x10, 1), range;
	AxError err;

	vm = new_vm(AX_IRQCHIP_NONE);
	ck_assert_fails(add(false, NULL, NULL, &err), -EINVAL, AX_ERROR_ARGUMENT, "AX_RANGE_INIT");
	range = good;
	range.size = 0;
	ck_assert_fails(add(false, &range, NULL, &err), -EINVAL, AX_ERROR_ARGUMENT, "size");
	range = good;
	range.ops = NULL;
	ck_assert_fails(add(true, &range, NULL, &err), -EINVAL, AX_ERROR_ARGUMENT, "without ops");
	range = good;
	range.ops = &unsized;
	ck_assert_fails(add(true, &range, NULL, &err), -EINVAL, AX_ERROR_ARGUMENT, "size");
	range = good;
	range.flags = AX_RANGE_SERIAL;
	ck_assert_fails(add(true, &range, NULL, &err), -EINVAL, AX_ERROR_ARGUMENT,
			"without a lock");
	range = good;
	range.flags = 0x80;
	ck_assert_fails(add(true, &range, NULL, &err), -EINVAL, AX_ERROR_ARGUMENT,
			"unknown range flags 0x80");
	/* The message needs no name. */
	range = range_at(1, UINT64_MAX);
	range.length = 0;
	range.name = NULL;
	ck_assert_fails(add(false, &range, NULL, &err), -EINVAL, AX_ERROR_ARGUMENT, "empty");
	ax_vm_destroy(vm);
}
END_TEST

START_TEST(mmio_lies_over_read_only_ram_and_no_other)
{
	AxRange range = range_at(0x10ff0, 0x20);
	AxError err;

	vm = new_vm(AX_IRQCHIP_NONE);
	ck_assert_int_eq(ax_ram_add(vm, 0x10000, 0x1000, AX_RAM_READONLY, &err), 0);
	ck_assert_int_eq(ax_ram_add(vm, 0x20000, 0x1000, 0, &err), 0);
	ck_assert_int_eq(add(false, &range, NULL, &err), 0);
	range = range_at(0x20fff, 1);
	range.name = "dev";
	ck_assert_fails(add(false, &range, NULL, &err), -EEXIST, AX_ERROR_ARGUMENT,
			"MMIO \"dev\" at 0x20fff with length 0x1 overlaps RAM at 0x20000 with size "
			"0x1000");
	/* Across both kinds. */
	range = range_at(0x10000, 0x20000);
	ck_assert_int_eq(add(false, &range, NULL, &err), -EEXIST);
	range = range_at(0x1f000, 0x1001);
	range.name = NULL;
	ck_assert_fails(add(false, &range, NULL, &err), -EEXIST, AX_ERROR_ARGUMENT, "RAM");
	range = range_at(0x1f000, 0x1000);
	ck_assert_int_eq(add(false, &range, NULL, &err), 0);
	/* Ports know no RAM. */
	range = range_at(0x0, 0x10000);
	ck_assert_int_eq(ax_ram_add(vm, 0, 0x1000, 0, &err), 0);
	ck_assert_int_eq(add(true, &range, NULL, &err), 0);
	ax_vm_destroy(vm);
}
END_TEST

START_TEST(an_id_that_names_nothing_is_refused)
{
	AxError err;

	vm = new_vm(AX_IRQCHIP_NONE);
	ck_assert_fails(ax_range_remove(vm, 0, &err), -ENOENT, AX_ERROR_ARGUMENT,
			"no range has the id 0");
	ck_assert_fails(ax_range_remove(vm, UINT64_MAX, &err), -ENOENT, AX_ERROR_ARGUMENT, "id");
	ax_vm_destroy(vm);
}
END_TEST

START_TEST(the_librarys_own_ranges_are_in_the_same_registry)
{
	AxHypercallConfig config = AX_HYPERCALL_CONFIG_INIT;
	AxRange range = range_at(0xfee00ff0, 0x20);
	AxError err;

	vm = new_vm(AX_IRQCHIP_USER);
	ck_assert_fails(add(false, &range, NULL, &err), -EEXIST, AX_ERROR_ARGUMENT, "local APIC");
	config.block_mmio = 0xfee00ff8;
	ck_assert_fails(ax_hypercall_set(vm, &config, NULL, NULL, &err), -EEXIST, AX_ERROR_ARGUMENT,
			"\"hypercall block\"");
	/* A place that cannot be had gives the other one back. */
	range = range_at(0x540, 1);
	ck_assert_int_eq(add(true, &range, NULL, &err), 0);
	config.block_mmio = 0x1000;
	config.block_port = 0x540;
	ck_assert_int_eq(ax_hypercall_set(vm, &config, NULL, NULL, &err), -EEXIST);
	config.block_port = 0x10000;
	ck_assert_int_eq(ax_hypercall_set(vm, &config, NULL, NULL, &err), -EINVAL);
	config.block_port = 0x544;
	ck_assert_int_eq(ax_hypercall_set(vm, &config, NULL, NULL, &err), 0);
	range = range_at(0x1007, 1);
	ck_assert_fails(add(false, &range, NULL, &err), -EEXIST, AX_ERROR_ARGUMENT,
			"hypercall block");
	ax_vm_destroy(vm);
}
END_TEST

static void add_tests(TCase *cases)
{
	tcase_add_loop_test(cases, the_registry_is_what_a_naive_model_is, 0, 4);
	tcase_add_test(cases, two_ranges_overlap_exactly_when_they_share_a_byte);
	tcase_add_test(cases, an_overlap_names_both_ranges);
	tcase_add_test(cases, a_long_name_is_cut_to_31_bytes);
	tcase_add_loop_test(cases, the_spaces_are_used_to_their_last_byte_and_not_beyond, 0,
			    COUNT(limits));
	tcase_add_test(cases, a_range_that_is_not_filled_in_is_refused);
	tcase_add_test(cases, mmio_lies_over_read_only_ram_and_no_other);
	tcase_add_test(cases, an_id_that_names_nothing_is_refused);
	tcase_add_test(cases, the_librarys_own_ranges_are_in_the_same_registry);
}

RUN_SUITE("range", add_tests)
