/* SPDX-License-Identifier: Apache-2.0 */
/*
 * PLIC: gateways, priorities, enables, thresholds, claim and completion, the harts' lines, saved state.
 */
#include <errno.h>
#include <string.h>

#include "dev/plic.h"
#include "tests/unit/dev_fake.h"

#define BASE  0x0c000000
#define HARTS 2

/* Supervisor contexts of the two harts. */
#define S0 1
#define S1 3

static AxVm *vm;
static AxPlic *plic;
static AxIrq uart_line, first, last;

static void set_up(void)
{
	AxPlicConfig config = AX_PLIC_CONFIG_INIT;

	config.harts = HARTS;
	vm = fake_vm_new(HARTS);
	ck_assert_int_eq(ax_plic_new(&config, &plic, NULL), 0);
	ck_assert_int_eq(ax_plic_attach(plic, vm, BASE, NULL), 0);
	ck_assert_int_eq(ax_plic_irq(plic, 10, &uart_line, NULL), 0);
	ck_assert_int_eq(ax_plic_irq(plic, 1, &first, NULL), 0);
	ck_assert_int_eq(ax_plic_irq(plic, 95, &last, NULL), 0);
}

static void tear_down(void)
{
	ck_assert_int_eq(ax_plic_detach(plic, NULL), 0);
	ax_plic_free(plic);
	fake_vm_free(vm);
}

static void pulse(const AxIrq *irq)
{
	irq->pulse(irq->opaque, irq->line);
}

static uint32_t in(uint64_t offset)
{
	uint64_t value;

	ck_assert_int_eq(
		fake_read(&vm->vcpus[0], AX_SPACE_MMIO, BASE + offset, AX_WIDTH_DWORD, &value),
		AX_HANDLED);
	return (uint32_t)value;
}

static void out(uint64_t offset, uint32_t value)
{
	ck_assert_int_eq(
		fake_write(&vm->vcpus[0], AX_SPACE_MMIO, BASE + offset, AX_WIDTH_DWORD, value),
		AX_HANDLED);
}

static uint64_t priority(unsigned source)
{
	return PLIC_PRIORITY + 4 * source;
}

static uint64_t enable(unsigned context, unsigned word)
{
	return PLIC_ENABLE + context * PLIC_ENABLE_STRIDE + 4 * word;
}

static uint64_t threshold(unsigned context)
{
	return PLIC_CONTEXT + context * PLIC_CONTEXT_STRIDE + PLIC_THRESHOLD;
}

static uint64_t claim(unsigned context)
{
	return PLIC_CONTEXT + context * PLIC_CONTEXT_STRIDE + PLIC_CLAIM;
}

/* Sources with a priority, all enabled for hart 0. */
static void enable_all(void)
{
	for (unsigned source = 1; source <= 95; source++)
		out(priority(source), 1);
	for (unsigned word = 0; word < 3; word++)
		out(enable(S0, word), UINT32_MAX);
}

/* The hart's line, as the calls that drive it leave it. */
static bool is_up(unsigned hart)
{
	return vm->vcpus[hart].injected_count > vm->vcpus[hart].cleared_count;
}

START_TEST(everything_is_zero_at_first)
{
	for (uint64_t offset = 0; offset < 0x3000; offset += 4)
		ck_assert_uint_eq(in(offset), 0);
	for (unsigned context = 0; context < 2 * HARTS; context++) {
		ck_assert_uint_eq(in(threshold(context)), 0);
		ck_assert_uint_eq(in(claim(context)), 0);
		ck_assert_uint_eq(in(claim(context) + 4), 0);
	}
}
END_TEST

START_TEST(registers_keep_their_bits_and_no_others)
{
	out(priority(0), UINT32_MAX);
	ck_assert_uint_eq(in(priority(0)), 0);
	out(priority(1), UINT32_MAX);
	ck_assert_uint_eq(in(priority(1)), 7);
	out(priority(95), 0xfffffff8 | 5);
	ck_assert_uint_eq(in(priority(95)), 5);
	out(priority(96), 1);
	ck_assert_uint_eq(in(priority(96)), 0);
	for (unsigned word = 0; word < 32; word++)
		out(enable(S1, word), UINT32_MAX);
	ck_assert_uint_eq(in(enable(S1, 0)), 0xfffffffe);
	ck_assert_uint_eq(in(enable(S1, 1)), 0xffffffff);
	ck_assert_uint_eq(in(enable(S1, 2)), 0xffffffff);
	ck_assert_uint_eq(in(enable(S1, 3)), 0);
	ck_assert_uint_eq(in(enable(S1 - 1, 0)), 0);
	out(enable(2 * HARTS, 0), UINT32_MAX);
	ck_assert_uint_eq(in(enable(2 * HARTS, 0)), 0);
	out(PLIC_PENDING, UINT32_MAX);
	ck_assert_uint_eq(in(PLIC_PENDING), 0);
	out(threshold(S0), 0xff);
	ck_assert_uint_eq(in(threshold(S0)), 7);
}
END_TEST

START_TEST(only_whole_words_are_registers)
{
	AxVCpu *vcpu = &vm->vcpus[0];
	uint64_t value;

	for (AxAccessWidth width = AX_WIDTH_BYTE; width <= AX_WIDTH_QWORD; width++) {
		if (width == AX_WIDTH_DWORD)
			continue;
		ck_assert_int_eq(fake_read(vcpu, AX_SPACE_MMIO, BASE + 4, width, &value),
				 AX_UNHANDLED);
		ck_assert_int_eq(fake_write(vcpu, AX_SPACE_MMIO, BASE + 4, width, 1), AX_UNHANDLED);
	}
	ck_assert_int_eq(fake_read(vcpu, AX_SPACE_MMIO, BASE + 6, AX_WIDTH_DWORD, &value),
			 AX_UNHANDLED);
	ck_assert_uint_eq(in(4), 0);
	ck_assert_int_eq(fake_read(vcpu, AX_SPACE_MMIO, BASE + PLIC_CONTEXT + 4 * 0x1000,
				   AX_WIDTH_DWORD, &value),
			 AX_UNHANDLED);
}
END_TEST

START_TEST(a_line_reaches_the_hart_that_enabled_it)
{
	ax_irq_set(&uart_line, true);
	ck_assert_uint_eq(in(PLIC_PENDING), 1 << 10);
	ck_assert(!is_up(0) && !is_up(1));
	out(enable(S1, 0), 1 << 10);
	ck_assert(!is_up(1)); /* priority 0 never interrupts */
	ck_assert_uint_eq(in(claim(S1)), 0);
	out(priority(10), 1);
	ck_assert(!is_up(0) && is_up(1));
	ck_assert_uint_eq(vm->vcpus[1].injected[0], 9);
	ck_assert_uint_eq(in(claim(S0)), 0);
	ck_assert_uint_eq(in(claim(S1)), 10);
	ck_assert(!is_up(1));
	ck_assert_uint_eq(in(PLIC_PENDING), 0);
	ax_irq_set(&uart_line, false);
	out(claim(S1), 10);
	ck_assert(!is_up(1));
	ck_assert_uint_eq(in(claim(S1)), 0);
}
END_TEST

START_TEST(machine_contexts_lead_nowhere)
{
	out(priority(10), 1);
	out(enable(0, 0), 1 << 10);
	out(enable(2, 0), 1 << 10);
	ax_irq_set(&uart_line, true);
	ck_assert(!is_up(0) && !is_up(1));
	ck_assert_uint_eq(in(claim(2)), 10);
	ck_assert_uint_eq(in(claim(0)), 0);
}
END_TEST

START_TEST(a_level_that_is_still_up_comes_again)
{
	enable_all();
	ax_irq_set(&uart_line, true);
	ck_assert_uint_eq(in(claim(S0)), 10);
	/* in service: the gateway is shut */
	ax_irq_set(&uart_line, false);
	ax_irq_set(&uart_line, true);
	ck_assert_uint_eq(in(PLIC_PENDING), 0);
	out(claim(S0), 10);
	ck_assert(is_up(0));
	ck_assert_uint_eq(in(claim(S0)), 10);
	ax_irq_set(&uart_line, false);
	out(claim(S0), 10);
	ck_assert(!is_up(0));
}
END_TEST

START_TEST(what_is_pending_stays_when_its_line_falls)
{
	enable_all();
	ax_irq_set(&uart_line, true);
	ax_irq_set(&uart_line, true);
	ax_irq_set(&uart_line, false);
	ck_assert(is_up(0));
	ck_assert_uint_eq(in(claim(S0)), 10);
	out(claim(S0), 10);
	ck_assert_uint_eq(in(claim(S0)), 0);
}
END_TEST

START_TEST(a_pulse_in_service_is_not_lost)
{
	enable_all();
	pulse(&last);
	ck_assert_uint_eq(in(PLIC_PENDING + 8), 1u << 31);
	ck_assert_uint_eq(in(claim(S0)), 95);
	pulse(&last);
	ck_assert(is_up(0));
	out(claim(S0), 95);
	ck_assert_uint_eq(in(claim(S0)), 95);
	out(claim(S0), 95);
	ck_assert(!is_up(0));
}
END_TEST

START_TEST(the_highest_priority_comes_first_then_the_lowest_number)
{
	enable_all();
	out(priority(95), 3);
	ax_irq_set(&uart_line, true);
	ax_irq_set(&last, true);
	first.set(first.opaque, first.line, true);
	ck_assert_uint_eq(in(claim(S0)), 95);
	ck_assert_uint_eq(in(claim(S0)), 1);
	ck_assert_uint_eq(in(claim(S0)), 10);
	ck_assert_uint_eq(in(claim(S0)), 0);
}
END_TEST

START_TEST(a_threshold_masks_the_line_but_not_the_claim)
{
	enable_all();
	out(priority(10), 3);
	out(threshold(S0), 3);
	ax_irq_set(&uart_line, true);
	ck_assert(!is_up(0));
	out(threshold(S0), 2);
	ck_assert(is_up(0));
	out(threshold(S0), 7);
	ck_assert(!is_up(0));
	ck_assert_uint_eq(in(claim(S0)), 10);
}
END_TEST

START_TEST(completions_that_make_no_sense_are_ignored)
{
	enable_all();
	ax_irq_set(&uart_line, true);
	ck_assert_uint_eq(in(claim(S0)), 10);
	out(claim(S1), 10); /* not enabled there */
	out(claim(S0), 0);
	out(claim(S0), 11); /* not in service */
	out(claim(S0), 96);
	out(claim(S0), UINT32_MAX);
	ck_assert_uint_eq(in(PLIC_PENDING), 0);
	out(claim(S0), 10);
	ck_assert_uint_eq(in(PLIC_PENDING), 1 << 10);
}
END_TEST

START_TEST(one_claim_takes_it_from_all_harts)
{
	enable_all();
	out(enable(S1, 0), 1 << 10);
	ax_irq_set(&uart_line, true);
	ck_assert(is_up(0) && is_up(1));
	ck_assert_uint_eq(in(claim(S1)), 10);
	ck_assert(!is_up(0) && !is_up(1));
	ck_assert_uint_eq(in(claim(S0)), 0);
	/* whoever has it enabled may complete it */
	out(claim(S0), 10);
	ck_assert(is_up(0) && is_up(1));
	out(enable(S1, 0), 0);
	ck_assert(!is_up(1));
}
END_TEST

START_TEST(a_hart_that_does_not_exist_or_refuses_is_survived)
{
	AxPlicConfig config = AX_PLIC_CONFIG_INIT;
	AxPlic *wide;
	AxIrq irq;

	config.name = "wide";
	config.harts = 4;
	config.sources = 1023;
	ck_assert_int_eq(ax_plic_new(&config, &wide, NULL), 0);
	ck_assert_int_eq(ax_plic_attach(wide, vm, 0x20000000, NULL), 0);
	ck_assert_int_eq(ax_plic_irq(wide, 1023, &irq, NULL), 0);
	out(0x20000000 - BASE + priority(1023), 7);
	out(0x20000000 - BASE + enable(7, 31), UINT32_MAX);
	ck_assert_uint_eq(in(0x20000000 - BASE + enable(7, 31)), UINT32_MAX);
	ax_irq_set(&irq, true);
	ck_assert_uint_eq(in(0x20000000 - BASE + PLIC_PENDING + 4 * 31), 1u << 31);
	ck_assert_uint_eq(in(0x20000000 - BASE + claim(7)), 1023);
	ck_assert_int_eq(ax_plic_detach(wide, NULL), 0);
	ax_plic_free(wide);

	enable_all();
	vm->inject_ret = -EIO;
	ax_irq_set(&uart_line, true);
	ck_assert_uint_eq(in(claim(S0)), 10);
	vm->inject_ret = 0;
}
END_TEST

START_TEST(a_hart_that_is_created_later_is_told)
{
	vm->vcpu_count = 1;
	out(priority(1), 1);
	out(enable(S1, 0), 2);
	first.set(first.opaque, first.line, true);
	vm->vcpu_count = HARTS;
	ck_assert(!is_up(1));
	pulse(&last);
	ck_assert(is_up(1));
}
END_TEST

START_TEST(bad_configurations_are_refused)
{
	AxPlicConfig config = AX_PLIC_CONFIG_INIT;
	AxError err = AX_ERROR_INIT;
	AxPlic *none = NULL;
	AxIrq irq;

	config.sources = 0;
	ck_assert_int_eq(ax_plic_new(&config, &none, &err), -EINVAL);
	config.sources = 1024;
	ck_assert_int_eq(ax_plic_new(&config, &none, &err), -EINVAL);
	ck_assert_ptr_nonnull(strstr(err.message, "1023"));
	config = (AxPlicConfig)AX_PLIC_CONFIG_INIT;
	config.harts = 0;
	ck_assert_int_eq(ax_plic_new(&config, &none, &err), -EINVAL);
	config.harts = PLIC_HARTS_MAX + 1;
	ck_assert_int_eq(ax_plic_new(&config, &none, &err), -EINVAL);
	config.harts = 1;
	config.name = "";
	ck_assert_int_eq(ax_plic_new(&config, &none, &err), -EINVAL);
	config.size = 1;
	ck_assert_int_eq(ax_plic_new(&config, &none, &err), -EINVAL);
	for (int nth = 1; nth <= 2; nth++) {
		fake_fail_calloc(nth);
		ck_assert_int_eq(ax_plic_new(NULL, &none, &err), -ENOMEM);
	}
	fake_fail_lock(1);
	ck_assert_int_eq(ax_plic_new(NULL, &none, &err), -ENOMEM);
	ck_assert_ptr_null(none);
	ax_plic_free(NULL);
	ck_assert_int_eq(ax_plic_irq(plic, 0, &irq, &err), -EINVAL);
	ck_assert_int_eq(ax_plic_irq(plic, 96, &irq, &err), -EINVAL);
	ck_assert_str_eq(err.message, "interrupt source 96: there are 1 to 95");
}
END_TEST

START_TEST(lines_fall_on_detach_and_rise_in_the_next_vm)
{
	enable_all();
	ax_irq_set(&uart_line, true);
	ck_assert_int_eq(ax_plic_attach(plic, vm, BASE, NULL), -EBUSY);
	ck_assert(is_up(0));
	vm->fail_range_remove = 1;
	ck_assert_int_eq(ax_plic_detach(plic, NULL), -EDEADLK);
	ck_assert(is_up(0));
	ck_assert_int_eq(ax_plic_detach(plic, NULL), 0);
	ck_assert(!is_up(0));
	fake_vm_free(vm);
	ax_irq_set(&last, true);
	vm = fake_vm_new(HARTS);
	ck_assert_int_eq(ax_plic_attach(plic, vm, BASE, NULL), 0);
	ck_assert(is_up(0));
	ck_assert_uint_eq(in(claim(S0)), 10);
	ck_assert_uint_eq(in(claim(S0)), 95);
}
END_TEST

START_TEST(reset_forgets_all_but_the_lines)
{
	struct fake_device *device = fake_vm_device(vm, "plic");

	enable_all();
	out(threshold(S1), 5);
	ax_irq_set(&uart_line, true);
	first.set(first.opaque, first.line, true);
	in(claim(S0));
	device->ops->reset(device->opaque);
	ck_assert(!is_up(0));
	for (uint64_t offset = 0; offset < 0x3000; offset += 4)
		ck_assert_uint_eq(in(offset), 0);
	ck_assert_uint_eq(in(threshold(S1)), 0);
	/* it has to rise again */
	ax_irq_set(&uart_line, true);
	ck_assert_uint_eq(in(PLIC_PENDING), 0);
	ax_irq_set(&uart_line, false);
	ax_irq_set(&uart_line, true);
	ck_assert_uint_eq(in(PLIC_PENDING), 1 << 10);
}
END_TEST

START_TEST(a_restored_plic_goes_on)
{
	struct fake_device *device = fake_vm_device(vm, "plic");
	AxState *state;
	const void *bytes;
	size_t len;

	enable_all();
	ax_irq_set(&uart_line, true);
	in(claim(S0));
	pulse(&first);
	state = fake_save(device);
	bytes = ax_state_bytes(state, &len);

	/* devices that were restored before drive their lines; source 95 has risen since */
	device->ops->reset(device->opaque);
	ax_irq_set(&last, true);
	ck_assert_int_eq(fake_restore(device, bytes, len), 0);
	ck_assert(is_up(0));
	ck_assert_uint_eq(in(claim(S0)), 1);
	ck_assert_uint_eq(in(claim(S0)), 95);
	ck_assert_uint_eq(in(claim(S0)), 0);
	out(claim(S0), 10);
	ck_assert_uint_eq(in(claim(S0)), 10);
	ax_state_free(state);
}
END_TEST

static void act(AxPlic *to, uint64_t base)
{
	AxIrq irq;
	uint64_t value;
	unsigned context = fake_random() % (2 * HARTS);
	uint64_t places[] = { priority(fake_random() % 97), enable(context, fake_random() % 4),
			      threshold(context), claim(context), claim(context) };

	ax_plic_irq(to, 1 + fake_random() % 95, &irq, NULL);
	value = fake_random() % 2 ? fake_random() : fake_random() % 100;
	switch (fake_random() % 4) {
	case 0: ax_irq_set(&irq, fake_random() % 2); break;
	case 1: pulse(&irq); break;
	case 2:
		fake_write(&vm->vcpus[0], AX_SPACE_MMIO, base + places[fake_random() % 5],
			   AX_WIDTH_DWORD, value);
		break;
	default:
		fake_read(&vm->vcpus[1], AX_SPACE_MMIO, base + places[fake_random() % 5],
			  AX_WIDTH_DWORD, &value);
		break;
	}
}

/* The line says what an independent reading of the registers says. */
static void check_lines(const AxPlic *of)
{
	for (unsigned context = 0; context < 2 * HARTS; context++) {
		bool expected = false;

		for (unsigned source = 1; source <= 95; source++) {
			bool pending = of->pending[source / 32] >> source % 32 & 1;
			bool enabled =
				of->contexts[context].enabled[source / 32] >> source % 32 & 1;

			expected |= pending && enabled &&
				    of->priority[source] > of->contexts[context].threshold;
		}
		assert_quick(of->contexts[context].output == expected);
	}
	assert_quick(!(of->pending[0] & 1) && !(of->claimed[0] & 1));
}

START_TEST(any_state_survives_a_round_trip)
{
	AxPlicConfig config = AX_PLIC_CONFIG_INIT;
	AxPlic *other;

	config.name = "other";
	config.harts = HARTS;
	ck_assert_int_eq(ax_plic_new(&config, &other, NULL), 0);
	ck_assert_int_eq(ax_plic_attach(other, vm, 0x20000000, NULL), 0);
	fake_seed(5);
	for (unsigned i = 0; i < 20000; i++) {
		act(plic, BASE);
		check_lines(plic);
		if (i % 256 == 0)
			fake_check_round_trip(fake_vm_device(vm, "plic"),
					      fake_vm_device(vm, "other"));
		vm->vcpus[0].injected_count %= FAKE_EVENTS;
	}
	ck_assert_int_eq(ax_plic_detach(other, NULL), 0);
	ax_plic_free(other);
}
END_TEST

START_TEST(damaged_states_are_refused)
{
	enable_all();
	pulse(&first);
	out(threshold(S1), 3);
	fake_check_damaged_states(fake_vm_device(vm, "plic"));
}
END_TEST

int main(void)
{
	const TTest *const tests[] = {
		everything_is_zero_at_first,
		registers_keep_their_bits_and_no_others,
		only_whole_words_are_registers,
		a_line_reaches_the_hart_that_enabled_it,
		machine_contexts_lead_nowhere,
		a_level_that_is_still_up_comes_again,
		what_is_pending_stays_when_its_line_falls,
		a_pulse_in_service_is_not_lost,
		the_highest_priority_comes_first_then_the_lowest_number,
		a_threshold_masks_the_line_but_not_the_claim,
		completions_that_make_no_sense_are_ignored,
		one_claim_takes_it_from_all_harts,
		a_hart_that_does_not_exist_or_refuses_is_survived,
		a_hart_that_is_created_later_is_told,
		bad_configurations_are_refused,
		lines_fall_on_detach_and_rise_in_the_next_vm,
		reset_forgets_all_but_the_lines,
		a_restored_plic_goes_on,
		any_state_survives_a_round_trip,
		damaged_states_are_refused,
	};
	Suite *suite = suite_create("PLIC");
	TCase *tcase = tcase_create("plic");

	tcase_set_timeout(tcase, 60);
	tcase_add_checked_fixture(tcase, set_up, tear_down);
	for (size_t i = 0; i < sizeof(tests) / sizeof(tests[0]); i++)
		tcase_add_test(tcase, tests[i]);
	suite_add_tcase(suite, tcase);
	return fake_run(suite);
}
