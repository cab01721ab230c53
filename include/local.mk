# SPDX-License-Identifier: Apache-2.0
# Public headers, installed as <axvmm/NAME.h>. Each must compile alone, in C and C++, with libc only.
public_headers = \
	include/axvmm/axvmm.h \
	include/axvmm/balloon.h \
	include/axvmm/boot.h \
	include/axvmm/chardev.h \
	include/axvmm/crash.h \
	include/axvmm/debug.h \
	include/axvmm/device.h \
	include/axvmm/devices.h \
	include/axvmm/disk.h \
	include/axvmm/error.h \
	include/axvmm/exit.h \
	include/axvmm/gdb.h \
	include/axvmm/gpio.h \
	include/axvmm/handler.h \
	include/axvmm/host.h \
	include/axvmm/irq.h \
	include/axvmm/machine.h \
	include/axvmm/memory.h \
	include/axvmm/net.h \
	include/axvmm/pager.h \
	include/axvmm/pc.h \
	include/axvmm/probe.h \
	include/axvmm/record.h \
	include/axvmm/rtc.h \
	include/axvmm/share.h \
	include/axvmm/stats.h \
	include/axvmm/trace.h \
	include/axvmm/types.h \
	include/axvmm/vcpu.h \
	include/axvmm/virtio.h \
	include/axvmm/virtio_console.h \
	include/axvmm/vm.h \
	include/axvmm/vsock.h
