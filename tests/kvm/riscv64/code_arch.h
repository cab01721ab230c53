/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Where in guest memory the pieces of code.h have what only riscv64 needs.
 */
#ifndef AXVMM_TESTS_KVM_RISCV64_CODE_ARCH_H
#define AXVMM_TESTS_KVM_RISCV64_CODE_ARCH_H

/* Stacks grow down from here, 1 KiB for each vCPU. */
#define CODE_STACKS 0x20000

#endif
