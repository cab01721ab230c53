# SPDX-License-Identifier: Apache-2.0
# Character devices, the virtio console on them, the balloon.
unit_tests += \
	tests/unit/test_chardev \
	tests/unit/test_chardev_peers \
	tests/unit/test_chardev_uart
tests_unit_test_chardev_peers_LDFLAGS = $(FAKE_LIBC_WRAP)
tsan_tests += \
	tests/unit/test_chardev \
	tests/unit/test_chardev_peers \
	tests/unit/test_chardev_uart
unit_tests += \
	tests/unit/test_virtio_balloon \
	tests/unit/test_virtio_console \
	tests/unit/test_virtio_console_wrong
tests_unit_test_virtio_balloon_LDADD = $(VIRTIO_TEST_LIBS)
tests_unit_test_virtio_console_LDADD = $(VIRTIO_TEST_LIBS)
tests_unit_test_virtio_console_wrong_LDADD = $(VIRTIO_TEST_LIBS)
EXTRA_DIST += tests/unit/char_fixture.h tests/unit/console_fixture.h
