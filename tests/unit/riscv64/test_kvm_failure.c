/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Kernels that lack something, and calls of KVM's that fail: each is told by its own error, and
 * nothing leaks.
 */
#include <axvmm/irq.h>
#include <axvmm/probe.h>

#include "arch/riscv64/riscv.h"
#include "tests/unit/run_fixture.h"

static int create(uint32_t irqchip, uint32_t power, AxVm **vm, AxError *err)
{
	AxVmOptions options = AX_VM_OPTIONS_INIT;

	options.irqchip = irqchip;
	options.power = power;
	return ax_vm_create(&options, vm, err);
}

START_TEST(host_without_aia_is_not_supported)
{
	static const int refusals[] = { ENODEV, EINVAL, ENOTTY };
	AxError err;
	AxVm *vm;

	for (unsigned i = 0; i < COUNT(refusals); i++) {
		fake_fail(KVM_CREATE_DEVICE, 1, refusals[i]);
		ck_assert_fails(create(AX_IRQCHIP_KERNEL, 0, &vm, &err), -ENOTSUP,
				AX_ERROR_UNSUPPORTED, "no AIA");
	}
	fake_fail(KVM_CREATE_DEVICE, 1, EBADF);
	ck_assert_fails(create(AX_IRQCHIP_KERNEL, 0, &vm, &err), -EIO, AX_ERROR_KVM_CALL, "AIA");
	ck_assert_fails(create(AX_IRQCHIP_USER, 0, &vm, &err), -ENOTSUP, AX_ERROR_UNSUPPORTED,
			"PLIC");
}
END_TEST

/* The calls that prepare it: each once, before the first entry or the first line. */
START_TEST(aia_is_finished_once_and_a_failure_is_told)
{
	AxError err = AX_ERROR_INIT;
	unsigned attributes;
	AxVCpu *vcpu;
	AxIrq irq;
	AxVm *vm;

	for (unsigned nth = 1; nth <= 3; nth++) {
		fake_fail(KVM_SET_DEVICE_ATTR, nth, EINVAL);
		ck_assert_fails(create(AX_IRQCHIP_KERNEL, 0, &vm, &err), -EIO, AX_ERROR_KVM_CALL,
				"AIA");
	}
	vm = new_vm(AX_IRQCHIP_KERNEL);
	vcpu = free_vcpu(vm, 3, 0);
	for (unsigned nth = 1; nth <= 3; nth++) {
		fake_fail(KVM_SET_DEVICE_ATTR, nth, EBUSY);
		ck_assert_fails(ax_vcpu_bind(vcpu, AX_ANY_CPU, &err), -EIO, AX_ERROR_KVM_CALL,
				"AIA");
	}
	ck_assert_int_eq(ax_vcpu_bind(vcpu, AX_ANY_CPU, &err), 0);
	attributes = fake_calls(KVM_SET_DEVICE_ATTR);
	ck_assert_int_eq(ax_irq_get(vm, 4, &irq, &err), 0);
	ck_assert_int_eq(ax_vcpu_inject_interrupt(vcpu, 40, &err), 0);
	ck_assert_uint_eq(fake_calls(KVM_SET_DEVICE_ATTR), attributes);
	ck_assert_fails(ax_vcpu_create(vm, 1, &vcpu, &err), -EPERM, AX_ERROR_STATE,
			"no more harts");
	ax_vm_destroy(vm);
}
END_TEST

/* Kernels before 6.4 know no SBI_EXT registers: then KVM's HSM stays, and nobody minds. */
START_TEST(kernel_without_sbi_registers_still_runs_harts)
{
	AxHypercallConfig config = AX_HYPERCALL_CONFIG_INIT;
	AxError err = AX_ERROR_INIT;
	AxVCpu *vcpu;
	AxVm *vm;

	ck_assert_int_eq(create(0, AX_POWER_USER, &vm, &err), 0);
	fake_fail(KVM_SET_ONE_REG, 1, ENOENT);
	ck_assert_int_eq(ax_vcpu_create(vm, 0, &vcpu, &err), 0);
	ck_assert_uint_eq(fake_failed(), 1);
	ax_vm_destroy(vm);

	/* But a console that is asked for is refused at once. */
	ck_assert_int_eq(create(0, 0, &vm, &err), 0);
	config.flags = AX_HYPERCALL_CONSOLE;
	fake_fail(KVM_SET_ONE_REG, 1, ENOENT);
	ck_assert_fails(ax_hypercall_set(vm, &config, NULL, NULL, &err), -ENOTSUP,
			AX_ERROR_UNSUPPORTED, "DBCN");
	ck_assert_int_eq(ax_hypercall_set(vm, &config, NULL, NULL, &err), 0);
	fake_fail(KVM_SET_ONE_REG, 2, EINVAL);
	ck_assert_fails(ax_vcpu_create(vm, 0, &vcpu, &err), -EIO, AX_ERROR_KVM_CALL, "DBCN");
	ax_vm_destroy(vm);
}
END_TEST

START_TEST(hsm_of_kvms_is_switched_off_where_it_is_ours)
{
	static const uint32_t powers[] = { AX_POWER_AUTO, AX_POWER_USER, AX_POWER_KERNEL };
	AxError err = AX_ERROR_INIT;
	AxVm *vm;

	for (unsigned i = 0; i < COUNT(powers); i++) {
		const struct kvm_one_reg *reg = NULL;
		AxVCpu *vcpu;

		fake_sys_reset();
		ck_assert_int_eq(create(0, powers[i], &vm, &err), 0);
		ck_assert_int_eq(ax_vcpu_create(vm, 0, &vcpu, &err), 0);
		if (fake_calls(KVM_SET_ONE_REG))
			reg = FAKE_ARG(struct kvm_one_reg, KVM_SET_ONE_REG, 0);
		ck_assert_int_eq(reg != NULL, powers[i] != AX_POWER_KERNEL);
		if (reg)
			ck_assert_uint_eq(reg->id, RISCV_REG_SBI(SYS_RISCV_SBI_EXT_HSM));
		ax_vm_destroy(vm);
	}
}
END_TEST

/* _i: who starts harts. Held in userspace a hart is runnable for KVM from the start. */
START_TEST(hart_that_is_off_is_held_by_who_has_the_power)
{
	bool kernel = _i;
	AxError err = AX_ERROR_INIT;
	struct kvm_mp_state state;
	AxVCpu *vcpu;
	AxVm *vm;

	ck_assert_int_eq(create(0, kernel ? AX_POWER_KERNEL : AX_POWER_USER, &vm, &err), 0);
	vcpu = free_vcpu(vm, 1, AX_SETUP_POWERED_OFF);
	ck_assert(fake_get_state(0, KVM_GET_MP_STATE, &state, sizeof(state)));
	ck_assert_uint_eq(state.mp_state, kernel ? KVM_MP_STATE_STOPPED : KVM_MP_STATE_RUNNABLE);
	ck_assert_int_eq(atomic_load(&vcpu->powered_off), !kernel);
	ax_vm_destroy(vm);
}
END_TEST

START_TEST(every_call_of_a_set_up_may_fail)
{
	AxVCpuSetup setup = AX_VCPU_SETUP_INIT;

	for (unsigned nth = 1;; nth++) {
		AxVm *vm = new_vm(AX_IRQCHIP_NONE);
		AxVCpu *vcpu = new_vcpu(vm, 0);
		AxError err = AX_ERROR_INIT;
		int ret;

		fake_fail_any(nth, EBADF);
		ret = ax_vcpu_setup(vcpu, &setup, &err);
		if (!fake_failed()) {
			ck_assert_int_eq(ret, 0);
			ck_assert_uint_gt(nth, 40);
			ax_vm_destroy(vm);
			break;
		}
		/* What an older kernel may lack is passed over: the timer and senvcfg. */
		if (ret) {
			ck_assert_int_eq(ret, -EIO);
			ck_assert_int_eq(ax_vcpu_state(vcpu), AX_VCPU_INVALID);
		} else {
			ck_assert_int_eq(ax_vcpu_state(vcpu), AX_VCPU_FREE);
		}
		ax_vm_destroy(vm);
		fake_sys_reset();
	}
}
END_TEST

START_TEST(debugging_that_kvm_lacks_is_not_supported)
{
	const uint64_t none = 0;
	AxVm *vm = new_vm(AX_IRQCHIP_NONE);
	AxVCpu *vcpu = free_vcpu(vm, 0, 0);
	AxError err;

	fake_fail(KVM_SET_GUEST_DEBUG, 1, EINVAL);
	ck_assert_fails(ax_vcpu_set_debug(vcpu, false, &none, 0, &err), -ENOTSUP,
			AX_ERROR_UNSUPPORTED, "KVM_SET_GUEST_DEBUG");
	fake_fail(KVM_SET_GUEST_DEBUG, 1, EBADF);
	ck_assert_fails(ax_vcpu_set_debug(vcpu, false, &none, 0, &err), -EIO, AX_ERROR_KVM_CALL,
			"KVM_SET_GUEST_DEBUG");
	ck_assert_int_eq(ax_vcpu_set_debug(vcpu, false, &none, 0, &err), 0);
	ck_assert_uint_eq(FAKE_ARG(struct kvm_guest_debug, KVM_SET_GUEST_DEBUG, 2)->control,
			  KVM_GUESTDBG_ENABLE);
	ck_assert_int_eq(ax_vcpu_set_debug(vcpu, false, NULL, 0, &err), 0);
	ck_assert_uint_eq(FAKE_ARG(struct kvm_guest_debug, KVM_SET_GUEST_DEBUG, 3)->control, 0);
	ax_vm_destroy(vm);
}
END_TEST

/* A fault in the place of a CSR: every call on the way may fail. */
START_TEST(fault_that_cannot_be_raised_is_the_hosts_failure)
{
	struct kvm_run csr = { .exit_reason = KVM_EXIT_RISCV_CSR };

	csr.riscv_csr.csr_num = 0x15;
	for (unsigned nth = 1;; nth++) {
		AxVm *vm = new_strict_vm(AX_IRQCHIP_NONE);
		AxVCpu *vcpu = ready_vcpu(vm, 0);
		AxError err = AX_ERROR_INIT;
		AxVCpuExitReason exit;
		uint64_t cause;
		int ret;

		fake_push_run(0, &csr);
		ck_assert_int_eq(ax_vcpu_run(vcpu, &exit, &err), 0);
		ck_assert_int_eq(ax_vcpu_reply_fault(vcpu), 0);
		fake_fail_any(nth, EBADF);
		ret = ax_vcpu_settle(vcpu, &exit, &err);
		if (!fake_failed()) {
			ck_assert_int_eq(ret, 0);
			ck_assert_uint_gt(nth, 60);
			fake_fail_clear();
			ck_assert_int_eq(riscv_try_get(vcpu, RISCV_REG_CSR(scause), &cause), 0);
			ck_assert_uint_eq(cause, RISCV_CAUSE_ILLEGAL_INSTRUCTION);
			ax_vm_destroy(vm);
			break;
		}
		ck_assert_int_eq(ret, -EIO);
		ck_assert_str_ne(err.message, "");
		ax_vm_destroy(vm);
		fake_sys_reset();
	}
}
END_TEST

START_TEST(probe_does_without_a_list_of_registers)
{
	AxProbeSysReg reg = { .size = sizeof(reg) };
	AxProbeExit exit = { .size = sizeof(exit) };
	AxError err = AX_ERROR_INIT;
	AxProbe *probe;

	fake_fail(KVM_GET_REG_LIST, 0, ENOTTY);
	ck_assert_int_eq(ax_probe_new(NULL, &probe, &err), 0);
	ck_assert(!ax_probe_sys_reg(probe, 0, &reg));
	for (unsigned i = 0; ax_probe_exit(probe, i, &exit); i++) {
		ck_assert_ptr_nonnull(exit.how);
		if (exit.kind == AX_EXIT_SYS_REG_WRITE)
			ck_assert(!exit.possible);
	}
	ax_probe_free(probe);
	fake_fail_clear();
	fake_fail(KVM_GET_REG_LIST, 1, EBADF);
	ck_assert_fails(ax_probe_new(NULL, &probe, &err), -EIO, AX_ERROR_KVM_CALL,
			"KVM_GET_REG_LIST");
}
END_TEST

static void add_tests(TCase *cases)
{
	tcase_add_test(cases, host_without_aia_is_not_supported);
	tcase_add_test(cases, aia_is_finished_once_and_a_failure_is_told);
	tcase_add_test(cases, kernel_without_sbi_registers_still_runs_harts);
	tcase_add_test(cases, hsm_of_kvms_is_switched_off_where_it_is_ours);
	tcase_add_loop_test(cases, hart_that_is_off_is_held_by_who_has_the_power, 0, 2);
	tcase_add_test(cases, every_call_of_a_set_up_may_fail);
	tcase_add_test(cases, debugging_that_kvm_lacks_is_not_supported);
	tcase_add_test(cases, fault_that_cannot_be_raised_is_the_hosts_failure);
	tcase_add_test(cases, probe_does_without_a_list_of_registers);
}

RUN_SUITE("riscv64 failures", add_tests)
