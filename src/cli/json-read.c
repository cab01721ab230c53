/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Reading JSON. Everything is in one block of memory: room for as many values as the bytes can hold
 * (each takes two of them at least, but for brackets that are never closed), then room for their
 * texts.
 */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cli/json.h"
#include "cli/json-read.h"

struct reader {
	const char *at;
	const char *end;
	unsigned line;
	unsigned depth;
	struct json_value *values; /* the next free one */
	char *texts; /* the next free byte; a text is no longer than its source, and a NUL */
	struct json_fault *fault;
};

static bool refuse(struct reader *r, const char *what)
{
	r->fault->line = r->line;
	snprintf(r->fault->what, sizeof(r->fault->what), "%s", what);
	return false;
}

static bool is_blank(char c)
{
	return c == ' ' || c == '\t' || c == '\r' || c == '\n';
}

static void skip_blanks(struct reader *r)
{
	for (; r->at < r->end && is_blank(*r->at); r->at++)
		r->line += *r->at == '\n';
}

/* The next byte that is no blank, which stays; 0 at the end. */
static char peek(struct reader *r)
{
	skip_blanks(r);
	return r->at < r->end ? *r->at : 0;
}

static bool is_digit(const struct reader *r)
{
	return r->at < r->end && *r->at >= '0' && *r->at <= '9';
}

/* Four hexadecimal digits: their value, -1 when they are not there. */
static int read_hex(struct reader *r)
{
	int value = 0;

	for (int i = 0; i < 4; i++, r->at++) {
		static const char digits[] = "0123456789abcdefABCDEF";
		const char *digit = r->at < r->end && *r->at ? strchr(digits, *r->at) : NULL;

		if (!digit)
			return -1;
		value = value * 16 +
			(int)(digit - digits < 16 ? digit - digits : digit - digits - 6);
	}
	return value;
}

/* RFC 3629. Shorter than the escape that it comes from. */
static void put_utf8(struct reader *r, uint32_t code)
{
	if (code < 0x80) {
		*r->texts++ = (char)code;
		return;
	}
	if (code < 0x800) {
		*r->texts++ = (char)(0xc0 | code >> 6);
	} else {
		if (code < 0x10000) {
			*r->texts++ = (char)(0xe0 | code >> 12);
		} else {
			*r->texts++ = (char)(0xf0 | code >> 18);
			*r->texts++ = (char)(0x80 | (code >> 12 & 0x3f));
		}
		*r->texts++ = (char)(0x80 | (code >> 6 & 0x3f));
	}
	*r->texts++ = (char)(0x80 | (code & 0x3f));
}

/* Behind "\u". Characters beyond U+FFFF are two of these (RFC 8259, section 7). */
static bool read_unicode(struct reader *r)
{
	int high = read_hex(r), low;

	if (high < 0)
		return refuse(r, "\\u needs four hexadecimal digits");
	if (!high)
		return refuse(r, "a string must not hold \\u0000");
	if (high >= 0xdc00 && high <= 0xdfff)
		return refuse(r, "the second half of a character stands alone");
	if (high < 0xd800 || high > 0xdfff) {
		put_utf8(r, (uint32_t)high);
		return true;
	}
	if (r->end - r->at < 2 || r->at[0] != '\\' || r->at[1] != 'u')
		return refuse(r, "the first half of a character stands alone");
	r->at += 2;
	low = read_hex(r);
	if (low < 0xdc00 || low > 0xdfff)
		return refuse(r, "the first half of a character stands alone");
	put_utf8(r, 0x10000 + ((uint32_t)(high - 0xd800) << 10) + (uint32_t)(low - 0xdc00));
	return true;
}

/* Behind a backslash. */
static bool read_escape(struct reader *r)
{
	static const char names[] = "\"\\/bfnrt";
	static const char meant[] = "\"\\/\b\f\n\r\t";
	const char *name;
	char letter = r->at < r->end ? *r->at : 0;

	if (letter == 'u') {
		r->at++;
		return read_unicode(r);
	}
	name = letter ? strchr(names, letter) : NULL;
	if (!name)
		return refuse(r, "there is no such escape in a string");
	r->at++;
	*r->texts++ = meant[name - names];
	return true;
}

/* Some bytes that are one character. */
static bool read_character(struct reader *r)
{
	unsigned char padded[5] = { 0 };
	size_t left = (size_t)(r->end - r->at), len;

	if ((unsigned char)*r->at < 0x20)
		return refuse(r,
			      "a string is not closed on its line, or holds a control character");
	memcpy(padded, r->at, left < 4 ? left : 4);
	len = json_utf8_length(padded);
	if (!len)
		return refuse(r, "the file is not encoded as UTF-8");
	memcpy(r->texts, r->at, len);
	r->texts += len;
	r->at += len;
	return true;
}

static bool read_string(struct reader *r, const char **text)
{
	*text = r->texts;
	for (r->at++; r->at < r->end && *r->at != '"';) {
		bool good;

		if (*r->at == '\\') {
			r->at++;
			good = read_escape(r);
		} else {
			good = read_character(r);
		}
		if (!good)
			return false;
	}
	if (r->at == r->end)
		return refuse(r, "a string is not closed");
	r->at++;
	*r->texts++ = 0;
	return true;
}

static bool read_digits(struct reader *r)
{
	if (!is_digit(r))
		return refuse(r, "a number lacks a digit");
	while (is_digit(r))
		r->at++;
	return true;
}

static bool read_number(struct reader *r, const char **text)
{
	const char *from = r->at;
	size_t len;

	if (*r->at == '-')
		r->at++;
	if (r->at < r->end && *r->at == '0') {
		r->at++;
		if (is_digit(r))
			return refuse(r, "a number must not begin with a zero");
	} else if (!read_digits(r)) {
		return false;
	}
	if (r->at < r->end && *r->at == '.') {
		r->at++;
		if (!read_digits(r))
			return false;
	}
	if (r->at < r->end && (*r->at == 'e' || *r->at == 'E')) {
		r->at++;
		if (r->at < r->end && (*r->at == '+' || *r->at == '-'))
			r->at++;
		if (!read_digits(r))
			return false;
	}
	len = (size_t)(r->at - from);
	*text = r->texts;
	memcpy(r->texts, from, len);
	r->texts += len;
	*r->texts++ = 0;
	return true;
}

static bool read_word(struct reader *r, struct json_value *value)
{
	static const struct {
		const char *word;
		enum json_type type;
	} words[] = { { "true", JSON_BOOL }, { "false", JSON_BOOL }, { "null", JSON_NULL } };

	for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++) {
		size_t len = strlen(words[i].word);

		if ((size_t)(r->end - r->at) < len || memcmp(r->at, words[i].word, len) != 0)
			continue;
		r->at += len;
		value->type = words[i].type;
		value->text = words[i].word;
		return true;
	}
	return refuse(r, "a value is missing: a string in \"\", a number, true, false, [] or {}");
}

static struct json_value *read_value(struct reader *r);

/* A key and the colon behind it. */
static bool read_key(struct reader *r, const struct json_value *object, const char **key)
{
	if (peek(r) != '"')
		return refuse(r, "a key in \"\" is missing");
	if (!read_string(r, key))
		return false;
	if (json_member(object, *key)) {
		r->fault->line = r->line;
		snprintf(r->fault->what, sizeof(r->fault->what), "the key \"%.40s\" is there twice",
			 *key);
		return false;
	}
	if (peek(r) != ':')
		return refuse(r, "':' is missing behind a key");
	r->at++;
	return true;
}

/* What is between the brackets, and the closing one. */
static bool read_inside(struct reader *r, struct json_value *container)
{
	bool object = container->type == JSON_OBJECT;
	char closing = object ? '}' : ']';
	struct json_value **place = &container->first;

	r->at++;
	if (++r->depth > JSON_DEPTH_MAX)
		return refuse(r, "there are too many brackets in each other");
	while (peek(r) != closing) {
		const char *key = NULL;

		if (object && !read_key(r, container, &key))
			return false;
		*place = read_value(r);
		if (!*place)
			return false;
		(*place)->key = key;
		place = &(*place)->next;
		if (peek(r) == closing)
			break;
		if (peek(r) != ',')
			return refuse(r,
				      object ? "',' or '}' is missing" : "',' or ']' is missing");
		r->at++;
		if (peek(r) == closing)
			return refuse(r, "nothing follows a ','");
	}
	r->at++;
	r->depth--;
	return true;
}

static struct json_value *read_value(struct reader *r)
{
	struct json_value *value = r->values;
	char first = peek(r);
	bool good;

	if (!first)
		return refuse(r, "a value is missing at the end"), NULL;
	r->values++;
	*value = (struct json_value){ .line = r->line };
	if (first == '{' || first == '[') {
		value->type = first == '{' ? JSON_OBJECT : JSON_ARRAY;
		good = read_inside(r, value);
	} else if (first == '"') {
		value->type = JSON_STRING;
		good = read_string(r, &value->text);
	} else if (first == '-' || is_digit(r)) {
		value->type = JSON_NUMBER;
		good = read_number(r, &value->text);
	} else {
		good = read_word(r, value);
	}
	return good ? value : NULL;
}

struct json_value *json_read(const char *bytes, size_t len, struct json_fault *fault)
{
	struct reader r = { .at = bytes, .end = bytes + len, .line = 1, .fault = fault };
	size_t count = len / 2 + JSON_DEPTH_MAX + 2;
	struct json_value *values, *value;

	*fault = (struct json_fault){ .line = 1 };
	values = len < SIZE_MAX / 64 ? malloc(count * sizeof(*values) + 2 * len + 1) : NULL;
	if (!values) {
		refuse(&r, "there is no memory left for it");
		return NULL;
	}
	r.values = values;
	r.texts = (char *)(values + count);
	value = read_value(&r);
	if (value && peek(&r)) {
		refuse(&r, "something follows the end");
		value = NULL;
	} else if (value && r.at != r.end) {
		refuse(&r, "a zero byte follows the end");
		value = NULL;
	}
	if (!value)
		free(values);
	return value;
}

void json_free(struct json_value *value)
{
	free(value);
}

const struct json_value *json_member(const struct json_value *value, const char *key)
{
	if (!value || value->type != JSON_OBJECT)
		return NULL;
	for (value = value->first; value; value = value->next) {
		if (!strcmp(value->key, key))
			return value;
	}
	return NULL;
}

const char *json_type_name(enum json_type type)
{
	static const char *const names[] = {
		[JSON_NULL] = "null",	      [JSON_BOOL] = "true or false",
		[JSON_NUMBER] = "a number",   [JSON_STRING] = "a string",
		[JSON_ARRAY] = "a list ([])", [JSON_OBJECT] = "an object ({})",
	};

	return names[type];
}
