/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Giving a vCPU the beginning that ax_image_load() worked out.
 */
#include <errno.h>

#include "boot/image.h"

int ax_boot_setup(AxVCpu *vcpu, const AxVCpuSetup *setup, const AxBootRegisters *regs, AxError *err)
{
	int ret;

	if (!vcpu || !setup || !boot_sized(regs, sizeof(*regs)) ||
	    regs->count > AX_BOOT_REGISTERS_MAX)
		return boot_error(err, AX_ERROR_ARGUMENT, 0, -EINVAL, "ax_boot_setup",
				  "an argument is missing, or its size is not set");
	ret = ax_vcpu_setup(vcpu, setup, err);
	for (uint32_t i = 0; !ret && i < regs->count; i++)
		ret = ax_vcpu_set_reg(vcpu, regs->registers[i].name, regs->registers[i].value, err);
	return ret;
}
