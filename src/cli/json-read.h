/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Reading JSON (RFC 8259) that others wrote: configuration files, and what comes over a control
 * socket. Each value knows its line, so that a message about it can name the place.
 *
 * Stricter than the standard where a reader could be misled: a key twice in an object, a NUL in a
 * string and bytes that are no UTF-8 are refused.
 */
#ifndef AXVMM_CLI_JSON_READ_H
#define AXVMM_CLI_JSON_READ_H

#include <stdbool.h>
#include <stddef.h>

enum json_type {
	JSON_NULL,
	JSON_BOOL,
	JSON_NUMBER, /* text is as it was written */
	JSON_STRING,
	JSON_ARRAY,
	JSON_OBJECT,
};

struct json_value {
	enum json_type type;
	unsigned line;		  /* where it begins, from 1 */
	const char *key;	  /* in an object; else NULL */
	const char *text;	  /* JSON_NUMBER, JSON_STRING: UTF-8; JSON_BOOL: "true", "false" */
	struct json_value *first; /* JSON_ARRAY, JSON_OBJECT: of those in it, in their order */
	struct json_value *next;  /* beside it */
};

struct json_fault {
	unsigned line;
	char what[96]; /* "',' or '}' is missing", ... */
};

/* So deep may containers be in each other. */
#define JSON_DEPTH_MAX 16

/*
 * Understand @len bytes, which hold one value and blanks around it.
 *
 * @fault  filled when NULL is returned
 * Returns the value, which owns all that it leads to: json_free(); NULL when the bytes are no JSON
 * or there is no memory.
 */
struct json_value *json_read(const char *bytes, size_t len, struct json_fault *fault);

/* @value is what json_read() returned. NULL is allowed. */
void json_free(struct json_value *value);

/* The member @key of an object; NULL when there is none, or @value is no object. */
const struct json_value *json_member(const struct json_value *value, const char *key);

/* "a string", "a number", ...: for messages. */
const char *json_type_name(enum json_type type);

#endif
