/* SPDX-License-Identifier: Apache-2.0 */
/*
 * KVM's ring of collected writes; see coalesce.h. Its entries are the guest's, in memory that is shared
 * with KVM: each is copied before it is looked at.
 */
#include <config.h>

#include <errno.h>
#include <inttypes.h>
#include <string.h>
#include <unistd.h>

#include "core/coalesce.h"
#include "core/dispatch.h"
#include "core/error.h"
#include "core/exit.h"
#include "core/watch.h"

/* One collected write, checked. */
struct collected {
	enum range_space space;
	uint64_t addr;
	unsigned size; /* bytes: 1 to 8, of ports 1 to 4 */
	uint64_t value;
};

/* False: KVM makes no such entry. */
static bool parse(const struct kvm_coalesced_mmio *entry, struct collected *out)
{
	bool port = entry->pio != 0;

	if (!entry->len || entry->len > (port ? 4 : sizeof(entry->data)))
		return false;
	if (entry->phys_addr + (entry->len - 1) < entry->phys_addr ||
	    (port && entry->phys_addr > PORT_SPACE_SIZE - entry->len))
		return false;
	out->space = port ? RANGE_PORT : RANGE_MMIO;
	out->addr = entry->phys_addr;
	out->size = entry->len;
	memcpy(&out->value, entry->data, sizeof(out->value));
	out->value &= exit_mask(out->size);
	return true;
}

/* The exit that it would have been. @bytes has room for 8 and lives as long as @exit. */
static void describe(const struct collected *write, AxVCpu *vcpu, uint8_t *bytes,
		     AxVCpuExitReason *exit)
{
	uint32_t width = exit_is_width(write->size) ? exit_width(write->size) : AX_WIDTH_BYTE;

	*exit = (AxVCpuExitReason){ .vcpu = vcpu->id };
	if (write->space == RANGE_MMIO) {
		exit->kind = AX_EXIT_MMIO_WRITE;
		exit->mmio_write = (AxExitMmioWrite){ .addr = write->addr,
						      .width = width,
						      .len = write->size,
						      .data = write->value };
		return;
	}
	memcpy(bytes, &write->value, sizeof(write->value));
	exit->kind = AX_EXIT_IO_WRITE;
	exit->io_write = (AxExitIoWrite){ .port = (AxPort)write->addr,
					  .width = width,
					  .count = 1,
					  .data = write->value,
					  .bytes = bytes };
}

/* A length that is no width: bytewise, as dispatch.c does it. */
static AxHandled hand_out_bytes(AxVCpu *vcpu, const struct range *range, uint64_t offset,
				const struct collected *write)
{
	AxHandled handled = AX_HANDLED, one;

	for (unsigned i = 0; i < write->size; i++) {
		if (!range_fits(range, write->addr + i, AX_WIDTH_BYTE))
			return AX_UNHANDLED;
		one = range->ops.write(vcpu, range->opaque, offset + i, AX_WIDTH_BYTE,
				       write->value >> (8 * i) & 0xff);
		handled = one > handled ? one : handled;
	}
	return handled;
}

/* KVM collects what lies inside of a range as a whole. */
static AxHandled hand_out(AxVCpu *vcpu, const struct snapshot *snapshot,
			  const struct collected *write)
{
	const struct range *range = range_find(&snapshot->table[write->space], write->addr);
	AxAccessWidth width;

	if (!range)
		return AX_UNHANDLED;
	if (!exit_is_width(write->size))
		return hand_out_bytes(vcpu, range, write->addr - range->base, write);
	width = exit_width(write->size);
	if (!range_fits(range, write->addr, width))
		return AX_UNHANDLED;
	return range->ops.write(vcpu, range->opaque, write->addr - range->base, width,
				write->value);
}

/* Have the loop say it: of @owner, or of the first vCPU. The first verdict that waits is told. */
static void leave_verdict(AxVm *vm, AxVCpu *owner, AxHandled verdict, const AxVCpuExitReason *exit)
{
	struct coalesce *coalesce = vm->coalesce;

	if (coalesce->verdict == AX_HANDLED) {
		coalesce->verdict = verdict;
		coalesce->stopped_on = *exit;
		if (exit->kind == AX_EXIT_IO_WRITE) {
			memcpy(coalesce->stopped_bytes, exit->io_write.bytes,
			       sizeof(coalesce->stopped_bytes));
			coalesce->stopped_on.io_write.bytes = NULL;
		}
	}
	/* It is on its way through the loop, which looks; the first one may be in the guest. */
	if (owner)
		atomic_fetch_or(&owner->requests, REQUEST_VERDICT);
	else
		vcpu_request(__atomic_load_n(&vm->vcpus, __ATOMIC_SEQ_CST)[0], REQUEST_VERDICT);
}

static void judge(AxVm *vm, AxVCpu *owner, AxHandled handled, const AxVCpuExitReason *exit)
{
	if (handled == AX_UNHANDLED && vm->unclaimed == AX_UNCLAIMED_WARN && owner)
		dispatch_warn(owner, exit);
	if (handled == AX_STOP || (handled == AX_UNHANDLED && vm->unclaimed == AX_UNCLAIMED_STOP))
		leave_verdict(vm, owner, handled, exit);
}

/* @owner: whose thread this is; NULL: no vCPU's */
static void hand_out_one(AxVm *vm, AxVCpu *owner, const struct snapshot *snapshot,
			 const struct kvm_coalesced_mmio *entry)
{
	AxVCpu *vcpu = owner ? owner : __atomic_load_n(&vm->vcpus, __ATOMIC_SEQ_CST)[0];
	struct watch_times times;
	struct collected write;
	AxVCpuExitReason exit;
	AxHandled handled;
	uint8_t bytes[8];

	if (!parse(entry, &write))
		return;
	atomic_fetch_add_explicit(&vm->coalesce->count, 1, memory_order_relaxed);
	describe(&write, vcpu, bytes, &exit);
	if (owner)
		watch_collected_begin(owner, &times);
	handled = hand_out(vcpu, snapshot, &write);
	if (owner)
		watch_collected_end(owner, &times, &exit, handled);
	if (handled != AX_HANDLED)
		judge(vm, owner, handled, &exit);
}

/* What was there when this began: what a vCPU has written before it left the guest is. */
static void drain_ring(AxVm *vm, AxVCpu *owner, struct kvm_coalesced_mmio_ring *ring)
{
	struct coalesce *coalesce = vm->coalesce;
	uint32_t size = coalesce->size;
	uint32_t last = __atomic_load_n(&ring->last, __ATOMIC_ACQUIRE);
	uint32_t first = __atomic_load_n(&ring->first, __ATOMIC_RELAXED);
	const struct snapshot *snapshot = atomic_load(&vm->snapshot);

	atomic_store(&coalesce->generation, snapshot->generation);
	/* KVM collects nothing when these are wrong, so that there is nothing to lose. */
	if (last >= size)
		return;
	if (first >= size)
		first = last;
	while (first != last) {
		struct kvm_coalesced_mmio entry;

		memcpy(&entry, &ring->coalesced_mmio[first], sizeof(entry));
		hand_out_one(vm, owner, snapshot, &entry);
		first = (first + 1) % size;
		/* Not before: who finds the ring empty goes on without the lock. */
		__atomic_store_n(&ring->first, first, __ATOMIC_RELEASE);
	}
	__atomic_store_n(&ring->first, first, __ATOMIC_RELEASE);
}

void coalesce_drain(AxVm *vm, AxVCpu *owner)
{
	struct coalesce *coalesce = vm->coalesce;
	struct kvm_coalesced_mmio_ring *ring = atomic_load(&coalesce->ring);
	uint8_t pending = AX_EXIT_NOTHING;

	if (!ring)
		return;
	if (owner) {
		/* What KVM_RUN has left is not even decoded: hands off kvm_run and registers. */
		pending = owner->pending.kind;
		owner->pending.kind = PENDING_UNKNOWN;
		owner->draining = true;
	}
	pthread_mutex_lock(&coalesce->lock);
	/* In this order: first say that we are in, then look (range.h). */
	atomic_store(&coalesce->drainer, (uintptr_t)pthread_self());
	drain_ring(vm, owner, ring);
	atomic_store(&coalesce->drainer, 0);
	pthread_mutex_unlock(&coalesce->lock);
	if (owner) {
		owner->draining = false;
		owner->pending.kind = pending;
	}
	vm_wake_waiters(vm);
}

int ax_coalesced_drain(AxVm *vm, AxError *err)
{
	struct coalesce *coalesce;
	bool in_handler;

	pthread_mutex_lock(&vm->lock);
	in_handler = called_from_handler(vm);
	coalesce = vm->coalesce;
	pthread_mutex_unlock(&vm->lock);
	if (in_handler)
		return ax_error_set(err, -EDEADLK, AX_ERROR_STATE, 0,
				    "a handler can't hand out what KVM has collected: its vCPU has "
				    "done so before");
	if (coalesce)
		coalesce_drain(vm, NULL);
	return 0;
}

uint64_t ax_coalesced_count(AxVm *vm)
{
	uint64_t count;

	pthread_mutex_lock(&vm->lock);
	count = vm->coalesce ? atomic_load(&vm->coalesce->count) : 0;
	pthread_mutex_unlock(&vm->lock);
	return count;
}

AxHandled coalesce_take_verdict(AxVCpu *vcpu, AxVCpuExitReason *exit)
{
	struct coalesce *coalesce = vcpu->vm->coalesce;
	AxHandled verdict;

	vcpu_take_requests(vcpu, REQUEST_VERDICT);
	pthread_mutex_lock(&coalesce->lock);
	verdict = coalesce->verdict;
	if (verdict != AX_HANDLED)
		*exit = coalesce->stopped_on;
	if (verdict != AX_HANDLED && exit->kind == AX_EXIT_IO_WRITE) {
		/* Who is told looks at them while others hand out. */
		memcpy(vcpu->stopped_bytes, coalesce->stopped_bytes, sizeof(vcpu->stopped_bytes));
		exit->io_write.bytes = vcpu->stopped_bytes;
	}
	coalesce->verdict = AX_HANDLED;
	pthread_mutex_unlock(&coalesce->lock);
	return verdict;
}

bool coalesce_is_drainer(const AxVm *vm)
{
	return vm->coalesce && atomic_load(&vm->coalesce->drainer) == (uintptr_t)pthread_self();
}

bool coalesce_holds_older(const AxVm *vm, uint64_t generation)
{
	return vm->coalesce && atomic_load(&vm->coalesce->drainer) &&
	       atomic_load(&vm->coalesce->generation) < generation;
}
