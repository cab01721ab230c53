/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What protected and long mode begin with: a GDT, page tables, a stack. Bits are from the Intel
 * SDM, volume 3A, sections 3.4.5 and 7.2.2 (descriptors) and 4.5 (4-level paging).
 */
#include <errno.h>
#include <string.h>

#include "boot/bytes.h"
#include "machine/x86_64/load.h"

/* Flat ring 0 segments, marked as accessed so that the CPU does not have to write to them. */
#define DESCRIPTOR_CODE32 0x00cf9b000000ffffull
#define DESCRIPTOR_DATA	  0x00cf93000000ffffull
#define DESCRIPTOR_CODE64 0x00af9b000000ffffull
/* A busy task state segment of 64 KiB at 0, as TR has it. */
#define DESCRIPTOR_TASK 0x00008b000000ffffull

/* Present, writable, accessed; of a 2 MiB page also dirty and the page size bit. */
#define ENTRY_TABLE	0x23
#define ENTRY_PAGE_2MIB 0xe3

#define ENTRIES	    512
#define DIRECTORIES 4 /* 1 GiB each */
#define TWO_MIB	    (1ull << 21)

/* Pages of the boot block; boot.h says which. */
enum {
	BLOCK_STACK = 0,
	BLOCK_PML4 = 1,
	BLOCK_POINTERS = 2,
	BLOCK_DIRECTORIES = 3,
	BLOCK_GDT = BLOCK_DIRECTORIES + DIRECTORIES,
	BLOCK_PAGES
};

AX_STATIC_ASSERT(AX_BOOT_BLOCK_SIZE / PAGE_SIZE == BLOCK_PAGES, boot_block_size);

void load_gdt(uint8_t *bytes, uint64_t gpa, uint32_t mode, AxBootRegisters *regs)
{
	bool is_long = mode == AX_MODE_LONG;

	memset(bytes, 0, GDT_SIZE);
	put_le64(bytes + AX_BOOT_SELECTOR_CODE, is_long ? DESCRIPTOR_CODE64 : DESCRIPTOR_CODE32);
	put_le64(bytes + AX_BOOT_SELECTOR_DATA, DESCRIPTOR_DATA);
	put_le64(bytes + AX_BOOT_SELECTOR_TASK, DESCRIPTOR_TASK);
	put_le64(bytes + AX_BOOT_SELECTOR_OTHER, is_long ? DESCRIPTOR_CODE32 : DESCRIPTOR_CODE64);
	load_register(regs, "gdt.base", gpa);
	load_register(regs, "gdt.limit", GDT_SIZE - 1);
}

/* The first 4 GiB map to themselves. */
static void fill_page_tables(uint8_t *block, uint64_t gpa)
{
	uint8_t *pml4 = block + BLOCK_PML4 * PAGE_SIZE;
	uint8_t *pointers = block + BLOCK_POINTERS * PAGE_SIZE;
	uint8_t *directories = block + BLOCK_DIRECTORIES * PAGE_SIZE;

	memset(pml4, 0, 2 * PAGE_SIZE);
	put_le64(pml4, (gpa + BLOCK_POINTERS * PAGE_SIZE) | ENTRY_TABLE);
	for (unsigned i = 0; i < DIRECTORIES; i++)
		put_le64(pointers + 8ul * i,
			 (gpa + (BLOCK_DIRECTORIES + i) * PAGE_SIZE) | ENTRY_TABLE);
	for (uint64_t i = 0; i < DIRECTORIES * ENTRIES; i++)
		put_le64(directories + 8 * i, i * TWO_MIB | ENTRY_PAGE_2MIB);
}

int load_boot_block(struct load *load, AxVCpuSetup *setup, AxBootRegisters *regs, AxError *err)
{
	AxMemView view;
	uint64_t gpa;

	if (!boot_layout_high(&load->layout, AX_BOOT_BLOCK_SIZE, PAGE_SIZE, FOUR_GIB, &gpa))
		return load_error(
			load, err, -ENOSPC,
			"the image leaves no room in RAM for %d KiB of page tables, GDT and "
			"stack; %d KiB more RAM would do",
			AX_BOOT_BLOCK_SIZE / 1024, AX_BOOT_BLOCK_SIZE / 1024);
	if (ax_mem_get(load->vm, gpa, AX_BOOT_BLOCK_SIZE, AX_MEM_WRITE, &view))
		return load_lost_ram(load, gpa, err);
	load_gdt((uint8_t *)view.host + BLOCK_GDT * PAGE_SIZE, gpa + BLOCK_GDT * PAGE_SIZE,
		 setup->mode, regs);
	if (setup->mode == AX_MODE_LONG) {
		fill_page_tables(view.host, gpa);
		setup->page_table = gpa + BLOCK_PML4 * PAGE_SIZE;
	}
	setup->stack = gpa + (BLOCK_STACK + 1) * PAGE_SIZE;
	ax_mem_put(load->vm, &view, AX_BOOT_BLOCK_SIZE);
	return 0;
}
