# SPDX-License-Identifier: Apache-2.0
# Unit tests of the stub for gdb, and of reports on guests that died.
unit_tests += \
	tests/unit/test_gdb_rsp \
	tests/unit/test_gdb_step
