# SPDX-License-Identifier: Apache-2.0
# The arm64 half of tests/kvm: pieces of code for the common tests, and tests of what only arm64 has.
if ARCH_ARM64
kvm_helper_sources += \
	tests/kvm/arm64/code.S \
	tests/kvm/arm64/code.inc \
	tests/kvm/arm64/code_arch.c \
	tests/kvm/arm64/code_arch.h \
	tests/kvm/arm64/code_arm64.S \
	tests/kvm/arm64/code_arm64.h \
	tests/kvm/arm64/decode_arch.c \
	tests/kvm/arm64/decode_cases.S
endif
