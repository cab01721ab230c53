/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Loads and stores of MMIO do what they do in RAM: the same instruction, with the same registers, once
 * on RAM and once on a device that keeps what is written. What KVM leaves undone (accesses without
 * syndrome, the sign of loads) is this library's; the processor in RAM is the judge.
 */
#include <errno.h>
#include <inttypes.h>
#include <string.h>

#include "access_case.h"

#define AREA 0x400 /* bytes, of RAM and of the device */

/* ESR_EL1.EC: a data abort at the same level; DFSC: a synchronous external one. DDI 0487, D19.2.37. */
#define EC(esr)	       ((esr) >> 26 & 0x3f)
#define EC_DATA_ABORT  0x25
#define DFSC(esr)      ((esr)&0x3f)
#define EXTERNAL_ABORT 0x10

/* Words of the mailbox. */
enum { INSN = 1, X2 = 2, X3 = 3, EXCEPTIONS = 4, ESR, FAR, ELR, RESULTS = 8, OFFSET = 15, V0 = 16 };
enum { V0_AFTER = 20 };

/* What an instruction left behind. */
struct outcome {
	uint64_t words[MAILBOX_WORDS];
	uint8_t area[AREA];
};

struct device {
	uint8_t bytes[AREA];
	unsigned accesses;
};

static AxHandled device_read(AxVCpu *vcpu, void *opaque, uint64_t offset, AxAccessWidth width,
			     uint64_t *value)
{
	struct device *device = opaque;

	memcpy(value, device->bytes + offset, ax_access_width_size(width));
	device->accesses++;
	return AX_HANDLED;
}

static AxHandled device_write(AxVCpu *vcpu, void *opaque, uint64_t offset, AxAccessWidth width,
			      uint64_t value)
{
	struct device *device = opaque;

	memcpy(device->bytes + offset, &value, ax_access_width_size(width));
	device->accesses++;
	return AX_HANDLED;
}

static AxHandled on_end(AxVCpu *vcpu, void *opaque, uint64_t offset, AxAccessWidth width,
			uint64_t value)
{
	return AX_STOP;
}

static const AxRangeOps device_ops = { sizeof(device_ops), device_read, device_write };
static const AxRangeOps end_ops = { .size = sizeof(end_ops), .write = on_end };

static void open_device(struct code_vm *vm, struct device *device)
{
	AxRange range = AX_RANGE_INIT, end = AX_RANGE_INIT;
	AxError err = AX_ERROR_INIT;

	code_open(vm, NULL, CODE(execute));
	range.base = CODE_MMIO;
	range.length = AREA;
	range.ops = &device_ops;
	range.opaque = device;
	ck_ok(ax_range_add_mmio(vm->vm, &range, NULL, &err), err);
	end.base = CODE_MMIO + CODE_END;
	end.length = 4;
	end.ops = &end_ops;
	ck_ok(ax_range_add_mmio(vm->vm, &end, NULL, &err), err);
}

/* Every byte another one, with and without its top bit. */
static void fill(uint8_t *bytes, size_t size, unsigned seed)
{
	for (size_t i = 0; i < size; i++)
		bytes[i] = (uint8_t)((i + seed) * 0x9d + seed);
}

/* Registers and instruction, before it runs. */
static void prepare(struct code_vm *vm, const uint32_t *insn, uint64_t offset, unsigned seed)
{
	uint64_t words[MAILBOX_WORDS] = { 0 };

	words[INSN] = *insn;
	words[X2] = UINT64_C(0x8899aabbccddeeff) + seed;
	words[X3] = ACCESS_INDEX;
	words[OFFSET] = offset;
	fill((uint8_t *)&words[V0], 32, seed + 77);
	memcpy(vm->mailbox, words, sizeof(words));
	ck_assert_int_eq(ax_mem_write(vm->vm, CODE_START + code_execute_place, insn, sizeof(*insn)),
			 0);
	code_restart(vm->vcpu);
}

static void run(struct code_vm *vm, struct outcome *outcome)
{
	AxVmResult result = AX_VM_RESULT_INIT;
	AxError err = AX_ERROR_INIT;

	ck_ok(ax_vm_run(vm->vm, &result, &err), err);
	ck_assert_uint_eq(result.end, AX_VM_END_HANDLER);
	ck_assert_uint_eq(result.exit.mmio_write.addr, CODE_MMIO + CODE_END);
	memcpy(outcome->words, vm->mailbox, sizeof(outcome->words));
}

static void run_in_ram(struct code_vm *vm, const uint32_t *insn, unsigned seed,
		       struct outcome *outcome)
{
	uint8_t bytes[AREA];

	fill(bytes, sizeof(bytes), seed);
	ck_assert_int_eq(ax_mem_write(vm->vm, CODE_SCRATCH, bytes, sizeof(bytes)), 0);
	prepare(vm, insn, (uint64_t)CODE_SCRATCH - CODE_MMIO + ACCESS_OFFSET, seed);
	run(vm, outcome);
	ck_assert_int_eq(ax_mem_read(vm->vm, CODE_SCRATCH, outcome->area, AREA), 0);
}

static void run_on_device(struct code_vm *vm, struct device *device, const uint32_t *insn,
			  unsigned seed, struct outcome *outcome)
{
	fill(device->bytes, sizeof(device->bytes), seed);
	device->accesses = 0;
	prepare(vm, insn, ACCESS_OFFSET, seed);
	run(vm, outcome);
	memcpy(outcome->area, device->bytes, AREA);
}

/* x2, x3, x10, sp (both from their base), v0, v1 and memory are the same. */
static void check_same(const char *text, const struct outcome *ram, const struct outcome *device)
{
	for (unsigned i = 0; i < 4; i++) {
		uint64_t in_ram = ram->words[RESULTS + i] - (i < 2 ? 0 : CODE_SCRATCH);
		uint64_t on_device = device->words[RESULTS + i] - (i < 2 ? 0 : CODE_MMIO);

		ck_assert_msg(in_ram == on_device,
			      "%s: result %u is 0x%" PRIx64 ", in RAM 0x%" PRIx64, text, i,
			      on_device, in_ram);
	}
	for (unsigned i = V0_AFTER; i < V0_AFTER + 4; i++)
		ck_assert_msg(ram->words[i] == device->words[i],
			      "%s: word %u is 0x%" PRIx64 ", in RAM 0x%" PRIx64, text, i,
			      device->words[i], ram->words[i]);
	ck_assert_msg(!ram->words[EXCEPTIONS], "%s: exception 0x%" PRIx64 " in RAM", text,
		      ram->words[ESR]);
	ck_assert_msg(!device->words[EXCEPTIONS], "%s: exception 0x%" PRIx64, text,
		      device->words[ESR]);
	ck_assert_msg(!memcmp(ram->area, device->area, AREA), "%s: other bytes were written", text);
}

START_TEST(mmio_is_as_memory_to_every_load_and_store)
{
	struct device device;
	struct code_vm vm;
	unsigned count = 0;

	kvm_limit(200);
	open_device(&vm, &device);
	for (const struct access_case *which = access_works; which->insn; which++, count++) {
		for (unsigned seed = 3; seed <= 128; seed += 125) {
			struct outcome ram, mmio;

			run_in_ram(&vm, which->insn, seed, &ram);
			run_on_device(&vm, &device, which->insn, seed, &mmio);
			check_same(which->text, &ram, &mmio);
			ck_assert_msg(device.accesses, "%s: no exit", which->text);
		}
	}
	kvm_say("%u loads and stores are the same on MMIO as in RAM", count);
	code_close(&vm);
}
END_TEST

static void check_aborted(const char *text, struct code_vm *vm, const struct outcome *outcome,
			  uint64_t address)
{
	uint64_t esr = outcome->words[ESR];

	ck_assert_msg(outcome->words[EXCEPTIONS] == 1, "%s: %" PRIu64 " exceptions", text,
		      outcome->words[EXCEPTIONS]);
	ck_assert_msg(EC(esr) == EC_DATA_ABORT && DFSC(esr) == EXTERNAL_ABORT, "%s: ESR 0x%" PRIx64,
		      text, esr);
	ck_assert_msg(outcome->words[FAR] == address, "%s: FAR 0x%" PRIx64, text,
		      outcome->words[FAR]);
	ck_assert_uint_eq(outcome->words[ELR], CODE_START + code_execute_place);
	/* Nothing was done in part. */
	ck_assert_uint_eq(outcome->words[RESULTS + 2], CODE_MMIO + outcome->words[OFFSET]);
}

START_TEST(what_no_device_supports_is_an_abort)
{
	struct device device, before;
	struct outcome outcome;
	struct code_vm vm;

	open_device(&vm, &device);
	fill(before.bytes, sizeof(before.bytes), 9);
	for (const struct access_case *which = access_aborts; which->insn; which++) {
		run_on_device(&vm, &device, which->insn, 9, &outcome);
		check_aborted(which->text, &vm, &outcome, CODE_MMIO + ACCESS_OFFSET);
		ck_assert_msg(!device.accesses, "%s: %u exits", which->text, device.accesses);
		ck_assert(!memcmp(device.bytes, before.bytes, AREA));
	}
	code_close(&vm);
}
END_TEST

/* The second half's page is one that nobody has checked. */
START_TEST(access_to_two_pages_is_an_abort)
{
	const uint32_t ldp = 0xa9400d42, stp = 0xa9000d42; /* x2, x3, [x10] */
	struct outcome outcome;
	struct device device;
	struct code_vm vm;

	open_device(&vm, &device);
	device.accesses = 0;
	prepare(&vm, &ldp, 0x1ff8, 1);
	run(&vm, &outcome);
	check_aborted("ldp", &vm, &outcome, CODE_MMIO + 0x1ff8);
	prepare(&vm, &stp, 0x1ff8, 1);
	run(&vm, &outcome);
	check_aborted("stp", &vm, &outcome, CODE_MMIO + 0x1ff8);
	ck_assert_uint_eq(device.accesses, 0);
	code_close(&vm);
}
END_TEST

/* An access of several exits: each is told, and settling finishes all of them. */
START_TEST(pieces_come_in_order_and_settle)
{
	const uint32_t ldp = 0xad400540; /* q0, q1, [x10] */
	AxError err = AX_ERROR_INIT;
	AxVCpuExitReason exit;
	struct code_vm vm;
	uint64_t pc;

	code_open(&vm, NULL, CODE(execute));
	prepare(&vm, &ldp, ACCESS_OFFSET, 1);
	ck_ok(ax_vcpu_bind(vm.vcpu, AX_ANY_CPU, &err), err);
	ck_ok(ax_vcpu_run(vm.vcpu, &exit, &err), err);
	for (unsigned i = 0; i < 4; i++) {
		ck_exit_kind(&exit, AX_EXIT_MMIO_READ);
		ck_assert_uint_eq(exit.mmio_read.addr, CODE_MMIO + ACCESS_OFFSET + 8 * i);
		ck_assert_uint_eq(exit.mmio_read.len, 8);
		ck_assert_int_eq(ax_vcpu_get_reg(vm.vcpu, "pc", &pc, &err), -EPERM);
		ck_assert_int_eq(ax_vcpu_decode_mmio(vm.vcpu, &exit, &err), -ENOTSUP);
		ck_assert_int_eq(ax_vcpu_reply_read(vm.vcpu, 0x1111 * (i + 1)), 0);
		ck_assert_int_eq(ax_vcpu_settle(vm.vcpu, &exit, &err), i < 3);
	}
	ck_ok(ax_vcpu_get_reg(vm.vcpu, "pc", &pc, &err), err);
	ck_assert_uint_eq(pc, CODE_START + code_execute_place + 4);
	ck_ok(ax_vcpu_run(vm.vcpu, &exit, &err), err);
	ck_assert_uint_eq(exit.mmio_write.addr, CODE_MMIO + CODE_END);
	for (unsigned i = 0; i < 4; i++)
		ck_assert_uint_eq(code_word(&vm, 0, V0_AFTER + i), 0x1111 * (i + 1));
	code_close(&vm);
}
END_TEST

START_TEST(single_step_stops_behind_every_access)
{
	AxError err = AX_ERROR_INIT;
	AxVCpuExitReason exit;
	struct code_vm vm;
	uint64_t pc;

	code_open(&vm, NULL, CODE(accesses));
	ck_ok(ax_vcpu_bind(vm.vcpu, AX_ANY_CPU, &err), err);
	ck_ok(ax_vcpu_set_debug(vm.vcpu, true, NULL, 0, &err), err);
	for (unsigned i = 0; code_accesses_ends[i] >= 0; i++) {
		do
			ck_ok(ax_vcpu_run(vm.vcpu, &exit, &err), err);
		while (exit.kind == AX_EXIT_DEBUG || exit.kind == AX_EXIT_NOTHING);
		ck_assert_msg(exit.kind == AX_EXIT_MMIO_READ || exit.kind == AX_EXIT_MMIO_WRITE,
			      "%s", ax_exit_name(exit.kind));
		ck_ok(ax_vcpu_run(vm.vcpu, &exit, &err), err);
		ck_exit_kind(&exit, AX_EXIT_DEBUG);
		ck_assert_uint_eq(exit.debug.pc, CODE_START + (uint64_t)code_accesses_ends[i]);
		ck_ok(ax_vcpu_get_reg(vm.vcpu, "pc", &pc, &err), err);
		ck_assert_uint_eq(pc, exit.debug.pc);
	}
	code_close(&vm);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("access");
	TCase *tcase = kvm_case(suite, "access");

	tcase_add_test(tcase, mmio_is_as_memory_to_every_load_and_store);
	tcase_add_test(tcase, what_no_device_supports_is_an_abort);
	tcase_add_test(tcase, access_to_two_pages_is_an_abort);
	tcase_add_test(tcase, pieces_come_in_order_and_settle);
	tcase_add_test(tcase, single_step_stops_behind_every_access);
	return kvm_main(suite);
}
