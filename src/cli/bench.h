/* SPDX-License-Identifier: Apache-2.0 */
/*
 * axvmm bench: what its parts share. A benchmark has rows that are measured in turn, round by round,
 * so that what else the host does strikes all of them alike; each is compared with the first one, or with
 * the one that begins its group.
 */
#ifndef AXVMM_CLI_BENCH_H
#define AXVMM_CLI_BENCH_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <axvmm/axvmm.h>

#include "guests/embedded.h"

#define BENCH_ROWS   16
#define BENCH_ROUNDS 200 /* at most */
#define BENCH_LACKS  4

struct bench_row {
	char name[56];
	unsigned kind;	    /* its benchmark's */
	unsigned reference; /* the row that it is compared with */
	double samples[BENCH_ROUNDS];
};

struct bench {
	const char *name;
	const char *unit; /* of the samples */
	const char *what; /* they are */
	const char *kvm;  /* path of the device */
	uint64_t ns;	  /* that it may take */
	bool more_is_better;
	unsigned row_count, rounds;
	struct bench_row rows[BENCH_ROWS];
	char lacks[BENCH_LACKS][96]; /* what was not measured, and why */
	unsigned lack_count;
};

/* A row to be measured, once for each round: fills *sample. Returns a status, after a message. */
typedef int bench_measure(struct bench *bench, unsigned row, double *sample);

/* The next row's name; it is compared with the first. */
void bench_add(struct bench *bench, const char *format, ...) AX_PRINTF(2, 3);
/* The same, of this kind, and compared with row @reference, which may be itself. */
void bench_add_to(struct bench *bench, unsigned kind, unsigned reference, const char *name);
/* Something is not measured. */
void bench_lacks(struct bench *bench, const char *what);

/* Rounds of all rows until the time is over; one round at least. */
int bench_rounds(struct bench *bench, bench_measure *measure);

/* The benchmarks: name the rows and measure them. They return a status. */
int bench_exits(struct bench *bench);
int bench_devices(struct bench *bench);
int bench_smp(struct bench *bench);
int bench_start(struct bench *bench);
int bench_memory(struct bench *bench);

uint64_t bench_now(void);

/* bench-vm.c: a guest that writes to places in turn, under ax_vcpu_loop(). */
struct bench_vm {
	uint64_t count; /* writes of each vCPU */
	unsigned
		ranges; /* that are registered and written to in turn; 0: the test device's place */
	unsigned vcpus; /* each writes to a range of its own when there are several */
	bool with_notify; /* the place is an ioeventfd's */
	bool coalesced;	  /* the place's writes are collected */
	bool ports;	  /* the place is a port: bench_vm_has_ports() */
	uint64_t ns;	  /* that the writes took: filled by bench_vm_run() */
	bool by_kvm;	  /* what with_notify or coalesced asks for is KVM's to do: filled, too */
};
int bench_vm_run(const struct bench *bench, struct bench_vm *what);

/* Whether there is a guest that writes to a port. */
bool bench_vm_has_ports(void);

/* bench-irq.c: nanoseconds of raising an interrupt, and until the guest has taken it. */
int bench_irq_run(const struct bench *bench, bool by_irqfd, double *raising, double *taking);

/* Whether there is a guest that takes interrupts, and a KVM that raises them by irqfds. */
bool bench_irq_is_there(const struct bench *bench);

/* bench-process.c: run the floor's program with a guest, whose bench count is @count if that is not 0:
 * the nanoseconds and exits that it tells. */
int bench_floor_run(const struct bench *bench, const char *guest, uint64_t count, uint64_t *ns,
		    uint64_t *exits);

#endif
