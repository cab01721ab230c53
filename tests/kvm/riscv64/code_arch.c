/* SPDX-License-Identifier: Apache-2.0 */
/*
 * How a vCPU begins a piece of code on riscv64: in supervisor mode without paging.
 */
#include "code_arch.h"
#include "code_riscv.h"

void code_arch_fill_ram(AxVm *vm)
{
	(void)vm;
}

void code_arch_setup(uint32_t id, AxVCpuSetup *setup)
{
	setup->stack = CODE_STACKS - 1024 * id;
}

const struct code_producer code_producers[] = {
	{ NULL, NULL },
};

const char code_pc[] = "pc";

const char *const code_tour_exits[] = {
	"read mmio+0x0 len 1",
	"read mmio+0x2 len 2",
	"read mmio+0x4 len 4",
	"read mmio+0x8 len 8",
	"read mmio+0x31 len 1",
	"read mmio+0x32 len 1",
	"read mmio+0x34 len 2",
	"read mmio+0x36 len 2",
	"read mmio+0x38 len 4",
	"read mmio+0x3c len 4",
	"write mmio+0x40 len 1",
	"write mmio+0x42 len 2",
	"write mmio+0x44 len 4",
	"write mmio+0x48 len 8",
	"read mmio+0x50 len 4",
	"read mmio+0x58 len 8",
	"write mmio+0x60 len 4",
	"write mmio+0x68 len 8",
	"read mmio+0x8000 len 4",
	"write mmio+0x8000 len 4",
	"call 0x1234 1 6",
	"write mmio+0x3008 len 8",
	"write mmio+0x3000 len 4",
	NULL,
};
