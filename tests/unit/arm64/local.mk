# SPDX-License-Identifier: Apache-2.0
# Unit tests of arm64's code. What is pure is tested on every host.
unit_tests += \
	tests/unit/arm64/test_insn \
	tests/unit/arm64/test_walk
EXTRA_DIST += tests/unit/arm64/insn_cases.h

# What arm64's KVM leaves to its user, on a fake.
if ARCH_ARM64
unit_tests += tests/unit/arm64/test_machine tests/unit/arm64/test_seam
tests_unit_arm64_test_machine_LDFLAGS = $(FAKE_LIBC_WRAP)
endif
