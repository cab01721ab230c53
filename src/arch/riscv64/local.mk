# SPDX-License-Identifier: Apache-2.0
# Sources and headers of src/arch/riscv64; one file a line.
arch_sources = \
	src/arch/riscv64/aia.c \
	src/arch/riscv64/complete.c \
	src/arch/riscv64/counter.h \
	src/arch/riscv64/debug.c \
	src/arch/riscv64/decode.c \
	src/arch/riscv64/decode.h \
	src/arch/riscv64/fault.c \
	src/arch/riscv64/finish.c \
	src/arch/riscv64/hsm.c \
	src/arch/riscv64/intercept.c \
	src/arch/riscv64/interrupt.c \
	src/arch/riscv64/probe.c \
	src/arch/riscv64/probe_reg.c \
	src/arch/riscv64/probe_reg.h \
	src/arch/riscv64/registers.c \
	src/arch/riscv64/riscv.h \
	src/arch/riscv64/seam.h \
	src/arch/riscv64/setup.c \
	src/arch/riscv64/virtual.c \
	src/arch/riscv64/vm.c \
	src/arch/line.c \
	src/arch/line.h \
	src/sys/riscv64/uapi.h
