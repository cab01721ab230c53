# SPDX-License-Identifier: Apache-2.0
# Sources and headers of src/arch/arm64; one file a line.
arch_sources = \
	src/arch/arm64/seam.h
