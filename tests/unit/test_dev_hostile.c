/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Guests that mean harm: the ops of every device with every offset and width, promised by the dispatch
 * or not, and long random sequences with resets, restored states and host events in between. Under an
 * address checker nothing may be read or written out of bounds; everywhere the verdict is one of three.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "dev/pl011.h"
#include "dev/plic.h"
#include "dev/testdev.h"
#include "dev/uart.h"
#include "tests/unit/dev_fake.h"

static AxVm *vm;
static AxHost *host;
static AxConsole *console;
static AxUart *uart, *wide_uart;
static AxTestDev *testdev;
static AxDebugExit *debug_exit;
static AxDebugCon *debugcon;
static AxResetDev *reset;
static AxPl011 *pl011;
static AxPlic *plic;
static AxFinisher *finisher;
static struct fake_output output;
static struct fake_line line;

static AxHandled take_reset(void *opaque, AxVCpu *vcpu, AxResetRoute route)
{
	return AX_HANDLED;
}

static void make_uarts(void)
{
	AxUartConfig config = AX_UART_CONFIG_INIT;
	AxIrq irq = fake_irq(&line);

	config.name = "com1";
	config.output = ax_console_sink(console);
	ck_assert_int_eq(ax_uart_new(&config, &uart, NULL), 0);
	ck_assert_int_eq(ax_uart_attach(uart, vm, AX_SPACE_PORT, 0x3f8, &irq, NULL), 0);
	config.name = "wide";
	config.reg_shift = 2;
	config.flags = AX_UART_GATE_OUT2;
	ck_assert_int_eq(ax_uart_new(&config, &wide_uart, NULL), 0);
	ck_assert_int_eq(ax_uart_attach(wide_uart, vm, AX_SPACE_MMIO, 0x10000000, NULL, NULL), 0);
}

/* What stands on the boards of arm64 and riscv64. */
static void make_virt_devices(void)
{
	AxPlicConfig plic_config = AX_PLIC_CONFIG_INIT;
	AxPl011Config pl011_config = AX_PL011_CONFIG_INIT;
	AxIrq irq;

	plic_config.harts = 2;
	ck_assert_int_eq(ax_plic_new(&plic_config, &plic, NULL), 0);
	ck_assert_int_eq(ax_plic_attach(plic, vm, 0x0c000000, NULL), 0);
	ck_assert_int_eq(ax_plic_irq(plic, 10, &irq, NULL), 0);
	pl011_config.output = ax_console_sink(console);
	ck_assert_int_eq(ax_pl011_new(&pl011_config, &pl011, NULL), 0);
	ck_assert_int_eq(ax_pl011_attach(pl011, vm, 0x09000000, &irq, NULL), 0);
	ck_assert_int_eq(ax_finisher_new(NULL, &finisher, NULL), 0);
	ck_assert_int_eq(ax_finisher_attach(finisher, vm, 0x100000, NULL), 0);
}

static void set_up(void)
{
	AxConsoleConfig console_config = AX_CONSOLE_CONFIG_INIT;
	AxTestDevConfig testdev_config = AX_TESTDEV_CONFIG_INIT;
	AxDebugConConfig debugcon_config = AX_DEBUGCON_CONFIG_INIT;
	AxResetDevConfig reset_config = AX_RESETDEV_CONFIG_INIT;

	vm = fake_vm_new(2);
	host = fake_host_new();
	console_config.host = host;
	console_config.output = fake_sink(&output);
	ck_assert_int_eq(ax_console_new(&console_config, &console, NULL), 0);
	make_uarts();
	make_virt_devices();
	testdev_config.host = host;
	testdev_config.flags = AX_TESTDEV_COUNT_READONLY;
	ck_assert_int_eq(ax_testdev_new(&testdev_config, &testdev, NULL), 0);
	ck_assert_int_eq(
		ax_testdev_attach(testdev, vm, AX_TEST_BASE_X86_64, AX_TEST_PORT_BASE, NULL), 0);
	ck_assert_int_eq(ax_debug_exit_new(NULL, &debug_exit, NULL), 0);
	ck_assert_int_eq(ax_debug_exit_attach(debug_exit, vm, AX_DEBUG_EXIT_PORT, NULL), 0);
	debugcon_config.output = ax_console_sink(console);
	ck_assert_int_eq(ax_debugcon_new(&debugcon_config, &debugcon, NULL), 0);
	ck_assert_int_eq(ax_debugcon_attach(debugcon, vm, NULL), 0);
	reset_config.reset = take_reset;
	ck_assert_int_eq(ax_resetdev_new(&reset_config, &reset, NULL), 0);
	ck_assert_int_eq(ax_resetdev_attach(reset, vm, NULL), 0);
}

static void tear_down(void)
{
	ck_assert_int_eq(ax_finisher_detach(finisher, NULL), 0);
	ax_finisher_free(finisher);
	ck_assert_int_eq(ax_pl011_detach(pl011, NULL), 0);
	ax_pl011_free(pl011);
	ck_assert_int_eq(ax_plic_detach(plic, NULL), 0);
	ax_plic_free(plic);
	ck_assert_int_eq(ax_resetdev_detach(reset, NULL), 0);
	ax_resetdev_free(reset);
	ck_assert_int_eq(ax_debugcon_detach(debugcon, NULL), 0);
	ax_debugcon_free(debugcon);
	ck_assert_int_eq(ax_debug_exit_detach(debug_exit, NULL), 0);
	ax_debug_exit_free(debug_exit);
	ck_assert_int_eq(ax_testdev_detach(testdev, NULL), 0);
	ax_testdev_free(testdev);
	ck_assert_int_eq(ax_uart_detach(wide_uart, NULL), 0);
	ax_uart_free(wide_uart);
	ck_assert_int_eq(ax_uart_detach(uart, NULL), 0);
	ax_uart_free(uart);
	ax_console_free(console);
	fake_host_free(host);
	fake_vm_free(vm);
}

static bool is_verdict(AxHandled handled)
{
	return handled == AX_HANDLED || handled == AX_UNHANDLED || handled == AX_STOP;
}

static void poke(const AxRange *range, uint64_t offset, AxAccessWidth width, uint64_t value)
{
	AxVCpu *vcpu = &vm->vcpus[fake_random() % 2];
	uint64_t seen = 0;

	if (range->lock)
		ax_lock(range->lock);
	if (range->ops->read)
		assert_quick(
			is_verdict(range->ops->read(vcpu, range->opaque, offset, width, &seen)));
	assert_quick(is_verdict(range->ops->write(vcpu, range->opaque, offset, width, value)));
	if (range->lock)
		ax_unlock(range->lock);
}

/* Around the start, through the whole range and past its end, and where sums wrap. */
START_TEST(every_offset_and_width_is_survived)
{
	static const uint64_t far[] = { 0x10000, UINT32_MAX, UINT64_C(1) << 32, UINT64_MAX / 2 };

	fake_seed(61);
	for (unsigned i = 0; i < FAKE_RANGES; i++) {
		const AxRange *range = &vm->ranges[i].range;
		uint64_t length = range->length < 0x3000 ? range->length : 0x3000;

		if (!range->length)
			continue;
		for (unsigned width = 0; width < 4; width++) {
			for (uint64_t offset = 0; offset < length + 64; offset++)
				poke(range, offset, width, fake_random());
			for (uint64_t back = 1; back < 0x2100; back++)
				poke(range, 0 - back, width, fake_random());
			for (size_t f = 0; f < sizeof(far) / sizeof(far[0]); f++)
				poke(range, far[f], width, UINT64_MAX);
		}
	}
}
END_TEST

static void save_and_restore(struct fake_device *device)
{
	AxState *state = fake_save(device);
	size_t len;
	const void *bytes = ax_state_bytes(state, &len);
	uint8_t *copy = malloc(len);
	int ret;

	memcpy(copy, bytes, len);
	if (fake_random() % 2)
		copy[fake_random() % len] ^= 1u << fake_random() % 8;
	ret = fake_restore(device, copy, fake_random() % 8 ? len : fake_random() % len);
	assert_quick(!ret || ret == -EINVAL);
	free(copy);
	ax_state_free(state);
}

static void host_event(void)
{
	struct fake_device *device = &vm->devices[fake_random() % FAKE_DEVICES];

	switch (fake_random() % 10) {
	case 8: ax_pl011_input(pl011, "a few more bytes than fit", fake_random() % 26); break;
	case 9: ax_pl011_set_modem(pl011, fake_random() & 0xf0); break;
	case 0: ax_uart_input(uart, "a few more bytes than fit", fake_random() % 26); break;
	case 1: ax_uart_input_break(wide_uart); break;
	case 2:
		ax_uart_set_modem(fake_random() % 2 ? uart : wide_uart, fake_random() & 0xf0);
		break;
	case 3: fake_host_advance(host, fake_random() % 10000000); break;
	case 4:
		if (device->name[0])
			device->ops->reset(device->opaque);
		break;
	case 5:
		if (device->name[0])
			save_and_restore(device);
		break;
	case 6: ax_console_flush(console); break;
	default: ax_testdev_kick_seen(testdev, &vm->vcpus[0], fake_random()); break;
	}
}

static void check_uart(AxUart *of)
{
	assert_quick(of->regs.count <= uart_capacity(&of->regs));
	assert_quick(of->regs.flagged <= of->regs.count);
	assert_quick(of->regs.top < UART_FIFO_SIZE);
}

static void check_pl011(void)
{
	assert_quick(pl011->regs.count <= PL011_FIFO_SIZE);
	assert_quick(pl011->regs.top < PL011_FIFO_SIZE);
	assert_quick(pl011->irq_level == !!(pl011->regs.ris & pl011->regs.imsc));
}

static void check_plic(void)
{
	for (unsigned word = 0; word < PLIC_WORDS; word++) {
		uint32_t valid = word < plic->words ? plic_valid_bits(plic, word) : 0;

		assert_quick(!((plic->pending[word] | plic->claimed[word]) & ~valid));
	}
}

START_TEST(random_sequences_are_survived)
{
	fake_seed(67);
	for (unsigned i = 0; i < 200000; i++) {
		const struct fake_range *range = &vm->ranges[fake_random() % FAKE_RANGES];
		uint64_t at = fake_random();
		uint64_t value = (uint64_t)fake_random() << 32 | fake_random();
		AxAccessWidth width = fake_random() % 4;
		AxVCpu *vcpu = &vm->vcpus[fake_random() % 2];

		if (fake_random() % 8 == 0)
			host_event();
		if (!range->range.length)
			continue;
		/* Mostly where registers are, and often values that mean something to them. */
		at = range->range.base + at % (fake_random() % 4 ? 0x20 : range->range.length + 8);
		if (fake_random() % 2)
			value &= 0xff;
		if (fake_random() % 2)
			fake_read(vcpu, range->space, at, width, &value);
		else
			fake_write(vcpu, range->space, at, width, value);
		vcpu->kick_count = vcpu->injected_count = 0;
		check_uart(uart);
		check_uart(wide_uart);
		check_pl011();
		check_plic();
		/* The line says what the registers say, whatever has happened. */
		if (i % 16 == 0) {
			bool level = line.level;

			assert_quick((fake_in(vm, 0x3f8 + UART_IIR_FCR) & 1) == !level);
		}
	}
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("hostile guests");
	TCase *tcase = tcase_create("hostile");

	tcase_set_timeout(tcase, 100);
	tcase_add_checked_fixture(tcase, set_up, tear_down);
	tcase_add_test(tcase, every_offset_and_width_is_survived);
	tcase_add_test(tcase, random_sequences_are_survived);
	suite_add_tcase(suite, tcase);
	return fake_run(suite);
}
