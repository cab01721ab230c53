/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Breakpoints and single-step, and memory as the guest sees it.
 */
#include <axvmm/debug.h>

#include "tests/unit/run_fixture.h"

static AxVm *vm;
static AxVCpu *vcpu;

static void begin(void)
{
	vm = new_vm(AX_IRQCHIP_NONE);
	vcpu = ready_vcpu(vm, 0);
}

START_TEST(breakpoints_are_hardware_breakpoints_on_execution)
{
	const uint64_t addresses[] = { 0x1000, 0xffffffff80000000, 3, 4 };
	const struct kvm_guest_debug *debug;
	/* Global enable of breakpoint 0, 1, 2 and 3, beside bit 10. */
	static const uint64_t dr7[] = { 0x400, 0x402, 0x40a, 0x42a, 0x4aa };
	size_t count = (size_t)_i;

	begin();
	ck_assert_int_eq(ax_vcpu_set_debug(vcpu, false, addresses, count, NULL), 0);
	debug = FAKE_ARG(struct kvm_guest_debug, KVM_SET_GUEST_DEBUG, 0);
	ck_assert_uint_eq(debug->control, count ? KVM_GUESTDBG_ENABLE | KVM_GUESTDBG_USE_HW_BP : 0);
	ck_assert_uint_eq(debug->arch.debugreg[7], dr7[count]);
	for (size_t i = 0; i < 4; i++)
		ck_assert_uint_eq(debug->arch.debugreg[i], i < count ? addresses[i] : 0);
	ax_vm_destroy(vm);
}
END_TEST

START_TEST(single_step_may_go_with_breakpoints)
{
	const uint64_t address = 0x1000;

	begin();
	ck_assert_int_eq(ax_vcpu_set_debug(vcpu, true, NULL, 0, NULL), 0);
	ck_assert_uint_eq(FAKE_ARG(struct kvm_guest_debug, KVM_SET_GUEST_DEBUG, 0)->control,
			  KVM_GUESTDBG_ENABLE | KVM_GUESTDBG_SINGLESTEP);
	ck_assert_int_eq(ax_vcpu_set_debug(vcpu, true, &address, 1, NULL), 0);
	ck_assert_uint_eq(FAKE_ARG(struct kvm_guest_debug, KVM_SET_GUEST_DEBUG, 1)->control,
			  KVM_GUESTDBG_ENABLE | KVM_GUESTDBG_SINGLESTEP | KVM_GUESTDBG_USE_HW_BP);
	ax_vm_destroy(vm);
}
END_TEST

START_TEST(a_breakpoint_given_back_leaves_the_debuggers_where_they_are)
{
	AxDebugPoint point = { .address = 0x1000 };
	AxVCpuExitReason exit = { .kind = AX_EXIT_DEBUG, .debug.exception = 3 };
	const struct kvm_guest_debug *request;
	AxDebug debug = AX_DEBUG_INIT;

	begin();
	debug.points = &point;
	debug.count = 1;
	debug.flags = AX_DEBUG_BREAKPOINTS;
	ck_assert_int_eq(ax_vcpu_debug(vcpu, &debug, NULL), 0);
	ck_assert_int_eq(ax_vcpu_give_breakpoint(vcpu, &exit, NULL), 0);
	request = FAKE_ARG(struct kvm_guest_debug, KVM_SET_GUEST_DEBUG, 1);
	ck_assert_uint_eq(request->control, KVM_GUESTDBG_ENABLE | KVM_GUESTDBG_USE_SW_BP |
						    KVM_GUESTDBG_USE_HW_BP |
						    KVM_GUESTDBG_INJECT_BP);
	ck_assert_uint_eq(request->arch.debugreg[0], 0x1000);
	ck_assert_uint_eq(request->arch.debugreg[7], 0x402);
	/* Once. */
	ck_assert_int_eq(ax_vcpu_debug(vcpu, &debug, NULL), 0);
	ck_assert_uint_eq(FAKE_ARG(struct kvm_guest_debug, KVM_SET_GUEST_DEBUG, 2)->control,
			  KVM_GUESTDBG_ENABLE | KVM_GUESTDBG_USE_SW_BP | KVM_GUESTDBG_USE_HW_BP);
	ax_vm_destroy(vm);
}
END_TEST

START_TEST(a_fifth_breakpoint_is_one_too_many)
{
	const uint64_t addresses[5] = { 0 };
	AxError err;

	begin();
	ck_assert_fails(ax_vcpu_set_debug(vcpu, false, addresses, 5, &err), -EINVAL,
			AX_ERROR_ARGUMENT, "5 hardware breakpoints: at most 4");
	ck_assert_uint_eq(fake_calls(KVM_SET_GUEST_DEBUG), 0);
	ax_vm_destroy(vm);
}
END_TEST

START_TEST(a_debug_exit_says_where_and_why)
{
	struct kvm_run run = { .exit_reason = KVM_EXIT_DEBUG };
	AxVCpuExitReason exit;

	begin();
	run.debug.arch.pc = 0x1234;
	run.debug.arch.dr6 = 0xffff4ff0;
	run.debug.arch.dr7 = 0x402;
	run.debug.arch.exception = 1;
	fake_push_run(0, &run);
	ck_assert_int_eq(ax_vcpu_run(vcpu, &exit, NULL), 0);
	ck_assert_uint_eq(exit.kind, AX_EXIT_DEBUG);
	ck_assert_uint_eq(exit.debug.pc, 0x1234);
	ck_assert_uint_eq(exit.debug.address, 0xffff4ff0);
	ck_assert_uint_eq(exit.debug.detail, 0x402);
	ck_assert_uint_eq(exit.debug.exception, 1);
	ax_vm_destroy(vm);
}
END_TEST

/* The fake maps each virtual address to the same physical one, where there is RAM. */

START_TEST(guest_memory_is_read_page_by_page_up_to_the_first_that_is_missing)
{
	uint8_t written[0x2000], read[0x2000];

	begin();
	ck_assert_int_eq(ax_ram_add(vm, 0x4000, 0x1000, 0, NULL), 0);
	ck_assert_int_eq(ax_ram_add(vm, 0x5000, 0x1000, 0, NULL), 0);
	for (unsigned i = 0; i < sizeof(written); i++)
		written[i] = (uint8_t)(i * 7 + i / 256);
	ck_assert_int_eq(ax_mem_write(vm, 0x4000, written, sizeof(written)), 0);
	ck_assert_int_eq(ax_vcpu_read_virtual(vcpu, 0x4000, read, sizeof(read), NULL), 0x2000);
	ck_assert_mem_eq(read, written, sizeof(read));
	ck_assert_int_eq(ax_vcpu_read_virtual(vcpu, 0x4ffe, read, 4, NULL), 4);
	ck_assert_mem_eq(read, written + 0xffe, 4);
	ck_assert_int_eq(ax_vcpu_read_virtual(vcpu, 0x5ffe, read, 4, NULL), 2);
	ck_assert_mem_eq(read, written + 0x1ffe, 2);
	ck_assert_int_eq(ax_vcpu_read_virtual(vcpu, 0x5000, read, SIZE_MAX, NULL), 0x1000);
	ax_vm_destroy(vm);
}
END_TEST

START_TEST(an_address_that_is_not_mapped_cannot_be_read)
{
	uint8_t byte;
	AxError err;

	begin();
	ck_assert_fails(ax_vcpu_read_virtual(vcpu, 0x4000, &byte, 1, &err), -EFAULT,
			AX_ERROR_ARGUMENT, "virtual address 0x4000");
	ck_assert_int_eq(ax_vcpu_read_virtual(vcpu, UINT64_MAX, &byte, 1, &err), -EFAULT);
	/* Nothing can be read everywhere. */
	ck_assert_int_eq(ax_vcpu_read_virtual(vcpu, 0x4000, &byte, 0, &err), 0);
	ax_vm_destroy(vm);
}
END_TEST

START_TEST(memory_may_be_read_while_an_access_is_pending)
{
	AxVCpuExitReason exit;
	uint8_t byte;

	begin();
	ck_assert_int_eq(ax_ram_add(vm, 0, 0x1000, 0, NULL), 0);
	fake_push_mmio_read(0, 0x9000, 4);
	ck_assert_int_eq(ax_vcpu_run(vcpu, &exit, NULL), 0);
	ck_assert_int_eq(ax_vcpu_read_virtual(vcpu, 0, &byte, 1, NULL), 1);
	ax_vm_destroy(vm);
}
END_TEST

static void add_tests(TCase *cases)
{
	tcase_add_loop_test(cases, breakpoints_are_hardware_breakpoints_on_execution, 0, 5);
	tcase_add_test(cases, single_step_may_go_with_breakpoints);
	tcase_add_test(cases, a_breakpoint_given_back_leaves_the_debuggers_where_they_are);
	tcase_add_test(cases, a_fifth_breakpoint_is_one_too_many);
	tcase_add_test(cases, a_debug_exit_says_where_and_why);
	tcase_add_test(cases, guest_memory_is_read_page_by_page_up_to_the_first_that_is_missing);
	tcase_add_test(cases, an_address_that_is_not_mapped_cannot_be_read);
	tcase_add_test(cases, memory_may_be_read_while_an_access_is_pending);
}

RUN_SUITE("x86 debug", add_tests)
