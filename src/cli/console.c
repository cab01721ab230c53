/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The host's end of a guest's console: see console.h.
 */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "cli/cli.h"
#include "cli/console.h"
#include "cli/panic.h"
#include "cli/terminal.h"

#define PATH_SIZE 4096

/* How long the end of a run waits for who reads a pty or a socket. Standard output is waited for as any
 * other command does. */
#define READER_NS 2000000000u

/* Written as they come: a guest that says a line or two needs no timer, and no thread that waits for it. */
#define EAGER_BYTES 256

enum console_kind { KIND_STDIO, KIND_PTY, KIND_FILE, KIND_UNIX, KIND_NULL };

/* What a spec says. */
struct spec {
	enum console_kind kind;
	const char *path; /* in the spec's text; pty: the link */
	size_t path_len;  /* 0: none */
	bool flag;	  /* append, connect */
};

struct console {
	struct console_options options;
	enum console_kind kind;
	struct menu menu;
	AxCharDev *dev;
	bool terminal;	    /* stdio, and standard input is one */
	AxWatch *resize;    /* of terminal_resize_event() */
	struct panic panic; /* under the device's lock */
	char *name;
};

static const struct {
	const char *name;
	const char *parameter; /* the one that it may have: "NAME" or "NAME="; NULL: none */
	bool path;	       /* ":PATH" is needed */
} kinds[] = {
	[KIND_STDIO] = { "stdio", NULL, false },  [KIND_PTY] = { "pty", "link=", false },
	[KIND_FILE] = { "file", "append", true }, [KIND_UNIX] = { "unix", "connect", true },
	[KIND_NULL] = { "null", NULL, false },
};
#define KINDS (sizeof(kinds) / sizeof(kinds[0]))

static int find_kind(const char *text, size_t len, enum console_kind *kind)
{
	for (size_t i = 0; i < KINDS; i++) {
		if (strlen(kinds[i].name) == len && !memcmp(text, kinds[i].name, len)) {
			*kind = (enum console_kind)i;
			return 0;
		}
	}
	return -1;
}

/* A path that is neither empty nor too long. */
static bool take_path(struct spec *spec, const char *from, size_t len)
{
	if (!len || len >= PATH_SIZE)
		return false;
	spec->path = from;
	spec->path_len = len;
	return true;
}

/* What stands behind the comma: NULL, or what is wrong. */
static const char *take_parameter(struct spec *spec, const char *text)
{
	const char *known = kinds[spec->kind].parameter;
	size_t len;

	if (!known)
		return "takes no parameter";
	len = strlen(known);
	if (known[len - 1] != '=') {
		spec->flag = !strcmp(text, known);
		return spec->flag ? NULL : "takes another parameter";
	}
	if (strncmp(text, known, len) != 0 || strchr(text, ','))
		return "takes another parameter";
	return take_path(spec, text + len, strlen(text + len)) ? NULL : "needs a path there";
}

/* NULL, or what is wrong. */
static const char *parse(struct spec *spec, const char *text)
{
	size_t len = strcspn(text, ":,");
	const char *rest = text + len;

	*spec = (struct spec){ .kind = KIND_NULL };
	if (find_kind(text, len, &spec->kind))
		return "unknown; stdio, pty, file:PATH, unix:PATH and null are known";
	if (kinds[spec->kind].path != (*rest == ':'))
		return *rest == ':' ? "takes no path" : "needs a path: file:PATH, unix:PATH";
	if (*rest == ':') {
		size_t path_len = strcspn(++rest, ",");

		if (!take_path(spec, rest, path_len))
			return "needs a path, which is no longer than 4095 bytes";
		rest += path_len;
	}
	return *rest ? take_parameter(spec, rest + 1) : NULL;
}

int console_check(const char *option, const char *spec)
{
	struct spec parsed;
	const char *wrong = parse(&parsed, spec);
	const char *known = kinds[parsed.kind].parameter;

	if (!wrong)
		return STATUS_OK;
	if (!strcmp(wrong, "takes another parameter"))
		return cli_usage("%s%s: %s takes %s%s, and nothing else", option, spec,
				 kinds[parsed.kind].name, known,
				 known[strlen(known) - 1] == '=' ? "PATH" : "");
	return cli_usage("%s%s: %s", option, spec, wrong);
}

bool console_is_stdio(const char *spec)
{
	return !strcmp(spec, kinds[KIND_STDIO].name);
}

static bool may_read(void *opaque)
{
	(void)opaque;
	return terminal_is_ours();
}

static int open_stdio(struct console *console, const AxCharDevConfig *config, AxError *err)
{
	AxCharFds fds = AX_CHAR_FDS_INIT;

	console->terminal = isatty(STDIN_FILENO);
	fds.in = STDIN_FILENO;
	fds.out = STDOUT_FILENO;
	if (console->terminal) {
		fds.filter = menu_filter;
		fds.may_read = may_read;
		fds.opaque = &console->menu;
	}
	return ax_chardev_new_fds(config, &fds, &console->dev, err);
}

static void on_written(void *opaque, const uint8_t *bytes, size_t len)
{
	panic_look(opaque, bytes, len);
}

/* @path: the spec's, NULL for none. */
static int open_kind(struct console *console, const struct spec *spec, const char *path,
		     AxError *err)
{
	AxCharDevConfig config = AX_CHAR_DEV_CONFIG_INIT;

	config.host = console->options.host;
	config.eager = EAGER_BYTES;
	config.written = on_written;
	config.opaque = &console->panic;
	switch (spec->kind) {
	case KIND_STDIO: return open_stdio(console, &config, err);
	case KIND_PTY: return ax_chardev_new_pty(&config, path, &console->dev, err);
	case KIND_FILE:
		return ax_chardev_new_file(&config, path, spec->flag ? AX_CHAR_FILE_APPEND : 0,
					   &console->dev, err);
	case KIND_UNIX:
		return ax_chardev_new_unix(&config, path, spec->flag ? AX_CHAR_UNIX_CONNECT : 0,
					   &console->dev, err);
	default: return ax_chardev_new_null(&config, &console->dev, err);
	}
}

/* "pty", "file NAME": for messages; NULL when there is no memory. */
static char *make_name(enum console_kind kind, const char *path)
{
	char *name;

	if (!path)
		return strdup(kinds[kind].name);
	return asprintf(&name, "%s %s", kinds[kind].name, path) < 0 ? NULL : name;
}

static void free_console(struct console *console)
{
	if (!console)
		return;
	ax_chardev_free(console->dev);
	free(console->name);
	free(console);
}

/* The device and the name. False: something was said. @text: the spec's. */
static bool fill(struct console *console, const struct spec *spec, const char *text)
{
	char what[300];
	char *path = spec->path_len ? strndup(spec->path, spec->path_len) : NULL;
	AxError err = AX_ERROR_INIT;
	int ret = 0;

	if (path || !spec->path_len)
		ret = open_kind(console, spec, path, &err);
	free(path);
	if (ret) {
		snprintf(what, sizeof(what), "%s%s: ", console->options.option, text);
		cli_failure(spec->kind == KIND_STDIO ? "standard output: " : what, &err);
		return false;
	}
	if (console->dev)
		console->name = make_name(spec->kind, ax_chardev_path(console->dev));
	if (!console->name)
		cli_message("there is no memory left");
	return console->name;
}

struct console *console_open(const char *spec, const struct console_options *options)
{
	struct console *console;
	struct spec parsed;

	if (parse(&parsed, spec))
		return NULL; /* console_check() has said why */
	console = calloc(1, sizeof(*console));
	if (!console) {
		cli_message("there is no memory left");
		return NULL;
	}
	console->options = *options;
	console->kind = parsed.kind;
	console->menu = (struct menu){ .action = options->action, .opaque = options->opaque };
	if (!fill(console, &parsed, spec)) {
		free_console(console);
		return NULL;
	}
	if (parsed.kind == KIND_PTY)
		cli_message("the console is %s", ax_chardev_path(console->dev));
	return console;
}

AxCharDev *console_chardev(struct console *console)
{
	return console->dev;
}

const char *console_name(const struct console *console)
{
	return console->name;
}

bool console_size(const struct console *console, uint16_t *columns, uint16_t *rows)
{
	struct winsize size;

	if (!console->terminal || ioctl(STDIN_FILENO, TIOCGWINSZ, &size) || !size.ws_col ||
	    !size.ws_row)
		return false;
	*columns = size.ws_col;
	*rows = size.ws_row;
	return true;
}

static void on_resize(void *opaque, int fd, unsigned events)
{
	struct console *console = opaque;
	uint16_t columns, rows;
	uint64_t count;

	(void)events;
	if (read(fd, &count, sizeof(count)) < 0)
		return;
	if (console_size(console, &columns, &rows))
		console->options.resized(console->options.opaque, columns, rows);
}

void console_begin(struct console *console)
{
	int event;

	if (console->kind != KIND_STDIO)
		return;
	terminal_enter();
	if (!console->terminal || !console->options.resized || console->resize)
		return;
	event = terminal_resize_event();
	/* Without it the guest keeps the size that it has. */
	if (event >= 0 && !ax_watch_new(console->options.host, event, 0, on_resize, console,
					&console->resize, NULL))
		ax_watch_set(console->resize, AX_WATCH_READ);
}

void console_leave(struct console *console)
{
	if (console->kind == KIND_STDIO)
		terminal_leave();
}

bool console_told_panic(const struct console *console)
{
	return panic_was_told(&console->panic);
}

void console_forget_panic(struct console *console)
{
	console->panic = (struct panic){ 0 };
}

void console_set_no_wait(struct console *console, bool on)
{
	ax_chardev_set_no_wait(console->dev, on);
}

void console_hurry(struct console *console)
{
	if (console)
		ax_chardev_hurry(console->dev);
}

static int write_rest(struct console *console)
{
	int error;

	(void)ax_chardev_flush(console->dev, console->kind == KIND_STDIO ? UINT64_MAX : READER_NS);
	error = ax_chardev_error(console->dev);
	if (!error)
		return STATUS_OK;
	cli_message("%s: %s", console->kind == KIND_STDIO ? "standard output" : console->name,
		    strerror(error));
	return STATUS_HOST;
}

int console_close(struct console *console)
{
	int status;

	if (!console)
		return STATUS_OK;
	status = write_rest(console);
	ax_watch_free(console->resize);
	free_console(console);
	return status;
}
