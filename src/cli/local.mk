# SPDX-License-Identifier: Apache-2.0
# The axvmm command; one source a line. It is linked with the project's code itself, not with the
# shared libraries, so that it starts fast and is a plain executable in the build tree.
cli_sources =

# bin_PROGRAMS += axvmm
# axvmm_SOURCES = $(cli_sources)
# axvmm_LDADD = $(AXVMM_LIBS)
