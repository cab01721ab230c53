# SPDX-License-Identifier: Apache-2.0
# AXVMM_KVM_UAPI: which of the newer names of <linux/kvm.h> the system's headers lack.
#
# HAVE_DECL_<NAME> in config.h is 1 or 0; src/sys defines what is missing. Debian 12 (Linux 6.1)
# lacks the memory-fault exit and the SMCCC filter.
AC_DEFUN([AXVMM_KVM_UAPI], [
	AC_CHECK_HEADER([linux/kvm.h], [],
		[AC_MSG_ERROR([<linux/kvm.h> is missing (on Debian: linux-libc-dev)])])
	AC_CHECK_DECLS([KVM_EXIT_DIRTY_RING_FULL, KVM_EXIT_AP_RESET_HOLD, KVM_EXIT_X86_BUS_LOCK,
		KVM_EXIT_XEN, KVM_EXIT_RISCV_SBI, KVM_EXIT_RISCV_CSR, KVM_EXIT_NOTIFY,
		KVM_EXIT_LOONGARCH_IOCSR, KVM_EXIT_MEMORY_FAULT,
		KVM_SYSTEM_EVENT_WAKEUP, KVM_SYSTEM_EVENT_SUSPEND, KVM_SYSTEM_EVENT_SEV_TERM,
		KVM_SYSTEM_EVENT_TDX_FATAL,
		KVM_GET_STATS_FD, KVM_SET_USER_MEMORY_REGION2,
		KVM_CAP_EXIT_HYPERCALL, KVM_CAP_X86_USER_SPACE_MSR, KVM_CAP_X86_MSR_FILTER,
		KVM_CAP_ARM_SYSTEM_SUSPEND, KVM_CAP_X86_NOTIFY_VMEXIT, KVM_CAP_MEMORY_FAULT_INFO,
		KVM_CAP_GUEST_MEMFD,
		KVM_ARM_VM_SMCCC_CTRL, KVM_ARM_VM_SMCCC_FILTER, KVM_HYPERCALL_EXIT_SMC],
		[], [], [[#include <linux/kvm.h>]])
	AC_CHECK_MEMBERS([struct kvm_run.memory_fault, struct kvm_run.riscv_csr,
		struct kvm_run.notify, struct kvm_run.system_event.ndata,
		struct kvm_run.hypercall.flags],
		[], [], [[#include <linux/kvm.h>]])
])
