# SPDX-License-Identifier: Apache-2.0
# The seam, and the one architecture that configure chose (m4/axvmm-arch.m4).
arch_seam_sources = src/arch/arch.h

if ARCH_X86_64
include src/arch/x86_64/local.mk
endif
if ARCH_ARM64
include src/arch/arm64/local.mk
endif
if ARCH_RISCV64
include src/arch/riscv64/local.mk
endif

# Pure code of all architectures, in every build: tests anywhere cover it.
arch_pure_sources =
include src/arch/arm64/pure.mk
include src/arch/riscv64/pure.mk
include src/arch/x86_64/pure.mk
