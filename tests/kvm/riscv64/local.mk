# SPDX-License-Identifier: Apache-2.0
# The riscv64 half of tests/kvm: pieces of code for the common tests, and tests of what only riscv64 has.
if ARCH_RISCV64
kvm_helper_sources += \
	tests/kvm/riscv64/code.S \
	tests/kvm/riscv64/code_arch.c \
	tests/kvm/riscv64/code_arch.h \
	tests/kvm/riscv64/code_riscv.h \
	tests/kvm/riscv64/decode_arch.c \
	tests/kvm/riscv64/decode_cases.S

kvm_tests += \
	tests/kvm/riscv64/access \
	tests/kvm/riscv64/aia \
	tests/kvm/riscv64/csr \
	tests/kvm/riscv64/hsm \
	tests/kvm/riscv64/line \
	tests/kvm/riscv64/sbi \
	tests/kvm/riscv64/setup \
	tests/kvm/riscv64/timer \
	tests/kvm/riscv64/virtual
tests_kvm_riscv64_access_LDADD = $(KVM_GUEST_LIBS)
tests_kvm_riscv64_aia_LDADD = $(KVM_GUEST_LIBS)
tests_kvm_riscv64_csr_LDADD = $(KVM_GUEST_LIBS)
tests_kvm_riscv64_hsm_LDADD = $(KVM_GUEST_LIBS)
tests_kvm_riscv64_line_LDADD = $(KVM_GUEST_LIBS)
tests_kvm_riscv64_sbi_LDADD = $(KVM_GUEST_LIBS)
tests_kvm_riscv64_setup_LDADD = $(KVM_GUEST_LIBS)
tests_kvm_riscv64_timer_LDADD = $(KVM_GUEST_LIBS)
tests_kvm_riscv64_virtual_LDADD = $(KVM_GUEST_LIBS)
endif
