/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Where in guest memory the pieces of code.h have what only arm64 needs.
 */
#ifndef AXVMM_TESTS_KVM_ARM64_CODE_ARCH_H
#define AXVMM_TESTS_KVM_ARM64_CODE_ARCH_H

/* Four pages of translation tables: level 1, level 2 of the first and fourth GiB, level 3. */
#define CODE_PAGE_TABLES 0x8000

/* Stacks grow down from here, 1 KiB for each vCPU. */
#define CODE_STACKS 0x20000

#endif
