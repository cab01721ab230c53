/* SPDX-License-Identifier: Apache-2.0 */
/*
 * How a vCPU begins on x86-64: registers and segments of each mode, CPUID, entry points, start.
 */
#include "arch/arch.h"
#include "tests/unit/run_fixture.h"

static AxVm *vm;
static AxVCpu *vcpu;
static AxVCpuSetup setup;

static void begin(AxIrqchip irqchip)
{
	AxVCpuSetup fresh = AX_VCPU_SETUP_INIT;

	vm = new_vm(irqchip);
	vcpu = new_vcpu(vm, 0);
	setup = fresh;
}

static struct kvm_sregs sregs_of(unsigned number)
{
	struct kvm_sregs sregs = { 0 };

	ck_assert(fake_get_state(number, KVM_GET_SREGS, &sregs, sizeof(sregs)));
	return sregs;
}

static struct kvm_regs regs_of(unsigned number)
{
	struct kvm_regs regs = { 0 };

	ck_assert(fake_get_state(number, KVM_GET_REGS, &regs, sizeof(regs)));
	return regs;
}

static void assert_segment(const struct kvm_segment *segment, const struct kvm_segment *want)
{
	ck_assert_uint_eq(segment->base, want->base);
	ck_assert_uint_eq(segment->limit, want->limit);
	ck_assert_uint_eq(segment->selector, want->selector);
	ck_assert_uint_eq(segment->type, want->type);
	ck_assert_uint_eq(segment->present, want->present);
	ck_assert_uint_eq(segment->dpl, want->dpl);
	ck_assert_uint_eq(segment->db, want->db);
	ck_assert_uint_eq(segment->s, want->s);
	ck_assert_uint_eq(segment->l, want->l);
	ck_assert_uint_eq(segment->g, want->g);
	ck_assert_uint_eq(segment->avl, want->avl);
	ck_assert_uint_eq(segment->unusable, want->unusable);
}

static void assert_data_segments(const struct kvm_sregs *sregs, const struct kvm_segment *want)
{
	assert_segment(&sregs->ds, want);
	assert_segment(&sregs->es, want);
	assert_segment(&sregs->fs, want);
	assert_segment(&sregs->gs, want);
	assert_segment(&sregs->ss, want);
}

/* All general purpose registers but those that set-up names are zero. */
static void assert_regs(uint64_t rip, uint64_t rsp, uint64_t rdi)
{
	struct kvm_regs want = { .rip = rip, .rsp = rsp, .rdi = rdi, .rflags = 2 };
	struct kvm_regs regs = regs_of(0);

	ck_assert_int_eq(memcmp(&regs, &want, sizeof(regs)), 0);
}

static const struct kvm_segment real_data = { .limit = 0xffff, .type = 3, .present = 1, .s = 1 };
static const struct kvm_segment system_ldt = { .limit = 0xffff, .type = 2, .present = 1 };

static const uint32_t real_modes[] = { AX_MODE_REAL, AX_MODE_NATIVE };

START_TEST(real_mode_begins_at_its_code_segments_base)
{
	const struct kvm_segment code = { .base = 0x9fff0,
					  .selector = 0x9fff,
					  .limit = 0xffff,
					  .type = 0xb,
					  .present = 1,
					  .s = 1 };
	const struct kvm_segment task = { .limit = 0xffff, .type = 0xb, .present = 1 };
	struct kvm_sregs sregs;
	uint64_t apic_base;

	begin(AX_IRQCHIP_NONE);
	apic_base = sregs_of(0).apic_base;
	setup.mode = real_modes[_i];
	setup.entry = 0x9fff0;
	setup.stack = 0x7000;
	setup.arg = 5; /* real mode has no register for it */
	ck_assert_int_eq(ax_vcpu_setup(vcpu, &setup, NULL), 0);
	sregs = sregs_of(0);
	assert_segment(&sregs.cs, &code);
	assert_data_segments(&sregs, &real_data);
	assert_segment(&sregs.tr, &task);
	assert_segment(&sregs.ldt, &system_ldt);
	ck_assert_uint_eq(sregs.gdt.limit, 0xffff);
	ck_assert_uint_eq(sregs.idt.limit, 0xffff);
	ck_assert_uint_eq(sregs.idt.base, 0);
	ck_assert_uint_eq(sregs.cr0, 0x10);
	ck_assert_uint_eq(sregs.cr3, 0);
	ck_assert_uint_eq(sregs.cr4, 0);
	ck_assert_uint_eq(sregs.efer, 0);
	ck_assert_uint_eq(sregs.apic_base, apic_base);
	assert_regs(0, 0x7000, 0);
	ax_vm_destroy(vm);
}
END_TEST

static const struct kvm_segment flat_data = {
	.limit = 0xffffffff, .selector = 0x10, .type = 3, .present = 1, .db = 1, .s = 1, .g = 1
};

static void assert_flat_rest(const struct kvm_sregs *sregs)
{
	const struct kvm_segment task = {
		.limit = 0xffff, .selector = 0x18, .type = 0xb, .present = 1
	};

	assert_data_segments(sregs, &flat_data);
	assert_segment(&sregs->tr, &task);
	assert_segment(&sregs->ldt, &system_ldt);
	ck_assert_uint_eq(sregs->gdt.limit, 0);
	ck_assert_uint_eq(sregs->idt.limit, 0);
}

START_TEST(protected_mode_is_flat_without_paging)
{
	const struct kvm_segment code = { .limit = 0xffffffff,
					  .selector = 8,
					  .type = 0xb,
					  .present = 1,
					  .db = 1,
					  .s = 1,
					  .g = 1 };
	struct kvm_sregs sregs;

	begin(AX_IRQCHIP_NONE);
	setup.mode = AX_MODE_PROTECTED;
	setup.entry = 0xffffffff;
	setup.stack = 0x8000;
	setup.arg = 0x1234;
	ck_assert_int_eq(ax_vcpu_setup(vcpu, &setup, NULL), 0);
	sregs = sregs_of(0);
	assert_segment(&sregs.cs, &code);
	assert_flat_rest(&sregs);
	ck_assert_uint_eq(sregs.cr0, 0x11);
	ck_assert_uint_eq(sregs.cr4, 0);
	ck_assert_uint_eq(sregs.efer, 0);
	assert_regs(0xffffffff, 0x8000, 0x1234);
	ax_vm_destroy(vm);
}
END_TEST

START_TEST(long_mode_has_paging_on_with_the_given_table)
{
	const struct kvm_segment code = { .limit = 0xffffffff,
					  .selector = 8,
					  .type = 0xb,
					  .present = 1,
					  .l = 1,
					  .s = 1,
					  .g = 1 };
	struct kvm_sregs sregs;

	begin(AX_IRQCHIP_NONE);
	setup.mode = AX_MODE_LONG;
	setup.entry = 0xffff800000000000;
	setup.page_table = 0x3000;
	setup.stack = 0x9000;
	setup.arg = UINT64_MAX;
	ck_assert_int_eq(ax_vcpu_setup(vcpu, &setup, NULL), 0);
	sregs = sregs_of(0);
	assert_segment(&sregs.cs, &code);
	assert_flat_rest(&sregs);
	ck_assert_uint_eq(sregs.cr0, 0x80000031);
	ck_assert_uint_eq(sregs.cr3, 0x3000);
	ck_assert_uint_eq(sregs.cr4, 0x20);
	ck_assert_uint_eq(sregs.efer, 0x500);
	assert_regs(0xffff800000000000, 0x9000, UINT64_MAX);
	ax_vm_destroy(vm);
}
END_TEST

/* {mode, entry, page table, whether it makes sense}. */
static const struct {
	uint32_t mode;
	uint64_t entry;
	uint64_t page_table;
	bool good;
} entries[] = {
	{ AX_MODE_REAL, 0, 0, true },
	{ AX_MODE_REAL, 0xfffffff0, 0, true },
	{ AX_MODE_REAL, 8, 0, false },
	{ AX_MODE_REAL, 0x100000000, 0, false },
	{ AX_MODE_NATIVE, 1, 0, false },
	{ AX_MODE_PROTECTED, 1, 0, true },
	{ AX_MODE_PROTECTED, 0x100000000, 0, false },
	{ AX_MODE_LONG, 0x7fffffffffff, 0, true },
	{ AX_MODE_LONG, 0x800000000000, 0, false },
	{ AX_MODE_LONG, 0xffff7fffffffffff, 0, false },
	{ AX_MODE_LONG, UINT64_MAX, 0, true },
	{ AX_MODE_LONG, 0, 0x1001, false },
	{ AX_MODE_LONG, 0, 0xfffffffffffff000, true },
	{ 4, 0, 0, false },
	{ UINT32_MAX, 0, 0, false },
};

START_TEST(an_entry_that_its_mode_cannot_have_is_refused_before_anything_changes)
{
	unsigned calls;
	AxError err = AX_ERROR_INIT;

	begin(AX_IRQCHIP_NONE);
	calls = fake_calls_all();
	setup.mode = entries[_i].mode;
	setup.entry = entries[_i].entry;
	setup.page_table = entries[_i].page_table;
	ck_assert_int_eq(ax_vcpu_setup(vcpu, &setup, &err), entries[_i].good ? 0 : -EINVAL);
	if (!entries[_i].good) {
		ck_assert_uint_eq(fake_calls_all(), calls);
		ck_assert_int_eq(ax_vcpu_state(vcpu), AX_VCPU_CREATED);
		ck_assert_str_ne(err.message, "");
	}
	ax_vm_destroy(vm);
}
END_TEST

START_TEST(set_up_again_starts_over)
{
	AxVCpuExitReason exit;
	struct kvm_sregs sregs;

	begin(AX_IRQCHIP_NONE);
	setup.mode = AX_MODE_LONG;
	setup.page_table = 0x3000;
	ck_assert_int_eq(ax_vcpu_setup(vcpu, &setup, NULL), 0);
	ck_assert_int_eq(ax_vcpu_bind(vcpu, AX_ANY_CPU, NULL), 0);
	ck_assert_int_eq(ax_vcpu_inject_interrupt(vcpu, 0x40, NULL), 0);
	fake_push_exit(0, KVM_EXIT_HLT);
	ck_assert_int_eq(ax_vcpu_run(vcpu, &exit, NULL), 0);
	ck_assert_uint_eq(fake_run(0)->request_interrupt_window, 1);
	ck_assert_int_eq(ax_vcpu_unbind(vcpu, NULL), 0);
	setup.mode = AX_MODE_REAL;
	ck_assert_int_eq(ax_vcpu_setup(vcpu, &setup, NULL), 0);
	sregs = sregs_of(0);
	ck_assert_uint_eq(sregs.cr0, 0x10);
	ck_assert_uint_eq(sregs.cr3, 0);
	ck_assert_uint_eq(sregs.efer, 0);
	ck_assert_uint_eq(fake_run(0)->request_interrupt_window, 0);
	/* The interrupt is gone; CPUID is as it was, for KVM takes it once. */
	ck_assert_int_eq(ax_vcpu_bind(vcpu, AX_ANY_CPU, NULL), 0);
	set_interrupt_flag(0, true);
	vcpu_request(vcpu, REQUEST_INTERRUPT);
	ck_assert_int_eq(ax_vcpu_run(vcpu, &exit, NULL), 0);
	ck_assert_uint_eq(fake_calls(KVM_INTERRUPT), 0);
	ck_assert_uint_eq(fake_calls(KVM_SET_CPUID2), 1);
	ax_vm_destroy(vm);
}
END_TEST

/* Entry points of a vCPU that is set up. */

START_TEST(a_new_entry_changes_the_instruction_pointer_and_in_real_mode_cs)
{
	struct kvm_sregs before, after;

	begin(AX_IRQCHIP_NONE);
	ck_assert_int_eq(ax_vcpu_setup(vcpu, &setup, NULL), 0);
	ck_assert_int_eq(ax_vcpu_set_gpr(vcpu, 3, 0x99, NULL), 0);
	ck_assert_int_eq(ax_vcpu_set_entry(vcpu, 0x12340, NULL), 0);
	ck_assert_uint_eq(sregs_of(0).cs.base, 0x12340);
	ck_assert_uint_eq(sregs_of(0).cs.selector, 0x1234);
	ck_assert_uint_eq(regs_of(0).rip, 0);
	ck_assert_uint_eq(regs_of(0).rbx, 0x99); /* all else stays */

	setup.mode = AX_MODE_LONG;
	ck_assert_int_eq(ax_vcpu_setup(vcpu, &setup, NULL), 0);
	before = sregs_of(0);
	ck_assert_int_eq(ax_vcpu_set_entry(vcpu, 0x1234567, NULL), 0);
	after = sregs_of(0);
	ck_assert_mem_eq(&before, &after, sizeof(before));
	ck_assert_uint_eq(regs_of(0).rip, 0x1234567);

	setup.mode = AX_MODE_PROTECTED;
	ck_assert_int_eq(ax_vcpu_setup(vcpu, &setup, NULL), 0);
	ck_assert_int_eq(ax_vcpu_set_entry(vcpu, 0x80000001, NULL), 0);
	ck_assert_uint_eq(regs_of(0).rip, 0x80000001);
	ax_vm_destroy(vm);
}
END_TEST

static const struct {
	uint32_t mode;
	uint64_t entry;
} bad_moves[] = {
	{ AX_MODE_REAL, 0x12341 },
	{ AX_MODE_REAL, 0x100000000 },
	{ AX_MODE_PROTECTED, 0x100000000 },
	{ AX_MODE_LONG, 0x800000000000 },
};

START_TEST(a_new_entry_must_make_sense_in_the_mode_of_the_moment)
{
	struct kvm_regs before, after;

	begin(AX_IRQCHIP_NONE);
	setup.mode = bad_moves[_i].mode;
	ck_assert_int_eq(ax_vcpu_setup(vcpu, &setup, NULL), 0);
	before = regs_of(0);
	ck_assert_int_eq(ax_vcpu_set_entry(vcpu, bad_moves[_i].entry, NULL), -EINVAL);
	after = regs_of(0);
	ck_assert_mem_eq(&before, &after, sizeof(before));
	ax_vm_destroy(vm);
}
END_TEST

/* Start, as SIPI. */

static const struct {
	uint64_t entry;
	bool good;
} starts[] = {
	{ 0, true },	   { 0x1000, true },  { 0xff000, true },	{ 0x100000, false },
	{ 0x1001, false }, { 0x1800, false }, { 0x10000001000, false }, { UINT64_MAX, false },
};

START_TEST(a_cpu_starts_at_a_page_below_1_mib)
{
	AxVCpuExitReason exit;

	begin(AX_IRQCHIP_NONE);
	setup.flags = AX_SETUP_POWERED_OFF;
	setup.mode = AX_MODE_LONG;
	ck_assert_int_eq(ax_vcpu_setup(vcpu, &setup, NULL), 0);
	ck_assert_int_eq(ax_vcpu_bind(vcpu, AX_ANY_CPU, NULL), 0);
	ck_assert_int_eq(ax_vcpu_start(vcpu, starts[_i].entry, 7, NULL),
			 starts[_i].good ? 0 : -EINVAL);
	if (starts[_i].good) {
		ck_assert_int_eq(ax_vcpu_run(vcpu, &exit, NULL), 0);
		ck_assert_uint_eq(sregs_of(0).cs.base, starts[_i].entry);
		ck_assert_uint_eq(sregs_of(0).cr0, 0x10);
		assert_regs(0, 0, 0);
	} else {
		ck_assert_int_eq(ax_vcpu_run(vcpu, &exit, NULL), -EPERM);
	}
	ax_vm_destroy(vm);
}
END_TEST

START_TEST(with_the_in_kernel_irqchip_kvm_holds_cpus_back_itself)
{
	AxVCpuExitReason exit;

	begin(AX_IRQCHIP_KERNEL);
	setup.flags = AX_SETUP_POWERED_OFF;
	ck_assert_int_eq(ax_vcpu_setup(vcpu, &setup, NULL), 0);
	ck_assert_int_eq(ax_vcpu_bind(vcpu, AX_ANY_CPU, NULL), 0);
	fake_push_errno(0, EAGAIN);
	ck_assert_int_eq(ax_vcpu_run(vcpu, &exit, NULL), 0);
	ck_assert_uint_eq(exit.kind, AX_EXIT_NOTHING);
	ck_assert_int_eq(ax_vcpu_start(vcpu, 0x1000, 0, NULL), -EEXIST);
	ax_vm_destroy(vm);
}
END_TEST

START_TEST(a_userspace_apics_id_has_eight_bits)
{
	AxVCpu *out;
	AxError err;

	begin(AX_IRQCHIP_USER);
	new_vcpu(vm, 254);
	fake_set_cap(KVM_CAP_MAX_VCPU_ID, 4096);
	ck_assert_fails(ax_vcpu_create(vm, 255, &out, &err), -EINVAL, AX_ERROR_ARGUMENT,
			"does not fit an xAPIC: 0 to 254");
	ax_vm_destroy(vm);
}
END_TEST

/* CPUID. */

static const struct kvm_cpuid_entry2 *leaf(uint32_t function, uint32_t index)
{
	const struct kvm_cpuid2 *cpuid = fake_last_call(KVM_SET_CPUID2)->bytes;

	for (uint32_t i = 0; i < cpuid->nent; i++)
		if (cpuid->entries[i].function == function && cpuid->entries[i].index == index)
			return &cpuid->entries[i];
	ck_abort_msg("CPUID has no leaf 0x%x", function);
	return NULL;
}

#define X2APIC	     (1u << 21)
#define TSC_DEADLINE (1u << 24)
#define HYPERVISOR   (1u << 31)
#define APIC	     (1u << 9)
#define PV_IPIS	     (1u << 7 | 1u << 11 | 1u << 13)

START_TEST(cpuid_names_the_vcpu_and_what_its_vm_has)
{
	static const struct {
		AxIrqchip irqchip;
		bool x2apic, apic, paravirtual;
	} cases[] = {
		{ AX_IRQCHIP_NONE, false, false, false },
		{ AX_IRQCHIP_KERNEL, true, true, true },
		{ AX_IRQCHIP_USER, false, true, false },
	};
	AxVCpuSetup fresh = AX_VCPU_SETUP_INIT;

	vm = new_vm(cases[_i].irqchip);
	vcpu = new_vcpu(vm, 0xa5);
	ck_assert_int_eq(ax_vcpu_setup(vcpu, &fresh, NULL), 0);
	/* As many IDs as a byte can say: the vCPU is the last of 166. */
	ck_assert_uint_eq(leaf(1, 0)->ebx, 0xa5ff0800);
	ck_assert(leaf(1, 0)->ecx & HYPERVISOR);
	ck_assert_int_eq(!!(leaf(1, 0)->ecx & X2APIC), cases[_i].x2apic);
	ck_assert(cases[_i].irqchip == AX_IRQCHIP_KERNEL || !(leaf(1, 0)->ecx & TSC_DEADLINE));
	ck_assert_int_eq(!!(leaf(1, 0)->edx & APIC), cases[_i].apic);
	ck_assert_uint_eq(leaf(0xb, 0)->edx, 0xa5);
	ck_assert_uint_eq(leaf(0xb, 1)->edx, 0xa5);
	ck_assert_int_eq(!!(leaf(0x40000001, 0)->eax & PV_IPIS), cases[_i].paravirtual);
	/* The rest is KVM's. */
	ck_assert_uint_eq(leaf(0, 0)->ebx, 0x756e6547);
	ck_assert_uint_eq(leaf(0x80000001, 0)->edx, 0x20100800);
	ax_vm_destroy(vm);
}
END_TEST

static AxHandled no_call(AxVCpu *caller, void *opaque, const AxVCpuExitReason *exit,
			 uint64_t *result)
{
	(void)caller;
	(void)opaque;
	(void)exit;
	(void)result;
	return AX_UNHANDLED;
}

START_TEST(cpuid_hides_what_trapped_hypercalls_break_and_shows_what_is_forwarded)
{
	static const AxHypercallOps ops = { .size = sizeof(AxHypercallOps), .call = no_call };
	AxHypercallConfig config = AX_HYPERCALL_CONFIG_INIT;
	AxVCpuSetup fresh = AX_VCPU_SETUP_INIT;

	vm = new_vm(AX_IRQCHIP_KERNEL);
	config.flags = _i ? AX_HYPERCALL_TRAP : AX_HYPERCALL_MAP_GPA;
	ck_assert_int_eq(ax_hypercall_set(vm, &config, &ops, NULL, NULL), 0);
	vcpu = new_vcpu(vm, 0);
	ck_assert_int_eq(ax_vcpu_setup(vcpu, &fresh, NULL), 0);
	ck_assert_int_eq(!(leaf(0x40000001, 0)->eax & PV_IPIS), _i);
	ck_assert_int_eq(!(leaf(0x40000001, 0)->eax & 1u << 16), _i);
	ax_vm_destroy(vm);
}
END_TEST

START_TEST(supported_cpuid_is_asked_for_once_in_a_vm)
{
	begin(AX_IRQCHIP_NONE);
	ck_assert_uint_eq(fake_calls(KVM_GET_SUPPORTED_CPUID), 0);
	for (uint32_t i = 1; i < 4; i++)
		free_vcpu(vm, i, 0);
	ck_assert_uint_eq(fake_calls(KVM_GET_SUPPORTED_CPUID), 1);
	ck_assert_uint_eq(fake_calls(KVM_SET_CPUID2), 3);
	ax_vm_destroy(vm);
}
END_TEST

START_TEST(a_guest_that_does_without_gets_no_cpuid)
{
	AxError err;

	begin(AX_IRQCHIP_NONE);
	setup.flags = AX_SETUP_NO_CPUID;
	ck_assert_int_eq(ax_vcpu_setup(vcpu, &setup, NULL), 0);
	ck_assert_uint_eq(fake_calls(KVM_GET_SUPPORTED_CPUID) + fake_calls(KVM_SET_CPUID2), 0);
	setup.mode = AX_MODE_LONG;
	ck_assert_fails(ax_vcpu_setup(vcpu, &setup, &err), -EINVAL, AX_ERROR_ARGUMENT,
			"long mode needs CPUID");
	ax_vm_destroy(vm);
}
END_TEST

START_TEST(ram_is_not_where_kvm_has_its_own_pages)
{
	static const struct {
		uint64_t base, size;
		bool overlaps;
	} rows[] = {
		{ 0xfeffc000, 0x1000, true },	 { 0xfefff000, 0x1000, true },
		{ 0xfe000000, 0x1000000, true }, { 0xfeffb000, 0x2000, true },
		{ 0xfefff000, 0x2000, true },	 { 0xfeffb000, 0x1000, false },
		{ 0xff000000, 0x1000, false },
	};
	AxError err;

	vm = new_vm(AX_IRQCHIP_NONE);
	for (size_t i = 0; i < COUNT(rows); i++) {
		if (rows[i].overlaps)
			ck_assert_fails(
				ax_ram_add(vm, rows[i].base, rows[i].size, AX_RAM_READONLY, &err),
				-EEXIST, AX_ERROR_ARGUMENT,
				"KVM's own pages for real mode at 0xfeffc000 with size 0x4000");
		else
			ck_assert_int_eq(ax_ram_add(vm, rows[i].base, rows[i].size, 0, &err), 0);
	}
	ax_vm_destroy(vm);
}
END_TEST

static void add_tests(TCase *cases)
{
	tcase_add_loop_test(cases, real_mode_begins_at_its_code_segments_base, 0, 2);
	tcase_add_test(cases, protected_mode_is_flat_without_paging);
	tcase_add_test(cases, long_mode_has_paging_on_with_the_given_table);
	tcase_add_loop_test(cases,
			    an_entry_that_its_mode_cannot_have_is_refused_before_anything_changes,
			    0, COUNT(entries));
	tcase_add_test(cases, set_up_again_starts_over);
	tcase_add_test(cases, a_new_entry_changes_the_instruction_pointer_and_in_real_mode_cs);
	tcase_add_loop_test(cases, a_new_entry_must_make_sense_in_the_mode_of_the_moment, 0,
			    COUNT(bad_moves));
	tcase_add_loop_test(cases, a_cpu_starts_at_a_page_below_1_mib, 0, COUNT(starts));
	tcase_add_test(cases, with_the_in_kernel_irqchip_kvm_holds_cpus_back_itself);
	tcase_add_test(cases, a_userspace_apics_id_has_eight_bits);
	tcase_add_loop_test(cases, cpuid_names_the_vcpu_and_what_its_vm_has, 0, 3);
	tcase_add_loop_test(
		cases, cpuid_hides_what_trapped_hypercalls_break_and_shows_what_is_forwarded, 0, 2);
	tcase_add_test(cases, supported_cpuid_is_asked_for_once_in_a_vm);
	tcase_add_test(cases, a_guest_that_does_without_gets_no_cpuid);
	tcase_add_test(cases, ram_is_not_where_kvm_has_its_own_pages);
}

RUN_SUITE("x86 setup", add_tests)
