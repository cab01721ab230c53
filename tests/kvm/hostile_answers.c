/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Hosts that are as erratic as the guest "hostile": handlers with random verdicts, a thread that
 * disturbs. See hostile.h.
 */
#include "hostile.h"

#include <errno.h>
#include <time.h>

/* Each vCPU's thread has a generator of its own. */
static uint64_t answer_random(AxVCpu *vcpu)
{
	static _Thread_local uint64_t state;

	if (!state)
		state = 0x9e3779b97f4a7c15 ^ ((uint64_t)ax_vcpu_id(vcpu) + 1) << 32;
	return hostile_random(&state);
}

/* Rarely the end of the run. */
static AxHandled verdict(uint64_t random)
{
	if (random % 4096 == 0)
		return AX_STOP;
	return random % 4 == 1 ? AX_UNHANDLED : AX_HANDLED;
}

static const AxRangeOps range_ops;

/* What a handler may do to its own vCPU and VM beside answering. */
static void meddle(AxVCpu *vcpu, uint64_t random)
{
	AxError err = AX_ERROR_INIT;
	AxRange range = AX_RANGE_INIT;
	uint64_t value;
	uint8_t bytes[16];

	switch (random % 64) {
	case 0: hostile_returns(ax_vcpu_kick(vcpu, random >> 8 & 0xff), 0); break;
	case 1:
		hostile_returns(ax_vcpu_inject_interrupt(vcpu, random >> 8 & 0xff, &err), 0,
				-EINVAL, -ENOTSUP);
		break;
	case 2:
		hostile_returns(ax_vcpu_get_gpr(vcpu, random >> 8 & 31, &value, &err), 0, -EPERM,
				-ENOENT);
		break;
	case 3:
		hostile_returns(ax_vcpu_read_virtual(vcpu, random, bytes, sizeof(bytes), &err), 0,
				-EFAULT, -ENOTSUP, -EPERM);
		break;
	case 4:
		range.base = random >> 8 & 0xfffff000;
		range.length = 1 + (random >> 40 & 0xff);
		range.ops = &range_ops;
		hostile_returns(ax_range_add_mmio(ax_vcpu_vm(vcpu), &range, NULL, &err), 0,
				-EEXIST);
		break;
	case 5: hostile_returns(ax_vm_pause(ax_vcpu_vm(vcpu), &err), -EDEADLK); break;
	default: break;
	}
}

static AxHandled range_read(AxVCpu *vcpu, void *opaque, uint64_t offset, AxAccessWidth width,
			    uint64_t *value)
{
	uint64_t random = answer_random(vcpu);

	ck_assert_uint_eq(*value, 0);
	ck_assert_uint_le(ax_access_width_size(width), 8);
	meddle(vcpu, random >> 16);
	*value = random;
	return verdict(random >> 8);
}

static AxHandled range_write(AxVCpu *vcpu, void *opaque, uint64_t offset, AxAccessWidth width,
			     uint64_t value)
{
	uint64_t random = answer_random(vcpu);

	ck_assert_uint_eq(value & ~ax_access_width_mask(width), 0);
	meddle(vcpu, random >> 16);
	return verdict(random >> 8);
}

static const AxRangeOps range_ops = { sizeof(range_ops), range_read, range_write };

static AxHandled on_event(AxVCpu *vcpu, void *opaque, const AxVCpuExitReason *exit)
{
	hostile_check_exit(opaque, exit);
	return verdict(answer_random(vcpu));
}

static AxHandled on_interrupt(AxVCpu *vcpu, void *opaque, uint64_t vector)
{
	ck_assert_uint_lt(vector, 256);
	return verdict(answer_random(vcpu));
}

static AxHandled on_irq_eoi(AxVCpu *vcpu, void *opaque, uint8_t vector)
{
	return verdict(answer_random(vcpu));
}

static AxHandled on_cpu_up(AxVCpu *vcpu, void *opaque, uint64_t target_cpu,
			   AxGuestPhysAddr entry_point, uint64_t arg)
{
	return verdict(answer_random(vcpu));
}

static AxHandled on_cpu_down(AxVCpu *vcpu, void *opaque, uint64_t state)
{
	return verdict(answer_random(vcpu));
}

static AxHandled on_halt(AxVCpu *vcpu, void *opaque)
{
	return verdict(answer_random(vcpu));
}

void hostile_add_handlers(struct trial *trial)
{
	static const AxEventOps events = { sizeof(events), on_event, on_interrupt, on_event,
					   on_irq_eoi };
	static const AxPowerOps power = { sizeof(power), on_cpu_up, on_cpu_down, on_event,
					  on_halt };
	AxError err = AX_ERROR_INIT;

	ck_ok(ax_event_set(trial->vm, &events, trial, &err), err);
	ck_ok(ax_power_set(trial->vm, &power, trial, &err), err);
	for (unsigned i = 0; i < atomic_load(&trial->place_count); i++) {
		AxRange range = AX_RANGE_INIT;

		range.base = trial->places[i];
		range.length = 1 + hostile_pick(&trial->random, 0x1800);
		range.ops = &range_ops;
		/* Places overlap each other, and devices. */
		hostile_returns(ax_range_add_mmio(trial->vm, &range, NULL, &err), 0, -EEXIST,
				-EINVAL);
	}
}

static void on_exit_seen(void *opaque, AxVCpu *vcpu, const AxExitRecord *record)
{
	hostile_check_exit(opaque, record->exit);
}

static void disturb_once(struct trial *trial, AxRangeId *id)
{
	static const AxObserver observer = { sizeof(observer), on_exit_seen };
	uint64_t random = hostile_random(&trial->disturber_random), bytes;
	uint64_t counts[AX_EXIT_KINDS] = { 0 };
	AxError err = AX_ERROR_INIT;
	AxRange range = AX_RANGE_INIT;
	unsigned place = (unsigned)(random >> 32) % HOSTILE_PLACES;
	AxVCpu *vcpu = ax_vm_vcpu_at(trial->vm, random >> 8 & 3);

	if (!vcpu)
		vcpu = ax_vm_vcpu_at(trial->vm, 0);
	switch (random % 8) {
	case 0: hostile_returns(ax_vcpu_kick(vcpu, random >> 16 & 0xff), 0); break;
	case 1:
		hostile_returns(ax_vm_pause(trial->vm, &err), 0);
		hostile_returns(ax_vm_resume(trial->vm, &err), 0);
		break;
	case 2:
		hostile_returns(ax_vcpu_inject_interrupt(vcpu, random >> 16 & 0xff, &err), 0,
				-EINVAL, -ENOTSUP);
		break;
	case 3:
		hostile_returns(ax_vcpu_clear_interrupt(vcpu, random >> 16 & 0xff, &err), 0,
				-EINVAL, -ENOTSUP);
		break;
	case 4:
		hostile_returns(
			ax_observer_set(trial->vm, random & 256 ? &observer : NULL, trial, &err),
			0);
		break;
	case 5:
#ifndef __SANITIZE_THREAD__ /* which takes what is plain for a race */
		ax_vcpu_exit_counts(vcpu, counts);
#endif
		ck_assert_uint_eq(counts[AX_EXIT_UNSUPPORTED], 0);
		break;
	case 6:
		hostile_returns(
			ax_mem_read(trial->vm, random >> (random & 63), &bytes, sizeof(bytes)), 0,
			-EFAULT, -EINVAL);
		break;
	default:
		if (*id) {
			hostile_returns(ax_range_remove(trial->vm, *id, &err), 0);
			*id = 0;
			break;
		}
		range.base = trial->places[place] ? trial->places[place] : random;
		range.length = 8;
		range.ops = &range_ops;
		hostile_returns(ax_range_add_mmio(trial->vm, &range, id, &err), 0, -EEXIST,
				-EINVAL);
		break;
	}
}

void *hostile_disturb(void *opaque)
{
	struct trial *trial = opaque;
	AxError err = AX_ERROR_INIT;
	AxRangeId id = 0;

	while (!atomic_load(&trial->ends)) {
		const struct timespec a_moment = {
			.tv_nsec = 20000 + hostile_pick(&trial->disturber_random, 500000)
		};

		disturb_once(trial, &id);
		nanosleep(&a_moment, NULL);
	}
	ck_ok(ax_observer_set(trial->vm, NULL, NULL, &err), err);
	return NULL;
}
