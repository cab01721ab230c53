/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the files that understand the options of "axvmm run" share.
 */
#ifndef AXVMM_CLI_OPTIONS_PRIVATE_H
#define AXVMM_CLI_OPTIONS_PRIVATE_H

#include <getopt.h>

#include "cli/options.h"
#include "cli/params.h"

enum run_option {
	OPTION_MODE = 0x100,
	OPTION_LOAD,
	OPTION_KERNEL,
	OPTION_FIRMWARE,
	OPTION_MEMORY,
	OPTION_CPUS,
	OPTION_CMDLINE,
	OPTION_INITRD,
	OPTION_DTB,
	OPTION_IRQCHIP,
	OPTION_POWER,
	OPTION_UNCLAIMED,
	OPTION_NO_CPUID,
	OPTION_DISK,
	OPTION_NET,
	OPTION_SHARE,
	OPTION_VSOCK,
	OPTION_RNG,
	OPTION_BALLOON,
	OPTION_CONSOLE,
	OPTION_NAME,
	OPTION_REBOOT,
	OPTION_NO_REBOOT,
	OPTION_DUMP_FDT,
	OPTION_DUMP_ACPI,
	OPTION_STATS,
	OPTION_TIMING,
	OPTION_MAP_IMAGES,
	OPTION_TRACE,
	OPTION_RECORD,
	OPTION_GDB,
	OPTION_WAIT,
	OPTION_CRASH_DIR,
	OPTION_TIMEOUT,
	OPTION_GUEST,
	OPTION_KVM,
	OPTION_CONFIG,
};

/* As getopt_long() wants them. */
extern const struct option run_long_options[];

/* The option @name, without dashes; NULL when there is none. */
const struct option *options_find(const char *name);

/* A message that begins with where the option stands. Returns STATUS_USAGE. */
int options_refuse(const struct run_options *options, const char *format, ...)
	__attribute__((format(printf, 2, 3)));

/* Take an option. @value: NULL where it has none. Returns STATUS_OK, or STATUS_USAGE after a message.
 * Likewise the rest. */
int options_take(struct run_options *options, int option, const char *value);

/* options-machine.c: options with one value. */
int options_take_machine(struct run_options *options, int option, const char *value);

/* options-devices.c: options that make a device. @params: its parameters. */
int options_take_device(struct run_options *options, int option, const struct params *params);
/* The same from text: "root.img,ro"; NULL: none. */
int options_split_device(struct run_options *options, int option, const char *value);
/* What devices say together, and of what runs. */
int options_check_devices(const struct run_options *options);
bool options_is_device(int option);
/* Forget the devices of @option that came from a file. */
void options_drop_device(struct run_options *options, int option);

/* A copy of @text that lives as long as the options; NULL, after a message, when there is no memory. */
char *options_copy(struct run_options *options, const char *text);

/* config.c: take what options->config says. STATUS_OK; STATUS_USAGE, STATUS_HOST after a message. */
int config_read(struct run_options *options);

#endif
