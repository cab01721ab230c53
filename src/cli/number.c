/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Numbers as people write them on a command line, and as they read them in a report.
 */
#include <ctype.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "cli/number.h"

#define NS_PER_SECOND 1000000000ULL

/* The number that @text begins with; *end is behind it. False without a digit, or above 64 bits. */
static bool scan_number(const char *text, uint64_t *value, const char **end)
{
	unsigned base = 10;
	uint64_t sum = 0;
	const char *digit;

	if (text[0] == '0' && (text[1] == 'x' || text[1] == 'X')) {
		base = 16;
		text += 2;
	}
	for (digit = text; isxdigit((unsigned char)*digit); digit++) {
		unsigned char c = (unsigned char)tolower((unsigned char)*digit);
		unsigned n = (unsigned)(isdigit(c) ? c - '0' : c - 'a' + 10);

		if (n >= base)
			break;
		if (__builtin_mul_overflow(sum, base, &sum) || __builtin_add_overflow(sum, n, &sum))
			return false;
	}
	*value = sum;
	*end = digit;
	return digit != text;
}

bool parse_number(const char *text, uint64_t max, uint64_t *value)
{
	uint64_t number;
	const char *end;

	if (!scan_number(text, &number, &end) || *end || number > max)
		return false;
	*value = number;
	return true;
}

bool parse_size(const char *text, uint64_t *bytes)
{
	static const char suffixes[] = "kmgt";
	const char *suffix;
	unsigned shift = 0;
	uint64_t number;
	const char *end;

	if (!scan_number(text, &number, &end))
		return false;
	suffix = *end ? strchr(suffixes, tolower((unsigned char)*end)) : NULL;
	if (suffix) {
		shift = 10 * (unsigned)(suffix - suffixes + 1);
		end++;
		if (*end && strcasecmp(end, "iB") != 0 && strcasecmp(end, "B") != 0)
			return false;
	} else if (*end) {
		return false;
	}
	if (number > UINT64_MAX >> shift)
		return false;
	*bytes = number << shift;
	return true;
}

bool parse_seconds(const char *text, uint64_t *ns)
{
	uint64_t fraction = 0;
	uint64_t scale = NS_PER_SECOND;
	uint64_t seconds = 0;
	const char *c = text;

	for (; isdigit((unsigned char)*c); c++) {
		seconds = seconds * 10 + (uint64_t)(*c - '0');
		if (seconds > SECONDS_MAX)
			return false;
	}
	if (c == text)
		return false;
	if (*c == '.') {
		for (c++; isdigit((unsigned char)*c); c++) {
			scale /= 10;
			fraction += scale * (uint64_t)(*c - '0');
		}
	}
	if (*c || (!seconds && !fraction))
		return false;
	*ns = seconds * NS_PER_SECOND + fraction;
	return true;
}

int parse_name(const char *text, const char *const *names)
{
	for (int i = 0; names[i]; i++) {
		if (!strcmp(text, names[i]))
			return i;
	}
	return -1;
}

/* Three digits at most before a unit: one decimal below 100, none from there on. */
static const char *scaled(double value, const char *unit, char text[NUMBER_TEXT_SIZE])
{
	snprintf(text, NUMBER_TEXT_SIZE, value < 99.95 ? "%.1f %s" : "%.0f %s", value, unit);
	return text;
}

const char *format_duration(uint64_t ns, char text[NUMBER_TEXT_SIZE])
{
	if (ns < 100) {
		snprintf(text, NUMBER_TEXT_SIZE, "%" PRIu64 " ns", ns);
		return text;
	}
	if (ns < 999950)
		return scaled((double)ns / 1e3, "us", text);
	if (ns < 999950000)
		return scaled((double)ns / 1e6, "ms", text);
	return scaled((double)ns / 1e9, "s", text);
}

const char *format_size(uint64_t bytes, char text[NUMBER_TEXT_SIZE])
{
	static const char *const units[] = { "bytes", "KiB", "MiB", "GiB", "TiB", "PiB", "EiB" };
	unsigned unit = 0;

	while (unit + 1 < sizeof(units) / sizeof(units[0]) && bytes >> (10 * (unit + 1)))
		unit++;
	if (!(bytes & ((1ULL << (10 * unit)) - 1)))
		snprintf(text, NUMBER_TEXT_SIZE, "%" PRIu64 " %s", bytes >> (10 * unit),
			 units[unit]);
	else
		snprintf(text, NUMBER_TEXT_SIZE, "%.1f %s",
			 (double)bytes / (double)(1ULL << (10 * unit)), units[unit]);
	return text;
}
