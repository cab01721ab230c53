/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What an option like --disk takes: a value and parameters behind it, "root.img,ro,serial=7". In a
 * configuration file the same is an object, { "path": "root.img", "ro": true, "serial": 7 }.
 */
#ifndef AXVMM_CLI_PARAMS_H
#define AXVMM_CLI_PARAMS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define PARAMS_MAX 24

struct param {
	const char *name;
	const char *value; /* NULL: the name stands alone */
};

struct params {
	const char *where;  /* "": the command line; else "FILE: line N: " */
	const char *option; /* "disk" */
	unsigned count;
	struct param list[PARAMS_MAX];
};

enum param_kind {
	PARAM_TEXT,   /* const char *: not empty, and no longer than max bytes if that is not 0 */
	PARAM_FLAG,   /* bool: alone, or =on, =off, =true, =false */
	PARAM_NUMBER, /* uint32_t: min to max */
	PARAM_LARGE,  /* uint64_t: the same */
	PARAM_CHOICE, /* int: the index in names */
	PARAM_TAKE,   /* whatever take() makes of it */
};

struct param_rule {
	const char *name;
	enum param_kind kind;
	size_t offset; /* in what params_take() fills */
	uint64_t min, max;
	const char *const *names;
	/* Returns STATUS_OK, or STATUS_USAGE after a message. @value is not NULL. */
	int (*take)(const struct params *params, const char *value, void *object);
};

/*
 * Take "FIRST,NAME,NAME=VALUE,..." apart; a comma in a value is written ",,".
 *
 * @rules  the first value is the first rule's parameter, unless it begins with a rule's name and '='
 * @text   is changed, and borrowed
 * Returns STATUS_OK, or STATUS_USAGE after a message. params->where and option have been set.
 */
int params_split(struct params *params, char *text, const struct param_rule *rules);

/* Add one. STATUS_OK, or STATUS_USAGE after a message: there are too many. */
int params_add(struct params *params, const char *name, const char *value);

/* Fill @object by rules, which end with one without a name. Returns STATUS_OK, or STATUS_USAGE after
 * a message that says what is known. */
int params_take(const struct params *params, const struct param_rule *rules, void *object);

/* A message about a parameter. Returns STATUS_USAGE. */
int params_refuse(const struct params *params, const char *format, ...)
	__attribute__((format(printf, 2, 3)));

#endif
