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

static AxHandled on_end(AxVCpu *vcpu, void *opaque, uint64_t offset, AxAccessWidth width,
			uint64_t value)
{
	return AX_STOP;
}

void code_stop_at_end(struct code_vm *vm)
{
	static const AxRangeOps ops = { .size = sizeof(ops), .write = on_end };
	AxRange range = AX_RANGE_INIT;
	AxError err = AX_ERROR_INIT;

	range.name = "end";
	range.base = CODE_MMIO + CODE_END;
	range.length = 4;
	range.ops = &ops;
	ck_ok(ax_range_add_mmio(vm->vm, &range, NULL, &err), err);
}

void code_run_to_end(struct code_vm *vm)
{
	AxVmResult result = AX_VM_RESULT_INIT;
	AxError err = AX_ERROR_INIT;

	ck_ok(ax_vm_run(vm->vm, &result, &err), err);
	ck_exit_kind(&result.exit, AX_EXIT_MMIO_WRITE);
	ck_assert_uint_eq(result.end, AX_VM_END_HANDLER);
	ck_assert_uint_eq(result.exit.mmio_write.addr, CODE_MMIO + CODE_END);
}

const struct code_producer code_producers[] = {
	{ NULL, NULL },
};

const bool code_splits_at_ram_end = false;

const char code_pc[] = "pc";

const char *const code_tour_exits[] = {
	"read mmio+0x0 len 1",	   "read mmio+0x2 len 2",     "read mmio+0x4 len 4",
	"read mmio+0x8 len 8",	   "read mmio+0x31 len 1",    "read mmio+0x32 len 1",
	"read mmio+0x34 len 2",	   "read mmio+0x36 len 2",    "read mmio+0x38 len 4",
	"read mmio+0x3c len 4",	   "write mmio+0x40 len 1",   "write mmio+0x42 len 2",
	"write mmio+0x44 len 4",   "write mmio+0x48 len 8",   "read mmio+0x50 len 4",
	"read mmio+0x58 len 8",	   "write mmio+0x60 len 4",   "write mmio+0x68 len 8",
	"read mmio+0x8000 len 4",  "write mmio+0x8000 len 4", "call 0x1234 1 6",
	"write mmio+0x3008 len 8", "write mmio+0x3000 len 4", NULL,
};
