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
#   is_x86                   this is x86-64, which has ports, modes and more ways to die than the others
#   skip_case REASON         skip what comes next, loudly
#   done_with CODE           run a flat binary that ends with this code (hexadecimal)
#   finish                   the verdict
# What an architecture calls its own: hello (a guest that prints hello_text and does nothing else), smp_guest
# (with smp_cpus), reset_guest, scratch (address of the test device's storage).
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

case $AX_ARCH in
x86_64)
	hello=hello-long
	hello_text='hello from long mode'
	smp_guest=smp-sipi
	smp_cpus=3
	reset_guest=reset-cf9
	scratch=fe000018
	uart='port 0x3f8 \(com1\)'
	uart_write=IoWrite
	;;
arm64)
	hello=hello
	hello_text='hello from EL1'
	smp_guest=smp
	smp_cpus=4
	reset_guest=reset
	scratch=b000018
	uart='address 0x9000000 \(pl011\)'
	uart_write=MmioWrite
	flat_load=0x40200000
	;;
riscv64)
	hello=hello
	hello_text='hello from S-mode'
	smp_guest=smp
	smp_cpus=4
	reset_guest=reset
	scratch=1f000018
	uart='address 0x10000000 \(uart\)'
	uart_write=MmioWrite
	flat_load=0x80200000
	;;
esac

is_x86() {
	test "$AX_ARCH" = x86_64
}

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

# words FILE HEXADECIMAL...: a flat binary of these 32-bit instructions.
words() {
	words_file=$1
	shift
	for word in "$@"; do
		for bits in 0 8 16 24; do
			printf '%b' "\\0$(printf '%o' $((0x$word >> bits & 255)))"
		done
	done >"$words_file"
}

# x86-64: mov $CODE, %al; mov $0x568, %dx; out %al, %dx; hlt. Others: a store of four bytes to DONE, and a loop.
done_with() {
	case $AX_ARCH in
	x86_64)
		flat "$work/guest" 260 "$(printf '%o' "0x$1")" 272 150 005 356 364
		ax run --mode real --load 0x8000 "$work/guest"
		return
		;;
	# mov w0, CODE; mov x1, 0xb000000; str w0, [x1, 0x10]; b .
	arm64) words "$work/guest" "$(printf '%x' $((0x52800000 | 0x$1 << 5)))" d2a16001 b9001020 14000000 ;;
	# li a0, CODE; lui a1, 0x1f000; sw a0, 0x10(a1); j .
	riscv64) words "$work/guest" "$(printf '%x' $((0x513 | 0x$1 << 20)))" 1f0005b7 00a5a823 0000006f ;;
	esac
	ax run --load "$flat_load" "$work/guest"
}

finish() {
	if [ "$failures" -ne 0 ]; then
		echo "$failures checks failed"
		exit 1
	fi
	exit 0
}
