/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What this host has, beside KVM, that the devices of "axvmm run" use: each was tried.
 */
#ifndef AXVMM_CLI_DOCTOR_HOST_H
#define AXVMM_CLI_DOCTOR_HOST_H

#include <stdbool.h>

struct host_part {
	const char *name;
	const char *use;
	bool works;
	char without[200]; /* why it does not work; "": it does */
	char advice[200];  /* what to do about it; "": nothing */
};

/* Fill @part with the one at @index; false past the end. */
bool host_part(unsigned index, struct host_part *part);

#endif
