/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The seam of src/sys/sys.h, without a kernel behind it: descriptors, and sending each call to the
 * file that answers it.
 */
#include <errno.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "fake_internal.h"

#define PAGE_SIZE 4096
#define RUN_SIZE  (3 * PAGE_SIZE) /* kvm_run, port data, coalesced MMIO, as on x86-64 */

static struct {
	pthread_mutex_t lock;
	struct fake_object **objects;
	unsigned count;
	unsigned numbers[FAKE_STATS + 1];
	unsigned bad_calls;
} fake = { .lock = PTHREAD_MUTEX_INITIALIZER };

_Thread_local unsigned fake_inside;

void fake_lock(void)
{
	fake_inside++;
	pthread_mutex_lock(&fake.lock);
}

void fake_unlock(void)
{
	pthread_mutex_unlock(&fake.lock);
	fake_inside--;
}

struct fake_object *fake_new_object(enum fake_kind kind, struct fake_object *vm)
{
	struct fake_object *object = calloc(1, sizeof(*object));
	struct fake_object **objects =
		realloc(fake.objects, (fake.count + 1) * sizeof(struct fake_object *));

	if (!object || !objects)
		abort();
	fake.objects = objects;
	object->kind = kind;
	object->fd = FAKE_FD_BASE + (int)fake.count;
	object->open = true;
	object->number = fake.numbers[kind]++;
	object->vm = vm;
	memset(object->irq_level, -1, sizeof(object->irq_level));
	objects[fake.count++] = object;
	return object;
}

static struct fake_object *find_open(int fd)
{
	unsigned index = (unsigned)fd - FAKE_FD_BASE;

	if (fd < FAKE_FD_BASE || index >= fake.count || !fake.objects[index]->open)
		return NULL;
	return fake.objects[index];
}

struct fake_object *fake_find(int fd)
{
	struct fake_object *object = find_open(fd);

	if (!object)
		fake.bad_calls++;
	return object;
}

struct fake_object *fake_find_number(enum fake_kind kind, unsigned number)
{
	for (unsigned i = 0; i < fake.count; i++)
		if (fake.objects[i]->kind == kind && fake.objects[i]->number == number)
			return fake.objects[i];
	return NULL;
}

unsigned fake_vcpus_of(const struct fake_object *vm, bool *id_taken, unsigned id)
{
	unsigned count = 0;

	*id_taken = false;
	for (unsigned i = 0; i < fake.count; i++) {
		const struct fake_object *object = fake.objects[i];

		if (object->kind != FAKE_VCPU || object->vm != vm)
			continue;
		count++;
		*id_taken = *id_taken || object->id == id;
	}
	return count;
}

static void free_object(struct fake_object *object)
{
	fake_state_free(object);
	fake_vm_free(object);
	free(object->run);
	free(object);
}

void fake_sys_reset(void)
{
	fake_lock();
	for (unsigned i = 0; i < fake.count; i++)
		free_object(fake.objects[i]);
	free(fake.objects);
	fake.objects = NULL;
	fake.count = 0;
	memset(fake.numbers, 0, sizeof(fake.numbers));
	fake.bad_calls = 0;
	fake_record_reset();
	fake_run_reset();
	fake_stats_reset();
	fake_unlock();
}

unsigned fake_sys_open_count(void)
{
	unsigned count = 0;

	fake_lock();
	for (unsigned i = 0; i < fake.count; i++)
		count += (unsigned)fake.objects[i]->open + (fake.objects[i]->run != NULL);
	fake_unlock();
	return count;
}

unsigned fake_bad_calls(void)
{
	unsigned count;

	fake_lock();
	count = fake.bad_calls;
	fake_unlock();
	return count;
}

struct kvm_run *fake_run(unsigned vcpu)
{
	struct fake_object *object;

	fake_lock();
	object = fake_find_number(FAKE_VCPU, vcpu);
	fake_unlock();
	return object ? object->run : NULL;
}

int sys_open(const char *path)
{
	struct fake_call *call;
	int ret;

	fake_lock();
	call = fake_record(NULL, FAKE_OPEN, 0, path, path ? strlen(path) + 1 : 0);
	ret = -fake_strike(FAKE_OPEN);
	if (!ret)
		ret = fake_new_object(FAKE_KVM, NULL)->fd;
	if (call)
		call->ret = ret;
	fake_unlock();
	return ret;
}

void sys_close(int fd)
{
	struct fake_object *object;

	fake_lock();
	object = fake_find(fd);
	if (object)
		object->open = false;
	fake_unlock();
}

struct kvm_run *sys_map_run(int fd, size_t size)
{
	struct fake_object *object;
	struct kvm_run *run = NULL;

	fake_lock();
	object = fake_find(fd);
	(void)fake_record(object, FAKE_MAP_RUN, size, NULL, 0);
	if (object && object->kind == FAKE_VCPU && size == RUN_SIZE && !fake_strike(FAKE_MAP_RUN)) {
		run = aligned_alloc(PAGE_SIZE, RUN_SIZE);
		if (!run)
			abort();
		memset(run, 0, RUN_SIZE);
		object->run = run;
		object->run_size = size;
	}
	fake_unlock();
	return run;
}

void sys_unmap_run(struct kvm_run *run, size_t size)
{
	bool known = false;

	fake_lock();
	for (unsigned i = 0; i < fake.count; i++) {
		if (fake.objects[i]->run != run || fake.objects[i]->run_size != size)
			continue;
		fake.objects[i]->run = NULL;
		known = true;
	}
	if (known)
		free(run);
	else
		fake.bad_calls++;
	fake_unlock();
}

/* The system ioctls, on /dev/kvm itself. */
static int kvm_ioctl(unsigned long request)
{
	switch (request) {
	case KVM_GET_API_VERSION: return SYS_KVM_API_VERSION;
	case KVM_CREATE_VM: return fake_new_object(FAKE_VM, NULL)->fd;
	case KVM_GET_VCPU_MMAP_SIZE: return RUN_SIZE;
	default: return -ENOTTY;
	}
}

/* A pair of GET and SET: what was set is what is got. */
static int pair_ioctl(struct fake_object *object, unsigned long request, void *arg)
{
	size_t size = _IOC_SIZE(request);

	for (unsigned i = 0; i < fake_arch_pair_count; i++) {
		const struct fake_pair *pair = &fake_arch_pairs[i];

		if (pair->kind != object->kind)
			continue;
		if (pair->set_request == request) {
			fake_blob_set(object, pair->get_request, arg, size);
			return 0;
		}
		if (pair->get_request == request) {
			(void)fake_blob_get(object, request, arg, size);
			return 0;
		}
	}
	return -ENOTTY;
}

static int enable_cap(const struct kvm_enable_cap *request)
{
	return fake_cap(request->cap) ? 0 : -EINVAL;
}

/* What every kind of descriptor may know, then its own kind, then the architecture. */
static int answer(struct fake_object *object, unsigned long request, uintptr_t arg)
{
	int ret;

	if (request == KVM_CHECK_EXTENSION && object->kind <= FAKE_VM)
		return fake_cap((unsigned)arg);
	if (request == KVM_ENABLE_CAP && object->kind != FAKE_KVM)
		return enable_cap((const struct kvm_enable_cap *)arg);
	ret = fake_arch_ioctl(object, request, arg);
	if (ret == -ENOTTY)
		ret = pair_ioctl(object, request, (void *)arg);
	if (ret == -ENOTTY && object->kind == FAKE_KVM)
		ret = kvm_ioctl(request);
	if (ret == -ENOTTY && object->kind == FAKE_VM)
		ret = fake_vm_ioctl(object, request, arg);
	if (ret == -ENOTTY && object->kind == FAKE_VCPU &&
	    (request == KVM_GET_ONE_REG || request == KVM_SET_ONE_REG))
		ret = fake_one_reg_ioctl(object, request, (const struct kvm_one_reg *)arg);
	return ret;
}

static struct fake_call *note(const struct fake_object *object, unsigned long request,
			      uintptr_t arg)
{
	size_t size = _IOC_SIZE(request);

	if (!size)
		return fake_record(object, request, arg, NULL, 0);
	if (fake_arch_size(request, (const void *)arg))
		size = fake_arch_size(request, (const void *)arg);
	return fake_record(object, request, arg, (const void *)arg, size);
}

int sys_ioctl(int fd, unsigned long request, uintptr_t arg)
{
	struct fake_object *object;
	struct fake_call *call;
	int ret = -EBADF;

	fake_lock();
	object = fake_find(fd);
	if (object) {
		call = note(object, request, arg);
		ret = -fake_strike(request);
		if (!ret)
			ret = answer(object, request, arg);
		if (ret >= 0)
			ret = fake_result(request, ret);
		if (call)
			call->ret = ret;
	}
	fake_unlock();
	return ret;
}
