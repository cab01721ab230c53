# SPDX-License-Identifier: Apache-2.0
# Fuzz targets. With --enable-fuzzers they are libFuzzer programs ($(FUZZER_LDFLAGS) at the link);
# without it each is linked with a small main() that replays the corpus, as part of unit_tests.
