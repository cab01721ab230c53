# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=sh
# Programs of Debian for the lab's machine and for the Linux guests in it: an ext4 image that both see,
# the machine as its disk and guests as a disk of theirs. Tests that have a line "# Needs the tools." get it.
# Part of lib.sh.
#
#   lab_fetch_tools          the packages into ARCH/tools/root, the image into ARCH/tools/image
#   lab_tools_drive          arguments of QEMU for the image; nothing without tools
#   lab_fetch_peers          for tests with a line "# Needs the peers.": another VMM to compare with, as an image
#                            of its own, which the machine has at /peers (ARCH/peers/image)
#   lab_peers_drive          likewise
#   lab_fetch_debian         for tests with a line "# Needs the distribution.": vmlinuz, initrd.img and root.img, a root
#                            file system, made by mmdebstrap, in an image that the machine has at /debian and may
#                            write to: it is as before the next time (ARCH/debian/image)
#   lab_debian_drive         likewise
#   pack_modules ROOT DIRECTORY NAME...
#                            modules and those that they need into DIRECTORY, numbered in the order of loading

tools_packages='e2fsprogs fio gdb iperf3 iproute2 ethtool socat passt virtiofsd'
# What the machine needs to see the image, and to be the other end of a guest's devices.
tools_modules='virtio_blk crc32c_generic ext4 loop dm-log-writes dm-flakey tun fuse'
# A guest's.
tools_guest_modules='virtio_mmio virtio_blk virtio_net virtio_console virtio_balloon rng-core virtio-rng
	vsock vmw_vsock_virtio_transport virtiofs crc32c_generic ext4'

# needs WHAT TEST...: whether one of them says so.
needs() {
	wanted=$1
	shift
	for name in "$@"; do
		case $name in
		tests/lab/linux/*) ! grep -q "^# Needs the $wanted\." "$top/$name" || return 0 ;;
		esac
	done
	return 1
}

# fetch_image NAME PACKAGE...: packages with what they need, as an image with this name.
fetch_image() {
	tools=$work/$1
	label=$1
	shift
	rm -rf "$tools"
	mkdir -p "$tools/root"
	apt_open "$tools/apt" /dev/null "$suite" || return 1
	apt "$tools/apt" "$debian_arch" apt-get update || return 1
	apt "$tools/apt" "$debian_arch" apt-get install --download-only -y --no-install-recommends "$@" || return 1
	unpack "$tools/root" "$tools"/apt/cache/archives/*.deb || return 1
	rm -rf "$tools/root/usr/share/doc" "$tools/root/usr/share/man" "$tools/root/usr/share/locale" \
		"$tools/apt/cache/archives"
	# What maintainer scripts would make, as far as somebody asks for it.
	mkdir -p "$tools/root/etc" "$tools/root/proc" "$tools/root/sys" "$tools/root/dev" "$tools/root/tmp" \
		"$tools/root/mnt"
	# Debian's root has these by a package of its own; programs name their interpreter by them.
	for name in bin lib lib64 sbin; do
		test -e "$tools/root/$name" || test ! -d "$tools/root/usr/$name" || ln -s "usr/$name" "$tools/root/$name"
	done
	printf 'root:x:0:0:root:/root:/bin/sh\nnobody:x:65534:65534:nobody:/:/bin/false\n' >"$tools/root/etc/passwd"
	printf 'root:x:0:\nnogroup:x:65534:\n' >"$tools/root/etc/group"
	# Half as much again: inodes and what is not full of each file's last block.
	size=$(($(du -sm "$tools/root" | cut -f 1) * 3 / 2 + 16))
	PATH=$PATH:/usr/sbin:/sbin mke2fs -q -t ext4 -L "$label" -O ^has_journal -d "$tools/root" "$tools/image" \
		"${size}M" || return 1
	rm -rf "$tools/root"
}

fetch_tools() {
	# shellcheck disable=SC2086
	fetch_image tools $tools_packages ${tools_more:-} || return 1
	echo "$tools_packages ${tools_more:-}" >"$work/tools/packages"
}

fetch_peers() {
	fetch_image peers "$peers_package"
}

lab_fetch_peers() {
	$has_peers || return 0
	mkdir -p "$work/peers"
	fetched "$work/peers" "a QEMU for $arch" fetch_peers
}

lab_peers_drive() {
	! $has_peers || echo "-drive file=$work/peers/image,if=none,id=peers,format=raw,readonly=on
		-device virtio-blk-pci,drive=peers,serial=peers"
}

# Essential packages and apt, and what makes a system of them that starts, has a network and lets one in.
debian_packages='initramfs-tools zstd systemd-sysv udev dbus login iproute2 e2fsprogs'

fetch_mmdebstrap() {
	apt_open "$debian/apt" /dev/null "$(. /etc/os-release && echo "$VERSION_CODENAME")" || return 1
	architecture=$(dpkg --print-architecture)
	apt "$debian/apt" "$architecture" apt-get update || return 1
	mkdir -p "$debian/host" || return 1
	(cd "$debian/host" && apt "$debian/apt" "$architecture" apt-get download mmdebstrap) || return 1
	unpack "$debian/host" "$debian"/host/*.deb
}

# fetch_debian: Debian installed by its own packages' scripts. Files of many owners need root, or user
# namespaces (which mmdebstrap looks for) and fakeroot.
fetch_debian() {
	debian=$work/debian
	rm -rf "$debian"
	mkdir -p "$debian/disk" || return 1
	# Scripts, which need no installation.
	command -v mmdebstrap >/dev/null 2>&1 || fetch_mmdebstrap || return 1
	site=$(mirror)
	test -n "$site" || lab_die "this system's apt sources have no entry for its release"
	# The directory's name is the shell's in the hook.
	# shellcheck disable=SC2016
	PATH=$PATH:$debian/host/usr/bin mmdebstrap --variant=apt --architectures="$debian_arch" --format=tar \
		--include="$(echo "$kernel_package $debian_packages" | tr ' ' ,)" \
		--aptopt='Acquire::Retries "3"' --dpkgopt='path-exclude=/usr/share/doc/*' \
		--dpkgopt='path-exclude=/usr/share/man/*' --dpkgopt='path-exclude=/usr/share/locale/*' \
		--customize-hook='chroot "$1" systemctl enable systemd-networkd' \
		"$suite" "$debian/root.tar" "deb $site $suite main" || return 1
	$as_root "$here/debian-image" "$debian/root.tar" "$debian/disk" || return 1
	rm -f "$debian/root.tar"
	# Room for what the guest writes, where root.img has holes.
	size=$(($(du -sm --apparent-size "$debian/disk" | cut -f 1) + 64))
	PATH=$PATH:/usr/sbin:/sbin mke2fs -q -t ext4 -L debian -O ^has_journal -d "$debian/disk" "$debian/image" \
		"${size}M" || return 1
	rm -rf "$debian/disk" "$debian/host" "$debian/apt"
}

lab_fetch_debian() {
	$has_debian || return 0
	mkdir -p "$work/debian"
	as_root=
	test "$(id -u)" -eq 0 || as_root=fakeroot
	test -z "$as_root" || command -v fakeroot >/dev/null 2>&1 || lab_cannot 'neither root nor fakeroot'
	fetched "$work/debian" "Debian $suite's root file system for $arch" fetch_debian
}

lab_debian_drive() {
	! $has_debian || echo "-drive file=$work/debian/image,if=none,id=debian,format=raw,snapshot=on
		-device virtio-blk-pci,drive=debian,serial=debian"
}

lab_fetch_tools() {
	$has_tools || return 0
	mkdir -p "$work/tools"
	# Again when others are asked for.
	test "$(cat "$work/tools/packages" 2>/dev/null)" = "$tools_packages ${tools_more:-}" || rm -f "$work/tools/fetched"
	fetched "$work/tools" "tools for $arch" fetch_tools
}

lab_tools_drive() {
	! $has_tools || echo "-drive file=$work/tools/image,if=none,id=tools,format=raw,readonly=on
		-device virtio-blk-pci,drive=tools,serial=tools"
}

# module_needs NAME ROOT: what it depends on, by its own words.
module_needs() {
	module "$1" "$2" | tr '\0' '\n' | sed -n 's/^depends=//p' | tr ',' ' '
}

# In $ordered after its own needs; names with - and _ are one.
order_module() {
	case " $ordered " in
	*" $(echo "$1" | tr - _) "*) return ;;
	esac
	# Built in, or not there in this release.
	found=$(find "$2" -name "$(echo "$1" | sed 's/[-_]/[-_]/g').ko*" -type f | head -n 1)
	test -n "$found" || return 0
	found=$(basename "$found")
	found=${found%%.ko*}
	for needed in $(module_needs "$found" "$2"); do
		order_module "$needed" "$2"
	done
	found=$(basename "$(find "$2" -name "$(echo "$1" | sed 's/[-_]/[-_]/g').ko*" -type f | head -n 1)")
	files="$files ${found%%.ko*}"
	ordered="$ordered $(echo "$1" | tr - _)"
}

pack_modules() {
	from=$1
	into_modules=$2
	shift 2
	ordered=
	files=
	number=100
	for name in "$@"; do
		order_module "$name" "$from"
	done
	for name in $files; do
		number=$((number + 1))
		module "$name" "$from" >"$into_modules/$number-$name.ko" || return 1
	done
}
