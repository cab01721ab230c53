/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The command line of "axvmm run".
 */
#include <getopt.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include <axvmm/machine.h>

#include "cli/cli.h"
#include "cli/number.h"
#include "cli/options.h"

enum run_option {
	OPTION_MODE = 0x100,
	OPTION_LOAD,
	OPTION_MEMORY,
	OPTION_CPUS,
	OPTION_CMDLINE,
	OPTION_INITRD,
	OPTION_IRQCHIP,
	OPTION_POWER,
	OPTION_UNCLAIMED,
	OPTION_NO_CPUID,
	OPTION_STATS,
	OPTION_TRACE,
	OPTION_TIMEOUT,
	OPTION_GUEST,
	OPTION_KVM,
};

static const struct option long_options[] = {
	{ "mode", required_argument, NULL, OPTION_MODE },
	{ "load", required_argument, NULL, OPTION_LOAD },
	{ "memory", required_argument, NULL, OPTION_MEMORY },
	{ "cpus", required_argument, NULL, OPTION_CPUS },
	{ "cmdline", required_argument, NULL, OPTION_CMDLINE },
	{ "initrd", required_argument, NULL, OPTION_INITRD },
	{ "irqchip", required_argument, NULL, OPTION_IRQCHIP },
	{ "power", required_argument, NULL, OPTION_POWER },
	{ "unclaimed", required_argument, NULL, OPTION_UNCLAIMED },
	{ "no-cpuid", no_argument, NULL, OPTION_NO_CPUID },
	{ "stats", no_argument, NULL, OPTION_STATS },
	{ "trace", required_argument, NULL, OPTION_TRACE },
	{ "timeout", required_argument, NULL, OPTION_TIMEOUT },
	{ "guest", required_argument, NULL, OPTION_GUEST },
	{ "kvm", required_argument, NULL, OPTION_KVM },
	{ "help", no_argument, NULL, 'h' },
	{ NULL, 0, NULL, 0 },
};

static int parse_mode(const char *text, struct run_options *options)
{
	static const char *const names[] = { "real", "protected", "long", NULL };
	static const uint32_t modes[] = { AX_MODE_REAL, AX_MODE_PROTECTED, AX_MODE_LONG };
	int index = parse_name(text, names);

	if (index < 0)
		return cli_usage("--mode %s: unknown; real, protected and long are known", text);
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
		return cli_usage("--memory %s: no size; 64M, 1G and 0x4000000 are some", text);
	if (!options->memory)
		return cli_usage("--memory %s: a guest needs some; 128M is the default", text);
	if (options->memory % AX_MACHINE_MEMORY_UNIT) {
		uint64_t units = options->memory / AX_MACHINE_MEMORY_UNIT + 1;
		bool plain = strspn(text, "0123456789") == strlen(text);

		return cli_usage(
			"--memory %s: not a multiple of %d bytes; %" PRIu64 "K would be%s%s%s",
			text, AX_MACHINE_MEMORY_UNIT, units * (AX_MACHINE_MEMORY_UNIT / 1024),
			plain ? ", and " : "", plain ? text : "", plain ? "M is so many MiB" : "");
	}
	if (pages <= 0 || page_size <= 0)
		return STATUS_OK;
	host = (uint64_t)pages * (uint64_t)page_size;
	if (options->memory > host)
		return cli_usage("--memory %s: %s is more than this host's %s", text,
				 format_size(options->memory, asked), format_size(host, has));
	return STATUS_OK;
}

static int parse_cpus(const char *text, struct run_options *options)
{
	uint64_t number;

	if (!parse_number(text, AX_MACHINE_CPUS_MAX, &number) || !number)
		return cli_usage("--cpus %s: not a number from 1 to %d", text, AX_MACHINE_CPUS_MAX);
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

	options->irqchip = parse_name(text, names);
	if (options->irqchip < 0)
		return cli_usage("--irqchip %s: unknown; none, kernel, user and split are known",
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
		return cli_usage("--power %s: unknown; auto, kernel and user are known", text);
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
		return cli_usage("--unclaimed %s: unknown; ones, warn and stop are known", text);
	return STATUS_OK;
}

static int parse_guest(const char *text, struct run_options *options)
{
	options->guest = embedded_guest_find(text);
	if (!options->guest)
		return cli_usage(
			"--guest %s: there is none of that name; \"axvmm guests\" lists them",
			text);
	return STATUS_OK;
}

/* An option with a value, or --stats. */
static int take_option(int option, const char *value, struct run_options *options)
{
	switch (option) {
	case OPTION_MODE: return parse_mode(value, options);
	case OPTION_LOAD:
		if (!parse_size(value, &options->load))
			return cli_usage("--load %s: no address; 0x100000 and 1M are some", value);
		options->given |= AX_HINT_LOAD;
		return STATUS_OK;
	case OPTION_MEMORY: return parse_memory(value, options);
	case OPTION_CPUS: return parse_cpus(value, options);
	case OPTION_CMDLINE: options->command_line = value; return STATUS_OK;
	case OPTION_INITRD:
		if (options->initrd_count == AX_LOAD_MODULES_MAX)
			return cli_usage("--initrd %s: more than %d files", value,
					 AX_LOAD_MODULES_MAX);
		options->initrd[options->initrd_count++] = value;
		return STATUS_OK;
	case OPTION_IRQCHIP: return parse_irqchip(value, options);
	case OPTION_POWER: return parse_power(value, options);
	case OPTION_UNCLAIMED: return parse_unclaimed(value, options);
	case OPTION_NO_CPUID: options->no_cpuid = true; return STATUS_OK;
	case OPTION_STATS: options->stats = true; return STATUS_OK;
	case OPTION_TRACE:
		if (!strcmp(value, "-"))
			return cli_usage("--trace -: the trace needs a file; /dev/stdout and "
					 "/dev/stderr are some");
		options->trace = value;
		return STATUS_OK;
	case OPTION_TIMEOUT:
		if (!parse_seconds(value, &options->timeout_ns))
			return cli_usage(
				"--timeout %s: no number of seconds above 0 and up to %llu; 10 "
				"and 0.5 are some",
				value, (unsigned long long)SECONDS_MAX);
		return STATUS_OK;
	case OPTION_GUEST: return parse_guest(value, options);
	default: options->kvm = value; return STATUS_OK;
	}
}

/* What options say together. */
static int check_together(struct run_options *options)
{
	if (options->image && !strcmp(options->image, "-"))
		return cli_usage("run -: an image is not read from standard input; name a file");
	if (options->guest && options->image)
		return cli_usage("%s and --guest %s: only one of them can run", options->image,
				 options->guest->name);
	if (options->guest && options->given)
		return cli_usage("--guest %s: it has a mode and a load address of its own",
				 options->guest->name);
	if (options->image || options->guest)
		return STATUS_OK;
	if (options->given)
		return cli_usage("--mode and --load are for an image, and none is named");
	if (!embedded_guests[0].name)
		return cli_usage("no guest is embedded here: name an image");
	options->guest = &embedded_guests[0];
	options->demonstration = true;
	return STATUS_OK;
}

int options_parse(int argc, char **argv, struct run_options *options, bool *help)
{
	int option, status;

	*options = (struct run_options){ .irqchip = -1, .power = -1, .unclaimed = -1 };
	*help = false;
	optind = 1;
	opterr = 0;
	while ((option = getopt_long(argc, argv, ":h", long_options, NULL)) != -1) {
		if (option == 'h') {
			*help = true;
			return STATUS_OK;
		}
		if (option == '?' || option == ':')
			return cli_bad_option("run", option, argv, long_options);
		status = take_option(option, optarg, options);
		if (status)
			return status;
	}
	if (optind < argc)
		options->image = argv[optind++];
	if (optind < argc)
		return cli_usage("run: one image at a time: %s and then %s", options->image,
				 argv[optind]);
	return check_together(options);
}
