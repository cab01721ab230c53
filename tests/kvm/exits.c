/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Which exits happen on this host, and which guest brings each about: a table on standard output.
 * It agrees with what the probe (axvmm doctor) says of this host.
 */
#include "guest_run.h"

#include <errno.h>
#include <inttypes.h>
#include <sched.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "running.h"

#define PAGE	  4096
#define SLOT_BASE 0x40000000

/* Of one kind: who made how many. Guests run one after the other; their vCPUs count at once. */
struct tally {
	uint64_t total;
	uint64_t most; /* by one guest */
	const char *most_by;
	unsigned guests;
};

static struct tally tallies[AX_EXIT_KINDS];

/* Of the guest that runs now. */
static uint64_t counts[AX_EXIT_KINDS];

static void on_exit_seen(void *opaque, AxVCpu *vcpu, const AxExitRecord *record)
{
	ck_assert_uint_lt(record->exit->kind, AX_EXIT_KINDS);
	__atomic_fetch_add(&counts[record->exit->kind], 1, __ATOMIC_RELAXED);
}

static const AxObserver observer = { sizeof(observer), on_exit_seen };

static void add_up(const char *name)
{
	for (unsigned kind = 0; kind < AX_EXIT_KINDS; kind++) {
		struct tally *tally = &tallies[kind];

		if (!counts[kind])
			continue;
		tally->total += counts[kind];
		tally->guests++;
		if (counts[kind] > tally->most) {
			tally->most = counts[kind];
			tally->most_by = name;
		}
	}
	memset(counts, 0, sizeof(counts));
}

/*
 * 1. Embedded guests.
 */

static void run_guest(const struct embedded_guest *guest)
{
	const struct guest_variant variant = { .observer = &observer };
	AxError err = AX_ERROR_INIT;
	struct guest_run run;
	int ret = guest_open(&run, guest, &variant, &err);

	/* What this host lacks is told by the test of all guests. */
	if (ret == -ENOTSUP)
		return;
	ck_assert_msg(!ret, "guest %s: %d: %s", guest->name, ret, err.message);
	ck_ok(guest_go(&run, &err), err);
	guest_close(&run);
	add_up(guest->name);
}

/*
 * 2. What no embedded guest does: the architecture's pieces of code, and a page that is taken away.
 */

static AxHandled on_end(AxVCpu *vcpu, void *opaque, uint64_t offset, AxAccessWidth width,
			uint64_t value)
{
	return AX_STOP;
}

static const AxRangeOps end_ops = { .size = sizeof(end_ops), .write = on_end };

static void run_code(struct code_vm *vm, const char *name)
{
	AxVmResult result = AX_VM_RESULT_INIT;
	AxRange range = AX_RANGE_INIT;
	AxError err = AX_ERROR_INIT;

	range.base = CODE_MMIO + CODE_END;
	range.length = 4;
	range.ops = &end_ops;
	ck_ok(ax_range_add_mmio(vm->vm, &range, NULL, &err), err);
	ck_ok(ax_observer_set(vm->vm, &observer, NULL, &err), err);
	ck_ok(ax_vm_run(vm->vm, &result, &err), err);
	ck_assert_uint_eq(result.end, AX_VM_END_HANDLER);
	code_close(vm);
	add_up(name);
}

static AxHandled give_back(AxVCpu *vcpu, void *opaque, const AxVCpuExitReason *exit)
{
	ck_assert_int_eq(mprotect(opaque, PAGE, PROT_READ | PROT_WRITE), 0);
	return AX_HANDLED;
}

static void run_with_page_taken_away(void)
{
	static const AxEventOps ops = { .size = sizeof(ops), .page_fault = give_back };
	AxError err = AX_ERROR_INIT;
	AxMemView view;
	struct code_vm vm;

	code_open(&vm, NULL, CODE(copy));
	ck_ok(ax_ram_add(vm.vm, SLOT_BASE, PAGE, 0, &err), err);
	ck_assert_int_eq(ax_mem_get(vm.vm, SLOT_BASE, PAGE, AX_MEM_READ, &view), 0);
	ck_ok(ax_event_set(vm.vm, &ops, view.host, &err), err);
	code_set_word(&vm, 0, 1, SLOT_BASE);
	code_set_word(&vm, 0, 2, CODE_SCRATCH);
	code_set_word(&vm, 0, 3, 1);
	ck_assert_int_eq(mprotect(view.host, PAGE, PROT_NONE), 0);
	ax_mem_put(vm.vm, &view, 0);
	run_code(&vm, "copy (tests/kvm)");
}

/* The pager's thread is told of a page fault; it counts as an exit of the vCPU that waits. */
static AxPageAnswer give_zeros(AxPager *pager, void *opaque, const AxVCpuExitReason *exit,
			       void *page, size_t size)
{
	__atomic_fetch_add(&counts[exit->kind], 1, __ATOMIC_RELAXED);
	return AX_PAGE_ZERO;
}

/* Where this process may not have a pager the probe says so as well. */
static void run_with_pager(void)
{
	static const AxPagerOps ops = { .size = sizeof(ops), .fill = give_zeros };
	AxPagerConfig config = AX_PAGER_CONFIG_INIT;
	AxError err = AX_ERROR_INIT;
	AxPager *pager;
	struct code_vm vm;

	code_open(&vm, NULL, CODE(copy));
	ck_ok(ax_ram_add(vm.vm, SLOT_BASE, (uint64_t)sysconf(_SC_PAGESIZE), 0, &err), err);
	config.base = SLOT_BASE;
	config.ops = &ops;
	if (ax_pager_create(vm.vm, &config, &pager, &err)) {
		code_close(&vm);
		return;
	}
	code_set_word(&vm, 0, 1, SLOT_BASE);
	code_set_word(&vm, 0, 2, CODE_SCRATCH);
	code_set_word(&vm, 0, 3, 1);
	run_code(&vm, "copy (tests/kvm)");
}

/*
 * 3. The table.
 */

static void print_row(const AxProbeExit *probed)
{
	const struct tally *tally = &tallies[probed->kind];

	if (tally->total)
		kvm_say("| %-17s | %-18s | %6" PRIu64 " | %6u | %s", ax_exit_name(probed->kind),
			tally->most_by, tally->most, tally->guests - 1, probed->how);
	else
		kvm_say("| %-17s | %-18s | %6s | %6s | %s%s", ax_exit_name(probed->kind), "-", "-",
			"-", probed->possible ? "" : "not here: ", probed->how);
}

START_TEST(exits_are_those_that_the_probe_promises)
{
	AxProbeExit probed = { .size = sizeof(probed) };
	AxError err = AX_ERROR_INIT;
	struct code_vm vm;
	AxProbe *probe;

	kvm_limit(90);
	for (const struct embedded_guest *guest = embedded_guests; guest->name; guest++)
		run_guest(guest);
	for (const struct code_producer *producer = code_producers; producer->name; producer++) {
		producer->open(&vm);
		run_code(&vm, producer->name);
	}
	run_with_page_taken_away();
	run_with_pager();

	ck_ok(ax_probe_new(NULL, &probe, &err), err);
	kvm_say("| %-17s | %-18s | %6s | %6s | %s", "exit", "guest", "count", "others", "how");
	for (unsigned kind = 0; ax_probe_exit(probe, kind, &probed); kind++)
		print_row(&probed);
	for (unsigned kind = 0; ax_probe_exit(probe, kind, &probed); kind++) {
		/* Unsupported is what nobody knows of yet. */
		if (kind == AX_EXIT_UNSUPPORTED)
			ck_assert_uint_eq(tallies[kind].total, 0);
		else
			ck_assert_msg(probed.possible == !!tallies[kind].total,
				      "%s: the probe says that it is %spossible; it came %" PRIu64
				      " times",
				      ax_exit_name(kind), probed.possible ? "" : "im",
				      tallies[kind].total);
	}
	ax_probe_free(probe);
}
END_TEST

/*
 * Counters are plain numbers of the vCPU's thread, and any other may look at them: they only grow.
 */
START_TEST(counters_of_exits_can_be_read_at_any_time)
{
	uint64_t last[AX_EXIT_KINDS] = { 0 }, now[AX_EXIT_KINDS];
	struct running running;

#ifdef __SANITIZE_THREAD__
	kvm_skip("reading counters meanwhile: ThreadSanitizer takes what is plain for a race");
	return;
#endif
	running_open_sweep(&running, 2);
	running_start(&running);
	running_wait_progress(&running);
	for (unsigned i = 0; i < 300; i++) {
		ax_vcpu_exit_counts(ax_vm_vcpu(running.vm.vm, 1), now);
		for (unsigned kind = 0; kind < AX_EXIT_KINDS; kind++) {
			ck_assert_uint_ge(now[kind], last[kind]);
			last[kind] = now[kind];
		}
		sched_yield();
	}
	ck_assert_uint_gt(last[AX_EXIT_MMIO_READ], 0);
	running_stop(&running);
	running_close(&running);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("exits");
	TCase *tcase = kvm_case(suite, "exits");

	tcase_add_test(tcase, exits_are_those_that_the_probe_promises);
	tcase_add_test(tcase, counters_of_exits_can_be_read_at_any_time);
	return kvm_main(suite);
}
