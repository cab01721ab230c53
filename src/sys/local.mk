# SPDX-License-Identifier: Apache-2.0
# Sources and headers of src/sys, the only code that issues KVM ioctls; one file a line.
sys_sources = \
	src/sys/offline.c \
	src/sys/offline.h \
	src/sys/sys.c \
	src/sys/sys.h \
	src/sys/uapi.h \
	src/sys/uffd.c \
	src/sys/uffd.h

# KVM_RUN: an architecture's own, or libc's ioctl().
if ARCH_X86_64
sys_sources += src/sys/x86_64/vcpu_run.c
else
sys_sources += src/sys/vcpu_run.c
endif
