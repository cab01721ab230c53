# SPDX-License-Identifier: Apache-2.0
# Sources and headers of src/debug: gdb's remote protocol, reports on guests that died; one file a line.
debug_sources = \
	src/debug/crash.c \
	src/debug/crash.h \
	src/debug/crash_core.c \
	src/debug/crash_ring.c \
	src/debug/crash_text.c \
	src/debug/gdb.c \
	src/debug/gdb.h \
	src/debug/gdb_data.c \
	src/debug/gdb_monitor.c \
	src/debug/gdb_packet.c \
	src/debug/gdb_run.c \
	src/debug/gdb_socket.c \
	src/debug/gdb_step.c \
	src/debug/points.c \
	src/debug/points.h \
	src/debug/prstatus.c \
	src/debug/rsp.c \
	src/debug/rsp.h \
	src/debug/step_riscv64.c \
	src/debug/step_riscv64.h \
	src/debug/target.c \
	src/debug/target.h \
	src/debug/target_arm64.c \
	src/debug/target_riscv64.c \
	src/debug/target_x86_64.c
