/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Which MSRs KVM knows: each that it lists is read and written back by itself, because some KVMs
 * list more than they have.
 */
#include <config.h>

#include <errno.h>
#include <stdlib.h>

#include "core/error.h"
#include "core/probe.h"
#include "sys/sys.h"

/* SDM 4, chapter 2; APM 2, appendix A; Documentation/virt/kvm/x86/msr.rst. */
static const struct {
	uint32_t number;
	const char *name;
} known_msrs[] = {
	{ 0x10, "IA32_TIME_STAMP_COUNTER" },
	{ 0x11, "KVM_WALL_CLOCK (old)" },
	{ 0x12, "KVM_SYSTEM_TIME (old)" },
	{ 0x1b, "IA32_APIC_BASE" },
	{ 0x34, "SMI_COUNT" },
	{ 0x3a, "IA32_FEATURE_CONTROL" },
	{ 0x3b, "IA32_TSC_ADJUST" },
	{ 0x48, "IA32_SPEC_CTRL" },
	{ 0x8b, "IA32_BIOS_SIGN_ID" },
	{ 0x9e, "IA32_SMBASE" },
	{ 0xce, "PLATFORM_INFO" },
	{ 0x10a, "IA32_ARCH_CAPABILITIES" },
	{ 0x122, "IA32_TSX_CTRL" },
	{ 0x140, "MISC_FEATURES_ENABLES" },
	{ 0x174, "IA32_SYSENTER_CS" },
	{ 0x175, "IA32_SYSENTER_ESP" },
	{ 0x176, "IA32_SYSENTER_EIP" },
	{ 0x179, "IA32_MCG_CAP" },
	{ 0x17a, "IA32_MCG_STATUS" },
	{ 0x17b, "IA32_MCG_CTL" },
	{ 0x1a0, "IA32_MISC_ENABLE" },
	{ 0x1c4, "IA32_XFD" },
	{ 0x1c5, "IA32_XFD_ERR" },
	{ 0x1d9, "IA32_DEBUGCTL" },
	{ 0x277, "IA32_PAT" },
	{ 0x345, "IA32_PERF_CAPABILITIES" },
	{ 0x38d, "IA32_FIXED_CTR_CTRL" },
	{ 0x38e, "IA32_PERF_GLOBAL_STATUS" },
	{ 0x38f, "IA32_PERF_GLOBAL_CTRL" },
	{ 0x390, "IA32_PERF_GLOBAL_OVF_CTRL" },
	{ 0x4d0, "IA32_MCG_EXT_CTL" },
	{ 0x6e0, "IA32_TSC_DEADLINE" },
	{ 0xd90, "IA32_BNDCFGS" },
	{ 0xda0, "IA32_XSS" },
	{ 0x4b564d00, "KVM_WALL_CLOCK" },
	{ 0x4b564d01, "KVM_SYSTEM_TIME" },
	{ 0x4b564d02, "KVM_ASYNC_PF_EN" },
	{ 0x4b564d03, "KVM_STEAL_TIME" },
	{ 0x4b564d04, "KVM_PV_EOI_EN" },
	{ 0x4b564d05, "KVM_POLL_CONTROL" },
	{ 0x4b564d06, "KVM_ASYNC_PF_INT" },
	{ 0x4b564d07, "KVM_ASYNC_PF_ACK" },
	{ 0x4b564d08, "KVM_MIGRATION_CONTROL" },
	{ 0xc0000080, "IA32_EFER" },
	{ 0xc0000081, "IA32_STAR" },
	{ 0xc0000082, "IA32_LSTAR" },
	{ 0xc0000083, "IA32_CSTAR" },
	{ 0xc0000084, "IA32_FMASK" },
	{ 0xc0000100, "IA32_FS_BASE" },
	{ 0xc0000101, "IA32_GS_BASE" },
	{ 0xc0000102, "IA32_KERNEL_GS_BASE" },
	{ 0xc0000103, "IA32_TSC_AUX" },
	{ 0xc0000104, "TSC_RATIO" },
	{ 0xc0010015, "HWCR" },
	{ 0xc0010117, "VM_HSAVE_PA" },
	{ 0xc001011f, "VIRT_SPEC_CTRL" },
};

static const char *msr_name(uint32_t number)
{
	for (size_t i = 0; i < sizeof(known_msrs) / sizeof(known_msrs[0]); i++) {
		if (known_msrs[i].number == number)
			return known_msrs[i].name;
	}
	return NULL;
}

/* KVM_GET_MSRS and KVM_SET_MSRS for one MSR: the count of those that were done is the answer. */
struct one_msr {
	union {
		struct kvm_msrs head;
		char room[sizeof(struct kvm_msrs) + sizeof(struct kvm_msr_entry)];
	};
};

static void probe_msr(AxVCpu *vcpu, uint32_t number, AxProbeSysReg *out)
{
	struct one_msr one = { .head.nmsrs = 1 };

	*out = (AxProbeSysReg){ .size = sizeof(*out), .addr = number, .name = msr_name(number) };
	one.head.entries[0].index = number;
	out->readable = sys_ioctl_struct(vcpu->fd, KVM_GET_MSRS, &one.head) == 1;
	if (!out->readable)
		return;
	out->value = one.head.entries[0].data;
	out->writable = sys_ioctl_struct(vcpu->fd, KVM_SET_MSRS, &one.head) == 1;
}

/* KVM's list, allocated; NULL with *ret 0 when it has none. */
static struct kvm_msr_list *get_list(int kvm_fd, int *ret, AxError *err)
{
	struct kvm_msr_list none = { .nmsrs = 0 };
	struct kvm_msr_list *list;

	/* With too little room KVM says how much is needed: api.rst 4.3. */
	*ret = sys_ioctl_struct(kvm_fd, KVM_GET_MSR_INDEX_LIST, &none);
	if (*ret != -E2BIG) {
		*ret = *ret < 0 ? ax_error_sys(err, *ret, "KVM_GET_MSR_INDEX_LIST") : 0;
		return NULL;
	}
	list = calloc(1, sizeof(*list) + none.nmsrs * sizeof(list->indices[0]));
	if (!list) {
		*ret = ax_error_nomem(err, "the list of MSRs");
		return NULL;
	}
	list->nmsrs = none.nmsrs;
	*ret = sys_ioctl_struct(kvm_fd, KVM_GET_MSR_INDEX_LIST, list);
	if (!*ret)
		return list;
	free(list);
	*ret = ax_error_sys(err, *ret, "KVM_GET_MSR_INDEX_LIST");
	return NULL;
}

int arch_probe_sys_regs(AxProbe *probe, AxVCpu *vcpu, AxError *err)
{
	struct kvm_msr_list *list;
	int ret;

	list = get_list(vcpu->vm->kvm_fd, &ret, err);
	if (!list)
		return ret;
	probe->sys_regs = calloc(list->nmsrs, sizeof(probe->sys_regs[0]));
	if (!probe->sys_regs) {
		free(list);
		return ax_error_nomem(err, "the MSRs");
	}
	probe->sys_reg_count = list->nmsrs;
	for (uint32_t i = 0; i < list->nmsrs; i++)
		probe_msr(vcpu, list->indices[i], &probe->sys_regs[i]);
	free(list);
	return 0;
}
