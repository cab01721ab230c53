# SPDX-License-Identifier: Apache-2.0
# Tests of the x86-64 machine's parts: formats, devices, tables.
unit_tests += \
	tests/unit/test_boot_bzimage \
	tests/unit/test_dev_ioapic \
	tests/unit/test_dev_pc
tests_unit_libaxdevfake_la_SOURCES += tests/unit/dev_fake_msi.c tests/unit/dev_fake_msi.h
tests_unit_test_dev_ioapic_LDADD = $(DEV_TEST_LIBS)
tests_unit_test_dev_ioapic_LDFLAGS = $(DEV_TEST_LINK)
tests_unit_test_dev_pc_LDADD = $(DEV_TEST_LIBS)
tests_unit_test_dev_pc_LDFLAGS = $(DEV_TEST_LINK)
if ARCH_X86_64
unit_tests += \
	tests/unit/x86_64/test_acpi \
	tests/unit/x86_64/test_load_linux \
	tests/unit/x86_64/test_topology
endif
