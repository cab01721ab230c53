/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The guest's timer, which is KVM's alone, wakes a hart that sleeps by WFI inside KVM, however it was
 * set, and whatever is done to the vCPU meanwhile.
 */
#include "code_riscv.h"
#include "tests/kvm/running.h"

#define ROUNDS 50
#define TICKS  20000 /* 2 ms at QEMU's 10 MHz */

/* _i: by the SBI, by stimecmp. */
START_TEST(expired_timer_wakes_a_sleeping_hart)
{
	AxError err = AX_ERROR_INIT;
	struct running running;
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
			code_wait_word(&running.vm, id, 0, 10 * round);
	}
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
