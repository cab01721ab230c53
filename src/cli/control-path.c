/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Where the control sockets of running VMs are, and how one comes and goes there.
 */
#include <ctype.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "cli/cli.h"
#include "cli/control.h"

bool control_name_is_good(const char *name)
{
	static const char others[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
				     "0123456789._-";
	size_t len = strlen(name);

	return len && len <= CONTROL_NAME_MAX && strspn(name, others) == len &&
	       isalnum((unsigned char)name[0]);
}

/* printf() into a path: false, after a message, when it does not fit. */
static bool __attribute__((format(printf, 2, 3)))
make_path(char path[CONTROL_PATH_SIZE], const char *format, ...)
{
	va_list args;
	int len;

	va_start(args, format);
	len = vsnprintf(path, CONTROL_PATH_SIZE, format, args);
	va_end(args);
	if (len >= 0 && len < CONTROL_PATH_SIZE)
		return true;
	cli_message("%s...: too long for a socket's path, which has %d bytes at most; "
		    "AXVMM_RUNTIME_DIR names another folder",
		    path, CONTROL_PATH_SIZE - 1);
	return false;
}

bool control_folder(char folder[CONTROL_PATH_SIZE])
{
	const char *own = getenv("AXVMM_RUNTIME_DIR");
	const char *user = getenv("XDG_RUNTIME_DIR");

	if (own && *own)
		return make_path(folder, "%s", own);
	if (user && *user)
		return make_path(folder, "%s/axvmm", user);
	if (!geteuid())
		return make_path(folder, "/run/axvmm");
	return make_path(folder, "/tmp/axvmm-%u", (unsigned)geteuid());
}

bool control_path(const char *name, char path[CONTROL_PATH_SIZE])
{
	char folder[CONTROL_PATH_SIZE];

	return control_folder(folder) && make_path(path, "%s/%s.sock", folder, name);
}

static void fill_address(struct sockaddr_un *address, const char *path)
{
	*address = (struct sockaddr_un){ .sun_family = AF_UNIX };
	memcpy(address->sun_path, path, strlen(path) + 1);
}

int control_connect(const char *path)
{
	struct sockaddr_un address;
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	int error;

	if (fd < 0)
		return -errno;
	fill_address(&address, path);
	if (!connect(fd, (struct sockaddr *)&address, sizeof(address)))
		return fd;
	error = errno;
	close(fd);
	return -error;
}

/*
 * A folder that is this user's alone: a descriptor, or a negative errno. In one that others may write to
 * they could put sockets of their own, or links to others of ours.
 */
static int open_private(const char *folder, bool root_may)
{
	int fd = open(folder, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	struct stat status;

	if (fd < 0)
		return errno == ELOOP || errno == ENOTDIR ? -EPERM : -errno;
	if (!fstat(fd, &status) && !(status.st_mode & 022) &&
	    (status.st_uid == geteuid() || (root_may && !geteuid())))
		return fd;
	close(fd);
	return -EPERM;
}

/* What is wrong with a folder that cannot be had: @error is a negative errno. */
static void tell_folder(const char *folder, int error)
{
	cli_message("%s: %s", folder,
		    error == -EPERM ? "the folder of control sockets has to be this user's, and "
				      "writable for nobody else"
				    : strerror(-error));
}

int control_check_folder(const char *folder)
{
	int fd = open_private(folder, true);

	if (fd < 0)
		return fd;
	close(fd);
	return 0;
}

int control_find_folder(char folder[CONTROL_PATH_SIZE])
{
	int ret = control_folder(folder) ? control_check_folder(folder) : -ENAMETOOLONG;

	if (ret && ret != -ENOENT && ret != -ENAMETOOLONG)
		tell_folder(folder, ret);
	return ret;
}

/* The folder, ours alone, and locked: a descriptor, or a negative errno. */
static int open_folder(const char *folder)
{
	int fd;

	if (mkdir(folder, 0700) && errno != EEXIST)
		return -errno;
	fd = open_private(folder, false);
	if (fd < 0)
		return fd;
	if (flock(fd, LOCK_EX)) {
		int error = errno;

		close(fd);
		return -error;
	}
	return fd;
}

/* Remove what is at @path if nobody listens there: with the folder locked. False: somebody does. */
static bool remove_dead(const char *path)
{
	struct stat status;
	int fd;

	if (lstat(path, &status))
		return true;
	if (!S_ISSOCK(status.st_mode))
		return false;
	fd = control_connect(path);
	if (fd >= 0)
		close(fd);
	if (fd != -ECONNREFUSED)
		return false;
	return !unlink(path);
}

void control_remove_stale(const char *path)
{
	char folder[CONTROL_PATH_SIZE];
	int lock;

	if (!control_folder(folder))
		return;
	lock = open_folder(folder);
	if (lock < 0)
		return;
	remove_dead(path);
	close(lock);
}

/* With the folder locked. */
static int bind_and_listen(const char *path)
{
	struct sockaddr_un address;
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	int error;

	if (fd < 0)
		return -errno;
	fill_address(&address, path);
	/* Before it has a name, so that it never has another mode. */
	if (!fchmod(fd, 0600) && !bind(fd, (struct sockaddr *)&address, sizeof(address)) &&
	    !chmod(path, 0600) && !listen(fd, CONTROL_CLIENTS_MAX))
		return fd;
	error = errno;
	close(fd);
	return -error;
}

int control_listen(const char *name, char path[CONTROL_PATH_SIZE], bool quiet)
{
	char folder[CONTROL_PATH_SIZE];
	int lock, fd;

	if (!control_folder(folder) || !control_path(name, path))
		return -ENAMETOOLONG;
	lock = open_folder(folder);
	if (lock < 0) {
		if (!quiet)
			tell_folder(folder, lock);
		return lock;
	}
	if (remove_dead(path)) {
		fd = bind_and_listen(path);
		if (fd < 0 && !quiet)
			cli_message("%s: %s", path, strerror(-fd));
	} else {
		fd = -EEXIST;
		if (!quiet)
			cli_message(
				"--name %s: a VM of this name runs already, or %s is no socket; "
				"\"axvmm list\" lists those that run",
				name, path);
	}
	close(lock);
	return fd;
}

static int is_socket(const struct dirent *entry)
{
	const char *end = strrchr(entry->d_name, '.');
	char name[CONTROL_NAME_MAX + 1];

	if (!end || strcmp(end, ".sock") != 0 || (size_t)(end - entry->d_name) > CONTROL_NAME_MAX)
		return 0;
	snprintf(name, sizeof(name), "%.*s", (int)(end - entry->d_name), entry->d_name);
	return control_name_is_good(name);
}

int control_names(char ***names)
{
	char folder[CONTROL_PATH_SIZE];
	struct dirent **entries = NULL;
	int found, count = 0;

	*names = NULL;
	found = control_find_folder(folder);
	if (found)
		return found == -ENOENT ? 0 : found;
	found = scandir(folder, &entries, is_socket, alphasort);
	if (found < 0) {
		int error = errno;

		cli_message("%s: %s", folder, strerror(error));
		return -error;
	}
	*names = calloc(found ? (size_t)found : 1, sizeof(**names));
	for (int i = 0; i < found; i++) {
		*strrchr(entries[i]->d_name, '.') = 0;
		if (*names)
			(*names)[count] = strdup(entries[i]->d_name);
		if (*names && (*names)[count])
			count++;
		free(entries[i]);
	}
	free(entries);
	if (*names)
		return count;
	cli_message("there is no memory left");
	return -ENOMEM;
}

void control_names_free(char **names, int count)
{
	for (int i = 0; i < count; i++)
		free(names[i]);
	free(names);
}
