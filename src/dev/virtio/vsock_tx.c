/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Virtio socket device: packets from the guest (section 5.10.6). Nothing in them is believed but what
 * is checked here.
 */
#include "dev/virtio/vsock.h"

/* Packets before other work of the host's thread gets its turn. */
#define AT_ONCE 256

static void request(struct vsock *vsock, const struct vsock_header *header)
{
	struct vsock_conn *conn = vsock_conn_new(vsock, -1);

	if (!conn) {
		vsock_rx_reset(vsock, header);
		return;
	}
	conn->guest_port = header->src_port;
	conn->host_port = header->dst_port;
	conn->peer_alloc = header->buf_alloc;
	conn->peer_fwd = header->fwd_cnt;
	conn->state = VSOCK_CONNECTING;
	vsock_conn_hash(conn);
	vsock_conn_limit(conn, AX_VIRTIO_VSOCK_TIMEOUT_NS);
	vsock_host_connect(conn);
}

static void response(struct vsock_conn *conn)
{
	if (conn->state == VSOCK_REQUESTED && conn->asked)
		vsock_host_accepted(conn);
	else
		vsock_conn_refuse(conn);
}

/* The guest gives it up. What it sent before it closed is still the reader's. */
static void reset(struct vsock_conn *conn)
{
	if (conn->heard & VSOCK_NO_SEND)
		vsock_conn_drain(conn);
	else
		vsock_conn_end(conn);
}

static void data(struct vsock_conn *conn, const struct vsock_header *header,
		 const struct virtq_chain *chain)
{
	/* More than it has, after it said that it was done, or without credit (section 5.10.6.3). */
	if (header->len > chain->out_len - sizeof(*header) || (conn->heard & VSOCK_NO_SEND) ||
	    header->len > VSOCK_BUFFER - (conn->received - conn->forwarded)) {
		vsock_conn_refuse(conn);
		return;
	}
	conn->received += header->len;
	if (!vsock_host_write(conn, chain, sizeof(*header), header->len))
		vsock_conn_refuse(conn);
	else
		vsock_host_watch(conn);
}

static void heard_shutdown(struct vsock_conn *conn, uint32_t flags)
{
	conn->heard |= flags & VSOCK_NEITHER;
	if (conn->heard & VSOCK_NO_RECEIVE)
		conn->readable = false;
	vsock_host_shutdown(conn);
	vsock_host_watch(conn);
}

static void established(struct vsock_conn *conn, const struct vsock_header *header,
			const struct virtq_chain *chain)
{
	switch (header->op) {
	case VSOCK_OP_RW: data(conn, header, chain); break;
	case VSOCK_OP_CREDIT_UPDATE: break;
	case VSOCK_OP_CREDIT_REQUEST:
		conn->pending |= 1u << VSOCK_OP_CREDIT_UPDATE;
		vsock_conn_ready(conn);
		break;
	case VSOCK_OP_SHUTDOWN: heard_shutdown(conn, header->flags); break;
	default: vsock_conn_refuse(conn); break;
	}
}

static void packet(struct vsock_conn *conn, const struct vsock_header *header,
		   const struct virtq_chain *chain)
{
	if (header->op == VSOCK_OP_RST) {
		reset(conn);
		return;
	}
	if (conn->state == VSOCK_REFUSED)
		return; /* it is being told */
	/* Each packet tells of credit. */
	conn->peer_alloc = header->buf_alloc;
	conn->peer_fwd = header->fwd_cnt;
	if (vsock_credit(conn))
		conn->starved = false;
	if (conn->readable)
		vsock_conn_ready(conn);
	if (header->op == VSOCK_OP_RESPONSE)
		response(conn);
	else if (conn->state == VSOCK_ESTABLISHED)
		established(conn, header, chain);
	else
		vsock_conn_refuse(conn);
}

static void take(struct vsock *vsock, const struct virtq_chain *chain)
{
	struct vsock_header header;
	struct vsock_conn *conn;

	/* Once: the guest may change it meanwhile. */
	virtq_read(chain, 0, &header, sizeof(header));
	if (header.src_cid != vsock->cid)
		return; /* there is nobody whom an answer would reach */
	conn = header.dst_cid == VSOCK_CID_HOST && header.type == VSOCK_TYPE_STREAM
		       ? vsock_conn_find(vsock, header.src_port, header.dst_port)
		       : NULL;
	if (conn)
		packet(conn, &header, chain);
	else if (header.op == VSOCK_OP_REQUEST && header.dst_cid == VSOCK_CID_HOST &&
		 header.type == VSOCK_TYPE_STREAM)
		request(vsock, &header);
	else if (header.op != VSOCK_OP_RST)
		vsock_rx_reset(vsock, &header);
}

void vsock_tx(struct vsock *vsock)
{
	AxVirtio *virtio = &vsock->virtio;
	unsigned count = 0;

	while (count < AT_ONCE) {
		/* Section 5.10.6.1: rather no packet than one whose answer has no place. */
		if (!vsock_has_room_for_reset(vsock)) {
			vsock->tx_stopped = true;
			break;
		}
		if (virtq_pop(virtio, VSOCK_TX, vsock->tx_chain) <= 0)
			break;
		if (vsock->tx_chain->out_len < sizeof(struct vsock_header)) {
			virtq_return(virtio, VSOCK_TX, vsock->tx_chain);
			virtio_broken(virtio);
			break;
		}
		take(vsock, vsock->tx_chain);
		virtq_push(virtio, VSOCK_TX, vsock->tx_chain, 0);
		count++;
	}
	if (count == AT_ONCE)
		virtio_kick(virtio, VSOCK_TX);
	virtio_interrupt(virtio, VSOCK_TX);
	vsock_rx(vsock);
}
