/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Loads and stores to MMIO that the processor does not describe (ESR_EL2.ISV is 0): pairs, writeback,
 * SIMD&FP registers. KVM gives the page; instruction and registers tell the rest. Each is carried out
 * as accesses of at most 8 bytes, one exit each, in the order of addresses.
 *
 * What is none of these (atomics, exclusives, DC ZVA, SVE, what lies in two pages) gives the guest a
 * synchronous external abort, as a device does that does not support the access. Nothing is carried
 * out in part.
 */
#include <config.h>

#include <errno.h>
#include <string.h>

#include "arch/arm64/arm64.h"
#include "core/error.h"
#include "core/exit.h"

#define PAGE 4096

/* ESR_EL2's ISS of a data abort: bit 6, WnR. DDI 0487, D19.2.37. */
#define ISS_IS_WRITE (1u << 6)

/* The guest takes an abort at its next entry, with the address that it used. */
static int abort_access(AxVCpu *vcpu, AxVCpuExitReason *exit, AxError *err)
{
	struct kvm_vcpu_events events;
	int ret;

	/* Without a way to tell the guest it would try again for ever. */
	if (!vcpu->vm->arch->can_abort) {
		exit->kind = AX_EXIT_INTERNAL_ERROR;
		exit->internal_error = (AxExitInternalError){ .suberror = AX_SUBERROR_ERRNO,
							      .ndata = 1,
							      .data = { ENOSYS } };
		return 0;
	}
	exit->kind = AX_EXIT_NOTHING;
	ret = sys_ioctl_struct(vcpu->fd, KVM_GET_VCPU_EVENTS, &events);
	if (ret < 0)
		return ax_error_sys(err, ret, "KVM_GET_VCPU_EVENTS");
	events.exception.ext_dabt_pending = 1;
	ret = sys_ioctl_struct(vcpu->fd, KVM_SET_VCPU_EVENTS, &events);
	return ret < 0 ? ax_error_sys(err, ret, "KVM_SET_VCPU_EVENTS") : 0;
}

/* Number 31 is the stack pointer as a base, zero as anything else. */
static int get_base(AxVCpu *vcpu, struct arm64_access *access, AxError *err)
{
	uint64_t id = access->insn.base == A64_SP ? arm64_stack_pointer(access->pstate)
						  : ARM64_X(access->insn.base);

	if (access->insn.addressing == A64_LITERAL) {
		access->base = access->pc;
		return 0;
	}
	return arm64_get(vcpu, id, &access->base, err);
}

static int get_index(AxVCpu *vcpu, struct arm64_access *access, AxError *err)
{
	access->index = 0;
	if ((access->insn.addressing != A64_REGISTER && access->insn.addressing != A64_POST_REG) ||
	    access->insn.index == A64_ZERO)
		return 0;
	return arm64_get(vcpu, ARM64_X(access->insn.index), &access->index, err);
}

/* What a store writes: all of it, before anything is written. */
static int get_data(AxVCpu *vcpu, struct arm64_access *access, AxError *err)
{
	uint8_t *place = access->bytes;
	int ret = 0;

	for (unsigned i = 0; !ret && i < access->insn.count; i++, place += access->insn.size) {
		uint8_t bytes[16] = { 0 };
		uint64_t value = 0;

		if (access->insn.is_vector) {
			ret = arm64_get_vector(vcpu, access->insn.regs[i], bytes, err);
		} else if (access->insn.regs[i] != A64_ZERO) {
			ret = arm64_get(vcpu, ARM64_X(access->insn.regs[i]), &value, err);
			memcpy(bytes, &value, sizeof(value));
		}
		memcpy(place, bytes, access->insn.size);
	}
	return ret;
}

/* The next piece, as KVM would tell it; never exit_reason. */
static void next_piece(AxVCpu *vcpu, AxVCpuExitReason *exit)
{
	struct arm64_access *access = &vcpu->arch->access;
	struct kvm_run *run = vcpu->run;
	unsigned len = access->insn.size > 8 ? 8 : access->insn.size;

	run->mmio.phys_addr = access->ipa + access->done;
	run->mmio.len = len;
	run->mmio.is_write = !access->insn.is_load;
	memset(run->mmio.data, 0, sizeof(run->mmio.data));
	vcpu->pending = (struct pending){ .by_arch = true };
	if (access->insn.is_load) {
		vcpu->pending.kind = AX_EXIT_MMIO_READ;
		exit->kind = AX_EXIT_MMIO_READ;
		exit->mmio_read = (AxExitMmioRead){ .addr = run->mmio.phys_addr,
						    .width = exit_width(len),
						    .len = len,
						    .reg = AX_REG_UNKNOWN };
		return;
	}
	memcpy(run->mmio.data, access->bytes + access->done, len);
	vcpu->pending.kind = AX_EXIT_MMIO_WRITE;
	exit->kind = AX_EXIT_MMIO_WRITE;
	exit->mmio_write = (AxExitMmioWrite){ .addr = run->mmio.phys_addr,
					      .width = exit_width(len),
					      .len = len };
	memcpy(&exit->mmio_write.data, run->mmio.data, len);
}

static int get_state(AxVCpu *vcpu, struct arm64_access *access, AxError *err)
{
	int ret = arm64_get(vcpu, ARM64_PC, &access->pc, err);

	return ret ? ret : arm64_get(vcpu, ARM64_PSTATE, &access->pstate, err);
}

/*
 * Read the instruction: false when it can't be carried out, or is not the one that KVM met (another
 * CPU may have changed it meanwhile).
 */
static int get_insn(AxVCpu *vcpu, struct arm64_access *access, bool is_write, AxError *err)
{
	uint32_t code;
	int ret;

	if (access->pstate & PSTATE_MODE & 0x10)
		return 1;
	ret = arm64_fetch(vcpu, access->pc, &code, err);
	if (ret)
		return ret;
	return !a64_decode(code, &access->insn) || access->insn.is_exclusive ||
	       access->insn.is_load == is_write;
}

/* 0; 1: in two pages, only one of which KVM has checked and told of. */
static int get_place(AxVCpu *vcpu, struct arm64_access *access, uint64_t page, AxError *err)
{
	uint64_t addr;
	int ret = get_base(vcpu, access, err);

	if (!ret)
		ret = get_index(vcpu, access, err);
	if (ret)
		return ret;
	addr = a64_address(&access->insn, access->base, access->index);
	access->ipa = (page & ~(uint64_t)(PAGE - 1)) | (addr % PAGE);
	return addr % PAGE + a64_bytes(&access->insn) > PAGE;
}

int arm64_begin_access(AxVCpu *vcpu, AxVCpuExitReason *exit, AxError *err)
{
	struct arm64_access *access = &vcpu->arch->access;
	bool is_write = vcpu->run->arm_nisv.esr_iss & ISS_IS_WRITE;
	uint64_t page = vcpu->run->arm_nisv.fault_ipa;
	int ret;

	memset(access, 0, sizeof(*access));
	ret = get_state(vcpu, access, err);
	if (!ret)
		ret = get_insn(vcpu, access, is_write, err);
	if (!ret)
		ret = get_place(vcpu, access, page, err);
	if (!ret && is_write)
		ret = get_data(vcpu, access, err);
	if (ret < 0)
		return ret;
	if (ret)
		return abort_access(vcpu, exit, err);
	next_piece(vcpu, exit);
	return 0;
}

/* What a load has read goes into its registers. */
static int set_data(AxVCpu *vcpu, const struct arm64_access *access, AxError *err)
{
	const uint8_t *place = access->bytes;
	int ret = 0;

	for (unsigned i = 0; !ret && i < access->insn.count; i++, place += access->insn.size) {
		uint8_t bytes[16] = { 0 };
		uint64_t value;

		memcpy(bytes, place, access->insn.size);
		memcpy(&value, bytes, sizeof(value));
		if (access->insn.is_vector)
			ret = arm64_set_vector(vcpu, access->insn.regs[i], bytes, err);
		else if (access->insn.regs[i] != A64_ZERO)
			ret = arm64_set(vcpu, ARM64_X(access->insn.regs[i]),
					a64_extend(&access->insn, value), err);
	}
	return ret;
}

static int set_base(AxVCpu *vcpu, const struct arm64_access *access, AxError *err)
{
	uint64_t value;

	if (!a64_writeback(&access->insn, access->base, access->index, &value))
		return 0;
	return arm64_set(vcpu,
			 access->insn.base == A64_SP ? arm64_stack_pointer(access->pstate)
						     : ARM64_X(access->insn.base),
			 value, err);
}

/* The instruction is done. */
static int advance(AxVCpu *vcpu, const struct arm64_access *access, AxError *err)
{
	uint64_t pstate = access->pstate & ~(PSTATE_BTYPE | PSTATE_SS);
	int ret = arm64_set(vcpu, ARM64_PC, access->pc + A64_INSN_SIZE, err);

	if (!ret && pstate != access->pstate)
		ret = arm64_set(vcpu, ARM64_PSTATE, pstate, err);
	return ret;
}

/*
 * A step of a debugger's that KVM knows nothing of: it would stop behind the next instruction. This
 * one is finished, whether or not somebody wants to hear of it.
 */
static int end_step(AxVCpu *vcpu, uint64_t pc, AxVCpuExitReason *exit)
{
	if (!vcpu->arch->single_step)
		return 0;
	exit->kind = AX_EXIT_DEBUG;
	exit->debug = (AxExitDebug){ .pc = pc };
	return 1;
}

int arm64_continue_access(AxVCpu *vcpu, AxVCpuExitReason *exit, AxError *err)
{
	struct arm64_access *access = &vcpu->arch->access;
	unsigned len = access->insn.size > 8 ? 8 : access->insn.size;
	int ret = 0;

	if (access->insn.is_load)
		memcpy(access->bytes + access->done, vcpu->run->mmio.data, len);
	access->done += len;
	if (access->done < a64_bytes(&access->insn)) {
		next_piece(vcpu, exit);
		return 1;
	}
	vcpu->pending = (struct pending){ .kind = AX_EXIT_NOTHING };
	if (access->insn.is_load)
		ret = set_data(vcpu, access, err);
	if (!ret)
		ret = set_base(vcpu, access, err);
	if (!ret)
		ret = advance(vcpu, access, err);
	return ret ? ret : end_step(vcpu, access->pc + A64_INSN_SIZE, exit);
}
