/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Interrupts into the guest: private ones of the in-kernel GIC, or, without it, the CPU's one line.
 * Halted CPUs wait in the kernel, which wakes them: nothing has to be delivered from here.
 */
#include <config.h>

#include <errno.h>

#include "arch/arm64/arm64.h"
#include "core/error.h"

static int set_line(AxVCpu *vcpu, uint32_t type, uint32_t number, bool level, AxError *err)
{
	struct kvm_irq_level request = { .level = level };
	int ret;

	request.irq = type << KVM_ARM_IRQ_TYPE_SHIFT | (vcpu->id >> 8) << KVM_ARM_IRQ_VCPU2_SHIFT |
		      (vcpu->id & KVM_ARM_IRQ_VCPU_MASK) << KVM_ARM_IRQ_VCPU_SHIFT |
		      number << KVM_ARM_IRQ_NUM_SHIFT;
	ret = sys_ioctl_struct(vcpu->vm->fd, KVM_IRQ_LINE, &request);
	return ret < 0 ? ax_error_sys(err, ret, "KVM_IRQ_LINE") : 0;
}

static int drive_cpu_line(AxVCpu *vcpu, bool level, AxError *err)
{
	return set_line(vcpu, KVM_ARM_IRQ_TYPE_CPU, KVM_ARM_IRQ_CPU_IRQ, level, err);
}

int arm64_restore_line(AxVCpu *vcpu, AxError *err)
{
	if (vcpu->vm->irqchip != AX_IRQCHIP_NONE)
		return 0;
	return cpu_line_restore(&vcpu->arch->line, vcpu, drive_cpu_line, err);
}

int arm64_drop_line(AxVCpu *vcpu, AxError *err)
{
	if (vcpu->vm->irqchip != AX_IRQCHIP_NONE)
		return 0;
	return cpu_line_drop(&vcpu->arch->line, vcpu, drive_cpu_line, err);
}

static int change(AxVCpu *vcpu, unsigned vector, bool level, AxError *err)
{
	if (vcpu->vm->irqchip == AX_IRQCHIP_KERNEL) {
		if (vector < GIC_FIRST_PPI || vector >= GIC_FIRST_SPI)
			return ax_error_argument(
				err, -EINVAL, "%u is no private interrupt: INTID 16 to 31", vector);
		return set_line(vcpu, KVM_ARM_IRQ_TYPE_PPI, vector, level, err);
	}
	if (vector > 255)
		return ax_error_argument(err, -EINVAL, "%u is no interrupt vector: 0 to 255",
					 vector);
	return cpu_line_change(&vcpu->arch->line, vcpu, vector, level, drive_cpu_line, err);
}

int arch_inject(AxVCpu *vcpu, unsigned vector, AxError *err)
{
	return change(vcpu, vector, true, err);
}

int arch_clear_interrupt(AxVCpu *vcpu, unsigned vector, AxError *err)
{
	return change(vcpu, vector, false, err);
}

uint32_t arch_irq_line(uint32_t gsi)
{
	return KVM_ARM_IRQ_TYPE_SPI << KVM_ARM_IRQ_TYPE_SHIFT | (GIC_FIRST_SPI + gsi);
}

int arch_deliver(AxVCpu *vcpu, AxError *err)
{
	(void)vcpu;
	(void)err;
	return 0;
}

bool arch_can_wake(AxVCpu *vcpu)
{
	(void)vcpu;
	return true; /* WFI and CPU_SUSPEND wait inside KVM_RUN */
}

bool arch_halt_is_final(AxVCpu *vcpu)
{
	(void)vcpu;
	return false;
}

bool arch_next_exit(AxVCpu *vcpu, AxVCpuExitReason *exit)
{
	(void)vcpu;
	(void)exit;
	return false;
}

/* No exit of arm64's KVM is SendIPI. */
int arch_send_ipi(AxVCpu *vcpu, const AxVCpuExitReason *exit, AxError *err)
{
	(void)vcpu;
	(void)exit;
	return ax_error_set(err, -ENOTSUP, AX_ERROR_UNSUPPORTED, 0,
			    "interrupts between CPUs are the GIC's on arm64");
}
