# SPDX-License-Identifier: Apache-2.0
# The installed package: its headers, its libraries' symbols, programs built by pkg-config alone.
script_tests += tests/install/headers
# A program of a user knows nothing of sanitizers and counters.
if !INSTRUMENTED
script_tests += tests/install/package
endif

EXTRA_DIST += \
	tests/install/x86_64/consumer.c \
	tests/install/x86_64/consumer.cc
