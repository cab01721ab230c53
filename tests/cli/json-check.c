/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Whether a file is JSON (RFC 8259), so that the tests need no interpreter that knows.
 *
 * usage: json-check [--lines] FILE
 *   --lines  each line is an object of its own
 * Exit status: 0 it is; 1 it is not, and standard error says where. With --lines the number of
 * lines is printed.
 */
#include <ctype.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define DEPTH_MAX 64

struct cursor {
	const unsigned char *at;
	const unsigned char *end;
	unsigned depth;
};

static bool value(struct cursor *c);

static void blanks(struct cursor *c)
{
	while (c->at < c->end && strchr(" \t\r\n", *c->at) && *c->at)
		c->at++;
}

static bool take(struct cursor *c, char wanted)
{
	if (c->at == c->end || *c->at != (unsigned char)wanted)
		return false;
	c->at++;
	return true;
}

static bool word(struct cursor *c, const char *wanted)
{
	size_t len = strlen(wanted);

	if ((size_t)(c->end - c->at) < len || memcmp(c->at, wanted, len) != 0)
		return false;
	c->at += len;
	return true;
}

static bool escape(struct cursor *c)
{
	if (c->at == c->end)
		return false;
	if (*c->at != 'u')
		return strchr("\"\\/bfnrt", *c->at++);
	c->at++;
	for (int i = 0; i < 4; i++, c->at++) {
		if (c->at == c->end || !isxdigit(*c->at))
			return false;
	}
	return true;
}

/* A sequence of UTF-8 that begins with a byte of 0x80 or more: continuation bytes as its first one
 * says. */
static bool multibyte(struct cursor *c)
{
	unsigned char first = *c->at++;
	int more = first >= 0xf0 ? 3 : first >= 0xe0 ? 2 : 1;

	if (first < 0xc2 || first > 0xf4)
		return false;
	for (; more; more--, c->at++) {
		if (c->at == c->end || (*c->at & 0xc0) != 0x80)
			return false;
	}
	return true;
}

static bool string(struct cursor *c)
{
	if (!take(c, '"'))
		return false;
	while (c->at < c->end && *c->at != '"') {
		if (*c->at < 0x20)
			return false;
		if (*c->at >= 0x80) {
			if (!multibyte(c))
				return false;
		} else if (*c->at++ == '\\' && !escape(c)) {
			return false;
		}
	}
	return take(c, '"');
}

static bool digits(struct cursor *c)
{
	const unsigned char *first = c->at;

	while (c->at < c->end && isdigit(*c->at))
		c->at++;
	return c->at != first;
}

static bool number(struct cursor *c)
{
	take(c, '-');
	if (c->at < c->end && *c->at == '0')
		c->at++;
	else if (!digits(c))
		return false;
	if (take(c, '.') && !digits(c))
		return false;
	if (take(c, 'e') || take(c, 'E')) {
		if (!take(c, '+'))
			take(c, '-');
		return digits(c);
	}
	return true;
}

static bool members(struct cursor *c, char end, bool keys)
{
	blanks(c);
	if (take(c, end))
		return true;
	do {
		blanks(c);
		if (keys) {
			if (!string(c))
				return false;
			blanks(c);
			if (!take(c, ':'))
				return false;
		}
		if (!value(c))
			return false;
		blanks(c);
	} while (take(c, ','));
	return take(c, end);
}

static bool value(struct cursor *c)
{
	bool good;

	blanks(c);
	if (c->at == c->end || ++c->depth > DEPTH_MAX)
		return false;
	switch (*c->at) {
	case '{':
		c->at++;
		good = members(c, '}', true);
		break;
	case '[':
		c->at++;
		good = members(c, ']', false);
		break;
	case '"': good = string(c); break;
	case 't': good = word(c, "true"); break;
	case 'f': good = word(c, "false"); break;
	case 'n': good = word(c, "null"); break;
	default: good = number(c); break;
	}
	c->depth--;
	return good;
}

static int bad(const char *path, const unsigned char *bytes, const struct cursor *c)
{
	fprintf(stderr, "json-check: %s: no JSON at byte %zu\n", path, (size_t)(c->at - bytes));
	return 1;
}

static int check_lines(const char *path, const unsigned char *bytes, size_t len)
{
	const unsigned char *at = bytes;
	unsigned lines = 0;

	for (; at < bytes + len; lines++) {
		const unsigned char *end = memchr(at, '\n', (size_t)(bytes + len - at));
		struct cursor c = { .at = at, .end = end };

		if (!end || *at != '{' || !value(&c) || c.at != end) {
			fprintf(stderr, "json-check: line %u\n", lines + 1);
			return bad(path, bytes, &c);
		}
		at = end + 1;
	}
	printf("%u\n", lines);
	return 0;
}

/* The whole file, allocated; NULL after a message. */
static unsigned char *read_all(const char *path, size_t *len)
{
	FILE *file = fopen(path, "rb");
	unsigned char *bytes = NULL;
	size_t room = 0, part;

	*len = 0;
	if (!file) {
		perror(path);
		return NULL;
	}
	do {
		room += 1 << 16;
		bytes = realloc(bytes, room);
		if (!bytes)
			abort();
		part = fread(bytes + *len, 1, room - *len, file);
		*len += part;
	} while (part);
	fclose(file);
	return bytes;
}

int main(int argc, char **argv)
{
	bool lines = argc == 3 && !strcmp(argv[1], "--lines");
	unsigned char *bytes;
	struct cursor c;
	size_t len;
	int status = 0;

	if (argc != 2 + lines) {
		fprintf(stderr, "usage: json-check [--lines] FILE\n");
		return 2;
	}
	bytes = read_all(argv[1 + lines], &len);
	if (!bytes)
		return 2;
	if (lines) {
		status = check_lines(argv[2], bytes, len);
	} else {
		c = (struct cursor){ .at = bytes, .end = bytes + len };
		if (!value(&c) || (blanks(&c), c.at != c.end))
			status = bad(argv[1], bytes, &c);
	}
	free(bytes);
	return status;
}
