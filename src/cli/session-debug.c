/* SPDX-License-Identifier: Apache-2.0 */
/*
 * --gdb: the stub beside a run.
 */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cli/cli.h"
#include "cli/session-private.h"

static void on_kill(void *opaque)
{
	session_stop(opaque, STOP_QUIT);
}

static void on_line(void *opaque, const char *line)
{
	(void)opaque;
	cli_message("%s", line);
}

int session_debug_open(struct session *session)
{
	const struct run_options *options = session->options;
	AxGdbConfig config = AX_GDB_CONFIG_INIT;
	AxError err = AX_ERROR_INIT;

	if (!options->gdb)
		return STATUS_OK;
	config.address = options->gdb;
	config.wait = options->wait;
	config.kill = on_kill;
	config.log = on_line;
	config.opaque = session;
	if (ax_gdb_new(iothread_host(session->io), &config, &session->gdb, &err))
		return cli_failure("--gdb: ", &err);
	cli_message("gdb: \"target remote %s\"%s", ax_gdb_address(session->gdb),
		    options->wait ? "; the guest waits for it" : "");
	return STATUS_OK;
}

int session_debug_attach(struct session *session, AxMachine *machine)
{
	AxError err = AX_ERROR_INIT;

	if (session->gdb && ax_gdb_attach(session->gdb, ax_machine_vm(machine), &err))
		return cli_failure("--gdb: ", &err);
	return STATUS_OK;
}

void session_debug_detach(struct session *session)
{
	if (session->gdb)
		ax_gdb_detach(session->gdb);
}

void session_debug_end(struct session *session, int status)
{
	if (!session->gdb)
		return;
	ax_gdb_exited(session->gdb, status);
	ax_gdb_free(session->gdb);
	session->gdb = NULL;
}
