/* SPDX-License-Identifier: Apache-2.0 */
/*
 * virtiofsd: finding, starting, listening to and ending it.
 */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "dev/backend/spawn.h"
#include "dev/backend/unix.h"
#include "dev/backend/virtiofsd.h"

#define NAME	  "virtiofsd"
#define HELP_SIZE 16384
#define STOP_MS	  1000
#define ARGUMENTS 16
#define INHERITED "--fd=3"

/* On a host that is busy, the first start of a program from a cold disk takes seconds. */
#define HELP_MS 30000

/* Beside $PATH: where Debian 13 and Debian 12 have it. */
static const char *const folders[] = { "/usr/libexec", "/usr/lib/qemu", "/usr/lib" };

static uint64_t now_ms(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (uint64_t)now.tv_sec * 1000 + (uint64_t)now.tv_nsec / 1000000;
}

static bool is_program(char *path, size_t size, const char *folder, size_t len, const char *name)
{
	struct stat st;

	snprintf(path, size, "%.*s/%s", (int)len, folder, name);
	return !stat(path, &st) && S_ISREG(st.st_mode) && !access(path, X_OK);
}

static bool search(char *path, size_t size, const char *name)
{
	const char *at = getenv("PATH");

	while (at && *at) {
		size_t len = strcspn(at, ":");

		if (len && is_program(path, size, at, len, name))
			return true;
		at += len + (at[len] == ':');
	}
	for (size_t i = 0; i < sizeof(folders) / sizeof(folders[0]); i++) {
		if (is_program(path, size, folders[i], strlen(folders[i]), name))
			return true;
	}
	return false;
}

static int find_program(char *path, size_t size, const char *program, AxError *err)
{
	if (program && strchr(program, '/')) {
		snprintf(path, size, "%s", program);
		if (!access(path, X_OK))
			return 0;
		return ax_error_set(err, errno == EACCES ? -EACCES : -ENOENT, AX_ERROR_FILE, errno,
				    "%s cannot be executed: %s", program, strerror(errno));
	}
	if (search(path, size, program ? program : NAME))
		return 0;
	return ax_error_set(err, -ENOENT, AX_ERROR_FILE, ENOENT,
			    "%s is not installed: packages virtiofsd (Debian 13), "
			    "qemu-system-common (Debian 12)",
			    program ? program : NAME);
}

/* It leads a process group, in which its own children are. Where SIGCHLD is ignored its number may be
 * another's when it has ended. */
static void kill_all(pid_t pid)
{
	siginfo_t info;

	if (waitid(P_PID, (id_t)pid, &info, WEXITED | WNOHANG | WNOWAIT))
		return;
	kill(-pid, SIGKILL);
	kill(pid, SIGKILL);
}

/* Our own child; nobody is there where the process ignores SIGCHLD. Killed when it takes too long. */
static void reap(pid_t pid, uint64_t patience_ms)
{
	const struct timespec pause = { .tv_nsec = 2000000 };
	uint64_t end = now_ms() + patience_ms;
	pid_t got;

	while ((got = waitpid(pid, NULL, WNOHANG)) == 0 && now_ms() < end)
		nanosleep(&pause, NULL);
	if (got)
		return;
	kill_all(pid);
	while (waitpid(pid, NULL, 0) < 0 && errno == EINTR)
		;
}

/* Read all that it writes; false: it has not come to its end in time. */
static bool read_all(int fd, char *text, size_t size, int limit_ms)
{
	uint64_t end = now_ms() + (uint64_t)limit_ms;
	struct pollfd wait = { .fd = fd, .events = POLLIN };
	bool is_all = false;
	size_t len = 0;

	while (!is_all && len < size - 1 && now_ms() < end) {
		ssize_t got = read(fd, text + len, size - 1 - len);

		if (got > 0)
			len += (size_t)got;
		else if (got == 0 || (errno != EAGAIN && errno != EINTR))
			is_all = true;
		else
			poll(&wait, 1, limit_ms < 100 ? limit_ms : 100);
	}
	text[len] = 0;
	return is_all || len == size - 1;
}

/* user_namespaces(7): root there is this user outside, and the only user there is. */
static const char *const in_namespace[] = { "unshare", "--map-root-user", "--" };
#define IN_NAMESPACE 3u

enum ax_virtiofsd_flavour ax_virtiofsd_ask(const char *path, bool wrap, int limit_ms)
{
	const char *arguments[IN_NAMESPACE + 3] = { in_namespace[0], in_namespace[1],
						    in_namespace[2], path, "--help" };
	enum ax_virtiofsd_flavour flavour = AX_VIRTIOFSD_OTHER;
	char *text = malloc(HELP_SIZE);
	pid_t pid;
	int fd;

	if (text &&
	    !spawn_start(arguments + (wrap ? 0 : IN_NAMESPACE), -1, true, &pid, &fd, NULL)) {
		bool is_all = read_all(fd, text, HELP_SIZE, limit_ms);

		close(fd);
		reap(pid, 0);
		if (strstr(text, "--shared-dir"))
			flavour = strstr(text, "--readonly") ? AX_VIRTIOFSD_IN_RUST_NEWER
							     : AX_VIRTIOFSD_IN_RUST;
		else if (strstr(text, "--socket-path"))
			flavour = AX_VIRTIOFSD_IN_C;
		else if (!is_all)
			flavour = AX_VIRTIOFSD_SILENT;
	}
	free(text);
	return flavour;
}

/* How it is to be run. */
struct way {
	enum ax_virtiofsd_flavour flavour;
	uint32_t sandbox;
	bool wrap; /* in a user namespace */
	bool read_only;
};

static int choose_way(struct way *way, const char *path, uint32_t sandbox, AxError *err)
{
	bool may_not = false;

	way->sandbox = sandbox;
	way->wrap = geteuid() && sandbox != AX_VIRTIO_FS_SANDBOX_NONE;
	way->flavour = ax_virtiofsd_ask(path, way->wrap, HELP_MS);
	if (way->wrap && way->flavour == AX_VIRTIOFSD_OTHER) {
		way->flavour = ax_virtiofsd_ask(path, false, HELP_MS);
		may_not = true;
	}
	if (way->flavour == AX_VIRTIOFSD_SILENT)
		return ax_error_set(
			err, -EIO, AX_ERROR_RESOURCE, 0,
			"%s --help has not come to its end within %d s: is the host too "
			"busy, or is it no virtiofsd?",
			path, HELP_MS / 1000);
	if (way->flavour == AX_VIRTIOFSD_OTHER)
		return ax_error_set(err, -ENOTSUP, AX_ERROR_UNSUPPORTED, 0,
				    "%s is no virtiofsd: its --help tells of no --socket-path",
				    path);
	if (way->flavour == AX_VIRTIOFSD_IN_C && sandbox == AX_VIRTIO_FS_SANDBOX_NONE)
		return ax_error_set(err, -ENOTSUP, AX_ERROR_UNSUPPORTED, 0,
				    "%s is the one written in C, which knows no sandbox \"none\": "
				    "take another sandbox, or the package virtiofsd (Debian 13)",
				    path);
	if (way->read_only && way->flavour != AX_VIRTIOFSD_IN_RUST_NEWER)
		return ax_error_set(err, -ENOTSUP, AX_ERROR_UNSUPPORTED, 0,
				    "%s knows no --readonly, which sharing read-only needs: newer "
				    "ones do (Debian 13); or share, without ro, a directory that "
				    "is mounted read-only (mount -o bind,ro)",
				    path);
	if (!may_not)
		return 0;
	if (way->flavour == AX_VIRTIOFSD_IN_C || sandbox != AX_VIRTIO_FS_SANDBOX_AUTO)
		return ax_error_set(err, -ENOTSUP, AX_ERROR_UNSUPPORTED, 0,
				    "%s needs root, or the right to make user namespaces (unshare "
				    "--map-root-user), which this user does not have",
				    path);
	way->sandbox = AX_VIRTIO_FS_SANDBOX_NONE;
	way->wrap = false;
	return 0;
}

/* The command's arguments for one of the two programs. */
struct command {
	const char *arguments[ARGUMENTS];
	unsigned count;
	char source[PATH_MAX + 32];
};

static void add(struct command *command, const char *argument)
{
	if (command->count < ARGUMENTS - 1)
		command->arguments[command->count++] = argument;
}

static const char *sandbox_name(uint32_t sandbox)
{
	switch (sandbox) {
	case AX_VIRTIO_FS_SANDBOX_CHROOT: return "chroot";
	case AX_VIRTIO_FS_SANDBOX_NONE: return "none";
	default: return "namespace";
	}
}

/* Options of the program in C are separated by commas: one in a path wants a backslash before it. */
static void quote(char *to, size_t size, const char *path)
{
	size_t len = strlen(to);

	for (; *path && len + 2 < size; path++) {
		if (*path == ',' || *path == '\\')
			to[len++] = '\\';
		to[len++] = *path;
	}
	to[len] = 0;
}

static void make_command(struct command *command, const struct way *way, const char *path,
			 const char *directory)
{
	for (unsigned i = 0; way->wrap && i < IN_NAMESPACE; i++)
		add(command, in_namespace[i]);
	add(command, path);
	add(command, INHERITED);
	/* Its limit of descriptors may only be raised by root. */
	if (geteuid())
		add(command, "--rlimit-nofile=0");
	if (way->flavour != AX_VIRTIOFSD_IN_C) {
		snprintf(command->source, sizeof(command->source), "--shared-dir=%s", directory);
		add(command, command->source);
		add(command, "--sandbox");
		add(command, sandbox_name(way->sandbox));
		if (way->read_only)
			add(command, "--readonly");
		/* The last that it writes stands in messages: not that it has begun. */
		if (way->flavour == AX_VIRTIOFSD_IN_RUST_NEWER)
			add(command, "--log-level=warn");
		return;
	}
	snprintf(command->source, sizeof(command->source), "source=");
	quote(command->source, sizeof(command->source), directory);
	add(command, "-f");
	add(command, "-o");
	add(command, "log_level=warn");
	add(command, "-o");
	add(command, command->source);
	add(command, "-o");
	add(command,
	    way->sandbox == AX_VIRTIO_FS_SANDBOX_CHROOT ? "sandbox=chroot" : "sandbox=namespace");
}

/* A socket that listens, and a connection to it: nobody else can have come first, or come at all. */
static int make_sockets(int *listening, int *connected, AxError *err)
{
	char folder[] = "/tmp/axvmm-fs-XXXXXX", path[sizeof(folder) + 8];
	struct ax_unix_listener listener;
	int ret;

	if (!mkdtemp(folder))
		return ax_error_set(err, -EIO, AX_ERROR_FILE, errno,
				    "cannot make a folder in /tmp for a socket: %s",
				    strerror(errno));
	snprintf(path, sizeof(path), "%s/socket", folder);
	ret = ax_unix_listen(&listener, path, 1, err);
	if (!ret) {
		*connected = ax_unix_connect(path);
		*listening = fcntl(listener.fd, F_DUPFD_CLOEXEC, 4);
		ax_unix_listen_end(&listener);
		if (*connected < 0 || *listening < 0) {
			ret = ax_error_set(err, -EIO, AX_ERROR_RESOURCE, errno,
					   "cannot connect to a socket of our own");
			if (*connected >= 0)
				close(*connected);
			if (*listening >= 0)
				close(*listening);
		} else {
			(void)fcntl(*listening, F_SETFL, 0);
		}
	}
	rmdir(folder);
	return ret;
}

static int launch(struct ax_virtiofsd *daemon, const struct way *way, const char *path,
		  const char *directory, int listening, AxError *err)
{
	struct command *command = calloc(1, sizeof(*command));
	int ret;

	if (!command)
		return ax_error_set(err, -ENOMEM, AX_ERROR_RESOURCE, 0, "no memory for %s", path);
	make_command(command, way, path, directory);
	ret = spawn_start(command->arguments, listening, true, &daemon->pid, &daemon->log_fd, err);
	free(command);
	return ret;
}

int ax_virtiofsd_start(struct ax_virtiofsd *daemon, const char *program, const char *directory,
		       uint32_t sandbox, bool read_only, int *fd, AxError *err)
{
	char path[PATH_MAX], real[PATH_MAX];
	int listening = -1, ret;
	struct stat st;
	struct way way = { .read_only = read_only };

	*daemon = (struct ax_virtiofsd){ .log_fd = -1 };
	if (!realpath(directory, real) || stat(real, &st))
		return ax_error_set(err, errno == EACCES ? -EACCES : -ENOENT, AX_ERROR_FILE, errno,
				    "cannot share %s: %s", directory, strerror(errno));
	if (!S_ISDIR(st.st_mode))
		return ax_error_set(err, -EINVAL, AX_ERROR_FILE, ENOTDIR,
				    "cannot share %s: it is no directory", directory);
	if (access(real, R_OK | X_OK))
		return ax_error_set(err, -EACCES, AX_ERROR_FILE, errno,
				    "cannot share %s: this user may not look into it: %s",
				    directory, strerror(errno));
	ret = find_program(path, sizeof(path), program, err);
	if (ret)
		return ret;
	ret = choose_way(&way, path, sandbox, err);
	if (ret)
		return ret;
	ret = make_sockets(&listening, fd, err);
	if (ret)
		return ret;
	ret = launch(daemon, &way, path, real, listening, err);
	close(listening);
	if (ret)
		close(*fd);
	return ret;
}

/* Room for more at the end of what is kept: the older half goes when there is none. */
static char *log_end(struct ax_virtiofsd *daemon)
{
	const size_t half = AX_VIRTIOFSD_LOG / 2;

	if (daemon->log_len >= AX_VIRTIOFSD_LOG - 1) {
		memmove(daemon->log, daemon->log + daemon->log_len - half, half);
		daemon->log_len = half;
	}
	return daemon->log + daemon->log_len;
}

bool ax_virtiofsd_listen(struct ax_virtiofsd *daemon, int timeout_ms)
{
	uint64_t end = now_ms() + (uint64_t)timeout_ms, now;
	struct pollfd wait = { .fd = daemon->log_fd, .events = POLLIN };

	while (daemon->log_fd >= 0 && !daemon->ended) {
		char *to = log_end(daemon);
		ssize_t got = read(daemon->log_fd, to, AX_VIRTIOFSD_LOG - 1 - daemon->log_len);

		if (got > 0) {
			daemon->log_len += (size_t)got;
			daemon->log[daemon->log_len] = 0;
		} else {
			daemon->ended = got == 0 || (errno != EAGAIN && errno != EINTR);
		}
		/* Also of one that writes faster than it is read. */
		now = now_ms();
		if (daemon->ended || now >= end)
			break;
		if (got < 0)
			poll(&wait, 1, (int)(end - now));
	}
	return !daemon->ended;
}

const char *ax_virtiofsd_last_words(struct ax_virtiofsd *daemon)
{
	size_t len = daemon->log_len;
	char *line;

	while (len && (daemon->log[len - 1] == '\n' || daemon->log[len - 1] == '\r'))
		len--;
	daemon->log[len] = 0;
	line = memrchr(daemon->log, '\n', len);
	line = line ? line + 1 : daemon->log;
	/* It ends up in messages for terminals. */
	for (char *at = line; *at; at++) {
		if ((unsigned char)*at < ' ' || *at == 0x7f)
			*at = '?';
	}
	return line;
}

void ax_virtiofsd_kill(const struct ax_virtiofsd *daemon)
{
	if (daemon->pid)
		kill_all(daemon->pid);
}

void ax_virtiofsd_stop(struct ax_virtiofsd *daemon)
{
	bool hangs;

	if (!daemon->pid)
		return;
	hangs = ax_virtiofsd_listen(daemon, STOP_MS);
	if (daemon->log_fd >= 0)
		close(daemon->log_fd);
	daemon->log_fd = -1;
	reap(daemon->pid, hangs ? 0 : STOP_MS);
	daemon->pid = 0;
}
