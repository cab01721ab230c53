/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The x86-64 machine on the fake KVM: what it is made of, how each end is told, what is refused,
 * and that nothing leaks whatever fails while it is built.
 */
#include <stdio.h>

#include <axvmm/machine.h>
#include <axvmm/memory.h>
#include <axvmm/virtio.h>

#include "guests/abi.h"
#include "tests/unit/run_fixture.h"

#define MIB (1ULL << 20)
#define GIB (1ULL << 30)

static const uint8_t halt_code[] = { 0xfa, 0xf4 };

static AxImageSource image = { sizeof(image), "test image", halt_code, sizeof(halt_code), 0, -1 };
static AxLoadOptions load = { .size = sizeof(load),
			      .given = AX_HINT_MODE | AX_HINT_LOAD,
			      .mode = AX_MODE_REAL,
			      .load = 0x8000 };

static char printed[64];

static void print(void *opaque, const uint8_t *bytes, size_t len)
{
	(void)opaque;
	strncat(printed, (const char *)bytes, len);
}

static AxMachineOptions usual_options(void)
{
	AxMachineOptions options = AX_MACHINE_OPTIONS_INIT;

	options.memory = 16 * MIB;
	options.image = &image;
	options.load = &load;
	options.console.write = print;
	return options;
}

static AxMachine *new_machine(const AxMachineOptions *options)
{
	AxError err = AX_ERROR_INIT;
	AxMachine *machine = NULL;

	ck_assert_msg(!ax_machine_new(options, &machine, &err), "%s", err.message);
	return machine;
}

static AxMachineResult run(AxMachine *machine)
{
	AxMachineResult result = AX_MACHINE_RESULT_INIT;
	AxError err = AX_ERROR_INIT;

	ck_assert_msg(!ax_machine_run(machine, &result, &err), "%s", err.message);
	return result;
}

static void push_out(uint16_t port, unsigned size, uint32_t value)
{
	fake_push_port(0, port, size, 1, &value);
}

/* Build, run the steps that were pushed, take apart. */
static AxMachineResult run_usual(void)
{
	AxMachineOptions options = usual_options();
	AxMachine *machine = new_machine(&options);
	AxMachineResult result = run(machine);

	ax_machine_free(machine);
	return result;
}

START_TEST(done_is_the_guests_code)
{
	AxMachineResult result;

	push_out(AX_TEST_PORT_BASE + AX_TEST_PORT_DONE, 4, 0x80000007);
	result = run_usual();
	ck_assert_uint_eq(result.end, AX_MACHINE_CODE);
	ck_assert_int_eq(result.code, 0x80000007);
}
END_TEST

START_TEST(debug_exit_is_the_guests_code)
{
	AxMachineResult result;

	push_out(AX_PORT_DEBUG_EXIT, 1, 0x15);
	result = run_usual();
	ck_assert_uint_eq(result.end, AX_MACHINE_CODE);
	ck_assert_int_eq(result.code, 43);
	fake_sys_reset();
	push_out(AX_PORT_DEBUG_EXIT, 4, 0xffffffff);
	result = run_usual();
	ck_assert_int_eq(result.code, UINT32_MAX);
}
END_TEST

START_TEST(failed_assertion_has_its_line_and_values)
{
	AxMachineResult result;

	fake_push_mmio_write(0, AX_TEST_BASE_X86_64 + AX_TEST_ACTUAL, 8, 1);
	fake_push_mmio_write(0, AX_TEST_BASE_X86_64 + AX_TEST_EXPECTED, 8, 2);
	push_out(AX_TEST_PORT_BASE + AX_TEST_PORT_FAIL, 4, 99);
	result = run_usual();
	ck_assert_uint_eq(result.end, AX_MACHINE_ASSERTION);
	ck_assert_uint_eq(result.line, 99);
	ck_assert(result.compared);
	ck_assert_uint_eq(result.actual, 1);
	ck_assert_uint_eq(result.expected, 2);
	ck_assert_uint_eq(result.exit.kind, AX_EXIT_IO_WRITE);
}
END_TEST

START_TEST(every_reset_route_is_a_reset)
{
	static const struct {
		uint16_t port;
		uint32_t value;
		AxResetRoute route;
	} routes[] = { { AX_PORT_I8042, 0xfe, AX_RESET_I8042 },
		       { AX_PORT_RESET_CONTROL, 0x06, AX_RESET_CONTROL },
		       { 0x92, 0x01, AX_RESET_PORT92 } };

	for (unsigned i = 0; i < 3; i++) {
		AxMachineResult result;

		fake_sys_reset();
		push_out(routes[i].port, 1, routes[i].value);
		result = run_usual();
		ck_assert_uint_eq(result.end, AX_MACHINE_RESET);
		ck_assert_uint_eq(result.reset, routes[i].route);
	}
}
END_TEST

static AxMachineResult run_system_event(uint32_t type)
{
	struct kvm_run step = { .exit_reason = KVM_EXIT_SYSTEM_EVENT, .system_event.type = type };

	fake_sys_reset();
	fake_push_run(0, &step);
	return run_usual();
}

START_TEST(what_kvm_says_of_the_end_is_told)
{
	fake_push_exit(0, KVM_EXIT_SHUTDOWN);
	ck_assert_uint_eq(run_usual().end, AX_MACHINE_TRIPLE_FAULT);
	fake_sys_reset();
	fake_push_exit(0, KVM_EXIT_INTERNAL_ERROR);
	ck_assert_uint_eq(run_usual().end, AX_MACHINE_INTERNAL_ERROR);
	fake_sys_reset();
	fake_push_exit(0, KVM_EXIT_FAIL_ENTRY);
	ck_assert_uint_eq(run_usual().end, AX_MACHINE_FAIL_ENTRY);
	fake_sys_reset();
	push_halt(0, false);
	ck_assert_uint_eq(run_usual().end, AX_MACHINE_HALTED);
	fake_sys_reset();
	fake_push_exit(0, 4711);
	ck_assert_uint_eq(run_usual().end, AX_MACHINE_UNHANDLED);

	ck_assert_uint_eq(run_system_event(KVM_SYSTEM_EVENT_SHUTDOWN).end, AX_MACHINE_POWER_OFF);
	ck_assert_uint_eq(run_system_event(KVM_SYSTEM_EVENT_RESET).end, AX_MACHINE_RESET);
	ck_assert_uint_eq(run_system_event(KVM_SYSTEM_EVENT_CRASH).end, AX_MACHINE_CRASH);
	ck_assert_uint_eq(run_system_event(KVM_SYSTEM_EVENT_SUSPEND).end, AX_MACHINE_SUSPEND);
	ck_assert_uint_eq(run_system_event(KVM_SYSTEM_EVENT_SEV_TERM).end, AX_MACHINE_CRASH);
	ck_assert_uint_eq(run_system_event(4711).end, AX_MACHINE_UNHANDLED);
}
END_TEST

START_TEST(stop_ends_it_before_and_while_it_runs)
{
	AxMachineOptions options = usual_options();
	AxMachine *machine = new_machine(&options);
	AxMachineResult result;

	ax_machine_stop(machine, -7);
	ax_machine_stop(machine, 8);
	result = run(machine);
	ck_assert_uint_eq(result.end, AX_MACHINE_STOPPED);
	ck_assert_int_eq(result.code, -7);
	ck_assert_uint_eq(result.exit.kind, AX_EXIT_NOTHING);
	ax_machine_free(machine);
}
END_TEST

START_TEST(unclaimed_stop_is_unhandled)
{
	AxMachineOptions options = usual_options();
	AxMachineResult result;
	AxMachine *machine;

	options.unclaimed = AX_UNCLAIMED_STOP;
	machine = new_machine(&options);
	push_out(0x80, 1, 0x11);
	result = run(machine);
	ck_assert_uint_eq(result.end, AX_MACHINE_UNHANDLED);
	ck_assert_uint_eq(result.exit.io_write.port, 0x80);
	ax_machine_free(machine);
}
END_TEST

START_TEST(every_console_prints)
{
	printed[0] = 0;
	push_out(AX_PORT_COM1, 1, 'a');
	push_out(AX_PORT_DEBUGCON_BOCHS, 1, 'b');
	push_out(AX_PORT_DEBUGCON, 1, 'c');
	push_out(AX_PORT_DEBUG_EXIT, 1, 0);
	run_usual();
	ck_assert_str_eq(printed, "abc");
}
END_TEST

START_TEST(hypercalls_and_registers_of_the_test_host_answer)
{
	AxMachineOptions options = usual_options();
	struct ax_test_hypercall block = { .nr = AX_TEST_HYPERCALL_SUM,
					   .args = { 1, 2, 3, 4, 5, 6 } };
	AxMachine *machine;
	uint64_t ret;

	options.features = AX_MACHINE_TEST_SYS_REGS | AX_MACHINE_TEST_READONLY;
	machine = new_machine(&options);
	ck_assert_int_eq(ax_mem_write(ax_machine_vm(machine), 0x1000, &block, sizeof(block)), 0);
	fake_push_mmio_write(0, AX_TEST_BASE_X86_64 + AX_TEST_HYPERCALL, 8, 0x1000);
	push_out(AX_PORT_DEBUG_EXIT, 1, 0);
	run(machine);
	ck_assert_int_eq(ax_mem_read(ax_machine_vm(machine), 0x1000 + AX_TEST_HYPERCALL_RET, &ret,
				     sizeof(ret)),
			 0);
	ck_assert_uint_eq(ret, 1 + 4 + 9 + 16 + 25 + 36);
	ck_assert_int_eq(ax_mem_read(ax_machine_vm(machine),
				     AX_TEST_BASE_X86_64 + AX_TEST_READONLY_DISTANCE, &ret,
				     sizeof(ret)),
			 0);
	ck_assert_uint_eq(ret, 0x8786858483828180);
	ck_assert_uint_ge(fake_calls(KVM_X86_SET_MSR_FILTER), 1);
	ax_machine_free(machine);
}
END_TEST

START_TEST(memory_beyond_3_gib_goes_on_at_4_gib)
{
	AxMachineOptions options = usual_options();
	AxMachine *machine;
	AxRamInfo ram;

	options.memory = 3 * GIB;
	machine = new_machine(&options);
	ck_assert(ax_ram_info(ax_machine_vm(machine), 0, &ram));
	ck_assert_uint_eq(ram.size, 3 * GIB);
	ck_assert(!ax_ram_info(ax_machine_vm(machine), 1, &ram));
	ax_machine_free(machine);

	options.memory = 3 * GIB + 4096;
	machine = new_machine(&options);
	ck_assert(ax_ram_info(ax_machine_vm(machine), 0, &ram));
	ck_assert_uint_eq(ram.base, 0);
	ck_assert_uint_eq(ram.size, 3 * GIB);
	ck_assert(ax_ram_info(ax_machine_vm(machine), 1, &ram));
	ck_assert_uint_eq(ram.base, 4 * GIB);
	ck_assert_uint_eq(ram.size, 4096);
	ax_machine_free(machine);
}
END_TEST

START_TEST(the_irqchip_follows_the_cpus)
{
	AxMachineOptions options = usual_options();
	AxMachine *machine = new_machine(&options);

	ck_assert_uint_eq(fake_calls(KVM_CREATE_IRQCHIP), 0);
	ck_assert_uint_eq(fake_calls(KVM_CREATE_VCPU), 1);
	ax_machine_free(machine);
	options.cpus = 3;
	machine = new_machine(&options);
	ck_assert_uint_eq(fake_calls(KVM_CREATE_IRQCHIP), 0);
	ck_assert_uint_eq(fake_calls(KVM_CREATE_VCPU), 1 + 3);
	ax_machine_free(machine);
	options.irqchip = AX_IRQCHIP_KERNEL;
	machine = new_machine(&options);
	ck_assert_uint_eq(fake_calls(KVM_CREATE_IRQCHIP), 1);
	ax_machine_free(machine);
}
END_TEST

static unsigned index_of(unsigned long request)
{
	unsigned index = 0;

	while (fake_call_at(index) && fake_call_at(index)->request != request)
		index++;
	return index;
}

/* KVM takes memory faster before it has one. */
static void check_order(AxIrqchip irqchip, unsigned long request)
{
	AxMachineOptions options = usual_options();
	AxMachine *machine;
	unsigned at;

	fake_sys_reset();
	options.irqchip = irqchip;
	options.features = AX_MACHINE_TEST_READONLY;
	machine = new_machine(&options);
	ck_assert_uint_eq(fake_calls(KVM_SET_USER_MEMORY_REGION), 2);
	at = index_of(request);
	ck_assert_uint_lt(at, index_of(KVM_CREATE_VCPU));
	while (fake_call_at(++at))
		ck_assert_uint_ne(fake_call_at(at)->request, KVM_SET_USER_MEMORY_REGION);
	ax_machine_free(machine);
}

START_TEST(memory_comes_before_the_irqchip)
{
	check_order(AX_IRQCHIP_KERNEL, KVM_CREATE_IRQCHIP);
	check_order(AX_IRQCHIP_SPLIT, KVM_ENABLE_CAP);
}
END_TEST

/* Linux and devices get the other one where KVM lacks an irqchip of its own; both reasons where it has none. */
START_TEST(a_missing_irqchip_is_replaced_where_it_can_be)
{
	AxVirtioRngConfig config = AX_VIRTIO_RNG_CONFIG_INIT;
	AxMachineOptions options = usual_options();
	AxVirtio *rng = NULL;
	AxMachine *machine;
	AxError err = AX_ERROR_INIT;

	ck_assert_int_eq(ax_host_new(NULL, NULL, &config.host, NULL), 0);
	ck_assert_int_eq(ax_virtio_rng_new(&config, &rng, NULL), 0);
	options.devices = &rng;
	options.device_count = 1;
	options.host = config.host;
	fake_set_cap(KVM_CAP_IRQCHIP, 0);
	machine = new_machine(&options);
	ck_assert_uint_eq(ax_machine_power_button(machine, &err), 0);
	ax_machine_free(machine);

	fake_set_cap(KVM_CAP_SPLIT_IRQCHIP, 0);
	ck_assert_int_eq(ax_machine_new(&options, &machine, &err), -ENOTSUP);
	ck_assert_msg(strstr(err.message, "no in-kernel irqchip") &&
			      strstr(err.message, "KVM_CAP_SPLIT_IRQCHIP"),
		      "%s", err.message);
	/* Who asks for one by name gets that one. */
	fake_set_cap(KVM_CAP_SPLIT_IRQCHIP, 1);
	options.irqchip = AX_IRQCHIP_KERNEL;
	ck_assert_int_eq(ax_machine_new(&options, &machine, &err), -ENOTSUP);
	fake_fail_clear();
	ax_virtio_free(rng);
	ax_host_free(config.host);
}
END_TEST

START_TEST(addresses_have_owners)
{
	AxMachineOptions options = usual_options();
	AxMachine *machine = new_machine(&options);
	AxVCpuExitReason exit = { .kind = AX_EXIT_IO_WRITE, .io_write.port = 0x3fa };

	ck_assert_str_eq(ax_machine_whose(machine, &exit), "com1");
	exit.io_write.port = 0x400;
	ck_assert_ptr_null(ax_machine_whose(machine, &exit));
	exit.kind = AX_EXIT_MMIO_READ;
	exit.mmio_read.addr = AX_TEST_BASE_X86_64 + 0x1fff;
	ck_assert_str_eq(ax_machine_whose(machine, &exit), "testdev");
	exit.mmio_read.addr = UINT64_MAX;
	ck_assert_ptr_null(ax_machine_whose(machine, &exit));
	exit.mmio_read.addr = 0x5000;
	ck_assert_str_eq(ax_machine_whose(machine, &exit), "RAM");
	exit.kind = AX_EXIT_HALT;
	ck_assert_ptr_null(ax_machine_whose(machine, &exit));
	ax_machine_free(machine);
}
END_TEST

START_TEST(a_report_has_lines_and_an_end)
{
	AxMachineOptions options = usual_options();
	AxMachine *machine = new_machine(&options);
	AxVCpuExitReason exit = { .kind = AX_EXIT_HALT };
	char line[256], cut[8];
	unsigned count = 0;

	while (ax_machine_report(machine, 0, &exit, count, line, sizeof(line))) {
		ck_assert_uint_gt(strlen(line), 0);
		ck_assert(ax_machine_report(machine, 0, &exit, count, cut, sizeof(cut)));
		ck_assert_int_eq(strncmp(line, cut, sizeof(cut) - 1), 0);
		count++;
	}
	ck_assert_uint_ge(count, 10);
	ck_assert(!ax_machine_report(machine, 5, &exit, 0, line, sizeof(line)));
	ck_assert(ax_machine_report(machine, 0, NULL, 1, line, sizeof(line)));
	ck_assert_int_eq(strncmp(line, "code: fa f4", 11), 0);
	ax_machine_free(machine);
}
END_TEST

START_TEST(registers_after_reset_are_no_evidence)
{
	AxMachineOptions options = usual_options();
	AxMachine *machine = new_machine(&options);
	AxVCpu *vcpu = ax_vm_vcpu(ax_machine_vm(machine), 0);
	char line[256];

	ck_assert_int_eq(ax_vcpu_set_reg(vcpu, "cs.base", 0xffff0000, NULL), 0);
	ck_assert_int_eq(ax_vcpu_set_reg(vcpu, "rip", 0xfff0, NULL), 0);
	ck_assert(ax_machine_report(machine, 0, NULL, 0, line, sizeof(line)));
	ck_assert_ptr_nonnull(strstr(line, "after reset"));
	ck_assert(!ax_machine_report(machine, 0, NULL, 1, line, sizeof(line)));
	ax_machine_free(machine);
}
END_TEST

START_TEST(a_spoilt_entry_sets_both_code_sizes)
{
	AxMachineOptions options = usual_options();
	AxMachine *machine;
	uint64_t rights;

	options.features = AX_MACHINE_TEST_BAD_ENTRY;
	machine = new_machine(&options);
	ck_assert_int_eq(
		ax_vcpu_get_reg(ax_vm_vcpu(ax_machine_vm(machine), 0), "cs.rights", &rights, NULL),
		0);
	ck_assert_uint_eq(rights & 0x6000, 0x6000);
	ax_machine_free(machine);
}
END_TEST

START_TEST(senseless_options_are_refused)
{
	AxMachineOptions options;
	AxMachine *machine = NULL;
	AxError err;

#define REFUSED(member, value, piece)                                              \
	do {                                                                       \
		options = usual_options();                                         \
		options.member = (value);                                          \
		ck_assert_fails(ax_machine_new(&options, &machine, &err), -EINVAL, \
				AX_ERROR_ARGUMENT, piece);                         \
	} while (0)
	REFUSED(size, 8, "size");
	REFUSED(memory, 0, "0 bytes");
	REFUSED(memory, 4097, "4097 bytes");
	REFUSED(cpus, 0, "1 to 255");
	REFUSED(cpus, 256, "1 to 255");
	REFUSED(irqchip, 4, "irqchip");
	REFUSED(unclaimed, 3, "unclaimed");
	REFUSED(image, NULL, "image");
	ck_assert_fails(ax_machine_new(NULL, &machine, &err), -EINVAL, AX_ERROR_ARGUMENT, "size");
	ck_assert_ptr_null(machine);
	ax_machine_free(NULL);
}
END_TEST

START_TEST(a_result_of_another_size_is_refused)
{
	AxMachineOptions options = usual_options();
	AxMachine *machine = new_machine(&options);
	AxMachineResult result = { .size = 8 };
	AxError err;

	ck_assert_fails(ax_machine_run(machine, &result, &err), -EINVAL, AX_ERROR_ARGUMENT, "size");
	ax_machine_free(machine);
}
END_TEST

START_TEST(ends_have_names)
{
	ck_assert_str_eq(ax_machine_end_name(AX_MACHINE_CODE), "code");
	ck_assert_str_eq(ax_machine_end_name(AX_MACHINE_STOPPED), "stopped");
	ck_assert_str_eq(ax_machine_end_name(AX_MACHINE_STOPPED + 1), "unknown");
}
END_TEST

START_TEST(whatever_fails_while_it_is_built_nothing_leaks)
{
	AxMachineOptions options = usual_options();
	AxMachine *machine;
	unsigned calls;

	options.cpus = 2;
	options.features = AX_MACHINE_TEST_SYS_REGS | AX_MACHINE_TEST_READONLY |
			   AX_MACHINE_TEST_HYPERCALL_TRAP | AX_MACHINE_TEST_HYPERCALL_MAP |
			   AX_MACHINE_TEST_BAD_ENTRY;
	machine = new_machine(&options);
	calls = fake_calls_all();
	ax_machine_free(machine);
	for (unsigned n = 1; n <= calls; n++) {
		AxError err = AX_ERROR_INIT;

		fake_fail_any(n, EIO);
		machine = NULL;
		if (!ax_machine_new(&options, &machine, &err))
			ax_machine_free(machine);
		else
			ck_assert_uint_gt(strlen(err.message), 0);
		fake_fail_clear();
		ck_assert_uint_eq(fake_sys_open_count(), 0);
	}
	ck_assert_uint_gt(fake_failed(), 10);
}
END_TEST

RUN_CORE_TESTS("machine", done_is_the_guests_code, debug_exit_is_the_guests_code,
	       failed_assertion_has_its_line_and_values, every_reset_route_is_a_reset,
	       what_kvm_says_of_the_end_is_told, stop_ends_it_before_and_while_it_runs,
	       unclaimed_stop_is_unhandled, every_console_prints,
	       hypercalls_and_registers_of_the_test_host_answer,
	       memory_beyond_3_gib_goes_on_at_4_gib, the_irqchip_follows_the_cpus,
	       memory_comes_before_the_irqchip, a_missing_irqchip_is_replaced_where_it_can_be,
	       addresses_have_owners, a_report_has_lines_and_an_end,
	       registers_after_reset_are_no_evidence, a_spoilt_entry_sets_both_code_sizes,
	       senseless_options_are_refused, a_result_of_another_size_is_refused, ends_have_names,
	       whatever_fails_while_it_is_built_nothing_leaks)
