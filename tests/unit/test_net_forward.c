/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Port forwardings as text, and configurations of nets that cannot be.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <check.h>

#include <axvmm/net.h>

START_TEST(what_is_well_formed_is_taken)
{
	static const struct {
		const char *text;
		AxNetForward want;
	} rows[] = {
		{ "tcp::2222-:22", { AX_NET_TCP, 2222, 22, "" } },
		{ "udp:127.0.0.1:5353-:53", { AX_NET_UDP, 5353, 53, "127.0.0.1" } },
		{ "tcp:0.0.0.0:1-10.0.2.15:65535", { AX_NET_TCP, 1, 65535, "0.0.0.0" } },
		{ "tcp:[::1]:65535-:1", { AX_NET_TCP, 65535, 1, "::1" } },
		{ "udp:[fe80::1:2]:00080-:080", { AX_NET_UDP, 80, 80, "fe80::1:2" } },
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		AxError err = AX_ERROR_INIT;
		AxNetForward got;

		ck_assert_msg(!ax_net_forward_parse(rows[i].text, NULL, &got, &err), "%s",
			      err.message);
		ck_assert_uint_eq(got.protocol, rows[i].want.protocol);
		ck_assert_uint_eq(got.host_port, rows[i].want.host_port);
		ck_assert_uint_eq(got.guest_port, rows[i].want.guest_port);
		ck_assert_str_eq(got.host_address, rows[i].want.host_address);
	}
}
END_TEST

START_TEST(what_is_not_is_refused_with_a_reason)
{
	static const char *const texts[] = {
		"",
		"tcp",
		"tcp:",
		"tcp::",
		"tcp::22",
		"tcp::22-",
		"tcp::22-:",
		"tcp:22-:22",
		"tcp::22:22",
		"tcp::22-22",
		"tcp::0-:22",
		"tcp::65536-:22",
		"tcp::4294967318-:22",
		"tcp::99999999999999999999-:22",
		"tcp::22-:65536",
		"tcp::22-:0",
		"tcp::22-:22 ",
		"tcp::-22-:22",
		"tcp::+22-:22",
		"tcp::22-:22,udp::1-:1",
		"icmp::22-:22",
		"TCP::22-:22",
		"tcp:localhost:22-:22",
		"tcp:127.0.0:22-:22",
		"tcp:::1:22-:22",
		"tcp:[::1]22-:22",
		"tcp:[::1:22-:22",
		"tcp:[]:22-:22",
		"tcp:[not-an-address]:22-:22",
		"tcp:1111111111111111111111111111111111111111111111111111111:22-:22",
	};

	for (size_t i = 0; i < sizeof(texts) / sizeof(*texts); i++) {
		AxNetForward got = { 7, 7, 7, "untouched" };
		AxError err = AX_ERROR_INIT;

		ck_assert_msg(ax_net_forward_parse(texts[i], NULL, &got, &err) == -EINVAL, "%s",
			      texts[i]);
		ck_assert_str_ne(err.message, "");
		ck_assert_str_eq(got.host_address, "untouched");
	}
}
END_TEST

START_TEST(the_guest_is_one)
{
	AxError err = AX_ERROR_INIT;
	AxNetForward got;

	ck_assert_int_eq(ax_net_forward_parse("tcp::22-10.0.2.16:22", NULL, &got, &err), -EINVAL);
	ck_assert_ptr_nonnull(strstr(err.message, "10.0.2.15"));
	ck_assert_int_eq(ax_net_forward_parse("tcp::22-10.0.2.16:22", "10.0.2.16", &got, &err), 0);
}
END_TEST

static void refused(const AxNetUserConfig *config, int ret, const char *why)
{
	AxError err = AX_ERROR_INIT;
	AxNet *net = NULL;

	ck_assert_int_eq(ax_net_open_user(config, &net, &err), ret);
	ck_assert_msg(strstr(err.message, why) != NULL, "%s", err.message);
}

START_TEST(user_networks_that_cannot_be_are_refused)
{
	AxNetUserConfig config = AX_NET_USER_CONFIG_INIT;
	AxNetForward forward = { AX_NET_TCP, 0, 22, "" };

	config.address = "10.0.2";
	refused(&config, -EINVAL, "10.0.2");
	config = (AxNetUserConfig)AX_NET_USER_CONFIG_INIT;
	config.gateway = "::1";
	refused(&config, -EINVAL, "::1");
	config = (AxNetUserConfig)AX_NET_USER_CONFIG_INIT;
	config.prefix = 31;
	refused(&config, -EINVAL, "31");
	config = (AxNetUserConfig)AX_NET_USER_CONFIG_INIT;
	config.mtu = 65521;
	refused(&config, -EINVAL, "65521");
	config = (AxNetUserConfig)AX_NET_USER_CONFIG_INIT;
	config.flags = 1u << 31;
	refused(&config, -EINVAL, "flags");
	config = (AxNetUserConfig)AX_NET_USER_CONFIG_INIT;
	config.forward_count = 1;
	refused(&config, -EINVAL, "NULL");
	config.forwards = &forward;
	refused(&config, -EINVAL, "forwarding 0");
}
END_TEST

START_TEST(a_program_that_is_not_there_is_named)
{
	AxNetUserConfig config = AX_NET_USER_CONFIG_INIT;

	config.passt = "no-such-program-as-this";
	refused(&config, -ENOENT, "package passt");
	config.passt = "/nowhere/passt";
	refused(&config, -ENOENT, "/nowhere/passt");
}
END_TEST

/* What a program says before it fails becomes the message; how it ends, too. */
START_TEST(what_the_program_says_is_the_message)
{
	AxNetUserConfig config = AX_NET_USER_CONFIG_INIT;

	/* "false" ignores passt's arguments. */
	config.passt = "false";
	refused(&config, -EIO, "without saying why");
	/* "ls" does not know them. */
	config.passt = "ls";
	refused(&config, -EIO, "unrecognized option");
}
END_TEST

/* A port that this test has at a loopback address. -1: the host lacks the family. */
static int take_port(int family, int type, uint16_t *port)
{
	struct sockaddr_in6 six = { .sin6_family = AF_INET6, .sin6_addr = IN6ADDR_LOOPBACK_INIT };
	struct sockaddr_in four = { .sin_family = AF_INET,
				    .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	struct sockaddr *at =
		family == AF_INET ? (struct sockaddr *)&four : (struct sockaddr *)&six;
	socklen_t len = family == AF_INET ? sizeof(four) : sizeof(six);
	int fd = socket(family, type, 0), one = 1;

	if (fd < 0)
		return -1;
	if (family == AF_INET6)
		setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &one, sizeof(one));
	if (bind(fd, at, len) || (type == SOCK_STREAM && listen(fd, 1))) {
		close(fd);
		return -1;
	}
	ck_assert_int_eq(getsockname(fd, at, &len), 0);
	*port = ntohs(family == AF_INET ? four.sin_port : six.sin6_port);
	return fd;
}

START_TEST(a_port_of_the_host_that_is_taken_is_named)
{
	static const struct {
		int family, type;
		const char *address;
	} cases[] = {
		{ AF_INET, SOCK_STREAM, "" },  { AF_INET, SOCK_STREAM, "127.0.0.1" },
		{ AF_INET, SOCK_DGRAM, "" },   { AF_INET, SOCK_DGRAM, "127.0.0.1" },
		{ AF_INET6, SOCK_STREAM, "" }, { AF_INET6, SOCK_STREAM, "::1" },
	};
	AxNetUserConfig config = AX_NET_USER_CONFIG_INIT;
	AxNetForward forward = { .guest_port = 22 };
	char text[40];
	int fd = take_port(cases[_i].family, cases[_i].type, &forward.host_port);

	if (fd < 0)
		return;
	config.passt = "false";
	config.forwards = &forward;
	config.forward_count = 1;
	forward.protocol = cases[_i].type == SOCK_DGRAM ? AX_NET_UDP : AX_NET_TCP;
	snprintf(forward.host_address, sizeof(forward.host_address), "%s", cases[_i].address);
	snprintf(text, sizeof(text), "%s port %u of the host",
		 cases[_i].type == SOCK_DGRAM ? "UDP" : "TCP", forward.host_port);
	/* A host without a way out has a network of IPv4 alone. */
	if (cases[_i].family == AF_INET) {
		refused(&config, -EBUSY, text);
		refused(&config, -EBUSY, "is in use");
	}
	/* The other protocol, and a network without this family, have it still. */
	config.flags = AX_NET_USER_NO_IPV6;
	if (cases[_i].family == AF_INET)
		forward.protocol = cases[_i].type == SOCK_DGRAM ? AX_NET_TCP : AX_NET_UDP;
	refused(&config, -EIO, "false");
	close(fd);
}
END_TEST

START_TEST(sockets_that_cannot_be_are_refused)
{
	AxNetSocketConfig config = AX_NET_SOCKET_CONFIG_INIT;
	AxError err = AX_ERROR_INIT;
	AxNet *net = NULL;
	char path[200];
	int fds[2];

	ck_assert_int_eq(ax_net_open_socket(&config, &net, &err), -EINVAL);
	config.path = "";
	ck_assert_int_eq(ax_net_open_socket(&config, &net, &err), -EINVAL);
	memset(path, 'x', sizeof(path) - 1);
	path[sizeof(path) - 1] = '\0';
	config.path = path;
	ck_assert_int_eq(ax_net_open_socket(&config, &net, &err), -EINVAL);
	config.path = "/nowhere/at/all";
	ck_assert_int_eq(ax_net_open_socket(&config, &net, &err), -ENOENT);
	config.fd = 0;
	ck_assert_int_eq(ax_net_open_socket(&config, &net, &err), -EINVAL);
	config.path = NULL;
	ck_assert_int_eq(pipe(fds), 0);
	config.fd = fds[0];
	ck_assert_int_eq(ax_net_open_socket(&config, &net, &err), -EINVAL);
	close(fds[0]);
	close(fds[1]);
	/* On failure the descriptor is the caller's, on success the net's. */
	ck_assert_int_eq(socketpair(AF_UNIX, SOCK_STREAM, 0, fds), 0);
	config.fd = fds[0];
	ck_assert_int_eq(ax_net_open_socket(&config, &net, &err), 0);
	ck_assert_str_eq(ax_net_name(net), "socket");
	ax_net_free(net);
	ck_assert_int_eq(read(fds[1], path, 1), 0);
	close(fds[1]);
	ax_net_free(NULL);
}
END_TEST

int main(void)
{
	Suite *s = suite_create("net_forward");
	TCase *tc = tcase_create("net");
	SRunner *runner;
	int failed;

	tcase_add_test(tc, what_is_well_formed_is_taken);
	tcase_add_test(tc, what_is_not_is_refused_with_a_reason);
	tcase_add_test(tc, the_guest_is_one);
	tcase_add_test(tc, user_networks_that_cannot_be_are_refused);
	if (getenv("AXVMM_UNDER_VALGRIND")) {
		printf("SKIP: programs that are started: valgrind has no pidfd_open(2)\n");
	} else {
		tcase_add_test(tc, a_program_that_is_not_there_is_named);
		tcase_add_test(tc, what_the_program_says_is_the_message);
	}
	tcase_add_loop_test(tc, a_port_of_the_host_that_is_taken_is_named, 0, 6);
	tcase_add_test(tc, sockets_that_cannot_be_are_refused);
	suite_add_tcase(s, tc);
	runner = srunner_create(s);
	srunner_run_all(runner, CK_ENV);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
