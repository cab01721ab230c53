/* SPDX-License-Identifier: Apache-2.0 */
/*
 * KVM's AIA: messages to IMSICs arrive once each, lines of the APLIC reach them, and vCPUs come before
 * it is used. Needs a host whose processor has AIA.
 */
#include <errno.h>
#include <string.h>

#include <axvmm/irq.h>

#include "code_riscv.h"
#include "tests/kvm/running.h"

#define ROUNDS	 100
#define IDENTITY 40 /* the first of four */
#define SOURCE	 4  /* a wired interrupt of the APLIC */

/* The APLIC, where QEMU's virt has its supervisor's: AIA 1.0, 4.5. */
#define APLIC		 0x0d000000
#define APLIC_DOMAINCFG	 0x0000
#define APLIC_SOURCECFG	 0x0004
#define APLIC_SETIENUM	 0x1edc
#define APLIC_TARGET	 0x3004
#define DOMAINCFG_IE_DM	 0x104 /* interrupts on, as messages */
#define SOURCECFG_RISING 4

static AxVmOptions with_aia(void)
{
	AxVmOptions options = AX_VM_OPTIONS_INIT;

	options.irqchip = AX_IRQCHIP_KERNEL;
	return options;
}

/* False: this host has none, which has been said. */
static bool has_aia(void)
{
	AxVmOptions options = with_aia();
	AxError err = AX_ERROR_INIT;
	AxVm *vm;

	if (ax_vm_create(&options, &vm, &err) == -ENOTSUP) {
		kvm_skip("interrupts by KVM's AIA: %s", err.message);
		return false;
	}
	ax_vm_destroy(vm);
	kvm_count_run();
	return true;
}

static void open_imsic(struct running *running, unsigned vcpus)
{
	AxVmOptions options = with_aia();

	running_open(running, &options, CODE(imsic), vcpus);
	for (unsigned i = 0; i < vcpus; i++)
		code_set_word(&running->vm, i, 1, IDENTITY);
}

static void start_imsic(struct running *running)
{
	running_start(running);
	for (unsigned i = 0; i < running->vcpus; i++)
		code_wait_word(&running->vm, i, 3, 1);
}

START_TEST(messages_arrive_once_each_at_their_hart)
{
	AxError err = AX_ERROR_INIT;
	struct running running;

	if (!has_aia())
		return;
	open_imsic(&running, 2);
	start_imsic(&running);
	for (unsigned round = 1; round <= ROUNDS; round++) {
		for (unsigned id = 0; id < 2; id++) {
			AxVCpu *vcpu = ax_vm_vcpu(running.vm.vm, id);

			ck_ok(ax_vcpu_inject_interrupt(vcpu, IDENTITY + id, &err), err);
			code_wait_word(&running.vm, id, 4 + id, round);
		}
	}
	doze(5000000);
	for (unsigned id = 0; id < 2; id++) {
		ck_assert_uint_eq(code_word(&running.vm, id, 4 + id), ROUNDS);
		ck_assert_uint_eq(code_word(&running.vm, id, 5 - id), 0);
		ck_assert_uint_eq(code_word(&running.vm, id, 0), ROUNDS);
	}
	running_stop(&running);
	running_close(&running);
}
END_TEST

START_TEST(identities_have_their_limits)
{
	AxError err = AX_ERROR_INIT;
	struct running running;

	if (!has_aia())
		return;
	open_imsic(&running, 1);
	ck_assert_int_eq(ax_vcpu_inject_interrupt(running.vm.vcpu, 0, &err), -EINVAL);
	ck_assert_int_eq(ax_vcpu_inject_interrupt(running.vm.vcpu, 256, &err), -EINVAL);
	ck_ok(ax_vcpu_inject_interrupt(running.vm.vcpu, 255, &err), err);
	ck_assert_int_eq(ax_vcpu_clear_interrupt(running.vm.vcpu, 1, &err), -ENOTSUP);
	running_close(&running);
}
END_TEST

START_TEST(no_vcpu_joins_once_it_is_used)
{
	AxVmOptions options = with_aia();
	AxError err = AX_ERROR_INIT;
	struct code_vm vm;
	AxVCpu *late;
	AxIrq irq;

	if (!has_aia())
		return;
	code_open(&vm, &options, CODE(imsic));
	code_add_vcpu(&vm, 5);
	ck_ok(ax_irq_get(vm.vm, SOURCE, &irq, &err), err);
	ck_assert_int_eq(ax_vcpu_create(vm.vm, 1, &late, &err), -EPERM);
	ck_assert_ptr_nonnull(strstr(err.message, "AIA"));
	code_close(&vm);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("aia");
	TCase *tcase = kvm_case(suite, "AIA");

	tcase_add_test(tcase, messages_arrive_once_each_at_their_hart);
	tcase_add_test(tcase, identities_have_their_limits);
	tcase_add_test(tcase, no_vcpu_joins_once_it_is_used);
	return kvm_main(suite);
}
