/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The power state of vCPUs; see power.h.
 */
#include <config.h>

#include "core/power.h"
#include "core/vm.h"

/* vm->lock is held. */
static enum vcpu_power power_locked(const AxVCpu *vcpu)
{
	if (!atomic_load(&vcpu->powered_off))
		return VCPU_POWER_ON;
	if (vcpu->start_claimed || (atomic_load(&vcpu->requests) & REQUEST_START))
		return VCPU_POWER_PENDING;
	return VCPU_POWER_OFF;
}

enum vcpu_power vcpu_power(AxVCpu *vcpu)
{
	enum vcpu_power power;

	pthread_mutex_lock(&vcpu->vm->lock);
	power = power_locked(vcpu);
	pthread_mutex_unlock(&vcpu->vm->lock);
	return power;
}

enum vcpu_power vcpu_claim_start(AxVCpu *vcpu)
{
	enum vcpu_power power;

	pthread_mutex_lock(&vcpu->vm->lock);
	power = power_locked(vcpu);
	if (power == VCPU_POWER_OFF)
		vcpu->start_claimed = true;
	pthread_mutex_unlock(&vcpu->vm->lock);
	return power;
}

void vcpu_drop_claim(AxVCpu *vcpu)
{
	pthread_mutex_lock(&vcpu->vm->lock);
	vcpu->start_claimed = false;
	pthread_mutex_unlock(&vcpu->vm->lock);
}
