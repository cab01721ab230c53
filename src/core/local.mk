# SPDX-License-Identifier: Apache-2.0
# Sources and headers of src/core; one file a line.
core_sources = \
	src/core/device.c \
	src/core/dispatch.c \
	src/core/dispatch.h \
	src/core/error.c \
	src/core/error.h \
	src/core/exit.c \
	src/core/exit.h \
	src/core/explain.c \
	src/core/format.c \
	src/core/handler.c \
	src/core/host.c \
	src/core/host_loop.c \
	src/core/host_loop.h \
	src/core/host_timer.c \
	src/core/host_timer.h \
	src/core/hypercall.c \
	src/core/hypercall.h \
	src/core/irq.c \
	src/core/lock.c \
	src/core/loop.c \
	src/core/memory.c \
	src/core/memory.h \
	src/core/memory_map.c \
	src/core/memory_view.c \
	src/core/notify.c \
	src/core/notify.h \
	src/core/probe.c \
	src/core/probe.h \
	src/core/range.c \
	src/core/range.h \
	src/core/register.c \
	src/core/reply.c \
	src/core/reply.h \
	src/core/request.c \
	src/core/run.c \
	src/core/sipi.c \
	src/core/sipi.h \
	src/core/snapshot.c \
	src/core/state.c \
	src/core/state.h \
	src/core/vcpu.c \
	src/core/vcpu.h \
	src/core/vm.c \
	src/core/vm.h \
	src/core/vm_run.c
