# SPDX-License-Identifier: Apache-2.0
# Man pages and other documents; one a line.
man_pages =
documents = docs/HACKING

dist_man_MANS = $(man_pages)
dist_doc_DATA = $(documents)
