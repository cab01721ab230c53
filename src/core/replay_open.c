/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Opening a recording: all of it is looked at once, so that a replay meets whole units and nothing else.
 */
#include <config.h>

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "arch/arch.h"
#include "core/error.h"
#include "core/record.h"

static uint32_t get_u32(const uint8_t *from)
{
	return (uint32_t)from[0] | (uint32_t)from[1] << 8 | (uint32_t)from[2] << 16 |
	       (uint32_t)from[3] << 24;
}

static int check_header(const char *name, const uint8_t *bytes, size_t len, AxError *err)
{
	uint32_t machine;

	if (len < RECORD_HEADER_SIZE || memcmp(bytes, RECORD_MAGIC, 8) != 0)
		return ax_error_set(err, -ENOEXEC, AX_ERROR_IMAGE, 0,
				    "%s: this is no recording: give a file that \"axvmm run "
				    "--record\" wrote",
				    name);
	if (get_u32(bytes + 8) != RECORD_VERSION)
		return ax_error_set(err, -ENOEXEC, AX_ERROR_IMAGE, 0,
				    "%s: a recording of version %u: this library reads version %d",
				    name, get_u32(bytes + 8), RECORD_VERSION);
	machine = get_u32(bytes + 12);
	if (machine != ARCH_MACHINE)
		return ax_error_set(err, -ENOTSUP, AX_ERROR_UNSUPPORTED, 0,
				    "%s: a recording of another architecture (ELF machine %u, here "
				    "it is %d): replay it with the axvmm of that one",
				    name, machine, ARCH_MACHINE);
	return 0;
}

static void AX_PRINTF(2, 3) note_damage(AxRecord *record, const char *format, ...)
{
	char text[160];
	va_list args;

	va_start(args, format);
	vsnprintf(text, sizeof(text), format, args);
	va_end(args);
	free(record->damage);
	record->damage = strdup(text);
}

static bool keep_fact(AxRecord *record, const struct record_item *item)
{
	char *value = strndup((const char *)item->bytes, item->len);

	if (!value)
		return false;
	ax_record_set_fact(record, item->name, value);
	free(value);
	return !record->os_errno;
}

/* Where a record may stand. */
static bool fits(enum record_type type, enum record_type unit)
{
	switch (type) {
	case RECORD_FACT: return true;
	case RECORD_DONE: return unit == RECORD_EXIT;
	case RECORD_LEAVE: return unit && unit != RECORD_EXIT;
	case RECORD_INPUT:
	case RECORD_OUTPUT: return unit;
	default: return !unit;
	}
}

/* Find the last unit that is whole, and what is wrong behind it. False: there is no memory. */
static bool look_through(AxRecord *record)
{
	size_t at = RECORD_HEADER_SIZE;
	enum record_type unit = 0; /* that is open */
	struct record_item item;

	for (record->end = at;; at = item.next) {
		const char *complaint = record_parse(record->bytes, record->len, at, &item);

		if (complaint) {
			note_damage(record, "at byte %zu, behind unit %llu, there is %s", at,
				    (unsigned long long)record->unit_count, complaint);
			return record->damage;
		}
		if (!fits(item.type, unit)) {
			note_damage(record,
				    "at byte %zu, behind unit %llu, a record is out of place", at,
				    (unsigned long long)record->unit_count);
			return record->damage;
		}
		switch (item.type) {
		case RECORD_FACT:
			if (!keep_fact(record, &item))
				return false;
			if (!ax_record_fact(record, item.name)) {
				note_damage(record,
					    "at byte %zu, behind unit %llu, there is a fact too "
					    "many: a recording has up to %d",
					    at, (unsigned long long)record->unit_count,
					    RECORD_FACTS_MAX);
				return record->damage;
			}
			break;
		case RECORD_DONE:
		case RECORD_LEAVE:
			unit = 0;
			record->unit_count++;
			record->end = item.next;
			break;
		case RECORD_INPUT:
		case RECORD_OUTPUT: break;
		case RECORD_END:
			if (item.id != record->unit_count)
				note_damage(record, "it has %llu units, and its end counts %llu",
					    (unsigned long long)record->unit_count,
					    (unsigned long long)item.id);
			else if (item.next != record->len)
				note_damage(record, "%zu bytes follow its end",
					    record->len - item.next);
			return true;
		default: unit = item.type; break;
		}
	}
}

int ax_replay_open(const char *name, const void *bytes, size_t len, AxRecord **out, AxError *err)
{
	AxRecord *record;
	int ret = check_header(name, bytes, len, err);

	if (ret)
		return ret;
	record = record_alloc();
	if (!record)
		return ax_error_nomem(err, "a recording");
	record->is_replay = true;
	record->name = strdup(name);
	record->bytes = bytes;
	record->len = len;
	if (!record->name || !look_through(record)) {
		ax_record_free(record);
		return ax_error_nomem(err, "a recording");
	}
	*out = record;
	return 0;
}
