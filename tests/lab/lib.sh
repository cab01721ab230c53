# SPDX-License-Identifier: Apache-2.0
# What "run" and "shell" have in common: the packages, the build, the initramfs, the emulated machine.
#
#   lab_open MACHINE         settle on the machine, MACHINE.conf; the names below are set, the folders exist
#   lab_fetch                the machine's kernel and tools, libraries to link with if the architecture is
#                            not this system's, and QEMU where the system's is too old
#   lab_build [TEST...]      the project as static programs, in its own build directory; all of its tests
#                            in the machine, or these with what they need. A TEST that begins with a
#                            slash is a static program that is ready, and a test by its exit status.
#   lab_unit [TEST...]       another architecture's unit tests, which need no KVM, by QEMU's user mode
#                            emulation on this system: much faster than in the machine
#   lab_pack                 everything into one initramfs; with tests/lab/linux/* among the tests also
#                            kernels and initial RAM disks for guests in the machine (lab_pack_guests)
#   lab_machine, lab_boot    start it
#
# Nothing is installed and nothing needs root. All files are below AXVMM_LAB_DIR (build/lab):
#   qemu             the emulator; qemu-user, the one for unit tests
#   ARCH/root        the machine's packages
#   ARCH/sysroot     the libraries, of packages, too
#   ARCH/build       the build
#   ARCH/guests      kernels of other Debian releases, for guests
#   MACHINE/console  what the machine said; MACHINE/logs has a file for each test
set -u

top=$(cd "$(dirname "$0")/../.." && pwd)
here=$top/tests/lab
lab=${AXVMM_LAB_DIR:-$top/build/lab}

# The Debian release whose kernel's KVM the tests run on.
suite=trixie
# Without what QEMU adds of its own.
machine_size='-smp 2 -m 2048 -nodefaults -display none'
# Older ones corrupt what runs in an x86-64 guest's guest.
qemu_oldest=10
# QEMU for every machine, from backports; what these need comes from where it is.
qemu_packages='qemu-system-x86 qemu-system-arm qemu-system-riscv qemu-system-common qemu-system-data
	seabios opensbi'

lab_die() {
	echo "lab: $*" >&2
	exit 1
}

# lab_cannot REASON: a skip on somebody's machine, a failure where CI or AXVMM_REQUIRE_KVM=1 is set.
lab_cannot() {
	test -z "${CI:-}" && test "${AXVMM_REQUIRE_KVM:-0}" != 1 || lab_die "$*"
	echo "SKIP: lab: $*"
	echo "1..0 # SKIP $*"
	exit 77
}

lab_say() {
	echo "# $*"
}

# shellcheck source=tests/lab/tools.sh
. "$here/tools.sh"

# logged NAME COMMAND...: its output goes to a log, and to standard error only if it fails.
logged() {
	log=$work/$1.log
	shift
	"$@" >"$log" 2>&1 && return
	tail -n 30 "$log" >&2
	lab_die "failed: $* (all of its output: $log)"
}

lab_open() {
	test -f "$here/$1.conf" || lab_die "there is no machine for \"$1\""
	# A machine may have tests that are all that is asked of it, and a command to call before its start.
	machine_tests=
	machine_prepare=:
	# Seconds for all of its tests, and for one.
	machine_limit=1500
	test_limit=400
	# For Linux guests in the machine: modules in the order of loading; kernels beside the machine's own,
	# each a release or RELEASE/PACKAGE.
	guest_modules=
	guest_suites=
	# The U-Boot for this board, as its package calls it.
	u_boot=
	# shellcheck disable=SC1090
	. "$here/$1.conf"
	work=$lab/$arch
	root=$work/root
	sysroot=$work/sysroot
	machine_dir=$lab/$1
	mkdir -p "$work" "$machine_dir" || lab_die "cannot write $work"
	cross_packages="gcc-$(echo "$triplet" | tr _ -) libc6-dev-$debian_arch-cross"
	is_cross=true
	test "$(gcc -dumpmachine 2>/dev/null)" != "$triplet" || is_cross=false
}

# mirror: where this system's own packages come from, so that the lab's come from there, too.
mirror() {
	codename=$(. /etc/os-release && echo "$VERSION_CODENAME")
	# apt expands these.
	# shellcheck disable=SC2016
	apt-get indextargets --format '$(CODENAME) $(COMPONENT) $(SITE)' 'Created-By: Packages' |
		awk -v codename="$codename" '$1 == codename && $2 == "main" { print $3; exit }'
}

# apt STATE ARCHITECTURE COMMAND...: apt with a state, a cache and sources of its own.
apt() {
	state=$1
	architecture=$2
	tool=$3
	shift 3
	"$tool" -q -o Dir::State="$state" -o Dir::State::status="$state/status" -o Dir::Cache="$state/cache" \
		-o Dir::Etc::sourcelist="$state/sources.list" -o Dir::Etc::sourceparts=/dev/null \
		-o Dir::Etc::preferencesparts=/dev/null -o Dir::Etc::preferences=/dev/null \
		-o APT::Architecture="$architecture" -o APT::Architectures="$architecture" \
		-o APT::Sandbox::User=root -o Acquire::Retries=3 "$@"
}

# apt_open STATE STATUS-FILE SUITE...: an apt that knows these suites.
apt_open() {
	state=$1
	status=$2
	shift 2
	site=$(mirror)
	test -n "$site" || lab_die "this system's apt sources have no entry for its release"
	mkdir -p "$state/lists/partial" "$state/cache/archives/partial" || return 1
	cp "$status" "$state/status" || return 1
	for name in "$@"; do
		echo "deb $site $name main"
	done >"$state/sources.list"
}

# unpack DIRECTORY FILE...: packages into a directory.
unpack() {
	into=$1
	shift
	for package in "$@"; do
		dpkg -x "$package" "$into" || return 1
	done
}

# download PACKAGE...: of the machine's architecture, into ARCH/packages.
download() {
	(cd "$work/packages" && apt "$work/apt" "$debian_arch" apt-get download "$@")
}

fetch_machine() {
	rm -rf "$root" "$sysroot" "$work/packages"
	mkdir -p "$root" "$sysroot" "$work/packages"
	apt_open "$work/apt" /dev/null "$suite" || return 1
	apt "$work/apt" "$debian_arch" apt-get update || return 1
	# The package without a version depends on the newest one.
	kernel=$(apt "$work/apt" "$debian_arch" apt-cache depends "$kernel_package" |
		sed -n 's/^ *Depends: \(linux-image-[0-9][^ ]*\)$/\1/p' | head -n 1)
	test -n "$kernel" || return 1
	download "$kernel" busybox-static || return 1
	unpack "$root" "$work"/packages/*.deb || return 1
	$is_cross || return 0
	download check libsubunit-dev libfdt-dev liburing-dev zlib1g-dev libzstd-dev linux-libc-dev || return 1
	unpack "$sysroot" "$work"/packages/check_* "$work"/packages/lib* "$work"/packages/zlib* || return 1
	# liburing's header wants one that older kernels' headers lack. No others: they are the compiler's.
	unpack "$work/headers" "$work"/packages/linux-libc-dev_* && mkdir -p "$sysroot/usr/include/linux" &&
		cp "$work/headers/usr/include/linux/blkdev.h" "$sysroot/usr/include/linux/"
}

qemu_is_new_enough() {
	version=$("$1" --version 2>/dev/null | sed -n 's/^QEMU emulator version \([0-9]*\).*/\1/p')
	test -n "$version" && test "$version" -ge "$qemu_oldest"
}

# From backports, with the libraries that this system lacks.
fetch_qemu() {
	codename=$(. /etc/os-release && echo "$VERSION_CODENAME")
	architecture=$(dpkg --print-architecture)
	rm -rf "$lab/qemu"
	mkdir -p "$lab/qemu/root"
	apt_open "$lab/qemu/apt" /var/lib/dpkg/status "$codename" "$codename-backports" || return 1
	apt "$lab/qemu/apt" "$architecture" apt-get update || return 1
	# shellcheck disable=SC2046,SC2086
	apt "$lab/qemu/apt" "$architecture" apt-get install --download-only -y --no-install-recommends \
		$(printf "%s/$codename-backports " $qemu_packages) || return 1
	unpack "$lab/qemu/root" "$lab"/qemu/apt/cache/archives/*.deb
}

# lab_qemu ARGUMENT...: the system's QEMU if it is new enough, else the one that was fetched.
lab_qemu() {
	if qemu_is_new_enough "$qemu"; then
		exec "$qemu" "$@"
	fi
	share=$lab/qemu/root/usr/share
	libraries=$(echo "$lab"/qemu/root/usr/lib/*-linux-gnu*):$(echo "$lab"/qemu/root/lib/*-linux-gnu*)
	LD_LIBRARY_PATH=$libraries exec "$lab/qemu/root/usr/bin/$qemu" -L "$share/qemu" -L "$share/seabios" "$@"
}

# fetched STAMP WHAT COMMAND: once; its output goes to a log.
fetched() {
	test ! -f "$1/fetched" || return 0
	lab_say "fetching $2"
	command -v apt-get >/dev/null 2>&1 && command -v dpkg >/dev/null 2>&1 ||
		lab_cannot "without apt-get and dpkg there is no $2"
	if ! "$3" >"$work/$3.log" 2>&1; then
		tail -n 30 "$work/$3.log" >&2
		lab_cannot "$2: fetching it failed (all of its output: $work/$3.log)"
	fi
	touch "$1/fetched"
}

lab_fetch() {
	fetched "$work" "Debian $suite's kernel for $arch" fetch_machine
	# Machines that start at the same time share it.
	if ! qemu_is_new_enough "$qemu"; then
		exec 8>"$lab/qemu.lock"
		flock 8
		fetched "$lab/qemu" "$qemu $qemu_oldest" fetch_qemu
		exec 8>&-
	fi
}

# configure_cross: with the other architecture's compiler and the sysroot's libraries. glibc is the
# cross compiler's; Debian 13's libcheck wants a name of a newer one (for C23, which reads 0b1 as well).
configure_cross() {
	libraries=$sysroot/usr/lib/$triplet
	export PKG_CONFIG_LIBDIR="$libraries/pkgconfig" PKG_CONFIG_SYSROOT_DIR="$sysroot"
	cd "$work/build" && "$top/configure" --host="$triplet" --disable-shared \
		CPPFLAGS="-I$sysroot/usr/include" LDFLAGS="-L$libraries" \
		CHECK_CFLAGS="$(pkg-config --cflags check)" \
		CHECK_LIBS="$(pkg-config --libs check) -Wl,--defsym=__isoc23_strtoul=strtoul"
}

configure_native() {
	cd "$work/build" && "$top/configure" --disable-shared
}

# prepare_build: configure, where that is due.
prepare_build() {
	test -x "$top/configure" || lab_die 'there is no configure yet: start ./bootstrap or autoreconf -i first'
	ldflags=-all-static
	configure=configure_native
	if $is_cross; then
		command -v "$triplet-gcc" >/dev/null 2>&1 && test -f "/usr/$triplet/lib/libc.a" ||
			lab_cannot "no compiler for $arch. It is in these packages: $cross_packages"
		ldflags="$ldflags -L$sysroot/usr/lib/$triplet"
		configure=configure_cross
	fi
	mkdir -p "$work/build"
	test -f "$work/build/config.status" || logged configure "$configure"
	# By itself: a configure that make starts again must not see libtool's flag.
	logged remake make -C "$work/build" Makefile
}

# build ARGUMENT...: make, with programs linked statically.
build() {
	make -C "$work/build" -j"$(nproc)" LDFLAGS="$ldflags" "$@"
}

lab_build() {
	programs=
	cli=
	tests=
	ready=
	unit_tests=
	has_guests=false
	has_tools=false
	has_peers=false
	has_debian=false
	! needs tools "$@" || has_tools=true
	! needs peers "$@" || has_peers=true
	! needs distribution "$@" || has_debian=true
	for name in "$@"; do
		case $name in
		/*) ready="$ready $name" ;;
		tests/lab/linux/*) programs="$programs axvmm" tests="$tests $name" has_guests=true ;;
		tests/unit/*) unit_tests="$unit_tests $name" ;;
		tests/cli/*) cli='axvmm tests/cli/json-check tests/cli/pty tests/cli/rsp tests/cli/talk' tests="$tests $name" ;;
		*) programs="$programs $name" tests="$tests $name" ;;
		esac
	done
	: >"$machine_dir/programs.list"
	: >"$machine_dir/tests.list"
	if test $# -eq 0 || test -n "$tests$unit_tests"; then
		prepare_build
	fi
	if test $# -eq 0 || test -n "$tests"; then
		test $# -eq 0 || set -- "lab_programs=$programs $cli" "lab_tests=$tests"
		logged make build "$@" lab-programs
		cp "$work/build/lab-programs.list" "$machine_dir/programs.list"
		cp "$work/build/lab-tests.list" "$machine_dir/tests.list"
	fi
	for name in $ready; do
		echo "ready/$(basename "$name")" >>"$machine_dir/tests.list"
	done
}

# From packages, as the machine's emulator is; two programs of many.
fetch_qemu_user() {
	mkdir -p "$lab/qemu-user"
	apt_open "$lab/qemu-user/apt" /dev/null "$(. /etc/os-release && echo "$VERSION_CODENAME")" || return 1
	architecture=$(dpkg --print-architecture)
	apt "$lab/qemu-user/apt" "$architecture" apt-get update || return 1
	(cd "$lab/qemu-user" && apt "$lab/qemu-user/apt" "$architecture" apt-get download qemu-user-static) ||
		return 1
	for package in "$lab"/qemu-user/*.deb; do
		dpkg-deb --fsys-tarfile "$package" | tar -x -C "$lab/qemu-user" --strip-components=3 \
			./usr/bin/qemu-aarch64-static ./usr/bin/qemu-riscv64-static || return 1
		rm -f "$package"
	done
}

# Fills MACHINE/unit with lines as the machine's "init" writes them.
lab_unit() {
	: >"$machine_dir/unit"
	$is_cross || return 0
	test $# -eq 0 || test -n "$unit_tests" || return 0
	user=qemu-${triplet%%-*}-static
	if ! command -v "$user" >/dev/null 2>&1; then
		user=$lab/qemu-user/$user
		(flock 8 && fetched "$lab/qemu-user" "QEMU's user mode emulation" fetch_qemu_user) 8>"$lab/qemu.lock" ||
			return 1
	fi
	find "$work/build/tests" \( -name '*.trs' -o -name '*.log' \) -exec rm -f {} +
	set -- lab-unit
	test -z "$unit_tests" || set -- "lab_unit_tests=$unit_tests" lab-unit
	# What failed is told from the results.
	AXVMM_TEST_WRAPPER=$user AXVMM_TEST_TIMEOUT=600 CK_TIMEOUT_MULTIPLIER=40 build -k "$@" \
		>"$work/unit.log" 2>&1
	results=$(find "$work/build/tests" -name '*.trs' | sort)
	if test -z "$results"; then
		tail -n 30 "$work/unit.log" >&2
		lab_die "no unit test was run (all of its output: $work/unit.log)"
	fi
	for result in $results; do
		name=${result#"$work/build/"}
		name=${name%.trs}
		case $(sed -n 's/^:global-test-result: //p' "$result") in
		PASS) status=0 ;;
		SKIP) status=77 ;;
		*) status=1 ;;
		esac
		echo "begin $name"
		sed 's/^/| /' "${result%.trs}.log"
		echo "end $name $status"
	done >"$machine_dir/unit"
}

# guest_name SUITE or SUITE/PACKAGE: what a guest kernel is called, by its package unless it is the usual one.
guest_name() {
	echo "${1##*/}"
}

# fetch_guest: the kernel of $guest_suite into ARCH/guests/NAME/root.
fetch_guest() {
	guest_work=$work/guests/$(guest_name "$guest_suite")
	guest_package=${guest_suite#*/}
	test "$guest_package" != "$guest_suite" || guest_package=$kernel_package
	rm -rf "$guest_work"
	mkdir -p "$guest_work/root" "$guest_work/packages"
	apt_open "$guest_work/apt" /dev/null "${guest_suite%%/*}" || return 1
	apt "$guest_work/apt" "$debian_arch" apt-get update || return 1
	kernel=$(apt "$guest_work/apt" "$debian_arch" apt-cache depends "$guest_package" |
		sed -n 's/^ *Depends: \(linux-image-[0-9][^ ]*\)$/\1/p' | head -n 1)
	test -n "$kernel" || return 1
	(cd "$guest_work/packages" && apt "$guest_work/apt" "$debian_arch" apt-get download "$kernel") || return 1
	unpack "$guest_work/root" "$guest_work"/packages/*.deb
}

# U-Boot for all of QEMU's boards.
fetch_u_boot() {
	mkdir -p "$lab/u-boot/root"
	apt_open "$lab/u-boot/apt" /dev/null "$suite" || return 1
	apt "$lab/u-boot/apt" "$debian_arch" apt-get update || return 1
	(cd "$lab/u-boot" && apt "$lab/u-boot/apt" "$debian_arch" apt-get download u-boot-qemu) || return 1
	unpack "$lab/u-boot/root" "$lab"/u-boot/*.deb
}

# lab_fetch_guests: kernels for guests that are not the machine's own.
lab_fetch_guests() {
	$has_guests || return 0
	lab_fetch_tools
	lab_fetch_peers
	lab_fetch_debian
	for guest_suite in $guest_suites; do
		guest_work=$work/guests/$(guest_name "$guest_suite")
		mkdir -p "$guest_work"
		fetched "$guest_work" "Debian's kernel $guest_suite for $arch" fetch_guest
	done
	test -n "$u_boot" || return 0
	# Machines that start at the same time share it.
	mkdir -p "$lab/u-boot"
	exec 8>"$lab/u-boot.lock"
	flock 8
	fetched "$lab/u-boot" "U-Boot for QEMU's boards" fetch_u_boot
	exec 8>&-
}

# pack_guest SUITE ROOT: its kernel, and an initial RAM disk with its modules.
pack_guest() {
	guest_tree=$machine_dir/guest-tree
	into=$tree/axvmm/linux/$1
	rm -rf "$guest_tree"
	mkdir -p "$into" "$guest_tree/bin" "$guest_tree/modules" "$guest_tree/dev" "$guest_tree/proc" \
		"$guest_tree/sys" "$guest_tree/tests" || return 1
	cp "$(find "$2/boot" -name "$kernel_file")" "$into/kernel" || return 1
	cp "$here/linux/init" "$guest_tree/init" && cp "$tree/bin/busybox" "$guest_tree/bin/" &&
		cp "$here"/linux/guest/* "$guest_tree/tests/" || return 1
	test ! -d "$machine_dir/guest-extra" || cp -R "$machine_dir/guest-extra/." "$guest_tree/" || return 1
	more_modules=
	! $has_tools || more_modules=$tools_guest_modules
	# Lists of words.
	# shellcheck disable=SC2086
	pack_modules "$2" "$guest_tree/modules" $guest_modules $more_modules || return 1
	python3 "$here/cpio" "$guest_tree" >"$into/initrd"
}

# Linux guests, in the machine: linux/RELEASE/kernel and initrd, and the tests' scripts.
lab_pack_guests() {
	$has_guests || return 0
	pack_guest "$suite" "$root" || return 1
	for guest_suite in $guest_suites; do
		name=$(guest_name "$guest_suite")
		pack_guest "$name" "$work/guests/$name/root" || return 1
	done
	test -z "$u_boot" ||
		cp "$lab/u-boot/root/usr/lib/u-boot/$u_boot/u-boot.bin" "$tree/axvmm/" || return 1
	mkdir -p "$tree/axvmm/tests/lab/linux"
	for name in "$here"/linux/*; do
		test ! -f "$name" || cp "$name" "$tree/axvmm/tests/lab/linux/" || return 1
	done
}

# module NAME [ROOT]: the one file of this module, uncompressed, to standard output.
module() {
	file=$(find "${2:-$root}" -name "$1.ko*" -type f)
	case $file in
	*.xz) xz -dc "$file" ;;
	*) cat "$file" ;;
	esac
}

# pack_program FILE NAME: nothing debugs in there, and all of it has to fit into memory.
pack_program() {
	mkdir -p "$tree/axvmm/$(dirname "$2")"
	cp "$1" "$tree/axvmm/$2" && "$strip" "$tree/axvmm/$2"
}

lab_pack() {
	tree=$machine_dir/tree
	strip=strip
	! $is_cross || strip=$triplet-strip
	rm -rf "$tree"
	mkdir -p "$tree/bin" "$tree/modules" "$tree/proc" "$tree/sys" "$tree/dev" "$tree/tmp" \
		"$tree/axvmm/tests/kvm" "$tree/axvmm/tests/cli" "$tree/axvmm/tests/matrix" \
		"$tree/axvmm/guests/$arch" || return 1
	cp "$here/init" "$tree/init" && cp "$(find "$root" -path '*/bin/busybox' -type f)" "$tree/bin/" || return 1
	number=0
	for name in $modules; do
		number=$((number + 1))
		module "$name" >"$tree/modules/$number-$name.ko" || return 1
	done
	# A list of words.
	# shellcheck disable=SC2086
	! $has_tools || pack_modules "$root" "$tree/modules" $tools_modules || return 1
	while read -r name; do
		pack_program "$work/build/$name" "$name" || return 1
	done <"$machine_dir/programs.list"
	for name in $ready; do
		pack_program "$name" "ready/$(basename "$name")" || return 1
	done
	# Scripts, and what they compare with.
	cp "$machine_dir/tests.list" "$tree/axvmm/tests.list" || return 1
	for name in "$top"/tests/cli/* "$top"/tests/matrix/*; do
		case $name in
		*.c|*.mk) ;;
		*) cp "$name" "$tree/axvmm/tests/$(basename "$(dirname "$name")")/" || return 1 ;;
		esac
	done
	if test -d "$top/tests/record/$arch"; then
		mkdir -p "$tree/axvmm/tests/record" && cp -R "$top/tests/record/$arch" "$tree/axvmm/tests/record/" ||
			return 1
	fi
	for name in "$top/guests/$arch/guests.list" "$work/build/guests/$arch"/*.img; do
		test ! -f "$name" || cp "$name" "$tree/axvmm/guests/$arch/" || return 1
	done
	mkdir -p "$tree/axvmm/tests/matrix" && cp "$top"/tests/matrix/* "$tree/axvmm/tests/matrix/" || return 1
	lab_pack_guests || return 1
	python3 "$here/cpio" "$tree" >"$machine_dir/initramfs"
}

# lab_machine COMMAND-LINE QEMU-ARGUMENT...: the machine with its initramfs, instead of this process.
# Its results go to MACHINE/results.
lab_machine() {
	command_line=$1
	shift
	kernel=$(find "$root/boot" -name "$kernel_file")
	test -f "$kernel" || lab_die "no kernel in $root"
	"$machine_prepare" || lab_die "$machine_prepare failed"
	# The machine's arguments are split into words on purpose. The results' port comes first: its name in
	# the machine is of its place among the virtio devices.
	# shellcheck disable=SC2046,SC2086
	lab_qemu $machine $machine_size -no-reboot -kernel "$kernel" \
		-initrd "$machine_dir/initramfs" \
		-append "console=$console rdinit=/init panic=-1 quiet lab.arch=$arch $command_line" \
		-device virtio-serial-pci -chardev "file,id=results,path=$machine_dir/results" \
		-device virtserialport,chardev=results $(lab_tools_drive) \
		$(lab_peers_drive) $(lab_debian_drive) "$@"
}

# lab_boot SECONDS COMMAND-LINE QEMU-ARGUMENT...: the machine, until it ends or its time is over.
lab_boot() {
	limit=$1
	shift
	(lab_machine "$@") &
	machine_pid=$!
	(
		while test "$limit" -gt 0 && kill -0 "$machine_pid" 2>/dev/null; do
			sleep 1
			limit=$((limit - 1))
		done
		kill "$machine_pid" 2>/dev/null
	) &
	trap 'kill "$machine_pid" 2>/dev/null; exit 1' HUP INT TERM
	wait "$machine_pid"
}
