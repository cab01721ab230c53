/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The writer of a trace: a thread that takes exits out of the vCPUs' rings, packs them, and writes
 * chunks. Between looks at the rings it sleeps: nobody wakes it, because that would be a system call
 * of a vCPU's.
 */
#include <config.h>

#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include <axvmm/axvmm.h>

#include "arch/arch.h"
#include "core/probe.h"
#include "core/trace.h"
#include "core/trace_pack.h"
#include "core/vm.h"

/* How often rings are looked into, and how old exits get before they are written. */
#define LOOK_NS	 10000000
#define CLOCK_NS 100000000

static uint64_t clock_ns(clockid_t clock)
{
	struct timespec now;

	clock_gettime(clock, &now);
	return (uint64_t)now.tv_sec * 1000000000u + (uint64_t)now.tv_nsec;
}

static int write_fd(int fd, const uint8_t *bytes, size_t len)
{
	while (len) {
		ssize_t done = write(fd, bytes, len);

		if (done < 0 && errno != EINTR)
			return -errno;
		if (done > 0) {
			bytes += done;
			len -= (size_t)done;
		}
	}
	return 0;
}

/* A chunk whose head has room for what is filled in here. After a failure nothing is written. */
static void write_chunk(AxTrace *trace, enum trace_chunk type, uint32_t vcpu, uint8_t *chunk,
			size_t len)
{
	const AxTraceConfig *config = &trace->config;

	trace_store(chunk, TRACE_MAGIC, 4);
	trace_store(chunk + 4, TRACE_VERSION, 2);
	trace_store(chunk + 6, type, 2);
	trace_store(chunk + 8, vcpu, 4);
	trace_store(chunk + 12, len - TRACE_CHUNK_HEAD, 4);
	trace_store(chunk + 16,
		    trace_crc(trace_crc(0, chunk, 16), chunk + TRACE_CHUNK_HEAD,
			      len - TRACE_CHUNK_HEAD),
		    4);
	if (trace->error)
		return;
	trace->error = config->write ? config->write(config->opaque, chunk, len)
				     : write_fd(config->fd, chunk, len);
	if (!trace->error)
		atomic_fetch_add(&trace->bytes, len);
}

/* What the counter shows now, and what time it is: between two looks at the counter. */
static void write_clock(AxTrace *trace)
{
	uint8_t chunk[TRACE_CHUNK_HEAD + TRACE_CLOCK_SIZE];
	uint64_t before = arch_counter();

	trace->clock_ns = clock_ns(CLOCK_MONOTONIC);
	trace_store(chunk + TRACE_CHUNK_HEAD, before + (arch_counter() - before) / 2, 8);
	trace_store(chunk + TRACE_CHUNK_HEAD + 8, trace->clock_ns, 8);
	write_chunk(trace, TRACE_CHUNK_CLOCK, 0, chunk, sizeof(chunk));
}

static void write_header(AxTrace *trace)
{
	uint8_t chunk[TRACE_CHUNK_HEAD + TRACE_HEADER_SIZE + UINT8_MAX] = { 0 };
	uint8_t *at = chunk + TRACE_CHUNK_HEAD;
	size_t version = strlen(ax_version());

	if (version > UINT8_MAX)
		version = UINT8_MAX;
	trace_store(at, trace_arch_number(arch_name), 4);
	trace_store(at + 4, trace->ring_count, 4);
	trace_store(at + 8, (uint64_t)getpid(), 4);
	trace_store(at + 16, clock_ns(CLOCK_MONOTONIC), 8);
	trace_store(at + 24, clock_ns(CLOCK_REALTIME), 8);
	trace_store(at + 32, arch_counter_hz(), 8);
	at[40] = (uint8_t)version;
	memcpy(at + TRACE_HEADER_SIZE, ax_version(), version);
	write_chunk(trace, TRACE_CHUNK_HEADER, 0, chunk,
		    TRACE_CHUNK_HEAD + TRACE_HEADER_SIZE + version);
}

/* The names that were collected, as chunks. */
static void write_names(AxTrace *trace)
{
	uint8_t chunk[TRACE_CHUNK_HEAD + 4096];
	size_t used = TRACE_CHUNK_HEAD, at = 0;

	while (at < trace->names.len) {
		size_t size = trace_name_size(trace->names.bytes + at);

		if (size > sizeof(chunk) - used) {
			write_chunk(trace, TRACE_CHUNK_RANGES, 0, chunk, used);
			used = TRACE_CHUNK_HEAD;
		}
		memcpy(chunk + used, trace->names.bytes + at, size);
		used += size;
		at += size;
	}
	if (used > TRACE_CHUNK_HEAD)
		write_chunk(trace, TRACE_CHUNK_RANGES, 0, chunk, used);
	trace_forget_names(trace);
}

int trace_write_head(AxTrace *trace)
{
	write_header(trace);
	write_names(trace);
	write_clock(trace);
	return trace->error;
}

static void begin_chunk(struct trace_ring *ring, uint64_t counter)
{
	trace_store(ring->chunk + TRACE_CHUNK_HEAD, counter, 8);
	ring->pack = (struct trace_pack){ .last = counter };
	ring->used = TRACE_CHUNK_HEAD + 8;
}

static void end_chunk(AxTrace *trace, struct trace_ring *ring)
{
	bool written;

	if (!ring->used)
		return;
	write_chunk(trace, TRACE_CHUNK_EXITS, ring->id, ring->chunk, ring->used);
	written = !trace->error;
	atomic_fetch_add(&trace->exits, written ? ring->chunk_exits : 0);
	atomic_fetch_add(&trace->lost, ring->chunk_lost + (written ? 0 : ring->chunk_exits));
	ring->used = 0;
	ring->chunk_exits = 0;
	ring->chunk_lost = 0;
}

/* Copy what stands in the slots from @place on. */
static void take_slots(const struct trace_ring *ring, uint64_t place, void *bytes, size_t len)
{
	uint8_t *at = bytes;

	while (len) {
		size_t part = len < sizeof(struct trace_slot) ? len : sizeof(struct trace_slot);

		memcpy(at, &ring->slots[place++ & ring->mask], part);
		at += part;
		len -= part;
	}
}

/* The exit that a plain slot stands for, and what it was answered. */
static uint64_t plain_exit(const struct trace_slot *slot, AxVCpuExitReason *exit)
{
	uint32_t width = (uint32_t)__builtin_ctz(slot->size);
	uint64_t value = slot->value & (UINT64_MAX >> (64 - 8 * slot->size));

	*exit = (AxVCpuExitReason){ .kind = slot->kind };
	switch (slot->kind) {
	case AX_EXIT_IO_READ:
		exit->io_read.port = (AxPort)slot->addr;
		exit->io_read.width = width;
		exit->io_read.count = 1;
		return value;
	case AX_EXIT_IO_WRITE:
		exit->io_write.port = (AxPort)slot->addr;
		exit->io_write.width = width;
		exit->io_write.count = 1;
		exit->io_write.data = value;
		return 0;
	case AX_EXIT_MMIO_READ:
		exit->mmio_read.addr = slot->addr;
		exit->mmio_read.width = width;
		exit->mmio_read.len = slot->size;
		return value;
	default:
		exit->mmio_write.addr = slot->addr;
		exit->mmio_write.width = width;
		exit->mmio_write.len = slot->size;
		exit->mmio_write.data = value;
		return 0;
	}
}

/* Pack what begins at @place. Returns how many slots it has. */
static uint64_t pack_slot(struct trace_ring *ring, uint64_t place)
{
	const struct trace_slot *slot = &ring->slots[place & ring->mask];
	uint64_t times[3] = { slot->entered, slot->left, slot->done };
	uint8_t bytes[TRACE_BYTES_MAX], *at = ring->chunk + ring->used;
	uint64_t answer, slots = 1;
	AxVCpuExitReason exit;

	if (slot->form == TRACE_LOST) {
		at = trace_pack_gap(&ring->pack, at, slot->left, slot->done, slot->value);
		ring->chunk_lost += slot->value;
	} else if (slot->form == TRACE_PLAIN) {
		answer = plain_exit(slot, &exit);
		at = trace_pack_exit(&ring->pack, at, &exit, slot->handled, times, answer, NULL, 0);
		ring->chunk_exits++;
	} else {
		take_slots(ring, place + 1, &exit, sizeof(exit));
		take_slots(ring, place + 1 + TRACE_REASON_SLOTS, bytes, slot->byte_count);
		at = trace_pack_exit(&ring->pack, at, &exit, slot->handled, times, slot->value,
				     bytes, slot->byte_count);
		ring->chunk_exits++;
		slots +=
			TRACE_REASON_SLOTS + (slot->byte_count + sizeof(*slot) - 1) / sizeof(*slot);
	}
	ring->used = (size_t)(at - ring->chunk);
	return slots;
}

static void make_chunk_room(AxTrace *trace, struct trace_ring *ring, uint64_t counter)
{
	if (ring->used > TRACE_CHUNK_SIZE - TRACE_RECORD_MAX)
		end_chunk(trace, ring);
	if (!ring->used)
		begin_chunk(ring, counter);
}

static void drain(AxTrace *trace, struct trace_ring *ring)
{
	uint64_t tail = atomic_load_explicit(&ring->tail, memory_order_relaxed);
	uint64_t head = atomic_load_explicit(&ring->head, memory_order_acquire);

	while (tail != head) {
		const struct trace_slot *slot = &ring->slots[tail & ring->mask];

		make_chunk_room(trace, ring, slot->form == TRACE_LOST ? slot->left : slot->entered);
		tail += pack_slot(ring, tail);
		atomic_store_explicit(&ring->tail, tail, memory_order_release);
	}
}

/* After the vCPUs have let go: what was lost last. */
static void finish_ring(AxTrace *trace, struct trace_ring *ring)
{
	uint8_t *at;

	drain(trace, ring);
	if (ring->lost) {
		make_chunk_room(trace, ring, ring->lost_first);
		at = trace_pack_gap(&ring->pack, ring->chunk + ring->used, ring->lost_first,
				    ring->lost_last, ring->lost);
		ring->used = (size_t)(at - ring->chunk);
		ring->chunk_lost += ring->lost;
	}
	end_chunk(trace, ring);
}

static void write_end(AxTrace *trace)
{
	uint8_t chunk[TRACE_CHUNK_HEAD + TRACE_END_SIZE];

	write_names(trace);
	write_clock(trace);
	trace_store(chunk + TRACE_CHUNK_HEAD, atomic_load(&trace->exits), 8);
	trace_store(chunk + TRACE_CHUNK_HEAD + 8, atomic_load(&trace->lost), 8);
	write_chunk(trace, TRACE_CHUNK_END, 0, chunk, sizeof(chunk));
}

/* Rings are added, but none goes before the thread does. */
static struct trace_ring *first_ring(AxTrace *trace)
{
	struct trace_ring *ring;

	pthread_mutex_lock(&trace->lock);
	ring = trace->rings;
	pthread_mutex_unlock(&trace->lock);
	return ring;
}

/* Wait for the next look: false when the trace ends. */
static bool sleep_on(AxTrace *trace)
{
	uint64_t until = clock_ns(CLOCK_MONOTONIC) + LOOK_NS;
	struct timespec at = { .tv_sec = (time_t)(until / 1000000000u),
			       .tv_nsec = (long)(until % 1000000000u) };
	bool stopping;

	pthread_mutex_lock(&trace->lock);
	if (!trace->stopping)
		pthread_cond_timedwait(&trace->stop, &trace->lock, &at);
	stopping = trace->stopping;
	pthread_mutex_unlock(&trace->lock);
	return !stopping;
}

static void *writer(void *opaque)
{
	AxTrace *trace = opaque;
	struct trace_ring *ring;

	pthread_setname_np(pthread_self(), "ax-trace");
	while (sleep_on(trace)) {
		bool due = clock_ns(CLOCK_MONOTONIC) - trace->clock_ns >= CLOCK_NS, wrote = false;

		for (ring = first_ring(trace); ring; ring = ring->next) {
			drain(trace, ring);
			wrote |= ring->used != 0;
			if (due)
				end_chunk(trace, ring);
		}
		if (due && wrote)
			write_clock(trace);
	}
	for (ring = first_ring(trace); ring; ring = ring->next)
		finish_ring(trace, ring);
	write_end(trace);
	return NULL;
}

int trace_start_writer(AxTrace *trace)
{
	sigset_t all, old;
	int ret;

	/* As the vCPUs' threads: what a mistake of its own raises the process may want to hear of. */
	sigfillset(&all);
	sigdelset(&all, SIGSEGV);
	sigdelset(&all, SIGBUS);
	sigdelset(&all, SIGFPE);
	sigdelset(&all, SIGILL);
	pthread_sigmask(SIG_SETMASK, &all, &old);
	ret = pthread_create(&trace->thread, NULL, writer, trace);
	pthread_sigmask(SIG_SETMASK, &old, NULL);
	return ret;
}

void trace_end_writer(AxTrace *trace)
{
	pthread_mutex_lock(&trace->lock);
	trace->stopping = true;
	pthread_cond_signal(&trace->stop);
	pthread_mutex_unlock(&trace->lock);
	pthread_join(trace->thread, NULL);
}
