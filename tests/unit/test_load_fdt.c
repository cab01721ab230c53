/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Loading an image with a device tree, for arm64 and for riscv64: this file is built once with the
 * rules of each (load_arch), on any host.
 */
#include <libfdt.h>
#include <stdlib.h>

#include <axvmm/memory.h>
#include <axvmm/vm.h>

#include "machine/fdt.h"
#include "machine/load.h"
#include "tests/unit/boot_builder.h"
#include "tests/unit/fake_libc.h"
#include "tests/unit/fake_sys.h"

#define BASE   0x40000000ull
#define RAM    (16 * MIB)
#define INITRD 0x12345

static AxVm *vm;
static AxVCpuSetup setup;
static AxBootRegisters regs;
static AxLoadOptions options;
static AxLoadModule module;
static struct built file;
static uint64_t tree[0x800];
static uint8_t initrd[INITRD];

static void start(void)
{
	AxError err = AX_ERROR_INIT;
	const AxRamRange ram = { BASE, RAM };
	const struct tree_desc desc = {
		.machine = AX_IMAGE_FOR_ARM64,
		.cpus = 1,
		.ram = &ram,
		.ram_count = 1,
		.uart_base = 0x09000000,
	};

	fake_sys_reset();
	ck_assert_msg(ax_vm_create(NULL, &vm, &err) == 0, "%s", err.message);
	ck_assert_msg(ax_ram_add(vm, BASE, RAM, 0, &err) == 0, "%s", err.message);
	setup = (AxVCpuSetup)AX_VCPU_SETUP_INIT;
	regs = (AxBootRegisters)AX_BOOT_REGISTERS_INIT;
	options = (AxLoadOptions)AX_LOAD_OPTIONS_INIT;
	ck_assert_int_eq(tree_build(&desc, tree, sizeof(tree), &options.device_tree_len, NULL), 0);
	options.device_tree = tree;
	memset(initrd, 0x5a, sizeof(initrd));
	module.source = (AxImageSource)AX_IMAGE_SOURCE_INIT;
	module.source.name = "initrd";
	module.source.bytes = initrd;
	module.source.len = sizeof(initrd);
	memset(&file, 0, sizeof(file));
	file.len = 0x1000;
	file.bytes[0] = 0x13;
}

static void finish(void)
{
	ax_vm_destroy(vm);
	ck_assert_uint_eq(fake_sys_open_count(), 0);
}

static int try_load(AxError *err)
{
	AxImageSource source = AX_IMAGE_SOURCE_INIT;

	source.name = "guest";
	source.bytes = file.bytes;
	source.len = file.len;
	return ax_image_load(vm, &source, &options, &setup, &regs, err);
}

static void load(void)
{
	AxError err = AX_ERROR_INIT;
	int ret = try_load(&err);

	ck_assert_msg(ret == 0, "%d: %s", ret, err.message);
}

static void refuse(int ret, const char *message)
{
	AxVCpuSetup before = setup;
	AxError err = AX_ERROR_INIT;

	ck_assert_int_eq(try_load(&err), ret);
	ck_assert_str_eq(err.message, message);
	ck_assert_int_eq(memcmp(&setup, &before, sizeof(setup)), 0);
}

static const void *guest_ram(uint64_t gpa, uint64_t len)
{
	AxMemView view;
	const void *host;

	ck_assert_int_eq(ax_mem_get(vm, gpa, len, AX_MEM_READ, &view), 0);
	host = view.host;
	ax_mem_put(vm, &view, 0);
	return host;
}

/* The tree that the guest is given, which is whole. */
static const void *guest_tree(void)
{
	const void *fdt = guest_ram(setup.arg, 0x100);

	fdt = guest_ram(setup.arg, fdt_totalsize(fdt));
	ck_assert_int_eq(fdt_check_full(fdt, fdt_totalsize(fdt)), 0);
	ck_assert_uint_eq(setup.arg % 8, 0);
	return fdt;
}

static const void *chosen(const char *name, int *len)
{
	const void *fdt = guest_tree();

	return fdt_getprop(fdt, fdt_path_offset(fdt, "/chosen"), name, len);
}

static uint64_t chosen_address(const char *name)
{
	int len;
	const fdt64_t *value = chosen(name, &len);

	ck_assert_ptr_nonnull(value);
	ck_assert_int_eq(len, 8);
	return fdt64_ld(value);
}

START_TEST(the_guest_finds_its_tree_by_its_first_argument)
{
	load();
	ck_assert_uint_eq(setup.mode, AX_MODE_NATIVE);
	ck_assert_uint_eq(setup.entry, load_arch.tree_at_start ? BASE + 0x80000 : BASE + 0x200000);
	ck_assert_uint_eq(setup.stack, 0);
	ck_assert_uint_eq(regs.count, 0);
	if (load_arch.tree_at_start)
		ck_assert_uint_eq(setup.arg, BASE);
	else
		ck_assert_uint_eq(setup.arg, BASE + RAM - PAGE_SIZE);
	ck_assert_ptr_null(chosen("bootargs", NULL));
	ck_assert_ptr_null(chosen("linux,initrd-start", NULL));
	ck_assert_uint_eq(((const uint8_t *)guest_ram(setup.entry, 1))[0], 0x13);
}
END_TEST

START_TEST(the_tree_tells_of_command_line_and_initrd)
{
	uint64_t from;

	options.command_line = "console=hvc0";
	options.modules = &module;
	options.module_count = 1;
	load();
	ck_assert_str_eq(chosen("bootargs", NULL), "console=hvc0");
	from = chosen_address("linux,initrd-start");
	ck_assert_uint_eq(from % PAGE_SIZE, 0);
	ck_assert_uint_eq(chosen_address("linux,initrd-end"), from + INITRD);
	ck_assert_int_eq(memcmp(guest_ram(from, INITRD), initrd, INITRD), 0);
	/* as high as possible */
	ck_assert_uint_eq(from, BASE + RAM - 0x13000);
}
END_TEST

START_TEST(a_kernel_goes_where_its_header_says)
{
	const bool is_arm64 = load_arch.machine == AX_IMAGE_FOR_ARM64;

	build_linux(&file, load_arch.machine, is_arm64 ? &usual_arm64 : &usual_riscv64);
	load();
	ck_assert_uint_eq(setup.entry, BASE + 0x200000);
	ck_assert_uint_eq(setup.arg, is_arm64 ? BASE : BASE + RAM - PAGE_SIZE);
}
END_TEST

START_TEST(an_image_at_the_start_of_ram_keeps_its_place)
{
	options.given = AX_HINT_LOAD;
	options.load = BASE;
	load();
	ck_assert_uint_eq(setup.entry, BASE);
	ck_assert_uint_eq(setup.arg, BASE + RAM - PAGE_SIZE);
	guest_tree();
}
END_TEST

START_TEST(without_a_tree_nobody_is_told_anything)
{
	options.device_tree = NULL;
	setup.arg = 77;
	load();
	ck_assert_uint_eq(setup.arg, 77);
	options.command_line = "";
	load();
	options.command_line = "quiet";
	refuse(-ENOTSUP, "guest: only a device tree can pass on a command line, and there is none");
	options.command_line = NULL;
	options.modules = &module;
	options.module_count = 1;
	refuse(-ENOTSUP,
	       "guest: only a device tree can pass on a module (initrd), and there is none");
}
END_TEST

START_TEST(what_cannot_be_passed_on_is_refused)
{
	AxLoadModule modules[2] = { module, module };

	options.modules = modules;
	options.module_count = 2;
	refuse(-ENOTSUP, "guest: 2 modules (initrds): a device tree tells of one; join them");
	options.module_count = 1;
	modules[0].source.len = 0;
	refuse(-EINVAL, "module (initrd): it is empty");
	modules[0].source = (AxImageSource)AX_IMAGE_SOURCE_INIT;
	modules[0].source.size = 0;
	refuse(-EINVAL, "module (initrd): it is empty");
	options.modules = NULL;
}
END_TEST

START_TEST(a_command_line_that_linux_would_cut_off_is_refused)
{
	const struct built_linux header = { 0, 0x8000, 0, 2 };
	uint32_t size = load_arch.command_line_size;
	char line[AX_COMMAND_LINE_MAX + 1] = "";
	AxError err;

	memset(line, 'x', size);
	options.command_line = line;
	/* What is no Linux has room for more. */
	load();
	build_linux(&file, load_arch.machine, &header);
	ck_assert_int_eq(try_load(&err), -ENOSPC);
	ck_assert_msg(strstr(err.message, "guest: a command line of ") &&
			      strstr(err.message, "is too long: Linux for "),
		      "%s", err.message);
	line[size - 1] = '\0';
	load();
	memset(line, 'x', AX_COMMAND_LINE_MAX);
	refuse(-ENOSPC,
	       "guest: a command line of 4096 bytes is too long: at most 4095 are possible");
}
END_TEST

/* The same, by gzip: 0x1000 zeros with Linux's header would do on one architecture alone. */
START_TEST(compressed_images_are_unpacked)
{
	static const uint8_t zeros_gzip[] = {
		0x1f, 0x8b, 0x08, 0x00, 0x00, 0x00, 0x00, 0x00, 0x02, 0xff,
		0x63, 0x60, 0x18, 0x05, 0xa3, 0x60, 0x14, 0x8c, 0x54, 0x00,
		0x00, 0x2e, 0xaf, 0xb5, 0xef, 0x00, 0x04, 0x00, 0x00,
	};

	memcpy(file.bytes, zeros_gzip, sizeof(zeros_gzip));
	file.len = sizeof(zeros_gzip);
	load();
	ck_assert_uint_eq(*(const uint64_t *)guest_ram(setup.entry, 8), 0);
	/* Damaged. */
	file.len -= 10;
	refuse(-ENOEXEC, "guest: the gzip data in it is damaged: it is cut off");
}
END_TEST

START_TEST(what_does_not_fit_is_refused)
{
	uint8_t *large = calloc(1, RAM);

	module.source.bytes = large;
	module.source.len = RAM;
	options.modules = &module;
	options.module_count = 1;
	refuse(-ENOSPC, load_arch.machine == AX_IMAGE_FOR_ARM64
				? "initrd: the module (initrd) of 16777216 bytes does not fit "
				  "beside the image "
				  "into 16 MiB of RAM: at least 19 MiB would do"
				: "initrd: the module (initrd) of 16777216 bytes does not fit "
				  "beside the image "
				  "into 16 MiB of RAM: at least 21 MiB would do");
	/* It fits, and leaves no room for the tree. */
	module.source.len = RAM - PAGE_SIZE;
	options.given = AX_HINT_LOAD;
	options.load = BASE;
	ck_assert_int_eq(try_load(NULL), -ENOSPC);
	options.module_count = 0;
	file.len = sizeof(file.bytes);
	options.device_tree_len = 2 * MIB + 1;
	refuse(-ENOSPC, "guest: a device tree of 2097153 bytes is too large: Linux takes 2 MiB");
	free(large);
}
END_TEST

START_TEST(a_damaged_tree_is_refused)
{
	AxError err = AX_ERROR_INIT;

	((uint8_t *)tree)[0] = 0;
	ck_assert_int_eq(try_load(&err), -EINVAL);
	ck_assert_str_eq(err.message, "the device tree is damaged: FDT_ERR_BADMAGIC");
}
END_TEST

START_TEST(ram_above_3_gib_is_used_when_nothing_is_below)
{
	ax_vm_destroy(vm);
	ck_assert_int_eq(ax_vm_create(NULL, &vm, NULL), 0);
	ck_assert_int_eq(ax_ram_add(vm, 0x100000000, RAM, 0, NULL), 0);
	options.given = AX_HINT_LOAD;
	options.load = 0x100000000;
	load();
	ck_assert_uint_eq(setup.arg, 0x100000000 + RAM - PAGE_SIZE);
}
END_TEST

START_TEST(a_tree_larger_than_the_first_ram_goes_elsewhere)
{
	uint64_t *padded = calloc(1, 0x4000);

	ax_vm_destroy(vm);
	ck_assert_int_eq(ax_vm_create(NULL, &vm, NULL), 0);
	ck_assert_int_eq(ax_ram_add(vm, BASE, PAGE_SIZE, 0, NULL), 0);
	ck_assert_int_eq(ax_ram_add(vm, BASE + MIB, RAM, 0, NULL), 0);
	/* packing keeps what is used: a long property makes it large */
	ck_assert_int_eq(fdt_open_into(tree, padded, 0x4000), 0);
	ck_assert_int_eq(fdt_setprop(padded, 0, "long", initrd, 0x2000), 0);
	options.device_tree = padded;
	options.device_tree_len = 0x4000;
	options.given = AX_HINT_LOAD;
	options.load = BASE + MIB;
	load();
	ck_assert_uint_eq(setup.arg, BASE + MIB + RAM - 3 * PAGE_SIZE);
	guest_tree();
	free(padded);
}
END_TEST

START_TEST(no_memory_is_said)
{
	AxError err = AX_ERROR_INIT;

	fake_libc_fail(LIBC_MALLOC, 1, ENOMEM);
	ck_assert_int_eq(try_load(&err), -ENOMEM);
	ck_assert_str_eq(err.message, "no memory for a device tree");
}
END_TEST

RUN_TESTS_WITH("loading with a device tree", start, finish,
	       the_guest_finds_its_tree_by_its_first_argument,
	       the_tree_tells_of_command_line_and_initrd, a_kernel_goes_where_its_header_says,
	       an_image_at_the_start_of_ram_keeps_its_place, without_a_tree_nobody_is_told_anything,
	       what_cannot_be_passed_on_is_refused,
	       a_command_line_that_linux_would_cut_off_is_refused, compressed_images_are_unpacked,
	       what_does_not_fit_is_refused, a_damaged_tree_is_refused,
	       ram_above_3_gib_is_used_when_nothing_is_below,
	       a_tree_larger_than_the_first_ram_goes_elsewhere, no_memory_is_said)
