# SPDX-License-Identifier: Apache-2.0
# AXVMM_FDT: libfdt, which writes the device trees of arm64 and riscv64 machines. After AXVMM_ARCH and
# the compiler. Other architectures use it in a test alone, and do without where it is missing.
#
# Sets FDT_LIBS, FDT_PRIVATE_LIBS (the same where the installed library needs it, else empty), and
# the conditions HAVE_FDT and MACHINE_HAS_FDT.
AC_DEFUN([AXVMM_FDT], [
	AC_REQUIRE([AXVMM_ARCH])dnl
	FDT_LIBS=
	FDT_PRIVATE_LIBS=
	ax_have_fdt=no
	AC_CHECK_HEADER([libfdt.h], [
		AC_CHECK_LIB([fdt], [fdt_check_full], [ax_have_fdt=yes])
	])
	AS_IF([test "$ax_have_fdt" = yes], [FDT_LIBS=-lfdt])
	AS_CASE([$AX_ARCH],
		[arm64|riscv64], [
			ax_machine_has_fdt=yes
			FDT_PRIVATE_LIBS=$FDT_LIBS
			AS_IF([test "$ax_have_fdt" = no],
				[AC_MSG_ERROR([$AX_ARCH machines need libfdt 1.5 or newer (on Debian: the package "libfdt-dev")])])
		],
		[ax_machine_has_fdt=no])
	AC_SUBST([FDT_LIBS])
	AC_SUBST([FDT_PRIVATE_LIBS])
	AM_CONDITIONAL([HAVE_FDT], [test "$ax_have_fdt" = yes])
	AM_CONDITIONAL([MACHINE_HAS_FDT], [test "$ax_machine_has_fdt" = yes])
])
