# SPDX-License-Identifier: Apache-2.0
# Unit tests (libcheck, no KVM). They are linked with every layer but src/sys, and with the fake of
# src/sys listed here, in one library so that each side may call the other.
fake_sources =

check_LTLIBRARIES += tests/unit/libaxunit.la
tests_unit_libaxunit_la_SOURCES = $(fake_sources)
tests_unit_libaxunit_la_LIBADD = libaxnosys.la
UNIT_LIBS = tests/unit/libaxunit.la

# unit_tests += tests/unit/foo

# Image formats, and loading them.
unit_tests += \
	tests/unit/test_boot_damage \
	tests/unit/test_boot_elf \
	tests/unit/test_boot_file \
	tests/unit/test_boot_flat \
	tests/unit/test_boot_info \
	tests/unit/test_boot_layout \
	tests/unit/test_boot_multiboot
EXTRA_DIST += tests/unit/boot_builder.h
