/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Pages of the balloon's. Their numbers are the driver's, which may be anything: what is no RAM is
 * counted and left alone.
 */
#include "dev/virtio/balloon.h"
#include "dev/virtio/outside.h"

/* Numbers that are looked at in one buffer; Linux gives 256. The rest is ignored: nobody waits for
 * more. */
#define NUMBERS_MAX 65536u

/* Copied out of guest memory in pieces of so many. */
#define PIECE 256

/* Pages that lie side by side, and go together. */
struct run {
	uint64_t first;
	uint64_t count;
};

/*
 * Give them to the host: false, not all of them are RAM. How many of them the host took is counted, and
 * no more; a recording does without.
 */
static bool discard(struct balloon *balloon, uint64_t gpa, uint64_t len, uint64_t *done)
{
	AxVirtio *virtio = &balloon->virtio;
	int ret = 0;

	*done = 0;
	ax_record_output(virtio->record, AX_RECORD_SENT, gpa, &len, sizeof(len));
	if (!outside_is_replayed(virtio))
		ret = ax_ram_discard(virtio->link.vm, gpa, len, done, NULL);
	return !outside_result(virtio, gpa, ret, 0);
}

static void discard_page(struct balloon *balloon, uint64_t page)
{
	uint64_t done;

	if (!discard(balloon, page * AX_VIRTIO_BALLOON_PAGE, AX_VIRTIO_BALLOON_PAGE, &done))
		done = 0;
	balloon->stats.discarded += done;
	balloon->stats.ignored += AX_VIRTIO_BALLOON_PAGE - done;
}

static void discard_run(struct balloon *balloon, struct run *run)
{
	uint64_t len = run->count * AX_VIRTIO_BALLOON_PAGE;
	uint64_t done = 0;

	if (run->count > 1 && discard(balloon, run->first * AX_VIRTIO_BALLOON_PAGE, len, &done)) {
		balloon->stats.discarded += done;
		/* What a host with larger pages can't take. */
		balloon->stats.ignored += len - done;
	} else {
		/* Some of it is no RAM: one by one. */
		for (uint64_t i = 0; i < run->count; i++)
			discard_page(balloon, run->first + i);
	}
	run->count = 0;
}

/* Drivers give pages in ascending or in descending order. */
static void add_to_run(struct balloon *balloon, struct run *run, uint64_t page)
{
	if (run->count && page == run->first + run->count) {
		run->count++;
	} else if (run->count && page + 1 == run->first) {
		run->first = page;
		run->count++;
	} else {
		discard_run(balloon, run);
		*run = (struct run){ page, 1 };
	}
}

/* How many page numbers a chain has, and of these how many are looked at. */
static uint64_t numbers_of(const struct virtq_chain *chain, uint64_t *seen)
{
	uint64_t all = chain->out_len / sizeof(uint32_t);

	*seen = all < NUMBERS_MAX ? all : NUMBERS_MAX;
	return all;
}

void balloon_inflate(struct balloon *balloon, const struct virtq_chain *chain)
{
	struct run run = { 0, 0 };
	uint64_t seen, all = numbers_of(chain, &seen);

	for (uint64_t at = 0; at < seen; at += PIECE) {
		uint8_t numbers[PIECE][sizeof(uint32_t)];
		uint64_t count = at + PIECE < seen ? PIECE : seen - at;

		(void)virtq_read(chain, at * sizeof(numbers[0]), numbers,
				 count * sizeof(numbers[0]));
		for (uint64_t i = 0; i < count; i++)
			add_to_run(balloon, &run,
				   (uint64_t)numbers[i][0] | (uint64_t)numbers[i][1] << 8 |
					   (uint64_t)numbers[i][2] << 16 |
					   (uint64_t)numbers[i][3] << 24);
	}
	discard_run(balloon, &run);
	balloon->stats.inflated += all * AX_VIRTIO_BALLOON_PAGE;
	balloon->stats.ignored += (all - seen) * AX_VIRTIO_BALLOON_PAGE;
}

void balloon_deflate(struct balloon *balloon, const struct virtq_chain *chain)
{
	uint64_t seen;

	/* They come back when they are touched, whatever their numbers are. */
	balloon->stats.deflated += numbers_of(chain, &seen) * AX_VIRTIO_BALLOON_PAGE;
}

void balloon_report(struct balloon *balloon, const struct virtq_chain *chain)
{
	for (uint32_t i = 0; i < chain->in_count; i++) {
		const AxMemView *view = &chain->views[chain->out_count + i];
		uint64_t done = 0;

		/* Section 5.5.6.7.1: they keep their content where the driver wants to find it again;
		 * what is returned is zero. */
		if (!balloon->poison && !discard(balloon, view->gpa, view->len, &done))
			done = 0;
		balloon->stats.discarded += done;
		balloon->stats.ignored += view->len - done;
		balloon->stats.reported += view->len;
	}
}
