/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Memory balloon device (section 5.5).
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "dev/virtio/balloon.h"

#define ID_BALLOON 5

/*
 * Queues (section 5.5.2). A driver may number those that it has without gaps, as Linux does, or leave
 * out the numbers of features that it lacks, as the section says: then statistics are 2 and reports 4.
 * There is no queue for free page hints, so whatever else is in use is for reports.
 */
#define QUEUE_INFLATE 0
#define QUEUE_DEFLATE 1
#define QUEUE_STATS   2
#define QUEUE_COUNT   5
#define QUEUE_SIZE    128

/* Configuration (section 5.5.4). */
#define CONFIG_TARGET 0
#define CONFIG_ACTUAL 4
#define CONFIG_POISON 12
#define CONFIG_SIZE   16

/* A statistic (section 5.5.6.3): le16 tag, le64 value. */
#define STAT_SIZE     10
#define STAT_SEEN_MAX 64

/* So many buffers are taken before others have their turn. */
#define BATCH 64

#define STATE_VERSION 1

static const struct virtio_type balloon_type;

static uint64_t get_le(const uint8_t *from, unsigned size)
{
	uint64_t value = 0;

	while (size--)
		value = value << 8 | from[size];
	return value;
}

static void put_le32(uint8_t *to, uint64_t value)
{
	for (unsigned i = 0; i < 4; i++)
		to[i] = (uint8_t)(value >> (8 * i));
}

static bool target_fits(uint64_t bytes)
{
	return bytes / AX_VIRTIO_BALLOON_PAGE <= UINT32_MAX;
}

static void fill_config(struct balloon *balloon)
{
	uint8_t *config = balloon->virtio.config;

	memset(config, 0, CONFIG_SIZE);
	put_le32(config + CONFIG_TARGET, balloon->stats.target / AX_VIRTIO_BALLOON_PAGE);
	put_le32(config + CONFIG_ACTUAL, balloon->stats.actual / AX_VIRTIO_BALLOON_PAGE);
	put_le32(config + CONFIG_POISON, balloon->poison);
}

static void balloon_config_written(AxVirtio *virtio, uint32_t offset, uint32_t len)
{
	struct balloon *balloon = (struct balloon *)virtio;

	(void)offset;
	(void)len;
	balloon->stats.actual = get_le(virtio->config + CONFIG_ACTUAL, 4) * AX_VIRTIO_BALLOON_PAGE;
	balloon->poison = (uint32_t)get_le(virtio->config + CONFIG_POISON, 4);
	/* The rest is not the driver's to write. */
	fill_config(balloon);
}

static void take_stats(struct balloon *balloon)
{
	uint8_t stat[STAT_SIZE];

	for (uint64_t i = 0; i < STAT_SEEN_MAX; i++) {
		uint64_t tag;

		if (virtq_read(balloon->held, i * STAT_SIZE, stat, STAT_SIZE) < STAT_SIZE)
			break;
		tag = get_le(stat, 2);
		if (tag >= AX_VIRTIO_BALLOON_STATS)
			continue;
		balloon->stats.stat[tag] = get_le(stat + 2, 8);
		balloon->stats.valid |= 1u << tag;
	}
	balloon->stats.updates++;
}

/* Pop a chain that the device reads, or (@in) writes: section 5.5.6. False: none, or broken. */
static bool pop(struct balloon *balloon, unsigned queue, struct virtq_chain *chain, bool in)
{
	AxVirtio *virtio = &balloon->virtio;

	if (virtq_pop(virtio, queue, chain) <= 0)
		return false;
	if (!(in ? chain->out_count : chain->in_count))
		return true;
	virtq_return(virtio, queue, chain);
	virtio_broken(virtio);
	return false;
}

static void ask_later(struct balloon *balloon)
{
	if (balloon->timer)
		ax_timer_arm(balloon->timer, ax_host_now(balloon->virtio.host) + balloon->stats_ns);
}

/* A buffer with statistics: it is kept until new ones are wanted. */
static void notify_stats(struct balloon *balloon)
{
	if (balloon->held->taken || !pop(balloon, QUEUE_STATS, balloon->held, false))
		return;
	take_stats(balloon);
	ask_later(balloon);
}

static void timer_fired(void *opaque)
{
	struct balloon *balloon = opaque;
	AxVirtio *virtio = &balloon->virtio;

	virtio_lock(virtio);
	if (balloon->held->taken && virtio_running(virtio)) {
		virtq_push(virtio, QUEUE_STATS, balloon->held, 0);
		virtio_interrupt(virtio, QUEUE_STATS);
		/* None was taken from it meanwhile: the driver is to announce the next. */
		if (virtq_want_notify(virtio, QUEUE_STATS, true))
			virtio_kick(virtio, QUEUE_STATS);
	}
	virtio_unlock(virtio);
}

/* What a queue is for, with the features that the driver has: see QUEUE_*. */
static void take(struct balloon *balloon, unsigned index)
{
	switch (index) {
	case QUEUE_INFLATE: balloon_inflate(balloon, balloon->chain); break;
	case QUEUE_DEFLATE: balloon_deflate(balloon, balloon->chain); break;
	default: balloon_report(balloon, balloon->chain); break;
	}
}

static void balloon_notify(AxVirtio *virtio, unsigned index)
{
	struct balloon *balloon = (struct balloon *)virtio;
	bool reports = index >= QUEUE_STATS;
	unsigned count = 0;

	if (index == QUEUE_STATS && virtio_has(virtio, VIRTIO_BALLOON_F_STATS_VQ)) {
		notify_stats(balloon);
		return;
	}
	if (reports && !virtio_has(virtio, VIRTIO_BALLOON_F_REPORTING))
		return;
	while (count < BATCH && pop(balloon, index, balloon->chain, reports)) {
		take(balloon, index);
		virtq_push(virtio, index, balloon->chain, 0);
		count++;
	}
	virtio_interrupt(virtio, index);
	if (count == BATCH)
		virtio_kick(virtio, index);
}

/* The driver's statistics are taken again afterwards. */
static void balloon_drain(AxVirtio *virtio)
{
	struct balloon *balloon = (struct balloon *)virtio;

	if (balloon->held->taken)
		virtq_return(virtio, QUEUE_STATS, balloon->held);
}

static void balloon_reset(AxVirtio *virtio)
{
	struct balloon *balloon = (struct balloon *)virtio;

	balloon->stats.actual = 0;
	balloon->stats.valid = 0;
	balloon->poison = 0;
	fill_config(balloon);
}

static int balloon_save(AxVirtio *virtio, AxState *state)
{
	struct balloon *balloon = (struct balloon *)virtio;

	ax_state_put_u8(state, STATE_VERSION);
	ax_state_put_u64(state, balloon->stats.actual);
	ax_state_put_u32(state, balloon->poison);
	return ax_state_error(state);
}

static int balloon_restore(AxVirtio *virtio, AxState *state)
{
	struct balloon *balloon = (struct balloon *)virtio;
	uint8_t version = ax_state_get_u8(state);
	uint64_t actual = ax_state_get_u64(state);

	if (version != STATE_VERSION || actual % AX_VIRTIO_BALLOON_PAGE ||
	    actual / AX_VIRTIO_BALLOON_PAGE > UINT32_MAX)
		return -EINVAL;
	balloon->stats.actual = actual;
	balloon->poison = ax_state_get_u32(state);
	fill_config(balloon);
	return ax_state_error(state);
}

static void balloon_describe(const AxVirtio *virtio, char *text, size_t size)
{
	const struct balloon *balloon = (const struct balloon *)virtio;
	uint32_t flags = 0;

	if (virtio->offered & VIRTIO_BALLOON_F_DEFLATE_ON_OOM)
		flags |= AX_VIRTIO_BALLOON_DEFLATE_ON_OOM;
	if (virtio->offered & VIRTIO_BALLOON_F_REPORTING)
		flags |= AX_VIRTIO_BALLOON_REPORTING;
	snprintf(text, size, BALLOON_DESCRIPTION, (unsigned long long)balloon->stats.target,
		 (unsigned long long)balloon->stats_ns, flags);
}

static void set_target(struct balloon *balloon, uint64_t bytes)
{
	AxVirtio *virtio = &balloon->virtio;

	virtio_lock(virtio);
	balloon->stats.target = bytes - bytes % AX_VIRTIO_BALLOON_PAGE;
	fill_config(balloon);
	virtio_config_changed(virtio);
	virtio_unlock(virtio);
}

/* The only call from outside; it may come from a recording. */
static void balloon_outside(AxVirtio *virtio, uint32_t what, const void *bytes, size_t len)
{
	uint64_t target;

	(void)what;
	if (len != sizeof(target))
		return;
	target = get_le(bytes, sizeof(target));
	if (target_fits(target))
		set_target((struct balloon *)virtio, target);
}

static void balloon_free(AxVirtio *virtio)
{
	struct balloon *balloon = (struct balloon *)virtio;

	ax_timer_free(balloon->timer);
	virtq_chain_free(balloon->chain);
	virtq_chain_free(balloon->held);
	virtio_fini(virtio);
	free(balloon);
}

static const struct virtio_type balloon_type = {
	.id = ID_BALLOON,
	.name = "balloon",
	.notify = balloon_notify,
	.drain = balloon_drain,
	.reset = balloon_reset,
	.config_written = balloon_config_written,
	.save = balloon_save,
	.restore = balloon_restore,
	.describe = balloon_describe,
	.outside = balloon_outside,
	.free = balloon_free,
};

static int check_config(const AxVirtioBalloonConfig *config, AxError *err)
{
	if (!target_fits(config->target))
		return ax_error_argument(err, -EINVAL,
					 "a balloon holds up to 2^32 - 1 pages, not %llu bytes",
					 (unsigned long long)config->target);
	if (config->flags & ~(AX_VIRTIO_BALLOON_DEFLATE_ON_OOM | AX_VIRTIO_BALLOON_REPORTING))
		return ax_error_argument(err, -EINVAL, "unknown flags 0x%x of a balloon",
					 config->flags);
	return 0;
}

static uint64_t features_of(const AxVirtioBalloonConfig *config)
{
	uint64_t features = VIRTIO_BALLOON_F_STATS_VQ;

	if (config->flags & AX_VIRTIO_BALLOON_DEFLATE_ON_OOM)
		features |= VIRTIO_BALLOON_F_DEFLATE_ON_OOM;
	if (config->flags & AX_VIRTIO_BALLOON_REPORTING)
		features |= VIRTIO_BALLOON_F_REPORTING | VIRTIO_BALLOON_F_PAGE_POISON;
	return features;
}

static int make_balloon(struct balloon *balloon, const AxVirtioBalloonConfig *config, AxError *err)
{
	static const uint32_t queue_size[QUEUE_COUNT] = { QUEUE_SIZE, QUEUE_SIZE, QUEUE_SIZE,
							  QUEUE_SIZE, QUEUE_SIZE };
	const struct virtio_init init = {
		.type = &balloon_type,
		.name = config->name,
		.host = config->host,
		.features = features_of(config),
		.queue_count = QUEUE_COUNT,
		.queue_size = queue_size,
		.config_len = CONFIG_SIZE,
	};
	int ret = virtio_init(&balloon->virtio, &init, err);

	if (ret)
		return ret;
	balloon->stats.target = config->target - config->target % AX_VIRTIO_BALLOON_PAGE;
	balloon->stats_ns = config->stats_ns;
	balloon->chain = virtq_chain_new(VIRTQ_SIZE_MAX);
	balloon->held = virtq_chain_new(VIRTQ_SIZE_MAX);
	if (config->stats_ns)
		balloon->timer = ax_timer_new(config->host, timer_fired, balloon);
	if (!balloon->chain || !balloon->held || (config->stats_ns && !balloon->timer))
		return ax_dev_error_nomem(err, "a balloon");
	fill_config(balloon);
	return 0;
}

int ax_virtio_balloon_new(const AxVirtioBalloonConfig *config, AxVirtio **out, AxError *err)
{
	AxVirtioBalloonConfig known = AX_VIRTIO_BALLOON_CONFIG_INIT;
	struct balloon *balloon;
	int ret;

	ret = ax_dev_config(&known, sizeof(known), config, sizeof(known), "AxVirtioBalloonConfig",
			    err);
	if (!ret)
		ret = check_config(&known, err);
	if (ret)
		return ret;
	balloon = calloc(1, sizeof(*balloon));
	if (!balloon)
		return ax_dev_error_nomem(err, "a balloon");
	ret = make_balloon(balloon, &known, err);
	if (ret) {
		balloon_free(&balloon->virtio);
		return ret;
	}
	*out = &balloon->virtio;
	return 0;
}

int ax_virtio_balloon_set_target(AxVirtio *virtio, uint64_t bytes)
{
	AxRecord *record = ax_dev_record(&virtio->link);
	uint8_t told[8];

	if (virtio->type != &balloon_type || !target_fits(bytes))
		return -EINVAL;
	put_le32(told, bytes);
	put_le32(told + 4, bytes >> 32);
	ax_record_enter(record, virtio->link.name, 0, told, sizeof(told));
	set_target((struct balloon *)virtio, bytes);
	ax_record_leave(record);
	return 0;
}

int ax_virtio_balloon_stats(AxVirtio *virtio, AxVirtioBalloonStats *stats)
{
	struct balloon *balloon = (struct balloon *)virtio;
	size_t size = stats->size;
	AxVirtioBalloonStats all;

	if (virtio->type != &balloon_type || size < sizeof(size))
		return -EINVAL;
	virtio_lock(virtio);
	all = balloon->stats;
	virtio_unlock(virtio);
	all.size = size;
	memset(stats, 0, size);
	memcpy(stats, &all, size < sizeof(all) ? size : sizeof(all));
	return 0;
}
