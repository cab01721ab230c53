/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Probing: what KVM says comes out, what it only claims to have is found, nothing leaks whatever
 * fails.
 */
#include <axvmm/probe.h>

#include "tests/unit/core_fixture.h"
#include "tests/unit/fake_uffd.h"

static AxProbe *new_probe(void)
{
	AxError err = AX_ERROR_INIT;
	AxProbe *probe = NULL;

	ck_assert_msg(!ax_probe_new(NULL, &probe, &err), "%s", err.message);
	return probe;
}

static AxProbeCapability capability(const AxProbe *probe, const char *name)
{
	AxProbeCapability found = { .size = sizeof(found) };

	for (unsigned i = 0; ax_probe_capability(probe, i, &found); i++) {
		if (!strcmp(found.name, name))
			return found;
	}
	ck_abort_msg("no capability %s", name);
	return found;
}

static AxProbeExit exit_of(const AxProbe *probe, uint32_t kind)
{
	AxProbeExit found = { .size = sizeof(found) };

	ck_assert(ax_probe_exit(probe, kind, &found));
	ck_assert_uint_eq(found.kind, kind);
	ck_assert_ptr_nonnull(found.how);
	return found;
}

START_TEST(names_are_known_and_others_are_unknown)
{
	ck_assert_str_eq(ax_kvm_kind_name(AX_KVM_VMX), "VMX");
	ck_assert_str_eq(ax_kvm_kind_name(AX_KVM_SVM), "SVM");
	ck_assert_str_eq(ax_kvm_kind_name(AX_KVM_SOFTWARE), "software");
	ck_assert_str_eq(ax_kvm_kind_name(AX_KVM_ARM64), "arm64");
	ck_assert_str_eq(ax_kvm_kind_name(AX_KVM_RISCV64), "riscv64");
	ck_assert_str_eq(ax_kvm_kind_name(AX_KVM_UNKNOWN), "unknown");
	ck_assert_str_eq(ax_kvm_kind_name((AxKvmKind)77), "unknown");
	ck_assert_str_ne(ax_kvm_kind_name(ax_kvm_kind()), "unknown");
	ck_assert_uint_gt(strlen(ax_arch_name()), 0);
}
END_TEST

START_TEST(capabilities_are_what_kvm_says)
{
	AxProbeCapability found;
	AxProbe *probe;

	fake_set_cap(KVM_CAP_MAX_VCPUS, 77);
	fake_set_cap(KVM_CAP_READONLY_MEM, 0);
	probe = new_probe();
	found = capability(probe, "MAX_VCPUS");
	ck_assert_int_eq(found.value, 77);
	ck_assert_uint_eq(found.number, KVM_CAP_MAX_VCPUS);
	ck_assert(found.works);
	found = capability(probe, "READONLY_MEM");
	ck_assert_int_eq(found.value, 0);
	ck_assert(!found.works);
	ck_assert_ptr_nonnull(found.use);
	ck_assert_ptr_nonnull(found.without);
	ax_probe_free(probe);
}
END_TEST

START_TEST(every_exit_kind_is_judged)
{
	AxProbe *probe = new_probe();
	AxProbeExit none = { .size = sizeof(none) };

	for (uint32_t kind = 0; kind < AX_EXIT_KINDS; kind++)
		exit_of(probe, kind);
	ck_assert(!ax_probe_exit(probe, AX_EXIT_KINDS, &none));
	ck_assert(exit_of(probe, AX_EXIT_MMIO_READ).possible);
	ck_assert(exit_of(probe, AX_EXIT_NOTHING).possible);
	ck_assert(exit_of(probe, AX_EXIT_DEBUG).possible);
	ax_probe_free(probe);
}
END_TEST

START_TEST(an_exit_needs_its_capability)
{
	AxProbe *probe;

	fake_set_cap(KVM_CAP_SET_GUEST_DEBUG, 0);
	probe = new_probe();
	ck_assert(!exit_of(probe, AX_EXIT_DEBUG).possible);
	ax_probe_free(probe);
}
END_TEST

START_TEST(whether_ram_can_be_paged_in_is_tried)
{
	AxProbeHost host = { .size = sizeof(host) };
	AxProbe *probe;

	fake_uffd_reset();
	probe = new_probe();
	ck_assert(ax_probe_host(probe, 0, &host));
	ck_assert_str_eq(host.name, "userfaultfd");
	ck_assert(host.works);
	ck_assert_ptr_nonnull(host.use);
	ck_assert_ptr_null(host.without);
	ck_assert(!ax_probe_host(probe, 1, &host));
	ck_assert(exit_of(probe, AX_EXIT_NESTED_PAGE_FAULT).possible);
	host.size = 8;
	ck_assert(!ax_probe_host(probe, 0, &host));
	ax_probe_free(probe);

	/* A host that does not let us has a KVM nevertheless. */
	host.size = sizeof(host);
	for (unsigned call = UFFD_OPEN_CALL; call <= UFFD_REGISTER; call++) {
		fake_uffd_fail(UFFD_OPEN_DEVICE, call == UFFD_OPEN_CALL, ENOENT);
		fake_uffd_fail(call, 1, EPERM);
		probe = new_probe();
		ck_assert(ax_probe_host(probe, 0, &host));
		ck_assert(!host.works);
		ck_assert_ptr_nonnull(host.without);
		ax_probe_free(probe);
	}
	ck_assert_uint_eq(fake_uffd_open_count(), 0);
}
END_TEST

START_TEST(structs_of_another_size_are_refused)
{
	AxProbeCapability small_capability = { .size = 8 };
	AxProbeSysReg small_sys_reg = { .size = 8 };
	AxProbeExit small_exit = { .size = 8 };
	AxProbe *probe = new_probe();

	ck_assert(!ax_probe_capability(probe, 0, &small_capability));
	ck_assert(!ax_probe_exit(probe, 0, &small_exit));
	ck_assert(!ax_probe_sys_reg(probe, 0, &small_sys_reg));
	ax_probe_free(probe);
	ax_probe_free(NULL);
}
END_TEST

START_TEST(advice_ends)
{
	AxProbe *probe = new_probe();
	unsigned count = 0;

	while (ax_probe_advice(probe, count))
		count++;
	ck_assert_uint_lt(count, 10);
	ax_probe_free(probe);
}
END_TEST

START_TEST(no_kvm_is_said_as_when_a_vm_is_created)
{
	AxError err;
	AxProbe *probe = NULL;

	fake_fail(FAKE_OPEN, 1, ENOENT);
	ck_assert_fails(ax_probe_new("/x", &probe, &err), -ENODEV, AX_ERROR_KVM_MISSING, "/x");
	fake_fail(FAKE_OPEN, 1, EACCES);
	ck_assert_fails(ax_probe_new("/x", &probe, &err), -EACCES, AX_ERROR_KVM_PERMISSION, "/x");
	ck_assert_ptr_null(probe);
}
END_TEST

START_TEST(whatever_fails_nothing_leaks)
{
	unsigned calls;
	AxProbe *probe = new_probe();

	calls = fake_calls_all();
	ax_probe_free(probe);
	for (unsigned n = 1; n <= calls; n++) {
		fake_fail_any(n, EIO);
		probe = NULL;
		if (!ax_probe_new(NULL, &probe, NULL))
			ax_probe_free(probe);
		fake_fail_clear();
		ck_assert_uint_eq(fake_sys_open_count(), 0);
	}
	ck_assert_uint_gt(fake_failed(), 10);
}
END_TEST

RUN_CORE_TESTS("probe", names_are_known_and_others_are_unknown, capabilities_are_what_kvm_says,
	       every_exit_kind_is_judged, an_exit_needs_its_capability,
	       whether_ram_can_be_paged_in_is_tried, structs_of_another_size_are_refused,
	       advice_ends, no_kvm_is_said_as_when_a_vm_is_created, whatever_fails_nothing_leaks)
