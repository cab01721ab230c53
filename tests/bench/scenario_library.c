/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The same guests under ax_vcpu_loop(), with handlers as a device has them: a write stores the
 * value in a register, a read gives the register back.
 */
#include <err.h>
#include <fcntl.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <axvmm/axvmm.h>
#include <axvmm/devices.h>
#include <axvmm/trace.h>

#include "tests/bench/scenario.h"

#define PORT_LENGTH 0x8u
#define MMIO_LENGTH 0x1000u

struct device {
	uint64_t registers[8];
};

static AxHandled device_read(AxVCpu *vcpu, void *opaque, uint64_t offset, AxAccessWidth width,
			     uint64_t *value)
{
	const struct device *device = opaque;

	(void)vcpu;
	(void)width;
	*value = device->registers[offset % 8];
	return AX_HANDLED;
}

static AxHandled device_write(AxVCpu *vcpu, void *opaque, uint64_t offset, AxAccessWidth width,
			      uint64_t value)
{
	struct device *device = opaque;

	(void)vcpu;
	(void)width;
	device->registers[offset % 8] = value;
	return AX_HANDLED;
}

static const AxRangeOps device_ops = { sizeof(AxRangeOps), device_read, device_write };

static void check(int ret, const AxError *error)
{
	if (ret < 0)
		errx(1, "%s", error->message);
}

/* All but the @first ones. */
static void add_ranges(AxVm *vm, const struct scenario *scenario, unsigned first)
{
	static struct device devices[1000];
	AxError error = AX_ERROR_INIT;

	for (unsigned i = first; i < scenario->ranges; i++) {
		AxRange range = AX_RANGE_INIT;
		char name[32];

		(void)snprintf(name, sizeof(name), "device %u", i);
		range.name = name;
		range.base = scenario_base(scenario, i);
		range.ops = &device_ops;
		range.opaque = &devices[i];
		if (scenario->space == SPACE_PORT) {
			range.length = PORT_LENGTH;
			check(ax_range_add_ports(vm, &range, NULL, &error), &error);
		} else {
			range.length = MMIO_LENGTH;
			check(ax_range_add_mmio(vm, &range, NULL, &error), &error);
		}
	}
}

/* In the place of the first range. Its output goes nowhere. */
static void add_uart(AxVm *vm, const struct scenario *scenario)
{
	AxError error = AX_ERROR_INIT;
	AxUart *uart = NULL;

	check(ax_uart_new(NULL, &uart, &error), &error);
	check(ax_uart_attach(uart, vm, AX_SPACE_PORT, scenario_base(scenario, 0), NULL, &error),
	      &error);
}

static AxVCpu *create_vcpu(AxVm *vm)
{
	AxVCpuSetup setup = AX_VCPU_SETUP_INIT;
	AxError error = AX_ERROR_INIT;
	AxVCpu *vcpu = NULL;

	setup.mode = AX_MODE_PROTECTED;
	setup.entry = SCENARIO_ENTRY;
	check(ax_vcpu_create(vm, 0, &vcpu, &error), &error);
	check(ax_vcpu_setup(vcpu, &setup, &error), &error);
	check(ax_vcpu_bind(vcpu, AX_ANY_CPU, &error), &error);
	return vcpu;
}

/* Where it goes costs the writer's thread. */
static void trace(AxVm *vm)
{
	AxTraceConfig config = AX_TRACE_CONFIG_INIT;
	AxError error = AX_ERROR_INIT;
	AxTrace *trace = NULL;

	config.fd = open("/dev/null", O_WRONLY | O_CLOEXEC);
	check(ax_trace_start(vm, &config, &trace, &error), &error);
}

void scenario_run_library(const struct scenario *scenario)
{
	static uint8_t code[SCENARIO_RAM];
	AxVmOptions options = AX_VM_OPTIONS_INIT;
	AxError error = AX_ERROR_INIT;
	AxVCpuExitReason exit;
	AxVm *vm = NULL;
	char text[128];

	options.unclaimed = AX_UNCLAIMED_STOP;
	check(ax_vm_create(&options, &vm, &error), &error);
	check(ax_ram_add(vm, 0, SCENARIO_RAM, 0, &error), &error);
	scenario_guest(scenario, code);
	if (ax_mem_write(vm, 0, code, sizeof(code)))
		errx(1, "the guest does not fit");
	if (scenario->program == PROGRAM_UART)
		add_uart(vm, scenario);
	add_ranges(vm, scenario, scenario->program == PROGRAM_UART);
	if (scenario->program == PROGRAM_TRACED)
		trace(vm);
	check(ax_vcpu_loop(create_vcpu(vm), &exit, &error), &error);
	ax_exit_format(&exit, text, sizeof(text));
	errx(1, "not handled: %s", text);
}
