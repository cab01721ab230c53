/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Looking at guest RAM: bounds, views, copies across pieces, a comparison with a naive model, and
 * threads that look while RAM comes and goes.
 */
#include <pthread.h>
#include <stdatomic.h>

#include "core/memory.h"
#include "tests/unit/core_fixture.h"

#define PAGE 4096

START_TEST(a_vm_without_ram_has_nothing_to_look_at)
{
	AxVm *vm = new_vm(AX_IRQCHIP_NONE);
	AxMemView view;
	char byte;

	ck_assert_int_eq(ax_mem_get(vm, 0, 1, AX_MEM_READ, &view), -EFAULT);
	ck_assert_int_eq(ax_mem_read(vm, 0, &byte, 1), -EFAULT);
	ck_assert_int_eq(ax_mem_read(vm, 0, &byte, 0), 0);
	ax_vm_destroy(vm);
}
END_TEST

START_TEST(a_view_shows_the_bytes_that_the_guest_sees)
{
	AxVm *vm = new_vm(AX_IRQCHIP_NONE);
	AxMemView view;

	ck_assert_int_eq(ax_ram_add(vm, 0x8000, 2 * PAGE, 0, NULL), 0);
	ck_assert_int_eq(ax_mem_get(vm, 0x8010, 0x1ff0, AX_MEM_READ | AX_MEM_WRITE, &view), 0);
	ck_assert_ptr_eq(view.host, fake_guest_pointer(0, 0x8010, 1));
	ck_assert_uint_eq(view.gpa, 0x8010);
	ck_assert_uint_eq(view.len, 0x1ff0);
	memcpy((char *)view.host + 0x1fec, "end", 4);
	ax_mem_put(vm, &view, view.len);
	ck_assert_str_eq(fake_guest_pointer(0, 0x9ffc, 4), "end");
	ax_vm_destroy(vm);
}
END_TEST

START_TEST(a_view_that_was_given_back_is_empty)
{
	AxVm *vm = new_vm(AX_IRQCHIP_NONE);
	AxMemView view;

	ck_assert_int_eq(ax_ram_add(vm, 0, PAGE, 0, NULL), 0);
	ck_assert_int_eq(ax_mem_get(vm, 0, 1, AX_MEM_READ, &view), 0);
	ax_mem_put(vm, &view, 0);
	ck_assert_ptr_null(view.host);
	ax_mem_put(vm, &view, 0); /* nothing is unpinned twice */
	ck_assert_int_eq(ax_mem_get(vm, 0, 1, AX_MEM_READ, &view), 0);
	ck_assert_int_eq(ax_ram_remove(vm, 0, NULL), -EBUSY);
	ax_mem_put(vm, &view, 0);
	ax_vm_destroy(vm);
}
END_TEST

START_TEST(every_bound_of_a_view_is_checked)
{
	AxVm *vm = new_vm(AX_IRQCHIP_NONE);
	AxMemView view = { 0 };

	ck_assert_int_eq(ax_ram_add(vm, 0x1000, PAGE, 0, NULL), 0);
	ck_assert_int_eq(ax_ram_add(vm, 0x2000, PAGE, 0, NULL), 0);
	ck_assert_int_eq(ax_mem_get(vm, 0x1000, 0, AX_MEM_READ, &view), -EINVAL);
	ck_assert_int_eq(ax_mem_get(vm, 0x1000, UINT64_MAX, AX_MEM_READ, &view), -EINVAL);
	ck_assert_int_eq(ax_mem_get(vm, UINT64_MAX, 2, AX_MEM_READ, &view), -EINVAL);
	ck_assert_int_eq(ax_mem_get(vm, 0x1000, 1, 0, &view), -EINVAL);
	ck_assert_int_eq(ax_mem_get(vm, 0x1000, 1, 4, &view), -EINVAL);
	ck_assert_int_eq(ax_mem_get(vm, UINT64_MAX, 1, AX_MEM_READ, &view), -EFAULT);
	ck_assert_int_eq(ax_mem_get(vm, 0xfff, 1, AX_MEM_READ, &view), -EFAULT);
	ck_assert_int_eq(ax_mem_get(vm, 0xfff, 2, AX_MEM_READ, &view), -EFAULT);
	ck_assert_int_eq(ax_mem_get(vm, 0x3000, 1, AX_MEM_READ, &view), -EFAULT);
	/* Two pieces that touch are two mappings: no view over both. */
	ck_assert_int_eq(ax_mem_get(vm, 0x1fff, 2, AX_MEM_READ, &view), -EFAULT);
	ck_assert_int_eq(ax_mem_get(vm, 0x1000, 0x2000, AX_MEM_READ, &view), -EFAULT);
	ck_assert_int_eq(ax_mem_get(vm, 0x2000, UINT64_MAX - 0x2000, AX_MEM_READ, &view), -EFAULT);
	ck_assert_ptr_null(view.slot);
	ck_assert_int_eq(ax_mem_get(vm, 0x2fff, 1, AX_MEM_READ, &view), 0);
	ax_mem_put(vm, &view, 0);
	ax_vm_destroy(vm);
}
END_TEST

START_TEST(the_host_writes_read_only_ram)
{
	AxVm *vm = new_vm(AX_IRQCHIP_NONE);
	char text[6];

	ck_assert_int_eq(ax_ram_add(vm, 0, PAGE, AX_RAM_READONLY, NULL), 0);
	ck_assert_int_eq(ax_mem_write(vm, 16, "flash", 6), 0);
	ck_assert_int_eq(ax_mem_read(vm, 16, text, 6), 0);
	ck_assert_str_eq(text, "flash");
	ax_vm_destroy(vm);
}
END_TEST

START_TEST(a_copy_crosses_from_piece_to_piece)
{
	AxVm *vm = new_vm(AX_IRQCHIP_NONE);
	uint8_t out[3 * PAGE], in[3 * PAGE];

	for (uint64_t base = 0x1000; base < 0x5000; base += PAGE)
		ck_assert_int_eq(ax_ram_add(vm, base, PAGE, 0, NULL), 0);
	for (unsigned i = 0; i < sizeof(out); i++)
		out[i] = (uint8_t)(i * 7 + i / 251);
	ck_assert_int_eq(ax_mem_write(vm, 0x1ff0, out, sizeof(out)), 0);
	ck_assert_int_eq(ax_mem_read(vm, 0x1ff0, in, sizeof(in)), 0);
	ck_assert_mem_eq(in, out, sizeof(in));
	ck_assert_mem_eq(fake_guest_pointer(0, 0x3000, PAGE), out + 0x1010, PAGE);
	/* All of them are free again. */
	for (uint64_t base = 0x1000; base < 0x5000; base += PAGE)
		ck_assert_int_eq(ax_ram_remove(vm, base, NULL), 0);
	ax_vm_destroy(vm);
}
END_TEST

START_TEST(a_copy_that_can_not_be_done_copies_nothing)
{
	AxVm *vm = new_vm(AX_IRQCHIP_NONE);
	uint8_t bytes[3 * PAGE];

	ck_assert_int_eq(ax_ram_add(vm, 0x1000, PAGE, 0, NULL), 0);
	ck_assert_int_eq(ax_ram_add(vm, 0x2000, PAGE, 0, NULL), 0);
	ck_assert_int_eq(ax_ram_add(vm, 0x4000, PAGE, 0, NULL), 0);
	memset(bytes, 0x5a, sizeof(bytes));
	ck_assert_int_eq(ax_mem_write(vm, 0x1800, bytes, 0x1801), -EFAULT);
	ck_assert_int_eq(ax_mem_write(vm, 0x800, bytes, 0x801), -EFAULT);
	ck_assert_int_eq(ax_mem_write(vm, 0x3fff, bytes, 2), -EFAULT);
	ck_assert_int_eq(ax_mem_write(vm, 0x4800, bytes, 0x801), -EFAULT);
	for (uint64_t gpa = 0x1000; gpa < 0x3000; gpa++)
		ck_assert_uint_eq(*(uint8_t *)fake_guest_pointer(0, gpa, 1), 0);
	ck_assert_int_eq(ax_mem_read(vm, 0x1800, bytes, 0x1801), -EFAULT);
	for (unsigned i = 0; i < sizeof(bytes); i++)
		ck_assert_uint_eq(bytes[i], 0x5a);
	ck_assert_int_eq(ax_mem_read(vm, UINT64_MAX, bytes, 2), -EINVAL);
	ck_assert_int_eq(ax_mem_read(vm, 1, bytes, UINT64_MAX), -EFAULT);
	ck_assert_int_eq(ax_mem_read(vm, 2, bytes, UINT64_MAX), -EINVAL);
	ck_assert_int_eq(ax_mem_read(vm, UINT64_MAX, bytes, 1), -EFAULT);
	ck_assert_int_eq(ax_mem_read(vm, UINT64_MAX, bytes, 0), 0);
	/* Nothing stayed pinned. */
	ck_assert_int_eq(ax_ram_remove(vm, 0x1000, NULL), 0);
	ck_assert_int_eq(ax_ram_remove(vm, 0x2000, NULL), 0);
	ck_assert_int_eq(ax_ram_remove(vm, 0x4000, NULL), 0);
	ax_vm_destroy(vm);
}
END_TEST

/* A naive model: which piece each page belongs to (0: none), and each page's bytes. */
#define MODEL_PAGES 48
#define MODEL_BYTES (MODEL_PAGES * PAGE)

struct model {
	unsigned piece[MODEL_PAGES];
	unsigned next_piece;
	uint8_t bytes[MODEL_BYTES];
};

static bool model_is_free(const struct model *model, unsigned first, unsigned count)
{
	for (unsigned i = first; i < first + count; i++)
		if (model->piece[i])
			return false;
	return true;
}

/* Whether all of first .. last is RAM, in one piece when @one. */
static bool model_has(const struct model *model, uint64_t gpa, uint64_t len, bool one)
{
	for (uint64_t i = gpa; i < gpa + len; i++)
		if (i >= MODEL_BYTES || !model->piece[i / PAGE] ||
		    (one && model->piece[i / PAGE] != model->piece[gpa / PAGE]))
			return false;
	return true;
}

static void random_add(AxVm *vm, struct model *model, unsigned *seed)
{
	unsigned first = (unsigned)rand_r(seed) % MODEL_PAGES;
	unsigned count = 1 + (unsigned)rand_r(seed) % 5;
	unsigned flags = (unsigned)rand_r(seed) % 8 ? 0 : AX_RAM_READONLY;
	bool allowed;

	if (first + count > MODEL_PAGES)
		count = MODEL_PAGES - first;
	allowed = model_is_free(model, first, count);
	ck_assert_int_eq(
		ax_ram_add(vm, (uint64_t)first * PAGE, (uint64_t)count * PAGE, flags, NULL),
		allowed ? 0 : -EEXIST);
	if (!allowed)
		return;
	model->next_piece++;
	for (unsigned i = first; i < first + count; i++)
		model->piece[i] = model->next_piece;
	memset(&model->bytes[first * PAGE], 0, count * PAGE);
}

static void random_remove(AxVm *vm, struct model *model, unsigned *seed)
{
	unsigned first = (unsigned)rand_r(seed) % MODEL_PAGES;
	unsigned piece = model->piece[first];
	bool allowed = piece && (!first || model->piece[first - 1] != piece);

	ck_assert_int_eq(ax_ram_remove(vm, (uint64_t)first * PAGE, NULL), allowed ? 0 : -ENOENT);
	for (unsigned i = first; allowed && i < MODEL_PAGES && model->piece[i] == piece; i++)
		model->piece[i] = 0;
}

static void random_access(AxVm *vm, struct model *model, unsigned *seed)
{
	static uint8_t buffer[8 * PAGE];
	uint64_t gpa = (uint64_t)rand_r(seed) % (MODEL_BYTES + PAGE);
	uint64_t len = 1 + (uint64_t)rand_r(seed) % sizeof(buffer);
	AxMemView view;

	if (rand_r(seed) % 2)
		len = 1 + len % 64;
	switch (rand_r(seed) % 3) {
	case 0:
		memset(buffer, rand_r(seed), len);
		buffer[len / 2] ^= 0xff;
		if (!model_has(model, gpa, len, false)) {
			ck_assert_int_eq(ax_mem_write(vm, gpa, buffer, len), -EFAULT);
			break;
		}
		ck_assert_int_eq(ax_mem_write(vm, gpa, buffer, len), 0);
		memcpy(&model->bytes[gpa], buffer, len);
		break;
	case 1:
		if (!model_has(model, gpa, len, false)) {
			ck_assert_int_eq(ax_mem_read(vm, gpa, buffer, len), -EFAULT);
			break;
		}
		ck_assert_int_eq(ax_mem_read(vm, gpa, buffer, len), 0);
		ck_assert_mem_eq(buffer, &model->bytes[gpa], len);
		break;
	default:
		if (!model_has(model, gpa, len, true)) {
			ck_assert_int_eq(ax_mem_get(vm, gpa, len, AX_MEM_READ, &view), -EFAULT);
			break;
		}
		ck_assert_int_eq(ax_mem_get(vm, gpa, len, AX_MEM_READ, &view), 0);
		ck_assert_mem_eq(view.host, &model->bytes[gpa], len);
		ax_mem_put(vm, &view, 0);
		break;
	}
}

static void check_listing(AxVm *vm, const struct model *model)
{
	unsigned index = 0, page = 0;
	AxRamInfo info;

	while (page < MODEL_PAGES) {
		unsigned first = page;

		if (!model->piece[page]) {
			page++;
			continue;
		}
		while (page < MODEL_PAGES && model->piece[page] == model->piece[first])
			page++;
		ck_assert(ax_ram_info(vm, index++, &info));
		ck_assert_uint_eq(info.base, (uint64_t)first * PAGE);
		ck_assert_uint_eq(info.size, (uint64_t)(page - first) * PAGE);
	}
	ck_assert(!ax_ram_info(vm, index, &info));
	ck_assert_uint_eq(fake_slots(0), index);
}

START_TEST(the_table_agrees_with_a_naive_model)
{
	static struct model model;
	AxVm *vm = new_vm(AX_IRQCHIP_NONE);
	unsigned seed = 20240607;

	memset(&model, 0, sizeof(model));
	for (unsigned step = 0; step < 4000; step++) {
		switch (rand_r(&seed) % 6) {
		case 0: random_add(vm, &model, &seed); break;
		case 1: random_remove(vm, &model, &seed); break;
		default: random_access(vm, &model, &seed); break;
		}
		check_listing(vm, &model);
	}
	ax_vm_destroy(vm);
}
END_TEST

START_TEST(a_reader_keeps_tables_and_pieces_alive)
{
	AxVm *vm = new_vm(AX_IRQCHIP_NONE);
	struct ram_table *seen;
	struct ram *ram;

	ck_assert_int_eq(ax_ram_add(vm, 0x1000, PAGE, 0, NULL), 0);
	ck_assert_int_eq(ax_ram_add(vm, 0x4000, PAGE, 0, NULL), 0);
	ram = atomic_load(&vm->ram);
	seen = ram_enter(ram);
	ck_assert_int_eq(ax_ram_remove(vm, 0x1000, NULL), 0);
	ck_assert_int_eq(ax_ram_add(vm, 0x8000, PAGE, 0, NULL), 0);
	ck_assert_ptr_nonnull(ram->retired);
	ck_assert_uint_eq(seen->count, 2);
	ck_assert_uint_eq(seen->slots[0]->base, 0x1000);
	ram_leave(ram);
	ck_assert_int_eq(ax_ram_remove(vm, 0x4000, NULL), 0);
	ck_assert_ptr_null(ram->retired);
	/* What is still retired when the VM ends goes with it. */
	(void)ram_enter(ram);
	ck_assert_int_eq(ax_ram_remove(vm, 0x8000, NULL), 0);
	ck_assert_ptr_nonnull(ram->retired);
	ram_leave(ram);
	ax_vm_destroy(vm);
}
END_TEST

START_TEST(a_piece_that_is_going_takes_no_new_view)
{
	AxVm *vm = new_vm(AX_IRQCHIP_NONE);
	struct ram_slot *slot;
	struct ram *ram;
	AxMemView view;
	char bytes[2];

	ck_assert_int_eq(ax_ram_add(vm, 0x1000, PAGE, 0, NULL), 0);
	ck_assert_int_eq(ax_ram_add(vm, 0x2000, PAGE, 0, NULL), 0);
	ram = atomic_load(&vm->ram);
	slot = ram_enter(ram)->slots[1];
	atomic_store(&slot->pins, RAM_DYING);
	ck_assert_int_eq(ax_mem_get(vm, 0x2000, 1, AX_MEM_READ, &view), -EFAULT);
	ck_assert_int_eq(ax_mem_read(vm, 0x1fff, bytes, 2), -EFAULT);
	ck_assert_uint_eq(atomic_load(&slot->pins), RAM_DYING);
	atomic_store(&slot->pins, 0);
	ram_leave(ram);
	ck_assert_int_eq(ax_mem_read(vm, 0x1fff, bytes, 2), 0);
	ax_vm_destroy(vm);
}
END_TEST

/* Threads that look while pieces come and go. */
struct looker {
	AxVm *vm;
	atomic_bool *stop, *started;
	unsigned seen, missed;
};

static void *look(void *arg)
{
	struct looker *looker = arg;
	uint64_t values[2];
	AxMemView view;

	while (!atomic_load(looker->stop)) {
		/* The last eight bytes of a piece that stays and the first of one that comes and goes. */
		if (ax_mem_read(looker->vm, 0x1ff8, values, sizeof(values)))
			looker->missed++;
		else
			looker->seen++;
		if (!ax_mem_get(looker->vm, 0x2000, PAGE, AX_MEM_READ, &view)) {
			ck_assert_uint_eq(*(volatile uint64_t *)view.host, 0);
			ax_mem_put(looker->vm, &view, 0);
		}
		ck_assert_int_eq(ax_mem_read(looker->vm, 0x1000, values, 8), 0);
		atomic_store(looker->started, true);
	}
	return NULL;
}

START_TEST(threads_look_while_ram_comes_and_goes)
{
	AxVm *vm = new_vm(AX_IRQCHIP_NONE);
	struct looker lookers[3];
	pthread_t threads[3];
	atomic_bool stop = false, started = false;
	unsigned removed = 0, looks = 0;

	ck_assert_int_eq(ax_ram_add(vm, 0x1000, PAGE, 0, NULL), 0);
	for (unsigned i = 0; i < 3; i++) {
		lookers[i] = (struct looker){ .vm = vm, .stop = &stop, .started = &started };
		ck_assert_int_eq(pthread_create(&threads[i], NULL, look, &lookers[i]), 0);
	}
	while (removed < 500 || !atomic_load(&started)) {
		int ret;

		ck_assert_int_eq(ax_ram_add(vm, 0x2000, PAGE, 0, NULL), 0);
		do {
			ret = ax_ram_remove(vm, 0x2000, NULL);
		} while (ret == -EBUSY);
		ck_assert_int_eq(ret, 0);
		removed++;
	}
	atomic_store(&stop, true);
	for (unsigned i = 0; i < 3; i++) {
		pthread_join(threads[i], NULL);
		looks += lookers[i].seen + lookers[i].missed;
	}
	ck_assert_uint_gt(looks, 0);
	ax_vm_destroy(vm);
}
END_TEST

RUN_CORE_TESTS("memory-view", a_vm_without_ram_has_nothing_to_look_at,
	       a_view_shows_the_bytes_that_the_guest_sees, a_view_that_was_given_back_is_empty,
	       every_bound_of_a_view_is_checked, the_host_writes_read_only_ram,
	       a_copy_crosses_from_piece_to_piece, a_copy_that_can_not_be_done_copies_nothing,
	       the_table_agrees_with_a_naive_model, a_reader_keeps_tables_and_pieces_alive,
	       a_piece_that_is_going_takes_no_new_view, threads_look_while_ram_comes_and_goes)
