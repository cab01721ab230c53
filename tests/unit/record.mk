# SPDX-License-Identifier: Apache-2.0
# Recordings: with src/sys itself, of which they need what a VM without KVM has.
unit_tests += tests/unit/test_record
tests_unit_test_record_LDADD = $(AXVMM_LIBS) $(CHECK_LIBS) $(PTHREAD_LIBS)
