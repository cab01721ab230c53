/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The arm64 machine on the fake KVM: firmware and its memory, the guest's device tree, the power button,
 * and that nothing leaks whatever fails while it is built.
 */
#include <libfdt.h>
#include <stdlib.h>

#include <axvmm/machine.h>
#include <axvmm/memory.h>

#include "tests/unit/fake_libc.h"
#include "tests/unit/run_fixture.h"

#define MIB	 (1ULL << 20)
#define RAM_BASE 0x40000000

static const uint8_t code[] = { 0x00, 0x00, 0x00, 0x14 }; /* b . */
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

static AxMachineOptions firmware_options(void)
{
	AxMachineOptions options = usual_options();

	options.image = NULL;
	options.firmware = &source;
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

/* The tree that the machine tells of, and that lies in guest memory at @gpa. */
static const void *tree_at(AxMachine *machine, uint64_t gpa)
{
	const void *tree;
	uint8_t *copy;
	size_t len;

	ck_assert_int_eq(ax_machine_device_tree(machine, &tree, &len, NULL), 0);
	ck_assert_int_eq(fdt_check_full(tree, len), 0);
	copy = malloc(len);
	ck_assert_ptr_nonnull(copy);
	ck_assert_int_eq(ax_mem_read(ax_machine_vm(machine), gpa, copy, len), 0);
	ck_assert_mem_eq(copy, tree, len);
	free(copy);
	return tree;
}

static void says_command_line(const void *tree)
{
	const char *line = fdt_getprop(tree, fdt_path_offset(tree, "/chosen"), "bootargs", NULL);

	ck_assert_ptr_nonnull(line);
	ck_assert_str_eq(line, "a b");
}

START_TEST(an_image_finds_the_tree_that_the_machine_tells_of)
{
	AxMachineOptions options = usual_options();
	AxMachine *machine = new_machine(&options);
	const void *tree = tree_at(machine, reg(machine, "x0"));

	ck_assert_uint_eq(reg(machine, "pc"), RAM_BASE + 0x80000);
	says_command_line(tree);
	ck_assert_int_ge(fdt_path_offset(tree, "/pl031@9010000"), 0);
	ck_assert_int_ge(fdt_path_offset(tree, "/gpio-keys/key-power"), 0);
	ck_assert_int_lt(fdt_path_offset(tree, "/virtio_mmio@a000000"), 0);
	ax_machine_free(machine);
}
END_TEST

START_TEST(firmware_begins_at_0_and_finds_its_tree_where_ram_begins)
{
	AxMachineOptions options = firmware_options();
	AxMachine *machine = new_machine(&options);
	uint32_t word;

	ck_assert_uint_eq(reg(machine, "pc"), 0);
	ck_assert_uint_eq(reg(machine, "x0"), RAM_BASE);
	says_command_line(tree_at(machine, RAM_BASE));
	ck_assert_int_eq(ax_mem_read(ax_machine_vm(machine), 0, &word, sizeof(word)), 0);
	ck_assert_uint_eq(word, 0x14000000);
	/* The second flash is there, and empty. */
	ck_assert_int_eq(ax_mem_read(ax_machine_vm(machine), 128 * MIB - 4, &word, sizeof(word)),
			 0);
	ck_assert_uint_eq(word, 0);
	ck_assert_int_ne(ax_mem_read(ax_machine_vm(machine), 128 * MIB, &word, sizeof(word)), 0);
	ax_machine_free(machine);
}
END_TEST

START_TEST(firmware_that_cannot_be_is_refused)
{
	static const AxLoadModule initrd = { { sizeof(initrd.source), "initrd", code, 4 }, NULL };
	static const uint8_t page[4096];
	static uint64_t large[1024];
	AxMachineOptions options = firmware_options();
	AxImageSource other = source;
	AxLoadOptions other_load = load;
	AxMachine *machine = NULL;
	AxError err;

	options.image = &source;
	ck_assert_fails(ax_machine_new(&options, &machine, &err), -EINVAL, AX_ERROR_ARGUMENT,
			"not both");
	options.image = NULL;
	options.firmware = &other;
	other.size = 8;
	ck_assert_fails(ax_machine_new(&options, &machine, &err), -EINVAL, AX_ERROR_ARGUMENT,
			"size");
	other = source;
	other.len = AX_MACHINE_FIRMWARE_MAX + 1;
	ck_assert_fails(ax_machine_new(&options, &machine, &err), -ENOSPC, AX_ERROR_IMAGE,
			"64 MiB would fit");
	other.len = 0;
	ck_assert_fails(ax_machine_new(&options, &machine, &err), -ENOSPC, AX_ERROR_IMAGE,
			"firmware of 0 bytes");
	other = source;
	options.load = &other_load;
	other_load.modules = &initrd;
	other_load.module_count = 1;
	ck_assert_fails(ax_machine_new(&options, &machine, &err), -ENOTSUP, AX_ERROR_IMAGE,
			"initrd");
	other_load = load;
	other_load.device_tree = code;
	other_load.device_tree_len = sizeof(code);
	ck_assert_fails(ax_machine_new(&options, &machine, &err), -EINVAL, AX_ERROR_ARGUMENT,
			"device tree");
	/* One that is whole, and larger than RAM. */
	ck_assert_int_eq(fdt_create_empty_tree(large, sizeof(large)), 0);
	ck_assert_int_eq(fdt_setprop(large, 0, "large", page, sizeof(page)), 0);
	other_load.device_tree = large;
	other_load.device_tree_len = sizeof(large);
	options.memory = 4096;
	ck_assert_fails(ax_machine_new(&options, &machine, &err), -ENOSPC, AX_ERROR_IMAGE,
			"does not fit into 4096 bytes");
	ck_assert_ptr_null(machine);
}
END_TEST

START_TEST(the_power_button_needs_a_gic_and_a_timer)
{
	AxMachineOptions options = usual_options();
	AxMachine *machine = new_machine(&options);
	AxError err;
	AxHost *host;

	ck_assert_fails(ax_machine_power_button(machine, &err), -EPERM, AX_ERROR_STATE, "host");
	ax_machine_free(machine);
	options.irqchip = AX_IRQCHIP_NONE;
	machine = new_machine(&options);
	ck_assert_fails(ax_machine_power_button(machine, &err), -ENOTSUP, AX_ERROR_UNSUPPORTED,
			"GIC");
	ax_machine_free(machine);
	ck_assert_int_eq(ax_host_new(NULL, NULL, &host, NULL), 0);
	options = usual_options();
	options.host = host;
	machine = new_machine(&options);
	ck_assert_int_eq(ax_machine_power_button(machine, &err), 0);
	ax_machine_free(machine);
	ax_host_free(host);
}
END_TEST

START_TEST(whatever_kvm_refuses_nothing_leaks)
{
	AxMachineOptions options = firmware_options();
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

START_TEST(whatever_memory_is_lacking_nothing_leaks)
{
	AxMachineOptions options = firmware_options();
	unsigned nth = 1;

	for (;; nth++) {
		AxMachine *machine = NULL;
		AxError err = AX_ERROR_INIT;
		int ret;

		fake_libc_fail(LIBC_MALLOC, nth, ENOMEM);
		ret = ax_machine_new(&options, &machine, &err);
		if (!fake_libc_failed(LIBC_MALLOC)) {
			ck_assert_int_eq(ret, 0);
			ax_machine_free(machine);
			break;
		}
		if (ret == 0)
			ax_machine_free(machine);
		else
			ck_assert_msg(ret == -ENOMEM, "%u: %d %s", nth, ret, err.message);
		ck_assert_uint_eq(fake_sys_open_count(), 0);
	}
	ck_assert_uint_gt(nth, 10);
}
END_TEST

RUN_CORE_TESTS("arm64 machine", an_image_finds_the_tree_that_the_machine_tells_of,
	       firmware_begins_at_0_and_finds_its_tree_where_ram_begins,
	       firmware_that_cannot_be_is_refused, the_power_button_needs_a_gic_and_a_timer,
	       whatever_kvm_refuses_nothing_leaks, whatever_memory_is_lacking_nothing_leaks)
