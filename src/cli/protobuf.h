/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Writing protocol buffers (protobuf.dev, "Encoding"): fields of a message, one behind the other. A
 * message inside another is written into a buffer of its own first.
 */
#ifndef AXVMM_CLI_PROTOBUF_H
#define AXVMM_CLI_PROTOBUF_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct protobuf {
	uint8_t *bytes;
	size_t len;
	size_t size;
	bool failed; /* there was no memory: what was written is not whole */
};

void protobuf_free(struct protobuf *message);

/* Fields by their number: a number, a text or bytes, a message. */
void protobuf_number(struct protobuf *message, unsigned field, uint64_t value);
void protobuf_text(struct protobuf *message, unsigned field, const char *text);
void protobuf_bytes(struct protobuf *message, unsigned field, const void *bytes, size_t len);
/* Empties @inner. */
void protobuf_message(struct protobuf *message, unsigned field, struct protobuf *inner);

#endif
