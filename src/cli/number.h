/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Numbers as people write them on a command line, and as they read them in a report.
 */
#ifndef AXVMM_CLI_NUMBER_H
#define AXVMM_CLI_NUMBER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/*
 * A whole number: decimal, or hexadecimal with 0x. The whole of @text must be one; no sign, no
 * blank. A leading zero means nothing (010 is ten). False when it is none, or above @max; *value is
 * untouched then.
 */
bool parse_number(const char *text, uint64_t max, uint64_t *value);

/* parse_number() with an optional suffix K, M, G or T (powers of 1024, upper or lower case, "iB" or
 * "B" may follow). */
bool parse_size(const char *text, uint64_t *bytes);

/* A hundred years. */
#define SECONDS_MAX (100ULL * 365 * 24 * 3600)

/* Seconds with an optional decimal fraction, more than 0 and at most SECONDS_MAX, as nanoseconds. */
bool parse_seconds(const char *text, uint64_t *ns);

/* The index of @text in the NULL-terminated @names; -1 when it is none of them. */
int parse_name(const char *text, const char *const *names);

#define NUMBER_TEXT_SIZE 24

/* A duration with the unit that suits it: "85 ns", "9.8 us", "4.2 ms", "3.1 s". Returns @text. */
const char *format_duration(uint64_t ns, char text[NUMBER_TEXT_SIZE]);

/* A size with the unit that suits it: "512 bytes", "128 MiB", "23.5 GiB". Returns @text. */
const char *format_size(uint64_t bytes, char text[NUMBER_TEXT_SIZE]);

#endif
