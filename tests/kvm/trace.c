/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Traces of guests that really run: each exit that is counted is in the trace, and nothing else; also
 * when traces come and go.
 */
#include "guest_run.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

struct memory_file {
	uint8_t *bytes;
	size_t len;
};

static int memory_write(void *opaque, const void *bytes, size_t len)
{
	struct memory_file *file = opaque;

	file->bytes = realloc(file->bytes, file->len + len);
	ck_assert_ptr_nonnull(file->bytes);
	memcpy(file->bytes + file->len, bytes, len);
	file->len += len;
	return 0;
}

static AxTraceConfig memory_config(struct memory_file *file)
{
	AxTraceConfig config = AX_TRACE_CONFIG_INIT;

	config.write = memory_write;
	config.opaque = file;
	return config;
}

static unsigned guest_count(void)
{
	unsigned count = 0;

	while (embedded_guests[count].name)
		count++;
	return count;
}

/* Add what a trace has to @counts, and check that time does not run backwards in it. */
static void count_entries(const struct memory_file *file, uint64_t counts[AX_EXIT_KINDS])
{
	AxError err = AX_ERROR_INIT;
	AxTraceReader *reader;
	AxTraceEntry entry;
	uint64_t last = 0;
	char damage[256];

	ck_ok(ax_trace_open(file->bytes, file->len, &reader, &err), err);
	while (ax_trace_next(reader, &entry, &err) > 0) {
		ck_assert_uint_ne(entry.type, AX_TRACE_GAP);
		if (entry.type != AX_TRACE_EXIT)
			continue;
		counts[entry.record.exit->kind]++;
		ck_assert_uint_ge(entry.record.time_ns, last);
		last = entry.record.time_ns;
	}
	ck_assert_msg(!ax_trace_damage(reader, damage, sizeof(damage)), "%s", damage);
	ax_trace_close(reader);
}

/* What the vCPUs counted. */
static void count_exits(AxVm *vm, uint64_t total[AX_EXIT_KINDS])
{
	uint64_t counts[AX_EXIT_KINDS];
	AxVCpu *vcpu;

	for (unsigned i = 0; (vcpu = ax_vm_vcpu_at(vm, i)); i++) {
		ax_vcpu_exit_counts(vcpu, counts);
		for (unsigned kind = 0; kind < AX_EXIT_KINDS; kind++)
			total[kind] += counts[kind];
	}
}

START_TEST(each_exit_of_a_guest_is_in_its_trace)
{
	uint64_t traced[AX_EXIT_KINDS] = { 0 }, counted[AX_EXIT_KINDS] = { 0 };
	const struct embedded_guest *guest = &embedded_guests[_i];
	AxTraceCounts counts = AX_TRACE_COUNTS_INIT;
	struct memory_file file = { 0 };
	AxTraceConfig config = memory_config(&file);
	AxError err = AX_ERROR_INIT;
	struct guest_run run;
	AxTrace *trace;
	int ret;

	ret = guest_open(&run, guest, NULL, &err);
	if (ret == -ENOTSUP) {
		kvm_skip("%s: %s", guest->name, err.message);
		return;
	}
	ck_ok(ret, err);
	ck_ok(ax_trace_start(ax_machine_vm(run.machine), &config, &trace, &err), err);
	ck_ok(guest_go(&run, &err), err);
	kvm_count_run();
	ck_ok(ax_trace_stop(trace, &counts, &err), err);
	ck_assert_uint_eq(counts.lost, 0);
	count_entries(&file, traced);
	count_exits(ax_machine_vm(run.machine), counted);
	for (unsigned kind = 0; kind < AX_EXIT_KINDS; kind++)
		ck_assert_msg(traced[kind] == counted[kind],
			      "%s: %s: %llu in the trace, %llu counted", guest->name,
			      ax_exit_name(kind), (unsigned long long)traced[kind],
			      (unsigned long long)counted[kind]);
	guest_close(&run);
	free(file.bytes);
}
END_TEST

/* A thread that begins and ends traces until the guest has ended. */
struct toggler {
	AxVm *vm;
	atomic_bool ends;
	unsigned rounds;
	uint64_t exits;
};

static void *toggle(void *opaque)
{
	uint64_t traced[AX_EXIT_KINDS];
	struct toggler *toggler = opaque;

	while (!atomic_load(&toggler->ends)) {
		AxTraceCounts counts = AX_TRACE_COUNTS_INIT;
		struct memory_file file = { 0 };
		AxTraceConfig config = memory_config(&file);
		AxError err = AX_ERROR_INIT;
		AxTrace *trace;

		ck_ok(ax_trace_start(toggler->vm, &config, &trace, &err), err);
		nanosleep(&(struct timespec){ .tv_nsec = 5000000 }, NULL);
		ck_ok(ax_trace_stop(trace, &counts, &err), err);
		memset(traced, 0, sizeof(traced));
		count_entries(&file, traced);
		for (unsigned kind = 0; kind < AX_EXIT_KINDS; kind++)
			toggler->exits += traced[kind];
		toggler->rounds++;
		free(file.bytes);
	}
	return NULL;
}

START_TEST(a_guest_runs_on_while_traces_come_and_go)
{
	const struct embedded_guest *flood = guest_named("flood");
	struct toggler toggler = { 0 };
	AxError err = AX_ERROR_INIT;
	struct guest_run run;
	pthread_t thread;
	char why[256];

	ck_ok(guest_open(&run, flood, NULL, &err), err);
	toggler.vm = ax_machine_vm(run.machine);
	ck_assert_int_eq(pthread_create(&thread, NULL, toggle, &toggler), 0);
	ck_ok(guest_go(&run, &err), err);
	atomic_store(&toggler.ends, true);
	pthread_join(thread, NULL);
	ck_assert_msg(guest_ended_well(&run, why, sizeof(why)), "%s", why);
	ck_assert_uint_ge(toggler.rounds, 1);
	ck_assert_uint_gt(toggler.exits, 0);
	guest_close(&run);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("trace");
	TCase *rows = kvm_case(suite, "rows of guests.list");
	TCase *others = kvm_case(suite, "toggling");

	tcase_add_loop_test(rows, each_exit_of_a_guest_is_in_its_trace, 0, (int)guest_count());
	tcase_add_test(others, a_guest_runs_on_while_traces_come_and_go);
	return kvm_main(suite);
}
