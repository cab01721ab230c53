/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Decoding what went wrong: internal errors, memory faults, errnos of KVM_RUN, exits without a name;
 * the walk over all exit numbers; and the conversions of access widths.
 */
#include "core/exit.h"
#include "tests/unit/run_fixture.h"

#define RUN_SIZE 12288

static union {
	struct kvm_run run;
	uint8_t bytes[RUN_SIZE];
} page;
static struct kvm_run *const run = &page.run;

static AxVCpuExitReason exit_reason;
static unsigned flags;

static void fresh_run(uint32_t reason)
{
	memset(&page, 0xa5, sizeof(page));
	run->exit_reason = reason;
	run->flags = 0x1234;
}

static int decode_rc(int rc)
{
	memset(&exit_reason, 0x5a, sizeof(exit_reason));
	flags = 0xdead;
	return exit_decode(rc, run, RUN_SIZE, &exit_reason, &flags);
}

static const uint32_t suberrors[] = { 2, 3, 4, 0x1000 };

START_TEST(an_internal_error_carries_suberror_and_data)
{
	fresh_run(KVM_EXIT_INTERNAL_ERROR);
	run->internal.suberror = suberrors[_i];
	run->internal.ndata = 4;
	for (unsigned i = 0; i < 16; i++)
		run->internal.data[i] = 0xf00 + i;
	ck_assert_int_eq(decode_rc(0), 0);
	ck_assert_uint_eq(exit_reason.kind, AX_EXIT_INTERNAL_ERROR);
	ck_assert_uint_eq(exit_reason.internal_error.suberror, suberrors[_i]);
	ck_assert_uint_eq(exit_reason.internal_error.ndata, 4);
	for (unsigned i = 0; i < 8; i++)
		ck_assert_uint_eq(exit_reason.internal_error.data[i], i < 4 ? 0xf00 + i : 0);
	ck_assert_uint_eq(exit_reason.internal_error.insn_size, 0);
}
END_TEST

/* ndata as KVM gives it for a failed emulation: flags, size and bytes count as data 0 to 2. */
static void emulation_failure(uint32_t ndata, uint64_t failure_flags, uint8_t size)
{
	fresh_run(KVM_EXIT_INTERNAL_ERROR);
	run->emulation_failure.suberror = KVM_INTERNAL_ERROR_EMULATION;
	run->emulation_failure.ndata = ndata;
	run->emulation_failure.flags = failure_flags;
	run->emulation_failure.insn_size = size;
	memcpy(run->emulation_failure.insn_bytes,
	       "\x0f\x0b\x90\xcc\x01\x02\x03\x04\x05\x06\x07\x08\x09\x0a\x0b", 15);
}

START_TEST(a_failed_emulation_carries_the_instructions_bytes)
{
	emulation_failure(4, KVM_INTERNAL_ERROR_EMULATION_FLAG_INSTRUCTION_BYTES, 15);
	ck_assert_int_eq(decode_rc(0), 0);
	ck_assert_uint_eq(exit_reason.internal_error.suberror, 1);
	ck_assert_uint_eq(exit_reason.internal_error.insn_size, 15);
	ck_assert_mem_eq(exit_reason.internal_error.insn_bytes, run->emulation_failure.insn_bytes,
			 15);

	emulation_failure(3, KVM_INTERNAL_ERROR_EMULATION_FLAG_INSTRUCTION_BYTES, 2);
	ck_assert_int_eq(decode_rc(0), 0);
	ck_assert_uint_eq(exit_reason.internal_error.insn_size, 2);
	ck_assert_uint_eq(exit_reason.internal_error.insn_bytes[2], 0);
}
END_TEST

START_TEST(a_failed_emulation_has_no_bytes_where_kvm_gave_none)
{
	emulation_failure(2, KVM_INTERNAL_ERROR_EMULATION_FLAG_INSTRUCTION_BYTES, 4);
	ck_assert_int_eq(decode_rc(0), 0);
	ck_assert_uint_eq(exit_reason.internal_error.insn_size, 0);
	emulation_failure(3, 0, 4);
	ck_assert_int_eq(decode_rc(0), 0);
	ck_assert_uint_eq(exit_reason.internal_error.insn_size, 0);
	emulation_failure(0, KVM_INTERNAL_ERROR_EMULATION_FLAG_INSTRUCTION_BYTES, 4);
	ck_assert_int_eq(decode_rc(0), 0);
	ck_assert_uint_eq(exit_reason.internal_error.ndata, 0);
	ck_assert_uint_eq(exit_reason.internal_error.insn_size, 0);
}
END_TEST

START_TEST(an_internal_error_is_cut_to_what_fits)
{
	emulation_failure(UINT32_MAX, KVM_INTERNAL_ERROR_EMULATION_FLAG_INSTRUCTION_BYTES, 255);
	ck_assert_int_eq(decode_rc(0), 0);
	ck_assert_uint_eq(exit_reason.internal_error.ndata, 8);
	ck_assert_uint_eq(exit_reason.internal_error.insn_size, AX_INSN_MAX);
}
END_TEST

START_TEST(a_memory_fault_carries_address_size_and_flags)
{
	struct sys_memory_fault *fault = (struct sys_memory_fault *)&run->hw;
	static const int rcs[] = { 0, -EFAULT, -EHWPOISON };

	fresh_run(KVM_EXIT_MEMORY_FAULT);
	fault->gpa = 0xfffffffffffff000;
	fault->size = 0x1000;
	fault->flags = SYS_MEMORY_FAULT_PRIVATE | AX_MAP_WRITE;
	ck_assert_int_eq(decode_rc(rcs[_i]), 0);
	ck_assert_uint_eq(exit_reason.kind, AX_EXIT_NESTED_PAGE_FAULT);
	ck_assert(exit_reason.nested_page_fault.addr_known);
	ck_assert_uint_eq(exit_reason.nested_page_fault.addr, 0xfffffffffffff000);
	ck_assert_uint_eq(exit_reason.nested_page_fault.size, 0x1000);
	ck_assert_uint_eq(exit_reason.nested_page_fault.flags,
			  SYS_MEMORY_FAULT_PRIVATE | AX_MAP_WRITE);
	ck_assert_uint_eq(exit_reason.nested_page_fault.access_flags, AX_MAP_WRITE);
}
END_TEST

START_TEST(a_fault_of_which_kvm_says_nothing_has_no_address)
{
	static const int rcs[] = { -EFAULT, -EHWPOISON };

	fresh_run(KVM_EXIT_MMIO); /* stale */
	ck_assert_int_eq(decode_rc(rcs[_i]), 0);
	ck_assert_uint_eq(exit_reason.kind, AX_EXIT_NESTED_PAGE_FAULT);
	ck_assert(!exit_reason.nested_page_fault.addr_known);
	ck_assert_uint_eq(exit_reason.nested_page_fault.addr, 0);
	ck_assert_uint_eq(exit_reason.nested_page_fault.size, 0);
	ck_assert_uint_eq(exit_reason.nested_page_fault.access_flags, 0);
	ck_assert_uint_eq(exit_reason.nested_page_fault.flags, 0);
	ck_assert_uint_eq(flags, 0);
}
END_TEST

static const int guest_errnos[] = { ENOSYS, EOPNOTSUPP, EIO };

START_TEST(an_errno_that_the_guest_causes_is_an_internal_error)
{
	fresh_run(KVM_EXIT_MMIO);
	ck_assert_int_eq(decode_rc(-guest_errnos[_i]), 0);
	ck_assert_uint_eq(exit_reason.kind, AX_EXIT_INTERNAL_ERROR);
	ck_assert_uint_eq(exit_reason.internal_error.suberror, AX_SUBERROR_ERRNO);
	ck_assert_uint_eq(exit_reason.internal_error.ndata, 1);
	ck_assert_uint_eq(exit_reason.internal_error.data[0], (uint64_t)guest_errnos[_i]);
	ck_assert_uint_eq(exit_reason.internal_error.insn_size, 0);
}
END_TEST

START_TEST(try_again_is_nothing)
{
	fresh_run(KVM_EXIT_MMIO);
	ck_assert_int_eq(decode_rc(-EAGAIN), 0);
	ck_assert_uint_eq(exit_reason.kind, AX_EXIT_NOTHING);
	ck_assert_uint_eq(flags, 0);
}
END_TEST

static const int host_errnos[] = { ENOMEM, EBADF, ENOEXEC, EPERM, EINVAL, ENOTTY, EBUSY, ENODEV };

START_TEST(an_errno_of_the_hosts_is_no_exit)
{
	fresh_run(KVM_EXIT_MMIO);
	ck_assert_int_eq(decode_rc(-host_errnos[_i]), -host_errnos[_i]);
}
END_TEST

START_TEST(an_unknown_exit_keeps_the_hardwares_reason)
{
	fresh_run(KVM_EXIT_UNKNOWN);
	run->hw.hardware_exit_reason = 0x123456789a;
	ck_assert_int_eq(decode_rc(0), 0);
	ck_assert_uint_eq(exit_reason.kind, AX_EXIT_UNSUPPORTED);
	ck_assert_uint_eq(exit_reason.unsupported.raw, KVM_EXIT_UNKNOWN);
	ck_assert_uint_eq(exit_reason.unsupported.flags, 0x1234);
	ck_assert_uint_eq(exit_reason.unsupported.detail, 0x123456789a);
}
END_TEST

/*
 * All of KVM's numbers, up to 60, and what each becomes when kvm_run holds sane lengths. A number
 * that gets a row, or a row that changes its kind, has to come by here. -1: a number that KVM has
 * not given to anything yet.
 */
static const struct {
	uint32_t reason;
	uint32_t kind;
} walk[] = {
	{ KVM_EXIT_UNKNOWN, AX_EXIT_UNSUPPORTED },
	{ KVM_EXIT_EXCEPTION, AX_EXIT_UNSUPPORTED },
	{ KVM_EXIT_IO, AX_EXIT_IO_WRITE },
	{ KVM_EXIT_HYPERCALL, AX_EXIT_HYPERCALL },
	{ KVM_EXIT_DEBUG, AX_EXIT_DEBUG },
	{ KVM_EXIT_HLT, AX_EXIT_HALT },
	{ KVM_EXIT_MMIO, AX_EXIT_MMIO_WRITE },
	{ KVM_EXIT_IRQ_WINDOW_OPEN, AX_EXIT_NOTHING },
	{ KVM_EXIT_SHUTDOWN, AX_EXIT_SYSTEM_DOWN },
	{ KVM_EXIT_FAIL_ENTRY, AX_EXIT_FAIL_ENTRY },
	{ KVM_EXIT_INTR, AX_EXIT_NOTHING },
	{ KVM_EXIT_SET_TPR, AX_EXIT_NOTHING },
	{ KVM_EXIT_TPR_ACCESS, AX_EXIT_UNSUPPORTED },
	{ KVM_EXIT_S390_SIEIC, AX_EXIT_UNSUPPORTED },
	{ KVM_EXIT_S390_RESET, AX_EXIT_UNSUPPORTED },
	{ KVM_EXIT_DCR, AX_EXIT_UNSUPPORTED },
	{ KVM_EXIT_NMI, AX_EXIT_UNSUPPORTED },
	{ KVM_EXIT_INTERNAL_ERROR, AX_EXIT_INTERNAL_ERROR },
	{ KVM_EXIT_OSI, AX_EXIT_UNSUPPORTED },
	{ KVM_EXIT_PAPR_HCALL, AX_EXIT_UNSUPPORTED },
	{ KVM_EXIT_S390_UCONTROL, AX_EXIT_UNSUPPORTED },
	{ KVM_EXIT_WATCHDOG, AX_EXIT_UNSUPPORTED },
	{ KVM_EXIT_S390_TSCH, AX_EXIT_UNSUPPORTED },
	{ KVM_EXIT_EPR, AX_EXIT_UNSUPPORTED },
	{ KVM_EXIT_SYSTEM_EVENT, AX_EXIT_SYSTEM_DOWN },
	{ KVM_EXIT_S390_STSI, AX_EXIT_UNSUPPORTED },
	{ KVM_EXIT_IOAPIC_EOI, AX_EXIT_IRQ_EOI },
	{ KVM_EXIT_HYPERV, AX_EXIT_UNSUPPORTED },
	{ KVM_EXIT_ARM_NISV, AX_EXIT_UNSUPPORTED },
	{ KVM_EXIT_X86_RDMSR, AX_EXIT_SYS_REG_READ },
	{ KVM_EXIT_X86_WRMSR, AX_EXIT_SYS_REG_WRITE },
	{ KVM_EXIT_DIRTY_RING_FULL, AX_EXIT_UNSUPPORTED },
	{ KVM_EXIT_AP_RESET_HOLD, AX_EXIT_UNSUPPORTED },
	{ KVM_EXIT_X86_BUS_LOCK, AX_EXIT_UNSUPPORTED },
	{ KVM_EXIT_XEN, AX_EXIT_HYPERCALL },
	{ KVM_EXIT_RISCV_SBI, AX_EXIT_HYPERCALL },
	{ KVM_EXIT_RISCV_CSR, AX_EXIT_SYS_REG_WRITE },
	{ KVM_EXIT_NOTIFY, AX_EXIT_UNSUPPORTED },
	{ KVM_EXIT_LOONGARCH_IOCSR, AX_EXIT_UNSUPPORTED },
	{ KVM_EXIT_MEMORY_FAULT, AX_EXIT_NESTED_PAGE_FAULT },
	{ KVM_EXIT_TDX, AX_EXIT_UNSUPPORTED },
};

/* Lengths that hold, for every exit that has some. */
static void make_sane(uint32_t reason)
{
	if (reason == KVM_EXIT_IO) {
		run->io.direction = KVM_EXIT_IO_OUT;
		run->io.size = 1;
		run->io.count = 1;
		run->io.data_offset = 4096;
	} else if (reason == KVM_EXIT_MMIO) {
		run->mmio.len = 8;
		run->mmio.is_write = 1;
	} else if (reason == KVM_EXIT_XEN) {
		run->xen.type = KVM_EXIT_XEN_HCALL;
	}
}

START_TEST(each_of_kvms_exits_has_a_row_and_no_other_number_has)
{
	for (uint32_t reason = 0; reason <= 60; reason++) {
		fresh_run(reason);
		make_sane(reason);
		ck_assert_int_eq(decode_rc(0), 0);
		if (reason < COUNT(walk)) {
			ck_assert_uint_eq(walk[reason].reason, reason);
			ck_assert_msg(exit_reason.kind == walk[reason].kind, "exit %u became %s",
				      reason, ax_exit_name(exit_reason.kind));
		} else {
			ck_assert_uint_eq(exit_reason.kind, AX_EXIT_UNSUPPORTED);
		}
		if (exit_reason.kind != AX_EXIT_UNSUPPORTED)
			continue;
		/* Nothing is swallowed. */
		ck_assert_uint_eq(exit_reason.unsupported.raw, reason);
		ck_assert_uint_eq(exit_reason.unsupported.flags, 0x1234);
	}
	ck_assert_uint_eq(exit_last_row + 1, COUNT(walk));
}
END_TEST

START_TEST(numbers_far_beyond_the_table_are_unsupported)
{
	static const uint32_t far[] = { 61, 255, 0x7fffffff, 0x80000000, UINT32_MAX };

	fresh_run(far[_i]);
	ck_assert_int_eq(decode_rc(0), 0);
	ck_assert_uint_eq(exit_reason.kind, AX_EXIT_UNSUPPORTED);
	ck_assert_uint_eq(exit_reason.unsupported.raw, far[_i]);
}
END_TEST

/* Access widths. */

START_TEST(a_width_comes_from_the_sizes_1_2_4_and_8_and_no_other)
{
	static const size_t others[] = { 0,	  3, 5, 6, 7, 9, 16, 32, 0x100000001, SIZE_MAX / 2,
					 SIZE_MAX };
	AxAccessWidth width;

	for (unsigned i = 0; i < 4; i++) {
		ck_assert(ax_access_width_from_size((size_t)1 << i, &width));
		ck_assert_uint_eq(width, i);
	}
	for (unsigned i = 0; i < COUNT(others); i++) {
		width = AX_WIDTH_WORD;
		ck_assert(!ax_access_width_from_size(others[i], &width));
		ck_assert_uint_eq(width, AX_WIDTH_WORD);
	}
}
END_TEST

START_TEST(a_width_has_size_bits_and_mask)
{
	static const uint64_t masks[] = { 0xff, 0xffff, 0xffffffff, UINT64_MAX };

	ck_assert_uint_eq(ax_access_width_size((AxAccessWidth)_i), 1u << _i);
	ck_assert_uint_eq(ax_access_width_bits((AxAccessWidth)_i), 8u << _i);
	ck_assert_uint_eq(ax_access_width_mask((AxAccessWidth)_i), masks[_i]);
}
END_TEST

static void add_tests(TCase *cases)
{
	tcase_add_loop_test(cases, an_internal_error_carries_suberror_and_data, 0,
			    COUNT(suberrors));
	tcase_add_test(cases, a_failed_emulation_carries_the_instructions_bytes);
	tcase_add_test(cases, a_failed_emulation_has_no_bytes_where_kvm_gave_none);
	tcase_add_test(cases, an_internal_error_is_cut_to_what_fits);
	tcase_add_loop_test(cases, a_memory_fault_carries_address_size_and_flags, 0, 3);
	tcase_add_loop_test(cases, a_fault_of_which_kvm_says_nothing_has_no_address, 0, 2);
	tcase_add_loop_test(cases, an_errno_that_the_guest_causes_is_an_internal_error, 0,
			    COUNT(guest_errnos));
	tcase_add_test(cases, try_again_is_nothing);
	tcase_add_loop_test(cases, an_errno_of_the_hosts_is_no_exit, 0, COUNT(host_errnos));
	tcase_add_test(cases, an_unknown_exit_keeps_the_hardwares_reason);
	tcase_add_test(cases, each_of_kvms_exits_has_a_row_and_no_other_number_has);
	tcase_add_loop_test(cases, numbers_far_beyond_the_table_are_unsupported, 0, 5);
	tcase_add_test(cases, a_width_comes_from_the_sizes_1_2_4_and_8_and_no_other);
	tcase_add_loop_test(cases, a_width_has_size_bits_and_mask, 0, 4);
}

RUN_SUITE("exit errors", add_tests)
