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
			ck_assert_int_eq(code_write_port(&vm, CODE_PORT, width, VALUE),
					 width != (unsigned)_i);
			ck_assert_uint_eq(take(notify.event), width == (unsigned)_i);
			ck_assert(code_write_port(&vm, CODE_PORT + 4, width, VALUE));
		}
		ck_assert_uint_eq(take(notify.event), 0);
		kvm_count_run();
	}
	ck_ok(ax_notify_remove(vm.vm, id, &err), err);
	ck_assert(code_write_port(&vm, CODE_PORT, (unsigned)_i, VALUE));
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
	ck_assert(code_write_port(&vm, CODE_PORT, 2, VALUE));
	ck_assert_uint_eq(take(notify.event), 0);
	/* Another value of the same port is another notification. */
	notify.match = VALUE & 0xffff;
	ck_ok(ax_notify_add(vm.vm, &notify, NULL, &err), err);
	code_write_port(&vm, CODE_PORT, 2, VALUE);
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
