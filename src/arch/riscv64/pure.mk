# SPDX-License-Identifier: Apache-2.0
# Sources of src/arch/riscv64 that are compiled on every host; one file a line.
arch_pure_sources += \
	src/arch/riscv64/insn.c \
	src/arch/riscv64/insn.h
