/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Registers by index and by name; when they may be touched. What they are is the architecture's
 * table.
 */
#include <config.h>

#include <errno.h>
#include <string.h>

#include <axvmm/record.h>

#include "arch/arch.h"
#include "core/debug.h"
#include "core/error.h"

int vcpu_check_registers(AxVCpu *vcpu, AxError *err)
{
	AxVCpuState state = vcpu_get_state(vcpu);

	if (state != AX_VCPU_FREE && !(state >= AX_VCPU_READY && vcpu_is_owner(vcpu)) &&
	    !vcpu_is_at_rest(vcpu))
		return ax_error_state(err, "the registers of vCPU %u, which is %s, are its owner's",
				      vcpu->id, ax_vcpu_state_name(state));
	if (vcpu->pending.kind != AX_EXIT_NOTHING)
		return ax_error_state(err,
				      "the last exit of vCPU %u (%s) is not complete: call "
				      "ax_vcpu_settle() first",
				      vcpu->id, ax_exit_name(vcpu->pending.kind));
	return 0;
}

static const struct arch_reg *gpr(unsigned index, AxError *err)
{
	int found = arch_gpr(index);

	if (found >= 0)
		return &arch_regs[found];
	ax_error_argument(err, -ENOENT, "there is no general purpose register %u", index);
	return NULL;
}

static const struct arch_reg *named(const char *name, AxError *err)
{
	for (unsigned i = 0; i < arch_reg_count; i++) {
		if (!strcmp(arch_regs[i].name, name))
			return &arch_regs[i];
	}
	ax_error_argument(err, -ENOENT, "there is no register \"%s\": ax_reg_info() lists them",
			  name);
	return NULL;
}

static int get_reg(AxVCpu *vcpu, const struct arch_reg *reg, uint64_t *value, AxError *err)
{
	int ret;

	if (!reg)
		return -ENOENT;
	ret = vcpu_check_registers(vcpu, err);
	if (!ret)
		ret = arch_get_reg(vcpu, reg, value, err);
	if (!ret && vcpu->vm->record)
		ax_record_input(vcpu->vm->record, AX_RECORD_REGISTER, reg->id, value, sizeof(*value));
	return ret;
}

static int set_reg(AxVCpu *vcpu, const struct arch_reg *reg, uint64_t value, AxError *err)
{
	int ret;

	if (!reg)
		return -ENOENT;
	if (!reg->settable)
		return ax_error_argument(err, -EINVAL, "register \"%s\" can only be read",
					 reg->name);
	ret = vcpu_check_registers(vcpu, err);
	return ret ? ret : arch_set_reg(vcpu, reg, value, err);
}

int ax_vcpu_get_gpr(AxVCpu *vcpu, unsigned index, uint64_t *value, AxError *err)
{
	return get_reg(vcpu, gpr(index, err), value, err);
}

int ax_vcpu_set_gpr(AxVCpu *vcpu, unsigned index, uint64_t value, AxError *err)
{
	return set_reg(vcpu, gpr(index, err), value, err);
}

int ax_vcpu_get_reg(AxVCpu *vcpu, const char *name, uint64_t *value, AxError *err)
{
	return get_reg(vcpu, named(name, err), value, err);
}

int ax_vcpu_set_reg(AxVCpu *vcpu, const char *name, uint64_t value, AxError *err)
{
	return set_reg(vcpu, named(name, err), value, err);
}

bool ax_reg_info(unsigned index, AxRegInfo *info)
{
	const struct arch_reg *reg;

	if (index >= arch_reg_count)
		return false;
	reg = &arch_regs[index];
	*info = (AxRegInfo){ .name = reg->name,
			     .gdb_number = reg->gdb_number,
			     .bytes = reg->bytes,
			     .settable = reg->settable };
	return true;
}

int ax_vcpu_set_entry(AxVCpu *vcpu, AxGuestPhysAddr entry, AxError *err)
{
	int ret = vcpu_check_registers(vcpu, err);

	return ret ? ret : arch_set_entry(vcpu, entry, err);
}

int ax_vcpu_read_virtual(AxVCpu *vcpu, uint64_t addr, void *buffer, size_t len, AxError *err)
{
	int ret = vcpu_check_registers(vcpu, err);

	/* Reading memory is harmless while an access is pending; a foreign thread is not. */
	if (ret && !vcpu_is_owner(vcpu))
		return ret;
	return arch_read_virtual(vcpu, addr, buffer, len, err);
}

int ax_vcpu_decode_mmio(AxVCpu *vcpu, AxVCpuExitReason *exit, AxError *err)
{
	if (!vcpu_is_owner(vcpu) || vcpu->pending.kind != AX_EXIT_MMIO_READ ||
	    exit->kind != AX_EXIT_MMIO_READ)
		return ax_error_state(
			err, "the last exit of vCPU %u is no MMIO read of this thread's", vcpu->id);
	return arch_decode_mmio(vcpu, exit, err);
}
