/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Recorded virtio devices and their replay. See virtio_recorded.h.
 */
#define RECORDED_INSIDE

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/dispatch.h"
#include "core/vm.h"
#include "tests/unit/virtio_driver.h"
#include "tests/unit/virtio_recorded.h"

#define LINE 5u

struct recorded {
	AxRecord *record; /* the first VM's; a later one has none */
	AxHost *loop, *host;
	AxVCpu *vcpu;
	char name[32]; /* the device's */
	bool again;    /* there was a reboot, or a state was saved */
};

/* The test's. */
static struct recorded *current;

/* A VM without KVM, and its vCPU. */
static AxVm *new_vm(AxRecord *record, AxVCpu **vcpu)
{
	AxVmOptions options = AX_VM_OPTIONS_INIT;
	AxError err = AX_ERROR_INIT;
	AxVm *vm = NULL;

	options.kvm_path = AX_VM_OFFLINE;
	options.record = record;
	ck_assert_msg(!ax_vm_create(&options, &vm, &err), "%s", err.message);
	ck_assert_msg(!ax_vcpu_create(vm, 0, vcpu, &err), "%s", err.message);
	return vm;
}

void recorded_begin(struct drv *drv)
{
	AxVCpuSetup setup = AX_VCPU_SETUP_INIT;
	struct recorded *recorded = drv->recorded;
	AxRecord *record = NULL;
	AxError err = AX_ERROR_INIT;

	if (recorded) {
		recorded->again = true;
	} else {
		recorded = calloc(1, sizeof(*recorded));
		ck_assert_ptr_nonnull(recorded);
		drv->recorded = current = recorded;
		ck_assert_int_eq(ax_host_new(NULL, NULL, &recorded->loop, NULL), 0);
		ck_assert_int_eq(ax_record_create(NULL, &recorded->record, NULL), 0);
		record = recorded->record;
		recorded->host = drv->host = ax_record_host(record, recorded->loop);
		ck_assert_ptr_nonnull(drv->host);
	}
	drv->vm = new_vm(record, &recorded->vcpu);
	ck_assert_msg(!ax_vcpu_setup(recorded->vcpu, &setup, &err), "%s", err.message);
	ck_assert_msg(!ax_vcpu_bind(recorded->vcpu, AX_ANY_CPU, &err), "%s", err.message);
}

void recorded_attach(struct drv *drv)
{
	struct recorded *recorded = drv->recorded;
	const char *name = ax_virtio_name(drv->virtio);

	ck_assert_str_ne(name, recorded->name);
	snprintf(recorded->name, sizeof(recorded->name), "%s", name);
}

AxHost *recorded_loop(struct drv *drv)
{
	return drv->recorded->loop;
}

/* As after KVM_RUN, and as before the next. */
static AxHandled take_exit(struct drv *drv, const AxVCpuExitReason *exit, uint64_t *answer)
{
	AxVCpu *vcpu = drv->recorded->vcpu;
	AxHandled handled;

	vcpu->pending = (struct pending){ .kind = (uint8_t)exit->kind };
	vcpu->run->exit_reason = KVM_EXIT_MMIO;
	vcpu->run->mmio.len = exit->mmio_read.len;
	vcpu_enter_loop(vcpu);
	handled = dispatch_exit(vcpu, exit, answer);
	vcpu_leave_loop(vcpu);
	vcpu->pending = (struct pending){ 0 };
	return handled;
}

AxHandled recorded_in(struct drv *drv, uint64_t offset, AxAccessWidth width, uint64_t *value)
{
	AxVCpuExitReason exit = { .kind = AX_EXIT_MMIO_READ };

	exit.mmio_read.addr = DRV_MMIO + offset;
	exit.mmio_read.width = width;
	exit.mmio_read.len = 1u << width;
	return take_exit(drv, &exit, value);
}

AxHandled recorded_out(struct drv *drv, uint64_t offset, AxAccessWidth width, uint64_t value)
{
	AxVCpuExitReason exit = { .kind = AX_EXIT_MMIO_WRITE };
	uint64_t answer;

	exit.mmio_write.addr = DRV_MMIO + offset;
	exit.mmio_write.width = width;
	exit.mmio_write.len = 1u << width;
	exit.mmio_write.data = value;
	return take_exit(drv, &exit, &answer);
}

void recorded_line(struct drv *drv, uint32_t line, unsigned what)
{
	uint8_t byte = (uint8_t)what;

	(void)line;
	ax_record_output(drv->vm->record, AX_RECORD_LINE, LINE, &byte, 1);
}

int recorded_dispatch(AxHost *host, int timeout_ms, AxError *err)
{
	if (current && host == current->host)
		host = current->loop;
	return ax_loop_dispatch(host, timeout_ms, err);
}

int recorded_save(AxVm *vm, AxState *state, AxError *err)
{
	if (current)
		current->again = true;
	return ax_devices_save(vm, state, err);
}

static void print_line(void *opaque, const char *line)
{
	(void)opaque;
	puts(line);
}

/* Make the device of it, which was recorded under this name, and feed it. */
static void replay(struct drv *drv, const void *bytes, size_t len, const char *name)
{
	AxReplayResult result = AX_REPLAY_RESULT_INIT;
	struct drv again = { .trigger = drv->trigger, .irq_event = drv->irq_event };
	AxIrq irq = drv_irq(&again);
	AxError err = AX_ERROR_INIT;
	AxVirtio *virtio = NULL;
	AxRecord *record;
	AxVCpu *vcpu;

	ck_assert_msg(!ax_replay_open("it", bytes, len, &record, &err), "%s", err.message);
	again.vm = new_vm(record, &vcpu);
	ck_assert_int_eq(ax_ram_add(again.vm, DRV_RAM_BASE, DRV_RAM_SIZE, 0, NULL), 0);
	drv_add_rom(&again);
	ck_assert_msg(!ax_virtio_replay(record, name, &virtio, &err), "%s", err.message);
	ck_assert_msg(!ax_virtio_attach(virtio, again.vm, DRV_MMIO, &irq, drv->trigger, &err), "%s",
		      err.message);
	ck_assert_msg(!ax_replay_run(record, again.vm, NULL, &result, &err), "%s", err.message);
	if (result.end != AX_REPLAY_SAME)
		ax_replay_context(record, again.vm, name, result.unit, 8, print_line, NULL);
	fflush(stdout);
	ck_assert_msg(result.end == AX_REPLAY_SAME, "unit %llu: recorded %s / came %s",
		      (unsigned long long)result.unit, result.recorded, result.came);
	ck_assert_uint_eq(result.passed, 0);
	ck_assert_int_eq(ax_virtio_detach(virtio, NULL), 0);
	ax_virtio_free(virtio);
	ax_vm_destroy(again.vm);
	ax_record_free(record);
}

void recorded_end(struct drv *drv)
{
	struct recorded *recorded = drv->recorded;
	const void *bytes;
	size_t len;

	ck_assert_int_eq(ax_record_finish(recorded->record, NULL), 0);
	bytes = ax_record_bytes(recorded->record, &len);
	if (*recorded->name && !recorded->again)
		replay(drv, bytes, len, recorded->name);
	ax_record_free(recorded->record);
	ax_host_free(recorded->loop);
	free(recorded);
	current = NULL;
}
