/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Commands to be measured: one argument each, with blanks between their words.
 */
#ifndef BENCH_COMMAND_H
#define BENCH_COMMAND_H

#include <stddef.h>
#include <sys/types.h>

#define COMMAND_WORDS_MOST 32

struct command {
	const char *text;		     /* as it was given; borrowed */
	char *copy;			     /* cut into words; owned: command_free() */
	char *words[COMMAND_WORDS_MOST + 1]; /* NULL-terminated */
};

/* Split @text. Ends the process with a message when it is empty or has too many words. */
void command_split(struct command *command, const char *text);
void command_free(struct command *command);

/*
 * Start it, with no input and its output discarded. Returns its process, or ends this one with a
 * message.
 */
pid_t command_start(const struct command *command);

#endif
