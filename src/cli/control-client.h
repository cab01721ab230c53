/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The client's side of a VM's control socket: a line out, a line back.
 */
#ifndef AXVMM_CLI_CONTROL_CLIENT_H
#define AXVMM_CLI_CONTROL_CLIENT_H

#include <stdbool.h>

#include "cli/control.h"

struct control_link {
	int fd;
	size_t used;
	char *bytes; /* CONTROL_ANSWER_MAX */
};

/* How long an answer may take where nothing else is said. */
#define CONTROL_ANSWER_MS 5000

/*
 * Connect to the VM @name. Returns 0, or a negative errno: -ENOENT there is none. @quiet: without a
 * message then.
 */
int control_link_open(struct control_link *link, const char *name, bool quiet);
void control_link_close(struct control_link *link);

/* Send a line, which ends with a newline. 0, or a negative errno. */
int control_link_send(struct control_link *link, const char *line);

/*
 * Wait for the next line, up to @timeout_ms; -1: for ever.
 *
 * @answer  what it says: json_free()
 * Returns 0; -ETIMEDOUT; -EPIPE the VM has closed the connection; -EBADMSG it is no answer.
 */
int control_link_read(struct control_link *link, int timeout_ms, struct json_value **answer);

/* Both, and look whether it worked: -EPROTO it did not, and *answer says why ("error"). */
int control_link_ask(struct control_link *link, const char *line, struct json_value **answer);

/* The text of a member; "" when there is none. */
const char *control_text(const struct json_value *answer, const char *key);

/* One request to one VM. Returns STATUS_OK, or STATUS_HOST after a message; *answer: NULL allowed. */
int control_request(const char *name, const char *line, struct json_value **answer);

#endif
