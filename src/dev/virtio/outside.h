/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a virtio device has of the world outside (sockets, character devices, networks), as recordings
 * have it. The device asks the outside in a few functions of its own (console_outside.c, net_outside.c,
 * vsock_outside.c), which go, while the device is recorded, through these: a result, bytes that came in,
 * bytes that went out. In a replay nobody is asked, and the recording says what came.
 *
 *	int64_t got = outside_is_replayed(virtio) ? 0 : read the bytes;
 *
 *	got = outside_result(virtio, where, got, as many as there was room for);
 *	outside_came(virtio, where, iov, count, got);
 *
 * All inside of a unit, with the device's lock. `where` is the device's: which port, pair, connection.
 */
#ifndef AXVMM_DEV_VIRTIO_OUTSIDE_H
#define AXVMM_DEV_VIRTIO_OUTSIDE_H

#include "dev/virtio/virtio.h"

/* Nobody is outside: the recording says what came from there. */
static inline bool outside_is_replayed(const AxVirtio *virtio)
{
	return virtio->record && ax_record_is_replay(virtio->record);
}

/*
 * What a call returned: a negative errno, or 0 to @most, which a replay sees to: a recording may say
 * anything.
 */
int64_t outside_result(AxVirtio *virtio, uint64_t where, int64_t result, uint64_t most);

/* The first @len bytes of @iov, which may be guest memory that the driver gave to write to, came in. */
void outside_came(AxVirtio *virtio, uint64_t where, const struct iovec *iov, unsigned count,
		  uint64_t len);

/*
 * The first @len bytes of @iov went out. @chain: whose memory that is, which a replay has from the
 * recording; NULL: the device's own.
 */
void outside_went(AxVirtio *virtio, uint64_t where, const struct virtq_chain *chain,
		  const struct iovec *iov, unsigned count, uint64_t len);

/* Something that is no byte went out, such as that no more will: one number. */
void outside_told(AxVirtio *virtio, uint64_t where, uint32_t what);

/* A descriptor in the place of one that the recorded device had: the caller's, to be watched and closed. A
 * negative errno. */
int outside_stand_in(void);

#endif
