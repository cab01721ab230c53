/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A look over a vCPU's shoulder: its last access, as the shared pages have it. The owner and KVM
 * write there without regard to us, so that each field is read once and nothing is believed but as
 * an address to look up.
 */
#include <config.h>

#include <stdio.h>

#include "core/stats.h"
#include "core/vcpu.h"
#include "core/vm.h"

#define look(field) __atomic_load_n(&(field), __ATOMIC_RELAXED)

_Static_assert(AX_ACCESS_DEVICE_SIZE >= RANGE_NAME_SIZE, "a range's name fits");

/* Which space and where; false: no access. */
static bool look_at(const struct kvm_run *run, enum range_space *space, AxAccess *out)
{
	uint32_t reason = look(run->exit_reason);

	if (reason == KVM_EXIT_MMIO) {
		*space = RANGE_MMIO;
		out->addr = look(run->mmio.phys_addr);
		out->kind = look(run->mmio.is_write) ? AX_EXIT_MMIO_WRITE : AX_EXIT_MMIO_READ;
		return true;
	}
	if (reason == KVM_EXIT_IO) {
		*space = RANGE_PORT;
		out->addr = look(run->io.port);
		out->kind = look(run->io.direction) == KVM_EXIT_IO_OUT ? AX_EXIT_IO_WRITE
								       : AX_EXIT_IO_READ;
		return true;
	}
	return false;
}

bool ax_vcpu_last_access(const AxVCpu *vcpu, AxAccess *out)
{
	enum range_space space;
	const struct range *range;
	AxVm *vm = vcpu->vm;

	if (out->size < sizeof(*out) || !look_at(vcpu->run, &space, out))
		return false;
	/* Under it snapshots stay. */
	pthread_mutex_lock(&vm->lock);
	range = range_find(&atomic_load(&vm->snapshot)->table[space], out->addr);
	snprintf(out->device, sizeof(out->device), "%s", range ? range->name : "");
	pthread_mutex_unlock(&vm->lock);
	return true;
}
