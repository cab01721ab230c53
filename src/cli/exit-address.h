/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What exits are about, for those who count them by it.
 */
#ifndef AXVMM_CLI_EXIT_ADDRESS_H
#define AXVMM_CLI_EXIT_ADDRESS_H

#include <stdbool.h>

#include <axvmm/exit.h>

/* Port, address, register or number: false for kinds without one, and where it is not known. */
bool exit_address(const AxVCpuExitReason *exit, uint64_t *address);

/* What that is of a kind: "port", "address", "register", "number". */
const char *exit_address_space(uint32_t kind);

#endif
