# SPDX-License-Identifier: Apache-2.0
# The seam, and the one architecture that configure chose (m4/axvmm-arch.m4).
arch_seam_sources = src/arch/arch.h

if ARCH_X86_64
include src/arch/x86_64/local.mk
endif
