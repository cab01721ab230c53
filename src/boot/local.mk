# SPDX-License-Identifier: Apache-2.0
# Sources and headers of src/boot, the image formats; one file a line.
boot_sources =
