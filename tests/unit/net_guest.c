/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A small guest behind a network device; see net_guest.h. Formats: RFC 826 (ARP), 791 (IP), 792 (ICMP),
 * 768 (UDP), 9293 (TCP), 2131 and 2132 (DHCP).
 */
#include <arpa/inet.h>
#include <check.h>
#include <string.h>

#include "dev/virtio/net.h"
#include "tests/unit/net_guest.h"

#define ETH 14u
#define IP  (ETH + 20u) /* end of an IP header without options */
#define TCP (IP + 20u)
#define UDP (IP + 8u)

static uint16_t get16(const uint8_t *at)
{
	return (uint16_t)(at[0] << 8 | at[1]);
}

static uint32_t get32(const uint8_t *at)
{
	return (uint32_t)get16(at) << 16 | get16(at + 2);
}

static void put16(uint8_t *at, uint32_t value)
{
	at[0] = (uint8_t)(value >> 8);
	at[1] = (uint8_t)value;
}

static void put32(uint8_t *at, uint32_t value)
{
	put16(at, value >> 16);
	put16(at + 2, value);
}

uint16_t guest_sum(uint32_t sum, const void *bytes, size_t len)
{
	const uint8_t *at = bytes;

	for (; len > 1; at += 2, len -= 2)
		sum += get16(at);
	if (len)
		sum += (uint32_t)*at << 8;
	while (sum >> 16)
		sum = (sum & 0xffff) + (sum >> 16);
	return (uint16_t)sum;
}

static void give(struct guest *guest, unsigned index)
{
	int token =
		drv_add(guest->drv, guest->rx, DRV_IN(guest->buffers[index], guest->buffer_size));

	ck_assert_int_ge(token, 0);
	guest->tokens[token] = (int)index;
}

void guest_begin(struct guest *guest, struct drv *drv, unsigned pair, const uint8_t mac[6],
		 uint32_t ip, uint32_t buffer_size)
{
	memset(guest, 0, sizeof(*guest));
	guest->drv = drv;
	guest->rx = 2 * pair;
	guest->tx = 2 * pair + 1;
	memcpy(guest->mac, mac, 6);
	memset(guest->peer_mac, 0xff, 6);
	guest->ip = ip;
	guest->buffer_size = buffer_size;
	for (unsigned i = 0; i < GUEST_BUFFERS; i++) {
		guest->buffers[i] = drv_alloc(drv, buffer_size);
		give(guest, i);
	}
	drv_kick(drv, guest->rx);
}

void guest_send(struct guest *guest, const struct guest_header *header, const void *frame,
		size_t len)
{
	struct drv *drv = guest->drv;
	uint64_t next = drv->next, gpa = drv_alloc(drv, sizeof(*header) + len);

	if (header)
		memcpy(drv_ptr(drv, gpa), header, sizeof(*header));
	memcpy(drv_ptr(drv, gpa + sizeof(*header)), frame, len);
	ck_assert_int_ge(drv_add(drv, guest->tx, DRV_OUT(gpa, (uint32_t)(sizeof(*header) + len))),
			 0);
	drv_kick(drv, guest->tx);
	drv_wait(drv, guest->tx, NULL);
	drv->next = next;
}

/* An Ethernet and an IP header for @payload bytes, to where the connection's other side is. */
static void make_ip(struct guest *guest, uint8_t *frame, uint8_t protocol, uint32_t to,
		    size_t payload)
{
	memcpy(frame, guest->peer_mac, 6);
	memcpy(frame + 6, guest->mac, 6);
	put16(frame + 12, 0x0800);
	memset(frame + ETH, 0, 20);
	frame[ETH] = 0x45;
	put16(frame + ETH + 2, (uint32_t)(20 + payload));
	frame[ETH + 8] = 64;
	frame[ETH + 9] = protocol;
	put32(frame + ETH + 12, guest->ip);
	put32(frame + ETH + 16, to);
	put16(frame + ETH + 10, (uint16_t)~guest_sum(0, frame + ETH, 20));
}

/* The sum of the pseudo header. */
static uint32_t pseudo(const uint8_t *frame, uint8_t protocol, size_t len)
{
	return (uint32_t)guest_sum(0, frame + ETH + 12, 8) + protocol + (uint32_t)len;
}

static void answer_arp(struct guest *guest)
{
	uint8_t answer[42];

	if (guest->len < 42 || get16(guest->frame + 20) != 1 ||
	    get32(guest->frame + 38) != guest->ip)
		return;
	guest->arps++;
	memcpy(answer, guest->frame, 42);
	memcpy(guest->peer_mac, guest->frame + 22, 6);
	memcpy(answer, guest->peer_mac, 6);
	memcpy(answer + 6, guest->mac, 6);
	answer[21] = 2;
	memcpy(answer + 22, guest->mac, 6);
	memcpy(answer + 28, guest->frame + 38, 4);
	memcpy(answer + 32, guest->peer_mac, 6);
	memcpy(answer + 38, guest->frame + 28, 4);
	guest_send(guest, NULL, answer, sizeof(answer));
}

static void answer_echo(struct guest *guest, size_t len)
{
	static uint8_t answer[GUEST_FRAME];

	if (len < 8 || guest->frame[IP] != 8)
		return;
	guest->echoes++;
	make_ip(guest, answer, 1, get32(guest->frame + ETH + 12), len);
	memcpy(answer + IP, guest->frame + IP, len);
	answer[IP] = 0;
	put16(answer + IP + 2, 0);
	put16(answer + IP + 2, (uint16_t)~guest_sum(0, answer + IP, len));
	guest_send(guest, NULL, answer, IP + len);
}

/* A segment of the connection. Its sum is left to the host when it has to segment. */
static void send_tcp(struct guest *guest, uint8_t flags, const void *bytes, size_t len)
{
	static uint8_t frame[GUEST_FRAME];
	bool large = len > 1400;
	struct guest_header header = {
		.flags = GUEST_NEEDS_CSUM,
		.gso_type = GUEST_GSO_TCPV4,
		.hdr_len = TCP,
		.gso_size = 1400,
		.csum_start = IP,
		.csum_offset = 16,
	};

	make_ip(guest, frame, 6, guest->peer_ip, 20 + len);
	put16(frame + IP, guest->port);
	put16(frame + IP + 2, guest->peer_port);
	put32(frame + IP + 4, guest->seq);
	put32(frame + IP + 8, guest->ack);
	frame[IP + 12] = 5 << 4;
	frame[IP + 13] = flags;
	put16(frame + IP + 14, 65535);
	put32(frame + IP + 16, 0);
	if (len)
		memcpy(frame + TCP, bytes, len);
	put16(frame + IP + 16,
	      large ? guest_sum(pseudo(frame, 6, 20 + len), "", 0)
		    : (uint16_t)~guest_sum(pseudo(frame, 6, 20 + len), frame + IP, 20 + len));
	guest_send(guest, large ? &header : NULL, frame, TCP + len);
	guest->seq += (uint32_t)len;
}

void guest_tcp_send(struct guest *guest, const void *bytes, size_t len)
{
	ck_assert_int_eq(guest->tcp, TCP_OPEN);
	send_tcp(guest, 0x18, bytes, len);
}

static void take_bytes(struct guest *guest, const uint8_t *bytes, size_t len)
{
	for (size_t i = 0; i < len; i++)
		guest->sum += bytes[i];
	guest->bytes += len;
	guest->ack += (uint32_t)len;
}

static void answer_tcp(struct guest *guest, size_t len)
{
	const uint8_t *tcp = guest->frame + IP;
	size_t head = len >= 20 ? (size_t)(tcp[12] >> 4) * 4 : 0;
	uint8_t flags = tcp[13];

	if (head < 20 || head > len || get16(tcp + 2) != guest->port)
		return;
	if (guest->checks_sums && guest_sum(pseudo(guest->frame, 6, len), tcp, len) != 0xffff)
		guest->bad_sums++;
	if (flags & 0x02) {
		guest->peer_ip = get32(guest->frame + ETH + 12);
		guest->peer_port = get16(tcp);
		guest->ack = get32(tcp + 4) + 1;
		guest->seq = 1000;
		guest->tcp = TCP_SYN_SEEN;
		memcpy(guest->peer_mac, guest->frame + 6, 6);
		send_tcp(guest, 0x12, NULL, 0);
		guest->seq++;
		return;
	}
	if (get16(tcp) != guest->peer_port || guest->tcp == TCP_LISTEN)
		return;
	if (flags & 0x04) {
		guest->tcp = TCP_CLOSED;
		return;
	}
	guest->tcp = guest->tcp == TCP_SYN_SEEN ? TCP_OPEN : guest->tcp;
	if (get32(tcp + 4) == guest->ack)
		take_bytes(guest, tcp + head, len - head);
	if (flags & 0x01) {
		guest->ack++;
		guest->tcp = TCP_CLOSED;
	}
	if (len > head || (flags & 0x01))
		send_tcp(guest, guest->tcp == TCP_CLOSED ? 0x11 : 0x10, NULL, 0);
}

/* The options of an OFFER. */
static void take_offer(struct guest *guest, const uint8_t *bootp, size_t len)
{
	size_t at = 240;

	if (len < at || bootp[0] != 2 || get32(bootp + 4) != 0x12345678)
		return;
	guest->leased = get32(bootp + 16);
	while (at + 2 <= len && bootp[at] != 255) {
		uint8_t size = bootp[at + 1];

		if (at + 2 + size > len)
			return;
		if (bootp[at] == 3 && size >= 4)
			guest->router = get32(bootp + at + 2);
		if (bootp[at] == 26 && size == 2)
			guest->mtu = get16(bootp + at + 2);
		at += bootp[at] ? 2u + size : 1;
	}
}

void guest_dhcp_discover(struct guest *guest)
{
	/* A DISCOVER that asks for mask, router, resolver and MTU. */
	static const uint8_t options[] = { 53, 1, 1, 55, 4, 1, 3, 6, 26, 255 };
	uint8_t frame[UDP + 300] = { 0 };
	uint8_t *bootp = frame + UDP;
	uint32_t ip = guest->ip;

	guest->ip = 0;
	memset(guest->peer_mac, 0xff, 6);
	make_ip(guest, frame, 17, 0xffffffff, 8 + 300);
	guest->ip = ip;
	put16(frame + IP, 68);
	put16(frame + IP + 2, 67);
	put16(frame + IP + 4, 8 + 300);
	bootp[0] = 1;
	bootp[1] = 1;
	bootp[2] = 6;
	put32(bootp + 4, 0x12345678);
	memcpy(bootp + 28, guest->mac, 6);
	put32(bootp + 236, 0x63825363);
	memcpy(bootp + 240, options, sizeof(options));
	put16(frame + IP + 6, (uint16_t)~guest_sum(pseudo(frame, 17, 308), frame + IP, 308));
	guest_send(guest, NULL, frame, sizeof(frame));
}

static void answer(struct guest *guest)
{
	const uint8_t *frame = guest->frame;
	size_t len;

	if (guest->len >= ETH && get16(frame + 12) == 0x0806) {
		answer_arp(guest);
		return;
	}
	if (guest->len < IP || get16(frame + 12) != 0x0800 || frame[ETH] != 0x45)
		return;
	len = get16(frame + ETH + 2);
	if (len < 20 || len > guest->len - ETH)
		return;
	len -= 20;
	if (frame[ETH + 9] == 17 && len > 8 && get16(frame + IP + 2) == 68)
		take_offer(guest, frame + UDP, len - 8);
	if (get32(frame + ETH + 16) != guest->ip)
		return;
	if (frame[ETH + 9] == 1)
		answer_echo(guest, len);
	else if (frame[ETH + 9] == 6)
		answer_tcp(guest, len);
}

bool guest_poll(struct guest *guest)
{
	unsigned count = 0, parts = 1;

	drv_run(guest->drv);
	guest->len = 0;
	while (count < parts) {
		uint32_t len, skip = count ? 0 : sizeof(guest->header);
		int token = drv_take(guest->drv, guest->rx, &len);
		const uint8_t *bytes;
		unsigned index;

		/* All buffers of a frame come at once. */
		ck_assert(token >= 0 || !count);
		if (token < 0)
			return false;
		index = (unsigned)guest->tokens[token];
		bytes = drv_ptr(guest->drv, guest->buffers[index]);
		if (!count) {
			memcpy(&guest->header, bytes, sizeof(guest->header));
			parts = guest->header.num_buffers;
		}
		ck_assert_uint_ge(len, skip);
		ck_assert_uint_le(guest->len + len - skip, GUEST_FRAME);
		memcpy(guest->frame + guest->len, bytes + skip, len - skip);
		guest->len += len - skip;
		give(guest, index);
		count++;
	}
	drv_kick(guest->drv, guest->rx);
	guest->frames++;
	if (guest->len > guest->longest)
		guest->longest = guest->len;
	answer(guest);
	return true;
}
