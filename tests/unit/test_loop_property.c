/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The loop's fast path, the loop with an observer, and ax_vcpu_run() with ax_vcpu_dispatch() are the
 * same to handlers and guests: random exits go through all three, and everything that can be seen
 * is compared.
 */
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "core/exit.h"
#include "tests/unit/run_fixture.h"

#define EXITS 4000

/* FNV-1a over everything that is seen, in order; and enough of the last to say what differs. */
struct trail {
	uint64_t hash;
	unsigned events;
	char line[160];
};

enum mode { FAST, OBSERVED, BY_HAND, MODES };

/* One VM with one vCPU, running the same guest as the others. */
struct machine {
	enum mode mode;
	unsigned number; /* of its vCPU in the fake */
	AxVm *vm;
	AxVCpu *vcpu;
	AxLock *lock;
	bool lock_held;
	int events[2];
	struct trail trail;
	/* the guest */
	unsigned seed;
	unsigned exits;
	unsigned completions;
	unsigned handler_calls;
};

static void note(struct machine *machine, const char *format, ...) AX_PRINTF(2, 3);

static void note(struct machine *machine, const char *format, ...)
{
	struct trail *trail = &machine->trail;
	va_list args;

	va_start(args, format);
	vsnprintf(trail->line, sizeof(trail->line), format, args);
	va_end(args);
	for (const char *c = trail->line; *c; c++)
		trail->hash = (trail->hash ^ (uint8_t)*c) * UINT64_C(0x100000001b3);
	trail->events++;
	if (getenv("TRAIL"))
		printf("%d: %s\n", (int)machine->mode, trail->line);
}

/* Handlers: what they answer is a function of what was seen before. */

struct device {
	struct machine *machine;
	const char *name;
	bool serial;
};

static uint64_t mix(uint64_t value)
{
	value = (value ^ value >> 30) * UINT64_C(0xbf58476d1ce4e5b9);
	value = (value ^ value >> 27) * UINT64_C(0x94d049bb133111eb);
	return value ^ value >> 31;
}

static AxHandled answer(struct device *device, uint64_t what)
{
	struct machine *machine = device->machine;

	(void)what;
	switch (mix(machine->handler_calls++ + 77) % 24) {
	case 0: return AX_UNHANDLED;
	case 1: return AX_STOP;
	default: return AX_HANDLED;
	}
}

static AxHandled device_read(AxVCpu *vcpu, void *opaque, uint64_t offset, AxAccessWidth width,
			     uint64_t *value)
{
	struct device *device = opaque;
	AxHandled handled = answer(device, offset);

	ck_assert_ptr_eq(vcpu, device->machine->vcpu);
	note(device->machine, "%s read %llu %d zero=%llu -> %d", device->name,
	     (unsigned long long)offset, (int)width, (unsigned long long)*value, (int)handled);
	*value = mix(device->machine->handler_calls); /* more bits than asked for */
	return handled;
}

static AxHandled device_write(AxVCpu *vcpu, void *opaque, uint64_t offset, AxAccessWidth width,
			      uint64_t value)
{
	struct device *device = opaque;
	AxHandled handled = answer(device, offset);

	ck_assert_ptr_eq(vcpu, device->machine->vcpu);
	note(device->machine, "%s write %llu %d %llx -> %d", device->name,
	     (unsigned long long)offset, (int)width, (unsigned long long)value, (int)handled);
	return handled;
}

static const AxRangeOps both = { .size = sizeof(AxRangeOps),
				 .read = device_read,
				 .write = device_write };
static const AxRangeOps read_only = { .size = sizeof(AxRangeOps), .read = device_read };
static const AxRangeOps write_only = { .size = sizeof(AxRangeOps), .write = device_write };

/* Neighbours, gaps, single bytes, the ends of both spaces. */
static const struct {
	const char *name;
	bool port;
	uint64_t base;
	uint64_t length;
	const AxRangeOps *ops;
	bool serial;
} layout[] = {
	{ "p0", true, 0x100, 4, &both, false },
	{ "p1", true, 0x104, 8, &write_only, false },
	{ "p2", true, 0x110, 1, &both, false },
	{ "p3", true, 0x112, 0x10, &both, true },
	{ "p4", true, 0xfffd, 3, &both, false },
	{ "m0", false, 0x1000, 0x1000, &both, false },
	{ "m1", false, 0x2000, 6, &read_only, false },
	{ "m2", false, 0x2006, 0x100, &both, true },
	{ "m3", false, 0x2200, 1, &both, false },
	{ "m4", false, 0xfffffffffffffff9, 7, &both, false },
};

static struct device devices[MODES][COUNT(layout)];

static void add_devices(struct machine *machine)
{
	for (unsigned i = 0; i < COUNT(layout); i++) {
		struct device *device = &devices[machine->mode][i];
		AxRange range = AX_RANGE_INIT;

		*device = (struct device){ machine, layout[i].name, layout[i].serial };
		range.name = layout[i].name;
		range.base = layout[i].base;
		range.length = layout[i].length;
		range.ops = layout[i].ops;
		range.opaque = device;
		range.flags = layout[i].serial ? AX_RANGE_SERIAL : 0;
		range.lock = machine->lock;
		ck_assert_int_eq(layout[i].port
					 ? ax_range_add_ports(machine->vm, &range, NULL, NULL)
					 : ax_range_add_mmio(machine->vm, &range, NULL, NULL),
				 0);
	}
}

/* Notifications that the dispatch carries: KVM has refused them. */
static void add_notifies(struct machine *machine)
{
	static const AxNotify places[] = {
		{ sizeof(AxNotify), 0x1008, 4, 0, 0, -1 },
		{ sizeof(AxNotify), 0x106, 1, AX_NOTIFY_PORT | AX_NOTIFY_MATCH, 0x41, -1 },
	};

	for (unsigned i = 0; i < COUNT(places); i++) {
		AxNotify notify = places[i];

		machine->events[i] = eventfd(0, EFD_NONBLOCK);
		ck_assert_int_ge(machine->events[i], 0);
		notify.event = machine->events[i];
		ck_assert_int_eq(ax_notify_add(machine->vm, &notify, NULL, NULL), 0);
	}
}

static void note_events(struct machine *machine)
{
	for (unsigned i = 0; i < COUNT(machine->events); i++) {
		uint64_t count = 0;

		if (read(machine->events[i], &count, sizeof(count)) < 0)
			count = 0;
		note(machine, "event %u: %llu", i, (unsigned long long)count);
	}
}

/* The guest. */

static unsigned next_random(struct machine *machine)
{
	return (unsigned)rand_r(&machine->seed);
}

static void make_port_exit(struct machine *machine, struct kvm_run *run)
{
	static const uint16_t near[] = { 0x0fe, 0x103, 0x105, 0x10a, 0x110, 0x112, 0xfffd, 0xffff };
	static const uint8_t sizes[] = { 1, 2, 4, 1, 2, 4, 1, 3 };
	unsigned random = next_random(machine);

	run->exit_reason = KVM_EXIT_IO;
	run->io.direction = random & 1;
	run->io.size = sizes[random >> 1 & 7];
	if (run->io.size == 3 && random % 8)
		run->io.size = 1; /* a broken KVM, now and then */
	run->io.count = random % 9 ? 1 : 2 + random % 5;
	run->io.port = (uint16_t)(near[random >> 4 & 7] + (random >> 7 & 3));
	run->io.data_offset = 4096;
	for (unsigned i = 0; i < 32; i++)
		((uint8_t *)run)[4096 + i] = (uint8_t)mix(random + i);
	if (run->io.port == 0x106 && run->io.direction)
		((uint8_t *)run)[4096] = 0x41;
}

static void make_mmio_exit(struct machine *machine, struct kvm_run *run)
{
	static const uint64_t near[] = { 0x0ffc, 0x1000, 0x1008, 0x1ffa,
					 0x2003, 0x2100, 0x21fe, 0xfffffffffffffff0 };
	static const uint32_t lens[] = { 1, 2, 4, 8, 4, 4, 3, 7, 5, 6, 8, 2, 1, 4, 9, 0 };
	unsigned random = next_random(machine);
	uint64_t data = mix(random);

	run->exit_reason = KVM_EXIT_MMIO;
	run->mmio.is_write = random & 1;
	run->mmio.len = lens[random >> 1 & 15];
	if ((run->mmio.len == 9 || !run->mmio.len) && random % 8)
		run->mmio.len = 4;
	run->mmio.phys_addr = near[random >> 5 & 7] + (random >> 8 & 7);
	memcpy(run->mmio.data, &data, 8);
}

/* What the guest got from its last exit. */
static void note_completion(struct machine *machine)
{
	static struct fake_completion done;
	uint64_t value = 0;

	fake_completed(machine->number, &done);
	if (done.count == machine->completions)
		return;
	machine->completions = done.count;
	if (done.run.exit_reason == KVM_EXIT_MMIO && !done.run.mmio.is_write) {
		memcpy(&value, done.run.mmio.data, done.run.mmio.len <= 8 ? done.run.mmio.len : 8);
		note(machine, "guest got %llx", (unsigned long long)value);
	} else if (done.run.exit_reason == KVM_EXIT_IO && !done.run.io.direction) {
		for (unsigned i = 0; i < done.run.io.size * done.run.io.count; i++)
			note(machine, "guest got byte %x", done.port[i]);
	}
}

static int guest(struct kvm_run *run, void *arg)
{
	struct machine *machine = arg;

	note_completion(machine);
	if (machine->exits++ == EXITS) {
		run->exit_reason = KVM_EXIT_SHUTDOWN;
		return 0;
	}
	if (next_random(machine) % 3)
		make_mmio_exit(machine, run);
	else
		make_port_exit(machine, run);
	if (next_random(machine) % 40 == 0)
		run->exit_reason = KVM_EXIT_INTR;
	return 0;
}

/* Three ways to run it. */

static void log_line(void *opaque, AxLogLevel level, const char *message)
{
	note(opaque, "log %d %s", (int)level, message);
}

static void on_exit_record(void *opaque, AxVCpu *vcpu, const AxExitRecord *record)
{
	(void)opaque;
	(void)vcpu;
	(void)record;
}

static void note_end(struct machine *machine, int verdict, const AxVCpuExitReason *exit)
{
	char line[120];

	ax_exit_format(exit, line, sizeof(line));
	note(machine, "end %d %s", verdict, line);
}

static bool loop_once(struct machine *machine)
{
	AxVCpuExitReason exit;
	int ret = ax_vcpu_loop(machine->vcpu, &exit, NULL);

	ck_assert(ret == AX_LOOP_STOPPED || ret == AX_LOOP_UNHANDLED);
	note_end(machine, ret == AX_LOOP_STOPPED ? AX_STOP : AX_UNHANDLED, &exit);
	return exit.kind != AX_EXIT_SYSTEM_DOWN;
}

static bool run_by_hand_once(struct machine *machine)
{
	AxVCpuExitReason exit;
	int handled;
	bool is_access;

	ck_assert_int_eq(ax_vcpu_run(machine->vcpu, &exit, NULL), 0);
	handled = ax_vcpu_dispatch(machine->vcpu, &exit);
	is_access = exit.kind == AX_EXIT_MMIO_READ || exit.kind == AX_EXIT_MMIO_WRITE ||
		    exit.kind == AX_EXIT_IO_READ || exit.kind == AX_EXIT_IO_WRITE;
	if (handled == AX_STOP || (handled == AX_UNHANDLED &&
				   !(is_access && machine->vm->unclaimed != AX_UNCLAIMED_STOP)))
		note_end(machine, handled, &exit);
	return exit.kind != AX_EXIT_SYSTEM_DOWN;
}

static void run_machine(struct machine *machine, AxUnclaimed unclaimed, unsigned seed)
{
	static const AxObserver observer = { sizeof(AxObserver), on_exit_record };
	AxVmOptions options = AX_VM_OPTIONS_INIT;
	uint64_t counts[AX_EXIT_KINDS];

	options.unclaimed = unclaimed;
	options.log = log_line;
	options.log_opaque = machine;
	machine->seed = seed;
	machine->lock = ax_lock_new();
	ck_assert_int_eq(ax_vm_create(&options, &machine->vm, NULL), 0);
	add_devices(machine);
	add_notifies(machine);
	machine->vcpu = ready_vcpu(machine->vm, 0);
	fake_set_guest(machine->number, guest, machine);
	if (machine->mode == OBSERVED)
		ck_assert_int_eq(ax_observer_set(machine->vm, &observer, NULL, NULL), 0);
	if (machine->mode == BY_HAND)
		while (run_by_hand_once(machine))
			;
	else
		while (loop_once(machine))
			;
	ax_vcpu_exit_counts(machine->vcpu, counts);
	for (unsigned i = 0; i < AX_EXIT_KINDS; i++)
		note(machine, "%s: %llu", ax_exit_name(i), (unsigned long long)counts[i]);
	note_events(machine);
	ax_vm_destroy(machine->vm);
	ax_lock_free(machine->lock);
	for (unsigned i = 0; i < COUNT(machine->events); i++)
		close(machine->events[i]);
}

START_TEST(three_ways_to_run_a_guest_are_one)
{
	static const AxUnclaimed options[] = { AX_UNCLAIMED_ONES, AX_UNCLAIMED_WARN,
					       AX_UNCLAIMED_STOP };
	struct machine machines[MODES];
	unsigned exits = 0;

	fake_fail(KVM_IOEVENTFD, 0, ENOSYS);
	for (unsigned mode = 0; mode < MODES; mode++) {
		machines[mode] = (struct machine){ .mode = (enum mode)mode,
						   .number = mode,
						   .trail.hash = UINT64_C(0xcbf29ce484222325) };
		run_machine(&machines[mode], options[_i % 3], (unsigned)_i + 1);
		ck_assert_uint_eq(machines[mode].trail.events, machines[0].trail.events);
		ck_assert_str_eq(machines[mode].trail.line, machines[0].trail.line);
		ck_assert_uint_eq(machines[mode].trail.hash, machines[0].trail.hash);
		exits += machines[mode].exits;
	}
	ck_assert_uint_eq(exits, MODES * (EXITS + 1));
	ck_assert_uint_gt(machines[0].handler_calls, EXITS / 4);
}
END_TEST

static void add_tests(TCase *cases)
{
	/* Seconds each, there. */
	int seeds = getenv("AXVMM_UNDER_VALGRIND") ? 6 : 30;

	tcase_add_loop_test(cases, three_ways_to_run_a_guest_are_one, 0, seeds);
}

RUN_SUITE("loop property", add_tests)
