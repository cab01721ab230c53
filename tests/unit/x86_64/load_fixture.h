/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A VM on the fake KVM to load images into, for tests of one program each.
 */
#ifndef AXVMM_TESTS_UNIT_X86_64_LOAD_FIXTURE_H
#define AXVMM_TESTS_UNIT_X86_64_LOAD_FIXTURE_H

#include <axvmm/memory.h>
#include <axvmm/vm.h>

#include "tests/unit/boot_builder.h"
#include "tests/unit/fake_sys.h"

static AxVm *vm;
static AxVCpuSetup setup;
static AxBootRegisters regs;

static void reset(void)
{
	fake_sys_reset();
	vm = NULL;
	setup = (AxVCpuSetup)AX_VCPU_SETUP_INIT;
	regs = (AxBootRegisters)AX_BOOT_REGISTERS_INIT;
}

static void finish(void)
{
	ax_vm_destroy(vm);
	ck_assert_uint_eq(fake_sys_open_count(), 0);
	ck_assert_uint_eq(fake_bad_calls(), 0);
}

/* A VM with so many bytes of RAM from 0; with 0: none. */
static void start(uint64_t size)
{
	AxError err = AX_ERROR_INIT;

	ck_assert_msg(ax_vm_create(NULL, &vm, &err) == 0, "%s", err.message);
	if (size)
		ck_assert_msg(ax_ram_add(vm, 0, size, 0, &err) == 0, "%s", err.message);
}

static AxImageSource source_of(const void *bytes, size_t len)
{
	AxImageSource source = AX_IMAGE_SOURCE_INIT;

	source.name = "guest";
	source.bytes = bytes;
	source.len = len;
	return source;
}

static inline AxLoadOptions flat_options(AxCpuMode mode, uint64_t load)
{
	AxLoadOptions options = AX_LOAD_OPTIONS_INIT;

	options.given = AX_HINT_MODE | AX_HINT_LOAD;
	options.mode = mode;
	options.load = load;
	return options;
}

static void load(const void *bytes, size_t len, const AxLoadOptions *options)
{
	AxImageSource source = source_of(bytes, len);
	AxError err = AX_ERROR_INIT;
	int ret = ax_image_load(vm, &source, options, &setup, &regs, &err);

	ck_assert_msg(ret == 0, "%d: %s", ret, err.message);
}

/* Refused with exactly this message; how the vCPU begins has not changed. */
static void refuse(const void *bytes, size_t len, const AxLoadOptions *options, int ret, int code,
		   const char *message)
{
	AxImageSource source = source_of(bytes, len);
	AxVCpuSetup setup_before = setup;
	AxBootRegisters regs_before = regs;
	AxError err = AX_ERROR_INIT;

	ck_assert_int_eq(ax_image_load(vm, &source, options, &setup, &regs, &err), ret);
	ck_assert_str_eq(err.message, message);
	ck_assert_int_eq(err.code, code);
	ck_assert_int_eq(memcmp(&setup, &setup_before, sizeof(setup)), 0);
	ck_assert_int_eq(memcmp(&regs, &regs_before, sizeof(regs)), 0);
}

/* Guest memory. */
static uint8_t *ram(uint64_t gpa, uint64_t len)
{
	AxMemView view;
	uint8_t *host;

	ck_assert_int_eq(ax_mem_get(vm, gpa, len, AX_MEM_READ | AX_MEM_WRITE, &view), 0);
	host = view.host;
	ax_mem_put(vm, &view, 0);
	return host;
}

static inline bool is_filled(uint64_t gpa, uint64_t len, uint8_t value)
{
	const uint8_t *host = ram(gpa, len);

	return host[0] == value && memcmp(host, host + 1, len - 1) == 0;
}

static uint64_t reg(const char *name)
{
	for (uint32_t i = 0; i < regs.count; i++) {
		if (strcmp(regs.registers[i].name, name) == 0)
			return regs.registers[i].value;
	}
	ck_abort_msg("register %s is not set", name);
	return 0;
}

#endif
