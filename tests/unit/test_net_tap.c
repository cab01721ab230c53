/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The network device over real tap interfaces: in a network namespace of its own the host's kernel talks
 * to a small guest. Needs the right to make such a namespace, and /dev/net/tun.
 */
#include <arpa/inet.h>
#include <fcntl.h>
#include <net/if.h>
#include <poll.h>
#include <sched.h>
#include <stdio.h>
#include <sys/ioctl.h>

#include <linux/if_tun.h>

#include "tests/unit/net_fixture.h"
#include "tests/unit/net_guest.h"

#define HOST_IP	   0xc0000201u /* 192.0.2.1 */
#define GUEST_IP   0xc0000202u
#define GUEST_PORT 8080
#define ROUNDS	   20000

static struct sockaddr_in address(uint32_t ip, uint16_t port)
{
	return (struct sockaddr_in){ .sin_family = AF_INET,
				     .sin_port = htons(port),
				     .sin_addr = { htonl(ip) } };
}

static void configure(const char *name, unsigned long call, struct ifreq *request)
{
	int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);

	snprintf(request->ifr_name, sizeof(request->ifr_name), "%s", name);
	ck_assert_msg(!ioctl(fd, call, request), "%s: %m", name);
	close(fd);
}

/* Give the interface the host's address, and switch it on. */
static void bring_up(const char *name)
{
	struct sockaddr_in ip = address(HOST_IP, 0), mask = address(0xffffff00u, 0);
	struct ifreq request = { 0 };

	memcpy(&request.ifr_addr, &ip, sizeof(ip));
	configure(name, SIOCSIFADDR, &request);
	memcpy(&request.ifr_netmask, &mask, sizeof(mask));
	configure(name, SIOCSIFNETMASK, &request);
	request = (struct ifreq){ .ifr_flags = IFF_UP };
	configure(name, SIOCSIFFLAGS, &request);
}

static struct net_test *new_test(uint32_t queues, bool up)
{
	struct net_test *test = calloc(1, sizeof(*test));
	AxNetTapConfig config = AX_NET_TAP_CONFIG_INIT;
	AxError err = AX_ERROR_INIT;
	AxNet *net = NULL;

	ck_assert_ptr_nonnull(test);
	test->peer = -1;
	config.name = "axtest%d";
	config.queues = queues;
	config.lost = net_lost;
	config.lost_opaque = test;
	ck_assert_msg(!ax_net_open_tap(&config, &net, &err), "%s", err.message);
	if (up)
		bring_up(ax_net_name(net));
	net_test_attach(test, net, 0);
	return test;
}

/* A TCP connection of the host's to the guest. */
static int connect_to(struct guest *guest)
{
	struct sockaddr_in to = address(GUEST_IP, GUEST_PORT);
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	struct pollfd wait = { .fd = fd, .events = POLLOUT };

	guest->port = GUEST_PORT;
	ck_assert_int_eq(connect(fd, (struct sockaddr *)&to, sizeof(to)), -1);
	ck_assert_int_eq(errno, EINPROGRESS);
	for (unsigned i = 0; i < ROUNDS && guest->tcp != TCP_OPEN; i++) {
		if (!guest_poll(guest))
			ax_loop_dispatch(guest->drv->host, 1, NULL);
	}
	ck_assert_int_eq(guest->tcp, TCP_OPEN);
	ck_assert_int_eq(poll(&wait, 1, 1000), 1);
	return fd;
}

START_TEST(the_host_pings_the_guest)
{
	struct net_test *test = new_test(0, true);
	struct sockaddr_in to = address(GUEST_IP, 0);
	/* An echo request; its sum is right. */
	uint8_t request[8] = { 8, 0, 0xf7, 0xff, 0, 0, 0, 0 }, reply[200];
	int fd = socket(AF_INET, SOCK_RAW | SOCK_CLOEXEC | SOCK_NONBLOCK, IPPROTO_ICMP);
	struct guest *guest = calloc(1, sizeof(*guest));
	ssize_t got = -1;

	ck_assert_int_ge(fd, 0);
	drv_start(test->drv, _i ? DRV_ALL : DRV_SPLIT);
	guest_begin(guest, test->drv, 0, net_mac, GUEST_IP, 2048);
	ck_assert_int_eq(sendto(fd, request, 8, 0, (struct sockaddr *)&to, sizeof(to)), 8);
	for (unsigned i = 0; i < ROUNDS && got < 0; i++) {
		if (!guest_poll(guest))
			ax_loop_dispatch(test->drv->host, 1, NULL);
		got = recv(fd, reply, sizeof(reply), 0);
	}
	ck_assert_int_eq(got, 28);
	ck_assert_uint_eq(reply[20], 0);
	ck_assert_uint_eq(guest->arps, 1);
	ck_assert_uint_eq(guest->echoes, 1);
	close(fd);
	free(guest);
	net_test_free(test);
}
END_TEST

/* A megabyte to the guest: whole, in large frames with the driver's offloads, in small ones without. */
START_TEST(the_host_sends_a_megabyte)
{
	static const uint64_t features[] = {
		DRV_ALL, DRV_SPLIT, DRV_ALL & ~(NET_GUEST_OFFLOADS | NET_F_CTRL_GUEST_OFFLOADS),
		DRV_ALL & ~NET_F_MRG_RXBUF
	};
	struct net_test *test = new_test(0, true);
	struct guest *guest = calloc(1, sizeof(*guest));
	size_t sent = 0, total = 1 << 20;
	static uint8_t bytes[65536];
	uint32_t sum = 0;
	int fd;

	drv_start(test->drv, features[_i]);
	guest_begin(guest, test->drv, 0, net_mac, GUEST_IP, _i == 3 ? 70000 : 2048);
	guest->checks_sums = _i == 2;
	fd = connect_to(guest);
	net_fill(bytes, sizeof(bytes), 5);
	for (size_t i = 0; i < sizeof(bytes); i++)
		sum += bytes[i];
	for (unsigned i = 0; i < ROUNDS && guest->bytes < total; i++) {
		size_t at = sent % sizeof(bytes);
		ssize_t part = sent < total ? send(fd, bytes + at, sizeof(bytes) - at, 0) : 0;

		sent += part > 0 ? (size_t)part : 0;
		if (!guest_poll(guest))
			ax_loop_dispatch(test->drv->host, 1, NULL);
	}
	ck_assert_uint_eq(guest->bytes, total);
	ck_assert_uint_eq(guest->sum, sum * (uint32_t)(total / sizeof(bytes)));
	ck_assert_uint_eq(guest->bad_sums, 0);
	if (_i == 2)
		ck_assert_uint_le(guest->longest, 1514);
	else
		ck_assert_uint_ge(guest->longest, 5000);
	close(fd);
	free(guest);
	net_test_free(test);
}
END_TEST

/* Frames of 30000 bytes that the host's kernel segments, and sums. */
START_TEST(the_guest_sends_large_frames)
{
	struct net_test *test = new_test(0, true);
	struct guest *guest = calloc(1, sizeof(*guest));
	static uint8_t bytes[30000], got[30000];
	int fd;

	drv_start(test->drv, _i ? DRV_ALL : DRV_SPLIT);
	guest_begin(guest, test->drv, 0, net_mac, GUEST_IP, 2048);
	fd = connect_to(guest);
	for (unsigned round = 0; round < 10; round++) {
		size_t len = 0;

		net_fill(bytes, sizeof(bytes), round);
		guest_tcp_send(guest, bytes, sizeof(bytes));
		for (unsigned i = 0; i < ROUNDS && len < sizeof(got); i++) {
			ssize_t part = recv(fd, got + len, sizeof(got) - len, 0);

			len += part > 0 ? (size_t)part : 0;
			if (part < 0 && !guest_poll(guest))
				ax_loop_dispatch(test->drv->host, 1, NULL);
		}
		ck_assert_uint_eq(len, sizeof(got));
		net_check(got, sizeof(got), round);
	}
	close(fd);
	free(guest);
	net_test_free(test);
}
END_TEST

/* Headers that make no sense are the kernel's to refuse; the device goes on. */
START_TEST(headers_that_make_no_sense_do_no_harm)
{
	static const struct guest_header headers[] = {
		{ 1, 0, 0, 0, 65535, 65535, 0 }, { 1, 1, 65535, 0, 34, 16, 0 },
		{ 1, 1, 54, 0, 34, 16, 0 },	 { 0, 255, 54, 1400, 34, 16, 0 },
		{ 255, 4, 0, 1, 0, 0, 65535 },	 { 1, 0x81, 54, 1, 34, 16, 0 },
		{ 1, 3, 42, 65535, 34, 6, 0 },	 { 1, 5, 10, 10, 10, 10, 0 },
	};
	struct net_test *test = new_test(0, true);
	struct guest *guest = calloc(1, sizeof(*guest));
	uint8_t frame[2000] = { 0 };

	drv_start(test->drv, DRV_ALL);
	guest_begin(guest, test->drv, 0, net_mac, GUEST_IP, 2048);
	for (size_t i = 0; i < sizeof(headers) / sizeof(*headers); i++) {
		guest_send(guest, &headers[i], frame, 60);
		guest_send(guest, &headers[i], frame, sizeof(frame));
	}
	ck_assert(!drv_is_broken(test->drv));
	close(connect_to(guest));
	free(guest);
	net_test_free(test);
}
END_TEST

static uint8_t command(struct net_test *test, unsigned queue, const void *bytes, uint32_t len)
{
	struct drv *drv = test->drv;
	uint64_t gpa = drv_alloc(drv, len + 1);
	struct drv_segment segments[] = { { gpa, len, false }, { gpa + len, 1, true } };

	memcpy(drv_ptr(drv, gpa), bytes, len);
	*(uint8_t *)drv_ptr(drv, gpa + len) = 0xff;
	ck_assert_int_ge(drv_add_chain(drv, queue, segments, 2, false), 0);
	drv_kick(drv, queue);
	drv_wait(drv, queue, NULL);
	return *(uint8_t *)drv_ptr(drv, gpa + len);
}

/* With one of four pairs in use all that comes arrives there; with two in use, at either. */
START_TEST(several_queues_are_attached_as_the_driver_says)
{
	struct net_test *test = new_test(4, true);
	struct guest *guests[2] = { calloc(1, sizeof(**guests)), calloc(1, sizeof(**guests)) };
	struct sockaddr_in to = address(GUEST_IP, 9);
	int fd[64];

	ck_assert_uint_eq(drv_config(test->drv, NET_CONFIG_PAIRS, 2), 4);
	drv_start(test->drv, DRV_ALL);
	guest_begin(guests[0], test->drv, 0, net_mac, GUEST_IP, 2048);
	guest_begin(guests[1], test->drv, 1, net_mac, GUEST_IP, 2048);
	for (unsigned i = 0; i < 64; i++)
		fd[i] = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	for (unsigned round = 0; round < 3; round++) {
		unsigned seen[2] = { guests[0]->frames, guests[1]->frames };

		for (unsigned i = 0; i < 64; i++)
			sendto(fd[i], "hello", 5, 0, (struct sockaddr *)&to, sizeof(to));
		for (unsigned i = 0; i < 200; i++) {
			bool first = guest_poll(guests[0]);
			bool second = guest_poll(guests[1]);

			if (first || second)
				continue;
			ax_loop_dispatch(test->drv->host, 1, NULL);
		}
		seen[0] = guests[0]->frames - seen[0];
		seen[1] = guests[1]->frames - seen[1];
		ck_assert_uint_ge(seen[0] + seen[1], round ? 64 : 3);
		if (round == 1) {
			ck_assert_uint_gt(seen[0], 0);
			ck_assert_uint_gt(seen[1], 0);
		} else {
			ck_assert_uint_eq(seen[1], 0);
		}
		if (round < 2)
			ck_assert_uint_eq(command(test, 8, round ? "\4\0\1\0" : "\4\0\2\0", 4), 0);
	}
	for (unsigned i = 0; i < 64; i++)
		close(fd[i]);
	free(guests[0]);
	free(guests[1]);
	net_test_free(test);
}
END_TEST

START_TEST(an_interface_that_is_down_drops_frames)
{
	struct net_test *test = new_test(0, false);
	struct guest *guest = calloc(1, sizeof(*guest));
	uint8_t frame[100] = { 0 };

	drv_start(test->drv, DRV_ALL);
	guest_begin(guest, test->drv, 0, net_mac, GUEST_IP, 2048);
	for (unsigned i = 0; i < 10; i++)
		guest_send(guest, NULL, frame, sizeof(frame));
	ck_assert_uint_eq(test->lost, 0);
	bring_up(ax_net_name(test->net));
	close(connect_to(guest));
	free(guest);
	net_test_free(test);
}
END_TEST

START_TEST(an_mtu_of_the_interface_is_told)
{
	struct ifreq request = { .ifr_mtu = 9000 };
	AxNetTapConfig config = AX_NET_TAP_CONFIG_INIT;
	struct net_test *test = calloc(1, sizeof(*test));
	AxNet *net = NULL;
	int fd = open("/dev/net/tun", O_RDWR | O_CLOEXEC);
	struct ifreq tap = { .ifr_name = "axmtu", .ifr_flags = IFF_TAP | IFF_NO_PI | IFF_VNET_HDR };

	ck_assert_int_eq(ioctl(fd, TUNSETIFF, &tap), 0);
	configure("axmtu", SIOCSIFMTU, &request);
	config.fds = &fd;
	ck_assert_int_eq(ax_net_open_tap(&config, &net, NULL), 0);
	ck_assert_str_eq(ax_net_name(net), "axmtu");
	test->peer = -1;
	net_test_attach(test, net, 0);
	ck_assert_uint_eq(drv_config(test->drv, NET_CONFIG_MTU, 2), 9000);
	ck_assert(drv_offered(test->drv) & NET_F_MTU);
	net_test_free(test);
}
END_TEST

START_TEST(an_interface_that_goes_takes_the_link_down)
{
	struct net_test *test;
	char command_line[100];

	if (getenv("AXVMM_TEST_WRAPPER")) {
		printf("SKIP: an interface that goes: inside an emulator the loop does not hear of "
		       "it\n");
		return;
	}
	test = new_test(0, true);
	drv_start(test->drv, DRV_ALL);
	net_give(test, 2000);
	drv_kick(test->drv, RX);
	drv_run(test->drv);
	snprintf(command_line, sizeof(command_line), "ip link del %s", ax_net_name(test->net));
	if (system(command_line)) {
		fprintf(stderr, "not shown: there is no ip(8) to remove an interface with\n");
	} else {
		drv_run(test->drv);
		ck_assert_uint_eq(test->lost, 1);
		ck_assert_msg(strstr(test->message, "gone") != NULL, "%s", test->message);
		ck_assert_uint_eq(drv_config(test->drv, NET_CONFIG_STATUS, 2), 0);
	}
	net_test_free(test);
}
END_TEST

static void refused(AxNetTapConfig *config, int ret, const char *why)
{
	AxError err = AX_ERROR_INIT;
	AxNet *net = NULL;

	ck_assert_int_eq(ax_net_open_tap(config, &net, &err), ret);
	ck_assert_msg(strstr(err.message, why) != NULL, "%s", err.message);
}

START_TEST(taps_that_cannot_be_are_refused)
{
	AxNetTapConfig config = AX_NET_TAP_CONFIG_INIT;
	AxNet *net = NULL;
	int fd = open("/dev/null", O_RDWR | O_CLOEXEC);

	config.queues = 9;
	refused(&config, -EINVAL, "9");
	config.queues = 1;
	config.name = "";
	refused(&config, -EINVAL, "1 to 15");
	config.name = "a-name-that-is-too-long";
	refused(&config, -EINVAL, "1 to 15");
	config.name = "lo";
	refused(&config, -EINVAL, "lo");
	config.name = "axbusy";
	ck_assert_int_eq(ax_net_open_tap(&config, &net, NULL), 0);
	refused(&config, -EBUSY, "in use");
	config.queues = 2;
	refused(&config, -EINVAL, "multi_queue");
	ax_net_free(net);
	config.fds = &fd;
	config.queues = 1;
	refused(&config, -EINVAL, "no tap");
	close(fd);
}
END_TEST

static Suite *suite(void)
{
	Suite *s = suite_create("net_tap");
	TCase *tc = tcase_create("tap");

	tcase_set_timeout(tc, 60);
	tcase_add_loop_test(tc, the_host_pings_the_guest, 0, 2);
	tcase_add_loop_test(tc, the_host_sends_a_megabyte, 0, 4);
	tcase_add_loop_test(tc, the_guest_sends_large_frames, 0, 2);
	tcase_add_test(tc, headers_that_make_no_sense_do_no_harm);
	tcase_add_test(tc, several_queues_are_attached_as_the_driver_says);
	tcase_add_test(tc, an_interface_that_is_down_drops_frames);
	tcase_add_test(tc, an_mtu_of_the_interface_is_told);
	tcase_add_test(tc, an_interface_that_goes_takes_the_link_down);
	tcase_add_test(tc, taps_that_cannot_be_are_refused);
	suite_add_tcase(s, tc);
	return s;
}

int main(void)
{
	int fd;

	/* All interfaces and addresses of this test are in a namespace that ends with it. */
	if (unshare(CLONE_NEWNET) && unshare(CLONE_NEWUSER | CLONE_NEWNET)) {
		printf("SKIP: no network namespace may be made here: %m\n");
		return 77;
	}
	fd = open("/dev/net/tun", O_RDWR | O_CLOEXEC);
	if (fd < 0) {
		printf("SKIP: /dev/net/tun: %m\n");
		return 77;
	}
	close(fd);
	return drv_suite(suite());
}
