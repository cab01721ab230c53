/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Single-step where KVM has none: breakpoint instructions where the vCPU may be next.
 */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "debug/gdb.h"
#include "debug/step_riscv64.h"

struct reader {
	struct AxGdb *gdb;
	AxVCpu *vcpu;
};

static unsigned fetch(void *opaque, uint64_t address, uint8_t bytes[4])
{
	struct reader *reader = opaque;

	return (unsigned)gdb_peek(reader->gdb, reader->vcpu, false, address, bytes, 4);
}

static int read_hart(AxVCpu *vcpu, struct riscv_hart *hart)
{
	uint64_t mode;

	for (unsigned i = 1; i < 32; i++) {
		if (ax_vcpu_get_gpr(vcpu, i, &hart->x[i], NULL))
			return -EFAULT;
	}
	if (ax_vcpu_get_reg(vcpu, "pc", &hart->pc, NULL) ||
	    ax_vcpu_get_reg(vcpu, "sepc", &hart->sepc, NULL) ||
	    ax_vcpu_get_reg(vcpu, "stvec", &hart->stvec, NULL) ||
	    ax_vcpu_get_reg(vcpu, "mode", &mode, NULL))
		return -EFAULT;
	hart->is_user = !mode;
	return 0;
}

/* An instruction of the length of the one that is there: what follows it is not touched. */
static int place(struct AxGdb *gdb, AxVCpu *vcpu, uint64_t address)
{
	uint8_t there[4] = { 0 }, insn[4];
	size_t count = gdb_peek(gdb, vcpu, false, address, there, sizeof(there));
	size_t length = (there[0] & 3) == 3 ? 4 : 2;

	if (count < length)
		return -EFAULT;
	return soft_insert(&gdb->points, vcpu, address, insn, gdb->target->breakpoint(length, insn),
			   true);
}

int gdb_step_by_breakpoints(struct AxGdb *gdb, struct gdb_vcpu *vcpu)
{
	struct reader reader = { .gdb = gdb, .vcpu = vcpu->vcpu };
	struct riscv_hart hart = { .fetch = fetch, .opaque = &reader };
	uint64_t places[STEP_PLACES_MAX];
	unsigned count, placed = 0;

	if (gdb->target != &gdb_target_riscv64)
		return -ENOTSUP;
	if (read_hart(vcpu->vcpu, &hart))
		return -EFAULT;
	count = riscv_next(&hart, places);
	for (unsigned i = 0; i < count; i++)
		placed += !place(gdb, vcpu->vcpu, places[i]);
	return placed ? 0 : -EFAULT;
}
