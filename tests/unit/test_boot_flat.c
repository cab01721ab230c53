/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Flat binaries, what the caller may say about images, and files that are something else.
 */
#include <stdio.h>
#include <stdlib.h>

#include "tests/unit/boot_builder.h"

static struct built file;

START_TEST(a_flat_binary_starts_at_its_first_byte)
{
	const AxCpuMode modes[] = { AX_MODE_REAL, AX_MODE_PROTECTED, AX_MODE_LONG };

	memset(&file, 0x90, sizeof(file));
	file.len = 0x1234;
	for (unsigned i = 0; i < 3; i++) {
		AxImageHints hints = flat_hints(modes[i], 0x8000);
		AxImagePlan plan = expect_plan(&file, &hints);

		ck_assert_uint_eq(plan.format, AX_IMAGE_FLAT);
		ck_assert_uint_eq(plan.machine, AX_IMAGE_FOR_X86_64);
		ck_assert_uint_eq(plan.mode, modes[i]);
		ck_assert_uint_eq(plan.entry, 0x8000);
		ck_assert_uint_eq(plan.segment_count, 1);
		ck_assert_uint_eq(plan.segments[0].gpa, 0x8000);
		ck_assert_uint_eq(plan.segments[0].file_offset, 0);
		ck_assert_uint_eq(plan.segments[0].file_size, 0x1234);
		ck_assert_uint_eq(plan.segments[0].memory_size, 0x1234);
	}
}
END_TEST

START_TEST(one_byte_is_enough)
{
	AxImageHints hints = flat_hints(AX_MODE_LONG, 0xffffff);

	file.bytes[0] = 0xf4;
	file.len = 1;
	expect_plan(&file, &hints);
	hints.load = 0x1000000;
	expect_refused(file.bytes, 1, &hints, -ENOEXEC,
		       "disk/kernel: segment 0, 0x1 bytes at 0x1000000, is outside RAM: "
		       "RAM is 0x1000000 "
		       "bytes at 0x0; at least 17 MiB or another load address would do");
}
END_TEST

START_TEST(the_native_mode_of_x86_is_real_mode)
{
	AxImageHints hints = flat_hints(AX_MODE_NATIVE, 0x7c00);

	file.len = 512;
	ck_assert_uint_eq(expect_plan(&file, &hints).mode, AX_MODE_REAL);
}
END_TEST

START_TEST(real_mode_begins_where_a_segment_can)
{
	AxImageHints hints = flat_hints(AX_MODE_REAL, 0xffff0);

	file.len = 1;
	expect_plan(&file, &hints);
	hints.load = 0x100000;
	expect_refused(file.bytes, 1, &hints, -EINVAL,
		       "disk/kernel: real mode can't begin at 0x100000: a load address "
		       "below 0x100000 that "
		       "is a multiple of 16 would do");
	hints.load = 0x7c01;
	expect_refused(file.bytes, 1, &hints, -EINVAL,
		       "disk/kernel: real mode can't begin at 0x7c01: a load address below "
		       "0x100000 that is "
		       "a multiple of 16 would do");
}
END_TEST

START_TEST(other_machines_need_a_load_address_only)
{
	AxImageHints hints = flat_hints(AX_MODE_NATIVE, 0x8000);

	file.len = 100;
	hints.machine = AX_IMAGE_FOR_ARM64;
	ck_assert_uint_eq(expect_plan(&file, &hints).mode, AX_MODE_NATIVE);
	hints.given = AX_HINT_LOAD;
	ck_assert_uint_eq(expect_plan(&file, &hints).mode, AX_MODE_NATIVE);
	hints.given = AX_HINT_LOAD | AX_HINT_MODE;
	hints.mode = AX_MODE_LONG;
	expect_refused(file.bytes, 100, &hints, -EINVAL,
		       "disk/kernel: an arm64 CPU has no such modes as real, protected and "
		       "long: leave the "
		       "mode out");
}
END_TEST

START_TEST(half_of_what_a_flat_binary_needs_is_not_enough)
{
	AxImageHints hints = flat_hints(AX_MODE_LONG, 0x8000);

	memset(&file, 0x90, sizeof(file));
	file.len = 100;
	hints.given = AX_HINT_MODE;
	expect_refused(file.bytes, 100, &hints, -ENOEXEC,
		       "disk/kernel: is 100 bytes of no known format" X86_ACCEPTED
		       ". The load address is missing");
	hints.given = AX_HINT_LOAD;
	expect_refused("#!/bin/sh\n", 10, &hints, -ENOEXEC,
		       "disk/kernel: is a script" X86_ACCEPTED ". The mode is missing");
}
END_TEST

START_TEST(any_bytes_are_flat_when_the_caller_says_so)
{
	AxImageHints hints = flat_hints(AX_MODE_LONG, 0x8000);
	AxImagePlan plan = AX_IMAGE_PLAN_INIT;

	ck_assert_int_eq(ax_image_parse("\x1f\x8b\x08\0", 4, &hints, &plan, NULL), 0);
	ck_assert_uint_eq(plan.format, AX_IMAGE_FLAT);
}
END_TEST

START_TEST(what_an_image_says_itself_may_be_repeated_but_not_contradicted)
{
	AxImageHints hints = flat_hints(AX_MODE_LONG, 0x100000);

	build_usual_elf64(&file);
	ck_assert_uint_eq(expect_plan(&file, &hints).format, AX_IMAGE_ELF64);
	hints.load = 0x101000;
	expect_refused(file.bytes, file.len, &hints, -EINVAL,
		       "disk/kernel: is ELF64, which goes to 0x100000 by itself, not to "
		       "0x101000: leave the "
		       "load address out (it is for flat binaries)");
	hints.mode = AX_MODE_REAL;
	expect_refused(file.bytes, file.len, &hints, -EINVAL,
		       "disk/kernel: is ELF64, which starts in long mode, not in real "
		       "mode: leave the mode "
		       "out (it is for flat binaries)");
	build_usual_multiboot(&file);
	hints.mode = AX_MODE_NATIVE;
	expect_refused(file.bytes, file.len, &hints, -EINVAL,
		       "disk/kernel: is multiboot, which starts in protected mode, not in "
		       "native mode: leave "
		       "the mode out (it is for flat binaries)");
	hints.mode = AX_MODE_PROTECTED;
	hints.load = 0x100000;
	expect_plan(&file, &hints);
}
END_TEST

START_TEST(hints_that_make_no_sense_are_refused)
{
	const AxRamRange empty = { 0x1000, 0 };
	const AxRamRange wrapping = { 0x1000, UINT64_MAX - 0xfff };
	AxImageHints hints = usual_hints();

	build_usual_elf64(&file);
	hints.machine = 4;
	expect_refused(file.bytes, file.len, &hints, -EINVAL, "disk/kernel: there is no machine 4");
	hints = usual_hints();
	hints.given = 4;
	expect_refused(file.bytes, file.len, &hints, -EINVAL, "disk/kernel: there is no hint 0x4");
	hints = flat_hints(4, 0);
	expect_refused(file.bytes, file.len, &hints, -EINVAL,
		       "disk/kernel: there is no CPU mode 4");
	hints = usual_hints();
	hints.ram_count = 0;
	expect_refused(file.bytes, file.len, &hints, -EINVAL,
		       "disk/kernel: 0 ranges of RAM, but 1 to 32 are possible");
	hints.ram_count = AX_RAM_RANGES_MAX + 1;
	expect_refused(file.bytes, file.len, &hints, -EINVAL,
		       "disk/kernel: 33 ranges of RAM, but 1 to 32 are possible");
	hints.ram_count = 1;
	hints.ram = NULL;
	expect_refused(file.bytes, file.len, &hints, -EINVAL,
		       "disk/kernel: 1 ranges of RAM, but 1 to 32 are possible");
	hints.ram = &empty;
	expect_refused(file.bytes, file.len, &hints, -EINVAL,
		       "disk/kernel: RAM at 0x1000 with size 0x0 wraps or is empty");
	hints.ram = &wrapping;
	expect_refused(file.bytes, file.len, &hints, -EINVAL,
		       "disk/kernel: RAM at 0x1000 with size 0xfffffffffffff000 wraps or "
		       "is empty");
}
END_TEST

START_TEST(structs_of_another_size_are_told_apart)
{
	struct {
		AxImageHints hints;
		uint64_t more;
	} newer = { usual_hints(), 0 };
	AxImagePlan plan = AX_IMAGE_PLAN_INIT;
	AxError err = AX_ERROR_INIT;

	build_usual_elf64(&file);
	newer.hints.size = sizeof(newer);
	ck_assert_int_eq(ax_image_parse(file.bytes, file.len, &newer.hints, &plan, &err), 0);
	newer.more = 1ull << 63; /* set: not ours to ignore */
	ck_assert_int_eq(ax_image_parse(file.bytes, file.len, &newer.hints, &plan, &err), -EINVAL);
	ck_assert_str_eq(err.message,
			 "ax_image_parse: an argument is missing, or its size is not set");
	newer.hints.size = sizeof(AxImageHints) - 1;
	ck_assert_int_eq(ax_image_parse(file.bytes, file.len, &newer.hints, &plan, &err), -EINVAL);
	ck_assert_int_eq(ax_image_parse(file.bytes, file.len, NULL, &plan, &err), -EINVAL);
	newer.hints = usual_hints();
	ck_assert_int_eq(ax_image_parse(file.bytes, file.len, &newer.hints, NULL, &err), -EINVAL);
	ck_assert_int_eq(ax_image_parse(NULL, 1, &newer.hints, &plan, &err), -EINVAL);
	plan.size = 8;
	ck_assert_int_eq(ax_image_parse(file.bytes, file.len, &newer.hints, &plan, &err), -EINVAL);
}
END_TEST

/* Bytes at an offset in zeros, and what the message calls them. */
static const struct foreign {
	size_t offset;
	const char *bytes;
	size_t len;
	const char *name;
	const char *advice;
} foreign_files[] = {
#define BYTES(text) text, sizeof(text) - 1
	{ 0x202, BYTES("HdrS"), "a Linux bzImage", "" },
	{ 0x38, BYTES("ARM\x64"), "a Linux Image for arm64", "" },
	{ 0x38, BYTES("RSC\x05"), "a Linux Image for riscv64", "" },
	{ 0, BYTES("MZ\0\0zimg"), "a compressed EFI boot image", "" },
	{ 0, BYTES("\x1f\x8b"), "a gzip file", ". Unpack it first" },
	{ 0,
	  BYTES("\xfd"
		"7zXZ\0"),
	  "an xz file", ". Unpack it first" },
	{ 0, BYTES("\x28\xb5\x2f\xfd"), "a zstd file", ". Unpack it first" },
	{ 0, BYTES("\x04\x22\x4d\x18"), "an lz4 file", ". Unpack it first" },
	{ 0, BYTES("\x02\x21\x4c\x18"), "an lz4 file", ". Unpack it first" },
	{ 0, BYTES("BZh9"), "a bzip2 file", ". Unpack it first" },
	{ 0, BYTES("PK\3\4"), "a zip file", ". Unpack it first" },
	{ 257, BYTES("ustar"), "a tar archive", ". Unpack it first" },
	{ 0, BYTES("070701"), "a cpio archive", ". It may be an initrd" },
	{ 0, BYTES("!<arch>\n"), "an ar archive (a static library or a Debian package)", "" },
	{ 0, BYTES("\xd0\x0d\xfe\xed"), "a device tree", "" },
	{ 0, BYTES("\x27\x05\x19\x56"), "a U-Boot image", "" },
	{ 0, BYTES("QFI\xfb"), "a qcow2 disk image", "" },
	{ 0, BYTES("KDMV"), "a VMDK disk image", "" },
	{ 0x8001, BYTES("CD001"), "an ISO 9660 disk image", "" },
	{ 512, BYTES("EFI PART"), "a GPT disk image", "" },
	{ 0, BYTES("\xce\xfa\xed\xfe"), "a Mach-O executable", "" },
	{ 0, BYTES("\xcf\xfa\xed\xfe"), "a Mach-O executable", "" },
	{ 0, BYTES("\xca\xfe\xba\xbe"), "a Java class or a universal Mach-O executable", "" },
	{ 0, BYTES("BC\xc0\xde"), "LLVM bitcode", ". Compile and link it first" },
	{ 0, BYTES("\0asm"), "a WebAssembly module", "" },
	{ 0, BYTES("#!/bin/sh\n"), "a script", "" },
	{ 510, BYTES("\x55\xaa"), "a boot sector or a disk image",
	  ". A boot sector is a flat binary for real mode at 0x7c00" },
	{ 0, BYTES("MZ"), "a DOS executable", "" },
	{ 8, BYTES("\xd6\x50\x52\xe8\0\0\0\0\x10\0\0\0\x1a\xaf\xad\x17"), "multiboot 2", "" },
#undef BYTES
};

START_TEST(files_of_other_formats_are_named)
{
	static uint8_t bytes[0x9000];
	AxImageHints hints = usual_hints();
	char message[AX_ERROR_MESSAGE_SIZE];

	for (size_t i = 0; i < sizeof(foreign_files) / sizeof(foreign_files[0]); i++) {
		const struct foreign *row = &foreign_files[i];

		memset(bytes, 0, sizeof(bytes));
		memcpy(bytes + row->offset, row->bytes, row->len);
		snprintf(message, sizeof(message), "disk/kernel: is %s" X86_ACCEPTED "%s",
			 row->name, row->advice);
		expect_refused(bytes, sizeof(bytes), &hints, -ENOEXEC, message);
	}
}
END_TEST

START_TEST(windows_and_efi_programs_are_named)
{
	AxImageHints hints = usual_hints();

	memset(&file, 0, sizeof(file));
	memcpy(file.bytes, "MZ", 2);
	file.bytes[0x3c] = 0x80;
	memcpy(file.bytes + 0x80, "PE\0\0", 4);
	expect_refused(file.bytes, 0x84, &hints, -ENOEXEC,
		       "disk/kernel: is a PE executable (Windows or EFI)" X86_ACCEPTED);
	expect_refused(file.bytes, 0x83, &hints, -ENOEXEC,
		       "disk/kernel: is a DOS executable" X86_ACCEPTED);
	memset(file.bytes + 0x3c, 0xff, 4);
	expect_refused(file.bytes, 0x84, &hints, -ENOEXEC,
		       "disk/kernel: is a DOS executable" X86_ACCEPTED);
	expect_refused(file.bytes, 0x3f, &hints, -ENOEXEC,
		       "disk/kernel: is a DOS executable" X86_ACCEPTED);
}
END_TEST

START_TEST(text_and_unknown_bytes_are_told_apart)
{
	AxImageHints hints = usual_hints();

	expect_refused("hello,\tw\xc3\xb6rld\r\n\f", 16, &hints, -ENOEXEC,
		       "disk/kernel: is text" X86_ACCEPTED);
	expect_refused("\xf0\x9f\x98\x80\xe2\x82", 6, &hints, -ENOEXEC,
		       "disk/kernel: is text" X86_ACCEPTED);
	expect_refused("\xc3x", 2, &hints, -ENOEXEC,
		       "disk/kernel: is 2 bytes of no known format" X86_ACCEPTED);
	expect_refused("\xf5\x80", 2, &hints, -ENOEXEC,
		       "disk/kernel: is 2 bytes of no known format" X86_ACCEPTED);
	expect_refused("\x7f", 1, &hints, -ENOEXEC,
		       "disk/kernel: is 1 byte of no known format" X86_ACCEPTED);
	expect_refused("\1\2", 2, &hints, -ENOEXEC,
		       "disk/kernel: is 2 bytes of no known format" X86_ACCEPTED);
	memset(file.bytes, 'x', 0x1000);
	file.bytes[600] = 0; /* further on than anybody looks */
	expect_refused(file.bytes, 0x1000, &hints, -ENOEXEC, "disk/kernel: is text" X86_ACCEPTED);
}
END_TEST

START_TEST(an_empty_image_is_empty_whatever_the_caller_says)
{
	AxImageHints hints = flat_hints(AX_MODE_LONG, 0x8000);

	expect_refused("", 0, &hints, -ENOEXEC, "disk/kernel: is empty" X86_ACCEPTED);
	expect_refused(NULL, 0, &hints, -ENOEXEC, "disk/kernel: is empty" X86_ACCEPTED);
}
END_TEST

START_TEST(names_in_messages_are_one_short_line)
{
	AxImageHints hints = usual_hints();

	hints.name = NULL;
	expect_refused("", 0, &hints, -ENOEXEC, "image: is empty" X86_ACCEPTED);
	hints.name = "a\nb\x1b[31m\x7f\xc3\xb6";
	expect_refused("", 0, &hints, -ENOEXEC, "a?b?[31m?\xc3\xb6: is empty" X86_ACCEPTED);
	hints.name = "0123456789/123456789/123456789/123456789/12345678";
	expect_refused("", 0, &hints, -ENOEXEC,
		       "...456789/123456789/123456789/123456789/12345678: is empty" X86_ACCEPTED);
	hints.name++;
	expect_refused("", 0, &hints, -ENOEXEC,
		       "123456789/123456789/123456789/123456789/12345678: is empty" X86_ACCEPTED);
}
END_TEST

START_TEST(formats_and_machines_have_names)
{
	ck_assert_str_eq(ax_image_format_name(AX_IMAGE_FLAT), "flat binary");
	ck_assert_str_eq(ax_image_format_name(AX_IMAGE_ELF32), "ELF32");
	ck_assert_str_eq(ax_image_format_name(AX_IMAGE_ELF64), "ELF64");
	ck_assert_str_eq(ax_image_format_name(AX_IMAGE_MULTIBOOT), "multiboot");
	ck_assert_str_eq(ax_image_format_name(AX_IMAGE_NONE), "unknown");
	ck_assert_str_eq(ax_image_format_name(99), "unknown");
	ck_assert_str_eq(ax_image_machine_name(AX_IMAGE_FOR_X86_64), "x86-64");
	ck_assert_str_eq(ax_image_machine_name(AX_IMAGE_FOR_ARM64), "arm64");
	ck_assert_str_eq(ax_image_machine_name(AX_IMAGE_FOR_RISCV64), "riscv64");
	ck_assert_str_ne(ax_image_machine_name(AX_IMAGE_FOR_THIS), "unknown");
	ck_assert_str_eq(ax_image_machine_name(4), "unknown");
}
END_TEST

RUN_TESTS("boot-flat", a_flat_binary_starts_at_its_first_byte, one_byte_is_enough,
	  the_native_mode_of_x86_is_real_mode, real_mode_begins_where_a_segment_can,
	  other_machines_need_a_load_address_only, half_of_what_a_flat_binary_needs_is_not_enough,
	  any_bytes_are_flat_when_the_caller_says_so,
	  what_an_image_says_itself_may_be_repeated_but_not_contradicted,
	  hints_that_make_no_sense_are_refused, structs_of_another_size_are_told_apart,
	  files_of_other_formats_are_named, windows_and_efi_programs_are_named,
	  text_and_unknown_bytes_are_told_apart, an_empty_image_is_empty_whatever_the_caller_says,
	  names_in_messages_are_one_short_line, formats_and_machines_have_names)
