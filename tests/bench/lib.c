/* SPDX-License-Identifier: Apache-2.0 */
/*
 * bare.c once more, on the library: the same guests, the same devices, the same arguments and exit
 * status. What it costs beyond bare is what libaxvmm costs; what axvmm costs beyond this is its
 * machine and its command line.
 *
 * usage: lib [--park] IMAGE [LOAD]
 */
#include <err.h>
#include <fcntl.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <axvmm/axvmm.h>

#include "guests/abi.h"

#define RAM_SIZE (128u << 20)
#define FAILURE	 125

struct host {
	uint64_t scratch;
	int park;
	int code;
};

static void check(int ret, const AxError *error)
{
	if (ret < 0)
		errx(FAILURE, "%s", error->message);
}

static AxHandled com1_read(AxVCpu *vcpu, void *opaque, uint64_t offset, AxAccessWidth width,
			   uint64_t *value)
{
	(void)vcpu;
	(void)opaque;
	(void)offset;
	(void)width;
	*value = 0xff;
	return AX_HANDLED;
}

static AxHandled com1_write(AxVCpu *vcpu, void *opaque, uint64_t offset, AxAccessWidth width,
			    uint64_t value)
{
	uint8_t byte = (uint8_t)value;

	(void)vcpu;
	(void)opaque;
	(void)width;
	if (!offset && write(STDOUT_FILENO, &byte, 1) < 0)
		err(FAILURE, "stdout");
	return AX_HANDLED;
}

static AxHandled test_ports_write(AxVCpu *vcpu, void *opaque, uint64_t offset, AxAccessWidth width,
				  uint64_t value)
{
	struct host *host = opaque;

	(void)vcpu;
	(void)width;
	if (offset == AX_TEST_PORT_SCRATCH)
		host->scratch = value;
	if (offset != AX_TEST_PORT_DONE)
		return AX_HANDLED;
	host->code = (uint8_t)value;
	return AX_STOP;
}

static AxHandled debug_exit_write(AxVCpu *vcpu, void *opaque, uint64_t offset, AxAccessWidth width,
				  uint64_t value)
{
	struct host *host = opaque;

	(void)vcpu;
	(void)offset;
	(void)width;
	host->code = (uint8_t)value << 1 | 1;
	return AX_STOP;
}

static AxHandled test_read(AxVCpu *vcpu, void *opaque, uint64_t offset, AxAccessWidth width,
			   uint64_t *value)
{
	const struct host *host = opaque;

	(void)vcpu;
	(void)width;
	*value = offset == AX_TEST_SCRATCH ? host->scratch : UINT64_MAX;
	return AX_HANDLED;
}

static AxHandled test_write(AxVCpu *vcpu, void *opaque, uint64_t offset, AxAccessWidth width,
			    uint64_t value)
{
	struct host *host = opaque;

	(void)vcpu;
	(void)width;
	if (offset == AX_TEST_SCRATCH)
		host->scratch = value;
	return AX_HANDLED;
}

static AxHandled halt(AxVCpu *vcpu, void *opaque)
{
	const struct host *host = opaque;

	(void)vcpu;
	if (!host->park)
		return AX_UNHANDLED;
	pause();
	return AX_HANDLED;
}

static const AxRangeOps com1_ops = { sizeof(AxRangeOps), com1_read, com1_write };
static const AxRangeOps test_ports_ops = { sizeof(AxRangeOps), NULL, test_ports_write };
static const AxRangeOps debug_exit_ops = { sizeof(AxRangeOps), NULL, debug_exit_write };
static const AxRangeOps test_ops = { sizeof(AxRangeOps), test_read, test_write };
static const AxPowerOps power_ops = { sizeof(AxPowerOps), NULL, NULL, NULL, halt };

static void add_devices(AxVm *vm, struct host *host)
{
	AxError error = AX_ERROR_INIT;
	AxRange range = AX_RANGE_INIT;

	range.opaque = host;
	range.name = "COM1";
	range.base = AX_PORT_COM1;
	range.length = 8;
	range.ops = &com1_ops;
	check(ax_range_add_ports(vm, &range, NULL, &error), &error);
	range.name = "test ports";
	range.base = AX_TEST_PORT_BASE;
	range.length = AX_TEST_PORT_SIZE;
	range.ops = &test_ports_ops;
	check(ax_range_add_ports(vm, &range, NULL, &error), &error);
	range.name = "debug exit";
	range.base = AX_PORT_DEBUG_EXIT;
	range.length = 4;
	range.ops = &debug_exit_ops;
	check(ax_range_add_ports(vm, &range, NULL, &error), &error);
	range.name = "test device";
	range.base = AX_TEST_BASE_X86_64;
	range.length = AX_TEST_SIZE;
	range.ops = &test_ops;
	check(ax_range_add_mmio(vm, &range, NULL, &error), &error);
	check(ax_power_set(vm, &power_ops, host, &error), &error);
}

static void load_image(AxVm *vm, const char *path, uint64_t load)
{
	int image = open(path, O_RDONLY | O_CLOEXEC);
	AxMemView view;

	if (image < 0)
		err(FAILURE, "%s", path);
	if (ax_mem_get(vm, load, RAM_SIZE - load, AX_MEM_WRITE, &view))
		errx(FAILURE, "0x%llx is not in RAM", (unsigned long long)load);
	if (read(image, view.host, view.len) < 0)
		err(FAILURE, "%s", path);
	ax_mem_put(vm, &view, view.len);
	close(image);
}

int main(int argc, char **argv)
{
	int park = argc > 1 && !strcmp(argv[1], "--park");
	uint64_t load = argc > park + 2 ? strtoull(argv[park + 2], NULL, 0) : 0x8000;
	struct host host = { .park = park };
	AxVCpuSetup setup = AX_VCPU_SETUP_INIT;
	AxError error = AX_ERROR_INIT;
	AxVCpuExitReason exit;
	AxVCpu *vcpu = NULL;
	AxVm *vm = NULL;
	char text[128];

	if (argc < park + 2 || load >= 1u << 20)
		errx(FAILURE, "usage: lib [--park] IMAGE [LOAD]");
	check(ax_vm_create(NULL, &vm, &error), &error);
	check(ax_ram_add(vm, 0, RAM_SIZE, 0, &error), &error);
	load_image(vm, argv[park + 1], load);
	add_devices(vm, &host);
	check(ax_vcpu_create(vm, 0, &vcpu, &error), &error);
	setup.mode = AX_MODE_REAL;
	setup.entry = load;
	check(ax_vcpu_setup(vcpu, &setup, &error), &error);
	check(ax_vcpu_bind(vcpu, AX_ANY_CPU, &error), &error);
	if (ax_vcpu_loop(vcpu, &exit, &error) == AX_LOOP_STOPPED)
		return host.code;
	ax_exit_format(&exit, text, sizeof(text));
	errx(FAILURE, "%s", error.message[0] ? error.message : text);
}
