/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Benchmarks of exits, in this process: the embedded guest bench-sweep under ax_vcpu_loop().
 */
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "cli/bench.h"
#include "cli/cli.h"
#include "guests/abi.h"
#include "guests/words.h"

#define GUEST_NAME   "bench-sweep"
#define PORTS_NAME   "bench-pio"
#define MOST_VCPUS   8
#define RANGE_LENGTH 0x1000u
#define COUNT	     500 /* writes of a round: short ones have a chance to be undisturbed */

/* Nothing else is there on any of the machines, with RAM and test device as below. */
#define RANGES_X86 UINT64_C(0xd0000000)
#define RANGES	   UINT64_C(0x20000000)

/* What a device has: a cache line, which nobody else writes. */
struct device {
	_Alignas(64) uint64_t stored;
};

struct run {
	const struct bench *bench;
	struct bench_vm *what;
	const struct embedded_guest *guest;
	bool is_x86;
	uint64_t ram, place; /* where RAM begins; where the guest writes to by itself */
	AxVm *vm;
	AxVCpu *vcpus[MOST_VCPUS];
	struct device *devices;
	int event;
	pthread_barrier_t begin;
	AxError err[MOST_VCPUS];
	int failed[MOST_VCPUS];
	uint64_t began[MOST_VCPUS], ended[MOST_VCPUS];
};

static AxHandled store(AxVCpu *vcpu, void *opaque, uint64_t offset, AxAccessWidth width,
		       uint64_t value)
{
	struct device *device = opaque;

	(void)vcpu;
	(void)offset;
	(void)width;
	device->stored = value;
	return AX_HANDLED;
}

static const AxRangeOps store_ops = { sizeof(store_ops), NULL, store };

static AxHandled test_write(AxVCpu *vcpu, void *opaque, uint64_t offset, AxAccessWidth width,
			    uint64_t value)
{
	if (offset == AX_TEST_DONE)
		return AX_STOP;
	return store(vcpu, opaque, offset, width, value);
}

static const AxRangeOps test_ops = { sizeof(test_ops), NULL, test_write };

static AxHandled port_write(AxVCpu *vcpu, void *opaque, uint64_t offset, AxAccessWidth width,
			    uint64_t value)
{
	(void)vcpu;
	(void)opaque;
	(void)width;
	(void)value;
	return offset == AX_TEST_PORT_DONE ? AX_STOP : AX_HANDLED;
}

static const AxRangeOps port_ops = { sizeof(port_ops), NULL, port_write };

static uint64_t word_of(const struct embedded_guest *guest, unsigned offset)
{
	uint64_t word;

	memcpy(&word, guest->image + offset, sizeof(word));
	return word;
}

static int add_test_device(struct run *run, AxError *err)
{
	AxRange range = AX_RANGE_INIT;
	int ret;

	range.name = "test";
	range.base = run->place - AX_TEST_SCRATCH;
	range.length = AX_TEST_SIZE;
	range.ops = &test_ops;
	range.opaque = run->devices;
	ret = ax_range_add_mmio(run->vm, &range, NULL, err);
	if (ret || !run->is_x86)
		return ret;
	range.base = AX_TEST_PORT_BASE;
	range.length = AX_TEST_PORT_SCRATCH;
	range.ops = &port_ops;
	return ax_range_add_ports(run->vm, &range, NULL, err);
}

static int add_devices(struct run *run, AxError *err)
{
	AxRange range = AX_RANGE_INIT;
	AxRangeId id = 0;
	int ret = 0;

	range.length = RANGE_LENGTH;
	range.name = "device";
	range.ops = &store_ops;
	range.flags = run->what->coalesced ? AX_RANGE_COALESCED : 0;
	for (unsigned i = 0; i < run->what->ranges && !ret; i++) {
		range.base = (run->is_x86 ? RANGES_X86 : RANGES) + (uint64_t)i * RANGE_LENGTH;
		range.opaque = &run->devices[i + 1];
		ret = ax_range_add_mmio(run->vm, &range, &id, err);
	}
	if (!ret && run->what->ports) {
		range.base = AX_TEST_PORT_BASE + AX_TEST_PORT_SCRATCH;
		range.length = sizeof(uint32_t);
		range.opaque = run->devices;
		ret = ax_range_add_ports(run->vm, &range, &id, err);
	}
	if (run->what->coalesced)
		run->what->by_kvm = ax_range_is_coalesced(run->vm, id);
	return ret;
}

static int add_notify(struct run *run, AxError *err)
{
	AxNotify notify = AX_NOTIFY_INIT;
	AxNotifyId id;
	int ret;

	notify.addr = run->what->ports ? AX_TEST_PORT_BASE + AX_TEST_PORT_SCRATCH : run->place;
	notify.width = run->what->ports ? 1 : 4;
	notify.flags = run->what->ports ? AX_NOTIFY_PORT : 0;
	notify.event = run->event;
	ret = ax_notify_add(run->vm, &notify, &id, err);
	if (!ret)
		run->what->by_kvm = ax_notify_in_kernel(run->vm, id);
	return ret;
}

/* The guest, with its parameters. */
static int load(struct run *run, AxError *err)
{
	const struct bench_vm *what = run->what;
	uint64_t load = run->guest->load;
	uint64_t base = run->is_x86 ? RANGES_X86 : RANGES;
	uint64_t words[] = { what->count, what->ranges ? base : run->place, RANGE_LENGTH,
			     what->ranges ? what->ranges : 1, what->vcpus > 1 };
	int ret = ax_ram_add(run->vm, run->ram, run->guest->memory, 0, err);

	if (!what->ranges)
		words[2] = 0;
	/* With a device each the others are not theirs. */
	if (what->vcpus > 1)
		words[3] = 1;
	if (ret || ax_mem_write(run->vm, load, run->guest->image, run->guest->size))
		return ret ? ret : -1;
	return ax_mem_write(run->vm, load + AX_GUEST_BENCH_COUNT, words,
			    what->ports ? sizeof(words[0]) : sizeof(words));
}

static int add_vcpus(struct run *run, AxError *err)
{
	AxVCpuSetup setup = AX_VCPU_SETUP_INIT;
	int ret = 0;

	setup.mode = embedded_guest_mode(run->guest->mode);
	setup.flags = run->is_x86 ? AX_SETUP_NO_CPUID : 0;
	setup.entry = run->guest->load;
	for (unsigned i = 0; i < run->what->vcpus && !ret; i++) {
		setup.arg = (uint64_t)i * RANGE_LENGTH;
		ret = ax_vcpu_create(run->vm, i, &run->vcpus[i], err);
		if (!ret)
			ret = ax_vcpu_setup(run->vcpus[i], &setup, err);
	}
	return ret;
}

struct vcpu_thread {
	struct run *run;
	unsigned index;
};

static void *run_vcpu(void *opaque)
{
	struct vcpu_thread *thread = opaque;
	struct run *run = thread->run;
	unsigned i = thread->index;
	AxVCpuExitReason exit;
	int ret = ax_vcpu_bind(run->vcpus[i], AX_ANY_CPU, &run->err[i]);

	pthread_barrier_wait(&run->begin);
	run->began[i] = bench_now();
	if (!ret)
		ret = ax_vcpu_loop(run->vcpus[i], &exit, &run->err[i]);
	run->ended[i] = bench_now();
	run->failed[i] = ret < 0 ? ret : 0;
	if (ret == AX_LOOP_UNHANDLED) {
		char text[128];

		ax_exit_format(&exit, text, sizeof(text));
		cli_message("the guest %s ended by %s", run->guest->name, text);
		run->failed[i] = -1;
	}
	ax_vcpu_unbind(run->vcpus[i], NULL);
	return NULL;
}

static int run_vcpus(struct run *run)
{
	unsigned count = run->what->vcpus, started = 0;
	struct vcpu_thread threads[MOST_VCPUS] = { { run, 0 } };
	pthread_t ids[MOST_VCPUS];
	uint64_t begin = UINT64_MAX, end = 0;

	pthread_barrier_init(&run->begin, NULL, count);
	for (unsigned i = 0; i < count; i++)
		threads[i] = (struct vcpu_thread){ run, i };
	/* All or none: who has been started waits for the others. */
	for (unsigned i = 1; i < count; i++, started++) {
		if (pthread_create(&ids[i], NULL, run_vcpu, &threads[i])) {
			cli_message("threads for %u CPUs cannot be started", count);
			_exit(STATUS_HOST);
		}
	}
	run_vcpu(&threads[0]);
	for (unsigned i = 1; i < count; i++)
		pthread_join(ids[i], NULL);
	pthread_barrier_destroy(&run->begin);
	for (unsigned i = 0; i < count; i++) {
		if (run->failed[i])
			return cli_failure(NULL, &run->err[i]);
		begin = run->began[i] < begin ? run->began[i] : begin;
		end = run->ended[i] > end ? run->ended[i] : end;
	}
	run->what->ns = end - begin;
	return STATUS_OK;
}

static int build(struct run *run, AxError *err)
{
	AxVmOptions options = AX_VM_OPTIONS_INIT;
	int ret;

	options.kvm_path = run->bench->kvm;
	options.unclaimed = AX_UNCLAIMED_STOP;
	ret = ax_vm_create(&options, &run->vm, err);
	if (!ret)
		ret = load(run, err);
	if (!ret)
		ret = add_test_device(run, err);
	if (!ret)
		ret = add_devices(run, err);
	if (!ret && run->what->with_notify)
		ret = add_notify(run, err);
	return ret ? ret : add_vcpus(run, err);
}

bool bench_vm_has_ports(void)
{
	return embedded_guest_find(PORTS_NAME);
}

int bench_vm_run(const struct bench *bench, struct bench_vm *what)
{
	struct run run = { .bench = bench,
			   .what = what,
			   .guest = embedded_guest_find(what->ports ? PORTS_NAME : GUEST_NAME),
			   .event = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK) };
	AxError err = AX_ERROR_INIT;
	int status = STATUS_HOST;
	void *devices = NULL;

	for (unsigned i = 0; i < MOST_VCPUS; i++)
		run.err[i] = (AxError)AX_ERROR_INIT;
	run.is_x86 = strcmp(run.guest->mode, "native") != 0;
	run.ram = run.guest->load & ~UINT64_C(0x3fffffff);
	run.place = word_of(embedded_guest_find(GUEST_NAME), AX_GUEST_BENCH_BASE);
	if (run.event < 0 || posix_memalign(&devices, _Alignof(struct device),
					    (what->ranges + 1) * sizeof(*run.devices))) {
		cli_message("there is no memory left");
	} else {
		run.devices = devices;
		memset(devices, 0, (what->ranges + 1) * sizeof(*run.devices));
		status = build(&run, &err) ? cli_failure(NULL, &err) : run_vcpus(&run);
		ax_vm_destroy(run.vm);
	}
	free(devices);
	if (run.event >= 0)
		close(run.event);
	return status;
}

static int measure_exits(struct bench *bench, unsigned row, double *sample)
{
	struct bench_vm vm = { .count = COUNT, .vcpus = 1 };
	uint64_t exits;
	int status;

	if (!row) {
		status = bench_floor_run(bench, GUEST_NAME, COUNT, &vm.ns, &exits);
	} else {
		status = bench_vm_run(bench, &vm);
		exits = vm.count;
	}
	*sample = status ? 0 : (double)vm.ns / (double)exits;
	return status;
}

int bench_exits(struct bench *bench)
{
	bench_add(bench, "a bare loop around KVM_RUN");
	bench_add(bench, "ax_vcpu_loop(), one handler");
	return bench_rounds(bench, measure_exits);
}

static const unsigned device_counts[] = { 1, 10, 100, 1000, 10000 };
#define DEVICE_COUNTS (sizeof(device_counts) / sizeof(device_counts[0]))

/* The rows of bench_devices(): above these, that many devices. */
enum device_row {
	ROW_NOTIFY = DEVICE_COUNTS,
	ROW_COALESCED,
	ROW_PORT,
	ROW_PORT_NOTIFY,
	ROW_PORT_COALESCED,
	ROW_LINE,
	ROW_IRQFD,
	ROW_LINE_TAKEN,
	ROW_IRQFD_TAKEN
};

static struct bench_vm vm_of_row(unsigned kind)
{
	struct bench_vm vm = { .vcpus = 1 };

	if (kind < DEVICE_COUNTS)
		vm.ranges = device_counts[kind];
	vm.with_notify = kind == ROW_NOTIFY || kind == ROW_PORT_NOTIFY;
	vm.coalesced = kind == ROW_COALESCED || kind == ROW_PORT_COALESCED;
	vm.ports = kind >= ROW_PORT;
	if (kind == ROW_COALESCED)
		vm.ranges = 1;
	/* Each device twice at least: the first time it is looked up. */
	vm.count = COUNT + 2 * vm.ranges;
	return vm;
}

static int measure_irq(const struct bench *bench, unsigned kind, double *sample)
{
	bool by_irqfd = kind == ROW_IRQFD || kind == ROW_IRQFD_TAKEN;
	double raising, taking;
	int status = bench_irq_run(bench, by_irqfd, &raising, &taking);

	*sample = kind >= ROW_LINE_TAKEN ? taking : raising;
	return status;
}

static int measure_devices(struct bench *bench, unsigned row, double *sample)
{
	unsigned kind = bench->rows[row].kind;
	struct bench_vm vm;
	int status;

	if (kind >= ROW_LINE)
		return measure_irq(bench, kind, sample);
	vm = vm_of_row(kind);
	status = bench_vm_run(bench, &vm);
	*sample = status ? 0 : (double)vm.ns / (double)vm.count;
	return status;
}

/* A row about what KVM does by itself, if this one does. */
static int add_if_by_kvm(struct bench *bench, unsigned kind, unsigned reference, const char *name,
			 const char *cap)
{
	struct bench_vm vm = vm_of_row(kind);
	char lack[96];
	int status;

	vm.count = 1;
	status = bench_vm_run(bench, &vm);
	if (!status && vm.by_kvm) {
		bench_add_to(bench, kind, reference, name);
	} else if (!status) {
		snprintf(lack, sizeof(lack), "%s: this KVM has no %s", name, cap);
		bench_lacks(bench, lack);
	}
	return status;
}

static int add_ports(struct bench *bench)
{
	unsigned reference = bench->row_count;
	int status;

	if (!bench_vm_has_ports())
		return STATUS_OK; /* nor does the architecture */
	bench_add_to(bench, ROW_PORT, reference, "a write to a port");
	status = add_if_by_kvm(bench, ROW_PORT_NOTIFY, reference, "port: an ioeventfd in its place",
			       "KVM_CAP_IOEVENTFD");
	return status ? status
		      : add_if_by_kvm(bench, ROW_PORT_COALESCED, reference,
				      "port: collected by KVM (coalesced)",
				      "KVM_CAP_COALESCED_PIO");
}

static void add_interrupts(struct bench *bench)
{
	unsigned reference = bench->row_count;

	if (!bench_irq_is_there(bench)) {
		bench_lacks(bench, "an irqfd: no KVM_CAP_IRQFD, or no guest for this architecture");
		return;
	}
	bench_add_to(bench, ROW_LINE, reference, "raising an interrupt by KVM_IRQ_LINE, twice");
	bench_add_to(bench, ROW_IRQFD, reference, "raising it by an irqfd");
	reference = bench->row_count;
	bench_add_to(bench, ROW_LINE_TAKEN, reference, "until the guest took it, KVM_IRQ_LINE");
	bench_add_to(bench, ROW_IRQFD_TAKEN, reference, "until the guest took it, irqfd");
}

int bench_devices(struct bench *bench)
{
	char name[32];
	int status;

	for (unsigned i = 0; i < DEVICE_COUNTS; i++) {
		snprintf(name, sizeof(name), "%u device%s in turn", device_counts[i], i ? "s" : "");
		bench_add_to(bench, i, 0, name);
	}
	status = add_if_by_kvm(bench, ROW_NOTIFY, 0, "an ioeventfd in its place",
			       "KVM_CAP_IOEVENTFD");
	if (!status)
		status = add_if_by_kvm(bench, ROW_COALESCED, 0, "collected by KVM (coalesced)",
				       "KVM_CAP_COALESCED_MMIO");
	if (!status)
		status = add_ports(bench);
	if (status)
		return status;
	add_interrupts(bench);
	return bench_rounds(bench, measure_devices);
}

static int measure_smp(struct bench *bench, unsigned row, double *sample)
{
	struct bench_vm vm = { .count = COUNT, .ranges = MOST_VCPUS, .vcpus = row + 1 };
	int status = bench_vm_run(bench, &vm);

	*sample = status ? 0 : (double)vm.count * vm.vcpus * 1e9 / (double)vm.ns;
	return status;
}

int bench_smp(struct bench *bench)
{
	long online = sysconf(_SC_NPROCESSORS_ONLN);
	unsigned most = online < 2 ? 2 : online > MOST_VCPUS ? MOST_VCPUS : (unsigned)online;

	for (unsigned i = 1; i <= most; i++)
		bench_add(bench, "%u CPU%s", i, i == 1 ? "" : "s");
	return bench_rounds(bench, measure_smp);
}
