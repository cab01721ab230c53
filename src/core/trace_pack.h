/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Records of a trace (trace_format.h): packing them, and taking them out of untrusted bytes again.
 */
#ifndef AXVMM_CORE_TRACE_PACK_H
#define AXVMM_CORE_TRACE_PACK_H

#include "core/trace_format.h"

/* What the next record of a chunk is relative to. */
struct trace_pack {
	uint64_t last; /* counter */
	uint64_t addr;
};

/* A record that was taken out. */
struct trace_record {
	bool is_gap;
	int handled;
	uint64_t times[3]; /* a gap: first and last */
	uint64_t answer;   /* a gap: how many are lost */
	AxVCpuExitReason exit;
	const uint8_t *bytes; /* of string input and output: in the chunk */
	size_t byte_count;
};

/* The number of an architecture in the header, and its name; 0 and NULL: not known. */
uint32_t trace_arch_number(const char *name);
const char *trace_arch_name(uint32_t number);

/*
 * Pack an exit at @at, where TRACE_RECORD_MAX bytes are free; returns what is behind it. Of KVM_RUN's
 * call and return and the answer, @times has the counter; times that run backwards stand still.
 */
uint8_t *trace_pack_exit(struct trace_pack *pack, uint8_t *at, const AxVCpuExitReason *exit,
			 int handled, const uint64_t times[3], uint64_t answer,
			 const uint8_t *bytes, size_t count);

/* @lost exits are missing. */
uint8_t *trace_pack_gap(struct trace_pack *pack, uint8_t *at, uint64_t first, uint64_t last,
			uint64_t lost);

/*
 * Take a record out of the @len bytes at @at. Everything in *record is checked: what an exit has is
 * what KVM could say. Returns how many bytes it has; 0: they are no record.
 */
size_t trace_unpack(struct trace_pack *pack, const uint8_t *at, size_t len,
		    struct trace_record *record);

#endif
