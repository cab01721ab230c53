/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What "axvmm run" was asked for.
 */
#ifndef AXVMM_CLI_OPTIONS_H
#define AXVMM_CLI_OPTIONS_H

#include <stdbool.h>
#include <stdint.h>

#include <axvmm/boot.h>

#include "guests/embedded.h"

struct run_options {
	const char *image;		    /* a file; NULL: guest */
	const struct embedded_guest *guest; /* NULL: image */
	bool demonstration;		    /* neither was named: show what happens */
	uint32_t given;			    /* AX_HINT_* */
	uint32_t mode;			    /* an AxCpuMode */
	uint64_t load;
	uint64_t memory;	  /* bytes; 0: not given */
	uint32_t cpus;		  /* 0: not given */
	int irqchip;		  /* an AxIrqchip; -1: not given */
	int power;		  /* an AxPower; -1: not given */
	int unclaimed;		  /* an AxUnclaimed; -1: not given */
	const char *command_line; /* NULL: none */
	const char *initrd[AX_LOAD_MODULES_MAX];
	unsigned initrd_count;
	bool no_cpuid;
	bool stats;
	const char *trace;   /* a file; NULL: none */
	uint64_t timeout_ns; /* 0: none */
	const char *kvm;     /* NULL: /dev/kvm */
};

/*
 * Understand the command line of "axvmm run". Strings stay where they are in @argv. Returns
 * STATUS_OK, or STATUS_USAGE after a message. *help: it asks for help only.
 */
int options_parse(int argc, char **argv, struct run_options *options, bool *help);

#endif
