# SPDX-License-Identifier: Apache-2.0
# Sources of src/arch/arm64 that are compiled on every host; one file a line.
arch_pure_sources += \
	src/arch/arm64/insn.c \
	src/arch/arm64/insn.h \
	src/arch/arm64/walk.c \
	src/arch/arm64/walk.h
