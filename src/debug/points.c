/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Breakpoints and watchpoints; see points.h.
 */
#include <errno.h>
#include <string.h>

#include "debug/points.h"

#define PAGE 4096

int write_code(AxVm *vm, AxGuestPhysAddr gpa, const void *bytes, size_t length)
{
	AxMemView view;

	if (ax_mem_get(vm, gpa, length, AX_MEM_READ | AX_MEM_WRITE, &view))
		return -EFAULT;
	memcpy(view.host, bytes, length);
	/* Where instructions are not looked up in the data cache, the guest would run the old ones. */
	__builtin___clear_cache((char *)view.host, (char *)view.host + length);
	ax_mem_put(vm, &view, length);
	return 0;
}

/* One that crosses into another page, which may be anywhere, is two pieces. */
static int locate(AxVCpu *vcpu, struct soft_point *point)
{
	uint64_t left = PAGE - point->address % PAGE;

	point->split = left < point->length ? (uint8_t)left : point->length;
	if (ax_vcpu_translate(vcpu, point->address, &point->gpa[0], NULL))
		return -EFAULT;
	if (point->split < point->length &&
	    ax_vcpu_translate(vcpu, point->address + point->split, &point->gpa[1], NULL))
		return -EFAULT;
	return 0;
}

static int move_pieces(AxVm *vm, const struct soft_point *point, uint8_t *read,
		       const uint8_t *written)
{
	size_t sizes[2] = { point->split, (size_t)point->length - point->split };
	size_t at = 0;

	for (unsigned i = 0; i < 2; at += sizes[i++]) {
		if (!sizes[i])
			continue;
		if (read && ax_mem_read(vm, point->gpa[i], read + at, sizes[i]))
			return -EFAULT;
		if (written && write_code(vm, point->gpa[i], written + at, sizes[i]))
			return -EFAULT;
	}
	return 0;
}

int soft_insert(struct points *points, AxVCpu *vcpu, uint64_t address, const uint8_t *bytes,
		size_t length, bool is_step)
{
	struct soft_point point = { .address = address,
				    .length = (uint8_t)length,
				    .is_step = is_step };
	AxVm *vm = ax_vcpu_vm(vcpu);

	if (soft_find(points, address))
		return 0;
	if (points->soft_count == SOFT_POINTS_MAX)
		return -ENOSPC;
	memcpy(point.insn, bytes, length);
	if (locate(vcpu, &point) || move_pieces(vm, &point, point.saved, NULL) ||
	    move_pieces(vm, &point, NULL, bytes))
		return -EFAULT;
	points->soft[points->soft_count++] = point;
	return 0;
}

static void forget(struct points *points, unsigned index)
{
	memmove(&points->soft[index], &points->soft[index + 1],
		(points->soft_count - index - 1) * sizeof(points->soft[0]));
	points->soft_count--;
}

/*
 * In reverse, and again in the order in which they were set: one may lie upon another. What the guest
 * has written over one itself stays, and that one is not put back.
 */
void soft_lift(struct points *points, AxVm *vm)
{
	for (unsigned i = points->soft_count; i-- > 0;) {
		struct soft_point *point = &points->soft[i];
		uint8_t there[sizeof(point->insn)];

		point->is_lost = move_pieces(vm, point, there, NULL) ||
				 memcmp(there, point->insn, point->length) != 0;
		if (!point->is_lost)
			move_pieces(vm, point, NULL, point->saved);
	}
}

void soft_place(struct points *points, AxVm *vm)
{
	for (unsigned i = points->soft_count; i-- > 0;) {
		if (points->soft[i].is_lost)
			forget(points, i);
	}
	for (unsigned i = 0; i < points->soft_count; i++) {
		struct soft_point *point = &points->soft[i];

		if (!move_pieces(vm, point, point->saved, NULL))
			move_pieces(vm, point, NULL, point->insn);
	}
}

bool soft_remove(struct points *points, AxVm *vm, uint64_t address)
{
	for (unsigned i = 0; i < points->soft_count; i++) {
		if (points->soft[i].address == address && !points->soft[i].is_step) {
			soft_lift(points, vm);
			forget(points, i);
			soft_place(points, vm);
			return true;
		}
	}
	return false;
}

void soft_clear(struct points *points, AxVm *vm, bool steps_only)
{
	if (!points->soft_count)
		return;
	if (vm)
		soft_lift(points, vm);
	for (unsigned i = points->soft_count; i-- > 0;) {
		if (!steps_only || points->soft[i].is_step)
			forget(points, i);
	}
	if (vm)
		soft_place(points, vm);
}

const struct soft_point *soft_find(const struct points *points, uint64_t address)
{
	for (unsigned i = 0; i < points->soft_count; i++) {
		if (points->soft[i].address == address)
			return &points->soft[i];
	}
	return NULL;
}

/* The last one set lies on top. */
void soft_hide(const struct points *points, AxGuestPhysAddr gpa, uint8_t *bytes, size_t length)
{
	for (unsigned i = points->soft_count; i-- > 0;) {
		const struct soft_point *point = &points->soft[i];

		for (unsigned byte = 0; byte < point->length; byte++) {
			AxGuestPhysAddr at = byte < point->split
						     ? point->gpa[0] + byte
						     : point->gpa[1] + byte - point->split;

			if (at >= gpa && at - gpa < length)
				bytes[at - gpa] = point->saved[byte];
		}
	}
}

static bool is_same(const AxDebugPoint *a, const AxDebugPoint *b)
{
	return a->address == b->address && a->kind == b->kind &&
	       (a->kind == AX_DEBUG_EXECUTE || a->length == b->length);
}

static bool has_room(const struct points *points, const AxDebugPoint *point,
		     const AxDebugLimits *limits)
{
	bool is_break = point->kind == AX_DEBUG_EXECUTE;
	unsigned same = 0;

	for (unsigned i = 0; i < points->hard_count; i++)
		same += (points->hard[i].kind == AX_DEBUG_EXECUTE) == is_break;
	if (limits->shared)
		same = points->hard_count;
	return points->hard_count < AX_DEBUG_POINTS_MAX &&
	       same < (is_break ? limits->breakpoints : limits->watchpoints);
}

int hard_insert(struct points *points, const AxDebugPoint *point, const AxDebugLimits *limits)
{
	for (unsigned i = 0; i < points->hard_count; i++) {
		if (is_same(&points->hard[i], point)) {
			points->hard_uses[i]++;
			return 0;
		}
	}
	if (!has_room(points, point, limits))
		return -ENOSPC;
	points->hard_uses[points->hard_count] = 1;
	points->hard[points->hard_count++] = *point;
	return 0;
}

bool hard_remove(struct points *points, const AxDebugPoint *point)
{
	for (unsigned i = 0; i < points->hard_count; i++) {
		if (!is_same(&points->hard[i], point))
			continue;
		if (--points->hard_uses[i])
			return true;
		points->hard_count--;
		points->hard[i] = points->hard[points->hard_count];
		points->hard_uses[i] = points->hard_uses[points->hard_count];
		return true;
	}
	return false;
}

bool hard_stops_at(const struct points *points, uint64_t address)
{
	for (unsigned i = 0; i < points->hard_count; i++) {
		if (points->hard[i].kind == AX_DEBUG_EXECUTE && points->hard[i].address == address)
			return true;
	}
	return false;
}
