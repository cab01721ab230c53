# SPDX-License-Identifier: Apache-2.0
# Recordings: with src/sys itself, of which they need what a VM without KVM has.
unit_tests += \
	tests/unit/test_record \
	tests/unit/test_record_facts \
	tests/unit/test_replay_make \
	tests/unit/test_replay_tree
tests_unit_test_record_LDADD = $(AXVMM_LIBS) $(CHECK_LIBS) $(PTHREAD_LIBS)
tests_unit_test_record_facts_LDADD = $(AXVMM_LIBS) $(CHECK_LIBS) $(PTHREAD_LIBS)
tests_unit_test_replay_make_LDADD = $(AXVMM_LIBS) $(CHECK_LIBS) $(PTHREAD_LIBS)
tests_unit_test_replay_tree_LDADD = $(AXVMM_LIBS) $(CHECK_LIBS) $(PTHREAD_LIBS)

# Tests of virtio devices once more, each recorded and replayed (virtio_recorded.h).
check_LTLIBRARIES += tests/unit/libaxrecorded.la
tests_unit_libaxrecorded_la_SOURCES = \
	tests/unit/virtio_driver.c \
	tests/unit/virtio_driver.h \
	tests/unit/virtio_driver_ring.c \
	tests/unit/virtio_recorded.c \
	tests/unit/virtio_recorded.h
tests_unit_libaxrecorded_la_CPPFLAGS = $(AM_CPPFLAGS) -DDRV_RECORDED
RECORDED_LIBS = tests/unit/libaxrecorded.la $(AXVMM_LIBS) $(CHECK_TEST_LIBS) $(PTHREAD_LIBS)
RECORDED_CPPFLAGS = $(AM_CPPFLAGS) -DDRV_RECORDED
recorded_tests += \
	tests/unit/test_replay_balloon \
	tests/unit/test_replay_blk \
	tests/unit/test_replay_console \
	tests/unit/test_replay_console_wrong \
	tests/unit/test_replay_net \
	tests/unit/test_replay_net_ctrl \
	tests/unit/test_replay_vsock \
	tests/unit/test_replay_vsock_flow
unit_tests += $(recorded_tests)
tests_unit_test_replay_balloon_SOURCES = tests/unit/test_virtio_balloon.c
tests_unit_test_replay_balloon_CPPFLAGS = $(RECORDED_CPPFLAGS)
tests_unit_test_replay_balloon_LDADD = $(RECORDED_LIBS)
tests_unit_test_replay_blk_SOURCES = tests/unit/test_virtio_blk.c
tests_unit_test_replay_blk_CPPFLAGS = $(RECORDED_CPPFLAGS)
tests_unit_test_replay_blk_LDADD = $(RECORDED_LIBS)
tests_unit_test_replay_console_SOURCES = tests/unit/test_virtio_console.c
tests_unit_test_replay_console_CPPFLAGS = $(RECORDED_CPPFLAGS)
tests_unit_test_replay_console_LDADD = $(RECORDED_LIBS)
tests_unit_test_replay_console_wrong_SOURCES = tests/unit/test_virtio_console_wrong.c
tests_unit_test_replay_console_wrong_CPPFLAGS = $(RECORDED_CPPFLAGS)
tests_unit_test_replay_console_wrong_LDADD = $(RECORDED_LIBS)
tests_unit_test_replay_net_SOURCES = tests/unit/test_virtio_net.c
tests_unit_test_replay_net_CPPFLAGS = $(RECORDED_CPPFLAGS)
tests_unit_test_replay_net_LDADD = $(RECORDED_LIBS)
tests_unit_test_replay_net_ctrl_SOURCES = tests/unit/test_virtio_net_ctrl.c
tests_unit_test_replay_net_ctrl_CPPFLAGS = $(RECORDED_CPPFLAGS)
tests_unit_test_replay_net_ctrl_LDADD = $(RECORDED_LIBS)
tests_unit_test_replay_vsock_SOURCES = tests/unit/test_vsock.c
tests_unit_test_replay_vsock_CPPFLAGS = $(RECORDED_CPPFLAGS)
tests_unit_test_replay_vsock_LDADD = $(RECORDED_LIBS)
tests_unit_test_replay_vsock_flow_SOURCES = tests/unit/test_vsock_flow.c
tests_unit_test_replay_vsock_flow_CPPFLAGS = $(RECORDED_CPPFLAGS)
tests_unit_test_replay_vsock_flow_LDADD = $(RECORDED_LIBS)
