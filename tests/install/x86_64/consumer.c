/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A user of the installed package, in C, with libaxvmm alone: a guest of five bytes writes to a port, a
 * handler sees it, and the guest halts. Ends with 77 where there is no KVM.
 */
#include <axvmm/axvmm.h>

#include <stdio.h>
#include <string.h>

#define PORT 0x80

/* mov $0x2a, %al; out %al, $0x80; hlt */
static const unsigned char guest[] = { 0xb0, 0x2a, 0xe6, PORT, 0xf4 };

static AxHandled port_write(AxVCpu *vcpu, void *opaque, uint64_t offset, AxAccessWidth width,
			    uint64_t value)
{
	uint64_t *seen = opaque;

	(void)vcpu;
	if (offset != 0 || ax_access_width_size(width) != 1)
		return AX_UNHANDLED;
	*seen = value;
	return AX_HANDLED;
}

static int fail(const char *what, const AxError *err)
{
	if (err->code == AX_ERROR_KVM_MISSING || err->code == AX_ERROR_KVM_PERMISSION) {
		printf("SKIP: no usable /dev/kvm: %s\n", err->message);
		return 77;
	}
	fprintf(stderr, "consumer: %s: %s\n", what, err->message);
	return 1;
}

/* Run the guest until it halts; 0 when it halted. */
static int run_to_halt(AxVm *vm, AxError *err)
{
	AxVCpuSetup setup = AX_VCPU_SETUP_INIT;
	AxVCpuExitReason exit;
	AxVCpu *vcpu;

	setup.mode = AX_MODE_REAL;
	if (ax_ram_add(vm, 0, 0x10000, 0, err) < 0)
		return fail("ax_ram_add", err);
	if (ax_mem_write(vm, 0, guest, sizeof(guest)) < 0)
		return fail("ax_mem_write", err);
	if (ax_vcpu_create(vm, 0, &vcpu, err) < 0 || ax_vcpu_setup(vcpu, &setup, err) < 0 ||
	    ax_vcpu_bind(vcpu, AX_ANY_CPU, err) < 0)
		return fail("the vCPU", err);
	if (ax_vcpu_loop(vcpu, &exit, err) != AX_LOOP_UNHANDLED)
		return fail("ax_vcpu_loop", err);
	if (exit.kind != AX_EXIT_HALT) {
		fprintf(stderr, "consumer: ended by %s\n", ax_exit_name(exit.kind));
		return 1;
	}
	return ax_vcpu_unbind(vcpu, err) < 0 ? fail("ax_vcpu_unbind", err) : 0;
}

int main(void)
{
	AxRangeOps ops = { sizeof(ops), NULL, port_write };
	AxError err = AX_ERROR_INIT;
	AxRange range = AX_RANGE_INIT;
	uint64_t seen = 0;
	AxVm *vm;
	int ret;

	if (ax_vm_create(NULL, &vm, &err) < 0)
		return fail("ax_vm_create", &err);
	range.name = "consumer";
	range.base = PORT;
	range.length = 1;
	range.ops = &ops;
	range.opaque = &seen;
	if (ax_range_add_ports(vm, &range, NULL, &err) < 0)
		ret = fail("ax_range_add_ports", &err);
	else
		ret = run_to_halt(vm, &err);
	ax_vm_destroy(vm);

	if (ret == 0 && seen != 0x2a) {
		fprintf(stderr, "consumer: the port saw 0x%x instead of 0x2a\n", (unsigned)seen);
		return 1;
	}
	if (ret == 0)
		printf("axvmm %s: the guest wrote 0x2a and halted\n", ax_version());
	return ret;
}
