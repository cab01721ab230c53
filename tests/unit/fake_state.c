/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the fake KVM's vCPUs and VMs remember between a SET and a GET.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "fake_internal.h"

static struct fake_blob *find_blob(const struct fake_object *object, unsigned long get_request)
{
	struct fake_blob *blob = object->blobs;

	while (blob && blob->get_request != get_request)
		blob = blob->next;
	return blob;
}

void fake_blob_set(struct fake_object *object, unsigned long get_request, const void *bytes,
		   size_t size)
{
	struct fake_blob *blob = find_blob(object, get_request);

	if (!blob || blob->size < size) {
		blob = calloc(1, sizeof(*blob) + size);
		if (!blob)
			abort();
		blob->get_request = get_request;
		blob->next = object->blobs; /* an older and smaller one is hidden behind it */
		object->blobs = blob;
	}
	blob->size = size;
	memcpy(blob->bytes, bytes, size);
}

bool fake_blob_get(const struct fake_object *object, unsigned long get_request, void *bytes,
		   size_t size)
{
	const struct fake_blob *blob = find_blob(object, get_request);

	memset(bytes, 0, size);
	if (!blob)
		return false;
	memcpy(bytes, blob->bytes, blob->size < size ? blob->size : size);
	return true;
}

int fake_one_reg_ioctl(struct fake_object *object, unsigned long request,
		       const struct kvm_one_reg *reg)
{
	size_t size = (size_t)1 << ((reg->id & KVM_REG_SIZE_MASK) >> KVM_REG_SIZE_SHIFT);
	struct fake_one_reg *one = object->one_regs;

	if (size > sizeof(one->value))
		return -EINVAL;
	while (one && one->id != reg->id)
		one = one->next;
	if (!one) {
		one = calloc(1, sizeof(*one));
		if (!one)
			abort();
		one->id = reg->id;
		one->next = object->one_regs;
		object->one_regs = one;
	}
	if (request == KVM_SET_ONE_REG)
		memcpy(&one->value, (const void *)(uintptr_t)reg->addr, size);
	else
		memcpy((void *)(uintptr_t)reg->addr, &one->value, size);
	return 0;
}

void fake_state_free(struct fake_object *object)
{
	while (object->blobs) {
		struct fake_blob *next = object->blobs->next;

		free(object->blobs);
		object->blobs = next;
	}
	while (object->one_regs) {
		struct fake_one_reg *next = object->one_regs->next;

		free(object->one_regs);
		object->one_regs = next;
	}
}

bool fake_get_state(unsigned vcpu, unsigned long get_request, void *value, size_t size)
{
	struct fake_object *object;
	bool there = false;

	fake_lock();
	object = fake_find_number(FAKE_VCPU, vcpu);
	if (object)
		there = fake_blob_get(object, get_request, value, size);
	fake_unlock();
	return there;
}

void fake_set_state(unsigned vcpu, unsigned long get_request, const void *value, size_t size)
{
	struct fake_object *object;

	fake_lock();
	object = fake_find_number(FAKE_VCPU, vcpu);
	if (!object)
		abort();
	fake_blob_set(object, get_request, value, size);
	fake_unlock();
}
