/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What is measured for each exit: a guest that repeats a few accesses for ever, and the program
 * around it. Run in a process of its own, which somebody else single-steps and ends.
 */
#ifndef BENCH_SCENARIO_H
#define BENCH_SCENARIO_H

#include <stddef.h>
#include <stdint.h>

/* Who answers the guest. */
enum program {
	PROGRAM_BARE,	 /* a loop in C, without any library: what is the least */
	PROGRAM_LIBRARY, /* ax_vcpu_loop() with registered ranges */
	PROGRAM_UART,	 /* and the project's UART among them */
	PROGRAM_TRACED,	 /* as PROGRAM_LIBRARY, while a trace is written */
};

enum space { SPACE_PORT, SPACE_MMIO };

struct scenario {
	const char *name; /* for people, and for `insns --run` */
	enum program program;
	enum space space;
	int is_write;
	unsigned ranges;   /* that are registered */
	unsigned accessed; /* of these, in turn; at most MOST_ACCESSED */
	unsigned apart;	   /* ranges from one of them to the next */
	unsigned offset;   /* of the access in its range */
	unsigned most;	   /* instructions that are allowed; 0: any number */
};

#define MOST_ACCESSED 1000

extern const struct scenario scenarios[];
extern const size_t scenario_count;

/* Where the guest's code is, and how it looks: 32-bit protected mode, flat, no paging. */
#define SCENARIO_RAM   0x10000
#define SCENARIO_ENTRY 0x1000

/* The address of the @index-th range that is registered. */
uint64_t scenario_base(const struct scenario *scenario, unsigned index);

/* Write the guest to @ram (SCENARIO_RAM bytes from guest address 0). */
void scenario_guest(const struct scenario *scenario, uint8_t *ram);

/* Run it: only returns when something fails, after a message. */
void scenario_run_bare(const struct scenario *scenario);
void scenario_run_library(const struct scenario *scenario);

#endif
