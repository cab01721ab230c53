/* SPDX-License-Identifier: Apache-2.0 */
/*
 * gdb's remote serial protocol; see rsp.h.
 */
#include <stdio.h>
#include <string.h>

#include "debug/rsp.h"

enum { IDLE, TEXT, SUM_HIGH, SUM_LOW };

#define ESCAPE	  '}'
#define INTERRUPT 0x03

static int digit_of(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	if (c >= 'a' && c <= 'f')
		return c - 'a' + 10;
	if (c >= 'A' && c <= 'F')
		return c - 'A' + 10;
	return -1;
}

static enum rsp_event between_packets(struct rsp_in *in, uint8_t byte)
{
	switch (byte) {
	case '$':
		in->state = TEXT;
		in->escaped = false;
		in->too_long = false;
		in->sum = 0;
		in->length = 0;
		return RSP_NOTHING;
	case '+': return RSP_ACK;
	case '-': return RSP_NAK;
	case INTERRUPT: return RSP_INTERRUPT;
	default: return RSP_NOTHING;
	}
}

static void take_text(struct rsp_in *in, uint8_t byte)
{
	in->sum += byte;
	if (byte == ESCAPE && !in->escaped) {
		in->escaped = true;
		return;
	}
	if (in->escaped)
		byte ^= 0x20;
	in->escaped = false;
	if (in->length == RSP_PACKET_MAX)
		in->too_long = true;
	else
		in->text[in->length++] = (char)byte;
}

enum rsp_event rsp_take(struct rsp_in *in, uint8_t byte)
{
	int digit;

	switch (in->state) {
	case IDLE: return between_packets(in, byte);
	case TEXT:
		/* One that begins anew was not ended: the peer has started over. */
		if (byte == '$')
			return between_packets(in, byte);
		if (byte == '#')
			in->state = SUM_HIGH;
		else
			take_text(in, byte);
		return RSP_NOTHING;
	case SUM_HIGH:
		digit = digit_of((char)byte);
		in->expected = digit < 0 ? 0 : (uint8_t)(digit << 4);
		in->too_long = in->too_long || digit < 0;
		in->state = SUM_LOW;
		return RSP_NOTHING;
	default:
		digit = digit_of((char)byte);
		in->state = IDLE;
		in->text[in->length] = 0;
		if (digit < 0 || in->too_long || in->escaped ||
		    (in->expected | (uint8_t)digit) != in->sum)
			return RSP_DAMAGED;
		return RSP_PACKET;
	}
}

void rsp_begin(struct rsp_out *out)
{
	out->length = 0;
	out->is_full = false;
}

void rsp_bytes(struct rsp_out *out, const void *bytes, size_t length)
{
	if (out->is_full || length > RSP_PACKET_MAX - out->length) {
		out->is_full = true;
		return;
	}
	if (length)
		memcpy(out->text + out->length, bytes, length);
	out->length += length;
}

void rsp_text(struct rsp_out *out, const char *text)
{
	rsp_bytes(out, text, strlen(text));
}

void rsp_hex(struct rsp_out *out, const void *bytes, size_t length)
{
	static const char digits[] = "0123456789abcdef";
	const uint8_t *from = bytes;

	for (size_t i = 0; i < length; i++) {
		char pair[2] = { digits[from[i] >> 4], digits[from[i] & 0xf] };

		rsp_bytes(out, pair, sizeof(pair));
	}
}

void rsp_number(struct rsp_out *out, uint64_t number)
{
	char text[20];

	snprintf(text, sizeof(text), "%llx", (unsigned long long)number);
	rsp_text(out, text);
}

void rsp_unknown(struct rsp_out *out, size_t length)
{
	while (length--)
		rsp_text(out, "xx");
}

size_t rsp_frame(const struct rsp_out *out, char *frame)
{
	size_t length = 0;
	uint8_t sum = 0;

	frame[length++] = '$';
	for (size_t i = 0; i < out->length; i++) {
		char c = out->text[i];

		/* '*' would begin a run length. */
		if (c == '#' || c == '$' || c == ESCAPE || c == '*') {
			frame[length++] = ESCAPE;
			c ^= 0x20;
		}
		frame[length++] = c;
	}
	for (size_t i = 1; i < length; i++)
		sum += (uint8_t)frame[i];
	frame[length++] = '#';
	frame[length++] = "0123456789abcdef"[sum >> 4];
	frame[length++] = "0123456789abcdef"[sum & 0xf];
	return length;
}

bool rsp_take_char(struct rsp_cursor *cursor, char c)
{
	if (cursor->at == cursor->end || *cursor->at != c)
		return false;
	cursor->at++;
	return true;
}

bool rsp_take_text(struct rsp_cursor *cursor, const char *text)
{
	size_t length = strlen(text);

	if ((size_t)(cursor->end - cursor->at) < length || memcmp(cursor->at, text, length) != 0)
		return false;
	cursor->at += length;
	return true;
}

bool rsp_take_number(struct rsp_cursor *cursor, uint64_t *number)
{
	const char *at = cursor->at;
	uint64_t value = 0;
	int digit;

	for (; at < cursor->end && (digit = digit_of(*at)) >= 0; at++) {
		if (value >> 60)
			return false;
		value = value << 4 | (unsigned)digit;
	}
	if (at == cursor->at)
		return false;
	cursor->at = at;
	*number = value;
	return true;
}

bool rsp_take_hex(struct rsp_cursor *cursor, void *bytes, size_t length)
{
	uint8_t *to = bytes;

	if ((size_t)(cursor->end - cursor->at) / 2 < length)
		return false;
	for (size_t i = 0; i < length; i++) {
		int high = digit_of(cursor->at[2 * i]), low = digit_of(cursor->at[2 * i + 1]);

		if (high < 0 || low < 0)
			return false;
		to[i] = (uint8_t)(high << 4 | low);
	}
	cursor->at += 2 * length;
	return true;
}
