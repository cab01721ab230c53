/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Records as lines that a person can read, and whose they are.
 */
#include <config.h>

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "core/record.h"
#include "core/replay.h"
#include "core/vm.h"

#define BYTES_SHOWN 24

static const char *kind_name(uint64_t kind)
{
	switch (kind) {
	case AX_RECORD_CLOCK: return "the clock";
	case AX_RECORD_REAL_TIME: return "the time of day";
	case AX_RECORD_MEMORY: return "guest memory";
	case AX_RECORD_DATA: return "data";
	case AX_RECORD_RESULT: return "a call's result";
	case AX_RECORD_REGISTER: return "register";
	case AX_RECORD_LINE: return "interrupt line";
	case AX_RECORD_MESSAGE: return "interrupt message to";
	case AX_RECORD_INJECT: return "interrupt for vCPU";
	case AX_RECORD_ROUTE: return "route of interrupt line";
	case AX_RECORD_WRITTEN: return "guest memory";
	case AX_RECORD_TIMER: return "timer";
	case AX_RECORD_WATCH: return "watch";
	case AX_RECORD_SENT: return "sent";
	case AX_RECORD_TAKEN: return "returned";
	default: return "a user's kind";
	}
}

static size_t clip(int len, size_t size)
{
	return len < 0 ? 0 : (size_t)len < size ? (size_t)len : size - 1;
}

/* Numbers as numbers, the rest as bytes. */
static void add_bytes(const struct record_item *item, char *line, size_t size)
{
	size_t used = 0;
	uint64_t value = 0;

	if (!item->bytes) {
		if (item->len)
			snprintf(line, size, " %zu bytes", item->len);
		return;
	}
	if (item->len == 1 || item->len == 4 || item->len == 8) {
		memcpy(&value, item->bytes, item->len);
		snprintf(line, size, " 0x%" PRIx64, value);
		return;
	}
	for (size_t i = 0; i < item->len && i < BYTES_SHOWN; i++)
		used += clip(snprintf(line + used, size - used, " %02x", item->bytes[i]),
			     size - used);
	if (item->len > BYTES_SHOWN)
		snprintf(line + used, size - used, " ... (%zu bytes)", item->len);
}

static void text_of_note(const struct record_item *item, char *line, size_t size)
{
	bool known = item->id < AX_RECORD_USER;
	size_t used;

	used = clip(snprintf(line, size, "%s %s",
			     item->type == RECORD_INPUT ? "in: " : "out:", kind_name(item->id)),
		    size);
	if (!known)
		used += clip(snprintf(line + used, size - used, " %" PRIu64, item->id),
			     size - used);
	if (item->id != AX_RECORD_CLOCK && item->id != AX_RECORD_REAL_TIME)
		used += clip(snprintf(line + used, size - used, " 0x%" PRIx64, item->where),
			     size - used);
	if (item->type == RECORD_OUTPUT && item->len > RECORD_OUTPUT_MAX) {
		snprintf(line + used, size - used, ": %zu bytes with the sum 0x%" PRIx64, item->len,
			 item->sum);
		return;
	}
	used += clip(snprintf(line + used, size - used, ":"), size - used);
	add_bytes(item, line + used, size - used);
}

static void text_of_answer(const struct record_item *item, char *line, size_t size)
{
	static const char *const verdicts[] = { "handled", "unhandled", "stop" };
	size_t used = clip(snprintf(line, size, "answer: %s, 0x%" PRIx64, verdicts[item->handled],
				    item->answer),
			   size);

	if (item->error)
		used += clip(snprintf(line + used, size - used, ", error %" PRId64, item->error),
			     size - used);
	if (item->len)
		add_bytes(item, line + used, size - used);
}

void record_text(const struct record_item *item, char *line, size_t size)
{
	*line = 0;
	switch (item->type) {
	case RECORD_EXIT:
		snprintf(line, size, "vCPU %u: ", item->exit.vcpu);
		ax_exit_format(&item->exit, line + strlen(line), size - strlen(line));
		break;
	case RECORD_DONE: text_of_answer(item, line, size); break;
	case RECORD_TIMER: snprintf(line, size, "timer %" PRIu64 " fires", item->id); break;
	case RECORD_WATCH:
		snprintf(line, size, "watch %" PRIu64 " has events 0x%" PRIx64, item->id,
			 item->where);
		break;
	case RECORD_DEFER: snprintf(line, size, "deferred work %" PRIu64, item->id); break;
	case RECORD_OUTSIDE:
		snprintf(line, size, "call %" PRIu64 " from outside:", item->id);
		add_bytes(item, line + strlen(line), size - strlen(line));
		break;
	case RECORD_LEAVE: snprintf(line, size, "the end of the unit: no more comes"); break;
	case RECORD_INPUT:
	case RECORD_OUTPUT: text_of_note(item, line, size); break;
	default: break;
	}
}

void record_device_of(AxVm *vm, const AxVCpuExitReason *exit, char name[RECORD_NAME_SIZE])
{
	const struct snapshot *snapshot = atomic_load(&vm->snapshot);
	enum range_space space = RANGE_MMIO;
	const struct range *range;
	uint64_t addr;

	*name = 0;
	switch (exit->kind) {
	case AX_EXIT_MMIO_READ: addr = exit->mmio_read.addr; break;
	case AX_EXIT_MMIO_WRITE: addr = exit->mmio_write.addr; break;
	case AX_EXIT_IO_READ:
		addr = exit->io_read.port;
		space = RANGE_PORT;
		break;
	case AX_EXIT_IO_WRITE:
		addr = exit->io_write.port;
		space = RANGE_PORT;
		break;
	default: return;
	}
	range = range_find(&snapshot->table[space], addr);
	if (range)
		memcpy(name, range->name, RECORD_NAME_SIZE);
}

bool record_has_device(AxVm *vm, const char *name)
{
	const struct snapshot *snapshot = atomic_load(&vm->snapshot);

	for (unsigned space = 0; space < RANGE_SPACES; space++) {
		const struct range_table *table = &snapshot->table[space];

		for (size_t i = 0; i < table->count; i++) {
			if (!strcmp(table->entries[i]->name, name))
				return true;
		}
	}
	return device_is_there(vm, name);
}

void record_unit_name(AxVm *vm, const struct record_item *item, char name[RECORD_NAME_SIZE])
{
	if (item->type == RECORD_EXIT)
		record_device_of(vm, &item->exit, name);
	else
		snprintf(name, RECORD_NAME_SIZE, "%.31s", item->name);
}

struct context {
	const char *device;
	uint64_t last; /* unit that is looked at */
	void (*line)(void *opaque, const char *line);
	void *opaque;
};

/* Walk over units up to @last: how many are the device's; from the first wanted on they are shown. */
static uint64_t walk(AxRecord *record, AxVm *vm, const struct context *context, uint64_t from)
{
	struct record_item item;
	uint64_t unit = 0, count = 0;
	char name[RECORD_NAME_SIZE] = "", text[AX_REPLAY_TEXT], line[AX_REPLAY_TEXT + 48];
	bool ours = false, fresh = true;

	for (size_t at = RECORD_HEADER_SIZE; at < record->end; at = item.next) {
		if (record_parse(record->bytes, record->len, at, &item))
			break;
		if (item.type == RECORD_FACT)
			continue;
		if (fresh) {
			if (++unit > context->last)
				break;
			record_unit_name(vm, &item, name);
			ours = !context->device || !*context->device ||
			       !strcmp(name, context->device);
			count += ours;
		}
		if (ours && context->line && count > from && item.type != RECORD_LEAVE) {
			record_text(&item, text, sizeof(text));
			if (fresh)
				snprintf(line, sizeof(line), "%8" PRIu64 " %s%s%s", unit, name,
					 *name ? ": " : "", text);
			else
				snprintf(line, sizeof(line), "            %s", text);
			context->line(context->opaque, line);
		}
		fresh = item.type == RECORD_DONE || item.type == RECORD_LEAVE;
	}
	return count;
}

void ax_replay_context(AxRecord *record, AxVm *vm, const char *device, uint64_t unit,
		       unsigned count, void (*line)(void *opaque, const char *line), void *opaque)
{
	struct context context = { .device = device, .last = unit };
	uint64_t all;

	if (!record->is_replay)
		return;
	all = walk(record, vm, &context, 0);
	context.line = line;
	context.opaque = opaque;
	walk(record, vm, &context, all > count ? all - count : 0);
}
