/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The format of a trace, as docs/TRACE describes it: what its writer and its reader share. Numbers
 * are little-endian.
 */
#ifndef AXVMM_CORE_TRACE_FORMAT_H
#define AXVMM_CORE_TRACE_FORMAT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <axvmm/trace.h>

/*
 * A chunk: u32 magic, u16 version, u16 type, u32 vcpu, u32 length of what follows the header, u32
 * CRC-32 of the 16 bytes before it and of what follows.
 */
#define TRACE_MAGIC	 0x63745841u /* "AXtc" */
#define TRACE_VERSION	 1
#define TRACE_CHUNK_HEAD 20
#define TRACE_CHUNK_SIZE (64u << 10) /* of a writer's chunk with its head, at most */
#define TRACE_LENGTH_MAX (1u << 20)  /* a reader takes so much behind a head */
/* Bytes of string input or output that are kept of one exit: more than KVM has room for. */
#define TRACE_BYTES_MAX 8192

#define TRACE_RECORD_MAX (TRACE_BYTES_MAX + 512) /* bytes of a record, at most */

enum trace_chunk {
	TRACE_CHUNK_HEADER = 1,
	TRACE_CHUNK_RANGES = 2,
	TRACE_CHUNK_CLOCK = 3,
	TRACE_CHUNK_EXITS = 4,
	TRACE_CHUNK_END = 5,
};

/*
 * TRACE_CHUNK_HEADER: u32 architecture, u32 vCPUs, u32 process, u32 zero, u64 CLOCK_MONOTONIC in ns,
 * u64 CLOCK_REALTIME then, u64 frequency of the counter (0: not known), u8 length of the version, the
 * version. More may follow.
 */
#define TRACE_HEADER_SIZE 41

/* TRACE_CHUNK_RANGES: for each u8 space, u8 length of its name, the name, u64 base, u64 length. */
#define TRACE_RANGE_SIZE 18 /* without the name */

/* TRACE_CHUNK_CLOCK: u64 counter, u64 CLOCK_MONOTONIC in ns. */
#define TRACE_CLOCK_SIZE 16

/* TRACE_CHUNK_END: u64 exits, u64 lost. */
#define TRACE_END_SIZE 16

/*
 * TRACE_CHUNK_EXITS: u64 counter that the first record is relative to, then records. A record: u8 tag
 * (bits 0 to 4 an AxVCpuExitKind or TRACE_TAG_GAP, bits 5 and 6 an AxHandled), then numbers as LEB128:
 * three times, each relative to the one before (KVM_RUN called, returned, answer stands), the exit's
 * fields, its answer if its kind has one, the bytes of string input or output.
 * A gap: two times (first, last), the number of exits.
 */
#define TRACE_TAG_GAP 31

/* What a field of an exit must be. */
enum trace_check {
	TRACE_ANY,     /* a number of its size */
	TRACE_ADDRESS, /* the difference to the last address, as zigzag */
	TRACE_BOOL,
	TRACE_WIDTH,  /* an AxAccessWidth */
	TRACE_LENGTH, /* 1 to 8 */
	TRACE_COUNT,  /* at least 1 */
	TRACE_EIGHT,  /* 0 to 8: how many of eight hold */
	TRACE_INSN,   /* 0 to AX_INSN_MAX */
};

struct trace_field {
	uint8_t offset; /* in AxVCpuExitReason */
	uint8_t size;
	uint8_t check;	/* an enum trace_check */
	uint8_t repeat; /* so many of them in a row; 0: one */
};

/* The fields of a kind, in their order; NULL: no such kind. */
const struct trace_field *trace_fields(uint32_t kind, size_t *count);

/* Whether the kind has an answer, and whether it may have bytes. */
bool trace_has_answer(uint32_t kind);
bool trace_has_bytes(uint32_t kind);

/* How many bytes of string input or output the exit has; 0 for a single element and other kinds. */
size_t trace_string_size(const AxVCpuExitReason *exit);

/* One field of @exit. */
uint64_t trace_get(const AxVCpuExitReason *exit, size_t offset, size_t size);
void trace_set(AxVCpuExitReason *exit, size_t offset, size_t size, uint64_t value);

/* Little-endian numbers. */
static inline void trace_store(uint8_t *at, uint64_t value, unsigned size)
{
	for (unsigned i = 0; i < size; i++)
		at[i] = (uint8_t)(value >> (8 * i));
}

static inline uint64_t trace_load(const uint8_t *at, unsigned size)
{
	uint64_t value = 0;

	for (unsigned i = 0; i < size; i++)
		value |= (uint64_t)at[i] << (8 * i);
	return value;
}

/* LEB128: DWARF 5, 7.6. Returns what is behind it. */
static inline uint8_t *trace_store_leb(uint8_t *at, uint64_t value)
{
	for (; value >= 0x80; value >>= 7)
		*at++ = (uint8_t)(value | 0x80);
	*at++ = (uint8_t)value;
	return at;
}

/* Differences of both signs as small numbers. */
static inline uint64_t trace_zigzag(uint64_t difference)
{
	return difference << 1 ^ (difference >> 63 ? UINT64_MAX : 0);
}

static inline uint64_t trace_unzigzag(uint64_t number)
{
	return number >> 1 ^ (number & 1 ? UINT64_MAX : 0);
}

/* CRC-32 as in ISO 3309 and zip, of @len more bytes; @crc: of those before, 0 at first. */
uint32_t trace_crc(uint32_t crc, const void *bytes, size_t len);

#endif
