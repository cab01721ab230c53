/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a run boots: a file with its modules, or an embedded guest with what its row in guests.list
 * says.
 */
#ifndef AXVMM_CLI_SOURCE_H
#define AXVMM_CLI_SOURCE_H

#include <axvmm/machine.h>

#include "cli/options.h"

struct source {
	AxImageSource image;
	AxImageSource firmware;
	AxImageSource dtb;
	AxLoadOptions load;
	AxLoadModule modules[AX_LOAD_MODULES_MAX];
};

/* Open the files. Returns STATUS_OK, or another status after a message. source_close() is needed in
 * any case. */
int source_open(struct source *source, const struct run_options *options);
void source_close(struct source *source, const struct run_options *options);

/* What runs, for people: a path or a guest's name. */
const char *source_name(const struct run_options *options);

/*
 * The option by which the run reads the file at @path, or keeps a guest's disk in it, so that nothing
 * else may be written there: "--kernel"; NULL: none does.
 */
const char *source_option_of(const struct run_options *options, const char *path);

/* How many vCPUs the guest gets. */
uint32_t source_cpus(const struct run_options *options);

/* Fill what a machine's options say of the guest. They borrow @source. */
void source_describe(const struct source *source, const struct run_options *options,
		     AxMachineOptions *machine);

/* What an embedded guest needs done to its vCPU before it runs: 0, or a negative errno. */
int source_prepare(const struct run_options *options, AxMachine *machine, AxError *err);

#endif
