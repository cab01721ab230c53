/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Single-stepping a KVM_RUN loop; see step.h.
 *
 * The `syscall` that enters KVM_RUN is not single-stepped but run through with PTRACE_SYSCALL: so
 * what counts does not depend on how a kernel delivers the trap of a stepped system call.
 */
#include <err.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <linux/kvm.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ptrace.h>
#include <sys/syscall.h>
#include <sys/types.h>
#include <sys/user.h>
#include <sys/wait.h>
#include <unistd.h>

#include "tests/bench/step.h"

/* SDM volume 2: SYSCALL is 0f 05, little endian in the low half; REPNE and REP are f2 and f3. */
#define SYSCALL_OPCODE 0x050fu
#define PREFIX_REPNE   0xf2u
#define PREFIX_REP     0xf3u

struct stepper {
	const struct step_options *options;
	pid_t process;
	pid_t vcpu;	  /* the thread that makes KVM_RUN; 0 until it has done so */
	uint64_t *places; /* instructions of the exit that is sampled */
};

static long trace(int request, pid_t thread, uintptr_t addr, uintptr_t data, const char *what)
{
	long ret = ptrace(request, thread, addr, data);

	if (ret < 0)
		err(1, "%s of thread %d", what, (int)thread);
	return ret;
}

/* Wait until a thread stops. False when the process, or its vCPU's thread, has ended. */
static bool wait_stop(const struct stepper *stepper, pid_t *thread, int *status)
{
	for (;;) {
		*thread = waitpid(-1, status, __WALL);
		if (*thread < 0 && errno == EINTR)
			continue;
		if (*thread < 0)
			return false;
		if (WIFSTOPPED(*status))
			return true;
		if (*thread == stepper->process || *thread == stepper->vcpu)
			return false;
	}
}

/* The signal that a stop is about, for the thread to get; 0 for stops of ptrace's own. */
static int signal_of(int status)
{
	int signal = WSTOPSIG(status);

	if (status >> 16 || signal == SIGTRAP || signal == (SIGTRAP | 0x80) || signal == SIGSTOP)
		return 0;
	return signal;
}

static bool is_syscall_stop(int status)
{
	return WSTOPSIG(status) == (SIGTRAP | 0x80);
}

static bool leaves_kvm_run(pid_t thread)
{
	struct user_regs_struct regs;
	struct __ptrace_syscall_info info;

	trace(PTRACE_GET_SYSCALL_INFO, thread, sizeof(info), (uintptr_t)&info, "system call");
	if (info.op != PTRACE_SYSCALL_INFO_EXIT)
		return false;
	trace(PTRACE_GETREGS, thread, 0, (uintptr_t)&regs, "registers");
	return regs.orig_rax == SYS_ioctl && (unsigned)regs.rsi == KVM_RUN;
}

/* Run at full speed until a thread has left KVM_RUN for the warm_up-th time. */
static bool warm_up(struct stepper *stepper)
{
	unsigned seen = 0;
	pid_t thread;
	int status;

	while (wait_stop(stepper, &thread, &status)) {
		if (is_syscall_stop(status) && leaves_kvm_run(thread) &&
		    ++seen >= stepper->options->warm_up) {
			stepper->vcpu = thread;
			return true;
		}
		trace(PTRACE_SYSCALL, thread, 0, (uintptr_t)signal_of(status), "resuming");
	}
	return false;
}

/*
 * Resume the vCPU's thread with @request, until its next stop that is no signal. The other threads
 * run on at full speed.
 */
static bool advance(const struct stepper *stepper, int request)
{
	pid_t thread = stepper->vcpu;
	int signal = 0, status;

	for (;;) {
		trace(thread == stepper->vcpu ? request : PTRACE_CONT, thread, 0, (uintptr_t)signal,
		      "resuming");
		if (!wait_stop(stepper, &thread, &status))
			return false;
		signal = signal_of(status);
		if (thread == stepper->vcpu && !signal)
			return true;
	}
}

/* Through the system call at which the vCPU's thread stands: stops at its begin and at its end. */
static bool pass_call(const struct stepper *stepper)
{
	if (!advance(stepper, PTRACE_SYSCALL))
		return false;
	return advance(stepper, PTRACE_SYSCALL);
}

/* From the end of one KVM_RUN to the end of the next. False when the process has ended. */
static bool sample_exit(const struct stepper *stepper, struct step_sample *sample)
{
	struct user_regs_struct regs;
	uint64_t last = 0;

	*sample = (struct step_sample){ 0, 0 };
	for (;;) {
		unsigned long code;
		bool repeats, is_call;

		trace(PTRACE_GETREGS, stepper->vcpu, 0, (uintptr_t)&regs, "registers");
		errno = 0;
		code = (unsigned long)ptrace(PTRACE_PEEKTEXT, stepper->vcpu, regs.rip, NULL);
		if (errno)
			err(1, "code at 0x%llx", regs.rip);
		is_call = (code & 0xffff) == SYSCALL_OPCODE;
		repeats = (code & 0xff) == PREFIX_REP || (code & 0xff) == PREFIX_REPNE;
		if (!repeats || regs.rip != last) {
			stepper->places[sample->instructions++] = regs.rip;
			sample->calls += is_call;
		}
		last = regs.rip;
		if (sample->instructions >= stepper->options->limit)
			errx(1, "more than %u instructions after an exit: it takes too long",
			     stepper->options->limit);
		if (is_call) {
			bool is_run = regs.rax == SYS_ioctl && (unsigned)regs.rsi == KVM_RUN;

			if (!pass_call(stepper))
				return false;
			if (is_run)
				return true;
		} else if (!advance(stepper, PTRACE_SINGLESTEP)) {
			return false;
		}
	}
}

/* A line of /proc/PID/maps: "start-end flags offset device inode path". Source: proc(5). */
static bool find_in_mapping(const char *line, uint64_t place, uint64_t *offset, const char **object)
{
	uint64_t start, end;
	char *rest;

	start = strtoull(line, &rest, 16);
	end = strtoull(rest + 1, &rest, 16);
	if (place < start || place >= end)
		return false;
	*offset = strtoull(rest + strlen(" r-xp "), NULL, 16) + (place - start);
	*object = strchr(line, '/') ? strchr(line, '/') : "anonymous";
	return true;
}

/* One line for each instruction of the last exit: object and offset, as addr2line takes them. */
static void list_places(const struct stepper *stepper, unsigned count)
{
	char path[64], line[512];
	const char *object;
	uint64_t offset;
	FILE *maps;

	(void)snprintf(path, sizeof(path), "/proc/%d/maps", (int)stepper->process);
	for (unsigned i = 0; i < count; i++) {
		maps = fopen(path, "re");
		if (!maps)
			err(1, "%s", path);
		while (fgets(line, sizeof(line), maps)) {
			line[strcspn(line, "\n")] = '\0';
			if (find_in_mapping(line, stepper->places[i], &offset, &object))
				printf("%s 0x%" PRIx64 "\n", object, offset);
		}
		(void)fclose(maps);
	}
}

static void start_traced(char *const argv[])
{
	int null = open("/dev/null", O_RDWR);

	if (null < 0 || dup2(null, STDIN_FILENO) < 0 || dup2(null, STDOUT_FILENO) < 0)
		err(127, "/dev/null");
	if (ptrace(PTRACE_TRACEME, 0, NULL, NULL))
		err(127, "PTRACE_TRACEME");
	execvp(argv[0], argv);
	err(127, "%s", argv[0]);
}

static void start(struct stepper *stepper, char *const argv[])
{
	pid_t thread;
	int status;

	stepper->process = fork();
	if (stepper->process < 0)
		err(1, "fork");
	if (!stepper->process)
		start_traced(argv);
	if (!wait_stop(stepper, &thread, &status))
		errx(1, "%s did not start", argv[0]);
	trace(PTRACE_SETOPTIONS, thread, 0,
	      PTRACE_O_EXITKILL | PTRACE_O_TRACESYSGOOD | PTRACE_O_TRACECLONE, "options");
	trace(PTRACE_SYSCALL, thread, 0, 0, "resuming");
}

bool step_is_possible(void)
{
	pid_t child = fork();
	bool possible;
	int status;

	if (child < 0)
		return false;
	if (!child) {
		if (ptrace(PTRACE_TRACEME, 0, NULL, NULL))
			_exit(1);
		(void)raise(SIGSTOP);
		_exit(0);
	}
	possible = waitpid(child, &status, 0) == child && WIFSTOPPED(status) &&
		   !ptrace(PTRACE_SINGLESTEP, child, NULL, NULL) &&
		   waitpid(child, &status, 0) == child && WIFSTOPPED(status);
	kill(child, SIGKILL);
	while (waitpid(child, &status, 0) < 0 && errno == EINTR)
		continue;
	return possible;
}

size_t step_run(char *const argv[], const struct step_options *options, struct step_sample *samples)
{
	struct stepper stepper = { .options = options };
	size_t count = 0;

	stepper.places = calloc(options->limit, sizeof(*stepper.places));
	if (!stepper.places)
		err(1, "instructions");
	alarm(options->seconds);
	start(&stepper, argv);
	if (warm_up(&stepper)) {
		while (count < options->samples && sample_exit(&stepper, &samples[count]))
			count++;
		if (options->list && count)
			list_places(&stepper, samples[count - 1].instructions);
	}
	kill(stepper.process, SIGKILL);
	while (waitpid(-1, NULL, __WALL) > 0 || errno == EINTR)
		continue;
	alarm(0);
	free(stepper.places);
	return count;
}
