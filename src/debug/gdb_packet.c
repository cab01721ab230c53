/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What gdb asks: one function for each packet that is known; any other gets the empty answer, which
 * tells gdb so. Source: "Debugging with GDB", E.2 to E.5.
 */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "debug/gdb.h"

void gdb_put_error(struct AxGdb *gdb, int error)
{
	rsp_begin(&gdb->out);
	rsp_text(&gdb->out, "E");
	rsp_hex(&gdb->out, &(uint8_t){ (uint8_t)(error & 0xff) }, 1);
}

void gdb_put_ok(struct AxGdb *gdb)
{
	rsp_begin(&gdb->out);
	rsp_text(&gdb->out, "OK");
}

/* A thread: -1 all, 0 any; else the index of its vCPU plus one. */
static bool take_thread(const struct AxGdb *gdb, struct rsp_cursor *cursor, int64_t *thread)
{
	uint64_t number;

	if (rsp_take_text(cursor, "-1")) {
		*thread = -1;
		return true;
	}
	if (!rsp_take_number(cursor, &number) || number > gdb->vcpu_count)
		return false;
	*thread = (int64_t)number;
	return true;
}

/* ",offset,length" as in qXfer: E.5. */
static bool take_window(struct rsp_cursor *cursor, uint64_t *offset, uint64_t *length)
{
	return rsp_take_number(cursor, offset) && rsp_take_char(cursor, ',') &&
	       rsp_take_number(cursor, length) && cursor->at == cursor->end;
}

/* Room for 'm' or 'l' in front. */
static size_t xfer_length(uint64_t length)
{
	return length > RSP_PACKET_MAX - 1 ? RSP_PACKET_MAX - 1 : (size_t)length;
}

static void read_features(struct AxGdb *gdb, struct rsp_cursor *cursor)
{
	uint64_t offset, length;
	bool more;

	if (!rsp_take_text(cursor, "target.xml:") || !take_window(cursor, &offset, &length)) {
		gdb_put_error(gdb, EINVAL);
		return;
	}
	rsp_text(&gdb->out, "l");
	target_xml(gdb->target, (size_t)offset, xfer_length(length), &gdb->out, &more);
	if (more)
		gdb->out.text[0] = 'm';
}

/* One line a vCPU: at most so many bytes. */
#define THREAD_LINE 64

static void read_threads(struct AxGdb *gdb, struct rsp_cursor *cursor)
{
	char xml[GDB_VCPUS_MAX * THREAD_LINE + 64];
	uint64_t offset, length;
	size_t total = 0, count;

	if (!rsp_take_char(cursor, ':') || !take_window(cursor, &offset, &length)) {
		gdb_put_error(gdb, EINVAL);
		return;
	}
	total += (size_t)snprintf(xml, sizeof(xml), "<?xml version=\"1.0\"?>\n<threads>\n");
	for (unsigned i = 0; i < gdb->vcpu_count; i++)
		total += (size_t)snprintf(xml + total, sizeof(xml) - total,
					  "<thread id=\"%x\" core=\"%u\" name=\"vcpu%u\"/>\n",
					  i + 1, i, ax_vcpu_id(gdb->vcpus[i].vcpu));
	total += (size_t)snprintf(xml + total, sizeof(xml) - total, "</threads>\n");
	if (offset > total)
		offset = total;
	count = xfer_length(length);
	if (count > total - offset)
		count = total - (size_t)offset;
	rsp_text(&gdb->out, offset + count < total ? "m" : "l");
	rsp_bytes(&gdb->out, xml + offset, count);
}

static void put_thread_list(struct AxGdb *gdb)
{
	for (unsigned i = 0; i < gdb->vcpu_count; i++) {
		rsp_text(&gdb->out, i ? "," : "m");
		rsp_number(&gdb->out, i + 1);
	}
}

/* What "info threads" shows behind the name. */
static void put_thread_extra(struct AxGdb *gdb, struct rsp_cursor *cursor)
{
	int64_t thread;
	char text[64];
	AxVCpu *vcpu;

	if (!take_thread(gdb, cursor, &thread) || thread < 1) {
		gdb_put_error(gdb, EINVAL);
		return;
	}
	vcpu = gdb->vcpus[thread - 1].vcpu;
	snprintf(text, sizeof(text), "vCPU %u: %s", ax_vcpu_id(vcpu),
		 ax_vcpu_state_name(ax_vcpu_state(vcpu)));
	rsp_hex(&gdb->out, text, strlen(text));
}

static void run_monitor(struct AxGdb *gdb, struct rsp_cursor *cursor)
{
	size_t length = (size_t)(cursor->end - cursor->at) / 2;
	char text[256];

	if (length >= sizeof(text) || !rsp_take_hex(cursor, text, length)) {
		gdb_put_error(gdb, EINVAL);
		return;
	}
	text[length] = 0;
	gdb_monitor(gdb, text);
}

static void query(struct AxGdb *gdb, struct rsp_cursor *cursor)
{
	char text[160];

	if (rsp_take_text(cursor, "Supported")) {
		snprintf(text, sizeof(text),
			 "PacketSize=%x;qXfer:features:read+;qXfer:threads:read+;"
			 "QStartNoAckMode+;vContSupported+;swbreak+;hwbreak+",
			 RSP_PACKET_MAX);
		rsp_text(&gdb->out, text);
	} else if (rsp_take_text(cursor, "Xfer:features:read:")) {
		read_features(gdb, cursor);
	} else if (rsp_take_text(cursor, "Xfer:threads:read:")) {
		read_threads(gdb, cursor);
	} else if (rsp_take_text(cursor, "fThreadInfo")) {
		put_thread_list(gdb);
	} else if (rsp_take_text(cursor, "sThreadInfo")) {
		rsp_text(&gdb->out, "l");
	} else if (rsp_take_text(cursor, "ThreadExtraInfo,")) {
		put_thread_extra(gdb, cursor);
	} else if (rsp_take_text(cursor, "Rcmd,")) {
		run_monitor(gdb, cursor);
	} else if (rsp_take_text(cursor, "Attached")) {
		rsp_text(&gdb->out, "1");
	} else if (rsp_take_text(cursor, "Symbol")) {
		gdb_put_ok(gdb);
	} else if (cursor->end - cursor->at == 1 && rsp_take_char(cursor, 'C')) {
		rsp_text(&gdb->out, "QC");
		rsp_number(&gdb->out, gdb->told + 1);
	}
}

static void set_mode(struct AxGdb *gdb, struct rsp_cursor *cursor)
{
	if (!rsp_take_text(cursor, "StartNoAckMode") || cursor->at != cursor->end)
		return;
	/* This one is acknowledged already. */
	gdb->acks = false;
	gdb_put_ok(gdb);
}

/* Hg: whose registers and memory. Hc was for packets that vCont has replaced. */
static void choose_thread(struct AxGdb *gdb, struct rsp_cursor *cursor)
{
	bool is_general = rsp_take_char(cursor, 'g');
	int64_t thread;

	if ((!is_general && !rsp_take_char(cursor, 'c')) || !take_thread(gdb, cursor, &thread)) {
		gdb_put_error(gdb, EINVAL);
		return;
	}
	if (is_general && thread > 0)
		gdb->general = (unsigned)thread - 1;
	else if (is_general)
		gdb->general = gdb->told;
	gdb_put_ok(gdb);
}

static void is_alive(struct AxGdb *gdb, struct rsp_cursor *cursor)
{
	int64_t thread;

	if (take_thread(gdb, cursor, &thread) && thread > 0)
		gdb_put_ok(gdb);
	else
		gdb_put_error(gdb, ESRCH);
}

/* Returns whether the guest runs, so that there is no answer yet. */
static bool go_on(struct AxGdb *gdb)
{
	int ret = gdb_resume(gdb);

	if (ret)
		gdb_put_error(gdb, -ret);
	return !ret;
}

/* One action of vCont. A signal for a guest means nothing; a range is stepped through by gdb. */
static bool take_action(struct rsp_cursor *cursor, enum gdb_action *action)
{
	uint8_t signal;

	if (rsp_take_char(cursor, 'c') ||
	    (rsp_take_char(cursor, 'C') && rsp_take_hex(cursor, &signal, 1))) {
		*action = ACTION_CONTINUE;
		return true;
	}
	if (rsp_take_char(cursor, 's') ||
	    (rsp_take_char(cursor, 'S') && rsp_take_hex(cursor, &signal, 1))) {
		*action = ACTION_STEP;
		return true;
	}
	return false;
}

/* "vCont;action[:thread]...": the first one that fits a vCPU is its own. */
static bool cont(struct AxGdb *gdb, struct rsp_cursor *cursor)
{
	for (unsigned i = 0; i < gdb->vcpu_count; i++)
		gdb->vcpus[i].action = ACTION_NONE;
	while (rsp_take_char(cursor, ';')) {
		enum gdb_action action;
		int64_t thread = -1;

		if (!take_action(cursor, &action) ||
		    (rsp_take_char(cursor, ':') && !take_thread(gdb, cursor, &thread))) {
			gdb_put_error(gdb, EINVAL);
			return false;
		}
		for (unsigned i = 0; i < gdb->vcpu_count; i++) {
			if (gdb->vcpus[i].action == ACTION_NONE &&
			    (thread < 0 || thread == (int64_t)i + 1 ||
			     (!thread && i == gdb->general)))
				gdb->vcpus[i].action = action;
		}
	}
	if (cursor->at != cursor->end) {
		gdb_put_error(gdb, EINVAL);
		return false;
	}
	return go_on(gdb);
}

/* "c[address]" and "s[address]", "C" and "S" with a signal: of one vCPU the step, of all the rest. */
static bool cont_old(struct AxGdb *gdb, struct rsp_cursor *cursor, bool steps)
{
	const struct gdb_reg *pc = &gdb->target->regs[gdb->target->pc];
	uint64_t address;

	if (rsp_take_number(cursor, &address) &&
	    ax_vcpu_set_reg(gdb->vcpus[gdb->general].vcpu, reg_name(pc), address, NULL)) {
		gdb_put_error(gdb, EIO);
		return false;
	}
	for (unsigned i = 0; i < gdb->vcpu_count; i++)
		gdb->vcpus[i].action = ACTION_CONTINUE;
	if (steps)
		gdb->vcpus[gdb->general].action = ACTION_STEP;
	return go_on(gdb);
}

static bool skip_signal(struct rsp_cursor *cursor)
{
	uint8_t signal;

	return rsp_take_hex(cursor, &signal, 1) && (rsp_take_char(cursor, ';') || true);
}

static void kill_guest(struct AxGdb *gdb)
{
	if (!gdb->config.kill) {
		gdb_put_error(gdb, EPERM);
		return;
	}
	/* It is told to end before it is let go: not one more instruction. */
	gdb->config.kill(gdb->config.opaque);
	gdb_put_ok(gdb);
}

/* Returns whether there is no answer: the guest runs. */
static bool take_v(struct AxGdb *gdb, struct rsp_cursor *cursor)
{
	if (rsp_take_text(cursor, "Cont?"))
		rsp_text(&gdb->out, "vCont;c;C;s;S");
	else if (rsp_take_text(cursor, "Cont"))
		return cont(gdb, cursor);
	else if (rsp_take_text(cursor, "Kill"))
		kill_guest(gdb);
	return false;
}

static bool take_packet(struct AxGdb *gdb)
{
	struct rsp_cursor cursor = { gdb->in.text + 1, gdb->in.text + gdb->in.length };

	rsp_begin(&gdb->out);
	switch (gdb->in.length ? gdb->in.text[0] : 0) {
	case '?': gdb_put_stop(gdb); return false;
	case 'g': gdb_read_registers(gdb); return false;
	case 'G': gdb_write_registers(gdb, &cursor); return false;
	case 'p': gdb_read_register(gdb, &cursor); return false;
	case 'P': gdb_write_register(gdb, &cursor); return false;
	case 'm': gdb_read_memory(gdb, &cursor); return false;
	case 'M': gdb_write_memory(gdb, &cursor, false); return false;
	case 'X': gdb_write_memory(gdb, &cursor, true); return false;
	case 'Z': gdb_change_point(gdb, &cursor, true); return false;
	case 'z': gdb_change_point(gdb, &cursor, false); return false;
	case 'H': choose_thread(gdb, &cursor); return false;
	case 'T': is_alive(gdb, &cursor); return false;
	case 'q': query(gdb, &cursor); return false;
	case 'Q': set_mode(gdb, &cursor); return false;
	case 'v': return take_v(gdb, &cursor);
	case 'C': skip_signal(&cursor); return cont_old(gdb, &cursor, false);
	case 'c': return cont_old(gdb, &cursor, false);
	case 'S': skip_signal(&cursor); return cont_old(gdb, &cursor, true);
	case 's': return cont_old(gdb, &cursor, true);
	case 'D': gdb_put_ok(gdb); return false;
	case 'k': kill_guest(gdb); return false;
	default: return false;
	}
}

static void answer(struct AxGdb *gdb)
{
	const char plus = '+';
	bool had_acks = gdb->acks;

	if (had_acks)
		gdb_send_raw(gdb, &plus, 1);
	/* While the guest runs all that may be asked for is that it stops. */
	if (gdb->state != GDB_STOPPED) {
		gdb_put_error(gdb, EBUSY);
		gdb_send(gdb);
		return;
	}
	if (take_packet(gdb))
		return;
	if (gdb->out.is_full)
		gdb_put_error(gdb, E2BIG);
	gdb_send(gdb);
	/* What gdb set goes, and the guest runs; gdb closes the connection, or asks for another stop. */
	if (gdb->in.text[0] == 'D')
		gdb_release(gdb);
}

static void take_event(struct AxGdb *gdb, enum rsp_event event)
{
	const char minus = '-';

	switch (event) {
	case RSP_PACKET: answer(gdb); break;
	case RSP_DAMAGED:
		if (gdb->acks)
			gdb_send_raw(gdb, &minus, 1);
		break;
	case RSP_NAK:
		if (gdb->acks)
			gdb_send_again(gdb);
		break;
	case RSP_INTERRUPT:
		if (gdb->state == GDB_RUNNING)
			gdb_begin_stop(gdb);
		break;
	default: break;
	}
}

void gdb_input(struct AxGdb *gdb)
{
	while (gdb->fd >= 0 && gdb->input_at < gdb->input_end &&
	       (gdb->state == GDB_STOPPED || gdb->state == GDB_RUNNING))
		take_event(gdb, rsp_take(&gdb->in, gdb->input[gdb->input_at++]));
	gdb_watch(gdb);
}
