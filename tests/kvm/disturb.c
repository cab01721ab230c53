/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Guests that check everything they do end well, too, while the host pauses and resumes the VM,
 * kicks its vCPUs, signals its threads and watches it on and off. Also run under ThreadSanitizer.
 */
#include "guest_run.h"

#include <dirent.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#define MOST_VCPUS 16

static void doze(long ns)
{
	struct timespec time = { .tv_nsec = ns };

	nanosleep(&time, NULL);
}

/* Everything of one run that the threads share. */
struct disturbance {
	AxVm *vm;
	AxVCpu *vcpus[MOST_VCPUS];
	unsigned vcpu_count;
	atomic_bool ends;
	atomic_uint seen;
};

static void on_exit_seen(void *opaque, AxVCpu *vcpu, const AxExitRecord *record)
{
	struct disturbance *disturbance = opaque;

	atomic_fetch_add(&disturbance->seen, 1);
}

static const AxObserver observer = { sizeof(observer), on_exit_seen };

static void *pause_and_resume(void *opaque)
{
	struct disturbance *disturbance = opaque;
	AxError err = AX_ERROR_INIT;

	while (!atomic_load(&disturbance->ends)) {
		ck_ok(ax_vm_pause(disturbance->vm, &err), err);
		ck_ok(ax_vm_resume(disturbance->vm, &err), err);
		doze(100000);
	}
	return NULL;
}

static void *kick_and_watch(void *opaque)
{
	struct disturbance *disturbance = opaque;
	AxError err = AX_ERROR_INIT;

	for (unsigned i = 0; !atomic_load(&disturbance->ends); i++) {
		ck_assert_int_ge(
			ax_vcpu_kick(disturbance->vcpus[i % disturbance->vcpu_count], i % 256), 0);
		if (i % 16 == 0)
			ck_ok(ax_observer_set(disturbance->vm, i % 32 ? &observer : NULL,
					      disturbance, &err),
			      err);
		doze(50000);
	}
	return NULL;
}

/* The kick signal to every thread of the process that takes it, from nobody. */
static void *signal_all_threads(void *opaque)
{
	struct disturbance *disturbance = opaque;

	while (!atomic_load(&disturbance->ends)) {
		DIR *dir = opendir("/proc/self/task");
		struct dirent *entry;

		ck_assert_ptr_nonnull(dir);
		while ((entry = readdir(dir))) {
			if (entry->d_name[0] != '.')
				syscall(SYS_tgkill, getpid(),
					(pid_t)strtol(entry->d_name, NULL, 10), SIGRTMIN + 3);
		}
		closedir(dir);
		doze(150000);
	}
	return NULL;
}

static const struct {
	const char *name;
	struct guest_variant variant;
} cases[] = {
	{ "hello-real", { 0 } },
	{ "port-widths", { 0 } },
	{ "port-strings", { 0 } },
	{ "mmio-widths", { 0 } },
	{ "mmio-extend", { 0 } },
	{ "mmio-crossing", { 0 } },
	{ "msr", { 0 } },
	{ "hypercall-block", { 0 } },
	{ "hlt-wake", { 0 } },
	{ "smp-sipi", { 0 } },
	{ "smp-sipi", { .cpus = 8 } },
	{ "smp-kernel", { 0 } },
	{ "ipi-pingpong", { 0 } },
	{ "ipi-pingpong", { .irqchip = "kernel" } },
	{ "apic-registers", { 0 } },
	{ "triple-fault", { 0 } },
	{ "assert-fail", { 0 } },
	{ "bench-mmio", { 0 } },
	{ "hello", { 0 } },
	{ "hypercall-trap", { 0 } },
	{ "smp", { 0 } },
	{ "psci", { 0 } },
	{ "psci-kernel", { 0 } },
	{ "nisv", { 0 } },
	{ "gic-sgi", { 0 } },
	{ "gic-timer", { 0 } },
	{ "irq-line", { 0 } },
	{ "hsm", { 0 } },
	{ "hsm-kernel", { 0 } },
	{ "plic", { 0 } },
	/* Not the one that SBI TIME sets: disturbed, KVM of Linux 6.12 was seen to lose that. */
	{ "timer-stimecmp", { 0 } },
};

#define THREADS 3

static void run_disturbed(const struct embedded_guest *guest, const struct guest_variant *variant)
{
	void *(*const bodies[THREADS])(void *) = { pause_and_resume, kick_and_watch,
						   signal_all_threads };
	struct disturbance disturbance = { 0 };
	pthread_t threads[THREADS];
	AxError err = AX_ERROR_INIT;
	struct guest_run run;
	char why[1024];

	if (guest_open(&run, guest, variant, &err)) {
		kvm_skip("guest %s, disturbed: %s", guest->name, err.message);
		return;
	}
	disturbance.vm = ax_machine_vm(run.machine);
	while ((disturbance.vcpus[disturbance.vcpu_count] =
			ax_vm_vcpu_at(disturbance.vm, disturbance.vcpu_count)))
		disturbance.vcpu_count++;
	for (unsigned i = 0; i < THREADS; i++)
		ck_assert_int_eq(pthread_create(&threads[i], NULL, bodies[i], &disturbance), 0);
	ck_ok(guest_go(&run, &err), err);
	atomic_store(&disturbance.ends, true);
	for (unsigned i = 0; i < THREADS; i++)
		pthread_join(threads[i], NULL);
	ck_assert_msg(guest_ended_well(&run, why, sizeof(why)), "%s", why);
	guest_close(&run);
	kvm_count_run();
}

START_TEST(disturbed_guest_ends_as_its_row_says)
{
	const struct embedded_guest *guest = embedded_guest_find(cases[_i].name);
	unsigned repeats = kvm_rounds(8, 2);

	for (unsigned i = 0; guest && i < repeats; i++)
		run_disturbed(guest, &cases[_i].variant);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("disturb");
	TCase *tcase = kvm_case(suite, "disturbed guests");

	tcase_add_loop_test(tcase, disturbed_guest_ends_as_its_row_says, 0,
			    (int)(sizeof(cases) / sizeof(cases[0])));
	return kvm_main(suite);
}
