/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The VM that device tests run against: ranges, devices, vCPUs, RAM. See dev_fake.h.
 */
#include <check.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "tests/unit/dev_fake.h"

#define RAM_BASE 0x10000
#define RAM_SIZE 0x1000

AxVm *fake_vm_new(unsigned vcpus)
{
	AxVm *vm = calloc(1, sizeof(*vm));

	ck_assert_ptr_nonnull(vm);
	vm->ram_base = RAM_BASE;
	vm->ram_size = RAM_SIZE;
	vm->readonly_size = RAM_SIZE;
	vm->ram = calloc(2, RAM_SIZE);
	ck_assert_ptr_nonnull(vm->ram);
	pthread_mutex_init(&vm->mutex, NULL);
	vm->next_id = 1;
	vm->vcpu_count = vcpus;
	for (unsigned i = 0; i < vcpus; i++) {
		vm->vcpus[i].vm = vm;
		vm->vcpus[i].id = i;
	}
	return vm;
}

unsigned fake_vm_ranges(const AxVm *vm)
{
	unsigned count = 0;

	for (unsigned i = 0; i < FAKE_RANGES; i++)
		count += vm->ranges[i].range.length != 0;
	return count;
}

void fake_vm_free(AxVm *vm)
{
	ck_assert_uint_eq(fake_vm_ranges(vm), 0);
	for (unsigned i = 0; i < FAKE_DEVICES; i++)
		ck_assert_str_eq(vm->devices[i].name, "");
	ck_assert_uint_eq(vm->views, 0);
	pthread_mutex_destroy(&vm->mutex);
	free(vm->ram);
	free(vm);
}

struct fake_device *fake_vm_device(AxVm *vm, const char *name)
{
	for (unsigned i = 0; i < FAKE_DEVICES; i++) {
		if (!strcmp(vm->devices[i].name, name))
			return &vm->devices[i];
	}
	return NULL;
}

static bool comes_now(int *nth)
{
	return *nth && !--*nth;
}

static bool overlap(const struct fake_range *range, AxSpace space, const AxRange *other)
{
	return range->range.length && range->space == space &&
	       other->base < range->range.base + range->range.length &&
	       range->range.base < other->base + other->length;
}

static int range_add(AxVm *vm, AxSpace space, const AxRange *range, AxRangeId *id)
{
	struct fake_range *place = NULL;

	ck_assert_uint_eq(range->size, sizeof(*range));
	ck_assert_uint_eq(range->ops->size, sizeof(*range->ops));
	ck_assert_int_eq(range->lock != NULL, range->flags == AX_RANGE_SERIAL);
	if (comes_now(&vm->fail_range_add))
		return -EEXIST;
	if (!range->length || (space == AX_SPACE_PORT && range->base + range->length > 65536) ||
	    range->base + range->length < range->base)
		return -EINVAL;
	for (unsigned i = 0; i < FAKE_RANGES; i++) {
		if (overlap(&vm->ranges[i], space, range))
			return -EEXIST;
		if (!vm->ranges[i].range.length)
			place = &vm->ranges[i];
	}
	ck_assert_ptr_nonnull(place);
	place->range = *range;
	place->space = space;
	place->id = vm->next_id++;
	*id = place->id;
	return 0;
}

int ax_range_add_mmio(AxVm *vm, const AxRange *range, AxRangeId *id, AxError *err)
{
	return range_add(vm, AX_SPACE_MMIO, range, id);
}

int ax_range_add_ports(AxVm *vm, const AxRange *range, AxRangeId *id, AxError *err)
{
	return range_add(vm, AX_SPACE_PORT, range, id);
}

int ax_range_remove(AxVm *vm, AxRangeId id, AxError *err)
{
	if (comes_now(&vm->fail_range_remove))
		return -EDEADLK;
	for (unsigned i = 0; i < FAKE_RANGES; i++) {
		if (vm->ranges[i].range.length && vm->ranges[i].id == id) {
			memset(&vm->ranges[i], 0, sizeof(vm->ranges[i]));
			return 0;
		}
	}
	ck_abort_msg("a range was removed that is not there");
	return -ENOENT;
}

int ax_device_add(AxVm *vm, const char *name, const AxDeviceOps *ops, void *opaque, AxError *err)
{
	struct fake_device *place = fake_vm_device(vm, "");

	ck_assert_ptr_nonnull(place);
	ck_assert_uint_eq(ops->size, sizeof(*ops));
	ck_assert(ops->reset && ops->save && ops->restore);
	if (fake_vm_device(vm, name))
		return -EEXIST;
	ck_assert_uint_lt(strlen(name), sizeof(place->name));
	memcpy(place->name, name, strlen(name) + 1);
	place->ops = ops;
	place->opaque = opaque;
	return 0;
}

int ax_device_remove(AxVm *vm, const char *name, AxError *err)
{
	struct fake_device *device = fake_vm_device(vm, name);

	ck_assert_ptr_nonnull(device);
	if (vm->fail_device_remove)
		return -ENOENT;
	memset(device, 0, sizeof(*device));
	return 0;
}

static struct fake_range *find(AxVm *vm, AxSpace space, uint64_t addr)
{
	for (unsigned i = 0; i < FAKE_RANGES; i++) {
		struct fake_range *range = &vm->ranges[i];

		if (range->range.length && range->space == space && addr >= range->range.base &&
		    addr - range->range.base < range->range.length)
			return range;
	}
	return NULL;
}

/* Inside one range. */
static AxHandled access_one(AxVCpu *vcpu, const AxRange *range, uint64_t addr, AxAccessWidth width,
			    bool is_write, uint64_t *value)
{
	uint64_t mask = UINT64_MAX >> (64 - (8u << width));
	AxHandled handled = AX_UNHANDLED;

	if (range->lock)
		ax_lock(range->lock);
	if (is_write && range->ops->write)
		handled = range->ops->write(vcpu, range->opaque, addr - range->base, width,
					    *value & mask);
	else if (!is_write && range->ops->read)
		handled = range->ops->read(vcpu, range->opaque, addr - range->base, width, value);
	if (range->lock)
		ax_unlock(range->lock);
	if (!is_write)
		*value = handled == AX_UNHANDLED ? mask : *value & mask;
	return handled;
}

static AxHandled access_any(AxVCpu *vcpu, AxSpace space, uint64_t addr, AxAccessWidth width,
			    bool is_write, uint64_t *value)
{
	unsigned size = 1u << width;
	struct fake_range *range = find(vcpu->vm, space, addr);
	AxHandled handled = AX_HANDLED;
	uint64_t all = 0;

	if (range && size <= range->range.length - (addr - range->range.base))
		return access_one(vcpu, &range->range, addr, width, is_write, value);
	for (unsigned i = 0; i < size; i++) {
		uint64_t byte = is_write ? *value >> (8 * i) & 0xff : 0;
		AxHandled one = AX_UNHANDLED;

		range = find(vcpu->vm, space, addr + i);
		if (range)
			one = access_one(vcpu, &range->range, addr + i, AX_WIDTH_BYTE, is_write,
					 &byte);
		else if (!is_write)
			byte = 0xff;
		all |= byte << (8 * i);
		if (one > handled)
			handled = one;
	}
	if (!is_write)
		*value = all;
	return handled;
}

AxHandled fake_read(AxVCpu *vcpu, AxSpace space, uint64_t addr, AxAccessWidth width,
		    uint64_t *value)
{
	*value = 0;
	return access_any(vcpu, space, addr, width, false, value);
}

AxHandled fake_write(AxVCpu *vcpu, AxSpace space, uint64_t addr, AxAccessWidth width,
		     uint64_t value)
{
	return access_any(vcpu, space, addr, width, true, &value);
}

uint8_t fake_in(AxVm *vm, uint64_t port)
{
	AxHandled handled;
	uint64_t value;

	handled = fake_read(&vm->vcpus[0], AX_SPACE_PORT, port, AX_WIDTH_BYTE, &value);
	assert_quick(handled == AX_HANDLED);
	return (uint8_t)value;
}

void fake_out(AxVm *vm, uint64_t port, uint8_t value)
{
	AxHandled handled;

	handled = fake_write(&vm->vcpus[0], AX_SPACE_PORT, port, AX_WIDTH_BYTE, value);
	assert_quick(handled == AX_HANDLED);
}

AxVm *ax_vcpu_vm(const AxVCpu *vcpu)
{
	return vcpu->vm;
}

uint32_t ax_vcpu_id(const AxVCpu *vcpu)
{
	return vcpu->id;
}

AxVCpu *ax_vm_vcpu_at(AxVm *vm, unsigned index)
{
	return index < vm->vcpu_count ? &vm->vcpus[index] : NULL;
}

AxVCpu *ax_vm_vcpu(AxVm *vm, uint32_t id)
{
	return ax_vm_vcpu_at(vm, id);
}

void ax_vm_stop(AxVm *vm, int code)
{
	pthread_mutex_lock(&vm->mutex);
	if (!vm->stop_count++)
		vm->stop_code = code;
	pthread_mutex_unlock(&vm->mutex);
}

int ax_vcpu_inject_interrupt(AxVCpu *vcpu, unsigned vector, AxError *err)
{
	pthread_mutex_lock(&vcpu->vm->mutex);
	if (!vcpu->vm->inject_ret)
		vcpu->injected[vcpu->injected_count++ % FAKE_EVENTS] = vector;
	pthread_mutex_unlock(&vcpu->vm->mutex);
	return vcpu->vm->inject_ret;
}

int ax_vcpu_clear_interrupt(AxVCpu *vcpu, unsigned vector, AxError *err)
{
	pthread_mutex_lock(&vcpu->vm->mutex);
	if (!vcpu->vm->clear_ret)
		vcpu->cleared_count++;
	pthread_mutex_unlock(&vcpu->vm->mutex);
	return vcpu->vm->clear_ret;
}

int ax_vcpu_kick(AxVCpu *vcpu, unsigned vector)
{
	pthread_mutex_lock(&vcpu->vm->mutex);
	vcpu->kicks[vcpu->kick_count++ % FAKE_EVENTS] = vector;
	pthread_mutex_unlock(&vcpu->vm->mutex);
	return 0;
}

bool ax_ram_info(AxVm *vm, unsigned index, AxRamInfo *info)
{
	AxRamInfo both[] = {
		{ vm->ram_base, vm->ram_size, 0, -1 },
		{ vm->ram_base + vm->ram_size, vm->readonly_size, AX_RAM_READONLY, -1 },
	};

	if (index >= 2)
		return false;
	*info = both[index];
	return true;
}

int ax_mem_get(AxVm *vm, AxGuestPhysAddr gpa, uint64_t len, unsigned access, AxMemView *view)
{
	uint64_t size = vm->ram_size + vm->readonly_size;

	if (vm->refuse_views || gpa < vm->ram_base || gpa - vm->ram_base >= size ||
	    len > size - (gpa - vm->ram_base))
		return -EFAULT;
	view->host = vm->ram + (gpa - vm->ram_base);
	vm->views++;
	return 0;
}

void ax_mem_put(AxVm *vm, AxMemView *view, uint64_t written)
{
	ck_assert_uint_gt(vm->views, 0);
	vm->views--;
}
