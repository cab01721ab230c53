/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Fuzz target: loading any image with any options into a VM on the fake KVM, whose RAM still holds
 * what the inputs before left there. Afterwards RAM has to hold every segment and module, so that
 * nothing was put over anything else. The input begins with the options:
 *   given, mode, RAM layout, number of modules, length of the command line (a byte each), load
 *   address (4 bytes); the rest is the file, and also what modules are made of.
 */
#include <axvmm/memory.h>
#include <axvmm/vm.h>

#include "tests/fuzz/fuzz_image.h"
#include "tests/unit/fake_sys.h"

#define OPTIONS_SIZE 9
#define MODULES	     3
#define LAYOUTS	     3

static const struct {
	unsigned count;
	AxRamRange ram[3];
} layouts[LAYOUTS] = {
	{ 1, { { 0, 0x20000 } } },
	{ 1, { { 0, 0x200000 } } },
	{ 3, { { 0, 0xa0000 }, { 0x100000, 0x80000 }, { 0x100000000, 0x10000 } } },
};

/* One for each layout, for the life of the process. */
static AxVm *vms[LAYOUTS];

static AxVm *get_vm(unsigned layout)
{
	AxVm *vm = vms[layout];

	if (vm)
		return vm;
	if (ax_vm_create(NULL, &vm, NULL))
		fuzz_breach("no VM");
	for (unsigned i = 0; i < layouts[layout].count; i++) {
		const AxRamRange *ram = &layouts[layout].ram[i];

		if (ax_ram_add(vm, ram->base, ram->size, 0, NULL))
			fuzz_breach("no RAM");
	}
	vms[layout] = vm;
	return vm;
}

static uint8_t *guest_memory(AxVm *vm, uint64_t gpa, uint64_t len)
{
	AxMemView view;
	uint8_t *host;

	if (ax_mem_get(vm, gpa, len, AX_MEM_READ, &view))
		fuzz_breach("what was loaded is not in RAM");
	host = view.host;
	ax_mem_put(vm, &view, 0);
	return host;
}

static void check_segments(AxVm *vm, const AxImagePlan *plan, const uint8_t *file)
{
	for (uint32_t i = 0; i < plan->segment_count; i++) {
		const AxImageSegment *segment = &plan->segments[i];
		const uint8_t *host = guest_memory(vm, segment->gpa, segment->memory_size);

		if (memcmp(host, file + segment->file_offset, segment->file_size) != 0)
			fuzz_breach("a segment is not in RAM");
		for (uint64_t at = segment->file_size; at < segment->memory_size; at++) {
			if (host[at])
				fuzz_breach("bss is not zero");
		}
	}
}

static uint64_t get_register(const AxBootRegisters *regs, const char *name)
{
	for (uint32_t i = 0; i < regs->count; i++) {
		if (strcmp(regs->registers[i].name, name) == 0)
			return regs->registers[i].value;
	}
	fuzz_breach("a register is not set");
	return 0;
}

/* The information says where the modules are; they are there. */
static void check_multiboot(AxVm *vm, const AxLoadOptions *options, const AxBootRegisters *regs)
{
	uint64_t info = get_register(regs, "rbx");
	uint32_t words[7], module[4];

	if (get_register(regs, "rax") != AX_MULTIBOOT_MAGIC)
		fuzz_breach("no magic for a multiboot image");
	memcpy(words, guest_memory(vm, info, sizeof(words)), sizeof(words));
	if (words[5] != options->module_count)
		fuzz_breach("the number of modules is wrong");
	for (uint32_t i = 0; i < words[5]; i++) {
		const AxImageSource *source = &options->modules[i].source;

		memcpy(module, guest_memory(vm, words[6] + 16ull * i, 16), 16);
		if (module[0] % 4096 || module[1] - module[0] != source->len ||
		    memcmp(guest_memory(vm, module[0], source->len), source->bytes, source->len) !=
			    0)
			fuzz_breach("a module is not in RAM");
	}
}

/* GDT and page tables begin as they must. */
static void check_tables(AxVm *vm, const AxVCpuSetup *setup, const AxBootRegisters *regs)
{
	uint64_t word;

	if (setup->mode == AX_MODE_REAL)
		return;
	memcpy(&word, guest_memory(vm, get_register(regs, "gdt.base") + AX_BOOT_SELECTOR_DATA, 8),
	       8);
	if (word != 0x00cf93000000ffff)
		fuzz_breach("the GDT is not in RAM");
	if (setup->mode != AX_MODE_LONG)
		return;
	memcpy(&word, guest_memory(vm, setup->page_table, 8), 8);
	if ((word & 0xfff) != 0x23)
		fuzz_breach("the page tables are not in RAM");
}

static void check_loaded(unsigned layout, const AxImageSource *source, const AxLoadOptions *options,
			 const AxVCpuSetup *setup, const AxBootRegisters *regs)
{
	AxImageHints hints = AX_IMAGE_HINTS_INIT;
	AxImagePlan plan;

	hints.given = options->given;
	hints.mode = options->mode;
	hints.load = options->load;
	hints.machine = AX_IMAGE_FOR_X86_64;
	hints.ram = layouts[layout].ram;
	hints.ram_count = layouts[layout].count;
	if (!fuzz_parse(source->bytes, source->len, &hints, &plan))
		fuzz_breach("an image was loaded that is none");
	if (setup->entry != plan.entry || setup->mode != plan.mode)
		fuzz_breach("the vCPU begins elsewhere than the plan says");
	check_segments(vms[layout], &plan, source->bytes);
	if (plan.format == AX_IMAGE_MULTIBOOT)
		check_multiboot(vms[layout], options, regs);
	check_tables(vms[layout], setup, regs);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	AxImageSource source = AX_IMAGE_SOURCE_INIT;
	AxLoadOptions options = AX_LOAD_OPTIONS_INIT;
	AxBootRegisters regs = AX_BOOT_REGISTERS_INIT;
	AxVCpuSetup setup = AX_VCPU_SETUP_INIT;
	AxLoadModule modules[MODULES];
	AxError err = AX_ERROR_INIT;
	char line[256] = { 0 };
	unsigned layout;
	int ret;

	if (size < OPTIONS_SIZE)
		return 0;
	layout = data[2] % LAYOUTS;
	options.given = data[0] & 3;
	options.mode = data[1] % 4;
	options.module_count = data[3] % (MODULES + 1);
	memset(line, 'x', data[4]);
	options.command_line = line;
	for (unsigned i = 0; i < 4; i++)
		options.load |= (uint64_t)data[5 + i] << (8 * i);
	source.bytes = data + OPTIONS_SIZE;
	source.len = size - OPTIONS_SIZE;
	for (unsigned i = 0; i < MODULES; i++) {
		modules[i].source = source;
		modules[i].source.len = source.len >> i;
		modules[i].source.name = line;
		modules[i].string = NULL;
	}
	options.modules = modules;
	ret = ax_image_load(get_vm(layout), &source, &options, &setup, &regs, &err);
	if (ret == 0)
		check_loaded(layout, &source, &options, &setup, &regs);
	else if (ret != -ENOEXEC && ret != -EINVAL && ret != -ENOSPC && ret != -ENOTSUP)
		fuzz_breach("an errno that is not documented");
	return 0;
}
