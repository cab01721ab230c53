/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Beginning and ending a trace, and the vCPUs' side of it that is not inline.
 */
#include <config.h>

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "core/error.h"
#include "core/trace.h"
#include "core/vcpu.h"
#include "core/vm.h"

#define RING_BYTES_MIN (16u << 10)
#define RING_BYTES_MAX (1u << 30)

bool trace_make_room(struct trace_ring *ring, uint64_t count)
{
	uint64_t head = atomic_load_explicit(&ring->head, memory_order_relaxed);
	uint64_t size = ring->mask + 1;
	uint64_t tail = atomic_load_explicit(&ring->tail, memory_order_acquire);
	/* After a loss wait for some room, so that gaps are few; and they take a slot. */
	uint64_t wanted = ring->lost ? count + 1 + size / 8 : count;
	struct trace_slot *slot;

	ring->limit = tail + size;
	if (ring->limit - head < wanted) {
		/* The next look is at the next exit. */
		ring->limit = head;
		return false;
	}
	if (!ring->lost)
		return true;
	slot = &ring->slots[head & ring->mask];
	slot->form = TRACE_LOST;
	slot->value = ring->lost;
	slot->left = ring->lost_first;
	slot->done = ring->lost_last;
	ring->lost = 0;
	atomic_store_explicit(&ring->head, head + 1, memory_order_release);
	return true;
}

void trace_count_lost(struct trace_ring *ring, uint64_t left)
{
	if (!ring->lost++)
		ring->lost_first = left;
	ring->lost_last = left;
}

/* Copy @len bytes to the slots from @place on. */
static void fill_slots(struct trace_ring *ring, uint64_t place, const void *bytes, size_t len)
{
	const uint8_t *at = bytes;

	while (len) {
		size_t part = len < sizeof(struct trace_slot) ? len : sizeof(struct trace_slot);

		memcpy(&ring->slots[place++ & ring->mask], at, part);
		at += part;
		len -= part;
	}
}

/* KVM's page holds less; what would not fit is cut, and the exit says so. */
static void limit_count(AxVCpuExitReason *exit, size_t *count)
{
	if (*count <= TRACE_BYTES_MAX)
		return;
	*count = TRACE_BYTES_MAX;
	if (exit->kind == AX_EXIT_IO_READ)
		exit->io_read.count = TRACE_BYTES_MAX >> exit->io_read.width;
	else
		exit->io_write.count = TRACE_BYTES_MAX >> exit->io_write.width;
}

void trace_put(struct trace_ring *ring, const AxVCpuExitReason *exit, uint64_t answer, int handled,
	       const uint64_t times[3], const uint8_t *bytes, size_t count)
{
	AxVCpuExitReason reason = *exit;
	struct trace_slot *slot;
	uint64_t slots, head;

	limit_count(&reason, &count);
	slots = 1 + TRACE_REASON_SLOTS + (count + sizeof(*slot) - 1) / sizeof(*slot);
	head = atomic_load_explicit(&ring->head, memory_order_relaxed);
	if (ring->limit - head < slots && !trace_make_room(ring, slots)) {
		trace_count_lost(ring, times[1]);
		return;
	}
	head = atomic_load_explicit(&ring->head, memory_order_relaxed);
	slot = &ring->slots[head & ring->mask];
	slot->form = TRACE_FULL;
	slot->kind = (uint8_t)exit->kind;
	slot->handled = (uint8_t)handled;
	slot->byte_count = (uint32_t)count;
	slot->entered = times[0];
	slot->left = times[1];
	slot->done = times[2];
	slot->value = answer;
	fill_slots(ring, head + 1, &reason, sizeof(reason));
	fill_slots(ring, head + 1 + TRACE_REASON_SLOTS, bytes, count);
	atomic_store_explicit(&ring->head, head + slots, memory_order_release);
}

struct trace_ring *trace_ring_of(AxTrace *trace, const AxVCpu *vcpu)
{
	struct trace_ring *ring;

	pthread_mutex_lock(&trace->lock);
	for (ring = trace->rings; ring && ring->vcpu != vcpu; ring = ring->next)
		;
	pthread_mutex_unlock(&trace->lock);
	return ring;
}

int trace_add_vcpu(AxTrace *trace, AxVCpu *vcpu)
{
	size_t size = sizeof(struct trace_ring);
	size_t slots = trace->slots * sizeof(struct trace_slot);
	struct trace_ring *ring;

	if (trace_ring_of(trace, vcpu))
		return 0;
	/* Mapped: pages that nothing was put into cost nothing. */
	size += slots + TRACE_CHUNK_SIZE;
	ring = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	if (ring == MAP_FAILED)
		return -ENOMEM;
	ring->map_size = size;
	ring->slots = (struct trace_slot *)(ring + 1);
	ring->chunk = (uint8_t *)ring->slots + slots;
	ring->mask = trace->slots - 1;
	ring->limit = trace->slots;
	ring->vcpu = vcpu;
	ring->id = vcpu->id;
	pthread_mutex_lock(&trace->lock);
	ring->next = trace->rings;
	trace->rings = ring;
	trace->ring_count++;
	pthread_mutex_unlock(&trace->lock);
	return 0;
}

static void free_trace(AxTrace *trace)
{
	while (trace->rings) {
		struct trace_ring *ring = trace->rings;

		trace->rings = ring->next;
		munmap(ring, ring->map_size);
	}
	trace_forget_names(trace);
	pthread_cond_destroy(&trace->stop);
	pthread_mutex_destroy(&trace->lock);
	free(trace);
}

static int check_config(const AxTraceConfig *config, AxError *err)
{
	if (!config || config->size < sizeof(*config))
		return ax_error_argument(err, -EINVAL,
					 "AxTraceConfig.size is not set: use AX_TRACE_CONFIG_INIT");
	if (!config->write && config->fd < 0)
		return ax_error_argument(err, -EINVAL,
					 "a trace goes nowhere: AxTraceConfig has neither fd nor "
					 "write");
	if (config->ring_bytes > RING_BYTES_MAX)
		return ax_error_argument(err, -EINVAL, "a trace's ring has at most %u bytes",
					 RING_BYTES_MAX);
	for (size_t i = 0; i < config->range_count; i++) {
		if (!config->ranges[i].name || strlen(config->ranges[i].name) > UINT8_MAX)
			return ax_error_argument(err, -EINVAL,
						 "range %zu of a trace has no name, or one of more "
						 "than 255 bytes",
						 i);
	}
	return 0;
}

static AxTrace *new_trace(AxVm *vm, const AxTraceConfig *config)
{
	size_t bytes = config->ring_bytes ? config->ring_bytes : AX_TRACE_RING_BYTES;
	AxTrace *trace = calloc(1, sizeof(*trace));
	pthread_condattr_t attr;

	if (!trace)
		return NULL;
	trace->vm = vm;
	trace->config = *config;
	trace->slots = RING_BYTES_MIN / sizeof(struct trace_slot);
	while (trace->slots * sizeof(struct trace_slot) < bytes)
		trace->slots *= 2;
	pthread_mutex_init(&trace->lock, NULL);
	pthread_condattr_init(&attr);
	pthread_condattr_setclock(&attr, CLOCK_MONOTONIC);
	pthread_cond_init(&trace->stop, &attr);
	pthread_condattr_destroy(&attr);
	return trace;
}

/* Have the vCPUs use @trace, or none (NULL), and wait until all do. vm->lock is held. */
static int publish(AxVm *vm, AxTrace *trace, AxError *err)
{
	struct snapshot *next = snapshot_copy(atomic_load(&vm->snapshot));

	if (!next)
		return ax_error_nomem(err, "a trace");
	next->trace = trace;
	snapshot_choose_way(next);
	if (trace)
		trace->generation = next->generation;
	snapshot_publish(vm, next);
	snapshot_settle(vm);
	return 0;
}

static int no_handler(AxVm *vm, AxError *err)
{
	if (!called_from_handler(vm))
		return 0;
	return ax_error_set(err, -EDEADLK, AX_ERROR_STATE, 0,
			    "a trace can't begin or end in a handler: use ax_host_defer()");
}

/* Rings, beginning of the file, thread. vm->lock is held. */
static int prepare(AxTrace *trace, AxError *err)
{
	AxVm *vm = trace->vm;
	int ret = 0;

	for (unsigned i = 0; !ret && i < vm->vcpu_count; i++)
		ret = trace_add_vcpu(trace, vm->vcpus[i]);
	if (ret)
		return ax_error_nomem(err, "a trace's rings");
	ret = trace_collect_names(trace);
	if (ret)
		return ax_error_nomem(err, "a trace's names");
	ret = trace_write_head(trace);
	if (ret)
		return ax_error_set(err, -EIO, AX_ERROR_FILE, -ret, "a trace can't be written: %s",
				    strerror(-ret));
	trace->config.ranges = NULL;
	trace->config.range_count = 0;
	ret = trace_start_writer(trace);
	return ret ? ax_error_set(err, -ENOMEM, AX_ERROR_RESOURCE, ret,
				  "a trace's thread can't be created: %s", strerror(ret))
		   : 0;
}

/* vm->lock is held. */
static int start(AxTrace *trace, AxError *err)
{
	AxVm *vm = trace->vm;
	int ret = no_handler(vm, err);

	if (ret)
		return ret;
	if (atomic_load(&vm->snapshot)->trace)
		return ax_error_argument(err, -EEXIST, "this VM is being traced already");
	ret = prepare(trace, err);
	if (ret)
		return ret;
	ret = publish(vm, trace, err);
	if (ret)
		trace_end_writer(trace);
	return ret;
}

int ax_trace_start(AxVm *vm, const AxTraceConfig *config, AxTrace **out, AxError *err)
{
	int ret = check_config(config, err);
	AxTrace *trace;

	if (ret)
		return ret;
	trace = new_trace(vm, config);
	if (!trace)
		return ax_error_nomem(err, "a trace");
	pthread_mutex_lock(&vm->lock);
	ret = start(trace, err);
	pthread_mutex_unlock(&vm->lock);
	if (ret)
		free_trace(trace);
	else
		*out = trace;
	return ret;
}

void ax_trace_counts(const AxTrace *trace, AxTraceCounts *counts)
{
	counts->exits = atomic_load(&trace->exits);
	counts->lost = atomic_load(&trace->lost);
	counts->bytes = atomic_load(&trace->bytes);
}

int ax_trace_stop(AxTrace *trace, AxTraceCounts *counts, AxError *err)
{
	AxVm *vm = trace->vm;
	bool changed;
	int ret;

	pthread_mutex_lock(&vm->lock);
	ret = no_handler(vm, err);
	changed = atomic_load(&vm->snapshot)->generation != trace->generation;
	if (!ret)
		ret = publish(vm, NULL, err);
	/* Without memory newer ones have no names. */
	if (!ret && changed)
		(void)trace_collect_names(trace);
	pthread_mutex_unlock(&vm->lock);
	if (ret)
		return ret;
	trace_end_writer(trace);
	if (counts)
		ax_trace_counts(trace, counts);
	if (trace->error)
		ret = ax_error_set(err, -EIO, AX_ERROR_FILE, -trace->error,
				   "the trace is not complete: %s", strerror(-trace->error));
	free_trace(trace);
	return ret;
}
