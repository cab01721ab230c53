# SPDX-License-Identifier: Apache-2.0
# The exit matrix: see matrix.h. What KVM_RUN says is noted on its way to the library.
kvm_tests += tests/kvm/matrix
tests_kvm_matrix_SOURCES = \
	tests/kvm/matrix.c \
	tests/kvm/matrix.h \
	tests/kvm/matrix_common.c \
	tests/kvm/matrix_watch.c
if ARCH_X86_64
tests_kvm_matrix_SOURCES += tests/kvm/x86_64/matrix_arch.c
endif
if ARCH_ARM64
tests_kvm_matrix_SOURCES += tests/kvm/arm64/matrix_arch.c
endif
if ARCH_RISCV64
tests_kvm_matrix_SOURCES += tests/kvm/riscv64/matrix_arch.c
endif
tests_kvm_matrix_LDFLAGS = $(AM_LDFLAGS) -Wl,--wrap=sys_vcpu_run -Wl,--wrap=sys_ioctl
tests_kvm_matrix_LDADD = $(KVM_GUEST_LIBS)
