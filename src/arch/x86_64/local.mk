# SPDX-License-Identifier: Apache-2.0
# Sources and headers of src/arch/x86_64; one file a line.
arch_sources = \
	src/arch/x86_64/apic.c \
	src/arch/x86_64/apic.h \
	src/arch/x86_64/counter.h \
	src/arch/x86_64/cpuid.c \
	src/arch/x86_64/debug.c \
	src/arch/x86_64/debug_probe.c \
	src/arch/x86_64/decode.c \
	src/arch/x86_64/decode.h \
	src/arch/x86_64/finish.c \
	src/arch/x86_64/fp.c \
	src/arch/x86_64/intercept.c \
	src/arch/x86_64/interrupt.c \
	src/arch/x86_64/ipi.c \
	src/arch/x86_64/probe.c \
	src/arch/x86_64/probe_msr.c \
	src/arch/x86_64/registers.c \
	src/arch/x86_64/seam.h \
	src/arch/x86_64/setup.c \
	src/arch/x86_64/topology.c \
	src/arch/x86_64/topology.h \
	src/arch/x86_64/vm.c \
	src/arch/x86_64/x86.h
