/* SPDX-License-Identifier: Apache-2.0 */
/*
 * KVM's interface on riscv64: what system headers of Linux 6.1 (Debian 12) lack of <asm/kvm.h>.
 * Numbers: Documentation/virt/kvm/api.rst, 4.68 (KVM_SET_ONE_REG, riscv) and
 * Documentation/virt/kvm/devices/; the headers of Linux 6.12.
 */
#ifndef AXVMM_SYS_RISCV64_UAPI_H
#define AXVMM_SYS_RISCV64_UAPI_H

#include "sys/uapi.h"

/* The number of a register of unsigned long: @type is KVM_REG_RISCV_*. */
#define SYS_RISCV_REG(type, index) \
	(KVM_REG_RISCV | KVM_REG_SIZE_U64 | (uint64_t)(type) | (uint64_t)(index))

/* KVM_REG_RISCV_CONFIG, after isa (0) and zicbom_block_size (1). */
#define SYS_RISCV_CONFIG_MVENDORID	   2
#define SYS_RISCV_CONFIG_MARCHID	   3
#define SYS_RISCV_CONFIG_MIMPID		   4
#define SYS_RISCV_CONFIG_ZICBOZ_BLOCK_SIZE 5
#define SYS_RISCV_CONFIG_SATP_MODE	   6

/* KVM_REG_RISCV_CSR, general registers, after scounteren (9). */
#define SYS_RISCV_CSR_SENVCFG 10

/* KVM_REG_RISCV_ISA_EXT: 1 the guest has the extension, 0 not. */
#define SYS_RISCV_ISA_EXT_ZBB	  13
#define SYS_RISCV_ISA_EXT_SSAIA	  14
#define SYS_RISCV_ISA_EXT_SVNAPOT 16
#define SYS_RISCV_ISA_EXT_ZBA	  17
#define SYS_RISCV_ISA_EXT_ZBS	  18

/* Extensions of the SBI: 1 available to the guest, 0 not. To be set before the first KVM_RUN. */
#ifndef KVM_REG_RISCV_SBI_EXT
#define KVM_REG_RISCV_SBI_EXT (0x08 << KVM_REG_RISCV_TYPE_SHIFT)
#endif
#define SYS_RISCV_SBI_EXT_HSM  5
#define SYS_RISCV_SBI_EXT_DBCN 9

/* Which of several registers of a type: the number's bits 16..23. */
#define SYS_RISCV_SUBTYPE(id) ((uint32_t)(id) >> 16 & 0xff)

/* KVM_CREATE_DEVICE: the Advanced Interrupt Architecture. */
#define SYS_RISCV_DEV_TYPE_AIA 11

/* Its attributes' groups, and the attributes in them: KVM_DEV_RISCV_AIA_*. */
#define SYS_RISCV_AIA_CONFIG	       0
#define SYS_RISCV_AIA_CONFIG_MODE      0
#define SYS_RISCV_AIA_CONFIG_IDS       1
#define SYS_RISCV_AIA_CONFIG_SOURCES   2
#define SYS_RISCV_AIA_CONFIG_HART_BITS 5
#define SYS_RISCV_AIA_ADDR	       1
#define SYS_RISCV_AIA_ADDR_APLIC       0
#define SYS_RISCV_AIA_ADDR_IMSIC(vcpu) (1 + (uint64_t)(vcpu))
#define SYS_RISCV_AIA_CTRL	       2
#define SYS_RISCV_AIA_CTRL_INIT	       0
#define SYS_RISCV_AIA_APLIC	       3 /* attr: a register's offset; value: 32 bits */
#define SYS_RISCV_AIA_IMSIC	       4

/* Register @isel of a hart's IMSIC, as the hart itself selects it by siselect. */
#define SYS_RISCV_AIA_IMSIC_REG(vcpu_id, isel) ((uint64_t)(vcpu_id) << 12 | (isel))

/* Values of SYS_RISCV_AIA_CONFIG_MODE. */
#define SYS_RISCV_AIA_MODE_EMUL	   0
#define SYS_RISCV_AIA_MODE_HWACCEL 1
#define SYS_RISCV_AIA_MODE_AUTO	   2

#endif
