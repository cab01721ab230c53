# SPDX-License-Identifier: Apache-2.0
# Checks of the source tree itself. "make tidy" and "make cppcheck" are for people and for CI.
script_tests += tests/lint/layering
script_tests += tests/lint/selftest
script_tests += tests/lint/runner
if !INSTRUMENTED
script_tests += tests/lint/globals
endif

EXTRA_DIST += \
	tests/lint/cppcheck.suppress \
	tests/lint/globals.allow \
	tests/lint/layering.awk \
	tests/lint/tidy

lint_flags = $(DEFS) $(DEFAULT_INCLUDES) $(AM_CPPFLAGS) $(CPPFLAGS)

tidy: all
	AX_ARCH=$(AX_ARCH) $(SHELL) $(srcdir)/tests/lint/tidy $(srcdir) $(CLANG_TIDY) $(lint_flags) -std=gnu11
cppcheck: all
	$(CPPCHECK) --quiet --std=c11 --error-exitcode=1 --inline-suppr -j 2 \
		--enable=warning,performance,portability \
		--suppressions-list=$(srcdir)/tests/lint/cppcheck.suppress \
		$(filter -D% -I%,$(lint_flags)) $(srcdir)/src $(srcdir)/tests
.PHONY: tidy cppcheck
