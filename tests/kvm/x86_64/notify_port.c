/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Notifications of port writes: the right port, width and value signal, all others are exits.
 */
#include <errno.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include <axvmm/irq.h>

#include "code_x86.h"

#define VALUE 0x12345678

static uint64_t take(int event)
{
	uint64_t count;

	return read(event, &count, sizeof(count)) == sizeof(count) ? count : 0;
}

/* One write of the guest. Returns whether it was an exit. */
static bool write_port(struct code_vm *vm, unsigned port, unsigned width)
{
	AxError err = AX_ERROR_INIT;
	AxVCpuExitReason exit;
	bool is_exit;

	code_set_word(vm, 0, 1, port);
	code_set_word(vm, 0, 2, VALUE);
	code_set_word(vm, 0, 3, CODE_STORE_PORT | width);
	code_restart(vm->vcpu);
	ck_ok(ax_vcpu_bind(vm->vcpu, AX_ANY_CPU, &err), err);
	ck_ok(ax_vcpu_run(vm->vcpu, &exit, &err), err);
	is_exit = exit.kind == AX_EXIT_IO_WRITE;
	if (is_exit) {
		ck_assert_uint_eq(exit.io_write.port, port);
		ck_ok(ax_vcpu_run(vm->vcpu, &exit, &err), err);
	}
	ck_exit_kind(&exit, AX_EXIT_MMIO_WRITE);
	ck_assert_uint_eq(exit.mmio_write.addr, CODE_MMIO + CODE_END);
	ck_ok(ax_vcpu_unbind(vm->vcpu, &err), err);
	return is_exit;
}

/* _i: bytes of the write that is notified. */
START_TEST(a_write_of_port_and_width_signals)
{
	AxNotify notify = AX_NOTIFY_INIT;
	AxError err = AX_ERROR_INIT;
	struct code_vm vm;
	AxNotifyId id;

	code_open(&vm, NULL, CODE(store));
	notify.addr = CODE_PORT;
	notify.width = (uint32_t)_i;
	notify.flags = AX_NOTIFY_PORT;
	notify.event = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	if (_i == 3) {
		ck_assert_int_eq(ax_notify_add(vm.vm, &notify, &id, &err), -EINVAL);
		close(notify.event);
		code_close(&vm);
		return;
	}
	ck_ok(ax_notify_add(vm.vm, &notify, &id, &err), err);
	if (!ax_notify_in_kernel(vm.vm, id)) {
		kvm_skip("notifications of ports by KVM: KVM_CAP_IOEVENTFD is not there");
	} else {
		for (unsigned width = 1; width <= 4; width *= 2) {
			ck_assert_int_eq(write_port(&vm, CODE_PORT, width), width != (unsigned)_i);
			ck_assert_uint_eq(take(notify.event), width == (unsigned)_i);
			ck_assert(write_port(&vm, CODE_PORT + 4, width));
		}
		ck_assert_uint_eq(take(notify.event), 0);
		kvm_count_run();
	}
	ck_ok(ax_notify_remove(vm.vm, id, &err), err);
	ck_assert(write_port(&vm, CODE_PORT, (unsigned)_i));
	close(notify.event);
	code_close(&vm);
}
END_TEST

START_TEST(only_the_matching_value_signals)
{
	AxNotify notify = AX_NOTIFY_INIT;
	AxError err = AX_ERROR_INIT;
	struct code_vm vm;

	code_open(&vm, NULL, CODE(store));
	notify.addr = CODE_PORT;
	notify.width = 2;
	notify.flags = AX_NOTIFY_PORT | AX_NOTIFY_MATCH;
	notify.event = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	notify.match = (VALUE & 0xffff) ^ 1;
	ck_ok(ax_notify_add(vm.vm, &notify, NULL, &err), err);
	ck_assert(write_port(&vm, CODE_PORT, 2));
	ck_assert_uint_eq(take(notify.event), 0);
	/* Another value of the same port is another notification. */
	notify.match = VALUE & 0xffff;
	ck_ok(ax_notify_add(vm.vm, &notify, NULL, &err), err);
	write_port(&vm, CODE_PORT, 2);
	ck_assert_uint_eq(take(notify.event), 1);
	close(notify.event);
	code_close(&vm);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("notify_port");
	TCase *tcase = kvm_case(suite, "port notifications");

	tcase_add_loop_test(tcase, a_write_of_port_and_width_signals, 1, 5);
	tcase_add_test(tcase, only_the_matching_value_signals);
	return kvm_main(suite);
}
