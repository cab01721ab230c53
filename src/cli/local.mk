# SPDX-License-Identifier: Apache-2.0
# The axvmm command; one source a line. It is linked with the project's code itself, not with the
# shared libraries, so that it starts fast and is a plain executable in the build tree.
cli_sources = \
	src/cli/cli.h \
	src/cli/config.c \
	src/cli/console.c \
	src/cli/console.h \
	src/cli/consoles.c \
	src/cli/consoles.h \
	src/cli/control-client.c \
	src/cli/control-client.h \
	src/cli/control-path.c \
	src/cli/control.c \
	src/cli/control.h \
	src/cli/demo.c \
	src/cli/demo.h \
	src/cli/devices.c \
	src/cli/devices.h \
	src/cli/doctor-host.c \
	src/cli/doctor-host.h \
	src/cli/doctor.c \
	src/cli/guests.c \
	src/cli/histogram.c \
	src/cli/histogram.h \
	src/cli/iothread.c \
	src/cli/iothread.h \
	src/cli/json-read.c \
	src/cli/json-read.h \
	src/cli/json.c \
	src/cli/json.h \
	src/cli/live.c \
	src/cli/live.h \
	src/cli/main.c \
	src/cli/manage.c \
	src/cli/manage.h \
	src/cli/menu.c \
	src/cli/menu.h \
	src/cli/message.c \
	src/cli/number.c \
	src/cli/number.h \
	src/cli/options-devices.c \
	src/cli/options-machine.c \
	src/cli/options-private.h \
	src/cli/options.c \
	src/cli/options.h \
	src/cli/outcome.c \
	src/cli/params.c \
	src/cli/params.h \
	src/cli/pauser.c \
	src/cli/pauser.h \
	src/cli/run.c \
	src/cli/serial.c \
	src/cli/serial.h \
	src/cli/session-control.c \
	src/cli/session-debug.c \
	src/cli/session-dump.c \
	src/cli/session-private.h \
	src/cli/session-trace.c \
	src/cli/session.c \
	src/cli/session.h \
	src/cli/signals.c \
	src/cli/signals.h \
	src/cli/source.c \
	src/cli/source.h \
	src/cli/stats-private.h \
	src/cli/stats-report.c \
	src/cli/stats.c \
	src/cli/stats.h \
	src/cli/status.c \
	src/cli/terminal.c \
	src/cli/terminal.h \
	src/cli/top-data.c \
	src/cli/top-json.c \
	src/cli/top-screen.c \
	src/cli/top-view.c \
	src/cli/top.c \
	src/cli/top.h \
	src/cli/trace-exit.c \
	src/cli/trace-exit.h \
	src/cli/trace.c \
	src/cli/trace.h \
	src/cli/writer.c \
	src/cli/writer.h

bin_PROGRAMS += axvmm
axvmm_SOURCES = $(cli_sources)
axvmm_LDADD = guests/libguests.la $(AXVMM_LIBS)
