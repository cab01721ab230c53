# SPDX-License-Identifier: Apache-2.0
# Unit tests of arm64's code. What is pure is tested on every host.
unit_tests += \
	tests/unit/arm64/test_insn \
	tests/unit/arm64/test_walk
EXTRA_DIST += tests/unit/arm64/insn_cases.h
