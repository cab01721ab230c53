/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What KVM can't carry out is an InternalError with the errno that says why, with registers as they
 * were and a sentence for a person; and EBREAK is a Debug exit when that was asked for.
 */
#include <errno.h>
#include <inttypes.h>
#include <string.h>

#include "code_riscv.h"

/* With CODE_MMIO in a3; verified with the assembler's own output. */
static const struct refused {
	const char *text;
	uint32_t insn;
	int os_errno;
	const char *why;
} refused[] = {
	{ "lw a2, 1(a3)", 0x0016a603, EIO, "misaligned" },
	{ "lh a2, 3(a3)", 0x00369603, EIO, "misaligned" },
	{ "sd a2, 4(a3)", 0x00c6b223, EIO, "misaligned" },
	{ "amoadd.w a2, a2, (a3)", 0x00c6a62f, EOPNOTSUPP, "atomic" },
	{ "amoswap.d a2, a2, (a3)", 0x08c6b62f, EOPNOTSUPP, "atomic" },
	{ "lr.w a2, (a3)", 0x1006a62f, EOPNOTSUPP, "atomic" },
	{ "flw fa0, 0(a3)", 0x0006a507, EOPNOTSUPP, "floating-point" },
	{ "fsd fa0, 0(a3)", 0x00a6b027, EOPNOTSUPP, "floating-point" },
	{ "jr a3", 0x00068067, EOPNOTSUPP, "executing" },
};

#define SSTATUS_FS_INITIAL (1 << 13)

static void prepare(struct code_vm *vm, uint32_t insn)
{
	AxError err = AX_ERROR_INIT;

	code_restart(vm->vcpu);
	ck_assert_int_eq(ax_mem_write(vm->vm, CODE_START + code_execute_place, &insn, sizeof(insn)),
			 0);
	ck_ok(ax_vcpu_set_reg(vm->vcpu, "sstatus", SSTATUS_FS_INITIAL, &err), err);
	code_set_word(vm, 0, 2, 0x1122334455667788);
	code_set_word(vm, 0, 4, 0);
}

START_TEST(access_that_kvm_cannot_make_is_an_internal_error)
{
	const struct refused *which = &refused[_i];
	AxError err = AX_ERROR_INIT;
	AxVCpuExitReason exit;
	char text[512];
	struct code_vm vm;
	uint64_t value;

	code_open(&vm, NULL, CODE(execute));
	prepare(&vm, which->insn);
	ck_ok(ax_vcpu_bind(vm.vcpu, AX_ANY_CPU, &err), err);
	ck_ok(ax_vcpu_run(vm.vcpu, &exit, &err), err);
	ck_exit_kind(&exit, AX_EXIT_INTERNAL_ERROR);
	ck_assert_uint_eq(exit.internal_error.suberror, AX_SUBERROR_ERRNO);
	ck_assert_msg(exit.internal_error.data[0] == (uint64_t)which->os_errno, "%s: %" PRIu64,
		      which->text, exit.internal_error.data[0]);
	ax_exit_explain(&exit, text, sizeof(text));
	ck_assert_msg(strstr(text, which->why), "%s: %s", which->text, text);
	/* Nothing happened: PC is at the instruction, or where there is none. */
	ck_ok(ax_vcpu_get_reg(vm.vcpu, "pc", &value, &err), err);
	ck_assert_uint_eq(value, strstr(which->why, "executing") ? CODE_MMIO
								 : CODE_START + code_execute_place);
	ck_ok(ax_vcpu_get_reg(vm.vcpu, "a2", &value, &err), err);
	ck_assert_uint_eq(value, 0x1122334455667788);
	/* The embedder may step over it. */
	ck_ok(ax_vcpu_set_entry(vm.vcpu, CODE_START + code_execute_place + 4, &err), err);
	ck_ok(ax_vcpu_run(vm.vcpu, &exit, &err), err);
	ck_exit_kind(&exit, AX_EXIT_MMIO_WRITE);
	ck_assert_uint_eq(code_word(&vm, 0, 4), 0);
	code_close(&vm);
}
END_TEST

/* _i: whether debugging is on; without, the guest takes its own exception. */
START_TEST(ebreak_is_an_exit_when_that_was_asked_for)
{
	const uint64_t none = 0;
	AxError err = AX_ERROR_INIT;
	AxVCpuExitReason exit;
	struct code_vm vm;
	uint64_t pc;
	int ret;

	code_open(&vm, NULL, CODE(execute));
	prepare(&vm, 0x00100073);
	ck_ok(ax_vcpu_bind(vm.vcpu, AX_ANY_CPU, &err), err);
	ret = ax_vcpu_set_debug(vm.vcpu, false, _i ? &none : NULL, 0, &err);
	if (ret == -ENOTSUP) {
		kvm_skip("EBREAK as an exit: %s", err.message);
		code_close(&vm);
		return;
	}
	ck_ok(ret, err);
	ck_ok(ax_vcpu_run(vm.vcpu, &exit, &err), err);
	if (_i) {
		ck_exit_kind(&exit, AX_EXIT_DEBUG);
		ck_assert_uint_eq(exit.debug.pc, CODE_START + code_execute_place);
		ck_ok(ax_vcpu_get_reg(vm.vcpu, "pc", &pc, &err), err);
		ck_assert_uint_eq(pc, exit.debug.pc);
		/* Turned off, it is the guest's. */
		ck_ok(ax_vcpu_set_debug(vm.vcpu, false, NULL, 0, &err), err);
		ck_ok(ax_vcpu_run(vm.vcpu, &exit, &err), err);
	}
	ck_exit_kind(&exit, AX_EXIT_MMIO_WRITE);
	ck_assert_uint_eq(code_word(&vm, 0, 4), 1);
	ck_assert_uint_eq(code_word(&vm, 0, 5), 3); /* breakpoint */
	code_close(&vm);
}
END_TEST

START_TEST(what_kvm_has_no_breakpoints_for_is_refused)
{
	const uint64_t address = CODE_START;
	AxError err = AX_ERROR_INIT;
	struct code_vm vm;

	code_open(&vm, NULL, CODE(spin));
	ck_assert_int_eq(ax_vcpu_set_debug(vm.vcpu, true, NULL, 0, &err), -ENOTSUP);
	ck_assert_int_eq(ax_vcpu_set_debug(vm.vcpu, false, &address, 1, &err), -ENOTSUP);
	ck_assert_ptr_nonnull(strstr(err.message, "EBREAK"));
	code_close(&vm);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("access");
	TCase *tcase = kvm_case(suite, "access");

	tcase_add_loop_test(tcase, access_that_kvm_cannot_make_is_an_internal_error, 0,
			    (int)(sizeof(refused) / sizeof(refused[0])));
	tcase_add_loop_test(tcase, ebreak_is_an_exit_when_that_was_asked_for, 0, 2);
	tcase_add_test(tcase, what_kvm_has_no_breakpoints_for_is_refused);
	return kvm_main(suite);
}
