# SPDX-License-Identifier: Apache-2.0
# Tests, and the targets that run parts of them.
#
# A test is a program or a script that ends with 0 (passed), 77 (skipped) or anything else (failed).
# - tests/run-test starts it with a time limit (AXVMM_TEST_TIMEOUT seconds, 120).
# - Who skips says why, in a line "SKIP: reason". A program that skips some of its cases and passes
#   the others prints such a line for each skipped case and ends with 0.
# - A reason that names /dev/kvm is an error when AXVMM_REQUIRE_KVM=1.
#
# Each folder lists its tests in its local.mk, one a line; NAME stands for tests/unit/foo and the like.
#   unit_tests += NAME       needs no KVM; the only ones that count for coverage; run by valgrind too
#   recorded_tests += NAME   of these: another's source once more, with its accesses recorded and replayed
#   kvm_tests += NAME        runs guests on /dev/kvm
#   script_tests += NAME     a script (cli, lint, install)
#   tsan_tests += NAME       in addition: runs under ThreadSanitizer as well
# A program of one source file NAME.c needs no more than that: the default is to link it with
# $(LDADD), the unit tests' libraries. A test on real KVM adds tests_kvm_foo_LDADD = $(KVM_TEST_LIBS).
unit_tests =
recorded_tests =
kvm_tests =
script_tests =
tsan_tests =

EXTRA_DIST += tests/run-test tests/coverage tests/check-all tests/temporary.h
# Recordings that "axvmm replay" is tested with.
EXTRA_DIST += tests/record

# libcheck, noting less of what went well.
check_LTLIBRARIES += tests/libaxcheck.la
tests_libaxcheck_la_SOURCES = tests/mark_point.c
CHECK_TEST_LIBS = tests/libaxcheck.la $(CHECK_LIBS) $(AX_CHECK_WRAP)

LDADD = $(UNIT_LIBS) $(CHECK_TEST_LIBS) $(PTHREAD_LIBS)
KVM_TEST_LIBS = $(AXVMM_LIBS) $(CHECK_TEST_LIBS)

include tests/unit/local.mk
include tests/kvm/local.mk
include tests/cli/local.mk
include tests/fuzz/local.mk
include tests/bench/local.mk
include tests/install/local.mk
include tests/lab/local.mk
include tests/lint/local.mk
include tests/matrix/local.mk

if ENABLE_TESTS
check_PROGRAMS += $(unit_tests) $(kvm_tests)
TESTS = $(unit_tests) $(script_tests) $(kvm_tests)
endif
EXTRA_DIST += $(script_tests)

TEST_EXTENSIONS =
LOG_COMPILER = $(SHELL) $(srcdir)/tests/run-test
AM_TESTS_ENVIRONMENT = \
	srcdir='$(srcdir)'; builddir='$(builddir)'; CC='$(CC)'; CXX='$(CXX)'; \
	AX_ARCH='$(AX_ARCH)'; AX_INSTRUMENT_CFLAGS='$(AX_INSTRUMENT_CFLAGS)'; \
	export srcdir builddir CC CXX AX_ARCH AX_INSTRUMENT_CFLAGS;

# Parts of "make check".
check-unit:
	$(MAKE) $(AM_MAKEFLAGS) check TESTS='$(unit_tests)'
check-tsan:
	$(MAKE) $(AM_MAKEFLAGS) check TESTS='$(tsan_tests)'
# Under a checker of memory, slowly: tests/check-all sets it up. Not those that are recorded: they make the same
# requests to the same devices again. What records and replays has tests of its own here, and the sanitizers, which
# take less time, run all of them. Nor is built what is not run.
valgrind_tests = $(filter-out $(recorded_tests),$(unit_tests))
check-valgrind:
	$(MAKE) $(AM_MAKEFLAGS) check TESTS='$(valgrind_tests)' check_PROGRAMS='$(valgrind_tests)'
.PHONY: check-unit check-tsan check-valgrind

# "make distcheck" with the tests that an archive could fail: those of files, of what is installed, and with
# corpora.
file_tests = $(filter tests/lint/% tests/install/% tests/cli/documents,$(script_tests)) $(fuzz_programs)
file_programs = $(filter tests/cli/%,$(check_PROGRAMS)) $(fuzz_programs)
distcheck-files:
	$(MAKE) distcheck AM_MAKEFLAGS="TESTS='$(file_tests)' check_PROGRAMS='$(file_programs)'"
.PHONY: distcheck-files

# A few seconds of each fuzz target (--enable-fuzzers), starting from its corpus, which stays as it is.
FUZZ_SECONDS = 4
FUZZ_JOBS = 1
fuzz-smoke: $(fuzz_programs)
if ENABLE_FUZZERS
	@printf '%s\n' $(fuzz_programs) | xargs -P $(FUZZ_JOBS) -I PROGRAM sh -c \
		'name=`basename "$$1"`; new=fuzz-corpus/$$name; rm -rf "$$new"; mkdir -p "$$new" || exit 255; \
		timeout 300 "./$$1" -max_total_time=$(FUZZ_SECONDS) -timeout=10 -print_final_stats=1 "$$new" \
			"$(srcdir)/tests/fuzz/corpus/$$name" >"$$new.log" 2>&1; status=$$?; \
		echo "== $$name, $(FUZZ_SECONDS) s"; cat "$$new.log"; test $$status -eq 0 || exit 255' fuzz PROGRAM
	@rm -rf fuzz-corpus
else
	@echo 'make fuzz-smoke needs a build configured with --enable-fuzzers' >&2; exit 1
endif
.PHONY: fuzz-smoke

# Lines of src/core, src/boot and src/dev that the tests without KVM execute: a table and the gate.
COVERAGE_MINIMUM = 90
coverage:
if ENABLE_COVERAGE
	find . -name '*.gcda' -exec rm -f {} +
	status=0; $(MAKE) $(AM_MAKEFLAGS) check-unit || status=1; \
	GCOV='$(GCOV)' $(SHELL) $(srcdir)/tests/coverage '$(srcdir)' $(COVERAGE_MINIMUM) || status=1; \
	exit $$status
else
	@echo 'make coverage needs a build configured with --enable-coverage' >&2; exit 1
endif
.PHONY: coverage
