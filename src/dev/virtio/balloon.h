/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The balloon device inside (section 5.5): what balloon.c (life, queues, statistics) and
 * balloon_pages.c (pages that go back to the host) share.
 */
#ifndef AXVMM_DEV_VIRTIO_BALLOON_H
#define AXVMM_DEV_VIRTIO_BALLOON_H

#include <axvmm/balloon.h>

#include "dev/virtio/virtio.h"

/* Features (section 5.5.3). */
#define VIRTIO_BALLOON_F_STATS_VQ	(1ULL << 1)
#define VIRTIO_BALLOON_F_DEFLATE_ON_OOM (1ULL << 2)
#define VIRTIO_BALLOON_F_PAGE_POISON	(1ULL << 4)
#define VIRTIO_BALLOON_F_REPORTING	(1ULL << 5)

struct balloon {
	AxVirtio virtio;
	AxVirtioBalloonStats stats;
	uint64_t stats_ns;
	AxTimer *timer;		   /* asks for statistics; NULL: nobody does */
	struct virtq_chain *chain; /* for what is given back at once */
	/* The driver's statistics, which it gets back when new ones are wanted (section 5.5.6.3). */
	struct virtq_chain *held;
	uint32_t poison; /* what free pages are filled with, as the driver says */
};

/* What a replay makes it of: its target and how often statistics are wanted, AX_VIRTIO_BALLOON_*. */
#define BALLOON_DESCRIPTION "balloon target=%llu stats=%llu flags=%u"

/* All with the lock; of a chain that was popped. */

/* Page numbers (section 5.5.6): give these pages to the host, or note that the guest has them again. */
void balloon_inflate(struct balloon *balloon, const struct virtq_chain *chain);
void balloon_deflate(struct balloon *balloon, const struct virtq_chain *chain);
/* Pages that the guest has free (section 5.5.6.7). */
void balloon_report(struct balloon *balloon, const struct virtq_chain *chain);

#endif
