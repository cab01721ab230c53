# SPDX-License-Identifier: Apache-2.0
# Sources and headers of src/core; one file a line.
core_sources =
