/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The world outside of virtio devices, as recordings have it. See outside.h.
 */
#include <errno.h>
#include <string.h>
#include <sys/eventfd.h>

#include "dev/virtio/outside.h"

/* Bytes of guest memory are looked at once, by a copy. */
#define PIECE 4096

int64_t outside_result(AxVirtio *virtio, uint64_t where, int64_t result, uint64_t most)
{
	if (!virtio->record)
		return result;
	result = ax_record_result(virtio->record, where, result);
	if (!ax_record_is_replay(virtio->record) || (result < 0 && result >= -4095) ||
	    (result >= 0 && (uint64_t)result <= most))
		return result;
	return -EIO;
}

static size_t part_of(const struct iovec *iov, uint64_t len)
{
	return len < iov->iov_len ? (size_t)len : iov->iov_len;
}

void outside_came(AxVirtio *virtio, uint64_t where, const struct iovec *iov, unsigned count,
		  uint64_t len)
{
	if (!virtio->record)
		return;
	for (unsigned i = 0; i < count && len; i++) {
		size_t now = part_of(&iov[i], len);

		if (now)
			ax_record_input(virtio->record, AX_RECORD_DATA, where, iov[i].iov_base,
					now);
		len -= now;
	}
}

/* The guest address of @host, which is in a readable part of the chain. */
static uint64_t address_of(const struct virtq_chain *chain, const uint8_t *host)
{
	for (uint32_t i = 0; i < chain->out_count; i++) {
		const AxMemView *view = &chain->views[i];
		uintptr_t offset = (uintptr_t)host - (uintptr_t)view->host;

		if (offset < view->len)
			return view->gpa + offset;
	}
	return 0;
}

static void part_went(AxVirtio *virtio, uint64_t where, const struct virtq_chain *chain,
		      const uint8_t *bytes, size_t len)
{
	uint8_t piece[PIECE];

	while (len) {
		size_t now = len < PIECE ? len : PIECE;

		/* A replay's own guest memory has none of it. */
		memcpy(piece, bytes, now);
		if (chain)
			ax_record_input(virtio->record, AX_RECORD_MEMORY, address_of(chain, bytes),
					piece, now);
		ax_record_output(virtio->record, AX_RECORD_SENT, where, piece, now);
		bytes += now;
		len -= now;
	}
}

void outside_went(AxVirtio *virtio, uint64_t where, const struct virtq_chain *chain,
		  const struct iovec *iov, unsigned count, uint64_t len)
{
	if (!virtio->record)
		return;
	for (unsigned i = 0; i < count && len; i++) {
		size_t now = part_of(&iov[i], len);

		part_went(virtio, where, chain, iov[i].iov_base, now);
		len -= now;
	}
}

void outside_told(AxVirtio *virtio, uint64_t where, uint32_t what)
{
	ax_record_output(virtio->record, AX_RECORD_SENT, where, &what, sizeof(what));
}

int outside_stand_in(void)
{
	int fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);

	return fd < 0 ? -errno : fd;
}
