/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Where in guest memory the pieces of code.h have what only x86-64 needs.
 */
#ifndef AXVMM_TESTS_KVM_X86_64_CODE_ARCH_H
#define AXVMM_TESTS_KVM_X86_64_CODE_ARCH_H

/*
 * Six pages of page tables: PML4, PDPT, four page directories. Descriptor tables for the code's
 * use.
 */
#define CODE_PAGE_TABLES 0x8000
#define CODE_IDT	 0x10000
#define CODE_GDT	 0x11000

/* Stacks grow down from here, 1 KiB for each vCPU. */
#define CODE_STACKS 0x20000

#endif
