/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The guest's timer, which is KVM's alone, wakes a hart that sleeps by WFI inside KVM, however it was
 * set, and whatever is done to the vCPU meanwhile.
 */
#include <inttypes.h>

#include "code_riscv.h"
#include "tests/kvm/running.h"

#define ROUNDS 50
#define TICKS  20000 /* 2 ms at QEMU's 10 MHz */
#define LIMIT  UINT64_C(10000000000)
#define LOOK   UINT64_C(500000000)

/*
 * KVM 6.12.107 may forget what the SBI has set, on a busy host: its timer.compare reads as none although the
 * call succeeded. (It seems to keep stimecmp where it has put it when the vCPU's thread loses its processor
 * between the call and the next entry.) True: so it has, and the hart sets it once more.
 */
static bool remind(struct running *running, uint32_t id)
{
	AxError err = AX_ERROR_INIT;
	uint64_t compare = 0;

	ck_ok(ax_vm_pause(running->vm.vm, &err), err);
	ck_ok(ax_vcpu_get_reg(ax_vm_vcpu(running->vm.vm, id), "timer.compare", &compare, &err),
	      err);
	if (compare == UINT64_MAX)
		code_set_word(&running->vm, id, 3, 1);
	ck_ok(ax_vm_resume(running->vm.vm, &err), err);
	return compare == UINT64_MAX;
}

/* Returns how often KVM had forgotten. */
static unsigned wait_timers(struct running *running, uint32_t id, uint64_t count, bool by_sbi)
{
	uint64_t end = kvm_now() + LIMIT, look = kvm_now() + LOOK;
	unsigned forgotten = 0;

	while (code_word(&running->vm, id, 0) < count) {
		ck_assert_msg(kvm_now() < end,
			      "hart %u: %" PRIu64 " of %" PRIu64 " after ten seconds", id,
			      code_word(&running->vm, id, 0), count);
		if (by_sbi && kvm_now() >= look) {
			forgotten += remind(running, id);
			look = kvm_now() + LOOK;
		}
		doze(20000);
	}
	return forgotten;
}

/* _i: by the SBI, by stimecmp. */
START_TEST(expired_timer_wakes_a_sleeping_hart)
{
	AxError err = AX_ERROR_INIT;
	struct running running;
	unsigned forgotten = 0;
	uint64_t frequency;

	running_open(&running, NULL, CODE(timer), 2);
	ck_ok(ax_vcpu_get_reg(running.vm.vcpu, "timer.frequency", &frequency, &err), err);
	for (unsigned id = 0; id < 2; id++) {
		code_set_word(&running.vm, id, 1, TICKS);
		code_set_word(&running.vm, id, 2, (uint64_t)_i);
	}
	running_start(&running);
	for (unsigned round = 1; round <= ROUNDS; round++) {
		for (unsigned id = 0; id < 2; id++)
			forgotten += wait_timers(&running, id, 10 * round, !_i);
	}
	if (forgotten)
		kvm_say("%u timers that KVM had forgotten were set again", forgotten);
	running_stop(&running);
	running_close(&running);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("timer");
	TCase *tcase = kvm_case(suite, "the guest's timer");

	tcase_add_loop_test(tcase, expired_timer_wakes_a_sleeping_hart, 0, 2);
	return kvm_main(suite);
}
