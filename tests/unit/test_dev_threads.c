/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Devices under vCPU threads and the loop's thread at once. Run under ThreadSanitizer as well; without
 * it the sums at the end show what was lost.
 */
#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>

#include "dev/pl011.h"
#include "dev/plic.h"
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

#define PLIC_BASE  0x0c000000
#define PL011_BASE 0x09000000
#define SOURCE	   10

static AxPlic *plic;
static AxPl011 *pl011;
static atomic_bool fed_all;

static uint32_t word_in(AxVCpu *vcpu, uint64_t addr)
{
	uint64_t value;

	fake_read(vcpu, AX_SPACE_MMIO, addr, AX_WIDTH_DWORD, &value);
	return (uint32_t)value;
}

static void word_out(AxVCpu *vcpu, uint64_t addr, uint32_t value)
{
	fake_write(vcpu, AX_SPACE_MMIO, addr, AX_WIDTH_DWORD, value);
}

/* A hart that answers interrupts: who has claimed one is alone with the UART. */
static void *run_hart(void *arg)
{
	struct guest *guest = arg;
	AxVCpu *vcpu = guest->vcpu;
	uint64_t claim = PLIC_BASE + PLIC_CONTEXT + PLIC_CLAIM +
			 PLIC_CONTEXT_STRIDE * (2 * (uint64_t)vcpu->id + 1);

	for (;;) {
		bool last = fed_all;

		if (word_in(vcpu, claim) == SOURCE) {
			while (!(word_in(vcpu, PL011_BASE + PL011_FR) & PL011_FR_RXFE)) {
				assert_quick(word_in(vcpu, PL011_BASE + PL011_DR) == 'x');
				guest->received++;
			}
			word_out(vcpu, claim, SOURCE);
		} else if (last) {
			return NULL;
		}
	}
}

START_TEST(harts_share_an_interrupt_controller)
{
	AxPlicConfig config = AX_PLIC_CONFIG_INIT;
	AxVCpu *vcpu = &vm->vcpus[0];
	struct guest guests[THREADS];
	unsigned fed = 0, received = 0;
	AxIrq irq;

	config.harts = THREADS;
	ck_assert_int_eq(ax_plic_new(&config, &plic, NULL), 0);
	ck_assert_int_eq(ax_plic_attach(plic, vm, PLIC_BASE, NULL), 0);
	ck_assert_int_eq(ax_plic_irq(plic, SOURCE, &irq, NULL), 0);
	ck_assert_int_eq(ax_pl011_new(NULL, &pl011, NULL), 0);
	ck_assert_int_eq(ax_pl011_attach(pl011, vm, PL011_BASE, &irq, NULL), 0);
	word_out(vcpu, PLIC_BASE + PLIC_PRIORITY + 4 * SOURCE, 1);
	for (unsigned i = 0; i < THREADS; i++)
		word_out(vcpu, PLIC_BASE + PLIC_ENABLE + PLIC_ENABLE_STRIDE * (2 * i + 1),
			 1 << SOURCE);
	word_out(vcpu, PL011_BASE + PL011_LCR_H, PL011_LCR_H_FEN);
	word_out(vcpu, PL011_BASE + PL011_IMSC, PL011_INT_RX | PL011_INT_TIMEOUT);

	for (unsigned i = 0; i < THREADS; i++) {
		guests[i] = (struct guest){ .vcpu = &vm->vcpus[i] };
		ck_assert_int_eq(pthread_create(&guests[i].thread, NULL, run_hart, &guests[i]), 0);
	}
	for (unsigned i = 0; i < 8 * ROUNDS; i++)
		fed += ax_pl011_input(pl011, "xxx", 1 + i % 3);
	fed_all = true;
	for (unsigned i = 0; i < THREADS; i++) {
		pthread_join(guests[i].thread, NULL);
		received += guests[i].received;
	}
	ck_assert_uint_eq(fed, received);
	ck_assert_uint_eq(pl011->regs.count, 0);

	ck_assert_int_eq(ax_pl011_detach(pl011, NULL), 0);
	ax_pl011_free(pl011);
	ck_assert_int_eq(ax_plic_detach(plic, NULL), 0);
	ax_plic_free(plic);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("device threads");
	TCase *tcase = tcase_create("threads");

	tcase_set_timeout(tcase, 100);
	tcase_add_checked_fixture(tcase, set_up, tear_down);
	tcase_add_test(tcase, vcpus_and_the_loop_share_devices);
	tcase_add_test(tcase, harts_share_an_interrupt_controller);
	suite_add_tcase(suite, tcase);
	return fake_run(suite);
}
