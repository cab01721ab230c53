/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Hypercalls by every route: a block in memory announced by MMIO or port, and the processor's own
 * instructions where KVM hands them over.
 */
#include <errno.h>
#include <inttypes.h>
#include <string.h>

#include "code_x86.h"

#define BLOCK	   CODE_SCRATCH
#define BLOCK_SIZE 64
#define CALL_MMIO  (CODE_MMIO + CODE_HYPERCALL)
#define CALL_PORT  (CODE_PORT + 8)
#define NUMBER	   0x41580001
#define UNKNOWN	   ((uint64_t)-1000) /* KVM_ENOSYS: linux/kvm_para.h */
#define READONLY   0x40000000

struct calls {
	unsigned count;
	AxExitHypercall last;
	uint64_t answer;
	AxHandled verdict;
};

static AxHandled on_call(AxVCpu *vcpu, void *opaque, const AxVCpuExitReason *exit, uint64_t *result)
{
	struct calls *calls = opaque;

	ck_assert_uint_eq(*result, UNKNOWN);
	calls->count++;
	calls->last = exit->hypercall;
	*result = calls->answer;
	return calls->verdict;
}

static const AxHypercallOps ops = { sizeof(ops), on_call };

static AxHandled on_end(AxVCpu *vcpu, void *opaque, uint64_t offset, AxAccessWidth width,
			uint64_t value)
{
	return AX_STOP;
}

static const AxRangeOps end_ops = { .size = sizeof(end_ops), .write = on_end };

static void open_store(struct code_vm *vm, struct calls *calls)
{
	AxHypercallConfig config = AX_HYPERCALL_CONFIG_INIT;
	AxRange range = AX_RANGE_INIT;
	AxError err = AX_ERROR_INIT;

	code_open_vm(vm, NULL, CODE(store));
	config.block_mmio = CALL_MMIO;
	config.block_port = CALL_PORT;
	ck_ok(ax_hypercall_set(vm->vm, &config, &ops, calls, &err), err);
	range.base = CODE_MMIO + CODE_END;
	range.length = 4;
	range.ops = &end_ops;
	ck_ok(ax_range_add_mmio(vm->vm, &range, NULL, &err), err);
	code_add_vcpu(vm, 0);
}

/* Number and arguments 1 to 6; the result is what nobody answers. */
static void write_block(AxVm *vm, AxGuestPhysAddr at, uint64_t size)
{
	const uint64_t block[BLOCK_SIZE / 8] = { NUMBER, 1, 2, 3, 4, 5, 6, 0x6e6f6e65 };

	ck_assert_int_eq(ax_mem_write(vm, at, block, size), 0);
}

static uint64_t block_result(AxVm *vm, AxGuestPhysAddr at)
{
	uint64_t result;

	ck_assert_int_eq(ax_mem_read(vm, at + BLOCK_SIZE - 8, &result, sizeof(result)), 0);
	return result;
}

/* Have the guest write @value to @addr, and go on to its end unless a handler stops it. */
static void store(struct code_vm *vm, uint64_t addr, uint64_t value, uint64_t width,
		  AxVmResult *result)
{
	AxError err = AX_ERROR_INIT;

	code_set_word(vm, 0, 1, addr);
	code_set_word(vm, 0, 2, value);
	code_set_word(vm, 0, 3, width);
	code_restart(vm->vcpu);
	*result = (AxVmResult)AX_VM_RESULT_INIT;
	ck_ok(ax_vm_run(vm->vm, result, &err), err);
	ck_assert_uint_eq(result->end, AX_VM_END_HANDLER);
}

static const struct place {
	uint64_t addr;
	uint64_t width;
} places[] = {
	{ CALL_MMIO, 8 },
	{ CALL_MMIO, 4 },
	{ CALL_PORT, CODE_STORE_PORT | 4 },
};

START_TEST(block_call_brings_number_and_arguments_and_takes_the_result)
{
	const struct place *place = &places[_i];
	struct calls calls = { .answer = 0x1122334455667788 };
	AxVmResult result;
	struct code_vm vm;

	open_store(&vm, &calls);
	write_block(vm.vm, BLOCK, BLOCK_SIZE);
	store(&vm, place->addr, BLOCK, place->width, &result);
	ck_assert_uint_eq(calls.count, 1);
	ck_assert_uint_eq(calls.last.nr, NUMBER);
	ck_assert_uint_eq(calls.last.route, AX_ROUTE_BLOCK);
	ck_assert_uint_eq(calls.last.block, BLOCK);
	ck_assert_uint_eq(calls.last.cpl, 0);
	for (unsigned i = 0; i < 6; i++)
		ck_assert_uint_eq(calls.last.args[i], i + 1);
	ck_assert_uint_eq(block_result(vm.vm, BLOCK), calls.answer);

	/* A number that the handler does not know. */
	calls.verdict = AX_UNHANDLED;
	store(&vm, place->addr, BLOCK, place->width, &result);
	ck_assert_uint_eq(calls.count, 2);
	ck_assert_uint_eq(block_result(vm.vm, BLOCK), UNKNOWN);

	/* A handler that stops the run has answered before. */
	calls.verdict = AX_STOP;
	calls.answer = 5;
	store(&vm, place->addr, BLOCK, place->width, &result);
	ck_exit_kind(&result.exit, AX_EXIT_HYPERCALL);
	ck_assert_uint_eq(block_result(vm.vm, BLOCK), 5);
	code_close(&vm);
}
END_TEST

/* Not even one byte of a bad block is read or written, and the write is nobody's. */
START_TEST(bad_block_is_an_unclaimed_write)
{
	const uint64_t end = CODE_RAM + CODE_RAM_SIZE;
	const struct {
		const char *name;
		uint64_t block;
	} bad[] = {
		{ "not aligned", BLOCK + 4 },
		{ "no RAM", 0x30000000 },
		{ "an MMIO range", CODE_MMIO },
		{ "past the end of RAM", end },
		{ "last word past the end of RAM", end - BLOCK_SIZE + 8 },
		{ "read-only RAM", READONLY },
		{ "wraps", UINT64_MAX - 31 - 32 },
		{ "last word of the address space", UINT64_MAX - 7 },
	};
	struct calls calls = { .answer = 1 };
	AxError err = AX_ERROR_INIT;
	AxVmResult result;
	struct code_vm vm;
	uint64_t counts[AX_EXIT_KINDS];

	open_store(&vm, &calls);
	ck_ok(ax_ram_add(vm.vm, READONLY, 4096, AX_RAM_READONLY, &err), err);
	for (unsigned i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		store(&vm, CALL_MMIO, bad[i].block, 8, &result);
		ck_assert_msg(!calls.count, "a block that is bad (%s) made a call", bad[i].name);
		ck_exit_kind(&result.exit, AX_EXIT_MMIO_WRITE);
	}
	/* The last that fits. */
	write_block(vm.vm, end - BLOCK_SIZE, BLOCK_SIZE);
	store(&vm, CALL_MMIO, end - BLOCK_SIZE, 8, &result);
	ck_assert_uint_eq(calls.count, 1);
	ax_vcpu_exit_counts(vm.vcpu, counts);
	ck_assert_uint_eq(counts[AX_EXIT_HYPERCALL], 1);
	code_close(&vm);
}
END_TEST

START_TEST(writes_of_other_widths_are_no_calls)
{
	static const struct place others[] = {
		{ CALL_MMIO, 1 },
		{ CALL_MMIO, 2 },
		{ CALL_MMIO + 4, 4 },
		{ CALL_PORT, CODE_STORE_PORT | 1 },
		{ CALL_PORT, CODE_STORE_PORT | 2 },
	};
	struct calls calls = { 0 };
	AxVmResult result;
	struct code_vm vm;

	open_store(&vm, &calls);
	write_block(vm.vm, BLOCK, BLOCK_SIZE);
	for (unsigned i = 0; i < sizeof(others) / sizeof(others[0]); i++)
		store(&vm, others[i].addr, BLOCK, others[i].width, &result);
	ck_assert_uint_eq(calls.count, 0);
	code_close(&vm);
}
END_TEST

/* By hand: the exit is the caller's, the result goes where the route has it. */
START_TEST(block_call_is_answered_by_hand)
{
	AxHypercallConfig config = AX_HYPERCALL_CONFIG_INIT;
	AxError err = AX_ERROR_INIT;
	AxVCpuExitReason exit;
	struct code_vm vm;

	code_open_vm(&vm, NULL, CODE(store));
	config.block_mmio = CALL_MMIO;
	ck_ok(ax_hypercall_set(vm.vm, &config, NULL, NULL, &err), err);
	code_add_vcpu(&vm, 0);
	write_block(vm.vm, BLOCK, BLOCK_SIZE);
	code_set_word(&vm, 0, 1, CALL_MMIO);
	code_set_word(&vm, 0, 2, BLOCK);
	code_set_word(&vm, 0, 3, 8);
	ck_ok(ax_vcpu_bind(vm.vcpu, AX_ANY_CPU, &err), err);
	ck_assert_int_eq(ax_vcpu_loop(vm.vcpu, &exit, &err), AX_LOOP_UNHANDLED);
	ck_exit_kind(&exit, AX_EXIT_HYPERCALL);
	ck_assert_uint_eq(block_result(vm.vm, BLOCK), UNKNOWN);
	ck_ok(ax_vcpu_set_return_value(vm.vcpu, 99, &err), err);
	ck_assert_uint_eq(block_result(vm.vm, BLOCK), 99);
	ck_ok(ax_vcpu_unbind(vm.vcpu, &err), err);
	code_close(&vm);
}
END_TEST

/* _i: VMCALL and VMMCALL; KVM takes either on every processor. */
START_TEST(trapped_instruction_brings_number_and_arguments)
{
	AxHypercallConfig config = AX_HYPERCALL_CONFIG_INIT;
	struct calls calls = { .answer = 0x99 };
	AxVmResult result = AX_VM_RESULT_INIT;
	AxRange range = AX_RANGE_INIT;
	AxError err = AX_ERROR_INIT;
	struct code_vm vm;
	int ret;

	code_open_vm(&vm, NULL, CODE(vmcall));
	config.flags = AX_HYPERCALL_TRAP;
	ret = ax_hypercall_set(vm.vm, &config, &ops, &calls, &err);
	if (ret == -ENOTSUP) {
		kvm_skip("%s as exits: %s", _i ? "VMMCALL" : "VMCALL", err.message);
		code_close(&vm);
		return;
	}
	ck_ok(ret, err);
	range.base = CODE_MMIO + CODE_END;
	range.length = 4;
	range.ops = &end_ops;
	ck_ok(ax_range_add_mmio(vm.vm, &range, NULL, &err), err);
	code_add_vcpu(&vm, 0);
	code_set_word(&vm, 0, 1, NUMBER);
	code_set_word(&vm, 0, 2, (uint64_t)_i);
	ck_ok(ax_vm_run(vm.vm, &result, &err), err);
	ck_exit_kind(&result.exit, AX_EXIT_MMIO_WRITE);
	ck_assert_uint_eq(calls.count, 1);
	ck_assert_uint_eq(calls.last.nr, NUMBER);
	ck_assert_uint_eq(calls.last.route, AX_ROUTE_XEN);
	for (unsigned i = 0; i < 6; i++)
		ck_assert_uint_eq(calls.last.args[i], i + 1);
	ck_assert_uint_eq(code_word(&vm, 0, 3), calls.answer);
	kvm_count_run();
	code_close(&vm);
}
END_TEST

START_TEST(places_of_blocks_are_claimed)
{
	AxHypercallConfig config = AX_HYPERCALL_CONFIG_INIT;
	AxRange range = AX_RANGE_INIT;
	AxError err = AX_ERROR_INIT;
	struct calls calls = { 0 };
	struct code_vm vm;

	open_store(&vm, &calls);
	range.name = "rival";
	range.base = CALL_MMIO + 7;
	range.length = 1;
	range.ops = &end_ops;
	ck_assert_int_eq(ax_range_add_mmio(vm.vm, &range, NULL, &err), -EEXIST);
	range.base = CALL_PORT + 3;
	ck_assert_int_eq(ax_range_add_ports(vm.vm, &range, NULL, &err), -EEXIST);
	ck_assert_int_eq(ax_hypercall_set(vm.vm, &config, &ops, &calls, &err), -EPERM);
	code_close(&vm);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("hypercall");
	TCase *tcase = kvm_case(suite, "hypercalls");

	tcase_add_loop_test(tcase, block_call_brings_number_and_arguments_and_takes_the_result, 0,
			    (int)(sizeof(places) / sizeof(places[0])));
	tcase_add_test(tcase, bad_block_is_an_unclaimed_write);
	tcase_add_test(tcase, writes_of_other_widths_are_no_calls);
	tcase_add_test(tcase, block_call_is_answered_by_hand);
	tcase_add_loop_test(tcase, trapped_instruction_brings_number_and_arguments, 0, 2);
	tcase_add_test(tcase, places_of_blocks_are_claimed);
	return kvm_main(suite);
}
