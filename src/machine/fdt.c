/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Device trees: the writer, what every board has, and what a boot adds.
 */
#include <errno.h>
#include <libfdt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "machine/fdt_writer.h"

static void note(struct tree_writer *w, int error)
{
	if (!w->error)
		w->error = error;
}

void tree_open(struct tree_writer *w, const char *name, uint64_t unit)
{
	char full[64];

	if (unit == TREE_NO_UNIT)
		snprintf(full, sizeof(full), "%s", name);
	else
		snprintf(full, sizeof(full), "%s@%llx", name, (unsigned long long)unit);
	note(w, fdt_begin_node(w->fdt, full));
}

void tree_close(struct tree_writer *w)
{
	note(w, fdt_end_node(w->fdt));
}

void tree_flag(struct tree_writer *w, const char *name)
{
	note(w, fdt_property(w->fdt, name, NULL, 0));
}

void tree_string(struct tree_writer *w, const char *name, const char *value)
{
	note(w, fdt_property_string(w->fdt, name, value));
}

void tree_strings(struct tree_writer *w, const char *name, const char *values, size_t size)
{
	note(w, fdt_property(w->fdt, name, values, (int)size));
}

void tree_cells(struct tree_writer *w, const char *name, const uint32_t *cells, unsigned count)
{
	void *value;
	int error = fdt_property_placeholder(w->fdt, name, (int)(count * sizeof(*cells)), &value);

	note(w, error);
	if (error)
		return;
	for (unsigned i = 0; i < count; i++) {
		fdt32_t cell = cpu_to_fdt32(cells[i]);

		memcpy((char *)value + i * sizeof(cell), &cell, sizeof(cell));
	}
}

void tree_cell(struct tree_writer *w, const char *name, uint32_t cell)
{
	tree_cells(w, name, &cell, 1);
}

void tree_reg(struct tree_writer *w, uint64_t base, uint64_t size)
{
	TREE_CELLS(w, "reg", (uint32_t)(base >> 32), (uint32_t)base, (uint32_t)(size >> 32),
		   (uint32_t)size);
}

void tree_reg2(struct tree_writer *w, uint64_t base, uint64_t size, uint64_t base2, uint64_t size2)
{
	TREE_CELLS(w, "reg", (uint32_t)(base >> 32), (uint32_t)base, (uint32_t)(size >> 32),
		   (uint32_t)size, (uint32_t)(base2 >> 32), (uint32_t)base2,
		   (uint32_t)(size2 >> 32), (uint32_t)size2);
}

void tree_virtio(struct tree_writer *w, const struct tree_desc *desc, uint32_t index,
		 const uint32_t *interrupt, unsigned cells)
{
	uint64_t base = desc->virtio_base + index * desc->virtio_size;

	tree_open(w, "virtio_mmio", base);
	tree_string(w, "compatible", "virtio,mmio");
	tree_reg(w, base, desc->virtio_size);
	tree_cells(w, "interrupts", interrupt, cells);
	tree_flag(w, "dma-coherent");
	tree_close(w);
}

void tree_test_device(struct tree_writer *w, const struct tree_desc *desc)
{
	tree_open(w, "test-device", desc->test_base);
	tree_string(w, "compatible", "axvmm,test-device");
	tree_reg(w, desc->test_base, desc->test_size);
	tree_close(w);
}

static void write_memory(struct tree_writer *w, const struct tree_desc *desc)
{
	for (uint32_t i = 0; i < desc->ram_count; i++) {
		tree_open(w, "memory", desc->ram[i].base);
		tree_string(w, "device_type", "memory");
		tree_reg(w, desc->ram[i].base, desc->ram[i].size);
		tree_close(w);
	}
}

static void write_root(struct tree_writer *w, const struct tree_desc *desc)
{
	bool is_arm64 = desc->machine == AX_IMAGE_FOR_ARM64;
	char uart[64];

	note(w, fdt_begin_node(w->fdt, ""));
	tree_cell(w, "#address-cells", 2);
	tree_cell(w, "#size-cells", 2);
	/* What QEMU's boards call themselves, by which U-Boot and others know them. */
	tree_string(w, "compatible", is_arm64 ? "linux,dummy-virt" : "riscv-virtio");
	tree_string(w, "model", "axvmm,virt");
	if (is_arm64 && desc->arm64.gic)
		tree_cell(w, "interrupt-parent", TREE_INTERRUPTS);

	snprintf(uart, sizeof(uart), "%s@%llx", is_arm64 ? "/pl011" : "/soc/serial",
		 (unsigned long long)desc->uart_base);
	tree_open(w, "chosen", TREE_NO_UNIT);
	tree_string(w, "stdout-path", uart);
	tree_close(w);
	tree_open(w, "aliases", TREE_NO_UNIT);
	tree_string(w, "serial0", uart);
	tree_close(w);
	write_memory(w, desc);
	if (is_arm64)
		tree_arm64(w, desc);
	else
		tree_riscv64(w, desc);
	tree_close(w);
}

size_t tree_size_limit(uint32_t cpus, uint32_t slots)
{
	/* Measured: fixed parts below 3 KiB, below 700 bytes a hart and 200 a slot. */
	return 0x2000 + (size_t)cpus * 1024 + (size_t)slots * 256;
}

static int refuse(AxError *err, int error)
{
	if (error == -FDT_ERR_NOSPACE)
		return ax_error_set(err, -ENOSPC, AX_ERROR_RESOURCE, 0,
				    "the device tree does not fit into its buffer");
	return ax_error_argument(err, -EINVAL, "the device tree is damaged: %s",
				 fdt_strerror(error));
}

int tree_build(const struct tree_desc *desc, void *buffer, size_t size, size_t *used, AxError *err)
{
	struct tree_writer w = { .fdt = buffer };

	if (desc->machine != AX_IMAGE_FOR_ARM64 && desc->machine != AX_IMAGE_FOR_RISCV64)
		return ax_error_argument(err, -EINVAL, "machine %u has no device tree",
					 desc->machine);
	if (!desc->cpus || desc->cpus > TREE_CPUS_MAX)
		return ax_error_argument(err, -EINVAL, "a device tree has 1 to %d CPUs, not %u",
					 TREE_CPUS_MAX, desc->cpus);
	note(&w, fdt_create(buffer, size > INT32_MAX ? INT32_MAX : (int)size));
	note(&w, fdt_finish_reservemap(buffer));
	write_root(&w, desc);
	note(&w, fdt_finish(buffer));
	if (w.error)
		return refuse(err, w.error);
	*used = fdt_totalsize(buffer);
	return 0;
}

int tree_new(const struct tree_desc *desc, void **tree, size_t *len, AxError *err)
{
	size_t size = tree_size_limit(desc->cpus, desc->virtio_count);
	void *buffer = malloc(size);
	int ret;

	if (!buffer)
		return ax_error_set(err, -ENOMEM, AX_ERROR_RESOURCE, 0,
				    "no memory for a device tree");
	ret = tree_build(desc, buffer, size, len, err);
	if (ret)
		free(buffer);
	else
		*tree = buffer;
	return ret;
}

/* The node /chosen; made where the tree has none. */
static int find_chosen(void *fdt)
{
	int node = fdt_path_offset(fdt, "/chosen");

	return node == -FDT_ERR_NOTFOUND ? fdt_add_subnode(fdt, 0, "chosen") : node;
}

static int set_chosen(void *fdt, const struct tree_chosen *chosen)
{
	int node = find_chosen(fdt);
	int error = node < 0 ? node : 0;

	if (!error && chosen->command_line)
		error = fdt_setprop_string(fdt, node, "bootargs", chosen->command_line);
	if (!error && chosen->initrd_end)
		error = fdt_setprop_u64(fdt, node, "linux,initrd-start", chosen->initrd_start);
	if (!error && chosen->initrd_end)
		error = fdt_setprop_u64(fdt, node, "linux,initrd-end", chosen->initrd_end);
	return error;
}

int tree_complete(const void *tree, size_t len, const struct tree_chosen *chosen, void *buffer,
		  size_t size, size_t *used, AxError *err)
{
	int error = len > INT32_MAX ? -FDT_ERR_BADSTRUCTURE : fdt_check_full(tree, len);

	if (!error)
		error = fdt_open_into(tree, buffer, size > INT32_MAX ? INT32_MAX : (int)size);
	if (!error)
		error = set_chosen(buffer, chosen);
	if (!error)
		error = fdt_pack(buffer);
	if (error)
		return refuse(err, error);
	*used = fdt_totalsize(buffer);
	return 0;
}
