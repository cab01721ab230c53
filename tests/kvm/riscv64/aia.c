/* SPDX-License-Identifier: Apache-2.0 */
/*
 * KVM's AIA: messages to IMSICs and pulses of the APLIC's lines arrive once each, and vCPUs come before
 * it is used. Needs a host whose processor has AIA.
 */
#include <errno.h>
#include <string.h>

#include <axvmm/irq.h>

#include "arch/riscv64/riscv.h"
#include "code_riscv.h"
#include "sys/sys.h"
#include "tests/kvm/running.h"

#define HARTS	 4
#define ROUNDS	 25
#define NUDGE_NS UINT64_C(50000000)
/*
 * The first of four. KVM 6.12's software files of an IMSIC, which it uses where the processor has too few
 * of its own, lose those of which the lower six bits are 32 or more.
 */
#define IDENTITY 8
#define SOURCE	 4 /* a wired interrupt of the APLIC */

/* Registers of an IMSIC: AIA 1.0, 3.8. */
#define EIDELIVERY 0x70
#define EIP0	   0x80
#define EIE0	   0xc0

/* Registers of an APLIC, and what is in them: AIA 1.0, 4.5. */
#define DOMAINCFG      0x0000
#define DOMAINCFG_IE   (1u << 8)
#define SOURCECFG(i)   (0x0004 + 4 * ((i)-1))
#define SOURCECFG_RISE 4u
#define SETIENUM       0x1edc
#define TARGET(i)      (0x3004 + 4 * ((i)-1)) /* hart 0's where the rest is 0: the identity */

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

/* One hart with this ID. */
static void open_imsic(struct running *running, uint32_t id)
{
	AxVmOptions options = with_aia();

	*running = (struct running){ .vcpus = 1 };
	code_open_vm(&running->vm, &options, CODE(imsic));
	code_add_vcpu(&running->vm, id);
	code_set_word(&running->vm, id, 1, IDENTITY);
}

/*
 * Wait until the word is @value. KVM up to 6.12 at least lets a hart sleep on that goes to sleep in
 * the moment when a message comes: a kick makes it look. Returns how many were needed.
 */
static unsigned wait_nudging(struct running *running, uint32_t id, unsigned word, uint64_t value)
{
	AxVCpu *vcpu = ax_vm_vcpu(running->vm.vm, id);
	uint64_t end = kvm_now() + UINT64_C(10000000000), nudge = kvm_now() + NUDGE_NS;
	unsigned nudges = 0;

	while (code_word(&running->vm, id, word) < value) {
		ck_assert_msg(kvm_now() < end, "word %u of hart %u is not %u after ten seconds",
			      word, id, (unsigned)value);
		if (kvm_now() >= nudge) {
			ax_vcpu_kick(vcpu, 0);
			nudges++;
			nudge = kvm_now() + NUDGE_NS;
		}
		doze(20000);
	}
	return nudges;
}

/* _i: the hart's ID. */
START_TEST(messages_arrive_once_each)
{
	const uint32_t id = (uint32_t)_i;
	AxError err = AX_ERROR_INIT;
	struct running running;
	unsigned nudges = 0;

	if (!has_aia())
		return;
	open_imsic(&running, id);
	running_start(&running);
	code_wait_word(&running.vm, id, 3, 1);
	for (unsigned round = 1; round <= ROUNDS; round++) {
		for (unsigned number = 0; number < 4; number++) {
			ck_ok(ax_vcpu_inject_interrupt(running.vm.vcpu, IDENTITY + number, &err),
			      err);
			nudges += wait_nudging(&running, id, 4 + number, round);
		}
	}
	doze(5000000);
	for (unsigned number = 0; number < 4; number++)
		ck_assert_uint_eq(code_word(&running.vm, id, 4 + number), ROUNDS);
	ck_assert_uint_eq(code_word(&running.vm, id, 0), 4 * ROUNDS);
	kvm_say("%d messages, of which %u left the hart asleep", 4 * ROUNDS, nudges);
	running_stop(&running);
	running_close(&running);
}
END_TEST

/* Each to its own hart: more harts than the lab's processor has interrupt files. */
START_TEST(messages_arrive_at_their_hart_alone)
{
	AxError err = AX_ERROR_INIT;
	struct running running;

	if (!has_aia())
		return;
	open_imsic(&running, 0);
	for (uint32_t id = 1; id < HARTS; id++) {
		code_add_vcpu(&running.vm, id);
		code_set_word(&running.vm, id, 1, IDENTITY);
	}
	running_start(&running);
	for (uint32_t id = 0; id < HARTS; id++)
		code_wait_word(&running.vm, id, 3, 1);
	for (unsigned round = 1; round <= ROUNDS; round++) {
		for (uint32_t id = 0; id < HARTS; id++) {
			AxVCpu *vcpu = ax_vm_vcpu(running.vm.vm, id);

			ck_ok(ax_vcpu_inject_interrupt(vcpu, IDENTITY + id, &err), err);
			wait_nudging(&running, id, 4 + id, round);
		}
	}
	doze(5000000);
	for (uint32_t id = 0; id < HARTS; id++)
		ck_assert_uint_eq(code_word(&running.vm, id, 0), ROUNDS);
	running_stop(&running);
	running_close(&running);
}
END_TEST

/* As KVM has it. */
static uint64_t imsic_register(struct running *running, uint64_t isel)
{
	uint64_t value = UINT64_MAX;
	struct kvm_device_attr request = { .group = SYS_RISCV_AIA_IMSIC,
					   .attr = SYS_RISCV_AIA_IMSIC_REG(0, isel),
					   .addr = (uintptr_t)&value };

	ck_assert_int_ge(sys_ioctl_struct(running->vm.vm->arch->aia, KVM_GET_DEVICE_ATTR, &request),
			 0);
	return value;
}

static void set_aplic_register(struct running *running, uint64_t offset, uint32_t value)
{
	struct kvm_device_attr request = { .group = SYS_RISCV_AIA_APLIC,
					   .attr = offset,
					   .addr = (uintptr_t)&value };

	ck_assert_int_ge(sys_ioctl_struct(running->vm.vm->arch->aia, KVM_SET_DEVICE_ATTR, &request),
			 0);
}

/*
 * As guests have it for a virtio device: an edge for each. A line that stays up after the first pulse, as
 * KVM 6.12 leaves it for an irqfd, has no second one.
 */
START_TEST(each_pulse_of_a_line_is_an_interrupt)
{
	AxError err = AX_ERROR_INIT;
	struct running running;
	unsigned nudges = 0;
	AxIrq irq;

	if (!has_aia())
		return;
	open_imsic(&running, 0);
	ck_ok(ax_irq_get(running.vm.vm, SOURCE, &irq, &err), err);
	set_aplic_register(&running, DOMAINCFG, DOMAINCFG_IE);
	set_aplic_register(&running, SOURCECFG(SOURCE), SOURCECFG_RISE);
	set_aplic_register(&running, TARGET(SOURCE), IDENTITY + 1);
	set_aplic_register(&running, SETIENUM, SOURCE);
	running_start(&running);
	code_wait_word(&running.vm, 0, 3, 1);
	for (unsigned round = 1; round <= ROUNDS; round++) {
		ax_irq_pulse(&irq);
		nudges += wait_nudging(&running, 0, 5, round);
	}
	doze(5000000);
	ck_assert_uint_eq(code_word(&running.vm, 0, 5), ROUNDS);
	ck_assert_uint_eq(code_word(&running.vm, 0, 0), ROUNDS);
	kvm_say("%d pulses, of which %u left the hart asleep", ROUNDS, nudges);
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
	open_imsic(&running, 0);
	ck_assert_int_eq(ax_vcpu_inject_interrupt(running.vm.vcpu, 0, &err), -EINVAL);
	ck_assert_int_eq(ax_vcpu_inject_interrupt(running.vm.vcpu, 256, &err), -EINVAL);
	ck_ok(ax_vcpu_inject_interrupt(running.vm.vcpu, 255, &err), err);
	ck_assert_int_eq(ax_vcpu_clear_interrupt(running.vm.vcpu, 1, &err), -ENOTSUP);
	running_close(&running);
}
END_TEST

/* What waits, and what is enabled, is gone when the hart starts over. */
START_TEST(setup_resets_the_imsic)
{
	AxError err = AX_ERROR_INIT;
	struct running running;

	if (!has_aia())
		return;
	open_imsic(&running, 0);
	running_start(&running);
	code_wait_word(&running.vm, 0, 3, 1);
	running_stop(&running);
	/* Enabled by the first life, and pending. */
	ck_ok(ax_vcpu_inject_interrupt(running.vm.vcpu, IDENTITY, &err), err);
	code_restart(running.vm.vcpu);
	ck_assert_uint_eq(imsic_register(&running, EIDELIVERY), 0);
	ck_assert_uint_eq(imsic_register(&running, EIP0), 0);
	ck_assert_uint_eq(imsic_register(&running, EIE0), 0);
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

	tcase_add_loop_test(tcase, messages_arrive_once_each, 0, 6);
	tcase_add_test(tcase, messages_arrive_at_their_hart_alone);
	tcase_add_test(tcase, each_pulse_of_a_line_is_an_interrupt);
	tcase_add_test(tcase, identities_have_their_limits);
	tcase_add_test(tcase, setup_resets_the_imsic);
	tcase_add_test(tcase, no_vcpu_joins_once_it_is_used);
	return kvm_main(suite);
}
