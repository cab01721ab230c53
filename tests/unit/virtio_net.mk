# SPDX-License-Identifier: Apache-2.0
# The network device, and what it is connected to.
unit_tests += \
	tests/unit/test_net_forward \
	tests/unit/test_net_stream \
	tests/unit/test_virtio_net \
	tests/unit/test_virtio_net_ctrl
tests_unit_test_net_stream_LDADD = $(VIRTIO_TEST_LIBS)
tests_unit_test_virtio_net_LDADD = $(VIRTIO_TEST_LIBS)
tests_unit_test_virtio_net_ctrl_LDADD = $(VIRTIO_TEST_LIBS)
EXTRA_DIST += tests/unit/net_fixture.h
