/* SPDX-License-Identifier: Apache-2.0 */
/*
 * KVM's own statistics of a guest that runs: each has a name, values grow with exits, and they can be
 * read while vCPUs are inside. A KVM that has none says so.
 */
#include "running.h"

#include <errno.h>
#include <inttypes.h>

/* NULL: this KVM has none, which was said. */
static AxStats *open_vm(AxVm *vm)
{
	AxError err = AX_ERROR_INIT;
	AxStats *stats = NULL;
	int ret = ax_vm_stats_open(vm, &stats, &err);

	if (ret == -ENOTSUP) {
		ck_assert_int_eq(err.code, AX_ERROR_UNSUPPORTED);
		kvm_skip("%s", err.message);
		return NULL;
	}
	ck_ok(ret, err);
	kvm_count_run();
	return stats;
}

static unsigned check_each(const AxStats *stats)
{
	AxStat stat = AX_STAT_INIT, found = AX_STAT_INIT;
	unsigned count = 0;

	while (ax_stats_at(stats, count, &stat)) {
		ck_assert(stat.name[0]);
		ck_assert_uint_ge(stat.count, 1);
		ck_assert_ptr_nonnull(stat.values);
		ck_assert(ax_stats_find(stats, stat.name, &found));
		ck_assert_ptr_eq(found.values, stat.values);
		count++;
	}
	kvm_say("%s: %u statistics, the first is %s", ax_stats_id(stats), count,
		ax_stats_at(stats, 0, &stat) ? stat.name : "-");
	return count;
}

START_TEST(a_vm_has_some)
{
	struct running running;
	AxStats *stats;

	running_open(&running, NULL, CODE(spin), 1);
	stats = open_vm(running.vm.vm);
	if (stats)
		ck_assert_uint_gt(check_each(stats), 0);
	running_close(&running);
	/* They outlive the VM. */
	ax_stats_free(stats);
}
END_TEST

START_TEST(a_vcpus_exits_are_counted_while_it_runs)
{
	AxError err = AX_ERROR_INIT;
	struct running running;
	AxStats *vm, *vcpu;
	AxStat exits = AX_STAT_INIT;
	uint64_t before;

	running_open_sweep(&running, 1);
	vm = open_vm(running.vm.vm);
	if (!vm) {
		running_close(&running);
		return;
	}
	ck_ok(ax_vcpu_stats_open(running.vm.vcpu, &vcpu, &err), err);
	ck_assert_uint_gt(check_each(vcpu), 0);
	running_start(&running);
	running_wait_progress(&running);
	ck_ok(ax_stats_read(vcpu, &err), err);
	ck_ok(ax_stats_read(vm, &err), err);
	/* x86-64, arm64 and riscv64 have it by this name: struct kvm_vcpu_stat. */
	ck_assert(ax_stats_find(vcpu, "exits", &exits));
	ck_assert_uint_eq(exits.kind, AX_STAT_CUMULATIVE);
	before = exits.values[0];
	for (unsigned i = 0; i < 1000 && exits.values[0] <= before; i++) {
		doze(5000000);
		ck_ok(ax_stats_read(vcpu, &err), err);
	}
	ck_assert_msg(exits.values[0] > before, "\"exits\" stays %" PRIu64, before);
	ck_assert_int_eq(ax_vcpu_stats_open(running.vm.vcpu, &vm, &err), -EPERM);
	running_stop(&running);
	ax_stats_free(vcpu);
	ax_stats_free(vm);
	running_close(&running);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("statistics");
	TCase *cases = kvm_case(suite, "statistics");

	tcase_add_test(cases, a_vm_has_some);
	tcase_add_test(cases, a_vcpus_exits_are_counted_while_it_runs);
	return kvm_main(suite);
}
