# SPDX-License-Identifier: Apache-2.0
# Tests that run guests on /dev/kvm; without it they skip (77) and say so.

# kvm_tests += tests/kvm/foo
# tests_kvm_foo_LDADD = $(KVM_TEST_LIBS)
