/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A VM's creation and destruction, its options, its vCPUs; many of them in one process.
 */
#include <config.h>

#include <signal.h>

#include "tests/unit/run_fixture.h"

static AxVm *vm;

START_TEST(a_vm_is_created_with_all_defaults_and_destroyed)
{
	AxError err = AX_ERROR_INIT;

	ck_assert_msg(!ax_vm_create(NULL, &vm, &err), "%s", err.message);
	ck_assert_str_eq((const char *)fake_call(FAKE_OPEN, 0)->bytes, "/dev/kvm");
	ck_assert_ptr_null(ax_vm_vcpu(vm, 0));
	ck_assert_ptr_null(ax_vm_vcpu_at(vm, 0));
	ax_vm_destroy(vm);
	ax_vm_destroy(NULL);
}
END_TEST

START_TEST(the_kvm_device_has_the_path_that_is_given)
{
	AxVmOptions options = AX_VM_OPTIONS_INIT;

	options.kvm_path = "/tmp/another";
	ck_assert_int_eq(ax_vm_create(&options, &vm, NULL), 0);
	ck_assert_str_eq((const char *)fake_call(FAKE_OPEN, 0)->bytes, "/tmp/another");
	ax_vm_destroy(vm);
}
END_TEST

START_TEST(options_that_make_no_sense_are_refused_before_anything_is_opened)
{
	AxVmOptions good = AX_VM_OPTIONS_INIT, options;
	AxVm *untouched = (AxVm *)&vm;
	AxError err;

	vm = untouched;
	options = good;
	options.size = 0;
	ck_assert_fails(ax_vm_create(&options, &vm, &err), -EINVAL, AX_ERROR_ARGUMENT,
			"AX_VM_OPTIONS_INIT");
	options = good;
	options.irqchip = AX_IRQCHIP_SPLIT + 1;
	ck_assert_fails(ax_vm_create(&options, &vm, &err), -EINVAL, AX_ERROR_ARGUMENT, "irqchip 4");
	options = good;
	options.unclaimed = UINT32_MAX;
	ck_assert_fails(ax_vm_create(&options, &vm, &err), -EINVAL, AX_ERROR_ARGUMENT,
			"unclaimed 4294967295");
	ck_assert_ptr_eq(vm, untouched);
	ck_assert_uint_eq(fake_calls_all(), 0);
}
END_TEST

START_TEST(a_signal_that_takes_no_handler_cannot_be_the_kick)
{
	static const int signals[] = { SIGKILL, SIGSTOP, -1, 32, 1000 };
	AxVmOptions options = AX_VM_OPTIONS_INIT;
	AxError err;

	options.kick_signal = signals[_i];
	ck_assert_fails(ax_vm_create(&options, &vm, &err), -EINVAL, AX_ERROR_ARGUMENT,
			"can't be the kick signal");
}
END_TEST

/* Without KVM: one line, which says what to do. */
static const struct {
	unsigned long request;
	int os_errno;
	int ret;
	AxErrorCode code;
	const char *pieces[2];
} no_kvm[] = {
	{ FAKE_OPEN, ENOENT, -ENODEV, AX_ERROR_KVM_MISSING, { "/dev/kvm", "modprobe" } },
	{ FAKE_OPEN, ENODEV, -ENODEV, AX_ERROR_KVM_MISSING, { "/dev/kvm", "nested" } },
	{ FAKE_OPEN, EACCES, -EACCES, AX_ERROR_KVM_PERMISSION, { "/dev/kvm", "permission" } },
	{ FAKE_OPEN, EMFILE, -EIO, AX_ERROR_RESOURCE, { "/dev/kvm", "Too many open files" } },
	{ KVM_GET_API_VERSION, ENOTTY, -ENODEV, AX_ERROR_KVM_API, { "/dev/kvm", "not KVM" } },
};

START_TEST(without_kvm_the_message_is_one_line_with_the_remedy)
{
	AxError err = AX_ERROR_INIT;

	vm = NULL;
	fake_fail(no_kvm[_i].request, 1, no_kvm[_i].os_errno);
	ck_assert_int_eq(ax_vm_create(NULL, &vm, &err), no_kvm[_i].ret);
	ck_assert_int_eq(err.code, no_kvm[_i].code);
	ck_assert_int_eq(err.os_errno, no_kvm[_i].os_errno);
	for (unsigned i = 0; i < 2; i++)
		ck_assert_msg(strstr(err.message, no_kvm[_i].pieces[i]), "%s", err.message);
	ck_assert_ptr_null(strchr(err.message, '\n'));
	ck_assert_ptr_null(vm);
}
END_TEST

static const int versions[] = { 0, 11, 13, 1000 };

static void ask_about_the_vm(void *opaque, const char *phase)
{
	unsigned *phases = opaque;

	ck_assert_ptr_nonnull(phase);
	/* The first ones come before there is one to ask about. */
	if (vm)
		ck_assert_ptr_null(ax_vm_vcpu_at(vm, 0));
	++*phases;
}

START_TEST(who_hears_of_phases_may_ask_about_the_vm)
{
	AxVmOptions options = AX_VM_OPTIONS_INIT;
	unsigned phases = 0;
	AxVCpu *vcpu;

	vm = NULL;
	options.phase = ask_about_the_vm;
	options.phase_opaque = &phases;
	ck_assert_int_eq(ax_vm_create(&options, &vm, NULL), 0);
	ck_assert_uint_eq(phases, 3);
	ck_assert_int_eq(ax_vcpu_create(vm, 0, &vcpu, NULL), 0);
	/* The irqchip, where it is made with the first vCPU; once. */
	ck_assert_uint_ge(phases, 3);
	ck_assert_uint_le(phases, 4);
	phases = 0;
	ck_assert_int_eq(ax_vcpu_create(vm, 1, &vcpu, NULL), 0);
	ck_assert_uint_eq(phases, 0);
	ax_vm_destroy(vm);
}
END_TEST

START_TEST(an_api_other_than_12_is_refused)
{
	AxError err;

	fake_set_result(KVM_GET_API_VERSION, versions[_i]);
	ck_assert_fails(ax_vm_create(NULL, &vm, &err), -ENODEV, AX_ERROR_KVM_API, "12 is needed");
	ck_assert_uint_eq(fake_calls(KVM_CREATE_VM), 0);
}
END_TEST

START_TEST(shared_pages_that_are_too_small_are_refused)
{
	AxError err;

	fake_set_result(KVM_GET_VCPU_MMAP_SIZE, (int)sizeof(struct kvm_run) - 1);
	ck_assert_fails(ax_vm_create(NULL, &vm, &err), -EIO, AX_ERROR_KVM_CALL,
			"less than struct kvm_run");
}
END_TEST

START_TEST(a_null_error_is_allowed_everywhere)
{
	AxVmOptions options = { 0 };
	AxVCpuSetup setup = { 0 };
	AxVCpu *vcpu;

	ck_assert_int_eq(ax_vm_create(&options, &vm, NULL), -EINVAL);
	vm = new_vm(AX_IRQCHIP_NONE);
	ck_assert_int_eq(ax_vcpu_create(vm, 100000, &vcpu, NULL), -EINVAL);
	vcpu = new_vcpu(vm, 0);
	ck_assert_int_eq(ax_vcpu_setup(vcpu, &setup, NULL), -EINVAL);
	ck_assert_int_eq(ax_vm_run(vm, NULL, NULL), -EPERM);
	ax_vm_destroy(vm);
}
END_TEST

START_TEST(the_librarys_version_is_the_packages)
{
	ck_assert_str_eq(ax_version(), PACKAGE_VERSION);
}
END_TEST

/* vCPUs. */

START_TEST(vcpus_are_found_by_id_and_by_order_of_creation)
{
	static const uint32_t ids[] = { 3, 0, 200, 7, 8, 9, 10, 11, 12 };

	vm = new_vm(AX_IRQCHIP_NONE);
	for (unsigned i = 0; i < COUNT(ids); i++) {
		AxVCpu *vcpu = new_vcpu(vm, ids[i]);

		ck_assert_int_eq(ax_vcpu_state(vcpu), AX_VCPU_CREATED);
		ck_assert_uint_eq(ax_vcpu_id(vcpu), ids[i]);
	}
	for (unsigned i = 0; i < COUNT(ids); i++) {
		ck_assert_uint_eq(ax_vcpu_id(ax_vm_vcpu_at(vm, i)), ids[i]);
		ck_assert_ptr_eq(ax_vm_vcpu(vm, ids[i]), ax_vm_vcpu_at(vm, i));
	}
	ck_assert_ptr_null(ax_vm_vcpu(vm, 1));
	ck_assert_ptr_null(ax_vm_vcpu_at(vm, COUNT(ids)));
	ck_assert_ptr_null(ax_vm_vcpu_at(vm, UINT32_MAX));
	ax_vm_destroy(vm);
}
END_TEST

START_TEST(an_id_is_taken_once_and_below_what_kvm_allows)
{
	AxVCpu *vcpu = NULL;
	AxError err;

	vm = new_vm(AX_IRQCHIP_NONE);
	new_vcpu(vm, 5);
	ck_assert_fails(ax_vcpu_create(vm, 5, &vcpu, &err), -EEXIST, AX_ERROR_ARGUMENT,
			"vCPU id 5 is taken");
	/* The fake's limits are those of a small KVM: 256 ids, 64 vCPUs. */
	ck_assert_fails(ax_vcpu_create(vm, 256, &vcpu, &err), -EINVAL, AX_ERROR_ARGUMENT,
			"too large: KVM allows 0 to 255");
	ck_assert_fails(ax_vcpu_create(vm, UINT32_MAX, &vcpu, &err), -EINVAL, AX_ERROR_ARGUMENT,
			"too large");
	ck_assert_ptr_null(vcpu);
	ax_vm_destroy(vm);
}
END_TEST

START_TEST(without_a_limit_of_ids_the_limit_of_vcpus_is_it)
{
	AxVCpu *vcpu;
	AxError err;

	fake_set_cap(KVM_CAP_MAX_VCPU_ID, 0);
	vm = new_vm(AX_IRQCHIP_NONE);
	ck_assert_fails(ax_vcpu_create(vm, 64, &vcpu, &err), -EINVAL, AX_ERROR_ARGUMENT,
			"KVM allows 0 to 63");
	ax_vm_destroy(vm);
}
END_TEST

START_TEST(more_vcpus_than_kvm_allows_are_refused_and_the_message_says_how_many)
{
	AxVCpu *vcpu;
	AxError err;

	vm = new_vm(AX_IRQCHIP_NONE);
	for (unsigned i = 0; i < 64; i++)
		new_vcpu(vm, i);
	ck_assert_fails(ax_vcpu_create(vm, 64, &vcpu, &err), -ENOSPC, AX_ERROR_ARGUMENT,
			"allows 64 vCPUs");
	ck_assert_ptr_null(ax_vm_vcpu(vm, 64));
	ax_vm_destroy(vm);
}
END_TEST

START_TEST(set_up_that_is_not_filled_in_is_refused_and_changes_nothing)
{
	AxVCpuSetup setup = AX_VCPU_SETUP_INIT;
	unsigned calls;
	AxVCpu *vcpu;
	AxError err;

	vm = new_vm(AX_IRQCHIP_NONE);
	vcpu = new_vcpu(vm, 0);
	calls = fake_calls_all();
	ck_assert_fails(ax_vcpu_setup(vcpu, NULL, &err), -EINVAL, AX_ERROR_ARGUMENT,
			"AX_VCPU_SETUP_INIT");
	setup.size = 3;
	ck_assert_fails(ax_vcpu_setup(vcpu, &setup, &err), -EINVAL, AX_ERROR_ARGUMENT,
			"AX_VCPU_SETUP_INIT");
	setup = (AxVCpuSetup)AX_VCPU_SETUP_INIT;
	setup.flags = 0x80000000;
	ck_assert_fails(ax_vcpu_setup(vcpu, &setup, &err), -EINVAL, AX_ERROR_ARGUMENT,
			"flags 0x80000000");
	ck_assert_int_eq(ax_vcpu_state(vcpu), AX_VCPU_CREATED);
	ck_assert_uint_eq(fake_calls_all(), calls);
	ax_vm_destroy(vm);
}
END_TEST

START_TEST(set_up_that_fails_in_kvm_makes_the_vcpu_invalid_for_good)
{
	AxVCpuSetup setup = AX_VCPU_SETUP_INIT;
	AxVCpu *vcpu;

	vm = new_vm(AX_IRQCHIP_NONE);
	vcpu = free_vcpu(vm, 0, 0);
	fake_fail(KVM_SET_REGS, 1, EINVAL);
	ck_assert_int_eq(ax_vcpu_setup(vcpu, &setup, NULL), -EIO);
	ck_assert_int_eq(ax_vcpu_state(vcpu), AX_VCPU_INVALID);
	ck_assert_int_eq(ax_vcpu_setup(vcpu, &setup, NULL), -EPERM);
	ax_vm_destroy(vm);
}
END_TEST

/* Registers by index and name. */

START_TEST(the_table_of_registers_is_whole)
{
	AxRegInfo info, other;
	unsigned count = 0;

	while (ax_reg_info(count, &info)) {
		ck_assert_str_ne(info.name, "");
		ck_assert(info.bytes >= 1 && info.bytes <= 8);
		for (unsigned i = 0; i < count; i++) {
			ck_assert(ax_reg_info(i, &other));
			ck_assert_str_ne(other.name, info.name);
			ck_assert(info.gdb_number < 0 || info.gdb_number != other.gdb_number);
		}
		count++;
	}
	ck_assert_uint_gt(count, 20);
	ck_assert(!ax_reg_info(UINT32_MAX, &info));
}
END_TEST

START_TEST(a_register_that_is_not_there_is_not_found)
{
	uint64_t value = 77;
	AxVCpu *vcpu;
	AxError err;

	vm = new_vm(AX_IRQCHIP_NONE);
	vcpu = free_vcpu(vm, 0, 0);
	ck_assert_fails(ax_vcpu_get_gpr(vcpu, 1000, &value, &err), -ENOENT, AX_ERROR_ARGUMENT,
			"register 1000");
	ck_assert_fails(ax_vcpu_set_gpr(vcpu, UINT32_MAX, 1, &err), -ENOENT, AX_ERROR_ARGUMENT,
			"register");
	ck_assert_fails(ax_vcpu_get_reg(vcpu, "no such", &value, &err), -ENOENT, AX_ERROR_ARGUMENT,
			"\"no such\": ax_reg_info()");
	ck_assert_fails(ax_vcpu_set_reg(vcpu, "", 1, &err), -ENOENT, AX_ERROR_ARGUMENT, "\"\"");
	ck_assert_uint_eq(value, 77);
	ax_vm_destroy(vm);
}
END_TEST

START_TEST(every_register_keeps_what_is_written_and_no_other_changes)
{
	AxRegInfo info;
	AxVCpu *vcpu;

	vm = new_vm(AX_IRQCHIP_NONE);
	vcpu = free_vcpu(vm, 0, 0);
	for (unsigned i = 0; ax_reg_info(i, &info); i++) {
		uint64_t before[200] = { 0 }, value = 0,
			 written = UINT64_C(0x1122334455667788) * (i + 1) | 0x80;
		uint64_t mask = UINT64_MAX >> (64 - 8 * info.bytes);
		AxRegInfo other;

		if (strstr(info.name, ".rights"))
			mask = 0xf0ff; /* the bits that a segment has */
		if (!info.settable)
			continue;
		for (unsigned j = 0; ax_reg_info(j, &other); j++)
			ck_assert_int_eq(ax_vcpu_get_reg(vcpu, other.name, &before[j], NULL), 0);
		ck_assert_int_eq(ax_vcpu_set_reg(vcpu, info.name, written, NULL), 0);
		for (unsigned j = 0; ax_reg_info(j, &other); j++) {
			ck_assert_int_eq(ax_vcpu_get_reg(vcpu, other.name, &value, NULL), 0);
			ck_assert_msg(value == (i == j ? written & mask : before[j]),
				      "%s after a write of %s", other.name, info.name);
		}
	}
	ax_vm_destroy(vm);
}
END_TEST

/* Many. */

START_TEST(two_vms_share_nothing)
{
	AxVm *other;

	vm = new_vm(AX_IRQCHIP_NONE);
	other = new_vm(AX_IRQCHIP_NONE);
	new_vcpu(vm, 1);
	new_vcpu(other, 1);
	add_stop_port(vm);
	add_stop_port(other);
	ck_assert_int_eq(ax_ram_add(vm, 0, 0x1000, 0, NULL), 0);
	ck_assert_int_eq(ax_ram_add(other, 0, 0x1000, 0, NULL), 0);
	ax_vm_stop(vm, 1);
	ck_assert(!vm_is_stopped(other));
	ax_vm_destroy(vm);
	ck_assert_ptr_nonnull(ax_vm_vcpu(other, 1));
	ax_vm_destroy(other);
}
END_TEST

START_TEST(a_hundred_vms_come_and_go)
{
	for (unsigned i = 0; i < 100; i++) {
		vm = new_vm((AxIrqchip)(i % 3));
		add_stop_port(vm);
		ck_assert_int_eq(ax_ram_add(vm, 0, 0x10000, 0, NULL), 0);
		free_vcpu(vm, 0, 0);
		push_stop(i);
		ck_assert_uint_eq(run_vm(vm).end, AX_VM_END_HANDLER);
		ax_vm_destroy(vm);
		ck_assert_uint_eq(fake_sys_open_count(), 0);
	}
}
END_TEST

static void add_tests(TCase *cases)
{
	tcase_add_test(cases, a_vm_is_created_with_all_defaults_and_destroyed);
	tcase_add_test(cases, the_kvm_device_has_the_path_that_is_given);
	tcase_add_test(cases, options_that_make_no_sense_are_refused_before_anything_is_opened);
	tcase_add_loop_test(cases, a_signal_that_takes_no_handler_cannot_be_the_kick, 0, 5);
	tcase_add_loop_test(cases, without_kvm_the_message_is_one_line_with_the_remedy, 0,
			    COUNT(no_kvm));
	tcase_add_test(cases, who_hears_of_phases_may_ask_about_the_vm);
	tcase_add_loop_test(cases, an_api_other_than_12_is_refused, 0, COUNT(versions));
	tcase_add_test(cases, shared_pages_that_are_too_small_are_refused);
	tcase_add_test(cases, a_null_error_is_allowed_everywhere);
	tcase_add_test(cases, the_librarys_version_is_the_packages);
	tcase_add_test(cases, vcpus_are_found_by_id_and_by_order_of_creation);
	tcase_add_test(cases, an_id_is_taken_once_and_below_what_kvm_allows);
	tcase_add_test(cases, without_a_limit_of_ids_the_limit_of_vcpus_is_it);
	tcase_add_test(cases, more_vcpus_than_kvm_allows_are_refused_and_the_message_says_how_many);
	tcase_add_test(cases, set_up_that_is_not_filled_in_is_refused_and_changes_nothing);
	tcase_add_test(cases, set_up_that_fails_in_kvm_makes_the_vcpu_invalid_for_good);
	tcase_add_test(cases, the_table_of_registers_is_whole);
	tcase_add_test(cases, a_register_that_is_not_there_is_not_found);
	tcase_add_test(cases, every_register_keeps_what_is_written_and_no_other_changes);
	tcase_add_test(cases, two_vms_share_nothing);
	tcase_add_test(cases, a_hundred_vms_come_and_go);
}

RUN_SUITE("vm", add_tests)
