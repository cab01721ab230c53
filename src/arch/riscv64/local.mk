# SPDX-License-Identifier: Apache-2.0
# Sources and headers of src/arch/riscv64; one file a line.
arch_sources = \
	src/arch/riscv64/seam.h
