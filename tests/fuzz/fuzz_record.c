/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Fuzz target: the reader of recordings, and the device models that are fed with one: those of a whole
 * machine, or, where it says nothing of a machine, a virtio device alone, which is cheaper. Whatever the
 * bytes are, they are no recording, or are replayed as far as they are sound; nothing runs. The corpus
 * begins with recordings of tiny guests, and of unit tests (tests/unit/virtio_recorded.c).
 *
 * A machine with more RAM than any guest here has would only cost time: its inputs are left out.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <axvmm/axvmm.h>
#include <axvmm/machine.h>
#include <axvmm/record.h>
#include <axvmm/virtio.h>

#define MEMORY_MOST (256ull << 20)

/* Of a device alone: where those tests have it. */
#define RAM_BASE 0x100000u
#define RAM_SIZE 0x4000000u
#define ROM_BASE 0x10000000u
#define ROM_SIZE 0x10000u
#define MMIO	 0xfeb00000u

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len);

static void take_line(void *opaque, const char *line)
{
	size_t *total = opaque;

	*total += strlen(line);
}

static void replay(AxRecord *record, AxVm *vm)
{
	AxReplayOptions options = AX_REPLAY_OPTIONS_INIT;
	AxReplayResult result = AX_REPLAY_RESULT_INIT;
	size_t total = 0;

	options.line = take_line;
	options.opaque = &total;
	if (ax_replay_run(record, vm, &options, &result, NULL))
		abort();
	ax_replay_context(record, vm, result.device, result.unit, 8, take_line, &total);
}

/* The device that it has: NULL: none that can be made. */
static AxVirtio *make_device(AxRecord *record)
{
	static const char *const names[] = { "balloon", "blk", "console", "net", "rng", "vsock" };
	AxVirtio *virtio;

	for (size_t i = 0; i < sizeof(names) / sizeof(*names); i++) {
		char key[32];

		snprintf(key, sizeof(key), "device.%s", names[i]);
		if (ax_record_fact(record, key) &&
		    !ax_virtio_replay(record, names[i], &virtio, NULL))
			return virtio;
	}
	return NULL;
}

static void replay_device(AxRecord *record)
{
	AxVmOptions options = AX_VM_OPTIONS_INIT;
	AxVirtio *virtio;
	AxVCpu *vcpu;
	AxVm *vm;

	options.record = record;
	if (ax_vm_create(&options, &vm, NULL))
		return;
	virtio = make_device(record);
	if (virtio && !ax_vcpu_create(vm, 0, &vcpu, NULL) &&
	    !ax_ram_add(vm, RAM_BASE, RAM_SIZE, 0, NULL) &&
	    !ax_ram_add(vm, ROM_BASE, ROM_SIZE, AX_RAM_READONLY, NULL) &&
	    !ax_virtio_attach(virtio, vm, MMIO, NULL, AX_VIRTIO_EDGE, NULL)) {
		replay(record, vm);
		if (ax_virtio_detach(virtio, NULL))
			abort();
	}
	ax_virtio_free(virtio);
	ax_vm_destroy(vm);
}

static void replay_machine(AxRecord *record)
{
	AxMachine *machine;

	if (ax_machine_replay(record, &machine, NULL))
		return;
	replay(record, ax_machine_vm(machine));
	ax_machine_free(machine);
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len)
{
	const char *memory;
	AxRecord *record;

	if (ax_replay_open("input", bytes, len, &record, NULL))
		return 0;
	memory = ax_record_fact(record, "machine.memory");
	if (!memory)
		replay_device(record);
	else if (strtoull(memory, NULL, 10) <= MEMORY_MOST)
		replay_machine(record);
	ax_record_free(record);
	return 0;
}
