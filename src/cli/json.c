/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Writing JSON.
 */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "cli/json.h"

void json_init(struct json *json, char *buffer, size_t size,
	       void (*flush)(void *opaque, const char *bytes, size_t len), void *opaque)
{
	*json = (struct json){ .buffer = buffer, .size = size, .flush = flush, .opaque = opaque };
}

void json_flush(struct json *json)
{
	if (json->used)
		json->flush(json->opaque, json->buffer, json->used);
	json->used = 0;
}

static void put(struct json *json, const char *bytes, size_t len)
{
	while (len) {
		size_t room = json->size - json->used;
		size_t part = len < room ? len : room;

		memcpy(json->buffer + json->used, bytes, part);
		json->used += part;
		bytes += part;
		len -= part;
		if (json->used == json->size)
			json_flush(json);
	}
}

static void put_char(struct json *json, char c)
{
	put(json, &c, 1);
}

/* Before a value or a key. */
static void separate(struct json *json)
{
	if (json->separate)
		put_char(json, ',');
	json->separate = true;
}

size_t json_utf8_length(const unsigned char *text)
{
	unsigned char low = 0x80, high = 0xbf;
	size_t len;

	if (text[0] < 0x80)
		return 1;
	if (text[0] >= 0xc2 && text[0] <= 0xdf)
		len = 2;
	else if (text[0] >= 0xe0 && text[0] <= 0xef)
		len = 3;
	else if (text[0] >= 0xf0 && text[0] <= 0xf4)
		len = 4;
	else
		return 0;
	if (text[0] == 0xe0)
		low = 0xa0; /* shorter forms exist */
	else if (text[0] == 0xed)
		high = 0x9f; /* surrogates */
	else if (text[0] == 0xf0)
		low = 0x90;
	else if (text[0] == 0xf4)
		high = 0x8f; /* beyond U+10FFFF */
	for (size_t i = 1; i < len; i++) {
		if (text[i] < low || text[i] > high)
			return 0;
		low = 0x80;
		high = 0xbf;
	}
	return len;
}

static void put_text(struct json *json, const char *text)
{
	const unsigned char *at = (const unsigned char *)text;
	char escape[8];

	put_char(json, '"');
	while (*at) {
		size_t len = json_utf8_length(at);

		if (!len) {
			put(json, "\\ufffd", 6);
			len = 1;
		} else if (*at == '"' || *at == '\\') {
			put_char(json, '\\');
			put(json, (const char *)at, 1);
		} else if (*at < 0x20) {
			snprintf(escape, sizeof(escape), "\\u%04x", *at);
			put(json, escape, 6);
		} else {
			put(json, (const char *)at, len);
		}
		at += len;
	}
	put_char(json, '"');
}

void json_open(struct json *json, char bracket)
{
	separate(json);
	put_char(json, bracket);
	json->separate = false;
}

void json_close(struct json *json, char bracket)
{
	put_char(json, bracket);
	json->separate = true;
}

void json_key(struct json *json, const char *key)
{
	separate(json);
	put_text(json, key);
	put_char(json, ':');
	json->separate = false;
}

void json_string(struct json *json, const char *text)
{
	separate(json);
	if (text)
		put_text(json, text);
	else
		put(json, "null", 4);
}

static void put_formatted(struct json *json, const char *text, int len)
{
	separate(json);
	put(json, text, (size_t)len);
}

void json_raw(struct json *json, const char *number)
{
	put_formatted(json, number, (int)strlen(number));
}

void json_number(struct json *json, uint64_t number)
{
	char text[24];

	put_formatted(json, text, snprintf(text, sizeof(text), "%" PRIu64, number));
}

void json_signed(struct json *json, int64_t number)
{
	char text[24];

	put_formatted(json, text, snprintf(text, sizeof(text), "%" PRId64, number));
}

void json_bool(struct json *json, bool value)
{
	put_formatted(json, value ? "true" : "false", value ? 4 : 5);
}

void json_hex(struct json *json, uint64_t number)
{
	char text[24];

	put_formatted(json, text, snprintf(text, sizeof(text), "\"0x%" PRIx64 "\"", number));
}

void json_bytes(struct json *json, const void *bytes, size_t len)
{
	static const char digits[] = "0123456789abcdef";
	const unsigned char *at = bytes;

	separate(json);
	put_char(json, '"');
	for (size_t i = 0; i < len; i++) {
		char pair[2] = { digits[at[i] >> 4], digits[at[i] & 15] };

		put(json, pair, sizeof(pair));
	}
	put_char(json, '"');
}

void json_newline(struct json *json)
{
	put_char(json, '\n');
	json->separate = false;
}
