# SPDX-License-Identifier: Apache-2.0
# Disks and the block device.
unit_tests += \
	tests/unit/test_virtio_blk
tests_unit_test_virtio_blk_LDADD = $(VIRTIO_TEST_LIBS)
EXTRA_DIST += tests/unit/blk_fixture.h
