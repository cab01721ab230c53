# SPDX-License-Identifier: Apache-2.0
# Disks and the block device.
unit_tests += \
	tests/unit/test_disk \
	tests/unit/test_disk_qcow2 \
	tests/unit/test_virtio_blk \
	tests/unit/test_virtio_blk_hostile \
	tests/unit/test_virtio_blk_kill \
	tests/unit/test_virtio_blk_memory \
	tests/unit/test_virtio_blk_order \
	tests/unit/test_virtio_blk_threads
tests_unit_test_disk_LDADD = $(VIRTIO_TEST_LIBS)
tests_unit_test_disk_qcow2_LDADD = $(VIRTIO_TEST_LIBS)
tests_unit_test_virtio_blk_LDADD = $(VIRTIO_TEST_LIBS)
tests_unit_test_virtio_blk_hostile_LDADD = $(VIRTIO_TEST_LIBS)
tests_unit_test_virtio_blk_kill_LDADD = $(VIRTIO_TEST_LIBS)
tests_unit_test_virtio_blk_memory_LDADD = $(VIRTIO_TEST_LIBS)
tests_unit_test_virtio_blk_memory_LDFLAGS = $(FAKE_LIBC_WRAP)
tests_unit_test_virtio_blk_order_LDADD = $(VIRTIO_TEST_LIBS)
tests_unit_test_virtio_blk_threads_LDADD = $(VIRTIO_TEST_LIBS)
tsan_tests += tests/unit/test_virtio_blk tests/unit/test_virtio_blk_threads
EXTRA_DIST += tests/unit/blk_fixture.h
