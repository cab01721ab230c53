/* SPDX-License-Identifier: Apache-2.0 */
/*
 * gdb's "monitor" commands: what this stub knows that gdb has no packet for.
 */
#include <ctype.h>
#include <errno.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "debug/gdb.h"

static const char help[] =
	"monitor exits            why each vCPU stopped, and how many exits it made since the stop "
	"before\n"
	"monitor phys on|off      take addresses of memory as physical, or as virtual again\n"
	"monitor phys ADDR LEN    show physical memory: LEN bytes, at most 2048\n"
	"monitor help             this text\n";

/* So much in one packet. */
#define PIECE 4096

/* Console output before the answer: "O" and the text. Source: E.3, stop reply packets. */
static void send_piece(struct AxGdb *gdb)
{
	struct rsp_out *out = &gdb->out;

	memmove(out->text + 1, out->text, out->length);
	out->text[0] = 'O';
	out->length++;
	gdb_send(gdb);
	rsp_begin(out);
}

static void say(struct AxGdb *gdb, const char *format, ...) AX_PRINTF(2, 3);

static void say(struct AxGdb *gdb, const char *format, ...)
{
	char text[1024];
	va_list args;

	va_start(args, format);
	vsnprintf(text, sizeof(text), format, args);
	va_end(args);
	/* The last piece is the answer itself. */
	if (gdb->out.length > PIECE)
		send_piece(gdb);
	rsp_hex(&gdb->out, text, strlen(text));
}

static void say_counts(struct AxGdb *gdb, const struct gdb_vcpu *vcpu)
{
	uint64_t counts[AX_EXIT_KINDS];
	bool any = false;

	ax_vcpu_exit_counts(vcpu->vcpu, counts);
	for (unsigned kind = 0; kind < AX_EXIT_KINDS; kind++) {
		if (!counts[kind])
			continue;
		say(gdb, "%s  %-18s %12" PRIu64 "  %12" PRIu64 "\n",
		    any ? "" : "  exits                     in all         since\n",
		    ax_exit_name(kind), counts[kind], counts[kind] - vcpu->counts[kind]);
		any = true;
	}
}

static void say_exits(struct AxGdb *gdb)
{
	for (unsigned i = 0; i < gdb->vcpu_count; i++) {
		struct gdb_vcpu *vcpu = &gdb->vcpus[i];
		char line[256] = "none: it was stopped between two";

		if (vcpu->exit.kind != AX_EXIT_NOTHING)
			ax_exit_format(&vcpu->exit, line, sizeof(line));
		say(gdb, "vCPU %u (%s)%s\n  pending: %s\n", ax_vcpu_id(vcpu->vcpu),
		    ax_vcpu_state_name(ax_vcpu_state(vcpu->vcpu)),
		    i == gdb->told ? ", stopped last" : "", line);
		if (vcpu->exit.kind != AX_EXIT_NOTHING &&
		    ax_exit_explain(&vcpu->exit, line, sizeof(line)))
			say(gdb, "  %s\n", line);
		say_counts(gdb, vcpu);
	}
}

#define DUMP_MAX  2048
#define DUMP_LINE 16

static void dump(struct AxGdb *gdb, uint64_t address, uint64_t length)
{
	uint8_t bytes[DUMP_MAX];
	size_t done;

	if (length > sizeof(bytes))
		length = sizeof(bytes);
	done = gdb_peek(gdb, gdb->vcpus[gdb->general].vcpu, true, address, bytes, (size_t)length);
	for (size_t at = 0; at < done; at += DUMP_LINE) {
		char line[80];
		size_t used =
			(size_t)snprintf(line, sizeof(line), "0x%012" PRIx64 ":", address + at);

		for (size_t i = at; i < done && i < at + DUMP_LINE; i++)
			used += (size_t)snprintf(line + used, sizeof(line) - used, " %02x",
						 bytes[i]);
		say(gdb, "%s\n", line);
	}
	if (done < length)
		say(gdb, "no RAM is at 0x%" PRIx64 "\n", address + done);
}

static void physical(struct AxGdb *gdb, const char *text)
{
	char *end, *last;
	uint64_t address, length;

	if (!strcmp(text, "on") || !strcmp(text, "off")) {
		gdb->physical = !strcmp(text, "on");
		say(gdb, "addresses of memory are %s now\n",
		    gdb->physical ? "physical" : "virtual");
		return;
	}
	errno = 0;
	address = strtoull(text, &end, 0);
	length = strtoull(end, &last, 0);
	if (errno || end == text || last == end || *last || !length) {
		say(gdb, "monitor phys on|off, or monitor phys ADDR LEN\n");
		return;
	}
	dump(gdb, address, length);
}

void gdb_monitor(struct AxGdb *gdb, const char *text)
{
	while (isspace((unsigned char)*text))
		text++;
	if (!strcmp(text, "help") || !*text)
		say(gdb, "%s", help);
	else if (!strcmp(text, "exits"))
		say_exits(gdb);
	else if (!strncmp(text, "phys ", 5))
		physical(gdb, text + 5);
	else
		say(gdb, "there is no such command: \"monitor help\" lists them\n");
}
