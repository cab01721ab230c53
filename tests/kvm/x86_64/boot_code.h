/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What boot.c and its guests' code have in common. Selectors are written again, as a guest has them
 * from the documentation.
 */
#ifndef AXVMM_TESTS_KVM_X86_64_BOOT_CODE_H
#define AXVMM_TESTS_KVM_X86_64_BOOT_CODE_H

#define BOOT_CODE  0x08
#define BOOT_DATA  0x10
#define BOOT_OTHER 0x28

#define BOOT_PORT 0xf4

#define BOOT_SEGMENTS	      1 /* the data segment registers were loaded */
#define BOOT_FAR_RETURN	      2
#define BOOT_INTERRUPT_RETURN 3
#define BOOT_OTHER_MODE	      4 /* from 64-bit to 32-bit code and back */

#endif
