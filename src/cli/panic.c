/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Finding a panic of Linux in what a console printed: see panic.h.
 */
#include "cli/panic.h"

/* What Linux prints first when it panics (kernel/panic.c), and what may follow: registers, traces of all
 * CPUs. */
static const char words[] = "Kernel panic - not syncing";
#define OUTPUT_MAX 65536

/* Its first letter is in it once: what does not match begins anew. */
void panic_look(struct panic *panic, const uint8_t *bytes, size_t len)
{
	for (size_t i = 0; i < len; i++) {
		if (bytes[i] != (uint8_t)words[panic->matched]) {
			panic->matched = bytes[i] == (uint8_t)words[0];
		} else if (!words[++panic->matched]) {
			panic->at = panic->printed + i + 1;
			panic->matched = 0;
		}
	}
	panic->printed += len;
}

bool panic_was_told(const struct panic *panic)
{
	return panic->at && panic->printed - panic->at < OUTPUT_MAX;
}
