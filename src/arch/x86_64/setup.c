/* SPDX-License-Identifier: Apache-2.0 */
/*
 * How a vCPU begins: real mode, flat protected mode, long mode. Everything that KVM_SET_SREGS holds
 * is set, so that a vCPU may be set up again after it ran; FPU, MSRs and debug registers keep what
 * they have.
 */
#include <config.h>

#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "arch/x86_64/apic.h"
#include "arch/x86_64/x86.h"
#include "core/error.h"

/*
 * Selectors of the flat modes; the loader puts a matching GDT into RAM where a guest may want one.
 */
#define CODE_SELECTOR 0x08
#define DATA_SELECTOR 0x10
#define TASK_SELECTOR 0x18

/* Segment types: SDM 3A, tables 3-1 and 3-2. Accessed, as VMX demands. */
#define TYPE_CODE     0xb
#define TYPE_DATA     0x3
#define TYPE_LDT      0x2
#define TYPE_BUSY_TSS 0xb

#define FOUR_GIB (UINT64_C(1) << 32)

static int check_setup(const AxVCpuSetup *setup, AxError *err)
{
	switch (setup->mode) {
	case AX_MODE_NATIVE:
	case AX_MODE_REAL:
		if (setup->entry % 16 || setup->entry >= FOUR_GIB)
			return ax_error_argument(
				err, -EINVAL,
				"real mode can't begin at 0x%" PRIx64
				": CS base is the entry, a multiple of 16 below 4 GiB",
				setup->entry);
		return 0;
	case AX_MODE_PROTECTED:
		if (setup->entry >= FOUR_GIB)
			return ax_error_argument(err, -EINVAL,
						 "protected mode can't begin at 0x%" PRIx64
						 ", above 4 GiB",
						 setup->entry);
		return 0;
	case AX_MODE_LONG:
		if (setup->flags & AX_SETUP_NO_CPUID)
			return ax_error_argument(err, -EINVAL,
						 "long mode needs CPUID, which announces it");
		if (setup->page_table % 4096)
			return ax_error_argument(err, -EINVAL,
						 "the page table at 0x%" PRIx64
						 " is not aligned to 4 KiB",
						 setup->page_table);
		/* Canonical with 48 bits: bits 47 and up are the same. */
		if ((int64_t)(setup->entry << 16) >> 16 != (int64_t)setup->entry)
			return ax_error_argument(err, -EINVAL,
						 "the entry 0x%" PRIx64 " is not canonical",
						 setup->entry);
		return 0;
	default: return ax_error_argument(err, -EINVAL, "mode %u is none of x86-64", setup->mode);
	}
}

static struct kvm_segment real_segment(uint64_t base, uint8_t type)
{
	return (struct kvm_segment){ .base = base,
				     .limit = 0xffff,
				     .selector = (uint16_t)(base >> 4),
				     .type = type,
				     .present = 1,
				     .s = 1 };
}

/* What real mode and the flat modes have in common: no paging, empty system segments. */
static void reset_sregs(struct kvm_sregs *sregs)
{
	uint64_t apic_base = sregs->apic_base;

	memset(sregs, 0, sizeof(*sregs));
	sregs->apic_base = apic_base;
	sregs->cr0 = X86_CR0_ET;
	sregs->idt.limit = 0xffff;
	sregs->gdt.limit = 0xffff;
	sregs->ldt = (struct kvm_segment){ .limit = 0xffff, .type = TYPE_LDT, .present = 1 };
	sregs->tr = (struct kvm_segment){ .limit = 0xffff, .type = TYPE_BUSY_TSS, .present = 1 };
}

static void set_real(struct kvm_sregs *sregs, uint64_t entry)
{
	struct kvm_segment data = real_segment(0, TYPE_DATA);

	reset_sregs(sregs);
	sregs->cs = real_segment(entry, TYPE_CODE);
	sregs->ds = sregs->es = sregs->fs = sregs->gs = sregs->ss = data;
}

static void set_flat(struct kvm_sregs *sregs, bool is_long)
{
	struct kvm_segment code = { .limit = 0xffffffff,
				    .selector = CODE_SELECTOR,
				    .type = TYPE_CODE,
				    .present = 1,
				    .db = !is_long,
				    .s = 1,
				    .l = is_long,
				    .g = 1 };
	struct kvm_segment data = { .limit = 0xffffffff,
				    .selector = DATA_SELECTOR,
				    .type = TYPE_DATA,
				    .present = 1,
				    .db = 1,
				    .s = 1,
				    .g = 1 };

	reset_sregs(sregs);
	sregs->cs = code;
	sregs->ds = sregs->es = sregs->fs = sregs->gs = sregs->ss = data;
	sregs->tr.selector = TASK_SELECTOR;
	sregs->gdt.limit = 0;
	sregs->idt.limit = 0;
	sregs->cr0 |= X86_CR0_PE;
}

static void set_long(struct kvm_sregs *sregs, uint64_t page_table)
{
	set_flat(sregs, true);
	sregs->cr0 |= X86_CR0_PG | X86_CR0_NE;
	sregs->cr3 = page_table;
	sregs->cr4 = X86_CR4_PAE;
	sregs->efer = X86_EFER_LME | X86_EFER_LMA;
}

int x86_enter_real(AxVCpu *vcpu, uint64_t entry, uint64_t stack, AxError *err)
{
	struct kvm_regs regs = { .rflags = X86_RFLAGS_FIXED, .rsp = stack };
	struct kvm_sregs sregs;
	int ret = x86_get_sregs(vcpu, &sregs, err);

	if (ret)
		return ret;
	set_real(&sregs, entry);
	ret = x86_set_sregs(vcpu, &sregs, err);
	return ret ? ret : x86_set_regs(vcpu, &regs, err);
}

static int enter_flat(AxVCpu *vcpu, const AxVCpuSetup *setup, AxError *err)
{
	struct kvm_regs regs = { .rflags = X86_RFLAGS_FIXED,
				 .rip = setup->entry,
				 .rsp = setup->stack,
				 .rdi = setup->arg };
	struct kvm_sregs sregs;
	int ret = x86_get_sregs(vcpu, &sregs, err);

	if (ret)
		return ret;
	if (setup->mode == AX_MODE_LONG)
		set_long(&sregs, setup->page_table);
	else
		set_flat(&sregs, false);
	ret = x86_set_sregs(vcpu, &sregs, err);
	return ret ? ret : x86_set_regs(vcpu, &regs, err);
}

void x86_reset_interrupts(AxVCpu *vcpu)
{
	for (unsigned i = 0; i < 4; i++)
		atomic_store(&vcpu->arch->inbox[i], 0);
	atomic_store(&vcpu->arch->nmi, false);
	vcpu->arch->in_flight = false;
	vcpu->run->request_interrupt_window = 0;
	/* What the last exit said of the life before: the guest begins with interrupts off. */
	vcpu->run->ready_for_interrupt_injection = 0;
	vcpu->run->if_flag = 0;
	if (vcpu->arch->apic)
		apic_reset(vcpu->arch->apic);
}

int arch_vcpu_setup(AxVCpu *vcpu, const AxVCpuSetup *setup, AxError *err)
{
	bool kvm_holds = x86_has_kernel_apic(vcpu->vm);
	int ret = check_setup(setup, err);

	if (ret)
		return ret;
	if (!(setup->flags & AX_SETUP_NO_CPUID)) {
		ret = x86_set_cpuid(vcpu, err);
		if (ret)
			return ret;
	}
	x86_reset_interrupts(vcpu);
	atomic_store(&vcpu->arch->init, false);
	vcpu->arch->start_next = UINT32_MAX;
	/* With the in-kernel APIC, KVM itself holds all but the first vCPU until their SIPI. */
	atomic_store(&vcpu->powered_off, (setup->flags & AX_SETUP_POWERED_OFF) && !kvm_holds);
	if (setup->mode == AX_MODE_NATIVE || setup->mode == AX_MODE_REAL)
		return x86_enter_real(vcpu, setup->entry, setup->stack, err);
	return enter_flat(vcpu, setup, err);
}

int arch_set_entry(AxVCpu *vcpu, uint64_t entry, AxError *err)
{
	AxVCpuSetup setup = AX_VCPU_SETUP_INIT;
	struct kvm_sregs sregs;
	struct kvm_regs regs;
	int ret = x86_get_sregs(vcpu, &sregs, err);

	if (ret)
		return ret;
	setup.entry = entry;
	setup.mode = !(sregs.cr0 & X86_CR0_PE) ? AX_MODE_REAL
		     : sregs.cs.l	       ? AX_MODE_LONG
					       : AX_MODE_PROTECTED;
	ret = check_setup(&setup, err);
	if (!ret)
		ret = x86_get_regs(vcpu, &regs, err);
	if (ret)
		return ret;
	regs.rip = entry;
	if (setup.mode == AX_MODE_REAL) {
		regs.rip = 0;
		sregs.cs = real_segment(entry, TYPE_CODE);
		ret = x86_set_sregs(vcpu, &sregs, err);
		if (ret)
			return ret;
	}
	return x86_set_regs(vcpu, &regs, err);
}

int arch_check_start(AxVCpu *vcpu, uint64_t entry, AxError *err)
{
	(void)vcpu;
	/* An 8-bit vector names a page below 1 MiB: SDM 3A, 9.4.4. */
	if (entry % 4096 || entry >= 0x100000)
		return ax_error_argument(err, -EINVAL,
					 "a CPU can't start at 0x%" PRIx64
					 ": SIPI names a 4 KiB page below 1 MiB",
					 entry);
	return 0;
}

int arch_start(AxVCpu *vcpu, uint64_t entry, uint64_t arg, AxError *err)
{
	(void)arg; /* SIPI has none */
	return x86_enter_real(vcpu, entry, 0, err);
}

int arch_vcpu_init(AxVCpu *vcpu, AxError *err)
{
	vcpu->arch = calloc(1, sizeof(*vcpu->arch));
	if (!vcpu->arch)
		return ax_error_nomem(err, "a vCPU");
	vcpu->arch->start_next = UINT32_MAX;
	if (vcpu->vm->irqchip != AX_IRQCHIP_USER)
		return 0;
	if (vcpu->id >= 0xff)
		return ax_error_argument(err, -EINVAL, "vCPU id %u does not fit an xAPIC: 0 to 254",
					 vcpu->id);
	vcpu->arch->apic = apic_new(vcpu->id);
	return vcpu->arch->apic ? 0 : ax_error_nomem(err, "a local APIC");
}

void arch_vcpu_fini(AxVCpu *vcpu)
{
	if (!vcpu->arch)
		return;
	apic_free(vcpu->arch->apic);
	free(vcpu->arch);
	vcpu->arch = NULL;
}
