/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The fake KVM's ring of collected writes and the zones that it collects them of, with KVM's rules: a zone
 * has a write that lies inside of it as a whole; what finds no room is not collected; a zone is taken back
 * by naming a part of it. Source: Documentation/virt/kvm/api.rst, 4.116.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "fake_internal.h"

#define PAGE_SIZE 4096

_Static_assert(FAKE_RING_SIZE == (PAGE_SIZE - sizeof(struct kvm_coalesced_mmio_ring)) /
					 sizeof(struct kvm_coalesced_mmio),
	       "entries of a page");

static bool has(const struct kvm_coalesced_mmio_zone *zone, bool port, uint64_t addr, uint64_t len)
{
	if (!zone->pio != !port || addr + len < addr || addr < zone->addr)
		return false;
	return addr + len <= zone->addr + zone->size;
}

int fake_set_zone(struct fake_object *vm, const struct kvm_coalesced_mmio_zone *zone)
{
	struct fake_zone *entry;

	if (!fake_cap(KVM_CAP_COALESCED_MMIO))
		return -ENOTTY;
	if (zone->pio > (uint32_t)(fake_cap(KVM_CAP_COALESCED_PIO) != 0))
		return -EINVAL;
	entry = calloc(1, sizeof(*entry));
	if (!entry)
		abort();
	entry->zone = *zone;
	entry->next = vm->zones;
	vm->zones = entry;
	return 0;
}

int fake_unset_zone(struct fake_object *vm, const struct kvm_coalesced_mmio_zone *zone)
{
	struct fake_zone **link = &vm->zones;

	while (*link) {
		struct fake_zone *entry = *link;

		if (!has(&entry->zone, zone->pio != 0, zone->addr, zone->size)) {
			link = &entry->next;
			continue;
		}
		*link = entry->next;
		free(entry);
	}
	return 0;
}

void fake_zones_free(struct fake_object *vm)
{
	while (vm->zones) {
		struct fake_zone *next = vm->zones->next;

		free(vm->zones);
		vm->zones = next;
	}
}

unsigned fake_zones(unsigned vm)
{
	const struct fake_object *object;
	unsigned count = 0;

	fake_lock();
	object = fake_find_number(FAKE_VM, vm);
	for (const struct fake_zone *entry = object ? object->zones : NULL; entry;
	     entry = entry->next)
		count++;
	fake_unlock();
	return count;
}

/* In the pages of the VM's first vCPU, where the core looks for it; KVM has it in all of them. */
static struct kvm_coalesced_mmio_ring *ring_of(const struct fake_object *vm)
{
	struct fake_object *vcpu = NULL;

	for (unsigned i = 0; !vcpu; i++) {
		vcpu = fake_find_number(FAKE_VCPU, i);
		if (!vcpu)
			return NULL;
		if (vcpu->vm != vm)
			vcpu = NULL;
	}
	if (!vcpu->run)
		return NULL;
	return (struct kvm_coalesced_mmio_ring *)((uint8_t *)vcpu->run +
						  FAKE_RING_PAGE * PAGE_SIZE);
}

struct kvm_coalesced_mmio_ring *fake_ring(unsigned vm)
{
	const struct fake_object *object;
	struct kvm_coalesced_mmio_ring *ring;

	fake_lock();
	object = fake_find_number(FAKE_VM, vm);
	ring = object ? ring_of(object) : NULL;
	fake_unlock();
	return ring;
}

/* False: it is full, or its indices are none. */
static bool put(struct kvm_coalesced_mmio_ring *ring, const struct kvm_coalesced_mmio *entry)
{
	uint32_t last = __atomic_load_n(&ring->last, __ATOMIC_RELAXED);
	uint32_t first = __atomic_load_n(&ring->first, __ATOMIC_ACQUIRE);

	if (last >= FAKE_RING_SIZE || (last + 1) % FAKE_RING_SIZE == first)
		return false;
	memcpy(&ring->coalesced_mmio[last], entry, sizeof(*entry));
	__atomic_store_n(&ring->last, (last + 1) % FAKE_RING_SIZE, __ATOMIC_RELEASE);
	return true;
}

void fake_put_entry(unsigned vm, const struct kvm_coalesced_mmio *entry)
{
	const struct fake_object *object;
	struct kvm_coalesced_mmio_ring *ring;

	fake_lock();
	object = fake_find_number(FAKE_VM, vm);
	ring = object ? ring_of(object) : NULL;
	if (!ring || !put(ring, entry))
		abort();
	fake_unlock();
}

bool fake_collect(unsigned vm, bool port, uint64_t addr, unsigned len, uint64_t value)
{
	struct kvm_coalesced_mmio entry = { .phys_addr = addr, .len = len, .pio = port };
	struct kvm_coalesced_mmio_ring *ring;
	const struct fake_zone *zone = NULL;
	const struct fake_object *object;
	bool collected = false;

	memcpy(entry.data, &value, sizeof(entry.data));
	fake_lock();
	object = fake_find_number(FAKE_VM, vm);
	ring = object ? ring_of(object) : NULL;
	if (ring)
		zone = object->zones;
	while (zone && !has(&zone->zone, port, addr, len))
		zone = zone->next;
	if (zone)
		collected = put(ring, &entry);
	fake_unlock();
	return collected;
}
