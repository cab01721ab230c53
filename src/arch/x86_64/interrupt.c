/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Interrupts into the guest. Without an in-kernel irqchip they wait in the vCPU's inbox until the
 * guest can take one; KVM_INTERRUPT then does what a PIC's acknowledge would. KVM_INTERRUPT is the
 * one more ioctl that the exit path's rule (DESIGN.md, section 5) allows for.
 */
#include <config.h>

#include <errno.h>

#include "arch/x86_64/apic.h"
#include "arch/x86_64/x86.h"
#include "core/error.h"

/* An MSI's address and data for a fixed, edge-triggered interrupt to one APIC: SDM 3A, 11.11. */
#define MSI_ADDRESS	   0xfee00000u
#define MSI_ADDRESS_ID(id) ((id) << 12)

static int inject_in_kernel(AxVCpu *vcpu, unsigned vector, AxError *err)
{
	struct kvm_msi msi = { .data = vector };
	int ret;

	if (vcpu->id > 0xff)
		return ax_error_argument(err, -ENOTSUP, "APIC ID %u does not fit an MSI", vcpu->id);
	msi.address_lo = MSI_ADDRESS | MSI_ADDRESS_ID(vcpu->id);
	ret = sys_ioctl_struct(vcpu->vm->fd, KVM_SIGNAL_MSI, &msi);
	return ret < 0 ? ax_error_sys(err, ret, "KVM_SIGNAL_MSI") : 0;
}

int arch_inject(AxVCpu *vcpu, unsigned vector, AxError *err)
{
	uint64_t bit = UINT64_C(1) << (vector % 64);

	/* 0 to 15 are exceptions' or reserved: SDM 3A, 11.5.2. */
	if (vector < 16 || vector > 255)
		return ax_error_argument(err, -EINVAL, "%u is no interrupt vector: 16 to 255",
					 vector);
	if (x86_has_kernel_apic(vcpu->vm))
		return inject_in_kernel(vcpu, vector, err);
	atomic_fetch_or(&vcpu->arch->inbox[vector / 64], bit);
	vcpu_request(vcpu, REQUEST_INTERRUPT);
	return 0;
}

int arch_clear_interrupt(AxVCpu *vcpu, unsigned vector, AxError *err)
{
	if (vector < 16 || vector > 255)
		return ax_error_argument(err, -EINVAL, "%u is no interrupt vector: 16 to 255",
					 vector);
	if (x86_has_kernel_apic(vcpu->vm))
		return ax_error_set(err, -ENOTSUP, AX_ERROR_UNSUPPORTED, 0,
				    "KVM's irqchip does not give interrupts back");
	atomic_fetch_and(&vcpu->arch->inbox[vector / 64], ~(UINT64_C(1) << (vector % 64)));
	return 0;
}

uint32_t arch_irq_line(uint32_t gsi)
{
	return gsi;
}

/* The highest vector that waits in the inbox; -1. */
static int highest_in_inbox(const struct arch_vcpu *arch)
{
	for (int word = 3; word >= 0; word--) {
		uint64_t bits = atomic_load(&arch->inbox[word]);

		if (bits)
			return word * 64 + 63 - __builtin_clzll(bits);
	}
	return -1;
}

static void take_from_inbox(struct arch_vcpu *arch, int vector)
{
	atomic_fetch_and(&arch->inbox[vector / 64], ~(UINT64_C(1) << (vector % 64)));
}

/* What arrived goes to IRR; a disabled APIC refuses it. */
static void empty_inbox_into_apic(struct arch_vcpu *arch)
{
	for (int vector = highest_in_inbox(arch); vector >= 0; vector = highest_in_inbox(arch)) {
		take_from_inbox(arch, vector);
		apic_accept(arch->apic, (unsigned)vector);
	}
}

/* The vector to deliver next; -1. */
static int next_vector(AxVCpu *vcpu)
{
	struct arch_vcpu *arch = vcpu->arch;

	if (!arch->apic)
		return highest_in_inbox(arch);
	empty_inbox_into_apic(arch);
	return apic_deliverable(arch->apic, (uint8_t)vcpu->run->cr8);
}

/*
 * Whether the interrupt injected last has still not been taken: another one would take its place in
 * KVM.
 */
static int still_in_flight(AxVCpu *vcpu, AxError *err)
{
	struct kvm_vcpu_events events;
	int ret;

	if (!vcpu->arch->in_flight)
		return 0;
	ret = sys_ioctl_struct(vcpu->fd, KVM_GET_VCPU_EVENTS, &events);
	if (ret < 0)
		return ax_error_sys(err, ret, "KVM_GET_VCPU_EVENTS");
	vcpu->arch->in_flight = events.interrupt.injected != 0;
	return vcpu->arch->in_flight;
}

static int interrupt(AxVCpu *vcpu, int vector, AxError *err)
{
	struct kvm_interrupt request = { .irq = (uint32_t)vector };
	struct arch_vcpu *arch = vcpu->arch;
	int ret = sys_ioctl_struct(vcpu->fd, KVM_INTERRUPT, &request);

	if (ret < 0)
		return ax_error_sys(err, ret, "KVM_INTERRUPT");
	if (arch->apic)
		apic_taken(arch->apic, (unsigned)vector);
	else
		take_from_inbox(arch, vector);
	arch->in_flight = true;
	/* KVM says it anew at the next exit. */
	vcpu->run->ready_for_interrupt_injection = 0;
	return 0;
}

static int deliver_nmi(AxVCpu *vcpu, AxError *err)
{
	int ret;

	if (!atomic_exchange(&vcpu->arch->nmi, false))
		return 0;
	ret = sys_ioctl_value(vcpu->fd, KVM_NMI, 0);
	return ret < 0 ? ax_error_sys(err, ret, "KVM_NMI") : 0;
}

int arch_deliver(AxVCpu *vcpu, AxError *err)
{
	struct kvm_run *run = vcpu->run;
	int vector, ret;

	if (x86_has_kernel_apic(vcpu->vm))
		return 0;
	ret = deliver_nmi(vcpu, err);
	if (ret)
		return ret;
	vector = next_vector(vcpu);
	if (vector >= 0 && run->ready_for_interrupt_injection) {
		ret = still_in_flight(vcpu, err);
		if (!ret)
			ret = interrupt(vcpu, vector, err);
		if (ret < 0)
			return ret;
		vector = next_vector(vcpu);
	}
	/* Come back when the guest can take the next one. */
	run->request_interrupt_window = vector >= 0;
	return 0;
}

bool arch_can_wake(AxVCpu *vcpu)
{
	/* In the kernel a halted vCPU never comes out. */
	return x86_has_kernel_apic(vcpu->vm) || atomic_load(&vcpu->arch->nmi) ||
	       (vcpu->run->if_flag && next_vector(vcpu) >= 0);
}

bool arch_halt_is_final(AxVCpu *vcpu)
{
	return !x86_has_kernel_apic(vcpu->vm) && !vcpu->run->if_flag &&
	       !atomic_load(&vcpu->arch->nmi);
}
