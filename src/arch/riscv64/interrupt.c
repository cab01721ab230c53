/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Interrupts into the guest: the hart's external interrupt line by KVM_INTERRUPT, or a message to its
 * IMSIC. Timer and software interrupts are KVM's affair (SBI TIME and IPI, Sstc).
 */
#include <config.h>

#include <errno.h>

#include "arch/riscv64/riscv.h"
#include "core/error.h"

static int check_vector(unsigned vector, AxError *err)
{
	return vector > 255
		       ? ax_error_argument(err, -EINVAL, "%u is no interrupt: 0 to 255", vector)
		       : 0;
}

/* The line keeps its level; KVM takes this beside KVM_RUN. */
static int set_line(AxVCpu *vcpu, bool level, AxError *err)
{
	struct kvm_interrupt request = { .irq = level ? KVM_INTERRUPT_SET : KVM_INTERRUPT_UNSET };
	int ret = sys_ioctl_struct(vcpu->fd, KVM_INTERRUPT, &request);

	return ret < 0 ? ax_error_sys(err, ret, "KVM_INTERRUPT") : 0;
}

int riscv_drop_line(AxVCpu *vcpu, AxError *err)
{
	if (vcpu->vm->irqchip != AX_IRQCHIP_NONE)
		return 0;
	return cpu_line_drop(&vcpu->arch->line, vcpu, set_line, err);
}

int riscv_restore_line(AxVCpu *vcpu, AxError *err)
{
	if (vcpu->vm->irqchip != AX_IRQCHIP_NONE)
		return 0;
	return cpu_line_restore(&vcpu->arch->line, vcpu, set_line, err);
}

static int send_message(AxVCpu *vcpu, unsigned identity, AxError *err)
{
	uint64_t address = RISCV_IMSIC_BASE + (uint64_t)vcpu->id * RISCV_IMSIC_SIZE;
	struct kvm_msi msi = { .address_lo = (uint32_t)address,
			       .address_hi = (uint32_t)(address >> 32),
			       .data = identity };
	int ret;

	if (identity < 1 || identity > RISCV_IMSIC_IDS)
		return ax_error_argument(err, -EINVAL,
					 "%u is no interrupt identity of an IMSIC: 1 to %d",
					 identity, RISCV_IMSIC_IDS);
	ret = arch_vm_prepare(vcpu->vm, err);
	if (ret)
		return ret;
	ret = sys_ioctl_struct(vcpu->vm->fd, KVM_SIGNAL_MSI, &msi);
	return ret < 0 ? ax_error_sys(err, ret, "KVM_SIGNAL_MSI") : 0;
}

int arch_inject(AxVCpu *vcpu, unsigned vector, AxError *err)
{
	int ret;

	if (vcpu->vm->irqchip == AX_IRQCHIP_KERNEL)
		return send_message(vcpu, vector, err);
	ret = check_vector(vector, err);
	return ret ? ret : cpu_line_change(&vcpu->arch->line, vcpu, vector, true, set_line, err);
}

int arch_clear_interrupt(AxVCpu *vcpu, unsigned vector, AxError *err)
{
	int ret = check_vector(vector, err);

	if (ret)
		return ret;
	if (vcpu->vm->irqchip == AX_IRQCHIP_KERNEL)
		return ax_error_set(err, -ENOTSUP, AX_ERROR_UNSUPPORTED, 0,
				    "KVM's AIA does not give interrupts back");
	return cpu_line_change(&vcpu->arch->line, vcpu, vector, false, set_line, err);
}

uint32_t arch_irq_line(uint32_t gsi)
{
	return gsi;
}

/* The line's level and IMSICs' messages reach KVM at once. */
int arch_deliver(AxVCpu *vcpu, AxError *err)
{
	(void)vcpu;
	(void)err;
	return 0;
}

/*
 * Halt is a hart_suspend. What ends it (a timer, an IPI) is known to KVM alone, so the hart goes on at
 * once: a suspend may end for no reason that the hart can see (SBI 2.0, 9.4).
 */
bool arch_can_wake(AxVCpu *vcpu)
{
	(void)vcpu;
	return true;
}

bool arch_halt_is_final(AxVCpu *vcpu)
{
	(void)vcpu;
	return false;
}

/* IPIs are KVM's: no exit asks for one. */
int arch_send_ipi(AxVCpu *vcpu, const AxVCpuExitReason *exit, AxError *err)
{
	(void)vcpu;
	(void)exit;
	(void)err;
	return 0;
}
