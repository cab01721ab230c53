# SPDX-License-Identifier: Apache-2.0
# Libraries that are opened on first use (src/boot/library.h), or, in a build without shared libraries,
# linked in. After LT_INIT and the compiler.

# AXVMM_LIBRARIES: defines AX_LIBRARIES_STATIC where shared libraries are not built, and finds the
# libraries. Sets OPTIONAL_LIBS, which libaxvmm-machine and who links it statically need then.
AC_DEFUN([AXVMM_LIBRARIES], [
	OPTIONAL_LIBS=
	ax_libraries=
	ax_libraries_missing=
	AS_IF([test "x$enable_shared" != xyes], [
		AC_DEFINE([AX_LIBRARIES_STATIC], [1],
			[Define if libraries that are needed seldom are linked in, not opened on first use.])
	])
	AC_SEARCH_LIBS([dlopen], [dl])
	AXVMM_LIBRARY([uring], [liburing.h], [io_uring_queue_init_params], [LIBURING], [liburing-dev])
	AXVMM_LIBRARY([z], [zlib.h], [inflate], [ZLIB], [zlib1g-dev])
	AXVMM_LIBRARY([zstd], [zstd.h], [ZSTD_decompressStream], [ZSTD], [libzstd-dev])
	AXVMM_LIBRARY([lzma], [lzma.h], [lzma_auto_decoder], [LZMA], [liblzma-dev])
	AXVMM_LIBRARY([lz4], [lz4.h], [LZ4_decompress_safe], [LZ4], [liblz4-dev])
	AC_SUBST([OPTIONAL_LIBS])
	AS_IF([test -n "$ax_libraries_missing"],
		[AC_MSG_WARN([built without what these would add (names of Debian's packages):$ax_libraries_missing])])
])

# AXVMM_LIBRARY(LIBRARY, HEADER, FUNCTION, NAME, PACKAGE): defines HAVE_NAME where the header is there, and,
# where it has to be linked in, -lLIBRARY with FUNCTION.
AC_DEFUN([AXVMM_LIBRARY], [
	ax_have_library=no
	AC_CHECK_HEADER([$2], [ax_have_library=yes])
	AS_IF([test "$ax_have_library" = yes && test "x$enable_shared" != xyes], [
		AC_CHECK_LIB([$1], [$3], [OPTIONAL_LIBS="$OPTIONAL_LIBS -l$1"], [ax_have_library=no])
	])
	AS_IF([test "$ax_have_library" = yes], [
		ax_libraries="$ax_libraries $1"
		AC_DEFINE([HAVE_$4], [1], [Define if the library $1 can be used.])
	], [ax_libraries_missing="$ax_libraries_missing $5"])
])
