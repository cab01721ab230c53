/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What arm64's KVM leaves to its user, on a fake: what it costs, kernels that lack something, and calls
 * of KVM's that fail, one after the other.
 */
#include <axvmm/irq.h>
#include <axvmm/memory.h>

#include "arch/arm64/arm64.h"
#include "core/power.h"
#include "core/psci.h"
#include "tests/unit/run_fixture.h"

#define RAM  0x10000
#define MMIO 0xa0000

/* Encoded by GNU as. */
#define LDRSB_X2 0x39800142 /* ldrsb x2, [x10] */
#define LDRB_W2	 0x39400142
#define STP_POST 0xa8810d42 /* stp x2, x3, [x10], #16 */
#define LDP_Q	 0xad400540 /* ldp q0, q1, [x10] */
#define LDADD	 0xf8220143 /* ldadd x2, x3, [x10] */

#define ESR_WRITE (1u << 6)

static AxVm *vm;
static AxVCpu *vcpu;

static void make_vcpu(uint32_t insn)
{
	vm = new_strict_vm(AX_IRQCHIP_NONE);
	ck_assert_int_eq(ax_ram_add(vm, RAM, 0x1000, 0, NULL), 0);
	ck_assert_int_eq(ax_mem_write(vm, RAM, &insn, sizeof(insn)), 0);
	vcpu = ready_vcpu(vm, 0);
	ck_assert_int_eq(ax_vcpu_set_entry(vcpu, RAM, NULL), 0);
}

static uint64_t get(uint64_t id)
{
	uint64_t value;

	ck_assert_int_eq(arm64_get(vcpu, id, &value, NULL), 0);
	return value;
}

static unsigned one_reg_calls(void)
{
	return fake_calls(KVM_GET_ONE_REG) + fake_calls(KVM_SET_ONE_REG);
}

/* A byte is read and answered by 0x80; the register's content by KVM; what it cost. */
static unsigned read_byte(uint64_t filled)
{
	AxVCpuExitReason exit;
	unsigned before;

	fake_push_mmio_read(0, MMIO, 1);
	ck_assert_int_eq(ax_vcpu_run(vcpu, &exit, NULL), 0);
	ck_assert_uint_eq(exit.kind, AX_EXIT_MMIO_READ);
	ck_assert_int_eq(ax_vcpu_reply_read(vcpu, 0x80), 0);
	ck_assert_int_eq(arm64_set(vcpu, ARM64_X(2), filled, NULL), 0);
	before = one_reg_calls();
	ck_assert_int_eq(ax_vcpu_settle(vcpu, &exit, NULL), 0);
	return one_reg_calls() - before;
}

START_TEST(sign_is_extended_where_kvm_does_not)
{
	make_vcpu(LDRSB_X2);
	for (unsigned i = 0; i < 3; i++) {
		ck_assert_uint_eq(read_byte(0x80), 4); /* PC, SCTLR, x2 read and written */
		ck_assert_uint_eq(get(ARM64_X(2)), UINT64_C(0xffffffffffffff80));
	}
	ax_vm_destroy(vm);
}
END_TEST

START_TEST(kvm_that_extends_the_sign_is_asked_once)
{
	make_vcpu(LDRSB_X2);
	ck_assert_uint_eq(read_byte(UINT64_C(0xffffffffffffff80)), 3);
	ck_assert_uint_eq(read_byte(UINT64_C(0xffffffffffffff80)), 0);
	ax_vm_destroy(vm);
}
END_TEST

START_TEST(load_without_sign_is_left_alone)
{
	make_vcpu(LDRB_W2);
	ck_assert_uint_eq(read_byte(0x80), 2);
	ck_assert_uint_eq(get(ARM64_X(2)), 0x80);
	ck_assert(!atomic_load(&vm->arch->extends_sign));
	ax_vm_destroy(vm);
}
END_TEST

static void push_nisv(bool is_write)
{
	struct kvm_run run = { .exit_reason = KVM_EXIT_ARM_NISV };

	run.arm_nisv.esr_iss = is_write ? ESR_WRITE : 0;
	run.arm_nisv.fault_ipa = MMIO;
	fake_push_run(0, &run);
}

/* Where KVM can't inject an abort, a guest that can't go on is told of. */
START_TEST(access_that_cannot_be_carried_out_ends_in_an_abort)
{
	struct kvm_vcpu_events events;
	AxVCpuExitReason exit;

	make_vcpu(LDADD);
	push_nisv(true);
	ck_assert_int_eq(ax_vcpu_run(vcpu, &exit, NULL), 0);
	ck_assert_uint_eq(exit.kind, AX_EXIT_NOTHING);
	ck_assert(fake_get_state(0, KVM_GET_VCPU_EVENTS, &events, sizeof(events)));
	ck_assert_uint_eq(events.exception.ext_dabt_pending, 1);
	ax_vm_destroy(vm);

	fake_sys_reset();
	fake_set_cap(KVM_CAP_ARM_INJECT_EXT_DABT, 0);
	make_vcpu(LDADD);
	push_nisv(true);
	ck_assert_int_eq(ax_vcpu_run(vcpu, &exit, NULL), 0);
	ck_assert_uint_eq(exit.kind, AX_EXIT_INTERNAL_ERROR);
	ck_assert_uint_eq(exit.internal_error.data[0], ENOSYS);
	ax_vm_destroy(vm);
}
END_TEST

/* The instruction was another one when KVM met it: direction tells. */
START_TEST(instruction_that_changed_meanwhile_is_an_abort)
{
	AxVCpuExitReason exit;

	make_vcpu(STP_POST);
	push_nisv(false);
	ck_assert_int_eq(ax_vcpu_run(vcpu, &exit, NULL), 0);
	ck_assert_uint_eq(exit.kind, AX_EXIT_NOTHING);
	ck_assert_uint_eq(fake_calls(KVM_SET_VCPU_EVENTS), 1);
	ax_vm_destroy(vm);
}
END_TEST

/* Everything from the exit to the end of the instruction. */
static int carry_out(AxError *err)
{
	AxVCpuExitReason exit;
	int ret = ax_vcpu_run(vcpu, &exit, err);

	while (!ret && (exit.kind == AX_EXIT_MMIO_READ || exit.kind == AX_EXIT_MMIO_WRITE)) {
		ret = ax_vcpu_settle(vcpu, &exit, err);
		if (ret != 1)
			return ret;
		ret = 0;
	}
	return ret;
}

START_TEST(every_call_of_an_access_may_fail)
{
	static const uint32_t insns[] = { STP_POST, LDP_Q, LDADD };
	bool is_write = insns[_i] != LDP_Q;

	for (unsigned nth = 1;; nth++) {
		AxError err = AX_ERROR_INIT;
		int ret;

		make_vcpu(insns[_i]);
		push_nisv(is_write);
		fake_fail_any(nth, EBADF);
		ret = carry_out(&err);
		if (!fake_failed()) {
			ck_assert_int_eq(ret, 0);
			ck_assert_uint_gt(nth, 5);
			fake_fail_clear();
			ck_assert_uint_eq(get(ARM64_PC), insns[_i] == LDADD ? RAM : RAM + 4);
			ax_vm_destroy(vm);
			break;
		}
		ck_assert_int_lt(ret, 0);
		ck_assert_str_ne(err.message, "");
		ax_vm_destroy(vm);
		fake_sys_reset();
	}
}
END_TEST

static void push_call(uint64_t function, uint64_t x1, uint64_t x2)
{
	struct kvm_run run = { .exit_reason = KVM_EXIT_HYPERCALL };

	run.hypercall.nr = function;
	fake_push_run(0, &run);
	arm64_set(vcpu, ARM64_X(1), x1, NULL);
	arm64_set(vcpu, ARM64_X(2), x2, NULL);
}

START_TEST(every_call_of_psci_may_fail)
{
	static const uint32_t functions[] = { PSCI_64(PSCI_CPU_ON), PSCI_CPU_OFF,
					      PSCI_64(PSCI_CPU_SUSPEND), PSCI_GET_VERSION,
					      PSCI_SYSTEM_OFF };

	for (unsigned nth = 1;; nth++) {
		AxError err = AX_ERROR_INIT;
		AxVCpuExitReason exit;
		AxVCpu *second;
		int ret;

		make_vcpu(0);
		second = free_vcpu(vm, 1, AX_SETUP_POWERED_OFF);
		push_call(functions[_i], functions[_i] == PSCI_64(PSCI_CPU_ON) ? 1 : 0, RAM);
		fake_fail_any(nth, EBADF);
		ret = ax_vcpu_run(vcpu, &exit, &err);
		if (!ret)
			ret = ax_vcpu_settle(vcpu, &exit, &err);
		if (!fake_failed()) {
			ck_assert_int_eq(ret, 0);
			ck_assert_uint_gt(nth, 3);
			ck_assert_int_eq(vcpu_power(second),
					 _i ? VCPU_POWER_OFF : VCPU_POWER_PENDING);
			ax_vm_destroy(vm);
			break;
		}
		/* A KVM that knows no suspended state (before Linux 6.0) lets the CPU go on. */
		if (functions[_i] != PSCI_64(PSCI_CPU_SUSPEND))
			ck_assert_int_lt(ret, 0);
		ax_vm_destroy(vm);
		fake_sys_reset();
	}
}
END_TEST

START_TEST(host_without_filter_keeps_psci_in_the_kernel)
{
	AxHypercallConfig config = AX_HYPERCALL_CONFIG_INIT;
	AxVmOptions options = AX_VM_OPTIONS_INIT;
	struct kvm_mp_state state;
	AxError err;

	fake_fail(KVM_HAS_DEVICE_ATTR, 0, ENXIO);
	options.power = AX_POWER_USER;
	ck_assert_fails(ax_vm_create(&options, &vm, &err), -ENOTSUP, AX_ERROR_UNSUPPORTED,
			"Linux 6.4");
	options.power = AX_POWER_AUTO;
	ck_assert_int_eq(ax_vm_create(&options, &vm, &err), 0);
	ck_assert_int_eq(vm->power, AX_POWER_KERNEL);
	config.flags = AX_HYPERCALL_TRAP;
	ck_assert_fails(ax_hypercall_set(vm, &config, NULL, NULL, &err), -ENOTSUP,
			AX_ERROR_UNSUPPORTED, "Linux 6.4");
	/* KVM holds the CPU then. */
	vcpu = free_vcpu(vm, 1, AX_SETUP_POWERED_OFF);
	ck_assert(!atomic_load(&vcpu->powered_off));
	ck_assert(fake_get_state(0, KVM_GET_MP_STATE, &state, sizeof(state)));
	ck_assert_uint_eq(state.mp_state, KVM_MP_STATE_STOPPED);
	ax_vm_destroy(vm);
}
END_TEST

START_TEST(gic_is_a_v3_or_a_v2_or_none)
{
	AxVmOptions options = AX_VM_OPTIONS_INIT;
	AxError err;

	options.irqchip = AX_IRQCHIP_KERNEL;
	fake_fail(KVM_CREATE_DEVICE, 1, ENODEV);
	ck_assert_int_eq(ax_vm_create(&options, &vm, &err), 0);
	ck_assert(vm->arch->gic_is_v2);
	ck_assert_uint_eq(FAKE_ARG(struct kvm_create_device, KVM_CREATE_DEVICE, 1)->type,
			  KVM_DEV_TYPE_ARM_VGIC_V2);
	/* More CPUs than it knows. */
	for (uint32_t id = 0; id < 9; id++)
		vcpu = free_vcpu(vm, id, 0);
	ck_assert_fails(ax_vcpu_bind(vcpu, AX_ANY_CPU, &err), -EINVAL, AX_ERROR_ARGUMENT,
			"room for 8");
	ck_assert_int_eq(ax_vcpu_state(vcpu), AX_VCPU_FREE);
	ax_vm_destroy(vm);

	fake_fail(KVM_CREATE_DEVICE, 0, ENODEV);
	ck_assert_fails(ax_vm_create(&options, &vm, &err), -ENOTSUP, AX_ERROR_UNSUPPORTED,
			"no in-kernel GIC");
	fake_fail_clear();
	for (unsigned nth = 1; nth <= 4; nth++) {
		fake_fail(KVM_SET_DEVICE_ATTR, nth, EINVAL);
		ck_assert_fails(ax_vm_create(&options, &vm, &err), -EIO, AX_ERROR_KVM_CALL, "KVM_");
	}
}
END_TEST

START_TEST(gic_is_initialised_once)
{
	AxError err = AX_ERROR_INIT;
	unsigned attributes;
	AxIrq irq;

	vm = new_vm(AX_IRQCHIP_KERNEL);
	vcpu = free_vcpu(vm, 0, 0);
	fake_fail(KVM_SET_DEVICE_ATTR, 1, EBUSY);
	ck_assert_fails(ax_irq_get(vm, 4, &irq, &err), -EIO, AX_ERROR_KVM_CALL, "CTRL_INIT");
	attributes = fake_calls(KVM_SET_DEVICE_ATTR);
	ck_assert_int_eq(ax_irq_get(vm, 4, &irq, &err), 0);
	ck_assert_int_eq(ax_vcpu_bind(vcpu, AX_ANY_CPU, &err), 0);
	ck_assert_uint_eq(fake_calls(KVM_SET_DEVICE_ATTR), attributes + 1);
	ax_vm_destroy(vm);
}
END_TEST

START_TEST(every_call_of_a_set_up_may_fail)
{
	AxVCpuSetup setup = AX_VCPU_SETUP_INIT;

	setup.entry = RAM;
	setup.arg = 1;
	setup.stack = 0x8000;
	for (unsigned nth = 1;; nth++) {
		AxError err = AX_ERROR_INIT;
		int ret;

		vm = new_vm(AX_IRQCHIP_NONE);
		vcpu = new_vcpu(vm, 0);
		fake_fail_any(nth, EBADF);
		ret = ax_vcpu_setup(vcpu, &setup, &err);
		if (!fake_failed()) {
			ck_assert_int_eq(ret, 0);
			ck_assert_uint_eq(nth, 6);
			ax_vm_destroy(vm);
			break;
		}
		ck_assert_int_eq(ret, -EIO);
		ck_assert_int_eq(ax_vcpu_state(vcpu), AX_VCPU_INVALID);
		ax_vm_destroy(vm);
		fake_sys_reset();
	}
}
END_TEST

static const struct {
	AxVCpuSetup setup;
	const char *message;
} refused[] = {
	{ { .mode = AX_MODE_LONG }, "mode 3" },
	{ { .entry = RAM + 2 }, "aligned to 4" },
	{ { .stack = 8 }, "aligned to 16" },
};

START_TEST(set_up_that_makes_no_sense_changes_nothing)
{
	AxVCpuSetup setup = refused[_i].setup;
	unsigned calls;
	AxError err;

	vm = new_vm(AX_IRQCHIP_NONE);
	vcpu = new_vcpu(vm, 0);
	calls = fake_calls_all();
	setup.size = sizeof(setup);
	ck_assert_fails(ax_vcpu_setup(vcpu, &setup, &err), -EINVAL, AX_ERROR_ARGUMENT,
			refused[_i].message);
	ck_assert_uint_eq(fake_calls_all(), calls);
	ck_assert_int_eq(ax_vcpu_state(vcpu), AX_VCPU_CREATED);
	ax_vm_destroy(vm);
}
END_TEST

/* The line is KVM's only when it changes. */
START_TEST(line_is_raised_once_and_lowered_once)
{
	AxError err = AX_ERROR_INIT;

	make_vcpu(0);
	for (unsigned vector = 0; vector < 256; vector += 51)
		ck_assert_int_eq(ax_vcpu_inject_interrupt(vcpu, vector, &err), 0);
	ck_assert_uint_eq(fake_calls(KVM_IRQ_LINE), 1);
	for (unsigned vector = 0; vector < 256; vector += 51)
		ck_assert_int_eq(ax_vcpu_clear_interrupt(vcpu, vector, &err), 0);
	ck_assert_uint_eq(fake_calls(KVM_IRQ_LINE), 2);
	/* Refused, it is as it was. */
	fake_fail(KVM_IRQ_LINE, 1, EBADF);
	ck_assert_fails(ax_vcpu_inject_interrupt(vcpu, 3, &err), -EIO, AX_ERROR_KVM_CALL,
			"KVM_IRQ_LINE");
	ck_assert_int_eq(ax_vcpu_inject_interrupt(vcpu, 3, &err), 0);
	ck_assert_uint_eq(fake_calls(KVM_IRQ_LINE), 4);
	/* A new life begins with it low. */
	ck_assert_int_eq(ax_vcpu_unbind(vcpu, &err), 0);
	ck_assert_int_eq(ax_vcpu_setup(vcpu, &(AxVCpuSetup)AX_VCPU_SETUP_INIT, &err), 0);
	ck_assert_uint_eq(fake_calls(KVM_IRQ_LINE), 5);
	ck_assert_uint_eq(FAKE_ARG(struct kvm_irq_level, KVM_IRQ_LINE, 4)->level, 0);
	ax_vm_destroy(vm);
}
END_TEST

/* KVM_ARM_VCPU_INIT lets the line fall, and its holder does not know. */
START_TEST(line_that_a_device_holds_outlives_the_cpus_restart)
{
	AxError err = AX_ERROR_INIT;
	AxVCpuExitReason exit;

	make_vcpu(0);
	ck_assert_int_eq(ax_vcpu_inject_interrupt(vcpu, 9, &err), 0);
	ck_assert_uint_eq(fake_calls(KVM_IRQ_LINE), 1);
	ck_assert_int_eq(ax_vcpu_power_off(vcpu, &err), 0);
	ck_assert_int_eq(ax_vcpu_start(vcpu, 0x1000, 0, &err), 0);
	ck_assert_int_eq(ax_vcpu_run(vcpu, &exit, &err), 0);
	ck_assert_uint_eq(exit.kind, AX_EXIT_NOTHING);
	ck_assert_uint_eq(fake_calls(KVM_IRQ_LINE), 2);
	ck_assert_uint_eq(FAKE_ARG(struct kvm_irq_level, KVM_IRQ_LINE, 1)->level, 1);
	ax_vm_destroy(vm);
}
END_TEST

static void add_tests(TCase *cases)
{
	tcase_add_test(cases, sign_is_extended_where_kvm_does_not);
	tcase_add_test(cases, kvm_that_extends_the_sign_is_asked_once);
	tcase_add_test(cases, load_without_sign_is_left_alone);
	tcase_add_test(cases, access_that_cannot_be_carried_out_ends_in_an_abort);
	tcase_add_test(cases, instruction_that_changed_meanwhile_is_an_abort);
	tcase_add_loop_test(cases, every_call_of_an_access_may_fail, 0, 3);
	tcase_add_loop_test(cases, every_call_of_psci_may_fail, 0, 5);
	tcase_add_test(cases, host_without_filter_keeps_psci_in_the_kernel);
	tcase_add_test(cases, gic_is_a_v3_or_a_v2_or_none);
	tcase_add_test(cases, gic_is_initialised_once);
	tcase_add_test(cases, every_call_of_a_set_up_may_fail);
	tcase_add_loop_test(cases, set_up_that_makes_no_sense_changes_nothing, 0, COUNT(refused));
	tcase_add_test(cases, line_is_raised_once_and_lowered_once);
	tcase_add_test(cases, line_that_a_device_holds_outlives_the_cpus_restart);
}

RUN_SUITE("arm64", add_tests)
