# SPDX-License-Identifier: Apache-2.0
# AXVMM_OPTIONS: the --enable switches, and the compiler flags that each stands for.
#
# Sets ax_instrument_cflags and ax_instrument_ldflags, which AXVMM_COMPILER_FLAGS and
# AXVMM_LINKER_FLAGS take up.
AC_DEFUN([AXVMM_OPTIONS], [
	AC_ARG_ENABLE([werror], [AS_HELP_STRING([--enable-werror],
		[treat compiler warnings as errors])], [], [enable_werror=no])
	AC_ARG_ENABLE([sanitizers], [AS_HELP_STRING([--enable-sanitizers@<:@=LIST@:>@],
		[build with sanitizers: address,undefined unless LIST says otherwise (thread)])],
		[], [enable_sanitizers=no])
	AC_ARG_ENABLE([coverage], [AS_HELP_STRING([--enable-coverage],
		[count executed lines, for "make coverage"])], [], [enable_coverage=no])
	AC_ARG_ENABLE([fuzzers], [AS_HELP_STRING([--enable-fuzzers],
		[build the fuzz targets with libFuzzer (CC=clang)])], [], [enable_fuzzers=no])

	ax_instrument_cflags=
	ax_instrument_ldflags=

	AS_CASE([$enable_sanitizers],
		[no], [],
		[yes], [AXVMM_SANITIZE([address,undefined])],
		[AXVMM_SANITIZE([$enable_sanitizers])])
	AS_IF([test "x$enable_coverage" = xyes], [
		ax_instrument_cflags="$ax_instrument_cflags --coverage -O0 -fno-inline"
		ax_instrument_ldflags="$ax_instrument_ldflags --coverage"
	])
	AS_IF([test "x$enable_fuzzers" = xyes], [
		ax_instrument_cflags="$ax_instrument_cflags -fsanitize=fuzzer-no-link"
		AC_SUBST([FUZZER_LDFLAGS], [-fsanitize=fuzzer])
		AXVMM_REQUIRE_FLAGS([--enable-fuzzers], [-fsanitize=fuzzer-no-link],
			[needs clang and its runtime (CC=clang; on Debian: clang, libclang-rt-14-dev)])
	])

	AM_CONDITIONAL([ENABLE_SHARED], [test "x$enable_shared" = xyes])
	AM_CONDITIONAL([ENABLE_COVERAGE], [test "x$enable_coverage" = xyes])
	AM_CONDITIONAL([ENABLE_FUZZERS], [test "x$enable_fuzzers" = xyes])
	AM_CONDITIONAL([INSTRUMENTED], [test -n "$ax_instrument_cflags"])
])

# AXVMM_SANITIZE(LIST)
AC_DEFUN([AXVMM_SANITIZE], [
	ax_sanitize="-fsanitize=$1"
	ax_instrument_cflags="$ax_instrument_cflags $ax_sanitize -fno-omit-frame-pointer"
	ax_instrument_cflags="$ax_instrument_cflags -fno-sanitize-recover=all"
	ax_instrument_ldflags="$ax_instrument_ldflags $ax_sanitize"
	AXVMM_REQUIRE_FLAGS([--enable-sanitizers=$1], [$ax_sanitize],
		[$CC cannot compile and link with $ax_sanitize])
])

# AXVMM_REQUIRE_FLAGS(OPTION, FLAGS, REMEDY): end configure unless a program links with FLAGS.
AC_DEFUN([AXVMM_REQUIRE_FLAGS], [
	AC_MSG_CHECKING([whether $CC accepts $2])
	ax_saved_cflags=$CFLAGS
	CFLAGS="$CFLAGS $2"
	AC_LINK_IFELSE([AC_LANG_PROGRAM([], [])],
		[AC_MSG_RESULT([yes])],
		[AC_MSG_RESULT([no])
		 AC_MSG_ERROR([$1: $3])])
	CFLAGS=$ax_saved_cflags
])
