/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What this host's KVM is and can do: capabilities, system registers, and which exits can happen
 * here. For people and their tools ("axvmm doctor"); nothing else of the library needs it.
 */
#ifndef AXVMM_PROBE_H
#define AXVMM_PROBE_H

#include <axvmm/error.h>
#include <axvmm/types.h>

#ifdef __cplusplus
extern "C" {
#endif

/* The only version of KVM's API that is or will be. Documentation/virt/kvm/api.rst, 4.1. */
#define AX_KVM_API_VERSION 12

/* What executes the guest. Numbered for ever. */
typedef enum AxKvmKind {
	AX_KVM_UNKNOWN = 0,
	AX_KVM_VMX = 1, /* Intel VT-x */
	AX_KVM_SVM = 2, /* AMD-V */
	AX_KVM_SOFTWARE =
		3, /* no extension of the processor is to be seen: guest kernels are interpreted */
	AX_KVM_ARM64 = 4,  /* Arm EL2 */
	AX_KVM_RISCV64 = 5 /* RISC-V H extension */
} AxKvmKind;

/* What this host has, from the processor's features and the loaded modules; needs no KVM device.
 * Thread: any. */
AX_API AxKvmKind ax_kvm_kind(void);

/* "VMX", "SVM", "software", ... Thread: any. */
AX_API const char *ax_kvm_kind_name(AxKvmKind kind);

/* The architecture this library was built for, such as "x86-64". Thread: any. */
AX_API const char *ax_arch_name(void);

/* What was found out. */
typedef struct AxProbe AxProbe;

/**
 * Find it out: opens KVM, makes a VM with a vCPU, tries, and lets go of all.
 *
 * @param kvm_path  NULL: /dev/kvm
 * @param out       owned by the caller: ax_probe_free(); untouched on failure
 * @return 0; as ax_vm_create() and ax_vcpu_create()
 *
 * Thread: any. Takes milliseconds.
 */
AX_API int ax_probe_new(const char *kvm_path, AxProbe **out, AxError *err);

/* NULL is allowed. */
AX_API void ax_probe_free(AxProbe *probe);

/* A capability that matters to this library. Strings are constant. */
typedef struct AxProbeCapability {
	size_t size;	     /* sizeof(AxProbeCapability), set by the caller */
	const char *name;    /* without KVM_CAP_ */
	uint32_t number;     /* KVM_CAP_* */
	int32_t value;	     /* KVM_CHECK_EXTENSION: 0 is absent */
	bool works;	     /* it is there; where it could be tried without harm, it worked */
	const char *use;     /* what it is good for */
	const char *without; /* what is lost without it, and what to do; NULL: nothing */
} AxProbeCapability;

/* The capability at @index; false past the end. Thread: any. */
AX_API bool ax_probe_capability(const AxProbe *probe, unsigned index, AxProbeCapability *out);

/* Whether an exit can happen on this host. */
typedef struct AxProbeExit {
	size_t size;   /* sizeof(AxProbeExit), set by the caller */
	uint32_t kind; /* an AxVCpuExitKind */
	bool possible;
	const char *how; /* possible: what brings it about; else why it cannot be. Constant */
} AxProbeExit;

/* The exit kind @index, one for each AxVCpuExitKind; false past the end. Thread: any. */
AX_API bool ax_probe_exit(const AxProbe *probe, unsigned index, AxProbeExit *out);

/* A system register that KVM lists, tried by itself on a new vCPU. */
typedef struct AxProbeSysReg {
	size_t size; /* sizeof(AxProbeSysReg), set by the caller */
	AxSysRegAddr addr;
	const char *name; /* NULL: none is known here. Constant */
	bool readable;
	bool writable; /* what was read can be written back, so that it can be saved and restored */
	uint64_t value; /* readable: of a new vCPU */
} AxProbeSysReg;

/* The register at @index in KVM's order; false past the end, at once where KVM lists none. Thread:
 * any. */
AX_API bool ax_probe_sys_reg(const AxProbe *probe, unsigned index, AxProbeSysReg *out);

/* What this library uses of the host's kernel beside KVM. */
typedef struct AxProbeHost {
	size_t size;	     /* sizeof(AxProbeHost), set by the caller */
	const char *name;    /* "userfaultfd". Constant */
	bool works;	     /* it was tried */
	const char *use;     /* what it is good for. Constant */
	const char *without; /* why it does not work, and what to do; NULL: it does. The probe's */
} AxProbeHost;

/* The one at @index; false past the end. Thread: any. */
AX_API bool ax_probe_host(const AxProbe *probe, unsigned index, AxProbeHost *out);

/* What the user of this host may want to do: a sentence at @index; NULL past the end. Constant.
 * Thread: any. */
AX_API const char *ax_probe_advice(const AxProbe *probe, unsigned index);

#ifdef __cplusplus
}
#endif

#endif
