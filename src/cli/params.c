/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A value and parameters behind it.
 */
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "cli/cli.h"
#include "cli/number.h"
#include "cli/params.h"

int params_refuse(const struct params *params, const char *format, ...)
{
	char text[512];
	va_list args;

	va_start(args, format);
	vsnprintf(text, sizeof(text), format, args);
	va_end(args);
	return cli_usage("%s--%s: %s", params->where, params->option, text);
}

int params_add(struct params *params, const char *name, const char *value)
{
	if (params->count == PARAMS_MAX)
		return params_refuse(params, "more than %d parameters", PARAMS_MAX);
	params->list[params->count++] = (struct param){ name, value };
	return STATUS_OK;
}

/* End the item at @text where a single comma stands, and make one of two. Returns what follows the
 * comma; NULL at the end. */
static char *cut_item(char *text)
{
	char *to = text;

	for (; *text; text++) {
		if (*text == ',' && text[1] != ',') {
			*to = 0;
			return text + 1;
		}
		if (*text == ',')
			text++;
		*to++ = *text;
	}
	*to = 0;
	return NULL;
}

/* Whether @item begins with the name of a parameter. */
static bool is_named(const char *item, const struct param_rule *rules)
{
	size_t len = strcspn(item, "=");

	for (; item[len] && rules->name; rules++) {
		if (strlen(rules->name) == len && !memcmp(item, rules->name, len))
			return true;
	}
	return false;
}

int params_split(struct params *params, char *text, const struct param_rule *rules)
{
	char *item = text, *next = cut_item(text);
	int status = STATUS_OK;

	if (!is_named(item, rules)) {
		status = params_add(params, rules->name, item);
		item = next;
	}
	for (; !status && item; item = next) {
		char *value;

		/* The first one has been cut. */
		if (item != text)
			next = cut_item(item);
		value = strchr(item, '=');
		if (value)
			*value++ = 0;
		if (!*item)
			return params_refuse(params,
					     "a parameter is missing at a ','; a comma in a "
					     "value is written ',,'");
		status = params_add(params, item, value);
	}
	return status;
}

static int unknown(const struct params *params, const struct param *param,
		   const struct param_rule *rules)
{
	char known[256];
	size_t used = 0;

	for (; rules->name && used < sizeof(known); rules++)
		used += (size_t)snprintf(known + used, sizeof(known) - used, "%s%s",
					 used ? ", " : "", rules->name);
	return params_refuse(params, "there is no parameter %s; known are %s", param->name, known);
}

static int take_flag(const struct params *params, const struct param *param, bool *flag)
{
	static const char *const names[] = { "off", "false", "on", "true", NULL };
	int index = param->value ? parse_name(param->value, names) : 2;

	if (index < 0)
		return params_refuse(params, "%s=%s: on and off are known", param->name,
				     param->value);
	*flag = index >= 2;
	return STATUS_OK;
}

static int take_text(const struct params *params, const struct param *param,
		     const struct param_rule *rule, const char **text)
{
	if (!*param->value)
		return params_refuse(params, "%s is empty", param->name);
	if (rule->max && strlen(param->value) > rule->max)
		return params_refuse(params, "%s=%s: longer than %" PRIu64 " bytes", param->name,
				     param->value, rule->max);
	*text = param->value;
	return STATUS_OK;
}

static int take_number(const struct params *params, const struct param *param,
		       const struct param_rule *rule, uint64_t *number)
{
	if (parse_number(param->value, rule->max, number) && *number >= rule->min)
		return STATUS_OK;
	return params_refuse(params, "%s=%s: not a number from %" PRIu64 " to %" PRIu64,
			     param->name, param->value, rule->min, rule->max);
}

static int take_choice(const struct params *params, const struct param *param,
		       const struct param_rule *rule, int *choice)
{
	char known[128];
	size_t used = 0;

	*choice = parse_name(param->value, rule->names);
	if (*choice >= 0)
		return STATUS_OK;
	for (unsigned i = 0; rule->names[i] && used < sizeof(known); i++)
		used += (size_t)snprintf(known + used, sizeof(known) - used, "%s%s",
					 used ? ", " : "", rule->names[i]);
	return params_refuse(params, "%s=%s: unknown; known are %s", param->name, param->value,
			     known);
}

static int take_one(const struct params *params, const struct param *param,
		    const struct param_rule *rule, void *object)
{
	void *place = (char *)object + rule->offset;
	uint64_t number = 0;
	int status;

	if (rule->kind == PARAM_FLAG)
		return take_flag(params, param, place);
	if (!param->value)
		return params_refuse(params, "%s needs a value: %s=...", param->name, param->name);
	switch (rule->kind) {
	case PARAM_TEXT: return take_text(params, param, rule, place);
	case PARAM_CHOICE: return take_choice(params, param, rule, place);
	case PARAM_TAKE: return rule->take(params, param->value, object);
	default: break;
	}
	status = take_number(params, param, rule, &number);
	if (!status && rule->kind == PARAM_NUMBER)
		*(uint32_t *)place = (uint32_t)number;
	else if (!status)
		*(uint64_t *)place = number;
	return status;
}

int params_take(const struct params *params, const struct param_rule *rules, void *object)
{
	int status = STATUS_OK;

	for (unsigned i = 0; !status && i < params->count; i++) {
		const struct param *param = &params->list[i];
		const struct param_rule *rule = rules;

		while (rule->name && strcmp(rule->name, param->name) != 0)
			rule++;
		if (!rule->name)
			return unknown(params, param, rules);
		status = take_one(params, param, rule, object);
	}
	return status;
}
