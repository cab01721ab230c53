/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Devices on the real core, over the fake KVM: what the fake VM of the other device tests takes for
 * granted (dispatch, locks, lines, timers, framing of saved state) is so.
 */
#include <axvmm/devices.h>

#include "guests/abi.h"
#include "tests/unit/core_fixture.h"

#define COM1 0x3f8
#define BASE AX_TEST_BASE_X86_64

static char output[256];
static size_t output_len;

static void take_output(void *opaque, const uint8_t *bytes, size_t len)
{
	ck_assert_uint_lt(output_len + len, sizeof(output));
	memcpy(output + output_len, bytes, len);
	output_len += len;
	output[output_len] = 0;
}

static AxUart *plug_uart(AxVm *vm, const AxIrq *irq)
{
	AxUartConfig config = AX_UART_CONFIG_INIT;
	AxError err = AX_ERROR_INIT;
	AxUart *uart;

	output_len = 0;
	config.output.write = take_output;
	ck_assert_int_eq(ax_uart_new(&config, &uart, &err), 0);
	ck_assert_msg(!ax_uart_attach(uart, vm, AX_SPACE_PORT, COM1, irq, &err), "%s", err.message);
	return uart;
}

static AxTestDev *plug_testdev(AxVm *vm)
{
	AxError err = AX_ERROR_INIT;
	AxTestDev *dev;

	ck_assert_int_eq(ax_testdev_new(NULL, &dev, &err), 0);
	ck_assert_msg(!ax_testdev_attach(dev, vm, BASE, AX_TEST_PORT_BASE, &err), "%s",
		      err.message);
	return dev;
}

static AxVmResult run(AxVm *vm)
{
	AxVmResult result = AX_VM_RESULT_INIT;
	AxError err = AX_ERROR_INIT;

	ck_assert_msg(!ax_vm_run(vm, &result, &err), "%s", err.message);
	return result;
}

/* A vCPU in state Free, as ax_vm_run() wants it. */
static void free_vcpu(AxVm *vm, uint32_t id)
{
	AxVCpuSetup setup = AX_VCPU_SETUP_INIT;

	ck_assert_int_eq(ax_vcpu_setup(new_vcpu(vm, id), &setup, NULL), 0);
}

static void done(uint32_t code)
{
	fake_push_mmio_write(0, BASE + AX_TEST_DONE, 4, code);
}

START_TEST(a_guest_prints_and_ends)
{
	AxVm *vm = new_vm(AX_IRQCHIP_NONE);
	AxTestDev *dev = plug_testdev(vm);
	AxUart *uart = plug_uart(vm, NULL);
	AxTestResult said = AX_TEST_RESULT_INIT;
	AxVmResult result;

	free_vcpu(vm, 0);
	fake_push_port(0, COM1 + 5, 1, 1, NULL);
	fake_push_port(0, COM1, 1, 5, "hello");
	fake_push_port(0, AX_TEST_PORT_BASE + AX_TEST_PORT_SYNC, 4, 1, "\1\0\0\0");
	done(42);
	result = run(vm);
	ck_assert_uint_eq(result.end, AX_VM_END_CODE);
	ck_assert_int_eq(result.code, 42);
	ck_assert_str_eq(output, "hello");
	ck_assert_int_eq(ax_testdev_result(dev, &said), 0);
	ck_assert_uint_eq(said.end, AX_TESTDEV_DONE);
	ck_assert_uint_eq(said.sync_count, 1);
	ck_assert_int_eq(ax_uart_detach(uart, NULL), 0);
	ck_assert_int_eq(ax_testdev_detach(dev, NULL), 0);
	ax_vm_destroy(vm);
	ax_uart_free(uart);
	ax_testdev_free(dev);
}
END_TEST

START_TEST(a_failed_assertion_ends_with_the_access)
{
	AxVm *vm = new_vm(AX_IRQCHIP_NONE);
	AxTestDev *dev = plug_testdev(vm);
	AxTestResult said = AX_TEST_RESULT_INIT;
	AxVmResult result;

	free_vcpu(vm, 0);
	fake_push_mmio_write(0, BASE + AX_TEST_ACTUAL, 8, 1);
	fake_push_mmio_write(0, BASE + AX_TEST_EXPECTED, 8, 2);
	fake_push_mmio_write(0, BASE + AX_TEST_FAIL, 4, 77);
	result = run(vm);
	ck_assert_uint_eq(result.end, AX_VM_END_HANDLER);
	ck_assert_uint_eq(result.exit.kind, AX_EXIT_MMIO_WRITE);
	ck_assert_int_eq(ax_testdev_result(dev, &said), 0);
	ck_assert_uint_eq(said.line, 77);
	ck_assert(said.compared && said.actual == 1 && said.expected == 2);
	ck_assert_int_eq(ax_testdev_detach(dev, NULL), 0);
	ax_vm_destroy(vm);
	ax_testdev_free(dev);
}
END_TEST

/* The answer to the read before is what the guest gets: then DONE. */
static int look_at_answer(struct kvm_run *run, void *expected)
{
	ck_assert_mem_eq(run->mmio.data, expected, 8);
	run->exit_reason = KVM_EXIT_MMIO;
	run->mmio.phys_addr = BASE + AX_TEST_DONE;
	run->mmio.is_write = 1;
	run->mmio.len = 4;
	memset(run->mmio.data, 0, sizeof(run->mmio.data));
	return 0;
}

/* Length 3 is no width, and the device's last bytes have nobody behind them. */
START_TEST(odd_lengths_and_edges_are_taken_apart)
{
	uint8_t expected[] = { 0x7c, 0x7d, 0x7e, 0x7f, 0xff, 0xff, 0xff, 0xff };
	AxVm *vm = new_vm(AX_IRQCHIP_NONE);
	AxTestDev *dev = plug_testdev(vm);
	uint8_t stored[] = { 0x11, 0x22, 0x33, 0, 0, 0, 0, 0 };

	free_vcpu(vm, 0);
	fake_push_mmio_read(0, BASE + AX_TEST_SIZE - 4, 8);
	fake_push(0, look_at_answer, expected);
	ck_assert_uint_eq(run(vm).end, AX_VM_END_CODE);
	ck_assert_int_eq(ax_testdev_detach(dev, NULL), 0);
	ax_vm_destroy(vm);

	vm = new_vm(AX_IRQCHIP_NONE);
	free_vcpu(vm, 0);
	ck_assert_int_eq(ax_testdev_attach(dev, vm, BASE, 0, NULL), 0);
	fake_push_mmio_write(1, BASE + AX_TEST_STORE + 1, 3, 0x332211);
	fake_push_mmio_read(1, BASE + AX_TEST_STORE + 1, 8);
	fake_push(1, look_at_answer, stored);
	ck_assert_uint_eq(run(vm).end, AX_VM_END_CODE);
	ck_assert_int_eq(ax_testdev_detach(dev, NULL), 0);
	ax_vm_destroy(vm);
	ax_testdev_free(dev);
}
END_TEST

static AxHandled sum(AxVCpu *vcpu, void *opaque, const AxVCpuExitReason *exit, uint64_t *result)
{
	*result = exit->hypercall.args[0] + exit->hypercall.args[1];
	return AX_HANDLED;
}

/* The block's eight bytes lie between the test device's two ranges. */
START_TEST(hypercall_blocks_fit_into_the_hole)
{
	static const AxHypercallOps ops = { .size = sizeof(AxHypercallOps), .call = sum };
	AxHypercallConfig config = AX_HYPERCALL_CONFIG_INIT;
	AxVm *vm = new_vm(AX_IRQCHIP_NONE);
	struct ax_test_hypercall block = { .nr = 1, .args = { 30, 12 } };
	AxTestDev *dev = plug_testdev(vm);
	AxError err = AX_ERROR_INIT;

	config.block_mmio = BASE + AX_TEST_HYPERCALL;
	config.block_port = AX_TEST_PORT_BASE + AX_TEST_PORT_HYPERCALL;
	ck_assert_msg(!ax_hypercall_set(vm, &config, &ops, NULL, &err), "%s", err.message);
	ck_assert_int_eq(ax_ram_add(vm, 0, 0x10000, 0, NULL), 0);
	ck_assert_int_eq(ax_mem_write(vm, 0x1000, &block, sizeof(block)), 0);
	free_vcpu(vm, 0);
	fake_push_mmio_write(0, BASE + AX_TEST_HYPERCALL, 8, 0x1000);
	done(0);
	run(vm);
	ck_assert_int_eq(ax_mem_read(vm, 0x1000, &block, sizeof(block)), 0);
	ck_assert_uint_eq(block.ret, 42);
	ck_assert_int_eq(ax_testdev_detach(dev, NULL), 0);
	ax_vm_destroy(vm);
	ax_testdev_free(dev);
}
END_TEST

START_TEST(the_uart_drives_its_line)
{
	AxVm *vm = new_vm(AX_IRQCHIP_KERNEL);
	AxTestDev *dev = plug_testdev(vm);
	AxUart *uart;
	AxIrq irq;

	free_vcpu(vm, 0);
	ck_assert_int_eq(ax_irq_get(vm, 4, &irq, NULL), 0);
	uart = plug_uart(vm, &irq);
	fake_push_port(0, COM1 + 1, 1, 1, "\1");
	done(0);
	run(vm);
	ck_assert_int_ne(fake_irq_level(0, 4), 1);
	ck_assert_uint_eq(ax_uart_input(uart, "x", 1), 1);
	ck_assert_int_eq(fake_irq_level(0, 4), 1);
	ck_assert_int_eq(ax_uart_detach(uart, NULL), 0);
	ck_assert_int_eq(fake_irq_level(0, 4), 0);
	ck_assert_int_eq(ax_testdev_detach(dev, NULL), 0);
	ax_vm_destroy(vm);
	ax_uart_free(uart);
	ax_testdev_free(dev);
}
END_TEST

START_TEST(devices_are_saved_and_restored_together)
{
	AxVm *vm = new_vm(AX_IRQCHIP_NONE);
	AxTestDev *dev = plug_testdev(vm);
	AxUart *uart = plug_uart(vm, NULL);
	AxResetDev *reset;
	AxDebugExit *debug_exit;
	AxDebugCon *debugcon;
	AxState *saved = ax_state_new(), *again = ax_state_new(), *from;
	AxError err = AX_ERROR_INIT;
	const void *bytes, *bytes_again;
	size_t len, len_again;

	ck_assert_int_eq(ax_resetdev_new(NULL, &reset, NULL), 0);
	ck_assert_int_eq(ax_resetdev_attach(reset, vm, NULL), 0);
	ck_assert_int_eq(ax_debug_exit_new(NULL, &debug_exit, NULL), 0);
	ck_assert_int_eq(ax_debug_exit_attach(debug_exit, vm, AX_DEBUG_EXIT_PORT, NULL), 0);
	ck_assert_int_eq(ax_debugcon_new(NULL, &debugcon, NULL), 0);
	ck_assert_int_eq(ax_debugcon_attach(debugcon, vm, NULL), 0);
	free_vcpu(vm, 0);
	fake_push_port(0, COM1 + 7, 1, 1, "\x5a");
	fake_push_mmio_write(0, BASE + AX_TEST_SCRATCH, 8, 0x1122334455667788);
	fake_push_port(0, 0xcf9, 1, 1, "\2");
	fake_push_port(0, 0x64, 1, 1, "\xfe");
	ck_assert_uint_eq(run(vm).end, AX_VM_END_HANDLER);
	ck_assert_int_eq(ax_resetdev_route(reset), AX_RESET_I8042);

	ck_assert_int_eq(ax_devices_save(vm, saved, &err), 0);
	bytes = ax_state_bytes(saved, &len);
	ax_devices_reset(vm);
	ck_assert_int_eq(ax_resetdev_route(reset), AX_RESET_NONE);
	from = ax_state_from_bytes(bytes, len);
	ck_assert_msg(!ax_devices_restore(vm, from, &err), "%s", err.message);
	ck_assert_int_eq(ax_resetdev_route(reset), AX_RESET_I8042);
	ck_assert_int_eq(ax_devices_save(vm, again, &err), 0);
	bytes_again = ax_state_bytes(again, &len_again);
	ck_assert_uint_eq(len, len_again);
	ck_assert_mem_eq(bytes, bytes_again, len);
	ax_state_free(saved);
	ax_state_free(again);
	ax_state_free(from);

	ck_assert_int_eq(ax_debugcon_detach(debugcon, NULL), 0);
	ck_assert_int_eq(ax_debug_exit_detach(debug_exit, NULL), 0);
	ck_assert_int_eq(ax_resetdev_detach(reset, NULL), 0);
	ck_assert_int_eq(ax_uart_detach(uart, NULL), 0);
	ck_assert_int_eq(ax_testdev_detach(dev, NULL), 0);
	ax_vm_destroy(vm);
	ax_debugcon_free(debugcon);
	ax_debug_exit_free(debug_exit);
	ax_resetdev_free(reset);
	ax_uart_free(uart);
	ax_testdev_free(dev);
}
END_TEST

START_TEST(two_devices_in_one_place_are_named)
{
	AxVm *vm = new_vm(AX_IRQCHIP_NONE);
	AxUart *uart = plug_uart(vm, NULL);
	AxUartConfig config = AX_UART_CONFIG_INIT;
	AxError err = AX_ERROR_INIT;
	AxUart *other;

	ck_assert_fails(ax_uart_new(&(AxUartConfig){ .size = 1 }, &other, &err), -EINVAL,
			AX_ERROR_ARGUMENT, "AxUartConfig");
	config.name = "com2";
	ck_assert_int_eq(ax_uart_new(&config, &other, NULL), 0);
	ck_assert_fails(ax_uart_attach(other, vm, AX_SPACE_PORT, COM1 + 4, NULL, &err), -EEXIST,
			AX_ERROR_ARGUMENT, "com2");
	ck_assert_ptr_nonnull(strstr(err.message, "uart"));
	ax_uart_free(other);
	ck_assert_int_eq(ax_uart_detach(uart, NULL), 0);
	ax_vm_destroy(vm);
	ax_uart_free(uart);
}
END_TEST

/* The real loop's timer sends a prompt, and the one of the test device kicks. */
START_TEST(timers_of_the_real_loop_fire)
{
	AxConsoleConfig console_config = AX_CONSOLE_CONFIG_INIT;
	AxTestDevConfig config = AX_TESTDEV_CONFIG_INIT;
	AxVm *vm = new_vm(AX_IRQCHIP_NONE);
	AxConsole *console;
	AxVmResult result;
	AxTestDev *dev;
	AxHost *host;

	ck_assert_int_eq(ax_host_new(NULL, NULL, &host, NULL), 0);
	console_config.host = config.host = host;
	console_config.output.write = take_output;
	output_len = 0;
	ck_assert_int_eq(ax_console_new(&console_config, &console, NULL), 0);
	ck_assert_int_eq(ax_testdev_new(&config, &dev, NULL), 0);
	ck_assert_int_eq(ax_testdev_attach(dev, vm, BASE, 0, NULL), 0);
	free_vcpu(vm, 0);
	ax_console_write(console, "# ", 2);
	ck_assert_uint_eq(output_len, 0);
	fake_push_mmio_write(0, BASE + AX_TEST_KICK_LATER, 1, 0x41);
	done(0);
	result = run(vm);
	ck_assert_uint_eq(result.end, AX_VM_END_CODE);
	while (output_len < 2)
		ck_assert_int_ge(ax_loop_dispatch(host, 1000, NULL), 0);
	ck_assert_str_eq(output, "# ");
	/* The kick finds its vCPU, at rest as it is: newly set here, it would be 0. */
	while (ax_loop_dispatch(host, 50, NULL) > 0)
		;
	ck_assert_int_eq(ax_vcpu_kick(ax_vm_vcpu(vm, 0), 0x41), 1);
	ck_assert_int_eq(ax_testdev_detach(dev, NULL), 0);
	ax_testdev_free(dev);
	ax_console_free(console);
	ax_vm_destroy(vm);
	ax_host_free(host);
}
END_TEST

RUN_CORE_TESTS("devices on the core", a_guest_prints_and_ends,
	       a_failed_assertion_ends_with_the_access, odd_lengths_and_edges_are_taken_apart,
	       hypercall_blocks_fit_into_the_hole, the_uart_drives_its_line,
	       devices_are_saved_and_restored_together, two_devices_in_one_place_are_named,
	       timers_of_the_real_loop_fire)
