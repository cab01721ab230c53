/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The guest's consoles.
 */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include <axvmm/virtio_console.h>

#include "cli/cli.h"
#include "cli/consoles.h"
#include "cli/output.h"
#include "cli/source.h"

/* The serial port's, and those of the virtio console's ports. */
#define ENDS_MAX (1 + AX_VIRTIO_CONSOLE_PORTS_MAX)

/* How long the end of a run waits for who reads a pseudo-terminal or a socket. */
#define READER_NS 2000000000u

/* One end on the host. */
struct end {
	struct console *console;
	char *spec; /* without virtio= and name= */
	char *name; /* in spec; NULL: none */
};

struct consoles {
	AxVirtio *virtio; /* NULL: none */
	int resizable;	  /* the port that is stdio; -1: none */
	bool (*action)(void *opaque, enum console_action action);
	void *opaque;
	unsigned count;
	struct end ends[ENDS_MAX]; /* the serial port's first */
};

static bool on_action(void *opaque, enum console_action action)
{
	struct consoles *consoles = opaque;

	return consoles->action(consoles->opaque, action);
}

static void on_resized(void *opaque, uint16_t columns, uint16_t rows)
{
	struct consoles *consoles = opaque;

	if (consoles->virtio && consoles->resizable >= 0)
		ax_virtio_console_resize(consoles->virtio, (uint32_t)consoles->resizable, columns,
					 rows);
}

/* Take ",name=NAME" out of a specification. */
static char *take_name(char *spec)
{
	static const char key[] = ",name=";
	char *at = strstr(spec, key), *name, *rest;

	if (!at)
		return NULL;
	name = strdup(at + strlen(key));
	if (!name)
		return NULL;
	rest = strchr(name, ',');
	if (rest) {
		memmove(at, at + strlen(key) + (size_t)(rest - name),
			strlen(at + strlen(key) + (size_t)(rest - name)) + 1);
		*rest = 0;
	} else {
		*at = 0;
	}
	return name;
}

static int no_memory(void)
{
	cli_message("there is no memory left");
	return STATUS_HOST;
}

/* What stands before it. */
static const char *option_of(bool is_virtio)
{
	return is_virtio ? "--console " CONSOLE_VIRTIO : "--console ";
}

/* What stands behind virtio=, or all of it. */
static const char *spec_of(const char *text)
{
	return console_is_virtio(text) ? text + strlen(CONSOLE_VIRTIO) : text;
}

static int check_end(const char *text)
{
	char *spec = strdup(spec_of(text)), *name = NULL;
	int status;

	if (!spec)
		return no_memory();
	if (console_is_virtio(text))
		name = take_name(spec);
	if (name && (!*name || strlen(name) > AX_VIRTIO_CONSOLE_NAME_MAX))
		status = cli_usage("--console %s: not a name of 1 to %d bytes", text,
				   AX_VIRTIO_CONSOLE_NAME_MAX);
	else
		status = console_check(option_of(console_is_virtio(text)), spec);
	free(spec);
	free(name);
	return status;
}

static const char file_prefix[] = "file:";

static bool is_file(const char *text)
{
	return !strncmp(spec_of(text), file_prefix, strlen(file_prefix));
}

/* Of file:PATH the path, to be freed. NULL: there is no memory left. */
static char *path_of(const char *text)
{
	const char *path = spec_of(text) + strlen(file_prefix);

	return strndup(path, strcspn(path, ","));
}

/* Whether both write to one file from its beginning on. */
static bool collide(const char *text, const char *path, const char *other)
{
	char *its = is_file(other) ? path_of(other) : NULL;
	bool same = its && output_is_same(path, its);

	free(its);
	return same && !(strstr(text, ",append") && strstr(other, ",append"));
}

/* The option that has the file at @path already; NULL: none. */
static const char *owner_of(const struct run_options *options, unsigned index, const char *path)
{
	if (options->trace && output_is_same(path, options->trace))
		return "--trace";
	if (options->record && output_is_same(path, options->record))
		return "--record";
	for (unsigned i = 0; i < index; i++) {
		if (collide(options->console[index], path, options->console[i]))
			return "another --console";
	}
	return source_option_of(options, path);
}

/* A file that the run reads, or writes something else to, is not to be emptied. */
static int check_file(const struct run_options *options, unsigned index)
{
	const char *text = options->console[index], *owner;
	char *path;

	if (!is_file(text))
		return STATUS_OK;
	path = path_of(text);
	if (!path)
		return no_memory();
	owner = owner_of(options, index, path);
	free(path);
	if (!owner)
		return STATUS_OK;
	return cli_usage("--console %s: that is the file of %s, which would be overwritten", text,
			 owner);
}

/* Of pty,link=PATH the path; NULL: it has none. */
static const char *link_of(const char *text)
{
	static const char with_link[] = "pty,link=";
	const char *spec = spec_of(text);

	return strncmp(spec, with_link, strlen(with_link)) ? NULL : spec + strlen(with_link);
}

/* The second pseudo-terminal's link would replace the first one's. */
static int check_link(const struct run_options *options, unsigned index)
{
	const char *text = options->console[index], *path = link_of(text);
	size_t len = path ? strcspn(path, ",") : 0;

	for (unsigned i = 0; path && i < index; i++) {
		const char *other = link_of(options->console[i]);

		if (other && strcspn(other, ",") == len && !memcmp(path, other, len))
			return cli_usage("--console %s: that is the link of another --console: "
					 "name another path",
					 text);
	}
	return STATUS_OK;
}

int consoles_check(const struct run_options *options)
{
	unsigned ports = 0, stdios = 0;
	const char *serial = NULL;
	int status = STATUS_OK;

	for (unsigned i = 0; i < options->console_count && !status; i++) {
		const char *text = options->console[i];

		if (!console_is_virtio(text) && serial)
			return cli_usage("--console %s and --console %s: there is one serial port; "
					 "virtio=%s would be another console",
					 serial, text, text);
		if (!console_is_virtio(text))
			serial = text;
		else if (ports++ == AX_VIRTIO_CONSOLE_PORTS_MAX)
			return cli_usage("--console %s: more than %d virtio consoles", text,
					 AX_VIRTIO_CONSOLE_PORTS_MAX);
		stdios += console_is_stdio(spec_of(text));
		status = check_end(text);
		if (!status)
			status = check_file(options, i);
		if (!status)
			status = check_link(options, i);
	}
	if (status)
		return status;
	if (stdios > 1)
		return cli_usage("--console stdio: only one console can have standard input and "
				 "output; pty, file: and unix: are others");
	if (options->console_count && options->demonstration)
		return cli_usage("--console %s: the demonstration prints on standard output; name "
				 "an image",
				 options->console[0]);
	return STATUS_OK;
}

static int add_end(struct consoles *consoles, const char *text)
{
	struct end *end = &consoles->ends[consoles->count];

	end->spec = strdup(spec_of(text));
	if (!end->spec)
		return no_memory();
	consoles->count++;
	if (console_is_virtio(text))
		end->name = take_name(end->spec);
	return STATUS_OK;
}

/* The serial port's first. */
static int list_ends(struct consoles *consoles, const struct run_options *options)
{
	const char *serial = "stdio";
	int status;

	for (unsigned i = 0; i < options->console_count; i++) {
		if (!console_is_virtio(options->console[i])) {
			serial = options->console[i];
			break;
		}
		if (console_is_stdio(spec_of(options->console[i])))
			serial = "null";
	}
	status = add_end(consoles, serial);
	for (unsigned i = 0; i < options->console_count && !status; i++) {
		if (console_is_virtio(options->console[i]))
			status = add_end(consoles, options->console[i]);
	}
	return status;
}

/* @host: what devices have of the host, which may be recorded. */
static int make_virtio(struct consoles *consoles, AxHost *host, struct devices *devices)
{
	AxVirtioConsolePort ports[AX_VIRTIO_CONSOLE_PORTS_MAX] = { { .chardev = NULL } };
	AxVirtioConsoleConfig config = AX_VIRTIO_CONSOLE_CONFIG_INIT;
	AxError err = AX_ERROR_INIT;

	if (consoles->count == 1)
		return STATUS_OK;
	for (unsigned i = 1; i < consoles->count; i++) {
		struct end *end = &consoles->ends[i];
		AxVirtioConsolePort *port = &ports[i - 1];

		port->chardev = console_chardev(end->console);
		port->name = end->name;
		port->flags = AX_VIRTIO_CONSOLE_IS_CONSOLE;
		if (console_is_stdio(end->spec)) {
			consoles->resizable = (int)i - 1;
			console_size(end->console, &port->columns, &port->rows);
		}
	}
	config.host = host;
	config.ports = ports;
	config.port_count = consoles->count - 1;
	if (ax_virtio_console_new(&config, &consoles->virtio, &err))
		return cli_failure("--console virtio: ", &err);
	devices_add(devices, consoles->virtio);
	return STATUS_OK;
}

int consoles_open(const struct run_options *options, AxHost *host, AxHost *devices_host,
		  struct devices *devices, bool (*action)(void *opaque, enum console_action action),
		  void *opaque, struct consoles **out)
{
	struct consoles *consoles = calloc(1, sizeof(*consoles));
	struct console_options config = {
		.host = host, .action = on_action, .resized = on_resized, .opaque = consoles
	};
	int status;

	*out = consoles;
	if (!consoles)
		return no_memory();
	consoles->resizable = -1;
	consoles->action = action;
	consoles->opaque = opaque;
	status = list_ends(consoles, options);
	for (unsigned i = 0; i < consoles->count && !status; i++) {
		config.option = option_of(i);
		consoles->ends[i].console = console_open(consoles->ends[i].spec, &config);
		if (!consoles->ends[i].console)
			status = STATUS_HOST;
	}
	return status ? status : make_virtio(consoles, devices_host, devices);
}

AxCharDev *consoles_serial(const struct consoles *consoles)
{
	return console_chardev(consoles->ends[0].console);
}

void consoles_begin(struct consoles *consoles)
{
	for (unsigned i = 0; consoles && i < consoles->count; i++)
		console_begin(consoles->ends[i].console);
}

void consoles_leave(struct consoles *consoles)
{
	for (unsigned i = 0; consoles && i < consoles->count; i++)
		console_leave(consoles->ends[i].console);
}

void consoles_hurry(struct consoles *consoles)
{
	for (unsigned i = 0; consoles && i < consoles->count; i++)
		console_hurry(consoles->ends[i].console);
}

void consoles_set_no_wait(struct consoles *consoles, bool on)
{
	for (unsigned i = 0; consoles && i < consoles->count; i++)
		console_set_no_wait(consoles->ends[i].console, on);
}

bool consoles_told_panic(const struct consoles *consoles)
{
	bool told = false;

	for (unsigned i = 0; consoles && i < consoles->count; i++)
		told |= console_told_panic(consoles->ends[i].console);
	return told;
}

void consoles_forget_panic(struct consoles *consoles)
{
	for (unsigned i = 0; consoles && i < consoles->count; i++)
		console_forget_panic(consoles->ends[i].console);
}

bool consoles_flush(struct consoles *consoles)
{
	bool whole = true;

	for (unsigned i = 0; consoles && i < consoles->count; i++) {
		const struct end *end = &consoles->ends[i];

		if (!end->console)
			continue;
		if (ax_chardev_flush(console_chardev(end->console),
				     console_is_stdio(end->spec) ? UINT64_MAX : READER_NS)) {
			whole = false;
			console_hurry(end->console);
		}
	}
	return whole;
}

void consoles_put(const struct consoles *consoles, struct json *json)
{
	json_open(json, '[');
	for (unsigned i = 0; consoles && i < consoles->count; i++) {
		const struct end *end = &consoles->ends[i];
		const char *name = console_name(end->console);
		char text[400];

		if (!i)
			snprintf(text, sizeof(text), "serial: %s", name);
		else
			snprintf(text, sizeof(text), "hvc%u%s%s: %s", i - 1, end->name ? " " : "",
				 end->name ? end->name : "", name);
		json_string(json, text);
	}
	json_close(json, ']');
}

int consoles_close(struct consoles *consoles)
{
	int status = STATUS_OK;

	if (!consoles)
		return STATUS_OK;
	for (unsigned i = 0; i < consoles->count; i++) {
		struct end *end = &consoles->ends[i];
		int closed = console_close(end->console);

		free(end->spec);
		free(end->name);
		status = status ? status : closed;
	}
	free(consoles);
	return status;
}
