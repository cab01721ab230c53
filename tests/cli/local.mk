# SPDX-License-Identifier: Apache-2.0
# Tests of the axvmm command: scripts, which find it as $builddir/axvmm.
script_tests += \
	tests/cli/arguments \
	tests/cli/bench \
	tests/cli/console \
	tests/cli/console-ends \
	tests/cli/control \
	tests/cli/crash \
	tests/cli/devices \
	tests/cli/doctor \
	tests/cli/documents \
	tests/cli/exit-codes \
	tests/cli/extract \
	tests/cli/gdb \
	tests/cli/guests \
	tests/cli/images \
	tests/cli/input-output \
	tests/cli/microvm \
	tests/cli/no-kvm \
	tests/cli/reboot \
	tests/cli/record \
	tests/cli/replay \
	tests/cli/schema \
	tests/cli/stats-trace \
	tests/cli/trace \
	tests/cli/timing \
	tests/cli/top
tsan_tests += tests/cli/trace
EXTRA_DIST += tests/cli/lib.sh tests/cli/perfetto.proto

# What the scripts are helped by: a terminal to run the command on, a judge of JSON, and a client of
# Unix sockets.
if ENABLE_TESTS
check_PROGRAMS += tests/cli/json-check tests/cli/pty tests/cli/rsp tests/cli/talk
endif
tests_cli_json_check_SOURCES = tests/cli/json-check.c
tests_cli_json_check_LDADD =
tests_cli_pty_SOURCES = tests/cli/pty.c
tests_cli_pty_LDADD = -lutil

tests_cli_rsp_SOURCES = tests/cli/rsp.c
tests_cli_rsp_LDADD =

tests_cli_talk_SOURCES = tests/cli/talk.c
tests_cli_talk_LDADD =

# The command's parts that need no guest.
unit_tests += tests/cli/test_parts
tests_cli_test_parts_SOURCES = \
	src/cli/histogram.c \
	src/cli/json.c \
	src/cli/message.c \
	src/cli/number.c \
	src/cli/outcome.c \
	tests/cli/test_parts.c

unit_tests += tests/cli/test_console
tests_cli_test_console_SOURCES = \
	src/cli/console.c \
	src/cli/menu.c \
	src/cli/message.c \
	src/cli/panic.c \
	src/cli/terminal.c \
	tests/cli/test_console.c

unit_tests += tests/cli/test_options
tests_cli_test_options_SOURCES = \
	src/cli/config.c \
	src/cli/control-path.c \
	src/cli/json-read.c \
	src/cli/json.c \
	src/cli/message.c \
	src/cli/number.c \
	src/cli/options-devices.c \
	src/cli/options-machine.c \
	src/cli/options.c \
	src/cli/params.c \
	tests/cli/test_options.c
tests_cli_test_options_LDADD = guests/libguests.la $(LDADD)

# What the command stands on: the machine, and what is known of this host's KVM.
unit_tests += tests/unit/test_probe
if ARCH_X86_64
unit_tests += tests/unit/x86_64/test_machine tests/unit/x86_64/test_probe_msr
endif
