/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The command line of "axvmm run": which options there are, in which order they count, and what they
 * say together.
 */
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <axvmm/axvmm.h>
#include <axvmm/machine.h>
#include <axvmm/probe.h>

#include "cli/cli.h"
#include "cli/consoles.h"
#include "cli/options-private.h"

const struct option run_long_options[] = {
	{ "mode", required_argument, NULL, OPTION_MODE },
	{ "load", required_argument, NULL, OPTION_LOAD },
	{ "kernel", required_argument, NULL, OPTION_KERNEL },
	{ "firmware", required_argument, NULL, OPTION_FIRMWARE },
	{ "memory", required_argument, NULL, OPTION_MEMORY },
	{ "cpus", required_argument, NULL, OPTION_CPUS },
	{ "cmdline", required_argument, NULL, OPTION_CMDLINE },
	{ "append", required_argument, NULL, OPTION_CMDLINE },
	{ "initrd", required_argument, NULL, OPTION_INITRD },
	{ "dtb", required_argument, NULL, OPTION_DTB },
	{ "irqchip", required_argument, NULL, OPTION_IRQCHIP },
	{ "power", required_argument, NULL, OPTION_POWER },
	{ "unclaimed", required_argument, NULL, OPTION_UNCLAIMED },
	{ "no-cpuid", no_argument, NULL, OPTION_NO_CPUID },
	{ "disk", required_argument, NULL, OPTION_DISK },
	{ "net", required_argument, NULL, OPTION_NET },
	{ "share", required_argument, NULL, OPTION_SHARE },
	{ "vsock", required_argument, NULL, OPTION_VSOCK },
	{ "rng", no_argument, NULL, OPTION_RNG },
	{ "balloon", optional_argument, NULL, OPTION_BALLOON },
	{ "console", required_argument, NULL, OPTION_CONSOLE },
	{ "name", required_argument, NULL, OPTION_NAME },
	{ "reboot", no_argument, NULL, OPTION_REBOOT },
	{ "no-reboot", no_argument, NULL, OPTION_NO_REBOOT },
	{ "dump-fdt", required_argument, NULL, OPTION_DUMP_FDT },
	{ "dump-acpi", required_argument, NULL, OPTION_DUMP_ACPI },
	{ "stats", no_argument, NULL, OPTION_STATS },
	{ "timing", no_argument, NULL, OPTION_TIMING },
	{ "map-images", no_argument, NULL, OPTION_MAP_IMAGES },
	{ "trace", required_argument, NULL, OPTION_TRACE },
	{ "record", required_argument, NULL, OPTION_RECORD },
	{ "gdb", required_argument, NULL, OPTION_GDB },
	{ "wait", no_argument, NULL, OPTION_WAIT },
	{ "crash-dir", required_argument, NULL, OPTION_CRASH_DIR },
	{ "timeout", required_argument, NULL, OPTION_TIMEOUT },
	{ "guest", required_argument, NULL, OPTION_GUEST },
	{ "kvm", required_argument, NULL, OPTION_KVM },
	{ "config", required_argument, NULL, OPTION_CONFIG },
	{ "help", no_argument, NULL, 'h' },
	{ NULL, 0, NULL, 0 },
};

struct options_text {
	struct options_text *next;
	char text[];
};

char *options_copy(struct run_options *options, const char *text)
{
	size_t size = strlen(text) + 1;
	struct options_text *copy = malloc(sizeof(*copy) + size);

	if (!copy) {
		cli_message("there is no memory left");
		return NULL;
	}
	memcpy(copy->text, text, size);
	copy->next = options->texts;
	options->texts = copy;
	return copy->text;
}

void options_free(struct run_options *options)
{
	while (options->devices) {
		struct device_options *device = options->devices;

		options->devices = device->next;
		free(device);
	}
	while (options->texts) {
		struct options_text *text = options->texts;

		options->texts = text->next;
		free(text);
	}
}

int options_refuse(const struct run_options *options, const char *format, ...)
{
	char text[768];
	va_list args;

	va_start(args, format);
	vsnprintf(text, sizeof(text), format, args);
	va_end(args);
	return cli_usage("%s%s", options->where, text);
}

const struct option *options_find(const char *name)
{
	for (const struct option *option = run_long_options; option->name; option++) {
		if (!strcmp(option->name, name))
			return option;
	}
	return NULL;
}

bool options_reboot(const struct run_options *options)
{
	return options->reboot < 0 ? options->system : options->reboot;
}

/* What a file has filled is the command line's alone once that names the same option. */
static void drop_from_file(struct run_options *options, int option)
{
	uint64_t bit = 1ULL << (option - OPTION_MODE);

	if (*options->where || !(options->from_file & bit))
		return;
	options->from_file &= ~bit;
	switch (option) {
	case OPTION_INITRD: options->initrd_count = 0; break;
	case OPTION_CONSOLE: options->console_count = 0; break;
	default: options_drop_device(options, option); break;
	}
}

/* One of those that say what runs. */
static void drop_image(struct run_options *options)
{
	uint64_t bits =
		1ULL << (OPTION_KERNEL - OPTION_MODE) | 1ULL << (OPTION_GUEST - OPTION_MODE);

	if (*options->where || !(options->from_file & bits))
		return;
	options->from_file &= ~bits;
	options->image = NULL;
	options->guest = NULL;
	options->system = false;
}

int options_take(struct run_options *options, int option, const char *value)
{
	if (option == OPTION_CONFIG)
		return *options->where
			       ? options_refuse(options, "config: a file names no other one")
			       : STATUS_OK;
	if (option == OPTION_KERNEL || option == OPTION_GUEST)
		drop_image(options);
	drop_from_file(options, option);
	if (*options->where)
		options->from_file |= 1ULL << (option - OPTION_MODE);
	if (options_is_device(option))
		return options_split_device(options, option, value);
	return options_take_machine(options, option, value);
}

/* On x86-64 the irqchip's owner answers power calls. */
static int check_power(struct run_options *options)
{
	bool kernel = options->irqchip == AX_IRQCHIP_KERNEL || options->irqchip == AX_IRQCHIP_SPLIT;

	if (strcmp(ax_arch_name(), "x86-64") != 0 || options->power <= AX_POWER_AUTO)
		return STATUS_OK;
	if (options->irqchip < 0 && options->power == AX_POWER_KERNEL)
		options->irqchip = AX_IRQCHIP_KERNEL;
	else if (options->irqchip >= 0 && kernel != (options->power == AX_POWER_KERNEL))
		return cli_usage("--power %s and --irqchip %s: on x86-64 who has the local APICs "
				 "starts the CPUs: --power %s would do, or --irqchip %s",
				 kernel ? "user" : "kernel",
				 options->irqchip == AX_IRQCHIP_KERNEL	? "kernel"
				 : options->irqchip == AX_IRQCHIP_SPLIT ? "split"
				 : options->irqchip == AX_IRQCHIP_USER	? "user"
									: "none",
				 kernel ? "kernel" : "user", kernel ? "user" : "kernel");
	return STATUS_OK;
}

static int check_devices(const struct run_options *options)
{
	uint32_t count = 0, slots = ax_machine_slots();

	for (const struct device_options *device = options->devices; device; device = device->next)
		count++;
	/* Consoles are ports of one device. */
	for (unsigned i = 0; i < options->console_count; i++) {
		if (console_is_virtio(options->console[i])) {
			count++;
			break;
		}
	}
	if (count <= slots)
		return STATUS_OK;
	return cli_usage("%u virtio devices are too many: a machine of %s has slots for %u "
			 "(--disk, --net, --share, --vsock, --rng and --balloon take one each, all "
			 "--console virtio= together one)",
			 count, ax_arch_name(), slots);
}

uint64_t options_memory(const struct run_options *options)
{
	if (options->memory)
		return options->memory;
	return options->guest ? options->guest->memory : AX_MACHINE_MEMORY_DEFAULT;
}

/* What runs, and what is for it alone. */
static int check_image(struct run_options *options)
{
	if (options->image && !strcmp(options->image, "-"))
		return cli_usage("run -: an image is not read from standard input; name a file");
	if (options->guest && options->image)
		return cli_usage("%s and --guest %s: only one of them can run", options->image,
				 options->guest->name);
	if (options->firmware && (options->image || options->guest))
		return cli_usage(
			"--firmware %s and %s: firmware runs instead of it; a disk is where "
			"it looks for a kernel",
			options->firmware, options->guest ? options->guest->name : options->image);
	if (options->guest && options->given)
		return cli_usage("--guest %s: it has a mode and a load address of its own",
				 options->guest->name);
	if (options->wait && !options->gdb)
		return cli_usage("--wait: it is gdb that is waited for, and there is no --gdb");
	if (options->image || options->guest)
		return STATUS_OK;
	if (options->given)
		return cli_usage("--mode and --load are for an image, and none is named");
	if (options->firmware)
		return STATUS_OK;
	if (options->command_line || options->initrd_count || options->dtb)
		return cli_usage("%s %s: no kernel is named that would get it: --kernel FILE does",
				 options->command_line	 ? "--append"
				 : options->initrd_count ? "--initrd"
							 : "--dtb",
				 options->command_line	 ? options->command_line
				 : options->initrd_count ? options->initrd[0]
							 : options->dtb);
	if (!embedded_guests[0].name)
		return cli_usage("no guest is embedded here: name an image");
	options->guest = &embedded_guests[0];
	options->demonstration = true;
	return STATUS_OK;
}

/* What options say together. */
static int check_together(struct run_options *options)
{
	int status = check_power(options);

	if (!status)
		status = check_devices(options);
	if (!status)
		status = check_image(options);
	return status ? status : options_check_devices(options);
}

/* One image that stands without an option. */
static int take_operand(int argc, char **argv, struct run_options *options)
{
	if (optind == argc)
		return STATUS_OK;
	drop_image(options);
	if (options->image)
		return cli_usage("run: one image at a time: --kernel %s and then %s",
				 options->image, argv[optind]);
	options->image = argv[optind++];
	if (optind < argc)
		return cli_usage("run: one image at a time: %s and then %s", options->image,
				 argv[optind]);
	return STATUS_OK;
}

/* The options in their order; @only: this one alone, but with its being there all are checked. */
static int walk(int argc, char **argv, struct run_options *options, bool look, bool *help)
{
	int option, status;

	optind = 0; /* anew, which GNU's does not do with 1 where options follow the image */
	opterr = 0;
	while ((option = getopt_long(argc, argv, ":h", run_long_options, NULL)) != -1) {
		if (option == 'h') {
			*help = true;
			return STATUS_OK;
		}
		if (option == '?' || option == ':')
			return cli_bad_option("run", option, argv, run_long_options);
		if (look) {
			if (option == OPTION_CONFIG && options->config)
				return cli_usage("--config %s: one file at a time, and %s is named "
						 "already",
						 optarg, options->config);
			if (option == OPTION_CONFIG)
				options->config = optarg;
			continue;
		}
		status = options_take(options, option, optarg);
		if (status)
			return status;
	}
	return STATUS_OK;
}

int options_parse(int argc, char **argv, struct run_options *options, bool *help)
{
	int status;

	*options = (struct run_options){
		.irqchip = -1, .power = -1, .unclaimed = -1, .reboot = -1, .where = ""
	};
	*help = false;
	status = walk(argc, argv, options, true, help);
	if (!status && !*help && options->config)
		status = config_read(options);
	if (!status && !*help)
		status = walk(argc, argv, options, false, help);
	if (status || *help)
		return status;
	status = take_operand(argc, argv, options);
	return status ? status : check_together(options);
}
