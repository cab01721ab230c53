/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Decoding: every return of KVM_RUN to its AxVCpuExitReason, field by field.
 */
#include <stdio.h>

#include "core/exit.h"
#include "tests/unit/run_fixture.h"

#define RUN_SIZE  12288
#define PORT_DATA 4096

/* The shared pages, of the size that x86-64 has. */
static union {
	struct kvm_run run;
	uint8_t bytes[RUN_SIZE];
} page;
static struct kvm_run *const run = &page.run;

static AxVCpuExitReason exit_reason;
static unsigned flags;

static void fresh_run(uint32_t reason)
{
	memset(&page, 0xa5, sizeof(page)); /* what an exit does not fill is stale */
	run->exit_reason = reason;
	run->flags = 0;
}

static void decode(void)
{
	memset(&exit_reason, 0x5a, sizeof(exit_reason));
	flags = 0xdead;
	ck_assert_int_eq(exit_decode(0, run, RUN_SIZE, &exit_reason, &flags), 0);
	ck_assert_uint_eq(exit_reason.vcpu, 0x5a5a5a5a);
}

static void port_exit(uint8_t direction, uint8_t size, uint32_t count)
{
	fresh_run(KVM_EXIT_IO);
	run->io.direction = direction;
	run->io.size = size;
	run->io.port = 0x3f8;
	run->io.count = count;
	run->io.data_offset = PORT_DATA;
	memcpy(page.bytes + PORT_DATA, "\x11\x22\x33\x44\x55\x66\x77\x88", 8);
}

static const uint8_t port_sizes[] = { 1, 2, 4 };
static const uint64_t port_values[] = { 0x11, 0x2211, 0x44332211 };

START_TEST(port_output_carries_port_width_and_data)
{
	port_exit(KVM_EXIT_IO_OUT, port_sizes[_i], 1);
	decode();
	ck_assert_uint_eq(exit_reason.kind, AX_EXIT_IO_WRITE);
	ck_assert_uint_eq(exit_reason.io_write.port, 0x3f8);
	ck_assert_uint_eq(exit_reason.io_write.width, _i);
	ck_assert_uint_eq(exit_reason.io_write.count, 1);
	ck_assert_uint_eq(exit_reason.io_write.data, port_values[_i]);
	ck_assert_ptr_eq(exit_reason.io_write.bytes, page.bytes + PORT_DATA);
	ck_assert_uint_eq(flags, EXIT_FINISH);
}
END_TEST

START_TEST(port_input_carries_port_and_width)
{
	port_exit(KVM_EXIT_IO_IN, port_sizes[_i], 1);
	decode();
	ck_assert_uint_eq(exit_reason.kind, AX_EXIT_IO_READ);
	ck_assert_uint_eq(exit_reason.io_read.port, 0x3f8);
	ck_assert_uint_eq(exit_reason.io_read.width, _i);
	ck_assert_uint_eq(exit_reason.io_read.count, 1);
	ck_assert_ptr_eq(exit_reason.io_read.bytes, page.bytes + PORT_DATA);
}
END_TEST

START_TEST(string_output_carries_all_elements_and_the_first_as_data)
{
	port_exit(KVM_EXIT_IO_OUT, 2, 4);
	decode();
	ck_assert_uint_eq(exit_reason.io_write.count, 4);
	ck_assert_uint_eq(exit_reason.io_write.data, 0x2211);
	ck_assert_mem_eq(exit_reason.io_write.bytes, "\x11\x22\x33\x44\x55\x66\x77\x88", 8);
}
END_TEST

START_TEST(string_input_repeats_the_same_port)
{
	port_exit(KVM_EXIT_IO_IN, 4, 1024);
	decode();
	ck_assert_uint_eq(exit_reason.kind, AX_EXIT_IO_READ);
	ck_assert_uint_eq(exit_reason.io_read.port, 0x3f8);
	ck_assert_uint_eq(exit_reason.io_read.count, 1024);
	ck_assert_uint_eq(exit_reason.io_read.width, AX_WIDTH_DWORD);
}
END_TEST

/* What no kernel gives: {size, count, offset}. */
static const struct {
	uint8_t size;
	uint32_t count;
	uint64_t offset;
} insane_ports[] = {
	{ 0, 1, PORT_DATA },	      { 3, 1, PORT_DATA },
	{ 5, 1, PORT_DATA },	      { 8, 1, PORT_DATA },
	{ 255, 1, PORT_DATA },	      { 1, 0, PORT_DATA },
	{ 1, 1, RUN_SIZE },	      { 2, 1, RUN_SIZE - 1 },
	{ 1, 1, UINT64_MAX },	      { 4, 0x40000000, PORT_DATA },
	{ 4, UINT32_MAX, PORT_DATA }, { 1, RUN_SIZE - PORT_DATA + 1, PORT_DATA },
	{ 4, 1, 0xfffffffffffffffe },
};

START_TEST(a_port_exit_that_leaves_the_pages_or_has_no_width_is_unsupported)
{
	for (unsigned direction = 0; direction < 2; direction++) {
		port_exit((uint8_t)direction, insane_ports[_i].size, insane_ports[_i].count);
		run->io.data_offset = insane_ports[_i].offset;
		decode();
		ck_assert_uint_eq(exit_reason.kind, AX_EXIT_UNSUPPORTED);
		ck_assert_uint_eq(exit_reason.unsupported.raw, KVM_EXIT_IO);
		ck_assert_uint_eq(flags, 0);
	}
}
END_TEST

START_TEST(a_port_exit_may_fill_the_pages_to_the_last_byte)
{
	port_exit(KVM_EXIT_IO_OUT, 4, (RUN_SIZE - PORT_DATA) / 4);
	decode();
	ck_assert_uint_eq(exit_reason.kind, AX_EXIT_IO_WRITE);
	port_exit(KVM_EXIT_IO_OUT, 1, 1);
	run->io.data_offset = RUN_SIZE - 1;
	page.bytes[RUN_SIZE - 1] = 0x77;
	decode();
	ck_assert_uint_eq(exit_reason.io_write.data, 0x77);
}
END_TEST

static void mmio_exit(uint32_t len, bool is_write)
{
	fresh_run(KVM_EXIT_MMIO);
	run->mmio.phys_addr = 0xfe00000012345678;
	run->mmio.len = len;
	run->mmio.is_write = is_write;
	memcpy(run->mmio.data, "\x11\x22\x33\x44\x55\x66\x77\x88", 8);
}

/* 1 to 8 bytes, and the width under which they are told. */
static const uint32_t mmio_widths[] = {
	AX_WIDTH_BYTE, AX_WIDTH_WORD, AX_WIDTH_BYTE, AX_WIDTH_DWORD,
	AX_WIDTH_BYTE, AX_WIDTH_BYTE, AX_WIDTH_BYTE, AX_WIDTH_QWORD,
};

START_TEST(an_mmio_write_of_any_length_keeps_its_length_and_loses_no_byte)
{
	uint32_t len = (uint32_t)_i + 1;

	mmio_exit(len, true);
	decode();
	ck_assert_uint_eq(exit_reason.kind, AX_EXIT_MMIO_WRITE);
	ck_assert_uint_eq(exit_reason.mmio_write.addr, 0xfe00000012345678);
	ck_assert_uint_eq(exit_reason.mmio_write.len, len);
	ck_assert_uint_eq(exit_reason.mmio_write.width, mmio_widths[_i]);
	ck_assert_uint_eq(exit_reason.mmio_write.data,
			  0x8877665544332211 & (UINT64_MAX >> (64 - 8 * len)));
	ck_assert_uint_eq(flags, EXIT_FINISH);
}
END_TEST

START_TEST(an_mmio_read_of_any_length_keeps_its_length_and_knows_no_register)
{
	uint32_t len = (uint32_t)_i + 1;

	mmio_exit(len, false);
	decode();
	ck_assert_uint_eq(exit_reason.kind, AX_EXIT_MMIO_READ);
	ck_assert_uint_eq(exit_reason.mmio_read.addr, 0xfe00000012345678);
	ck_assert_uint_eq(exit_reason.mmio_read.len, len);
	ck_assert_uint_eq(exit_reason.mmio_read.width, mmio_widths[_i]);
	ck_assert_uint_eq(exit_reason.mmio_read.reg, AX_REG_UNKNOWN);
	ck_assert_uint_eq(exit_reason.mmio_read.reg_width, 0);
	ck_assert(!exit_reason.mmio_read.signed_ext);
}
END_TEST

static const uint32_t insane_mmio[] = { 0, 9, 16, 0x80000000, UINT32_MAX };

START_TEST(an_mmio_exit_of_no_or_too_many_bytes_is_unsupported)
{
	mmio_exit(insane_mmio[_i], _i & 1);
	decode();
	ck_assert_uint_eq(exit_reason.kind, AX_EXIT_UNSUPPORTED);
	ck_assert_uint_eq(exit_reason.unsupported.raw, KVM_EXIT_MMIO);
}
END_TEST

START_TEST(kvms_own_hypercall_carries_number_and_six_arguments)
{
	fresh_run(KVM_EXIT_HYPERCALL);
	run->hypercall.nr = 12;
	for (unsigned i = 0; i < 6; i++)
		run->hypercall.args[i] = 0x1111111111111111 * (i + 1);
	decode();
	ck_assert_uint_eq(exit_reason.kind, AX_EXIT_HYPERCALL);
	ck_assert_uint_eq(exit_reason.hypercall.nr, 12);
	ck_assert_uint_eq(exit_reason.hypercall.route, AX_ROUTE_KVM);
	ck_assert_uint_eq(exit_reason.hypercall.function, 0);
	ck_assert_uint_eq(exit_reason.hypercall.cpl, 0);
	ck_assert_uint_eq(exit_reason.hypercall.block, 0);
	for (unsigned i = 0; i < 6; i++)
		ck_assert_uint_eq(exit_reason.hypercall.args[i], 0x1111111111111111 * (i + 1));
	ck_assert_uint_eq(flags, EXIT_FINISH);
}
END_TEST

START_TEST(an_intercepted_hypercall_carries_its_callers_privilege_level)
{
	fresh_run(KVM_EXIT_XEN);
	run->xen.type = KVM_EXIT_XEN_HCALL;
	run->xen.u.hcall.longmode = 1;
	run->xen.u.hcall.cpl = 3;
	run->xen.u.hcall.input = 0xfedcba9876543210;
	for (unsigned i = 0; i < 6; i++)
		run->xen.u.hcall.params[i] = i + 100;
	decode();
	ck_assert_uint_eq(exit_reason.kind, AX_EXIT_HYPERCALL);
	ck_assert_uint_eq(exit_reason.hypercall.nr, 0xfedcba9876543210);
	ck_assert_uint_eq(exit_reason.hypercall.route, AX_ROUTE_XEN);
	ck_assert_uint_eq(exit_reason.hypercall.cpl, 3);
	for (unsigned i = 0; i < 6; i++)
		ck_assert_uint_eq(exit_reason.hypercall.args[i], i + 100);
}
END_TEST

START_TEST(another_kind_of_xen_exit_is_unsupported_and_says_which)
{
	fresh_run(KVM_EXIT_XEN);
	run->xen.type = 7;
	decode();
	ck_assert_uint_eq(exit_reason.kind, AX_EXIT_UNSUPPORTED);
	ck_assert_uint_eq(exit_reason.unsupported.raw, KVM_EXIT_XEN);
	ck_assert_uint_eq(exit_reason.unsupported.detail, 7);
}
END_TEST

START_TEST(an_sbi_call_carries_extension_function_and_arguments)
{
	fresh_run(KVM_EXIT_RISCV_SBI);
	run->riscv_sbi.extension_id = 0x08000001;
	run->riscv_sbi.function_id = 5;
	for (unsigned i = 0; i < 6; i++)
		run->riscv_sbi.args[i] = i + 7;
	decode();
	ck_assert_uint_eq(exit_reason.kind, AX_EXIT_HYPERCALL);
	ck_assert_uint_eq(exit_reason.hypercall.nr, 0x08000001);
	ck_assert_uint_eq(exit_reason.hypercall.function, 5);
	ck_assert_uint_eq(exit_reason.hypercall.route, AX_ROUTE_SBI);
	ck_assert_uint_eq(exit_reason.hypercall.args[5], 12);
}
END_TEST

START_TEST(a_csr_write_carries_value_and_mask)
{
	fresh_run(KVM_EXIT_RISCV_CSR);
	run->riscv_csr.csr_num = 0x15;
	run->riscv_csr.new_value = 0x1234;
	run->riscv_csr.write_mask = 0xff00;
	decode();
	ck_assert_uint_eq(exit_reason.kind, AX_EXIT_SYS_REG_WRITE);
	ck_assert_uint_eq(exit_reason.sys_reg_write.addr, 0x15);
	ck_assert_uint_eq(exit_reason.sys_reg_write.value, 0x1234);
	ck_assert_uint_eq(exit_reason.sys_reg_write.mask, 0xff00);
	ck_assert_uint_eq(exit_reason.sys_reg_write.reason, 0);
}
END_TEST

START_TEST(a_csr_access_that_writes_no_bit_is_a_read)
{
	fresh_run(KVM_EXIT_RISCV_CSR);
	run->riscv_csr.csr_num = 0x15;
	run->riscv_csr.write_mask = 0;
	decode();
	ck_assert_uint_eq(exit_reason.kind, AX_EXIT_SYS_REG_READ);
	ck_assert_uint_eq(exit_reason.sys_reg_read.addr, 0x15);
	ck_assert_uint_eq(exit_reason.sys_reg_read.reg, AX_REG_UNKNOWN);
}
END_TEST

static const uint32_t msr_reasons[] = { KVM_MSR_EXIT_REASON_INVAL, KVM_MSR_EXIT_REASON_UNKNOWN,
					KVM_MSR_EXIT_REASON_FILTER };

START_TEST(an_msr_read_carries_index_and_reason)
{
	fresh_run(KVM_EXIT_X86_RDMSR);
	run->msr.index = 0xc0000080;
	run->msr.reason = msr_reasons[_i];
	decode();
	ck_assert_uint_eq(exit_reason.kind, AX_EXIT_SYS_REG_READ);
	ck_assert_uint_eq(exit_reason.sys_reg_read.addr, 0xc0000080);
	ck_assert_uint_eq(exit_reason.sys_reg_read.reg, AX_REG_UNKNOWN);
	ck_assert_uint_eq(exit_reason.sys_reg_read.reason, msr_reasons[_i]);
}
END_TEST

START_TEST(an_msr_write_carries_all_of_its_value)
{
	fresh_run(KVM_EXIT_X86_WRMSR);
	run->msr.index = UINT32_MAX;
	run->msr.reason = msr_reasons[_i];
	run->msr.data = 0x8000000000000001;
	decode();
	ck_assert_uint_eq(exit_reason.kind, AX_EXIT_SYS_REG_WRITE);
	ck_assert_uint_eq(exit_reason.sys_reg_write.addr, UINT32_MAX);
	ck_assert_uint_eq(exit_reason.sys_reg_write.value, 0x8000000000000001);
	ck_assert_uint_eq(exit_reason.sys_reg_write.mask, UINT64_MAX);
	ck_assert_uint_eq(exit_reason.sys_reg_write.reason, msr_reasons[_i]);
}
END_TEST

START_TEST(a_debug_exit_leaves_its_details_to_the_architecture)
{
	fresh_run(KVM_EXIT_DEBUG);
	decode();
	ck_assert_uint_eq(exit_reason.kind, AX_EXIT_DEBUG);
	ck_assert_uint_eq(exit_reason.debug.pc, 0);
	ck_assert_uint_eq(flags, EXIT_FINISH);
}
END_TEST

START_TEST(a_halt_is_a_halt)
{
	fresh_run(KVM_EXIT_HLT);
	decode();
	ck_assert_uint_eq(exit_reason.kind, AX_EXIT_HALT);
	ck_assert_uint_eq(flags, 0);
}
END_TEST

/* Exits after which there is nothing to do but to go on, and whether the architecture looks. */
static const struct {
	uint32_t reason;
	unsigned flags;
} nothings[] = {
	{ KVM_EXIT_IRQ_WINDOW_OPEN, EXIT_FINISH },
	{ KVM_EXIT_SET_TPR, EXIT_FINISH },
	{ KVM_EXIT_INTR, 0 },
};

START_TEST(a_window_a_changed_priority_and_a_signal_are_nothing)
{
	fresh_run(nothings[_i].reason);
	decode();
	ck_assert_uint_eq(exit_reason.kind, AX_EXIT_NOTHING);
	ck_assert_uint_eq(flags, nothings[_i].flags);
}
END_TEST

START_TEST(a_shutdown_is_a_triple_fault)
{
	fresh_run(KVM_EXIT_SHUTDOWN);
	decode();
	ck_assert_uint_eq(exit_reason.kind, AX_EXIT_SYSTEM_DOWN);
	ck_assert_uint_eq(exit_reason.system_down.cause, AX_DOWN_TRIPLE_FAULT);
	ck_assert_uint_eq(exit_reason.system_down.type, 0);
	ck_assert_uint_eq(exit_reason.system_down.ndata, 0);
}
END_TEST

/* Every type that KVM has, and two that it has not. */
static const struct {
	uint32_t type;
	uint32_t cause;
} events[] = {
	{ KVM_SYSTEM_EVENT_SHUTDOWN, AX_DOWN_POWER_OFF },
	{ KVM_SYSTEM_EVENT_RESET, AX_DOWN_RESET },
	{ KVM_SYSTEM_EVENT_CRASH, AX_DOWN_CRASH },
	{ KVM_SYSTEM_EVENT_WAKEUP, AX_DOWN_WAKEUP },
	{ KVM_SYSTEM_EVENT_SUSPEND, AX_DOWN_SUSPEND },
	{ KVM_SYSTEM_EVENT_SEV_TERM, AX_DOWN_CONFIDENTIAL },
	{ KVM_SYSTEM_EVENT_TDX_FATAL, AX_DOWN_CONFIDENTIAL },
	{ 0, AX_DOWN_OTHER },
	{ 8, AX_DOWN_OTHER },
};

START_TEST(each_system_event_has_its_cause_and_keeps_type_and_data)
{
	fresh_run(KVM_EXIT_SYSTEM_EVENT);
	run->system_event.type = events[_i].type;
	run->system_event.ndata = 3;
	for (unsigned i = 0; i < 16; i++)
		run->system_event.data[i] = 0x100 + i;
	decode();
	ck_assert_uint_eq(exit_reason.kind, AX_EXIT_SYSTEM_DOWN);
	ck_assert_uint_eq(exit_reason.system_down.cause, events[_i].cause);
	ck_assert_uint_eq(exit_reason.system_down.type, events[_i].type);
	ck_assert_uint_eq(exit_reason.system_down.ndata, 3);
	for (unsigned i = 0; i < 8; i++)
		ck_assert_uint_eq(exit_reason.system_down.data[i], i < 3 ? 0x100 + i : 0);
}
END_TEST

START_TEST(a_system_event_has_at_most_eight_data)
{
	fresh_run(KVM_EXIT_SYSTEM_EVENT);
	run->system_event.type = KVM_SYSTEM_EVENT_CRASH;
	run->system_event.ndata = UINT32_MAX;
	decode();
	ck_assert_uint_eq(exit_reason.system_down.ndata, 8);
	ck_assert_uint_eq(exit_reason.system_down.data[7], run->system_event.data[7]);
}
END_TEST

START_TEST(a_failed_entry_keeps_the_hardwares_reason_and_the_cpu)
{
	fresh_run(KVM_EXIT_FAIL_ENTRY);
	run->fail_entry.hardware_entry_failure_reason = 0x80000021;
	run->fail_entry.cpu = 63;
	decode();
	ck_assert_uint_eq(exit_reason.kind, AX_EXIT_FAIL_ENTRY);
	ck_assert_uint_eq(exit_reason.fail_entry.hardware_entry_failure_reason, 0x80000021);
	ck_assert_uint_eq(exit_reason.fail_entry.cpu, 63);
}
END_TEST

START_TEST(an_eoi_carries_its_vector)
{
	fresh_run(KVM_EXIT_IOAPIC_EOI);
	run->eoi.vector = 0xfe;
	decode();
	ck_assert_uint_eq(exit_reason.kind, AX_EXIT_IRQ_EOI);
	ck_assert_uint_eq(exit_reason.irq_eoi.vector, 0xfe);
}
END_TEST

static void add_tests(TCase *cases)
{
	tcase_add_loop_test(cases, port_output_carries_port_width_and_data, 0, 3);
	tcase_add_loop_test(cases, port_input_carries_port_and_width, 0, 3);
	tcase_add_test(cases, string_output_carries_all_elements_and_the_first_as_data);
	tcase_add_test(cases, string_input_repeats_the_same_port);
	tcase_add_loop_test(cases, a_port_exit_that_leaves_the_pages_or_has_no_width_is_unsupported,
			    0, COUNT(insane_ports));
	tcase_add_test(cases, a_port_exit_may_fill_the_pages_to_the_last_byte);
	tcase_add_loop_test(cases, an_mmio_write_of_any_length_keeps_its_length_and_loses_no_byte,
			    0, 8);
	tcase_add_loop_test(
		cases, an_mmio_read_of_any_length_keeps_its_length_and_knows_no_register, 0, 8);
	tcase_add_loop_test(cases, an_mmio_exit_of_no_or_too_many_bytes_is_unsupported, 0,
			    COUNT(insane_mmio));
	tcase_add_test(cases, kvms_own_hypercall_carries_number_and_six_arguments);
	tcase_add_test(cases, an_intercepted_hypercall_carries_its_callers_privilege_level);
	tcase_add_test(cases, another_kind_of_xen_exit_is_unsupported_and_says_which);
	tcase_add_test(cases, an_sbi_call_carries_extension_function_and_arguments);
	tcase_add_test(cases, a_csr_write_carries_value_and_mask);
	tcase_add_test(cases, a_csr_access_that_writes_no_bit_is_a_read);
	tcase_add_loop_test(cases, an_msr_read_carries_index_and_reason, 0, 3);
	tcase_add_loop_test(cases, an_msr_write_carries_all_of_its_value, 0, 3);
	tcase_add_test(cases, a_debug_exit_leaves_its_details_to_the_architecture);
	tcase_add_test(cases, a_halt_is_a_halt);
	tcase_add_loop_test(cases, a_window_a_changed_priority_and_a_signal_are_nothing, 0,
			    COUNT(nothings));
	tcase_add_test(cases, a_shutdown_is_a_triple_fault);
	tcase_add_loop_test(cases, each_system_event_has_its_cause_and_keeps_type_and_data, 0,
			    COUNT(events));
	tcase_add_test(cases, a_system_event_has_at_most_eight_data);
	tcase_add_test(cases, a_failed_entry_keeps_the_hardwares_reason_and_the_cpu);
	tcase_add_test(cases, an_eoi_carries_its_vector);
}

RUN_SUITE("exit", add_tests)
