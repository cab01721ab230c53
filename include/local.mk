# SPDX-License-Identifier: Apache-2.0
# Public headers, installed as <axvmm/NAME.h>. Each must compile alone, in C and C++, with libc only.
public_headers = \
	include/axvmm/error.h \
	include/axvmm/exit.h \
	include/axvmm/handler.h \
	include/axvmm/types.h
