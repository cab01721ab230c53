/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Starting a program: between fork() and exec() nothing but system calls happens, for other threads of
 * this process may hold any lock.
 */
#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "dev/backend/virtiofsd.h"

/* What the child writes into /proc/self, made before fork(). */
struct maps {
	char users[48];
	char groups[48];
};

static bool put_file(const char *path, const char *text)
{
	int fd = open(path, O_WRONLY | O_CLOEXEC);
	ssize_t len = (ssize_t)strlen(text);
	bool good;

	if (fd < 0)
		return false;
	good = write(fd, text, (size_t)len) == len;
	close(fd);
	return good;
}

/* user_namespaces(7): without privileges one user and one group can be mapped, our own. */
static bool enter_user_namespace(const struct maps *maps)
{
	return !unshare(CLONE_NEWUSER) && put_file("/proc/self/setgroups", "deny") &&
	       put_file("/proc/self/uid_map", maps->users) &&
	       put_file("/proc/self/gid_map", maps->groups);
}

static void child_says(const char *text)
{
	(void)!write(2, text, strlen(text));
}

static void close_from(unsigned first)
{
#ifdef SYS_close_range
	if (!syscall(SYS_close_range, first, ~0u, 0))
		return;
#endif
	for (int fd = (int)first; fd < 1024; fd++)
		close(fd);
}

static void become(const struct ax_spawn *spawn, const struct maps *maps, int output)
{
	char *const *argv = spawn->argv;
	sigset_t none;
	int null;

	/* Keys typed at the terminal are not for it. */
	setsid();
	signal(SIGPIPE, SIG_DFL);
	sigemptyset(&none);
	sigprocmask(SIG_SETMASK, &none, NULL);
	/* Where both are out of the way of 0 to 3. */
	output = fcntl(output, F_DUPFD, 10);
	null = open("/dev/null", O_RDONLY);
	if (spawn->inherit >= 0 && dup2(spawn->inherit, 3) < 0)
		_exit(126);
	if (dup2(null, 0) < 0 || dup2(output, 1) < 0 || dup2(output, 2) < 0)
		_exit(126);
	close_from(spawn->inherit >= 0 ? 4 : 3);
	if (spawn->user_namespace && !enter_user_namespace(maps)) {
		argv = spawn->otherwise;
		if (!argv) {
			child_says(
				"user namespaces are not allowed here: only root can start it\n");
			_exit(126);
		}
	}
	execv(argv[0], argv);
	child_says("cannot be executed\n");
	_exit(127);
}

int ax_spawn(const struct ax_spawn *spawn, pid_t *pid, int *output, AxError *err)
{
	struct maps maps;
	int pipes[2], os_errno;

	snprintf(maps.users, sizeof(maps.users), "0 %u 1", (unsigned)geteuid());
	snprintf(maps.groups, sizeof(maps.groups), "0 %u 1", (unsigned)getegid());
	if (pipe2(pipes, O_CLOEXEC | O_NONBLOCK))
		return ax_error_set(err, -ENOMEM, AX_ERROR_RESOURCE, errno,
				    "no pipe for the output of %s: %s", spawn->argv[0],
				    strerror(errno));
	/* The program's end waits as every program's does. */
	(void)fcntl(pipes[1], F_SETFL, 0);
	*pid = fork();
	if (*pid == 0)
		become(spawn, &maps, pipes[1]);
	os_errno = errno;
	close(pipes[1]);
	if (*pid < 0) {
		*pid = 0;
		close(pipes[0]);
		return ax_error_set(err, -ENOMEM, AX_ERROR_RESOURCE, os_errno,
				    "cannot start %s: %s", spawn->argv[0], strerror(os_errno));
	}
	*output = pipes[0];
	return 0;
}
