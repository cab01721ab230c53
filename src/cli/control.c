/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The server of a VM's control socket. Everything runs on the loop's thread, or while the loop does
 * not run. A client's lines are answered one after the other; what it sends meanwhile waits in the
 * socket.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "cli/cli.h"
#include "cli/control.h"

const char control_later[] = "";

struct control_client {
	struct control *control;
	int fd; /* -1: the place is free */
	AxWatch *watch;
	AxTimer *silence;
	bool pending; /* control_answer() follows */
	bool asking;  /* control_ops.request is at it */
	bool told;    /* control_answer() came before that has returned */
	bool waits;   /* for the end */
	bool gone;    /* while pending: the socket is closed already */
	size_t used;  /* of request */
	size_t sent;  /* of answer */
	size_t len;   /* of answer */
	char *request; /* CONTROL_REQUEST_MAX bytes, or NULL; answer follows them, CONTROL_ANSWER_MAX bytes */
	char *answer;
};

struct control {
	AxHost *host;
	const struct control_ops *ops;
	void *opaque;
	int fd;
	AxWatch *watch;
	AxTimer *retry; /* while no descriptor is left for a client */
	char path[CONTROL_PATH_SIZE];
	struct control_client clients[CONTROL_CLIENTS_MAX];
};

static void close_client(struct control_client *client)
{
	if (client->fd < 0)
		return;
	ax_watch_free(client->watch);
	ax_timer_free(client->silence);
	client->watch = NULL;
	client->silence = NULL;
	close(client->fd);
	free(client->request);
	client->request = client->answer = NULL;
	/* A pending answer still needs the place. */
	client->gone = client->pending;
	if (!client->gone)
		client->fd = -1;
}

static void on_silence(void *opaque)
{
	close_client(opaque);
}

static void expect_more(struct control_client *client)
{
	if (!client->waits)
		ax_timer_arm(client->silence,
			     ax_host_now(client->control->host) + CONTROL_SILENCE_NS);
	ax_watch_set(client->watch, client->sent < client->len ? AX_WATCH_WRITE : AX_WATCH_READ);
}

/* An answer that does not fit is cut, and is no JSON then: none comes near. */
static void take_answer(void *opaque, const char *bytes, size_t len)
{
	struct control_client *client = opaque;
	size_t room = CONTROL_ANSWER_MAX - client->len;

	if (len > room)
		len = room;
	memcpy(client->answer + client->len, bytes, len);
	client->len += len;
}

/* Send what waits. False: the client is gone. */
static bool send_answer(struct control_client *client)
{
	while (client->sent < client->len) {
		ssize_t done = send(client->fd, client->answer + client->sent,
				    client->len - client->sent, MSG_NOSIGNAL | MSG_DONTWAIT);

		if (done < 0 && errno == EINTR)
			continue;
		if (done < 0 && errno == EAGAIN)
			return true;
		if (done <= 0)
			return false;
		client->sent += (size_t)done;
	}
	client->sent = 0;
	client->len = 0;
	return true;
}

/* End the open object of an answer. */
static void end_answer(struct json *json, const char *why)
{
	json_key(json, "ok");
	json_bool(json, !why);
	if (why) {
		json_key(json, "error");
		json_string(json, why);
	}
	json_close(json, '}');
	json_newline(json);
	json_flush(json);
}

static void begin_answer(struct control_client *client, struct json *json, char *buffer,
			 size_t size)
{
	json_init(json, buffer, size, take_answer, client);
	json_open(json, '{');
}

static const char *ask(struct control_client *client, const char *name,
		       const struct json_value *request, struct json *json)
{
	struct control *control = client->control;
	const char *why;

	client->asking = true;
	client->told = false;
	why = control->ops->request(control->opaque, name, request, json, client);
	client->asking = false;
	return why;
}

static void answer_request(struct control_client *client, const char *line, size_t len)
{
	const struct json_value *name;
	struct json_value *request;
	struct json_fault fault;
	struct json json;
	char buffer[512];
	const char *why;

	request = json_read(line, len, &fault);
	name = json_member(request, "request");
	begin_answer(client, &json, buffer, sizeof(buffer));
	if (!request)
		why = fault.what;
	else if (!name || name->type != JSON_STRING)
		why = "a request is an object with a string \"request\" in it";
	else
		why = ask(client, name->text, request, &json);
	json_free(request);
	if (why == control_later && client->told)
		return;
	if (why == control_later) {
		client->pending = true;
		client->len = 0;
		ax_watch_set(client->watch, 0);
		ax_timer_arm(client->silence, UINT64_MAX);
		return;
	}
	end_answer(&json, why);
}

/* A line without end. Nothing waits to be sent: the answer fits into the socket. */
static void refuse_line(struct control_client *client)
{
	struct json json;
	char buffer[512];

	begin_answer(client, &json, buffer, sizeof(buffer));
	end_answer(&json, "a request is a line of at most 4096 bytes");
	send_answer(client);
	close_client(client);
}

/* Answer the first whole line that has come. False: there is none, or the client is gone. */
static bool take_line(struct control_client *client)
{
	char *end = memchr(client->request, '\n', client->used);
	size_t len;

	if (!end) {
		if (client->used == CONTROL_REQUEST_MAX)
			refuse_line(client);
		return false;
	}
	len = (size_t)(end - client->request);
	answer_request(client, client->request, len);
	client->used -= len + 1;
	memmove(client->request, end + 1, client->used);
	if (client->pending)
		return false;
	if (!send_answer(client)) {
		close_client(client);
		return false;
	}
	return client->sent == client->len;
}

/* Answer what has come, and wait for more. */
static void serve(struct control_client *client)
{
	while (client->sent == client->len && take_line(client))
		;
	if (client->fd >= 0 && !client->gone && !client->pending)
		expect_more(client);
}

static void on_client(void *opaque, int fd, unsigned events)
{
	struct control_client *client = opaque;
	ssize_t len = -1;

	(void)events;
	if (client->sent < client->len) {
		if (!send_answer(client)) {
			close_client(client);
			return;
		}
	} else if (client->used < CONTROL_REQUEST_MAX) {
		len = recv(fd, client->request + client->used, CONTROL_REQUEST_MAX - client->used,
			   MSG_DONTWAIT);
		if (!len || (len < 0 && errno != EAGAIN && errno != EINTR)) {
			close_client(client);
			return;
		}
		client->used += len > 0 ? (size_t)len : 0;
	}
	serve(client);
}

/* Only this user, and root. */
static bool may_talk(int fd)
{
	struct ucred peer;
	socklen_t len = sizeof(peer);

	return !getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &peer, &len) &&
	       (peer.uid == geteuid() || !peer.uid);
}

static bool begin_client(struct control *control, struct control_client *client, int fd)
{
	client->fd = fd;
	client->pending = client->waits = client->gone = false;
	client->used = client->sent = client->len = 0;
	client->request = malloc(CONTROL_REQUEST_MAX + CONTROL_ANSWER_MAX);
	client->answer = client->request ? client->request + CONTROL_REQUEST_MAX : NULL;
	client->silence = ax_timer_new(control->host, on_silence, client);
	return client->request && client->silence &&
	       !ax_watch_new(control->host, fd, 0, on_client, client, &client->watch, NULL);
}

static void listen_again(void *opaque)
{
	struct control *control = opaque;

	ax_watch_set(control->watch, AX_WATCH_READ);
}

/* Who connected still waits: without a descriptor for it the loop would spin. */
static void listen_later(struct control *control, int error)
{
	if (error == EAGAIN || error == EINTR || error == ECONNABORTED)
		return;
	ax_watch_set(control->watch, 0);
	ax_timer_arm(control->retry, ax_host_now(control->host) + CONTROL_RETRY_NS);
}

/* It reads that before it sees that the connection is closed, whatever it has sent. */
static void send_away(int fd)
{
	static const char busy[] =
		"{\"ok\":false,\"error\":\"it is busy: so many talk to it already "
		"that it has no place for more; try again\"}\n";

	(void)send(fd, busy, sizeof(busy) - 1, MSG_NOSIGNAL | MSG_DONTWAIT);
	close(fd);
}

static void on_connection(void *opaque, int listener, unsigned events)
{
	struct control *control = opaque;
	struct control_client *client = control->clients;
	int fd;

	(void)events;
	fd = accept4(listener, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);
	if (fd < 0) {
		listen_later(control, errno);
		return;
	}
	if (!may_talk(fd)) {
		close(fd);
		return;
	}
	while (client < control->clients + CONTROL_CLIENTS_MAX && client->fd >= 0)
		client++;
	if (client == control->clients + CONTROL_CLIENTS_MAX)
		send_away(fd);
	else if (begin_client(control, client, fd))
		expect_more(client);
	else
		close_client(client);
}

struct control *control_new(const char *name, bool quiet, AxHost *host,
			    const struct control_ops *ops, void *opaque)
{
	struct control *control = calloc(1, sizeof(*control));

	if (!control) {
		cli_message("there is no memory left");
		return NULL;
	}
	control->host = host;
	control->ops = ops;
	control->opaque = opaque;
	for (unsigned i = 0; i < CONTROL_CLIENTS_MAX; i++) {
		control->clients[i].control = control;
		control->clients[i].fd = -1;
	}
	control->fd = control_listen(name, control->path, quiet);
	if (control->fd < 0) {
		free(control);
		return NULL;
	}
	control->retry = ax_timer_new(host, listen_again, control);
	if (!control->retry || ax_watch_new(host, control->fd, AX_WATCH_READ, on_connection,
					    control, &control->watch, NULL)) {
		cli_message("%s: there is no memory left", control->path);
		control_free(control, 0, NULL);
		return NULL;
	}
	return control;
}

void control_answer(struct control_client *client, const char *why)
{
	struct json json;
	char buffer[512];

	client->pending = false;
	if (client->gone) {
		client->gone = false;
		client->fd = -1;
		return;
	}
	begin_answer(client, &json, buffer, sizeof(buffer));
	end_answer(&json, why);
	/* Who asks sends it, too. */
	client->told = client->asking;
	if (client->told)
		return;
	/* It may have sent more with the request. */
	if (send_answer(client))
		serve(client);
	else
		close_client(client);
}

const char *control_wait(struct control_client *client)
{
	const struct control *control = client->control;
	unsigned waiting = 0;

	for (unsigned i = 0; i < CONTROL_CLIENTS_MAX; i++)
		waiting += control->clients[i].fd >= 0 && control->clients[i].waits;
	if (waiting >= CONTROL_WAITERS_MAX && !client->waits)
		return "it is busy: so many wait for its end already that others would find no "
		       "place";
	client->waits = true;
	ax_timer_arm(client->silence, UINT64_MAX);
	return NULL;
}

static void tell_end(struct control_client *client, int status, const char *end)
{
	struct json json;
	char buffer[512];

	client->waits = false;
	client->len = client->sent = 0;
	begin_answer(client, &json, buffer, sizeof(buffer));
	json_key(&json, "end");
	json_string(&json, end);
	json_key(&json, "status");
	json_signed(&json, status);
	end_answer(&json, NULL);
	send_answer(client);
}

void control_free(struct control *control, int status, const char *end)
{
	if (!control)
		return;
	/* First of all: who looks for it is not to find what is going. */
	unlink(control->path);
	ax_timer_free(control->retry);
	ax_watch_free(control->watch);
	control->watch = NULL;
	close(control->fd);
	for (unsigned i = 0; i < CONTROL_CLIENTS_MAX; i++) {
		struct control_client *client = &control->clients[i];

		if (client->fd >= 0 && client->waits && end)
			tell_end(client, status, end);
		if (!client->gone)
			close_client(client);
	}
	free(control);
}
