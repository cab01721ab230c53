# SPDX-License-Identifier: Apache-2.0
# Virtio devices. They are linked with the whole library over the fake KVM, and with a driver
# (virtio_driver.h).
#
# unit_tests += tests/unit/test_virtio_foo
# tests_unit_test_virtio_foo_LDADD = $(VIRTIO_TEST_LIBS)
check_LTLIBRARIES += tests/unit/libaxdriver.la
tests_unit_libaxdriver_la_SOURCES = \
	tests/unit/virtio_driver.c \
	tests/unit/virtio_driver.h \
	tests/unit/virtio_driver_ring.c
VIRTIO_TEST_LIBS = tests/unit/libaxdriver.la $(LDADD)

# Transport, queues, entropy.
unit_tests += \
	tests/unit/test_virtio_rng
tests_unit_test_virtio_rng_LDADD = $(VIRTIO_TEST_LIBS)
