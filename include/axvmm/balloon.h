/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Virtio memory balloon device (section 5.5): memory that the guest gives back to the host, pages that
 * it has free (free page reporting), and what it says of its memory. Part of libaxvmm-machine.
 *
 * Pages are given back by ax_ram_discard() (memory.h) at once, whatever the driver does next. Those
 * that a guest takes out of the balloon again read as zero.
 */
#ifndef AXVMM_BALLOON_H
#define AXVMM_BALLOON_H

#include <axvmm/virtio.h>

#ifdef __cplusplus
extern "C" {
#endif

#define AX_VIRTIO_BALLOON_PAGE 4096 /* bytes; section 5.5.4 */

#define AX_VIRTIO_BALLOON_DEFLATE_ON_OOM (1u << 0) /* the guest may take pages back when it has none left */
#define AX_VIRTIO_BALLOON_REPORTING	 (1u << 1) /* free page reporting */

typedef struct AxVirtioBalloonConfig {
	size_t size;	  /* sizeof(AxVirtioBalloonConfig): AX_VIRTIO_BALLOON_CONFIG_INIT */
	const char *name; /* NULL: "balloon" */
	AxHost *host;	  /* borrowed until free; not NULL */
	uint64_t target;  /* bytes that the balloon is to hold in the beginning */
	uint32_t flags;	  /* AX_VIRTIO_BALLOON_* */
	uint64_t stats_ns; /* the driver is asked for statistics so often; 0: never */
} AxVirtioBalloonConfig;

#define AX_VIRTIO_BALLOON_CONFIG_INIT                                                          \
	{                                                                                      \
		sizeof(AxVirtioBalloonConfig), NULL, NULL, 0,                                  \
			AX_VIRTIO_BALLOON_DEFLATE_ON_OOM | AX_VIRTIO_BALLOON_REPORTING, 0      \
	}

/* Make a balloon, owned by the caller. 0; -EINVAL; -ENOMEM. Thread: the host's, or before it runs. */
AX_API int ax_virtio_balloon_new(const AxVirtioBalloonConfig *config, AxVirtio **out, AxError *err);

/*
 * Ask the guest to give @bytes of its memory, or to take back what is beyond: rounded down to pages.
 * It comes as the guest likes: ax_virtio_balloon_stats() says how far it is. 0; -EINVAL @virtio is no
 * balloon, or more than 2^32 - 1 pages. Thread: any.
 */
AX_API int ax_virtio_balloon_set_target(AxVirtio *virtio, uint64_t bytes);

/* Statistics that a driver gives, by their tags in section 5.5.6.4. */
#define AX_VIRTIO_BALLOON_STATS 16 /* tags that are kept; others are ignored */
typedef enum AxVirtioBalloonTag {
	AX_BALLOON_SWAP_IN = 0,	       /* bytes, as all but FAULTS and HTLB */
	AX_BALLOON_SWAP_OUT = 1,
	AX_BALLOON_MAJOR_FAULTS = 2,
	AX_BALLOON_MINOR_FAULTS = 3,
	AX_BALLOON_FREE_MEMORY = 4,
	AX_BALLOON_TOTAL_MEMORY = 5,
	AX_BALLOON_AVAILABLE_MEMORY = 6,
	AX_BALLOON_DISK_CACHES = 7,
	AX_BALLOON_HUGETLB_ALLOCATIONS = 8,
	AX_BALLOON_HUGETLB_FAILURES = 9
} AxVirtioBalloonTag;

typedef struct AxVirtioBalloonStats {
	size_t size;	   /* sizeof(AxVirtioBalloonStats): AX_VIRTIO_BALLOON_STATS_INIT */
	uint64_t target;   /* bytes asked for */
	uint64_t actual;   /* bytes in the balloon, as the driver says */
	uint64_t inflated; /* bytes that were given, all told; a page given twice counts twice */
	uint64_t deflated; /* bytes that were taken back, all told */
	uint64_t reported; /* bytes of free pages reported, all told */
	uint64_t discarded; /* bytes of these that went back to the host */
	uint64_t ignored;   /* bytes that were no RAM, or could not be given back */
	uint64_t updates;   /* times that the driver has given statistics */
	uint32_t valid;	    /* bit n: .stat[n] holds */
	uint32_t reserved;
	uint64_t stat[AX_VIRTIO_BALLOON_STATS]; /* by AxVirtioBalloonTag: the newest */
} AxVirtioBalloonStats;

#define AX_VIRTIO_BALLOON_STATS_INIT                                                             \
	{                                                                                        \
		sizeof(AxVirtioBalloonStats), 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, { 0 }                \
	}

/* Fill @stats, whose size the caller has set. 0; -EINVAL, also when @virtio is no balloon. Thread:
 * any. */
AX_API int ax_virtio_balloon_stats(AxVirtio *virtio, AxVirtioBalloonStats *stats);

#ifdef __cplusplus
}
#endif

#endif
