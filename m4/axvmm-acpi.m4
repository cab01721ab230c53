# SPDX-License-Identifier: Apache-2.0
# AXVMM_ACPI: the compiler of ACPI's source language. The x86-64 machine's tables need it when they are
# built (src/machine/x86_64/dsdt.asl).
AC_DEFUN([AXVMM_ACPI], [
	AC_ARG_VAR([IASL], [compiler of ACPI's source language])
	AC_PATH_PROG([IASL], [iasl])
	AS_IF([test "$AX_ARCH" = x86_64 && test -z "$IASL"],
		[AC_MSG_ERROR([iasl is missing: install acpica-tools])])
])
