/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a riscv64 VM needs before its vCPUs: who delivers interrupts and who starts harts.
 */
#include <config.h>

#include <errno.h>
#include <stdlib.h>

#include "arch/riscv64/riscv.h"
#include "core/error.h"

/* SBI calls have two results, of which this is none: src/core/reply.c knows. Others: SMCCC's -1. */
const uint64_t arch_hypercall_unknown = UINT64_MAX;

AxVCpu *arch_find_cpu(AxVm *vm, uint64_t target)
{
	return target <= UINT32_MAX ? ax_vm_vcpu(vm, (uint32_t)target) : NULL;
}

int arch_vm_init(AxVm *vm, AxError *err)
{
	vm->arch = calloc(1, sizeof(*vm->arch));
	if (!vm->arch)
		return ax_error_nomem(err, "a VM");
	vm->arch->aia = -1;
	if (vm->power == AX_POWER_AUTO)
		vm->power = AX_POWER_USER;
	switch (vm->irqchip) {
	case AX_IRQCHIP_KERNEL: return riscv_aia_create(vm, err);
	case AX_IRQCHIP_USER:
	case AX_IRQCHIP_SPLIT:
		return ax_error_set(
			err, -ENOTSUP, AX_ERROR_UNSUPPORTED, 0,
			"riscv64 harts have no interrupt controller of their own here: a "
			"PLIC is a device beside AX_IRQCHIP_NONE");
	default: return 0;
	}
}

void arch_vm_fini(AxVm *vm)
{
	if (!vm->arch)
		return;
	riscv_aia_destroy(vm);
	free(vm->arch);
	vm->arch = NULL;
}
