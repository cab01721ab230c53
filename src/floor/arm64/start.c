/* SPDX-License-Identifier: Apache-2.0 */
/*
 * arm64: EL1, MMU off.
 */
#include <linux/kvm.h>
#include <stddef.h>
#include <sys/ioctl.h>

#include "floor/floor.h"
#include "guests/abi.h"

const uint64_t floor_ram = 0x40000000;
const uint64_t floor_test_device = AX_TEST_BASE_ARM64;

void floor_start(int vm, int vcpu, const char *mode, uint64_t entry)
{
	struct kvm_vcpu_init init;
	struct kvm_one_reg pc = {
		.id = KVM_REG_ARM64 | KVM_REG_SIZE_U64 | KVM_REG_ARM_CORE |
		      KVM_REG_ARM_CORE_REG(regs.pc),
		.addr = (uintptr_t)&entry,
	};

	(void)mode;
	floor_check(ioctl(vm, KVM_ARM_PREFERRED_TARGET, &init), "KVM_ARM_PREFERRED_TARGET");
	floor_check(ioctl(vcpu, KVM_ARM_VCPU_INIT, &init), "KVM_ARM_VCPU_INIT");
	floor_check(ioctl(vcpu, KVM_SET_ONE_REG, &pc), "KVM_SET_ONE_REG");
}
