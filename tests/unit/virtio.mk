# SPDX-License-Identifier: Apache-2.0
# Virtio devices. They are linked with the whole library over the fake KVM, and with a driver
# (virtio_driver.h).
#
# unit_tests += tests/unit/test_virtio_foo
# tests_unit_test_virtio_foo_LDADD = $(VIRTIO_TEST_LIBS)
include tests/unit/virtio_core.mk
