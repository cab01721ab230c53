# SPDX-License-Identifier: Apache-2.0
# Fuzz targets: one file each, with LLVMFuzzerTestOneInput(), and a corpus in tests/fuzz/corpus/NAME.
# With --enable-fuzzers they are libFuzzer programs. Without it each is linked with a small main()
# that gives it every file of its corpus: that makes it one of the unit_tests.
#
# fuzz_programs += tests/fuzz/foo     and its sources, objects and corpus as automake wants them
fuzz_programs =
