/* SPDX-License-Identifier: Apache-2.0 */
/*
 * x86-64: real mode, or 32-bit protected mode with flat segments; no CPUID.
 */
#include <linux/kvm.h>
#include <string.h>
#include <sys/ioctl.h>

#include "floor/floor.h"
#include "guests/abi.h"

#define CR0_PE 1u

const uint64_t floor_ram = 0;
const uint64_t floor_test_device = AX_TEST_BASE_X86_64;

static void protect(struct kvm_sregs *sregs)
{
	/* SDM volume 3, 3.4.5.1: code, execute/read, accessed; data, read/write, accessed. */
	struct kvm_segment segment = { .limit = 0xffffffff,
				       .selector = 8,
				       .type = 11,
				       .present = 1,
				       .db = 1,
				       .s = 1,
				       .g = 1 };

	sregs->cr0 |= CR0_PE;
	sregs->cs = segment;
	segment.selector = 16;
	segment.type = 3;
	sregs->ds = sregs->es = sregs->fs = sregs->gs = sregs->ss = segment;
}

void floor_start(int vm, int vcpu, const char *mode, uint64_t entry)
{
	struct kvm_regs regs = { .rflags = 2 };
	struct kvm_sregs sregs;

	(void)vm;
	floor_check(ioctl(vcpu, KVM_GET_SREGS, &sregs), "KVM_GET_SREGS");
	if (strcmp(mode, "real") != 0) {
		protect(&sregs);
		regs.rip = entry;
	} else {
		sregs.cs.base = entry;
		sregs.cs.selector = (uint16_t)(entry >> 4);
	}
	floor_check(ioctl(vcpu, KVM_SET_SREGS, &sregs), "KVM_SET_SREGS");
	floor_check(ioctl(vcpu, KVM_SET_REGS, &regs), "KVM_SET_REGS");
}
