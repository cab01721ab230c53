/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Port forwardings: "tcp|udp:[hostaddr]:hostport-[guestaddr]:guestport".
 */
#include <arpa/inet.h>
#include <errno.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "dev/backend/net.h"
#include "dev/dev.h"

static int bad(AxError *err, const char *text, const char *what)
{
	return ax_error_argument(err, -EINVAL,
				 "port forwarding \"%.80s\": %s "
				 "(tcp|udp:[hostaddr]:hostport-[guestaddr]:guestport)",
				 text, what);
}

/*
 * Take an address, in brackets or up to a colon, and the colon. False: there is none, or it is too long.
 * In brackets is IPv6.
 */
static bool take_address(const char **at, char address[AX_NET_ADDRESS_SIZE])
{
	bool brackets = **at == '[';
	const char *from = *at + brackets;
	const char *end = strchr(from, brackets ? ']' : ':');
	size_t len;

	if (!end || (brackets && end[1] != ':'))
		return false;
	len = (size_t)(end - from);
	if (len >= AX_NET_ADDRESS_SIZE || (brackets && !len))
		return false;
	memcpy(address, from, len);
	address[len] = '\0';
	*at = end + 1 + brackets;
	return true;
}

/* Digits of a port up to @end. */
static bool take_port(const char **at, char end, uint16_t *port)
{
	uint32_t value = 0;
	const char *digit = *at;

	for (; *digit >= '0' && *digit <= '9' && value <= 65535; digit++)
		value = value * 10 + (uint32_t)(*digit - '0');
	if (digit == *at || *digit != end || !value || value > 65535)
		return false;
	*port = (uint16_t)value;
	*at = digit + (end != '\0');
	return true;
}

static bool is_address(const char *text)
{
	unsigned char bytes[16];

	return inet_pton(AF_INET, text, bytes) == 1 || inet_pton(AF_INET6, text, bytes) == 1;
}

int ax_net_forward_parse(const char *text, const char *guest, AxNetForward *forward, AxError *err)
{
	char guest_address[AX_NET_ADDRESS_SIZE];
	AxNetForward parsed = { 0 };
	const char *at = text;

	if (!guest)
		guest = AX_NET_USER_ADDRESS;
	if (!strncmp(at, "tcp:", 4))
		parsed.protocol = AX_NET_TCP;
	else if (!strncmp(at, "udp:", 4))
		parsed.protocol = AX_NET_UDP;
	else
		return bad(err, text, "begins with neither tcp: nor udp:");
	at += 4;
	if (!take_address(&at, parsed.host_address))
		return bad(err, text, "no host address and \":\" before the host's port");
	if (parsed.host_address[0] && !is_address(parsed.host_address))
		return bad(err, text, "the host's address is no IPv4 address, nor [IPv6]");
	if (!take_port(&at, '-', &parsed.host_port))
		return bad(err, text, "the host's port is not 1 to 65535, then \"-\"");
	if (!take_address(&at, guest_address))
		return bad(err, text, "no \":\" before the guest's port");
	if (guest_address[0] && strcmp(guest_address, guest) != 0)
		return ax_error_argument(
			err, -EINVAL,
			"port forwarding \"%.80s\": there is one guest behind this "
			"network, with address %s: leave %.47s out",
			text, guest, guest_address);
	if (!take_port(&at, '\0', &parsed.guest_port))
		return bad(err, text, "the guest's port is not 1 to 65535");
	*forward = parsed;
	return 0;
}

/* Whether somebody has the port at this address. What else is wrong with it passt says. */
static bool is_taken(const struct sockaddr *at, socklen_t size, int type)
{
	int fd = socket(at->sa_family, type | SOCK_CLOEXEC, 0), one = 1;
	bool taken;

	if (fd < 0)
		return false;
	/* As passt does: connections of TCP's that are over do not count, who listens does. */
	if (type == SOCK_STREAM)
		setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof(one));
	if (at->sa_family == AF_INET6)
		setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &one, sizeof(one));
	taken = bind(fd, at, size) && errno == EADDRINUSE;
	close(fd);
	return taken;
}

int net_forward_probe(const AxNetForward *forward, bool without_ipv6, AxError *err)
{
	const char *address = forward->host_address;
	bool any = !*address, is_udp = forward->protocol == AX_NET_UDP;
	struct sockaddr_in four = { .sin_family = AF_INET, .sin_port = htons(forward->host_port) };
	struct sockaddr_in6 six = { .sin6_family = AF_INET6,
				    .sin6_port = htons(forward->host_port) };
	int type = is_udp ? SOCK_DGRAM : SOCK_STREAM;
	bool taken = false;

	if (any || inet_pton(AF_INET, address, &four.sin_addr) == 1)
		taken = is_taken((struct sockaddr *)&four, sizeof(four), type);
	if (!taken && !without_ipv6 && (any || inet_pton(AF_INET6, address, &six.sin6_addr) == 1))
		taken = is_taken((struct sockaddr *)&six, sizeof(six), type);
	if (!taken)
		return 0;
	return ax_error_set(
		err, -EBUSY, AX_ERROR_RESOURCE, EADDRINUSE,
		"port forwarding: %s port %u of the host%s%s is in use: name another, or "
		"end who listens there",
		is_udp ? "UDP" : "TCP", forward->host_port, any ? "" : " at ", address);
}
