# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=sh
# What the tests of Linux guests share. They run in the lab's machine (tests/lab/run MACHINE
# tests/lab/linux/NAME) on what lab_pack_guests has laid out, a folder linux/RELEASE for each kernel:
#   kernel    Debian's, as the package has it
#   initrd    busybox, the modules of the machine's guest_modules, init, the scripts of guest/
#
#   releases                     the kernels that are there, Debian's names
#   need_tools                   the test has a line "# Needs the tools."
#   guest RELEASE TEST [ARGUMENT...]
#                                boot it with the test's script (- for none); arguments are those of
#                                "axvmm run". More words for the kernel's command line: $words. What the
#                                guest printed is in $out, the command's messages in $err; $status, $seconds
#   guest_start RELEASE TEST [ARGUMENT...], guest_end
#                                the same in two halves, with something between; its process is $pid
#   until_so COMMAND...          meanwhile: wait until it succeeds, for as long as the guest may take
#   until_said REGEX             or until the guest has printed this
#   expect_status N              the last guest's end
#   expect_verdicts              its script ended, said something, and nothing but "ok"; nor did the guest's
#                                kernel say anything of level err or above, but for what is known (init)
#   expect_said REGEX            it printed this; refuse_said REGEX: it did not
#   expect_message REGEX         the command said this
#   done_testing                 the verdict
set -u

axvmm=./axvmm
work=$(mktemp -d "${TMPDIR:-/tmp}/linux.XXXXXX") || exit 99
pid=
trap 'test -z "$pid" || kill "$pid" 2>/dev/null; rm -rf "$work"' EXIT
trap 'exit 99' HUP INT TERM
out=$work/out
err=$work/err
status=0
seconds=0
failures=0
words=
# Settings by the lab (AXVMM_LAB_PARAMETERS): seconds for one guest, a word for the kernel's command line,
# AXVMM_GUEST_LOUD=1 for all kernel messages, AXVMM_GUEST_LIVE=1 for what a guest prints on the machine's console
# (MACHINE/console) at once.
limit=240
test "$AX_ARCH" = x86_64 || limit=600
limit=${AXVMM_GUEST_LIMIT:-$limit}
quiet=quiet
test -z "${AXVMM_GUEST_LOUD:-}" || quiet='earlyprintk=serial keep_bootcon'
guest_memory=256M
# What a test moves in each way, in MiB (AXVMM_GUEST_MIB). An emulated riscv64, on a busy host, took
# 8 minutes for a disk's 64.
mib=64
test "$AX_ARCH" != riscv64 || mib=4
mib=${AXVMM_GUEST_MIB:-$mib}
# The option that makes a guest's reboot an end, where the command has it.
no_reboot=
"$axvmm" run --help 2>&1 | grep -q no-reboot && no_reboot=--no-reboot

case ${AX_ARCH:?} in
x86_64) console=ttyS0 ;;
arm64) console=ttyAMA0 ;;
riscv64) console=ttyS0 ;;
esac

# KVM's APLIC and IMSICs, where the processor has them: notifications by ioeventfd.
irqchip=
if test "$AX_ARCH" = riscv64 && grep -q ssaia /proc/cpuinfo; then
	irqchip='--irqchip kernel'
fi

# Debian's programs are there (tests/lab/tools.sh).
need_tools() {
	test -x /usr/bin/fio && return
	echo 'FAILED: the machine has no tools'
	exit 1
}

releases() {
	echo "${AXVMM_GUEST_RELEASES:-$(ls linux)}"
}

# Hundredths of a second since the machine's start.
uptime_cs() {
	sed 's/ .*//; s/\.//' /proc/uptime
}

fail() {
	echo "FAILED: $what: $*"
	failures=$((failures + 1))
}

guest_start() {
	release=$1
	test=$2
	shift 2
	what="$release $test $* $words"
	line="console=$console rdinit=/init $quiet panic=-1 ${AXVMM_GUEST_WORD:-} $words"
	test "$test" = - || line="$line test=$test"
	: >"$out"
	began=$(uptime_cs)
	# Two words, or none.
	# shellcheck disable=SC2086
	"$axvmm" run --timeout "$limit" --memory "$guest_memory" --initrd "linux/$release/initrd" --cmdline "$line" \
		$irqchip "$@" "${guest_kernel:-linux/$release/kernel}" >"$out" 2>"$err" </dev/null &
	pid=$!
	watcher=
	test -z "${AXVMM_GUEST_LIVE:-}" || watch_guest
}

# Until it has ended.
watch_guest() {
	tail -F "$out" "$err" >/dev/console 2>&1 &
	watcher=$!
}

guest_end() {
	wait "$pid"
	status=$?
	pid=
	test -z "$watcher" || kill "$watcher"
	took=$(($(uptime_cs) - began))
	seconds=$((took / 100)).$((took / 10 % 10))
	echo "guest: $what: status $status, $seconds s"
	tr -d '\r' <"$out" >"$out.clean" && mv "$out.clean" "$out"
	sed 's/^/  /' "$out" "$err"
}

guest() {
	guest_start "$@"
	guest_end
}

until_so() {
	waited=0
	until "$@"; do
		waited=$((waited + 1))
		if test "$waited" -gt "$limit" || ! kill -0 "$pid" 2>/dev/null; then
			fail "$* did not come true"
			return 1
		fi
		sleep 1
	done
}

has_said() {
	tr -d '\r' <"$out" | grep -Eq "$1"
}

until_said() {
	until_so has_said "$1"
}

expect_status() {
	test "$status" -eq "$1" || fail "ended with status $status, not $1"
}

expect_said() {
	grep -Eq "$1" "$out" || fail "did not print $1"
}

refuse_said() {
	! grep -Eq "$1" "$out" || fail "printed $1"
}

expect_message() {
	grep -Eq "$1" "$err" || fail "the command did not say $1"
}

expect_verdicts() {
	expect_said '^lab: end'
	expect_said '^lab: ok'
	refuse_said '^lab: not ok'
}

done_testing() {
	test "$failures" -eq 0 || exit 1
	exit 0
}
