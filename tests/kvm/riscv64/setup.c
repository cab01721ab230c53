/* SPDX-License-Identifier: Apache-2.0 */
/*
 * How a hart begins, the first time and again; and the table of its registers.
 */
#include <errno.h>
#include <inttypes.h>
#include <string.h>

#include "code_riscv.h"

#define EXT_TIME  0x54494d45 /* SBI 2.0, 6 */
#define EXT_EXPER 0x08000001

#define READ_SIP 0x14402673 /* csrr a2, sip */
#define STIP	 (1 << 5)

static uint64_t get(AxVCpu *vcpu, const char *name)
{
	AxError err = AX_ERROR_INIT;
	uint64_t value;

	ck_ok(ax_vcpu_get_reg(vcpu, name, &value, &err), err);
	return value;
}

/* Everything but a0, a1, sp, pc, mode and what is KVM's own. */
static uint64_t after_reset(const char *name, uint64_t now)
{
	static const struct {
		const char *name;
		uint64_t value;
	} others[] = {
		{ "sp", 0x20000 },
		{ "a0", 0 },
		{ "a1", CODE_MAILBOX },
		{ "pc", CODE_START },
		{ "scounteren", 7 },
		{ "mode", 1 },
		{ "timer.compare", UINT64_MAX },
		{ "timer.state", 0 },
	};

	if (!strncmp(name, "isa", 3) || !strcmp(name, "timer.frequency") ||
	    !strcmp(name, "timer.time"))
		return now;
	for (unsigned i = 0; i < sizeof(others) / sizeof(others[0]); i++) {
		if (!strcmp(others[i].name, name))
			return others[i].value;
	}
	return 0;
}

static void check_reset(AxVCpu *vcpu)
{
	AxRegInfo info;

	for (unsigned i = 0; ax_reg_info(i, &info); i++) {
		uint64_t value = get(vcpu, info.name), expected = after_reset(info.name, value);

		/* sstatus of KVM's own reset has UXL, which can't be changed: bits 32 and 33. */
		if (!strcmp(info.name, "sstatus"))
			value &= ~(UINT64_C(3) << 32);
		ck_assert_msg(value == expected, "%s: 0x%" PRIx64 " instead of 0x%" PRIx64,
			      info.name, value, expected);
	}
}

START_TEST(hart_begins_as_after_reset_however_often)
{
	AxError err = AX_ERROR_INIT;
	struct code_vm vm;
	AxRegInfo info;

	code_open(&vm, NULL, CODE(spin));
	check_reset(vm.vcpu);
	for (unsigned i = 0; ax_reg_info(i, &info); i++) {
		/* What takes junk: the rest refuses, or is read-only. */
		if (info.settable)
			ax_vcpu_set_reg(vm.vcpu, info.name, 0x5a5a5a5a5a5a5a58, NULL);
	}
	ck_assert_uint_eq(get(vm.vcpu, "t6"), 0x5a5a5a5a5a5a5a58);
	ck_ok(ax_vcpu_inject_interrupt(vm.vcpu, 0, &err), err);
	code_restart(vm.vcpu);
	check_reset(vm.vcpu);
	code_close(&vm);
}
END_TEST

/* An answer that KVM still has to write down belongs to the earlier life. */
START_TEST(what_was_pending_does_not_reach_the_new_life)
{
	AxHypercallConfig config = AX_HYPERCALL_CONFIG_INIT;
	AxError err = AX_ERROR_INIT;
	AxVCpuExitReason exit;
	struct code_vm vm;

	code_open_vm(&vm, NULL, CODE(sbi));
	config.flags = AX_HYPERCALL_TRAP;
	ck_ok(ax_hypercall_set(vm.vm, &config, NULL, NULL, &err), err);
	code_add_vcpu(&vm, 0);
	code_set_word(&vm, 0, 1, EXT_EXPER);
	ck_ok(ax_vcpu_bind(vm.vcpu, AX_ANY_CPU, &err), err);
	ck_ok(ax_vcpu_run(vm.vcpu, &exit, &err), err);
	ck_exit_kind(&exit, AX_EXIT_HYPERCALL);
	ck_ok(ax_vcpu_set_return_value(vm.vcpu, 0x1234, &err), err);
	ck_ok(ax_vcpu_unbind(vm.vcpu, &err), err);
	code_restart(vm.vcpu);
	check_reset(vm.vcpu);
	ck_ok(ax_vcpu_bind(vm.vcpu, AX_ANY_CPU, &err), err);
	ck_ok(ax_vcpu_run(vm.vcpu, &exit, &err), err);
	ck_exit_kind(&exit, AX_EXIT_HYPERCALL);
	code_close(&vm);
}
END_TEST

/* _i: whether the hart is set up again after its timer has expired. */
START_TEST(timer_of_the_last_life_does_not_expire_in_the_next)
{
	const uint32_t read_sip = READ_SIP;
	AxError err = AX_ERROR_INIT;
	AxVCpuExitReason exit;
	struct code_vm vm;

	code_open(&vm, NULL, CODE(sbi));
	code_set_word(&vm, 0, 1, EXT_TIME);
	code_set_word(&vm, 0, 3, 0); /* now */
	ck_ok(ax_vcpu_bind(vm.vcpu, AX_ANY_CPU, &err), err);
	ck_ok(ax_vcpu_run(vm.vcpu, &exit, &err), err);
	ck_exit_kind(&exit, AX_EXIT_MMIO_WRITE);
	ck_assert_uint_eq(code_word(&vm, 0, 9), 0);
	ck_assert_int_eq(ax_vcpu_settle(vm.vcpu, &exit, &err), 0);

	ck_assert_int_eq(
		ax_mem_write(vm.vm, CODE_START, code_execute,
			     (uint64_t)((uintptr_t)code_execute_end - (uintptr_t)code_execute)),
		0);
	ck_assert_int_eq(
		ax_mem_write(vm.vm, CODE_START + code_execute_place, &read_sip, sizeof(read_sip)),
		0);
	if (_i) {
		ck_ok(ax_vcpu_unbind(vm.vcpu, &err), err);
		code_restart(vm.vcpu);
		ck_ok(ax_vcpu_bind(vm.vcpu, AX_ANY_CPU, &err), err);
	} else {
		ck_ok(ax_vcpu_set_entry(vm.vcpu, CODE_START, &err), err);
		ck_ok(ax_vcpu_set_reg(vm.vcpu, "a1", CODE_MAILBOX, &err), err);
	}
	ck_ok(ax_vcpu_run(vm.vcpu, &exit, &err), err);
	ck_exit_kind(&exit, AX_EXIT_MMIO_WRITE);
	ck_assert_uint_eq(code_word(&vm, 0, 4), 0);
	ck_assert_uint_eq(code_word(&vm, 0, 3), _i ? 0 : STIP);
	code_close(&vm);
}
END_TEST

START_TEST(set_up_that_makes_no_sense_changes_nothing)
{
	AxVCpuSetup setup = AX_VCPU_SETUP_INIT;
	AxError err = AX_ERROR_INIT;
	struct code_vm vm;

	code_open(&vm, NULL, CODE(spin));
	setup.entry = CODE_START + 1;
	ck_assert_int_eq(ax_vcpu_setup(vm.vcpu, &setup, &err), -EINVAL);
	setup.entry = 0x2000;
	setup.mode = AX_MODE_LONG;
	ck_assert_int_eq(ax_vcpu_setup(vm.vcpu, &setup, &err), -EINVAL);
	check_reset(vm.vcpu);
	ck_assert_int_eq(ax_vcpu_set_entry(vm.vcpu, 0x2001, &err), -EINVAL);
	ck_ok(ax_vcpu_set_entry(vm.vcpu, 0x2002, &err), err);
	ck_assert_uint_eq(get(vm.vcpu, "pc"), 0x2002);
	code_close(&vm);
}
END_TEST

START_TEST(registers_have_gdbs_numbers)
{
	static const struct {
		const char *name;
		int number;
	} known[] = {
		{ "zero", 0 },
		{ "ra", 1 },
		{ "sp", 2 },
		{ "a0", 10 },
		{ "t6", 31 },
		{ "pc", 32 },
		{ "sstatus", 65 + 0x100 },
		{ "satp", 65 + 0x180 },
		{ "isa", -1 },
		{ "mode", 65 + 4096 },
	};
	AxError err = AX_ERROR_INIT;
	struct code_vm vm;
	AxRegInfo info;
	unsigned found = 0;
	uint64_t value;

	for (unsigned i = 0; ax_reg_info(i, &info); i++) {
		for (unsigned k = 0; k < sizeof(known) / sizeof(known[0]); k++) {
			if (strcmp(info.name, known[k].name))
				continue;
			ck_assert_int_eq(info.gdb_number, known[k].number);
			found++;
		}
	}
	ck_assert_uint_eq(found, sizeof(known) / sizeof(known[0]));
	code_open(&vm, NULL, CODE(spin));
	ck_assert_uint_eq(get(vm.vcpu, "zero"), 0);
	ck_assert_int_eq(ax_vcpu_set_reg(vm.vcpu, "zero", 1, &err), -EINVAL);
	ck_assert_int_eq(ax_vcpu_set_gpr(vm.vcpu, 0, 1, &err), -ENOENT);
	ck_assert_int_eq(ax_vcpu_set_gpr(vm.vcpu, 32, 1, &err), -ENOENT);
	for (unsigned i = 1; i < 32; i++)
		ck_ok(ax_vcpu_set_gpr(vm.vcpu, i, 100 + i, &err), err);
	for (unsigned i = 1; i < 32; i++) {
		ck_ok(ax_vcpu_get_gpr(vm.vcpu, i, &value, &err), err);
		ck_assert_uint_eq(value, 100 + i);
	}
	ck_assert_uint_eq(get(vm.vcpu, "t0"), 105);
	ck_ok(ax_vcpu_set_return_value(vm.vcpu, 7, &err), err);
	ck_assert_uint_eq(get(vm.vcpu, "a0"), 7);
	code_close(&vm);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("setup");
	TCase *tcase = kvm_case(suite, "set-up");

	tcase_add_test(tcase, hart_begins_as_after_reset_however_often);
	tcase_add_test(tcase, what_was_pending_does_not_reach_the_new_life);
	tcase_add_loop_test(tcase, timer_of_the_last_life_does_not_expire_in_the_next, 0, 2);
	tcase_add_test(tcase, set_up_that_makes_no_sense_changes_nothing);
	tcase_add_test(tcase, registers_have_gdbs_numbers);
	return kvm_main(suite);
}
