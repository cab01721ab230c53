/* SPDX-License-Identifier: Apache-2.0 */
/*
 * gdb's remote serial protocol: packets out of bytes, and bytes of packets. Pure.
 * Source: "Debugging with GDB", appendix E.1 (framing), E.2 (packets).
 */
#ifndef AXVMM_DEBUG_RSP_H
#define AXVMM_DEBUG_RSP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Bytes of a packet's text at most, either way: what qSupported announces. */
#define RSP_PACKET_MAX 16384

/* What a byte completed. */
enum rsp_event {
	RSP_NOTHING,
	RSP_PACKET,    /* rsp_in.text: checksum right, escapes undone, a zero byte behind it */
	RSP_DAMAGED,   /* a packet with a wrong checksum, or too long: ask for it again */
	RSP_ACK,       /* '+' */
	RSP_NAK,       /* '-': send the last one again */
	RSP_INTERRUPT, /* 0x03 */
};

struct rsp_in {
	int state;
	bool escaped;
	bool too_long;
	uint8_t sum;	  /* of what came */
	uint8_t expected; /* what the peer says it is */
	size_t length;
	char text[RSP_PACKET_MAX + 1];
};

/* Take a byte from the peer. What it says stays in @in until the next call. */
enum rsp_event rsp_take(struct rsp_in *in, uint8_t byte);

/* A packet's text as it grows. What does not fit is remembered, and never written. */
struct rsp_out {
	size_t length;
	bool is_full;
	char text[RSP_PACKET_MAX + 1];
};

void rsp_begin(struct rsp_out *out);
void rsp_text(struct rsp_out *out, const char *text);
void rsp_bytes(struct rsp_out *out, const void *bytes, size_t length);
/* Each byte as two digits. */
void rsp_hex(struct rsp_out *out, const void *bytes, size_t length);
/* A number in hexadecimal, without leading zeros. */
void rsp_number(struct rsp_out *out, uint64_t number);
/* As many "xx" as a register has bytes: it cannot be read now. */
void rsp_unknown(struct rsp_out *out, size_t length);

/* Room that a framed packet needs: every byte escaped, and '$', '#', two digits. */
#define RSP_FRAME_MAX (2 * RSP_PACKET_MAX + 4)

/* "$text#sum" with escapes into @frame of RSP_FRAME_MAX bytes. Returns its length. */
size_t rsp_frame(const struct rsp_out *out, char *frame);

/*
 * A cursor in a packet. Each takes what it says and moves on, or returns false and leaves it where it
 * was.
 */
struct rsp_cursor {
	const char *at;
	const char *end;
};

bool rsp_take_char(struct rsp_cursor *cursor, char c);
bool rsp_take_text(struct rsp_cursor *cursor, const char *text);
/* Hexadecimal digits, at least one, of a number below 2^64. */
bool rsp_take_number(struct rsp_cursor *cursor, uint64_t *number);
/* Two digits for each byte: @length of them. */
bool rsp_take_hex(struct rsp_cursor *cursor, void *bytes, size_t length);

#endif
