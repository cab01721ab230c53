/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The demonstration: what "axvmm run" shows when it is given no image. What this is, what the guest
 * says, and what its exits cost.
 */
#ifndef AXVMM_CLI_DEMO_H
#define AXVMM_CLI_DEMO_H

#include <axvmm/machine.h>

#include "cli/stats.h"
#include "cli/writer.h"

struct demo {
	uint64_t start_ns;
	size_t used; /* bytes of line that hold */
	char line[256];
};

/* From here on time counts. */
void demo_start_clock(struct demo *demo);

/* Say what this is. */
void demo_begin(void);

/* What the guest says, each line marked as its own. */
void demo_output(struct demo *demo, struct writer *writer, const uint8_t *bytes, size_t len);

/* End a line that the guest left open. */
void demo_end_line(struct demo *demo, struct writer *writer);

/* The table and the end. Returns @status, or STATUS_HOST after a message when it cannot be printed.
 */
int demo_end(const struct demo *demo, const struct stats *stats, const AxMachineResult *result,
	     int status);

#endif
