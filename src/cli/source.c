/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a run boots.
 */
#include <string.h>
#include <sys/stat.h>

#include <axvmm/probe.h>

#include "cli/cli.h"
#include "cli/source.h"
#include "guests/abi.h"
#include "guests/words.h"

static int open_file(const char *path, AxImageSource *file)
{
	AxError err = AX_ERROR_INIT;

	*file = (AxImageSource)AX_IMAGE_SOURCE_INIT;
	if (ax_image_file_open(path, file, &err))
		return cli_failure(NULL, &err);
	return STATUS_OK;
}

int source_open(struct source *source, const struct run_options *options)
{
	const struct embedded_guest *guest = options->guest;
	int status;

	source->image = (AxImageSource)AX_IMAGE_SOURCE_INIT;
	source->firmware = (AxImageSource)AX_IMAGE_SOURCE_INIT;
	source->dtb = (AxImageSource)AX_IMAGE_SOURCE_INIT;
	source->load = (AxLoadOptions)AX_LOAD_OPTIONS_INIT;
	source->load.given = options->given;
	source->load.mode = options->mode;
	source->load.load = options->load;
	source->load.command_line = options->command_line;
	source->load.modules = source->modules;
	source->load.flags = options->map_images ? AX_LOAD_MAP : 0;

	if (guest) {
		source->image.name = guest->name;
		source->image.bytes = guest->image;
		source->image.len = guest->size;
	} else if (options->image) {
		status = open_file(options->image, &source->image);
		if (status)
			return status;
	}
	if (options->firmware) {
		status = open_file(options->firmware, &source->firmware);
		if (status)
			return status;
	}
	if (options->dtb) {
		status = open_file(options->dtb, &source->dtb);
		if (status)
			return status;
		source->load.device_tree = source->dtb.bytes;
		source->load.device_tree_len = source->dtb.len;
	}
	if (guest && guest->flat) {
		source->load.given = AX_HINT_MODE | AX_HINT_LOAD;
		source->load.mode = embedded_guest_mode(guest->mode);
		source->load.load = guest->load;
	}
	for (unsigned i = 0; i < options->initrd_count; i++) {
		status = open_file(options->initrd[i], &source->modules[i].source);
		if (status)
			return status;
		source->load.module_count = i + 1;
	}
	return STATUS_OK;
}

void source_close(struct source *source, const struct run_options *options)
{
	if (!options->guest)
		ax_image_file_close(&source->image);
	ax_image_file_close(&source->firmware);
	ax_image_file_close(&source->dtb);
	for (unsigned i = 0; i < source->load.module_count; i++)
		ax_image_file_close(&source->modules[i].source);
}

const char *source_name(const struct run_options *options)
{
	if (options->guest)
		return options->guest->name;
	return options->image ? options->image : options->firmware;
}

static bool is_same(const char *path, const struct stat *file)
{
	struct stat other;

	return path && !stat(path, &other) && other.st_dev == file->st_dev &&
	       other.st_ino == file->st_ino;
}

const char *source_option_of(const struct run_options *options, const char *path)
{
	struct stat file;

	if (stat(path, &file) || !S_ISREG(file.st_mode))
		return NULL;
	if (is_same(options->image, &file))
		return "--kernel";
	if (is_same(options->firmware, &file))
		return "--firmware";
	if (is_same(options->dtb, &file))
		return "--dtb";
	if (is_same(options->config, &file))
		return "--config";
	for (unsigned i = 0; i < options->initrd_count; i++) {
		if (is_same(options->initrd[i], &file))
			return "--initrd";
	}
	for (const struct device_options *d = options->devices; d; d = d->next) {
		if (d->kind == DEVICE_DISK && is_same(d->disk.path, &file))
			return "--disk";
	}
	return NULL;
}

uint32_t source_cpus(const struct run_options *options)
{
	if (options->cpus)
		return options->cpus;
	return options->guest ? options->guest->cpus : 1;
}

void source_describe(const struct source *source, const struct run_options *options,
		     AxMachineOptions *machine)
{
	const struct embedded_guest *guest = options->guest;

	machine->image = options->image || guest ? &source->image : NULL;
	machine->firmware = options->firmware ? &source->firmware : NULL;
	machine->load = &source->load;
	machine->cpus = source_cpus(options);
	if (guest) {
		machine->memory = guest->memory;
		machine->irqchip = embedded_guest_irqchip(guest->irqchip);
		machine->features = embedded_guest_features(guest);
		machine->power = embedded_guest_power(guest);
		if (embedded_guest_needs(guest, "unclaimed-stop"))
			machine->unclaimed = AX_UNCLAIMED_STOP;
	}
	if (options->no_cpuid)
		machine->features |= AX_MACHINE_NO_CPUID;
	if (options->memory)
		machine->memory = options->memory;
	if (options->irqchip >= 0)
		machine->irqchip = (uint32_t)options->irqchip;
	if (options->power >= 0)
		machine->power = (uint32_t)options->power;
	if (options->unclaimed >= 0)
		machine->unclaimed = (uint32_t)options->unclaimed;
}

int source_prepare(const struct run_options *options, AxMachine *machine, AxError *err)
{
	const struct embedded_guest *guest = options->guest;
	uint64_t breakpoint;

	if (guest && embedded_guest_needs(guest, "exit-hypercall") &&
	    ax_kvm_kind() == AX_KVM_SOFTWARE)
		cli_message("%s: this KVM interprets guest kernels: VMCALL may never return here%s",
			    guest->name, options->timeout_ns ? "" : "; --timeout ends it");
	if (!guest || !(embedded_guest_needs(guest, "guest-debug") ||
			embedded_guest_needs(guest, "guest-ebreak")))
		return 0;
	breakpoint = guest->load + AX_GUEST_HWBREAK;
	return ax_vcpu_set_debug(ax_vm_vcpu_at(ax_machine_vm(machine), 0), false, &breakpoint,
				 embedded_guest_needs(guest, "guest-debug") ? 1 : 0, err);
}
