/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Fuzz target: the reader of recordings, and the device models of a whole machine that are fed with one.
 * Whatever the bytes are, they are no recording, or are replayed as far as they are sound; nothing of the
 * machine runs. The corpus begins with recordings of tiny guests.
 *
 * A machine with more RAM than any guest here has would only cost time: its inputs are left out.
 */
#include <stdlib.h>
#include <string.h>

#include <axvmm/machine.h>
#include <axvmm/record.h>

#define MEMORY_MOST (256ull << 20)

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len);

static void take_line(void *opaque, const char *line)
{
	size_t *total = opaque;

	*total += strlen(line);
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len)
{
	AxReplayOptions options = AX_REPLAY_OPTIONS_INIT;
	AxReplayResult result = AX_REPLAY_RESULT_INIT;
	const char *memory;
	AxMachine *machine;
	AxRecord *record;
	size_t total = 0;

	if (ax_replay_open("input", bytes, len, &record, NULL))
		return 0;
	memory = ax_record_fact(record, "machine.memory");
	if (!memory || strtoull(memory, NULL, 10) > MEMORY_MOST ||
	    ax_machine_replay(record, &machine, NULL)) {
		ax_record_free(record);
		return 0;
	}
	options.line = take_line;
	options.opaque = &total;
	if (ax_replay_run(record, ax_machine_vm(machine), &options, &result, NULL))
		abort();
	ax_replay_context(record, ax_machine_vm(machine), result.device, result.unit, 8, take_line,
			  &total);
	ax_machine_free(machine);
	ax_record_free(record);
	return 0;
}
