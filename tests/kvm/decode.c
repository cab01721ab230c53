/* SPDX-License-Identifier: Apache-2.0 */
/*
 * ax_vcpu_decode_mmio() against real instructions: what it says of each load's register, width and
 * extension is what the guest's register then holds.
 */
#include "decode_case.h"

#include <errno.h>
#include <inttypes.h>
#include <string.h>

#define INSTRUCTION_MOST 15

/* Something else in each register. */
static uint64_t junk(unsigned index)
{
	return 0xa5a5a5a5a5a5a5a5 ^ (uint64_t)index * 0x0101010101010101;
}

/* riscv64 has no register 0 to be set or read. */
static unsigned first_register(AxVCpu *vcpu)
{
	uint64_t value;

	return ax_vcpu_get_gpr(vcpu, 0, &value, NULL) == -ENOENT ? 1 : 0;
}

/* The instruction, then zeroes: only the instruction is executed. */
static void begin(struct code_vm *vm, const struct decode_case *which, AxVCpuExitReason *exit)
{
	uint8_t bytes[2 * INSTRUCTION_MOST] = { 0 };
	AxError err = AX_ERROR_INIT;

	ck_assert_uint_le(which->size, INSTRUCTION_MOST);
	memcpy(bytes, which->bytes, which->size);
	ck_assert_int_eq(ax_mem_write(vm->vm, CODE_START, bytes, sizeof(bytes)), 0);
	decode_arch_prepare(vm->vcpu, which);
	for (unsigned i = first_register(vm->vcpu); i < decode_arch_registers; i++)
		ck_ok(ax_vcpu_set_gpr(vm->vcpu, i, decode_arch_register(which, i, junk(i)), &err),
		      err);
	ck_ok(ax_vcpu_bind(vm->vcpu, AX_ANY_CPU, &err), err);
	ck_ok(ax_vcpu_run(vm->vcpu, exit, &err), err);
	ck_assert_msg(exit->kind == AX_EXIT_MMIO_READ &&
			      exit->mmio_read.addr == CODE_MMIO + DECODE_OFFSET,
		      "%s: %s at 0x%" PRIx64, which->text, ax_exit_name(exit->kind),
		      exit->mmio_read.addr);
	ck_assert_msg(exit->mmio_read.len == ax_access_width_size((AxAccessWidth)which->mem_width),
		      "%s: reads %u bytes", which->text, exit->mmio_read.len);
	ck_assert_uint_eq(exit->mmio_read.reg, AX_REG_UNKNOWN);
}

static void check_registers(AxVCpu *vcpu, const struct decode_case *which, uint64_t loaded)
{
	AxError err = AX_ERROR_INIT;

	for (unsigned i = first_register(vcpu); i < decode_arch_registers; i++) {
		uint64_t old = decode_arch_register(which, i, junk(i)), expected = old, mask, value;
		uint64_t result = decode_arch_result(which, old, loaded, &mask);

		if (i == which->reg)
			expected = result;
		ck_ok(ax_vcpu_get_gpr(vcpu, i, &value, &err), err);
		ck_assert_msg((value & mask) == (expected & mask),
			      "%s: register %u is 0x%" PRIx64 " instead of 0x%" PRIx64, which->text,
			      i, value, expected);
	}
}

static void check_load(struct code_vm *vm, const struct decode_case *which, uint64_t loaded)
{
	AxError err = AX_ERROR_INIT;
	AxVCpuExitReason exit;
	uint64_t pc;

	begin(vm, which, &exit);
	ck_ok(ax_vcpu_decode_mmio(vm->vcpu, &exit, &err), err);
	ck_assert_msg(exit.mmio_read.reg == which->reg &&
			      exit.mmio_read.reg_width == which->reg_width &&
			      exit.mmio_read.signed_ext == which->signed_ext,
		      "%s: decoded as register %u, width %u, signed %d", which->text,
		      exit.mmio_read.reg, exit.mmio_read.reg_width, exit.mmio_read.signed_ext);
	/* Decoding was only a look. */
	ck_assert_int_eq(ax_vcpu_reply_read(vm->vcpu, loaded), 0);
	ck_assert_int_eq(ax_vcpu_settle(vm->vcpu, &exit, &err), 0);
	ck_ok(ax_vcpu_get_reg(vm->vcpu, code_pc, &pc, &err), err);
	ck_assert_msg((which->mode == AX_MODE_REAL ? CODE_START : 0) + pc ==
			      CODE_START + which->size,
		      "%s: the PC is 0x%" PRIx64 " behind it", which->text, pc);
	check_registers(vm->vcpu, which, loaded);
	ck_ok(ax_vcpu_unbind(vm->vcpu, &err), err);
}

START_TEST(decoded_register_is_the_one_that_the_load_fills)
{
	unsigned count = 0;
	struct code_vm vm;

	code_open(&vm, NULL, CODE(spin));
	for (const struct decode_case *which = decode_cases; which->bytes; which++) {
		if (which->reg == DECODE_NONE)
			continue;
		check_load(&vm, which, 0x8182838485868788);
		check_load(&vm, which, 0x7172737475767778);
		count++;
	}
	ck_assert_uint_gt(count, 20);
	kvm_say("%u loads decoded and executed", count);
	code_close(&vm);
}
END_TEST

START_TEST(what_is_no_plain_load_is_refused)
{
	AxError err = AX_ERROR_INIT;
	AxVCpuExitReason exit;
	struct code_vm vm;

	code_open(&vm, NULL, CODE(spin));
	for (const struct decode_case *which = decode_cases; which->bytes; which++) {
		int ret;

		if (which->reg != DECODE_NONE)
			continue;
		begin(&vm, which, &exit);
		ret = ax_vcpu_decode_mmio(vm.vcpu, &exit, &err);
		ck_assert_msg(ret == -ENOTSUP, "%s: %d, register %u", which->text, ret,
			      exit.mmio_read.reg);
		ck_assert_uint_eq(exit.mmio_read.reg, AX_REG_UNKNOWN);
		ck_ok(ax_vcpu_unbind(vm.vcpu, &err), err);
	}
	code_close(&vm);
}
END_TEST

START_TEST(only_the_read_that_came_last_can_be_decoded)
{
	AxError err = AX_ERROR_INIT;
	AxVCpuExitReason exit, old;
	struct code_vm vm;

	code_open(&vm, NULL, CODE(spin));
	begin(&vm, &decode_cases[0], &exit);
	old = exit;
	ck_assert_int_eq(ax_vcpu_settle(vm.vcpu, &exit, &err), 0);
	ck_assert_int_eq(ax_vcpu_decode_mmio(vm.vcpu, &old, &err), -EPERM);
	old.kind = AX_EXIT_MMIO_WRITE;
	ck_assert_int_eq(ax_vcpu_decode_mmio(vm.vcpu, &old, &err), -EPERM);
	ck_ok(ax_vcpu_unbind(vm.vcpu, &err), err);
	code_close(&vm);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("decode");
	TCase *tcase = kvm_case(suite, "loads");

	tcase_add_test(tcase, decoded_register_is_the_one_that_the_load_fills);
	tcase_add_test(tcase, what_is_no_plain_load_is_refused);
	tcase_add_test(tcase, only_the_read_that_came_last_can_be_decoded);
	return kvm_main(suite);
}
