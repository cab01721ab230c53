/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A trace as Perfetto has them (perfetto.dev, protos/perfetto/trace): a track for each vCPU with
 * slices for the guest, for KVM and for handlers, whose arguments are what the exit was about.
 *
 * KVM_RUN's time is the guest's and KVM's own, and nobody says where one ends. What is shown as KVM's
 * is the shortest KVM_RUN of the whole trace that ended with an exit of that kind: the guest ran for
 * next to nothing in it.
 */
#include <stdlib.h>
#include <string.h>

#include <axvmm/handler.h>

#include "cli/cli.h"
#include "cli/protobuf.h"
#include "cli/trace-file.h"

/* Numbers of fields, as the .proto files have them. */
enum { TRACE_PACKET = 1 };
enum packet {
	PACKET_CLOCK_SNAPSHOT = 6,
	PACKET_TIMESTAMP = 8,
	PACKET_SEQUENCE = 10,
	PACKET_TRACK_EVENT = 11,
	PACKET_INTERNED_DATA = 12,
	PACKET_SEQUENCE_FLAGS = 13,
	PACKET_TIMESTAMP_CLOCK = 58,
	PACKET_DEFAULTS = 59,
	PACKET_TRACK_DESCRIPTOR = 60,
};
enum { SEQUENCE_CLEARED = 1, SEQUENCE_NEEDS_STATE = 2 };
enum { SNAPSHOT_CLOCKS = 1, SNAPSHOT_PRIMARY = 2, CLOCK_ID = 1, CLOCK_TIMESTAMP = 2 };
enum { BUILTIN_REALTIME = 1, BUILTIN_MONOTONIC = 3 };
enum { TRACK_UUID = 1, TRACK_PROCESS = 3, TRACK_THREAD = 4, TRACK_PARENT = 5 };
enum { PROCESS_PID = 1, PROCESS_NAME = 6 };
enum { THREAD_PID = 1, THREAD_TID = 2, THREAD_NAME = 5 };
enum event {
	EVENT_ANNOTATIONS = 4,
	EVENT_TYPE = 9,
	EVENT_NAME_ID = 10,
	EVENT_TRACK = 11,
	EVENT_CATEGORIES = 22,
	EVENT_NAME = 23,
};
enum { TYPE_BEGIN = 1, TYPE_END = 2, TYPE_INSTANT = 3 };
enum { ANNOTATION_UINT = 3, ANNOTATION_STRING = 6, ANNOTATION_POINTER = 7, ANNOTATION_NAME = 10 };
enum { INTERNED_EVENT_NAMES = 2, NAME_ID = 1, NAME_TEXT = 2 };

#define SEQUENCE 1u
#define UUID	 0x6178766d6d000000u /* of the process; vCPU 0's is the next */

/* Time outside of KVM_RUN and handlers that is worth a slice: a vCPU that waits, or is off. */
#define WAIT_NS 20000

/* Names of slices that have numbers; others are written out. */
#define NAMES_MAX 256
#define NAME_SIZE 80

struct perfetto {
	FILE *out;
	uint64_t floor[AX_EXIT_KINDS]; /* what KVM takes for an exit of the kind */
	struct protobuf packet, event, inner, whole;
	char names[NAMES_MAX][NAME_SIZE]; /* their numbers are places, from 1 on */
	unsigned name_count;
	struct vcpu {
		uint32_t id;
		uint64_t done; /* when its last answer stood */
	} * vcpus;
	size_t vcpu_count;
	uint32_t process;
	bool begun;
	bool failed;
};

/* Write what is in the packet. */
static void end_packet(struct perfetto *perfetto)
{
	struct protobuf *whole = &perfetto->whole;

	protobuf_number(&perfetto->packet, PACKET_SEQUENCE, SEQUENCE);
	protobuf_message(whole, TRACE_PACKET, &perfetto->packet);
	perfetto->failed |= whole->failed;
	fwrite(whole->bytes, 1, whole->len, perfetto->out);
	whole->len = 0;
}

static void put_clock(struct perfetto *perfetto, uint64_t id, uint64_t timestamp)
{
	protobuf_number(&perfetto->inner, CLOCK_ID, id);
	protobuf_number(&perfetto->inner, CLOCK_TIMESTAMP, timestamp);
	protobuf_message(&perfetto->event, SNAPSHOT_CLOCKS, &perfetto->inner);
}

/* What the times are, and the first time that what follows is in this sequence's state. */
static void put_clocks(struct perfetto *perfetto, const AxTraceInfo *info, bool is_first)
{
	put_clock(perfetto, BUILTIN_MONOTONIC, info->start_ns);
	put_clock(perfetto, BUILTIN_REALTIME, info->realtime_ns);
	protobuf_number(&perfetto->event, SNAPSHOT_PRIMARY, BUILTIN_MONOTONIC);
	protobuf_message(&perfetto->packet, PACKET_CLOCK_SNAPSHOT, &perfetto->event);
	if (is_first) {
		protobuf_number(&perfetto->inner, PACKET_TIMESTAMP_CLOCK, BUILTIN_MONOTONIC);
		protobuf_message(&perfetto->packet, PACKET_DEFAULTS, &perfetto->inner);
		protobuf_number(&perfetto->packet, PACKET_SEQUENCE_FLAGS,
				SEQUENCE_CLEARED | SEQUENCE_NEEDS_STATE);
	}
	end_packet(perfetto);
}

static void put_process(struct perfetto *perfetto)
{
	protobuf_number(&perfetto->inner, PROCESS_PID, perfetto->process);
	protobuf_text(&perfetto->inner, PROCESS_NAME, "axvmm");
	protobuf_number(&perfetto->event, TRACK_UUID, UUID);
	protobuf_message(&perfetto->event, TRACK_PROCESS, &perfetto->inner);
	protobuf_message(&perfetto->packet, PACKET_TRACK_DESCRIPTOR, &perfetto->event);
	end_packet(perfetto);
}

/* Thread IDs are not in a trace: numbers behind the process's are as good. */
static void put_vcpu(struct perfetto *perfetto, uint32_t id)
{
	char name[32];

	(void)snprintf(name, sizeof(name), "vCPU %u", id);
	protobuf_number(&perfetto->inner, THREAD_PID, perfetto->process);
	protobuf_number(&perfetto->inner, THREAD_TID, (perfetto->process + 1 + id) & 0x7fffffff);
	protobuf_text(&perfetto->inner, THREAD_NAME, name);
	protobuf_number(&perfetto->event, TRACK_UUID, UUID + 1 + id);
	protobuf_number(&perfetto->event, TRACK_PARENT, UUID);
	protobuf_message(&perfetto->event, TRACK_THREAD, &perfetto->inner);
	protobuf_message(&perfetto->packet, PACKET_TRACK_DESCRIPTOR, &perfetto->event);
	end_packet(perfetto);
}

static struct vcpu *find_vcpu(struct perfetto *perfetto, uint32_t id)
{
	struct vcpu *more;

	for (size_t i = 0; i < perfetto->vcpu_count; i++) {
		if (perfetto->vcpus[i].id == id)
			return &perfetto->vcpus[i];
	}
	more = reallocarray(perfetto->vcpus, perfetto->vcpu_count + 1, sizeof(*more));
	if (!more)
		return NULL;
	perfetto->vcpus = more;
	more[perfetto->vcpu_count] = (struct vcpu){ .id = id };
	put_vcpu(perfetto, id);
	return &more[perfetto->vcpu_count++];
}

/* The number of a slice's name, which the packet brings along the first time; 0: there are too many. */
static unsigned intern(struct perfetto *perfetto, const char *name)
{
	unsigned id;

	for (id = 1; id <= perfetto->name_count; id++) {
		if (!strcmp(perfetto->names[id - 1], name))
			return id;
	}
	if (perfetto->name_count == NAMES_MAX || strlen(name) >= NAME_SIZE)
		return 0;
	snprintf(perfetto->names[perfetto->name_count++], NAME_SIZE, "%s", name);
	protobuf_number(&perfetto->inner, NAME_ID, id);
	protobuf_text(&perfetto->inner, NAME_TEXT, name);
	protobuf_message(&perfetto->event, INTERNED_EVENT_NAMES, &perfetto->inner);
	protobuf_message(&perfetto->packet, PACKET_INTERNED_DATA, &perfetto->event);
	return id;
}

static void annotate(struct perfetto *perfetto, const char *name, unsigned field, uint64_t value)
{
	protobuf_text(&perfetto->inner, ANNOTATION_NAME, name);
	protobuf_number(&perfetto->inner, field, value);
	protobuf_message(&perfetto->event, EVENT_ANNOTATIONS, &perfetto->inner);
}

static void annotate_text(struct perfetto *perfetto, const char *name, const char *text)
{
	protobuf_text(&perfetto->inner, ANNOTATION_NAME, name);
	protobuf_text(&perfetto->inner, ANNOTATION_STRING, text);
	protobuf_message(&perfetto->event, EVENT_ANNOTATIONS, &perfetto->inner);
}

/* What the exit was about. */
static void annotate_exit(struct perfetto *perfetto, const AxTraceEntry *entry)
{
	const AxVCpuExitReason *exit = entry->record.exit;
	char line[512];

	switch (exit->kind) {
	case AX_EXIT_IO_READ:
		annotate(perfetto, "port", ANNOTATION_POINTER, exit->io_read.port);
		break;
	case AX_EXIT_IO_WRITE:
		annotate(perfetto, "port", ANNOTATION_POINTER, exit->io_write.port);
		annotate(perfetto, "data", ANNOTATION_POINTER, exit->io_write.data);
		break;
	case AX_EXIT_MMIO_READ:
		annotate(perfetto, "address", ANNOTATION_POINTER, exit->mmio_read.addr);
		annotate(perfetto, "bytes", ANNOTATION_UINT, exit->mmio_read.len);
		break;
	case AX_EXIT_MMIO_WRITE:
		annotate(perfetto, "address", ANNOTATION_POINTER, exit->mmio_write.addr);
		annotate(perfetto, "bytes", ANNOTATION_UINT, exit->mmio_write.len);
		annotate(perfetto, "data", ANNOTATION_POINTER, exit->mmio_write.data);
		break;
	default:
		ax_exit_format(exit, line, sizeof(line));
		annotate_text(perfetto, "exit", line);
		break;
	}
	if (exit->kind == AX_EXIT_IO_READ || exit->kind == AX_EXIT_MMIO_READ ||
	    exit->kind == AX_EXIT_SYS_REG_READ || exit->kind == AX_EXIT_HYPERCALL)
		annotate(perfetto, "answer", ANNOTATION_POINTER, entry->record.answer);
	if (entry->byte_count)
		annotate(perfetto, "string bytes", ANNOTATION_UINT, entry->byte_count);
	if (entry->whose)
		annotate_text(perfetto, "device", entry->whose);
	if (entry->record.handled != AX_HANDLED)
		annotate_text(perfetto, "verdict",
			      entry->record.handled == AX_STOP ? "stop" : "unhandled");
}

/* An event on the vCPU's track; @entry: with what its exit was about. NULL name: the slice ends. */
static void put_event(struct perfetto *perfetto, const struct vcpu *vcpu, unsigned type,
		      uint64_t time_ns, const char *category, const char *name,
		      const AxTraceEntry *entry)
{
	unsigned id = name ? intern(perfetto, name) : 0;

	protobuf_number(&perfetto->event, EVENT_TYPE, type);
	protobuf_number(&perfetto->event, EVENT_TRACK, UUID + 1 + vcpu->id);
	if (category)
		protobuf_text(&perfetto->event, EVENT_CATEGORIES, category);
	if (id)
		protobuf_number(&perfetto->event, EVENT_NAME_ID, id);
	else if (name)
		protobuf_text(&perfetto->event, EVENT_NAME, name);
	if (entry && entry->type == AX_TRACE_GAP)
		annotate(perfetto, "lost", ANNOTATION_UINT, entry->lost);
	else if (entry)
		annotate_exit(perfetto, entry);
	protobuf_number(&perfetto->packet, PACKET_TIMESTAMP, time_ns);
	protobuf_message(&perfetto->packet, PACKET_TRACK_EVENT, &perfetto->event);
	protobuf_number(&perfetto->packet, PACKET_SEQUENCE_FLAGS, SEQUENCE_NEEDS_STATE);
	end_packet(perfetto);
}

static void put_slice(struct perfetto *perfetto, const struct vcpu *vcpu, uint64_t begin,
		      uint64_t end, const char *category, const char *name,
		      const AxTraceEntry *entry)
{
	if (begin >= end && !entry)
		return;
	put_event(perfetto, vcpu, TYPE_BEGIN, begin, category, name, entry);
	put_event(perfetto, vcpu, TYPE_END, end, NULL, NULL, NULL);
}

static void put_exit(struct perfetto *perfetto, struct vcpu *vcpu, const AxTraceEntry *entry)
{
	const AxExitRecord *record = &entry->record;
	uint64_t entered = record->time_ns - record->kvm_ns;
	uint64_t done = record->time_ns + record->handler_ns;
	uint64_t left = record->time_ns - perfetto->floor[record->exit->kind];
	char name[NAME_SIZE + 32];

	if (vcpu->done && entered > vcpu->done && entered - vcpu->done >= WAIT_NS)
		put_slice(perfetto, vcpu, vcpu->done, entered, "outside", "waiting", NULL);
	put_slice(perfetto, vcpu, entered, left, "guest", "guest", NULL);
	put_slice(perfetto, vcpu, left, record->time_ns, "kvm", "KVM", NULL);
	(void)snprintf(name, sizeof(name), "%s%s%s", ax_exit_name(record->exit->kind),
		       entry->whose ? " " : "", entry->whose ? entry->whose : "");
	put_slice(perfetto, vcpu, record->time_ns, done, "handler", name, entry);
	vcpu->done = done;
}

/* The shortest KVM_RUN of each kind. */
static int find_floors(struct perfetto *perfetto, struct trace_file *file)
{
	AxTraceEntry entry;
	int ret;

	memset(perfetto->floor, 0xff, sizeof(perfetto->floor));
	while ((ret = trace_file_next(file, &entry)) > 0) {
		uint64_t *floor;

		if (entry.type != AX_TRACE_EXIT)
			continue;
		floor = &perfetto->floor[entry.record.exit->kind];
		if (entry.record.kvm_ns < *floor)
			*floor = entry.record.kvm_ns;
	}
	if (!ret && ax_trace_rewind(file->reader, NULL))
		ret = -1;
	return ret;
}

static void begin(struct perfetto *perfetto, const struct trace_file *file)
{
	AxTraceInfo info = AX_TRACE_INFO_INIT;

	ax_trace_info(file->reader, &info);
	perfetto->process = info.process & 0x3fffffff;
	put_clocks(perfetto, &info, !perfetto->begun);
	if (!perfetto->begun)
		put_process(perfetto);
	perfetto->begun = true;
}

static int convert(struct perfetto *perfetto, struct trace_file *file)
{
	AxTraceEntry entry;
	struct vcpu *vcpu;
	int ret = find_floors(perfetto, file);

	while (ret >= 0 && (ret = trace_file_next(file, &entry)) > 0) {
		if (entry.type == AX_TRACE_BEGIN)
			begin(perfetto, file);
		if (entry.type != AX_TRACE_EXIT && entry.type != AX_TRACE_GAP)
			continue;
		vcpu = find_vcpu(perfetto, entry.vcpu);
		if (!vcpu || perfetto->failed) {
			cli_message("there is no memory left");
			return STATUS_HOST;
		}
		if (entry.type == AX_TRACE_EXIT)
			put_exit(perfetto, vcpu, &entry);
		else
			put_event(perfetto, vcpu, TYPE_INSTANT, entry.record.time_ns, "gap",
				  "exits are missing", &entry);
	}
	return ret < 0 ? STATUS_HOST : STATUS_OK;
}

int trace_to_perfetto(struct trace_file *file, FILE *out)
{
	struct perfetto *perfetto = calloc(1, sizeof(*perfetto));
	int status;

	if (!perfetto) {
		cli_message("there is no memory left");
		return STATUS_HOST;
	}
	perfetto->out = out;
	status = convert(perfetto, file);
	protobuf_free(&perfetto->packet);
	protobuf_free(&perfetto->event);
	protobuf_free(&perfetto->inner);
	protobuf_free(&perfetto->whole);
	free(perfetto->vcpus);
	free(perfetto);
	return status;
}
