/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The last exits of a VM: a ring for each vCPU, which its own thread alone writes.
 */
#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>

#include "debug/crash.h"

struct ring {
	uint64_t count; /* exits so far */
	struct crash_exit *exits;
};

struct AxCrashRing {
	uint32_t vcpus;
	uint32_t size;
	struct ring rings[];
};

AxCrashRing *ax_crash_ring_new(uint32_t vcpus, uint32_t exits)
{
	AxCrashRing *ring;

	if (!vcpus || !exits)
		return NULL;
	ring = calloc(1, sizeof(*ring) + vcpus * sizeof(ring->rings[0]));
	if (!ring)
		return NULL;
	ring->vcpus = vcpus;
	ring->size = exits;
	for (uint32_t i = 0; i < vcpus; i++) {
		ring->rings[i].exits = calloc(exits, sizeof(struct crash_exit));
		if (!ring->rings[i].exits) {
			ax_crash_ring_free(ring);
			return NULL;
		}
	}
	return ring;
}

void ax_crash_ring_free(AxCrashRing *ring)
{
	if (!ring)
		return;
	for (uint32_t i = 0; i < ring->vcpus; i++)
		free(ring->rings[i].exits);
	free(ring);
}

void ax_crash_ring_note(AxCrashRing *ring, AxVCpu *vcpu, const AxExitRecord *record)
{
	uint32_t id = ax_vcpu_id(vcpu);
	struct crash_exit *kept;

	if (id >= ring->vcpus)
		return;
	kept = &ring->rings[id].exits[ring->rings[id].count++ % ring->size];
	kept->time_ns = record->time_ns;
	kept->kvm_ns = record->kvm_ns;
	kept->handler_ns = record->handler_ns;
	kept->answer = record->answer;
	kept->handled = record->handled;
	kept->exit = *record->exit;
	/* They live until the next entry. */
	if (kept->exit.kind == AX_EXIT_IO_READ)
		kept->exit.io_read.bytes = NULL;
	else if (kept->exit.kind == AX_EXIT_IO_WRITE)
		kept->exit.io_write.bytes = NULL;
}

/* How many a vCPU's ring has. */
static uint64_t kept_of(const AxCrashRing *ring, uint32_t vcpu)
{
	uint64_t count = ring->rings[vcpu].count;

	return count < ring->size ? count : ring->size;
}

/* The vCPU with the oldest of those that are left; -1: none is left. */
static int oldest(const AxCrashRing *ring, const uint64_t *left)
{
	uint64_t first = UINT64_MAX;
	int found = -1;

	for (uint32_t i = 0; i < ring->vcpus; i++) {
		const struct ring *one = &ring->rings[i];
		uint64_t time;

		if (!left[i])
			continue;
		time = one->exits[(one->count - left[i]) % ring->size].time_ns;
		if (found < 0 || time < first) {
			first = time;
			found = (int)i;
		}
	}
	return found;
}

static void put_exit(const struct crash_exit *kept, struct crash_out *out)
{
	static const char *const verdicts[] = { "handled", "unhandled", "stop" };
	AxVCpuExitReason exit = kept->exit;
	char text[256];

	/* Without its bytes it is shown as its first element. */
	if (exit.kind == AX_EXIT_IO_READ)
		exit.io_read.count = 1;
	else if (exit.kind == AX_EXIT_IO_WRITE)
		exit.io_write.count = 1;
	ax_exit_format(&exit, text, sizeof(text));
	crash_add(out, "{\"time_ns\":%" PRIu64 ",\"vcpu\":%" PRIu32 ",\"kind\":\"%s\",\"exit\":",
		  kept->time_ns, exit.vcpu, ax_exit_name(exit.kind));
	crash_put_string(out, text);
	crash_add(out,
		  ",\"verdict\":\"%s\",\"answer\":\"0x%" PRIx64 "\",\"kvm_ns\":%" PRIu64
		  ",\"handler_ns\":%" PRIu64 "}\n",
		  kept->handled >= 0 && kept->handled < 3 ? verdicts[kept->handled] : "error",
		  kept->answer, kept->kvm_ns, kept->handler_ns);
}

int crash_write_exits(const AxCrashRing *ring, struct crash_out *out)
{
	uint64_t *left, total = 0;
	int vcpu;

	if (!ring)
		return 0;
	left = calloc(ring->vcpus, sizeof(*left));
	if (!left)
		return -ENOMEM;
	for (uint32_t i = 0; i < ring->vcpus; i++) {
		left[i] = kept_of(ring, i);
		total += left[i];
	}
	while ((vcpu = oldest(ring, left)) >= 0) {
		const struct ring *one = &ring->rings[vcpu];

		if (total-- <= AX_CRASH_EXITS)
			put_exit(&one->exits[(one->count - left[vcpu]) % ring->size], out);
		left[vcpu]--;
	}
	free(left);
	return 0;
}
