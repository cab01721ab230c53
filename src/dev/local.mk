# SPDX-License-Identifier: Apache-2.0
# Sources and headers of src/dev, the device models; one file a line.
dev_sources =
