/* SPDX-License-Identifier: Apache-2.0 */
/*
 * User networking over a real passt, on the host's loopback alone: an address by DHCP, a forwarded port,
 * and how passt begins and ends.
 */
#include <arpa/inet.h>
#include <fcntl.h>
#include <net/if.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>

#include "tests/temporary.h"
#include "tests/unit/net_fixture.h"
#include "tests/unit/net_guest.h"

#define GUEST_IP 0x0a00020fu /* AX_NET_USER_ADDRESS */
#define ROUNDS	 5000	     /* of a millisecond at most */

static struct sockaddr_in loopback(uint16_t port)
{
	return (struct sockaddr_in){ .sin_family = AF_INET,
				     .sin_port = htons(port),
				     .sin_addr = { htonl(INADDR_LOOPBACK) } };
}

/* A port that nobody has; *fd, when wanted, listens on it. */
static uint16_t free_port(int *fd)
{
	struct sockaddr_in at = loopback(0);
	socklen_t len = sizeof(at);
	int own = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

	ck_assert_int_eq(bind(own, (struct sockaddr *)&at, sizeof(at)), 0);
	ck_assert_int_eq(listen(own, 1), 0);
	ck_assert_int_eq(getsockname(own, (struct sockaddr *)&at, &len), 0);
	if (fd)
		*fd = own;
	else
		close(own);
	return ntohs(at.sin_port);
}

static int connect_to(uint16_t port)
{
	struct sockaddr_in to = loopback(port);
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

	if (!connect(fd, (struct sockaddr *)&to, sizeof(to))) {
		ck_assert_int_eq(fcntl(fd, F_SETFL, O_NONBLOCK), 0);
		return fd;
	}
	close(fd);
	return -1;
}

static struct net_test *new_test(const AxNetUserConfig *given)
{
	struct net_test *test = calloc(1, sizeof(*test));
	AxNetUserConfig config = *given;
	AxError err = AX_ERROR_INIT;
	AxNet *net = NULL;

	ck_assert_ptr_nonnull(test);
	test->peer = -1;
	config.lost = net_lost;
	config.lost_opaque = test;
	ck_assert_msg(!ax_net_open_user(&config, &net, &err), "%s", err.message);
	ck_assert_str_eq(ax_net_name(net), "passt");
	net_test_attach(test, net, 0);
	return test;
}

static void step(struct guest *guest)
{
	if (!guest_poll(guest))
		ax_loop_dispatch(guest->drv->host, 1, NULL);
}

static struct guest *new_guest(struct net_test *test)
{
	struct guest *guest = calloc(1, sizeof(*guest));

	ck_assert_ptr_nonnull(guest);
	drv_start(test->drv, DRV_ALL);
	guest_begin(guest, test->drv, 0, net_mac, GUEST_IP, 2048);
	guest->checks_sums = true;
	guest_dhcp_discover(guest);
	for (unsigned i = 0; i < ROUNDS && !guest->leased; i++)
		step(guest);
	return guest;
}

static void check_lease(const struct guest *guest)
{
	ck_assert_uint_eq(guest->leased, GUEST_IP);
	ck_assert_uint_eq(guest->router, 0x0a000202);
}

START_TEST(the_guest_gets_its_address)
{
	AxNetUserConfig config = AX_NET_USER_CONFIG_INIT;
	struct net_test *test;
	struct guest *guest;

	if (_i)
		config.mtu = 1400;
	test = new_test(&config);
	guest = new_guest(test);
	check_lease(guest);
	ck_assert_uint_eq(guest->mtu, _i ? 1400 : AX_NET_USER_MTU);
	ck_assert_uint_eq(drv_config(test->drv, NET_CONFIG_MTU, 2), guest->mtu);
	free(guest);
	net_test_free(test);
}
END_TEST

START_TEST(another_network_has_a_gateway_of_its_own)
{
	static const struct {
		const char *address;
		uint32_t prefix, ip, router;
	} rows[] = { { "192.168.77.9", 0, 0xc0a84d09, 0xc0a84d02 },
		     { "192.168.77.2", 24, 0xc0a84d02, 0xc0a84d01 },
		     { "172.20.1.1", 16, 0xac140101, 0xac140002 } };
	AxNetUserConfig config = AX_NET_USER_CONFIG_INIT;
	struct net_test *test;
	struct guest *guest;

	config.address = rows[_i].address;
	config.prefix = rows[_i].prefix;
	test = new_test(&config);
	guest = new_guest(test);
	ck_assert_uint_eq(guest->leased, rows[_i].ip);
	ck_assert_uint_eq(guest->router, rows[_i].router);
	free(guest);
	net_test_free(test);
}
END_TEST

START_TEST(a_forwarded_port_leads_to_the_guest)
{
	AxNetUserConfig config = AX_NET_USER_CONFIG_INIT;
	static uint8_t bytes[60000], got[60000];
	struct net_test *test;
	AxNetForward forward;
	struct guest *guest;
	size_t sent = 0, len = 0;
	char text[80];
	uint16_t port = free_port(NULL);
	int fd;

	snprintf(text, sizeof(text), "tcp:127.0.0.1:%u-:8080", port);
	ck_assert_int_eq(ax_net_forward_parse(text, NULL, &forward, NULL), 0);
	config.forwards = &forward;
	config.forward_count = 1;
	test = new_test(&config);
	guest = new_guest(test);
	check_lease(guest);
	guest->port = 8080;
	fd = connect_to(port);
	ck_assert_int_ge(fd, 0);
	/*
	 * The host speaks first: passt of March 2023 leaves out the handshake's last segment, so that the
	 * guest takes the connection for open with the first data.
	 */
	net_fill(bytes, sizeof(bytes), 1);
	for (unsigned i = 0; i < ROUNDS && guest->bytes < sizeof(bytes); i++) {
		ssize_t part = send(fd, bytes + sent, sizeof(bytes) - sent, 0);

		sent += part > 0 ? (size_t)part : 0;
		step(guest);
	}
	ck_assert_uint_eq(guest->bytes, sizeof(bytes));
	ck_assert_uint_eq(guest->bad_sums, 0);
	guest_tcp_send(guest, bytes, 1000);
	for (unsigned i = 0; i < ROUNDS && len < 1000; i++) {
		ssize_t part = recv(fd, got + len, sizeof(got) - len, 0);

		len += part > 0 ? (size_t)part : 0;
		step(guest);
	}
	ck_assert_uint_eq(len, 1000);
	net_check(got, 1000, 1);
	/* The port is free as soon as the net is. */
	free(guest);
	net_test_free(test);
	ck_assert_int_eq(connect_to(port), -1);
	close(fd);
}
END_TEST

/* At the address itself, and at one of all, where passt would be content with IPv6. */
START_TEST(a_port_that_is_taken_is_an_error_that_says_so)
{
	AxNetUserConfig config = AX_NET_USER_CONFIG_INIT;
	AxNetForward forward = { .guest_port = 22 };
	AxError err = AX_ERROR_INIT;
	AxNet *net = NULL;
	char text[8];
	int fd;

	if (_i)
		strcpy(forward.host_address, "127.0.0.1");
	forward.host_port = free_port(&fd);
	config.forwards = &forward;
	config.forward_count = 1;
	ck_assert_int_eq(ax_net_open_user(&config, &net, &err), -EBUSY);
	snprintf(text, sizeof(text), "%u", forward.host_port);
	ck_assert_msg(strstr(err.message, text) != NULL, "%s", err.message);
	ck_assert_msg(!strstr(err.message, "syslog"), "%s", err.message);
	close(fd);
}
END_TEST

/* The number that passt wrote, once it is there; 0. */
static pid_t pid_of(const char *path)
{
	FILE *file = fopen(path, "r");
	char text[32] = "";

	if (!file)
		return 0;
	if (!fgets(text, sizeof(text), file))
		text[0] = '\0';
	fclose(file);
	return (pid_t)strtol(text, NULL, 10);
}

START_TEST(a_passt_that_dies_takes_the_link_down)
{
	AxNetUserConfig config = AX_NET_USER_CONFIG_INIT;
	char folder[TEMPORARY_SIZE], path[80];
	const char *const arguments[] = { "-P", path, NULL };
	struct net_test *test;
	struct guest *guest;
	pid_t pid;

	ck_assert(temporary_folder(folder, "passt"));
	/* As root passt becomes another user before it writes there. */
	ck_assert_int_eq(chmod(folder, 0777), 0);
	snprintf(path, sizeof(path), "%s/pid", folder);
	config.arguments = arguments;
	test = new_test(&config);
	guest = new_guest(test);
	check_lease(guest);
	pid = pid_of(path);
	unlink(path);
	rmdir(folder);
	ck_assert_int_gt(pid, 1);
	ck_assert_int_eq(kill(pid, SIGKILL), 0);
	for (unsigned i = 0; i < ROUNDS && !test->lost; i++)
		step(guest);
	ck_assert_uint_eq(test->lost, 1);
	ck_assert_msg(strstr(test->message, "passt") != NULL, "%s", test->message);
	ck_assert_uint_eq(drv_config(test->drv, NET_CONFIG_STATUS, 2), 0);
	guest_send(guest, NULL, guest->frame, 60);
	free(guest);
	net_test_free(test);
}
END_TEST

START_TEST(children_of_others_are_left_alone)
{
	AxNetUserConfig config = AX_NET_USER_CONFIG_INIT;
	AxError err = AX_ERROR_INIT;
	AxNet *net = NULL;
	int status;
	pid_t pid = fork();

	if (!pid)
		_exit(7);
	ck_assert_int_gt(pid, 0);
	ck_assert_msg(!ax_net_open_user(&config, &net, &err), "%s", err.message);
	ax_net_free(net);
	ck_assert_int_eq(waitpid(pid, &status, 0), pid);
	ck_assert_int_eq(WEXITSTATUS(status), 7);
	/* There is none of ours. */
	ck_assert_int_eq(waitpid(-1, &status, WNOHANG), -1);
	ck_assert_int_eq(errno, ECHILD);
}
END_TEST

/* Nobody can wait for children then: passt is known to work all the same, and to fail. */
START_TEST(ignored_children_are_no_hindrance)
{
	AxNetUserConfig config = AX_NET_USER_CONFIG_INIT;
	AxError err = AX_ERROR_INIT;
	AxNet *net = NULL;

	signal(SIGCHLD, SIG_IGN);
	ck_assert_msg(!ax_net_open_user(&config, &net, &err), "%s", err.message);
	ax_net_free(net);
	config.passt = "false";
	ck_assert_int_eq(ax_net_open_user(&config, &net, &err), -EIO);
	signal(SIGCHLD, SIG_DFL);
}
END_TEST

/* Standard descriptors that are closed: passt's must not be taken for them. */
START_TEST(closed_standard_descriptors_are_no_hindrance)
{
	AxNetUserConfig config = AX_NET_USER_CONFIG_INIT;
	AxError err = AX_ERROR_INIT;
	AxNet *net = NULL;
	int kept[3], ret;

	fflush(NULL);
	for (int i = 0; i < 3; i++) {
		kept[i] = fcntl(i, F_DUPFD_CLOEXEC, 10);
		close(i);
	}
	ret = ax_net_open_user(&config, &net, &err);
	ax_net_free(net);
	for (int i = 0; i < 3; i++) {
		dup2(kept[i], i);
		close(kept[i]);
	}
	ck_assert_msg(!ret, "%s", err.message);
}
END_TEST

/*
 * A host without a route, and so without addresses that passt could take: newer ones say nothing of it, and
 * use 169.254.2.1. So passt is told of the loopback interface in its first line, which is written down here.
 */
START_TEST(a_host_that_is_alone_has_a_network)
{
	AxNetUserConfig config = AX_NET_USER_CONFIG_INIT;
	struct ifreq request = { .ifr_name = "lo", .ifr_flags = IFF_UP };
	char folder[TEMPORARY_SIZE], program[80], lines[80], text[512] = "";
	struct net_test *test;
	struct guest *guest;
	FILE *file;
	int fd;

	if (unshare(CLONE_NEWNET)) {
		fprintf(stderr, "not shown: no network namespace may be made here: %m\n");
		return;
	}
	fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	ck_assert_int_eq(ioctl(fd, SIOCSIFFLAGS, &request), 0);
	close(fd);
	ck_assert(temporary_folder(folder, "passt"));
	snprintf(program, sizeof(program), "%s/passt", folder);
	snprintf(lines, sizeof(lines), "%s/lines", folder);
	file = fopen(program, "w");
	ck_assert_ptr_nonnull(file);
	fprintf(file, "#!/bin/sh\necho \"$*\" >>%s\nexec passt \"$@\"\n", lines);
	fclose(file);
	ck_assert_int_eq(chmod(program, 0700), 0);
	config.passt = program;
	test = new_test(&config);
	guest = new_guest(test);
	check_lease(guest);
	free(guest);
	net_test_free(test);
	file = fopen(lines, "r");
	ck_assert_ptr_nonnull(file);
	ck_assert_ptr_nonnull(fgets(text, sizeof(text), file));
	ck_assert_msg(strstr(text, " -i lo -4") != NULL, "%s", text);
	ck_assert_ptr_null(fgets(text, sizeof(text), file));
	fclose(file);
	unlink(lines);
	unlink(program);
	rmdir(folder);
}
END_TEST

START_TEST(one_that_says_more_and_more_is_not_waited_for)
{
	/* Over the socket, or of what went wrong. It lives until what it writes to is closed. */
	static const char *const floods[] = {
		"#!/bin/sh\nyes >&3 2>/dev/null &\n",
		"#!/bin/sh\nfor i in 1 2 3 4; do dd if=/dev/zero bs=1M >&2 & done\n"
	};
	const char *flood = floods[_i];
	AxNetUserConfig config = AX_NET_USER_CONFIG_INIT;
	char program[TEMPORARY_SIZE];
	AxError err = AX_ERROR_INIT;
	AxNet *net = NULL;
	int fd = temporary_file(program, "passt");

	ck_assert_int_eq(write(fd, flood, strlen(flood)), strlen(flood));
	ck_assert_int_eq(fchmod(fd, 0700), 0);
	close(fd);
	config.passt = program;
	ck_assert_msg(!ax_net_open_user(&config, &net, &err), "%s", err.message);
	ax_net_free(net);
	unlink(program);
}
END_TEST

static Suite *suite(void)
{
	Suite *s = suite_create("net_passt");
	TCase *tc = tcase_create("passt");

	tcase_set_timeout(tc, 60);
	tcase_add_loop_test(tc, the_guest_gets_its_address, 0, 2);
	tcase_add_loop_test(tc, another_network_has_a_gateway_of_its_own, 0, 3);
	tcase_add_test(tc, a_forwarded_port_leads_to_the_guest);
	tcase_add_loop_test(tc, a_port_that_is_taken_is_an_error_that_says_so, 0, 2);
	tcase_add_test(tc, a_passt_that_dies_takes_the_link_down);
	tcase_add_test(tc, children_of_others_are_left_alone);
	tcase_add_test(tc, ignored_children_are_no_hindrance);
	tcase_add_test(tc, closed_standard_descriptors_are_no_hindrance);
	tcase_add_loop_test(tc, one_that_says_more_and_more_is_not_waited_for, 0, 2);
	/* Last, for a process that runs all tests itself. */
	tcase_add_test(tc, a_host_that_is_alone_has_a_network);
	suite_add_tcase(s, tc);
	return s;
}

int main(void)
{
	if (getenv("AXVMM_UNDER_VALGRIND")) {
		printf("SKIP: valgrind has no pidfd_open(2), by which passt is waited for\n");
		return 77;
	}
	if (system("passt --version >/dev/null 2>&1")) {
		printf("SKIP: passt(1) is not installed, or does not run here\n");
		return 77;
	}
	return drv_suite(suite());
}
