/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Virtio socket device: packets to the guest (section 5.10.6), and its event queue.
 */
#include <errno.h>

#include "dev/virtio/vsock.h"

/* Packets before other work of the host's thread gets its turn, and before the guest is told. */
#define AT_ONCE	  512
#define INTERRUPT 32
#define SLICES	  64

/* Section 5.10.6.7: transport reset. */
#define EVENT_TRANSPORT_RESET 0u

/* What is sent, in this order. */
static const uint8_t order[] = {
	VSOCK_OP_RST,		VSOCK_OP_REQUEST,	 VSOCK_OP_RESPONSE,
	VSOCK_OP_CREDIT_UPDATE, VSOCK_OP_CREDIT_REQUEST, VSOCK_OP_SHUTDOWN,
};

void vsock_rx_reset(struct vsock *vsock, const struct vsock_header *header)
{
	uint32_t at = (vsock->reset_first + vsock->reset_count) % VSOCK_RESETS;

	vsock->resets[at] = (struct vsock_reset){
		.cid = header->dst_cid,
		.guest_port = header->src_port,
		.port = header->dst_port,
		.type = header->type,
	};
	vsock->reset_count++;
}

/* A buffer of the guest's; false: none. One that no packet fits into is against the rules. */
static bool get_buffer(struct vsock *vsock)
{
	AxVirtio *virtio = &vsock->virtio;
	struct virtq_chain *chain = vsock->rx_chain;

	if (virtq_pop(virtio, VSOCK_RX, chain) <= 0)
		return false;
	if (chain->in_len > sizeof(struct vsock_header))
		return true;
	virtq_return(virtio, VSOCK_RX, chain);
	virtio_broken(virtio);
	return false;
}

static void put_packet(struct vsock *vsock, const struct vsock_header *header)
{
	virtq_write(vsock->rx_chain, 0, header, sizeof(*header));
	virtq_push(&vsock->virtio, VSOCK_RX, vsock->rx_chain,
		   (uint32_t)sizeof(*header) + header->len);
}

static void send_reset(struct vsock *vsock)
{
	const struct vsock_reset *reset = &vsock->resets[vsock->reset_first];
	struct vsock_header header = {
		.src_cid = reset->cid,
		.dst_cid = vsock->cid,
		.src_port = reset->port,
		.dst_port = reset->guest_port,
		.type = reset->type,
		.op = VSOCK_OP_RST,
	};

	put_packet(vsock, &header);
	vsock->reset_first = (vsock->reset_first + 1) % VSOCK_RESETS;
	vsock->reset_count--;
}

static void send_packet(struct vsock_conn *conn, enum vsock_op op, uint32_t len)
{
	struct vsock_header header = {
		.src_cid = VSOCK_CID_HOST,
		.dst_cid = conn->vsock->cid,
		.src_port = conn->host_port,
		.dst_port = conn->guest_port,
		.len = len,
		.type = VSOCK_TYPE_STREAM,
		.op = (uint16_t)op,
		.flags = op == VSOCK_OP_SHUTDOWN ? conn->told : 0,
		.buf_alloc = VSOCK_BUFFER,
		.fwd_cnt = conn->forwarded,
	};

	conn->forwarded_told = conn->forwarded;
	conn->pending &= ~(1u << VSOCK_OP_CREDIT_UPDATE);
	put_packet(conn->vsock, &header);
}

static bool has_data(const struct vsock_conn *conn)
{
	return conn->state == VSOCK_ESTABLISHED && conn->readable &&
	       !(conn->heard & VSOCK_NO_RECEIVE);
}

/* Data go from the socket into the guest's buffer. Bytes; 0: the end; a negative errno. */
static ssize_t receive(struct vsock_conn *conn, uint32_t *room)
{
	struct virtq_chain *chain = conn->vsock->rx_chain;
	struct iovec iov[SLICES];
	uint64_t want = chain->in_len - sizeof(struct vsock_header);
	unsigned count;

	if (want > VSOCK_PACKET)
		want = VSOCK_PACKET;
	if (want > vsock_credit(conn))
		want = vsock_credit(conn);
	count = virtq_slice(chain->iov + chain->out_count, chain->in_count,
			    sizeof(struct vsock_header), want, iov, SLICES, &want);
	*room = (uint32_t)want;
	return vsock_receive(conn, iov, count, 0);
}

static void send_data(struct vsock_conn *conn)
{
	struct vsock *vsock = conn->vsock;
	uint32_t room;
	ssize_t len = receive(conn, &room);

	if (len > 0) {
		conn->sent += (uint32_t)len;
		/* Fewer bytes than there was room for: that was all. A hang-up is read to its end. */
		if ((uint32_t)len < room && !conn->hung_up)
			conn->readable = false;
		send_packet(conn, VSOCK_OP_RW, (uint32_t)len);
		return;
	}
	virtq_return(&vsock->virtio, VSOCK_RX, vsock->rx_chain);
	if (len == -EAGAIN) {
		conn->readable = false;
		return;
	}
	conn->readable = false;
	if (len < 0) {
		vsock_conn_refuse(conn); /* ECONNRESET: the program left without reading */
		return;
	}
	conn->ended = true;
	/* Both directions may be closed by now. */
	vsock_host_tell(conn, conn->hung_up ? VSOCK_NEITHER : VSOCK_NO_SEND);
	if (conn->heard & VSOCK_NO_SEND)
		vsock_host_shutdown(conn);
}

static enum vsock_op first_pending(const struct vsock_conn *conn)
{
	for (unsigned i = 0; i < sizeof(order); i++) {
		if (conn->pending & 1u << order[i])
			return order[i];
	}
	return 0;
}

/* The one turn of a connection: a packet at most. False: there is no buffer for it. */
static bool take_turn(struct vsock_conn *conn)
{
	enum vsock_op op;

	/* Without credit the guest is asked for some, once. */
	if (has_data(conn) && !vsock_credit(conn) && !conn->starved) {
		conn->starved = true;
		conn->pending |= 1u << VSOCK_OP_CREDIT_REQUEST;
	}
	op = first_pending(conn);
	if (!op && (!has_data(conn) || !vsock_credit(conn)))
		return true;
	if (!get_buffer(conn->vsock))
		return false;
	if (!op) {
		send_data(conn);
		return true;
	}
	conn->pending &= ~(1u << op);
	if (op == VSOCK_OP_REQUEST)
		conn->asked = true;
	send_packet(conn, op, 0);
	if (op == VSOCK_OP_RST)
		vsock_conn_end(conn);
	return true;
}

static bool wants_another_turn(const struct vsock_conn *conn)
{
	return conn->pending || (has_data(conn) && (vsock_credit(conn) || !conn->starved));
}

/* Something to send, and a buffer for it: sends it. */
static bool send_one(struct vsock *vsock)
{
	struct vsock_conn *conn;

	if (vsock->reset_count) {
		if (!get_buffer(vsock))
			return false;
		send_reset(vsock);
		return true;
	}
	conn = TAILQ_FIRST(&vsock->ready);
	if (!conn || !take_turn(conn))
		return false;
	if (conn->state == VSOCK_DEAD)
		return true;
	TAILQ_REMOVE(&vsock->ready, conn, turn);
	conn->in_turn = false;
	if (wants_another_turn(conn))
		vsock_conn_ready(conn);
	vsock_host_watch(conn);
	return true;
}

void vsock_rx(struct vsock *vsock)
{
	AxVirtio *virtio = &vsock->virtio;
	unsigned count = 0;

	if (!virtio_running(virtio))
		return;
	while (count < AT_ONCE && send_one(vsock)) {
		if (++count % INTERRUPT == 0)
			virtio_interrupt(virtio, VSOCK_RX);
	}
	if (count == AT_ONCE)
		virtio_kick(virtio, VSOCK_RX);
	virtio_interrupt(virtio, VSOCK_RX);
	if (vsock->tx_stopped && vsock_has_room_for_reset(vsock)) {
		vsock->tx_stopped = false;
		virtio_kick(virtio, VSOCK_TX);
	}
}

void vsock_rx_event(struct vsock *vsock)
{
	AxVirtio *virtio = &vsock->virtio;
	const uint32_t event = EVENT_TRANSPORT_RESET;

	if (!vsock->announce || virtq_pop(virtio, VSOCK_EVENT, vsock->event_chain) <= 0)
		return;
	vsock->announce = false;
	virtq_push(virtio, VSOCK_EVENT, vsock->event_chain,
		   (uint32_t)virtq_write(vsock->event_chain, 0, &event, sizeof(event)));
	virtio_interrupt(virtio, VSOCK_EVENT);
}
