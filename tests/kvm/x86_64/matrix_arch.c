/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The exit matrix on x86-64: stock KVM on a processor with SVM or VMX, and software KVM.
 */
#include "tests/kvm/matrix.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "core/vm.h"
#include "sys/sys.h"

/* Inputs of the IOAPIC that userspace is to have. */
#define IOAPIC_INPUTS 24

/* A level-triggered, fixed interrupt to APIC 0: SDM 3A, 11.11. */
#define MSI_ADDRESS 0xfee00000u
#define MSI_LEVEL   (1u << 15 | 1u << 14)

const char *matrix_variant(void)
{
	switch (ax_kvm_kind()) {
	case AX_KVM_SVM: return "-svm";
	case AX_KVM_VMX: return "-vmx";
	default: return "-software";
	}
}

/* INIT to a CPU that runs (code_arch.c). */
static void init_running_cpu(void)
{
	struct code_vm vm;

	code_producers[0].open(&vm);
	matrix_run_code(&vm);
}

/*
 * The library does not make split irqchips yet; it knows their exit. So the test makes one: local
 * APICs in the kernel, and a route by which KVM knows the vector for one of the userspace IOAPIC's.
 */
static int make_split_irqchip(AxVm *vm)
{
	size_t size = sizeof(struct kvm_irq_routing) + sizeof(struct kvm_irq_routing_entry);
	struct kvm_irq_routing *routing = calloc(1, size);
	int ret;

	ck_assert(routing != NULL);
	routing->nr = 1;
	routing->entries[0] = (struct kvm_irq_routing_entry){
		.gsi = CODE_GSI,
		.type = KVM_IRQ_ROUTING_MSI,
		.u.msi = { .address_lo = MSI_ADDRESS, .data = CODE_VECTOR | MSI_LEVEL },
	};
	ret = sys_enable_cap(vm->fd, KVM_CAP_SPLIT_IRQCHIP, IOAPIC_INPUTS, 0);
	if (ret >= 0)
		ret = sys_ioctl_struct(vm->fd, KVM_SET_GSI_ROUTING, routing);
	free(routing);
	return ret;
}

/* Once the guest takes interrupts. */
static void *send_interrupt(void *opaque)
{
	struct kvm_msi msi = { .address_lo = MSI_ADDRESS, .data = CODE_VECTOR | MSI_LEVEL };
	struct code_vm *vm = opaque;

	code_wait_word(vm, 0, 3, 1);
	ck_assert_int_ge(sys_ioctl_struct(vm->vm->fd, KVM_SIGNAL_MSI, &msi), 0);
	return NULL;
}

static AxHandled on_eoi(AxVCpu *vcpu, void *opaque, uint8_t vector)
{
	ck_assert_uint_eq(vector, CODE_VECTOR);
	return AX_STOP;
}

static void end_of_interrupt(void)
{
	static const AxEventOps ops = { .size = sizeof(ops), .irq_eoi = on_eoi };
	AxVmResult result = AX_VM_RESULT_INIT;
	AxError err = AX_ERROR_INIT;
	struct code_vm vm;
	pthread_t thread;
	int ret;

	code_open_vm(&vm, NULL, CODE(halt));
	ret = make_split_irqchip(vm.vm);
	if (ret < 0) {
		matrix_cannot("KVM_CAP_SPLIT_IRQCHIP: %s", strerror(-ret));
		code_close(&vm);
		return;
	}
	code_add_vcpu(&vm, 0);
	code_set_word(&vm, 0, 1, CODE_IRQCHIP_USER); /* the guest's side: a local APIC */
	/* Software KVM tells of the EOI after the guest's next access to a device. */
	code_set_word(&vm, 0, 2, CODE_MMIO);
	ck_ok(ax_event_set(vm.vm, &ops, NULL, &err), err);
	ck_ok(ax_observer_set(vm.vm, &matrix_observer, NULL, &err), err);
	ck_assert_int_eq(pthread_create(&thread, NULL, send_interrupt, &vm), 0);
	ck_ok(ax_vm_run(vm.vm, &result, &err), err);
	pthread_join(thread, NULL);
	ck_assert_uint_eq(result.end, AX_VM_END_HANDLER);
	code_close(&vm);
}

const struct matrix_scenario matrix_arch[] = {
	{ AX_EXIT_NOTHING, "hlt-wake", MATRIX_NATIVE, NULL },
	{ AX_EXIT_HYPERCALL, "hypercall-vmcall", MATRIX_NATIVE, NULL },
	{ AX_EXIT_HYPERCALL, "hypercall-map-gpa", MATRIX_NATIVE, NULL },
	{ AX_EXIT_HYPERCALL, "hypercall-block", MATRIX_OPT_IN, NULL },
	{ AX_EXIT_MMIO_READ, "mmio-widths", MATRIX_NATIVE, NULL },
	{ AX_EXIT_MMIO_WRITE, "mmio-widths", MATRIX_NATIVE, NULL },
	{ AX_EXIT_SYS_REG_READ, "msr", MATRIX_NATIVE, NULL },
	{ AX_EXIT_SYS_REG_WRITE, "msr", MATRIX_NATIVE, NULL },
	{ AX_EXIT_IO_READ, "port-widths", MATRIX_NATIVE, NULL },
	{ AX_EXIT_IO_WRITE, "port-widths", MATRIX_NATIVE, NULL },
	{ AX_EXIT_EXTERNAL_INTERRUPT, "kick-spin", MATRIX_NATIVE, NULL },
	{ AX_EXIT_HALT, "hlt-wake", MATRIX_NATIVE, NULL },
	{ AX_EXIT_CPU_UP, "smp-sipi", MATRIX_NATIVE, NULL },
	{ AX_EXIT_CPU_DOWN, "INIT to a CPU that runs", MATRIX_NATIVE, init_running_cpu },
	{ AX_EXIT_SYSTEM_DOWN, "triple-fault", MATRIX_NATIVE, NULL },
	{ AX_EXIT_FAIL_ENTRY, "fail-entry", MATRIX_NATIVE, NULL },
	{ AX_EXIT_SEND_IPI, "ipi-pingpong", MATRIX_NATIVE, NULL },
	{ AX_EXIT_INTERNAL_ERROR, "internal-error", MATRIX_NATIVE, NULL },
	{ AX_EXIT_DEBUG, "hwbreak", MATRIX_NATIVE, NULL },
	{ AX_EXIT_IRQ_EOI, "EOI with a split irqchip of the test's", MATRIX_NATIVE,
	  end_of_interrupt },
	{ 0, NULL, MATRIX_NATIVE, NULL },
};

const char *matrix_reason(uint32_t kind)
{
	switch (kind) {
	case AX_EXIT_NESTED_PAGE_FAULT: return "accesses to inaccessible memory become MMIO";
	case AX_EXIT_FAIL_ENTRY:
		return "nothing refuses a state: the guest's kernel is interpreted";
	default: return NULL;
	}
}
