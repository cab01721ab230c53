# SPDX-License-Identifier: Apache-2.0
# Sources and headers of src/sys, the only code that issues KVM ioctls; one file a line.
sys_sources = \
	src/sys/sys.c \
	src/sys/sys.h \
	src/sys/uapi.h
