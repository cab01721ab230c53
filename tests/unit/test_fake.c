/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The fake KVM itself: it must fail where KVM fails, or the tests that trust it show nothing.
 */
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdatomic.h>
#include <unistd.h>

#include "tests/unit/core_fixture.h"

struct machine {
	int kvm, vm, vcpu;
	struct kvm_run *run;
	size_t run_size;
};

static struct machine new_machine(void)
{
	struct machine m;

	m.kvm = sys_open("/dev/kvm");
	m.vm = sys_ioctl_value(m.kvm, KVM_CREATE_VM, 0);
	m.run_size = (size_t)sys_ioctl_value(m.kvm, KVM_GET_VCPU_MMAP_SIZE, 0);
	m.vcpu = sys_ioctl_value(m.vm, KVM_CREATE_VCPU, 0);
	m.run = sys_map_run(m.vcpu, m.run_size);
	ck_assert_ptr_nonnull(m.run);
	return m;
}

static void free_machine(struct machine *m)
{
	sys_unmap_run(m->run, m->run_size);
	sys_close(m->vcpu);
	sys_close(m->vm);
	sys_close(m->kvm);
}

START_TEST(descriptors_are_counted_until_they_are_closed)
{
	struct machine m = new_machine();

	ck_assert_uint_eq(fake_sys_open_count(), 4);
	ck_assert_int_eq(sys_ioctl_value(m.kvm, KVM_GET_API_VERSION, 0), 12);
	free_machine(&m);
	ck_assert_uint_eq(fake_sys_open_count(), 0);
	ck_assert_uint_eq(fake_bad_calls(), 0);
	ck_assert_int_eq(sys_ioctl_value(m.vm, KVM_CREATE_VCPU, 1), -EBADF);
	ck_assert_int_eq(sys_vcpu_run(m.vcpu), -EBADF);
	sys_close(m.kvm);
	sys_close(3);
	ck_assert_uint_eq(fake_bad_calls(), 4);
	fake_sys_reset();
}
END_TEST

START_TEST(requests_go_to_their_own_kind_of_descriptor)
{
	struct machine m = new_machine();
	struct kvm_regs regs;

	ck_assert_int_eq(sys_ioctl_value(m.vm, KVM_CREATE_VM, 0), -ENOTTY);
	ck_assert_int_eq(sys_ioctl_value(m.vcpu, KVM_CREATE_VCPU, 1), -ENOTTY);
	ck_assert_int_eq(sys_ioctl_struct(m.vm, KVM_GET_REGS, &regs), -ENOTTY);
	ck_assert_int_eq(sys_ioctl_struct(m.vcpu, KVM_GET_REGS, &regs), 0);
	free_machine(&m);
}
END_TEST

START_TEST(the_nth_call_fails_and_no_other)
{
	struct machine m = new_machine();

	fake_fail(KVM_CREATE_VCPU, 2, ENOMEM);
	fake_fail(KVM_GET_API_VERSION, 0, EIO);
	ck_assert_int_ge(sys_ioctl_value(m.vm, KVM_CREATE_VCPU, 1), 0);
	ck_assert_int_eq(sys_ioctl_value(m.vm, KVM_CREATE_VCPU, 2), -ENOMEM);
	ck_assert_int_ge(sys_ioctl_value(m.vm, KVM_CREATE_VCPU, 2), 0);
	ck_assert_int_eq(sys_ioctl_value(m.kvm, KVM_GET_API_VERSION, 0), -EIO);
	ck_assert_int_eq(sys_ioctl_value(m.kvm, KVM_GET_API_VERSION, 0), -EIO);
	ck_assert_uint_eq(fake_failed(), 3);
	fake_fail_clear();
	ck_assert_int_eq(sys_ioctl_value(m.kvm, KVM_GET_API_VERSION, 0), 12);
	fake_fail_any(3, EMFILE);
	ck_assert_int_eq(sys_ioctl_value(m.kvm, KVM_GET_API_VERSION, 0), 12);
	ck_assert_int_ge(sys_ioctl_value(m.vm, KVM_CREATE_VCPU, 3), 0);
	ck_assert_int_eq(sys_open("/dev/kvm"), -EMFILE);
	fake_fail(FAKE_MAP_RUN, 1, ENOMEM);
	ck_assert_ptr_null(sys_map_run(m.vcpu, m.run_size));
	fake_set_result(KVM_GET_API_VERSION, 11);
	ck_assert_int_eq(sys_ioctl_value(m.kvm, KVM_GET_API_VERSION, 0), 11);
	fake_sys_reset();
}
END_TEST

START_TEST(calls_are_recorded_with_their_arguments)
{
	struct machine m = new_machine();
	struct kvm_mp_state state = { .mp_state = KVM_MP_STATE_HALTED };
	unsigned all = fake_calls_all();

	ck_assert_int_eq(sys_ioctl_struct(m.vcpu, KVM_SET_MP_STATE, &state), 0);
	state.mp_state = KVM_MP_STATE_RUNNABLE;
	ck_assert_int_eq(sys_ioctl_struct(m.vcpu, KVM_SET_MP_STATE, &state), 0);
	ck_assert_uint_eq(fake_calls(KVM_SET_MP_STATE), 2);
	ck_assert_uint_eq(fake_calls_all(), all + 2);
	ck_assert_uint_eq(FAKE_ARG(struct kvm_mp_state, KVM_SET_MP_STATE, 0)->mp_state,
			  KVM_MP_STATE_HALTED);
	ck_assert_ptr_eq(fake_last_call(KVM_SET_MP_STATE), fake_call(KVM_SET_MP_STATE, 1));
	ck_assert_ptr_null(fake_call(KVM_SET_MP_STATE, 2));
	ck_assert_ptr_eq(fake_call_at(all), fake_call(KVM_SET_MP_STATE, 0));
	ck_assert_ptr_null(fake_call_at(all + 2));
	ck_assert_uint_eq(fake_call(KVM_CREATE_VCPU, 0)->arg, 0);
	ck_assert_ptr_null(fake_call(KVM_CREATE_VCPU, 0)->bytes);
	ck_assert_int_eq(fake_call(KVM_CREATE_VCPU, 0)->ret, m.vcpu);
	free_machine(&m);
}
END_TEST

START_TEST(state_is_kept_for_each_vcpu)
{
	struct machine m = new_machine();
	int other = sys_ioctl_value(m.vm, KVM_CREATE_VCPU, 7);
	struct kvm_mp_state state = { .mp_state = KVM_MP_STATE_HALTED };
	uint64_t value = 0x1234;
	struct kvm_one_reg reg = { .id = KVM_REG_SIZE_U32 | 5, .addr = (uintptr_t)&value };

	ck_assert_int_eq(sys_ioctl_struct(other, KVM_SET_MP_STATE, &state), 0);
	ck_assert_int_eq(sys_ioctl_struct(m.vcpu, KVM_GET_MP_STATE, &state), 0);
	ck_assert_uint_eq(state.mp_state, KVM_MP_STATE_RUNNABLE);
	ck_assert(fake_get_state(1, KVM_GET_MP_STATE, &state, sizeof(state)));
	ck_assert_uint_eq(state.mp_state, KVM_MP_STATE_HALTED);
	fake_set_state(0, KVM_GET_MP_STATE, &state, sizeof(state));
	ck_assert_int_eq(sys_ioctl_struct(m.vcpu, KVM_GET_MP_STATE, &state), 0);
	ck_assert_uint_eq(state.mp_state, KVM_MP_STATE_HALTED);
	ck_assert(!fake_get_state(9, KVM_GET_MP_STATE, &state, sizeof(state)));

	ck_assert_int_eq(sys_ioctl_struct(m.vcpu, KVM_SET_ONE_REG, &reg), 0);
	value = 0;
	ck_assert_int_eq(sys_ioctl_struct(m.vcpu, KVM_GET_ONE_REG, &reg), 0);
	ck_assert_uint_eq(value, 0x1234);
	sys_close(other);
	free_machine(&m);
}
END_TEST

START_TEST(vcpus_are_refused_as_kvm_does)
{
	struct machine m = new_machine();

	ck_assert_int_eq(sys_ioctl_value(m.vm, KVM_CREATE_VCPU, 0), -EEXIST);
	ck_assert_int_eq(sys_ioctl_value(m.vm, KVM_CREATE_VCPU, 256), -EINVAL);
	fake_set_cap(KVM_CAP_MAX_VCPUS, 2);
	ck_assert_int_ge(sys_ioctl_value(m.vm, KVM_CREATE_VCPU, 1), 0);
	ck_assert_int_eq(sys_ioctl_value(m.vm, KVM_CREATE_VCPU, 2), -EINVAL);
	ck_assert_int_eq(sys_ioctl_value(m.vm, KVM_CREATE_IRQCHIP, 0), -EINVAL);
	fake_sys_reset();
}
END_TEST

START_TEST(slots_are_refused_as_kvm_does)
{
	static uint8_t memory[3 * 4096] __attribute__((aligned(4096)));
	struct machine m = new_machine();
	struct kvm_userspace_memory_region region = { .slot = 1,
						      .guest_phys_addr = 0x1000,
						      .memory_size = 0x2000,
						      .userspace_addr = (uintptr_t)memory };

	ck_assert_int_eq(sys_ioctl_struct(m.vm, KVM_SET_USER_MEMORY_REGION, &region), 0);
	ck_assert_ptr_eq(fake_guest_pointer(0, 0x1ffe, 2), memory + 0xffe);
	ck_assert_ptr_null(fake_guest_pointer(0, 0x2fff, 2));
	region.slot = 2;
	ck_assert_int_eq(sys_ioctl_struct(m.vm, KVM_SET_USER_MEMORY_REGION, &region), -EEXIST);
	region.guest_phys_addr = 0x3800;
	ck_assert_int_eq(sys_ioctl_struct(m.vm, KVM_SET_USER_MEMORY_REGION, &region), -EINVAL);
	region.guest_phys_addr = -UINT64_C(0x1000);
	ck_assert_int_eq(sys_ioctl_struct(m.vm, KVM_SET_USER_MEMORY_REGION, &region), -EINVAL);
	region.slot = 1;
	region.guest_phys_addr = 0x1000;
	region.memory_size = 0;
	ck_assert_int_eq(sys_ioctl_struct(m.vm, KVM_SET_USER_MEMORY_REGION, &region), 0);
	ck_assert_uint_eq(fake_slots(0), 0);
	free_machine(&m);
}
END_TEST

static int halt(struct kvm_run *run, void *arg)
{
	++*(unsigned *)arg;
	run->exit_reason = KVM_EXIT_HLT;
	return 0;
}

START_TEST(steps_are_taken_in_order_then_the_guest)
{
	struct machine m = new_machine();
	unsigned halts = 0;

	fake_set_guest(0, halt, &halts);
	fake_push_port(0, 0x3f8, 2, 2, "abcd");
	fake_push_errno(0, EFAULT);
	fake_push_mmio_write(0, 0xfe000000, 4, 0x1122334455);
	ck_assert_int_eq(sys_vcpu_run(m.vcpu), 0);
	ck_assert_uint_eq(m.run->exit_reason, KVM_EXIT_IO);
	ck_assert_uint_eq(m.run->io.count, 2);
	ck_assert_mem_eq((uint8_t *)m.run + m.run->io.data_offset, "abcd", 4);
	ck_assert_int_eq(sys_vcpu_run(m.vcpu), -EFAULT);
	ck_assert_uint_eq(m.run->exit_reason, 0);
	ck_assert_int_eq(sys_vcpu_run(m.vcpu), 0);
	ck_assert_uint_eq(m.run->mmio.phys_addr, 0xfe000000);
	ck_assert_mem_eq(m.run->mmio.data, "\x55\x44\x33\x22\xa5\xa5\xa5\xa5", 8);
	ck_assert_uint_eq(fake_steps_left(0), 0);
	ck_assert_int_eq(sys_vcpu_run(m.vcpu), 0);
	ck_assert_int_eq(sys_vcpu_run(m.vcpu), 0);
	ck_assert_uint_eq(halts, 2);
	ck_assert_uint_eq(fake_entries(0), 5);
	free_machine(&m);
}
END_TEST

START_TEST(a_read_is_completed_with_what_stands_in_kvm_run)
{
	struct machine m = new_machine();
	static struct fake_completion completion;

	fake_push_mmio_read(0, 0x1000, 4);
	fake_push_port(0, 0x60, 1, 3, NULL);
	fake_push_exit(0, KVM_EXIT_HLT);
	fake_completed(0, &completion);
	ck_assert_uint_eq(completion.count, 0);
	ck_assert_int_eq(sys_vcpu_run(m.vcpu), 0);
	memcpy(m.run->mmio.data, "read", 4);
	ck_assert_int_eq(sys_vcpu_run(m.vcpu), 0);
	fake_completed(0, &completion);
	ck_assert_uint_eq(completion.count, 1);
	ck_assert_mem_eq(completion.run.mmio.data, "read", 4);
	memcpy((uint8_t *)m.run + m.run->io.data_offset, "abc", 3);
	ck_assert_int_eq(sys_vcpu_run(m.vcpu), 0);
	fake_completed(0, &completion);
	ck_assert_uint_eq(completion.count, 2);
	ck_assert_mem_eq(completion.port, "abc", 3);
	free_machine(&m);
}
END_TEST

START_TEST(immediate_exit_completes_and_takes_no_step)
{
	struct machine m = new_machine();
	static struct fake_completion completion;

	fake_push_mmio_write(0, 0x1ffe, 2, 0);
	fake_push_half_mmio(0, 0x2000, 2, true, 0);
	fake_push_exit(0, KVM_EXIT_HLT);
	ck_assert_int_eq(sys_vcpu_run(m.vcpu), 0);
	m.run->immediate_exit = 1;
	/* The second half of the same instruction comes first. */
	ck_assert_int_eq(sys_vcpu_run(m.vcpu), 0);
	ck_assert_uint_eq(m.run->mmio.phys_addr, 0x2000);
	ck_assert_int_eq(sys_vcpu_run(m.vcpu), -EINTR);
	ck_assert_uint_eq(m.run->exit_reason, KVM_EXIT_MMIO); /* stale */
	ck_assert_int_eq(sys_vcpu_run(m.vcpu), -EINTR);
	ck_assert_uint_eq(m.run->exit_reason, 0);
	ck_assert_uint_eq(fake_immediate_exits(0), 2);
	fake_completed(0, &completion);
	ck_assert_uint_eq(completion.count, 2);
	m.run->immediate_exit = 0;
	ck_assert_int_eq(sys_vcpu_run(m.vcpu), 0);
	ck_assert_uint_eq(m.run->exit_reason, KVM_EXIT_HLT);
	free_machine(&m);
}
END_TEST

static void on_signal(int number)
{
	(void)number;
}

struct signaller {
	pthread_t target;
	atomic_bool stop;
};

/* Again and again: a signal that comes before the guest spins does nothing. */
static void *signal_it(void *arg)
{
	struct signaller *signaller = arg;

	while (!atomic_load(&signaller->stop)) {
		pthread_kill(signaller->target, SIGUSR1);
		usleep(1000);
	}
	return NULL;
}

static void *leave_it(void *arg)
{
	while (fake_entries(0) < 2)
		sched_yield();
	__atomic_store_n(&((struct kvm_run *)arg)->immediate_exit, 1, __ATOMIC_SEQ_CST);
	return NULL;
}

START_TEST(a_spinning_guest_is_ended_by_a_signal_or_by_immediate_exit)
{
	struct sigaction action = { .sa_handler = on_signal };
	struct machine m = new_machine();
	struct signaller signaller = { .target = pthread_self() };
	pthread_t thread;

	sigaction(SIGUSR1, &action, NULL);
	ck_assert_int_eq(pthread_create(&thread, NULL, signal_it, &signaller), 0);
	ck_assert_int_eq(sys_vcpu_run(m.vcpu), -EINTR);
	ck_assert_uint_eq(m.run->exit_reason, KVM_EXIT_INTR);
	atomic_store(&signaller.stop, true);
	pthread_join(thread, NULL);
	fake_push_spin(0);
	ck_assert_int_eq(pthread_create(&thread, NULL, leave_it, m.run), 0);
	ck_assert_int_eq(sys_vcpu_run(m.vcpu), -EINTR);
	ck_assert_uint_eq(m.run->exit_reason, KVM_EXIT_INTR);
	pthread_join(thread, NULL);
	free_machine(&m);
}
END_TEST

RUN_CORE_TESTS("fake", descriptors_are_counted_until_they_are_closed,
	       requests_go_to_their_own_kind_of_descriptor, the_nth_call_fails_and_no_other,
	       calls_are_recorded_with_their_arguments, state_is_kept_for_each_vcpu,
	       vcpus_are_refused_as_kvm_does, slots_are_refused_as_kvm_does,
	       steps_are_taken_in_order_then_the_guest,
	       a_read_is_completed_with_what_stands_in_kvm_run,
	       immediate_exit_completes_and_takes_no_step,
	       a_spinning_guest_is_ended_by_a_signal_or_by_immediate_exit)
