/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Firmware of the arm64 board, in the first of the two flashes that QEMU's board has; the second, where
 * U-Boot looks for its variables, is empty. It finds the device tree where RAM begins. What is written to
 * flash goes nowhere.
 */
#include <errno.h>
#include <inttypes.h>

#include "machine/arm64/board.h"
#include "machine/fdt.h"

static int check_firmware(const AxImageSource *firmware, const AxLoadOptions *options, AxError *err)
{
	const char *line = options->command_line;

	if (!boot_sized(firmware, sizeof(*firmware)))
		return ax_error_argument(err, -EINVAL, "the firmware's size is not set");
	if (!firmware->bytes || !firmware->len || firmware->len > AX_MACHINE_FIRMWARE_MAX)
		return boot_error(err, AX_ERROR_IMAGE, 0, -ENOSPC, firmware->name,
				  "firmware of %zu bytes: 1 byte to %llu MiB would fit",
				  firmware->bytes ? firmware->len : 0,
				  AX_MACHINE_FIRMWARE_MAX / ONE_MIB);
	if (options->module_count)
		return boot_error(err, AX_ERROR_IMAGE, 0, -ENOTSUP, firmware->name,
				  "firmware loads its initrd by itself, from a disk say");
	if (line && strnlen(line, AX_COMMAND_LINE_MAX) == AX_COMMAND_LINE_MAX)
		return boot_error(
			err, AX_ERROR_IMAGE, 0, -ENOSPC, firmware->name,
			"a command line of %zu bytes is too long: at most %d are possible",
			strlen(line), AX_COMMAND_LINE_MAX - 1);
	return 0;
}

static int add_flash(AxVm *vm, const AxImageSource *firmware, AxError *err)
{
	int ret = ax_ram_add(vm, FLASH_BASE, FLASH_SIZE, AX_RAM_READONLY, err);
	AxMemView view;

	if (!ret)
		ret = ax_mem_get(vm, FLASH_BASE, firmware->len, AX_MEM_WRITE, &view);
	if (ret)
		return ret;
	memcpy(view.host, firmware->bytes, firmware->len);
	ax_mem_put(vm, &view, firmware->len);
	return 0;
}

static int put_tree(AxMachine *machine, struct load *load, AxError *err)
{
	const struct tree_chosen chosen = { .command_line = load->options->command_line };
	int ret = load_complete_tree(load, &chosen, err);

	if (ret)
		return ret;
	if (load->tree.len > machine->memory ||
	    ax_mem_write(machine->vm, RAM_BASE, load->tree.bytes, load->tree.len))
		return boot_error(err, AX_ERROR_IMAGE, 0, -ENOSPC, load->source->name,
				  "the device tree of %zu bytes does not fit into %" PRIu64
				  " bytes of RAM",
				  load->tree.len, machine->memory);
	return 0;
}

int arm64_load_firmware(AxMachine *machine, const AxImageSource *firmware,
			const AxLoadOptions *options, AxVCpuSetup *setup, AxError *err)
{
	struct load load = { .vm = machine->vm, .source = firmware, .options = options };
	int ret;

	ret = check_firmware(firmware, options, err);
	if (!ret)
		ret = add_flash(machine->vm, firmware, err);
	if (!ret)
		ret = put_tree(machine, &load, err);
	machine->tree = load.tree;
	if (ret)
		return ret;
	setup->mode = AX_MODE_NATIVE;
	setup->entry = FLASH_BASE;
	setup->arg = RAM_BASE;
	return 0;
}
