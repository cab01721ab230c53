/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Talks to a Unix stream socket, so that the tests need no program that can.
 *
 * usage: talk PATH STEP...
 *   send:TEXT   send TEXT; \n and \xHH are what they are in C
 *   flood:N     send N bytes 'x', until the other side has closed
 *   line        print the next line that comes
 *   closed      wait until the other side has closed
 *   pause:MS    wait so many milliseconds
 *   more:N      open N more connections, which stay
 * Exit status: 0; 1 a step did not come true within 20 seconds: standard error says which; 2 nobody
 * listens.
 */
#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#define LIMIT_MS 20000

static void fail(const char *step, const char *why)
{
	fprintf(stderr, "talk: %s: %s\n", step, why);
	exit(1);
}

static int dial(const char *path)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	int fd = socket(AF_UNIX, SOCK_STREAM, 0);

	if (fd < 0 || strlen(path) >= sizeof(address.sun_path))
		return -1;
	memcpy(address.sun_path, path, strlen(path) + 1);
	if (connect(fd, (struct sockaddr *)&address, sizeof(address))) {
		close(fd);
		return -1;
	}
	return fd;
}

static int digit(char c)
{
	return c >= '0' && c <= '9' ? c - '0' : c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

static long number(const char *text)
{
	return strtol(text, NULL, 10);
}

static void send_text(int fd, const char *text, const char *step)
{
	char bytes[8192];
	size_t len = 0;

	for (; *text && len < sizeof(bytes); text++) {
		if (text[0] == '\\' && text[1] == 'n') {
			bytes[len++] = '\n';
			text++;
		} else if (text[0] == '\\' && text[1] == 'x' && digit(text[2]) >= 0 &&
			   digit(text[3]) >= 0) {
			bytes[len++] = (char)(digit(text[2]) << 4 | digit(text[3]));
			text += 3;
		} else {
			bytes[len++] = *text;
		}
	}
	if (send(fd, bytes, len, MSG_NOSIGNAL) != (ssize_t)len)
		fail(step, strerror(errno));
}

static void flood(int fd, long count)
{
	while (count-- > 0 && send(fd, "x", 1, MSG_NOSIGNAL) == 1)
		;
}

static bool wait_for(int fd)
{
	struct pollfd pollfd = { .fd = fd, .events = POLLIN };

	return poll(&pollfd, 1, LIMIT_MS) > 0;
}

static void print_line(int fd, const char *step)
{
	char byte = 0;

	while (byte != '\n') {
		if (!wait_for(fd))
			fail(step, "nothing comes");
		if (recv(fd, &byte, 1, 0) != 1)
			fail(step, "closed");
		putchar(byte);
	}
	fflush(stdout);
}

static void wait_closed(int fd, const char *step)
{
	char bytes[256];

	do {
		if (!wait_for(fd))
			fail(step, "it is still open");
	} while (recv(fd, bytes, sizeof(bytes), 0) > 0);
}

int main(int argc, char **argv)
{
	int fd = argc > 1 ? dial(argv[1]) : -1;

	if (fd < 0)
		return 2;
	for (int i = 2; i < argc; i++) {
		const char *step = argv[i];

		if (!strncmp(step, "send:", 5))
			send_text(fd, step + 5, step);
		else if (!strncmp(step, "flood:", 6))
			flood(fd, number(step + 6));
		else if (!strcmp(step, "line"))
			print_line(fd, step);
		else if (!strcmp(step, "closed"))
			wait_closed(fd, step);
		else if (!strncmp(step, "pause:", 6))
			usleep((useconds_t)number(step + 6) * 1000);
		else if (!strncmp(step, "more:", 5))
			for (long more = number(step + 5); more > 0; more--)
				dial(argv[1]);
		else
			fail(step, "no such step");
	}
	return 0;
}
