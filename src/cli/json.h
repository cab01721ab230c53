/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Writing JSON (RFC 8259) into a buffer that is handed on when it is full.
 *
 * Members and elements are separated by what was written before; the caller sees to it that
 * containers are closed and that members have keys. Strings are written as UTF-8; bytes that are
 * not are replaced by U+FFFD.
 */
#ifndef AXVMM_CLI_JSON_H
#define AXVMM_CLI_JSON_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct json {
	char *buffer;
	size_t size;
	size_t used;
	/* Called when the buffer is full, and by nobody else; takes all of it. */
	void (*flush)(void *opaque, const char *bytes, size_t len);
	void *opaque;
	bool separate; /* a comma stands before the next value or key */
};

/* @buffer is borrowed. */
void json_init(struct json *json, char *buffer, size_t size,
	       void (*flush)(void *opaque, const char *bytes, size_t len), void *opaque);

/* Hand on what is in the buffer. */
void json_flush(struct json *json);

/* '{' or '['; their ends '}' or ']'. */
void json_open(struct json *json, char bracket);
void json_close(struct json *json, char bracket);

/* The key of the member whose value comes next. */
void json_key(struct json *json, const char *key);

/* Values. NULL as string is null. */
void json_string(struct json *json, const char *text);
void json_number(struct json *json, uint64_t number);
void json_signed(struct json *json, int64_t number);
void json_bool(struct json *json, bool value);
/* A number as it is written. */
void json_raw(struct json *json, const char *number);
/* A string "0x...": 64-bit numbers are too large for what most readers make of a JSON number. */
void json_hex(struct json *json, uint64_t number);
/* A string of two hexadecimal digits a byte. */
void json_bytes(struct json *json, const void *bytes, size_t len);

/* The bytes of the UTF-8 sequence at @text (RFC 3629, section 4), which a zero byte ends; 0 when there
 * is none. */
size_t json_utf8_length(const unsigned char *text);

/* A newline between two values that are lines of their own. */
void json_newline(struct json *json);

#endif
