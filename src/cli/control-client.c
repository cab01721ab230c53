/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The client's side of a VM's control socket.
 */
#include <errno.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "cli/cli.h"
#include "cli/control-client.h"

static long long now_ms(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (long long)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

int control_link_open(struct control_link *link, const char *name, bool quiet)
{
	char path[CONTROL_PATH_SIZE];
	int fd;

	*link = (struct control_link){ .fd = -1 };
	if (!control_name_is_good(name)) {
		cli_message("%s: no VM has such a name; \"axvmm list\" lists those that run", name);
		return -EINVAL;
	}
	fd = control_find_folder(path);
	if (fd && fd != -ENOENT)
		return fd;
	if (!control_path(name, path))
		return -ENAMETOOLONG;
	fd = fd ? fd : control_connect(path);
	if (fd == -ECONNREFUSED) {
		control_remove_stale(path);
		fd = -ENOENT;
	}
	if (fd == -ENOENT && !quiet)
		cli_message("%s: no VM of this name runs; \"axvmm list\" lists those that do",
			    name);
	else if (fd < 0 && !quiet)
		cli_message("%s: %s", path, strerror(-fd));
	if (fd < 0)
		return fd;
	link->fd = fd;
	link->bytes = malloc(CONTROL_ANSWER_MAX);
	if (link->bytes)
		return 0;
	control_link_close(link);
	cli_message("there is no memory left");
	return -ENOMEM;
}

void control_link_close(struct control_link *link)
{
	if (link->fd >= 0)
		close(link->fd);
	free(link->bytes);
	*link = (struct control_link){ .fd = -1 };
}

int control_link_send(struct control_link *link, const char *line)
{
	size_t len = strlen(line);

	while (len) {
		ssize_t done = send(link->fd, line, len, MSG_NOSIGNAL);

		if (done < 0 && errno == EAGAIN) {
			struct pollfd pollfd = { .fd = link->fd, .events = POLLOUT };

			if (!poll(&pollfd, 1, CONTROL_ANSWER_MS))
				return -ETIMEDOUT;
			continue;
		}
		if (done < 0 && errno != EINTR)
			return -errno;
		if (done > 0) {
			line += done;
			len -= (size_t)done;
		}
	}
	return 0;
}

/* More bytes: 0; -ETIMEDOUT, -EPIPE, -EBADMSG. */
static int receive(struct control_link *link, int timeout_ms)
{
	struct pollfd pollfd = { .fd = link->fd, .events = POLLIN };
	ssize_t len;
	int ret;

	if (link->used == CONTROL_ANSWER_MAX)
		return -EBADMSG;
	ret = poll(&pollfd, 1, timeout_ms);
	if (!ret)
		return -ETIMEDOUT;
	len = recv(link->fd, link->bytes + link->used, CONTROL_ANSWER_MAX - link->used, 0);
	if (len < 0 && (errno == EAGAIN || errno == EINTR))
		return 0;
	if (len <= 0)
		return -EPIPE;
	link->used += (size_t)len;
	return 0;
}

int control_link_read(struct control_link *link, int timeout_ms, struct json_value **answer)
{
	long long end = now_ms() + timeout_ms;
	struct json_fault fault;
	char *newline;
	size_t len;

	*answer = NULL;
	while (!(newline = memchr(link->bytes, '\n', link->used))) {
		long long left = timeout_ms < 0 ? -1 : end - now_ms();
		int ret = timeout_ms >= 0 && left < 0 ? -ETIMEDOUT : receive(link, (int)left);

		if (ret)
			return ret;
	}
	len = (size_t)(newline - link->bytes);
	*answer = json_read(link->bytes, len, &fault);
	link->used -= len + 1;
	memmove(link->bytes, newline + 1, link->used);
	return *answer ? 0 : -EBADMSG;
}

const char *control_text(const struct json_value *answer, const char *key)
{
	const struct json_value *member = json_member(answer, key);

	return member && member->text ? member->text : "";
}

int control_link_ask(struct control_link *link, const char *line, struct json_value **answer)
{
	int ret = control_link_send(link, line);

	*answer = NULL;
	/* Who is sent away has an answer, too. */
	if (!ret || ret == -EPIPE || ret == -ECONNRESET)
		ret = control_link_read(link, CONTROL_ANSWER_MS, answer);
	if (!ret && strcmp(control_text(*answer, "ok"), "true") != 0)
		ret = -EPROTO;
	return ret;
}

int control_request(const char *name, const char *line, struct json_value **answer)
{
	struct json_value *own = NULL;
	struct control_link link;
	int ret = control_link_open(&link, name, false);

	if (!answer)
		answer = &own;
	*answer = NULL;
	if (ret)
		return ret == -EINVAL ? STATUS_USAGE : STATUS_HOST;
	ret = control_link_ask(&link, line, answer);
	control_link_close(&link);
	if (ret)
		cli_message("%s: %s", name,
			    ret == -EPROTO	? control_text(*answer, "error")
			    : ret == -ETIMEDOUT ? "the VM does not answer"
			    : ret == -EPIPE	? "the VM has just ended"
			    : ret == -EBADMSG	? "what answers is no VM of axvmm's"
						: strerror(-ret));
	if (ret) {
		json_free(*answer);
		*answer = NULL;
	}
	json_free(own);
	return ret ? STATUS_HOST : STATUS_OK;
}
