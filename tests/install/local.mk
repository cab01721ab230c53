# SPDX-License-Identifier: Apache-2.0
# Programs built from the installed package with pkg-config alone.
