/* SPDX-License-Identifier: Apache-2.0 */
/*
 * axvmm top: what running VMs are busy with. The data come over their control sockets (request
 * "stats"); what is shown is the difference between two answers.
 */
#ifndef AXVMM_CLI_TOP_H
#define AXVMM_CLI_TOP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include "cli/control-client.h"

/* A VM that is looked at. */
struct top_vm {
	char name[CONTROL_NAME_MAX + 1];
	struct control_link link;  /* fd -1: not connected */
	struct json_value *before; /* NULL at first */
	struct json_value *now;
	bool seen; /* answered the last time */
};

struct top {
	struct top_vm *vms;
	size_t count;
	char *const *wanted; /* names; NULL-terminated; none: all */
};

/* A rate by the name of what it is of. */
struct top_rate {
	const char *name; /* of the answer's */
	double per_s;
};

/* What a device does. */
struct top_device {
	const char *name;
	double exits;	      /* a second: sampled */
	double notifications; /* a second: exact, of virtio devices; with and without an exit */
	double requests;
	double interrupts;
};

/* top-data.c */

/*
 * Ask all VMs. Those that have gone are forgotten, new ones found, unless names are wanted.
 * Returns STATUS_OK, or another status after a message.
 */
int top_ask(struct top *top);
void top_free(struct top *top);

/* How often in a second the VM's @member's counter @key grew: member is an object of the answer. */
double top_rate(const struct top_vm *vm, const struct json_value *now,
		const struct json_value *before, const char *key);

/* Exits a second of all vCPUs together, or of the one at @vcpu of the answer. */
double top_exits(const struct top_vm *vm);
double top_vcpu_exits(const struct top_vm *vm, const struct json_value *vcpu);

/* Exits a second by reason, the most first: returns how many of up to @max there are. */
size_t top_reasons(const struct top_vm *vm, struct top_rate *rates, size_t max);

/* Devices, the hottest first. */
size_t top_devices(const struct top_vm *vm, struct top_device *devices, size_t max);

/* Whether a device did anything: what the hottest one has to have done. */
bool top_is_busy(const struct top_device *device);

/* KVM's counters that grew, of the VM and of its vCPUs, the most first. */
size_t top_kvm(const struct top_vm *vm, struct top_rate *rates, size_t max);

/* A number of an object; 0 when there is none. */
uint64_t top_number(const struct json_value *object, const char *key);

/* top-view.c: text of @width columns. Each line ends with @end. At most @height lines; 0: any. */
void top_draw(const struct top *top, FILE *file, size_t width, size_t height, const char *end,
	      const char *headline);

/* top-json.c: one object, a line. */
void top_print_json(const struct top *top, double interval);

/* top-screen.c */

/* Why waiting ended. */
enum top_event { TOP_TIME, TOP_RESIZED, TOP_QUIT };

/* Take the terminal; false: standard input and output are none. */
bool top_screen_enter(void);
/* As it was. Async-signal-safe. */
void top_screen_leave(void);
/* Wait up to so long for a key or a signal. *signal: the one that ends us, or 0. */
enum top_event top_screen_wait(uint64_t ns, int *signal);
/* Draw it all at once. */
void top_screen_draw(const struct top *top, const char *headline);

#endif
