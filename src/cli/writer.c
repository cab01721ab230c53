/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Writing to a descriptor that may be slow, full or gone.
 */
#include <errno.h>
#include <poll.h>
#include <sys/stat.h>
#include <unistd.h>

#include "cli/writer.h"

#define LOOK_AROUND_MS 100

/* What a pipe or a terminal that reports room takes without blocking. */
#define CHUNK_MAX 256

void writer_init(struct writer *writer, int fd, const atomic_bool *hurry)
{
	struct stat status;

	*writer = (struct writer){ .fd = fd, .hurry = hurry, .can_block = true };
	if (!fstat(fd, &status) && S_ISREG(status.st_mode))
		writer->can_block = false;
}

/* Wait until the descriptor takes bytes: 0, or an errno. */
static int wait_for_room(struct writer *writer)
{
	struct pollfd pollfd = { .fd = writer->fd, .events = POLLOUT };

	for (;;) {
		int ret = poll(&pollfd, 1, LOOK_AROUND_MS);

		/* Errors and hang-ups are told by write(). */
		if (ret > 0)
			return 0;
		if (ret < 0 && errno != EINTR)
			return errno;
		if (!ret && atomic_load(writer->hurry))
			return ECANCELED;
	}
}

int writer_put(struct writer *writer, const void *bytes, size_t len)
{
	const char *at = bytes;

	while (len && !writer->error) {
		size_t chunk = len;
		ssize_t done;

		if (writer->can_block) {
			writer->error = wait_for_room(writer);
			if (writer->error)
				break;
			if (chunk > CHUNK_MAX)
				chunk = CHUNK_MAX;
		}
		done = write(writer->fd, at, chunk);
		if (done < 0 && errno != EINTR && errno != EAGAIN)
			writer->error = errno;
		if (done > 0) {
			at += done;
			len -= (size_t)done;
		}
	}
	return writer->error;
}
