# SPDX-License-Identifier: Apache-2.0
# Unit tests of running vCPUs: exits, requests, dispatch, registration, whole VMs.
unit_tests += \
	tests/unit/test_coalesce \
	tests/unit/test_coalesce_loop \
	tests/unit/test_coalesce_pause \
	tests/unit/test_coalesce_threads \
	tests/unit/test_dispatch \
	tests/unit/test_exit \
	tests/unit/test_exit_error \
	tests/unit/test_exit_explain \
	tests/unit/test_exit_format \
	tests/unit/test_handler \
	tests/unit/test_kick \
	tests/unit/test_loop_property \
	tests/unit/test_observer \
	tests/unit/test_pause \
	tests/unit/test_power \
	tests/unit/test_power_property \
	tests/unit/test_psci \
	tests/unit/test_range_threads \
	tests/unit/test_registration \
	tests/unit/test_reply \
	tests/unit/test_run \
	tests/unit/test_sbi \
	tests/unit/test_sipi \
	tests/unit/test_trace \
	tests/unit/test_trace_reader \
	tests/unit/test_vcpu_bind \
	tests/unit/test_vcpu_state \
	tests/unit/test_vm \
	tests/unit/test_vm_run \
	tests/unit/test_vm_stop
tests_unit_test_coalesce_LDFLAGS = $(FAKE_LIBC_WRAP)
tests_unit_test_registration_LDFLAGS = $(FAKE_LIBC_WRAP)
tsan_tests += \
	tests/unit/test_coalesce \
	tests/unit/test_coalesce_loop \
	tests/unit/test_coalesce_pause \
	tests/unit/test_coalesce_threads \
	tests/unit/test_handler \
	tests/unit/test_kick \
	tests/unit/test_observer \
	tests/unit/test_pause \
	tests/unit/test_power \
	tests/unit/test_range_threads \
	tests/unit/test_run \
	tests/unit/test_trace \
	tests/unit/test_vcpu_state \
	tests/unit/test_vm_run \
	tests/unit/test_vm_stop
EXTRA_DIST += tests/unit/coalesce_fixture.h tests/unit/power_fixture.h tests/unit/run_fixture.h tests/unit/trace_fixture.h

# Pure code of other architectures.
unit_tests += tests/unit/riscv64/test_insn

# What riscv64's KVM leaves to its user, or fails to do.
if ARCH_RISCV64
unit_tests += \
	tests/unit/riscv64/test_complete \
	tests/unit/riscv64/test_kvm_failure \
	tests/unit/riscv64/test_line \
	tests/unit/riscv64/test_machine
endif

# The same where x86-64 decides what happens: its halts and starts, its routes of hypercalls, its
# APIC, its MSRs; and its own ioctls.
if ARCH_X86_64
unit_tests += \
	tests/unit/test_hypercall \
	tests/unit/test_range \
	tests/unit/test_vcpu_wait \
	tests/unit/test_vm_halt \
	tests/unit/x86_64/test_apic \
	tests/unit/x86_64/test_clear_interrupt \
	tests/unit/x86_64/test_debug \
	tests/unit/x86_64/test_decode \
	tests/unit/x86_64/test_interrupt \
	tests/unit/x86_64/test_kvm_failure \
	tests/unit/x86_64/test_kvm_sweep \
	tests/unit/x86_64/test_setup \
	tests/unit/x86_64/test_smp \
	tests/unit/x86_64/test_sys_reg
tests_unit_x86_64_test_kvm_sweep_LDFLAGS = $(FAKE_LIBC_WRAP)
tsan_tests += \
	tests/unit/test_vcpu_wait \
	tests/unit/test_vm_halt \
	tests/unit/x86_64/test_interrupt \
	tests/unit/x86_64/test_smp
endif
EXTRA_DIST += tests/unit/x86_64/life_fixture.h tests/unit/x86_64/smp_fixture.h
