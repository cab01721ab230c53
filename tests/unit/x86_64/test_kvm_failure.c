/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Every ioctl that the core makes on x86-64, failing with every errno that the kernel documents for
 * it: the right error, a message, nothing leaked, nothing that hangs.
 * Source of the errnos: Documentation/virt/kvm/api.rst, section 4, and what ioctl(2) adds.
 */
#include "tests/unit/x86_64/life_fixture.h"

/* What an errno of the kernel becomes. */
#define OTHER 0 /* -EIO, or -ENOMEM for ENOMEM */

struct failure {
	int (*scenario)(struct life *life);
	unsigned long request;
	int errnos[8];
	int ret;	   /* OTHER, or the one that all become */
	int code;	   /* AX_ERROR_*; 0: KVM_CALL or RESOURCE */
	const char *piece; /* of the message; NULL: the request's errno says enough */
};

static const struct failure failures[] = {
	{ create_bare,
	  FAKE_OPEN,
	  { ENOENT, ENXIO, ENODEV },
	  -ENODEV,
	  AX_ERROR_KVM_MISSING,
	  "/dev/kvm: no KVM here: load the module" },
	{ create_bare,
	  FAKE_OPEN,
	  { EACCES, EPERM },
	  -EACCES,
	  AX_ERROR_KVM_PERMISSION,
	  "/dev/kvm: no permission" },
	{ create_bare, FAKE_OPEN, { EMFILE, ENFILE, ENOMEM, EBUSY, EINTR }, OTHER, 0, "/dev/kvm" },
	{ create_bare,
	  KVM_GET_API_VERSION,
	  { ENOTTY, EINVAL },
	  -ENODEV,
	  AX_ERROR_KVM_API,
	  "this is not KVM" },
	{ create_bare,
	  KVM_CREATE_VM,
	  { EINVAL, ENOMEM, EMFILE, ENFILE, EBUSY, EIO, EPERM },
	  OTHER,
	  0,
	  "KVM_CREATE_VM" },
	{ create_bare,
	  KVM_GET_VCPU_MMAP_SIZE,
	  { EINVAL, ENOTTY },
	  OTHER,
	  0,
	  "KVM_GET_VCPU_MMAP_SIZE" },
	{ create_bare,
	  KVM_SET_IDENTITY_MAP_ADDR,
	  { EINVAL, EEXIST, ENOTTY, EFAULT },
	  OTHER,
	  0,
	  "KVM_SET_IDENTITY_MAP_ADDR" },
	{ create_bare, KVM_SET_TSS_ADDR, { EINVAL, ENOTTY, EFAULT }, OTHER, 0, "KVM_SET_TSS_ADDR" },
	{ create_kernel_irqchip,
	  KVM_CREATE_IRQCHIP,
	  { ENOTTY, ENXIO, EINVAL },
	  -ENOTSUP,
	  AX_ERROR_UNSUPPORTED,
	  "no in-kernel irqchip: AX_IRQCHIP_USER" },
	{ create_kernel_irqchip,
	  KVM_CREATE_IRQCHIP,
	  { EEXIST, ENOMEM, EBUSY },
	  OTHER,
	  0,
	  "KVM_CREATE_IRQCHIP" },
	{ create_split_irqchip,
	  KVM_ENABLE_CAP,
	  { EEXIST, EINVAL },
	  OTHER,
	  0,
	  "KVM_CAP_SPLIT_IRQCHIP" },
	{ claim_registers,
	  KVM_ENABLE_CAP,
	  { EINVAL, ENOTTY, EPERM },
	  -ENOTSUP,
	  AX_ERROR_UNSUPPORTED,
	  "MSR exits" },
	{ claim_registers,
	  KVM_X86_SET_MSR_FILTER,
	  { EINVAL, ENOMEM, E2BIG, EFAULT, ENOTTY },
	  OTHER,
	  0,
	  "KVM_X86_SET_MSR_FILTER" },
	{ set_hypercalls,
	  KVM_XEN_HVM_CONFIG,
	  { ENOTTY, EINVAL, E2BIG, EPERM },
	  -ENOTSUP,
	  AX_ERROR_UNSUPPORTED,
	  "hypercall interception" },
	{ make_vcpus, KVM_CREATE_VCPU, { EEXIST }, -EEXIST, AX_ERROR_ARGUMENT, "is taken" },
	{ make_vcpus, KVM_CREATE_VCPU, { EINVAL }, -ENOSPC, AX_ERROR_ARGUMENT, "allows 64 vCPUs" },
	{ make_vcpus,
	  KVM_CREATE_VCPU,
	  { ENOMEM, EBUSY, EMFILE, ENFILE, EIO },
	  OTHER,
	  0,
	  "KVM_CREATE_VCPU" },
	{ make_vcpus,
	  FAKE_MAP_RUN,
	  { ENOMEM, EAGAIN, EPERM },
	  -ENOMEM,
	  AX_ERROR_RESOURCE,
	  "shared pages" },
	{ set_up,
	  KVM_GET_SUPPORTED_CPUID,
	  { ENOMEM, EFAULT, EINVAL, ENOTTY },
	  OTHER,
	  0,
	  "KVM_GET_SUPPORTED_CPUID" },
	{ set_up,
	  KVM_SET_CPUID2,
	  { EINVAL, E2BIG, ENOMEM, EFAULT, ENOTTY },
	  OTHER,
	  0,
	  "KVM_SET_CPUID2" },
	{ set_up, KVM_GET_SREGS, { EINVAL, ENOMEM, EFAULT, EINTR }, OTHER, 0, "KVM_GET_SREGS" },
	{ set_up,
	  KVM_SET_SREGS,
	  { EINVAL, ENOMEM, EFAULT, EINTR },
	  OTHER,
	  0,
	  "KVM_SET_SREGS (KVM refuses the values)" },
	{ set_up, KVM_SET_REGS, { EINVAL, ENOMEM, EFAULT, EINTR }, OTHER, 0, "KVM_SET_REGS" },
	{ use_registers,
	  KVM_GET_REGS,
	  { EINVAL, ENOMEM, EFAULT, EINTR },
	  OTHER,
	  0,
	  "KVM_GET_REGS" },
	{ use_registers,
	  KVM_SET_GUEST_DEBUG,
	  { ENOTTY, EINVAL },
	  -ENOTSUP,
	  AX_ERROR_UNSUPPORTED,
	  "KVM_SET_GUEST_DEBUG" },
	{ use_registers, KVM_SET_GUEST_DEBUG, { EBUSY, EFAULT }, OTHER, 0, "KVM_SET_GUEST_DEBUG" },
	{ use_registers,
	  KVM_TRANSLATE,
	  { EINVAL, ENOTTY, EFAULT, EINTR },
	  OTHER,
	  0,
	  "KVM_TRANSLATE" },
	{ decode_a_load,
	  KVM_RUN,
	  { ENOEXEC, EPERM, ENOMEM, EINVAL, ENXIO, EBADF },
	  OTHER,
	  0,
	  "KVM_RUN" },
	{ interrupt, KVM_INTERRUPT, { EEXIST, EINVAL, ENXIO, EFAULT }, OTHER, 0, "KVM_INTERRUPT" },
	{ interrupt,
	  KVM_GET_VCPU_EVENTS,
	  { EINVAL, ENOTTY, EFAULT },
	  OTHER,
	  0,
	  "KVM_GET_VCPU_EVENTS" },
	{ interrupt, KVM_NMI, { EINVAL, ENOTTY }, OTHER, 0, "KVM_NMI" },
	{ signal_msi,
	  KVM_SIGNAL_MSI,
	  { EINVAL, ENXIO, EFAULT, ENOMEM },
	  OTHER,
	  0,
	  "KVM_SIGNAL_MSI" },
};

/* The last call of each kind, so that what a scenario does before has been done. */
static unsigned calls_in(const struct failure *failure)
{
	struct life life = { .err = AX_ERROR_INIT };
	unsigned calls;
	int ret = failure->scenario(&life);

	ck_assert_msg(ret >= 0, "%s", life.err.message);
	calls = fake_calls(failure->request);
	ax_vm_destroy(life.vm);
	fake_sys_reset();
	return calls;
}

static void assert_fails(const struct failure *failure, unsigned nth, int os_errno)
{
	struct life life = { .err = AX_ERROR_INIT };
	int want = failure->ret != OTHER ? failure->ret : os_errno == ENOMEM ? -ENOMEM : -EIO;
	int ret;

	fake_fail(failure->request, nth, os_errno);
	ret = failure->scenario(&life);
	ck_assert_uint_eq(fake_failed(), 1);
	ck_assert_msg(ret == want, "%s, errno %d, call %u: %d (%s)", failure->piece, os_errno, nth,
		      ret, life.err.message);
	ck_assert_msg(strstr(life.err.message, failure->piece), "\"%s\" lacks \"%s\"",
		      life.err.message, failure->piece);
	if (failure->code)
		ck_assert_int_eq(life.err.code, failure->code);
	else
		ck_assert(life.err.code == AX_ERROR_KVM_CALL || life.err.code == AX_ERROR_RESOURCE);
	if (failure->ret == OTHER)
		ck_assert_int_eq(life.err.os_errno, os_errno);
	ax_vm_destroy(life.vm);
	ck_assert_uint_eq(fake_sys_open_count(), 0);
	ck_assert_uint_eq(fake_bad_calls(), 0);
	fake_sys_reset();
}

START_TEST(a_request_that_fails_is_told_and_leaves_nothing_behind)
{
	const struct failure *failure = &failures[_i];
	unsigned calls = calls_in(failure);

	ck_assert_uint_gt(calls, 0);
	for (unsigned e = 0; e < COUNT(failure->errnos) && failure->errnos[e]; e++)
		for (unsigned nth = 1; nth <= calls; nth++)
			assert_fails(failure, nth, failure->errnos[e]);
}
END_TEST

START_TEST(creation_of_a_vm_that_was_interrupted_is_repeated)
{
	struct life life = { .err = AX_ERROR_INIT };

	fake_fail(KVM_CREATE_VM, 1, EINTR);
	fake_fail(KVM_CREATE_VM, 2, EINTR);
	ck_assert_int_eq(create_bare(&life), 0);
	ck_assert_uint_eq(fake_calls(KVM_CREATE_VM), 3);
	ax_vm_destroy(life.vm);
}
END_TEST

START_TEST(cpuid_that_does_not_fit_is_asked_for_with_more_room)
{
	struct life life = { .err = AX_ERROR_INIT };

	fake_fail(KVM_GET_SUPPORTED_CPUID, 1, E2BIG);
	ck_assert_int_eq(set_up(&life), 0);
	ck_assert_uint_eq(fake_calls(KVM_GET_SUPPORTED_CPUID), 2);
	ck_assert_uint_gt(FAKE_ARG(struct kvm_cpuid2, KVM_GET_SUPPORTED_CPUID, 1)->nent,
			  FAKE_ARG(struct kvm_cpuid2, KVM_GET_SUPPORTED_CPUID, 0)->nent);
	ax_vm_destroy(life.vm);
	fake_sys_reset();

	life = (struct life){ .err = AX_ERROR_INIT };
	fake_fail(KVM_GET_SUPPORTED_CPUID, 0, E2BIG);
	ck_assert_int_eq(set_up(&life), -EIO);
	ck_assert_ptr_nonnull(strstr(life.err.message, "KVM_GET_SUPPORTED_CPUID"));
	ck_assert_uint_lt(fake_calls(KVM_GET_SUPPORTED_CPUID), 20);
	ax_vm_destroy(life.vm);
}
END_TEST

/* What KVM_CHECK_EXTENSION denies, and the scenario that needs it. */
static const struct {
	unsigned cap;
	int value;
	int (*scenario)(struct life *life);
	const char *piece;
} lacking[] = {
	{ KVM_CAP_X86_USER_SPACE_MSR, 0, claim_registers, "MSR exits" },
	{ KVM_CAP_X86_MSR_FILTER, 0, claim_registers, "MSR exits" },
	{ KVM_CAP_XEN_HVM, 0, set_hypercalls, "hypercall interception" },
	{ KVM_CAP_XEN_HVM, KVM_XEN_HVM_CONFIG_HYPERCALL_MSR, set_hypercalls,
	  "hypercall interception" },
	{ KVM_CAP_EXIT_HYPERCALL, 0, set_hypercalls, "exit for hypercall 12" },
	{ KVM_CAP_EXIT_HYPERCALL, 1 << 3, set_hypercalls, "exit for hypercall 12" },
};

START_TEST(what_this_kvm_lacks_is_not_supported)
{
	struct life life = { .err = AX_ERROR_INIT };

	fake_set_cap(lacking[_i].cap, lacking[_i].value);
	ck_assert_int_eq(lacking[_i].scenario(&life), -ENOTSUP);
	ck_assert_int_eq(life.err.code, AX_ERROR_UNSUPPORTED);
	ck_assert_msg(strstr(life.err.message, lacking[_i].piece), "%s", life.err.message);
	ax_vm_destroy(life.vm);
}
END_TEST

static void add_tests(TCase *cases)
{
	tcase_add_loop_test(cases, a_request_that_fails_is_told_and_leaves_nothing_behind, 0,
			    COUNT(failures));
	tcase_add_test(cases, creation_of_a_vm_that_was_interrupted_is_repeated);
	tcase_add_test(cases, cpuid_that_does_not_fit_is_asked_for_with_more_room);
	tcase_add_loop_test(cases, what_this_kvm_lacks_is_not_supported, 0, COUNT(lacking));
}

RUN_SUITE("kvm failure", add_tests)
