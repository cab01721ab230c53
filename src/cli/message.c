/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the command says about itself: one line each, on standard error.
 */
#include <errno.h>
#include <getopt.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "cli/cli.h"

static void AX_PRINTF(1, 0) write_line(const char *format, va_list args)
{
	static const char prefix[] = "axvmm: ";
	char line[1024];
	size_t len = sizeof(prefix) - 1;
	int ret;

	memcpy(line, prefix, len);
	ret = vsnprintf(line + len, sizeof(line) - len - 1, format, args);
	if (ret < 0)
		return;
	len += (size_t)ret;
	if (len > sizeof(line) - 2)
		len = sizeof(line) - 2;
	/* One message is one line, whatever a file name in it holds. */
	for (size_t i = 0; i < len; i++) {
		if ((unsigned char)line[i] < ' ' || line[i] == 0x7f)
			line[i] = '?';
	}
	line[len++] = '\n';
	/* Nobody is left to be told that standard error cannot be written. */
	while (write(STDERR_FILENO, line, len) < 0 && errno == EINTR)
		;
}

void cli_message(const char *format, ...)
{
	va_list args;

	va_start(args, format);
	write_line(format, args);
	va_end(args);
}

int cli_usage(const char *format, ...)
{
	va_list args;

	va_start(args, format);
	write_line(format, args);
	va_end(args);
	return STATUS_USAGE;
}

int cli_failure(const char *what, const AxError *err)
{
	cli_message("%s%s", what ? what : "", err->message);
	switch (err->code) {
	case AX_ERROR_KVM_MISSING:
	case AX_ERROR_KVM_PERMISSION:
	case AX_ERROR_KVM_API: return STATUS_NO_KVM;
	case AX_ERROR_ARGUMENT: return STATUS_USAGE;
	default: return STATUS_HOST;
	}
}

/* How many long options begin with @offered, without its dashes and its value. */
static unsigned count_matches(const struct option *options, const char *offered)
{
	size_t len = strcspn(offered + 2, "=");
	unsigned matches = 0;

	for (; options->name; options++)
		matches += !strncmp(options->name, offered + 2, len);
	return matches;
}

int cli_bad_option(const char *command, int result, char **argv, const struct option *options)
{
	const char *offered = argv[optind - 1];
	char letter[3] = { '-', (char)optopt, 0 };
	const char *wrong = "unknown";

	if (result == ':')
		return cli_usage("%s needs a value; \"axvmm help %s\" says which", offered,
				 command);
	/* A long option leaves optopt 0 when it is not known, and its value when it is misused. */
	if (strncmp(offered, "--", 2) != 0)
		offered = letter;
	else if (optopt)
		return cli_usage("%s: %.*s takes no value", command, (int)strcspn(offered, "="),
				 offered);
	else if (count_matches(options, offered) > 1)
		wrong = "ambiguous";
	return cli_usage("%s: %s option %s; \"axvmm help %s\" lists the options", command, wrong,
			 offered, command);
}

int cli_finish_stdout(int status)
{
	if (!fflush(stdout) && !ferror(stdout))
		return status;
	cli_message("standard output: %s", strerror(errno));
	return STATUS_HOST;
}
