/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What KVM leaves undone of an MMIO load, on kernels that extend its sign and on those that don't, and
 * what it costs where nothing has to be done.
 */
#include <axvmm/memory.h>

#include "arch/riscv64/riscv.h"
#include "tests/unit/run_fixture.h"

#define RAM  0x10000
#define MMIO 0xa0000
#define A5   15

/* Encoded by GNU as. */
#define LW_A5	0x0006a783 /* lw a5, 0(a3) */
#define LWU_A5	0x0006e783
#define LB_A5	0x00068783
#define LD_A5	0x0006b783
#define LW_ZERO 0x0006a003
#define FLW_FA5 0x0006a787
#define C_LW_A5 0x429c /* c.lw a5, 0(a3) */

static AxVm *vm;
static AxVCpu *vcpu;

static void make_vcpu(uint32_t insn)
{
	vm = new_strict_vm(AX_IRQCHIP_NONE);
	ck_assert_int_eq(ax_ram_add(vm, RAM, 0x1000, 0, NULL), 0);
	ck_assert_int_eq(ax_mem_write(vm, RAM, &insn, sizeof(insn)), 0);
	vcpu = ready_vcpu(vm, 0);
	ck_assert_int_eq(ax_vcpu_set_entry(vcpu, RAM, NULL), 0);
}

/* What KVM's completion leaves in a5: the fake writes no registers. */
static void kvm_fills(uint64_t value)
{
	ck_assert_int_eq(riscv_try_set(vcpu, RISCV_REG_GPR(A5), value), 0);
}

static uint64_t a5(void)
{
	uint64_t value;

	ck_assert_int_eq(riscv_try_get(vcpu, RISCV_REG_GPR(A5), &value), 0);
	return value;
}

/* A read of @len bytes, answered; then the next exit. Returns the calls of ONE_REG in between. */
static unsigned answer(unsigned len, uint64_t value)
{
	AxVCpuExitReason exit;
	unsigned before;

	fake_push_mmio_read(0, MMIO, len);
	fake_push_mmio_write(0, MMIO, 4, 1);
	ck_assert_int_eq(ax_vcpu_run(vcpu, &exit, NULL), 0);
	ck_assert_uint_eq(exit.kind, AX_EXIT_MMIO_READ);
	ck_assert_int_eq(ax_vcpu_reply_read(vcpu, value), 0);
	before = fake_calls(KVM_GET_ONE_REG) + fake_calls(KVM_SET_ONE_REG);
	ck_assert_int_eq(ax_vcpu_run(vcpu, &exit, NULL), 0);
	ck_assert_uint_eq(exit.kind, AX_EXIT_MMIO_WRITE);
	ck_assert_int_eq(ax_vcpu_settle(vcpu, &exit, NULL), 0);
	return fake_calls(KVM_GET_ONE_REG) + fake_calls(KVM_SET_ONE_REG) - before;
}

static const struct {
	uint32_t insn;
	unsigned len;
	uint64_t answer, filled, expected;
} loads[] = {
	{ LW_A5, 4, 0x80000001, 0x80000001, 0xffffffff80000001 },
	{ C_LW_A5, 4, 0xfedcba98, 0xfedcba98, 0xfffffffffedcba98 },
	{ LB_A5, 1, 0x80, 0x80, 0xffffffffffffff80 },
	{ LWU_A5, 4, 0x80000001, 0x80000001, 0x80000001 },
	{ LW_A5, 4, 0x7fffffff, 0x7fffffff, 0x7fffffff },
	{ LD_A5, 8, 0x8000000000000000, 0x8000000000000000, 0x8000000000000000 },
	{ FLW_FA5, 4, 0x80000001, 5, 5 },    /* another register */
	{ LW_ZERO, 4, 0x80000001, 5, 5 },    /* none */
	{ LB_A5, 4, 0x80000001, 5, 5 },	     /* changed meanwhile: left alone */
	{ 0x00000013, 4, 0x80000001, 5, 5 }, /* likewise, to a nop */
};

START_TEST(sign_is_extended_where_kvm_does_not)
{
	make_vcpu(loads[_i].insn);
	kvm_fills(loads[_i].filled);
	answer(loads[_i].len, loads[_i].answer);
	ck_assert_uint_eq(a5(), loads[_i].expected);
	ax_vm_destroy(vm);
}
END_TEST

START_TEST(nothing_is_asked_unless_there_may_be_a_sign)
{
	make_vcpu(LW_A5);
	ck_assert_uint_eq(answer(4, 0x7fffffff), 0);
	ck_assert_uint_eq(answer(1, 0x7f), 0);
	ck_assert_uint_eq(answer(8, UINT64_MAX), 0);
	ck_assert_uint_gt(answer(4, 0x80000000), 0);
	ax_vm_destroy(vm);
}
END_TEST

/* A kernel that does it by itself is asked once. */
START_TEST(kernel_that_extends_signs_is_left_alone_from_then_on)
{
	make_vcpu(LW_A5);
	kvm_fills(0xffffffff80000001);
	ck_assert_uint_gt(answer(4, 0x80000001), 0);
	ck_assert_uint_eq(a5(), 0xffffffff80000001);
	ck_assert_uint_eq(answer(4, 0x80000001), 0);
	ax_vm_destroy(vm);
}
END_TEST

/* The guest's tables may say nothing of its PC: then the load is as KVM has it. */
START_TEST(instruction_that_is_not_to_be_read_is_no_failure)
{
	make_vcpu(LW_A5);
	ck_assert_int_eq(ax_vcpu_set_entry(vcpu, 0x40000000, NULL), 0);
	kvm_fills(5);
	answer(4, 0x80000001);
	ck_assert_uint_eq(a5(), 5);
	ax_vm_destroy(vm);
}
END_TEST

static AxHandled read_sign(AxVCpu *caller, void *opaque, uint64_t offset, AxAccessWidth width,
			   uint64_t *value)
{
	*value = 0x80000001;
	return AX_HANDLED;
}

static AxHandled write_stop(AxVCpu *caller, void *opaque, uint64_t offset, AxAccessWidth width,
			    uint64_t value)
{
	return AX_STOP;
}

START_TEST(loop_extends_signs_too)
{
	static const AxRangeOps ops = { sizeof(ops), read_sign, write_stop };
	AxRange range = AX_RANGE_INIT;
	AxVCpuExitReason exit;

	make_vcpu(LW_A5);
	range.base = MMIO;
	range.length = 8;
	range.ops = &ops;
	ck_assert_int_eq(ax_range_add_mmio(vm, &range, NULL, NULL), 0);
	kvm_fills(0x80000001);
	for (unsigned i = 0; i < 3; i++)
		fake_push_mmio_read(0, MMIO, 4);
	fake_push_mmio_write(0, MMIO, 4, 0);
	ck_assert_int_eq(ax_vcpu_loop(vcpu, &exit, NULL), AX_LOOP_STOPPED);
	ck_assert_uint_eq(exit.kind, AX_EXIT_MMIO_WRITE);
	ck_assert_int_eq(ax_vcpu_settle(vcpu, &exit, NULL), 0);
	ck_assert_uint_eq(a5(), 0xffffffff80000001);
	ax_vm_destroy(vm);
}
END_TEST

/* Each call on the way may fail: that is the host's failure, and told. */
START_TEST(failure_of_the_host_is_told)
{
	for (unsigned nth = 1;; nth++) {
		AxError err = AX_ERROR_INIT;
		AxVCpuExitReason exit;
		int ret;

		make_vcpu(LW_A5);
		kvm_fills(0x80000001);
		fake_push_mmio_read(0, MMIO, 4);
		fake_push_mmio_write(0, MMIO, 4, 1);
		ck_assert_int_eq(ax_vcpu_run(vcpu, &exit, NULL), 0);
		ck_assert_int_eq(ax_vcpu_reply_read(vcpu, 0x80000001), 0);
		fake_fail_any(nth, EMFILE);
		ret = ax_vcpu_run(vcpu, &exit, &err);
		if (!fake_failed()) {
			ck_assert_int_eq(ret, 0);
			ck_assert_uint_gt(nth, 4);
			ax_vm_destroy(vm);
			break;
		}
		ck_assert_int_eq(ret, -EIO);
		ck_assert_str_ne(err.message, "");
		ax_vm_destroy(vm);
		fake_sys_reset();
	}
}
END_TEST

static void add_tests(TCase *cases)
{
	tcase_add_loop_test(cases, sign_is_extended_where_kvm_does_not, 0, COUNT(loads));
	tcase_add_test(cases, nothing_is_asked_unless_there_may_be_a_sign);
	tcase_add_test(cases, kernel_that_extends_signs_is_left_alone_from_then_on);
	tcase_add_test(cases, instruction_that_is_not_to_be_read_is_no_failure);
	tcase_add_test(cases, loop_extends_signs_too);
	tcase_add_test(cases, failure_of_the_host_is_told);
}

RUN_SUITE("riscv64 completion", add_tests)
