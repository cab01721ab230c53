/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What only the architecture knows of an exit: interrupt windows, debug registers, the userspace
 * APIC's ICR.
 */
#include <config.h>

#include "arch/x86_64/apic.h"
#include "arch/x86_64/x86.h"

static void finish_debug(const struct kvm_run *run, AxVCpuExitReason *exit)
{
	exit->debug = (AxExitDebug){ .pc = run->debug.arch.pc,
				     .address = run->debug.arch.dr6,
				     .detail = run->debug.arch.dr7,
				     .exception = run->debug.arch.exception };
}

/* A write of ICR's low half sends what the two halves say. */
static void finish_mmio(AxVCpu *vcpu, AxVCpuExitReason *exit)
{
	struct apic *apic = vcpu->arch->apic;
	uint32_t low, high;
	uint8_t unused = 0;

	if (!apic || exit->kind != AX_EXIT_MMIO_WRITE || exit->mmio_write.len != sizeof(uint32_t) ||
	    exit->mmio_write.addr != APIC_BASE + APIC_ICR_LOW)
		return;
	low = (uint32_t)exit->mmio_write.data;
	apic_write(apic, APIC_ICR_LOW, low, &unused);
	apic_read(apic, APIC_ICR_HIGH, 0, &high);
	x86_icr_write(vcpu, low, high, exit);
}

/* KVM completes everything itself: ARCH_COMPLETES is 0. */
int arch_complete(AxVCpu *vcpu, AxVCpuExitReason *exit, AxError *err)
{
	(void)vcpu;
	(void)exit;
	(void)err;
	return 0;
}

int arch_finish_exit(AxVCpu *vcpu, AxVCpuExitReason *exit, AxError *err)
{
	switch (vcpu->run->exit_reason) {
	case KVM_EXIT_IRQ_WINDOW_OPEN:
		/* The guest has been entered since the last injection. */
		vcpu->arch->in_flight = false;
		return arch_deliver(vcpu, err);
	case KVM_EXIT_SET_TPR: return arch_deliver(vcpu, err);
	case KVM_EXIT_DEBUG: finish_debug(vcpu->run, exit); return 0;
	case KVM_EXIT_MMIO: finish_mmio(vcpu, exit); return 0;
	default: return 0;
	}
}
