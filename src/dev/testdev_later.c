/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Test device: RAISE_LATER and KICK_LATER. One timer serves all that is pending.
 */
#include <axvmm/vcpu.h>
#include <axvmm/vm.h>

#include "dev/testdev.h"

bool testdev_is_vector(bool is_kick, uint64_t vector)
{
	return vector >= (is_kick ? 0 : TESTDEV_VECTOR_MIN) && vector <= TESTDEV_VECTOR_MAX;
}

void testdev_arm(AxTestDev *dev)
{
	uint64_t next = UINT64_MAX;

	ax_lock(dev->lock);
	for (unsigned i = 0; i < dev->locked.pending_count; i++) {
		if (dev->locked.pending[i].deadline_ns < next)
			next = dev->locked.pending[i].deadline_ns;
	}
	ax_unlock(dev->lock);
	/* Outside the lock, which the callback takes. A deadline that is gone meanwhile does no harm. */
	if (next != UINT64_MAX)
		ax_timer_arm(dev->timer, next);
}

bool testdev_later(AxTestDev *dev, AxVCpu *vcpu, bool is_kick, uint64_t vector)
{
	struct testdev_locked *locked = &dev->locked;
	bool fits;

	if (!dev->timer || !testdev_is_vector(is_kick, vector))
		return false;
	ax_lock(dev->lock);
	fits = locked->pending_count < TESTDEV_PENDING;
	if (fits)
		locked->pending[locked->pending_count++] = (struct testdev_pending){
			.deadline_ns = ax_host_now(dev->host) + TESTDEV_DELAY_NS,
			.vcpu = ax_vcpu_id(vcpu),
			.vector = (uint8_t)vector,
			.is_kick = is_kick,
		};
	ax_unlock(dev->lock);
	if (fits)
		testdev_arm(dev);
	return fits;
}

/* Nobody is there to hear of a failure: the vCPU may be gone, or take no interrupts. */
static void deliver(AxVm *vm, const struct testdev_pending *pending)
{
	AxVCpu *vcpu = vm ? ax_vm_vcpu(vm, pending->vcpu) : NULL;

	if (!vcpu)
		return;
	if (pending->is_kick)
		ax_vcpu_kick(vcpu, pending->vector);
	else
		ax_vcpu_inject_interrupt(vcpu, pending->vector, NULL);
}

void testdev_timer(void *opaque)
{
	AxTestDev *dev = opaque;
	struct testdev_locked *locked = &dev->locked;
	uint64_t now = ax_host_now(dev->host);
	unsigned kept = 0;

	/* Delivered under the lock: ax_testdev_detach() takes it before the VM may go. */
	ax_lock(dev->lock);
	for (unsigned i = 0; i < locked->pending_count; i++) {
		if (locked->pending[i].deadline_ns > now)
			locked->pending[kept++] = locked->pending[i];
		else
			deliver(dev->vm, &locked->pending[i]);
	}
	locked->pending_count = kept;
	ax_unlock(dev->lock);
	testdev_arm(dev);
}
