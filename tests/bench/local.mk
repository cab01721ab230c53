# SPDX-License-Identifier: Apache-2.0
# Benchmarks: commands, not timed tests; "make check" builds them and leaves running them to people.
bench_programs =
bench_command = tests/bench/command.c tests/bench/command.h

if ARCH_X86_64
# What to compare with: a bare KVM program, and the same on the library.
bench_programs += tests/bench/bare tests/bench/lib
tests_bench_bare_LDADD =
tests_bench_lib_LDADD = $(AXVMM_LIBS)

# Instructions and system calls for each exit.
bench_programs += tests/bench/insns
tests_bench_insns_SOURCES = \
	$(bench_command) \
	tests/bench/insns.c \
	tests/bench/scenario.c \
	tests/bench/scenario.h \
	tests/bench/scenario_bare.c \
	tests/bench/scenario_library.c \
	tests/bench/step.c \
	tests/bench/step.h
tests_bench_insns_LDADD = $(AXVMM_LIBS)
endif

# Time and memory of any commands.
bench_programs += tests/bench/start tests/bench/memory
tests_bench_start_SOURCES = tests/bench/start.c $(bench_command)
tests_bench_start_LDADD =
tests_bench_memory_SOURCES = tests/bench/memory.c $(bench_command)
tests_bench_memory_LDADD =

if ENABLE_TESTS
check_PROGRAMS += $(bench_programs)
endif
EXTRA_DIST += tests/bench/compare tests/bench/linux-peers tests/bench/run-all
script_tests += tests/bench/limits

# All of it as a report.
bench: all $(bench_programs)
	$(SHELL) $(srcdir)/tests/bench/run-all .
.PHONY: bench
