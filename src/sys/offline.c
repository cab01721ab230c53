/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The KVM of a VM without KVM: every call succeeds, nothing runs. See offline.h.
 */
#include <errno.h>
#include <limits.h>
#include <string.h>
#include <sys/mman.h>

#include "sys/offline.h"
#include "sys/sys.h"

/* kvm_run, a page of string I/O, and one more as KVM has on x86-64. */
#define RUN_PAGES_SIZE 12288

/* As many bytes as its number says. */
static void clear_reg(const struct kvm_one_reg *reg)
{
	size_t size = (size_t)1 << ((reg->id & KVM_REG_SIZE_MASK) >> KVM_REG_SIZE_SHIFT);

	memset((void *)(uintptr_t)reg->addr, 0, size);
}

/* Most answer with yes, these with what of them there is: all. */
static int has_extension(uintptr_t extension)
{
	switch (extension) {
#ifdef KVM_CAP_XEN_HVM
	case KVM_CAP_XEN_HVM:
#endif
	case KVM_CAP_EXIT_HYPERCALL: return INT_MAX;
	default: return 1;
	}
}

int offline_ioctl(unsigned long request, uintptr_t arg)
{
	switch (request) {
	case KVM_GET_API_VERSION: return SYS_KVM_API_VERSION;
	case KVM_GET_VCPU_MMAP_SIZE: return RUN_PAGES_SIZE;
	case KVM_CREATE_VM:
	case KVM_CREATE_VCPU: return SYS_OFFLINE;
	case KVM_CHECK_EXTENSION: return has_extension(arg);
	case KVM_CREATE_DEVICE: ((struct kvm_create_device *)arg)->fd = SYS_OFFLINE; return 0;
	case KVM_GET_ONE_REG: clear_reg((const struct kvm_one_reg *)arg); return 0;
	/* The dispatch carries notifications; nothing collects writes. */
	case KVM_IOEVENTFD:
	case KVM_REGISTER_COALESCED_MMIO: return -ENOSYS;
	/* There is nothing to run. */
	case KVM_RUN: return -EINTR;
	default: break;
	}
	if (_IOC_DIR(request) == _IOC_READ)
		memset((void *)arg, 0, _IOC_SIZE(request));
	return 0;
}

struct kvm_run *offline_map_run(size_t size)
{
	void *run = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	return run == MAP_FAILED ? NULL : run;
}
