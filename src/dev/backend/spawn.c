/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Starting a helper process; see spawn.h. It waits for its own child by number, and is told of the end
 * by a pidfd, so that it neither handles SIGCHLD nor disturbs an embedder's other children.
 */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <string.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "dev/backend/spawn.h"

static int failed(AxError *err, const char *program, const char *what, int os_errno)
{
	int ret = os_errno == ENOENT || os_errno == ENOTDIR ? -ENOENT
		  : os_errno == EACCES || os_errno == EPERM ? -EACCES
		  : os_errno == ENOMEM			    ? -ENOMEM
							    : -EIO;

	return ax_error_set(err, ret, ret == -EIO ? AX_ERROR_RESOURCE : AX_ERROR_FILE, os_errno,
			    "%s: %s%s", program, what, strerror(os_errno));
}

/* posix_spawn()'s settings: signals as for a new program, its own session. 0 or an errno. */
static int set_attributes(posix_spawnattr_t *attributes)
{
	sigset_t all, none;
	int ret;

	sigfillset(&all);
	sigemptyset(&none);
	ret = posix_spawnattr_setsigdefault(attributes, &all);
	if (!ret)
		ret = posix_spawnattr_setsigmask(attributes, &none);
	if (!ret)
		ret = posix_spawnattr_setflags(attributes, POSIX_SPAWN_SETSIGDEF |
								   POSIX_SPAWN_SETSIGMASK |
								   POSIX_SPAWN_SETSID);
	return ret;
}

/* Its descriptors: @fd and @output are above SPAWN_FD, so that none overwrites another. */
static int set_descriptors(posix_spawn_file_actions_t *actions, int fd, int output, bool all)
{
	int ret = posix_spawn_file_actions_addopen(actions, 0, "/dev/null", O_RDONLY, 0);

	if (!ret && all)
		ret = posix_spawn_file_actions_adddup2(actions, output, 1);
	else if (!ret)
		ret = posix_spawn_file_actions_addopen(actions, 1, "/dev/null", O_WRONLY, 0);
	if (!ret)
		ret = posix_spawn_file_actions_adddup2(actions, output, 2);
	if (!ret && fd >= 0)
		ret = posix_spawn_file_actions_adddup2(actions, fd, SPAWN_FD);
	return ret;
}

static int start(const char *const arguments[], int fd, int output, bool all, pid_t *pid)
{
	posix_spawn_file_actions_t actions;
	posix_spawnattr_t attributes;
	int ret = posix_spawn_file_actions_init(&actions);

	if (ret)
		return ret;
	ret = posix_spawnattr_init(&attributes);
	if (ret) {
		posix_spawn_file_actions_destroy(&actions);
		return ret;
	}
	ret = set_attributes(&attributes);
	if (!ret)
		ret = set_descriptors(&actions, fd, output, all);
	if (!ret)
		ret = posix_spawnp(pid, arguments[0], &actions, &attributes,
				   (char *const *)arguments, environ);
	posix_spawnattr_destroy(&attributes);
	posix_spawn_file_actions_destroy(&actions);
	return ret;
}

static int64_t now_ms(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

/* Of 512 bytes each: a full pipe, and no more of a program that writes as fast as it is read. */
#define READS_AT_ONCE 128

/* Take what is in the pipe; what does not fit is dropped, so that nobody waits to write it. */
static void take_output(int pipe_fd, struct spawn_result *result)
{
	size_t len = strlen(result->output);
	char bytes[512];

	for (unsigned reads = 0; reads < READS_AT_ONCE; reads++) {
		ssize_t got = read(pipe_fd, bytes, sizeof(bytes));

		if (got <= 0)
			return;
		for (ssize_t i = 0; i < got && len < sizeof(result->output) - 1; i++)
			result->output[len++] = bytes[i] ? bytes[i] : ' ';
		result->output[len] = '\0';
	}
}

/* Until the process has ended: 0, or -ETIMEDOUT. */
static int wait_for_end(int pid_fd, int pipe_fd, int limit_ms, struct spawn_result *result)
{
	int64_t end = now_ms() + limit_ms;
	struct pollfd fds[2] = { { .fd = pid_fd, .events = POLLIN },
				 { .fd = pipe_fd, .events = POLLIN } };

	for (;;) {
		int64_t left = end - now_ms();

		if (left < 0)
			return -ETIMEDOUT;
		if (poll(fds, 2, (int)left) < 0 && errno != EINTR)
			return -EIO;
		take_output(pipe_fd, result);
		if (fds[0].revents)
			return 0;
		if (fds[1].revents & POLLHUP)
			fds[1].fd = -1;
	}
}

static int wait_for(pid_t pid, int pipe_fd, int limit_ms, struct spawn_result *result)
{
	int pid_fd = (int)syscall(SYS_pidfd_open, pid, 0);
	int ret = pid_fd < 0 ? -EIO : wait_for_end(pid_fd, pipe_fd, limit_ms, result);

	/* With SIGCHLD ignored there is no process to kill when it has ended, and its number may be
	 * another's: a pidfd knows. */
	if (ret && pid_fd >= 0)
		(void)!syscall(SYS_pidfd_send_signal, pid_fd, SIGKILL, NULL, 0);
	if (pid_fd >= 0)
		close(pid_fd);
	while (waitpid(pid, &result->status, 0) < 0) {
		if (errno == EINTR)
			continue;
		result->status = -1;
		break;
	}
	take_output(pipe_fd, result);
	return ret;
}

/* A copy of a descriptor above SPAWN_FD; -1. */
static int above(int fd)
{
	return fcntl(fd, F_DUPFD_CLOEXEC, SPAWN_FD + 1);
}

int spawn_start(const char *const arguments[], int fd, bool all, pid_t *pid, int *output,
		AxError *err)
{
	int pipes[2], its_fd, its_output, ret;

	if (pipe2(pipes, O_CLOEXEC | O_NONBLOCK))
		return failed(err, arguments[0], "a pipe: ", errno);
	/* A program waits until there is room for what it writes. */
	(void)fcntl(pipes[1], F_SETFL, 0);
	its_fd = fd < 0 ? -1 : above(fd);
	its_output = above(pipes[1]);
	close(pipes[1]);
	ret = (fd >= 0 && its_fd < 0) || its_output < 0
		      ? EMFILE
		      : start(arguments, its_fd, its_output, all, pid);
	if (its_fd >= 0)
		close(its_fd);
	if (its_output >= 0)
		close(its_output);
	if (!ret) {
		*output = pipes[0];
		return 0;
	}
	close(pipes[0]);
	return failed(err, arguments[0], "it cannot be started: ", ret);
}

int spawn_daemon(const char *const arguments[], int fd, int limit_ms, struct spawn_result *result,
		 AxError *err)
{
	int output = -1, ret;
	pid_t pid = -1;

	*result = (struct spawn_result){ 0 };
	ret = spawn_start(arguments, fd, false, &pid, &output, err);
	if (ret)
		return ret;
	ret = wait_for(pid, output, limit_ms, result);
	close(output);
	if (ret == -ETIMEDOUT)
		return ax_error_set(err, ret, AX_ERROR_RESOURCE, 0,
				    "%s: not ready after %d ms, and killed", arguments[0],
				    limit_ms);
	if (ret)
		return ax_error_set(err, ret, AX_ERROR_RESOURCE, 0,
				    "%s: this kernel cannot wait for a process by descriptor",
				    arguments[0]);
	return 0;
}
