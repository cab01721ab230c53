# SPDX-License-Identifier: Apache-2.0
# Sources and headers of src/dev, the device models; one file a line.
dev_sources = \
	src/dev/console.c \
	src/dev/debug_exit.c \
	src/dev/debugcon.c \
	src/dev/dev.c \
	src/dev/dev.h \
	src/dev/finisher.c \
	src/dev/goldfish_rtc.c \
	src/dev/pl011.c \
	src/dev/pl011.h \
	src/dev/pl011_regs.c \
	src/dev/pl031.c \
	src/dev/pl061.c \
	src/dev/plic.c \
	src/dev/plic.h \
	src/dev/plic_regs.c \
	src/dev/reset.c \
	src/dev/rtc.c \
	src/dev/rtc.h \
	src/dev/testdev.c \
	src/dev/testdev.h \
	src/dev/testdev_later.c \
	src/dev/testdev_regs.c \
	src/dev/testdev_state.c \
	src/dev/uart.c \
	src/dev/uart.h \
	src/dev/uart_regs.c \
	src/dev/virtio/mmio.c \
	src/dev/virtio/mmio.h \
	src/dev/virtio/queue.c \
	src/dev/virtio/queue.h \
	src/dev/virtio/queue_chain.c \
	src/dev/virtio/queue_packed.c \
	src/dev/virtio/queue_split.c \
	src/dev/virtio/ring.h \
	src/dev/virtio/rng.c \
	src/dev/virtio/state.c \
	src/dev/virtio/virtio.c \
	src/dev/virtio/virtio.h
