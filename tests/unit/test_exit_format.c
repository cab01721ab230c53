/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Exits in words: names, one line each, cut where the buffer ends.
 */
#include "tests/unit/run_fixture.h"

START_TEST(every_kind_has_a_name_of_its_own)
{
	for (unsigned i = 0; i < AX_EXIT_KINDS; i++) {
		ck_assert_ptr_nonnull(ax_exit_name(i));
		ck_assert_str_ne(ax_exit_name(i), "Invalid");
		for (unsigned j = 0; j < i; j++)
			ck_assert_str_ne(ax_exit_name(i), ax_exit_name(j));
	}
	ck_assert_str_eq(ax_exit_name(AX_EXIT_KINDS), "Invalid");
	ck_assert_str_eq(ax_exit_name(UINT32_MAX), "Invalid");
}
END_TEST

/* The seed's. */
static const struct {
	uint32_t kind;
	const char *name;
} seed_names[] = {
	{ AX_EXIT_HYPERCALL, "Hypercall" },
	{ AX_EXIT_MMIO_READ, "MmioRead" },
	{ AX_EXIT_MMIO_WRITE, "MmioWrite" },
	{ AX_EXIT_SYS_REG_READ, "SysRegRead" },
	{ AX_EXIT_SYS_REG_WRITE, "SysRegWrite" },
	{ AX_EXIT_IO_READ, "IoRead" },
	{ AX_EXIT_IO_WRITE, "IoWrite" },
	{ AX_EXIT_EXTERNAL_INTERRUPT, "ExternalInterrupt" },
	{ AX_EXIT_NESTED_PAGE_FAULT, "NestedPageFault" },
	{ AX_EXIT_HALT, "Halt" },
	{ AX_EXIT_CPU_UP, "CpuUp" },
	{ AX_EXIT_CPU_DOWN, "CpuDown" },
	{ AX_EXIT_SYSTEM_DOWN, "SystemDown" },
	{ AX_EXIT_NOTHING, "Nothing" },
	{ AX_EXIT_FAIL_ENTRY, "FailEntry" },
	{ AX_EXIT_SEND_IPI, "SendIPI" },
};

START_TEST(the_names_are_the_seeds)
{
	for (unsigned i = 0; i < COUNT(seed_names); i++)
		ck_assert_str_eq(ax_exit_name(seed_names[i].kind), seed_names[i].name);
}
END_TEST

START_TEST(every_down_cause_has_a_name_of_its_own)
{
	for (unsigned i = 0; i <= AX_DOWN_OTHER; i++)
		for (unsigned j = 0; j < i; j++)
			ck_assert_str_ne(ax_down_cause_name(i), ax_down_cause_name(j));
	ck_assert_str_eq(ax_down_cause_name(AX_DOWN_POWER_OFF), "power-off");
	ck_assert_str_eq(ax_down_cause_name(AX_DOWN_TRIPLE_FAULT), "triple-fault");
	ck_assert_str_eq(ax_down_cause_name(AX_DOWN_OTHER + 1), "invalid");
	ck_assert_str_eq(ax_down_cause_name(UINT32_MAX), "invalid");
}
END_TEST

#define KIND(value) .kind = (value), .vcpu = 3

static const struct {
	AxVCpuExitReason exit;
	const char *line;
} lines[] = {
	{ { KIND(AX_EXIT_NOTHING) }, "Nothing vcpu=3" },
	{ { KIND(AX_EXIT_HYPERCALL), .hypercall = { .nr = 12, .args = { 1, 2, 3, 4, 5, 0xf6 } } },
	  "Hypercall vcpu=3 nr=0xc args=0x1,0x2,0x3,0x4,0x5,0xf6 route=kvm" },
	{ { KIND(AX_EXIT_HYPERCALL), .hypercall = { .nr = 1, .route = AX_ROUTE_XEN, .cpl = 3 } },
	  "Hypercall vcpu=3 nr=0x1 args=0x0,0x0,0x0,0x0,0x0,0x0 route=xen cpl=3" },
	{ { KIND(AX_EXIT_HYPERCALL), .hypercall = { .nr = 1, .route = AX_ROUTE_BLOCK } },
	  "Hypercall vcpu=3 nr=0x1 args=0x0,0x0,0x0,0x0,0x0,0x0 route=block" },
	{ { KIND(AX_EXIT_HYPERCALL), .hypercall = { .nr = 1, .route = AX_ROUTE_SMCCC } },
	  "Hypercall vcpu=3 nr=0x1 args=0x0,0x0,0x0,0x0,0x0,0x0 route=smccc" },
	{ { KIND(AX_EXIT_HYPERCALL),
	    .hypercall = { .nr = 0x08000001, .function = 7, .route = AX_ROUTE_SBI } },
	  "Hypercall vcpu=3 nr=0x8000001 function=0x7 args=0x0,0x0,0x0,0x0,0x0,0x0 route=sbi" },
	{ { KIND(AX_EXIT_HYPERCALL), .hypercall = { .nr = 1, .route = 99 } },
	  "Hypercall vcpu=3 nr=0x1 args=0x0,0x0,0x0,0x0,0x0,0x0 route=invalid" },
	{ { KIND(AX_EXIT_MMIO_READ),
	    .mmio_read = { .addr = 0xfe000000, .width = 2, .len = 4, .reg = AX_REG_UNKNOWN } },
	  "MmioRead vcpu=3 addr=0xfe000000 bytes=4" },
	{ { KIND(AX_EXIT_MMIO_READ),
	    .mmio_read = { .addr = 0x10, .len = 2, .width = 1, .reg = 8, .reg_width = 3 } },
	  "MmioRead vcpu=3 addr=0x10 bytes=2 reg=8 reg-bytes=8" },
	{ { KIND(AX_EXIT_MMIO_READ),
	    .mmio_read = { .addr = 0x10, .len = 1, .reg_width = 2, .signed_ext = true } },
	  "MmioRead vcpu=3 addr=0x10 bytes=1 reg=0 reg-bytes=4 signed" },
	{ { KIND(AX_EXIT_MMIO_WRITE),
	    .mmio_write = { .addr = UINT64_MAX, .len = 3, .data = 0xabcdef } },
	  "MmioWrite vcpu=3 addr=0xffffffffffffffff bytes=3 data=0xabcdef" },
	{ { KIND(AX_EXIT_SYS_REG_READ), .sys_reg_read = { .addr = 0xc0000080 } },
	  "SysRegRead vcpu=3 addr=0xc0000080" },
	{ { KIND(AX_EXIT_SYS_REG_WRITE),
	    .sys_reg_write = { .addr = 0x10, .value = 0x20, .mask = UINT64_MAX } },
	  "SysRegWrite vcpu=3 addr=0x10 value=0x20" },
	{ { KIND(AX_EXIT_SYS_REG_WRITE),
	    .sys_reg_write = { .addr = 0x15, .value = 0x20, .mask = 0xf0 } },
	  "SysRegWrite vcpu=3 addr=0x15 value=0x20 mask=0xf0" },
	{ { KIND(AX_EXIT_IO_READ), .io_read = { .port = 0x60, .count = 1 } },
	  "IoRead vcpu=3 port=0x60 bytes=1" },
	{ { KIND(AX_EXIT_IO_READ), .io_read = { .port = 0x1f0, .width = 1, .count = 256 } },
	  "IoRead vcpu=3 port=0x1f0 bytes=2 count=256" },
	{ { KIND(AX_EXIT_IO_WRITE),
	    .io_write = { .port = 0xffff, .width = 2, .count = 1, .data = 0x12345678 } },
	  "IoWrite vcpu=3 port=0xffff bytes=4 data=0x12345678" },
	{ { KIND(AX_EXIT_EXTERNAL_INTERRUPT), .external_interrupt = { .vector = 255 } },
	  "ExternalInterrupt vcpu=3 vector=255" },
	{ { .kind = AX_EXIT_NESTED_PAGE_FAULT,
	    .vcpu = AX_PAGER_NO_VCPU,
	    .nested_page_fault = { .addr = 0x1000,
				   .addr_known = true,
				   .size = 0x1000,
				   .access_flags = AX_MAP_WRITE } },
	  "NestedPageFault vcpu=none addr=0x1000 size=0x1000 access=w" },
	{ { KIND(AX_EXIT_NESTED_PAGE_FAULT) },
	  "NestedPageFault vcpu=3 addr=unknown access=unknown" },
	{ { KIND(AX_EXIT_NESTED_PAGE_FAULT),
	    .nested_page_fault = { .addr = 0x1000,
				   .size = 0x1000,
				   .addr_known = true,
				   .access_flags = AX_MAP_READ | AX_MAP_WRITE | AX_MAP_EXECUTE,
				   .flags = 15 } },
	  "NestedPageFault vcpu=3 addr=0x1000 size=0x1000 access=rwx flags=0xf" },
	{ { KIND(AX_EXIT_NESTED_PAGE_FAULT),
	    .nested_page_fault = { .access_flags = AX_MAP_WRITE } },
	  "NestedPageFault vcpu=3 addr=unknown access=w" },
	{ { KIND(AX_EXIT_HALT) }, "Halt vcpu=3" },
	{ { KIND(AX_EXIT_CPU_UP), .cpu_up = { .target_cpu = 1, .entry_point = 0x9000, .arg = 5 } },
	  "CpuUp vcpu=3 target=0x1 entry=0x9000 arg=0x5" },
	{ { KIND(AX_EXIT_CPU_DOWN), .cpu_down = { .state = 0x10000 } },
	  "CpuDown vcpu=3 state=0x10000" },
	{ { KIND(AX_EXIT_SYSTEM_DOWN), .system_down = { .cause = AX_DOWN_TRIPLE_FAULT } },
	  "SystemDown vcpu=3 cause=triple-fault" },
	{ { KIND(AX_EXIT_SYSTEM_DOWN),
	    .system_down = { .cause = AX_DOWN_RESET, .type = 2, .ndata = 2, .data = { 1, 0x20 } } },
	  "SystemDown vcpu=3 cause=reset type=2 data=0x1,0x20" },
	{ { KIND(AX_EXIT_SYSTEM_DOWN),
	    .system_down = { .cause = AX_DOWN_CRASH, .type = 3, .ndata = UINT32_MAX } },
	  "SystemDown vcpu=3 cause=crash type=3 data=0x0,0x0,0x0,0x0,0x0,0x0,0x0,0x0" },
	{ { KIND(AX_EXIT_FAIL_ENTRY),
	    .fail_entry = { .hardware_entry_failure_reason = 0x80000021, .cpu = 1 } },
	  "FailEntry vcpu=3 hardware_entry_failure_reason=0x80000021 host-cpu=1" },
	{ { KIND(AX_EXIT_FAIL_ENTRY),
	    .fail_entry = { .hardware_entry_failure_reason = UINT64_MAX, .cpu = UINT32_MAX } },
	  "FailEntry vcpu=3 hardware_entry_failure_reason=0xffffffffffffffff" },
	{ { KIND(AX_EXIT_SEND_IPI), .send_ipi = { .target_cpu = 2, .vector = 0x30 } },
	  "SendIPI vcpu=3 target=0x2 mode=fixed vector=0x30" },
	{ { KIND(AX_EXIT_SEND_IPI),
	    .send_ipi = { .target_cpu = 2, .logical = true, .mode = AX_IPI_LOWEST, .vector = 1 } },
	  "SendIPI vcpu=3 target=0x2 (logical) mode=lowest vector=0x1" },
	{ { KIND(AX_EXIT_SEND_IPI),
	    .send_ipi = { .send_to_all = true, .send_to_self = true, .mode = AX_IPI_NMI } },
	  "SendIPI vcpu=3 target=all mode=NMI vector=0x0" },
	{ { KIND(AX_EXIT_SEND_IPI), .send_ipi = { .send_to_all = true, .mode = AX_IPI_INIT } },
	  "SendIPI vcpu=3 target=others mode=INIT vector=0x0" },
	{ { KIND(AX_EXIT_SEND_IPI), .send_ipi = { .send_to_self = true, .mode = AX_IPI_SMI } },
	  "SendIPI vcpu=3 target=self mode=SMI vector=0x0" },
	{ { KIND(AX_EXIT_SEND_IPI), .send_ipi = { .send_to_self = true, .mode = 7 } },
	  "SendIPI vcpu=3 target=self mode=invalid vector=0x0" },
	{ { KIND(AX_EXIT_INTERNAL_ERROR),
	    .internal_error = { .suberror = 1,
				.ndata = 4,
				.data = { 4, 5, 6, 7 },
				.insn_size = 3,
				.insn_bytes = { 0x0f, 0xae, 0x01 } } },
	  "InternalError vcpu=3 suberror=1 insn=0f ae 01" },
	{ { KIND(AX_EXIT_INTERNAL_ERROR),
	    .internal_error = { .suberror = 3, .ndata = 2, .data = { 0x80000b0e, 0x31 } } },
	  "InternalError vcpu=3 suberror=3 data=0x80000b0e,0x31" },
	{ { KIND(AX_EXIT_INTERNAL_ERROR),
	    .internal_error = { .suberror = AX_SUBERROR_ERRNO, .ndata = 1, .data = { 38 } } },
	  "InternalError vcpu=3 errno=38" },
	{ { KIND(AX_EXIT_INTERNAL_ERROR), .internal_error = { .suberror = 1, .insn_size = 255 } },
	  "InternalError vcpu=3 suberror=1 insn=00 00 00 00 00 00 00 00 00 00 00 00 00 00 00" },
	{ { KIND(AX_EXIT_DEBUG),
	    .debug = { .pc = 0x1000, .address = 1, .detail = 2, .exception = 1 } },
	  "Debug vcpu=3 pc=0x1000 exception=1 address=0x1 detail=0x2" },
	{ { KIND(AX_EXIT_DEBUG), .debug = { .pc = 0x1000 } },
	  "Debug vcpu=3 pc=0x1000 address=0x0 detail=0x0" },
	{ { KIND(AX_EXIT_IRQ_EOI), .irq_eoi = { .vector = 0x31 } }, "IrqEoi vcpu=3 vector=0x31" },
	{ { KIND(AX_EXIT_UNSUPPORTED), .unsupported = { .raw = 38, .flags = 1, .detail = 0x55 } },
	  "Unsupported vcpu=3 kvm-exit=38 flags=0x1 detail=0x55" },
	{ { KIND(AX_EXIT_KINDS) }, "Invalid vcpu=3" },
};

START_TEST(an_exit_is_one_line)
{
	char buffer[256];

	ck_assert_uint_eq(ax_exit_format(&lines[_i].exit, buffer, sizeof(buffer)),
			  strlen(lines[_i].line));
	ck_assert_str_eq(buffer, lines[_i].line);
}
END_TEST

START_TEST(every_kind_is_formatted_by_some_test)
{
	bool seen[AX_EXIT_KINDS] = { false };

	for (unsigned i = 0; i < COUNT(lines); i++)
		if (lines[i].exit.kind < AX_EXIT_KINDS)
			seen[lines[i].exit.kind] = true;
	for (unsigned i = 0; i < AX_EXIT_KINDS; i++)
		ck_assert_msg(seen[i], "no line for %s", ax_exit_name(i));
}
END_TEST

START_TEST(a_line_is_cut_at_any_size_and_says_how_long_it_is)
{
	const char *line = lines[_i].line;
	size_t len = strlen(line);
	char buffer[260];

	for (size_t size = 1; size <= len + 2; size++) {
		size_t kept = size - 1 < len ? size - 1 : len;

		memset(buffer, '#', sizeof(buffer));
		ck_assert_uint_eq(ax_exit_format(&lines[_i].exit, buffer, size), len);
		ck_assert_mem_eq(buffer, line, kept);
		ck_assert_int_eq(buffer[kept], '\0');
		ck_assert_int_eq(buffer[size], '#');
	}
	ck_assert_uint_eq(ax_exit_format(&lines[_i].exit, NULL, 0), len);
}
END_TEST

static void add_tests(TCase *cases)
{
	tcase_add_test(cases, every_kind_has_a_name_of_its_own);
	tcase_add_test(cases, the_names_are_the_seeds);
	tcase_add_test(cases, every_down_cause_has_a_name_of_its_own);
	tcase_add_loop_test(cases, an_exit_is_one_line, 0, COUNT(lines));
	tcase_add_test(cases, every_kind_is_formatted_by_some_test);
	tcase_add_loop_test(cases, a_line_is_cut_at_any_size_and_says_how_long_it_is, 0,
			    COUNT(lines));
}

RUN_SUITE("exit format", add_tests)
