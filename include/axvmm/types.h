/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Words that every other header uses: addresses, ports, register names, access flags.
 */
#ifndef AXVMM_TYPES_H
#define AXVMM_TYPES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* AX_API marks what the shared libraries export. */
#if defined(__GNUC__)
#define AX_API		     __attribute__((visibility("default")))
#define AX_PRINTF(fmt, args) __attribute__((format(printf, fmt, args)))
#else
#define AX_API
#define AX_PRINTF(fmt, args)
#endif

/* AX_STATIC_ASSERT(condition, identifier): holds at compile time, in C11 and C++11. */
#ifdef __cplusplus
#define AX_STATIC_ASSERT(condition, identifier) static_assert(condition, #identifier)
#else
#define AX_STATIC_ASSERT(condition, identifier) _Static_assert(condition, #identifier)
#endif

#ifdef __cplusplus
extern "C" {
#endif

/* An address in the guest's physical address space, in bytes. */
typedef uint64_t AxGuestPhysAddr;

/* A port of the x86 I/O space. */
typedef uint16_t AxPort;

/*
 * A system register: the MSR's number on x86-64, the CSR's number on riscv64, the register in the
 * form of ESR_EL2.ISS (Arm ARM, D24.2, ISS encoding for an MSR or MRS trap) on arm64.
 */
typedef uint64_t AxSysRegAddr;

/* What an access wanted: a set of AX_MAP_*. */
typedef uint32_t AxMappingFlags;

#define AX_MAP_READ    (1u << 0)
#define AX_MAP_WRITE   (1u << 1)
#define AX_MAP_EXECUTE (1u << 2)

/* A virtual machine; see vm.h. */
typedef struct AxVm AxVm;
/* A virtual CPU; see vcpu.h. */
typedef struct AxVCpu AxVCpu;

#ifdef __cplusplus
}
#endif

#endif
