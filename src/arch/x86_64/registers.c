/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The register table of x86-64, and reading and writing what it lists.
 */
#include <config.h>

#include <string.h>

#include "arch/x86_64/x86.h"
#include "core/error.h"

/*
 * In which of KVM's structures a register lies: the upper half of arch_reg.id; the lower is the
 * offset.
 */
enum group { GROUP_REGS, GROUP_SREGS, GROUP_RIGHTS };

#define ID(group, offset) ((uint64_t)(group) << 32 | (offset))
#define REG(name, member, gdb)                                                        \
	{                                                                             \
		name, gdb, 8, true, ID(GROUP_REGS, offsetof(struct kvm_regs, member)) \
	}
#define SREG(name, member, gdb)                                             \
	{                                                                   \
		name, gdb, sizeof(((struct kvm_sregs *)0)->member), true,   \
			ID(GROUP_SREGS, offsetof(struct kvm_sregs, member)) \
	}
#define RIGHTS(name, member)                                                            \
	{                                                                               \
		name, -1, 2, true, ID(GROUP_RIGHTS, offsetof(struct kvm_sregs, member)) \
	}
#define SEGMENT(name, gdb)                                                   \
	SREG(#name, name.selector, gdb), SREG(#name ".base", name.base, -1), \
		SREG(#name ".limit", name.limit, -1), RIGHTS(#name ".rights", name)

/*
 * gdb numbers: gdb/features/i386/64bit-core.xml. General purpose registers first, in encoding
 * order.
 */
const struct arch_reg arch_regs[] = {
	REG("rax", rax, 0),
	REG("rcx", rcx, 2),
	REG("rdx", rdx, 3),
	REG("rbx", rbx, 1),
	REG("rsp", rsp, 7),
	REG("rbp", rbp, 6),
	REG("rsi", rsi, 4),
	REG("rdi", rdi, 5),
	REG("r8", r8, 8),
	REG("r9", r9, 9),
	REG("r10", r10, 10),
	REG("r11", r11, 11),
	REG("r12", r12, 12),
	REG("r13", r13, 13),
	REG("r14", r14, 14),
	REG("r15", r15, 15),
	REG("rip", rip, 16),
	REG("rflags", rflags, 17),
	SEGMENT(cs, 18),
	SEGMENT(ss, 19),
	SEGMENT(ds, 20),
	SEGMENT(es, 21),
	SEGMENT(fs, 22),
	SEGMENT(gs, 23),
	SEGMENT(tr, -1),
	SEGMENT(ldt, -1),
	SREG("gdt.base", gdt.base, -1),
	SREG("gdt.limit", gdt.limit, -1),
	SREG("idt.base", idt.base, -1),
	SREG("idt.limit", idt.limit, -1),
	SREG("cr0", cr0, -1),
	SREG("cr2", cr2, -1),
	SREG("cr3", cr3, -1),
	SREG("cr4", cr4, -1),
	SREG("cr8", cr8, -1),
	SREG("efer", efer, -1),
	SREG("apic_base", apic_base, -1),
};

const unsigned arch_reg_count = sizeof(arch_regs) / sizeof(arch_regs[0]);

#define GPR_COUNT 16

int arch_gpr(unsigned gpr)
{
	return gpr < GPR_COUNT ? (int)gpr : -1;
}

int arch_return_register(void)
{
	return 0; /* RAX */
}

int x86_get_regs(AxVCpu *vcpu, struct kvm_regs *regs, AxError *err)
{
	int ret = sys_ioctl_struct(vcpu->fd, KVM_GET_REGS, regs);

	return ret < 0 ? ax_error_sys(err, ret, "KVM_GET_REGS") : 0;
}

int x86_set_regs(AxVCpu *vcpu, const struct kvm_regs *regs, AxError *err)
{
	int ret = sys_ioctl_struct(vcpu->fd, KVM_SET_REGS, regs);

	return ret < 0 ? ax_error_sys(err, ret, "KVM_SET_REGS") : 0;
}

int x86_get_sregs(AxVCpu *vcpu, struct kvm_sregs *sregs, AxError *err)
{
	int ret = sys_ioctl_struct(vcpu->fd, KVM_GET_SREGS, sregs);

	return ret < 0 ? ax_error_sys(err, ret, "KVM_GET_SREGS") : 0;
}

int x86_set_sregs(AxVCpu *vcpu, const struct kvm_sregs *sregs, AxError *err)
{
	int ret = sys_ioctl_struct(vcpu->fd, KVM_SET_SREGS, sregs);

	if (ret < 0)
		return ax_error_sys(err, ret, "KVM_SET_SREGS (KVM refuses the values)");
	/* Without an in-kernel APIC the next entry takes CR8 from here: api.rst 5. */
	vcpu->run->cr8 = sregs->cr8;
	return 0;
}

/*
 * A segment's access rights in one number, as VMX has them (SDM 3C, table 25-2): type in bits 0..3,
 * S 4, DPL 5..6, P 7, AVL 12, L 13, D/B 14, G 15.
 */
static uint64_t pack_rights(const struct kvm_segment *segment)
{
	return (uint64_t)segment->type | (uint64_t)segment->s << 4 | (uint64_t)segment->dpl << 5 |
	       (uint64_t)segment->present << 7 | (uint64_t)segment->avl << 12 |
	       (uint64_t)segment->l << 13 | (uint64_t)segment->db << 14 |
	       (uint64_t)segment->g << 15;
}

static void unpack_rights(struct kvm_segment *segment, uint64_t rights)
{
	segment->type = rights & 0xf;
	segment->s = rights >> 4 & 1;
	segment->dpl = rights >> 5 & 3;
	segment->present = rights >> 7 & 1;
	segment->avl = rights >> 12 & 1;
	segment->l = rights >> 13 & 1;
	segment->db = rights >> 14 & 1;
	segment->g = rights >> 15 & 1;
	segment->unusable = !segment->present;
}

int arch_get_reg(AxVCpu *vcpu, const struct arch_reg *reg, uint64_t *value, AxError *err)
{
	size_t offset = (uint32_t)reg->id;
	struct kvm_sregs sregs;
	struct kvm_regs regs;
	int ret;

	*value = 0;
	if (reg->id >> 32 == GROUP_REGS) {
		ret = x86_get_regs(vcpu, &regs, err);
		if (!ret)
			memcpy(value, (char *)&regs + offset, reg->bytes);
		return ret;
	}
	ret = x86_get_sregs(vcpu, &sregs, err);
	if (ret)
		return ret;
	if (reg->id >> 32 == GROUP_RIGHTS)
		*value = pack_rights((struct kvm_segment *)((char *)&sregs + offset));
	else
		memcpy(value, (char *)&sregs + offset, reg->bytes);
	return 0;
}

int arch_set_reg(AxVCpu *vcpu, const struct arch_reg *reg, uint64_t value, AxError *err)
{
	size_t offset = (uint32_t)reg->id;
	struct kvm_sregs sregs;
	struct kvm_regs regs;
	int ret;

	if (reg->id >> 32 == GROUP_REGS) {
		ret = x86_get_regs(vcpu, &regs, err);
		if (ret)
			return ret;
		memcpy((char *)&regs + offset, &value, reg->bytes);
		return x86_set_regs(vcpu, &regs, err);
	}
	ret = x86_get_sregs(vcpu, &sregs, err);
	if (ret)
		return ret;
	if (reg->id >> 32 == GROUP_RIGHTS)
		unpack_rights((struct kvm_segment *)((char *)&sregs + offset), value);
	else
		memcpy((char *)&sregs + offset, &value, reg->bytes);
	return x86_set_sregs(vcpu, &sregs, err);
}
