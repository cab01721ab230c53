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

kvm_tests += \
	tests/kvm/arm64/access \
	tests/kvm/arm64/call \
	tests/kvm/arm64/interrupts \
	tests/kvm/arm64/psci \
	tests/kvm/arm64/virtual
tests_kvm_arm64_access_SOURCES = tests/kvm/arm64/access.c tests/kvm/arm64/access_case.h \
	tests/kvm/arm64/access_cases.S
tests_kvm_arm64_access_LDADD = $(KVM_GUEST_LIBS)
tests_kvm_arm64_call_LDADD = $(KVM_GUEST_LIBS)
tests_kvm_arm64_interrupts_LDADD = $(KVM_GUEST_LIBS)
tests_kvm_arm64_psci_LDADD = $(KVM_GUEST_LIBS)
tests_kvm_arm64_virtual_LDADD = $(KVM_GUEST_LIBS)
tsan_tests += tests/kvm/arm64/interrupts tests/kvm/arm64/psci
endif
