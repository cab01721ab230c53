# SPDX-License-Identifier: Apache-2.0
# Sources and headers of src/arch/x86_64; one file a line.
arch_sources =
