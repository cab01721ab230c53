/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Model of dispatch for fuzz_exit.c, byte by byte and without any of the library's code: which byte
 * of an access belongs to which range, in which order handlers see them, and what the guest gets.
 * And the script from which kvm_run is filled.
 */
#ifndef AXVMM_TESTS_FUZZ_FUZZ_EXIT_MODEL_H
#define AXVMM_TESTS_FUZZ_FUZZ_EXIT_MODEL_H

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <axvmm/exit.h>

#include "sys/uapi.h"

static inline void model_breach(const char *what)
{
	fprintf(stderr, "broken promise: %s\n", what);
	abort();
}

/* The bytes of the input, then zeros. */
struct script {
	const uint8_t *next;
	size_t left;
};

static inline void script_init(struct script *script, const uint8_t *data, size_t size)
{
	script->next = data;
	script->left = size;
}

static inline bool script_is_over(const struct script *script)
{
	return script->left == 0;
}

static inline uint8_t script_u8(struct script *script)
{
	if (script->left == 0)
		return 0;
	script->left--;
	return *script->next++;
}

static inline uint64_t script_u64(struct script *script)
{
	uint64_t value = 0;

	for (unsigned i = 0; i < 64; i += 8)
		value |= (uint64_t)script_u8(script) << i;
	return value;
}

/* A registered range. A fickle one returns any verdict, so that its answers cannot be foretold. */
struct model_range {
	bool is_port;
	bool fickle;
	uint64_t base;
	uint64_t length;
};

static const struct model_range model_ranges[] = {
	{ false, false, 0xfe000000, 0x1000 },
	{ false, false, 0xfe001000, 3 },
	{ false, true, 0x1000000000, 0x10000 },
	{ false, false, UINT64_MAX - 31, 16 },
	{ true, false, 0x10, 0x10 },
	{ true, false, 0x20, 3 },
	{ true, true, 0xfff0, 0x10 },
};

#define MODEL_RANGES (sizeof(model_ranges) / sizeof(model_ranges[0]))

/* Places that the library answers itself: zero, or (the APIC) anything. */
static const struct model_range model_own[] = {
	{ false, false, 0xfe002000, 8 },
	{ true, false, 0x30, 4 },
	{ false, true, 0xfee00000, 0x1000 },
};

#define MODEL_RUN_SIZE (3 * 4096)

/* The access that the last exit asks for. */
struct model {
	bool active; /* it goes to the handlers, by nobody else's hand */
	bool is_port;
	bool is_write;
	uint64_t addr;
	unsigned size;	 /* bytes of an element */
	unsigned count;	 /* elements */
	uint32_t offset; /* of the bytes in the shared pages */
	uint64_t cursor; /* bytes before this one have been seen by handlers, or belong to nobody */
	uint8_t bytes[MODEL_RUN_SIZE]; /* of a write */
};

static inline const struct model_range *model_find(const struct model_range *rows, size_t count,
						   const struct model *model, unsigned byte)
{
	uint64_t addr = model->addr + byte;

	if (addr < model->addr || (model->is_port && addr > UINT16_MAX))
		return NULL;
	for (size_t i = 0; i < count; i++) {
		if (rows[i].is_port == model->is_port && addr >= rows[i].base &&
		    addr - rows[i].base < rows[i].length)
			return &rows[i];
	}
	return NULL;
}

/* What a read handler answers: a value that depends on each byte's address. */
static inline uint64_t model_value(const struct model_range *range, uint64_t offset, unsigned size)
{
	uint64_t value = 0;

	for (unsigned i = 0; i < size; i++)
		value |= (uint64_t)(uint8_t)((range->base + offset + i) * 7 + 3) << (8 * i);
	return value;
}

/* Move the cursor to the next byte that a handler has to see: false when there is none. */
static inline bool model_next(struct model *model)
{
	for (; model->cursor < (uint64_t)model->size * model->count; model->cursor++) {
		if (model_find(model_ranges, MODEL_RANGES, model,
			       (unsigned)(model->cursor % model->size)))
			return true;
	}
	return false;
}

/* All handlers that had to be called have been. */
static inline void model_check_calls(struct model *model)
{
	if (model->active && model_next(model))
		model_breach("a handler was not called");
}

/* The access is of a width and lies inside one range. */
static inline bool model_is_whole(const struct model *model)
{
	bool is_width =
		model->size == 1 || model->size == 2 || model->size == 4 || model->size == 8;
	const struct model_range *first = model_find(model_ranges, MODEL_RANGES, model, 0);

	return is_width && first &&
	       first == model_find(model_ranges, MODEL_RANGES, model, model->size - 1);
}

/* A handler of @range was called. */
static inline void model_handler(struct model *model, const struct model_range *range,
				 uint64_t offset, size_t size, bool is_write, uint64_t value)
{
	if (offset >= range->length || size > range->length - offset)
		model_breach("a handler was called for what lies outside its range");
	if (!model->active)
		model_breach("a handler was called without an access");
	if (is_write != model->is_write || !model_next(model) ||
	    range->base + offset != model->addr + model->cursor % model->size)
		model_breach("a handler was called for another access than the guest's");
	if (size != (model_is_whole(model) ? model->size : 1))
		model_breach("an access was cut into other pieces than it must be");
	if (is_write && memcmp(&value, model->bytes + model->cursor, size) != 0)
		model_breach("a handler got other bytes than the guest wrote");
	model->cursor += size;
}

/* What the guest reads at a byte of the access: -1 when it cannot be foretold. */
static inline int model_byte(const struct model *model, unsigned byte)
{
	const struct model_range *range = model_find(model_ranges, MODEL_RANGES, model, byte);

	if (range)
		return range->fickle ? -1 : (uint8_t)((model->addr + byte) * 7 + 3);
	range = model_find(model_own, sizeof(model_own) / sizeof(model_own[0]), model, byte);
	if (range)
		return range->fickle ? -1 : 0;
	return 0xff;
}

/* The guest is entered again: this is what it gets. */
static inline void model_check_answer(struct model *model, const struct kvm_run *run)
{
	const uint8_t *bytes = (const uint8_t *)run + model->offset;

	model_check_calls(model);
	if (!model->active || model->is_write)
		return;
	for (unsigned i = 0; i < model->size * model->count; i++) {
		int expected = model_byte(model, i % model->size);

		if (expected >= 0 && bytes[i] != expected)
			model_breach("the guest reads something else than it must");
	}
}

/* Note the access in @run, if there is one that makes sense. */
static inline void model_note(struct model *model, const struct kvm_run *run)
{
	model->active = false;
	model->cursor = 0;
	if (run->exit_reason == KVM_EXIT_IO) {
		model->is_port = true;
		model->is_write = run->io.direction != KVM_EXIT_IO_IN;
		model->addr = run->io.port;
		model->size = run->io.size;
		model->count = run->io.count;
		model->offset = (uint32_t)run->io.data_offset;
		model->active = (model->size == 1 || model->size == 2 || model->size == 4) &&
				model->count > 0 && run->io.data_offset <= MODEL_RUN_SIZE &&
				(uint64_t)model->size * model->count <=
					MODEL_RUN_SIZE - run->io.data_offset;
	} else if (run->exit_reason == KVM_EXIT_MMIO) {
		model->is_port = false;
		model->is_write = run->mmio.is_write;
		model->addr = run->mmio.phys_addr;
		model->size = run->mmio.len;
		model->count = 1;
		model->offset = (uint32_t)(run->mmio.data - (const uint8_t *)run);
		model->active = model->size >= 1 && model->size <= 8;
	}
	if (model->active && model->is_write)
		memcpy(model->bytes, (const uint8_t *)run + model->offset,
		       (size_t)model->size * model->count);
}

static inline uint64_t script_address(struct script *script, bool is_port)
{
	static const uint64_t places[2][8] = {
		{ 0xfe000000, 0xfe000ff8, 0xfe001000, 0xfe002000, 0xfee00300, 0x1000000000,
		  UINT64_MAX - 40, 0 },
		{ 0x10, 0x18, 0x20, 0x30, 0x2f, 0xffe8, 0xfff8, 0 },
	};
	uint8_t which = script_u8(script);

	if (which & 0x80)
		return script_u64(script);
	return places[is_port][which & 7] + (which >> 3);
}

static inline void script_fill_port(struct script *script, struct kvm_run *run)
{
	uint8_t *bytes = (uint8_t *)run + 4096;
	uint8_t how = script_u8(script);

	run->exit_reason = KVM_EXIT_IO;
	run->io.direction = how & 1;
	run->io.size = (uint8_t)(1u << (how >> 1 & 3)); /* 8 is none */
	run->io.port = (uint16_t)script_address(script, true);
	run->io.count = how & 8 ? script_u8(script) : 1;
	run->io.data_offset = how & 16 ? 4096 + script_u64(script) % 8300 : 4096;
	for (unsigned i = 0; i < 32; i++)
		bytes[i] = (uint8_t)(i < 8 ? script_u8(script) : bytes[i % 8] + i);
}

static inline void script_fill_mmio(struct script *script, struct kvm_run *run)
{
	uint8_t how = script_u8(script);
	uint64_t data;

	run->exit_reason = KVM_EXIT_MMIO;
	run->mmio.is_write = how & 1;
	run->mmio.len = how & 2 ? how >> 4 : 1u << (how >> 4 & 3);
	run->mmio.phys_addr = script_address(script, false);
	data = how & 4 ? script_u8(script) * 8ull : script_u64(script);
	memcpy(run->mmio.data, &data, sizeof(data));
}

/* Any exit: a number, and bytes at the union's start. */
static inline void script_fill_any(struct script *script, struct kvm_run *run)
{
	uint8_t *bytes = (uint8_t *)&run->hw;

	run->exit_reason = script_u8(script) % 48;
	run->flags = script_u8(script);
	for (unsigned i = script_u8(script) % 160; i > 0; i--)
		*bytes++ = script_u8(script);
	/* the kernel does not point into the part of the page that it reads itself */
	if (run->exit_reason == KVM_EXIT_IO && run->io.data_offset < sizeof(*run))
		run->io.data_offset += sizeof(*run);
}

static inline void script_fill_page(struct script *script, struct kvm_run *run, uint8_t what)
{
	if (what % 8 < 3)
		script_fill_port(script, run);
	else if (what % 8 < 6)
		script_fill_mmio(script, run);
	else
		script_fill_any(script, run);
}

/*
 * What KVM_RUN leaves behind and returns, by the next bytes of the script. When it fails it has not
 * described an exit (KVM-FACTS, gotcha 5), but for a memory fault, which comes with EFAULT.
 */
static inline int script_fill(struct script *script, struct kvm_run *run, struct model *model)
{
	static const int failures[] = { EINTR, EINTR,	   EAGAIN,    EFAULT, EFAULT, ENOSYS,
					EIO,   EOPNOTSUPP, EHWPOISON, EINVAL, ENOMEM, ENOEXEC };
	uint8_t what = script_u8(script);
	uint8_t state = script_u8(script);
	int rc = what < 0xe0 ? 0 : -failures[what % (sizeof(failures) / sizeof(failures[0]))];

	run->ready_for_interrupt_injection = state & 1;
	run->if_flag = state >> 1 & 1;
	run->cr8 = state >> 4;
	if (rc == 0 || rc == -EFAULT || rc == -EHWPOISON)
		script_fill_page(script, run, what);
	else
		run->exit_reason = rc == -EINTR ? KVM_EXIT_INTR : KVM_EXIT_UNKNOWN;
	if (rc == 0)
		model_note(model, run);
	return rc;
}

/* Lengths and pointers of an exit hold; @run is the page that they may point into. */
static inline void model_check_exit(const AxVCpuExitReason *exit, const struct kvm_run *run,
				    uint32_t vcpu)
{
	const uint8_t *page = (const uint8_t *)run;
	const uint8_t *bytes = NULL;
	uint64_t size = 0;

	if (exit->kind >= AX_EXIT_KINDS || exit->vcpu != vcpu)
		model_breach("an exit is of no kind, or of another vCPU");
	switch (exit->kind) {
	case AX_EXIT_MMIO_READ:
		if (exit->mmio_read.len < 1 || exit->mmio_read.len > 8 ||
		    exit->mmio_read.width > AX_WIDTH_QWORD)
			model_breach("an MMIO read has no length");
		break;
	case AX_EXIT_MMIO_WRITE:
		if (exit->mmio_write.len < 1 || exit->mmio_write.len > 8 ||
		    exit->mmio_write.width > AX_WIDTH_QWORD ||
		    (exit->mmio_write.len < 8 && exit->mmio_write.data >> 8 * exit->mmio_write.len))
			model_breach("an MMIO write has no length, or bits above it");
		break;
	case AX_EXIT_IO_READ:
		bytes = exit->io_read.bytes;
		size = (uint64_t)exit->io_read.count << exit->io_read.width;
		break;
	case AX_EXIT_IO_WRITE:
		bytes = exit->io_write.bytes;
		size = (uint64_t)exit->io_write.count << exit->io_write.width;
		break;
	case AX_EXIT_SYSTEM_DOWN:
		if (exit->system_down.ndata > 8)
			model_breach("a shutdown has more data than there is room");
		break;
	case AX_EXIT_INTERNAL_ERROR:
		if (exit->internal_error.ndata > 8 || exit->internal_error.insn_size > AX_INSN_MAX)
			model_breach("an internal error has more data than there is room");
		break;
	default: break;
	}
	if (bytes && (size == 0 || bytes < page || bytes + size > page + MODEL_RUN_SIZE))
		model_breach("port bytes lie outside the shared pages");
}

#endif
