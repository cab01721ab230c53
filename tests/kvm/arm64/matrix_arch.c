/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The exit matrix on arm64.
 */
#include "tests/kvm/matrix.h"

#include <glob.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "core/vcpu.h"
#include "sys/sys.h"

#define PMUS "/sys/bus/event_source/devices/armv8_pmuv3*"

/*
 * Attributes of a vCPU's PMU: Documentation/virt/kvm/devices/vcpu.rst, 1. The last one chooses among
 * the host's PMUs.
 */
#define PMU_GROUP KVM_ARM_VCPU_PMU_V3_CTRL
#define PMU_INIT  KVM_ARM_VCPU_PMU_V3_INIT
#define PMU_SET	  3

/*
 * 1. A vCPU whose PMU not every host CPU has.
 */

/* Whether a list as "0,2-3" has a CPU. */
static bool list_has(const char *list, long cpu)
{
	while (*list >= '0' && *list <= '9') {
		char *end;
		long first = strtol(list, &end, 10), last = first;

		if (*end == '-')
			last = strtol(end + 1, &end, 10);
		if (cpu >= first && cpu <= last)
			return true;
		list = *end == ',' ? end + 1 : end;
	}
	return false;
}

static bool read_line(const char *folder, const char *name, char *line, int size)
{
	char path[512];
	FILE *file;
	bool good;

	snprintf(path, sizeof(path), "%s/%s", folder, name);
	file = fopen(path, "r");
	if (!file)
		return false;
	good = fgets(line, size, file) != NULL;
	fclose(file);
	return good;
}

/* A host CPU that this PMU is not of; -1: it is of all. */
static int foreign_cpu(const char *folder)
{
	long count = sysconf(_SC_NPROCESSORS_ONLN);
	char list[256];

	if (!read_line(folder, "cpus", list, sizeof(list)))
		return -1;
	for (long cpu = 0; cpu < count; cpu++) {
		if (!list_has(list, cpu))
			return (int)cpu;
	}
	return -1;
}

/* The number of such a PMU, and the CPU: false when each is of all CPUs. */
static bool find_partial_pmu(int *pmu, int *cpu)
{
	bool found = false;
	char type[32];
	glob_t folders;

	if (glob(PMUS, 0, NULL, &folders))
		return false;
	for (size_t i = 0; i < folders.gl_pathc && !found; i++) {
		*cpu = foreign_cpu(folders.gl_pathv[i]);
		found = *cpu >= 0 && read_line(folders.gl_pathv[i], "type", type, sizeof(type));
		if (found)
			*pmu = (int)strtol(type, NULL, 10);
	}
	globfree(&folders);
	return found;
}

const char *matrix_variant(void)
{
	int pmu, cpu;

	return find_partial_pmu(&pmu, &cpu) ? "-pmu" : "";
}

/* Leave this CPU alone to the others. KVM wants a vCPU with a PMU to be made on a CPU that has one. */
static void avoid_cpu(int cpu, cpu_set_t *before)
{
	cpu_set_t others;

	ck_assert_int_eq(sched_getaffinity(0, sizeof(*before), before), 0);
	others = *before;
	CPU_CLR(cpu, &others);
	ck_assert_int_eq(sched_setaffinity(0, sizeof(others), &others), 0);
}

/* The library gives no vCPU a PMU. */
static int with_pmu(int fd, unsigned long request, uintptr_t arg)
{
	if (request == KVM_ARM_VCPU_INIT) {
		struct kvm_vcpu_init init = *(const struct kvm_vcpu_init *)arg;

		init.features[0] |= 1u << KVM_ARM_VCPU_PMU_V3;
		return matrix_kvm_ioctl(fd, request, (uintptr_t)&init);
	}
	return matrix_kvm_ioctl(fd, request, arg);
}

static void set_attr(AxVCpu *vcpu, uint64_t attr, const int *value)
{
	struct kvm_device_attr request = { .group = PMU_GROUP,
					   .attr = attr,
					   .addr = (uintptr_t)value };

	ck_assert_int_ge(sys_ioctl_struct(vcpu->fd, KVM_SET_DEVICE_ATTR, &request), 0);
}

static void run_on_foreign_cpu(void)
{
	AxError err = AX_ERROR_INIT;
	AxVCpuExitReason exit;
	struct code_vm vm;
	cpu_set_t before;
	int pmu, cpu;

	if (!find_partial_pmu(&pmu, &cpu)) {
		matrix_cannot("every CPU of this host has the same PMU");
		return;
	}
	avoid_cpu(cpu, &before);
	matrix_ioctl = with_pmu;
	code_open(&vm, NULL, CODE(spin));
	ck_assert_int_eq(sched_setaffinity(0, sizeof(before), &before), 0);
	set_attr(vm.vcpu, PMU_SET, &pmu);
	set_attr(vm.vcpu, PMU_INIT, NULL);
	ck_ok(ax_vcpu_bind(vm.vcpu, cpu, &err), err);
	ck_ok(ax_vcpu_run(vm.vcpu, &exit, &err), err);
	matrix_see(exit.kind, matrix_raw(vm.vcpu));
	code_close(&vm);
	matrix_ioctl = matrix_kvm_ioctl;
}

/*
 * 2. A KVM that gives no syndromes: as older ones, without KVM_CAP_ARM_NISV_TO_USER.
 */

static int without_nisv(int fd, unsigned long request, uintptr_t arg)
{
	if (request == KVM_CHECK_EXTENSION && arg == KVM_CAP_ARM_NISV_TO_USER)
		return 0;
	return matrix_kvm_ioctl(fd, request, arg);
}

/* The tour has pairs. */
static void access_without_syndrome(void)
{
	AxVmResult result = AX_VM_RESULT_INIT;
	AxError err = AX_ERROR_INIT;
	struct code_vm vm;

	matrix_ioctl = without_nisv;
	code_open(&vm, NULL, CODE(tour));
	matrix_ioctl = matrix_kvm_ioctl;
	ck_ok(ax_observer_set(vm.vm, &matrix_observer, NULL, &err), err);
	ck_ok(ax_vm_run(vm.vm, &result, &err), err);
	ck_assert_uint_eq(result.end, AX_VM_END_EXIT);
	ck_exit_kind(&result.exit, AX_EXIT_INTERNAL_ERROR);
	code_close(&vm);
}

const struct matrix_scenario matrix_arch[] = {
	{ AX_EXIT_HYPERCALL, "hypercall-trap", MATRIX_NATIVE, NULL },
	{ AX_EXIT_HYPERCALL, "hypercall-block", MATRIX_OPT_IN, NULL },
	{ AX_EXIT_MMIO_READ, "mmio-widths", MATRIX_NATIVE, NULL },
	{ AX_EXIT_MMIO_READ, "nisv", MATRIX_NATIVE, NULL },
	{ AX_EXIT_MMIO_WRITE, "mmio-widths", MATRIX_NATIVE, NULL },
	{ AX_EXIT_MMIO_WRITE, "nisv", MATRIX_NATIVE, NULL },
	{ AX_EXIT_EXTERNAL_INTERRUPT, "kick-spin", MATRIX_NATIVE, NULL },
	{ AX_EXIT_HALT, "psci", MATRIX_NATIVE, NULL },
	{ AX_EXIT_CPU_UP, "smp", MATRIX_NATIVE, NULL },
	{ AX_EXIT_CPU_DOWN, "smp", MATRIX_NATIVE, NULL },
	{ AX_EXIT_SYSTEM_DOWN, "power-off", MATRIX_NATIVE, NULL },
	{ AX_EXIT_SYSTEM_DOWN, "power-off-kernel", MATRIX_NATIVE, NULL },
	{ AX_EXIT_FAIL_ENTRY, "a vCPU with a PMU on a CPU without it", MATRIX_NATIVE,
	  run_on_foreign_cpu },
	{ AX_EXIT_INTERNAL_ERROR, "a load of a pair, KVM_CAP_ARM_NISV_TO_USER left off",
	  MATRIX_NATIVE, access_without_syndrome },
	{ AX_EXIT_DEBUG, "hwbreak", MATRIX_NATIVE, NULL },
	{ 0, NULL, MATRIX_NATIVE, NULL },
};

const char *matrix_reason(uint32_t kind)
{
	switch (kind) {
	case AX_EXIT_SYS_REG_READ:
	case AX_EXIT_SYS_REG_WRITE:
		return "KVM emulates a system register or the guest gets an exception";
	case AX_EXIT_IO_READ:
	case AX_EXIT_IO_WRITE: return "the architecture has no port I/O";
	case AX_EXIT_FAIL_ENTRY: return "it takes host CPUs that are not alike";
	case AX_EXIT_SEND_IPI: return "interrupts between CPUs stay in KVM's GIC";
	case AX_EXIT_IRQ_EOI: return "KVM's GIC keeps the end of an interrupt to itself";
	default: return NULL;
	}
}
