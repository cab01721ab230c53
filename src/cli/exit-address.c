/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What exits are about.
 */
#include "cli/exit-address.h"

bool exit_address(const AxVCpuExitReason *exit, uint64_t *address)
{
	switch (exit->kind) {
	case AX_EXIT_IO_READ: *address = exit->io_read.port; return true;
	case AX_EXIT_IO_WRITE: *address = exit->io_write.port; return true;
	case AX_EXIT_MMIO_READ: *address = exit->mmio_read.addr; return true;
	case AX_EXIT_MMIO_WRITE: *address = exit->mmio_write.addr; return true;
	case AX_EXIT_SYS_REG_READ: *address = exit->sys_reg_read.addr; return true;
	case AX_EXIT_SYS_REG_WRITE: *address = exit->sys_reg_write.addr; return true;
	case AX_EXIT_HYPERCALL: *address = exit->hypercall.nr; return true;
	case AX_EXIT_NESTED_PAGE_FAULT:
		*address = exit->nested_page_fault.addr;
		return exit->nested_page_fault.addr_known;
	default: return false;
	}
}

const char *exit_address_space(uint32_t kind)
{
	switch (kind) {
	case AX_EXIT_IO_READ:
	case AX_EXIT_IO_WRITE: return "port";
	case AX_EXIT_HYPERCALL: return "number";
	case AX_EXIT_SYS_REG_READ:
	case AX_EXIT_SYS_REG_WRITE: return "register";
	default: return "address";
	}
}
