/* SPDX-License-Identifier: Apache-2.0 */
/*
 * SBI 2.0, from function and arguments to error, value and action; see sbi.h.
 */
#include <config.h>

#include "core/sbi.h"

static int hart_start(const uint64_t args[3], const struct power_view *view,
		      struct sbi_answer *answer)
{
	enum power_state state = view->state_of(view->vm, args[0]);

	if (state == POWER_ABSENT)
		return SBI_ERR_INVALID_PARAM;
	if (!view->is_entry(view->vm, args[1]))
		return SBI_ERR_INVALID_ADDRESS;
	/* It will be stopped soon, and is neither started nor can be: ask again. */
	if (state == POWER_OFF_PENDING)
		return SBI_ERR_FAILED;
	if (state != POWER_OFF)
		return SBI_ERR_ALREADY_AVAILABLE;
	answer->action = SBI_ACT_HART_START;
	answer->hart = args[0];
	answer->address = args[1];
	answer->opaque = args[2];
	return SBI_SUCCESS;
}

static int hart_get_status(const uint64_t args[3], const struct power_view *view,
			   struct sbi_answer *answer)
{
	switch (view->state_of(view->vm, args[0])) {
	case POWER_ABSENT: return SBI_ERR_INVALID_PARAM;
	case POWER_ON: answer->value = SBI_HSM_STARTED; break;
	case POWER_OFF: answer->value = SBI_HSM_STOPPED; break;
	case POWER_ON_PENDING: answer->value = SBI_HSM_START_PENDING; break;
	case POWER_OFF_PENDING: answer->value = SBI_HSM_STOP_PENDING; break;
	case POWER_SUSPENDED: answer->value = SBI_HSM_SUSPENDED; break;
	}
	return SBI_SUCCESS;
}

static int hart_suspend(const uint64_t args[3], const struct power_view *view,
			struct sbi_answer *answer)
{
	uint32_t type = (uint32_t)args[0];

	/* Reserved, or a platform's: there are none here. */
	if (type != SBI_HSM_SUSPEND_RETENTIVE && type != SBI_HSM_SUSPEND_NON_RETENTIVE)
		return SBI_ERR_INVALID_PARAM;
	if (type == SBI_HSM_SUSPEND_RETENTIVE) {
		answer->retentive = true;
	} else if (view->is_entry(view->vm, args[1])) {
		answer->address = args[1];
		answer->opaque = args[2];
	} else {
		return SBI_ERR_INVALID_ADDRESS;
	}
	answer->action = SBI_ACT_HART_SUSPEND;
	return SBI_SUCCESS;
}

static int hart_stop(struct sbi_answer *answer)
{
	answer->action = SBI_ACT_HART_STOP;
	return SBI_ERR_FAILED; /* its only error */
}

void sbi_hsm_call(uint64_t function, const uint64_t args[3], const struct power_view *view,
		  struct sbi_answer *answer)
{
	*answer = (struct sbi_answer){ .action = SBI_ACT_NONE };
	switch (function) {
	case SBI_HSM_HART_START: answer->error = hart_start(args, view, answer); break;
	case SBI_HSM_HART_STOP: answer->error = hart_stop(answer); break;
	case SBI_HSM_HART_GET_STATUS: answer->error = hart_get_status(args, view, answer); break;
	case SBI_HSM_HART_SUSPEND: answer->error = hart_suspend(args, view, answer); break;
	default: answer->error = SBI_ERR_NOT_SUPPORTED; break;
	}
}

void sbi_base_call(uint64_t function, const uint64_t args[3], const uint32_t *ids, size_t count,
		   struct sbi_answer *answer)
{
	*answer = (struct sbi_answer){ .action = SBI_ACT_NONE };
	if (function != SBI_BASE_PROBE_EXT) {
		answer->error = SBI_ERR_NOT_SUPPORTED;
		return;
	}
	for (size_t i = 0; i < count; i++)
		if (ids[i] == args[0])
			answer->value = 1;
}
