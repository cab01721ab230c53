# SPDX-License-Identifier: Apache-2.0
# Unit tests (libcheck, no KVM). They are linked with every layer but src/sys, and with the fake of
# src/sys listed here, in one library so that each side may call the other.
fake_sources =

check_LTLIBRARIES += tests/unit/libaxunit.la
tests_unit_libaxunit_la_SOURCES = $(fake_sources)
tests_unit_libaxunit_la_LIBADD = libaxnosys.la
UNIT_LIBS = tests/unit/libaxunit.la

# unit_tests += tests/unit/foo
