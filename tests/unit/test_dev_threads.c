/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Devices under vCPU threads and the loop's thread at once. Run under ThreadSanitizer as well; without
 * it the sums at the end show what was lost.
 */
#include <pthread.h>
#include <stdlib.h>

#include "dev/testdev.h"
#include "dev/uart.h"
#include "tests/unit/dev_fake.h"

#define COM1	0x3f8
#define BASE	((uint64_t)AX_TEST_BASE_X86_64)
#define ROUNDS	4000
#define THREADS 2

static AxVm *vm;
static AxHost *host;
static AxConsole *console;
static AxUart *uart;
static AxTestDev *testdev;
static AxResetDev *reset;
static struct fake_output output;

struct guest {
	pthread_t thread;
	AxVCpu *vcpu;
	unsigned received; /* bytes that are not 0 */
};

static uint64_t in(AxVCpu *vcpu, uint64_t port)
{
	uint64_t value;

	fake_read(vcpu, AX_SPACE_PORT, port, AX_WIDTH_BYTE, &value);
	return value;
}

static void out(AxVCpu *vcpu, uint64_t port, uint8_t value)
{
	fake_write(vcpu, AX_SPACE_PORT, port, AX_WIDTH_BYTE, value);
}

static void *run_guest(void *arg)
{
	struct guest *guest = arg;
	AxVCpu *vcpu = guest->vcpu;
	uint64_t value;

	for (unsigned i = 0; i < ROUNDS; i++) {
		out(vcpu, COM1 + UART_RBR_THR, 'x');
		out(vcpu, COM1 + UART_IER, i % 16);
		if (in(vcpu, COM1 + UART_RBR_THR))
			guest->received++;
		in(vcpu, COM1 + UART_MSR);
		fake_write(vcpu, AX_SPACE_MMIO, BASE + AX_TEST_SYNC, AX_WIDTH_DWORD, i);
		/* Each vCPU has a byte of its own: writing it must not disturb the other's. */
		fake_write(vcpu, AX_SPACE_MMIO, BASE + AX_TEST_SCRATCH + vcpu->id, AX_WIDTH_BYTE,
			   i);
		fake_read(vcpu, AX_SPACE_MMIO, BASE + AX_TEST_SCRATCH + vcpu->id, AX_WIDTH_BYTE,
			  &value);
		assert_quick(value == i % 256);
		fake_write(vcpu, AX_SPACE_MMIO, BASE + AX_TEST_STORE, AX_WIDTH_QWORD, i);
		fake_read(vcpu, AX_SPACE_MMIO, BASE + AX_TEST_WRITE_VALUE, AX_WIDTH_QWORD, &value);
		fake_write(vcpu, AX_SPACE_MMIO, BASE + AX_TEST_ACTUAL, AX_WIDTH_QWORD, i);
		if (i % 64 == 0)
			fake_write(vcpu, AX_SPACE_MMIO, BASE + AX_TEST_KICK_LATER, AX_WIDTH_BYTE,
				   1);
		out(vcpu, 0xcf9, (uint8_t)i);
		in(vcpu, 0xcf9);
	}
	fake_write(vcpu, AX_SPACE_MMIO, BASE + AX_TEST_DONE, AX_WIDTH_DWORD, vcpu->id);
	return NULL;
}

static AxHandled ignore_reset(void *opaque, AxVCpu *vcpu, AxResetRoute route)
{
	return AX_HANDLED;
}

static void set_up(void)
{
	AxConsoleConfig console_config = AX_CONSOLE_CONFIG_INIT;
	AxUartConfig uart_config = AX_UART_CONFIG_INIT;
	AxTestDevConfig testdev_config = AX_TESTDEV_CONFIG_INIT;
	AxResetDevConfig reset_config = AX_RESETDEV_CONFIG_INIT;

	vm = fake_vm_new(THREADS);
	host = fake_host_new();
	console_config.output = fake_sink(&output);
	console_config.host = host;
	ck_assert_int_eq(ax_console_new(&console_config, &console, NULL), 0);
	uart_config.output = ax_console_sink(console);
	ck_assert_int_eq(ax_uart_new(&uart_config, &uart, NULL), 0);
	ck_assert_int_eq(ax_uart_attach(uart, vm, AX_SPACE_PORT, COM1, NULL, NULL), 0);
	testdev_config.host = host;
	ck_assert_int_eq(ax_testdev_new(&testdev_config, &testdev, NULL), 0);
	ck_assert_int_eq(ax_testdev_attach(testdev, vm, BASE, 0, NULL), 0);
	reset_config.reset = ignore_reset;
	ck_assert_int_eq(ax_resetdev_new(&reset_config, &reset, NULL), 0);
	ck_assert_int_eq(ax_resetdev_attach(reset, vm, NULL), 0);
}

static void tear_down(void)
{
	ck_assert_int_eq(ax_resetdev_detach(reset, NULL), 0);
	ax_resetdev_free(reset);
	ck_assert_int_eq(ax_testdev_detach(testdev, NULL), 0);
	ax_testdev_free(testdev);
	ck_assert_int_eq(ax_uart_detach(uart, NULL), 0);
	ax_uart_free(uart);
	ax_console_free(console);
	fake_host_free(host);
	fake_vm_free(vm);
}

/* What the loop's thread does meanwhile. Returns the bytes that the UART took. */
static unsigned run_loop(void)
{
	AxTestResult result = AX_TEST_RESULT_INIT;
	uint64_t syncs[AX_TESTDEV_SYNCS];
	unsigned fed = 0;

	for (unsigned i = 0; i < ROUNDS; i++) {
		fed += ax_uart_input(uart, "abc", 1 + i % 3);
		ax_uart_set_modem(uart, i % 16 << 4);
		fake_host_advance(host, 100000);
		if (i % 32 == 0)
			ax_console_flush(console);
		assert_quick(!ax_testdev_result(testdev, &result));
		ax_testdev_syncs(testdev, syncs, AX_TESTDEV_SYNCS);
		ax_resetdev_route(reset);
	}
	return fed;
}

START_TEST(vcpus_and_the_loop_share_devices)
{
	AxTestResult result = AX_TEST_RESULT_INIT;
	struct guest guests[THREADS];
	unsigned fed, received = 0;

	out(&vm->vcpus[0], COM1 + UART_IIR_FCR, UART_FCR_ENABLE);
	for (unsigned i = 0; i < THREADS; i++) {
		guests[i] = (struct guest){ .vcpu = &vm->vcpus[i] };
		ck_assert_int_eq(pthread_create(&guests[i].thread, NULL, run_guest, &guests[i]), 0);
	}
	fed = run_loop();
	for (unsigned i = 0; i < THREADS; i++) {
		pthread_join(guests[i].thread, NULL);
		received += guests[i].received;
	}
	ck_assert_uint_eq(fed, received + uart->regs.count);
	ax_console_flush(console);
	ck_assert_uint_eq(output.len, THREADS * ROUNDS);
	ck_assert_int_eq(ax_testdev_result(testdev, &result), 0);
	ck_assert_uint_eq(result.sync_count, THREADS * ROUNDS);
	ck_assert_uint_eq(result.end, AX_TESTDEV_DONE);
	ck_assert_uint_eq(vm->stop_count, THREADS);
	ck_assert_uint_eq(testdev->locked.written.count, THREADS * ROUNDS);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("device threads");
	TCase *tcase = tcase_create("threads");

	tcase_set_timeout(tcase, 100);
	tcase_add_checked_fixture(tcase, set_up, tear_down);
	tcase_add_test(tcase, vcpus_and_the_loop_share_devices);
	suite_add_tcase(suite, tcase);
	return fake_run(suite);
}
