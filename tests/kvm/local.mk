# SPDX-License-Identifier: Apache-2.0
# Tests that run guests on /dev/kvm; without it they skip (77) and say so.
#
# libaxkvm.la is what they share: the frame with its watchdog (kvm_test), embedded guests on the
# machine (guest_run), pieces of code on the core alone (code, tour, running, paging, decode_case), for which
# the architecture's folder has the instructions.
kvm_helper_sources = \
	tests/kvm/code.c \
	tests/kvm/code.h \
	tests/kvm/decode_case.h \
	tests/kvm/guest_run.c \
	tests/kvm/guest_run.h \
	tests/kvm/kvm_test.c \
	tests/kvm/kvm_test.h \
	tests/kvm/paging.c \
	tests/kvm/paging.h \
	tests/kvm/running.c \
	tests/kvm/running.h \
	tests/kvm/tour.c \
	tests/kvm/tour.h
if ARCH_X86_64
kvm_helper_sources += \
	tests/kvm/x86_64/code.S \
	tests/kvm/x86_64/code_arch.c \
	tests/kvm/x86_64/code_arch.h \
	tests/kvm/x86_64/code_x86.h \
	tests/kvm/x86_64/decode_arch.c \
	tests/kvm/x86_64/decode_cases.S
endif
include tests/kvm/arm64/local.mk
include tests/kvm/riscv64/local.mk

check_LTLIBRARIES += tests/kvm/libaxkvm.la
tests_kvm_libaxkvm_la_SOURCES = $(kvm_helper_sources)
KVM_GUEST_LIBS = tests/kvm/libaxkvm.la guests/libguests.la $(KVM_TEST_LIBS)

kvm_tests += \
	tests/kvm/coalesced \
	tests/kvm/concurrency \
	tests/kvm/debug \
	tests/kvm/decode \
	tests/kvm/disturb \
	tests/kvm/exits \
	tests/kvm/guests \
	tests/kvm/hostile \
	tests/kvm/kick_stress \
	tests/kvm/lifecycle \
	tests/kvm/many_vms \
	tests/kvm/memory \
	tests/kvm/notify \
	tests/kvm/pager \
	tests/kvm/pager_answers \
	tests/kvm/pause \
	tests/kvm/statistics \
	tests/kvm/trace
tests_kvm_coalesced_LDADD = $(KVM_GUEST_LIBS)
tests_kvm_concurrency_LDADD = $(KVM_GUEST_LIBS)
tests_kvm_debug_LDADD = $(KVM_GUEST_LIBS)
tests_kvm_decode_LDADD = $(KVM_GUEST_LIBS)
tests_kvm_disturb_LDADD = $(KVM_GUEST_LIBS)
tests_kvm_exits_LDADD = $(KVM_GUEST_LIBS)
tests_kvm_guests_LDADD = $(KVM_GUEST_LIBS)
tests_kvm_trace_LDADD = $(KVM_GUEST_LIBS)
tests_kvm_hostile_SOURCES = \
	tests/kvm/hostile.c \
	tests/kvm/hostile.h \
	tests/kvm/hostile_answers.c \
	tests/kvm/hostile_hand.c
tests_kvm_hostile_LDADD = $(KVM_GUEST_LIBS)
tests_kvm_kick_stress_LDADD = $(KVM_GUEST_LIBS)
tests_kvm_lifecycle_LDADD = $(KVM_GUEST_LIBS)
tests_kvm_many_vms_LDADD = $(KVM_GUEST_LIBS)
tests_kvm_memory_LDADD = $(KVM_GUEST_LIBS)
tests_kvm_notify_LDADD = $(KVM_GUEST_LIBS)
tests_kvm_pager_LDADD = $(KVM_GUEST_LIBS)
tests_kvm_pager_answers_LDADD = $(KVM_GUEST_LIBS)
tests_kvm_pause_LDADD = $(KVM_GUEST_LIBS)
tests_kvm_statistics_LDADD = $(KVM_GUEST_LIBS)

include tests/kvm/matrix.mk

# Tests of what only x86-64 has.
if ARCH_X86_64
kvm_tests += \
	tests/kvm/interrupts \
	tests/kvm/x86_64/boot \
	tests/kvm/x86_64/coalesced_port \
	tests/kvm/x86_64/hypercall \
	tests/kvm/x86_64/msr \
	tests/kvm/x86_64/notify_port \
	tests/kvm/x86_64/split \
	tests/kvm/x86_64/virtual
tsan_tests += tests/kvm/interrupts
tests_kvm_interrupts_LDADD = $(KVM_GUEST_LIBS)
tests_kvm_x86_64_boot_SOURCES = tests/kvm/x86_64/boot.c tests/kvm/x86_64/boot_code.S \
	tests/kvm/x86_64/boot_code.h
tests_kvm_x86_64_boot_LDADD = $(KVM_GUEST_LIBS)
tests_kvm_x86_64_coalesced_port_LDADD = $(KVM_GUEST_LIBS)
tests_kvm_x86_64_hypercall_LDADD = $(KVM_GUEST_LIBS)
tests_kvm_x86_64_msr_LDADD = $(KVM_GUEST_LIBS)
tests_kvm_x86_64_notify_port_LDADD = $(KVM_GUEST_LIBS)
tests_kvm_x86_64_split_LDADD = $(KVM_GUEST_LIBS)
tests_kvm_x86_64_virtual_LDADD = $(KVM_GUEST_LIBS)
endif

# Also under ThreadSanitizer: what has several threads.
tsan_tests += \
	tests/kvm/coalesced \
	tests/kvm/concurrency \
	tests/kvm/disturb \
	tests/kvm/guests \
	tests/kvm/hostile \
	tests/kvm/kick_stress \
	tests/kvm/notify \
	tests/kvm/pager \
	tests/kvm/pager_answers \
	tests/kvm/pause \
	tests/kvm/trace

# Ten minutes of the guest "hostile" (tests/kvm/hostile.c), best in a build with --enable-sanitizers.
HOSTILE_SECONDS = 600
hostile: tests/kvm/hostile
	AXVMM_HOSTILE_SECONDS=$(HOSTILE_SECONDS) AXVMM_TEST_TIMEOUT=`expr $(HOSTILE_SECONDS) + 120` \
	$(SHELL) $(srcdir)/tests/run-test tests/kvm/hostile
.PHONY: hostile
