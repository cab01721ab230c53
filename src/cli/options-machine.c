/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Options of "axvmm run" with one value, and those without.
 */
#include <inttypes.h>
#include <string.h>
#include <unistd.h>

#include <axvmm/machine.h>

#include "cli/cli.h"
#include "cli/control.h"
#include "cli/number.h"
#include "cli/options-private.h"

static int parse_mode(const char *text, struct run_options *options)
{
	static const char *const names[] = { "real", "protected", "long", NULL };
	static const uint32_t modes[] = { AX_MODE_REAL, AX_MODE_PROTECTED, AX_MODE_LONG };
	int index = parse_name(text, names);

	if (index < 0)
		return options_refuse(
			options, "--mode %s: unknown; real, protected and long are known", text);
	options->mode = modes[index];
	options->given |= AX_HINT_MODE;
	return STATUS_OK;
}

static int parse_memory(const char *text, struct run_options *options)
{
	long pages = sysconf(_SC_PHYS_PAGES);
	long page_size = sysconf(_SC_PAGESIZE);
	char asked[NUMBER_TEXT_SIZE], has[NUMBER_TEXT_SIZE];
	uint64_t host;

	if (!parse_size(text, &options->memory))
		return options_refuse(options,
				      "--memory %s: no size; 64M, 1G and 0x4000000 are some", text);
	if (!options->memory)
		return options_refuse(options,
				      "--memory %s: a guest needs some; 128M is the default", text);
	if (options->memory % AX_MACHINE_MEMORY_UNIT) {
		uint64_t units = options->memory / AX_MACHINE_MEMORY_UNIT + 1;
		bool plain = strspn(text, "0123456789") == strlen(text);

		return options_refuse(
			options,
			"--memory %s: not a multiple of %d bytes; %" PRIu64 "K would be%s%s%s",
			text, AX_MACHINE_MEMORY_UNIT, units * (AX_MACHINE_MEMORY_UNIT / 1024),
			plain ? ", and " : "", plain ? text : "", plain ? "M is so many MiB" : "");
	}
	if (pages <= 0 || page_size <= 0)
		return STATUS_OK;
	host = (uint64_t)pages * (uint64_t)page_size;
	if (options->memory > host)
		return options_refuse(options, "--memory %s: %s is more than this host's %s", text,
				      format_size(options->memory, asked), format_size(host, has));
	return STATUS_OK;
}

static int parse_cpus(const char *text, struct run_options *options)
{
	uint64_t number;

	if (!parse_number(text, AX_MACHINE_CPUS_MAX, &number) || !number)
		return options_refuse(options, "--cpus %s: not a number from 1 to %d", text,
				      AX_MACHINE_CPUS_MAX);
	options->cpus = (uint32_t)number;
	return STATUS_OK;
}

static int parse_irqchip(const char *text, struct run_options *options)
{
	static const char *const names[] = { [AX_IRQCHIP_NONE] = "none",
					     [AX_IRQCHIP_KERNEL] = "kernel",
					     [AX_IRQCHIP_USER] = "user",
					     [AX_IRQCHIP_SPLIT] = "split",
					     NULL };

	options->irqchip = strcmp(text, "auto") != 0 ? parse_name(text, names) : -1;
	if (options->irqchip < 0 && strcmp(text, "auto") != 0)
		return options_refuse(
			options,
			"--irqchip %s: unknown; auto, none, kernel, user and split are "
			"known",
			text);
	return STATUS_OK;
}

static int parse_power(const char *text, struct run_options *options)
{
	static const char *const names[] = { [AX_POWER_AUTO] = "auto",
					     [AX_POWER_KERNEL] = "kernel",
					     [AX_POWER_USER] = "user",
					     NULL };

	options->power = parse_name(text, names);
	if (options->power < 0)
		return options_refuse(options,
				      "--power %s: unknown; auto, kernel and user are known", text);
	return STATUS_OK;
}

static int parse_unclaimed(const char *text, struct run_options *options)
{
	static const char *const names[] = { [AX_UNCLAIMED_ONES] = "ones",
					     [AX_UNCLAIMED_WARN] = "warn",
					     [AX_UNCLAIMED_STOP] = "stop",
					     NULL };

	options->unclaimed = parse_name(text, names);
	if (options->unclaimed < 0)
		return options_refuse(
			options, "--unclaimed %s: unknown; ones, warn and stop are known", text);
	return STATUS_OK;
}

static int parse_guest(const char *text, struct run_options *options)
{
	options->guest = embedded_guest_find(text);
	if (!options->guest)
		return options_refuse(
			options,
			"--guest %s: there is none of that name; \"axvmm guests\" lists them",
			text);
	return STATUS_OK;
}

static int parse_trace(const char *text, struct run_options *options)
{
	if (!strcmp(text, "-"))
		return options_refuse(options, "--trace -: the trace needs a file; /dev/stdout and "
					       "/dev/stderr are some");
	options->trace = text;
	return STATUS_OK;
}

static int parse_timeout(const char *text, struct run_options *options)
{
	if (!parse_seconds(text, &options->timeout_ns))
		return options_refuse(
			options,
			"--timeout %s: no number of seconds above 0 and up to %llu; 10 "
			"and 0.5 are some",
			text, (unsigned long long)SECONDS_MAX);
	return STATUS_OK;
}

/* What is behind the colon is checked by who listens there. */
static int parse_gdb(const char *text, struct run_options *options)
{
	if (strncmp(text, "unix:", 5) != 0 && strncmp(text, "tcp:", 4) != 0)
		return options_refuse(options,
				      "--gdb %s: unix:PATH, tcp:ADDRESS:PORT and "
				      "tcp:ADDRESS:PORT,remote are possible",
				      text);
	options->gdb = text;
	return STATUS_OK;
}

static int parse_load(const char *text, struct run_options *options)
{
	if (!parse_size(text, &options->load))
		return options_refuse(options, "--load %s: no address; 0x100000 and 1M are some",
				      text);
	options->given |= AX_HINT_LOAD;
	return STATUS_OK;
}

static int parse_kernel(const char *text, struct run_options *options)
{
	if (options->image)
		return options_refuse(options, "--kernel %s: one image at a time, and %s is named",
				      text, options->image);
	options->image = text;
	options->system = true;
	return STATUS_OK;
}

static int parse_name_of_vm(const char *text, struct run_options *options)
{
	if (!control_name_is_good(text))
		return options_refuse(
			options,
			"--name %s: not 1 to %d letters, digits, '.', '_' and '-', of "
			"which the first is a letter or a digit",
			text, CONTROL_NAME_MAX);
	options->name = text;
	return STATUS_OK;
}

/* Files that may be named several times, and what stands behind --console. */
static int add_to_list(struct run_options *options, const char *option, const char *text,
		       const char **list, unsigned *count, unsigned max)
{
	if (*count == max)
		return options_refuse(options, "--%s %s: more than %u of them", option, text, max);
	list[(*count)++] = text;
	return STATUS_OK;
}

static int take_text(struct run_options *options, int option, const char *value)
{
	switch (option) {
	case OPTION_CMDLINE: options->command_line = value; break;
	case OPTION_DTB: options->dtb = value; break;
	case OPTION_DUMP_FDT: options->dump_fdt = value; break;
	case OPTION_CRASH_DIR: options->crash_dir = value; break;
	case OPTION_DUMP_ACPI: options->dump_acpi = value; break;
	case OPTION_FIRMWARE:
		options->firmware = value;
		options->system = true;
		break;
	default: options->kvm = value; break;
	}
	return STATUS_OK;
}

static int take_flag(struct run_options *options, int option)
{
	switch (option) {
	case OPTION_NO_CPUID: options->no_cpuid = true; break;
	case OPTION_WAIT: options->wait = true; break;
	case OPTION_REBOOT: options->reboot = 1; break;
	case OPTION_NO_REBOOT: options->reboot = 0; break;
	case OPTION_TIMING: options->timing = true; break;
	case OPTION_MAP_IMAGES: options->map_images = true; break;
	default: options->stats = true; break;
	}
	return STATUS_OK;
}

int options_take_machine(struct run_options *options, int option, const char *value)
{
	switch (option) {
	case OPTION_MODE: return parse_mode(value, options);
	case OPTION_LOAD: return parse_load(value, options);
	case OPTION_KERNEL: return parse_kernel(value, options);
	case OPTION_MEMORY: return parse_memory(value, options);
	case OPTION_CPUS: return parse_cpus(value, options);
	case OPTION_IRQCHIP: return parse_irqchip(value, options);
	case OPTION_POWER: return parse_power(value, options);
	case OPTION_UNCLAIMED: return parse_unclaimed(value, options);
	case OPTION_TRACE: return parse_trace(value, options);
	case OPTION_RECORD: options->record = value; return STATUS_OK;
	case OPTION_GDB: return parse_gdb(value, options);
	case OPTION_TIMEOUT: return parse_timeout(value, options);
	case OPTION_GUEST: return parse_guest(value, options);
	case OPTION_NAME: return parse_name_of_vm(value, options);
	case OPTION_INITRD:
		return add_to_list(options, "initrd", value, options->initrd,
				   &options->initrd_count, AX_LOAD_MODULES_MAX);
	case OPTION_CONSOLE:
		return add_to_list(options, "console", value, options->console,
				   &options->console_count, OPTIONS_CONSOLES_MAX);
	case OPTION_NO_CPUID:
	case OPTION_WAIT:
	case OPTION_REBOOT:
	case OPTION_NO_REBOOT:
	case OPTION_STATS:
	case OPTION_TIMING:
	case OPTION_MAP_IMAGES: return take_flag(options, option);
	default: return take_text(options, option, value);
	}
}
