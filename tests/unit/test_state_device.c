/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Saved states, and the VM's devices: reset, save, restore, and damaged bytes.
 */
#include "tests/unit/core_fixture.h"
#include "tests/unit/fake_libc.h"

START_TEST(what_is_put_is_got_back_little_endian)
{
	static const uint8_t expected[] = { 0x11, 0x55, 0x44, 0x33, 0x22, 0x88, 0x77, 0x66,
					    0x55, 0x44, 0x33, 0x22, 0x11, 'a',	'b',  'c' };
	AxState *state = ax_state_new();
	AxState *copy;
	const void *bytes;
	char text[3];
	size_t len;

	ck_assert_ptr_nonnull(state);
	ax_state_put_u8(state, 0x11);
	ax_state_put_u32(state, 0x22334455);
	ax_state_put_u64(state, 0x1122334455667788);
	ax_state_put_bytes(state, "abc", 3);
	ax_state_put_bytes(state, NULL, 0);
	bytes = ax_state_bytes(state, &len);
	ck_assert_uint_eq(len, sizeof(expected));
	ck_assert_mem_eq(bytes, expected, len);
	copy = ax_state_from_bytes(bytes, len);
	ax_state_free(state);
	ck_assert_uint_eq(ax_state_get_u8(copy), 0x11);
	ck_assert_uint_eq(ax_state_get_u32(copy), 0x22334455);
	ck_assert_uint_eq(ax_state_get_u64(copy), 0x1122334455667788);
	ax_state_get_bytes(copy, NULL, 0);
	ax_state_get_bytes(copy, text, 3);
	ck_assert_mem_eq(text, "abc", 3);
	ck_assert_int_eq(ax_state_error(copy), 0);
	ax_state_free(copy);
	ax_state_free(NULL);
}
END_TEST

START_TEST(past_the_end_is_zero_and_remembered)
{
	AxState *state = ax_state_from_bytes("\xff\xff\xff", 3);
	char text[4] = "xxx";

	ck_assert_uint_eq(ax_state_get_u32(state), 0);
	ck_assert_int_eq(ax_state_error(state), -EINVAL);
	/* What follows would be out of place. */
	ck_assert_uint_eq(ax_state_get_u8(state), 0);
	ax_state_get_bytes(state, text, 4);
	ck_assert_mem_eq(text, "\0\0\0\0", 4);
	ax_state_free(state);

	state = ax_state_from_bytes(NULL, 0);
	ck_assert_int_eq(ax_state_error(state), 0);
	ck_assert_uint_eq(ax_state_get_u8(state), 0);
	ck_assert_int_eq(ax_state_error(state), -EINVAL);
	ax_state_free(state);
}
END_TEST

START_TEST(a_state_grows_as_needed)
{
	AxState *state = ax_state_new();
	static uint8_t block[5000];
	size_t len;

	for (unsigned i = 0; i < 1000; i++)
		ax_state_put_u32(state, i);
	ax_state_put_bytes(state, block, sizeof(block));
	ax_state_put_u8(state, 9);
	(void)ax_state_bytes(state, &len);
	ck_assert_uint_eq(len, 4000 + sizeof(block) + 1);
	for (unsigned i = 0; i < 1000; i++)
		ck_assert_uint_eq(ax_state_get_u32(state), i);
	ax_state_get_bytes(state, block, sizeof(block));
	ck_assert_uint_eq(ax_state_get_u8(state), 9);
	ck_assert_int_eq(ax_state_error(state), 0);
	ax_state_free(state);
}
END_TEST

START_TEST(a_state_without_memory_remembers_it)
{
	AxState *state = ax_state_new();
	size_t len;

	fake_libc_fail(LIBC_MALLOC, 1, ENOMEM);
	ax_state_put_u32(state, 1);
	ck_assert(fake_libc_failed(LIBC_MALLOC));
	ck_assert_int_eq(ax_state_error(state), -ENOMEM);
	ax_state_put_u32(state, 2); /* nothing with a gap in it */
	ck_assert_int_eq(ax_state_error(state), -ENOMEM);
	(void)ax_state_bytes(state, &len);
	ck_assert_uint_eq(len, 0);
	ax_state_free(state);

	state = ax_state_new();
	ax_state_put_bytes(state, "", SIZE_MAX / 4 * 3);
	ck_assert_int_eq(ax_state_error(state), -ENOMEM);
	ax_state_free(state);
	for (unsigned nth = 1; nth <= 2; nth++) {
		fake_libc_fail(LIBC_MALLOC, nth, ENOMEM);
		ck_assert_ptr_null(ax_state_from_bytes("x", 1));
	}
}
END_TEST

/* A device with one register, and ways to misbehave. */
struct device {
	uint32_t reg;
	unsigned resets;
	int save_ret, restore_ret;
	unsigned get_extra, get_less;
	char *order; /* NULL or a trace of resets */
};

static void device_reset(void *opaque)
{
	struct device *device = opaque;

	device->reg = 0;
	device->resets++;
	if (device->order)
		device->order[strlen(device->order)] = (char)('0' + device->save_ret);
}

static int device_save(void *opaque, AxState *state)
{
	struct device *device = opaque;

	ax_state_put_u32(state, device->reg);
	return device->save_ret;
}

static int device_restore(void *opaque, AxState *state)
{
	struct device *device = opaque;

	if (device->restore_ret)
		return device->restore_ret;
	if (!device->get_less)
		device->reg = ax_state_get_u32(state);
	for (unsigned i = 0; i < device->get_extra; i++)
		(void)ax_state_get_u8(state);
	return 0;
}

static const AxDeviceOps device_ops = {
	.size = sizeof(AxDeviceOps),
	.reset = device_reset,
	.save = device_save,
	.restore = device_restore,
};

static AxVm *vm_with(struct device *one, struct device *two)
{
	AxVm *vm = new_vm(AX_IRQCHIP_NONE);

	ck_assert_int_eq(ax_device_add(vm, "one", &device_ops, one, NULL), 0);
	if (two)
		ck_assert_int_eq(ax_device_add(vm, "two", &device_ops, two, NULL), 0);
	return vm;
}

START_TEST(devices_have_names_of_their_own)
{
	AxVm *vm = new_vm(AX_IRQCHIP_NONE);
	struct device device = { 0 };
	AxError err;

	ck_assert_int_eq(ax_device_add(vm, "uart0", &device_ops, &device, &err), 0);
	ck_assert_fails(ax_device_add(vm, "uart0", &device_ops, &device, &err), -EEXIST,
			AX_ERROR_ARGUMENT, "\"uart0\"");
	ck_assert_int_eq(ax_device_add(vm, "uart", &device_ops, &device, &err), 0);
	ck_assert_int_eq(
		ax_device_add(vm, "a name of thirty-one characters", &device_ops, &device, &err),
		0);
	ck_assert_fails(
		ax_device_add(vm, "a name of thirty-two characters!", &device_ops, &device, &err),
		-EINVAL, AX_ERROR_ARGUMENT, "31");
	ck_assert_fails(ax_device_add(vm, "", &device_ops, &device, &err), -EINVAL,
			AX_ERROR_ARGUMENT, "name");
	ck_assert_fails(ax_device_add(vm, NULL, &device_ops, &device, &err), -EINVAL,
			AX_ERROR_ARGUMENT, "name");
	ck_assert_fails(ax_device_remove(vm, "rtc", &err), -ENOENT, AX_ERROR_ARGUMENT, "\"rtc\"");
	ck_assert_fails(ax_device_remove(vm, NULL, &err), -ENOENT, AX_ERROR_ARGUMENT, "\"\"");
	ck_assert_int_eq(ax_device_remove(vm, "uart0", &err), 0);
	ck_assert_fails(ax_device_remove(vm, "uart0", &err), -ENOENT, AX_ERROR_ARGUMENT, "");
	ck_assert_int_eq(ax_device_add(vm, "uart0", &device_ops, &device, &err), 0);
	ax_vm_destroy(vm);
}
END_TEST

START_TEST(a_device_needs_all_its_ops)
{
	AxVm *vm = new_vm(AX_IRQCHIP_NONE);
	AxDeviceOps ops = device_ops;
	AxError err;

	ck_assert_fails(ax_device_add(vm, "x", NULL, NULL, &err), -EINVAL, AX_ERROR_ARGUMENT, "op");
	ops.size--;
	ck_assert_fails(ax_device_add(vm, "x", &ops, NULL, &err), -EINVAL, AX_ERROR_ARGUMENT,
			"size");
	for (size_t offset = offsetof(AxDeviceOps, reset); offset < offsetof(AxDeviceOps, outside);
	     offset += sizeof(void *)) {
		ops = device_ops;
		memset((char *)&ops + offset, 0, sizeof(void *));
		ck_assert_fails(ax_device_add(vm, "x", &ops, NULL, &err), -EINVAL,
				AX_ERROR_ARGUMENT, "lacks an op");
	}
	fake_libc_fail(LIBC_MALLOC, 1, ENOMEM);
	ck_assert_fails(ax_device_add(vm, "x", &device_ops, NULL, &err), -ENOMEM, AX_ERROR_RESOURCE,
			"a device");
	ck_assert_int_eq(ax_device_add(vm, "x", &device_ops, NULL, &err), 0);
	ax_vm_destroy(vm);
}
END_TEST

START_TEST(devices_are_reset_in_the_order_of_addition)
{
	AxVm *vm = new_vm(AX_IRQCHIP_NONE);
	char order[16] = "", name[] = "d0";
	struct device devices[7];

	ax_devices_reset(vm); /* none */
	for (int i = 0; i < 7; i++) {
		devices[i] = (struct device){ .save_ret = i, .order = order };
		name[1] = (char)('0' + i);
		ck_assert_int_eq(ax_device_add(vm, name, &device_ops, &devices[i], NULL), 0);
	}
	ck_assert_int_eq(ax_device_remove(vm, "d2", NULL), 0);
	ck_assert_int_eq(ax_device_remove(vm, "d6", NULL), 0);
	ax_devices_reset(vm);
	ck_assert_str_eq(order, "01345");
	ax_vm_destroy(vm);
}
END_TEST

START_TEST(what_is_saved_is_restored_in_any_order)
{
	struct device one = { .reg = 0x1111 }, two = { .reg = 0x2222 };
	AxState *state = ax_state_new(), *copy;
	AxVm *vm = vm_with(&one, &two), *other;
	const void *bytes;
	size_t len;

	ax_state_put_u32(state, 0xabcd); /* a part of the caller's own, before and behind */
	ck_assert_int_eq(ax_devices_save(vm, state, NULL), 0);
	ax_state_put_u32(state, 0xdcba);
	bytes = ax_state_bytes(state, &len);
	copy = ax_state_from_bytes(bytes, len);
	ax_state_free(state);
	ax_vm_destroy(vm);

	one = two = (struct device){ .reg = 99 };
	other = new_vm(AX_IRQCHIP_NONE);
	ck_assert_int_eq(ax_device_add(other, "two", &device_ops, &two, NULL), 0);
	ck_assert_int_eq(ax_device_add(other, "one", &device_ops, &one, NULL), 0);
	ck_assert_uint_eq(ax_state_get_u32(copy), 0xabcd);
	ck_assert_int_eq(ax_devices_restore(other, copy, NULL), 0);
	ck_assert_uint_eq(ax_state_get_u32(copy), 0xdcba);
	ck_assert_uint_eq(one.reg, 0x1111);
	ck_assert_uint_eq(two.reg, 0x2222);
	ck_assert_uint_eq(one.resets, 1);
	ax_state_free(copy);
	ax_vm_destroy(other);
}
END_TEST

START_TEST(a_vm_without_devices_has_a_state_too)
{
	AxVm *vm = new_vm(AX_IRQCHIP_NONE);
	AxState *state = ax_state_new();

	ck_assert_int_eq(ax_devices_save(vm, state, NULL), 0);
	ck_assert_int_eq(ax_devices_restore(vm, state, NULL), 0);
	ck_assert_int_eq(ax_devices_restore(vm, state, NULL), -EINVAL);
	ax_state_free(state);
	ax_vm_destroy(vm);
}
END_TEST

START_TEST(a_device_that_can_not_be_saved_is_named)
{
	struct device one = { 0 }, two = { .save_ret = -EIO };
	AxVm *vm = vm_with(&one, &two);
	AxState *state = ax_state_new();
	static const uint8_t zeros[64];
	unsigned refused = 0;
	bool failed;
	AxError err;
	size_t len;

	ax_state_put_u8(state, 1);
	ck_assert_fails(ax_devices_save(vm, state, &err), -EIO, AX_ERROR_RESOURCE,
			"device \"two\"");
	(void)ax_state_bytes(state, &len);
	ck_assert_uint_eq(len, 1);
	ax_state_free(state);
	two.save_ret = 0;
	/* The buffer has to grow at the frame, at the name, at the device's own bytes. */
	for (unsigned fill = 0; fill <= 64; fill++) {
		int ret;

		state = ax_state_new();
		ax_state_put_bytes(state, zeros, fill);
		fake_libc_fail(LIBC_MALLOC, 1, ENOMEM);
		ret = ax_devices_save(vm, state, &err);
		failed = fake_libc_failed(LIBC_MALLOC);
		ck_assert_int_eq(ret, failed ? -ENOMEM : 0);
		if (failed)
			ck_assert_fails(ax_devices_save(vm, state, &err), -EINVAL,
					AX_ERROR_ARGUMENT, "failed before");
		refused += failed;
		ax_state_free(state);
	}
	ck_assert_uint_gt(refused, 40);
	ax_vm_destroy(vm);
}
END_TEST

static AxState *saved(AxVm *vm)
{
	AxState *state = ax_state_new();

	ck_assert_int_eq(ax_devices_save(vm, state, NULL), 0);
	return state;
}

START_TEST(a_device_that_reads_too_much_or_too_little_is_found)
{
	struct device one = { .reg = 1 }, two = { .reg = 2 };
	AxVm *vm = vm_with(&one, &two);
	AxState *state = saved(vm);
	AxError err;

	one.get_extra = 1;
	ck_assert_fails(ax_devices_restore(vm, state, &err), -EINVAL, AX_ERROR_ARGUMENT,
			"device \"one\": its saved state is too short");
	/* Nothing is half restored. */
	ck_assert_uint_eq(one.reg, 0);
	ck_assert_uint_eq(two.reg, 0);
	ax_state_free(state);

	one.get_extra = 0;
	two.get_less = 1;
	one.reg = 1;
	state = saved(vm);
	ck_assert_fails(ax_devices_restore(vm, state, &err), -EINVAL, AX_ERROR_ARGUMENT,
			"device \"two\": its saved state is too long");
	ck_assert_uint_eq(one.reg, 0);
	ax_state_free(state);

	two.get_less = 0;
	two.restore_ret = -EINVAL;
	state = saved(vm);
	ck_assert_fails(ax_devices_restore(vm, state, &err), -EINVAL, AX_ERROR_ARGUMENT,
			"device \"two\": its state could not be restored");
	ax_state_free(state);
	ax_vm_destroy(vm);
}
END_TEST

START_TEST(a_state_of_other_devices_is_refused_before_anything_is_touched)
{
	struct device one = { .reg = 1 }, two = { .reg = 2 };
	AxVm *vm = vm_with(&one, &two);
	AxState *both = saved(vm), *only_one;
	AxError err;

	ck_assert_int_eq(ax_device_remove(vm, "two", NULL), 0);
	only_one = saved(vm);
	ck_assert_fails(ax_devices_restore(vm, both, &err), -EINVAL, AX_ERROR_ARGUMENT,
			"of a device \"two\" that this VM lacks");
	ck_assert_int_eq(ax_device_add(vm, "two", &device_ops, &two, NULL), 0);
	ck_assert_fails(ax_devices_restore(vm, only_one, &err), -EINVAL, AX_ERROR_ARGUMENT,
			"device \"two\": the saved state has nothing of it");
	ck_assert_uint_eq(one.resets + two.resets, 0);
	ck_assert_uint_eq(one.reg, 1);
	ax_state_free(both);
	ax_state_free(only_one);
	ax_vm_destroy(vm);
}
END_TEST

static AxState *patched(AxVm *vm, size_t offset, uint8_t byte)
{
	AxState *state = saved(vm), *copy;
	uint8_t bytes[256];
	const void *from;
	size_t len;

	from = ax_state_bytes(state, &len);
	ck_assert_uint_le(len, sizeof(bytes));
	memcpy(bytes, from, len);
	ax_state_free(state);
	if (offset < len)
		bytes[offset] = byte;
	else
		len = offset - len;
	copy = ax_state_from_bytes(bytes, len);
	ck_assert_ptr_nonnull(copy);
	return copy;
}

START_TEST(a_damaged_frame_is_refused)
{
	static const struct {
		size_t offset;
		uint8_t byte;
		const char *piece;
	} rows[] = {
		{ 0, 0, "does not begin as one" },
		{ 4, 2, "version 2, not 1" },
		{ 8, 1, "device \"two\": the saved state has nothing of it" },
		{ 8, 3, "ends too early" },
		{ 11, 0x80, "ends too early" }, /* two thousand million devices */
		{ 12, 0xff, "ends too early" },
		{ 12, 0, "ends too early" },
		{ 13, 'O', "\"One\" that this VM lacks" },
		{ 16, 0xff, "ends too early" },
		{ 23, 0xff, "ends too early" },
		{ 16, 3, "ends too early" },
		{ 29, 'o', "lacks" },
	};
	struct device one = { .reg = 1 }, two = { .reg = 2 };
	AxVm *vm = vm_with(&one, &two);
	AxError err;

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		AxState *state = patched(vm, rows[i].offset, rows[i].byte);

		ck_assert_fails(ax_devices_restore(vm, state, &err), -EINVAL, AX_ERROR_ARGUMENT,
				rows[i].piece);
		ax_state_free(state);
	}
	ck_assert_uint_eq(one.resets + two.resets, 0);
	ax_vm_destroy(vm);
}
END_TEST

START_TEST(a_device_that_is_in_a_state_twice_is_refused)
{
	struct device one = { .reg = 1 }, two = { .reg = 2 };
	AxVm *vm = vm_with(&one, NULL);
	AxState *state;
	AxError err;

	ck_assert_int_eq(ax_device_add(vm, "onf", &device_ops, &two, NULL), 0);
	/* 12 bytes, then frames of 1 + 3 + 8 + 4: the last letter of the second name. */
	state = patched(vm, 12 + 16 + 3, 'e');
	ck_assert_fails(ax_devices_restore(vm, state, &err), -EINVAL, AX_ERROR_ARGUMENT,
			"device \"one\": it is in the saved state twice");
	ax_state_free(state);
	ax_vm_destroy(vm);
}
END_TEST

START_TEST(no_byte_of_a_state_can_do_harm)
{
	struct device one = { .reg = 1 }, two = { .reg = 2 };
	AxVm *vm = vm_with(&one, &two);
	AxState *state = saved(vm);
	const uint8_t *good;
	size_t len;

	good = ax_state_bytes(state, &len);
	for (size_t cut = 0; cut < len; cut++) {
		AxState *copy = ax_state_from_bytes(good, cut);

		ck_assert_int_eq(ax_devices_restore(vm, copy, NULL), -EINVAL);
		ax_state_free(copy);
	}
	for (size_t offset = 0; offset < len; offset++) {
		for (unsigned bit = 0; bit < 8; bit++) {
			uint8_t bytes[256];
			AxState *copy;
			int ret;

			memcpy(bytes, good, len);
			bytes[offset] ^= (uint8_t)(1u << bit);
			copy = ax_state_from_bytes(bytes, len);
			ret = ax_devices_restore(vm, copy, NULL);
			ck_assert(ret == 0 || ret == -EINVAL);
			ax_state_free(copy);
		}
	}
	ax_state_free(state);
	ax_vm_destroy(vm);
}
END_TEST

RUN_CORE_TESTS("state-device", what_is_put_is_got_back_little_endian,
	       past_the_end_is_zero_and_remembered, a_state_grows_as_needed,
	       a_state_without_memory_remembers_it, devices_have_names_of_their_own,
	       a_device_needs_all_its_ops, devices_are_reset_in_the_order_of_addition,
	       what_is_saved_is_restored_in_any_order, a_vm_without_devices_has_a_state_too,
	       a_device_that_can_not_be_saved_is_named,
	       a_device_that_reads_too_much_or_too_little_is_found,
	       a_state_of_other_devices_is_refused_before_anything_is_touched,
	       a_damaged_frame_is_refused, a_device_that_is_in_a_state_twice_is_refused,
	       no_byte_of_a_state_can_do_harm)
