# SPDX-License-Identifier: Apache-2.0
# Rules on C sources, for tests/lint/layering. Reads the list of the tree's files first (-v list=),
# then the sources; prints "path:line: rule: what" for each breach.

# Lower may not include upper; core and arch are one level, and so are boot and dev.
function level_of(path)
{
	if (path ~ /^src\/sys\//) return 1
	if (path ~ /^src\/(arch|core)\//) return 2
	if (path ~ /^src\/(boot|dev|debug)\//) return 3
	if (path ~ /^src\/machine\//) return 4
	if (path ~ /^src\/cli\//) return 5
	return 0
}

function report(rule, what)
{
	printf "%s:%d: %s: %s\n", FILENAME, FNR, rule, what
}

# The code of a line without comments; in_comment goes from line to line. Strings stay if asked for.
function strip(line, keep_strings,	out, c, two, quote)
{
	out = ""
	while (line != "") {
		c = substr(line, 1, 1)
		two = substr(line, 1, 2)
		if (in_comment) {
			if (two == "*/") {
				in_comment = 0
				line = substr(line, 3)
			} else {
				line = substr(line, 2)
			}
		} else if (two == "/*") {
			in_comment = 1
			line = substr(line, 3)
		} else if (two == "//") {
			break
		} else if (c == "\"" || c == "'") {
			quote = c
			out = out c
			line = substr(line, 2)
			while (line != "" && substr(line, 1, 1) != quote) {
				c = substr(line, 1, 1) == "\\" ? substr(line, 1, 2) : substr(line, 1, 1)
				if (keep_strings)
					out = out c
				line = substr(line, length(c) + 1)
			}
			out = out quote
			line = substr(line, 2)
		} else {
			out = out c
			line = substr(line, 2)
		}
	}
	return out
}

# "a/b/../c" is "a/c".
function normal(path)
{
	while (path ~ /\/\.\.\//) {
		if (!sub(/[^\/]+\/\.\.\//, "", path))
			break
	}
	gsub(/\/\.\//, "/", path)
	return path
}

# The tree's file that an include means, or "".
function resolve(name, quoted,	folder, candidate)
{
	folder = FILENAME
	sub(/[^\/]*$/, "", folder)
	if (quoted) {
		candidate = normal(folder name)
		if (candidate in known)
			return candidate
	}
	candidate = normal("src/" name)
	if (candidate in known)
		return candidate
	if (("include/" name) in known)
		return "include/" name
	if (name in known)
		return name
	return ""
}

# name in angle brackets or quotes, as the public headers may use it.
function is_libc(name)
{
	return name ~ /^(assert|errno|inttypes|limits|signal|stdarg|stdbool|stddef|stdint|stdio|stdlib|string|time|sys\/types|sys\/uio)\.h$/
}

function check_include(code,	name, quoted, target)
{
	quoted = code ~ /include[ \t]*"/
	name = code
	sub(/^[^<"]*[<"]/, "", name)
	sub(/[>"].*$/, "", name)
	target = resolve(name, quoted)

	if (FILENAME ~ /^include\//) {
		if (!is_libc(name) && target !~ /^include\/axvmm\//)
			report("public-include", "a public header needs " name)
		return
	}
	if (FILENAME !~ /^src\//)
		return
	if (name == "linux/kvm.h" && level_of(FILENAME) > 2)
		report("kvm-header", "only src/sys, src/arch and src/core know <linux/kvm.h>")
	if (level_of(target) > level_of(FILENAME))
		report("upward-include", name " stands above this folder")
	if (target ~ /^src\/sys\// && level_of(FILENAME) > 2)
		report("sys-include", name " is for src/arch and src/core")
	if (FILENAME ~ /^src\/cli\// && target ~ /^src\// && target !~ /^src\/cli\//)
		report("cli-include", "the command uses public headers only, not " name)
}

BEGIN {
	while ((getline file < list) > 0)
		known[file] = 1
	# Written so that the words of this file do not match themselves.
	before = "(^|[^A-Za-z0-9_.>])"
	process_calls = before "(exit|_exit|_Exit|quick_exit|abort|assert|printf|fprintf|vprintf|" \
		"vfprintf|dprintf|vdprintf|puts|fputs|putchar|putc|fputc|perror|syslog)[ \t]*[(]"
	architectures = "(__x86_64|__amd64|__i386|_M_X64|__aarch64|__arm__|__ARM_|__riscv)"
}

FNR == 1 { in_comment = 0 }

{
	was_in_comment = in_comment
	code = strip($0, 0)
	in_comment = was_in_comment
	with_strings = strip($0, 1)
}

with_strings ~ /^[ \t]*#[ \t]*include[ \t]*[<"]/ { check_include(with_strings) }

code ~ /^[ \t]*#[ \t]*(if|ifdef|ifndef|elif)[ \t(!]/ && code ~ architectures &&
FILENAME !~ /^src\/(arch|machine)\// && FILENAME !~ /\/(x86_64|arm64|riscv64)\// {
	report("arch-condition", "an architecture is tested for outside src/arch and src/machine")
}

# src/floor is what the library is compared with, and has nothing of it.
FILENAME ~ /^src\// && FILENAME !~ /^src\/(sys|floor)\// {
	if (code ~ /(^|[^A-Za-z0-9_])ioctl[ \t]*[(]/ &&
	    code !~ /ioctl[ \t]*[(][^,]*,[ \t]*(FIO|TIOC|TUN|SIOC|BLK|UFFD)/)
		report("ioctl", "KVM's ioctls are issued in src/sys only")
	if (code ~ /(SYS|__NR)_ioctl/)
		report("ioctl", "an ioctl in disguise")
	if (with_strings ~ /open(at)?[ \t]*[(].*"\/dev\/kvm"/)
		report("ioctl", "/dev/kvm is opened in src/sys only")
}

FILENAME ~ /^src\// && FILENAME !~ /^src\/(cli|floor)\// && code ~ process_calls {
	report("process", "the library does not print, exit or abort")
}
