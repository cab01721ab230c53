# SPDX-License-Identifier: Apache-2.0
# Unit tests of the stub for gdb, and of reports on guests that died.
unit_tests += \
	tests/unit/test_crash \
	tests/unit/test_gdb \
	tests/unit/test_gdb_rsp \
	tests/unit/test_gdb_step
tsan_tests += tests/unit/test_gdb
EXTRA_DIST += tests/unit/gdb_fixture.h
