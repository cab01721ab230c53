/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Breakpoints and watchpoints of a debugger: what is set, and instructions in the guest's memory that
 * stand in for others.
 */
#ifndef AXVMM_DEBUG_POINTS_H
#define AXVMM_DEBUG_POINTS_H

#include <axvmm/debug.h>
#include <axvmm/memory.h>

/* As many as a user sets in a long night. */
#define SOFT_POINTS_MAX 1024

/* Where a breakpoint instruction is in the place of others. */
struct soft_point {
	uint64_t address;	/* virtual, as gdb has it */
	AxGuestPhysAddr gpa[2]; /* of its first byte, and of the first one behind a page's end */
	uint8_t split;		/* bytes before a page's end; length: it crosses none */
	uint8_t length;
	uint8_t insn[4];
	uint8_t saved[4]; /* what it stands in for */
	bool is_step;	  /* for one step of a vCPU: gone at the next stop */
	bool is_lost;	  /* between soft_lift() and soft_place(): the guest has written over it */
};

struct points {
	unsigned soft_count;
	struct soft_point soft[SOFT_POINTS_MAX];
	unsigned hard_count;
	AxDebugPoint hard[AX_DEBUG_POINTS_MAX];
	unsigned hard_uses[AX_DEBUG_POINTS_MAX];
};

/*
 * Put a breakpoint instruction at @address, through the page tables of @vcpu, which is at rest.
 * Returns 0; -ENOSPC too many; -EFAULT nothing is mapped there.
 */
int soft_insert(struct points *points, AxVCpu *vcpu, uint64_t address, const uint8_t *bytes,
		size_t length, bool is_step);

/* Take it away again. False: there is none. */
bool soft_remove(struct points *points, AxVm *vm, uint64_t address);

/* Take away all, or those of steps. @vm NULL: its memory is gone, too. */
void soft_clear(struct points *points, AxVm *vm, bool steps_only);

/* The instruction at @address that is there; NULL: none of ours. */
const struct soft_point *soft_find(const struct points *points, uint64_t address);

/* Memory at @gpa as it would be without them: @bytes have been read there. */
void soft_hide(const struct points *points, AxGuestPhysAddr gpa, uint8_t *bytes, size_t length);

/*
 * Take all out of the memory for a moment, so that it can be written to; put them back, but for those
 * that the guest has written over.
 */
void soft_lift(struct points *points, AxVm *vm);
void soft_place(struct points *points, AxVm *vm);

/* Points of the processor; the same twice is one. -ENOSPC more than @limits; false: there is none. */
int hard_insert(struct points *points, const AxDebugPoint *point, const AxDebugLimits *limits);
bool hard_remove(struct points *points, const AxDebugPoint *point);

/* Whether a point of the processor stops at @address. */
bool hard_stops_at(const struct points *points, uint64_t address);

/* Write to guest memory that may be code. 0, or -EFAULT. */
int write_code(AxVm *vm, AxGuestPhysAddr gpa, const void *bytes, size_t length);

#endif
