/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Pieces of guest code on the core alone; see code.h.
 */
#include "code.h"

#include <inttypes.h>
#include <string.h>
#include <time.h>

#define MAILBOX_SIZE (MAILBOX_WORDS * sizeof(uint64_t))

#define WAIT_NS UINT64_C(10000000000)

void code_restart(AxVCpu *vcpu)
{
	AxVCpuSetup setup = AX_VCPU_SETUP_INIT;
	AxError err = AX_ERROR_INIT;
	uint32_t id = ax_vcpu_id(vcpu);

	code_arch_setup(id, &setup);
	setup.entry = CODE_START;
	setup.arg = CODE_MAILBOX + MAILBOX_SIZE * id;
	ck_ok(ax_vcpu_setup(vcpu, &setup, &err), err);
}

void code_add_vcpu(struct code_vm *vm, uint32_t id)
{
	AxError err = AX_ERROR_INIT;
	AxVCpu *vcpu;

	ck_assert_uint_lt(id, CODE_MAILBOX_SIZE / MAILBOX_SIZE);
	ck_ok(ax_vcpu_create(vm->vm, id, &vcpu, &err), err);
	code_restart(vcpu);
	if (!vm->vcpu)
		vm->vcpu = vcpu;
}

void code_open_vm(struct code_vm *vm, const AxVmOptions *options, struct code code)
{
	AxError err = AX_ERROR_INIT;
	uint64_t size = (uint64_t)(code.end - code.bytes);

	memset(vm, 0, sizeof(*vm));
	ck_assert_uint_le(size, CODE_MAILBOX - CODE_START);
	ck_ok(ax_vm_create(options, &vm->vm, &err), err);
	kvm_watch(vm->vm);
	ck_ok(ax_ram_add(vm->vm, CODE_RAM, CODE_RAM_SIZE, 0, &err), err);
	ck_assert_int_eq(ax_mem_write(vm->vm, CODE_START, code.bytes, size), 0);
	code_arch_fill_ram(vm->vm);
	ck_assert_int_eq(ax_mem_get(vm->vm, CODE_MAILBOX, CODE_MAILBOX_SIZE,
				    AX_MEM_READ | AX_MEM_WRITE, &vm->view),
			 0);
	vm->mailbox = vm->view.host;
}

void code_open(struct code_vm *vm, const AxVmOptions *options, struct code code)
{
	code_open_vm(vm, options, code);
	code_add_vcpu(vm, 0);
}

void code_close(struct code_vm *vm)
{
	ax_mem_put(vm->vm, &vm->view, CODE_MAILBOX_SIZE);
	kvm_unwatch(vm->vm);
	ax_vm_destroy(vm->vm);
}

static uint64_t *word_at(const struct code_vm *vm, uint32_t id, unsigned word)
{
	return &vm->mailbox[id * MAILBOX_WORDS + word];
}

uint64_t code_word(const struct code_vm *vm, uint32_t id, unsigned word)
{
	return __atomic_load_n(word_at(vm, id, word), __ATOMIC_SEQ_CST);
}

void code_set_word(struct code_vm *vm, uint32_t id, unsigned word, uint64_t value)
{
	__atomic_store_n(word_at(vm, id, word), value, __ATOMIC_SEQ_CST);
}

void code_wait_word(const struct code_vm *vm, uint32_t id, unsigned word, uint64_t value)
{
	const struct timespec a_moment = { .tv_nsec = 20000 };
	uint64_t end = kvm_now() + WAIT_NS;

	while (code_word(vm, id, word) < value) {
		ck_assert_msg(kvm_now() < end,
			      "word %u of vCPU %u is %" PRIu64 " after ten seconds, not %" PRIu64,
			      word, id, code_word(vm, id, word), value);
		nanosleep(&a_moment, NULL);
	}
}
