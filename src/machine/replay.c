/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Machines of recordings: what one is goes into its recording as facts, and comes from there for a replay.
 */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "machine/machine.h"
#include "machine/replay.h"

#define NUMBER_SIZE 24

static void set_number(AxRecord *record, const char *key, uint64_t value)
{
	char text[NUMBER_SIZE];

	snprintf(text, sizeof(text), "%" PRIu64, value);
	ax_record_set_fact(record, key, text);
}

/* The virtio device in slot @index. */
static void slot_key(uint32_t index, char key[NUMBER_SIZE])
{
	snprintf(key, NUMBER_SIZE, "machine.slot.%" PRIu32, index);
}

void describe_machine(const AxMachineOptions *options, uint32_t irqchip, uint32_t power)
{
	AxRecord *record = options->record;
	char key[NUMBER_SIZE];

	set_number(record, "machine.memory", options->memory);
	set_number(record, "machine.cpus", options->cpus);
	set_number(record, "machine.irqchip", irqchip);
	set_number(record, "machine.power", power);
	set_number(record, "machine.unclaimed", options->unclaimed);
	set_number(record, "machine.features", options->features & ~AX_MACHINE_SHARED_MEMORY);
	set_number(record, "machine.host", options->host != NULL);
	for (uint32_t i = 0; i < options->device_count; i++) {
		const char *name = ax_virtio_name(options->devices[i]);

		slot_key(i, key);
		ax_record_set_fact(record, key, name);
	}
}

/* A number up to @most: 0, or -ENOEXEC. */
static int get_number(AxRecord *record, const char *key, uint64_t most, uint64_t *value,
		      AxError *err)
{
	const char *text = ax_record_fact(record, key);
	char *end;

	if (!text)
		return ax_error_set(err, -ENOEXEC, AX_ERROR_IMAGE, 0,
				    "the recording says nothing of %s: it is not of a machine of "
				    "libaxvmm-machine's",
				    key);
	errno = 0;
	*value = strtoull(text, &end, 10);
	if (errno || end == text || *end || *text == '-' || *value > most)
		return ax_error_set(err, -ENOEXEC, AX_ERROR_IMAGE, 0,
				    "the recording's %s is \"%.40s\": a number up to %" PRIu64
				    " was expected",
				    key, text, most);
	return 0;
}

static int get_u32(AxRecord *record, const char *key, uint64_t most, uint32_t *out, AxError *err)
{
	uint64_t value = 0;
	int ret = get_number(record, key, most, &value, err);

	*out = (uint32_t)value;
	return ret;
}

/* RAM costs nothing until it is touched, but address space is not without an end. */
#define MEMORY_MAX (1ULL << 42)

static int get_options(AxRecord *record, AxMachineOptions *options, AxError *err)
{
	uint64_t has_host = 0;
	int ret = get_number(record, "machine.memory", MEMORY_MAX, &options->memory, err);

	if (!ret)
		ret = get_u32(record, "machine.cpus", AX_MACHINE_CPUS_MAX, &options->cpus, err);
	if (!ret)
		ret = get_u32(record, "machine.irqchip", AX_IRQCHIP_SPLIT, &options->irqchip, err);
	if (!ret)
		ret = get_u32(record, "machine.power", AX_POWER_USER, &options->power, err);
	if (!ret)
		ret = get_u32(record, "machine.unclaimed", AX_UNCLAIMED_STOP, &options->unclaimed,
			      err);
	if (!ret)
		ret = get_u32(record, "machine.features", UINT32_MAX, &options->features, err);
	if (!ret)
		ret = get_number(record, "machine.host", 1, &has_host, err);
	if (!ret && has_host) {
		options->host = ax_record_host(record, NULL);
		if (!options->host)
			ret = ax_error_set(err, -ENOMEM, AX_ERROR_RESOURCE, 0,
					   "no memory for a machine");
	}
	options->record = record;
	return ret;
}

/* The places of devices that are not there bear their names: their units are known by them. */
static int mark_refused(AxRecord *record, AxMachine *machine, AxError *err)
{
	static const AxRangeOps nothing = { .size = sizeof(nothing) };
	char key[NUMBER_SIZE];

	for (uint32_t i = 0; i < board.virtio.count; i++) {
		AxRange range = AX_RANGE_INIT;
		int ret;

		slot_key(i, key);
		range.name = ax_record_fact(record, key);
		if (!range.name || !ax_record_refusal(record, range.name))
			continue;
		range.base = board.virtio.base + i * board.virtio.stride;
		range.length = AX_VIRTIO_SIZE;
		range.ops = &nothing;
		ret = ax_range_add_mmio(machine->vm, &range, NULL, err);
		if (ret)
			return ret;
	}
	return 0;
}

/* Make the devices of the slots; NULL is in those of devices that cannot be replayed. */
static int make_devices(AxRecord *record, struct replay_devices *made, AxError *err)
{
	char key[NUMBER_SIZE];

	for (uint32_t i = 0; i < board.virtio.count && i < REPLAY_DEVICES_MAX; i++) {
		const char *name;
		int ret;

		slot_key(i, key);
		name = ax_record_fact(record, key);
		if (!name)
			break;
		made->count = i + 1;
		if (ax_record_refusal(record, name))
			continue;
		ret = ax_virtio_replay(record, name, &made->devices[i], err);
		if (ret)
			return ret;
	}
	return 0;
}

void replay_devices_free(struct replay_devices *made)
{
	for (uint32_t i = 0; made && i < made->count; i++)
		ax_virtio_free(made->devices[i]);
	free(made);
}

static int make_machine(AxRecord *record, struct replay_devices *made, AxMachine **out,
			AxError *err)
{
	AxMachineOptions options = AX_MACHINE_OPTIONS_INIT;
	int ret = get_options(record, &options, err);

	if (!ret)
		ret = make_devices(record, made, err);
	options.devices = made->devices;
	options.device_count = made->count;
	return ret ? ret : ax_machine_new(&options, out, err);
}

int ax_machine_replay(AxRecord *record, AxMachine **out, AxError *err)
{
	struct replay_devices *made;
	int ret;

	if (!ax_record_is_replay(record))
		return ax_error_argument(err, -EINVAL, "this recording is not open for a replay");
	made = calloc(1, sizeof(*made));
	if (!made)
		return ax_error_set(err, -ENOMEM, AX_ERROR_RESOURCE, 0, "no memory for a machine");
	ret = make_machine(record, made, out, err);
	if (ret) {
		replay_devices_free(made);
		return ret;
	}
	(*out)->replayed = made;
	ret = mark_refused(record, *out, err);
	if (ret)
		ax_machine_free(*out);
	return ret;
}
