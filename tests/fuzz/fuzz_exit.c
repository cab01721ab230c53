/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Fuzz target: what KVM can leave in kvm_run, decoded, dispatched to handlers and answered. The
 * input is a script: a few bytes that shape the VM, then calls of the owner's thread; where a call
 * enters the guest, the next bytes are what KVM_RUN returns and what it leaves behind.
 *
 * Beside the sanitizers, a model in fuzz_exit_model.h looks at what handlers are called with and
 * at what the guest gets.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <axvmm/axvmm.h>

#include "tests/fuzz/fuzz_exit_model.h"
#include "tests/unit/fake_sys.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define RAM_SIZE     0x10000
#define BLOCK_MMIO   0xfe002000u
#define BLOCK_PORT   0x30
#define MOST_CALLS   64
#define MOST_ENTRIES 128

/* The whole of one input's run. */
static struct run {
	struct script script;
	struct model model;
	AxVm *vm;
	AxVCpu *vcpu;
	unsigned entries;
} fuzz;

static AxHandled verdict(void)
{
	return script_is_over(&fuzz.script) ? AX_STOP : (AxHandled)(script_u8(&fuzz.script) % 3);
}

/* Ranges: the opaque pointer is the model's row. */
static AxHandled range_read_op(AxVCpu *vcpu, void *opaque, uint64_t offset, AxAccessWidth width,
			       uint64_t *value)
{
	const struct model_range *range = opaque;

	if (vcpu != fuzz.vcpu || *value != 0)
		model_breach("a read handler got another vCPU, or a value that is not zero");
	model_handler(&fuzz.model, range, offset, ax_access_width_size(width), false, 0);
	/* bits above the width are ignored */
	*value = model_value(range, offset, 8);
	return range->fickle ? verdict() : AX_HANDLED;
}

static AxHandled range_write_op(AxVCpu *vcpu, void *opaque, uint64_t offset, AxAccessWidth width,
				uint64_t value)
{
	const struct model_range *range = opaque;

	if (vcpu != fuzz.vcpu || (value & ~ax_access_width_mask(width)))
		model_breach("a write handler got another vCPU, or bits above the width");
	model_handler(&fuzz.model, range, offset, ax_access_width_size(width), true, value);
	return range->fickle ? verdict() : AX_HANDLED;
}

static AxHandled sys_reg_read_op(AxVCpu *vcpu, void *opaque, AxSysRegAddr addr, uint64_t *value)
{
	(void)vcpu;
	(void)opaque;
	*value = addr;
	return verdict();
}

static AxHandled sys_reg_write_op(AxVCpu *vcpu, void *opaque, AxSysRegAddr addr, uint64_t value)
{
	(void)vcpu;
	(void)opaque;
	(void)addr;
	(void)value;
	return verdict();
}

static AxHandled hypercall_op(AxVCpu *vcpu, void *opaque, const AxVCpuExitReason *exit,
			      uint64_t *result)
{
	(void)vcpu;
	(void)opaque;
	if (exit->kind != AX_EXIT_HYPERCALL || exit->hypercall.cpl != 0)
		model_breach("a hypercall handler got what it must not get");
	*result = exit->hypercall.nr;
	return verdict();
}

static AxHandled cpu_up_op(AxVCpu *vcpu, void *opaque, uint64_t target, AxGuestPhysAddr entry,
			   uint64_t arg)
{
	(void)vcpu;
	(void)opaque;
	(void)target;
	(void)entry;
	(void)arg;
	return verdict();
}

static AxHandled number_op(AxVCpu *vcpu, void *opaque, uint64_t number)
{
	(void)vcpu;
	(void)opaque;
	(void)number;
	return verdict();
}

static AxHandled exit_op(AxVCpu *vcpu, void *opaque, const AxVCpuExitReason *exit)
{
	(void)opaque;
	model_check_exit(exit, fake_run(0), ax_vcpu_id(vcpu));
	return verdict();
}

static AxHandled halt_op(AxVCpu *vcpu, void *opaque)
{
	(void)vcpu;
	(void)opaque;
	return verdict();
}

static AxHandled eoi_op(AxVCpu *vcpu, void *opaque, uint8_t vector)
{
	return number_op(vcpu, opaque, vector);
}

static const AxRangeOps range_ops = { sizeof(range_ops), range_read_op, range_write_op };
static const AxSysRegOps sys_reg_ops = { sizeof(sys_reg_ops), sys_reg_read_op, sys_reg_write_op };
static const AxHypercallOps hypercall_ops = { sizeof(hypercall_ops), hypercall_op };
static const AxPowerOps power_ops = { sizeof(power_ops), cpu_up_op, number_op, exit_op, halt_op };
static const AxEventOps event_ops = { sizeof(event_ops), exit_op, number_op, exit_op, eoi_op };

static void must(int ret, const AxError *err)
{
	if (ret < 0) {
		fprintf(stderr, "%d: %s\n", ret, err->message);
		model_breach("a call failed that cannot fail here");
	}
}

static void add_ranges(AxError *err)
{
	for (unsigned i = 0; i < MODEL_RANGES; i++) {
		const struct model_range *row = &model_ranges[i];
		AxRange range = AX_RANGE_INIT;

		range.name = "fuzzed";
		range.base = row->base;
		range.length = row->length;
		range.ops = &range_ops;
		range.opaque = (void *)row;
		must(row->is_port ? ax_range_add_ports(fuzz.vm, &range, NULL, err)
				  : ax_range_add_mmio(fuzz.vm, &range, NULL, err),
		     err);
	}
}

/* The VM: its shape is the first byte of the script. */
static void build(void)
{
	AxHypercallConfig hypercall = AX_HYPERCALL_CONFIG_INIT;
	AxVmOptions options = AX_VM_OPTIONS_INIT;
	AxVCpuSetup setup = AX_VCPU_SETUP_INIT;
	AxError err = AX_ERROR_INIT;
	uint8_t shape = script_u8(&fuzz.script);
	AxVCpu *other;

	options.unclaimed = shape % 3;
	options.irqchip = shape & 4 ? AX_IRQCHIP_USER : AX_IRQCHIP_NONE;
	must(ax_vm_create(&options, &fuzz.vm, &err), &err);
	must(ax_ram_add(fuzz.vm, 0, RAM_SIZE, 0, &err), &err);
	must(ax_ram_add(fuzz.vm, RAM_SIZE, RAM_SIZE, AX_RAM_READONLY, &err), &err);
	hypercall.block_mmio = BLOCK_MMIO;
	hypercall.block_port = BLOCK_PORT;
	must(ax_hypercall_set(fuzz.vm, &hypercall, &hypercall_ops, NULL, &err), &err);
	add_ranges(&err);
	must(ax_sys_reg_add(fuzz.vm, "fuzzed", 0x41580000, 16, &sys_reg_ops, NULL, &err), &err);
	if (shape & 8)
		must(ax_power_set(fuzz.vm, &power_ops, NULL, &err), &err);
	if (shape & 16)
		must(ax_event_set(fuzz.vm, &event_ops, NULL, &err), &err);
	must(ax_vcpu_create(fuzz.vm, 0, &fuzz.vcpu, &err), &err);
	must(ax_vcpu_create(fuzz.vm, 1, &other, &err), &err);
	setup.mode = AX_MODE_PROTECTED;
	must(ax_vcpu_setup(fuzz.vcpu, &setup, &err), &err);
	must(ax_vcpu_bind(fuzz.vcpu, AX_ANY_CPU, &err), &err);
}

/* KVM_RUN: the guest gets the answer to its last access, and makes its next exit. */
static int guest(struct kvm_run *run, void *arg)
{
	(void)arg;
	model_check_answer(&fuzz.model, run);
	fuzz.model.active = false;
	if (script_is_over(&fuzz.script) || ++fuzz.entries >= MOST_ENTRIES) {
		fuzz.entries = MOST_ENTRIES;
		run->exit_reason = KVM_EXIT_SHUTDOWN;
		return 0;
	}
	return script_fill(&fuzz.script, run, &fuzz.model);
}

static void format(const AxVCpuExitReason *exit)
{
	char line[300];
	size_t full = ax_exit_format(exit, line, sizeof(line));
	size_t size = fuzz.entries % 32;
	char *cut = malloc(size + 1);

	if (full >= sizeof(line) || strlen(line) != full || strchr(line, '\n'))
		model_breach("an exit's line is not one line of the size it says");
	if (ax_exit_format(exit, cut, size) != full || (size && strlen(cut) >= size))
		model_breach("an exit's line does not fit its buffer");
	free(cut);
	full = ax_exit_explain(exit, line, sizeof(line));
	if (strlen(line) != (full < sizeof(line) ? full : sizeof(line) - 1))
		model_breach("an exit's explanation is not of the size it says");
}

static void enter_once(bool dispatch)
{
	AxVCpuExitReason exit;
	AxError err = AX_ERROR_INIT;
	int ret = ax_vcpu_run(fuzz.vcpu, &exit, &err);

	if (ret == -EPERM || ret == -EIO || ret == -ENOMEM) {
		fuzz.model.active = false;
		return;
	}
	if (ret)
		model_breach("ax_vcpu_run() returned what is not documented");
	model_check_exit(&exit, fake_run(0), 0);
	format(&exit);
	if (!dispatch) {
		fuzz.model.active = false;
		ax_vcpu_decode_mmio(fuzz.vcpu, &exit, NULL);
		return;
	}
	ret = ax_vcpu_dispatch(fuzz.vcpu, &exit);
	if (ret < AX_HANDLED || ret > AX_STOP)
		model_breach("ax_vcpu_dispatch() returned what is not documented");
	model_check_calls(&fuzz.model);
}

static void loop(void)
{
	AxVCpuExitReason exit;
	AxError err = AX_ERROR_INIT;
	int ret = ax_vcpu_loop(fuzz.vcpu, &exit, &err);

	if (ret < 0) {
		if (ret != -EPERM && ret != -EIO && ret != -ENOMEM)
			model_breach("ax_vcpu_loop() returned what is not documented");
		fuzz.model.active = false;
		return;
	}
	if (ret > AX_LOOP_VM_STOPPED)
		model_breach("ax_vcpu_loop() returned what is not documented");
	model_check_exit(&exit, fake_run(0), 0);
	model_check_calls(&fuzz.model);
	format(&exit);
}

static void reply(uint8_t how)
{
	uint8_t bytes[64] = { 0 };
	uint64_t value = script_u64(&fuzz.script);

	fuzz.model.active = false; /* what the guest gets is no more the handlers' */
	switch (how % 4) {
	case 0: ax_vcpu_reply_read(fuzz.vcpu, value); break;
	case 1: ax_vcpu_reply_bytes(fuzz.vcpu, bytes, value % sizeof(bytes)); break;
	case 2: ax_vcpu_reply_fault(fuzz.vcpu); break;
	default: ax_vcpu_set_return_value(fuzz.vcpu, value, NULL); break;
	}
}

static void settle(void)
{
	AxVCpuExitReason exit;
	int ret = ax_vcpu_settle(fuzz.vcpu, &exit, NULL);
	uint64_t value;

	if (ret == 0 && ax_vcpu_get_gpr(fuzz.vcpu, 0, &value, NULL))
		model_breach("registers are not exact after ax_vcpu_settle()");
}

static void touch_registers(uint8_t index)
{
	AxRegInfo info;
	uint64_t value = script_u64(&fuzz.script);

	if (!ax_reg_info(index, &info))
		return;
	ax_vcpu_set_reg(fuzz.vcpu, info.name, value, NULL);
	ax_vcpu_get_reg(fuzz.vcpu, info.name, &value, NULL);
}

/* One call of the owner's thread. */
static void call(void)
{
	uint8_t what = script_u8(&fuzz.script), with = script_u8(&fuzz.script);

	switch (what % 12) {
	case 0:
	case 1: enter_once(false); break;
	case 2: enter_once(true); break;
	case 3:
	case 4:
	case 5: loop(); break;
	case 6: reply(with); break;
	case 7: settle(); break;
	case 8: ax_vcpu_kick(fuzz.vcpu, with); break;
	case 9: ax_vcpu_inject_interrupt(fuzz.vcpu, with, NULL); break;
	case 10: touch_registers(with); break;
	default:
		ax_vcpu_wait(fuzz.vcpu, 0, NULL);
		ax_vcpu_start(fuzz.vcpu, with * 0x1000ull, 0, NULL);
		break;
	}
	if (ax_vcpu_state(fuzz.vcpu) != AX_VCPU_READY)
		model_breach("a vCPU that is not running is not Ready");
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	fake_sys_reset();
	memset(&fuzz, 0, sizeof(fuzz));
	script_init(&fuzz.script, data, size);
	build();
	fake_set_guest(0, guest, NULL);
	for (unsigned i = 0; i < MOST_CALLS && !script_is_over(&fuzz.script); i++)
		call();
	ax_vm_destroy(fuzz.vm);
	if (fake_sys_open_count() || fake_bad_calls())
		model_breach("descriptors are open after ax_vm_destroy(), or were used wrongly");
	return 0;
}
