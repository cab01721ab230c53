/* SPDX-License-Identifier: Apache-2.0 */
/*
 * CSR accesses that KVM hands over: what is claimed is the handler's affair, what is not is an illegal
 * instruction in the guest. seed (Zkr) is the CSR of that kind that any guest has.
 */
#include <errno.h>
#include <inttypes.h>
#include <string.h>

#include "code_riscv.h"

#define CSR_SEED 0x015

/* csrrw, csrrs, csrrc with rd, CSR and rs1: unprivileged specification, 9.1. */
#define CSRRW(rd, csr, rs1) ((uint32_t)(csr) << 20 | (rs1) << 15 | 1u << 12 | (rd) << 7 | 0x73)
#define CSRRS(rd, csr, rs1) (CSRRW(rd, csr, rs1) + (1u << 12))
#define CSRRC(rd, csr, rs1) (CSRRW(rd, csr, rs1) + (2u << 12))

enum { ZERO = 0, A2 = 12, A3 = 13 };

#define IN_A2		    UINT64_C(0x8182838485868788)
#define ILLEGAL_INSTRUCTION 2
#define SSTATUS_SPIE	    (1u << 5)
#define SSTATUS_SPP	    (1u << 8)

struct seen {
	unsigned reads, writes;
	AxSysRegAddr addr;
	uint64_t value;
	uint64_t answer;
	AxHandled verdict;
};

static AxHandled on_read(AxVCpu *vcpu, void *opaque, AxSysRegAddr addr, uint64_t *value)
{
	struct seen *seen = opaque;

	seen->reads++;
	seen->addr = addr;
	*value = seen->answer;
	return seen->verdict;
}

static AxHandled on_write(AxVCpu *vcpu, void *opaque, AxSysRegAddr addr, uint64_t value)
{
	struct seen *seen = opaque;

	seen->writes++;
	seen->addr = addr;
	seen->value = value;
	return seen->verdict;
}

static const AxSysRegOps sys_reg_ops = { sizeof(sys_reg_ops), on_read, on_write };

/* @seen NULL: nothing is claimed. */
static void open_csr(struct code_vm *vm, struct seen *seen)
{
	AxError err = AX_ERROR_INIT;

	code_open_vm(vm, NULL, CODE(execute));
	code_stop_at_end(vm);
	if (seen)
		ck_ok(ax_sys_reg_add(vm->vm, "seed", CSR_SEED, 1, &sys_reg_ops, seen, &err), err);
	code_add_vcpu(vm, 0);
}

static void prepare(struct code_vm *vm, uint32_t insn)
{
	code_restart(vm->vcpu);
	ck_assert_int_eq(ax_mem_write(vm->vm, CODE_START + code_execute_place, &insn, sizeof(insn)),
			 0);
	code_set_word(vm, 0, 2, IN_A2);
	code_set_word(vm, 0, 3, 0);
	code_set_word(vm, 0, 4, 0);
}

/* Whether this processor's KVM hands seed over; else that has been said. */
static bool has_seed(void)
{
	AxError err = AX_ERROR_INIT;
	AxVCpuExitReason exit;
	struct code_vm vm;
	bool has;

	open_csr(&vm, NULL);
	prepare(&vm, CSRRW(A2, CSR_SEED, ZERO));
	ck_ok(ax_vcpu_bind(vm.vcpu, AX_ANY_CPU, &err), err);
	ck_ok(ax_vcpu_run(vm.vcpu, &exit, &err), err);
	has = exit.kind == AX_EXIT_SYS_REG_WRITE;
	code_close(&vm);
	if (has)
		kvm_count_run();
	else
		kvm_skip("CSR exits: this processor has no seed CSR for guests (Zkr)");
	return has;
}

/* seed is read by an instruction that writes: csrrw rd, seed, x0. */
START_TEST(exit_says_register_value_and_mask)
{
	static const struct {
		uint32_t insn;
		uint32_t kind;
		uint64_t value, mask;
	} cases[] = {
		{ CSRRW(A2, CSR_SEED, ZERO), AX_EXIT_SYS_REG_WRITE, 0, UINT64_MAX },
		{ CSRRW(A2, CSR_SEED, A2), AX_EXIT_SYS_REG_WRITE, IN_A2, UINT64_MAX },
		{ CSRRS(A2, CSR_SEED, A2), AX_EXIT_SYS_REG_WRITE, UINT64_MAX, IN_A2 },
		{ CSRRC(A2, CSR_SEED, A2), AX_EXIT_SYS_REG_WRITE, 0, IN_A2 },
	};
	AxError err = AX_ERROR_INIT;
	AxVCpuExitReason exit;
	struct code_vm vm;

	if (!has_seed())
		return;
	for (unsigned i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		open_csr(&vm, NULL);
		prepare(&vm, cases[i].insn);
		ck_ok(ax_vcpu_bind(vm.vcpu, AX_ANY_CPU, &err), err);
		ck_ok(ax_vcpu_run(vm.vcpu, &exit, &err), err);
		ck_exit_kind(&exit, cases[i].kind);
		ck_assert_uint_eq(exit.sys_reg_write.addr, CSR_SEED);
		ck_assert_uint_eq(exit.sys_reg_write.mask, cases[i].mask);
		ck_assert_uint_eq(exit.sys_reg_write.value & exit.sys_reg_write.mask,
				  cases[i].value & cases[i].mask);
		/* Answered by hand: the old value; an earlier fault is taken back. */
		ck_assert_int_eq(ax_vcpu_reply_fault(vm.vcpu), 0);
		ck_assert_int_eq(ax_vcpu_reply_read(vm.vcpu, 0x99 + i), 0);
		ck_ok(ax_vcpu_run(vm.vcpu, &exit, &err), err);
		ck_exit_kind(&exit, AX_EXIT_MMIO_WRITE);
		ck_assert_uint_eq(code_word(&vm, 0, 3), 0x99 + i);
		ck_assert_uint_eq(code_word(&vm, 0, 4), 0);
		code_close(&vm);
	}
}
END_TEST

START_TEST(claimed_register_is_the_handlers)
{
	struct seen seen = { .answer = UINT64_C(0xff00ff00ff00ff00) };
	struct code_vm vm;

	if (!has_seed())
		return;
	open_csr(&vm, &seen);
	prepare(&vm, CSRRW(A2, CSR_SEED, ZERO));
	code_run_to_end(&vm);
	ck_assert_uint_eq(code_word(&vm, 0, 3), seen.answer);
	ck_assert_uint_eq(code_word(&vm, 0, 4), 0);
	ck_assert_uint_eq(seen.reads, 1);
	ck_assert_uint_eq(seen.writes, 1);
	ck_assert_uint_eq(seen.addr, CSR_SEED);
	ck_assert_uint_eq(seen.value, 0);
	/* Set and clear keep the other bits. */
	prepare(&vm, CSRRS(A2, CSR_SEED, A2));
	code_run_to_end(&vm);
	ck_assert_uint_eq(code_word(&vm, 0, 3), seen.answer);
	ck_assert_uint_eq(seen.value, seen.answer | IN_A2);
	prepare(&vm, CSRRC(A2, CSR_SEED, A2));
	code_run_to_end(&vm);
	ck_assert_uint_eq(seen.value, seen.answer & ~IN_A2);
	code_close(&vm);
}
END_TEST

static void check_illegal(const struct code_vm *vm, uint32_t insn)
{
	ck_assert_uint_eq(code_word(vm, 0, 4), 1);
	ck_assert_uint_eq(code_word(vm, 0, 5), ILLEGAL_INSTRUCTION);
	ck_assert_uint_eq(code_word(vm, 0, 6), insn);
	ck_assert_uint_eq(code_word(vm, 0, 7), CODE_START + code_execute_place);
	/* From supervisor mode, with interrupts on, to interrupts off. */
	ck_assert_uint_eq(code_word(vm, 0, 8) & (SSTATUS_SPIE | SSTATUS_SPP | 2),
			  SSTATUS_SPIE | SSTATUS_SPP);
	/* The register that it would have filled is as it was. */
	ck_assert_uint_eq(code_word(vm, 0, 3), IN_A2);
}

/* _i: nobody has claimed it, the handler refuses, the caller of ax_vcpu_run() does. */
START_TEST(refused_access_is_an_illegal_instruction)
{
	const uint32_t insn = CSRRW(A2, CSR_SEED, ZERO);
	struct seen seen = { .answer = 7, .verdict = AX_UNHANDLED };
	AxError err = AX_ERROR_INIT;
	AxVCpuExitReason exit;
	struct code_vm vm;

	if (!has_seed())
		return;
	open_csr(&vm, _i ? &seen : NULL);
	prepare(&vm, insn);
	if (_i < 2) {
		code_run_to_end(&vm);
	} else {
		ck_ok(ax_vcpu_bind(vm.vcpu, AX_ANY_CPU, &err), err);
		ck_ok(ax_vcpu_run(vm.vcpu, &exit, &err), err);
		ck_exit_kind(&exit, AX_EXIT_SYS_REG_WRITE);
		ck_assert_int_eq(ax_vcpu_reply_fault(vm.vcpu), 0);
		/* Settled, registers show the trap. */
		ck_assert_int_eq(ax_vcpu_settle(vm.vcpu, &exit, &err), 0);
		ck_ok(ax_vcpu_get_reg(vm.vcpu, "scause", &seen.value, &err), err);
		ck_assert_uint_eq(seen.value, ILLEGAL_INSTRUCTION);
		ck_ok(ax_vcpu_run(vm.vcpu, &exit, &err), err);
		ck_exit_kind(&exit, AX_EXIT_MMIO_WRITE);
	}
	check_illegal(&vm, insn);
	code_close(&vm);
}
END_TEST

START_TEST(claims_have_their_limits)
{
	AxError err = AX_ERROR_INIT;
	struct seen seen = { 0 };
	struct code_vm vm;

	code_open_vm(&vm, NULL, CODE(execute));
	ck_ok(ax_sys_reg_add(vm.vm, "last", 4095, 1, &sys_reg_ops, &seen, &err), err);
	ck_assert_int_eq(ax_sys_reg_add(vm.vm, "x", 4096, 1, &sys_reg_ops, &seen, &err), -EINVAL);
	ck_assert_int_eq(ax_sys_reg_add(vm.vm, "x", 4094, 3, &sys_reg_ops, &seen, &err), -EEXIST);
	ck_assert_int_eq(ax_sys_reg_add(vm.vm, "x", 1, 4096, &sys_reg_ops, &seen, &err), -EEXIST);
	ck_assert_int_eq(ax_sys_reg_add(vm.vm, "x", UINT64_MAX, 1, &sys_reg_ops, &seen, &err),
			 -EINVAL);
	code_close(&vm);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("csr");
	TCase *tcase = kvm_case(suite, "CSRs");

	tcase_add_test(tcase, exit_says_register_value_and_mask);
	tcase_add_test(tcase, claimed_register_is_the_handlers);
	tcase_add_loop_test(tcase, refused_access_is_an_illegal_instruction, 0, 3);
	tcase_add_test(tcase, claims_have_their_limits);
	return kvm_main(suite);
}
