/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The file of --config: a JSON object whose keys are the options' names. Each value is taken as the
 * option's, so that both are checked in one place; docs/config.schema.json describes the file.
 *
 * The reader is ours: libraries for JSON do not say in which line a value stands.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "cli/cli.h"
#include "cli/json-read.h"
#include "cli/options-private.h"

/* Nobody writes this much by hand. */
#define CONFIG_SIZE_MAX (256 * 1024)

/* Where a value stands, for messages: in memory of the options, because they keep it. */
static int set_where(struct run_options *options, unsigned line)
{
	size_t size = strlen(options->config) + 32;
	char *text = malloc(size), *where = NULL;

	if (text) {
		snprintf(text, size, "%s: line %u: ", options->config, line);
		where = options_copy(options, text);
	}
	free(text);
	if (!where)
		return STATUS_HOST;
	options->where = where;
	return STATUS_OK;
}

/* The text of a value that an option or a parameter takes; NULL: it has none. */
static const char *scalar_text(const struct json_value *value)
{
	return value->type == JSON_STRING || value->type == JSON_NUMBER ? value->text : NULL;
}

static bool is_true(const struct json_value *value)
{
	return value->type == JSON_BOOL && value->text[0] == 't';
}

/* One member of a device's object: a list is the same parameter several times. */
static int add_param(struct run_options *options, struct params *params,
		     const struct json_value *member)
{
	const struct json_value *value = member->type == JSON_ARRAY ? member->first : member;
	const char *name = options_copy(options, member->key);
	int status = name ? STATUS_OK : STATUS_HOST;

	for (; value && !status; value = value->next) {
		const char *text = value->type == JSON_BOOL ? value->text : scalar_text(value);

		status = set_where(options, value->line);
		if (status)
			return status;
		params->where = options->where;
		if (!text)
			return params_refuse(params,
					     "%s is %s; a string, a number, true or false would do",
					     member->key, json_type_name(value->type));
		text = options_copy(options, text);
		if (!text)
			return STATUS_HOST;
		status = params_add(params, name, text);
		if (member->type != JSON_ARRAY)
			break;
	}
	return status;
}

static int take_object(struct run_options *options, const struct option *option,
		       const struct json_value *value)
{
	struct params params = { .where = options->where, .option = option->name };
	int status = STATUS_OK;

	for (const struct json_value *member = value->first; member && !status;
	     member = member->next)
		status = add_param(options, &params, member);
	if (!status)
		status = set_where(options, value->line);
	params.where = options->where;
	return status ? status : options_take_device(options, option->val, &params);
}

static int take_scalar(struct run_options *options, const struct option *option,
		       const struct json_value *value)
{
	const char *text = scalar_text(value);

	if (value->type == JSON_BOOL && option->has_arg != required_argument)
		return is_true(value) ? options_take(options, option->val, NULL) : STATUS_OK;
	if (option->has_arg == no_argument)
		return options_refuse(options, "\"%s\" is %s; true or false would do", option->name,
				      json_type_name(value->type));
	if (!text)
		return options_refuse(options, "\"%s\" is %s; %s would do", option->name,
				      json_type_name(value->type),
				      options_is_device(option->val)
					      ? "a string, an object, or a list of them"
					      : "a string or a number");
	text = options_copy(options, text);
	return text ? options_take(options, option->val, text) : STATUS_HOST;
}

/* Options that may be given several times. */
static bool is_list(const struct option *option)
{
	switch (option->val) {
	case OPTION_DISK:
	case OPTION_NET:
	case OPTION_SHARE:
	case OPTION_CONSOLE:
	case OPTION_INITRD: return true;
	default: return false;
	}
}

static int take_value(struct run_options *options, const struct option *option,
		      const struct json_value *value)
{
	int status = set_where(options, value->line);

	if (status)
		return status;
	if (value->type != JSON_OBJECT)
		return take_scalar(options, option, value);
	if (!options_is_device(option->val) || option->val == OPTION_RNG)
		return take_scalar(options, option, value);
	options->from_file |= 1ULL << (option->val - OPTION_MODE);
	return take_object(options, option, value);
}

static int take_member(struct run_options *options, const struct json_value *member)
{
	const struct option *option = options_find(member->key);
	const struct json_value *value;
	int status = set_where(options, member->line);

	if (status)
		return status;
	/* An editor finds the schema by it. */
	if (!strcmp(member->key, "$schema"))
		return STATUS_OK;
	if (!option || option->val < OPTION_MODE || option->val == OPTION_CONFIG)
		return options_refuse(options,
				      "there is no key \"%s\"; the keys are the options that "
				      "\"axvmm help run\" lists, without dashes",
				      member->key);
	if (member->type != JSON_ARRAY || !is_list(option))
		return take_value(options, option, member);
	for (value = member->first; value && !status; value = value->next)
		status = take_value(options, option, value);
	return status;
}

static int understand(struct run_options *options, const char *bytes, size_t len)
{
	struct json_fault fault;
	struct json_value *root = json_read(bytes, len, &fault);
	int status = STATUS_OK;

	if (!root)
		return cli_usage("%s: line %u: %s", options->config, fault.line, fault.what);
	if (root->type != JSON_OBJECT)
		status = cli_usage(
			"%s: line %u: found %s; an object ({}) is expected, whose keys are "
			"options of \"axvmm run\"",
			options->config, root->line, json_type_name(root->type));
	else
		for (const struct json_value *member = root->first; member && !status;
		     member = member->next)
			status = take_member(options, member);
	json_free(root);
	options->where = "";
	return status;
}

static int cannot_read(const struct run_options *options, int error)
{
	cli_message("--config %s: %s", options->config,
		    error == ENOENT ? "no such file: check the path" : strerror(error));
	return STATUS_HOST;
}

/* All bytes of an open file: their number, or a negative errno. */
static ssize_t read_all(int fd, char *bytes, size_t size)
{
	size_t used = 0;

	while (used < size) {
		ssize_t len = read(fd, bytes + used, size - used);

		if (len < 0 && errno != EINTR)
			return -errno;
		if (!len)
			break;
		if (len > 0)
			used += (size_t)len;
	}
	return (ssize_t)used;
}

int config_read(struct run_options *options)
{
	int fd = open(options->config, O_RDONLY | O_CLOEXEC);
	char *bytes = NULL;
	ssize_t len;
	int status;

	if (fd < 0)
		return cannot_read(options, errno);
	bytes = malloc(CONFIG_SIZE_MAX + 1);
	len = bytes ? read_all(fd, bytes, CONFIG_SIZE_MAX + 1) : -ENOMEM;
	close(fd);
	if (len < 0)
		status = cannot_read(options, (int)-len);
	else if (len > CONFIG_SIZE_MAX)
		status = cli_usage("%s: more than %d bytes are no configuration", options->config,
				   CONFIG_SIZE_MAX);
	else
		status = understand(options, bytes, (size_t)len);
	free(bytes);
	return status;
}
