# SPDX-License-Identifier: Apache-2.0
# The lab: KVM tests and tests of the command on a stock kernel in an emulated machine (tests/lab/run).
# Not a part of "make check": it fetches packages and takes minutes. tests/check-all starts it.
EXTRA_DIST += \
	tests/lab/arm64-linux.conf \
	tests/lab/arm64-peers.conf \
	tests/lab/arm64-pmu.conf \
	tests/lab/arm64.conf \
	tests/lab/cpio \
	tests/lab/debian-image \
	tests/lab/devices \
	tests/lab/init \
	tests/lab/linux \
	tests/lab/lib.sh \
	tests/lab/partition-pmu \
	tests/lab/riscv64-aia-linux.conf \
	tests/lab/riscv64-aia.conf \
	tests/lab/riscv64-linux.conf \
	tests/lab/riscv64-peers.conf \
	tests/lab/riscv64.conf \
	tests/lab/run \
	tests/lab/shell \
	tests/lab/tools.sh \
	tests/lab/x86_64-linux.conf \
	tests/lab/x86_64.conf

LAB_ARCH = x86_64
LAB_TESTS =
check-lab:
	$(SHELL) $(srcdir)/tests/lab/run $(LAB_ARCH) $(LAB_TESTS)
check-lab-full:
	AXVMM_LAB_FULL=1 $(SHELL) $(srcdir)/tests/lab/run $(LAB_ARCH) $(LAB_TESTS)
	test -n "$(LAB_TESTS)" || test ! -f $(srcdir)/tests/lab/$(LAB_ARCH)-linux.conf || \
		$(SHELL) $(srcdir)/tests/lab/run $(LAB_ARCH)-linux

# What goes into the machine: called by the lab in a build of its own. Two lists beside the programs.
# Scripts that look at the tree, and not at the command, have nothing to say there.
lab_programs = axvmm axvmm-floor $(kvm_tests) tests/cli/json-check tests/cli/pty tests/cli/rsp tests/cli/talk
lab_tests = $(kvm_tests) $(filter-out tests/cli/documents,$(filter tests/cli/%,$(script_tests)))
lab-programs: $(lab_programs)
	@printf '%s\n' $(lab_programs) >lab-programs.list
	@printf '%s\n' $(lab_tests) >lab-tests.list
# The unit tests of another architecture, by its emulator (AXVMM_TEST_WRAPPER). Nothing else is built.
# Left out are those that show the core, the same code everywhere, by what x86-64's fake KVM says (exits at
# a halt, MSRs, registers by name), two that fail the host's calls one by one: the emulator's own calls
# are among them; and one that walks all states of pure functions, a minute here. All of them run where
# they belong, in "make check" on x86-64.
lab_unit_tests = $(filter-out $(lab_unit_elsewhere),$(filter tests/unit/%,$(unit_tests)))
lab_unit_elsewhere = $(patsubst %,tests/unit/test_%, \
	fake irq kick pause reply run vcpu_state vm vm_run memory pager power_property)
lab-unit: $(lab_unit_tests)
	$(MAKE) $(AM_MAKEFLAGS) check-TESTS TESTS='$(lab_unit_tests)' check_PROGRAMS='$(lab_unit_tests)'
.PHONY: check-lab check-lab-full lab-programs lab-unit
CLEANFILES += lab-programs.list lab-tests.list
