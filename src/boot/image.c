/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What an image is: the machines, the formats, and the order in which they are tried.
 */
#include <config.h>

#include <errno.h>
#include <string.h>

#include "boot/linux_x86.h"

/*
 * Flat binaries go by default where QEMU's boards `virt` put a file without a header. What lies
 * below is for the device tree on arm64, for firmware on riscv64.
 */
static const struct boot_machine machines[] = {
	[AX_IMAGE_FOR_X86_64] = {
		.arch = "x86_64",
		.name = "x86-64",
		.accepted = "Linux bzImage and vmlinux, PVH, ELF64 for x86-64, ELF32 for i386, "
			    "multiboot 1, "
			    "flat binary with mode and load address",
		.limit = FOUR_GIB,
		.has_modes = true,
		.has_multiboot = true,
	},
	[AX_IMAGE_FOR_ARM64] = {
		.arch = "arm64",
		.name = "arm64",
		.accepted = "arm64 Image (also by gzip, or as EFI zboot), ELF64 for AArch64, "
			    "flat binary",
		.limit = UINT64_MAX,
		.has_packed = true,
		.flat_offset = 0x80000,
	},
	[AX_IMAGE_FOR_RISCV64] = {
		.arch = "riscv64",
		.name = "riscv64",
		.accepted = "riscv64 Image (also by gzip, or as EFI zboot), ELF64 for RISC-V, "
			    "flat binary",
		.limit = UINT64_MAX,
		.has_packed = true,
		.flat_offset = 2 * ONE_MIB,
	},
};

#define MACHINE_COUNT (sizeof(machines) / sizeof(machines[0]))

const struct boot_machine *boot_machine(uint32_t machine)
{
	return machine < MACHINE_COUNT && machines[machine].name ? &machines[machine] : NULL;
}

/* The row of the architecture that configure chose. */
static uint32_t this_machine(void)
{
	uint32_t machine = MACHINE_COUNT - 1;

	while (machine > 0 && strcmp(machines[machine].arch, AX_ARCH_NAME) != 0)
		machine--;
	return machine;
}

const char *ax_image_machine_name(uint32_t machine)
{
	const struct boot_machine *row =
		boot_machine(machine == AX_IMAGE_FOR_THIS ? this_machine() : machine);

	return row ? row->name : "unknown";
}

const char *ax_image_format_name(uint32_t format)
{
	switch (format) {
	case AX_IMAGE_FLAT: return "flat binary";
	case AX_IMAGE_ELF32: return "ELF32";
	case AX_IMAGE_ELF64: return "ELF64";
	case AX_IMAGE_MULTIBOOT: return "multiboot";
	case AX_IMAGE_ARM64: return "arm64 Image";
	case AX_IMAGE_RISCV64: return "riscv64 Image";
	case AX_IMAGE_BZIMAGE: return "bzImage";
	case AX_IMAGE_PVH: return "PVH";
	case AX_IMAGE_VMLINUX: return "vmlinux";
	default: return "unknown";
	}
}

static const char *mode_name(uint32_t mode)
{
	switch (mode) {
	case AX_MODE_REAL: return "real";
	case AX_MODE_PROTECTED: return "protected";
	case AX_MODE_LONG: return "long";
	default: return "native";
	}
}

static int check_hints(const AxImageHints *hints, AxError *err)
{
	const char *name = hints->name;

	if (hints->machine != AX_IMAGE_FOR_THIS && !boot_machine(hints->machine))
		return boot_error(err, AX_ERROR_ARGUMENT, 0, -EINVAL, name,
				  "there is no machine %u", hints->machine);
	if (hints->given & ~(AX_HINT_MODE | AX_HINT_LOAD))
		return boot_error(err, AX_ERROR_ARGUMENT, 0, -EINVAL, name, "there is no hint 0x%x",
				  hints->given);
	if ((hints->given & AX_HINT_MODE) && hints->mode > AX_MODE_LONG)
		return boot_error(err, AX_ERROR_ARGUMENT, 0, -EINVAL, name,
				  "there is no CPU mode %u", hints->mode);
	if (hints->ram_count == 0 || hints->ram_count > AX_RAM_RANGES_MAX || !hints->ram)
		return boot_error(err, AX_ERROR_ARGUMENT, 0, -EINVAL, name,
				  "%u ranges of RAM, but 1 to %d are possible", hints->ram_count,
				  AX_RAM_RANGES_MAX);
	for (unsigned i = 0; i < hints->ram_count; i++) {
		const AxRamRange *ram = &hints->ram[i];

		if (ram->size == 0 || ram->size > UINT64_MAX - ram->base)
			return boot_error(err, AX_ERROR_ARGUMENT, 0, -EINVAL, name,
					  "RAM at 0x%llx with size 0x%llx wraps or is empty",
					  (unsigned long long)ram->base,
					  (unsigned long long)ram->size);
	}
	return 0;
}

/* A format that says mode and address itself: what the caller said has to be the same. */
static int check_agreement(const AxImageHints *hints, const AxImagePlan *plan, AxError *err)
{
	const char *format = ax_image_format_name(plan->format);

	if ((hints->given & AX_HINT_MODE) && hints->mode != plan->mode)
		return boot_error(
			err, AX_ERROR_ARGUMENT, 0, -EINVAL, hints->name,
			"is %s, which starts in %s mode, not in %s mode: leave the mode out "
			"(it is for flat binaries)",
			format, mode_name(plan->mode), mode_name(hints->mode));
	if ((hints->given & AX_HINT_LOAD) && hints->load != plan->segments[0].gpa)
		return boot_error(
			err, AX_ERROR_ARGUMENT, 0, -EINVAL, hints->name,
			"is %s, which goes to 0x%llx by itself, not to 0x%llx: leave the load "
			"address out (it is for flat binaries)",
			format, (unsigned long long)plan->segments[0].gpa,
			(unsigned long long)hints->load);
	return 0;
}

int ax_image_parse(const void *bytes, size_t len, const AxImageHints *hints, AxImagePlan *plan,
		   AxError *err)
{
	struct image image = { .bytes = bytes, .len = len, .hints = hints };
	const struct boot_machine *machine;
	uint32_t needed = AX_HINT_LOAD;
	size_t header;
	int ret;

	if (!boot_sized(hints, sizeof(*hints)) || !plan || plan->size < sizeof(*plan) ||
	    (!bytes && len))
		return boot_error(err, AX_ERROR_ARGUMENT, 0, -EINVAL, "ax_image_parse",
				  "an argument is missing, or its size is not set");
	ret = check_hints(hints, err);
	if (ret)
		return ret;
	image.machine = hints->machine == AX_IMAGE_FOR_THIS ? this_machine() : hints->machine;
	machine = boot_machine(image.machine);
	if (machine->has_modes)
		needed |= AX_HINT_MODE;

	memset((char *)plan + sizeof(plan->size), 0, sizeof(*plan) - sizeof(plan->size));
	plan->machine = image.machine;
	if (len == 0)
		return boot_refused(&image, err, NULL, "empty");
	if (machine->has_multiboot && boot_multiboot_found(&image, &header))
		ret = boot_multiboot_parse(&image, header, plan, err);
	else if (boot_elf_found(&image))
		ret = boot_elf_parse(&image, plan, err);
	else if (boot_bzimage_found(&image))
		ret = boot_bzimage_parse(&image, plan, err);
	else if (boot_linux_found(&image))
		ret = boot_linux_parse(&image, plan, err);
	else if ((hints->given & needed) == needed ||
		 (machine->flat_offset && !boot_foreign_found(&image)))
		return boot_flat_parse(&image, plan, err);
	else
		return boot_foreign_refused(&image, err);
	return ret ? ret : check_agreement(hints, plan, err);
}
