# SPDX-License-Identifier: Apache-2.0
# Sources and headers of src/arch/arm64; one file a line.
arch_sources = \
	src/arch/arm64/access.c \
	src/arch/arm64/arm64.h \
	src/arch/arm64/complete.c \
	src/arch/arm64/counter.h \
	src/arch/arm64/debug.c \
	src/arch/arm64/decode.c \
	src/arch/arm64/finish.c \
	src/arch/arm64/intercept.c \
	src/arch/arm64/interrupt.c \
	src/arch/arm64/power.c \
	src/arch/arm64/probe.c \
	src/arch/arm64/registers.c \
	src/arch/arm64/seam.h \
	src/arch/arm64/setup.c \
	src/arch/arm64/virtual.c \
	src/arch/arm64/vm.c \
	src/arch/line.c \
	src/arch/line.h
