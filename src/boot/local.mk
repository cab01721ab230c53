# SPDX-License-Identifier: Apache-2.0
# Sources and headers of src/boot, the image formats; one file a line.
boot_sources = \
	src/boot/bytes.h \
	src/boot/bzimage.c \
	src/boot/elf.c \
	src/boot/error.c \
	src/boot/extract.c \
	src/boot/file.c \
	src/boot/flat.c \
	src/boot/foreign.c \
	src/boot/gzip.c \
	src/boot/image.c \
	src/boot/image.h \
	src/boot/layout.c \
	src/boot/library.c \
	src/boot/library.h \
	src/boot/linux.c \
	src/boot/linux_x86.h \
	src/boot/lz4.c \
	src/boot/multiboot.c \
	src/boot/multiboot_info.c \
	src/boot/plan.c \
	src/boot/pvh.c \
	src/boot/setup.c \
	src/boot/unpack.c \
	src/boot/unpack.h \
	src/boot/xz.c \
	src/boot/zstd.c
