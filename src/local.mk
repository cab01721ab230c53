# SPDX-License-Identifier: Apache-2.0
# The two libraries. Sources are listed by layer, each layer in its folder's local.mk.
#
# Objects are first gathered in convenience libraries, which are never installed:
#   libaxall.la   every layer                   the command, tests on real KVM
#   libaxnosys.la every layer except src/sys    unit tests, which bring a fake src/sys
# A program links with one of them, by AXVMM_LIBS or (tests/unit) UNIT_LIBS, and so is an ordinary
# executable in the build tree, with no wrapper script.
include src/sys/local.mk
include src/arch/local.mk
include src/core/local.mk
include src/boot/local.mk
include src/dev/local.mk
include src/debug/local.mk
include src/machine/local.mk

axincludedir = $(includedir)/axvmm
axinclude_HEADERS = $(public_headers)
pkgconfig_DATA = src/axvmm.pc src/axvmm-machine.pc
EXTRA_DIST += src/libaxvmm.map src/libaxvmm-machine.map

noinst_LTLIBRARIES += libaxsys.la libaxcore.la libaxdevices.la libaxnosys.la libaxall.la

libaxsys_la_SOURCES = $(sys_sources)
libaxcore_la_SOURCES = $(core_sources) $(arch_seam_sources) $(arch_sources) $(arch_pure_sources)
libaxdevices_la_SOURCES = $(boot_sources) $(dev_sources) $(debug_sources) $(machine_sources)
libaxdevices_la_LIBADD = $(machine_libs) $(OPTIONAL_LIBS)

libaxnosys_la_SOURCES =
libaxnosys_la_LIBADD = libaxcore.la libaxdevices.la
libaxall_la_SOURCES =
libaxall_la_LIBADD = libaxsys.la libaxcore.la libaxdevices.la

AXVMM_LIBS = libaxall.la $(PTHREAD_LIBS)
PTHREAD_LIBS = -lpthread

# The installed libraries.
lib_LTLIBRARIES += libaxvmm.la libaxvmm-machine.la
library_ldflags = $(AM_LDFLAGS) $(AX_LIB_LDFLAGS) -no-undefined -version-info $(AX_LT_VERSION)

libaxvmm_la_SOURCES =
libaxvmm_la_LIBADD = libaxsys.la libaxcore.la $(PTHREAD_LIBS)
libaxvmm_la_LIBTOOLFLAGS =
libaxvmm_la_LDFLAGS = $(library_ldflags)

libaxvmm_machine_la_SOURCES =
libaxvmm_machine_la_LIBADD = libaxdevices.la libaxvmm.la $(PTHREAD_LIBS)
libaxvmm_machine_la_LIBTOOLFLAGS =
libaxvmm_machine_la_LDFLAGS = $(library_ldflags)

if HAVE_VERSION_SCRIPT
libaxvmm_la_LDFLAGS += -Wl,--version-script=$(srcdir)/src/libaxvmm.map
libaxvmm_la_DEPENDENCIES = libaxsys.la libaxcore.la src/libaxvmm.map
libaxvmm_machine_la_LDFLAGS += -Wl,--version-script=$(srcdir)/src/libaxvmm-machine.map
libaxvmm_machine_la_DEPENDENCIES = libaxdevices.la libaxvmm.la src/libaxvmm-machine.map
endif

include src/cli/local.mk
include src/floor/local.mk
