/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The exit matrix: for each kind of exit the ways by which a guest of this platform brings it about,
 * and what KVM said when it came. The scenarios are data: the common ones in matrix_common.c, the
 * architecture's in its folder; matrix.c runs them and compares with tests/matrix, where the cells
 * that were filled before are kept.
 */
#ifndef AXVMM_TESTS_KVM_MATRIX_H
#define AXVMM_TESTS_KVM_MATRIX_H

#include <axvmm/trace.h>

#include "code.h"

/* What a guest has to know to bring an exit about. */
enum matrix_route {
	MATRIX_NATIVE, /* the architecture's own means: instructions, registers, PSCI, SBI */
	MATRIX_OPT_IN, /* a protocol of this project's: guests/abi.h */
};

struct matrix_scenario {
	uint32_t kind;	  /* the AxVCpuExitKind that it is for */
	const char *name; /* an embedded guest's; or, with `run`, words of its own */
	enum matrix_route route;
	void (*run)(void); /* NULL: the embedded guest */
};

/* Both end with name NULL. */
extern const struct matrix_scenario matrix_common[];
extern const struct matrix_scenario matrix_arch[];

/*
 * What follows the architecture's name in the platform's, such as "-software": machines on which
 * other exits come. The name is a file's in tests/matrix.
 */
const char *matrix_variant(void);

/* Why an exit does not come on this platform. NULL: nothing to say, it does. */
const char *matrix_reason(uint32_t kind);

/* Sees exits and what KVM_RUN said; for ax_observer_set(), the opaque pointer is unused. */
extern const AxObserver matrix_observer;

/*
 * An exit was seen that did not go by the observer. @raw is what KVM_RUN said: matrix_raw(), or
 * MATRIX_RAW_PAGER.
 */
void matrix_see(uint32_t kind, uint32_t raw);

/* What the calling thread's last KVM_RUN said of @vcpu: an exit's number, or an errno. */
uint32_t matrix_raw(const AxVCpu *vcpu);

#define MATRIX_RAW_ERRNO (1u << 31) /* with the errno */
#define MATRIX_RAW_PAGER (1u << 30)

/* The scenario cannot be tried here: why. Shown; an error when it was recorded. */
void matrix_cannot(const char *format, ...) AX_PRINTF(1, 2);

/*
 * For scenarios that want KVM set up as the library does not: what the library's ioctls go through
 * from now on, but for KVM_RUN. It passes on to matrix_kvm_ioctl().
 */
typedef int matrix_ioctl_fn(int fd, unsigned long request, uintptr_t arg);
extern matrix_ioctl_fn *matrix_ioctl;
int matrix_kvm_ioctl(int fd, unsigned long request, uintptr_t arg);

/* Run a VM of code.h with the observer until the code ends, and close it. */
void matrix_run_code(struct code_vm *vm);

#endif
