/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Virtio socket device (section 5.10): the device itself.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "dev/virtio/vsock.h"

#define ID	     19 /* section 5.10.1 */
#define QUEUE_SIZE   256
#define EVENT_SIZE   8
#define CONFIG_SIZE  8		 /* section 5.10.4: guest_cid */
#define F_STREAM     (1ULL << 0) /* section 5.10.3 */
#define BACKLOG	     128
#define PATH_MAX_LEN 96 /* leaves room for "_4294967295" */

static struct vsock *of(AxVirtio *virtio)
{
	return (struct vsock *)virtio;
}

static void vsock_notify(AxVirtio *virtio, unsigned index)
{
	struct vsock *vsock = of(virtio);

	switch (index) {
	case VSOCK_RX: vsock_rx(vsock); break;
	case VSOCK_TX: vsock_tx(vsock); break;
	default: vsock_rx_event(vsock); break;
	}
	vsock_reap(vsock);
}

/* The guest knows of no connection any more. Programs that it has not heard of may still wait for it. */
static void forget_guest(struct vsock *vsock)
{
	struct vsock_conn *conn, *next;

	for (conn = TAILQ_FIRST(&vsock->conns); conn; conn = next) {
		next = TAILQ_NEXT(conn, all);
		if (conn->state == VSOCK_GREETING || conn->state == VSOCK_DRAINING ||
		    (conn->state == VSOCK_REQUESTED && !conn->asked))
			continue;
		vsock_conn_drain(conn);
	}
	vsock->reset_first = vsock->reset_count = 0;
	vsock->tx_stopped = false;
	vsock->announce = false;
	/* This may be a vCPU's thread, on which no watch can be freed. */
	vsock_alarm(vsock, 0);
}

static void vsock_reset(AxVirtio *virtio)
{
	forget_guest(of(virtio));
}

/* Nothing is kept: connections end with the process that they were in. The guest is told of that. */
static int vsock_save(AxVirtio *virtio, AxState *state)
{
	(void)virtio;
	ax_state_put_u8(state, 1);
	return ax_state_error(state);
}

static int vsock_restore(AxVirtio *virtio, AxState *state)
{
	if (ax_state_get_u8(state) != 1 || ax_state_error(state))
		return -EINVAL;
	of(virtio)->announce = true;
	return 0;
}

static void vsock_free(AxVirtio *virtio)
{
	struct vsock *vsock = of(virtio);
	struct vsock_conn *conn;

	while ((conn = TAILQ_FIRST(&vsock->conns)))
		vsock_conn_end(conn);
	vsock->listening = true; /* not to be watched again */
	vsock_reap(vsock);
	ax_watch_free(vsock->listen_watch);
	ax_unix_listen_end(&vsock->listener);
	ax_timer_free(vsock->timer);
	virtq_chain_free(vsock->rx_chain);
	virtq_chain_free(vsock->tx_chain);
	virtq_chain_free(vsock->event_chain);
	free(vsock->hash);
	virtio_fini(virtio);
	free(vsock);
}

static const struct virtio_type vsock_type = {
	.id = ID,
	.name = "vsock",
	.notify = vsock_notify,
	.reset = vsock_reset,
	.save = vsock_save,
	.restore = vsock_restore,
	.describe = vsock_describe,
	.free = vsock_free,
};

static int check_config(const AxVirtioVsockConfig *config, AxError *err)
{
	if (!config->host)
		return ax_error_argument(err, -EINVAL, "a socket device needs a host");
	if (config->cid < AX_VIRTIO_VSOCK_CID_MIN || config->cid > AX_VIRTIO_VSOCK_CID_MAX)
		return ax_error_argument(err, -EINVAL,
					 "CID %llu cannot be a guest's: 0 to 2 and 4294967295 are "
					 "taken, take 3 or more",
					 (unsigned long long)config->cid);
	if (config->connections > AX_VIRTIO_VSOCK_CONNECTIONS_MAX)
		return ax_error_argument(err, -EINVAL, "%u connections are more than %d",
					 config->connections, AX_VIRTIO_VSOCK_CONNECTIONS_MAX);
	return 0;
}

static int check_path(const char *path, AxError *err)
{
	if (path && *path && strlen(path) <= PATH_MAX_LEN)
		return 0;
	return ax_error_argument(err, -EINVAL,
				 "a socket device's path has 1 to %d bytes, not \"%.60s\"",
				 PATH_MAX_LEN, path ? path : "");
}

static int make_parts(struct vsock *vsock, const AxVirtioVsockConfig *config, AxError *err)
{
	uint32_t buckets = 64;

	vsock->cid = config->cid;
	vsock->most = config->connections ? config->connections : AX_VIRTIO_VSOCK_CONNECTIONS;
	while (buckets < vsock->most)
		buckets *= 2;
	vsock->hash_mask = buckets - 1;
	vsock->hash = calloc(buckets, sizeof(*vsock->hash));
	vsock->rx_chain = virtq_chain_new(QUEUE_SIZE);
	vsock->tx_chain = virtq_chain_new(QUEUE_SIZE);
	vsock->event_chain = virtq_chain_new(EVENT_SIZE);
	vsock->timer = ax_timer_new(config->host, vsock_timer_fired, vsock);
	if (!vsock->hash || !vsock->rx_chain || !vsock->tx_chain || !vsock->event_chain ||
	    !vsock->timer)
		return ax_dev_error_nomem(err, "a socket device");
	for (unsigned i = 0; i < CONFIG_SIZE; i++)
		vsock->virtio.config[i] = (uint8_t)(config->cid >> (8 * i));
	return 0;
}

/* @fd: -1: at the path. */
static int start_listening(struct vsock *vsock, const AxVirtioVsockConfig *config, int fd,
			   AxError *err)
{
	int ret = fd < 0 ? ax_unix_listen(&vsock->listener, config->path, BACKLOG, err) : 0;

	if (ret)
		return ret;
	vsock->listening = true;
	ret = ax_watch_new(config->host, fd < 0 ? vsock->listener.fd : fd, AX_WATCH_READ,
			   vsock_host_accept, vsock, &vsock->listen_watch, err);
	if (!ret && fd >= 0)
		vsock->listener.fd = fd;
	return ret;
}

int vsock_new_on(const AxVirtioVsockConfig *config, int fd, AxVirtio **out, AxError *err)
{
	static const uint32_t sizes[VSOCK_QUEUES] = { QUEUE_SIZE, QUEUE_SIZE, EVENT_SIZE };
	struct virtio_init init = {
		.type = &vsock_type,
		.features = F_STREAM,
		.queue_count = VSOCK_QUEUES,
		.queue_size = sizes,
		.config_len = CONFIG_SIZE,
	};
	struct vsock *vsock;
	int ret = check_config(config, err);

	if (ret)
		return ret;
	vsock = calloc(1, sizeof(*vsock));
	if (!vsock)
		return ax_dev_error_nomem(err, "a socket device");
	TAILQ_INIT(&vsock->conns);
	TAILQ_INIT(&vsock->ready);
	TAILQ_INIT(&vsock->dead);
	vsock->listener.fd = -1;
	vsock->alarm = UINT64_MAX;
	vsock->virtio.type = &vsock_type;
	init.name = config->name;
	init.host = config->host;
	ret = virtio_init(&vsock->virtio, &init, err);
	if (!ret)
		ret = make_parts(vsock, config, err);
	if (!ret)
		ret = start_listening(vsock, config, fd, err);
	if (ret) {
		vsock_free(&vsock->virtio);
		return ret;
	}
	*out = &vsock->virtio;
	return 0;
}

int ax_virtio_vsock_new(const AxVirtioVsockConfig *config, AxVirtio **out, AxError *err)
{
	AxVirtioVsockConfig known = AX_VIRTIO_VSOCK_CONFIG_INIT;
	int ret = ax_dev_config(&known, sizeof(known), config, sizeof(known), "AxVirtioVsockConfig",
				err);

	if (!ret)
		ret = check_config(&known, err);
	if (!ret)
		ret = check_path(known.path, err);
	return ret ? ret : vsock_new_on(&known, -1, out, err);
}
