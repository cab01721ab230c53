# SPDX-License-Identifier: Apache-2.0
# Sources of src/arch/x86_64 that are compiled on every host; one file a line.
arch_pure_sources += \
	src/arch/x86_64/walk.c \
	src/arch/x86_64/walk.h
