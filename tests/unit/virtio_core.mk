# SPDX-License-Identifier: Apache-2.0
# What virtio tests share, and those of the transport, the queues and the entropy device.
check_LTLIBRARIES += tests/unit/libaxdriver.la
tests_unit_libaxdriver_la_SOURCES = \
	tests/unit/virtio_driver.c \
	tests/unit/virtio_driver.h \
	tests/unit/virtio_driver_ring.c \
	tests/unit/virtio_echo.c \
	tests/unit/virtio_echo.h
VIRTIO_TEST_LIBS = tests/unit/libaxdriver.la $(LDADD)

unit_tests += \
	tests/unit/test_virtio_events \
	tests/unit/test_virtio_hostile \
	tests/unit/test_virtio_mmio \
	tests/unit/test_virtio_queue \
	tests/unit/test_virtio_rng \
	tests/unit/test_virtio_soak \
	tests/unit/test_virtio_state
tests_unit_test_virtio_events_LDADD = $(VIRTIO_TEST_LIBS)
tests_unit_test_virtio_hostile_LDADD = $(VIRTIO_TEST_LIBS)
tests_unit_test_virtio_mmio_LDADD = $(VIRTIO_TEST_LIBS)
tests_unit_test_virtio_queue_LDADD = $(VIRTIO_TEST_LIBS)
tests_unit_test_virtio_rng_LDADD = $(VIRTIO_TEST_LIBS)
tests_unit_test_virtio_soak_LDADD = $(VIRTIO_TEST_LIBS)
tests_unit_test_virtio_state_LDADD = $(VIRTIO_TEST_LIBS)
tests_unit_test_virtio_mmio_LDFLAGS = $(FAKE_LIBC_WRAP)
tests_unit_test_virtio_queue_LDFLAGS = $(FAKE_LIBC_WRAP)
tests_unit_test_virtio_rng_LDFLAGS = $(FAKE_LIBC_WRAP)
tsan_tests += tests/unit/test_virtio_soak
EXTRA_DIST += tests/unit/echo_fixture.h
