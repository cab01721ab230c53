/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Control of running VMs by name: where their sockets are, and the server's side. The manual describes
 * the protocol (CONTROL PROTOCOL); the client's side is control-client.h.
 */
#ifndef AXVMM_CLI_CONTROL_H
#define AXVMM_CLI_CONTROL_H

#include <stdbool.h>
#include <stddef.h>

#include <axvmm/host.h>

#include "cli/json.h"
#include "cli/json-read.h"

/* Bytes of a VM's name. */
#define CONTROL_NAME_MAX 48

/* A request is a line of at most so many bytes, an answer so many. */
#define CONTROL_REQUEST_MAX 4096
#define CONTROL_ANSWER_MAX  (512 * 1024)

/* Clients at a time, those of them that wait for the end, and how long another may be silent. */
#define CONTROL_CLIENTS_MAX 64
#define CONTROL_WAITERS_MAX 48
#define CONTROL_SILENCE_NS  30000000000u
/* Until the next try where the host has no descriptor for a client. */
#define CONTROL_RETRY_NS 200000000u

/* Letters, digits, '.', '_', '-'; the first one a letter or a digit. */
bool control_name_is_good(const char *name);

/* control-path.c */

#define CONTROL_PATH_SIZE 108 /* as sockaddr_un has them */

/* The folder of the sockets of this user's VMs. False, after a message, when its name is too long. */
bool control_folder(char folder[CONTROL_PATH_SIZE]);

/* Whether the folder is there, and this user's alone (to root any user's): 0; -ENOENT; -EPERM it is not;
 * another negative errno. */
int control_check_folder(const char *folder);

/* Both: 0; -ENOENT; or another negative errno after a message. */
int control_find_folder(char folder[CONTROL_PATH_SIZE]);

/* The socket of @name. False, after a message, when its path is too long. */
bool control_path(const char *name, char path[CONTROL_PATH_SIZE]);

/* Connect to a VM's socket. Returns a descriptor, or a negative errno: -ECONNREFUSED nobody listens. */
int control_connect(const char *path);

/*
 * Listen at @name's socket: its folder is made if need be, and a socket that nobody listens at any
 * more is replaced. Returns a descriptor, or a negative errno after a message, if @quiet is not set.
 */
int control_listen(const char *name, char path[CONTROL_PATH_SIZE], bool quiet);

/* Remove a socket at which nobody listens any more. */
void control_remove_stale(const char *path);

/*
 * The names of this user's VMs that may run, in their order: *names, for control_names_free().
 * Returns how many, or a negative errno after a message.
 */
int control_names(char ***names);
void control_names_free(char **names, int count);

/* control.c: the server. */

struct control;
struct control_client;

/* What the server asks the run; on the host's thread. */
struct control_ops {
	/*
	 * Answer a request: members are written into the open object @answer, "ok" was not. NULL: done,
	 * or CONTROL_LATER: control_answer() follows. Else why it cannot be done, a string that stays.
	 */
	const char *(*request)(void *opaque, const char *name, const struct json_value *request,
			       struct json *answer, struct control_client *client);
};

/* What control_ops.request returns when it answers later. */
extern const char control_later[];

/* Begin to serve @name. The loop does not run yet. Returns NULL after a message if @quiet is not set. */
struct control *control_new(const char *name, bool quiet, AxHost *host,
			    const struct control_ops *ops, void *opaque);

/* Answer a request that was to be answered later: @why as control_ops.request returns it. On the host's
 * thread. */
void control_answer(struct control_client *client, const char *why);

/* The client of a request that will be answered at the end: it may be silent. NULL, or why it cannot be: as
 * control_ops.request returns it. */
const char *control_wait(struct control_client *client);

/*
 * The run is over: tell those who wait how, with members of @status and @end; close all. The loop does
 * not run any more. NULL is allowed.
 */
void control_free(struct control *control, int status, const char *end);

#endif
