# SPDX-License-Identifier: Apache-2.0
# Sources and headers of src/machine; one file a line.
machine_sources = \
	src/machine/load.c \
	src/machine/load.h \
	src/machine/machine.c \
	src/machine/machine.h \
	src/machine/replay.c \
	src/machine/replay.h \
	src/machine/report.c \
	src/machine/report.h \
	src/machine/run.c \
	src/machine/serial.c \
	src/machine/serial.h \
	src/machine/testhost.c \
	src/machine/testhost_calls.c \
	src/machine/testhost.h

if ARCH_X86_64
machine_sources += \
	src/machine/x86_64/acpi.c \
	src/machine/x86_64/acpi.h \
	src/machine/x86_64/board.c \
	src/machine/x86_64/load.c \
	src/machine/x86_64/load.h \
	src/machine/x86_64/load_linux.c \
	src/machine/x86_64/load_multiboot.c \
	src/machine/x86_64/load_tables.c \
	src/machine/x86_64/pc.c \
	src/machine/x86_64/pc.h \
	src/machine/x86_64/report.c
endif

# The description of devices, from ACPI's source language to the bytes that acpi.c takes in.
EXTRA_DIST += src/machine/x86_64/dsdt.asl
if ARCH_X86_64
src/machine/x86_64/acpi.lo: src/machine/x86_64/dsdt.bytes
CLEANFILES += src/machine/x86_64/dsdt.aml src/machine/x86_64/dsdt.bytes src/machine/x86_64/dsdt.log
endif
src/machine/x86_64/dsdt.bytes: src/machine/x86_64/dsdt.asl
	@$(MKDIR_P) $(@D)
	$(AM_V_GEN)$(IASL) -va -p $(@D)/dsdt $(srcdir)/src/machine/x86_64/dsdt.asl >$(@D)/dsdt.log || \
		{ cat $(@D)/dsdt.log >&2; exit 1; }
	$(AM_V_at)od -An -v -tx1 $(@D)/dsdt.aml | sed 's/ \([0-9a-f][0-9a-f]\)/0x\1,/g' >$@.tmp && mv $@.tmp $@

if MACHINE_HAS_FDT
machine_sources += src/machine/load_fdt.c
endif
if ARCH_ARM64
machine_sources += \
	src/machine/arm64/board.c \
	src/machine/arm64/board.h \
	src/machine/arm64/firmware.c \
	src/machine/arm64/load.c \
	src/machine/arm64/report.c
endif
if ARCH_RISCV64
machine_sources += \
	src/machine/riscv64/board.c \
	src/machine/riscv64/load.c \
	src/machine/riscv64/report.c
endif

# Device trees: a library of their own, which the installed one has where its machine needs it.
fdt_sources = \
	src/machine/fdt.c \
	src/machine/fdt.h \
	src/machine/fdt_arm64.c \
	src/machine/fdt_riscv64.c \
	src/machine/fdt_writer.h
machine_libs =
if MACHINE_HAS_FDT
noinst_LTLIBRARIES += libaxfdt.la
machine_libs += libaxfdt.la
else
if HAVE_FDT
check_LTLIBRARIES += libaxfdt.la
endif
endif
libaxfdt_la_SOURCES = $(fdt_sources)
libaxfdt_la_LIBADD = $(FDT_LIBS)
