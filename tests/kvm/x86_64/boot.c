/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the loader gives a flat guest beside its bytes is of use: stack, GDT, page tables.
 */
#include <stdlib.h>

#include <axvmm/boot.h>

#include "boot_code.h"
#include "tests/kvm/kvm_test.h"

#define LOAD 0x100000
#define RAM  (16u << 20)

extern const uint8_t boot_long[], boot_long_end[], boot_protected[], boot_protected_end[];

static AxVm *vm;

static AxVCpu *load(const uint8_t *code, const uint8_t *end, uint32_t mode)
{
	AxImageSource source = AX_IMAGE_SOURCE_INIT;
	AxLoadOptions options = AX_LOAD_OPTIONS_INIT;
	AxBootRegisters regs = AX_BOOT_REGISTERS_INIT;
	AxVCpuSetup setup = AX_VCPU_SETUP_INIT;
	AxError err = AX_ERROR_INIT;
	AxVCpu *vcpu;

	ck_ok(ax_vm_create(NULL, &vm, &err), err);
	kvm_watch(vm);
	ck_ok(ax_ram_add(vm, 0, RAM, 0, &err), err);
	source.name = "boot_code";
	source.bytes = code;
	source.len = (size_t)(end - code);
	options.given = AX_HINT_MODE | AX_HINT_LOAD;
	options.mode = mode;
	options.load = LOAD;
	ck_ok(ax_image_load(vm, &source, &options, &setup, &regs, &err), err);
	ck_ok(ax_vcpu_create(vm, 0, &vcpu, &err), err);
	ck_ok(ax_boot_setup(vcpu, &setup, &regs, &err), err);
	ck_ok(ax_vcpu_bind(vcpu, AX_ANY_CPU, &err), err);
	return vcpu;
}

static void end(AxVCpu *vcpu)
{
	AxError err = AX_ERROR_INIT;

	ck_ok(ax_vcpu_unbind(vcpu, &err), err);
	kvm_unwatch(vm);
	ax_vm_destroy(vm);
}

/* The next exit that is one. */
static void run(AxVCpu *vcpu, AxVCpuExitReason *exit)
{
	AxError err = AX_ERROR_INIT;

	do
		ck_ok(ax_vcpu_run(vcpu, exit, &err), err);
	while (exit->kind == AX_EXIT_NOTHING);
}

static void expect_step(AxVCpu *vcpu, uint64_t step)
{
	AxVCpuExitReason exit;

	run(vcpu, &exit);
	ck_exit_kind(&exit, AX_EXIT_IO_WRITE);
	ck_assert_uint_eq(exit.io_write.port, BOOT_PORT);
	ck_assert_uint_eq(exit.io_write.data, step);
}

START_TEST(long_mode_can_use_what_the_loader_made)
{
	AxVCpu *vcpu = load(boot_long, boot_long_end, AX_MODE_LONG);
	AxVCpuExitReason exit;

	expect_step(vcpu, BOOT_SEGMENTS);
	expect_step(vcpu, BOOT_FAR_RETURN);
	expect_step(vcpu, BOOT_INTERRUPT_RETURN);
	expect_step(vcpu, BOOT_OTHER_MODE);
	run(vcpu, &exit);
	ck_exit_kind(&exit, AX_EXIT_HALT);
	end(vcpu);
}
END_TEST

START_TEST(protected_mode_can_use_what_the_loader_made)
{
	AxVCpu *vcpu = load(boot_protected, boot_protected_end, AX_MODE_PROTECTED);
	AxVCpuExitReason exit;

	expect_step(vcpu, BOOT_SEGMENTS);
	expect_step(vcpu, BOOT_FAR_RETURN);
	run(vcpu, &exit);
	if (exit.kind == AX_EXIT_INTERNAL_ERROR && kvm_is_software()) {
		kvm_skip("this software KVM has no iret in protected mode without paging");
	} else {
		ck_exit_kind(&exit, AX_EXIT_IO_WRITE);
		ck_assert_uint_eq(exit.io_write.data, BOOT_INTERRUPT_RETURN);
		run(vcpu, &exit);
		ck_exit_kind(&exit, AX_EXIT_HALT);
	}
	end(vcpu);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("boot");
	TCase *cases = kvm_case(suite, "boot");

	tcase_add_test(cases, long_mode_can_use_what_the_loader_made);
	tcase_add_test(cases, protected_mode_can_use_what_the_loader_made);
	return kvm_main(suite);
}
