/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Memory as the guest sees it: through the page tables of its satp. KVM has no KVM_TRANSLATE on
 * riscv64. Permissions don't count, as for a debugger. The tables are the guest's and may say
 * anything: the walk has as many steps as the mode has levels, and every address goes through
 * ax_mem_read(). Source: privileged specification 1.12, 4.3.2 (walk), 4.4 to 4.6 (modes), 5 (Svnapot).
 */
#include <config.h>

#include <errno.h>
#include <inttypes.h>

#include <axvmm/memory.h>

#include "arch/riscv64/riscv.h"
#include "core/error.h"

#define PAGE_BITS  12
#define INDEX_BITS 9
#define PAGE_SIZE  (1u << PAGE_BITS)

/* satp: mode in bits 60 to 63, the root's page number in bits 0 to 43. */
#define SATP_MODE(satp) ((unsigned)((satp) >> 60))
#define SATP_PPN(satp)	((satp) & ((UINT64_C(1) << 44) - 1))
#define MODE_BARE	0
#define MODE_SV39	8
#define MODE_SV57	10

/* A page table entry: flags, the page number in bits 10 to 53, Svnapot's N. */
#define PTE_VALID    (1u << 0)
#define PTE_READ     (1u << 1)
#define PTE_WRITE    (1u << 2)
#define PTE_EXECUTE  (1u << 3)
#define PTE_PPN(pte) ((pte) >> 10 & ((UINT64_C(1) << 44) - 1))
#define PTE_NAPOT    (UINT64_C(1) << 63)

/* The only size of Svnapot: 64 KiB, which the page number's low four bits announce by 1000. */
#define NAPOT_BITS 4
#define NAPOT_CODE 8

/* Of the page that an entry at @level names, the address of @addr's own 4 KiB. */
static bool leaf_address(uint64_t pte, unsigned level, uint64_t addr, uint64_t *physical)
{
	uint64_t page = PTE_PPN(pte), below = level * INDEX_BITS;
	uint64_t mask;

	if (pte & PTE_NAPOT) {
		if (level || (page & ((1u << NAPOT_BITS) - 1)) != NAPOT_CODE)
			return false;
		below = NAPOT_BITS;
		page &= ~(uint64_t)NAPOT_CODE;
	}
	mask = (UINT64_C(1) << below) - 1;
	/* A large page is aligned to its size. */
	if (page & mask)
		return false;
	*physical = (page | (addr >> PAGE_BITS & mask)) << PAGE_BITS;
	return true;
}

/* Addresses are sign-extended from the highest bit that the mode translates. */
static bool is_canonical(uint64_t addr, unsigned levels)
{
	unsigned unused = 64 - (PAGE_BITS + levels * INDEX_BITS);

	return (uint64_t)((int64_t)(addr << unused) >> unused) == addr;
}

/* The physical address of the page at @addr. */
static bool translate(AxVm *vm, uint64_t satp, uint64_t addr, uint64_t *physical)
{
	unsigned mode = SATP_MODE(satp), levels = mode - MODE_SV39 + 3;
	uint64_t table = SATP_PPN(satp) << PAGE_BITS;

	if (mode == MODE_BARE) {
		*physical = addr & ~(uint64_t)(PAGE_SIZE - 1);
		return true;
	}
	if (mode < MODE_SV39 || mode > MODE_SV57 || !is_canonical(addr, levels))
		return false;
	for (unsigned level = levels; level-- > 0;) {
		uint64_t index =
			addr >> (PAGE_BITS + level * INDEX_BITS) & ((1u << INDEX_BITS) - 1);
		uint64_t pte;

		if (ax_mem_read(vm, table + index * sizeof(pte), &pte, sizeof(pte)) ||
		    !(pte & PTE_VALID) || (pte & (PTE_READ | PTE_WRITE)) == PTE_WRITE)
			return false;
		if (pte & (PTE_READ | PTE_EXECUTE))
			return leaf_address(pte, level, addr, physical);
		table = PTE_PPN(pte) << PAGE_BITS;
	}
	return false;
}

int arch_translate(AxVCpu *vcpu, uint64_t addr, uint64_t *gpa, AxError *err)
{
	uint64_t satp;
	int ret = riscv_get(vcpu, RISCV_REG_CSR(satp), &satp, err);

	if (ret)
		return ret;
	if (!translate(vcpu->vm, satp, addr, gpa))
		return -EFAULT;
	*gpa |= addr % PAGE_SIZE;
	return 0;
}

int arch_read_virtual(AxVCpu *vcpu, uint64_t addr, void *buffer, size_t len, AxError *err)
{
	size_t done = 0;
	uint64_t satp;
	int ret = riscv_get(vcpu, RISCV_REG_CSR(satp), &satp, err);

	if (ret)
		return ret;
	if (len > INT32_MAX)
		len = INT32_MAX;
	while (done < len) {
		uint64_t at = addr + done, physical;
		size_t offset = (size_t)(at % PAGE_SIZE), piece = PAGE_SIZE - offset;

		if (piece > len - done)
			piece = len - done;
		if (!translate(vcpu->vm, satp, at, &physical) ||
		    ax_mem_read(vcpu->vm, physical + offset, (char *)buffer + done, piece))
			break;
		done += piece;
	}
	if (len && !done)
		return ax_error_argument(err, -EFAULT,
					 "no RAM is mapped at virtual address 0x%" PRIx64, addr);
	return (int)done;
}
