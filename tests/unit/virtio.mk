# SPDX-License-Identifier: Apache-2.0
# Virtio devices. They are linked with the whole library over the fake KVM, and with a driver
# (virtio_driver.h).
#
# unit_tests += tests/unit/test_virtio_foo
# tests_unit_test_virtio_foo_LDADD = $(VIRTIO_TEST_LIBS)
include tests/unit/virtio_core.mk

# Sockets.
unit_tests += \
	tests/unit/test_vsock \
	tests/unit/test_vsock_flow \
	tests/unit/test_vsock_threads
tests_unit_test_vsock_LDADD = $(VIRTIO_TEST_LIBS)
tests_unit_test_vsock_flow_LDADD = $(VIRTIO_TEST_LIBS)
tests_unit_test_vsock_threads_LDADD = $(VIRTIO_TEST_LIBS)
tsan_tests += tests/unit/test_vsock_threads tests/unit/test_vhost_user
EXTRA_DIST += tests/unit/vsock_fixture.h

include tests/unit/virtio_net.mk

# Shared directories: the first with the virtiofsd that is installed.
unit_tests += \
	tests/unit/test_virtio_fs \
	tests/unit/test_virtiofsd \
	tests/unit/test_vhost_user
tests_unit_test_virtio_fs_LDADD = $(VIRTIO_TEST_LIBS)
tests_unit_test_virtiofsd_LDADD = $(VIRTIO_TEST_LIBS)
tests_unit_test_vhost_user_SOURCES = \
	tests/unit/test_vhost_user.c \
	tests/unit/vhost_backend.c \
	tests/unit/vhost_backend.h
tests_unit_test_vhost_user_LDADD = $(VIRTIO_TEST_LIBS)
EXTRA_DIST += tests/unit/virtio_fs_driver.h
