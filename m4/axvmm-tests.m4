# SPDX-License-Identifier: Apache-2.0
# AXVMM_TESTS: what the tests need beyond the build; nothing is asked for with --disable-tests.
AC_DEFUN([AXVMM_TESTS], [
	AC_ARG_ENABLE([tests], [AS_HELP_STRING([--disable-tests],
		[do without the test programs, and without libcheck])], [], [enable_tests=yes])
	AS_IF([test "x$enable_tests" != xno], [
		PKG_CHECK_MODULES([CHECK], [check >= 0.15], [],
			[AC_MSG_ERROR([the tests need libcheck (on Debian: the package "check"). Install it, or configure with --disable-tests])])
	])
	# What libcheck notes goes through tests/mark_point.c.
	AC_SUBST([AX_CHECK_WRAP], [-Wl,--wrap=_mark_point])
	AM_CONDITIONAL([ENABLE_TESTS], [test "x$enable_tests" != xno])

	AC_ARG_VAR([CXX], [C++ compiler, for the test of the installed headers])
	AC_CHECK_PROGS([CXX], [c++ g++ clang++], [c++])
	AC_ARG_VAR([CLANG_TIDY], [clang-tidy, for "make tidy"])
	AC_CHECK_PROGS([CLANG_TIDY], [clang-tidy clang-tidy-14], [clang-tidy])
	AC_ARG_VAR([CPPCHECK], [cppcheck, for "make cppcheck"])
	AC_CHECK_PROGS([CPPCHECK], [cppcheck], [cppcheck])
	AC_ARG_VAR([GCOV], [gcov of the compiler in use, for "make coverage"])
	AC_CHECK_PROGS([GCOV], [gcov], [gcov])
])

# AXVMM_SUMMARY: what was chosen, in a few lines.
AC_DEFUN([AXVMM_SUMMARY], [
	AC_MSG_NOTICE([axvmm $PACKAGE_VERSION for $AX_ARCH])
	AC_MSG_NOTICE([  compiler    $CC $CFLAGS])
	AC_MSG_NOTICE([  libraries   shared $enable_shared, static $enable_static])
	AC_MSG_NOTICE([  tests       $enable_tests])
	AC_MSG_NOTICE([  libfdt      $ax_have_fdt])
	AC_MSG_NOTICE([  optional   $ax_libraries])
	AC_MSG_NOTICE([  werror $enable_werror, sanitizers $enable_sanitizers, coverage $enable_coverage, fuzzers $enable_fuzzers])
])
