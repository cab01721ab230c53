/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The demonstration.
 */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include <axvmm/axvmm.h>
#include <axvmm/probe.h>

#include "cli/cli.h"
#include "cli/demo.h"
#include "cli/number.h"

static const char prefix[] = "guest  | ";

static uint64_t now_ns(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (uint64_t)now.tv_sec * 1000000000u + (uint64_t)now.tv_nsec;
}

void demo_start_clock(struct demo *demo)
{
	demo->start_ns = now_ns();
}

void demo_begin(void)
{
	printf("axvmm %s, %s, %s KVM (API %d)\n", ax_version(), ax_arch_name(),
	       ax_kvm_kind_name(ax_kvm_kind()), AX_KVM_API_VERSION);
	fflush(stdout);
}

void demo_end_line(struct demo *demo, struct writer *writer)
{
	if (!demo->used)
		return;
	demo->line[demo->used++] = '\n';
	writer_put(writer, demo->line, demo->used);
	demo->used = 0;
}

void demo_output(struct demo *demo, struct writer *writer, const uint8_t *bytes, size_t len)
{
	for (size_t i = 0; i < len; i++) {
		if (!demo->used) {
			memcpy(demo->line, prefix, sizeof(prefix) - 1);
			demo->used = sizeof(prefix) - 1;
		}
		if (bytes[i] != '\n')
			demo->line[demo->used++] = (char)bytes[i];
		/* One byte stays free for the newline. */
		if (bytes[i] == '\n' || demo->used == sizeof(demo->line) - 1)
			demo_end_line(demo, writer);
	}
}

int demo_end(const struct demo *demo, const struct stats *stats, const AxMachineResult *result,
	     int status)
{
	uint64_t total = stats_total(stats);
	char text[NUMBER_TEXT_SIZE];

	stats_print_summary(stats, stdout);
	if (result->end == AX_MACHINE_CODE)
		printf("guest ended with code %" PRId64, result->code);
	else
		printf("guest ended: %s,", ax_machine_end_name(result->end));
	printf(" after %" PRIu64 " exit%s in %s\n", total, total == 1 ? "" : "s",
	       format_duration(now_ns() - demo->start_ns, text));
	return cli_finish_stdout(status);
}
