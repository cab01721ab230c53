# SPDX-License-Identifier: Apache-2.0
# The exit matrix: what tests/kvm/matrix saw on each platform, and docs/EXITS made of it.
script_tests += tests/matrix/check
EXTRA_DIST += \
	tests/matrix/arm64 \
	tests/matrix/arm64-pmu \
	tests/matrix/record \
	tests/matrix/riscv64 \
	tests/matrix/riscv64-aia \
	tests/matrix/table \
	tests/matrix/x86_64-software \
	tests/matrix/x86_64-svm

# docs/EXITS and README's table, from the recorded cells.
exit-matrix:
	$(SHELL) $(srcdir)/tests/matrix/table >EXITS.tmp
	$(SHELL) $(srcdir)/tests/matrix/table --readme $(srcdir)/README >README.tmp
	cmp -s EXITS.tmp $(srcdir)/docs/EXITS || cp EXITS.tmp $(srcdir)/docs/EXITS
	cmp -s README.tmp $(srcdir)/README || cp README.tmp $(srcdir)/README
	rm -f EXITS.tmp README.tmp

# Record this host's cells, and the lab's machines' from its logs: tests/matrix/record LOG...
exit-matrix-record: tests/kvm/matrix
	srcdir='$(srcdir)' tests/kvm/matrix >matrix.tmp || cat matrix.tmp
	$(SHELL) $(srcdir)/tests/matrix/record matrix.tmp
	rm -f matrix.tmp
.PHONY: exit-matrix exit-matrix-record
