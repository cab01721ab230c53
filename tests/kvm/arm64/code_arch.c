/* SPDX-License-Identifier: Apache-2.0 */
/*
 * How a vCPU begins a piece of code on arm64: the MMU is off, and the code turns it on with the tables
 * that are made here. 39 bits are mapped to themselves, devices as device memory.
 */
#include "code_arch.h"
#include "code_arm64.h"

#define PAGE	   0x1000
#define LARGE_PAGE 0x200000
#define GIB	   0x40000000
#define ENTRIES	   512
#define GICS	   0x08000000 /* the in-kernel GIC's first and last byte */
#define GICS_END   0x0a000000

/* Descriptors: DDI 0487, D8.3. Access flag, inner shareable; index in MAIR_EL1. */
#define TABLE	     0x3
#define BLOCK	     0x701
#define LEAF	     0x703
#define NORMAL	     0x0
#define UNPRIVILEGED 0x40 /* EL0, too: LDTR and its like. EL1 executes nothing there */
#define DEVICE	     0x4

static uint64_t kind(uint64_t addr)
{
	if (addr >= CODE_MMIO && addr < CODE_MMIO + CODE_MMIO_SIZE)
		return DEVICE | UNPRIVILEGED;
	if (addr == CODE_SCRATCH)
		return NORMAL | UNPRIVILEGED;
	if (addr >= GICS && addr < GICS_END)
		return DEVICE;
	return addr >= CODE_MMIO_ABOVE && addr < UINT64_C(0x100000000) ? DEVICE : NORMAL;
}

void code_arch_fill_ram(AxVm *vm)
{
	static uint64_t tables[4][ENTRIES];

	for (uint64_t i = 0; i < ENTRIES; i++) {
		tables[0][i] = i * GIB | kind(i * GIB) | BLOCK;
		tables[1][i] = i * LARGE_PAGE | kind(i * LARGE_PAGE) | BLOCK;
		tables[2][i] =
			(3ull * GIB + i * LARGE_PAGE) | kind(3ull * GIB + i * LARGE_PAGE) | BLOCK;
		tables[3][i] = i * PAGE | kind(i * PAGE) | LEAF;
	}
	tables[0][0] = (CODE_PAGE_TABLES + PAGE) | TABLE;
	tables[0][3] = (CODE_PAGE_TABLES + 2 * PAGE) | TABLE;
	tables[1][0] = (CODE_PAGE_TABLES + 3 * PAGE) | TABLE;
	ck_assert_int_eq(ax_mem_write(vm, CODE_PAGE_TABLES, tables, sizeof(tables)), 0);
}

void code_arch_setup(uint32_t id, AxVCpuSetup *setup)
{
	setup->stack = CODE_STACKS - 1024 * id;
}

const struct code_producer code_producers[] = {
	{ NULL, NULL },
};

const bool code_splits_at_ram_end = false;

const char code_pc[] = "pc";

const char *const code_tour_exits[] = {
	"read mmio+0x0 len 1",	   "read mmio+0x2 len 2",
	"read mmio+0x4 len 4",	   "read mmio+0x8 len 8",
	"read mmio+0x31 len 1",	   "read mmio+0x32 len 1",
	"read mmio+0x34 len 2",	   "read mmio+0x36 len 2",
	"read mmio+0x38 len 4",	   "read mmio+0x3c len 4",
	"write mmio+0x40 len 1",   "write mmio+0x42 len 2",
	"write mmio+0x44 len 4",   "write mmio+0x48 len 8",
	"read mmio+0x50 len 8",	   "read mmio+0x58 len 8",
	"write mmio+0x60 len 4",   "write mmio+0x64 len 4",
	"read mmio+0x70 len 8",	   "write mmio+0x7c len 4",
	"read mmio+0x80 len 4",	   "read mmio+0x84 len 4",
	"read mmio+0x90 len 8",	   "read mmio+0x98 len 8",
	"write mmio+0xa0 len 8",   "write mmio+0xa8 len 8",
	"read mmio+0x8000 len 4",  "write mmio+0x8000 len 4",
	"call 0x1234 1 6",	   "write mmio+0x3008 len 8",
	"write mmio+0x3000 len 4", NULL,
};
