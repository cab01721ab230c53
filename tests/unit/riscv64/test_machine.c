/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The riscv64 machine on the fake KVM: the guest's device tree, what the board does not have, and that
 * nothing leaks whatever fails while it is built.
 */
#include <libfdt.h>
#include <stdlib.h>

#include <axvmm/machine.h>
#include <axvmm/memory.h>

#include "tests/unit/run_fixture.h"

#define MIB (1ULL << 20)

static const uint8_t code[] = { 0x6f, 0x00, 0x00, 0x00 }; /* j . */
static AxImageSource source = { sizeof(source), "code", code, sizeof(code), 0, -1 };
static AxLoadOptions load = { .size = sizeof(load), .command_line = "a b" };

static AxMachineOptions usual_options(void)
{
	AxMachineOptions options = AX_MACHINE_OPTIONS_INIT;

	options.memory = 16 * MIB;
	options.image = &source;
	options.load = &load;
	return options;
}

static AxMachine *new_machine(const AxMachineOptions *options)
{
	AxError err = AX_ERROR_INIT;
	AxMachine *machine = NULL;

	ck_assert_msg(!ax_machine_new(options, &machine, &err), "%s", err.message);
	return machine;
}

static uint64_t reg(AxMachine *machine, const char *name)
{
	uint64_t value;

	ck_assert_int_eq(ax_vcpu_get_reg(ax_vm_vcpu(ax_machine_vm(machine), 0), name, &value, NULL),
			 0);
	return value;
}

START_TEST(an_image_finds_the_tree_that_the_machine_tells_of)
{
	AxMachineOptions options = usual_options();
	AxMachine *machine = new_machine(&options);
	const void *tree;
	uint8_t *copy;
	size_t len;

	ck_assert_int_eq(ax_machine_device_tree(machine, &tree, &len, NULL), 0);
	ck_assert_int_eq(fdt_check_full(tree, len), 0);
	copy = malloc(len);
	ck_assert_ptr_nonnull(copy);
	ck_assert_int_eq(ax_mem_read(ax_machine_vm(machine), reg(machine, "a1"), copy, len), 0);
	ck_assert_mem_eq(copy, tree, len);
	free(copy);
	ck_assert_int_ge(fdt_path_offset(tree, "/soc/rtc@101000"), 0);
	ck_assert_int_ge(fdt_path_offset(tree, "/poweroff"), 0);
	ck_assert_int_ge(fdt_path_offset(tree, "/reboot"), 0);
	ck_assert_int_lt(fdt_path_offset(tree, "/soc/virtio_mmio@10001000"), 0);
	ck_assert_str_eq(fdt_getprop(tree, fdt_path_offset(tree, "/chosen"), "bootargs", NULL),
			 "a b");
	ax_machine_free(machine);
}
END_TEST

START_TEST(what_the_board_does_not_have_is_refused)
{
	AxMachineOptions options = usual_options();
	AxMachine *machine = new_machine(&options);
	AxError err;

	ck_assert_fails(ax_machine_power_button(machine, &err), -ENOTSUP, AX_ERROR_UNSUPPORTED,
			"no power button");
	ax_machine_free(machine);
	machine = NULL;
	options.image = NULL;
	ck_assert_fails(ax_machine_new(&options, &machine, &err), -EINVAL, AX_ERROR_ARGUMENT,
			"image or firmware");
	options.firmware = &source;
	ck_assert_fails(ax_machine_new(&options, &machine, &err), -ENOTSUP, AX_ERROR_UNSUPPORTED,
			"no place for firmware");
	ck_assert_ptr_null(machine);
}
END_TEST

START_TEST(whatever_kvm_refuses_nothing_leaks)
{
	AxMachineOptions options = usual_options();
	AxMachine *machine = new_machine(&options);
	unsigned calls = fake_calls_all();

	ax_machine_free(machine);
	for (unsigned n = 1; n <= calls; n++) {
		AxError err = AX_ERROR_INIT;

		fake_fail_any(n, EIO);
		machine = NULL;
		if (!ax_machine_new(&options, &machine, &err))
			ax_machine_free(machine);
		else
			ck_assert_uint_gt(strlen(err.message), 0);
		fake_fail_clear();
		ck_assert_uint_eq(fake_sys_open_count(), 0);
	}
	ck_assert_uint_gt(fake_failed(), 10);
}
END_TEST

RUN_CORE_TESTS("riscv64 machine", an_image_finds_the_tree_that_the_machine_tells_of,
	       what_the_board_does_not_have_is_refused, whatever_kvm_refuses_nothing_leaks)
