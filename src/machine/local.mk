# SPDX-License-Identifier: Apache-2.0
# Sources and headers of src/machine; one file a line.
machine_sources = \
	src/machine/machine.c \
	src/machine/machine.h \
	src/machine/run.c \
	src/machine/testhost.c \
	src/machine/testhost.h

if ARCH_X86_64
machine_sources += \
	src/machine/x86_64/board.c \
	src/machine/x86_64/load.c \
	src/machine/x86_64/load.h \
	src/machine/x86_64/load_multiboot.c \
	src/machine/x86_64/load_tables.c \
	src/machine/x86_64/report.c
endif
