/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Answers to exits: which exit takes which, where they go, what the guest gets without one.
 */
#include "tests/unit/run_fixture.h"

static AxVm *vm;
static AxVCpu *vcpu;

static void make_vcpu(void)
{
	vm = new_vm(AX_IRQCHIP_NONE);
	vcpu = ready_vcpu(vm, 0);
}

static AxVCpuExitReason run_once(void)
{
	AxVCpuExitReason exit;

	ck_assert_int_eq(ax_vcpu_run(vcpu, &exit, NULL), 0);
	return exit;
}

/* What the kernel took when it completed the access. */
static struct fake_completion settle(void)
{
	struct fake_completion done;
	AxVCpuExitReason exit;

	ck_assert_int_eq(ax_vcpu_settle(vcpu, &exit, NULL), 0);
	fake_completed(0, &done);
	return done;
}

static void push_msr(uint32_t reason)
{
	struct kvm_run run = { .exit_reason = reason };

	run.msr.index = 0x10;
	run.msr.error = 0xff; /* left by an earlier exit */
	run.msr.data = 0xdeadbeef;
	fake_push_run(0, &run);
}

static void push_csr(uint64_t mask)
{
	struct kvm_run run = { .exit_reason = KVM_EXIT_RISCV_CSR };

	run.riscv_csr.csr_num = 0x15;
	run.riscv_csr.write_mask = mask;
	run.riscv_csr.ret_value = 0xdeadbeef;
	fake_push_run(0, &run);
}

/* Exits by number, for the table. */
enum {
	MMIO_READ,
	MMIO_WRITE,
	PORT_READ,
	STRING_READ,
	PORT_WRITE,
	RDMSR,
	WRMSR,
	CSR_READ,
	CSR_WRITE,
	HYPERCALL,
	HALT,
	NOTHING,
	EXITS
};

static void push_exit(int which)
{
	struct kvm_run call = { .exit_reason = KVM_EXIT_HYPERCALL };

	switch (which) {
	case MMIO_READ: fake_push_mmio_read(0, 0x1000, 4); break;
	case MMIO_WRITE: fake_push_mmio_write(0, 0x1000, 4, 1); break;
	case PORT_READ: fake_push_port(0, 0x60, 2, 1, NULL); break;
	case STRING_READ: fake_push_port(0, 0x60, 2, 3, NULL); break;
	case PORT_WRITE: fake_push_port(0, 0x60, 2, 1, "ab"); break;
	case RDMSR: push_msr(KVM_EXIT_X86_RDMSR); break;
	case WRMSR: push_msr(KVM_EXIT_X86_WRMSR); break;
	case CSR_READ: push_csr(0); break;
	case CSR_WRITE: push_csr(1); break;
	case HYPERCALL: fake_push_run(0, &call); break;
	case HALT: fake_push_exit(0, KVM_EXIT_HLT); break;
	default: fake_push_exit(0, KVM_EXIT_INTR); break;
	}
}

/* What each of the three answers returns after each exit; reply_bytes is given six bytes. */
static const struct {
	int read;
	int bytes;
	int fault;
} allowed[EXITS] = {
	[MMIO_READ] = { 0, -EPERM, -EPERM },
	[MMIO_WRITE] = { -EPERM, -EPERM, -EPERM },
	[PORT_READ] = { 0, -EINVAL, -EPERM },
	[STRING_READ] = { -EPERM, 0, -EPERM },
	[PORT_WRITE] = { -EPERM, -EPERM, -EPERM },
	[RDMSR] = { 0, -EPERM, 0 },
	[WRMSR] = { -EPERM, -EPERM, 0 },
	[CSR_READ] = { 0, -EPERM, 0 },
	[CSR_WRITE] = { 0, -EPERM, 0 },
	[HYPERCALL] = { -EPERM, -EPERM, -EPERM },
	[HALT] = { -EPERM, -EPERM, -EPERM },
	[NOTHING] = { -EPERM, -EPERM, -EPERM },
};

START_TEST(each_exit_takes_its_answers_and_no_others)
{
	make_vcpu();
	push_exit(_i);
	run_once();
	ck_assert_int_eq(ax_vcpu_reply_read(vcpu, 1), allowed[_i].read);
	ck_assert_int_eq(ax_vcpu_reply_bytes(vcpu, "abcdef", 6), allowed[_i].bytes);
	ck_assert_int_eq(ax_vcpu_reply_fault(vcpu), allowed[_i].fault);
	/* Once it is settled, none. */
	settle();
	ck_assert_int_eq(ax_vcpu_reply_read(vcpu, 1), -EPERM);
	ck_assert_int_eq(ax_vcpu_reply_bytes(vcpu, "abcdef", 6), -EPERM);
	ck_assert_int_eq(ax_vcpu_reply_fault(vcpu), -EPERM);
	ax_vm_destroy(vm);
}
END_TEST

static void *answer_from_elsewhere(void *arg)
{
	(void)arg;
	ck_assert_int_eq(ax_vcpu_reply_read(vcpu, 1), -EPERM);
	ck_assert_int_eq(ax_vcpu_reply_bytes(vcpu, "abcdef", 6), -EPERM);
	ck_assert_int_eq(ax_vcpu_reply_fault(vcpu), -EPERM);
	ck_assert_int_eq(ax_vcpu_set_return_value(vcpu, 1, NULL), -EPERM);
	return NULL;
}

START_TEST(only_the_owner_answers)
{
	pthread_t thread;

	make_vcpu();
	push_exit(_i);
	run_once();
	ck_assert_int_eq(pthread_create(&thread, NULL, answer_from_elsewhere, NULL), 0);
	pthread_join(thread, NULL);
	ax_vm_destroy(vm);
}
END_TEST

START_TEST(an_mmio_read_gets_the_value_and_zero_without_one)
{
	struct fake_completion done;

	make_vcpu();
	fake_push_mmio_read(0, 0x1000, 8);
	run_once();
	done = settle();
	ck_assert_mem_eq(done.run.mmio.data, "\0\0\0\0\0\0\0\0", 8);
	fake_push_mmio_read(0, 0x1000, 8);
	run_once();
	ck_assert_int_eq(ax_vcpu_reply_read(vcpu, 1), 0);
	ck_assert_int_eq(ax_vcpu_reply_read(vcpu, 0x8877665544332211), 0); /* replaces it */
	done = settle();
	ck_assert_mem_eq(done.run.mmio.data, "\x11\x22\x33\x44\x55\x66\x77\x88", 8);
	ax_vm_destroy(vm);
}
END_TEST

START_TEST(a_port_read_gets_as_many_bytes_as_it_wants)
{
	static const unsigned sizes[] = { 1, 2, 4 };
	struct fake_completion done;

	make_vcpu();
	fake_push_port(0, 0x60, 4, 2, NULL); /* so that more than the element is not zero */
	run_once();
	ck_assert_int_eq(ax_vcpu_reply_bytes(vcpu, "\x99\x99\x99\x99\x99\x99\x99\x99", 8), 0);
	settle();
	fake_push_port(0, 0x60, sizes[_i], 1, NULL);
	run_once();
	ck_assert_mem_eq((uint8_t *)fake_run(0) + 4096, "\0\0\0\0", sizes[_i]);
	ck_assert_int_eq(ax_vcpu_reply_read(vcpu, 0x8877665544332211), 0);
	ck_assert_int_eq(((uint8_t *)fake_run(0))[4096 + sizes[_i]], 0x99);
	done = settle();
	ck_assert_mem_eq(done.port, "\x11\x22\x33\x44", sizes[_i]);
	ax_vm_destroy(vm);
}
END_TEST

START_TEST(string_input_gets_all_elements_and_zeroes_without)
{
	struct fake_completion done;

	make_vcpu();
	push_exit(STRING_READ);
	run_once();
	ck_assert_int_eq(ax_vcpu_reply_bytes(vcpu, "abcdef", 5), -EINVAL);
	ck_assert_int_eq(ax_vcpu_reply_bytes(vcpu, "abcdefg", 7), -EINVAL);
	ck_assert_int_eq(ax_vcpu_reply_bytes(vcpu, "abcdef", 0), -EINVAL);
	ck_assert_int_eq(ax_vcpu_reply_bytes(vcpu, "abcdef", 6), 0);
	done = settle();
	ck_assert_mem_eq(done.port, "abcdef", 6);
	push_exit(STRING_READ);
	run_once();
	done = settle();
	ck_assert_mem_eq(done.port, "\0\0\0\0\0\0", 6);
	ax_vm_destroy(vm);
}
END_TEST

START_TEST(string_input_may_be_written_in_place)
{
	struct fake_completion done;
	AxVCpuExitReason exit;

	make_vcpu();
	push_exit(STRING_READ);
	exit = run_once();
	memcpy(exit.io_read.bytes, "ghijkl", 6);
	done = settle();
	ck_assert_mem_eq(done.port, "ghijkl", 6);
	ax_vm_destroy(vm);
}
END_TEST

START_TEST(an_msr_read_gets_a_value_or_a_fault_and_zero_without_either)
{
	struct fake_completion done;

	make_vcpu();
	push_exit(RDMSR);
	run_once();
	done = settle();
	ck_assert_uint_eq(done.run.msr.data, 0);
	ck_assert_uint_eq(done.run.msr.error, 0);
	push_exit(RDMSR);
	run_once();
	ck_assert_int_eq(ax_vcpu_reply_read(vcpu, 0x1122334455667788), 0);
	done = settle();
	ck_assert_uint_eq(done.run.msr.data, 0x1122334455667788);
	ck_assert_uint_eq(done.run.msr.error, 0);
	push_exit(RDMSR);
	run_once();
	ck_assert_int_eq(ax_vcpu_reply_fault(vcpu), 0);
	ck_assert_uint_eq(settle().run.msr.error, 1);
	ax_vm_destroy(vm);
}
END_TEST

START_TEST(a_value_takes_a_fault_back)
{
	struct fake_completion done;

	make_vcpu();
	push_exit(RDMSR);
	run_once();
	ck_assert_int_eq(ax_vcpu_reply_fault(vcpu), 0);
	ck_assert_int_eq(ax_vcpu_reply_read(vcpu, 7), 0);
	done = settle();
	ck_assert_uint_eq(done.run.msr.error, 0);
	ck_assert_uint_eq(done.run.msr.data, 7);
	ax_vm_destroy(vm);
}
END_TEST

START_TEST(an_msr_write_succeeds_unless_it_gets_a_fault)
{
	make_vcpu();
	push_exit(WRMSR);
	run_once();
	ck_assert_uint_eq(settle().run.msr.error, 0);
	push_exit(WRMSR);
	run_once();
	ck_assert_int_eq(ax_vcpu_reply_fault(vcpu), 0);
	ck_assert_uint_eq(settle().run.msr.error, 1);
	ax_vm_destroy(vm);
}
END_TEST

START_TEST(a_csr_read_gets_its_value_where_riscv_has_it)
{
	make_vcpu();
	push_exit(CSR_READ);
	run_once();
	ck_assert_uint_eq(settle().run.riscv_csr.ret_value, 0);
	push_exit(CSR_READ);
	run_once();
	ck_assert_int_eq(ax_vcpu_reply_read(vcpu, 0x55), 0);
	ck_assert_uint_eq(settle().run.riscv_csr.ret_value, 0x55);
	ax_vm_destroy(vm);
}
END_TEST

/* A handler of the fast path that answers by itself, after an exit of another length. */

static AxHandled answer_in_handler(AxVCpu *caller, void *opaque, uint64_t offset,
				   AxAccessWidth width, uint64_t *value)
{
	uint8_t many[64] = { 0 };

	(void)opaque;
	(void)offset;
	(void)width;
	ck_assert_int_eq(ax_vcpu_reply_bytes(caller, many, sizeof(many)), -EINVAL);
	ck_assert_int_eq(ax_vcpu_reply_read(caller, 0x77), 0);
	ck_assert_int_eq(ax_vcpu_reply_bytes(caller, many, 1), 0);
	*value = 0x42;
	return AX_HANDLED;
}

START_TEST(a_handlers_own_answer_has_the_length_of_the_present_access)
{
	static const AxRangeOps ops = { .size = sizeof(AxRangeOps), .read = answer_in_handler };
	struct fake_completion done;
	AxRange range = AX_RANGE_INIT;
	AxVCpuExitReason exit;

	make_vcpu();
	range.base = 0x80;
	range.length = 1;
	range.ops = &ops;
	ck_assert_int_eq(ax_range_add_ports(vm, &range, NULL, NULL), 0);
	add_stop_port(vm);
	fake_push_port(0, 0x90, 1, 64, NULL); /* nobody's: 64 bytes of ones */
	for (unsigned i = 0; i < 3; i++)
		fake_push_port(0, 0x80, 1, 1, NULL);
	push_stop(0);
	ck_assert_int_eq(ax_vcpu_loop(vcpu, &exit, NULL), AX_LOOP_STOPPED);
	ck_assert_uint_eq(exit.kind, AX_EXIT_IO_WRITE);
	fake_completed(0, &done);
	ck_assert_uint_eq(done.port[0], 0x42); /* the handler's value is the last answer */
	ax_vm_destroy(vm);
}
END_TEST

static void add_tests(TCase *cases)
{
	tcase_add_loop_test(cases, each_exit_takes_its_answers_and_no_others, 0, EXITS);
	tcase_add_loop_test(cases, only_the_owner_answers, 0, EXITS);
	tcase_add_test(cases, an_mmio_read_gets_the_value_and_zero_without_one);
	tcase_add_loop_test(cases, a_port_read_gets_as_many_bytes_as_it_wants, 0, 3);
	tcase_add_test(cases, string_input_gets_all_elements_and_zeroes_without);
	tcase_add_test(cases, string_input_may_be_written_in_place);
	tcase_add_test(cases, an_msr_read_gets_a_value_or_a_fault_and_zero_without_either);
	tcase_add_test(cases, a_value_takes_a_fault_back);
	tcase_add_test(cases, an_msr_write_succeeds_unless_it_gets_a_fault);
	tcase_add_test(cases, a_csr_read_gets_its_value_where_riscv_has_it);
	tcase_add_test(cases, a_handlers_own_answer_has_the_length_of_the_present_access);
}

RUN_SUITE("reply", add_tests)
