/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A thousand VMs made, run and destroyed in one process leave nothing behind (a tenth of that on a
 * slow machine); several at once do not disturb each other.
 */
#include "guest_run.h"

#include <dirent.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#define WARM_UP	  50  /* VMs after which allocators have what they keep */
#define RSS_SLACK 512 /* KiB: about half a KiB for each of the thousand */
#define AT_ONCE	  8

/* Entries of a directory of /proc/self. */
static unsigned count_entries(const char *path)
{
	DIR *dir = opendir(path);
	unsigned count = 0;

	ck_assert_ptr_nonnull(dir);
	while (readdir(dir))
		count++;
	closedir(dir);
	return count;
}

/* The second number of statm, in pages. */
static unsigned long resident_kib(void)
{
	FILE *file = fopen("/proc/self/statm", "re");
	char line[128], *second;

	ck_assert_ptr_nonnull(file);
	ck_assert_ptr_nonnull(fgets(line, sizeof(line), file));
	fclose(file);
	second = strchr(line, ' ');
	ck_assert_ptr_nonnull(second);
	return strtoul(second, NULL, 10) * (unsigned long)sysconf(_SC_PAGESIZE) / 1024;
}

struct usage {
	unsigned descriptors;
	unsigned threads;
	unsigned long rss_kib;
};

static struct usage usage_now(void)
{
	return (struct usage){ count_entries("/proc/self/fd"), count_entries("/proc/self/task"),
			       resident_kib() };
}

/*
 * The kernel ends threads of its own, which it keeps for a VM in the process, a moment after the
 * VM.
 */
static struct usage usage_at_rest(unsigned threads)
{
	const struct timespec a_moment = { .tv_nsec = 5000000 };
	struct usage usage = usage_now();

	for (unsigned i = 0; i < 200 && usage.threads > threads; i++) {
		nanosleep(&a_moment, NULL);
		usage = usage_now();
	}
	return usage;
}

static void run_one(const struct embedded_guest *guest)
{
	AxError err = AX_ERROR_INIT;
	struct guest_run run;
	char why[1024];

	ck_ok(guest_open(&run, guest, NULL, &err), err);
	ck_ok(guest_go(&run, &err), err);
	ck_assert_msg(guest_ended_well(&run, why, sizeof(why)), "%s", why);
	guest_close(&run);
}

/* A guest of x86-64, or what the other architectures have in its place. */
struct pair {
	const char *name, *other;
};

static const struct embedded_guest *either(const struct pair *pair)
{
	return embedded_guest_find(pair->name) ? guest_named(pair->name) : guest_named(pair->other);
}

/* Guests of different kinds in turn: console, memory, a death. */
static const struct pair turn[] = { { "hello-long", "hello" },
				    { "hello-real", "elf64-hello" },
				    { "hypercall-block", NULL },
				    { "triple-fault", "power-off" },
				    { "hello-protected", "image-hello" } };
static const struct pair several_cpus = { "smp-sipi", "smp" };
#define TURN (sizeof(turn) / sizeof(turn[0]))

START_TEST(a_thousand_vms_leave_nothing_behind)
{
	unsigned threads = usage_now().threads, vms = kvm_rounds(1000, 100);
	struct usage before, after;
	uint64_t start;

	kvm_limit(90);
	for (unsigned i = 0; i < WARM_UP; i++)
		run_one(either(&turn[i % TURN]));
	before = usage_at_rest(threads);
	start = kvm_now();
	for (unsigned i = 0; i < vms; i++) {
		run_one(either(&turn[i % TURN]));
		if (i % 100 == 0)
			run_one(either(&several_cpus));
	}
	after = usage_at_rest(before.threads);
	kvm_say("%u VMs, %.1f ms each: descriptors %u -> %u, threads %u -> %u, RSS %lu -> %lu KiB",
		vms, (double)(kvm_now() - start) / 1e6 / vms, before.descriptors, after.descriptors,
		before.threads, after.threads, before.rss_kib, after.rss_kib);
	ck_assert_uint_eq(after.descriptors, before.descriptors);
	ck_assert_uint_eq(after.threads, before.threads);
	/* A sanitizer keeps what was freed. */
	if (!kvm_is_instrumented())
		ck_assert_uint_le(after.rss_kib, before.rss_kib + RSS_SLACK);
}
END_TEST

/* VMs that are never run, or whose making fails half way, leave nothing behind, either. */
START_TEST(vms_that_never_ran_leave_nothing_behind)
{
	AxVmOptions options = AX_VM_OPTIONS_INIT;
	struct usage before = usage_now(), after;

	for (unsigned i = 0; i < 100; i++) {
		AxVCpu *vcpu;
		AxVm *vm;

		/* Only x86-64 has one that is not KVM's. */
		options.irqchip = i % 3 == 1 ? AX_IRQCHIP_USER : AX_IRQCHIP_NONE;
		if (ax_vm_create(&options, &vm, NULL)) {
			options.irqchip = AX_IRQCHIP_NONE;
			ck_assert_int_eq(ax_vm_create(&options, &vm, NULL), 0);
		}
		if (i % 2) {
			ck_assert_int_eq(
				ax_ram_add(vm, 0, 64 << 20, i % 4 ? AX_RAM_MEMFD : 0, NULL), 0);
			ck_assert_int_lt(ax_ram_add(vm, 4096, 4096, 0, NULL), 0);
		}
		if (i % 5) {
			ck_assert_int_eq(ax_vcpu_create(vm, 0, &vcpu, NULL), 0);
			ck_assert_int_lt(ax_vcpu_create(vm, 0, &vcpu, NULL), 0);
		}
		ax_vm_destroy(vm);
	}
	after = usage_at_rest(before.threads);
	ck_assert_uint_eq(after.descriptors, before.descriptors);
	ck_assert_uint_eq(after.threads, before.threads);
}
END_TEST

static void *run_many(void *opaque)
{
	unsigned rounds = kvm_rounds(15, 3);
	const unsigned *number = opaque;
	static const struct pair pairs[] = { { "hello-long", "hello" },
					     { "mmio-widths", NULL },
					     { "hlt-wake", "irq-line" },
					     { "ipi-pingpong", "smp-kernel" } };

	for (unsigned i = 0; i < rounds; i++)
		run_one(either(&pairs[(*number + i) % 4]));
	return NULL;
}

START_TEST(vms_on_several_threads_do_not_disturb_each_other)
{
	unsigned numbers[AT_ONCE];
	pthread_t threads[AT_ONCE];
	struct usage before = usage_now(), after;

	kvm_limit(60);
	for (unsigned i = 0; i < AT_ONCE; i++) {
		numbers[i] = i;
		ck_assert_int_eq(pthread_create(&threads[i], NULL, run_many, &numbers[i]), 0);
	}
	for (unsigned i = 0; i < AT_ONCE; i++)
		pthread_join(threads[i], NULL);
	after = usage_at_rest(before.threads);
	ck_assert_uint_eq(after.descriptors, before.descriptors);
	ck_assert_uint_eq(after.threads, before.threads);
}
END_TEST

/* Several VMs that exist and run at the same time keep their memory and devices apart. */
START_TEST(vms_of_one_process_share_nothing)
{
	enum { COUNT = 6 };
	struct guest_run runs[COUNT];
	AxError err = AX_ERROR_INIT;
	char why[1024];

	for (unsigned i = 0; i < COUNT; i++)
		ck_ok(guest_open(&runs[i], i % 2 ? either(&turn[0]) : guest_named("mmio-widths"),
				 NULL, &err),
		      err);
	for (unsigned i = COUNT; i-- > 0;) {
		ck_ok(guest_go(&runs[i], &err), err);
		ck_assert_msg(guest_ended_well(&runs[i], why, sizeof(why)), "%s", why);
	}
	for (unsigned i = 0; i < COUNT; i++) {
		ck_assert_uint_eq(runs[i].output_len == 0, i % 2 == 0);
		guest_close(&runs[i]);
	}
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("many_vms");
	TCase *tcase = kvm_case(suite, "many VMs");

	tcase_add_test(tcase, a_thousand_vms_leave_nothing_behind);
	tcase_add_test(tcase, vms_that_never_ran_leave_nothing_behind);
	tcase_add_test(tcase, vms_on_several_threads_do_not_disturb_each_other);
	tcase_add_test(tcase, vms_of_one_process_share_nothing);
	return kvm_main(suite);
}
