/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Virtio socket device (section 5.10), inside: connections between the guest's stream sockets and Unix
 * sockets of the host.
 *
 *   vsock.c       the device: queues, reset, saving
 *   vsock_conn.c  the table of connections: making, finding, ending them; time limits
 *   vsock_host.c  a connection's Unix socket: the greeting, writing, what it tells
 *   vsock_tx.c    packets from the guest
 *   vsock_rx.c    packets to the guest
 *
 * Everything runs with the device's lock held and on the thread of its host, but for
 * vsock_conn_end() and vsock_conn_drain() of all connections at a reset, which may be on a vCPU's:
 * connections that have ended are therefore only put aside, and taken apart by vsock_reap() at the end of each callback on the host's thread.
 */
#ifndef AXVMM_DEV_VIRTIO_VSOCK_H
#define AXVMM_DEV_VIRTIO_VSOCK_H

#include <sys/queue.h>

#include <axvmm/vsock.h>

#include "dev/backend/unix.h"
#include "dev/virtio/virtio.h"

/* Queues, section 5.10.2. */
enum { VSOCK_RX, VSOCK_TX, VSOCK_EVENT, VSOCK_QUEUES };

#define VSOCK_CID_HOST 2u

/* Section 5.10.6: the header of each packet, little endian. */
struct vsock_header {
	uint64_t src_cid;
	uint64_t dst_cid;
	uint32_t src_port;
	uint32_t dst_port;
	uint32_t len;
	uint16_t type;
	uint16_t op;
	uint32_t flags;
	uint32_t buf_alloc;
	uint32_t fwd_cnt;
} __attribute__((packed));

_Static_assert(sizeof(struct vsock_header) == 44, "section 5.10.6");

#define VSOCK_TYPE_STREAM 1u

enum vsock_op {
	VSOCK_OP_REQUEST = 1,
	VSOCK_OP_RESPONSE = 2,
	VSOCK_OP_RST = 3,
	VSOCK_OP_SHUTDOWN = 4,
	VSOCK_OP_RW = 5,
	VSOCK_OP_CREDIT_UPDATE = 6,
	VSOCK_OP_CREDIT_REQUEST = 7,
};

/* Section 5.10.6.5: flags of VSOCK_OP_SHUTDOWN. */
#define VSOCK_NO_RECEIVE 1u
#define VSOCK_NO_SEND	 2u
#define VSOCK_NEITHER	 3u

/* Bytes of each connection that may wait here for the host's reader (buf_alloc). */
#define VSOCK_BUFFER (256u << 10)
/* Bytes of a packet at most. */
#define VSOCK_PACKET (64u << 10)
/* Resets of what is no connection that may wait for the guest's buffers; a power of two. */
#define VSOCK_RESETS 256u
/* "CONNECT 4294967295\n" and its end. */
#define VSOCK_LINE 20u
/* How long a guest that was told of the end may take to agree: as long as Linux waits for its peer. */
#define VSOCK_CLOSE_NS 8000000000ULL
/* How often a full backlog, or lack of descriptors, is tried again. */
#define VSOCK_RETRY_NS 10000000ULL

enum vsock_state {
	VSOCK_GREETING,	   /* a program of the host connected: its line is awaited */
	VSOCK_REQUESTED,   /* the guest is asked, or to be asked */
	VSOCK_CONNECTING,  /* the guest asked; the backlog of the host's socket is full */
	VSOCK_ESTABLISHED, /* data flow */
	VSOCK_DRAINING,	   /* the guest is done with it, the host's reader is not */
	VSOCK_REFUSED,	   /* has no socket any more: the guest is to be told */
	VSOCK_DEAD,	   /* for vsock_reap() */
};

struct vsock;

struct vsock_conn {
	struct vsock *vsock;
	TAILQ_ENTRY(vsock_conn) all;
	TAILQ_ENTRY(vsock_conn) turn;
	struct vsock_conn *hash_next;
	bool hashed;	  /* found by its ports */
	bool in_turn;	  /* in vsock.ready */
	bool asked;	  /* the guest has seen our REQUEST */
	bool readable;	  /* the socket may have data, and is not watched for them */
	bool ended;	  /* it has no more: the other side sends nothing */
	bool broken;	  /* its reader is gone */
	bool hung_up;	  /* both directions are closed on the host's side: watched no more */
	bool starved;	  /* the guest was asked for credit */
	uint8_t state;	  /* enum vsock_state */
	uint8_t told;	  /* VSOCK_NO_* that the guest was told */
	uint8_t heard;	  /* that the guest told */
	uint32_t pending; /* 1 << VSOCK_OP_*: to be sent */
	uint32_t guest_port, host_port;
	/* Credit, section 5.10.6.3; all counts wrap. */
	uint32_t received;	       /* bytes of the guest */
	uint32_t forwarded;	       /* of these given to the host's socket */
	uint32_t forwarded_told;       /* what the guest knows of that */
	uint32_t sent;		       /* bytes to the guest */
	uint32_t peer_alloc, peer_fwd; /* the guest's buf_alloc and fwd_cnt */
	uint64_t deadline;	       /* ax_host_now()'s clock; UINT64_MAX: none */
	int fd;			       /* -1: none */
	AxWatch *watch;
	unsigned events; /* that are watched */
	uint8_t *buffer; /* VSOCK_BUFFER bytes, a ring: what the socket did not take; NULL: empty */
	uint32_t buffer_start, buffer_len;
	uint8_t line[VSOCK_LINE]; /* VSOCK_GREETING */
	uint32_t line_len;
};

TAILQ_HEAD(vsock_list, vsock_conn);

/* A packet that was none of a connection's, and is answered with a reset. */
struct vsock_reset {
	uint64_t cid; /* that it went to */
	uint32_t guest_port, port;
	uint16_t type;
};

struct vsock {
	AxVirtio virtio;
	uint64_t cid;
	struct ax_unix_listener listener;
	AxWatch *listen_watch;
	bool listening; /* listen_watch waits for connections */
	bool lacking;	/* no descriptor or memory for one: until the timer fires */
	AxTimer *timer;
	uint64_t alarm; /* the timer's deadline */
	struct vsock_conn **hash;
	uint32_t hash_mask;
	uint32_t count, most; /* connections */
	uint32_t next_port;
	struct vsock_list conns; /* all that live */
	struct vsock_list ready; /* those with something for the guest, in turn */
	struct vsock_list dead;
	struct vsock_reset resets[VSOCK_RESETS];
	uint32_t reset_first, reset_count;
	bool tx_stopped; /* until resets have gone out */
	bool announce;	 /* the guest is to be told that connections are gone */
	struct virtq_chain *rx_chain, *tx_chain, *event_chain;
};

/* vsock_conn.c */

/* A new connection with a socket, of which it becomes the owner; NULL: the table is full or there is no
 * memory, and the socket stays the caller's. @fd -1: none yet. */
struct vsock_conn *vsock_conn_new(struct vsock *vsock, int fd);
/* Have it found by its ports. */
void vsock_conn_hash(struct vsock_conn *conn);
struct vsock_conn *vsock_conn_find(const struct vsock *vsock, uint32_t guest_port,
				   uint32_t host_port);
/* Forget it, and tell nobody. */
void vsock_conn_end(struct vsock_conn *conn);
/* The guest has done with it: end it once the host's reader has everything. */
void vsock_conn_drain(struct vsock_conn *conn);
/* End it, and reset the guest's side. */
void vsock_conn_refuse(struct vsock_conn *conn);
/* Close its socket; what waits for it is lost. Host's thread. */
void vsock_conn_close(struct vsock_conn *conn);
/* It has something for the guest, by turns: vsock_rx() has to be called. */
void vsock_conn_ready(struct vsock_conn *conn);
/* Give up on it @ns from now. */
void vsock_conn_limit(struct vsock_conn *conn, uint64_t ns);
void vsock_conn_no_limit(struct vsock_conn *conn);
/* A port of the host's side that nobody has with @guest_port. */
uint32_t vsock_conn_port(struct vsock *vsock, uint32_t guest_port);
/* Have vsock_timer_fired() called at @deadline at the latest. Any thread. */
void vsock_alarm(struct vsock *vsock, uint64_t deadline);
void vsock_timer_fired(void *opaque);
/* Free what has ended. Host's thread, or the loop does not run. */
void vsock_reap(struct vsock *vsock);

/* vsock_host.c */

/* The listening socket has connections: take some. */
void vsock_host_accept(void *opaque, int fd, unsigned events);
/* Something happened to a connection's socket. */
void vsock_host_event(void *opaque, int fd, unsigned events);
/* Watch the socket for what can be dealt with now. */
void vsock_host_watch(struct vsock_conn *conn);
/* Connect to the host's socket for the guest's request; ends in another state, or is tried again. */
void vsock_host_connect(struct vsock_conn *conn);
/* Both sides agree: data may flow; "OK" to a program that asked. */
void vsock_host_accepted(struct vsock_conn *conn);
/* Give @len bytes of the guest's packet at @offset in @chain to the socket, or keep them: there is
 * credit, and so room, for them. False: no memory. */
bool vsock_host_write(struct vsock_conn *conn, const struct virtq_chain *chain, uint32_t offset,
		      uint32_t len);
/* The guest has said what it will do no more (conn->heard), or all is written: pass it on. */
void vsock_host_shutdown(struct vsock_conn *conn);
/* Tell the guest what the host's side will do no more: VSOCK_NO_*. */
void vsock_host_tell(struct vsock_conn *conn, unsigned what);

/*
 * vsock_outside.c: sockets, which a replay has from the recording. A negative errno where it fails, never
 * -EINTR.
 */

/* A program's connection, -EAGAIN; the guest's to the socket at @path. The descriptor is the caller's. */
int vsock_accept(struct vsock *vsock);
int vsock_connect(struct vsock *vsock, uint32_t port, const char *path);
/* Read without waiting: bytes; 0 the end; -EAGAIN. @flags: MSG_PEEK */
ssize_t vsock_receive(struct vsock_conn *conn, const struct iovec *iov, unsigned count, int flags);
/* Write without waiting. @chain: whose memory it is; NULL: the device's own. */
ssize_t vsock_send(struct vsock_conn *conn, const struct virtq_chain *chain,
		   const struct iovec *iov, unsigned count);
/* shutdown(2) */
void vsock_shutdown(struct vsock_conn *conn, int how);
/* virtio_type.describe */
void vsock_describe(const AxVirtio *virtio, char *text, size_t size);
/* vsock.c: a device that listens on @fd, which is its own on success, instead of a path: a replay's. */
int vsock_new_on(const AxVirtioVsockConfig *config, int fd, AxVirtio **out, AxError *err);

#define VSOCK_DESCRIPTION "vsock cid=%llu connections=%u"

/* vsock_tx.c */

/* Take the guest's packets. */
void vsock_tx(struct vsock *vsock);

/* vsock_rx.c */

/* Send what is there as far as the guest gave buffers. */
void vsock_rx(struct vsock *vsock);
/* Send a reset for a packet of no connection; there is room (vsock.reset_count). */
void vsock_rx_reset(struct vsock *vsock, const struct vsock_header *header);
/* Tell the guest that all connections are gone. */
void vsock_rx_event(struct vsock *vsock);

/* Bytes that the guest has room for, section 5.10.6.3. A guest that counts wrong gets nothing. */
static inline uint32_t vsock_credit(const struct vsock_conn *conn)
{
	uint32_t under_way = conn->sent - conn->peer_fwd;

	return under_way < conn->peer_alloc ? conn->peer_alloc - under_way : 0;
}

static inline bool vsock_has_room_for_reset(const struct vsock *vsock)
{
	return vsock->reset_count < VSOCK_RESETS;
}

#endif
