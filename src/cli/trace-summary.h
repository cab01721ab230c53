/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a trace amounts to: counts, times, devices, addresses; and that as a table or a page.
 */
#ifndef AXVMM_CLI_TRACE_SUMMARY_H
#define AXVMM_CLI_TRACE_SUMMARY_H

#include "cli/histogram.h"
#include "cli/trace-file.h"

/* Addresses that are counted one by one; a power of two. */
#define TRACE_ADDRESSES 16384

/* Devices that are told apart; the last row has all others. */
#define TRACE_DEVICES 64

/* Pieces of time in which exits are counted: the first half of them is used at least. */
#define TRACE_SPANS 256

struct trace_address {
	uint64_t count; /* 0: a free place */
	uint64_t address;
	uint32_t kind;
	int device; /* -1: nobody's */
};

struct trace_device {
	char name[64];
	uint64_t reads, writes, others;
	uint64_t kvm_ns;
	struct histogram handler;
	uint64_t handler_ns;
};

struct trace_summary {
	const char *path;
	char version[64];
	const char *arch;
	uint32_t vcpus;
	uint64_t realtime_ns; /* of the beginning */

	unsigned begins; /* traces in the file: one more than the guest rebooted */
	bool complete;
	uint64_t exits, lost, gaps;
	uint64_t first_ns, last_ns; /* from the first KVM_RUN to the last answer */
	uint64_t kvm_ns, handler_ns;

	struct histogram kvm[AX_EXIT_KINDS];
	struct histogram handler[AX_EXIT_KINDS];
	uint64_t kvm_sum[AX_EXIT_KINDS], handler_sum[AX_EXIT_KINDS];

	struct trace_device devices[TRACE_DEVICES];
	int device_count, last_device;

	struct trace_address addresses[TRACE_ADDRESSES]; /* in the end the busiest come first */
	uint64_t elsewhere; /* exits about addresses that found no place */

	uint64_t span_ns; /* of each span */
	uint64_t spans[TRACE_SPANS][AX_EXIT_KINDS];
};

/*
 * Read the whole trace into *out, which is for trace_summary_free() whatever is returned: STATUS_OK,
 * or another status after a message.
 */
int trace_summary_make(struct trace_file *file, struct trace_summary **out);
void trace_summary_free(struct trace_summary *summary);

/* As tables; and as one HTML page that needs nothing else. */
void trace_summary_print(const struct trace_summary *summary, FILE *out);
void trace_summary_html(const struct trace_summary *summary, FILE *out);

/* Kinds that came, the most frequent first. Returns how many. */
unsigned trace_summary_kinds(const struct trace_summary *summary, uint32_t kinds[AX_EXIT_KINDS]);

#endif
