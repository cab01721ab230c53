/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Entropy device (section 5.4): one queue, whose buffers are filled with what the host's kernel gives.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/random.h>

#include "dev/virtio/virtio.h"

#define QUEUE_SIZE 64
#define ID_ENTROPY 4
#define SEGMENTS   32
/* What one notification may cost: the guest waits for no more, and can ask again at once. */
#define BUFFER_MOST 4096u
#define NOTIFY_MOST 65536u

struct rng {
	AxVirtio virtio;
	struct virtq_chain *chain;
};

static ssize_t ask(AxRecord *record, void *buffer, size_t len)
{
	ssize_t got = 0;

	if (!ax_record_is_replay(record))
		got = getrandom(buffer, len, 0);
	if (!record)
		return got;
	got = (ssize_t)ax_record_result(record, 0, got);
	/* A recording may say anything. */
	if (got > (ssize_t)len)
		got = -1;
	if (got > 0)
		ax_record_input(record, AX_RECORD_DATA, 0, buffer, (size_t)got);
	return got;
}

/* Fill @chain's segments up to BUFFER_MOST bytes. getrandom() never fails for a good address. */
static uint32_t fill(const struct virtq_chain *chain)
{
	uint32_t done = 0;

	for (uint32_t i = 0; i < chain->in_count && done < BUFFER_MOST; i++) {
		const struct iovec *segment = &chain->iov[chain->out_count + i];
		size_t want = segment->iov_len;
		ssize_t got;

		if (want > BUFFER_MOST - done)
			want = BUFFER_MOST - done;
		got = ask(chain->record, segment->iov_base, want);
		if (got < 0)
			break;
		done += (uint32_t)got;
		if ((size_t)got < segment->iov_len)
			break;
	}
	return done;
}

static void rng_notify(AxVirtio *virtio, unsigned index)
{
	struct rng *rng = (struct rng *)virtio;
	uint32_t total = 0;

	while (total < NOTIFY_MOST && virtq_pop(virtio, index, rng->chain) > 0) {
		uint32_t written;

		/* Section 5.4.6.1: buffers are for the device to write. */
		if (rng->chain->out_count) {
			virtq_return(virtio, index, rng->chain);
			virtio_broken(virtio);
			return;
		}
		written = fill(rng->chain);
		virtq_push(virtio, index, rng->chain, written);
		/* A guest that gives tiny buffers has its share, too. */
		total += written + 64;
	}
	virtio_interrupt(virtio, index);
	if (total >= NOTIFY_MOST)
		virtio_kick(virtio, index);
}

static void rng_free(AxVirtio *virtio)
{
	struct rng *rng = (struct rng *)virtio;

	virtq_chain_free(rng->chain);
	virtio_fini(virtio);
	free(rng);
}

static void rng_describe(const AxVirtio *virtio, char *text, size_t size)
{
	(void)virtio;
	snprintf(text, size, "rng");
}

static const struct virtio_type rng_type = {
	.id = ID_ENTROPY,
	.name = "rng",
	.notify = rng_notify,
	.describe = rng_describe,
	.free = rng_free,
};

int ax_virtio_rng_new(const AxVirtioRngConfig *config, AxVirtio **out, AxError *err)
{
	static const uint32_t queue_size[] = { QUEUE_SIZE };
	AxVirtioRngConfig known = AX_VIRTIO_RNG_CONFIG_INIT;
	struct virtio_init init = { .type = &rng_type, .queue_count = 1, .queue_size = queue_size };
	struct rng *rng;
	int ret;

	ret = ax_dev_config(&known, sizeof(known), config, sizeof(known), "AxVirtioRngConfig", err);
	if (ret)
		return ret;
	rng = calloc(1, sizeof(*rng));
	if (!rng)
		return ax_dev_error_nomem(err, "an entropy device");
	init.name = known.name;
	init.host = known.host;
	ret = virtio_init(&rng->virtio, &init, err);
	if (!ret) {
		rng->chain = virtq_chain_new(SEGMENTS);
		if (!rng->chain)
			ret = ax_dev_error_nomem(err, "an entropy device");
	}
	if (ret) {
		rng_free(&rng->virtio);
		return ret;
	}
	*out = &rng->virtio;
	return 0;
}
