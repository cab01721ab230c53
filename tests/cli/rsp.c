/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A client of gdb's remote protocol for scripts: "rsp SOCKET <commands". Each line of standard input is
 * a command; what comes back is printed, a line each.
 *
 *   ? or any other packet    send it as it is, and print the answer
 *   monitor TEXT             the same of "monitor TEXT", as text
 *   go PACKET                send it, and wait for the stop that follows
 *   send PACKET              send it, and wait for nothing
 *   interrupt                Ctrl-C, and wait for the stop
 *   raw HEX                  send these bytes, and wait for nothing
 *   sleep MILLISECONDS
 *
 * Ends with 1 when the peer goes away, or says nothing for 30 seconds: "closed" or "silent" is printed.
 */
#include <ctype.h>
#include <poll.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

#define TEXT_MAX   40000
#define SILENCE_MS 30000

static int fd;

static void nap(long ms)
{
	nanosleep(&(struct timespec){ .tv_sec = ms / 1000, .tv_nsec = ms % 1000 * 1000000 }, NULL);
}

static void end(const char *why)
{
	puts(why);
	exit(1);
}

static void send_all(const void *bytes, size_t length)
{
	const char *at = bytes;

	while (length) {
		ssize_t sent = send(fd, at, length, MSG_NOSIGNAL);

		if (sent <= 0)
			end("closed");
		at += sent;
		length -= (size_t)sent;
	}
}

static void send_packet(const char *text)
{
	char frame[TEXT_MAX + 8];
	unsigned char sum = 0;

	for (const char *at = text; *at; at++)
		sum += (unsigned char)*at;
	snprintf(frame, sizeof(frame), "$%s#%02x", text, sum);
	send_all(frame, strlen(frame));
}

static int next_byte(void)
{
	struct pollfd ready = { .fd = fd, .events = POLLIN };
	unsigned char byte;

	if (poll(&ready, 1, SILENCE_MS) <= 0)
		end("silent");
	if (recv(fd, &byte, 1, 0) != 1)
		end("closed");
	return byte;
}

/* The next packet's text, acknowledged. */
static void get_packet(char *text)
{
	size_t length = 0;
	int byte;

	while (next_byte() != '$')
		;
	while ((byte = next_byte()) != '#') {
		if (byte == '}')
			byte = next_byte() ^ 0x20;
		if (length < TEXT_MAX - 1)
			text[length++] = (char)byte;
	}
	text[length] = 0;
	next_byte();
	next_byte();
	/* Its last word may have been this. */
	send(fd, "+", 1, MSG_NOSIGNAL);
}

static void print_answer(void)
{
	static char text[TEXT_MAX];

	get_packet(text);
	puts(text);
}

/* The byte of two hexadecimal digits at *hex, which is moved behind them; -1: there are none. */
static int take_byte(const char **hex)
{
	char digits[3] = { (*hex)[0], (*hex)[0] ? (*hex)[1] : '\0', '\0' };

	if (strspn(digits, "0123456789abcdefABCDEF") != 2)
		return -1;
	*hex += 2;
	return (int)strtoul(digits, NULL, 16);
}

static void put_text(const char *hex)
{
	int value;

	while ((value = take_byte(&hex)) >= 0)
		putchar(value);
}

static void print_text(void)
{
	static char text[TEXT_MAX];
	bool more;

	do {
		get_packet(text);
		/* Pieces come before the answer. */
		more = text[0] == 'O' && text[1] != 'K';
		put_text(text + more);
	} while (more);
}

static void monitor(const char *command)
{
	char packet[600] = "qRcmd,";
	size_t length = strlen(packet);

	for (; *command && length < sizeof(packet) - 3; command++, length += 2)
		snprintf(packet + length, 3, "%02x", (unsigned char)*command);
	send_packet(packet);
	print_text();
}

static void send_raw(const char *hex)
{
	int value;

	while ((value = take_byte(&hex)) >= 0)
		send_all(&(unsigned char){ (unsigned char)value }, 1);
}

static void take(char *line)
{
	if (!strncmp(line, "monitor ", 8)) {
		monitor(line + 8);
	} else if (!strncmp(line, "go ", 3)) {
		send_packet(line + 3);
		print_answer();
	} else if (!strncmp(line, "send ", 5)) {
		send_packet(line + 5);
	} else if (!strcmp(line, "interrupt")) {
		send_all("\3", 1);
		print_answer();
	} else if (!strncmp(line, "raw ", 4)) {
		send_raw(line + 4);
	} else if (!strncmp(line, "sleep ", 6)) {
		nap(strtol(line + 6, NULL, 10));
	} else {
		send_packet(line);
		print_answer();
	}
}

int main(int argc, char **argv)
{
	struct sockaddr_un name = { .sun_family = AF_UNIX };
	static char line[TEXT_MAX];

	if (argc != 2 || strlen(argv[1]) >= sizeof(name.sun_path))
		return 2;
	strcpy(name.sun_path, argv[1]);
	setvbuf(stdout, NULL, _IOLBF, 0);
	fd = socket(AF_UNIX, SOCK_STREAM, 0);
	/* The command may not listen yet. */
	for (unsigned tries = 0; connect(fd, (struct sockaddr *)&name, sizeof(name)); tries++) {
		if (tries == 300)
			end("closed");
		nap(100);
	}
	while (fgets(line, sizeof(line), stdin)) {
		line[strcspn(line, "\n")] = 0;
		if (*line)
			take(line);
	}
	close(fd);
	return 0;
}
