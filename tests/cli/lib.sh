# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=sh disable=SC2034
# What the tests of the command share. A script sources it, makes its checks, and ends with "finish".
#
#   ax ARGUMENT...           start the command; its output is in $out, its messages in $err, then $status
#   end_by SIGNAL SECONDS COMMAND...    send it the signal by then; the status is the command's own
#   expect_status N          the last run ended so
#   expect_message REGEX     it said this on standard error
#   expect_lines N           it said so many lines there
#   expect_output REGEX      it printed this
#   need_kvm                 skip the whole test without KVM
#   skip_case REASON         skip what comes next, loudly
#   finish                   the verdict
set -u

axvmm=$(cd "${builddir:-.}" && pwd)/axvmm
pty=$(cd "${builddir:-.}" && pwd)/tests/cli/pty
json_check=$(cd "${builddir:-.}" && pwd)/tests/cli/json-check
work=$(mktemp -d "${TMPDIR:-/tmp}/axvmm-cli.XXXXXX") || exit 99
trap 'rm -rf "$work"' EXIT
trap 'exit 99' HUP INT TERM
out=$work/out
err=$work/err
status=0
what=
failures=0

fail() {
	echo "FAILED: $*"
	failures=$((failures + 1))
}

# Seconds that one run may take.
limit=60

ax() {
	what="axvmm $*"
	timeout "$limit" "$axvmm" "$@" >"$out" 2>"$err" </dev/null
	status=$?
}

# GNU's timeout has an option for what busybox's always does.
end_by() {
	if timeout --preserve-status 1 true 2>/dev/null; then
		timeout --preserve-status -s "$@"
	else
		timeout -s "$@"
	fi
}

expect_status() {
	test "$status" -eq "$1" && return
	fail "$what: status $status instead of $1"
	cat "$err"
}

expect_message() {
	grep -Eq -- "$1" "$err" && return
	fail "$what: no message like \"$1\" but"
	cat "$err"
}

expect_output() {
	grep -Eq -- "$1" "$out" && return
	fail "$what: no output like \"$1\" but"
	cat "$out"
}

expect_lines() {
	test "$(wc -l <"$err")" -eq "$1" && return
	fail "$what: not $1 lines of messages but"
	cat "$err"
}

# refuses STATUS REGEX ARGUMENT...: one line of message, nothing printed, this status.
refuses() {
	wanted=$1
	message=$2
	shift 2
	ax "$@"
	expect_status "$wanted"
	expect_message "$message"
	expect_lines 1
	test -s "$out" && fail "$what: printed something"
	return 0
}

need_kvm() {
	if ! { : <>/dev/kvm; } 2>/dev/null; then
		echo "SKIP: /dev/kvm cannot be opened"
		exit 77
	fi
}

skip_case() {
	echo "SKIP: $*"
}

# flat FILE OCTAL...: a flat binary of these bytes.
flat() {
	flat_file=$1
	shift
	for byte in "$@"; do
		printf '%b' "\\0$byte"
	done >"$flat_file"
}

finish() {
	if [ "$failures" -ne 0 ]; then
		echo "$failures checks failed"
		exit 1
	fi
	exit 0
}
