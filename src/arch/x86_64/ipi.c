/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Interprocessor interrupts of the userspace APIC: the ICR's commands as exits, and what SendIPI
 * does at its targets.
 */
#include <config.h>

#include "arch/x86_64/apic.h"
#include "arch/x86_64/x86.h"
#include "core/error.h"
#include "core/sipi.h"

bool x86_is_target(const AxVCpu *sender, const AxVCpu *candidate, const AxExitSendIpi *targets)
{
	const struct apic *apic = candidate->arch->apic;

	if (sender == candidate && targets->send_to_self)
		return true;
	if (targets->send_to_all)
		return sender != candidate;
	if (targets->send_to_self)
		return false;
	if (targets->logical)
		return apic && sipi_logical_match((uint32_t)targets->target_cpu, apic_ldr(apic),
						  apic_dfr(apic));
	return candidate->id == targets->target_cpu;
}

/* The next vCPU that a start-up command names: true with @exit filled. One CpuUp names one CPU. */
static bool next_start(AxVCpu *vcpu, AxVCpuExitReason *exit)
{
	struct arch_vcpu *arch = vcpu->arch;
	AxVm *vm = vcpu->vm;

	while (arch->start_next < vm->vcpu_count) {
		AxVCpu *candidate = vm->vcpus[arch->start_next++];

		if (candidate == vcpu || !x86_is_target(vcpu, candidate, &arch->start_targets))
			continue;
		*exit = arch->start;
		exit->cpu_up.target_cpu = candidate->id;
		return true;
	}
	return false;
}

void x86_icr_write(AxVCpu *vcpu, uint32_t low, uint32_t high, AxVCpuExitReason *exit)
{
	struct arch_vcpu *arch = vcpu->arch;
	AxVCpuExitReason first;

	sipi_decode(low, high, exit, &arch->start_targets);
	if (exit->kind != AX_EXIT_CPU_UP)
		return;
	/* One physical target: said as it is, whether there is such a CPU or not. */
	if (!arch->start_targets.send_to_all && !arch->start_targets.send_to_self &&
	    !arch->start_targets.logical)
		return;
	arch->start = *exit;
	arch->start.vcpu = vcpu->id;
	arch->start_next = 0;
	exit->kind = AX_EXIT_NOTHING;
	if (!next_start(vcpu, &first))
		return;
	*exit = first;
	vcpu_request(vcpu, REQUEST_EXIT);
}

bool arch_next_exit(AxVCpu *vcpu, AxVCpuExitReason *exit)
{
	/* INIT takes the CPU down, wherever it is: SDM 3A, 9.4.1. */
	if (atomic_exchange(&vcpu->arch->init, false)) {
		/* All of the APIC but its ID: SDM 3A, 11.4.7.3. */
		x86_reset_interrupts(vcpu);
		exit->kind = AX_EXIT_CPU_DOWN;
		exit->cpu_down.state = 0;
		return true;
	}
	return next_start(vcpu, exit);
}

/*
 * INIT: the CPU waits for SIPI from now on. It may be running: then it learns of it by an exit of
 * its own.
 */
static void send_init(AxVCpu *target)
{
	pthread_mutex_lock(&target->vm->lock);
	if (atomic_exchange(&target->powered_off, true)) {
		/* A SIPI that came before is void when the CPU has not acted on it yet. */
		vcpu_take_requests(target, REQUEST_START);
	} else {
		atomic_store(&target->arch->init, true);
		vcpu_request(target, REQUEST_EXIT);
	}
	pthread_mutex_unlock(&target->vm->lock);
}

static int send_to(AxVCpu *target, const AxExitSendIpi *ipi, AxError *err)
{
	switch (ipi->mode) {
	case AX_IPI_FIXED:
	case AX_IPI_LOWEST: return arch_inject(target, (unsigned)ipi->vector, err);
	case AX_IPI_NMI:
		/* A CPU that waits for SIPI takes nothing else: SDM 3A, 9.4.1. */
		if (atomic_load(&target->powered_off))
			return 0;
		atomic_store(&target->arch->nmi, true);
		vcpu_request(target, REQUEST_INTERRUPT);
		return 0;
	case AX_IPI_INIT: send_init(target); return 0;
	default: return 0; /* SMI: there is no system management mode */
	}
}

int arch_send_ipi(AxVCpu *vcpu, const AxVCpuExitReason *exit, AxError *err)
{
	const AxExitSendIpi *ipi = &exit->send_ipi;
	AxVm *vm = vcpu->vm;

	for (unsigned i = 0; i < vm->vcpu_count; i++) {
		int ret;

		if (!x86_is_target(vcpu, vm->vcpus[i], ipi))
			continue;
		ret = send_to(vm->vcpus[i], ipi, err);
		if (ret)
			return ret;
		/* Lowest priority reaches one of those that are named: the first. */
		if (ipi->mode == AX_IPI_LOWEST)
			break;
	}
	return 0;
}
