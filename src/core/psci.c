/* SPDX-License-Identifier: Apache-2.0 */
/*
 * PSCI 1.1, from function ID and arguments to result and action; see psci.h.
 */
#include <config.h>

#include <stddef.h>

#include "core/psci.h"

typedef int psci_fn(const uint64_t args[3], const struct power_view *view,
		    struct psci_answer *answer);

static int version(const uint64_t args[3], const struct power_view *view,
		   struct psci_answer *answer)
{
	(void)args;
	(void)view;
	(void)answer;
	return PSCI_VERSION_1_1;
}

static int smccc_version(const uint64_t args[3], const struct power_view *view,
			 struct psci_answer *answer)
{
	(void)args;
	(void)view;
	(void)answer;
	return SMCCC_VERSION_1_1;
}

/* Reserved bits make a number that is no affinity: DEN0022, 5.6. */
static enum power_state state_of(const struct power_view *view, uint64_t affinity)
{
	if (affinity & ~PSCI_AFFINITY_MASK)
		return POWER_ABSENT;
	return view->state_of(view->vm, affinity);
}

/*
 * Standby: result when it ends. Powerdown: the same if it was not carried out, which the caller has
 * to expect (5.4). Any level is fine: power states are coordinated by the platform, which may
 * choose a shallower one.
 */
static int cpu_suspend(const uint64_t args[3], const struct power_view *view,
		       struct psci_answer *answer)
{
	uint32_t state = (uint32_t)args[0];
	bool powerdown = (state & PSCI_STATE_POWERDOWN) != 0;

	if (state & PSCI_STATE_RESERVED)
		return PSCI_INVALID_PARAMETERS;
	if (powerdown && !view->is_entry(view->vm, args[1]))
		return PSCI_INVALID_ADDRESS;
	answer->action = PSCI_ACT_CPU_SUSPEND;
	answer->state = state;
	answer->powerdown = powerdown;
	if (powerdown) {
		answer->entry = args[1];
		answer->context = args[2];
	}
	return PSCI_SUCCESS;
}

static int cpu_off(const uint64_t args[3], const struct power_view *view,
		   struct psci_answer *answer)
{
	(void)args;
	(void)view;
	answer->action = PSCI_ACT_CPU_OFF;
	return PSCI_DENIED; /* its only error */
}

static int cpu_on(const uint64_t args[3], const struct power_view *view, struct psci_answer *answer)
{
	enum power_state state = state_of(view, args[0]);

	if (state == POWER_ABSENT)
		return PSCI_INVALID_PARAMETERS;
	if (!view->is_entry(view->vm, args[1]))
		return PSCI_INVALID_ADDRESS;
	if (state == POWER_ON_PENDING)
		return PSCI_ON_PENDING;
	if (state != POWER_OFF)
		return PSCI_ALREADY_ON;
	answer->action = PSCI_ACT_CPU_ON;
	answer->target = args[0];
	answer->entry = args[1];
	answer->context = args[2];
	return PSCI_SUCCESS;
}

static int affinity_info(const uint64_t args[3], const struct power_view *view,
			 struct psci_answer *answer)
{
	(void)answer;
	/* Levels above 0 are optional since 1.0, and nobody needs them: 5.7. */
	if ((uint32_t)args[1] != 0)
		return PSCI_INVALID_PARAMETERS;
	switch (state_of(view, args[0])) {
	case POWER_ABSENT: return PSCI_INVALID_PARAMETERS;
	case POWER_OFF: return PSCI_AFFINITY_OFF;
	case POWER_ON_PENDING: return PSCI_AFFINITY_ON_PENDING;
	default: return PSCI_AFFINITY_ON;
	}
}

static int migrate_info_type(const uint64_t args[3], const struct power_view *view,
			     struct psci_answer *answer)
{
	(void)args;
	(void)view;
	(void)answer;
	return PSCI_TOS_NOT_PRESENT;
}

static int system_off(const uint64_t args[3], const struct power_view *view,
		      struct psci_answer *answer)
{
	(void)args;
	(void)view;
	answer->action = PSCI_ACT_SYSTEM_OFF;
	return PSCI_INTERNAL_FAILURE;
}

static int system_reset(const uint64_t args[3], const struct power_view *view,
			struct psci_answer *answer)
{
	(void)args;
	(void)view;
	answer->action = PSCI_ACT_SYSTEM_RESET;
	return PSCI_INTERNAL_FAILURE;
}

static int system_reset2(const uint64_t args[3], const struct power_view *view,
			 struct psci_answer *answer)
{
	uint32_t type = (uint32_t)args[0];

	(void)view;
	if (type != PSCI_RESET2_WARM && !(type & PSCI_RESET2_VENDOR))
		return PSCI_INVALID_PARAMETERS;
	answer->action = PSCI_ACT_SYSTEM_RESET2;
	answer->reset_type = type;
	answer->cookie = args[1];
	return PSCI_INTERNAL_FAILURE;
}

static int system_suspend(const uint64_t args[3], const struct power_view *view,
			  struct psci_answer *answer)
{
	if (!view->system_suspend)
		return PSCI_NOT_SUPPORTED;
	if (!view->others_are_off(view->vm, view->self))
		return PSCI_DENIED;
	if (!view->is_entry(view->vm, args[0]))
		return PSCI_INVALID_ADDRESS;
	answer->action = PSCI_ACT_SYSTEM_SUSPEND;
	answer->entry = args[0];
	answer->context = args[1];
	return PSCI_SUCCESS;
}

static psci_fn features, arch_features;

/* Functions that are answered at all: each by its 32-bit ID. */
static const struct {
	uint32_t id;
	bool has_64; /* there is a 64-bit form as well */
	psci_fn *call;
} functions[] = {
	{ SMCCC_VERSION, false, smccc_version },
	{ SMCCC_ARCH_FEATURES, false, arch_features },
	{ PSCI_GET_VERSION, false, version },
	{ PSCI_CPU_SUSPEND, true, cpu_suspend },
	{ PSCI_CPU_OFF, false, cpu_off },
	{ PSCI_CPU_ON, true, cpu_on },
	{ PSCI_AFFINITY_INFO, true, affinity_info },
	{ PSCI_MIGRATE_INFO_TYPE, false, migrate_info_type },
	{ PSCI_SYSTEM_OFF, false, system_off },
	{ PSCI_SYSTEM_RESET, false, system_reset },
	{ PSCI_FEATURES, false, features },
	{ PSCI_SYSTEM_SUSPEND, true, system_suspend },
	{ PSCI_SYSTEM_RESET2, true, system_reset2 },
};

static psci_fn *find(uint32_t function)
{
	for (size_t i = 0; i < sizeof(functions) / sizeof(functions[0]); i++)
		if (functions[i].id == function ||
		    (functions[i].has_64 && PSCI_64(functions[i].id) == function))
			return functions[i].call;
	return NULL;
}

/*
 * No function has a flag to tell: for CPU_SUSPEND zero says power_state in its original format, and
 * no mode in which the operating system coordinates (5.16).
 */
static int features(const uint64_t args[3], const struct power_view *view,
		    struct psci_answer *answer)
{
	psci_fn *call = find((uint32_t)args[0]);

	(void)answer;
	/* Of the SMCCC's own functions only the version is asked for here: 5.16. */
	if (!call || call == arch_features)
		return PSCI_NOT_SUPPORTED;
	if (call == system_suspend && !view->system_suspend)
		return PSCI_NOT_SUPPORTED;
	return PSCI_SUCCESS;
}

/* Mandatory as of SMCCC 1.1; there are no workarounds to offer. DEN0028. */
static int arch_features(const uint64_t args[3], const struct power_view *view,
			 struct psci_answer *answer)
{
	uint32_t function = (uint32_t)args[0];

	(void)view;
	(void)answer;
	if (function == SMCCC_VERSION || function == SMCCC_ARCH_FEATURES)
		return PSCI_SUCCESS;
	return PSCI_NOT_SUPPORTED;
}

bool psci_owns(uint32_t function)
{
	return function == SMCCC_VERSION || function == SMCCC_ARCH_FEATURES ||
	       (function & ~0x40000000u) - PSCI_GET_VERSION < PSCI_FUNCTIONS;
}

void psci_call(uint32_t function, const uint64_t args[3], const struct power_view *view,
	       struct psci_answer *answer)
{
	/* In a 32-bit call the upper halves of the registers are no arguments: DEN0028, 2. */
	uint64_t mask = function & 0x40000000 ? UINT64_MAX : UINT32_MAX;
	const uint64_t used[3] = { args[0] & mask, args[1] & mask, args[2] & mask };
	psci_fn *call = find(function);

	*answer = (struct psci_answer){ .action = PSCI_ACT_NONE };
	answer->result = (uint64_t)(int64_t)(call ? call(used, view, answer) : PSCI_NOT_SUPPORTED);
}
