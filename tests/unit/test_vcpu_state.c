/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Every call in every state of a vCPU: those that are allowed, and those that are refused with
 * nothing done.
 */
#include "tests/unit/run_fixture.h"

static AxVm *vm;
static AxVCpu *vcpu;

/* The calls, each of which returns what the library does. */

static int call_setup(AxError *err)
{
	AxVCpuSetup setup = AX_VCPU_SETUP_INIT;

	return ax_vcpu_setup(vcpu, &setup, err);
}

static int call_bind(AxError *err)
{
	return ax_vcpu_bind(vcpu, AX_ANY_CPU, err);
}

static int call_unbind(AxError *err)
{
	return ax_vcpu_unbind(vcpu, err);
}

static int call_run(AxError *err)
{
	AxVCpuExitReason exit;

	return ax_vcpu_run(vcpu, &exit, err);
}

static int call_loop(AxError *err)
{
	AxVCpuExitReason exit;
	int ret = ax_vcpu_loop(vcpu, &exit, err);

	return ret > 0 ? 0 : ret;
}

static int call_settle(AxError *err)
{
	AxVCpuExitReason exit;

	return ax_vcpu_settle(vcpu, &exit, err);
}

static int call_wait(AxError *err)
{
	int ret = ax_vcpu_wait(vcpu, 0, err);

	return ret == -ETIMEDOUT ? 0 : ret;
}

static int call_dispatch(AxError *err)
{
	AxVCpuExitReason exit = { .kind = AX_EXIT_NOTHING };
	int ret = ax_vcpu_dispatch(vcpu, &exit);

	/* It has no error to fill. */
	err->code = ret ? AX_ERROR_STATE : AX_ERROR_NONE;
	return ret;
}

static int call_get_gpr(AxError *err)
{
	uint64_t value;

	return ax_vcpu_get_gpr(vcpu, 1, &value, err);
}

static int call_set_gpr(AxError *err)
{
	return ax_vcpu_set_gpr(vcpu, 1, 1, err);
}

static int call_get_reg(AxError *err)
{
	AxRegInfo info;
	uint64_t value;

	ck_assert(ax_reg_info(0, &info));
	return ax_vcpu_get_reg(vcpu, info.name, &value, err);
}

static int call_set_reg(AxError *err)
{
	AxRegInfo info;

	ck_assert(ax_reg_info(0, &info));
	return ax_vcpu_set_reg(vcpu, info.name, 1, err);
}

static int call_set_entry(AxError *err)
{
	return ax_vcpu_set_entry(vcpu, 0x1000, err);
}

static int call_set_return_value(AxError *err)
{
	return ax_vcpu_set_return_value(vcpu, 1, err);
}

static int call_read_virtual(AxError *err)
{
	uint8_t byte;
	int ret = ax_vcpu_read_virtual(vcpu, 0x1000, &byte, 1, err);

	return ret == 1 ? 0 : ret;
}

static int call_set_debug(AxError *err)
{
	return ax_vcpu_set_debug(vcpu, true, NULL, 0, err);
}

static int call_power_off(AxError *err)
{
	return ax_vcpu_power_off(vcpu, err);
}

/* Where the caller and the vCPU are. */
enum place {
	INVALID = 1 << 0,
	CREATED = 1 << 1,
	FREE = 1 << 2,
	READY = 1 << 3,	      /* the caller's */
	READY_OTHER = 1 << 4, /* another thread's */
	RUNNING_OTHER = 1 << 5,
	BLOCKED_OTHER = 1 << 6,
	HANDLER = 1 << 7, /* the caller is a handler of this vCPU, with nothing pending */
};

/* Each call, and where it is allowed. */
static const struct {
	const char *name;
	int (*fn)(AxError *err);
	unsigned allowed;
} calls[] = {
	{ "setup", call_setup, CREATED | FREE },
	{ "bind", call_bind, FREE },
	{ "unbind", call_unbind, READY },
	{ "run", call_run, READY },
	{ "loop", call_loop, READY },
	{ "settle", call_settle, READY | HANDLER },
	{ "wait", call_wait, READY },
	{ "dispatch", call_dispatch, READY | HANDLER },
	{ "get_gpr", call_get_gpr, FREE | READY | HANDLER },
	{ "set_gpr", call_set_gpr, FREE | READY | HANDLER },
	{ "get_reg", call_get_reg, FREE | READY | HANDLER },
	{ "set_reg", call_set_reg, FREE | READY | HANDLER },
	{ "set_entry", call_set_entry, FREE | READY | HANDLER },
	{ "set_return_value", call_set_return_value, FREE | READY | HANDLER },
	{ "read_virtual", call_read_virtual, FREE | READY | HANDLER },
	{ "set_debug", call_set_debug, FREE | READY | HANDLER },
	{ "power_off", call_power_off, READY | HANDLER },
};

/* What the vCPU's state says in each place. */
static AxVCpuState state_in(enum place place)
{
	switch (place) {
	case INVALID: return AX_VCPU_INVALID;
	case CREATED: return AX_VCPU_CREATED;
	case FREE: return AX_VCPU_FREE;
	case READY:
	case READY_OTHER: return AX_VCPU_READY;
	case BLOCKED_OTHER: return AX_VCPU_BLOCKED;
	default: return AX_VCPU_RUNNING;
	}
}

static void make_vcpu(void)
{
	vm = new_strict_vm(AX_IRQCHIP_NONE);
	ck_assert_int_eq(ax_ram_add(vm, 0, 0x10000, 0, NULL), 0);
	vcpu = new_vcpu(vm, 0);
}

static void try_call(size_t index, enum place place)
{
	unsigned before = fake_calls_all();
	AxError err = AX_ERROR_INIT;
	int ret;

	ck_assert_int_eq(ax_vcpu_state(vcpu), state_in(place));
	ret = calls[index].fn(&err);
	if (calls[index].allowed & place) {
		ck_assert_msg(!ret, "%s: %d %s", calls[index].name, ret, err.message);
		return;
	}
	ck_assert_msg(ret == -EPERM, "%s returned %d", calls[index].name, ret);
	ck_assert_int_eq(err.code, AX_ERROR_STATE);
	ck_assert_msg(fake_calls_all() == before, "%s made an ioctl", calls[index].name);
	ck_assert_int_eq(ax_vcpu_state(vcpu), state_in(place));
}

START_TEST(a_created_vcpu_can_only_be_set_up)
{
	make_vcpu();
	try_call((size_t)_i, CREATED);
	ax_vm_destroy(vm);
}
END_TEST

START_TEST(a_free_vcpu_can_be_set_up_bound_and_looked_into)
{
	make_vcpu();
	ck_assert_int_eq(call_setup(NULL), 0);
	try_call((size_t)_i, FREE);
	ax_vm_destroy(vm);
}
END_TEST

START_TEST(a_ready_vcpu_does_all_for_its_owner_but_what_makes_it_ready)
{
	make_vcpu();
	ck_assert_int_eq(call_setup(NULL), 0);
	ck_assert_int_eq(call_bind(NULL), 0);
	fake_push_exit(0, KVM_EXIT_HLT);
	try_call((size_t)_i, READY);
	ax_vm_destroy(vm);
}
END_TEST

START_TEST(an_invalid_vcpu_does_nothing)
{
	make_vcpu();
	fake_fail(KVM_SET_SREGS, 1, EINVAL);
	ck_assert_int_eq(call_setup(NULL), -EIO);
	try_call((size_t)_i, INVALID);
	ax_vm_destroy(vm);
}
END_TEST

/* Another thread that owns the vCPU, in one of its states, until it is told to go. */
static atomic_bool go;

static void *own_ready(void *arg)
{
	(void)arg;
	ck_assert_int_eq(call_bind(NULL), 0);
	wait_until(go);
	ck_assert_int_eq(call_unbind(NULL), 0);
	return NULL;
}

static void *own_running(void *arg)
{
	AxVCpuExitReason exit;

	(void)arg;
	ck_assert_int_eq(call_bind(NULL), 0);
	ck_assert_int_eq(ax_vcpu_run(vcpu, &exit, NULL), 0);
	ck_assert_uint_eq(exit.kind, AX_EXIT_EXTERNAL_INTERRUPT);
	ck_assert_int_eq(call_unbind(NULL), 0);
	return NULL;
}

static void *own_blocked(void *arg)
{
	(void)arg;
	ck_assert_int_eq(call_bind(NULL), 0);
	ck_assert_int_eq(ax_vcpu_wait(vcpu, UINT64_MAX, NULL), 0);
	ck_assert_int_eq(call_unbind(NULL), 0);
	return NULL;
}

static void try_call_on_anothers(size_t index, void *(*owner)(void *), enum place place)
{
	pthread_t thread;

	make_vcpu();
	ck_assert_int_eq(call_setup(NULL), 0);
	ck_assert_int_eq(pthread_create(&thread, NULL, owner, NULL), 0);
	wait_until(ax_vcpu_state(vcpu) == state_in(place));
	if (place == READY_OTHER)
		wait_until(atomic_load(&vcpu->owner_tid));
	if (place == RUNNING_OTHER)
		wait_until(fake_entries(0));
	try_call(index, place);
	go = true;
	if (place != READY_OTHER)
		ck_assert_int_eq(ax_vcpu_kick(vcpu, 1), 0);
	pthread_join(thread, NULL);
	ck_assert_int_eq(ax_vcpu_state(vcpu), AX_VCPU_FREE);
	ax_vm_destroy(vm);
}

START_TEST(another_threads_ready_vcpu_is_left_alone)
{
	try_call_on_anothers((size_t)_i, own_ready, READY_OTHER);
}
END_TEST

START_TEST(another_threads_running_vcpu_is_left_alone)
{
	try_call_on_anothers((size_t)_i, own_running, RUNNING_OTHER);
}
END_TEST

START_TEST(another_threads_blocked_vcpu_is_left_alone)
{
	try_call_on_anothers((size_t)_i, own_blocked, BLOCKED_OTHER);
}
END_TEST

/* In a handler. */

static AxHandled call_in_handler(AxVCpu *caller, void *opaque, uint64_t offset, AxAccessWidth width,
				 uint64_t value)
{
	(void)caller;
	(void)offset;
	(void)width;
	(void)value;
	ck_assert_int_eq(call_settle(NULL), 0);
	try_call(*(size_t *)opaque, HANDLER);
	return AX_STOP;
}

START_TEST(a_handler_may_use_registers_but_not_the_vcpus_life)
{
	static const AxRangeOps ops = { .size = sizeof(AxRangeOps), .write = call_in_handler };
	AxRange range = AX_RANGE_INIT;
	size_t index = (size_t)_i;
	AxVCpuExitReason exit;
	uint8_t byte = 0;

	make_vcpu();
	range.base = 0x80;
	range.length = 1;
	range.ops = &ops;
	range.opaque = &index;
	ck_assert_int_eq(ax_range_add_ports(vm, &range, NULL, NULL), 0);
	ck_assert_int_eq(call_setup(NULL), 0);
	ck_assert_int_eq(call_bind(NULL), 0);
	fake_push_port(0, 0x80, 1, 1, &byte);
	ck_assert_int_eq(ax_vcpu_loop(vcpu, &exit, NULL), AX_LOOP_STOPPED);
	ax_vm_destroy(vm);
}
END_TEST

START_TEST(what_any_thread_may_do_works_in_every_state)
{
	uint64_t counts[AX_EXIT_KINDS];

	make_vcpu();
	for (unsigned i = 0; i < 3; i++) {
		ck_assert_uint_eq(ax_vcpu_id(vcpu), 0);
		ck_assert_ptr_eq(ax_vcpu_vm(vcpu), vm);
		ck_assert_int_eq(ax_vcpu_kick(vcpu, i), 0);
		ck_assert_int_eq(ax_vcpu_inject_interrupt(vcpu, 0x30 + i, NULL), 0);
		ck_assert_int_eq(ax_vcpu_start(vcpu, 0x1000, 0, NULL), -EEXIST);
		ax_vcpu_exit_counts(vcpu, counts);
		ck_assert_uint_eq(counts[AX_EXIT_HALT], 0);
		if (i == 0)
			ck_assert_int_eq(call_setup(NULL), 0);
		else if (i == 1)
			ck_assert_int_eq(call_bind(NULL), 0);
	}
	ax_vm_destroy(vm);
}
END_TEST

START_TEST(every_state_has_a_name_of_its_own)
{
	for (int i = 0; i <= AX_VCPU_BLOCKED; i++)
		for (int j = 0; j < i; j++)
			ck_assert_str_ne(ax_vcpu_state_name((AxVCpuState)i),
					 ax_vcpu_state_name((AxVCpuState)j));
	ck_assert_str_eq(ax_vcpu_state_name(AX_VCPU_BLOCKED), "Blocked");
	ck_assert_str_eq(ax_vcpu_state_name((AxVCpuState)6), "unknown");
	ck_assert_str_eq(ax_vcpu_state_name((AxVCpuState)-1), "unknown");
}
END_TEST

static atomic_uint owners, most_owners, binds;

static void *bind_often(void *arg)
{
	(void)arg;
	for (unsigned i = 0; i < 2000; i++) {
		unsigned now;

		if (call_bind(NULL))
			continue;
		now = atomic_fetch_add(&owners, 1) + 1;
		if (now > most_owners)
			most_owners = now;
		atomic_fetch_add(&binds, 1);
		atomic_fetch_sub(&owners, 1);
		ck_assert_int_eq(call_unbind(NULL), 0);
	}
	return NULL;
}

START_TEST(of_many_threads_that_bind_at_once_one_gets_it)
{
	pthread_t threads[3];

	make_vcpu();
	ck_assert_int_eq(call_setup(NULL), 0);
	for (unsigned i = 0; i < 3; i++)
		ck_assert_int_eq(pthread_create(&threads[i], NULL, bind_often, NULL), 0);
	for (unsigned i = 0; i < 3; i++)
		pthread_join(threads[i], NULL);
	ck_assert_uint_eq(most_owners, 1);
	ck_assert_uint_gt(binds, 0);
	ck_assert_int_eq(ax_vcpu_state(vcpu), AX_VCPU_FREE);
	ax_vm_destroy(vm);
}
END_TEST

static void add_tests(TCase *cases)
{
	tcase_add_loop_test(cases, a_created_vcpu_can_only_be_set_up, 0, COUNT(calls));
	tcase_add_loop_test(cases, a_free_vcpu_can_be_set_up_bound_and_looked_into, 0,
			    COUNT(calls));
	tcase_add_loop_test(cases, a_ready_vcpu_does_all_for_its_owner_but_what_makes_it_ready, 0,
			    COUNT(calls));
	tcase_add_loop_test(cases, an_invalid_vcpu_does_nothing, 0, COUNT(calls));
	tcase_add_loop_test(cases, another_threads_ready_vcpu_is_left_alone, 0, COUNT(calls));
	tcase_add_loop_test(cases, another_threads_running_vcpu_is_left_alone, 0, COUNT(calls));
	tcase_add_loop_test(cases, another_threads_blocked_vcpu_is_left_alone, 0, COUNT(calls));
	tcase_add_loop_test(cases, a_handler_may_use_registers_but_not_the_vcpus_life, 0,
			    COUNT(calls));
	tcase_add_test(cases, what_any_thread_may_do_works_in_every_state);
	tcase_add_test(cases, every_state_has_a_name_of_its_own);
	tcase_add_test(cases, of_many_threads_that_bind_at_once_one_gets_it);
}

RUN_SUITE("vcpu states", add_tests)
