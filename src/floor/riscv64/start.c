/* SPDX-License-Identifier: Apache-2.0 */
/*
 * riscv64: supervisor mode, address translation off.
 */
#include <linux/kvm.h>
#include <stddef.h>
#include <sys/ioctl.h>

#include "floor/floor.h"
#include "guests/abi.h"

const uint64_t floor_ram = 0x80000000;
const uint64_t floor_test_device = AX_TEST_BASE_RISCV64;

void floor_start(int vm, int vcpu, const char *mode, uint64_t entry)
{
	struct kvm_one_reg pc = {
		.id = KVM_REG_RISCV | KVM_REG_SIZE_U64 | KVM_REG_RISCV_CORE |
		      KVM_REG_RISCV_CORE_REG(regs.pc),
		.addr = (uintptr_t)&entry,
	};

	(void)vm;
	(void)mode;
	floor_check(ioctl(vcpu, KVM_SET_ONE_REG, &pc), "KVM_SET_ONE_REG");
}
