/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Fuzz target: JSON that others wrote. The input is the file. What is read is walked: every text ends
 * in memory that is there, and no value is in itself.
 */
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "cli/json-read.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static size_t walk(const struct json_value *value, unsigned depth)
{
	size_t bytes = value->text ? strlen(value->text) : 0;

	if (depth > JSON_DEPTH_MAX + 1)
		abort();
	bytes += value->key ? strlen(value->key) : 0;
	for (const struct json_value *at = value->first; at; at = at->next) {
		if (value->type == JSON_OBJECT && json_member(value, at->key) != at)
			abort();
		bytes += walk(at, depth + 1);
	}
	return bytes;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct json_fault fault;
	struct json_value *value;
	/* So that one byte beyond is noticed. */
	char *bytes;

	if (size > 4096)
		return 0;
	bytes = malloc(size + !size);
	if (!bytes)
		return 0;
	memcpy(bytes, data, size);
	value = json_read(bytes, size, &fault);
	free(bytes);
	/* No text is longer than what it came from. */
	if (value && walk(value, 0) > 5 * size)
		abort();
	json_free(value);
	return 0;
}
