/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What an interrupt costs, by KVM_IRQ_LINE and by an irqfd: the thread that raises it, and until a guest
 * that halts (the embedded guest bench-irq) has taken it.
 */
#include <pthread.h>
#include <sched.h>
#include <string.h>
#include <sys/eventfd.h>
#include <time.h>
#include <unistd.h>

#include "cli/bench.h"
#include "cli/cli.h"
#include "guests/abi.h"
#include "guests/words.h"

#define GUEST_NAME "bench-irq"
#define LINE	   5
#define COUNT	   50
#define PATIENCE   (2 * UINT64_C(1000000000)) /* for an interrupt */
#define HALT_NS	   20000		      /* that the guest has to halt again */

struct line {
	AxMachine *machine;
	AxVm *vm;
	AxIrq irq;
	AxMemView view;
	const uint64_t *taken; /* the guest counts here */
	int event;
	bool by_irqfd;
	pthread_t thread;
	int ret;
	AxError err;
};

static uint64_t taken(const struct line *line)
{
	return __atomic_load_n(line->taken, __ATOMIC_ACQUIRE);
}

static bool wait_until_taken(const struct line *line, uint64_t count)
{
	uint64_t end = bench_now() + PATIENCE;

	while (taken(line) != count) {
		if (bench_now() > end)
			return false;
		/* KVM may have its own thread put the interrupt in. */
		sched_yield();
	}
	return true;
}

static void raise_line(const struct line *line)
{
	uint64_t one = 1;

	if (line->by_irqfd) {
		(void)!write(line->event, &one, sizeof(one));
	} else {
		ax_irq_set(&line->irq, true);
		ax_irq_set(&line->irq, false);
	}
}

static void *run_machine(void *opaque)
{
	AxMachineResult result = AX_MACHINE_RESULT_INIT;
	struct line *line = opaque;

	line->ret = ax_machine_run(line->machine, &result, &line->err);
	return NULL;
}

/* The machine with the guest. */
static int open_machine(const struct bench *bench, struct line *line)
{
	const struct embedded_guest *guest = embedded_guest_find(GUEST_NAME);
	AxMachineOptions options = AX_MACHINE_OPTIONS_INIT;
	AxImageSource image = AX_IMAGE_SOURCE_INIT;
	AxLoadOptions load = AX_LOAD_OPTIONS_INIT;
	int ret;

	image.name = guest->name;
	image.bytes = guest->image;
	image.len = guest->size;
	load.given = AX_HINT_MODE | AX_HINT_LOAD;
	load.mode = embedded_guest_mode(guest->mode);
	load.load = guest->load;
	options.image = &image;
	options.load = &load;
	options.memory = guest->memory;
	options.cpus = 1;
	options.irqchip = embedded_guest_irqchip(guest->irqchip);
	options.kvm_path = bench->kvm;
	ret = ax_machine_new(&options, &line->machine, &line->err);
	if (ret)
		return ret;
	line->vm = ax_machine_vm(line->machine);
	ret = ax_mem_get(line->vm, guest->load + AX_GUEST_BENCH_COUNT, sizeof(uint64_t),
			 AX_MEM_READ, &line->view);
	line->taken = line->view.host;
	return ret;
}

static int open_line(const struct bench *bench, struct line *line)
{
	int ret = open_machine(bench, line);

	if (!ret)
		ret = ax_irq_get(line->vm, LINE, &line->irq, &line->err);
	if (!ret && line->by_irqfd)
		ret = ax_irq_attach_eventfd(line->vm, LINE, line->event, &line->err);
	return ret;
}

static void doze(void)
{
	const struct timespec time = { .tv_nsec = HALT_NS };

	nanosleep(&time, NULL);
}

/* Interrupts, one after the other: nanoseconds of raising and of taking each. False: one was lost. */
static bool raise_some(const struct line *line, uint64_t *raising, uint64_t *taking)
{
	*raising = *taking = 0;
	for (uint64_t i = 0; i < COUNT; i++) {
		uint64_t begun, raised;

		doze();
		begun = bench_now();
		raise_line(line);
		raised = bench_now();
		if (!wait_until_taken(line, i + 1))
			return false;
		*taking += bench_now() - begun;
		*raising += raised - begun;
	}
	return true;
}

static int run_line(struct line *line, uint64_t *raising, uint64_t *taking)
{
	bool all;

	if (pthread_create(&line->thread, NULL, run_machine, line)) {
		cli_message("a thread for a CPU cannot be started");
		return STATUS_HOST;
	}
	/* The guest has taken none, once it is ready. */
	all = wait_until_taken(line, 0) && raise_some(line, raising, taking);
	ax_machine_stop(line->machine, 0);
	pthread_join(line->thread, NULL);
	if (line->ret)
		return cli_failure(NULL, &line->err);
	if (!all) {
		cli_message("the guest %s has not taken an interrupt within two seconds",
			    GUEST_NAME);
		return STATUS_HOST;
	}
	return STATUS_OK;
}

int bench_irq_run(const struct bench *bench, bool by_irqfd, double *raising, double *taking)
{
	struct line line = { .by_irqfd = by_irqfd,
			     .event = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK),
			     .err = AX_ERROR_INIT };
	uint64_t raising_ns = 0, taking_ns = 0;
	int status;

	if (line.event < 0) {
		cli_message("there is no descriptor left");
		return STATUS_HOST;
	}
	if (open_line(bench, &line))
		status = cli_failure(NULL, &line.err);
	else
		status = run_line(&line, &raising_ns, &taking_ns);
	*raising = (double)raising_ns / COUNT;
	*taking = (double)taking_ns / COUNT;
	if (line.taken)
		ax_mem_put(line.vm, &line.view, 0);
	ax_machine_free(line.machine);
	close(line.event);
	return status;
}

bool bench_irq_is_there(const struct bench *bench)
{
	AxVmOptions options = AX_VM_OPTIONS_INIT;
	int event = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	AxVm *vm = NULL;
	bool is_there;

	options.kvm_path = bench->kvm;
	options.irqchip = AX_IRQCHIP_KERNEL;
	is_there = embedded_guest_find(GUEST_NAME) && event >= 0 &&
		   !ax_vm_create(&options, &vm, NULL) &&
		   !ax_irq_attach_eventfd(vm, LINE, event, NULL);
	ax_vm_destroy(vm);
	if (event >= 0)
		close(event);
	return is_there;
}
