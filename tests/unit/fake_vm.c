/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The fake KVM's VM: memory slots, vCPUs, interrupt lines, ioeventfds and irqfds, with the checks
 * that KVM makes. Source: Documentation/virt/kvm/api.rst.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "fake_internal.h"

#define PAGE_SIZE 4096

static bool slots_overlap(const struct kvm_userspace_memory_region *a,
			  const struct kvm_userspace_memory_region *b)
{
	return a->guest_phys_addr < b->guest_phys_addr + b->memory_size &&
	       b->guest_phys_addr < a->guest_phys_addr + a->memory_size;
}

static int check_region(const struct fake_object *vm,
			const struct kvm_userspace_memory_region *region)
{
	if (region->slot >= (unsigned)fake_cap(KVM_CAP_NR_MEMSLOTS))
		return -EINVAL;
	if ((region->guest_phys_addr | region->memory_size | region->userspace_addr) % PAGE_SIZE)
		return -EINVAL;
	if (region->guest_phys_addr + region->memory_size < region->guest_phys_addr)
		return -EINVAL;
	if ((region->guest_phys_addr + region->memory_size) >> 52)
		return -EINVAL;
	if (region->flags & ~(uint32_t)(KVM_MEM_READONLY | KVM_MEM_LOG_DIRTY_PAGES))
		return -EINVAL;
	if ((region->flags & KVM_MEM_READONLY) && !fake_cap(KVM_CAP_READONLY_MEM))
		return -EINVAL;
	for (const struct fake_slot *slot = vm->slots; slot; slot = slot->next)
		if (slot->region.slot != region->slot && slots_overlap(&slot->region, region))
			return -EEXIST;
	return 0;
}

static int set_region(struct fake_object *vm, const struct kvm_userspace_memory_region *region)
{
	struct fake_slot **link = &vm->slots, *slot;
	int ret = check_region(vm, region);

	if (ret)
		return ret;
	while (*link && (*link)->region.slot != region->slot)
		link = &(*link)->next;
	slot = *link;
	if (!region->memory_size) {
		if (!slot)
			return -EINVAL;
		*link = slot->next;
		free(slot);
		return 0;
	}
	if (slot)
		return -EINVAL; /* moving and resizing: the core does neither */
	slot = calloc(1, sizeof(*slot));
	if (!slot)
		abort();
	slot->region = *region;
	slot->next = vm->slots;
	vm->slots = slot;
	return 0;
}

static int create_vcpu(struct fake_object *vm, unsigned id)
{
	struct fake_object *vcpu;
	bool taken;

	if (id >= (unsigned)fake_cap(KVM_CAP_MAX_VCPU_ID))
		return -EINVAL;
	if (fake_vcpus_of(vm, &taken, id) >= (unsigned)fake_cap(KVM_CAP_MAX_VCPUS))
		return -EINVAL;
	if (taken)
		return -EEXIST;
	vcpu = fake_new_object(FAKE_VCPU, vm);
	vcpu->id = id;
	fake_arch_new_vcpu(vcpu);
	return vcpu->fd;
}

static int create_irqchip(struct fake_object *vm)
{
	bool taken;

	if (vm->irqchip)
		return -EEXIST;
	if (fake_vcpus_of(vm, &taken, 0))
		return -EINVAL;
	vm->irqchip = true;
	return 0;
}

static int set_line(struct fake_object *vm, const struct kvm_irq_level *line)
{
	if (!vm->irqchip)
		return -ENXIO;
	if (line->irq >= FAKE_GSIS)
		return -EINVAL;
	vm->irq_level[line->irq] = line->level != 0;
	return 0;
}

static bool is_open(int fd)
{
	return fcntl(fd, F_GETFD) >= 0;
}

static int set_irqfd(struct fake_object *vm, const struct kvm_irqfd *what)
{
	struct fake_irqfd **link = &vm->irqfds, *irqfd;

	while (*link && (*link)->what.fd != what->fd)
		link = &(*link)->next;
	irqfd = *link;
	if (what->flags & KVM_IRQFD_FLAG_DEASSIGN) {
		if (irqfd) {
			*link = irqfd->next;
			free(irqfd);
		}
		return 0;
	}
	if (!vm->irqchip)
		return -EINVAL;
	if (!is_open((int)what->fd))
		return -EBADF;
	if (irqfd)
		return -EBUSY;
	irqfd = calloc(1, sizeof(*irqfd));
	if (!irqfd)
		abort();
	irqfd->what = *what;
	irqfd->next = vm->irqfds;
	vm->irqfds = irqfd;
	return 0;
}

static bool same_space(const struct kvm_ioeventfd *a, const struct kvm_ioeventfd *b)
{
	return !((a->flags ^ b->flags) & KVM_IOEVENTFD_FLAG_PIO);
}

static bool ioeventfds_collide(const struct kvm_ioeventfd *a, const struct kvm_ioeventfd *b)
{
	if (!same_space(a, b) || a->addr != b->addr)
		return false;
	if (!a->len || !b->len)
		return true;
	if (a->len != b->len)
		return false;
	return !(a->flags & b->flags & KVM_IOEVENTFD_FLAG_DATAMATCH) ||
	       a->datamatch == b->datamatch;
}

static int remove_ioeventfd(struct fake_object *vm, const struct kvm_ioeventfd *what)
{
	uint32_t flags = what->flags & ~(uint32_t)KVM_IOEVENTFD_FLAG_DEASSIGN;

	for (struct fake_ioeventfd **link = &vm->ioeventfds; *link; link = &(*link)->next) {
		struct fake_ioeventfd *entry = *link;

		if (entry->what.fd != what->fd || entry->what.addr != what->addr ||
		    entry->what.len != what->len || entry->what.flags != flags)
			continue;
		if ((flags & KVM_IOEVENTFD_FLAG_DATAMATCH) &&
		    entry->what.datamatch != what->datamatch)
			continue;
		*link = entry->next;
		free(entry);
		return 0;
	}
	return -ENOENT;
}

static int set_ioeventfd(struct fake_object *vm, const struct kvm_ioeventfd *what)
{
	struct fake_ioeventfd *entry;

	if (what->len > 8 || (what->len & (what->len - 1)))
		return -EINVAL;
	if (what->addr + what->len < what->addr)
		return -EINVAL;
	if (!what->len && ((what->flags & KVM_IOEVENTFD_FLAG_DATAMATCH) ||
			   !fake_cap(KVM_CAP_IOEVENTFD_ANY_LENGTH)))
		return -EINVAL;
	if (what->flags & KVM_IOEVENTFD_FLAG_DEASSIGN)
		return remove_ioeventfd(vm, what);
	if (!is_open(what->fd))
		return -EBADF;
	for (entry = vm->ioeventfds; entry; entry = entry->next)
		if (ioeventfds_collide(&entry->what, what))
			return -EEXIST;
	entry = calloc(1, sizeof(*entry));
	if (!entry)
		abort();
	entry->what = *what;
	entry->next = vm->ioeventfds;
	vm->ioeventfds = entry;
	return 0;
}

static int create_device(struct fake_object *vm, struct kvm_create_device *device)
{
	if (!(device->flags & KVM_CREATE_DEVICE_TEST))
		device->fd = (uint32_t)fake_new_object(FAKE_VM_DEVICE, vm)->fd;
	return 0;
}

int fake_vm_ioctl(struct fake_object *object, unsigned long request, uintptr_t arg)
{
	switch (request) {
	case KVM_SET_USER_MEMORY_REGION:
		return set_region(object, (const struct kvm_userspace_memory_region *)arg);
	case KVM_CREATE_VCPU: return create_vcpu(object, (unsigned)arg);
	case KVM_CREATE_IRQCHIP: return create_irqchip(object);
	case KVM_IRQ_LINE: return set_line(object, (const struct kvm_irq_level *)arg);
	case KVM_IRQFD: return set_irqfd(object, (const struct kvm_irqfd *)arg);
	case KVM_IOEVENTFD: return set_ioeventfd(object, (const struct kvm_ioeventfd *)arg);
	case KVM_REGISTER_COALESCED_MMIO:
		return fake_set_zone(object, (const struct kvm_coalesced_mmio_zone *)arg);
	case KVM_UNREGISTER_COALESCED_MMIO:
		return fake_unset_zone(object, (const struct kvm_coalesced_mmio_zone *)arg);
	case KVM_SIGNAL_MSI: return object->irqchip ? 1 : -EINVAL;
	case KVM_SET_GSI_ROUTING: return object->irqchip ? 0 : -EINVAL;
	case KVM_CREATE_DEVICE: return create_device(object, (struct kvm_create_device *)arg);
	default: return -ENOTTY;
	}
}

void fake_vm_free(struct fake_object *object)
{
	while (object->slots) {
		struct fake_slot *next = object->slots->next;

		free(object->slots);
		object->slots = next;
	}
	while (object->ioeventfds) {
		struct fake_ioeventfd *next = object->ioeventfds->next;

		free(object->ioeventfds);
		object->ioeventfds = next;
	}
	fake_zones_free(object);
	while (object->irqfds) {
		struct fake_irqfd *next = object->irqfds->next;

		free(object->irqfds);
		object->irqfds = next;
	}
}

unsigned fake_slots(unsigned vm)
{
	const struct fake_object *object;
	unsigned count = 0;

	fake_lock();
	object = fake_find_number(FAKE_VM, vm);
	for (const struct fake_slot *slot = object ? object->slots : NULL; slot; slot = slot->next)
		count++;
	fake_unlock();
	return count;
}

void *fake_guest_pointer(unsigned vm, uint64_t gpa, size_t len)
{
	const struct fake_object *object;
	uint8_t *found = NULL;

	fake_lock();
	object = fake_find_number(FAKE_VM, vm);
	for (const struct fake_slot *slot = object ? object->slots : NULL; slot;
	     slot = slot->next) {
		uint64_t offset = gpa - slot->region.guest_phys_addr;

		if (gpa < slot->region.guest_phys_addr || offset >= slot->region.memory_size ||
		    len > slot->region.memory_size - offset)
			continue;
		found = (uint8_t *)(uintptr_t)slot->region.userspace_addr + offset;
	}
	fake_unlock();
	return found;
}

static bool takes(const struct kvm_ioeventfd *what, bool port, uint64_t addr, unsigned len,
		  uint64_t value)
{
	if (!(what->flags & KVM_IOEVENTFD_FLAG_PIO) != !port || what->addr != addr)
		return false;
	if (what->len && what->len != len)
		return false;
	return !(what->flags & KVM_IOEVENTFD_FLAG_DATAMATCH) || what->datamatch == value;
}

bool fake_guest_write(unsigned vm, bool port, uint64_t addr, unsigned len, uint64_t value)
{
	const struct fake_object *object;
	uint64_t one = 1;
	int event = -1;

	fake_lock();
	object = fake_find_number(FAKE_VM, vm);
	for (const struct fake_ioeventfd *entry = object ? object->ioeventfds : NULL; entry;
	     entry = entry->next)
		if (takes(&entry->what, port, addr, len, value))
			event = entry->what.fd;
	fake_unlock();
	return event >= 0 && write(event, &one, sizeof(one)) == (ssize_t)sizeof(one);
}

unsigned fake_ioeventfds(unsigned vm)
{
	const struct fake_object *object;
	unsigned count = 0;

	fake_lock();
	object = fake_find_number(FAKE_VM, vm);
	for (const struct fake_ioeventfd *entry = object ? object->ioeventfds : NULL; entry;
	     entry = entry->next)
		count++;
	fake_unlock();
	return count;
}

unsigned fake_irqfds(unsigned vm)
{
	const struct fake_object *object;
	unsigned count = 0;

	fake_lock();
	object = fake_find_number(FAKE_VM, vm);
	for (const struct fake_irqfd *entry = object ? object->irqfds : NULL; entry;
	     entry = entry->next)
		count++;
	fake_unlock();
	return count;
}

int fake_irq_level(unsigned vm, unsigned gsi)
{
	const struct fake_object *object;
	int level = -1;

	fake_lock();
	object = fake_find_number(FAKE_VM, vm);
	if (object && gsi < FAKE_GSIS)
		level = object->irq_level[gsi];
	fake_unlock();
	return level;
}
