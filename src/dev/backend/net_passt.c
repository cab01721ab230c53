/* SPDX-License-Identifier: Apache-2.0 */
/*
 * ax_net_open_user(): user networking by passt, which we start with one end of a socket pair (--fd).
 *
 * Without --foreground passt's first process ends when it is set up, with its verdict: that is what is
 * waited for, and all that is ever our child. The daemon that remains ends when the socket does:
 * with the net, or with this process, however it ends.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <arpa/inet.h>

#include "dev/backend/net.h"
#include "dev/backend/spawn.h"
#include "dev/dev.h"

#define PASST_LIMIT_MS 30000		   /* for its start, on a busy host from a cold disk */
#define PASST_MAC      "52:55:0a:00:02:02" /* of the gateway: no interface of the host is shown */
#define TEXT_SIZE      32
#define FIXED	       32 /* arguments at most, beside forwardings and the caller's */
#define FORWARD_SIZE   80
#define LINK_LOCAL     0xa9fe /* 169.254.0.0/16, RFC 3927 */
#define ROUTE_REJECTS  0x200  /* RTF_REJECT of route(8) */
#define ROUTE_FIELDS   10     /* at least, of a line of /proc/net/route or ipv6_route */

/* The command line; strings that are made for it are in texts. */
struct passt_line {
	const char **arguments;
	unsigned count;
	char (*forwards)[FORWARD_SIZE];
	char prefix[TEXT_SIZE], mtu[TEXT_SIZE], fd[TEXT_SIZE];
};

static void add(struct passt_line *line, const char *argument)
{
	line->arguments[line->count++] = argument;
}

static void add_option(struct passt_line *line, const char *option, const char *value)
{
	add(line, option);
	add(line, value);
}

/* -t [ADDRESS/]PORT:PORT */
static void add_forward(struct passt_line *line, unsigned index, const AxNetForward *forward)
{
	char *text = line->forwards[index];

	snprintf(text, FORWARD_SIZE, "%s%s%u:%u", forward->host_address,
		 forward->host_address[0] ? "/" : "", forward->host_port, forward->guest_port);
	add_option(line, forward->protocol == AX_NET_UDP ? "-u" : "-t", text);
}

/* @alone: the host has no route that passt could take addresses from. */
static void fill_line(struct passt_line *line, const AxNetUserConfig *config, bool alone)
{
	snprintf(line->prefix, TEXT_SIZE, "%u", config->prefix);
	snprintf(line->mtu, TEXT_SIZE, "%u", config->mtu);
	snprintf(line->fd, TEXT_SIZE, "%d", SPAWN_FD);
	line->count = 0;
	add(line, config->passt);
	add(line, "--quiet");
	add_option(line, "--fd", line->fd);
	add_option(line, "-a", config->address);
	add_option(line, "-n", line->prefix);
	add_option(line, "-g", config->gateway);
	add_option(line, "-M", PASST_MAC);
	add_option(line, "-m", line->mtu);
	add_option(line, "--dns-forward", AX_NET_USER_DNS);
	if (config->dns)
		add_option(line, "-D", config->dns);
	if (config->flags & AX_NET_USER_NO_HOST)
		add(line, "--no-map-gw");
	if (alone)
		add_option(line, "-i", "lo");
	if (alone || config->flags & AX_NET_USER_NO_IPV6)
		add(line, "-4");
	for (unsigned i = 0; i < config->forward_count; i++)
		add_forward(line, i, &config->forwards[i]);
	for (const char *const *more = config->arguments; more && *more; more++)
		add(line, *more);
	add(line, NULL);
}

static int new_line(const AxNetUserConfig *config, struct passt_line *line, AxError *err)
{
	size_t most = FIXED + 2 * (size_t)config->forward_count;

	for (const char *const *more = config->arguments; more && *more; more++)
		most++;
	*line = (struct passt_line){ .arguments = calloc(most, sizeof(*line->arguments)),
				     .forwards = calloc(config->forward_count + 1, FORWARD_SIZE) };
	return line->arguments && line->forwards ? 0 : ax_dev_error_nomem(err, "passt's arguments");
}

static void free_line(struct passt_line *line)
{
	free(line->arguments);
	free(line->forwards);
}

/* Lines that passt writes whether it succeeds or not. */
static bool is_noise(const char *text, size_t len)
{
	static const char *const noise[] = { "Failed to send ", "Don't run as root",
					     "Couldn't get any nameserver" };

	for (size_t i = 0; i < sizeof(noise) / sizeof(*noise); i++) {
		size_t part = strlen(noise[i]);

		if (len >= part && !memcmp(text, noise[i], part))
			return true;
	}
	return !len;
}

/* What passt said, in one line. */
static void say(const char *output, char *message, size_t size)
{
	size_t at = 0;

	message[0] = '\0';
	while (*output && at < size - 1) {
		size_t len = strcspn(output, "\n");

		if (!is_noise(output, len))
			at += (size_t)snprintf(message + at, size - at, "%s%.*s", at ? "; " : "",
					       (int)len, output);
		output += len + (output[len] == '\n');
	}
}

/* Whether the other end of our socket is closed: how a start fails whose status nobody knows. */
static bool is_closed(int fd)
{
	char byte;

	return recv(fd, &byte, 1, MSG_PEEK | MSG_DONTWAIT) == 0;
}

static int refused(const AxNetUserConfig *config, const struct spawn_result *result, AxError *err)
{
	char text[AX_ERROR_MESSAGE_SIZE];

	say(result->output, text, sizeof(text));
	if (result->status != -1 && WIFSIGNALED(result->status))
		return ax_error_set(err, -EIO, AX_ERROR_RESOURCE, 0,
				    "%s was killed by signal %d%s%s", config->passt,
				    WTERMSIG(result->status), *text ? ": " : "", text);
	return ax_error_set(err, -EIO, AX_ERROR_RESOURCE, 0, "%s: %s%s", config->passt,
			    *text ? text : "it ended without saying why",
			    strstr(text, "ailed to bind") ? " (ports below 1024 are root's; is the "
							    "address one of the host's?)"
							  : "");
}

/* A line of /proc/net/route begins with the interface and the destination, as the CPU reads its bytes. */
static bool leads_out4(char *const fields[])
{
	struct in_addr address = { .s_addr = (uint32_t)strtoul(fields[1], NULL, 16) };

	return strcmp(fields[0], "lo") != 0 && ntohl(address.s_addr) >> 16 != LINK_LOCAL;
}

/* /proc/net/ipv6_route: destination, the length of its prefix, six others, flags, interface. */
static bool leads_out6(char *const fields[])
{
	return strtoul(fields[1], NULL, 16) == 0 &&
	       !(strtoul(fields[8], NULL, 16) & ROUTE_REJECTS) && strcmp(fields[9], "lo") != 0;
}

/* Whether one of the routes in the file leads out. Its first ten words are a line's fields. */
static bool has_route(const char *path, bool (*leads_out)(char *const fields[]))
{
	FILE *file = fopen(path, "re");
	char line[256], *fields[ROUTE_FIELDS], *rest;
	bool found = false;

	while (file && !found && fgets(line, sizeof(line), file)) {
		unsigned count = 0;

		rest = line;
		for (char *field; count < ROUTE_FIELDS && (field = strsep(&rest, " \t\n"));) {
			if (*field)
				fields[count++] = field;
		}
		found = count == ROUTE_FIELDS && strcmp(fields[0], "Iface") != 0 &&
			leads_out(fields);
	}
	if (file)
		fclose(file);
	return found;
}

/*
 * Whether no route leads out of this host. passt fails then, or, from 2024 on, uses addresses of its own
 * (169.254.2.1) whatever it is told: it has to be told of the loopback interface from the beginning.
 */
static bool host_is_alone(void)
{
	return !access("/proc/net/route", R_OK) && !has_route("/proc/net/route", leads_out4) &&
	       !has_route("/proc/net/ipv6_route", leads_out6);
}

/* Run passt once. 1: it cannot, because the host has no route. */
static int run(const AxNetUserConfig *config, struct passt_line *line, bool alone, int *out,
	       AxError *err)
{
	struct spawn_result result;
	int pair[2], ret = 0;

	for (uint32_t i = 0; !ret && i < config->forward_count; i++)
		ret = net_forward_probe(&config->forwards[i],
					alone || config->flags & AX_NET_USER_NO_IPV6, err);
	if (ret)
		return ret;
	if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair))
		return ax_error_set(err, -EIO, AX_ERROR_RESOURCE, errno, "a pair of sockets: %s",
				    strerror(errno));
	fill_line(line, config, alone);
	ret = spawn_daemon(line->arguments, pair[1], PASST_LIMIT_MS, &result, err);
	close(pair[1]);
	/* Where processes are made without sharing memory (QEMU's user mode) a program that cannot be
	 * run is known by the status that posix_spawn() gives its child. */
	if (!ret && result.status != -1 && WIFEXITED(result.status) &&
	    WEXITSTATUS(result.status) == 127 && !result.output[0])
		ret = -ENOENT;
	if (ret == -ENOENT)
		ret = ax_error_set(err, ret, AX_ERROR_FILE, ENOENT,
				   "%s is not there: user networking needs it (package passt)",
				   config->passt);
	if (!ret && (result.status == -1 ? is_closed(pair[0]) : result.status != 0))
		ret = !alone && strstr(result.output, "xternal interface")
			      ? 1
			      : refused(config, &result, err);
	if (ret)
		close(pair[0]);
	else
		*out = pair[0];
	return ret;
}

static bool is_ipv4(const char *text)
{
	struct in_addr address;

	return inet_pton(AF_INET, text, &address) == 1;
}

static int check_forwards(const AxNetUserConfig *config, AxError *err)
{
	for (uint32_t i = 0; i < config->forward_count; i++) {
		const AxNetForward *forward = &config->forwards[i];

		if (!forward->host_port || !forward->guest_port || forward->protocol > AX_NET_UDP ||
		    !memchr(forward->host_address, '\0', sizeof(forward->host_address)))
			return ax_error_argument(err, -EINVAL,
						 "port forwarding %u is not as "
						 "ax_net_forward_parse() makes them",
						 i);
	}
	return 0;
}

static int check(const AxNetUserConfig *config, AxError *err)
{
	const char *const addresses[] = { config->address,
					  config->gateway ? config->gateway : AX_NET_USER_GATEWAY,
					  config->dns ? config->dns : AX_NET_USER_DNS };

	for (unsigned i = 0; i < 3; i++) {
		if (!is_ipv4(addresses[i]))
			return ax_error_argument(err, -EINVAL, "\"%.40s\" is no IPv4 address",
						 addresses[i]);
	}
	if (config->prefix > 30)
		return ax_error_argument(err, -EINVAL,
					 "a network's prefix has 1 to 30 bits, not %u",
					 config->prefix);
	if (config->mtu < AX_NET_MTU_MIN || config->mtu > AX_NET_USER_MTU)
		return ax_error_argument(err, -EINVAL, "a user network's MTU is %u to %u, not %u",
					 AX_NET_MTU_MIN, AX_NET_USER_MTU, config->mtu);
	if (config->flags & ~(AX_NET_USER_NO_HOST | AX_NET_USER_NO_IPV6))
		return ax_error_argument(err, -EINVAL, "AxNetUserConfig: flags 0x%x",
					 config->flags);
	if (config->forward_count && !config->forwards)
		return ax_error_argument(err, -EINVAL, "AxNetUserConfig: forwards is NULL");
	return check_forwards(config, err);
}

/* The second address of the guest's network, or the first where the second is the guest's own. */
static void make_gateway(const AxNetUserConfig *config, char text[INET_ADDRSTRLEN])
{
	struct in_addr address, gateway;
	uint32_t network;

	inet_pton(AF_INET, config->address, &address);
	network = ntohl(address.s_addr) & ~(UINT32_MAX >> config->prefix);
	gateway.s_addr = htonl(network + 2);
	if (gateway.s_addr == address.s_addr)
		gateway.s_addr = htonl(network + 1);
	inet_ntop(AF_INET, &gateway, text, INET_ADDRSTRLEN);
}

static void set_defaults(AxNetUserConfig *config)
{
	config->passt = config->passt ? config->passt : "passt";
	config->address = config->address ? config->address : AX_NET_USER_ADDRESS;
	config->prefix = config->prefix ? config->prefix : AX_NET_USER_PREFIX;
	config->mtu = config->mtu ? config->mtu : AX_NET_USER_MTU;
}

int ax_net_open_user(const AxNetUserConfig *given, AxNet **out, AxError *err)
{
	AxNetUserConfig config = AX_NET_USER_CONFIG_INIT;
	char gateway[INET_ADDRSTRLEN];
	struct passt_line line;
	int fd = -1, ret;

	ret = ax_dev_config(&config, sizeof(config), given, sizeof(config), "AxNetUserConfig", err);
	if (ret)
		return ret;
	set_defaults(&config);
	ret = check(&config, err);
	if (ret)
		return ret;
	if (!config.gateway) {
		make_gateway(&config, gateway);
		config.gateway = gateway;
	}
	ret = new_line(&config, &line, err);
	if (!ret)
		ret = host_is_alone() ? 1 : run(&config, &line, false, &fd, err);
	if (ret == 1)
		ret = run(&config, &line, true, &fd, err);
	free_line(&line);
	if (ret)
		return ret;
	ret = net_stream_new(fd, config.lost, config.lost_opaque, out, err);
	if (ret) {
		close(fd);
		return ret;
	}
	snprintf((*out)->name, sizeof((*out)->name), "passt");
	(*out)->mtu = (uint16_t)config.mtu;
	(*out)->process = true;
	return 0;
}
