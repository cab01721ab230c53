/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Linux's KVM interface, with what the system's headers may lack. Numbers and layouts are those of
 * Documentation/virt/kvm/api.rst; configure says which declarations are missing.
 */
#ifndef AXVMM_SYS_UAPI_H
#define AXVMM_SYS_UAPI_H

#include <linux/kvm.h>
#include <stdint.h>
#include <sys/ioctl.h>

/* The only API version that is or will be: api.rst 4.1. */
#define SYS_KVM_API_VERSION 12

#ifndef KVM_EXIT_LOONGARCH_IOCSR
#define KVM_EXIT_LOONGARCH_IOCSR 38
#endif
#ifndef KVM_EXIT_MEMORY_FAULT
#define KVM_EXIT_MEMORY_FAULT 39
#endif
#ifndef KVM_EXIT_TDX
#define KVM_EXIT_TDX 40
#endif
#ifndef KVM_SYSTEM_EVENT_TDX_FATAL
#define KVM_SYSTEM_EVENT_TDX_FATAL 7
#endif
#ifndef KVM_CAP_MEMORY_FAULT_INFO
#define KVM_CAP_MEMORY_FAULT_INFO 232
#endif

/* Headers show it only to architectures that could debug guests when they were made. */
#ifndef KVM_CAP_SET_GUEST_DEBUG
#define KVM_CAP_SET_GUEST_DEBUG 23
#endif

/* The member memory_fault of struct kvm_run's union, api.rst 5, KVM_EXIT_MEMORY_FAULT. */
struct sys_memory_fault {
	uint64_t flags;
	uint64_t gpa;
	uint64_t size;
};

/*
 * Its flags: bit 3 says that the access was to private memory. Bits 0 to 2 are reserved for R, W,
 * X.
 */
#define SYS_MEMORY_FAULT_PRIVATE (1u << 3)

/* The union of struct kvm_run begins where its first member does. */
static inline const struct sys_memory_fault *sys_memory_fault(const struct kvm_run *run)
{
	return (const struct sys_memory_fault *)&run->hw;
}

/*
 * arm64's SMCCC filter: attribute 0 of group 0 of a VM. Documentation/virt/kvm/devices/vm.rst, 6;
 * Linux 6.4.
 */
#define SYS_ARM_VM_SMCCC_CTRL	     0
#define SYS_ARM_VM_SMCCC_FILTER	     0
#define SYS_SMCCC_FILTER_FWD_TO_USER 2

struct sys_smccc_filter {
	uint32_t base;
	uint32_t nr_functions;
	uint8_t action;
	uint8_t pad[15];
};

#endif
