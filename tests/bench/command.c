/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Commands to be measured; see command.h.
 */
#include <err.h>
#include <fcntl.h>
#include <spawn.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "tests/bench/command.h"

void command_split(struct command *command, const char *text)
{
	char *rest = NULL;
	size_t count = 0;

	*command = (struct command){ .text = text, .copy = strdup(text) };
	if (!command->copy)
		err(1, "%s", text);
	for (char *word = strtok_r(command->copy, " ", &rest); word;
	     word = strtok_r(NULL, " ", &rest)) {
		if (count == COMMAND_WORDS_MOST)
			errx(1, "more than %d words: %s", COMMAND_WORDS_MOST, text);
		command->words[count++] = word;
	}
	if (!count)
		errx(1, "an empty command");
}

void command_free(struct command *command)
{
	free(command->copy);
	*command = (struct command){ 0 };
}

pid_t command_start(const struct command *command)
{
	posix_spawn_file_actions_t quiet;
	pid_t pid;
	int ret;

	if (posix_spawn_file_actions_init(&quiet) ||
	    posix_spawn_file_actions_addopen(&quiet, STDIN_FILENO, "/dev/null", O_RDONLY, 0) ||
	    posix_spawn_file_actions_addopen(&quiet, STDOUT_FILENO, "/dev/null", O_WRONLY, 0))
		err(1, "spawn");
	ret = posix_spawnp(&pid, command->words[0], &quiet, NULL, command->words, environ);
	if (ret)
		errx(1, "%s: %s", command->words[0], strerror(ret));
	posix_spawn_file_actions_destroy(&quiet);
	return pid;
}
