# SPDX-License-Identifier: Apache-2.0
# Tests of the axvmm command: scripts, which find it as $builddir/axvmm.

# script_tests += tests/cli/foo
