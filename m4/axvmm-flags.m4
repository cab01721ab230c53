# SPDX-License-Identifier: Apache-2.0
# Compiler and linker flags of the project. CFLAGS and LDFLAGS stay the user's.

# AXVMM_COMPILER_FLAGS: sets AX_CFLAGS (dialect, visibility, instrumentation) and AX_WARN_CFLAGS.
AC_DEFUN([AXVMM_COMPILER_FLAGS], [
	AX_CFLAGS=
	AX_WARN_CFLAGS=
	AXVMM_ADD_CFLAGS([AX_CFLAGS], [-std=gnu11 -fvisibility=hidden -fno-semantic-interposition])
	AXVMM_ADD_CFLAGS([AX_WARN_CFLAGS], [-Wall -Wextra -Wshadow -Wstrict-prototypes
		-Wmissing-prototypes -Wold-style-definition -Wvla -Wpointer-arith -Wwrite-strings
		-Wundef -Wformat=2 -Wredundant-decls -Wnested-externs -Wlogical-op
		-Wduplicated-cond -Wimplicit-fallthrough -Wno-unused-parameter])
	AS_IF([test "x$enable_werror" = xyes], [AX_WARN_CFLAGS="$AX_WARN_CFLAGS -Werror"])
	AX_CFLAGS="$AX_CFLAGS $ax_instrument_cflags"
	AC_SUBST([AX_CFLAGS])
	AC_SUBST([AX_WARN_CFLAGS])
	AC_SUBST([AX_INSTRUMENT_CFLAGS], [$ax_instrument_cflags])
])

# AXVMM_ADD_CFLAGS(VARIABLE, FLAGS): append each flag that the compiler knows.
AC_DEFUN([AXVMM_ADD_CFLAGS], [
	for ax_flag in m4_normalize([$2]); do
		AC_MSG_CHECKING([whether $CC knows $ax_flag])
		ax_saved_cflags=$CFLAGS
		CFLAGS="$CFLAGS -Werror $ax_flag"
		AC_COMPILE_IFELSE([AC_LANG_PROGRAM([], [])],
			[AC_MSG_RESULT([yes])
			 $1="$$1 $ax_flag"],
			[AC_MSG_RESULT([no])])
		CFLAGS=$ax_saved_cflags
	done
])

# AXVMM_LINKER_FLAGS: sets AX_LDFLAGS (everything that is linked), AX_LIB_LDFLAGS (shared
# libraries), and the condition HAVE_VERSION_SCRIPT.
AC_DEFUN([AXVMM_LINKER_FLAGS], [
	AX_LDFLAGS=
	AX_LIB_LDFLAGS=
	AXVMM_ADD_LDFLAGS([AX_LDFLAGS], [-Wl,--as-needed -Wl,-O1 -Wl,-z,relro -Wl,-z,noexecstack])
	AXVMM_ADD_LDFLAGS([AX_LIB_LDFLAGS], [-Wl,-Bsymbolic-functions])
	# The runtimes of sanitizers leave symbols for the program to resolve.
	AS_IF([test -z "$ax_instrument_cflags"], [
		AXVMM_ADD_LDFLAGS([AX_LIB_LDFLAGS], [-Wl,-z,defs])
	])
	AX_LDFLAGS="$AX_LDFLAGS $ax_instrument_ldflags"

	AC_MSG_CHECKING([whether the linker takes a version script])
	echo 'AXVMM_TEST { local: *; };' > conftest.map
	ax_saved_ldflags=$LDFLAGS
	LDFLAGS="$LDFLAGS -shared -fPIC -Wl,--version-script=conftest.map"
	AC_LINK_IFELSE([AC_LANG_SOURCE([int ax_test; int ax_test;])],
		[ax_version_script=yes], [ax_version_script=no])
	LDFLAGS=$ax_saved_ldflags
	rm -f conftest.map
	AC_MSG_RESULT([$ax_version_script])

	AM_CONDITIONAL([HAVE_VERSION_SCRIPT], [test "$ax_version_script" = yes])
	AC_SUBST([AX_LDFLAGS])
	AC_SUBST([AX_LIB_LDFLAGS])
])

# AXVMM_ATOMICS: what atomic operations on a byte need; riscv64's gcc before 14 calls a library for
# them.
AC_DEFUN([AXVMM_ATOMICS], [
	AC_MSG_CHECKING([for the library of atomic operations])
	ax_atomic_library='none that links'
	ax_saved_libs=$LIBS
	for ax_library in '' -latomic; do
		LIBS="$ax_library $ax_saved_libs"
		AC_LINK_IFELSE([AC_LANG_PROGRAM([[#include <stdatomic.h>
			atomic_bool ax_test;]], [[return atomic_exchange(&ax_test, 1);]])],
			[ax_atomic_library=${ax_library:-none is needed}])
		test "$ax_atomic_library" = 'none that links' || break
	done
	AS_IF([test -z "$ax_library"], [LIBS=$ax_saved_libs])
	AC_MSG_RESULT([$ax_atomic_library])
])

# AXVMM_ADD_LDFLAGS(VARIABLE, FLAGS): append each flag that the linker knows.
AC_DEFUN([AXVMM_ADD_LDFLAGS], [
	for ax_flag in m4_normalize([$2]); do
		AC_MSG_CHECKING([whether the linker knows $ax_flag])
		ax_saved_ldflags=$LDFLAGS
		LDFLAGS="$LDFLAGS $ax_flag"
		AC_LINK_IFELSE([AC_LANG_PROGRAM([], [])],
			[AC_MSG_RESULT([yes])
			 $1="$$1 $ax_flag"],
			[AC_MSG_RESULT([no])])
		LDFLAGS=$ax_saved_ldflags
	done
])
