# SPDX-License-Identifier: Apache-2.0
# Man pages and other documents; one a line.
man_pages = docs/axvmm.1
documents = README docs/DEVICES docs/EXITS docs/HACKING docs/RECORDING docs/TRACE docs/config.schema.json

dist_man_MANS = $(man_pages)
dist_doc_DATA = $(documents)

# bash finds the completion of a command by the command's name.
bashcompletiondir = $(datadir)/bash-completion/completions
dist_bashcompletion_DATA = docs/completions/axvmm
