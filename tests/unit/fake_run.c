/* SPDX-License-Identifier: Apache-2.0 */
/*
 * KVM_RUN of the fake KVM: completion of the pending access, immediate_exit, then the next step of
 * the script. Order and results are those of a real KVM; see fake_sys.h.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "fake_internal.h"

#define SPIN_SLICE_NS 50000
#define SPIN_LIMIT_NS UINT64_C(20000000000) /* asked for; it takes about twice as long */

struct step {
	struct step *next;
	fake_step_fn *fn;
	void *arg; /* NULL: the step itself, for steps that carry their parameters */
	bool half;
	struct kvm_run run; /* exit_reason and what follows it */
	uint8_t *port;	    /* owned */
	size_t port_len;
	int rc;
};

/* What a vCPU does, by its number. */
struct script {
	struct step *first, **end;
	fake_step_fn *guest;
	void *guest_arg;
	unsigned entries;
	unsigned immediate_exits;
	bool pending; /* the last exit waits for its completion */
	uint32_t exit_reason;
	struct fake_completion *completion;
};

static struct {
	struct script **scripts;
	unsigned count;
} runs;

static void free_step(struct step *step)
{
	if (step)
		free(step->port);
	free(step);
}

void fake_run_reset(void)
{
	for (unsigned i = 0; i < runs.count; i++) {
		struct script *script = runs.scripts[i];

		while (script->first) {
			struct step *next = script->first->next;

			free_step(script->first);
			script->first = next;
		}
		free(script->completion);
		free(script);
	}
	free(runs.scripts);
	runs.scripts = NULL;
	runs.count = 0;
}

/* The script of a vCPU, made when it is not there yet. The lock is held. */
static struct script *script_of(unsigned vcpu)
{
	while (vcpu >= runs.count) {
		struct script *script = calloc(1, sizeof(*script));
		struct script **scripts =
			realloc(runs.scripts, (runs.count + 1) * sizeof(struct script *));

		if (!script || !scripts)
			abort();
		script->end = &script->first;
		runs.scripts = scripts;
		runs.scripts[runs.count++] = script;
	}
	return runs.scripts[vcpu];
}

static void push(unsigned vcpu, struct step *step)
{
	struct script *script;

	fake_lock();
	script = script_of(vcpu);
	*script->end = step;
	script->end = &step->next;
	fake_unlock();
}

static struct step *new_step(fake_step_fn *fn, void *arg, bool half)
{
	struct step *step;

	fake_lock(); /* what the fake allocates does not fail */
	step = calloc(1, sizeof(*step));
	fake_unlock();
	if (!step)
		abort();
	step->fn = fn;
	step->arg = arg;
	step->half = half;
	return step;
}

void fake_push(unsigned vcpu, fake_step_fn *fn, void *arg)
{
	push(vcpu, new_step(fn, arg, false));
}

void fake_push_half(unsigned vcpu, fake_step_fn *fn, void *arg)
{
	push(vcpu, new_step(fn, arg, true));
}

/* The exit's description: all of kvm_run that KVM writes at an exit. */
#define EXIT_BEGIN offsetof(struct kvm_run, hw)
#define EXIT_END   offsetof(struct kvm_run, kvm_valid_regs)

static int replay(struct kvm_run *run, void *arg)
{
	const struct step *step = arg;

	run->exit_reason = step->run.exit_reason;
	run->flags = step->run.flags;
	memcpy((uint8_t *)run + EXIT_BEGIN, (const uint8_t *)&step->run + EXIT_BEGIN,
	       EXIT_END - EXIT_BEGIN);
	if (step->port)
		memcpy((uint8_t *)run + run->io.data_offset, step->port, step->port_len);
	return step->rc;
}

/* A step that fills kvm_run from what is written to the returned template. */
static struct step *new_replay(uint32_t exit_reason, bool half)
{
	struct step *step = new_step(replay, NULL, half);

	step->run.exit_reason = exit_reason;
	return step;
}

#define PORT_DATA 4096 /* io.data_offset on x86-64: the second page */

void fake_push_port(unsigned vcpu, uint16_t port, unsigned size, unsigned count, const void *out)
{
	struct step *step = new_replay(KVM_EXIT_IO, false);
	size_t len = (size_t)size * count;

	if (len > PORT_DATA)
		abort();
	step->run.io.direction = out ? KVM_EXIT_IO_OUT : KVM_EXIT_IO_IN;
	step->run.io.size = (uint8_t)size;
	step->run.io.port = port;
	step->run.io.count = count;
	step->run.io.data_offset = PORT_DATA;
	if (out && len) {
		fake_lock();
		step->port = malloc(len);
		fake_unlock();
		if (!step->port)
			abort();
		memcpy(step->port, out, len);
		step->port_len = len;
	}
	push(vcpu, step);
}

static void push_mmio(unsigned vcpu, uint64_t addr, unsigned len, bool write, uint64_t value,
		      bool half)
{
	struct step *step = new_replay(KVM_EXIT_MMIO, half);

	step->run.mmio.phys_addr = addr;
	step->run.mmio.len = len;
	step->run.mmio.is_write = write;
	/* At a load the bytes are what an earlier exit left there. */
	memset(step->run.mmio.data, 0xa5, sizeof(step->run.mmio.data));
	if (write)
		memcpy(step->run.mmio.data, &value, len < 8 ? len : 8);
	push(vcpu, step);
}

void fake_push_mmio_read(unsigned vcpu, uint64_t addr, unsigned len)
{
	push_mmio(vcpu, addr, len, false, 0, false);
}

void fake_push_mmio_write(unsigned vcpu, uint64_t addr, unsigned len, uint64_t value)
{
	push_mmio(vcpu, addr, len, true, value, false);
}

void fake_push_half_mmio(unsigned vcpu, uint64_t addr, unsigned len, bool write, uint64_t value)
{
	push_mmio(vcpu, addr, len, write, value, true);
}

void fake_push_exit(unsigned vcpu, uint32_t exit_reason)
{
	push(vcpu, new_replay(exit_reason, false));
}

void fake_push_errno(unsigned vcpu, int os_errno)
{
	struct step *step = new_replay(KVM_EXIT_UNKNOWN, false);

	step->rc = -os_errno;
	push(vcpu, step);
}

void fake_push_run(unsigned vcpu, const struct kvm_run *run)
{
	struct step *step = new_replay(run->exit_reason, false);

	step->run = *run;
	push(vcpu, step);
}

static int spin_step(struct kvm_run *run, void *arg)
{
	(void)arg;
	return fake_spin(run);
}

void fake_push_spin(unsigned vcpu)
{
	fake_push(vcpu, spin_step, NULL);
}

void fake_set_guest(unsigned vcpu, fake_step_fn *fn, void *arg)
{
	fake_lock();
	script_of(vcpu)->guest = fn;
	script_of(vcpu)->guest_arg = arg;
	fake_unlock();
}

static bool must_leave(struct kvm_run *run)
{
	return __atomic_load_n(&run->immediate_exit, __ATOMIC_SEQ_CST);
}

int fake_spin(struct kvm_run *run)
{
	const struct timespec slice = { .tv_nsec = SPIN_SLICE_NS };

	for (uint64_t spent = 0; !must_leave(run); spent += SPIN_SLICE_NS) {
		if (nanosleep(&slice, NULL))
			break; /* a signal */
		if (spent > SPIN_LIMIT_NS) {
			fputs("fake KVM: nobody ended a spinning guest\n", stderr);
			abort();
		}
	}
	run->exit_reason = KVM_EXIT_INTR;
	return -EINTR;
}

/* Exits that KVM comes back to before it goes on with the guest. */
static bool waits_for_completion(uint32_t exit_reason)
{
	switch (exit_reason) {
	case KVM_EXIT_IO:
	case KVM_EXIT_MMIO:
	case KVM_EXIT_HYPERCALL:
	case KVM_EXIT_X86_RDMSR:
	case KVM_EXIT_X86_WRMSR:
	case KVM_EXIT_XEN:
	case KVM_EXIT_ARM_NISV:
	case KVM_EXIT_RISCV_SBI:
	case KVM_EXIT_RISCV_CSR: return true;
	default: return false;
	}
}

static void complete(struct script *script, const struct kvm_run *run, size_t run_size)
{
	size_t len = 0;

	if (run->exit_reason != script->exit_reason) {
		fputs("fake KVM: exit_reason was changed before re-entry\n", stderr);
		abort();
	}
	if (!script->completion)
		script->completion = calloc(1, sizeof(*script->completion));
	if (!script->completion)
		abort();
	script->pending = false;
	script->completion->count++;
	/* Not what stands before: other threads write immediate_exit. */
	memcpy(&script->completion->run.exit_reason, &run->exit_reason,
	       sizeof(*run) - offsetof(struct kvm_run, exit_reason));
	if (run->exit_reason == KVM_EXIT_IO)
		len = (size_t)run->io.size * run->io.count;
	/* A test may have pointed somewhere else. */
	if (len && len <= sizeof(script->completion->port) && run->io.data_offset <= run_size - len)
		memcpy(script->completion->port, (const uint8_t *)run + run->io.data_offset, len);
}

/* The next step; NULL when none is queued. */
static struct step *take_step(struct script *script)
{
	struct step *step = script->first;

	if (step) {
		script->first = step->next;
		if (!script->first)
			script->end = &script->first;
	}
	return step;
}

/*
 * What happens before the guest runs. True: KVM_RUN ends with EINTR. Else *step is what to do;
 * NULL: the guest.
 */
static bool begin_entry(struct script *script, struct kvm_run *run, size_t run_size,
			struct step **step)
{
	bool completed = script->pending;

	script->entries++;
	*step = NULL;
	if (completed)
		complete(script, run, run_size);
	if (completed && script->first && script->first->half) {
		*step = take_step(script);
		return false;
	}
	if (must_leave(run)) {
		script->immediate_exits++;
		/*
		 * With something completed the old reason stays; there is no rule but to look at
		 * rc.
		 */
		if (!completed)
			run->exit_reason = KVM_EXIT_UNKNOWN;
		return true;
	}
	*step = take_step(script);
	return false;
}

static int run_step(const struct script *script, struct kvm_run *run, struct step *step)
{
	int rc;

	if (step) {
		rc = step->fn(run, step->fn == replay ? step : step->arg);
		free_step(step);
		return rc;
	}
	return script->guest ? script->guest(run, script->guest_arg) : fake_spin(run);
}

int sys_vcpu_run(int fd)
{
	struct fake_object *object;
	struct fake_call *call;
	struct script *script;
	struct step *step;
	int rc = 0;

	fake_lock();
	object = fake_find(fd);
	if (!object || object->kind != FAKE_VCPU || !object->run) {
		fake_unlock();
		return -EBADF;
	}
	call = fake_record(object, KVM_RUN, 0, NULL, 0);
	rc = -fake_strike(KVM_RUN);
	script = script_of(object->number);
	if (!rc && begin_entry(script, object->run, object->run_size, &step))
		rc = -EINTR;
	if (!rc) {
		fake_arch_enter(object);
		fake_unlock();
		rc = run_step(script, object->run, step);
		fake_lock();
		script->pending = !rc && waits_for_completion(object->run->exit_reason);
		script->exit_reason = object->run->exit_reason;
	}
	if (call)
		call->ret = rc;
	fake_unlock();
	return rc;
}

unsigned fake_steps_left(unsigned vcpu)
{
	unsigned count = 0;

	fake_lock();
	for (const struct step *step = script_of(vcpu)->first; step; step = step->next)
		count++;
	fake_unlock();
	return count;
}

unsigned fake_entries(unsigned vcpu)
{
	unsigned entries;

	fake_lock();
	entries = script_of(vcpu)->entries;
	fake_unlock();
	return entries;
}

unsigned fake_immediate_exits(unsigned vcpu)
{
	unsigned count;

	fake_lock();
	count = script_of(vcpu)->immediate_exits;
	fake_unlock();
	return count;
}

void fake_completed(unsigned vcpu, struct fake_completion *completion)
{
	const struct script *script;

	fake_lock();
	script = script_of(vcpu);
	if (script->completion)
		memcpy(completion, script->completion, sizeof(*completion));
	else
		memset(completion, 0, sizeof(*completion));
	fake_unlock();
}
