/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The registers that KVM lists for a hart: what the ISA and the SBI offer to the guest, CSRs, timer.
 * Names follow the headers of Linux 6.12; api.rst 4.68.
 */
#include <config.h>

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "arch/riscv64/probe_reg.h"
#include "core/error.h"

/* By KVM's number: api.rst 4.68, KVM_RISCV_ISA_EXT_*, KVM_RISCV_SBI_EXT_*; then in their order. */
static const char *const isa_names[] = {
	"isa a",	   "isa c",	   "isa d",	 "isa f",	  "isa h",
	"isa i",	   "isa m",	   "isa svpbmt", "isa sstc",	  "isa svinval",
	"isa zihintpause", "isa zicbom",   "isa zicboz", "isa zbb",	  "isa ssaia",
	"isa v",	   "isa svnapot",  "isa zba",	 "isa zbs",	  "isa zicntr",
	"isa zicsr",	   "isa zifencei", "isa zihpm",	 "isa smstateen", "isa zicond",
	"isa zbc",	   "isa zbkb",	   "isa zbkc",	 "isa zbkx",	  "isa zknd",
	"isa zkne",	   "isa zknh",	   "isa zkr",	 "isa zksed",	  "isa zksh",
	"isa zkt",	   "isa zvbb",	   "isa zvbc",	 "isa zvkb",	  "isa zvkg",
	"isa zvkned",	   "isa zvknha",   "isa zvknhb", "isa zvksed",	  "isa zvksh",
	"isa zvkt",	   "isa zfh",	   "isa zfhmin", "isa zihintntl", "isa zvfh",
	"isa zvfhmin",	   "isa zfa",	   "isa ztso",	 "isa zacas",	  "isa sscofpmf",
	"isa zimop",	   "isa zca",	   "isa zcb",	 "isa zcd",	  "isa zcf",
	"isa zcmop",	   "isa zawrs",
};
static const char *const sbi_names[] = {
	"sbi v0.1", "sbi time",		"sbi ipi",    "sbi rfence", "sbi srst", "sbi hsm",
	"sbi pmu",  "sbi experimental", "sbi vendor", "sbi dbcn",   "sbi sta",
};
static const char *const config_names[] = {
	"isa",	  "zicbom_block_size", "mvendorid", "marchid",
	"mimpid", "zicboz_block_size", "satp_mode",
};
static const char *const csr_names[] = {
	"sstatus", "sie", "stvec", "sscratch",	 "sepc",    "scause",
	"stval",   "sip", "satp",  "scounteren", "senvcfg",
};
static const char *const aia_names[] = {
	"siselect", "iprio1", "iprio2", "sieh", "siph", "iprio1h", "iprio2h",
};
static const char *const timer_names[] = { "timer.frequency", "timer.time", "timer.compare",
					   "timer.state" };

/* Registers of a type and subtype; others (FP, vectors, sets of extensions) are not told of. */
static const struct group {
	uint32_t type;
	uint32_t subtype;
	const char *const *names;
	size_t count;
} groups[] = {
#define GROUP(type, subtype, names)                                    \
	{                                                              \
		type, subtype, names, sizeof(names) / sizeof(names[0]) \
	}
	GROUP(KVM_REG_RISCV_ISA_EXT, 0, isa_names),   GROUP(KVM_REG_RISCV_SBI_EXT, 0, sbi_names),
	GROUP(KVM_REG_RISCV_CONFIG, 0, config_names), GROUP(KVM_REG_RISCV_CSR, 0, csr_names),
	GROUP(KVM_REG_RISCV_CSR, 1, aia_names),	      GROUP(KVM_REG_RISCV_TIMER, 0, timer_names),
};

/* NULL: not of these groups. "" as a name: of them, and newer than this list. */
static const char *reg_name(uint64_t id)
{
	for (size_t i = 0; i < sizeof(groups) / sizeof(groups[0]); i++) {
		const struct group *group = &groups[i];
		uint16_t index = (uint16_t)id;

		if ((id & KVM_REG_RISCV_TYPE_MASK) == group->type &&
		    SYS_RISCV_SUBTYPE(id) == group->subtype)
			return index < group->count ? group->names[index] : "";
	}
	return NULL;
}

static void probe_reg(AxVCpu *vcpu, uint64_t id, const char *name, AxProbeSysReg *out)
{
	uint64_t value = 0;

	*out = (AxProbeSysReg){ .size = sizeof(*out), .addr = id, .name = *name ? name : NULL };
	out->readable = !riscv_try_get(vcpu, id, &value);
	if (!out->readable)
		return;
	out->value = value;
	out->writable = !riscv_try_set(vcpu, id, value);
}

/* KVM's list, allocated; NULL with *ret 0 when it has none: before Linux 6.6. */
static struct kvm_reg_list *get_list(AxVCpu *vcpu, int *ret, AxError *err)
{
	struct kvm_reg_list none = { .n = 0 };
	struct kvm_reg_list *list;

	/* With too little room KVM says how much is needed: api.rst 4.78. */
	*ret = sys_ioctl_struct(vcpu->fd, KVM_GET_REG_LIST, &none);
	if (*ret != -E2BIG) {
		*ret = *ret < 0 && *ret != -ENOTTY && *ret != -EINVAL
			       ? ax_error_sys(err, *ret, "KVM_GET_REG_LIST")
			       : 0;
		return NULL;
	}
	list = calloc(1, sizeof(*list) + none.n * sizeof(list->reg[0]));
	if (!list) {
		*ret = ax_error_nomem(err, "the list of registers");
		return NULL;
	}
	list->n = none.n;
	*ret = sys_ioctl_struct(vcpu->fd, KVM_GET_REG_LIST, list);
	if (!*ret)
		return list;
	free(list);
	*ret = ax_error_sys(err, *ret, "KVM_GET_REG_LIST");
	return NULL;
}

int arch_probe_sys_regs(AxProbe *probe, AxVCpu *vcpu, AxError *err)
{
	struct kvm_reg_list *list;
	int ret;

	list = get_list(vcpu, &ret, err);
	if (!list)
		return ret;
	probe->sys_regs = calloc(list->n, sizeof(probe->sys_regs[0]));
	if (!probe->sys_regs) {
		free(list);
		return ax_error_nomem(err, "the registers");
	}
	for (uint64_t i = 0; i < list->n; i++) {
		const char *name = reg_name(list->reg[i]);

		if (name)
			probe_reg(vcpu, list->reg[i], name,
				  &probe->sys_regs[probe->sys_reg_count++]);
	}
	free(list);
	return 0;
}

bool riscv_probe_is_on(const AxProbe *probe, const char *name)
{
	for (unsigned i = 0; i < probe->sys_reg_count; i++) {
		const AxProbeSysReg *reg = &probe->sys_regs[i];

		if (reg->name && !strcmp(reg->name, name))
			return reg->readable && reg->value;
	}
	return false;
}
