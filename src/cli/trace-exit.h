/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One exit and its answer as a JSON object.
 */
#ifndef AXVMM_CLI_TRACE_EXIT_H
#define AXVMM_CLI_TRACE_EXIT_H

#include <axvmm/trace.h>

#include "cli/json.h"

/* @whose: the device that its address belongs to; NULL: none is named. */
void trace_write_exit(struct json *json, const AxExitRecord *record, const char *whose);

#endif
