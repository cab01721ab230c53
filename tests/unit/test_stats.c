/* SPDX-License-Identifier: Apache-2.0 */
/*
 * KVM's statistics: what the bytes say comes out, and bytes that lie are refused.
 */
#include <pthread.h>
#include <sched.h>
#include <stddef.h>
#include <stdio.h>

#include <axvmm/stats.h>

#include "tests/unit/core_fixture.h"
#include "tests/unit/fake_libc.h"

#define NAME_SIZE 48
#define DESCS	  4
#define VALUES	  (1 + 1 + 3 + 4)

/* As KVM lays it out: header, identification, descriptors, data. */
static struct file {
	struct kvm_stats_header header;
	char id[NAME_SIZE];
	struct {
		uint32_t flags;
		int16_t exponent;
		uint16_t size;
		uint32_t offset;
		uint32_t bucket_size;
		char name[NAME_SIZE];
	} desc[DESCS];
	uint64_t data[VALUES];
} file;

static AxVm *vm;

static void describe(unsigned index, const char *name, uint32_t flags, int exponent, unsigned size,
		     unsigned first, uint32_t bucket_size)
{
	file.desc[index].flags = flags;
	file.desc[index].exponent = (int16_t)exponent;
	file.desc[index].size = (uint16_t)size;
	file.desc[index].offset = first * 8;
	file.desc[index].bucket_size = bucket_size;
	snprintf(file.desc[index].name, NAME_SIZE, "%s", name);
}

static void setup(void)
{
	core_setup();
	memset(&file, 0, sizeof(file));
	file.header.name_size = NAME_SIZE;
	file.header.num_desc = DESCS;
	file.header.id_offset = offsetof(struct file, id);
	file.header.desc_offset = offsetof(struct file, desc);
	file.header.data_offset = offsetof(struct file, data);
	snprintf(file.id, NAME_SIZE, "kvm-77/vcpu-0");
	describe(0, "exits", KVM_STATS_TYPE_CUMULATIVE, 0, 1, 0, 0);
	describe(1, "halt_wait_ns",
		 KVM_STATS_TYPE_PEAK | KVM_STATS_UNIT_SECONDS | KVM_STATS_BASE_POW10, -9, 1, 1, 0);
	describe(2, "pages_in_use",
		 KVM_STATS_TYPE_LINEAR_HIST | KVM_STATS_UNIT_BYTES | KVM_STATS_BASE_POW2, 12, 3, 2,
		 10);
	describe(3, "halt_wait_hist", KVM_STATS_TYPE_LOG_HIST | KVM_STATS_UNIT_CYCLES, 0, 4, 5, 99);
	for (unsigned i = 0; i < VALUES; i++)
		file.data[i] = 100 + i;
	fake_set_stats(&file, sizeof(file), 0);
	vm = new_vm(AX_IRQCHIP_NONE);
}

static void teardown(void)
{
	ax_vm_destroy(vm);
	core_teardown();
}

static AxStats *open_good(void)
{
	AxError err = AX_ERROR_INIT;
	AxStats *stats = NULL;

	ck_assert_msg(!ax_vm_stats_open(vm, &stats, &err), "%s", err.message);
	return stats;
}

static void refused(const char *piece)
{
	AxError err;
	AxStats *stats = NULL;

	ck_assert_fails(ax_vm_stats_open(vm, &stats, &err), -EIO, AX_ERROR_KVM_CALL, piece);
	ck_assert_ptr_null(stats);
}

START_TEST(names_kinds_units_and_values_are_kvms)
{
	AxStats *stats = open_good();
	AxStat stat = AX_STAT_INIT;

	ck_assert_str_eq(ax_stats_id(stats), "kvm-77/vcpu-0");
	ck_assert(ax_stats_at(stats, 0, &stat));
	ck_assert_str_eq(stat.name, "exits");
	ck_assert_uint_eq(stat.kind, AX_STAT_CUMULATIVE);
	ck_assert_uint_eq(stat.unit, AX_STAT_NONE);
	ck_assert_uint_eq(stat.count, 1);
	ck_assert_uint_eq(stat.values[0], 100);
	ck_assert(ax_stats_at(stats, 1, &stat));
	ck_assert_str_eq(stat.name, "halt_wait_ns");
	ck_assert_str_eq(ax_stat_kind_name(stat.kind), "peak");
	ck_assert_str_eq(ax_stat_unit_name(stat.unit), "seconds");
	ck_assert_uint_eq(stat.base, 10);
	ck_assert_int_eq(stat.exponent, -9);
	ck_assert(ax_stats_at(stats, 2, &stat));
	ck_assert_str_eq(ax_stat_kind_name(stat.kind), "linear-histogram");
	ck_assert_uint_eq(stat.base, 2);
	ck_assert_uint_eq(stat.bucket_size, 10);
	ck_assert_uint_eq(stat.count, 3);
	ck_assert_uint_eq(stat.values[2], 104);
	ck_assert(ax_stats_find(stats, "halt_wait_hist", &stat));
	ck_assert_uint_eq(stat.values[3], 108);
	ck_assert_uint_eq(stat.bucket_size, 0);
	ck_assert(!ax_stats_at(stats, DESCS, &stat));
	ck_assert(!ax_stats_find(stats, "halt_wait", &stat));
	stat.size = 8;
	ck_assert(!ax_stats_at(stats, 0, &stat));
	ax_stats_free(stats);
	ax_stats_free(NULL);
}
END_TEST

START_TEST(numbers_of_later_kernels_have_a_name)
{
	ck_assert_str_eq(ax_stat_kind_name(15), "unknown");
	ck_assert_str_eq(ax_stat_unit_name(15), "unknown");
	file.desc[0].flags = 0xff;
	ax_stats_free(open_good());
}
END_TEST

START_TEST(reading_again_is_one_call_and_shows_what_changed)
{
	AxStats *stats = open_good();
	AxError err = AX_ERROR_INIT;
	AxStat stat = AX_STAT_INIT;
	unsigned calls = fake_calls_all();

	ck_assert(ax_stats_find(stats, "exits", &stat));
	file.data[0] = 5;
	ck_assert_uint_eq(stat.values[0], 100);
	ck_assert_int_eq(ax_stats_read(stats, &err), 0);
	ck_assert_uint_eq(stat.values[0], 5);
	ck_assert_uint_eq(fake_calls_all(), calls + 1);
	/* What cannot be read leaves what was there. */
	file.data[0] = 6;
	fake_fail(FAKE_STATS_READ, 1, EIO);
	ck_assert_int_eq(ax_stats_read(stats, &err), -EIO);
	ck_assert_uint_eq(stat.values[0], 5);
	fake_set_stats(&file, sizeof(file) - 8, 0);
	ck_assert_fails(ax_stats_read(stats, &err), -EIO, AX_ERROR_KVM_CALL, "too early");
	ck_assert_uint_eq(stat.values[0], 5);
	ax_stats_free(stats);
}
END_TEST

START_TEST(short_and_interrupted_reads_go_on)
{
	AxStats *stats;
	AxStat stat = AX_STAT_INIT;

	fake_set_stats(&file, sizeof(file), 7);
	fake_fail(FAKE_STATS_READ, 3, EINTR);
	stats = open_good();
	ck_assert(ax_stats_find(stats, "halt_wait_hist", &stat));
	ck_assert_uint_eq(stat.values[3], 108);
	ax_stats_free(stats);
}
END_TEST

START_TEST(statistics_may_be_none)
{
	AxStats *stats;
	AxStat stat = AX_STAT_INIT;

	file.header.num_desc = 0;
	stats = open_good();
	ck_assert(!ax_stats_at(stats, 0, &stat));
	ck_assert_int_eq(ax_stats_read(stats, NULL), 0);
	ax_stats_free(stats);
}
END_TEST

START_TEST(a_kvm_without_them_says_so)
{
	AxError err;
	AxStats *stats = NULL;

	fake_set_cap(KVM_CAP_BINARY_STATS_FD, 0);
	ck_assert_fails(ax_vm_stats_open(vm, &stats, &err), -ENOTSUP, AX_ERROR_UNSUPPORTED,
			"KVM_CAP_BINARY_STATS_FD");
	ck_assert_ptr_null(stats);
	ck_assert_uint_eq(fake_calls(KVM_GET_STATS_FD), 0);
	fake_set_cap(KVM_CAP_BINARY_STATS_FD, 1);
	fake_fail(KVM_GET_STATS_FD, 1, EIO);
	refused("KVM_GET_STATS_FD");
}
END_TEST

START_TEST(headers_that_lie_are_refused)
{
	const struct kvm_stats_header good = file.header;

	file.header.flags = 1;
	refused("flags");
	file.header = good;
	file.header.name_size = 0;
	refused("size of names");
	file.header.name_size = 257;
	refused("size of names");
	file.header.name_size = UINT32_MAX;
	refused("size of names");
	file.header = good;
	file.header.num_desc = UINT32_MAX;
	refused("too many");
	file.header.num_desc = 4096;
	refused("too early");
	file.header = good;
	file.header.id_offset = 23;
	refused("place");
	file.header = good;
	file.header.desc_offset = UINT32_MAX;
	refused("place");
	file.header = good;
	file.header.data_offset = (1 << 24) + 1;
	refused("place");
	file.header.data_offset = 1 << 24;
	refused("too early");
	file.header = good;
	memset(file.id, 'x', NAME_SIZE);
	refused("identification");
	snprintf(file.id, NAME_SIZE, "kvm-77");
	for (size_t size = 0; size < sizeof(file); size += 5) {
		fake_set_stats(&file, size, 0);
		refused("too early");
	}
}
END_TEST

START_TEST(descriptors_that_lie_are_refused)
{
	file.desc[3].size = 0;
	refused("without a value");
	file.desc[3].size = UINT16_MAX;
	refused("too");
	file.desc[3].size = 4;
	file.desc[3].offset = UINT32_MAX;
	refused("odd place");
	file.desc[3].offset = UINT32_MAX - 7;
	refused("too many values");
	file.desc[3].offset = 8 * VALUES;
	refused("too early");
	file.desc[3].offset = 40;
	file.desc[3].flags = 2 << 8;
	refused("base");
	file.desc[3].flags = 0;
	file.desc[3].name[0] = 0;
	refused("name");
	memset(file.desc[3].name, 'x', NAME_SIZE);
	refused("name");
	/* What a terminal would obey. */
	snprintf(file.desc[3].name, NAME_SIZE, "\033[2J");
	refused("name");
}
END_TEST

static void *run_on_a_thread(void *vcpu)
{
	ck_assert_int_eq(ax_vcpu_bind(vcpu, AX_ANY_CPU, NULL), 0);
	fake_spin(fake_run(0));
	ck_assert_int_eq(ax_vcpu_unbind(vcpu, NULL), 0);
	return NULL;
}

START_TEST(a_vcpus_are_its_owners_to_open)
{
	AxVCpuSetup begin = AX_VCPU_SETUP_INIT;
	AxVCpu *vcpu = new_vcpu(vm, 0);
	AxError err = AX_ERROR_INIT;
	AxStats *stats = NULL;
	pthread_t thread;

	ck_assert_int_eq(ax_vcpu_stats_open(vcpu, &stats, &err), 0);
	ax_stats_free(stats);
	ck_assert_int_eq(ax_vcpu_setup(vcpu, &begin, &err), 0);
	ck_assert_int_eq(ax_vcpu_bind(vcpu, AX_ANY_CPU, &err), 0);
	ck_assert_int_eq(ax_vcpu_stats_open(vcpu, &stats, &err), 0);
	ax_stats_free(stats);
	ck_assert_int_eq(ax_vcpu_unbind(vcpu, &err), 0);
	ck_assert_int_eq(pthread_create(&thread, NULL, run_on_a_thread, vcpu), 0);
	while (ax_vcpu_state(vcpu) < AX_VCPU_READY)
		sched_yield();
	stats = NULL;
	ck_assert_fails(ax_vcpu_stats_open(vcpu, &stats, &err), -EPERM, AX_ERROR_STATE,
			"another thread");
	ck_assert_ptr_null(stats);
	ax_vcpu_kick(vcpu, 0);
	pthread_join(thread, NULL);
}
END_TEST

static AxHandled accept(AxVCpu *vcpu, void *opaque, uint64_t offset, AxAccessWidth width,
			uint64_t value)
{
	(void)vcpu, (void)opaque, (void)offset, (void)width, (void)value;
	return AX_HANDLED;
}

START_TEST(the_last_access_has_its_devices_name)
{
	static const AxRangeOps ops = { .size = sizeof(ops), .write = accept };
	AxRange range = AX_RANGE_INIT;
	AxVCpu *vcpu = ready_vcpu(vm, 0);
	AxAccess access = AX_ACCESS_INIT;
	AxVCpuExitReason exit;
	AxRangeId id;
	AxError err = AX_ERROR_INIT;

	range.name = "seven";
	range.base = 0x7000;
	range.length = 0x1000;
	range.ops = &ops;
	ck_assert_msg(!ax_range_add_mmio(vm, &range, &id, &err), "%s", err.message);
	ck_assert(!ax_vcpu_last_access(vcpu, &access));
	fake_push_mmio_write(0, 0x7ffc, 4, 1);
	fake_push_port(0, 0x3f8, 1, 1, "x");
	fake_push_mmio_read(0, 0x8000, 8);
	fake_push_exit(0, KVM_EXIT_HLT);
	ck_assert_int_eq(ax_vcpu_run(vcpu, &exit, &err), 0);
	ck_assert(ax_vcpu_last_access(vcpu, &access));
	ck_assert_uint_eq(access.kind, AX_EXIT_MMIO_WRITE);
	ck_assert_uint_eq(access.addr, 0x7ffc);
	ck_assert_str_eq(access.device, "seven");
	ck_assert_int_eq(ax_vcpu_run(vcpu, &exit, &err), 0);
	ck_assert(ax_vcpu_last_access(vcpu, &access));
	ck_assert_uint_eq(access.kind, AX_EXIT_IO_WRITE);
	ck_assert_uint_eq(access.addr, 0x3f8);
	ck_assert_str_eq(access.device, "");
	ck_assert_int_eq(ax_vcpu_run(vcpu, &exit, &err), 0);
	ck_assert(ax_vcpu_last_access(vcpu, &access));
	ck_assert_uint_eq(access.kind, AX_EXIT_MMIO_READ);
	ck_assert_str_eq(access.device, "");
	ck_assert_int_eq(ax_vcpu_run(vcpu, &exit, &err), 0);
	ck_assert(!ax_vcpu_last_access(vcpu, &access));
	access.size = 8;
	ck_assert(!ax_vcpu_last_access(vcpu, &access));
}
END_TEST

START_TEST(whatever_fails_nothing_leaks)
{
	unsigned calls = fake_calls_all();
	AxStats *stats = open_good();

	calls = fake_calls_all() - calls;
	ax_stats_free(stats);
	for (unsigned n = 1; n <= calls; n++) {
		fake_fail_any(n, EIO);
		stats = NULL;
		if (!ax_vm_stats_open(vm, &stats, NULL))
			ax_stats_free(stats);
		fake_fail_clear();
	}
	ck_assert_uint_ge(fake_failed(), calls - 1);
	for (unsigned n = 1; n <= 4; n++) {
		AxError err = AX_ERROR_INIT;

		fake_libc_fail(LIBC_MALLOC, n, ENOMEM);
		ck_assert_int_eq(ax_vm_stats_open(vm, &stats, &err), -ENOMEM);
	}
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("stats");
	TCase *cases = tcase_create("stats");
	SRunner *runner = srunner_create(suite);
	int failed;

	tcase_add_checked_fixture(cases, setup, teardown);
	tcase_add_test(cases, names_kinds_units_and_values_are_kvms);
	tcase_add_test(cases, numbers_of_later_kernels_have_a_name);
	tcase_add_test(cases, reading_again_is_one_call_and_shows_what_changed);
	tcase_add_test(cases, short_and_interrupted_reads_go_on);
	tcase_add_test(cases, statistics_may_be_none);
	tcase_add_test(cases, a_kvm_without_them_says_so);
	tcase_add_test(cases, headers_that_lie_are_refused);
	tcase_add_test(cases, descriptors_that_lie_are_refused);
	tcase_add_test(cases, a_vcpus_are_its_owners_to_open);
	tcase_add_test(cases, the_last_access_has_its_devices_name);
	tcase_add_test(cases, whatever_fails_nothing_leaks);
	suite_add_tcase(suite, cases);
	srunner_run_all(runner, CK_ENV);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed ? 1 : 0;
}
