/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Writing protocol buffers.
 */
#include <stdlib.h>
#include <string.h>

#include "cli/protobuf.h"

enum wire { WIRE_VARINT = 0, WIRE_LEN = 2 };

static void append(struct protobuf *message, const void *bytes, size_t len)
{
	if (message->size - message->len < len) {
		size_t size = 2 * message->size + len + 256;
		uint8_t *more = realloc(message->bytes, size);

		if (!more) {
			message->failed = true;
			return;
		}
		message->bytes = more;
		message->size = size;
	}
	if (len)
		memcpy(message->bytes + message->len, bytes, len);
	message->len += len;
}

static void append_varint(struct protobuf *message, uint64_t value)
{
	uint8_t bytes[10];
	size_t len = 0;

	for (; value >= 0x80; value >>= 7)
		bytes[len++] = (uint8_t)(value | 0x80);
	bytes[len++] = (uint8_t)value;
	append(message, bytes, len);
}

void protobuf_free(struct protobuf *message)
{
	free(message->bytes);
	*message = (struct protobuf){ 0 };
}

void protobuf_number(struct protobuf *message, unsigned field, uint64_t value)
{
	append_varint(message, field << 3 | WIRE_VARINT);
	append_varint(message, value);
}

void protobuf_bytes(struct protobuf *message, unsigned field, const void *bytes, size_t len)
{
	append_varint(message, field << 3 | WIRE_LEN);
	append_varint(message, len);
	append(message, bytes, len);
}

void protobuf_text(struct protobuf *message, unsigned field, const char *text)
{
	protobuf_bytes(message, field, text, strlen(text));
}

void protobuf_message(struct protobuf *message, unsigned field, struct protobuf *inner)
{
	protobuf_bytes(message, field, inner->bytes, inner->len);
	message->failed |= inner->failed;
	inner->len = 0;
}
