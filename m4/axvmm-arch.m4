# SPDX-License-Identifier: Apache-2.0
# AXVMM_ARCH: the architecture, chosen once, by host_cpu.
#
# AX_ARCH becomes the name of the folder under src/arch (and guests), as a make variable and as the
# string AX_ARCH_NAME in config.h. An architecture is supported when its folder has a make list.
# To add one: its folder, its line in the case below, its condition here and in src/arch/local.mk.
AC_DEFUN([AXVMM_ARCH], [
	AC_MSG_CHECKING([for the architecture folder of $host_cpu])
	AS_CASE([$host_cpu],
		[x86_64|amd64], [AX_ARCH=x86_64],
		[aarch64|arm64], [AX_ARCH=arm64],
		[riscv64*], [AX_ARCH=riscv64],
		[AX_ARCH=])

	ax_arch_supported=
	for ax_arch_list in "$srcdir"/src/arch/*/local.mk; do
		ax_arch_dir=`AS_DIRNAME(["$ax_arch_list"])`
		ax_arch_supported="$ax_arch_supported `AS_BASENAME([\"$ax_arch_dir\"])`"
	done
	AS_IF([test -z "$AX_ARCH" || test ! -f "$srcdir/src/arch/$AX_ARCH/local.mk"], [
		AC_MSG_RESULT([none])
		AC_MSG_ERROR([no support for $host_cpu. Supported:$ax_arch_supported (see --host)])
	])
	AC_MSG_RESULT([$AX_ARCH])

	AC_SUBST([AX_ARCH])
	AC_DEFINE_UNQUOTED([AX_ARCH_NAME], ["$AX_ARCH"], [Name of the architecture folder.])
	AC_DEFINE_UNQUOTED([AX_ARCH_SEAM], ["arch/$AX_ARCH/seam.h"],
		[The architecture's constants, for arch/arch.h.])
	AM_CONDITIONAL([ARCH_X86_64], [test "$AX_ARCH" = x86_64])
	AM_CONDITIONAL([ARCH_ARM64], [test "$AX_ARCH" = arm64])
	AM_CONDITIONAL([ARCH_RISCV64], [test "$AX_ARCH" = riscv64])
])
