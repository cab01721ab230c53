# SPDX-License-Identifier: Apache-2.0
# Sources and headers of src/machine; one file a line.
machine_sources =
