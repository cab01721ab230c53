/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Registers that the probe has found.
 */
#ifndef AXVMM_ARCH_RISCV64_PROBE_REG_H
#define AXVMM_ARCH_RISCV64_PROBE_REG_H

#include "arch/riscv64/riscv.h"
#include "core/probe.h"

/* Whether the register of this name ("isa zkr") is there and not 0. */
bool riscv_probe_is_on(const AxProbe *probe, const char *name);

#endif
