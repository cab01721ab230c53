/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A whole machine in one call: VM, RAM, vCPUs, devices, image. What differs between architectures
 * is the board's.
 */
#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>

#include <axvmm/memory.h>

#include "boot/image.h"
#include "machine/machine.h"
#include "machine/replay.h"

static bool is_replay(const AxMachineOptions *options)
{
	return ax_record_is_replay(options->record);
}

static int check_options(const AxMachineOptions *options, AxError *err)
{
	if (!options || options->size < sizeof(*options))
		return ax_error_argument(
			err, -EINVAL, "the machine's options have no size that this library knows");
	if (!options->memory || options->memory % AX_MACHINE_MEMORY_UNIT)
		return ax_error_argument(err, -EINVAL,
					 "%" PRIu64
					 " bytes of memory are not a multiple of %d above 0",
					 options->memory, AX_MACHINE_MEMORY_UNIT);
	if (!options->cpus || options->cpus > AX_MACHINE_CPUS_MAX)
		return ax_error_argument(err, -EINVAL, "a machine has 1 to %d CPUs, not %" PRIu32,
					 AX_MACHINE_CPUS_MAX, options->cpus);
	if (options->irqchip > AX_IRQCHIP_SPLIT && options->irqchip != AX_MACHINE_IRQCHIP_AUTO)
		return ax_error_argument(err, -EINVAL, "%" PRIu32 " is no irqchip",
					 options->irqchip);
	if (!is_replay(options) && !options->image == !options->firmware)
		return ax_error_argument(err, -EINVAL, "a machine needs an image or firmware%s",
					 options->image ? ", not both" : "");
	if (options->firmware && !board.load_firmware)
		return ax_error_set(
			err, -ENOTSUP, AX_ERROR_UNSUPPORTED, 0,
			"%s: this machine has no place for firmware, as arm64's has: give it what "
			"is to be started as its image",
			options->firmware->name ? options->firmware->name : "firmware");
	if (options->device_count > board.virtio.count)
		return ax_error_argument(err, -EINVAL,
					 "%" PRIu32
					 " virtio devices are too many: this machine has %" PRIu32
					 " slots for them",
					 options->device_count, board.virtio.count);
	if (options->device_count && !options->devices)
		return ax_error_argument(err, -EINVAL,
					 "there are %" PRIu32 " devices, but no list of them",
					 options->device_count);
	return 0;
}

static void phase(const AxMachineOptions *options, const char *name)
{
	if (options->phase)
		options->phase(options->phase_opaque, name);
}

/* Where the irqchip was not asked for by name, and KVM lacks it, another may do. */
static int create_vm(AxMachine *machine, const AxMachineOptions *options, AxVmOptions *vm_options,
		     AxError *err)
{
	AxError first = AX_ERROR_INIT, second = AX_ERROR_INIT;
	uint32_t instead = board_irqchip_instead(machine->irqchip);
	int ret;

	if (options->irqchip != AX_MACHINE_IRQCHIP_AUTO || instead == machine->irqchip)
		return ax_vm_create(vm_options, &machine->vm, err);
	ret = ax_vm_create(vm_options, &machine->vm, &first);
	if (ret == -ENOTSUP) {
		vm_options->irqchip = instead;
		ret = ax_vm_create(vm_options, &machine->vm, &second);
		if (ret)
			return ax_error_set(err, -ENOTSUP, AX_ERROR_UNSUPPORTED, 0,
					    "Linux and virtio devices want interrupts of KVM's: "
					    "%.160s; %.160s",
					    first.message, second.message);
		machine->irqchip = instead;
	} else if (ret && err) {
		*err = first;
	}
	return ret;
}

static int make_vm(AxMachine *machine, const AxMachineOptions *options, AxError *err)
{
	AxVmOptions vm_options = AX_VM_OPTIONS_INIT;
	int ret;

	vm_options.kvm_path = options->kvm_path;
	vm_options.irqchip = machine->irqchip;
	vm_options.unclaimed = options->unclaimed;
	vm_options.power = board_power(options);
	vm_options.log = options->log;
	vm_options.log_opaque = options->log_opaque;
	vm_options.record = options->record;
	vm_options.phase = options->phase;
	vm_options.phase_opaque = options->phase_opaque;
	ret = create_vm(machine, options, &vm_options, err);
	if (ret)
		return ret;
	return board_add_ram(machine->vm, options->memory,
			     options->features & AX_MACHINE_SHARED_MEMORY ? AX_RAM_MEMFD : 0, err);
}

/* The test device, and what else guests/abi.h promises. Before the first vCPU. */
static int make_test_host(AxMachine *machine, const AxMachineOptions *options, AxError *err)
{
	AxTestDevConfig config = AX_TESTDEV_CONFIG_INIT;
	unsigned hypercalls = 0;
	int ret;

	if (options->features & AX_MACHINE_TEST_READONLY) {
		ret = testhost_add_readonly(machine->vm, board.test_base, err);
		if (ret)
			return ret;
		config.flags |= AX_TESTDEV_COUNT_READONLY;
	}
	if (options->features & AX_MACHINE_TEST_SYS_REGS) {
		ret = board_add_sys_regs(machine, err);
		if (ret)
			return ret;
	}
	if (options->features & AX_MACHINE_TEST_HYPERCALL_TRAP)
		hypercalls |= AX_HYPERCALL_TRAP;
	if (options->features & AX_MACHINE_TEST_HYPERCALL_MAP)
		hypercalls |= AX_HYPERCALL_MAP_GPA;
	if (options->features & AX_MACHINE_SBI_CONSOLE)
		hypercalls |= AX_HYPERCALL_CONSOLE;
	ret = testhost_add_hypercalls(&machine->testhost, machine->vm, board.test_base,
				      board.test_port, hypercalls, err);
	if (ret)
		return ret;

	if (machine->irqchip == AX_IRQCHIP_KERNEL || machine->irqchip == AX_IRQCHIP_SPLIT)
		config.flags |= AX_TESTDEV_NO_RAISE;
	config.host = options->host;
	ret = ax_testdev_new(&config, &machine->test, err);
	if (ret)
		return ret;
	ret = ax_testdev_attach(machine->test, machine->vm, board.test_base, board.test_port, err);
	if (ret)
		return ret;
	return testhost_add_kicks(&machine->testhost, machine->vm, machine->test, err);
}

static int create_vcpus(AxMachine *machine, AxError *err)
{
	AxVCpu *vcpu;
	int ret = 0;

	for (uint32_t id = 0; !ret && id < machine->cpus; id++)
		ret = ax_vcpu_create(machine->vm, id, &vcpu, err);
	return ret;
}

/* Put the image, or firmware, into memory, with the board's device tree unless the caller has one. */
static int load_image(AxMachine *machine, const AxMachineOptions *options, AxVCpuSetup *setup,
		      AxBootRegisters *registers, AxError *err)
{
	AxLoadOptions load = AX_LOAD_OPTIONS_INIT;
	void *tree = NULL;
	int ret = 0;

	if (options->load && !boot_sized(options->load, sizeof(load)))
		return ax_error_argument(
			err, -EINVAL, "AxMachineOptions.load has no size that this library knows");
	if (options->load)
		load = *options->load;
	load.size = sizeof(load);
	if (!load.device_tree) {
		ret = board_tree(machine, &tree, &load.device_tree_len, err);
		load.device_tree = tree;
	}
	if (!ret && board.write_tables && !load.acpi_rsdp)
		ret = board.write_tables(machine, &load.acpi_rsdp, err);
	if (!ret && options->firmware)
		ret = board.load_firmware(machine, options->firmware, &load, setup, err);
	else if (!ret)
		ret = load_into(machine->vm, options->image, &load, setup, registers,
				&machine->tree, err);
	free(tree);
	return ret;
}

/* Have the first vCPU begin at the image, and the others wait. */
static int set_vcpus_up(AxMachine *machine, const AxMachineOptions *options, AxError *err)
{
	AxVCpuSetup setup = AX_VCPU_SETUP_INIT;
	AxBootRegisters registers = AX_BOOT_REGISTERS_INIT;
	uint32_t flags = options->features & AX_MACHINE_NO_CPUID ? AX_SETUP_NO_CPUID : 0;
	AxVCpu *vcpu = ax_vm_vcpu(machine->vm, 0);
	int ret;

	ret = load_image(machine, options, &setup, &registers, err);
	phase(options, "loading");
	if (ret)
		return ret;
	setup.flags |= flags;
	ret = ax_boot_setup(vcpu, &setup, &registers, err);
	if (!ret && (options->features & AX_MACHINE_TEST_BAD_ENTRY))
		ret = board_spoil_entry(vcpu, err);
	if (ret)
		return ret;

	for (uint32_t id = 1; id < machine->cpus; id++) {
		AxVCpuSetup waiting = AX_VCPU_SETUP_INIT;

		waiting.flags = flags | board_secondary_flags(machine->irqchip);
		ret = ax_vcpu_setup(ax_vm_vcpu(machine->vm, id), &waiting, err);
		if (ret)
			return ret;
	}
	return 0;
}

/* Devices into the slots, in their order. */
static int attach_virtio(AxMachine *machine, const AxMachineOptions *options, AxError *err)
{
	const struct board_slots *slots = &board.virtio;
	AxIrq irq;
	int ret;

	for (uint32_t i = 0; i < options->device_count; i++) {
		/* A replay has no devices that it cannot replay. */
		if (!options->devices[i])
			continue;
		ret = board_irq(machine, slots->line + i, &irq, err);
		if (!ret)
			ret = ax_virtio_attach(options->devices[i], machine->vm,
					       slots->base + i * slots->stride, &irq,
					       board_trigger(machine), err);
		if (ret)
			return ret;
		machine->devices[i] = options->devices[i];
	}
	return 0;
}

/* Console; what only this board has; then the serial port. After the vCPUs: they take the
 * interrupts. */
static int make_devices(AxMachine *machine, const AxMachineOptions *options, AxError *err)
{
	AxConsoleConfig console = AX_CONSOLE_CONFIG_INIT;
	AxIrq irq;
	int ret;

	console.output = options->console;
	console.host = options->console_host;
	ret = ax_console_new(&console, &machine->console, err);
	if (ret)
		return ret;

	machine->testhost.console = ax_console_sink(machine->console);
	ret = board_attach(machine, err);
	if (!ret)
		ret = serial_new(&machine->serial, &board.serial, ax_console_sink(machine->console),
				 options->input_room, options->input_opaque, err);
	if (!ret)
		ret = board_irq(machine, board.serial_line, &irq, err);
	if (!ret)
		ret = serial_attach(&machine->serial, &board.serial, machine->vm, &irq, err);
	return ret ? ret : attach_virtio(machine, options, err);
}

static int build(const AxMachineOptions *options, AxMachine **out, AxError *err)
{
	AxMachine *machine;
	int ret;

	machine = calloc(1, sizeof(*machine));
	if (!machine)
		return ax_error_set(err, -ENOMEM, AX_ERROR_RESOURCE, 0, "no memory for a machine");
	machine->devices = calloc(board.virtio.count, sizeof(AxVirtio *));
	if (!machine->devices) {
		free(machine);
		return ax_error_set(err, -ENOMEM, AX_ERROR_RESOURCE, 0, "no memory for a machine");
	}
	machine->device_count = options->device_count;
	machine->cpus = options->cpus;
	machine->memory = options->memory;
	machine->host = options->host;
	machine->irqchip = board_irqchip(options);
	if (options->record && !is_replay(options))
		describe_machine(options, machine->irqchip, board_power(options));

	ret = make_vm(machine, options, err);
	phase(options, "memory");
	if (!ret)
		ret = make_test_host(machine, options, err);
	phase(options, "test device");
	if (!ret)
		ret = create_vcpus(machine, err);
	phase(options, "creating vCPUs");
	if (!ret && !is_replay(options))
		ret = set_vcpus_up(machine, options, err);
	phase(options, "setting vCPUs up");
	if (!ret)
		ret = make_devices(machine, options, err);
	phase(options, "devices");
	if (ret) {
		ax_machine_free(machine);
		return ret;
	}
	*out = machine;
	return 0;
}

int ax_machine_new(const AxMachineOptions *options, AxMachine **out, AxError *err)
{
	AxImageSource unpacked = AX_IMAGE_SOURCE_INIT;
	AxMachineOptions own;
	int ret;

	ret = check_options(options, err);
	if (ret)
		return ret;
	own = *options;
	/* First of all: boards look at the image. */
	if (own.image && boot_sized(own.image, sizeof(*own.image)))
		ret = boot_unpack(own.image, load_arch.machine, own.memory, &unpacked, err);
	if (unpacked.bytes)
		phase(options, "unpacking");
	if (ret)
		return ret;
	if (unpacked.bytes)
		own.image = &unpacked;
	ret = build(&own, out, err);
	ax_image_file_close(&unpacked);
	return ret;
}

void ax_machine_free(AxMachine *machine)
{
	if (!machine)
		return;
	/* Nothing runs, so that detaching cannot be refused. The serial port's line leads to a device
	 * of the board. */
	for (uint32_t i = machine->device_count; i-- > 0;) {
		if (machine->devices[i])
			ax_virtio_detach(machine->devices[i], NULL);
	}
	serial_detach(&machine->serial);
	board_detach(machine);
	if (machine->test)
		ax_testdev_detach(machine->test, NULL);
	ax_vm_destroy(machine->vm);
	serial_free(&machine->serial);
	ax_testdev_free(machine->test);
	ax_console_free(machine->console);
	replay_devices_free(machine->replayed);
	free(machine->devices);
	free(machine->tree.bytes);
	free(machine);
}

AxVm *ax_machine_vm(AxMachine *machine)
{
	return machine->vm;
}

void ax_machine_stop(AxMachine *machine, int code)
{
	ax_vm_stop(machine->vm, code);
}

size_t ax_machine_input(AxMachine *machine, const void *bytes, size_t len)
{
	return serial_input(&machine->serial, bytes, len);
}

size_t ax_machine_input_room(AxMachine *machine)
{
	return serial_input_room(&machine->serial);
}

bool ax_machine_input_break(AxMachine *machine)
{
	return serial_input_break(&machine->serial);
}

int ax_machine_power_button(AxMachine *machine, AxError *err)
{
	return board_power_button(machine, err);
}

int ax_machine_device_tree(const AxMachine *machine, const void **tree, size_t *len, AxError *err)
{
	if (!machine->tree.bytes)
		return ax_error_set(err, -ENOTSUP, AX_ERROR_UNSUPPORTED, 0,
				    "this machine has no device tree");
	*tree = machine->tree.bytes;
	*len = machine->tree.len;
	return 0;
}

int ax_machine_acpi_tables(const AxMachine *machine, const void **tables, size_t *len, AxError *err)
{
	return board_acpi_tables(machine, tables, len, err);
}

static bool covers(const struct board_place *place, AxSpace space, uint64_t address)
{
	return place->space == space && address >= place->base &&
	       address - place->base < place->length;
}

static const char *whose_address(const AxMachine *machine, AxSpace space, uint64_t address)
{
	AxRamInfo ram;

	for (size_t i = 0; i < board.place_count; i++) {
		if (covers(&board.places[i], space, address))
			return board.places[i].name;
	}
	for (unsigned i = 0; space == AX_SPACE_MMIO && ax_ram_info(machine->vm, i, &ram); i++) {
		if (address >= ram.base && address - ram.base < ram.size)
			return ram.flags & AX_RAM_READONLY ? "read-only RAM" : "RAM";
	}
	return NULL;
}

const char *ax_machine_whose(const AxMachine *machine, const AxVCpuExitReason *exit)
{
	switch (exit->kind) {
	case AX_EXIT_IO_READ: return whose_address(machine, AX_SPACE_PORT, exit->io_read.port);
	case AX_EXIT_IO_WRITE: return whose_address(machine, AX_SPACE_PORT, exit->io_write.port);
	case AX_EXIT_MMIO_READ: return whose_address(machine, AX_SPACE_MMIO, exit->mmio_read.addr);
	case AX_EXIT_MMIO_WRITE:
		return whose_address(machine, AX_SPACE_MMIO, exit->mmio_write.addr);
	case AX_EXIT_NESTED_PAGE_FAULT:
		if (!exit->nested_page_fault.addr_known)
			return NULL;
		return whose_address(machine, AX_SPACE_MMIO, exit->nested_page_fault.addr);
	default: return NULL;
	}
}

bool ax_machine_place(const AxMachine *machine, unsigned index, AxMachinePlace *place)
{
	(void)machine;
	if (index >= board.place_count)
		return false;
	place->space = (uint32_t)board.places[index].space;
	place->base = board.places[index].base;
	place->length = board.places[index].length;
	place->name = board.places[index].name;
	return true;
}

uint32_t ax_machine_slots(void)
{
	return board.virtio.count;
}
