/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A VM without KVM: its descriptors are SYS_OFFLINE, which no file has, and sys.c asks these instead of
 * the kernel. Registers read as zero, what is set is accepted, and nothing ever runs.
 */
#ifndef AXVMM_SYS_OFFLINE_H
#define AXVMM_SYS_OFFLINE_H

#include <limits.h>
#include <stddef.h>
#include <stdint.h>

#define SYS_OFFLINE INT_MAX

struct kvm_run;

/* What KVM would answer. */
int offline_ioctl(unsigned long request, uintptr_t arg);

/* A vCPU's pages, zero; NULL: no memory. */
struct kvm_run *offline_map_run(size_t size);

#endif
