/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Whose addresses are, for a trace: collected from the VM's registrations, as entries of a chunk
 * (trace_format.h), while its lock is held.
 */
#include <config.h>

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "core/trace.h"
#include "core/vm.h"

size_t trace_name_size(const uint8_t *entry)
{
	return TRACE_RANGE_SIZE + entry[1];
}

/* An empty name is none. */
static bool add(AxTrace *trace, uint32_t space, uint64_t base, uint64_t length, const char *name)
{
	struct trace_names *names = &trace->names;
	size_t len = strnlen(name, UINT8_MAX);
	uint8_t *at;

	if (!len)
		return true;
	if (names->size - names->len < TRACE_RANGE_SIZE + len) {
		size_t size = 2 * names->size + 4096;

		at = realloc(names->bytes, size);
		if (!at)
			return false;
		names->bytes = at;
		names->size = size;
	}
	at = names->bytes + names->len;
	at[0] = (uint8_t)space;
	at[1] = (uint8_t)len;
	memcpy(at + 2, name, len);
	trace_store(at + 2 + len, base, 8);
	trace_store(at + 10 + len, length, 8);
	names->len += TRACE_RANGE_SIZE + len;
	return true;
}

int trace_collect_names(AxTrace *trace)
{
	static const uint32_t spaces[RANGE_SPACES] = {
		[RANGE_MMIO] = AX_TRACE_MMIO, [RANGE_PORT] = AX_TRACE_PORTS
	};
	const AxVm *vm = trace->vm;
	const struct snapshot *snapshot = atomic_load(&vm->snapshot);
	const AxTraceConfig *config = &trace->config;
	bool good = true;

	for (unsigned space = 0; space < RANGE_SPACES; space++) {
		const struct range_table *table = &snapshot->table[space];

		for (size_t i = 0; i < table->count; i++)
			good &= add(trace, spaces[space], table->entries[i]->base,
				    table->entries[i]->length, table->entries[i]->name);
	}
	for (unsigned i = 0; i < vm->sys_reg_count; i++)
		good &= add(trace, AX_TRACE_SYS_REGS, vm->sys_regs[i].first, vm->sys_regs[i].count,
			    vm->sys_regs[i].name);
	for (size_t i = 0; i < config->range_count; i++)
		good &= add(trace, config->ranges[i].space, config->ranges[i].base,
			    config->ranges[i].length, config->ranges[i].name);
	return good ? 0 : -ENOMEM;
}

void trace_forget_names(AxTrace *trace)
{
	free(trace->names.bytes);
	trace->names = (struct trace_names){ 0 };
}
