# SPDX-License-Identifier: Apache-2.0
# Unit tests (libcheck, no KVM). They are linked with every layer but src/sys, and with the fake of
# src/sys listed here, in one library so that each side may call the other.
fake_sources = \
	tests/unit/fake_coalesce.c \
	tests/unit/fake_internal.h \
	tests/unit/fake_libc.c \
	tests/unit/fake_libc.h \
	tests/unit/fake_record.c \
	tests/unit/fake_run.c \
	tests/unit/fake_state.c \
	tests/unit/fake_stats.c \
	tests/unit/fake_sys.c \
	tests/unit/fake_sys.h \
	tests/unit/fake_uffd.c \
	tests/unit/fake_uffd.h \
	tests/unit/fake_vm.c
if ARCH_X86_64
fake_sources += tests/unit/x86_64/fake_arch.c
endif
if ARCH_ARM64
fake_sources += tests/unit/arm64/fake_arch.c
endif
if ARCH_RISCV64
fake_sources += tests/unit/riscv64/fake_arch.c
endif

check_LTLIBRARIES += tests/unit/libaxunit.la
tests_unit_libaxunit_la_SOURCES = $(fake_sources)
tests_unit_libaxunit_la_LIBADD = libaxnosys.la
UNIT_LIBS = tests/unit/libaxunit.la

# For a test that lets the host's calls fail (fake_libc.h): tests_unit_foo_LDFLAGS = $(FAKE_LIBC_WRAP)
FAKE_LIBC_WRAP = $(AM_LDFLAGS) \
	-Wl,--wrap=malloc,--wrap=calloc,--wrap=realloc,--wrap=posix_memalign,--wrap=pthread_create \
	-Wl,--wrap=mmap,--wrap=munmap,--wrap=madvise,--wrap=memfd_create,--wrap=ftruncate,--wrap=sysinfo \
	-Wl,--wrap=eventfd,--wrap=timerfd_create \
	-Wl,--wrap=epoll_create1,--wrap=epoll_ctl,--wrap=epoll_wait

# The core's errors, RAM, interrupts, event loop, saved state; and the fake KVM itself.
unit_tests += \
	tests/unit/test_error \
	tests/unit/test_fake \
	tests/unit/test_host \
	tests/unit/test_host_ops \
	tests/unit/test_host_watch \
	tests/unit/test_irq \
	tests/unit/test_memory \
	tests/unit/test_memory_discard \
	tests/unit/test_memory_file \
	tests/unit/test_memory_view \
	tests/unit/test_notify \
	tests/unit/test_range_cache \
	tests/unit/test_state_device \
	tests/unit/test_stats
tests_unit_test_error_LDFLAGS = $(FAKE_LIBC_WRAP)
tests_unit_test_host_LDFLAGS = $(FAKE_LIBC_WRAP)
tests_unit_test_host_ops_LDFLAGS = $(FAKE_LIBC_WRAP)
tests_unit_test_host_watch_LDFLAGS = $(FAKE_LIBC_WRAP)
tests_unit_test_irq_LDFLAGS = $(FAKE_LIBC_WRAP)
tests_unit_test_memory_LDFLAGS = $(FAKE_LIBC_WRAP)
tests_unit_test_memory_discard_LDFLAGS = $(FAKE_LIBC_WRAP)
tests_unit_test_notify_LDFLAGS = $(FAKE_LIBC_WRAP)
tests_unit_test_range_cache_LDFLAGS = $(FAKE_LIBC_WRAP)
tests_unit_test_state_device_LDFLAGS = $(FAKE_LIBC_WRAP)
tests_unit_test_stats_LDFLAGS = $(FAKE_LIBC_WRAP)
tsan_tests += \
	tests/unit/test_error \
	tests/unit/test_host \
	tests/unit/test_irq \
	tests/unit/test_memory \
	tests/unit/test_memory_view \
	tests/unit/test_notify
EXTRA_DIST += tests/unit/core_fixture.h tests/unit/host_fixture.h

# The pager, on a fake userfaultfd and, where the host lets it, on the real one.
unit_tests += tests/unit/test_pager tests/unit/test_pager_page tests/unit/test_pager_real
tests_unit_test_pager_LDFLAGS = $(FAKE_LIBC_WRAP)
tests_unit_test_pager_page_LDFLAGS = $(AM_LDFLAGS) -Wl,--wrap=mprotect
# The object of a program's own keeps the library's fake out. Flags of its own: a name of its own.
tests_unit_test_pager_real_SOURCES = tests/unit/test_pager_real.c src/sys/uffd.c
tests_unit_test_pager_real_CFLAGS = $(AM_CFLAGS)
tsan_tests += tests/unit/test_pager tests/unit/test_pager_page tests/unit/test_pager_real
EXTRA_DIST += tests/unit/pager_fixture.h

# Running vCPUs: a list of its own.
include tests/unit/vcpu.mk
include tests/unit/debug.mk

# Virtio devices: a list of their own.
include tests/unit/virtio.mk
include tests/unit/blk.mk

# What only one architecture has: lists of their own.
include tests/unit/arm64/local.mk

# unit_tests += tests/unit/foo

# Image formats, and loading them.
unit_tests += \
	tests/unit/test_boot_damage \
	tests/unit/test_boot_elf \
	tests/unit/test_boot_extract \
	tests/unit/test_boot_file \
	tests/unit/test_boot_flat \
	tests/unit/test_boot_info \
	tests/unit/test_boot_layout \
	tests/unit/test_boot_library \
	tests/unit/test_boot_linux \
	tests/unit/test_boot_multiboot \
	tests/unit/test_boot_unpack
tests_unit_test_boot_extract_LDFLAGS = $(FAKE_LIBC_WRAP)
tests_unit_test_boot_file_LDFLAGS = $(FAKE_LIBC_WRAP)
EXTRA_DIST += tests/unit/boot_builder.h
if ARCH_X86_64
unit_tests += tests/unit/x86_64/test_load tests/unit/x86_64/test_load_multiboot
endif
EXTRA_DIST += tests/unit/x86_64/load_fixture.h

# Device trees, also on hosts whose machine has none; loading with one, by the rules of both
# architectures, which come before those of this machine's library.
if HAVE_FDT
unit_tests += \
	tests/unit/test_fdt \
	tests/unit/test_load_arm64 \
	tests/unit/test_load_riscv64
check_LTLIBRARIES += tests/unit/libaxloadarm64.la tests/unit/libaxloadriscv64.la
endif
tests_unit_test_fdt_LDADD = libaxfdt.la $(LDADD)
tests_unit_libaxloadarm64_la_SOURCES = src/machine/load_fdt.c src/machine/arm64/load.c
tests_unit_test_load_arm64_SOURCES = tests/unit/test_load_fdt.c
tests_unit_test_load_arm64_LDADD = tests/unit/libaxloadarm64.la $(LDADD) libaxfdt.la
tests_unit_test_load_arm64_LDFLAGS = $(FAKE_LIBC_WRAP) -Wl,-u,load_check
tests_unit_libaxloadriscv64_la_SOURCES = src/machine/load_fdt.c src/machine/riscv64/load.c
tests_unit_test_load_riscv64_SOURCES = tests/unit/test_load_fdt.c
tests_unit_test_load_riscv64_LDADD = tests/unit/libaxloadriscv64.la $(LDADD) libaxfdt.la
tests_unit_test_load_riscv64_LDFLAGS = $(FAKE_LIBC_WRAP) -Wl,-u,load_check

# Devices. They are linked with src/dev and a fake VM (dev_fake.h) alone: they need nothing of src/core.
# But for test_dev_core, which has the real one.
unit_tests += tests/unit/test_dev_core
check_LTLIBRARIES += tests/unit/libaxdevfake.la
tests_unit_libaxdevfake_la_SOURCES = \
	tests/unit/dev_fake.h \
	tests/unit/dev_fake_host.c \
	tests/unit/dev_fake_record.c \
	tests/unit/dev_fake_vm.c
DEV_TEST_LIBS = libaxdevices.la tests/unit/libaxdevfake.la $(CHECK_TEST_LIBS) $(PTHREAD_LIBS)
DEV_TEST_LINK = $(AM_LDFLAGS) -Wl,--wrap=calloc
unit_tests += \
	tests/unit/test_dev_console \
	tests/unit/test_dev_finisher \
	tests/unit/test_dev_hostile \
	tests/unit/test_dev_pl011 \
	tests/unit/test_dev_pl011_host \
	tests/unit/test_dev_pl061 \
	tests/unit/test_dev_plic \
	tests/unit/test_dev_ports \
	tests/unit/test_dev_rtc \
	tests/unit/test_dev_testdev \
	tests/unit/test_dev_testdev_vcpu \
	tests/unit/test_dev_threads \
	tests/unit/test_dev_uart \
	tests/unit/test_dev_uart_host \
	tests/unit/test_dev_uart_irq
tests_unit_test_dev_console_LDADD = $(DEV_TEST_LIBS)
tests_unit_test_dev_console_LDFLAGS = $(DEV_TEST_LINK)
tests_unit_test_dev_finisher_LDADD = $(DEV_TEST_LIBS)
tests_unit_test_dev_finisher_LDFLAGS = $(DEV_TEST_LINK)
tests_unit_test_dev_pl011_LDADD = $(DEV_TEST_LIBS)
tests_unit_test_dev_pl011_LDFLAGS = $(DEV_TEST_LINK)
tests_unit_test_dev_pl011_host_LDADD = $(DEV_TEST_LIBS)
tests_unit_test_dev_pl011_host_LDFLAGS = $(DEV_TEST_LINK)
tests_unit_test_dev_pl061_LDADD = $(DEV_TEST_LIBS)
tests_unit_test_dev_pl061_LDFLAGS = $(DEV_TEST_LINK)
tests_unit_test_dev_rtc_LDADD = $(DEV_TEST_LIBS)
tests_unit_test_dev_rtc_LDFLAGS = $(DEV_TEST_LINK)
tests_unit_test_dev_plic_LDADD = $(DEV_TEST_LIBS)
tests_unit_test_dev_plic_LDFLAGS = $(DEV_TEST_LINK)
tests_unit_test_dev_hostile_LDADD = $(DEV_TEST_LIBS)
tests_unit_test_dev_hostile_LDFLAGS = $(DEV_TEST_LINK)
tests_unit_test_dev_ports_LDADD = $(DEV_TEST_LIBS)
tests_unit_test_dev_ports_LDFLAGS = $(DEV_TEST_LINK)
tests_unit_test_dev_testdev_LDADD = $(DEV_TEST_LIBS)
tests_unit_test_dev_testdev_LDFLAGS = $(DEV_TEST_LINK)
tests_unit_test_dev_testdev_vcpu_LDADD = $(DEV_TEST_LIBS)
tests_unit_test_dev_testdev_vcpu_LDFLAGS = $(DEV_TEST_LINK)
tests_unit_test_dev_threads_LDADD = $(DEV_TEST_LIBS)
tests_unit_test_dev_threads_LDFLAGS = $(DEV_TEST_LINK)
tests_unit_test_dev_uart_LDADD = $(DEV_TEST_LIBS)
tests_unit_test_dev_uart_LDFLAGS = $(DEV_TEST_LINK)
tests_unit_test_dev_uart_host_LDADD = $(DEV_TEST_LIBS)
tests_unit_test_dev_uart_host_LDFLAGS = $(DEV_TEST_LINK)
tests_unit_test_dev_uart_irq_LDADD = $(DEV_TEST_LIBS)
tests_unit_test_dev_uart_irq_LDFLAGS = $(DEV_TEST_LINK)
tsan_tests += tests/unit/test_dev_threads

include tests/unit/console.mk

# The x86-64 machine.
include tests/unit/pc.mk

# Recordings and replays.
include tests/unit/record.mk
