# SPDX-License-Identifier: Apache-2.0
# The network device, and what it is connected to.
net_guest = tests/unit/net_guest.c tests/unit/net_guest.h
unit_tests += \
	tests/unit/test_net_forward \
	tests/unit/test_net_passt \
	tests/unit/test_net_stream \
	tests/unit/test_net_tap \
	tests/unit/test_virtio_net \
	tests/unit/test_virtio_net_ctrl \
	tests/unit/test_virtio_net_threads
tests_unit_test_net_passt_SOURCES = tests/unit/test_net_passt.c $(net_guest)
tests_unit_test_net_passt_LDADD = $(VIRTIO_TEST_LIBS)
tests_unit_test_net_stream_LDADD = $(VIRTIO_TEST_LIBS)
tests_unit_test_net_tap_SOURCES = tests/unit/test_net_tap.c $(net_guest)
tests_unit_test_net_tap_LDADD = $(VIRTIO_TEST_LIBS)
tests_unit_test_virtio_net_LDADD = $(VIRTIO_TEST_LIBS)
tests_unit_test_virtio_net_ctrl_LDADD = $(VIRTIO_TEST_LIBS)
tests_unit_test_virtio_net_threads_LDADD = $(VIRTIO_TEST_LIBS)
tsan_tests += tests/unit/test_virtio_net_threads
EXTRA_DIST += tests/unit/net_fixture.h
