/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Interrupts into the guest: the hart's external interrupt line by KVM_INTERRUPT, or a message to its
 * IMSIC. Timer and software interrupts are KVM's affair (SBI TIME and IPI, Sstc).
 */
#include <config.h>

#include <errno.h>
#include <string.h>

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

static bool is_raised(const struct arch_vcpu *arch)
{
	return arch->line[0] || arch->line[1] || arch->line[2] || arch->line[3];
}

/* The line is up as long as any vector is. */
static int change_line(AxVCpu *vcpu, unsigned vector, bool level, AxError *err)
{
	struct arch_vcpu *arch = vcpu->arch;
	uint64_t bit = UINT64_C(1) << (vector % 64), *word = &arch->line[vector / 64], before;
	bool was_raised;
	int ret = 0;

	pthread_mutex_lock(&arch->line_lock);
	was_raised = is_raised(arch);
	before = *word;
	*word = level ? before | bit : before & ~bit;
	if (was_raised != is_raised(arch))
		ret = set_line(vcpu, level, err);
	if (ret)
		*word = before;
	pthread_mutex_unlock(&arch->line_lock);
	return ret;
}

int riscv_drop_line(AxVCpu *vcpu, AxError *err)
{
	int ret;

	if (vcpu->vm->irqchip != AX_IRQCHIP_NONE)
		return 0;
	pthread_mutex_lock(&vcpu->arch->line_lock);
	memset(vcpu->arch->line, 0, sizeof(vcpu->arch->line));
	ret = set_line(vcpu, false, err);
	pthread_mutex_unlock(&vcpu->arch->line_lock);
	return ret;
}

int riscv_restore_line(AxVCpu *vcpu, AxError *err)
{
	int ret = 0;

	if (vcpu->vm->irqchip != AX_IRQCHIP_NONE)
		return 0;
	pthread_mutex_lock(&vcpu->arch->line_lock);
	if (is_raised(vcpu->arch))
		ret = set_line(vcpu, true, err);
	pthread_mutex_unlock(&vcpu->arch->line_lock);
	return ret;
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
	return ret ? ret : change_line(vcpu, vector, true, err);
}

int arch_clear_interrupt(AxVCpu *vcpu, unsigned vector, AxError *err)
{
	int ret = check_vector(vector, err);

	if (ret)
		return ret;
	if (vcpu->vm->irqchip == AX_IRQCHIP_KERNEL)
		return ax_error_set(err, -ENOTSUP, AX_ERROR_UNSUPPORTED, 0,
				    "KVM's AIA does not give interrupts back");
	return change_line(vcpu, vector, false, err);
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
