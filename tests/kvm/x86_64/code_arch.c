/* SPDX-License-Identifier: Apache-2.0 */
/*
 * How a vCPU begins a piece of code on x86-64: in 64-bit mode, the first 4 GiB mapped to
 * themselves.
 */
#include <string.h>

#include "code_arch.h"
#include "code_x86.h"

#define PAGE	    0x1000
#define PRESENT	    0x1
#define WRITABLE    0x2
#define LARGE	    0x80 /* a page of 2 MiB: SDM 3A, table 4-17 */
#define LARGE_PAGE  0x200000
#define DIRECTORIES 4
#define ENTRIES	    512

void code_arch_fill_ram(AxVm *vm)
{
	static uint64_t tables[(2 + DIRECTORIES) * ENTRIES];
	uint64_t *pml4 = tables, *pdpt = tables + ENTRIES, *directories = tables + 2 * ENTRIES;

	pml4[0] = (CODE_PAGE_TABLES + PAGE) | PRESENT | WRITABLE;
	for (uint64_t i = 0; i < DIRECTORIES; i++)
		pdpt[i] = (CODE_PAGE_TABLES + (2 + i) * PAGE) | PRESENT | WRITABLE;
	for (uint64_t i = 0; i < DIRECTORIES * ENTRIES; i++)
		directories[i] = i * LARGE_PAGE | PRESENT | WRITABLE | LARGE;
	ck_assert_int_eq(ax_mem_write(vm, CODE_PAGE_TABLES, tables, sizeof(tables)), 0);
}

void code_arch_setup(uint32_t id, AxVCpuSetup *setup)
{
	setup->mode = AX_MODE_LONG;
	setup->page_table = CODE_PAGE_TABLES;
	setup->stack = CODE_STACKS - 1024 * id;
}

/* Two vCPUs with local APICs in userspace, of which the second waits for its start. */
static void open_init(struct code_vm *vm)
{
	const struct code target = CODE(init_target);
	AxVCpuSetup waiting = AX_VCPU_SETUP_INIT;
	AxVmOptions options = AX_VM_OPTIONS_INIT;
	AxError err = AX_ERROR_INIT;
	AxVCpu *second;

	options.irqchip = AX_IRQCHIP_USER;
	code_open(vm, &options, CODE(init));
	ck_assert_int_eq(ax_mem_write(vm->vm, CODE_INIT_PAGE, target.bytes,
				      (uint64_t)(target.end - target.bytes)),
			 0);
	ck_ok(ax_vcpu_create(vm->vm, 1, &second, &err), err);
	waiting.flags = AX_SETUP_POWERED_OFF;
	ck_ok(ax_vcpu_setup(second, &waiting, &err), err);
}

const struct code_producer code_producers[] = {
	{ "init (tests/kvm)", open_init },
	{ NULL, NULL },
};

const bool code_splits_at_ram_end = true;

const char code_pc[] = "rip";

const char
	*const code_tour_exits[] = {
		"read mmio+0x0 len 1",
		"read mmio+0x2 len 2",
		"read mmio+0x4 len 4",
		"read mmio+0x8 len 8",
		"read mmio+0x31 len 1",
		"read mmio+0x33 len 4",
		"write mmio+0x40 len 1",
		"write mmio+0x42 len 2",
		"write mmio+0x44 len 4",
		"write mmio+0x48 len 8",
		"read mmio+0xffd len 3",
		"read mmio+0x1000 len 5",
		"write mmio+0xffe len 2",
		"write mmio+0x1000 len 6",
		"read mmio+0x8000 len 4",
		"write mmio+0x8000 len 4",
		"read mmio+0x50 len 4",
		"write mmio+0x50 len 4",
		"in port+0 width 1 count 1",
		"in port+0 width 2 count 1",
		"in port+0 width 4 count 1",
		"out port+0 width 1 count 1",
		"out port+0 width 2 count 1",
		"out port+0 width 4 count 1",
		"in port+0 width 2 count 3",
		"out port+0 width 2 count 1", /* string output comes one by one */
		"out port+0 width 2 count 1",
		"out port+0 width 2 count 1",
		"call 0x1234 1 6",
		"write mmio+0x3008 len 8",
		"write mmio+0x3000 len 4",
		NULL,
	};

bool code_write_port(struct code_vm *vm, unsigned port, unsigned width, uint32_t value)
{
	AxError err = AX_ERROR_INIT;
	AxVCpuExitReason exit;
	bool is_exit;

	code_set_word(vm, 0, 1, port);
	code_set_word(vm, 0, 2, value);
	code_set_word(vm, 0, 3, CODE_STORE_PORT | width);
	code_restart(vm->vcpu);
	ck_ok(ax_vcpu_bind(vm->vcpu, AX_ANY_CPU, &err), err);
	ck_ok(ax_vcpu_run(vm->vcpu, &exit, &err), err);
	is_exit = exit.kind == AX_EXIT_IO_WRITE;
	if (is_exit) {
		ck_assert_uint_eq(exit.io_write.port, port);
		ck_ok(ax_vcpu_run(vm->vcpu, &exit, &err), err);
	}
	ck_exit_kind(&exit, AX_EXIT_MMIO_WRITE);
	ck_assert_uint_eq(exit.mmio_write.addr, CODE_MMIO + CODE_END);
	ck_assert_int_eq(ax_vcpu_dispatch(vm->vcpu, &exit), AX_UNHANDLED);
	ck_ok(ax_vcpu_unbind(vm->vcpu, &err), err);
	return is_exit;
}
