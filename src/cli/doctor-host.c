/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What this host has beside KVM.
 */
#include <errno.h>
#include <fcntl.h>
#include <linux/io_uring.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "cli/control.h"
#include "cli/doctor-host.h"

#define SAY(buffer, ...) snprintf(buffer, sizeof(buffer), __VA_ARGS__)

static void try_uring(struct host_part *part)
{
	struct io_uring_params params = { .flags = 0 };
	long fd = syscall(__NR_io_uring_setup, 4, &params);

	if (fd >= 0) {
		close((int)fd);
		part->works = true;
		return;
	}
	SAY(part->without, "%s: disks are worked on by threads, which cost more",
	    errno == ENOSYS ? "this kernel has no io_uring"
			    : "io_uring is denied (kernel.io_uring_disabled, a seccomp filter)");
	if (errno == EPERM || errno == EACCES)
		SAY(part->advice,
		    "For faster disks allow io_uring: sysctl kernel.io_uring_disabled=0, "
		    "or the container's seccomp profile.");
	else if (errno == ENOMEM)
		SAY(part->without, "no memory may be locked: raise ulimit -l");
}

/* A device node that is opened for reading and writing. */
static void try_node(struct host_part *part, const char *path, const char *module)
{
	int fd = open(path, O_RDWR | O_CLOEXEC);

	if (fd >= 0) {
		close(fd);
		part->works = true;
		return;
	}
	SAY(part->without, "%s: %s", path, strerror(errno));
	if (errno == ENOENT)
		SAY(part->advice, "For %s load its module: modprobe %s.", part->name, module);
	else if (errno == EACCES || errno == EPERM)
		SAY(part->advice, "For %s give yourself access to %s.", part->name, path);
}

static void try_tun(struct host_part *part)
{
	try_node(part, "/dev/net/tun", "tun");
	if (!part->works && !*part->advice)
		SAY(part->advice, "--net tap needs /dev/net/tun; --net user does without.");
}

static bool is_program(const char *folder, size_t len, const char *name)
{
	char path[512];

	SAY(path, "%.*s/%s", (int)len, folder, name);
	return !access(path, X_OK);
}

/* Where the library looks for it: $PATH, then @more folders, which a ':' separates. */
static bool find_program(const char *name, const char *more)
{
	const char *lists[2] = { getenv("PATH"), more };

	for (unsigned i = 0; i < 2; i++) {
		for (const char *at = lists[i]; at && *at; at += strspn(at, ":")) {
			size_t len = strcspn(at, ":");

			if (len && is_program(at, len, name))
				return true;
			at += len;
		}
	}
	return false;
}

static void try_passt(struct host_part *part)
{
	part->works = find_program("passt", NULL);
	if (part->works)
		return;
	SAY(part->without, "there is no program passt: --net user does not work");
	SAY(part->advice, "For --net user install passt (package passt).");
}

static void try_virtiofsd(struct host_part *part)
{
	part->works = find_program("virtiofsd", "/usr/libexec:/usr/lib/qemu");
	if (part->works)
		return;
	SAY(part->without, "there is no program virtiofsd: --share does not work");
	SAY(part->advice, "For --share install virtiofsd (Debian 13: package virtiofsd; Debian 12: "
			  "qemu-system-common).");
}

/* The folder of control sockets, or the one that it would be made in. */
static void try_folder(struct host_part *part)
{
	char folder[CONTROL_PATH_SIZE], *slash;

	if (!control_folder(folder)) {
		SAY(part->without, "its name is too long");
		return;
	}
	if (control_check_folder(folder) == -EPERM) {
		SAY(part->without, "%s: it is not this user's alone: VMs have no names", folder);
		SAY(part->advice, "For axvmm list, status and stop set AXVMM_RUNTIME_DIR to a "
				  "folder of your own.");
		return;
	}
	if (access(folder, F_OK)) {
		slash = strrchr(folder, '/');
		if (slash && slash != folder)
			*slash = 0;
	}
	part->works = !access(folder, R_OK | W_OK | X_OK);
	if (part->works)
		return;
	SAY(part->without, "%s: %s: VMs have no names", folder, strerror(errno));
	SAY(part->advice, "For axvmm list, status and stop set AXVMM_RUNTIME_DIR to a folder of "
			  "your own.");
}

static const struct {
	const char *name;
	const char *use;
	void (*try)(struct host_part *part);
} parts[] = {
	{ "io_uring", "disks without threads", try_uring },
	{ "tun", "--net tap", try_tun },
	{ "passt", "--net user", try_passt },
	{ "virtiofsd", "--share", try_virtiofsd },
	{ "runtime folder", "axvmm list, status, stop and others", try_folder },
};

bool host_part(unsigned index, struct host_part *part)
{
	if (index >= sizeof(parts) / sizeof(parts[0]))
		return false;
	*part = (struct host_part){ .name = parts[index].name, .use = parts[index].use };
	parts[index].try(part);
	return true;
}
