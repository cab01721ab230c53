/* SPDX-License-Identifier: Apache-2.0 */
/*
 * PSCI calls that KVM forwards (AX_POWER_USER): what they are as exits, what handlers can do with
 * them, and what the guest gets.
 */
#include <errno.h>
#include <inttypes.h>
#include <string.h>

#include "code_arm64.h"
#include "tests/kvm/running.h"

/* DEN0022, 5. */
#define PSCI_GET_VERSION 0x84000000u
#define CPU_SUSPEND	 0xc4000001u
#define CPU_OFF		 0x84000002u
#define CPU_ON_32	 0x84000003u
#define CPU_ON		 0xc4000003u
#define AFFINITY_INFO	 0xc4000004u
#define SYSTEM_OFF	 0x84000008u
#define SYSTEM_RESET	 0x84000009u
#define SYSTEM_RESET2	 0xc4000012u
#define SYSTEM_SUSPEND	 0xc400000eu

#define INVALID_PARAMETERS ((uint64_t)-2)
#define DENIED		   ((uint64_t)-3)
#define ALREADY_ON	   ((uint64_t)-4)
#define ON_PENDING	   ((uint64_t)-5)
#define INVALID_ADDRESS	   ((uint64_t)-9)

/* Words of the mailbox. */
#define NO_RESULT 0x7e57

enum { STARTS = 0, FUNCTION = 1, ARGUMENTS = 2, BY_SMC = 8, RESULT = 9, SCTLR, LEVEL, DAIF };

#define MAILBOX(id) (CODE_MAILBOX + 256 * (id))

/* The end of the code: for the first vCPU it may be one to wait at. */
static AxHandled on_end(AxVCpu *vcpu, void *opaque, uint64_t offset, AxAccessWidth width,
			uint64_t value)
{
	const bool *first_waits = opaque;

	return *first_waits && ax_vcpu_id(vcpu) == 0 ? AX_HANDLED : AX_STOP;
}

static const AxRangeOps end_ops = { .size = sizeof(end_ops), .write = on_end };
static bool first_waits;

/* @cpus vCPUs, all but the first off. False: this KVM forwards no calls, which has been said. */
static bool open_psci(struct code_vm *vm, unsigned cpus)
{
	const struct code target = CODE(call_target);
	AxVCpuSetup off = AX_VCPU_SETUP_INIT;
	AxVmOptions options = AX_VM_OPTIONS_INIT;
	AxRange end = AX_RANGE_INIT;
	AxError err = AX_ERROR_INIT;
	AxVCpu *vcpu;
	AxVm *probe;

	options.power = AX_POWER_USER;
	if (ax_vm_create(&options, &probe, &err) == -ENOTSUP) {
		kvm_skip("PSCI as exits: %s", err.message);
		return false;
	}
	ax_vm_destroy(probe);
	code_open(vm, &options, CODE(call));
	off.flags = AX_SETUP_POWERED_OFF;
	for (uint32_t id = 1; id < cpus; id++) {
		ck_ok(ax_vcpu_create(vm->vm, id, &vcpu, &err), err);
		ck_ok(ax_vcpu_setup(vcpu, &off, &err), err);
	}
	ck_assert_int_eq(ax_mem_write(vm->vm, CODE_CALL_PAGE, target.bytes,
				      (uint64_t)(target.end - target.bytes)),
			 0);
	end.base = CODE_MMIO + CODE_END;
	end.length = 4;
	end.ops = &end_ops;
	end.opaque = &first_waits;
	ck_ok(ax_range_add_mmio(vm->vm, &end, NULL, &err), err);
	return true;
}

static void set_call(struct code_vm *vm, uint32_t id, uint64_t function, uint64_t x1, uint64_t x2,
		     uint64_t x3)
{
	code_set_word(vm, id, FUNCTION, function);
	code_set_word(vm, id, ARGUMENTS, x1);
	code_set_word(vm, id, ARGUMENTS + 1, x2);
	code_set_word(vm, id, ARGUMENTS + 2, x3);
	code_set_word(vm, id, RESULT, NO_RESULT);
}

/* The first vCPU, bound here, makes the call: its first exit. */
static void begin_call(struct code_vm *vm, uint64_t function, uint64_t x1, uint64_t x2, uint64_t x3,
		       AxVCpuExitReason *exit)
{
	AxError err = AX_ERROR_INIT;

	set_call(vm, 0, function, x1, x2, x3);
	code_restart(vm->vcpu);
	ck_ok(ax_vcpu_bind(vm->vcpu, AX_ANY_CPU, &err), err);
	ck_ok(ax_vcpu_run(vm->vcpu, exit, &err), err);
}

/* It goes on to its end: what the call returned. */
static uint64_t end_call(struct code_vm *vm)
{
	AxError err = AX_ERROR_INIT;
	AxVCpuExitReason exit;

	do
		ck_ok(ax_vcpu_run(vm->vcpu, &exit, &err), err);
	while (exit.kind == AX_EXIT_NOTHING);
	ck_exit_kind(&exit, AX_EXIT_MMIO_WRITE);
	ck_ok(ax_vcpu_unbind(vm->vcpu, &err), err);
	return code_word(vm, 0, RESULT);
}

/* A call that is answered without anybody's doing. */
static uint64_t call(struct code_vm *vm, uint64_t function, uint64_t x1, uint64_t x2, uint64_t x3)
{
	AxVCpuExitReason exit;

	begin_call(vm, function, x1, x2, x3, &exit);
	ck_exit_kind(&exit, AX_EXIT_NOTHING);
	return end_call(vm);
}

START_TEST(questions_are_answered_at_once)
{
	struct code_vm vm;

	if (!open_psci(&vm, 2))
		return;
	ck_assert_uint_eq(call(&vm, PSCI_GET_VERSION, 0, 0, 0), 0x10001);
	code_set_word(&vm, 0, BY_SMC, 1);
	ck_assert_uint_eq(call(&vm, PSCI_GET_VERSION, 0, 0, 0), 0x10001);
	ck_assert_uint_eq(call(&vm, AFFINITY_INFO, 0, 0, 0), 0);
	ck_assert_uint_eq(call(&vm, AFFINITY_INFO, 1, 0, 0), 1);
	ck_assert_uint_eq(call(&vm, AFFINITY_INFO, 16, 0, 0), INVALID_PARAMETERS);
	ck_assert_uint_eq(call(&vm, AFFINITY_INFO, UINT64_C(0x100000001), 0, 0),
			  INVALID_PARAMETERS);
	ck_assert_uint_eq(call(&vm, 0x8400001f, 0, 0, 0), UINT64_MAX);
	ck_assert_uint_eq(call(&vm, CPU_ON, 0, CODE_CALL_PAGE, 0), ALREADY_ON);
	ck_assert_uint_eq(call(&vm, CPU_ON, 16, CODE_CALL_PAGE, 0), INVALID_PARAMETERS);
	ck_assert_uint_eq(call(&vm, CPU_ON, 1, CODE_CALL_PAGE + 2, 0), INVALID_ADDRESS);
	ck_assert_uint_eq(call(&vm, CPU_ON, 1, CODE_MMIO, 0), INVALID_ADDRESS);
	code_close(&vm);
}
END_TEST

/* KVM's own idea of the affinity is this library's. It is no index: vCPU 16 has 0x100. */
START_TEST(affinity_is_kvms)
{
	static const uint32_t ids[] = { 1, 7, 15, 16, 0x1f, 0x20, 0xff, 0x100, 0x1ff };
	AxVCpuSetup off = AX_VCPU_SETUP_INIT;
	AxError err = AX_ERROR_INIT;
	struct code_vm vm;
	uint64_t mpidr;
	AxVCpu *vcpu;

	if (!open_psci(&vm, 1))
		return;
	off.flags = AX_SETUP_POWERED_OFF;
	for (unsigned i = 0; i < sizeof(ids) / sizeof(ids[0]); i++) {
		int ret = ax_vcpu_create(vm.vm, ids[i], &vcpu, &err);

		if (ret == -EINVAL)
			break; /* more than this KVM has: GICv2 knows 8 */
		ck_ok(ret, err);
		ck_ok(ax_vcpu_setup(vcpu, &off, &err), err);
		ck_ok(ax_vcpu_get_reg(vcpu, "mpidr_el1", &mpidr, &err), err);
		mpidr &= UINT64_C(0xff00ffffff);
		ck_assert_uint_eq(mpidr, (ids[i] & 0xf) | (ids[i] >> 4) << 8);
		ck_assert_msg(call(&vm, AFFINITY_INFO, mpidr, 0, 0) == 1,
			      "vCPU 0x%x has affinity 0x%" PRIx64, ids[i], mpidr);
	}
	code_close(&vm);
}
END_TEST

START_TEST(cpu_on_starts_a_cpu_that_ends_the_vm)
{
	const uint64_t function = _i ? CPU_ON_32 : CPU_ON;
	AxVmResult result = AX_VM_RESULT_INIT;
	AxError err = AX_ERROR_INIT;
	struct code_vm vm;
	uint64_t returned;

	if (!open_psci(&vm, 2))
		return;
	first_waits = true;
	set_call(&vm, 0, function, 1, CODE_CALL_PAGE, MAILBOX(1));
	set_call(&vm, 1, SYSTEM_OFF, 0, 0, 0);
	ck_ok(ax_vm_run(vm.vm, &result, &err), err);
	first_waits = false;
	ck_assert_uint_eq(result.end, AX_VM_END_EXIT);
	ck_exit_kind(&result.exit, AX_EXIT_SYSTEM_DOWN);
	ck_assert_uint_eq(result.vcpu, 1);
	/* The VM may have ended before the first CPU stored what its call had returned. */
	returned = code_word(&vm, 0, RESULT);
	if (returned == NO_RESULT)
		ck_ok(ax_vcpu_get_reg(vm.vcpu, "x0", &returned, &err), err);
	ck_assert_uint_eq(returned, 0);
	ck_assert_uint_eq(code_word(&vm, 1, STARTS), 1);
	code_close(&vm);
}
END_TEST

/* All vCPUs off: nothing will ever happen. */
START_TEST(vm_whose_last_cpu_goes_off_ends)
{
	AxVmResult result = AX_VM_RESULT_INIT;
	AxError err = AX_ERROR_INIT;
	struct code_vm vm;

	if (!open_psci(&vm, 2))
		return;
	set_call(&vm, 0, CPU_OFF, 0, 0, 0);
	ck_ok(ax_vm_run(vm.vm, &result, &err), err);
	ck_assert_uint_eq(result.end, AX_VM_END_HALTED);
	ck_exit_kind(&result.exit, AX_EXIT_CPU_DOWN);
	code_close(&vm);
}
END_TEST

/* By hand, so that each step is seen. */
START_TEST(started_cpu_begins_as_psci_says)
{
	AxError err = AX_ERROR_INIT;
	AxVCpuExitReason exit;
	struct code_vm vm;
	AxVCpu *second;

	if (!open_psci(&vm, 2))
		return;
	second = ax_vm_vcpu(vm.vm, 1);
	begin_call(&vm, CPU_ON, 1, CODE_CALL_PAGE, MAILBOX(1), &exit);
	ck_exit_kind(&exit, AX_EXIT_CPU_UP);
	ck_assert_uint_eq(exit.cpu_up.target_cpu, 1);
	ck_assert_uint_eq(exit.cpu_up.entry_point, CODE_CALL_PAGE);
	ck_assert_uint_eq(exit.cpu_up.arg, MAILBOX(1));
	ck_ok(ax_vcpu_start(second, exit.cpu_up.entry_point, exit.cpu_up.arg, &err), err);
	ck_assert_uint_eq(end_call(&vm), 0);
	/* It is started, and has not entered the guest. */
	ck_assert_uint_eq(call(&vm, AFFINITY_INFO, 1, 0, 0), 2);
	ck_assert_uint_eq(call(&vm, CPU_ON, 1, CODE_CALL_PAGE, 0), ON_PENDING);

	set_call(&vm, 1, CPU_OFF, 0, 0, 0);
	ck_ok(ax_vcpu_bind(second, AX_ANY_CPU, &err), err);
	do
		ck_ok(ax_vcpu_run(second, &exit, &err), err);
	while (exit.kind == AX_EXIT_NOTHING);
	ck_exit_kind(&exit, AX_EXIT_CPU_DOWN);
	ck_assert_uint_eq(exit.cpu_down.state, 0);
	ck_assert_uint_eq(code_word(&vm, 1, STARTS), 1);
	ck_assert_uint_eq(code_word(&vm, 1, SCTLR) & 0x1005, 0);
	ck_assert_uint_eq(code_word(&vm, 1, LEVEL), 1 << 2);
	ck_assert_uint_eq(code_word(&vm, 1, DAIF), 0xf << 6);
	ck_ok(ax_vcpu_unbind(second, &err), err);
	ck_assert_uint_eq(call(&vm, CPU_ON, 1, CODE_CALL_PAGE, 0), ALREADY_ON);

	/* Off, and on again. */
	ck_ok(ax_vcpu_bind(second, AX_ANY_CPU, &err), err);
	ck_ok(ax_vcpu_power_off(second, &err), err);
	ck_assert_int_eq(ax_vcpu_run(second, &exit, &err), -EPERM);
	ck_ok(ax_vcpu_start(second, CODE_CALL_PAGE, MAILBOX(1), &err), err);
	do
		ck_ok(ax_vcpu_run(second, &exit, &err), err);
	while (exit.kind == AX_EXIT_NOTHING);
	ck_exit_kind(&exit, AX_EXIT_CPU_DOWN);
	ck_assert_uint_eq(code_word(&vm, 1, STARTS), 2);
	/* CPU_OFF that nobody carries out: its only error. */
	do
		ck_ok(ax_vcpu_run(second, &exit, &err), err);
	while (exit.kind == AX_EXIT_NOTHING);
	ck_exit_kind(&exit, AX_EXIT_MMIO_WRITE);
	ck_assert_uint_eq(code_word(&vm, 1, RESULT), DENIED);
	code_close(&vm);
}
END_TEST

/* A handler may refuse a start: the guest gets its error, and may try again. */
START_TEST(refused_start_leaves_the_cpu_off)
{
	AxError err = AX_ERROR_INIT;
	AxVCpuExitReason exit;
	struct code_vm vm;

	if (!open_psci(&vm, 2))
		return;
	for (unsigned i = 0; i < 2; i++) {
		begin_call(&vm, CPU_ON, 1, CODE_CALL_PAGE, 0, &exit);
		ck_exit_kind(&exit, AX_EXIT_CPU_UP);
		ck_ok(ax_vcpu_set_return_value(vm.vcpu, (uint64_t)-6, &err), err);
		ck_assert_uint_eq(end_call(&vm), (uint64_t)-6);
		ck_assert_uint_eq(call(&vm, AFFINITY_INFO, 1, 0, 0), 1);
	}
	code_close(&vm);
}
END_TEST

static const struct down {
	uint64_t function, x1, x2;
	uint32_t cause;
	uint32_t ndata;
	uint64_t data[3];
	uint64_t result; /* when the system goes on all the same */
} downs[] = {
	{ SYSTEM_OFF, 0, 0, AX_DOWN_POWER_OFF, 0, { 0 }, (uint64_t)-6 },
	{ SYSTEM_RESET, 0, 0, AX_DOWN_RESET, 0, { 0 }, (uint64_t)-6 },
	{ SYSTEM_RESET2, 0, 7, AX_DOWN_RESET, 3, { 1, 0, 7 }, (uint64_t)-6 },
	{ SYSTEM_RESET2, 0x80000005, 8, AX_DOWN_RESET, 3, { 1, 0x80000005, 8 }, (uint64_t)-6 },
	{ SYSTEM_SUSPEND, CODE_START, 9, AX_DOWN_SUSPEND, 2, { CODE_START, 9 }, 0 },
};

START_TEST(system_goes_down_as_it_is_told)
{
	const struct down *down = &downs[_i];
	AxVCpuExitReason exit;
	struct code_vm vm;

	if (!open_psci(&vm, 2))
		return;
	begin_call(&vm, down->function, down->x1, down->x2, 0, &exit);
	ck_exit_kind(&exit, AX_EXIT_SYSTEM_DOWN);
	ck_assert_uint_eq(exit.system_down.cause, down->cause);
	ck_assert_uint_eq(exit.system_down.ndata, down->ndata);
	for (unsigned i = 0; i < down->ndata; i++)
		ck_assert_uint_eq(exit.system_down.data[i], down->data[i]);
	ck_assert_uint_eq(end_call(&vm), down->result);
	code_close(&vm);
}
END_TEST

/* How often the guest has come round, once it does not any more: it may be slow to lie down. */
static uint64_t wait_until_still(const struct running *running)
{
	uint64_t before, now = code_word(&running->vm, 0, 0);

	do {
		before = now;
		doze(50000000);
		now = code_word(&running->vm, 0, 0);
	} while (now != before);
	return now;
}

START_TEST(suspended_cpu_waits_for_an_interrupt)
{
	AxError err = AX_ERROR_INIT;
	struct running running;

	running_open(&running, NULL, CODE(suspend), 1);
	running_start(&running);
	code_wait_word(&running.vm, 0, 3, 1);
	for (unsigned round = 1; round <= 20; round++) {
		uint64_t count = wait_until_still(&running);

		/* Kicks do not end it. */
		ax_vcpu_kick(running.vm.vcpu, 3);
		doze(1000000);
		ck_assert_uint_eq(code_word(&running.vm, 0, 0), count);
		/* As often as it comes round before the line falls. */
		ck_ok(ax_vcpu_inject_interrupt(running.vm.vcpu, 1, &err), err);
		code_wait_word(&running.vm, 0, 0, count + 1);
		ck_ok(ax_vcpu_clear_interrupt(running.vm.vcpu, 1, &err), err);
		ck_assert_uint_eq(code_word(&running.vm, 0, RESULT), 0);
	}
	running_stop(&running);
	running_close(&running);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("psci");
	TCase *tcase = kvm_case(suite, "psci");

	tcase_add_test(tcase, questions_are_answered_at_once);
	tcase_add_test(tcase, affinity_is_kvms);
	tcase_add_loop_test(tcase, cpu_on_starts_a_cpu_that_ends_the_vm, 0, 2);
	tcase_add_test(tcase, vm_whose_last_cpu_goes_off_ends);
	tcase_add_test(tcase, started_cpu_begins_as_psci_says);
	tcase_add_test(tcase, refused_start_leaves_the_cpu_off);
	tcase_add_loop_test(tcase, system_goes_down_as_it_is_told, 0,
			    (int)(sizeof(downs) / sizeof(downs[0])));
	tcase_add_test(tcase, suspended_cpu_waits_for_an_interrupt);
	return kvm_main(suite);
}
