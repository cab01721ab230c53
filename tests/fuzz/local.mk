# SPDX-License-Identifier: Apache-2.0
# Fuzz targets: one file each, with LLVMFuzzerTestOneInput(), and a corpus in tests/fuzz/corpus/NAME.
# With --enable-fuzzers they are libFuzzer programs. Without it each is linked with a small main()
# that gives it every file of its corpus: that makes it one of the unit_tests.
#
# fuzz_programs += tests/fuzz/foo     and its sources, objects and corpus as automake wants them
fuzz_programs = \
	tests/fuzz/fuzz_balloon \
	tests/fuzz/fuzz_blk \
	tests/fuzz/fuzz_bzimage \
	tests/fuzz/fuzz_console \
	tests/fuzz/fuzz_elf \
	tests/fuzz/fuzz_exit \
	tests/fuzz/fuzz_flat \
	tests/fuzz/fuzz_gdb \
	tests/fuzz/fuzz_json \
	tests/fuzz/fuzz_linux \
	tests/fuzz/fuzz_multiboot \
	tests/fuzz/fuzz_net \
	tests/fuzz/fuzz_qcow2 \
	tests/fuzz/fuzz_record \
	tests/fuzz/fuzz_rng \
	tests/fuzz/fuzz_trace \
	tests/fuzz/fuzz_unpack \
	tests/fuzz/fuzz_vhost_user \
	tests/fuzz/fuzz_virtio \
	tests/fuzz/fuzz_vsock
if ARCH_X86_64
fuzz_programs += tests/fuzz/fuzz_load
endif

if ENABLE_FUZZERS
EXTRA_PROGRAMS = $(fuzz_programs)
fuzz_main =
fuzz_ldflags = $(AM_LDFLAGS) $(FUZZER_LDFLAGS)
else
unit_tests += $(fuzz_programs)
fuzz_main = tests/fuzz/replay.c
fuzz_ldflags = $(AM_LDFLAGS)
endif

fuzz_image_headers = tests/fuzz/check_plan.h tests/fuzz/fuzz_image.h

tests_fuzz_fuzz_blk_SOURCES = tests/fuzz/fuzz_blk.c tests/fuzz/fuzz_exit_model.h $(fuzz_main)
tests_fuzz_fuzz_blk_LDFLAGS = $(fuzz_ldflags)
tests_fuzz_fuzz_bzimage_SOURCES = tests/fuzz/fuzz_bzimage.c $(fuzz_image_headers) $(fuzz_main)
tests_fuzz_fuzz_bzimage_LDFLAGS = $(fuzz_ldflags)
tests_fuzz_fuzz_elf_SOURCES = tests/fuzz/fuzz_elf.c $(fuzz_image_headers) $(fuzz_main)
tests_fuzz_fuzz_elf_LDFLAGS = $(fuzz_ldflags)
tests_fuzz_fuzz_exit_SOURCES = tests/fuzz/fuzz_exit.c tests/fuzz/fuzz_exit_model.h $(fuzz_main)
tests_fuzz_fuzz_exit_LDFLAGS = $(fuzz_ldflags)
tests_fuzz_fuzz_flat_SOURCES = tests/fuzz/fuzz_flat.c $(fuzz_image_headers) $(fuzz_main)
tests_fuzz_fuzz_flat_LDFLAGS = $(fuzz_ldflags)
tests_fuzz_fuzz_gdb_SOURCES = tests/fuzz/fuzz_gdb.c $(fuzz_main)
tests_fuzz_fuzz_gdb_LDFLAGS = $(fuzz_ldflags)
tests_fuzz_fuzz_json_SOURCES = tests/fuzz/fuzz_json.c src/cli/json-read.c src/cli/json.c $(fuzz_main)
tests_fuzz_fuzz_json_LDFLAGS = $(fuzz_ldflags)
tests_fuzz_fuzz_linux_SOURCES = tests/fuzz/fuzz_linux.c $(fuzz_image_headers) $(fuzz_main)
tests_fuzz_fuzz_linux_LDFLAGS = $(fuzz_ldflags)
tests_fuzz_fuzz_qcow2_SOURCES = tests/fuzz/fuzz_qcow2.c $(fuzz_image_headers) $(fuzz_main)
tests_fuzz_fuzz_qcow2_LDFLAGS = $(fuzz_ldflags)
# With src/sys itself: its machines have no KVM.
tests_fuzz_fuzz_record_SOURCES = tests/fuzz/fuzz_record.c $(fuzz_main)
tests_fuzz_fuzz_record_LDFLAGS = $(fuzz_ldflags)
tests_fuzz_fuzz_record_LDADD = $(AXVMM_LIBS)
tests_fuzz_fuzz_load_SOURCES = tests/fuzz/fuzz_load.c $(fuzz_image_headers) $(fuzz_main)
tests_fuzz_fuzz_load_LDFLAGS = $(fuzz_ldflags)
tests_fuzz_fuzz_multiboot_SOURCES = tests/fuzz/fuzz_multiboot.c $(fuzz_image_headers) $(fuzz_main)
tests_fuzz_fuzz_multiboot_LDFLAGS = $(fuzz_ldflags)
tests_fuzz_fuzz_virtio_SOURCES = tests/fuzz/fuzz_virtio.c tests/fuzz/fuzz_exit_model.h $(fuzz_main)
tests_fuzz_fuzz_virtio_LDFLAGS = $(fuzz_ldflags)

tests_fuzz_fuzz_trace_SOURCES = tests/fuzz/fuzz_trace.c $(fuzz_main)
tests_fuzz_fuzz_trace_LDFLAGS = $(fuzz_ldflags)
tests_fuzz_fuzz_vhost_user_SOURCES = tests/fuzz/fuzz_vhost_user.c tests/fuzz/fuzz_exit_model.h $(fuzz_main)
tests_fuzz_fuzz_vhost_user_LDFLAGS = $(fuzz_ldflags)
tests_fuzz_fuzz_vsock_SOURCES = tests/fuzz/fuzz_vsock.c tests/fuzz/fuzz_exit_model.h $(fuzz_main)
tests_fuzz_fuzz_vsock_LDFLAGS = $(fuzz_ldflags)

fuzz_kind_headers = tests/fuzz/fuzz_kind.h tests/fuzz/fuzz_exit_model.h
tests_fuzz_fuzz_balloon_SOURCES = tests/fuzz/fuzz_balloon.c $(fuzz_kind_headers) $(fuzz_main)
tests_fuzz_fuzz_balloon_LDFLAGS = $(fuzz_ldflags)
tests_fuzz_fuzz_console_SOURCES = tests/fuzz/fuzz_console.c $(fuzz_kind_headers) $(fuzz_main)
tests_fuzz_fuzz_console_LDFLAGS = $(fuzz_ldflags)
tests_fuzz_fuzz_rng_SOURCES = tests/fuzz/fuzz_rng.c $(fuzz_kind_headers) $(fuzz_main)
tests_fuzz_fuzz_rng_LDFLAGS = $(fuzz_ldflags)
tests_fuzz_fuzz_unpack_SOURCES = tests/fuzz/fuzz_unpack.c $(fuzz_image_headers) $(fuzz_main)
tests_fuzz_fuzz_unpack_LDFLAGS = $(fuzz_ldflags)
tests_fuzz_fuzz_net_SOURCES = tests/fuzz/fuzz_net.c tests/fuzz/fuzz_exit_model.h $(fuzz_main)
tests_fuzz_fuzz_net_LDFLAGS = $(fuzz_ldflags)

# Folders are copied whole.
EXTRA_DIST += tests/fuzz/corpus
