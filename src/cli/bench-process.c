/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Benchmarks of whole processes: the floor's program (src/floor) and this command, started in turn
 * with an embedded guest.
 */
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <signal.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "cli/bench.h"
#include "cli/cli.h"
#include "guests/abi.h"

#define SELF	      "/proc/self/exe"
#define FLOOR	      "axvmm-floor"
#define PARKED_MEMORY "134217728"
#define SETTLE_MS     50
#define SETTLE_MOST   100 /* times */

struct child {
	pid_t pid;
	int output; /* its standard output */
};

/* Where the floor's program is: beside the command, as in a build tree; or where it is installed. */
static bool find_floor(char *path, size_t size)
{
	static const char *const places[] = { "", "../libexec/axvmm/", "../lib/axvmm/" };
	char self[4096];
	ssize_t len = readlink(SELF, self, sizeof(self) - 1);
	char *name;

	if (len < 0)
		return false;
	self[len] = '\0';
	name = strrchr(self, '/');
	if (!name)
		return false;
	name[1] = '\0';
	for (size_t i = 0; i < sizeof(places) / sizeof(places[0]); i++) {
		int wanted = snprintf(path, size, "%s%s%s", self, places[i], FLOOR);

		if (wanted > 0 && (size_t)wanted < size && !access(path, X_OK))
			return true;
	}
	cli_message("bench: %s is not beside the command, nor in ../libexec/axvmm", FLOOR);
	return false;
}

/* The guest's image as a file, which a child can open under the name that it gets. */
static int image_file(const struct embedded_guest *guest, uint64_t count)
{
	int fd = memfd_create("guest", 0);

	if (fd < 0 || write(fd, guest->image, guest->size) != (ssize_t)guest->size ||
	    (count && pwrite(fd, &count, sizeof(count), AX_GUEST_BENCH_COUNT) != sizeof(count))) {
		cli_message("bench: the guest's image cannot be written: %s", strerror(errno));
		if (fd >= 0)
			close(fd);
		return -1;
	}
	return fd;
}

static bool start(struct child *child, const char *path, char *const argv[])
{
	posix_spawn_file_actions_t actions;
	int ends[2], ret;

	if (pipe2(ends, O_CLOEXEC)) {
		cli_message("bench: %s", strerror(errno));
		return false;
	}
	posix_spawn_file_actions_init(&actions);
	posix_spawn_file_actions_addopen(&actions, STDIN_FILENO, "/dev/null", O_RDONLY, 0);
	posix_spawn_file_actions_adddup2(&actions, ends[1], STDOUT_FILENO);
	ret = posix_spawn(&child->pid, path, &actions, NULL, argv, environ);
	posix_spawn_file_actions_destroy(&actions);
	close(ends[1]);
	child->output = ends[0];
	if (!ret)
		return true;
	cli_message("bench: %s: %s", path, strerror(ret));
	close(ends[0]);
	return false;
}

/* Wait for its end; the first bytes of its output. Its status, -1 when a signal ended it. */
static int finish(struct child *child, char *text, size_t size)
{
	size_t used = 0;
	char rest[256] = "";
	int status = -1;
	ssize_t len;

	for (;;) {
		bool full = used == size - 1;

		len = read(child->output, full ? rest : text + used,
			   full ? sizeof(rest) : size - 1 - used);
		if (len < 0 && errno == EINTR)
			continue;
		if (len <= 0)
			break;
		used += full ? 0 : (size_t)len;
	}
	text[used] = '\0';
	close(child->output);
	while (waitpid(child->pid, &status, 0) < 0 && errno == EINTR)
		;
	return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

/* The child has said why on standard error. */
static int child_failed(const char *what, int status)
{
	cli_message("bench: %s ended with status %d", what, status);
	return status == STATUS_NO_KVM ? STATUS_NO_KVM : STATUS_HOST;
}

static bool start_floor(const struct bench *bench, const struct embedded_guest *guest, int image,
			struct child *child)
{
	char path[4200], file[40], address[24], memory[] = PARKED_MEMORY;
	char kvm[4096], mode[16];
	char *argv[] = { path, kvm, file, mode, address, memory, NULL };

	if (!find_floor(path, sizeof(path)))
		return false;
	snprintf(kvm, sizeof(kvm), "%s", bench->kvm);
	snprintf(mode, sizeof(mode), "%s", guest->mode);
	snprintf(file, sizeof(file), "/proc/self/fd/%d", image);
	snprintf(address, sizeof(address), "0x%" PRIx64, guest->load);
	return start(child, path, argv);
}

int bench_floor_run(const struct bench *bench, const char *guest, uint64_t count, uint64_t *ns,
		    uint64_t *exits)
{
	const struct embedded_guest *found = embedded_guest_find(guest);
	int image = image_file(found, count), status = STATUS_HOST;
	struct child child;
	char text[64], *at;

	if (image < 0)
		return STATUS_HOST;
	if (start_floor(bench, found, image, &child)) {
		status = finish(&child, text, sizeof(text));
		if (!status) {
			*ns = strtoull(text, &at, 10);
			*exits = strtoull(at, NULL, 10);
		}
		if (status || !*exits)
			status = child_failed(FLOOR, status);
	}
	close(image);
	return status;
}

static bool start_self(const struct bench *bench, const char *guest, struct child *child)
{
	char kvm[4096], name[32], self[] = "axvmm", run[] = "run", guest_option[] = "--guest",
				  kvm_option[] = "--kvm", memory_option[] = "--memory",
				  memory[] = PARKED_MEMORY;
	char *argv[] = {
		self, run, guest_option, name, kvm_option, kvm, memory_option, memory, NULL
	};

	snprintf(kvm, sizeof(kvm), "%s", bench->kvm);
	snprintf(name, sizeof(name), "%s", guest);
	return start(child, SELF, argv);
}

/* A guest that prints nothing on boards whose console it would have to look for. */
static const char *start_guest(void)
{
	return embedded_guest_find("hello-real") ? "hello-real" : "bench-mmio";
}

static int measure_start(struct bench *bench, unsigned row, double *sample)
{
	uint64_t begin = bench_now(), ns, exits;
	struct child child;
	char text[64];
	int status;

	if (!row) {
		status = bench_floor_run(bench, start_guest(), 0, &ns, &exits);
	} else if (!start_self(bench, start_guest(), &child)) {
		status = STATUS_HOST;
	} else {
		status = finish(&child, text, sizeof(text));
		if (status)
			status = child_failed("axvmm run", status);
	}
	*sample = (double)(bench_now() - begin) / 1e6;
	return status;
}

int bench_start(struct bench *bench)
{
	bench_add(bench, "a bare program, guest %s", start_guest());
	bench_add(bench, "axvmm run --guest %s", start_guest());
	return bench_rounds(bench, measure_start);
}

/* KiB of private dirty memory: proc(5), smaps_rollup. 0 when it cannot be told. */
static unsigned long private_dirty(pid_t pid)
{
	unsigned long kib = 0;
	char path[64], line[256];
	FILE *file;

	snprintf(path, sizeof(path), "/proc/%d/smaps_rollup", (int)pid);
	file = fopen(path, "re");
	while (file && fgets(line, sizeof(line), file)) {
		if (!strncmp(line, "Private_Dirty:", 14))
			kib = strtoul(line + 14, NULL, 10);
	}
	if (file)
		fclose(file);
	return kib;
}

/* When it does not change any more. */
static unsigned long settled_memory(pid_t pid)
{
	unsigned long last = 0, now = 0;
	unsigned steady = 0;

	for (unsigned i = 0; i < SETTLE_MOST && steady < 3; i++) {
		nanosleep(&(struct timespec){ .tv_nsec = SETTLE_MS * 1000000 }, NULL);
		now = private_dirty(pid);
		steady = now && now == last ? steady + 1 : 0;
		last = now;
	}
	return now;
}

static int measure_memory(struct bench *bench, unsigned row, double *sample)
{
	const struct embedded_guest *guest = embedded_guest_find("spin");
	int image = row ? -1 : image_file(guest, 0);
	struct child child;
	bool started;
	char text[64];

	started = row ? start_self(bench, "spin", &child)
		      : image >= 0 && start_floor(bench, guest, image, &child);
	if (image >= 0)
		close(image);
	if (!started)
		return STATUS_HOST;
	*sample = (double)settled_memory(child.pid);
	kill(child.pid, SIGKILL);
	(void)finish(&child, text, sizeof(text));
	if (*sample > 0)
		return STATUS_OK;
	cli_message("bench: the guest ended, or its memory cannot be read in /proc");
	return STATUS_HOST;
}

int bench_memory(struct bench *bench)
{
	/* Pages of a program that was written just now would count: they are dirty in the page cache. */
	sync();
	bench_add(bench, "a bare program, 128 MiB");
	bench_add(bench, "axvmm run --guest spin --memory 128M");
	return bench_rounds(bench, measure_memory);
}
