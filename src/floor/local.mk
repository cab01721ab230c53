# SPDX-License-Identifier: Apache-2.0
# The floor that `axvmm bench` compares with: a bare KVM program, with nothing of the project's in it.
# A helper of the command's, not for PATH.
pkglibexec_PROGRAMS += axvmm-floor
axvmm_floor_SOURCES = src/floor/floor.c src/floor/floor.h
axvmm_floor_LDADD =
if ARCH_X86_64
axvmm_floor_SOURCES += src/floor/x86_64/start.c
endif
if ARCH_ARM64
axvmm_floor_SOURCES += src/floor/arm64/start.c
endif
if ARCH_RISCV64
axvmm_floor_SOURCES += src/floor/riscv64/start.c
endif
