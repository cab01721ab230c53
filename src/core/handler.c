/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Registration of what is no range: system registers, power, events, observers.
 */
#include <config.h>

#include <errno.h>
#include <inttypes.h>
#include <string.h>

#include "arch/arch.h"
#include "core/error.h"
#include "core/vm.h"
#include "sys/sys.h"

static const struct sys_reg_range *overlapping(const AxVm *vm, AxSysRegAddr first, uint32_t count)
{
	for (unsigned i = 0; i < vm->sys_reg_count; i++) {
		const struct sys_reg_range *range = &vm->sys_regs[i];

		if (first < range->first + range->count && range->first < first + count)
			return range;
	}
	return NULL;
}

int ax_sys_reg_add(AxVm *vm, const char *name, AxSysRegAddr first, uint32_t count,
		   const AxSysRegOps *ops, void *opaque, AxError *err)
{
	const struct sys_reg_range *other;
	struct sys_reg_range *range;
	int ret;

	if (!ops || ops->size < sizeof(*ops))
		return ax_error_argument(
			err, -EINVAL, "system registers without ops, or ops whose size is not set");
	if (!count || first + count < first)
		return ax_error_argument(err, -EINVAL,
					 "%" PRIu32 " system registers at 0x%" PRIx64
					 " are none, or wrap",
					 count, first);
	other = overlapping(vm, first, count);
	if (other)
		return ax_error_argument(err, -EEXIST,
					 "system registers \"%s\" at 0x%" PRIx64
					 " overlap \"%s\" at 0x%" PRIx64,
					 name ? name : "", first, other->name, other->first);
	if (vm->sys_reg_count == SYS_REG_RANGES)
		return ax_error_argument(err, -ENOSPC,
					 "KVM filters at most %d ranges of system registers",
					 SYS_REG_RANGES);
	range = &vm->sys_regs[vm->sys_reg_count];
	*range = (struct sys_reg_range){
		.first = first, .count = count, .ops = ops, .opaque = opaque
	};
	if (name)
		strncpy(range->name, name, sizeof(range->name) - 1);
	vm->sys_reg_count++;
	ret = arch_intercept_sys_regs(vm, err);
	if (ret)
		vm->sys_reg_count--;
	return ret;
}

/* KVM has this for x86-64 alone; who claims registers has it report all of them already. */
int ax_sys_reg_skip_unknown(AxVm *vm, AxError *err)
{
	int ret = 0;

	if (!sys_check_extension(vm->fd, KVM_CAP_X86_USER_SPACE_MSR))
		return ax_error_set(err, -ENOTSUP, AX_ERROR_UNSUPPORTED, 0,
				    "this KVM does not report registers that it does not know "
				    "(KVM_CAP_X86_USER_SPACE_MSR)");
	if (!vm->sys_reg_count)
		ret = sys_enable_cap(vm->fd, KVM_CAP_X86_USER_SPACE_MSR,
				     KVM_MSR_EXIT_REASON_UNKNOWN, 0);
	if (ret < 0)
		return ax_error_sys(err, ret, "KVM_CAP_X86_USER_SPACE_MSR");
	vm->skips_sys_regs = true;
	return 0;
}

static int check_at_rest(AxVm *vm, AxError *err)
{
	bool running;

	pthread_mutex_lock(&vm->lock);
	running = vm_is_running(vm);
	pthread_mutex_unlock(&vm->lock);
	return running ? ax_error_state(err, "handlers are set while no vCPU is inside its loop")
		       : 0;
}

int ax_power_set(AxVm *vm, const AxPowerOps *ops, void *opaque, AxError *err)
{
	int ret = check_at_rest(vm, err);

	if (ret)
		return ret;
	if (ops && ops->size < sizeof(*ops))
		return ax_error_argument(err, -EINVAL, "AxPowerOps.size is not set");
	vm->power_ops = ops;
	vm->power_opaque = opaque;
	return 0;
}

int ax_event_set(AxVm *vm, const AxEventOps *ops, void *opaque, AxError *err)
{
	int ret = check_at_rest(vm, err);

	if (ret)
		return ret;
	if (ops && ops->size < sizeof(*ops))
		return ax_error_argument(err, -EINVAL, "AxEventOps.size is not set");
	vm->event_ops = ops;
	vm->event_opaque = opaque;
	return 0;
}

static int set_observer(AxVm *vm, const AxObserver *observer, void *opaque, AxError *err)
{
	struct snapshot *next;

	if (called_from_handler(vm))
		return ax_error_set(err, -EDEADLK, AX_ERROR_STATE, 0,
				    "an observer can't be set from a handler: use ax_host_defer()");
	next = snapshot_copy(atomic_load(&vm->snapshot));
	if (!next)
		return ax_error_nomem(err, "an observer");
	next->observer = observer;
	next->observer_opaque = opaque;
	snapshot_choose_way(next);
	snapshot_publish(vm, next);
	snapshot_settle(vm);
	return 0;
}

int ax_observer_set(AxVm *vm, const AxObserver *observer, void *opaque, AxError *err)
{
	int ret;

	if (observer && (observer->size < sizeof(*observer) || !observer->exit))
		return ax_error_argument(err, -EINVAL, "AxObserver.size or .exit is not set");
	pthread_mutex_lock(&vm->lock);
	ret = set_observer(vm, observer, opaque, err);
	pthread_mutex_unlock(&vm->lock);
	return ret;
}
