# SPDX-License-Identifier: Apache-2.0
# Benchmarks: commands, not timed tests; "make check" builds them and leaves running them to people.
