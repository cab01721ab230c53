/* SPDX-License-Identifier: Apache-2.0 */
/*
 * No sequence of PSCI or SBI calls leads where the specifications forbid: a CPU started twice, a
 * start granted for a CPU that was not off, two claims of one CPU, a call of a CPU that is not on,
 * a result that is not documented.
 *
 * First random sequences of up to eight CPUs, whose calls overlap: between a call's answer and what
 * is done about it, other CPUs go on. Then every state that three CPUs can come to, and every call
 * in it.
 */
#include "core/psci.h"
#include "core/sbi.h"
#include "tests/unit/power_fixture.h"

#define SEQUENCES 400
#define STEPS	  600

#define ABSENT	 UINT64_C(0x55)
#define ENTRY	 (MODEL_RAM + 0x80)
#define NO_ENTRY (MODEL_RAM + 0x81)

/* What a call wants done. */
enum want { NOTHING, START, STOP, SUSPEND, SYSTEM_DOWN, SYSTEM_SUSPEND, WANTS };

struct call {
	uint64_t words[4]; /* function and arguments as the guest gave them */
	enum want want;
	int64_t result;
	uint64_t target;
	uint64_t entry;
	uint64_t arg;
};

struct interface {
	const char *name;
	uint64_t (*function)(unsigned number); /* any number: an ID that may be called */
	unsigned functions;		       /* after so many numbers they repeat */
	void (*ask)(struct model *model, uint64_t self, struct call *call);
	bool (*documented)(const struct call *call);
};

/* PSCI */

static uint64_t psci_function(unsigned number)
{
	number %= 2 * PSCI_FUNCTIONS + 2;
	if (number >= 2 * PSCI_FUNCTIONS)
		return SMCCC_VERSION + number % 2;
	return number % 2 ? PSCI_64(PSCI_GET_VERSION + number / 2) : PSCI_GET_VERSION + number / 2;
}

static void psci_ask(struct model *model, uint64_t self, struct call *call)
{
	static const enum want wants[] = {
		[PSCI_ACT_NONE] = NOTHING,
		[PSCI_ACT_CPU_ON] = START,
		[PSCI_ACT_CPU_OFF] = STOP,
		[PSCI_ACT_CPU_SUSPEND] = SUSPEND,
		[PSCI_ACT_SYSTEM_OFF] = SYSTEM_DOWN,
		[PSCI_ACT_SYSTEM_RESET] = SYSTEM_DOWN,
		[PSCI_ACT_SYSTEM_RESET2] = SYSTEM_DOWN,
		[PSCI_ACT_SYSTEM_SUSPEND] = SYSTEM_SUSPEND,
	};
	struct power_view view = model_view(model, self);
	struct psci_answer answer;

	psci_call((uint32_t)call->words[0], call->words + 1, &view, &answer);
	call->want = wants[answer.action];
	call->result = (int64_t)answer.result;
	call->target = answer.target;
	call->entry = answer.entry;
	call->arg = answer.context;
}

/* DEN0022, section 5: what each function may return. */
static bool psci_documented(const struct call *call)
{
	int64_t result = call->result;

	switch ((uint32_t)call->words[0] & ~0x40000000u) {
	case SMCCC_VERSION:
	case PSCI_GET_VERSION: return result == 0x10001 || result == PSCI_NOT_SUPPORTED;
	case PSCI_CPU_SUSPEND:
		return result == PSCI_SUCCESS || result == PSCI_INVALID_PARAMETERS ||
		       result == PSCI_INVALID_ADDRESS || result == PSCI_DENIED;
	case PSCI_CPU_OFF: return result == PSCI_DENIED || result == PSCI_NOT_SUPPORTED;
	case PSCI_CPU_ON:
		return result == PSCI_SUCCESS || result == PSCI_INVALID_PARAMETERS ||
		       result == PSCI_INVALID_ADDRESS || result == PSCI_ALREADY_ON ||
		       result == PSCI_ON_PENDING;
	case PSCI_AFFINITY_INFO:
		return (result >= 0 && result <= 2) || result == PSCI_INVALID_PARAMETERS;
	case PSCI_MIGRATE_INFO_TYPE: return result == 2 || result == PSCI_NOT_SUPPORTED;
	case PSCI_SYSTEM_OFF:
	case PSCI_SYSTEM_RESET:
		return call->want == NOTHING ? result == PSCI_NOT_SUPPORTED : result < 0;
	case PSCI_SYSTEM_RESET2:
		return call->want == NOTHING ? result == PSCI_INVALID_PARAMETERS : result < 0;
	case PSCI_FEATURES:
	case SMCCC_ARCH_FEATURES: return result == PSCI_SUCCESS || result == PSCI_NOT_SUPPORTED;
	case PSCI_SYSTEM_SUSPEND:
		return result == PSCI_SUCCESS || result == PSCI_INVALID_ADDRESS ||
		       result == PSCI_DENIED;
	default: return result == PSCI_NOT_SUPPORTED;
	}
}

/* SBI */

static uint64_t sbi_function(unsigned number)
{
	return number % 5;
}

static void sbi_ask(struct model *model, uint64_t self, struct call *call)
{
	static const enum want wants[] = { [SBI_ACT_NONE] = NOTHING,
					   [SBI_ACT_HART_START] = START,
					   [SBI_ACT_HART_STOP] = STOP,
					   [SBI_ACT_HART_SUSPEND] = SUSPEND };
	struct power_view view = model_view(model, self);
	struct sbi_answer answer;

	sbi_hsm_call(call->words[0], call->words + 1, &view, &answer);
	ck_assert_int_le(answer.action, SBI_ACT_HART_SUSPEND);
	call->want = wants[answer.action];
	call->result = answer.error;
	call->target = answer.hart;
	call->entry = answer.address;
	call->arg = answer.opaque;
}

/* Chapter 9: what each function may return. */
static bool sbi_documented(const struct call *call)
{
	int64_t result = call->result;

	switch (call->words[0]) {
	case SBI_HSM_HART_START:
		return result == SBI_SUCCESS || result == SBI_ERR_INVALID_ADDRESS ||
		       result == SBI_ERR_INVALID_PARAM || result == SBI_ERR_ALREADY_AVAILABLE ||
		       result == SBI_ERR_FAILED;
	case SBI_HSM_HART_STOP: return result == SBI_ERR_FAILED;
	case SBI_HSM_HART_GET_STATUS:
		return result == SBI_SUCCESS || result == SBI_ERR_INVALID_PARAM;
	case SBI_HSM_HART_SUSPEND:
		return result == SBI_SUCCESS || result == SBI_ERR_INVALID_PARAM ||
		       result == SBI_ERR_INVALID_ADDRESS;
	default: return result == SBI_ERR_NOT_SUPPORTED;
	}
}

static const struct interface interfaces[] = {
	{ "PSCI", psci_function, 2 * PSCI_FUNCTIONS + 2, psci_ask, psci_documented },
	{ "SBI", sbi_function, 5, sbi_ask, sbi_documented },
};

/* What has to hold of every answer, in whatever state it is given. */
static void check_answer(const struct interface *interface, struct model *model, uint64_t self,
			 const struct call *call)
{
	ck_assert_msg(interface->documented(call), "%s 0x%llx returns %lld", interface->name,
		      (unsigned long long)call->words[0], (long long)call->result);
	ck_assert_int_eq(model_find(model, self)->state, POWER_ON);
	if (call->want == START) {
		ck_assert_int_eq(call->result, 0);
		ck_assert_int_eq(model_state_of(model, call->target), POWER_OFF);
		ck_assert(model_is_entry(model, call->entry));
		ck_assert_uint_ne(call->target, self);
	}
	if (call->want == SYSTEM_SUSPEND)
		ck_assert(model_others_are_off(model, self));
}

/* Random sequences */

struct world {
	const struct interface *interface;
	struct model model;
	uint64_t random;
	bool down;
	struct call calls[MODEL_CPUS]; /* answered, not carried out yet */
	bool in_call[MODEL_CPUS];
	struct {
		uint64_t entry;
		uint64_t arg;
		unsigned granted;
		unsigned begun;
	} lives[MODEL_CPUS];
	unsigned seen[WANTS];
	unsigned lost; /* claims that another CPU was faster with */
};

static unsigned pick(struct world *world, unsigned below)
{
	world->random ^= world->random << 13;
	world->random ^= world->random >> 7;
	world->random ^= world->random << 17;
	return (unsigned)(world->random >> 20) % below;
}

static uint64_t pick_word(struct world *world)
{
	switch (pick(world, 16)) {
	case 0: return ABSENT;
	case 1: return UINT64_MAX >> pick(world, 64);
	case 2: return UINT64_C(1) << pick(world, 64);
	case 3: return NO_ENTRY;
	case 4: return 0;
	case 5: return SBI_HSM_SUSPEND_NON_RETENTIVE;
	case 6:
	case 7:
	case 8: return ENTRY + 4 * pick(world, 1000);
	default: return world->model.cpus[pick(world, world->model.count)].id;
	}
}

/* Mostly what changes states, or nothing would. */
static void make_call(struct world *world, unsigned cpu)
{
	uint64_t self = world->model.cpus[cpu].id;
	struct call *call = &world->calls[cpu];
	unsigned number = pick(world, 1000);

	*call = (struct call){ .words = { world->interface->function(number), pick_word(world),
					  pick_word(world), pick_word(world) } };
	if (pick(world, 3)) {
		call->words[0] = world->interface->function == psci_function ? PSCI_64(PSCI_CPU_ON)
									     : SBI_HSM_HART_START;
		call->words[1] = world->model.cpus[pick(world, world->model.count)].id;
		call->words[2] = ENTRY + 4 * pick(world, 1000);
	}
	world->interface->ask(&world->model, self, call);
	check_answer(world->interface, &world->model, self, call);
	world->in_call[cpu] = true;
}

/* As vcpu_claim_start() does it: whoever comes second asks again. */
static void start_target(struct world *world, unsigned cpu)
{
	struct call *call = &world->calls[cpu];
	struct model_cpu *target = model_find(&world->model, call->target);
	unsigned index = (unsigned)(target - world->model.cpus);

	if (target->state != POWER_OFF) {
		world->lost++;
		world->interface->ask(&world->model, world->model.cpus[cpu].id, call);
		check_answer(world->interface, &world->model, world->model.cpus[cpu].id, call);
		ck_assert_int_eq(call->want, NOTHING);
		ck_assert_int_lt(call->result, 0);
		return;
	}
	ck_assert_uint_eq(world->lives[index].granted, world->lives[index].begun);
	target->state = POWER_ON_PENDING;
	world->lives[index].granted++;
	world->lives[index].entry = call->entry;
	world->lives[index].arg = call->arg;
	ck_assert_uint_eq(call->entry, call->words[2]);
	ck_assert_uint_eq(call->arg, call->words[3]);
}

static void carry_out(struct world *world, unsigned cpu)
{
	struct model_cpu *caller = &world->model.cpus[cpu];

	ck_assert_int_eq(caller->state, POWER_ON);
	world->seen[world->calls[cpu].want]++;
	switch (world->calls[cpu].want) {
	case START: start_target(world, cpu); break;
	case STOP: caller->state = POWER_OFF_PENDING; break;
	case SUSPEND: caller->state = POWER_SUSPENDED; break;
	case SYSTEM_SUSPEND:
		/* Still: whoever is off stays off when nobody is on. */
		ck_assert(model_others_are_off(&world->model, caller->id));
		world->down = true;
		break;
	case SYSTEM_DOWN: world->down = pick(world, 20) == 0; break;
	default: break;
	}
	world->in_call[cpu] = false;
}

/* What the machine does by itself. */
static void advance(struct world *world, unsigned cpu)
{
	struct model_cpu *self = &world->model.cpus[cpu];

	switch (self->state) {
	case POWER_ON_PENDING:
		ck_assert(model_is_entry(&world->model, world->lives[cpu].entry));
		world->lives[cpu].begun++;
		self->state = POWER_ON;
		break;
	case POWER_OFF_PENDING: self->state = POWER_OFF; break;
	case POWER_SUSPENDED: self->state = POWER_ON; break;
	default: break;
	}
}

static void check_world(const struct world *world)
{
	for (unsigned i = 0; i < world->model.count; i++) {
		unsigned pending = world->model.cpus[i].state == POWER_ON_PENDING;

		ck_assert_uint_eq(world->lives[i].granted, world->lives[i].begun + pending);
		if (world->in_call[i])
			ck_assert_int_eq(world->model.cpus[i].state, POWER_ON);
	}
}

static bool everybody_is_off(const struct world *world)
{
	for (unsigned i = 0; i < world->model.count; i++)
		if (world->model.cpus[i].state != POWER_OFF)
			return false;
	return true;
}

/* One VM's life. Returns whether it ended with everybody off. */
static bool live(struct world *world)
{
	for (unsigned step = 0; step < STEPS && !world->down; step++) {
		unsigned cpu = pick(world, world->model.count);

		if (everybody_is_off(world))
			return true;
		if (world->model.cpus[cpu].state != POWER_ON)
			advance(world, cpu);
		else if (world->in_call[cpu])
			carry_out(world, cpu);
		else
			make_call(world, cpu);
		check_world(world);
	}
	return false;
}

START_TEST(random_calls_start_each_cpu_once)
{
	static const uint64_t ids[MODEL_CPUS] = { 0,	   0x100,   0x3,	  0x1200000000,
						  0x10000, 0x10001, 0xff00ffffff, 0x4 };
	unsigned seen[WANTS] = { 0 }, lost = 0, all_off = 0;

	for (unsigned sequence = 0; sequence < SEQUENCES; sequence++) {
		struct world world = { .interface = &interfaces[_i],
				       .random = sequence * UINT64_C(0x9e3779b97f4a7c15) + 1 };

		world.model.count = 1 + sequence % MODEL_CPUS;
		for (unsigned i = 0; i < world.model.count; i++)
			world.model.cpus[i] =
				(struct model_cpu){ ids[i], i ? POWER_OFF : POWER_ON };
		world.lives[0].granted = world.lives[0].begun = 1;
		all_off += live(&world);
		lost += world.lost;
		for (unsigned want = 0; want < WANTS; want++)
			seen[want] += world.seen[want];
	}
	/* All of it happened, often: the test tests something. */
	for (unsigned want = NOTHING; want <= SUSPEND; want++)
		ck_assert_uint_gt(seen[want], 100);
	if (interfaces[_i].ask == psci_ask) {
		ck_assert_uint_gt(seen[SYSTEM_DOWN], 10);
		ck_assert_uint_gt(seen[SYSTEM_SUSPEND], 0);
	}
	ck_assert_uint_gt(lost, 100);
	ck_assert_uint_gt(all_off, 10);
}
END_TEST

/* Every state of three CPUs */

#define TRIO 3
static const enum power_state living[] = { POWER_ON, POWER_OFF, POWER_ON_PENDING, POWER_OFF_PENDING,
					   POWER_SUSPENDED };
#define STATES (5 * 5 * 5)

struct space {
	bool reached[STATES];
	unsigned queue[STATES];
	unsigned queued;
};

static void load_state(struct model *model, unsigned number)
{
	for (unsigned i = 0; i < TRIO; i++, number /= 5)
		model->cpus[i].state = living[number % 5];
}

static unsigned state_number(const struct model *model)
{
	unsigned number = 0;

	for (unsigned i = TRIO; i-- > 0;)
		for (unsigned s = 0; s < 5; s++)
			if (living[s] == model->cpus[i].state) {
				number = number * 5 + s;
				break;
			}
	return number;
}

static void reach(struct space *space, const struct model *model)
{
	unsigned number = state_number(model);

	if (space->reached[number])
		return;
	space->reached[number] = true;
	space->queue[space->queued++] = number;
}

/* Where one answer leads to, from @model. */
static void follow(struct space *space, const struct model *model, unsigned cpu,
		   const struct call *call)
{
	struct model next = *model;

	switch (call->want) {
	case START: model_find(&next, call->target)->state = POWER_ON_PENDING; break;
	case STOP: next.cpus[cpu].state = POWER_OFF_PENDING; break;
	case SUSPEND: next.cpus[cpu].state = POWER_SUSPENDED; break;
	default: return;
	}
	reach(space, &next);
}

static void call_everything(struct space *space, const struct interface *interface,
			    struct model *model, unsigned cpu)
{
	const uint64_t words[] = { model->cpus[0].id,
				   model->cpus[1].id,
				   model->cpus[2].id,
				   ABSENT,
				   ENTRY,
				   NO_ENTRY,
				   SBI_HSM_SUSPEND_NON_RETENTIVE,
				   PSCI_STATE_POWERDOWN };

	for (unsigned function = 0; function < interface->functions; function++)
		for (unsigned a = 0; a < COUNT(words); a++)
			for (unsigned b = 0; b < COUNT(words); b++) {
				struct call call = { .words = { interface->function(function),
								words[a], words[b], 7 } };
				struct model before = *model;

				interface->ask(model, model->cpus[cpu].id, &call);
				check_answer(interface, model, model->cpus[cpu].id, &call);
				/* A call changes nothing by itself. */
				ck_assert_mem_eq(before.cpus, model->cpus, sizeof(before.cpus));
				follow(space, model, cpu, &call);
			}
}

static void advance_everything(struct space *space, const struct model *model)
{
	for (unsigned i = 0; i < TRIO; i++) {
		struct model next = *model;

		switch (next.cpus[i].state) {
		case POWER_ON_PENDING:
		case POWER_SUSPENDED: next.cpus[i].state = POWER_ON; break;
		case POWER_OFF_PENDING: next.cpus[i].state = POWER_OFF; break;
		default: continue;
		}
		reach(space, &next);
	}
}

START_TEST(every_call_in_every_state_keeps_the_rules)
{
	struct space space = { .queued = 0 };
	struct model model = {
		.count = TRIO,
		.cpus = { { 0, POWER_ON }, { 0x100, POWER_OFF }, { 0x10203, POWER_OFF } }
	};

	reach(&space, &model);
	for (unsigned done = 0; done < space.queued; done++) {
		load_state(&model, space.queue[done]);
		advance_everything(&space, &model);
		for (unsigned cpu = 0; cpu < TRIO; cpu++)
			if (model.cpus[cpu].state == POWER_ON)
				call_everything(&space, &interfaces[_i], &model, cpu);
	}
	/* All but one: who is started was started by somebody who has been on since. */
	ck_assert_uint_eq(space.queued, STATES - 1);
	for (unsigned i = 0; i < TRIO; i++)
		model.cpus[i].state = POWER_ON_PENDING;
	ck_assert(!space.reached[state_number(&model)]);
}
END_TEST

static void add_tests(TCase *cases)
{
	tcase_add_loop_test(cases, random_calls_start_each_cpu_once, 0, COUNT(interfaces));
	tcase_add_loop_test(cases, every_call_in_every_state_keeps_the_rules, 0, COUNT(interfaces));
}

RUN_SUITE("power-property", add_tests)
