/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A model of a VM's CPUs as PSCI and SBI see it: states by number, and where a CPU may start.
 */
#ifndef AXVMM_TESTS_UNIT_POWER_FIXTURE_H
#define AXVMM_TESTS_UNIT_POWER_FIXTURE_H

#include "core/power_view.h"
#include "tests/unit/run_fixture.h"

#define MODEL_CPUS 8

/* RAM of the model: 4-byte aligned addresses in it are entries. */
#define MODEL_RAM     UINT64_C(0x40000000)
#define MODEL_RAM_END UINT64_C(0x48000000)
/* Some of it lies where 32 bits do not reach. */
#define MODEL_HIGH     UINT64_C(0x100000000)
#define MODEL_HIGH_END UINT64_C(0x180000000)

struct model_cpu {
	uint64_t id; /* affinity or hart ID */
	enum power_state state;
};

struct model {
	unsigned count;
	unsigned questions; /* that the view was asked */
	struct model_cpu cpus[MODEL_CPUS];
};

static inline struct model_cpu *model_find(struct model *model, uint64_t id)
{
	for (unsigned i = 0; i < model->count; i++)
		if (model->cpus[i].id == id)
			return &model->cpus[i];
	return NULL;
}

static inline enum power_state model_state_of(void *vm, uint64_t id)
{
	struct model *model = vm;
	const struct model_cpu *cpu = model_find(model, id);

	model->questions++;
	return cpu ? cpu->state : POWER_ABSENT;
}

static inline bool model_is_entry(void *vm, uint64_t address)
{
	struct model *model = vm;

	model->questions++;
	return address % 4 == 0 && ((address >= MODEL_RAM && address < MODEL_RAM_END) ||
				    (address >= MODEL_HIGH && address < MODEL_HIGH_END));
}

static inline bool model_others_are_off(void *vm, uint64_t self)
{
	struct model *model = vm;

	model->questions++;
	for (unsigned i = 0; i < model->count; i++)
		if (model->cpus[i].id != self && model->cpus[i].state != POWER_OFF)
			return false;
	return true;
}

static inline struct power_view model_view(struct model *model, uint64_t self)
{
	return (struct power_view){ .vm = model,
				    .self = self,
				    .state_of = model_state_of,
				    .is_entry = model_is_entry,
				    .others_are_off = model_others_are_off,
				    .system_suspend = true };
}

#endif
