/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Probing on x86-64: MSRs one by one, and capabilities that are tried because some KVMs only claim
 * them.
 */
#include <axvmm/probe.h>

#include "tests/unit/core_fixture.h"

static AxProbe *new_probe(void)
{
	AxError err = AX_ERROR_INIT;
	AxProbe *probe = NULL;

	ck_assert_msg(!ax_probe_new(NULL, &probe, &err), "%s", err.message);
	return probe;
}

static bool find_msr(const AxProbe *probe, uint64_t addr, AxProbeSysReg *found)
{
	found->size = sizeof(*found);
	for (unsigned i = 0; ax_probe_sys_reg(probe, i, found); i++) {
		if (found->addr == addr)
			return true;
	}
	return false;
}

static bool works(const AxProbe *probe, const char *name)
{
	AxProbeCapability found = { .size = sizeof(found) };

	for (unsigned i = 0; ax_probe_capability(probe, i, &found); i++) {
		if (!strcmp(found.name, name))
			return found.works;
	}
	ck_abort_msg("no capability %s", name);
	return false;
}

static bool possible(const AxProbe *probe, uint32_t kind)
{
	AxProbeExit found = { .size = sizeof(found) };

	ck_assert(ax_probe_exit(probe, kind, &found));
	return found.possible;
}

START_TEST(each_listed_msr_is_read_and_written_back)
{
	AxProbe *probe = new_probe();
	AxProbeSysReg reg;

	ck_assert(find_msr(probe, 0x174, &reg));
	ck_assert_str_eq(reg.name, "IA32_SYSENTER_CS");
	ck_assert(reg.readable);
	ck_assert(reg.writable);
	ck_assert_uint_eq(reg.size, sizeof(reg));
	ck_assert(!find_msr(probe, 0x12345, &reg));
	ck_assert_uint_eq(fake_calls(KVM_GET_MSRS), fake_calls(KVM_SET_MSRS));
	ax_probe_free(probe);
}
END_TEST

START_TEST(a_listed_msr_that_cannot_be_read_is_found)
{
	AxProbeSysReg reg = { .size = sizeof(reg) };
	AxProbe *probe;

	fake_fail(KVM_GET_MSRS, 1, EINVAL);
	probe = new_probe();
	ck_assert(ax_probe_sys_reg(probe, 0, &reg));
	ck_assert(!reg.readable);
	ck_assert(!reg.writable);
	ck_assert(ax_probe_sys_reg(probe, 1, &reg));
	ck_assert(reg.readable);
	ax_probe_free(probe);

	fake_fail(KVM_SET_MSRS, 1, EINVAL);
	probe = new_probe();
	ck_assert(ax_probe_sys_reg(probe, 0, &reg));
	ck_assert(reg.readable);
	ck_assert(!reg.writable);
	ax_probe_free(probe);
}
END_TEST

START_TEST(a_capability_that_is_only_claimed_does_not_work)
{
	AxProbe *probe = new_probe();

	ck_assert(works(probe, "XEN_HVM"));
	ck_assert(works(probe, "X86_MSR_FILTER"));
	/* The processor's kind is this machine's own, whatever the fake KVM says. */
	ck_assert_int_eq(works(probe, "EXIT_HYPERCALL"), ax_kvm_kind() != AX_KVM_SOFTWARE);
	ck_assert(possible(probe, AX_EXIT_SYS_REG_READ));
	ax_probe_free(probe);

	fake_fail(KVM_XEN_HVM_CONFIG, 0, ENOTTY);
	fake_fail(KVM_X86_SET_MSR_FILTER, 0, ENOTTY);
	probe = new_probe();
	ck_assert(!works(probe, "XEN_HVM"));
	ck_assert(!works(probe, "X86_MSR_FILTER"));
	ck_assert(!possible(probe, AX_EXIT_SYS_REG_READ));
	ck_assert(!possible(probe, AX_EXIT_SYS_REG_WRITE));
	ck_assert(possible(probe, AX_EXIT_HYPERCALL));
	ax_probe_free(probe);
}
END_TEST

START_TEST(bits_of_a_capability_count)
{
	AxProbe *probe;

	fake_set_cap(KVM_CAP_XEN_HVM, KVM_XEN_HVM_CONFIG_HYPERCALL_MSR);
	fake_set_cap(KVM_CAP_EXIT_HYPERCALL, 1);
	probe = new_probe();
	ck_assert(!works(probe, "XEN_HVM"));
	ck_assert(!works(probe, "EXIT_HYPERCALL"));
	ax_probe_free(probe);
}
END_TEST

RUN_CORE_TESTS("probe_msr", each_listed_msr_is_read_and_written_back,
	       a_listed_msr_that_cannot_be_read_is_found,
	       a_capability_that_is_only_claimed_does_not_work, bits_of_a_capability_count)
